/* table: definitions as items. */
#include "table.h"

#include <stdlib.h>

#include "check.h"
#include "golden.h"
#include "mem.h"

static struct table sample(void)
{
	return (struct table){
		.id = 1000,
		.version = 3,
		.schema = 2,
		.name = BYTES_LIT("orders.2024-x_y"),
		.status = TABLE_ACTIVE,
		.billing = TABLE_PAY_PER_REQUEST,
		.key = { .part = { { BYTES_LIT("customer"), ITEM_S }, { BYTES_LIT("at"), ITEM_N } },
		         .n = 2, .hash_n = 1 },
		.created_ms = 1715000000120,
		.warm_read = 12000,
		.warm_write = 4000,
		.arn = BYTES_LIT("arn:aws:dynamodb:us-east-1:000000000000:table/orders.2024-x_y"),
	};
}

TEST(comes_back_as_it_was)
{
	struct item_build b;
	struct table t = sample(), u;

	item_build_init(&b);
	table_build(&b, &t);
	CHECK(item_build_ok(&b));
	CHECK(table_init(&u, item_build_view(&b)));
	CHECK(u.id == 1000 && u.version == 3 && u.schema == 2 && bytes_eq(u.name, t.name));
	CHECK(u.status == TABLE_ACTIVE && u.billing == TABLE_PAY_PER_REQUEST && u.created_ms == 1715000000120);
	CHECK(u.key.n == 2 && u.key.hash_n == 1 && bytes_is(u.key.part[1].name, "at") && u.key.part[1].tag == ITEM_N);
	CHECK(u.key.part[0].tag == ITEM_S && u.warm_read == 12000 && u.warm_write == 4000 && u.read_units == 0);
	CHECK(bytes_eq(u.arn, t.arn));
	table_build(&b, &u);
	CHECK(bytes_eq(item_build_view(&b), u.definition));
	table_fini(&u);
	item_build_fini(&b);
}

TEST(matches_the_golden_file)
{
	struct item_build b;
	struct table t = sample();
	struct buf text = { 0 };

	item_build_init(&b);
	table_build(&b, &t);
	golden_line(&text, "hash-and-range", item_build_view(&b));
	t.key.n = 1;
	t.key.part[0].tag = ITEM_B;
	t.billing = TABLE_PROVISIONED;
	t.status = TABLE_CREATING;
	t.read_units = 5;
	t.write_units = 7;
	t.warm_read = t.warm_write = 0;
	table_build(&b, &t);
	golden_line(&text, "hash", item_build_view(&b));
	CHECK(golden_same("t/golden/table-v1.txt", &text));
	buf_fini(&text);
	item_build_fini(&b);
}

TEST(passes_through_what_it_does_not_know)
{
	struct item_build b;
	struct table t = sample(), u;
	struct buf first = { 0 };
	struct value v;

	item_build_init(&b);
	table_build(&b, &t);
	buf_bytes(&first, item_build_view(&b));
	/* A later version's definition: one attribute more, and one more attribute defined. */
	item_build_reset(&b);
	item_build_item(&b);
	item_build_name(&b, BYTES_LIT("Later"));
	item_build_s(&b, BYTES_LIT("kept"));
	item_build_name(&b, BYTES_LIT("AttributeDefinitions"));
	item_build_open(&b, ITEM_L);
	for (int i = 0; i < 3; i++) {
		static const char *const names[] = { "other", "customer", "at" };

		item_build_open(&b, ITEM_M);
		item_build_name(&b, BYTES_LIT("AttributeName"));
		item_build_s(&b, bytes_str(names[i]));
		item_build_name(&b, BYTES_LIT("AttributeType"));
		item_build_s(&b, bytes_str(i == 2 ? "N" : "S"));
		item_build_close(&b);
	}
	item_build_close(&b);
	for (struct item_iter it = item_iter(buf_view(&first));;) {
		struct bytes name;

		if (!item_next_pair(&it, &name, &v))
			break;
		if (!bytes_is(name, "AttributeDefinitions")) {
			item_build_name(&b, name);
			item_build_raw(&b, v.raw);
		}
	}
	item_build_close(&b);
	CHECK(item_build_ok(&b));
	CHECK(table_init(&u, item_build_view(&b)));
	u.version = 4;
	u.status = TABLE_DELETING;
	table_build(&b, &u);
	CHECK(item_build_ok(&b));
	CHECK(item_get(item_build_view(&b), BYTES_LIT("Later"), &v) && bytes_is(v.body, "kept"));
	CHECK(item_get(item_build_view(&b), BYTES_LIT("AttributeDefinitions"), &v) && item_count(v.body) == 3);
	table_fini(&u);
	CHECK(table_init(&u, item_build_view(&b)) && u.version == 4 && u.status == TABLE_DELETING);
	table_fini(&u);
	buf_fini(&first);
	item_build_fini(&b);
}

