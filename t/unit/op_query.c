/*
 * Query and Scan over a fake of the nodes: a sorted list of rows, cut into partitions at places of every kind.  What a
 * client collects page by page must be what the range holds, in order, whatever the cuts, the Limit and the sizes.
 */
#include "cmd/ddb-router/api.h"
#include "op_query_fake.h"

static uint64_t seed;

static unsigned dice(unsigned n)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(seed >> 33) % n;
}

/* At a row's key, in front of it, behind it, at the hash, anywhere in the hash space. */
static void random_cut(void)
{
	struct buf at = { 0 };

	if (fake.nrows > 0 && dice(4) > 0) {
		struct bytes key = fake.row[dice((unsigned)fake.nrows)].key;

		buf_put(&at, key.p, dice(2) ? key.n : dice(2) ? KEY_HASH_N : 1 + dice((unsigned)key.n));
		if (dice(3) == 0)
			buf_u8(&at, dice(2) ? 0 : 0xff);
		if (dice(6) == 0)
			buf_u8(&at, 0);
	} else {
		for (unsigned n = 1 + dice(20); n > 0; n--)
			buf_u8(&at, dice(3) == 0 ? 0 : (uint8_t)dice(256));
	}
	cut(buf_view(&at));
	buf_fini(&at);
}

static void random_table(const char *index, bool heavy)
{
	set_up_index(index);
	for (unsigned i = dice(ROWS_MAX); i > 0; i--) {
		uint64_t sk = i * 10;

		add(dice(3) > 0 ? "a" : dice(2) ? "b" : "c", sk, heavy ? dice(390000) : dice(3));
	}
	for (unsigned i = dice(PARTS_MAX); i > 0; i--)
		random_cut();
}

static bool matches(enum expr_op op, uint64_t v, uint64_t lo, uint64_t hi)
{
	switch (op) {
	case EXPR_OP_EQ: return v == lo;
	case EXPR_OP_LT: return v < lo;
	case EXPR_OP_LE: return v <= lo;
	case EXPR_OP_GT: return v > lo;
	case EXPR_OP_GE: return v >= lo;
	case EXPR_OP_BETWEEN: return v >= lo && v <= hi;
	default: return true;
	}
}

/* Of the table or an index: what its key's parts are called. */
static const struct kind {
	const char *index, *hash, *sort;
	uint64_t span;
} kinds[] = { { NULL, "pk", "sk", ROWS_MAX * 10 }, { "local", "pk", "h", 6 }, { "global", "g", "h", 6 } };

static void one_query(const struct kind *k, bool heavy)
{
	uint64_t lo = dice((unsigned)k->span), hi = lo + dice((unsigned)k->span / 3);
	enum expr_op op = (enum expr_op)dice(EXPR_OP_BETWEEN + 1);       /* 0: no condition on the sort key */
	struct bytes pk = value_s("a"), l = value_n(lo), h = value_n(hi);
	bool global = k->index != NULL && strcmp(k->index, "global") == 0;
	struct client c = { .run = op_query, .index = k->index, .reverse = dice(2), .consistent = dice(2) && !global };
	size_t first = 0, n = 0;

	random_table(k->index, heavy);
	fake.pauses = dice(2);
	c.limit = dice(2) ? 1 + dice(9) : 0;
	c.condition.hash[0] = pk;
	c.condition.range_n = op > 0;
	c.condition.range[0].op = op;
	c.condition.range[0].lo = l;
	c.condition.range[0].hi = h;
	for (size_t i = 0; i < fake.nrows; i++)
		if (is(&fake.row[i], k->hash, "a") && matches(op, number_of(&fake.row[i], k->sort), lo, hi)) {
			first = n == 0 ? i : first;
			n++;
		}
	while (turn(&c))
		;
	CHECK_INT(fake.refused, RESULT_OK);
	saw(&c, first, n);
	client_end(&c);
	free((void *)pk.p);
	free((void *)l.p);
	free((void *)h.p);
	tear_down();
}

TEST(query_pages_are_the_range)
{
	seed = 1;
	for (int i = 0; i < 4500 && check_failures == 0; i++)
		one_query(&kinds[i % 3], false);
	for (int i = 0; i < 45 && check_failures == 0; i++)
		one_query(&kinds[i % 3], true);
}

