#include "http.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "http_conn.h"
#include "log.h"
#include "mem.h"

#define BACKLOG 1024
#define DESCRIPTORS_OURS 64                              /* for everything that is not a client's connection */
#define TICK_MS_MAX 500

/* --- turns and time ----------------------------------------------------------------------------------------------- */

static void turns(struct http_server *s)
{
	struct http_conn *c;

	while ((c = STAILQ_FIRST(&s->dirty)) != NULL) {
		STAILQ_REMOVE_HEAD(&s->dirty, dirty_link);
		c->dirty = false;
		http_conn_turn(c);
	}
}

/* Twice an iteration: after input was read, and before waiting, for answers that came by a timer. */
static void on_check(uv_check_t *h)
{
	turns(h->data);
}

static void on_prepare(uv_prepare_t *h)
{
	turns(h->data);
}

static void on_tick(uv_timer_t *h)
{
	struct http_server *s = h->data;
	uint64_t now = uv_now(s->loop);

	if (s->counts.connections == 0) {
		uv_timer_stop(h);
		return;
	}
	for (int w = 0; w < HTTP_CONN_WAITS; w++) {
		struct http_conn *c, *next;

		if (s->limit_ms[w] == 0)
			continue;
		for (c = TAILQ_FIRST(&s->waits[w]); c != NULL && now - c->since_ms >= s->limit_ms[w]; c = next) {
			next = TAILQ_NEXT(c, link);
			http_conn_expire(c, now);
		}
	}
}

static void tick_start(struct http_server *s)
{
	unsigned tick = TICK_MS_MAX;

	if (uv_is_active((uv_handle_t *)&s->timer))
		return;
	for (int w = 0; w < HTTP_CONN_WAITS; w++)
		if (s->limit_ms[w] > 0 && s->limit_ms[w] / 4 < tick)
			tick = s->limit_ms[w] / 4 + 1;
	uv_timer_start(&s->timer, on_tick, tick, tick);
}

/* --- accepting ---------------------------------------------------------------------------------------------------- */

static int handle_init(const struct http_server *s, void *h)
{
	return s->path != NULL ? uv_pipe_init(s->loop, h, 0) : uv_tcp_init(s->loop, h);
}

/* Over the limit: a word, if it fits into the socket's buffer, and goodbye. */
static void turn_away(struct http_server *s, struct http_conn *c)
{
	static const char text[] = "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
	uv_buf_t v = uv_buf_init((char *)text, sizeof text - 1);

	s->counts.full++;
	if (!s->full_logged)
		log_warn("http: %u connections, the limit: new ones are turned away", s->connections_max);
	s->full_logged = true;
	if (s->tls == NULL)
		uv_try_write(&c->h.stream, &v, 1);
	http_conn_close(c);
}

static void on_connection(uv_stream_t *listener, int status)
{
	struct http_server *s = listener->data;
	struct http_conn *c;
	int rc;

	/* Out of descriptors: libuv has accepted and closed the connection with the one it keeps in reserve. */
	if (status < 0) {
		s->counts.full++;
		if (!s->full_logged)
			log_warn("http: accept: %s", uv_strerror(status));
		s->full_logged = true;
		return;
	}
	c = http_conn_new(s);
	rc = handle_init(s, &c->h);
	assert(rc == 0);
	if (uv_accept(listener, &c->h.stream) != 0) {
		http_conn_close(c);
		return;
	}
	s->counts.accepted++;
	if (s->counts.connections > s->connections_max) {
		turn_away(s, c);
		return;
	}
	if (s->counts.connections < s->connections_max / 2)
		s->full_logged = false;
	if (s->path == NULL)
		uv_tcp_nodelay(&c->h.tcp, 1);
	tick_start(s);
	http_conn_start(c);
}

/* --- listening ---------------------------------------------------------------------------------------------------- */

