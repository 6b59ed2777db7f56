/*
 * op_index: secondary indexes in CreateTable, UpdateTable and DescribeTable; this file is autoadmin and has one table, "tab".
 * Covers cmd/ddb-router/op_index*.c.
 */
#include "op_table_admin.h"

#define OPV "One or more parameter values were invalid: "
#define A(name) "{\"AttributeName\":\"" name "\",\"AttributeType\":\"S\"}"
#define H(name) "{\"AttributeName\":\"" name "\",\"KeyType\":\"HASH\"}"
#define R(name) "{\"AttributeName\":\"" name "\",\"KeyType\":\"RANGE\"}"
#define ALL "\"Projection\":{\"ProjectionType\":\"ALL\"}"
#define IX(name, keys, rest) "{\"IndexName\":\"" name "\",\"KeySchema\":[" keys "]," rest "}"
#define UNITS "\"ProvisionedThroughput\":{\"ReadCapacityUnits\":5,\"WriteCapacityUnits\":6}"
#define LOCAL(list) "\"LocalSecondaryIndexes\":[" list "]"
#define GLOBAL(list) "\"GlobalSecondaryIndexes\":[" list "]"
#define DEMAND "\"BillingMode\":\"PAY_PER_REQUEST\""
#define T(keys, attributes, rest)                                                                                      \
	"{\"TableName\":\"tab\",\"KeySchema\":[" keys "],\"AttributeDefinitions\":[" attributes "]," rest "}"
#define ABC A("a") "," A("b") "," A("c")
#define TAB(rest) T(H("a") "," R("b"), ABC, DEMAND "," rest)
#define U(list) "{\"TableName\":\"tab\",\"GlobalSecondaryIndexUpdates\":[" list "]}"
#define UA(attributes, list)                                                                                           \
	"{\"TableName\":\"tab\",\"AttributeDefinitions\":[" attributes "],\"GlobalSecondaryIndexUpdates\":[" list "]}"
#define NULL_AT(where) "Value null at '" where "' failed to satisfy constraint: Member must not be null"

