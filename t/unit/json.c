/* Covers: common/json_read.c, common/json_write.c.  jansson judges the same texts. */
#include "jansson_judge.h"

#include "check.h"
#include "json.h"

static bool accepts(struct bytes text, unsigned depth_max)
{
	struct json_read r;
	bool ok;

	json_read_init(&r, text, depth_max);
	ok = json_read_finish(&r);
	CHECK(ok == (r.error == NULL));
	CHECK(r.error_at <= text.n);
	CHECK(ok || json_read_next(&r) == JSON_ERROR);
	json_read_fini(&r);
	return ok;
}

/* Both verdicts are the wanted one. */
static void judge(struct bytes text, bool want)
{
	bool ours = accepts(text, JSON_DEPTH_MAX), theirs = jansson_accepts(text, NULL);

	if (ours != want || theirs != want) {
		printf("# %s by us, %s by jansson: %.*s\n", ours ? "accepted" : "refused",
			theirs ? "accepted" : "refused",
		       (int)text.n, (const char *)text.p);
		CHECK(!"verdict");
	}
}

TEST(accepts_what_is_json)
{
	static const struct bytes good[] = {
		BYTES_LIT("{}"), BYTES_LIT("[]"), BYTES_LIT(" [ ] "), BYTES_LIT("\t\r\n 1\n"), BYTES_LIT("0"),
		BYTES_LIT("-0"), BYTES_LIT("-1.5e+10"), BYTES_LIT("1E5"), BYTES_LIT("1e-5"), BYTES_LIT("0.0"),
		BYTES_LIT("true"), BYTES_LIT("false"), BYTES_LIT("null"), BYTES_LIT("\"\""), BYTES_LIT("\"a\""),
		BYTES_LIT("{\"a\":1}"), BYTES_LIT("{ \"a\" : 1 , \"b\" : [ 1 , 2 ] }"), BYTES_LIT("[[[[]]],{}]"),
		BYTES_LIT("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0041\""), BYTES_LIT("\"\\ud83d\\ude00\""),
		BYTES_LIT("\"\\uD7FF\\uE000\\uffff\""), BYTES_LIT("\"caf\xc3\xa9 \xf0\x9f\x98\x80\""),
		BYTES_LIT("{\"\":0}"), BYTES_LIT("{\"a\":1,\"A\":2}"), BYTES_LIT("\"\x7f\""),
		BYTES_LIT("\"\\u0001\""), BYTES_LIT("\"\\u0000\""), BYTES_LIT("{\"a\":{\"a\":{\"a\":1}}}"), BYTES_LIT("[{\"a\":1},{\"a\":1}]"),
	};

	for (size_t i = 0; i < sizeof good / sizeof *good; i++)
		judge(good[i], true);
}

TEST(refuses_what_is_not)
{
	static const struct bytes bad[] = {
		BYTES_NONE, BYTES_LIT(" "), BYTES_LIT("{"), BYTES_LIT("}"), BYTES_LIT("["), BYTES_LIT("]"),
		BYTES_LIT("[1"), BYTES_LIT("[1,"), BYTES_LIT("[1,]"), BYTES_LIT("[,1]"), BYTES_LIT("[1 2]"),
		BYTES_LIT("[1]]"), BYTES_LIT("{\"a\"}"), BYTES_LIT("{\"a\":}"), BYTES_LIT("{\"a\":1,}"),
		BYTES_LIT("{,}"), BYTES_LIT("{a:1}"), BYTES_LIT("{'a':1}"), BYTES_LIT("{1:1}"),
		BYTES_LIT("{\"a\":1 \"b\":2}"), BYTES_LIT("{\"a\" 1}"), BYTES_LIT("{\"a\"::1}"),
		BYTES_LIT("{\"a\":1}{}"), BYTES_LIT("1 2"), BYTES_LIT("[}"), BYTES_LIT("{]"), BYTES_LIT("[1}"),
		BYTES_LIT("{\"a\":1]"), BYTES_LIT("01"), BYTES_LIT("-"), BYTES_LIT("-01"), BYTES_LIT("+1"),
		BYTES_LIT(".5"), BYTES_LIT("1."), BYTES_LIT("1.e5"), BYTES_LIT("1e"), BYTES_LIT("1e+"),
		BYTES_LIT("0x1"), BYTES_LIT("1a"), BYTES_LIT("NaN"), BYTES_LIT("Infinity"), BYTES_LIT("tru"),
		BYTES_LIT("True"), BYTES_LIT("nulll"), BYTES_LIT("truefalse"), BYTES_LIT("\""), BYTES_LIT("\"a"),
		BYTES_LIT("\"\\\""), BYTES_LIT("\"\\x\""), BYTES_LIT("\"\\u12\""), BYTES_LIT("\"\\u12g4\""),
		BYTES_LIT("\"\\u\""), BYTES_LIT("\"\\u000\""), BYTES_LIT("\"a\0b\""), BYTES_LIT("\"\\\0\""),
		BYTES_LIT("\"\\ud800\""), BYTES_LIT("\"\\ud800x\""), BYTES_LIT("\"\\ud800\\n\""),
		BYTES_LIT("\"\\ud800\\ud800\""), BYTES_LIT("\"\\udc00\""), BYTES_LIT("\"\\ud800\\u0041\""),
		BYTES_LIT("\"a\nb\""), BYTES_LIT("\"\t\""), BYTES_LIT("\"\x1f\""), BYTES_LIT("\"\xff\""),
		BYTES_LIT("\"\xc3\""), BYTES_LIT("\"\xc3\\u0041\""), BYTES_LIT("\"\xed\xa0\x80\""),
		BYTES_LIT("\"\xc0\x80\""), BYTES_LIT("\"\xf5\x80\x80\x80\""), BYTES_LIT("\"\\ud83d\xde" "00\""),
		BYTES_LIT("\xef\xbb\xbf{}"), BYTES_LIT("{\"a\":1,\"a\":2}"), BYTES_LIT("{\"a\":1,\"\\u0061\":2}"),
		BYTES_LIT("{\"b\":{\"a\":1,\"c\":2,\"a\":3}}"), BYTES_LIT("{\"\":1,\"\":2}"), BYTES_LIT("[1]\0"),
		BYTES_LIT("\v1"), BYTES_LIT("\f1"), BYTES_LIT("\xc2\xa0" "1"), BYTES_LIT("/**/1"),
		BYTES_LIT("[1]//"), BYTES_LIT("\"\\U0041\""), BYTES_LIT("\"\\'\""),
	};

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		judge(bad[i], false);
}

