#include "data_expr.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "djson.h"
#include "pjson.h"
#include "reserved.h"

#define JSON_LITERAL_DEPTH_MAX 64
#define SNIPPET_MAX 40

void data_expr_init(struct data_expr *x)
{
	*x = (struct data_expr){ 0 };
	x->names_w.b = &x->names;
	x->values_w.b = &x->values;
	item_build_init(&x->build);
}

void data_expr_fini(struct data_expr *x)
{
	buf_fini(&x->names);
	buf_fini(&x->values);
	item_build_fini(&x->build);
}

static bool refuse(struct data_expr *x, const char *what, struct bytes where)
{
	int n = where.n < SNIPPET_MAX ? (int)where.n : SNIPPET_MAX;

	snprintf(x->message, sizeof x->message, "%s: %.*s%s", what, n, (const char *)where.p,
	         where.n > SNIPPET_MAX ? "..." : "");
	return false;
}

/* --- aliases */

void data_expr_name(struct data_expr *x, struct bytes name, struct buf *out)
{
	char alias[32];

	snprintf(alias, sizeof alias, "#_%zu", x->names_n++);
	json_write_name(&x->names_w, alias);
	json_write_string(&x->names_w, name);
	buf_str(out, alias);
}

void data_expr_value(struct data_expr *x, struct value v, struct buf *out)
{
	char alias[32];

	snprintf(alias, sizeof alias, ":_%zu", x->values_n++);
	json_write_name(&x->values_w, alias);
	djson_write_value(&x->values_w, v);
	buf_str(out, alias);
}

/* What is in the builder. */
static void put_built(struct data_expr *x, struct buf *out)
{
	data_expr_value(x, item_value(item_build_view(&x->build)), out);
}

static bool is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

