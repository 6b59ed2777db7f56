/*
 * change: WRITE entries under construction: rows of items, with what the indexes of their table make of them, and rows of the
 * group's own.  Every entry with rows is made here.  Source: DESIGN, Indexes.
 *
 *   change_begin(&c, n, g);
 *   change_item(&c, &(struct change_item){ .key = key, .old = old, .new = new });
 *   if (change_any(&c) && !change_over(&c))
 *           verdict = change_propose(&c, 0, &slot);
 *   change_fini(&c);
 *
 * What is passed is copied.  The group's indexes are those of its newest proposed state when the change begins; nothing may be
 * proposed for the group between change_begin and change_propose.
 * Does not: look at rows, decide conditions, know whether there is room (exec_write_room).
 */
#ifndef NODE_CHANGE_H
#define NODE_CHANGE_H

#include "core.h"
#include "index.h"

struct change_part {                             /* of one entry */
	struct buf rows;                         /* ENTRY_WRITE_ROOM, then rows */
	struct buf moves;                        /* list of index_change */
	uint32_t nrows;
};

struct change {
	struct node *n;
	struct group *g;
	const struct index_set *set;
	bool over;
	bool apart;                              /* the caller may set it: items need not be in one entry, if they do not fit */
	struct change_part part;                 /* under construction */
	struct change_part *full;                /* the entries before it */
	size_t nfull;
	uint64_t timestamp;                      /* of the last entry, once proposed */
	struct buf key[2], row[2];               /* of an index: before and after */
};

struct change_item {
	struct bytes key;
	struct bytes old;                        /* what was there; n = 0: nothing.  Without indexes nobody looks */
	struct bytes new;                        /* n = 0: it goes */
	struct bytes lock;                       /* from now on (lock.h); such a row changes no index: new is old, or ITEM_EMPTY */
	bool expired;                            /* of a delete: its time to live did it */
};

void change_begin(struct change *c, struct node *n, struct group *g);
void change_fini(struct change *c);

/* An item's row, its rows in local indexes, and its moves in global ones. */
void change_item(struct change *c, const struct change_item *i);
/* A row of the group's own, or of an index, as it is.  image.n = 0: it goes. */
void change_row(struct change *c, struct bytes key, struct bytes image);
/* Tell the global index x, and no other, that item, under key, is as it is.  False: it has no row there. */
bool change_move(struct change *c, const struct index *x, struct bytes key, struct bytes item);

bool change_any(const struct change *c);                 /* is there anything to propose? */
size_t change_bytes(const struct change *c);             /* of the entry under construction, as yet */
bool change_over(const struct change *c);                /* it is larger than an entry may be, and so cannot be proposed */

/*
 * Propose the entries, each with its outbox row if it has moves, the first of them later than `after`; *slot is the last one's.
 * Not PX_OK: some of them may be proposed all the same (never of a single one).  The change is used up.
 */
enum px_verdict change_propose(struct change *c, uint64_t after, uint64_t *slot);

/* Append to list (of index_units) what changing an item costs in the indexes of set. */
void change_units(const struct index_set *set, struct bytes old, struct bytes new, struct buf *list);
/* The most that an entry's rows take which makes image of an item: more than ENTRY_BYTES_MAX cannot be written. */
size_t change_worst(const struct index_set *set, size_t image_bytes);

#endif
