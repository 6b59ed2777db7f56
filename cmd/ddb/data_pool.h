/*
 * data_pool: several requests at once, a process for each, as client.h blocks.
 * Of size 1 it is the caller's own connection, and nothing is forked.
 * Does not: order answers, look into them.
 */
#ifndef DDB_DATA_POOL_H
#define DDB_DATA_POOL_H

#include "client.h"

#define DATA_POOL_MAX 64

struct data_pool;

/* c is borrowed; o is what it was opened with.  NULL after saying why. */
struct data_pool *data_pool_new(struct client *c, const struct client_opts *o, unsigned n);
void data_pool_free(struct data_pool *p);                /* ends the processes at once; NULL is harmless */

/* Send by one that is idle; body is copied.  0, or -1 after saying why. */
int data_pool_submit(struct data_pool *p, unsigned i, const char *op, struct bytes body);

/*
 * Wait for an answer, at most wait_ms: the index of who has one, now idle, with it in a; -1 if there is none in time;
 * -2 after saying why.  Of size 1 it blocks for as long as the call takes.
 */
int data_pool_wait(struct data_pool *p, uint64_t wait_ms, struct client_answer *a);

#endif
