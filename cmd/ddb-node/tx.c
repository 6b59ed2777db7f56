/*
 * Source: DESIGN, Transactions; Idziorek et al., "Distributed Transactions at Scale in Amazon DynamoDB", ATC'23, section 4.
 * A prepared item is a row with a lock; to prepare, to commit and to cancel are ordinary writes.  The ledger's row decides.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "core.h"
#include "expr_eval.h"
#include "item.h"
#include "item_edit.h"
#include "ledger.h"
#include "mem.h"

#define ENTRY_FILL (ENTRY_BYTES_MAX - 64)        /* of one entry's rows; its head is smaller than the rest */
#define LOCKS_MAX 65536u                         /* keys of a group that may be held */
#define ANSWER_BYTES_MAX (4u << 20)              /* of items in one answer */
#define AHEAD_US_MAX 86400000000u                /* how far a transaction may move a group's clock */
#define ASKS_MAX 64u                             /* in a tick */

static const char malformed[] = "malformed request";

static bool leads(const struct group *g)
{
	return g->ready && g->px.state == PX_LEADER && g->px.ready;
}

/* --- rows into entries -------------------------------------------------------------------------------------------- */

struct rows {
	struct entry_row row[ENTRY_ROWS_MAX];    /* what they point to is the caller's */
	uint32_t n;
};

static size_t row_bytes(const struct entry_row *r)
{
	return 1 + 4 * 10 + r->key.n + r->image.n + r->lock.n;  /* a varint has at most 10 bytes */
}

static void add_row(struct rows *r, struct bytes key, struct bytes image, struct bytes lock)
{
	unsigned flags = (image.n > 0 ? ENTRY_ROW_PUT : ENTRY_ROW_DELETE) | (lock.n > 0 ? ENTRY_ROW_LOCK : 0);

	r->row[r->n++] = (struct entry_row){ .flags = (uint8_t)flags, .key = key, .image = image, .lock = lock };
}

/*
 * Rows of large items fill several entries: each lock stands for itself, so nothing needs them to be one.  All entries are made
 * before the first is proposed, for rows may point to what a step takes away.
 */
static enum px_verdict propose(struct node *n, struct group *g, uint64_t after, const struct rows *r, uint64_t *slot)
{
	uint64_t timestamp = group_timestamp(n, g);
	struct buf entry[ENTRY_ROWS_MAX];
	enum px_verdict v = PX_OK;
	uint32_t entries = 0;

	if (timestamp <= after)
		timestamp = after + 1;
	for (uint32_t i = 0, end; i < r->n; i = end) {
		struct buf *b = &entry[entries++];
		size_t bytes = 0;

		for (end = i; end < r->n && (end == i || bytes + row_bytes(&r->row[end]) <= ENTRY_FILL); end++)
			bytes += row_bytes(&r->row[end]);
		buf_init(b, ENTRY_BYTES_MAX);
		entry_put_write(b, timestamp++, end - i);
		for (uint32_t k = i; k < end; k++)
			entry_put_row(b, &r->row[k]);
		assert(!b->over);
	}
	for (uint32_t i = 0; i < entries; i++) {
		if (v == PX_OK)
			v = group_propose(n, g, buf_view(&entry[i]), NULL, slot);
		buf_fini(&entry[i]);
	}
	return v;
}

/* Once slot is chosen (written), or known to be chosen under the lease (only looked at). */
static void answer_at(struct node *n, struct group *g, bool written, uint64_t slot, uint64_t conn, uint64_t rid, unsigned type,
		      const struct buf *out)
{
	if (!written && slot <= g->chosen && px_may_serve(&g->px, n->now))
		n->env.answer(n->env.ctx, conn, rid, type, buf_view(out));
	else
		wait_add(n, g, written ? WAIT_WRITE : WAIT_CHECK, slot, conn, rid, type, buf_view(out));
}

