/*
 * CreateTable: from the request to a definition for autoadmin, which knows what is there already.  Messages are in the
 * words of the service.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "op_table.h"

#define DEFINITIONS_MAX 100                      /* attributes: 2, and 5 * 1 + 20 * 8 of indexes, less what they share */
#define SCHEMA_MAX 8                             /* read; more than 2 are refused */
#define TAGS_MAX 50
#define UNITS_MAX 1000000000000

const uint8_t op_table_create_members[] = {
	API_ATTRIBUTE_DEFINITIONS | API_REQUIRED, API_TABLE_NAME, API_KEY_SCHEMA | API_REQUIRED, API_BILLING_MODE, API_PROVISIONED_THROUGHPUT,
	API_TABLE_CLASS, API_DELETION_PROTECTION, API_WARM_THROUGHPUT, API_LOCAL_INDEXES, API_GLOBAL_INDEXES, API_STREAM, API_SSE,
	API_TAGS, API_NO_MEMBER
};

struct pair {
	struct bytes a, b;                       /* attribute and type, attribute and kind of key, tag and value */
};

struct create {
	struct pair definition[DEFINITIONS_MAX], schema[SCHEMA_MAX], tag[TAGS_MAX];
	size_t definitions, schemas, tags;
	int64_t read, write, warm_read, warm_write;
	bool has_read, has_write;
	const char *unsupported;
};

/* --- reading ------------------------------------------------------------------------------------------------------ */

struct field {
	const char *name;
	enum json_token want;                    /* JSON_STRING, JSON_NUMBER, JSON_TRUE */
	bool given, b;
	struct bytes s;
	int64_t i;
};

static enum djson_result read_field(struct json_read *r, struct field *f, struct djson_error *e)
{
	switch (f->want) {
	case JSON_STRING:
		return api_read_string(r, &f->s, &f->given, e);
	case JSON_NUMBER:
		return api_read_int(r, &f->i, &f->given, e);
	default:
		return api_read_bool(r, &f->b, &f->given, e);
	}
}

static enum djson_result syntax(struct djson_error *e)
{
	*e = (struct djson_error){ .result = DJSON_SYNTAX };
	return DJSON_SYNTAX;
}

/* One structure; members it does not know are ignored. */
static enum djson_result read_struct(struct json_read *r, struct field *f, size_t n, struct djson_error *e)
{
	if (r->token != JSON_OBJECT)
		return djson_mismatch(e, r->token, JSON_OBJECT);
	while (json_read_next(r) == JSON_KEY) {
		struct field *to = NULL;

		for (size_t i = 0; i < n; i++)
			if (bytes_is(r->str, f[i].name))
				to = &f[i];
		json_read_next(r);
		if (to == NULL && !json_read_skip(r))
			return syntax(e);
		if (to != NULL && read_field(r, to, e) != DJSON_OK)
			return e->result;
	}
	return r->token == JSON_OBJECT_END ? DJSON_OK : syntax(e);
}

/* A list of structures of two strings.  Those beyond max are read and counted, not kept. */
static enum djson_result read_pairs(struct json_read *r, const char *a, const char *b, struct pair *out, size_t max, size_t *n,
                                    struct djson_error *e)
{
	if (r->token != JSON_ARRAY)
		return djson_mismatch(e, r->token, JSON_ARRAY);
	while (json_read_next(r) != JSON_ARRAY_END) {
		struct field f[] = { { a, JSON_STRING, false, false, BYTES_NONE, 0 }, { b, JSON_STRING, false, false, BYTES_NONE, 0 } };

		if (read_struct(r, f, 2, e) != DJSON_OK)
			return e->result;
		if (*n < max)
			out[*n] = (struct pair){ f[0].s, f[1].s };
		++*n;
	}
	return DJSON_OK;
}

static enum djson_result read_throughput(struct json_read *r, struct create *c, struct djson_error *e)
{
	struct field f[] = { { "ReadCapacityUnits", JSON_NUMBER, false, false, BYTES_NONE, 0 },
			     { "WriteCapacityUnits", JSON_NUMBER, false, false, BYTES_NONE, 0 } };
	enum djson_result result = read_struct(r, f, 2, e);

	c->has_read = f[0].given;
	c->has_write = f[1].given;
	c->read = f[0].i;
	c->write = f[1].i;
	return result;
}

