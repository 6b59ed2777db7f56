#include "overlay.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "mem.h"

/*
 * A treap of keys; each key has its versions in a list by slot, and all versions are in one list by slot too, so that
 * what the store has taken over is dropped from that list's head without a search.
 *
 * Priorities come from a counter: the shape depends on the calls alone, and nobody who picks keys can make it a list.
 * Invariants: a parent's priority is not below its children's; every key in the tree has a version; both lists
 * ascend.
 */

struct key_node;

struct version {
	struct version *older, *newer;                   /* of the same key */
	struct version *before, *after;                  /* in the whole overlay */
	struct key_node *key;
	uint64_t slot, timestamp;
	bool deleted;
	uint32_t image_n, lock_n;
	uint8_t bytes[];                                 /* image, lock */
};

struct key_node {
	struct key_node *up, *left, *right;
	uint64_t head;                                   /* the key's first bytes as a number, to compare without a call */
	uint64_t priority;
	struct version *oldest, *newest;
	size_t n;
	uint8_t bytes[];
};

struct overlay {
	struct key_node *root;
	struct version *first, *last;
	uint64_t count;
	size_t versions, held;
};

static uint64_t head_of(struct bytes key)
{
	uint8_t t[8] = { 0 };

	if (key.n >= sizeof t)
		return load_be64(key.p);
	if (key.n > 0)
		memcpy(t, key.p, key.n);
	return load_be64(t);
}

static int compare(uint64_t head, struct bytes key, const struct key_node *k)
{
	if (head != k->head)
		return head < k->head ? -1 : 1;
	return bytes_cmp(key, (struct bytes){ k->bytes, k->n });
}

static uint64_t mix(uint64_t v)
{
	v += 0x9e3779b97f4a7c15;
	v = (v ^ v >> 30) * 0xbf58476d1ce4e5b9;
	v = (v ^ v >> 27) * 0x94d049bb133111eb;
	return v ^ v >> 31;
}

struct overlay *overlay_new(void)
{
	return mem_new(sizeof(struct overlay));
}

void overlay_free(struct overlay *o)
{
	if (o == NULL)
		return;
	overlay_applied(o, UINT64_MAX);
	assert(o->root == NULL && o->held == 0 && o->versions == 0);
	free(o);
}

static struct key_node *find(const struct overlay *o, struct bytes key)
{
	uint64_t head = head_of(key);
	struct key_node *k = o->root;

	while (k != NULL) {
		int c = compare(head, key, k);

		if (c == 0)
			return k;
		k = c < 0 ? k->left : k->right;
	}
	return NULL;
}

/* The place that points to k. */
static struct key_node **link_of(struct overlay *o, struct key_node *k)
{
	if (k->up == NULL)
		return &o->root;
	return k->up->left == k ? &k->up->left : &k->up->right;
}

static void set_child(struct key_node *k, struct key_node **side, struct key_node *child)
{
	*side = child;
	if (child != NULL)
		child->up = k;
}

/* Puts k in its parent's place, and its parent below it. */
static void rotate_up(struct overlay *o, struct key_node *k)
{
	struct key_node *p = k->up, **place = link_of(o, p);

	k->up = p->up;
	if (p->left == k) {
		set_child(p, &p->left, k->right);
		set_child(k, &k->right, p);
	} else {
		set_child(p, &p->right, k->left);
		set_child(k, &k->left, p);
	}
	*place = k;
}

static struct key_node *find_or_add(struct overlay *o, struct bytes key)
{
	uint64_t head = head_of(key);
	struct key_node *k, *up = NULL, **place = &o->root;

	while (*place != NULL) {
		int c = compare(head, key, *place);

		if (c == 0)
			return *place;
		up = *place;
		place = c < 0 ? &up->left : &up->right;
	}
	k = mem_resize(NULL, sizeof *k + key.n);
	*k = (struct key_node){ .up = up, .head = head, .priority = mix(o->count++), .n = key.n };
	if (key.n > 0)
		memcpy(k->bytes, key.p, key.n);
	*place = k;
	o->held += sizeof *k + key.n;
	while (k->up != NULL && k->up->priority < k->priority)
		rotate_up(o, k);
	return k;
}

static void remove_key(struct overlay *o, struct key_node *k)
{
	struct key_node *child;

	while (k->left != NULL && k->right != NULL)
		rotate_up(o, k->left->priority > k->right->priority ? k->left : k->right);
	child = k->left != NULL ? k->left : k->right;
	*link_of(o, k) = child;
	if (child != NULL)
		child->up = k->up;
	o->held -= sizeof *k + k->n;
	free(k);
}

/* Takes v out of both lists and frees it; its key stays, even without versions. */
static void unlink_version(struct overlay *o, struct version *v)
{
	*(v->older != NULL ? &v->older->newer : &v->key->oldest) = v->newer;
	*(v->newer != NULL ? &v->newer->older : &v->key->newest) = v->older;
	*(v->before != NULL ? &v->before->after : &o->first) = v->after;
	*(v->after != NULL ? &v->after->before : &o->last) = v->before;
	o->held -= sizeof *v + v->image_n + v->lock_n;
	o->versions--;
	free(v);
}

