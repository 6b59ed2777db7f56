#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "work_impl.h"

#define DEPTH_MAX 16
#define PAD_BYTES_MAX 700
#define SCAN_LIMIT 8
#define GROUPS 16                                        /* partition keys of the global index */
#define LIST_BACK_EVERY 4                                /* an append asks for the whole list that often */

/* --- asking */

static void pad(struct buf *b, uint64_t dice)
{
	static const char text[] = "0123456789abcdefghijklmnopqrstuvwxyz";

	buf_str(b, ",\"p\":{\"S\":\"x");
	for (size_t n = dice % PAD_BYTES_MAX; n > 0; n -= n < 36 ? n : 36)
		buf_put(b, text, n < 36 ? n : 36);
	buf_str(b, "\"}");
}

static bool is_list(const struct work_op *op)
{
	return op->kind == WORK_APPEND || op->kind == WORK_LIST || op->kind == WORK_ELIST;
}

static void key(struct buf *b, const struct work_op *op)
{
	buf_fmt(b, "\"pk\":{\"S\":\"%c%" PRIu32 "\"},\"sk\":{\"S\":\"%" PRIu32 "\"}", is_list(op) ? 'l' : 'r', op->item,
	        op->row);
}

/* Which of the keys of sparse indexes it has. */
static bool has_w(const struct work_op *op)
{
	return op->indexed && op->value % 3 > 0;
}

static bool has_g(const struct work_op *op)
{
	return op->indexed && op->value % 4 > 0;
}

static void put_g(struct buf *b, const struct work_op *op, const char *name)
{
	if (has_g(op))
		buf_fmt(b, ",\"%s\":{\"S\":\"g%" PRIu64 "\"}", name, op->value % GROUPS);
}

/* The rest of an update expression after SET x = ... */
static void set_keys(struct buf *b, const struct work_op *op)
{
	bool w = op->kind == WORK_CAS;

	if (!op->indexed)
		return;
	buf_fmt(b, "%s%s", w && has_w(op) ? ", w = :n" : "", has_g(op) ? ", g = :g" : "");
	if ((w && !has_w(op)) || !has_g(op))
		buf_fmt(b, " REMOVE %s%s%s", w && !has_w(op) ? "w" : "", w && !has_w(op) && !has_g(op) ? ", " : "",
		        has_g(op) ? "" : "g");
}

static void cas(struct buf *b, const struct work_op *op)
{
	buf_str(b, "\"Key\":{");
	key(b, op);
	buf_str(b, "},\"UpdateExpression\":\"SET v = :n");
	set_keys(b, op);
	buf_fmt(b, "\",\"ReturnValuesOnConditionCheckFailure\":\"ALL_OLD\","
	        "\"ConditionExpression\":\"%s\",\"ExpressionAttributeValues\":{\":n\":{\"N\":\"%" PRIu64 "\"}",
	        op->expect == 0 ? "attribute_not_exists(v)" : "v = :o", op->value);
	if (op->expect != 0)
		buf_fmt(b, ",\":o\":{\"N\":\"%" PRIu64 "\"}", op->expect);
	put_g(b, op, ":g");
	buf_str(b, "}");
}

static void append(struct buf *b, const struct work_op *op, uint64_t dice)
{
	buf_str(b, "\"Key\":{");
	key(b, op);
	buf_str(b, "},\"UpdateExpression\":\"SET l = list_append(if_not_exists(l, :e), :v)");
	set_keys(b, op);
	buf_fmt(b, "\",\"ExpressionAttributeValues\":{\":e\":{\"L\":[]},\":v\":{\"L\":[{\"N\":\"%" PRIu64 "\"}]}", op->value);
	put_g(b, op, ":g");
	buf_fmt(b, "}%s", dice % LIST_BACK_EVERY == 0 ? ",\"ReturnValues\":\"UPDATED_NEW\"" : "");
}

static void list_key(struct buf *b, uint32_t list, const char *table, unsigned tables)
{
	buf_fmt(b, "{\"TableName\":\"%s%s\",\"Key\":{\"pk\":{\"S\":\"l%" PRIu32 "\"},\"sk\":{\"S\":\"0\"}}", table,
	        list % tables > 0 ? "2" : "", list);
}

