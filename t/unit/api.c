/* api: ddb-router's operations against a cluster that does as the test says.  Covers cmd/ddb-router/api*.c, op_item.c, route.c, call.c. */
#include "api_fixture.h"
#include "check.h"
#include "expr_eval.h"

#define PUT "{\"TableName\":\"tab\",\"Item\":{\"pk\":{\"S\":\"a\"}}}"
#define GET "{\"TableName\":\"tab\",\"Key\":{\"pk\":{\"S\":\"a\"}},\"ConsistentRead\":true}"

/* A request that has its table in the cache from the start. */
static void warm(struct fixture *f)
{
	struct http_req req;

	ask(f, &req, "PutItem", PUT);
	memds_answers();
	node_answers(RESULT_OK, "", false);
	CHECK_INT(req.status, 200);
	done(&req);
}

static bool node_asked(void)
{
	return sent_find(MSG_write) != NULL || sent_find(MSG_get) != NULL;
}

static bool memds_asked(void)
{
	return sent_find(MSG_lookup) != NULL;
}

TEST(a_miss_waits_for_memds_and_a_hit_does_not)
{
	struct fixture f;
	struct http_req req;
	struct msg_write m;
	struct msg_op op;
	struct bytes part;

	setup(&f, 0);
	ask(&f, &req, "PutItem", PUT);
	CHECK(memds_asked() && !node_asked());
	memds_answers();
	CHECK(!memds_asked() && node_asked());
	CHECK(sent_find(MSG_write)->peer == cluster.node[0]);
	CHECK(msg_get_write(buf_view(&sent_find(MSG_write)->body), &m, MSG_VERSION));
	CHECK(m.group == 10 && m.table == 7 && m.schema == 1);
	CHECK(msg_list_next(&m.ops, &part) && msg_get_op(part, &op, MSG_VERSION) && m.ops.n == 0);
	CHECK(op.kind == MSG_OP_PUT && op.key.n > KEY_HASH_N && item_check(op.item) && op.condition.n == 0);
	node_answers(RESULT_OK, "", false);
	CHECK_INT(req.status, 200);
	CHECK_STR(body_of(&req), "{}");
	done(&req);

	ask(&f, &req, "PutItem", PUT);
	CHECK(memds_asked() && node_asked());
	CHECK_INT(cluster.n, 2);
	node_answers(RESULT_OK, "", false);
	CHECK_INT(req.status, 200);
	memds_answers();
	CHECK_INT(cluster.n, 0);
	CHECK_INT(req.answers, 1);
	done(&req);
	CHECK_INT(f.r.metrics.lookups.v, f.r.metrics.requests.v);
	teardown(&f);
}

TEST(a_refused_request_is_seen_by_memds_too)
{
	static const char *const bodies[] = {
		"{\"TableName\":\"tab\",\"Item\":{\"other\":{\"S\":\"a\"}}}",
		"{\"TableName\":\"tab\",\"Item\":{\"pk\":{\"S\":\"a\"}},\"ConditionExpression\":\"(\"}",
		"{\"TableName\":\"tab\",\"Item\":{\"pk\":{\"N\":\"1\"}}}",
	};
	struct fixture f;
	struct http_req req;

	setup(&f, 0);
	warm(&f);
	for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
		ask(&f, &req, "PutItem", bodies[i]);
		CHECK_INT(req.status, 400);
		CHECK_INT(cluster.n, 1);
		CHECK(memds_answers());
		done(&req);
	}
	teardown(&f);
}

TEST(without_a_good_signature_nothing_happens)
{
	struct fixture f;
	struct http_req req;

	setup(&f, 0);
	warm(&f);
	ask_as(&f, &req, "PutItem", BYTES_LIT(PUT), NULL);
	CHECK_INT(req.status, 400);
	CHECK(strstr(body_of(&req), "MissingAuthenticationToken") != NULL);
	done(&req);
	ask_as(&f, &req, "PutItem", BYTES_LIT(PUT), "guess");
	CHECK_INT(req.status, 400);
	CHECK(strstr(body_of(&req), "InvalidSignature") != NULL);
	done(&req);
	CHECK_INT(cluster.n, 0);
	CHECK_INT(f.r.metrics.requests.v, 1);
	teardown(&f);
}

