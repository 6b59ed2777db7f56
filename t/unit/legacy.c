/*
 * The older parameters: what a request with them sends to the node, as expr_print shows programs, or how it is refused;
 * and what these programs do with items.  Texts marked "unconfirmed" are not known from AWS's documentation or from
 * reports of the service's answers.
 */
#include "check.h"

#include "api_fixture.h"
#include "cmd/ddb-router/legacy.h"
#include "expr_eval.h"
#include "expr_notation.h"

static struct fixture f;

#define OPV "One or more parameter values were invalid: "
#define DETECTED "1 validation error detected: "
#define CONSTRAINT(value, where, rule) \
	DETECTED "Value " value " at '" where "' failed to satisfy constraint: Member must " rule
#define OPERATORS \
	"satisfy enum value set: [IN, NULL, BETWEEN, LT, NOT_CONTAINS, EQ, GT, NOT_NULL, NE, LE, BEGINS_WITH, " \
	"GE, CONTAINS]"
#define EXPECTED(e) "\"Expected\":{" e "}"
#define UPDATES(u) "\"AttributeUpdates\":{" u "}"
#define ARGS(op, list) "\"ComparisonOperator\":\"" op "\",\"AttributeValueList\":[" list "]"

/* What went out, or the refusal. */
struct outcome {
	struct buf condition, filter, update, from, to, text;
	unsigned returns;
};

static void write_sent(struct sent *s, struct outcome *o)
{
	struct msg_write m;
	struct bytes ops, part;
	struct msg_op op;

	CHECK(msg_get_write(buf_view(&s->body), &m, MSG_VERSION));
	ops = m.ops;
	CHECK(msg_list_next(&ops, &part) && msg_get_op(part, &op, MSG_VERSION));
	buf_bytes(&o->condition, op.condition);
	buf_bytes(&o->update, op.update);
	o->returns = op.returns;
}

static void scan_sent(struct sent *s, struct outcome *o)
{
	struct msg_scan m;

	CHECK(msg_get_scan(buf_view(&s->body), &m, MSG_VERSION));
	buf_bytes(&o->filter, m.filter);
	buf_bytes(&o->from, m.from);
	buf_bytes(&o->to, m.to);
}

static void print(const struct buf *prog, const char *label, struct buf *out)
{
	if (prog->n == 0)
		return;
	buf_str(out, out->n > 0 ? "; " : "");
	buf_str(out, label);
	expr_print(buf_view(prog), out);
}

/* The message of the refusal in body, for other types than ValidationException with the type in front. */
static void refusal(const char *body, struct buf *out)
{
	const char *type = strchr(body, '#'), *text = strstr(body, "\"message\":\"");

	if (type != NULL && strncmp(type, "#ValidationException", 20) != 0)
		buf_bytes(out, (struct bytes){ (const uint8_t *)type, strcspn(type, "\"") });
	if (text == NULL)
		return;
	for (text += 11; *text != '\0' && *text != '"'; text++)
		buf_u8(out, (uint8_t)*text);
}

static void run(const char *op, const char *body, struct outcome *o)
{
	struct http_req req;
	struct sent *s = NULL;

	*o = (struct outcome){ 0 };
	ask(&f, &req, op, body);
	while (req.answers == 0 && s == NULL) {
		s = sent_find(MSG_write) != NULL ? sent_find(MSG_write) : sent_find(MSG_scan);
		if (s == NULL && !memds_answers())
			break;
	}
	if (s != NULL)
		(s->type == MSG_write ? write_sent : scan_sent)(s, o);
	print(&o->condition, "", &o->text);
	print(&o->filter, "", &o->text);
	print(&o->update, "", &o->text);
	if (req.answers > 0)
		refusal(body_of(&req), &o->text);
	all_answer();
	CHECK_INT(req.answers, 1);
	done(&req);
	buf_u8(&o->text, 0);
}

static void forget(struct outcome *o)
{
	buf_fini(&o->condition);
	buf_fini(&o->filter);
	buf_fini(&o->update);
	buf_fini(&o->from);
	buf_fini(&o->to);
	buf_fini(&o->text);
}

static const char *const requests[][2] = {
	{ "Put", "{\"TableName\":\"tab\",\"Item\":{\"pk\":{\"S\":\"x\"},\"sk\":{\"N\":\"1\"}}" },
	{ "Update", "{\"TableName\":\"tab\",\"Key\":{\"pk\":{\"S\":\"x\"},\"sk\":{\"N\":\"1\"}}" },
	{ "Delete", "{\"TableName\":\"tab\",\"Key\":{\"pk\":{\"S\":\"x\"},\"sk\":{\"N\":\"1\"}}" },
	{ "Query", "{\"TableName\":\"tab\"" },
	{ "Scan", "{\"TableName\":\"tab\"" },
	{ "Get", "{\"TableName\":\"tab\",\"Key\":{\"pk\":{\"S\":\"x\"},\"sk\":{\"N\":\"1\"}}" },
};

/* op: how one of requests begins; members: what it has besides. */
static void run_with(const char *op, const char *members, struct outcome *o)
{
	size_t i = 0;
	char name[32];
	struct buf body = { 0 };

	while (strcmp(requests[i][0], op) != 0)
		i++;
	snprintf(name, sizeof name, "%s%s", op, i == 3 || i == 4 ? "" : "Item");
	buf_fmt(&body, "%s,%s}", requests[i][1], members);
	buf_u8(&body, 0);
	run(name, (const char *)body.p, o);
	buf_fini(&body);
}

struct row { const char *op, *members, *wanted; };

static void rows(const struct row *row, size_t n)
{
	setup(&f, 0);
	cluster.schema = (struct key_schema){ .part = { { BYTES_LIT("pk"), ITEM_S }, { BYTES_LIT("sk"), ITEM_N } },
		.n = 2, .hash_n = 1 };
	for (size_t i = 0; i < n; i++) {
		struct outcome o;

		run_with(row[i].op, row[i].members, &o);
		CHECK_STR((const char *)o.text.p, row[i].wanted);
		if (strcmp((const char *)o.text.p, row[i].wanted) != 0)
			printf("# %s %s\n", row[i].op, row[i].members);
		forget(&o);
	}
	teardown(&f);
}

