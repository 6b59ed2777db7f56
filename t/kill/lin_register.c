#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "lin_impl.h"
#include "mem.h"

#define SAID 100

/* A write and the reads that saw it.  The first one is the beginning: nothing was ever written, value 0. */
struct cluster {
	uint64_t value;
	const struct hist_op *write;                     /* NULL: the beginning */
	bool seen, alive;                                /* alive: it happened */
	int64_t f, s;                                    /* the first end and the last beginning of its operations */
	struct cluster *next;                            /* what a cas made of it */
	bool placed;                                     /* in a block */
};

struct block {
	int64_t f, s;
	const struct cluster *head;
};

struct reg {
	const struct lin_key *k;
	struct cluster *cluster;
	size_t n;
	struct block *block;
	size_t blocks;
};

static int by_value(const void *a, const void *b)
{
	const struct cluster *x = a, *y = b;

	return (x->value > y->value) - (x->value < y->value);
}

static struct cluster *find(const struct reg *r, uint64_t value)
{
	struct cluster key = { .value = value };

	return bsearch(&key, r->cluster, r->n, sizeof key, by_value);
}

static bool is_write(const struct hist_op *o)
{
	return o->kind == HIST_PUT || o->kind == HIST_CAS;
}

static bool collect(struct reg *r)
{
	r->cluster = mem_new((r->k->n + 1) * sizeof *r->cluster);
	r->cluster[r->n++] = (struct cluster){ .f = INT64_MIN, .s = INT64_MIN, .seen = true, .alive = true };
	for (size_t i = 0; i < r->k->n; i++) {
		const struct hist_op *o = r->k->op[i];

		if (is_write(o))
			r->cluster[r->n++] = (struct cluster){ .value = o->value, .write = o, .f = o->to_ns, .s = o->from_ns,
				.alive = o->outcome == HIST_OK };
	}
	qsort(r->cluster, r->n, sizeof *r->cluster, by_value);
	for (size_t i = 1; i < r->n; i++)
		if (r->cluster[i].value == r->cluster[i - 1].value)
			return lin_bad(r->k, LIN_TWICE, "the history writes %" PRIu64 " twice", r->cluster[i].value);
	return true;
}

/* o saw value: so it was written.  Whatever that write had expected must then have been there as well. */
static bool saw(struct reg *r, const struct hist_op *o, uint64_t value)
{
	char text[SAID];

	for (;;) {
		struct cluster *c = find(r, value);

		lin_say(o, text, sizeof text);
		if (c == NULL || (c->write != NULL && c->write->outcome == HIST_NO))
			return lin_bad(r->k, LIN_PHANTOM, "%s saw %" PRIu64 ", which %s", text, value,
			               c == NULL ? "nobody wrote" : "was refused");
		if (c->write != NULL && o->to_ns < c->write->from_ns)
			return lin_bad(r->k, LIN_EARLY, "%s saw %" PRIu64 ", which was written later", text, value);
		if (c->seen)
			return true;
		c->seen = c->alive = true;
		if (c->write->kind != HIST_CAS)
			return true;
		o = c->write;
		value = o->expect;
	}
}

static bool see(struct reg *r)
{
	for (size_t i = 0; i < r->k->n; i++) {
		const struct hist_op *o = r->k->op[i];

		if (o->outcome != HIST_OK || o->kind == HIST_PUT)
			continue;
		if (!saw(r, o, o->kind == HIST_CAS ? o->expect : o->value))
			return false;
		if (o->kind == HIST_GET) {
			struct cluster *c = find(r, o->value);

			c->f = o->to_ns < c->f ? o->to_ns : c->f;
			c->s = o->from_ns > c->s ? o->from_ns : c->s;
		}
	}
	return true;
}

static bool tie(struct reg *r)
{
	for (size_t i = 0; i < r->n; i++) {
		struct cluster *c = &r->cluster[i], *before;
		char text[SAID];

		if (!c->alive || c->write == NULL || c->write->kind != HIST_CAS)
			continue;
		before = find(r, c->write->expect);
		assert(before != NULL && before->alive);
		lin_say(c->write, text, sizeof text);
		if (before->next != NULL)
			return lin_bad(r->k, LIN_TWICE, "%s and one to %" PRIu64 " both found %" PRIu64, text, before->next->value,
			               before->value);
		before->next = c;
	}
	return true;
}

/* One block from each cluster that no cas made. */
static bool build(struct reg *r)
{
	r->block = mem_new(r->n * sizeof *r->block);
	for (size_t i = 0; i < r->n; i++) {
		struct cluster *head = &r->cluster[i];
		struct block b = { INT64_MAX, INT64_MIN, head };

		if (!head->alive || (head->write != NULL && head->write->kind == HIST_CAS))
			continue;
		for (struct cluster *c = head; c != NULL; c = c->next) {
			if (c->f < b.s)
				return lin_bad(r->k, LIN_STALE, "something at %" PRIu64 " ended before what must come before it began",
				               c->value);
			b.f = c->f < b.f ? c->f : b.f;
			b.s = c->s > b.s ? c->s : b.s;
			c->placed = true;
		}
		r->block[r->blocks++] = b;
	}
	for (size_t i = 0; i < r->n; i++)
		if (r->cluster[i].alive && !r->cluster[i].placed)
			return lin_bad(r->k, LIN_STALE, "what was expected at %" PRIu64 " came of it", r->cluster[i].value);
	return true;
}

static bool is_forward(const struct block *b)
{
	return b->f < b->s;
}

/* Forward ones first, by f. */
static int by_zone(const void *a, const void *b)
{
	const struct block *x = a, *y = b;

	if (is_forward(x) != is_forward(y))
		return is_forward(x) ? -1 : 1;
	return (x->f > y->f) - (x->f < y->f);
}

static bool conflict(const struct reg *r, const struct block *a, const struct block *b)
{
	const struct hist_op *w = b->head->write;
	bool lost = w != NULL && b->f == w->to_ns && b->s == w->from_ns && b->head->next == NULL;

	return lin_bad(r->k, lost ? LIN_LOST : LIN_STALE,
	               "%" PRIu64 " (first end %.6f, last beginning %.6f s) and %" PRIu64
	               " (%.6f, %.6f s) must each come first",
	               a->head->value, (double)a->f / 1e9, (double)a->s / 1e9, b->head->value, (double)b->f / 1e9,
	               (double)b->s / 1e9);
}

static bool order(struct reg *r)
{
	struct block *v = r->block;
	size_t forward = 0;

	qsort(v, r->blocks, sizeof *v, by_zone);
	while (forward < r->blocks && is_forward(&v[forward]))
		forward++;
	for (size_t i = 1; i < forward; i++)
		if (v[i].f < v[i - 1].s)
			return conflict(r, &v[i - 1], &v[i]);
	for (size_t i = forward; i < r->blocks; i++) {
		size_t low = 0, high = forward;

		/* Forward zones are apart: only the last one that begins before this one can hold it. */
		while (low < high) {
			size_t mid = (low + high) / 2;

			if (v[mid].f < v[i].s)
				low = mid + 1;
			else
				high = mid;
		}
		if (low > 0 && v[i].f < v[low - 1].s)
			return conflict(r, &v[low - 1], &v[i]);
	}
	return true;
}

bool lin_register(const struct lin_key *k)
{
	struct reg r = { .k = k };
	bool ok = collect(&r) && see(&r) && tie(&r) && build(&r) && order(&r);

	free(r.cluster);
	free(r.block);
	return ok;
}
