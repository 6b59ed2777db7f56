/* Source: the service's model, for names and constraints; their order is the service's. */
#include "op_table_model.h"

#include <inttypes.h>
#include <stdio.h>

/* --- reading ------------------------------------------------------------------------------------------------------ */

enum djson_result op_table_model_syntax(struct djson_error *e)
{
	*e = (struct djson_error){ .result = DJSON_SYNTAX };
	return DJSON_SYNTAX;
}

static enum djson_result read_field(struct json_read *r, struct op_table_field *f, struct djson_error *e)
{
	if (f->read != NULL) {
		f->given = r->token != JSON_NULL;
		return f->given ? f->read(r, f->to, e) : DJSON_OK;
	}
	switch (f->want) {
	case JSON_STRING:
		return api_read_string(r, &f->s, &f->given, e);
	case JSON_NUMBER:
		return api_read_int(r, &f->i, &f->given, e);
	default:
		return api_read_bool(r, &f->b, &f->given, e);
	}
}

enum djson_result op_table_model_read(struct json_read *r, struct op_table_field *f, size_t n, struct djson_error *e)
{
	if (r->token != JSON_OBJECT)
		return djson_mismatch(e, r->token, JSON_OBJECT);
	while (json_read_next(r) == JSON_KEY) {
		struct op_table_field *to = NULL;

		for (size_t i = 0; i < n; i++)
			if (bytes_is(r->str, f[i].name))
				to = &f[i];
		json_read_next(r);
		if (to == NULL && !json_read_skip(r))
			return op_table_model_syntax(e);
		if (to != NULL && read_field(r, to, e) != DJSON_OK)
			return e->result;
	}
	return r->token == JSON_OBJECT_END ? DJSON_OK : op_table_model_syntax(e);
}

enum djson_result op_table_model_read_pairs(struct json_read *r, const char *a, const char *b, struct op_table_pair *out, size_t max,
                                            size_t *n, struct djson_error *e)
{
	if (r->token != JSON_ARRAY)
		return djson_mismatch(e, r->token, JSON_ARRAY);
	for (*n = 0; json_read_next(r) != JSON_ARRAY_END; ++*n) {
		struct op_table_field f[] = { OP_TABLE_FIELD(a, JSON_STRING), OP_TABLE_FIELD(b, JSON_STRING) };

		if (op_table_model_read(r, f, 2, e) != DJSON_OK)
			return e->result;
		if (*n < max)
			out[*n] = (struct op_table_pair){ f[0].s, f[1].s };
	}
	return DJSON_OK;
}

enum djson_result op_table_model_read_strings(struct json_read *r, struct bytes *out, size_t max, size_t *n, struct djson_error *e)
{
	if (r->token != JSON_ARRAY)
		return djson_mismatch(e, r->token, JSON_ARRAY);
	for (*n = 0; json_read_next(r) != JSON_ARRAY_END; ++*n) {
		struct bytes s = BYTES_NONE;
		bool given;

		if (api_read_string(r, &s, &given, e) != DJSON_OK)
			return e->result;
		if (*n < max)
			out[*n] = s;
	}
	return DJSON_OK;
}

static enum djson_result read_numbers(struct json_read *r, const char *a, struct op_table_number *to_a, const char *b,
                                      struct op_table_number *to_b, struct djson_error *e)
{
	struct op_table_field f[] = { OP_TABLE_FIELD(a, JSON_NUMBER), OP_TABLE_FIELD(b, JSON_NUMBER) };
	enum djson_result result = op_table_model_read(r, f, 2, e);

	*to_a = (struct op_table_number){ f[0].given, f[0].i };
	*to_b = (struct op_table_number){ f[1].given, f[1].i };
	return result;
}

enum djson_result op_table_model_read_units(struct json_read *r, void *throughput, struct djson_error *e)
{
	struct op_table_throughput *t = throughput;

	t->units_given = true;
	return read_numbers(r, "ReadCapacityUnits", &t->read, "WriteCapacityUnits", &t->write, e);
}

