/*
 * Texts: the first byte chooses the language, the rest is the expression.  Whatever compiles must pass expr_check,
 * print, and run on some items; whatever does not must have a message of bounded size; and nothing may take long.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

#include "common/expr.h"
#include "common/expr_eval.h"
#include "t/unit/expr_notation.h"

#define SECONDS_MAX 2.0                         /* of one input, with sanitizers on a busy machine */
#define PROGRAM_MAX ((size_t)128 << 10)         /* 4 KB of text and the small values below */

static const char subst[] = "#a=a, #b=b, #c=long name, #pk=pk, :n={N:1}, :m={N:-2.5}, :s={S:x}, :t={S:BOOL}, "
			    ":b={B:00ff}, :ss={SS:[a, b]}, :ns={NS:[1, 2]}, :l={L:[{N:1}, {S:x}]}, :o={M:{a={N:1}}}, "
			    ":y={BOOL:true}, :z={NULL:true}";
static const char *const items[] = { "pk={S:k}",
	"a={N:1}, b={N:2}, c={S:x}, d={SS:[a, b]}, l={L:[{N:1}, {M:{a={N:1}}}]}, "
	"m={M:{a={M:{b={N:1}}}, b={L:[{N:1}]}}}, pk={S:k}" };
static const struct key_schema schema = { .part = { { { (const uint8_t *)"pk", 2 }, ITEM_S },
	{ { (const uint8_t *)"sk", 2 }, ITEM_N } }, .n = 2, .hash_n = 1 };

static bool compile(uint8_t kind, struct bytes text, struct expr_subst *s, struct buf *prog, struct buf *err)
{
	struct expr_key_condition key;

	switch (kind % 5) {
	case 0: return expr_compile_condition(text, s, prog, err);
	case 1: return expr_compile_filter(text, s, &schema, prog, err);
	case 2: return expr_compile_projection(text, s, prog, err);
	case 3: return expr_compile_update(text, s, &schema, prog, err);
	default: return expr_compile_key_condition(text, s, &schema, &key, err);
	}
}

static void run(struct bytes prog, struct bytes item)
{
	struct buf out = { 0 };
	const char *message;
	enum expr_result r = EXPR_FALSE;

	if (expr_check(prog, EXPR_KIND_CONDITION))
		r = expr_eval_condition(prog, item);
	else if (expr_check(prog, EXPR_KIND_PROJECTION))
		r = expr_eval_projection(prog, item, &out);
	else if (expr_check(prog, EXPR_KIND_UPDATE))
		r = expr_apply_update(prog, item, ITEM_EMPTY, &out, &message);
	else
		abort();
	assert(r != EXPR_MALFORMED);
	if (r == EXPR_TRUE && out.n > 0)
		assert(item_check(buf_view(&out)));
	buf_fini(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct notation_subst t;
	struct buf prog = { 0 }, err = { 0 }, text = { 0 };
	clock_t start = clock();

	if (n == 0)
		return 0;
	notation_subst(&t, subst);
	if (compile(data[0], (struct bytes){ data + 1, n - 1 }, &t.s, &prog, &err)) {
		assert(err.n == 0 && prog.n <= PROGRAM_MAX);
		if (data[0] % 5 != 4) {
			run(buf_view(&prog), BYTES_NONE);
			for (size_t i = 0; i < sizeof items / sizeof items[0]; i++) {
				struct bytes item = notation_item(items[i]);

				run(buf_view(&prog), item);
				free((void *)item.p);
			}
			expr_print(buf_view(&prog), &text);
			assert(text.n > 0 || data[0] % 5 == 2);
		}
	} else {
		assert(err.n > 0 && err.n <= EXPR_MESSAGE_BYTES_MAX);
	}
	assert((double)(clock() - start) / CLOCKS_PER_SEC < SECONDS_MAX);
	notation_free(&t);
	buf_fini(&prog);
	buf_fini(&err);
	buf_fini(&text);
	return 0;
}
