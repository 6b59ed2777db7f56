#include "store_worker.h"

#include <assert.h>
#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <time.h>
#include <uthash.h>

#include "log.h"
#include "mem.h"
#include "store_db.h"

#define RETRY_MS_MIN 5                                   /* of a checkpoint that a reader held up */
#define RETRY_MS_MAX 500
#define IDLE_MS 1000                                     /* then caches are given back */

struct held {
	uint64_t group;
	uint32_t generation;                             /* 0: there is no store */
	struct store_db *db;                             /* NULL: closed */
	struct store_meta meta;                          /* valid while db is open */
	uint64_t wal_tried;                              /* bytes in the -wal at the last checkpoint that was held up */
	bool wanted;                                     /* a checkpoint was asked for and is not complete: in w->wanted */
	struct store_db *install;
	uint32_t install_generation;
	struct store_meta install_meta;
	TAILQ_ENTRY(held) recent, wants;
	UT_hash_handle hh;
};

TAILQ_HEAD(held_list, held);

struct store_worker {
	struct store_worker_options o;
	pthread_t thread;
	bool started;

	/* The thread's own. */
	struct held *groups;
	struct held_list open, wanted;                   /* open: least recently used first */
	unsigned open_n;
	uint64_t retry_ms, retry_at;
	bool warm;                                       /* caches have grown since the last shrink */

	/* Under the lock. */
	pthread_mutex_t lock;
	pthread_cond_t work, room;
	struct store_job *queue, **queue_end, *done, **done_end;
	uint64_t queued;
	unsigned jobs;
	bool stop, failed;
};

static uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static void forget_rows(struct store_job *job)
{
	free(job->rows);
	buf_fini(&job->memory);
	job->rows = NULL;
	job->n = 0;
}

void store_job_free(struct store_job *job)
{
	if (job == NULL)
		return;
	forget_rows(job);
	free(job);
}

struct store_worker *store_worker_new(const struct store_worker_options *o)
{
	struct store_worker *w = mem_new(sizeof *w);
	pthread_condattr_t attr;

	assert(o->open_max > 0);
	w->o = *o;
	w->retry_ms = RETRY_MS_MIN;
	w->queue_end = &w->queue;
	w->done_end = &w->done;
	TAILQ_INIT(&w->open);
	TAILQ_INIT(&w->wanted);
	pthread_mutex_init(&w->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&w->work, &attr);
	pthread_cond_init(&w->room, NULL);
	pthread_condattr_destroy(&attr);
	return w;
}

static struct held *held_of(struct store_worker *w, uint64_t group)
{
	struct held *h;

	HASH_FIND(hh, w->groups, &group, sizeof group, h);
	if (h == NULL) {
		h = mem_new(sizeof *h);
		h->group = group;
		HASH_ADD(hh, w->groups, group, sizeof h->group, h);
	}
	return h;
}

void store_worker_add(struct store_worker *w, struct store_file existing)
{
	held_of(w, existing.group)->generation = existing.generation;
}

/* --- databases --------------------------------------------------------------------------------------------------- */

static struct store_file file_of(const struct held *h, uint32_t generation)
{
	return (struct store_file){ h->group, generation };
}

static void close_db(struct store_worker *w, struct held *h)
{
	if (h->db == NULL)
		return;
	TAILQ_REMOVE(&w->open, h, recent);
	w->open_n--;
	store_db_close(h->db);
	h->db = NULL;
	h->wal_tried = 0;
}

static struct store_db *build(struct store_worker *w, const struct held *h, uint32_t generation)
{
	char path[STORE_FILES_PATH_MAX];

	store_files_path_new(w->o.files, file_of(h, generation), path);
	return store_db_open(path, STORE_DB_BUILD, w->o.cache_kb, 0);
}

static int create(struct store_worker *w, struct held *h)
{
	uint32_t generation = ++w->o.files->generation;
	struct store_db *d = build(w, h, generation);

	if (d == NULL || store_db_finish(d) != 0 || store_files_publish(w->o.files, file_of(h, generation)) != 0)
		return -1;
	h->generation = generation;
	return 0;
}

