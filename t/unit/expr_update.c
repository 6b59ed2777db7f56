/* Updates: what a program makes of an item, and what it refuses at run time. */
#include "check.h"

#include "common/expr.h"
#include "common/expr_eval.h"
#include "common/mem.h"
#include "common/reserved.h"
#include "expr_notation.h"

#define NO_ATTRIBUTE "!The provided expression refers to an attribute that does not exist in the item"
#define WRONG_TYPE "!An operand in the update expression has an incorrect data type"
#define WRONG_PATH "!The document path provided in the update expression is invalid for update"
#define KEY "pk={S:k}"

/* new starts with ! for the message of a refusal; updated is the projection of the new item onto the targets. */
struct row {
	const char *text, *subst, *old, *new, *updated;
};

static const struct row rows[] = {
	{ "SET a = :v", ":v={N:1}", NULL, "a={N:1}, pk={S:k}", "a={N:1}" },
	{ "SET a = :v", ":v={N:1}", "a={S:x}, b={S:y}, pk={S:k}", "a={N:1}, b={S:y}, pk={S:k}", "a={N:1}" },
	{ "SET a = b, b = a", NULL, "a={N:1}, b={N:2}", "a={N:2}, b={N:1}", "a={N:2}, b={N:1}" },
	{ "SET a = b", NULL, "a={N:1}", NO_ATTRIBUTE, NULL },
	{ "SET a = pk", NULL, NULL, NO_ATTRIBUTE, NULL }, /* unconfirmed: the key is no old item */
	{ "SET a = a + :n", ":n={N:1}", "a={N:1}", "a={N:2}", "a={N:2}" },
	{ "SET a = :n - a", ":n={N:1}", "a={N:1.5}", "a={N:-0.5}", "a={N:-0.5}" },
	{ "SET a = b - c", NULL, "b={N:9}, c={N:4}", "a={N:5}, b={N:9}, c={N:4}", "a={N:5}" },
	{ "SET a = a + :n", ":n={N:1}", "b={N:1}", NO_ATTRIBUTE, NULL },
	{ "SET a = a + :n", ":n={N:1}", "a={S:1}", WRONG_TYPE, NULL },
	{ "SET a = (a + :n)", ":n={N:1}", "a={N:1}", "a={N:2}", "a={N:2}" },
	{ "SET a = if_not_exists(a, :z) + :n", ":n={N:1}, :z={N:0}", NULL, "a={N:1}, pk={S:k}", "a={N:1}" },
	{ "SET a = if_not_exists(a, :z) + :n", ":n={N:1}, :z={N:0}", "a={N:41}", "a={N:42}", "a={N:42}" },
	{ "SET a = if_not_exists(a, :z)", ":z={N:0}", "a={S:x}", "a={S:x}", "a={S:x}" },
	{ "SET a = if_not_exists(b, c)", NULL, "b={N:1}", "a={N:1}, b={N:1}", "a={N:1}" },
	{ "SET a = if_not_exists(b, c)", NULL, "d={N:1}", NO_ATTRIBUTE, NULL },
	{ "SET a = if_not_exists(b, if_not_exists(c, :z))", ":z={N:7}", "d={N:1}", "a={N:7}, d={N:1}", "a={N:7}" },
	{ "SET a = if_not_exists(m.x.y, :z)", ":z={N:7}", "d={N:1}", "a={N:7}, d={N:1}", "a={N:7}" },
	{ "SET l = list_append(l, :v)", ":v={L:[{N:3}]}", "l={L:[{N:1}, {N:2}]}", "l={L:[{N:1}, {N:2}, {N:3}]}",
		"l={L:[{N:1}, {N:2}, {N:3}]}" },
	{ "SET l = list_append(:v, l)", ":v={L:[{N:3}]}", "l={L:[{N:1}]}", "l={L:[{N:3}, {N:1}]}", NULL },
	{ "SET l = list_append(if_not_exists(l, :e), :v)", ":v={L:[{N:3}]}, :e={L:[]}", NULL, "l={L:[{N:3}]}, pk={S:k}",
		NULL },
	{ "SET l = list_append(list_append(l, :v), list_append(:v, l))", ":v={L:[{N:3}]}", "l={L:[{N:1}]}",
		"l={L:[{N:1}, {N:3}, {N:3}, {N:1}]}", NULL },
	{ "SET l = list_append(l, :v)", ":v={L:[{N:3}]}", "l={S:x}", WRONG_TYPE, NULL },
	{ "SET l = list_append(l, :v)", ":v={L:[{N:3}]}", NULL, NO_ATTRIBUTE, NULL },
	{ "SET m.a = :v", ":v={N:1}", "m={M:{}}", "m={M:{a={N:1}}}", "m={M:{a={N:1}}}" },
	{ "SET m.a = :v", ":v={N:1}", "m={M:{a={S:x}, b={S:y}}}", "m={M:{a={N:1}, b={S:y}}}", "m={M:{a={N:1}}}" },
	{ "SET m.a.b = :v", ":v={N:1}", "m={M:{a={S:x}}}", WRONG_PATH, NULL },
	{ "SET m.a = :v", ":v={N:1}", NULL, WRONG_PATH, NULL },
	{ "SET m.a = :v", ":v={N:1}", "m={S:x}", WRONG_PATH, NULL },
	{ "SET l[0] = :v", ":v={N:1}", "l={L:[{S:a}, {S:b}]}", "l={L:[{N:1}, {S:b}]}", "l={L:[{N:1}]}" },
	{ "SET l[9] = :v", ":v={N:1}", "l={L:[{S:a}]}", "l={L:[{S:a}, {N:1}]}", "" }, /* unconfirmed: UPDATED_NEW */
	{ "SET l[9] = :v, l[5] = :w", ":v={N:9}, :w={N:5}", "l={L:[{S:a}]}", "l={L:[{S:a}, {N:5}, {N:9}]}", NULL },
	{ "SET l[0] = :v", ":v={N:1}", "m={M:{}}", WRONG_PATH, NULL },
	{ "SET l[0].a = :v", ":v={N:1}", "l={L:[{M:{}}]}", "l={L:[{M:{a={N:1}}}]}", NULL },
	{ "SET l[1].a = :v", ":v={N:1}", "l={L:[{M:{}}]}", WRONG_PATH, NULL },
	{ "SET m.a = :v, m.c = m.b REMOVE m.b", ":v={N:1}", "m={M:{b={S:y}}}", "m={M:{a={N:1}, c={S:y}}}",
		"m={M:{a={N:1}, c={S:y}}}" },
	{ "REMOVE a", NULL, "a={N:1}, b={N:2}", "b={N:2}", "" },
	{ "REMOVE a", NULL, "b={N:2}", "b={N:2}", "" },
	{ "REMOVE a", NULL, NULL, "", "" }, /* unconfirmed of expressions: no item, and none is made */
	{ "REMOVE m.a", NULL, NULL, WRONG_PATH, NULL },
	{ "REMOVE a ADD b :n", ":n={N:1}", NULL, "b={N:1}, pk={S:k}", "b={N:1}" },
	{ "REMOVE l[1]", NULL, "l={L:[{N:1}, {N:2}, {N:3}]}", "l={L:[{N:1}, {N:3}]}", NULL },
	{ "REMOVE l[0], l[1]", NULL, "l={L:[{N:1}, {N:2}, {N:3}]}", "l={L:[{N:3}]}", NULL },
	{ "REMOVE l[0], l[7]", NULL, "l={L:[{N:1}]}", "l={L:[]}", NULL },
	{ "SET l[2] = :v REMOVE l[0]", ":v={S:x}", "l={L:[{N:1}, {N:2}, {N:3}]}", "l={L:[{N:2}, {S:x}]}", NULL },
	{ "REMOVE m.a", NULL, "m={M:{a={N:1}}}", "m={M:{}}", "" },
	{ "REMOVE m.a", NULL, "b={N:1}", WRONG_PATH, NULL },
	{ "REMOVE m.a.b", NULL, "m={M:{c={N:1}}}", WRONG_PATH, NULL },
	{ "ADD a :n", ":n={N:5}", NULL, "a={N:5}, pk={S:k}", "a={N:5}" },
	{ "ADD a :n", ":n={N:-5}", "a={N:2}", "a={N:-3}", "a={N:-3}" },
	{ "ADD a :n", ":n={N:5}", "a={S:x}", WRONG_TYPE, NULL },
	{ "ADD a :n", ":n={N:5}", "a={NS:[1]}", WRONG_TYPE, NULL },
	{ "ADD a :s", ":s={SS:[b, c]}", "a={SS:[a, b]}", "a={SS:[a, b, c]}", NULL },
	{ "ADD a :s", ":s={SS:[b, c]}", NULL, "a={SS:[b, c]}, pk={S:k}", NULL },
	{ "ADD a :s", ":s={NS:[1]}", "a={SS:[a, b]}", WRONG_TYPE, NULL },
	{ "ADD a :s", ":s={NS:[1.0, 2]}", "a={NS:[1, 3]}", "a={NS:[1, 2, 3]}", NULL },
	{ "ADD m.a :n", ":n={N:5}", "m={M:{a={N:1}}}", "m={M:{a={N:6}}}", NULL },
	{ "ADD m.a :n", ":n={N:5}", NULL, WRONG_PATH, NULL },
	{ "DELETE a :s", ":s={SS:[b, c]}", "a={SS:[a, b]}", "a={SS:[a]}", "a={SS:[a]}" },
	{ "DELETE a :s", ":s={SS:[a, b, c]}", "a={SS:[a, b]}, z={N:1}", "z={N:1}", "" },
	{ "DELETE a :s", ":s={SS:[x]}", "a={SS:[a, b]}", "a={SS:[a, b]}", NULL },
	{ "DELETE a :s", ":s={SS:[x]}", "z={N:1}", "z={N:1}", "" },
	{ "DELETE a :s", ":s={SS:[x]}", NULL, "", "" },
	{ "DELETE a :s", ":s={SS:[x]}", "a={S:x}", WRONG_TYPE, NULL },
	{ "DELETE a :s", ":s={BS:[01]}", "a={BS:[01, 02]}", "a={BS:[02]}", NULL },
	{ "SET #a.#b = :v ADD c :n DELETE s :s REMOVE z", "#a=m, #b=x, :v={BOOL:true}, :n={N:1}, :s={SS:[a]}",
		"m={M:{}}, s={SS:[a, b]}, z={N:1}", "c={N:1}, m={M:{x={BOOL:true}}}, s={SS:[b]}", NULL },
	{ "set a = :v remove b", ":v={N:1}", "b={N:1}", "a={N:1}", NULL },
	{ "SET a = a + :n", ":n={N:9e125}", "a={N:9e125}",
		"!Number overflow. Attempting to store a number with magnitude larger than supported range", NULL },
};

