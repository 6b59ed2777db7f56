#include "store_sqlite.h"

#include <assert.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <uthash.h>

#include "mem.h"
#include "store_db.h"
#include "store_files.h"
#include "store_worker.h"

#define SNAPSHOT_CACHE_KB 512

/*
 * A connection of the loop.  When its file is replaced or dropped while cursors are open, the last of them closes it.
 */
struct reader {
	struct store_db *db;
	struct known *of;                                /* NULL: the file is gone for others */
	unsigned cursors;
	TAILQ_ENTRY(reader) recent;
};

/* What the loop knows of a group: never ahead of what was reported, except that a drop counts from its submission. */
struct known {
	uint64_t group;
	uint32_t generation;                             /* 0: no store */
	uint32_t life;                                   /* number of drops; jobs from before one are not reported */
	unsigned jobs;                                   /* submitted and not yet back */
	struct store_meta meta;
	bool unlocked;                                   /* nothing was locked at start, and nothing was written since */
	struct reader *reader;
	UT_hash_handle hh;
};

struct store_sqlite {
	struct store_sqlite_options o;
	struct store_events events;
	struct store_files files;
	struct store_worker *worker;
	struct known *groups;
	TAILQ_HEAD(, reader) open;                       /* least recently used first */
	unsigned open_n;
};

struct store_cursor {
	struct store_sqlite *store;
	struct reader *reader;                           /* NULL: over nothing, or a snapshot */
	struct store_db *own;                            /* a snapshot's connection */
	struct store_db_scan scan;
	bool any;
};

static _Noreturn void failed(struct store_sqlite *s)
{
	s->o.failed(s->o.arg);
	abort();
}

static struct known *find(const struct store_sqlite *s, uint64_t group)
{
	struct known *k;

	HASH_FIND(hh, s->groups, &group, sizeof group, k);
	return k;
}

static struct known *find_or_add(struct store_sqlite *s, uint64_t group)
{
	struct known *k = find(s, group);

	if (k == NULL) {
		k = mem_new(sizeof *k);
		k->group = group;
		HASH_ADD(hh, s->groups, group, sizeof k->group, k);
	}
	return k;
}

/* --- reading ----------------------------------------------------------------------------------------------------- */

static void reader_free(struct reader *r)
{
	store_db_close(r->db);
	free(r);
}

/* Takes a group's reader away from it. */
static void detach(struct store_sqlite *s, struct known *k)
{
	struct reader *r = k->reader;

	if (r == NULL)
		return;
	k->reader = NULL;
	r->of = NULL;
	TAILQ_REMOVE(&s->open, r, recent);
	s->open_n--;
	if (r->cursors == 0)
		reader_free(r);
}

static struct reader *reader_of(struct store_sqlite *s, struct known *k)
{
	char path[STORE_FILES_PATH_MAX];
	struct reader *r = k->reader;

	if (r != NULL) {
		if (TAILQ_NEXT(r, recent) != NULL) {
			TAILQ_REMOVE(&s->open, r, recent);
			TAILQ_INSERT_TAIL(&s->open, r, recent);
		}
		return r;
	}
	if (s->open_n >= s->o.open_max)
		detach(s, TAILQ_FIRST(&s->open)->of);
	store_files_path(&s->files, (struct store_file){ k->group, k->generation }, path);
	r = mem_new(sizeof *r);
	r->of = k;
	r->db = store_db_open(path, STORE_DB_READ, s->o.read_cache_kb, s->o.mmap_bytes);
	if (r->db == NULL)
		failed(s);
	k->reader = r;
	TAILQ_INSERT_TAIL(&s->open, r, recent);
	s->open_n++;
	return r;
}

static int scan_all(void *ctx, void (*each)(void *arg, uint64_t group, const struct store_meta *meta), void *arg)
{
	struct store_sqlite *s = ctx;
	struct known *k, *next;

	HASH_ITER(hh, s->groups, k, next)
		if (k->generation != 0)
			each(arg, k->group, &k->meta);
	return 0;
}

