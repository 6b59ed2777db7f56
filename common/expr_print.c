#include "expr.h"

#include <string.h>

#include "expr_prog.h"
#include "expr_text.h"

struct printer {
	struct expr_prog p;
	struct cur c;
	struct buf *out;
};

static void step(struct printer *w, const struct item_step *s, bool first)
{
	if (s->is_index) {
		buf_fmt(w->out, "[%u]", s->index);
		return;
	}
	if (!first)
		buf_str(w->out, ".");
	expr_text_quote(s->name, w->out);
}

static void path(struct printer *w)
{
	struct expr_path path;

	expr_prog_path(&w->p, &w->c, &path);
	for (size_t i = 0; i < path.n; i++)
		step(w, &path.step[i], i == 0);
}

static void operand(struct printer *w)
{
	uint8_t op = cur_u8(&w->c);
	bool size = op == EXPR_C_SIZE;

	if (size) {
		buf_str(w->out, "size(");
		op = cur_u8(&w->c);
	}
	if (op == EXPR_C_VALUE)
		expr_text_value(expr_prog_value(&w->p, &w->c), w->out);
	else
		path(w);
	if (size)
		buf_str(w->out, ")");
}

static void list(struct printer *w, uint64_t n)
{
	for (uint64_t i = 0; i < n; i++) {
		buf_str(w->out, i > 0 ? ", " : "");
		operand(w);
	}
}

static void test(struct printer *w, uint8_t op)
{
	static const char *const name[] = { "", " = ", " <> ", " < ", " <= ", " > ", " >= ", " BETWEEN ", " IN (",
		"attribute_exists(", "attribute_not_exists(", "attribute_type(", "begins_with(", "contains(" };
	uint64_t n;

	if (op >= EXPR_C_EXISTS) {
		buf_str(w->out, name[op]);
		if (op == EXPR_C_TYPE) {
			operand(w);
			buf_fmt(w->out, ", %s", item_type_name(cur_u8(&w->c)));
		} else if (op == EXPR_C_EXISTS || op == EXPR_C_ABSENT) {
			path(w);
		} else {
			list(w, 2);
		}
		buf_str(w->out, ")");
		return;
	}
	n = op == EXPR_C_IN ? cur_varint(&w->c) : 1;
	operand(w);
	buf_str(w->out, name[op]);
	list(w, n);
	if (op == EXPR_C_IN)
		buf_str(w->out, ")");
	if (op == EXPR_C_BETWEEN) {
		buf_str(w->out, " AND ");
		operand(w);
	}
}

static void insert(struct buf *out, size_t at, const char *s)
{
	size_t n = strlen(s);

	if (buf_room(out, n) == NULL)
		return;
	memmove(out->p + at + n, out->p + at, out->n - at);
	memcpy(out->p + at, s, n);
	out->n += n;
}

/* The left side of AND and OR, and what NOT is about, is printed before they are seen: brackets go in behind. */
static void condition(struct printer *w)
{
	struct { size_t at; const uint8_t *end; } open[EXPR_OPERATORS_MAX + 2];
	size_t depth = 0, start = w->out->n;

	for (;;) {
		uint8_t op;

		while (depth > 0 && open[depth - 1].end == w->c.p) {
			buf_str(w->out, ")");
			start = open[--depth].at;
		}
		if (w->c.bad || w->c.p == w->c.end)
			return;
		op = cur_u8(&w->c);
		if (op == EXPR_C_NOT) {
			insert(w->out, start, "NOT ");
		} else if (op == EXPR_C_AND || op == EXPR_C_OR) {
			uint16_t right = cur_u16(&w->c);

			insert(w->out, start, "(");
			buf_str(w->out, op == EXPR_C_AND ? " AND " : " OR ");
			open[depth].at = start;
			open[depth++].end = w->c.p + right;
			start = w->out->n;
		} else {
			test(w, op);
		}
	}
}

static void sum(struct printer *w)
{
	uint8_t op = cur_u8(&w->c);

	switch (op) {
	case EXPR_C_VALUE:
		expr_text_value(expr_prog_value(&w->p, &w->c), w->out);
		return;
	case EXPR_C_PATH:
		path(w);
		return;
	case EXPR_C_IF_NOT_EXISTS:
		buf_str(w->out, "if_not_exists(");
		path(w);
		buf_str(w->out, ", ");
		sum(w);
		break;
	default:
		buf_str(w->out, op == EXPR_C_APPEND ? "list_append(" : "(");
		sum(w);
		buf_str(w->out, op == EXPR_C_APPEND ? ", " : op == EXPR_C_PLUS ? " + " : " - ");
		sum(w);
		break;
	}
	buf_str(w->out, ")");
}

static void update(struct printer *w)
{
	static const char *const name[] = { "", "SET ", "REMOVE ", "ADD ", "DELETE " };
	struct cur trie;
	uint64_t n;

	expr_prog_update(&w->p, &w->c, &trie);
	n = cur_varint(&w->c);
	for (uint64_t i = 0; i < n; i++) {
		uint8_t kind = cur_u8(&w->c);

		buf_str(w->out, i > 0 ? "; " : "");
		buf_str(w->out, name[kind]);
		path(w);
		if (kind == EXPR_PROG_SET) {
			buf_str(w->out, " = ");
			sum(w);
		} else if (kind != EXPR_PROG_REMOVE) {
			buf_str(w->out, " ");
			expr_text_value(expr_prog_value(&w->p, &w->c), w->out);
		}
	}
}

/* a, b(.c, .d([0])): what hangs below a step is in brackets. */
static void trie(struct printer *w, bool first)
{
	uint64_t n = cur_varint(&w->c);

	if (n > 0 && !first)
		buf_str(w->out, "(");
	for (uint64_t i = 0; i < n; i++) {
		struct item_step s;

		expr_prog_step(&w->p, &w->c, &s);
		buf_str(w->out, i > 0 ? ", " : "");
		step(w, &s, first);
		trie(w, false);
	}
	if (n > 0 && !first)
		buf_str(w->out, ")");
}

void expr_print(struct bytes prog, struct buf *out)
{
	struct printer w = { .out = out };

	for (enum expr_kind kind = EXPR_KIND_CONDITION; kind <= EXPR_KIND_UPDATE; kind++) {
		if (!expr_check(prog, kind))
			continue;
		expr_prog_open(&w.p, prog, kind);
		w.c = cur_of(w.p.code);
		if (kind == EXPR_KIND_CONDITION)
			condition(&w);
		else if (kind == EXPR_KIND_PROJECTION)
			trie(&w, true);
		else
			update(&w);
		return;
	}
	buf_str(out, "<malformed>");
}
