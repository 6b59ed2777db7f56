/* net: frames, the wheel of timers, and two processes' nets on one loop. */
#include "net.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "check.h"
#include "clock.h"
#include "fault.h"
#include "log.h"
#include "mem.h"
#include "net_core.h"

#define PATIENCE_MS 10000
#define CALLS_MAX 2000

/* --- a world of one server and one client */

struct call {
	struct world *w;
	int times;
	enum net_outcome outcome;
	unsigned type;
	uint64_t lease_us;                               /* of a beat that came back */
	size_t bytes;
	uint64_t ended_ms;
};

struct asked {
	uint64_t conn, rid;
};

struct world {
	char dir[64], addr[128];
	uv_loop_t loop;
	uv_timer_t nudge;
	struct net *here, *there;
	struct net_server *server;
	struct net_peer *peer;
	int ups, downs;
	struct call calls[CALLS_MAX];
	int ended;
	/* what the server does */
	bool silent, reversed;
	int got;
	uint32_t got_incarnation;
	enum net_role got_role;
	struct asked asked[CALLS_MAX];
	int asked_n;
	size_t answer_bytes;
};

static const struct net_identity here_id = { { 1, 2, 3 }, NET_ROUTER, 0, "here" };
static const struct net_identity there_id = { { 1, 2, 3 }, NET_NODE, 7, "there" };

static void on_nudge(uv_timer_t *t)
{
	(void)t;
}

static struct world *world_new(void)
{
	struct world *w = mem_new(sizeof *w);

	strcpy(w->dir, "/tmp/ddb-net-XXXXXX");
	assert(mkdtemp(w->dir) != NULL);
	snprintf(w->addr, sizeof w->addr, "unix:%s/s.sock", w->dir);
	uv_loop_init(&w->loop);
	uv_timer_init(&w->loop, &w->nudge);
	uv_timer_start(&w->nudge, on_nudge, 5, 5);
	w->here = net_new(&w->loop, &here_id);
	w->there = net_new(&w->loop, &there_id);
	return w;
}

static void world_free(struct world *w)
{
	char cmd[128];

	net_free(w->here);
	net_free(w->there);
	uv_close((uv_handle_t *)&w->nudge, NULL);
	uv_run(&w->loop, UV_RUN_DEFAULT);
	CHECK_INT(uv_loop_close(&w->loop), 0);
	snprintf(cmd, sizeof cmd, "rm -rf %s", w->dir);
	CHECK_INT(system(cmd), 0);
	free(w);
}

#define WAIT(w, cond)                                                                                                  \
	do {                                                                                                           \
		uint64_t wait_until = clock_ms() + PATIENCE_MS;                                                        \
		while (!(cond) && clock_ms() < wait_until)                                                             \
			uv_run(&(w)->loop, UV_RUN_ONCE);                                                               \
		CHECK(cond);                                                                                           \
	} while (0)

static void answer(struct world *w, uint64_t conn, uint64_t rid, struct bytes body)
{
	struct buf *b = net_answer(w->there, conn, rid, MSG_beaten);

	if (b == NULL)
		return;
	buf_bytes(b, body);
	for (size_t i = 0; i < w->answer_bytes; i++)
		buf_u8(b, (uint8_t)i);
	net_answered(w->there, conn);
}

static void on_request(void *arg, struct net_conn *c, uint64_t rid, unsigned type, struct bytes body)
{
	struct world *w = arg;
	struct msg_beat m;

	(void)type;
	w->got++;
	w->got_role = net_conn_role(c);
	w->got_incarnation = net_conn_incarnation(c);
	CHECK(net_conn_version(c) == MSG_VERSION);
	if (rid == 0)
		return;
	w->asked[w->asked_n++] = (struct asked){ net_conn_id(c), rid };
	if (!w->silent && !w->reversed)
		answer(w, net_conn_id(c), rid, msg_get_beat(body, &m, MSG_VERSION) ? body : BYTES_NONE);
}

static void on_up(void *arg, bool up)
{
	struct world *w = arg;

	*(up ? &w->ups : &w->downs) += 1;
	CHECK(net_is_up(w->peer) == up);
}

