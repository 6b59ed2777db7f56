/* Source: as tx.c.  All operations of a transaction on one group, each with its own verdict; locks for all of them, or none. */
#include <stdlib.h>

#include "item.h"
#include "mem.h"
#include "tx_impl.h"

#define LOCKS_MAX 65536u                         /* keys of a group that may be held */
#define AHEAD_US_MAX 86400000000u                /* how far a transaction may move a group's clock */

static const char malformed[] = "malformed request";

struct part {                                    /* one op */
	struct msg_op op;
	struct image old;
	struct effect effect;
	struct buf lock, units;                  /* to be put; in indexes */
	bool kept;                               /* it is there already */
	struct msg_tx_result result;
};

struct preparing {
	struct node *n;
	struct group *g;
	struct msg_tx_prepare m;
	struct part *part;
	uint32_t nparts;
	struct change change;
	uint64_t depends;                        /* newest slot that any decision rests on */
	size_t attributes;                       /* bytes of them */
	enum result result;
	struct bytes text;
};

static bool refuse(struct preparing *p, enum result r, struct bytes text)
{
	p->result = r;
	p->text = text;
	return false;
}

static void make_lock(struct preparing *p, struct part *t)
{
	struct lock l = { .txid = p->m.txid, .ledger_group = p->m.ledger_group, .ledger_key = p->m.ledger_key,
			  .timestamp = p->m.timestamp, .kind = LOCK_CHECK, .exists = t->old.found, .image = t->effect.image };

	if (t->op.kind == MSG_OP_DELETE)
		l.kind = LOCK_DELETE;
	else if (l.image.n > 0)                  /* an update may make nothing of nothing */
		l.kind = LOCK_PUT;
	lock_put(&t->lock, &l);
}

/*
 * What was written after the transaction's timestamp may be what this very transaction wrote: a prepare that arrives after its own
 * commit must find nothing to do.
 */
static bool too_late(const struct preparing *p, const struct image *old)
{
#ifdef MUTANT_PREPARE_AFTER_FINISH
	return false;
#endif
	return old->time > p->m.timestamp;
}

static enum result evaluate(struct preparing *p, struct part *t)
{
	bool own;

	if (!image_look(p->n, p->g, t->op.key, OVERLAY_NEWEST, &t->old)) {
		t->result.text = bytes_str("a stored row is malformed");
		return RESULT_INTERNAL;
	}
	if (t->old.slot > p->depends)
		p->depends = t->old.slot;
	own = t->old.locked && bytes_eq(t->old.lock.txid, p->m.txid);
	if (t->old.locked && !own)
		return RESULT_CONFLICT;
#ifdef MUTANT_LOCK_KEEPS_TIMESTAMP
	p->m.timestamp = own ? t->old.lock.timestamp : p->m.timestamp;
#endif
	if (own && t->old.lock.timestamp >= p->m.timestamp) {
		t->effect.image = t->old.lock.image;
		t->kept = true;
		return RESULT_OK;
	}
	if (!own && too_late(p, &t->old)) {
		t->result.time = t->old.time;
		return RESULT_CONFLICT;
	}
	return exec_effect(&t->op, &t->old, p->change.set, &t->effect, &t->result.text);
}

/* What a commit would write must fit an entry, as must the lock: then it is too late to refuse. */
static bool is_too_large(const struct preparing *p, const struct part *t)
{
	return t->op.key.n + t->old.item.n + t->lock.n + 256 > ENTRY_BYTES_MAX ||
	       change_worst(p->change.set, t->effect.image.n) > ENTRY_BYTES_MAX;
}

/* Of one that only checks, nothing. */
static void count_units(struct preparing *p, struct part *t)
{
	if (p->change.set->n == 0 || t->op.kind == MSG_OP_CHECK)
		return;
	change_units(p->change.set, t->old.found ? t->old.item : BYTES_NONE, t->effect.image, &t->units);
	t->result.indexes = buf_view(&t->units);
}

static void prepare_one(struct preparing *p, struct part *t)
{
	struct msg_tx_result *a = &t->result;
	enum result r = evaluate(p, t);

	if (r == RESULT_OK && !t->kept) {
		make_lock(p, t);
		if (is_too_large(p, t)) {
			r = RESULT_INVALID;
			a->text = bytes_str("Item size has exceeded the maximum allowed size");
		}
	}
	if (r == RESULT_OK)
		count_units(p, t);
	a->result = (uint16_t)r;
	a->old_bytes = t->old.found ? (uint32_t)item_size(t->old.item) : 0;
	a->new_bytes = r == RESULT_OK && t->effect.image.n > 0 ? (uint32_t)item_size(t->effect.image) : 0;
	if (r == RESULT_CONDITION_FAILED && t->op.return_on_fail && t->old.found &&
	    p->attributes + t->old.item.n <= TX_ANSWER_BYTES_MAX) {
		a->attributes = t->old.item;
		p->attributes += t->old.item.n;
	}
	metrics_add(&p->n->metrics.tx_conflicts, r == RESULT_CONFLICT);
	if (r != RESULT_OK && p->result == RESULT_OK)
		refuse(p, r, a->text);
}

