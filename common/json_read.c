#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "json_scan.h"
#include "mem.h"

#define FEW_KEYS 16                                      /* compared with one another; more are sorted */

struct json_level {
	size_t keys;                                     /* the object's first key in r->keys */
	bool object;
};

enum expect {
	EXPECT_VALUE,
	EXPECT_ELEMENT_OR_END,
	EXPECT_KEY_OR_END,
	EXPECT_COLON,
	EXPECT_COMMA_OR_END,
	EXPECT_NOTHING,
	EXPECT_FAILED,
};

void json_read_init(struct json_read *r, struct bytes text, unsigned depth_max)
{
	assert(depth_max > 0 && depth_max <= JSON_DEPTH_LIMIT);
	*r = (struct json_read){ .depth_max = depth_max };
	json_read_reset(r, text);
}

void json_read_fini(struct json_read *r)
{
	free(r->arena);
	free(r->keys);
	free(r->levels);
	*r = (struct json_read){ .token = JSON_ERROR, .expect = EXPECT_FAILED };
}

static enum json_token fail(struct json_read *r, const uint8_t *at, const char *error)
{
	r->expect = EXPECT_FAILED;
	r->error = error;
	r->error_at = (size_t)(at - r->text);
	r->str = BYTES_NONE;
	return r->token = JSON_ERROR;
}

void json_read_reset(struct json_read *r, struct bytes text)
{
	/* The arena is as long as the text it was made for, which is why it goes. */
	free(r->arena);
	r->arena = NULL;
	r->arena_n = 0;
	r->text = r->p = r->start = text.n > 0 ? text.p : (const uint8_t *)"";
	r->end = r->text + text.n;
	r->token = JSON_END;
	r->str = BYTES_NONE;
	r->error = NULL;
	r->error_at = 0;
	r->depth = 0;
	r->keys_n = 0;
	r->expect = EXPECT_VALUE;
	if (text.n > JSON_BYTES_MAX)
		fail(r, r->text, "text too long");
}

/* --- strings ------------------------------------------------------------------------------------------------------ */

/* Four hexadecimal digits at p, or -1. */
static int hex4(const uint8_t *p, const uint8_t *end)
{
	uint8_t v[2];

	if (end - p < 4 || !bytes_hex((struct bytes){ p, 4 }, v, sizeof v))
		return -1;
	return v[0] << 8 | v[1];
}

static size_t put_utf8(uint8_t *out, unsigned c)
{
	if (c < 0x80) {
		out[0] = (uint8_t)c;
		return 1;
	}
	if (c < 0x800) {
		out[0] = (uint8_t)(0xc0 | c >> 6);
		out[1] = (uint8_t)(0x80 | (c & 0x3f));
		return 2;
	}
	if (c < 0x10000) {
		out[0] = (uint8_t)(0xe0 | c >> 12);
		out[1] = (uint8_t)(0x80 | (c >> 6 & 0x3f));
		out[2] = (uint8_t)(0x80 | (c & 0x3f));
		return 3;
	}
	out[0] = (uint8_t)(0xf0 | c >> 18);
	out[1] = (uint8_t)(0x80 | (c >> 12 & 0x3f));
	out[2] = (uint8_t)(0x80 | (c >> 6 & 0x3f));
	out[3] = (uint8_t)(0x80 | (c & 0x3f));
	return 4;
}

/* A \u escape whose digits start at p; moves p behind it, and behind the other half of a pair.  False if malformed. */
static bool unescape_u(const uint8_t **p, const uint8_t *end, uint8_t *out, size_t *n)
{
	int c = hex4(*p, end), low;

	if (c < 0 || (c >= 0xdc00 && c <= 0xdfff))
		return false;
	*p += 4;
	if (c >= 0xd800 && c <= 0xdbff) {
		if (end - *p < 6 || (*p)[0] != '\\' || (*p)[1] != 'u')
			return false;
		low = hex4(*p + 2, end);
		if (low < 0xdc00 || low > 0xdfff)
			return false;
		*p += 6;
		c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
	}
	*n += put_utf8(out + *n, (unsigned)c);
	return true;
}

/* The escape behind a backslash at p - 1. */
static bool unescape(const uint8_t **p, const uint8_t *end, uint8_t *out, size_t *n)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	const char *found;
	uint8_t c;

	if (*p == end || **p == 0)
		return false;
	c = *(*p)++;
	if (c == 'u')
		return unescape_u(p, end, out, n);
	found = strchr(from, c);
	if (found == NULL)
		return false;
	out[(*n)++] = (uint8_t)to[found - from];
	return true;
}

