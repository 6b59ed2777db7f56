/*
 * nemesis: kills processes of a cluster under load, after a plan.  A seed makes the plan; who leads when its time comes
 * is the cluster's affair.  Some leaders are stopped for a while as well: one that wakes up must not serve what is old.
 */
#ifndef T_KILL_NEMESIS_H
#define T_KILL_NEMESIS_H

#include "load.h"

#define NEMESIS_STEPS_MAX 10000
#define NEMESIS_NODES 3

enum nemesis_kind {
	NEMESIS_LEADER,                                  /* of a partition, with a write of its under way */
	NEMESIS_NODE,
	NEMESIS_AGAIN,                                   /* a node, and once more as it comes back */
	NEMESIS_NODES_TWO,                               /* two at once: no quorum */
	NEMESIS_ROUTER,                                  /* router and memds together */
	NEMESIS_AUTOADMIN,
	NEMESIS_SUPERVISOR,                              /* which takes all along; then started again */
	NEMESIS_ALL,                                     /* everything at once; then started again */
	NEMESIS_WIPE,                                    /* a node, its directory first: it comes back as another replica */
	NEMESIS_KINDS
};

struct nemesis_step {
	enum nemesis_kind kind;
	unsigned partition, node, delay_ms;
	unsigned pause_ms;                               /* first the partition's leader stands still so long; 0: not */
};

struct nemesis_times {
	int64_t v[NEMESIS_STEPS_MAX];                    /* nanoseconds */
	size_t n;
};

struct nemesis_opts {
	const char *home, *bin, *say;
	int port;
	const char *groups[WORK_PARTITIONS_MAX];         /* "2": group of each partition */
	unsigned partitions;
	unsigned loaded;                                 /* of them the load writes to; the rest are of indexes */
	bool transactions;
	uint64_t patience_ms;                            /* how long the cluster may take to work again, at the very most */
};

struct nemesis_result {
	uint64_t kills[NEMESIS_KINDS], all;              /* steps; processes */
	uint64_t pauses;
	uint64_t base_leaders, index_leaders;            /* leaders killed that led such partitions */
	uint64_t in_flight;                              /* writes under way at leaders that were killed */
	struct nemesis_times leader;                     /* from the death to the first write that works, begun after it */
	struct nemesis_times whole;                      /* from the start of a new supervisor to the first such write */
	struct nemesis_times up;                         /* ... to when it says it is ready */
	/*
	 * Of transactions whose coordinator was killed, and nobody else: from its death to when something begun after it
	 * was written to each list that they were to append to.
	 */
	struct nemesis_times adopted;
	uint64_t orphans;                                /* such lists */
};

extern const char *const nemesis_kinds[NEMESIS_KINDS];

/*
 * The same seed, the same steps: of 20, 8 of leaders and at least one of each kind.  With transactions, whose
 * coordinators are the routers, those of autoadmin are of routers, and those of the supervisor of leaders.
 *   n  8..NEMESIS_STEPS_MAX
 */
void nemesis_plan(uint64_t seed, bool transactions, unsigned partitions, struct nemesis_step *steps, size_t n);

/* Carry it out.  False after saying why: something did not come back, or could not be killed. */
bool nemesis_run(const struct nemesis_opts *o, const struct nemesis_step *steps, size_t n, struct load *l,
                 struct nemesis_result *r);

#endif