#define N1 "{\"N\":\"1\"}"
#define N2 "{\"N\":\"2\"}"
#define SX "{\"S\":\"x\"}"

static const struct row conditions[] = {
	{ "Put", EXPECTED("\"a\":{" ARGS("EQ", N1) "}"), "a = {N:1}" },
	{ "Put", EXPECTED("\"a\":{" ARGS("NE", "{\"M\":{}}") "}"), "a <> {M:{}}" },
	{ "Put", EXPECTED("\"a\":{" ARGS("LE", N1) "}"), "a <= {N:1}" },
	{ "Put", EXPECTED("\"a\":{" ARGS("LT", SX) "}"), "a < {S:x}" },
	{ "Put", EXPECTED("\"a\":{" ARGS("GE", N1) "}"), "a >= {N:1}" },
	{ "Put", EXPECTED("\"a\":{" ARGS("GT", N1) "}"), "a > {N:1}" },
	{ "Put", EXPECTED("\"a\":{" ARGS("BETWEEN", N1 "," N2) "}"), "a BETWEEN {N:1} AND {N:2}" },
	{ "Put", EXPECTED("\"a\":{" ARGS("IN", N1 "," N2) "}"), "a IN ({N:1}, {N:2})" },
	{ "Put", EXPECTED("\"a\":{" ARGS("IN", N1) "}"), "a IN ({N:1})" },
	{ "Put", EXPECTED("\"a\":{\"ComparisonOperator\":\"NULL\"}"), "attribute_not_exists(a)" },
	{ "Put", EXPECTED("\"a\":{" ARGS("NULL", "") "}"), "attribute_not_exists(a)" },
	{ "Put", EXPECTED("\"a\":{\"ComparisonOperator\":\"NOT_NULL\"}"), "attribute_exists(a)" },
	{ "Put", EXPECTED("\"a\":{" ARGS("CONTAINS", SX) "}"), "contains(a, {S:x})" },
	{ "Put", EXPECTED("\"a\":{" ARGS("NOT_CONTAINS", SX) "}"), "(attribute_exists(a) AND NOT contains(a, {S:x}))" },
	{ "Put", EXPECTED("\"a\":{" ARGS("BEGINS_WITH", SX) "}"), "begins_with(a, {S:x})" },
	{ "Put", EXPECTED("\"a\":{\"ComparisonOperator\":\"GT\",\"Value\":" N1 "}"), "a > {N:1}" },
	{ "Put", EXPECTED("\"a\":{\"Value\":" N1 "}"), "a = {N:1}" },
	{ "Put", EXPECTED("\"a\":{\"Value\":" N1 ",\"Exists\":true}"), "a = {N:1}" },
	{ "Put", EXPECTED("\"a\":{\"Exists\":false}"), "attribute_not_exists(a)" },
	{ "Put", EXPECTED("\"year.x\":{\"Exists\":false,\"Value\":null}"), "attribute_not_exists(year.x)" },
	{ "Put", EXPECTED(""), "" },
	{ "Put", EXPECTED("\"a\":null"), "" },
	{ "Put", "\"Expected\":null", "" },
	{ "Delete", EXPECTED("\"a\":{\"Exists\":false}"), "attribute_not_exists(a)" },
	{ "Update", EXPECTED("\"a\":{\"Exists\":false}"),
		"attribute_not_exists(a); SET pk = if_not_exists(pk, {S:x})" },
	{ "Delete", EXPECTED("\"a\":{\"Value\":" N1 "},\"b\":{\"Exists\":false}"),
		"(a = {N:1} AND attribute_not_exists(b))" },
	{ "Delete", EXPECTED("\"a\":{\"Value\":" N1 "},\"b\":{\"Exists\":false}") ",\"ConditionalOperator\":\"AND\"",
		"(a = {N:1} AND attribute_not_exists(b))" },
	{ "Delete", EXPECTED("\"a\":{\"Value\":" N1 "},\"b\":{\"Exists\":false},\"c\":{" ARGS("NOT_CONTAINS", SX) "}")
		",\"ConditionalOperator\":\"OR\"",
		"(a = {N:1} OR (attribute_not_exists(b) OR (attribute_exists(c) AND NOT contains(c, {S:x}))))" },
	{ "Scan", "\"ScanFilter\":{\"a\":{" ARGS("GT", N1) "},\"pk\":{" ARGS("EQ", SX) "}}",
		"(a > {N:1} AND pk = {S:x})" },
	{ "Scan", "\"ScanFilter\":{\"a\":{" ARGS("GT", N1) "},"
		"\"b\":{\"ComparisonOperator\":\"NULL\"}},\"ConditionalOperator\":\"OR\"",
		"(a > {N:1} OR attribute_not_exists(b))" },
	{ "Query", "\"KeyConditions\":{\"pk\":{" ARGS("EQ", SX) "}},\"QueryFilter\":{\"a\":{" ARGS("GT", N1) "}}",
		"a > {N:1}" },
	{ "Query", "\"KeyConditions\":{\"pk\":{" ARGS("EQ", SX) "}},\"FilterExpression\":\"attribute_exists(a)\"",
		"attribute_exists(a)" },
};

TEST(conditions_become_programs)
{
	rows(conditions, sizeof conditions / sizeof conditions[0]);
}

