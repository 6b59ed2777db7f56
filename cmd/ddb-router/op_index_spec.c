/* Source: the service's model. */
#include "op_index_spec.h"

#include <stdio.h>
#include <stdlib.h>

#include "mem.h"
#include "table.h"

#define PREFIX_MAX 80                            /* "globalSecondaryIndexUpdates.1.member.create" */

size_t op_index_spec_keys(const struct op_index_spec *x)
{
	return x->schemas < OP_INDEX_SCHEMA_MAX ? x->schemas : OP_INDEX_SCHEMA_MAX;
}

size_t op_index_spec_included(const struct op_index_spec *x)
{
	return x->nincluded < OP_INDEX_INCLUDED_MAX ? x->nincluded : OP_INDEX_INCLUDED_MAX;
}

void op_index_spec_free(struct op_index_list *list)
{
	free(list->v);
	*list = (struct op_index_list){ .v = NULL };
}

/* --- reading ------------------------------------------------------------------------------------------------------ */

static enum djson_result read_schema(struct json_read *r, void *to, struct djson_error *e)
{
	struct op_index_spec *x = to;

	x->schema_given = true;
	return op_table_model_read_pairs(r, "AttributeName", "KeyType", x->schema, OP_INDEX_SCHEMA_MAX, &x->schemas, e);
}

static enum djson_result read_included(struct json_read *r, void *to, struct djson_error *e)
{
	struct op_index_spec *x = to;

	x->included_given = true;
	return op_table_model_read_strings(r, x->included, OP_INDEX_INCLUDED_MAX, &x->nincluded, e);
}

static enum djson_result read_projection(struct json_read *r, void *to, struct djson_error *e)
{
	struct op_index_spec *x = to;
	struct op_table_field f[] = { OP_TABLE_FIELD("ProjectionType", JSON_STRING),
				      OP_TABLE_FIELD_OF("NonKeyAttributes", read_included, x) };
	enum djson_result result = op_table_model_read(r, f, 2, e);

	x->projection_given = true;
	x->projection = f[0].s;
	return result;
}

/* One index, or what is to be done with one. */
static enum djson_result read_one(struct json_read *r, void *to, struct djson_error *e)
{
	struct op_index_spec *x = to;
	struct op_table_field f[] = {
		OP_TABLE_FIELD("IndexName", JSON_STRING), OP_TABLE_FIELD_OF("KeySchema", read_schema, x),
		OP_TABLE_FIELD_OF("Projection", read_projection, x),
		OP_TABLE_FIELD_OF("ProvisionedThroughput", op_table_model_read_units, &x->t),
		OP_TABLE_FIELD_OF("OnDemandThroughput", op_table_model_read_limits, &x->t),
		OP_TABLE_FIELD_OF("WarmThroughput", op_table_model_read_warm, &x->t),
	};
	enum djson_result result = op_table_model_read(r, f, sizeof f / sizeof f[0], e);

	x->name = f[0].s;
	return result;
}

/* Of an element that asks for two things one is kept: it is refused. */
static enum djson_result read_update(struct json_read *r, void *to, struct djson_error *e)
{
	struct op_index_spec *x = to;
	struct op_table_field f[] = { OP_TABLE_FIELD_OF("Update", read_one, x), OP_TABLE_FIELD_OF("Create", read_one, x),
				      OP_TABLE_FIELD_OF("Delete", read_one, x) };
	enum djson_result result = op_table_model_read(r, f, 3, e);

	for (size_t i = 0; i < 3; i++)
		x->actions |= f[i].given ? 1u << i : 0;
	return result;
}

static enum djson_result read_list(struct json_read *r, struct op_index_list *list, size_t max,
                                   enum djson_result (*each)(struct json_read *r, void *to, struct djson_error *e), struct djson_error *e)
{
	struct op_index_spec beyond;

	op_index_spec_free(list);
	if (r->token != JSON_ARRAY)
		return djson_mismatch(e, r->token, JSON_ARRAY);
	list->v = mem_new(max * sizeof *list->v);
	for (; json_read_next(r) != JSON_ARRAY_END; list->n++) {
		struct op_index_spec *x = list->n < max ? &list->v[list->n] : &beyond;

		*x = (struct op_index_spec){ .actions = 0 };
		if (each(r, x, e) != DJSON_OK)
			return e->result;
		list->kept += list->n < max;
	}
	return DJSON_OK;
}

enum djson_result op_index_spec_read(struct json_read *r, struct op_index_list *list, size_t max, struct djson_error *e)
{
	return read_list(r, list, max, read_one, e);
}

