/* data_update: ddb update. */
#include "cmd.h"
#include "data.h"
#include "data_words.h"
#include "exit.h"
#include "log.h"

/* The actions of --set, with commas between. */
static bool put_sets(struct data_words *words, const struct opt_list *sets, bool typed, struct buf *out)
{
	for (size_t i = 0; i < sets->n; i++) {
		buf_str(out, i > 0 ? ", " : "");
		if (!data_expr_assign(&words->x, bytes_str(sets->v[i]), typed, out))
			return false;
	}
	return true;
}

/* One expression of what is in both; SET may stand in it only once. */
static int put_expression(struct data_words *words, struct data *d, const char *text, const struct opt_list *sets)
{
	struct buf own = { 0 }, more = { 0 }, all = { 0 };
	bool ok = text == NULL || data_expr_add(&words->x, DATA_EXPR_UPDATE, bytes_str(text), &own);
	size_t at = text != NULL ? words->x.set_at : 0;

	ok = ok && put_sets(words, sets, d->typed, &more);
	if (!ok) {
		log_err("%s", words->x.message);
	} else if (sets->n == 0) {
		buf_bytes(&all, buf_view(&own));
	} else if (at > 0) {
		buf_put(&all, own.p, at);
		buf_str(&all, " ");
		buf_bytes(&all, buf_view(&more));
		buf_str(&all, ",");
		buf_put(&all, own.p + at, own.n - at);
	} else {
		buf_str(&all, "SET ");
		buf_bytes(&all, buf_view(&more));
		buf_str(&all, " ");
		buf_bytes(&all, buf_view(&own));
	}
	if (ok) {
		json_write_name(&d->w, "UpdateExpression");
		json_write_string(&d->w, buf_view(&all));
	}
	buf_fini(&own);
	buf_fini(&more);
	buf_fini(&all);
	return ok ? 0 : DDB_EXIT_USAGE;
}

int data_update_run(int argc, char **argv)
{
	struct data d = DATA_INIT;
	struct data_words words = { 0 };
	struct opt_list sets = { .n = 0 };
	const char *condition = NULL, *text = NULL;
	bool want = false, found;
	const struct opt opts[] = {
		OPT_LIST(0, "set", "ATTR=VALUE", "set an attribute; VALUE is JSON, or else a string", &sets),
		OPT_STR(0, "if", "CONDITION", "only if this is true of the item; exit 1 if not", &condition),
		OPT_FLAG(0, "return", "print the item as it is then", &want),
		DATA_WORDS_OPTS(words),
		DATA_TYPED(d),
		DATA_OPTS(d),
		OPT_END
	};
	const struct opt_usage usage = { "ddb update", "TABLE KEY [SORT] [EXPRESSION]", "change one item, or make it",
		opts, 2, 4, false };
	int i = opt_parse(&usage, argc, argv), operands;
	int code = data_open(&d, argv[i]);

	if (code == 0)
		code = data_words_begin(&words, d.typed);
	if (code == 0)
		code = data_describe(&d);
	data_begin(&d);
	operands = argc - i - 1;
	if (code == 0 && operands == d.schema.key.n + 1)
		text = argv[i + 1 + --operands];
	if (code == 0 && text == NULL && sets.n == 0) {
		log_err("neither --set nor an expression says what to change");
		code = DDB_EXIT_USAGE;
	}
	if (code == 0)
		code = data_put_key(&d, argv + i + 1, (size_t)operands);
	if (code == 0)
		code = put_expression(&words, &d, text, &sets);
	if (code == 0)
		code = data_words_put(&words, &d.w, "ConditionExpression", DATA_EXPR_CONDITION, condition);
	if (code == 0) {
		data_words_end(&words, &d.w);
		json_write_name(&d.w, "ReturnValues");
		json_write_str(&d.w, want ? "ALL_NEW" : "NONE");
		code = data_call(&d, "UpdateItem");
	}
	if (code == 0 && want)
		code = data_show_member(&d, "Attributes", &found);
	data_words_fini(&words);
	return data_close(&d, code);
}
