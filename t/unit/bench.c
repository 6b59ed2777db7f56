/* The parts of `ddb bench` that decide: histograms, plans, values, answers. */
#include "check.h"

#include <math.h>
#include <stdlib.h>

#include "cmd/ddb/bench_hist.h"
#include "cmd/ddb/bench_http.h"
#include "cmd/ddb/bench_plan.h"
#include "mem.h"

/* --- histograms --------------------------------------------------------------------------------------------------- */

TEST(percentiles_are_close_and_never_too_low)
{
	struct bench_hist *h = mem_new(sizeof *h);
	static const double shares[] = { 0.01, 0.5, 0.9, 0.99, 0.999, 1 };

	for (uint64_t i = 1; i <= 100000; i++)
		bench_hist_add(h, i * 7);
	for (size_t i = 0; i < sizeof shares / sizeof *shares; i++) {
		double exact = shares[i] * 700000, got = (double)bench_hist_at(h, shares[i]);

		CHECK(got >= exact - 7 && got <= exact * (1 + 1.0 / 128) + 7);
	}
	CHECK_INT(bench_hist_at(h, 1), 700000);
	CHECK_INT(h->max, 700000);
	CHECK(fabs(bench_hist_mean(h) - 350003.5) < 0.01);
	free(h);
}

TEST(small_values_are_exact_and_large_ones_are_kept)
{
	struct bench_hist *h = mem_new(sizeof *h), *other = mem_new(sizeof *other);

	CHECK_INT(bench_hist_at(h, 0.5), 0);
	bench_hist_add(h, 0);
	bench_hist_add(h, 127);
	CHECK_INT(bench_hist_at(h, 0.5), 0);
	CHECK_INT(bench_hist_at(h, 0.51), 127);
	bench_hist_add(other, UINT64_MAX);
	bench_hist_merge(h, other);
	CHECK_INT(h->n, 3);
	CHECK(h->max == UINT64_MAX);
	CHECK_INT(bench_hist_at(h, 1), ((uint64_t)1 << BENCH_HIST_BITS) - 1);
	free(h);
	free(other);
}

TEST(every_value_is_within_its_bucket)
{
	struct bench_hist *h = mem_new(sizeof *h);

	for (uint64_t v = 1; v < (uint64_t)1 << BENCH_HIST_BITS; v += v / 3 + 1) {
		memset(h, 0, sizeof *h);
		bench_hist_add(h, v);
		h->max = UINT64_MAX;
		CHECK(bench_hist_at(h, 1) >= v && bench_hist_at(h, 1) <= v + v / 128);
	}
	free(h);
}

/* --- plans -------------------------------------------------------------------------------------------------------- */

TEST(mixes_have_their_shares)
{
	static const struct { enum bench_workload w; double reads; } mixes[] = {
		{ BENCH_PLAN_A, 0.5 }, { BENCH_PLAN_B, 0.95 }, { BENCH_PLAN_C, 1 }, { BENCH_PLAN_W, 0 },
	};
	struct bench_plan p;
	struct bench_work w;

	for (size_t i = 0; i < sizeof mixes / sizeof *mixes; i++) {
		int reads = 0;

		bench_plan_init(&p, mixes[i].w, BENCH_PLAN_UNIFORM, 100, 7);
		for (int n = 0; n < 100000; n++) {
			CHECK(bench_plan_next(&p, &w) && w.key < 100);
			reads += w.op == BENCH_PLAN_GET;
		}
		CHECK(fabs(reads / 100000.0 - mixes[i].reads) < 0.005);
	}
}

TEST(same_seed_same_requests)
{
	struct bench_plan a, b, c;
	struct bench_work x, y, z;
	int differ = 0;

	bench_plan_init(&a, BENCH_PLAN_A, BENCH_PLAN_ZIPF, 1000, 42);
	bench_plan_init(&b, BENCH_PLAN_A, BENCH_PLAN_ZIPF, 1000, 42);
	bench_plan_init(&c, BENCH_PLAN_A, BENCH_PLAN_ZIPF, 1000, 43);
	for (int i = 0; i < 1000; i++) {
		bench_plan_next(&a, &x);
		bench_plan_next(&b, &y);
		bench_plan_next(&c, &z);
		CHECK(x.op == y.op && x.key == y.key && x.version == y.version);
		differ += x.key != z.key;
	}
	CHECK(differ > 500);
}

