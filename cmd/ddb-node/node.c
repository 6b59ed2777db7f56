#include "node.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "core.h"
#include "feed.h"
#include "log.h"
#include "mem.h"

#define TICK_US 20000u
#define STOP_GRACE_US 150000u                    /* peers' releases may still be on their way */

void node_options_default(struct node_options *o)
{
	*o = (struct node_options){
		.lease_us = 1000000, .drift_permille = 100, .election_us = 300000, .retry_us = 200000, .beat_us = 200000,
		.apply_delay_us = 50000, .apply_rows = 1024, .overlay_bytes_max = 64u << 20, .collect_bytes = 48u << 20,
		.watermark_bytes = 256u << 20, .snapshot_bytes = 256u << 10, .sweep_us = 10000000, .sweep_rows = 64,
		.sweep_bytes = 256u << 10, .waiter_us = 10000000, .lock_us = 2000000, .feed_us = 10000,
		.index_lag_us = 10000000, .fill_rows = 200, .fill_bytes = 256u << 10, .boot_id = "",
	};
}

struct group *node_find(const struct node *n, uint64_t id)
{
	struct group *g;

	HASH_FIND(hh, n->groups, &id, sizeof id, g);
	return g;
}

void node_dirty(struct node *n, struct group *g)
{
	if (g->dirty || g == n->flushing)
		return;
	g->dirty = true;
	STAILQ_INSERT_TAIL(&n->dirty, g, dirty_next);
}

/* --- what waits for the disk --------------------------------------------------------------------------------------- */

static struct pending *pend(struct node *n, unsigned type, struct bytes body, uint64_t end)
{
	struct pending *p = mem_new(sizeof *p + body.n);

	p->end = end;
	p->type = type;
	p->bytes = (uint32_t)body.n;
	if (body.n > 0)
		memcpy(p->body, body.p, body.n);
	STAILQ_INSERT_TAIL(&n->pending, p, next);
	return p;
}

/* A candidate's own acceptor answers it like any other; not from inside a step, but when the turn ends. */
static void deliver(struct node *n, uint32_t replica, unsigned type, struct bytes body)
{
	struct pending *p;

	if (replica != n->self) {
		n->env.send(n->env.ctx, replica, type, body);
		return;
	}
	p = mem_new(sizeof *p + body.n);
	p->type = type;
	p->bytes = (uint32_t)body.n;
	memcpy(p->body, body.p, body.n);
	STAILQ_INSERT_TAIL(&n->loopback, p, next);
}

void node_send(struct node *n, uint32_t replica, unsigned type, struct bytes body, uint64_t end)
{
	if (end <= wal_durable(n->wal))
		deliver(n, replica, type, body);
	else
		pend(n, type, body, end)->replica = replica;
}

void node_answer(struct node *n, uint64_t conn, uint64_t rid, unsigned type, struct bytes body, uint64_t end)
{
	struct pending *p;

	if (end <= wal_durable(n->wal)) {
		n->env.answer(n->env.ctx, conn, rid, type, body);
		return;
	}
	p = pend(n, type, body, end);
	p->answer = true;
	p->conn = conn;
	p->rid = rid;
}

/* Ends never go down along the queue: they are positions of the log's end when the message was made, or earlier ones of its group. */
static void release(struct node *n)
{
	uint64_t durable = wal_durable(n->wal);
	struct pending *p;

	while ((p = STAILQ_FIRST(&n->pending)) != NULL && p->end <= durable) {
		STAILQ_REMOVE_HEAD(&n->pending, next);
		if (p->answer)
			n->env.answer(n->env.ctx, p->conn, p->rid, p->type, (struct bytes){ p->body, p->bytes });
		else
			deliver(n, p->replica, p->type, (struct bytes){ p->body, p->bytes });
		free(p);
	}
}

