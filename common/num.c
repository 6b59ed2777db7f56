#include "num.h"

#include <assert.h>
#include <string.h>

/* Written as a macro of the compiler's type, as the house has no typedefs. */
#define u128 unsigned __int128

#define TEN19 10000000000000000000ull
#define TEN18 1000000000000000000ull

/* A value is 0.ddd * 10^magnitude with a first digit that is not 0. */
#define MAGNITUDE_MIN (-129)
#define MAGNITUDE_MAX 126
#define EXPONENT_CLAMP 1000000                           /* far outside the range, whatever the mantissa's length */

#define PAIRS_MAX 20                             /* 38 digits, not aligned to pairs */
#define SCALE_BIAS 64                            /* scale, the magnitude in pairs, runs from -64 to 63 */

static const u128 power[NUM_DIGITS_MAX + 1] = {
	1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000, 1000000000, 10000000000, 100000000000,
	1000000000000, 10000000000000, 100000000000000, 1000000000000000, 10000000000000000, 100000000000000000, TEN18,
	TEN19, (u128)TEN18 * 100, (u128)TEN18 * 1000, (u128)TEN18 * 10000, (u128)TEN18 * 100000, (u128)TEN18 * 1000000,
	(u128)TEN18 * 10000000, (u128)TEN18 * 100000000, (u128)TEN18 * 1000000000, (u128)TEN18 * 10000000000,
	(u128)TEN18 * 100000000000, (u128)TEN18 * 1000000000000, (u128)TEN18 * 10000000000000,
	(u128)TEN18 * 100000000000000, (u128)TEN18 * 1000000000000000, (u128)TEN18 * 10000000000000000,
	(u128)TEN18 * 100000000000000000, (u128)TEN18 * TEN18, (u128)TEN18 * TEN19, (u128)TEN18 * TEN19 * 10,
};

static int count_digits(u128 v)
{
	int n = v >= TEN19 ? 19 : 0;

	while (n <= NUM_DIGITS_MAX && v >= power[n])
		n++;
	return n;
}

static int magnitude(const struct num *n)
{
	return n->exponent + count_digits(n->digits);
}

/* Trims v, which may be up to the type's maximum, and checks it against what a number may be. */
static enum num_result make(struct num *out, bool negative, u128 v, int exponent)
{
	struct num n = { 0, 0, false };
	int digits, size;

	if (v != 0) {
		while (v % 10 == 0) {
			v /= 10;
			exponent++;
		}
		digits = count_digits(v);
		size = exponent + digits;
		if (size > MAGNITUDE_MAX)
			return NUM_OVERFLOW;
		if (size < MAGNITUDE_MIN)
			return NUM_UNDERFLOW;
		if (digits > NUM_DIGITS_MAX)
			return NUM_TOO_PRECISE;
		n = (struct num){ v, exponent, negative };
	}
	*out = n;
	return NUM_OK;
}

/* [+-] digits at p; false if there is none.  Clamped, so that no length of it can wrap. */
static bool parse_exponent(const uint8_t *p, const uint8_t *end, int *out)
{
	bool negative = false;
	int v = 0;

	if (p < end && (*p == '+' || *p == '-'))
		negative = *p++ == '-';
	if (p == end)
		return false;
	for (; p < end; p++) {
		if (*p < '0' || *p > '9')
			return false;
		if (v < EXPONENT_CLAMP)
			v = v * 10 + (*p - '0');
	}
	*out = negative ? -v : v;
	return true;
}

enum num_result num_parse(struct num *out, struct bytes text)
{
	const uint8_t *p = text.p, *end = text.p + text.n;
	int significant = 0, zeros = 0, fraction = 0, exponent = 0, size;
	bool negative = false, point = false, any = false;
	u128 v = 0;

	if (text.n > NUM_TEXT_MAX)
		return NUM_MALFORMED;
	if (p < end && (*p == '+' || *p == '-'))
		negative = *p++ == '-';
	for (; p < end; p++) {
		if (*p == '.' && !point) {
			point = true;
			continue;
		}
		if (*p < '0' || *p > '9')
			break;
		any = true;
		fraction += point;
		if (*p == '0') {
			zeros += significant > 0;        /* significant only if another digit follows */
			continue;
		}
		significant += zeros + 1;
		if (significant <= NUM_DIGITS_MAX)
			v = v * power[zeros + 1] + (u128)(*p - '0');
		zeros = 0;
	}
	if (!any)
		return NUM_MALFORMED;
	if (p < end && ((*p != 'e' && *p != 'E') || !parse_exponent(p + 1, end, &exponent)))
		return NUM_MALFORMED;
	*out = (struct num){ 0, 0, false };
	if (significant == 0)
		return NUM_OK;
	exponent += zeros - fraction;
	size = exponent + significant;
	if (size > MAGNITUDE_MAX)
		return NUM_OVERFLOW;
	if (size < MAGNITUDE_MIN)
		return NUM_UNDERFLOW;
	if (significant > NUM_DIGITS_MAX)
		return NUM_TOO_PRECISE;
	*out = (struct num){ v, exponent, negative };
	return NUM_OK;
}

