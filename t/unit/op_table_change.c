/* cmd/ddb-router/op_table_change.c: UpdateTable, from a definition and a request to a change or a refusal. */
#include <stdlib.h>

#include "check.h"
#include "cmd/ddb-router/op_table_change.h"
#include "cmd/ddb-router/op_table_units.h"
#include "mem.h"

#define HOUR_MS 3600000u
#define NOW 1764000000000u                       /* 2025-11-24 16:00 UTC */

static struct router router = { .region = "us-east-1" };

struct fixture {
	struct api_req *q;
	struct op_table_spec *s;
	struct item_build b;
	struct buf old, err;
	uint64_t now_ms;
};

static void begin(struct fixture *f, uint64_t read, uint64_t write)
{
	struct table t = {
		.id = 1000, .version = 3, .schema = 1, .name = BYTES_LIT("orders"), .status = TABLE_ACTIVE,
		.billing = read > 0 ? TABLE_PROVISIONED : TABLE_PAY_PER_REQUEST, .read_units = read, .write_units = write,
		.key = { .part = { { BYTES_LIT("pk"), ITEM_S } }, .n = 1, .hash_n = 1 }, .created_ms = NOW - HOUR_MS,
	};

	*f = (struct fixture){ .q = mem_new(sizeof *f->q), .now_ms = NOW };
	f->q->r = &router;
	f->q->m[API_TABLE_NAME] = (struct api_value){ true, BYTES_LIT("orders"), 0 };
	f->s = op_table_spec_of(f->q);
	item_build_init(&f->b);
	table_build(&f->b, &t);
	buf_bytes(&f->old, item_build_view(&f->b));
}

static void end(struct fixture *f)
{
	free(f->q->own);
	free(f->q);
	item_build_fini(&f->b);
	buf_fini(&f->old);
	buf_fini(&f->err);
}

/* The next request of the same fixture. */
static void again(struct fixture *f)
{
	memset(f->q->m, 0, sizeof f->q->m);
	memset(f->s, 0, sizeof *f->s);
	f->q->m[API_TABLE_NAME] = (struct api_value){ true, BYTES_LIT("orders"), 0 };
	buf_clear(&f->err);
}

static void give(struct fixture *f, enum api_member m, const char *s)
{
	f->q->m[m] = (struct api_value){ true, bytes_str(s), 0 };
}

static void units(struct fixture *f, int64_t read, int64_t write)
{
	f->q->m[API_PROVISIONED_THROUGHPUT].given = true;
	f->s->t.read = (struct op_table_number){ true, read };
	f->s->t.write = (struct op_table_number){ true, write };
}

static enum result ask(struct fixture *f)
{
	op_table_change_test(f->q, &f->err);
	return f->err.n > 0 ? RESULT_INVALID : op_table_change(f->q, buf_view(&f->old), f->now_ms, &f->b, &f->err);
}

static void refused(struct fixture *f, const char *text)
{
	enum result r = ask(f);

	CHECK(r == RESULT_INVALID || r == RESULT_LIMIT);
	buf_u8(&f->err, 0);
	if (strstr((const char *)f->err.p, text) == NULL)
		CHECK_STR((const char *)f->err.p, text);
}

/* Makes the change, as autoadmin would. */
static struct op_table_settings done(struct fixture *f)
{
	struct item_build b;
	struct item_iter it;
	struct bytes name, change;
	struct value v, ignored;

	CHECK_INT(ask(f), RESULT_OK);
	change = item_build_view(&f->b);
	item_build_init(&b);
	item_build_item(&b);
	for (it = item_iter(buf_view(&f->old)); item_next_pair(&it, &name, &v);)
		if (!item_get(change, name, &ignored))
			item_build_name(&b, name), item_build_raw(&b, v.raw);
	for (it = item_iter(change); item_next_pair(&it, &name, &v);)
		if (v.tag != ITEM_NULL)
			item_build_name(&b, name), item_build_raw(&b, v.raw);
	CHECK(item_build_close(&b));
	buf_clear(&f->old);
	buf_bytes(&f->old, item_build_view(&b));
	item_build_fini(&b);
	again(f);
	return op_table_settings_of(buf_view(&f->old), f->now_ms);
}

static bool has(const struct fixture *f, const char *name, struct value *v)
{
	return item_get(buf_view(&f->old), bytes_str(name), v);
}