static void one(const struct row *row)
{
	struct notation_subst t;
	struct buf prog = { 0 }, err = { 0 }, out = { 0 }, text = { 0 }, updated = { 0 };
	struct bytes old = notation_item(row->old), key = notation_item(KEY);
	const char *message = NULL;
	enum expr_result r = EXPR_MALFORMED;

	notation_subst(&t, row->subst);
	if (!expr_compile_update(bytes_str(row->text), &t.s, NULL, &prog, &err))
		printf("# %s: %s\n", row->text, notation_text(&err));
	else
		r = expr_apply_update(buf_view(&prog), old, key, &out, &message);
	CHECK(expr_check(buf_view(&prog), EXPR_KIND_UPDATE));
	if (r == EXPR_INVALID)
		buf_fmt(&text, "!%s", message);
	else if (r == EXPR_TRUE)
		notation_print(buf_view(&out), &text);
	else
		CHECK_INT(r, EXPR_TRUE);
	if (r == EXPR_TRUE && out.n > 0)
		CHECK(item_check(buf_view(&out)));
	CHECK_STR(notation_text(&text), row->new);
	if (strcmp((char *)text.p, row->new) != 0)
		printf("# %s\n", row->text);
	if (row->updated != NULL && r == EXPR_TRUE) {
		buf_clear(&text);
		CHECK_INT(expr_updated(buf_view(&prog), buf_view(&out), &updated), EXPR_TRUE);
		notation_print(buf_view(&updated), &text);
		CHECK_STR(notation_text(&text), row->updated);
	}
	notation_free(&t);
	buf_fini(&prog);
	buf_fini(&err);
	buf_fini(&out);
	buf_fini(&text);
	buf_fini(&updated);
	free((void *)old.p);
	free((void *)key.p);
}

