/*
 * op_table: tables, their tags and backups; this file is autoadmin and has one table, "tab".
 * Covers cmd/ddb-router/op_table*.c, op_tag.c and op_info.c.
 */
#include "op_table_admin.h"

#define OPV "One or more parameter values were invalid: "

static void begin(struct fixture *f, const char *rest)
{
	char body[1024];

	snprintf(body, sizeof body, "{\"TableName\":\"tab\",\"AttributeDefinitions\":[{\"AttributeName\":\"pk\",\"AttributeType\":\"S\"}],"
	         "\"KeySchema\":[{\"AttributeName\":\"pk\",\"KeyType\":\"HASH\"}],%s}", rest);
	make(f, body);
}

TEST(create_keeps_every_setting)
{
	struct fixture f;

	begin(&f, "\"BillingMode\":\"PAY_PER_REQUEST\",\"OnDemandThroughput\":{\"MaxReadRequestUnits\":7},"
	          "\"WarmThroughput\":{\"ReadUnitsPerSecond\":13000},\"TableClass\":\"STANDARD\","
	          "\"StreamSpecification\":{\"StreamEnabled\":true,\"StreamViewType\":\"KEYS_ONLY\"},"
	          "\"SSESpecification\":{\"Enabled\":true,\"SSEType\":\"KMS\",\"KMSMasterKeyId\":\"alias/mine\"},"
	          "\"DeletionProtectionEnabled\":true,\"Tags\":[{\"Key\":\"k\",\"Value\":\"v\"}]");
	told(&f, "DescribeTable", "{\"TableName\":\"tab\"}", 200, "\"OnDemandThroughput\":{\"MaxReadRequestUnits\":7}",
	     "\"WarmThroughput\":{\"ReadUnitsPerSecond\":13000,\"WriteUnitsPerSecond\":4000,\"Status\":\"ACTIVE\"}",
	     "\"StreamSpecification\":{\"StreamEnabled\":true,\"StreamViewType\":\"KEYS_ONLY\"}", "\"LatestStreamLabel\":\"20",
	     "\"LatestStreamArn\":\"" ARN "/stream/20", "\"TableClassSummary\":{\"TableClass\":\"STANDARD\"}",
	     "\"SSEDescription\":{\"KMSMasterKeyArn\":\"arn:aws:kms:us-east-1:000000000000:alias/mine\",\"SSEType\":\"KMS\",\"Status\":\"ENABLED\"}",
	     "\"DeletionProtectionEnabled\":true", "\"BillingModeSummary\":{\"BillingMode\":\"PAY_PER_REQUEST\"",
	     "\"ProvisionedThroughput\":{\"NumberOfDecreasesToday\":0,\"ReadCapacityUnits\":0,\"WriteCapacityUnits\":0}", NULL);
	told(&f, "ListTagsOfResource", "{\"ResourceArn\":\"" ARN "\"}", 200, "{\"Tags\":[{\"Key\":\"k\",\"Value\":\"v\"}]}", NULL);
	end(&f);
}

