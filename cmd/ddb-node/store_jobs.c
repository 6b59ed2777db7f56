#include "store_jobs.h"

#include <assert.h>
#include <malloc.h>
#include <stdlib.h>

#include "mem.h"
#include "store_db.h"

#define RETRY_MS_MIN 5                                   /* of a checkpoint that a reader held up */
#define RETRY_MS_MAX 500

struct store_held {
	uint64_t group;
	uint32_t generation;                             /* 0: there is no store */
	struct store_db *db;                             /* NULL: closed */
	struct store_meta meta;                          /* valid while db is open */
	uint64_t wal_tried;                              /* bytes in the -wal at the last checkpoint that was held up */
	bool wanted;                                     /* a checkpoint was asked for and is not complete: in j->wanted */
	struct store_db *install;
	uint32_t install_generation;
	struct store_meta install_meta;
	TAILQ_ENTRY(store_held) recent, wants;
	UT_hash_handle hh;
};

void store_jobs_init(struct store_jobs *j, const struct store_worker_options *o,
	void (*deliver)(void *arg, struct store_job *job), void *arg)
{
	assert(o->open_max > 0);
	*j = (struct store_jobs){ .o = *o, .deliver = deliver, .arg = arg, .retry_ms = RETRY_MS_MIN };
	TAILQ_INIT(&j->open);
	TAILQ_INIT(&j->wanted);
}

static struct store_held *held_of(struct store_jobs *j, uint64_t group)
{
	struct store_held *h;

	HASH_FIND(hh, j->groups, &group, sizeof group, h);
	if (h == NULL) {
		h = mem_new(sizeof *h);
		h->group = group;
		HASH_ADD(hh, j->groups, group, sizeof h->group, h);
	}
	return h;
}

void store_jobs_add(struct store_jobs *j, struct store_file existing)
{
	held_of(j, existing.group)->generation = existing.generation;
}

/* --- databases --------------------------------------------------------------------------------------------------- */

static struct store_file file_of(const struct store_held *h, uint32_t generation)
{
	return (struct store_file){ h->group, generation };
}

static void close_db(struct store_jobs *j, struct store_held *h)
{
	if (h->db == NULL)
		return;
	TAILQ_REMOVE(&j->open, h, recent);
	j->open_n--;
	store_db_close(h->db);
	h->db = NULL;
	h->wal_tried = 0;
}

static struct store_db *build(struct store_jobs *j, const struct store_held *h, uint32_t generation)
{
	char path[STORE_FILES_PATH_MAX];

	store_files_path_new(j->o.files, file_of(h, generation), path);
	return store_db_open(path, STORE_DB_BUILD, j->o.cache_kb, 0);
}

static int create(struct store_jobs *j, struct store_held *h)
{
	uint32_t generation = ++j->o.files->generation;
	struct store_db *d = build(j, h, generation);

	if (d == NULL || store_db_finish(d) != 0 || store_files_publish(j->o.files, file_of(h, generation)) != 0)
		return -1;
	h->generation = generation;
	return 0;
}

/* The group's open database, now the most recently used one. */
static struct store_db *open_db(struct store_jobs *j, struct store_held *h)
{
	char path[STORE_FILES_PATH_MAX];

	if (h->db != NULL) {
		TAILQ_REMOVE(&j->open, h, recent);
		TAILQ_INSERT_TAIL(&j->open, h, recent);
		return h->db;
	}
	if (j->open_n == j->o.open_max)
		close_db(j, TAILQ_FIRST(&j->open));
	store_files_path(j->o.files, file_of(h, h->generation), path);
	h->db = store_db_open(path, STORE_DB_WRITE, j->o.cache_kb, j->o.mmap_bytes);
	if (h->db == NULL)
		return NULL;
	TAILQ_INSERT_TAIL(&j->open, h, recent);
	j->open_n++;
	return store_db_meta(h->db, &h->meta) == 0 ? h->db : NULL;
}

static void abort_install(struct store_held *h)
{
	store_db_close(h->install);
	h->install = NULL;
}

/* --- jobs -------------------------------------------------------------------------------------------------------- */

static void want(struct store_jobs *j, struct store_held *h, bool wanted)
{
	if (h->wanted == wanted)
		return;
	h->wanted = wanted;
	if (wanted)
		TAILQ_INSERT_TAIL(&j->wanted, h, wants);
	else
		TAILQ_REMOVE(&j->wanted, h, wants);
}