static const struct row refused_conditions[] = {
	{ "Put", EXPECTED("\"a\":{" ARGS("EQ", "") "}"),
		OPV "Invalid number of argument(s) for the EQ ComparisonOperator" },
	{ "Put", EXPECTED("\"a\":{" ARGS("EQ", N1 "," N2) "}"),
		OPV "Invalid number of argument(s) for the EQ ComparisonOperator" },
	{ "Put", EXPECTED("\"a\":{" ARGS("BETWEEN", N1) "}"),
		OPV "Invalid number of argument(s) for the BETWEEN ComparisonOperator" },
	{ "Put", EXPECTED("\"a\":{" ARGS("IN", "") "}"),
		OPV "Invalid number of argument(s) for the IN ComparisonOperator" },
	{ "Put", EXPECTED("\"a\":{" ARGS("NULL", N1) "}"),
		OPV "Invalid number of argument(s) for the NULL ComparisonOperator" },
	{ "Put", EXPECTED("\"a\":{\"ComparisonOperator\":\"NOT_NULL\",\"Value\":" N1 "}"),
		OPV "Invalid number of argument(s) for the NOT_NULL ComparisonOperator" },
	{ "Scan", "\"ScanFilter\":{\"a\":{" ARGS("CONTAINS", N1 "," N1) "}}",
		OPV "Invalid number of argument(s) for the CONTAINS ComparisonOperator" },
	{ "Scan", "\"ScanFilter\":{\"a\":{\"ComparisonOperator\":\"LT\"}}",
		OPV "Invalid number of argument(s) for the LT ComparisonOperator" },
	{ "Put", EXPECTED("\"a\":{" ARGS("IN", N1 "," SX) "}"),
		OPV "AttributeValues inside AttributeValueList must be of same type" },
	{ "Put", EXPECTED("\"a\":{" ARGS("BETWEEN", N1 "," SX) "}"),
		OPV "AttributeValues inside AttributeValueList must be of same type" },
	{ "Put", EXPECTED("\"a\":{" ARGS("BETWEEN", N2 "," N1) "}"),
		"The BETWEEN condition was provided a range where the lower bound is greater than the upper bound" },
	{ "Put", EXPECTED("\"a\":{" ARGS("BETWEEN", "{\"NS\":[\"1\"]},{\"NS\":[\"2\"]}") "}"),
		OPV "ComparisonOperator BETWEEN is not valid for NS AttributeValue type" },
	{ "Put", EXPECTED("\"a\":{" ARGS("LT", "{\"BOOL\":true}") "}"),
		OPV "ComparisonOperator LT is not valid for BOOL AttributeValue type" },
	{ "Put", EXPECTED("\"a\":{" ARGS("IN", "{\"SS\":[\"x\"]}") "}"),
		OPV "ComparisonOperator IN is not valid for SS AttributeValue type" },
	{ "Put", EXPECTED("\"a\":{" ARGS("CONTAINS", "{\"L\":[]}") "}"),
		OPV "ComparisonOperator CONTAINS is not valid for L AttributeValue type" },
	{ "Put", EXPECTED("\"a\":{" ARGS("NOT_CONTAINS", "{\"BS\":[\"AA==\"]}") "}"),
		OPV "ComparisonOperator NOT_CONTAINS is not valid for BS AttributeValue type" },
	{ "Put", EXPECTED("\"a\":{" ARGS("BEGINS_WITH", N1) "}"),
		OPV "ComparisonOperator BEGINS_WITH is not valid for N AttributeValue type" },
	{ "Put", EXPECTED("\"a\":{\"Value\":" N1 "," ARGS("EQ", N1) "}"),
		DETECTED OPV "Value and AttributeValueList cannot be used together for Attribute: a" },
			/* unconfirmed: the prefix */
	{ "Put", EXPECTED("\"a\":{\"Value\":" N1 ",\"AttributeValueList\":[]}"),
		DETECTED OPV "Value and AttributeValueList cannot be used together for Attribute: a" },
			/* unconfirmed: the prefix */
	{ "Put", EXPECTED("\"a\":{\"Exists\":true,\"AttributeValueList\":[]}"),
		DETECTED OPV "AttributeValueList can only be used with a ComparisonOperator for Attribute: a" },
	{ "Put", EXPECTED("\"a\":{\"Exists\":true," ARGS("EQ", N1) "}"),
		DETECTED OPV "Exists and ComparisonOperator cannot be used together for Attribute: a" },
	{ "Put", EXPECTED("\"a\":{\"ComparisonOperator\":\"EQ\"}"),       /* unconfirmed: the prefix */
		DETECTED OPV "Value or AttributeValueList must be used with ComparisonOperator: EQ for Attribute: a" },
	{ "Put", EXPECTED("\"a\":{\"Exists\":true}"),
		DETECTED OPV "Value must be provided when Exists is true for Attribute: a" },
	{ "Put", EXPECTED("\"a\":{}"), DETECTED OPV "Value must be provided when Exists is null for Attribute: a" },
	{ "Put", EXPECTED("\"a\":{\"Exists\":false,\"Value\":" N1 "}"),
		DETECTED OPV "Value cannot be used when Exists is false for Attribute: a" },
	{ "Put", EXPECTED("\"a\":{\"Value\":{\"N\":\"x\"}}"),
		"The parameter cannot be converted to a numeric value: x" },
	{ "Put", EXPECTED("\"a\":{\"Value\":{}}"),
		"Supplied AttributeValue is empty, must contain exactly one of the supported datatypes" },
	{ "Put", EXPECTED("\"\":{\"Exists\":false}"), OPV "An attribute name must not be empty" }, /* unconfirmed */
	{ "Put", EXPECTED("\"a\":{\"ComparisonOperator\":\"EQUAL\"}"),
		CONSTRAINT("'EQUAL'", "expected.a.member.comparisonOperator", OPERATORS) },
	{ "Scan", "\"ScanFilter\":{\"a\":{}}",
		CONSTRAINT("null", "scanFilter.a.member.comparisonOperator", "not be null") },
	{ "Query", "\"KeyConditions\":{\"a\":{\"AttributeValueList\":[" N1 "]}}",
		CONSTRAINT("null", "keyConditions.a.member.comparisonOperator", "not be null") },
	{ "Query", "\"QueryFilter\":{\"a\":{\"ComparisonOperator\":\"\"}}",
		CONSTRAINT("''", "queryFilter.a.member.comparisonOperator", OPERATORS) },
	{ "Put", "\"Expected\":[]", "#SerializationException" },
	{ "Put", EXPECTED("\"a\":1"), "#SerializationException" },
	{ "Put", EXPECTED("\"a\":{\"Exists\":\"true\"}"), "#SerializationException" },
	{ "Put", EXPECTED("\"a\":{\"AttributeValueList\":{}}"), "#SerializationException" },
	{ "Put", EXPECTED("\"a\":{\"Value\":\"x\"}"), "#SerializationException" },
	{ "Put", "\"ConditionalOperator\":\"AND\"", "ConditionalOperator cannot be used without Filter or Expected" },
	{ "Scan", "\"ConditionalOperator\":\"OR\"", "ConditionalOperator cannot be used without Filter or Expected" },
	{ "Put", EXPECTED("") ",\"ConditionalOperator\":\"AND\"",         /* unconfirmed: which of the two */
		"ConditionalOperator cannot be used without Filter or Expected" },
	{ "Put", EXPECTED("\"a\":{\"Exists\":false}") ",\"ConditionalOperator\":\"AND\"",
		"ConditionalOperator can only be used when Filter or Expected has two or more elements" },
	{ "Query", "\"KeyConditions\":{\"pk\":{" ARGS("EQ", SX) "}},\"ConditionalOperator\":\"AND\"",
		"ConditionalOperator cannot be used without Filter or Expected" },
	{ "Put", EXPECTED("\"a\":{\"Exists\":false}") ",\"ConditionalOperator\":\"XOR\"",
		CONSTRAINT("'XOR'", "conditionalOperator", "satisfy enum value set: [OR, AND]") },
};

