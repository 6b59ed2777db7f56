#include "expr_paths.h"

#include <stdlib.h>

#include "expr_subst.h"
#include "mem.h"

int expr_paths_step_cmp(const struct expr_step *s, const struct expr_step *t)
{
	if (s->is_index != t->is_index)
		return s->is_index ? 1 : -1;
	if (s->is_index)
		return (s->index > t->index) - (s->index < t->index);
	if (s->alias != NULL && t->alias != NULL)
		return (s->alias->rank > t->alias->rank) - (s->alias->rank < t->alias->rank);
	return bytes_cmp(s->name, t->name);
}

enum relation { APART, OVERLAP, CONFLICT };

/* Where two paths part, and how. */
static enum relation relate(const struct expr_ast *a, const struct expr_node *x, const struct expr_node *y, int *order)
{
	const struct expr_step *s = &a->steps[x->step], *t = &a->steps[y->step];
	size_t n = x->steps < y->steps ? x->steps : y->steps;

	for (size_t i = 0; i < n; i++, s++, t++) {
		*order = expr_paths_step_cmp(s, t);
		if (*order != 0)
			return s->is_index != t->is_index ? CONFLICT : APART;
	}
	*order = (x->steps > y->steps) - (x->steps < y->steps);
	return OVERLAP;
}

int expr_paths_cmp(const struct expr_ast *a, const struct expr_node *x, const struct expr_node *y)
{
	int order;

	relate(a, x, y, &order);
	return order;
}

static int compare(const void *x, const void *y, void *arg)
{
	const struct expr_ast *a = arg;

	return expr_paths_cmp(a, &a->nodes[*(const uint16_t *)x], &a->nodes[*(const uint16_t *)y]);
}

uint16_t *expr_paths_sorted(const struct expr_ast *a)
{
	uint16_t *list = mem_new(a->actions_n * sizeof *list);

	for (size_t i = 0; i < a->actions_n; i++)
		list[i] = a->actions[i].path;
	qsort_r(list, a->actions_n, sizeof *list, compare, (void *)a);
	return list;
}

/* In sorted order a bad pair, if there is any, is somewhere a pair of neighbours. */
static bool any(const struct expr_ast *a)
{
	uint16_t *list = expr_paths_sorted(a);
	bool found = false;
	int order;

	for (size_t i = 1; i < a->actions_n && !found; i++)
		found = relate(a, &a->nodes[list[i - 1]], &a->nodes[list[i]], &order) != APART;
	free(list);
	return found;
}

static bool complain(const struct expr_ast *a, size_t i, size_t j, const char *how, struct buf *err)
{
	buf_fmt(err,
		"Two document paths %s with each other; must remove or rewrite one of these paths; path one: ", how);
	expr_ast_path_text(a, &a->nodes[a->actions[i].path], err);
	buf_str(err, ", path two: ");
	expr_ast_path_text(a, &a->nodes[a->actions[j].path], err);
	return false;
}

bool expr_paths_check(const struct expr_ast *a, struct buf *err)
{
	int order;

	if (!any(a))
		return true;
	/* The real service reports an overlap before a conflict, and by the order of the text. */
	for (enum relation wanted = OVERLAP; wanted <= CONFLICT; wanted++)
		for (size_t j = 1; j < a->actions_n; j++)
			for (size_t i = 0; i < j; i++)
				if (relate(a, &a->nodes[a->actions[i].path], &a->nodes[a->actions[j].path], &order)
					== wanted)
					return complain(a, i, j, wanted == OVERLAP ? "overlap" : "conflict", err);
	return true;
}
