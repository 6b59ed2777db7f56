/* cmd/ddb: expressions as people write them, conditions on sort keys, batches of lines. */
#include <stdlib.h>

#include "cmd/ddb/data_batch.h"
#include "cmd/ddb/data_expr.h"
#include "cmd/ddb/data_range.h"
#include "check.h"

#define ROWS(a) (sizeof(a) / sizeof *(a))

static const char *text_of(struct buf *b)
{
	buf_u8(b, 0);
	return (const char *)b->p;
}

/* What becomes of text: "expression | names | values". */
static void check(enum data_expr_kind kind, const char *text, const char *want)
{
	struct data_expr x;
	struct buf out = { 0 };

	data_expr_init(&x);
	if (data_expr_add(&x, kind, bytes_str(text), &out)) {
		buf_str(&out, " | ");
		buf_bytes(&out, buf_view(&x.names));
		buf_str(&out, " | ");
		buf_bytes(&out, buf_view(&x.values));
	} else {
		buf_clear(&out);
		buf_fmt(&out, "! %s", x.message);
	}
	CHECK_STR(text_of(&out), want);
	buf_fini(&out);
	data_expr_fini(&x);
}

TEST(conditions)
{
	static const char *const rows[][2] = {
		{ "status = 'open' and size > 3",
		  "#_0 = :_0 and #_1 > :_1 | \"#_0\":\"status\",\"#_1\":\"size\" | \":_0\":{\"S\":\"open\"},\":_1\":{\"N\":\"3\"}" },
		{ "a = \"x\"", "a = :_0 |  | \":_0\":{\"S\":\"x\"}" },
		{ "a = 'it''s' or b=\"\"\"\"", "a = :_0 or b=:_1 |  | \":_0\":{\"S\":\"it's\"},\":_1\":{\"S\":\"\\\"\"}" },
		{ "a = ''", "a = :_0 |  | \":_0\":{\"S\":\"\"}" },
		{ "n between -1.50 AND +2e3", "n between :_0 AND :_1 |  | \":_0\":{\"N\":\"-1.5\"},\":_1\":{\"N\":\"2000\"}" },
		{ "n in (.5, 1., -2)", "n in (:_0, :_1, :_2) |  | \":_0\":{\"N\":\"0.5\"},\":_1\":{\"N\":\"1\"},\":_2\":{\"N\":\"-2\"}" },
		{ "n>123456789012345678901234567890.12345678", "n>:_0 |  | \":_0\":{\"N\":\"123456789012345678901234567890.12345678\"}" },
		{ "a = true and b <> null or c = False",
		  "a = :_0 and b <> :_1 or c = :_2 |  | \":_0\":{\"BOOL\":true},\":_1\":{\"NULL\":true},\":_2\":{\"BOOL\":false}" },
		{ "not (a == 1) AND NOT b != 2", "not (a = :_0) AND NOT b <> :_1 |  | \":_0\":{\"N\":\"1\"},\":_1\":{\"N\":\"2\"}" },
		/* functions, and attributes of their names */
		{ "size(data) > 3 and contains(name, 'x')",
		  "size(#_0) > :_0 and contains(#_1, :_1) | \"#_0\":\"data\",\"#_1\":\"name\" | \":_0\":{\"N\":\"3\"},\":_1\":{\"S\":\"x\"}" },
		{ "attribute_not_exists (pk)", "attribute_not_exists (pk) |  | " },
		{ "contains = 1", "contains = :_0 |  | \":_0\":{\"N\":\"1\"}" },
		{ "attribute_type(a, 'SS')", "attribute_type(a, :_0) |  | \":_0\":{\"S\":\"SS\"}" },
		/* paths */
		{ "a.size[0].status[12] = 1", "a.#_0[0].#_1[12] = :_0 | \"#_0\":\"size\",\"#_1\":\"status\" | \":_0\":{\"N\":\"1\"}" },
		{ "true.x = 1", "#_0.x = :_0 | \"#_0\":\"true\" | \":_0\":{\"N\":\"1\"}" },
		{ "a.true = false", "a.#_0 = :_0 | \"#_0\":\"true\" | \":_0\":{\"BOOL\":false}" },
		/* odd names */
		{ "`odd name` = 1 and `a.b``c` = 2",
		  "#_0 = :_0 and #_1 = :_1 | \"#_0\":\"odd name\",\"#_1\":\"a.b`c\" | \":_0\":{\"N\":\"1\"},\":_1\":{\"N\":\"2\"}" },
		{ "_x = 1 or @type = 2 or stra\xc3\x9f" "e = 3 or $a=4",
		  "#_0 = :_0 or #_1 = :_1 or #_2 = :_2 or #_3=:_3 | \"#_0\":\"_x\",\"#_1\":\"@type\",\"#_2\":\"stra\xc3\x9f" "e\",\"#_3\":\"$a\" | "
		  "\":_0\":{\"N\":\"1\"},\":_1\":{\"N\":\"2\"},\":_2\":{\"N\":\"3\"},\":_3\":{\"N\":\"4\"}" },
		/* keywords where a name is due are names */
		{ "and = 1", "#_0 = :_0 | \"#_0\":\"and\" | \":_0\":{\"N\":\"1\"}" },
		{ "a between between and and", "a between #_0 and #_1 | \"#_0\":\"between\",\"#_1\":\"and\" | " },
		/* the user's own */
		{ "#s = :v AND a > :w1", "#s = :v AND a > :w1 |  | " },
		/* documents */
		{ "a = [1, \"x]\", {\"b\": null}]",
		  "a = :_0 |  | \":_0\":{\"L\":[{\"N\":\"1\"},{\"S\":\"x]\"},{\"M\":{\"b\":{\"NULL\":true}}}]}" },
		{ "a = {}", "a = :_0 |  | \":_0\":{\"M\":{}}" },
		{ "a\n=\t1", "a = :_0 |  | \":_0\":{\"N\":\"1\"}" },
		{ "", " |  | " },
		/* what is no expression goes through, for the server to say */
		{ "a = ; b", "a = ; b |  | " },
		{ "a = 'x", "! a quote that does not end: 'x" },
		{ "a = `", "! a quote that does not end: `" },
		{ "a = 1.2.3", "! not a number: 1.2.3" },
		{ "a = 1e999", "! Number overflow. Attempting to store a number with magnitude larger than supported range: 1e999" },
		{ "a = [1, 2", "! JSON that does not end: [1, 2" },
		{ "a = [1 2]", "! byte 3: a comma or ] was expected: [1 2]" },
		{ "a = '\xff'", "! not UTF-8: '\xff'" },
		{ "\xff = 1", "! not UTF-8: \xff" },
	};

	for (size_t i = 0; i < ROWS(rows); i++)
		check(DATA_EXPR_CONDITION, rows[i][0], rows[i][1]);
}

