/* op_ttl: DescribeTimeToLive and UpdateTimeToLive; this file is autoadmin.  Covers cmd/ddb-router/op_ttl.c. */
#include "api_fixture.h"
#include "check.h"

#define SPEC(name, enabled)                                                                                            \
	"{\"TableName\":\"tab\",\"TimeToLiveSpecification\":{\"AttributeName\":\"" name "\",\"Enabled\":" enabled "}}"
#define INVALID(text) "{\"__type\":\"com.amazon.coral.validate#ValidationException\",\"message\":\"" text "\"}"
#define VERSION 9

/* changed_ms 0: it was never asked for. */
static struct bytes definition(struct item_build *b, const char *name, bool enabled, uint64_t changed_ms)
{
	item_build_reset(b);
	item_build_item(b);
	item_build_name(b, BYTES_LIT("TableStatus")), item_build_s(b, BYTES_LIT("ACTIVE"));
	item_build_name(b, BYTES_LIT("Version")), item_build_u64(b, VERSION);
	if (changed_ms > 0) {
		item_build_name(b, BYTES_LIT("TimeToLive")), item_build_open(b, ITEM_M);
		item_build_name(b, BYTES_LIT("AttributeName")), item_build_s(b, bytes_str(name));
		item_build_name(b, BYTES_LIT("Enabled")), item_build_bool(b, enabled);
		item_build_name(b, BYTES_LIT("Changed")), item_build_u64(b, changed_ms);
		item_build_close(b);
	}
	item_build_close(b);
	return item_build_view(b);
}

static bool asked(const char *verb)
{
	struct sent *s = sent_find(MSG_admin);
	struct msg_admin m;

	return s != NULL && msg_get_admin(buf_view(&s->body), &m, MSG_VERSION) && bytes_is(m.verb, verb) && bytes_is(m.name, "tab");
}

static void answer(enum result result, struct bytes body)
{
	struct buf out = { 0 };

	msg_put_admin_done(&out, &(struct msg_admin_done){ .result = (uint16_t)result, .body = body }, MSG_VERSION);
	sent_end(sent_find(MSG_admin), NET_ANSWERED, MSG_admin_done, &out);
}

/* What the answer is to body where the table has this setting; the change itself, if there is one, succeeds. */
static void told(struct fixture *f, const char *op, const char *body, const char *name, bool enabled, uint64_t changed_ms,
                 const char *want)
{
	struct http_req req;
	struct item_build b;

	item_build_init(&b);
	ask(f, &req, op, body);
	CHECK(asked("describe"));
	answer(RESULT_OK, definition(&b, name, enabled, changed_ms));
	if (req.status == 0) {
		CHECK(asked("update"));
		answer(RESULT_OK, definition(&b, "new", true, 1));
	}
	CHECK_STR(body_of(&req), want);
	CHECK_INT(req.status, strstr(want, "__type") == NULL ? 200 : 400);
	done(&req);
	item_build_fini(&b);
	uv_run(&f->loop, UV_RUN_NOWAIT);
}

static void refused(struct fixture *f, const char *body, const char *want)
{
	struct http_req req;

	ask(f, &req, "UpdateTimeToLive", body);
	CHECK_INT(req.status, 400);
	CHECK_STR(body_of(&req), want);
	CHECK(sent_find(MSG_admin) == NULL);
	done(&req);
}

static uint64_t ago(uint64_t seconds)
{
	return clock_wall_us() / 1000 - seconds * 1000;
}

TEST(described_as_it_is)
{
	struct fixture f;

	setup(&f, 0);
	told(&f, "DescribeTimeToLive", "{\"TableName\":\"tab\"}", "", false, 0, "{\"TimeToLiveDescription\":{\"TimeToLiveStatus\":\"DISABLED\"}}");
	told(&f, "DescribeTimeToLive", "{\"TableName\":\"tab\"}", "t", true, 1,
	     "{\"TimeToLiveDescription\":{\"TimeToLiveStatus\":\"ENABLED\",\"AttributeName\":\"t\"}}");
	told(&f, "DescribeTimeToLive", "{\"TableName\":\"arn:aws:dynamodb:us-east-1:000000000000:table/tab\"}", "t", false, 1,
	     "{\"TimeToLiveDescription\":{\"TimeToLiveStatus\":\"DISABLED\"}}");
	teardown(&f);
}

