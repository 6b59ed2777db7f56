/*
 * data: what the commands for tables and items share: where to, one request at a time, the table's keys, output.
 *
 *	struct data d = DATA_INIT;
 *	const struct opt opts[] = { ..., DATA_OPTS(d), OPT_END };
 *	...
 *	code = data_open(&d, table);
 *	...                                              -- d.w writes d.body
 *	data_begin(&d);  ...members...
 *	code = data_call(&d, "GetItem");                 -- d.answer.body
 * out:
 *	return data_close(&d, code);
 *
 * Functions that return int return 0, or an exit code after saying why.
 * Does not: know expressions, pages or files of items.
 */
#ifndef DDB_DATA_H
#define DDB_DATA_H

#include "client.h"
#include "data_schema.h"
#include "item_build.h"
#include "json.h"

#define DATA_BODY_BYTES_MAX ((size_t)16 << 20)           /* the API's bound on a request */
#define DATA_DEPTH_MAX 128                               /* of answers: 32 levels, typed, and what is around */

struct data {
	struct client_opts where;
	bool typed;
	const char *table;
	struct client *client;
	struct client_answer answer;
	struct data_schema schema;                       /* after data_describe */
	struct buf body, out;                            /* of a request; of standard output, not yet written */
	struct json_write w;
	struct item_build build;
};

#define DATA_INIT { .where = CLIENT_OPTS_INIT, .body = { .max = DATA_BODY_BYTES_MAX } }

#define DATA_OPTS(d) CLIENT_OPTS((d).where)
#define DATA_TYPED(d)                                                                                                  \
	OPT_FLAG(0, "typed", "items with their types, as the API has them: {\"n\":{\"N\":\"1\"}}", &(d).typed)

int data_open(struct data *d, const char *table);        /* table may be NULL */
/* Frees all; the code to exit with: code, unless that is 0 and output could not be written. */
int data_close(struct data *d, int code);

/* d->schema, by DescribeTable; once a process. */
int data_describe(struct data *d);

/* Begin a request: an object that is open, with TableName if there is one. */
void data_begin(struct data *d);
/* End it and send it.  data_try returns the HTTP status instead and says nothing. */
int data_call(struct data *d, const char *op);
int data_try(struct data *d, const char *op);

/*
 * Write "Key" and the item's key from operands: text[0] of the partition key, text[1] of the sort key, n as the
 * table's schema wants it.
 */
int data_put_key(struct data *d, char **text, size_t n);
/* One key attribute from text into d->build, as a value: text itself, a number, or base64. */
int data_key_value(struct data *d, const struct key_part *part, const char *text, struct value *out);

/* An item or a value as the table's user wants to see it. */
void data_put_item(const struct data *d, struct buf *out, struct bytes item); /* and a newline */

/*
 * The attribute map that is member name of the answer, appended to d->out as a line.
 * *found: there is one.
 */
int data_show_member(struct data *d, const char *name, bool *found);

/* Write d->out to standard output.  A reader that has gone ends the process, quietly, as SIGPIPE does. */
int data_flush(struct data *d);
int data_write(int fd, const char *name, struct buf *out); /* to any descriptor; empties out */

/* The raw text of a member of a JSON object; false if object is not one, or has none of that name. */
bool data_member(struct bytes object, const char *name, struct bytes *raw);
char *data_text(struct bytes raw);                       /* of a JSON string, to be freed; NULL if it is none */

#endif
