#include "rowtree.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "mem.h"

struct pair {
	uint32_t refs;
	uint64_t priority;
	struct store_worth worth;
	size_t key_n, row_n;
	uint8_t p[];
};

struct rowtree {
	uint32_t refs;
	struct pair *pair;
	struct rowtree *left, *right;
};

static uint64_t mix(uint64_t v)
{
	v = (v ^ v >> 30) * 0xbf58476d1ce4e5b9;
	v = (v ^ v >> 27) * 0x94d049bb133111eb;
	return v ^ v >> 31;
}

static uint64_t hash_more(uint64_t h, struct bytes v)
{
	size_t i = 0;
	uint64_t tail = v.n;

	for (; v.n - i >= 8; i += 8)
		h = mix(h + load_u64(v.p + i));
	for (; i < v.n; i++)
		tail = tail << 8 | v.p[i];
	return mix(h + tail + 0x9e3779b97f4a7c15);
}

static struct pair *pair_new(struct bytes key, struct bytes row)
{
	struct pair *p = mem_resize(NULL, sizeof *p + key.n + row.n);

	*p = (struct pair){ .refs = 1, .priority = hash_more(0, key), .worth = store_row_worth(key, row) };
	p->key_n = key.n;
	p->row_n = row.n;
	if (key.n > 0)
		memcpy(p->p, key.p, key.n);
	memcpy(p->p + key.n, row.p, row.n);
	return p;
}

static struct bytes key_of(const struct rowtree *t)
{
	return (struct bytes){ t->pair->p, t->pair->key_n };
}

struct bytes rowtree_row(const struct rowtree *t)
{
	return (struct bytes){ t->pair->p + t->pair->key_n, t->pair->row_n };
}

static void pair_release(struct pair *p)
{
	if (--p->refs == 0)
		free(p);
}

struct rowtree *rowtree_hold(struct rowtree *t)
{
	if (t != NULL)
		t->refs++;
	return t;
}

void rowtree_release(struct rowtree *t)
{
	while (t != NULL && --t->refs == 0) {
		struct rowtree *right = t->right;

		rowtree_release(t->left);
		pair_release(t->pair);
		free(t);
		t = right;
	}
}

/* A node that only the caller holds: t, or a copy of it. */
static struct rowtree *own(struct rowtree *t)
{
	struct rowtree *c;

	if (t->refs == 1)
		return t;
	t->refs--;
	c = mem_resize(NULL, sizeof *c);
	*c = (struct rowtree){ 1, t->pair, rowtree_hold(t->left), rowtree_hold(t->right) };
	c->pair->refs++;
	return c;
}

/* Takes over p, and the reference to t. */
static struct rowtree *insert(struct rowtree *t, struct pair *p)
{
	struct rowtree *child;
	int order;

	if (t == NULL) {
		t = mem_resize(NULL, sizeof *t);
		*t = (struct rowtree){ 1, p, NULL, NULL };
		return t;
	}
	t = own(t);
	order = bytes_cmp((struct bytes){ p->p, p->key_n }, key_of(t));
	if (order == 0) {
		pair_release(t->pair);
		t->pair = p;
		return t;
	}
	child = insert(order < 0 ? t->left : t->right, p);  /* which returns a node of our own */
	*(order < 0 ? &t->left : &t->right) = child;
	if (child->pair->priority <= t->pair->priority)
		return t;
	if (order < 0) {
		t->left = child->right;
		child->right = t;
	} else {
		t->right = child->left;
		child->left = t;
	}
	return child;
}

static struct rowtree *merge(struct rowtree *a, struct rowtree *b)
{
	if (a == NULL || b == NULL)
		return a != NULL ? a : b;
	if (a->pair->priority > b->pair->priority) {
		a = own(a);
		a->right = merge(a->right, b);
		return a;
	}
	b = own(b);
	b->left = merge(a, b->left);
	return b;
}

/* key is there. */
static struct rowtree *take(struct rowtree *t, struct bytes key)
{
	struct rowtree *rest;
	int order;

	t = own(t);
	order = bytes_cmp(key, key_of(t));
	if (order < 0) {
		t->left = take(t->left, key);
		return t;
	}
	if (order > 0) {
		t->right = take(t->right, key);
		return t;
	}
	rest = merge(t->left, t->right);
	t->left = t->right = NULL;
	rowtree_release(t);
	return rest;
}

struct rowtree *rowtree_put(struct rowtree *t, struct bytes key, struct bytes row, struct rowtree_change *c)
{
	const struct rowtree *old = rowtree_find(t, key);
	struct pair *p;

	c->come = c->gone = store_row_worth(key, BYTES_NONE);
	if (old != NULL)
		c->gone = old->pair->worth;
	if (row.n == 0)
		return old != NULL ? take(t, key) : t;
	p = pair_new(key, row);
	c->come = p->worth;
	return insert(t, p);
}

const struct rowtree *rowtree_find(const struct rowtree *t, struct bytes key)
{
	while (t != NULL) {
		int order = bytes_cmp(key, key_of(t));

		if (order == 0)
			return t;
		t = order < 0 ? t->left : t->right;
	}
	return NULL;
}

static void go_down(struct rowtree_walk *w, const struct rowtree *t)
{
	assert(w->depth < ROWTREE_DEPTH_MAX);
	w->path[w->depth++] = t;
}

void rowtree_seek(const struct rowtree *t, struct bytes from, bool reverse, struct rowtree_walk *w)
{
	w->depth = 0;
	w->reverse = reverse;
	while (t != NULL) {
		int order = from.n > 0 ? bytes_cmp(key_of(t), from) : 0;
		bool shown = reverse ? order <= 0 : order >= 0;

		if (shown)
			go_down(w, t);
		t = shown != reverse ? t->left : t->right;
	}
}

bool rowtree_next(struct rowtree_walk *w, struct bytes *key, struct bytes *row)
{
	const struct rowtree *at;

	if (w->depth == 0)
		return false;
	at = w->path[--w->depth];
	*key = key_of(at);
	*row = rowtree_row(at);
	for (const struct rowtree *t = w->reverse ? at->left : at->right; t != NULL; t = w->reverse ? t->right : t->left)
		go_down(w, t);
	return true;
}

uint64_t rowtree_digest(const struct rowtree *t)
{
	struct rowtree_walk w;
	struct bytes key, row;
	uint64_t h = 1;

	rowtree_seek(t, BYTES_NONE, false, &w);
	while (rowtree_next(&w, &key, &row))
		h = hash_more(hash_more(h, key), row);
	return h;
}
