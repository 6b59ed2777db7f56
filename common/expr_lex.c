#include "expr_lex.h"

#include <string.h>
#include <strings.h>

static bool is_space(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\f';
}

static bool is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

static bool is_letter(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_part(uint8_t c)
{
	return is_letter(c) || is_digit(c) || c == '_';
}

static size_t skip_space(struct bytes t, size_t at)
{
	while (at < t.n && is_space(t.p[at]))
		at++;
	return at;
}

/* How many bytes a character that no rule takes has: a message must not quote half of one. */
static size_t char_bytes(struct bytes t, size_t at)
{
	size_t n = 1;

	if (t.p[at] >= 0xc0)
		while (at + n < t.n && n < 4 && (t.p[at + n] & 0xc0) == 0x80)
			n++;
	return n;
}

static enum expr_token symbol(struct bytes t, size_t at, size_t *n)
{
	uint8_t c = t.p[at], d = at + 1 < t.n ? t.p[at + 1] : 0;
	static const char one[] = "=()[],.+-";
	static const enum expr_token kind[] = { EXPR_T_EQ, EXPR_T_LPAREN, EXPR_T_RPAREN, EXPR_T_LBRACKET,
		EXPR_T_RBRACKET, EXPR_T_COMMA, EXPR_T_DOT, EXPR_T_PLUS, EXPR_T_MINUS };
	const char *p = c != 0 ? strchr(one, c) : NULL;

	*n = 1;
	if (p != NULL)
		return kind[p - one];
	if (c != '<' && c != '>') {
		*n = char_bytes(t, at);
		return EXPR_T_OTHER;
	}
	if (d == '=' || (c == '<' && d == '>'))
		*n = 2;
	if (c == '<')
		return d == '=' ? EXPR_T_LE : d == '>' ? EXPR_T_NE : EXPR_T_LT;
	return d == '=' ? EXPR_T_GE : EXPR_T_GT;
}

static enum expr_token scan(struct bytes t, size_t at, size_t *n)
{
	uint8_t c;
	size_t i = at + 1;

	*n = 0;
	if (at >= t.n)
		return EXPR_T_EOF;
	c = t.p[at];
	if (is_letter(c) || ((c == '#' || c == ':') && i < t.n && is_part(t.p[i]))) {
		while (i < t.n && is_part(t.p[i]))
			i++;
		*n = i - at;
		return c == '#' ? EXPR_T_NAME : c == ':' ? EXPR_T_VALUE : EXPR_T_WORD;
	}
	if (is_digit(c)) {
		while (i < t.n && is_digit(t.p[i]))
			i++;
		*n = i - at;
		return EXPR_T_NUMBER;
	}
	return symbol(t, at, n);
}

static void stand(struct expr_lex *l, size_t at)
{
	size_t n;

	l->at = skip_space(l->text, at);
	l->token = scan(l->text, l->at, &n);
	l->word = (struct bytes){ l->text.p + l->at, n };
	l->next = l->at + n;
}

void expr_lex_init(struct expr_lex *l, struct bytes text)
{
	*l = (struct expr_lex){ .text = text };
	stand(l, 0);
	l->prev = l->at;
}

void expr_lex_next(struct expr_lex *l)
{
	l->prev = l->at;
	stand(l, l->next);
}

bool expr_lex_is(const struct expr_lex *l, const char *keyword)
{
	size_t n = strlen(keyword);

	return l->token == EXPR_T_WORD && l->word.n == n && strncasecmp((const char *)l->word.p, keyword, n) == 0;
}

void expr_lex_error(const struct expr_lex *l, struct buf *err)
{
	size_t end = l->text.n, n;

	if (l->token == EXPR_T_EOF) {
		while (end > l->prev && is_space(l->text.p[end - 1]))
			end--;
		buf_str(err, "Syntax error; token: \"<EOF>\"");
	} else {
		size_t after = skip_space(l->text, l->next);

		scan(l->text, after, &n);
		end = n > 0 ? after + n : l->next;
		buf_str(err, "Syntax error; token: \"");
		buf_bytes(err, l->word);
		buf_str(err, "\"");
	}
	buf_str(err, ", near: \"");
	buf_bytes(err, (struct bytes){ l->text.p + l->prev, end - l->prev });
	buf_str(err, "\"");
}
