#include "wal_disk.h"

#include <dirent.h>
#include <errno.h>
#include <ftw.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"
#include "clock.h"
#include "dice.h"
#include "fault.h"
#include "log.h"
#include "mem.h"

static int wake[2];
static char home[64], dir[80];

static void notify(void *arg)
{
	(void)arg;
	if (write(wake[1], "n", 1) != 1)
		abort();
}

static void failed(void *arg)
{
	(void)arg;
	if (write(wake[1], "f", 1) != 1)
		abort();
}

static uint64_t dice(void *arg)
{
	static uint64_t x = 88172645463325252u;

	(void)arg;
	return dice_roll(&x);
}

static const struct wal_options options = { .first_bytes = 1 << 20, .segment_bytes = 4 << 20, .node = 1, .incarnation = 1,
	.random = dice };

static uint64_t seen, seen_last;

static void visit(void *arg, const struct wal_record *r)
{
	(void)arg;
	seen++;
	seen_last = r->slot;
}

static char event(void)
{
	char c = 0;

	if (read(wake[0], &c, 1) != 1)
		abort();
	return c;
}

static struct wal *begin(struct wal_disk **d, enum wal_verdict *v)
{
	struct wal_io io;

	seen = 0;
	*d = wal_disk_open(dir, notify, failed, NULL);
	if (*d == NULL)
		return NULL;
	io = wal_disk_io(*d);
	return wal_open(&io, &options, visit, NULL, v);
}

static bool settle(struct wal_disk *d, struct wal *w)
{
	wal_flush(w);
	while (!wal_idle(w)) {
		if (event() == 'f')
			return false;
		wal_disk_poll(d, w);
	}
	return true;
}

static void end(struct wal_disk *d, struct wal *w)
{
	struct pollfd p = { .fd = wake[0], .events = POLLIN };

	wal_disk_close(d);
	wal_free(w);
	while (poll(&p, 1, 0) > 0)
		event();
}

static int count(const char *suffix)
{
	DIR *d = opendir(dir);
	struct dirent *e;
	int n = 0;

	while ((e = readdir(d)) != NULL)
		n += strlen(e->d_name) > strlen(suffix) && strcmp(e->d_name + strlen(e->d_name) - strlen(suffix), suffix) == 0;
	closedir(d);
	return n;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
	(void)st;
	(void)kind;
	(void)ftw;
	return remove(path);
}

static void fresh(void)
{
	nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

TEST(written_comes_back_and_segments_are_recycled)
{
	static const uint8_t body[1024] = "hello";
	struct wal_disk *d;
	enum wal_verdict v;
	struct wal *w;
	uint64_t last = 0;

	fresh();
	w = begin(&d, &v);
	CHECK(w != NULL && v == WAL_CLEAN);
	for (uint64_t i = 1; i <= 20000; i++) {
		last = wal_append(w, SEG_ENTRY, 1, 1, i, (struct bytes){ body, sizeof body });
		if (i % 200 == 0)
			CHECK(settle(d, w));
		if (i % 4000 == 0)
			wal_collect(w, last);
	}
	CHECK(settle(d, w));
	CHECK(wal_durable(w) > last);
	CHECK(wal_disk_healthy(d, clock_us() + 1000000, 1000));
	CHECK(wal_disk_metrics(d)->syncs.v >= 100);
	CHECK(metrics_hist_n(&wal_disk_metrics(d)->sync_us) == wal_disk_metrics(d)->syncs.v);
	end(d, w);
	CHECK(count(".seg") <= 4);
	CHECK(count(".spare") >= 1 && count(".spare") <= WAL_DISK_SPARES_MAX);
	w = begin(&d, &v);
	CHECK(w != NULL && v == WAL_CLEAN);
	CHECK(seen_last == 20000 && seen > 0 && seen < 9000);
	CHECK(wal_durable(w) > last);
	end(d, w);
}

TEST(a_fresh_log_is_ready_at_once)
{
	struct wal_disk *d;
	enum wal_verdict v;
	struct wal *w;
	uint64_t start = clock_us();

	fresh();
	w = begin(&d, &v);
	wal_append(w, SEG_NODE, 0, 0, 0, BYTES_LIT("x"));
	CHECK(settle(d, w));
	printf("# first record durable after %llu us\n", (unsigned long long)(clock_us() - start));
	CHECK(clock_us() - start < 1000000);
	end(d, w);
}

/* The n-th fault of each kind ends it: failed is called, nothing is reported as written. */
static bool fault_ends(const char *name, int nth)
{
	static const uint8_t body[4096];
	struct wal_disk *d;
	enum wal_verdict v;
	struct wal *w;
	uint64_t durable = 0;
	char spec[64];
	bool good = true;

	fresh();
	snprintf(spec, sizeof spec, "%s:EIO:%d", name, nth);
	fault_arm(spec);
	w = begin(&d, &v);
	if (w == NULL) {
		good = false;
		goto done;
	}
	for (uint64_t i = 1; i < 10000 && good; i++) {
		wal_append(w, SEG_ENTRY, 1, 1, i, (struct bytes){ body, sizeof body });
		if (i % 50 == 0)
			good = settle(d, w);
		if (i % 1000 == 0)
			wal_collect(w, wal_durable(w));
	}
	durable = wal_durable(w);
	wal_flush(w);
	wal_disk_poll(d, w);
	CHECK_INT(wal_durable(w), durable);
	end(d, w);
done:
	fault_arm(NULL);
	w = begin(&d, &v);
	CHECK(w != NULL && v == WAL_CLEAN);
	CHECK(w == NULL || wal_durable(w) >= durable);
	end(d, w);
	return !good;
}

/* Every one of the first operations of a kind, then some later ones. */
TEST(every_disk_error_is_final)
{
	static const struct { const char *name; int first, some; } faults[] = {
		{ "wal.write", 12, 60 }, { "wal.sync", 12, 60 }, { "wal.rename", 3, 5 }, { "wal.dirsync", 4, 6 }, { "wal.create", 2, 2 },
	};

	for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
		for (int n = 1; n <= faults[i].first; n++)
			CHECK(fault_ends(faults[i].name, n));
		for (int n = faults[i].first; n <= faults[i].some; n += 16)
			CHECK(fault_ends(faults[i].name, n));
	}
}