/* Reports the slot if it is complete.  Else it is tried again if it is wanted. */
static int checkpoint(struct store_jobs *j, struct store_held *h)
{
	struct store_job *job;
	uint64_t slot = 0;
	int r = 1;

	if (h->generation != 0) {
		if (open_db(j, h) == NULL)
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
	want(j, h, false);
	j->retry_ms = RETRY_MS_MIN;
	job = mem_new(sizeof *job);
	job->kind = STORE_JOB_CHECKPOINT;
	job->group = h->group;
	job->generation = h->generation;
	job->slot = slot;
	j->deliver(j->arg, job);
	return 0;
}

static int apply(struct store_jobs *j, struct store_held *h, struct store_job *job)
{
	struct store_db *d;

	if (h->generation == 0 && create(j, h) != 0)
		return -1;
	d = open_db(j, h);
	if (d == NULL)
		return -1;
	store_counted(&job->meta, &h->meta);
	if (store_db_apply(d, job->rows, job->n, &job->meta) != 0)
		return -1;
	h->meta = job->meta;
	job->generation = h->generation;
	j->warm = true;
	return 0;
}

/* A reader that held up a checkpoint probably still does: only after more has gathered is it worth another try. */
static bool log_is_long(const struct store_jobs *j, const struct store_held *h)
{
	uint64_t bytes = store_db_wal_bytes(h->db);

	return bytes >= j->o.wal_bytes && bytes >= h->wal_tried + (h->wal_tried > 0 ? j->o.wal_bytes / 4 : 0);
}

static int install_begin(struct store_jobs *j, struct store_held *h)
{
	struct store_file s;

	if (h->install != NULL) {
		s = file_of(h, h->install_generation);
		abort_install(h);
		if (store_files_discard(j->o.files, s) != 0)
			return -1;
	}
	h->install_generation = ++j->o.files->generation;
	h->install_meta = (struct store_meta){ 0 };
	h->install = build(j, h, h->install_generation);
	return h->install != NULL ? 0 : -1;
}

static int install_rows(struct store_jobs *j, struct store_held *h, struct store_job *job)
{
	j->warm = true;
	return h->install != NULL ? store_db_apply(h->install, job->rows, job->n, &h->install_meta) : 0;
}

static int install_end(struct store_jobs *j, struct store_held *h, struct store_job *job)
{
	struct store_db *d = h->install;

	if (d == NULL)
		return 0;                                /* given up meanwhile; generation 0 says so */
	store_counted(&job->meta, &h->install_meta);
	if (store_db_apply(d, NULL, 0, &job->meta) != 0)
		return -1;
	h->install = NULL;
	if (store_db_finish(d) != 0 || store_files_publish(j->o.files, file_of(h, h->install_generation)) != 0)
		return -1;
	close_db(j, h);
	job->replaced = h->generation;
	job->generation = h->generation = h->install_generation;
	return 0;
}

static int install_abort(struct store_jobs *j, struct store_held *h)
{
	if (h->install == NULL)
		return 0;
	abort_install(h);
	return store_files_discard(j->o.files, file_of(h, h->install_generation));
}

static int drop(struct store_jobs *j, struct store_held *h)
{
	struct store_file s = file_of(h, h->generation);

	if (install_abort(j, h) != 0)
		return -1;
	close_db(j, h);
	want(j, h, false);
	HASH_DELETE(hh, j->groups, h);
	free(h);
	return s.generation != 0 ? store_files_remove(j->o.files, s) : 0;
}

static int carry_out(struct store_jobs *j, struct store_job *job)
{
	struct store_held *h = held_of(j, job->group);

	switch (job->kind) {
	case STORE_JOB_APPLY:
		return apply(j, h, job);
	case STORE_JOB_CHECKPOINT:
		want(j, h, true);
		return checkpoint(j, h);
	case STORE_JOB_INSTALL_BEGIN:
		return install_begin(j, h);
	case STORE_JOB_INSTALL_ROWS:
		return install_rows(j, h, job);
	case STORE_JOB_INSTALL_END:
		return install_end(j, h, job);
	case STORE_JOB_INSTALL_ABORT:
		return install_abort(j, h);
	case STORE_JOB_DROP:
		return drop(j, h);
	case STORE_JOB_REMOVE:
		return store_files_remove(j->o.files, file_of(h, job->generation));
	case STORE_JOB_FAILED:
		break;
	}
	assert(!"a job that nobody submits");
	return -1;
}

int store_jobs_run(struct store_jobs *j, struct store_job *job)
{
	uint64_t group = job->group;
	bool applied = job->kind == STORE_JOB_APPLY;
	struct store_held *h;

	if (carry_out(j, job) != 0) {
		store_job_free(job);
		return -1;
	}
	store_job_forget_rows(job);
	j->deliver(j->arg, job);
	if (!applied)
		return 0;
	h = held_of(j, group);
	return log_is_long(j, h) ? checkpoint(j, h) : 0;
}

int store_jobs_retry(struct store_jobs *j, uint64_t now_ms)
{
	struct store_held *h, *next;

	if (TAILQ_EMPTY(&j->wanted) || now_ms < j->retry_at)
		return 0;
	for (h = TAILQ_FIRST(&j->wanted); h != NULL; h = next) {
		next = TAILQ_NEXT(h, wants);
		if (checkpoint(j, h) != 0)
			return -1;
	}
	j->retry_ms = j->retry_ms * 2 < RETRY_MS_MAX ? j->retry_ms * 2 : RETRY_MS_MAX;
	j->retry_at = now_ms + j->retry_ms;
	return 0;
}

void store_jobs_shrink(struct store_jobs *j)
{
	struct store_held *h;

	TAILQ_FOREACH(h, &j->open, recent)
		store_db_shrink(h->db);
	malloc_trim(0);                                  /* the pages of large batches, which malloc keeps */
	j->warm = false;
}

void store_jobs_fini(struct store_jobs *j)
{
	struct store_held *h, *next;

	HASH_ITER(hh, j->groups, h, next) {
		abort_install(h);
		close_db(j, h);
		HASH_DELETE(hh, j->groups, h);
		free(h);
	}
}
