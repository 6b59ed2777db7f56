/*
 * store_mem: struct store for the simulator: everything in memory, everything when the simulator says.
 *
 * What is submitted waits.  store_mem_step carries out one job, as the thread of store_sqlite would; readers see its
 * rows from then on.  store_mem_poll reports what was carried out, as the loop would learn of it.  Between the two,
 * before and after, the node may crash.
 *
 * A group keeps the states after each transaction since its last checkpoint: SQLite with synchronous=NORMAL may lose
 * the newest transactions, in order, and never a part of one.  States share their nodes (a treap copied along the
 * path that changes), so that keeping one, a snapshot and a crash cost next to nothing.  An installation or a drop
 * that was carried out is durable at once.
 * Does not: read a clock, roll dice, call the simulator back but for events.
 */
#ifndef SIM_STORE_MEM_H
#define SIM_STORE_MEM_H

#include "store.h"

struct store_mem;

struct store_mem *store_mem_new(void);
void store_mem_free(struct store_mem *m);                /* cursors must be closed */
struct store store_mem_store(struct store_mem *m);
/* For a node that starts; failed may return here (then only crash, wipe and free may follow). */
void store_mem_events(struct store_mem *m, const struct store_events *e, void (*failed)(void *arg), void *arg);
/* Checkpoint a group unasked after that many transactions, 0 = never (until then). */
void store_mem_checkpoint_every(struct store_mem *m, unsigned transactions);

/*
 * Carry out the next job.  False if there is none that can be.  No cursor but snapshots may be open: they live within
 * one event.
 */
bool store_mem_step(struct store_mem *m);
void store_mem_poll(struct store_mem *m);                /* report everything carried out so far */
size_t store_mem_waiting(const struct store_mem *m);     /* submitted and not carried out */
size_t store_mem_unreported(const struct store_mem *m);  /* carried out and not reported */

/*
 * The node is gone: jobs, reports and installations under way are forgotten.  keep is asked for each group, in the
 * order of their ids, how many of the n transactions since the checkpoint survive, 0..n; NULL: all, as after a kill
 * -9.  Close cursors before or after.
 */
void store_mem_crash(struct store_mem *m, unsigned (*keep)(void *arg, uint64_t group, unsigned n), void *arg);
void store_mem_wipe(struct store_mem *m);                /* a crash, and a new disk */
void store_mem_fail_next(struct store_mem *m);           /* the next job carried out fails; poll then calls failed */

/* For invariants.  False: no such store.  durable: what a power cut leaves; else what is applied. */
bool store_mem_meta(const struct store_mem *m, uint64_t group, bool durable, struct store_meta *out);
/* Of all applied rows: equal for equal contents.  Costs a walk.  0: no such store. */
uint64_t store_mem_digest(const struct store_mem *m, uint64_t group);

#endif
