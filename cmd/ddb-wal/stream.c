#include "stream.h"

static void put_frame(struct buf *b, struct bytes head, struct bytes body)
{
	size_t at = b->n;
	uint8_t *p;

	buf_u32(b, (uint32_t)(head.n + body.n));
	buf_u32(b, 0);
	buf_bytes(b, head);
	buf_bytes(b, body);
	if (b->over)
		return;
	p = b->p + at;
	store_u32(p + 4, seg_body_crc((struct bytes){ p + 8, head.n + body.n }));
}

void stream_put_head(struct buf *b)
{
	buf_str(b, "ddbstrm\n");
	buf_u32(b, STREAM_VERSION);
	buf_u32(b, STREAM_VERSION);
}

void stream_put_record(struct buf *b, const struct seg_record *r, struct bytes body)
{
	uint8_t head[33];

	head[0] = r->kind;
	store_u64(head + 1, r->group);
	store_u64(head + 9, r->ballot);
	store_u64(head + 17, r->slot);
	store_u64(head + 25, r->position);
	put_frame(b, (struct bytes){ head, sizeof head }, body);
}

void stream_put_end(struct buf *b, uint64_t records)
{
	uint8_t head[9] = { 0 };

	store_u64(head + 1, records);
	put_frame(b, (struct bytes){ head, sizeof head }, BYTES_NONE);
}