static bool is_letter(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_space(uint8_t c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/* The API's grammar: a letter, then letters, digits and underscores. */
static bool is_plain(struct bytes name)
{
	for (size_t i = 0; i < name.n; i++)
		if (!is_letter(name.p[i]) && (i == 0 || (!is_digit(name.p[i]) && name.p[i] != '_')))
			return false;
	return name.n > 0;
}

static void put_name(struct data_expr *x, struct bytes name, struct buf *out)
{
	if (is_plain(name) && !reserved_is(name))
		buf_bytes(out, name);
	else
		data_expr_name(x, name, out);
}

/* --- the text */

struct text {
	struct data_expr *x;
	struct buf *out;
	const uint8_t *p, *end;
	enum data_expr_kind kind;
	bool due;                                        /* an operand is due */
	bool member;                                     /* after a dot */
	bool index;                                      /* inside [ ] of a path */
	bool pairs;                                      /* in ADD or DELETE: a value stands beside its path */
};

static uint8_t peek(const struct text *t, size_t i)
{
	return (size_t)(t->end - t->p) > i ? t->p[i] : 0;
}

static struct bytes rest(const struct text *t)
{
	return (struct bytes){ t->p, (size_t)(t->end - t->p) };
}

/* A string in quotes that are doubled inside, into scratch; false if it does not end. */
static bool unquote(struct text *t, struct buf *scratch)
{
	const uint8_t *p = t->p;
	uint8_t quote = *p++;

	for (; p < t->end; p++) {
		if (*p == quote && (p + 1 == t->end || p[1] != quote)) {
			t->p = p + 1;
			return true;
		}
		p += *p == quote;
		buf_u8(scratch, *p);
	}
	return false;
}

static bool take_quoted(struct text *t)
{
	struct buf scratch = { 0 };
	struct bytes from = rest(t);
	bool name = *t->p == '`', ok = unquote(t, &scratch);

	if (!ok) {
		refuse(t->x, "a quote that does not end", from);
	} else if (!bytes_utf8(buf_view(&scratch))) {
		ok = refuse(t->x, "not UTF-8", from);
	} else if (name) {
		data_expr_name(t->x, buf_view(&scratch), t->out);
	} else {
		item_build_reset(&t->x->build);
		item_build_s(&t->x->build, buf_view(&scratch));
		put_built(t->x, t->out);
	}
	buf_fini(&scratch);
	t->due = t->member = false;
	return ok;
}

static bool take_number(struct text *t)
{
	const uint8_t *p = t->p;
	struct bytes text;
	struct num n;
	enum num_result r;

	p += *p == '-' || *p == '+';
	while (p < t->end && (is_digit(*p) || *p == '.'))
		p++;
	if (p < t->end && (*p == 'e' || *p == 'E')) {
		const uint8_t *e = p + 1;

		e += e < t->end && (*e == '-' || *e == '+');
		for (; e < t->end && is_digit(*e); e++)
			p = e + 1;
	}
	text = (struct bytes){ t->p, (size_t)(p - t->p) };
	r = num_parse(&n, text);
	if (r != NUM_OK)
		return refuse(t->x, r == NUM_MALFORMED ? "not a number" : num_message(r), text);
	item_build_reset(&t->x->build);
	item_build_n(&t->x->build, &n);
	put_built(t->x, t->out);
	t->p = p;
	t->due = false;
	return true;
}

/* Where the list or object that t stands on ends; NULL if it does not. */
static const uint8_t *json_end(const struct text *t)
{
	size_t depth = 0;
	bool quoted = false;

	for (const uint8_t *p = t->p; p < t->end; p++) {
		if (quoted) {
			if (*p == '\\')
				p++;
			else if (*p == '"')
				quoted = false;
		} else if (*p == '"') {
			quoted = true;
		} else if (*p == '[' || *p == '{') {
			depth++;
		} else if ((*p == ']' || *p == '}') && --depth == 0) {
			return p + 1;
		}
	}
	return NULL;
}

/* One value from JSON text into the builder. */
static bool read_json(struct data_expr *x, struct bytes text, bool typed)
{
	char message[PJSON_MESSAGE_MAX];
	struct djson_error e = { .result = DJSON_OK };
	struct json_read r;
	bool ok;

	json_read_init(&r, text, JSON_LITERAL_DEPTH_MAX * 2);
	json_read_next(&r);
	if (typed) {
		ok = djson_value(&r, &x->build, &e) == DJSON_OK;
		snprintf(message, sizeof message, "%.200s", e.result == DJSON_SYNTAX ? "not JSON" : e.message);
	} else {
		ok = pjson_value(&r, &x->build, message);
	}
	if (ok && json_read_next(&r) != JSON_END) {
		ok = false;
		snprintf(message, sizeof message, "byte %zu: more than one value", r.error_at);
	}
	json_read_fini(&r);
	return ok || refuse(x, message, text);
}

static bool take_json(struct text *t)
{
	const uint8_t *end = json_end(t);

	if (end == NULL)
		return refuse(t->x, "JSON that does not end", rest(t));
	if (!read_json(t->x, (struct bytes){ t->p, (size_t)(end - t->p) }, false))
		return false;
	put_built(t->x, t->out);
	t->p = end;
	t->due = false;
	return true;
}

/* --- words */

static bool is_part(const struct text *t, uint8_t c)
{
	if (t->kind == DATA_EXPR_PATHS)
		return c != '\0' && !is_space(c) && strchr(",.[]`#", c) == NULL;
	return is_letter(c) || is_digit(c) || c == '_' || c == '$' || c == '@' || c >= 0x80;
}

static bool is_word(struct bytes word, const char *keyword)
{
	return strlen(keyword) == word.n && strncasecmp((const char *)word.p, keyword, word.n) == 0;
}

static bool is_one_of(struct bytes word, const char *const *keywords)
{
	for (; *keywords != NULL; keywords++)
		if (is_word(word, *keywords))
			return true;
	return false;
}

static uint8_t after_space(const struct text *t)
{
	const uint8_t *p = t->p;

	while (p < t->end && is_space(*p))
		p++;
	return p < t->end ? *p : 0;
}

/* Does word, which t stands behind, rule here?  Then it is out already. */
static bool take_keyword(struct text *t, struct bytes word, bool first)
{
	static const char *const between[] = { "AND", "OR", "BETWEEN", "IN", NULL };
	static const char *const sections[] = { "SET", "REMOVE", "ADD", "DELETE", NULL };
	bool is;

	if (t->kind == DATA_EXPR_UPDATE)
		is = (first || !t->due) && is_one_of(word, sections);
	else
		is = t->due ? is_word(word, "NOT") : is_one_of(word, between);
	if (!is)
		return false;
	buf_bytes(t->out, word);
	t->due = true;
	if (t->kind == DATA_EXPR_UPDATE) {
		t->pairs = is_word(word, "ADD") || is_word(word, "DELETE");
		if (is_word(word, "SET"))
			t->x->set_at = t->out->n;
	}
	return true;
}

static bool take_literal(struct text *t, struct bytes word)
{
	uint8_t next = after_space(t);

	if ((!t->due && !t->pairs) || next == '.' || next == '[')
		return false;
	item_build_reset(&t->x->build);
	if (is_word(word, "true") || is_word(word, "false"))
		item_build_bool(&t->x->build, is_word(word, "true"));
	else if (is_word(word, "null"))
		item_build_null(&t->x->build);
	else
		return false;
	put_built(t->x, t->out);
	t->due = false;
	return true;
}

static bool take_word(struct text *t, bool first)
{
	struct bytes word = { t->p, 0 };

	while (t->p < t->end && is_part(t, *t->p))
		t->p++;
	word.n = (size_t)(t->p - word.p);
	if (!bytes_utf8(word))
		return refuse(t->x, "not UTF-8", word);
	if (t->kind != DATA_EXPR_PATHS && !t->member) {
		if (take_keyword(t, word, first))
			return true;
		if (t->due && after_space(t) == '(') {
			buf_bytes(t->out, word);             /* a function */
			return true;
		}
		if (take_literal(t, word))
			return true;
	}
	put_name(t->x, word, t->out);
	t->due = t->member = false;
	return true;
}

static void take_alias(struct text *t)
{
	do
		buf_u8(t->out, *t->p++);
	while (t->p < t->end && (is_letter(*t->p) || is_digit(*t->p) || *t->p == '_'));
	t->due = t->member = false;
}

static void take_symbol(struct text *t)
{
	uint8_t c = *t->p++, next = t->p < t->end ? *t->p : 0;

	t->member = c == '.';
	if ((c == '=' || c == '!') && next == '=') {
		buf_str(t->out, c == '=' ? "=" : "<>");
		t->p++;
	} else {
		buf_u8(t->out, is_space(c) ? ' ' : c);
	}
	if (is_space(c))
		return;
	t->index = c == '[';
	t->due = c != ')' && c != ']' && c != '.' && c != '[';
}

static bool take(struct text *t, bool first)
{
	uint8_t c = *t->p, next = peek(t, 1);
	bool literals = t->kind != DATA_EXPR_PATHS, due = t->due || t->pairs;

	if (c == '`' || (literals && (c == '\'' || c == '"')))
		return take_quoted(t);
	if (t->index && is_digit(c)) {
		buf_u8(t->out, *t->p++);
		return true;
	}
	if (literals && !t->member && (is_digit(c) || (c == '.' && due && is_digit(next)) ||
	                               ((c == '-' || c == '+') && due && (is_digit(next) || next == '.'))))
		return take_number(t);
	if (literals && t->due && (c == '[' || c == '{'))
		return take_json(t);
	if (c == '#' || (c == ':' && literals)) {
		take_alias(t);
		return true;
	}
	if (is_part(t, c))
		return take_word(t, first);
	take_symbol(t);
	return true;
}

bool data_expr_add(struct data_expr *x, enum data_expr_kind kind, struct bytes text, struct buf *out)
{
	struct text t = { .x = x, .out = out, .p = text.p, .end = text.p + text.n, .kind = kind, .due = true };
	bool first = true;

	x->message[0] = '\0';
	if (text.n > DATA_EXPR_BYTES_MAX)
		return refuse(x, "an expression this long", text);
	if (kind == DATA_EXPR_UPDATE)
		x->set_at = 0;
	while (t.p < t.end) {
		bool space = is_space(*t.p);

		if (!take(&t, first))
			return false;
		first = first && space;
	}
	return true;
}

/* --- from the user */

/* The alias in front of =; false with a message unless it is sign, then letters, digits and _, but not _ first. */
static bool split_alias(struct data_expr *x, struct bytes text, uint8_t sign, struct bytes *alias, struct bytes *value)
{
	const uint8_t *eq = memchr(text.p, '=', text.n);
	size_t n = eq != NULL ? (size_t)(eq - text.p) : 0;

	*alias = (struct bytes){ text.p, n };
	if (n < 2 || text.p[0] != sign)
		return refuse(x, sign == ':' ? "not :name=VALUE" : "not #name=ATTRIBUTE", text);
	*value = (struct bytes){ eq + 1, text.n - n - 1 };
	for (size_t i = 1; i < n; i++)
		if (!is_letter(text.p[i]) && !is_digit(text.p[i]) && (text.p[i] != '_' || i == 1))
			return refuse(x, "a name is made of letters and digits", *alias);
	return true;
}

/* Text of a value into the builder. */
static bool read_value(struct data_expr *x, struct bytes text, bool typed)
{
	struct json_read r;
	bool json, looks = text.n > 0 && strchr("[{\"", text.p[0]) != NULL;

	json_read_init(&r, text, JSON_LITERAL_DEPTH_MAX * 2);
	json = json_read_finish(&r);
	json_read_fini(&r);
	if (typed || json || looks)
		return read_json(x, text, typed);
	if (!bytes_utf8(text))
		return refuse(x, "not UTF-8", text);
	item_build_reset(&x->build);
	item_build_s(&x->build, text);
	return true;
}

bool data_expr_user_value(struct data_expr *x, struct bytes text, bool typed)
{
	struct bytes alias, value;

	if (!split_alias(x, text, ':', &alias, &value) || !read_value(x, value, typed))
		return false;
	json_write_key(&x->values_w, alias);
	djson_write_value(&x->values_w, item_value(item_build_view(&x->build)));
	x->values_n++;
	return true;
}

bool data_expr_user_name(struct data_expr *x, struct bytes text)
{
	struct bytes alias, name;

	if (!split_alias(x, text, '#', &alias, &name))
		return false;
	if (name.n == 0 || !bytes_utf8(name))
		return refuse(x, "not a name", text);
	json_write_key(&x->names_w, alias);
	json_write_string(&x->names_w, name);
	x->names_n++;
	return true;
}

/* The first = outside backquotes. */
static const uint8_t *find_equals(struct bytes text)
{
	bool quoted = false;

	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] == '`')
			quoted = !quoted;
		else if (text.p[i] == '=' && !quoted)
			return text.p + i;
	}
	return NULL;
}

bool data_expr_assign(struct data_expr *x, struct bytes text, bool typed, struct buf *out)
{
	const uint8_t *eq = find_equals(text);
	size_t n = eq != NULL ? (size_t)(eq - text.p) : 0;

	if (n == 0)
		return refuse(x, "not ATTRIBUTE=VALUE", text);
	if (!data_expr_add(x, DATA_EXPR_PATHS, (struct bytes){ text.p, n }, out))
		return false;
	buf_str(out, " = ");
	if (!read_value(x, (struct bytes){ eq + 1, text.n - n - 1 }, typed))
		return false;
	put_built(x, out);
	return true;
}

void data_expr_write(const struct data_expr *x, struct json_write *w)
{
	if (x->names_n > 0) {
		json_write_name(w, "ExpressionAttributeNames");
		json_write_object(w);
		json_write_raw(w, buf_view(&x->names));
		json_write_object_end(w);
	}
	if (x->values_n > 0) {
		json_write_name(w, "ExpressionAttributeValues");
		json_write_object(w);
		json_write_raw(w, buf_view(&x->values));
		json_write_object_end(w);
	}
}
