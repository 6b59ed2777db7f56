/* Covers: common/djson.c, common/djson_write.c */
#include "djson.h"

#include <stdlib.h>

#include "check.h"

struct run {
	struct json_read r;
	struct item_build b;
	struct djson_error e;
};

static void run_init(struct run *x)
{
	json_read_init(&x->r, BYTES_NONE, JSON_DEPTH_MAX);
	item_build_init(&x->b);
}

static void run_fini(struct run *x)
{
	json_read_fini(&x->r);
	item_build_fini(&x->b);
}

static enum djson_result read_item(struct run *x, const char *text)
{
	json_read_reset(&x->r, bytes_str(text));
	json_read_next(&x->r);
	return djson_item(&x->r, &x->b, &x->e);
}

static const char *back(struct run *x, struct buf *out)
{
	struct json_write w = { .b = out };

	buf_clear(out);
	djson_write_item(&w, item_build_view(&x->b));
	buf_u8(out, 0);
	return (const char *)out->p;
}

/* What goes in, and what comes out: names sorted, numbers canonical, sets sorted. */
TEST(round_trips)
{
	static const char *const cases[][2] = {
		{ "{}", "{}" },
		{ "{\"a\":{\"S\":\"\"}}", "{\"a\":{\"S\":\"\"}}" },
		{ "{\"b\":{\"N\":\"00042\"},\"a\":{\"N\":\"1.5E2\"}}", "{\"a\":{\"N\":\"150\"},\"b\":{\"N\":\"42\"}}" },
		{ "{\"a\":{\"N\":\"-0\"}}", "{\"a\":{\"N\":\"0\"}}" },
		{ "{\"a\":{\"B\":\"AP8=\"}}", "{\"a\":{\"B\":\"AP8=\"}}" },
		{ "{\"a\":{\"B\":\"\"}}", "{\"a\":{\"B\":\"\"}}" },
		{ "{\"a\":{\"BOOL\":true},\"b\":{\"BOOL\":false}}", "{\"a\":{\"BOOL\":true},\"b\":{\"BOOL\":false}}" },
		{ "{\"a\":{\"NULL\":true}}", "{\"a\":{\"NULL\":true}}" },
		{ "{\"a\":{\"SS\":[\"b\",\"a\",\"\"]}}", "{\"a\":{\"SS\":[\"\",\"a\",\"b\"]}}" },
		{ "{\"a\":{\"NS\":[\"10\",\"9\",\"-1\",\"0\"]}}", "{\"a\":{\"NS\":[\"-1\",\"0\",\"9\",\"10\"]}}" },
		{ "{\"a\":{\"BS\":[\"Yg==\",\"YQ==\"]}}", "{\"a\":{\"BS\":[\"YQ==\",\"Yg==\"]}}" },
		{ "{\"a\":{\"L\":[{\"S\":\"x\"},{\"L\":[]},{\"M\":{}}]}}",
		  "{\"a\":{\"L\":[{\"S\":\"x\"},{\"L\":[]},{\"M\":{}}]}}" },
		{ "{\"a\":{\"M\":{\"y\":{\"N\":\"1\"},\"x\":{\"NULL\":true}}}}",
		  "{\"a\":{\"M\":{\"x\":{\"NULL\":true},\"y\":{\"N\":\"1\"}}}}" },
		{ "{\"\\u00e9\\n\":{\"S\":\"\\ud83d\\ude00\"}}", "{\"\xc3\xa9\\n\":{\"S\":\"\xf0\x9f\x98\x80\"}}" },
		{ " { \"a\" : { \"N\" : \"1\" , \"S\" : null } } ", "{\"a\":{\"N\":\"1\"}}" },
		{ "{\"a\":{\"Future\":{\"x\":[1]},\"S\":\"x\"}}", "{\"a\":{\"S\":\"x\"}}" },
	};
	struct buf out = { .p = NULL };
	struct run x;

	run_init(&x);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		CHECK_INT(read_item(&x, cases[i][0]), DJSON_OK);
		CHECK_STR(x.e.message, "");
		CHECK(item_check(item_build_view(&x.b)));
		CHECK_STR(back(&x, &out), cases[i][1]);
		CHECK(json_read_finish(&x.r));
	}
	buf_fini(&out);
	run_fini(&x);
}

