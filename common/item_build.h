/*
 * item_build: makes items and values, from parts in any order.
 *
 *   item_build_reset(&b);
 *   item_build_item(&b);
 *   item_build_name(&b, BYTES_LIT("pk")), item_build_s(&b, key);
 *   item_build_name(&b, BYTES_LIT("tags")), item_build_open(&b, ITEM_SS);
 *   item_build_element(&b, x), item_build_element(&b, y), item_build_close(&b);
 *   if (item_build_close(&b) && item_build_ok(&b)) use(item_build_view(&b));
 *
 * Sorts the entries of maps and the elements of sets as they close.  A builder is made once and reused; after a reset
 * it allocates nothing until it needs more room than ever before.
 * Does not: check UTF-8 or the API's size limit.  The caller opens no more than ITEM_DEPTH_MAX lists and maps inside
 * one another: one too many makes the builder bad, more is an error of the program.
 */
#ifndef COMMON_ITEM_BUILD_H
#define COMMON_ITEM_BUILD_H

#include "item.h"

#define ITEM_BUILD_REFS_MAX ((size_t)1 << 19)            /* map entries and elements in hand: 400 KB has fewer */

struct item_build_ref {                                  /* one entry of an open map or set */
	uint32_t at, n;                                  /* where it starts in out, bytes in all */
	uint32_t name_at, name_n;                        /* its name; of a set, the element */
};

struct item_build_level {
	size_t start;                                    /* where the container's tag, or the item, starts in out */
	size_t content;                                  /* where its entries start */
	size_t refs;                                     /* its first entry in refs; a list has none there */
	size_t count;
	uint8_t tag;                                     /* ITEM_L, ITEM_M, a set, or ITEM_NONE for the item itself */
	bool sorted;                                     /* so far */
};

struct item_build {
	struct buf out, spare;
	struct item_build_ref *refs;
	size_t refs_n, refs_cap;
	struct item_build_level level[ITEM_DEPTH_MAX + 3];
	unsigned depth;                                  /* open containers */
	bool named;                                      /* item_build_name was called and its value is due */
	bool bad;                                        /* sticky: duplicates, empty set, too deep, too many */
};

void item_build_init(struct item_build *b);
void item_build_fini(struct item_build *b);
void item_build_reset(struct item_build *b);             /* forgets everything, keeps the memory */

/* Start an item; or call any of the value functions first, to build one value. */
void item_build_item(struct item_build *b);
void item_build_name(struct item_build *b, struct bytes name); /* before each value of an item or M */

void item_build_s(struct item_build *b, struct bytes s);
void item_build_b(struct item_build *b, struct bytes v);
uint8_t *item_build_b_room(struct item_build *b, size_t n); /* a B for the caller to fill; NULL if over */
void item_build_n(struct item_build *b, const struct num *n);
void item_build_u64(struct item_build *b, uint64_t v);   /* an N */
void item_build_bool(struct item_build *b, bool v);
void item_build_null(struct item_build *b);
void item_build_raw(struct item_build *b, struct bytes raw); /* a valid encoded value, copied */

void item_build_open(struct item_build *b, uint8_t tag); /* ITEM_L, ITEM_M, ITEM_SS, ITEM_NS, ITEM_BS */
/* An element of the open set: string, binary, or a number's encoding. */
void item_build_element(struct item_build *b, struct bytes element);
/*
 * Close the innermost container or the item.  False, and the builder is bad, if it has two entries of one name, two
 * equal elements, or is a set without elements.
 */
bool item_build_close(struct item_build *b);

/* Is what was built whole and valid?  Too deep, too large and false closes make it not. */
bool item_build_ok(const struct item_build *b);
struct bytes item_build_view(const struct item_build *b); /* valid until the next call but the two above */

/*
 * For writers of sorted entries without a builder: out holds, from start on, kept bytes of room and then count entries.
 * Puts the tag, the body's length and the count in front of them; for ITEM_NONE, an item, the count alone.  kept is at
 * most what these take, so 0 always does.
 */
void item_build_front(struct buf *out, size_t start, size_t kept, uint8_t tag, uint64_t count);

#endif
