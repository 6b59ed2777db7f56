/* store_sqlite: rows, meta, cursors, snapshots, installation, and what a crash leaves. */
#include "store_sqlite.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "fault.h"
#include "item.h"
#include "log.h"
#include "mem.h"

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
static void notify(void *arg)
{
	uint64_t one = 1;

	assert(write(((struct bench *)arg)->wake, &one, sizeof one) == sizeof one);
}

static void end(void *arg)
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

static void on_applied(void *arg, uint64_t group, const struct store_meta *meta)
{
	struct bench *b = arg;

	(void)group;
	b->applied++;
	b->slot = meta->applied;
	b->rows = meta->rows;
}

static void on_checkpointed(void *arg, uint64_t group, uint64_t slot)
{
	struct bench *b = arg;

	(void)group;
	b->checkpointed++;
	b->checkpointed_slot = slot;
}

static void on_installed(void *arg, uint64_t group, const struct store_meta *meta)
{
	struct bench *b = arg;

	(void)group;
	b->installed++;
	b->installed_slot = meta->applied;
	b->rows = meta->rows;
}

static void on_progress(void *arg, uint64_t queued)
{
	((struct bench *)arg)->queued = queued;
}

static bool reopen_with(struct bench *b, const struct store_sqlite_options *more)
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

static bool reopen(struct bench *b)
{
	return reopen_with(b, &(struct store_sqlite_options){ 0 });
}

static void start_with(struct bench *b, const struct store_sqlite_options *o)
{
	*b = (struct bench){ .dir = "/tmp/ddb-store-XXXXXX" };
	assert(mkdtemp(b->dir) != NULL);
	b->wake = eventfd(0, EFD_CLOEXEC);
	assert(b->wake >= 0);
	CHECK(reopen_with(b, o));
}

static void start(struct bench *b)
{
	start_with(b, &(struct store_sqlite_options){ 0 });
}

static int files(struct bench *b, const char *suffix)
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

static void file_name(struct bench *b, const char *suffix, char *out, size_t n)
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

static void stop(struct bench *b)
{
	char command[128];

	store_sqlite_close(b->s);
	close(b->wake);
	snprintf(command, sizeof command, "rm -rf %s", b->dir);
	CHECK_INT(system(command), 0);
}

/* Waits for the thread's next report. */
static void turn(struct bench *b)
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