TEST(switched_on_and_off)
{
	struct fixture f;

	setup(&f, 0);
	told(&f, "UpdateTimeToLive", SPEC("t", "true"), "", false, 0,
	     "{\"TimeToLiveSpecification\":{\"AttributeName\":\"t\",\"Enabled\":true}}");
	told(&f, "UpdateTimeToLive", SPEC("t", "false"), "t", true, 1,
	     "{\"TimeToLiveSpecification\":{\"AttributeName\":\"t\",\"Enabled\":false}}");
	told(&f, "UpdateTimeToLive", SPEC("other", "true"), "t", false, 1,
	     "{\"TimeToLiveSpecification\":{\"AttributeName\":\"other\",\"Enabled\":true}}");
	teardown(&f);
}

TEST(a_change_that_changes_nothing_is_refused)
{
	struct fixture f;

	setup(&f, 0);
	told(&f, "UpdateTimeToLive", SPEC("t", "true"), "t", true, 1, INVALID("TimeToLive is already enabled"));
	told(&f, "UpdateTimeToLive", SPEC("t", "false"), "t", false, 1, INVALID("TimeToLive is already disabled"));
	told(&f, "UpdateTimeToLive", SPEC("t", "false"), "", false, 0, INVALID("TimeToLive is already disabled"));
	/* unconfirmed: what follows the name */
	told(&f, "UpdateTimeToLive", SPEC("u", "true"), "t", true, 1,
	     INVALID("TimeToLive is active on a different AttributeName: current AttributeName is t"));
	told(&f, "UpdateTimeToLive", SPEC("u", "false"), "t", true, 1,
	     INVALID("TimeToLive is active on a different AttributeName: current AttributeName is t"));
	teardown(&f);
}

/* unconfirmed: that refusals for other reasons come first */
TEST(it_changes_once_an_hour_at_most)
{
	static const char often[] = INVALID("Time to live has been modified multiple times within a fixed interval");
	struct fixture f;

	setup(&f, 0);
	f.r.ttl_change_ms = 3600000;
	told(&f, "UpdateTimeToLive", SPEC("t", "false"), "t", true, ago(3590), often);
	told(&f, "UpdateTimeToLive", SPEC("t", "true"), "t", false, ago(1), often);
	told(&f, "UpdateTimeToLive", SPEC("t", "true"), "t", true, ago(1), INVALID("TimeToLive is already enabled"));
	told(&f, "UpdateTimeToLive", SPEC("t", "false"), "t", true, ago(3601),
	     "{\"TimeToLiveSpecification\":{\"AttributeName\":\"t\",\"Enabled\":false}}");
	told(&f, "UpdateTimeToLive", SPEC("t", "true"), "", false, 0,
	     "{\"TimeToLiveSpecification\":{\"AttributeName\":\"t\",\"Enabled\":true}}");
	/* By a clock that was ahead. */
	told(&f, "UpdateTimeToLive", SPEC("t", "false"), "t", true, clock_wall_us() / 1000 + 60000,
	     "{\"TimeToLiveSpecification\":{\"AttributeName\":\"t\",\"Enabled\":false}}");
	teardown(&f);
}

