/* BatchGetItem and BatchWriteItem over a fake of the nodes, whose rows can fail one by one. */
#include <assert.h>
#include <stdarg.h>
#include <stdlib.h>

#include "check.h"
#include "cmd/ddb-router/api.h"
#include "cmd/ddb-router/op_batch.h"
#include "index_fixture.h"
#include "mem.h"
#include "msg.h"

#define CALLS_MAX OP_BATCH_ROWS_MAX

static struct {
	struct router router;
	struct route_table table[2];             /* "one" and "two" */
	struct call_request call[CALLS_MAX];
	struct route_table *call_table[CALLS_MAX];
	size_t ncalls;
	enum result fails[CALLS_MAX];            /* what becomes of a call */
	struct bytes item;                       /* that every get finds; p NULL: none */
	bool absent, ended;                      /* the tables are not cached */
	unsigned refreshes, fetches;
	struct buf out, message;
	struct json_write w;
	enum result refused;
	bool settled;
} fake;

/* --- the rest of the router --------------------------------------------------------------------------------------- */

struct json_write *api_begin(struct api_req *q)
{
	(void)q;
	buf_clear(&fake.out);
	fake.w = (struct json_write){ .b = &fake.out };
	json_write_object(&fake.w);
	return &fake.w;
}

void api_end(struct api_req *q)
{
	json_write_object_end(&fake.w);
	assert(!fake.ended);
	fake.ended = true;
	q->own_free(q->own);
	q->own = NULL;
}

void api_fail(struct api_req *q, enum result result, struct bytes text)
{
	assert(!fake.ended);
	fake.ended = true;
	fake.refused = result;
	buf_bytes(&fake.message, text);
	q->own_free(q->own);
	q->own = NULL;
}

void api_refuse(struct api_req *q, enum result result, const char *fmt, ...)
{
	char text[512] = "";
	va_list ap;

	va_start(ap, fmt);
	if (fmt != NULL)
		vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	api_fail(q, result, bytes_str(text));
}

bool api_is(const struct api_req *q, enum api_member m, const char *value)
{
	return q->m[m].given && bytes_is(q->m[m].s, value);
}

void api_key_message(struct buf *out, const struct key_schema *s, enum key_result result, size_t part,
                     struct bytes item, bool exact)
{
	(void)s, (void)part, (void)item;
	buf_fmt(out, "%s%d", exact ? "exact " : "", result);
}

void api_constraint(struct api_req *q, const char *where, struct bytes value, const char *what)
{
	(void)q, (void)where, (void)value, (void)what;
	fake.settled = false;
}

void api_names_check(struct api_req *q, const struct bytes *names, size_t n)
{
	(void)q, (void)names, (void)n;
}

void api_invalid(struct api_req *q, const char *fmt, ...)
{
	(void)q, (void)fmt;
	fake.settled = false;
}

enum djson_result api_read_string(struct json_read *r, struct bytes *out, bool *given, struct djson_error *e)
{
	(void)e;
	*out = r->str;
	*given = true;
	return DJSON_OK;
}

enum djson_result api_read_bool(struct json_read *r, bool *out, bool *given, struct djson_error *e)
{
	(void)e;
	*out = r->token == JSON_TRUE;
	*given = true;
	return DJSON_OK;
}

enum djson_result api_read_names(struct api_req *q, struct json_read *r, struct expr_subst *s, struct djson_error *e)
{
	(void)q, (void)e;
	while (json_read_next(r) == JSON_KEY) {
		struct bytes alias = r->str;

		json_read_next(r);
		expr_subst_name(s, alias, r->str);
	}
	return DJSON_OK;
}

bool api_arn_ok(struct api_req *q, struct bytes name)
{
	(void)q, (void)name;
	return true;
}

struct bytes api_table_name(struct bytes name)
{
	return name;
}

static struct route_table *named(struct bytes name)
{
	for (size_t i = 0; i < 2; i++)
		if (bytes_eq(fake.table[i].table.name, name))
			return &fake.table[i];
	return NULL;
}

struct route_table *route_hold(struct route_table *t)
{
	t->refs++;
	return t;
}

void route_release(struct route_table *t)
{
	if (t != NULL)
		t->refs--;
}

struct route_table *route_cached(struct router *r, struct bytes name)
{
	(void)r;
	return fake.absent ? NULL : named(name);
}

