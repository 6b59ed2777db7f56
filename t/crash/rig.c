#include "rig.h"

#include <assert.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dice.h"
#include "mem.h"

#define SELF 1u

uint64_t rig_random(struct rig *h)
{
	return dice_roll(&h->random);
}

static void wake(void *arg)
{
	struct rig *h = arg;

	/* A full pipe wakes as well. */
	if (write(h->wake[1], "w", 1) != 1)
		return;
}

static void failed(void *arg)
{
	(void)arg;
	abort();                                 /* no errors are injected here */
}

static void env_send(void *ctx, uint32_t replica, unsigned type, struct bytes body)
{
	(void)ctx;
	(void)replica;
	(void)type;
	(void)body;
}

static void env_answer(void *ctx, uint64_t conn, uint64_t rid, unsigned type, struct bytes body)
{
	struct rig *h = ctx;

	(void)conn;
	h->answered(h->arg, rid, type, body);
}

static void env_changed(void *ctx, uint64_t group)
{
	(void)ctx;
	(void)group;
}

static uint64_t env_random(void *ctx)
{
	return rig_random(ctx);
}

static uint64_t env_wall_us(void *ctx)
{
	return 1700000000000000u + ((struct rig *)ctx)->now;
}

static void on_progress(void *arg, uint64_t queued_bytes)
{
	(void)arg;
	(void)queued_bytes;
}

static bool env_disk_healthy(void *ctx)
{
	(void)ctx;
	return true;
}

static bool open_wal(struct rig *h, const char *dir)
{
	char *path = mem_fmt("%s/wal", dir);

	h->disk = wal_disk_open(path, wake, failed, h);
	free(path);
	return h->disk != NULL;
}

static bool open_store(struct rig *h, const char *dir)
{
	char *path = mem_fmt("%s/store", dir);
	struct store_sqlite_options o = { .dir = path, .wal_bytes = 100 << 10, .mmap_bytes = 4 << 20, .notify = wake, .failed = failed,
		.arg = h };

	h->store = store_sqlite_open(&o);
	free(path);
	return h->store != NULL;
}

bool rig_open(struct rig *h, const char *dir)
{
	struct node_env env = { .ctx = h, .send = env_send, .answer = env_answer, .changed = env_changed, .random = env_random,
		.wall_us = env_wall_us, .disk_healthy = env_disk_healthy };
	struct wal_options log = { .first_bytes = 64 << 10, .segment_bytes = 128 << 10, .cluster = "crash", .node = 1,
		.incarnation = SELF, .random = env_random, .random_arg = h };
	struct node_options o;
	struct store_events events;
	struct store store;
	struct wal_io io;

	assert(pipe2(h->wake, O_NONBLOCK | O_CLOEXEC) == 0);
	if (!open_wal(h, dir) || !open_store(h, dir))
		return false;
	node_options_default(&o);
	o.collect_bytes = 200 << 10;
	o.apply_delay_us = 5000;
	o.apply_rows = 64;
	io = wal_disk_io(h->disk);
	store = store_sqlite_store(h->store);
	h->lost = false;
	h->node = node_new(&env, &o, &io, &log, &store, h->now, &h->lost);
	if (h->node == NULL || h->lost)
		return false;
	events = node_store_events(h->node);
	events.progress = on_progress;
	store_sqlite_events(h->store, &events);
	return true;
}

void rig_close(struct rig *h)
{
	/* The threads finish what they were given; they use the node's memory. */
	wal_disk_close(h->disk);
	node_free(h->node);
	store_sqlite_close(h->store);
	close(h->wake[0]);
	close(h->wake[1]);
	h->disk = NULL;
	h->node = NULL;
	h->store = NULL;
}

void rig_turn(struct rig *h, bool wait)
{
	struct pollfd p = { .fd = h->wake[0], .events = POLLIN };
	char drain[256];

	/* Time must not run away from a disk that is slow. */
	if (wait || !wal_idle(node_wal(h->node)))
		poll(&p, 1, 1);
	while (read(h->wake[0], drain, sizeof drain) > 0)
		;
	h->now += 1000 + rig_random(h) % 20000;
	wal_disk_poll(h->disk, node_wal(h->node));
	node_written(h->node, h->now);
	store_sqlite_poll(h->store);
	node_tick(h->node, h->now);
	node_flush(h->node, h->now);
}
