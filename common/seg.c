#include "seg.h"

#include <assert.h>
#include <libdeflate.h>
#include <string.h>

static const char header_magic[8] = { 'd', 'd', 'b', 'w', 'a', 'l', '1', '\n' };
#define RECORD_MAGIC 0x31526c77u                         /* "wlR1" */

enum {                                                   /* offsets in a segment header */
	H_VERSION = 8, H_READER = 12, H_CLUSTER = 16, H_NODE = 32, H_INCARNATION = 36, H_SEQUENCE = 40, H_FIRST = 48,
	H_SALT = 56, H_CHAIN = 64, H_CRC = 68, H_END = 72,
};

enum {                                                   /* offsets in a record */
	R_MAGIC = 0, R_KIND = 4, R_FLAGS = 5, R_ZERO = 6, R_BODY_BYTES = 8, R_BODY_CRC = 12, R_POSITION = 16, R_GROUP = 24,
	R_BALLOT = 32, R_SLOT = 40, R_SALT = 48, R_DURABLE = 56, R_CHAIN = 64, R_CRC = 68,
};

static uint32_t checksum(uint32_t before, const uint8_t *p, size_t n)
{
	return libdeflate_crc32(before, p, n);
}

void seg_header_put(uint8_t out[SEG_HEADER_BYTES], const struct seg_header *h)
{
	memset(out, 0, SEG_HEADER_BYTES);
	memcpy(out, header_magic, sizeof header_magic);
	store_u32(out + H_VERSION, h->version);
	store_u32(out + H_READER, h->reader_version);
	memcpy(out + H_CLUSTER, h->cluster, sizeof h->cluster);
	store_u32(out + H_NODE, h->node);
	store_u32(out + H_INCARNATION, h->incarnation);
	store_u64(out + H_SEQUENCE, h->sequence);
	store_u64(out + H_FIRST, h->first_position);
	store_u64(out + H_SALT, h->salt);
	store_u32(out + H_CHAIN, h->chain);
	store_u32(out + H_CRC, checksum(0, out, H_CRC));
}

enum seg_verdict seg_header_get(struct bytes raw, struct seg_header *out)
{
	memset(out, 0, sizeof *out);
	if (raw.n < SEG_HEADER_BYTES)
		return SEG_SHORT;
	if (memcmp(raw.p, header_magic, sizeof header_magic) != 0 || load_u32(raw.p + H_CRC) != checksum(0, raw.p, H_CRC))
		return SEG_BAD_HEADER;
	out->version = load_u32(raw.p + H_VERSION);
	out->reader_version = load_u32(raw.p + H_READER);
	if (out->reader_version > SEG_VERSION)
		return SEG_NEWER;
	memcpy(out->cluster, raw.p + H_CLUSTER, sizeof out->cluster);
	out->node = load_u32(raw.p + H_NODE);
	out->incarnation = load_u32(raw.p + H_INCARNATION);
	out->sequence = load_u64(raw.p + H_SEQUENCE);
	out->first_position = load_u64(raw.p + H_FIRST);
	out->salt = load_u64(raw.p + H_SALT);
	out->chain = load_u32(raw.p + H_CHAIN);
	return SEG_OK;
}

size_t seg_record_bytes(size_t body_bytes)
{
	return SEG_RECORD_BYTES + (body_bytes + 7) / 8 * 8;
}

uint32_t seg_body_crc(struct bytes body)
{
	return checksum(0, body.p != NULL ? body.p : (const uint8_t *)"", body.n);
}

uint32_t seg_chain(uint32_t before, const uint8_t raw[SEG_RECORD_BYTES])
{
	return checksum(before, raw, R_CHAIN);
}

void seg_record_put(uint8_t out[SEG_RECORD_BYTES], struct seg_record *r, uint32_t chain_before)
{
	assert(r->kind >= SEG_PAD && r->kind <= SEG_NODE && (r->flags & ~SEG_FIRST) == 0);
	assert(r->body_bytes <= SEG_BODY_BYTES_MAX);
	store_u32(out + R_MAGIC, RECORD_MAGIC);
	out[R_KIND] = r->kind;
	out[R_FLAGS] = r->flags;
	store_u16(out + R_ZERO, 0);
	store_u32(out + R_BODY_BYTES, r->body_bytes);
	store_u32(out + R_BODY_CRC, r->body_crc);
	store_u64(out + R_POSITION, r->position);
	store_u64(out + R_GROUP, r->group);
	store_u64(out + R_BALLOT, r->ballot);
	store_u64(out + R_SLOT, r->slot);
	store_u64(out + R_SALT, r->salt);
	store_u64(out + R_DURABLE, r->durable);
	r->chain = seg_chain(chain_before, out);
	store_u32(out + R_CHAIN, r->chain);
	store_u32(out + R_CRC, checksum(0, out, R_CRC));
}

