/*
 * store_worker: the thread that writes the stores: it applies, checkpoints, installs and drops, one job at a time, in
 * the order given.  The loop submits jobs and takes them back when they are done.  Does not: read for the loop, call
 * into the loop but for notify.
 */
#ifndef NODE_STORE_WORKER_H
#define NODE_STORE_WORKER_H

#include "store.h"
#include "store_files.h"

#define STORE_WORKER_BYTES_MAX (64u << 20)       /* queued; a submit beyond waits, so the caller stays far below */
#define STORE_WORKER_JOBS_MAX 65536

enum store_job_kind {
	STORE_JOB_APPLY,
	STORE_JOB_CHECKPOINT,        /* done when it is complete, or by the thread on its own; submitted ones may be merged */
	STORE_JOB_INSTALL_BEGIN,
	STORE_JOB_INSTALL_ROWS,
	STORE_JOB_INSTALL_END,
	STORE_JOB_INSTALL_ABORT,
	STORE_JOB_DROP,
	STORE_JOB_REMOVE,            /* a generation that was replaced and has no reader any more */
	STORE_JOB_FAILED,            /* done only: the thread has logged an error and ended */
};

struct store_job {
	struct store_job *next;
	enum store_job_kind kind;
	uint64_t group;
	uint32_t life;               /* of the loop: comes back as it was given */
	size_t bytes;                /* set by submit */
	struct store_row *rows;      /* APPLY, INSTALL_ROWS; freed with memory when the job is carried out */
	size_t n;
	struct buf memory;
	struct store_meta meta;      /* APPLY, INSTALL_END: in, and out with rows and bytes */
	uint32_t generation;         /* out: the file that holds the group now; REMOVE: in, the one to remove */
	uint32_t replaced;           /* out, INSTALL_END: the file it held before, 0 = none */
	uint64_t slot;               /* out, CHECKPOINT */
};

struct store_worker_options {
	struct store_files *files;   /* used by the thread alone once it runs */
	uint32_t cache_kb;
	uint64_t mmap_bytes, wal_bytes;
	unsigned open_max;
	void (*notify)(void *arg);   /* from the thread: jobs are done */
	void *arg;
};

struct store_worker;

struct store_worker *store_worker_new(const struct store_worker_options *o);
void store_worker_add(struct store_worker *w, struct store_file existing);       /* before start */
int store_worker_start(struct store_worker *w);
/* Takes ownership.  Waits while STORE_WORKER_*_MAX are queued. */
void store_worker_submit(struct store_worker *w, struct store_job *job);
/* The jobs done since the last call, in order, as a list; *queued: bytes not yet carried out. */
struct store_job *store_worker_done(struct store_worker *w, uint64_t *queued);
/* Carries out what is queued, ends the thread; undelivered results are lost. */
void store_worker_free(struct store_worker *w);
void store_job_free(struct store_job *job);
void store_job_forget_rows(struct store_job *job);       /* frees rows and memory */

#endif
