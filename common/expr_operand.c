#include "expr_operand.h"

#include "expr.h"

bool expr_operand_fail(struct expr_operand *p)
{
	if (!p->failed)
		expr_lex_error(&p->l, p->err);
	p->failed = true;
	return false;
}

bool expr_operand_take(struct expr_operand *p, enum expr_token t)
{
	if (p->failed || p->l.token != t)
		return expr_operand_fail(p);
	expr_lex_next(&p->l);
	return true;
}

static bool index_step(struct expr_operand *p)
{
	uint64_t index = 0;

	expr_lex_next(&p->l);
	if (p->l.token != EXPR_T_NUMBER)
		return expr_operand_fail(p);
	for (size_t i = 0; i < p->l.word.n && index <= UINT32_MAX; i++)
		index = index * 10 + (p->l.word.p[i] - '0');
	/* What is too large stays so: expr_sem refuses it, after the syntax of the rest. */
	expr_ast_step(p->a, (struct expr_step){ .name = p->l.word, .is_index = true,
		.index = index <= INT32_MAX ? (uint32_t)index : UINT32_MAX });
	expr_lex_next(&p->l);
	return expr_operand_take(p, EXPR_T_RBRACKET);
}

static bool name_step(struct expr_operand *p)
{
	for (const char *const *k = p->keywords; k != NULL && *k != NULL; k++)
		if (expr_lex_is(&p->l, *k))
			return expr_operand_fail(p);
	if (p->failed || (p->l.token != EXPR_T_WORD && p->l.token != EXPR_T_NAME))
		return expr_operand_fail(p);
	expr_ast_step(p->a, (struct expr_step){ .name = p->l.word, .is_alias = p->l.token == EXPR_T_NAME });
	expr_lex_next(&p->l);
	return true;
}

/* The rest of a path whose first name is there already. */
static uint16_t path_from(struct expr_operand *p, size_t step)
{
	uint16_t node;

	while (p->l.token == EXPR_T_DOT || p->l.token == EXPR_T_LBRACKET) {
		if (p->l.token == EXPR_T_LBRACKET) {
			if (!index_step(p))
				return 0;
			continue;
		}
		expr_lex_next(&p->l);
		if (!name_step(p))
			return 0;
	}
	node = expr_ast_node(p->a, EXPR_N_PATH, BYTES_NONE);
	p->a->nodes[node].step = (uint16_t)step;
	p->a->nodes[node].steps = (uint16_t)(p->a->steps_n - step);
	return node;
}

uint16_t expr_operand_path(struct expr_operand *p)
{
	size_t step = p->a->steps_n;

	return name_step(p) ? path_from(p, step) : 0;
}

uint16_t expr_operand_value(struct expr_operand *p)
{
	struct bytes alias = p->l.word;

	return expr_operand_take(p, EXPR_T_VALUE) ? expr_ast_node(p->a, EXPR_N_VALUE, alias) : 0;
}

/* Arguments are chained by hand, for the function's own node is to come after them in the array. */
static uint16_t function(struct expr_operand *p, struct bytes name)
{
	uint16_t first = 0, last = 0, node;
	size_t n = 0;

	if (p->depth >= EXPR_DEPTH_MAX)
		return expr_operand_fail(p);
	p->depth++;
	do {
		uint16_t arg;

		expr_lex_next(&p->l);
		arg = expr_operand_any(p);
		if (arg == 0)
			return 0;
		if (last != 0)
			p->a->nodes[last].next = arg;
		else
			first = arg;
		last = arg;
		n++;
	} while (p->l.token == EXPR_T_COMMA);
	p->depth--;
	if (!expr_operand_take(p, EXPR_T_RPAREN))
		return 0;
	node = expr_ast_node(p->a, EXPR_N_FUNCTION, name);
	p->a->nodes[node].first = first;
	p->a->nodes[node].last = last;
	p->a->nodes[node].kids = (uint16_t)n;
	return node;
}

uint16_t expr_operand_primary(struct expr_operand *p)
{
	struct expr_lex ahead;

	if (p->failed)
		return 0;
	if (p->l.token == EXPR_T_VALUE)
		return expr_operand_value(p);
	if (p->l.token == EXPR_T_WORD) {
		ahead = p->l;
		expr_lex_next(&ahead);
		if (ahead.token == EXPR_T_LPAREN) {
			struct bytes name = p->l.word;

			p->l = ahead;
			return function(p, name);
		}
	}
	return expr_operand_path(p);
}

void expr_operand_paren(struct expr_operand *p, uint16_t node)
{
	if (p->a->nodes[node].paren)
		p->a->redundant = true;
	p->a->nodes[node].paren = true;
}

uint16_t expr_operand_any(struct expr_operand *p)
{
	size_t open = 0;
	uint16_t node;

	for (; p->l.token == EXPR_T_LPAREN; open++)
		expr_lex_next(&p->l);
	node = expr_operand_primary(p);
	for (; node != 0 && open > 0; open--) {
		if (!expr_operand_take(p, EXPR_T_RPAREN))
			return 0;
		expr_operand_paren(p, node);
	}
	return node;
}