void node_expect(struct node *n, uint64_t group, uint64_t token, uint64_t end)
{
	struct promise *last;

	if (n->promises_n > 0) {
		last = &n->promises[(n->promises_head + n->promises_n - 1) & (n->promises_cap - 1)];
		if (last->group == group) {              /* the same batch, as a rule: the later token stands for both */
			last->token = token;
			last->end = end;
			return;
		}
	}
	if (n->promises_n == n->promises_cap) {
		size_t cap = n->promises_cap > 0 ? 2 * n->promises_cap : 64;
		struct promise *v = mem_new(cap * sizeof *v);

		for (size_t i = 0; i < n->promises_n; i++)
			v[i] = n->promises[(n->promises_head + i) & (n->promises_cap - 1)];
		free(n->promises);
		n->promises = v;
		n->promises_cap = cap;
		n->promises_head = 0;
	}
	n->promises[(n->promises_head + n->promises_n++) & (n->promises_cap - 1)] = (struct promise){ end, group, token };
}

void node_written(struct node *n, uint64_t now)
{
	uint64_t durable;

	n->now = now;
	durable = wal_durable(n->wal);
	while (n->promises_n > 0 && n->promises[n->promises_head].end <= durable) {
		struct promise p = n->promises[n->promises_head];
		struct group *g = node_find(n, p.group);

		n->promises_head = (n->promises_head + 1) & (n->promises_cap - 1);
		n->promises_n--;
		if (g == NULL)
			continue;
		px_persisted(&g->px, p.token, now, &n->actions);
		group_act(n, g, NULL);
	}
	control_durable(n);
	snap_durable(n);
	release(n);
	collect_durable(n);
}

/* --- store events --------------------------------------------------------------------------------------------------- */

static void on_applied(void *arg, uint64_t group, const struct store_meta *meta)
{
	struct node *n = arg;
	struct group *g = node_find(n, group);

	if (g != NULL)
		apply_done(n, g, meta);
}

static void on_checkpointed(void *arg, uint64_t group, uint64_t slot)
{
	struct group *g = node_find(arg, group);

	if (g == NULL)
		return;
	g->checkpointing = false;
	if (slot > g->checkpointed)
		g->checkpointed = slot;
}

static void on_installed(void *arg, uint64_t group, const struct store_meta *meta)
{
	struct node *n = arg;
	struct group *g = node_find(n, group);

	if (g != NULL)
		snap_installed(n, g, meta);
}

struct store_events node_store_events(struct node *n)
{
	return (struct store_events){ .arg = n, .applied = on_applied, .checkpointed = on_checkpointed, .installed = on_installed };
}

/* --- lifecycle ------------------------------------------------------------------------------------------------------ */

struct node *node_new(const struct node_env *env, const struct node_options *options, const struct wal_io *io,
                      const struct wal_options *wal, const struct store *store, uint64_t now, bool *lost)
{
	struct node *n = mem_new(sizeof *n);

	n->env = *env;
	n->opt = *options;
	n->px_options = (struct px_options){ options->election_us, options->retry_us, options->lease_us };
	n->store = *store;
	n->self = wal->incarnation;
	n->now = now;
	n->leases.v = n->lease;
	n->hasher = key_hasher_new();
	STAILQ_INIT(&n->dirty);
	STAILQ_INIT(&n->pending);
	STAILQ_INIT(&n->loopback);
	STAILQ_INIT(&n->farewells);
	LIST_INIT(&n->snaps);
	*lost = false;
	if (!recover_run(n, io, wal, lost)) {
		node_free(n);
		return NULL;
	}
	return n;
}

static void drop_all(struct pendings *q)
{
	struct pending *p;

	while ((p = STAILQ_FIRST(q)) != NULL) {
		STAILQ_REMOVE_HEAD(q, next);
		free(p);
	}
}

void node_free(struct node *n)
{
	if (n == NULL)
		return;
	snap_fini(n, NULL);
	while (n->groups != NULL)
		group_free(n, n->groups);
	drop_all(&n->pending);
	drop_all(&n->loopback);
	control_fini(n);
	free(n->promises);
	key_hasher_free(n->hasher);
	wal_free(n->wal);
	free(n);
}

/* --- messages and requests ------------------------------------------------------------------------------------------ */

