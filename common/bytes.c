#include "bytes.h"

#include <assert.h>
#include <endian.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mem.h"

struct bytes bytes_str(const char *s)
{
	return (struct bytes){ (const uint8_t *)s, strlen(s) };
}

int bytes_cmp(struct bytes a, struct bytes b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	int c = n > 0 ? memcmp(a.p, b.p, n) : 0;

	if (c != 0)
		return c;
	return a.n < b.n ? -1 : a.n > b.n;
}

bool bytes_eq(struct bytes a, struct bytes b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

bool bytes_eq_const(struct bytes a, struct bytes b)
{
	uint8_t diff = 0;

	if (a.n != b.n)
		return false;
	for (size_t i = 0; i < a.n; i++)
		diff |= a.p[i] ^ b.p[i];
	return diff == 0;
}

bool bytes_is(struct bytes a, const char *s)
{
	return bytes_eq(a, bytes_str(s));
}

bool bytes_starts(struct bytes a, struct bytes prefix)
{
	return a.n >= prefix.n && (prefix.n == 0 || memcmp(a.p, prefix.p, prefix.n) == 0);
}

struct bytes bytes_copy(struct bytes a)
{
	return (struct bytes){ mem_copy(a.p, a.n), a.n };
}

/* How many bytes the sequence at p takes, or 0 if it is malformed (RFC 3629, section 4). */
static size_t utf8_step(const uint8_t *p, size_t left)
{
	uint8_t c = p[0], lo = 0x80, hi = 0xbf;
	size_t n;

	if (c < 0x80)
		return 1;
	if (c >= 0xc2 && c <= 0xdf)
		n = 2;
	else if (c >= 0xe0 && c <= 0xef)
		n = 3;
	else if (c >= 0xf0 && c <= 0xf4)
		n = 4;
	else
		return 0;
	if (c == 0xe0)
		lo = 0xa0;
	else if (c == 0xed)
		hi = 0x9f;
	else if (c == 0xf0)
		lo = 0x90;
	else if (c == 0xf4)
		hi = 0x8f;
	if (left < n || p[1] < lo || p[1] > hi)
		return 0;
	for (size_t i = 2; i < n; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	return n;
}

bool bytes_utf8(struct bytes a)
{
	for (size_t i = 0; i < a.n;) {
		size_t n = utf8_step(a.p + i, a.n - i);

		if (n == 0)
			return false;
		i += n;
	}
	return true;
}

static int hex_digit(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

bool bytes_hex(struct bytes hex, uint8_t *out, size_t n)
{
	if (hex.n / 2 != n || hex.n % 2 != 0)
		return false;
	for (size_t i = 0; i < n; i++) {
		int hi = hex_digit(hex.p[2 * i]), lo = hex_digit(hex.p[2 * i + 1]);

		if (hi < 0 || lo < 0)
			return false;
		out[i] = (uint8_t)(hi << 4 | lo);
	}
	return true;
}

void buf_init(struct buf *b, size_t max)
{
	*b = (struct buf){ .max = max };
}

void buf_fini(struct buf *b)
{
	free(b->p);
	*b = (struct buf){ .max = b->max };
}

void buf_clear(struct buf *b)
{
	b->n = 0;
	b->over = false;
}

struct bytes buf_view(const struct buf *b)
{
	return (struct bytes){ b->p, b->n };
}

uint8_t *buf_room(struct buf *b, size_t n)
{
	size_t max = b->max > 0 ? b->max : BUF_BYTES_MAX;

	if (b->over || n > max - b->n) {
		b->over = true;
		return NULL;
	}
	if (n > b->cap - b->n) {
		size_t cap = b->cap > 0 ? b->cap : 256;

		while (cap < b->n + n)
			cap *= 2;
		if (cap > max)
			cap = max;
		b->p = mem_resize(b->p, cap);
		b->cap = cap;
	}
	return b->p != NULL ? b->p + b->n : (uint8_t *)"";
}

void buf_drop(struct buf *b, size_t n)
{
	assert(n <= b->n);
	b->n -= n;
	if (n > 0 && b->n > 0)
		memmove(b->p, b->p + n, b->n);
}

void buf_put(struct buf *b, const void *p, size_t n)
{
	uint8_t *q = buf_room(b, n);

	if (q == NULL || n == 0)
		return;
	memcpy(q, p, n);
	b->n += n;
}

void buf_bytes(struct buf *b, struct bytes v)
{
	buf_put(b, v.p, v.n);
}

void buf_str(struct buf *b, const char *s)
{
	buf_put(b, s, strlen(s));
}

void buf_fmt(struct buf *b, const char *fmt, ...)
{
	va_list ap, again;
	uint8_t *q;
	int n;

	va_start(ap, fmt);
	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	assert(n >= 0);
	q = buf_room(b, (size_t)n + 1);
	if (q != NULL) {
		vsnprintf((char *)q, (size_t)n + 1, fmt, again);
		b->n += (size_t)n;
	}
	va_end(again);
}

void buf_u8(struct buf *b, uint8_t v)
{
	buf_put(b, &v, 1);
}

void buf_u16(struct buf *b, uint16_t v)
{
	uint8_t t[2];

	store_u16(t, v);
	buf_put(b, t, sizeof t);
}

void buf_u32(struct buf *b, uint32_t v)
{
	uint8_t t[4];

	store_u32(t, v);
	buf_put(b, t, sizeof t);
}

void buf_u64(struct buf *b, uint64_t v)
{
	uint8_t t[8];

	store_u64(t, v);
	buf_put(b, t, sizeof t);
}

void buf_varint(struct buf *b, uint64_t v)
{
	uint8_t t[10];
	size_t n = 0;

	for (; v >= 0x80; v >>= 7)
		t[n++] = (uint8_t)(v | 0x80);
	t[n++] = (uint8_t)v;
	buf_put(b, t, n);
}

void buf_lenbytes(struct buf *b, struct bytes v)
{
	buf_varint(b, v.n);
	buf_bytes(b, v);
}

void buf_hex(struct buf *b, struct bytes v)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < v.n; i++) {
		uint8_t t[2] = { (uint8_t)digits[v.p[i] >> 4], (uint8_t)digits[v.p[i] & 15] };

		buf_put(b, t, sizeof t);
	}
}

struct cur cur_of(struct bytes v)
{
	const uint8_t *p = v.p != NULL ? v.p : (const uint8_t *)"";      /* NULL + 0 is undefined */

	return (struct cur){ p, p + v.n, false };
}

static const uint8_t *take(struct cur *c, size_t n)
{
	const uint8_t *p = c->p;

	if (c->bad || (size_t)(c->end - c->p) < n) {
		c->bad = true;
		return NULL;
	}
	c->p += n;
	return p;
}

uint8_t cur_u8(struct cur *c)
{
	const uint8_t *p = take(c, 1);

	return p != NULL ? *p : 0;
}

uint16_t cur_u16(struct cur *c)
{
	const uint8_t *p = take(c, 2);

	return p != NULL ? load_u16(p) : 0;
}

uint32_t cur_u32(struct cur *c)
{
	const uint8_t *p = take(c, 4);

	return p != NULL ? load_u32(p) : 0;
}

uint64_t cur_u64(struct cur *c)
{
	const uint8_t *p = take(c, 8);

	return p != NULL ? load_u64(p) : 0;
}

uint64_t cur_varint(struct cur *c)
{
	uint64_t v = 0;

	for (unsigned shift = 0; shift < 64; shift += 7) {
		const uint8_t *p = take(c, 1);

		if (p == NULL)
			return 0;
		if ((shift == 63 && *p > 1) || (shift > 0 && *p == 0))
			break;                           /* more than 64 bits, or not the shortest form */
		v |= (uint64_t)(*p & 0x7f) << shift;
		if (*p < 0x80)
			return v;
	}
	c->bad = true;
	return 0;
}

struct bytes cur_bytes(struct cur *c, size_t n)
{
	const uint8_t *p = take(c, n);

	return p != NULL ? (struct bytes){ p, n } : BYTES_NONE;
}

struct bytes cur_lenbytes(struct cur *c)
{
	uint64_t n = cur_varint(c);

	if (c->bad || n > (size_t)(c->end - c->p)) {
		c->bad = true;
		return BYTES_NONE;
	}
	return cur_bytes(c, (size_t)n);
}

struct bytes cur_rest(const struct cur *c)
{
	return c->bad ? BYTES_NONE : (struct bytes){ c->p, (size_t)(c->end - c->p) };
}

bool cur_done(const struct cur *c)
{
	return !c->bad && c->p == c->end;
}

uint16_t load_u16(const void *p)
{
	uint16_t v;

	memcpy(&v, p, sizeof v);
	return le16toh(v);
}

uint32_t load_u32(const void *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof v);
	return le32toh(v);
}

uint64_t load_u64(const void *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof v);
	return le64toh(v);
}

void store_u16(void *p, uint16_t v)
{
	v = htole16(v);
	memcpy(p, &v, sizeof v);
}

void store_u32(void *p, uint32_t v)
{
	v = htole32(v);
	memcpy(p, &v, sizeof v);
}

void store_u64(void *p, uint64_t v)
{
	v = htole64(v);
	memcpy(p, &v, sizeof v);
}

uint64_t load_be64(const void *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof v);
	return be64toh(v);
}

void store_be64(void *p, uint64_t v)
{
	v = htobe64(v);
	memcpy(p, &v, sizeof v);
}
