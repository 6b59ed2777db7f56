/* The checker of transactions under kill -9: histories it must accept and refuse, and an exhaustive search as its judge. */
#include <stdio.h>
#include <stdlib.h>

#include "../kill/ser.h"
#include "check.h"

#define TXS_MAX 5
#define LISTS_MAX 3

static struct hist h;
static uint64_t tx;                                      /* what follows is a part of it */

static void begin(void)
{
	tx++;
}

static void append_as(enum hist_outcome outcome, uint32_t key, int64_t from, int64_t to, uint64_t value)
{
	hist_add(&h, (struct hist_op){ .kind = HIST_APPEND, .key = key, .outcome = (uint8_t)outcome, .tx = tx,
		.from_ns = from, .to_ns = outcome == HIST_MAYBE ? HIST_NEVER : to, .value = value }, NULL, 0);
}

static void append(uint32_t key, int64_t from, int64_t to, uint64_t value)
{
	append_as(HIST_OK, key, from, to, value);
}

static void list(uint32_t key, int64_t from, int64_t to, size_t n, const uint64_t *v)
{
	hist_add(&h, (struct hist_op){ .kind = HIST_LIST, .key = key, .tx = tx, .from_ns = from, .to_ns = to }, v, n);
}
#define LIST(key, from, to, ...)                                                                                       \
	list(key, from, to, sizeof((uint64_t[]){ __VA_ARGS__ }) / 8, (uint64_t[]){ __VA_ARGS__ })

static void length(uint32_t key, int64_t from, int64_t to, uint64_t n)
{
	hist_add(&h, (struct hist_op){ .kind = HIST_LENGTH, .key = key, .tx = tx, .from_ns = from, .to_ns = to,
		.value = n }, NULL, 0);
}

/* SER_FAULTS: accepted. */
static enum ser_fault verdict(void)
{
	struct ser s;
	bool ok = ser_check(&h, &s);

	CHECK(ok == (s.fault == SER_FAULTS));
	CHECK(ok == (s.why[0] == '\0'));
	hist_fini(&h);
	tx = 0;
	return s.fault;
}

TEST(accepts_what_is_in_order)
{
	begin();
	append(1, 0, 10, 1);
	append(2, 0, 10, 1);
	begin();
	LIST(1, 11, 20, 1);
	LIST(2, 11, 20, 1);
	begin();
	append(2, 21, 30, 2);
	append(3, 21, 30, 2);
	begin();
	LIST(1, 31, 40, 1);
	LIST(2, 31, 40, 1, 2);
	LIST(3, 31, 40, 2);
	CHECK_INT(verdict(), SER_FAULTS);
}

TEST(accepts_a_read_before_or_behind_what_overlaps)
{
	begin();
	append(1, 0, 100, 1);
	append(2, 0, 100, 1);
	begin();
	list(1, 10, 20, 0, NULL);
	list(2, 10, 20, 0, NULL);
	begin();
	LIST(1, 30, 40, 1);
	LIST(2, 30, 40, 1);
	CHECK_INT(verdict(), SER_FAULTS);
}

TEST(refuses_a_lost_append)
{
	begin();
	append(1, 0, 10, 1);
	append(2, 0, 10, 1);
	begin();
	LIST(1, 20, 30, 1);
	list(2, 20, 30, 0, NULL);
	CHECK_INT(verdict(), SER_LIST);
	/* Nobody knows that it was acknowledged, but a half of it was seen. */
	begin();
	append_as(HIST_MAYBE, 1, 0, 0, 1);
	append_as(HIST_MAYBE, 2, 0, 0, 1);
	begin();
	LIST(1, 20, 30, 1);
	begin();
	list(2, 40, 50, 0, NULL);
	CHECK_INT(verdict(), SER_TIME);
}

TEST(refuses_two_orders_of_writes)
{
	begin();
	append(1, 0, 10, 1);
	append(2, 0, 10, 1);
	begin();
	append(1, 0, 10, 2);
	append(2, 0, 10, 2);
	tx = 0;
	LIST(1, 20, 30, 1, 2);
	LIST(2, 20, 30, 2, 1);
	CHECK_INT(verdict(), SER_WRITES);
}

TEST(refuses_a_circle_of_reads)
{
	begin();
	append(1, 0, 10, 1);
	LIST(2, 0, 10, 2);
	begin();
	append(2, 0, 10, 2);
	LIST(1, 0, 10, 1);
	CHECK_INT(verdict(), SER_FLOW);
}