/* The group's open database, now the most recently used one. */
static struct store_db *open_db(struct store_worker *w, struct held *h)
{
	char path[STORE_FILES_PATH_MAX];

	if (h->db != NULL) {
		TAILQ_REMOVE(&w->open, h, recent);
		TAILQ_INSERT_TAIL(&w->open, h, recent);
		return h->db;
	}
	if (w->open_n == w->o.open_max)
		close_db(w, TAILQ_FIRST(&w->open));
	store_files_path(w->o.files, file_of(h, h->generation), path);
	h->db = store_db_open(path, STORE_DB_WRITE, w->o.cache_kb, w->o.mmap_bytes);
	if (h->db == NULL)
		return NULL;
	TAILQ_INSERT_TAIL(&w->open, h, recent);
	w->open_n++;
	return store_db_meta(h->db, &h->meta) == 0 ? h->db : NULL;
}

static void abort_install(struct held *h)
{
	store_db_close(h->install);
	h->install = NULL;
}

/* --- jobs -------------------------------------------------------------------------------------------------------- */

static void deliver(struct store_worker *w, struct store_job *job)
{
	bool first;

	pthread_mutex_lock(&w->lock);
	first = w->done == NULL;
	job->next = NULL;
	*w->done_end = job;
	w->done_end = &job->next;
	w->queued -= job->bytes;
	if (job->bytes > 0) {
		w->jobs--;
		pthread_cond_signal(&w->room);
	}
	pthread_mutex_unlock(&w->lock);
	if (first)
		w->o.notify(w->o.arg);
}

static void want(struct store_worker *w, struct held *h, bool wanted)
{
	if (h->wanted == wanted)
		return;
	h->wanted = wanted;
	if (wanted)
		TAILQ_INSERT_TAIL(&w->wanted, h, wants);
	else
		TAILQ_REMOVE(&w->wanted, h, wants);
}

/* Reports the slot if it is complete.  Else it is tried again if it is wanted. */
static int checkpoint(struct store_worker *w, struct held *h)
{
	struct store_job *job;
	uint64_t slot = 0;
	int r = 1;

	if (h->generation != 0) {
		if (open_db(w, h) == NULL)
			return -1;
		slot = h->meta.applied;                  /* before it starts */
		r = store_db_checkpoint(h->db);
	}
	if (r < 0)
		return -1;
	if (r == 0) {
		h->wal_tried = store_db_wal_bytes(h->db);
		return 0;
	}
	h->wal_tried = 0;
	want(w, h, false);
	w->retry_ms = RETRY_MS_MIN;
	job = mem_new(sizeof *job);
	job->kind = STORE_JOB_CHECKPOINT;
	job->group = h->group;
	job->generation = h->generation;
	job->slot = slot;
	deliver(w, job);
	return 0;
}

static int apply(struct store_worker *w, struct held *h, struct store_job *job)
{
	struct store_db *d;

	if (h->generation == 0 && create(w, h) != 0)
		return -1;
	d = open_db(w, h);
	if (d == NULL)
		return -1;
	job->meta.rows = h->meta.rows;
	job->meta.bytes = h->meta.bytes;
	if (store_db_apply(d, job->rows, job->n, &job->meta) != 0)
		return -1;
	h->meta = job->meta;
	job->generation = h->generation;
	w->warm = true;
	return 0;
}

/* A reader that held up a checkpoint probably still does: only after more has gathered is it worth another try. */
static bool log_is_long(const struct store_worker *w, const struct held *h)
{
	uint64_t bytes = store_db_wal_bytes(h->db);

	return bytes >= w->o.wal_bytes && bytes >= h->wal_tried + (h->wal_tried > 0 ? w->o.wal_bytes / 4 : 0);
}

static int install_begin(struct store_worker *w, struct held *h)
{
	struct store_file s;

	if (h->install != NULL) {
		s = file_of(h, h->install_generation);
		abort_install(h);
		if (store_files_discard(w->o.files, s) != 0)
			return -1;
	}
	h->install_generation = ++w->o.files->generation;
	h->install_meta = (struct store_meta){ 0 };
	h->install = build(w, h, h->install_generation);
	return h->install != NULL ? 0 : -1;
}