TEST(create_refuses)
{
#define C(rest) "{\"TableName\":\"tab\",\"AttributeDefinitions\":[{\"AttributeName\":\"pk\",\"AttributeType\":\"S\"}]," \
	"\"KeySchema\":[{\"AttributeName\":\"pk\",\"KeyType\":\"HASH\"}],\"BillingMode\":\"PAY_PER_REQUEST\"," rest "}"
#define P "\"ProvisionedThroughput\":{\"ReadCapacityUnits\":5,\"WriteCapacityUnits\":5},\"BillingMode\":\"PROVISIONED\","
	static const struct { const char *body, *message; } bad[] = {
		{ C("\"OnDemandThroughput\":{\"MaxReadRequestUnits\":0}"),
		  OPV "Requested MaxReadRequestUnits for OnDemandThroughput for table is outside of valid range" },
		{ C("\"OnDemandThroughput\":{\"MaxWriteRequestUnits\":-1}"),
		  OPV "Requested MaxWriteRequestUnits for OnDemandThroughput for table is outside of valid range" },
		{ C("\"WarmThroughput\":{\"WriteUnitsPerSecond\":1}"),   /* unconfirmed: the service adds where to read on */
		  OPV "Requested WriteUnitsPerSecond for WarmThroughput for table is lower than initial throughput for OnDemand" },
		{ C("\"StreamSpecification\":{\"StreamEnabled\":true}"),
		  OPV "Table is being created with a stream enabled, UpdateViewType is required" },
		{ C("\"StreamSpecification\":{\"StreamEnabled\":false,\"StreamViewType\":\"KEYS_ONLY\"}"),
		  OPV "Table is being created with a stream disabled, UpdateViewType should not be specified" },
		{ C("\"StreamSpecification\":{}"), "1 validation error detected: Value null at 'streamSpecification.streamEnabled' failed to satisfy "
		  "constraint: Member must not be null" },
		{ C("\"SSESpecification\":{\"Enabled\":true,\"SSEType\":\"AES256\"}"), OPV "SSEType AES256 is not supported" },
		{ C("\"SSESpecification\":{\"Enabled\":false,\"KMSMasterKeyId\":\"x\"}"), OPV "KMSMasterKeyId can not be specified if Enabled is false" },
		{ C("\"Tags\":[{\"Key\":\"aws:x\",\"Value\":\"v\"}]"), "Tag Key cannot be prefixed with aws:, Key: aws:x" },
	};
	struct fixture f;

	setup(&f, 0);
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		refused(&f, "CreateTable", bad[i].body, "ValidationException", bad[i].message);
	refused(&f, "CreateTable", C("\"ResourcePolicy\":\"{}\""), "UnknownOperationException", "Resource policies are not supported yet");
	teardown(&f);
	buf_fini(&admin.definition);
}

TEST(updates_are_answered)
{
	struct fixture f;

	begin(&f, "\"ProvisionedThroughput\":{\"ReadCapacityUnits\":5,\"WriteCapacityUnits\":5}");
	told(&f, "UpdateTable", "{\"TableName\":\"tab\",\"ProvisionedThroughput\":{\"ReadCapacityUnits\":6,\"WriteCapacityUnits\":4}}", 200,
	     "\"TableDescription\":{", "\"TableStatus\":\"UPDATING\"", "\"ReadCapacityUnits\":6,\"WriteCapacityUnits\":4", "LastIncreaseDateTime",
	     "LastDecreaseDateTime", "\"NumberOfDecreasesToday\":1", NULL);
	told(&f, "UpdateTable", "{\"TableName\":\"" ARN "\",\"BillingMode\":\"PAY_PER_REQUEST\"}", 200, "\"TableStatus\":\"UPDATING\"",
	     "\"BillingModeSummary\":{\"BillingMode\":\"PAY_PER_REQUEST\",\"LastUpdateToPayPerRequestDateTime\":", NULL);
	told(&f, "UpdateTable", "{\"TableName\":\"tab\",\"DeletionProtectionEnabled\":true}", 200, "\"TableStatus\":\"ACTIVE\"",
	     "\"DeletionProtectionEnabled\":true", NULL);
	told(&f, "UpdateTable", "{\"TableName\":\"tab\",\"TableClass\":\"STANDARD_INFREQUENT_ACCESS\"}", 200,
	     "\"TableClassSummary\":{\"TableClass\":\"STANDARD_INFREQUENT_ACCESS\",\"LastUpdateDateTime\":", NULL);
	told(&f, "UpdateTable", "{\"TableName\":\"tab\",\"StreamSpecification\":{\"StreamEnabled\":true,\"StreamViewType\":\"NEW_IMAGE\"}}", 200,
	     "\"StreamViewType\":\"NEW_IMAGE\"", "LatestStreamArn", NULL);
	told(&f, "DescribeTable", "{\"TableName\":\"tab\"}", 200, "\"TableStatus\":\"ACTIVE\"", NULL);
	CHECK_INT(admin.updates, 5);
	end(&f);
}

