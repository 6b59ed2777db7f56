/* Conditions and projections: what a program says about an item. */
#include "check.h"

#include "common/expr.h"
#include "common/expr_eval.h"
#include "common/expr_find.h"
#include "common/mem.h"
#include "expr_notation.h"

#define ITEM                                                                                                           \
	"b={B:00ff10}, bs={BS:[00, ff]}, e={S:}, f={BOOL:false}, "                                                     \
	"l={L:[{N:1}, {S:two}, {L:[{N:3}]}, {M:{x={N:4}}}]}, m={M:{a={N:1}, b={M:{c={S:deep}}}}}, n={N:10}, "          \
	"n2={N:2}, neg={N:-3.5}, nil={NULL:true}, ns={NS:[1, 2, 3]}, "                                                 \
	"s={S:hello}, s2={S:world}, ss={SS:[a, b, c]}, t={BOOL:true}, u={S:\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80}"

struct row {
	const char *text, *subst;
	int wanted;
};

static const struct row rows[] = {
	{ "attribute_exists(s)", NULL, 1 },
	{ "attribute_exists(zz)", NULL, 0 },
	{ "attribute_not_exists(s)", NULL, 0 },
	{ "attribute_not_exists(zz)", NULL, 1 },
	{ "attribute_exists(m.a)", NULL, 1 },
	{ "attribute_exists(m.zz)", NULL, 0 },
	{ "attribute_exists(m.b.c)", NULL, 1 },
	{ "attribute_exists(l[3].x)", NULL, 1 },
	{ "attribute_exists(l[4])", NULL, 0 },
	{ "attribute_exists(l[2][0])", NULL, 1 },
	{ "attribute_exists(s.a)", NULL, 0 },
	{ "attribute_exists(s[0])", NULL, 0 },
	{ "attribute_exists(m[0])", NULL, 0 },
	{ "attribute_exists(l.a)", NULL, 0 },
	{ "s = :v", ":v={S:hello}", 1 },
	{ "s = :v", ":v={S:hell}", 0 },
	{ "s = :v", ":v={B:68656c6c6f}", 0 },
	{ ":v = s", ":v={S:hello}", 1 },
	{ "s <> :v", ":v={S:hello}", 0 },
	{ "s <> :v", ":v={N:1}", 1 },
	{ "zz <> :v", ":v={N:1}", 1 },
	{ "zz = :v", ":v={N:1}", 0 },
	{ "zz = yy", NULL, 0 },
	{ "zz <> yy", NULL, 1 },                /* unconfirmed */
	{ "NOT zz = :v", ":v={N:1}", 1 },
	{ "n = :v", ":v={N:10.0}", 1 },
	{ "n > :v", ":v={N:9}", 1 },
	{ "n > n2", NULL, 1 },
	{ "n < n2", NULL, 0 },
	{ "n >= :v", ":v={N:10}", 1 },
	{ "n <= :v", ":v={N:10}", 1 },
	{ "n < :v", ":v={N:10}", 0 },
	{ "neg < :v", ":v={N:0}", 1 },
	{ "neg < :v", ":v={N:-3.6}", 0 },
	{ "n > :v", ":v={S:1}", 0 },
	{ "n <= :v", ":v={S:1}", 0 },
	{ "zz < :v", ":v={N:1}", 0 },
	{ "NOT zz < :v", ":v={N:1}", 1 },
	{ "t < n", NULL, 0 },
	{ "s < s2", NULL, 1 },
	{ "b < :v", ":v={B:01}", 1 },
	{ "b < :v", ":v={B:00ff}", 0 },
	{ "ss = :v", ":v={SS:[c, b, a]}", 1 },
	{ "ss = :v", ":v={SS:[c, b]}", 0 },
	{ "l = :v", ":v={L:[{N:1}, {S:two}, {L:[{N:3}]}, {M:{x={N:4}}}]}", 1 },
	{ "m = :v", ":v={M:{b={M:{c={S:deep}}}, a={N:1}}}", 1 },
	{ "t = :v", ":v={BOOL:true}", 1 },
	{ "t = f", NULL, 0 },
	{ "nil = :v", ":v={NULL:true}", 1 },
	{ "n BETWEEN :a AND :b", ":a={N:9}, :b={N:11}", 1 },
	{ "n BETWEEN :a AND :b", ":a={N:10}, :b={N:10}", 1 },
	{ "n BETWEEN :a AND :b", ":a={N:11}, :b={N:12}", 0 },
	{ "n BETWEEN n2 AND :b", ":b={N:12}", 1 },
	{ "n between n2 and n2 or s = :s", ":s={S:hello}", 1 },
	{ "s BETWEEN :a AND :b", ":a={N:9}, :b={N:11}", 0 },
	{ ":x BETWEEN n2 AND n", ":x={N:3}", 1 },
	{ "s IN (:a, :b)", ":a={S:x}, :b={S:hello}", 1 },
	{ "s IN (:a)", ":a={S:x}", 0 },
	{ "n2 IN (n, s, zz)", NULL, 0 },
	{ "zz IN (:a)", ":a={S:x}", 0 },
	{ "begins_with(s, :p)", ":p={S:hel}", 1 },
	{ "begins_with(s, :p)", ":p={S:}", 1 },
	{ "begins_with(s, :p)", ":p={S:el}", 0 },
	{ "begins_with(n, :p)", ":p={S:1}", 0 },
	{ "begins_with(b, :p)", ":p={B:00}", 1 },
	{ "begins_with(zz, :p)", ":p={S:a}", 0 },
	{ "begins_with(:p, s)", ":p={S:hello world}", 1 },
	{ "contains(s, :p)", ":p={S:ell}", 1 },
	{ "contains(s, :p)", ":p={S:elx}", 0 },
	{ "contains(b, :p)", ":p={B:ff10}", 1 },
	{ "contains(ss, :p)", ":p={S:b}", 1 },
	{ "contains(ss, :p)", ":p={S:d}", 0 },
	{ "contains(ss, :p)", ":p={N:1}", 0 },
	{ "contains(ns, :p)", ":p={N:2.0}", 1 },
	{ "contains(bs, :p)", ":p={B:ff}", 1 },
	{ "contains(l, :p)", ":p={S:two}", 1 },
	{ "contains(l, :p)", ":p={L:[{N:3}]}", 1 },
	{ "contains(l, :p)", ":p={N:3}", 0 },
	{ "contains(m, :p)", ":p={S:a}", 0 },
	{ "contains(:p, s)", ":p={L:[{S:hello}]}", 1 },
	{ "size(s) = :n", ":n={N:5}", 1 },
	{ "size(e) = :n", ":n={N:0}", 1 },
	{ "size(u) = :n", ":n={N:4}", 1 },      /* in UTF-16 */
	{ "size(b) = :n", ":n={N:3}", 1 },
	{ "size(ss) >= :n", ":n={N:3}", 1 },
	{ "size(l) = :n", ":n={N:4}", 1 },
	{ "size(m) = :n", ":n={N:2}", 1 },
	{ "size(n) = :n", ":n={N:2}", 0 },
	{ "size(zz) > :n", ":n={N:0}", 0 },
	{ "size(:v) < size(l)", ":v={S:abc}", 1 },
	{ "n BETWEEN size(ss) AND size(:v)", ":v={S:0123456789}", 1 },
	{ "attribute_type(s, :t)", ":t={S:S}", 1 },
	{ "attribute_type(n, :t)", ":t={S:N}", 1 },
	{ "attribute_type(t, :t)", ":t={S:BOOL}", 1 },
	{ "attribute_type(f, :t)", ":t={S:BOOL}", 1 },
	{ "attribute_type(nil, :t)", ":t={S:NULL}", 1 },
	{ "attribute_type(ss, :t)", ":t={S:SS}", 1 },
	{ "attribute_type(ss, :t)", ":t={S:NS}", 0 },
	{ "attribute_type(bs, :t)", ":t={S:BS}", 1 },
	{ "attribute_type(l, :t)", ":t={S:L}", 1 },
	{ "attribute_type(m.b, :t)", ":t={S:M}", 1 },
	{ "attribute_type(b, :t)", ":t={S:B}", 1 },
	{ "attribute_type(zz, :t)", ":t={S:B}", 0 },
	{ "s = :x OR n = :y AND n2 = :x", ":x={S:hello}, :y={N:0}", 1 },
	{ "(s = :x OR n = :y) AND n2 = :x", ":x={S:hello}, :y={N:0}", 0 },
	{ "NOT s = :x OR n = :y", ":x={S:hello}, :y={N:10}", 1 },
	{ "NOT (s = :x OR n = :y)", ":x={S:hello}, :y={N:10}", 0 },
	{ "NOT NOT s = :x", ":x={S:hello}", 1 },
	{ "not attribute_exists(s) or not attribute_exists(zz)", NULL, 1 },
	{ "s = :x AND (n = :y OR (n2 = :y OR attribute_exists(l)))", ":x={S:hello}, :y={N:0}", 1 },
	{ "(s = :x AND n = :x) OR (t = :x AND NOT (f = :x)) OR NOT (n = :x AND n = :x)", ":x={S:hello}", 1 },
	{ "(s) = :x", ":x={S:hello}", 1 },
	{ "#a.#b = :x AND #l[1] <> :x", "#a=m, #b=a, #l=l, :x={N:1}", 1 },
};

