/* The checker of the kill -9 test: histories it must accept and refuse, and an exhaustive search as its judge. */
#include <stdlib.h>

#include "../kill/lin.h"
#include "check.h"

#define OPS_MAX 7

static struct hist h;

static void op(enum hist_kind kind, int64_t from, int64_t to, enum hist_outcome outcome, uint64_t value, uint64_t expect)
{
	hist_add(&h, (struct hist_op){ .kind = (uint8_t)kind, .outcome = (uint8_t)outcome, .from_ns = from,
		.to_ns = outcome == HIST_MAYBE ? HIST_NEVER : to, .value = value, .expect = expect }, NULL, 0);
}

static void put(int64_t from, int64_t to, uint64_t value)
{
	op(HIST_PUT, from, to, HIST_OK, value, 0);
}

static void get(int64_t from, int64_t to, uint64_t value)
{
	op(HIST_GET, from, to, HIST_OK, value, 0);
}

static void cas(int64_t from, int64_t to, uint64_t expect, uint64_t value)
{
	op(HIST_CAS, from, to, HIST_OK, value, expect);
}

static void append(int64_t from, int64_t to, uint64_t value)
{
	op(HIST_APPEND, from, to, HIST_OK, value, 0);
}

static void list(enum hist_kind kind, int64_t from, int64_t to, size_t n, const uint64_t *v)
{
	hist_add(&h, (struct hist_op){ .kind = (uint8_t)kind, .from_ns = from, .to_ns = to }, v, n);
}
#define LIST(from, to, ...)                                                                                            \
	list(HIST_LIST, from, to, sizeof((uint64_t[]){ __VA_ARGS__ }) / 8, (uint64_t[]){ __VA_ARGS__ })
#define ELIST(from, to, ...)                                                                                           \
	list(HIST_ELIST, from, to, sizeof((uint64_t[]){ __VA_ARGS__ }) / 8, (uint64_t[]){ __VA_ARGS__ })

/* LIN_FAULTS: accepted. */
static enum lin_fault verdict(void)
{
	struct lin l;
	bool ok = lin_check(&h, &l);
	int f = 0;

	while (f < LIN_FAULTS && l.faults[f] == 0)
		f++;
	if (ok != (f == LIN_FAULTS))
		printf("# verdict %d, fault %d\n", ok, f), check_failures++;
	hist_fini(&h);
	return (enum lin_fault)f;
}

TEST(accepts_what_is_in_order)
{
	get(0, 5, 0);
	put(10, 20, 1);
	get(21, 30, 1);
	cas(31, 40, 1, 2);
	get(41, 50, 2);
	CHECK_INT(verdict(), LIN_FAULTS);
}

TEST(accepts_either_order_while_writes_overlap)
{
	put(0, 100, 1);
	put(0, 100, 2);
	get(10, 20, 2);
	get(30, 40, 1);
	get(110, 120, 1);
	CHECK_INT(verdict(), LIN_FAULTS);
}

TEST(refuses_both_orders_at_once)
{
	put(0, 100, 1);
	put(0, 100, 2);
	get(10, 20, 2);
	get(30, 40, 1);
	get(50, 60, 2);
	CHECK_INT(verdict(), LIN_STALE);
}

TEST(refuses_a_stale_read)
{
	put(0, 10, 1);
	put(20, 30, 2);
	get(31, 40, 2);
	get(32, 42, 2);
	get(43, 50, 1);
	CHECK_INT(verdict(), LIN_STALE);
}

TEST(refuses_a_read_of_nothing_after_a_write)
{
	put(0, 10, 1);
	get(11, 20, 0);
	CHECK_INT(verdict(), LIN_LOST);
}

TEST(refuses_a_lost_write)
{
	put(0, 10, 1);
	get(11, 20, 1);
	put(21, 30, 2);
	get(31, 40, 1);
	get(41, 50, 1);
	CHECK_INT(verdict(), LIN_LOST);
}

TEST(maybe_may_happen_late_or_never)
{
	put(0, 10, 1);
	op(HIST_PUT, 20, 0, HIST_MAYBE, 2, 0);
	get(30, 40, 1);
	get(1000, 1010, 2);
	op(HIST_PUT, 2000, 0, HIST_MAYBE, 3, 0);
	get(3000, 3010, 2);
	CHECK_INT(verdict(), LIN_FAULTS);
}

TEST(maybe_does_not_come_and_go)
{
	put(0, 10, 1);
	op(HIST_PUT, 20, 0, HIST_MAYBE, 2, 0);
	get(30, 40, 2);
	get(50, 60, 1);
	CHECK_INT(verdict(), LIN_STALE);
}

