#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "json.h"
#include "json_scan.h"

static void separate(struct json_write *w)
{
	if (w->comma)
		buf_u8(w->b, ',');
	w->comma = true;
}

static void open_level(struct json_write *w, uint8_t c)
{
	separate(w);
	buf_u8(w->b, c);
	w->comma = false;
}

static void close_level(struct json_write *w, uint8_t c)
{
	buf_u8(w->b, c);
	w->comma = true;
}

void json_write_object(struct json_write *w)
{
	open_level(w, '{');
}

void json_write_object_end(struct json_write *w)
{
	close_level(w, '}');
}

void json_write_array(struct json_write *w)
{
	open_level(w, '[');
}

void json_write_array_end(struct json_write *w)
{
	close_level(w, ']');
}

static void put_escape(struct buf *b, uint8_t c)
{
	static const char from[] = "\"\\\b\f\n\r\t", to[] = "\"\\bfnrt";
	const char *found = c > 0 ? strchr(from, c) : NULL;

	if (found != NULL) {
		uint8_t t[2] = { '\\', (uint8_t)to[found - from] };

		buf_put(b, t, sizeof t);
	} else {
		buf_fmt(b, "\\u%04x", c);
	}
}

/* Comma if due, the quoted string, and what follows it: the usual string in one piece. */
static void put_string(struct json_write *w, struct bytes s, const char *after, size_t after_n)
{
	const uint8_t *start = s.p, *end = s.p + s.n, *p;
	size_t front = w->comma ? 2 : 1;
	uint8_t *q = buf_room(w->b, front + s.n + 1 + after_n);
	uint64_t high = 0;

	if (q == NULL)
		return;
	memcpy(q, w->comma ? ",\"" : "\"", front);
	w->b->n += front;
	for (;;) {
		p = json_scan(start, end, &high);
		buf_put(w->b, start, (size_t)(p - start));
		if (p == end)
			break;
		put_escape(w->b, *p);
		start = p + 1;
	}
	buf_u8(w->b, '"');
	buf_put(w->b, after, after_n);
}

void json_write_key(struct json_write *w, struct bytes key)
{
	put_string(w, key, ":", 1);
	w->comma = false;
}

void json_write_name(struct json_write *w, const char *key)
{
	json_write_key(w, bytes_str(key));
}

void json_write_string(struct json_write *w, struct bytes s)
{
	put_string(w, s, "", 0);
	w->comma = true;
}

void json_write_str(struct json_write *w, const char *s)
{
	json_write_string(w, bytes_str(s));
}

void json_write_raw(struct json_write *w, struct bytes json)
{
	separate(w);
	buf_bytes(w->b, json);
}

void json_write_number(struct json_write *w, struct bytes digits)
{
	json_write_raw(w, digits);
}

void json_write_u64(struct json_write *w, uint64_t v)
{
	char t[20];
	size_t n = sizeof t;

	do {
		t[--n] = (char)('0' + v % 10);
		v /= 10;
	} while (v > 0);
	json_write_raw(w, (struct bytes){ (const uint8_t *)t + n, sizeof t - n });
}

void json_write_double(struct json_write *w, double v, unsigned decimals)
{
	assert(isfinite(v));
	separate(w);
	buf_fmt(w->b, "%.*f", (int)decimals, v);
}

void json_write_bool(struct json_write *w, bool v)
{
	json_write_raw(w, bytes_str(v ? "true" : "false"));
}

void json_write_null(struct json_write *w)
{
	json_write_raw(w, BYTES_LIT("null"));
}

/* --- base64 ------------------------------------------------------------------------------------------------------- */

