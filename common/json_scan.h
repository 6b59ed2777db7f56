/*
 * json_scan: the inner loop of reading and writing JSON strings, eight bytes at a time.
 */
#ifndef COMMON_JSON_SCAN_H
#define COMMON_JSON_SCAN_H

#include <endian.h>
#include <stdint.h>
#include <string.h>

#define JSON_SCAN_EACH(byte) (0x0101010101010101ull * (byte))

/*
 * The first byte from p that is a quote, a backslash or below 0x20; end if there is none.  *high becomes other than 0
 * if a byte of 0x80 or more was passed (or stands within eight bytes behind what was passed).
 */
static inline const uint8_t *json_scan(const uint8_t *p, const uint8_t *end, uint64_t *high)
{
	while (end - p >= 8) {
		uint64_t x, quote, slash, hit;

		memcpy(&x, p, sizeof x);
		x = le64toh(x);
		quote = x ^ JSON_SCAN_EACH('"');
		slash = x ^ JSON_SCAN_EACH('\\');
		/* Bit 7 of each byte that borrows: exact up to the first hit, which is all that is used. */
		hit = ((x - JSON_SCAN_EACH(0x20)) & ~x) | ((quote - JSON_SCAN_EACH(1)) & ~quote) |
		      ((slash - JSON_SCAN_EACH(1)) & ~slash);
		hit &= JSON_SCAN_EACH(0x80);
		*high |= x & JSON_SCAN_EACH(0x80);
		if (hit != 0)
			return p + __builtin_ctzll(hit) / 8;
		p += 8;
	}
	for (; p < end && *p >= 0x20 && *p != '"' && *p != '\\'; p++)
		*high |= *p & 0x80;
	return p;
}

#endif