static void world_connect(struct world *w)
{
	w->server = net_listen(w->there, w->addr, on_request, w);
	CHECK(w->server != NULL);
	w->peer = net_dial(w->here, w->addr, on_up, w);
	CHECK(w->peer != NULL && !net_is_up(w->peer));
	WAIT(w, w->ups == 1);
}

static void on_done(void *arg, enum net_outcome outcome, unsigned type, struct bytes body)
{
	struct call *c = arg;
	struct msg_beat m;

	c->times++;
	c->w->ended++;
	c->outcome = outcome;
	c->type = type;
	c->bytes = body.n;
	c->ended_ms = clock_ms();
	if (msg_get_beat(body, &m, MSG_VERSION))
		c->lease_us = m.lease_us;
}

static bool ask(struct world *w, int i, uint64_t wait_ms)
{
	struct msg_beat m = { .lease_us = (uint64_t)i };
	struct buf *b = net_request(w->peer, MSG_beat, clock_ms() + wait_ms, on_done, &w->calls[i]);

	w->calls[i].w = w;
	if (b == NULL)
		return false;
	msg_put_beat(b, &m, MSG_VERSION);
	net_requested(w->peer);
	return true;
}

/* --- frames */

TEST(frames_come_back_as_they_were)
{
	struct buf b = { 0 };
	struct net_frame f;
	size_t at, n;

	for (size_t body = 0; body < 3000; body += 97) {
		buf_clear(&b);
		buf_str(&b, "before");
		at = net_frame_begin(&b);
		for (size_t i = 0; i < body; i++)
			buf_u8(&b, (uint8_t)(i * 7));
		CHECK(net_frame_end(&b, at, 0x1122334455667788, 0x0302));
		CHECK_INT(net_frame_take((struct bytes){ b.p + at, b.n - at }, NET_FRAME_BYTES_MAX, &f, &n),
		          NET_FRAME_WHOLE);
		CHECK_INT(n, NET_FRAME_HEAD_BYTES + body);
		CHECK(f.rid == 0x1122334455667788 && f.type == 0x0302 && f.body.n == body);
		CHECK(body == 0 || f.body.p[body - 1] == (uint8_t)((body - 1) * 7));
	}
	buf_fini(&b);
}

TEST(a_frame_is_awaited_or_refused)
{
	struct buf b = { 0 };
	struct net_frame f;
	size_t at = net_frame_begin(&b), n;

	buf_str(&b, "some body");
	CHECK(net_frame_end(&b, at, 9, MSG_get));
	for (size_t i = 0; i < b.n; i++) {
		CHECK_INT(net_frame_take((struct bytes){ b.p, i }, NET_FRAME_BYTES_MAX, &f, &n), NET_FRAME_SHORT);
		CHECK_INT(n, i < 8 ? NET_FRAME_HEAD_BYTES : b.n);
		if (i >= 4) {
			b.p[i] ^= 0x10;
			CHECK_INT(net_frame_take(buf_view(&b), NET_FRAME_BYTES_MAX, &f, &n), NET_FRAME_BAD);
			b.p[i] ^= 0x10;
		}
	}
	CHECK_INT(net_frame_take(buf_view(&b), b.n, &f, &n), NET_FRAME_WHOLE);
	CHECK_INT(net_frame_take(buf_view(&b), b.n - 1, &f, &n), NET_FRAME_BAD);
	store_u32(b.p, 9);
	CHECK_INT(net_frame_take(buf_view(&b), NET_FRAME_BYTES_MAX, &f, &n), NET_FRAME_BAD);
	store_u32(b.p, UINT32_MAX);
	CHECK_INT(net_frame_take(buf_view(&b), NET_FRAME_BYTES_MAX, &f, &n), NET_FRAME_BAD);
	buf_fini(&b);
}

TEST(a_frame_that_outgrows_its_buffer_is_taken_back)
{
	struct buf b;
	size_t at;

	buf_init(&b, 100);
	buf_str(&b, "kept");
	at = net_frame_begin(&b);
	for (int i = 0; i < 50; i++)
		buf_u16(&b, 1);
	CHECK(!net_frame_end(&b, at, 1, MSG_get));
	CHECK(b.n == 4 && !b.over);
	buf_fini(&b);
}