TEST(throughput_goes_up_and_down)
{
	struct op_table_settings t;
	struct fixture f;

	begin(&f, 5, 5);
	units(&f, 5, 5);
	refused(&f, "The provisioned throughput for the table will not change. The requested value equals the current value. Current "
		    "ReadCapacityUnits provisioned for the table: 5. Requested ReadCapacityUnits: 5. Current WriteCapacityUnits provisioned "
		    "for the table: 5. Requested WriteCapacityUnits: 5. Refer to");
	again(&f);
	units(&f, 9, 5);
	t = done(&f);
	CHECK(t.read == 9 && t.write == 5 && t.increased_ms == NOW && t.decreased_ms == 0 && t.decreases == 0 && t.warm_read == 9);
	f.now_ms += 1000;
	units(&f, 2, 7);
	t = done(&f);
	CHECK(t.read == 2 && t.write == 7 && t.increased_ms == NOW + 1000 && t.decreased_ms == NOW + 1000 && t.decreases == 1);
	CHECK(t.warm_read == 9 && t.warm_write == 7);
	end(&f);
}

TEST(decreases_are_limited)
{
	struct op_table_settings t;
	struct fixture f;

	begin(&f, 50, 50);
	for (int i = 1; i <= OP_TABLE_DECREASES_MAX; i++) {
		units(&f, 50 - i, 50);
		t = done(&f);
		CHECK_INT(t.decreases, i);
	}
	f.now_ms += HOUR_MS - 1;
	units(&f, 10, 60);
	refused(&f, "Subscriber limit exceeded: Provisioned throughput decreases are limited within a given UTC day. After the first 4 decreases, "
		    "each subsequent decrease in the same UTC day can be performed at most once every 3600 seconds. Number of decreases today: 4. "
		    "Last decrease at Monday, November 24, 2025 at 4:00:00 PM Coordinated Universal Time. Next decrease can be made at Monday, "
		    "November 24, 2025 at 5:00:00 PM Coordinated Universal Time");
	again(&f);
	units(&f, 60, 60);
	CHECK_INT(ask(&f), RESULT_OK);
	f.now_ms++;
	again(&f);
	units(&f, 10, 10);
	t = done(&f);
	CHECK_INT(t.decreases, 5);
	f.now_ms += 8 * HOUR_MS;                         /* another day */
	CHECK_INT(op_table_settings_of(buf_view(&f.old), f.now_ms).decreases, 0);
	units(&f, 9, 9);
	CHECK_INT(done(&f).decreases, 1);
	end(&f);
}

TEST(billing_changes_both_ways)
{
	struct op_table_settings t;
	struct fixture f;
	struct value v;

	begin(&f, 5, 5);
	give(&f, API_BILLING_MODE, "PAY_PER_REQUEST");
	t = done(&f);
	CHECK(t.on_demand && t.read == 0 && t.write == 0 && t.warm_read == 12000 && t.warm_write == 4000);
	CHECK(op_table_settings_time(buf_view(&f.old), "LastUpdateToPayPerRequestDateTime") == NOW);
	f.now_ms += 1000;
	give(&f, API_BILLING_MODE, "PAY_PER_REQUEST");
	done(&f);
	CHECK(op_table_settings_time(buf_view(&f.old), "LastUpdateToPayPerRequestDateTime") == NOW);
	units(&f, 5, 5);
	refused(&f, "One or more parameter values were invalid: Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode "
		    "is PAY_PER_REQUEST");
	again(&f);
	f.q->m[API_ON_DEMAND_THROUGHPUT].given = true;
	f.s->t.max_read = (struct op_table_number){ true, 100 };
	CHECK(done(&f).max_read == 100);
	give(&f, API_BILLING_MODE, "PROVISIONED");
	units(&f, 7, 8);
	t = done(&f);
	CHECK(!t.on_demand && t.read == 7 && t.write == 8 && t.max_read == 0 && t.warm_read == 12000 && t.increased_ms == NOW + 1000);
	CHECK(!has(&f, "OnDemandThroughput", &v) && has(&f, "LastUpdateToPayPerRequestDateTime", &v));
	end(&f);
}

TEST(what_never_was_provisioned_was_on_demand_since_it_was_made)
{
	struct fixture f;

	begin(&f, 0, 0);
	give(&f, API_BILLING_MODE, "PROVISIONED");
	units(&f, 1, 1);
	done(&f);
	CHECK(op_table_settings_time(buf_view(&f.old), "LastUpdateToPayPerRequestDateTime") == NOW - HOUR_MS);
	end(&f);
}

