#include "store_worker.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "log.h"
#include "mem.h"
#include "store_jobs.h"

#define IDLE_MS 1000                                     /* then caches are given back */

struct store_worker {
	struct store_worker_options o;
	pthread_t thread;
	bool started;

	struct store_jobs jobs;                          /* the thread's own */

	/* Under the lock. */
	pthread_mutex_t lock;
	pthread_cond_t work, room;
	struct store_job *queue, **queue_end, *done, **done_end;
	uint64_t queued;
	unsigned queued_n;
	bool stop, failed;
};


/* By the clock of w->work. */
static uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

void store_job_forget_rows(struct store_job *job)
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
	store_job_forget_rows(job);
	free(job);
}

static void deliver(void *arg, struct store_job *job)
{
	struct store_worker *w = arg;
	bool first;

	pthread_mutex_lock(&w->lock);
	first = w->done == NULL;
	job->next = NULL;
	*w->done_end = job;
	w->done_end = &job->next;
	w->queued -= job->bytes;
	if (job->bytes > 0) {
		w->queued_n--;
		pthread_cond_signal(&w->room);
	}
	pthread_mutex_unlock(&w->lock);
	if (first)
		w->o.notify(w->o.arg);
}

struct store_worker *store_worker_new(const struct store_worker_options *o)
{
	struct store_worker *w = mem_new(sizeof *w);
	pthread_condattr_t attr;

	w->o = *o;
	w->queue_end = &w->queue;
	w->done_end = &w->done;
	store_jobs_init(&w->jobs, o, deliver, w);
	pthread_mutex_init(&w->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&w->work, &attr);
	pthread_cond_init(&w->room, NULL);
	pthread_condattr_destroy(&attr);
	return w;
}

void store_worker_add(struct store_worker *w, struct store_file existing)
{
	store_jobs_add(&w->jobs, existing);
}

/* --- the thread -------------------------------------------------------------------------------------------------- */

/* Under the lock.  Waits for a job, a retry or idleness; false if there was no job. */
static bool wait_for_job(struct store_worker *w)
{
	uint64_t until = now_ms() + IDLE_MS;
	bool timed = w->jobs.warm;
	struct timespec t;

	if (!TAILQ_EMPTY(&w->jobs.wanted)) {
		until = !timed || w->jobs.retry_at < until ? w->jobs.retry_at : until;
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
			r = store_jobs_run(&w->jobs, job);
			idle_at = now_ms() + IDLE_MS;
		} else if (w->jobs.warm && now_ms() >= idle_at) {
			store_jobs_shrink(&w->jobs);
		}
		if (r == 0)
			r = store_jobs_retry(&w->jobs, now_ms());
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
	while (!w->failed && (w->queued > STORE_WORKER_BYTES_MAX || w->queued_n >= STORE_WORKER_JOBS_MAX))
		pthread_cond_wait(&w->room, &w->lock);
	if (w->failed) {
		pthread_mutex_unlock(&w->lock);
		store_job_free(job);
		return;
	}
	*w->queue_end = job;
	w->queue_end = &job->next;
	w->queued += job->bytes;
	w->queued_n++;
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
	if (w == NULL)
		return;
	pthread_mutex_lock(&w->lock);
	w->stop = true;
	pthread_cond_signal(&w->work);
	pthread_mutex_unlock(&w->lock);
	if (w->started)
		pthread_join(w->thread, NULL);
	store_jobs_fini(&w->jobs);
	free_jobs(w->queue);
	free_jobs(w->done);
	pthread_cond_destroy(&w->work);
	pthread_cond_destroy(&w->room);
	pthread_mutex_destroy(&w->lock);
	free(w);
}