/* Bytes that differ from a good text in one place, for every place and many bytes. */
TEST(agrees_with_jansson_on_damage)
{
	static const char text[] = "{\"a\":[1.5e+3,-0,\"x\\u00e9\\n\\ud83d\\ude00\",true,null],"
	                           "\"b\":{\"a\":false,\"c\":\"\xc3\xa9 longer text\"}}";
	uint8_t copy[sizeof text];
	unsigned refused = 0, accepted = 0;

	for (size_t i = 0; i < sizeof text - 1; i++)
		for (unsigned x = 0; x < 256; x++) {
			struct bytes t = { copy, sizeof text - 1 };
			bool ours;

			memcpy(copy, text, sizeof text);
			copy[i] = (uint8_t)x;
			ours = accepts(t, JSON_DEPTH_MAX);
			if (ours != jansson_accepts(t, NULL)) {
				printf("# we %s: %s\n", ours ? "accept" : "refuse", copy);
				CHECK(!"agrees");
			}
			refused += !ours, accepted += ours;
		}
	CHECK(refused > 1000 && accepted > 1000);
	for (size_t n = 0; n < sizeof text - 1; n++)
		CHECK(!accepts((struct bytes){ (const uint8_t *)text, n }, JSON_DEPTH_MAX));
}

TEST(gives_tokens_and_views)
{
	static const char text[] = "{\"a\":\"plain\",\"b\\n\":\"x\\ty\\u00e9\",\"c\":[-1.50,{}],\"d\":null}";
	struct json_read r;
	struct bytes first, escaped;

	json_read_init(&r, bytes_str(text), 8);
	CHECK_INT(json_read_next(&r), JSON_OBJECT);
	CHECK_INT(json_read_next(&r), JSON_KEY);
	CHECK(bytes_is(r.str, "a") && r.str.p == (const uint8_t *)text + 2);
	CHECK_INT(json_read_next(&r), JSON_STRING);
	first = r.str;
	CHECK_INT(json_read_next(&r), JSON_KEY);
	CHECK(bytes_is(r.str, "b\n"));
	escaped = r.str;
	CHECK_INT(json_read_next(&r), JSON_STRING);
	CHECK(bytes_is(r.str, "x\ty\xc3\xa9"));
	CHECK_INT(json_read_next(&r), JSON_KEY);
	CHECK_INT(json_read_next(&r), JSON_ARRAY);
	CHECK_INT(json_read_next(&r), JSON_NUMBER);
	CHECK(bytes_is(r.str, "-1.50"));
	CHECK_INT(json_read_next(&r), JSON_OBJECT);
	CHECK_INT(r.depth, 3);
	CHECK_INT(json_read_next(&r), JSON_OBJECT_END);
	CHECK_INT(json_read_next(&r), JSON_ARRAY_END);
	CHECK_INT(json_read_next(&r), JSON_KEY);
	CHECK_INT(json_read_next(&r), JSON_NULL);
	CHECK_INT(json_read_next(&r), JSON_OBJECT_END);
	CHECK_INT(json_read_next(&r), JSON_END);
	CHECK_INT(json_read_next(&r), JSON_END);
	CHECK(bytes_is(first, "plain") && bytes_is(escaped, "b\n"));
	json_read_fini(&r);
}

