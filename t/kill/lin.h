/*
 * lin: is a history of registers and append lists linearizable, key by key?  Exact and fast, because every value is
 * written once: which write a read saw is known, and nothing has to be searched.
 *
 * Registers.  A write and the reads that saw it are a cluster; a cas ties its cluster to the one it expected, at once
 * behind it, so clusters form blocks of fixed order that nothing may come between.  A block must come before another
 * if one of its operations ended before one of the other's began; an order exists if and only if no two blocks must
 * both come before each other, which a sweep over their zones finds.
 * Source: Gibbons and Korach, "Testing shared memories", 1997, section 4; blocks take the place of its clusters.
 *
 * Lists.  Every read must be a prefix of the longest one; that gives each append its place, each read the place behind
 * the last element it saw, and an acknowledged append that no read ever saw the place behind everything.  No operation
 * may have ended before one of an earlier place began.
 *
 * What may have happened (HIST_MAYBE) did if somebody saw it, and then ended never; else it did not.  A certain refusal
 * must not be seen.  An eventual read must show what somebody wrote, and may show it late, but not early.
 * Does not: I/O, give up: there is no unknown verdict.
 */
#ifndef T_KILL_LIN_H
#define T_KILL_LIN_H

#include "hist.h"

#define LIN_WHY_MAX 400

enum lin_fault {
	LIN_PHANTOM,                                     /* somebody saw what nobody wrote, or what was refused */
	LIN_EARLY,                                       /* a read ended before the write it saw began */
	LIN_LOST,                                        /* an acknowledged write is gone */
	LIN_STALE,                                       /* a strong read, or a cas, saw what was no longer there */
	LIN_TWICE,                                       /* a write happened twice, or two on the same expected value */
	LIN_FORK,                                        /* two reads of a list that no list has both seen */
	LIN_FAULTS
};

extern const char *const lin_faults[LIN_FAULTS];

struct lin {
	size_t keys, ops;
	size_t bad_keys;
	size_t faults[LIN_FAULTS];                       /* the first of each bad key */
	char why[LIN_WHY_MAX];                           /* of the first bad key */
	uint32_t why_key;
};

/* True if all keys are linearizable. */
bool lin_check(const struct hist *h, struct lin *out);

#endif
