/*
 * item_edit: a changed copy of an item, and the arithmetic of sets.
 * Semantics: paths refer to the item as it was before (so two removals from one list do not shift each other).
 * Does not: evaluate expressions; the caller gives the new values.
 */
#ifndef COMMON_ITEM_EDIT_H
#define COMMON_ITEM_EDIT_H

#include "item.h"

#define ITEM_EDITS_MAX 2048

/* One step of a path: an attribute or map entry by name, or a list element by index. */
struct item_step {
	struct bytes name;
	uint32_t index;
	bool is_index;
};

struct item_edit {
	const struct item_step *steps;                   /* the first is a name */
	size_t steps_n;                                  /* 1..ITEM_DEPTH_MAX + 1 */
	struct bytes raw;                                /* the new value's encoding; empty: remove */
};

enum item_edit_result {
	ITEM_EDIT_OK,
	ITEM_EDIT_PATH,                                  /* "The document path provided .. is invalid for update" */
	ITEM_EDIT_OVERLAP,                               /* one path is, or is inside, another */
	ITEM_EDIT_DEPTH,                                 /* the result would nest too deep */
};

/* Value at a path; false and ITEM_NONE if there is none. */
bool item_edit_find(struct bytes item, const struct item_step *steps, size_t n, struct value *out);

/*
 * Append to out the item with all edits made at once.  Setting an index past a list's end appends; several append in
 * the order of their indexes.  Removing what is absent from an existing container changes nothing; any other step
 * through something absent or of another type is ITEM_EDIT_PATH.  On a result other than OK out is as it was.
 */
enum item_edit_result item_edit(struct buf *out, struct bytes item, const struct item_edit *edits, size_t n);

/*
 * Append to out the encoded union, or difference (a without b), of two sets of one type.  A difference may be empty,
 * and no set is: then nothing is appended.  False then, and if a and b are not sets of one type.
 */
bool item_edit_union(struct buf *out, struct value a, struct value b);
bool item_edit_minus(struct buf *out, struct value a, struct value b);

/* Append the encoding of the list a followed by the list b. */
void item_edit_concat(struct buf *out, struct value a, struct value b);

/* Append the encoding of an N. */
void item_edit_num(struct buf *out, const struct num *n);

#endif
