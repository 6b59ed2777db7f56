/* Covers: common/metrics.c */
#include "metrics.h"

#include <stdlib.h>
#include <unistd.h>

#include "check.h"
#include "dice.h"

static struct metrics_count puts_n, gets_n;
static struct metrics_gauge open_now;
static struct metrics_hist put_us, sizes;

static int64_t seven(void *arg)
{
	return 7 + *(int *)arg;
}

static char *text(struct buf *b)
{
	buf_u8(b, 0);
	return (char *)b->p;
}

TEST(counters_and_gauges_print)
{
	static int one = 1;
	const struct metrics_row rows[] = {
		METRICS_COUNT("ddb_requests_total", "op=\"PutItem\"", "requests answered", &puts_n),
		METRICS_COUNT("ddb_requests_total", "op=\"GetItem\"", "requests answered", &gets_n),
		METRICS_GAUGE("ddb_connections", NULL, "open connections", &open_now),
		METRICS_CALL("ddb_lag", "", "computed", seven, &one),
	};
	struct buf b = { 0 };

	metrics_add(&puts_n, 2);
	metrics_add(&puts_n, 3);
	metrics_set(&open_now, 4);
	metrics_move(&open_now, -6);
	metrics_print(rows, sizeof rows / sizeof *rows, &b);
	CHECK_STR(text(&b), "# HELP ddb_requests_total requests answered\n# TYPE ddb_requests_total counter\n"
			    "ddb_requests_total{op=\"PutItem\"} 5\nddb_requests_total{op=\"GetItem\"} 0\n"
			    "# HELP ddb_connections open connections\n# TYPE ddb_connections gauge\nddb_connections -2\n"
			    "# HELP ddb_lag computed\n# TYPE ddb_lag gauge\nddb_lag 8\n");
	buf_fini(&b);
}

TEST(histograms_print_cumulative_powers_of_two)
{
	const struct metrics_row rows[] = {
		METRICS_HIST("ddb_put_seconds", "zone=\"a\"", "time to answer", &put_us, METRICS_US),
		METRICS_HIST("ddb_size_bytes", NULL, "size", &sizes, METRICS_ONE),
	};
	struct buf b = { 0 };

	metrics_observe(&put_us, 3);
	metrics_observe(&put_us, 17);
	metrics_observe(&put_us, 70);
	metrics_observe(&put_us, UINT64_MAX >> 8);
	metrics_print(rows, 1, &b);
	text(&b);
	CHECK(strstr((char *)b.p, "ddb_put_seconds_bucket{zone=\"a\",le=\"1.5e-05\"} 1\n") != NULL);
	CHECK(strstr((char *)b.p, "ddb_put_seconds_bucket{zone=\"a\",le=\"3.1e-05\"} 2\n") != NULL);
	CHECK(strstr((char *)b.p, "ddb_put_seconds_bucket{zone=\"a\",le=\"6.3e-05\"} 2\n") != NULL);
	CHECK(strstr((char *)b.p, "ddb_put_seconds_bucket{zone=\"a\",le=\"0.000127\"} 3\n") != NULL);
	CHECK(strstr((char *)b.p, "ddb_put_seconds_bucket{zone=\"a\",le=\"+Inf\"} 4\n") != NULL);
	CHECK(strstr((char *)b.p, "ddb_put_seconds_count{zone=\"a\"} 4\n") != NULL);
	buf_fini(&b);
	metrics_print(rows + 1, 1, &b);
	CHECK_STR(text(&b), "# HELP ddb_size_bytes size\n# TYPE ddb_size_bytes histogram\n"
			    "ddb_size_bytes_bucket{le=\"+Inf\"} 0\nddb_size_bytes_sum 0\nddb_size_bytes_count 0\n");
	buf_fini(&b);
}

TEST(quantiles_are_at_most_a_sixteenth_high)
{
	static struct metrics_hist h, one;
	static uint64_t v[1000];
	uint64_t x = 88172645463325252;

	CHECK_INT(metrics_hist_at(&h, 0.5), 0);
	for (size_t i = 0; i < 1000; i++) {
		uint64_t roll = dice_roll(&x);

		v[i] = roll >> (24 + roll % 40);
		metrics_observe(&h, v[i]);
	}
	CHECK_INT(metrics_hist_n(&h), 1000);
	for (size_t i = 0; i < 1000; i++) {              /* sort */
		for (size_t j = i; j > 0 && v[j - 1] > v[j]; j--) {
			uint64_t t = v[j];

			v[j] = v[j - 1];
			v[j - 1] = t;
		}
	}
	for (unsigned k = 1; k <= 1000; k++) {
		uint64_t exact = v[k - 1], got = metrics_hist_at(&h, (double)k / 1000);

		CHECK(got >= exact && got - exact <= exact / 16);
	}
	CHECK(metrics_hist_at(&h, 0) >= v[0]);
	metrics_observe(&one, 5);
	metrics_hist_merge(&one, &h);
	CHECK_INT(metrics_hist_n(&one), 1001);
}

TEST(bucket_ends_are_their_own)
{
	for (unsigned shift = 0; shift < METRICS_BITS; shift++) {
		static struct metrics_hist h;
		uint64_t v = (uint64_t)1 << shift;

		h = (struct metrics_hist){ 0 };
		metrics_observe(&h, v - 1);
		CHECK_INT(metrics_hist_at(&h, 1), v - 1);        /* 2^k - 1 ends a bucket */
		CHECK(metrics_hist_mean(&h) == (double)(v - 1));
	}
}

TEST(process_metrics_are_plausible)
{
	struct buf b = { 0 };
	double rss = 0, start = 0;
	unsigned fds = 0;
	char *p;

	metrics_print_process(&b);
	p = text(&b);
	CHECK(strstr(p, "\nprocess_resident_memory_bytes ") != NULL);
	sscanf(strstr(p, "\nprocess_resident_memory_bytes "), " process_resident_memory_bytes %lf", &rss);
	sscanf(strstr(p, "\nprocess_open_fds "), " process_open_fds %u", &fds);
	sscanf(strstr(p, "\nprocess_start_time_seconds "), " process_start_time_seconds %lf", &start);
	CHECK(rss > 100000);
	CHECK(fds >= 1 && fds < 100);
	CHECK(start > 1.7e9);
	buf_fini(&b);
}

CHECK_MAIN(X(counters_and_gauges_print) X(histograms_print_cumulative_powers_of_two)
	   X(quantiles_are_at_most_a_sixteenth_high) X(bucket_ends_are_their_own) X(process_metrics_are_plausible))
