/*
 * expr_notation: values and items for the expression tests, in the notation that expr_print prints.
 *   value  {S:abc} {N:1.5} {B:00ff} {BOOL:true} {NULL:true} {SS:[a, b]} {NS:[1]} {BS:[00]} {L:[{N:1}]} {M:{a={N:1}}}
 *   item   a={S:x}, b={N:1}           aliases  #n=name, :v={N:1}
 * A plain string ends at any of , ] } = and may not have them.  What is wrong aborts the test.
 */
#ifndef T_UNIT_EXPR_NOTATION_H
#define T_UNIT_EXPR_NOTATION_H

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "common/expr.h"
#include "common/expr_text.h"
#include "common/item_build.h"

#define NOTATION __attribute__((unused)) static

NOTATION struct bytes notation_word(const char **s)
{
	size_t n = strcspn(*s, ",]}=");
	struct bytes w = { (const uint8_t *)*s, n };

	*s += n;
	return w;
}

NOTATION bool notation_take(const char **s, const char *what)
{
	size_t n = strlen(what);

	if (strncmp(*s, what, n) != 0)
		return false;
	*s += n;
	return true;
}

NOTATION struct bytes notation_scalar(const char **s, uint8_t tag, uint8_t store[64])
{
	struct bytes w = notation_word(s);
	struct num n;

	if (tag == ITEM_N) {
		assert(num_parse(&n, w) == NUM_OK);
		return (struct bytes){ store, num_encode(store, &n) };
	}
	if (tag != ITEM_B)
		return w;
	assert(bytes_hex(w, store, w.n / 2));
	return (struct bytes){ store, w.n / 2 };
}

NOTATION void notation_value(const char **s, struct item_build *b);

NOTATION void notation_pairs(const char **s, struct item_build *b)
{
	while (**s != '\0' && **s != '}') {
		item_build_name(b, notation_word(s));
		assert(notation_take(s, "="));
		notation_value(s, b);
		notation_take(s, ", ");
	}
}

NOTATION void notation_value(const char **s, struct item_build *b)
{
	static const struct { const char *name; uint8_t tag; } types[] = { { "{SS:", ITEM_SS }, { "{NS:", ITEM_NS },
		{ "{BS:", ITEM_BS }, { "{S:", ITEM_S }, { "{N:", ITEM_N }, { "{BOOL:", ITEM_FALSE }, { "{B:", ITEM_B },
		{ "{NULL:", ITEM_NULL }, { "{L:", ITEM_L }, { "{M:", ITEM_M } };
	uint8_t tag = ITEM_NONE, store[64];
	struct num n;

	for (size_t i = 0; i < sizeof types / sizeof types[0] && tag == ITEM_NONE; i++)
		if (notation_take(s, types[i].name))
			tag = types[i].tag;
	assert(tag != ITEM_NONE);
	if (tag == ITEM_S) {
		item_build_s(b, notation_word(s));
	} else if (tag == ITEM_B) {
		item_build_b(b, notation_scalar(s, tag, store));
	} else if (tag == ITEM_N) {
		assert(num_parse(&n, notation_word(s)) == NUM_OK);
		item_build_n(b, &n);
	} else if (tag == ITEM_NULL) {
		notation_word(s);
		item_build_null(b);
	} else if (tag == ITEM_FALSE) {
		item_build_bool(b, bytes_is(notation_word(s), "true"));
	} else {
		item_build_open(b, tag);
		assert(notation_take(s, tag == ITEM_M ? "{" : "["));
		if (tag == ITEM_M)
			notation_pairs(s, b);
		while (tag != ITEM_M && **s != ']') {
			if (tag == ITEM_L)
				notation_value(s, b);
			else
				item_build_element(b, notation_scalar(s, (uint8_t)(tag - ITEM_SS + ITEM_S), store));
			notation_take(s, ", ");
		}
		assert(notation_take(s, tag == ITEM_M ? "}" : "]"));
		assert(item_build_close(b));
	}
	assert(notation_take(s, "}"));
}

/* The binary item; free with free((void *)r.p).  NULL gives BYTES_NONE. */
NOTATION struct bytes notation_item(const char *s)
{
	struct item_build b;
	struct bytes r;

	if (s == NULL)
		return BYTES_NONE;
	item_build_init(&b);
	item_build_reset(&b);
	item_build_item(&b);
	notation_pairs(&s, &b);
	assert(*s == '\0' && item_build_close(&b) && item_build_ok(&b));
	r = bytes_copy(item_build_view(&b));
	item_build_fini(&b);
	return r;
}

NOTATION void notation_print(struct bytes item, struct buf *out)
{
	struct item_iter it = item_iter(item);
	struct bytes name;
	struct value v;
	const char *sep = "";

	while (item_next_pair(&it, &name, &v)) {
		buf_str(out, sep);
		buf_bytes(out, name);
		buf_str(out, "=");
		expr_text_value(v, out);
		sep = ", ";
	}
}

/* Substitutions, sealed; values are copied and leak into *keep, which the caller finishes with notation_free. */
struct notation_subst {
	struct expr_subst s;
	struct bytes value[64];
	size_t n;
};

NOTATION void notation_subst(struct notation_subst *t, const char *s)
{
	struct buf err = { 0 };
	struct item_build b;

	memset(t, 0, sizeof *t);
	item_build_init(&b);
	while (s != NULL && *s != '\0') {
		struct bytes alias = notation_word(&s);

		assert(notation_take(&s, "=") && t->n < 64);
		if (alias.p[0] == '#') {
			expr_subst_name(&t->s, alias, notation_word(&s));
		} else {
			item_build_reset(&b);
			notation_value(&s, &b);
			assert(item_build_ok(&b));
			t->value[t->n] = bytes_copy(item_build_view(&b));
			expr_subst_value(&t->s, alias, t->value[t->n++]);
		}
		notation_take(&s, ", ");
	}
	assert(expr_subst_seal(&t->s, &err));
	item_build_fini(&b);
	buf_fini(&err);
}

NOTATION void notation_free(struct notation_subst *t)
{
	for (size_t i = 0; i < t->n; i++)
		free((void *)t->value[i].p);
	expr_subst_fini(&t->s);
}

NOTATION const char *notation_text(struct buf *b)
{
	buf_u8(b, 0);
	return (const char *)b->p;
}

#endif
