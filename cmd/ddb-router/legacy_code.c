/* Syntax trees as the parser would make them; from there it is the way of expressions, but for the limits of a text. */
#include <assert.h>
#include <stdlib.h>

#include "expr_ast.h"
#include "expr_code.h"
#include "expr_compile.h"
#include "expr_lex.h"
#include "legacy.h"
#include "mem.h"

#define EMPTY_LIST BYTES_LIT("\x0a\x01\x00")     /* the list, one byte of body, no elements */
_Static_assert(ITEM_L == 0x0a, "EMPTY_LIST");

struct builder {
	const struct legacy *l;
	const struct legacy_entry *entry;
	size_t n;
	struct expr_alias *alias;                /* of each entry's name, so that a program has it once */
	struct expr_ast a;
};

static void begin(struct builder *b, const struct legacy *l, enum legacy_map map)
{
	*b = (struct builder){ .l = l, .entry = l->map[map].entry, .n = l->map[map].n };
	b->alias = mem_new((b->n + 1) * sizeof *b->alias);
	for (size_t i = 0; i < b->n; i++)
		b->alias[i].rank = (uint32_t)i;          /* right for sorted entries, which only updates need */
	expr_ast_init(&b->a);
}

static void end(struct builder *b)
{
	free(b->alias);
	expr_ast_fini(&b->a);
}

static uint16_t path(struct builder *b, size_t i)
{
	uint16_t node = expr_ast_node(&b->a, EXPR_N_PATH, BYTES_NONE);

	b->a.nodes[node].step = expr_ast_step(&b->a, (struct expr_step){ .name = b->entry[i].name,
	                                                                 .alias = &b->alias[i] });
	b->a.nodes[node].steps = 1;
	return node;
}

static uint16_t value(struct builder *b, struct bytes raw)
{
	uint16_t node = expr_ast_node(&b->a, EXPR_N_VALUE, BYTES_NONE);

	b->a.nodes[node].to = raw;
	return node;
}

static uint16_t argument(struct builder *b, size_t i, size_t which)
{
	return value(b, legacy_value(b->l, &b->entry[i], which).raw);
}

/* A node over one or two others; y 0: one. */
static uint16_t over(struct builder *b, enum expr_node_kind kind, const char *text, uint16_t x, uint16_t y)
{
	uint16_t node = expr_ast_node(&b->a, kind, bytes_str(text));

	b->a.nodes[node].condition = kind == EXPR_N_FUNCTION;
	expr_ast_child(&b->a, node, x);
	if (y != 0)
		expr_ast_child(&b->a, node, y);
	return node;
}

static uint16_t join(struct builder *b, enum expr_node_kind kind, uint16_t x, uint16_t y)
{
	return over(b, kind, kind == EXPR_N_AND ? "AND" : "OR", x, y);
}

/* --- conditions --------------------------------------------------------------------------------------------------- */

static uint16_t compare(struct builder *b, size_t i, enum expr_token op)
{
	uint16_t left = path(b, i), node = over(b, EXPR_N_COMPARE, "", left, argument(b, i, 0));

	b->a.nodes[node].op = (uint8_t)op;
	return node;
}

/* Values first..last of entry i. */
static uint16_t list(struct builder *b, enum expr_node_kind kind, size_t i, size_t first, size_t last)
{
	uint16_t left = path(b, i), kid[EXPR_IN_MAX], node;
	size_t n = last - first + 1;

	assert(n >= 1 && n <= EXPR_IN_MAX);
	for (size_t j = 0; j < n; j++)
		kid[j] = argument(b, i, first + j);
	node = over(b, kind, kind == EXPR_N_IN ? "IN" : "BETWEEN", left, 0);
	for (size_t j = 0; j < n; j++)
		expr_ast_child(&b->a, node, kid[j]);
	return node;
}

