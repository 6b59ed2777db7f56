/*
 * op_query_index: the secondary index that a Query or a Scan names: what it may be asked for, and where its rows are.
 * Those of a local index are in the table's partitions, those of a global one in a table of its own (common/index.h).
 * Source: API reference of Query and Scan, the developer guide's chapters on secondary indexes.
 * Does not: read.
 */
#ifndef ROUTER_OP_QUERY_INDEX_H
#define ROUTER_OP_QUERY_INDEX_H

#include "op_query_page.h"

/*
 * The page of q, of its table or of the index that it names, becomes q->own; next is called with it, now or when the
 * index's rows are found.  Refuses indexes that are not there, and what they cannot do.
 */
void op_query_index_open(struct api_req *q, void (*next)(struct op_query_page *p));

/* Something is not as the table's definition says: if that may be outdated, begin again.  False if it is fresh. */
bool op_query_index_again(struct api_req *q);

/* As op_query_page_start, of a page of an index: item has the attributes of the index's key and of the table's. */
enum key_result op_query_index_start(struct op_query_page *p, struct bytes item, struct buf *why);

#endif