void route_refresh(struct router *r, struct route_table *t, struct bytes key)
{
	(void)r, (void)t, (void)key;
	fake.refreshes++;
}

void route_fetch(struct router *r, struct bytes name, struct bytes key,
                 void (*done)(void *arg, enum result, struct route_table *t), void *arg)
{
	struct route_table *t = named(name);

	(void)r, (void)key;
	fake.fetches++;
	done(arg, t != NULL ? RESULT_OK : RESULT_NO_TABLE, t);   /* at once, which the caller must bear */
}

void call_start(struct router *r, struct route_table *t, const struct call_request *q)
{
	(void)r;
	assert(fake.ncalls < CALLS_MAX);
	fake.call_table[fake.ncalls] = t;
	fake.call[fake.ncalls] = *q;
	fake.call[fake.ncalls++].key = bytes_copy(q->key);
}

/* --- the nodes ---------------------------------------------------------------------------------------------------- */

static void serve_one(size_t i)
{
	static const struct route_part part = { .group = 9 };
	struct call_request *q = &fake.call[i];
	struct buf request = { 0 }, answer = { 0 };
	enum result result = fake.fails[i];

	q->encode(q->arg, fake.call_table[i], &part, &request);
	if (q->type == MSG_get) {
		struct msg_get m;

		CHECK(msg_get_get(buf_view(&request), &m, MSG_VERSION));
		CHECK_INT(m.table, fake.call_table[i]->table.id);
		CHECK(bytes_eq(m.key, q->key));
		CHECK(m.consistent == (q->kind == CALL_READ_LEADER));
		msg_put_got(&answer, &(struct msg_got){
			.result = (uint16_t)result, .text = bytes_str("why"), .found = fake.item.p != NULL,
			.item = fake.item, .item_bytes = (uint32_t)item_size(fake.item) }, MSG_VERSION);
	} else {
		struct buf units = { 0 };
		struct msg_write m;

		if (fake.call_table[i]->indexes.n > 0)
			MSG_LIST_PUT(&units, index_units, (&(struct msg_index_units){ 2, 3 }), MSG_VERSION);
		CHECK_INT(q->kind, CALL_WRITE);
		CHECK(msg_get_write(buf_view(&request), &m, MSG_VERSION));
		msg_put_written(&answer, &(struct msg_written){
			.result = (uint16_t)result, .text = bytes_str("why"), .old_bytes = 3000,
			.new_bytes = 10, .indexes = buf_view(&units), .group_bytes = 100 }, MSG_VERSION);
		buf_fini(&units);
	}
	q->done(q->arg, result, fake.call_table[i], buf_view(&answer));
	free((void *)q->key.p);
	buf_fini(&request);
	buf_fini(&answer);
}

static void set_up(void)
{
	static const char *const names[] = { "one", "two" };

	memset(&fake, 0, sizeof fake);
	fake.router.hasher = key_hasher_new();
	for (size_t i = 0; i < 2; i++) {
		fake.table[i].table.name = bytes_str(names[i]);
		fake.table[i].table.id = 5 + i;
		fake.table[i].table.status = TABLE_ACTIVE;
		fake.table[i].table.key = (struct key_schema){
			.part = { { BYTES_LIT("pk"), ITEM_S } }, .n = 1, .hash_n = 1,
		};
	}
}

static void tear_down(void)
{
	CHECK_INT(fake.router.held_bytes, 0);
	CHECK_INT(fake.table[0].refs, 0);
	CHECK_INT(fake.table[1].refs, 0);
	key_hasher_free(fake.router.hasher);
	buf_fini(&fake.out);
	buf_fini(&fake.message);
}

