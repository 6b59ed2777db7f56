/*
 * The service deserialises the whole request first, then tests the constraints of its model and reports
 * all that fail together, then looks at values; so here.
 */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "api.h"
#include "legacy.h"
#include "mem.h"
#include "table.h"

#define CONSTRAINTS_MAX 10                       /* the service stops there too */
#define VALUE_SHOWN_MAX 1024

static const struct {
	const char *name;
	size_t n;
	enum api_kind kind;
} members[] = {
	[API_NO_MEMBER] = { "", 0, API_KIND_OWN },
#define M(id, name, kind) [API_##id] = { name, sizeof name - 1, API_KIND_##kind },
	API_MEMBERS(M)
#undef M
};

const char *api_member_name(enum api_member m)
{
	return members[m].name;
}

static enum api_member find(struct bytes name)
{
	size_t lo = 1, hi = API_MEMBERS_N;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		int c = bytes_cmp((struct bytes){ (const uint8_t *)members[mid].name, members[mid].n }, name);

		if (c == 0)
			return (enum api_member)mid;
		if (c < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return API_NO_MEMBER;
}

static bool knows(const struct api_op *op, enum api_member m)
{
	for (const uint8_t *p = op->members; *p != API_NO_MEMBER; p++)
		if ((*p & ~API_REQUIRED) == (int)m)
			return true;
	return false;
}

static bool requires(const struct api_op *op, enum api_member m)
{
	return strchr((const char *)op->members, (int)m | API_REQUIRED) != NULL;
}

bool api_is(const struct api_req *q, enum api_member m, const char *value)
{
	return q->m[m].given && bytes_is(q->m[m].s, value);
}

bool api_true(const struct api_req *q, enum api_member m, bool otherwise)
{
	return q->m[m].given ? q->m[m].i != 0 : otherwise;
}

/* --- values ------------------------------------------------------------------------------------------------------- */

static enum djson_result syntax(struct djson_error *e)
{
	*e = (struct djson_error){ .result = DJSON_SYNTAX };
	return DJSON_SYNTAX;
}

enum djson_result api_read_string(struct json_read *r, struct bytes *out, bool *given, struct djson_error *e)
{
	*given = r->token == JSON_STRING;
	if (*given)
		*out = r->str;
	else if (r->token != JSON_NULL)
		return djson_mismatch(e, r->token, JSON_STRING);
	return DJSON_OK;
}

enum djson_result api_read_bool(struct json_read *r, bool *out, bool *given, struct djson_error *e)
{
	*given = r->token == JSON_TRUE || r->token == JSON_FALSE;
	if (*given)
		*out = r->token == JSON_TRUE;
	else if (r->token != JSON_NULL)
		return djson_mismatch(e, r->token, JSON_TRUE);
	return DJSON_OK;
}

/* Fractions are cut off, as the service does; what is too large for the type stays at its end. */
static int64_t integer(struct bytes digits)
{
	char text[64];
	size_t n = digits.n < sizeof text ? digits.n : sizeof text - 1;
	double v;

	memcpy(text, digits.p, n);
	text[n] = '\0';
	if (strpbrk(text, ".eE") == NULL)
		return strtoll(text, NULL, 10);
	v = strtod(text, NULL);
	return v >= 9.2e18 ? INT64_MAX : v <= -9.2e18 ? INT64_MIN : (int64_t)v;
}

enum djson_result api_read_int(struct json_read *r, int64_t *out, bool *given, struct djson_error *e)
{
	*given = r->token == JSON_NUMBER;
	if (*given)
		*out = integer(r->str);
	else if (r->token != JSON_NULL)
		return djson_mismatch(e, r->token, JSON_NUMBER);
	return DJSON_OK;
}

enum djson_result api_read_names(struct api_req *q, struct json_read *r, struct expr_subst *s, struct djson_error *e)
{
	if (r->token == JSON_NULL)
		return DJSON_OK;
	if (r->token != JSON_OBJECT)
		return djson_mismatch(e, r->token, JSON_KEY);
	while (json_read_next(r) == JSON_KEY) {
		struct bytes alias = r->str, name = BYTES_NONE;
		bool given;

		json_read_next(r);
		if (api_read_string(r, &name, &given, e) != DJSON_OK)
			return e->result;
		expr_subst_name(s, alias, name);
	}
	if (r->token == JSON_OBJECT_END && s->names_n == 0)
		api_invalid(q, "ExpressionAttributeNames must not be empty");
	return r->token == JSON_ERROR ? syntax(e) : DJSON_OK;
}

/* The buffer may move while it grows, so the views hold offsets until all values are there. */
enum djson_result api_read_values(struct api_req *q, struct json_read *r, struct expr_subst *s, struct buf *values,
                                  struct djson_error *e)
{
	struct item_build *b;

