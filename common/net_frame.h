/*
 * net_frame: the frames that messages travel in.  Format: ddb-protocol(5).
 *   u32 length    of what follows the checksum, NET_FRAME_HEAD_BYTES - 8 .. NET_FRAME_BYTES_MAX - 8
 *   u32 crc32     of the same bytes
 *   u64 request   who waits for the answer; 0: nobody
 *   u16 type      enum msg_type
 *   body
 * Does not: know connections, decode bodies.
 */
#ifndef COMMON_NET_FRAME_H
#define COMMON_NET_FRAME_H

#include "bytes.h"

#define NET_FRAME_HEAD_BYTES 18u
#define NET_FRAME_BYTES_MAX (18u << 20)                  /* head included */

struct net_frame {
	uint64_t rid;
	uint16_t type;
	struct bytes body;                               /* points into what was taken from */
};

enum net_frame_result { NET_FRAME_WHOLE, NET_FRAME_SHORT, NET_FRAME_BAD };

/*
 * The first frame of in.
 *   max    bytes that a frame may have, at most NET_FRAME_BYTES_MAX
 *   bytes  WHOLE: of the frame.  SHORT: that are needed to go on (the head, or the whole frame once its head is there).
 * BAD: a length outside the bounds or a wrong checksum; the stream cannot be followed any further.
 */
enum net_frame_result net_frame_take(struct bytes in, size_t max, struct net_frame *out, size_t *bytes);

/* Append an empty head.  Returns where the frame starts. */
size_t net_frame_begin(struct buf *b);
/*
 * Fill in the head of the frame that started at `at`; all bytes from there on are its own.
 * False, and b is as it was before the frame, if it passed NET_FRAME_BYTES_MAX or the buffer's end.
 */
bool net_frame_end(struct buf *b, size_t at, uint64_t rid, unsigned type);

#endif