/* "turned" has the table's own attributes, each of which its rows' keys have twice. */
static const char *const scanned[] = { NULL, "local", "global", "turned", "many" };

TEST(scan_pages_are_the_table)
{
	seed = 2;
	for (int i = 0; i < 2000 && check_failures == 0; i++) {
		struct client c = { .run = op_query_scan, .index = scanned[i % 5], .limit = dice(2) ? 1 + dice(9) : 0 };

		random_table(c.index, i % 100 < 5);
		fake.pauses = dice(2);
		while (turn(&c))
			;
		saw(&c, 0, fake.nrows);
		client_end(&c);
		tear_down();
	}
}

TEST(segments_share_the_table)
{
	seed = 3;
	for (int i = 0; i < 500 && check_failures == 0; i++) {
		struct client c = { .run = op_query_scan, .index = scanned[i % 5], .limit = dice(2) ? 1 + dice(9) : 0,
		                    .total = 1 + dice(12) };

		random_table(c.index, false);
		for (; c.segment < c.total; c.segment++)
			while (turn(&c))
				;
		saw(&c, 0, fake.nrows);
		client_end(&c);
		tear_down();
	}
}

/* A partition that ends exactly where the page does. */
TEST(limit_at_the_end_of_a_partition)
{
	struct client c = { .run = op_query_scan, .limit = 2 };

	set_up();
	for (uint64_t i = 1; i <= 4; i++)
		add("a", i, 0);
	cut(fake.row[2].key);
	CHECK(turn(&c));
	CHECK_INT(fake.asked, 1);
	CHECK(turn(&c));
	saw(&c, 0, 4);
	CHECK(!turn(&c));                                /* nothing behind it, which only the next page tells */
	CHECK_INT(fake.asked, 4);                        /* the rest of the first, the second; the second */
	client_end(&c);
	tear_down();
}

static struct bytes start_at(size_t row)
{
	struct item_build b;
	struct bytes start;

	item_build_init(&b);
	item_build_item(&b);
	CHECK(key_attributes(&b, &fake.table.table.key, fake.row[row].key));
	item_build_close(&b);
	start = bytes_copy(item_build_view(&b));
	item_build_fini(&b);
	return start;
}

/* Where nothing can follow in the range there is no last key, nor can a page begin. */
TEST(the_end_of_a_range)
{
	struct bytes pk = value_s("a"), l = value_n(2), h = value_n(4);
	struct client c = { .run = op_query, .limit = 3 };

	set_up();
	for (uint64_t i = 1; i <= 5; i++)
		add("a", i, 0);
	cut(fake.row[4].key);
	c.condition.hash[0] = pk;
	c.condition.range_n = 1;
	c.condition.range[0].op = EXPR_OP_BETWEEN;
	c.condition.range[0].lo = l;
	c.condition.range[0].hi = h;
	for (c.reverse = false;; c.reverse = true) {
		CHECK(!turn(&c));
		saw(&c, 1, 3);
		client_end(&c);
		c.start = start_at(c.reverse ? 1 : 3);
		CHECK(!turn(&c));
		CHECK_INT(fake.refused, RESULT_INVALID);
		c.start = start_at(c.reverse ? 3 : 1);
		CHECK(!turn(&c));
		CHECK_INT(fake.refused, RESULT_OK);
		CHECK_INT(c.n, 2);
		client_end(&c);
		if (c.reverse)
			break;
	}
	free((void *)pk.p);
	free((void *)l.p);
	free((void *)h.p);
	tear_down();
}

TEST(size_at_the_end_of_a_partition)
{
	struct client c = { .run = op_query_scan };
	struct row *last;

	set_up();
	for (uint64_t i = 1; i <= 3; i++)
		add("a", i, API_PAGE_BYTES_MAX / 3);
	last = &fake.row[2];
	/* Names count: make the three exactly one page. */
	free((void *)last->key.p);
	free((void *)last->item.p);
	fake.nrows = 2;
	add("a", 3, API_PAGE_BYTES_MAX - item_size(fake.row[0].item) - item_size(fake.row[1].item) -
	            (item_size(fake.row[0].item) - API_PAGE_BYTES_MAX / 3));
	add("a", 4, 10);
	cut(fake.row[3].key);
	CHECK(turn(&c));
	CHECK_INT(c.n, 3);
	CHECK_INT(fake.asked, 1);
	CHECK(!turn(&c));
	saw(&c, 0, 4);
	client_end(&c);
	tear_down();
}

