/* Covers: common/bytes.c, common/mem.c */
#include "bytes.h"

#include <stdlib.h>

#include "check.h"
#include "mem.h"

TEST(views_compare_as_memcmp)
{
	CHECK(bytes_cmp(BYTES_LIT("a"), BYTES_LIT("b")) < 0);
	CHECK(bytes_cmp(BYTES_LIT("\xff"), BYTES_LIT("a")) > 0);
	CHECK(bytes_cmp(BYTES_LIT("ab"), BYTES_LIT("a")) > 0);
	CHECK(bytes_cmp(BYTES_NONE, BYTES_LIT("a")) < 0);
	CHECK_INT(bytes_cmp(BYTES_NONE, BYTES_LIT("")), 0);
	CHECK(bytes_eq(BYTES_NONE, BYTES_LIT("")));
	CHECK(!bytes_eq(BYTES_LIT("a"), BYTES_LIT("ab")));
	CHECK(bytes_eq_const(BYTES_LIT("abc"), BYTES_LIT("abc")));
	CHECK(!bytes_eq_const(BYTES_LIT("abc"), BYTES_LIT("abd")));
	CHECK(!bytes_eq_const(BYTES_LIT("abc"), BYTES_LIT("ab")));
	CHECK(bytes_is(bytes_str("xyz"), "xyz"));
	CHECK(bytes_starts(BYTES_LIT("abc"), BYTES_LIT("ab")));
	CHECK(bytes_starts(BYTES_LIT("abc"), BYTES_NONE));
	CHECK(!bytes_starts(BYTES_LIT("a"), BYTES_LIT("ab")));
}

TEST(utf8_is_rfc_3629)
{
	static const char *const good[] = { "", "a", "\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80", "\xed\x9f\xbf", "\xee\x80\x80",
		"\xef\xbf\xbf", "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf", "caf\xc3\xa9!" };
	static const char *const bad[] = { "\x80", "\xbf", "\xc0\x80", "\xc1\xbf", "\xc2", "\xc2" "a", "\xe0\x9f\xbf",
		"\xe0\xa0", "\xed\xa0\x80", "\xed\xbf\xbf", "\xf0\x8f\xbf\xbf", "\xf0\x90\x80", "\xf4\x90\x80\x80",
		"\xf5\x80\x80\x80", "\xff", "\xe1\x80" "a", "\xf1\x80\x80\xc0" };

	for (size_t i = 0; i < sizeof good / sizeof *good; i++)
		CHECK(bytes_utf8(bytes_str(good[i])));
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		CHECK(!bytes_utf8(bytes_str(bad[i])));
	CHECK(bytes_utf8((struct bytes){ (const uint8_t *)"a\0b", 3 }));
}

TEST(hex_is_exact)
{
	uint8_t out[2];
	struct buf b = { 0 };

	CHECK(bytes_hex(BYTES_LIT("0aFf"), out, 2) && out[0] == 0x0a && out[1] == 0xff);
	CHECK(!bytes_hex(BYTES_LIT("0a"), out, 2));
	CHECK(!bytes_hex(BYTES_LIT("0aff0"), out, 2));
	CHECK(!bytes_hex(BYTES_LIT("0g00"), out, 2));
	buf_hex(&b, (struct bytes){ (const uint8_t *)"\x0a\xff", 2 });
	CHECK(bytes_is(buf_view(&b), "0aff"));
	buf_fini(&b);
}

TEST(puts_and_gets_agree)
{
	static const uint64_t v[] = { 0, 1, 127, 128, 16383, 16384, UINT32_MAX, UINT64_MAX / 2, UINT64_MAX };
	struct buf b = { 0 };
	struct cur c;

	for (size_t i = 0; i < sizeof v / sizeof *v; i++) {
		buf_u8(&b, (uint8_t)v[i]);
		buf_u16(&b, (uint16_t)v[i]);
		buf_u32(&b, (uint32_t)v[i]);
		buf_u64(&b, v[i]);
		buf_varint(&b, v[i]);
		buf_lenbytes(&b, BYTES_LIT("xyz"));
	}
	c = cur_of(buf_view(&b));
	for (size_t i = 0; i < sizeof v / sizeof *v; i++) {
		CHECK(cur_u8(&c) == (uint8_t)v[i]);
		CHECK(cur_u16(&c) == (uint16_t)v[i]);
		CHECK(cur_u32(&c) == (uint32_t)v[i]);
		CHECK(cur_u64(&c) == v[i]);
		CHECK(cur_varint(&c) == v[i]);
		CHECK(bytes_is(cur_lenbytes(&c), "xyz"));
	}
	CHECK(cur_done(&c));
	buf_fini(&b);
}

