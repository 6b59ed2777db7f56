/*
 * work: the mixed load: which operation comes next, as the API wants it, and what its answer says, as history.
 *
 * A table with a partition key pk and a sort key sk.  Registers are items of four rows, "r12" 0..3, attribute v; lists
 * are "l7" 0, attribute l.  Some of each are in use at a time; one that has seen much is put aside, read once more at
 * the very end, and a new one takes its place: so every key's history is short, and old data is looked at too.
 * Written values are numbers, no two the same.
 *
 * Or transactions, on lists alone: of two tables, so that they are neighbours nowhere.  One appends to one to four of
 * them, one in four on condition that yet another has as many elements as was known last; or it reads up to four.
 * Other requests append to and read single ones.
 *
 * Or the mixed load on a table with indexes, with strong queries of a local one.  A register with value n lies at n in "byv";
 * unless 3 divides n, also in the local "byw", and unless 4 does, in the global "byg": rows move, come
 * and go.  An append moves its list in "byg".
 * Does not: I/O, read a clock, judge.
 */
#ifndef T_KILL_WORK_H
#define T_KILL_WORK_H

#include "bytes.h"
#include "hist.h"

#define WORK_TABLE_PARTITIONS 4                          /* of a new on-demand table */
#define WORK_TABLES 2
#define WORK_PARTITIONS_MAX (WORK_TABLES * WORK_TABLE_PARTITIONS)
#define WORK_ROWS 4                                      /* of a register item */
#define WORK_REGISTERS 8                                 /* items in use */
#define WORK_LISTS 12
#define WORK_LISTS_MAX 40                                /* with transactions, so that most find theirs free */
#define WORK_TX_LISTS_MAX 4
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
	WORK_LOCAL,                                      /* a query of a local index */
	WORK_TX_APPEND,
	WORK_TX_LIST,
	WORK_KINDS
};

enum work_load { WORK_MIXED, WORK_TRANSACTIONS, WORK_INDEXES };

struct work_op {
	enum work_kind kind;
	uint32_t item, row;                              /* of a register, or the list's number */
	uint32_t partitions;                             /* bits: those it needs */
	uint64_t value, expect;
	uint64_t tx;                                     /* of a transaction, as are: */
	uint32_t list[WORK_TX_LISTS_MAX];
	unsigned lists;
	bool checks;                                     /* also that list `item` has `expect` elements */
	bool last;                                       /* of the reads at the end */
	bool indexed;                                    /* what is written has the keys of indexes */
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
	uint64_t checked;                                /* transactions carried out on such a condition */
	struct work_type types[WORK_TYPES_MAX];          /* of refusals */
	size_t types_n;
	uint64_t broken;                                 /* answers that no such request may get */
	char broken_why[400];                            /* the first one */
};

/* Members of CreateTable: attributes of the keys of indexes, and these. */
#define WORK_INDEX_ATTRIBUTES                                                                                          \
	",{\"AttributeName\":\"v\",\"AttributeType\":\"N\"},{\"AttributeName\":\"w\",\"AttributeType\":\"N\"},"               \
	"{\"AttributeName\":\"g\",\"AttributeType\":\"S\"}"
#define WORK_INDEX_LOCAL(name, sort, projection)                                                                       \
	"{\"IndexName\":\"" name "\",\"KeySchema\":[{\"AttributeName\":\"pk\",\"KeyType\":\"HASH\"},{\"AttributeName\":\"" sort \
	"\",\"KeyType\":\"RANGE\"}],\"Projection\":{\"ProjectionType\":\"" projection "\"}}"
#define WORK_INDEX_LISTS                                                                                               \
	",\"LocalSecondaryIndexes\":[" WORK_INDEX_LOCAL("byv", "v", "KEYS_ONLY") "," WORK_INDEX_LOCAL("byw", "w", "ALL") "]," \
	"\"GlobalSecondaryIndexes\":[{\"IndexName\":\"byg\",\"KeySchema\":[{\"AttributeName\":\"g\",\"KeyType\":\"HASH\"}]," \
	"\"Projection\":{\"ProjectionType\":\"ALL\"}}]"

extern const char *const work_kinds[WORK_KINDS];

struct work;

/* Tables are `table` and, with transactions, the same name and a 2; with WORK_INDEXES it has WORK_INDEX_LISTS. */
struct work *work_new(uint64_t seed, const char *table, enum work_load load);
unsigned work_partitions(const struct work *w);
void work_free(struct work *w);

/*
 * The next operation.
 *   busy  operations under way in each partition; one where max are is left alone
 *   body  cleared, then the JSON
 * Returns the API's name of it, or NULL: every partition is busy.
 */
const char *work_next(struct work *w, const unsigned *busy, unsigned max, struct work_op *op, struct buf *body);

/*
 * Whoever carries out the transactions dies at now_ns.  Their lists are waited for until something is written to them
 * that began later; until then they are not put aside.  Returns how many there are.
 */
unsigned work_orphan(struct work *w, int64_t now_ns);
unsigned work_orphans(const struct work *w);             /* that are still waited for */

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
