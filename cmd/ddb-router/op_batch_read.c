#include "op_batch_read.h"

#include <stdarg.h>
#include <stdio.h>

#include "mem.h"

#define WHERE_MAX 512

static bool writes(const struct op_batch *b)
{
	return b->q->op->run == op_batch_write;
}

/* The next element of an array, or member of an object: false at its end, or at a syntax error. */
static bool more(struct json_read *r)
{
	enum json_token token = json_read_next(r);

	return token != JSON_ERROR && token != JSON_ARRAY_END && token != JSON_OBJECT_END;
}

/* How a container ended. */
static enum djson_result ended(const struct json_read *r, struct djson_error *e)
{
	return r->token == JSON_ERROR ? djson_mismatch(e, JSON_ERROR, JSON_OBJECT) : DJSON_OK;
}

static enum djson_result skip(struct json_read *r, struct djson_error *e)
{
	return json_read_skip(r) ? DJSON_OK : djson_mismatch(e, JSON_ERROR, JSON_OBJECT);
}

/* A constraint at "requestItems.TABLE.member" and what follows; value NULL: null. */
static void __attribute__((format(printf, 5, 6)))
constraint(const struct op_batch *b, const struct op_batch_table *t, const char *value, const char *what, const char *fmt, ...)
{
	char where[WHERE_MAX], rest[WHERE_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(rest, sizeof rest, fmt, ap);
	va_end(ap);
	snprintf(where, sizeof where, "requestItems.%.*s.member%.128s", (int)(t->given.n < 255 ? t->given.n : 255),
	         (const char *)t->given.p, rest);
	api_constraint(b->q, where, value != NULL ? bytes_str(value) : BYTES_NONE, what);
}

/* --- rows --------------------------------------------------------------------------------------------------------- */

/* An attribute map: the row's Item or Key. */
static enum djson_result read_row(struct op_batch *b, struct op_batch_table *t, bool put, struct json_read *r, struct djson_error *e)
{
	struct item_build *build = &b->q->item;
	enum djson_result result;
	struct op_batch_row *row;
	struct bytes item;

	result = djson_item(r, build, e);
	if (result == DJSON_SYNTAX || result == DJSON_SERIALIZATION)
		return result;
	if (result == DJSON_VALIDATION) {
		api_invalid(b->q, "%s", e->message);
		return DJSON_OK;
	}
	if (b->nrows == (writes(b) ? OP_BATCH_WRITE_MAX : OP_BATCH_GET_MAX)) {
		b->too_many = true;
		return DJSON_OK;
	}
	item = item_build_view(build);
	if (put && item_size(item) > ITEM_BYTES_MAX)
		api_invalid(b->q, "Item size has exceeded the maximum allowed size");
	row = &b->row[b->nrows++];
	*row = (struct op_batch_row){ .batch = b, .table = t, .put = put, .item_at = b->items.n, .item_n = item.n };
	buf_bytes(&b->items, item);
	return DJSON_OK;
}

/* --- BatchGetItem ------------------------------------------------------------------------------------------------- */

static enum djson_result read_keys(struct op_batch *b, struct op_batch_table *t, struct json_read *r, struct djson_error *e)
{
	if (r->token != JSON_ARRAY)
		return djson_mismatch(e, r->token, JSON_ARRAY);
	for (; more(r); t->rows++)
		if (read_row(b, t, false, r, e) != DJSON_OK)
			return e->result;
	return ended(r, e);
}

static enum djson_result read_attributes(struct op_batch *b, struct op_batch_table *t, struct json_read *r, struct djson_error *e)
{
	if (r->token != JSON_ARRAY)
		return djson_mismatch(e, r->token, JSON_ARRAY);
	while (more(r)) {
		struct bytes name = BYTES_NONE;
		bool given;

		if (api_read_string(r, &name, &given, e) != DJSON_OK)
			return e->result;
		if (t->attributes_n == API_NAMES_MAX) {
			api_invalid(b->q, DJSON_PREFIX "Too many attributes to get");
			continue;
		}
		t->attributes = mem_resize(t->attributes, (t->attributes_n + 1) * sizeof *t->attributes);
		t->attributes[t->attributes_n++] = name;
	}
	if (t->attributes_n == 0)
		constraint(b, t, "[]", "Member must have length greater than or equal to 1", ".attributesToGet");
	return ended(r, e);
}

static enum djson_result read_get_member(struct op_batch *b, struct op_batch_table *t, struct bytes name, struct json_read *r,
                                         struct djson_error *e)
{
	if (r->token == JSON_NULL)
		return DJSON_OK;
	if (bytes_is(name, "Keys"))
		return read_keys(b, t, r, e);
	if (bytes_is(name, "ConsistentRead"))
		return api_read_bool(r, &t->consistent, &t->consistent_given, e);
	if (bytes_is(name, "ProjectionExpression"))
		return api_read_string(r, &t->projection, &t->projection_given, e);
	if (bytes_is(name, "ExpressionAttributeNames")) {
		t->names_given = true;
		return api_read_names(b->q, r, &t->names, e);
	}
	if (bytes_is(name, "AttributesToGet"))
		return read_attributes(b, t, r, e);
	return skip(r, e);
}

static enum djson_result read_get(struct op_batch *b, struct op_batch_table *t, struct json_read *r, struct djson_error *e)
{
	bool keys = false;

	if (r->token != JSON_OBJECT)
		return djson_mismatch(e, r->token, JSON_OBJECT);
	while (more(r)) {
		struct bytes name = r->str;

		json_read_next(r);
		keys |= bytes_is(name, "Keys") && r->token == JSON_ARRAY;
		if (read_get_member(b, t, name, r, e) != DJSON_OK)
			return e->result;
	}
	if (!keys)
		constraint(b, t, NULL, "Member must not be null", ".keys");
	else if (t->rows == 0)
		constraint(b, t, "[]", "Member must have length greater than or equal to 1", ".keys");
	else if (t->rows > OP_BATCH_GET_MAX)
		api_invalid(b->q, "1 validation error detected: Value at 'RequestItems.%.*s.member.Keys' failed to satisfy constraint: "
		                  "Member must have length less than or equal to %d", (int)(t->given.n < 255 ? t->given.n : 255),
		            (const char *)t->given.p, OP_BATCH_GET_MAX);
	return ended(r, e);
}

/* --- BatchWriteItem ----------------------------------------------------------------------------------------------- */

/* { "Item": {..} } or { "Key": {..} } */
static enum djson_result read_half(struct op_batch *b, struct op_batch_table *t, bool put, struct json_read *r, struct djson_error *e)
{
	bool given = false;

	if (r->token != JSON_OBJECT)
		return djson_mismatch(e, r->token, JSON_OBJECT);
	while (more(r)) {
		bool wanted = bytes_is(r->str, put ? "Item" : "Key");

		json_read_next(r);
		if (wanted && r->token != JSON_NULL) {
			given = true;
			if (read_row(b, t, put, r, e) != DJSON_OK)
				return e->result;
		} else if (skip(r, e) != DJSON_OK) {
			return e->result;
		}
	}
	if (!given && r->token != JSON_ERROR)
		constraint(b, t, NULL, "Member must not be null", ".%u.member.%s", t->rows + 1, put ? "putRequest.item" : "deleteRequest.key");
	return ended(r, e);
}

static enum djson_result read_write(struct op_batch *b, struct op_batch_table *t, struct json_read *r, struct djson_error *e)
{
	unsigned halves = 0;

	if (r->token != JSON_OBJECT)
		return djson_mismatch(e, r->token, JSON_OBJECT);
	while (more(r)) {
		bool put = bytes_is(r->str, "PutRequest"), delete = bytes_is(r->str, "DeleteRequest");

		json_read_next(r);
		if ((put || delete) && r->token != JSON_NULL) {
			halves++;
			if (read_half(b, t, put, r, e) != DJSON_OK)
				return e->result;
		} else if (skip(r, e) != DJSON_OK) {
			return e->result;
		}
	}
	if (halves != 1 && r->token != JSON_ERROR)
		api_invalid(b->q, "Supplied WriteRequest must contain exactly one of PutRequest and DeleteRequest");
	return ended(r, e);
}

static enum djson_result read_writes(struct op_batch *b, struct op_batch_table *t, struct json_read *r, struct djson_error *e)
{
	if (r->token != JSON_ARRAY)
		return djson_mismatch(e, r->token, JSON_ARRAY);
	for (; more(r); t->rows++)
		if (read_write(b, t, r, e) != DJSON_OK)
			return e->result;
	if (t->rows > OP_BATCH_WRITE_MAX || (t->rows == 0 && r->token != JSON_ERROR)) {
		char shown[WHERE_MAX];

		snprintf(shown, sizeof shown, "{%.*s=[%s]}", (int)(t->given.n < 255 ? t->given.n : 255), (const char *)t->given.p,
		         t->rows > 0 ? "..." : "");
		api_constraint(b->q, "requestItems", bytes_str(shown),
		               "Map value must satisfy constraint: [Member must have length less than or equal to 25, "
		               "Member must have length greater than or equal to 1]");
	}
	return ended(r, e);
}

/* --- tables ------------------------------------------------------------------------------------------------------- */

static void check_name(struct op_batch *b, const struct op_batch_table *t)
{
	bool ok = t->name.n >= 1 && t->name.n <= TABLE_NAME_MAX;

	for (size_t i = 0; ok && i < t->name.n; i++) {
		uint8_t c = t->name.p[i];

		ok = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.' || c == '-';
	}
	if (!ok)
		api_constraint(b->q, "requestItems", t->given.p != NULL ? t->given : BYTES_LIT(""),
		               "Map keys must satisfy constraint: [Member must have length less than or equal to 255, "
		               "Member must have length greater than or equal to 1, "
		               "Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+]");
	for (const struct op_batch_table *other = b->table; other < t; other++)
		if (bytes_eq(other->name, t->name))
			api_invalid(b->q, DJSON_PREFIX "A table is named twice, by its name and by its ARN");
}

enum djson_result op_batch_read_tables(struct op_batch *b, struct json_read *r, struct djson_error *e)
{
	bool any = false;

	if (r->token != JSON_OBJECT)
		return djson_mismatch(e, r->token, JSON_OBJECT);
	while (more(r)) {
		struct op_batch_table *t = &b->table[b->ntables];
		struct bytes name = r->str;

		any = true;
		json_read_next(r);
		if (b->ntables == OP_BATCH_TABLES_MAX) {
			b->too_many = true;
			if (skip(r, e) != DJSON_OK)
				return e->result;
			continue;
		}
		b->ntables++;
		*t = (struct op_batch_table){ .batch = b, .given = name, .name = api_table_name(name) };
		check_name(b, t);
		if (r->token == JSON_NULL)
			constraint(b, t, NULL, "Member must not be null", "%s", "");
		else if ((writes(b) ? read_writes : read_get)(b, t, r, e) != DJSON_OK)
			return e->result;
	}
	if (!any && r->token != JSON_ERROR)
		api_invalid(b->q, "The requestItems parameter is required for %s", b->q->op->name);
	if (b->too_many)
		api_invalid(b->q, "Too many items requested for the %s call", b->q->op->name);
	return ended(r, e);
}
