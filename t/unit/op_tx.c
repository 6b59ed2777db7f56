/* Transactions over a fake of the nodes. */
#include "cmd/ddb-router/op_tx.h"
#include "op_tx_fake.h"

/* --- requests ----------------------------------------------------------------------------------------------------- */

static void set_up(void)
{
	static const char *const names[] = { "one", "two" };

	memset(&fake, 0, sizeof fake);
	fake.router.hasher = key_hasher_new();
	fake.router.loop = uv_default_loop();
	item_build_init(&fake.build);
	for (size_t i = 0; i < 2; i++) {
		fake.table[i].table.name = bytes_str(names[i]);
		fake.table[i].table.id = 5 + i;
		fake.table[i].table.status = TABLE_ACTIVE;
		fake.table[i].table.key = (struct key_schema){ .part = { { BYTES_LIT("pk"), ITEM_S } }, .n = 1, .hash_n = 1 };
	}
	fake.ledger.table.status = TABLE_ACTIVE;
	fake.ledger.table.id = 4;
	fake.ledger.table.key = fake.table[0].table.key;
}

static void clear_rows(void)
{
	for (size_t i = 0; i < ROWS_MAX; i++) {
		free((void *)fake.row[i].key.p);
		free((void *)fake.row[i].item.p);
		fake.row[i] = (struct row){ .key = BYTES_NONE };
	}
}

static unsigned rows(void)
{
	unsigned n = 0;

	for (size_t i = 0; i < ROWS_MAX; i++)
		n += fake.row[i].item.p != NULL;
	return n;
}

static void tear_down(void)
{
	CHECK_INT(fake.router.held_bytes, 0);
	CHECK_INT(fake.router.tx_behind, 0);
	CHECK_INT(fake.table[0].refs, 0);
	CHECK_INT(fake.table[1].refs, 0);
	CHECK_INT(fake.ledger.refs, 0);
	clear_rows();
	key_hasher_free(fake.router.hasher);
	item_build_fini(&fake.build);
	buf_fini(&fake.out);
	buf_fini(&fake.message);
}

/* Everything until nothing is under way, behind the client's back too; backwards: the newest call first. */
static void pump(bool backwards)
{
	while (fake.served < fake.ncalls || !fake.ended) {
		if (fake.served == fake.ncalls) {
			uv_run(fake.router.loop, UV_RUN_ONCE);
			continue;
		}
		if (backwards) {
			struct call_request last = fake.call[fake.ncalls - 1];
			struct route_table *t = fake.call_table[fake.ncalls - 1];

			memmove(&fake.call[fake.served + 1], &fake.call[fake.served], (fake.ncalls - 1 - fake.served) * sizeof last);
			memmove(&fake.call_table[fake.served + 1], &fake.call_table[fake.served],
			        (fake.ncalls - 1 - fake.served) * sizeof t);
			fake.call[fake.served] = last;
			fake.call_table[fake.served] = t;
		}
		serve_one(fake.served++);
	}
	uv_run(fake.router.loop, UV_RUN_NOWAIT);
}

static void request(const char *op, const char *body, bool backwards)
{
	struct api_op row = { .name = op, .read = op_tx_read };
	struct api_req *q = mem_new(sizeof *q);
	bool get = strcmp(op, "TransactGetItems") == 0;

	row.run = get ? op_tx_get : op_tx_write;
	row.members = get ? op_tx_get_members : op_tx_write_members;
	q->op = &row;
	q->r = &fake.router;
	fake.router.region = "us-east-1";
	q->deadline_ms = clock_ms() + (fake.patience_ms > 0 ? fake.patience_ms : ROUTER_DEADLINE_MS);
	item_build_init(&q->item);
	item_build_init(&q->value);
	json_read_init(&q->json, BYTES_NONE, JSON_DEPTH_MAX);
	fake.ended = false;
	fake.ncalls = fake.served = 0;
	fake.n_ledger = fake.n_prepare = fake.n_finish = fake.n_commit = fake.n_get = 0;
	fake.refused = RESULT_OK;
	buf_clear(&fake.message);
	buf_clear(&fake.out);
	if (api_parse(q, bytes_str(body)))
		row.run(q);
	pump(backwards);
	CHECK(fake.ended);
	json_read_fini(&q->json);
	item_build_fini(&q->item);
	item_build_fini(&q->value);
	expr_subst_fini(&q->subst);
	buf_fini(&q->values);
	buf_fini(&q->failed);
	buf_fini(&q->invalid);
	free(q);
}

static void answered(const char *json)
{
	buf_u8(&fake.out, 0);
	CHECK_INT(fake.refused, RESULT_OK);
	CHECK_STR((const char *)fake.out.p, json);
}