TEST(updates_are_refused)
{
	struct fixture f;

	begin(&f, "\"ProvisionedThroughput\":{\"ReadCapacityUnits\":5,\"WriteCapacityUnits\":5}");
	refused(&f, "UpdateTable", "{\"TableName\":\"tab\",\"GlobalSecondaryIndexUpdates\":[]}", "ValidationException",
	        "At least one of ProvisionedThroughput, BillingMode, UpdateStreamEnabled, GlobalSecondaryIndexUpdates, SSESpecification, "
	        "ReplicaUpdates, MultiAccountReplicaReady, ReplicaTransitRoleArn, MultiRegionConsistency, DeletionProtectionEnabled, "
	        "OnDemandThroughput, WarmThroughput or TableClass is required");
	refused(&f, "UpdateTable", "{\"TableName\":\"tab\",\"ReplicaUpdates\":[{}]}", "UnknownOperationException", "Replicas are not supported yet");
	refused(&f, "UpdateTable", "{\"TableName\":\"tab\",\"ProvisionedThroughput\":{\"ReadCapacityUnits\":0,\"WriteCapacityUnits\":0}}",
	        "ValidationException", "2 validation errors detected: Value '0' at 'provisionedThroughput.writeCapacityUnits' failed to satisfy "
	        "constraint: Member must have value greater than or equal to 1; Value '0' at 'provisionedThroughput.readCapacityUnits' failed to "
	        "satisfy constraint: Member must have value greater than or equal to 1");
	refused(&f, "UpdateTable", "{\"TableName\":\"tab\",\"TableClass\":\"COLD\"}", "ValidationException",
	        "1 validation error detected: Value 'COLD' at 'tableClass' failed to satisfy constraint: Member must satisfy enum value set: "
	        "[STANDARD, STANDARD_INFREQUENT_ACCESS]");
	refused(&f, "UpdateTable", "{\"TableName\":\"none\",\"BillingMode\":\"PAY_PER_REQUEST\"}", "ResourceNotFoundException",
	        "Requested resource not found: Table: x not found");
	refused(&f, "UpdateTable", "{}", "ValidationException", "The parameter 'TableName' is required but was not present in the request");
	CHECK_INT(admin.updates, 0);
	end(&f);
}

TEST(a_table_being_created_stays_as_it_is)
{
	struct fixture f;
	struct item_build b;

	begin(&f, "\"BillingMode\":\"PAY_PER_REQUEST\"");
	item_build_init(&b);
	item_build_item(&b);
	item_build_name(&b, BYTES_LIT("TableStatus")), item_build_s(&b, BYTES_LIT("CREATING"));
	item_build_close(&b);
	set(item_build_view(&b));
	item_build_fini(&b);
	refused(&f, "UpdateTable", "{\"TableName\":\"tab\",\"DeletionProtectionEnabled\":true}", "ResourceInUseException",
	        "Attempt to change a resource which is still in use: Table is being created: tab");
	refused(&f, "TagResource", "{\"ResourceArn\":\"" ARN "\",\"Tags\":[{\"Key\":\"k\",\"Value\":\"\"}]}", "ResourceInUseException",
	        "Attempt to change a resource which is still in use: Table is being created: tab");
	end(&f);
}

TEST(whoever_comes_second_starts_again)
{
	struct fixture f;

	begin(&f, "\"BillingMode\":\"PAY_PER_REQUEST\"");
	admin.stale = 2;
	told(&f, "TagResource", "{\"ResourceArn\":\"" ARN "\",\"Tags\":[{\"Key\":\"k\",\"Value\":\"v\"}]}", 200, "{}", NULL);
	CHECK_INT(admin.updates, 3);
	CHECK_INT(admin.describes, 3);
	end(&f);
}

