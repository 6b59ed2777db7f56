/*
 * stream: log records on a pipe, framed and versioned (man page ddb-stream(5)).
 *
 * "ddbstrm\n", u32 format version, u32 minimum reader version; then frames {u32 length, u32 crc32 of what follows, `length` bytes}.
 * A frame: u8 kind (enum seg_kind), u64 group, u64 ballot, u64 slot, u64 position (0: not from a log), the record's body.
 * The last frame has kind 0 and then only u64: how many came before it.  A stream without it was cut off.
 * Integers are little-endian.
 */
#ifndef WAL_STREAM_H
#define WAL_STREAM_H

#include "seg.h"

#define STREAM_VERSION 1u
#define STREAM_FRAME_BYTES_MAX (SEG_BODY_BYTES_MAX + 64)

void stream_put_head(struct buf *b);
void stream_put_record(struct buf *b, const struct seg_record *r, struct bytes body);
void stream_put_end(struct buf *b, uint64_t records);

#endif