const char *num_message(enum num_result r)
{
	switch (r) {
	case NUM_MALFORMED:
		return "The parameter cannot be converted to a numeric value";
	case NUM_TOO_PRECISE:
		return "Attempting to store more than 38 significant digits in a Number";
	case NUM_OVERFLOW:
		return "Number overflow. Attempting to store a number with magnitude larger than supported range";
	case NUM_UNDERFLOW:
		return "Number underflow. Attempting to store a number with magnitude smaller than supported range";
	case NUM_OK:
		break;
	}
	assert(0);
}

struct num num_of_u64(uint64_t v)
{
	struct num n;
	enum num_result r = make(&n, false, v, 0);

	assert(r == NUM_OK);
	return n;
}

bool num_to_u64(const struct num *n, uint64_t *out)
{
	u128 v;

	if (n->negative || n->exponent < 0 || magnitude(n) > 20)
		return false;
	v = n->digits * power[n->exponent];
	if (v > UINT64_MAX)
		return false;
	*out = (uint64_t)v;
	return true;
}

/* Exactly n digits of v < 10^n, most significant first. */
static void put_digits(char *out, u128 v, int n)
{
	while (n > 18) {
		uint64_t low = (uint64_t)(v % TEN18);

		v /= TEN18;
		for (int i = 0; i < 18; i++, low /= 10)
			out[--n] = (char)('0' + low % 10);
	}
	for (uint64_t left = (uint64_t)v; n > 0; left /= 10)
		out[--n] = (char)('0' + left % 10);
}

size_t num_print(char out[NUM_PRINT_MAX], const struct num *n)
{
	int digits = count_digits(n->digits), whole = digits + n->exponent;
	char *p = out;

	if (n->digits == 0) {
		memcpy(out, "0", 2);
		return 1;
	}
	if (n->negative)
		*p++ = '-';
	if (whole <= 0) {
		*p++ = '0', *p++ = '.';
		memset(p, '0', (size_t)-whole);
		p += -whole;
		put_digits(p, n->digits, digits);
		p += digits;
	} else if (n->exponent < 0) {
		put_digits(p, n->digits, digits);
		memmove(p + whole + 1, p + whole, (size_t)-n->exponent);
		p[whole] = '.';
		p += digits + 1;
	} else {
		put_digits(p, n->digits, digits);
		memset(p + digits, '0', (size_t)n->exponent);
		p += whole;
	}
	*p = '\0';
	return (size_t)(p - out);
}

static int cmp_magnitudes(const struct num *a, const struct num *b)
{
	int na = count_digits(a->digits), nb = count_digits(b->digits);
	u128 x = a->digits, y = b->digits;

	if (a->exponent + na != b->exponent + nb)
		return a->exponent + na < b->exponent + nb ? -1 : 1;
	if (na < nb)
		x *= power[nb - na];
	else
		y *= power[na - nb];
	return x < y ? -1 : x > y;
}

int num_cmp(const struct num *a, const struct num *b)
{
	int sa = a->digits == 0 ? 0 : a->negative ? -1 : 1;
	int sb = b->digits == 0 ? 0 : b->negative ? -1 : 1;

	if (sa != sb)
		return sa < sb ? -1 : 1;
	if (sa == 0)
		return 0;
	return sa * cmp_magnitudes(a, b);
}

enum num_result num_add(struct num *out, const struct num *a, const struct num *b)
{
	u128 high, low;
	int gap, digits;

