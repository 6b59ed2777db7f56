/*
 * key: the ordered bytes under which an item is stored.  Format: ddb-item(5).
 *
 *   key        hash (16 bytes), then components: the partition key's, the sort key's (of an index up to 4 + 4, then
 *              the base key's)
 *   component  type tag (ITEM_S, ITEM_N, ITEM_B), then S B: bytes with 00 written as 00 ff, then 00 01
 *                                                    N:   the number's encoding, which ends itself
 *
 * Bytes of keys of one schema compare as the API orders items: by hash, then component by component.
 *
 * In the map of a group there are two more kinds of keys:
 *   local   of a row of a local index: KEY_LOCAL | its id after the first component; so behind the items with that partition key
 *   own     of what the group notes for itself: at most KEY_HASH_N bytes
 * Source: the hash is MD5 over "Outliers" and the key, as others have observed of the service's scans; no contract.
 * Does not: read JSON, know tables.
 */
#ifndef COMMON_KEY_H
#define COMMON_KEY_H

#include "bytes.h"
#include "item.h"
#include "item_build.h"

#define KEY_HASH_N 16
#define KEY_LOCAL 0x80                                   /* no component begins with such a byte */
#define KEY_PARTS_MAX 10                                 /* an index's 4 + 4, then the base key's 2 */
#define KEY_HASH_PARTS_MAX 4                             /* of these, in a partition key */
#define KEY_PARTITION_BYTES_MAX 2048                     /* of a partition key attribute */
#define KEY_SORT_BYTES_MAX 1024                          /* of all sort key attributes */
#define KEY_BYTES_MAX ((size_t)32 << 10)                 /* of a key: no valid one is longer */

struct key_part {
	struct bytes name;
	uint8_t tag;                                     /* ITEM_S, ITEM_N or ITEM_B */
};

/* The first hash_n parts are hashed; a table's schema has hash_n = 1 and n = 1 or 2. */
struct key_schema {
	struct key_part part[KEY_PARTS_MAX];
	uint8_t n, hash_n;
};

enum key_result {
	KEY_OK,
	KEY_MISSING,
	KEY_WRONG_TYPE,
	KEY_EMPTY,
	KEY_PARTITION_TOO_LARGE,
	KEY_SORT_TOO_LARGE,
	KEY_EXTRA,                                       /* attributes beyond the key's; key_of_exact only */
};

/* A digest context to reuse; one a thread. */
struct key_hasher;
struct key_hasher *key_hasher_new(void);
void key_hasher_free(struct key_hasher *h);

/*
 * Hash of a partition key of n scalars: MD5 of "Outliers" and the bytes of the only value (a number's encoding), or of
 * their n components.
 */
void key_hash(struct key_hasher *h, const struct value *v, size_t n, uint8_t out[KEY_HASH_N]);

/* Append hash and component of a one-attribute partition key; then key_add for each further component. */
void key_begin(struct buf *out, struct key_hasher *h, struct value v);
void key_add(struct buf *out, struct value v);
/* Append an open component: keys that start with it are those whose component begins with v (S or B). */
void key_add_prefix(struct buf *out, struct value v);

/*
 * Append the key of an item, or of a Key parameter that may hold nothing else (exact).  On another result out is as it
 * was, and *part is the index in s of the part to blame (for KEY_EXTRA: s->n).
 */
enum key_result key_of_item(struct buf *out, struct key_hasher *h, const struct key_schema *s, struct bytes item,
                            size_t *part);
enum key_result key_of_exact(struct buf *out, struct key_hasher *h, const struct key_schema *s, struct bytes item,
                             size_t *part);
/* Does a part before part i have its name?  An index's base key may repeat attributes of its own. */
bool key_repeats(const struct key_schema *s, size_t i);
/* The limits on one attribute: type, not empty, partition (sort = false) or sort size. */
enum key_result key_check(const struct key_part *p, struct value v, bool sort);
/* What the API says of a key that is too large: sort attributes, or a partition key attribute. */
const char *key_too_large(bool sort);

/* Append hash and components of a partition key of n attributes. */
void key_begin_all(struct buf *out, struct key_hasher *h, const struct value *v, size_t n);

static inline bool key_is_own(struct bytes key)
{
	return key.n <= KEY_HASH_N;
}
/* How long the hash and the first component of a key are; 0: malformed. */
size_t key_partition_n(struct bytes key);
/* Pass over a component (not checked further than its end is found); false: malformed. */
bool key_skip(struct cur *c);
/* The id of the local index of which the row with this key is; 0: none. */
unsigned key_local(struct bytes key);

/*
 * Take a key apart.  Appends the values' encodings to scratch, to which parts then point (until its next put).
 * Returns the number of components, or 0 if key is malformed, not canonical, or has more than max.  A local key has the same
 * components as if it had no KEY_LOCAL in it: partition key, sort key of the index, sort key of the item.
 */
size_t key_decode(struct bytes key, struct buf *scratch, struct value *parts, size_t max);
/* The key's attributes under s's names: named entries into an open item or map of b.  False if key is not of s. */
bool key_attributes(struct item_build *b, const struct key_schema *s, struct bytes key);

/*
 * Append the smallest key greater than every key that starts with prefix.  False if there is none (prefix is empty or
 * all ff): then the range has no upper bound.
 */
bool key_after(struct buf *out, struct bytes prefix);

#endif