static void refuse_verdict(struct node *n, struct group *g, enum px_verdict v, uint64_t conn, uint64_t rid, unsigned type)
{
	wait_refuse(n, g, conn, rid, type, v == PX_NOT_LEADER ? RESULT_NOT_LEADER : v == PX_BARRIER ? RESULT_NOT_READY :
		    RESULT_OVERLOADED, NULL);
}

/* --- prepare ------------------------------------------------------------------------------------------------------ */

struct part {                                    /* one op */
	struct msg_op op;
	struct image old;
	struct effect effect;
	struct buf lock;                         /* to be put */
	bool kept;                               /* it is there already */
	struct msg_tx_result result;
};

struct preparing {
	struct node *n;
	struct group *g;
	struct msg_tx_prepare m;
	struct part *part;
	uint32_t nparts;
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
			  .timestamp = p->m.timestamp, .kind = LOCK_PUT, .exists = t->old.found, .image = t->effect.image };

	if (t->op.kind == MSG_OP_DELETE || t->op.kind == MSG_OP_CHECK)
		l.kind = t->op.kind == MSG_OP_DELETE ? LOCK_DELETE : LOCK_CHECK;
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
	return exec_effect(&t->op, &t->old, &t->effect, &t->result.text);
}

static void prepare_one(struct preparing *p, struct part *t)
{
	struct msg_tx_result *a = &t->result;
	enum result r = evaluate(p, t);

	if (r == RESULT_OK && !t->kept) {
		make_lock(p, t);
		if (t->op.key.n + t->old.item.n + t->lock.n + 64 > ENTRY_FILL) {
			r = RESULT_INVALID;
			a->text = bytes_str("Item size has exceeded the maximum allowed size");
		}
	}
	a->result = (uint16_t)r;
	a->old_bytes = t->old.found ? (uint32_t)item_size(t->old.item) : 0;
	a->new_bytes = r == RESULT_OK && t->effect.image.n > 0 ? (uint32_t)item_size(t->effect.image) : 0;
	if (r == RESULT_CONDITION_FAILED && t->op.return_on_fail && t->old.found &&
	    p->attributes + t->old.item.n <= ANSWER_BYTES_MAX) {
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

		if (p->nparts == ENTRY_ROWS_MAX || !msg_get_op(raw, &t->op, MSG_VERSION) || !exec_check_op(&t->op))
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
							    .partition = buf_view(&partition), .results = buf_view(&results) }, MSG_VERSION);
	buf_fini(&partition);
	buf_fini(&results);
}

static void run_prepare(struct preparing *p, uint64_t conn, uint64_t rid)
{
	struct rows rows = { .n = 0 };
	enum px_verdict v = PX_OK;
	struct buf out = { 0 };
	bool good = read_parts(p);

	for (uint32_t i = 0; good && i < p->nparts; i++)
		prepare_one(p, &p->part[i]);
	for (uint32_t i = 0; p->result == RESULT_OK && i < p->nparts; i++) {
		const struct part *t = &p->part[i];

		if (t->lock.n > 0)
			add_row(&rows, t->op.key, t->old.found ? t->old.item : ITEM_EMPTY, buf_view(&t->lock));
	}
	put_prepared(p, good, &out);
	if (rows.n > 0)
		v = propose(p->n, p->g, p->m.timestamp, &rows, &p->depends);
	metrics_add(&p->n->metrics.tx_prepared, rows.n > 0 && v == PX_OK);
	if (v == PX_OK)
		answer_at(p->n, p->g, rows.n > 0, p->depends, conn, rid, MSG_tx_prepared, &out);
	else
		refuse_verdict(p->n, p->g, v, conn, rid, MSG_tx_prepared);
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
	p.part = mem_new((ENTRY_ROWS_MAX + 1) * sizeof *p.part);
	run_prepare(&p, conn, rid);
	for (uint32_t i = 0; i < p.nparts; i++) {
		buf_fini(&p.part[i].old.row);
		buf_fini(&p.part[i].effect.made);
		buf_fini(&p.part[i].lock);
	}
	free(p.part);
}