TEST(tags_are_set_and_taken_away)
{
	struct fixture f;

	begin(&f, "\"BillingMode\":\"PAY_PER_REQUEST\"");
	told(&f, "ListTagsOfResource", "{\"ResourceArn\":\"" ARN "\"}", 200, "{\"Tags\":[]}", NULL);
	told(&f, "TagResource", "{\"ResourceArn\":\"" ARN "\",\"Tags\":[{\"Key\":\"a\",\"Value\":\"1\"},{\"Key\":\"b\",\"Value\":\"\"}]}", 200, "{}", NULL);
	told(&f, "TagResource", "{\"ResourceArn\":\"" ARN "\",\"Tags\":[{\"Key\":\"a\",\"Value\":\"2\"}]}", 200, "{}", NULL);
	told(&f, "ListTagsOfResource", "{\"ResourceArn\":\"" ARN "\"}", 200,
	     "{\"Tags\":[{\"Key\":\"b\",\"Value\":\"\"},{\"Key\":\"a\",\"Value\":\"2\"}]}", NULL);
	told(&f, "UntagResource", "{\"ResourceArn\":\"" ARN "\",\"TagKeys\":[\"b\",\"never\"]}", 200, "{}", NULL);
	told(&f, "ListTagsOfResource", "{\"ResourceArn\":\"" ARN "\"}", 200, "{\"Tags\":[{\"Key\":\"a\",\"Value\":\"2\"}]}", NULL);
	end(&f);
}

TEST(tags_are_refused)
{
#define T(tags) "{\"ResourceArn\":\"" ARN "\",\"Tags\":[" tags "]}"
	static const struct { const char *body, *message; } bad[] = {
		{ T(""), "Atleast one Tag needs to be provided as Input." },
		{ T("{\"Key\":\"\",\"Value\":\"v\"}"), "The Tag Key provided is invalid, Key: " },
		{ T("{\"Value\":\"v\"}"), "The Tag Key provided is invalid, Key: null" },
		{ T("{\"Key\":\"k\"}"), "The Tag Value provided is invalid, Value: null" },
		{ T("{\"Key\":\"a,b\",\"Value\":\"v\"}"), "The Tag Key provided is invalid, Key: a,b" },
		{ T("{\"Key\":\"k\",\"Value\":\"100%\"}"), "The Tag Value provided is invalid, Value: 100%" },
		{ T("{\"Key\":\"aws:k\",\"Value\":\"v\"}"), "Tag Key cannot be prefixed with aws:, Key: aws:k" },
		{ T("{\"Key\":\"k\",\"Value\":\"v\"},{\"Key\":\"k\",\"Value\":\"v\"}"),
		  "Duplicate Tag Keys provided as input: Duplicate Tag Key found k" },
	};
	struct fixture f;

	begin(&f, "\"BillingMode\":\"PAY_PER_REQUEST\"");
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		refused(&f, "TagResource", bad[i].body, "ValidationException", bad[i].message);
	told(&f, "TagResource", T("{\"Key\":\"cl\\u00e9 \\u8868+-=._:/@\",\"Value\":\"\"}"), 200, "{}", NULL);
	refused(&f, "UntagResource", "{\"ResourceArn\":\"" ARN "\",\"TagKeys\":[]}", "ValidationException",
	        "Atleast one Tag Key needs to be provided as Input.");
	refused(&f, "TagResource", "{\"ResourceArn\":\"" ARN "\"}", "ValidationException",
	        "1 validation error detected: Value null at 'tags' failed to satisfy constraint: Member must not be null");
	refused(&f, "ListTagsOfResource", "{\"ResourceArn\":\"" ARN "s\"}", "ResourceNotFoundException",
	        "Requested resource not found: ResourceArn: " ARN "s not found");
	refused(&f, "ListTagsOfResource", "{\"ResourceArn\":\"tab\"}", "ValidationException", OPV "ARNs must start with 'arn:': tab");
	told(&f, "ListTagsOfResource", "{\"ResourceArn\":\"arn:aws:dynamodb:us-east-1:123456789012:table/tab\"}", 400,
	     "com.amazon.coral.service#AccessDeniedException", NULL);
	end(&f);
}

TEST(fifty_tags_and_no_more)
{
	struct fixture f;
	struct buf body = { 0 };

	begin(&f, "\"BillingMode\":\"PAY_PER_REQUEST\"");
	buf_str(&body, "{\"ResourceArn\":\"" ARN "\",\"Tags\":[");
	for (int i = 0; i < 50; i++)
		buf_fmt(&body, "%s{\"Key\":\"k%d\",\"Value\":\"v\"}", i > 0 ? "," : "", i);
	buf_str(&body, "]}");
	buf_u8(&body, 0);
	told(&f, "TagResource", (const char *)body.p, 200, "{}", NULL);
	told(&f, "TagResource", T("{\"Key\":\"k7\",\"Value\":\"w\"}"), 200, "{}", NULL);
	refused(&f, "TagResource", T("{\"Key\":\"one\",\"Value\":\"more\"}"), "ValidationException",
	        "Number of Tags exceed the current limit for the provided ResourceArn");
	told(&f, "ListTagsOfResource", "{\"ResourceArn\":\"" ARN "\"}", 200, "\"k0\"", "\"k49\"", NULL);
	buf_fini(&body);
	end(&f);
}

