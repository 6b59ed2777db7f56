/*
 * store-bench: what storing and reading rows costs: CPU and time a row by batch size, and point gets, with nothing
 * else running.
 *
 *	store-bench [--dir DIR] [--keys N] [--rows N] [--size BYTES] [--batch N] [--wal-bytes N] [--mmap BYTES] [--readers]
 *
 * Loads N keys (random order), then overwrites `rows` of them at random in batches, then gets `rows` at random.
 * --readers gets while it applies.  One line each: microseconds of CPU of the whole process, and of time, a row.
 */
#include "store_sqlite.h"

#include <assert.h>
#include <getopt.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "item.h"
#include "mem.h"

#include <stdio.h>

#define G 1
#define QUEUED_MAX (8u << 20)

struct bench {
	int wake;
	struct store_sqlite *s;
	struct store store;
	uint64_t applied, checkpoints, slot, queued;
	uint64_t keys, rows, size, batch;
	bool readers;
};

struct clocks {
	double cpu, wall;
};

static void notify(void *arg)
{
	uint64_t one = 1;

	if (write(((struct bench *)arg)->wake, &one, sizeof one) < 0)
		abort();
}

static void failed(void *arg)
{
	(void)arg;
	exit(9);
}

static void on_applied(void *arg, uint64_t group, const struct store_meta *meta)
{
	(void)group;
	((struct bench *)arg)->applied = meta->applied;
}

static void on_checkpointed(void *arg, uint64_t group, uint64_t slot)
{
	(void)group, (void)slot;
	((struct bench *)arg)->checkpoints++;
}

static void on_installed(void *arg, uint64_t group, const struct store_meta *meta)
{
	(void)arg, (void)group, (void)meta;
}

static void on_progress(void *arg, uint64_t queued)
{
	((struct bench *)arg)->queued = queued;
}

static struct clocks now(void)
{
	struct timespec cpu, wall;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu);
	clock_gettime(CLOCK_MONOTONIC, &wall);
	return (struct clocks){ (double)cpu.tv_sec * 1e6 + (double)cpu.tv_nsec / 1e3,
		                (double)wall.tv_sec * 1e6 + (double)wall.tv_nsec / 1e3 };
}

static uint64_t mix(uint64_t v)
{
	v += 0x9e3779b97f4a7c15;
	v = (v ^ v >> 30) * 0xbf58476d1ce4e5b9;
	v = (v ^ v >> 27) * 0x94d049bb133111eb;
	return v ^ v >> 31;
}

static void make_key(uint64_t id, uint8_t *key)
{
	store_be64(key, mix(id));
	store_be64(key + 8, mix(id + 1));
	memset(key + 16, 's', 8);
}

static int by_key(const void *a, const void *b)
{
	const struct store_row *x = a, *y = b;

	return bytes_cmp(x->key, y->key);
}

static struct store_batch *make_batch(struct bench *b, uint64_t first, bool load)
{
	struct store_batch *t = mem_new(sizeof *t);
	struct item_head h = { .time_us = 1, .slot = ++b->slot };
	struct buf row = { 0 };
	size_t n = 0;

	item_head_put(&row, &h);
	buf_u8(&row, 1);
	buf_lenbytes(&row, BYTES_LIT("v"));
	buf_u8(&row, ITEM_B);
	buf_varint(&row, b->size);
	for (uint64_t i = 0; i < b->size; i++)
		buf_u8(&row, (uint8_t)mix(b->slot + i));
	t->group = G;
	t->meta.applied = b->slot;
	t->rows = mem_new(b->batch * sizeof *t->rows);
	buf_room(&t->memory, b->batch * (24 + row.n));
	for (uint64_t i = 0; i < b->batch; i++) {
		uint8_t *key = t->memory.p + t->memory.n;
		uint8_t k[24];

		make_key(load ? first + i : mix(first + i) % b->keys, k);
		buf_put(&t->memory, k, sizeof k);
		t->rows[i] = (struct store_row){ { key, sizeof k }, { t->memory.p + t->memory.n, row.n } };
		buf_bytes(&t->memory, buf_view(&row));
	}
	buf_fini(&row);
	qsort(t->rows, b->batch, sizeof *t->rows, by_key);
	for (uint64_t i = 0; i < b->batch; i++)
		if (i == 0 || !bytes_eq(t->rows[n - 1].key, t->rows[i].key))
			t->rows[n++] = t->rows[i];
	t->n = n;
	return t;
}

static void turn(struct bench *b, int wait_ms)
{
	struct pollfd p = { .fd = b->wake, .events = POLLIN };
	uint64_t n;

	if (poll(&p, 1, wait_ms) == 1 && read(b->wake, &n, sizeof n) == sizeof n)
		store_sqlite_poll(b->s);
}

