#include "expr_sem.h"

#include <string.h>

#include "expr_lex.h"
#include "expr_paths.h"
#include "expr_resolve.h"
#include "expr_text.h"

struct function {
	const char *name;
	uint8_t arity;
	bool update;
};

static const struct function functions[] = {
	{ "attribute_exists", 1, false },
	{ "attribute_not_exists", 1, false },
	{ "attribute_type", 2, false },
	{ "begins_with", 2, false },
	{ "contains", 2, false },
	{ "size", 1, false },
	{ "if_not_exists", 2, true },
	{ "list_append", 2, true },
};

static const struct function *function_of(struct bytes name)
{
	for (size_t i = 0; i < sizeof functions / sizeof functions[0]; i++)
		if (bytes_is(name, functions[i].name))
			return &functions[i];
	return NULL;
}

static bool known_functions(struct expr_resolve *r, bool update)
{
	for (size_t i = 1; i < r->a->nodes_n; i++) {
		const struct expr_node *n = &r->a->nodes[i];
		const struct function *f = n->kind == EXPR_N_FUNCTION ? function_of(n->text) : NULL;

		if (n->kind != EXPR_N_FUNCTION)
			continue;
		if (f == NULL)
			return expr_resolve_fail(r, "Invalid function name", "function", n->text);
		if (f->update != update)
			return expr_resolve_fail(r, update ? "The function is not allowed in an update expression"
				: "The function is not allowed in a condition expression", "function", n->text);
	}
	return true;
}

/* size gives a number, all others a truth. */
static bool used_functions(struct expr_resolve *r)
{
	for (size_t i = 1; i < r->a->nodes_n; i++) {
		const struct expr_node *n = &r->a->nodes[i];

		if (n->kind == EXPR_N_FUNCTION && n->condition == bytes_is(n->text, "size"))
			return expr_resolve_fail(r, "The function is not allowed to be used this way in an expression",
				"function", n->text);
	}
	return true;
}

static bool same_path(const struct expr_ast *a, uint16_t x, uint16_t y)
{
	return a->nodes[x].kind == EXPR_N_PATH && a->nodes[y].kind == EXPR_N_PATH
		&& expr_paths_cmp(a, &a->nodes[x], &a->nodes[y]) == 0;
}

static bool distinct(struct expr_resolve *r, const struct expr_node *n)
{
	if (n->kind != EXPR_N_FUNCTION && n->kind != EXPR_N_COMPARE && n->kind != EXPR_N_BETWEEN
		&& n->kind != EXPR_N_IN)
		return true;
	for (uint16_t kid = r->a->nodes[n->first].next, left = n->kids; left > 1; kid = r->a->nodes[kid].next, left--) {
		if (!same_path(r->a, n->first, kid))
			continue;
		expr_resolve_fail(r,
			"The first operand must be distinct from the remaining operands for this operator or "
			"function",
			"operator", n->text);
		buf_str(r->err, ", first operand: ");
		expr_ast_path_text(r->a, &r->a->nodes[n->first], r->err);
		return false;
	}
	return true;
}

static bool types_in(struct expr_resolve *r, const struct expr_node *n, size_t from, size_t to, const char *allowed)
{
	for (size_t i = from; i < to; i++) {
		uint8_t tag = expr_resolve_type(&r->a->nodes[expr_ast_kid(r->a, (uint16_t)(n - r->a->nodes), i)]);

		if (tag != 0 && strchr(allowed, tag) == NULL)
			return expr_resolve_wrong_type(r, n->text, tag);
	}
	return true;
}

#define SCALARS "\x01\x02\x03"                  /* ITEM_S ITEM_N ITEM_B */
#define TEXTS "\x01\x03"                        /* ITEM_S ITEM_B */
#define SIZED "\x01\x03\x07\x08\x09\x0a\x0b"    /* ITEM_S ITEM_B ITEM_SS ITEM_NS ITEM_BS ITEM_L ITEM_M */
#define HOLDERS "\x01\x03\x07\x08\x09\x0a"      /* ITEM_S ITEM_B ITEM_SS ITEM_NS ITEM_BS ITEM_L */

_Static_assert(ITEM_S == 1 && ITEM_N == 2 && ITEM_B == 3 && ITEM_SS == 7 && ITEM_M == 11, "the strings above");

