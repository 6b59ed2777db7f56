#include "bench_hist.h"

#include <assert.h>
#include <stddef.h>

/* Values below 128 have a bucket each; from there every power of two is cut into 128. */
static size_t index_of(uint64_t us)
{
	unsigned shift;

	if (us >> BENCH_HIST_BITS != 0)
		us = ((uint64_t)1 << BENCH_HIST_BITS) - 1;
	if (us < 128)
		return us;
	shift = 56 - (unsigned)__builtin_clzll(us);
	return (size_t)(shift + 1) * 128 + (us >> shift) - 128;
}

static uint64_t last_of(size_t i)
{
	if (i < 128)
		return i;
	return (((i % 128) + 129) << (i / 128 - 1)) - 1;
}

void bench_hist_add(struct bench_hist *h, uint64_t us)
{
	size_t i = index_of(us);

	assert(i < BENCH_HIST_BUCKETS);
	h->bucket[i]++;
	h->n++;
	h->sum += us;
	if (us > h->max)
		h->max = us;
}

void bench_hist_merge(struct bench_hist *to, const struct bench_hist *from)
{
	for (size_t i = 0; i < BENCH_HIST_BUCKETS; i++)
		to->bucket[i] += from->bucket[i];
	to->n += from->n;
	to->sum += from->sum;
	if (from->max > to->max)
		to->max = from->max;
}

uint64_t bench_hist_at(const struct bench_hist *h, double q)
{
	uint64_t wanted = (uint64_t)(q * (double)h->n), seen = 0;

	if (h->n == 0)
		return 0;
	if (wanted < 1 || (double)wanted < q * (double)h->n)
		wanted++;
	for (size_t i = 0; i < BENCH_HIST_BUCKETS; i++) {
		seen += h->bucket[i];
		if (seen >= wanted)
			return last_of(i) < h->max ? last_of(i) : h->max;
	}
	return h->max;
}

double bench_hist_mean(const struct bench_hist *h)
{
	return h->n == 0 ? 0 : (double)h->sum / (double)h->n;
}