static int meta(void *ctx, uint64_t group, struct store_meta *out)
{
	struct known *k = find(ctx, group);

	if (k == NULL || k->generation == 0) {
		*out = (struct store_meta){ 0 };
		return 0;
	}
	*out = k->meta;
	return 1;
}

static int get(void *ctx, uint64_t group, struct bytes key, struct buf *row)
{
	struct store_sqlite *s = ctx;
	struct known *k = find(s, group);
	int r;

	if (k == NULL || k->generation == 0)
		return 0;
	r = store_db_get(reader_of(s, k)->db, key, row);
	if (r < 0)
		failed(s);
	return r;
}

static struct store_cursor *seek(void *ctx, uint64_t group, struct bytes from, bool reverse)
{
	struct store_sqlite *s = ctx;
	struct known *k = find(s, group);
	struct store_cursor *c = mem_new(sizeof *c);

	c->store = s;
	if (k == NULL || k->generation == 0)
		return c;
	c->reader = reader_of(s, k);
	c->any = true;
	if (store_db_seek(c->reader->db, from, reverse, &c->scan) != 0)
		failed(s);
	c->reader->cursors++;
	return c;
}

static bool next(struct store_cursor *c, struct bytes *key, struct bytes *row)
{
	int r = c->any ? store_db_next(&c->scan, key, row) : 0;

	if (r < 0)
		failed(c->store);
	c->any = r > 0;                                  /* a finished statement would start again */
	return r > 0;
}

static void close_cursor(struct store_cursor *c)
{
	if (c == NULL)
		return;
	if (c->scan.db != NULL)
		store_db_end(&c->scan);
	if (c->reader != NULL && --c->reader->cursors == 0 && c->reader->of == NULL)
		reader_free(c->reader);
	store_db_close(c->own);
	free(c);
}

static void locks(void *ctx, uint64_t group, void (*each)(void *arg, struct bytes key, struct bytes row), void *arg)
{
	struct store_sqlite *s = ctx;
	struct known *k = find(s, group);
	struct store_db_scan scan;
	struct bytes key, row;
	int r;

	if (k == NULL || k->generation == 0 || k->unlocked)
		return;
	if (store_db_seek_locked(reader_of(s, k)->db, &scan) != 0)
		failed(s);
	while ((r = store_db_next(&scan, &key, &row)) > 0)
		each(arg, key, row);
	if (r < 0)
		failed(s);
	store_db_end(&scan);
}

/* Pins the state by reading its meta: SQLite begins to read at the first statement, not at BEGIN. */
static struct store_cursor *snapshot(void *ctx, uint64_t group, struct store_meta *out)
{
	struct store_sqlite *s = ctx;
	struct known *k = find(s, group);
	char path[STORE_FILES_PATH_MAX];
	struct store_cursor *c;

	if (k == NULL || k->generation == 0)
		return NULL;
	store_files_path(&s->files, (struct store_file){ k->group, k->generation }, path);
	c = mem_new(sizeof *c);
	c->store = s;
	c->any = true;
	c->own = store_db_open(path, STORE_DB_READ, SNAPSHOT_CACHE_KB, 0);
	if (c->own == NULL || store_db_begin_read(c->own) != 0 || store_db_meta(c->own, out) != 0 ||
	    store_db_seek(c->own, BYTES_NONE, false, &c->scan) != 0)
		failed(s);
	return c;
}

/* --- writing ----------------------------------------------------------------------------------------------------- */

static struct store_job *job_new(enum store_job_kind kind)
{
	struct store_job *job = mem_new(sizeof *job);

	job->kind = kind;
	return job;
}

static void submit(struct store_sqlite *s, uint64_t group, struct store_job *job)
{
	struct known *k = find_or_add(s, group);

	k->jobs++;
	job->group = group;
	job->life = k->life;
	store_worker_submit(s->worker, job);
}

