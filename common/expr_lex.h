/*
 * expr_lex: an expression's text as tokens.
 *
 *   word     a letter, then letters, digits and underscores: an attribute name, a function or a keyword
 *   alias    # or :, then at least one letter, digit or underscore
 *   number   digits: a list index
 *   others   = <> < <= > >= ( ) [ ] , . + -
 *
 * Anything else is a token of one character that no rule takes, as in the real service, whose messages quote it.
 * Does not: know keywords.
 */
#ifndef COMMON_EXPR_LEX_H
#define COMMON_EXPR_LEX_H

#include "bytes.h"

enum expr_token {
	EXPR_T_EOF, EXPR_T_WORD, EXPR_T_NAME, EXPR_T_VALUE, EXPR_T_NUMBER, EXPR_T_EQ, EXPR_T_NE, EXPR_T_LT, EXPR_T_LE,
	EXPR_T_GT, EXPR_T_GE, EXPR_T_LPAREN, EXPR_T_RPAREN, EXPR_T_LBRACKET, EXPR_T_RBRACKET, EXPR_T_COMMA, EXPR_T_DOT,
	EXPR_T_PLUS, EXPR_T_MINUS, EXPR_T_OTHER,
};

struct expr_lex {
	struct bytes text;
	size_t prev, at, next;                  /* where the last token, this one and what follows it start */
	enum expr_token token;
	struct bytes word;                      /* this token's text; empty at the end */
};

void expr_lex_init(struct expr_lex *l, struct bytes text); /* stands on the first token */
void expr_lex_next(struct expr_lex *l);
bool expr_lex_is(const struct expr_lex *l, const char *keyword); /* a word equal to keyword, in any case */
/* 'Syntax error; token: "b", near: "a b"' for the token it stands on: near spans its neighbours too. */
void expr_lex_error(const struct expr_lex *l, struct buf *err);

#endif