TEST(integers_are_little_endian)
{
	uint8_t p[8];

	store_u16(p, 0x0102);
	CHECK(memcmp(p, "\x02\x01", 2) == 0);
	store_u32(p, 0x01020304);
	CHECK(memcmp(p, "\x04\x03\x02\x01", 4) == 0 && load_u32(p) == 0x01020304);
	store_u64(p, 0x0102030405060708);
	CHECK(memcmp(p, "\x08\x07\x06\x05\x04\x03\x02\x01", 8) == 0);
	store_be64(p, 0x0102030405060708);
	CHECK(memcmp(p, "\x01\x02\x03\x04\x05\x06\x07\x08", 8) == 0 && load_be64(p) == 0x0102030405060708);
}

TEST(varints_have_one_form)
{
	static const struct {
		const char *p;
		size_t n;
	} bad[] = {
		{ "", 0 }, { "\x80", 1 }, { "\x80\x00", 2 }, { "\xff\x80\x00", 3 },
		{ "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", 10 }, { "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x81\x00", 11 },
	};

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct cur c = cur_of((struct bytes){ (const uint8_t *)bad[i].p, bad[i].n });

		CHECK_INT(cur_varint(&c), 0);
		CHECK(c.bad);
	}
}

TEST(a_failed_read_sticks)
{
	struct cur c = cur_of(BYTES_LIT("\x05" "ab"));

	CHECK_INT(cur_lenbytes(&c).n, 0);
	CHECK_INT(cur_u8(&c), 0);
	CHECK_INT(cur_rest(&c).n, 0);
	CHECK(!cur_done(&c));
	c = cur_of(BYTES_LIT("abc"));
	cur_u16(&c);
	CHECK(!cur_done(&c));
	CHECK(bytes_is(cur_rest(&c), "c"));
	CHECK_INT(cur_u16(&c), 0);
	CHECK(c.bad);
	c = cur_of((struct bytes){ (const uint8_t *)"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 10 });
	CHECK_INT(cur_lenbytes(&c).n, 0);                /* a length that would wrap */
	CHECK(c.bad);
}

TEST(a_full_buffer_refuses_everything_after)
{
	struct buf b;

	buf_init(&b, 4);
	buf_str(&b, "abc");
	buf_u16(&b, 1);
	CHECK(b.over && b.n == 3);
	buf_u8(&b, 'd');
	CHECK_INT(b.n, 3);
	buf_clear(&b);
	buf_str(&b, "abcd");
	CHECK(!b.over && b.n == 4);
	buf_fini(&b);
	CHECK_INT(b.max, 4);
}

TEST(buffers_grow_shrink_and_format)
{
	struct buf b = { 0 };
	uint8_t *p;

	for (int i = 0; i < 1000; i++)
		buf_fmt(&b, "%03d", i);
	CHECK_INT(b.n, 3000);
	CHECK(memcmp(b.p + 999, "333", 3) == 0);
	buf_drop(&b, 999);
	CHECK(memcmp(b.p, "333", 3) == 0 && b.n == 2001);
	buf_drop(&b, 2001);
	CHECK_INT(b.n, 0);
	p = buf_room(&b, 100);
	CHECK(p != NULL);
	memset(p, 'x', 100);
	CHECK_INT(b.n, 0);
	buf_put(&b, NULL, 0);
	CHECK_INT(b.n, 0);
	buf_fini(&b);
}

TEST(memory_is_zeroed_and_terminated)
{
	char *p = mem_new(0), *q = mem_copy("ab", 2), *s = mem_str("xyz"), *f = mem_fmt("%d-%s", 7, s);
	uint8_t *z = mem_new(16);
	struct bytes c = bytes_copy(BYTES_LIT("hey"));

	CHECK(p != NULL && z[15] == 0);
	CHECK_STR(q, "ab");
	CHECK_STR(f, "7-xyz");
	CHECK(bytes_is(c, "hey"));
	q = mem_resize(q, 100);
	CHECK_STR(q, "ab");
	free(p);
	free(q);
	free(s);
	free(f);
	free(z);
	free((void *)c.p);
}

CHECK_MAIN(X(views_compare_as_memcmp) X(utf8_is_rfc_3629) X(hex_is_exact) X(puts_and_gets_agree)
	   X(integers_are_little_endian) X(varints_have_one_form) X(a_failed_read_sticks)
	   X(a_full_buffer_refuses_everything_after) X(buffers_grow_shrink_and_format) X(memory_is_zeroed_and_terminated))