static void refused(enum result result, const char *message)
{
	buf_u8(&fake.message, 0);
	CHECK_INT(fake.refused, result);
	CHECK_STR((const char *)fake.message.p, message);
}

static void write_items(const char *items, const char *rest)
{
	struct buf b = { 0 };

	buf_fmt(&b, "{\"TransactItems\":[%s]%s}", items, rest);
	buf_u8(&b, 0);
	request("TransactWriteItems", (const char *)b.p, false);
	buf_fini(&b);
}

static void get_items(const char *items, const char *rest)
{
	struct buf b = { 0 };

	buf_fmt(&b, "{\"TransactItems\":[%s]%s}", items, rest);
	buf_u8(&b, 0);
	request("TransactGetItems", (const char *)b.p, true);
	buf_fini(&b);
}

static struct bytes small_item(void)
{
	struct item_build *b = &fake.build;

	item_build_reset(b);
	item_build_item(b);
	item_build_name(b, BYTES_LIT("pk")), item_build_s(b, BYTES_LIT("x"));
	item_build_close(b);
	return bytes_copy(item_build_view(b));
}

#define K(k) "{\"pk\":{\"S\":\"" k "\"}}"
#define PUT(t, k) "{\"Put\":{\"TableName\":\"" t "\",\"Item\":" K(k) "}}"
#define DELETE(t, k) "{\"Delete\":{\"TableName\":\"" t "\",\"Key\":" K(k) "}}"
#define UPDATE(t, k) "{\"Update\":{\"TableName\":\"" t "\",\"Key\":" K(k) ",\"UpdateExpression\":\"SET a = :a\"," \
	"\"ExpressionAttributeValues\":{\":a\":{\"N\":\"1\"}}}}"
#define CHECKED(t, k) "{\"ConditionCheck\":{\"TableName\":\"" t "\",\"Key\":" K(k) "," \
	"\"ConditionExpression\":\"attribute_exists(pk)\",\"ReturnValuesOnConditionCheckFailure\":\"ALL_OLD\"}}"
#define GET(t, k) "{\"Get\":{\"TableName\":\"" t "\",\"Key\":" K(k) "}}"
#define ALL PUT("one", "k0") "," UPDATE("one", "k1") "," DELETE("two", "k2") "," CHECKED("two", "k3")
#define TOKEN ",\"ClientRequestToken\":\"t\""
#define CANCELLED "{\"type\":\"TransactionCanceledException\",\"Message\":\"Transaction cancelled, please refer " \
	"cancellation reasons for specific reasons ["
#define NONE "{\"Code\":\"None\"}"

/* --- tests -------------------------------------------------------------------------------------------------------- */

TEST(all_kinds_in_two_tables_are_committed)
{
	set_up();
	write_items(ALL, "");
	answered("{}");
	CHECK(fake.n_prepare >= 2 && fake.n_prepare <= 4);
	CHECK_INT(fake.n_finish, fake.n_prepare);
	CHECK_INT(fake.n_commit, fake.n_finish);
	CHECK_INT(fake.n_ledger, 3);
	CHECK_INT(rows(), 0);                            /* nobody can ask for it again */
	CHECK_INT(fake.refreshes, 3);
	tear_down();
}

TEST(a_token_is_remembered)
{
	uint8_t id[LEDGER_ID_N];

	set_up();
	write_items(ALL, TOKEN);
	answered("{}");
	CHECK_INT(rows(), 1);
	CHECK(attribute(row_of(fake.row[0].key)->item, LEDGER_UNTIL).tag == ITEM_N);
	memcpy(id, fake.id, sizeof id);
	write_items(ALL, TOKEN);
	answered("{}");
	CHECK_INT(fake.n_prepare, 0);
	CHECK_INT(fake.n_finish, 0);
	write_items(ALL, TOKEN ",\"ReturnConsumedCapacity\":\"TOTAL\"");
	answered("{\"ConsumedCapacity\":[{\"TableName\":\"one\",\"CapacityUnits\":4.0,\"ReadCapacityUnits\":4.0},"
	         "{\"TableName\":\"two\",\"CapacityUnits\":4.0,\"ReadCapacityUnits\":4.0}]}");
	write_items(PUT("one", "k0"), TOKEN);
	answered("{\"type\":\"IdempotentParameterMismatchException\",\"Message\":\"DynamoDB rejected the request because you "
	         "retried a request with a different payload but with an idempotent token that was already used.\"}");
	/* The same request in other words. */
	write_items(PUT("one", "k0") "," UPDATE("one", "k1") "," DELETE("two", "k2") ",{\"ConditionCheck\":{\"Key\":" K("k3") ","
	            "\"ConditionExpression\":\"attribute_exists(#p)\",\"ExpressionAttributeNames\":{\"#p\":\"pk\"},"
	            "\"TableName\":\"arn:aws:dynamodb:us-east-1:000000000000:table/two\","
	            "\"ReturnValuesOnConditionCheckFailure\":\"ALL_OLD\"}}", TOKEN);
	answered("{}");
	/* After ten minutes it is a new one. */
	change(&fake.row[0], LEDGER_COMMITTED, 1, clock_wall_us() / 1000000 - 1);
	write_items(PUT("one", "k0"), TOKEN);
	answered("{}");
	CHECK_INT(fake.n_prepare, 1);
	CHECK(memcmp(id, fake.id, sizeof id) != 0);
	tear_down();
}

