/* feed_impl: what the giving and the taking side of feed.h share. */
#ifndef NODE_FEED_IMPL_H
#define NODE_FEED_IMPL_H

#include "feed.h"

struct target {                                  /* a group of an index */
	uint32_t index;
	uint64_t group;
	struct bytes low;                        /* owned */
	uint32_t replica;                        /* that answered for it last; 0 = unknown */
	uint64_t knows;                          /* it has said that it has everything up to this time */
	struct buf rows;                         /* of the batch */
	uint64_t sent;
	unsigned tries;                          /* to say it again */
	bool waiting;                            /* for its answer */
};

struct batch {
	uint64_t time[FEED_ROWS_MAX];            /* of its outbox rows */
	size_t n, bytes, moves, waiting;
	bool full;                               /* there is more */
};

struct owed {                                    /* an answer, once slot is chosen */
	STAILQ_ENTRY(owed) next;
	uint64_t slot, source, upto;
	uint32_t replica;
};

struct feed {
	uint64_t written;                        /* the last slot seen that writes an outbox row */
	uint64_t ballot;                         /* of the leadership to which all that follows belongs; 0 = none */
	bool some;                               /* there may be outbox rows */
	uint64_t led, since;                     /* when it began; since when the oldest outbox row has been waiting */
	uint64_t due;                            /* the next batch */
	uint64_t end_due;                        /* the end of this one, which was refused */
	uint64_t done;                           /* outbox rows up to this time are known everywhere; their deletion is proposed */
	struct batch *batch;                     /* under way; NULL: none */
	uint64_t version;                        /* of the indexes of: */
	struct target *target;                   /* by index, then low */
	size_t ntargets;
	STAILQ_HEAD(, owed) owed;                /* by slot */
	size_t nowed;
};

/* --- feed.c */
struct feed *feed_leading(struct node *n, struct group *g);             /* the group's, if we lead it; else NULL */

/* --- feed_take.c */
void feed_take_answer(struct node *n, struct group *g, struct feed *f); /* what is chosen */
void feed_take_forget(struct feed *f);                                  /* what is not */

#endif