static const char *transaction(const struct work_op *op, const char *table, unsigned tables, struct buf *b)
{
	bool read = op->kind == WORK_TX_LIST;

	buf_str(b, "{\"TransactItems\":[");
	for (unsigned i = 0; i < op->lists; i++) {
		buf_fmt(b, "%s{\"%s\":", i > 0 ? "," : "", read ? "Get" : "Update");
		list_key(b, op->list[i], table, tables);
		if (!read)
			buf_fmt(b, ",\"UpdateExpression\":\"SET l = list_append(if_not_exists(l, :e), :v)\","
			        "\"ExpressionAttributeValues\":{\":e\":{\"L\":[]},\":v\":{\"L\":[{\"N\":\"%" PRIu64 "\"}]}}", op->value);
		buf_str(b, "}}");
	}
	if (op->checks) {
		buf_str(b, ",{\"ConditionCheck\":");
		list_key(b, op->item, table, tables);
		if (op->expect == 0)
			buf_str(b, ",\"ConditionExpression\":\"attribute_not_exists(l)\"}}");
		else
			buf_fmt(b, ",\"ConditionExpression\":\"size(l) = :n\",\"ExpressionAttributeValues\":{\":n\":{\"N\":\"%"
			        PRIu64 "\"}}}}", op->expect);
	}
	buf_str(b, "]}");
	return read ? "TransactGetItems" : "TransactWriteItems";
}

const char *work_json_ask(const struct work_op *op, const char *table, unsigned tables, uint64_t dice, struct buf *b)
{
	buf_clear(b);
	if (op->tx > 0)
		return transaction(op, table, tables, b);
	buf_fmt(b, "{\"TableName\":\"%s%s\",", table, is_list(op) && op->item % tables > 0 ? "2" : "");
	switch (op->kind) {
	case WORK_PUT:
		buf_str(b, "\"Item\":{");
		key(b, op);
		buf_fmt(b, ",\"v\":{\"N\":\"%" PRIu64 "\"}", op->value);
		if (has_w(op))
			buf_fmt(b, ",\"w\":{\"N\":\"%" PRIu64 "\"}", op->value);
		put_g(b, op, "g");
		pad(b, dice);
		buf_str(b, "}}");
		return "PutItem";
	case WORK_CAS:
		cas(b, op);
		buf_str(b, "}");
		return "UpdateItem";
	case WORK_APPEND:
		append(b, op, dice);
		buf_str(b, "}");
		return "UpdateItem";
	case WORK_LOCAL:
		buf_str(b, "\"IndexName\":\"byv\",");
		/* fall through */
	case WORK_QUERY:
		buf_fmt(b, "\"ConsistentRead\":true,\"KeyConditionExpression\":\"pk = :p\",\"ExpressionAttributeValues\":"
		        "{\":p\":{\"S\":\"r%" PRIu32 "\"}}}", op->item);
		return "Query";
	case WORK_SCAN:
		buf_fmt(b, "\"ConsistentRead\":true,\"Limit\":%d,\"ExclusiveStartKey\":{", SCAN_LIMIT);
		key(b, op);
		buf_str(b, "}}");
		return "Scan";
	default:
		buf_str(b, "\"Key\":{");
		key(b, op);
		buf_fmt(b, "},\"ConsistentRead\":%s}", op->kind == WORK_GET || op->kind == WORK_LIST ? "true" : "false");
		return "GetItem";
	}
}

/* --- reading */

/* r->str as a number; false if it is none. */
static bool number(struct bytes s, uint64_t *out)
{
	uint64_t v = 0;

	if (s.n == 0 || s.n > 19)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
		v = v * 10 + (uint64_t)(s.p[i] - '0');
	}
	*out = v;
	return true;
}

/* {"N": "12"} or {"S": "12"}; r->token is its beginning. */
static bool scalar(struct json_read *r, struct bytes *out)
{
	bool ok = r->token == JSON_OBJECT && json_read_next(r) == JSON_KEY && json_read_next(r) == JSON_STRING;

	*out = ok ? r->str : BYTES_NONE;
	return ok && json_read_next(r) == JSON_OBJECT_END;
}

