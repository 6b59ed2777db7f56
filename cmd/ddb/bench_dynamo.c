#include "bench_dynamo.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "json.h"
#include "mem.h"
#include "sigv4.h"

#define DEPTH_MAX 16
#define HEADERS_MAX 4

struct bench_dynamo {
	struct bench_dynamo_opts o;
	struct bench_dialect dialect;
	struct sigv4 *sigv4;
	struct json_read json;
	struct buf body, auth;
	/* The constant parts, between which the key, the value, the date, the signature and the length go. */
	struct buf front[BENCH_PLAN_OPS], middle[BENCH_PLAN_OPS], end[BENCH_PLAN_OPS];
	struct buf head[BENCH_PLAN_OPS], head_end;
	struct bytes target[BENCH_PLAN_OPS];
	size_t value_n;
	int64_t date_s;                                  /* what date says */
	char date[SIGV4_DATE_BYTES];
	char pool[BENCH_PLAN_POOL_BYTES];
};

/* --- requests ----------------------------------------------------------------------------------------------------- */

static bool is_put(enum bench_op op)
{
	return op == BENCH_PLAN_PUT || op == BENCH_PLAN_PUT_IF;
}

static void put_body(struct bench_dynamo *d, const struct bench_work *w)
{
	char key[BENCH_PLAN_KEY_BYTES];

	buf_clear(&d->body);
	bench_plan_key(w->key, key);
	buf_bytes(&d->body, buf_view(&d->front[w->op]));
	buf_put(&d->body, key, sizeof key);
	for (unsigned i = 1; i <= d->o.indexes && is_put(w->op); i++) {
		buf_fmt(&d->body, "\"},\"g%u\":{\"S\":\"", i);
		buf_put(&d->body, key, sizeof key);
	}
	buf_bytes(&d->body, buf_view(&d->middle[w->op]));
	if (w->op != BENCH_PLAN_GET)
		bench_plan_value(&d->body, d->pool, w->key, w->version, d->value_n);
	buf_bytes(&d->body, buf_view(&d->end[w->op]));
}

static void sign(struct bench_dynamo *d, const struct bench_work *w)
{
	char hash[SIGV4_HASH_BYTES];
	struct httpmsg_header headers[HEADERS_MAX] = {
		{ BYTES_LIT("host"), bytes_str(d->o.authority) },
		{ BYTES_LIT("x-amz-date"), { (const uint8_t *)d->date, sizeof d->date - 1 } },
		{ BYTES_LIT("x-amz-target"), d->target[w->op] },
		{ BYTES_LIT("x-amz-security-token"), d->o.key->token },
	};
	struct sigv4_req r = { BYTES_LIT("POST"), BYTES_LIT("/"), BYTES_NONE, headers, d->o.key->token.n > 0 ? 4 : 3,
		{ (const uint8_t *)hash, sizeof hash - 1 } };

	sigv4_hash(d->sigv4, buf_view(&d->body), hash);
	buf_clear(&d->auth);
	sigv4_sign(d->sigv4, &r, d->o.key, (struct sigv4_scope){ bytes_str(d->o.region), BYTES_LIT("dynamodb") },
	           d->date_s, &d->auth);
}

static void put_number(struct buf *b, size_t n)
{
	char digits[20], *p = digits + sizeof digits;

	do
		*--p = (char)('0' + n % 10);
	while ((n /= 10) > 0);
	buf_put(b, p, (size_t)(digits + sizeof digits - p));
}

static void request(void *arg, const struct bench_work *w, struct buf *out)
{
	struct bench_dynamo *d = arg;
	int64_t now_s = (int64_t)(clock_wall_us() / 1000000);

	if (now_s != d->date_s) {
		d->date_s = now_s;
		sigv4_date(now_s, d->date);
	}
	put_body(d, w);
	sign(d, w);
	buf_bytes(out, buf_view(&d->head[w->op]));
	buf_put(out, d->date, sizeof d->date - 1);
	buf_bytes(out, buf_view(&d->head_end));
	buf_bytes(out, buf_view(&d->auth));
	buf_str(out, "\r\nContent-Length: ");
	put_number(out, d->body.n);
	buf_str(out, "\r\n\r\n");
	buf_bytes(out, buf_view(&d->body));
}

