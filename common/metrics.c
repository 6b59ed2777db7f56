#include "metrics.h"

#include <assert.h>
#include <dirent.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"

static size_t bucket_of(uint64_t v)
{
	unsigned top;

	if (v < 16)
		return (size_t)v;
	if (v >> METRICS_BITS != 0)
		return METRICS_BUCKETS - 1;
	top = 63 - (unsigned)__builtin_clzll(v);         /* 4..METRICS_BITS-1 */
	return (size_t)(top - 3) * 16 + (size_t)((v >> (top - 4)) & 15);
}

/* The largest value of bucket i. */
static uint64_t bucket_end(size_t i)
{
	unsigned top = (unsigned)(i / 16) + 3;

	if (i < 16)
		return i;
	return (((uint64_t)16 + i % 16 + 1) << (top - 4)) - 1;
}

static uint64_t load(const _Atomic uint64_t *p)
{
	return atomic_load_explicit(p, memory_order_relaxed);
}

void metrics_observe(struct metrics_hist *h, uint64_t v)
{
	atomic_fetch_add_explicit(&h->sum, v, memory_order_relaxed);
	atomic_fetch_add_explicit(&h->bucket[bucket_of(v)], 1, memory_order_relaxed);
}

uint64_t metrics_hist_n(const struct metrics_hist *h)
{
	uint64_t n = 0;

	for (size_t i = 0; i < METRICS_BUCKETS; i++)
		n += load(&h->bucket[i]);
	return n;
}

double metrics_hist_mean(const struct metrics_hist *h)
{
	uint64_t n = metrics_hist_n(h);

	return n > 0 ? (double)load(&h->sum) / (double)n : 0;
}

uint64_t metrics_hist_at(const struct metrics_hist *h, double q)
{
	uint64_t n = metrics_hist_n(h), seen = 0, want = (uint64_t)(q * (double)n);

	assert(q >= 0 && q <= 1);
	if ((double)want < q * (double)n || want == 0)
		want++;
	for (size_t i = 0; n > 0 && i < METRICS_BUCKETS; i++) {
		seen += load(&h->bucket[i]);
		if (seen >= want)
			return bucket_end(i);
	}
	return 0;
}

void metrics_hist_merge(struct metrics_hist *to, const struct metrics_hist *from)
{
	atomic_fetch_add_explicit(&to->sum, load(&from->sum), memory_order_relaxed);
	for (size_t i = 0; i < METRICS_BUCKETS; i++)
		atomic_fetch_add_explicit(&to->bucket[i], load(&from->bucket[i]), memory_order_relaxed);
}

static void put_name(struct buf *out, const struct metrics_row *r, const char *suffix, const char *le)
{
	bool labels = r->labels != NULL && r->labels[0] != '\0';

	buf_fmt(out, "%s%s", r->name, suffix);
	if (labels || le != NULL)
		buf_fmt(out, "{%s%s", labels ? r->labels : "", labels && le != NULL ? "," : "");
	if (le != NULL)
		buf_fmt(out, "le=\"%s\"", le);
	buf_str(out, labels || le != NULL ? "} " : " ");
}

/*
 * One line a power of two, which is what dashboards can digest; empty ends are left out.  The buckets are read once, so
 * that the lines are cumulative and agree with _count while other threads observe.
 */
static void print_hist(const struct metrics_row *r, struct buf *out)
{
	double scale = r->unit == METRICS_US ? 1e-6 : 1;
	uint64_t seen[METRICS_BUCKETS], n = 0;
	char le[32];

	for (size_t i = 0; i < METRICS_BUCKETS; i++)
		n += seen[i] = load(&r->of.hist->bucket[i]);
	for (size_t i = 0, before = 0; i < METRICS_BUCKETS && before < n; i++) {
		before += seen[i];
		if (i % 16 != 15 || before == 0)
			continue;
		snprintf(le, sizeof le, "%.9g", (double)bucket_end(i) * scale);
		put_name(out, r, "_bucket", le);
		buf_fmt(out, "%zu\n", before);
	}
	put_name(out, r, "_bucket", "+Inf");
	buf_fmt(out, "%" PRIu64 "\n", n);
	put_name(out, r, "_sum", NULL);
	buf_fmt(out, "%.9g\n", (double)load(&r->of.hist->sum) * scale);
	put_name(out, r, "_count", NULL);
	buf_fmt(out, "%" PRIu64 "\n", n);
}