TEST(wrong_conditions_are_refused)
{
	rows(refused_conditions, sizeof refused_conditions / sizeof refused_conditions[0]);
}

static const struct row updates[] = {
	{ "Update", UPDATES("\"a\":{\"Value\":" N1 "}"), "SET a = {N:1}" },
	{ "Update", UPDATES("\"b\":{\"Action\":\"PUT\",\"Value\":" N1 "},\"a\":{\"Action\":\"DELETE\"}"),
		"REMOVE a; SET b = {N:1}" },
	{ "Update", UPDATES("\"a\":{\"Action\":\"ADD\",\"Value\":" N1 "}"), "ADD a {N:1}" },
	{ "Update", UPDATES("\"a\":{\"Action\":\"ADD\",\"Value\":{\"SS\":[\"x\"]}}"), "ADD a {SS:[x]}" },
	{ "Update", UPDATES("\"a\":{\"Action\":\"ADD\",\"Value\":{\"L\":[" N1 "]}}"),
		"SET a = list_append(if_not_exists(a, {L:[]}), {L:[{N:1}]})" },
	{ "Update", UPDATES("\"a\":{\"Action\":\"DELETE\",\"Value\":{\"NS\":[\"1\"]}}"), "DELETE a {NS:[1]}" },
	{ "Update", UPDATES(""), "SET pk = if_not_exists(pk, {S:x})" },
	{ "Update", UPDATES("\"a\":{\"Value\":" N1 "}") "," EXPECTED("\"a\":{\"Exists\":false}"),
		"attribute_not_exists(a); SET a = {N:1}" },
	{ "Update", UPDATES("\"a\":{\"Action\":\"PUT\"}"),
		OPV "Only DELETE action is allowed when no attribute value is specified" },
	{ "Update", UPDATES("\"a\":{\"Action\":\"ADD\"}"),
		OPV "Only DELETE action is allowed when no attribute value is specified" },
	{ "Update", UPDATES("\"a\":{}"), OPV "Only DELETE action is allowed when no attribute value is specified" },
	/* Some reports have STRING and NUMBER for S and N: unconfirmed. */
	{ "Update", UPDATES("\"a\":{\"Action\":\"DELETE\",\"Value\":" N1 "}"),
		OPV "DELETE action with value is not supported for the type N" },
	{ "Update", UPDATES("\"a\":{\"Action\":\"DELETE\",\"Value\":{\"BOOL\":true}}"),
		OPV "DELETE action with value is not supported for the type BOOL" },
	{ "Update", UPDATES("\"a\":{\"Action\":\"ADD\",\"Value\":" SX "}"),
		OPV "ADD action is not supported for the type S" },
	{ "Update", UPDATES("\"a\":{\"Action\":\"ADD\",\"Value\":{\"M\":{}}}"),
		OPV "ADD action is not supported for the type M" },
	{ "Update", UPDATES("\"a\":{\"Action\":\"SET\",\"Value\":" N1 "}"),
		CONSTRAINT("'SET'", "attributeUpdates.a.member.action", "satisfy enum value set: [ADD, PUT, DELETE]") },
	{ "Update", UPDATES("\"pk\":{\"Value\":" SX "}"),
		OPV "Cannot update attribute pk. This attribute is part of the key" },
	{ "Update", UPDATES("\"sk\":{\"Action\":\"DELETE\"}"),
		OPV "Cannot update attribute sk. This attribute is part of the key" },
	{ "Update", UPDATES("\"a\":{\"Value\":" N1 "}") "," EXPECTED("\"a\":{}"),
		DETECTED OPV "Value must be provided when Exists is null for Attribute: a" },
	{ "Update", UPDATES("\"a\":{}") "," EXPECTED("\"a\":{}"),
		OPV "Only DELETE action is allowed when no attribute value is specified" },
};

TEST(updates_become_programs)
{
	rows(updates, sizeof updates / sizeof updates[0]);
}

#define MIXED(old, new) \
	"Can not use both expression and non-expression parameters in the same request: " \
	"Non-expression parameters: {" old "} Expression parameters: {" new "}"

static const struct row mixed[] = {
	{ "Put", EXPECTED("") ",\"ConditionExpression\":\"a = b\"", MIXED("Expected", "ConditionExpression") },
	{ "Put", "\"ConditionalOperator\":\"OR\",\"ConditionExpression\":\"\"", MIXED("ConditionalOperator",
		"ConditionExpression") },
	{ "Update", UPDATES("") "," EXPECTED("") ",\"ConditionalOperator\":\"OR\",\"ConditionExpression\":\"a\","
		"\"UpdateExpression\":\"b\"",
		MIXED("AttributeUpdates, Expected, ConditionalOperator", "UpdateExpression, ConditionExpression") },
	{ "Update", UPDATES("\"a\":{\"Value\":{\"N\":\"x\"}}") ",\"ConditionExpression\":\"a\"",
		MIXED("AttributeUpdates", "ConditionExpression") },
	{ "Get", "\"AttributesToGet\":[\"a\"],\"ProjectionExpression\":\"a\"", MIXED("AttributesToGet",
		"ProjectionExpression") },
	{ "Query", "\"AttributesToGet\":[\"a\"],\"QueryFilter\":{},\"ConditionalOperator\":\"OR\",\"KeyConditions\":{},"
		"\"ProjectionExpression\":\"a\",\"FilterExpression\":\"a\",\"KeyConditionExpression\":\"a\"",
		MIXED("AttributesToGet, QueryFilter, ConditionalOperator, KeyConditions",
		      "ProjectionExpression, FilterExpression, KeyConditionExpression") },
	{ "Query", "\"AttributesToGet\":[\"a\"],\"KeyConditions\":{},\"FilterExpression\":\"a\"",
		MIXED("AttributesToGet", "FilterExpression") },
	{ "Scan", "\"ScanFilter\":{},\"ProjectionExpression\":\"a\"", MIXED("ScanFilter", "ProjectionExpression") },
	{ "Scan", "\"ScanFilter\":{},\"ProjectionExpression\":\"a\",\"Limit\":0", /* shape comes first */
		CONSTRAINT("'0'", "limit", "have value greater than or equal to 1") },
	{ "Get", "\"AttributesToGet\":[]",
		CONSTRAINT("'[]'", "attributesToGet", "have length greater than or equal to 1") },
	{ "Get", "\"AttributesToGet\":[\"b\",\"a\",\"b\"]", OPV "Duplicate value in attribute name: b" },
	{ "Scan", "\"AttributesToGet\":[\"\"]", OPV "An attribute name must not be empty" }, /* unconfirmed */
};