/* One request, its calls answered in the order asked or backwards. */
static void request(const char *op, const char *items, bool backwards)
{
	struct api_op row = { .name = op };
	struct djson_error e = { .result = DJSON_OK };
	struct api_req *q = mem_new(sizeof *q);

	row.run = strcmp(op, "BatchGetItem") == 0 ? op_batch_get : op_batch_write;
	q->op = &row;
	q->r = &fake.router;
	q->m[API_RETURN_COLLECTION_METRICS] = (struct api_value){ .given = true, .s = BYTES_LIT("SIZE") };
	q->m[API_RETURN_CONSUMED_CAPACITY] = (struct api_value){ .given = true, .s = BYTES_LIT("TOTAL") };
	item_build_init(&q->item);
	json_read_init(&q->json, bytes_str(items), JSON_DEPTH_MAX);
	json_read_next(&q->json);
	fake.settled = true;
	fake.ended = false;
	fake.ncalls = 0;
	fake.refused = RESULT_OK;
	buf_clear(&fake.message);
	CHECK_INT(op_batch_read(q, API_REQUEST_ITEMS, &q->json, &e), DJSON_OK);
	if (fake.settled) {
		row.run(q);
		for (size_t i = 0, n = fake.ncalls; i < n; i++) {
			CHECK(!fake.ended);
			serve_one(backwards ? n - 1 - i : i);
		}
		CHECK(fake.ended);
	}
	if (q->own != NULL)
		q->own_free(q->own);
	json_read_fini(&q->json);
	item_build_fini(&q->item);
	free(q);
}

static void answered(const char *json)
{
	buf_u8(&fake.out, 0);
	CHECK_INT(fake.refused, RESULT_OK);
	CHECK_STR((const char *)fake.out.p, json);
}

static void refused(enum result result, const char *message)
{
	buf_u8(&fake.message, 0);
	CHECK_INT(fake.refused, result);
	CHECK_STR((const char *)fake.message.p, message);
}

/* An item with a binary attribute of n bytes: its size is n and the names' 3. */
static struct bytes item_of(size_t n)
{
	struct item_build b;
	struct bytes item;

	item_build_init(&b);
	item_build_item(&b);
	item_build_name(&b, BYTES_LIT("v"));
	memset(item_build_b_room(&b, n), 0, n);
	item_build_close(&b);
	item = bytes_copy(item_build_view(&b));
	item_build_fini(&b);
	return item;
}

#define KEY(k) "{\"pk\":{\"S\":\"" k "\"}}"
#define UNITS(table, n) "{\"TableName\":\"" table "\",\"CapacityUnits\":" n "}"
#define TWO_KEYS "{\"one\":{\"Keys\":[" KEY("a") "," KEY("b") "]}}"
#define PUT(k) "{\"PutRequest\":{\"Item\":" KEY(k) "}}"
#define DELETE(k) "{\"DeleteRequest\":{\"Key\":" KEY(k) "}}"

/* --- tests -------------------------------------------------------------------------------------------------------- */

TEST(memds_hears_of_a_table_once)
{
	const char *both = "{\"one\":{\"Keys\":[" KEY("a") "," KEY("b") "]},\"two\":{\"Keys\":[" KEY("a") "]}}";

	set_up();
	request("BatchGetItem", both, false);
	CHECK_INT(fake.ncalls, 3);
	CHECK_INT(fake.refreshes, 2);
	CHECK_INT(fake.fetches, 0);
	answered("{\"Responses\":{\"one\":[],\"two\":[]},\"UnprocessedKeys\":{},\"ConsumedCapacity\":[" UNITS("one", "1.0") "," UNITS("two", "0.5") "]}");
	fake.absent = true;
	request("BatchGetItem", both, false);
	CHECK_INT(fake.refreshes, 2);
	CHECK_INT(fake.fetches, 2);
	fake.absent = false;
	request("BatchGetItem", "{\"one\":{\"Keys\":[" KEY("a") "," KEY("a") "]}}", false);
	refused(RESULT_INVALID, "Provided list of item keys contains duplicates");
	CHECK_INT(fake.refreshes, 3);
	tear_down();
}