TEST(refuses_a_fractured_read)
{
	begin();
	append(1, 0, 100, 1);
	append(2, 0, 100, 1);
	begin();
	LIST(1, 10, 20, 1);
	list(2, 10, 20, 0, NULL);
	tx = 0;
	LIST(2, 110, 120, 1);
	CHECK_INT(verdict(), SER_SKEW);
}

TEST(refuses_reads_that_saw_two_writes_in_different_orders)
{
	begin();
	append(1, 0, 100, 1);
	begin();
	append(2, 0, 100, 2);
	begin();
	LIST(1, 10, 90, 1);
	list(2, 10, 90, 0, NULL);
	begin();
	list(1, 10, 90, 0, NULL);
	LIST(2, 10, 90, 2);
	CHECK_INT(verdict(), SER_SKEW);
}

TEST(refuses_a_write_skew)
{
	begin();
	append(1, 0, 10, 1);
	length(2, 0, 10, 0);
	begin();
	append(2, 0, 10, 2);
	length(1, 0, 10, 0);
	tx = 0;
	LIST(1, 20, 30, 1);
	LIST(2, 20, 30, 2);
	CHECK_INT(verdict(), SER_SKEW);
	begin();
	append(1, 0, 10, 1);
	length(2, 0, 10, 0);
	begin();
	append(2, 0, 10, 2);
	length(1, 0, 10, 1);
	tx = 0;
	LIST(1, 20, 30, 1);
	LIST(2, 20, 30, 2);
	CHECK_INT(verdict(), SER_FAULTS);
}

TEST(refuses_stale_reads)
{
	begin();
	append(1, 0, 10, 1);
	tx = 0;
	list(1, 20, 30, 0, NULL);
	CHECK_INT(verdict(), SER_LIST);
	/* Each list by itself is linearizable, and all of them serializable. */
	begin();
	append(1, 0, 100, 1);
	append(2, 0, 100, 1);
	begin();
	LIST(1, 20, 30, 1);
	begin();
	list(2, 40, 50, 0, NULL);
	tx = 0;
	LIST(2, 110, 120, 1);
	CHECK_INT(verdict(), SER_TIME);
}

TEST(maybe_happens_as_a_whole_late_or_never)
{
	begin();
	append_as(HIST_MAYBE, 1, 0, 0, 1);
	append_as(HIST_MAYBE, 2, 0, 0, 1);
	begin();
	list(1, 20, 30, 0, NULL);
	list(2, 20, 30, 0, NULL);
	begin();
	LIST(1, 1000, 1010, 1);
	LIST(2, 1000, 1010, 1);
	CHECK_INT(verdict(), SER_FAULTS);
	begin();
	append_as(HIST_MAYBE, 1, 0, 0, 1);
	append_as(HIST_MAYBE, 2, 0, 0, 1);
	tx = 0;
	list(1, 1000, 1010, 0, NULL);
	CHECK_INT(verdict(), SER_FAULTS);
	begin();
	append_as(HIST_NO, 1, 0, 5, 1);
	tx = 0;
	LIST(1, 1000, 1010, 1);
	CHECK_INT(verdict(), SER_LIST);
}

TEST(plain_reads_may_see_the_halves_of_a_transaction_one_after_the_other)
{
	begin();
	append(1, 0, 100, 1);
	append(2, 0, 100, 1);
	tx = 0;
	LIST(1, 20, 30, 1);
	list(2, 40, 50, 0, NULL);
	CHECK_INT(verdict(), SER_FAULTS);
	/* But not if it ended before. */
	begin();
	append(1, 0, 10, 1);
	append(2, 0, 10, 1);
	tx = 0;
	LIST(1, 20, 30, 1);
	list(2, 40, 50, 0, NULL);
	CHECK_INT(verdict(), SER_LIST);
	/* Nor may a transaction see less than a plain read before it. */
	begin();
	append(1, 0, 100, 1);
	append(2, 0, 100, 1);
	tx = 0;
	LIST(1, 20, 30, 1);
	tx = 2;
	list(2, 40, 50, 0, NULL);
	CHECK_INT(verdict(), SER_TIME);
}

/* --- the judge: every order of a small history, and every choice of what maybe happened */

struct state {
	uint64_t v[LISTS_MAX][TXS_MAX];
	size_t n[LISTS_MAX];
};

static uint64_t dice_state;

static unsigned dice(unsigned n)
{
	dice_state = dice_state * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(dice_state >> 33) % n;
}

static const struct hist_op *first_of(uint64_t t)
{
	for (size_t i = 0; i < h.n; i++)
		if (h.ops[i].tx == t)
			return &h.ops[i];
	abort();
}