TEST(old_and_new_are_not_mixed)
{
	rows(mixed, sizeof mixed / sizeof mixed[0]);
}

static const struct row keys[] = {
	{ "Query", "\"Limit\":1",
		"Either the KeyConditions or KeyConditionExpression parameter must be specified in the request." },
	{ "Query", "\"KeyConditions\":{}", "Conditions can be of length 1 or 2 only" },
	{ "Query", "\"KeyConditions\":{\"pk\":{" ARGS("EQ", SX) "},\"sk\":{" ARGS("EQ", N1) "},"
		"\"a\":{" ARGS("EQ", N1) "}}",
		"Conditions can be of length 1 or 2 only" },
	{ "Query", "\"KeyConditions\":{\"pk\":{" ARGS("EQ", SX "," SX) "}}",
		OPV "Invalid number of argument(s) for the EQ ComparisonOperator" },
	{ "Query", "\"KeyConditions\":{\"sk\":{" ARGS("EQ", N1) "}}", "Query condition missed key schema element: pk" },
	{ "Query", "\"KeyConditions\":{\"sk\":{" ARGS("NE", N1) "}}", "Query condition missed key schema element: pk" },
	{ "Query", "\"KeyConditions\":{\"pk\":{" ARGS("EQ", SX) "},\"a\":{" ARGS("EQ", N1) "}}",
		"Query condition missed key schema element: sk" },
	{ "Query", "\"KeyConditions\":{\"pk\":{" ARGS("EQ", SX) "},\"a\":{\"ComparisonOperator\":\"NULL\"}}",
		"Query condition missed key schema element: sk" },
	{ "Query", "\"KeyConditions\":{\"pk\":{" ARGS("GT", SX) "}}", "Query key condition not supported" },
	{ "Query", "\"KeyConditions\":{\"pk\":{" ARGS("NE", SX) "}}",
		"Attempted conditional constraint is not an indexable operation" },
	{ "Query", "\"KeyConditions\":{\"pk\":{\"ComparisonOperator\":\"NOT_NULL\"}}",
		"Attempted conditional constraint is not an indexable operation" },
	{ "Query", "\"KeyConditions\":{\"pk\":{" ARGS("EQ", SX) "},\"sk\":{" ARGS("IN", N1) "}}",
		"Attempted conditional constraint is not an indexable operation" },
	{ "Query", "\"KeyConditions\":{\"pk\":{" ARGS("EQ", SX) "},\"sk\":{" ARGS("NOT_CONTAINS", N1) "}}",
		"Attempted conditional constraint is not an indexable operation" },
	{ "Query", "\"KeyConditions\":{\"pk\":{" ARGS("EQ", SX) "},\"sk\":{" ARGS("BEGINS_WITH", SX) "}}",
		OPV "Condition parameter type does not match schema type" },
	{ "Query", "\"ProjectionExpression\":\"a\",\"ExpressionAttributeValues\":{}",
		"ExpressionAttributeValues can only be specified when using expressions: FilterExpression and "
		"KeyConditionExpression are null" },
	{ "Query", "\"ExpressionAttributeNames\":{\"#a\":\"a\"}",
		"ExpressionAttributeNames can only be specified when using expressions" },
	{ "Query", "\"KeyConditions\":{\"pk\":{" ARGS("EQ", N1) "}}",
		OPV "Condition parameter type does not match schema type" },
	{ "Query", "\"KeyConditions\":{\"pk\":{" ARGS("EQ", SX) "},\"sk\":{" ARGS("LT", SX) "}}",
		OPV "Condition parameter type does not match schema type" },
	{ "Query", "\"KeyConditions\":{\"pk\":{" ARGS("EQ", SX) "},\"sk\":{" ARGS("BETWEEN", N2 "," N1) "}}",
		"The BETWEEN condition was provided a range where the lower bound is greater than the upper bound" },
	{ "Query", "\"KeyConditions\":{\"pk\":{" ARGS("EQ", "{\"S\":\"\"}") "}}",
		"One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an "
		"empty string value. Key: pk" },
	{ "Query", "\"KeyConditions\":{\"pk\":{" ARGS("EQ", SX) "}},\"QueryFilter\":{\"sk\":{" ARGS("EQ", N1) "}}",
		"QueryFilter can only contain non-primary key attributes: Primary key attribute: sk" },
	{ "Query", "\"KeyConditions\":{\"sk\":{" ARGS("EQ", N1) "}},\"QueryFilter\":{\"sk\":{" ARGS("EQ", N1) "}}",
		"Query condition missed key schema element: pk" },
	{ "Query", "\"KeyConditions\":{},\"QueryFilter\":{\"b\":{" ARGS("EQ", "") "}}",
		OPV "Invalid number of argument(s) for the EQ ComparisonOperator" },
};

TEST(wrong_key_conditions_are_refused)
{
	rows(keys, sizeof keys / sizeof keys[0]);
}