static void get_one(struct bench *b, uint64_t i, struct buf *row)
{
	uint8_t key[24];

	make_key(mix(i ^ 0x5555) % b->keys, key);
	buf_clear(row);
	if (b->store.ops->get(b->store.ctx, G, (struct bytes){ key, sizeof key }, row) != 1)
		abort();
}

static void say(const char *what, struct clocks from, uint64_t n)
{
	struct clocks to = now();

	printf("%-28s %8.2f us cpu %8.2f us wall, a row\n", what, (to.cpu - from.cpu) / (double)n,
	       (to.wall - from.wall) / (double)n);
	fflush(stdout);
}

static void write_rows(struct bench *b, uint64_t rows, bool load)
{
	struct clocks from, made = { 0 };
	struct buf row = { 0 };
	uint64_t gets = 0;
	char what[64];

	from = now();
	for (uint64_t i = 0; i < rows; i += b->batch) {
		struct clocks t = now(), u;

		b->queued += b->batch * b->size;
		b->store.ops->apply(b->store.ctx, make_batch(b, i, load));
		u = now();
		made.wall += u.wall - t.wall;
		while (b->queued > QUEUED_MAX)
			if (b->readers && !load)
				get_one(b, gets++, &row), turn(b, 0);
			else
				turn(b, -1);
	}
	while (b->applied < b->slot)
		turn(b, -1);
	snprintf(what, sizeof what, "%s, batches of %llu", load ? "load" : "overwrite", (unsigned long long)b->batch);
	say(what, from, rows);
	printf("  of which making the batches %.2f us; %llu checkpoints; %llu gets meanwhile\n", made.wall / (double)rows,
	       (unsigned long long)b->checkpoints, (unsigned long long)gets);
	b->checkpoints = 0;
	buf_fini(&row);
}

static void read_rows(struct bench *b)
{
	struct clocks from = now();
	struct store_cursor *c;
	struct buf row = { 0 };
	struct bytes k, v;
	uint64_t n = 0;

	for (uint64_t i = 0; i < b->rows; i++)
		get_one(b, i, &row);
	say("get", from, b->rows);
	from = now();
	c = b->store.ops->seek(b->store.ctx, G, BYTES_NONE, false);
	while (n < b->rows && b->store.ops->next(c, &k, &v))
		n++;
	b->store.ops->close(c);
	say("scan", from, n);
	buf_fini(&row);
}

static void memory(void)
{
	FILE *f = fopen("/proc/self/smaps_rollup", "r");
	char line[256];

	while (f != NULL && fgets(line, sizeof line, f) != NULL)
		if (strncmp(line, "Rss:", 4) == 0 || strncmp(line, "Anonymous:", 10) == 0)
			printf("%s", line);
	if (f != NULL)
		fclose(f);
}

int main(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "dir", 1, 0, 'd' },   { "keys", 1, 0, 'k' },      { "rows", 1, 0, 'r' }, { "size", 1, 0, 's' },
		{ "batch", 1, 0, 'b' }, { "wal-bytes", 1, 0, 'w' }, { "mmap", 1, 0, 'm' }, { "readers", 0, 0, 'R' },
		{ 0 },
	};
	struct bench b = { .keys = 20000, .rows = 20000, .size = 1024, .batch = 100 };
	struct store_events e = { &b, on_applied, on_checkpointed, on_installed, on_progress };
	char made[] = "/tmp/store-bench-XXXXXX";
	struct store_sqlite_options o = { .notify = notify, .failed = failed, .arg = &b };
	int opt;

	while ((opt = getopt_long(argc, argv, "", longs, NULL)) != -1)
		switch (opt) {
		case 'd': o.dir = optarg; break;
		case 'k': b.keys = strtoull(optarg, NULL, 0); break;
		case 'r': b.rows = strtoull(optarg, NULL, 0); break;
		case 's': b.size = strtoull(optarg, NULL, 0); break;
		case 'b': b.batch = strtoull(optarg, NULL, 0); break;
		case 'w': o.wal_bytes = strtoull(optarg, NULL, 0); break;
		case 'm': o.mmap_bytes = strtoull(optarg, NULL, 0); break;
		case 'R': b.readers = true; break;
		default: return 2;
		}
	if (b.keys == 0 || b.batch == 0 || b.batch > 100000 || b.size > (1 << 20))
		return 2;
	if (o.dir == NULL)
		o.dir = mkdtemp(made);
	b.wake = eventfd(0, EFD_CLOEXEC);
	b.s = store_sqlite_open(&o);
	if (b.s == NULL)
		return 9;
	store_sqlite_events(b.s, &e);
	b.store = store_sqlite_store(b.s);
	write_rows(&b, b.keys, true);
	write_rows(&b, b.rows, false);
	read_rows(&b);
	memory();
	store_sqlite_close(b.s);
	if (o.dir == made) {
		char command[64];

		snprintf(command, sizeof command, "rm -rf %s", made);
		return system(command) != 0;
	}
	return 0;
}