TEST(the_model_is_kept)
{
	static const struct { const char *body, *message; } bad[] = {
		{ TAB(GLOBAL("{}")), "3 validation errors detected: " NULL_AT("globalSecondaryIndexes.1.member.indexName") "; "
		  NULL_AT("globalSecondaryIndexes.1.member.keySchema") "; " NULL_AT("globalSecondaryIndexes.1.member.projection") },
		{ TAB(LOCAL(IX("abc", H("a") "," R("b"), ALL) ",{}")), "3 validation errors detected: "
		  NULL_AT("localSecondaryIndexes.2.member.indexName") "; " NULL_AT("localSecondaryIndexes.2.member.keySchema") "; "
		  NULL_AT("localSecondaryIndexes.2.member.projection") },
		{ TAB(GLOBAL(IX("h;", "", "\"Projection\":{\"ProjectionType\":\"SOME\",\"NonKeyAttributes\":[]},\"ProvisionedThroughput\":{}"))),
		  "7 validation errors detected: Value 'h;' at 'globalSecondaryIndexes.1.member.indexName' failed to satisfy constraint: Member "
		  "must satisfy regular expression pattern: [a-zA-Z0-9_.-]+; Value 'h;' at 'globalSecondaryIndexes.1.member.indexName' failed to "
		  "satisfy constraint: Member must have length greater than or equal to 3; Value '[]' at "
		  "'globalSecondaryIndexes.1.member.keySchema' failed to satisfy constraint: Member must have length greater than or equal to 1; "
		  "Value 'SOME' at 'globalSecondaryIndexes.1.member.projection.projectionType' failed to satisfy constraint: Member must satisfy "
		  "enum value set: [ALL, INCLUDE, KEYS_ONLY]; Value '[]' at 'globalSecondaryIndexes.1.member.projection.nonKeyAttributes' failed "
		  "to satisfy constraint: Member must have length greater than or equal to 1; "
		  NULL_AT("globalSecondaryIndexes.1.member.provisionedThroughput.writeCapacityUnits") "; "
		  NULL_AT("globalSecondaryIndexes.1.member.provisionedThroughput.readCapacityUnits") },
		{ TAB(LOCAL(IX("abc", "{}", "\"Projection\":{\"NonKeyAttributes\":[\"\"]}"))), "3 validation errors detected: "
		  NULL_AT("localSecondaryIndexes.1.member.keySchema.1.member.attributeName") "; "
		  NULL_AT("localSecondaryIndexes.1.member.keySchema.1.member.keyType") "; Value '' at "
		  "'localSecondaryIndexes.1.member.projection.nonKeyAttributes.1.member' failed to satisfy constraint: Member must have length "
		  "greater than or equal to 1" },
		{ TAB(LOCAL(IX("abc", H("a") "," R("b") "," R("c"), ALL))), "1 validation error detected: Value '[KeySchemaElement(attributeName=a, "
		  "keyType=HASH), KeySchemaElement(attributeName=b, keyType=RANGE), KeySchemaElement(attributeName=c, keyType=RANGE)]' at "
		  "'localSecondaryIndexes.1.member.keySchema' failed to satisfy constraint: Member must have length less than or equal to 2" },
		{ TAB(GLOBAL(IX("abc", H("c"), "\"Projection\":{\"NonKeyAttributes\":[\"1\",\"2\",\"3\",\"4\",\"5\",\"6\",\"7\",\"8\",\"9\",\"10\",\"11\","
		  "\"12\",\"13\",\"14\",\"15\",\"16\",\"17\",\"18\",\"19\",\"20\",\"21\"]}"))), "1 validation error detected: Value '[1, 2, 3, 4, 5, 6, "
		  "7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20]' at 'globalSecondaryIndexes.1.member.projection.nonKeyAttributes' failed "
		  "to satisfy constraint: Member must have length less than or equal to 20" },
		{ U("{\"Update\":{}},{\"Create\":{}},{\"Delete\":{}}"), "5 validation errors detected: "
		  NULL_AT("globalSecondaryIndexUpdates.1.member.update.indexName") "; "
		  NULL_AT("globalSecondaryIndexUpdates.2.member.create.indexName") "; "
		  NULL_AT("globalSecondaryIndexUpdates.2.member.create.keySchema") "; "
		  NULL_AT("globalSecondaryIndexUpdates.2.member.create.projection") "; "
		  NULL_AT("globalSecondaryIndexUpdates.3.member.delete.indexName") },
	};
	struct fixture f;

	setup(&f, 0);
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		refused(&f, bad[i].body[1] == '"' && strstr(bad[i].body, "Updates") ? "UpdateTable" : "CreateTable", bad[i].body,
			"ValidationException", bad[i].message);
	told(&f, "CreateTable", TAB(GLOBAL("7")), 400, "SerializationException", NULL);
	told(&f, "CreateTable", TAB(LOCAL("{\"KeySchema\":7}")), 400, "SerializationException", NULL);
	told(&f, "UpdateTable", U("{\"Create\":[]}"), 400, "SerializationException", NULL);
	end(&f);
}

#define UNDEFINED(keys) OPV "Some index key attributes are not defined in AttributeDefinitions. Keys: [" keys "], AttributeDefinitions: [a, b, c]"
#define SAME "Both the Hash Key and the Range Key element in the KeySchema have the same name"
#define FIRST "Invalid KeySchema: The first KeySchemaElement is not a HASH key type"
#define INCLUDE "\"Projection\":{\"ProjectionType\":\"INCLUDE\",\"NonKeyAttributes\":[\"x\"]}"

