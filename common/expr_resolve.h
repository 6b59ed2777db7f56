/*
 * expr_resolve: the checks that conditions, updates and projections share (see expr_sem.h).
 */
#ifndef COMMON_EXPR_RESOLVE_H
#define COMMON_EXPR_RESOLVE_H

#include "expr_ast.h"
#include "expr_subst.h"
#include "item.h"

struct expr_resolve {
	struct expr_ast *a;
	struct expr_subst *s;
	struct buf *err;
};

bool expr_resolve_fail(struct expr_resolve *r, const char *message, const char *label, struct bytes what);
bool expr_resolve_operators(struct expr_resolve *r);                    /* their number, and parentheses */
bool expr_resolve_reserved(struct expr_resolve *r);                     /* names as written, indexes, depth of paths */
bool expr_resolve_path(struct expr_resolve *r, struct expr_node *path); /* aliases in it to names */
bool expr_resolve_value(struct expr_resolve *r, struct expr_node *value);
bool expr_resolve_arity(struct expr_resolve *r, const struct expr_node *function, size_t wanted);
/* The type that is known before any item is seen: of a value, ITEM_N of size, + and -, ITEM_L of list_append, or 0. */
uint8_t expr_resolve_type(const struct expr_node *n);
bool expr_resolve_wrong_type(struct expr_resolve *r, struct bytes function, uint8_t tag); /* the message; false */

#endif