/* What a key condition asks for is what the expression asks for. */
TEST(key_conditions_are_ranges)
{
	static const char *const pairs[][2] = {
		{ "\"pk\":{" ARGS("EQ", SX) "}", "pk = :x" },
		{ "\"pk\":{" ARGS("EQ", SX) "},\"sk\":{" ARGS("EQ", N1) "}", "pk = :x AND sk = :one" },
		{ "\"sk\":{" ARGS("LT", N1) "},\"pk\":{" ARGS("EQ", SX) "}", "pk = :x AND sk < :one" },
		{ "\"pk\":{" ARGS("EQ", SX) "},\"sk\":{" ARGS("LE", N1) "}", "pk = :x AND sk <= :one" },
		{ "\"pk\":{" ARGS("EQ", SX) "},\"sk\":{" ARGS("GT", N1) "}", "pk = :x AND sk > :one" },
		{ "\"pk\":{" ARGS("EQ", SX) "},\"sk\":{" ARGS("GE", N1) "}", "pk = :x AND sk >= :one" },
		{ "\"pk\":{" ARGS("EQ", SX) "},\"sk\":{" ARGS("BETWEEN", N1 "," N2) "}",
			"pk = :x AND sk BETWEEN :one AND :two" },
	};

	setup(&f, 0);
	cluster.schema = (struct key_schema){ .part = { { BYTES_LIT("pk"), ITEM_S }, { BYTES_LIT("sk"), ITEM_N } },
		.n = 2, .hash_n = 1 };
	for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
		bool one = strstr(pairs[i][1], ":one") != NULL, two = strstr(pairs[i][1], ":two") != NULL;
		char old[512], new[512];
		struct outcome a, b;

		snprintf(old, sizeof old, "\"KeyConditions\":{%s}", pairs[i][0]);
		snprintf(new, sizeof new,
			"\"KeyConditionExpression\":\"%s\",\"ExpressionAttributeValues\":{\":x\":" SX "%s%s}",
			pairs[i][1],
		         one ? ",\":one\":" N1 : "", two ? ",\":two\":" N2 : "");
		run_with("Query", old, &a);
		run_with("Query", new, &b);
		CHECK_STR((const char *)a.text.p, "");
		CHECK_STR((const char *)b.text.p, "");
		CHECK(a.from.n > 0 && bytes_eq(buf_view(&a.from), buf_view(&b.from)));
		CHECK(a.to.n > 0 && bytes_eq(buf_view(&a.to), buf_view(&b.to)));
		forget(&a);
		forget(&b);
	}
	teardown(&f);
}

TEST(key_conditions_of_many_attributes)
{
	static const char old[] = "\"IndexName\":\"many\",\"KeyConditions\":{\"pk\":{" ARGS("EQ", SX) "},\"g\":{" ARGS("EQ", SX) "},"
	                          "\"h\":{" ARGS("EQ", N1) "},\"sk\":{" ARGS("GT", N1) "}}";
	static const char new[] = "\"IndexName\":\"many\",\"KeyConditionExpression\":\"g = :x AND pk = :x AND h = :one AND sk > :one\","
	                          "\"ExpressionAttributeValues\":{\":x\":" SX ",\":one\":" N1 "}";
	static const char many[] = "\"IndexName\":\"many\",\"KeyConditions\":{\"pk\":{" ARGS("EQ", SX) "},\"g\":{" ARGS("EQ", SX) "},"
	                           "\"h\":{" ARGS("EQ", N1) "},\"sk\":{" ARGS("GT", N1) "},\"v\":{" ARGS("EQ", N1) "}}";
	struct outcome a, b, c;

	setup(&f, 0);
	cluster.schema = (struct key_schema){ .part = { { BYTES_LIT("pk"), ITEM_S }, { BYTES_LIT("sk"), ITEM_N } },
		.n = 2, .hash_n = 1 };
	cluster.indexes = INDEX_TABLE(INDEX_TYPE("g", "S") "," INDEX_TYPE("h", "N"), "",
		INDEX_GLOBAL("many", "1", INDEX_PART("g", "HASH") "," INDEX_PART("pk", "HASH") "," INDEX_PART("h", "RANGE") ","
			INDEX_PART("sk", "RANGE"), "ALL", "ACTIVE"));
	cluster.hidden = cluster.schema;                 /* of no interest here */
	run_with("Query", old, &a);
	run_with("Query", new, &b);
	run_with("Query", many, &c);
	CHECK_STR((const char *)a.text.p, "");
	CHECK_STR((const char *)b.text.p, "");
	CHECK_STR((const char *)c.text.p, "Conditions can be of length 1 or 2 only");
	CHECK(a.from.n > 0 && bytes_eq(buf_view(&a.from), buf_view(&b.from)));
	CHECK(a.to.n > 0 && bytes_eq(buf_view(&a.to), buf_view(&b.to)));
	forget(&a);
	forget(&b);
	forget(&c);
	teardown(&f);
}

/* --- on items ----------------------------------------------------------------------------------------------------- */