TEST(a_write_follows_the_leader)
{
	struct fixture f;
	struct http_req req;

	setup(&f, 0);
	warm(&f);
	ask(&f, &req, "PutItem", PUT);
	CHECK(sent_find(MSG_write)->peer == cluster.node[0]);
	cluster.leader = 3;
	cluster.ballot = 6;
	node_answers(RESULT_NOT_LEADER, "", true);
	CHECK_INT(req.status, 0);
	CHECK(run_until(&f, node_asked));
	CHECK(sent_find(MSG_write)->peer == cluster.node[2]);
	node_answers(RESULT_OK, "", false);
	CHECK_INT(req.status, 200);
	done(&req);
	ask(&f, &req, "PutItem", PUT);
	CHECK(sent_find(MSG_write)->peer == cluster.node[2]);
	node_answers(RESULT_OK, "", false);
	done(&req);
	teardown(&f);
}

TEST(a_write_of_unknown_outcome_is_not_sent_again)
{
	struct fixture f;
	struct http_req req;

	setup(&f, 0);
	warm(&f);
	ask(&f, &req, "PutItem", PUT);
	sent_end(sent_find(MSG_write), NET_LOST, 0, NULL);
	CHECK_INT(req.status, 500);
	CHECK(strstr(body_of(&req), "#InternalServerError\"") != NULL);
	CHECK(!node_asked());
	CHECK_INT(f.r.metrics.unknown.v, 1);
	done(&req);
	teardown(&f);
}

TEST(what_was_not_carried_out_is_sent_again)
{
	struct fixture f;
	struct http_req req;

	setup(&f, 0);
	warm(&f);
	ask(&f, &req, "PutItem", PUT);
	sent_end(sent_find(MSG_write), NET_UNSENT, 0, NULL);
	CHECK(run_until(&f, node_asked));
	node_answers(RESULT_OK, "", false);
	CHECK_INT(req.status, 200);
	done(&req);
	ask(&f, &req, "GetItem", GET);
	sent_end(sent_find(MSG_get), NET_LOST, 0, NULL);
	CHECK(run_until(&f, node_asked));
	node_answers(RESULT_OK, "", false);
	CHECK_INT(req.status, 200);
	CHECK_STR(body_of(&req), "{}");
	done(&req);
	teardown(&f);
}

/* Every refusal of a node that is not the router's to retry becomes what result.def says. */
TEST(refusals_are_told_as_the_table_has_them)
{
	struct fixture f;
	struct http_req req;
	char want[512];

	setup(&f, 0);
	warm(&f);
	for (unsigned r = RESULT_OK + 1; r < RESULT_COUNT; r++) {
		const struct result_info *info = result_info(r);

		if (info->retry == RESULT_ROUTER)
			continue;
		ask(&f, &req, "PutItem", PUT);
		node_answers((enum result)r, info->message == NULL ? "its own words" : "", false);
		CHECK_INT(req.status, info->http);
		snprintf(want, sizeof want, "#%s\",\"message\":\"%s\"}", info->api, info->message != NULL ? info->message : "its own words");
		CHECK(strstr(body_of(&req), want) != NULL);
		done(&req);
		memds_answers();
	}
	teardown(&f);
}

TEST(no_table)
{
	struct fixture f;
	struct http_req req;

	setup(&f, 0);
	cluster.table_id = 0;
	ask(&f, &req, "GetItem", GET);
	memds_answers();
	CHECK_INT(req.status, 400);
	CHECK(strstr(body_of(&req), "ResourceNotFoundException") != NULL);
	done(&req);
	cluster.table_id = 7;
	cluster.table_status = TABLE_CREATING;
	ask(&f, &req, "GetItem", GET);
	memds_answers();
	CHECK(strstr(body_of(&req), "ResourceNotFoundException") != NULL);
	done(&req);
	cluster.table_status = TABLE_ACTIVE;
	cluster.table_version++;
	ask(&f, &req, "GetItem", GET);
	memds_answers();
	node_answers(RESULT_OK, "", false);
	CHECK_INT(req.status, 200);
	done(&req);
	teardown(&f);
}