TEST(conditions_hold_or_not)
{
	struct bytes item = notation_item(ITEM);

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct notation_subst t;
		struct buf prog = { 0 }, err = { 0 };
		bool ok;

		notation_subst(&t, rows[i].subst);
		ok = expr_compile_condition(bytes_str(rows[i].text), &t.s, &prog, &err);
		if (!ok)
			printf("# %s: %s\n", rows[i].text, notation_text(&err));
		CHECK(ok);
		if (ok) {
			enum expr_result r = expr_eval_condition(buf_view(&prog), item);

			if (r != (enum expr_result)rows[i].wanted)
				printf("# %s\n", rows[i].text);
			CHECK_INT(r, rows[i].wanted);
			CHECK(expr_check(buf_view(&prog), EXPR_KIND_CONDITION));
			CHECK(!expr_check(buf_view(&prog), EXPR_KIND_UPDATE));
			CHECK(expr_unused(&t.s, &err));
		}
		notation_free(&t);
		buf_fini(&prog);
		buf_fini(&err);
	}
	free((void *)item.p);
}

TEST(no_item_has_no_attributes)
{
	struct notation_subst t;
	struct buf prog = { 0 }, err = { 0 };

	notation_subst(&t, ":v={N:1}");
	CHECK(expr_compile_condition(BYTES_LIT("attribute_not_exists(pk) AND NOT a = :v"), &t.s, &prog, &err));
	CHECK_INT(expr_eval_condition(buf_view(&prog), BYTES_NONE), EXPR_TRUE);
	CHECK_INT(expr_eval_condition(buf_view(&prog), ITEM_EMPTY), EXPR_TRUE);
	buf_fini(&prog);
	notation_free(&t);
	buf_fini(&err);
}

