#include "expr_code.h"

#include <assert.h>
#include <stdlib.h>

#include "expr_lex.h"
#include "expr_paths.h"
#include "expr_prog.h"

struct writer {
	const struct expr_ast *a;
	struct buf names, values, name_ends, value_ends, code;
	uint16_t names_n, values_n;
	uint32_t program;                       /* s->program: an alias of this number is in the pool already */
};

static void begin(struct writer *w, const struct expr_ast *a, struct expr_subst *s)
{
	*w = (struct writer){ .a = a, .program = ++s->program };
}

static void end(struct writer *w, enum expr_kind kind, struct buf *out)
{
	buf_u8(out, EXPR_PROG_VERSION);
	buf_u8(out, (uint8_t)kind);
	buf_u16(out, w->names_n);
	buf_u16(out, w->values_n);
	assert(w->code.n > 0 && w->code.n <= EXPR_PROG_CODE_MAX);
	buf_u16(out, (uint16_t)w->code.n);
	buf_bytes(out, buf_view(&w->name_ends));
	for (size_t i = 0; i < w->values_n; i++)
		buf_u32(out, (uint32_t)w->names.n + load_u32(w->value_ends.p + i * 4));
	buf_bytes(out, buf_view(&w->names));
	buf_bytes(out, buf_view(&w->values));
	buf_bytes(out, buf_view(&w->code));
	buf_fini(&w->names);
	buf_fini(&w->values);
	buf_fini(&w->name_ends);
	buf_fini(&w->value_ends);
	buf_fini(&w->code);
}

/* An alias's bytes go in once a program, however often it is used: 4 KB of text must not become megabytes. */
static uint16_t pool(struct writer *w, struct expr_alias *alias, struct bytes to, bool name)
{
	uint16_t *n = name ? &w->names_n : &w->values_n;

	if (alias != NULL && alias->program == w->program)
		return alias->pool;
	buf_bytes(name ? &w->names : &w->values, to);
	buf_u32(name ? &w->name_ends : &w->value_ends, (uint32_t)(name ? w->names.n : w->values.n));
	if (alias != NULL) {
		alias->program = w->program;
		alias->pool = *n;
	}
	return (*n)++;
}

static void value(struct writer *w, const struct expr_node *n)
{
	buf_varint(&w->code, pool(w, n->alias, n->to, false));
}

static void step(struct writer *w, const struct expr_step *s)
{
	if (s->is_index)
		buf_varint(&w->code, (uint64_t)s->index << 1 | 1);
	else
		buf_varint(&w->code, (uint64_t)pool(w, s->alias, s->name, true) << 1);
}

static void path(struct writer *w, const struct expr_node *n)
{
	buf_varint(&w->code, n->steps);
	for (size_t i = 0; i < n->steps; i++)
		step(w, &w->a->steps[n->step + i]);
}

/* --- conditions -------------------------------------------------------------------------------------------------- */

static void operand(struct writer *w, uint16_t node)
{
	const struct expr_node *n = &w->a->nodes[node];

	if (n->kind == EXPR_N_FUNCTION) {
		buf_u8(&w->code, EXPR_C_SIZE);
		n = &w->a->nodes[n->first];
	}
	buf_u8(&w->code, n->kind == EXPR_N_VALUE ? EXPR_C_VALUE : EXPR_C_PATH);
	if (n->kind == EXPR_N_VALUE)
		value(w, n);
	else
		path(w, n);
}

static uint8_t type_tag(struct bytes name)
{
	for (uint8_t tag = ITEM_S; tag <= ITEM_M; tag++)
		if (bytes_is(name, item_type_name(tag)))
			return tag;
	return ITEM_NONE;
}

static void function(struct writer *w, const struct expr_node *n)
{
	const struct expr_node *type = &w->a->nodes[n->last];

	if (bytes_is(n->text, "attribute_exists") || bytes_is(n->text, "attribute_not_exists")) {
		buf_u8(&w->code, bytes_is(n->text, "attribute_exists") ? EXPR_C_EXISTS : EXPR_C_ABSENT);
		path(w, &w->a->nodes[n->first]);
	} else if (bytes_is(n->text, "attribute_type")) {
		buf_u8(&w->code, EXPR_C_TYPE);
		operand(w, n->first);
		buf_u8(&w->code, type_tag(item_value(type->to).body));
	} else {
		buf_u8(&w->code, bytes_is(n->text, "contains") ? EXPR_C_CONTAINS : EXPR_C_BEGINS);
		operand(w, n->first);
		operand(w, n->last);
	}
}

static void test(struct writer *w, const struct expr_node *n)
{
	uint16_t kid = n->first;

	if (n->kind == EXPR_N_FUNCTION) {
		function(w, n);
		return;
	}
	if (n->kind == EXPR_N_COMPARE)
		buf_u8(&w->code, (uint8_t)(n->op - EXPR_T_EQ + EXPR_C_EQ));
	else
		buf_u8(&w->code, n->kind == EXPR_N_BETWEEN ? EXPR_C_BETWEEN : EXPR_C_IN);
	if (n->kind == EXPR_N_IN)
		buf_varint(&w->code, n->kids - 1u);
	for (size_t i = 0; i < n->kids; i++, kid = w->a->nodes[kid].next)
		operand(w, kid);
}

