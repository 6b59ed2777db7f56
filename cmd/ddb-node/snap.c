/* A store's content from one replica to another, in slices, a few in flight. */
#include <stdlib.h>
#include <string.h>

#include "core.h"
#include "log.h"
#include "mem.h"
#ifdef MUTANT_SNAPSHOT_LOSES_LOCK
#include "item.h"
#endif

#define SNAP_WINDOW 4u                           /* chunks sent and not acknowledged */
#define SNAP_OUT_MAX 4u                          /* transfers at once */
#define SNAP_PATIENCE_US 3000000u

struct snap_out {
	LIST_ENTRY(snap_out) next;
	uint64_t group, transfer;
	uint32_t replica;
	struct store_cursor *cursor;
	struct store_meta meta;
	uint32_t sent, acked;                    /* chunks */
	bool done;
	uint64_t heard;
};

static void end_out(struct node *n, struct snap_out *s)
{
	n->store.ops->close(s->cursor);
	LIST_REMOVE(s, next);
	free(s);
}

static void send_chunk(struct node *n, struct snap_out *s)
{
	struct buf rows = { 0 }, b = { 0 };
	struct bytes key, value;
	struct msg_snap_rows m = { .group = s->group, .from = n->self, .to = s->replica, .transfer = s->transfer, .seq = s->sent++ };

	while (rows.n < n->opt.snapshot_bytes) {
		if (!n->store.ops->next(s->cursor, &key, &value)) {
			s->done = true;
			break;
		}
#ifdef MUTANT_SNAPSHOT_LOSES_LOCK
		struct buf bare = { 0 };
		struct cur c = cur_of(value);
		struct item_head h;

		item_head_get(&c, &h);
		h.lock = BYTES_NONE;
		item_head_put(&bare, &h);
		buf_bytes(&bare, cur_rest(&c));
		value = buf_view(&bare);
#endif
		MSG_LIST_PUT(&rows, row, (&(struct msg_row){ key, value }), MSG_VERSION);
	}
	m.rows = buf_view(&rows);
	if (s->done) {
		m.done = 1;
		m.slot = s->meta.applied;
		m.clock = s->meta.clock;
		m.deleted_clock = s->meta.deleted_clock;
		m.hash = (struct bytes){ s->meta.hash.b, sizeof s->meta.hash.b };
		m.config_slot = s->meta.config_slot;
		m.config = (struct bytes){ s->meta.config, s->meta.config_bytes };
	}
	msg_put_snap_rows(&b, &m, MSG_VERSION);
	node_send(n, s->replica, MSG_snap_rows, buf_view(&b), 0);
	buf_fini(&rows);
	buf_fini(&b);
}

static void pump(struct node *n, struct snap_out *s)
{
	while (!s->done && s->sent - s->acked < SNAP_WINDOW)
		send_chunk(n, s);
}

static struct snap_out *find_out(struct node *n, uint64_t group, uint32_t replica)
{
	struct snap_out *s;

	LIST_FOREACH(s, &n->snaps, next)
		if (s->group == group && s->replica == replica)
			return s;
	return NULL;
}

void snap_start(struct node *n, struct group *g, uint32_t replica)
{
	struct snap_out *s;
	unsigned busy = 0;

	LIST_FOREACH(s, &n->snaps, next)
		busy++;
	if (busy >= SNAP_OUT_MAX || find_out(n, g->id, replica) != NULL)
		return;                                  /* px asks again */
	s = mem_new(sizeof *s);
	s->cursor = n->store.ops->snapshot(n->store.ctx, g->id, &s->meta);
	if (s->cursor == NULL || s->meta.applied + 1 < g->log.base) {
		if (s->cursor != NULL)
			n->store.ops->close(s->cursor);
		free(s);
		return;
	}
	s->group = g->id;
	s->replica = replica;
	s->transfer = n->env.random(n->env.ctx) | 1;
	s->heard = n->now;
	LIST_INSERT_HEAD(&n->snaps, s, next);
	metrics_add(&n->metrics.snapshots_sent, 1);
	log_info("group %llu: sending replica %u a snapshot of slot %llu", (unsigned long long)g->id, replica,
		 (unsigned long long)s->meta.applied);
	pump(n, s);
}