static void submit_batch(struct store_sqlite *s, enum store_job_kind kind, struct store_batch *b)
{
	struct store_job *job = job_new(kind);

	job->meta = b->meta;
	job->rows = b->rows;
	job->n = b->n;
	job->memory = b->memory;
	submit(s, b->group, job);
	free(b);
}

static void apply(void *ctx, struct store_batch *b)
{
	submit_batch(ctx, STORE_JOB_APPLY, b);
}

static void checkpoint(void *ctx, uint64_t group)
{
	submit(ctx, group, job_new(STORE_JOB_CHECKPOINT));
}

static void install_begin(void *ctx, uint64_t group)
{
	submit(ctx, group, job_new(STORE_JOB_INSTALL_BEGIN));
}

static void install_rows(void *ctx, struct store_batch *b)
{
	submit_batch(ctx, STORE_JOB_INSTALL_ROWS, b);
}

static void install_end(void *ctx, uint64_t group, const struct store_meta *to)
{
	struct store_job *job = job_new(STORE_JOB_INSTALL_END);

	job->meta = *to;
	submit(ctx, group, job);
}

static void install_abort(void *ctx, uint64_t group)
{
	submit(ctx, group, job_new(STORE_JOB_INSTALL_ABORT));
}

static void drop(void *ctx, uint64_t group)
{
	struct store_sqlite *s = ctx;
	struct known *k = find_or_add(s, group);

	detach(s, k);
	k->generation = 0;
	k->meta = (struct store_meta){ 0 };
	k->life++;
	submit(s, group, job_new(STORE_JOB_DROP));
}

/* --- reports ----------------------------------------------------------------------------------------------------- */

static void remove_replaced(struct store_sqlite *s, const struct store_job *done)
{
	struct store_job *job = job_new(STORE_JOB_REMOVE);

	job->generation = done->replaced;
	submit(s, done->group, job);
}

static void report_applied(struct store_sqlite *s, struct known *k, const struct store_job *job)
{
	k->generation = job->generation;
	k->meta = job->meta;
	k->unlocked = false;
	s->events.applied(s->events.arg, job->group, &job->meta);
}

static void report_installed(struct store_sqlite *s, struct known *k, const struct store_job *job)
{
	detach(s, k);
	k->generation = job->generation;
	k->meta = job->meta;
	k->unlocked = false;
	s->events.installed(s->events.arg, job->group, &job->meta);
}

static void report(struct store_sqlite *s, const struct store_job *job)
{
	struct known *k = find_or_add(s, job->group);
	bool current = job->life == k->life;

	switch (job->kind) {
	case STORE_JOB_APPLY:
		if (current)
			report_applied(s, k, job);
		break;
	case STORE_JOB_INSTALL_END:
		if (job->replaced != 0)
			remove_replaced(s, job);
		if (current && job->generation != 0)
			report_installed(s, k, job);
		break;
	case STORE_JOB_CHECKPOINT:
		if (job->bytes == 0 && job->generation == k->generation)
			s->events.checkpointed(s->events.arg, job->group, job->slot);
		break;
	case STORE_JOB_FAILED:
		failed(s);
	default:
		break;
	}
}

/* An entry without a store or a job in flight says nothing. */
static void forget(struct store_sqlite *s, const struct store_job *job)
{
	struct known *k = find(s, job->group);

	if (k == NULL || job->bytes == 0)
		return;
	k->jobs--;
	if (k->jobs == 0 && k->generation == 0) {
		HASH_DELETE(hh, s->groups, k);
		free(k);
	}
}

void store_sqlite_poll(struct store_sqlite *s)
{
	uint64_t queued;
	struct store_job *job = store_worker_done(s->worker, &queued);

	if (job == NULL)
		return;
	while (job != NULL) {
		struct store_job *after = job->next;

		report(s, job);
		forget(s, job);
		store_job_free(job);
		job = after;
	}
	s->events.progress(s->events.arg, queued);
}