/* --- finish ------------------------------------------------------------------------------------------------------- */

struct finishing {
	struct node *n;
	struct group *g;
	struct bytes txid;
	bool commit;
	struct image *image;                     /* of each key looked at */
	uint32_t nimages;
	struct rows rows;
	uint64_t depends;
};

/* What is not locked by this transaction is finished already, or never was prepared.  False: a row that cannot be read. */
static bool finish_one(struct finishing *f, struct bytes key)
{
	struct image *im = &f->image[f->nimages++];
	struct bytes image;
	bool own;

	if (!image_look(f->n, f->g, key, OVERLAY_NEWEST, im))
		return false;
	if (im->slot > f->depends)
		f->depends = im->slot;
	own = im->locked && bytes_eq(im->lock.txid, f->txid);
#ifdef MUTANT_FINISH_ANY_LOCK
	own = im->locked;
#endif
	if (!own)
		return true;
	image = im->found ? im->item : BYTES_NONE;
	if (f->commit && im->lock.kind != LOCK_CHECK)
		image = im->lock.image;
	add_row(&f->rows, key, image, BYTES_NONE);
	return true;
}

static enum px_verdict finish_propose(struct finishing *f)
{
	enum px_verdict v = f->rows.n > 0 ? propose(f->n, f->g, 0, &f->rows, &f->depends) : PX_OK;

	if (f->rows.n > 0 && v == PX_OK)
		metrics_add(f->commit ? &f->n->metrics.tx_committed : &f->n->metrics.tx_cancelled, 1);
	return v;
}

static struct finishing *finishing_new(struct node *n, struct group *g, struct bytes txid, bool commit)
{
	struct finishing *f = mem_new(sizeof *f);

	f->n = n;
	f->g = g;
	f->txid = txid;
	f->commit = commit;
	f->image = mem_new(ENTRY_ROWS_MAX * sizeof *f->image);
	return f;
}

static void finishing_free(struct finishing *f)
{
	for (uint32_t i = 0; i < f->nimages; i++)
		buf_fini(&f->image[i].row);
	free(f->image);
	free(f);
}

/* RESULT_OK if all keys were looked at. */
static enum result finish_keys(struct finishing *f, struct bytes keys)
{
	struct bytes key;

	while (msg_list_next(&keys, &key)) {
		if (f->nimages == ENTRY_ROWS_MAX || key.n == 0 || key.n > ENTRY_KEY_BYTES_MAX)
			return RESULT_INTERNAL;
		if (!exec_in_range(f->g, key))
			return RESULT_NO_GROUP;
		if (!finish_one(f, key))
			return RESULT_INTERNAL;
	}
	return keys.n == 0 && f->nimages > 0 ? RESULT_OK : RESULT_INTERNAL;
}

void tx_finish(struct node *n, uint64_t conn, uint64_t rid, struct bytes body)
{
	struct msg_tx_finish m;
	struct finishing *f;
	struct buf out = { 0 };
	struct group *g;
	enum px_verdict v;
	enum result r;

	if (!msg_get_tx_finish(body, &m, MSG_VERSION) || m.txid.n != LOCK_TXID_N) {
		wait_refuse(n, NULL, conn, rid, MSG_tx_finished, RESULT_INTERNAL, malformed);
		return;
	}
	g = node_find(n, m.group);
	g = exec_route(n, conn, rid, MSG_tx_finished, m.group, m.table, g != NULL ? g->schema : 0);
	if (g == NULL || !exec_may_write(n, g, conn, rid, MSG_tx_finished))
		return;
	f = finishing_new(n, g, m.txid, m.commit != 0);
	r = finish_keys(f, m.keys);
	v = r == RESULT_OK ? finish_propose(f) : PX_OK;
	if (r != RESULT_OK) {
		wait_refuse(n, g, conn, rid, MSG_tx_finished, r, malformed);
	} else if (v != PX_OK) {
		refuse_verdict(n, g, v, conn, rid, MSG_tx_finished);
	} else {
		msg_put_tx_finished(&out, &(struct msg_tx_finished){ .result = RESULT_OK }, MSG_VERSION);
		answer_at(n, g, f->rows.n > 0, f->depends, conn, rid, MSG_tx_finished, &out);
	}
	buf_fini(&out);
	finishing_free(f);
}