TEST(conditions_hold_or_not)
{
	static const struct { const char *expected, *item; bool holds;
	} truths[] = {
		{ "\"a\":{" ARGS("EQ", N1) "}", "a={N:1}", true },
		{ "\"a\":{" ARGS("EQ", "{\"N\":\"1.0\"}") "}", "a={N:1}", true },
		{ "\"a\":{" ARGS("EQ", "{\"SS\":[\"y\",\"x\"]}") "}", "a={SS:[x, y]}", true },
		{ "\"a\":{" ARGS("EQ", N1) "}", "a={S:1}", false },
		{ "\"a\":{" ARGS("EQ", N1) "}", "b={N:1}", false },
		{ "\"a\":{" ARGS("EQ", N1) "}", NULL, false },
		{ "\"a\":{" ARGS("NE", N1) "}", "a={N:2}", true },
		{ "\"a\":{" ARGS("NE", N1) "}", "a={S:1}", true },
		{ "\"a\":{" ARGS("NE", N1) "}", "b={N:1}", true },
		{ "\"a\":{" ARGS("NE", N1) "}", NULL, true },
		{ "\"a\":{" ARGS("NE", N1) "}", "a={N:1}", false },
		{ "\"a\":{" ARGS("LT", N2) "}", "a={N:1}", true },
		{ "\"a\":{" ARGS("LT", N2) "}", "a={N:2}", false },
		{ "\"a\":{" ARGS("LE", N2) "}", "a={N:2}", true },
		{ "\"a\":{" ARGS("LE", N2) "}", "b={N:2}", false },
		{ "\"a\":{" ARGS("GE", N2) "}", "a={N:2}", true },
		{ "\"a\":{" ARGS("GT", N2) "}", "a={S:3}", false },
		{ "\"a\":{" ARGS("BETWEEN", N1 "," N2) "}", "a={N:2}", true },
		{ "\"a\":{" ARGS("BETWEEN", N1 "," N2) "}", "a={N:3}", false },
		{ "\"a\":{" ARGS("IN", N1 "," N2) "}", "a={N:2}", true },
		{ "\"a\":{" ARGS("IN", N1 "," N2) "}", "b={N:2}", false },
		{ "\"a\":{\"ComparisonOperator\":\"NULL\"}", "b={N:2}", true },
		{ "\"a\":{\"ComparisonOperator\":\"NULL\"}", "a={NULL:true}", false },
		{ "\"a\":{\"ComparisonOperator\":\"NOT_NULL\"}", "a={NULL:true}", true },
		{ "\"a\":{\"ComparisonOperator\":\"NOT_NULL\"}", NULL, false },
		{ "\"a\":{" ARGS("CONTAINS", SX) "}", "a={S:axb}", true },
		{ "\"a\":{" ARGS("CONTAINS", SX) "}", "a={SS:[x, y]}", true },
		{ "\"a\":{" ARGS("CONTAINS", N1) "}", "a={NS:[1, 2]}", true },
		{ "\"a\":{" ARGS("CONTAINS", N1) "}", "a={L:[{S:x}, {N:1}]}", true },
		{ "\"a\":{" ARGS("CONTAINS", N1) "}", "a={S:1}", false },
		{ "\"a\":{" ARGS("NOT_CONTAINS", SX) "}", "a={S:ab}", true },
		{ "\"a\":{" ARGS("NOT_CONTAINS", SX) "}", "a={S:axb}", false },
		{ "\"a\":{" ARGS("NOT_CONTAINS", SX) "}", "a={N:1}", true },
		{ "\"a\":{" ARGS("NOT_CONTAINS", SX) "}", "b={N:1}", false }, /* unconfirmed */
		{ "\"a\":{" ARGS("BEGINS_WITH", SX) "}", "a={S:xb}", true },
		{ "\"a\":{" ARGS("BEGINS_WITH", SX) "}", "a={S:ax}", false },
		{ "\"a\":{\"Exists\":false}", NULL, true },
		{ "\"a\":{\"Exists\":false}", "a={N:1}", false },
		{ "\"a\":{\"Exists\":true,\"Value\":" N1 "}", "a={N:1}", true },
		{ "\"a\":{\"Value\":" N1 "},\"b\":{\"Value\":" N1 "}", "a={N:1}", false },
	};

	setup(&f, 0);
	for (size_t i = 0; i < sizeof truths / sizeof truths[0]; i++) {
		struct bytes item = notation_item(truths[i].item);
		char body[512];
		struct outcome o;

		snprintf(body, sizeof body, "{\"TableName\":\"tab\",\"Item\":{\"pk\":" SX "},\"Expected\":{%s}}",
			truths[i].expected);
		run("PutItem", body, &o);
		CHECK_INT(expr_eval_condition(buf_view(&o.condition), item), truths[i].holds ? EXPR_TRUE : EXPR_FALSE);
		if (expr_eval_condition(buf_view(&o.condition), item) != (truths[i].holds ? EXPR_TRUE : EXPR_FALSE))
			printf("# %s %s\n", truths[i].expected, truths[i].item);
		forget(&o);
		free((void *)item.p);
	}
	teardown(&f);
}

TEST(updates_change_items)
{
	static const struct { const char *updates, *old, *new;
	} changes[] = {
		{ "\"a\":{\"Action\":\"ADD\",\"Value\":" N1 "}", NULL, "a={N:1}, pk={S:x}" },
		{ "\"a\":{\"Action\":\"ADD\",\"Value\":" N1 "}", "a={N:2}, pk={S:x}", "a={N:3}, pk={S:x}" },
		{ "\"a\":{\"Action\":\"ADD\",\"Value\":" N1 "}", "a={S:2}, pk={S:x}", "!" },
		{ "\"a\":{\"Action\":\"ADD\",\"Value\":{\"SS\":[\"x\"]}}", "pk={S:x}", "a={SS:[x]}, pk={S:x}" },
		{ "\"a\":{\"Action\":\"ADD\",\"Value\":{\"SS\":[\"x\"]}}", "a={SS:[w]}, pk={S:x}",
			"a={SS:[w, x]}, pk={S:x}" },
		{ "\"a\":{\"Action\":\"ADD\",\"Value\":{\"SS\":[\"x\"]}}", "a={NS:[1]}, pk={S:x}", "!" },
		{ "\"a\":{\"Action\":\"ADD\",\"Value\":{\"L\":[" N1 "]}}", NULL, "a={L:[{N:1}]}, pk={S:x}" },
		{ "\"a\":{\"Action\":\"ADD\",\"Value\":{\"L\":[" N1 "]}}", "a={L:[{S:b}]}, pk={S:x}",
			"a={L:[{S:b}, {N:1}]}, pk={S:x}" },
		{ "\"a\":{\"Action\":\"ADD\",\"Value\":{\"L\":[" N1 "]}}", "a={S:b}, pk={S:x}", "!" },
		{ "\"a\":{\"Action\":\"DELETE\",\"Value\":{\"SS\":[\"x\"]}}", "a={SS:[w, x]}, pk={S:x}",
			"a={SS:[w]}, pk={S:x}" },
		{ "\"a\":{\"Action\":\"DELETE\",\"Value\":{\"SS\":[\"x\"]}}", "a={SS:[x]}, pk={S:x}", "pk={S:x}" },
		{ "\"a\":{\"Action\":\"DELETE\",\"Value\":{\"SS\":[\"x\"]}}", "a={S:x}, pk={S:x}", "!" },
		{ "\"a\":{\"Action\":\"DELETE\",\"Value\":{\"SS\":[\"x\"]}}", NULL, "" },
		{ "\"a\":{\"Action\":\"DELETE\"}", "a={S:x}, pk={S:x}", "pk={S:x}" },
		{ "\"a\":{\"Action\":\"DELETE\"}", NULL, "" },
		{ "\"a\":{\"Action\":\"DELETE\"},\"b\":{\"Value\":" N1 "}", NULL, "b={N:1}, pk={S:x}" },
		{ "\"a.b\":{\"Value\":" N1 "}", NULL, "a.b={N:1}, pk={S:x}" },
	};

	setup(&f, 0);
	for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
		struct bytes old = notation_item(changes[i].old), key = notation_item("pk={S:x}");
		struct buf new = { 0 }, text = { 0 };
		const char *message = NULL;
		char body[512];
		struct outcome o;

		snprintf(body, sizeof body,
			"{\"TableName\":\"tab\",\"Key\":{\"pk\":" SX "},\"AttributeUpdates\":{%s}}",
			changes[i].updates);
		run("UpdateItem", body, &o);
		if (expr_apply_update(buf_view(&o.update), old, key, &new, &message) == EXPR_INVALID) {
			CHECK_STR(message, EXPR_WRONG_TYPE);
			buf_str(&text, "!");
		} else {
			notation_print(buf_view(&new), &text);
		}
		buf_u8(&text, 0);
		CHECK_STR((const char *)text.p, changes[i].new);
		forget(&o);
		buf_fini(&new);
		buf_fini(&text);
		free((void *)old.p);
		free((void *)key.p);
	}
	teardown(&f);
}