/* --- answers ------------------------------------------------------------------------------------------------------ */

static void read_type(struct bench_dynamo *d, struct bytes body, char type[BENCH_ENGINE_TYPE_MAX])
{
	struct json_read *r = &d->json;

	json_read_reset(r, body);
	if (json_read_next(r) != JSON_OBJECT)
		return;
	while (json_read_next(r) == JSON_KEY) {
		bool found = bytes_is(r->str, "__type");
		const uint8_t *hash;

		if (json_read_next(r) != JSON_STRING || !found) {
			json_read_skip(r);
			continue;
		}
		hash = r->str.n > 0 ? memrchr(r->str.p, '#', r->str.n) : NULL;
		if (hash != NULL)
			r->str = (struct bytes){ hash + 1, (size_t)(r->str.p + r->str.n - hash - 1) };
		snprintf(type, BENCH_ENGINE_TYPE_MAX, "%.*s", (int)(r->str.n < 256 ? r->str.n : 256),
		         (const char *)r->str.p);
		return;
	}
}

/* {"S": "..."} of an attribute; the string, or none. */
static struct bytes read_string(struct json_read *r)
{
	struct bytes v = BYTES_NONE;

	if (json_read_next(r) != JSON_OBJECT) {
		json_read_skip(r);
		return v;
	}
	while (json_read_next(r) == JSON_KEY) {
		bool s = bytes_is(r->str, "S");

		if (json_read_next(r) == JSON_STRING && s)
			v = r->str;
		else
			json_read_skip(r);
	}
	return v;
}

/* Is this the answer to a read of key: the item with that key, and a value that was written for it? */
static bool is_right(struct bench_dynamo *d, uint64_t key, struct bytes body)
{
	struct json_read *r = &d->json;
	struct bytes got_key = BYTES_NONE, got_value = BYTES_NONE;
	char name[BENCH_PLAN_KEY_BYTES];

	bench_plan_key(key, name);
	json_read_reset(r, body);
	if (json_read_next(r) != JSON_OBJECT)
		return false;
	while (json_read_next(r) == JSON_KEY) {
		bool item = bytes_is(r->str, "Item");

		if (json_read_next(r) != JSON_OBJECT || !item) {
			json_read_skip(r);
			continue;
		}
		while (json_read_next(r) == JSON_KEY) {
			struct bytes *into = bytes_is(r->str, d->o.key_name) ? &got_key
			                   : bytes_is(r->str, "v")           ? &got_value
			                                                     : NULL;
			struct bytes v = read_string(r);

			if (into != NULL)
				*into = v;
		}
	}
	return json_read_finish(r) && bytes_eq(got_key, (struct bytes){ (const uint8_t *)name, sizeof name }) &&
	       bench_plan_belongs(d->pool, key, got_value);
}

static enum bench_verdict judge(void *arg, const struct bench_work *w, int status, struct bytes body,
                                char type[BENCH_ENGINE_TYPE_MAX])
{
	struct bench_dynamo *d = arg;

	if (status != 200) {
		read_type(d, body, type);
		return BENCH_ENGINE_ERROR;
	}
	if (w->op != BENCH_PLAN_GET)
		return BENCH_ENGINE_GOOD;
	if (body.n == 2)                                 /* {} */
		return BENCH_ENGINE_MISSING;
	if (d->o.verify && !is_right(d, w->key, body))
		return BENCH_ENGINE_WRONG;
	return BENCH_ENGINE_GOOD;
}

/* --- templates ---------------------------------------------------------------------------------------------------- */

