/* store_mem: what the simulator relies on, and that it does as store_sqlite does. */
#include "t/sim/store_mem.h"

#include <assert.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "check.h"
#include "item.h"
#include "lock.h"
#include "mem.h"
#include "store_sqlite.h"
#include "t/sim/rowtree.c"
#include "t/sim/store_mem.c"

#define G 7

struct seen {
	unsigned applied, checkpointed, installed, failed;
	uint64_t slot, rows;
};

static void on_applied(void *arg, uint64_t group, const struct store_meta *meta)
{
	struct seen *s = arg;

	(void)group;
	s->applied++;
	s->slot = meta->applied;
	s->rows = meta->rows;
}

static void on_checkpointed(void *arg, uint64_t group, uint64_t slot)
{
	struct seen *s = arg;

	(void)group;
	s->checkpointed++;
	s->slot = slot;
}

static void on_installed(void *arg, uint64_t group, const struct store_meta *meta)
{
	struct seen *s = arg;

	(void)group;
	s->installed++;
	s->slot = meta->applied;
}

static void on_progress(void *arg, uint64_t queued)
{
	(void)arg, (void)queued;
}

static void on_failed(void *arg)
{
	((struct seen *)arg)->failed++;
}

static void listen(struct store_mem *m, struct seen *s)
{
	struct store_events e = { s, on_applied, on_checkpointed, on_installed, on_progress };

	*s = (struct seen){ 0 };
	store_mem_events(m, &e, on_failed, s);
}

/* One row, "" deletes. */
static struct store_batch *one(uint64_t slot, const char *key, const char *row)
{
	struct store_batch *b = mem_new(sizeof *b);

	b->group = G;
	b->meta.applied = slot;
	buf_str(&b->memory, key);
	buf_str(&b->memory, row);
	b->rows = mem_new(sizeof *b->rows);
	b->n = 1;
	b->rows[0].key = (struct bytes){ b->memory.p, strlen(key) };
	b->rows[0].row = (struct bytes){ b->memory.p + strlen(key), strlen(row) };
	return b;
}

static const char *walk_cursor(const struct store *s, struct store_cursor *c)
{
	static char text[4096];
	struct bytes key, row;
	size_t n = 0;

	text[0] = '\0';
	while (s->ops->next(c, &key, &row))
		n += (size_t)snprintf(text + n, sizeof text - n, "%.*s=%.*s ", (int)key.n, (const char *)key.p, (int)row.n,
		                      (const char *)row.p);
	s->ops->close(c);
	return text;
}

static const char *all(const struct store *s)
{
	return walk_cursor(s, s->ops->seek(s->ctx, G, BYTES_NONE, false));
}

static void run(struct store_mem *m)
{
	while (store_mem_step(m))
		;
	store_mem_poll(m);
}

static unsigned keep_some(void *arg, uint64_t group, unsigned n)
{
	unsigned k = *(unsigned *)arg;

	(void)group;
	return k < n ? k : n;
}

TEST(rows_show_when_carried_out_and_are_reported_when_polled)
{
	struct store_mem *m = store_mem_new();
	struct store s = store_mem_store(m);
	struct seen seen;
	struct store_meta meta;

	listen(m, &seen);
	s.ops->apply(s.ctx, one(1, "a", "one"));
	store_mem_poll(m);
	CHECK_INT(store_mem_waiting(m), 1);
	CHECK_INT(seen.applied, 0);
	CHECK(store_mem_step(m));
	store_mem_poll(m);
	CHECK_INT(seen.applied, 1);
	CHECK_STR(all(&s), "a=one ");
	s.ops->apply(s.ctx, one(2, "a", ""));
	CHECK(store_mem_step(m));
	CHECK(!store_mem_step(m));
	CHECK_STR(all(&s), "");
	CHECK_INT(s.ops->meta(s.ctx, G, &meta), 1);
	CHECK_INT(meta.applied, 1);
	store_mem_poll(m);
	CHECK_INT(s.ops->meta(s.ctx, G, &meta), 1);
	CHECK_INT(meta.applied, 2);
	CHECK_INT(meta.rows, 0);
	store_mem_free(m);
}

