/*
 * op_tx: TransactWriteItems and TransactGetItems.  This router coordinates; what nodes do is in messages.def (tx_*).
 *
 *   op_tx.c         a transaction: lifetime, tables, keys, shares     op_tx_read.c     TransactItems
 *   op_tx_write.c   two phases                                        op_tx_ledger.c   its row in the ledger
 *   op_tx_get.c     reading at one moment                             op_tx_answer.c   answers, reasons for cancelling
 *
 * A write: its row is put into the ledger (P), all items are locked (tx_prepare), the row says C, the items change
 * (tx_finish), the client hears, the row may go.  Whoever changes P first decides: this router, or a node that has waited
 * too long for it.  Every step may be done twice, so each is tried again when its outcome is unknown; the client's request is not.
 * Source: Idziorek et al., "Distributed Transactions at Scale in Amazon DynamoDB", USENIX ATC 2023.
 * Does not: clean up after a router that died: nodes and the ledger do.
 */
#ifndef ROUTER_OP_TX_H
#define ROUTER_OP_TX_H

#include "api.h"
#include "ledger.h"

#define OP_TX_ITEMS_MAX 100
#define OP_TX_BYTES_MAX ((size_t)4 << 20)        /* of items and values in the request; of items in an answer */
#define OP_TX_STEP_MS 4000                       /* nodes ask the ledger after 2 s and then cancel: longer is no use */
#define OP_TX_FINISH_MS 1000                     /* for items to change or to be let go, at least */
#define OP_TX_BEHIND_MS 3000                     /* to write behind the client's back that all is done */
#define OP_TX_BEHIND_MAX 4096                    /* transactions in that state */
#define OP_TX_ROUNDS_MAX 8                       /* of reading; of preparing with a later timestamp */
#define OP_TX_WINDOW_S 600                       /* a token stands for its transaction so long */
#define OP_TX_STALE_US 3000000u                  /* a pending row that is older has lost its coordinator */
#define OP_TX_TOKEN_MAX 36                       /* characters; made-up keys of rows are longer */
#define OP_TX_HASH_N 32

enum { OP_TX_GET = 0 };                          /* beside enum msg_op_kind */

struct op_tx;

struct op_tx_text {                              /* an expression: a view into the request */
	struct bytes s;
	bool given;
};

struct op_tx_table {
	struct op_tx *tx;
	struct bytes name;                       /* a view into the request */
	struct route_table *route;               /* held */
	bool refresh_due;
	enum result result;                      /* of finding it */
	struct api_units units;                  /* consumed */
};

struct op_tx_item {
	struct op_tx_table *table;
	uint8_t kind;                            /* MSG_OP_*, OP_TX_GET */
	bool return_item;                        /* ReturnValuesOnConditionCheckFailure: ALL_OLD */
	bool names_given, values_given;
	struct bytes table_name;                 /* without the ARN around it */
	struct op_tx_text condition, update, projection;
	struct expr_subst subst;
	struct buf values;                       /* what subst's values point to */
	struct buf program, condition_program;   /* program: the update's or the projection's */
	size_t item_at, item_n;                  /* in tx->items: an Item or a Key */
	size_t key_at, key_n;                    /* in tx->keys */
	struct op_tx_item *next;                 /* in its share */

	enum result result;                      /* RESULT_OK, or why the transaction cannot be */
	struct buf text;                         /* that in words */
	struct bytes got;                        /* owned; the item that failed the condition, or was read */
	uint32_t old_bytes, new_bytes;           /* old_bytes: also of what was read */
	struct buf indexes;                      /* index_units: what writing it costs in the indexes of its table */
	bool found, locked, steady;              /* reading; steady: as in the round before */
	uint64_t slot;
};

struct op_tx_share {                             /* items of one partition: one message */
	struct op_tx *tx;
	struct op_tx_table *table;
	struct op_tx_item *first, **last;
	uint64_t group;
	enum result result;                      /* of the last message */
	uint64_t group_bytes;                    /* of the partition, if the table has local indexes */
	bool due;                                /* the next message is for it, too */
};

struct op_tx {
	struct api_req *q;                       /* NULL once it is answered */
	struct router *r;
	bool behind;                             /* outlives its request */
	uint64_t deadline_ms;
	struct op_tx_item *item;
	struct op_tx_table *table;
	struct op_tx_share *share;
	size_t nitems, items_cap, ntables, nshares;
	unsigned given;                          /* elements in the request, may be more than nitems */
	size_t bytes;                            /* against OP_TX_BYTES_MAX */
	size_t held_bytes;                       /* of items' got, in router.held_bytes */
	struct buf items, keys, why;
	unsigned pending, rounds, restarts;
	void (*next)(struct op_tx *tx);          /* when nothing is pending */
	void (*then)(struct op_tx *tx);          /* when the shares are made */

