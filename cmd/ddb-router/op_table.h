/* op_table: what the operations on tables share.  A table is its definition, an item (common/table.h). */
#ifndef ROUTER_OP_TABLE_H
#define ROUTER_OP_TABLE_H

#include "op_table_spec.h"

/*
 * Write a definition as the API's TableDescription.
 *   status  NULL: the definition's own
 *   map     of a routing map of before: global indexes that do not serve there are still CREATING; NULL: as the definition says
 */
void op_table_write(struct json_write *w, struct bytes definition, const char *status, const struct index_set *map);

/* Did autoadmin answer with a definition?  If not, q has been answered. */
bool op_table_given(struct api_req *q, enum result result, const struct msg_admin_done *m);

/*
 * Change the definition of a table that is active.  q->own is a struct op_table_spec.
 *   change   puts into q->item what autoadmin's verb update is to set in the definition old, Version included; RESULT_OK, or a refusal
 *            with its text in q->failed.  Called again when somebody else has changed the definition meanwhile.
 *   changed  answers; definition is the new one
 */
void op_table_edit(struct api_req *q, struct bytes name, enum result (*change)(struct api_req *q, struct bytes old),
                   void (*changed)(struct api_req *q, struct bytes definition));

#endif
