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

#define TESTS(X) X(the_model_is_kept) X(keys_and_projections_are_refused) X(there_are_only_so_many)

CHECK_MAIN(TESTS(CHECK_ONE))
