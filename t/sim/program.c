#include "program.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "expr.h"
#include "item_build.h"

#define PLACE "????????"                 /* where a program names an operation */

enum kind { ID, LIST_OF_ID, EMPTY_LIST, NUMBER, LETTER, TXID };

static const struct { const char *alias; enum kind kind; const char *text; } values[] = {
	{ ":v", ID, NULL }, { ":one", NUMBER, "1" }, { ":none", EMPTY_LIST, NULL }, { ":list", LIST_OF_ID, NULL },
	{ ":zero", NUMBER, "0" }, { ":m3", NUMBER, "-3" }, { ":m2", NUMBER, "-2" }, { ":m1", NUMBER, "-1" }, { ":p1", NUMBER, "1" },
	{ ":p2", NUMBER, "2" }, { ":p3", NUMBER, "3" }, { ":id", TXID, NULL }, { ":P", LETTER, "P" }, { ":C", LETTER, "C" },
	{ ":X", LETTER, "X" },
};

#define VALUES (sizeof values / sizeof *values)

static struct bytes value(struct item_build *b, size_t i)
{
	struct num n;

	item_build_reset(b);
	switch (values[i].kind) {
	case ID:
		item_build_s(b, BYTES_LIT(PLACE));
		break;
	case NUMBER:
		num_parse(&n, bytes_str(values[i].text));
		item_build_n(b, &n);
		break;
	case LETTER:
		item_build_s(b, bytes_str(values[i].text));
		break;
	case TXID:
		item_build_b(b, BYTES_LIT(PROGRAM_TXID PLACE));
		break;
	default:
		item_build_open(b, ITEM_L);
		if (values[i].kind == LIST_OF_ID)
			item_build_s(b, BYTES_LIT(PLACE));
		item_build_close(b);
	}
	assert(item_build_ok(b));
	return bytes_copy(item_build_view(b));
}

static void find_places(struct program *p)
{
	for (size_t i = 0; i + PROGRAM_ID_BYTES <= p->b.n; i++)
		if (memcmp(p->b.p + i, PLACE, PROGRAM_ID_BYTES) == 0) {
			assert(p->n < PROGRAM_PLACES_MAX);
			p->at[p->n++] = i;
		}
}

/* Is alias in text as a whole? */
static bool uses(const char *text, const char *alias)
{
	size_t n = strlen(alias);

	for (const char *at = strstr(text, alias); at != NULL; at = strstr(at + 1, alias))
		if (strchr(" ,)", at[n]) != NULL)        /* or its end */
			return true;
	return false;
}

void program_compile(struct program *p, const char *text, bool update)
{
	struct expr_subst subst = { 0 };
	struct item_build b;
	struct buf err = { 0 };
	struct bytes v[VALUES];
	bool ok;

	item_build_init(&b);
	for (size_t i = 0; i < VALUES; i++) {
		v[i] = value(&b, i);
		if (uses(text, values[i].alias))
			expr_subst_value(&subst, bytes_str(values[i].alias), v[i]);
	}
	if (uses(text, "#state"))
		expr_subst_name(&subst, BYTES_LIT("#state"), BYTES_LIT("state"));
	ok = expr_subst_seal(&subst, &err);
	ok = ok && (update ? expr_compile_update(bytes_str(text), &subst, NULL, &p->b, &err) :
			     expr_compile_condition(bytes_str(text), &subst, &p->b, &err));
	if (!ok) {
		fprintf(stderr, "%s: %.*s\n", text, (int)err.n, (const char *)err.p);
		abort();
	}
	find_places(p);
	for (size_t i = 0; i < VALUES; i++)
		free((void *)v[i].p);
	expr_subst_fini(&subst);
	item_build_fini(&b);
	buf_fini(&err);
}

void program_fini(struct program *p)
{
	buf_fini(&p->b);
}

void program_spell(uint32_t id, uint8_t out[PROGRAM_ID_BYTES])
{
	for (int i = PROGRAM_ID_BYTES - 1; i >= 0; i--, id /= 10)
		out[i] = (uint8_t)('0' + id % 10);
}

struct bytes program_fill(const struct program *p, uint32_t id, struct buf *out)
{
	size_t at = out->n;

	buf_bytes(out, buf_view(&p->b));
	for (size_t i = 0; i < p->n; i++)
		program_spell(id, out->p + at + p->at[i]);
	return (struct bytes){ out->p + at, p->b.n };
}
