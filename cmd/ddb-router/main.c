/* ddb-router: the front door.  See ddb-router(8). */
#include <stdlib.h>
#include <string.h>

#include "api.h"
#include "daemon.h"
#include "exit.h"
#include "listen.h"
#include "log.h"
#include "mem.h"

#define RELOAD_MS 2000                           /* how often the credentials are looked at */

static struct daemon d = DAEMON_INIT;
static const char *where = "127.0.0.1:8000", *port_file, *credentials, *region, *tls_cert, *tls_key;
static uint64_t connections = HTTP_CONNECTIONS_DEFAULT, inflight = API_INFLIGHT_DEFAULT, ttl_change_ms = 3600000;

static const struct opt opts[] = {
	DAEMON_OPTS(d),
	OPT_STR('l', "listen", "HOST:PORT", "where to serve, or unix:PATH (127.0.0.1:8000; port 0: any)", &where),
	OPT_STR(0, "port-file", "FILE", "write the bound port there (HOME/port)", &port_file),
	OPT_STR(0, "credentials", "FILE", "access keys, in AWS's format (HOME/credentials)", &credentials),
	OPT_STR(0, "region", "NAME", "region that requests must name (the cluster's)", &region),
	OPT_STR(0, "tls-cert", "FILE", "certificate chain, PEM", &tls_cert),
	OPT_STR(0, "tls-key", "FILE", "its private key, PEM", &tls_key),
	OPT_U64(0, "connections", "N", "clients at once (4096)", &connections, 1, 1 << 20),
	OPT_U64(0, "inflight", "N", "requests in hand at once (8192)", &inflight, 1, 1 << 20),
	OPT_MS(0, "ttl-change", "TIME", "a table's time to live changes at most this often (1h)", &ttl_change_ms, 0, 86400000),
	OPT_END
};
static const struct opt_usage usage = { "ddb-router", NULL, "request router: DynamoDB's protocol over HTTP", opts, 0, 0, false };

static struct router router;
static struct http_server *server;
static uv_signal_t hup;
static uv_timer_t look;

static void reload(void)
{
	api_reload(router.api);
}

static void on_look(uv_timer_t *t)
{
	(void)t;
	reload();
}

static void on_hup(uv_signal_t *s, int signum)
{
	(void)s;
	(void)signum;
	reload();
	if (tls_cert != NULL)
		http_reload_tls(server);
}

static void print_metrics(void *arg, struct buf *out)
{
	(void)arg;
	api_metrics(router.api, out);
	listen_metrics(server, out);
}

/* An answer from a complete map, be it that there is no such table, means that requests can be routed. */
static void on_probe(void *arg, enum result result, struct route_table *t)
{
	(void)t;
	if (result == RESULT_UNAVAILABLE) {
		log_warn("memds does not answer yet");
		route_fetch(&router, BYTES_LIT("ready?"), BYTES_NONE, on_probe, arg);
		return;
	}
	daemon_ready(&d);
	log_info("serves at %s", where);
}

static void idle(struct router *r)
{
	(void)r;
	daemon_end(&d, 0);
}

/* No new transaction can begin; those that are answered are marked as done. */
static void drained(void *arg)
{
	(void)arg;
	http_free(server);
	server = NULL;
	router.tx_idle = idle;
	if (router.tx_behind == 0)
		idle(&router);
}

static void drain(void *arg)
{
	(void)arg;
	uv_close((uv_handle_t *)&hup, NULL);
	uv_close((uv_handle_t *)&look, NULL);
	http_drain(server, drained, NULL);
}

static char *in_home(const char *given, const char *name)
{
	return given != NULL ? mem_str(given) : mem_fmt("%s/%s", d.home, name);
}

static bool open_api(void)
{
	struct api_options o = { .credentials = in_home(credentials, "credentials"), .inflight_max = (unsigned)inflight };

	router.api = api_new(&router, &o);
	free((char *)o.credentials);
	return router.api != NULL;
}

static bool open_server(void)
{
	struct listen_options o = { .where = where, .port_file = in_home(port_file, "port"), .tls_cert = tls_cert, .tls_key = tls_key,
	                            .connections = (unsigned)connections };

	server = listen_open(&d.loop, &o, api_handle, router.api);
	free((char *)o.port_file);
	return server != NULL;
}

static int serve(void)
{
	router.loop = &d.loop;
	router.net = d.net;
	router.region = region != NULL ? region : d.cluster.region;
	router.ttl_change_ms = ttl_change_ms;
	route_init(&router);
	router.memds = listen_dial(&d, &d.cluster.memds, "memds");
	router.autoadmin = listen_dial(&d, &d.cluster.autoadmin, "autoadmin");
	if (router.memds == NULL || router.autoadmin == NULL || !open_api())
		return DDB_EXIT_USAGE;
	if (!open_server())
		return DDB_EXIT_IO;
	net_on_metrics(d.net, print_metrics, NULL);
	listen_control(&d);
	uv_signal_init(&d.loop, &hup);
	uv_signal_start(&hup, on_hup, SIGHUP);
	uv_timer_init(&d.loop, &look);
	uv_timer_start(&look, on_look, RELOAD_MS, RELOAD_MS);
	route_fetch(&router, BYTES_LIT("ready?"), BYTES_NONE, on_probe, NULL);
	return daemon_run(&d, drain, NULL);
}

int main(int argc, char **argv)
{
	int code;

	log_open("ddb-router");
	opt_parse(&usage, argc, argv);
	if ((tls_cert == NULL) != (tls_key == NULL))
		opt_fail(&usage, "--tls-cert and --tls-key go together");
	if (!listen_ok(where))
		opt_fail(&usage, "--listen %s: neither HOST:PORT nor unix:PATH", where);
	code = daemon_open(&d, "ddb-router", NET_ROUTER, NULL);
	if (code == 0)
		code = serve();
	daemon_close(&d);
	route_fini(&router);
	api_free(router.api);
	return code;
}