TEST(a_load_writes_every_key_once)
{
	struct bench_plan p;
	struct bench_work w;

	bench_plan_init(&p, BENCH_PLAN_LOAD, BENCH_PLAN_ZIPF, 1000, 1);
	for (uint64_t i = 0; i < 1000; i++) {
		CHECK(bench_plan_next(&p, &w));
		CHECK(w.op == BENCH_PLAN_PUT && w.key == i);
	}
	CHECK(!bench_plan_next(&p, &w));
	CHECK(!bench_plan_next(&p, &w));
}

/* Against the definition: rank i, from 1, has the share i^-0.99 / zeta. */
TEST(zipf_has_its_shares)
{
	enum { N = 50000, DRAWS = 1000000 };
	struct bench_plan p;
	double zeta = 0, head = 0;
	int hits[3] = { 0 }, top = 0;
	uint64_t last = 0;

	bench_plan_init(&p, BENCH_PLAN_C, BENCH_PLAN_ZIPF, N, 1);
	for (int i = 1; i <= N; i++)
		zeta += pow(i, -BENCH_PLAN_ZIPF_THETA);
	CHECK(fabs(p.zeta_n / zeta - 1) < 1e-9);
	for (int i = 0; i < DRAWS; i++) {
		uint64_t rank = bench_plan_zipf(&p, (i + 0.5) / DRAWS);

		CHECK(rank >= last && rank < N);
		last = rank;
		if (rank < 2)
			hits[rank]++;
		top += rank < 500;
	}
	CHECK(last > N * 9 / 10);
	CHECK(fabs(hits[0] / (double)DRAWS - 1 / zeta) < 1e-4);
	CHECK(fabs(hits[1] / (double)DRAWS - pow(2, -BENCH_PLAN_ZIPF_THETA) / zeta) < 1e-4);
	for (int i = 1; i <= 500; i++)
		head += pow(i, -BENCH_PLAN_ZIPF_THETA) / zeta;
	CHECK(fabs(top / (double)DRAWS - head) < 0.02);
}

TEST(zipf_of_few_and_of_many)
{
	for (uint64_t n = 1; n <= 4; n++) {
		struct bench_plan p;

		bench_plan_init(&p, BENCH_PLAN_C, BENCH_PLAN_ZIPF, n, 1);
		for (int i = 0; i < 1000; i++)
			CHECK(bench_plan_zipf(&p, i / 1000.0) < n);
	}
	struct bench_plan p;
	struct bench_work w;

	bench_plan_init(&p, BENCH_PLAN_C, BENCH_PLAN_ZIPF, BENCH_PLAN_ITEMS_MAX, 1);
	for (int i = 0; i < 1000; i++)
		CHECK(bench_plan_next(&p, &w) && w.key < BENCH_PLAN_ITEMS_MAX);
}

/* --- values ------------------------------------------------------------------------------------------------------- */

TEST(values_belong_to_their_keys_only)
{
	static char pool[BENCH_PLAN_POOL_BYTES];
	static const size_t sizes[] = { BENCH_PLAN_VALUE_BYTES_MIN, 35, 1000, 100000, 200000 };

	bench_plan_pool(pool);
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		struct buf b = { 0 };

		bench_plan_value(&b, pool, 42, 0x123456789abcdef0 + i, sizes[i]);
		CHECK_INT(b.n, sizes[i]);
		CHECK(memcmp(b.p, "user000000000042:123456789abcdef", 32) == 0);
		CHECK(bytes_utf8(buf_view(&b)));
		CHECK(bench_plan_belongs(pool, 42, buf_view(&b)));
		CHECK(!bench_plan_belongs(pool, 43, buf_view(&b)));
		b.p[b.n - 1] ^= 1;
		CHECK(!bench_plan_belongs(pool, 42, buf_view(&b)));
		b.p[b.n - 1] ^= 1;
		b.p[20] ^= 1;                            /* the version says which filler follows */
		CHECK(b.n == BENCH_PLAN_VALUE_BYTES_MIN || !bench_plan_belongs(pool, 42, buf_view(&b)));
		buf_fini(&b);
	}
	CHECK(!bench_plan_belongs(pool, 42, BYTES_LIT("user000000000042")));
	CHECK(!bench_plan_belongs(pool, 42, BYTES_NONE));
}

