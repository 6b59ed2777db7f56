#include "op_index_change.h"

struct change {
	const struct op_table_spec *s;
	struct bytes old;
	bool on_demand, was_on_demand;
	uint64_t now_ms;
	struct item_build *b;
	struct buf *err;
};

/* --- by itself ---------------------------------------------------------------------------------------------------- */

static void say(struct buf *err, const char *text, struct bytes name)
{
	buf_str(err, text);
	buf_bytes(err, name);
}

bool op_index_change_creates(const struct op_table_spec *s)
{
	for (size_t i = 0; i < s->updates.kept; i++)
		if (s->updates.v[i].actions == OP_INDEX_CREATE)
			return true;
	return false;
}

static bool is_one(unsigned actions)
{
	return actions != 0 && (actions & (actions - 1)) == 0;
}

void op_index_change_test(const struct op_table_spec *s, struct buf *err)
{
	const struct op_index_list *list = &s->updates;

	if (op_index_change_creates(s))
		op_index_test_definitions(s, err);
	for (size_t i = 0; err->n == 0 && i < list->kept; i++) {
		const struct op_index_spec *x = &list->v[i];

		if (x->actions == 0)
			buf_str(err, DJSON_PREFIX "One of GlobalSecondaryIndexUpdate.Update, GlobalSecondaryIndexUpdate.Create, "
					          "GlobalSecondaryIndexUpdate.Delete must not be null");
		else if (!is_one(x->actions))
			buf_str(err, DJSON_PREFIX "Only one of GlobalSecondaryIndexUpdate.Update, GlobalSecondaryIndexUpdate.Create, "
					          "GlobalSecondaryIndexUpdate.Delete can be specified");
		for (size_t j = 0; err->n == 0 && j < i; j++)
			if (bytes_eq(list->v[j].name, x->name))
				say(err, DJSON_PREFIX "Only one global secondary index update per index is allowed simultaneously. Index: ",
				    x->name);
		if (err->n == 0 && x->actions == OP_INDEX_CREATE)
			op_index_test_global(x, s, err);
		if (err->n == 0 && x->actions == OP_INDEX_UPDATE && !x->t.units_given && !x->t.limits_given && !x->t.warm_given)
			say(err, DJSON_PREFIX "At least one of ProvisionedThroughput, OnDemandThroughput or WarmThroughput is required for "
					      "index: ", x->name);
	}
	if (err->n == 0 && list->n > list->kept)
		buf_fmt(err, DJSON_PREFIX "GlobalSecondaryIndex count exceeds the per-table limit of %d", INDEX_GLOBAL_MAX);
}

/* --- at this moment ----------------------------------------------------------------------------------------------- */

static struct item_iter indexes(struct bytes definition, const char *list)
{
	struct value v;

	return item_iter(item_get(definition, bytes_str(list), &v) && v.tag == ITEM_L ? v.body : ITEM_EMPTY);
}

static bool has(struct bytes map, const char *name, const char *text)
{
	struct value v;

	return item_get(map, bytes_str(name), &v) && v.tag == ITEM_S && bytes_is(v.body, text);
}

static struct bytes name_of(struct bytes map)
{
	struct value v;

	return item_get(map, BYTES_LIT("IndexName"), &v) ? v.body : BYTES_NONE;
}

static const struct op_index_spec *update_of(const struct op_table_spec *s, struct bytes map)
{
	for (size_t i = 0; i < s->updates.kept; i++)
		if (bytes_eq(s->updates.v[i].name, name_of(map)))
			return &s->updates.v[i];
	return NULL;
}

/* Made or deleted in this request, but for the index `but`. */
static size_t online(const struct op_table_spec *s, struct bytes but)
{
	size_t n = 0;

	for (size_t i = 0; i < s->updates.kept; i++)
		n += s->updates.v[i].actions != OP_INDEX_UPDATE && !bytes_eq(s->updates.v[i].name, but);
	return n;
}

/* The table is only busy before an index is filled, and while one is taken away; what is being filled may be given up. */
enum result op_index_change_may(const struct op_table_spec *s, struct bytes table, struct bytes old, struct buf *err)
{
	struct item_iter it = indexes(old, "GlobalSecondaryIndexes");
	bool busy = false, filling = online(s, BYTES_NONE) > 1;
	struct value v, backfilling;

	while (item_next_value(&it, &v)) {
		bool creating = has(v.body, "IndexStatus", "CREATING");

		if (creating && item_get(v.body, BYTES_LIT("Backfilling"), &backfilling) && backfilling.tag == ITEM_TRUE)
			filling |= online(s, name_of(v.body)) > 0;
		else
			busy |= creating || has(v.body, "IndexStatus", "DELETING");
	}
	if (busy) {
		say(err, "Attempt to change a resource which is still in use: Table is being updated: ", table);
		return RESULT_IN_USE;
	}
	if (filling) {
		buf_str(err, "Subscriber limit exceeded: Only 1 online index can be created or deleted simultaneously per table");
		return RESULT_LIMIT;
	}
	return RESULT_OK;
}

