/*
 * load: sends the operations of a work over many connections, in a thread of its own, one at a time on each.
 * Nothing is retried: what was not answered within LOAD_DEADLINE_MS, or lost its connection, may have happened.
 * So that one dead partition does not hold up the others, each gets its share of the connections.
 * Does not: know what the operations are.
 */
#ifndef T_KILL_LOAD_H
#define T_KILL_LOAD_H

#include "cred.h"
#include "work.h"

#define LOAD_CONNECTIONS_MAX 1024
#define LOAD_DEADLINE_MS 5000
#define LOAD_AGAIN_MS 10                                 /* before the next attempt to connect */

struct load_opts {
	int port;
	const char *region;
	const struct cred_key *key;
	unsigned connections;
	uint64_t rate;                                   /* operations a second, at most */
	struct work *work;                               /* the thread's, until load_stop */
};

/* What others may look at while it runs. */
struct load_view {
	uint64_t good;                                   /* operations carried out */
	unsigned writing[WORK_PARTITIONS_MAX];           /* writes sent and not answered */
	int64_t worked_ns[WORK_PARTITIONS_MAX];          /* the first end of a write begun since load_watch; 0: none */
	unsigned orphans;                                /* of load_orphan: still waited for */
	int64_t adopted_ns;                              /* when the last of them was written to */
};

struct load;

int64_t load_now_ns(void);

/* NULL after saying why. */
struct load *load_start(const struct load_opts *o);
struct load_view load_view(struct load *l);
/* Forget worked_ns and begin anew; returns the time. */
int64_t load_watch(struct load *l);
/* While it is held no answer is taken and nothing sent: what is writing stays so. */
void load_hold(struct load *l);
void load_release(struct load *l);
/* Of a load that is held: its transactions lose their coordinator now (work_orphan). */
unsigned load_orphan(struct load *l);
/* View of a load that is held. */
const struct load_view *load_held(const struct load *l);

/*
 * No new operations; then, when all under way have ended, every key is read.  Ends the thread and frees l.
 * Returns true if every key was read within within_ms.
 */
bool load_stop(struct load *l, uint64_t within_ms);

#endif
