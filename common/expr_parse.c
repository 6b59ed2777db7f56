#include "expr_parse.h"

#include <stdlib.h>

#include "expr.h"
#include "expr_operand.h"
#include "mem.h"

/*
 * Conditions, by operator precedence with a stack of its own, as an outsider chooses the depth.  An open parenthesis
 * may turn out to hold an operand, (a) = :v, or a condition, (a = :v): the node left standing says which.
 */
enum pending { PENDING_PAREN, PENDING_OR, PENDING_AND, PENDING_NOT }; /* by precedence */

struct stack {
	struct expr_operand p;
	struct { uint8_t op; uint16_t left; struct bytes text; } *ops;
	size_t n;
};

static bool is_condition(struct stack *s, uint16_t node)
{
	struct expr_node *n = &s->p.a->nodes[node];

	if (n->kind == EXPR_N_FUNCTION)
		n->condition = true;
	return n->kind != EXPR_N_PATH && n->kind != EXPR_N_VALUE;
}

static bool is_operand(const struct stack *s, uint16_t node)
{
	return s->p.a->nodes[node].kind <= EXPR_N_FUNCTION;
}

static void push(struct stack *s, enum pending op, uint16_t left)
{
	s->ops[s->n].op = (uint8_t)op;
	s->ops[s->n].left = left;
	s->ops[s->n++].text = s->p.l.word;
}

/* Finish the operators on top that bind tighter than down to. */
static uint16_t reduce(struct stack *s, uint16_t right, enum pending down_to)
{
	static const uint8_t kind[] = { 0, EXPR_N_OR, EXPR_N_AND, EXPR_N_NOT };

	while (s->n > 0 && s->ops[s->n - 1].op >= down_to && s->ops[s->n - 1].op != PENDING_PAREN) {
		uint16_t node;

		s->n--;
		node = expr_ast_node(s->p.a, kind[s->ops[s->n].op], s->ops[s->n].text);
		if (s->ops[s->n].op != PENDING_NOT)
			expr_ast_child(s->p.a, node, s->ops[s->n].left);
		expr_ast_child(s->p.a, node, right);
		s->p.a->operators++;
		right = node;
	}
	return right;
}

static uint16_t between(struct stack *s, uint16_t left, struct bytes text)
{
	uint16_t low, high = 0, node;

	expr_lex_next(&s->p.l);
	low = expr_operand_any(&s->p);
	if (low != 0 && !expr_lex_is(&s->p.l, "AND"))
		expr_operand_fail(&s->p);
	if (!s->p.failed) {
		expr_lex_next(&s->p.l);
		high = expr_operand_any(&s->p);
	}
	if (s->p.failed)
		return 0;
	node = expr_ast_node(s->p.a, EXPR_N_BETWEEN, text);
	expr_ast_child(s->p.a, node, left);
	expr_ast_child(s->p.a, node, low);
	expr_ast_child(s->p.a, node, high);
	return node;
}

static uint16_t in(struct stack *s, uint16_t left, struct bytes text)
{
	uint16_t last = left, node;
	size_t n = 1;

	expr_lex_next(&s->p.l);
	if (s->p.l.token != EXPR_T_LPAREN)
		return expr_operand_fail(&s->p);
	do {
		uint16_t kid;

		expr_lex_next(&s->p.l);
		kid = expr_operand_any(&s->p);
		if (kid == 0)
			return 0;
		s->p.a->nodes[last].next = kid;
		last = kid;
		n++;
	} while (s->p.l.token == EXPR_T_COMMA);
	if (!expr_operand_take(&s->p, EXPR_T_RPAREN))
		return 0;
	node = expr_ast_node(s->p.a, EXPR_N_IN, text);
	s->p.a->nodes[node].first = left;
	s->p.a->nodes[node].last = last;
	s->p.a->nodes[node].kids = (uint16_t)n;
	return node;
}

/* The rest of a test whose left operand is there; 0 on a syntax error. */
static uint16_t test(struct stack *s, uint16_t left)
{
	struct bytes text = s->p.l.word;
	enum expr_token op = s->p.l.token;
	uint16_t right, node;

	if (!is_operand(s, left))
		return expr_operand_fail(&s->p);
	s->p.a->operators++;
	if (expr_lex_is(&s->p.l, "BETWEEN"))
		return between(s, left, text);
	if (expr_lex_is(&s->p.l, "IN"))
		return in(s, left, text);
	expr_lex_next(&s->p.l);
	right = expr_operand_any(&s->p);
	if (right == 0)
		return 0;
	node = expr_ast_node(s->p.a, EXPR_N_COMPARE, text);
	s->p.a->nodes[node].op = (uint8_t)op;
	expr_ast_child(s->p.a, node, left);
	expr_ast_child(s->p.a, node, right);
	return node;
}

/* NOT and ( before an operand, then the operand. */
static uint16_t before(struct stack *s)
{
	for (;;) {
		if (s->p.l.token == EXPR_T_LPAREN)
			push(s, PENDING_PAREN, 0);
		else if (expr_lex_is(&s->p.l, "NOT"))
			push(s, PENDING_NOT, 0);
		else
			return expr_operand_primary(&s->p);
		expr_lex_next(&s->p.l);
	}
}