TEST(a_crash_goes_back_to_a_transaction)
{
	struct store_mem *m = store_mem_new();
	struct store s = store_mem_store(m);
	struct seen seen;
	struct store_meta meta;
	unsigned kept = 1;

	listen(m, &seen);
	s.ops->apply(s.ctx, one(1, "a", "1"));
	s.ops->checkpoint(s.ctx, G);
	s.ops->apply(s.ctx, one(2, "b", "2"));
	s.ops->apply(s.ctx, one(3, "a", "3"));
	s.ops->apply(s.ctx, one(4, "c", "4"));
	run(m);
	CHECK_INT(seen.checkpointed, 1);
	CHECK(store_mem_meta(m, G, true, &meta));
	CHECK_INT(meta.applied, 1);
	CHECK(store_mem_meta(m, G, false, &meta));
	CHECK_INT(meta.applied, 4);
	s.ops->apply(s.ctx, one(5, "d", "5"));           /* still waits */
	store_mem_crash(m, NULL, NULL);
	CHECK_STR(all(&s), "a=3 b=2 c=4 ");
	store_mem_crash(m, keep_some, &kept);
	CHECK_STR(all(&s), "a=1 b=2 ");
	CHECK_INT(s.ops->meta(s.ctx, G, &meta), 1);
	CHECK_INT(meta.applied, 2);
	CHECK_INT(meta.rows, 2);
	kept = 0;
	store_mem_crash(m, keep_some, &kept);
	CHECK_STR(all(&s), "a=1 ");
	store_mem_wipe(m);
	CHECK_INT(s.ops->meta(s.ctx, G, &meta), 0);
	CHECK_STR(all(&s), "");
	store_mem_free(m);
}

TEST(a_snapshot_holds_up_a_checkpoint)
{
	struct store_mem *m = store_mem_new();
	struct store s = store_mem_store(m);
	struct seen seen;
	struct store_meta meta;
	struct store_cursor *c;

	listen(m, &seen);
	s.ops->apply(s.ctx, one(1, "a", "old"));
	run(m);
	c = s.ops->snapshot(s.ctx, G, &meta);
	s.ops->apply(s.ctx, one(2, "a", "new"));
	s.ops->checkpoint(s.ctx, G);
	run(m);
	CHECK_INT(seen.checkpointed, 0);
	CHECK_INT(meta.applied, 1);
	CHECK_STR(walk_cursor(&s, c), "a=old ");
	run(m);
	CHECK_INT(seen.checkpointed, 1);
	CHECK_INT(seen.slot, 2);
	store_mem_free(m);
}

TEST(a_failure_is_reported_and_nothing_after_it)
{
	struct store_mem *m = store_mem_new();
	struct store s = store_mem_store(m);
	struct seen seen;

	listen(m, &seen);
	s.ops->apply(s.ctx, one(1, "a", "1"));
	run(m);
	s.ops->apply(s.ctx, one(2, "b", "2"));
	s.ops->apply(s.ctx, one(3, "c", "3"));
	store_mem_fail_next(m);
	run(m);
	CHECK_INT(seen.failed, 1);
	CHECK_INT(seen.applied, 1);
	CHECK_INT(store_mem_waiting(m), 1);
	store_mem_crash(m, NULL, NULL);
	CHECK_STR(all(&s), "a=1 ");
	listen(m, &seen);
	s.ops->apply(s.ctx, one(2, "b", "2"));
	run(m);
	CHECK_STR(all(&s), "a=1 b=2 ");
	store_mem_free(m);
}

TEST(checkpoints_of_its_own)
{
	struct store_mem *m = store_mem_new();
	struct store s = store_mem_store(m);
	struct seen seen;

	listen(m, &seen);
	store_mem_checkpoint_every(m, 3);
	for (uint64_t slot = 1; slot <= 10; slot++)
		s.ops->apply(s.ctx, one(slot, "k", "v"));
	run(m);
	CHECK_INT(seen.checkpointed, 3);
	store_mem_free(m);
}

/* --- the same calls to both -------------------------------------------------------------------------------------- */

static uint64_t rolled;

static uint64_t roll(uint64_t below)
{
	rolled = rolled * 6364136223846793005 + 1442695040888963407;
	return (rolled >> 33) % below;
}

static void wake(void *arg)
{
	(void)arg;
}

