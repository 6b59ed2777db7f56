#include "expr_prog.h"

bool expr_prog_open(struct expr_prog *p, struct bytes prog, enum expr_kind kind)
{
	struct cur c = cur_of(prog);
	uint8_t version = cur_u8(&c), found = cur_u8(&c);
	size_t entries, code_n;
	uint32_t heap_n;

	*p = (struct expr_prog){ .kind = kind };
	p->names = cur_u16(&c);
	p->values = cur_u16(&c);
	code_n = cur_u16(&c);
	entries = (size_t)p->names + p->values;
	p->ends = cur_bytes(&c, entries * 4).p;
	if (c.bad || version != EXPR_PROG_VERSION || found != kind || prog.n > EXPR_PROGRAM_BYTES_MAX)
		return false;
	heap_n = entries > 0 ? load_u32(p->ends + (entries - 1) * 4) : 0;
	p->heap = cur_bytes(&c, heap_n);
	p->code = cur_rest(&c);
	return !c.bad && code_n > 0 && p->code.n == code_n;
}

static struct bytes entry(const struct expr_prog *p, struct cur *c, size_t i)
{
	uint32_t from = i > 0 ? load_u32(p->ends + (i - 1) * 4) : 0, to = load_u32(p->ends + i * 4);

	if (from > to || to > p->heap.n) {
		c->bad = true;
		return BYTES_NONE;
	}
	return (struct bytes){ p->heap.p + from, to - from };
}

struct bytes expr_prog_name(const struct expr_prog *p, struct cur *c, uint64_t i)
{
	if (c->bad || i >= p->names) {
		c->bad = true;
		return BYTES_NONE;
	}
	return entry(p, c, (size_t)i);
}

struct bytes expr_prog_value_bytes(const struct expr_prog *p, struct cur *c, uint64_t i)
{
	if (c->bad || i >= p->values) {
		c->bad = true;
		return BYTES_NONE;
	}
	return entry(p, c, p->names + (size_t)i);
}

struct value expr_prog_value(const struct expr_prog *p, struct cur *c)
{
	struct bytes raw = expr_prog_value_bytes(p, c, cur_varint(c));
	struct value v = { 0 };

	if (!c->bad)
		v = item_value(raw);
	if (v.tag == ITEM_NONE)
		c->bad = true;
	return v;
}

void expr_prog_step(const struct expr_prog *p, struct cur *c, struct item_step *step)
{
	uint64_t v = cur_varint(c);

	*step = (struct item_step){ .is_index = (v & 1) != 0 };
	if (!step->is_index)
		step->name = expr_prog_name(p, c, v >> 1);
	else if (v >> 1 > INT32_MAX)
		c->bad = true;
	else
		step->index = (uint32_t)(v >> 1);
}

void expr_prog_path(const struct expr_prog *p, struct cur *c, struct expr_path *path)
{
	uint64_t n = cur_varint(c);

	path->n = 0;
	if (n == 0 || n > EXPR_PROG_STEPS_MAX)
		c->bad = true;
	while (!c->bad && path->n < n)
		expr_prog_step(p, c, &path->step[path->n++]);
	if (!c->bad && path->step[0].is_index)
		c->bad = true;
}

bool expr_prog_update(const struct expr_prog *p, struct cur *actions, struct cur *trie)
{
	struct cur c = cur_of(p->code);
	uint16_t n = cur_u16(&c);

	*actions = cur_of(cur_bytes(&c, n));
	*trie = c;
	return !c.bad;
}
