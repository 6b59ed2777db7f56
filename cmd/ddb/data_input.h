/*
 * data_input: items from a file or standard input, one a line, or JSON documents of any layout.
 */
#ifndef DDB_DATA_INPUT_H
#define DDB_DATA_INPUT_H

#include "item_build.h"
#include "json.h"

#define DATA_INPUT_LINE_MAX ((size_t)16 << 20)           /* the longest item of 400 KB, escaped, is a sixth of that */
#define DATA_INPUT_MESSAGE_MAX 600

struct data_input {
	int fd;
	const char *name;                                /* for messages */
	struct buf buf;
	size_t at;                                       /* what is before was given out */
	uint64_t line;                                   /* number of the line last given out; a document's first */
	bool end, own_fd;
	uint64_t lines;                                  /* read so far */
	struct json_read json;
};

enum data_input_result {
	DATA_INPUT_OK,
	DATA_INPUT_END,
	DATA_INPUT_TOO_LONG,                             /* a line, or document, over the bound; it is skipped */
	DATA_INPUT_FAILED,                               /* and said */
};

/* path NULL or "-": standard input.  0, or an exit code after saying why; close in either case. */
int data_input_open(struct data_input *in, const char *path);
/* JSON that is at hand. */
void data_input_text(struct data_input *in, struct bytes text);
void data_input_close(struct data_input *in);

/* The next line that is not blank, without its newline; valid until the next call. */
enum data_input_result data_input_line(struct data_input *in, struct bytes *line);
/* Is there something to go on with?  Waits for at most wait_ms; -1 waits for ever. */
bool data_input_ready(const struct data_input *in, int wait_ms);
/* The next line, and the lines that follow, until brackets that open are closed. */
enum data_input_result data_input_document(struct data_input *in, struct bytes *text);

/* One item, and nothing else, into b.  False with a message. */
bool data_input_item(struct data_input *in, struct bytes text, bool typed, struct item_build *b,
                     char message[DATA_INPUT_MESSAGE_MAX]);
/* The same for the value that r stands on. */
bool data_input_item_at(struct json_read *r, bool typed, struct item_build *b, char message[DATA_INPUT_MESSAGE_MAX]);

#endif
