/*
 * expr_code: writes programs (expr_prog.h) from expressions that expr_sem found good.
 */
#ifndef COMMON_EXPR_CODE_H
#define COMMON_EXPR_CODE_H

#include "expr_ast.h"
#include "expr_subst.h"

/* Each appends the program to out; s is where the expression's names and values were looked up. */
void expr_code_condition(const struct expr_ast *a, struct expr_subst *s, struct buf *out);
void expr_code_update(const struct expr_ast *a, struct expr_subst *s, struct buf *out);
void expr_code_projection(const struct expr_ast *a, struct expr_subst *s, struct buf *out);

#endif