TEST(a_row_not_done_is_finished_and_never_replaced)
{
	set_up();
	fake.no_finish = true;
	fake.patience_ms = 100;
	write_items(PUT("one", "k0") "," PUT("one", "k1"), TOKEN);
	refused(RESULT_UNKNOWN, "");
	CHECK(attribute(fake.row[0].item, LEDGER_UNTIL).tag == ITEM_NONE);
	CHECK(bytes_is(attribute(fake.row[0].item, LEDGER_STATE).body, LEDGER_COMMITTED));
	fake.no_finish = false;
	write_items(PUT("one", "k2"), TOKEN);
	CHECK(memmem(fake.out.p, fake.out.n, "IdempotentParameterMismatch", 27) != NULL);
	write_items(PUT("one", "k0") "," PUT("one", "k1"), TOKEN);
	answered("{}");
	CHECK_INT(fake.n_prepare, 0);
	CHECK(fake.n_commit > 0);
	CHECK(attribute(fake.row[0].item, LEDGER_UNTIL).tag == ITEM_N);
	tear_down();
}

TEST(a_running_one_is_in_progress_until_its_coordinator_is_lost)
{
	set_up();
	write_items(ALL, TOKEN);
	change(&fake.row[0], LEDGER_PENDING, clock_wall_us(), clock_wall_us() / 1000000 + 600);
	write_items(ALL, TOKEN);
	answered("{\"type\":\"TransactionInProgressException\",\"Message\":\"The transaction with the given request token is "
	         "already in progress.\"}");
	change(&fake.row[0], LEDGER_PENDING, clock_wall_us() - 4000000, clock_wall_us() / 1000000 + 600);
	write_items(ALL, TOKEN);
	answered("{}");
	CHECK(fake.n_prepare > 0);
	change(&fake.row[0], LEDGER_CANCELLED, clock_wall_us(), clock_wall_us() / 1000000 + 600);
	write_items(ALL, TOKEN);
	answered("{}");
	CHECK(fake.n_prepare > 0);
	tear_down();
}

TEST(reasons_are_positional)
{
	set_up();
	fake.item = small_item();
	fake.refuse[1] = RESULT_INVALID;
	fake.refuse[2] = RESULT_CONFLICT;
	fake.refuse[3] = RESULT_CONDITION_FAILED;
	write_items(ALL, TOKEN);
	answered(CANCELLED "None, ValidationError, TransactionConflict, ConditionalCheckFailed]\",\"CancellationReasons\":[" NONE ","
	         "{\"Code\":\"ValidationError\",\"Message\":\"why\"},"
	         "{\"Code\":\"TransactionConflict\",\"Message\":\"Transaction is ongoing for the item\"},"
	         "{\"Code\":\"ConditionalCheckFailed\",\"Message\":\"The conditional request failed\","
	         "\"Item\":{\"pk\":{\"S\":\"x\"}}}]}");
	CHECK_INT(fake.n_commit, 0);
	CHECK_INT(rows(), 0);
	/* Nothing was done, so the token is free, also for another request. */
	memset(fake.refuse, 0, sizeof fake.refuse);
	write_items(PUT("one", "k0"), TOKEN);
	answered("{}");
	free((void *)fake.item.p);
	tear_down();
}