TEST(updates)
{
	static const char *const rows[][2] = {
		{ "SET a = a + 1, status = :s REMOVE b, size ADD n -3 DELETE tags :t",
		  "SET a = a + :_0, #_0 = :s REMOVE b, #_1 ADD n :_1 DELETE tags :t | \"#_0\":\"status\",\"#_1\":\"size\" | "
		  "\":_0\":{\"N\":\"1\"},\":_1\":{\"N\":\"-3\"}" },
		{ "set a = b-1, c = -1", "set a = b-:_0, c = :_1 |  | \":_0\":{\"N\":\"1\"},\":_1\":{\"N\":\"-1\"}" },
		{ "SET add = 1, set = 2 remove remove, delete",
		  "SET #_0 = :_0, #_1 = :_1 remove remove, #_2 | \"#_0\":\"add\",\"#_1\":\"set\",\"#_2\":\"delete\" | "
		  "\":_0\":{\"N\":\"1\"},\":_1\":{\"N\":\"2\"}" },
		{ "SET a = if_not_exists(a, 0) + 1, l = list_append(l, [1])",
		  "SET a = if_not_exists(a, :_0) + :_1, l = list_append(l, :_2) |  | "
		  "\":_0\":{\"N\":\"0\"},\":_1\":{\"N\":\"1\"},\":_2\":{\"L\":[{\"N\":\"1\"}]}" },
		{ "SET l[0] = 'x', m.data = {\"a\":1}",
		  "SET l[0] = :_0, m.#_0 = :_1 | \"#_0\":\"data\" | \":_0\":{\"S\":\"x\"},\":_1\":{\"M\":{\"a\":{\"N\":\"1\"}}}" },
		{ "  REMOVE a[1]", "  REMOVE a[1] |  | " },
	};

	for (size_t i = 0; i < ROWS(rows); i++)
		check(DATA_EXPR_UPDATE, rows[i][0], rows[i][1]);
}