TEST(what_failed_for_now_is_handed_back)
{
	static const enum result soft[] = {
		RESULT_UNAVAILABLE, RESULT_OVERLOADED, RESULT_UNKNOWN, RESULT_NOT_LEADER, RESULT_THROTTLED,
	};

	for (size_t i = 0; i < sizeof soft / sizeof soft[0]; i++) {
		set_up();
		fake.fails[0] = soft[i];
		request("BatchGetItem", "{\"one\":{\"Keys\":[" KEY("a") "," KEY("b") "],\"ConsistentRead\":true,"
		        "\"ProjectionExpression\":\"#v\",\"ExpressionAttributeNames\":{\"#v\":\"pk\"}}}", i % 2 == 0);
		answered("{\"Responses\":{\"one\":[]},\"UnprocessedKeys\":{\"one\":{\"Keys\":[" KEY("a") "],"
		         "\"ConsistentRead\":true,\"ProjectionExpression\":\"#v\","
		         "\"ExpressionAttributeNames\":{\"#v\":\"pk\"}}},"
		         "\"ConsumedCapacity\":[" UNITS("one", "1.0") "]}");
		request("BatchWriteItem", "{\"two\":[" PUT("a") "," DELETE("b") "]}", i % 2 == 0);
		answered("{\"UnprocessedItems\":{\"two\":[" PUT("a") "]},\"ConsumedCapacity\":[" UNITS("two", "3.0") "]}");
		fake.fails[0] = RESULT_OK;
		fake.fails[1] = soft[i];
		request("BatchWriteItem", "{\"two\":[" PUT("a") "," DELETE("b") "]}", i % 2 == 0);
		answered("{\"UnprocessedItems\":{\"two\":[" DELETE("b") "]},\"ConsumedCapacity\":[" UNITS("two", "3.0") "]}");
		tear_down();
	}
}

#define METRICS(k) "{\"ItemCollectionKey\":" KEY(k) ",\"SizeEstimateRangeGB\":[0.0,1.0]}"

TEST(indexes_cost_as_much_again)
{
	set_up();
	index_define(&fake.table[0].indexes, INDEX_TWO);
	request("BatchWriteItem", "{\"one\":[" PUT("a") "," DELETE("b") "],\"two\":[" DELETE("b") "]}", true);
	answered("{\"UnprocessedItems\":{},\"ConsumedCapacity\":[" UNITS("one", "12.0") "," UNITS("two", "3.0") "],"
	         "\"ItemCollectionMetrics\":{\"one\":[" METRICS("a") "," METRICS("b") "]}}");
	index_set_fini(&fake.table[0].indexes);
	tear_down();
}

TEST(puts_that_no_index_can_hold_are_refused)
{
	set_up();
	index_define(&fake.table[0].indexes, INDEX_TWO);
	request("BatchWriteItem", "{\"two\":[" PUT("a") "],\"one\":[" PUT("a") ","
	        "{\"PutRequest\":{\"Item\":{\"pk\":{\"S\":\"b\"},\"x\":{\"S\":\"\"}}}}]}", false);
	refused(RESULT_INVALID, "One or more parameter values are not valid. A value specified for a secondary index key is not "
	                        "supported. The AttributeValue for a key attribute cannot contain an empty string value. "
	                        "IndexName: local, IndexKey: x");
	CHECK_INT(fake.ncalls, 0);
	index_set_fini(&fake.table[0].indexes);
	tear_down();
}

TEST(all_failed_is_a_failure)
{
	set_up();
	fake.fails[0] = RESULT_THROTTLED;
	fake.fails[1] = RESULT_UNAVAILABLE;
	request("BatchGetItem", TWO_KEYS, false);
	refused(RESULT_THROTTLED, "why");
	request("BatchWriteItem", "{\"one\":[" PUT("a") "," DELETE("b") "]}", true);
	refused(RESULT_UNAVAILABLE, "why");
	tear_down();
}

TEST(one_failed_for_good_is_a_failure)
{
	set_up();
	fake.fails[0] = RESULT_UNAVAILABLE;
	fake.fails[1] = RESULT_NO_TABLE;
	request("BatchGetItem", "{\"one\":{\"Keys\":[" KEY("a") "," KEY("b") "," KEY("c") "]}}", false);
	refused(RESULT_NO_TABLE, "why");
	tear_down();
}

TEST(unknown_tables_fail_before_anything_is_asked)
{
	set_up();
	request("BatchGetItem", "{\"one\":{\"Keys\":[" KEY("a") "]},\"three\":{\"Keys\":[" KEY("a") "]}}", false);
	refused(RESULT_NO_TABLE, "");
	CHECK_INT(fake.ncalls, 0);
	fake.table[1].table.status = TABLE_CREATING;
	request("BatchWriteItem", "{\"two\":[" PUT("a") "]}", false);
	refused(RESULT_NO_TABLE, "");
	CHECK_INT(fake.ncalls, 0);
	tear_down();
}