TEST(keys_and_projections_are_refused)
{
	static const struct { const char *body, *message; } bad[] = {
		{ TAB(LOCAL("")), OPV "List of LocalSecondaryIndexes is empty" },
		{ TAB(GLOBAL("")), OPV "List of GlobalSecondaryIndexes is empty" },
		{ T(H("a"), A("a") "," A("c"), DEMAND "," LOCAL(IX("abc", H("a") "," R("c"), ALL))),
		  OPV "Table KeySchema does not have a range key, which is required when specifying a LocalSecondaryIndex" },
		{ TAB(LOCAL(IX("abc", H("a"), ALL))), OPV "Index KeySchema does not have a range key for index: abc" },
		{ TAB(LOCAL(IX("abc", H("c") "," R("a"), ALL))), OPV "Index KeySchema does not have the same leading hash key as table KeySchema for "
		  "index: abc. index hash key: c, table hash key: a" },
		{ TAB(LOCAL(IX("abc", H("a") "," H("c"), ALL))), "Invalid KeySchema: The second KeySchemaElement is not a RANGE key type" },
		{ TAB(LOCAL(IX("abc", H("a") "," R("a"), ALL))), SAME },
		{ TAB(LOCAL(IX("abc", H("a") "," R("z"), ALL))), UNDEFINED("a, z") },
		{ TAB(LOCAL(IX("abc", R("c"), ALL))), FIRST },
		{ TAB(GLOBAL(IX("abc", H("c") "," R("z"), ALL))), UNDEFINED("c, z") },
		{ TAB(GLOBAL(IX("abc", R("c"), ALL))), FIRST },
		{ TAB(GLOBAL(IX("abc", H("c") "," R("c"), ALL))), SAME },
		{ TAB(GLOBAL(IX("abc", H("a") "," R("b") "," H("c"), ALL))),
		  "Invalid KeySchema: HASH key types must come before RANGE key types" },        /* unconfirmed, as the next */
		{ T(H("a"), A("a") "," A("b") "," A("c") "," A("d") "," A("e"), DEMAND "," GLOBAL(IX("abc", H("a") "," H("b") "," H("c") "," H("d")
		  "," H("e"), ALL))), OPV "Index KeySchema has more than 4 HASH keys for index: abc" },
		{ TAB(GLOBAL(IX("abc", H("c"), "\"Projection\":{}"))), OPV "Unknown ProjectionType: null" },
		{ TAB(GLOBAL(IX("abc", H("c"), "\"Projection\":{\"ProjectionType\":\"ALL\",\"NonKeyAttributes\":[\"x\"]}"))),
		  OPV "ProjectionType is ALL, but NonKeyAttributes is specified" },
		{ TAB(LOCAL(IX("abc", H("a") "," R("c"), "\"Projection\":{\"ProjectionType\":\"KEYS_ONLY\",\"NonKeyAttributes\":[\"x\"]}"))),
		  OPV "ProjectionType is KEYS_ONLY, but NonKeyAttributes is specified" },
		{ TAB(GLOBAL(IX("abc", H("c"), "\"Projection\":{\"ProjectionType\":\"INCLUDE\"}"))),
		  OPV "ProjectionType is INCLUDE, but NonKeyAttributes is not specified" },
		{ TAB(LOCAL(IX("abc", H("a") "," R("c"), ALL)) "," GLOBAL(IX("abc", H("c"), ALL))), OPV "Duplicate index name: abc" },
		{ T(H("a") "," R("b"), ABC "," A("d"), DEMAND "," GLOBAL(IX("abc", H("c"), ALL))),
		  OPV "Some AttributeDefinitions are not used. AttributeDefinitions: [a, b, c, d], keys used: [a, b, c]" },
		{ T(H("a"), A("a") "," A("c"), DEMAND), OPV "Number of attributes in KeySchema does not exactly match number of attributes defined in "
		  "AttributeDefinitions" },
		{ TAB(GLOBAL(IX("abc", H("c"), ALL "," UNITS))),
		  OPV "ProvisionedThroughput should not be specified for index: abc when BillingMode is PAY_PER_REQUEST" },
		{ T(H("a"), A("a"), UNITS "," GLOBAL(IX("abc", H("a"), ALL))), OPV "ProvisionedThroughput is not specified for index: abc" },
		{ T(H("a"), A("a"), UNITS "," GLOBAL(IX("abc", H("a"), ALL ",\"ProvisionedThroughput\":{\"ReadCapacityUnits\":1000000000001,"
		  "\"WriteCapacityUnits\":1}"))), "Given value 1000000000001 for ReadCapacityUnits is out of bounds for index abc" },
		{ TAB(GLOBAL(IX("abc", H("c"), ALL ",\"OnDemandThroughput\":{\"MaxReadRequestUnits\":0}"))),     /* unconfirmed, as the next */
		  OPV "Requested MaxReadRequestUnits for OnDemandThroughput for index abc is outside of valid range" },
		{ TAB(GLOBAL(IX("abc", H("c"), ALL ",\"WarmThroughput\":{\"WriteUnitsPerSecond\":1}"))),
		  OPV "Requested WriteUnitsPerSecond for WarmThroughput for index abc is lower than initial throughput for OnDemand" },
		/* what comes first */
		{ TAB(LOCAL("") "," GLOBAL(IX("abc", H("z"), ALL))), OPV "List of LocalSecondaryIndexes is empty" },
		{ TAB(GLOBAL(IX("abc", H("z"), "\"Projection\":{}," UNITS))), UNDEFINED("z") },
		{ TAB(GLOBAL(IX("abc", H("c"), "\"Projection\":{}," UNITS))), OPV "Unknown ProjectionType: null" },
		{ TAB(GLOBAL(IX("abc", H("c"), ALL) "," IX("abc", H("c"), "\"Projection\":{}"))), OPV "Unknown ProjectionType: null" },
		{ TAB(LOCAL(IX("abc", H("a") "," R("c"), "\"Projection\":{}")) "," GLOBAL("")), OPV "Unknown ProjectionType: null" },
	};
	struct fixture f;

	setup(&f, 0);
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		refused(&f, "CreateTable", bad[i].body, "ValidationException", bad[i].message);
	end(&f);
}