/*
 * A string with escapes, first decoded into the arena.  What a string decodes to is never longer than its text, so an
 * arena of the text's length serves all of them, and views into it stay where they are.
 */
static bool read_escaped(struct json_read *r, const uint8_t *start, const uint8_t *p, uint64_t *high)
{
	uint8_t *out;
	size_t n = 0;

	if (r->arena == NULL)
		r->arena = mem_resize(NULL, (size_t)(r->end - r->text));
	out = r->arena + r->arena_n;
	for (;;) {
		memcpy(out + n, start, (size_t)(p - start));
		n += (size_t)(p - start);
		if (p == r->end || *p != '\\')
			break;
		start = p++;
		if (!unescape(&p, r->end, out, &n)) {
			fail(r, start, "bad escape in a string");
			return false;
		}
		start = p;
		p = json_scan(p, r->end, high);
	}
	r->p = p;
	r->str = (struct bytes){ out, n };
	r->arena_n += n;
	return true;
}

/* The string whose opening quote is at r->p. */
static bool read_string(struct json_read *r)
{
	const uint8_t *start = r->p + 1, *p;
	uint64_t high = 0;

	p = json_scan(start, r->end, &high);
	if (p < r->end && *p == '\\') {
		if (!read_escaped(r, start, p, &high))
			return false;
	} else {
		r->p = p;
		r->str = (struct bytes){ start, (size_t)(p - start) };
	}
	if (r->p == r->end) {
		fail(r, r->p, "unterminated string");
		return false;
	}
	if (*r->p != '"') {
		fail(r, r->p, "control character in a string");
		return false;
	}
	if (high != 0 && !bytes_utf8(r->str)) {
		fail(r, start, "string is not UTF-8");
		return false;
	}
	r->p++;
	return true;
}

/* --- other tokens ------------------------------------------------------------------------------------------------- */

static const uint8_t *skip_digits(const uint8_t *p, const uint8_t *end)
{
	while (p < end && *p >= '0' && *p <= '9')
		p++;
	return p;
}

static enum json_token read_number(struct json_read *r)
{
	const uint8_t *p = r->p, *q;

	if (*p == '-')
		p++;
	q = p < r->end && *p == '0' ? p + 1 : skip_digits(p, r->end);
	if (q == p)
		return fail(r, q, "bad number");
	p = q;
	if (p < r->end && *p == '.') {
		q = skip_digits(p + 1, r->end);
		if (q == p + 1)
			return fail(r, q, "bad number");
		p = q;
	}
	if (p < r->end && (*p == 'e' || *p == 'E')) {
		p++;
		if (p < r->end && (*p == '+' || *p == '-'))
			p++;
		q = skip_digits(p, r->end);
		if (q == p)
			return fail(r, q, "bad number");
		p = q;
	}
	r->str = (struct bytes){ r->p, (size_t)(p - r->p) };
	r->p = p;
	return r->token = JSON_NUMBER;
}

static enum json_token read_literal(struct json_read *r, const char *word, enum json_token token)
{
	size_t n = strlen(word);

	if ((size_t)(r->end - r->p) < n || memcmp(r->p, word, n) != 0)
		return fail(r, r->p, "unexpected character");
	r->p += n;
	return r->token = token;
}

static int key_order(const void *x, const void *y)
{
	const struct bytes *a = x, *b = y;

	if (a->n != b->n)
		return a->n < b->n ? -1 : 1;
	return bytes_cmp(*a, *b);
}

/*
 * Are two of the n keys the same?  An attacker chooses the keys, so a hash table would need a secret; sorting needs
 * none and takes n log n comparisons whatever they are.
 */
static bool has_duplicates(struct bytes *keys, size_t n)
{
	if (n <= FEW_KEYS) {
		for (size_t i = 1; i < n; i++)
			for (size_t k = 0; k < i; k++)
				if (bytes_eq(keys[i], keys[k]))
					return true;
		return false;
	}
	qsort(keys, n, sizeof *keys, key_order);
	for (size_t i = 1; i < n; i++)
		if (bytes_eq(keys[i - 1], keys[i]))
			return true;
	return false;
}

static enum json_token open_level(struct json_read *r, bool object)
{
	if (r->depth == r->depth_max)
		return fail(r, r->p, "nested too deeply");
	if (r->depth == r->levels_cap) {
		r->levels_cap = r->levels_cap > 0 ? 2 * r->levels_cap : 16;
		r->levels = mem_resize(r->levels, r->levels_cap * sizeof *r->levels);
	}
	r->levels[r->depth++] = (struct json_level){ r->keys_n, object };
	r->p++;
	r->expect = object ? EXPECT_KEY_OR_END : EXPECT_ELEMENT_OR_END;
	return r->token = object ? JSON_OBJECT : JSON_ARRAY;
}

