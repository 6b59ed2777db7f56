/* cmd/ddb-node/glog.c, against a plain array. */
#include <stdlib.h>

#include "check.h"
#include "glog.h"
#include "mem.h"

static uint8_t *entry(const char *text)
{
	return mem_copy(text, strlen(text));
}

TEST(an_empty_one_has_nothing)
{
	struct glog l;

	glog_init(&l, 5);
	CHECK_INT(glog_top(&l), 4);
	CHECK(glog_at(&l, 4) == NULL && glog_at(&l, 5) == NULL && glog_at(&l, UINT64_MAX) == NULL && glog_at(&l, 0) == NULL);
	glog_forget(&l, 100);
	glog_trim(&l, 9);
	CHECK_INT(glog_top(&l), 8);
	glog_fini(&l);
}

TEST(gaps_are_empty)
{
	struct glog l;

	glog_init(&l, 1);
	glog_set(&l, 40, 7, 400, entry("forty"), 5);
	CHECK_INT(glog_top(&l), 40);
	CHECK(glog_at(&l, 39) == NULL && glog_at(&l, 41) == NULL);
	CHECK_INT(glog_at(&l, 40)->position, 400);
	CHECK_INT(l.cached, 5);
	glog_set(&l, 40, 8, 500, NULL, 5);
	CHECK_INT(l.cached, 0);
	CHECK_INT(glog_at(&l, 40)->ballot, 8);
	glog_fini(&l);
}

TEST(forgetting_keeps_the_place)
{
	struct glog l;

	glog_init(&l, 1);
	for (uint64_t s = 1; s <= 10; s++)
		glog_set(&l, s, 1, s, entry("0123456789"), 10);
	glog_forget(&l, 4);
	CHECK_INT(l.cached, 60);
	CHECK(glog_at(&l, 4)->entry == NULL && glog_at(&l, 5)->entry != NULL);
	glog_set(&l, 2, 3, 22, entry("late"), 4);        /* below what was forgotten */
	CHECK_INT(l.cached, 64);
	glog_forget(&l, 4);
	CHECK_INT(l.cached, 60);
	glog_trim(&l, 8);
	CHECK_INT(l.cached, 30);
	CHECK(glog_at(&l, 7) == NULL && glog_at(&l, 8) != NULL);
	glog_forget(&l, 10);
	CHECK_INT(l.cached, 0);
	glog_trim(&l, 50);
	CHECK_INT(glog_top(&l), 49);
	glog_fini(&l);
}

TEST(lowering_makes_room_below)
{
	struct glog l;

	glog_init(&l, 10);
	glog_set(&l, 10, 1, 10, entry("ten"), 3);
	glog_lower(&l, 3);
	CHECK_INT(glog_top(&l), 10);
	CHECK(glog_at(&l, 3) == NULL && glog_at(&l, 9) == NULL);
	glog_set(&l, 3, 1, 3, entry("three"), 5);
	CHECK_INT(glog_at(&l, 3)->position, 3);
	CHECK_INT(glog_at(&l, 10)->position, 10);
	glog_forget(&l, 3);
	CHECK_INT(l.cached, 3);
	glog_reset(&l, 100);
	CHECK_INT(l.cached, 0);
	CHECK_INT(glog_top(&l), 99);
	glog_fini(&l);
}

#define SLOTS 400

/* Random work on both; what is cached is counted slot by slot. */
TEST(like_an_array)
{
	struct { uint64_t ballot, position; bool cached; uint32_t bytes; } m[SLOTS + 1] = { { 0 } };
	uint64_t x = 0x9e3779b97f4a7c15u, base = 1, top = 0;
	struct glog l;

	glog_init(&l, 1);
	for (int step = 0; step < 20000; step++) {
		uint64_t slot, cached = 0;

		x ^= x << 13, x ^= x >> 7, x ^= x << 17;
		slot = base + (x >> 8) % 32;
		if (slot > SLOTS) {
			glog_reset(&l, 1);
			memset(m, 0, sizeof m);
			base = 1;
			top = 0;
		} else if (x % 16 < 10) {
			bool has = x >> 20 & 1;

			glog_set(&l, slot, x | 1, x, has ? entry("abcd") : NULL, 4);
			m[slot].ballot = x | 1, m[slot].position = x, m[slot].cached = has, m[slot].bytes = 4;
			top = slot > top ? slot : top;
		} else if (x % 16 < 13) {
			glog_forget(&l, slot);
			for (uint64_t s = 1; s <= slot && s <= SLOTS; s++)
				m[s].cached = false;
		} else if (x % 16 < 15) {
			uint64_t to = base + (x >> 40) % 4;

			glog_trim(&l, to);
			for (uint64_t s = 1; s < to && s <= SLOTS; s++)
				m[s].ballot = 0, m[s].cached = false;
			base = to;
			top = top < base - 1 ? base - 1 : top;
		} else if (base > 3) {
			glog_lower(&l, base - 2);
			base -= 2;
		}
		CHECK_INT(glog_top(&l), top < base - 1 ? base - 1 : top);
		for (uint64_t s = 1; s <= SLOTS; s++) {
			struct glog_slot *g = glog_at(&l, s);

			CHECK((g != NULL) == (m[s].ballot > 0));
			if (g == NULL || m[s].ballot == 0)
				continue;
			CHECK(g->ballot == m[s].ballot && g->position == m[s].position && (g->entry != NULL) == m[s].cached);
			cached += m[s].cached ? m[s].bytes : 0;
		}
		CHECK_INT(l.cached, cached);
		if (check_failures > 0)
			break;
	}
	glog_fini(&l);
}

CHECK_MAIN(X(an_empty_one_has_nothing) X(gaps_are_empty) X(forgetting_keeps_the_place) X(lowering_makes_room_below) X(like_an_array))