static const struct { const char *text, *subst, *wanted; } projections[] = {
	{ "s", NULL, "s={S:hello}" },
	{ "zz", NULL, "" },
	{ "s2, n, zz", NULL, "n={N:10}, s2={S:world}" },
	{ "m.a", NULL, "m={M:{a={N:1}}}" },
	{ "m.b.c, m.a", NULL, "m={M:{a={N:1}, b={M:{c={S:deep}}}}}" },
	{ "m.zz, n", NULL, "n={N:10}" },
	{ "m.zz.y, n", NULL, "n={N:10}" },
	{ "l[1]", NULL, "l={L:[{S:two}]}" },
	{ "l[3].x, l[0]", NULL, "l={L:[{N:1}, {M:{x={N:4}}}]}" },
	{ "l[2][0], l[9], l[1]", NULL, "l={L:[{S:two}, {L:[{N:3}]}]}" },
	{ "s.a, e[0], n2", NULL, "n2={N:2}" },
	{ "m[0], l.a", NULL, "" },
	{ "#x, e", "#x=ss", "e={S:}, ss={SS:[a, b, c]}" },
	{ "#x.#y", "#x=m, #y=b", "m={M:{b={M:{c={S:deep}}}}}" },
};

TEST(projections_keep_the_structure)
{
	struct bytes item = notation_item(ITEM);

	for (size_t i = 0; i < sizeof projections / sizeof projections[0]; i++) {
		struct notation_subst t;
		struct buf prog = { 0 }, err = { 0 }, out = { 0 }, text = { 0 };

		notation_subst(&t, projections[i].subst);
		CHECK(expr_compile_projection(bytes_str(projections[i].text), &t.s, &prog, &err));
		CHECK(expr_check(buf_view(&prog), EXPR_KIND_PROJECTION));
		CHECK_INT(expr_eval_projection(buf_view(&prog), item, &out), EXPR_TRUE);
		CHECK(item_check(buf_view(&out)));
		notation_print(buf_view(&out), &text);
		CHECK_STR(notation_text(&text), projections[i].wanted);
		notation_free(&t);
		buf_fini(&prog);
		buf_fini(&err);
		buf_fini(&out);
		buf_fini(&text);
	}
	free((void *)item.p);
}

