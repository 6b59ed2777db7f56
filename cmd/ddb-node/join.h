/* join: how a node without an identity gets one. */
#ifndef NODE_JOIN_H
#define NODE_JOIN_H

#include "daemon.h"
#include "identity.h"

/* The cluster never started: take the incarnation that the cluster file gives.  0 or an exit code. */
int join_first(struct identity *id, const struct cluster_node *self);
/*
 * Ask ddb-autoadmin for a new incarnation, until it answers; a signal to end leaves id without one.  0 or an exit code.
 * Nothing of the old life is used: what is left in wal/ and store/ is put aside first.
 */
int join_run(struct daemon *d, const struct cluster_node *self, struct identity *id);

#endif