TEST(only_shares_that_locked_are_let_go)
{
	set_up();
	fake.refuse[0] = RESULT_CONDITION_FAILED;
	write_items(PUT("one", "k0"), "");
	answered(CANCELLED "ConditionalCheckFailed]\",\"CancellationReasons\":[{\"Code\":\"ConditionalCheckFailed\","
	         "\"Message\":\"The conditional request failed\"}]}");
	CHECK_INT(fake.n_finish, 0);
	fake.refuse[0] = RESULT_CONDITION_FAILED;
	write_items(PUT("one", "k0") "," PUT("two", "k1"), "");
	CHECK_INT(fake.n_finish, 1);
	CHECK_INT(fake.n_commit, 0);
	memset(fake.refuse, 0, sizeof fake.refuse);
	fake.prepare_fails[0] = RESULT_INTERNAL;         /* perhaps it locked */
	write_items(PUT("one", "k0") "," PUT("two", "k1"), "");
	refused(RESULT_UNAVAILABLE, "");
	CHECK_INT(fake.n_finish, 2);
	fake.prepare_fails[0] = RESULT_UNKNOWN;          /* a leader went away: its successor is asked */
	write_items(PUT("one", "k0") "," PUT("two", "k1"), "");
	answered("{}");
	CHECK_INT(fake.n_prepare, 3);
	CHECK_INT(fake.n_commit, 2);
	fake.prepare_fails[0] = RESULT_INVALID;          /* the share as a whole */
	write_items(PUT("one", "k0") "," PUT("two", "k1"), "");
	answered(CANCELLED "ValidationError, None]\",\"CancellationReasons\":[{\"Code\":\"ValidationError\",\"Message\":\"whole\"},"
	         NONE "]}");
	fake.prepare_fails[0] = RESULT_THROTTLED;
	fake.table[0].table.billing = TABLE_PAY_PER_REQUEST;
	write_items(PUT("one", "k0") "," PUT("two", "k1"), "");
	CHECK(memmem(fake.out.p, fake.out.n, "[ThrottlingError, None]", 23) != NULL);
	fake.prepare_fails[0] = RESULT_OVERLOADED;
	write_items(PUT("one", "k0") "," PUT("two", "k1"), "");
	refused(RESULT_OVERLOADED, "");
	CHECK_INT(rows(), 0);
	tear_down();
}

TEST(an_item_written_later_asks_for_a_later_time)
{
	set_up();
	fake.refuse[0] = RESULT_CONFLICT;
	fake.conflicts = 1;
	fake.later = clock_wall_us() + 5000000;
	write_items(PUT("one", "k0"), "");
	answered("{}");
	CHECK_INT(fake.timestamp, fake.later);
	CHECK_INT(fake.n_prepare, 2);
	fake.conflicts = 1000;
	fake.later = 1;                                  /* not later at all: locked */
	write_items(PUT("one", "k0"), "");
	CHECK_INT(fake.n_prepare, 1);
	CHECK(memmem(fake.out.p, fake.out.n, "[TransactionConflict]", 21) != NULL);
	tear_down();
}

TEST(ledger_steps_are_tried_again_when_in_doubt)
{
	for (unsigned drop = 0; drop < 2; drop++) {
		for (unsigned step = 0; step < 3; step++) {
			set_up();
			fake.ledger_fails[step] = RESULT_UNKNOWN;
			fake.ledger_drops[step] = drop;
			write_items(ALL, TOKEN);
			answered("{}");
			CHECK(attribute(fake.row[0].item, LEDGER_UNTIL).tag == ITEM_N);
			CHECK_INT(fake.n_ledger, 4);
			tear_down();
		}
	}
}

TEST(what_the_ledger_does_not_say_is_unknown)
{
	set_up();
	for (size_t i = 1; i < 8; i++) {
		fake.ledger_fails[i] = i == 1 ? RESULT_UNKNOWN : RESULT_OVERLOADED;
		fake.ledger_drops[i] = true;
	}
	write_items(ALL, TOKEN);
	refused(RESULT_UNKNOWN, "");
	CHECK_INT(fake.n_finish, 0);                     /* neither way */
	tear_down();
	set_up();
	fake.ledger_fails[1] = RESULT_OVERLOADED;        /* certainly not committed */
	write_items(ALL, TOKEN);
	refused(RESULT_OVERLOADED, "");
	CHECK(fake.n_finish > 0);
	CHECK_INT(fake.n_commit, 0);
	fake.ledger_fails[1] = RESULT_OK;
	fake.ledger_fails[0] = RESULT_OVERLOADED;
	write_items(ALL, "");
	refused(RESULT_OVERLOADED, "");
	CHECK_INT(fake.n_prepare, 0);
	tear_down();
}

TEST(who_was_cancelled_by_others_commits_nothing)
{
	set_up();
	fake.ledger_cancels = true;
	write_items(ALL, TOKEN);
	refused(RESULT_UNAVAILABLE, "");
	CHECK(fake.n_finish > 0);
	CHECK_INT(fake.n_commit, 0);
	tear_down();
}

