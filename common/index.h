/*
 * index: the secondary indexes of a table, and where an item stands in them.  Source: the developer guide, "Local secondary
 * indexes", "Global secondary indexes"; DESIGN, Indexes.
 *
 * They are read from an item: a table's definition (table.h), or what a group of the table knows of it (ddb-store(5)).
 *   LocalSecondaryIndexes, GlobalSecondaryIndexes: lists of maps as in the API's TableDescription, of which these count:
 *   IndexName, KeySchema, Projection; IndexStatus and Backfilling of a global one; and, ours,
 *   Id          number, 1.. in this table, never reused; what messages and rows call it
 *   Table       string, of a global one: the name of the table that holds its rows
 *   Partitions  binary, of a global one, in groups only: list of `partition` messages of that table
 *
 * The key of an index's row (key.h):
 *   local    hash, partition key, KEY_LOCAL | Id, sort key of the index, sort key of the item: in the item's partition
 *   global   hash of the index's partition key, the components of the index's own key, those of the item's key
 * key_decode of it gives the values of struct index's key, in its order: of a local one partition key, sort key of the index, sort
 * key of the item; of a global one the index's own, then the item's.  An attribute may be in both.
 * The row is an item: the item's attributes that the index projects.
 * Does not: know rows, tell anybody.
 */
#ifndef COMMON_INDEX_H
#define COMMON_INDEX_H

#include "item.h"
#include "item_build.h"
#include "key.h"

#define INDEX_LOCAL_MAX 5
#define INDEX_GLOBAL_MAX 20
#define INDEX_MAX (INDEX_LOCAL_MAX + INDEX_GLOBAL_MAX)
#define INDEX_NAME_MAX 255
#define INDEX_KEY_PARTS_MAX KEY_HASH_PARTS_MAX           /* of a partition key, and of a sort key */
#define INDEX_PROJECTED_MAX 100                          /* NonKeyAttributes, over all indexes of a table */

enum index_projection { INDEX_ALL, INDEX_KEYS_ONLY, INDEX_INCLUDE };
enum index_status { INDEX_CREATING, INDEX_ACTIVE, INDEX_UPDATING, INDEX_DELETING };

struct index {
	uint32_t id;
	bool local;
	struct bytes name;
	struct key_schema key;                           /* own parts, then the table's: the components of a row's key */
	uint8_t own;                                     /* how many of key's parts are the index's own; key.hash_n of them hashed */
	enum index_projection projection;
	struct bytes projected[INDEX_PROJECTED_MAX + KEY_PARTS_MAX]; /* what a row may have; of ALL no more than the key */
	size_t nprojected;
	enum index_status status;                        /* ACTIVE for a local one */
	bool backfilling;
	struct bytes table;                              /* global: of its rows */
	struct bytes partitions;                         /* global: list of partition; empty in a table's definition */
};

struct index_set {
	uint64_t version;                                /* IndexVersion: of the table's definition that last changed them; 0: never */
	struct key_schema base;                          /* of the table */
	struct index *v;                                 /* owned; by id ascending */
	size_t n, locals;
	struct bytes definition;                         /* owned: what views point into */
};

/* Definition is from anybody; a copy is made.  False leaves s empty.  Without indexes: n = 0. */
bool index_set_init(struct index_set *s, struct bytes definition);
void index_set_fini(struct index_set *s);
const struct index *index_set_find(const struct index_set *s, struct bytes name);        /* NULL: none */
const struct index *index_set_of(const struct index_set *s, uint32_t id);                /* NULL: none */
const char *index_status_name(enum index_status s);      /* "ACTIVE" */

/*
 * May such an item be stored, as far as its indexes go?  Else RESULT_INVALID's text, in the API's words, is appended to why: an
 * attribute that is a key of an index has another type, is empty or too long.
 */
bool index_check(const struct index_set *s, struct bytes item, struct buf *why);
/* The same of what an update made, in its words. */
bool index_check_updated(const struct index_set *s, struct bytes item, struct buf *why);

/*
 * Append the key of the row that item, stored under base, has in x.  False: it has none (an attribute of the key is missing,
 * or is what no key can be: such an item is older than the index).
 */
bool index_key(const struct index *x, struct key_hasher *h, struct bytes base, struct bytes item, struct buf *out);
/* Append the row: item without what x does not project. */
void index_project(const struct index *x, struct bytes item, struct buf *out);
bool index_projects(const struct index *x, struct bytes attribute);
/* The key of the item whose row in the local index x has this key, appended.  False: not such a key. */
bool index_base_key(const struct index *x, struct bytes row_key, struct buf *out);

/*
 * Write units that a change of an item costs in x: one a started KB of each row deleted, written or changed, at least 1;
 * a row that stays as it was costs nothing.  n = 0: no item.
 */
uint64_t index_write_units(const struct index *x, struct bytes old, struct bytes new);

#endif