/* --- against what is there ---------------------------------------------------------------------------------------- */

static bool is_there(const struct change *c, const char *list, struct bytes name)
{
	struct item_iter it = indexes(c->old, list);
	struct value v;

	while (item_next_value(&it, &v))
		if (bytes_eq(name_of(v.body), name))
			return true;
	return false;
}

static enum result refuse_missing(struct change *c)
{
	for (size_t i = 0; i < c->s->updates.kept; i++) {
		const struct op_index_spec *x = &c->s->updates.v[i];
		bool global = is_there(c, "GlobalSecondaryIndexes", x->name);

		if (x->actions != OP_INDEX_CREATE && !global)
			return RESULT_NO_TABLE;
		if (x->actions != OP_INDEX_CREATE || !(global || is_there(c, "LocalSecondaryIndexes", x->name)))
			continue;
		buf_str(c->err, "Attempting to create an index which already exists");
		return RESULT_INVALID;
	}
	return RESULT_OK;
}

static void count(const struct change *c, const char *list, size_t *n, size_t *included)
{
	struct item_iter it = indexes(c->old, list);
	struct value v, projection, names;

	for (; item_next_value(&it, &v); ++*n)
		if (item_get(v.body, BYTES_LIT("Projection"), &projection) &&
		    item_get(projection.body, BYTES_LIT("NonKeyAttributes"), &names))
			*included += item_count(names.body);
}

static void test_room(const struct change *c)
{
	size_t locals = 0, n = 0, included = 0;

	count(c, "LocalSecondaryIndexes", &locals, &included);
	count(c, "GlobalSecondaryIndexes", &n, &included);
	for (size_t i = 0; i < c->s->updates.kept; i++)
		if (c->s->updates.v[i].actions == OP_INDEX_CREATE) {
			included += c->s->updates.v[i].nincluded;
			n++;
		}
	if (n > INDEX_GLOBAL_MAX)
		buf_fmt(c->err, DJSON_PREFIX "GlobalSecondaryIndex count exceeds the per-table limit of %d", INDEX_GLOBAL_MAX);
	else
		op_index_test_included(included, c->err);
}

/* An on-demand table that is to be provisioned must be told of each index. */
static void test_units(const struct change *c)
{
	struct item_iter it = indexes(c->old, "GlobalSecondaryIndexes");
	struct value v;

	for (bool first = true; c->was_on_demand && !c->on_demand && item_next_value(&it, &v);) {
		const struct op_index_spec *x = update_of(c->s, v.body);

		if (x != NULL && (x->actions == OP_INDEX_DELETE || x->t.units_given))
			continue;
		say(c->err, first ? DJSON_PREFIX "ProvisionedThroughput must be specified for index: " : ",", name_of(v.body));
		first = false;
	}
	for (size_t i = 0; c->err->n == 0 && i < c->s->updates.kept; i++) {
		const struct op_index_spec *x = &c->s->updates.v[i];

		if (c->on_demand && x->t.units_given) {
			say(c->err, DJSON_PREFIX "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified for index: ", x->name);
			buf_str(c->err, " when BillingMode is PAY_PER_REQUEST");
		} else if (x->actions == OP_INDEX_CREATE) {
			op_index_test_throughput(x, c->on_demand, c->err);
		} else if (x->t.units_given && (x->t.read.v > OP_TABLE_UNITS_MAX || x->t.write.v > OP_TABLE_UNITS_MAX)) {
			buf_str(c->err, "This operation cannot be performed with given input values. Please contact DynamoDB service "
					"team for more info: Action Blocked: IndexUpdate");
		}
	}
}

/* --- attributes --------------------------------------------------------------------------------------------------- */

/* The type that the table's own keys and indexes give an attribute; false: they do not use it. */
static bool type_of(const struct change *c, struct bytes attribute, struct value *type)
{
	struct item_iter it = indexes(c->old, "AttributeDefinitions");
	struct value v, name;

	while (item_next_value(&it, &v))
		if (item_get(v.body, BYTES_LIT("AttributeName"), &name) && bytes_eq(name.body, attribute))
			return op_index_uses(c->old, attribute) && item_get(v.body, BYTES_LIT("AttributeType"), type);
	return false;
}

static bool creates_with(const struct op_table_spec *s, struct bytes attribute)
{
	for (size_t i = 0; i < s->updates.kept; i++)
		for (size_t k = 0; s->updates.v[i].actions == OP_INDEX_CREATE && k < s->updates.v[i].schemas; k++)
			if (bytes_eq(s->updates.v[i].schema[k].a, attribute))
				return true;
	return false;
}

/* The old ones that something uses, and those of the new index. */
static enum result put_attributes(struct change *c)
{
	struct item_iter it = indexes(c->old, "AttributeDefinitions");
	struct value v, name, type;