/* n indexes named i00, i01, ..; each is keys and whatever follows. */
static const char *many(struct buf *out, const char *list, unsigned n, const char *keys, const char *rest)
{
	buf_clear(out);
	buf_fmt(out, "{\"TableName\":\"tab\",\"KeySchema\":[%s],\"AttributeDefinitions\":[%s],%s,\"%s\":[", H("a") "," R("b"), ABC, DEMAND, list);
	for (unsigned i = 0; i < n; i++)
		buf_fmt(out, "%s{\"IndexName\":\"i%02u\",\"KeySchema\":[%s],%s}", i > 0 ? "," : "", i, keys, rest);
	buf_str(out, "]}");
	buf_u8(out, 0);
	return (const char *)out->p;
}

TEST(there_are_only_so_many)
{
	static const char twenty[] = "\"Projection\":{\"ProjectionType\":\"INCLUDE\",\"NonKeyAttributes\":[\"1\",\"2\",\"3\",\"4\",\"5\",\"6\",\"7\","
		"\"8\",\"9\",\"10\",\"11\",\"12\",\"13\",\"14\",\"15\",\"16\",\"17\",\"18\",\"19\",\"20\"]}";
	struct buf body = { 0 };
	struct fixture f;

	setup(&f, 0);
	refused(&f, "CreateTable", many(&body, "LocalSecondaryIndexes", 6, H("a") "," R("c"), ALL), "ValidationException",
	        OPV "Number of LocalSecondaryIndexes exceeds per-table limit of 5");
	refused(&f, "CreateTable", many(&body, "GlobalSecondaryIndexes", 21, H("c"), ALL), "ValidationException",
	        OPV "GlobalSecondaryIndex count exceeds the per-table limit of 20");
	refused(&f, "CreateTable", many(&body, "GlobalSecondaryIndexes", 200, H("c"), ALL), "ValidationException",
	        OPV "GlobalSecondaryIndex count exceeds the per-table limit of 20");
	refused(&f, "CreateTable", many(&body, "GlobalSecondaryIndexes", 6, H("c"), twenty), "ValidationException",      /* unconfirmed */
	        OPV "NonKeyAttributes count exceeds the per-table limit of 100");
	buf_fini(&body);
	end(&f);
}

