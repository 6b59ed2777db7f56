/*
 * data_expr: expressions as people write them, made into what the API takes.
 *
 *	status = 'open' and size > 3       ->  #_0 = :_0 and #_1 > :_1
 *	SET tags = ["a"], `odd name` = 1   ->  SET tags = :_0, #_0 = :_1
 *
 * Reserved words, and names that the API's grammar has no room for (in backquotes; with _ $ @ or beyond ASCII without),
 * become #_N.  'text', "text" (the quote is doubled to stand for itself), numbers, true, false, null, [JSON] and {JSON}
 * become :_N.  Everything else goes through as it is, :name and #name of the user's too, and the server judges it.
 * == and != are = and <>.
 * Does not: parse.  What is a keyword, a name or a sign is told by whether an operand is due.
 */
#ifndef DDB_DATA_EXPR_H
#define DDB_DATA_EXPR_H

#include "item_build.h"
#include "json.h"

#define DATA_EXPR_MESSAGE_MAX 320
#define DATA_EXPR_BYTES_MAX ((size_t)1 << 20)            /* of any expression; the API's bound is 4 KB */

enum data_expr_kind {
	DATA_EXPR_CONDITION,
	DATA_EXPR_UPDATE,
	DATA_EXPR_PATHS,                                 /* a projection; - is part of a name here */
};

/* The names and values of all expressions of one request. */
struct data_expr {
	struct buf names, values;                        /* members of the two objects */
	struct json_write names_w, values_w;
	size_t names_n, values_n;
	size_t set_at;                                   /* where the operands of the last UPDATE's SET begin, or 0 */
	struct item_build build;
	char message[DATA_EXPR_MESSAGE_MAX];             /* after false */
};

void data_expr_init(struct data_expr *x);
void data_expr_fini(struct data_expr *x);

/* Append text, made over, to out.  False with a message. */
bool data_expr_add(struct data_expr *x, enum data_expr_kind kind, struct bytes text, struct buf *out);

/* Append an alias of a name, or of a value. */
void data_expr_name(struct data_expr *x, struct bytes name, struct buf *out);
void data_expr_value(struct data_expr *x, struct value v, struct buf *out);

/* ":name=VALUE" and "#name=ATTRIBUTE", from the user.  False with a message. */
bool data_expr_user_value(struct data_expr *x, struct bytes text, bool typed);
bool data_expr_user_name(struct data_expr *x, struct bytes text);
/*
 * "path=VALUE": appended as an action of SET, "path = :_N".
 * VALUE is JSON, plain or typed; plain text that does not look like JSON is a string.
 */
bool data_expr_assign(struct data_expr *x, struct bytes text, bool typed, struct buf *out);

/* ExpressionAttributeNames and ExpressionAttributeValues, those that are not empty. */
void data_expr_write(const struct data_expr *x, struct json_write *w);

#endif
