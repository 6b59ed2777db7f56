/*
 * data_schema: a table's description as clients see it, and the request that makes such a table again.
 *
 * The first line of a dump is that request, CreateTable's body, with two members of ours in front:
 *	{"DumpVersion":1,"Items":"typed","TableName":"music","AttributeDefinitions":[..],"KeySchema":[..],..}
 * Does not: talk to anybody.
 */
#ifndef DDB_DATA_SCHEMA_H
#define DDB_DATA_SCHEMA_H

#include "json.h"
#include "key.h"

#define DATA_SCHEMA_DUMP_VERSION 1
#define DATA_SCHEMA_MESSAGE_MAX 256

struct data_schema {
	struct buf text;                                 /* the description, JSON, verbatim */
	struct key_schema key;                           /* n is 0 before reading; names owned */
};

/* A copy of a TableDescription.  False: it has no keys that make sense. */
bool data_schema_read(struct data_schema *s, struct bytes table);
void data_schema_fini(struct data_schema *s);

bool data_schema_is(const struct data_schema *s, const char *status); /* TableStatus */
/* The text of a member, a string's without quotes; "" if there is none.  To be freed. */
char *data_schema_text(struct bytes object, const char *name);
/* The type of an attribute that some key has: ITEM_S, ITEM_N, ITEM_B, or ITEM_NONE. */
uint8_t data_schema_type(const struct data_schema *s, const char *attribute);

/* The description of index i, from 0, local ones first; *global: it cannot be read consistently.  False: there is none. */
bool data_schema_index(const struct data_schema *s, size_t i, struct bytes *index, bool *global);
bool data_schema_find(const struct data_schema *s, const char *name, struct bytes *index, bool *global);
/* Its keys, to be freed with data_schema_free_key: those of the partition key, then those of the sort key. */
bool data_schema_index_key(const struct data_schema *s, struct bytes index, struct key_schema *key);
void data_schema_free_key(struct key_schema *key);

/* The first line of a dump, with its newline. */
void data_schema_line(const struct data_schema *s, bool typed, struct buf *out);

/* Is line such a line, or the body of a CreateTable?  *typed: what its dump says of the items, false if nothing. */
bool data_schema_is_line(struct bytes line, bool *typed);

/*
 * What of line belongs in a CreateTable of another name, as members of an open object; BillingMode, throughput and
 * the warm throughput are left out if the caller has his own.  False with a message if line is from a later version or
 * no object.
 */
bool data_schema_members(struct json_write *w, struct bytes line, bool own_billing, bool own_warm,
                         char message[DATA_SCHEMA_MESSAGE_MAX]);

/* "artist (S), song (S)"; if several are the partition key, "country (S), city (S) / year (N)" */
void data_schema_key_text(const struct key_schema *key, struct buf *out);
/* What an index has of items: "all", "keys", "year,title" */
void data_schema_projection_text(struct bytes index, struct buf *out);

#endif
