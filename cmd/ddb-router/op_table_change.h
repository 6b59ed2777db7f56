/*
 * op_table_change: what UpdateTable makes of a table's definition, and what CreateTable tests alike.
 * Source: the API reference, UpdateTable; its messages are the service's.  Does not: read a clock, ask anybody.
 */
#ifndef ROUTER_OP_TABLE_CHANGE_H
#define ROUTER_OP_TABLE_CHANGE_H

#include "op_table_spec.h"

/* Members that do not go together, or none at all: the first mistake, appended to err. */
void op_table_change_test(struct api_req *q, struct buf *err);
/*
 * Make in b, an item, what autoadmin's verb update is to set in the definition old, whose Version it names.
 *   now_ms  since 1970
 * RESULT_OK, or RESULT_INVALID or RESULT_LIMIT with the reason appended to err.
 */
enum result op_table_change(struct api_req *q, struct bytes old, uint64_t now_ms, struct item_build *b, struct buf *err);

/* What is wrong in a specification by itself, appended. */
void op_table_change_test_sse(const struct op_table_spec *s, struct buf *err);
bool op_table_change_encrypts(const struct op_table_spec *s);  /* with a key that somebody asked for */

#endif