/* --- the wheel */

#define TIMERS 500
static struct net_wheel wheel;
static struct {
	struct net_timer t;
	uint64_t at, fired;
} timers[TIMERS];
static uint64_t wheel_now;

static void on_fire(struct net_timer *t)
{
	size_t i = (size_t)((char *)t - (char *)timers) / sizeof timers[0];

	CHECK(timers[i].fired == 0);
	timers[i].fired = wheel_now;
	if (i > 0 && i % 50 == 0)
		net_wheel_unset(&wheel, &timers[i - 1].t);
	if (i == 7)
		net_wheel_set(&wheel, &timers[6].t, wheel_now, on_fire);
}

TEST(timers_fire_once_and_never_early)
{
	uint64_t start = 123456789;

	memset(timers, 0, sizeof timers);
	net_wheel_init(&wheel, start);
	for (size_t i = 0; i < TIMERS; i++) {
		timers[i].at = start + i * i * 17 % 60000;
		if (i != 6)
			net_wheel_set(&wheel, &timers[i].t, timers[i].at, on_fire);
	}
	net_wheel_unset(&wheel, &timers[3].t);
	net_wheel_unset(&wheel, &timers[3].t);
	for (wheel_now = start; wheel_now < start + 61000; wheel_now += NET_WHEEL_STEP_MS)
		net_wheel_run(&wheel, wheel_now);
	CHECK_INT(wheel.n, 0);
	CHECK(timers[3].fired == 0 && timers[6].fired > timers[7].fired);
	for (size_t i = 0; i < TIMERS; i++)
		if (i != 6 && timers[i].fired > 0)
			CHECK(timers[i].fired >= timers[i].at &&
			      timers[i].fired - timers[i].at <= 2 * NET_WHEEL_STEP_MS);
}

TEST(a_wheel_that_stood_still_catches_up)
{
	memset(timers, 0, sizeof timers);
	net_wheel_init(&wheel, 1000);
	for (size_t i = 0; i < TIMERS; i++)
		net_wheel_set(&wheel, &timers[i].t, 1000 + i * 1000, on_fire);
	wheel_now = 400000;
	net_wheel_run(&wheel, wheel_now);
	CHECK(timers[398].fired == wheel_now && timers[401].fired == 0);
	CHECK(wheel.n > 0);
}

/* --- connections */

TEST(a_request_is_answered)
{
	struct world *w = world_new();

	world_connect(w);
	CHECK_INT(net_peer_incarnation(w->peer), 7);
	CHECK(ask(w, 1, 5000));
	WAIT(w, w->ended == 1);
	CHECK(w->calls[1].outcome == NET_ANSWERED && w->calls[1].type == MSG_beaten && w->calls[1].lease_us == 1);
	CHECK(w->got_role == NET_ROUTER && w->got_incarnation == 0);
	world_free(w);
}

TEST(requests_of_a_turn_leave_in_one_system_call)
{
	struct world *w = world_new();
	uint64_t writes;

	world_connect(w);
	writes = w->here->totals.writes;
	for (int i = 0; i < 1000; i++)
		CHECK(ask(w, i, 5000));
	WAIT(w, w->ended == 1000);
	CHECK(w->here->totals.writes - writes <= 2);
	for (int i = 0; i < 1000; i++)
		CHECK(w->calls[i].times == 1 && w->calls[i].lease_us == (uint64_t)i);
	world_free(w);
}

TEST(answers_may_come_in_any_order)
{
	struct world *w = world_new();

	w->reversed = true;
	world_connect(w);
	for (int i = 0; i < 10; i++)
		CHECK(ask(w, i, 5000));
	WAIT(w, w->asked_n == 10);
	for (int i = 9; i >= 0; i--) {
		struct buf body = { 0 };

		msg_put_beat(&body, &(struct msg_beat){ .lease_us = (uint64_t)i }, MSG_VERSION);
		answer(w, w->asked[i].conn, w->asked[i].rid, buf_view(&body));
		buf_fini(&body);
	}
	WAIT(w, w->ended == 10);
	for (int i = 0; i < 10; i++)
		CHECK(w->calls[i].times == 1 && w->calls[i].lease_us == (uint64_t)i);
	world_free(w);
}

