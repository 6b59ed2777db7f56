/* cmd/ddb-autoadmin/tables_update.c: what a change makes of a definition. */
#include "cmd/ddb-autoadmin/autoadmin.h"
#include "check.h"

struct fixture {
	struct item_build old, change, b;
	struct table new;
};

/* A table of version 3, and an open change of it. */
static void begin(struct fixture *f)
{
	struct table t = {
		.id = 1000, .version = 3, .schema = 2, .name = BYTES_LIT("orders"), .status = TABLE_ACTIVE, .read_units = 5, .write_units = 5,
		.key = { .part = { { BYTES_LIT("pk"), ITEM_S } }, .n = 1, .hash_n = 1 }, .arn = BYTES_LIT("arn"),
	};

	*f = (struct fixture){ 0 };
	item_build_init(&f->old);
	item_build_init(&f->change);
	item_build_init(&f->b);
	table_build(&f->old, &t);
	item_build_item(&f->change);
}

static enum result change(struct fixture *f)
{
	CHECK(item_build_close(&f->change));
	return tables_change(&f->b, item_build_view(&f->old), item_build_view(&f->change), 9, &f->new);
}

static void end(struct fixture *f)
{
	table_fini(&f->new);
	item_build_fini(&f->old);
	item_build_fini(&f->change);
	item_build_fini(&f->b);
}

TEST(sets_and_keeps)
{
	struct fixture f;
	struct value v;

	begin(&f);
	item_build_name(&f.change, BYTES_LIT("BillingMode")), item_build_s(&f.change, BYTES_LIT("PAY_PER_REQUEST"));
	item_build_name(&f.change, BYTES_LIT("TableClass")), item_build_s(&f.change, BYTES_LIT("STANDARD"));
	CHECK_INT(change(&f), RESULT_OK);
	CHECK(f.new.id == 1000 && f.new.version == 9 && f.new.schema == 2 && bytes_is(f.new.name, "orders"));
	CHECK(f.new.billing == TABLE_PAY_PER_REQUEST && f.new.read_units == 5 && f.new.key.n == 1);
	CHECK(item_get(f.new.definition, BYTES_LIT("TableClass"), &v) && bytes_is(v.body, "STANDARD"));
	end(&f);
}

TEST(null_removes)
{
	struct fixture f;
	struct value v;

	begin(&f);
	item_build_name(&f.change, BYTES_LIT("ProvisionedThroughput")), item_build_null(&f.change);
	item_build_name(&f.change, BYTES_LIT("NeverThere")), item_build_null(&f.change);
	CHECK_INT(change(&f), RESULT_OK);
	CHECK(f.new.read_units == 0 && !item_get(f.new.definition, BYTES_LIT("ProvisionedThroughput"), &v));
	CHECK(!item_get(f.new.definition, BYTES_LIT("NeverThere"), &v));
	end(&f);
}

TEST(a_version_must_be_the_present_one)
{
	struct fixture f;

	begin(&f);
	item_build_name(&f.change, BYTES_LIT("Version")), item_build_u64(&f.change, 3);
	CHECK_INT(change(&f), RESULT_OK);
	CHECK(f.new.version == 9);
	end(&f);
	begin(&f);
	item_build_name(&f.change, BYTES_LIT("Version")), item_build_u64(&f.change, 2);
	CHECK_INT(change(&f), RESULT_STALE_SCHEMA);
	end(&f);
}

TEST(what_a_table_is_known_by_stays)
{
	static const char *const names[] = { "Id", "Schema", "TableName", "TableArn", "TableId", "KeySchema", "TableStatus" };

	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		struct fixture f;

		begin(&f);
		item_build_name(&f.change, bytes_str(names[i])), item_build_null(&f.change);
		CHECK_INT(change(&f), RESULT_INVALID);
		end(&f);
	}
}

TEST(what_is_no_definition_is_refused)
{
	struct fixture f;

	begin(&f);
	item_build_name(&f.change, BYTES_LIT("BillingMode")), item_build_s(&f.change, BYTES_LIT("FREE"));
	CHECK_INT(change(&f), RESULT_INVALID);
	end(&f);
	begin(&f);
	item_build_name(&f.change, BYTES_LIT("AttributeDefinitions")), item_build_null(&f.change);
	CHECK_INT(change(&f), RESULT_INVALID);
	end(&f);
}

#define TESTS(X)                                                                                                       \
	X(sets_and_keeps) X(null_removes) X(a_version_must_be_the_present_one) X(what_a_table_is_known_by_stays)       \
	X(what_is_no_definition_is_refused)

CHECK_MAIN(TESTS(CHECK_ONE))
