/*
 * crash: power cuts at every kind of moment.
 * usage: crash [--states N] [--seed N] [--dir DIR] [--lie log|store|names] [--keep] | crash --look DIR
 *
 * In rounds: a node runs in a directory under load, is closed and opened again now and then, and everything it does to its files is
 * recorded.  Then states are made that a power cut may have left, each in a directory of its own; a node is opened in it, and must
 * hold every acknowledged write, and nothing that was refused.  One of these states is where the next round begins.
 * Prints "ok" and "not ok" lines and the count of states.
 */
#include <assert.h>
#include <ftw.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"
#include "dice.h"
#include "load.h"
#include "log.h"
#include "mem.h"
#include "opt.h"
#include "record.h"

#define STATES_A_ROUND 80
#define REQUESTS_A_ROUND 220

struct crash {
	uint64_t states, seed;
	const char *dir, *look;
	bool keep;

	char *work, *home, *state;               /* directories */
	struct rig rig;
	struct load *load;
	uint64_t random, now;
	/* of the state in hand */
	struct disk *disk;
	struct disk_replay *replay;
	enum disk_mode mode;
	size_t at;
	uint64_t dice_before;
	/* totals */
	uint64_t done, failed, in_mode[DISK_MODES], with_unsynced, operations, syncs, opened, segments;
	uint64_t acknowledged;
};

static uint64_t dice(void *arg)
{
	struct crash *c = arg;

	return dice_roll(&c->random);
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
	(void)st;
	(void)kind;
	(void)ftw;
	return remove(path);
}

