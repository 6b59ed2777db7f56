/*
 * http_fixture: the router's HTTP server on a loop in a thread of this process, and clients on real sockets.
 * The sources are included, since only common/ and the node are libraries.
 */
#ifndef T_HTTP_FIXTURE_H
#define T_HTTP_FIXTURE_H

#include "../../cmd/ddb-router/http.c"
#include "../../cmd/ddb-router/http_answer.c"
#include "../../cmd/ddb-router/http_conn.c"
#include "../../cmd/ddb-router/tls.c"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <openssl/x509.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>

#include "check.h"
#include "sigv4.h"

/* --- the server --------------------------------------------------------------------------------------------------- */

struct later {
	uv_timer_t timer;
	struct http_req *req;
	STAILQ_ENTRY(later) link;
};

struct fixture {
	uv_loop_t loop;
	uv_async_t order;                                /* from the test: drain, or release what is held */
	struct http_server *server;
	struct http_options options;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	STAILQ_HEAD(, later) held;
	unsigned held_n;
	bool release, drain, drained, reload;
	int reload_rc;
	char dir[32];
	struct sigv4 *sigv4;
	struct cred *keys;
};

static void on_later_closed(uv_handle_t *h)
{
	free(h->data);
}

static void answer_body(struct http_req *req, int status)
{
	struct httpmsg_header extra = { BYTES_LIT("X-Path"), http_msg(req)->path };

	http_answer(req, status, "application/x-amz-json-1.0", &extra, 1, http_msg(req)->body);
}

static void on_later(uv_timer_t *t)
{
	struct later *l = t->data;

	answer_body(l->req, 200);
	uv_close((uv_handle_t *)t, on_later_closed);
}

static void handle_verify(struct fixture *f, struct http_req *req)
{
	struct httpmsg *m = http_msg(req);
	char hash[SIGV4_HASH_BYTES];
	struct sigv4_req r = { m->method, m->path, m->query, m->headers, m->headers_n, BYTES_NONE };
	struct sigv4_scope scope = { BYTES_NONE, BYTES_LIT("dynamodb") };
	struct sigv4_verdict v;
	enum sigv4_result rc;

	sigv4_hash(f->sigv4, m->body, hash);
	r.body_hash = bytes_str(hash);
	rc = sigv4_verify(f->sigv4, &r, f->keys, scope, time(NULL), &v);
	http_answer(req, rc == SIGV4_OK ? 200 : 400, "text/plain", NULL, 0,
	            rc == SIGV4_OK ? v.key->id : bytes_str(v.message));
}

/* /echo answers at once, /later after 20 ms, /hold when told, /big?n with n bytes, /unpack with the body unpacked. */
static void handle(struct http_req *req, void *arg)
{
	struct fixture *f = arg;
	struct httpmsg *m = http_msg(req);

	if (bytes_is(m->path, "/later") || bytes_is(m->path, "/hold")) {
		struct later *l = mem_new(sizeof *l);

		l->req = req;
		l->timer.data = l;
		uv_timer_init(&f->loop, &l->timer);
		if (bytes_is(m->path, "/later")) {
			uv_timer_start(&l->timer, on_later, 20, 0);
			return;
		}
		pthread_mutex_lock(&f->lock);
		STAILQ_INSERT_TAIL(&f->held, l, link);
		f->held_n++;
		pthread_cond_broadcast(&f->changed);
		pthread_mutex_unlock(&f->lock);
	} else if (bytes_is(m->path, "/big")) {
		size_t n = strtoul((const char *)m->query.p, NULL, 10);
		uint8_t *p = mem_new(n);

		for (size_t i = 0; i < n; i++)
			p[i] = (uint8_t)("abcdefghij"[i % 10]);
		http_answer(req, 200, "text/plain", NULL, 0, (struct bytes){ p, n });
		free(p);
	} else if (bytes_is(m->path, "/unpack")) {
		struct bytes plain;
		int rc = httpmsg_unpack(m, &plain);

		http_answer(req, rc == 0 ? 200 : rc, "text/plain", NULL, 0, rc == 0 ? plain : BYTES_NONE);
	} else if (f->keys != NULL) {
		handle_verify(f, req);
	} else {
		answer_body(req, 200);
	}
}

static void on_drained(void *arg)
{
	struct fixture *f = arg;

	http_free(f->server);
	uv_close((uv_handle_t *)&f->order, NULL);
	pthread_mutex_lock(&f->lock);
	f->drained = true;
	pthread_cond_broadcast(&f->changed);
	pthread_mutex_unlock(&f->lock);
}

