/*
 * expr_compile: what the compile functions of expr.h share.
 */
#ifndef COMMON_EXPR_COMPILE_H
#define COMMON_EXPR_COMPILE_H

#include "expr_ast.h"
#include "expr_subst.h"

/*
 * Size, grammar and sense of a condition under the name of its parameter: "FilterExpression".  a is initialised here
 * and to be finished by the caller in either case.
 */
bool expr_compile_parse(struct bytes text, struct expr_subst *s, const char *parameter, struct expr_ast *a,
	struct buf *err);

#endif