TEST(the_client_waits_until_its_items_have_changed)
{
	set_up();
	fake.finish_fails[0] = RESULT_UNAVAILABLE;
	fake.finish_fails[1] = RESULT_UNKNOWN;
	write_items(PUT("one", "k0"), "");
	answered("{}");
	CHECK_INT(fake.n_finish, 3);
	CHECK_INT(rows(), 0);
	fake.finish_fails[0] = RESULT_STALE_SCHEMA;      /* the table is gone, and its items with it */
	fake.finish_fails[1] = RESULT_OK;
	write_items(PUT("one", "k0"), "");
	answered("{}");
	CHECK_INT(fake.n_finish, 1);
	tear_down();
}

TEST(the_ledger_is_made_when_first_wanted)
{
	set_up();
	fake.absent = true;
	write_items(PUT("one", "k0"), "");
	answered("{}");
	CHECK_INT(fake.admins, 1);
	CHECK_INT(fake.fetches, 2);
	tear_down();
}

TEST(another_table_of_that_name_begins_anew)
{
	set_up();
	fake.prepare_fails[0] = RESULT_STALE_SCHEMA;
	write_items(PUT("one", "k0"), TOKEN);
	answered("{}");
	CHECK_INT(fake.n_prepare, 2);
	for (size_t i = 0; i < 8; i++)
		fake.prepare_fails[i] = RESULT_STALE_SCHEMA;
	write_items(PUT("one", "k0"), "");
	refused(RESULT_UNAVAILABLE, "");
	fake.get_fails[0] = RESULT_STALE_SCHEMA;
	get_items(GET("one", "k0"), "");
	answered("{\"Responses\":[{}]}");
	tear_down();
}

TEST(units_are_double)
{
	set_up();
	write_items(ALL, ",\"ReturnConsumedCapacity\":\"INDEXES\",\"ReturnItemCollectionMetrics\":\"SIZE\"");
	answered("{\"ConsumedCapacity\":[{\"TableName\":\"one\",\"CapacityUnits\":8.0,\"WriteCapacityUnits\":8.0,"
	         "\"Table\":{\"CapacityUnits\":8.0,\"WriteCapacityUnits\":8.0}},"
	         "{\"TableName\":\"two\",\"CapacityUnits\":8.0,\"WriteCapacityUnits\":8.0,"
	         "\"Table\":{\"CapacityUnits\":8.0,\"WriteCapacityUnits\":8.0}}]}");
	get_items(GET("one", "k0") "," GET("one", "k1"), ",\"ReturnConsumedCapacity\":\"TOTAL\"");
	answered("{\"Responses\":[{},{}],\"ConsumedCapacity\":[{\"TableName\":\"one\",\"CapacityUnits\":4.0,"
	         "\"ReadCapacityUnits\":4.0}]}");
	tear_down();
}

#define METRICS(k, gb) "{\"ItemCollectionKey\":" K(k) ",\"SizeEstimateRangeGB\":[0.0," gb "]}"

/* Groups 50 and 51 say that they have 12.5 and 12.75 GB. */
TEST(indexes_cost_as_much_again)
{
	set_up();
	index_define(&fake.table[0].indexes, INDEX_TWO);
	write_items(PUT("one", "k0") "," UPDATE("one", "k1") "," CHECKED("one", "k2") "," CHECKED("two", "k3"),
	            ",\"ReturnConsumedCapacity\":\"INDEXES\",\"ReturnItemCollectionMetrics\":\"SIZE\"");
	answered("{\"ConsumedCapacity\":[{\"TableName\":\"one\",\"CapacityUnits\":30.0,\"WriteCapacityUnits\":30.0,"
	         "\"Table\":{\"CapacityUnits\":12.0,\"WriteCapacityUnits\":12.0},"
	         "\"GlobalSecondaryIndexes\":{\"global\":{\"CapacityUnits\":18.0,\"WriteCapacityUnits\":18.0}}},"
	         "{\"TableName\":\"two\",\"CapacityUnits\":4.0,\"WriteCapacityUnits\":4.0,"
	         "\"Table\":{\"CapacityUnits\":4.0,\"WriteCapacityUnits\":4.0}}],"
	         "\"ItemCollectionMetrics\":{\"one\":[" METRICS("k0", "13.0") "," METRICS("k1", "13.0") "]}}");
	index_set_fini(&fake.table[0].indexes);
	tear_down();
}

/* The whole request, not an item's part in it. */
TEST(puts_that_no_index_can_hold_are_refused)
{
	set_up();
	index_define(&fake.table[0].indexes, INDEX_TWO);
	write_items(PUT("two", "k1") ",{\"Put\":{\"TableName\":\"one\",\"Item\":{\"pk\":{\"S\":\"k0\"},\"x\":{\"N\":\"1\"}}}}", "");
	refused(RESULT_INVALID, "One or more parameter values were invalid: Type mismatch for Index Key x Expected: S Actual: N "
	                        "IndexName: local");
	CHECK_INT(fake.n_ledger, 0);
	index_set_fini(&fake.table[0].indexes);
	tear_down();
}

