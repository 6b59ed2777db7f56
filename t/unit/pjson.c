/* Covers: common/pjson.c */
#include "pjson.h"

#include "check.h"
#include "djson.h"

struct run {
	struct json_read r;
	struct item_build b;
	char message[PJSON_MESSAGE_MAX];
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

static bool read_item(struct run *x, const char *text)
{
	json_read_reset(&x->r, bytes_str(text));
	json_read_next(&x->r);
	return pjson_item(&x->r, &x->b, x->message);
}

TEST(reads_and_writes_plain_json)
{
	static const char *const cases[][3] = {
		{ "{}", "{}", "{}" },
		{ "{\"b\":1.50,\"a\":\"x\"}", "{\"a\":\"x\",\"b\":1.5}",
		  "{\"a\":{\"S\":\"x\"},\"b\":{\"N\":\"1.5\"}}" },
		{ "{\"a\":[true,false,null,{\"z\":{},\"y\":[]}]}", "{\"a\":[true,false,null,{\"y\":[],\"z\":{}}]}",
		  "{\"a\":{\"L\":[{\"BOOL\":true},{\"BOOL\":false},{\"NULL\":true},"
		  "{\"M\":{\"y\":{\"L\":[]},\"z\":{\"M\":{}}}}]}}" },
		{ "{\"a\":12345678901234567890123456789012345678}", "{\"a\":12345678901234567890123456789012345678}",
		  "{\"a\":{\"N\":\"12345678901234567890123456789012345678\"}}" },
		{ "{\"a\":1e3,\"b\":-0}", "{\"a\":1000,\"b\":0}", "{\"a\":{\"N\":\"1000\"},\"b\":{\"N\":\"0\"}}" },
	};
	struct buf out = { .p = NULL };
	struct run x;

	run_init(&x);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct json_write w = { .b = &out };

		CHECK(read_item(&x, cases[i][0]));
		CHECK_STR(x.message, "");
		CHECK(item_check(item_build_view(&x.b)));
		buf_clear(&out);
		pjson_write_item(&w, item_build_view(&x.b));
		CHECK(bytes_is(buf_view(&out), cases[i][1]));
		buf_clear(&out);
		w = (struct json_write){ .b = &out };
		djson_write_item(&w, item_build_view(&x.b));
		CHECK(bytes_is(buf_view(&out), cases[i][2]));
	}
	buf_fini(&out);
	run_fini(&x);
}

TEST(sets_and_binary_print_plainly)
{
	struct buf out = { .p = NULL };
	struct json_write w = { .b = &out };
	struct djson_error e;
	struct run x;

	run_init(&x);
	json_read_reset(&x.r,
		BYTES_LIT("{\"a\":{\"SS\":[\"y\",\"x\"]},\"b\":{\"NS\":[\"2\",\"1.0\"]},\"c\":{\"BS\":[\"YQ==\"]},"
	                                "\"d\":{\"B\":\"AP8=\"}}"));
	json_read_next(&x.r);
	CHECK_INT(djson_item(&x.r, &x.b, &e), DJSON_OK);
	pjson_write_item(&w, item_build_view(&x.b));
	CHECK(bytes_is(buf_view(&out), "{\"a\":[\"x\",\"y\"],\"b\":[1,2],\"c\":[\"YQ==\"],\"d\":\"AP8=\"}"));
	buf_fini(&out);
	run_fini(&x);
}

TEST(refusals_say_where)
{
	static const char *const cases[][2] = {
		{ "[1]", "byte 0: an item is a JSON object" },
		{ "\"x\"", "byte 0: an item is a JSON object" },
		{ "{\"a\":1", "byte 6: unexpected end" },
		{ "{\"a\":[1,", "byte 8: unexpected end" },
		{ "{\"a\":x}", "byte 5: unexpected character" },
		{ "", "byte 0: unexpected end" },
		{ "{\"a\":1,\"a\":2}", "byte 12: duplicate key in the object that ends here" },
		{ "{\"a\":1e200}", "byte 5: number too large" },
		{ "{\"a\":1e-200}", "byte 5: number too small" },
		{ "{\"a\":[123456789012345678901234567890123456789]}",
		  "byte 6: number of more than 38 significant digits" },
	};
	struct buf deep = { .p = NULL };
	struct run x;

	run_init(&x);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		CHECK(!read_item(&x, cases[i][0]));
		CHECK_STR(x.message, cases[i][1]);
	}
	for (int levels = 32; levels < 34; levels++) {
		buf_clear(&deep);
		buf_str(&deep, "{\"a\":");
		for (int i = 0; i < levels; i++)
			buf_str(&deep, "[");
		for (int i = 0; i < levels; i++)
			buf_str(&deep, "]");
		buf_put(&deep, "}", 2);
		CHECK_INT(read_item(&x, (char *)deep.p), levels == 32);
	}
	CHECK_STR(x.message, "byte 37: nested more than 32 levels deep");
	buf_fini(&deep);
	run_fini(&x);
}

TEST(single_values)
{
	struct run x;

	run_init(&x);
	json_read_reset(&x.r, BYTES_LIT("42"));
	json_read_next(&x.r);
	CHECK(pjson_value(&x.r, &x.b, x.message) && item_value(item_build_view(&x.b)).tag == ITEM_N);
	json_read_reset(&x.r, BYTES_LIT("{\"a\":[]}"));
	json_read_next(&x.r);
	CHECK(pjson_value(&x.r, &x.b, x.message) && item_value(item_build_view(&x.b)).tag == ITEM_M);
	json_read_reset(&x.r, BYTES_LIT("nope"));
	json_read_next(&x.r);
	CHECK(!pjson_value(&x.r, &x.b, x.message));
	run_fini(&x);
}

CHECK_MAIN(X(reads_and_writes_plain_json) X(sets_and_binary_print_plainly) X(refusals_say_where) X(single_values))