static enum json_token close_level(struct json_read *r)
{
	const struct json_level *l = &r->levels[r->depth - 1];
	bool object = l->object;

	if (object) {
		if (r->keys_n > l->keys && has_duplicates(r->keys + l->keys, r->keys_n - l->keys))
			return fail(r, r->p, "duplicate key in the object that ends here");
		r->keys_n = l->keys;
	}
	r->depth--;
	r->p++;
	r->expect = r->depth > 0 ? EXPECT_COMMA_OR_END : EXPECT_NOTHING;
	return r->token = object ? JSON_OBJECT_END : JSON_ARRAY_END;
}

static enum json_token read_value(struct json_read *r)
{
	r->expect = r->depth > 0 ? EXPECT_COMMA_OR_END : EXPECT_NOTHING;
	switch (*r->p) {
	case '"':
		return read_string(r) ? (r->token = JSON_STRING) : JSON_ERROR;
	case '{':
		return open_level(r, true);
	case '[':
		return open_level(r, false);
	case 't':
		return read_literal(r, "true", JSON_TRUE);
	case 'f':
		return read_literal(r, "false", JSON_FALSE);
	case 'n':
		return read_literal(r, "null", JSON_NULL);
	default:
		if (*r->p != '-' && (*r->p < '0' || *r->p > '9'))
			return fail(r, r->p, "unexpected character");
		return read_number(r);
	}
}

static enum json_token read_key(struct json_read *r)
{
	if (*r->p != '"')
		return fail(r, r->p, "a key was expected");
	if (!read_string(r))
		return JSON_ERROR;
	if (r->keys_n == r->keys_cap) {
		r->keys_cap = r->keys_cap > 0 ? 2 * r->keys_cap : 32;
		r->keys = mem_resize(r->keys, r->keys_cap * sizeof *r->keys);
	}
	r->keys[r->keys_n++] = r->str;
	r->expect = EXPECT_COLON;
	return r->token = JSON_KEY;
}

static void skip_space(struct json_read *r)
{
	while (r->p < r->end && (*r->p == ' ' || *r->p == '\n' || *r->p == '\r' || *r->p == '\t'))
		r->p++;
}

/* Behind a value in a container: the end, or a comma and what it announces. */
static enum json_token read_next_in_level(struct json_read *r)
{
	bool object = r->levels[r->depth - 1].object;

	if (*r->p == (object ? '}' : ']'))
		return close_level(r);
	if (*r->p != ',')
		return fail(r, r->p, object ? "a comma or } was expected" : "a comma or ] was expected");
	r->p++;
	skip_space(r);
	if (r->p == r->end)
		return fail(r, r->p, "unexpected end");
	r->start = r->p;
	return object ? read_key(r) : read_value(r);
}

enum json_token json_read_next(struct json_read *r)
{
	if (r->expect == EXPECT_FAILED)
		return JSON_ERROR;
	skip_space(r);
	if (r->expect == EXPECT_COLON && r->p < r->end) {
		if (*r->p != ':')
			return fail(r, r->p, "a colon was expected");
		r->p++;
		skip_space(r);
		r->expect = EXPECT_VALUE;
	}
	r->str = BYTES_NONE;
	if (r->expect == EXPECT_NOTHING) {
		if (r->p < r->end)
			return fail(r, r->p, "text behind the value");
		return r->token = JSON_END;
	}
	if (r->p == r->end)
		return fail(r, r->p, "unexpected end");
	r->start = r->p;
	switch ((enum expect)r->expect) {
	case EXPECT_ELEMENT_OR_END:
		return *r->p == ']' ? close_level(r) : read_value(r);
	case EXPECT_KEY_OR_END:
		return *r->p == '}' ? close_level(r) : read_key(r);
	case EXPECT_COMMA_OR_END:
		return read_next_in_level(r);
	default:
		return read_value(r);
	}
}

bool json_read_skip(struct json_read *r)
{
	unsigned depth = r->depth;

	if (r->token == JSON_OBJECT || r->token == JSON_ARRAY)
		while (json_read_next(r) != JSON_ERROR && r->depth >= depth)
			;
	return r->token != JSON_ERROR;
}

bool json_read_finish(struct json_read *r)
{
	while (r->token != JSON_ERROR && json_read_next(r) != JSON_END)
		;
	return r->token == JSON_END;
}

bool json_read_raw(struct json_read *r, struct bytes *out)
{
	const uint8_t *start = r->start;

	if (!json_read_skip(r))
		return false;
	*out = (struct bytes){ start, (size_t)(r->p - start) };
	return true;
}