TEST(reading_needs_two_equal_rounds)
{
	set_up();
	fake.item = small_item();
	get_items(GET("one", "k0") "," GET("two", "k1"), "");
	answered("{\"Responses\":[{\"Item\":{\"pk\":{\"S\":\"x\"}}},{\"Item\":{\"pk\":{\"S\":\"x\"}}}]}");
	CHECK_INT(fake.n_get, 4);
	get_items(GET("one", "k0"), "");
	CHECK_INT(fake.n_get, 1);                        /* one partition is one moment */
	fake.moves = 2;
	get_items(GET("one", "k0") "," GET("two", "k1"), "");
	answered("{\"Responses\":[{\"Item\":{\"pk\":{\"S\":\"x\"}}},{\"Item\":{\"pk\":{\"S\":\"x\"}}}]}");
	CHECK_INT(fake.n_get, 6);
	fake.moves = 0;
	fake.locks = 1;
	get_items(GET("one", "k1"), "");
	CHECK_INT(fake.n_get, 2);
	fake.locks = 1000;
	get_items(GET("one", "k1"), "");
	answered(CANCELLED "TransactionConflict]\",\"CancellationReasons\":[{\"Code\":\"TransactionConflict\","
	         "\"Message\":\"Transaction is ongoing for the item\"}]}");
	CHECK_INT(fake.n_get, OP_TX_ROUNDS_MAX);
	free((void *)fake.item.p);
	tear_down();
}

TEST(reading_is_bounded)
{
	struct buf items = { 0 };

	set_up();
	fake.item = small_item();
	fake.big = true;
	for (int i = 0; i < 14; i++)
		buf_fmt(&items, "%s" "{\"Get\":{\"TableName\":\"one\",\"Key\":{\"pk\":{\"S\":\"%d\"}}}}", i > 0 ? "," : "", i);
	buf_u8(&items, 0);
	get_items((const char *)items.p, "");
	refused(RESULT_INVALID, "Transaction size cannot exceed 4194304 bytes");
	fake.big = false;
	fake.router.held_bytes = ROUTER_HELD_BYTES_MAX;
	get_items(GET("one", "k0"), "");
	refused(RESULT_OVERLOADED, "");
	fake.router.held_bytes = 0;
	fake.get_fails[0] = RESULT_INVALID;              /* a node has no room for its answer */
	get_items(GET("one", "k0"), "");
	refused(RESULT_INVALID, "Transaction size cannot exceed 4194304 bytes");
	fake.get_fails[0] = RESULT_UNAVAILABLE;
	get_items(GET("one", "k0"), "");
	refused(RESULT_UNAVAILABLE, "");
	free((void *)fake.item.p);
	buf_fini(&items);
	tear_down();
}

#define CONSTRAINT "1 validation error detected: Value "

