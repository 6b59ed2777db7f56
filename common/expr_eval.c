#include "expr_eval.h"

#include <string.h>

#include "expr_find.h"
#include "expr_prog.h"

struct machine {
	struct expr_prog p;
	struct cur c;
	struct expr_find find;
};

/* A number that size made has no bytes in any item: they are kept here. */
struct operand {
	struct value v;
	uint8_t made[NUM_BYTES_MAX + 2];
};

static struct value lookup(struct machine *m)
{
	struct expr_path path;
	struct value v = { 0 };

	expr_prog_path(&m->p, &m->c, &path);
	if (!m->c.bad)
		expr_find_path(&m->find, &path, &v);
	return v;
}

/* The service counts a string in units of UTF-16, as others have measured: two for what takes four bytes here. */
static size_t utf16_units(struct bytes s)
{
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++)
		n += ((s.p[i] & 0xc0) != 0x80) + (s.p[i] >= 0xf0);
	return n;
}

static void size_of(struct operand *o)
{
	struct num n;
	size_t size, len;

	switch (o->v.tag) {
	case ITEM_S: size = utf16_units(o->v.body); break;
	case ITEM_B: size = o->v.body.n; break;
	case ITEM_SS:
	case ITEM_NS:
	case ITEM_BS:
	case ITEM_L:
	case ITEM_M: size = item_count(o->v.body); break;
	default: o->v = (struct value){ 0 }; return;
	}
	n = num_of_u64(size);
	len = num_encode(o->made + 2, &n);
	o->made[0] = ITEM_N;
	o->made[1] = (uint8_t)len;
	o->v = (struct value){ ITEM_N, { o->made, len + 2 }, { o->made + 2, len } };
}

static void operand(struct machine *m, struct operand *o)
{
	uint8_t op = cur_u8(&m->c);
	bool size = op == EXPR_C_SIZE;

	if (size)
		op = cur_u8(&m->c);
	o->v = (struct value){ 0 };
	if (op == EXPR_C_VALUE)
		o->v = expr_prog_value(&m->p, &m->c);
	else if (op == EXPR_C_PATH)
		o->v = lookup(m);
	else
		m->c.bad = true;
	if (size)
		size_of(o);
}

static bool equal(struct value a, struct value b)
{
	return a.tag != ITEM_NONE && item_value_eq(a, b);
}

/* What is absent or of another type is in no order; but it is not equal either. */
static bool compare(uint8_t op, struct value a, struct value b)
{
	bool ok = false;
	int order;

	if (op == EXPR_C_EQ || op == EXPR_C_NE)
		return equal(a, b) == (op == EXPR_C_EQ);
	order = a.tag != ITEM_NONE && a.tag == b.tag ? item_value_cmp(a, b, &ok) : 0;
	if (!ok)
		return false;
	switch (op) {
	case EXPR_C_LT: return order < 0;
	case EXPR_C_LE: return order <= 0;
	case EXPR_C_GT: return order > 0;
	default: return order >= 0;
	}
}

static bool begins(struct value a, struct value b)
{
	return a.tag == b.tag && (a.tag == ITEM_S || a.tag == ITEM_B) && bytes_starts(a.body, b.body);
}

static bool contains(struct machine *m, struct value a, struct value b)
{
	struct item_iter it;
	struct value v;

	if (a.tag == ITEM_NONE || b.tag == ITEM_NONE)
		return false;
	if (a.tag == b.tag && (a.tag == ITEM_S || a.tag == ITEM_B))
		return b.body.n == 0 || memmem(a.body.p, a.body.n, b.body.p, b.body.n) != NULL;
	if ((a.tag == ITEM_SS && b.tag == ITEM_S) || (a.tag == ITEM_NS && b.tag == ITEM_N)
	    || (a.tag == ITEM_BS && b.tag == ITEM_B))
		return expr_find_element(&m->find, a.body, b.body);
	if (a.tag != ITEM_L)
		return false;
	it = item_iter(a.body);
	while (item_next_value(&it, &v))
		if (item_value_eq(v, b))
			return true;
	return false;
}

static bool in(struct machine *m)
{
	struct operand left, right;
	uint64_t n = cur_varint(&m->c);
	bool found = false;

	if (n == 0 || n > EXPR_IN_MAX)
		m->c.bad = true;
	operand(m, &left);
	for (uint64_t i = 0; i < n && !m->c.bad; i++) {
		operand(m, &right);
		found = found || equal(left.v, right.v);
	}
	return found;
}

static bool has_type(uint8_t tag, uint8_t wanted)
{
	return tag != ITEM_NONE && (tag == ITEM_TRUE ? ITEM_FALSE : tag) == wanted;
}

static bool test(struct machine *m, uint8_t op)
{
	struct operand x, y, z;

	if (op == EXPR_C_IN)
		return in(m);
	if (op == EXPR_C_EXISTS || op == EXPR_C_ABSENT)
		return (lookup(m).tag != ITEM_NONE) == (op == EXPR_C_EXISTS);
	operand(m, &x);
	if (op == EXPR_C_TYPE)
		return has_type(x.v.tag, cur_u8(&m->c));
	operand(m, &y);
	switch (op) {
	case EXPR_C_BETWEEN:
		operand(m, &z);
		return compare(EXPR_C_GE, x.v, y.v) && compare(EXPR_C_LE, x.v, z.v);
	case EXPR_C_BEGINS: return begins(x.v, y.v);
	case EXPR_C_CONTAINS: return contains(m, x.v, y.v);
	default: return compare(op, x.v, y.v);
	}
}

static bool run(struct machine *m)
{
	bool truth = false;

	while (!m->c.bad && m->c.p < m->c.end) {
		uint8_t op = cur_u8(&m->c);

		if (op == EXPR_C_AND || op == EXPR_C_OR) {
			uint16_t right = cur_u16(&m->c);

			if (truth == (op == EXPR_C_OR))
				cur_bytes(&m->c, right);
		} else if (op == EXPR_C_NOT) {
			truth = !truth;
		} else if (op >= EXPR_C_EQ && op <= EXPR_C_CONTAINS) {
			truth = test(m, op);
		} else {
			m->c.bad = true;
		}
	}
	return truth;
}

enum expr_result expr_eval_condition(struct bytes prog, struct bytes item)
{
	struct machine m;
	bool truth;

	if (!expr_prog_open(&m.p, prog, EXPR_KIND_CONDITION))
		return EXPR_MALFORMED;
	m.c = cur_of(m.p.code);
	expr_find_init(&m.find, item);
	truth = run(&m);
	expr_find_fini(&m.find);
	if (m.c.bad)
		return EXPR_MALFORMED;
	return truth ? EXPR_TRUE : EXPR_FALSE;
}
