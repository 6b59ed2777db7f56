/* op_table: what the operations on tables share.  A table is its definition, an item (common/table.h). */
#ifndef ROUTER_OP_TABLE_H
#define ROUTER_OP_TABLE_H

#include "api.h"

/*
 * Write a definition as the API's TableDescription.
 *   status  NULL: the definition's own
 */
void op_table_write(struct json_write *w, struct bytes definition, const char *status);

#endif
