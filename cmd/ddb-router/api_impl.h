/* api_impl: what the files api_*.c and auth.c share among themselves. */
#ifndef ROUTER_API_IMPL_H
#define ROUTER_API_IMPL_H

#include "api.h"
#include "cred.h"
#include "sigv4.h"

#define API_POOL_MAX 256                         /* idle requests kept with their memory */
#define API_KEEP_BYTES_MAX ((size_t)64 << 10)    /* larger buffers are given back when a request ends */

enum api_class { API_2XX, API_4XX, API_5XX, API_CLASSES };

struct api_op_metrics {
	struct metrics_count answered[API_CLASSES];
	struct metrics_hist us;
	char label[64], labels[API_CLASSES][64];
};

struct api {
	struct router *r;
	struct cred *keys;
	struct sigv4 *sigv4;
	struct api_req *pool;
	unsigned pooled, inflight, inflight_max;
	struct buf out, scratch;                 /* the answer; a message's text or a list of operations */
	struct json_write w;
	struct api_op_metrics *ops;              /* one for each row of api_ops */
	struct metrics_count refused, overloaded, unknown;       /* at the door: not authentic, no room, no such operation */
	struct metrics_gauge inflight_now;
};

extern const struct api_op api_ops[];            /* sorted by name */
extern const size_t api_ops_n;

/* auth.c: true if the request is authentic; else it was answered.  Reads the clock. */
bool auth_check(struct api *a, struct http_req *http);

/* Answers without a request from the pool. */
void api_answer_error(struct api *a, struct http_req *http, int status, const char *space, const char *type, const char *message);
void api_answer_text(struct http_req *http, int status, struct bytes text);
void api_answer_preflight(struct http_req *http);
/* The request is answered with this status: everything of it is given back. */
void api_ended(struct api_req *q, int status);

#define API_SPACE_SERVICE "com.amazon.coral.service#"
#define API_SPACE_VALIDATE "com.amazon.coral.validate#"
#define API_SPACE_DYNAMODB "com.amazonaws.dynamodb.v20120810#"

#endif