/* A program's IN takes EXPR_IN_MAX values, this one any number (unconfirmed). */
static uint16_t in(struct builder *b, size_t i)
{
	size_t n = b->entry[i].n;
	uint16_t node = 0;

	for (size_t first = 0; first < n; first += EXPR_IN_MAX) {
		size_t last = n - first > EXPR_IN_MAX ? first + EXPR_IN_MAX - 1 : n - 1;
		uint16_t part = list(b, EXPR_N_IN, i, first, last);

		node = node == 0 ? part : join(b, EXPR_N_OR, node, part);
	}
	return node;
}

static uint16_t function(struct builder *b, size_t i, const char *name)
{
	uint16_t left = path(b, i);

	return over(b, EXPR_N_FUNCTION, name, left, b->entry[i].n > 0 ? argument(b, i, 0) : 0);
}

/*
 * What is not there contains nothing, and yet is not NOT_CONTAINS (so has scylladb's Alternator it, which is tested
 * against the service); it is NE, as in expressions.
 */
static uint16_t not_contains(struct builder *b, size_t i)
{
	uint16_t left = path(b, i), exists = over(b, EXPR_N_FUNCTION, "attribute_exists", left, 0);
	uint16_t contains = function(b, i, "contains");

	return join(b, EXPR_N_AND, exists, over(b, EXPR_N_NOT, "NOT", contains, 0));
}

static uint16_t test(struct builder *b, size_t i)
{
	static const enum expr_token tokens[] = {
		[LEGACY_EQ] = EXPR_T_EQ, [LEGACY_NE] = EXPR_T_NE, [LEGACY_LT] = EXPR_T_LT,
		[LEGACY_LE] = EXPR_T_LE, [LEGACY_GT] = EXPR_T_GT, [LEGACY_GE] = EXPR_T_GE,
	};
	const struct legacy_entry *e = &b->entry[i];

	switch (e->op) {
	case LEGACY_NO_OP:                           /* Exists, Value */
		return e->n > 0 ? compare(b, i, EXPR_T_EQ) : function(b, i, "attribute_not_exists");
	case LEGACY_BETWEEN:
		return list(b, EXPR_N_BETWEEN, i, 0, 1);
	case LEGACY_IN:
		return in(b, i);
	case LEGACY_NOT_NULL:
		return function(b, i, "attribute_exists");
	case LEGACY_NULL:
		return function(b, i, "attribute_not_exists");
	case LEGACY_CONTAINS:
		return function(b, i, "contains");
	case LEGACY_NOT_CONTAINS:
		return not_contains(b, i);
	case LEGACY_BEGINS_WITH:
		return function(b, i, "begins_with");
	default:
		return compare(b, i, tokens[e->op]);
	}
}

/* Halves, and halves of these, so that nothing that walks the tree goes deep. */
static uint16_t all(struct builder *b, enum expr_node_kind kind, size_t from, size_t to)
{
	size_t mid = from + (to - from) / 2;
	uint16_t left;

	if (to - from == 1)
		return test(b, from);
	left = all(b, kind, from, mid);
	return join(b, kind, left, all(b, kind, mid, to));
}

bool legacy_condition(const struct legacy *l, enum legacy_map map, bool any, const struct key_schema *schema,
                      struct buf *prog, struct buf *err)
{
	struct expr_subst none = { 0 };
	struct builder b;
	bool ok;

	if (l->map[map].n == 0)
		return true;
	begin(&b, l, map);
	b.a.root = all(&b, any ? EXPR_N_OR : EXPR_N_AND, 0, b.n);
	ok = expr_compile_without_key(&b.a, schema, "QueryFilter", err);
	if (ok)
		expr_code_condition(&b.a, &none, prog);
	end(&b);
	return ok;
}

/* --- updates ------------------------------------------------------------------------------------------------------ */

static int by_name(const void *x, const void *y)
{
	return bytes_cmp(((const struct legacy_entry *)x)->name, ((const struct legacy_entry *)y)->name);
}

/* SET name = list_append(if_not_exists(name, []), value) */
static uint16_t appended(struct builder *b, size_t i)
{
	uint16_t old = path(b, i), empty = value(b, EMPTY_LIST);
	uint16_t list_or_empty = over(b, EXPR_N_FUNCTION, "if_not_exists", old, empty);

	return over(b, EXPR_N_FUNCTION, "list_append", list_or_empty, argument(b, i, 0));
}