TEST(updates_make_new_items)
{
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		one(&rows[i]);
}

/* A list doubled by every call, and one value set many times over, end at the limit of an item. */
TEST(updates_are_bounded)
{
	struct item_build b;
	struct expr_subst s = { 0 };
	struct buf text = { 0 }, prog = { 0 }, err = { 0 }, out = { 0 };
	const char *message = NULL;

	item_build_init(&b);
	item_build_reset(&b);
	item_build_open(&b, ITEM_L);
	for (size_t i = 0; i < 1000; i++)
		item_build_s(&b, BYTES_LIT("0123456789012345678901234567890123456789012345678901234567890123456789"));
	CHECK(item_build_close(&b));
	expr_subst_value(&s, BYTES_LIT(":v"), item_build_view(&b));
	CHECK(expr_subst_seal(&s, &err));
	for (size_t i = 0; i < 230; i++)
		buf_str(&text, i == 0 ? "SET a = list_append(:v," : "list_append(:v,");
	buf_str(&text, ":v");
	for (size_t i = 0; i < 230; i++)
		buf_str(&text, ")");
	CHECK(expr_compile_update(buf_view(&text), &s, NULL, &prog, &err));
	CHECK_INT(expr_apply_update(buf_view(&prog), BYTES_NONE, ITEM_EMPTY, &out, &message), EXPR_INVALID);
	CHECK_STR(message, "Item size to update has exceeded the maximum allowed size");
	buf_clear(&text);
	buf_clear(&prog);
	for (size_t i = 0; i < 300; i++)
		buf_fmt(&text, "%s a%zu = :v", i == 0 ? "SET" : ",", i);
	CHECK(prog.n == 0 && expr_compile_update(buf_view(&text), &s, NULL, &prog, &err));
	CHECK(prog.n < 100000);
	CHECK_INT(expr_apply_update(buf_view(&prog), BYTES_NONE, ITEM_EMPTY, &out, &message), EXPR_INVALID);
	CHECK_STR(message, "Item size to update has exceeded the maximum allowed size");
	item_build_fini(&b);
	expr_subst_fini(&s);
	buf_fini(&text);
	buf_fini(&prog);
	buf_fini(&err);
	buf_fini(&out);
}

