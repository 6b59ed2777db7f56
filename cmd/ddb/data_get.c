/* data_get: ddb get and ddb del, which both name one item. */
#include "cmd.h"
#include "data.h"
#include "data_words.h"
#include "exit.h"
#include "log.h"

static void put_flag(struct data *d, const char *member, bool on)
{
	json_write_name(&d->w, member);
	json_write_bool(&d->w, on);
}

/* A request about the item that the operands name: a table and a key.  0, or an exit code. */
static int begin(struct data *d, struct data_words *words, char **operand, size_t n)
{
	int code = data_open(d, operand[0]);

	if (code == 0)
		code = data_words_begin(words, d->typed);
	if (code == 0)
		code = data_describe(d);
	data_begin(d);
	return code == 0 ? data_put_key(d, operand + 1, n - 1) : code;
}

int data_get_run(int argc, char **argv)
{
	struct data d = DATA_INIT;
	struct data_words words = { 0 };
	const char *select = NULL;
	bool eventual = false, consistent = false, found = false;
	const struct opt opts[] = {
		OPT_STR('s', "select", "PATHS", "print these attributes only: a,b.c,d[0]", &select),
		OPT_FLAG(0, "eventual", "half the price; may miss the latest writes", &eventual),
		OPT_FLAG(0, "consistent", "see every write that was acknowledged (the default)", &consistent),
		OPT_LIST(0, "name", "#NAME=ATTR", "an attribute that --select has as #NAME", &words.names),
		DATA_TYPED(d),
		DATA_OPTS(d),
		OPT_END
	};
	const struct opt_usage usage = { "ddb get", "TABLE KEY [SORT]", "print one item", opts, 2, 3, false };
	int i = opt_parse(&usage, argc, argv);
	int code = begin(&d, &words, argv + i, (size_t)(argc - i));

	if (code == 0)
		code = data_words_put(&words, &d.w, "ProjectionExpression", DATA_EXPR_PATHS, select);
	if (code == 0) {
		data_words_end(&words, &d.w);
		put_flag(&d, "ConsistentRead", consistent || !eventual);
		code = data_call(&d, "GetItem");
	}
	if (code == 0)
		code = data_show_member(&d, "Item", &found);
	data_words_fini(&words);
	return data_close(&d, code == 0 && !found ? DDB_EXIT_NEGATIVE : code);
}

int data_del_run(int argc, char **argv)
{
	struct data d = DATA_INIT;
	struct data_words words = { 0 };
	const char *condition = NULL;
	bool want = false, found = true;
	const struct opt opts[] = {
		OPT_STR(0, "if", "CONDITION", "only if this is true of the item; exit 1 if not", &condition),
		OPT_FLAG(0, "return", "print the item that was there; exit 1 if there was none", &want),
		DATA_WORDS_OPTS(words),
		DATA_TYPED(d),
		DATA_OPTS(d),
		OPT_END
	};
	const struct opt_usage usage = { "ddb del", "TABLE KEY [SORT]", "delete one item", opts, 2, 3, false };
	int i = opt_parse(&usage, argc, argv);
	int code = begin(&d, &words, argv + i, (size_t)(argc - i));

	if (code == 0)
		code = data_words_put(&words, &d.w, "ConditionExpression", DATA_EXPR_CONDITION, condition);
	if (code == 0) {
		data_words_end(&words, &d.w);
		json_write_name(&d.w, "ReturnValues");
		json_write_str(&d.w, want ? "ALL_OLD" : "NONE");
		code = data_call(&d, "DeleteItem");
	}
	if (code == 0 && want)
		code = data_show_member(&d, "Attributes", &found);
	data_words_fini(&words);
	return data_close(&d, code == 0 && !found ? DDB_EXIT_NEGATIVE : code);
}
