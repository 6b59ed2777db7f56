/*
 * data_page: Query and Scan to their end, page by page, each written before the next is asked for.
 */
#ifndef DDB_DATA_PAGE_H
#define DDB_DATA_PAGE_H

#include "data.h"
#include "data_rows.h"

struct data_page_job {
	const char *op;                                  /* "Query" or "Scan" */
	struct bytes fixed;                              /* members of each request, beside those that change */
	uint64_t limit;                                  /* items to show; 0: all */
	bool filtered;                                   /* the server may leave items out of a page */
	bool count;                                      /* only the number, at the end */
	struct data_rows *rows;                          /* the items as a table; NULL: as JSON */
	bool more_columns;                               /* rows gets those that items of the first page have */
	unsigned segments;                               /* of a Scan, at the same time; 1 for a Query */
	int fd;
	const char *fd_name;
	bool progress;                                   /* on stderr, if that is a terminal */
};

/* 0, or an exit code after saying why; what came before the failure has been written. */
int data_page_run(struct data *d, const struct data_page_job *job);

#endif
