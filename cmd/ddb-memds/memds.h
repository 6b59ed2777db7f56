/*
 * memds: answers messages out of the routing map (map.h).
 * Routers and tools ask (lookup), autoadmin tells what there is (map_table, map_nodes, map_complete, each answered by
 * map_ack), nodes tell who leads (map_push).  Whoever says what is not his to say is dropped.
 * Does not: listen, keep anything on disk.
 */
#ifndef MEMDS_H
#define MEMDS_H

#include "map.h"
#include "metrics.h"
#include "net.h"

struct memds {
	struct net *net;
	struct map *map;
	uint64_t turned_away;                            /* the epoch last logged as fenced */
	struct metrics_count found, absent, not_ready;   /* lookups, by answer */
	struct metrics_count said, fenced, pushed;
};

void memds_init(struct memds *m, struct net *n);         /* the metrics of n are m's from here on */
void memds_fini(struct memds *m);
/* A handler for net_listen; arg is the struct memds. */
void memds_handle(void *arg, struct net_conn *c, uint64_t rid, unsigned type, struct bytes body);

#endif