static struct store_batch *copy(const struct store_batch *b)
{
	struct store_batch *c = mem_new(sizeof *c);

	*c = *b;
	c->memory = (struct buf){ 0 };
	buf_bytes(&c->memory, buf_view(&b->memory));
	c->rows = mem_copy(b->rows, b->n * sizeof *b->rows);
	for (size_t i = 0; i < c->n; i++) {
		c->rows[i].key.p = c->memory.p + (b->rows[i].key.p - b->memory.p);
		c->rows[i].row.p = c->memory.p + (b->rows[i].row.p - b->memory.p);
	}
	return c;
}

static void put_locked(struct buf *out, bool exists)
{
	struct buf lock = { 0 };

	lock_put(&lock, &(struct lock){ .txid = BYTES_LIT("0123456789abcdef"), .ledger_group = 1, .ledger_key = BYTES_LIT("l"),
					.timestamp = 1, .kind = LOCK_DELETE, .exists = exists });
	item_head_put(out, &(struct item_head){ .time_us = 1, .slot = 1, .lock = buf_view(&lock) });
	buf_bytes(out, ITEM_EMPTY);
	buf_fini(&lock);
}

static struct store_batch *random_batch(uint64_t slot)
{
	struct store_batch *b = mem_new(sizeof *b);
	size_t at = 0;

	b->group = G;
	b->meta.applied = slot;
	b->rows = mem_new(100 * sizeof *b->rows);
	for (unsigned key = (unsigned)roll(10); key < 100; key += 1 + (unsigned)roll(20)) {
		char text[32];
		int k = snprintf(text, sizeof text, "k%02u", key), r = roll(3) == 0 ? 0 : (int)roll(20) + 1;
		size_t before;

		buf_put(&b->memory, text, (size_t)k);
		before = b->memory.n;
		if (roll(8) == 0)
			put_locked(&b->memory, roll(2));
		else
			buf_put(&b->memory, "abcdefghijklmnopqrstuvwxyz", (size_t)r);
		b->rows[b->n].key.n = (size_t)k;
		b->rows[b->n++].row.n = b->memory.n - before;
	}
	for (size_t i = 0; i < b->n; i++) {
		b->rows[i].key.p = b->memory.p + at;
		b->rows[i].row.p = b->memory.p + at + b->rows[i].key.n;
		at += b->rows[i].key.n + b->rows[i].row.n;
	}
	return b;
}

struct pair_of {
	struct store_mem *m;
	struct store_sqlite *q;
	struct store mem, sqlite;
	struct seen mem_seen, sqlite_seen;
};

static void both_apply(struct pair_of *p, struct store_batch *b, bool install)
{
	struct store_batch *c = copy(b);

	(install ? p->mem.ops->install_rows : p->mem.ops->apply)(p->mem.ctx, b);
	(install ? p->sqlite.ops->install_rows : p->sqlite.ops->apply)(p->sqlite.ctx, c);
}

static void settle(struct pair_of *p)
{
	run(p->m);
	while (p->sqlite_seen.applied != p->mem_seen.applied || p->sqlite_seen.installed != p->mem_seen.installed) {
		usleep(50);
		store_sqlite_poll(p->q);
	}
}

static void add_key(void *arg, struct bytes key, struct bytes row)
{
	buf_lenbytes(arg, key);
	buf_lenbytes(arg, row);
}

static void compare_locks(struct pair_of *p)
{
	struct buf a = { 0 }, b = { 0 };

	p->mem.ops->locks(p->mem.ctx, G, add_key, &a);
	p->sqlite.ops->locks(p->sqlite.ctx, G, add_key, &b);
	CHECK(bytes_eq(buf_view(&a), buf_view(&b)));
	buf_fini(&a);
	buf_fini(&b);
}

