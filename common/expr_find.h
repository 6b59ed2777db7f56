/*
 * expr_find: looking things up in one item, many times.
 * A text of 4 KB looks up a thousand paths, and an item of 400 KB has a hundred thousand places to pass on the way to
 * one.  So the containers that are looked into again and again get a table of where their elements are.
 * Does not: allocate for an ordinary expression on an ordinary item.
 */
#ifndef COMMON_EXPR_FIND_H
#define COMMON_EXPR_FIND_H

#include "expr_prog.h"

#define EXPR_FIND_TABLES_MAX 16                 /* more containers than these share them in turn */
#define EXPR_FIND_PLAIN_MAX 8                   /* this many look-ups go without a table */
#define EXPR_FIND_SMALL_MAX 32                  /* and all in containers of no more elements */

struct expr_find_table {
	const uint8_t *body;                    /* the container; its elements start at body + at[0], .. */
	uint32_t *at;
	size_t n;
};

struct expr_find {
	struct bytes item;                      /* BYTES_NONE: none */
	unsigned lookups;
	size_t tables_n, turn;
	struct expr_find_table table[EXPR_FIND_TABLES_MAX];
};

void expr_find_init(struct expr_find *f, struct bytes item);
void expr_find_fini(struct expr_find *f);
/* False and ITEM_NONE if there is nothing at the path. */
bool expr_find_path(struct expr_find *f, const struct expr_path *path, struct value *out);
/* Is element in the set of this body? */
bool expr_find_element(struct expr_find *f, struct bytes set, struct bytes element);

#endif