TEST(as_many_actions_as_fit_in_a_text)
{
	struct expr_subst s = { 0 };
	struct buf text = { 0 }, prog = { 0 }, err = { 0 }, out = { 0 };
	const char *message = NULL;
	size_t n = 0;

	for (char a = 'a'; a <= 'z'; a++)
		for (char c = 'A'; c <= 'z' && text.n + 9 < EXPR_TEXT_BYTES_MAX; c++) {
			char name[] = { a, c, 0 };

			if ((c > 'Z' && c < 'a') || reserved_is(bytes_str(name)))
				continue;
			buf_fmt(&text, "%s%s", n++ == 0 ? "REMOVE " : ",", name);
		}
	CHECK(n > 1300);
	CHECK(expr_compile_update(buf_view(&text), &s, NULL, &prog, &err));
	CHECK(expr_check(buf_view(&prog), EXPR_KIND_UPDATE));
	CHECK_INT(expr_apply_update(buf_view(&prog), ITEM_EMPTY, ITEM_EMPTY, &out, &message), EXPR_TRUE);
	CHECK(bytes_eq(buf_view(&out), ITEM_EMPTY));
	buf_fini(&text);
	buf_fini(&prog);
	buf_fini(&err);
	buf_fini(&out);
}

TEST(damaged_programs_are_harmless)
{
	struct bytes item = notation_item("a={N:1}, l={L:[{N:1}]}, m={M:{b={N:1}}}, s={SS:[a, b]}");
	struct notation_subst t;
	struct buf prog = { 0 }, err = { 0 }, out = { 0 };
	const char *message;

	notation_subst(&t, ":n={N:1}, :s={SS:[a]}, :l={L:[{N:2}]}");
	CHECK(expr_compile_update(
		BYTES_LIT("SET l = list_append(l, :l), a = if_not_exists(a, :n) + :n, m.b = a - :n ADD n :n "
			  "DELETE s :s REMOVE z"),
		&t.s, NULL, &prog, &err));
	for (size_t n = 0; n < prog.n; n++) {
		uint8_t *copy = mem_copy(prog.p, n);

		CHECK(!expr_check((struct bytes){ copy, n }, EXPR_KIND_UPDATE));
		buf_clear(&out);
		expr_apply_update((struct bytes){ copy, n }, item, ITEM_EMPTY, &out, &message);
		free(copy);
	}
	for (size_t bit = 0; bit < prog.n * 8; bit++) {
		uint8_t *copy = mem_copy(prog.p, prog.n);
		bool ok;

		copy[bit / 8] ^= (uint8_t)(1 << bit % 8);
		ok = expr_check((struct bytes){ copy, prog.n }, EXPR_KIND_UPDATE);
		buf_clear(&out);
		if (expr_apply_update((struct bytes){ copy, prog.n }, item, ITEM_EMPTY, &out, &message) == EXPR_TRUE
			&& ok)
			CHECK(item_check(buf_view(&out)));
		buf_clear(&out);
		expr_updated((struct bytes){ copy, prog.n }, item, &out);
		free(copy);
	}
	notation_free(&t);
	buf_fini(&prog);
	buf_fini(&err);
	buf_fini(&out);
	free((void *)item.p);
}

CHECK_MAIN(X(updates_make_new_items) X(updates_are_bounded) X(as_many_actions_as_fit_in_a_text)
	X(damaged_programs_are_harmless))
