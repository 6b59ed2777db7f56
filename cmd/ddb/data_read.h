/*
 * data_read: the options that query and scan share, and the members of the request they become.
 */
#ifndef DDB_DATA_READ_H
#define DDB_DATA_READ_H

#include "data.h"
#include "data_page.h"
#include "data_rows.h"
#include "data_words.h"

struct data_read {
	const char *filter, *select, *index;
	uint64_t limit;
	bool count, eventual, consistent, csv, tsv;
	struct data_words words;
	/* then: */
	struct buf fixed;
	struct json_write w;
	struct key_schema key;                           /* of the table, or of the index; borrowed unless own_key */
	bool own_key;
	struct data_rows rows;
};

#define DATA_READ_INIT { .filter = NULL }

#define DATA_READ_OPTS(r)                                                                                              \
	OPT_STR('f', "filter", "CONDITION", "only items of which this is true: \"n > 3 or a = 'b'\"", &(r).filter), \
	OPT_STR('s', "select", "PATHS", "print these attributes only: a,b.c,d[0]", &(r).select),                      \
	OPT_U64('n', "limit", "N", "print at most so many items", &(r).limit, 1, UINT64_MAX),                          \
	OPT_FLAG('c', "count", "print how many there are instead of them", &(r).count),                                \
	OPT_FLAG(0, "csv", "as a table: a line of names, then a line an item", &(r).csv),                              \
	OPT_FLAG(0, "tsv", "the same with tabs", &(r).tsv),                                                            \
	OPT_STR('i', "index", "NAME", "of this index of the table", &(r).index),                                       \
	OPT_FLAG(0, "eventual", "half the price; may miss the latest writes", &(r).eventual),                          \
	OPT_FLAG(0, "consistent", "see every write that was acknowledged (the default, save on a global index)",       \
	         &(r).consistent),                                                                                     \
	DATA_WORDS_OPTS((r).words)

/* Describe the table if need be, and find r->key.  0, or an exit code after saying why. */
int data_read_begin(struct data_read *r, struct data *d, bool want_key);
/* The filter and the rest; then r->fixed is whole.  0, or an exit code after saying why. */
int data_read_end(struct data_read *r);
void data_read_fini(struct data_read *r);

/* The job that r describes, to standard output. */
struct data_page_job data_read_job(struct data_read *r, const char *op, unsigned segments);

#endif
