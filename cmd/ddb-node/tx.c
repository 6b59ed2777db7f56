/*
 * Source: DESIGN, Transactions; Idziorek et al., "Distributed Transactions at Scale in Amazon DynamoDB", ATC'23, section 4.
 * A prepared item is a row with a lock; to prepare, to commit and to cancel are ordinary writes.
 */
#include <assert.h>
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

/* --- rows into entries -------------------------------------------------------------------------------------------- */

static size_t row_bytes(const struct entry_row *r)
{
	return 1 + 4 * 10 + r->key.n + r->image.n + r->lock.n;  /* a varint has at most 10 bytes */
}

void tx_add_row(struct tx_rows *r, struct bytes key, struct bytes image, struct bytes lock)
{
	unsigned flags = (image.n > 0 ? ENTRY_ROW_PUT : ENTRY_ROW_DELETE) | (lock.n > 0 ? ENTRY_ROW_LOCK : 0);

	r->row[r->n++] = (struct entry_row){ .flags = (uint8_t)flags, .key = key, .image = image, .lock = lock };
}

/*
 * Rows of large items fill several entries: each lock stands for itself, so nothing needs them to be one.  All entries are made
 * before the first is proposed, for rows may point to what a step takes away.
 */
enum px_verdict tx_propose(struct node *n, struct group *g, uint64_t after, const struct tx_rows *r, uint64_t *slot)
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

		for (end = i; end < r->n && (end == i || bytes + row_bytes(&r->row[end]) <= TX_ENTRY_FILL); end++)
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
	tx_add_row(&f->rows, key, image, BYTES_NONE);
	return true;
}

enum px_verdict tx_finish_propose(struct tx_finishing *f)
{
	enum px_verdict v = f->rows.n > 0 ? tx_propose(f->n, f->g, 0, &f->rows, &f->depends) : PX_OK;

	if (f->rows.n > 0 && v == PX_OK)
		metrics_add(f->commit ? &f->n->metrics.tx_committed : &f->n->metrics.tx_cancelled, 1);
	return v;
}

struct tx_finishing *tx_finishing_new(struct node *n, struct group *g, struct bytes txid, bool commit)
{
	struct tx_finishing *f = mem_new(sizeof *f);

	f->n = n;
	f->g = g;
	f->txid = txid;
	f->commit = commit;
	f->image = mem_new(ENTRY_ROWS_MAX * sizeof *f->image);
	return f;
}

void tx_finishing_free(struct tx_finishing *f)
{
	for (uint32_t i = 0; i < f->nimages; i++)
		buf_fini(&f->image[i].row);
	free(f->image);
	free(f);
}

/* RESULT_OK if all keys were looked at. */
static enum result finish_keys(struct tx_finishing *f, struct bytes keys)
{
	struct bytes key;

	while (msg_list_next(&keys, &key)) {
		if (f->nimages == ENTRY_ROWS_MAX || key.n == 0 || key.n > ENTRY_KEY_BYTES_MAX)
			return RESULT_INTERNAL;
		if (!exec_in_range(f->g, key))
			return RESULT_NO_GROUP;
		if (!tx_finish_one(f, key))
			return RESULT_INTERNAL;
	}
	return keys.n == 0 && f->nimages > 0 ? RESULT_OK : RESULT_INTERNAL;
}

void tx_finish(struct node *n, uint64_t conn, uint64_t rid, struct bytes body)
{
	struct msg_tx_finish m;
	struct tx_finishing *f;
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
	f = tx_finishing_new(n, g, m.txid, m.commit != 0);
	r = finish_keys(f, m.keys);
	v = r == RESULT_OK ? tx_finish_propose(f) : PX_OK;
	if (r != RESULT_OK) {
		wait_refuse(n, g, conn, rid, MSG_tx_finished, r, r == RESULT_INTERNAL ? malformed : NULL);
	} else if (v != PX_OK) {
		tx_refuse_verdict(n, g, v, conn, rid, MSG_tx_finished);
	} else {
		msg_put_tx_finished(&out, &(struct msg_tx_finished){ .result = RESULT_OK }, MSG_VERSION);
		tx_answer_at(n, g, f->rows.n > 0, f->depends, conn, rid, MSG_tx_finished, &out);
	}
	buf_fini(&out);
	tx_finishing_free(f);
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
