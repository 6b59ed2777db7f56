#include "expr_eval.h"

#include <string.h>

#include "expr_prog.h"
#include "item.h"

struct projector {
	const struct expr_prog *p;
	struct cur c;                           /* in the trie */
	struct buf *out;
};

/* Past a trie that nothing in the item answers to. */
static void skip(struct projector *w, unsigned depth)
{
	struct item_step step;
	uint64_t n = cur_varint(&w->c);

	if (n > 0 && depth == EXPR_PROG_STEPS_MAX)
		w->c.bad = true;
	for (uint64_t i = 0; i < n && !w->c.bad; i++) {
		expr_prog_step(w->p, &w->c, &step);
		skip(w, depth + 1);
	}
}

/* Put the head in front of what was appended to out since at. */
static void insert(struct buf *out, size_t at, const struct buf *head)
{
	size_t n = out->n - at;

	if (buf_room(out, head->n) == NULL)
		return;
	memmove(out->p + at + head->n, out->p + at, n);
	memcpy(out->p + at, head->p, head->n);
	out->n += head->n;
}

/* Finish a container whose elements were appended since at; a tag of ITEM_NONE is the item itself. */
static void close_container(struct buf *out, size_t at, uint8_t tag, size_t count)
{
	uint8_t store[32];
	struct buf head = { .p = store, .cap = sizeof store, .max = sizeof store }, counter = head;
	uint8_t counted[16];

	counter.p = counted;
	counter.cap = counter.max = sizeof counted;
	buf_varint(&counter, count);
	if (tag != ITEM_NONE) {
		buf_u8(&head, tag);
		buf_varint(&head, counter.n + (out->n - at));
	}
	buf_bytes(&head, buf_view(&counter));
	insert(out, at, &head);
}

static bool project(struct projector *w, struct value v, unsigned depth);

/* The element that a step leads to; steps come in the order of the elements, so the search never turns back. */
static bool seek(struct item_iter *it, struct bytes *name, struct value *v, const struct item_step *step, size_t *index,
	bool *have)
{
	for (;;) {
		int order;

		if (*have) {
			if (step->is_index)
				order = (*index > step->index) - (*index < step->index);
			else
				order = bytes_cmp(*name, step->name);
			if (order >= 0)
				return order == 0;
			(*index)++;
		}
		*have = step->is_index ? item_next_value(it, v) : item_next_pair(it, name, v);
		if (!*have)
			return false;
	}
}

/* n steps into body.  Returns how many elements were appended. */
static size_t elements(struct projector *w, struct bytes body, bool list, uint64_t n, unsigned depth)
{
	struct item_iter it = item_iter(body);
	struct bytes name = BYTES_NONE;
	struct value v = { 0 };
	size_t index = 0, count = 0;
	bool have = false, ended = false;

	for (uint64_t i = 0; i < n && !w->c.bad; i++) {
		struct item_step step;
		size_t at = w->out->n;

		expr_prog_step(w->p, &w->c, &step);
		if (w->c.bad)
			break;
		if (ended || step.is_index != list || !seek(&it, &name, &v, &step, &index, &have)) {
			ended = ended || (step.is_index == list && !have);
			skip(w, depth + 1);
			continue;
		}
		if (!list)
			buf_lenbytes(w->out, name);
		if (project(w, v, depth + 1))
			count++;
		else
			w->out->n = at;
	}
	return count;
}

/* One value through the trie that the cursor stands on.  False if nothing of it is wanted: nothing was appended. */
static bool project(struct projector *w, struct value v, unsigned depth)
{
	struct cur before = w->c;
	uint64_t n = cur_varint(&w->c);
	size_t at = w->out->n, count;

	if (n == 0) {
		buf_bytes(w->out, v.raw);
		return !w->c.bad;
	}
	if (depth == EXPR_PROG_STEPS_MAX || (v.tag != ITEM_M && v.tag != ITEM_L)) {
		w->c = before;
		skip(w, depth);
		return false;
	}
	count = elements(w, v.body, v.tag == ITEM_L, n, depth);
	if (count > 0)
		close_container(w->out, at, v.tag, count);
	return count > 0;
}

static enum expr_result run(const struct expr_prog *p, struct cur c, struct bytes item, struct buf *out)
{
	struct projector w = { .p = p, .c = c, .out = out };
	uint64_t n = cur_varint(&w.c);
	size_t at = out->n;

	close_container(out, at, ITEM_NONE, n == 0 ? 0 : elements(&w, item.n > 0 ? item : ITEM_EMPTY, false, n, 0));
	return cur_done(&w.c) ? EXPR_TRUE : EXPR_MALFORMED;
}

enum expr_result expr_eval_projection(struct bytes prog, struct bytes item, struct buf *out)
{
	struct expr_prog p;

	if (!expr_prog_open(&p, prog, EXPR_KIND_PROJECTION))
		return EXPR_MALFORMED;
	return run(&p, cur_of(p.code), item, out);
}

size_t expr_projection_names(struct bytes prog, struct bytes *names, size_t max)
{
	struct projector w = { 0 };
	struct expr_prog p;
	uint64_t n, i;

	if (!expr_prog_open(&p, prog, EXPR_KIND_PROJECTION))
		return 0;
	w.p = &p;
	w.c = cur_of(p.code);
	n = cur_varint(&w.c);
	for (i = 0; i < n && i < max && !w.c.bad; i++) {
		struct item_step step;

		expr_prog_step(&p, &w.c, &step);
		names[i] = step.name;
		skip(&w, 1);
	}
	return w.c.bad ? 0 : i;
}

enum expr_result expr_updated(struct bytes prog, struct bytes item, struct buf *out)
{
	struct expr_prog p;
	struct cur actions, trie;

	if (!expr_prog_open(&p, prog, EXPR_KIND_UPDATE) || !expr_prog_update(&p, &actions, &trie))
		return EXPR_MALFORMED;
	return run(&p, trie, item, out);
}
