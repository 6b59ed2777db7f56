/* Source: DESIGN, D5.  Conditions see the newest proposed image; reads see what is chosen. */
#include <stdlib.h>

#include "core.h"
#include "expr_eval.h"
#include "item.h"
#include "mem.h"

#define SCAN_ITEMS_MAX 100000u                   /* rows looked at by one page, whatever was asked */
#define SCAN_BYTES_MAX (1u << 20)                /* of items, as the API counts */

static const char malformed[] = "malformed request";

struct group *exec_route(struct node *n, uint64_t conn, uint64_t rid, unsigned type, uint64_t id, uint64_t table, uint32_t schema)
{
	struct group *g = node_find(n, id);

	if (g == NULL || !g->ready || g->table != table) {
		wait_refuse(n, NULL, conn, rid, type, RESULT_NO_GROUP, NULL);
		return NULL;
	}
	if (g->schema != schema) {
		wait_refuse(n, g, conn, rid, type, RESULT_STALE_SCHEMA, NULL);
		return NULL;
	}
	return g;
}

bool exec_in_range(const struct group *g, struct bytes key)
{
	return bytes_cmp(key, g->low) >= 0 && (g->high.n == 0 || bytes_cmp(key, g->high) < 0);
}

/* --- get ---------------------------------------------------------------------------------------------------------- */

static void got(const struct msg_get *m, const struct image *im, struct buf *out)
{
	struct msg_got a = { .result = RESULT_OK, .found = im->found };
	struct buf projected = { 0 };

	if (im->found) {
		a.item_bytes = (uint32_t)item_size(im->item);
		a.item = im->item;
		if (m->projection.n > 0) {
			expr_eval_projection(m->projection, im->item, &projected);
			a.item = buf_view(&projected);
		}
	}
	msg_put_got(out, &a, MSG_VERSION);
	buf_fini(&projected);
}

void exec_get(struct node *n, uint64_t conn, uint64_t rid, struct bytes body)
{
	struct image im = { 0 };
	struct buf out = { 0 };
	struct msg_get m;
	struct group *g;

	if (!msg_get_get(body, &m, MSG_VERSION) || (m.projection.n > 0 && !expr_check(m.projection, EXPR_KIND_PROJECTION))) {
		wait_refuse(n, NULL, conn, rid, MSG_got, RESULT_INTERNAL, malformed);
		return;
	}
	g = exec_route(n, conn, rid, MSG_got, m.group, m.table, m.schema);
	if (g == NULL)
		return;
	if (!exec_in_range(g, m.key)) {
		wait_refuse(n, g, conn, rid, MSG_got, RESULT_NO_GROUP, NULL);
		return;
	}
	if (m.consistent && !(g->px.state == PX_LEADER && g->px.ready)) {
		wait_refuse(n, g, conn, rid, MSG_got, RESULT_NOT_LEADER, NULL);
		return;
	}
	metrics_add(&n->metrics.gets, 1);
	if (!image_look(n, g, m.key, g->chosen, &im)) {
		wait_refuse(n, g, conn, rid, MSG_got, RESULT_INTERNAL, "a stored row is malformed");
	} else {
		got(&m, &im, &out);
		/* Read the state, then check the lease, then reply. */
		if (!m.consistent || px_may_serve(&g->px, n->now))
			n->env.answer(n->env.ctx, conn, rid, MSG_got, buf_view(&out));
		else
			wait_add(n, g, WAIT_CHECK, 0, conn, rid, MSG_got, buf_view(&out));
	}
	buf_fini(&out);
	buf_fini(&im.row);
}

/* --- write -------------------------------------------------------------------------------------------------------- */

struct writing {
	struct node *n;
	struct group *g;
	struct effect *effect;
	uint32_t nops, nops_max, nrows;
	uint64_t depends;                        /* newest slot that any decision rests on */
	enum result result;
	struct msg_written answer;
	struct buf attributes;
};

static bool refuse(struct writing *w, uint32_t i, enum result r, struct bytes text)
{
	w->result = r;
	w->answer.failed = i;
	w->answer.text = text;
	return false;
}

static void keep(struct writing *w, struct bytes item)
{
	buf_clear(&w->attributes);
	buf_bytes(&w->attributes, item);
}