TEST(paths)
{
	static const char *const rows[][2] = {
		{ "a, b.c[0],size", "a, b.c[0],#_0 | \"#_0\":\"size\" | " },
		{ "first-name,2fa,`x,y`", "#_0,#_1,#_2 | \"#_0\":\"first-name\",\"#_1\":\"2fa\",\"#_2\":\"x,y\" | " },
		{ "#u,and", "#u,#_0 | \"#_0\":\"and\" | " },
	};

	for (size_t i = 0; i < ROWS(rows); i++)
		check(DATA_EXPR_PATHS, rows[i][0], rows[i][1]);
}

static void check_assign(const char *text, bool typed, const char *want)
{
	struct data_expr x;
	struct buf out = { 0 };

	data_expr_init(&x);
	if (data_expr_assign(&x, bytes_str(text), typed, &out)) {
		buf_str(&out, " | ");
		buf_bytes(&out, buf_view(&x.names));
		buf_str(&out, " | ");
		buf_bytes(&out, buf_view(&x.values));
	} else {
		buf_clear(&out);
		buf_str(&out, "!");
	}
	CHECK_STR(text_of(&out), want);
	buf_fini(&out);
	data_expr_fini(&x);
}

TEST(assignments)
{
	check_assign("a=1", false, "a = :_0 |  | \":_0\":{\"N\":\"1\"}");
	check_assign("a=1.50", false, "a = :_0 |  | \":_0\":{\"N\":\"1.5\"}");
	check_assign("a=x=y", false, "a = :_0 |  | \":_0\":{\"S\":\"x=y\"}");
	check_assign("a=", false, "a = :_0 |  | \":_0\":{\"S\":\"\"}");
	check_assign("a=007", false, "a = :_0 |  | \":_0\":{\"S\":\"007\"}");
	check_assign("a=\"1\"", false, "a = :_0 |  | \":_0\":{\"S\":\"1\"}");
	check_assign("a=true", false, "a = :_0 |  | \":_0\":{\"BOOL\":true}");
	check_assign("size[0].b=null", false, "#_0[0].b = :_0 | \"#_0\":\"size\" | \":_0\":{\"NULL\":true}");
	check_assign("`a=b`=c", false, "#_0 = :_0 | \"#_0\":\"a=b\" | \":_0\":{\"S\":\"c\"}");
	check_assign("a=[1", false, "!");
	check_assign("a={\"SS\":[\"x\"]}", true, "a = :_0 |  | \":_0\":{\"SS\":[\"x\"]}");
	check_assign("a=1", true, "!");
	check_assign("a={\"S\":\"x\"} 1", true, "!");
	check_assign("a", false, "!");
	check_assign("=1", false, "!");
}

TEST(from_the_user)
{
	static const char *const bad[] = { "a=1", ":=1", ":a", ":_a=1", ":a b=1", ":a-b=1", ":a=[1" };
	struct data_expr x;

	data_expr_init(&x);
	CHECK(data_expr_user_value(&x, BYTES_LIT(":a=1"), false));
	CHECK(data_expr_user_value(&x, BYTES_LIT(":b_2=x y"), false));
	CHECK(data_expr_user_value(&x, BYTES_LIT(":c={\"B\":\"AA==\"}"), true));
	CHECK(data_expr_user_name(&x, BYTES_LIT("#n=odd name")));
	for (size_t i = 0; i < ROWS(bad); i++)
		CHECK(!data_expr_user_value(&x, bytes_str(bad[i]), false) && x.message[0] != '\0');
	CHECK(!data_expr_user_name(&x, BYTES_LIT("#n=")));
	CHECK(!data_expr_user_name(&x, BYTES_LIT(":n=a")));
	CHECK_STR(text_of(&x.values), "\":a\":{\"N\":\"1\"},\":b_2\":{\"S\":\"x y\"},\":c\":{\"B\":\"AA==\"}");
	CHECK_STR(text_of(&x.names), "\"#n\":\"odd name\"");
	data_expr_fini(&x);
}