TEST(a_slow_disk_is_not_healthy)
{
	struct wal_disk *d;
	enum wal_verdict v;
	struct wal *w;

	fresh();
	fault_arm("wal.sync:delay=50ms");
	w = begin(&d, &v);
	wal_append(w, SEG_NODE, 0, 0, 0, BYTES_LIT("x"));
	wal_flush(w);
	CHECK(!wal_disk_healthy(d, clock_us() + 40000, 30000));
	CHECK(wal_disk_healthy(d, clock_us(), 40000));
	CHECK(settle(d, w));
	CHECK(wal_disk_healthy(d, clock_us() + 40000, 30000));
	end(d, w);
	fault_arm(NULL);
}

TEST(an_unusable_directory_is_refused)
{
	char keep[sizeof dir];

	memcpy(keep, dir, sizeof dir);
	snprintf(dir, sizeof dir, "/proc/none/wal");
	CHECK(wal_disk_open(dir, notify, failed, NULL) == NULL);
	memcpy(dir, keep, sizeof dir);
}

/* Not a test: what this disk gives.  wal_disk speed [records a batch] */
static void speed(int per_batch)
{
	static const uint8_t body[1024] = "hello";
	struct wal_disk *d;
	enum wal_verdict v;
	struct wal_io io;
	struct wal *w;
	uint64_t start, n = 0, last = 0;
	struct wal_options o = options;

	fresh();
	o.segment_bytes = 16 << 20;
	d = wal_disk_open(dir, notify, failed, NULL);
	io = wal_disk_io(d);
	w = wal_open(&io, &o, visit, NULL, &v);
	start = clock_us();
	while (clock_us() - start < 5000000) {
		for (int i = 0; i < per_batch; i++, n++)
			last = wal_append(w, SEG_ENTRY, 1, 1, n, (struct bytes){ body, sizeof body });
		settle(d, w);
		if (n % (per_batch * 200) == 0)
			wal_collect(w, last > (20 << 20) ? last - (20 << 20) : 0);
	}
	printf("# batches of %d: %.0f appends/s, %.0f syncs/s, p50 %llu us, p99 %llu us, p99.9 %llu us, zeroed %llu MB of %llu\n",
	       per_batch, (double)n * 1e6 / (double)(clock_us() - start),
	       (double)wal_disk_metrics(d)->syncs.v * 1e6 / (double)(clock_us() - start),
	       (unsigned long long)metrics_hist_at(&wal_disk_metrics(d)->sync_us, 0.5),
	       (unsigned long long)metrics_hist_at(&wal_disk_metrics(d)->sync_us, 0.99),
	       (unsigned long long)metrics_hist_at(&wal_disk_metrics(d)->sync_us, 0.999),
	       (unsigned long long)wal_disk_metrics(d)->zeroed.v >> 20,
	       (unsigned long long)wal_disk_metrics(d)->bytes.v >> 20);
	end(d, w);
}

int main(int argc, char **argv)
{
	log_open("wal_disk");
	log_limit(getenv("VERBOSE") != NULL ? LOG_LEVEL_DEBUG : (enum log_level)0);
	/* Beside the build, not in /tmp: that may be memory. */
	snprintf(home, sizeof home, "build/tmp.wal_disk.XXXXXX");
	if (mkdtemp(home) == NULL || pipe(wake) != 0) {
		perror(home);
		return 1;
	}
	snprintf(dir, sizeof dir, "%s/wal", home);
	if (argc > 1 && strcmp(argv[1], "speed") == 0)
		speed(argc > 2 ? atoi(argv[2]) : 64);
	else {
		X(written_comes_back_and_segments_are_recycled)
		X(a_fresh_log_is_ready_at_once)
		X(every_disk_error_is_final)
		X(a_slow_disk_is_not_healthy)
		X(an_unusable_directory_is_refused)
	}
	fresh();
	rmdir(home);
	return check_failures > 0;
}