/* As autoadmin does: gives the first index of the list an Id and a table, this status, or takes it away (NULL). */
static void drive(const char *status, bool backfilling)
{
	static const char *const ours[] = { "Id", "Table", "Partitions", "IndexStatus", "Backfilling" };
	struct item_build b;
	struct item_iter it, map;
	struct bytes name;
	struct value list, v, x;
	bool first = true;

	CHECK(item_get(buf_view(&admin.definition), BYTES_LIT("GlobalSecondaryIndexes"), &list));
	item_build_init(&b);
	item_build_item(&b);
	item_build_name(&b, BYTES_LIT("GlobalSecondaryIndexes")), item_build_open(&b, ITEM_L);
	for (it = item_iter(list.body); item_next_value(&it, &v); first = false) {
		if (!first)
			item_build_raw(&b, v.raw);
		if (!first || status == NULL)
			continue;
		item_build_open(&b, ITEM_M);
		for (map = item_iter(v.body); item_next_pair(&map, &name, &x);) {
			bool skip = false;

			for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
				skip |= bytes_is(name, ours[i]);
			if (!skip)
				item_build_name(&b, name), item_build_raw(&b, x.raw);
		}
		item_build_name(&b, BYTES_LIT("Id")), item_build_u64(&b, 3);
		item_build_name(&b, BYTES_LIT("Table")), item_build_s(&b, BYTES_LIT("#17.3"));
		item_build_name(&b, BYTES_LIT("Partitions")), item_build_b(&b, BYTES_LIT("x"));
		item_build_name(&b, BYTES_LIT("IndexStatus")), item_build_s(&b, bytes_str(status));
		if (backfilling)
			item_build_name(&b, BYTES_LIT("Backfilling")), item_build_bool(&b, true);
		item_build_close(&b);
	}
	item_build_close(&b);
	item_build_name(&b, BYTES_LIT("NextIndex")), item_build_u64(&b, 3);
	item_build_name(&b, BYTES_LIT("IndexVersion")), item_build_u64(&b, 7);
	CHECK(item_build_close(&b));
	set(item_build_view(&b));
	item_build_fini(&b);
}

#define DESCRIBE "{\"TableName\":\"tab\"}"

TEST(a_table_with_indexes_is_described)
{
	struct http_req req;
	struct fixture f;

	make(&f, TAB(LOCAL(IX("loc", H("a") "," R("c"), "\"Projection\":{\"ProjectionType\":\"KEYS_ONLY\"}")) ","
	              GLOBAL(IX("glo", H("c") "," R("a"), INCLUDE ",\"OnDemandThroughput\":{\"MaxReadRequestUnits\":9}"))));
	drive("ACTIVE", false);
	told(&f, "DescribeTable", DESCRIBE, 200,
	     "\"LocalSecondaryIndexes\":[{\"IndexName\":\"loc\",\"KeySchema\":[" H("a") "," R("c") "],\"Projection\":{\"ProjectionType\":"
	     "\"KEYS_ONLY\"},\"IndexSizeBytes\":0,\"ItemCount\":0,\"IndexArn\":\"" ARN "/index/loc\"}]",
	     "\"GlobalSecondaryIndexes\":[{\"IndexName\":\"glo\",\"KeySchema\":[" H("c") "," R("a") "],\"Projection\":{\"NonKeyAttributes\":"
	     "[\"x\"],\"ProjectionType\":\"INCLUDE\"},\"IndexStatus\":\"ACTIVE\",\"ProvisionedThroughput\":{\"NumberOfDecreasesToday\":0,"
	     "\"ReadCapacityUnits\":0,\"WriteCapacityUnits\":0},\"IndexSizeBytes\":0,\"ItemCount\":0,\"IndexArn\":\"" ARN "/index/glo\","
	     "\"OnDemandThroughput\":{\"MaxReadRequestUnits\":9},\"WarmThroughput\":{\"ReadUnitsPerSecond\":12000,"
	     "\"WriteUnitsPerSecond\":4000,\"Status\":\"ACTIVE\"}}]", NULL);
	ask(&f, &req, "DescribeTable", DESCRIBE);
	serve();
	CHECK(strstr(body_of(&req), "#17.3") == NULL && strstr(body_of(&req), "Partitions") == NULL);
	CHECK(strstr(body_of(&req), "NextIndex") == NULL && strstr(body_of(&req), "IndexVersion") == NULL);
	done(&req);
	end(&f);
}

TEST(an_index_serves_when_the_map_knows_of_it)
{
	struct fixture f;

	make(&f, T(H("a"), A("a"), DEMAND "," GLOBAL(IX("glo", H("a"), ALL))));
	cluster.table_version = 1;
	told(&f, "DescribeTable", DESCRIBE, 200, "\"TableStatus\":\"UPDATING\"", "\"IndexStatus\":\"CREATING\"", NULL);
	cluster.table_version = 1000;
	told(&f, "DescribeTable", DESCRIBE, 200, "\"TableStatus\":\"ACTIVE\"", "\"IndexStatus\":\"ACTIVE\"", NULL);
	end(&f);
}

