#include "join.h"

#include <stdlib.h>
#include <sys/random.h>

#include "clock.h"
#include "exit.h"
#include "log.h"
#include "mem.h"

#define ASK_EVERY_MS 200
#define ASK_MS 5000

struct joining {
	struct daemon *d;
	const struct cluster_node *self;
	struct identity *id;
	struct net_peer *peer[CLUSTER_ADDRS_MAX];
	size_t npeers, turn;
	uint64_t attempt;
	uv_timer_t again;
	bool asked, done, closed;
	uint16_t said;                           /* the last refusal, said once */
};

int join_first(struct identity *id, const struct cluster_node *self)
{
	id->incarnation = self->incarnation;
	return identity_save(id);
}

static void on_answer(void *arg, enum net_outcome outcome, unsigned type, struct bytes body)
{
	struct joining *j = arg;
	struct msg_joined m;

	j->asked = false;
	if (j->done || outcome != NET_ANSWERED || type != MSG_joined || !msg_get_joined(body, &m, MSG_VERSION))
		return;
	if (m.result != 0 || m.incarnation == 0) {
		if (m.result != j->said)
			log_info("no new incarnation yet: %.*s", (int)m.text.n, (const char *)m.text.p);
		j->said = m.result;
		return;
	}
	j->id->incarnation = m.incarnation;
	j->done = true;
	daemon_end(j->d, identity_save(j->id));
}

static void on_again(uv_timer_t *t)
{
	struct joining *j = t->data;
	struct net_peer *p;
	struct buf *b;

	if (j->asked || j->done || j->npeers == 0)
		return;
	p = j->peer[j->turn++ % j->npeers];
	b = net_request(p, MSG_join, clock_ms() + ASK_MS, on_answer, j);
	if (b == NULL)
		return;
	msg_put_join(b, &(struct msg_join){ .number = j->self->number, .name = bytes_str(j->self->name),
					   .zone = bytes_str(j->self->zone), .addr = bytes_str(j->self->addr),
					   .attempt = j->attempt }, MSG_VERSION);
	net_requested(p);
	j->asked = true;
}

static void closed(uv_handle_t *h)
{
	((struct joining *)h->data)->closed = true;
}

static void give_up(void *arg)
{
	struct joining *j = arg;

	j->done = true;
	daemon_end(j->d, DDB_EXIT_DONE);
}

int join_run(struct daemon *d, const struct cluster_node *self, struct identity *id)
{
	struct joining j = { .d = d, .self = self, .id = id };
	int code;

	log_warn("%s has no identity: its disk was wiped, or the node is new; joining as a new incarnation", id->dir);
	code = identity_give_up(id);
	if (code != 0)
		return code;
	if (getrandom(&j.attempt, sizeof j.attempt, 0) != sizeof j.attempt)
		abort();
	for (size_t i = 0; i < d->cluster.autoadmin.n; i++) {
		char *addr = daemon_addr(d, d->cluster.autoadmin.v[i]);

		j.peer[j.npeers] = net_dial(d->net, addr, NULL, NULL);
		j.npeers += j.peer[j.npeers] != NULL;
		free(addr);
	}
	if (j.npeers == 0) {
		log_err("the cluster file names no autoadmin to join through");
		return DDB_EXIT_USAGE;
	}
	uv_timer_init(&d->loop, &j.again);
	j.again.data = &j;
	uv_timer_start(&j.again, on_again, 0, ASK_EVERY_MS);
	code = daemon_run(d, give_up, &j);
	d->ended = d->draining;                          /* unless we are to leave, the node itself runs next */
	uv_timer_stop(&j.again);
	uv_close((uv_handle_t *)&j.again, closed);
	for (size_t i = 0; i < j.npeers; i++)
		net_hangup(j.peer[i]);
	while (j.asked || !j.closed)                     /* they point to j */
		uv_run(&d->loop, UV_RUN_ONCE);
	return code;
}
