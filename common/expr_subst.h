/*
 * expr_subst: looking up substitutions (struct expr_subst of expr.h, sealed).
 */
#ifndef COMMON_EXPR_SUBST_H
#define COMMON_EXPR_SUBST_H

#include "expr.h"

struct expr_alias *expr_subst_find_name(struct expr_subst *s, struct bytes alias);   /* NULL if not defined */
struct expr_alias *expr_subst_find_value(struct expr_subst *s, struct bytes alias);

#endif