static void compare(struct pair_of *p)
{
	struct store_meta a, b;
	char text[4096], from[8];
	bool reverse = roll(2);

	CHECK_INT(p->mem.ops->meta(p->mem.ctx, G, &a), p->sqlite.ops->meta(p->sqlite.ctx, G, &b));
	CHECK_INT(a.applied, b.applied);
	CHECK_INT(a.rows, b.rows);
	CHECK_INT(a.bytes, b.bytes);
	snprintf(from, sizeof from, "k%02d", (int)roll(100));
	compare_locks(p);
	strcpy(text, all(&p->mem));
	CHECK_STR(all(&p->sqlite), text);
	strcpy(text, walk_cursor(&p->mem, p->mem.ops->seek(p->mem.ctx, G, bytes_str(from), reverse)));
	CHECK_STR(walk_cursor(&p->sqlite, p->sqlite.ops->seek(p->sqlite.ctx, G, bytes_str(from), reverse)), text);
}

static void both_install(struct pair_of *p, uint64_t slot)
{
	struct store_meta meta = { .applied = slot };

	p->mem.ops->install_begin(p->mem.ctx, G);
	p->sqlite.ops->install_begin(p->sqlite.ctx, G);
	both_apply(p, random_batch(0), true);
	both_apply(p, random_batch(0), true);
	p->mem.ops->install_end(p->mem.ctx, G, &meta);
	p->sqlite.ops->install_end(p->sqlite.ctx, G, &meta);
}

TEST(it_does_as_store_sqlite_does)
{
	char dir[] = "/tmp/ddb-mem-XXXXXX", command[64];
	struct pair_of p = { .m = store_mem_new() };
	struct store_sqlite_options o = { .dir = dir, .notify = wake, .failed = on_failed };
	struct store_events e = { &p.sqlite_seen, on_applied, on_checkpointed, on_installed, on_progress };

	rolled = getenv("SEED") != NULL ? strtoull(getenv("SEED"), NULL, 0) : (uint64_t)time(NULL);
	printf("# SEED=%llu\n", (unsigned long long)rolled);
	assert(mkdtemp(dir) != NULL);
	p.q = store_sqlite_open(&o);
	assert(p.q != NULL);
	store_sqlite_events(p.q, &e);
	listen(p.m, &p.mem_seen);
	p.mem = store_mem_store(p.m);
	p.sqlite = store_sqlite_store(p.q);
	for (uint64_t slot = 1; slot <= 300 && check_failures == 0; slot++) {
		uint64_t what = roll(20);

		if (what == 0) {
			both_install(&p, slot);
		} else if (what == 1) {
			p.mem.ops->drop(p.mem.ctx, G);
			p.sqlite.ops->drop(p.sqlite.ctx, G);
		} else {
			both_apply(&p, random_batch(slot), false);
		}
		settle(&p);
		compare(&p);
	}
	store_sqlite_close(p.q);
	store_mem_free(p.m);
	snprintf(command, sizeof command, "rm -rf %s", dir);
	CHECK_INT(system(command), 0);
}

/* It prints what it saw; a loaded machine proves nothing. */
TEST(speed)
{
	enum { N = 200000 };
	struct store_mem *m = store_mem_new();
	struct store s = store_mem_store(m);
	struct seen seen;
	struct timespec a, b;
	struct buf row = { 0 };
	char key[32];

	listen(m, &seen);
	store_mem_checkpoint_every(m, 20);
	clock_gettime(CLOCK_MONOTONIC, &a);
	for (uint64_t slot = 1; slot <= N; slot++) {
		snprintf(key, sizeof key, "key%llu", (unsigned long long)(slot * 2654435761 % 2000));
		s.ops->apply(s.ctx, one(slot, key, "a row of some bytes"));
		store_mem_step(m);
		store_mem_poll(m);
		buf_clear(&row);
		s.ops->get(s.ctx, G, bytes_str(key), &row);
	}
	clock_gettime(CLOCK_MONOTONIC, &b);
	CHECK_INT(seen.applied, N);
	printf("# apply of one of 2000 rows, step, poll and get: %.0f ns\n",
	       ((double)(b.tv_sec - a.tv_sec) * 1e9 + (double)(b.tv_nsec - a.tv_nsec)) / N);
	buf_fini(&row);
	store_mem_free(m);
}

CHECK_MAIN(X(rows_show_when_carried_out_and_are_reported_when_polled) X(a_crash_goes_back_to_a_transaction)
           X(a_snapshot_holds_up_a_checkpoint) X(a_failure_is_reported_and_nothing_after_it) X(checkpoints_of_its_own)
           X(it_does_as_store_sqlite_does) X(speed))