TEST(projection_of_names)
{
	struct bytes names[] = { BYTES_LIT("s"), BYTES_LIT("n"), BYTES_LIT("zz") }, item = notation_item(ITEM);
	struct buf prog = { 0 }, out = { 0 }, text = { 0 };

	expr_projection_of(names, 3, &prog);
	CHECK(expr_check(buf_view(&prog), EXPR_KIND_PROJECTION));
	CHECK_INT(expr_eval_projection(buf_view(&prog), item, &out), EXPR_TRUE);
	notation_print(buf_view(&out), &text);
	CHECK_STR(notation_text(&text), "n={N:10}, s={S:hello}");
	buf_clear(&prog);
	expr_projection_of(names, 0, &prog);
	CHECK(expr_check(buf_view(&prog), EXPR_KIND_PROJECTION));
	buf_clear(&out);
	CHECK_INT(expr_eval_projection(buf_view(&prog), item, &out), EXPR_TRUE);
	CHECK(bytes_eq(buf_view(&out), ITEM_EMPTY));
	buf_fini(&prog);
	buf_fini(&out);
	buf_fini(&text);
	free((void *)item.p);
}

TEST(names_in_a_projection)
{
	struct notation_subst t;
	struct buf prog = { 0 }, err = { 0 };
	struct bytes names[4];

	notation_subst(&t, "#m=m");
	CHECK(expr_compile_projection(BYTES_LIT("s, #m.b.c, a[1].s, #m.a, a[0]"), &t.s, &prog, &err));
	CHECK_INT(expr_projection_names(buf_view(&prog), names, 4), 3);
	CHECK(bytes_is(names[0], "a") && bytes_is(names[1], "m") && bytes_is(names[2], "s"));
	CHECK_INT(expr_projection_names(buf_view(&prog), names, 2), 2);
	for (size_t n = 0; n < prog.n; n++)
		CHECK(expr_projection_names((struct bytes){ prog.p, n }, names, 4) < 3);
	notation_free(&t);
	buf_fini(&prog);
	buf_fini(&err);
}