	if (r->token == JSON_NULL)
		return DJSON_OK;
	if (r->token != JSON_OBJECT)
		return djson_mismatch(e, r->token, JSON_KEY);
	b = &q->value;
	while (json_read_next(r) == JSON_KEY) {
		struct bytes alias = r->str, value = BYTES_NONE;

		json_read_next(r);
		switch (djson_value(r, b, e)) {
		case DJSON_SYNTAX:
		case DJSON_SERIALIZATION:
			return e->result;
		case DJSON_VALIDATION:
			api_invalid(q, "ExpressionAttributeValues contains invalid value: %s for key %.*s", e->message,
			            (int)(alias.n < VALUE_SHOWN_MAX ? alias.n : VALUE_SHOWN_MAX), (const char *)alias.p);
			break;
		case DJSON_OK:
			value = item_build_view(b);
			break;
		}
		expr_subst_value(s, alias, (struct bytes){ (const uint8_t *)(uintptr_t)values->n, value.n });
		buf_bytes(values, value);
	}
	for (size_t i = 0; i < s->values_n; i++)
		s->values[i].to.p = values->p + (uintptr_t)s->values[i].to.p;
	if (r->token == JSON_OBJECT_END && s->values_n == 0)
		api_invalid(q, "ExpressionAttributeValues must not be empty");
	return r->token == JSON_ERROR ? syntax(e) : DJSON_OK;
}

static int by_bytes(const void *x, const void *y)
{
	return bytes_cmp(*(const struct bytes *)x, *(const struct bytes *)y);
}

void api_names_check(struct api_req *q, const struct bytes *names, size_t n)
{
	struct bytes sorted[API_NAMES_MAX];

	if (n == 0)
		return;
	memcpy(sorted, names, n * sizeof *sorted);
	qsort(sorted, n, sizeof *sorted, by_bytes);
	for (size_t i = 0; i < n; i++) {
		struct bytes name = sorted[i];

		if (name.n == 0 || name.n > ITEM_NAME_MAX)
			api_invalid(q, DJSON_PREFIX "An attribute name %s",
			            name.n == 0 ? "must not be empty" : "is too long");
		else if (i > 0 && bytes_eq(name, sorted[i - 1]))
			api_invalid(q, DJSON_PREFIX "Duplicate value in attribute name: %.*s",
			            (int)(name.n < VALUE_SHOWN_MAX ? name.n : VALUE_SHOWN_MAX), (const char *)name.p);
	}
}

static enum djson_result read_strings(struct api_req *q, struct json_read *r, struct djson_error *e)
{
	bool too_many = false;

	if (r->token != JSON_ARRAY)
		return djson_mismatch(e, r->token, JSON_ARRAY);
	if (q->names == NULL)
		q->names = mem_new(API_NAMES_MAX * sizeof *q->names);
	while (json_read_next(r) != JSON_ARRAY_END) {
		struct bytes s = BYTES_NONE;
		bool given;

		if (api_read_string(r, &s, &given, e) != DJSON_OK)
			return e->result;
		if (q->names_n < API_NAMES_MAX)
			q->names[q->names_n++] = s;
		else
			too_many = true;
	}
	if (too_many)
		api_constraint(q, "attributesToGet", BYTES_LIT("[...]"),
		               "Member must have length less than or equal to 255");
	else if (q->names_n == 0)
		api_constraint(q, "attributesToGet", BYTES_LIT("[]"),
		               "Member must have length greater than or equal to 1");
	api_names_check(q, q->names, q->names_n);
	return DJSON_OK;
}

static enum djson_result read_item(struct api_req *q, struct json_read *r, struct bytes *out, struct djson_error *e)
{
	enum djson_result result = djson_item(r, &q->item, e);

	if (result == DJSON_VALIDATION)
		api_invalid(q, "%s", e->message);
	else if (result != DJSON_OK)
		return result;
	else
		*out = item_build_view(&q->item);
	return DJSON_OK;
}

static enum djson_result read_member(struct api_req *q, enum api_member m, struct json_read *r, struct djson_error *e)
{
	struct api_value *v = &q->m[m];
	bool b = false;
	enum djson_result result;

