#include "listen.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "mem.h"
#include "metrics.h"

/* Splits where into o->host and o->port, or o->path; to be freed: *memory. */
static bool parse(const char *where, struct http_options *o, char **memory)
{
	char *text = mem_str(strncmp(where, "tcp:", 4) == 0 ? where + 4 : where), *colon = strrchr(text, ':'), *host = text;
	uint64_t port;
	size_t n;

	*memory = text;
	if (strncmp(text, "unix:", 5) == 0) {
		o->path = text + 5;
		return text[5] != '\0';
	}
	if (colon == NULL || !opt_u64(colon + 1, &port) || port > 65535)
		return false;
	*colon = '\0';
	n = strlen(host);
	if (n > 2 && host[0] == '[' && host[n - 1] == ']') {
		host[n - 1] = '\0';
		host++;
	}
	o->host = strcmp(host, "localhost") == 0 ? "127.0.0.1" : host;
	o->port = (int)port;
	return host[0] != '\0';
}

/* For scripts: whole or not at all, and there before the program says that it is ready. */
static bool write_port(const char *path, int port)
{
	char *temp = mem_fmt("%s.%ld", path, (long)getpid());
	FILE *f = fopen(temp, "w");
	bool ok = f != NULL && fprintf(f, "%d\n", port) > 0;

	if (f != NULL)
		ok = fclose(f) == 0 && ok;
	if (ok && rename(temp, path) != 0)
		ok = false;
	if (!ok) {
		log_err("%s: %m", path);
		unlink(temp);
	}
	free(temp);
	return ok;
}

bool listen_ok(const char *where)
{
	struct http_options o = { 0 };
	char *memory;
	bool ok = parse(where, &o, &memory);

	free(memory);
	return ok;
}

struct http_server *listen_open(uv_loop_t *loop, const struct listen_options *o, void (*handler)(struct http_req *req, void *arg),
                                void *arg)
{
	struct http_options h = { .tls_cert = o->tls_cert, .tls_key = o->tls_key, .connections_max = o->connections };
	struct http_server *s = NULL;
	char *memory;

	if (parse(o->where, &h, &memory))
		s = http_listen(loop, &h, handler, arg);
	if (s != NULL && h.path == NULL && !write_port(o->port_file, http_port(s))) {
		http_free(s);
		s = NULL;
	}
	free(memory);
	return s;
}

struct net_peer *listen_dial(struct daemon *d, const struct cluster_addrs *addrs, const char *what)
{
	struct net_peer *p;
	char *addr;

	if (addrs->n == 0) {
		log_err("the cluster file names no %s", what);
		return NULL;
	}
	addr = daemon_addr(d, addrs->v[0]);
	p = net_dial(d->net, addr, NULL, NULL);
	free(addr);
	return p;
}

/* Nobody has business with a router but what net answers by itself. */
static void on_message(void *arg, struct net_conn *c, uint64_t rid, unsigned type, struct bytes body)
{
	(void)arg;
	(void)rid;
	(void)type;
	(void)body;
	net_conn_drop(c, "a router takes no requests here");
}

void listen_control(struct daemon *d)
{
	char *addr;

	if (d->cluster.router.n == 0)
		return;
	addr = daemon_addr(d, d->cluster.router.v[0]);
	if (net_listen(d->net, addr, on_message, NULL) == NULL)
		log_warn("goes on without answering for metrics at %s", addr);
	free(addr);
}

void listen_metrics(const struct http_server *s, struct buf *out)
{
	struct metrics_count v[6];
	const struct http_counts *c;
	struct metrics_gauge connections = { 0 };

	if (s == NULL)
		return;
	c = http_counts(s);
	const uint64_t values[] = { c->accepted, c->full, c->refused, c->timeouts, c->bytes_in, c->bytes_out };
	const struct metrics_row rows[] = {
		METRICS_COUNT("ddb_http_accepted_total", NULL, "connections accepted", &v[0]),
		METRICS_COUNT("ddb_http_full_total", NULL, "connections beyond --connections", &v[1]),
		METRICS_COUNT("ddb_http_refused_total", NULL, "requests that were not HTTP as we take it", &v[2]),
		METRICS_COUNT("ddb_http_timeouts_total", NULL, "connections that were too slow", &v[3]),
		METRICS_COUNT("ddb_http_received_bytes_total", NULL, "bytes from clients", &v[4]),
		METRICS_COUNT("ddb_http_sent_bytes_total", NULL, "bytes to clients", &v[5]),
		METRICS_GAUGE("ddb_http_connections", NULL, "clients connected", &connections),
	};

	for (size_t i = 0; i < 6; i++) {
		v[i] = (struct metrics_count){ 0 };
		metrics_add(&v[i], values[i]);
	}
	metrics_set(&connections, c->connections);
	metrics_print(rows, sizeof rows / sizeof rows[0], out);
}
