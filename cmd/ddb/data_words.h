/*
 * data_words: the expressions of one request, from options to members of its body.
 *
 *	struct data_words words = { 0 };
 *	... DATA_WORDS_OPTS(words) ...
 *	code = data_words_begin(&words, d.typed);
 *	code = data_words_put(&words, &d.w, "FilterExpression", DATA_EXPR_CONDITION, filter);
 *	data_words_end(&words, &d.w);                    -- names and values, after all expressions
 *	data_words_fini(&words);
 *
 * Functions that return int return 0, or an exit code after saying why.
 */
#ifndef DDB_DATA_WORDS_H
#define DDB_DATA_WORDS_H

#include "data_expr.h"
#include "opt.h"

struct data_words {
	struct opt_list values, names;
	struct data_expr x;
};

#define DATA_WORDS_OPTS(w)                                                                                             \
	OPT_LIST(0, "value", ":NAME=VALUE", "a value that expressions use as :NAME", &(w).values),                     \
	OPT_LIST(0, "name", "#NAME=ATTR", "an attribute that expressions use as #NAME", &(w).names)

int data_words_begin(struct data_words *words, bool typed);
/* Nothing if text is NULL. */
int data_words_put(struct data_words *words, struct json_write *w, const char *member, enum data_expr_kind kind,
                   const char *text);
void data_words_end(struct data_words *words, struct json_write *w);
void data_words_fini(struct data_words *words);

#endif
