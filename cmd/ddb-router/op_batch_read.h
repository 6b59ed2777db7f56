/* op_batch_read: RequestItems of BatchGetItem and BatchWriteItem.  Does not: look at tables, keys or expressions. */
#ifndef ROUTER_OP_BATCH_READ_H
#define ROUTER_OP_BATCH_READ_H

#include "op_batch.h"

/*
 * As op->read (api.h): fills in b's tables and rows.  What is beyond the API's limits is read, counted and reported,
 * but not kept.
 */
enum djson_result op_batch_read_tables(struct op_batch *b, struct json_read *r, struct djson_error *e);

#endif
