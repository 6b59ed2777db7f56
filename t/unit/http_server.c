/*
 * The router's HTTP server, on a loop in a thread of this process, seen through real sockets.
 * The sources are included, since only common/ and the node are libraries.
 */
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

static void order(struct fixture *f, bool *what)
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

static int dial(int port)
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

static bool put(int fd, struct bytes v)
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

static bool puts_to(int fd, const char *text)
{
	return put(fd, bytes_str(text));
}

static char *find(const char *head, const char *name)
{
	char *p = strcasestr(head, name);

	return p != NULL ? p + strlen(name) : NULL;
}

/* Read one answer.  False at the end of the connection or on nonsense. */
static bool get(int fd, struct answer *a)
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

static bool at_end(int fd)
{
	char c;

	return recv(fd, &c, 1, 0) == 0;
}

static bool body_is(const struct answer *a, const char *text)
{
	return bytes_is(buf_view(&a->body), text);
}

#define POST(path, body_n) "POST " path " HTTP/1.1\r\nHost: a\r\nContent-Length: " body_n "\r\n\r\n"
#define GET_(path) "GET " path " HTTP/1.1\r\nHost: a\r\n\r\n"

/* --- plain traffic ------------------------------------------------------------------------------------------------ */

TEST(answers_carry_what_clients_look_at)
{
	struct fixture f = { 0 };
	struct answer a = { 0 };
	char *id, first[53];
	int fd;

	setup(&f);
	fd = dial(http_port(f.server));
	CHECK(puts_to(fd, POST("/echo", "5") "hello") && get(fd, &a));
	CHECK_INT(a.status, 200);
	CHECK(body_is(&a, "hello"));
	CHECK(strstr(a.head, "\r\nContent-Type: application/x-amz-json-1.0\r\n") != NULL);
	CHECK(strstr(a.head, "\r\nX-Path: /echo\r\n") != NULL && strstr(a.head, "\r\nDate: ") != NULL);
	CHECK_INT(strtoul(find(a.head, "\r\nx-amz-crc32: "), NULL, 10), crc32(0, (const Bytef *)"hello", 5));
	id = find(a.head, "\r\nx-amzn-RequestId: ");
	CHECK_INT(strspn(id, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"), 52);
	memcpy(first, id, 53);
	CHECK(puts_to(fd, POST("/echo", "0")) && get(fd, &a));
	CHECK(memcmp(first, find(a.head, "\r\nx-amzn-RequestId: "), 52) != 0);
	CHECK_INT(strtoul(find(a.head, "\r\nx-amz-crc32: "), NULL, 10), 0);
	CHECK(puts_to(fd, "HEAD /big?100 HTTP/1.1\r\nHost: a\r\n\r\n" GET_("/echo")));
	a.head[0] = '\0';
	for (size_t n = 0; n < 4 || memcmp(a.head + n - 4, "\r\n\r\n", 4) != 0; n++)
		CHECK(recv(fd, a.head + n, 1, 0) == 1);
	CHECK(strstr(a.head, "\r\nContent-Length: 100\r\n") != NULL);
	CHECK(get(fd, &a) && a.status == 200);
	close(fd);
	buf_fini(&a.body);
	teardown(&f);
}

TEST(connections_end_when_they_should)
{
	static const struct {
		const char *request;
		bool kept;
	} cases[] = {
		{ "GET /echo HTTP/1.1\r\nHost: a\r\n\r\n", true },
		{ "GET /echo HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", false },
		{ "GET /later HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", false },
		{ "GET /echo HTTP/1.0\r\nHost: a\r\n\r\n", false },
		{ "GET /echo HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n", true },
	};
	struct fixture f = { 0 };
	struct answer a = { 0 };

	setup(&f);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		int fd = dial(http_port(f.server));

		CHECK(puts_to(fd, cases[i].request) && get(fd, &a) && a.status == 200);
		CHECK_INT(strstr(a.head, "\r\nConnection: close\r\n") != NULL, !cases[i].kept);
		if (cases[i].kept)
			CHECK(puts_to(fd, cases[i].request) && get(fd, &a) && a.status == 200);
		else
			CHECK(at_end(fd));
		close(fd);
	}
	buf_fini(&a.body);
	teardown(&f);
}

/* More than the pipeline takes, slow and fast ones mixed, in one write. */
TEST(pipelined_answers_keep_their_order)
{
	struct fixture f = { 0 };
	struct answer a = { 0 };
	struct buf b = { 0 };
	int fd;

	setup(&f);
	fd = dial(http_port(f.server));
	for (int i = 0; i < 200; i++)
		buf_fmt(&b, "POST %s HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n%d",
		        i % 40 == 3 ? "/later" : "/echo", i < 10 ? 1 : i < 100 ? 2 : 3, i);
	CHECK(put(fd, buf_view(&b)));
	for (int i = 0; i < 200; i++) {
		char want[8];

		snprintf(want, sizeof want, "%d", i);
		CHECK(get(fd, &a) && a.status == 200);
		CHECK(body_is(&a, want));
	}
	close(fd);
	buf_fini(&b);
	buf_fini(&a.body);
	teardown(&f);
}

TEST(at_most_16_requests_wait_on_a_connection)
{
	struct fixture f = { 0 };
	struct answer a = { 0 };
	int fd;

	setup(&f);
	fd = dial(http_port(f.server));
	for (int i = 0; i < 40; i++)
		CHECK(puts_to(fd, GET_("/hold")));
	pthread_mutex_lock(&f.lock);
	while (f.held_n < 16)
		pthread_cond_wait(&f.changed, &f.lock);
	pthread_mutex_unlock(&f.lock);
	/* Another connection's round trips give a server that took a 17th the time to show it. */
	for (int i = 0; i < 20; i++) {
		int other = dial(http_port(f.server));

		CHECK(puts_to(other, GET_("/echo")) && get(other, &a));
		close(other);
	}
	pthread_mutex_lock(&f.lock);
	CHECK_INT(f.held_n, 16);
	pthread_mutex_unlock(&f.lock);
	for (int i = 0; i < 40; i++) {
		struct pollfd p = { fd, POLLIN, 0 };

		while (poll(&p, 1, 5) == 0)
			order(&f, &f.release);
		CHECK(get(fd, &a) && a.status == 200);
	}
	close(fd);
	buf_fini(&a.body);
	teardown(&f);
}

TEST(bodies_come_chunked_bytewise_or_after_an_invitation)
{
	static const char chunked[] = "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
	                              "3\r\nabc\r\nA\r\n0123456789\r\n0\r\n\r\n";
	struct fixture f = { 0 };
	struct answer a = { 0 };
	int fd;

	setup(&f);
	fd = dial(http_port(f.server));
	for (size_t i = 0; i < sizeof chunked - 1; i++)
		CHECK(put(fd, (struct bytes){ (const uint8_t *)chunked + i, 1 }));
	CHECK(get(fd, &a) && body_is(&a, "abc0123456789"));
	CHECK(puts_to(fd, "POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n"));
	CHECK(get(fd, &a) && a.status == 100);
	CHECK(puts_to(fd, "hello") && get(fd, &a) && a.status == 200 && body_is(&a, "hello"));
	/* Not invited when it did not wait, and never before an earlier answer. */
	CHECK(puts_to(fd, "POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\nhello"));
	CHECK(get(fd, &a) && a.status == 200);
	CHECK(puts_to(fd, POST("/later", "1") "1"
	                  "POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n"));
	CHECK(get(fd, &a) && a.status == 200 && body_is(&a, "1"));
	CHECK(get(fd, &a) && a.status == 100);
	CHECK(puts_to(fd, "2") && get(fd, &a) && a.status == 200 && body_is(&a, "2"));
	CHECK(puts_to(fd,
	              "POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 99999999\r\n\r\n"));
	CHECK(get(fd, &a) && a.status == 413 && at_end(fd));
	close(fd);
	buf_fini(&a.body);
	teardown(&f);
}

static void pack_into(struct buf *out, struct bytes v)
{
	z_stream z = { .next_in = (Bytef *)v.p, .avail_in = (uInt)v.n };

	CHECK(deflateInit2(&z, 9, Z_DEFLATED, 15 + 16, 9, Z_DEFAULT_STRATEGY) == Z_OK);
	z.next_out = buf_room(out, deflateBound(&z, v.n));
	z.avail_out = (uInt)deflateBound(&z, v.n);
	CHECK(deflate(&z, Z_FINISH) == Z_STREAM_END);
	out->n += z.total_out;
	deflateEnd(&z);
}

TEST(gzip_both_ways)
{
	struct fixture f = { 0 };
	struct answer a = { 0 };
	struct buf packed = { 0 }, b = { 0 };
	uint8_t plain[20000];
	z_stream z = { 0 };
	int fd;

	setup(&f);
	fd = dial(http_port(f.server));
	pack_into(&packed, BYTES_LIT("packed text packed text packed text"));
	buf_fmt(&b, "POST /unpack HTTP/1.1\r\nHost: a\r\nContent-Encoding: gzip\r\nContent-Length: %zu\r\n\r\n",
	        packed.n);
	buf_bytes(&b, buf_view(&packed));
	CHECK(put(fd, buf_view(&b)) && get(fd, &a) && a.status == 200);
	CHECK(body_is(&a, "packed text packed text packed text"));
	CHECK(puts_to(fd,
	              "POST /unpack HTTP/1.1\r\nHost: a\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc"));
	CHECK(get(fd, &a) && a.status == 400);
	/* Answers: only large ones, only on demand; the checksum is of what is sent. */
	CHECK(puts_to(fd, "GET /big?4096 HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip\r\n\r\n") && get(fd, &a));
	CHECK(a.body.n == 4096 && strstr(a.head, "Content-Encoding") == NULL);
	CHECK(puts_to(fd, GET_("/big?20000")) && get(fd, &a));
	CHECK(a.body.n == 20000 && strstr(a.head, "Content-Encoding") == NULL);
	CHECK(puts_to(fd, "GET /big?20000 HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip\r\n\r\n") && get(fd, &a));
	CHECK(a.body.n < 1000 && strstr(a.head, "\r\nContent-Encoding: gzip\r\n") != NULL);
	CHECK_INT(strtoul(find(a.head, "\r\nx-amz-crc32: "), NULL, 10), crc32(0, a.body.p, (uInt)a.body.n));
	z.next_in = a.body.p;
	z.avail_in = (uInt)a.body.n;
	z.next_out = plain;
	z.avail_out = sizeof plain;
	CHECK(inflateInit2(&z, 15 + 16) == Z_OK && inflate(&z, Z_FINISH) == Z_STREAM_END && z.total_out == 20000);
	CHECK(plain[0] == 'a' && plain[19999] == 'j');
	inflateEnd(&z);
	close(fd);
	buf_fini(&packed);
	buf_fini(&b);
	buf_fini(&a.body);
	teardown(&f);
}

/* --- refusals ----------------------------------------------------------------------------------------------------- */

TEST(a_bad_request_is_answered_in_its_turn_and_ends_the_connection)
{
	struct fixture f = { 0 };
	struct answer a = { 0 };
	int fd;

	setup(&f);
	fd = dial(http_port(f.server));
	CHECK(puts_to(fd, POST("/later", "1") "1" POST("/echo", "1") "2"
	                  "POST / HTTP/1.1\r\nHost : a\r\n\r\n" GET_("/echo")));
	CHECK(get(fd, &a) && a.status == 200 && body_is(&a, "1"));
	CHECK(get(fd, &a) && a.status == 200 && body_is(&a, "2"));
	CHECK(get(fd, &a) && a.status == 400 && strstr(a.head, "\r\nConnection: close\r\n") != NULL);
	CHECK(at_end(fd));
	close(fd);
	buf_fini(&a.body);
	teardown(&f);
}

/* The client is still sending when it is refused, and must yet see why. */
TEST(too_large_requests_see_their_refusal)
{
	struct fixture f = { 0 };
	struct answer a = { 0 };
	struct buf b = { 0 };
	int fd;

	setup(&f);
	fd = dial(http_port(f.server));
	buf_str(&b, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 17000000\r\n\r\n");
	CHECK(buf_room(&b, 17000000) != NULL);
	memset(b.p + b.n, 'x', 17000000);
	b.n += 17000000;
	put(fd, buf_view(&b));
	CHECK(get(fd, &a) && a.status == 413 && at_end(fd));
	close(fd);
	fd = dial(http_port(f.server));
	buf_clear(&b);
	buf_str(&b, "GET /");
	for (int i = 0; i < 20000; i++)
		buf_u8(&b, 'a');
	put(fd, buf_view(&b));
	CHECK(get(fd, &a) && a.status == 414 && at_end(fd));
	close(fd);
	fd = dial(http_port(f.server));
	buf_clear(&b);
	buf_str(&b, "GET / HTTP/1.1\r\nHost: a\r\n");
	for (int i = 0; i < 101; i++)
		buf_fmt(&b, "X-%d: a\r\n", i);
	buf_str(&b, "\r\n");
	put(fd, buf_view(&b));
	CHECK(get(fd, &a) && a.status == 431 && at_end(fd));
	close(fd);
	buf_fini(&b);
	buf_fini(&a.body);
	teardown(&f);
}

/* --- slow, absent and too many clients ---------------------------------------------------------------------------- */

TEST(time_limits)
{
	struct fixture f = { .options = { .head_ms = 150, .body_ms = 150, .idle_ms = 150 } };
	struct answer a = { 0 };
	int silent, head, body, idle, busy;

	setup(&f);
	silent = dial(http_port(f.server));
	head = dial(http_port(f.server));
	body = dial(http_port(f.server));
	idle = dial(http_port(f.server));
	busy = dial(http_port(f.server));
	CHECK(puts_to(head, "GET / HTTP/1.1\r\nHost:"));
	CHECK(puts_to(body, POST("/echo", "5") "hell"));
	CHECK(puts_to(idle, GET_("/echo")) && get(idle, &a));
	CHECK(puts_to(busy, GET_("/hold")));
	CHECK(at_end(silent));
	CHECK(get(head, &a) && a.status == 408 && at_end(head));
	CHECK(get(body, &a) && a.status == 408 && at_end(body));
	CHECK(at_end(idle));
	/* Our own slowness is no reason to cut anyone off. */
	order(&f, &f.release);
	CHECK(get(busy, &a) && a.status == 200);
	close(silent);
	close(head);
	close(body);
	close(idle);
	close(busy);
	buf_fini(&a.body);
	teardown(&f);
}

/* Bytes that trickle in do not extend the time for a head. */
TEST(trickling_does_not_help)
{
	struct fixture f = { .options = { .head_ms = 200, .body_ms = 200 } };
	struct answer a = { 0 };
	struct pollfd p = { 0, POLLIN, 0 };
	int fd, sent = 0;

	setup(&f);
	fd = p.fd = dial(http_port(f.server));
	CHECK(puts_to(fd, "GET / HTTP/1.1\r\nHost: a\r\nX: "));
	for (; sent < 1000 && poll(&p, 1, 10) == 0; sent++)
		puts_to(fd, "x");
	CHECK(sent < 1000);
	CHECK(get(fd, &a) && a.status == 408);
	close(fd);
	fd = p.fd = dial(http_port(f.server));
	CHECK(puts_to(fd, POST("/echo", "100000")));
	for (sent = 0; sent < 1000 && poll(&p, 1, 10) == 0; sent++)
		puts_to(fd, "x");
	CHECK(sent < 1000);
	CHECK(get(fd, &a) && a.status == 408);
	close(fd);
	buf_fini(&a.body);
	teardown(&f);
}

/* A client that asks and does not read: it stops being read, others are served, and when it reads it gets all. */
TEST(a_slow_reader_stops_being_read)
{
	struct fixture f = { 0 };
	struct answer a = { 0 };
	int fd, other, got;

	setup(&f);
	fd = dial(http_port(f.server));
	for (int i = 0; i < 100; i++)
		CHECK(puts_to(fd, GET_("/big?1000000")));
	other = dial(http_port(f.server));
	for (int i = 0; i < 200; i++)
		CHECK(puts_to(other, GET_("/echo")) && get(other, &a) && a.status == 200);
	CHECK(http_counts(f.server)->requests < 300 - 50);
	for (got = 0; got < 100 && get(fd, &a); got++)
		if (a.status != 200 || a.body.n != 1000000 || a.body.p[0] != 'a' || a.body.p[999999] != 'j')
			break;
	CHECK_INT(got, 100);
	close(fd);
	close(other);
	buf_fini(&a.body);
	teardown(&f);
}

TEST(a_reader_that_never_reads_is_cut_off)
{
	struct fixture f = { .options = { .body_ms = 200 } };
	struct answer a = { 0 };
	int fd;

	setup(&f);
	fd = dial(http_port(f.server));
	for (int i = 0; i < 50; i++)
		CHECK(puts_to(fd, GET_("/big?1000000")));
	for (;;) {
		int other = dial(http_port(f.server));

		CHECK(puts_to(other, GET_("/echo")) && get(other, &a));
		close(other);
		if (http_counts(f.server)->timeouts > 0)
			break;
		poll(NULL, 0, 10);
	}
	close(fd);
	buf_fini(&a.body);
	teardown(&f);
}

TEST(two_hundred_slow_clients_hinder_nobody)
{
	struct fixture f = { 0 };
	struct answer a = { 0 };
	int slow[200], fd;

	setup(&f);
	for (int i = 0; i < 200; i++) {
		slow[i] = dial(http_port(f.server));
		CHECK(slow[i] >= 0);
		CHECK(puts_to(slow[i], i % 2 ? "POST /echo HTTP/1.1\r\nHost: a\r\n" : POST("/echo", "5") "he"));
	}
	fd = dial(http_port(f.server));
	for (int i = 0; i < 500; i++)
		CHECK(puts_to(fd, GET_("/echo")) && get(fd, &a) && a.status == 200);
	for (int i = 0; i < 200; i += 2)
		CHECK(puts_to(slow[i], "llo") && get(slow[i], &a) && body_is(&a, "hello"));
	for (int i = 0; i < 200; i++)
		close(slow[i]);
	close(fd);
	buf_fini(&a.body);
	teardown(&f);
}

TEST(one_connection_too_many_gets_503)
{
	struct fixture f = { .options = { .connections_max = 10 } };
	struct answer a = { 0 };
	int fds[11];

	setup(&f);
	for (int i = 0; i < 10; i++) {
		fds[i] = dial(http_port(f.server));
		CHECK(puts_to(fds[i], GET_("/echo")) && get(fds[i], &a) && a.status == 200);
	}
	fds[10] = dial(http_port(f.server));
	CHECK(get(fds[10], &a) && a.status == 503 && at_end(fds[10]));
	close(fds[0]);
	close(fds[10]);
	for (;;) {
		fds[0] = dial(http_port(f.server));
		if (puts_to(fds[0], GET_("/echo")) && get(fds[0], &a) && a.status == 200)
			break;
		close(fds[0]);
	}
	for (int i = 0; i < 10; i++)
		close(fds[i]);
	buf_fini(&a.body);
	teardown(&f);
}

/* In a process of its own, since the limit counts our own descriptors too. */
static void serve_with_few_descriptors(int ready)
{
	struct rlimit r = { 40, 40 };
	uv_loop_t loop;
	struct http_options o = { 0 };
	struct fixture f = { 0 };
	struct http_server *s;
	int port;

	uv_loop_init(&loop);
	s = http_listen(&loop, &o, handle, &f);
	if (s == NULL || setrlimit(RLIMIT_NOFILE, &r) != 0)
		_exit(1);
	port = http_port(s);
	if (write(ready, &port, sizeof port) != sizeof port)
		_exit(1);
	uv_run(&loop, UV_RUN_DEFAULT);
	_exit(1);
}

TEST(running_out_of_descriptors_is_survived)
{
	struct answer a = { 0 };
	int fds[100], pipefd[2], port = 0, served = 0, fd, status;
	pid_t pid;

	CHECK(pipe(pipefd) == 0);
	fflush(stdout);
	pid = fork();
	if (pid == 0)
		serve_with_few_descriptors(pipefd[1]);
	CHECK(read(pipefd[0], &port, sizeof port) == sizeof port);
	for (int i = 0; i < 100; i++) {
		fds[i] = dial(port);
		served += fds[i] >= 0 && puts_to(fds[i], GET_("/echo")) && get(fds[i], &a) && a.status == 200;
	}
	CHECK(served >= 10 && served <= 40);
	for (int i = 0; i < 100; i++)
		if (fds[i] >= 0)
			close(fds[i]);
	for (int i = 0; i < 100; i++) {
		fd = dial(port);
		if (puts_to(fd, GET_("/echo")) && get(fd, &a) && a.status == 200)
			break;
		close(fd);
		poll(NULL, 0, 10);
	}
	CHECK_INT(a.status, 200);
	close(fd);
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	close(pipefd[0]);
	close(pipefd[1]);
	buf_fini(&a.body);
}

TEST(a_client_that_leaves_early)
{
	struct fixture f = { 0 };
	struct answer a = { 0 };
	struct linger reset = { 1, 0 };
	int fd, held;

	setup(&f);
	for (int i = 0; i < 50; i++) {
		fd = dial(http_port(f.server));
		CHECK(puts_to(fd, i % 3 == 0 ? GET_("/later") GET_("/echo") :
		                  i % 3 == 1 ? POST("/echo", "5") "he" : GET_("/big?5000000")));
		if (i % 2 == 0)
			setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
		close(fd);
	}
	held = dial(http_port(f.server));
	CHECK(puts_to(held, GET_("/hold")));
	pthread_mutex_lock(&f.lock);
	while (f.held_n < 1)
		pthread_cond_wait(&f.changed, &f.lock);
	pthread_mutex_unlock(&f.lock);
	close(held);
	/* Half closed, as "nc -N" does: the answers still come. */
	fd = dial(http_port(f.server));
	CHECK(puts_to(fd, GET_("/later") GET_("/echo")));
	shutdown(fd, SHUT_WR);
	CHECK(get(fd, &a) && a.status == 200);
	CHECK(get(fd, &a) && a.status == 200 && at_end(fd));
	close(fd);
	order(&f, &f.release);
	buf_fini(&a.body);
	teardown(&f);
}

/* --- ending ------------------------------------------------------------------------------------------------------- */

TEST(draining_answers_what_is_in_hand)
{
	struct fixture f = { 0 };
	struct answer a = { 0 };
	int held, idle, half, port;

	setup(&f);
	port = http_port(f.server);
	held = dial(port);
	idle = dial(port);
	half = dial(port);
	CHECK(puts_to(idle, GET_("/echo")) && get(idle, &a));
	CHECK(puts_to(half, GET_("/echo") "GET /ec") && get(half, &a));
	CHECK(puts_to(held, GET_("/hold")));
	pthread_mutex_lock(&f.lock);
	while (f.held_n < 1)
		pthread_cond_wait(&f.changed, &f.lock);
	pthread_mutex_unlock(&f.lock);
	order(&f, &f.drain);
	CHECK(at_end(idle));
	CHECK(at_end(half));
	CHECK_INT(dial(port), -1);
	CHECK(!f.drained);
	order(&f, &f.release);
	CHECK(get(held, &a) && a.status == 200 && strstr(a.head, "\r\nConnection: close\r\n") != NULL);
	CHECK(at_end(held));
	close(held);
	pthread_mutex_lock(&f.lock);
	while (!f.drained)
		pthread_cond_wait(&f.changed, &f.lock);
	pthread_mutex_unlock(&f.lock);
	close(idle);
	close(half);
	buf_fini(&a.body);
	teardown(&f);
}

static int dial_path(const char *path)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	strcpy(a.sun_path, path);
	if (connect(fd, (struct sockaddr *)&a, sizeof a) != 0) {
		close(fd);
		return -1;
	}
	return fd;
}

TEST(unix_sockets)
{
	char path[] = "/tmp/ddb-http-unix-XXXXXX";
	struct sockaddr_un stale = { .sun_family = AF_UNIX };
	struct fixture f = { .options = { .path = path } };
	struct answer a = { 0 };
	struct stat st;
	int fd;

	close(mkstemp(path));
	unlink(path);
	/* What a killed server leaves behind. */
	strcpy(stale.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	CHECK(bind(fd, (struct sockaddr *)&stale, sizeof stale) == 0);
	close(fd);
	setup(&f);
	CHECK(stat(path, &st) == 0 && (st.st_mode & 077) == 0);
	fd = dial_path(path);
	CHECK(puts_to(fd, POST("/echo", "5") "hello") && get(fd, &a) && body_is(&a, "hello"));
	CHECK_INT(http_port(f.server), 0);
	close(fd);
	buf_fini(&a.body);
	teardown(&f);
	CHECK(stat(path, &st) != 0);
}

TEST(what_cannot_listen_says_so)
{
	uv_loop_t loop;
	struct http_options bad[] = {
		{ .host = "example.com" }, { .path = "/nowhere/at/all.sock" }, { .tls_cert = "/dev/null" },
		{ .tls_cert = "/dev/null", .tls_key = "/dev/null" }, { .host = "192.0.2.1" }, { .port = 0 },
	};
	struct http_options good = { 0 };
	struct http_server *s;
	int saved = dup(2), devnull = open("/dev/null", O_WRONLY);

	uv_loop_init(&loop);
	s = http_listen(&loop, &good, handle, NULL);
	CHECK(s != NULL);
	bad[5].port = http_port(s);
	dup2(devnull, 2);
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		CHECK(http_listen(&loop, &bad[i], handle, NULL) == NULL);
	dup2(saved, 2);
	close(saved);
	close(devnull);
	http_drain(s, free_done, s);
	uv_run(&loop, UV_RUN_DEFAULT);
	CHECK_INT(uv_loop_close(&loop), 0);
}

/* --- TLS ---------------------------------------------------------------------------------------------------------- */

/* A self-signed certificate for name, and its key. */
static void certificate(const char *cert, const char *key, const char *name)
{
	EVP_PKEY *pkey = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
	X509 *x = X509_new();
	FILE *out;

	X509_gmtime_adj(X509_getm_notBefore(x), -60);
	X509_gmtime_adj(X509_getm_notAfter(x), 3600);
	X509_set_pubkey(x, pkey);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1,
	                           0);
	X509_set_issuer_name(x, X509_get_subject_name(x));
	CHECK(X509_sign(x, pkey, EVP_sha256()) > 0);
	out = fopen(cert, "w");
	CHECK(out != NULL && PEM_write_X509(out, x) == 1);
	fclose(out);
	out = fopen(key, "w");
	CHECK(out != NULL && PEM_write_PrivateKey(out, pkey, NULL, NULL, 0, NULL, NULL) == 1);
	fclose(out);
	X509_free(x);
	EVP_PKEY_free(pkey);
}

static SSL *tls_dial(SSL_CTX *ctx, int port)
{
	SSL *ssl = SSL_new(ctx);

	SSL_set_fd(ssl, dial(port));
	if (SSL_connect(ssl) != 1) {
		close(SSL_get_fd(ssl));
		SSL_free(ssl);
		return NULL;
	}
	return ssl;
}

static void tls_hang_up(SSL *ssl)
{
	SSL_shutdown(ssl);
	close(SSL_get_fd(ssl));
	SSL_free(ssl);
}

/* Ask for n bytes and read head and body. */
static void tls_ask(SSL *ssl, size_t n)
{
	char request[100], text[4096];
	size_t have = 0, want;
	int got;

	snprintf(request, sizeof request, "GET /big?%zu HTTP/1.1\r\nHost: a\r\n\r\n", n);
	CHECK(SSL_write(ssl, request, (int)strlen(request)) == (int)strlen(request));
	while (have < 4 || memcmp(text + have - 4, "\r\n\r\n", 4) != 0) {
		CHECK(SSL_read(ssl, text + have, 1) == 1);
		if (++have == sizeof text)
			return;
	}
	CHECK(memcmp(text, "HTTP/1.1 200 ", 13) == 0);
	for (want = n; want > 0; want -= (size_t)got)
		if ((got = SSL_read(ssl, text, (int)(want < sizeof text ? want : sizeof text))) <= 0)
			break;
	CHECK_INT(want, 0);
}

static void peer_name(SSL *ssl, char out[64])
{
	X509 *x = SSL_get1_peer_certificate(ssl);

	X509_NAME_get_text_by_NID(X509_get_subject_name(x), NID_commonName, out, 64);
	X509_free(x);
}

TEST(tls_behind_the_same_interface)
{
	char cert[] = "/tmp/ddb-http-cert-XXXXXX", key[] = "/tmp/ddb-http-key-XXXXXX", name[64];
	struct fixture f = { .options = { .tls_cert = cert, .tls_key = key, .head_ms = 300 } };
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method()), *old = SSL_CTX_new(TLS_client_method());
	static const unsigned char protocols[] = "\x02h2\x08http/1.1";
	const unsigned char *chosen;
	unsigned chosen_n;
	SSL *ssl;
	int fd;

	close(mkstemp(cert));
	close(mkstemp(key));
	certificate(cert, key, "first");
	SSL_CTX_set_alpn_protos(ctx, protocols, sizeof protocols - 1);
	SSL_CTX_set_min_proto_version(old, TLS1_VERSION);
	SSL_CTX_set_max_proto_version(old, TLS1_1_VERSION);
	SSL_CTX_set_cipher_list(old, "ALL:@SECLEVEL=0");
	setup(&f);
	ssl = tls_dial(ctx, http_port(f.server));
	CHECK(ssl != NULL);
	SSL_get0_alpn_selected(ssl, &chosen, &chosen_n);
	CHECK(chosen_n == 8 && memcmp(chosen, "http/1.1", 8) == 0);
	peer_name(ssl, name);
	CHECK_STR(name, "first");
	for (int i = 0; i < 20; i++)
		tls_ask(ssl, 10);
	tls_ask(ssl, 5000000);
	tls_ask(ssl, 0);
	CHECK(tls_dial(old, http_port(f.server)) == NULL);
	/* Plain HTTP to a TLS port, and one who never shakes hands. */
	fd = dial(http_port(f.server));
	CHECK(puts_to(fd, GET_("/echo")));
	while (recv(fd, name, sizeof name, 0) > 0)
		;
	close(fd);
	fd = dial(http_port(f.server));
	CHECK(puts_to(fd, "\x16\x03\x01") && at_end(fd));
	close(fd);
	/* New files are taken on request; the old ones stay when the new ones are bad. */
	certificate(cert, key, "second");
	f.reload_rc = 1;
	order(&f, &f.reload);
	pthread_mutex_lock(&f.lock);
	while (f.reload_rc == 1)
		pthread_cond_wait(&f.changed, &f.lock);
	pthread_mutex_unlock(&f.lock);
	CHECK_INT(f.reload_rc, 0);
	tls_ask(ssl, 10);
	tls_hang_up(ssl);
	ssl = tls_dial(ctx, http_port(f.server));
	peer_name(ssl, name);
	CHECK_STR(name, "second");
	tls_hang_up(ssl);
	teardown(&f);
	SSL_CTX_free(ctx);
	SSL_CTX_free(old);
	unlink(cert);
	unlink(key);
}

