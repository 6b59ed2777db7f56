/* KeyConditionExpression: the language of conditions, of which only ranges of one partition are left over. */
#include <string.h>

#include "expr_compile.h"
#include "expr_lex.h"
#include "expr_text.h"

/* One test of the expression, as attribute, operator and values. */
struct test {
	const struct expr_node *path;
	enum expr_op op;
	const struct expr_node *lo, *hi;
	bool taken;
};

struct tests {
	const struct expr_ast *a;
	struct buf *err;
	struct test test[2 * KEY_PARTS_MAX];
	size_t n;
};

static bool fail(struct buf *err, const char *message, struct bytes what)
{
	buf_str(err, message);
	expr_text_quote(what, err);
	return false;
}

static bool operator(struct tests *t, const struct expr_node *n, enum expr_op *op)
{
	static const enum expr_op compare[] = { EXPR_OP_EQ, 0, EXPR_OP_LT, EXPR_OP_LE, EXPR_OP_GT, EXPR_OP_GE };

	*op = 0;
	if (n->kind == EXPR_N_COMPARE)
		*op = compare[n->op - EXPR_T_EQ];
	else if (n->kind == EXPR_N_BETWEEN)
		*op = EXPR_OP_BETWEEN;
	else if (n->kind == EXPR_N_FUNCTION && bytes_is(n->text, "begins_with"))
		*op = EXPR_OP_BEGINS;
	if (*op != 0)
		return true;
	buf_str(t->err, "Invalid operator used in KeyConditionExpression: ");
	for (size_t i = 0; i < n->text.n; i++) {
		bool upper = n->kind != EXPR_N_FUNCTION && n->text.p[i] >= 'a' && n->text.p[i] <= 'z';

		buf_u8(t->err, (uint8_t)(upper ? n->text.p[i] - 'a' + 'A' : n->text.p[i]));
	}
	return false;
}

static enum expr_op mirrored(enum expr_op op)
{
	switch (op) {
	case EXPR_OP_LT: return EXPR_OP_GT;
	case EXPR_OP_LE: return EXPR_OP_GE;
	case EXPR_OP_GT: return EXPR_OP_LT;
	case EXPR_OP_GE: return EXPR_OP_LE;
	default: return op;
	}
}

/* Which kid of the test is the attribute; its number is set. */
static bool attribute(struct tests *t, const struct expr_node *n, size_t *at)
{
	const struct expr_node *found = NULL;
	uint16_t kid = n->first;

	for (size_t i = 0; i < n->kids; i++, kid = t->a->nodes[kid].next) {
		const struct expr_node *k = &t->a->nodes[kid];

		if (k->kind == EXPR_N_FUNCTION)
			return fail(t->err, "KeyConditionExpressions cannot contain nested operations", BYTES_NONE);
		if (k->kind != EXPR_N_PATH)
			continue;
		if (found != NULL)
			return fail(t->err,
				"Invalid condition in KeyConditionExpression: Multiple attribute names used in one "
				"condition",
				BYTES_NONE);
		if (k->steps > 1)
			return fail(t->err, "KeyConditionExpressions cannot have conditions on nested attributes",
				BYTES_NONE);
		found = k;
		*at = i;
	}
	if (found == NULL)
		return fail(
			t->err, "Invalid condition in KeyConditionExpression: No key attribute specified", BYTES_NONE);
	if (n->kind == EXPR_N_COMPARE || *at == 0)
		return true;
	fail(t->err, "Invalid condition in KeyConditionExpression: ", n->kind == EXPR_N_BETWEEN
		? BYTES_LIT("BETWEEN") : n->text);
	return fail(t->err, " operator must have the key attribute as its first operand", BYTES_NONE);
}

static bool collect(struct tests *t, const struct expr_node *n)
{
	struct test test = { 0 };
	size_t at;

	if (n->kind == EXPR_N_AND)
		return collect(t, &t->a->nodes[n->first]) && collect(t, &t->a->nodes[n->last]);
	if (!operator(t, n, &test.op) || !attribute(t, n, &at))
		return false;
	if (at == 1)
		test.op = mirrored(test.op);
	test.path = &t->a->nodes[at == 0 ? n->first : n->last];
	test.lo = &t->a->nodes[at == 0 ? t->a->nodes[n->first].next : n->first];
	if (test.op == EXPR_OP_BETWEEN)
		test.hi = &t->a->nodes[n->last];
	for (size_t i = 0; i < t->n; i++)
		if (bytes_eq(t->a->steps[t->test[i].path->step].name, t->a->steps[test.path->step].name))
			return fail(
				t->err, "KeyConditionExpressions must only contain one condition per key", BYTES_NONE);
	if (t->n == sizeof t->test / sizeof t->test[0])
		return fail(t->err, "Conditions can be of length 1 or 2 only", BYTES_NONE);
	t->test[t->n++] = test;
	return true;
}