enum djson_result op_table_model_read_limits(struct json_read *r, void *throughput, struct djson_error *e)
{
	struct op_table_throughput *t = throughput;

	t->limits_given = true;
	return read_numbers(r, "MaxReadRequestUnits", &t->max_read, "MaxWriteRequestUnits", &t->max_write, e);
}

enum djson_result op_table_model_read_warm(struct json_read *r, void *throughput, struct djson_error *e)
{
	struct op_table_throughput *t = throughput;

	t->warm_given = true;
	return read_numbers(r, "ReadUnitsPerSecond", &t->warm_read, "WriteUnitsPerSecond", &t->warm_write, e);
}

/* --- constraints -------------------------------------------------------------------------------------------------- */

void op_table_model_test_name(struct api_req *q, const char *where, struct bytes name)
{
	if (name.p == NULL)
		api_constraint(q, where, name, "Member must not be null");
	else if (name.n == 0)
		api_constraint(q, where, name, "Member must have length greater than or equal to 1");
	else if (name.n > 255)
		api_constraint(q, where, name, "Member must have length less than or equal to 255");
}

void op_table_model_test_word(struct api_req *q, const char *where, struct bytes v, const char *const *words, const char *set)
{
	for (; *words != NULL; words++)
		if (bytes_is(v, *words))
			return;
	api_constraint(q, where, v, v.p == NULL ? "Member must not be null" : set);
}

/* As the service prints a list. */
static void print_schema(const struct op_table_pair *schema, size_t n, struct buf *out)
{
	buf_str(out, "[");
	for (size_t i = 0; i < n; i++) {
		buf_str(out, i > 0 ? ", KeySchemaElement(attributeName=" : "KeySchemaElement(attributeName=");
		buf_bytes(out, schema[i].a);
		buf_str(out, ", keyType=");
		buf_bytes(out, schema[i].b);
		buf_str(out, ")");
	}
	buf_str(out, "]");
}

static void test_length(struct api_req *q, const char *where, const struct op_table_pair *schema, size_t kept, const char *what)
{
	struct buf list = { 0 };

	print_schema(schema, kept, &list);
	api_constraint(q, where, buf_view(&list), what);
	buf_fini(&list);
}

void op_table_model_test_schema(struct api_req *q, const char *where, const struct op_table_pair *schema, size_t n, size_t max,
                                size_t most)
{
	static const char *const kinds[] = { "HASH", "RANGE", NULL };
	size_t kept = n < max ? n : max;
	char path[OP_TABLE_WHERE_MAX], what[64];

	snprintf(what, sizeof what, "Member must have length less than or equal to %zu", most);
	if (n == 0)
		test_length(q, where, schema, 0, "Member must have length greater than or equal to 1");
	else if (n > most)
		test_length(q, where, schema, kept, what);
	for (size_t i = 0; i < kept; i++) {
		snprintf(path, sizeof path, "%s.%zu.member.attributeName", where, i + 1);
		op_table_model_test_name(q, path, schema[i].a);
		snprintf(path, sizeof path, "%s.%zu.member.keyType", where, i + 1);
		op_table_model_test_word(q, path, schema[i].b, kinds, "Member must satisfy enum value set: [HASH, RANGE]");
	}
}

static void test_one(struct api_req *q, const char *where, const char *name, struct op_table_number units)
{
	char path[OP_TABLE_WHERE_MAX], text[32];

	snprintf(path, sizeof path, "%s.%s", where, name);
	snprintf(text, sizeof text, "%" PRId64, units.v);
	if (!units.given)
		api_constraint(q, path, BYTES_NONE, "Member must not be null");
	else if (units.v < 1)
		api_constraint(q, path, bytes_str(text), "Member must have value greater than or equal to 1");
}

void op_table_model_test_units(struct api_req *q, const char *where, const struct op_table_throughput *t)
{
	if (!t->units_given)
		return;
	test_one(q, where, "writeCapacityUnits", t->write);
	test_one(q, where, "readCapacityUnits", t->read);
}