static void refused(struct run *x, const char *text, enum djson_result result, const char *message)
{
	enum djson_result r = read_item(x, text);

	if (r != result || strcmp(x->e.message, message) != 0) {
		printf("# %s\n", text);
		CHECK_INT(r, result);
		CHECK_STR(x->e.message, message);
	}
	CHECK(r == x->e.result);
	if (r == DJSON_VALIDATION)
		CHECK(x->r.token == JSON_OBJECT_END && json_read_finish(&x->r));
}

TEST(validation_messages)
{
#define OPV DJSON_PREFIX
	static const char *const cases[][2] = {
		{ "{\"a\":{\"SS\":[]}}", OPV "An string set  may not be empty" },
		{ "{\"a\":{\"NS\":[]}}", OPV "An number set  may not be empty" },
		{ "{\"a\":{\"BS\":[]}}", OPV "Binary sets should not be empty" },
		{ "{\"a\":{\"SS\":[\"a\",\"b\",\"a\"]}}", OPV "Input collection [a, b, a] contains duplicates." },
		{ "{\"a\":{\"NS\":[\"1\",\"1.0\"]}}", "Input collection contains duplicates" },
		{ "{\"a\":{\"BS\":[\"YQ==\",\"YQ==\"]}}",
		  OPV "Input collection [YQ==, YQ==]of type BS contains duplicates." },
		{ "{\"\":{\"S\":\"a\"}}", OPV "An attribute name must not be empty" }, /* unconfirmed */
		{ "{\"a\":{\"NULL\":false}}", OPV "Null attribute value types must have the value of true" },
		{ "{\"a\":{\"N\":\"123456789012345678901234567890123456789\"}}",
		  "Attempting to store more than 38 significant digits in a Number" },
		{ "{\"a\":{\"N\":\"1E126\"}}",
		  "Number overflow. Attempting to store a number with magnitude larger than supported range" },
		{ "{\"a\":{\"NS\":[\"1E-131\"]}}",
		  "Number underflow. Attempting to store a number with magnitude smaller than supported range" },
		{ "{\"a\":{\"N\":\"abc\"}}", "The parameter cannot be converted to a numeric value: abc" },
		{ "{\"a\":{\"N\":\"\"}}", "The parameter cannot be converted to a numeric value" },
		{ "{\"a\":{}}",
		  "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes" },
		{ "{\"a\":null}",
		  "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes" },
		{ "{\"a\":{\"s\":\"x\"}}",
		  "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes" },
		{ "{\"a\":{\"S\":null}}",
		  "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes" },
		{ "{\"a\":{\"S\":\"x\",\"N\":\"1\"}}", "Supplied AttributeValue has more than one datatypes set, "
		                                     "must contain exactly one of the supported datatypes" },
		{ "{\"a\":{\"L\":[{\"SS\":[]}]}}", OPV "An string set  may not be empty" },
		{ "{\"a\":{\"M\":{\"x\":{\"NULL\":false}}}}",
		  OPV "Null attribute value types must have the value of true" },
		{ "{\"a\":{\"SS\":[]},\"b\":{\"N\":\"x\"}}", OPV "An string set  may not be empty" },
		{ "{\"a\":{\"S\":\"x\",\"L\":[{\"M\":{}}]},\"b\":{\"S\":\"y\"}}",
		  "Supplied AttributeValue has more than one datatypes set, "
		  "must contain exactly one of the supported datatypes" },
	};
	struct run x;

	run_init(&x);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		refused(&x, cases[i][0], DJSON_VALIDATION, cases[i][1]);
	run_fini(&x);
}

