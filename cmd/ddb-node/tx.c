/*
 * Source: DESIGN, Transactions; Idziorek et al., "Distributed Transactions at Scale in Amazon DynamoDB", ATC'23, section 4.
 * A prepared item is a row with a lock; to prepare, to commit and to cancel are ordinary writes.
 */
#include <stdlib.h>

#include "expr_eval.h"
#include "item.h"
#include "mem.h"
#include "tx_impl.h"

static const char malformed[] = "malformed request";

bool tx_leads(const struct group *g)
{
	return g->ready && g->px.state == PX_LEADER && g->px.ready;
}

void tx_answer_at(struct node *n, struct group *g, bool written, uint64_t slot, uint64_t conn, uint64_t rid, unsigned type,
		      const struct buf *out)
{
	if (!written && slot <= g->chosen && px_may_serve(&g->px, n->now))
		n->env.answer(n->env.ctx, conn, rid, type, buf_view(out));
	else
		wait_add(n, g, written ? WAIT_WRITE : WAIT_CHECK, slot, conn, rid, type, buf_view(out));
}

void tx_refuse_verdict(struct node *n, struct group *g, enum px_verdict v, uint64_t conn, uint64_t rid, unsigned type)
{
	wait_refuse(n, g, conn, rid, type, v == PX_NOT_LEADER ? RESULT_NOT_LEADER : v == PX_BARRIER ? RESULT_NOT_READY :
		    RESULT_OVERLOADED, NULL);
}

/* --- finish ------------------------------------------------------------------------------------------------------- */

bool tx_finish_one(struct tx_finishing *f, struct bytes key)
{
	struct image im = { 0 };
	struct bytes old, image;
	bool good = image_look(f->n, f->g, key, OVERLAY_NEWEST, &im), own;

	f->keys++;
	if (good && im.slot > f->depends)
		f->depends = im.slot;
	own = good && im.locked && bytes_eq(im.lock.txid, f->txid);
#ifdef MUTANT_FINISH_ANY_LOCK
	own = good && im.locked;
#endif
	if (own) {
		image = old = im.found ? im.item : BYTES_NONE;
		if (f->commit && im.lock.kind != LOCK_CHECK)
			image = im.lock.image;
#ifdef MUTANT_FINISH_FORGETS_OLD
		old = BYTES_NONE;
#endif
		change_item(&f->change, &(struct change_item){ .key = key, .old = old, .new = image });
	}
	buf_fini(&im.row);
	return good;
}

enum px_verdict tx_finish_propose(struct tx_finishing *f)
{
	enum px_verdict v = change_propose(&f->change, 0, &f->depends);

	if (v == PX_OK)
		metrics_add(f->commit ? &f->n->metrics.tx_committed : &f->n->metrics.tx_cancelled, 1);
	return v;
}

/* Large items fill several entries: each lock stands for itself. */
void tx_finishing_init(struct tx_finishing *f, struct node *n, struct group *g, struct bytes txid, bool commit)
{
	*f = (struct tx_finishing){ .n = n, .g = g, .txid = txid, .commit = commit };
	change_begin(&f->change, n, g);
	f->change.apart = true;
}

void tx_finishing_fini(struct tx_finishing *f)
{
	change_fini(&f->change);
}

/* RESULT_OK if all keys were looked at. */
static enum result finish_keys(struct tx_finishing *f, struct bytes keys)
{
	struct bytes key;

	while (msg_list_next(&keys, &key)) {
		if (f->keys == ENTRY_OPS_MAX || key.n == 0 || key.n > ENTRY_KEY_BYTES_MAX)
			return RESULT_INTERNAL;
		if (!exec_in_range(f->g, key))
			return RESULT_NO_GROUP;
		if (!tx_finish_one(f, key))
			return RESULT_INTERNAL;
	}
	return keys.n == 0 && f->keys > 0 ? RESULT_OK : RESULT_INTERNAL;
}

void tx_finish(struct node *n, uint64_t conn, uint64_t rid, struct bytes body)
{
	struct msg_tx_finish m;
	struct tx_finishing f;
	struct buf out = { 0 };
	struct group *g;
	enum px_verdict v;
	enum result r;
	bool any;

	if (!msg_get_tx_finish(body, &m, MSG_VERSION) || m.txid.n != LOCK_TXID_N) {
		wait_refuse(n, NULL, conn, rid, MSG_tx_finished, RESULT_INTERNAL, malformed);
		return;
	}
	g = node_find(n, m.group);
	g = exec_route(n, conn, rid, MSG_tx_finished, m.group, m.table, g != NULL ? g->schema : 0);
	if (g == NULL || !exec_may_write(n, g, conn, rid, MSG_tx_finished))
		return;
	tx_finishing_init(&f, n, g, m.txid, m.commit != 0);
	r = finish_keys(&f, m.keys);
	any = r == RESULT_OK && change_any(&f.change);
	v = any ? tx_finish_propose(&f) : PX_OK;
	if (r != RESULT_OK) {
		wait_refuse(n, g, conn, rid, MSG_tx_finished, r, r == RESULT_INTERNAL ? malformed : NULL);
	} else if (v != PX_OK) {
		tx_refuse_verdict(n, g, v, conn, rid, MSG_tx_finished);
	} else {
		msg_put_tx_finished(&out, &(struct msg_tx_finished){ .result = RESULT_OK }, MSG_VERSION);
		tx_answer_at(n, g, any, f.depends, conn, rid, MSG_tx_finished, &out);
	}
	buf_fini(&out);
	tx_finishing_fini(&f);
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
		if (*bytes > TX_ANSWER_BYTES_MAX)
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

		if (count == ENTRY_OPS_MAX || !msg_get_tx_key(raw, &k, MSG_VERSION) ||
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
	if (!tx_leads(g)) {
		wait_refuse(n, g, conn, rid, MSG_tx_got, RESULT_NOT_LEADER, NULL);
		return;
	}
	metrics_add(&n->metrics.gets, 1);
	r = get_all(n, g, m.gets, &results);
	if (r != RESULT_OK) {
		wait_refuse(n, g, conn, rid, MSG_tx_got, r,
			    r == RESULT_INVALID ? "Aggregated size of the items exceeds the maximum of 4 MB" :
			    r == RESULT_INTERNAL ? malformed : NULL);
	} else {
		msg_put_tx_got(&out, &(struct msg_tx_got){ .result = RESULT_OK, .results = buf_view(&results) }, MSG_VERSION);
		tx_answer_at(n, g, false, 0, conn, rid, MSG_tx_got, &out);
	}
	buf_fini(&results);
	buf_fini(&out);
}
