/*
 * Programs as a node receives them.  What expr_check takes must run and print; what it refuses must do no harm.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

#include "common/expr.h"
#include "common/expr_eval.h"
#include "t/unit/expr_notation.h"

#define SECONDS_MAX 2.0

static const char item_text[] = "a={N:1}, b={N:2}, c={S:x}, d={SS:[a, b]}, l={L:[{N:1}, {M:{a={N:1}}}]}, "
	"m={M:{a={M:{b={N:1}}}, b={L:[{N:1}]}}}, pk={S:k}";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct bytes prog = { data, n }, item = notation_item(item_text);
	struct buf out = { 0 }, text = { 0 };
	const char *message = NULL;
	enum expr_result r;
	clock_t start = clock();
	bool update = expr_check(prog, EXPR_KIND_UPDATE);

	r = expr_eval_condition(prog, item);
	assert(r != EXPR_MALFORMED || !expr_check(prog, EXPR_KIND_CONDITION));
	r = expr_eval_projection(prog, item, &out);
	assert(r != EXPR_MALFORMED || !expr_check(prog, EXPR_KIND_PROJECTION));
	if (r == EXPR_TRUE && expr_check(prog, EXPR_KIND_PROJECTION))
		assert(item_check(buf_view(&out)));
	buf_clear(&out);
	r = expr_apply_update(prog, item, ITEM_EMPTY, &out, &message);
	assert(r != EXPR_INVALID || message != NULL);
	if (r == EXPR_TRUE && update)
		assert(item_check(buf_view(&out)));
	buf_clear(&out);
	expr_updated(prog, item, &out);
	expr_print(prog, &text);
	assert((double)(clock() - start) / CLOCKS_PER_SEC < SECONDS_MAX);
	buf_fini(&out);
	buf_fini(&text);
	free((void *)item.p);
	return 0;
}