TEST(serialisation_messages)
{
	static const char *const cases[][2] = {
		{ "{\"a\":{\"S\":1}}", "NUMBER_VALUE cannot be converted to String" },
		{ "{\"a\":{\"N\":1}}", "NUMBER_VALUE cannot be converted to String" },
		{ "{\"a\":{\"S\":true}}", "TRUE_VALUE cannot be converted to String" },
		{ "{\"a\":{\"B\":false}}", "FALSE_VALUE cannot be converted to String" },
		{ "{\"a\":{\"S\":{}}}", "Start of structure or map found where not expected" },
		{ "{\"a\":{\"S\":[]}}", "Start of list found where not expected" },
		{ "{\"a\":{\"BOOL\":\"true\"}}", "Unexpected token received from parser" },
		{ "{\"a\":{\"NULL\":1}}", "NUMBER_VALUE cannot be converted to Boolean" },
		{ "{\"a\":{\"L\":\"x\"}}", "Unexpected field type" },
		{ "{\"a\":{\"L\":{}}}", "Start of structure or map found where not expected" },
		{ "{\"a\":{\"M\":[]}}", "Start of list found where not expected" },
		{ "{\"a\":{\"SS\":\"x\"}}", "Unexpected field type" },
		{ "{\"a\":{\"SS\":[1]}}", "NUMBER_VALUE cannot be converted to String" },
		{ "{\"a\":\"x\"}", "Unexpected value type in payload" },
		{ "\"x\"", "Unexpected field type" },
		{ "{\"a\":{\"M\":\"x\"}}", "Unexpected field type" },
		{ "{\"a\":{\"M\":{\"b\":\"x\"}}}", "Unexpected value type in payload" },
		{ "{\"a\":[]}", "Start of list found where not expected" },
		{ "{\"a\":{\"B\":\"AAA\"}}", "Base64 encoded length is expected a multiple of 4 bytes but found: 3" },
		{ "{\"a\":{\"B\":\"A=AA\"}}", "Invalid Base64 character detected" },
		{ "{\"a\":{\"BS\":[\"!!!!\"]}}", "Invalid Base64 character detected" },
		{ "[]", "Start of list found where not expected" },
		/* It outranks a validation error before it. */
		{ "{\"a\":{\"SS\":[]},\"b\":{\"S\":1}}", "NUMBER_VALUE cannot be converted to String" },
	};
	struct run x;

	run_init(&x);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		refused(&x, cases[i][0], DJSON_SERIALIZATION, cases[i][1]);
	run_fini(&x);
}

TEST(syntax_errors_win)
{
	static const char *const cases[] = { "", "{\"a\"", "{\"a\":{\"S\":\"x\"}", "{\"a\":{\"SS\":[]}",
		"{\"a\":{\"S\":\"x\",\"S\":\"y\"}}",
		"{\"a\":{\"S\":\"x\"},\"a\":{\"S\":\"x\"}}", "{\"a\":{\"L\":[{\"S\":\"\\q\"}]}}", "{\"a\":{\"L\":[",
		"{\"a\":{\"M\":{\"b\":{]" };
	struct run x;

	run_init(&x);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		CHECK_INT(read_item(&x, cases[i]), DJSON_SYNTAX);
		CHECK(x.r.error != NULL);
		CHECK_STR(x.e.message, "");
	}
	run_fini(&x);
}

static void nested(struct buf *b, unsigned levels)
{
	buf_clear(b);
	buf_str(b, "{\"a\":");
	for (unsigned i = 0; i < levels; i++)
		buf_str(b, i % 2 ? "{\"M\":{\"x\":" : "{\"L\":[");
	buf_str(b, "{\"S\":\"deep\"}");
	for (unsigned i = levels; i-- > 0;)
		buf_str(b, i % 2 ? "}}" : "]}");
	buf_str(b, "}");
	buf_u8(b, 0);
}