static enum djson_result read_warm(struct json_read *r, struct create *c, struct djson_error *e)
{
	struct field f[] = { { "ReadUnitsPerSecond", JSON_NUMBER, false, false, BYTES_NONE, 0 },
			     { "WriteUnitsPerSecond", JSON_NUMBER, false, false, BYTES_NONE, 0 } };
	enum djson_result result = read_struct(r, f, 2, e);

	c->warm_read = f[0].i;
	c->warm_write = f[1].i;
	return result;
}

/* Something that this cluster does not have yet: an error if it is asked for, not if it is switched off. */
static enum djson_result read_switch(struct json_read *r, const char *name, struct create *c, const char *what, struct djson_error *e)
{
	struct field f = { name, JSON_TRUE, false, false, BYTES_NONE, 0 };
	enum djson_result result = read_struct(r, &f, 1, e);

	if (f.b)
		c->unsupported = what;
	return result;
}

static enum djson_result read_indexes(struct json_read *r, struct create *c, struct djson_error *e)
{
	if (r->token != JSON_ARRAY)
		return djson_mismatch(e, r->token, JSON_ARRAY);
	while (json_read_next(r) != JSON_ARRAY_END) {
		if (!json_read_skip(r))
			return syntax(e);
		c->unsupported = "Secondary indexes are not supported yet";
	}
	return DJSON_OK;
}

enum djson_result op_table_create_read(struct api_req *q, enum api_member m, struct json_read *r, struct djson_error *e)
{
	struct create *c = q->own;

	if (c == NULL) {
		c = q->own = mem_new(sizeof *c);
		q->own_free = free;
	}
	switch (m) {
	case API_ATTRIBUTE_DEFINITIONS:
		return read_pairs(r, "AttributeName", "AttributeType", c->definition, DEFINITIONS_MAX, &c->definitions, e);
	case API_KEY_SCHEMA:
		return read_pairs(r, "AttributeName", "KeyType", c->schema, SCHEMA_MAX, &c->schemas, e);
	case API_TAGS:
		return read_pairs(r, "Key", "Value", c->tag, TAGS_MAX, &c->tags, e);
	case API_PROVISIONED_THROUGHPUT:
		return read_throughput(r, c, e);
	case API_WARM_THROUGHPUT:
		return read_warm(r, c, e);
	case API_STREAM:
		return read_switch(r, "StreamEnabled", c, "Streams are not supported yet", e);
	case API_SSE:
		return read_switch(r, "Enabled", c, "Encryption with a key of your own is not supported yet", e);
	default:
		return read_indexes(r, c, e);
	}
}

/* --- constraints -------------------------------------------------------------------------------------------------- */

static void test_name(struct api_req *q, const char *list, size_t i, struct bytes name)
{
	char where[96];

	snprintf(where, sizeof where, "%s.%zu.member.attributeName", list, i + 1);
	if (name.p == NULL)
		api_constraint(q, where, name, "Member must not be null");
	else if (name.n == 0)
		api_constraint(q, where, name, "Member must have length greater than or equal to 1");
	else if (name.n > 255)
		api_constraint(q, where, name, "Member must have length less than or equal to 255");
}

static void test_word(struct api_req *q, const char *list, size_t i, const char *member, struct bytes v, const char *const *words,
                      const char *set)
{
	char where[96];

	snprintf(where, sizeof where, "%s.%zu.member.%s", list, i + 1, member);
	if (v.p == NULL) {
		api_constraint(q, where, v, "Member must not be null");
		return;
	}
	for (; *words != NULL; words++)
		if (bytes_is(v, *words))
			return;
	api_constraint(q, where, v, set);
}

/* As the service prints a list. */
static void print_schema(const struct create *c, struct buf *out)
{
	buf_str(out, "[");
	for (size_t i = 0; i < c->schemas && i < SCHEMA_MAX; i++) {
		buf_str(out, i > 0 ? ", KeySchemaElement(attributeName=" : "KeySchemaElement(attributeName=");
		buf_bytes(out, c->schema[i].a);
		buf_str(out, ", keyType=");
		buf_bytes(out, c->schema[i].b);
		buf_str(out, ")");
	}
	buf_str(out, "]");
}

static void test_units(struct api_req *q, const char *where, bool given, int64_t units)
{
	char text[32];

	snprintf(text, sizeof text, "%" PRId64, units);
	if (!given)
		api_constraint(q, where, BYTES_NONE, "Member must not be null");
	else if (units < 1)
		api_constraint(q, where, bytes_str(text), "Member must have value greater than or equal to 1");
}

