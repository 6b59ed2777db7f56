/*
 * http_conn: what the parts of the HTTP server share.  Private to http*.c.
 * http.c listens, accepts, times out and drains; http_conn.c reads, parses, queues and writes; http_answer.c answers.
 *
 * Of a connection: requests wait for their answers in reqs, in the order of arrival; at most one more is being read.
 * Answers gather in out and leave once an iteration of the loop, all at once, when http.c gives every dirty connection
 * its turn.  While the kernel takes no more, the rest is in sending.
 * Every connection is on exactly one list of the server, by what it waits for; each list is in the order of since_ms.
 */
#ifndef ROUTER_HTTP_CONN_H
#define ROUTER_HTTP_CONN_H

#include <sys/queue.h>
#include <zlib.h>

#include "http.h"
#include "tls.h"

#define HTTP_CONN_READ_BYTES ((size_t)64 << 10)
#define HTTP_CONN_KEEP_BYTES ((size_t)256 << 10)         /* output buffers larger than this are not kept */
#define HTTP_CONN_SPARE_MAX 256                          /* idle requests kept for reuse */
#define HTTP_CONN_LINGER_MS 2000
#define HTTP_CONN_OUT_BYTES_MAX ((size_t)512 << 20)      /* HTTP_PIPELINE_MAX of the largest answers */
#define HTTP_CONN_ID_BYTES 53

enum http_conn_wait {
	HTTP_CONN_HANDLER,                               /* for our own answer: no limit here */
	HTTP_CONN_HEAD, HTTP_CONN_BODY, HTTP_CONN_IDLE,
	HTTP_CONN_WRITE,                                 /* for the client to read */
	HTTP_CONN_LINGER,                                /* for the client to see a refusal before the end */
	HTTP_CONN_WAITS
};

struct http_req {
	struct httpmsg msg;
	struct http_server *server;
	struct http_conn *conn;                          /* NULL: the client left */
	TAILQ_ENTRY(http_req) link;
	struct buf reply;                                /* an answer that must wait for earlier ones */
	bool handed, answered, closes;                   /* closes: the last of its connection */
	bool head_done, continue_due;
	size_t counted;                                  /* of server->bodies_n */
	char id[HTTP_CONN_ID_BYTES];
};

TAILQ_HEAD(http_conn_reqs, http_req);

struct http_conn {
	union {
		uv_handle_t handle;
		uv_stream_t stream;
		uv_tcp_t tcp;
		uv_pipe_t pipe;
	} h;
	struct http_server *server;
	struct tls *tls;
	struct http_conn_reqs reqs;
	unsigned reqs_n;
	struct http_req *reading;                        /* the request that is coming */
	struct buf rest;                                 /* plain input that has to wait */
	struct buf out, sending;
	uv_write_t write;
	bool writing, paused, dirty, closing;
	bool stop;                                       /* no request is read any more */
	bool ended;                                      /* the last answer is in out */
	bool eof;                                        /* the client sends no more, but may still read */
	bool lingering, served;
	bool again;                                      /* a request was completed: its time limits start anew */
	enum http_conn_wait wait;
	uint64_t since_ms;
	size_t mark;                                     /* progress when the wait began or was last looked at */
	TAILQ_ENTRY(http_conn) link;
	STAILQ_ENTRY(http_conn) dirty_link;
};

TAILQ_HEAD(http_conn_list, http_conn);

struct http_server {
	uv_loop_t *loop;
	union {
		uv_handle_t handle;
		uv_stream_t stream;
		uv_tcp_t tcp;
		uv_pipe_t pipe;
	} listener;
	uv_timer_t timer;
	uv_prepare_t prepare;
	uv_check_t check;
	unsigned handles;                                /* of these four, open ones */
	void (*handler)(struct http_req *req, void *arg);
	void *arg;
	char *path;
	int port;
	unsigned connections_max, limit_ms[HTTP_CONN_WAITS];
	bool draining, full_logged;
	void (*done)(void *arg);
	void *done_arg;
	struct tls_ctx *tls;
	struct http_conn_list waits[HTTP_CONN_WAITS];
	STAILQ_HEAD(, http_conn) dirty;
	struct http_conn_reqs spare;
	unsigned spare_n;
	size_t bodies_n;                                 /* bytes of bodies in memory */
	unsigned held;                                   /* requests handed over and not answered */
	struct http_counts counts;
	uint8_t *rx, *plain;                             /* HTTP_CONN_READ_BYTES each, of whoever reads just now */
	z_stream deflate;
	struct buf packed;
	uint64_t seed[4];
	int64_t date_s;
	char date[32];
};

/* http_conn.c */
struct http_conn *http_conn_new(struct http_server *s);
void http_conn_start(struct http_conn *c);               /* after accepting */
void http_conn_close(struct http_conn *c);
void http_conn_turn(struct http_conn *c);                /* write, read on, or close: whatever it can do now */
void http_conn_expire(struct http_conn *c, uint64_t now_ms);
void http_conn_touch(struct http_conn *c);               /* it shall have a turn before the loop waits again */
void http_conn_answered(struct http_req *req);           /* its answer is in conn->out (it was first) or in reply */
void http_conn_req_free(struct http_req *req);

/* http.c */
void http_closed(struct http_server *s);                 /* a connection or handle has gone */

/* http_answer.c */
void http_answer_init(struct http_server *s);
void http_answer_fini(struct http_server *s);
void http_answer_id(struct http_server *s, char out[HTTP_CONN_ID_BYTES]);

#endif
