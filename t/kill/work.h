/*
 * work: the mixed load: which operation comes next, as the API wants it, and what its answer says, as history.
 *
 * A table with a partition key pk and a sort key sk.  Registers are items of four rows, "r12" 0..3, attribute v; lists
 * are "l7" 0, attribute l.  Some of each are in use at a time; one that has seen much is put aside, read once more at
 * the very end, and a new one takes its place: so every key's history is short, and old data is looked at too.
 * Written values are numbers, no two the same.
 * Does not: I/O, read a clock, judge.
 */
#ifndef T_KILL_WORK_H
#define T_KILL_WORK_H

#include "bytes.h"
#include "hist.h"

#define WORK_PARTITIONS 4                                /* of a new on-demand table */
#define WORK_ROWS 4                                      /* of a register item */
#define WORK_REGISTERS 8                                 /* items in use */
#define WORK_LISTS 12
#define WORK_REGISTER_OPS_MAX 1200                       /* of an item, before it is put aside */
#define WORK_APPENDS_MAX 150                             /* of a list, before it is put aside */
#define WORK_TYPES_MAX 16

enum work_kind {
	WORK_PUT,
	WORK_CAS,
	WORK_GET,
	WORK_EGET,
	WORK_APPEND,
	WORK_LIST,
	WORK_ELIST,
	WORK_QUERY,
	WORK_SCAN,
	WORK_KINDS
};

struct work_op {
	enum work_kind kind;
	uint32_t item, row;                              /* of a register, or the list's number */
	unsigned partition;
	uint64_t value, expect;
	bool last;                                       /* of the reads at the end */
};

/* How an operation ended, as far as the connection can tell. */
enum work_end { WORK_ANSWERED, WORK_UNSENT, WORK_LOST };

struct work_type {
	char name[64];
	uint64_t n;
};

struct work_counts {
	uint64_t n[WORK_KINDS][HIST_OUTCOMES];
	uint64_t conditions;                             /* of the refused cas: because of the condition */
	struct work_type types[WORK_TYPES_MAX];          /* of refusals */
	size_t types_n;
	uint64_t broken;                                 /* answers that no such request may get */
	char broken_why[400];                            /* the first one */
};

extern const char *const work_kinds[WORK_KINDS];

struct work;

struct work *work_new(uint64_t seed, const char *table);
void work_free(struct work *w);

/*
 * The next operation.
 *   busy  operations under way in each partition; one where max are is left alone
 *   body  cleared, then the JSON
 * Returns the API's name of it, or NULL: every partition is busy.
 */
const char *work_next(struct work *w, const unsigned busy[WORK_PARTITIONS], unsigned max, struct work_op *op,
                      struct buf *body);

/* From now on work_next reads every key there ever was, until each was read.  Then it returns NULL. */
void work_finish(struct work *w);
bool work_finished(const struct work *w);                /* and all of them were answered */

bool work_writes(const struct work_op *op);
/* What became of it; true if it is known to have been carried out. */
bool work_done(struct work *w, const struct work_op *op, int64_t from_ns, int64_t to_ns, enum work_end end, int status,
               struct bytes body);

const struct hist *work_hist(const struct work *w);
const struct work_counts *work_counts(const struct work *w);

#endif