TEST(members_that_do_not_go_together)
{
	static const struct {
		enum api_member one, two;
		const char *text;
	} pairs[] = {
		{ API_SSE, API_TABLE_CLASS, "Server-Side Encryption modification must be the only operation in the request" },
		{ API_TABLE_CLASS, API_DELETION_PROTECTION, "TableClass modification must be the only operation in the request" },
		{ API_DELETION_PROTECTION, API_BILLING_MODE, "DeletionProtection modification must be the only operation in the request" },
		{ API_WARM_THROUGHPUT, API_STREAM, "WarmThroughput must be the only operation in the request" },
		{ API_ON_DEMAND_THROUGHPUT, API_STREAM, "OnDemandThroughput can only be combined with BillingMode in an UpdateTable request" },
		{ API_STREAM, API_PROVISIONED_THROUGHPUT, "You cannot modify stream status while updating table IOPS" },
		{ API_REPLICA_UPDATES, API_STREAM, "Replica modification must be the only operation in the request" },
	};
	struct fixture f;

	begin(&f, 5, 5);
	refused(&f, "At least one of ProvisionedThroughput, BillingMode, UpdateStreamEnabled, GlobalSecondaryIndexUpdates, SSESpecification,");
	again(&f);
	give(&f, API_BILLING_MODE, "PROVISIONED");
	refused(&f, "ProvisionedThroughput must be specified when BillingMode is PROVISIONED");
	again(&f);
	give(&f, API_BILLING_MODE, "PAY_PER_REQUEST");
	units(&f, 1, 1);
	refused(&f, "ProvisionedThroughput cannot be specified when BillingMode is PAY_PER_REQUEST");
	for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
		again(&f);
		give(&f, pairs[i].one, "");
		give(&f, pairs[i].two, "");
		refused(&f, pairs[i].text);
	}
	end(&f);
}

TEST(limits_are_merged_and_cleared)
{
	struct op_table_settings t;
	struct fixture f;
	struct value v;

	begin(&f, 0, 0);
	give(&f, API_ON_DEMAND_THROUGHPUT, "");
	f.s->t.max_read = (struct op_table_number){ true, 100 };
	done(&f);
	give(&f, API_ON_DEMAND_THROUGHPUT, "");
	f.s->t.max_write = (struct op_table_number){ true, 50 };
	t = done(&f);
	CHECK(t.max_read == 100 && t.max_write == 50);
	give(&f, API_ON_DEMAND_THROUGHPUT, "");
	f.s->t.max_read = f.s->t.max_write = (struct op_table_number){ true, -1 };
	done(&f);
	CHECK(!has(&f, "OnDemandThroughput", &v));
	give(&f, API_ON_DEMAND_THROUGHPUT, "");
	f.s->t.max_write = (struct op_table_number){ true, 0 };
	refused(&f, "Requested MaxWriteRequestUnits for OnDemandThroughput for table is outside of valid range");
	end(&f);
	begin(&f, 5, 5);
	give(&f, API_ON_DEMAND_THROUGHPUT, "");
	f.s->t.max_read = (struct op_table_number){ true, 100 };
	refused(&f, "MaxReadRequestUnits for OnDemandThroughput cannot be specified when the table BillingMode is PROVISIONED");
	end(&f);
}

TEST(warm_throughput_only_grows)
{
	struct op_table_settings t;
	struct fixture f;

	begin(&f, 0, 0);
	give(&f, API_WARM_THROUGHPUT, "");
	f.s->t.warm_read = (struct op_table_number){ true, 13000 };
	t = done(&f);
	CHECK(t.warm_read == 13000 && t.warm_write == 4000);
	give(&f, API_WARM_THROUGHPUT, "");
	f.s->t.warm_write = (struct op_table_number){ true, 3999 };
	refused(&f, "Requested WriteUnitsPerSecond for WarmThroughput for table is lower than current WarmThroughput, decreasing WarmThroughput is "
		    "not supported");
	end(&f);
}

TEST(streams_are_switched)
{
	struct fixture f;
	struct value v, label;

	begin(&f, 5, 5);
	give(&f, API_STREAM, "");
	refused(&f, "Table has no stream to disable: TableName: orders");
	again(&f);
	give(&f, API_STREAM, "");
	f.s->stream = true;
	refused(&f, "If stream is being enabled then UpdateViewType is required");
	again(&f);
	give(&f, API_STREAM, "");
	f.s->stream = true;
	f.s->view = BYTES_LIT("NEW_IMAGE");
	done(&f);
	CHECK(has(&f, "StreamSpecification", &v) && v.tag == ITEM_M && has(&f, "LatestStreamLabel", &label));
	CHECK(bytes_is(label.body, "2025-11-24T16:00:00.000"));
	give(&f, API_STREAM, "");
	f.s->stream = true;
	f.s->view = BYTES_LIT("KEYS_ONLY");
	refused(&f, "Table already has an enabled stream: TableName: orders");
	again(&f);
	give(&f, API_STREAM, "");
	f.s->view = BYTES_LIT("NEW_IMAGE");
	refused(&f, "If stream is being disabled, then UpdateViewType must not be specified");
	again(&f);
	give(&f, API_STREAM, "");
	done(&f);
	CHECK(!has(&f, "StreamSpecification", &v) && has(&f, "LatestStreamLabel", &label));
	end(&f);
}

