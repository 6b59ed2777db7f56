/* ARNs: arn:aws:dynamodb:REGION:ACCOUNT:table/NAME.  The messages are the service's; which part it looks at first as well. */
#include <string.h>

#include "api.h"
#include "table.h"

#define FORMAT "Valid ARN format is 'arn:<awsPartition>:<vendor>:<region>:<subscriber>:resourceType/resourceName', where Resource name must " \
	"have length less than or equal to 255, Resource name must have length greater than or equal to 3, Resource name must satisfy "       \
	"regular expression pattern: [a-zA-Z0-9_.-]+"

struct arn {
	struct bytes partition, service, region, account, resource;
};

static bool split(struct bytes v, struct arn *out)
{
	struct bytes *const part[] = { NULL, &out->partition, &out->service, &out->region, &out->account };
	const uint8_t *p = v.p, *end = v.p + v.n;

	for (size_t i = 0; i < 5; i++) {
		const uint8_t *colon = memchr(p, ':', (size_t)(end - p));

		if (colon == NULL)
			return false;
		if (part[i] != NULL)
			*part[i] = (struct bytes){ p, (size_t)(colon - p) };
		p = colon + 1;
	}
	out->resource = (struct bytes){ p, (size_t)(end - p) };
	return true;
}

static struct bytes name_in(const struct arn *a)
{
	return (struct bytes){ a->resource.p + 6, a->resource.n - 6 };
}

static enum result say(struct buf *text, enum result r, const char *what, struct bytes arn, const char *end)
{
	buf_str(text, what);
	buf_bytes(text, arn);
	buf_str(text, end);
	return r;
}

static enum result denied(struct buf *text, const char *op, struct bytes arn)
{
	buf_fmt(text, "User: arn:aws:iam::" API_ACCOUNT ":root is not authorized to perform: dynamodb:%s on resource: ", op);
	buf_bytes(text, arn);
	buf_fmt(text, " because no resource-based policy allows the dynamodb:%s action", op);
	return RESULT_ACCESS_DENIED;
}

enum result api_arn_table(struct bytes v, const char *op, const char *region, struct buf *text)
{
	struct arn a;

	if (!bytes_starts(v, BYTES_LIT("arn:")))
		return RESULT_OK;                        /* a name, or something else that is not one */
	if (!split(v, &a) || !bytes_is(a.service, "dynamodb"))
		return say(text, RESULT_INVALID, "1 validation error detected: " FORMAT, BYTES_NONE, "");
	if (!bytes_is(a.partition, "aws"))
		return say(text, RESULT_INVALID, "1 validation error detected: Invalid AWS partition in '", v, "'");
	if (!bytes_is(a.region, region))
		return say(text, RESULT_INVALID, "1 validation error detected: Invalid AWS region in '", v, "'");
	if (!bytes_starts(a.resource, BYTES_LIT("table/")))
		return say(text, RESULT_INVALID, "1 validation error detected: Invalid resource type in '", v, "'");
	if (!table_name_ok(name_in(&a)))
		return say(text, RESULT_INVALID, "1 validation error detected: " FORMAT, BYTES_NONE, "");
	return bytes_is(a.account, API_ACCOUNT) ? RESULT_OK : denied(text, op, v);
}

enum result api_arn_resource(struct bytes v, const char *op, const char *region, struct buf *text)
{
	struct arn a;

	if (!bytes_starts(v, BYTES_LIT("arn:")))
		return say(text, RESULT_INVALID, DJSON_PREFIX "ARNs must start with 'arn:': ", v, "");
	if (!split(v, &a) || !bytes_is(a.service, "dynamodb") || !bytes_is(a.account, API_ACCOUNT))
		return denied(text, op, v);
	if (!bytes_starts(a.resource, BYTES_LIT("table/")))
		return say(text, RESULT_INVALID, DJSON_PREFIX "Provided Arn is not a DynamoDB resource arn: ", v, "");
	if (!bytes_is(a.region, region) || !bytes_is(a.partition, "aws"))
		return say(text, RESULT_INVALID, "Invalid TableArn: Invalid ResourceArn provided as input ", v, "");
	if (memchr(name_in(&a).p, '/', name_in(&a).n) != NULL)
		return say(text, RESULT_INVALID, DJSON_PREFIX "Invalid resource arn provided, only table or stream is accepted. Provided "
			   "resource arn: ", v, "");
	if (!table_name_ok(name_in(&a)))
		return say(text, RESULT_INVALID, "Invalid TableArn: Invalid ResourceArn provided as input ", v, "");
	return RESULT_OK;
}