static int bind_tcp(struct http_server *s, const struct http_options *o, const char *name)
{
	const char *host = o->host == NULL || strcmp(o->host, "localhost") == 0 ? "127.0.0.1" : o->host;
	struct sockaddr_storage addr;
	int n = sizeof addr, rc;

	if (uv_ip4_addr(host, o->port, (struct sockaddr_in *)&addr) != 0 &&
	    uv_ip6_addr(host, o->port, (struct sockaddr_in6 *)&addr) != 0) {
		log_err("%s: not a numeric address", name);
		return -1;
	}
	rc = uv_tcp_bind(&s->listener.tcp, (const struct sockaddr *)&addr, 0);
	if (rc == 0)
		rc = uv_listen(&s->listener.stream, BACKLOG, on_connection);
	if (rc == 0)
		rc = uv_tcp_getsockname(&s->listener.tcp, (struct sockaddr *)&addr, &n);
	if (rc != 0) {
		log_err("%s: %s", name, uv_strerror(rc));
		return -1;
	}
	s->port = ntohs(addr.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&addr)->sin6_port :
	                                             ((struct sockaddr_in *)&addr)->sin_port);
	return 0;
}

/* A socket file whose server has died is in the way; one that somebody listens on stays. */
static void unlink_stale(const char *path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd;

	if (strlen(path) >= sizeof addr.sun_path)
		return;
	strcpy(addr.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	if (connect(fd, (struct sockaddr *)&addr, sizeof addr) != 0 && errno == ECONNREFUSED)
		unlink(path);
	close(fd);
}

static int bind_path(struct http_server *s)
{
	mode_t mask;
	int rc;

	if (strlen(s->path) >= sizeof ((struct sockaddr_un *)NULL)->sun_path) {
		log_err("%s: too long for a socket", s->path);
		return -1;
	}
	unlink_stale(s->path);
	mask = umask(077);
	rc = uv_pipe_bind(&s->listener.pipe, s->path);
	umask(mask);
	if (rc == 0)
		rc = uv_listen(&s->listener.stream, BACKLOG, on_connection);
	if (rc != 0) {
		log_err("%s: %s", s->path, uv_strerror(rc));
		return -1;
	}
	return 0;
}

/* Descriptors that clients could use up are needed for nodes and files. */
static unsigned connections_max(unsigned asked)
{
	unsigned n = asked > 0 ? asked : HTTP_CONNECTIONS_DEFAULT;
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r) == 0 && r.rlim_cur != RLIM_INFINITY && n + DESCRIPTORS_OURS > r.rlim_cur)
		n = r.rlim_cur > 2 * DESCRIPTORS_OURS ? (unsigned)r.rlim_cur - DESCRIPTORS_OURS : DESCRIPTORS_OURS;
	return n;
}

static void on_handle_closed(uv_handle_t *h)
{
	struct http_server *s = h->data;

	s->handles--;
	http_closed(s);
}

static void handles_close(struct http_server *s)
{
	uv_handle_t *all[] = { &s->listener.handle, (uv_handle_t *)&s->timer, (uv_handle_t *)&s->prepare,
	                       (uv_handle_t *)&s->check };

	for (size_t i = 0; i < sizeof all / sizeof *all; i++)
		if (!uv_is_closing(all[i]))
			uv_close(all[i], on_handle_closed);
}

static struct http_server *server_new(uv_loop_t *loop, const struct http_options *o)
{
	struct http_server *s = mem_new(sizeof *s);

	s->loop = loop;
	s->path = o->path != NULL ? mem_str(o->path) : NULL;
	s->connections_max = connections_max(o->connections_max);
	s->limit_ms[HTTP_CONN_HEAD] = o->head_ms > 0 ? o->head_ms : 10000;
	s->limit_ms[HTTP_CONN_BODY] = o->body_ms > 0 ? o->body_ms : 30000;
	s->limit_ms[HTTP_CONN_WRITE] = s->limit_ms[HTTP_CONN_BODY];
	s->limit_ms[HTTP_CONN_IDLE] = o->idle_ms > 0 ? o->idle_ms : 60000;
	s->limit_ms[HTTP_CONN_LINGER] = HTTP_CONN_LINGER_MS;
	for (int w = 0; w < HTTP_CONN_WAITS; w++)
		TAILQ_INIT(&s->waits[w]);
	STAILQ_INIT(&s->dirty);
	TAILQ_INIT(&s->spare);
	s->rx = mem_new(HTTP_CONN_READ_BYTES);
	s->plain = mem_new(HTTP_CONN_READ_BYTES);
	http_answer_init(s);
	uv_timer_init(loop, &s->timer);
	uv_prepare_init(loop, &s->prepare);
	uv_check_init(loop, &s->check);
	handle_init(s, &s->listener);
	s->handles = 4;
	s->timer.data = s->prepare.data = s->check.data = s->listener.handle.data = s;
	return s;
}

