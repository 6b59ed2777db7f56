#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "legacy.h"
#include "mem.h"

#define WHERE_MAX 512
#define TOO_MANY DJSON_PREFIX "Too many attributes or values in the older parameters: use expressions"

struct reading {
	struct api_req *q;
	struct legacy *l;
	struct json_read *r;
	struct djson_error *e;
	enum legacy_map map;
	char where[64];                          /* "queryFilter" */
	struct legacy_entry entry;               /* the current one; added once it is read */
	bool op_bad, action_bad;                 /* reported */
};

void legacy_free(struct legacy *l)
{
	if (l == NULL)
		return;
	for (size_t i = 0; i < LEGACY_MAPS; i++)
		free(l->map[i].entry);
	free(l->value);
	buf_fini(&l->bytes);
	buf_fini(&l->invalid);
	free(l);
}

static void invalid(struct reading *x, const char *message)
{
	if (x->l->invalid.n == 0)
		buf_str(&x->l->invalid, message);
}

/* --- values ------------------------------------------------------------------------------------------------------- */

static enum djson_result read_value(struct reading *x)
{
	struct legacy *l = x->l;
	enum djson_result result = djson_value(x->r, &x->q->value, x->e);
	struct bytes v;

	if (result == DJSON_VALIDATION) {
		invalid(x, x->e->message);
		return DJSON_OK;
	}
	if (result != DJSON_OK)
		return result;
	v = item_build_view(&x->q->value);
	if (l->values_n == LEGACY_VALUES_MAX || l->bytes.n + l->names_bytes + v.n > LEGACY_BYTES_MAX) {
		invalid(x, TOO_MANY);
		return DJSON_OK;
	}
	if (l->values_n == l->values_cap) {
		l->values_cap = l->values_cap > 0 ? 2 * l->values_cap : 8;
		l->value = mem_resize(l->value, l->values_cap * sizeof *l->value);
	}
	l->value[l->values_n].at = l->bytes.n;
	l->value[l->values_n++].n = v.n;
	buf_bytes(&l->bytes, v);
	x->entry.n++;
	return DJSON_OK;
}

static enum djson_result read_list(struct reading *x)
{
	if (x->r->token != JSON_ARRAY)
		return djson_mismatch(x->e, x->r->token, JSON_ARRAY);
	x->entry.list_given = true;
	while (json_read_next(x->r) != JSON_ARRAY_END)
		if (read_value(x) != DJSON_OK)
			return x->e->result;
	return DJSON_OK;
}

/* --- names of operators and actions ------------------------------------------------------------------------------- */

const char *legacy_op_name(enum legacy_op op)
{
	static const char *const names[LEGACY_OPS] = {
		[LEGACY_EQ] = "EQ", [LEGACY_NE] = "NE", [LEGACY_LT] = "LT", [LEGACY_LE] = "LE", [LEGACY_GT] = "GT",
		[LEGACY_GE] = "GE", [LEGACY_BETWEEN] = "BETWEEN", [LEGACY_IN] = "IN", [LEGACY_NOT_NULL] = "NOT_NULL",
		[LEGACY_NULL] = "NULL", [LEGACY_CONTAINS] = "CONTAINS", [LEGACY_NOT_CONTAINS] = "NOT_CONTAINS",
		[LEGACY_BEGINS_WITH] = "BEGINS_WITH",
	};

	return names[op];
}

/* what "comparisonOperator": at "expected.NAME.member.comparisonOperator" */
static void constraint(struct reading *x, const char *what, struct bytes value, const char *rule)
{
	int shown = x->entry.name.n < WHERE_MAX / 2 ? (int)x->entry.name.n : WHERE_MAX / 2;
	char where[WHERE_MAX];

	snprintf(where, sizeof where, "%s.%.*s.member.%s", x->where, shown, (const char *)x->entry.name.p, what);
	api_constraint(x->q, where, value, rule);
}

static enum djson_result read_op(struct reading *x)
{
	struct bytes s = BYTES_NONE;
	bool given;

	if (api_read_string(x->r, &s, &given, x->e) != DJSON_OK)
		return x->e->result;
	for (enum legacy_op op = LEGACY_EQ; op < LEGACY_OPS; op++)
		if (bytes_is(s, legacy_op_name(op)))
			x->entry.op = op;
	x->op_bad = x->entry.op == LEGACY_NO_OP;
	if (x->op_bad)
		constraint(x, "comparisonOperator", s.p != NULL ? s : BYTES_LIT(""),
		           "Member must satisfy enum value set: [IN, NULL, BETWEEN, LT, NOT_CONTAINS, EQ, GT, "
		           "NOT_NULL, NE, LE, BEGINS_WITH, GE, CONTAINS]");
	return DJSON_OK;
}

