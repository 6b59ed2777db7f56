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

/* Does an update leave the key alone?  schema may be NULL.  False with the whole message. */
bool expr_compile_keeps_key(const struct expr_ast *a, const struct key_schema *schema, struct buf *err);
/* Does a filter name no key attribute?  what is its name in the message: "Filter Expression". */
bool expr_compile_without_key(const struct expr_ast *a, const struct key_schema *schema, const char *what,
	struct buf *err);
/* The range that a condition on key attributes is; as expr_compile_key_condition, of which it is the second half. */
bool expr_compile_range(const struct expr_ast *a, const struct key_schema *schema, struct expr_key_condition *out,
	struct buf *err);

#endif