	if (r->token == JSON_NULL)
		return DJSON_OK;
	v->given = true;
	switch (members[m].kind) {
	case API_KIND_STRING:
		return api_read_string(r, &v->s, &v->given, e);
	case API_KIND_BOOL:
		result = api_read_bool(r, &b, &v->given, e);
		v->i = b;
		return result;
	case API_KIND_INT:
		return api_read_int(r, &v->i, &v->given, e);
	case API_KIND_ITEM:
		return read_item(q, r, &v->s, e);
	case API_KIND_NAMES:
		return api_read_names(q, r, &q->subst, e);
	case API_KIND_VALUES:
		return api_read_values(q, r, &q->subst, &q->values, e);
	case API_KIND_STRINGS:
		return read_strings(q, r, e);
	case API_KIND_OWN:
		return q->op->read(q, m, r, e);
	case API_KIND_LEGACY:
		return legacy_read(q, m, r, e);
	}
	return syntax(e);
}

/* --- constraints -------------------------------------------------------------------------------------------------- */

#define NAME_PATTERN "[a-zA-Z0-9_.-]+"

struct rule {
	enum api_member member;
	int64_t min, max;                        /* of a length or a value; max 0: none */
	bool name;                               /* matches NAME_PATTERN */
	const char *set;                         /* "[A, B]" */
};

static const struct rule rules[] = {
	{ API_BILLING_MODE, 0, 0, false, "[PROVISIONED, PAY_PER_REQUEST]" },
	{ API_CLIENT_REQUEST_TOKEN, 1, 36, false, NULL },
	{ API_CONDITIONAL_OPERATOR, 0, 0, false, "[OR, AND]" },
	{ API_EXCLUSIVE_START_TABLE_NAME, 3, 255, true, NULL },
	{ API_INDEX_NAME, 3, 255, true, NULL },
	{ API_LIMIT, 1, 0, false, NULL },
	{ API_RETURN_CONSUMED_CAPACITY, 0, 0, false, "[INDEXES, TOTAL, NONE]" },
	{ API_RETURN_COLLECTION_METRICS, 0, 0, false, "[SIZE, NONE]" },
	{ API_RETURN_VALUES, 0, 0, false, "[ALL_NEW, UPDATED_OLD, ALL_OLD, NONE, UPDATED_NEW]" },
	{ API_RETURN_VALUES_ON_FAILURE, 0, 0, false, "[ALL_OLD, NONE]" },
	{ API_SEGMENT, 0, 999999, false, NULL },
	{ API_SELECT, 0, 0, false, "[SPECIFIC_ATTRIBUTES, COUNT, ALL_ATTRIBUTES, ALL_PROJECTED_ATTRIBUTES]" },
	{ API_TABLE_CLASS, 0, 0, false, "[STANDARD, STANDARD_INFREQUENT_ACCESS]" },
	{ API_TOTAL_SEGMENTS, 1, 1000000, false, NULL },
};

void api_constraint(struct api_req *q, const char *where, struct bytes value, const char *what)
{
	if (q->constraints == CONSTRAINTS_MAX)
		return;
	buf_str(&q->failed, q->constraints++ > 0 ? "; Value " : "Value ");
	if (value.p == NULL)
		buf_str(&q->failed, "null");
	else
		buf_fmt(&q->failed, "'%.*s'", (int)(value.n < VALUE_SHOWN_MAX ? value.n : VALUE_SHOWN_MAX), (const char *)value.p);
	buf_fmt(&q->failed, " at '%s' failed to satisfy constraint: %s", where, what);
}

void api_invalid(struct api_req *q, const char *fmt, ...)
{
	char text[DJSON_MESSAGE_MAX + VALUE_SHOWN_MAX + 128];
	va_list ap;

	if (q->invalid.n > 0)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	buf_str(&q->invalid, text);
}

/* "TableName" is 'tableName' in these messages. */
static const char *where_of(enum api_member m, char out[64])
{
	snprintf(out, 64, "%s", members[m].name);
	out[0] = (char)(out[0] | 0x20);
	return out;
}

static bool in_set(const char *set, struct bytes v)
{
	const char *p = set + 1, *end;

	for (; *p != '\0'; p = end + strspn(end, ", ]")) {
		end = p + strcspn(p, ",]");
		if ((size_t)(end - p) == v.n && memcmp(p, v.p, v.n) == 0)
			return true;
	}
	return false;
}

static void test_range(struct api_req *q, const struct rule *rule, int64_t n, struct bytes shown, const char *what)
{
	char where[64], text[96];

	where_of(rule->member, where);
	if (n < rule->min) {
		snprintf(text, sizeof text, "Member must have %s greater than or equal to %lld", what, (long long)rule->min);
		api_constraint(q, where, shown, text);
	} else if (rule->max > 0 && n > rule->max) {
		snprintf(text, sizeof text, "Member must have %s less than or equal to %lld", what, (long long)rule->max);
		api_constraint(q, where, shown, text);
	}
}

static void test(struct api_req *q, const struct rule *rule)
{
	const struct api_value *v = &q->m[rule->member];
	char where[64], text[160];

	if (members[rule->member].kind == API_KIND_INT) {
		int n = snprintf(text, sizeof text, "%lld", (long long)v->i);

		test_range(q, rule, v->i, (struct bytes){ (uint8_t *)text, (size_t)n }, "value");
		return;
	}
	if (rule->set != NULL && !in_set(rule->set, v->s)) {
		snprintf(text, sizeof text, "Member must satisfy enum value set: %s", rule->set);
		api_constraint(q, where_of(rule->member, where), v->s, text);
	}
	if (rule->max > 0)
		test_range(q, rule, (int64_t)v->s.n, v->s.p != NULL ? v->s : BYTES_LIT(""), "length");
	if (rule->name && v->s.n > 0 && !table_name_like(v->s))
		api_constraint(q, where_of(rule->member, where), v->s,
		               "Member must satisfy regular expression pattern: " NAME_PATTERN);
}

bool api_arn_ok(struct api_req *q, struct bytes name)
{
	struct buf text = { 0 };
	enum result r = api_arn_table(name, q->op->name, q->r->region, &text);

	if (r != RESULT_OK && q->invalid_as == RESULT_OK) {
		q->invalid_as = r;
		q->constraints = 0;
		buf_clear(&q->failed);
		buf_clear(&q->invalid);
		buf_bytes(&q->invalid, buf_view(&text));
	}
	buf_fini(&text);
	return r == RESULT_OK;
}

/* An empty or bad table name is reported alone.  The control plane, where it is not marked as required, has words of its own. */
static bool table_name_bad(struct api_req *q)
{
	struct rule rule = { API_TABLE_NAME, requires(q->op, API_TABLE_NAME) ? 1 : 3, 255, true, NULL };
	struct api_value *v = &q->m[API_TABLE_NAME];

	if (!v->given && rule.min == 1)
		return false;
	if (!v->given) {
		buf_clear(&q->invalid);
		api_invalid(q, "The parameter 'TableName' is required but was not present in the request");
		return true;
	}
	if (!api_arn_ok(q, v->s))
		return true;
	v->s = api_table_name(v->s);
	test(q, &rule);
	return q->constraints > 0;
}

static void test_all(struct api_req *q)
{
	char where[64];

	if (knows(q->op, API_TABLE_NAME) && table_name_bad(q))
		return;
	for (const uint8_t *p = q->op->members; *p != API_NO_MEMBER; p++) {
		enum api_member m = (enum api_member)(*p & ~API_REQUIRED);

		if (!q->m[m].given && (*p & API_REQUIRED) != 0)
			api_constraint(q, where_of(m, where), BYTES_NONE, "Member must not be null");
		if (!q->m[m].given || m == API_TABLE_NAME)
			continue;
		if (m == API_LIMIT && q->op->run == op_query)
			continue;                        /* it has words of its own for that */
		for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++)
			if (rules[i].member == m)
				test(q, &rules[i]);
	}
	if (q->op->test != NULL)
		q->op->test(q);
}