TEST(shapes_are_refused)
{
	static const struct { const char *op, *body, *message; } cases[] = {
		{ "W", "{}", CONSTRAINT "null at 'transactItems' failed to satisfy constraint: Member must not be null" },
		{ "G", "{}", CONSTRAINT "null at 'transactItems' failed to satisfy constraint: Member must not be null" },
		{ "W", "{\"TransactItems\":[]}", CONSTRAINT "'[]' at 'transactItems' failed to satisfy constraint: "
		  "Member must have length greater than or equal to 1" },
		{ "W", "{\"TransactItems\":[{}]}",
		  "Invalid Request: TransactWriteRequest should contain Delete or Put or Update request" },
		{ "G", "{\"TransactItems\":[{}]}", CONSTRAINT "null at 'transactItems.1.member.get' failed to satisfy constraint: "
		  "Member must not be null" },
		{ "W", "{\"TransactItems\":[{\"Get\":{\"TableName\":\"one\",\"Key\":" K("a") "}}]}",
		  "Invalid Request: TransactWriteRequest should contain Delete or Put or Update request" },
		{ "W", "{\"TransactItems\":[{\"Put\":{\"TableName\":\"one\",\"Item\":" K("a") "},\"Delete\":{\"TableName\":\"one\","
		  "\"Key\":" K("b") "}}]}", "TransactItems can only contain one of Check, Put, Update or Delete" },
		{ "W", "{\"TransactItems\":[" PUT("one", "a") ",{\"Put\":{}}]}",
		  "2 validation errors detected: Value null at 'transactItems.2.member.put.item' failed to satisfy constraint: "
		  "Member must not be null; Value null at 'transactItems.2.member.put.tableName' failed to satisfy constraint: "
		  "Member must not be null" },
		{ "W", "{\"TransactItems\":[{\"Update\":{\"TableName\":\"one\",\"Key\":" K("a") "}}]}",
		  CONSTRAINT "null at 'transactItems.1.member.update.updateExpression' failed to satisfy constraint: "
		  "Member must not be null" },
		{ "W", "{\"TransactItems\":[{\"ConditionCheck\":{\"TableName\":\"one\",\"Key\":" K("a") "}}]}",
		  CONSTRAINT "null at 'transactItems.1.member.conditionCheck.conditionExpression' failed to satisfy constraint: "
		  "Member must not be null" },
		{ "W", "{\"TransactItems\":[{\"Delete\":{\"TableName\":\"\",\"Key\":" K("a") "}}]}",
		  CONSTRAINT "'' at 'transactItems.1.member.delete.tableName' failed to satisfy constraint: "
		  "Member must have length greater than or equal to 1" },
		{ "G", "{\"TransactItems\":[{\"Get\":{\"TableName\":\"#ledger\",\"Key\":" K("a") "}}]}",
		  CONSTRAINT "'#ledger' at 'transactItems.1.member.get.tableName' failed to satisfy constraint: "
		  "Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+" },
		{ "W", "{\"TransactItems\":[{\"Delete\":{\"TableName\":\"one\",\"Key\":" K("a") ","
		  "\"ReturnValuesOnConditionCheckFailure\":\"NEW\"}}]}",
		  CONSTRAINT "'NEW' at 'transactItems.1.member.delete.returnValuesOnConditionCheckFailure' failed to satisfy "
		  "constraint: Member must satisfy enum value set: [ALL_OLD, NONE]" },
		{ "W", "{\"TransactItems\":[" PUT("one", "a") "],\"ClientRequestToken\":\"\"}",
		  CONSTRAINT "'' at 'clientRequestToken' failed to satisfy constraint: "
		  "Member must have length greater than or equal to 1" },
		{ "W", "{\"TransactItems\":[" PUT("one", "a") "],\"ClientRequestToken\":\"0123456789012345678901234567890123456\"}",
		  CONSTRAINT "'0123456789012345678901234567890123456' at 'clientRequestToken' failed to satisfy constraint: "
		  "Member must have length less than or equal to 36" },
		{ "W", "{\"TransactItems\":{}}", "SerializationException" },
		{ "W", "{\"TransactItems\":[1]}", "SerializationException" },
		{ "W", "{\"TransactItems\":[{\"Put\":{\"TableName\":1}}]}", "SerializationException" },
		{ "W", "{\"TransactItems\":[{\"Put\":{\"TableName\":\"one\"", "SerializationException" },
		{ "W", "{\"TransactItems\":[{\"Put\":{\"TableName\":\"one\",\"Item\":{\"pk\":{\"S\":\"a\"},\"n\":{\"N\":\"x\"}}}}]}",
		  "The parameter cannot be converted to a numeric value: x" },
		/* expressions */
		{ "W", "{\"TransactItems\":[{\"Delete\":{\"TableName\":\"one\",\"Key\":" K("a") ",\"ConditionExpression\":\"a =\"}}]}",
		  "Invalid ConditionExpression: Syntax error; token: \"<EOF>\", near: \"=\"" },
		{ "W", "{\"TransactItems\":[{\"Delete\":{\"TableName\":\"one\",\"Key\":" K("a") ",\"ConditionExpression\":"
		  "\"attribute_exists(a)\",\"ExpressionAttributeNames\":{\"#a\":\"b\"}}}]}",
		  "Value provided in ExpressionAttributeNames unused in expressions: keys: {#a}" },
		{ "W", "{\"TransactItems\":[{\"Put\":{\"TableName\":\"one\",\"Item\":" K("a") ",\"ExpressionAttributeNames\":"
		  "{\"#a\":\"b\"}}}]}",
		  "ExpressionAttributeNames can only be specified when using expressions: ConditionExpression is null" },
		{ "W", "{\"TransactItems\":[{\"Update\":{\"TableName\":\"one\",\"Key\":" K("a") ",\"UpdateExpression\":"
		  "\"SET pk = :a\",\"ExpressionAttributeValues\":{\":a\":{\"S\":\"b\"}}}}]}",
		  "One or more parameter values were invalid: Cannot update attribute pk. This attribute is part of the key" },
		{ "G", "{\"TransactItems\":[{\"Get\":{\"TableName\":\"one\",\"Key\":" K("a") ",\"ProjectionExpression\":\"\"}}]}",
		  "Invalid ProjectionExpression: The expression can not be empty;" },
		/* keys */
		{ "W", "{\"TransactItems\":[" PUT("one", "a") "," DELETE("two", "a") "," UPDATE("one", "a") "]}",
		  "Transaction request cannot include multiple operations on one item" },
		{ "G", "{\"TransactItems\":[" GET("one", "a") "," GET("one", "a") "]}",
		  "Transaction request cannot include multiple operations on one item" },
		{ "W", "{\"TransactItems\":[" PUT("one", "") "]}", "One or more parameter values are not valid. "
		  "The AttributeValue for a key attribute cannot contain an empty string value. Key: pk" },
		{ "W", "{\"TransactItems\":[" DELETE("one", "") "]}", "One or more parameter values were invalid: "
		  "The AttributeValue for a key attribute cannot contain an empty string value. Key: pk" },
	};

	set_up();
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		request(cases[i].op[0] == 'W' ? "TransactWriteItems" : "TransactGetItems", cases[i].body, false);
		refused(RESULT_INVALID, cases[i].message);
		CHECK_INT(fake.ncalls, 0);
	}
	write_items(PUT("three", "a"), "");
	refused(RESULT_NO_TABLE, "");
	fake.table[1].table.status = TABLE_CREATING;
	get_items(GET("two", "a"), "");
	refused(RESULT_NO_TABLE, "");
	CHECK_INT(fake.n_ledger, 0);
	tear_down();
}