/* Every truncation and every change of one bit is refused, or is another program that runs within bounds. */
TEST(damaged_programs_are_harmless)
{
	struct bytes item = notation_item(ITEM);
	struct notation_subst t;
	struct buf prog = { 0 }, err = { 0 };

	notation_subst(&t, ":v={N:1}, :w={S:a}, :t={S:S}, #m=m");
	CHECK(expr_compile_condition(BYTES_LIT("(s = :v OR size(l) IN (n, :v)) AND NOT (contains(ss, :w) AND "
					       "attribute_type(#m.b.c, :t)) OR n BETWEEN n2 AND :v OR begins_with(s, "
					       ":w) OR attribute_exists(l[1])"),
		&t.s, &prog, &err));
	for (size_t n = 0; n < prog.n; n++) {
		uint8_t *copy = mem_copy(prog.p, n);

		CHECK(!expr_check((struct bytes){ copy, n }, EXPR_KIND_CONDITION));
		expr_eval_condition((struct bytes){ copy, n }, item);
		free(copy);
	}
	for (size_t bit = 0; bit < prog.n * 8; bit++) {
		uint8_t *copy = mem_copy(prog.p, prog.n);
		bool ok;
		enum expr_result r;

		copy[bit / 8] ^= (uint8_t)(1 << bit % 8);
		ok = expr_check((struct bytes){ copy, prog.n }, EXPR_KIND_CONDITION);
		r = expr_eval_condition((struct bytes){ copy, prog.n }, item);
		CHECK(!ok || r != EXPR_MALFORMED);
		free(copy);
	}
	notation_free(&t);
	buf_fini(&prog);
	buf_fini(&err);
	free((void *)item.p);
}

/* Large containers looked into many times, more of them than there are tables: the same answers as by plain search. */
TEST(tables_find_what_a_search_finds)
{
	struct item_build b;
	struct expr_find f;
	size_t found = 0;

	item_build_init(&b);
	item_build_reset(&b);
	item_build_item(&b);
	for (unsigned i = 0; i < 40; i++) {
		uint8_t name[] = { 'a', (uint8_t)('0' + i) };

		item_build_name(&b, (struct bytes){ name, 2 });
		item_build_open(&b, i % 2 == 0 ? ITEM_M : ITEM_L);
		for (unsigned j = 0; j < 60; j++) {
			uint8_t key[] = { 'k', (uint8_t)('A' + j) };

			if (i % 2 == 0)
				item_build_name(&b, (struct bytes){ key, 2 });
			item_build_u64(&b, i * 100 + j);
		}
		CHECK(item_build_close(&b));
	}
	CHECK(item_build_close(&b) && item_build_ok(&b));
	expr_find_init(&f, item_build_view(&b));
	for (unsigned i = 0; i < 42; i++)
		for (unsigned j = 0; j < 63; j++) {
			uint8_t name[] = { 'a', (uint8_t)('0' + (i + j) % 42) }, key[] = { 'k', (uint8_t)('@' + j) };
			struct expr_path path = { .n = 2, .step = { { .name = { name, 2 } },
				{ .name = { key, 2 }, .index = j, .is_index = (i + j) % 42 % 2 == 1 } } };
			struct value x, y;
			bool have = expr_find_path(&f, &path, &x);

			CHECK(have == item_edit_find(item_build_view(&b), path.step, 2, &y));
			CHECK(x.tag == y.tag && (!have || bytes_eq(x.raw, y.raw)));
			found += have;
		}
	CHECK_INT(found, 40 * 60);
	expr_find_fini(&f);
	item_build_fini(&b);
}

CHECK_MAIN(X(tables_find_what_a_search_finds) X(conditions_hold_or_not) X(no_item_has_no_attributes)
		X(projections_keep_the_structure) X(projection_of_names) X(names_in_a_projection)
		X(damaged_programs_are_harmless))