TEST(keys_of_many_attributes)
{
	struct fixture f;

	make(&f, T(H("a"), A("a") "," A("b") "," A("c") "," A("d") "," A("e"), DEMAND ","
	            GLOBAL(IX("glo", H("b") "," H("c") "," H("d") "," H("e") "," R("a"), ALL))));
	told(&f, "DescribeTable", DESCRIBE, 200,
	     "\"KeySchema\":[" H("b") "," H("c") "," H("d") "," H("e") "," R("a") "],\"Projection\":{\"ProjectionType\":\"ALL\"}", NULL);
	end(&f);
}

TEST(indexes_of_a_table_not_there_yet_are_neither)
{
	struct item_build b;
	struct fixture f;

	make(&f, T(H("a"), A("a"), UNITS "," GLOBAL(IX("glo", H("a"), ALL "," UNITS))));
	item_build_init(&b);
	item_build_item(&b);
	item_build_name(&b, BYTES_LIT("TableStatus")), item_build_s(&b, BYTES_LIT("CREATING"));
	item_build_close(&b);
	set(item_build_view(&b));
	item_build_fini(&b);
	told(&f, "DescribeTable", DESCRIBE, 200, "\"IndexStatus\":\"CREATING\",\"ProvisionedThroughput\":{\"NumberOfDecreasesToday\":0,"
	     "\"ReadCapacityUnits\":5,\"WriteCapacityUnits\":6}", "\"WarmThroughput\":{\"ReadUnitsPerSecond\":5,\"WriteUnitsPerSecond\":6,", NULL);
	end(&f);
}

/* --- updates ------------------------------------------------------------------------------------------------------ */

#define CREATE(name, keys, rest) "{\"Create\":" IX(name, keys, rest) "}"
#define DELETE(name) "{\"Delete\":{\"IndexName\":\"" name "\"}}"
#define UPDATE(name, rest) "{\"Update\":{\"IndexName\":\"" name "\"" rest "}}"

TEST(an_index_comes_and_goes)
{
	struct fixture f;

	make(&f, T(H("a"), A("a"), DEMAND));
	told(&f, "UpdateTable", UA(A("c") "," A("unused"), CREATE("glo", H("c") "," R("c2"), ALL)), 400, "Keys: [c, c2]", NULL);
	told(&f, "UpdateTable", UA(A("c") "," A("unused"), CREATE("glo", H("c"), ALL)), 200, "\"TableStatus\":\"UPDATING\"",
	     "\"AttributeDefinitions\":[" A("a") "," A("c") "]", "\"IndexStatus\":\"CREATING\",\"Backfilling\":false", NULL);
	refused(&f, "UpdateTable", "{\"TableName\":\"tab\",\"DeletionProtectionEnabled\":true}", "ResourceInUseException",
	        "Attempt to change a resource which is still in use: Table is being updated: tab");
	drive("CREATING", true);
	told(&f, "DescribeTable", DESCRIBE, 200, "\"IndexStatus\":\"CREATING\",\"Backfilling\":true", NULL);
	told(&f, "UpdateTable", "{\"TableName\":\"tab\",\"DeletionProtectionEnabled\":true}", 200, "\"Backfilling\":true", NULL);
	refused(&f, "UpdateTable", UA(A("d"), CREATE("two", H("d"), ALL)), "LimitExceededException",
	        "Subscriber limit exceeded: Only 1 online index can be created or deleted simultaneously per table");
	drive("ACTIVE", false);
	refused(&f, "UpdateTable", UA(A("c"), CREATE("glo", H("c"), ALL)), "ValidationException",
	        "Attempting to create an index which already exists");
	told(&f, "UpdateTable", U(DELETE("glo")), 200, "\"IndexStatus\":\"DELETING\"", NULL);
	refused(&f, "UpdateTable", U(DELETE("glo")), "ResourceInUseException",
	        "Attempt to change a resource which is still in use: Table is being updated: tab");
	drive(NULL, false);
	told(&f, "DescribeTable", DESCRIBE, 200, "\"AttributeDefinitions\":[" A("a") "]", NULL);
	told(&f, "UpdateTable", UA("{\"AttributeName\":\"c\",\"AttributeType\":\"N\"}", CREATE("glo", H("c"), ALL)), 200,
	     "\"AttributeDefinitions\":[" A("a") ",{\"AttributeName\":\"c\",\"AttributeType\":\"N\"}]", NULL);
	end(&f);
}