TEST(keys_come_and_go)
{
	struct fixture f;
	struct value v, arn;

	begin(&f, 5, 5);
	give(&f, API_SSE, "");
	refused(&f, "Table is already encrypted by default");
	again(&f);
	give(&f, API_SSE, "");
	f.s->sse_given = f.s->sse = true;
	f.s->sse_key = BYTES_LIT("alias/mine");
	refused(&f, "SSEType KMS is required if KMSMasterKeyId is specified");
	again(&f);
	give(&f, API_SSE, "");
	f.s->sse_given = f.s->sse = true;
	f.s->sse_type = BYTES_LIT("AES256");
	refused(&f, "SSEType AES256 is not supported");
	again(&f);
	give(&f, API_SSE, "");
	f.s->sse_given = true;
	f.s->sse_type = BYTES_LIT("KMS");
	refused(&f, "SSEType can not be specified if Enabled is false");
	again(&f);
	give(&f, API_SSE, "");
	f.s->sse_given = f.s->sse = true;
	f.s->sse_type = BYTES_LIT("KMS");
	f.s->sse_key = BYTES_LIT("1234");
	done(&f);
	CHECK(has(&f, "SSEDescription", &v) && item_get(v.body, BYTES_LIT("KMSMasterKeyArn"), &arn));
	CHECK(bytes_is(arn.body, "arn:aws:kms:us-east-1:000000000000:key/1234"));
	give(&f, API_SSE, "");
	f.s->sse_given = f.s->sse = true;
	f.s->sse_type = BYTES_LIT("KMS");
	f.s->sse_key = BYTES_LIT("arn:aws:kms:us-east-1:000000000000:key/1234");
	refused(&f, "Table is already encrypted with given KMSMasterKeyId");
	again(&f);
	give(&f, API_SSE, "");
	f.s->sse_given = true;
	done(&f);
	CHECK(!has(&f, "SSEDescription", &v));
	end(&f);
}

TEST(class_and_protection)
{
	struct fixture f;
	struct value v;

	begin(&f, 5, 5);
	give(&f, API_TABLE_CLASS, "STANDARD");
	done(&f);
	CHECK(!has(&f, "TableClass", &v));
	give(&f, API_TABLE_CLASS, "STANDARD_INFREQUENT_ACCESS");
	done(&f);
	CHECK(has(&f, "TableClass", &v) && op_table_settings_time(buf_view(&f.old), "TableClassDateTime") == NOW);
	give(&f, API_DELETION_PROTECTION, "");
	f.q->m[API_DELETION_PROTECTION].i = 1;
	done(&f);
	CHECK(has(&f, "DeletionProtectionEnabled", &v) && v.tag == ITEM_TRUE);
	end(&f);
}

TEST(attributes_are_those_of_the_key)
{
	struct fixture f;

	begin(&f, 5, 5);
	units(&f, 6, 6);
	f.s->definition[0] = (struct op_table_pair){ BYTES_LIT("pk"), BYTES_LIT("S") };
	f.s->definitions = 1;
	done(&f);
	units(&f, 7, 7);
	f.s->definition[0] = (struct op_table_pair){ BYTES_LIT("other"), BYTES_LIT("S") };
	f.s->definitions = 1;
	refused(&f, "Some AttributeDefinitions are not used. AttributeDefinitions: [other], keys used: [pk]");
	end(&f);
}

#define TESTS(X)                                                                                                       \
	X(throughput_goes_up_and_down) X(decreases_are_limited) X(billing_changes_both_ways)                           \
	X(what_never_was_provisioned_was_on_demand_since_it_was_made) X(members_that_do_not_go_together)               \
	X(limits_are_merged_and_cleared) X(warm_throughput_only_grows) X(streams_are_switched) X(keys_come_and_go)     \
	X(class_and_protection) X(attributes_are_those_of_the_key)

CHECK_MAIN(TESTS(CHECK_ONE))
