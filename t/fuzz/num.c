/*
 * num: any text is read or refused, what is read survives printing and encoding; any bytes decode to one number or are
 * refused; sums are exact.
 */
#include "num.h"

#include <assert.h>
#include <string.h>

static void same(const struct num *a, const struct num *b)
{
	assert(a->digits == b->digits && a->exponent == b->exponent && a->negative == b->negative);
}

static void check_number(const struct num *n)
{
	char text[NUM_PRINT_MAX];
	uint8_t t[NUM_BYTES_MAX];
	struct num back;
	size_t len = num_print(text, n);

	assert(len < sizeof text && text[len] == '\0');
	assert(num_parse(&back, (struct bytes){ (const uint8_t *)text, len }) == NUM_OK);
	same(&back, n);
	assert(num_decode((struct bytes){ t, num_encode(t, n) }, &back));
	same(&back, n);
}

static void check_pair(const struct num *a, const struct num *b)
{
	uint8_t ta[NUM_BYTES_MAX], tb[NUM_BYTES_MAX];
	struct bytes ea = { ta, num_encode(ta, a) }, eb = { tb, num_encode(tb, b) };
	struct num sum, back;
	int c = bytes_cmp(ea, eb);

	assert(num_cmp(a, b) == (c < 0 ? -1 : c > 0));
	if (num_add(&sum, a, b) != NUM_OK)
		return;
	check_number(&sum);
	if (num_sub(&back, &sum, b) == NUM_OK)
		same(&back, a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const uint8_t *space = n > 0 ? memchr(data, ' ', n) : NULL;
	size_t first = space != NULL ? (size_t)(space - data) : n;
	struct num a, b;

	if (num_parse(&a, (struct bytes){ data, first }) == NUM_OK) {
		check_number(&a);
		if (space != NULL && num_parse(&b, (struct bytes){ space + 1, n - first - 1 }) == NUM_OK)
			check_pair(&a, &b);
	}
	if (num_decode((struct bytes){ data, n }, &a)) {
		uint8_t t[NUM_BYTES_MAX];

		check_number(&a);
		assert(num_encode(t, &a) == n && memcmp(t, data, n) == 0);
	}
	return 0;
}
