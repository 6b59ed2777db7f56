/*
 * store: what the storage replicas of a node hold: one ordered map of key -> row for each group, with the slot
 * applied last.
 * Source: DESIGN, D6.  Two implementations behind this interface: store_sqlite.c (one SQLite database a
 * replica, a thread that applies and checkpoints) and the simulator's (t/sim/store_mem.c).
 *
 * A row is an item header (item_head_put) and a binary item.  Calls come from the loop; what is submitted is carried
 * out in order, in the background, and reported on the loop by store_events.  Any I/O error ends the process: the
 * implementation's `failed` callback is called on the loop and does not return, so that no caller sees a wrong
 * "absent".
 */
#ifndef NODE_STORE_H
#define NODE_STORE_H

#include "bytes.h"
#include "entry.h"

#define STORES_OPEN_MAX 256
#define STORE_META_BYTES_MAX 4096
#define STORE_LOCALS_MAX 5           /* local indexes of a table: INDEX_LOCAL_MAX */

/*
 * What suits one batch, by t/bench/store-bench with rows of 1 KB: beyond it a row costs no less, while nearly every
 * row holds a page of 8 KB in memory until the commit.  Not limits.
 */
#define STORE_BATCH_ROWS 1000
#define STORE_BATCH_BYTES (1u << 20)

struct store_row {
	struct bytes key;
	struct bytes row;            /* n = 0: the row is deleted */
};

struct store_local {                 /* rows of a local index */
	uint32_t index;              /* its id; 0: none */
	uint64_t rows, bytes;
};

/* What a store knows of itself, changed in the same transaction as the rows. */
struct store_meta {
	uint64_t applied;            /* slot; 0 = empty */
	uint64_t clock;              /* the timestamp of the entry at that slot */
	uint64_t deleted_clock;      /* the highest timestamp of a delete */
	struct entry_hash hash;      /* after that slot */
	uint64_t rows, bytes;        /* of items (store_row_worth); for DescribeTable, as are: */
	struct store_local local[STORE_LOCALS_MAX];
	uint32_t config_bytes;       /* the governing configuration as an encoded CONFIG entry, and its slot */
	uint64_t config_slot;
	uint8_t config[256];
};

struct store_batch {
	uint64_t group;
	struct store_meta meta;      /* to stand after this batch (what counts rows: computed by the store, ignored here) */
	struct store_row *rows;      /* sorted by key, each key once */
	size_t n;
	struct buf memory;           /* what rows point into; the store frees it, rows and the batch */
};

struct store_cursor;                 /* over one group, in key order; sees a consistent state until closed */

struct store_ops {
	/* Existing stores, at start: calls each(arg, group, meta) once a store.  -1 on failure. */
	int (*scan_all)(void *ctx, void (*each)(void *arg, uint64_t group, const struct store_meta *meta), void *arg);
	int (*meta)(void *ctx, uint64_t group, struct store_meta *out);   /* 1 there, 0 no such store (empty meta) */

	/* The committed rows, as applied so far: at least all that `applied` reported. */
	int (*get)(void *ctx, uint64_t group, struct bytes key, struct buf *row);   /* 1 found (appended to row), 0 absent */
	/* From the first key >= from (reverse: the last key <= from; from.n = 0 means the end of the range). */
	struct store_cursor *(*seek)(void *ctx, uint64_t group, struct bytes from, bool reverse);
	bool (*next)(struct store_cursor *c, struct bytes *key, struct bytes *row);  /* valid until the next call */
	void (*close)(struct store_cursor *c);
	/* The rows with locks, as applied so far, in key order: calls each(arg, key, row) once a row.  Costs what they cost. */
	void (*locks)(void *ctx, uint64_t group, void (*each)(void *arg, struct bytes key, struct bytes row), void *arg);

	void (*apply)(void *ctx, struct store_batch *b);                  /* takes ownership; creates the store if needed */
	/* Make all that is applied survive a power cut.  Waits for older cursors and snapshots of the group to close,
	 * then reports checkpointed.  The store also checkpoints on its own, and reports that too.  A group without a store:
	 * reports slot 0. */
	void (*checkpoint)(void *ctx, uint64_t group);

	/* Snapshots.  A reader holds one consistent state, with its meta, however long it takes (bounded by the caller:
	 * it keeps the store from finishing a checkpoint).  NULL: no such store.  It outlives an installation and a drop of its
	 * group. */
	struct store_cursor *(*snapshot)(void *ctx, uint64_t group, struct store_meta *meta);
	/*
	 * A new content for group, built aside, replacing the old one durably at install_end (reported by
	 * `installed`).
	 */
	void (*install_begin)(void *ctx, uint64_t group);                 /* one under way is given up */
	void (*install_rows)(void *ctx, struct store_batch *b);           /* takes ownership; meta is ignored */
	void (*install_end)(void *ctx, uint64_t group, const struct store_meta *meta);
	void (*install_abort)(void *ctx, uint64_t group);
	/* Remove the store, its files and its installation.  Readers see none from now on. */
	void (*drop)(void *ctx, uint64_t group);
};

/* Implemented by the node core; called on the loop. */
struct store_events {
	void *arg;
	void (*applied)(void *arg, uint64_t group, const struct store_meta *meta);      /* readers see it from now on */
	void (*checkpointed)(void *arg, uint64_t group, uint64_t slot);                 /* survives a power cut up to slot */
	void (*installed)(void *arg, uint64_t group, const struct store_meta *meta);    /* durable */
	void (*progress)(void *arg, uint64_t queued_bytes);                             /* for flow control and metrics */
};

struct store {
	const struct store_ops *ops;
	void *ctx;
};

/*
 * What a row adds to store_meta: an item, or a row of a local index, and its size as the API accounts it (the length of a row that
 * is not one).  Nothing, if it only says that a transaction has locked a key without an item, or is the group's own.  row.n = 0:
 * nothing at all.
 */
struct store_worth {
	uint64_t rows, bytes;
	uint32_t local;              /* id of the local index that they are of; 0: of items */
	bool locked;
};
struct store_worth store_row_worth(struct bytes key, struct bytes row);
/* Count what has come and what has gone under one key, whose worths have the same `local`. */
void store_count(struct store_meta *m, const struct store_worth *come, const struct store_worth *gone);
void store_counted(struct store_meta *m, const struct store_meta *by);   /* m takes over what `by` has counted */

#endif