	if (a->digits == 0 || b->digits == 0) {
		*out = a->digits == 0 ? *b : *a;
		return NUM_OK;
	}
	if (a->exponent < b->exponent)
		return num_add(out, b, a);
	/*
	 * Both in units of b's last place.  If a's is higher, b's last digit is the sum's last digit, so a sum of more
	 * than 38 digits cannot be trimmed.  That is certain when a alone takes 39 and starts with 2 or more; below,
	 * everything fits 128 bits.
	 */
	gap = a->exponent - b->exponent;
	high = a->digits;
	low = b->digits;
	digits = count_digits(high);
	if (digits + gap > NUM_DIGITS_MAX + 1)
		return NUM_TOO_PRECISE;
	if (digits + gap > NUM_DIGITS_MAX && high >= 2 * power[digits - 1])
		return NUM_TOO_PRECISE;
	high *= power[gap];
	if (a->negative == b->negative)
		return make(out, a->negative, high + low, b->exponent);
	if (high >= low)
		return make(out, a->negative, high - low, b->exponent);
	return make(out, b->negative, low - high, b->exponent);
}

enum num_result num_sub(struct num *out, const struct num *a, const struct num *b)
{
	struct num minus = *b;

	minus.negative = !b->negative && b->digits != 0;
	return num_add(out, a, &minus);
}

/*
 * The encoding, ddb-item(5): scale, pairs of digits plus one, end.  A negative number is the complement of its positive
 * one, so one order serves both; zero is the least scale without pairs, below all positive and above all negative ones.
 */
size_t num_encode(uint8_t out[NUM_BYTES_MAX], const struct num *n)
{
	int digits = count_digits(n->digits), size = n->exponent + digits;
	char text[NUM_DIGITS_MAX + 2];
	uint8_t flip = n->negative ? 0xff : 0;
	size_t k = 0;
	int odd;

	if (n->digits == 0) {
		out[0] = 0x80, out[1] = 0;
		return 2;
	}
	assert(digits <= NUM_DIGITS_MAX && size >= MAGNITUDE_MIN && size <= MAGNITUDE_MAX);
	odd = size & 1;
	text[0] = '0';
	put_digits(text + odd, n->digits, digits);
	digits += odd;
	if (digits & 1)
		text[digits++] = '0';
	out[k++] = (uint8_t)((0x80 + (size + odd) / 2 + SCALE_BIAS) ^ flip);
	for (int i = 0; i < digits; i += 2)
		out[k++] = (uint8_t)(((text[i] - '0') * 10 + (text[i + 1] - '0') + 1) ^ flip);
	out[k++] = flip;
	return k;
}

void num_put(struct buf *b, const struct num *n)
{
	uint8_t t[NUM_BYTES_MAX];

	buf_put(b, t, num_encode(t, n));
}

/* Pairs up to the end byte; false if there is no end, or what is before it is not canonical. */
static bool get_pairs(struct cur *c, uint8_t flip, uint8_t pairs[PAIRS_MAX], int *n)
{
	*n = 0;
	for (;;) {
		uint8_t x = cur_u8(c) ^ flip;

		if (c->bad)
			return false;
		if (x == 0)
			break;
		if (x > 100 || *n == PAIRS_MAX)
			return false;
		pairs[(*n)++] = x - 1;
	}
	return *n == 0 || (pairs[0] != 0 && pairs[*n - 1] != 0);
}

bool num_get(struct cur *c, struct num *out)
{
	uint8_t pairs[PAIRS_MAX], scale = cur_u8(c);
	uint8_t flip = scale < 0x80 ? 0xff : 0;
	int n, size, digits;
	u128 v = 0;

	*out = (struct num){ 0, 0, false };
	if (c->bad || !get_pairs(c, flip, pairs, &n))
		goto bad;
	if (n == 0) {
		if (scale != 0x80)
			goto bad;
		return true;
	}
	size = 2 * ((scale ^ flip) - 0x80 - SCALE_BIAS) - (pairs[0] < 10);
	digits = 2 * n - (pairs[0] < 10) - (pairs[n - 1] % 10 == 0);
	if (digits > NUM_DIGITS_MAX)
		goto bad;
	for (int i = 0; i < n - 1; i++)
		v = v * 100 + pairs[i];
	if (pairs[n - 1] % 10 == 0)
		v = v * 10 + pairs[n - 1] / 10;
	else
		v = v * 100 + pairs[n - 1];
	*out = (struct num){ v, size - digits, flip != 0 };
	return true;
bad:
	c->bad = true;
	return false;
}

bool num_decode(struct bytes v, struct num *out)
{
	struct cur c = cur_of(v);

	return num_get(&c, out) && cur_done(&c);
}

size_t num_digits(struct bytes v)
{
	struct num n;

	return num_decode(v, &n) ? (size_t)count_digits(n.digits) : 0;
}