/* --- get ---------------------------------------------------------------------------------------------------------- */

static enum result get_one(struct node *n, struct group *g, const struct msg_tx_key *k, size_t *bytes, struct buf *results)
{
	struct msg_tx_item a = { 0 };
	struct buf projected = { 0 };
	struct image im = { 0 };
	enum result r = RESULT_OK;

	if (!exec_in_range(g, k->key)) {
		r = RESULT_NO_GROUP;
	} else if (!image_look(n, g, k->key, g->chosen, &im)) {
		r = RESULT_INTERNAL;
	} else {
		a.found = im.found;
		a.locked = im.locked;
#ifdef MUTANT_GET_IGNORES_LOCK
		a.locked = 0;
#endif
		a.slot = im.version;
		if (im.found) {
			a.item_bytes = (uint32_t)item_size(im.item);
			a.item = im.item;
			*bytes += im.item.n;
			if (k->projection.n > 0) {
				expr_eval_projection(k->projection, im.item, &projected);
				a.item = buf_view(&projected);
			}
		}
		if (*bytes > ANSWER_BYTES_MAX)
			r = RESULT_INVALID;
		else
			MSG_LIST_PUT(results, tx_item, &a, MSG_VERSION);
	}
	buf_fini(&projected);
	buf_fini(&im.row);
	return r;
}

static enum result get_all(struct node *n, struct group *g, struct bytes gets, struct buf *results)
{
	struct bytes raw;
	uint32_t count = 0;
	size_t bytes = 0;

	for (; msg_list_next(&gets, &raw); count++) {
		struct msg_tx_key k;
		enum result r;

		if (count == ENTRY_ROWS_MAX || !msg_get_tx_key(raw, &k, MSG_VERSION) ||
		    (k.projection.n > 0 && !expr_check(k.projection, EXPR_KIND_PROJECTION)))
			return RESULT_INTERNAL;
		r = get_one(n, g, &k, &bytes, results);
		if (r != RESULT_OK)
			return r;
	}
	return gets.n == 0 && count > 0 ? RESULT_OK : RESULT_INTERNAL;
}

void tx_get(struct node *n, uint64_t conn, uint64_t rid, struct bytes body)
{
	struct buf results = { 0 }, out = { 0 };
	struct msg_tx_get m;
	struct group *g;
	enum result r;

	if (!msg_get_tx_get(body, &m, MSG_VERSION)) {
		wait_refuse(n, NULL, conn, rid, MSG_tx_got, RESULT_INTERNAL, malformed);
		return;
	}
	g = exec_route(n, conn, rid, MSG_tx_got, m.group, m.table, m.schema);
	if (g == NULL)
		return;
	if (!leads(g)) {
		wait_refuse(n, g, conn, rid, MSG_tx_got, RESULT_NOT_LEADER, NULL);
		return;
	}
	metrics_add(&n->metrics.gets, 1);
	r = get_all(n, g, m.gets, &results);
	if (r != RESULT_OK) {
		wait_refuse(n, g, conn, rid, MSG_tx_got, r,
			    r == RESULT_INVALID ? "Aggregated size of the items exceeds the maximum of 4 MB" : malformed);
	} else {
		msg_put_tx_got(&out, &(struct msg_tx_got){ .result = RESULT_OK, .results = buf_view(&results) }, MSG_VERSION);
		answer_at(n, g, false, 0, conn, rid, MSG_tx_got, &out);
	}
	buf_fini(&results);
	buf_fini(&out);
}

/* --- what a coordinator has left ---------------------------------------------------------------------------------- */

