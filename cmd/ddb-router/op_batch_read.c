#include "op_batch_read.h"

#include <stdarg.h>
#include <stdio.h>

#include "mem.h"
#include "table.h"

#define WHERE_MAX 512
#define SHOWN(t) (int)((t)->given.n < TABLE_NAME_MAX ? (t)->given.n : TABLE_NAME_MAX), (const char *)(t)->given.p

struct reading {
	struct op_batch *b;
	struct op_batch_table *t;                /* the current one */
	struct json_read *r;
	struct djson_error *e;
};

static bool writes(const struct op_batch *b)
{
	return b->q->op->run == op_batch_write;
}

/* A constraint at "requestItems.TABLE.member" and what follows; value NULL: null. */
static void __attribute__((format(printf, 4, 5)))
constraint(const struct reading *x, const char *value, const char *what, const char *fmt, ...)
{
	char where[WHERE_MAX], rest[WHERE_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(rest, sizeof rest, fmt, ap);
	va_end(ap);
	snprintf(where, sizeof where, "requestItems.%.*s.member%.128s", SHOWN(x->t), rest);
	api_constraint(x->b->q, where, value != NULL ? bytes_str(value) : BYTES_NONE, what);
}

/* --- rows --------------------------------------------------------------------------------------------------------- */

/* An attribute map: the row's Item or Key. */
static enum djson_result read_row(struct reading *x, bool put)
{
	struct op_batch *b = x->b;
	enum djson_result result;
	struct op_batch_row *row;
	struct bytes item;

	result = djson_item(x->r, &b->q->item, x->e);
	if (result == DJSON_SYNTAX || result == DJSON_SERIALIZATION)
		return result;
	if (result == DJSON_VALIDATION) {
		api_invalid(b->q, "%s", x->e->message);
		return DJSON_OK;
	}
	if (b->nrows == (writes(b) ? OP_BATCH_WRITE_MAX : OP_BATCH_GET_MAX)) {
		b->too_many = true;
		return DJSON_OK;
	}
	item = item_build_view(&b->q->item);
	if (put && item_size(item) > ITEM_BYTES_MAX)
		api_invalid(b->q, "Item size has exceeded the maximum allowed size");
	row = &b->row[b->nrows++];
	*row = (struct op_batch_row){ .batch = b, .table = x->t, .put = put, .item_at = b->items.n, .item_n = item.n };
	buf_bytes(&b->items, item);
	return DJSON_OK;
}

/* --- BatchGetItem ------------------------------------------------------------------------------------------------- */

static enum djson_result read_keys(struct reading *x)
{
	if (x->r->token != JSON_ARRAY)
		return djson_mismatch(x->e, x->r->token, JSON_ARRAY);
	for (; djson_more(x->r); x->t->rows++)
		if (read_row(x, false) != DJSON_OK)
			return x->e->result;
	return djson_ended(x->r, x->e);
}

static enum djson_result read_attributes(struct reading *x)
{
	bool too_many = false;

	if (x->r->token != JSON_ARRAY)
		return djson_mismatch(x->e, x->r->token, JSON_ARRAY);
	while (djson_more(x->r)) {
		struct bytes name = BYTES_NONE;
		bool given;

		if (api_read_string(x->r, &name, &given, x->e) != DJSON_OK)
			return x->e->result;
		if (x->t->attributes_n == API_NAMES_MAX) {
			too_many = true;
			continue;
		}
		x->t->attributes = mem_resize(x->t->attributes, (x->t->attributes_n + 1) * sizeof *x->t->attributes);
		x->t->attributes[x->t->attributes_n++] = name;
	}
	if (too_many)
		constraint(x, "[...]", "Member must have length less than or equal to 255", ".attributesToGet");
	else if (x->t->attributes_n == 0)
		constraint(x, "[]", "Member must have length greater than or equal to 1", ".attributesToGet");
	api_names_check(x->b->q, x->t->attributes, x->t->attributes_n);
	return djson_ended(x->r, x->e);
}

static enum djson_result read_get_member(struct reading *x, struct bytes name)
{
	if (x->r->token == JSON_NULL)
		return DJSON_OK;
	if (bytes_is(name, "Keys"))
		return read_keys(x);
	if (bytes_is(name, "ConsistentRead"))
		return api_read_bool(x->r, &x->t->consistent, &x->t->consistent_given, x->e);
	if (bytes_is(name, "ProjectionExpression"))
		return api_read_string(x->r, &x->t->projection, &x->t->projection_given, x->e);
	if (bytes_is(name, "ExpressionAttributeNames")) {
		x->t->names_given = true;
		return api_read_names(x->b->q, x->r, &x->t->names, x->e);
	}
	if (bytes_is(name, "AttributesToGet"))
		return read_attributes(x);
	return djson_skip(x->r, x->e);
}

static enum djson_result read_get(struct reading *x)
{
	bool keys = false;

	if (x->r->token != JSON_OBJECT)
		return djson_mismatch(x->e, x->r->token, JSON_OBJECT);
	while (djson_more(x->r)) {
		struct bytes name = x->r->str;

		json_read_next(x->r);
		keys |= bytes_is(name, "Keys") && x->r->token == JSON_ARRAY;
		if (read_get_member(x, name) != DJSON_OK)
			return x->e->result;
	}
	if (!keys)
		constraint(x, NULL, "Member must not be null", ".keys");
	else if (x->t->rows == 0)
		constraint(x, "[]", "Member must have length greater than or equal to 1", ".keys");
	else if (x->t->rows > OP_BATCH_GET_MAX)
		api_invalid(x->b->q, "1 validation error detected: Value at 'RequestItems.%.*s.member.Keys' failed to "
		            "satisfy constraint: Member must have length less than or equal to %d", SHOWN(x->t),
		            OP_BATCH_GET_MAX);
	return djson_ended(x->r, x->e);
}

/* --- BatchWriteItem ----------------------------------------------------------------------------------------------- */

/* { "Item": {..} } or { "Key": {..} } */
static enum djson_result read_half(struct reading *x, bool put)
{
	bool given = false;

	if (x->r->token != JSON_OBJECT)
		return djson_mismatch(x->e, x->r->token, JSON_OBJECT);
	while (djson_more(x->r)) {
		bool wanted = bytes_is(x->r->str, put ? "Item" : "Key");

		json_read_next(x->r);
		if (wanted && x->r->token != JSON_NULL) {
			given = true;
			if (read_row(x, put) != DJSON_OK)
				return x->e->result;
		} else if (djson_skip(x->r, x->e) != DJSON_OK) {
			return x->e->result;
		}
	}
	if (!given && x->r->token != JSON_ERROR)
		constraint(x, NULL, "Member must not be null", ".%u.member.%s", x->t->rows + 1,
		           put ? "putRequest.item" : "deleteRequest.key");
	return djson_ended(x->r, x->e);
}

static enum djson_result read_write(struct reading *x)
{
	unsigned halves = 0;

	if (x->r->token != JSON_OBJECT)
		return djson_mismatch(x->e, x->r->token, JSON_OBJECT);
	while (djson_more(x->r)) {
		bool put = bytes_is(x->r->str, "PutRequest"), delete = bytes_is(x->r->str, "DeleteRequest");

		json_read_next(x->r);
		if ((put || delete) && x->r->token != JSON_NULL) {
			halves++;
			if (read_half(x, put) != DJSON_OK)
				return x->e->result;
		} else if (djson_skip(x->r, x->e) != DJSON_OK) {
			return x->e->result;
		}
	}
	if (halves != 1 && x->r->token != JSON_ERROR)
		api_invalid(x->b->q, "Supplied WriteRequest must contain exactly one of PutRequest and DeleteRequest");
	return djson_ended(x->r, x->e);
}

static enum djson_result read_writes(struct reading *x)
{
	if (x->r->token != JSON_ARRAY)
		return djson_mismatch(x->e, x->r->token, JSON_ARRAY);
	for (; djson_more(x->r); x->t->rows++)
		if (read_write(x) != DJSON_OK)
			return x->e->result;
	if (x->t->rows > OP_BATCH_WRITE_MAX || (x->t->rows == 0 && x->r->token != JSON_ERROR)) {
		char shown[WHERE_MAX];

		snprintf(shown, sizeof shown, "{%.*s=[%s]}", SHOWN(x->t), x->t->rows > 0 ? "..." : "");
		api_constraint(x->b->q, "requestItems", bytes_str(shown),
		               "Map value must satisfy constraint: [Member must have length less than or equal to 25, "
		               "Member must have length greater than or equal to 1]");
	}
	return djson_ended(x->r, x->e);
}

/* --- tables ------------------------------------------------------------------------------------------------------- */

static void check_name(struct op_batch *b, const struct op_batch_table *t)
{
	if (!api_arn_ok(b->q, t->given))
		return;
	if (!table_name_like(t->name) || t->name.n > TABLE_NAME_MAX)
		api_constraint(b->q, "requestItems", t->given.p != NULL ? t->given : BYTES_LIT(""),
		               "Map keys must satisfy constraint: [Member must have length less than or equal to 255, "
		               "Member must have length greater than or equal to 1, "
		               "Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+]");
	for (const struct op_batch_table *other = b->table; other < t; other++)
		if (bytes_eq(other->name, t->name))
			api_invalid(b->q, DJSON_PREFIX "A table is named twice, by its name and by its ARN");
}

/* One table of the object, its name just read. */
static enum djson_result read_table(struct reading *x)
{
	struct op_batch *b = x->b;
	struct bytes name = x->r->str;

	json_read_next(x->r);
	if (b->ntables == OP_BATCH_TABLES_MAX) {
		b->too_many = true;
		return djson_skip(x->r, x->e);
	}
	x->t = &b->table[b->ntables++];
	*x->t = (struct op_batch_table){ .batch = b, .given = name, .name = api_table_name(name) };
	check_name(b, x->t);
	if (x->r->token != JSON_NULL)
		return writes(b) ? read_writes(x) : read_get(x);
	constraint(x, NULL, "Member must not be null", "%s", "");
	return DJSON_OK;
}

enum djson_result op_batch_read_tables(struct op_batch *b, struct json_read *r, struct djson_error *e)
{
	struct reading x = { .b = b, .r = r, .e = e };
	bool any = false;

	if (r->token != JSON_OBJECT)
		return djson_mismatch(e, r->token, JSON_KEY);
	for (; djson_more(x.r); any = true)
		if (read_table(&x) != DJSON_OK)
			return e->result;
	if (!any && r->token != JSON_ERROR)
		api_invalid(b->q, "The requestItems parameter is required for %s", b->q->op->name);
	if (b->too_many)
		api_invalid(b->q, "Too many items requested for the %s call", b->q->op->name);
	return djson_ended(x.r, x.e);
}
