/* Source: DESIGN, D10: a write whose outcome is unknown is never retried inside. */
#include <stdlib.h>

#include "clock.h"
#include "mem.h"
#include "router.h"

#define BACKOFF_MS_MIN 2
#define BACKOFF_MS_MAX 100
#define FETCH_MS 1000
#define READ_ATTEMPT_MS 2000                     /* a read may be asked of another one while the first may yet answer */

struct call {
	struct router *r;
	struct route_table *t;                   /* held */
	struct call_request q;                   /* key owned */
	uint32_t tried;                          /* replica of the last attempt */
	unsigned attempts;
	bool lost;                               /* the last attempt was never answered */
	uv_timer_t again;
};

static void try(struct call *c);

static void closed(uv_handle_t *h)
{
	struct call *c = h->data;

	route_release(c->t);
	free((void *)c->q.key.p);
	free(c);
}

static void finish(struct call *c, enum result result, struct bytes body)
{
	c->q.done(c->q.arg, result, c->t, body);
	uv_close((uv_handle_t *)&c->again, closed);
}

static void on_again(uv_timer_t *timer)
{
	try(timer->data);
}

/* Once more, after a pause, if there is time; else the user hears `result`. */
static void later(struct call *c, enum result result, struct bytes body)
{
	uint64_t pause = BACKOFF_MS_MIN << (c->attempts < 6 ? c->attempts : 6);

	if (pause > BACKOFF_MS_MAX)
		pause = BACKOFF_MS_MAX;
	if (clock_ms() + pause >= c->q.deadline_ms) {
		finish(c, result, body);
		return;
	}
	metrics_add(&c->r->metrics.retries, 1);
	uv_timer_start(&c->again, on_again, c->attempts == 1 && result == RESULT_NOT_LEADER ? 0 : pause, 0);
}

static void fetched(void *arg, enum result result, struct route_table *t)
{
	struct call *c = arg;

	if (result == RESULT_UNAVAILABLE) {              /* without memds the route stays as it is */
		later(c, result, BYTES_NONE);
		return;
	}
	if (result != RESULT_OK) {
		finish(c, result, BYTES_NONE);
		return;
	}
	if (t->table.id != c->t->table.id || t->table.schema != c->t->table.schema) {
		finish(c, RESULT_STALE_SCHEMA, BYTES_NONE);      /* another table of that name: its keys may be others */
		return;
	}
	if (t != c->t) {
		route_hold(t);
		route_release(c->t);
		c->t = t;
	}
	later(c, RESULT_UNAVAILABLE, BYTES_NONE);
}

static void refetch(struct call *c)
{
	uint64_t by = clock_ms() + FETCH_MS;

	metrics_add(&c->r->metrics.misroutes, 1);
	route_fetch_by(c->r, c->t->table.name, c->q.key, by < c->q.deadline_ms ? by : c->q.deadline_ms, fetched, c);
}

static void on_answer(void *arg, enum net_outcome outcome, unsigned type, struct bytes body)
{
	struct call *c = arg;
	struct cur cur = cur_of(body);
	struct bytes partition;
	enum result result;

	(void)type;
	c->lost = outcome == NET_LOST;
	if (outcome == NET_LOST && c->q.kind == CALL_WRITE) {
		metrics_add(&c->r->metrics.unknown, 1);
		finish(c, RESULT_UNKNOWN, BYTES_NONE);
		return;
	}
	if (outcome != NET_ANSWERED) {
		later(c, RESULT_UNAVAILABLE, BYTES_NONE);
		return;
	}
	/* Every answer of a node begins alike: result, text, partition (messages.def). */
	result = cur_u16(&cur);
	cur_lenbytes(&cur);
	partition = cur_lenbytes(&cur);
	if (cur.bad)
		result = RESULT_INTERNAL;
	if (result == RESULT_OK || result_info(result)->retry != RESULT_ROUTER) {
		finish(c, result, body);
		return;
	}
	route_learn(c->r, c->t, partition);
	if (result == RESULT_NO_GROUP || result == RESULT_STALE_SCHEMA || c->attempts % 8 == 0)
		refetch(c);
	else
		later(c, result, BYTES_NONE);
}

/* Who is asked: the leader as far as known; else, or for a read that any replica serves, the next in turn that is up. */
static uint32_t choose(struct call *c, const struct route_part *p)
{
	if (c->q.kind != CALL_READ_ANY && p->leader != 0 && route_peer(c->r, p->leader) != NULL &&
	    !(p->leader == c->tried && (c->lost || c->attempts > 2)))
		return p->leader;
	for (uint32_t i = 0; i < p->nmembers; i++) {
		uint32_t m = p->member[c->r->turn++ % p->nmembers];

		if (route_peer(c->r, m) != NULL && (m != c->tried || p->nmembers == 1))
			return m;
	}
	return route_peer(c->r, c->tried) != NULL ? c->tried : 0;
}

static void try(struct call *c)
{
	const struct route_part *p = route_part(c->t, c->q.key);
	uint64_t by = clock_ms() + READ_ATTEMPT_MS;
	struct net_peer *peer;
	struct buf *b;

	c->attempts++;
	if (c->q.kind == CALL_WRITE || by > c->q.deadline_ms)
		by = c->q.deadline_ms;
	if (p == NULL) {
		refetch(c);
		return;
	}
	c->tried = choose(c, p);
	peer = c->tried != 0 ? route_peer(c->r, c->tried) : NULL;
	b = peer != NULL ? net_request(peer, c->q.type, by, on_answer, c) : NULL;
	if (b == NULL) {
		if (c->attempts % 8 == 0)
			refetch(c);
		else
			later(c, RESULT_UNAVAILABLE, BYTES_NONE);
		return;
	}
	c->q.encode(c->q.arg, c->t, p, b);
	net_requested(peer);
}

void call_start(struct router *r, struct route_table *t, const struct call_request *q)
{
	struct call *c = mem_new(sizeof *c);

	c->r = r;
	c->t = route_hold(t);
	c->q = *q;
	c->q.key = bytes_copy(q->key);
	uv_timer_init(r->loop, &c->again);
	c->again.data = c;
	try(c);
}