static void remove_all(const char *path)
{
	nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static size_t moment(void *arg)
{
	(void)arg;
	return disk_now(record.disk);
}

static bool start(struct crash *c, const char *dir)
{
	c->rig = (struct rig){ .now = c->now, .random = dice(c) | 1 };
	c->opened++;
	return rig_open(&c->rig, dir);
}

static void stop(struct crash *c)
{
	c->now = c->rig.now + 1000000;
	rig_close(&c->rig);
}

/* Load under recording.  False if the node would not open. */
static bool round_of_load(struct crash *c)
{
	int sessions = 1 + (int)(dice(c) % 3);

	record.disk = disk_new(c->home);
	record.sync_us_max = dice(c) % 3 == 0 ? 0 : 300;
	for (int i = 0; i < sessions; i++) {
		if (!start(c, c->home))
			return false;
		load_run(c->load, &c->rig, REQUESTS_A_ROUND / sessions, moment, NULL);
		if (dice(c) % 4 == 0) {          /* sometimes in order */
			node_stop(c->rig.node, c->rig.now);
			for (int turn = 0; turn < 1000 && !node_stopped(c->rig.node); turn++)
				rig_turn(&c->rig, true);
		}
		c->segments += wal_disk_metrics(c->rig.disk)->segments.v;
		stop(c);
	}
	return true;
}

static bool check_state(struct crash *c, size_t at)
{
	bool good = start(c, c->state);

	if (!good)
		printf("# the node does not open%s\n", c->rig.lost ? ": it takes its log for lost" : "");
	else
		good = load_check(c->load, &c->rig, at);
	if (c->rig.node != NULL)
		stop(c);
	return good;
}

static int ascending(const void *a, const void *b)
{
	size_t x = *(const size_t *)a, y = *(const size_t *)b;

	return x < y ? -1 : x > y;
}

/* Say which state it was; with --keep also what was recorded, and the state as it was before the node opened it. */
static void fail(struct crash *c)
{
	printf("not ok crash: state %" PRIu64 " (%s, moment %zu of %zu, seed %" PRIu64 ")\n", c->done, disk_mode_name[c->mode], c->at,
	       disk_now(c->disk), c->seed);
	c->failed++;
	if (c->keep) {
		char *to = mem_fmt("%s/failed-%" PRIu64 "-%" PRIu64, c->dir, c->seed, c->done);

		disk_print(c->disk, 0, c->at);
		c->random = c->dice_before;
		disk_replay_state(c->replay, c->mode, dice, c, to);
		printf("# kept in %s\n", to);
		free(to);
	}
}

static struct crash *in_hand;                    /* for the handler of a failed assertion */

static void aborted(int number)
{
	(void)number;
	if (in_hand->replay != NULL)
		fail(in_hand);
	remove_all(in_hand->work);
	_exit(1);
}

/* States of what was recorded; the last one made becomes home. */
static void round_of_states(struct crash *c, uint64_t n)
{
	struct disk *d = record.disk;
	size_t moments = disk_now(d), at[STATES_A_ROUND];

	record.disk = NULL;
	c->disk = d;
	c->replay = disk_replay_new(d);
	c->operations += moments;
	c->syncs += disk_syncs(d);
	for (uint64_t i = 0; i < n; i++)
		at[i] = dice(c) % (moments + 1);
	qsort(at, n, sizeof *at, ascending);
	for (uint64_t i = 0; i < n && c->failed == 0; i++) {
		remove_all(c->state);
		c->at = at[i];
		c->mode = (enum disk_mode)(dice(c) % DISK_MODES);
		c->dice_before = c->random;
		disk_replay_to(c->replay, c->at);
		c->with_unsynced += disk_replay_state(c->replay, c->mode, dice, c, c->state) > 0;
		c->in_mode[c->mode]++;
		c->done++;
		if (!check_state(c, c->at))
			fail(c);
	}
	disk_replay_free(c->replay);
	c->replay = NULL;
	disk_free(d);
}

/* Go on from the last state.  The model takes over what that holds; it was checked. */
static void move_home(struct crash *c)
{
	char *old = c->home;

	remove_all(c->home);
	c->home = c->state;
	c->state = old;
	assert(start(c, c->home));
	assert(load_adopt(c->load, &c->rig));
	stop(c);
}

static void run(struct crash *c)
{
	uint64_t began = clock_ms();

	record_vfs_register();
	assert(mkdir(c->home, 0700) == 0);
	while (c->done < c->states && c->failed == 0) {
		uint64_t left = c->states - c->done, n = left < STATES_A_ROUND ? left : STATES_A_ROUND;

		if (!round_of_load(c)) {
			printf("not ok crash: the node did not open again (seed %" PRIu64 ")\n", c->seed);
			c->failed++;
			return;
		}
		round_of_states(c, n);
		if (c->failed == 0)
			move_home(c);
	}
	printf("# seed %" PRIu64 ": %" PRIu64 " states, %" PRIu64 " of them with something unsynced, of %" PRIu64
	       " recorded operations and %" PRIu64 " syncs; %" PRIu64 " writes acknowledged, %" PRIu64
	       " segments begun, %" PRIu64 " starts, %" PRIu64 " ms\n",
	       c->seed, c->done, c->with_unsynced, c->operations, c->syncs, load_counts(c->load).acknowledged, c->segments, c->opened,
	       clock_ms() - began);
	for (int m = 0; m < DISK_MODES; m++)
		printf("# %s: %" PRIu64 "\n", disk_mode_name[m], c->in_mode[m]);
	if (c->failed == 0 && (c->with_unsynced < c->done / 2 || load_counts(c->load).acknowledged < c->done / 2)) {
		printf("not ok crash: too little happened for this to be a test\n");
		c->failed++;
	}
	if (c->failed == 0)
		printf("ok crash: %" PRIu64 " states after a power cut: no acknowledged write is lost, nothing refused appears\n", c->done);
}

static int look(struct crash *c)
{
	bool good;

	c->random = c->now = 1000000;
	c->load = load_new(1);
	record_vfs_register();
	good = start(c, c->look);
	if (good)
		load_print(c->load, &c->rig);
	if (c->rig.node != NULL)
		stop(c);
	load_free(c->load);
	return good ? 0 : 1;
}

int main(int argc, char **argv)
{
	struct crash c = { .states = 2000, .seed = 1, .dir = "/var/tmp" };
	static const char *const lies[] = { "none", "log", "store", "names", NULL };
	int lie = RECORD_HONEST;
	const struct opt opts[] = {
		OPT_U64('n', "states", "N", "how many states to check", &c.states, 1, 100000000),
		OPT_U64('s', "seed", "N", "of all dice but the threads'", &c.seed, 0, UINT64_MAX),
		OPT_STR(0, "dir", "DIR", "where to work: on a real file system", &c.dir),
		OPT_STR(0, "look", "DIR", "print what a node holds that is opened in DIR, and nothing else", &c.look),
		OPT_CHOICE(0, "lie", "WHAT", "a disk that does not sync this: log, store or names", &lie, lies),
		OPT_FLAG('k', "keep", "keep the states that fail", &c.keep),
		OPT_END
	};
	const struct opt_usage usage = { "crash", NULL, "check what power cuts leave of a node", opts, 0, 0, false };

	log_open("crash");
	log_limit(getenv("VERBOSE") != NULL ? LOG_LEVEL_DEBUG : LOG_LEVEL_ERR);
	opt_parse(&usage, argc, argv);
	record.lie = (enum record_lie)lie;
	if (c.look != NULL)
		return look(&c);
	setvbuf(stdout, NULL, _IOLBF, 0);
	c.work = mem_fmt("%s/ddb-crash.XXXXXX", c.dir);
	if (mkdtemp(c.work) == NULL) {
		log_err("%s: mkdtemp: %m", c.work);
		return 9;
	}
	c.random = dice_seed(c.seed);
	c.now = 1000000;
	c.home = mem_fmt("%s/home", c.work);
	c.state = mem_fmt("%s/state", c.work);
	c.load = load_new(c.seed);
	in_hand = &c;
	signal(SIGABRT, aborted);
	run(&c);
	load_free(c.load);
	remove_all(c.work);
	free(c.home);
	free(c.state);
	free(c.work);
	return c.failed > 0;
}
