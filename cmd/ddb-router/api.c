/* Source: Amazon DynamoDB Developer Guide, "DynamoDB low-level API"; DESIGN, D10. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api_impl.h"
#include "clock.h"
#include "legacy.h"
#include "log.h"
#include "mem.h"

#define TARGET "DynamoDB_20120810."
#define TARGET_STREAMS "DynamoDBStreams_20120810."

/* --- the pool ----------------------------------------------------------------------------------------------------- */

static struct api_req *take(struct api *a)
{
	struct api_req *q = a->pool;

	if (q != NULL) {
		a->pool = q->next;
		a->pooled--;
	} else {
		q = mem_new(sizeof *q);
		q->api = a;
		q->r = a->r;
		json_read_init(&q->json, BYTES_NONE, JSON_DEPTH_MAX);
		item_build_init(&q->item);
		item_build_init(&q->value);
	}
	return q;
}

static void destroy(struct api_req *q)
{
	json_read_fini(&q->json);
	item_build_fini(&q->item);
	item_build_fini(&q->value);
	expr_subst_fini(&q->subst);
	free(q->names);
	buf_fini(&q->key);
	buf_fini(&q->values);
	buf_fini(&q->failed);
	buf_fini(&q->invalid);
	for (size_t i = 0; i < API_PROGS; i++)
		buf_fini(&q->progs[i]);
	free(q);
}

static bool modest(const struct api_req *q)
{
	size_t n = q->item.out.cap + q->item.spare.cap + q->value.out.cap + q->value.spare.cap + q->values.cap + q->failed.cap;

	for (size_t i = 0; i < API_PROGS; i++)
		n += q->progs[i].cap;
	return n + q->subst.names_cap * sizeof *q->subst.names <= API_KEEP_BYTES_MAX;
}

static void give(struct api *a, struct api_req *q)
{
	if (a->pooled == API_POOL_MAX || !modest(q)) {
		destroy(q);
		return;
	}
	memset(q->m, 0, sizeof q->m);
	memset(q->prog, 0, sizeof q->prog);
	q->names_n = 0;
	q->subst.names_n = q->subst.values_n = q->subst.bytes = 0;
	q->subst.program = 0;
	q->subst.sealed = false;
	q->constraints = 0;
	q->invalid_as = RESULT_OK;
	q->compiled = q->refresh_due = false;
	buf_clear(&q->values);
	buf_clear(&q->failed);
	buf_clear(&q->invalid);
	q->next = a->pool;
	a->pool = q;
	a->pooled++;
}

void api_ended(struct api_req *q, int status)
{
	struct api *a = q->api;
	struct api_op_metrics *m = &a->ops[q->op - api_ops];

	api_routed(q, BYTES_NONE);                       /* if it was refused before its key was known */
	route_release(q->table);
	q->table = NULL;
	if (q->own_free != NULL)
		q->own_free(q->own);
	q->own = NULL;
	q->own_free = NULL;
	legacy_free(q->legacy);
	q->legacy = NULL;
	metrics_add(&m->answered[status < 400 ? API_2XX : status < 500 ? API_4XX : API_5XX], 1);
	metrics_observe(&m->us, clock_us() - q->start_us);
	a->inflight--;
	give(a, q);
}

/* --- dispatch ----------------------------------------------------------------------------------------------------- */

static const struct api_op *target_of(struct bytes v)
{
	const char *start = bytes_starts(v, BYTES_LIT(TARGET)) ? TARGET : TARGET_STREAMS;
	size_t n = strlen(start);

	return bytes_starts(v, bytes_str(start)) ? api_op_find((struct bytes){ v.p + n, v.n - n }) : NULL;
}

static void unknown(struct api *a, struct http_req *http, const struct api_op *op, int status)
{
	char text[128];

	metrics_add(&a->unknown, 1);
	if (op != NULL)
		snprintf(text, sizeof text, "%s is not supported yet", op->name);
	api_answer_error(a, http, status, API_SPACE_SERVICE, "UnknownOperationException", op != NULL ? text : NULL);
}

static bool at_door(struct api *a, struct http_req *http)
{
	const struct httpmsg *m = http_msg(http);
	char text[128];

	if (bytes_is(m->method, "GET") && bytes_is(m->path, "/") && m->query.n == 0) {
		snprintf(text, sizeof text, "healthy: dynamodb.%s.amazonaws.com ", a->r->region);
		api_answer_text(http, 200, bytes_str(text));
		return false;
	}
	if (bytes_is(m->method, "OPTIONS") && httpmsg_header(m, "origin", NULL).n > 0) {
		api_answer_preflight(http);
		return false;
	}
	if (a->inflight >= a->inflight_max) {
		metrics_add(&a->overloaded, 1);
		api_answer_error(a, http, 503, API_SPACE_DYNAMODB, result_info(RESULT_OVERLOADED)->api,
		                 result_info(RESULT_OVERLOADED)->message);
		return false;
	}
	return auth_check(a, http);
}

void api_handle(struct http_req *http, void *arg)
{
	struct httpmsg *m = http_msg(http);
	const struct api_op *op;
	uint64_t start_us = clock_us();
	struct api *a = arg;
	struct api_req *q;
	struct bytes body;
	int bad;

	if (!at_door(a, http))
		return;
	op = target_of(httpmsg_header(m, "x-amz-target", NULL));
	if (op == NULL || op->run == NULL || !bytes_is(m->method, "POST") || !bytes_is(m->path, "/")) {
		unknown(a, http, op, bytes_is(m->method, "POST") ? 400 : 404);
		return;
	}
	bad = httpmsg_unpack(m, &body);
	if (bad != 0) {
		api_answer_error(a, http, bad, API_SPACE_SERVICE, bad == 413 ? "RequestEntityTooLargeException" : "SerializationException",
		                 NULL);
		return;
	}
	metrics_add(&a->r->metrics.requests, 1);
	a->inflight++;
	q = take(a);
	q->http = http;
	q->op = op;
	q->start_us = start_us;
	q->deadline_ms = start_us / 1000 + ROUTER_DEADLINE_MS;
	if (api_parse(q, body))
		op->run(q);
}

