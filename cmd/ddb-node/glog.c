#include "glog.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "mem.h"

void glog_init(struct glog *l, uint64_t base)
{
	*l = (struct glog){ .base = base, .cached_from = base };
}

static struct glog_slot *place(const struct glog *l, uint64_t slot)
{
	return &l->v[(l->head + (size_t)(slot - l->base)) & (l->cap - 1)];
}

static void uncache(struct glog *l, struct glog_slot *s)
{
	if (s->entry == NULL)
		return;
	l->cached -= s->bytes;
	free(s->entry);
	s->entry = NULL;
}

void glog_fini(struct glog *l)
{
	glog_reset(l, 1);
	free(l->v);
	l->v = NULL;
	l->cap = 0;
}

uint64_t glog_top(const struct glog *l)
{
	return l->base + l->n - 1;
}

struct glog_slot *glog_at(const struct glog *l, uint64_t slot)
{
	struct glog_slot *s;

	if (slot < l->base || slot - l->base >= l->n)
		return NULL;
	s = place(l, slot);
	return s->ballot > 0 ? s : NULL;
}

static void grow(struct glog *l, size_t n)
{
	size_t cap = l->cap > 0 ? l->cap : 16;
	struct glog_slot *v;

	if (n <= l->cap)
		return;
	while (cap < n)
		cap *= 2;
	v = mem_new(cap * sizeof *v);
	for (size_t i = 0; i < l->n; i++)
		v[i] = l->v[(l->head + i) & (l->cap - 1)];
	free(l->v);
	l->v = v;
	l->cap = cap;
	l->head = 0;
}

void glog_set(struct glog *l, uint64_t slot, uint64_t ballot, uint64_t position, uint8_t *entry, uint32_t bytes)
{
	struct glog_slot *s;

	assert(slot >= l->base && ballot > 0);
	if (slot - l->base >= l->n) {
		size_t n = (size_t)(slot - l->base) + 1;

		grow(l, n);
		for (size_t i = l->n; i < n; i++)
			l->v[(l->head + i) & (l->cap - 1)] = (struct glog_slot){ 0 };
		l->n = n;
	}
	s = place(l, slot);
	uncache(l, s);
	*s = (struct glog_slot){ ballot, position, entry, bytes, false };
	if (entry != NULL) {
		l->cached += bytes;
		if (slot < l->cached_from)
			l->cached_from = slot;
	}
}

void glog_forget(struct glog *l, uint64_t upto)
{
	uint64_t top = glog_top(l);

	if (l->cached_from < l->base)
		l->cached_from = l->base;
	for (; l->cached_from <= upto && l->cached_from <= top; l->cached_from++)
		uncache(l, place(l, l->cached_from));
}

void glog_trim(struct glog *l, uint64_t base)
{
	while (l->base < base && l->n > 0) {
		uncache(l, &l->v[l->head]);
		l->head = (l->head + 1) & (l->cap - 1);
		l->base++;
		l->n--;
	}
	if (l->base < base)
		l->base = base;
}

void glog_lower(struct glog *l, uint64_t base)
{
	size_t more = (size_t)(l->base - base);

	assert(base >= 1 && base <= l->base);
	grow(l, l->n + more);
	for (size_t i = 0; i < more; i++) {
		l->head = (l->head + l->cap - 1) & (l->cap - 1);
		l->v[l->head] = (struct glog_slot){ 0 };
	}
	l->base = base;
	l->n += more;
}

void glog_reset(struct glog *l, uint64_t base)
{
	for (size_t i = 0; i < l->n; i++)
		uncache(l, &l->v[(l->head + i) & (l->cap - 1)]);
	l->n = 0;
	l->head = 0;
	l->base = base;
	l->cached_from = base;
}