/* --- opening ----------------------------------------------------------------------------------------------------- */

static void fill_in(struct store_sqlite_options *o)
{
	if (o->read_cache_kb == 0)
		o->read_cache_kb = 128;
	if (o->write_cache_kb == 0)
		o->write_cache_kb = 2048;
	if (o->mmap_bytes == 0)
		o->mmap_bytes = (uint64_t)1 << 30;
	if (o->wal_bytes == 0)
		o->wal_bytes = 8 << 20;
	if (o->open_max == 0)
		o->open_max = STORES_OPEN_MAX / 2;
}

/* Errors here are the caller's to report: nothing has been served yet. */
static int open_one(struct store_sqlite *s, struct store_file file)
{
	char path[STORE_FILES_PATH_MAX];
	struct store_db *d;
	struct known *k;
	int locked = -1;

	store_files_path(&s->files, file, path);
	d = store_db_open(path, STORE_DB_READ, s->o.read_cache_kb, 0);
	k = find_or_add(s, file.group);
	if (d != NULL && store_db_meta(d, &k->meta) == 0)
		locked = store_db_any_locked(d);
	store_db_close(d);
	if (locked < 0)
		return -1;
	k->unlocked = locked == 0;
	k->generation = file.generation;
	store_worker_add(s->worker, file);
	return 0;
}

static int open_all(struct store_sqlite *s)
{
	struct store_file *all = NULL;
	size_t n = 0;
	int r = store_files_list(&s->files, &all, &n);

	for (size_t i = 0; r == 0 && i < n; i++)
		r = open_one(s, all[i]);
	free(all);
	return r;
}

struct store_sqlite *store_sqlite_open(const struct store_sqlite_options *o)
{
	struct store_sqlite *s = mem_new(sizeof *s);

	assert(o->notify != NULL && o->failed != NULL);
	/* Statistics take a lock at every allocation, which the two threads would fight for.  Too late is no harm. */
	sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
	/* Else every connection takes 20 pages at once, and most stay idle. */
	sqlite3_config(SQLITE_CONFIG_PAGECACHE, NULL, 0, 0);
	s->o = *o;
	fill_in(&s->o);
	s->o.dir = NULL;
	TAILQ_INIT(&s->open);
	if (store_files_open(&s->files, o->dir) == 0) {
		s->worker = store_worker_new(&(struct store_worker_options){
			.files = &s->files,
			.cache_kb = s->o.write_cache_kb,
			.mmap_bytes = s->o.mmap_bytes,
			.wal_bytes = s->o.wal_bytes,
			.open_max = s->o.open_max,
			.notify = o->notify,
			.arg = o->arg,
		});
		if (open_all(s) == 0 && store_worker_start(s->worker) == 0)
			return s;
	}
	store_sqlite_close(s);
	return NULL;
}

void store_sqlite_close(struct store_sqlite *s)
{
	struct known *k, *after;

	if (s == NULL)
		return;
	store_worker_free(s->worker);
	HASH_ITER(hh, s->groups, k, after) {
		assert(k->reader == NULL || k->reader->cursors == 0);
		detach(s, k);
		HASH_DELETE(hh, s->groups, k);
		free(k);
	}
	store_files_close(&s->files);
	free(s);
}

void store_sqlite_events(struct store_sqlite *s, const struct store_events *e)
{
	s->events = *e;
}

struct store store_sqlite_store(struct store_sqlite *s)
{
	static const struct store_ops ops = {
		.scan_all = scan_all,
		.meta = meta,
		.get = get,
		.seek = seek,
		.next = next,
		.close = close_cursor,
		.locks = locks,
		.apply = apply,
		.checkpoint = checkpoint,
		.snapshot = snapshot,
		.install_begin = install_begin,
		.install_rows = install_rows,
		.install_end = install_end,
		.install_abort = install_abort,
		.drop = drop,
	};

	return (struct store){ &ops, s };
}
