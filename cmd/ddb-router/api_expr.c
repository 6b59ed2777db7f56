/* The expressions of a request.  Checked in the order in which the service complains. */
#include "api_impl.h"
#include "legacy.h"

/* In the order of compilation; a key condition has no program. */
static const enum api_member texts[] = {
	API_PROJECTION_EXPRESSION, API_FILTER_EXPRESSION, API_KEY_CONDITION_EXPRESSION, API_UPDATE_EXPRESSION, API_CONDITION_EXPRESSION,
};
#define TEXTS_N (sizeof texts / sizeof texts[0])

/* In the order in which messages name them. */
static const enum api_member legacy[] = {
	API_ATTRIBUTES_TO_GET, API_ATTRIBUTE_UPDATES, API_EXPECTED, API_QUERY_FILTER, API_SCAN_FILTER,
	API_CONDITIONAL_OPERATOR, API_KEY_CONDITIONS,
};
#define LEGACY_N (sizeof legacy / sizeof legacy[0])

/* "{A, B}" of those that are given. */
static void list(const struct api_req *q, const enum api_member *m, size_t n, struct buf *out)
{
	unsigned shown = 0;

	for (size_t i = 0; i < n; i++) {
		if (!q->m[m[i]].given)
			continue;
		buf_str(out, shown++ > 0 ? ", " : "{");
		buf_str(out, api_member_name(m[i]));
	}
	buf_str(out, "}");
}

static bool takes(const struct api_op *op, enum api_member m)
{
	for (const uint8_t *p = op->members; *p != API_NO_MEMBER; p++)
		if ((*p & ~API_REQUIRED) == (int)m)
			return true;
	return false;
}

/* ": UpdateExpression and ConditionExpression are null" of those that could have been given. */
static void absent(const struct api_req *q, struct buf *out)
{
	unsigned shown = 0;

	for (size_t i = 0; i < TEXTS_N; i++) {
		enum api_member m = texts[i];

		if (!takes(q->op, m) || m == API_PROJECTION_EXPRESSION)
			continue;
		buf_str(out, shown++ > 0 ? " and " : ": ");
		buf_str(out, api_member_name(m));
	}
	buf_str(out, shown > 1 ? " are null" : " is null");
}

static unsigned given(const struct api_req *q, const enum api_member *m, size_t n)
{
	unsigned count = 0;

	for (size_t i = 0; i < n; i++)
		count += q->m[m[i]].given;
	return count;
}

/* KeyConditions may stand beside any expression but the one that took its place. */
bool api_unmixed(struct api_req *q)
{
	size_t n = q->m[API_KEY_CONDITION_EXPRESSION].given ? LEGACY_N : LEGACY_N - 1;
	unsigned new = given(q, texts, TEXTS_N);
	struct buf *err = &q->failed;

	buf_clear(err);
	if (new > 0 && given(q, legacy, n) > 0) {
		buf_str(err, "Can not use both expression and non-expression parameters in the same request: "
		             "Non-expression parameters: ");
		list(q, legacy, n, err);
		buf_str(err, " Expression parameters: ");
		list(q, texts, TEXTS_N, err);
	} else if (new == 0 && q->m[API_EXPRESSION_NAMES].given) {
		buf_str(err, "ExpressionAttributeNames can only be specified when using expressions");
	} else if (q->m[API_EXPRESSION_VALUES].given && new == q->m[API_PROJECTION_EXPRESSION].given) {
		buf_str(err, "ExpressionAttributeValues can only be specified when using expressions");
		absent(q, err);
	}
	if (err->n == 0)
		return true;
	api_fail(q, RESULT_INVALID, buf_view(err));
	return false;
}