static void put_row(struct store_batch *b, const char *key, const char *value)
{
	struct item_head h = { .time_us = 1, .slot = b->meta.applied };
	size_t at = b->memory.n;

	b->rows = mem_resize(b->rows, (b->n + 1) * sizeof *b->rows);
	buf_str(&b->memory, key);
	b->rows[b->n] = (struct store_row){ { (void *)at, strlen(key) }, BYTES_NONE };
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

/* The buffer has stopped moving: offsets become pointers. */
static struct store_batch *ready(struct store_batch *b)
{
	for (size_t i = 0; i < b->n; i++) {
		b->rows[i].key.p = b->memory.p + (size_t)b->rows[i].key.p;
		b->rows[i].row.p = b->memory.p + (size_t)b->rows[i].row.p;
	}
	return b;
}

static struct store_batch *batch(uint64_t group, uint64_t slot)
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

static void apply(struct bench *b, struct store_batch *batch)
{
	b->store.ops->apply(b->store.ctx, ready(batch));
}

static void apply_one(struct bench *b, uint64_t group, uint64_t slot, const char *key, const char *value)
{
	struct store_batch *t = batch(group, slot);

	put_row(t, key, value);
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

static struct store_meta meta_of(struct bench *b, uint64_t group)
{
	struct store_meta m;

	b->store.ops->meta(b->store.ctx, group, &m);
	return m;
}

TEST(a_fresh_store_is_empty)
{
	struct bench b;
	struct store_meta m;

	start(&b);
	CHECK_INT(b.store.ops->meta(b.store.ctx, G, &m), 0);
	CHECK_INT(m.applied, 0);
	CHECK_STR(get(&b, G, "a"), "-");
	CHECK_STR(walk(&b, "", false), "");
	CHECK(b.store.ops->snapshot(b.store.ctx, G, &m) == NULL);
	b.store.ops->checkpoint(b.store.ctx, G);
	WAIT(&b, b.checkpointed == 1);
	CHECK_INT(b.checkpointed_slot, 0);
	CHECK_INT(files(&b, ""), 0);
	stop(&b);
}

TEST(rows_and_meta_stand_together)
{
	struct bench b;
	struct store_batch *t;
	struct store_meta m;

	start(&b);
	t = batch(G, 5);
	put_row(t, "a", "one");
	put_row(t, "b", "two");
	put_row(t, "c", NULL);
	apply(&b, t);
	WAIT(&b, b.applied == 1);
	CHECK_INT(b.slot, 5);
	CHECK_INT(b.queued, 0);
	CHECK_STR(get(&b, G, "a"), "one");
	CHECK_STR(get(&b, G, "c"), "-");
	CHECK_STR(get(&b, G + 1, "a"), "-");
	m = meta_of(&b, G);
	CHECK_INT(m.rows, 2);
	CHECK_INT(m.bytes, 8);                  /* two of a name of 1 and a value of 3 */
	t = batch(G, 6);
	put_row(t, "a", "longer");
	put_row(t, "b", NULL);
	put_row(t, "d", "four");
	apply(&b, t);
	WAIT(&b, b.applied == 2);
	m = meta_of(&b, G);
	CHECK_INT(m.rows, 2);
	CHECK_INT(m.bytes, 12);
	CHECK_STR(walk(&b, "", false), "a=longer d=four");

	CHECK(reopen(&b));
	CHECK_INT(b.store.ops->meta(b.store.ctx, G, &m), 1);
	CHECK_INT(m.applied, 6);
	CHECK_INT(m.clock, 60);
	CHECK_INT(m.deleted_clock, 3);
	CHECK_INT(m.rows, 2);
	CHECK_INT(m.bytes, 12);
	CHECK_INT(m.hash.b[15], 6);
	CHECK_INT(m.config_bytes, 2);
	CHECK_INT(m.config[1], 9);
	CHECK_INT(m.config_slot, 1);
	CHECK_STR(walk(&b, "", false), "a=longer d=four");
	apply_one(&b, G, 7, "e", "five");
	WAIT(&b, b.applied == 1);
	CHECK_INT(b.rows, 3);
	stop(&b);
}

TEST(cursors_walk_both_ways)
{
	struct bench b;
	struct store_batch *t = batch(G, 1);
	struct store_cursor *one, *two;
	struct bytes key, row;

	start(&b);
	put_row(t, "b", "1");
	put_row(t, "bb", "2");
	put_row(t, "d", "3");
	apply(&b, t);
	WAIT(&b, b.applied == 1);
	CHECK_STR(walk(&b, "", false), "b=1 bb=2 d=3");
	CHECK_STR(walk(&b, "", true), "d=3 bb=2 b=1");
	CHECK_STR(walk(&b, "ba", false), "bb=2 d=3");
	CHECK_STR(walk(&b, "c", true), "bb=2 b=1");
	CHECK_STR(walk(&b, "bb", true), "bb=2 b=1");
	CHECK_STR(walk(&b, "e", false), "");
	CHECK_STR(walk(&b, "a", true), "");

	one = b.store.ops->seek(b.store.ctx, G, BYTES_NONE, false);
	CHECK(b.store.ops->next(one, &key, &row));
	two = b.store.ops->seek(b.store.ctx, G, BYTES_NONE, false);
	CHECK_STR(get(&b, G, "d"), "3");
	CHECK_STR(keys_of(&b, two), "b=1 bb=2 d=3");
	CHECK_STR(keys_of(&b, one), "bb=2 d=3");
	CHECK_STR(walk(&b, "", false), "b=1 bb=2 d=3");
	stop(&b);
}

TEST(a_snapshot_stays_as_it_was)
{
	struct bench b;
	struct store_cursor *c;
	struct store_meta m;

	start(&b);
	apply_one(&b, G, 1, "a", "old");
	WAIT(&b, b.applied == 1);
	c = b.store.ops->snapshot(b.store.ctx, G, &m);
	apply_one(&b, G, 2, "a", "new");
	apply_one(&b, G, 3, "b", "new");
	WAIT(&b, b.applied == 3);
	CHECK_STR(walk(&b, "", false), "a=new b=new");
	CHECK_INT(m.applied, 1);
	b.store.ops->checkpoint(b.store.ctx, G);
	apply_one(&b, H, 1, "x", "y");           /* behind the checkpoint in the queue: it has been tried by then */
	WAIT(&b, b.applied == 4);
	CHECK_INT(b.checkpointed, 0);
	CHECK_STR(keys_of(&b, c), "a=old");
	WAIT(&b, b.checkpointed == 1);
	CHECK_INT(b.checkpointed_slot, 3);
	stop(&b);
}

TEST(a_long_log_is_checkpointed_unasked)
{
	struct bench b;
	char key[32];

	start_with(&b, &(struct store_sqlite_options){ .wal_bytes = 256 << 10 });
	for (uint64_t slot = 1; slot <= 200 && b.checkpointed == 0; slot++) {
		snprintf(key, sizeof key, "key%03d", (int)slot);
		apply_one(&b, G, slot, key, "value");
		WAIT(&b, b.applied == slot);
		store_sqlite_poll(b.s);
	}
	WAIT(&b, b.checkpointed >= 1);
	CHECK(b.checkpointed_slot > 3);
	stop(&b);
}

static void install(struct bench *b, const char *key, const char *value, uint64_t slot)
{
	struct store_batch *t = batch(G, 0);

	b->store.ops->install_begin(b->store.ctx, G);
	put_row(t, key, value);
	b->store.ops->install_rows(b->store.ctx, ready(t));
	t = batch(G, slot);
	b->store.ops->install_end(b->store.ctx, G, &t->meta);
	free(t);
}

TEST(an_installation_replaces_all)
{
	struct bench b;
	struct store_cursor *c, *snap;
	struct bytes key, row;
	struct store_meta m;

	start(&b);
	apply_one(&b, G, 1, "a", "old");
	WAIT(&b, b.applied == 1);
	c = b.store.ops->seek(b.store.ctx, G, BYTES_NONE, false);
	snap = b.store.ops->snapshot(b.store.ctx, G, &m);
	install(&b, "z", "new", 40);
	apply_one(&b, G, 41, "y", "later");
	WAIT(&b, b.applied == 2);
	CHECK_INT(b.installed_slot, 40);
	CHECK(b.store.ops->next(c, &key, &row));
	CHECK(bytes_is(key, "a"));
	b.store.ops->close(c);
	CHECK_STR(keys_of(&b, snap), "a=old");
	CHECK_STR(walk(&b, "", false), "y=later z=new");
	m = meta_of(&b, G);
	CHECK_INT(m.applied, 41);
	CHECK_INT(m.rows, 2);
	CHECK_INT(m.bytes, 1 + 3 + 1 + 5);
	CHECK(reopen(&b));
	CHECK_INT(files(&b, ".db"), 1);
	CHECK_STR(walk(&b, "", false), "y=later z=new");
	stop(&b);
}

TEST(an_installation_can_be_the_first_content)
{
	struct bench b;

	start(&b);
	install(&b, "z", "new", 40);
	WAIT(&b, b.installed == 1);
	CHECK_INT(b.rows, 1);
	CHECK_STR(walk(&b, "", false), "z=new");
	stop(&b);
}

TEST(an_installation_given_up_leaves_nothing)
{
	struct bench b;
	struct store_batch *t;

	start(&b);
	apply_one(&b, G, 1, "a", "old");
	t = batch(G, 0);
	put_row(t, "z", "new");
	b.store.ops->install_begin(b.store.ctx, G);
	b.store.ops->install_rows(b.store.ctx, ready(t));
	b.store.ops->install_abort(b.store.ctx, G);
	apply_one(&b, G, 2, "b", "old");
	WAIT(&b, b.applied == 2);
	CHECK_INT(files(&b, ".new"), 0);
	CHECK_INT(b.installed, 0);
	CHECK_STR(walk(&b, "", false), "a=old b=old");
	b.store.ops->install_begin(b.store.ctx, G);
	CHECK(reopen(&b));                       /* closed in the middle of one */
	CHECK_INT(files(&b, ".new"), 0);
	CHECK_STR(walk(&b, "", false), "a=old b=old");
	stop(&b);
}

TEST(a_dropped_store_is_gone_at_once)
{
	struct bench b;
	struct store_meta m;

	start(&b);
	apply_one(&b, G, 1, "a", "old");
	WAIT(&b, b.applied == 1);
	CHECK_STR(get(&b, G, "a"), "old");
	apply_one(&b, G, 2, "b", "old");         /* not reported: dropped before */
	b.store.ops->drop(b.store.ctx, G);
	CHECK_STR(get(&b, G, "a"), "-");
	CHECK_INT(b.store.ops->meta(b.store.ctx, G, &m), 0);
	apply_one(&b, H, 1, "x", "y");
	WAIT(&b, b.applied == 2);
	CHECK_INT(b.slot, 1);
	CHECK_INT(files(&b, ".db"), 1);
	apply_one(&b, G, 1, "c", "again");
	WAIT(&b, b.applied == 3);
	CHECK_STR(walk(&b, "", false), "c=again");
	CHECK_INT(meta_of(&b, G).rows, 1);
	stop(&b);
}

TEST(more_stores_than_may_be_open)
{
	struct bench b;
	char value[16];

	start_with(&b, &(struct store_sqlite_options){ .open_max = 3 });
	for (uint64_t g = 1; g <= 10; g++) {
		snprintf(value, sizeof value, "v%d", (int)g);
		apply_one(&b, g, 1, "k", value);
	}
	WAIT(&b, b.applied == 10);
	for (int round = 0; round < 2; round++)
		for (uint64_t g = 1; g <= 10; g++) {
			snprintf(value, sizeof value, "v%d", (int)g);
			CHECK_STR(get(&b, g, "k"), value);
		}
	for (uint64_t g = 1; g <= 10; g++)
		apply_one(&b, g, 2, "l", "w");
	WAIT(&b, b.applied == 20);
	for (uint64_t g = 1; g <= 10; g++)
		CHECK_INT(meta_of(&b, g).rows, 2);
	CHECK(reopen(&b));
	for (uint64_t g = 1; g <= 10; g++)
		CHECK_STR(get(&b, g, "l"), "w");
	stop(&b);
}

static void set_pragma(struct bench *b, const char *text)
{
	char path[512];
	sqlite3 *db;

	store_sqlite_close(b->s);
	b->s = NULL;
	file_name(b, ".db", path, sizeof path);
	CHECK_INT(sqlite3_open(path, &db), SQLITE_OK);
	CHECK_INT(sqlite3_exec(db, text, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

TEST(other_formats_are_refused)
{
	struct bench b;
	char path[512];
	FILE *f;

	start(&b);
	apply_one(&b, G, 1, "a", "b");
	WAIT(&b, b.applied == 1);
	set_pragma(&b, "PRAGMA user_version = 2");
	CHECK(!reopen(&b));
	set_pragma(&b, "PRAGMA user_version = 1");
	CHECK(reopen(&b));
	set_pragma(&b, "PRAGMA application_id = 1");
	CHECK(!reopen(&b));
	file_name(&b, ".db", path, sizeof path);
	f = fopen(path, "r+");
	fputs("not a database", f);
	fclose(f);
	CHECK(!reopen(&b));
	stop(&b);
}

/* --- crashes and errors: in a child, which the parent waits for -------------------------------------------------- */

struct shared {
	volatile uint64_t applied, checkpointed;
};

static void overwrite(struct bench *b, uint64_t slot)
{
	struct store_batch *t = batch(G, slot);
	char key[32], value[32];

	/* Ten keys of each slot, some of which delete those of an earlier one. */
	snprintf(value, sizeof value, "%d", (int)slot);
	for (int i = 0; i < 10; i++) {
		snprintf(key, sizeof key, "k%03d", (int)(slot * 7 % 50) * 10 + i);
		put_row(t, key, slot % 3 == 0 && i % 2 == 0 ? NULL : value);
	}
	apply(b, t);
}

static void crash_child(struct bench *b, struct shared *m)
{
	uint64_t slot = meta_of(b, G).applied;

	for (;;) {
		for (int i = 0; i < 5; i++)
			overwrite(b, ++slot);
		if (slot % 35 == 0)
			b->store.ops->checkpoint(b->store.ctx, G);
		WAIT(b, b->slot == slot);
		m->applied = b->slot;
		m->checkpointed = b->checkpointed_slot;
	}
}

/* Counts what is there by looking. */
static void check_counts(struct bench *b)
{
	struct store_meta m = meta_of(b, G), pinned;
	struct store_cursor *c = b->store.ops->snapshot(b->store.ctx, G, &pinned);
	uint64_t rows = 0, bytes = 0, newest = 0;
	struct bytes key, row;

	while (c != NULL && b->store.ops->next(c, &key, &row)) {
		struct cur cur = cur_of(row);
		struct item_head h;

		CHECK(item_head_get(&cur, &h));
		newest = h.slot > newest ? h.slot : newest;
		rows++;
		bytes += store_row_bytes(row);
	}
	b->store.ops->close(c);
	CHECK_INT(m.rows, rows);
	CHECK_INT(m.bytes, bytes);
	CHECK_INT(m.applied, pinned.applied);
	CHECK_INT(newest, m.applied);            /* every slot leaves at least one row */
	CHECK_INT(m.hash.b[0], m.applied & 255);
}

TEST(killed_while_applying)
{
	struct shared *m = mmap(NULL, sizeof *m, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct bench b;
	uint64_t before = 0;

	start(&b);
	for (int round = 0; round < 8; round++) {
		pid_t pid;
		int status;

		store_sqlite_close(b.s);
		b.s = NULL;
		pid = fork();
		if (pid == 0) {
			if (!reopen_with(&b, &(struct store_sqlite_options){ .wal_bytes = 128 << 10 }))
				_exit(1);
			crash_child(&b, m);
		}
		while (m->applied < before + 60 + (uint64_t)round * 13)
			usleep(500);
		kill(pid, SIGKILL);
		CHECK_INT(waitpid(pid, &status, 0), pid);
		CHECK(WIFSIGNALED(status));
		CHECK(reopen(&b));
		CHECK(meta_of(&b, G).applied >= m->applied);
		before = meta_of(&b, G).applied;
		check_counts(&b);
		CHECK_INT(files(&b, ".new"), 0);
	}
	munmap(m, sizeof *m);
	stop(&b);
}

/* Runs body in a child with a fault armed; returns its exit code, or minus the signal. */
static int with_fault(struct bench *b, const char *fault, void (*body)(struct bench *b))
{
	int status;
	pid_t pid;

	store_sqlite_close(b->s);
	b->s = NULL;
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		if (fault_arm(fault) != 0 || !reopen(b))
			_exit(1);
		body(b);
		_exit(0);
	}
	waitpid(pid, &status, 0);
	CHECK(reopen(b));
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static void body_apply(struct bench *b)
{
	apply_one(b, G, 2, "b", "new");
	WAIT(b, b->applied == 1);
}

static void body_checkpoint(struct bench *b)
{
	b->store.ops->checkpoint(b->store.ctx, G);
	WAIT(b, b->checkpointed == 1);
}

static void body_install(struct bench *b)
{
	install(b, "z", "new", 40);
	WAIT(b, b->installed == 1);
}

static void body_get(struct bench *b)
{
	get(b, G, "a");
}

static void body_drop(struct bench *b)
{
	b->store.ops->drop(b->store.ctx, G);
	apply_one(b, H, 1, "x", "y");
	WAIT(b, b->applied == 1);
}

TEST(errors_end_the_process)
{
	struct bench b;

	start(&b);
	apply_one(&b, G, 1, "a", "old");
	WAIT(&b, b.applied == 1);
	CHECK_INT(with_fault(&b, "store.commit:ENOSPC:1", body_apply), 9);
	CHECK_STR(walk(&b, "", false), "a=old");
	CHECK_INT(with_fault(&b, "store.checkpoint:EIO:1", body_checkpoint), 9);
	CHECK_INT(with_fault(&b, "store.publish:EIO:1", body_install), 9);
	CHECK_STR(walk(&b, "", false), "a=old");
	CHECK_INT(with_fault(&b, "store.read:EIO:1", body_get), 9);
	CHECK_INT(with_fault(&b, "", body_apply), 0);
	CHECK_STR(walk(&b, "", false), "a=old b=new");
	stop(&b);
}

static void body_full_disk(struct bench *b)
{
	struct rlimit most = { 256 << 10, 256 << 10 };

	signal(SIGXFSZ, SIG_IGN);
	setrlimit(RLIMIT_FSIZE, &most);
	for (uint64_t slot = 2; slot < 1000; slot++) {
		overwrite(b, slot);
		WAIT(b, b->slot == slot);
	}
}

TEST(a_full_disk_ends_the_process_and_harms_nothing)
{
	struct bench b;

	start(&b);
	overwrite(&b, 1);
	WAIT(&b, b.applied == 1);
	CHECK_INT(with_fault(&b, "", body_full_disk), 9);
	CHECK(meta_of(&b, G).applied > 1);
	check_counts(&b);
	stop(&b);
}

static void body_read_all(struct bench *b)
{
	for (uint64_t slot = 1; slot <= 50; slot++) {
		char key[32];

		snprintf(key, sizeof key, "k%03d", (int)slot * 10);
		get(b, G, key);
	}
}

TEST(a_damaged_page_ends_the_process)
{
	struct bench b;
	char path[512], junk[8192];
	FILE *f;

	start(&b);
	for (uint64_t slot = 1; slot <= 50; slot++)
		overwrite(&b, slot);
	b.store.ops->checkpoint(b.store.ctx, G);
	WAIT(&b, b.applied == 50 && b.checkpointed == 1);
	store_sqlite_close(b.s);
	b.s = NULL;
	file_name(&b, ".db", path, sizeof path);
	memset(junk, 0xa5, sizeof junk);
	f = fopen(path, "r+");
	fseek(f, 8192, SEEK_SET);                /* the root of kv; the schema and meta are in other pages */
	CHECK_INT(fwrite(junk, sizeof junk, 1, f), 1);
	fclose(f);
	file_name(&b, ".db-wal", path, sizeof path);
	unlink(path);
	CHECK_INT(with_fault(&b, "", body_read_all), 9);
	stop(&b);
}

TEST(killed_while_installing_or_dropping)
{
	struct bench b;

	start(&b);
	apply_one(&b, G, 1, "a", "old");
	WAIT(&b, b.applied == 1);
	CHECK_INT(with_fault(&b, "store.publish:kill:1", body_install), -SIGKILL);
	CHECK_INT(files(&b, ".new"), 0);
	CHECK_STR(walk(&b, "", false), "a=old");
	/* After the rename: old and new are both there, and the new one counts. */
	CHECK_INT(with_fault(&b, "store.dirsync:kill:1", body_install), -SIGKILL);
	CHECK_INT(files(&b, ".db"), 1);
	CHECK_STR(walk(&b, "", false), "z=new");
	CHECK_INT(with_fault(&b, "store.dirsync:kill:1", body_drop), -SIGKILL);
	CHECK_INT(files(&b, ".drop") + files(&b, ".db"), 0);
	CHECK_STR(walk(&b, "", false), "");
	stop(&b);
}

TEST(an_unwritable_directory_is_said)
{
	struct store_sqlite_options o = { .dir = "/proc/nowhere/store", .notify = notify, .failed = end };

	CHECK(store_sqlite_open(&o) == NULL);
	o.dir = "/dev/null";
	CHECK(store_sqlite_open(&o) == NULL);
}

CHECK_MAIN(X(a_fresh_store_is_empty) X(rows_and_meta_stand_together) X(cursors_walk_both_ways)
           X(a_snapshot_stays_as_it_was) X(a_long_log_is_checkpointed_unasked) X(an_installation_replaces_all)
           X(an_installation_can_be_the_first_content)
           X(an_installation_given_up_leaves_nothing) X(a_dropped_store_is_gone_at_once) X(more_stores_than_may_be_open)
           X(other_formats_are_refused) X(killed_while_applying) X(errors_end_the_process)
           X(a_full_disk_ends_the_process_and_harms_nothing) X(a_damaged_page_ends_the_process)
           X(killed_while_installing_or_dropping) X(an_unwritable_directory_is_said))
