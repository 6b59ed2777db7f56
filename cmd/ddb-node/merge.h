/*
 * merge: the rows of a group in key order as of one slot: those of its store, and over them what its overlay has.
 * Source: DESIGN, D5.
 *
 *   merge_open(&m, n, g, from, false, g->chosen);
 *   while (merge_next(&m))
 *           use(m.key, m.item);
 *   merge_close(&m);
 *
 * Rows without an item are skipped.  Neither overlay nor store may change while it is open.
 * Does not: know where the group's range ends, tell items from other rows.
 */
#ifndef NODE_MERGE_H
#define NODE_MERGE_H

#include "core.h"

struct merge {
	const struct store_ops *ops;
	struct store_cursor *stored;             /* NULL: no store */
	struct overlay_cursor held;
	bool reverse, have_held, have_stored, use_held, use_stored;
	struct bytes held_key, stored_key, row;
	struct overlay_version version;
	bool bad;                                /* it ended at a row that the store should not have */
	struct bytes key, item;                  /* valid until the next call */
};

/* From the first key >= from; reverse: from the last <= from (from.n = 0: from the very end).  upto: as image_look's. */
void merge_open(struct merge *m, struct node *n, struct group *g, struct bytes from, bool reverse, uint64_t upto);
bool merge_next(struct merge *m);
void merge_close(struct merge *m);

#endif
