/*
 * store_bench: one store_sqlite in a directory of its own, the reports of its thread counted, and rows of one string
 * each.  Shared by store_sqlite.c and store_sqlite_crash.c.
 */
#ifndef T_STORE_BENCH_H
#define T_STORE_BENCH_H

#include <assert.h>
#include <dirent.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "check.h"
#include "item.h"
#include "lock.h"
#include "mem.h"
#include "store_sqlite.h"

#define G 7
#define H 0xfedcba9876543210

struct bench {
	char dir[64];
	int wake;
	struct store_sqlite *s;
	struct store store;
	unsigned applied, checkpointed, installed;
	uint64_t slot, checkpointed_slot, installed_slot, rows, queued;
};

/* Only this is called from the store's thread. */
static inline void notify(void *arg)
{
	uint64_t one = 1;

	assert(write(((struct bench *)arg)->wake, &one, sizeof one) == sizeof one);
}

static inline void end(void *arg)
{
	(void)arg;
	_exit(9);
}

#ifdef __SANITIZE_THREAD__
/* A failure ends the process with its thread: that is the point. */
const char *__tsan_default_options(void);
const char *__tsan_default_options(void)
{
	return "report_thread_leaks=0";
}
#endif

static inline void on_applied(void *arg, uint64_t group, const struct store_meta *meta)
{
	struct bench *b = arg;

	(void)group;
	b->applied++;
	b->slot = meta->applied;
	b->rows = meta->rows;
}

static inline void on_checkpointed(void *arg, uint64_t group, uint64_t slot)
{
	struct bench *b = arg;

	(void)group;
	b->checkpointed++;
	b->checkpointed_slot = slot;
}

static inline void on_installed(void *arg, uint64_t group, const struct store_meta *meta)
{
	struct bench *b = arg;

	(void)group;
	b->installed++;
	b->installed_slot = meta->applied;
	b->rows = meta->rows;
}

static inline void on_progress(void *arg, uint64_t queued)
{
	((struct bench *)arg)->queued = queued;
}

static inline bool reopen_with(struct bench *b, const struct store_sqlite_options *more)
{
	struct store_sqlite_options o = *more;
	struct store_events e = { b, on_applied, on_checkpointed, on_installed, on_progress };
	int wake = b->wake;
	char dir[64];

	store_sqlite_close(b->s);
	memcpy(dir, b->dir, sizeof dir);
	*b = (struct bench){ .wake = wake };
	memcpy(b->dir, dir, sizeof dir);
	o.dir = b->dir;
	o.notify = notify;
	o.failed = end;
	o.arg = b;
	b->s = store_sqlite_open(&o);
	if (b->s == NULL)
		return false;
	store_sqlite_events(b->s, &e);
	b->store = store_sqlite_store(b->s);
	return true;
}

static inline bool reopen(struct bench *b)
{
	return reopen_with(b, &(struct store_sqlite_options){ 0 });
}

static inline void start_with(struct bench *b, const struct store_sqlite_options *o)
{
	*b = (struct bench){ .dir = "/tmp/ddb-store-XXXXXX" };
	assert(mkdtemp(b->dir) != NULL);
	b->wake = eventfd(0, EFD_CLOEXEC);
	assert(b->wake >= 0);
	CHECK(reopen_with(b, o));
}

static inline void start(struct bench *b)
{
	start_with(b, &(struct store_sqlite_options){ 0 });
}

static inline int files(struct bench *b, const char *suffix)
{
	DIR *d = opendir(b->dir);
	struct dirent *e;
	int n = 0;

	while ((e = readdir(d)) != NULL) {
		size_t len = strlen(e->d_name);

		n += len >= strlen(suffix) && e->d_name[0] != '.' && strcmp(e->d_name + len - strlen(suffix), suffix) == 0;
	}
	closedir(d);
	return n;
}

static inline void file_name(struct bench *b, const char *suffix, char *out, size_t n)
{
	DIR *d = opendir(b->dir);
	struct dirent *e;

	out[0] = '\0';
	while ((e = readdir(d)) != NULL) {
		size_t len = strlen(e->d_name);

		if (len >= strlen(suffix) && strcmp(e->d_name + len - strlen(suffix), suffix) == 0)
			snprintf(out, n, "%s/%s", b->dir, e->d_name);
	}
	closedir(d);
}

static inline void stop(struct bench *b)
{
	char command[128];

	store_sqlite_close(b->s);
	close(b->wake);
	snprintf(command, sizeof command, "rm -rf %s", b->dir);
	CHECK_INT(system(command), 0);
}

/* Waits for the thread's next report. */
static inline void turn(struct bench *b)
{
	struct pollfd p = { .fd = b->wake, .events = POLLIN };
	uint64_t n;

	assert(poll(&p, 1, 30000) == 1);
	assert(read(b->wake, &n, sizeof n) == sizeof n);
	store_sqlite_poll(b->s);
}

#define WAIT(b, condition)                                                                                             \
	while (!(condition))                                                                                           \
		turn(b)

