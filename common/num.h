/*
 * num: DynamoDB's decimal numbers: exact, up to 38 significant digits, 1E-130 to 9.99..E+125 in magnitude.
 * Source: Amazon DynamoDB Developer Guide, "Naming rules and data types"; the encoding is described in ddb-item(5).
 * Does not: round.  What does not fit is refused.
 * Invariant: value = digits * 10^exponent, negated if negative; digits < 10^38 and does not end in a decimal 0;
 *            zero is { false, 0, 0 }.  Hence one struct a value.
 */
#ifndef COMMON_NUM_H
#define COMMON_NUM_H

#include <stdbool.h>

#include "bytes.h"

#define NUM_DIGITS_MAX 38
#define NUM_TEXT_MAX ((size_t)4096)                      /* longer input is NUM_MALFORMED */
#define NUM_PRINT_MAX 192                                /* what num_print may need, with its final 0 */
#define NUM_BYTES_MAX 22                                 /* of an encoding; the shortest has 2 */

enum num_result {
	NUM_OK,
	NUM_MALFORMED,
	NUM_TOO_PRECISE,                                 /* more than 38 significant digits */
	NUM_OVERFLOW,
	NUM_UNDERFLOW,
};

struct num {
	unsigned __int128 digits;
	int exponent;
	bool negative;
};

/*
 * Read text: [+-] digits [. digits] [e [+-] digits], with digits on at least one side of the point, leading zeros
 * allowed, nothing else (no spaces, no infinity).  Zeros at either end do not count as significant digits.
 * Returns NUM_OK, or another result leaving out unspecified.  A text both too precise and out of range is out of range.
 */
enum num_result num_parse(struct num *out, struct bytes text);

/*
 * The API's message, a ValidationException's, for a result other than NUM_OK.  To NUM_MALFORMED's the service appends
 * ": " and the text.
 */
const char *num_message(enum num_result r);

struct num num_of_u64(uint64_t v);
/* False if n is negative, has a fraction or does not fit. */
bool num_to_u64(const struct num *n, uint64_t *out);

/* Plain decimal digits, never an exponent, 0-terminated; returns the length without the 0. */
size_t num_print(char out[NUM_PRINT_MAX], const struct num *n);

int num_cmp(const struct num *a, const struct num *b);   /* < 0, 0, > 0 */

/*
 * Exact sum and difference.  NUM_TOO_PRECISE, NUM_OVERFLOW, or NUM_UNDERFLOW (of two that are close and near the least)
 * if the exact result is not a number of ours.  out may be a or b and is changed only by NUM_OK.
 */
enum num_result num_add(struct num *out, const struct num *a, const struct num *b);
enum num_result num_sub(struct num *out, const struct num *a, const struct num *b);

/*
 * The encoding: bytes compare (memcmp, and as parts of a longer key) as the numbers do, no encoding is a prefix of
 * another, one encoding a value.  num_encode returns the length.
 */
size_t num_encode(uint8_t out[NUM_BYTES_MAX], const struct num *n);
void num_put(struct buf *b, const struct num *n);
bool num_get(struct cur *c, struct num *out);            /* one, up to its own end; false, c->bad if not canonical */
bool num_decode(struct bytes v, struct num *out);        /* the whole of v */
size_t num_digits(struct bytes v);                       /* significant digits of a valid encoding; 0 for zero */

#endif