TEST(a_wrong_type_in_the_item_has_words_of_its_own)
{
	struct http_req req;

	setup(&f, 0);
	ask(&f, &req, "UpdateItem", "{\"TableName\":\"tab\",\"Key\":{\"pk\":" SX "},"
	    UPDATES("\"a\":{\"Action\":\"ADD\",\"Value\":" N1 "}") "}");
	memds_answers();
	node_answers(RESULT_INVALID, EXPR_WRONG_TYPE, false);
	CHECK(strstr(body_of(&req), "\"Type mismatch for attribute to update\"") != NULL);
	done(&req);
	teardown(&f);
}

TEST(updated_attributes_can_be_asked_for)
{
	struct outcome o;

	setup(&f, 0);
	run("UpdateItem", "{\"TableName\":\"tab\",\"Key\":{\"pk\":" SX "},\"ReturnValues\":\"UPDATED_NEW\","
	    UPDATES("\"a\":{\"Value\":" N1 "}") "}", &o);
	CHECK_INT(o.returns, MSG_RETURN_UPDATED_NEW);
	forget(&o);
	run("UpdateItem",
		"{\"TableName\":\"tab\",\"Key\":{\"pk\":" SX "},\"ReturnValues\":\"UPDATED_NEW\"," UPDATES("") "}", &o);
	CHECK_INT(o.returns, MSG_RETURN_NONE);
	forget(&o);
	teardown(&f);
}

/* --- limits ------------------------------------------------------------------------------------------------------- */

#define TOO_MANY OPV "Too many attributes or values in the older parameters: use expressions"

/* n entries, each with its number between before and after. */
static void many(struct buf *out, const char *begin, size_t n, const char *before, const char *after, const char *end)
{
	buf_clear(out);
	buf_str(out, begin);
	for (size_t i = 0; i < n; i++)
		buf_fmt(out, "%s%s%zu%s", i > 0 ? "," : "", before, i, after);
	buf_str(out, end);
	buf_u8(out, 0);
}

static void limit(const char *op, const struct buf *body, bool fits)
{
	struct outcome o;

	run(op, (const char *)body->p, &o);
	if (!fits) {
		CHECK_STR((const char *)o.text.p, TOO_MANY);
	} else {
		CHECK(o.condition.n > 0 || o.update.n > 0);
		CHECK(o.condition.n == 0 || expr_check(buf_view(&o.condition), EXPR_KIND_CONDITION));
		CHECK(o.update.n == 0 || expr_check(buf_view(&o.update), EXPR_KIND_UPDATE));
	}
	forget(&o);
}

/* The most that is taken still makes programs. */
TEST(limits)
{
	static const char put[] = "{\"TableName\":\"tab\",\"Item\":{\"pk\":" SX "},\"Expected\":{";
	static const char update[] = "{\"TableName\":\"tab\",\"Key\":{\"pk\":" SX "},\"AttributeUpdates\":{";
	struct buf b = { 0 };

	setup(&f, 0);
	for (size_t over = 0; over < 2; over++) {
		many(&b, put, 2048 + over, "\"a", "\":{" ARGS("NOT_CONTAINS", N1) "}", "}}");
		limit("PutItem", &b, over == 0);
		many(&b, update, 2048 + over, "\"a", "\":{\"Action\":\"ADD\",\"Value\":{\"L\":[" N1 "]}}", "}}");
		limit("UpdateItem", &b, over == 0);
		buf_clear(&b);
		buf_fmt(&b, "%s\"a\":{\"ComparisonOperator\":\"IN\",\"AttributeValueList\":[", put);
		for (size_t i = 0; i < 4096 + over; i++)
			buf_fmt(&b, "%s{\"N\":\"%zu\"}", i > 0 ? "," : "", i);
		buf_str(&b, "]}}}");
		buf_u8(&b, 0);
		limit("PutItem", &b, over == 0);
		buf_clear(&b);
		buf_fmt(&b, "%s\"a\":{\"Value\":{\"S\":\"%0*d\"}}}}", put, (2 << 20) - 5 + (int)over, 0);
		buf_u8(&b, 0);
		limit("PutItem", &b, over == 0);
	}
	buf_fini(&b);
	teardown(&f);
}

CHECK_MAIN(X(conditions_become_programs) X(wrong_conditions_are_refused) X(updates_become_programs)
	X(old_and_new_are_not_mixed) X(wrong_key_conditions_are_refused) X(key_conditions_are_ranges)
	X(key_conditions_of_many_attributes)
	X(conditions_hold_or_not) X(updates_change_items) X(a_wrong_type_in_the_item_has_words_of_its_own)
	X(updated_attributes_can_be_asked_for) X(limits))