TEST(an_index_that_is_being_filled_may_be_given_up)
{
	struct fixture f;

	make(&f, T(H("a"), A("a"), DEMAND));
	told(&f, "UpdateTable", UA(A("c"), CREATE("glo", H("c"), ALL)), 200, NULL);
	drive("CREATING", true);
	told(&f, "UpdateTable", U(DELETE("glo")), 200, "\"IndexStatus\":\"DELETING\"", NULL);
	end(&f);
}

TEST(updates_of_indexes_are_refused)
{
	static const struct { const char *body, *type, *message; } bad[] = {
		{ U("{}"), "ValidationException", OPV "One of GlobalSecondaryIndexUpdate.Update, GlobalSecondaryIndexUpdate.Create, "
		  "GlobalSecondaryIndexUpdate.Delete must not be null" },
		{ U("{\"Delete\":{\"IndexName\":\"glo\"},\"Update\":{\"IndexName\":\"glo\"," UNITS "}}"), "ValidationException",
		  OPV "Only one of GlobalSecondaryIndexUpdate.Update, GlobalSecondaryIndexUpdate.Create, GlobalSecondaryIndexUpdate.Delete can be "
		  "specified" },                                                                 /* unconfirmed */
		{ U(UPDATE("glo", "," UNITS) "," DELETE("glo")), "ValidationException",
		  OPV "Only one global secondary index update per index is allowed simultaneously. Index: glo" },
		{ U(DELETE("glo") "," DELETE("two")), "LimitExceededException",
		  "Subscriber limit exceeded: Only 1 online index can be created or deleted simultaneously per table" },
		{ UA(A("c"), CREATE("one", H("c"), ALL "," UNITS) "," DELETE("two")), "LimitExceededException",
		  "Subscriber limit exceeded: Only 1 online index can be created or deleted simultaneously per table" },
		{ U(DELETE("none")), "ResourceNotFoundException", "Requested resource not found" },
		{ U(UPDATE("none", "," UNITS)), "ResourceNotFoundException", "Requested resource not found" },
		{ U(UPDATE("glo", "")), "ValidationException", OPV "At least one of ProvisionedThroughput, OnDemandThroughput or WarmThroughput is "
		  "required for index: glo" },                                                   /* unconfirmed */
		{ U(UPDATE("glo", "," UNITS)), "ValidationException", "The provisioned throughput for the index glo will not change. The requested "
		  "value equals the current value. Current ReadCapacityUnits provisioned for the index: 5. Requested ReadCapacityUnits: 5. Current "
		  "WriteCapacityUnits provisioned for the index: 6. Requested WriteCapacityUnits: 6. Refer to the Amazon DynamoDB Developer Guide "
		  "for current limits and how to request higher limits." },
		{ U(UPDATE("glo", ",\"ProvisionedThroughput\":{\"ReadCapacityUnits\":1000000000001,\"WriteCapacityUnits\":1}")),
		  "ValidationException", "This operation cannot be performed with given input values. Please contact DynamoDB service team for more "
		  "info: Action Blocked: IndexUpdate" },
		{ U(UPDATE("glo", ",\"OnDemandThroughput\":{\"MaxReadRequestUnits\":1}")), "ValidationException",
		  OPV "MaxReadRequestUnits for OnDemandThroughput cannot be specified when the table BillingMode is PROVISIONED" },
		{ UA(A("b") "," A("b"), CREATE("one", H("b"), ALL "," UNITS)), "ValidationException",
		  "Cannot have two attributes with the same name" },                             /* unconfirmed */
		{ UA(A("b"), CREATE("one", H("b"), ALL)), "ValidationException", OPV "ProvisionedThroughput is not specified for index: one" },
		{ UA(A("b"), CREATE("one", H("a"), ALL "," UNITS)), "ValidationException",
		  OPV "Some index key attributes are not defined in AttributeDefinitions. Keys: [a], AttributeDefinitions: [b]" },
		{ UA("{\"AttributeName\":\"a\",\"AttributeType\":\"N\"}", CREATE("one", H("a"), ALL "," UNITS)), "ValidationException",
		  "Cannot have two attributes with the same name" },                             /* unconfirmed */
	};
	struct fixture f;

	make(&f, T(H("a"), A("a"), UNITS "," GLOBAL(IX("glo", H("a"), ALL "," UNITS) "," IX("two", H("a"), ALL "," UNITS))));
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		refused(&f, "UpdateTable", bad[i].body, bad[i].type, bad[i].message);
	CHECK_INT(admin.updates, 0);
	end(&f);
}