enum djson_result op_index_spec_read_updates(struct json_read *r, struct op_index_list *list, struct djson_error *e)
{
	return read_list(r, list, OP_INDEX_UPDATES_MAX, read_update, e);
}

/* --- constraints -------------------------------------------------------------------------------------------------- */

static void test_index_name(struct api_req *q, const char *where, struct bytes name)
{
	char path[OP_TABLE_WHERE_MAX];

	snprintf(path, sizeof path, "%s.indexName", where);
	if (name.p == NULL)
		api_constraint(q, path, name, "Member must not be null");
	else if (!table_name_like(name))
		api_constraint(q, path, name, "Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+");
	if (name.p != NULL && name.n < 3)
		api_constraint(q, path, name, "Member must have length greater than or equal to 3");
	else if (name.n > INDEX_NAME_MAX)
		api_constraint(q, path, name, "Member must have length less than or equal to 255");
}

/* Names of attributes as the service prints a list. */
static void test_included_length(struct api_req *q, const char *path, const struct op_index_spec *x)
{
	struct buf list = { 0 };

	buf_str(&list, "[");
	for (size_t i = 0; i < op_index_spec_included(x); i++) {
		buf_str(&list, i > 0 ? ", " : "");
		buf_bytes(&list, x->included[i]);
	}
	buf_str(&list, "]");
	if (x->nincluded == 0)
		api_constraint(q, path, buf_view(&list), "Member must have length greater than or equal to 1");
	else if (x->nincluded > OP_INDEX_INCLUDED_MAX)
		api_constraint(q, path, buf_view(&list), "Member must have length less than or equal to 20");
	buf_fini(&list);
}

static void test_projection(struct api_req *q, const char *where, const struct op_index_spec *x)
{
	static const char *const types[] = { "ALL", "INCLUDE", "KEYS_ONLY", NULL };
	char path[OP_TABLE_WHERE_MAX];

	snprintf(path, sizeof path, "%s.projection", where);
	if (!x->projection_given)
		api_constraint(q, path, BYTES_NONE, "Member must not be null");
	snprintf(path, sizeof path, "%s.projection.projectionType", where);
	if (x->projection.p != NULL)
		op_table_model_test_word(q, path, x->projection, types, "Member must satisfy enum value set: [ALL, INCLUDE, KEYS_ONLY]");
	snprintf(path, sizeof path, "%s.projection.nonKeyAttributes", where);
	if (x->included_given)
		test_included_length(q, path, x);
	for (size_t i = 0; i < op_index_spec_included(x); i++) {
		snprintf(path, sizeof path, "%s.projection.nonKeyAttributes.%zu.member", where, i + 1);
		op_table_model_test_name(q, path, x->included[i]);
	}
}

static void test_whole(struct api_req *q, const char *where, const struct op_index_spec *x, size_t keys)
{
	char path[OP_TABLE_WHERE_MAX];

	test_index_name(q, where, x->name);
	snprintf(path, sizeof path, "%s.keySchema", where);
	if (x->schema_given)
		op_table_model_test_schema(q, path, x->schema, x->schemas, OP_INDEX_SCHEMA_MAX, keys);
	else
		api_constraint(q, path, BYTES_NONE, "Member must not be null");
	test_projection(q, where, x);
}

static void test_units(struct api_req *q, const char *where, const struct op_index_spec *x)
{
	char path[OP_TABLE_WHERE_MAX];

	snprintf(path, sizeof path, "%s.provisionedThroughput", where);
	op_table_model_test_units(q, path, &x->t);
}

void op_index_spec_test(struct api_req *q, const char *where, const struct op_index_list *list, size_t keys)
{
	char path[PREFIX_MAX];

	for (size_t i = 0; i < list->kept; i++) {
		snprintf(path, sizeof path, "%s.%zu.member", where, i + 1);
		test_whole(q, path, &list->v[i], keys);
		test_units(q, path, &list->v[i]);
	}
}

void op_index_spec_test_updates(struct api_req *q, const struct op_index_list *list)
{
	static const char *const names[] = { "update", "create", "delete" };
	char path[PREFIX_MAX];

	for (size_t i = 0; i < list->kept; i++)
		for (unsigned a = 0; a < 3; a++) {
			const struct op_index_spec *x = &list->v[i];

			if ((x->actions & 1u << a) == 0)
				continue;
			snprintf(path, sizeof path, "globalSecondaryIndexUpdates.%zu.member.%s", i + 1, names[a]);
			if (1u << a == OP_INDEX_CREATE)
				test_whole(q, path, x, OP_INDEX_SCHEMA_MAX);
			else
				test_index_name(q, path, x->name);
			if (1u << a != OP_INDEX_DELETE)
				test_units(q, path, x);
		}
}
