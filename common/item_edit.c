#include "item_edit.h"

#include <assert.h>
#include <stdlib.h>

#include "item_build.h"

/* A run of edits, sorted by path, that agree in their first d steps. */
struct run {
	const struct item_edit *const *edit;
	size_t n, d;
};

static enum item_edit_result edit_value(struct buf *out, struct value v, struct run run);

static int step_cmp(const struct item_step *a, const struct item_step *b)
{
	if (a->is_index != b->is_index)
		return a->is_index ? 1 : -1;
	if (a->is_index)
		return a->index < b->index ? -1 : a->index > b->index;
	return bytes_cmp(a->name, b->name);
}

static int path_cmp(const void *x, const void *y)
{
	const struct item_edit *a = *(const struct item_edit *const *)x, *b = *(const struct item_edit *const *)y;

	for (size_t i = 0; i < a->steps_n && i < b->steps_n; i++) {
		int c = step_cmp(&a->steps[i], &b->steps[i]);

		if (c != 0)
			return c;
	}
	return a->steps_n < b->steps_n ? -1 : a->steps_n > b->steps_n;
}

/* Sorted by path, a path and those inside it are neighbours. */
static bool is_inside(const struct item_edit *outer, const struct item_edit *inner)
{
	if (outer->steps_n > inner->steps_n)
		return false;
	for (size_t i = 0; i < outer->steps_n; i++)
		if (step_cmp(&outer->steps[i], &inner->steps[i]) != 0)
			return false;
	return true;
}

static const struct item_step *run_step(struct run run)
{
	return &run.edit[0]->steps[run.d];
}

/* Splits off the front of run what shares its next step too. */
static struct run run_take(struct run *run)
{
	struct run head = *run;

	for (head.n = 1; head.n < run->n; head.n++)
		if (step_cmp(&run->edit[head.n]->steps[run->d], run_step(*run)) != 0)
			break;
	run->edit += head.n;
	run->n -= head.n;
	return head;
}

static bool run_is_leaf(struct run run)
{
	return run.edit[0]->steps_n == run.d + 1;        /* and then run.n is 1, as paths do not overlap */
}

/* Lists and maps inside one another in v, itself included. */
static unsigned value_depth(struct value v)
{
	struct item_iter it = item_iter(v.body);
	struct bytes name;
	struct value inner;
	unsigned deepest = 0;

	if (v.tag != ITEM_L && v.tag != ITEM_M)
		return 0;
	while (v.tag == ITEM_M ? item_next_pair(&it, &name, &inner) : item_next_value(&it, &inner)) {
		unsigned d = value_depth(inner);

		deepest = d > deepest ? d : deepest;
	}
	return deepest + 1;
}

/*
 * One entry of a container: old is what is there (ITEM_NONE: nothing), run the edits at or below it.  Appends name, if
 * the container has names, and the new value, and counts it, unless there is none.
 */
static enum item_edit_result edit_entry(struct buf *out, const struct bytes *name, struct value old, struct run run,
                                        uint64_t *count)
{
	struct bytes raw = run.edit[0]->raw;

	if (run_is_leaf(run) && raw.n == 0)
		return ITEM_EDIT_OK;
	if (!run_is_leaf(run) && old.tag == ITEM_NONE)
		return ITEM_EDIT_PATH;
	if (name != NULL)
		buf_lenbytes(out, *name);
	++*count;
	if (!run_is_leaf(run)) {
		run.d++;
		return edit_value(out, old, run);
	}
	if (run.d + value_depth(item_value(raw)) > ITEM_DEPTH_MAX)
		return ITEM_EDIT_DEPTH;
	buf_bytes(out, raw);
	return ITEM_EDIT_OK;
}

static enum item_edit_result edit_map(struct buf *out, struct bytes body, struct run run, uint64_t *count)
{
	static const struct value none = { ITEM_NONE, { NULL, 0 }, { NULL, 0 } };
	struct item_iter it = item_iter(body);
	enum item_edit_result r = ITEM_EDIT_OK;
	struct bytes name;
	struct value v;
	bool have = item_next_pair(&it, &name, &v);

	while (r == ITEM_EDIT_OK && (have || run.n > 0)) {
		int c = !have ? 1 : run.n == 0 ? -1 : bytes_cmp(name, run_step(run)->name);

		if (run.n > 0 && run_step(run)->is_index)
			return ITEM_EDIT_PATH;
		if (c < 0) {
			buf_lenbytes(out, name);
			buf_bytes(out, v.raw);
			++*count;
		} else {
			const struct bytes *added = &run_step(run)->name;       /* before run_take moves on */

			r = edit_entry(out, added, c == 0 ? v : none, run_take(&run), count);
		}
		if (c <= 0)
			have = item_next_pair(&it, &name, &v);
	}
	return r;
}

static enum item_edit_result edit_list(struct buf *out, struct bytes body, struct run run, uint64_t *count)
{
	struct item_iter it = item_iter(body);
	enum item_edit_result r = ITEM_EDIT_OK;
	struct value v;
	bool have = item_next_value(&it, &v);