TEST(what_came_before_a_failure_is_a_page)
{
	struct client c = { .run = op_query_scan };

	set_up();
	for (uint64_t i = 1; i <= 4; i++)
		add("a", i, 0);
	cut(fake.row[2].key);
	fake.fail_from = 2;
	CHECK(turn(&c));
	CHECK_INT(c.n, 2);
	CHECK(!turn(&c));
	CHECK_INT(fake.refused, RESULT_UNAVAILABLE);
	fake.fail_from = 0;
	client_end(&c);
	while (turn(&c))
		;
	saw(&c, 0, 4);
	client_end(&c);
	tear_down();
}

TEST(nobody_asks_for_who_has_left)
{
	struct client c = { .run = op_query_scan };

	set_up();
	add("a", 1, 0);
	add("a", 2, 0);
	cut(fake.row[1].key);
	fake.gone = true;
	CHECK(!turn(&c));
	CHECK_INT(fake.asked, 1);
	client_end(&c);
	tear_down();
}

TEST(full_memory_ends_a_page)
{
	struct client c = { .run = op_query_scan };

	set_up();
	add("a", 1, 100);
	add("a", 2, 100);
	cut(fake.row[1].key);
	fake.router.held_bytes = ROUTER_HELD_BYTES_MAX;
	{
		struct api_req *q = mem_new(sizeof *q);

		q->r = &fake.router;
		item_build_init(&q->item);
		op_query_scan(q);
		serve();
		CHECK(memmem(fake.out.p, fake.out.n, "LastEvaluatedKey", strlen("LastEvaluatedKey")) != NULL);
		item_build_fini(&q->item);
		free(q);
	}
	CHECK_INT(fake.router.held_bytes, ROUTER_HELD_BYTES_MAX);
	fake.router.held_bytes = 0;
	while (turn(&c))
		;
	saw(&c, 0, 2);
	client_end(&c);
	tear_down();
}

TEST(count_has_no_items)
{
	struct client c = { .run = op_query_scan, .select = "COUNT" };

	set_up();
	for (uint64_t i = 1; i <= 4; i++)
		add("a", i, 5000);
	cut(fake.row[2].key);
	CHECK(!turn(&c));
	CHECK(memmem(fake.out.p, fake.out.n, "Items", strlen("Items")) == NULL);
	CHECK(memmem(fake.out.p, fake.out.n, "\"Count\":4", strlen("\"Count\":4")) != NULL);
	CHECK(memmem(fake.out.p, fake.out.n, "\"CapacityUnits\":2.5", strlen("\"CapacityUnits\":2.5")) != NULL);  /* of 20,064 bytes */
	client_end(&c);
	tear_down();
}

TEST(a_refusal_is_the_end)
{
	struct client c = { .run = op_query_scan, .index = "index" };
	struct client s = { .run = op_query_scan, .segment = 2, .total = 2 };
	struct client all = { .run = op_query_scan, .select = "SPECIFIC_ATTRIBUTES" };

	set_up();
	fake.fresh = true;
	CHECK(!turn(&c));
	CHECK_INT(fake.refused, RESULT_INVALID);
	CHECK(!turn(&s));
	CHECK_INT(fake.refused, RESULT_INVALID);
	CHECK(!turn(&all));
	CHECK_INT(fake.refused, RESULT_INVALID);
	CHECK_INT(fake.asked, 0);
	tear_down();
}

CHECK_MAIN(X(query_pages_are_the_range) X(scan_pages_are_the_table) X(segments_share_the_table)
	   X(limit_at_the_end_of_a_partition) X(the_end_of_a_range) X(size_at_the_end_of_a_partition)
	   X(what_came_before_a_failure_is_a_page) X(nobody_asks_for_who_has_left) X(full_memory_ends_a_page)
	   X(count_has_no_items) X(a_refusal_is_the_end))