bool api_settled(struct api_req *q)
{
	struct bytes text;

	if (q->constraints > 0) {
		text = buf_view(&q->failed);
		api_refuse(q, RESULT_INVALID, "%u validation error%s detected: %.*s", q->constraints, q->constraints > 1 ? "s" : "",
		           (int)text.n, (const char *)text.p);
		return false;
	}
	if (q->invalid.n > 0) {
		api_fail(q, q->invalid_as != RESULT_OK ? q->invalid_as : RESULT_INVALID, buf_view(&q->invalid));
		return false;
	}
	return true;
}

/* --- the whole ---------------------------------------------------------------------------------------------------- */

bool api_parse(struct api_req *q, struct bytes body)
{
	struct json_read *r = &q->json;
	struct djson_error e = { .result = DJSON_OK };
	bool ok = false;

	json_read_reset(r, body);
	if (json_read_next(r) != JSON_OBJECT) {
		djson_mismatch(&e, r->token, JSON_OBJECT);
		goto out;
	}
	while (json_read_next(r) == JSON_KEY) {
		enum api_member m = find(r->str);

		json_read_next(r);
		if (m == API_NO_MEMBER || !knows(q->op, m)) {
			if (!json_read_skip(r))
				break;
		} else {
			e = (struct djson_error){ .result = DJSON_OK };
			if (read_member(q, m, r, &e) != DJSON_OK)
				goto out;
		}
	}
	ok = r->token == JSON_OBJECT_END && json_read_next(r) == JSON_END;
out:
	if (!ok) {
		/* A syntax error further on outranks what is wrong with a value: the service parses first. */
		bool told = e.result == DJSON_SERIALIZATION && json_read_finish(r);

		api_error(q, 400, "SerializationException", told ? e.message : NULL);
		return false;
	}
	test_all(q);
	return (q->constraints > 0 || api_unmixed(q)) && api_settled(q);
}
