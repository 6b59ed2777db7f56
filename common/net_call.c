#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "log.h"
#include "mem.h"
#include "net_core.h"

#define INDEX_BITS 16                                    /* of a request id; the rest is a serial number */
#define STEADY_MS 1000                                   /* a connection that lived so long is retried at once again */

_Static_assert(NET_REQUESTS_MAX <= 1 << INDEX_BITS, "a request id has room for every index");

static void dial(struct net_peer *p);

/* --- requests */

static struct net_call *enlist(struct net_peer *p)
{
	struct net_call *call = mem_new(sizeof *call);

	if (p->calls_n == p->calls_cap) {
		size_t cap = p->calls_cap > 0 ? 2 * p->calls_cap : 16;

		p->calls = mem_resize(p->calls, cap * sizeof *p->calls);
		p->vacant = mem_resize(p->vacant, cap * sizeof *p->vacant);
		for (size_t i = p->calls_cap; i < cap; i++) {
			p->calls[i] = NULL;
			p->vacant[i] = (uint32_t)i;
		}
		p->calls_cap = cap;
	}
	call->peer = p;
	call->rid = ++p->serial << INDEX_BITS | p->vacant[p->calls_n++];
	p->calls[call->rid & ((1u << INDEX_BITS) - 1)] = call;
	p->net->calls++;
	return call;
}

static void delist(struct net_call *call)
{
	struct net_peer *p = call->peer;
	uint32_t i = call->rid & ((1u << INDEX_BITS) - 1);

	net_wheel_unset(&p->net->wheel, &call->timer);
	p->calls[i] = NULL;
	p->vacant[--p->calls_n] = i;
	p->net->calls--;
	call->peer = NULL;
}

/* Whoever asked may be on the stack: it learns at the end of the turn. */
static void end_call(struct net_call *call, enum net_outcome outcome)
{
	struct net *n = call->peer->net;

	delist(call);
	call->outcome = outcome;
	*(outcome == NET_LOST ? &n->lost : &n->unsent) += 1;
	TAILQ_INSERT_TAIL(&n->ended, call, link);
}

static void end_calls(struct net_peer *p, uint64_t sent)
{
	for (size_t i = 0; i < p->calls_cap && p->calls_n > 0; i++)
		if (p->calls[i] != NULL)
			end_call(p->calls[i], p->calls[i]->end > sent ? NET_UNSENT : NET_LOST);
}

void net_call_deliver(struct net *n)
{
	struct net_call *call;

	while ((call = TAILQ_FIRST(&n->ended)) != NULL) {
		struct net_call c = *call;

		TAILQ_REMOVE(&n->ended, call, link);
		free(call);
		c.done(c.arg, c.outcome, 0, BYTES_NONE);
	}
}

/* Its frame may still be in the queue, and will leave: nobody can say that it was not carried out. */
static void on_deadline(struct net_timer *t)
{
	end_call(NET_OF(t, struct net_call, timer), NET_LOST);
}

struct buf *net_call_begin(struct net_peer *p, unsigned type, uint64_t deadline_ms,
                           void (*done)(void *arg, enum net_outcome outcome, unsigned type, struct bytes body),
                           void *arg)
{
	struct net_call *call;
	struct buf *b;

	assert(p->building == NULL);
	if (!p->is_up || p->calls_n == NET_REQUESTS_MAX)
		return NULL;
	b = net_link_begin(p->conn, (p->serial + 1) << INDEX_BITS, type);
	if (b == NULL)
		return NULL;
	call = enlist(p);
	p->conn->frame_rid = call->rid;
	call->done = done;
	call->arg = arg;
	p->deadline_ms = deadline_ms;
	p->building = call;
	return b;
}

void net_call_end(struct net_peer *p)
{
	struct net_call *call = p->building;

	assert(call != NULL);
	p->building = NULL;
	if (!net_link_end(p->conn)) {
		end_call(call, NET_UNSENT);
		return;
	}
	call->end = p->conn->stream.ended;
	net_set_timer(p->net, &call->timer, p->deadline_ms, on_deadline);
}