static size_t count(const char *what)
{
	const uint8_t *p = fake.out.p, *end = p + fake.out.n;
	size_t n = 0;

	while ((p = memmem(p, (size_t)(end - p), what, strlen(what))) != NULL) {
		p++;
		n++;
	}
	return n;
}

/* 100 keys of n bytes each: how many come, and whether the rest is handed back. */
static void hundred(size_t n, size_t wanted)
{
	struct buf keys = { 0 };

	set_up();
	fake.item = item_of(n);
	buf_str(&keys, "{\"one\":{\"Keys\":[");
	for (int i = 0; i < 100; i++)
		buf_fmt(&keys, "%s{\"pk\":{\"S\":\"%d\"}}", i > 0 ? "," : "", i);
	buf_str(&keys, "]}}");
	buf_u8(&keys, 0);
	request("BatchGetItem", (const char *)keys.p, false);
	CHECK_INT(fake.refused, RESULT_OK);
	CHECK_INT(count("{\"v\":{\"B\":"), wanted);
	CHECK_INT(count("{\"pk\":"), 100 - wanted);
	CHECK(fake.out.n < HTTP_ANSWER_BYTES_MAX);
	buf_fini(&keys);
	free((void *)fake.item.p);
	tear_down();
}

TEST(sixteen_megabytes_are_enough)
{
	hundred(100, 100);
	hundred(100000, 100);
	hundred(400000, 31);                             /* base64: 533 KB each */
}

TEST(full_memory_hands_back)
{
	set_up();
	fake.item = item_of(100);
	fake.router.held_bytes = ROUTER_HELD_BYTES_MAX - fake.item.n;
	request("BatchGetItem", TWO_KEYS, false);
	CHECK_INT(fake.refused, RESULT_OK);
	CHECK_INT(count("{\"pk\":"), 1);
	CHECK_INT(fake.router.held_bytes, ROUTER_HELD_BYTES_MAX - fake.item.n);
	fake.router.held_bytes = ROUTER_HELD_BYTES_MAX;
	request("BatchGetItem", TWO_KEYS, false);
	CHECK_INT(fake.refused, RESULT_OVERLOADED);
	fake.router.held_bytes = 0;
	free((void *)fake.item.p);
	tear_down();
}

TEST(lists_beyond_the_limits_are_refused)
{
	struct buf text = { 0 };

	set_up();
	for (int n = 100; n <= 101; n++) {
		buf_clear(&text);
		buf_str(&text, "{\"one\":{\"Keys\":[");
		for (int i = 0; i < n; i++)
			buf_fmt(&text, "%s{\"pk\":{\"S\":\"%d\"}}", i > 0 ? "," : "", i);
		buf_str(&text, "]}}");
		buf_u8(&text, 0);
		request("BatchGetItem", (const char *)text.p, false);
		CHECK(fake.settled == (n == 100));
	}
	for (int n = 25; n <= 26; n++) {
		buf_clear(&text);
		buf_str(&text, "{\"one\":[" PUT("x"));
		for (int i = 0; i < n - 2; i++)
			buf_fmt(&text, ",{\"DeleteRequest\":{\"Key\":{\"pk\":{\"S\":\"%d\"}}}}", i);
		buf_str(&text, "],\"two\":[" PUT("x") "]}");
		buf_u8(&text, 0);
		request("BatchWriteItem", (const char *)text.p, false);
		CHECK(fake.settled == (n == 25));
	}
	/* More tables than there can be. */
	buf_clear(&text);
	for (int i = 0; i < 3000; i++)
		buf_fmt(&text, "%c\"t%d\":{\"Keys\":[" KEY("a") "]}", i > 0 ? ',' : '{', i);
	buf_str(&text, "}");
	buf_u8(&text, 0);
	request("BatchGetItem", (const char *)text.p, false);
	CHECK(!fake.settled);
	buf_fini(&text);
	tear_down();
}

CHECK_MAIN(X(memds_hears_of_a_table_once) X(what_failed_for_now_is_handed_back) X(indexes_cost_as_much_again)
	   X(puts_that_no_index_can_hold_are_refused) X(all_failed_is_a_failure)
	   X(one_failed_for_good_is_a_failure) X(unknown_tables_fail_before_anything_is_asked)
	   X(sixteen_megabytes_are_enough) X(full_memory_hands_back) X(lists_beyond_the_limits_are_refused))
