/*
 * rowtree: an ordered map of key -> row whose versions share what they have in common.
 * A version is the root of a treap with counted references; NULL is the empty one.  A change copies the path to it,
 * unless nobody else holds that.  Priorities are hashes of keys, so the shape depends on the contents alone.
 */
#ifndef SIM_ROWTREE_H
#define SIM_ROWTREE_H

#include "bytes.h"
#include "store.h"

#define ROWTREE_DEPTH_MAX 128

struct rowtree;

struct rowtree_change {
	struct store_worth come, gone;           /* what the new row is worth, and what was there */
};

struct rowtree *rowtree_hold(struct rowtree *t);         /* one more reference; returns t */
void rowtree_release(struct rowtree *t);
/* Takes over the reference to t and returns one to the new version.  row.n = 0 deletes. */
struct rowtree *rowtree_put(struct rowtree *t, struct bytes key, struct bytes row, struct rowtree_change *c);
const struct rowtree *rowtree_find(const struct rowtree *t, struct bytes key);
struct bytes rowtree_row(const struct rowtree *at);

/* As store_ops.seek.  t must be held while walking. */
struct rowtree_walk {
	const struct rowtree *path[ROWTREE_DEPTH_MAX];
	unsigned depth;
	bool reverse;
};
void rowtree_seek(const struct rowtree *t, struct bytes from, bool reverse, struct rowtree_walk *w);
bool rowtree_next(struct rowtree_walk *w, struct bytes *key, struct bytes *row);

uint64_t rowtree_digest(const struct rowtree *t);        /* of keys and rows in order */

#endif