/* Any bytes at all: no crash, and what comes out is UTF-8 with aliases that are defined. */
TEST(any_text)
{
	static const char alphabet[] = "aA_1.-+[]{}()'\"`:#,= <>!\\\n\xc3\xa9\xff set and not in";
	unsigned seed = 1;

	for (int i = 0; i < 20000; i++) {
		char text[24];
		struct data_expr x;
		struct buf out = { 0 };
		size_t n = 0;

		while (n < sizeof text) {
			seed = seed * 1103515245 + 12345;
			text[n++] = alphabet[(seed >> 16) % (sizeof alphabet - 1)];
		}
		data_expr_init(&x);
		data_expr_add(&x, (enum data_expr_kind)(i % 3), (struct bytes){ (uint8_t *)text, n }, &out);
		CHECK(x.message[0] != '\0' || (bytes_utf8(buf_view(&x.names)) && bytes_utf8(buf_view(&x.values))));
		buf_fini(&out);
		data_expr_fini(&x);
	}
}

/* --- conditions on sort keys */

static void check_range(const char *want, size_t n, char *a, char *b, char *c, char *d)
{
	char *operands[] = { a, b, c, d };
	struct data_range r;
	struct buf out = { 0 };

	if (!data_range_read(&r, operands, n))
		buf_str(&out, "!");
	else if (r.op == NULL)
		buf_str(&out, "any");
	else
		buf_fmt(&out, "%s|%s|%s", r.op, r.value[0], r.value[1] != NULL ? r.value[1] : "");
	CHECK_STR(text_of(&out), want);
	buf_fini(&out);
	data_range_free(&r);
}

TEST(ranges)
{
	char air[] = "Air", gt[] = ">", gt5[] = "> 5", gt5b[] = ">=5", begins[] = "begins_with", begins_x[] = "begins_with a b";
	char between[] = "between", between_one[] = "between 1 5", between_and[] = "BETWEEN a b and c d", and[] = "AND", one[] = "1";
	char eq[] = "= begins_with x", bad[] = "between 1 2 3", near[] = "nearly x";

	check_range("any", 0, NULL, NULL, NULL, NULL);
	check_range("=|Air|", 1, air, NULL, NULL, NULL);
	check_range("=|nearly x|", 1, near, NULL, NULL, NULL);
	check_range("=|between|", 1, between, NULL, NULL, NULL);
	check_range(">|5|", 1, gt5, NULL, NULL, NULL);
	check_range(">=|5|", 1, gt5b, NULL, NULL, NULL);
	check_range(">|Air|", 2, gt, air, NULL, NULL);
	check_range("=|begins_with x|", 1, eq, NULL, NULL, NULL);
	check_range("begins_with|a b|", 1, begins_x, NULL, NULL, NULL);
	check_range("begins_with|> 5|", 2, begins, gt5, NULL, NULL);
	check_range("between|1|5", 1, between_one, NULL, NULL, NULL);
	check_range("between|a b|c d", 1, between_and, NULL, NULL, NULL);
	check_range("between|Air|1", 3, between, air, one, NULL);
	check_range("between|Air|1", 4, between, air, and, one);
	check_range("!", 1, bad, NULL, NULL, NULL);
	check_range("!", 2, air, one, NULL, NULL);
	check_range("!", 3, gt, air, one, NULL);
	check_range("!", 4, between, air, one, one);
	check_range("!", 2, between, air, NULL, NULL);
}

/* --- batches */

static void fill(struct data_batch *b, size_t n)
{
	data_batch_clear(b);
	for (size_t i = 0; i < n; i++)
		CHECK(data_batch_add(b, i + 1, i, BYTES_LIT("line"), BYTES_LIT("{\"pk\":{\"S\":\"x\"}}")));
}