void tx_row(struct node *n, struct group *g, uint64_t slot, const struct entry_row *row)
{
	struct lock lock;

	if (row->lock.n > 0 && lock_get(row->lock, &lock))
		held_add(&g->held, row->key, lock.txid, n->now);
	else if (held_count(&g->held) > 0)
		held_gone(&g->held, row->key, slot);
}

struct stored {
	struct node *n;
	struct group *g;
};

static void stored_lock(void *arg, struct bytes key, struct bytes row)
{
	struct stored *s = arg;
	struct image im = { 0 };

	if (image_of_row(row, &im) && im.locked)
		held_add(&s->g->held, key, im.lock.txid, s->n->now);
}

void tx_stored(struct node *n, struct group *g)
{
#ifdef MUTANT_STORE_FORGETS_LOCKS
	return;
#endif
	n->store.ops->locks(n->store.ctx, g->id, stored_lock, &(struct stored){ n, g });
}

#ifdef MUTANT_CANCEL_UNASKED
static void cancel_unasked(struct node *n, struct group *g, struct bytes key, struct bytes txid)
{
	struct finishing *f = finishing_new(n, g, txid, false);

	if (finish_one(f, key))
		finish_propose(f);
	finishing_free(f);
}
#endif

static void ask(struct node *n, const struct lock *l)
{
	struct buf b = { 0 };

	msg_put_tx_ask(&b, &(struct msg_tx_ask){ l->ledger_group, n->self, l->ledger_key, l->txid }, MSG_VERSION);
	n->env.send(n->env.ctx, 0, MSG_tx_ask, buf_view(&b));
	node_send(n, n->self, MSG_tx_ask, buf_view(&b), 0);
	buf_fini(&b);
}

/* Nobody needs to hear of the same transaction twice in a tick: its keys mostly come one after another. */
void tx_tick(struct node *n, struct group *g)
{
	uint8_t last[LOCK_TXID_N] = { 0 };
	struct held_key *k;

	for (unsigned i = 0; leads(g) && i < ASKS_MAX; i++) {
		struct image im = { 0 };
		struct bytes key;
		bool ok;

		k = held_due(&g->held, n->now, n->opt.lock_us, n->opt.retry_us);
		if (k == NULL)
			return;
		key = (struct bytes){ k->key, k->n };
		ok = image_look(n, g, key, OVERLAY_NEWEST, &im);
		if (ok && im.locked) {
			held_ask(&g->held, k, im.lock.txid, n->now);
#ifdef MUTANT_CANCEL_UNASKED
			cancel_unasked(n, g, key, im.lock.txid);
#else
			if (memcmp(last, im.lock.txid.p, sizeof last) != 0)
				ask(n, &im.lock);
			memcpy(last, im.lock.txid.p, sizeof last);
#endif
		} else {
			ok = ok && image_look(n, g, key, g->chosen, &im) && !im.locked;
			if (ok)
				held_free(&g->held, k);
			else
				held_ask(&g->held, k, (struct bytes){ k->txid, LOCK_TXID_N }, n->now);
		}
		buf_fini(&im.row);
	}
}

/* --- the ledger's side -------------------------------------------------------------------------------------------- */

static bool attribute_is(struct bytes item, const char *name, uint8_t tag, struct bytes wanted)
{
	struct value v;

	return item_get(item, bytes_str(name), &v) && v.tag == tag && bytes_eq(v.body, wanted);
}

/* Whoever changes P first decides: this write, or the coordinator's, which is conditional on P. */
static void give_up(struct node *n, struct group *g, struct bytes key, struct bytes item)
{
	struct item_step step = { .name = BYTES_LIT(LEDGER_STATE) };
	struct buf state = { 0 }, row = { 0 };
	struct rows rows = { .n = 0 };
	uint64_t slot;

	buf_u8(&state, ITEM_S);
	buf_lenbytes(&state, BYTES_LIT(LEDGER_CANCELLED));
	if (item_edit(&row, item, &(struct item_edit){ &step, 1, buf_view(&state) }, 1) == ITEM_EDIT_OK) {
		add_row(&rows, key, buf_view(&row), BYTES_NONE);
		propose(n, g, 0, &rows, &slot);
	}
	buf_fini(&state);
	buf_fini(&row);
}