static bool attribute_type(struct expr_resolve *r, const struct expr_node *n)
{
	static const char *const names[] = { "B", "NULL", "SS", "BOOL", "L", "BS", "N", "NS", "S", "M" };
	const struct expr_node *type = &r->a->nodes[n->last];
	struct bytes name;

	if (type->kind != EXPR_N_VALUE) {
		expr_resolve_fail(
			r, "Incorrect operand type for operator or function", "operator or function", n->text);
		buf_str(r->err, ", operand type: {NS,SS,L,BS,N,M,B,BOOL,NULL,S}");
		return false;
	}
	if (expr_resolve_type(type) != ITEM_S)
		return expr_resolve_wrong_type(r, n->text, expr_resolve_type(type));
	name = item_value(type->to).body;
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		if (bytes_is(name, names[i]))
			return true;
	expr_resolve_fail(r, "Invalid attribute type name found", "type", name);
	buf_str(r->err, ", valid types: {B,NULL,SS,BOOL,L,BS,N,NS,S,M}");
	return false;
}

static bool needs_path(struct expr_resolve *r, const struct expr_node *n)
{
	if (r->a->nodes[n->first].kind == EXPR_N_PATH)
		return true;
	return expr_resolve_fail(r, "Operator or function requires a document path", "operator or function", n->text);
}

static bool between_bounds(struct expr_resolve *r, const struct expr_node *n)
{
	const struct expr_node *low = &r->a->nodes[r->a->nodes[n->first].next], *high = &r->a->nodes[n->last];
	struct value x = { 0 }, y = { 0 };
	bool ok;
	int order;

	if (low->kind != EXPR_N_VALUE || high->kind != EXPR_N_VALUE)
		return true;
	x = item_value(low->to);
	y = item_value(high->to);
	order = item_value_cmp(x, y, &ok);
	if (ok && order <= 0)
		return true;
	if (x.tag == y.tag)
		buf_str(r->err, "The BETWEEN operator requires upper bound to be greater than or equal to lower bound");
	else
		buf_str(r->err, "The BETWEEN operator requires same data type for lower and upper bounds");
	buf_str(r->err, "; lower bound operand: AttributeValue: ");
	expr_text_value(x, r->err);
	buf_str(r->err, ", upper bound operand: AttributeValue: ");
	expr_text_value(y, r->err);
	return false;
}

static bool operand_types(struct expr_resolve *r, const struct expr_node *n)
{
	if (n->kind == EXPR_N_COMPARE && n->op != EXPR_T_EQ && n->op != EXPR_T_NE)
		return types_in(r, n, 0, 2, SCALARS);
	if (n->kind == EXPR_N_BETWEEN)
		return types_in(r, n, 0, 3, SCALARS) && between_bounds(r, n);
	if (n->kind != EXPR_N_FUNCTION)
		return true;
	if (bytes_is(n->text, "attribute_exists") || bytes_is(n->text, "attribute_not_exists"))
		return needs_path(r, n);
	if (bytes_is(n->text, "attribute_type"))
		return attribute_type(r, n);
	if (bytes_is(n->text, "begins_with"))
		return types_in(r, n, 0, 2, TEXTS);
	if (bytes_is(n->text, "contains"))
		return types_in(r, n, 0, 1, HOLDERS);
	return types_in(r, n, 0, 1, SIZED);
}

static bool counts(struct expr_resolve *r, const struct expr_node *n)
{
	if (n->kind == EXPR_N_FUNCTION)
		return expr_resolve_arity(r, n, function_of(n->text)->arity);
	if (n->kind == EXPR_N_IN && n->kids > EXPR_IN_MAX + 1) {
		buf_fmt(r->err, "The IN operator is provided with too many operands; number of operands: %u",
			n->kids - 1);
		return false;
	}
	return true;
}

/* One test: the nodes from..to, the last of which is the test itself. */
static bool one_test(struct expr_resolve *r, size_t from, size_t to)
{
	for (size_t i = from; i <= to; i++) {
		struct expr_node *n = &r->a->nodes[i];

		if ((n->kind == EXPR_N_PATH && !expr_resolve_path(r, n))
			|| (n->kind == EXPR_N_VALUE && !expr_resolve_value(r, n)))
			return false;
	}
	for (size_t i = from; i <= to; i++)
		if (!counts(r, &r->a->nodes[i]))
			return false;
	for (size_t i = from; i <= to; i++)
		if (!distinct(r, &r->a->nodes[i]))
			return false;
	for (size_t i = from; i <= to; i++)
		if (!operand_types(r, &r->a->nodes[i]))
			return false;
	return true;
}