static void on_px(struct node *n, struct bytes body)
{
	struct inbound *in = &n->inbound;
	struct group *g = NULL;
	uint64_t id;

	if (!wire_get(body, &id, in)) {
		metrics_add(&n->metrics.bad_messages, 1);
	} else if (in->m.to == n->self) {
		g = node_find(n, id);
		if (in->m.type == PX_RELEASE && n->stopping > 0)
			in->m.target = 0;                /* we are leaving, too: somebody else may lead */
		/* What a snapshot is about to replace does not vote meanwhile. */
		if (g != NULL && g->ready && !g->installing) {
			px_message(&g->px, &in->m, n->now, n->env.random(n->env.ctx), &n->actions);
			group_act(n, g, in);
		}
	}
}

void node_message(struct node *n, unsigned type, struct bytes body, uint64_t now)
{
	n->now = now;
	if (n->clean_end > 0)
		return;                                  /* after the clean mark nothing may be granted or promised */
	switch (type) {
	case MSG_px:
		on_px(n, body);
		break;
	case MSG_beat:
		beat_beat(n, body);
		break;
	case MSG_beaten:
		beat_beaten(n, body);
		break;
	case MSG_beat_list:
		beat_list(n, body);
		break;
	case MSG_beat_listed:
		beat_listed(n, body);
		break;
	case MSG_snap_want:
		snap_want(n, body);
		break;
	case MSG_snap_rows:
		snap_rows(n, body);
		break;
	case MSG_snap_got:
		snap_got(n, body);
		break;
	case MSG_tx_ask:
		tx_ask(n, body);
		break;
	case MSG_tx_told:
		tx_told(n, body);
		break;
	case MSG_feed:
		feed_take(n, body);
		break;
	case MSG_fed:
		feed_fed(n, body);
		break;
	default:
		metrics_add(&n->metrics.bad_messages, 1);
	}
}

void node_request(struct node *n, uint64_t conn, uint64_t rid, unsigned type, struct bytes body, uint64_t now)
{
	n->now = now;
	switch (type) {
	case MSG_get:
		exec_get(n, conn, rid, body);
		break;
	case MSG_write:
		exec_write(n, conn, rid, body);
		break;
	case MSG_scan:
		scan_run(n, conn, rid, body);
		break;
	case MSG_tx_prepare:
		tx_prepare(n, conn, rid, body);
		break;
	case MSG_tx_finish:
		tx_finish(n, conn, rid, body);
		break;
	case MSG_tx_get:
		tx_get(n, conn, rid, body);
		break;
	default:
		control_request(n, conn, rid, type, body);
	}
}

/* --- time ----------------------------------------------------------------------------------------------------------- */

static void stop_tick(struct node *n);

static void tick_group(struct node *n, struct group *g)
{
	bool leaving = n->stopping > 0 && g->px.state == PX_FOLLOWER;    /* do not campaign any more */

	if (!leaving && px_wants_tick(&g->px, n->now)) {
		px_tick(&g->px, n->now, n->env.random(n->env.ctx), &n->actions);
		group_act(n, g, NULL);
	}
	if (!STAILQ_EMPTY(&g->writes) || !STAILQ_EMPTY(&g->checks))
		wait_expire(n, g);
	if (held_count(&g->held) > 0)
		tx_tick(n, g);
	feed_run(n, g);
	if (g->chosen > g->submitted || px_commits_behind(&g->px))
		node_dirty(n, g);
}

void node_tick(struct node *n, uint64_t now)
{
	n->now = now;
	if (now < n->tick_at)
		return;
	n->tick_at = now + TICK_US;
	if (n->clean_end > 0)
		return;
	for (struct group *g = n->groups, *next; g != NULL; g = next) {
		next = g->hh.next;
		if (g->ready)
			tick_group(n, g);
	}
	beat_tick(n);
	snap_tick(n);
	sweep_tick(n);
	fill_tick(n);
	collect_tick(n);
	if (n->stopping > 0)
		stop_tick(n);
}

