/* cmd/ddb-autoadmin/place.c: ranges, zones, leaders. */
#include <stdlib.h>

#include "cmd/ddb-autoadmin/autoadmin.h"
#include "check.h"

TEST(ranges_cover_everything_once)
{
	for (size_t n = 1; n <= AA_PARTITIONS_MAX; n++) {
		struct buf low = { 0 }, high = { 0 }, before = { 0 };

		for (size_t i = 0; i < n; i++) {
			buf_clear(&low);
			buf_clear(&high);
			place_range(i, n, &low, &high);
			CHECK(bytes_eq(buf_view(&low), buf_view(&before)));
			CHECK((i == 0) == (low.n == 0));
			CHECK((i == n - 1) == (high.n == 0));
			CHECK(high.n == 0 || bytes_cmp(buf_view(&low), buf_view(&high)) < 0);
			buf_clear(&before);
			buf_bytes(&before, buf_view(&high));
		}
		buf_fini(&low);
		buf_fini(&high);
		buf_fini(&before);
	}
}

TEST(ranges_are_even)
{
	for (size_t n = 2; n <= AA_PARTITIONS_MAX; n++) {
		uint64_t last = 0, least = UINT64_MAX, most = 0;

		for (size_t i = 0; i < n; i++) {
			struct buf low = { 0 }, high = { 0 };
			uint64_t end, width;

			place_range(i, n, &low, &high);
			end = high.n > 0 ? load_be64(high.p) : 0;
			width = end - last;
			least = width < least ? width : least;
			most = width > most ? width : most;
			last = end;
			buf_fini(&low);
			buf_fini(&high);
		}
		CHECK(most - least <= 1);
	}
}

static size_t parts(bool on_demand, uint64_t write, uint64_t read, uint64_t warm_write, uint64_t warm_read)
{
	struct table t = { .billing = on_demand ? TABLE_PAY_PER_REQUEST : TABLE_PROVISIONED, .write_units = write, .read_units = read,
			   .warm_write = warm_write, .warm_read = warm_read };

	return place_partitions(&t);
}

TEST(partitions_follow_throughput)
{
	CHECK_INT(parts(true, 0, 0, 0, 0), 4);
	CHECK_INT(parts(true, 0, 0, 4000, 12000), 4);
	CHECK_INT(parts(true, 0, 0, 4001, 0), 5);
	CHECK_INT(parts(true, 0, 0, 0, 12001), 5);
	CHECK_INT(parts(false, 1, 1, 0, 0), 1);
	CHECK_INT(parts(false, 1000, 3000, 0, 0), 1);
	CHECK_INT(parts(false, 1001, 1, 0, 0), 2);
	CHECK_INT(parts(false, 1, 9001, 0, 0), 4);
	CHECK_INT(parts(false, UINT64_MAX, 1, 0, 0), AA_PARTITIONS_MAX);
}

static const char *const zone_names[] = { "a", "b", "c", "d", "e" };

static const char *zone_of(const struct place_node *nodes, size_t n, uint32_t incarnation)
{
	for (size_t i = 0; i < n; i++)
		if (nodes[i].incarnation == incarnation)
			return nodes[i].zone;
	return "";
}

/* Every mix of zones and loads from a generator with a fixed seed. */
TEST(no_two_replicas_in_a_zone)
{
	uint64_t x = 88172645463325252u;

	for (int round = 0; round < 5000; round++) {
		struct place_node nodes[12];
		uint32_t m[AA_MEMBERS_MAX];
		size_t n, seen = 0, got;

		x ^= x << 13, x ^= x >> 7, x ^= x << 17;
		n = 1 + x % 12;
		for (size_t i = 0; i < n; i++) {
			x ^= x << 13, x ^= x >> 7, x ^= x << 17;
			nodes[i] = (struct place_node){ (uint32_t)i + 1, zone_names[x % 5], x >> 8 & 7, 0 };
		}
		for (size_t z = 0; z < 5; z++) {
			bool there = false;

			for (size_t i = 0; i < n; i++)
				there |= nodes[i].zone == zone_names[z];
			seen += there;
		}
		CHECK_INT(place_zones(nodes, n), seen);
		got = place_group(nodes, n, 3, (size_t)round, m);
		CHECK_INT(got, seen < 3 ? seen : 3);
		for (size_t i = 0; i < got; i++)
			for (size_t j = 0; j < i; j++)
				CHECK(strcmp(zone_of(nodes, n, m[i]), zone_of(nodes, n, m[j])) != 0);
	}
}

TEST(leaders_take_turns_and_loads_are_even)
{
	struct place_node nodes[9];
	unsigned led[10] = { 0 };
	uint32_t m[AA_MEMBERS_MAX];

	for (uint32_t i = 0; i < 9; i++)
		nodes[i] = (struct place_node){ i + 1, zone_names[i % 3], 0, 0 };
	for (size_t turn = 0; turn < 900; turn++) {
		CHECK_INT(place_group(nodes, 9, 3, turn, m), 3);
		led[m[0]]++;
	}
	for (size_t i = 0; i < 9; i++) {
		CHECK_INT(nodes[i].load, 300);
		CHECK_INT(led[i + 1], 100);
	}
}

TEST(three_nodes_lead_a_third_each)
{
	struct place_node nodes[3] = { { 1, "a", 5, 0 }, { 2, "b", 5, 0 }, { 3, "c", 5, 0 } };
	unsigned led[4] = { 0 };
	uint32_t m[AA_MEMBERS_MAX];

	for (size_t turn = 0; turn < 30; turn++) {
		place_group(nodes, 3, 3, turn, m);
		led[m[0]]++;
	}
	CHECK_INT(led[1], 10);
	CHECK_INT(led[2], 10);
	CHECK_INT(led[3], 10);
}

TEST(an_empty_node_is_filled_first)
{
	struct place_node nodes[4] = { { 1, "a", 9, 0 }, { 2, "a", 0, 0 }, { 3, "b", 9, 0 }, { 4, "c", 9, 0 } };
	uint32_t m[AA_MEMBERS_MAX];

	for (size_t turn = 0; turn < 9; turn++) {
		CHECK_INT(place_group(nodes, 4, 3, turn, m), 3);
		CHECK(m[0] != 1 && m[1] != 1 && m[2] != 1);
	}
	CHECK_INT(nodes[1].load, 9);
	CHECK_INT(place_group(nodes, 0, 3, 0, m), 0);
}

CHECK_MAIN(X(ranges_cover_everything_once) X(ranges_are_even) X(partitions_follow_throughput) X(no_two_replicas_in_a_zone)
	   X(leaders_take_turns_and_loads_are_even) X(three_nodes_lead_a_third_each) X(an_empty_node_is_filled_first))