TEST(a_message_goes_one_way)
{
	struct world *w = world_new();
	struct buf *b;

	world_connect(w);
	b = net_send(w->peer, MSG_beat);
	CHECK(b != NULL);
	msg_put_beat(b, &(struct msg_beat){ 0 }, MSG_VERSION);
	net_sent(w->peer);
	WAIT(w, w->got == 1);
	CHECK_INT(w->asked_n, 0);
	world_free(w);
}

TEST(a_deadline_ends_a_request_as_lost_and_its_answer_is_ignored)
{
	struct world *w = world_new();
	uint64_t start, took;

	w->silent = true;
	world_connect(w);
	start = clock_ms();
	CHECK(ask(w, 1, 50));
	CHECK(ask(w, 2, 3000));
	WAIT(w, w->ended == 1);
	took = w->calls[1].ended_ms - start;
	CHECK(w->calls[1].outcome == NET_LOST && took >= 50);
	printf("# a deadline of 50 ms took %d ms\n", (int)took);
	for (int i = 0; i < 2; i++)
		answer(w, w->asked[i].conn, w->asked[i].rid, BYTES_NONE);
	WAIT(w, w->ended == 2);
	CHECK(w->calls[2].outcome == NET_ANSWERED && w->calls[1].times == 1);
	CHECK_INT(w->here->late, 1);
	CHECK_INT(w->here->calls, 0);
	world_free(w);
}

TEST(a_broken_connection_tells_unsent_from_lost)
{
	struct world *w = world_new();

	w->silent = true;
	world_connect(w);
	CHECK(ask(w, 1, 60000));
	WAIT(w, w->asked_n == 1);
	net_free(w->there);
	CHECK(ask(w, 2, 60000));
	/* The loop has not run since: the second frame is still here when the break is seen. */
	net_link_break(w->peer->conn, ECONNRESET, NULL);
	CHECK_INT(w->ended, 0);
	WAIT(w, w->ended == 2);
	CHECK(w->calls[1].outcome == NET_LOST && w->calls[2].outcome == NET_UNSENT);
	CHECK(w->downs == 1 && !net_is_up(w->peer) && net_peer_incarnation(w->peer) == 0);
	CHECK(!ask(w, 3, 1000));
	CHECK(net_send(w->peer, MSG_beat) == NULL);
	w->there = net_new(&w->loop, &there_id);
	world_free(w);
}

TEST(a_peer_is_dialled_until_it_is_there_and_again_when_it_returns)
{
	struct world *w = world_new();

	w->peer = net_dial(w->here, w->addr, on_up, w);
	for (int i = 0; i < 10; i++)
		uv_run(&w->loop, UV_RUN_ONCE);
	for (int life = 1; life <= 3; life++) {
		w->server = net_listen(w->there, w->addr, on_request, w);
		WAIT(w, w->ups == life);
		CHECK(ask(w, life, 5000));
		WAIT(w, w->ended == life);
		net_free(w->there);
		w->there = net_new(&w->loop, &there_id);
		WAIT(w, w->downs == life);
	}
	world_free(w);
}

TEST(hanging_up_ends_what_is_outstanding)
{
	struct world *w = world_new();

	w->silent = true;
	world_connect(w);
	CHECK(ask(w, 1, 60000));
	WAIT(w, w->asked_n == 1);
	CHECK(ask(w, 2, 60000));
	net_hangup(w->peer);
	CHECK_INT(w->ended, 0);
	WAIT(w, w->ended == 2);
	CHECK(w->calls[1].outcome == NET_LOST && w->calls[2].outcome == NET_UNSENT);
	CHECK_INT(w->downs, 0);
	/* An answer to somebody who has gone is no answer. */
	WAIT(w, w->there->conns_n == 0);
	CHECK(net_answer(w->there, w->asked[0].conn, w->asked[0].rid, MSG_beaten) == NULL);
	world_free(w);
}

