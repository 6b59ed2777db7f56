/*
 * op_table_settings: the settings of a table, out of its definition (common/table.h) and into one.  Beside what table.h names, it holds
 *   ProvisionedThroughput              also LastIncreaseDateTime, LastDecreaseDateTime, NumberOfDecreasesToday (on the day of that)
 *   LastUpdateToPayPerRequestDateTime  when BillingMode became PAY_PER_REQUEST, if it ever changed
 *   OnDemandThroughput, DeletionProtectionEnabled, TableClass, Tags    as in the API
 *   TableClassDateTime                 when TableClass changed
 *   StreamSpecification                while a stream is enabled; LatestStreamLabel also afterwards
 *   SSEDescription                     while a key was asked for
 * Times are milliseconds since 1970 here, and seconds with three decimals there.  Does not: read a clock.
 */
#ifndef ROUTER_OP_TABLE_SETTINGS_H
#define ROUTER_OP_TABLE_SETTINGS_H

#include "op_table_spec.h"

#define OP_TABLE_WARM_READ 12000                 /* what an on-demand table can do from the start */
#define OP_TABLE_WARM_WRITE 4000

struct op_table_settings {
	bool on_demand;
	uint64_t read, write, warm_read, warm_write;
	uint64_t max_read, max_write;            /* OnDemandThroughput; 0: none */
	uint64_t increased_ms, decreased_ms;     /* 0: never */
	uint64_t decreases;                      /* on the day (UTC) of now_ms */
};

struct op_table_settings op_table_settings_of(struct bytes definition, uint64_t now_ms);
/* Of a global index, which the definition has as this map. */
struct op_table_settings op_table_settings_of_index(struct bytes definition, struct bytes map, uint64_t now_ms);
uint64_t op_table_settings_time(struct bytes item, const char *name);        /* 0: none */

/* Reset b and open an item in it: a change of the definition old and of no other, for autoadmin's verb update. */
void op_table_settings_begin(struct item_build *b, struct bytes old);
/* Attributes for an open item. */
void op_table_settings_put_time(struct item_build *b, const char *name, uint64_t ms);        /* 0: nothing */
void op_table_settings_put_throughput(struct item_build *b, const struct op_table_settings *t);
void op_table_settings_put_warm(struct item_build *b, const struct op_table_settings *t);
void op_table_settings_put_limits(struct item_build *b, const struct op_table_settings *t);
void op_table_settings_put_stream(struct item_build *b, const struct op_table_spec *s, uint64_t now_ms);
void op_table_settings_put_sse(struct item_build *b, const struct op_table_spec *s, const char *region);

#endif
