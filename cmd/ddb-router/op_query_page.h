/*
 * op_query_page: one page of a Query or a Scan, collected from the partitions that cover a key range.
 * One partition is asked at a time, in the order of the page; a partition that holds nothing, or nothing more, is
 * followed by the next one until the page has its Limit, API_PAGE_BYTES_MAX or the range's end.
 * Source: API reference of Query and Scan.
 * Does not: know conditions or segments, read ahead.
 */
#ifndef ROUTER_OP_QUERY_PAGE_H
#define ROUTER_OP_QUERY_PAGE_H

#include "api.h"

struct op_query_page {
	struct api_req *q;
	const struct index *index;               /* of q->table, whose rows and keys are meant; NULL: items */
	const struct key_schema *key;            /* of these */
	struct buf low, high;                    /* low <= key < high; high empty: to the end */
	struct buf start;                        /* key of ExclusiveStartKey, within low..high; empty: none */
	bool reverse;
	bool one_row;                            /* the range is one key */

	/* private */
	bool count_only, consistent;
	bool fetch;                              /* of the items behind a local index's rows */
	struct route_table *rows;                /* held: of a global index; NULL: they are the table's */
	bool refresh_due;                        /* memds has not been asked about rows */
	void (*next)(struct op_query_page *p);   /* when rows are found */
	uint32_t limit;                          /* 0: none */
	uint32_t count, scanned;
	uint64_t read_bytes, fetched_units;
	struct buf items;                        /* of the partitions before the last one asked */
	struct buf last_key;                     /* looked at; empty: none yet */
	struct buf edge;                         /* end, in the page's direction, of the partition asked last */
};

/* The rules of Select.  False after refusing. */
bool op_query_page_select(struct api_req *q);

/* The page of q, to be filled in.  It becomes q->own. */
struct op_query_page *op_query_page_new(struct api_req *q, const struct index *x);

/*
 * Encode ExclusiveStartKey, if there is one, as p->start.  Returns KEY_OK, or what is wrong, with the API's text
 * appended to why.
 */
enum key_result op_query_page_start(struct op_query_page *p, struct buf *why);

/* Is there no room in the range, in the page's direction, for a key behind this one of its keys?  No key: false. */
bool op_query_page_over(const struct op_query_page *p, struct bytes key);

/* Collect the page and answer the request. */
void op_query_page_run(struct op_query_page *p);

#endif