static bool compile(struct api_req *q, enum api_member m, const struct key_schema *schema, struct buf *err)
{
	struct expr_subst *s = &q->subst;
	struct bytes text = q->m[m].s;
	enum api_prog to = m == API_FILTER_EXPRESSION ? API_PROG_FILTER : m == API_UPDATE_EXPRESSION ? API_PROG_UPDATE :
	                   m == API_PROJECTION_EXPRESSION ? API_PROG_PROJECTION : API_PROG_CONDITION;
	struct buf *prog = &q->progs[to];
	bool ok;

	if (m == API_KEY_CONDITION_EXPRESSION)
		return expr_compile_key_condition(text, s, schema, &q->key_condition, err);
	buf_clear(prog);
	if (m == API_PROJECTION_EXPRESSION)
		ok = expr_compile_projection(text, s, prog, err);
	else if (m == API_FILTER_EXPRESSION)
		ok = expr_compile_filter(text, s, takes(q->op, API_KEY_CONDITION_EXPRESSION) ? schema : NULL, prog, err);
	else if (m == API_UPDATE_EXPRESSION)
		ok = expr_compile_update(text, s, schema, prog, err);
	else
		ok = expr_compile_condition(text, s, prog, err);
	q->prog[to] = buf_view(prog);
	return ok;
}

/* The older parameters, which no expression has filled the programs of. */
static bool compile_legacy(struct api_req *q, bool again, const struct key_schema *schema, struct buf *err)
{
	bool any = api_is(q, API_CONDITIONAL_OPERATOR, "OR");
	const struct key_schema *not_filtered = q->m[API_QUERY_FILTER].given ? schema : NULL;
	struct buf *condition = &q->progs[API_PROG_CONDITION], *filter = &q->progs[API_PROG_FILTER];
	struct buf *update = &q->progs[API_PROG_UPDATE];
	bool ok = again || legacy_check(q->legacy, q->m[API_CONDITIONAL_OPERATOR].given, err);

	if (ok && q->m[API_EXPECTED].given) {
		buf_clear(condition);
		ok = legacy_condition(q->legacy, LEGACY_EXPECTED, any, NULL, condition, err);
		q->prog[API_PROG_CONDITION] = buf_view(condition);
	}
	if (ok && q->m[API_ATTRIBUTE_UPDATES].given) {
		buf_clear(update);
		ok = legacy_update(q->legacy, schema, update, err);
		q->prog[API_PROG_UPDATE] = buf_view(update);
	}
	if (ok && q->m[API_KEY_CONDITIONS].given)
		ok = legacy_range(q->legacy, q->m[API_INDEX_NAME].given, schema, &q->key_condition, err);
	if (ok && (q->m[API_QUERY_FILTER].given || q->m[API_SCAN_FILTER].given)) {
		buf_clear(filter);
		ok = legacy_condition(q->legacy, LEGACY_FILTER, any, not_filtered, filter, err);
		q->prog[API_PROG_FILTER] = buf_view(filter);
	}
	return ok;
}

bool api_compile(struct api_req *q, const struct key_schema *schema)
{
	struct buf *err = &q->failed;
	bool again = q->compiled, ok;

	q->compiled = true;
	buf_clear(err);
	ok = again || q->subst.names_n + q->subst.values_n == 0 || expr_subst_seal(&q->subst, err);
	for (size_t i = 0; ok && i < TEXTS_N; i++)
		if (q->m[texts[i]].given)
			ok = compile(q, texts[i], schema, err);
	if (ok && !again)
		ok = expr_unused(&q->subst, err);
	ok = ok && compile_legacy(q, again, schema, err);
	if (ok && q->m[API_ATTRIBUTES_TO_GET].given && !again) {
		buf_clear(&q->progs[API_PROG_PROJECTION]);
		expr_projection_of(q->names, q->names_n, &q->progs[API_PROG_PROJECTION]);
		q->prog[API_PROG_PROJECTION] = buf_view(&q->progs[API_PROG_PROJECTION]);
	}
	if (!ok)
		api_fail(q, RESULT_INVALID, buf_view(err));
	return ok;
}
