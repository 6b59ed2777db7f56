/*
 * metrics: counters, gauges and histograms of constant memory, printed as Prometheus text (version 0.0.4).
 * The program owns the values, usually in one struct, and one table of rows that name them:
 *
 *	struct metrics_count puts;  struct metrics_hist put_us;
 *	const struct metrics_row rows[] = {
 *		METRICS_COUNT("ddb_requests_total", "op=\"PutItem\"", "requests answered", &puts),
 *		METRICS_HIST("ddb_request_seconds", "op=\"PutItem\"", "time to answer", &put_us, METRICS_US),
 *	};
 *	metrics_print(rows, sizeof rows / sizeof *rows, &buf);
 *
 * Rows of one name stand together; the first row's help counts.  Any thread may change or print values.
 * A zeroed value is a valid one.
 */
#ifndef COMMON_METRICS_H
#define COMMON_METRICS_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "bytes.h"

struct metrics_count {
	_Atomic uint64_t v;
};

struct metrics_gauge {
	_Atomic int64_t v;
};

/*
 * Values 0..15 have a bucket each; from there every power of two is cut into 16, so a bucket is at most 1/16 wide of
 * its values.  Values of 2^METRICS_BITS and more count as the largest.
 */
#define METRICS_BITS 40
#define METRICS_BUCKETS ((METRICS_BITS - 3) * 16)

struct metrics_hist {
	_Atomic uint64_t sum;
	_Atomic uint64_t bucket[METRICS_BUCKETS];
};

static inline void metrics_add(struct metrics_count *c, uint64_t n)
{
	atomic_fetch_add_explicit(&c->v, n, memory_order_relaxed);
}

static inline void metrics_set(struct metrics_gauge *g, int64_t v)
{
	atomic_store_explicit(&g->v, v, memory_order_relaxed);
}

static inline void metrics_move(struct metrics_gauge *g, int64_t by)
{
	atomic_fetch_add_explicit(&g->v, by, memory_order_relaxed);
}

void metrics_observe(struct metrics_hist *h, uint64_t v);

uint64_t metrics_hist_n(const struct metrics_hist *h);
double metrics_hist_mean(const struct metrics_hist *h);  /* 0 if empty */
/* A value that share q (0..1) of the observations do not exceed, at most 1/16 too high; 0 if empty. */
uint64_t metrics_hist_at(const struct metrics_hist *h, double q);
void metrics_hist_merge(struct metrics_hist *to, const struct metrics_hist *from);

enum metrics_type { METRICS_TYPE_COUNT, METRICS_TYPE_GAUGE, METRICS_TYPE_HIST, METRICS_TYPE_CALL };
enum metrics_unit { METRICS_ONE, METRICS_US };           /* METRICS_US: observed in microseconds, printed in seconds */

struct metrics_row {
	enum metrics_type type;
	const char *name;                                /* [a-z0-9_]; counters end in _total, times in _seconds */
	const char *labels;                              /* "op=\"GetItem\",zone=\"a\"" or NULL */
	const char *help;                                /* one line */
	union {
		const struct metrics_count *count;
		const struct metrics_gauge *gauge;
		const struct metrics_hist *hist;
		int64_t (*call)(void *arg);              /* a gauge computed while printing */
	} of;
	void *arg;
	enum metrics_unit unit;
};

#define METRICS_COUNT(name, labels, help, value) \
	{ METRICS_TYPE_COUNT, name, labels, help, { .count = value }, NULL, METRICS_ONE }
#define METRICS_GAUGE(name, labels, help, value) \
	{ METRICS_TYPE_GAUGE, name, labels, help, { .gauge = value }, NULL, METRICS_ONE }
#define METRICS_HIST(name, labels, help, value, unit) \
	{ METRICS_TYPE_HIST, name, labels, help, { .hist = value }, NULL, unit }
#define METRICS_CALL(name, labels, help, fn, arg) \
	{ METRICS_TYPE_CALL, name, labels, help, { .call = fn }, arg, METRICS_ONE }

void metrics_print(const struct metrics_row *rows, size_t n, struct buf *out);

/* What every process has: CPU seconds, resident bytes, open descriptors, start time, named as Prometheus clients do. */
void metrics_print_process(struct buf *out);

#endif