TEST(malformed_is_refused)
{
	char name[257] = { [0 ... 255] = 'a' }, body[1024], want[1024];
	struct fixture f;

	setup(&f, 0);
	refused(&f, "{\"TableName\":\"tab\"}",
	        INVALID("1 validation error detected: Value null at 'timeToLiveSpecification' failed to satisfy constraint: "
	                "Member must not be null"));
	refused(&f, "{\"TableName\":\"tab\",\"TimeToLiveSpecification\":{}}",
	        INVALID("2 validation errors detected: Value null at 'timeToLiveSpecification.attributeName' failed to satisfy constraint: "
	                "Member must not be null; Value null at 'timeToLiveSpecification.enabled' failed to satisfy constraint: "
	                "Member must not be null"));
	refused(&f, SPEC("", "true"),
	        INVALID("1 validation error detected: Value '' at 'timeToLiveSpecification.attributeName' failed to satisfy constraint: "
	                "Member must have length greater than or equal to 1"));
	snprintf(body, sizeof body, "{\"TableName\":\"tab\",\"TimeToLiveSpecification\":{\"AttributeName\":\"%s\",\"Enabled\":true}}", name);
	snprintf(want, sizeof want, INVALID("1 validation error detected: Value '%s' at 'timeToLiveSpecification.attributeName' failed to "
	                                    "satisfy constraint: Member must have length less than or equal to 255"), name);
	refused(&f, body, want);
	refused(&f, "{\"TableName\":\"tab\",\"TimeToLiveSpecification\":{\"AttributeName\":7,\"Enabled\":true}}",
	        "{\"__type\":\"com.amazon.coral.service#SerializationException\","
	        "\"Message\":\"NUMBER_VALUE cannot be converted to String\"}");
	refused(&f, "{\"TableName\":\"tab\",\"TimeToLiveSpecification\":[]}",
	        "{\"__type\":\"com.amazon.coral.service#SerializationException\",\"Message\":\"Start of list found where not expected\"}");
	refused(&f, "{\"TimeToLiveSpecification\":{\"AttributeName\":\"t\",\"Enabled\":true}}",
	        INVALID("The parameter 'TableName' is required but was not present in the request"));
	teardown(&f);
}

TEST(the_definition_that_was_looked_at_is_the_one_that_changes)
{
	struct fixture f;
	struct http_req req;
	struct item_build b;
	struct msg_admin m;
	struct value v, w;

	setup(&f, 0);
	item_build_init(&b);
	ask(&f, &req, "UpdateTimeToLive", SPEC("t", "true"));
	answer(RESULT_OK, definition(&b, "", false, 0));
	CHECK(asked("update"));
	CHECK(msg_get_admin(buf_view(&sent_find(MSG_admin)->body), &m, MSG_VERSION) && item_check(m.body) && item_count(m.body) == 2);
	item_build_u64((item_build_reset(&b), &b), VERSION);
	CHECK(item_get(m.body, BYTES_LIT("Version"), &v) && bytes_eq(v.raw, item_build_view(&b)));
	CHECK(item_get(m.body, BYTES_LIT("TimeToLive"), &v) && v.tag == ITEM_M && item_count(v.body) == 3);
	CHECK(item_get(v.body, BYTES_LIT("AttributeName"), &w) && bytes_is(w.body, "t"));
	CHECK(item_get(v.body, BYTES_LIT("Enabled"), &w) && w.tag == ITEM_TRUE);
	CHECK(item_get(v.body, BYTES_LIT("Changed"), &w) && w.tag == ITEM_N);
	/* Another client was quicker. */
	answer(RESULT_STALE_SCHEMA, BYTES_NONE);
	CHECK(asked("describe") && req.status == 0);
	answer(RESULT_OK, definition(&b, "t", true, 1));
	CHECK_STR(body_of(&req), INVALID("TimeToLive is already enabled"));
	done(&req);
	uv_run(&f.loop, UV_RUN_NOWAIT);
	item_build_fini(&b);
	teardown(&f);
}

CHECK_MAIN(X(described_as_it_is) X(switched_on_and_off) X(a_change_that_changes_nothing_is_refused) X(it_changes_once_an_hour_at_most)
           X(malformed_is_refused) X(the_definition_that_was_looked_at_is_the_one_that_changes))
