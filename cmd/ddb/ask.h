/*
 * ask: one question to each of several processes of a cluster, at once.  Blocks until all have answered or the deadline.
 * Does not: log who did not answer, try again.
 */
#ifndef DDB_ASK_H
#define DDB_ASK_H

#include "cluster.h"
#include "msg.h"

struct ask {
	char *name;                                      /* of the process: "node-a"; owned */
	char *addr;                                      /* owned */
	unsigned type;
	struct buf body;                                 /* of the question, empty until the caller fills it */
	/* then: */
	bool answered;
	unsigned answer_type;
	struct buf answer;
};

/* One a process of the cluster file, in the order memds, nodes, autoadmin, router; *n of them; ask_free. */
struct ask *ask_everyone(const char *home, const struct cluster *c, unsigned type, size_t *n);
void ask_free(struct ask *asks, size_t n);
void ask_all(const struct cluster *c, struct ask *asks, size_t n, unsigned wait_ms);

#endif