static void print_head(struct buf *out, const char *name, const char *type, const char *help)
{
	buf_fmt(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

void metrics_print(const struct metrics_row *rows, size_t n, struct buf *out)
{
	static const char *const types[] = { "counter", "gauge", "histogram", "gauge" };

	for (size_t i = 0; i < n; i++) {
		const struct metrics_row *r = &rows[i];

		if (i == 0 || strcmp(r->name, rows[i - 1].name) != 0)
			print_head(out, r->name, types[r->type], r->help);
		switch (r->type) {
		case METRICS_TYPE_COUNT:
			put_name(out, r, "", NULL);
			buf_fmt(out, "%" PRIu64 "\n", load(&r->of.count->v));
			break;
		case METRICS_TYPE_GAUGE:
			put_name(out, r, "", NULL);
			buf_fmt(out, "%" PRId64 "\n", atomic_load_explicit(&r->of.gauge->v, memory_order_relaxed));
			break;
		case METRICS_TYPE_CALL:
			put_name(out, r, "", NULL);
			buf_fmt(out, "%" PRId64 "\n", r->of.call(r->arg));
			break;
		case METRICS_TYPE_HIST:
			print_hist(r, out);
			break;
		}
	}
}

static unsigned open_fds(void)
{
	DIR *d = opendir("/proc/self/fd");
	unsigned n = 0;

	if (d == NULL)
		return 0;
	while (readdir(d) != NULL)
		n++;
	closedir(d);
	return n > 3 ? n - 3 : 0;                        /* less ".", ".." and d itself */
}

static uint64_t resident_bytes(void)
{
	unsigned long long all, resident = 0;
	FILE *f = fopen("/proc/self/statm", "re");

	if (f == NULL)
		return 0;
	if (fscanf(f, "%llu %llu", &all, &resident) != 2)
		resident = 0;
	fclose(f);
	return resident * (uint64_t)sysconf(_SC_PAGESIZE);
}

#define DROP_6 " %*d %*d %*d %*d %*d %*d"

/* Seconds since 1970; field 22 of stat(5) counts ticks since boot. */
static double start_time(void)
{
	char line[1024], *p;
	unsigned long long ticks;
	FILE *f = fopen("/proc/self/stat", "re");
	double up = (double)clock_us() / 1e6, now = (double)clock_wall_us() / 1e6;
	bool got;

	if (f == NULL)
		return 0;
	got = fgets(line, sizeof line, f) != NULL;
	fclose(f);
	p = got ? strrchr(line, ')') : NULL;             /* the name before it may hold anything */
	if (p == NULL || sscanf(p + 1, " %*c" DROP_6 DROP_6 DROP_6 " %llu", &ticks) != 1)
		return 0;
	return now - up + (double)ticks / (double)sysconf(_SC_CLK_TCK);
}

void metrics_print_process(struct buf *out)
{
	struct rusage ru;
	double cpu = 0;

	if (getrusage(RUSAGE_SELF, &ru) == 0)
		cpu = (double)(ru.ru_utime.tv_sec + ru.ru_stime.tv_sec) +
		      (double)(ru.ru_utime.tv_usec + ru.ru_stime.tv_usec) / 1e6;
	print_head(out, "process_cpu_seconds_total", "counter", "user and system CPU time spent");
	buf_fmt(out, "process_cpu_seconds_total %.6f\n", cpu);
	print_head(out, "process_resident_memory_bytes", "gauge", "memory in use that is not swapped out");
	buf_fmt(out, "process_resident_memory_bytes %" PRIu64 "\n", resident_bytes());
	print_head(out, "process_open_fds", "gauge", "open file descriptors");
	buf_fmt(out, "process_open_fds %u\n", open_fds());
	print_head(out, "process_start_time_seconds", "gauge", "when the process began, since 1970");
	buf_fmt(out, "process_start_time_seconds %.2f\n", start_time());
}
