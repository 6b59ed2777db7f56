#include "expr_find.h"

#include <stdlib.h>

#include "mem.h"

void expr_find_init(struct expr_find *f, struct bytes item)
{
	f->item = item;
	f->lookups = 0;
	f->tables_n = f->turn = 0;
}

void expr_find_fini(struct expr_find *f)
{
	for (size_t i = 0; i < f->tables_n; i++)
		free(f->table[i].at);
	f->tables_n = 0;
}

static bool next(struct item_iter *it, uint8_t tag)
{
	struct bytes name;
	struct value v;

	if (tag == ITEM_M)
		return item_next_pair(it, &name, &v);
	return tag == ITEM_L ? item_next_value(it, &v) : item_next_element(it, &name);
}

static struct expr_find_table *table_of(struct expr_find *f, struct value v)
{
	struct expr_find_table *t;
	struct item_iter it = item_iter(v.body);

	for (size_t i = 0; i < f->tables_n; i++)
		if (f->table[i].body == v.body.p)
			return &f->table[i];
	if (f->tables_n < EXPR_FIND_TABLES_MAX) {
		t = &f->table[f->tables_n++];
	} else {
		t = &f->table[f->turn++ % EXPR_FIND_TABLES_MAX];
		free(t->at);
	}
	/* An element has at least one byte: a count that promises more is not believed. */
	*t = (struct expr_find_table){ .body = v.body.p,
		.at = mem_new((it.left < v.body.n ? it.left : v.body.n) * sizeof *t->at) };
	while (t->n < v.body.n) {
		uint32_t at = (uint32_t)(it.c.p - v.body.p);

		if (!next(&it, v.tag))
			break;
		t->at[t->n++] = at;
	}
	return t;
}

/* The first element of a sorted container that is not less than key, or the end. */
static struct cur not_less(const struct expr_find_table *t, struct bytes body, struct bytes key)
{
	size_t low = 0, high = t->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		struct cur c = { body.p + t->at[middle], body.p + body.n, false };

		if (bytes_cmp(cur_lenbytes(&c), key) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low < t->n ? (struct cur){ body.p + t->at[low], body.p + body.n, false } : cur_of(BYTES_NONE);
}

static bool in_table(struct expr_find *f, struct value v, const struct item_step *step, struct value *out)
{
	const struct expr_find_table *t = table_of(f, v);
	struct cur c;

	if (v.tag == ITEM_L) {
		if (step->index >= t->n)
			return false;
		c = (struct cur){ v.body.p + t->at[step->index], v.body.p + v.body.n, false };
		return item_value_get(&c, out);
	}
	c = not_less(t, v.body, step->name);
	return bytes_eq(cur_lenbytes(&c), step->name) && item_value_get(&c, out);
}

static bool one_step(struct expr_find *f, struct value v, const struct item_step *step, struct value *out)
{
	if (v.tag != (step->is_index ? ITEM_L : ITEM_M))
		return false;
	if (f->lookups > EXPR_FIND_PLAIN_MAX && item_count(v.body) > EXPR_FIND_SMALL_MAX)
		return in_table(f, v, step, out);
	return step->is_index ? item_list_get(v.body, step->index, out) : item_get(v.body, step->name, out);
}

bool expr_find_path(struct expr_find *f, const struct expr_path *path, struct value *out)
{
	struct value v = { .tag = ITEM_M, .body = f->item };

	*out = (struct value){ 0 };
	if (f->item.n == 0)
		return false;
	f->lookups++;
	for (size_t i = 0; i < path->n; i++) {
		struct value inner = { 0 };

		if (!one_step(f, v, &path->step[i], &inner))
			return false;
		v = inner;
	}
	*out = v;
	return true;
}

bool expr_find_element(struct expr_find *f, struct bytes set, struct bytes element)
{
	struct value v = { .tag = ITEM_SS, .body = set };
	struct cur c;

	f->lookups++;
	if (f->lookups <= EXPR_FIND_PLAIN_MAX || item_count(set) <= EXPR_FIND_SMALL_MAX)
		return item_set_has(set, element);
	c = not_less(table_of(f, v), set, element);
	return c.p != c.end && bytes_eq(cur_lenbytes(&c), element);
}