static uint16_t close_paren(struct stack *s, uint16_t node)
{
	bool direct = s->n > 0 && s->ops[s->n - 1].op == PENDING_PAREN;

	if (!direct && !is_condition(s, node))
		return expr_operand_fail(&s->p);
	if (!direct)
		node = reduce(s, node, PENDING_PAREN);
	if (s->n == 0)
		return expr_operand_fail(&s->p);
	s->n--;
	expr_operand_paren(&s->p, node);
	expr_lex_next(&s->p.l);
	return node;
}

static uint16_t condition(struct stack *s)
{
	uint16_t node = before(s);

	while (node != 0) {
		bool is_and = expr_lex_is(&s->p.l, "AND");

		if ((s->p.l.token >= EXPR_T_EQ && s->p.l.token <= EXPR_T_GE) || expr_lex_is(&s->p.l, "BETWEEN")
		    || expr_lex_is(&s->p.l, "IN")) {
			node = test(s, node);
		} else if (s->p.l.token == EXPR_T_RPAREN) {
			node = close_paren(s, node);
		} else if (!is_condition(s, node)) {
			break;
		} else if (is_and || expr_lex_is(&s->p.l, "OR")) {
			node = reduce(s, node, is_and ? PENDING_AND : PENDING_OR);
			push(s, is_and ? PENDING_AND : PENDING_OR, node);
			expr_lex_next(&s->p.l);
			node = before(s);
		} else if (s->p.l.token == EXPR_T_EOF) {
			node = reduce(s, node, PENDING_PAREN);
			if (s->n == 0)
				return node;
			break;
		} else {
			break;
		}
	}
	expr_operand_fail(&s->p);
	return 0;
}

bool expr_parse_condition(struct bytes text, struct expr_ast *a, struct buf *err)
{
	static const char *const keywords[] = { "AND", "OR", "NOT", "BETWEEN", "IN", NULL };
	struct stack s = { .p = { .a = a, .err = err, .keywords = keywords } };

	s.ops = mem_new((text.n + 1) * sizeof *s.ops);
	expr_lex_init(&s.p.l, text);
	a->root = condition(&s);
	free(s.ops);
	return a->root != 0;
}

/* --- updates ----------------------------------------------------------------------------------------------------- */

static uint16_t sum(struct expr_operand *p)
{
	struct bytes text;
	uint16_t left, right, node;
	enum expr_token op;
	size_t open = 0;

	for (; p->l.token == EXPR_T_LPAREN; open++)
		expr_lex_next(&p->l);
	left = expr_operand_primary(p);
	for (; left != 0 && open > 0 && p->l.token == EXPR_T_RPAREN; open--) {
		expr_operand_paren(p, left);
		expr_lex_next(&p->l);
	}
	op = p->l.token;
	text = p->l.word;
	if (left != 0 && (op == EXPR_T_PLUS || op == EXPR_T_MINUS)) {
		expr_lex_next(&p->l);
		right = expr_operand_any(p);
		if (right == 0)
			return 0;
		node = expr_ast_node(p->a, EXPR_N_ARITH, text);
		p->a->nodes[node].op = (uint8_t)op;
		expr_ast_child(p->a, node, left);
		expr_ast_child(p->a, node, right);
		p->a->operators++;
		left = node;
	}
	for (; left != 0 && open > 0; open--) {
		if (!expr_operand_take(p, EXPR_T_RPAREN))
			return 0;
		expr_operand_paren(p, left);
	}
	return left;
}

static bool action(struct expr_operand *p, enum expr_action_kind kind)
{
	uint16_t path = expr_operand_path(p), value = 0;

	if (path == 0)
		return false;
	if (kind == EXPR_A_SET) {
		if (!expr_operand_take(p, EXPR_T_EQ))
			return false;
		value = sum(p);
	} else if (kind != EXPR_A_REMOVE) {
		value = expr_operand_value(p);
	}
	expr_ast_action(p->a, kind, path, value);
	return !p->failed;
}

static const char *const sections[] = { "SET", "REMOVE", "ADD", "DELETE", NULL };

static enum expr_action_kind section(const struct expr_lex *l)
{
	for (size_t i = 0; sections[i] != NULL; i++)
		if (expr_lex_is(l, sections[i]))
			return (enum expr_action_kind)(EXPR_A_SET + i);
	return 0;
}

bool expr_parse_update(struct bytes text, struct expr_ast *a, struct buf *err)
{
	struct expr_operand p = { .a = a, .err = err, .keywords = sections };
	unsigned seen = 0;

	expr_lex_init(&p.l, text);
	do {
		enum expr_action_kind kind = section(&p.l);

		if (kind == 0)
			return expr_operand_fail(&p);
		if ((seen & 1u << kind) != 0 && a->section_twice == 0)
			a->section_twice = (uint8_t)kind;
		seen |= 1u << kind;
		do {
			expr_lex_next(&p.l);
			if (!action(&p, kind))
				return false;
		} while (p.l.token == EXPR_T_COMMA);
	} while (p.l.token != EXPR_T_EOF);
	return true;
}

bool expr_parse_projection(struct bytes text, struct expr_ast *a, struct buf *err)
{
	struct expr_operand p = { .a = a, .err = err };

	expr_lex_init(&p.l, text);
	for (;;) {
		uint16_t path = expr_operand_path(&p);

		if (path == 0)
			return false;
		expr_ast_action(a, EXPR_A_REMOVE, path, 0);
		if (p.l.token == EXPR_T_EOF)
			return true;
		if (!expr_operand_take(&p, EXPR_T_COMMA))
			return false;
	}
}
