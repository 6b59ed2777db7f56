/* Covers: common/num.c.  t/golden/num-v1.txt is made by num-v1.py from python3's decimal. */
#include "num.h"

#include <stdlib.h>

#include "check.h"

#define NUMBERS_MAX 2048

static const char *result_name(enum num_result r)
{
	static const char *const names[] = { "ok", "malformed", "precise", "overflow", "underflow" };

	return names[r];
}

static struct num number(const char *text)
{
	struct num n;

	CHECK_STR(result_name(num_parse(&n, bytes_str(text))), "ok");
	return n;
}

/* "result [digits hex]", as the golden file has it. */
static void describe(char *out, size_t room, enum num_result r, const struct num *n)
{
	char digits[NUM_PRINT_MAX];
	struct buf hex = { .p = NULL };
	uint8_t t[NUM_BYTES_MAX];

	if (r != NUM_OK) {
		snprintf(out, room, "%s", result_name(r));
		return;
	}
	num_print(digits, n);
	buf_hex(&hex, (struct bytes){ t, num_encode(t, n) });
	snprintf(out, room, "ok %s %.*s", digits, (int)hex.n, (char *)hex.p);
	buf_fini(&hex);
}

static void check_line(char *line)
{
	char *kind = strtok(line, " "), *a = strtok(NULL, " "), *b = *kind == 'A' ? strtok(NULL, " ") : NULL;
	char *want = strtok(NULL, "\n"), now[512];
	struct num x, y;
	enum num_result r;

	if (strcmp(a, "empty") == 0)
		a += strlen(a);
	r = num_parse(&x, bytes_str(a));
	if (b != NULL) {
		CHECK(r == NUM_OK);
		y = number(b);
		r = num_add(&x, &x, &y);
	}
	describe(now, sizeof now, r, &x);
	if (strcmp(now, want) != 0) {
		printf("# %s %s\n", a, b != NULL ? b : "");
		CHECK_STR(now, want);
	}
}

TEST(a_difference_may_be_too_small)
{
	struct num x = number("1.0000000000000000000000000000000000001E-130"), y = number("1E-130");

	CHECK_INT(num_sub(&x, &x, &y), NUM_UNDERFLOW);
	y = number("1.1E-129");
	CHECK_INT(num_sub(&x, &y, &x), NUM_OK);
}

TEST(agrees_with_python_decimal)
{
	FILE *f = fopen("t/golden/num-v1.txt", "r");
	char *line = NULL;
	size_t room = 0, lines = 0;

	CHECK(f != NULL);
	while (f != NULL && getline(&line, &room, f) > 0) {
		check_line(line);
		lines++;
	}
	CHECK(lines > 1500);
	free(line);
	if (f != NULL)
		fclose(f);
}

static size_t read_numbers(struct num *out)
{
	FILE *f = fopen("t/golden/num-v1.txt", "r");
	char *line = NULL;
	size_t room = 0, n = 0;

	while (f != NULL && getline(&line, &room, f) > 0 && n < NUMBERS_MAX)
		if (strncmp(line, "P ", 2) == 0 && strstr(line, " ok ") != NULL) {
			strtok(line, " ");
			n += num_parse(&out[n], bytes_str(strtok(NULL, " "))) == NUM_OK;
		}
	free(line);
	if (f != NULL)
		fclose(f);
	return n;
}

static int sign(int v)
{
	return v < 0 ? -1 : v > 0;
}

/* Every pair: the order of the encodings is that of the numbers, and a - b has its sign. */
TEST(encodings_sort_as_numbers_do)
{
	static struct num n[NUMBERS_MAX];
	size_t count = read_numbers(n), subtracted = 0;

	CHECK(count > 400);
	for (size_t i = 0; i < count; i++)
		for (size_t k = 0; k < count; k++) {
			uint8_t a[NUM_BYTES_MAX], b[NUM_BYTES_MAX];
			struct bytes x = { a, num_encode(a, &n[i]) }, y = { b, num_encode(b, &n[k]) };
			int c = num_cmp(&n[i], &n[k]);
			struct num d;

			if (c != sign(bytes_cmp(x, y)) || c != -num_cmp(&n[k], &n[i]) || (c != 0 && bytes_starts(x,
				y))) {
				CHECK(!"order");
				return;
			}
			if (num_sub(&d, &n[i], &n[k]) != NUM_OK)
				continue;
			subtracted++;
			if (c != (d.digits == 0 ? 0 : d.negative ? -1 : 1)) {
				CHECK(!"difference");
				return;
			}
		}
	CHECK(subtracted > 10000);
}