static const char base64_digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void json_write_base64(struct json_write *w, struct bytes v)
{
	size_t n = v.n / 3 * 4 + (v.n % 3 > 0 ? 4 : 0), i = 0;
	uint8_t *q;

	separate(w);
	q = buf_room(w->b, n + 2);
	if (q == NULL)
		return;
	w->b->n += n + 2;
	*q++ = '"';
	for (; v.n - i >= 3; i += 3) {
		uint32_t x = (uint32_t)v.p[i] << 16 | (uint32_t)v.p[i + 1] << 8 | v.p[i + 2];

		*q++ = (uint8_t)base64_digits[x >> 18];
		*q++ = (uint8_t)base64_digits[x >> 12 & 63];
		*q++ = (uint8_t)base64_digits[x >> 6 & 63];
		*q++ = (uint8_t)base64_digits[x & 63];
	}
	if (v.n > i) {
		uint32_t x = (uint32_t)v.p[i] << 16 | (v.n - i > 1 ? (uint32_t)v.p[i + 1] << 8 : 0);

		*q++ = (uint8_t)base64_digits[x >> 18];
		*q++ = (uint8_t)base64_digits[x >> 12 & 63];
		*q++ = v.n - i > 1 ? (uint8_t)base64_digits[x >> 6 & 63] : '=';
		*q++ = '=';
	}
	*q = '"';
}

/* The digit's value plus one, 0 for what is no digit. */
static const uint8_t base64_values[256] = {
	['A'] = 1,  ['B'] = 2,  ['C'] = 3,  ['D'] = 4,  ['E'] = 5,  ['F'] = 6,  ['G'] = 7,  ['H'] = 8,
	['I'] = 9,  ['J'] = 10, ['K'] = 11, ['L'] = 12, ['M'] = 13, ['N'] = 14, ['O'] = 15, ['P'] = 16,
	['Q'] = 17, ['R'] = 18, ['S'] = 19, ['T'] = 20, ['U'] = 21, ['V'] = 22, ['W'] = 23, ['X'] = 24,
	['Y'] = 25, ['Z'] = 26, ['a'] = 27, ['b'] = 28, ['c'] = 29, ['d'] = 30, ['e'] = 31, ['f'] = 32,
	['g'] = 33, ['h'] = 34, ['i'] = 35, ['j'] = 36, ['k'] = 37, ['l'] = 38, ['m'] = 39, ['n'] = 40,
	['o'] = 41, ['p'] = 42, ['q'] = 43, ['r'] = 44, ['s'] = 45, ['t'] = 46, ['u'] = 47, ['v'] = 48,
	['w'] = 49, ['x'] = 50, ['y'] = 51, ['z'] = 52, ['0'] = 53, ['1'] = 54, ['2'] = 55, ['3'] = 56,
	['4'] = 57, ['5'] = 58, ['6'] = 59, ['7'] = 60, ['8'] = 61, ['9'] = 62, ['+'] = 63, ['/'] = 64,
};

size_t json_base64_size(struct bytes text)
{
	return text.n / 4 * 3;
}

/* n digits at p, most significant first; false if one is none. */
static bool base64_get(const uint8_t *p, size_t n, uint32_t *out)
{
	*out = 0;
	for (size_t i = 0; i < n; i++) {
		if (base64_values[p[i]] == 0)
			return false;
		*out = *out << 6 | (uint32_t)(base64_values[p[i]] - 1);
	}
	return true;
}

bool json_base64_decode(struct bytes text, uint8_t *out, size_t *n)
{
	size_t padding = 0, whole;
	uint32_t x;

	*n = 0;
	if (text.n % 4 != 0)
		return false;
	while (padding < 2 && padding < text.n && text.p[text.n - 1 - padding] == '=')
		padding++;
	whole = text.n / 4 - (padding > 0);
	for (size_t i = 0; i < whole; i++) {
		if (!base64_get(text.p + 4 * i, 4, &x))
			return false;
		*out++ = (uint8_t)(x >> 16);
		*out++ = (uint8_t)(x >> 8);
		*out++ = (uint8_t)x;
	}
	*n = 3 * whole;
	if (padding == 0)
		return true;
	if (!base64_get(text.p + 4 * whole, 4 - padding, &x) || (x & (padding == 1 ? 3 : 15)) != 0)
		return false;
	x >>= padding == 1 ? 2 : 4;
	if (padding == 1)
		*out++ = (uint8_t)(x >> 8);
	*out = (uint8_t)x;
	*n += 3 - padding;
	return true;
}