static void test_members(struct api_req *q, const struct create *c)
{
	static const char *const types[] = { "B", "N", "S", NULL }, *const kinds[] = { "HASH", "RANGE", NULL };
	struct buf list = { 0 };

	if (q->m[API_PROVISIONED_THROUGHPUT].given) {
		test_units(q, "provisionedThroughput.writeCapacityUnits", c->has_write, c->write);
		test_units(q, "provisionedThroughput.readCapacityUnits", c->has_read, c->read);
	}
	for (size_t i = 0; i < c->definitions && i < DEFINITIONS_MAX; i++) {
		test_name(q, "attributeDefinitions", i, c->definition[i].a);
		test_word(q, "attributeDefinitions", i, "attributeType", c->definition[i].b, types,
		          "Member must satisfy enum value set: [B, N, S]");
	}
	print_schema(c, &list);
	if (c->schemas == 0)
		api_constraint(q, "keySchema", buf_view(&list), "Member must have length greater than or equal to 1");
	else if (c->schemas > 2)
		api_constraint(q, "keySchema", buf_view(&list), "Member must have length less than or equal to 2");
	buf_fini(&list);
	for (size_t i = 0; i < c->schemas && i < SCHEMA_MAX; i++) {
		test_name(q, "keySchema", i, c->schema[i].a);
		test_word(q, "keySchema", i, "keyType", c->schema[i].b, kinds, "Member must satisfy enum value set: [HASH, RANGE]");
	}
}

/* --- what belongs together ---------------------------------------------------------------------------------------- */

static const struct pair *definition_of(const struct create *c, struct bytes name)
{
	for (size_t i = 0; i < c->definitions; i++)
		if (bytes_eq(c->definition[i].a, name))
			return &c->definition[i];
	return NULL;
}

static void names(const struct pair *p, size_t n, const char *mark, struct buf *out)
{
	buf_str(out, mark);
	for (size_t i = 0; i < n; i++) {
		buf_str(out, i > 0 ? ", " : "");
		buf_bytes(out, p[i].a);
	}
	buf_str(out, "]");
}

/* The first mistake, appended; nothing if there is none. */
static void test_billing(const struct api_req *q, const struct create *c, struct buf *err)
{
	bool on_demand = api_is(q, API_BILLING_MODE, "PAY_PER_REQUEST"), units = q->m[API_PROVISIONED_THROUGHPUT].given;

	if (on_demand && units)
		buf_str(err, DJSON_PREFIX "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when "
		                          "BillingMode is PAY_PER_REQUEST");
	else if (!on_demand && !units)
		buf_str(err, q->m[API_BILLING_MODE].given ?
			DJSON_PREFIX "ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is PROVISIONED" :
			"No provisioned throughput specified for the table");
	else if (units && c->read > UNITS_MAX)
		buf_fmt(err, "Given value %" PRId64 " for ReadCapacityUnits is out of bounds", c->read);
	else if (units && c->write > UNITS_MAX)
		buf_fmt(err, "Given value %" PRId64 " for WriteCapacityUnits is out of bounds", c->write);
	else if (c->warm_read < 0 || c->warm_write < 0 || c->warm_read > UNITS_MAX || c->warm_write > UNITS_MAX)
		buf_str(err, DJSON_PREFIX "WarmThroughput is out of bounds");
}

static void test_keys(const struct create *c, struct buf *err)
{
	if (c->definitions > DEFINITIONS_MAX) {
		buf_str(err, DJSON_PREFIX "Number of attributes in AttributeDefinitions exceeds the limit");
		return;
	}
	for (size_t i = 0; i < c->definitions; i++) {
		if (definition_of(c, c->definition[i].a) == &c->definition[i])
			continue;
		buf_str(err, "Cannot have two attributes with the same name");
		return;
	}
	if (!bytes_is(c->schema[0].b, "HASH")) {
		buf_str(err, "Invalid KeySchema: The first KeySchemaElement is not a HASH key type");
	} else if (c->schemas == 2 && !bytes_is(c->schema[1].b, "RANGE")) {
		buf_str(err, "Invalid KeySchema: The second KeySchemaElement is not a RANGE key type");
	} else if (c->schemas == 2 && bytes_eq(c->schema[0].a, c->schema[1].a)) {
		buf_str(err, "Both the Hash Key and the Range Key element in the KeySchema have the same name");
	} else if (definition_of(c, c->schema[0].a) == NULL || (c->schemas == 2 && definition_of(c, c->schema[1].a) == NULL)) {
		buf_str(err, DJSON_PREFIX "Some index key attributes are not defined in AttributeDefinitions. Keys: ");
		names(c->schema, c->schemas, "[", err);
		names(c->definition, c->definitions, ", AttributeDefinitions: [", err);
	} else if (c->definitions != c->schemas) {
		buf_str(err, DJSON_PREFIX "Number of attributes in KeySchema does not exactly match number of attributes defined in "
		                          "AttributeDefinitions");
	}
}

