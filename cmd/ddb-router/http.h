/*
 * http: the HTTP/1.1 server of the router, on one libuv loop.
 * Keep-alive and pipelining with answers in order; Expect: 100-continue; optional TLS; caps, timeouts and backpressure
 * on everything a client can do.  Parsing and its rules are common/httpmsg.h.
 * Does not: authenticate, route, unpack bodies by itself (httpmsg_unpack), start threads.
 */
#ifndef ROUTER_HTTP_H
#define ROUTER_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "bytes.h"
#include "httpmsg.h"

#define HTTP_CONNECTIONS_DEFAULT 4096                    /* lowered to what the descriptor limit allows */
#define HTTP_PIPELINE_MAX 16                             /* requests of one connection that wait for their answer */
#define HTTP_OUT_BYTES_MAX ((size_t)1 << 20)             /* unsent answers of a connection above which it is not read */
#define HTTP_BODIES_BYTES_MAX ((size_t)512 << 20)        /* request bodies held at once; above it large ones get 503 */
#define HTTP_ANSWER_BYTES_MAX ((size_t)20 << 20)         /* BatchGetItem: 16 MB at most, as JSON a little more */
#define HTTP_GZIP_BYTES_MIN 4096                         /* larger answers are packed for those who ask */
#define HTTP_RATE_BYTES_MIN 16384                        /* a second: slower bodies, up or down, are cut off */

struct http_server;
struct http_req;

struct http_options {
	const char *host;                                /* numeric address; NULL is 127.0.0.1 */
	int port;                                        /* 0 lets the system choose: http_port tells */
	const char *path;                                /* a Unix socket instead of host and port */
	const char *tls_cert, *tls_key;                  /* PEM files; both or neither */
	unsigned connections_max;                        /* 0 is HTTP_CONNECTIONS_DEFAULT */
	unsigned head_ms, body_ms, idle_ms;              /* 0 is 10 s, 30 s, 60 s */
};

struct http_counts {
	uint64_t accepted, full, requests, refused, timeouts, bytes_in, bytes_out;
	unsigned connections;
};

/*
 * Listen.  Returns NULL after logging what is wrong.
 *   handler  called once a request, whole and well-formed, in the order of arrival on its connection.  It answers with
 *            http_answer, at once or later, exactly once
 */
struct http_server *http_listen(uv_loop_t *loop, const struct http_options *o,
                                void (*handler)(struct http_req *req, void *arg), void *arg);
int http_port(const struct http_server *s);              /* the bound port; 0 for a Unix socket */
const struct http_counts *http_counts(const struct http_server *s);

/* Read certificate and key again (SIGHUP).  0, or -1 after logging what is wrong: the old ones stay. */
int http_reload_tls(struct http_server *s);

/*
 * Stop accepting, answer what is in hand, close; then done(arg).  Requests that have not come whole are dropped.
 * done comes when every connection is closed and every request answered; it may call http_free.
 */
void http_drain(struct http_server *s, void (*done)(void *arg), void *arg);
void http_free(struct http_server *s);

/* The request, valid until it is answered.  Not const: httpmsg_unpack. */
struct httpmsg *http_msg(struct http_req *req);
bool http_gone(const struct http_req *req);              /* the client left; an answer would be dropped */
const char *http_request_id(const struct http_req *req); /* 52 characters, sent as x-amzn-RequestId */

/*
 * Answer.  Everything given is copied; body.n <= HTTP_ANSWER_BYTES_MAX.  Adds Date, Content-Length, Connection,
 * x-amzn-RequestId and x-amz-crc32 (of the body as sent), and packs a large body if the client takes gzip.
 *   type     Content-Type, or NULL for none
 *   headers  more of them, n of them; names and values are the caller's responsibility
 */
void http_answer(struct http_req *req, int status, const char *type, const struct httpmsg_header *headers, size_t n,
                 struct bytes body);

#endif