static bool may_be_next(unsigned left, uint64_t t)
{
	for (uint64_t j = 1; j <= tx; j++)
		if ((left & 1u << j) != 0 && first_of(j)->outcome == HIST_OK && first_of(j)->to_ns < first_of(t)->from_ns)
			return false;
	return true;
}

/* Everything it reads is so; then what it appends is there. */
static bool apply(struct state *s, uint64_t t)
{
	for (size_t i = 0; i < h.n; i++) {
		const struct hist_op *o = &h.ops[i];
		bool same = o->tx != t || o->kind == HIST_APPEND || s->n[o->key] == (o->kind == HIST_LENGTH ? o->value : o->elements_n);

		for (size_t j = 0; same && o->tx == t && o->kind == HIST_LIST && j < o->elements_n; j++)
			same = h.elements[o->elements + j] == s->v[o->key][j];
		if (!same)
			return false;
	}
	for (size_t i = 0; i < h.n; i++)
		if (h.ops[i].tx == t && h.ops[i].kind == HIST_APPEND)
			s->v[h.ops[i].key][s->n[h.ops[i].key]++] = h.ops[i].value;
	return true;
}

static bool search(unsigned left, const struct state *s)
{
	bool sure = false;

	for (uint64_t t = 1; t <= tx; t++)
		sure |= (left & 1u << t) != 0 && first_of(t)->outcome == HIST_OK;
	if (!sure)
		return true;
	for (uint64_t t = 1; t <= tx; t++) {
		struct state after = *s;

		if ((left & 1u << t) != 0 && may_be_next(left, t) && apply(&after, t) && search(left & ~(1u << t), &after))
			return true;
	}
	return false;
}

/* Reads are of what was there at some time in some order, mostly, so that many histories are right. */
static void make(void)
{
	struct state s = { 0 };
	uint64_t txs = 2 + dice(TXS_MAX - 2);

	for (uint64_t t = 1; t <= txs; t++) {
		int64_t from = dice(12), to = from + 1 + dice(8);
		bool maybe = dice(4) == 0;

		begin();
		for (uint32_t key = 0; key < LISTS_MAX; key++) {
			size_t back = dice(3) == 0 && s.n[key] > 0;

			switch (dice(3)) {
			case 0:
				append_as(maybe ? HIST_MAYBE : HIST_OK, key, from, to, t);
				if (!maybe || dice(2) == 0)
					s.v[key][s.n[key]++] = t;
				break;
			case 1:
				if (maybe)
					break;
				if (dice(3) == 0)
					length(key, from, to, s.n[key] - back);
				else
					list(key, from, to, s.n[key] - back, s.v[key]);
				break;
			}
		}
		if (h.n == 0 || h.ops[h.n - 1].tx != tx)
			tx--;
	}
	/* What is there in the end is known, so that lengths mean something. */
	begin();
	for (uint32_t key = 0; key < LISTS_MAX; key++)
		list(key, 30, 31, s.n[key], s.v[key]);
}

TEST(agrees_with_an_exhaustive_search)
{
	unsigned good = 0, bad[SER_FAULTS] = { 0 };

	for (dice_state = 1; good + bad[SER_LIST] < 40000;) {
		struct state empty = { 0 };
		unsigned all;
		struct ser s;
		bool ok, expect;

		make();
		all = (2u << tx) - 2;
		expect = search(all, &empty);
		ok = ser_check(&h, &s);
		CHECK(ok == expect);
		if (ok != expect) {
			printf("# %s: %s\n", expect ? "serializable" : "not serializable", s.why);
			hist_save(&h, "/dev/stdout");
			break;
		}
		good += ok;
		if (!ok)
			bad[s.fault]++;
		hist_fini(&h);
		tx = 0;
	}
	/* Both verdicts, and every kind of fault, were exercised. */
	CHECK(good > 1000);
	for (int f = 0; f < SER_FAULTS; f++)
		CHECK(bad[f] > 10);
}

CHECK_MAIN(
	X(accepts_what_is_in_order)
	X(accepts_a_read_before_or_behind_what_overlaps)
	X(refuses_a_lost_append)
	X(refuses_two_orders_of_writes)
	X(refuses_a_circle_of_reads)
	X(refuses_a_fractured_read)
	X(refuses_reads_that_saw_two_writes_in_different_orders)
	X(refuses_a_write_skew)
	X(refuses_stale_reads)
	X(maybe_happens_as_a_whole_late_or_never)
	X(plain_reads_may_see_the_halves_of_a_transaction_one_after_the_other)
	X(agrees_with_an_exhaustive_search)
)
