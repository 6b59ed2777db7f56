/* net: who breaks the rules is dropped, who is slow is held back, and a failed call breaks one connection only. */
#include "net.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "fault.h"
#include "net_world.h"

/* --- refusals */

static int raw_connect(struct world *w)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(sun.sun_path, sizeof sun.sun_path, "%s", w->addr + strlen("unix:"));
	assert(connect(fd, (struct sockaddr *)&sun, sizeof sun) == 0);
	return fd;
}

static void raw_frame(struct buf *b, unsigned type, struct bytes body)
{
	size_t at = net_frame_begin(b);

	buf_bytes(b, body);
	assert(net_frame_end(b, at, 1, type));
}

static void expect_drop(struct world *w, struct bytes sent)
{
	uint64_t bad = w->there->bad;
	int fd = raw_connect(w);
	char t[64];

	CHECK_INT(send(fd, sent.p, sent.n, MSG_NOSIGNAL), (long)sent.n);
	WAIT(w, w->there->bad == bad + 1 && w->there->conns_n == 1);
	CHECK(read(fd, t, sizeof t) <= 0);
	close(fd);
}

TEST(whoever_breaks_the_rules_is_dropped_and_counted)
{
	struct world *w = world_new();
	struct buf b = { 0 };

	world_connect(w);
	expect_drop(w, BYTES_LIT("GET / HTTP/1.1\r\nHost: here\r\n\r\n"));
	raw_frame(&b, MSG_get, BYTES_LIT("no greeting"));
	expect_drop(w, buf_view(&b));
	buf_clear(&b);
	raw_frame(&b, MSG_hello, BYTES_LIT("malformed"));
	expect_drop(w, buf_view(&b));
	buf_clear(&b);
	buf_u32(&b, 10000), buf_u32(&b, 0);              /* more than a greeting may have */
	expect_drop(w, buf_view(&b));
	CHECK(ask(w, 1, 5000));
	WAIT(w, w->ended == 1);
	CHECK(w->calls[1].outcome == NET_ANSWERED);
	buf_fini(&b);
	world_free(w);
}

TEST(another_cluster_is_refused)
{
	struct world *w = world_new();
	struct net_identity id = here_id;

	id.cluster[15] = 9;
	net_free(w->here);
	w->here = net_new(&w->loop, &id);
	w->server = net_listen(w->there, w->addr, on_request, w);
	w->peer = net_dial(w->here, w->addr, on_up, w);
	WAIT(w, w->there->refused == 1 && w->peer->said);
	CHECK(w->ups == 0 && !net_is_up(w->peer));
	world_free(w);
}

TEST(another_protocol_version_is_refused)
{
	struct world *w = world_new();
	struct msg_hello m = { .version_min = MSG_VERSION + 1, .version_max = MSG_VERSION + 2, .role = NET_NODE,
		               .cluster = { here_id.cluster, 16 } };
	struct buf body = { 0 }, b = { 0 };
	uint8_t in[256];
	struct net_frame f;
	struct msg_refuse r;
	size_t n;
	int fd;

	w->server = net_listen(w->there, w->addr, on_request, w);
	fd = raw_connect(w);
	msg_put_hello(&body, &m, 1);
	raw_frame(&b, MSG_hello, buf_view(&body));
	CHECK_INT(send(fd, b.p, b.n, 0), (long)b.n);
	WAIT(w, w->there->refused == 1 && w->there->conns_n == 0);
	n = (size_t)read(fd, in, sizeof in);
	CHECK_INT(net_frame_take((struct bytes){ in, n }, sizeof in, &f, &n), NET_FRAME_WHOLE);
	CHECK(f.type == MSG_refuse && msg_get_refuse(f.body, &r, 1));
	CHECK(bytes_is(r.text, "no protocol version in common"));
	CHECK_INT(read(fd, in, sizeof in), 0);
	close(fd);
	buf_fini(&b);
	buf_fini(&body);
	world_free(w);
}

TEST(a_full_queue_refuses)
{
	struct world *w = world_new();
	struct buf *b;
	int n = 0;

	world_connect(w);
	/* The loop does not run, so nothing leaves. */
	while ((b = net_send(w->peer, MSG_beat)) != NULL && n < 1000) {
		memset(buf_room(b, 1 << 20), 1, 1 << 20);
		b->n += 1 << 20;
		net_sent(w->peer);
		n++;
	}
	CHECK(n >= 64 && n <= 65);
	CHECK(!ask(w, 1, 1000));
	WAIT(w, w->got == n);
	CHECK(ask(w, 2, 5000));
	WAIT(w, w->ended == 1);
	CHECK_INT(w->calls[2].outcome, NET_ANSWERED);
	world_free(w);
}

