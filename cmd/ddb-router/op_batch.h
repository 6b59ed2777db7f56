/*
 * op_batch: what BatchGetItem and BatchWriteItem share: rows of several tables in one request, each an own request to
 * its partition, all at once.
 *
 *   op_batch.c      tables, keys, one request a row     op_batch_get.c, op_batch_write.c   what is done with a row
 *   op_batch_read.c RequestItems
 *
 * A row that could not be served in time, or was throttled, is handed back to the client (UnprocessedKeys,
 * UnprocessedItems), unless that befell all of them: then the request fails as the first one did.
 * Source: API reference of both.
 * Does not: retry (call.c), undo: rows are independent of each other.
 */
#ifndef ROUTER_OP_BATCH_H
#define ROUTER_OP_BATCH_H

#include "api.h"

#define OP_BATCH_GET_MAX 100                     /* keys */
#define OP_BATCH_WRITE_MAX 25                    /* puts and deletes */
#define OP_BATCH_ROWS_MAX OP_BATCH_GET_MAX
#define OP_BATCH_TABLES_MAX OP_BATCH_ROWS_MAX
#define OP_BATCH_ANSWER_BYTES_MAX ((size_t)16 << 20)     /* of a BatchGetItem: of items, and of their JSON */

struct op_batch;

struct op_batch_table {
	struct op_batch *batch;
	struct bytes given, name;                /* as in the request; without the ARN around it */
	struct route_table *table;               /* held */
	bool refresh_due;
	enum result result;                      /* of finding it */
	unsigned rows;                           /* given, may be more than were kept */
	struct api_units units;                  /* consumed */

	/* BatchGetItem */
	bool consistent, consistent_given, projection_given, names_given;
	struct bytes projection;                 /* ProjectionExpression */
	struct expr_subst names;
	struct bytes *attributes;                /* AttributesToGet; owned, API_NAMES_MAX at most */
	size_t attributes_n;
	struct buf program;                      /* what both come to */
};

struct op_batch_row {
	struct op_batch *batch;
	struct op_batch_table *table;
	bool put;                                /* item is an Item; else a Key */
	size_t item_at, item_n;                  /* in batch->items */
	size_t key_at, key_n;                    /* in batch->keys */
	enum result result;
	struct bytes got;                        /* BatchGetItem: owned */
	bool found;
	uint64_t group_bytes;                    /* BatchWriteItem: of the item's partition, if the table has local indexes */
};

struct op_batch {
	struct api_req *q;
	struct op_batch_table *table;            /* OP_BATCH_TABLES_MAX of them */
	struct op_batch_row row[OP_BATCH_ROWS_MAX];
	size_t ntables, nrows;
	bool too_many;                           /* tables or rows, not all kept */
	struct buf items, keys;
	unsigned pending;
	void (*next)(struct op_batch *b);        /* when nothing is pending */
	void (*then)(struct op_batch *b);        /* when the tables are found and the keys made */
	size_t got_bytes;                        /* of row.got, as the API counts */
	size_t held_bytes;                       /* of row.got, as in memory */
	enum result failed;                      /* the first failure, or the first that is for good; RESULT_OK: none */
	struct buf why;                          /* its text */
};

struct bytes op_batch_item(const struct op_batch_row *row);
struct bytes op_batch_key(const struct op_batch_row *row);

/*
 * Find the tables, asking memds once for each, make the keys, and go on with next.  Refuses unknown tables, keys that
 * are none, and two rows of one key.
 */
void op_batch_route(struct op_batch *b, void (*next)(struct op_batch *b));

/*
 * One message of this type for each row, all at once; done's arg is the row, and it calls op_batch_settle.  After the
 * last one: next.
 */
void op_batch_call(struct op_batch *b, unsigned type,
                   void (*encode)(void *arg, const struct route_table *t, const struct route_part *p, struct buf *out),
                   void (*done)(void *arg, enum result result, struct route_table *t, struct bytes body),
                   void (*next)(struct op_batch *b));
/* The row has its result; text is why, if it is a failure. */
void op_batch_settle(struct op_batch_row *row, enum result result, struct bytes text);

/* Was row left for the client to try again? */
bool op_batch_unprocessed(const struct op_batch_row *row);
/*
 * The member name: each table of which rows were left, as it was called in the request, and between open and close
 * those rows.
 */
void op_batch_left(const struct op_batch *b, struct json_write *w, const char *name,
                   void (*open)(struct json_write *w),
                   void (*row)(struct json_write *w, const struct op_batch_row *row),
                   void (*close)(struct json_write *w, const struct op_batch_table *t));
/* All rows are settled: false after failing the request, if one failed for good, or all for now. */
bool op_batch_succeeded(struct op_batch *b);

/* "ConsumedCapacity": a list, if wanted. */
void op_batch_consumed(const struct op_batch *b, struct json_write *w);

#endif
