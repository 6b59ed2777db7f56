/*
 * ser: are the transactions of a history on append lists strictly serializable?  Exact, because every value is appended
 * to a list once: a list's longest read says in which order its appends happened, and each read between which of them.
 *
 * Transactions are the appends and the strong reads of lists that have the same hist_op.tx, or one alone.  One must come
 * before another
 *	if it appended to a list just before the other did (writes),
 *	if the other read what it appended last (flow),
 *	if the other appended just behind what it read (skew), or
 *	if it ended before the other began, and that is no plain read (time);
 * appends that nobody ever saw stand behind all others.  An order exists if and only if there is no cycle; the
 * reduction of the last rule to a line of time keeps their number linear.
 * A plain read is exempt because it is served whatever holds the item: of a transaction whose coordinator died it may show
 * one list as before, when another was seen as after (DESIGN, Transactions).  lin holds it to the order of its own list.
 * Source: Kingsbury and Alvaro, "Elle: inferring isolation anomalies from experimental observations", VLDB 2020.
 *
 * What may have happened (HIST_MAYBE) did, all of it, if somebody saw a part of it; else it did not.
 * Does not: look at registers and eventual reads (that is lin), I/O, give up.
 */
#ifndef T_KILL_SER_H
#define T_KILL_SER_H

#include "hist.h"

#define SER_WHY_MAX 1000

enum ser_fault {                                         /* the first rules, in this order, that make a cycle */
	SER_WRITES,                                      /* G0: a dirty write */
	SER_FLOW,                                        /* G1c: one read what another appended, and the other way round */
	SER_SKEW,                                        /* G-single, G2: a fractured read, a write skew */
	SER_TIME,                                        /* serializable, and yet something old was read */
	SER_LIST,                                        /* a list is not even linearizable by itself: see lin */
	SER_FAULTS                                       /* none */
};

extern const char *const ser_faults[SER_FAULTS];

struct ser {
	size_t txs, several;                             /* that happened; those with more than one list */
	size_t edges;
	enum ser_fault fault;
	char why[SER_WHY_MAX];                           /* a shortest cycle */
};

/* True if they are. */
bool ser_check(const struct hist *h, struct ser *out);

#endif
