/*
 * table: a table's definition, as everyone holds it: an item whose attributes are those of the API's TableDescription in plain form
 * (TableName S, KeySchema L of M, AttributeDefinitions L of M, BillingModeSummary M, ...), and, with names that the API cannot have,
 *   _id      N  never reused
 *   _schema  N  version of the definition, counted up by every change; requests carry it, and nodes refuse stale ones
 * Whatever else is in it survives, so that a later version's attributes pass through an older program.
 * Does not: validate a CreateTable (the router does), know partitions.
 */
#ifndef COMMON_TABLE_H
#define COMMON_TABLE_H

#include "bytes.h"
#include "key.h"

#define TABLE_NAME_MAX 255
#define TABLE_NAME_MIN 3
#define TABLE_DEFINITION_MAX (256u << 10)
#define TABLE_CATALOGUE_ID 1u                            /* the catalogue's own table and group */
#define TABLE_CATALOGUE_GROUP 1u

enum table_status { TABLE_CREATING = 1, TABLE_ACTIVE, TABLE_UPDATING, TABLE_DELETING };

struct table {
	uint64_t id;
	uint32_t schema;
	enum table_status status;
	struct bytes name;                               /* points into definition */
	struct key_schema key;                           /* names point into definition */
	struct bytes definition;                         /* owned */
};

/* Parses a definition (copied).  False if it is not one; then t is empty. */
bool table_init(struct table *t, struct bytes definition);
void table_fini(struct table *t);

const char *table_status_name(enum table_status s);      /* "ACTIVE" */

/* The catalogue's own schema: partition key "pk" S, sort key "sk" S.  Constant. */
const struct key_schema *table_catalogue_key(void);

/* The name in a TableName parameter, which may be an ARN (arn:aws:dynamodb:region:account:table/NAME); not checked further. */
struct bytes table_name_of(struct bytes name_or_arn);
/* 1..TABLE_NAME_MAX characters of a-z A-Z 0-9 _ . - */
bool table_name_ok(struct bytes name);

/* The definition as TableDescription: a JSON object with every attribute but those that begin with _. */
struct json_write;
void table_write(struct json_write *w, struct bytes definition);

#endif