/* Strings of the service may hold any character, its attributes' names, too. */
TEST(nul_is_a_character)
{
	struct buf b = { .p = NULL };
	struct json_write w = { .b = &b };
	struct json_read r;

	json_read_init(&r, BYTES_LIT("{\"k\\u0000\":\"\\u0000v\",\"k\":0}"), 8);
	json_read_next(&r);
	CHECK_INT(json_read_next(&r), JSON_KEY);
	CHECK(bytes_eq(r.str, BYTES_LIT("k\0")));
	json_write_string(&w, r.str);
	CHECK_INT(json_read_next(&r), JSON_STRING);
	CHECK(bytes_eq(r.str, BYTES_LIT("\0v")));
	json_write_string(&w, r.str);
	CHECK(json_read_finish(&r));
	CHECK(bytes_is(buf_view(&b), "\"k\\u0000\",\"\\u0000v\""));
	json_read_reset(&r, BYTES_LIT("{\"k\\u0000\":1,\"k\\u0000\":2}"));
	CHECK(!json_read_finish(&r));
	json_read_fini(&r);
	buf_fini(&b);
}

TEST(skips_and_cuts_out_values)
{
	static const char text[] = "{\"a\": [1, {\"x\":[]}] ,\"b\":2,\"c\":\"s\"}";
	struct json_read r;
	struct bytes raw;

	json_read_init(&r, bytes_str(text), 8);
	json_read_next(&r), json_read_next(&r), json_read_next(&r);
	CHECK(json_read_raw(&r, &raw) && bytes_is(raw, "[1, {\"x\":[]}]"));
	CHECK_INT(r.token, JSON_ARRAY_END);
	CHECK_INT(json_read_next(&r), JSON_KEY);
	CHECK_INT(json_read_next(&r), JSON_NUMBER);
	CHECK(json_read_skip(&r));
	CHECK_INT(json_read_next(&r), JSON_KEY);
	CHECK_INT(json_read_next(&r), JSON_STRING);
	CHECK(json_read_raw(&r, &raw) && bytes_is(raw, "\"s\""));
	CHECK(json_read_finish(&r));
	json_read_reset(&r, BYTES_LIT("[[1,2"));
	json_read_next(&r);
	CHECK(!json_read_skip(&r));
	CHECK(!json_read_finish(&r));
	json_read_reset(&r, BYTES_LIT("[\"\\n\"]"));
	CHECK(json_read_finish(&r));
	json_read_fini(&r);
}

TEST(errors_say_where)
{
	static const struct {
		const char *text, *error;
		size_t at;
	} cases[] = {
		{ "[1,x]", "unexpected character", 3 },
		{ "{\"a\" 1}", "a colon was expected", 5 },
		{ "{\"a\":1 2}", "a comma or } was expected", 7 },
		{ "[1 2]", "a comma or ] was expected", 3 },
		{ "[1,2", "unexpected end", 4 },
		{ "{1:2}", "a key was expected", 1 },
		{ "\"a\\q\"", "bad escape in a string", 2 },
		{ "\"a\nb\"", "control character in a string", 2 },
		{ "{\"a\":1,\"a\":2}", "duplicate key in the object that ends here", 12 },
		{ "{} {}", "text behind the value", 3 },
		{ "[[[[", "nested too deeply", 3 },
		{ "1.x", "bad number", 2 },
	};
	struct json_read r;

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		json_read_init(&r, bytes_str(cases[i].text), 3);
		CHECK(!json_read_finish(&r));
		CHECK_STR(r.error, cases[i].error);
		CHECK_INT(r.error_at, cases[i].at);
		json_read_fini(&r);
	}
}

TEST(depth_is_capped)
{
	struct buf b = { .p = NULL };

	for (int i = 0; i < JSON_DEPTH_LIMIT + 1; i++)
		buf_u8(&b, '[');
	for (int i = 0; i < JSON_DEPTH_LIMIT + 1; i++)
		buf_u8(&b, ']');
	CHECK(!accepts(buf_view(&b), JSON_DEPTH_LIMIT));
	CHECK(accepts((struct bytes){ b.p + 1, b.n - 2 }, JSON_DEPTH_LIMIT));
	CHECK(!accepts((struct bytes){ b.p + 1, b.n - 2 }, JSON_DEPTH_LIMIT - 1));
	buf_fini(&b);
}

