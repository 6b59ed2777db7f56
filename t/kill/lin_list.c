#include <inttypes.h>
#include <stdlib.h>

#include "lin_impl.h"
#include "mem.h"

#define SAID 100

/* An operation and where it stands: append i at 2i, a read of n elements at 2n + 1. */
struct placed {
	const struct hist_op *op;
	size_t place;
};

struct list {
	const struct lin_key *k;
	const uint64_t *element;                         /* the longest */
	size_t n;
	struct placed *append;                           /* by value */
	size_t appends;
};

static int by_value(const void *a, const void *b)
{
	const struct placed *x = a, *y = b;

	return (x->op->value > y->op->value) - (x->op->value < y->op->value);
}

static int by_place(const void *a, const void *b)
{
	const struct placed *x = a, *y = b;

	return (x->place > y->place) - (x->place < y->place);
}

static bool is_read(const struct hist_op *o)
{
	return (o->kind == HIST_LIST || o->kind == HIST_ELIST) && o->outcome == HIST_OK;
}

static const uint64_t *seen(const struct list *l, const struct hist_op *o)
{
	return l->k->h->elements + o->elements;
}

static bool collect(struct list *l)
{
	l->append = mem_new(l->k->n * sizeof *l->append);
	for (size_t i = 0; i < l->k->n; i++) {
		const struct hist_op *o = l->k->op[i];

		if (o->kind == HIST_APPEND)
			l->append[l->appends++] = (struct placed){ o, SIZE_MAX };
		else if (is_read(o) && (l->element == NULL || o->elements_n > l->n)) {
			l->element = seen(l, o);
			l->n = o->elements_n;
		}
	}
	qsort(l->append, l->appends, sizeof *l->append, by_value);
	for (size_t i = 1; i < l->appends; i++)
		if (l->append[i].op->value == l->append[i - 1].op->value)
			return lin_bad(l->k, LIN_TWICE, "the history appends %" PRIu64 " twice", l->append[i].op->value);
	return true;
}

static bool place(struct list *l)
{
	for (size_t i = 0; i < l->n; i++) {
		struct hist_op wanted = { .value = l->element[i] };
		struct placed key = { &wanted, 0 };
		struct placed *p = l->appends > 0 ? bsearch(&key, l->append, l->appends, sizeof key, by_value) : NULL;

		if (p == NULL || p->op->outcome == HIST_NO)
			return lin_bad(l->k, LIN_PHANTOM, "element %zu is %" PRIu64 ", which %s", i, l->element[i],
			               p == NULL ? "nobody appended" : "was refused");
		if (p->place != SIZE_MAX)
			return lin_bad(l->k, LIN_TWICE, "%" PRIu64 " is element %zu and %zu", l->element[i], p->place / 2 - 1, i);
		p->place = 2 * (i + 1);
	}
	return true;
}

/* An eventual read shows some prefix, none of it before it was appended. */
static bool is_prefix(const struct list *l, const struct hist_op *o)
{
	char text[SAID];

	lin_say(o, text, sizeof text);
	for (size_t i = 0; i < o->elements_n; i++) {
		struct hist_op wanted = { .value = seen(l, o)[i] };
		struct placed key = { &wanted, 0 }, *p;

		if (seen(l, o)[i] != l->element[i])
			return lin_bad(l->k, LIN_FORK, "%s: element %zu is %" PRIu64 ", elsewhere %" PRIu64, text, i,
			               seen(l, o)[i], l->element[i]);
		p = bsearch(&key, l->append, l->appends, sizeof key, by_value);
		if (o->to_ns < p->op->from_ns)
			return lin_bad(l->k, LIN_EARLY, "%s saw %" PRIu64 ", which was appended later", text, l->element[i]);
	}
	return true;
}

/* Where a strong read stands; false: there was never such a list. */
static bool place_read(const struct list *l, const struct hist_op *o, struct placed *out)
{
	size_t n = o->kind == HIST_LENGTH ? o->value : o->elements_n;

	*out = (struct placed){ o, 2 * n + 1 };
	if (n > l->n)
		return lin_bad(l->k, LIN_PHANTOM, "%zu elements, and nobody saw more than %zu", n, l->n);
	return true;
}

/* Nothing may have ended before what stands at an earlier place began. */
static bool sweep(const struct list *l, struct placed *v, size_t n)
{
	const struct hist_op *last = NULL;               /* of those at earlier places, the one that began last */

	qsort(v, n, sizeof *v, by_place);
	for (size_t i = 0, j; i < n; i = j) {
		const struct hist_op *latest = last;

		for (j = i; j < n && v[j].place == v[i].place; j++) {
			char a[SAID], b[SAID];

			if (latest != NULL && v[j].op->to_ns < latest->from_ns) {
				lin_say(v[j].op, a, sizeof a);
				lin_say(latest, b, sizeof b);
				return lin_bad(l->k, v[j].place == SIZE_MAX ? LIN_LOST : LIN_STALE,
				               "%s ended before %s, but stands behind it", a, b);
			}
			if (last == NULL || v[j].op->from_ns > last->from_ns)
				last = v[j].op;
		}
	}
	return true;
}

bool lin_list(const struct lin_key *k)
{
	struct list l = { .k = k };
	struct placed *v = mem_new(k->n * sizeof *v);
	size_t n = 0;
	bool ok = collect(&l) && place(&l);

	for (size_t i = 0; ok && i < k->n; i++) {
		ok = !is_read(k->op[i]) || is_prefix(&l, k->op[i]);
		if (ok && (k->op[i]->kind == HIST_LIST || k->op[i]->kind == HIST_LENGTH) && k->op[i]->outcome == HIST_OK)
			ok = place_read(&l, k->op[i], &v[n++]);
	}
	for (size_t i = 0; ok && i < l.appends; i++)
		if (l.append[i].place != SIZE_MAX || l.append[i].op->outcome == HIST_OK)
			v[n++] = l.append[i];
	ok = ok && sweep(&l, v, n);
	free(v);
	free(l.append);
	return ok;
}