static void template_body(struct bench_dynamo *d)
{
	struct buf name = { 0 }, key = { 0 };
	struct json_write w = { .b = &name };

	json_write_str(&w, d->o.table);
	w = (struct json_write){ .b = &key };
	json_write_str(&w, d->o.key_name);
	for (enum bench_op op = 0; op < BENCH_PLAN_OPS; op++) {
		bool only_if = op == BENCH_PLAN_PUT_IF || op == BENCH_PLAN_UPDATE_IF;

		buf_fmt(&d->front[op], "{\"TableName\":%.*s,", (int)name.n, (const char *)name.p);
		if (op == BENCH_PLAN_UPDATE || op == BENCH_PLAN_UPDATE_IF)
			buf_str(&d->front[op], "\"UpdateExpression\":\"SET v = :v\",");
		if (only_if)
			buf_fmt(&d->front[op], "\"ConditionExpression\":\"attribute_exists(#k)\","
			        "\"ExpressionAttributeNames\":{\"#k\":%.*s},", (int)key.n, (const char *)key.p);
		buf_fmt(&d->front[op], "\"%s\":{%.*s:{\"S\":\"", is_put(op) ? "Item" : "Key", (int)key.n, (const char *)key.p);
		if (op != BENCH_PLAN_GET) {
			buf_str(&d->middle[op], is_put(op) ? "\"},\"v\":{\"S\":\"" :
			                                     "\"}},\"ExpressionAttributeValues\":{\":v\":{\"S\":\"");
			buf_str(&d->end[op], "\"}}}");
		} else {
			buf_fmt(&d->end[op], "\"}}%s}", d->o.consistent ? ",\"ConsistentRead\":true" : "");
		}
	}
	buf_fini(&name);
	buf_fini(&key);
}

static void template_head(struct bench_dynamo *d)
{
	d->target[BENCH_PLAN_GET] = BYTES_LIT("DynamoDB_20120810.GetItem");
	d->target[BENCH_PLAN_PUT] = d->target[BENCH_PLAN_PUT_IF] = BYTES_LIT("DynamoDB_20120810.PutItem");
	d->target[BENCH_PLAN_UPDATE] = d->target[BENCH_PLAN_UPDATE_IF] = BYTES_LIT("DynamoDB_20120810.UpdateItem");
	for (int i = 0; i < BENCH_PLAN_OPS; i++)
		buf_fmt(&d->head[i], "POST / HTTP/1.1\r\nHost: %s\r\nContent-Type: application/x-amz-json-1.0\r\n"
		        "X-Amz-Target: %.*s\r\nX-Amz-Date: ", d->o.authority, (int)d->target[i].n,
		        (const char *)d->target[i].p);
	buf_str(&d->head_end, "\r\n");
	if (d->o.key->token.n > 0)
		buf_fmt(&d->head_end, "X-Amz-Security-Token: %.*s\r\n", (int)d->o.key->token.n,
		        (const char *)d->o.key->token.p);
	buf_str(&d->head_end, "Authorization: ");
}

struct bench_dynamo *bench_dynamo_new(const struct bench_dynamo_opts *o)
{
	struct bench_dynamo *d = mem_new(sizeof *d);
	size_t names = strlen(o->key_name) + BENCH_PLAN_KEY_BYTES + 1 + o->indexes * (2 + BENCH_PLAN_KEY_BYTES);

	d->o = *o;
	d->dialect = (struct bench_dialect){ d, request, judge };
	d->sigv4 = sigv4_new();
	d->date_s = -1;
	d->value_n = o->size > names + BENCH_PLAN_VALUE_BYTES_MIN ? o->size - names : BENCH_PLAN_VALUE_BYTES_MIN;
	json_read_init(&d->json, BYTES_NONE, DEPTH_MAX);
	bench_plan_pool(d->pool);
	template_body(d);
	template_head(d);
	return d;
}

void bench_dynamo_free(struct bench_dynamo *d)
{
	if (d == NULL)
		return;
	sigv4_free(d->sigv4);
	json_read_fini(&d->json);
	for (int i = 0; i < BENCH_PLAN_OPS; i++) {
		buf_fini(&d->head[i]);
		buf_fini(&d->front[i]);
		buf_fini(&d->middle[i]);
		buf_fini(&d->end[i]);
	}
	buf_fini(&d->head_end);
	buf_fini(&d->body);
	buf_fini(&d->auth);
	free(d);
}

const struct bench_dialect *bench_dynamo_dialect(const struct bench_dynamo *d)
{
	return &d->dialect;
}
