/*
 * node: the core of ddb-node: groups, log, recovery, overlay, apply, collection, leases, snapshots, requests.
 * Source: DESIGN, D1 to D7, D12.
 * Does not: know sockets, threads, files or clocks.  It runs over struct node_env, struct wal_io and struct store; the program
 * (main.c) and the simulator (t/sim) supply them.  Everything happens on one loop; each call says what time it is.
 *
 * Order of a turn: any number of node_message, node_request, node_written, store events and node_tick; then node_flush.
 */
#ifndef NODE_NODE_H
#define NODE_NODE_H

#include "metrics.h"
#include "store.h"
#include "wal.h"

#define NODE_GROUPS_MAX 4096
#define NODE_WAITERS_MAX 65536       /* requests that wait for a slot or the lease */
#define NODE_PAGE_SLOTS 1024         /* entries in one replication message */
#define NODE_PAGE_BYTES (1u << 20)   /* of entries in one replication message, the first one excepted */

struct node_env {
	void *ctx;
	/* To another replica's node, unreliable: lost if it is not connected.  0: to all other nodes.  body is copied. */
	void (*send)(void *ctx, uint32_t replica, unsigned type, struct bytes body);
	/* To whoever asked; dropped if the connection is gone. */
	void (*answer)(void *ctx, uint64_t conn, uint64_t rid, unsigned type, struct bytes body);
	void (*changed)(void *ctx, uint64_t group);      /* leadership or membership: tell the routing map */
	uint64_t (*random)(void *ctx);
	uint64_t (*wall_us)(void *ctx);                  /* for timestamps; may jump */
	bool (*disk_healthy)(void *ctx);                 /* no sync is overdue */
};

struct node_options {
	uint64_t lease_us;           /* 1 s */
	uint32_t drift_permille;     /* a lease is held this much shorter and honoured this much longer; 100 */
	uint64_t election_us;        /* 300 ms */
	uint64_t retry_us;           /* 200 ms */
	uint64_t beat_us;            /* 200 ms */
	uint64_t apply_delay_us;     /* a chosen entry waits at most this long for a fuller batch; 50 ms */
	uint32_t apply_rows;         /* rows that make a batch full */
	uint64_t overlay_bytes_max;  /* over this, writes are refused as OVERLOADED */
	uint64_t collect_bytes;      /* collect when the log is longer than this */
	uint64_t watermark_bytes;    /* a peer that lags by more log than this gets a snapshot */
	uint32_t snapshot_bytes;     /* rows in one message of a snapshot; 256 KB */
	uint64_t sweep_us;           /* a pass over a group's items in search of expired ones begins at most that often; 10 s */
	uint32_t sweep_rows;         /* of a pass, looked at in one tick, whatever the group; 64 */
	uint32_t sweep_bytes;        /* and no more than these and one row; 256 KB */
	uint64_t waiter_us;          /* a request that waits longer is answered UNKNOWN or NOT_READY; 10 s */
	uint64_t lock_us;            /* what a transaction has held for longer is asked about; 2 s */
	uint64_t feed_us;            /* between two batches of changes for global indexes; 10 ms */
	uint64_t index_lag_us;       /* a change that some index has not known for longer keeps new writes out; 10 s */
	uint32_t fill_rows;          /* of a group, looked at in one slice for a new global index; 200 */
	uint32_t fill_bytes;         /* and no more than these and one row; 256 KB */
	const char *boot_id;
};

void node_options_default(struct node_options *o);

struct node_metrics {
	struct metrics_count gets, writes, scans, refused, chosen, elections, stepdowns, snapshots_sent, snapshots_got, collected_bytes,
		expired, bad_messages, tx_prepared, tx_committed, tx_cancelled, tx_conflicts, tx_recovered,
		feed_rows, feed_gaps;
	struct metrics_hist apply_lag_us, feed_lag_us;
};

struct node;

/*
 * Recover from the log and the stores.  A node whose log is empty has no groups.
 *   lost  set if the log has lost records of unknown groups: the node must not go on under this incarnation
 * Returns NULL after saying why.  The store's events must be wired to node_store_events before anything is submitted.
 */
struct node *node_new(const struct node_env *env, const struct node_options *options, const struct wal_io *io,
                      const struct wal_options *wal, const struct store *store, uint64_t now, bool *lost);
void node_free(struct node *n);
struct store_events node_store_events(struct node *n);

void node_message(struct node *n, unsigned type, struct bytes body, uint64_t now);       /* from another node */
void node_request(struct node *n, uint64_t conn, uint64_t rid, unsigned type, struct bytes body, uint64_t now);
void node_written(struct node *n, uint64_t now);         /* after wal_written: more of the log is durable */
void node_tick(struct node *n, uint64_t now);            /* every 10 ms or so */
void node_flush(struct node *n, uint64_t now);           /* end of a turn */

/* SIGTERM: hand leaderships over, release leases, then write the clean mark.  True once node_free may follow. */
void node_stop(struct node *n, uint64_t now);
bool node_stopped(const struct node *n);

/* Make a group without being asked by autoadmin: the catalogue, at the first start of a cluster. */
struct msg_group_create;
int node_bootstrap(struct node *n, const struct msg_group_create *m, uint64_t now);

size_t node_groups(const struct node *n);
struct wal *node_wal(struct node *n);
void node_group_ids(const struct node *n, uint64_t *out);  /* node_groups() of them */
struct node_metrics *node_metrics(struct node *n);
/* What the routing map should know of a group, as a `partition` message; false if there is no such group. */
bool node_partition(struct node *n, uint64_t group, struct buf *out);

/* For tests and the simulator: asserts every invariant; a group's state. */
struct group;
void node_check(const struct node *n);
const struct group *node_group(const struct node *n, uint64_t group);

#endif
