#include "op_index.h"

/* --- keys --------------------------------------------------------------------------------------------------------- */

static bool is_hash(const struct op_table_pair *p)
{
	return bytes_is(p->b, "HASH");
}

static bool is_defined(const struct op_table_spec *s, struct bytes name)
{
	for (size_t i = 0; i < s->definitions; i++)
		if (bytes_eq(s->definition[i].a, name))
			return true;
	return false;
}

static void names(const struct op_table_pair *p, size_t n, const char *mark, struct buf *out)
{
	buf_str(out, mark);
	for (size_t i = 0; i < n; i++) {
		buf_str(out, i > 0 ? ", " : "");
		buf_bytes(out, p[i].a);
	}
	buf_str(out, "]");
}

static bool in(const struct op_table_pair *p, size_t n, struct bytes name)
{
	for (size_t i = 0; i < n; i++)
		if (bytes_eq(p[i].a, name))
			return true;
	return false;
}

void op_index_test_definitions(const struct op_table_spec *s, struct buf *err)
{
	if (s->definitions > OP_TABLE_DEFINITIONS_MAX)
		buf_str(err, DJSON_PREFIX "Number of attributes in AttributeDefinitions exceeds the limit");
	for (size_t i = 0; err->n == 0 && i < s->definitions; i++)
		if (in(s->definition, i, s->definition[i].a))
			buf_str(err, "Cannot have two attributes with the same name");
}

void op_index_test_defined(const struct op_table_pair *schema, size_t n, const struct op_table_spec *s, struct buf *err)
{
	for (size_t i = 0; i < n; i++) {
		if (is_defined(s, schema[i].a))
			continue;
		buf_str(err, DJSON_PREFIX "Some index key attributes are not defined in AttributeDefinitions. Keys: ");
		names(schema, n, "[", err);
		names(s->definition, s->definitions, ", AttributeDefinitions: [", err);
		return;
	}
}

/* At least one partition key, and all of them before the sort keys. */
static void test_order(const struct op_index_spec *x, struct buf *err)
{
	size_t n = op_index_spec_keys(x), hashes = 0;

	while (hashes < n && is_hash(&x->schema[hashes]))
		hashes++;
	if (hashes == 0)
		buf_str(err, "Invalid KeySchema: The first KeySchemaElement is not a HASH key type");
	for (size_t i = hashes; err->n == 0 && i < n; i++)
		if (is_hash(&x->schema[i]))
			buf_str(err, "Invalid KeySchema: HASH key types must come before RANGE key types");
	for (size_t i = 1; err->n == 0 && i < n; i++)
		if (in(x->schema, i, x->schema[i].a))
			buf_str(err, "Both the Hash Key and the Range Key element in the KeySchema have the same name");
	if (err->n > 0 || (hashes <= INDEX_KEY_PARTS_MAX && n - hashes <= INDEX_KEY_PARTS_MAX))
		return;
	buf_fmt(err, DJSON_PREFIX "Index KeySchema has more than %d %s keys for index: ", INDEX_KEY_PARTS_MAX,
		hashes > INDEX_KEY_PARTS_MAX ? "HASH" : "RANGE");
	buf_bytes(err, x->name);
}

static void test_local(const struct op_index_spec *x, const struct op_table_spec *s, struct buf *err)
{
	op_index_test_defined(x->schema, x->schemas, s, err);
	if (err->n == 0 && is_hash(&x->schema[0]) && x->schemas == 2 && is_hash(&x->schema[1]))
		buf_str(err, "Invalid KeySchema: The second KeySchemaElement is not a RANGE key type");
	if (err->n == 0)
		test_order(x, err);
	if (err->n > 0)
		return;
	if (x->schemas < 2) {
		buf_str(err, DJSON_PREFIX "Index KeySchema does not have a range key for index: ");
		buf_bytes(err, x->name);
	} else if (!bytes_eq(x->schema[0].a, s->schema[0].a)) {
		buf_str(err, DJSON_PREFIX "Index KeySchema does not have the same leading hash key as table KeySchema for index: ");
		buf_bytes(err, x->name);
		buf_str(err, ". index hash key: ");
		buf_bytes(err, x->schema[0].a);
		buf_str(err, ", table hash key: ");
		buf_bytes(err, s->schema[0].a);
	}
}

/* --- projections and throughput ----------------------------------------------------------------------------------- */

static void test_projection(const struct op_index_spec *x, struct buf *err)
{
	bool include = bytes_is(x->projection, "INCLUDE");

	if (x->projection.p == NULL) {
		buf_str(err, DJSON_PREFIX "Unknown ProjectionType: null");
	} else if (include != x->included_given) {
		buf_str(err, DJSON_PREFIX "ProjectionType is ");
		buf_bytes(err, x->projection);
		buf_str(err, include ? ", but NonKeyAttributes is not specified" : ", but NonKeyAttributes is specified");
	}
}