static inline void put_keyed(struct store_batch *b, struct bytes key, const char *value, struct bytes lock)
{
	struct item_head h = { .time_us = 1, .slot = b->meta.applied, .lock = lock };
	size_t at = b->memory.n;

	b->rows = mem_resize(b->rows, (b->n + 1) * sizeof *b->rows);
	buf_bytes(&b->memory, key);
	b->rows[b->n] = (struct store_row){ { (void *)at, key.n }, BYTES_NONE };
	at = b->memory.n;
	if (value != NULL) {
		item_head_put(&b->memory, &h);
		buf_u8(&b->memory, 1);           /* an item of one attribute: v = the value */
		buf_lenbytes(&b->memory, BYTES_LIT("v"));
		buf_u8(&b->memory, ITEM_S);
		buf_lenbytes(&b->memory, bytes_str(value));
	}
	b->rows[b->n++].row = (struct bytes){ (void *)at, b->memory.n - at };
}

static inline void put_row(struct store_batch *b, const char *key, const char *value)
{
	put_keyed(b, bytes_str(key), value, BYTES_NONE);
}

/* Prepared by some transaction, where there is an item or not. */
static inline void put_locked(struct store_batch *b, const char *key, const char *value, bool exists)
{
	struct buf lock = { 0 };

	lock_put(&lock, &(struct lock){ .txid = BYTES_LIT("0123456789abcdef"), .ledger_group = 1, .ledger_key = BYTES_LIT("l"),
					.timestamp = 1, .kind = LOCK_DELETE, .exists = exists });
	put_keyed(b, bytes_str(key), value, buf_view(&lock));
	buf_fini(&lock);
}

/* The buffer has stopped moving: offsets become pointers. */
static inline struct store_batch *ready(struct store_batch *b)
{
	for (size_t i = 0; i < b->n; i++) {
		b->rows[i].key.p = b->memory.p + (size_t)b->rows[i].key.p;
		b->rows[i].row.p = b->memory.p + (size_t)b->rows[i].row.p;
	}
	return b;
}

static inline struct store_batch *batch(uint64_t group, uint64_t slot)
{
	struct store_batch *b = mem_new(sizeof *b);

	b->group = group;
	b->meta = (struct store_meta){ .applied = slot, .clock = slot * 10, .deleted_clock = 3 };
	b->meta.config_bytes = 2;
	b->meta.config_slot = 1;
	memset(b->meta.hash.b, (int)slot, sizeof b->meta.hash.b);
	b->meta.config[1] = 9;
	return b;
}

static inline void apply(struct bench *b, struct store_batch *batch)
{
	b->store.ops->apply(b->store.ctx, ready(batch));
}

static inline void apply_one(struct bench *b, uint64_t group, uint64_t slot, const char *key, const char *value)
{
	struct store_batch *t = batch(group, slot);

	put_row(t, key, value);
	apply(b, t);
}

static inline void put_locked_one(struct bench *b, uint64_t group, uint64_t slot, const char *key)
{
	struct store_batch *t = batch(group, slot);

	put_locked(t, key, "", false);
	apply(b, t);
}

/* The value under key, "-" if there is none. */
static const char *value_of(struct bytes row)
{
	static char text[64];
	struct cur c = cur_of(row);
	struct item_head h;
	struct value v;

	if (!item_head_get(&c, &h) || !item_get(cur_rest(&c), BYTES_LIT("v"), &v))
		return "malformed";
	snprintf(text, sizeof text, "%.*s", (int)v.body.n, (const char *)v.body.p);
	return text;
}

static const char *get(struct bench *b, uint64_t group, const char *key)
{
	struct buf row = { 0 };
	const char *text = "-";

	if (b->store.ops->get(b->store.ctx, group, bytes_str(key), &row) == 1)
		text = value_of(buf_view(&row));
	buf_fini(&row);
	return text;
}

static const char *keys_of(struct bench *b, struct store_cursor *c)
{
	static char text[256];
	struct bytes key, row;

	text[0] = '\0';
	while (b->store.ops->next(c, &key, &row))
		sprintf(text + strlen(text), "%s%.*s=%s", text[0] ? " " : "", (int)key.n, (const char *)key.p, value_of(row));
	CHECK(!b->store.ops->next(c, &key, &row));
	b->store.ops->close(c);
	return text;
}

static const char *walk(struct bench *b, const char *from, bool reverse)
{
	return keys_of(b, b->store.ops->seek(b->store.ctx, G, bytes_str(from), reverse));
}

static inline struct store_meta meta_of(struct bench *b, uint64_t group)
{
	struct store_meta m;

	b->store.ops->meta(b->store.ctx, group, &m);
	return m;
}

static inline void install(struct bench *b, const char *key, const char *value, uint64_t slot)
{
	struct store_batch *t = batch(G, 0);

	b->store.ops->install_begin(b->store.ctx, G);
	put_row(t, key, value);
	b->store.ops->install_rows(b->store.ctx, ready(t));
	t = batch(G, slot);
	b->store.ops->install_end(b->store.ctx, G, &t->meta);
	free(t);
}

#endif