TEST(keys_of_another_type_cancel)
{
	set_up();
	write_items(PUT("one", "a") ",{\"Put\":{\"TableName\":\"one\",\"Item\":{\"pk\":{\"N\":\"1\"}}}},"
	            "{\"Delete\":{\"TableName\":\"one\",\"Key\":{\"pk\":{\"N\":\"1\"}}}}", "");
	answered(CANCELLED "None, ValidationError, ValidationError]\",\"CancellationReasons\":[" NONE ","
	         "{\"Code\":\"ValidationError\",\"Message\":\"One or more parameter values were invalid: Type mismatch for key pk "
	         "expected: S actual: N\"},"
	         "{\"Code\":\"ValidationError\",\"Message\":\"The provided key element does not match the schema\"}]}");
	CHECK_INT(fake.ncalls, 0);
	tear_down();
}

static void many(unsigned n, size_t bytes, struct buf *out)
{
	buf_clear(out);
	for (unsigned i = 0; i < n; i++) {
		buf_fmt(out, "%s{\"Put\":{\"TableName\":\"one\",\"Item\":{\"pk\":{\"S\":\"%u\"},\"v\":{\"S\":\"", i > 0 ? "," : "", i);
		for (size_t k = 0; k < bytes; k++)
			buf_u8(out, 'x');
		buf_str(out, "\"}}}}");
	}
	buf_u8(out, 0);
}

TEST(limits_are_kept)
{
	struct buf items = { 0 };

	set_up();
	many(100, 0, &items);
	write_items((const char *)items.p, "");
	answered("{}");
	CHECK_INT(fake.n_prepare, 2);
	many(101, 0, &items);
	write_items((const char *)items.p, "");
	refused(RESULT_INVALID, CONSTRAINT "'[...]' at 'transactItems' failed to satisfy constraint: "
	        "Member must have length less than or equal to 100");
	many(10, 400000, &items);
	write_items((const char *)items.p, "");
	answered("{}");
	many(11, 400000, &items);
	write_items((const char *)items.p, "");
	refused(RESULT_INVALID, "Transaction request size cannot exceed 4194304 bytes");
	many(1, 410000, &items);
	write_items((const char *)items.p, "");
	refused(RESULT_INVALID, "Item size has exceeded the maximum allowed size");
	buf_fini(&items);
	tear_down();
}

CHECK_MAIN(X(all_kinds_in_two_tables_are_committed) X(a_token_is_remembered) X(a_row_not_done_is_finished_and_never_replaced)
	   X(a_running_one_is_in_progress_until_its_coordinator_is_lost) X(reasons_are_positional)
	   X(only_shares_that_locked_are_let_go) X(an_item_written_later_asks_for_a_later_time)
	   X(ledger_steps_are_tried_again_when_in_doubt) X(what_the_ledger_does_not_say_is_unknown)
	   X(who_was_cancelled_by_others_commits_nothing) X(the_client_waits_until_its_items_have_changed)
	   X(the_ledger_is_made_when_first_wanted) X(another_table_of_that_name_begins_anew) X(units_are_double) X(indexes_cost_as_much_again)
	   X(puts_that_no_index_can_hold_are_refused)
	   X(reading_needs_two_equal_rounds) X(reading_is_bounded) X(shapes_are_refused) X(keys_of_another_type_cancel)
	   X(limits_are_kept))