static bool with_ttl(bool enabled, struct bytes attribute, struct bytes want)
{
	struct item_build b;
	struct table t = sample(), u;
	struct item_iter it;
	struct bytes name;
	struct value v;
	struct buf plain = { 0 };
	bool ok;

	item_build_init(&b);
	table_build(&b, &t);
	buf_bytes(&plain, item_build_view(&b));
	item_build_reset(&b);
	item_build_item(&b);
	for (it = item_iter(buf_view(&plain)); item_next_pair(&it, &name, &v);)
		item_build_name(&b, name), item_build_raw(&b, v.raw);
	item_build_name(&b, BYTES_LIT("TimeToLive")), item_build_open(&b, ITEM_M);
	item_build_name(&b, BYTES_LIT("AttributeName")), item_build_s(&b, attribute);
	item_build_name(&b, BYTES_LIT("Enabled")), item_build_bool(&b, enabled);
	item_build_close(&b);
	item_build_close(&b);
	ok = item_build_ok(&b) && table_init(&u, item_build_view(&b));
	if (ok) {
		CHECK(bytes_eq(u.ttl, want));
		table_fini(&u);
	}
	buf_fini(&plain);
	item_build_fini(&b);
	return ok;
}

TEST(knows_the_attribute_of_the_time_to_live)
{
	static const uint8_t letters[TABLE_TTL_MAX + 1] = { [0 ... TABLE_TTL_MAX] = 'a' };

	CHECK(with_ttl(true, BYTES_LIT("gone at"), BYTES_LIT("gone at")));
	CHECK(with_ttl(false, BYTES_LIT("gone at"), BYTES_NONE));
	CHECK(!with_ttl(true, BYTES_LIT(""), BYTES_NONE));
	CHECK(!with_ttl(true, (struct bytes){ letters, sizeof letters }, BYTES_NONE));
}

static bool reads(const struct table *t)
{
	struct item_build b;
	struct table u;
	bool ok;

	item_build_init(&b);
	table_build(&b, t);
	ok = item_build_ok(&b) && table_init(&u, item_build_view(&b));
	if (ok)
		table_fini(&u);
	else
		CHECK(u.definition.p == NULL);
	item_build_fini(&b);
	return ok;
}

#define REFUSED(change)                                                                                                \
	do {                                                                                                           \
		struct table t = sample();                                                                             \
		change;                                                                                                \
		CHECK(!reads(&t));                                                                                     \
	} while (0)

TEST(refuses_what_is_out_of_bounds)
{
	static const uint8_t letters[TABLE_NAME_MAX + 1] = { [0 ... TABLE_NAME_MAX] = 'a' };
	struct table good = sample(), u;

	CHECK(reads(&good));
	REFUSED(t.id = 0);
	REFUSED(t.version = 0);
	REFUSED(t.schema = 0);
	REFUSED(t.name = BYTES_LIT("../etc"));
	REFUSED(t.name = BYTES_NONE);
	REFUSED(t.name = BYTES_LIT("#"));
	REFUSED(t.name = BYTES_LIT("a#b"));
	REFUSED(t.name = ((struct bytes){ letters, sizeof letters }));
	REFUSED(t.key.n = 0);
	REFUSED(t.key.part[1].name = BYTES_LIT("customer"));
	REFUSED(t.key.part[1].name = BYTES_NONE);
	REFUSED(t.key.part[0].name = ((struct bytes){ letters, sizeof letters }));
	REFUSED(t.key.part[0].tag = ITEM_L);
	REFUSED(t.warm_read = TABLE_UNITS_MAX + 1);
	REFUSED(t.created_ms = UINT64_MAX);
	CHECK(!table_init(&u, BYTES_NONE));
	CHECK(!table_init(&u, ITEM_EMPTY));
	CHECK(!table_init(&u, BYTES_LIT("\x01\x02nonsense")));
}

