/*
 * expr_operand: the part of the grammar (expr_parse.h) that conditions, updates and projections share.
 * A parser stands on a token; on a syntax error it says so once and every function returns 0 or false.
 */
#ifndef COMMON_EXPR_OPERAND_H
#define COMMON_EXPR_OPERAND_H

#include "expr_ast.h"
#include "expr_lex.h"

struct expr_operand {
	struct expr_lex l;
	struct expr_ast *a;
	struct buf *err;
	const char *const *keywords;            /* words of this language that are no names; ends with NULL */
	unsigned depth;
	bool failed;
};

bool expr_operand_fail(struct expr_operand *p);                    /* a syntax error at this token; returns false */
bool expr_operand_take(struct expr_operand *p, enum expr_token t); /* this token, or a syntax error */
uint16_t expr_operand_path(struct expr_operand *p);
uint16_t expr_operand_value(struct expr_operand *p);
uint16_t expr_operand_primary(struct expr_operand *p);             /* path, value or function: no parentheses */
uint16_t expr_operand_any(struct expr_operand *p);                 /* with parentheses */
void expr_operand_paren(struct expr_operand *p, uint16_t node);    /* node was in parentheses */

#endif