static enum djson_result read_action(struct reading *x)
{
	static const char *const names[] = { [LEGACY_PUT] = "PUT", [LEGACY_ADD] = "ADD", [LEGACY_DELETE] = "DELETE" };
	struct bytes s = BYTES_NONE;
	bool given, known = false;

	if (api_read_string(x->r, &s, &given, x->e) != DJSON_OK)
		return x->e->result;
	for (enum legacy_action a = LEGACY_PUT; a <= LEGACY_DELETE; a++) {
		if (!bytes_is(s, names[a]))
			continue;
		x->entry.action = a;
		known = true;
	}
	if (!known)
		constraint(x, "action", s.p != NULL ? s : BYTES_LIT(""),
		           "Member must satisfy enum value set: [ADD, PUT, DELETE]");
	return DJSON_OK;
}

/* --- entries ------------------------------------------------------------------------------------------------------ */

static enum djson_result read_member(struct reading *x, struct bytes name)
{
	bool conditions = x->map != LEGACY_UPDATES;
	bool old = x->map == LEGACY_EXPECTED || x->map == LEGACY_UPDATES;

	if (x->r->token == JSON_NULL)
		return DJSON_OK;
	if (old && bytes_is(name, "Value")) {
		x->entry.value_given = true;
		return read_value(x);
	}
	if (conditions && bytes_is(name, "AttributeValueList"))
		return read_list(x);
	if (conditions && bytes_is(name, "ComparisonOperator"))
		return read_op(x);
	if (x->map == LEGACY_EXPECTED && bytes_is(name, "Exists"))
		return api_read_bool(x->r, &x->entry.exists, &x->entry.exists_given, x->e);
	if (x->map == LEGACY_UPDATES && bytes_is(name, "Action"))
		return read_action(x);
	return djson_skip(x->r, x->e);
}

static void add(struct reading *x)
{
	struct legacy_list *list = &x->l->map[x->map];

	x->l->names_bytes += x->entry.name.n;
	if (list->n == LEGACY_ENTRIES_MAX || x->l->bytes.n + x->l->names_bytes > LEGACY_BYTES_MAX) {
		invalid(x, TOO_MANY);
		return;
	}
	if (x->entry.name.n == 0)
		invalid(x, DJSON_PREFIX "An attribute name must not be empty");
	else if (x->entry.name.n > ITEM_NAME_MAX)
		invalid(x, DJSON_PREFIX "An attribute name is too long");
	if (list->n == list->cap) {
		list->cap = list->cap > 0 ? 2 * list->cap : 4;
		list->entry = mem_resize(list->entry, list->cap * sizeof *list->entry);
	}
	list->entry[list->n++] = x->entry;
}

/* One attribute of the map, its name just read.  null stands for nothing. */
static enum djson_result read_entry(struct reading *x)
{
	x->entry = (struct legacy_entry){ .name = x->r->str, .first = x->l->values_n };
	x->op_bad = false;
	json_read_next(x->r);
	if (x->r->token == JSON_NULL)
		return DJSON_OK;
	if (x->r->token != JSON_OBJECT)
		return djson_mismatch(x->e, x->r->token, JSON_OBJECT);
	while (json_read_next(x->r) == JSON_KEY) {
		struct bytes name = x->r->str;

		json_read_next(x->r);
		if (read_member(x, name) != DJSON_OK)
			return x->e->result;
	}
	if (x->r->token == JSON_ERROR)
		return djson_mismatch(x->e, JSON_ERROR, JSON_OBJECT);
	if (x->entry.op == LEGACY_NO_OP && !x->op_bad && (x->map == LEGACY_KEYS || x->map == LEGACY_FILTER))
		constraint(x, "comparisonOperator", BYTES_NONE, "Member must not be null");
	add(x);
	return DJSON_OK;
}

enum djson_result legacy_read(struct api_req *q, enum api_member m, struct json_read *r, struct djson_error *e)
{
	struct reading x = { .q = q, .r = r, .e = e };

	if (q->legacy == NULL)
		q->legacy = mem_new(sizeof *q->legacy);
	x.l = q->legacy;
	x.map = m == API_EXPECTED ? LEGACY_EXPECTED : m == API_ATTRIBUTE_UPDATES ? LEGACY_UPDATES :
	        m == API_KEY_CONDITIONS ? LEGACY_KEYS : LEGACY_FILTER;
	snprintf(x.where, sizeof x.where, "%s", api_member_name(m));
	x.where[0] = (char)(x.where[0] | 0x20);
	if (r->token != JSON_OBJECT)
		return djson_mismatch(e, r->token, JSON_KEY);
	while (json_read_next(r) == JSON_KEY)
		if (read_entry(&x) != DJSON_OK)
			return e->result;
	return r->token == JSON_ERROR ? djson_mismatch(e, JSON_ERROR, JSON_OBJECT) : DJSON_OK;
}
