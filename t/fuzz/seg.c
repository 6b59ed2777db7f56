/* fuzz: any bytes as a segment: headers, a walk to its end, what they prove. */
#include "seg.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	/* A few bytes say which checksums to make right: random ones never are. */
	uint8_t *p;
	struct seg_header h = { .salt = 1, .first_position = 1 << 20 };
	struct bytes image;
	struct seg_walk w;
	struct seg_record r;
	struct bytes body;
	uint64_t proven, before = 0;

	if (n < 8)
		return 0;
	image.n = SEG_HEADER_BYTES + data[0] % 5 * SEG_BLOCK + data[1];
	p = mem_new(image.n);
	image.p = p;
	for (size_t at = SEG_HEADER_BYTES; at < image.n; at += n)
		memcpy(p + at, data, n < image.n - at ? n : image.n - at);
	seg_header_get((struct bytes){ data, n }, &h);
	for (int i = 0; i < 8; i++) {
		size_t off = SEG_HEADER_BYTES + (data[i] % 2 == 0 ? data[i] / 2 * (SEG_BLOCK / 4) : (size_t)data[i] * 72);

		if (off + SEG_RECORD_BYTES <= image.n) {
			r = (struct seg_record){ .kind = (uint8_t)(1 + p[off] % 9), .flags = p[off + 1] & 1,
				.body_bytes = load_u32(p + off + 8) % (data[i] < 128 ? 1000 : SEG_BODY_BYTES_MAX + 1),
				.position = h.first_position + off - SEG_HEADER_BYTES, .salt = h.salt, .durable = load_u64(p + off + 56) };
			seg_record_put(p + off, &r, 0);
		}
	}
	proven = seg_proven(image, &h);
	assert(proven >= h.first_position);
	assert(image.n <= SEG_HEADER_BYTES || proven - h.first_position < image.n);
	seg_walk_init(&w, image, &h);
	for (;;) {
		enum seg_verdict v = seg_walk_next(&w, &r, &body);

		assert(v == SEG_BAD_HEADER || v == SEG_SHORT || w.off > before);
		if (v == SEG_SHORT || (v == SEG_BAD_HEADER && !seg_walk_skip(&w)))
			break;
		assert(v == SEG_BAD_HEADER || (body.p >= p && body.p + body.n <= p + image.n));
		assert(w.off > before);
		before = w.off;
	}
	seg_any(image, NULL);
	seg_any(image, &h.first_position);
	free(p);
	return 0;
}