static int install_rows(struct store_worker *w, struct held *h, struct store_job *job)
{
	w->warm = true;
	return h->install != NULL ? store_db_apply(h->install, job->rows, job->n, &h->install_meta) : 0;
}

static int install_end(struct store_worker *w, struct held *h, struct store_job *job)
{
	struct store_db *d = h->install;

	if (d == NULL)
		return 0;                                /* given up meanwhile; generation 0 says so */
	job->meta.rows = h->install_meta.rows;
	job->meta.bytes = h->install_meta.bytes;
	if (store_db_apply(d, NULL, 0, &job->meta) != 0)
		return -1;
	h->install = NULL;
	if (store_db_finish(d) != 0 || store_files_publish(w->o.files, file_of(h, h->install_generation)) != 0)
		return -1;
	close_db(w, h);
	job->replaced = h->generation;
	job->generation = h->generation = h->install_generation;
	return 0;
}

static int install_abort(struct store_worker *w, struct held *h)
{
	if (h->install == NULL)
		return 0;
	abort_install(h);
	return store_files_discard(w->o.files, file_of(h, h->install_generation));
}

static int drop(struct store_worker *w, struct held *h)
{
	struct store_file s = file_of(h, h->generation);

	if (install_abort(w, h) != 0)
		return -1;
	close_db(w, h);
	want(w, h, false);
	HASH_DELETE(hh, w->groups, h);
	free(h);
	return s.generation != 0 ? store_files_remove(w->o.files, s) : 0;
}

static int carry_out(struct store_worker *w, struct store_job *job)
{
	struct held *h = held_of(w, job->group);

	switch (job->kind) {
	case STORE_JOB_APPLY:
		return apply(w, h, job);
	case STORE_JOB_CHECKPOINT:
		want(w, h, true);
		return checkpoint(w, h);
	case STORE_JOB_INSTALL_BEGIN:
		return install_begin(w, h);
	case STORE_JOB_INSTALL_ROWS:
		return install_rows(w, h, job);
	case STORE_JOB_INSTALL_END:
		return install_end(w, h, job);
	case STORE_JOB_INSTALL_ABORT:
		return install_abort(w, h);
	case STORE_JOB_DROP:
		return drop(w, h);
	case STORE_JOB_REMOVE:
		return store_files_remove(w->o.files, file_of(h, job->generation));
	case STORE_JOB_FAILED:
		break;
	}
	assert(!"a job that nobody submits");
	return -1;
}

static int run_job(struct store_worker *w, struct store_job *job)
{
	uint64_t group = job->group;
	bool applied = job->kind == STORE_JOB_APPLY;
	struct held *h;

	if (carry_out(w, job) != 0) {
		store_job_free(job);
		return -1;
	}
	forget_rows(job);
	deliver(w, job);
	if (!applied)
		return 0;
	h = held_of(w, group);
	return log_is_long(w, h) ? checkpoint(w, h) : 0;
}

static int retry(struct store_worker *w)
{
	struct held *h, *next;

	if (TAILQ_EMPTY(&w->wanted) || now_ms() < w->retry_at)
		return 0;
	for (h = TAILQ_FIRST(&w->wanted); h != NULL; h = next) {
		next = TAILQ_NEXT(h, wants);
		if (checkpoint(w, h) != 0)
			return -1;
	}
	w->retry_ms = w->retry_ms * 2 < RETRY_MS_MAX ? w->retry_ms * 2 : RETRY_MS_MAX;
	w->retry_at = now_ms() + w->retry_ms;
	return 0;
}

static void shrink(struct store_worker *w)
{
	struct held *h;

	TAILQ_FOREACH(h, &w->open, recent)
		store_db_shrink(h->db);
	malloc_trim(0);                                  /* the pages of large batches, which malloc keeps */
	w->warm = false;
}

/* --- the thread -------------------------------------------------------------------------------------------------- */