enum seg_verdict seg_record_get(struct bytes raw, const uint64_t *salt, const uint64_t *position, struct seg_record *out)
{
	if (raw.n < SEG_RECORD_BYTES)
		return SEG_SHORT;
	/* Cheap comparisons first: a scan of an unused tail asks this of every block. */
	if (load_u32(raw.p + R_MAGIC) != RECORD_MAGIC || (salt != NULL && load_u64(raw.p + R_SALT) != *salt)
	    || (position != NULL && load_u64(raw.p + R_POSITION) != *position)
	    || load_u32(raw.p + R_CRC) != checksum(0, raw.p, R_CRC))
		return SEG_BAD_HEADER;
	out->kind = raw.p[R_KIND];
	out->flags = raw.p[R_FLAGS];
	out->body_bytes = load_u32(raw.p + R_BODY_BYTES);
	out->body_crc = load_u32(raw.p + R_BODY_CRC);
	out->position = load_u64(raw.p + R_POSITION);
	out->group = load_u64(raw.p + R_GROUP);
	out->ballot = load_u64(raw.p + R_BALLOT);
	out->slot = load_u64(raw.p + R_SLOT);
	out->salt = load_u64(raw.p + R_SALT);
	out->durable = load_u64(raw.p + R_DURABLE);
	out->chain = load_u32(raw.p + R_CHAIN);
	if (out->kind < SEG_PAD || out->kind > SEG_NODE || (out->flags & ~SEG_FIRST) != 0 || load_u16(raw.p + R_ZERO) != 0
	    || out->body_bytes > SEG_BODY_BYTES_MAX)
		return SEG_BAD_HEADER;
	return SEG_OK;
}

void seg_walk_init(struct seg_walk *w, struct bytes image, const struct seg_header *h)
{
	*w = (struct seg_walk){ image, h->salt, h->first_position, SEG_HEADER_BYTES, h->chain, true };
}

uint64_t seg_walk_position(const struct seg_walk *w)
{
	return w->first + w->off - SEG_HEADER_BYTES;
}

static struct bytes from(struct bytes image, uint64_t off)
{
	return off < image.n ? (struct bytes){ image.p + off, image.n - off } : BYTES_NONE;
}

enum seg_verdict seg_walk_next(struct seg_walk *w, struct seg_record *r, struct bytes *body)
{
	struct bytes raw = from(w->image, w->off);
	uint64_t position = seg_walk_position(w);
	enum seg_verdict v = seg_record_get(raw, &w->salt, &position, r);
	bool chained;

	if (v != SEG_OK)
		return v;
	if (r->body_bytes > raw.n - SEG_RECORD_BYTES)
		return SEG_SHORT;
	*body = (struct bytes){ raw.p + SEG_RECORD_BYTES, r->body_bytes };
	chained = !w->chained || seg_chain(w->chain, raw.p) == r->chain;
	w->off += seg_record_bytes(r->body_bytes);
	w->chain = r->chain;
	w->chained = true;
	if (!chained)
		return SEG_BAD_CHAIN;
	return seg_body_crc(*body) == r->body_crc ? SEG_OK : SEG_BAD_BODY;
}

bool seg_walk_skip(struct seg_walk *w)
{
	struct seg_record r;

	for (uint64_t off = (w->off / SEG_BLOCK + 1) * SEG_BLOCK; off < w->image.n; off += SEG_BLOCK) {
		uint64_t position = w->first + off - SEG_HEADER_BYTES;

		if (seg_record_get(from(w->image, off), &w->salt, &position, &r) == SEG_OK) {
			w->off = off;
			w->chained = false;
			return true;
		}
	}
	return false;
}

uint64_t seg_proven(struct bytes image, const struct seg_header *h)
{
	uint64_t proven = h->first_position;
	struct seg_walk w;
	struct seg_record r;

	seg_walk_init(&w, image, h);
	for (;;) {
		struct bytes raw = from(image, w.off);
		uint64_t position = seg_walk_position(&w);

		/* Headers alone prove it: bodies need no look. */
		if (seg_record_get(raw, &w.salt, &position, &r) != SEG_OK) {
			if (!seg_walk_skip(&w))
				return proven;
			continue;
		}
		if ((r.flags & SEG_FIRST) != 0 && r.position > proven)
			proven = r.position;
		if (r.durable > proven && r.durable <= r.position)
			proven = r.durable;
		w.off += seg_record_bytes(r.body_bytes);
	}
}

bool seg_any(struct bytes image, const uint64_t *position)
{
	struct seg_record r;

	for (uint64_t off = SEG_HEADER_BYTES; off < image.n; off += SEG_BLOCK) {
		uint64_t here = position != NULL ? *position + off - SEG_HEADER_BYTES : 0;

		if (seg_record_get(from(image, off), NULL, position != NULL ? &here : NULL, &r) == SEG_OK)
			return true;
	}
	return false;
}
