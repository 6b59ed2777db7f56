/*
 * hist: what clients did, and what they were told: operations with the times of their beginning and end.
 *
 * As a file, a line each:
 *	KIND KEY FROM TO OUTCOME VALUE [EXPECT | N ELEMENT...] [@TX]
 *	KIND     put, cas, get, eget (of a register); append, list, elist, length (of a list)
 *	KEY      a number; a register and a list never have the same
 *	FROM TO  nanoseconds of a monotonic clock; TO is - if nobody knows whether and when it happened
 *	OUTCOME  ok, maybe, no (certainly not carried out)
 *	VALUE    written or read; a register that was never written reads 0.  EXPECT: of a cas.  ELEMENT: of a list read
 *	TX       which transaction this is a part of; all parts of one have the same times and outcome
 * Does not: judge (that is lin), read a clock.
 */
#ifndef T_KILL_HIST_H
#define T_KILL_HIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HIST_NEVER INT64_MAX                             /* the end of what is not known to have ended */
#define HIST_ELEMENTS_MAX 100000                         /* of one list */

enum hist_kind {
	HIST_PUT,                                        /* value */
	HIST_CAS,                                        /* from expect to value */
	HIST_GET,                                        /* strong */
	HIST_EGET,                                       /* eventual */
	HIST_APPEND,                                     /* value */
	HIST_LIST,                                       /* strong */
	HIST_ELIST,                                      /* eventual */
	HIST_LENGTH,                                     /* strong, of the number of elements alone: value */
	HIST_KINDS
};

enum hist_outcome { HIST_OK, HIST_MAYBE, HIST_NO, HIST_OUTCOMES };

struct hist_op {
	int64_t from_ns, to_ns;                          /* to_ns: HIST_NEVER for HIST_MAYBE */
	uint64_t value, expect;
	uint64_t tx;                                     /* 0: no transaction */
	size_t elements;                                 /* where they begin in hist.elements */
	uint32_t elements_n, key;
	uint8_t kind, outcome;
};

struct hist {                                            /* zeroed is empty */
	struct hist_op *ops;
	size_t n, cap;
	uint64_t *elements;
	size_t elements_n, elements_cap;
};

extern const char *const hist_kinds[HIST_KINDS];
extern const char *const hist_outcomes[HIST_OUTCOMES];

void hist_fini(struct hist *h);
/* elements are copied; op's own fields about them are set. */
void hist_add(struct hist *h, struct hist_op op, const uint64_t *elements, size_t elements_n);

/* 0, or -1 after saying why. */
int hist_save(const struct hist *h, const char *path);
int hist_load(struct hist *h, const char *path);

#endif
