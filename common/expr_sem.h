/*
 * expr_sem: what an expression must be beyond its grammar, in the order in which the real service complains.
 * Looks up names and values (and marks them used), so that afterwards steps carry names and VALUE nodes their values.
 * Each function returns false with a message that still wants its "Invalid ..: " in front.
 */
#ifndef COMMON_EXPR_SEM_H
#define COMMON_EXPR_SEM_H

#include "expr_ast.h"
#include "expr_subst.h"

bool expr_sem_condition(struct expr_ast *a, struct expr_subst *s, struct buf *err);
bool expr_sem_update(struct expr_ast *a, struct expr_subst *s, struct buf *err);
bool expr_sem_projection(struct expr_ast *a, struct expr_subst *s, struct buf *err);

#endif
