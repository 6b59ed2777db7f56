/*
 * expr_paths: the paths of a projection, or the targets of an update, against each other.
 */
#ifndef COMMON_EXPR_PATHS_H
#define COMMON_EXPR_PATHS_H

#include "expr_ast.h"

/* < 0, 0, > 0 for steps: names before indexes, each ascending. */
int expr_paths_step_cmp(const struct expr_step *s, const struct expr_step *t);
/* -1, 0, 1 for paths in the order of a trie: names before indexes, each ascending; a path before what is inside it. */
int expr_paths_cmp(const struct expr_ast *a, const struct expr_node *x, const struct expr_node *y);
/* The nodes of all actions' paths, sorted so; actions_n of them.  The caller frees. */
uint16_t *expr_paths_sorted(const struct expr_ast *a);
/*
 * No path of the actions is another, or inside another, or takes for a list what another takes for a map.
 * Returns false with the message about the first such pair.
 */
bool expr_paths_check(const struct expr_ast *a, struct buf *err);

#endif