static bool list(struct json_read *r, struct work_answer *a, struct work_row *row)
{
	row->from = a->elements_n;
	if (r->token != JSON_OBJECT || json_read_next(r) != JSON_KEY || json_read_next(r) != JSON_ARRAY)
		return false;
	while (json_read_next(r) == JSON_OBJECT) {
		struct bytes s;

		if (a->elements_n == WORK_ELEMENTS_MAX || !scalar(r, &s) || !number(s, &a->elements[a->elements_n++]))
			return false;
		row->n++;
	}
	return r->token == JSON_ARRAY_END && json_read_next(r) == JSON_OBJECT_END;
}

static bool partition_key(struct bytes s, struct work_row *row)
{
	uint64_t item;

	if (s.n < 2 || !number((struct bytes){ s.p + 1, s.n - 1 }, &item))
		return false;
	row->list = s.p[0] == 'l';
	row->item = (uint32_t)item;
	return row->list || s.p[0] == 'r';
}

/* The attributes of an item; r->token is the object. */
static bool item(struct json_read *r, struct work_answer *a)
{
	struct work_row *row = &a->rows[a->rows_n];
	bool ok = a->rows_n < WORK_ROWS_MAX && r->token == JSON_OBJECT;
	uint64_t n = 0;

	if (!ok)
		return false;
	*row = (struct work_row){ 0 };
	a->rows_n++;
	while (ok && json_read_next(r) == JSON_KEY) {
		struct bytes name = r->str, s;

		json_read_next(r);
		if (bytes_is(name, "l")) {
			ok = list(r, a, row);
			a->has_list = true;
		} else if (bytes_is(name, "pk")) {
			ok = scalar(r, &s) && partition_key(s, row);
		} else if (bytes_is(name, "sk")) {
			ok = scalar(r, &s) && number(s, &n);
			row->row = (uint32_t)n;
		} else if (bytes_is(name, "v")) {
			ok = scalar(r, &s) && number(s, &row->value);
		} else {
			ok = json_read_skip(r);
		}
	}
	return ok && r->token == JSON_OBJECT_END;
}

static bool items(struct json_read *r, struct work_answer *a)
{
	if (r->token != JSON_ARRAY)
		return false;
	while (json_read_next(r) == JSON_OBJECT)
		if (!item(r, a))
			return false;
	return r->token == JSON_ARRAY_END;
}

/* [{"Item": {...}}, {}], as they were asked for */
static bool responses(struct json_read *r, struct work_answer *a)
{
	if (r->token != JSON_ARRAY)
		return false;
	while (json_read_next(r) == JSON_OBJECT) {
		if (json_read_next(r) == JSON_KEY) {
			if (!bytes_is(r->str, "Item") || json_read_next(r) != JSON_OBJECT || !item(r, a) ||
			    json_read_next(r) != JSON_OBJECT_END)
				return false;
		} else if (a->rows_n == WORK_ROWS_MAX || r->token != JSON_OBJECT_END) {
			return false;
		} else {
			a->rows[a->rows_n++] = (struct work_row){ .missing = true };
		}
	}
	return r->token == JSON_ARRAY_END;
}

bool work_json_read(struct json_read *r, struct bytes body, struct work_answer *a)
{
	bool ok = true;

	a->type[0] = '\0';
	a->rows_n = a->elements_n = 0;
	a->more = a->has_list = false;
	json_read_reset(r, body);
	if (json_read_next(r) != JSON_OBJECT)
		return false;
	while (ok && json_read_next(r) == JSON_KEY) {
		struct bytes name = r->str;

		json_read_next(r);
		if (bytes_is(name, "Item") || bytes_is(name, "Attributes")) {
			ok = item(r, a);
		} else if (bytes_is(name, "Items")) {
			ok = items(r, a);
		} else if (bytes_is(name, "Responses")) {
			ok = responses(r, a);
		} else if (bytes_is(name, "__type") && r->token == JSON_STRING) {
			const uint8_t *hash = memrchr(r->str.p, '#', r->str.n);
			size_t skip = hash != NULL ? (size_t)(hash + 1 - r->str.p) : 0;

			snprintf(a->type, sizeof a->type, "%.*s", (int)(r->str.n - skip), (const char *)r->str.p + skip);
		} else {
			a->more |= bytes_is(name, "LastEvaluatedKey");
			ok = json_read_skip(r);
		}
	}
	return json_read_finish(r) && ok;
}