	/* Writes */
	uint8_t id[LEDGER_ID_N], hash[OP_TX_HASH_N];
	enum result failed;
	uint64_t timestamp, later;               /* microseconds; later: what CONFLICTs ask for, 0 for nothing */
	struct {
		struct route_table *route;       /* held */
		struct buf pk, key;
		uint64_t group;                  /* once the row is there */
		unsigned step, attempts;
		bool doubt;                      /* an attempt of this step may have been carried out */
		bool finished;                   /* an earlier request's row: every item has changed */
		void (*then)(struct op_tx *tx, unsigned fate);
		enum result failed;              /* with OP_TX_FAILED */
	} ledger;
};

/* --- op_tx.c ------------------------------------------------------------------------------------------------------ */

struct bytes op_tx_row(const struct op_tx *tx, const struct op_tx_item *i);      /* the Item or Key as an item */
struct bytes op_tx_key(const struct op_tx *tx, const struct op_tx_item *i);
/*
 * Compile the expressions, find tables and partitions, make keys and shares, and go on with next.  Refuses what is
 * wrong; keys of the wrong type cancel.  May be called again, after RESULT_STALE_SCHEMA.
 */
void op_tx_route(struct op_tx *tx, void (*next)(struct op_tx *tx));
/* A message of this type to each share that is due, all at once; done's arg is the share, it calls op_tx_settle. */
void op_tx_send(struct op_tx *tx, unsigned type, uint64_t deadline_ms,
                void (*encode)(void *arg, const struct route_table *t, const struct route_part *p, struct buf *out),
                void (*done)(void *arg, enum result result, struct route_table *t, struct bytes body),
                void (*next)(struct op_tx *tx));
void op_tx_settle(struct op_tx_share *s, enum result result);
void op_tx_due(struct op_tx *tx);                                                /* every share is */
void op_tx_later(struct op_tx *tx, uint64_t ms, void (*next)(struct op_tx *tx));
/* Keeps an item for the answer; false if there is no memory for it. */
bool op_tx_keep(struct op_tx *tx, struct op_tx_item *i, struct bytes item);
/* RESULT_OK, or the first share's result that no cancelling explains. */
enum result op_tx_failure(const struct op_tx *tx);
/* A table is another one by now, and nothing was done: begin again with next.  False if that was so too often. */
bool op_tx_again(struct op_tx *tx, void (*next)(struct op_tx *tx));
void op_tx_free(struct op_tx *tx);                                               /* of one that was behind */

/* --- op_tx_read.c ------------------------------------------------------------------------------------------------- */

enum djson_result op_tx_read_items(struct op_tx *tx, struct json_read *r, struct djson_error *e);

/* --- op_tx_ledger.c ----------------------------------------------------------------------------------------------- */

enum op_tx_step { OP_TX_BEGIN, OP_TX_COMMIT, OP_TX_CANCEL, OP_TX_DONE };
enum op_tx_fate {
	OP_TX_WRITTEN,                           /* as the step wanted */
	OP_TX_REPEATED,                          /* BEGIN: the token's transaction is committed; tx->id is now its id */
	OP_TX_RUNNING, OP_TX_MISMATCH,           /* BEGIN: another request has the token */
	OP_TX_LOST,                              /* COMMIT: somebody has cancelled it */
	OP_TX_FAILED,                            /* certainly not written: tx->ledger.failed */
	OP_TX_DOUBT,                             /* may be written, or be written yet */
};

/* Find the ledger, having it made if there is none, and go on; refuses the request if it cannot be found. */
void op_tx_ledger_find(struct op_tx *tx, void (*next)(struct op_tx *tx));
/* One step, tried again until deadline_ms while its outcome is unknown; then(tx, enum op_tx_fate). */
void op_tx_ledger_write(struct op_tx *tx, enum op_tx_step step, uint64_t deadline_ms,
                        void (*then)(struct op_tx *tx, unsigned fate));

/* --- op_tx_get.c, op_tx_answer.c ---------------------------------------------------------------------------------- */

/* Read the sizes of all items, for ConsumedCapacity, into table->units. */
void op_tx_measure(struct op_tx *tx, void (*next)(struct op_tx *tx));

/* TransactionCanceledException, with the items' results as reasons. */
void op_tx_cancelled(struct op_tx *tx);
bool op_tx_has_reason(const struct op_tx *tx);
/* "ItemCollectionMetrics", if wanted, of a transaction that has been carried out. */
void op_tx_collections(const struct op_tx *tx, struct json_write *w);
/* "ConsumedCapacity", if wanted; kind: "ReadCapacityUnits" or "WriteCapacityUnits". */
void op_tx_consumed(const struct op_tx *tx, struct json_write *w, const char *kind);

#endif