/* --- lifetime ----------------------------------------------------------------------------------------------------- */

struct api *api_new(struct router *r, const struct api_options *o)
{
	static const char *const classes[] = { "2xx", "4xx", "5xx" };
	char error[CRED_ERROR_MAX];
	struct cred *keys = cred_open(o->credentials, true, error);
	struct api *a;

	if (keys == NULL) {
		log_err("%s", error);
		return NULL;
	}
	a = mem_new(sizeof *a);
	a->r = r;
	a->keys = keys;
	a->sigv4 = sigv4_new();
	a->inflight_max = o->inflight_max > 0 ? o->inflight_max : API_INFLIGHT_DEFAULT;
	buf_init(&a->out, HTTP_ANSWER_BYTES_MAX);
	a->ops = mem_new(api_ops_n * sizeof *a->ops);
	for (size_t i = 0; i < api_ops_n; i++) {
		snprintf(a->ops[i].label, sizeof a->ops[i].label, "op=\"%s\"", api_ops[i].name);
		for (size_t c = 0; c < API_CLASSES; c++)
			snprintf(a->ops[i].labels[c], sizeof a->ops[i].labels[c], "op=\"%s\",status=\"%s\"", api_ops[i].name, classes[c]);
	}
	return a;
}

void api_free(struct api *a)
{
	if (a == NULL)
		return;
	while (a->pool != NULL) {
		struct api_req *q = a->pool;

		a->pool = q->next;
		destroy(q);
	}
	cred_free(a->keys);
	sigv4_free(a->sigv4);
	buf_fini(&a->out);
	buf_fini(&a->scratch);
	free(a->ops);
	free(a);
}

void api_reload(struct api *a)
{
	char error[CRED_ERROR_MAX];
	int rc = cred_reload(a->keys, error);

	if (rc < 0)
		log_err("%s; the old keys stay", error);
	else if (rc > 0)
		log_info("read %zu access keys", cred_count(a->keys));
}

static int64_t inflight(void *arg)
{
	return ((struct api *)arg)->inflight;
}

static int64_t behind(void *arg)
{
	return ((struct api *)arg)->r->tx_behind;
}

/* Only operations that were ever asked for: the others would be 3,000 lines of zeros. */
static void print_ops(const struct api *a, struct buf *out)
{
	struct metrics_row *counts = mem_new(api_ops_n * API_CLASSES * sizeof *counts), *times = mem_new(api_ops_n * sizeof *times);
	size_t ncounts = 0, ntimes = 0;

	for (size_t i = 0; i < api_ops_n; i++) {
		const struct api_op_metrics *m = &a->ops[i];

		for (size_t c = 0; c < API_CLASSES; c++)
			if (m->answered[c].v > 0)
				counts[ncounts++] = (struct metrics_row)METRICS_COUNT("ddb_requests_total", m->labels[c],
				                                                      "requests answered", &m->answered[c]);
		if (metrics_hist_n(&m->us) > 0)
			times[ntimes++] = (struct metrics_row)METRICS_HIST("ddb_request_seconds", m->label, "time to answer",
			                                                   &m->us, METRICS_US);
	}
	metrics_print(counts, ncounts, out);
	metrics_print(times, ntimes, out);
	free(counts);
	free(times);
}

void api_metrics(struct api *a, struct buf *out)
{
	const struct router_metrics *m = &a->r->metrics;
	const struct metrics_row rows[] = {
		METRICS_COUNT("ddb_router_requests_total", NULL, "authentic requests for known operations", &m->requests),
		METRICS_COUNT("ddb_router_lookups_total", NULL, "questions to memds", &m->lookups),
		METRICS_COUNT("ddb_router_lookups_missed_total", NULL, "of these, for what was not cached", &m->lookups_missed),
		METRICS_COUNT("ddb_router_misroutes_total", NULL, "routes that proved wrong or missing", &m->misroutes),
		METRICS_COUNT("ddb_router_retries_total", NULL, "requests sent to a node again", &m->retries),
		METRICS_COUNT("ddb_router_unknown_total", NULL, "writes whose outcome is unknown", &m->unknown),
		METRICS_COUNT("ddb_router_transactions_total", "result=\"committed\"", "TransactWriteItems carried out, or not",
		              &m->tx_committed),
		METRICS_COUNT("ddb_router_transactions_total", "result=\"cancelled\"", NULL, &m->tx_cancelled),
		METRICS_COUNT("ddb_router_transactions_total", "result=\"repeated\"", NULL, &m->tx_repeated),
		METRICS_CALL("ddb_router_transactions_behind", NULL, "answered, and not marked as done in the ledger", behind, a),
		METRICS_COUNT("ddb_router_refused_total", NULL, "requests that were not authentic", &a->refused),
		METRICS_COUNT("ddb_router_overloaded_total", NULL, "requests beyond --inflight", &a->overloaded),
		METRICS_COUNT("ddb_router_unknown_operations_total", NULL, "requests for operations we do not have", &a->unknown),
		METRICS_CALL("ddb_router_inflight", NULL, "requests in hand", inflight, a),
	};

	metrics_print(rows, sizeof rows / sizeof rows[0], out);
	print_ops(a, out);
}
