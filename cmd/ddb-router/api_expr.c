/* The expressions of a request.  Checked in the order in which the service complains. */
#include "api_impl.h"


/* In the order of compilation; a key condition has no program. */
static const enum api_member texts[] = {
	API_PROJECTION_EXPRESSION, API_FILTER_EXPRESSION, API_KEY_CONDITION_EXPRESSION, API_UPDATE_EXPRESSION, API_CONDITION_EXPRESSION,
};
#define TEXTS_N (sizeof texts / sizeof texts[0])

/* Of these only the first is built: the others must not be passed over, as they limit what a write may do. */
static const enum api_member legacy[] = {
	API_ATTRIBUTES_TO_GET, API_ATTRIBUTE_UPDATES, API_CONDITIONAL_OPERATOR, API_EXPECTED, API_KEY_CONDITIONS, API_QUERY_FILTER,
	API_SCAN_FILTER,
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

/* Names and values without any expression; old and new parameters in one request. */
static bool sound(const struct api_req *q, struct buf *err)
{
	unsigned new = given(q, texts, TEXTS_N);
	bool names = q->m[API_EXPRESSION_NAMES].given, values = q->m[API_EXPRESSION_VALUES].given;

	if (new > 0 && given(q, legacy, LEGACY_N) > 0) {
		buf_str(err, "Can not use both expression and non-expression parameters in the same request: "
		             "Non-expression parameters: ");
		list(q, legacy, LEGACY_N, err);
		buf_str(err, " Expression parameters: ");
		list(q, texts, TEXTS_N, err);
	} else if (new == 0 && (names || values)) {
		buf_str(err, names ? "ExpressionAttributeNames" : "ExpressionAttributeValues");
		buf_str(err, " can only be specified when using expressions");
		if (!names)
			absent(q, err);
	}
	return err->n == 0;
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

bool api_compile(struct api_req *q, const struct key_schema *schema)
{
	struct buf *err = &q->failed;
	bool again = q->compiled, ok;

	q->compiled = true;
	buf_clear(err);
	if (!again && given(q, legacy + 1, LEGACY_N - 1) > 0 && given(q, texts, TEXTS_N) == 0) {
		list(q, legacy + 1, LEGACY_N - 1, err);
		api_refuse(q, RESULT_NOT_SUPPORTED, "%.*s not supported yet: use expressions", (int)err->n, (const char *)err->p);
		return false;
	}
	ok = again || (sound(q, err) && (q->subst.names_n + q->subst.values_n == 0 || expr_subst_seal(&q->subst, err)));
	for (size_t i = 0; ok && i < TEXTS_N; i++)
		if (q->m[texts[i]].given)
			ok = compile(q, texts[i], schema, err);
	if (ok && !again)
		ok = expr_unused(&q->subst, err);
	if (ok && q->m[API_ATTRIBUTES_TO_GET].given && !again) {
		buf_clear(&q->progs[API_PROG_PROJECTION]);
		expr_projection_of(q->names, q->names_n, &q->progs[API_PROG_PROJECTION]);
		q->prog[API_PROG_PROJECTION] = buf_view(&q->progs[API_PROG_PROJECTION]);
	}
	if (!ok)
		api_fail(q, RESULT_INVALID, buf_view(err));
	return ok;
}