/* --- an independent signer ---------------------------------------------------------------------------------------- */

TEST(curl_signs_what_we_verify)
{
	static const struct {
		const char *options, *want;
	} cases[] = {
		{ "--user AKIACURL:s3cr3t/+ -d '{}'", "200" },
		{ "--user AKIACURL:s3cr3t/+ --data-binary @/dev/null -H 'Content-Type: application/json'", "200" },
		{ "--user AKIACURL:s3cr3t/+ -H 'X-Amz-Security-Token: abc//def==' -d ''", "200" },
		{ "--user AKIACURL:wrong -d '{}'", "400" },
		{ "--user AKIANOBODY:s3cr3t/+ -d '{}'", "400" },
	};
	char path[] = "/tmp/ddb-http-keys-XXXXXX", error[CRED_ERROR_MAX] = "";
	struct fixture f = { 0 };
	FILE *out;

	if (system("curl --version >/dev/null 2>&1") != 0) {
		printf("# no curl: skipped\n");
		return;
	}
	close(mkstemp(path));
	out = fopen(path, "w");
	fputs("[default]\naws_access_key_id = AKIACURL\naws_secret_access_key = s3cr3t/+\n", out);
	fclose(out);
	f.sigv4 = sigv4_new();
	f.keys = cred_open(path, true, error);
	CHECK_STR(error, "");
	setup(&f);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char cmd[512], got[16] = "";
		FILE *curl;

		snprintf(cmd, sizeof cmd,
		         "curl -s -m 10 -o /dev/null -w '%%{http_code}' --aws-sigv4 aws:amz:us-east-1:dynamodb "
		         "-H 'X-Amz-Target: DynamoDB_20120810.ListTables' %s http://127.0.0.1:%d/",
		         cases[i].options, http_port(f.server));
		curl = popen(cmd, "r");
		CHECK(curl != NULL && fgets(got, sizeof got, curl) != NULL && pclose(curl) == 0);
		CHECK_STR(got, cases[i].want);
	}
	teardown(&f);
	sigv4_free(f.sigv4);
	cred_free(f.keys);
	unlink(path);
}