void net_call_answered(struct net_peer *p, const struct net_frame *f)
{
	size_t i = f->rid & ((1u << INDEX_BITS) - 1);
	struct net_call *call = i < p->calls_cap ? p->calls[i] : NULL;
	struct net_call c;

	if (f->rid == 0 || f->rid >> INDEX_BITS > p->serial) {
		net_link_break(p->conn, 0, "an answer to no request");
		return;
	}
	if (call == NULL || call->rid != f->rid) {
		p->net->late++;
		return;
	}
	delist(call);
	c = *call;
	free(call);
	c.done(c.arg, NET_ANSWERED, f->type, f->body);
}

/* --- connecting */

static void on_retry(struct net_timer *t)
{
	dial(NET_OF(t, struct net_peer, retry));
}

static void retry_later(struct net_peer *p, const char *why)
{
	unsigned wait = p->retry_ms / 2 + (unsigned)(net_random(p->net) % (p->retry_ms / 2 + 1));

	/* At start and at restart everybody is away for a moment: that is not worth a line. */
	if (p->retry_ms == NET_RETRY_MS_MAX && !p->said) {
		p->said = true;
		log_warn("%s: cannot connect: %s; going on trying", p->addr.text, why);
	}
	p->retry_ms = 2 * p->retry_ms < NET_RETRY_MS_MAX ? 2 * p->retry_ms : NET_RETRY_MS_MAX;
	net_set_timer(p->net, &p->retry, clock_ms() + wait, on_retry);
}

static void dial(struct net_peer *p)
{
	int fd = net_addr_connect(&p->addr);

	if (fd < 0)
		retry_later(p, strerror(errno));
	else
		p->conn = net_link_new(p->net, fd, p);
}

struct net_peer *net_call_new(struct net *n, const char *addr, void (*up)(void *arg, bool up), void *arg)
{
	struct net_peer *p = mem_new(sizeof *p);

	if (net_addr_init(&p->addr, addr) != 0) {
		free(p);
		return NULL;
	}
	p->net = n;
	p->up = up;
	p->arg = arg;
	p->retry_ms = NET_RETRY_MS_MIN;
	LIST_INSERT_HEAD(&n->peers, p, link);
	dial(p);
	return p;
}

void net_call_welcomed(struct net_peer *p)
{
	p->is_up = true;
	p->up_ms = clock_ms();
	if (p->said)
		log_info("%s: connected", p->addr.text);
	p->said = false;
	if (p->up != NULL)
		p->up(p->arg, true);
}

void net_call_broken(struct net_peer *p, const char *why)
{
	bool was_up = p->is_up;

	assert(p->building == NULL);
	end_calls(p, p->conn->stream.sent);
	p->conn = NULL;
	p->is_up = false;
	if (was_up && clock_ms() - p->up_ms >= STEADY_MS)
		p->retry_ms = NET_RETRY_MS_MIN;
	retry_later(p, why);
	if (was_up)
		log_debug("%s: connection lost: %s", p->addr.text, why);
	if (was_up && p->up != NULL)
		p->up(p->arg, false);
}

void net_call_free(struct net_peer *p)
{
	p->up = NULL;
	p->said = true;
	if (p->conn != NULL)
		net_link_break(p->conn, 0, NULL);
	net_wheel_unset(&p->net->wheel, &p->retry);
	LIST_REMOVE(p, link);
	LIST_INSERT_HEAD(&p->net->dead, p, link);
}

void net_call_bury(struct net_peer *p)
{
	assert(p->conn == NULL && p->calls_n == 0);
	LIST_REMOVE(p, link);
	net_addr_fini(&p->addr);
	free(p->calls);
	free(p->vacant);
	free(p);
}
