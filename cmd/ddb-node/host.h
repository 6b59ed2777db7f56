/*
 * host: a node on a real machine: the core wired to a disk, stores, sockets and clocks.
 * Does not: decide anything.
 */
#ifndef NODE_HOST_H
#define NODE_HOST_H

#include "daemon.h"
#include "identity.h"
#include "node.h"

struct host_options {
	struct node_options node;
	uint64_t first_segment_bytes, segment_bytes;
};

struct host;

/* NULL after saying why, with *code to exit with.  id has an incarnation; where the log was lost it is given up. */
struct host *host_new(struct daemon *d, const struct cluster_node *self, struct identity *id, const struct host_options *o, int *code);
void host_stop(void *host);          /* drain, then daemon_end */
void host_free(struct host *h);

#endif