_Static_assert(EXPR_T_GE - EXPR_T_EQ == EXPR_C_GE - EXPR_C_EQ && EXPR_T_NE - EXPR_T_EQ == EXPR_C_NE - EXPR_C_EQ
	&& EXPR_T_LT - EXPR_T_EQ == EXPR_C_LT - EXPR_C_EQ && EXPR_T_GT - EXPR_T_EQ == EXPR_C_GT - EXPR_C_EQ,
	"comparisons are in the same order in both");

/* As deep as there are operators: at most EXPR_OPERATORS_MAX. */
static void condition(struct writer *w, uint16_t node)
{
	const struct expr_node *n = &w->a->nodes[node];
	size_t at;

	if (n->kind != EXPR_N_AND && n->kind != EXPR_N_OR && n->kind != EXPR_N_NOT) {
		test(w, n);
		return;
	}
	condition(w, n->first);
	if (n->kind == EXPR_N_NOT) {
		buf_u8(&w->code, EXPR_C_NOT);
		return;
	}
	buf_u8(&w->code, n->kind == EXPR_N_AND ? EXPR_C_AND : EXPR_C_OR);
	at = w->code.n;
	buf_u16(&w->code, 0);
	condition(w, n->last);
	store_u16(w->code.p + at, (uint16_t)(w->code.n - at - 2));
}

void expr_code_condition(const struct expr_ast *a, struct expr_subst *s, struct buf *out)
{
	struct writer w;

	begin(&w, a, s);
	condition(&w, a->root);
	end(&w, EXPR_KIND_CONDITION, out);
}

/* --- projections and updates ------------------------------------------------------------------------------------- */

/* The trie of list[from..to), sorted paths that agree on their first depth steps. */
static void trie(struct writer *w, const uint16_t *list, size_t from, size_t to, size_t depth)
{
	const struct expr_ast *a = w->a;
	size_t n = 0, next;

	if (from == to || a->nodes[list[from]].steps == depth) {
		buf_varint(&w->code, 0);
		return;
	}
	for (size_t pass = 0; pass < 2; pass++) {
		if (pass == 1)
			buf_varint(&w->code, n);
		for (size_t i = from; i < to; i = next) {
			const struct expr_step *s = &a->steps[a->nodes[list[i]].step + depth];

			for (next = i + 1; next < to; next++)
				if (expr_paths_step_cmp(s, &a->steps[a->nodes[list[next]].step + depth]) != 0)
					break;
			n++;
			if (pass == 0)
				continue;
			step(w, s);
			trie(w, list, i, next, depth + 1);
		}
	}
}

static void whole_trie(struct writer *w)
{
	uint16_t *list = expr_paths_sorted(w->a);

	trie(w, list, 0, w->a->actions_n, 0);
	free(list);
}

void expr_code_projection(const struct expr_ast *a, struct expr_subst *s, struct buf *out)
{
	struct writer w;

	begin(&w, a, s);
	whole_trie(&w);
	end(&w, EXPR_KIND_PROJECTION, out);
}

/* As deep as functions nest: at most EXPR_DEPTH_MAX. */
static void sum(struct writer *w, uint16_t node)
{
	const struct expr_node *n = &w->a->nodes[node];

	switch (n->kind) {
	case EXPR_N_VALUE:
		buf_u8(&w->code, EXPR_C_VALUE);
		value(w, n);
		return;
	case EXPR_N_PATH:
		buf_u8(&w->code, EXPR_C_PATH);
		path(w, n);
		return;
	case EXPR_N_ARITH:
		buf_u8(&w->code, n->op == EXPR_T_PLUS ? EXPR_C_PLUS : EXPR_C_MINUS);
		break;
	default:
		buf_u8(&w->code, bytes_is(n->text, "list_append") ? EXPR_C_APPEND : EXPR_C_IF_NOT_EXISTS);
		if (bytes_is(n->text, "list_append"))
			break;
		path(w, &w->a->nodes[n->first]);
		sum(w, n->last);
		return;
	}
	sum(w, n->first);
	sum(w, n->last);
}

void expr_code_update(const struct expr_ast *a, struct expr_subst *s, struct buf *out)
{
	struct writer w;

	begin(&w, a, s);
	buf_u16(&w.code, 0);
	buf_varint(&w.code, a->actions_n);
	for (size_t i = 0; i < a->actions_n; i++) {
		const struct expr_action *action = &a->actions[i];

		buf_u8(&w.code, action->kind);
		path(&w, &a->nodes[action->path]);
		if (action->kind == EXPR_A_SET)
			sum(&w, action->value);
		else if (action->kind != EXPR_A_REMOVE)
			value(&w, &a->nodes[action->value]);
	}
	assert(w.code.n - 2 <= UINT16_MAX);
	store_u16(w.code.p, (uint16_t)(w.code.n - 2));
	whole_trie(&w);
	end(&w, EXPR_KIND_UPDATE, out);
}