TEST(nesting_is_capped)
{
	struct buf b = { .p = NULL };
	struct run x;

	run_init(&x);
	nested(&b, 32);
	CHECK_INT(read_item(&x, (char *)b.p), DJSON_OK);
	CHECK(item_check(item_build_view(&x.b)));
	for (unsigned levels = 33; levels < 100; levels += 33) {
		nested(&b, levels);
		refused(&x, (char *)b.p, DJSON_VALIDATION,
		        "Nesting Levels have exceeded supported limits: "
		        "Attributes in the item have nested levels beyond supported limit");
	}
	buf_fini(&b);
	run_fini(&x);
}

/* Messages quote what the client sent, cut to fit and never inside a character. */
TEST(long_messages_are_cut)
{
	struct buf b = { .p = NULL };
	struct run x;

	run_init(&x);
	for (unsigned pad = 0; pad < 4; pad++) {
		for (int kind = 0; kind < 2; kind++) {
			buf_clear(&b);
			buf_str(&b, kind ? "{\"a\":{\"SS\":[\"" : "{\"a\":{\"N\":\"");
			for (unsigned i = 0; i < pad; i++)
				buf_str(&b, "x");
			for (unsigned i = 0; i < 300; i++)
				buf_str(&b, "\xf0\x9f\x98\x80");
			buf_str(&b, kind ? "\",\"q\",\"q\"]}}" : "\"}}");
			buf_u8(&b, 0);
			CHECK_INT(read_item(&x, (char *)b.p), DJSON_VALIDATION);
			CHECK(strlen(x.e.message) > DJSON_MESSAGE_MAX - 5 && bytes_utf8(bytes_str(x.e.message)));
		}
	}
	buf_fini(&b);
	run_fini(&x);
}

TEST(one_value)
{
	struct buf out = { .p = NULL };
	struct json_write w = { .b = &out };
	struct run x;

	run_init(&x);
	json_read_reset(&x.r, BYTES_LIT("[{\"S\":\"x\"},{\"N\":\"1\"}]"));
	json_read_next(&x.r);
	json_write_array(&w);
	while (json_read_next(&x.r) != JSON_ARRAY_END) {
		CHECK_INT(djson_value(&x.r, &x.b, &x.e), DJSON_OK);
		djson_write_value(&w, item_value(item_build_view(&x.b)));
	}
	json_write_array_end(&w);
	CHECK(bytes_is(buf_view(&out), "[{\"S\":\"x\"},{\"N\":\"1\"}]"));
	json_read_reset(&x.r, BYTES_LIT("{\"S\":"));
	json_read_next(&x.r);
	CHECK_INT(djson_value(&x.r, &x.b, &x.e), DJSON_SYNTAX);
	json_read_next(&x.r);
	CHECK_INT(djson_value(&x.r, &x.b, &x.e), DJSON_SYNTAX);
	buf_fini(&out);
	run_fini(&x);
}

TEST(huge_items_are_refused)
{
	size_t n = ITEM_ENCODED_MAX + 100;
	char *text = malloc(n + 64);
	struct run x;
	int front;

	run_init(&x);
	for (int kind = 0; kind < 3; kind++) {
		front = sprintf(text, "{\"a\":{\"%s", kind == 0 ? "S\":\"" : kind == 1 ? "B\":\"" : "BS\":[\"");
		memset(text + front, 'A', n);
		strcpy(text + front + n, kind == 2 ? "\"]}}" : "\"}}");
		if (kind > 0)                            /* base64 shrinks to 3/4, which fits */
			CHECK_INT(read_item(&x, text), DJSON_OK);
		else
			refused(&x, text, DJSON_VALIDATION, "Item size has exceeded the maximum allowed size");
	}
	free(text);
	run_fini(&x);
}

CHECK_MAIN(X(round_trips) X(validation_messages) X(serialisation_messages) X(syntax_errors_win) X(nesting_is_capped)
           X(long_messages_are_cut) X(one_value) X(huge_items_are_refused))