TEST(frames_of_megabytes_pass_and_larger_ones_are_refused)
{
	struct world *w = world_new();
	struct buf *b;

	w->answer_bytes = NET_BODY_BYTES_MAX;
	world_connect(w);
	b = net_request(w->peer, MSG_beat, clock_ms() + 60000, on_done, &w->calls[1]);
	w->calls[1].w = w->calls[2].w = w;
	memset(buf_room(b, NET_BODY_BYTES_MAX), 3, NET_BODY_BYTES_MAX);
	b->n += NET_BODY_BYTES_MAX;
	net_requested(w->peer);
	WAIT(w, w->ended == 1);
	CHECK(w->calls[1].outcome == NET_ANSWERED && w->calls[1].bytes == NET_BODY_BYTES_MAX);
	b = net_request(w->peer, MSG_beat, clock_ms() + 60000, on_done, &w->calls[2]);
	memset(buf_room(b, NET_BODY_BYTES_MAX + 1), 3, NET_BODY_BYTES_MAX + 1);
	b->n += NET_BODY_BYTES_MAX + 1;
	net_requested(w->peer);
	CHECK_INT(w->ended, 1);
	WAIT(w, w->ended == 2);
	CHECK(w->calls[2].outcome == NET_UNSENT && w->here->oversized == 1);
	w->answer_bytes = 0;
	CHECK(ask(w, 3, 5000));
	WAIT(w, w->ended == 3);
	CHECK(w->calls[3].outcome == NET_ANSWERED);
	CHECK(w->peer->conn->stream.in_cap < 1 << 20 && w->peer->conn->stream.out.cap <= 1 << 20);
	world_free(w);
}

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

/* --- addresses */

TEST(a_socket_file_is_private_and_goes_away)
{
	struct world *w = world_new();
	struct stat st;

	world_connect(w);
	CHECK(stat(w->addr + 5, &st) == 0 && (st.st_mode & 0777) == 0600);
	net_unlisten(w->server);
	CHECK(stat(w->addr + 5, &st) != 0 && errno == ENOENT);
	CHECK(ask(w, 1, 5000));
	WAIT(w, w->ended == 1);
	CHECK_INT(w->calls[1].outcome, NET_ANSWERED);
	world_free(w);
}

TEST(a_stale_socket_is_replaced_and_nothing_else_is)
{
	struct world *w = world_new();
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	char file[160];

	strcpy(sun.sun_path, w->addr + 5);
	assert(bind(fd, (struct sockaddr *)&sun, sizeof sun) == 0);
	close(fd);
	w->server = net_listen(w->there, w->addr, on_request, w);
	CHECK(w->server != NULL);
	CHECK(net_listen(w->here, w->addr, on_request, w) == NULL);
	snprintf(file, sizeof file, "unix:%s/file", w->dir);
	fd = open(file + 5, O_CREAT | O_WRONLY, 0600);
	close(fd);
	CHECK(net_listen(w->here, file, on_request, w) == NULL);
	CHECK_INT(access(file + 5, F_OK), 0);
	world_free(w);
}

TEST(a_path_longer_than_sun_path_works)
{
	struct world *w = world_new();
	char addr[512], dir[256];
	int n = snprintf(dir, sizeof dir, "%s/", w->dir);

	memset(dir + n, 'd', 150);
	dir[n + 150] = '\0';
	assert(mkdir(dir, 0700) == 0);
	snprintf(addr, sizeof addr, "unix:%s/node-a.sock", dir);
	w->server = net_listen(w->there, addr, on_request, w);
	CHECK(w->server != NULL);
	w->peer = net_dial(w->here, addr, on_up, w);
	WAIT(w, w->ups == 1);
	net_unlisten(w->server);
	CHECK(access(addr + 5, F_OK) != 0);
	n = snprintf(addr, sizeof addr, "unix:%s/", dir);
	memset(addr + n, 'n', 100);
	addr[n + 100] = '\0';
	CHECK(net_listen(w->there, addr, on_request, w) == NULL);
	world_free(w);
}