/* The table was dropped and made anew, with another key, while its old definition is in the cache. */
TEST(another_table_of_the_same_name)
{
	struct fixture f;
	struct http_req req;
	struct msg_get m;

	setup(&f, 0);
	warm(&f);
	cluster.table_id = 8;
	cluster.table_version++;
	cluster.group = 11;
	cluster.schema.part[0].name = BYTES_LIT("id");
	ask(&f, &req, "GetItem", "{\"TableName\":\"tab\",\"Key\":{\"pk\":{\"S\":\"a\"}},\"ConsistentRead\":true}");
	node_answers(RESULT_NO_GROUP, "", false);
	while (memds_answers())
		;
	CHECK_INT(req.status, 400);
	CHECK(strstr(body_of(&req), "The provided key element does not match the schema") != NULL);
	done(&req);
	cluster.table_id = 9;
	cluster.table_version++;
	cluster.group = 12;
	ask(&f, &req, "GetItem", "{\"TableName\":\"tab\",\"Key\":{\"id\":{\"S\":\"a\"}},\"ConsistentRead\":true}");
	node_answers(RESULT_NO_GROUP, "", false);
	while (memds_answers())
		;
	CHECK(run_until(&f, node_asked));
	CHECK(msg_get_get(buf_view(&sent_find(MSG_get)->body), &m, MSG_VERSION));
	CHECK(m.table == 9 && m.group == 12);
	node_answers(RESULT_OK, "", false);
	CHECK_INT(req.status, 200);
	CHECK_INT(req.answers, 1);
	done(&req);
	teardown(&f);
}

/* Asks the index global of the table in INDEX_TWO, and returns the scan that was sent. */
static bool query_global(struct fixture *f, struct http_req *req, struct msg_scan *m)
{
	ask(f, req, "Query", "{\"TableName\":\"tab\",\"IndexName\":\"global\",\"KeyConditionExpression\":\"x = :x\","
	    "\"ExpressionAttributeValues\":{\":x\":{\"S\":\"a\"}}}");
	while (sent_find(MSG_scan) == NULL && memds_answers())
		;
	return sent_find(MSG_scan) != NULL && msg_get_scan(buf_view(&sent_find(MSG_scan)->body), m, MSG_VERSION);
}

static void set_up_indexes(struct fixture *f)
{
	setup(f, 0);
	cluster.schema = (struct key_schema){ .part = { { BYTES_LIT("pk"), ITEM_S }, { BYTES_LIT("sk"), ITEM_N } }, .n = 2, .hash_n = 1 };
	cluster.hidden = (struct key_schema){ .part = { { BYTES_LIT("x"), ITEM_S }, cluster.schema.part[0], cluster.schema.part[1] },
		                              .n = 3, .hash_n = 1 };
}

TEST(a_global_index_is_a_table_of_its_own)
{
	struct http_req req;
	struct fixture f;
	struct msg_scan m;

	set_up_indexes(&f);
	cluster.indexes = INDEX_TWO;
	CHECK(query_global(&f, &req, &m));
	CHECK(m.table == 8 && m.index == 0 && !m.consistent);
	CHECK_INT(f.r.metrics.lookups.v, 2);
	all_answer();
	CHECK_INT(req.status, 200);
	done(&req);
	CHECK(query_global(&f, &req, &m));
	CHECK_INT(f.r.metrics.lookups.v, 4);             /* both are in the cache, and memds hears of both */
	all_answer();
	done(&req);
	ask(&f, &req, "Query", "{\"TableName\":\"#7.2\",\"KeyConditionExpression\":\"x = :x\","
	    "\"ExpressionAttributeValues\":{\":x\":{\"S\":\"a\"}}}");
	CHECK_INT(req.status, 400);                      /* nobody else knows its name */
	CHECK_INT(f.r.metrics.lookups.v, 4);
	done(&req);
	teardown(&f);
}

/* Made, or filled, since the table came into the cache. */
TEST(a_new_index_is_found)
{
	struct http_req req;
	struct fixture f;
	struct msg_scan m;

	set_up_indexes(&f);
	CHECK(!query_global(&f, &req, &m));
	CHECK(strstr(body_of(&req), "The table does not have the specified index: global") != NULL);
	done(&req);
	cluster.table_version++;
	cluster.indexes = INDEX_TABLE(INDEX_TYPE("x", "S"), "", INDEX_GLOBAL("global", "2", INDEX_PART("x", "HASH"), "ALL", "CREATING"));
	CHECK(!query_global(&f, &req, &m));
	CHECK(strstr(body_of(&req), "Cannot read from backfilling global secondary index: global") != NULL);
	done(&req);
	cluster.table_version++;
	cluster.indexes = INDEX_TWO;
	CHECK(query_global(&f, &req, &m));
	all_answer();
	CHECK_INT(req.status, 200);
	done(&req);
	teardown(&f);
}

