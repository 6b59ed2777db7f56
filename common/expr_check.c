#include "expr_prog.h"
#include "item.h"

/* Nesting of the right sides of AND and OR, of sums, and of tries are each bounded by these. */
#define RIGHTS_MAX (EXPR_OPERATORS_MAX + 1)

static void check_operand(const struct expr_prog *p, struct cur *c)
{
	struct expr_path path;
	uint8_t op = cur_u8(c);

	if (op == EXPR_C_SIZE)
		op = cur_u8(c);
	if (op == EXPR_C_VALUE)
		expr_prog_value(p, c);
	else if (op == EXPR_C_PATH)
		expr_prog_path(p, c, &path);
	else
		c->bad = true;
}

static void check_test(const struct expr_prog *p, struct cur *c, uint8_t op)
{
	struct expr_path path;
	uint64_t operands = 2;
	uint8_t tag;

	if (op == EXPR_C_EXISTS || op == EXPR_C_ABSENT) {
		expr_prog_path(p, c, &path);
		return;
	}
	if (op == EXPR_C_TYPE) {
		check_operand(p, c);
		tag = cur_u8(c);
		if (tag == ITEM_NONE || tag == ITEM_TRUE || tag > ITEM_M)
			c->bad = true;
		return;
	}
	if (op == EXPR_C_BETWEEN)
		operands = 3;
	else if (op == EXPR_C_IN)
		operands = cur_varint(c) + 1;
	if (operands < 2 || operands > EXPR_IN_MAX + 1)
		c->bad = true;
	while (!c->bad && operands-- > 0)
		check_operand(p, c);
}

/*
 * have: a condition stands complete, to be followed by NOT, AND, OR or the end of the right side that it is in.  Right
 * sides nest, so their ends are a stack.
 */
static bool check_condition(const struct expr_prog *p)
{
	struct cur c = cur_of(p->code);
	const uint8_t *ends[RIGHTS_MAX], *outer = c.end;
	size_t depth = 0;
	bool have = false;

	for (;;) {
		uint8_t op;

		while (depth > 0 && ends[depth - 1] == c.p && have)
			depth--;
		if (c.bad || (have && c.p == c.end))
			return !c.bad && depth == 0;
		outer = depth > 0 ? ends[depth - 1] : c.end;
		op = cur_u8(&c);
		if (op == EXPR_C_NOT || op == EXPR_C_AND || op == EXPR_C_OR) {
			size_t right = op == EXPR_C_NOT ? 0 : cur_u16(&c);

			if (!have || c.bad || right > (size_t)(outer - c.p) || depth == RIGHTS_MAX)
				return false;
			if (op == EXPR_C_NOT)
				continue;
			ends[depth++] = c.p + right;
			have = false;
		} else {
			if (have || op == 0 || op > EXPR_C_CONTAINS)
				return false;
			check_test(p, &c, op);
			if (c.p > outer)
				return false;
			have = true;
		}
	}
}

static void check_trie(const struct expr_prog *p, struct cur *c, unsigned depth)
{
	uint64_t n = cur_varint(c);
	struct item_step before = { 0 }, step;

	if (n > 0 && depth == EXPR_PROG_STEPS_MAX)
		c->bad = true;
	for (uint64_t i = 0; i < n && !c->bad; i++, before = step) {
		expr_prog_step(p, c, &step);
		if (depth == 0 && step.is_index)
			c->bad = true;
		if (i > 0 && (step.is_index != before.is_index
		    || (step.is_index ? step.index <= before.index : bytes_cmp(step.name, before.name) <= 0)))
			c->bad = true;
		check_trie(p, c, depth + 1);
	}
}

static void check_sum(const struct expr_prog *p, struct cur *c, unsigned depth)
{
	struct expr_path path;
	uint8_t op = cur_u8(c);

	if (depth > EXPR_DEPTH_MAX)
		c->bad = true;
	if (c->bad)
		return;
	switch (op) {
	case EXPR_C_VALUE:
		expr_prog_value(p, c);
		return;
	case EXPR_C_PATH:
		expr_prog_path(p, c, &path);
		return;
	case EXPR_C_IF_NOT_EXISTS:
		expr_prog_path(p, c, &path);
		check_sum(p, c, depth + 1);
		return;
	case EXPR_C_APPEND:
	case EXPR_C_PLUS:
	case EXPR_C_MINUS:
		check_sum(p, c, depth + 1);
		check_sum(p, c, depth + 1);
		return;
	default:
		c->bad = true;
	}
}

static void check_update(const struct expr_prog *p, struct cur *c)
{
	uint64_t n = cur_varint(c);
	struct expr_path path;

	if (n == 0 || n > EXPR_PROG_ACTIONS_MAX)
		c->bad = true;
	for (uint64_t i = 0; i < n && !c->bad; i++) {
		uint8_t kind = cur_u8(c), tag;

		expr_prog_path(p, c, &path);
		if (kind == EXPR_PROG_SET) {
			check_sum(p, c, 0);
		} else if (kind == EXPR_PROG_ADD || kind == EXPR_PROG_DELETE) {
			tag = expr_prog_value(p, c).tag;
			if (tag != ITEM_SS && tag != ITEM_NS && tag != ITEM_BS
				&& (kind != EXPR_PROG_ADD || tag != ITEM_N))
				c->bad = true;
		} else if (kind != EXPR_PROG_REMOVE) {
			c->bad = true;
		}
	}
}

static bool check_pools(const struct expr_prog *p)
{
	struct cur c = cur_of(BYTES_NONE);

	for (size_t i = 0; i < p->names; i++) {
		struct bytes name = expr_prog_name(p, &c, i);

		if (c.bad || name.n == 0 || name.n > ITEM_NAME_MAX || !bytes_utf8(name))
			return false;
	}
	for (size_t i = 0; i < p->values; i++) {
		struct bytes value = expr_prog_value_bytes(p, &c, i);

		if (c.bad || !item_check_value(value))
			return false;
	}
	return true;
}

bool expr_check(struct bytes prog, enum expr_kind kind)
{
	struct expr_prog p;
	struct cur c, actions;

	if (!expr_prog_open(&p, prog, kind) || !check_pools(&p))
		return false;
	if (kind == EXPR_KIND_CONDITION)
		return check_condition(&p);
	c = cur_of(p.code);
	if (kind == EXPR_KIND_UPDATE) {
		if (!expr_prog_update(&p, &actions, &c))
			return false;
		check_update(&p, &actions);
		if (!cur_done(&actions))
			return false;
	}
	check_trie(&p, &c, 0);
	return cur_done(&c);
}