void op_index_test_included(size_t n, struct buf *err)
{
	if (n > INDEX_PROJECTED_MAX)
		buf_fmt(err, DJSON_PREFIX "NonKeyAttributes count exceeds the per-table limit of %d", INDEX_PROJECTED_MAX);
}

void op_index_test_global(const struct op_index_spec *x, const struct op_table_spec *s, struct buf *err)
{
	op_index_test_defined(x->schema, op_index_spec_keys(x), s, err);
	if (err->n == 0)
		test_order(x, err);
	if (err->n == 0)
		test_projection(x, err);
}

void op_index_test_throughput(const struct op_index_spec *x, bool on_demand, struct buf *err)
{
	if (on_demand && x->t.units_given) {
		buf_str(err, DJSON_PREFIX "ProvisionedThroughput should not be specified for index: ");
		buf_bytes(err, x->name);
		buf_str(err, " when BillingMode is PAY_PER_REQUEST");
	} else if (!on_demand && !x->t.units_given) {
		buf_str(err, DJSON_PREFIX "ProvisionedThroughput is not specified for index: ");
		buf_bytes(err, x->name);
	} else {
		op_table_units_test(&x->t, x->name, err);
	}
	if (err->n == 0)
		op_table_units_test_warm(&x->t, x->name, on_demand, err);
	if (err->n == 0)
		op_table_units_test_limits(&x->t, x->name, on_demand, false, err);
}

/* --- a new table -------------------------------------------------------------------------------------------------- */

static bool is_named(const struct op_index_list *list, size_t n, struct bytes name)
{
	for (size_t i = 0; i < n; i++)
		if (bytes_eq(list->v[i].name, name))
			return true;
	return false;
}

static void duplicate(struct buf *err, struct bytes name)
{
	buf_str(err, DJSON_PREFIX "Duplicate index name: ");
	buf_bytes(err, name);
}

static void test_locals(const struct op_table_spec *s, struct buf *err)
{
	if (s->local.n == 0)
		buf_str(err, DJSON_PREFIX "List of LocalSecondaryIndexes is empty");
	else if (s->schemas < 2)
		buf_str(err, DJSON_PREFIX "Table KeySchema does not have a range key, which is required when specifying a "
					  "LocalSecondaryIndex");
	for (size_t i = 0; err->n == 0 && i < s->local.kept; i++) {
		const struct op_index_spec *x = &s->local.v[i];

		test_local(x, s, err);
		if (err->n == 0)
			test_projection(x, err);
		if (err->n == 0 && is_named(&s->local, i, x->name))
			duplicate(err, x->name);
	}
	if (err->n == 0 && s->local.n > INDEX_LOCAL_MAX)
		buf_fmt(err, DJSON_PREFIX "Number of LocalSecondaryIndexes exceeds per-table limit of %d", INDEX_LOCAL_MAX);
}

static void test_globals(const struct op_table_spec *s, bool on_demand, struct buf *err)
{
	if (s->global.n == 0)
		buf_str(err, DJSON_PREFIX "List of GlobalSecondaryIndexes is empty");
	for (size_t i = 0; err->n == 0 && i < s->global.kept; i++) {
		const struct op_index_spec *x = &s->global.v[i];

		op_index_test_global(x, s, err);
		if (err->n == 0)
			op_index_test_throughput(x, on_demand, err);
		if (err->n == 0 && (is_named(&s->global, i, x->name) || is_named(&s->local, s->local.kept, x->name)))
			duplicate(err, x->name);
	}
	if (err->n == 0 && s->global.n > INDEX_GLOBAL_MAX)
		buf_fmt(err, DJSON_PREFIX "GlobalSecondaryIndex count exceeds the per-table limit of %d", INDEX_GLOBAL_MAX);
}

static void use(struct op_table_pair *used, size_t *n, const struct op_table_pair *schema, size_t schemas)
{
	for (size_t i = 0; i < schemas; i++)
		if (!in(used, *n, schema[i].a))
			used[(*n)++] = schema[i];
}

/* All keys are defined: so if there are as many of both, there is no definition too many. */
static void test_used(const struct op_table_spec *s, struct buf *err)
{
	struct op_table_pair used[OP_TABLE_DEFINITIONS_MAX];
	size_t n = 0;

	use(used, &n, s->schema, s->schemas);
	for (size_t i = 0; i < s->local.kept; i++)
		use(used, &n, s->local.v[i].schema, s->local.v[i].schemas);
	for (size_t i = 0; i < s->global.kept; i++)
		use(used, &n, s->global.v[i].schema, s->global.v[i].schemas);
	if (n == s->definitions)
		return;
	if (s->local.v == NULL && s->global.v == NULL) {
		buf_str(err, DJSON_PREFIX "Number of attributes in KeySchema does not exactly match number of attributes defined in "
		                          "AttributeDefinitions");
		return;
	}
	buf_str(err, DJSON_PREFIX "Some AttributeDefinitions are not used. AttributeDefinitions: ");
	names(s->definition, s->definitions, "[", err);
	names(used, n, ", keys used: [", err);
}

