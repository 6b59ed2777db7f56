/*
 * data_rows: items as a table: CSV (RFC 4180, lines end in \n) or TSV (tab, newline, return and backslash as \t \n \r \\).
 *
 *   S           as it is        N            digits        B        base64
 *   BOOL        true, false     NULL, none   nothing       others   plain JSON
 *
 * The columns are named before the first row, because the rows are printed as they come.
 * Does not: choose columns, write anywhere.
 */
#ifndef DDB_DATA_ROWS_H
#define DDB_DATA_ROWS_H

#include "item.h"
#include "opt.h"

#define DATA_ROWS_COLUMNS_MAX 4096

enum data_rows_form { DATA_ROWS_CSV, DATA_ROWS_TSV };

struct data_rows {
	enum data_rows_form form;
	struct bytes *column;                            /* owned */
	size_t n, cap;
	bool fixed;                                      /* data_rows_head was called */
	uint64_t lost;                                   /* values that have no column */
	struct buf lost_names;                           /* some of their names, for people */
	struct buf cell;
};

void data_rows_fini(struct data_rows *r);
void data_rows_column(struct data_rows *r, struct bytes name);  /* once each; those beyond the bound are lost */
/* Columns from paths as --select has them: the attributes that they begin with.  aliases: "#NAME=ATTR" each. */
void data_rows_paths(struct data_rows *r, const char *paths, const struct opt_list *aliases);
void data_rows_head(struct data_rows *r, struct buf *out);      /* the line of names; no columns after it */
void data_rows_put(struct data_rows *r, struct bytes item, struct buf *out);

#endif
