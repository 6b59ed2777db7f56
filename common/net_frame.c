#include "net_frame.h"

#include <assert.h>
#include <libdeflate.h>

#define SUMMED 8u                                        /* the checksum covers what stands behind these bytes */

static uint32_t sum(const uint8_t *p, size_t n)
{
	return libdeflate_crc32(0, p, n);
}

enum net_frame_result net_frame_take(struct bytes in, size_t max, struct net_frame *out, size_t *bytes)
{
	size_t n;

	*out = (struct net_frame){ 0 };
	*bytes = NET_FRAME_HEAD_BYTES;
	if (in.n < SUMMED)
		return NET_FRAME_SHORT;
	n = load_u32(in.p);
	if (n < NET_FRAME_HEAD_BYTES - SUMMED || n > max - SUMMED)
		return NET_FRAME_BAD;
	*bytes = n + SUMMED;
	if (in.n < n + SUMMED)
		return NET_FRAME_SHORT;
	if (load_u32(in.p + 4) != sum(in.p + SUMMED, n))
		return NET_FRAME_BAD;
	out->rid = load_u64(in.p + 8);
	out->type = load_u16(in.p + 16);
	out->body = (struct bytes){ in.p + NET_FRAME_HEAD_BYTES, n + SUMMED - NET_FRAME_HEAD_BYTES };
	return NET_FRAME_WHOLE;
}

size_t net_frame_begin(struct buf *b)
{
	size_t at = b->n;

	if (buf_room(b, NET_FRAME_HEAD_BYTES) != NULL)
		b->n += NET_FRAME_HEAD_BYTES;
	return at;
}

bool net_frame_end(struct buf *b, size_t at, uint64_t rid, unsigned type)
{
	size_t n = b->n - at;

	assert(at <= b->n && type <= UINT16_MAX);
	if (b->over || n > NET_FRAME_BYTES_MAX) {
		b->n = at;
		b->over = false;
		return false;
	}
	store_u32(b->p + at, (uint32_t)(n - SUMMED));
	store_u64(b->p + at + 8, rid);
	store_u16(b->p + at + 16, (uint16_t)type);
	store_u32(b->p + at + 4, sum(b->p + at + SUMMED, n - SUMMED));
	return true;
}