TEST(a_put_that_no_index_can_hold_is_refused)
{
	struct http_req req;
	struct fixture f;

	set_up_indexes(&f);
	cluster.indexes = INDEX_TWO;
	ask(&f, &req, "PutItem", "{\"TableName\":\"tab\",\"Item\":{\"pk\":{\"S\":\"a\"},\"sk\":{\"N\":\"1\"},\"x\":{\"N\":\"1\"}}}");
	memds_answers();
	CHECK(!node_asked());
	CHECK_INT(req.status, 400);
	CHECK(strstr(body_of(&req), "Type mismatch for Index Key x Expected: S Actual: N IndexName: local") != NULL);
	done(&req);
	ask(&f, &req, "PutItem", "{\"TableName\":\"tab\",\"Item\":{\"pk\":{\"S\":\"a\"},\"sk\":{\"N\":\"1\"},\"x\":{\"S\":\"1\"}},"
	    "\"ReturnItemCollectionMetrics\":\"SIZE\"}");
	all_answer();
	CHECK_STR(body_of(&req), "{\"ItemCollectionMetrics\":{\"ItemCollectionKey\":{\"pk\":{\"S\":\"a\"}},"
	                         "\"SizeEstimateRangeGB\":[0.0,1.0]}}");
	done(&req);
	teardown(&f);
}

TEST(memds_down_does_not_stop_what_is_cached)
{
	struct fixture f;
	struct http_req req;

	setup(&f, 0);
	warm(&f);
	cluster.memds.up = false;
	ask(&f, &req, "PutItem", PUT);
	CHECK_INT(cluster.n, 1);
	node_answers(RESULT_OK, "", false);
	CHECK_INT(req.status, 200);
	done(&req);
	ask(&f, &req, "GetItem", "{\"TableName\":\"other\",\"Key\":{\"pk\":{\"S\":\"a\"}}}");
	CHECK_INT(req.status, 0);
	cluster.memds.up = true;
	CHECK(run_until(&f, memds_asked));
	memds_answers();
	CHECK_INT(req.status, 400);
	done(&req);
	teardown(&f);
}

TEST(too_many_at_once_get_503)
{
	struct fixture f;
	struct http_req req[3];

	setup(&f, 2);
	warm(&f);
	for (size_t i = 0; i < 3; i++)
		ask(&f, &req[i], "PutItem", PUT);
	CHECK_INT(req[2].status, 503);
	CHECK(strstr(body_of(&req[2]), "#ServiceUnavailable\"") != NULL);
	node_answers(RESULT_OK, "", false);
	node_answers(RESULT_OK, "", false);
	CHECK_INT(req[0].status, 200);
	CHECK_INT(req[1].status, 200);
	done(&req[2]);
	ask(&f, &req[2], "PutItem", PUT);
	node_answers(RESULT_OK, "", false);
	CHECK_INT(req[2].status, 200);
	for (size_t i = 0; i < 3; i++)
		done(&req[i]);
	teardown(&f);
}

static bool autoadmin_asked(void)
{
	return sent_find(MSG_admin) != NULL;
}

