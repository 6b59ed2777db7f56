/*
 * httpmsg: one HTTP/1.1 request, parsed strictly from bytes as they arrive.
 * Source: RFC 9110, RFC 9112.  Two readings decide: our own scan of the raw bytes and llhttp's.  Whatever the two, or
 * any two servers, could read differently is refused: the rules are listed in httpmsg.c.
 * Does not: I/O, clocks, unpack a body by itself (it may be a bomb: authenticate first, then httpmsg_unpack).
 */
#ifndef COMMON_HTTPMSG_H
#define COMMON_HTTPMSG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bytes.h"

#define HTTPMSG_LINE_BYTES_MAX ((size_t)16 << 10)        /* request line; more is 414 */
#define HTTPMSG_HEAD_BYTES_MAX ((size_t)16 << 10)        /* all header lines; more is 431 */
#define HTTPMSG_HEADERS_MAX 100                          /* more is 431 */
#define HTTPMSG_BODY_BYTES_MAX ((size_t)16 << 20)        /* as sent, and unpacked; more is 413 */

/* The name as sent (compare without case), the value without white space around it. */
struct httpmsg_header {
	struct bytes name, value;
};

enum httpmsg_step {
	HTTPMSG_MORE,                                    /* everything was used, more is needed */
	HTTPMSG_HEAD,                                    /* the head is complete and good; call again for the body */
	HTTPMSG_DONE,                                    /* the request is complete; the rest belongs to the next */
	HTTPMSG_BAD,                                     /* refused: see status and why; nothing can follow it */
};

struct httpmsg {
	/* From HTTPMSG_HEAD on, valid until httpmsg_reset: */
	struct bytes method;                             /* GET HEAD POST PUT DELETE OPTIONS PATCH */
	struct bytes path, query;                        /* as sent: before the first ? and after it */
	struct httpmsg_header headers[HTTPMSG_HEADERS_MAX];
	size_t headers_n;
	unsigned minor;                                  /* HTTP/1.minor: 0 or 1 */
	bool keep_alive;
	bool expect_continue;                            /* a client that waits for "100 Continue" */
	bool accept_gzip;                                /* the client takes gzip answers */
	/* From HTTPMSG_DONE on: */
	struct bytes body;                               /* as sent, without chunk framing: what is signed */
	/* From HTTPMSG_BAD on: */
	int status;                                      /* 400, 413, 414, 415, 417, 431, 501 or 505 */
	const char *why;                                 /* constant text for people */

	/* Private. */
	struct buf head, store, plain;
	size_t scanned, head_line_n;                     /* of head: start of the line that is coming; the first line */
	uint64_t length, chunk_left;                     /* declared length; bytes left of the chunk or body */
	size_t line_n;                                   /* bytes of the chunk line so far */
	int phase;
	bool chunked, packed, target_query;
	bool ext_open, ext_value;                        /* a chunk extension wants a character; is past its = */
	struct httpmsg_peer *peer;                       /* llhttp's reading */
};

void httpmsg_init(struct httpmsg *m);
void httpmsg_fini(struct httpmsg *m);
void httpmsg_reset(struct httpmsg *m);                   /* ready for the next request; keeps modest buffers */

/*
 * Take bytes of the connection.  *used of in were taken.  After HTTPMSG_DONE or HTTPMSG_BAD only reset or fini.
 * An end of the connection is the caller's business: a request is whole at HTTPMSG_DONE or was never there.
 */
enum httpmsg_step httpmsg_feed(struct httpmsg *m, struct bytes in, size_t *used);
bool httpmsg_started(const struct httpmsg *m);           /* some bytes of it have come */
size_t httpmsg_body_got(const struct httpmsg *m);        /* body bytes so far */

/* The value of the first header of that name (lower case), or empty.  count, unless NULL, gets how many there are. */
struct bytes httpmsg_header(const struct httpmsg *m, const char *name, size_t *count);

/*
 * The body without its Content-Encoding (gzip or none), valid until httpmsg_reset.
 * Returns 0, 400 (damaged) or 413 (more than HTTPMSG_BODY_BYTES_MAX).  Costs up to 16 MB of inflating: only for a
 * request whose signature is good.
 */
int httpmsg_unpack(struct httpmsg *m, struct bytes *out);

/* Compare names of headers without case; b is lower case. */
bool httpmsg_name_is(struct bytes a, const char *b);

#endif
