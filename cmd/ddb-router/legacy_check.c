/* One mistake is told, the first in the order of the request: a parameter is gone through attribute by attribute. */
#include <stdarg.h>
#include <stdio.h>

#include "expr_text.h"
#include "legacy.h"

/* Misuse of Expected's members is a failed constraint of the model in the service. */
#define DETECTED "1 validation error detected: " DJSON_PREFIX

#define TYPE(tag) (1u << ITEM_##tag)
#define SCALARS (TYPE(S) | TYPE(N) | TYPE(B))
#define ANY_TYPE UINT16_MAX

static const struct {
	size_t min, max;                         /* arguments */
	uint16_t types;
} rules[LEGACY_OPS] = {
	[LEGACY_EQ] = { 1, 1, ANY_TYPE },
	[LEGACY_NE] = { 1, 1, ANY_TYPE },
	[LEGACY_LT] = { 1, 1, SCALARS },
	[LEGACY_LE] = { 1, 1, SCALARS },
	[LEGACY_GT] = { 1, 1, SCALARS },
	[LEGACY_GE] = { 1, 1, SCALARS },
	[LEGACY_BETWEEN] = { 2, 2, SCALARS },
	[LEGACY_IN] = { 1, LEGACY_VALUES_MAX, SCALARS },
	[LEGACY_NOT_NULL] = { 0, 0, 0 },
	[LEGACY_NULL] = { 0, 0, 0 },
	[LEGACY_CONTAINS] = { 1, 1, SCALARS },   /* contains() takes more; scylladb/scylladb#6639 */
	[LEGACY_NOT_CONTAINS] = { 1, 1, SCALARS },
	[LEGACY_BEGINS_WITH] = { 1, 1, TYPE(S) | TYPE(B) },
};

struct value legacy_value(const struct legacy *l, const struct legacy_entry *e, size_t i)
{
	size_t at = e->first + i;

	return item_value((struct bytes){ l->bytes.p + l->value[at].at, l->value[at].n });
}

static bool fail(struct buf *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static bool fail(struct buf *err, const char *fmt, ...)
{
	char text[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	buf_str(err, text);
	return false;
}

/* --- conditions --------------------------------------------------------------------------------------------------- */

static uint8_t type_of(struct value v)
{
	return v.tag == ITEM_TRUE ? ITEM_FALSE : v.tag;
}

/* Number, types and order of the arguments. */
static bool arguments(const struct legacy *l, const struct legacy_entry *e, struct buf *err)
{
	const char *op = legacy_op_name(e->op);
	uint8_t type;
	bool ok;

	if (e->n < rules[e->op].min || e->n > rules[e->op].max)
		return fail(err, DJSON_PREFIX "Invalid number of argument(s) for the %s ComparisonOperator", op);
	if (e->n == 0)
		return true;
	type = type_of(legacy_value(l, e, 0));
	for (size_t i = 1; i < e->n; i++)
		if (type_of(legacy_value(l, e, i)) != type)
			return fail(err, DJSON_PREFIX "AttributeValues inside AttributeValueList must be of same type");
	if ((rules[e->op].types & (1u << type)) == 0)
		return fail(err, DJSON_PREFIX "ComparisonOperator %s is not valid for %s AttributeValue type", op,
		            item_type_name(type));
	if (e->op == LEGACY_BETWEEN && item_value_cmp(legacy_value(l, e, 0), legacy_value(l, e, 1), &ok) > 0)
		return fail(err, "The BETWEEN condition was provided a range where the lower bound is greater than the "
		                 "upper bound");
	return true;
}

static bool misused(const struct legacy_entry *e, const char *what, struct buf *err)
{
	fail(err, DETECTED "%s for Attribute: ", what);
	expr_text_quote(e->name, err);
	return false;
}

/* Value with a ComparisonOperator is its one argument: the guide forbids it, the service takes it. */
static bool expected(const struct legacy *l, const struct legacy_entry *e, struct buf *err)
{
	char what[128];

	if (e->value_given && e->list_given)
		return misused(e, "Value and AttributeValueList cannot be used together", err);
	if (e->op == LEGACY_NO_OP && e->list_given)
		return misused(e, "AttributeValueList can only be used with a ComparisonOperator", err);
	if (e->op != LEGACY_NO_OP && e->exists_given)
		return misused(e, "Exists and ComparisonOperator cannot be used together", err);
	if (e->op != LEGACY_NO_OP) {
		if (rules[e->op].max == 0 || e->value_given || e->list_given)
			return arguments(l, e, err);
		snprintf(what, sizeof what, "Value or AttributeValueList must be used with ComparisonOperator: %s",
		         legacy_op_name(e->op));
		return misused(e, what, err);
	}
	if (e->exists_given && !e->exists)
		return !e->value_given || misused(e, "Value cannot be used when Exists is false", err);
	if (e->value_given)
		return true;
	snprintf(what, sizeof what, "Value must be provided when Exists is %s", e->exists_given ? "true" : "null");
	return misused(e, what, err);
}

static bool operator(const struct legacy *l, bool op, struct buf *err)
{
	size_t n = l != NULL ? l->map[LEGACY_EXPECTED].n + l->map[LEGACY_FILTER].n : 0;

	if (!op || n > 1)
		return true;
	if (n == 0)
		return fail(err, "ConditionalOperator cannot be used without Filter or Expected");
	return fail(err, "ConditionalOperator can only be used when Filter or Expected has two or more elements");
}

/* --- updates ------------------------------------------------------------------------------------------------------ */

/* ADD takes lists, which the guide does not say: they are appended to. */
static bool action(const struct legacy *l, const struct legacy_entry *e, struct buf *err)
{
	uint8_t type;

	if (!e->value_given)
		return e->action == LEGACY_DELETE ||
		       fail(err, DJSON_PREFIX "Only DELETE action is allowed when no attribute value is specified");
	type = type_of(legacy_value(l, e, 0));
	if (type == ITEM_SS || type == ITEM_NS || type == ITEM_BS || e->action == LEGACY_PUT)
		return true;
	if (e->action == LEGACY_DELETE)
		return fail(err, DJSON_PREFIX "DELETE action with value is not supported for the type %s",
		            item_type_name(type));
	return type == ITEM_N || type == ITEM_L ||
	       fail(err, DJSON_PREFIX "ADD action is not supported for the type %s", item_type_name(type));
}

/* --- the whole ---------------------------------------------------------------------------------------------------- */

static bool each(const struct legacy *l, enum legacy_map map, struct buf *err,
                 bool (*check)(const struct legacy *, const struct legacy_entry *, struct buf *))
{
	for (size_t i = 0; i < l->map[map].n; i++)
		if (!check(l, &l->map[map].entry[i], err))
			return false;
	return true;
}

bool legacy_check(const struct legacy *l, bool op, struct buf *err)
{
	if (l != NULL && l->invalid.n > 0) {
		buf_bytes(err, buf_view(&l->invalid));
		return false;
	}
	if (l != NULL && !each(l, LEGACY_UPDATES, err, action))
		return false;
	if (!operator(l, op, err))
		return false;
	return l == NULL || (each(l, LEGACY_EXPECTED, err, expected) && each(l, LEGACY_FILTER, err, arguments) &&
	                     each(l, LEGACY_KEYS, err, arguments));
}