TEST(decodes_what_it_encoded)
{
	static struct num n[NUMBERS_MAX];
	size_t count = read_numbers(n);

	for (size_t i = 0; i < count; i++) {
		struct buf b = { .p = NULL };
		struct cur c;
		struct num back;

		num_put(&b, &n[i]);
		buf_u8(&b, 7);
		c = cur_of(buf_view(&b));
		CHECK(num_get(&c, &back));
		CHECK_INT(num_cmp(&back, &n[i]), 0);
		CHECK(back.digits == n[i].digits && back.exponent == n[i].exponent && back.negative == n[i].negative);
		CHECK_INT(cur_u8(&c), 7);
		CHECK(!num_decode(buf_view(&b), &back));
		CHECK(!num_decode((struct bytes){ b.p, b.n - 2 }, &back));
		buf_fini(&b);
	}
}

/* Any bytes at all: either refused, or the one encoding of their number. */
TEST(refuses_other_encodings)
{
	static const char *const bad[] = {
		"", "80", "7fff", "c100", "c10100", "c1026600", "c1020100", "8001", "80ff", "c102", "c1ff00",
		"c1" "0c0202020202020202020202020202020202020202" "0200",
		"c1" "020202020202020202020202020202020202020202" "0b00",
	};
	uint8_t t[64];
	struct num n;

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		size_t len = strlen(bad[i]) / 2;
		bool ok;

		CHECK(bytes_hex(bytes_str(bad[i]), t, len));
		ok = num_decode((struct bytes){ t, len }, &n);
		if (ok) {
			uint8_t again[NUM_BYTES_MAX];

			CHECK(bytes_eq((struct bytes){ t, len }, (struct bytes){ again, num_encode(again, &n) }));
			printf("# decodes: %s\n", bad[i]);
			CHECK(!ok);
		}
	}
	for (unsigned a = 0; a < 256; a++)
		for (unsigned b = 0; b < 256; b++)
			for (unsigned last = 0; last < 256; last += 255) {
				uint8_t in[3] = { (uint8_t)a, (uint8_t)b, (uint8_t)last }, again[NUM_BYTES_MAX];

				if (num_decode((struct bytes){ in, 3 }, &n))
					CHECK(num_encode(again, &n) == 3 && memcmp(again, in, 3) == 0);
			}
}

TEST(converts_whole_numbers)
{
	struct num n = num_of_u64(UINT64_MAX);
	uint64_t v = 0;

	CHECK(num_to_u64(&n, &v) && v == UINT64_MAX);
	n = num_of_u64(0);
	CHECK(num_to_u64(&n, &v) && v == 0);
	n = num_of_u64(10000000000000000000u);
	CHECK(num_to_u64(&n, &v) && v == 10000000000000000000u);
	n = number("18446744073709551616");
	CHECK(!num_to_u64(&n, &v));
	n = number("1.5");
	CHECK(!num_to_u64(&n, &v));
	n = number("-1");
	CHECK(!num_to_u64(&n, &v));
	n = number("1E125");
	CHECK(!num_to_u64(&n, &v));
}

TEST(caps_the_text)
{
	char *text = malloc(NUM_TEXT_MAX + 2);
	struct num n;

	memset(text, '0', NUM_TEXT_MAX + 1);
	text[NUM_TEXT_MAX + 1] = '\0';
	CHECK(num_parse(&n, bytes_str(text)) == NUM_MALFORMED);
	CHECK(num_parse(&n, bytes_str(text + 1)) == NUM_OK && n.digits == 0);
	CHECK(num_parse(&n, BYTES_NONE) == NUM_MALFORMED);
	CHECK(num_parse(&n, (struct bytes){ (const uint8_t *)"1\0", 2 }) == NUM_MALFORMED);
	free(text);
}

TEST(counts_digits)
{
	uint8_t t[NUM_BYTES_MAX];
	struct num n = number("-120.50");

	CHECK_INT(num_digits((struct bytes){ t, num_encode(t, &n) }), 4);
	n = number("0");
	CHECK_INT(num_digits((struct bytes){ t, num_encode(t, &n) }), 0);
}

CHECK_MAIN(X(a_difference_may_be_too_small) X(agrees_with_python_decimal) X(encodings_sort_as_numbers_do)
           X(decodes_what_it_encoded) X(refuses_other_encodings) X(converts_whole_numbers) X(caps_the_text) X(counts_digits))
