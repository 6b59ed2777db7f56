/*
 * op_table_units: what throughput may be asked for, of a table or of an index, and what becomes of the one it has.
 *   index  its name, for messages; p NULL: of the table
 * Texts are the service's; functions without a result append the first mistake to err.  Does not: read a clock.
 */
#ifndef ROUTER_OP_TABLE_UNITS_H
#define ROUTER_OP_TABLE_UNITS_H

#include "op_table_settings.h"

#define OP_TABLE_DECREASES_MAX 4                 /* of throughput in a day (UTC); then one an hour */
#define OP_TABLE_UNITS_MAX 1000000000000

/* What is wrong with it by itself.  clears: -1 takes a limit away. */
void op_table_units_test(const struct op_table_throughput *t, struct bytes index, struct buf *err);
void op_table_units_test_limits(const struct op_table_throughput *t, struct bytes index, bool on_demand, bool clears, struct buf *err);
void op_table_units_test_warm(const struct op_table_throughput *t, struct bytes index, bool on_demand, struct buf *err); /* of a new one */

struct op_table_settings op_table_units_new(const struct op_table_throughput *t, bool on_demand);
/* From provisioned to on demand. */
void op_table_units_end(struct op_table_settings *now);
/* RESULT_OK with *now as it is to be; or RESULT_INVALID or RESULT_LIMIT with the reason appended. */
enum result op_table_units_set(struct op_table_settings *now, const struct op_table_throughput *t, struct bytes index, uint64_t now_ms,
                               struct buf *err);
enum result op_table_units_limit(struct op_table_settings *now, const struct op_table_throughput *t, struct bytes index, bool on_demand,
                                 struct buf *err);
enum result op_table_units_warm(struct op_table_settings *now, const struct op_table_throughput *t, struct bytes index, struct buf *err);

#endif