static void on_order(uv_async_t *a)
{
	struct fixture *f = a->data;
	bool drain, release, reload;
	struct later *l;

	pthread_mutex_lock(&f->lock);
	drain = f->drain;
	release = f->release;
	reload = f->reload;
	f->drain = f->release = f->reload = false;
	pthread_mutex_unlock(&f->lock);
	while (release && (l = STAILQ_FIRST(&f->held)) != NULL) {
		STAILQ_REMOVE_HEAD(&f->held, link);
		on_later(&l->timer);
	}
	if (reload) {
		int rc = http_reload_tls(f->server);

		pthread_mutex_lock(&f->lock);
		f->reload_rc = rc;
		pthread_cond_broadcast(&f->changed);
		pthread_mutex_unlock(&f->lock);
	}
	if (drain)
		http_drain(f->server, on_drained, f);
}

static void *run(void *arg)
{
	struct fixture *f = arg;

	uv_run(&f->loop, UV_RUN_DEFAULT);
	return NULL;
}

static void setup(struct fixture *f)
{
	signal(SIGPIPE, SIG_IGN);
	uv_loop_init(&f->loop);
	uv_async_init(&f->loop, &f->order, on_order);
	f->order.data = f;
	STAILQ_INIT(&f->held);
	pthread_mutex_init(&f->lock, NULL);
	pthread_cond_init(&f->changed, NULL);
	strcpy(f->dir, "/tmp/ddb-http-XXXXXX");
	if (mkdtemp(f->dir) == NULL)
		abort();
	f->server = http_listen(&f->loop, &f->options, handle, f);
	if (f->server == NULL)
		abort();
	if (pthread_create(&f->thread, NULL, run, f) != 0)
		abort();
}

static inline void order(struct fixture *f, bool *what)
{
	pthread_mutex_lock(&f->lock);
	*what = true;
	pthread_mutex_unlock(&f->lock);
	uv_async_send(&f->order);
}

static void teardown(struct fixture *f)
{
	char cmd[64];

	if (!f->drained)
		order(f, &f->drain);
	pthread_join(f->thread, NULL);
	CHECK_INT(uv_loop_close(&f->loop), 0);
	snprintf(cmd, sizeof cmd, "rm -r %s", f->dir);
	CHECK(system(cmd) == 0);
	pthread_mutex_destroy(&f->lock);
	pthread_cond_destroy(&f->changed);
}

/* --- the client --------------------------------------------------------------------------------------------------- */

struct answer {
	int status;
	char head[4096];
	struct buf body;
};

static inline int dial(int port)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct timeval limit = { 20, 0 };                /* a hang becomes a failure */

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd < 0 || connect(fd, (struct sockaddr *)&a, sizeof a) != 0) {
		if (fd >= 0)
			close(fd);
		return -1;
	}
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
	return fd;
}

static inline bool put(int fd, struct bytes v)
{
	while (v.n > 0) {
		ssize_t n = send(fd, v.p, v.n, MSG_NOSIGNAL);

		if (n <= 0)
			return false;
		v.p += n;
		v.n -= (size_t)n;
	}
	return true;
}

static inline bool puts_to(int fd, const char *text)
{
	return put(fd, bytes_str(text));
}

static inline char *find(const char *head, const char *name)
{
	char *p = strcasestr(head, name);

	return p != NULL ? p + strlen(name) : NULL;
}

/* Read one answer.  False at the end of the connection or on nonsense. */
static inline bool get(int fd, struct answer *a)
{
	size_t n = 0, length;

	buf_clear(&a->body);
	a->status = 0;
	while (n < 4 || memcmp(a->head + n - 4, "\r\n\r\n", 4) != 0) {
		if (n == sizeof a->head - 1 || recv(fd, a->head + n, 1, 0) != 1)
			return false;
		n++;
	}
	a->head[n] = '\0';
	a->status = atoi(a->head + 9);
	if (a->status == 100)
		return true;
	length = strtoul(find(a->head, "\r\nContent-Length: "), NULL, 10);
	while (a->body.n < length) {
		uint8_t *p = buf_room(&a->body, length - a->body.n);
		ssize_t got = recv(fd, p, length - a->body.n, 0);

		if (got <= 0)
			return false;
		a->body.n += (size_t)got;
	}
	return true;
}

static inline bool at_end(int fd)
{
	char c;

	return recv(fd, &c, 1, 0) == 0;
}

static inline bool body_is(const struct answer *a, const char *text)
{
	return bytes_is(buf_view(&a->body), text);
}

#define POST(path, body_n) "POST " path " HTTP/1.1\r\nHost: a\r\nContent-Length: " body_n "\r\n\r\n"
#define GET_(path) "GET " path " HTTP/1.1\r\nHost: a\r\n\r\n"

#endif