	item_build_name(c->b, BYTES_LIT("AttributeDefinitions"));
	item_build_open(c->b, ITEM_L);
	while (item_next_value(&it, &v))
		if (item_get(v.body, BYTES_LIT("AttributeName"), &name) && op_index_uses(c->old, name.body))
			item_build_raw(c->b, v.raw);
	for (size_t i = 0; i < c->s->definitions; i++) {
		const struct op_table_pair *p = &c->s->definition[i];

		if (!creates_with(c->s, p->a))
			continue;
		if (type_of(c, p->a, &type)) {
			if (bytes_eq(type.body, p->b))
				continue;
			buf_str(c->err, "Cannot have two attributes with the same name");
			return RESULT_INVALID;
		}
		item_build_open(c->b, ITEM_M);
		item_build_name(c->b, BYTES_LIT("AttributeName")), item_build_s(c->b, p->a);
		item_build_name(c->b, BYTES_LIT("AttributeType")), item_build_s(c->b, p->b);
		item_build_close(c->b);
	}
	item_build_close(c->b);
	return RESULT_OK;
}

/* --- indexes ------------------------------------------------------------------------------------------------------ */

static enum result set(struct change *c, const struct op_index_spec *x, struct op_table_settings *t)
{
	enum result r = RESULT_OK;

	if (c->on_demand && !c->was_on_demand)
		op_table_units_end(t);
	if (x == NULL || x->actions != OP_INDEX_UPDATE)
		return RESULT_OK;
	if (x->t.units_given)
		r = op_table_units_set(t, &x->t, x->name, c->now_ms, c->err);
	if (r == RESULT_OK && x->t.limits_given)
		r = op_table_units_limit(t, &x->t, x->name, c->on_demand, c->err);
	if (r == RESULT_OK && x->t.warm_given)
		r = op_table_units_warm(t, &x->t, x->name, c->err);
	return r;
}

static bool is_changed(struct bytes name)
{
	return bytes_is(name, "ProvisionedThroughput") || bytes_is(name, "WarmThroughput") || bytes_is(name, "OnDemandThroughput") ||
	       bytes_is(name, "IndexStatus");
}

static enum result put_old(struct change *c, struct bytes map)
{
	const struct op_index_spec *x = update_of(c->s, map);
	struct op_table_settings t = op_table_settings_of_index(c->old, map, c->now_ms);
	struct item_iter it = item_iter(map);
	struct bytes name;
	struct value v;
	enum result r = set(c, x, &t);

	if (r != RESULT_OK)
		return r;
	item_build_open(c->b, ITEM_M);
	while (item_next_pair(&it, &name, &v))
		if (!is_changed(name))
			item_build_name(c->b, name), item_build_raw(c->b, v.raw);
	item_build_name(c->b, BYTES_LIT("IndexStatus"));
	if (x != NULL && x->actions == OP_INDEX_DELETE)
		item_build_s(c->b, BYTES_LIT("DELETING"));
	else if (item_get(map, BYTES_LIT("IndexStatus"), &v))
		item_build_raw(c->b, v.raw);
	else
		item_build_s(c->b, BYTES_LIT("ACTIVE"));
	op_table_settings_put_throughput(c->b, &t);
	op_table_settings_put_warm(c->b, &t);
	if (t.max_read > 0 || t.max_write > 0)
		op_table_settings_put_limits(c->b, &t);
	item_build_close(c->b);
	return RESULT_OK;
}

static enum result put_indexes(struct change *c)
{
	struct item_iter it = indexes(c->old, "GlobalSecondaryIndexes");
	enum result r = RESULT_OK;
	struct value v;

	item_build_name(c->b, BYTES_LIT("GlobalSecondaryIndexes"));
	item_build_open(c->b, ITEM_L);
	while (r == RESULT_OK && item_next_value(&it, &v))
		r = put_old(c, v.body);
	for (size_t i = 0; i < c->s->updates.kept; i++)
		if (c->s->updates.v[i].actions == OP_INDEX_CREATE)
			op_index_put_global(c->b, &c->s->updates.v[i], c->on_demand, true);
	item_build_close(c->b);
	return r;
}

enum result op_index_change(const struct op_table_spec *s, struct bytes old, bool on_demand, uint64_t now_ms, struct item_build *b,
                            struct buf *err)
{
	struct change c = { .s = s, .old = old, .on_demand = on_demand, .was_on_demand = op_table_settings_of(old, now_ms).on_demand,
			    .now_ms = now_ms, .b = b, .err = err };
	struct item_iter it = indexes(old, "GlobalSecondaryIndexes");
	enum result r;

	if (s->updates.kept == 0 && (on_demand == c.was_on_demand || it.left == 0))
		return RESULT_OK;
	r = refuse_missing(&c);
	if (r == RESULT_OK)
		test_units(&c);
	if (err->n == 0 && r == RESULT_OK && op_index_change_creates(s))
		test_room(&c);
	if (r != RESULT_OK || err->n > 0)
		return r != RESULT_OK ? r : RESULT_INVALID;
	if (op_index_change_creates(s))
		r = put_attributes(&c);
	return r == RESULT_OK ? put_indexes(&c) : r;
}