TEST(refuses_what_was_refused)
{
	op(HIST_PUT, 0, 10, HIST_NO, 1, 0);
	get(20, 30, 1);
	CHECK_INT(verdict(), LIN_PHANTOM);
	get(20, 30, 7);
	CHECK_INT(verdict(), LIN_PHANTOM);
}

TEST(refuses_the_future)
{
	get(0, 5, 1);
	put(10, 20, 1);
	CHECK_INT(verdict(), LIN_EARLY);
	op(HIST_EGET, 0, 5, HIST_OK, 1, 0);
	put(10, 20, 1);
	CHECK_INT(verdict(), LIN_EARLY);
}

TEST(eventual_reads_may_be_old)
{
	put(0, 10, 1);
	put(20, 30, 2);
	op(HIST_EGET, 40, 50, HIST_OK, 1, 0);
	op(HIST_EGET, 60, 70, HIST_OK, 0, 0);
	get(80, 90, 2);
	CHECK_INT(verdict(), LIN_FAULTS);
	op(HIST_EGET, 40, 50, HIST_OK, 9, 0);
	CHECK_INT(verdict(), LIN_PHANTOM);
}

TEST(two_cas_cannot_find_the_same)
{
	put(0, 10, 1);
	cas(20, 30, 1, 2);
	cas(40, 50, 1, 3);
	CHECK_INT(verdict(), LIN_TWICE);
	put(0, 10, 1);
	cas(20, 30, 1, 2);
	op(HIST_CAS, 20, 0, HIST_MAYBE, 3, 1);
	get(60, 70, 2);
	CHECK_INT(verdict(), LIN_FAULTS);
	put(0, 10, 1);
	cas(20, 30, 1, 2);
	op(HIST_CAS, 20, 0, HIST_MAYBE, 3, 1);
	get(60, 70, 3);
	CHECK_INT(verdict(), LIN_TWICE);
}

TEST(nothing_comes_between_a_cas_and_what_it_found)
{
	put(0, 10, 1);
	put(20, 30, 2);
	cas(40, 50, 1, 3);
	CHECK_INT(verdict(), LIN_LOST);
	put(0, 10, 1);
	put(0, 30, 2);
	cas(40, 50, 1, 3);
	CHECK_INT(verdict(), LIN_FAULTS);
}

TEST(a_cas_that_happened_proves_what_it_found)
{
	op(HIST_PUT, 0, 0, HIST_MAYBE, 1, 0);
	op(HIST_CAS, 10, 0, HIST_MAYBE, 2, 1);
	get(20, 30, 2);
	get(40, 50, 1);
	CHECK_INT(verdict(), LIN_STALE);
	op(HIST_PUT, 0, 10, HIST_NO, 1, 0);
	op(HIST_CAS, 10, 0, HIST_MAYBE, 2, 1);
	get(20, 30, 2);
	CHECK_INT(verdict(), LIN_PHANTOM);
}

TEST(cas_in_a_circle)
{
	cas(0, 100, 2, 1);
	cas(0, 100, 1, 2);
	CHECK_INT(verdict(), LIN_STALE);
}

TEST(lists_in_order)
{
	append(0, 10, 1);
	append(5, 20, 2);
	LIST(21, 30, 1, 2);
	append(31, 40, 3);
	ELIST(41, 50, 1);
	LIST(51, 60, 1, 2, 3);
	CHECK_INT(verdict(), LIN_FAULTS);
	append(0, 10, 1);
	append(5, 20, 2);
	LIST(21, 30, 2, 1);
	CHECK_INT(verdict(), LIN_FAULTS);
}

TEST(lists_refuse_the_wrong_order)
{
	append(0, 10, 1);
	append(11, 20, 2);
	LIST(21, 30, 2, 1);
	CHECK_INT(verdict(), LIN_STALE);
}

TEST(lists_refuse_a_lost_element)
{
	append(0, 10, 1);
	append(11, 20, 2);
	append(30, 40, 3);
	LIST(50, 60, 1, 3);
	CHECK_INT(verdict(), LIN_LOST);
	append(0, 10, 1);
	list(HIST_LIST, 20, 30, 0, NULL);
	CHECK_INT(verdict(), LIN_LOST);
}