/* Under the lock.  Waits for a job, a retry or idleness; false if there was no job. */
static bool wait_for_job(struct store_worker *w)
{
	uint64_t until = now_ms() + IDLE_MS;
	bool timed = w->warm;
	struct timespec t;

	if (!TAILQ_EMPTY(&w->wanted)) {
		until = !timed || w->retry_at < until ? w->retry_at : until;
		timed = true;
	}
	t = (struct timespec){ (time_t)(until / 1000), (long)(until % 1000) * 1000000 };
	while (w->queue == NULL && !w->stop) {
		if (!timed)
			pthread_cond_wait(&w->work, &w->lock);
		else if (pthread_cond_timedwait(&w->work, &w->lock, &t) == ETIMEDOUT)
			break;
	}
	return w->queue != NULL;
}

static struct store_job *take(struct store_worker *w)
{
	struct store_job *job = w->queue;

	w->queue = job->next;
	if (w->queue == NULL)
		w->queue_end = &w->queue;
	return job;
}

static void fail(struct store_worker *w)
{
	struct store_job *job = mem_new(sizeof *job);

	pthread_mutex_lock(&w->lock);
	w->failed = true;
	pthread_cond_broadcast(&w->room);
	pthread_mutex_unlock(&w->lock);
	job->kind = STORE_JOB_FAILED;
	deliver(w, job);
}

static void *run(void *arg)
{
	struct store_worker *w = arg;
	struct store_job *job;
	uint64_t idle_at = 0;
	int r = 0;

	while (r == 0) {
		pthread_mutex_lock(&w->lock);
		job = wait_for_job(w) ? take(w) : NULL;
		if (job == NULL && w->stop) {
			pthread_mutex_unlock(&w->lock);
			break;
		}
		pthread_mutex_unlock(&w->lock);
		if (job != NULL) {
			r = run_job(w, job);
			idle_at = now_ms() + IDLE_MS;
		} else if (w->warm && now_ms() >= idle_at) {
			shrink(w);
		}
		if (r == 0)
			r = retry(w);
	}
	if (r != 0)
		fail(w);
	return NULL;
}

int store_worker_start(struct store_worker *w)
{
	sigset_t all, before;
	int err;

	/* Signals are the loop's. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	err = pthread_create(&w->thread, NULL, run, w);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (err != 0) {
		log_err("store thread: %s", strerror(err));
		return -1;
	}
	w->started = true;
	return 0;
}

void store_worker_submit(struct store_worker *w, struct store_job *job)
{
	job->bytes = sizeof *job + job->n * sizeof *job->rows + job->memory.n;
	job->next = NULL;
	pthread_mutex_lock(&w->lock);
	while (!w->failed && (w->queued > STORE_WORKER_BYTES_MAX || w->jobs >= STORE_WORKER_JOBS_MAX))
		pthread_cond_wait(&w->room, &w->lock);
	if (w->failed) {
		pthread_mutex_unlock(&w->lock);
		store_job_free(job);
		return;
	}
	*w->queue_end = job;
	w->queue_end = &job->next;
	w->queued += job->bytes;
	w->jobs++;
	pthread_cond_signal(&w->work);
	pthread_mutex_unlock(&w->lock);
}

struct store_job *store_worker_done(struct store_worker *w, uint64_t *queued)
{
	struct store_job *job;

	pthread_mutex_lock(&w->lock);
	job = w->done;
	w->done = NULL;
	w->done_end = &w->done;
	*queued = w->queued;
	pthread_mutex_unlock(&w->lock);
	return job;
}

static void free_jobs(struct store_job *job)
{
	while (job != NULL) {
		struct store_job *next = job->next;

		store_job_free(job);
		job = next;
	}
}

void store_worker_free(struct store_worker *w)
{
	struct held *h, *next;

	if (w == NULL)
		return;
	pthread_mutex_lock(&w->lock);
	w->stop = true;
	pthread_cond_signal(&w->work);
	pthread_mutex_unlock(&w->lock);
	if (w->started)
		pthread_join(w->thread, NULL);
	HASH_ITER(hh, w->groups, h, next) {
		abort_install(h);
		close_db(w, h);
		HASH_DELETE(hh, w->groups, h);
		free(h);
	}
	free_jobs(w->queue);
	free_jobs(w->done);
	pthread_cond_destroy(&w->work);
	pthread_cond_destroy(&w->room);
	pthread_mutex_destroy(&w->lock);
	free(w);
}
