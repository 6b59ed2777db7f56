/*
 * fill: what a new global index lacks: the items that were there before it.  Source: DESIGN, Indexes.
 * The leader of a table's group looks through its items, a slice at a time, and notes each for the index as if it had changed,
 * in an entry that also says how far it has come.  So a slice has its place among the writes, and the index learns of them all in
 * one order (feed.h).  The next slice waits until the index has this one.
 * How far it has come is a row of the group's own, 00 'f' index: the last key looked at (varint length + bytes), u8 1: the end.
 * It goes when the index is no longer CREATING.
 * Does not: decide when an index is ACTIVE (autoadmin does, once every group says that it is filled).
 */
#ifndef NODE_FILL_H
#define NODE_FILL_H

#include <stdbool.h>
#include <stdint.h>

struct node;
struct group;
struct buf;

#define FILL_IDS_MAX 65535u                      /* indexes of a table, over all its life: rows of later ones are never removed */

/* In memory, of one leadership and one version of the indexes. */
struct fill {
	uint64_t ballot, version;
	uint64_t at;                             /* of the last slice */
	uint64_t time;                           /* and of its entry: every index must know it before the next */
	bool over;                               /* there is nothing left to do */
};

void fill_tick(struct node *n);                                         /* a slice of one group, if one is due */
/* Append the ids, u32 each, of the global indexes that know every item of the group, as its leader knows for certain. */
void fill_filled(struct node *n, struct group *g, struct buf *ids);

#endif
