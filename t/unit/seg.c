#include "seg.h"

#include <stdlib.h>

#include "check.h"
#include "golden.h"
#include "mem.h"

static const struct seg_header header = { .version = 1, .reader_version = 1, .cluster = "cluster-identity", .node = 3,
	.incarnation = 9, .sequence = 12, .first_position = 0x123450000, .salt = 0xfeedfacecafebeef, .chain = 0xabad1dea };

static struct seg_record record(uint64_t position, struct bytes body, uint8_t flags)
{
	return (struct seg_record){ .kind = SEG_ENTRY, .flags = flags, .body_bytes = (uint32_t)body.n, .body_crc = seg_body_crc(body),
		.position = position, .group = 5, .ballot = 0x1000003, .slot = 77, .salt = header.salt, .durable = header.first_position };
}

/* Three records of 100, 5000 and 10 bytes, the third in a block of its own (a later batch). */
static uint8_t *image(uint64_t off[3])
{
	static uint8_t body[5000];
	uint8_t *p = mem_new(8 * SEG_BLOCK);
	uint32_t chain = header.chain;
	size_t length[3] = { 100, 5000, 10 };

	memset(body, 'b', sizeof body);
	seg_header_put(p, &header);
	off[0] = SEG_HEADER_BYTES;
	off[1] = off[0] + seg_record_bytes(100);
	off[2] = off[0] + 2 * SEG_BLOCK;
	for (int i = 0; i < 3; i++) {
		struct bytes v = { body, length[i] };
		struct seg_record r = record(header.first_position + off[i] - SEG_HEADER_BYTES, v, i == 1 ? 0 : SEG_FIRST);

		if (i == 2) {
			uint64_t end = off[1] + seg_record_bytes(5000);
			struct seg_record pad = r;
			uint8_t zeros[SEG_BLOCK] = { 0 };

			pad.kind = SEG_PAD;
			pad.flags = 0;
			pad.position = header.first_position + end - SEG_HEADER_BYTES;
			pad.body_bytes = (uint32_t)(off[2] - end - SEG_RECORD_BYTES);
			pad.body_crc = seg_body_crc((struct bytes){ zeros, pad.body_bytes });
			seg_record_put(p + end, &pad, chain);
			chain = pad.chain;
		}
		seg_record_put(p + off[i], &r, chain);
		chain = r.chain;
		memcpy(p + off[i] + SEG_RECORD_BYTES, v.p, v.n);
	}
	return p;
}

#define WHOLE(p) ((struct bytes){ p, 8 * SEG_BLOCK })

TEST(bytes_are_golden)
{
	struct buf text = { 0 };
	uint64_t off[3];
	uint8_t *p = image(off);

	golden_line(&text, "header", (struct bytes){ p, 72 });
	golden_line(&text, "record", (struct bytes){ p + off[0], seg_record_bytes(100) });
	golden_line(&text, "record", (struct bytes){ p + off[1], SEG_RECORD_BYTES });
	golden_line(&text, "pad", (struct bytes){ p + off[1] + seg_record_bytes(5000), SEG_RECORD_BYTES });
	golden_line(&text, "record", (struct bytes){ p + off[2], seg_record_bytes(10) });
	CHECK(golden_same("t/golden/seg-v1.txt", &text));
	buf_fini(&text);
	free(p);
}

