/*
 * router: what the files of ddb-router share.
 *
 *   main.c     options, wiring           route.c    the cache of the routing map, and memds behind it
 *   http*.c    the HTTP server           call.c     one request to a storage node, retried where that is safe
 *   api.c      dispatch, authentication, answers     op_*.c     the operations
 */
#ifndef ROUTER_ROUTER_H
#define ROUTER_ROUTER_H

#include <uthash.h>
#include <uv.h>

#include "http.h"
#include "index.h"
#include "metrics.h"
#include "net.h"
#include "result.h"
#include "table.h"

#define ROUTER_MEMBERS_MAX 7
#define ROUTER_NODES_MAX 256
#define ROUTER_TABLES_MAX 10000                  /* in the cache: as many as a cluster may have */
#define ROUTER_PARTITIONS_ASKED 128              /* partitions fetched with a table that is not cached */
#define ROUTER_DEADLINE_MS 10000                 /* of a user's request, retries included */
#define ROUTER_HELD_BYTES_MAX ((size_t)256 << 20)        /* of items that wait for the rest of their answer, all requests together */

struct router_metrics {
	struct metrics_count requests, lookups, lookups_missed, misroutes, retries, unknown;
	struct metrics_count tx_committed, tx_cancelled, tx_repeated;
};

struct route_node {
	uint32_t incarnation;
	char *addr;
	struct net_peer *peer;
};

struct router {
	uv_loop_t *loop;
	struct net *net;
	struct net_peer *memds, *autoadmin;
	struct route_table *tables;              /* the cache, by name */
	struct route_node node[ROUTER_NODES_MAX];
	size_t nnodes;
	uint64_t nodes_version;
	uint32_t turn;                           /* round robin over replicas */
	struct key_hasher *hasher;
	const char *region;
	uint64_t ttl_change_ms;                  /* the time to live of a table changes at most this often */
	size_t held_bytes;                       /* against ROUTER_HELD_BYTES_MAX */
	unsigned tx_behind;                      /* transactions that are answered, and whose row in the ledger does not say so */
	void (*tx_idle)(struct router *r);       /* called when there is none any more; NULL: nobody waits */
	struct router_metrics metrics;
	struct api *api;                         /* api.c's own */
};

/* --- route.c ------------------------------------------------------------------------------------------------------ */

struct route_part {
	struct bytes low, high;                  /* owned; high.n = 0: to the end */
	uint64_t group, ballot, config_slot;
	uint32_t leader;                         /* replica; 0 = unknown */
	uint32_t nmembers;
	uint32_t member[ROUTER_MEMBERS_MAX];     /* those that hold data */
};

/* A table as the map knew it; held by reference, for the cache may replace it at any time. */
struct route_table {
	UT_hash_handle hh;
	unsigned refs;
	uint64_t version;                        /* of the map's entry */
	struct table table;
	struct index_set indexes;                /* of the table; if it has none, nothing else is told of it */
	struct route_part *part;                 /* ascending; there may be gaps, to be asked for */
	size_t nparts;
};

struct route_table *route_hold(struct route_table *t);
void route_release(struct route_table *t);       /* NULL is harmless */

/* From the cache, or NULL.  A hit must be followed by one route_refresh, so that memds sees every request. */
struct route_table *route_cached(struct router *r, struct bytes name);
/* Ask memds about the table and the partition that holds key; the answer freshens the cache, nobody waits. */
void route_refresh(struct router *r, struct route_table *t, struct bytes key);
/*
 * Ask memds, and then tell: done(arg, RESULT_OK, table), or NO_TABLE or UNAVAILABLE with NULL.  The table is lent for the call.
 *   key  the partition wanted and those behind it; empty = from the first
 */
void route_fetch(struct router *r, struct bytes name, struct bytes key, void (*done)(void *arg, enum result, struct route_table *t),
                 void *arg);
/* The same, done by deadline_ms and not after 2 seconds. */
void route_fetch_by(struct router *r, struct bytes name, struct bytes key, uint64_t deadline_ms,
                    void (*done)(void *arg, enum result, struct route_table *t), void *arg);
/* The partition that holds key; NULL if the cache does not know it. */
struct route_part *route_part(const struct route_table *t, struct bytes key);
/* What a node said about one of the table's partitions (a `partition` message). */
void route_learn(struct router *r, struct route_table *t, struct bytes partition);
struct net_peer *route_peer(const struct router *r, uint32_t replica);  /* NULL if unknown or down */
void route_init(struct router *r);
void route_fini(struct router *r);

/* --- call.c ------------------------------------------------------------------------------------------------------- */

enum call_kind { CALL_READ_ANY, CALL_READ_LEADER, CALL_WRITE };     /* READ_LEADER: also a write that may be done twice */

/*
 * One request to the partition that holds key, sent again (with a fresh route where needed) as long as it certainly was not carried out
 * and the deadline allows.
 *   encode  writes the message; called at each attempt, for group and schema may have changed
 *   done    called once, later: RESULT_OK means that the node answered, with body as its message of type `answer` and *t as it is now; else
 *           body is the refusing message if there was one (its text and details), or empty.  RESULT_STALE_SCHEMA: nothing was done, the
 *           table is another one by now
 */
struct call_request {
	enum call_kind kind;
	unsigned type;                           /* MSG_get, MSG_write, MSG_scan */
	struct bytes key;                        /* copied */
	uint64_t deadline_ms;                    /* absolute, as clock_ms() */
	void (*encode)(void *arg, const struct route_table *t, const struct route_part *p, struct buf *out);
	void (*done)(void *arg, enum result result, struct route_table *t, struct bytes body);
	void *arg;
};

void call_start(struct router *r, struct route_table *t, const struct call_request *q);     /* holds t */

#endif
