/* Query and Scan of indexes: which are found, what they may be asked, what it costs.  Pages are in op_query.c. */
#include "cmd/ddb-router/api.h"
#include "op_query_fake.h"

static bool answered(const char *text)
{
	return memmem(fake.out.p, fake.out.n, text, strlen(text)) != NULL;
}

/* Four attributes in the key, two of them hashed; a condition on all but the last, which is a range. */
TEST(a_key_of_many_attributes)
{
	struct bytes g = value_s("a"), pk = value_s("x"), h = value_n(1), sk = value_n(60);
	struct client c = { .run = op_query, .index = "many", .limit = 1 };
	size_t first = 0, n = 0;

	set_up_index("many");
	for (uint64_t i = 1; i <= 25; i++)
		add(i % 5 == 1 ? "x" : "y", i * 10, 0);
	cut(fake.row[7].key);
	c.condition.hash[0] = g;
	c.condition.hash[1] = pk;
	c.condition.range_n = 2;
	c.condition.range[0].op = EXPR_OP_EQ;
	c.condition.range[0].lo = h;
	c.condition.range[1].op = EXPR_OP_GT;
	c.condition.range[1].lo = sk;
	for (size_t i = 0; i < fake.nrows; i++)
		if (is(&fake.row[i], "g", "a") && is(&fake.row[i], "pk", "x") && number_of(&fake.row[i], "h") == 1 &&
		    number_of(&fake.row[i], "sk") > 60) {
			first = n == 0 ? i : first;
			n++;
		}
	CHECK(n > 1);
	while (turn(&c))
		;
	saw(&c, first, n);
	client_end(&c);
	free((void *)g.p);
	free((void *)pk.p);
	free((void *)h.p);
	free((void *)sk.p);
	tear_down();
}

/* memds hears of both tables, whichever way they are found. */
TEST(both_tables_are_asked_for)
{
	struct client c = { .run = op_query_scan, .index = "global" };

	set_up_index("global");
	add("a", 10, 0);
	CHECK(!turn(&c));
	CHECK_INT(fake.refreshes, 2);
	fake.absent = true;
	CHECK(!turn(&c));
	CHECK_INT(fake.refreshes, 3);
	CHECK_INT(fake.fetches, 1);
	client_end(&c);
	tear_down();
}

/* The rows of an index are gone: its table's definition is outdated. */
TEST(an_index_that_has_gone)
{
	struct client c = { .run = op_query_scan, .index = "global" };

	set_up_index("global");
	fake.absent = true;
	fake.fail_from = 1;
	CHECK(!turn(&c));
	CHECK_INT(fake.again, 1);
	CHECK_INT(fake.refused, RESULT_STALE_SCHEMA);
	client_end(&c);
	tear_down();
}

static void scan_refused(const char *index, const char *select, bool consistent, const char *message)
{
	struct client c = { .run = op_query_scan, .index = index, .select = select, .consistent = consistent };

	CHECK(!turn(&c));
	buf_u8(&fake.message, 0);
	CHECK_INT(fake.refused, message != NULL ? RESULT_INVALID : RESULT_OK);
	CHECK_STR((const char *)fake.message.p, message != NULL ? message : "");
	client_end(&c);
}

TEST(what_is_not_there_is_looked_for_again)
{
	static const char *const names[] = { "none", "new", "old" };
	struct client c = { .run = op_query_scan };

	set_up_index("global");
	for (unsigned i = 0; i < 3; i++) {
		c.index = names[i];
		CHECK(!turn(&c));
		CHECK_INT(fake.again, i + 1);
	}
	CHECK_INT(fake.asked, 0);
	fake.fresh = true;
	scan_refused("none", NULL, true, "The table does not have the specified index: none");
	scan_refused("old", NULL, true, "The table does not have the specified index: old");
	scan_refused("new", NULL, true, "Cannot read from backfilling global secondary index: new");
	CHECK_INT(fake.again, 3);
	CHECK_INT(fake.asked, 0);
	tear_down();
}