/* Many keys: the last may repeat the first.  Work is n log n, or this would not end. */
TEST(finds_duplicates_among_many)
{
	struct buf b = { .p = NULL };

	for (int repeat = 0; repeat < 2; repeat++) {
		buf_clear(&b);
		buf_str(&b, "{");
		for (unsigned i = 0; i < 300000; i++)
			buf_fmt(&b, "\"k%07u\":%u,", i * 2654435761u % 10000019u, i);
		buf_fmt(&b, "\"k%07u%s\":0}", 0, repeat ? "" : "x");
		CHECK_INT(accepts(buf_view(&b), 4), !repeat);
	}
	buf_fini(&b);
}

TEST(writes)
{
	struct buf b = { .p = NULL };
	struct json_write w = { .b = &b };

	json_write_object(&w);
	json_write_name(&w, "a");
	json_write_array(&w);
	json_write_u64(&w, 0);
	json_write_u64(&w, INT64_MAX);                 /* jansson reads no more */
	json_write_number(&w, BYTES_LIT("-1.50"));
	json_write_double(&w, 0.125, 2);
	json_write_bool(&w, true);
	json_write_null(&w);
	json_write_array(&w);
	json_write_array_end(&w);
	json_write_object(&w);
	json_write_object_end(&w);
	json_write_array_end(&w);
	json_write_key(&w, BYTES_LIT("q\"\\/\b\f\n\r\t\1\x7f\xc3\xa9"));
	json_write_str(&w, "plain text of some length");
	json_write_name(&w, "b64");
	json_write_base64(&w, BYTES_LIT("\0\377"));
	json_write_name(&w, "raw");
	json_write_raw(&w, BYTES_LIT("[1]"));
	json_write_object_end(&w);
	buf_u8(&b, 0);
	CHECK_STR((char *)b.p, "{\"a\":[0,9223372036854775807,-1.50,0.12,true,null,[],{}],"
	                       "\"q\\\"\\\\/\\b\\f\\n\\r\\t\\u0001\x7f\xc3\xa9\":\"plain text of some length\","
	                       "\"b64\":\"AP8=\",\"raw\":[1]}");
	CHECK(jansson_accepts((struct bytes){ b.p, b.n - 1 }, NULL));
	buf_fini(&b);
}

TEST(strings_round_trip)
{
	uint8_t raw[64];
	struct buf b = { .p = NULL };

	for (unsigned c = 1; c < 0x80; c++)
		for (size_t at = 0; at < 20; at++) {
			struct json_write w = { .b = &b };
			struct json_read r;

			memset(raw, 'x', sizeof raw);
			raw[at] = (uint8_t)c;
			buf_clear(&b);
			json_write_string(&w, (struct bytes){ raw, 20 });
			json_read_init(&r, buf_view(&b), 1);
			CHECK(json_read_next(&r) == JSON_STRING && bytes_eq(r.str, (struct bytes){ raw, 20 }));
			CHECK(json_read_finish(&r));
			json_read_fini(&r);
		}
	buf_fini(&b);
}

TEST(base64_is_strict)
{
	static const char *const bad[] = { "A", "AA", "AAA", "AAAAA", "====", "A===", "AB==", "AAB=", "AA=A", "=AAA",
		"AA==AAAA", "AA A", "AA\nA", "AA-_", "AA.=", "AAAA====" };
	uint8_t out[64], data[40];
	size_t n;

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		if (json_base64_decode(bytes_str(bad[i]), out, &n)) {
			printf("# accepted %s\n", bad[i]);
			CHECK(!"base64");
		}
	CHECK(json_base64_decode(BYTES_NONE, out, &n) && n == 0);
	CHECK(json_base64_decode(BYTES_LIT("/+8="), out, &n) && n == 2 && out[0] == 0xff && out[1] == 0xef);
	for (size_t len = 0; len < sizeof data; len++) {
		struct buf b = { .p = NULL };
		struct json_write w = { .b = &b };
		struct bytes text;

		for (size_t i = 0; i < len; i++)
			data[i] = (uint8_t)(i * 37 + len * 101);
		json_write_base64(&w, (struct bytes){ data, len });
		text = (struct bytes){ b.p + 1, b.n - 2 };
		CHECK(json_base64_size(text) >= len && json_base64_size(text) <= sizeof out);
		CHECK(json_base64_decode(text, out, &n) && n == len && memcmp(out, data, len) == 0);
		buf_fini(&b);
	}
}

CHECK_MAIN(X(accepts_what_is_json) X(refuses_what_is_not) X(agrees_with_jansson_on_damage) X(gives_tokens_and_views)
           X(nul_is_a_character)
           X(skips_and_cuts_out_values) X(errors_say_where) X(depth_is_capped) X(finds_duplicates_among_many) X(writes)
           X(strings_round_trip) X(base64_is_strict))