static void returns(struct writing *w, const struct msg_op *op, const struct image *old, struct bytes new)
{
	struct bytes before = old->found ? old->item : BYTES_NONE;

	switch (op->returns) {
	case MSG_RETURN_ALL_OLD:
		if (old->found)
			keep(w, before);
		break;
	case MSG_RETURN_ALL_NEW:
		keep(w, new);
		break;
	case MSG_RETURN_UPDATED_OLD:
	case MSG_RETURN_UPDATED_NEW:
		buf_clear(&w->attributes);
		expr_updated(op->update, op->returns == MSG_RETURN_UPDATED_OLD ? before : new, &w->attributes);
		break;
	}
}

static enum result update(const struct msg_op *op, const struct image *old, struct effect *e, struct bytes *text)
{
	const char *message = NULL;
	enum expr_result r = expr_apply_update(op->update, old->found ? old->item : BYTES_NONE, op->item, &e->made, &message);

	*text = bytes_str(r == EXPR_INVALID ? message : malformed);
	if (r != EXPR_TRUE)
		return r == EXPR_INVALID ? RESULT_INVALID : RESULT_INTERNAL;
	e->image = buf_view(&e->made);
	*text = bytes_str("Item size to update has exceeded the maximum allowed size");
	if (item_size(e->image) > ITEM_BYTES_MAX)
		return RESULT_INVALID;
	e->changes = old->found ? !bytes_eq(e->image, old->item) : e->image.n > 0;
	*text = BYTES_NONE;
	return RESULT_OK;
}

enum result exec_effect(const struct msg_op *op, const struct image *old, struct effect *e, struct bytes *text)
{
	*text = BYTES_NONE;
	if (op->condition.n > 0 && expr_eval_condition(op->condition, old->found ? old->item : BYTES_NONE) != EXPR_TRUE)
		return RESULT_CONDITION_FAILED;
	switch (op->kind) {
	case MSG_OP_PUT:
		e->image = op->item;
		e->changes = true;
		break;
	case MSG_OP_DELETE:
		e->changes = old->found;
		break;
	case MSG_OP_UPDATE:
		return update(op, old, e, text);
	}
	return RESULT_OK;
}

bool exec_check_op(const struct msg_op *op)
{
	if (op->key.n == 0 || op->key.n > ENTRY_KEY_BYTES_MAX || op->returns > MSG_RETURN_UPDATED_NEW)
		return false;
	if (op->condition.n > 0 && !expr_check(op->condition, EXPR_KIND_CONDITION))
		return false;
	switch (op->kind) {
	case MSG_OP_PUT:
		return item_check(op->item);
	case MSG_OP_UPDATE:
		return item_check(op->item) && expr_check(op->update, EXPR_KIND_UPDATE);
	case MSG_OP_DELETE:
	case MSG_OP_CHECK:
		return true;
	}
	return false;
}

/* A plain put does not ask what it replaces, so nobody looks, unless a transaction may hold the key. */
static bool blind(const struct group *g, const struct msg_op *op)
{
	return op->kind == MSG_OP_PUT && op->condition.n == 0 && op->returns == MSG_RETURN_NONE && !op->measure &&
	       !held_has(&g->held, op->key);
}

static bool one_op(struct writing *w, uint32_t i, const struct msg_op *op)
{
	struct effect *e = &w->effect[i];
	struct image old = { 0 };
	struct bytes text = BYTES_NONE;
	enum result r = RESULT_CONFLICT;
	bool ok;

	e->key = op->key;
	if (!blind(w->g, op) && !image_look(w->n, w->g, op->key, OVERLAY_NEWEST, &old)) {
		buf_fini(&old.row);
		return refuse(w, i, RESULT_INTERNAL, bytes_str("a stored row is malformed"));
	}
#ifdef MUTANT_CONDITION_ON_COMMITTED
	image_look(w->n, w->g, op->key, w->g->chosen, &old);
#endif
#ifdef MUTANT_WRITE_OVER_LOCK
	old.locked = false;
#endif
	if (old.slot > w->depends)
		w->depends = old.slot;
	metrics_add(&w->n->metrics.tx_conflicts, old.locked);
	if (!old.locked)
		r = exec_effect(op, &old, e, &text);
	ok = r == RESULT_OK || refuse(w, i, r, text);
	if (r == RESULT_CONDITION_FAILED && op->return_on_fail && old.found)
		keep(w, old.item);
	if (i == 0 && old.found)
		w->answer.old_bytes = (uint32_t)item_size(old.item);
	if (i == 0 && ok && e->image.n > 0)
		w->answer.new_bytes = (uint32_t)item_size(e->image);
	if (ok)
		returns(w, op, &old, e->image);
	w->nrows += ok && e->changes;
	buf_fini(&old.row);
	return ok;
}