void op_index_test(const struct op_table_spec *s, bool on_demand, struct buf *err)
{
	size_t included = 0;

	if (s->local.v != NULL)
		test_locals(s, err);
	if (err->n == 0 && s->global.v != NULL)
		test_globals(s, on_demand, err);
	for (size_t i = 0; i < s->local.kept; i++)
		included += s->local.v[i].nincluded;
	for (size_t i = 0; i < s->global.kept; i++)
		included += s->global.v[i].nincluded;
	if (err->n == 0)
		op_index_test_included(included, err);
	if (err->n == 0)
		test_used(s, err);
}

/* --- into a definition -------------------------------------------------------------------------------------------- */

void op_index_put_pairs(struct item_build *b, const char *name, const struct op_table_pair *p, size_t n, const char *first,
                        const char *second)
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

static void put_index(struct item_build *b, const struct op_index_spec *x)
{
	item_build_name(b, BYTES_LIT("IndexName")), item_build_s(b, x->name);
	op_index_put_pairs(b, "KeySchema", x->schema, x->schemas, "AttributeName", "KeyType");
	item_build_name(b, BYTES_LIT("Projection"));
	item_build_open(b, ITEM_M);
	item_build_name(b, BYTES_LIT("ProjectionType")), item_build_s(b, x->projection);
	if (x->included_given) {
		item_build_name(b, BYTES_LIT("NonKeyAttributes"));
		item_build_open(b, ITEM_L);
		for (size_t i = 0; i < x->nincluded; i++)
			item_build_s(b, x->included[i]);
		item_build_close(b);
	}
	item_build_close(b);
}

void op_index_put_global(struct item_build *b, const struct op_index_spec *x, bool on_demand, bool creating)
{
	struct op_table_settings t = op_table_units_new(&x->t, on_demand);

	item_build_open(b, ITEM_M);
	put_index(b, x);
	item_build_name(b, BYTES_LIT("IndexStatus")), item_build_s(b, bytes_str(creating ? "CREATING" : "ACTIVE"));
	if (creating)
		item_build_name(b, BYTES_LIT("Backfilling")), item_build_bool(b, false);
	op_table_settings_put_throughput(b, &t);
	if (x->t.warm_given)
		op_table_settings_put_warm(b, &t);
	if (t.max_read > 0 || t.max_write > 0)
		op_table_settings_put_limits(b, &t);
	item_build_close(b);
}

void op_index_put(struct item_build *b, const struct op_table_spec *s, bool on_demand)
{
	if (s->local.kept > 0) {
		item_build_name(b, BYTES_LIT("LocalSecondaryIndexes"));
		item_build_open(b, ITEM_L);
		for (size_t i = 0; i < s->local.kept; i++) {
			item_build_open(b, ITEM_M);
			put_index(b, &s->local.v[i]);
			item_build_close(b);
		}
		item_build_close(b);
	}
	if (s->global.kept > 0) {
		item_build_name(b, BYTES_LIT("GlobalSecondaryIndexes"));
		item_build_open(b, ITEM_L);
		for (size_t i = 0; i < s->global.kept; i++)
			op_index_put_global(b, &s->global.v[i], on_demand, false);
		item_build_close(b);
	}
}

/* --- out of a definition ------------------------------------------------------------------------------------------ */

bool op_index_names(struct bytes map, struct bytes attribute)
{
	struct value list, v, name;
	struct item_iter it;

	if (!item_get(map, BYTES_LIT("KeySchema"), &list) || list.tag != ITEM_L)
		return false;
	for (it = item_iter(list.body); item_next_value(&it, &v);)
		if (v.tag == ITEM_M && item_get(v.body, BYTES_LIT("AttributeName"), &name) && bytes_eq(name.body, attribute))
			return true;
	return false;
}

bool op_index_uses(struct bytes definition, struct bytes attribute)
{
	static const char *const lists[] = { "LocalSecondaryIndexes", "GlobalSecondaryIndexes" };
	struct value list, v;
	struct item_iter it;

	if (op_index_names(definition, attribute))
		return true;
	for (size_t i = 0; i < 2; i++)
		if (item_get(definition, bytes_str(lists[i]), &list) && list.tag == ITEM_L)
			for (it = item_iter(list.body); item_next_value(&it, &v);)
				if (v.tag == ITEM_M && op_index_names(v.body, attribute))
					return true;
	return false;
}

bool op_index_known(struct bytes index, const struct index_set *map)
{
	const struct index *x;
	struct value name;

	if (!item_get(index, BYTES_LIT("IndexName"), &name))
		return false;
	x = index_set_find(map, name.body);
	return x != NULL && x->status != INDEX_CREATING;
}

bool op_index_all_known(struct bytes definition, const struct index_set *map)
{
	struct value list, v;
	struct item_iter it;

	if (!item_get(definition, BYTES_LIT("GlobalSecondaryIndexes"), &list) || list.tag != ITEM_L)
		return true;
	for (it = item_iter(list.body); item_next_value(&it, &v);)
		if (!op_index_known(v.body, map))
			return false;
	return true;
}
