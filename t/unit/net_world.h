/*
 * net_world: two nets on one loop, a server and a client, and a record of what each call came to.  Shared by net.c and
 * net_refuse.c.
 */
#ifndef T_NET_WORLD_H
#define T_NET_WORLD_H

#include <assert.h>
#include <stdlib.h>

#include "check.h"
#include "clock.h"
#include "log.h"
#include "mem.h"
#include "net.h"
#include "net_core.h"

#define PATIENCE_MS 10000
#define CALLS_MAX 2000

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

static inline void on_nudge(uv_timer_t *t)
{
	(void)t;
}

static inline struct world *world_new(void)
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

static inline void world_free(struct world *w)
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

static inline void answer(struct world *w, uint64_t conn, uint64_t rid, struct bytes body)
{
	struct buf *b = net_answer(w->there, conn, rid, MSG_beaten);

	if (b == NULL)
		return;
	buf_bytes(b, body);
	for (size_t i = 0; i < w->answer_bytes; i++)
		buf_u8(b, (uint8_t)i);
	net_answered(w->there, conn);
}

static inline void on_request(void *arg, struct net_conn *c, uint64_t rid, unsigned type, struct bytes body)
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

static inline void on_up(void *arg, bool up)
{
	struct world *w = arg;

	*(up ? &w->ups : &w->downs) += 1;
	CHECK(net_is_up(w->peer) == up);
}

static inline void world_connect(struct world *w)
{
	w->server = net_listen(w->there, w->addr, on_request, w);
	CHECK(w->server != NULL);
	w->peer = net_dial(w->here, w->addr, on_up, w);
	CHECK(w->peer != NULL && !net_is_up(w->peer));
	WAIT(w, w->ups == 1);
}

static inline void on_done(void *arg, enum net_outcome outcome, unsigned type, struct bytes body)
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

static inline bool ask(struct world *w, int i, uint64_t wait_ms)
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

#endif