/* Decides every op.  False if one is refused: then none is done. */
static bool decide(struct writing *w, struct bytes ops)
{
	struct bytes part;

	while (msg_list_next(&ops, &part)) {
		struct msg_op op;
		uint32_t i = w->nops;

		if (i == w->nops_max || !msg_get_op(part, &op, MSG_VERSION) || !exec_check_op(&op))
			return refuse(w, i, RESULT_INTERNAL, bytes_str(malformed));
		if (!exec_in_range(w->g, op.key))
			return refuse(w, i, RESULT_NO_GROUP, BYTES_NONE);
		for (uint32_t j = 0; j < i; j++)
			if (bytes_eq(w->effect[j].key, op.key))
				return refuse(w, i, RESULT_INVALID,
					      bytes_str("Transaction request cannot include multiple operations on one item"));
		w->nops++;
		if (!one_op(w, i, &op))
			return false;
	}
	if (ops.n > 0 || w->nops == 0)
		return refuse(w, w->nops, RESULT_INTERNAL, bytes_str(malformed));
	return true;
}

static enum px_verdict propose(struct writing *w)
{
	struct buf entry = { .max = ENTRY_BYTES_MAX };
	uint64_t slot = 0, timestamp = group_timestamp(w->n, w->g);
	enum px_verdict v;

	entry_put_write(&entry, timestamp, w->nrows);
	for (uint32_t i = 0; i < w->nops; i++) {
		const struct effect *e = &w->effect[i];

		if (e->changes)
			entry_put_row(&entry, &(struct entry_row){
				.flags = e->image.n > 0 ? ENTRY_ROW_PUT : ENTRY_ROW_DELETE, .key = e->key, .image = e->image });
	}
	if (entry.over) {
		buf_fini(&entry);
		refuse(w, 0, RESULT_INVALID, bytes_str("Item size has exceeded the maximum allowed size"));
		return PX_OK;
	}
	v = group_propose(w->n, w->g, buf_view(&entry), NULL, &slot);
	w->answer.slot = slot;
	w->answer.timestamp = timestamp;
	buf_fini(&entry);
	return v;
}

static void answer_write(struct writing *w, uint64_t conn, uint64_t rid, enum waiter_kind kind, uint64_t slot)
{
	struct buf out = { 0 }, partition = { 0 };

	if (w->result == RESULT_NO_GROUP)
		wire_partition(w->g, &partition);
	w->answer.result = (uint16_t)w->result;
	w->answer.partition = buf_view(&partition);
	w->answer.attributes = buf_view(&w->attributes);
	msg_put_written(&out, &w->answer, MSG_VERSION);
	if (kind == WAIT_CHECK && slot <= w->g->chosen && px_may_serve(&w->g->px, w->n->now))
		w->n->env.answer(w->n->env.ctx, conn, rid, MSG_written, buf_view(&out));
	else
		wait_add(w->n, w->g, kind, slot, conn, rid, MSG_written, buf_view(&out));
	buf_fini(&partition);
	buf_fini(&out);
}

static void run_write(struct writing *w, uint64_t conn, uint64_t rid, struct bytes ops)
{
	enum px_verdict v = PX_OK;

	/* A refusal or a write without effect rests on what is proposed: it is answered once that is chosen, under the lease. */
	if (!decide(w, ops) || w->nrows == 0) {
		answer_write(w, conn, rid, WAIT_CHECK, w->depends);
		return;
	}
	v = propose(w);
	if (v == PX_OK && w->result != RESULT_OK)
		answer_write(w, conn, rid, WAIT_CHECK, w->depends);
	else if (v == PX_OK)
		answer_write(w, conn, rid, WAIT_WRITE, w->answer.slot);
	else
		wait_refuse(w->n, w->g, conn, rid, MSG_written,
			    v == PX_NOT_LEADER ? RESULT_NOT_LEADER : v == PX_BARRIER ? RESULT_NOT_READY : RESULT_OVERLOADED, NULL);
}