TEST(throughput_of_an_index_changes)
{
	struct fixture f;

	make(&f, T(H("a"), A("a"), UNITS "," GLOBAL(IX("glo", H("a"), ALL "," UNITS) "," IX("two", H("a"), ALL "," UNITS))));
	told(&f, "UpdateTable", U(UPDATE("two", ",\"ProvisionedThroughput\":{\"ReadCapacityUnits\":7,\"WriteCapacityUnits\":2}")), 200,
	     "\"NumberOfDecreasesToday\":1,\"ReadCapacityUnits\":7,\"WriteCapacityUnits\":2",
	     "\"NumberOfDecreasesToday\":0,\"ReadCapacityUnits\":5,\"WriteCapacityUnits\":6", NULL);
	told(&f, "UpdateTable", U(UPDATE("glo", ",\"WarmThroughput\":{\"ReadUnitsPerSecond\":100}")), 200,
	     "\"WarmThroughput\":{\"ReadUnitsPerSecond\":100,\"WriteUnitsPerSecond\":6,", NULL);
	end(&f);
}

TEST(indexes_are_billed_as_their_table)
{
	struct fixture f;

	make(&f, T(H("a"), A("a"), DEMAND "," GLOBAL(IX("glo", H("a"), ALL ",\"OnDemandThroughput\":{\"MaxReadRequestUnits\":9}") ","
	                                               IX("two", H("a"), ALL))));
	refused(&f, "UpdateTable", "{\"TableName\":\"tab\",\"BillingMode\":\"PROVISIONED\"," UNITS "}", "ValidationException",
	        OPV "ProvisionedThroughput must be specified for index: glo,two");
	refused(&f, "UpdateTable", "{\"TableName\":\"tab\",\"BillingMode\":\"PROVISIONED\"," UNITS ",\"GlobalSecondaryIndexUpdates\":["
	        UPDATE("glo", "," UNITS) "]}", "ValidationException", OPV "ProvisionedThroughput must be specified for index: two");
	refused(&f, "UpdateTable", U(UPDATE("glo", "," UNITS)), "ValidationException", OPV "Neither ReadCapacityUnits nor WriteCapacityUnits can be "
	        "specified for index: glo when BillingMode is PAY_PER_REQUEST");
	refused(&f, "UpdateTable", UA(A("c"), CREATE("new", H("c"), ALL "," UNITS)), "ValidationException", OPV "Neither ReadCapacityUnits nor "
	        "WriteCapacityUnits can be specified for index: new when BillingMode is PAY_PER_REQUEST");
	told(&f, "UpdateTable", "{\"TableName\":\"tab\",\"BillingMode\":\"PROVISIONED\"," UNITS ",\"GlobalSecondaryIndexUpdates\":["
	     UPDATE("glo", "," UNITS) "," UPDATE("two", "," UNITS) "]}", 200, "\"TableStatus\":\"UPDATING\"", NULL);
	told(&f, "DescribeTable", DESCRIBE, 200, "\"IndexArn\":\"" ARN "/index/glo\",\"WarmThroughput\"", "\"ReadCapacityUnits\":5", NULL);
	told(&f, "UpdateTable", "{\"TableName\":\"tab\"," DEMAND "}", 200, "\"ReadCapacityUnits\":0,\"WriteCapacityUnits\":0},"
	     "\"IndexSizeBytes\":0", NULL);
	end(&f);
}

#define TESTS(X)                                                                                                       \
	X(the_model_is_kept) X(keys_and_projections_are_refused) X(there_are_only_so_many) X(a_table_with_indexes_is_described) \
	X(an_index_serves_when_the_map_knows_of_it) X(keys_of_many_attributes) X(indexes_of_a_table_not_there_yet_are_neither) X(an_index_comes_and_goes)          \
	X(an_index_that_is_being_filled_may_be_given_up) X(updates_of_indexes_are_refused) X(throughput_of_an_index_changes) \
	X(indexes_are_billed_as_their_table)

CHECK_MAIN(TESTS(CHECK_ONE))