TEST(backups_say_what_is_true)
{
#define B(spec) "{\"TableName\":\"tab\",\"PointInTimeRecoverySpecification\":" spec "}"
	struct fixture f;

	begin(&f, "\"BillingMode\":\"PAY_PER_REQUEST\"");
	told(&f, "DescribeContinuousBackups", "{\"TableName\":\"tab\"}", 200, "\"PointInTimeRecoveryStatus\":\"DISABLED\"", NULL);
	told(&f, "UpdateContinuousBackups", B("{\"PointInTimeRecoveryEnabled\":false}"), 200, "\"PointInTimeRecoveryStatus\":\"DISABLED\"", NULL);
	refused(&f, "UpdateContinuousBackups", B("{\"PointInTimeRecoveryEnabled\":true}"), "UnknownOperationException",
	        "Point-in-time recovery is not supported yet");
	refused(&f, "UpdateContinuousBackups", B("{\"PointInTimeRecoveryEnabled\":false,\"RecoveryPeriodInDays\":7}"), "ValidationException",
	        "Invalid Request: Cannot specify RecoveryPeriodInDays when disabling point-in-time recovery.");
	refused(&f, "UpdateContinuousBackups", B("{\"RecoveryPeriodInDays\":36}"), "ValidationException",
	        "2 validation errors detected: Value null at 'pointInTimeRecoverySpecification.pointInTimeRecoveryEnabled' failed to satisfy "
	        "constraint: Member must not be null; Value '36' at 'pointInTimeRecoverySpecification.recoveryPeriodInDays' failed to satisfy "
	        "constraint: Member must have value less than or equal to 35");
	refused(&f, "DescribeContinuousBackups", "{\"TableName\":\"none\"}", "TableNotFoundException", "Table not found: none");
	end(&f);
}

TEST(arns_in_place_of_names)
{
	struct fixture f;

	begin(&f, "\"BillingMode\":\"PAY_PER_REQUEST\"");
	told(&f, "DescribeTable", "{\"TableName\":\"" ARN "\"}", 200, "\"TableName\":\"tab\"", NULL);
	refused(&f, "GetItem", "{\"TableName\":\"arn:aws:dynamodb:eu-west-1:000000000000:table/tab\",\"Key\":{}}", "ValidationException",
	        "1 validation error detected: Invalid AWS region in 'arn:aws:dynamodb:eu-west-1:000000000000:table/tab'");
	refused(&f, "BatchGetItem", "{\"RequestItems\":{\"arn:aws:dynamodb:eu-west-1:000000000000:table/tab\":{\"Keys\":[{\"pk\":{\"S\":\"k\"}}]}}}",
	        "ValidationException", "1 validation error detected: Invalid AWS region in 'arn:aws:dynamodb:eu-west-1:000000000000:table/tab'");
	told(&f, "PutItem", "{\"TableName\":\"arn:aws:dynamodb:us-east-1:123456789012:table/tab\",\"Item\":{}}", 400,
	     "#AccessDeniedException", "not authorized to perform: dynamodb:PutItem on resource: arn:aws:dynamodb:us-east-1:123456789012", NULL);
	end(&f);
}

#define TESTS(X)                                                                                                       \
	X(create_keeps_every_setting) X(create_refuses) X(updates_are_answered) X(updates_are_refused)                 \
	X(a_table_being_created_stays_as_it_is) X(whoever_comes_second_starts_again) X(tags_are_set_and_taken_away)    \
	X(tags_are_refused) X(fifty_tags_and_no_more) X(backups_say_what_is_true) X(arns_in_place_of_names)

CHECK_MAIN(TESTS(CHECK_ONE))