static void flush_group(struct node *n, struct group *g)
{
	bool commits = n->now >= g->ticked + TICK_US;

	if (px_wants_flush(&g->px) || (commits && px_commits_behind(&g->px))) {
		px_flush(&g->px, n->now, commits, &n->actions);
		n->flushing = g;                         /* what it wants now can wait for its next event */
		group_act(n, g, NULL);
		n->flushing = NULL;
		if (commits)
			g->ticked = n->now;
	}
	apply_run(n, g, false);
	feed_run(n, g);
}

void node_flush(struct node *n, uint64_t now)
{
	struct pending *p;
	struct group *g;

	n->now = now;
	do {
		while ((p = STAILQ_FIRST(&n->loopback)) != NULL) {
			STAILQ_REMOVE_HEAD(&n->loopback, next);
			node_message(n, p->type, (struct bytes){ p->body, p->bytes }, now);
			free(p);
		}
		while ((g = STAILQ_FIRST(&n->dirty)) != NULL) {
			STAILQ_REMOVE_HEAD(&n->dirty, dirty_next);
			g->dirty = false;
			flush_group(n, g);
		}
	} while (!STAILQ_EMPTY(&n->loopback));
	if (n->list_dirty)
		beat_tick(n);
	wal_flush(n->wal);
}

/* --- stopping ------------------------------------------------------------------------------------------------------- */

/* Hands over what we lead.  A leadership that is not ready has served nobody: it may just end.  True while some is left. */
static bool hand_over(struct node *n)
{
	bool leading = false;

	for (struct group *g = n->groups; g != NULL; g = g->hh.next) {
		if (g->px.state != PX_LEADER || !g->px.ready)
			continue;
		leading = true;
		if (g->px.draining)
			continue;
		px_handoff(&g->px, 0, n->now, &n->actions);
		group_act(n, g, NULL);
	}
	return leading;
}

void node_stop(struct node *n, uint64_t now)
{
	if (n->stopping > 0)
		return;
	n->now = now;
	n->stopping = now;
	hand_over(n);
}

/* The clean mark is written once nobody relies on us, or when waiting longer would cost more than it saves. */
static void stop_tick(struct node *n)
{
	if (hand_over(n) && n->now < n->stopping + n->opt.lease_us)
		return;
	if (beat_granted_until(n) > n->now && n->now < n->stopping + STOP_GRACE_US)
		return;
	control_node_record(n, true);
	n->clean_end = wal_end(n->wal);
	wal_flush(n->wal);
}

bool node_stopped(const struct node *n)
{
	return n->clean_end > 0 && wal_durable(n->wal) >= n->clean_end;
}

int node_bootstrap(struct node *n, const struct msg_group_create *m, uint64_t now)
{
	n->now = now;
	return control_bootstrap(n, m);
}

/* --- looking in ----------------------------------------------------------------------------------------------------- */

size_t node_groups(const struct node *n)
{
	return HASH_COUNT(n->groups);
}

void node_group_ids(const struct node *n, uint64_t *out)
{
	for (const struct group *g = n->groups; g != NULL; g = g->hh.next)
		*out++ = g->id;
}

struct wal *node_wal(struct node *n)
{
	return n->wal;
}

struct node_metrics *node_metrics(struct node *n)
{
	return &n->metrics;
}

const struct group *node_group(const struct node *n, uint64_t group)
{
	return node_find(n, group);
}

bool node_partition(struct node *n, uint64_t group, struct buf *out)
{
	struct group *g = node_find(n, group);

	if (g == NULL || !g->ready)
		return false;
	wire_partition(g, out);
	return true;
}

void node_check(const struct node *n)
{
	for (const struct group *g = n->groups; g != NULL; g = g->hh.next) {
		if (!g->ready)
			continue;
		px_check(&g->px);
		assert(g->chosen == g->px.committed);
		assert(g->meta.applied <= g->submitted && g->submitted <= g->chosen);
		assert(g->checkpointed <= g->meta.applied);
		assert(g->overlay_top >= g->chosen);
		assert(g->log.base <= g->submitted + 1 && glog_top(&g->log) >= g->chosen);
	}
}