void snap_got(struct node *n, struct bytes body)
{
	struct msg_snap_got m;
	struct snap_out *s;

	if (!msg_get_snap_got(body, &m, MSG_VERSION) || m.to != n->self)
		return;
	s = find_out(n, m.group, m.from);
	if (s == NULL || s->transfer != m.transfer || m.seq >= s->sent)
		return;
	s->heard = n->now;
	if (m.seq + 1 > s->acked)
		s->acked = m.seq + 1;
	if (!m.ok || (s->done && s->acked == s->sent))
		end_out(n, s);
	else
		pump(n, s);
}

/* --- the receiving end -------------------------------------------------------------------------------------------- */

void snap_ask(struct node *n, struct group *g, uint32_t replica)
{
	struct buf b = { 0 };

	msg_put_snap_want(&b, &(struct msg_snap_want){ g->id, n->self, replica, g->meta.applied }, MSG_VERSION);
	node_send(n, replica, MSG_snap_want, buf_view(&b), 0);
	buf_fini(&b);
}

void snap_want(struct node *n, struct bytes body)
{
	struct msg_snap_want m;
	struct group *g;

	if (!msg_get_snap_want(body, &m, MSG_VERSION) || m.to != n->self)
		return;
	g = node_find(n, m.group);
	if (g != NULL && g->ready && g->meta.applied > m.applied)
		snap_start(n, g, m.from);
}

static void answer(struct node *n, const struct msg_snap_rows *m, bool ok)
{
	struct buf b = { 0 };

	msg_put_snap_got(&b, &(struct msg_snap_got){ m->group, n->self, m->from, m->transfer, m->seq, ok }, MSG_VERSION);
	node_send(n, m->from, MSG_snap_got, buf_view(&b), 0);
	buf_fini(&b);
}

static void stop_install(struct node *n, struct group *g)
{
	n->store.ops->install_abort(n->store.ctx, g->id);
	g->install_transfer = 0;
}

/* Does this chunk belong to the transfer under way, or may it begin a new one? */
static bool expected(struct node *n, struct group *g, const struct msg_snap_rows *m)
{
	if (g->installing || g->px.state == PX_LEADER || g->px.state == PX_PREPARING)
		return false;
	if (m->seq > 0)
		return g->install_transfer == m->transfer && g->install_from == m->from && g->install_seq == m->seq;
	if (g->install_transfer != 0) {
		if (n->now - g->install_heard < SNAP_PATIENCE_US)
			return false;
		stop_install(n, g);
	}
	g->install_transfer = m->transfer;
	g->install_from = m->from;
	g->install_seq = 0;
	n->store.ops->install_begin(n->store.ctx, g->id);
	return true;
}

static bool take_rows(struct node *n, struct group *g, struct bytes list)
{
	struct store_batch *b = mem_new(sizeof *b);
	struct bytes rest = list, part;
	size_t cap = 0, at = 0;
	bool ok = true;

	b->group = g->id;
	buf_bytes(&b->memory, list);
	for (rest = buf_view(&b->memory); msg_list_next(&rest, &part);) {
		struct msg_row r;

		if (!msg_get_row(part, &r, MSG_VERSION) || r.key.n == 0 || r.value.n == 0) {
			ok = false;
			break;
		}
		if (at == cap) {
			cap = cap > 0 ? 2 * cap : 64;
			b->rows = mem_resize(b->rows, cap * sizeof *b->rows);
		}
		b->rows[at++] = (struct store_row){ r.key, r.value };
	}
	b->n = at;
	if (ok && rest.n == 0) {
		n->store.ops->install_rows(n->store.ctx, b);
		return true;
	}
	free(b->rows);
	buf_fini(&b->memory);
	free(b);
	return false;
}

/*
 * What the log has up to the snapshot's slot may be anything that was ever accepted there.  So the log says that it no longer counts
 * before the store changes over: after a crash, a store of that slot is taken for what the log tells otherwise.
 */
static void announce(struct node *n, struct group *g, const struct store_meta *meta)
{
	struct buf b = { 0 };

	group_describe(g, &b);
	group_append(n, g, SEG_INSTALLED, g->px.promised, meta->applied, buf_view(&b));
	buf_fini(&b);
	g->installing = true;
	g->install_meta = *meta;
	g->install_end = g->last_end;
	n->installs++;
}

