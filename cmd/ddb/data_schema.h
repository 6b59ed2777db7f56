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

/* The keys of an index, to be freed with data_schema_free_key; *global: it cannot be read consistently. */
bool data_schema_index(const struct data_schema *s, const char *name, struct key_schema *key, bool *global);
void data_schema_free_key(struct key_schema *key);

bool data_schema_is(const struct data_schema *s, const char *status); /* TableStatus */

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

/* "artist (S), song (S)" */
void data_schema_key_text(const struct key_schema *key, struct buf *out);

#endif
