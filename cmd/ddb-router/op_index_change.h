/*
 * op_index_change: what UpdateTable makes of the global secondary indexes in a table's definition.  A new one is there without Id, one
 * that is to go has IndexStatus DELETING; the rest is autoadmin's.
 * Source: the API reference, UpdateTable; the developer guide, "Managing global secondary indexes".  Does not: read a clock, ask anybody.
 */
#ifndef ROUTER_OP_INDEX_CHANGE_H
#define ROUTER_OP_INDEX_CHANGE_H

#include "op_index.h"

/* What is wrong with GlobalSecondaryIndexUpdates by themselves: the first mistake, appended. */
void op_index_change_test(const struct op_table_spec *s, struct buf *err);
bool op_index_change_creates(const struct op_table_spec *s);
/*
 * May a table with the definition old be updated now, like this?  RESULT_OK; RESULT_IN_USE or RESULT_LIMIT with the reason appended: an
 * index is being made or taken away.
 */
enum result op_index_change_may(const struct op_table_spec *s, struct bytes table, struct bytes old, struct buf *err);
/*
 * Put what changes into b, an open item: AttributeDefinitions and GlobalSecondaryIndexes, or nothing.
 *   on_demand  the table's billing afterwards
 * RESULT_OK, or the refusal, with its text appended unless there is one for it in result.def.
 */
enum result op_index_change(const struct op_table_spec *s, struct bytes old, bool on_demand, uint64_t now_ms, struct item_build *b,
                            struct buf *err);

#endif
