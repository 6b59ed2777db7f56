/* net: requests and answers over connections that come and go, addresses, and metrics. */
#include "net.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "net_world.h"

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

CHECK_MAIN(
	X(a_request_is_answered) X(requests_of_a_turn_leave_in_one_system_call) X(answers_may_come_in_any_order)
	X(a_message_goes_one_way) X(a_deadline_ends_a_request_as_lost_and_its_answer_is_ignored)
	X(a_broken_connection_tells_unsent_from_lost)
	X(a_peer_is_dialled_until_it_is_there_and_again_when_it_returns) X(hanging_up_ends_what_is_outstanding)
	X(frames_of_megabytes_pass_and_larger_ones_are_refused) X(a_socket_file_is_private_and_goes_away)
	X(a_stale_socket_is_replaced_and_nothing_else_is) X(a_path_longer_than_sun_path_works)
	X(tcp_works_on_loopback_alone) X(bad_addresses_are_refused) X(any_process_answers_with_its_metrics))