/* 0: not decided.  A transaction without a row can no longer be committed, for that is a condition on the row. */
static uint8_t fate(const struct image *im, struct bytes txid)
{
	if (!im->found || !attribute_is(im->item, LEDGER_ID, ITEM_B, txid))
		return MSG_TX_CANCELLED;
	if (attribute_is(im->item, LEDGER_STATE, ITEM_S, BYTES_LIT(LEDGER_COMMITTED)))
		return MSG_TX_COMMITTED;
	return attribute_is(im->item, LEDGER_STATE, ITEM_S, BYTES_LIT(LEDGER_CANCELLED)) ? MSG_TX_CANCELLED : 0;
}

/* The asker asks again, so nothing waits here: what is not decided, or not yet chosen, is told the next time. */
void tx_ask(struct node *n, struct bytes body)
{
	struct msg_tx_ask m;
	struct image im = { 0 };
	struct group *g;
	struct buf b = { 0 };
	uint8_t state;
	bool pending;

	if (!msg_get_tx_ask(body, &m, MSG_VERSION) || m.txid.n != LEDGER_ID_N) {
		metrics_add(&n->metrics.bad_messages, 1);
		return;
	}
	g = node_find(n, m.group);
	if (g == NULL || !leads(g) || !exec_in_range(g, m.ledger_key))
		return;
	if (image_look(n, g, m.ledger_key, OVERLAY_NEWEST, &im)) {
		state = fate(&im, m.txid);
		pending = state == 0 && attribute_is(im.item, LEDGER_STATE, ITEM_S, BYTES_LIT(LEDGER_PENDING));
#ifdef MUTANT_TELL_PENDING
		if (pending)
			state = MSG_TX_CANCELLED;
		pending = false;
#endif
		if (pending && !im.locked && exec_write_room(n, g) == RESULT_OK)
			give_up(n, g, m.ledger_key, im.item);
#ifndef MUTANT_TELL_UNCHOSEN
		if (im.slot > g->chosen || !px_may_serve(&g->px, n->now))
			state = 0;
#endif
		if (state != 0) {
			msg_put_tx_told(&b, &(struct msg_tx_told){ m.txid, m.ledger_key, state }, MSG_VERSION);
			node_send(n, m.from, MSG_tx_told, buf_view(&b), 0);
		}
	}
	buf_fini(&b);
	buf_fini(&im.row);
}

static void told_group(struct node *n, struct group *g, struct bytes txid, bool commit)
{
	struct finishing *f = finishing_new(n, g, txid, commit);
	struct held_key *k;
	bool ok = true;

	TAILQ_FOREACH(k, &g->held.asked, next)
		if (ok && f->nimages < ENTRY_ROWS_MAX && memcmp(k->txid, txid.p, LOCK_TXID_N) == 0)
			ok = finish_one(f, (struct bytes){ k->key, k->n });
	if (f->rows.n > 0 && finish_propose(f) == PX_OK)
		metrics_add(&n->metrics.tx_recovered, 1);
	finishing_free(f);
}

void tx_told(struct node *n, struct bytes body)
{
	struct msg_tx_told m;

	if (!msg_get_tx_told(body, &m, MSG_VERSION) || m.txid.n != LOCK_TXID_N ||
	    (m.state != MSG_TX_CANCELLED && m.state != MSG_TX_COMMITTED)) {
		metrics_add(&n->metrics.bad_messages, 1);
		return;
	}
	for (struct group *g = n->groups; g != NULL; g = g->hh.next)
		if (leads(g) && !TAILQ_EMPTY(&g->held.asked) && exec_write_room(n, g) == RESULT_OK)
			told_group(n, g, m.txid, m.state == MSG_TX_COMMITTED);
}
