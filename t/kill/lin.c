#include "lin_impl.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "mem.h"

const char *const lin_faults[LIN_FAULTS] = { "phantom", "early", "lost", "stale", "twice", "fork" };

bool lin_bad(const struct lin_key *k, enum lin_fault f, const char *fmt, ...)
{
	struct lin *l = k->out;
	va_list ap;

	l->faults[f]++;
	if (l->bad_keys++ > 0)
		return false;
	l->why_key = k->op[0]->key;
	va_start(ap, fmt);
	vsnprintf(l->why, sizeof l->why, fmt, ap);
	va_end(ap);
	return false;
}

void lin_say(const struct hist_op *o, char *out, size_t n)
{
	char end[32] = "?";

	if (o->to_ns != HIST_NEVER)
		snprintf(end, sizeof end, "%.6f", (double)o->to_ns / 1e9);
	if (o->kind == HIST_LIST || o->kind == HIST_ELIST)
		snprintf(out, n, "%s of %" PRIu32 " at %.6f-%s s", hist_kinds[o->kind], o->elements_n,
		         (double)o->from_ns / 1e9, end);
	else
		snprintf(out, n, "%s %" PRIu64 " at %.6f-%s s", hist_kinds[o->kind], o->value, (double)o->from_ns / 1e9, end);
}

static int by_key(const void *a, const void *b)
{
	const struct hist_op *x = *(const struct hist_op *const *)a, *y = *(const struct hist_op *const *)b;

	if (x->key != y->key)
		return x->key < y->key ? -1 : 1;
	return (x > y) - (x < y);
}

bool lin_check(const struct hist *h, struct lin *out)
{
	const struct hist_op **sorted = mem_new(h->n * sizeof *sorted);

	*out = (struct lin){ .ops = h->n };
	for (size_t i = 0; i < h->n; i++)
		sorted[i] = &h->ops[i];
	qsort(sorted, h->n, sizeof *sorted, by_key);
	for (size_t i = 0, j; i < h->n; i = j) {
		struct lin_key k = { h, sorted + i, 0, out };

		for (j = i; j < h->n && sorted[j]->key == sorted[i]->key; j++)
			;
		k.n = j - i;
		out->keys++;
		if (sorted[i]->kind >= HIST_APPEND)
			lin_list(&k);
		else
			lin_register(&k);
	}
	free(sorted);
	return out->bad_keys == 0;
}
