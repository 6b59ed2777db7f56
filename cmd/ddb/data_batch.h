/*
 * data_batch: up to 25 lines on their way to a table, until each is written or refused.
 *
 * All lines go in one BatchWriteItem.  What the server leaves unprocessed goes again, after a pause that grows.  A
 * batch it refuses is sent again line by line, so that one bad item costs itself only.
 * Does not: send, read a clock, roll dice.
 */
#ifndef DDB_DATA_BATCH_H
#define DDB_DATA_BATCH_H

#include "bytes.h"
#include "json.h"

#define DATA_BATCH_LINES_MAX 25
#define DATA_BATCH_BYTES_MAX ((size_t)15 << 20)          /* of a request; the API's bound is 16 MB */
#define DATA_BATCH_PAUSE_MS 50                           /* the first, at most; doubled each time */
#define DATA_BATCH_PAUSE_MS_MAX 5000

struct data_batch_line {
	uint64_t number;                                 /* in the input */
	uint64_t key_hash;
	size_t text_at, text_n;                          /* the line, in text */
	size_t item_at, item_n;                          /* typed JSON, in items */
};

struct data_batch {
	struct data_batch_line lines[DATA_BATCH_LINES_MAX];
	size_t n;
	size_t at, width;                                /* the request that is due: lines[at] .. [at + width - 1] */
	struct buf text, items;
	struct buf again;                                /* UnprocessedItems; empty: the lines themselves */
	size_t left;                                     /* how many items that is */
	unsigned tries;                                  /* without progress */
};

enum data_batch_result {
	DATA_BATCH_DONE,                                 /* nothing is left of it */
	DATA_BATCH_NEXT,                                 /* another request is due, at once */
	DATA_BATCH_PAUSE,                                /* another one, after a pause */
	DATA_BATCH_NONSENSE,                             /* the answer cannot be read */
};

void data_batch_fini(struct data_batch *b);
void data_batch_clear(struct data_batch *b);

bool data_batch_has(const struct data_batch *b, uint64_t key_hash);
/* False: it is full, and unchanged.  A batch may not have two items of one key. */
bool data_batch_add(struct data_batch *b, uint64_t number, uint64_t key_hash, struct bytes line,
                    struct bytes item_json);

/* The members of the request's body. */
void data_batch_write(const struct data_batch *b, struct json_write *w, const char *table);

/* After an answer with status 200: *written gets how many lines it wrote. */
enum data_batch_result data_batch_answered(struct data_batch *b, struct bytes answer, size_t *written);
/* After a refusal: line by line from here on, or, if it was one line, past it: *refused is that line, else NULL. */
enum data_batch_result data_batch_refused(struct data_batch *b, const struct data_batch_line **refused);

struct bytes data_batch_text(const struct data_batch *b, const struct data_batch_line *line);
/* The longest pause now; the caller takes a random part of it. */
uint64_t data_batch_pause_ms(const struct data_batch *b);

#endif