TEST(lists_refuse_elements_twice_from_nowhere_and_in_two_orders)
{
	append(0, 10, 1);
	LIST(20, 30, 1, 1);
	CHECK_INT(verdict(), LIN_TWICE);
	append(0, 10, 1);
	LIST(20, 30, 1, 2);
	CHECK_INT(verdict(), LIN_PHANTOM);
	append(0, 10, 1);
	op(HIST_APPEND, 0, 10, HIST_NO, 2, 0);
	LIST(20, 30, 1, 2);
	CHECK_INT(verdict(), LIN_PHANTOM);
	append(0, 10, 1);
	append(0, 10, 2);
	LIST(20, 30, 1, 2);
	LIST(40, 50, 2, 1);
	CHECK_INT(verdict(), LIN_FORK);
	append(0, 10, 1);
	append(0, 10, 2);
	LIST(20, 30, 1, 2);
	ELIST(40, 50, 2);
	CHECK_INT(verdict(), LIN_FORK);
}

TEST(lists_refuse_a_stale_read)
{
	append(0, 10, 1);
	append(11, 20, 2);
	LIST(21, 30, 1, 2);
	LIST(31, 40, 1);
	CHECK_INT(verdict(), LIN_STALE);
	append(0, 10, 1);
	append(11, 20, 2);
	LIST(21, 30, 1);
	LIST(31, 40, 1, 2);
	CHECK_INT(verdict(), LIN_STALE);
}

TEST(lists_with_maybe)
{
	append(0, 10, 1);
	op(HIST_APPEND, 11, 0, HIST_MAYBE, 2, 0);
	op(HIST_APPEND, 11, 0, HIST_MAYBE, 3, 0);
	append(30, 40, 4);
	LIST(50, 60, 1, 4);
	LIST(70, 80, 1, 4, 3);
	CHECK_INT(verdict(), LIN_FAULTS);
}

TEST(keys_are_apart)
{
	hist_add(&h, (struct hist_op){ .kind = HIST_PUT, .key = 1, .from_ns = 0, .to_ns = 10, .value = 5 }, NULL, 0);
	hist_add(&h, (struct hist_op){ .kind = HIST_GET, .key = 2, .from_ns = 20, .to_ns = 30, .value = 0 }, NULL, 0);
	hist_add(&h, (struct hist_op){ .kind = HIST_GET, .key = 1, .from_ns = 20, .to_ns = 30, .value = 5 }, NULL, 0);
	CHECK_INT(verdict(), LIN_FAULTS);
}

TEST(files_keep_histories)
{
	char path[] = "/tmp/ddb-lin.XXXXXX";
	struct hist back = { 0 };
	int fd = mkstemp(path);

	CHECK(fd >= 0);
	put(0, 10, 1);
	op(HIST_CAS, 20, 0, HIST_MAYBE, 3, 1);
	append(5, 6, 2);
	LIST(21, 30, 1, 2);
	list(HIST_LIST, 20, 30, 0, NULL);
	CHECK_INT(hist_save(&h, path), 0);
	CHECK_INT(hist_load(&back, path), 0);
	CHECK_INT(back.n, h.n);
	CHECK_INT(back.elements_n, h.elements_n);
	CHECK(memcmp(back.ops, h.ops, h.n * sizeof *h.ops) == 0);
	CHECK(memcmp(back.elements, h.elements, h.elements_n * sizeof *h.elements) == 0);
	hist_fini(&back);
	hist_fini(&h);
	remove(path);
}

/* --- the judge: every order of a small history, and every choice of what maybe happened */

static uint64_t dice_state;

static unsigned dice(unsigned n)
{
	dice_state = dice_state * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(dice_state >> 33) % n;
}

static bool may_be_next(unsigned left, size_t i)
{
	for (size_t j = 0; j < h.n; j++)
		if ((left & 1u << j) != 0 && h.ops[j].to_ns < h.ops[i].from_ns && h.ops[j].outcome == HIST_OK)
			return false;
	return true;
}

static bool only_maybes(unsigned left)
{
	for (size_t j = 0; j < h.n; j++)
		if ((left & 1u << j) != 0 && h.ops[j].outcome == HIST_OK)
			return false;
	return true;
}

static bool search_register(unsigned left, uint64_t value)
{
	if (only_maybes(left))
		return true;
	for (size_t i = 0; i < h.n; i++) {
		const struct hist_op *o = &h.ops[i];
		uint64_t after = o->kind == HIST_GET ? value : o->value;

		if ((left & 1u << i) == 0 || !may_be_next(left, i))
			continue;
		if ((o->kind == HIST_GET && o->value != value) || (o->kind == HIST_CAS && o->expect != value))
			continue;
		if (search_register(left & ~(1u << i), after))
			return true;
	}
	return false;
}