static struct test *test_of(struct tests *t, struct bytes name)
{
	for (size_t i = 0; i < t->n; i++)
		if (bytes_eq(t->a->steps[t->test[i].path->step].name, name))
			return &t->test[i];
	return NULL;
}

static bool value_ok(const struct tests *t, const struct key_part *part, bool sort, const struct expr_node *n)
{
	struct value v = item_value(n->to);

	if (v.tag != part->tag)
		return fail(t->err,
			"One or more parameter values were invalid: Condition parameter type does not match schema "
			"type",
			BYTES_NONE);
	if (v.body.n > (sort ? KEY_SORT_BYTES_MAX : KEY_PARTITION_BYTES_MAX))
		return fail(t->err, key_too_large(sort), BYTES_NONE);
	if (v.body.n > 0)
		return true;
	buf_fmt(t->err,
		"One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an "
		"empty %s value. Key: ",
		v.tag == ITEM_S ? "string" : "binary");
	return fail(t->err, "", part->name);
}

static bool hash_parts(struct tests *t, const struct key_schema *schema, struct expr_key_condition *out)
{
	for (size_t i = 0; i < schema->hash_n; i++) {
		struct test *test = test_of(t, schema->part[i].name);

		if (test == NULL)
			return fail(t->err, "Query condition missed key schema element: ", schema->part[i].name);
		if (test->op != EXPR_OP_EQ)
			return fail(t->err, "Query key condition not supported", BYTES_NONE);
		if (!value_ok(t, &schema->part[i], false, test->lo))
			return false;
		test->taken = true;
		out->hash[i] = test->lo->to;
	}
	return true;
}

/* Sort parts from the first on, none left out, all but the last with =. */
static bool range_parts(struct tests *t, const struct key_schema *schema, struct expr_key_condition *out)
{
	bool open = false;                      /* the part before has no condition, or not = */

	for (size_t i = schema->hash_n; i < schema->n; i++) {
		struct test *test = test_of(t, schema->part[i].name);

		if (test == NULL) {
			open = true;
			continue;
		}
		if (open)
			return fail(t->err, "Query key condition not supported", BYTES_NONE);
		if (!value_ok(t, &schema->part[i], true, test->lo)
		    || (test->hi != NULL && !value_ok(t, &schema->part[i], true, test->hi)))
			return false;
		test->taken = true;
		out->range[out->range_n].op = test->op;
		out->range[out->range_n].lo = test->lo->to;
		out->range[out->range_n++].hi = test->hi != NULL ? test->hi->to : BYTES_NONE;
		open = test->op != EXPR_OP_EQ;
	}
	return true;
}

static bool match(struct tests *t, const struct key_schema *schema, struct expr_key_condition *out)
{
	*out = (struct expr_key_condition){ 0 };
	if (!hash_parts(t, schema, out) || !range_parts(t, schema, out))
		return false;
	for (size_t i = 0; i < t->n; i++) {
		if (t->test[i].taken)
			continue;
		/* A condition on what is no key: the real service names the part that it could have been. */
		if (out->range_n == 0 && schema->n > schema->hash_n)
			return fail(t->err, "Query condition missed key schema element: ",
				schema->part[schema->hash_n].name);
		return fail(t->err, "Query key condition not supported", BYTES_NONE);
	}
	return true;
}

bool expr_compile_range(const struct expr_ast *a, const struct key_schema *schema, struct expr_key_condition *out,
	struct buf *err)
{
	struct tests t = { .a = a, .err = err };

	return collect(&t, &a->nodes[a->root]) && (schema == NULL || match(&t, schema, out));
}

bool expr_compile_key_condition(struct bytes text, struct expr_subst *s, const struct key_schema *schema,
	struct expr_key_condition *out, struct buf *err)
{
	struct expr_ast a;
	bool ok = expr_compile_parse(text, s, "KeyConditionExpression", &a, err)
		&& expr_compile_range(&a, schema, out, err);

	expr_ast_fini(&a);
	return ok;
}
