/*
 * bench_hist: latencies in microseconds, in constant memory, to 1 part in 128.
 * Finer than the metrics' histograms, whose steps of 1/16 would hide the differences that a comparison is about.
 * Does not: lock; one thread only.
 */
#ifndef DDB_BENCH_HIST_H
#define DDB_BENCH_HIST_H

#include <stdint.h>

#define BENCH_HIST_BITS 40                               /* longer times, 12 days, count as the longest */
#define BENCH_HIST_BUCKETS ((BENCH_HIST_BITS - 6) * 128)

struct bench_hist {
	uint64_t n, sum, max;
	uint64_t bucket[BENCH_HIST_BUCKETS];
};

void bench_hist_add(struct bench_hist *h, uint64_t us);
void bench_hist_merge(struct bench_hist *to, const struct bench_hist *from);
/* What share q (0..1) of them do not exceed, at most 1/128 too long and never more than max; 0 if there are none. */
uint64_t bench_hist_at(const struct bench_hist *h, double q);
double bench_hist_mean(const struct bench_hist *h);      /* 0 if there are none */

#endif
