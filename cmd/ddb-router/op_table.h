/* op_table: what the operations on tables share.  A table is its definition, an item (common/table.h). */
#ifndef ROUTER_OP_TABLE_H
#define ROUTER_OP_TABLE_H

#include "api.h"

/*
 * Write a definition as the API's TableDescription.
 *   status  NULL: the definition's own
 */
void op_table_write(struct json_write *w, struct bytes definition, const char *status);

/* Did autoadmin answer with a definition?  If not, q has been answered. */
bool op_table_given(struct api_req *q, enum result result, const struct msg_admin_done *m);

#endif
