/*
 * bytes: borrowed views, growable buffers with a cap, and a reading cursor.
 * Integers are little-endian.  Lengths are varints (LEB128, at most 10 bytes, shortest form only).
 * Does not: own what a view points to, grow past a buffer's maximum.
 */
#ifndef COMMON_BYTES_H
#define COMMON_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A borrowed view.  Valid as long as its owner says. */
struct bytes {
	const uint8_t *p;
	size_t n;
};

#define BYTES_NONE ((struct bytes){ NULL, 0 })
#define BYTES_LIT(s) ((struct bytes){ (const uint8_t *)("" s), sizeof(s) - 1 })

struct bytes bytes_str(const char *s);                   /* without the final 0 */
int bytes_cmp(struct bytes a, struct bytes b);           /* as memcmp; a prefix sorts first */
bool bytes_eq(struct bytes a, struct bytes b);
bool bytes_eq_const(struct bytes a, struct bytes b);     /* time depends on the lengths only */
bool bytes_is(struct bytes a, const char *s);
bool bytes_starts(struct bytes a, struct bytes prefix);
struct bytes bytes_copy(struct bytes a);                 /* mem_copy of a; free((void *)r.p) */
bool bytes_utf8(struct bytes a);                         /* well-formed UTF-8 (RFC 3629), NUL allowed */
bool bytes_hex(struct bytes hex, uint8_t *out, size_t n);/* exactly 2n lower or upper digits -> n bytes */

/*
 * A growable buffer.  Invariant: n <= cap <= max.  A put that would pass max sets over and changes nothing, and so does
 * every later put: check over once, at the end.  A zeroed struct is a valid buffer of BUF_BYTES_MAX.
 */
struct buf {
	uint8_t *p;
	size_t n, cap;
	size_t max;                                      /* 0 means BUF_BYTES_MAX */
	bool over;
};

#define BUF_BYTES_MAX ((size_t)64 << 20)

void buf_init(struct buf *b, size_t max);
void buf_fini(struct buf *b);
void buf_clear(struct buf *b);                           /* n = 0, over = false; keeps the memory */
struct bytes buf_view(const struct buf *b);              /* valid until the next put */
uint8_t *buf_room(struct buf *b, size_t n);              /* n writable bytes at the end, not yet counted; NULL if over */
void buf_drop(struct buf *b, size_t n);                  /* removes n bytes at the front, n <= b->n */
void buf_put(struct buf *b, const void *p, size_t n);
void buf_bytes(struct buf *b, struct bytes v);           /* the bytes alone */
void buf_str(struct buf *b, const char *s);
void buf_fmt(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void buf_u8(struct buf *b, uint8_t v);
void buf_u16(struct buf *b, uint16_t v);
void buf_u32(struct buf *b, uint32_t v);
void buf_u64(struct buf *b, uint64_t v);
void buf_varint(struct buf *b, uint64_t v);
void buf_lenbytes(struct buf *b, struct bytes v);        /* varint length, then the bytes */
void buf_hex(struct buf *b, struct bytes v);             /* two lower-case digits a byte */

/*
 * A reading cursor over borrowed bytes.  The failure flag is sticky: after a short or malformed read every result is 0
 * or empty, so a decoder reads all its fields and asks cur_done once.
 */
struct cur {
	const uint8_t *p, *end;
	bool bad;
};

struct cur cur_of(struct bytes v);
uint8_t cur_u8(struct cur *c);
uint16_t cur_u16(struct cur *c);
uint32_t cur_u32(struct cur *c);
uint64_t cur_u64(struct cur *c);
uint64_t cur_varint(struct cur *c);                      /* refuses forms that are not the shortest */
struct bytes cur_bytes(struct cur *c, size_t n);
struct bytes cur_lenbytes(struct cur *c);                /* varint length, then the bytes */
struct bytes cur_rest(const struct cur *c);              /* what is left; empty after a failure */
bool cur_done(const struct cur *c);                      /* nothing failed and nothing is left over */

/* Little-endian loads and stores at a place that may be unaligned. */
uint16_t load_u16(const void *p);
uint32_t load_u32(const void *p);
uint64_t load_u64(const void *p);
void store_u16(void *p, uint16_t v);
void store_u32(void *p, uint32_t v);
void store_u64(void *p, uint64_t v);
/* Big-endian, for keys, whose bytes must compare as the number does. */
uint64_t load_be64(const void *p);
void store_be64(void *p, uint64_t v);

#endif