static void read_all(int fd, struct buf *in, struct world *w, size_t want)
{
	uint64_t until = clock_ms() + PATIENCE_MS;

	while (in->n < want && clock_ms() < until) {
		ssize_t n = recv(fd, buf_room(in, 65536), 65536, MSG_DONTWAIT);

		if (n > 0)
			in->n += (size_t)n;
		uv_run(&w->loop, UV_RUN_NOWAIT);
	}
	CHECK_INT(in->n, want);
}

TEST(whoever_does_not_read_is_not_read_either)
{
	struct world *w = world_new();
	struct msg_hello hello = { 1, 1, { here_id.cluster, 16 }, NET_TOOL, 0, BYTES_LIT("slow") };
	struct buf body = { 0 }, out = { 0 }, in;
	size_t answer = NET_FRAME_HEAD_BYTES + (64 << 10), at = 0;
	int fd, calm = 0, before;

	buf_init(&in, (size_t)256 << 20);
	w->answer_bytes = 64 << 10;
	w->server = net_listen(w->there, w->addr, on_request, w);
	fd = raw_connect(w);
	msg_put_hello(&body, &hello, 1);
	raw_frame(&out, MSG_hello, buf_view(&body));
	for (int i = 0; i < CALLS_MAX; i++)
		raw_frame(&out, MSG_get, BYTES_LIT("x"));
	while (calm < 1000) {
		ssize_t n = at < out.n ? send(fd, out.p + at, out.n - at < 999 ? out.n - at : 999, MSG_DONTWAIT) : 0;

		at += n > 0 ? (size_t)n : 0;
		before = w->got;
		uv_run(&w->loop, UV_RUN_NOWAIT);
		calm = w->got == before && n <= 0 ? calm + 1 : 0;
	}
	/* 8 MiB of answers wait, and what one read brought in may add to that. */
	CHECK(w->got >= 100 && w->got < CALLS_MAX / 2);
	while (at < out.n) {
		ssize_t n = send(fd, out.p + at, out.n - at, MSG_DONTWAIT);

		at += n > 0 ? (size_t)n : 0;
		n = recv(fd, buf_room(&in, 65536), 65536, MSG_DONTWAIT);
		in.n += n > 0 ? (size_t)n : 0;
		uv_run(&w->loop, UV_RUN_NOWAIT);
	}
	read_all(fd, &in, w, NET_FRAME_HEAD_BYTES + 2 + 4 + 1 + strlen("there") + CALLS_MAX * answer);
	CHECK_INT(w->got, CALLS_MAX);
	close(fd);
	buf_fini(&body);
	buf_fini(&out);
	buf_fini(&in);
	world_free(w);
}

TEST(without_descriptors_accepting_goes_on_later)
{
	struct world *w = world_new();

	CHECK_INT(fault_arm("net.accept:EMFILE:1"), 0);
	world_connect(w);
	CHECK(ask(w, 1, 5000));
	WAIT(w, w->ended == 1);
	CHECK_INT(w->calls[1].outcome, NET_ANSWERED);
	fault_arm(NULL);
	world_free(w);
}

TEST(a_failed_call_breaks_the_connection_and_it_comes_back)
{
	static const char *const faults[] = { "net.send:EPIPE:1", "net.recv:ECONNRESET:1" };
	struct world *w = world_new();

	world_connect(w);
	for (int i = 0; i < 2; i++) {
		CHECK_INT(fault_arm(faults[i]), 0);
		CHECK(ask(w, i, 5000));
		WAIT(w, w->downs == i + 1);
		WAIT(w, w->ended == i + 1);
		CHECK_INT(w->calls[i].outcome, i == 0 ? NET_UNSENT : NET_LOST);
		fault_arm(NULL);
		WAIT(w, w->ups == i + 2);
	}
	world_free(w);
}

CHECK_MAIN(
	X(whoever_breaks_the_rules_is_dropped_and_counted) X(another_cluster_is_refused)
	X(another_protocol_version_is_refused) X(a_full_queue_refuses)
	X(whoever_does_not_read_is_not_read_either) X(without_descriptors_accepting_goes_on_later)
	X(a_failed_call_breaks_the_connection_and_it_comes_back))