static bool search_list(unsigned left, const uint64_t *v, size_t n)
{
	uint64_t more[OPS_MAX + 1];

	if (only_maybes(left))
		return true;
	if (n > 0)
		memcpy(more, v, n * sizeof *v);
	for (size_t i = 0; i < h.n; i++) {
		const struct hist_op *o = &h.ops[i];
		bool read = o->kind == HIST_LIST;

		if ((left & 1u << i) == 0 || !may_be_next(left, i))
			continue;
		if (read && (o->elements_n != n || (n > 0 && memcmp(h.elements + o->elements, v, n * sizeof *v) != 0)))
			continue;
		more[n] = o->value;
		if (search_list(left & ~(1u << i), more, n + !read))
			return true;
	}
	return false;
}

static void random_register(void)
{
	size_t n = 2 + dice(OPS_MAX - 1), writes = 1 + dice((unsigned)n - 1);

	for (size_t i = 0; i < n; i++) {
		int64_t from = dice(30), to = from + 1 + dice(15);

		if (i >= writes)
			get(from, to, dice((unsigned)writes + 1));
		else
			op(dice(3) > 0 ? HIST_CAS : HIST_PUT, from, to, dice(4) == 0 ? HIST_MAYBE : HIST_OK, i + 1,
			   dice((unsigned)writes + 1));
	}
}

static void random_list(void)
{
	size_t n = 2 + dice(OPS_MAX - 1), writes = 1 + dice((unsigned)n - 1);
	uint64_t v[OPS_MAX];

	for (size_t i = 0; i < writes; i++)
		v[i] = i + 1;
	for (size_t i = writes; i > 1; i--) {
		size_t j = dice((unsigned)i);
		uint64_t t = v[j];

		v[j] = v[i - 1];
		v[i - 1] = t;
	}
	for (size_t i = 0; i < n; i++) {
		int64_t from = dice(30), to = from + 1 + dice(15);

		if (i < writes)
			op(HIST_APPEND, from, to, dice(4) == 0 ? HIST_MAYBE : HIST_OK, i + 1, 0);
		else
			list(HIST_LIST, from, to, dice((unsigned)writes + 1), v);
	}
}

TEST(registers_agree_with_an_exhaustive_search)
{
	unsigned yes = 0, no = 0;

	dice_state = 1;
	for (int i = 0; i < 200000; i++) {
		struct lin l;
		bool mine, judge;

		random_register();
		mine = lin_check(&h, &l);
		judge = search_register((1u << h.n) - 1, 0);
		if (mine != judge) {
			printf("# round %d: the search says %d: %s\n", i, judge, l.why);
			for (size_t j = 0; j < h.n; j++)
				printf("# %s %s %d-%d %d>%d\n", hist_kinds[h.ops[j].kind], hist_outcomes[h.ops[j].outcome],
				       (int)h.ops[j].from_ns, (int)h.ops[j].to_ns, (int)h.ops[j].expect, (int)h.ops[j].value);
			check_failures++;
			hist_fini(&h);
			return;
		}
		yes += mine;
		no += !mine;
		hist_fini(&h);
	}
	CHECK(yes > 10000 && no > 10000);
}

TEST(lists_agree_with_an_exhaustive_search)
{
	unsigned yes = 0, no = 0;

	dice_state = 2;
	for (int i = 0; i < 200000; i++) {
		struct lin l;
		bool mine, judge;

		random_list();
		mine = lin_check(&h, &l);
		judge = search_list((1u << h.n) - 1, NULL, 0);
		if (mine != judge) {
			printf("# round %d: the search says %d: %s\n", i, judge, l.why);
			check_failures++;
			hist_fini(&h);
			return;
		}
		yes += mine;
		no += !mine;
		hist_fini(&h);
	}
	CHECK(yes > 10000 && no > 10000);
}

CHECK_MAIN(
	X(accepts_what_is_in_order)
	X(accepts_either_order_while_writes_overlap)
	X(refuses_both_orders_at_once)
	X(refuses_a_stale_read)
	X(refuses_a_read_of_nothing_after_a_write)
	X(refuses_a_lost_write)
	X(maybe_may_happen_late_or_never)
	X(maybe_does_not_come_and_go)
	X(refuses_what_was_refused)
	X(refuses_the_future)
	X(eventual_reads_may_be_old)
	X(two_cas_cannot_find_the_same)
	X(nothing_comes_between_a_cas_and_what_it_found)
	X(a_cas_that_happened_proves_what_it_found)
	X(cas_in_a_circle)
	X(lists_in_order)
	X(lists_refuse_the_wrong_order)
	X(lists_refuse_a_lost_element)
	X(lists_refuse_elements_twice_from_nowhere_and_in_two_orders)
	X(lists_refuse_a_stale_read)
	X(lists_with_maybe)
	X(keys_are_apart)
	X(files_keep_histories)
	X(registers_agree_with_an_exhaustive_search)
	X(lists_agree_with_an_exhaustive_search)
)