static void act(struct builder *b, size_t i)
{
	const struct legacy_entry *e = &b->entry[i];
	uint16_t target = path(b, i);

	if (!e->value_given)
		expr_ast_action(&b->a, EXPR_A_REMOVE, target, 0);
	else if (e->action == LEGACY_PUT)
		expr_ast_action(&b->a, EXPR_A_SET, target, argument(b, i, 0));
	else if (e->action == LEGACY_DELETE)
		expr_ast_action(&b->a, EXPR_A_DELETE, target, argument(b, i, 0));
	else if (legacy_value(b->l, e, 0).tag == ITEM_L)
		expr_ast_action(&b->a, EXPR_A_SET, target, appended(b, i));
	else
		expr_ast_action(&b->a, EXPR_A_ADD, target, argument(b, i, 0));
}

bool legacy_update(struct legacy *l, const struct key_schema *schema, struct buf *prog, struct buf *err)
{
	struct legacy_list *list = &l->map[LEGACY_UPDATES];
	struct expr_subst none = { 0 };
	struct builder b;
	bool ok;

	if (list->n == 0)
		return true;
	qsort(list->entry, list->n, sizeof *list->entry, by_name);
	begin(&b, l, LEGACY_UPDATES);
	for (size_t i = 0; i < b.n; i++)
		act(&b, i);
	ok = expr_compile_keeps_key(&b.a, schema, err);
	if (ok)
		expr_code_update(&b.a, &none, prog);
	end(&b);
	return ok;
}

/* --- KeyConditions ------------------------------------------------------------------------------------------------ */

static bool indexable(enum legacy_op op)
{
	return (op >= LEGACY_EQ && op <= LEGACY_BETWEEN && op != LEGACY_NE) || op == LEGACY_BEGINS_WITH;
}

/* Operators that no key has, in the order of the key; a partition key that is missed is told first. */
static bool operators(const struct builder *b, const struct key_schema *schema, struct buf *err)
{
	for (size_t part = 0; part < schema->n; part++) {
		size_t i = 0;

		while (i < b->n && !bytes_eq(b->entry[i].name, schema->part[part].name))
			i++;
		if (i == b->n && part < schema->hash_n)
			return true;
		if (i == b->n || indexable(b->entry[i].op))
			continue;
		buf_str(err, "Attempted conditional constraint is not an indexable operation");
		return false;
	}
	return true;
}

/* A condition on what is no key is refused, whatever it says. */
static uint16_t key_test(struct builder *b, size_t i)
{
	uint16_t left, node;

	if (indexable(b->entry[i].op))
		return test(b, i);
	left = path(b, i);
	node = over(b, EXPR_N_COMPARE, "", left, value(b, EMPTY_LIST));
	b->a.nodes[node].op = EXPR_T_EQ;
	return node;
}

/* How many conditions there may be; while the key is not known, as many as any has. */
static size_t conditions_max(bool index, const struct key_schema *schema)
{
	if (index && schema == NULL)
		return 2 * INDEX_KEY_PARTS_MAX;
	return schema != NULL && schema->n > 2 ? schema->n : 2;
}

bool legacy_range(const struct legacy *l, bool index, const struct key_schema *schema, struct expr_key_condition *out,
                  struct buf *err)
{
	struct builder b;
	bool ok;

	if (l->map[LEGACY_KEYS].n == 0 || l->map[LEGACY_KEYS].n > conditions_max(index, schema)) {
		buf_str(err, "Conditions can be of length 1 or 2 only");
		return false;
	}
	if (schema == NULL)
		return true;
	begin(&b, l, LEGACY_KEYS);
	b.a.root = key_test(&b, 0);
	for (size_t i = 1; i < b.n; i++) {
		uint16_t left = b.a.root;

		b.a.root = join(&b, EXPR_N_AND, left, key_test(&b, i));
	}
	ok = operators(&b, schema, err) && expr_compile_range(&b.a, schema, out, err);
	end(&b);
	return ok;
}