TEST(header_comes_back)
{
	uint8_t raw[SEG_HEADER_BYTES];
	struct seg_header h;

	seg_header_put(raw, &header);
	CHECK_INT(seg_header_get((struct bytes){ raw, sizeof raw }, &h), SEG_OK);
	CHECK(memcmp(&h, &header, sizeof h) == 0);
	CHECK_INT(seg_header_get((struct bytes){ raw, sizeof raw - 1 }, &h), SEG_SHORT);
	for (size_t bit = 0; bit < 72 * 8; bit++) {
		raw[bit / 8] ^= (uint8_t)(1 << bit % 8);
		CHECK_INT(seg_header_get((struct bytes){ raw, sizeof raw }, &h), SEG_BAD_HEADER);
		raw[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
}

TEST(a_newer_header_is_told_from_a_bad_one)
{
	uint8_t raw[SEG_HEADER_BYTES];
	struct seg_header h = header;

	h.version = 3;
	seg_header_put(raw, &h);
	CHECK_INT(seg_header_get((struct bytes){ raw, sizeof raw }, &h), SEG_OK);      /* old readers may read it */
	h.reader_version = 2;
	seg_header_put(raw, &h);
	memset(&h, 0, sizeof h);
	CHECK_INT(seg_header_get((struct bytes){ raw, sizeof raw }, &h), SEG_NEWER);
	CHECK(h.version == 3 && h.reader_version == 2);
}

TEST(every_bit_of_a_record_header_counts)
{
	uint64_t off[3], position = header.first_position;
	uint8_t *p = image(off), *at = p + off[0];
	struct seg_record r;
	struct bytes raw = { at, seg_record_bytes(100) };

	CHECK_INT(seg_record_get(raw, &header.salt, &position, &r), SEG_OK);
	CHECK(r.slot == 77 && r.body_bytes == 100 && r.flags == SEG_FIRST);
	for (size_t bit = 0; bit < SEG_RECORD_BYTES * 8; bit++) {
		at[bit / 8] ^= (uint8_t)(1 << bit % 8);
		CHECK_INT(seg_record_get(raw, &header.salt, &position, &r), SEG_BAD_HEADER);
		at[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	raw.n = SEG_RECORD_BYTES - 1;
	CHECK_INT(seg_record_get(raw, &header.salt, &position, &r), SEG_SHORT);
	free(p);
}

static int verdicts(struct bytes v, enum seg_verdict out[8])
{
	struct seg_walk w;
	struct seg_record r;
	struct bytes body;
	int n = 0;

	seg_walk_init(&w, v, &header);
	while (n < 8) {
		out[n] = seg_walk_next(&w, &r, &body);
		if (out[n] == SEG_SHORT || (out[n] == SEG_BAD_HEADER && !seg_walk_skip(&w)))
			break;
		n++;
	}
	return n;
}

TEST(a_walk_tells_where_and_what_is_bad)
{
	enum seg_verdict v[8];
	uint64_t off[3];
	uint8_t *p = image(off);

	CHECK_INT(verdicts(WHOLE(p), v), 4);
	CHECK(v[0] == SEG_OK && v[1] == SEG_OK && v[2] == SEG_OK && v[3] == SEG_OK);
	p[off[1] + SEG_RECORD_BYTES] ^= 1;
	CHECK_INT(verdicts(WHOLE(p), v), 4);
	CHECK(v[1] == SEG_BAD_BODY && v[2] == SEG_OK);
	p[off[1] + SEG_RECORD_BYTES] ^= 1;
	p[off[1] + 40] ^= 1;
	CHECK_INT(verdicts(WHOLE(p), v), 3);             /* the first, the bad one, and the one a block on: no chain known */
	CHECK(v[0] == SEG_OK && v[1] == SEG_BAD_HEADER && v[2] == SEG_OK);
	free(p);
}

TEST(a_replaced_record_breaks_the_chain)
{
	enum seg_verdict v[8];
	uint64_t off[3];
	uint8_t *p = image(off);
	struct seg_record r = record(header.first_position, (struct bytes){ p + off[0] + SEG_RECORD_BYTES, 100 }, SEG_FIRST);

	r.slot = 78;
	seg_record_put(p + off[0], &r, header.chain);
	verdicts(WHOLE(p), v);
	CHECK(v[0] == SEG_OK && v[1] == SEG_BAD_CHAIN && v[2] == SEG_OK);
	free(p);
}

TEST(a_later_batch_proves_the_earlier_synced)
{
	uint64_t off[3];
	uint8_t *p = image(off);

	CHECK_INT(seg_proven(WHOLE(p), &header), header.first_position + off[2] - SEG_HEADER_BYTES);
	p[off[0] + 20] ^= 1;
	p[off[1] + 20] ^= 1;
	CHECK_INT(seg_proven(WHOLE(p), &header), header.first_position + off[2] - SEG_HEADER_BYTES);
	p[off[2] + 20] ^= 1;
	CHECK_INT(seg_proven(WHOLE(p), &header), header.first_position);
	free(p);
}

TEST(records_are_found_without_a_salt)
{
	uint64_t off[3], other = header.first_position + 8;
	uint8_t *p = image(off);

	CHECK(seg_any(WHOLE(p), &header.first_position) && seg_any(WHOLE(p), NULL) && !seg_any(WHOLE(p), &other));
	memset(p + SEG_BLOCK, 0, 7 * SEG_BLOCK);
	CHECK(!seg_any(WHOLE(p), NULL));
	free(p);
}

TEST(a_cut_image_ends_short)
{
	enum seg_verdict v[8];
	uint64_t off[3];
	uint8_t *p = image(off);
	int n = verdicts((struct bytes){ p, off[1] + 200 }, v);

	CHECK_INT(n, 1);
	CHECK_INT(v[1], SEG_SHORT);
	CHECK_INT(verdicts((struct bytes){ p, SEG_HEADER_BYTES }, v), 0);
	CHECK_INT(v[0], SEG_SHORT);
	free(p);
}

CHECK_MAIN(X(bytes_are_golden) X(header_comes_back) X(a_newer_header_is_told_from_a_bad_one)
           X(every_bit_of_a_record_header_counts) X(a_walk_tells_where_and_what_is_bad) X(a_replaced_record_breaks_the_chain)
           X(a_later_batch_proves_the_earlier_synced) X(records_are_found_without_a_salt) X(a_cut_image_ends_short))