/* Every op is evaluated, so that each gets its reason.  False: the request is not one, and no op has a result. */
static bool read_parts(struct preparing *p)
{
	struct bytes ops = p->m.ops, raw;

	while (msg_list_next(&ops, &raw)) {
		struct part *t = &p->part[p->nparts];

		if (p->nparts == ENTRY_OPS_MAX || !msg_get_op(raw, &t->op, MSG_VERSION) || !exec_check_op(&t->op, p->change.set))
			return refuse(p, RESULT_INTERNAL, bytes_str(malformed));
		if (!exec_in_range(p->g, t->op.key))
			return refuse(p, RESULT_NO_GROUP, BYTES_NONE);
		for (uint32_t i = 0; i < p->nparts; i++)
			if (bytes_eq(p->part[i].op.key, t->op.key))
				return refuse(p, RESULT_INVALID,
					      bytes_str("Transaction request cannot include multiple operations on one item"));
		p->nparts++;
	}
	if (ops.n > 0 || p->nparts == 0)
		return refuse(p, RESULT_INTERNAL, bytes_str(malformed));
	return true;
}

static void put_prepared(struct preparing *p, bool evaluated, struct buf *out)
{
	struct buf partition = { 0 }, results = { 0 };

	if (p->result == RESULT_NO_GROUP)
		wire_partition(p->g, &partition);
	for (uint32_t i = 0; evaluated && i < p->nparts; i++)
		MSG_LIST_PUT(&results, tx_result, &p->part[i].result, MSG_VERSION);
	msg_put_tx_prepared(out, &(struct msg_tx_prepared){ .result = (uint16_t)p->result, .text = p->text,
							    .partition = buf_view(&partition), .results = buf_view(&results),
							    .group_bytes = exec_group_bytes(p->g, p->change.set) }, MSG_VERSION);
	buf_fini(&partition);
	buf_fini(&results);
}

static void run_prepare(struct preparing *p, uint64_t conn, uint64_t rid)
{
	enum px_verdict v = PX_OK;
	struct buf out = { 0 };
	bool good = read_parts(p), any;

	for (uint32_t i = 0; good && i < p->nparts; i++)
		prepare_one(p, &p->part[i]);
	for (uint32_t i = 0; p->result == RESULT_OK && i < p->nparts; i++) {
		const struct part *t = &p->part[i];

		if (t->lock.n > 0)
			change_item(&p->change, &(struct change_item){
				.key = t->op.key, .new = t->old.found ? t->old.item : ITEM_EMPTY, .lock = buf_view(&t->lock) });
	}
	put_prepared(p, good, &out);
	any = change_any(&p->change);
	if (any)
		v = change_propose(&p->change, p->m.timestamp, &p->depends);
	metrics_add(&p->n->metrics.tx_prepared, any && v == PX_OK);
	if (v == PX_OK)
		tx_answer_at(p->n, p->g, any, p->depends, conn, rid, MSG_tx_prepared, &out);
	else
		tx_refuse_verdict(p->n, p->g, v, conn, rid, MSG_tx_prepared);
	buf_fini(&out);
}

/* A clock that somebody has pushed to the end of time never comes back. */
static bool sane_time(struct node *n, const struct group *g, uint64_t timestamp)
{
	uint64_t now = n->env.wall_us(n->env.ctx);

	return timestamp <= (now > g->clock ? now : g->clock) + AHEAD_US_MAX;
}

void tx_prepare(struct node *n, uint64_t conn, uint64_t rid, struct bytes body)
{
	struct preparing p = { .n = n, .result = RESULT_OK };

	if (!msg_get_tx_prepare(body, &p.m, MSG_VERSION) || p.m.txid.n != LOCK_TXID_N || p.m.ledger_key.n == 0 ||
	    p.m.ledger_key.n > LOCK_LEDGER_KEY_MAX) {
		wait_refuse(n, NULL, conn, rid, MSG_tx_prepared, RESULT_INTERNAL, malformed);
		return;
	}
	p.g = exec_route(n, conn, rid, MSG_tx_prepared, p.m.group, p.m.table, p.m.schema);
	if (p.g == NULL || !exec_may_write(n, p.g, conn, rid, MSG_tx_prepared))
		return;
	if (!sane_time(n, p.g, p.m.timestamp)) {
		wait_refuse(n, p.g, conn, rid, MSG_tx_prepared, RESULT_INTERNAL, malformed);
		return;
	}
	if (held_count(&p.g->held) > LOCKS_MAX) {
		wait_refuse(n, p.g, conn, rid, MSG_tx_prepared, RESULT_OVERLOADED, NULL);
		return;
	}
	p.part = mem_new((ENTRY_OPS_MAX + 1) * sizeof *p.part);
	change_begin(&p.change, n, p.g);
	p.change.apart = true;
	run_prepare(&p, conn, rid);
	change_fini(&p.change);
	for (uint32_t i = 0; i < p.nparts; i++) {
		buf_fini(&p.part[i].old.row);
		exec_effect_fini(&p.part[i].effect);
		buf_fini(&p.part[i].lock);
		buf_fini(&p.part[i].units);
	}
	free(p.part);
}