/* --- the definition ----------------------------------------------------------------------------------------------- */

static void put_pairs(struct item_build *b, const char *name, const struct pair *p, size_t n, const char *first, const char *second)
{
	item_build_name(b, bytes_str(name));
	item_build_open(b, ITEM_L);
	for (size_t i = 0; i < n; i++) {
		item_build_open(b, ITEM_M);
		item_build_name(b, bytes_str(first)), item_build_s(b, p[i].a);
		item_build_name(b, bytes_str(second)), item_build_s(b, p[i].b);
		item_build_close(b);
	}
	item_build_close(b);
}

static void put_units(struct item_build *b, const char *name, const char *r, int64_t read, const char *w, int64_t write)
{
	item_build_name(b, bytes_str(name));
	item_build_open(b, ITEM_M);
	item_build_name(b, bytes_str(r)), item_build_u64(b, (uint64_t)read);
	item_build_name(b, bytes_str(w)), item_build_u64(b, (uint64_t)write);
	item_build_close(b);
}

static struct bytes build(struct api_req *q, const struct create *c)
{
	struct item_build *b = &q->item;
	bool on_demand = api_is(q, API_BILLING_MODE, "PAY_PER_REQUEST");

	item_build_reset(b);
	item_build_item(b);
	item_build_name(b, BYTES_LIT("TableName")), item_build_s(b, q->m[API_TABLE_NAME].s);
	put_pairs(b, "AttributeDefinitions", c->definition, c->definitions, "AttributeName", "AttributeType");
	put_pairs(b, "KeySchema", c->schema, c->schemas, "AttributeName", "KeyType");
	item_build_name(b, BYTES_LIT("BillingMode")), item_build_s(b, bytes_str(on_demand ? "PAY_PER_REQUEST" : "PROVISIONED"));
	put_units(b, "ProvisionedThroughput", "ReadCapacityUnits", c->read, "WriteCapacityUnits", c->write);
	if (c->warm_read > 0 || c->warm_write > 0)
		put_units(b, "WarmThroughput", "ReadUnitsPerSecond", c->warm_read, "WriteUnitsPerSecond", c->warm_write);
	if (api_true(q, API_DELETION_PROTECTION, false))
		item_build_name(b, BYTES_LIT("DeletionProtectionEnabled")), item_build_bool(b, true);
	if (q->m[API_TABLE_CLASS].given)
		item_build_name(b, BYTES_LIT("TableClass")), item_build_s(b, q->m[API_TABLE_CLASS].s);
	if (c->tags > 0)
		put_pairs(b, "Tags", c->tag, c->tags, "Key", "Value");
	item_build_close(b);
	return item_build_view(b);
}

static void created(struct api_req *q, enum result result, const struct msg_admin_done *m)
{
	struct json_write *w;

	if (!op_table_given(q, result, m))
		return;
	w = api_begin(q);
	json_write_name(w, "TableDescription");
	op_table_write(w, m->body, NULL);
	api_end(q);
}

void op_table_create(struct api_req *q)
{
	const struct create *c = q->own;                 /* there, as KeySchema is required */
	struct buf *err = &q->failed;

	test_members(q, c);
	if (!api_settled(q))
		return;
	test_billing(q, c, err);
	if (err->n == 0)
		test_keys(c, err);
	if (err->n == 0 && c->tags > TAGS_MAX)
		buf_str(err, DJSON_PREFIX "Too many tags");
	if (err->n > 0)
		api_fail(q, RESULT_INVALID, buf_view(err));
	else if (c->unsupported != NULL)
		api_refuse(q, RESULT_NOT_SUPPORTED, "%s", c->unsupported);
	else
		api_admin(q, "create", q->m[API_TABLE_NAME].s, build(q, c), 0, created);
}