TEST(tcp_works_on_loopback_alone)
{
	struct world *w = world_new();
	struct sockaddr_in in;
	socklen_t n = sizeof in;

	w->server = net_listen(w->there, "tcp:localhost:0", on_request, w);
	CHECK(w->server != NULL && getsockname(w->server->fd, (struct sockaddr *)&in, &n) == 0);
	snprintf(w->addr, sizeof w->addr, "tcp:127.0.0.1:%d", ntohs(in.sin_port));
	w->peer = net_dial(w->here, w->addr, on_up, w);
	WAIT(w, w->ups == 1);
	CHECK(ask(w, 1, 5000));
	WAIT(w, w->ended == 1);
	CHECK_INT(w->calls[1].outcome, NET_ANSWERED);
	CHECK(net_dial(w->here, "tcp:192.0.2.1:80", NULL, NULL) == NULL);
	CHECK(net_listen(w->here, "tcp:0.0.0.0:0", on_request, w) == NULL);
	world_free(w);
}

TEST(bad_addresses_are_refused)
{
	static const char *const bad[] = { "", "unix:", "unix:/tmp/", "/tmp/x", "tcp:", "tcp:localhost",
		                           "tcp:localhost:", "tcp:localhost:70000", "tcp:localhost:8x", "tcp::80",
		                           "tls:localhost:80" };
	struct world *w = world_new();

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		CHECK(net_dial(w->here, bad[i], NULL, NULL) == NULL);
	world_free(w);
}

/* --- metrics */

static void print_metrics(void *arg, struct buf *out)
{
	(void)arg;
	buf_str(out, "mine 1\n");
}

static struct buf metrics_seen;

static void on_metrics(void *arg, enum net_outcome outcome, unsigned type, struct bytes body)
{
	struct msg_metrics_text m;

	*(bool *)arg = true;
	CHECK(outcome == NET_ANSWERED && type == MSG_metrics_text && msg_get_metrics_text(body, &m, MSG_VERSION));
	buf_bytes(&metrics_seen, m.text);
	buf_u8(&metrics_seen, 0);
}

TEST(any_process_answers_with_its_metrics)
{
	struct world *w = world_new();
	bool done = false;

	net_on_metrics(w->there, print_metrics, NULL);
	world_connect(w);
	CHECK(net_request(w->peer, MSG_metrics, clock_ms() + 5000, on_metrics, &done) != NULL);
	net_requested(w->peer);
	WAIT(w, done);
	CHECK(strstr((char *)metrics_seen.p, "mine 1\n") != NULL);
	CHECK(strstr((char *)metrics_seen.p, "ddb_net_frames_total{way=\"in\"} 2\n") != NULL);
	CHECK(strstr((char *)metrics_seen.p, "process_") != NULL);
	buf_fini(&metrics_seen);
	world_free(w);
}

CHECK_MAIN(X(frames_come_back_as_they_were)
X(a_frame_is_awaited_or_refused)
X(a_frame_that_outgrows_its_buffer_is_taken_back)
X(timers_fire_once_and_never_early)
X(a_wheel_that_stood_still_catches_up)
X(a_request_is_answered)
X(requests_of_a_turn_leave_in_one_system_call)
X(answers_may_come_in_any_order)
X(a_message_goes_one_way)
X(a_deadline_ends_a_request_as_lost_and_its_answer_is_ignored)
X(a_broken_connection_tells_unsent_from_lost)
X(a_peer_is_dialled_until_it_is_there_and_again_when_it_returns)
X(hanging_up_ends_what_is_outstanding)
X(frames_of_megabytes_pass_and_larger_ones_are_refused)
X(whoever_breaks_the_rules_is_dropped_and_counted)
X(another_cluster_is_refused)
X(another_protocol_version_is_refused)
X(a_full_queue_refuses)
X(whoever_does_not_read_is_not_read_either)
X(without_descriptors_accepting_goes_on_later)
X(a_failed_call_breaks_the_connection_and_it_comes_back)
X(a_socket_file_is_private_and_goes_away)
X(a_stale_socket_is_replaced_and_nothing_else_is)
X(a_path_longer_than_sun_path_works)
X(tcp_works_on_loopback_alone)
X(bad_addresses_are_refused)
X(any_process_answers_with_its_metrics))
