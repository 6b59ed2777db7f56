/* cmd/ddb-router/api_arn.c: ARNs of tables of this cluster and of anything else. */
#include "cmd/ddb-router/api.h"
#include "check.h"

static void is(enum result (*f)(struct bytes v, const char *op, const char *region, struct buf *text), const char *arn,
               enum result wanted, const char *text)
{
	struct buf b = { 0 };

	CHECK_INT(f(bytes_str(arn), "PutItem", "eu-central-1", &b), wanted);
	buf_u8(&b, 0);
	if (strstr((const char *)b.p, text) == NULL)
		CHECK_STR((const char *)b.p, text);
	buf_fini(&b);
}

TEST(tables_of_ours)
{
	is(api_arn_table, "arn:aws:dynamodb:eu-central-1:000000000000:table/orders", RESULT_OK, "");
	is(api_arn_resource, "arn:aws:dynamodb:eu-central-1:000000000000:table/orders", RESULT_OK, "");
	is(api_arn_table, "orders", RESULT_OK, "");
	is(api_arn_table, "", RESULT_OK, "");
}

TEST(tables_of_others)
{
	is(api_arn_table, "arn:aws:dynamodb:us-east-1:000000000000:table/orders", RESULT_INVALID,
	   "1 validation error detected: Invalid AWS region in 'arn:aws:dynamodb:us-east-1:000000000000:table/orders'");
	is(api_arn_table, "arn:aws-cn:dynamodb:eu-central-1:000000000000:table/orders", RESULT_INVALID, "Invalid AWS partition in '");
	is(api_arn_table, "arn:aws:dynamodb:eu-central-1:123456789012:table/orders", RESULT_ACCESS_DENIED,
	   "is not authorized to perform: dynamodb:PutItem on resource: arn:aws:dynamodb:eu-central-1:123456789012:table/orders because");
	is(api_arn_resource, "arn:aws:dynamodb:eu-central-1:123456789012:table/orders", RESULT_ACCESS_DENIED, "not authorized");
	is(api_arn_resource, "arn:aws:dynamodb:us-east-1:000000000000:table/orders", RESULT_INVALID,
	   "Invalid TableArn: Invalid ResourceArn provided as input arn:aws:dynamodb:us-east-1:000000000000:table/orders");
}

TEST(other_things)
{
	is(api_arn_table, "arn:aws:dynamodb:eu-central-1:000000000000:backup/x", RESULT_INVALID, "Invalid resource type in '");
	is(api_arn_table, "arn:aws:dynamodb:eu-central-1:000000000000:table/orders/index/i", RESULT_INVALID, "Valid ARN format is");
	is(api_arn_table, "arn:aws:dynamodb:eu-central-1:000000000000:table/ab", RESULT_INVALID, "Valid ARN format is");
	is(api_arn_table, "arn:aws:s3:eu-central-1:000000000000:table/orders", RESULT_INVALID, "Valid ARN format is");
	is(api_arn_table, "arn:aws:dynamodb:eu-central-1", RESULT_INVALID, "Valid ARN format is");
	is(api_arn_table, "arn:", RESULT_INVALID, "Valid ARN format is");
	is(api_arn_resource, "orders", RESULT_INVALID, "One or more parameter values were invalid: ARNs must start with 'arn:': orders");
	is(api_arn_resource, "arn:aws:s3:::bucket", RESULT_ACCESS_DENIED, "not authorized");
	is(api_arn_resource, "arn:aws:dynamodb:eu-central-1:000000000000:global-table/x", RESULT_INVALID,
	   "One or more parameter values were invalid: Provided Arn is not a DynamoDB resource arn: arn:");
	is(api_arn_resource, "arn:aws:dynamodb:eu-central-1:000000000000:table/orders/index/i", RESULT_INVALID,
	   "Invalid resource arn provided, only table or stream is accepted");
	is(api_arn_resource, "arn:aws:dynamodb:eu-central-1:000000000000:table/", RESULT_INVALID, "Invalid ResourceArn");
}

#define TESTS(X) X(tables_of_ours) X(tables_of_others) X(other_things)

CHECK_MAIN(TESTS(CHECK_ONE))
