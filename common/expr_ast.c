#include "expr_ast.h"

#include <assert.h>
#include <stdlib.h>

#include "expr_text.h"
#include "mem.h"

void expr_ast_init(struct expr_ast *a)
{
	*a = (struct expr_ast){ 0 };
	expr_ast_node(a, EXPR_N_PATH, BYTES_NONE);
	expr_ast_step(a, (struct expr_step){ 0 });
}

void expr_ast_fini(struct expr_ast *a)
{
	free(a->nodes);
	free(a->steps);
	free(a->actions);
	*a = (struct expr_ast){ 0 };
}

/* Room for one more.  A text of EXPR_TEXT_BYTES_MAX has fewer tokens than a uint16_t counts. */
static void *grow(void *p, size_t n, size_t *cap, size_t each)
{
	assert(n < UINT16_MAX);
	if (n < *cap)
		return p;
	*cap = *cap > 0 ? 2 * *cap : 16;
	return mem_resize(p, *cap * each);
}

uint16_t expr_ast_node(struct expr_ast *a, enum expr_node_kind kind, struct bytes text)
{
	a->nodes = grow(a->nodes, a->nodes_n, &a->nodes_cap, sizeof *a->nodes);
	a->nodes[a->nodes_n] = (struct expr_node){ .kind = (uint8_t)kind, .text = text };
	return (uint16_t)a->nodes_n++;
}

uint16_t expr_ast_step(struct expr_ast *a, struct expr_step step)
{
	a->steps = grow(a->steps, a->steps_n, &a->steps_cap, sizeof *a->steps);
	a->steps[a->steps_n] = step;
	return (uint16_t)a->steps_n++;
}

void expr_ast_action(struct expr_ast *a, enum expr_action_kind kind, uint16_t path, uint16_t value)
{
	a->actions = grow(a->actions, a->actions_n, &a->actions_cap, sizeof *a->actions);
	a->actions[a->actions_n++] = (struct expr_action){ (uint8_t)kind, path, value };
}

void expr_ast_child(struct expr_ast *a, uint16_t parent, uint16_t child)
{
	struct expr_node *p = &a->nodes[parent];

	if (p->first == 0)
		p->first = child;
	else
		a->nodes[p->last].next = child;
	p->last = child;
	p->kids++;
}

uint16_t expr_ast_kid(const struct expr_ast *a, uint16_t node, size_t i)
{
	uint16_t kid = a->nodes[node].first;

	while (i-- > 0 && kid != 0)
		kid = a->nodes[kid].next;
	return kid;
}

void expr_ast_path_text(const struct expr_ast *a, const struct expr_node *path, struct buf *out)
{
	size_t end = out->n + EXPR_TEXT_QUOTE_MAX;

	buf_str(out, "[");
	for (size_t i = 0; i < path->steps && out->n < end; i++) {
		const struct expr_step *s = &a->steps[path->step + i];

		if (i > 0)
			buf_str(out, ", ");
		if (s->is_index)
			buf_fmt(out, "[%u]", s->index);
		else
			expr_text_quote(s->name, out);
	}
	buf_str(out, "]");
}