enum result exec_write_room(struct node *n, const struct group *g)
{
	if (n->stopping > 0)
		return RESULT_NOT_READY;
	return wal_full(n->wal) || overlay_bytes(g->overlay) > n->opt.overlay_bytes_max ? RESULT_OVERLOADED : RESULT_OK;
}

bool exec_may_write(struct node *n, struct group *g, uint64_t conn, uint64_t rid, unsigned type)
{
	enum result r = g->px.state == PX_LEADER && g->px.ready ? exec_write_room(n, g) : RESULT_NOT_LEADER;

	if (r != RESULT_OK)
		wait_refuse(n, g, conn, rid, type, r, NULL);
	return r == RESULT_OK;
}

void exec_write(struct node *n, uint64_t conn, uint64_t rid, struct bytes body)
{
	struct msg_write m;
	struct bytes rest, part;
	struct writing w = { .n = n, .result = RESULT_OK };

	if (!msg_get_write(body, &m, MSG_VERSION)) {
		wait_refuse(n, NULL, conn, rid, MSG_written, RESULT_INTERNAL, malformed);
		return;
	}
	w.g = exec_route(n, conn, rid, MSG_written, m.group, m.table, m.schema);
	if (w.g == NULL)
		return;
	if (!exec_may_write(n, w.g, conn, rid, MSG_written))
		return;
	metrics_add(&n->metrics.writes, 1);
	for (rest = m.ops; w.nops_max < ENTRY_ROWS_MAX && msg_list_next(&rest, &part);)
		w.nops_max++;
	w.effect = mem_new(w.nops_max * sizeof *w.effect);
	run_write(&w, conn, rid, m.ops);
	for (uint32_t i = 0; i < w.nops_max; i++)
		buf_fini(&w.effect[i].made);
	free(w.effect);
	buf_fini(&w.attributes);
}

/* --- scan --------------------------------------------------------------------------------------------------------- */

/* The overlay's and the store's rows as one ordered sequence; the overlay wins where both have a key. */
struct merge {
	const struct store_ops *ops;
	struct store_cursor *sc;
	struct overlay_cursor oc;
	bool reverse, have_o, have_s;
	struct bytes okey, skey, srow;
	struct overlay_version ov;
};

static void merge_open(struct merge *g, struct node *n, struct group *group, struct bytes from, bool reverse)
{
	*g = (struct merge){ .ops = n->store.ops, .reverse = reverse };
	overlay_seek(group->overlay, from, reverse, group->chosen, &g->oc);
	g->have_o = overlay_next(&g->oc, &g->okey, &g->ov);
	g->sc = n->store.ops->seek(n->store.ctx, group->id, from, reverse);
	g->have_s = g->sc != NULL && g->ops->next(g->sc, &g->skey, &g->srow);
}

/* The next live row; false at the end, or with *bad set if the store holds something it should not. */
static bool merge_next(struct merge *g, struct buf *key, struct bytes *item, bool *bad)
{
	while (g->have_o || g->have_s) {
		struct image im = { 0 };
		int c = !g->have_o ? 1 : !g->have_s ? -1 : bytes_cmp(g->okey, g->skey);
		bool live;

		if (g->reverse && g->have_o && g->have_s)
			c = -c;
		buf_clear(key);
		buf_bytes(key, c <= 0 ? g->okey : g->skey);
		if (c > 0 && !image_of_row(g->srow, &im)) {
			*bad = true;
			return false;
		}
		live = c > 0 ? im.found : !g->ov.deleted;
		*item = c > 0 ? im.item : g->ov.image;
		if (live)
			return true;                     /* merge_step moves on, once the item was used */
		if (c <= 0)
			g->have_o = overlay_next(&g->oc, &g->okey, &g->ov);
		if (c >= 0)
			g->have_s = g->ops->next(g->sc, &g->skey, &g->srow);
	}
	return false;
}

static void merge_step(struct merge *g, struct bytes key)
{
	if (g->have_o && bytes_eq(g->okey, key))
		g->have_o = overlay_next(&g->oc, &g->okey, &g->ov);
	if (g->have_s && bytes_eq(g->skey, key))
		g->have_s = g->ops->next(g->sc, &g->skey, &g->srow);
}

