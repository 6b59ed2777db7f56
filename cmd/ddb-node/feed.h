/*
 * feed: how the groups of a global index learn what has changed in a group of its table, in the order of that group's log.
 * Source: DESIGN, Indexes.
 *
 * The table's group gives.  Its leader takes a batch of outbox rows that are chosen, in their order, tells each group of an index
 * that they concern, again and again, and deletes them once all of these have said that they have it.
 * The index's group takes.  Its leader writes the rows of a feed that it does not know yet and, in the same entry, how far it has
 * come with that source; and says so once that is chosen.
 *
 * Invariant: what is missing in an index is in the outbox.  A source's feeds to one group overlap, but leave out nothing between
 * them.  So one that comes late, or twice, or from a leader of old, changes nothing, and the next leader needs no memory.
 * In memory, and of one leadership only: the batch under way, who answered for a group, whose answers wait for a slot.
 * Does not: make outbox rows (change.h), fill a new index (fill.h).
 */
#ifndef NODE_FEED_H
#define NODE_FEED_H

#include "core.h"

#define FEED_ROWS_MAX 100                        /* outbox rows in a batch */
#define FEED_BYTES_MAX (1u << 20)                /* of them; or one, whatever it has */
#define FEED_MOVES_MAX 400                       /* in them, those of the last one excepted */
#define FEED_OWED_MAX 1024                       /* answers of a group that wait; who gets none asks again */

struct feed *feed_new(void);
void feed_free(struct feed *f);

void feed_row(struct node *n, struct group *g, uint64_t slot);          /* an entry is seen that writes an outbox row */
void feed_run(struct node *n, struct group *g);                         /* at the end of a turn that changed g, and in every tick */
void feed_take(struct node *n, struct bytes body);                      /* MSG_feed */
void feed_fed(struct node *n, struct bytes body);                       /* MSG_fed */

/* This leader.  Does every index have everything up to this time?  False if we cannot tell, or do not lead. */
bool feed_knows(struct node *n, struct group *g, uint64_t time);
/* For how long, as far as this leader knows, some index has not known the oldest change; 0: every index knows all. */
uint64_t feed_lag_us(struct node *n, struct group *g);
bool feed_behind(struct node *n, struct group *g);                      /* for too long: take no more writes */

#endif
