/* The HTTP server: what it answers, in which order, and how it refuses and ends.  "serve" runs it for measuring. */
#include "http_fixture.h"

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
	X(too_large_requests_see_their_refusal) X(draining_answers_what_is_in_hand) X(unix_sockets)
	X(what_cannot_listen_says_so)
	return check_failures > 0;
}