static void merge_close(struct merge *g)
{
	if (g->sc != NULL)
		g->ops->close(g->sc);
}

static bool past_end(const struct msg_scan *m, const struct group *g, struct bytes key)
{
	if (m->reverse)
		return bytes_cmp(key, g->low) < 0 || (m->to.n > 0 && bytes_cmp(key, m->to) < 0);
	return (g->high.n > 0 && bytes_cmp(key, g->high) >= 0) || (m->to.n > 0 && bytes_cmp(key, m->to) >= 0);
}

static bool scan_rows(struct node *n, struct group *g, const struct msg_scan *m, struct msg_page *a, struct buf *items, struct buf *last)
{
	uint32_t limit = m->limit > 0 && m->limit < SCAN_ITEMS_MAX ? m->limit : SCAN_ITEMS_MAX;
	uint32_t bytes_max = m->bytes_max > 0 && m->bytes_max < SCAN_BYTES_MAX ? m->bytes_max : SCAN_BYTES_MAX;
	struct buf projected = { 0 }, key = { 0 };
	struct bytes from = m->from, item;
	struct merge merge;
	bool bad = false;

	if (!m->reverse && bytes_cmp(from, g->low) < 0)
		from = g->low;
	if (m->reverse && from.n == 0)
		from = g->high;                          /* keys equal to high are not here, so this is the last one below */
	merge_open(&merge, n, g, from, m->reverse);
	while (merge_next(&merge, &key, &item, &bad)) {
		struct bytes k = buf_view(&key);
		bool seen = m->from_exclusive && bytes_eq(k, m->from);

		if (past_end(m, g, k))
			break;
		if (!seen) {
			if (a->scanned == limit || a->read_bytes >= bytes_max) {
				a->more = 1;
				break;
			}
			a->scanned++;
			a->read_bytes += item_size(item);
			if (m->filter.n == 0 || expr_eval_condition(m->filter, item) == EXPR_TRUE) {
				a->count++;
				if (!m->count_only && m->projection.n > 0) {
					buf_clear(&projected);
					expr_eval_projection(m->projection, item, &projected);
					buf_lenbytes(items, buf_view(&projected));
				} else if (!m->count_only) {
					buf_lenbytes(items, item);
				}
			}
		}
		if (!seen) {
			buf_clear(last);
			buf_bytes(last, k);
		}
		merge_step(&merge, k);
	}
	a->last_key = buf_view(last);
	merge_close(&merge);
	buf_fini(&projected);
	buf_fini(&key);
	return !bad;
}

void exec_scan(struct node *n, uint64_t conn, uint64_t rid, struct bytes body)
{
	struct buf out = { 0 }, items = { 0 }, last = { 0 };
	struct msg_page a = { .result = RESULT_OK };
	struct msg_scan m;
	struct group *g;

	if (!msg_get_scan(body, &m, MSG_VERSION) || (m.filter.n > 0 && !expr_check(m.filter, EXPR_KIND_CONDITION)) ||
	    (m.projection.n > 0 && !expr_check(m.projection, EXPR_KIND_PROJECTION))) {
		wait_refuse(n, NULL, conn, rid, MSG_page, RESULT_INTERNAL, malformed);
		return;
	}
	g = exec_route(n, conn, rid, MSG_page, m.group, m.table, m.schema);
	if (g == NULL)
		return;
	if (m.consistent && !(g->px.state == PX_LEADER && g->px.ready)) {
		wait_refuse(n, g, conn, rid, MSG_page, RESULT_NOT_LEADER, NULL);
		return;
	}
	metrics_add(&n->metrics.scans, 1);
	if (!scan_rows(n, g, &m, &a, &items, &last)) {
		wait_refuse(n, g, conn, rid, MSG_page, RESULT_INTERNAL, "a stored row is malformed");
	} else {
		a.items = buf_view(&items);
		msg_put_page(&out, &a, MSG_VERSION);
		if (!m.consistent || px_may_serve(&g->px, n->now))
			n->env.answer(n->env.ctx, conn, rid, MSG_page, buf_view(&out));
		else
			wait_add(n, g, WAIT_CHECK, 0, conn, rid, MSG_page, buf_view(&out));
	}
	buf_fini(&out);
	buf_fini(&items);
	buf_fini(&last);
}