TEST(autoadmin_is_asked_until_one_is_active_and_never_twice_for_a_change)
{
	struct fixture f;
	struct http_req req;
	struct buf out = { 0 };

	setup(&f, 0);
	ask(&f, &req, "ListTables", "{}");
	msg_put_admin_done(&out, &(struct msg_admin_done){ .result = RESULT_NOT_READY }, MSG_VERSION);
	sent_end(sent_find(MSG_admin), NET_ANSWERED, MSG_admin_done, &out);
	CHECK(run_until(&f, autoadmin_asked));
	out = (struct buf){ 0 };
	struct buf names = { 0 };
	buf_lenbytes(&names, BYTES_LIT("tab"));
	msg_put_admin_done(&out, &(struct msg_admin_done){ .result = RESULT_OK, .more = 1, .body = buf_view(&names) }, MSG_VERSION);
	sent_end(sent_find(MSG_admin), NET_ANSWERED, MSG_admin_done, &out);
	CHECK_STR(body_of(&req), "{\"TableNames\":[\"tab\"],\"LastEvaluatedTableName\":\"tab\"}");
	buf_fini(&names);
	done(&req);
	ask(&f, &req, "CreateTable",
	    "{\"TableName\":\"tab\",\"BillingMode\":\"PAY_PER_REQUEST\",\"KeySchema\":[{\"AttributeName\":\"k\",\"KeyType\":\"HASH\"}],"
	    "\"AttributeDefinitions\":[{\"AttributeName\":\"k\",\"AttributeType\":\"S\"}]}");
	CHECK(autoadmin_asked());
	sent_end(sent_find(MSG_admin), NET_LOST, 0, NULL);
	CHECK_INT(req.status, 500);
	CHECK(!autoadmin_asked());
	done(&req);
	uv_run(&f.loop, UV_RUN_NOWAIT);
	teardown(&f);
}

/* The pool gives requests memory that others have used: nothing of those may show. */
TEST(a_request_remembers_nothing_of_the_one_before)
{
	struct fixture f;
	struct http_req req;
	struct msg_write m;
	struct msg_op op;
	struct msg_get g;
	struct bytes part;

	setup(&f, 0);
	warm(&f);
	ask(&f, &req, "PutItem", "{\"TableName\":\"tab\",\"Item\":{\"pk\":{\"S\":\"a\"}},\"ConditionExpression\":\"#a = :a\","
	                         "\"ExpressionAttributeNames\":{\"#a\":\"a\"},\"ExpressionAttributeValues\":{\":a\":{\"S\":\"x\"}},"
	                         "\"ReturnValues\":\"ALL_OLD\",\"ReturnConsumedCapacity\":\"TOTAL\"}");
	node_answers(RESULT_OK, "", false);
	CHECK_STR(body_of(&req), "{\"ConsumedCapacity\":{\"TableName\":\"tab\",\"CapacityUnits\":2.0}}");
	done(&req);
	ask(&f, &req, "PutItem", "{\"ReturnValues\":\"X\"}");
	CHECK(strstr(body_of(&req), "3 validation errors detected") != NULL);
	done(&req);
	memds_answers();
	ask(&f, &req, "PutItem", PUT);
	CHECK(msg_get_write(buf_view(&sent_find(MSG_write)->body), &m, MSG_VERSION));
	CHECK(msg_list_next(&m.ops, &part) && msg_get_op(part, &op, MSG_VERSION));
	CHECK(op.condition.n == 0 && op.returns == MSG_RETURN_NONE && op.return_on_fail == 0);
	node_answers(RESULT_OK, "", false);
	CHECK_STR(body_of(&req), "{}");
	done(&req);
	for (int i = 0; i < 2; i++) {
		ask(&f, &req, "GetItem", "{\"TableName\":\"tab\",\"Key\":{\"pk\":{\"S\":\"a\"}},\"AttributesToGet\":[\"a\"]}");
		CHECK(msg_get_get(buf_view(&sent_find(MSG_get)->body), &g, MSG_VERSION));
		CHECK(expr_check(g.projection, EXPR_KIND_PROJECTION));
		node_answers(RESULT_OK, "", false);
		done(&req);
	}
	teardown(&f);
}

CHECK_MAIN(X(a_miss_waits_for_memds_and_a_hit_does_not) X(a_refused_request_is_seen_by_memds_too)
           X(without_a_good_signature_nothing_happens) X(a_write_follows_the_leader)
           X(a_write_of_unknown_outcome_is_not_sent_again) X(what_was_not_carried_out_is_sent_again)
           X(refusals_are_told_as_the_table_has_them) X(no_table) X(another_table_of_the_same_name)
           X(a_global_index_is_a_table_of_its_own) X(a_new_index_is_found)
	   X(a_put_that_no_index_can_hold_is_refused) X(memds_down_does_not_stop_what_is_cached) X(too_many_at_once_get_503)
           X(autoadmin_is_asked_until_one_is_active_and_never_twice_for_a_change) X(a_request_remembers_nothing_of_the_one_before))
