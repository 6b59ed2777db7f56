/* Source: DESIGN, D5.  Conditions see the newest proposed image; reads see what is chosen. */
#include <stdlib.h>

#include "change.h"
#include "expr_eval.h"
#include "feed.h"
#include "item.h"
#include "mem.h"

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
	struct change change;
	struct bytes *key;                       /* of each op */
	uint32_t nops, nops_max;
	uint64_t depends;                        /* newest slot that any decision rests on */
	enum result result;
	struct msg_written answer;
	struct buf attributes, units, why;
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

static enum result make(const struct msg_op *op, const struct image *old, struct effect *e, struct bytes *text)
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

enum result exec_effect(const struct msg_op *op, const struct image *old, const struct index_set *set, struct effect *e,
			struct bytes *text)
{
	enum result r = make(op, old, e, text);

	if (r != RESULT_OK || set->n == 0 || e->image.n == 0 ||
	    (op->kind == MSG_OP_UPDATE ? index_check_updated : index_check)(set, e->image, &e->why))
		return r;
	*text = buf_view(&e->why);
	return RESULT_INVALID;
}

void exec_effect_fini(struct effect *e)
{
	buf_fini(&e->made);
	buf_fini(&e->why);
}

bool exec_check_op(const struct msg_op *op, const struct index_set *set)
{
	if (op->key.n == 0 || op->key.n > ENTRY_KEY_BYTES_MAX || op->returns > MSG_RETURN_UPDATED_NEW)
		return false;
	if (set->n > 0 && (key_partition_n(op->key) == 0 || key_local(op->key) > 0))
		return false;                            /* rows of indexes are made from it */
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

/* A plain put does not ask what it replaces, so nobody looks, unless a transaction may hold the key, or indexes have rows of it. */
static bool blind(const struct writing *w, const struct msg_op *op)
{
	return op->kind == MSG_OP_PUT && op->condition.n == 0 && op->returns == MSG_RETURN_NONE && !op->measure &&
	       w->change.set->n == 0 && !held_has(&w->g->held, op->key);
}

/* What the answer says of the first op. */
static void measure(struct writing *w, const struct msg_op *op, const struct image *old, const struct effect *e, bool ok)
{
	if (old->found)
		w->answer.old_bytes = (uint32_t)item_size(old->item);
	if (ok && e->image.n > 0)
		w->answer.new_bytes = (uint32_t)item_size(e->image);
	if (ok && e->changes && op->measure)
		change_units(w->change.set, old->found ? old->item : BYTES_NONE, e->image, &w->units);
}

/* Text may lie in what goes when the op is done. */
static bool refuse_op(struct writing *w, uint32_t i, enum result r, struct bytes text)
{
	buf_bytes(&w->why, text);
	return refuse(w, i, r, buf_view(&w->why));
}

static bool one_op(struct writing *w, uint32_t i, const struct msg_op *op)
{
	struct effect e = { 0 };
	struct image old = { 0 };
	struct bytes text = BYTES_NONE;
	enum result r = RESULT_CONFLICT;
	bool ok;

	if (!blind(w, op) && !image_look(w->n, w->g, op->key, OVERLAY_NEWEST, &old)) {
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
		r = exec_effect(op, &old, w->change.set, &e, &text);
	ok = r == RESULT_OK || refuse_op(w, i, r, text);
	if (r == RESULT_CONDITION_FAILED && op->return_on_fail && old.found)
		keep(w, old.item);
	if (i == 0)
		measure(w, op, &old, &e, ok);
	if (ok)
		returns(w, op, &old, e.image);
	if (ok && e.changes)
		change_item(&w->change, &(struct change_item){ .key = op->key, .old = old.found ? old.item : BYTES_NONE, .new = e.image });
	exec_effect_fini(&e);
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

		if (i == w->nops_max || !msg_get_op(part, &op, MSG_VERSION) || !exec_check_op(&op, w->change.set))
			return refuse(w, i, RESULT_INTERNAL, bytes_str(malformed));
		if (!exec_in_range(w->g, op.key))
			return refuse(w, i, RESULT_NO_GROUP, BYTES_NONE);
		for (uint32_t j = 0; j < i; j++)
			if (bytes_eq(w->key[j], op.key))
				return refuse(w, i, RESULT_INVALID,
					      bytes_str("Transaction request cannot include multiple operations on one item"));
		w->key[w->nops++] = op.key;
		if (!one_op(w, i, &op))
			return false;
	}
	if (ops.n > 0 || w->nops == 0)
		return refuse(w, w->nops, RESULT_INTERNAL, bytes_str(malformed));
	return true;
}

/* What indexes store of an item counts, too: the bound is that of the partition, whose part the item's collection is. */
uint64_t exec_group_bytes(const struct group *g, const struct index_set *set)
{
	uint64_t bytes = g->meta.bytes;

	if (set->locals == 0)
		return 0;
	for (size_t i = 0; i < STORE_LOCALS_MAX; i++)
		bytes += g->meta.local[i].bytes;
	return bytes;
}

static void answer_write(struct writing *w, uint64_t conn, uint64_t rid, enum waiter_kind kind, uint64_t slot)
{
	struct buf out = { 0 }, partition = { 0 };

	if (w->result == RESULT_NO_GROUP)
		wire_partition(w->g, &partition);
	w->answer.result = (uint16_t)w->result;
	w->answer.partition = buf_view(&partition);
	w->answer.attributes = buf_view(&w->attributes);
	w->answer.indexes = buf_view(&w->units);
	w->answer.group_bytes = exec_group_bytes(w->g, w->change.set);
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
	if (!decide(w, ops) || !change_any(&w->change)) {
		answer_write(w, conn, rid, WAIT_CHECK, w->depends);
		return;
	}
	if (change_over(&w->change)) {
		refuse(w, 0, RESULT_INVALID, bytes_str("Item size has exceeded the maximum allowed size"));
		answer_write(w, conn, rid, WAIT_CHECK, w->depends);
		return;
	}
	v = change_propose(&w->change, 0, &w->answer.slot);
	w->answer.timestamp = w->change.timestamp;
	if (v == PX_OK)
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

/* What a transaction has prepared may be finished whatever indexes have yet to learn: others wait for its locks. */
bool exec_may_write(struct node *n, struct group *g, uint64_t conn, uint64_t rid, unsigned type)
{
	enum result r = g->px.state == PX_LEADER && g->px.ready ? exec_write_room(n, g) : RESULT_NOT_LEADER;

	if (r == RESULT_OK && type != MSG_tx_finished && feed_behind(n, g))
		r = RESULT_OVERLOADED;
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
	for (rest = m.ops; w.nops_max < ENTRY_OPS_MAX && msg_list_next(&rest, &part);)
		w.nops_max++;
	w.key = mem_new(w.nops_max * sizeof *w.key);
	change_begin(&w.change, n, w.g);
	run_write(&w, conn, rid, m.ops);
	change_fini(&w.change);
	free(w.key);
	buf_fini(&w.attributes);
	buf_fini(&w.units);
	buf_fini(&w.why);
}
