/*
 * item: the compact binary form of attribute values and items, read side.  Format: ddb-item(5).
 *
 *   value  tag, then S B        varint length, bytes
 *                    N          varint length, number (num.h)
 *                    NULL etc.  nothing
 *                    SS NS BS   varint body length, body = varint count > 0, (varint length, bytes) ascending
 *                    L          varint body length, body = varint count, values
 *                    M          varint body length, body = varint count, (varint length, name, value) ascending
 *   item   the body of an M
 *
 * Elements of sets, and names of a map, are distinct.  So equal values have equal bytes.  Numbers sort by value, for
 * their encoding does.
 * The functions below that take a struct value or an item trust it to have passed item_check (what comes from a client
 * is built by item_build.h, what comes from a peer or the disk is checked once); on anything else they stop early, and
 * never look outside the bytes given.  Views point into the bytes given.
 * Does not: know key schemas, JSON or expressions.
 */
#ifndef COMMON_ITEM_H
#define COMMON_ITEM_H

#include "bytes.h"
#include "num.h"

#define ITEM_BYTES_MAX ((size_t)400 << 10)               /* of item_size: the API's accounting */
#define ITEM_ENCODED_MAX ((size_t)4 << 20)               /* of the binary form; our own control rows too */
#define ITEM_DEPTH_MAX 32                                /* lists, maps in one another, the item not counted */
#define ITEM_NAME_MAX ((size_t)65535)

enum item_tag {
	ITEM_NONE = 0,                                   /* no value; never in an encoding */
	ITEM_S = 1,
	ITEM_N = 2,
	ITEM_B = 3,
	ITEM_NULL = 4,
	ITEM_FALSE = 5,
	ITEM_TRUE = 6,
	ITEM_SS = 7,
	ITEM_NS = 8,
	ITEM_BS = 9,
	ITEM_L = 10,
	ITEM_M = 11,
};

struct value {
	uint8_t tag;                                     /* enum item_tag; ITEM_NONE: no value */
	struct bytes raw;                                /* the whole encoding, from the tag on */
	struct bytes body;                               /* S B N: the bytes; sets L M: count, elements; else empty */
};

/* The API's name of a type: "S", "N", .., "BOOL" for both booleans, "NULL". */
const char *item_type_name(uint8_t tag);

/* An item of no attributes, and a map value of no entries. */
#define ITEM_EMPTY BYTES_LIT("\0")

bool item_value_get(struct cur *c, struct value *out);   /* the next value; false, c->bad and ITEM_NONE if malformed */
struct value item_value(struct bytes raw);               /* of a whole encoding; ITEM_NONE if malformed or left over */
bool item_value_num(struct value v, struct num *out);    /* false unless a well-formed N */

size_t item_count(struct bytes body);                    /* of a set, a list, a map or an item */

/* Attribute by name, in an item or an M's body; false and ITEM_NONE if absent. */
bool item_get(struct bytes item, struct bytes name, struct value *out);
bool item_list_get(struct bytes body, size_t index, struct value *out);
bool item_set_has(struct bytes body, struct bytes element); /* S, B: bytes; N: the encoding */

/*
 * Iterating: item_iter over a body, then exactly one kind of next until it returns false.
 *   struct item_iter it = item_iter(item);
 *   while (item_next_pair(&it, &name, &v)) ...
 */
struct item_iter {
	struct cur c;
	uint64_t left;
};

struct item_iter item_iter(struct bytes body);
bool item_next_pair(struct item_iter *it, struct bytes *name, struct value *v); /* items and maps, by name ascending */
bool item_next_value(struct item_iter *it, struct value *v);                    /* lists, in order */
bool item_next_element(struct item_iter *it, struct bytes *element);            /* sets, ascending */

/*
 * Full validation of untrusted bytes: every length, order, duplicates, canonical numbers, UTF-8 of strings and names,
 * depth, no trailing bytes.  At most ITEM_ENCODED_MAX bytes.
 */
bool item_check(struct bytes item);
bool item_check_value(struct bytes raw);

/* Size in bytes as the API accounts it: for the 400 KB limit, capacity units and the 1 MB page. */
size_t item_size(struct bytes item);
size_t item_value_size(struct value v);

bool item_value_eq(struct value a, struct value b);
/* Order of two scalars (S, N, B) of the same tag; false in *ok and 0 if they are not. */
int item_value_cmp(struct value a, struct value b, bool *ok);

/*
 * What a store keeps in front of an item: version u8 = 1, flags u8, time u64, slot u64, lock (varint length, bytes).
 */
struct item_head {
	uint8_t flags;                                   /* 0 for now; unknown flags are refused */
	uint64_t time_us;                                /* hybrid timestamp, microseconds */
	uint64_t slot;                                   /* log slot that wrote the item */
	struct bytes lock;                               /* of a transaction (lock.h); empty for none */
};

#define ITEM_HEAD_VERSION 1
#define ITEM_LOCK_MAX (ITEM_ENCODED_MAX + ((size_t)16 << 10)) /* it holds the new image */

void item_head_put(struct buf *b, const struct item_head *h);
bool item_head_get(struct cur *c, struct item_head *out); /* false and c->bad if malformed or of another version */

#endif