	for (uint32_t i = 0; r == ITEM_EDIT_OK && (have || run.n > 0); i++) {
		if (run.n > 0 && !run_step(run)->is_index)
			return ITEM_EDIT_PATH;
		if (run.n > 0 && (!have || run_step(run)->index == i)) {
			r = edit_entry(out, NULL, v, run_take(&run), count);
		} else {
			buf_bytes(out, v.raw);
			++*count;
		}
		if (have)
			have = item_next_value(&it, &v);
	}
	return r;
}

/* A copy of the list or map v with run applied. */
static enum item_edit_result edit_value(struct buf *out, struct value v, struct run run)
{
	size_t start = out->n;
	uint64_t count = 0;
	enum item_edit_result r;

	if (v.tag == ITEM_M)
		r = edit_map(out, v.body, run, &count);
	else if (v.tag == ITEM_L)
		r = edit_list(out, v.body, run, &count);
	else
		return ITEM_EDIT_PATH;
	if (r == ITEM_EDIT_OK && !out->over)
		item_build_front(out, start, 0, v.tag, count);
	return r;
}

bool item_edit_find(struct bytes item, const struct item_step *steps, size_t n, struct value *out)
{
	*out = (struct value){ ITEM_M, BYTES_NONE, item };
	for (size_t i = 0; i < n; i++) {
		struct bytes body = out->body;
		bool found = false;

		if (out->tag == ITEM_M && !steps[i].is_index)
			found = item_get(body, steps[i].name, out);
		else if (out->tag == ITEM_L && steps[i].is_index)
			found = item_list_get(body, steps[i].index, out);
		if (!found) {
			*out = (struct value){ ITEM_NONE, BYTES_NONE, BYTES_NONE };
			return false;
		}
	}
	return true;
}

enum item_edit_result item_edit(struct buf *out, struct bytes item, const struct item_edit *edits, size_t n)
{
	const struct item_edit *sorted[ITEM_EDITS_MAX];
	enum item_edit_result r;
	size_t start = out->n;
	uint64_t count = 0;

	assert(n <= ITEM_EDITS_MAX);
	for (size_t i = 0; i < n; i++) {
		assert(edits[i].steps_n > 0 && edits[i].steps_n <= ITEM_DEPTH_MAX + 1 && !edits[i].steps[0].is_index);
		sorted[i] = &edits[i];
	}
	qsort(sorted, n, sizeof sorted[0], path_cmp);
	for (size_t i = 1; i < n; i++)
		if (is_inside(sorted[i - 1], sorted[i]))
			return ITEM_EDIT_OVERLAP;
	r = edit_map(out, item, (struct run){ sorted, n, 0 }, &count);
	if (r != ITEM_EDIT_OK)
		out->n = start;
	else if (!out->over)
		item_build_front(out, start, 0, ITEM_NONE, count);
	return r;
}

static bool is_set(uint8_t tag)
{
	return tag == ITEM_SS || tag == ITEM_NS || tag == ITEM_BS;
}

/* Merges two sets: what is in a alone, and, if both is set, all of b. */
static bool merge(struct buf *out, struct value a, struct value b, bool both)
{
	struct item_iter ia = item_iter(a.body), ib = item_iter(b.body);
	struct bytes x, y;
	bool have_x, have_y;
	size_t start = out->n;
	uint64_t count = 0;

	if (a.tag != b.tag || !is_set(a.tag))
		return false;
	have_x = item_next_element(&ia, &x);
	have_y = item_next_element(&ib, &y);
	while (have_x || (have_y && both)) {
		int c = !have_x ? 1 : !have_y ? -1 : bytes_cmp(x, y);

		if (c < 0 || both) {
			buf_lenbytes(out, c < 0 ? x : y);
			count++;
		}
		if (c <= 0)
			have_x = item_next_element(&ia, &x);
		if (c >= 0)
			have_y = item_next_element(&ib, &y);
	}
	if (count > 0 && !out->over)
		item_build_front(out, start, 0, a.tag, count);
	return count > 0;
}

bool item_edit_union(struct buf *out, struct value a, struct value b)
{
	return merge(out, a, b, true);
}

bool item_edit_minus(struct buf *out, struct value a, struct value b)
{
	return merge(out, a, b, false);
}

void item_edit_concat(struct buf *out, struct value a, struct value b)
{
	struct item_iter ia = item_iter(a.body), ib = item_iter(b.body);
	size_t start = out->n;

	assert(a.tag == ITEM_L && b.tag == ITEM_L);
	buf_bytes(out, cur_rest(&ia.c));
	buf_bytes(out, cur_rest(&ib.c));
	if (!out->over)
		item_build_front(out, start, 0, ITEM_L, ia.left + ib.left);
}

void item_edit_num(struct buf *out, const struct num *n)
{
	uint8_t t[NUM_BYTES_MAX];

	buf_u8(out, ITEM_N);
	buf_lenbytes(out, (struct bytes){ t, num_encode(t, n) });
}