void snap_durable(struct node *n)
{
	for (struct group *g = n->installs > 0 ? n->groups : NULL; g != NULL; g = g->hh.next) {
		if (g->install_end == 0 || wal_durable(n->wal) < g->install_end)
			continue;
		g->install_end = 0;
		n->installs--;
		n->store.ops->install_end(n->store.ctx, g->id, &g->install_meta);
	}
}

static bool finish(struct node *n, struct group *g, const struct msg_snap_rows *m)
{
	struct store_meta meta = { .applied = m->slot, .clock = m->clock, .deleted_clock = m->deleted_clock,
				   .config_slot = m->config_slot, .config_bytes = (uint32_t)m->config.n };
	struct px_config c;

	if (m->hash.n != sizeof meta.hash.b || m->config.n > sizeof meta.config || m->slot <= g->chosen ||
	    !wire_config_of_entry(m->config, m->config_slot, &c))
		return false;
	memcpy(meta.hash.b, m->hash.p, m->hash.n);
	memcpy(meta.config, m->config.p, m->config.n);
	announce(n, g, &meta);
	return true;
}

void snap_rows(struct node *n, struct bytes body)
{
	struct msg_snap_rows m;
	struct group *g;

	if (!msg_get_snap_rows(body, &m, MSG_VERSION) || m.to != n->self)
		return;
	g = node_find(n, m.group);
	if (g == NULL || !g->ready || !expected(n, g, &m)) {
		answer(n, &m, false);
		return;
	}
	g->install_heard = n->now;
	g->install_seq = m.seq + 1;
	if (!take_rows(n, g, m.rows) || (m.done && !finish(n, g, &m))) {
		stop_install(n, g);
		answer(n, &m, false);
		return;
	}
	answer(n, &m, true);
}

/* The store has changed over.  The log before it means nothing any more. */
void snap_installed(struct node *n, struct group *g, const struct store_meta *meta)
{
	struct px_config c = { 0 };
	struct buf b = { 0 };

	g->installing = false;
	g->install_transfer = 0;
	if (!wire_config_of_entry((struct bytes){ meta->config, meta->config_bytes }, meta->config_slot, &c))
		return;                                  /* checked by finish() */
	metrics_add(&n->metrics.snapshots_got, 1);
	log_info("group %llu: installed a snapshot of slot %llu", (unsigned long long)g->id, (unsigned long long)meta->applied);
	g->meta = *meta;
	g->checkpointed = meta->applied;
	g->submitted = meta->applied;
	g->submitted_clock = meta->clock;
	g->submitted_origin = wire_origin((struct bytes){ meta->config, meta->config_bytes });
	g->submitted_config = c;
	g->hash = meta->hash;
	g->deleted_clock = meta->deleted_clock;
	if (meta->clock > g->clock)
		g->clock = meta->clock;
	overlay_applied(g->overlay, meta->applied);
	tx_stored(n, g);
	g->indexes_known = false;
	if (g->overlay_top < meta->applied)
		g->overlay_top = meta->applied;
	if (g->chosen < meta->applied)
		g->chosen = meta->applied;
	held_chosen(&g->held, g->chosen);
	if (glog_top(&g->log) <= meta->applied)
		glog_reset(&g->log, meta->applied + 1);
	else
		glog_trim(&g->log, meta->applied + 1);
	px_installed(&g->px, meta->applied, &c, n->now, &n->actions);
	group_act(n, g, NULL);
	g->config = g->px.config[0];
	beat_members(n, &g->config);
	group_describe(g, &b);
	g->state_position = group_append(n, g, SEG_STATE, g->px.promised, g->chosen, buf_view(&b));
	buf_fini(&b);
	node_dirty(n, g);
}

void snap_tick(struct node *n)
{
	struct snap_out *s, *next;

	for (s = LIST_FIRST(&n->snaps); s != NULL; s = next) {
		next = LIST_NEXT(s, next);
		if (n->now - s->heard > SNAP_PATIENCE_US)
			end_out(n, s);
	}
	for (struct group *g = n->groups; g != NULL; g = g->hh.next)
		if (g->install_transfer != 0 && !g->installing && n->now - g->install_heard > SNAP_PATIENCE_US)
			stop_install(n, g);
}

void snap_fini(struct node *n, const struct group *only)
{
	struct snap_out *s, *next;

	for (s = LIST_FIRST(&n->snaps); s != NULL; s = next) {
		next = LIST_NEXT(s, next);
		if (only == NULL || s->group == only->id)
			end_out(n, s);
	}
}