TEST(batch_fills_to_25)
{
	struct data_batch b = { .n = 0 };

	fill(&b, 25);
	CHECK(data_batch_has(&b, 24) && !data_batch_has(&b, 25));
	CHECK(!data_batch_add(&b, 26, 25, BYTES_LIT("line"), BYTES_LIT("{}")));
	CHECK_INT(b.n, 25);
	data_batch_fini(&b);
}

TEST(batch_repeats_what_was_left)
{
	struct data_batch b = { .n = 0 };
	struct buf body = { 0 };
	struct json_write w = { .b = &body };
	size_t written;

	fill(&b, 3);
	data_batch_write(&b, &w, "t");
	CHECK(memmem(body.p, body.n, "{\"t\":[{\"PutRequest\":{\"Item\":{\"pk\"", 33) != NULL);
	CHECK_INT(data_batch_answered(&b, BYTES_LIT("{\"UnprocessedItems\":{\"t\":[{\"a\":[1]},{\"b\":2}]}}"), &written), DATA_BATCH_PAUSE);
	CHECK_INT(written, 1);
	CHECK_INT(b.tries, 1);
	buf_clear(&body);
	w.comma = false;
	data_batch_write(&b, &w, "t");
	CHECK_STR(text_of(&body), "\"RequestItems\":{\"t\":[{\"a\":[1]},{\"b\":2}]}");
	/* No progress: longer pauses. */
	CHECK_INT(data_batch_answered(&b, BYTES_LIT("{\"UnprocessedItems\":{\"t\":[{\"a\":[1]},{\"b\":2}]}}"), &written), DATA_BATCH_PAUSE);
	CHECK_INT(written, 0);
	CHECK_INT(b.tries, 2);
	CHECK_INT(data_batch_pause_ms(&b), 200);
	b.tries = 60;
	CHECK_INT(data_batch_pause_ms(&b), DATA_BATCH_PAUSE_MS_MAX);
	CHECK_INT(data_batch_answered(&b, BYTES_LIT("{\"UnprocessedItems\":{}}"), &written), DATA_BATCH_DONE);
	CHECK_INT(written, 2);
	buf_fini(&body);
	data_batch_fini(&b);
}

TEST(batch_finds_the_bad_line)
{
	struct data_batch b = { .n = 0 };
	const struct data_batch_line *bad;
	size_t written;

	fill(&b, 3);
	CHECK_INT(data_batch_refused(&b, &bad), DATA_BATCH_NEXT);
	CHECK(bad == NULL);
	CHECK_INT(data_batch_answered(&b, BYTES_LIT("{}"), &written), DATA_BATCH_NEXT);
	CHECK_INT(written, 1);
	CHECK_INT(data_batch_refused(&b, &bad), DATA_BATCH_NEXT);
	CHECK_INT(bad->number, 2);
	CHECK(bytes_is(data_batch_text(&b, bad), "line"));
	CHECK_INT(data_batch_answered(&b, BYTES_LIT("{}"), &written), DATA_BATCH_DONE);
	fill(&b, 1);
	CHECK_INT(data_batch_refused(&b, &bad), DATA_BATCH_DONE);
	CHECK_INT(bad->number, 1);
	data_batch_fini(&b);
}

TEST(batch_refuses_nonsense)
{
	static const char *const answers[] = { "{\"UnprocessedItems\":[]}", "{\"UnprocessedItems\":{\"t\":1}}",
		"{\"UnprocessedItems\":{\"t\":[{},{},{}]}}" };
	struct data_batch b = { .n = 0 };
	size_t written;

	for (size_t i = 0; i < ROWS(answers); i++) {
		fill(&b, 2);
		CHECK_INT(data_batch_answered(&b, bytes_str(answers[i]), &written), DATA_BATCH_NONSENSE);
	}
	data_batch_fini(&b);
}

CHECK_MAIN(X(conditions) X(updates) X(paths) X(assignments) X(from_the_user) X(any_text) X(ranges) X(batch_fills_to_25)
           X(batch_repeats_what_was_left) X(batch_finds_the_bad_line) X(batch_refuses_nonsense))