static void drop(struct overlay *o, struct version *v)
{
	struct key_node *k = v->key;

	unlink_version(o, v);
	if (k->newest == NULL)
		remove_key(o, k);
}

static void link_version(struct overlay *o, struct version *v)
{
	struct version *at = o->last;

	v->older = v->key->newest;
	*(v->older != NULL ? &v->older->newer : &v->key->oldest) = v;
	v->key->newest = v;

	while (at != NULL && at->slot > v->slot)         /* seldom: slots mostly come in order */
		at = at->before;
	v->before = at;
	v->after = at != NULL ? at->after : o->first;
	*(v->before != NULL ? &v->before->after : &o->first) = v;
	*(v->after != NULL ? &v->after->before : &o->last) = v;
}

void overlay_put(struct overlay *o, struct bytes key, const struct overlay_version *from)
{
	struct key_node *k = find_or_add(o, key);
	size_t n = from->image.n + from->lock.n;
	struct version *v = mem_resize(NULL, sizeof *v + n);

	assert(from->image.n <= UINT32_MAX && from->lock.n <= UINT32_MAX);
	*v = (struct version){ .key = k, .slot = from->slot, .timestamp = from->timestamp, .deleted = from->deleted,
			       .image_n = (uint32_t)from->image.n, .lock_n = (uint32_t)from->lock.n };
	if (from->image.n > 0)
		memcpy(v->bytes, from->image.p, from->image.n);
	if (from->lock.n > 0)
		memcpy(v->bytes + from->image.n, from->lock.p, from->lock.n);
	assert(k->newest == NULL || k->newest->slot <= v->slot);
	if (k->newest != NULL && k->newest->slot == v->slot)
		unlink_version(o, k->newest);
	o->held += sizeof *v + n;
	o->versions++;
	link_version(o, v);
}

static const struct version *version_at(const struct key_node *k, uint64_t upto)
{
	const struct version *v = k->newest;

	while (v != NULL && v->slot > upto)
		v = v->older;
	return v;
}

static void show(const struct version *v, struct overlay_version *out)
{
	*out = (struct overlay_version){ v->slot, v->timestamp, v->deleted, { v->bytes, v->image_n },
					 { v->bytes + v->image_n, v->lock_n } };
}

bool overlay_get(const struct overlay *o, struct bytes key, uint64_t upto, struct overlay_version *out)
{
	const struct key_node *k = find(o, key);
	const struct version *v = k != NULL ? version_at(k, upto) : NULL;

	if (v == NULL)
		return false;
	show(v, out);
	return true;
}

void overlay_applied(struct overlay *o, uint64_t slot)
{
	while (o->first != NULL && o->first->slot <= slot)
		drop(o, o->first);
}

void overlay_retract(struct overlay *o, uint64_t slot)
{
	while (o->last != NULL && o->last->slot >= slot)
		drop(o, o->last);
}

size_t overlay_bytes(const struct overlay *o)
{
	return o->held;
}

size_t overlay_versions(const struct overlay *o)
{
	return o->versions;
}

static struct key_node *outermost(struct key_node *k, bool left)
{
	while (k != NULL && (left ? k->left : k->right) != NULL)
		k = left ? k->left : k->right;
	return k;
}

static struct key_node *neighbour(struct key_node *k, bool reverse)
{
	struct key_node *child = reverse ? k->left : k->right;

	if (child != NULL)
		return outermost(child, !reverse);
	while (k->up != NULL && (reverse ? k->up->left : k->up->right) == k)
		k = k->up;
	return k->up;
}

void overlay_seek(const struct overlay *o, struct bytes from, bool reverse, uint64_t upto, struct overlay_cursor *c)
{
	uint64_t head = head_of(from);
	struct key_node *k = o->root, *best = NULL;

	*c = (struct overlay_cursor){ .o = o, .upto = upto, .reverse = reverse };
	if (from.n == 0) {
		c->at = outermost(k, !reverse);
		return;
	}
	while (k != NULL) {
		int order = compare(head, from, k);

		if (order == 0) {
			best = k;
			break;
		}
		if (reverse ? order > 0 : order < 0)
			best = k;
		k = order < 0 ? k->left : k->right;
	}
	c->at = best;
}

bool overlay_next(struct overlay_cursor *c, struct bytes *key, struct overlay_version *out)
{
	while (c->at != NULL) {
		struct key_node *k = c->at;
		const struct version *v = version_at(k, c->upto);

		c->at = neighbour(k, c->reverse);
		if (v == NULL)
			continue;
		*key = (struct bytes){ k->bytes, k->n };
		show(v, out);
		return true;
	}
	return false;
}
