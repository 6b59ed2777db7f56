/*
 * define: what the readers of definitions (table.h, index.h) share.  A definition is an item; these read attributes of it, or
 * of a map in it.
 * Does not: decide what must be there.
 */
#ifndef COMMON_DEFINE_H
#define COMMON_DEFINE_H

#include "item.h"
#include "key.h"

#define DEFINE_NAME_MAX 255                              /* bytes of the name of an attribute of a key */

/* Each of these returns false if the attribute is there and is not what it should be; *out is empty or 0 if it is not there. */
bool define_s(struct bytes item, const char *name, struct bytes *out);
bool define_u64(struct bytes item, const char *name, uint64_t max, uint64_t *out);
bool define_list(struct bytes item, const char *name, struct bytes *body);

/* The place in words of a string that must be there. */
bool define_word(struct bytes item, const char *name, const char *const *words, size_t n, unsigned *out);
/*
 * KeySchema of item, with the types that definitions (the body of AttributeDefinitions) gives: one HASH or more, then RANGE, at
 * most KEY_PARTS_MAX.  False: it is missing or is no such schema.
 */
bool define_key(struct bytes item, struct bytes definitions, struct key_schema *out);

#endif
