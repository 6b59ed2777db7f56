#include "entry.h"

#include <assert.h>
#include <inttypes.h>
#include <openssl/evp.h>
#include <stdatomic.h>
#include <string.h>

#include "item.h"

enum { HEAD_TIMESTAMP = 2, HEAD_ORIGIN = 10, HEAD_END = 18 };        /* offsets */

static bool get_row(struct cur *c, struct entry_row *row)
{
	uint8_t what;

	memset(row, 0, sizeof *row);
	row->flags = cur_u8(c);
	what = row->flags & (ENTRY_ROW_PUT | ENTRY_ROW_DELETE);
	if ((row->flags & ~(ENTRY_ROW_PUT | ENTRY_ROW_DELETE | ENTRY_ROW_OLD | ENTRY_ROW_EXPIRED | ENTRY_ROW_LOCK)) != 0
	    || (what != ENTRY_ROW_PUT && what != ENTRY_ROW_DELETE) || ((row->flags & ENTRY_ROW_EXPIRED) != 0 && what == ENTRY_ROW_PUT)
	    || ((row->flags & ENTRY_ROW_LOCK) != 0 && what != ENTRY_ROW_PUT))
		return false;
	row->key = cur_lenbytes(c);
	if (what == ENTRY_ROW_PUT)
		row->image = cur_lenbytes(c);
	if ((row->flags & ENTRY_ROW_OLD) != 0)
		row->old = cur_lenbytes(c);
	if ((row->flags & ENTRY_ROW_LOCK) != 0)
		row->lock = cur_lenbytes(c);
	return !c->bad && row->key.n >= 1 && row->key.n <= ENTRY_KEY_BYTES_MAX && (what != ENTRY_ROW_PUT || row->image.n > 0)
	       && ((row->flags & ENTRY_ROW_OLD) == 0 || row->old.n > 0)
	       && ((row->flags & ENTRY_ROW_LOCK) == 0 || (row->lock.n > 0 && row->lock.n <= ITEM_LOCK_MAX));
}

static bool get_write(struct cur *c, struct entry *out)
{
	uint64_t n = cur_varint(c);

	if (c->bad || n < 1 || n > ENTRY_ROWS_MAX)
		return false;
	out->nrows = (uint32_t)n;
	out->rows = cur_rest(c);
	for (uint64_t i = 0; i < n; i++) {
		struct entry_row row;

		if (!get_row(c, &row))
			return false;
	}
	return true;
}

static bool get_config(struct cur *c, struct entry *out)
{
	uint64_t n = cur_varint(c);

	if (c->bad || n < 1 || n > ENTRY_MEMBERS_MAX)
		return false;
	out->nmembers = (uint32_t)n;
	for (uint32_t i = 0; i < out->nmembers; i++) {
		out->member[i].replica = cur_u32(c);
		out->member[i].role = cur_u8(c);
		for (uint32_t j = 0; j < i; j++)
			if (out->member[j].replica == out->member[i].replica)
				return false;
	}
	return !c->bad;
}

bool entry_get(struct bytes raw, struct entry *out)
{
	struct cur c = cur_of(raw);

	memset(out, 0, sizeof *out);
	if (raw.n > ENTRY_BYTES_MAX || cur_u8(&c) != ENTRY_VERSION)
		return false;
	out->type = cur_u8(&c);
	out->timestamp = cur_u64(&c);
	out->origin = out->before = cur_u64(&c);
	switch (out->type) {
	case ENTRY_NOOP:
		out->before = cur_u64(&c);
		return cur_done(&c);
	case ENTRY_WRITE:
		return get_write(&c, out) && cur_done(&c);
	case ENTRY_CONFIG:
		return get_config(&c, out) && cur_done(&c);
	default:
		return false;
	}
}

bool entry_row_next(struct bytes *rest, struct entry_row *row)
{
	struct cur c = cur_of(*rest);

	if (rest->n == 0 || !get_row(&c, row))
		return false;
	*rest = cur_rest(&c);
	return true;
}

static void put_head(struct buf *b, enum entry_type type, uint64_t timestamp)
{
	buf_u8(b, ENTRY_VERSION);
	buf_u8(b, (uint8_t)type);
	buf_u64(b, timestamp);
	buf_u64(b, 0);
}

void entry_put_noop(struct buf *b, uint64_t timestamp)
{
	put_head(b, ENTRY_NOOP, timestamp);
	buf_u64(b, 0);
}

void entry_put_config(struct buf *b, uint64_t timestamp, const struct entry_member *m, uint32_t n)
{
	assert(n >= 1 && n <= ENTRY_MEMBERS_MAX);
	put_head(b, ENTRY_CONFIG, timestamp);
	buf_varint(b, n);
	for (uint32_t i = 0; i < n; i++) {
		buf_u32(b, m[i].replica);
		buf_u8(b, m[i].role);
	}
}

void entry_put_write(struct buf *b, uint64_t timestamp, uint32_t nrows)
{
	assert(nrows >= 1 && nrows <= ENTRY_ROWS_MAX);
	put_head(b, ENTRY_WRITE, timestamp);
	buf_varint(b, nrows);
}

struct bytes entry_write_around(struct buf *b, uint64_t timestamp, uint32_t nrows)
{
	size_t count = nrows < 0x80 ? 1 : 2;
	uint8_t *p = b->p + ENTRY_WRITE_ROOM - HEAD_END - count;

