/* bench_table: the table that a load runs on; made if there is none. */
#ifndef DDB_BENCH_TABLE_H
#define DDB_BENCH_TABLE_H

#include "client.h"

#define BENCH_TABLE_KEY_NAME "pk"                        /* of the tables made here */

/*
 * See that table can be used, make it, on-demand, if there is none, and wait until it is active.
 *   indexes   how many global indexes it has, each of all attributes: number 1 of the strings in g1, and so on
 *   key_name  gets the name of its partition key, to be freed
 * Returns 0, or an exit code after saying why: it has a sort key, a key that is not a string, other indexes.
 */
int bench_table_ready(struct client *c, const char *table, unsigned indexes, uint64_t timeout_ms, char **key_name);

#endif