TEST(our_own_tables_have_names_that_users_cannot_give)
{
	struct item_build b;
	struct table t = sample(), u;

	t.name = BYTES_LIT("#own");
	item_build_init(&b);
	table_build(&b, &t);
	CHECK(table_init(&u, item_build_view(&b)));
	CHECK(bytes_is(u.name, "#own"));
	CHECK(!table_name_ok(u.name));
	table_fini(&u);
	item_build_fini(&b);
}

/* Of a global index: its own key, then that of the items. */
TEST(our_own_tables_may_have_the_keys_of_an_index)
{
	static const struct key_schema key = {
		.part = { { BYTES_LIT("city"), ITEM_S }, { BYTES_LIT("at"), ITEM_N }, { BYTES_LIT("zip"), ITEM_B }, { BYTES_LIT("id"), ITEM_S },
		          { BYTES_LIT("a"), ITEM_S }, { BYTES_LIT("b"), ITEM_S }, { BYTES_LIT("c"), ITEM_S }, { BYTES_LIT("d"), ITEM_S },
		          { BYTES_LIT("id"), ITEM_S }, { BYTES_LIT("at"), ITEM_N } },
		.n = KEY_PARTS_MAX, .hash_n = KEY_HASH_PARTS_MAX,
	};
	struct item_build b;
	struct table t = sample(), u;
	struct value v;

	item_build_init(&b);
	t.key = key;
	CHECK(!reads(&t));
	t.name = BYTES_LIT("#17.3");
	table_build(&b, &t);
	CHECK(table_init(&u, item_build_view(&b)));
	CHECK(u.key.n == key.n && u.key.hash_n == key.hash_n);
	for (size_t i = 0; i < key.n; i++)
		CHECK(bytes_eq(u.key.part[i].name, key.part[i].name) && u.key.part[i].tag == key.part[i].tag);
	CHECK(item_get(u.definition, BYTES_LIT("AttributeDefinitions"), &v) && item_count(v.body) == 8);
	table_fini(&u);
	t.key.hash_n = KEY_HASH_PARTS_MAX + 1;
	CHECK(!reads(&t));
	t.key.hash_n = 1;
	CHECK(reads(&t));
	t.key.hash_n = 0;
	CHECK(!reads(&t));
	item_build_fini(&b);
}

TEST(keys_of_users_are_of_one_or_two_attributes)
{
	struct table t = sample();

	t.key.hash_n = 2;
	CHECK(!reads(&t));
	t.key.hash_n = 1;
	t.key.part[2] = (struct key_part){ BYTES_LIT("more"), ITEM_S };
	t.key.n = 3;
	CHECK(!reads(&t));
}

TEST(names_are_as_the_api_wants_them)
{
	CHECK(table_name_ok(BYTES_LIT("abc")) && table_name_ok(BYTES_LIT("A.b-c_9")));
	CHECK(!table_name_ok(BYTES_LIT("ab")) && !table_name_ok(BYTES_LIT("a/b")) && !table_name_ok(BYTES_LIT("a b")));
	CHECK(!table_name_ok(BYTES_LIT("a\0b")) && !table_name_ok(BYTES_LIT("\xc3\xa9tat")));
	CHECK_STR(table_status_name(TABLE_DELETING), "DELETING");
	CHECK_STR(table_billing_name(TABLE_PROVISIONED), "PROVISIONED");
}

CHECK_MAIN(X(comes_back_as_it_was)
X(matches_the_golden_file)
X(passes_through_what_it_does_not_know)
X(knows_the_attribute_of_the_time_to_live)
X(refuses_what_is_out_of_bounds)
X(our_own_tables_have_names_that_users_cannot_give)
X(our_own_tables_may_have_the_keys_of_an_index)
X(keys_of_users_are_of_one_or_two_attributes)
	   X(names_are_as_the_api_wants_them))