	assert(nrows >= 1 && nrows <= ENTRY_ROWS_MAX && b->n > ENTRY_WRITE_ROOM && !b->over);
	p[0] = ENTRY_VERSION;
	p[1] = ENTRY_WRITE;
	store_u64(p + HEAD_TIMESTAMP, timestamp);
	store_u64(p + HEAD_ORIGIN, 0);
	p[HEAD_END] = (uint8_t)(nrows & 0x7f);
	if (count == 2) {
		p[HEAD_END] |= 0x80;
		p[HEAD_END + 1] = (uint8_t)(nrows >> 7);
	}
	return (struct bytes){ p, (size_t)(b->p + b->n - p) };
}

void entry_put_row(struct buf *b, const struct entry_row *row)
{
	bool put = (row->flags & ENTRY_ROW_PUT) != 0, old = (row->flags & ENTRY_ROW_OLD) != 0;
	bool lock = (row->flags & ENTRY_ROW_LOCK) != 0;

	assert(put != ((row->flags & ENTRY_ROW_DELETE) != 0) && (put == (row->image.n > 0)) && (old == (row->old.n > 0)));
	assert(row->key.n >= 1 && row->key.n <= ENTRY_KEY_BYTES_MAX && !(put && (row->flags & ENTRY_ROW_EXPIRED) != 0));
	assert(lock == (row->lock.n > 0) && (put || !lock));
	buf_u8(b, row->flags);
	buf_lenbytes(b, row->key);
	if (put)
		buf_lenbytes(b, row->image);
	if (old)
		buf_lenbytes(b, row->old);
	if (lock)
		buf_lenbytes(b, row->lock);
}

void entry_stamp(struct buf *b, uint64_t origin, uint64_t before)
{
	assert(b->n >= HEAD_END);
	store_u64(b->p + HEAD_ORIGIN, origin);
	if (b->p[1] == ENTRY_NOOP)
		store_u64(b->p + HEAD_END, before);
}

static void json_hex(struct buf *out, const char *name, struct bytes v)
{
	buf_fmt(out, ",\"%s\":\"", name);
	buf_hex(out, v);
	buf_str(out, "\"");
}

static void json_rows(struct buf *out, struct bytes rows)
{
	struct entry_row row;
	const char *comma = "";

	buf_str(out, ",\"type\":\"write\",\"rows\":[");
	for (; entry_row_next(&rows, &row); comma = ",") {
		buf_fmt(out, "%s{\"op\":\"%s\"", comma, (row.flags & ENTRY_ROW_PUT) != 0 ? "put" : "delete");
		json_hex(out, "key", row.key);
		if ((row.flags & ENTRY_ROW_PUT) != 0)
			json_hex(out, "image", row.image);
		if ((row.flags & ENTRY_ROW_OLD) != 0)
			json_hex(out, "old", row.old);
		if ((row.flags & ENTRY_ROW_EXPIRED) != 0)
			buf_str(out, ",\"expired\":true");
		if ((row.flags & ENTRY_ROW_LOCK) != 0)
			json_hex(out, "lock", row.lock);
		buf_str(out, "}");
	}
	buf_str(out, "]");
}

void entry_json(struct bytes raw, struct buf *out)
{
	struct entry e;

	if (!entry_get(raw, &e)) {
		buf_str(out, "{\"type\":null");
		json_hex(out, "bytes", raw);
		buf_str(out, "}");
		return;
	}
	buf_fmt(out, "{\"timestamp\":%" PRIu64 ",\"origin\":%" PRIu64, e.timestamp, e.origin);
	if (e.type == ENTRY_NOOP)
		buf_fmt(out, ",\"type\":\"noop\",\"before\":%" PRIu64, e.before);
	else if (e.type == ENTRY_WRITE)
		json_rows(out, e.rows);
	else {
		buf_str(out, ",\"type\":\"config\",\"members\":[");
		for (uint32_t i = 0; i < e.nmembers; i++)
			buf_fmt(out, "%s{\"replica\":%" PRIu32 ",\"role\":%u}", i > 0 ? "," : "", e.member[i].replica,
			        e.member[i].role);
		buf_str(out, "]");
	}
	buf_str(out, "}");
}

/* Looking SHA-256 up costs more than hashing an entry: it is done once, by whichever thread comes first. */
static const EVP_MD *sha256(void)
{
	static _Atomic(EVP_MD *) known;
	EVP_MD *md = atomic_load(&known), *none = NULL;

	if (md != NULL)
		return md;
	md = EVP_MD_fetch(NULL, "SHA256", NULL);
	assert(md != NULL);
	if (atomic_compare_exchange_strong(&known, &none, md))
		return md;
	EVP_MD_free(md);
	return none;
}

void entry_hash_next(struct entry_hash *h, uint64_t slot, struct bytes raw)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	uint8_t head[sizeof h->b + 8], out[EVP_MAX_MD_SIZE];
	bool good;

	memcpy(head, h->b, sizeof h->b);
	store_u64(head + sizeof h->b, slot);
	assert(ctx != NULL);
	good = EVP_DigestInit_ex(ctx, sha256(), NULL) == 1 && EVP_DigestUpdate(ctx, head, sizeof head) == 1
	       && EVP_DigestUpdate(ctx, raw.p, raw.n) == 1 && EVP_DigestFinal_ex(ctx, out, NULL) == 1;
	assert(good);
	memcpy(h->b, out, sizeof h->b);
	EVP_MD_CTX_free(ctx);
}