static void free_done(void *arg)
{
	http_free(arg);
}

struct http_server *http_listen(uv_loop_t *loop, const struct http_options *o,
                                void (*handler)(struct http_req *req, void *arg), void *arg)
{
	struct http_server *s = server_new(loop, o);
	char *name = mem_fmt(o->host != NULL && strchr(o->host, ':') != NULL ? "http: [%s]:%d" : "http: %s:%d",
	                     o->host != NULL ? o->host : "127.0.0.1", o->port);
	bool ok = true;

	s->handler = handler;
	s->arg = arg;
	if (o->tls_cert != NULL || o->tls_key != NULL) {
		if (o->tls_cert == NULL || o->tls_key == NULL)
			log_err("http: a certificate needs a key, and a key a certificate");
		else
			s->tls = tls_ctx_new(o->tls_cert, o->tls_key);
		ok = s->tls != NULL;
	}
	ok = ok && (s->path != NULL ? bind_path(s) : bind_tcp(s, o, name)) == 0;
	free(name);
	if (!ok) {
		s->done = free_done;
		s->done_arg = s;
		s->draining = true;
		handles_close(s);
		return NULL;
	}
	uv_prepare_start(&s->prepare, on_prepare);
	uv_check_start(&s->check, on_check);
	uv_unref((uv_handle_t *)&s->prepare);
	uv_unref((uv_handle_t *)&s->check);
	return s;
}

int http_port(const struct http_server *s)
{
	return s->port;
}

const struct http_counts *http_counts(const struct http_server *s)
{
	return &s->counts;
}

int http_reload_tls(struct http_server *s)
{
	return s->tls != NULL ? tls_ctx_reload(s->tls) : 0;
}

struct httpmsg *http_msg(struct http_req *req)
{
	return &req->msg;
}

bool http_gone(const struct http_req *req)
{
	return req->conn == NULL;
}

const char *http_request_id(const struct http_req *req)
{
	return req->id;
}

/* --- ending ------------------------------------------------------------------------------------------------------- */

void http_closed(struct http_server *s)
{
	if (!s->draining || s->counts.connections > 0 || s->held > 0)
		return;
	handles_close(s);
	if (s->handles == 0 && s->done != NULL) {
		void (*done)(void *arg) = s->done;

		s->done = NULL;
		done(s->done_arg);
	}
}

void http_drain(struct http_server *s, void (*done)(void *arg), void *arg)
{
	assert(!s->draining);
	s->draining = true;
	s->done = done;
	s->done_arg = arg;
	uv_close(&s->listener.handle, on_handle_closed);
	for (int w = 0; w < HTTP_CONN_WAITS; w++) {
		struct http_conn *c;

		/* Each decides in its turn; the first turn stops it reading. */
		TAILQ_FOREACH(c, &s->waits[w], link) {
			c->stop = true;
			http_conn_touch(c);
		}
	}
	turns(s);
	http_closed(s);
}

void http_free(struct http_server *s)
{
	struct http_req *req;

	if (s == NULL)
		return;
	while ((req = TAILQ_FIRST(&s->spare)) != NULL) {
		TAILQ_REMOVE(&s->spare, req, link);
		httpmsg_fini(&req->msg);
		buf_fini(&req->reply);
		free(req);
	}
	http_answer_fini(s);
	tls_ctx_free(s->tls);
	free(s->rx);
	free(s->plain);
	free(s->path);
	free(s);
}
