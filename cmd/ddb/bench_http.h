/*
 * bench_http: one HTTP/1.1 answer, read from the bytes that have come so far.  As little as a load generator needs, and
 * no trust in the server: what is not understood is refused.
 * Does not: I/O; content codings; answers that end where the connection does.
 */
#ifndef DDB_BENCH_HTTP_H
#define DDB_BENCH_HTTP_H

#include <stdbool.h>
#include <stdint.h>

#include "bytes.h"

#define BENCH_HTTP_HEAD_BYTES_MAX ((size_t)16 << 10)
#define BENCH_HTTP_BODY_BYTES_MAX ((size_t)4 << 20)
#define BENCH_HTTP_BYTES_MAX (BENCH_HTTP_HEAD_BYTES_MAX + 2 * BENCH_HTTP_BODY_BYTES_MAX) /* with the frames of chunks */

enum bench_http_step { BENCH_HTTP_MORE, BENCH_HTTP_DONE, BENCH_HTTP_BAD };

/* A zeroed one is ready for the next answer. */
struct bench_http {
	int status;                                      /* from BENCH_HTTP_DONE on: 200..599 */
	bool keep_alive;
	struct bytes body;                               /* without the framing; points into the input */

	/* Private. */
	size_t head_n, length;                           /* length: of the body, or of its chunks so far */
	size_t at;                                       /* of the next chunk's line */
	bool chunked, told;                              /* told: length is the body's */
};

/*
 * Read on.
 *   in  everything of this answer so far, from its first byte; the bytes of a chunked body are moved together in it
 * After BENCH_HTTP_DONE nothing of in is left over: a server that says more than it was asked is BENCH_HTTP_BAD.
 */
enum bench_http_step bench_http_read(struct bench_http *h, struct buf *in);

#endif