/* --- answers ------------------------------------------------------------------------------------------------------ */

/* The verdict on text that comes in pieces of step bytes; *h and *b are those of the last call. */
static enum bench_http_step read_by(const char *text, size_t step, struct bench_http *h, struct buf *b)
{
	enum bench_http_step got = BENCH_HTTP_MORE;
	size_t n = strlen(text);

	*h = (struct bench_http){ 0 };
	buf_clear(b);
	for (size_t at = 0; at < n && got == BENCH_HTTP_MORE; at += step) {
		buf_put(b, text + at, n - at < step ? n - at : step);
		got = bench_http_read(h, b);
	}
	return got;
}

TEST(answers_are_read_however_they_come)
{
	static const struct { const char *text, *body; int status; bool keep; } good[] = {
		{ "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", "{}", 200, true },
		{ "HTTP/1.1 200 \r\ncontent-length:2 \r\nConnection: keep-alive\r\n\r\n{}", "{}", 200, true },
		{ "HTTP/1.1 400 Bad Request\r\nX: y\r\nConnection: Close\r\nContent-Length: 0\r\n\r\n", "", 400, false },
		{ "HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n3\r\nabc\r\nA;x=y\r\n0123456789\r\n0\r\n\r\n",
		  "abc0123456789", 200, true },
		{ "HTTP/1.1 204 No Content\r\n\r\n", "", 204, true },
	};
	struct bench_http h;
	struct buf b = { 0 };

	for (size_t i = 0; i < sizeof good / sizeof *good; i++)
		for (size_t step = 1; step <= strlen(good[i].text); step++) {
			CHECK_INT(read_by(good[i].text, step, &h, &b), BENCH_HTTP_DONE);
			CHECK_INT(h.status, good[i].status);
			CHECK(h.keep_alive == good[i].keep);
			CHECK(bytes_is(h.body, good[i].body));
		}
	buf_fini(&b);
}

TEST(bad_answers_are_refused)
{
	static const char *const texts[] = {
		"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n{}",
		"HTTP/1.1 2000 OK\r\nContent-Length: 2\r\n\r\n{}",
		"HTTP/1.1 100 Continue\r\nContent-Length: 0\r\n\r\n",
		"HTTP/1.1 200 OK\r\n\r\n{}",
		"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\n{}",
		"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n{}",
		"HTTP/1.1 200 OK\r\nContent-Length: 9999999999\r\n\r\n{}",
		"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n{}",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffffff\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\nabc\r\n0\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcde0\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\nabc\n0\n\n",
		"HTTP/1.1 200 OK\r\nno colon\r\nContent-Length: 2\r\n\r\n{}",
		"\r\n\r\n",
		"junk\r\n\r\n",
	};
	struct bench_http h;
	struct buf b = { 0 };

	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		CHECK_INT(read_by(texts[i], 1, &h, &b), BENCH_HTTP_BAD);
		CHECK_INT(read_by(texts[i], 1000, &h, &b), BENCH_HTTP_BAD);
	}
	/* More than was asked for. */
	CHECK_INT(read_by("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}x", 1000, &h, &b), BENCH_HTTP_BAD);
	CHECK_INT(read_by("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nx", 1000, &h, &b), BENCH_HTTP_BAD);
	buf_fini(&b);
}

TEST(endless_heads_are_refused)
{
	struct bench_http h = { 0 };
	struct buf b = { 0 };

	buf_str(&b, "HTTP/1.1 200 OK\r\n");
	while (b.n <= BENCH_HTTP_HEAD_BYTES_MAX)
		buf_str(&b, "a: b\r\n");
	CHECK_INT(bench_http_read(&h, &b), BENCH_HTTP_BAD);
	buf_fini(&b);
}

CHECK_MAIN(X(percentiles_are_close_and_never_too_low) X(small_values_are_exact_and_large_ones_are_kept)
           X(every_value_is_within_its_bucket) X(mixes_have_their_shares) X(same_seed_same_requests)
           X(a_load_writes_every_key_once) X(zipf_has_its_shares) X(zipf_of_few_and_of_many)
           X(values_belong_to_their_keys_only) X(answers_are_read_however_they_come) X(bad_answers_are_refused)
           X(endless_heads_are_refused))