bool expr_sem_condition(struct expr_ast *a, struct expr_subst *s, struct buf *err)
{
	struct expr_resolve r = { a, s, err };
	size_t from = 1;

	if (!expr_resolve_operators(&r) || !known_functions(&r, false) || !used_functions(&r)
		|| !expr_resolve_reserved(&r))
		return false;
	for (size_t i = 1; i < a->nodes_n; i++) {
		const struct expr_node *n = &a->nodes[i];
		bool test = n->kind == EXPR_N_COMPARE || n->kind == EXPR_N_BETWEEN || n->kind == EXPR_N_IN
			|| (n->kind == EXPR_N_FUNCTION && n->condition);

		if (!test)
			continue;
		if (!one_test(&r, from, i))
			return false;
		from = i + 1;
	}
	return true;
}

bool expr_sem_projection(struct expr_ast *a, struct expr_subst *s, struct buf *err)
{
	struct expr_resolve r = { a, s, err };

	if (!expr_resolve_reserved(&r))
		return false;
	for (size_t i = 0; i < a->actions_n; i++)
		if (!expr_resolve_path(&r, &a->nodes[a->actions[i].path]))
			return false;
	return expr_paths_check(a, err);
}

/* --- updates ----------------------------------------------------------------------------------------------------- */

static bool action_types(struct expr_resolve *r, const struct expr_action *action)
{
	uint8_t tag = expr_resolve_type(&r->a->nodes[action->value]);
	const char *type = expr_text_type(tag), *section = action->kind == EXPR_A_ADD ? "ADD" : "DELETE";

	if ((action->kind != EXPR_A_ADD && action->kind != EXPR_A_DELETE) || type == NULL
	    || (action->kind == EXPR_A_ADD && tag == ITEM_N))
		return true;
	buf_fmt(r->err, "Incorrect operand type for operator or function; operator: %s, operand type: %s, "
		"typeSet: ALLOWED_FOR_%s_OPERAND", section, type, section);
	return false;
}

static bool set_types(struct expr_resolve *r, const struct expr_node *n)
{
	if (n->kind == EXPR_N_ARITH)
		return types_in(r, n, 0, 2, "\x02");
	if (n->kind != EXPR_N_FUNCTION)
		return true;
	if (!expr_resolve_arity(r, n, function_of(n->text)->arity))
		return false;
	return bytes_is(n->text, "if_not_exists") ? needs_path(r, n) : types_in(r, n, 0, 2, "\x0a");
}

static bool update_names(struct expr_resolve *r)
{
	for (size_t i = 1; i < r->a->nodes_n; i++)
		if (r->a->nodes[i].kind == EXPR_N_PATH && !expr_resolve_path(r, &r->a->nodes[i]))
			return false;
	for (size_t i = 1; i < r->a->nodes_n; i++)
		if (r->a->nodes[i].kind == EXPR_N_VALUE && !expr_resolve_value(r, &r->a->nodes[i]))
			return false;
	return true;
}

bool expr_sem_update(struct expr_ast *a, struct expr_subst *s, struct buf *err)
{
	static const char *const section[] = { "", "SET", "REMOVE", "ADD", "DELETE" };
	struct expr_resolve r = { a, s, err };

	if (!expr_resolve_operators(&r) || !expr_resolve_reserved(&r) || !known_functions(&r, true))
		return false;
	if (a->section_twice != 0) {
		buf_fmt(err, "The \"%s\" section can only be used once in an update expression;",
			section[a->section_twice]);
		return false;
	}
	if (!update_names(&r) || !expr_paths_check(a, err))
		return false;
	for (size_t i = 0; i < a->actions_n; i++)
		if (!action_types(&r, &a->actions[i]))
			return false;
	for (size_t i = 1; i < a->nodes_n; i++)
		if (!set_types(&r, &a->nodes[i]))
			return false;
	return true;
}