/* Serve until killed, for measuring: "serve". */
static int serve(void)
{
	struct http_options o = { 0 };
	struct fixture f = { 0 };
	struct http_server *s;

	uv_loop_init(&f.loop);
	s = http_listen(&f.loop, &o, handle, &f);
	if (s == NULL)
		return 1;
	printf("%d\n", http_port(s));
	fflush(stdout);
	return uv_run(&f.loop, UV_RUN_DEFAULT);
}

int main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "serve") == 0)
		return serve();
	X(answers_carry_what_clients_look_at) X(connections_end_when_they_should) X(pipelined_answers_keep_their_order)
	X(at_most_16_requests_wait_on_a_connection) X(bodies_come_chunked_bytewise_or_after_an_invitation)
	X(gzip_both_ways) X(a_bad_request_is_answered_in_its_turn_and_ends_the_connection)
	X(too_large_requests_see_their_refusal) X(time_limits) X(trickling_does_not_help)
	X(a_slow_reader_stops_being_read) X(a_reader_that_never_reads_is_cut_off)
	X(two_hundred_slow_clients_hinder_nobody) X(one_connection_too_many_gets_503)
	X(running_out_of_descriptors_is_survived) X(a_client_that_leaves_early) X(draining_answers_what_is_in_hand)
	X(unix_sockets) X(what_cannot_listen_says_so) X(tls_behind_the_same_interface) X(curl_signs_what_we_verify)
	return check_failures > 0;
}