TEST(capacity_of_indexes)
{
	struct client c = { .run = op_query_scan, .index = "global" };

	set_up_index("global");
	add("a", 10, 5000);
	CHECK(!turn(&c));
	CHECK(answered("\"CapacityUnits\":1.0,\"Table\":{\"CapacityUnits\":0.0},"
	               "\"GlobalSecondaryIndexes\":{\"global\":{\"CapacityUnits\":1.0}}"));
	client_end(&c);
	tear_down();
	set_up_index("local");
	c.index = "local";
	c.consistent = true;
	add("a", 10, 5000);
	fake.fetched_units = 3;
	CHECK(!turn(&c));
	CHECK(answered("\"CapacityUnits\":5.0,\"Table\":{\"CapacityUnits\":3.0},"
	               "\"LocalSecondaryIndexes\":{\"local\":{\"CapacityUnits\":2.0}}"));
	client_end(&c);
	tear_down();
}

TEST(what_an_index_cannot_do)
{
	set_up_index("global");
	scan_refused("global", NULL, true, "Consistent reads are not supported on global secondary indexes");
	scan_refused("global", "ALL_ATTRIBUTES", false,
	             "One or more parameter values were invalid: Select type ALL_ATTRIBUTES is not supported for global secondary "
	             "index global because its projection type is not ALL");
	scan_refused("global", "ALL_PROJECTED_ATTRIBUTES", false, NULL);
	scan_refused("global", "COUNT", false, NULL);
	tear_down();
	set_up_index("turned");
	scan_refused("turned", "ALL_ATTRIBUTES", false, NULL);
	tear_down();
	set_up_index("local");
	fake.fetch = true;
	scan_refused("local", "ALL_ATTRIBUTES", true, NULL);
	fake.fetch = false;
	scan_refused("local", NULL, true, NULL);
	scan_refused("local", "COUNT", true, NULL);
	tear_down();
}

/* Rows of an index may be small, and the items behind them large. */
TEST(what_is_fetched_fills_a_page)
{
	struct client c = { .run = op_query_scan, .index = "local", .select = "ALL_ATTRIBUTES" };

	set_up_index("local");
	fake.fetch = true;
	for (uint64_t i = 1; i <= 3; i++)
		add("a", 10 * i, 600000);
	cut(fake.row[1].key);
	cut(fake.row[2].key);
	CHECK(turn(&c));
	CHECK_INT(c.n, 2);
	CHECK(!turn(&c));
	saw(&c, 0, 3);
	client_end(&c);
	tear_down();
}

/* ExclusiveStartKey has the attributes of both keys, each once, and no others. */
TEST(where_a_page_of_an_index_starts)
{
	static const char *const starts[] = {
		"{\"g\":{\"S\":\"a\"},\"h\":{\"N\":\"1\"},\"pk\":{\"S\":\"a\"}}",
		"{\"g\":{\"S\":\"a\"},\"pk\":{\"S\":\"a\"},\"sk\":{\"N\":\"10\"}}",
		"{\"g\":{\"S\":\"a\"},\"h\":{\"S\":\"1\"},\"pk\":{\"S\":\"a\"},\"sk\":{\"N\":\"10\"}}",
		"{\"g\":{\"S\":\"\"},\"h\":{\"N\":\"1\"},\"pk\":{\"S\":\"a\"},\"sk\":{\"N\":\"10\"}}",
		"{\"g\":{\"S\":\"a\"},\"h\":{\"N\":\"1\"},\"pk\":{\"S\":\"a\"},\"sk\":{\"N\":\"10\"},\"v\":{\"N\":\"1\"}}",
		"{\"g\":{\"S\":\"a\"},\"h\":{\"N\":\"1\"},\"pk\":{\"S\":\"a\"},\"sk\":{\"N\":\"10\"}}",
	};
	size_t n = sizeof starts / sizeof starts[0];

	set_up_index("global");
	add("a", 10, 0);
	for (size_t i = 0; i < n; i++) {
		struct client c = { .run = op_query_scan, .index = "global" };

		c.start = index_item(starts[i]);
		CHECK(!turn(&c));
		CHECK_INT(fake.refused, i + 1 < n ? RESULT_INVALID : RESULT_OK);
		CHECK_INT(c.n, 0);
		client_end(&c);
	}
	tear_down();
}

CHECK_MAIN(X(a_key_of_many_attributes) X(both_tables_are_asked_for) X(an_index_that_has_gone)
	   X(what_is_not_there_is_looked_for_again) X(capacity_of_indexes) X(what_an_index_cannot_do)
	   X(what_is_fetched_fills_a_page) X(where_a_page_of_an_index_starts))
