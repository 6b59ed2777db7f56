/*
 * store_jobs: carries out the jobs of store_worker on the databases, and keeps those that were used last open.
 * For one thread.  Every -1 has been logged; the process must then end.
 * Does not: wait, lock, read a clock, know the loop.
 */
#ifndef NODE_STORE_JOBS_H
#define NODE_STORE_JOBS_H

#include <sys/queue.h>
#include <uthash.h>

#include "store_worker.h"

struct store_held;

TAILQ_HEAD(store_held_list, store_held);

struct store_jobs {
	struct store_worker_options o;
	void (*deliver)(void *arg, struct store_job *job);       /* a job is done; takes ownership */
	void *arg;
	struct store_held *groups;
	struct store_held_list open, wanted;                     /* open: least recently used first */
	unsigned open_n;
	uint64_t retry_ms, retry_at;                             /* checkpoints that are wanted are tried again then */
	bool warm;                                               /* caches have grown since the last shrink */
};

void store_jobs_init(struct store_jobs *j, const struct store_worker_options *o,
	void (*deliver)(void *arg, struct store_job *job), void *arg);
void store_jobs_fini(struct store_jobs *j);
void store_jobs_add(struct store_jobs *j, struct store_file existing);
/* Takes ownership.  A checkpoint may be delivered later, by another call or by a retry. */
int store_jobs_run(struct store_jobs *j, struct store_job *job);
/* Tries wanted checkpoints again, if it is time: retry_at. */
int store_jobs_retry(struct store_jobs *j, uint64_t now_ms);
/* Gives caches back. */
void store_jobs_shrink(struct store_jobs *j);

#endif
