#include "expr_resolve.h"

#include "expr_text.h"
#include "reserved.h"

bool expr_resolve_fail(struct expr_resolve *r, const char *message, const char *label, struct bytes what)
{
	buf_fmt(r->err, "%s; %s: ", message, label);
	expr_text_quote(what, r->err);
	return false;
}

bool expr_resolve_operators(struct expr_resolve *r)
{
	if (r->a->operators > EXPR_OPERATORS_MAX) {
		buf_fmt(r->err, "The expression contains too many operators; operator count: %zu", r->a->operators);
		return false;
	}
	if (r->a->redundant) {
		buf_str(r->err, "The expression has redundant parentheses;");
		return false;
	}
	return true;
}

bool expr_resolve_reserved(struct expr_resolve *r)
{
	for (size_t i = 1; i < r->a->steps_n; i++) {
		const struct expr_step *s = &r->a->steps[i];

		if (!s->is_index && !s->is_alias && reserved_is(s->name))
			return expr_resolve_fail(
				r, "Attribute name is a reserved keyword", "reserved keyword", s->name);
	}
	for (size_t i = 1; i < r->a->steps_n; i++)
		if (r->a->steps[i].is_index && r->a->steps[i].index == UINT32_MAX) {
			buf_str(r->err, "List index is not within the allowable range; index: [");
			expr_text_quote(r->a->steps[i].name, r->err);
			buf_str(r->err, "]");
			return false;
		}
	for (size_t i = 1; i < r->a->nodes_n; i++) {
		const struct expr_node *n = &r->a->nodes[i];

		if (n->kind == EXPR_N_PATH && n->steps > EXPR_PATH_STEPS_MAX) {
			buf_fmt(r->err, "The document path has too many nesting levels; nesting levels: %u", n->steps);
			return false;
		}
	}
	return true;
}

bool expr_resolve_path(struct expr_resolve *r, struct expr_node *path)
{
	for (size_t i = 0; i < path->steps; i++) {
		struct expr_step *s = &r->a->steps[path->step + i];
		struct expr_alias *alias;

		if (!s->is_alias || s->alias != NULL)
			continue;
		alias = expr_subst_find_name(r->s, s->name);
		if (alias == NULL)
			return expr_resolve_fail(r,
				"An expression attribute name used in the document path is not defined",
				"attribute name", s->name);
		alias->used = true;
		s->alias = alias;
		s->name = alias->to;
	}
	return true;
}

bool expr_resolve_value(struct expr_resolve *r, struct expr_node *value)
{
	struct expr_alias *alias = expr_subst_find_value(r->s, value->text);

	if (alias == NULL)
		return expr_resolve_fail(r, "An expression attribute value used in expression is not defined",
			"attribute value", value->text);
	alias->used = true;
	value->alias = alias;
	value->to = alias->to;
	return true;
}

bool expr_resolve_arity(struct expr_resolve *r, const struct expr_node *function, size_t wanted)
{
	if (function->kids == wanted)
		return true;
	expr_resolve_fail(
		r, "Incorrect number of operands for operator or function", "operator or function", function->text);
	buf_fmt(r->err, ", number of operands: %u", function->kids);
	return false;
}

uint8_t expr_resolve_type(const struct expr_node *n)
{
	if (n->kind == EXPR_N_VALUE)
		return n->to.n > 0 ? n->to.p[0] : 0;
	if (n->kind == EXPR_N_ARITH || (n->kind == EXPR_N_FUNCTION && bytes_is(n->text, "size")))
		return ITEM_N;
	return n->kind == EXPR_N_FUNCTION && bytes_is(n->text, "list_append") ? ITEM_L : 0;
}

bool expr_resolve_wrong_type(struct expr_resolve *r, struct bytes function, uint8_t tag)
{
	expr_resolve_fail(r, "Incorrect operand type for operator or function", "operator or function", function);
	buf_fmt(r->err, ", operand type: %s", item_type_name(tag));
	return false;
}
