/*
 * table: the definition of a table.  In the catalogue, in messages and in caches it is an item (item.h); attributes are
 * named as in the API's TableDescription where one exists, those of ours are Id, Version and Schema (numbers).
 *   TableName  TableStatus  TableArn  CreationDateTime  KeySchema  AttributeDefinitions  BillingMode
 *   ProvisionedThroughput  WarmThroughput
 *   TimeToLive, if it was ever asked for: a map of AttributeName (string), Enabled (boolean) and, ours, Changed (number: when
 *   that was, milliseconds since 1970)
 * Whatever else the item holds is passed through, so that later versions' attributes survive older processes.
 * Does not: read a clock, decide defaults, check the API's rules beyond the bounds here.
 */
#ifndef COMMON_TABLE_H
#define COMMON_TABLE_H

#include "item.h"
#include "item_build.h"
#include "key.h"

#define TABLE_NAME_MAX 255
#define TABLE_ARN_MAX 1024
#define TABLE_UNITS_MAX ((uint64_t)1 << 53)              /* of any throughput */
#define TABLE_TTL_MAX 255                                /* bytes of the attribute's name */
#define TABLE_DEFINITION_MAX ((size_t)256 << 10)         /* bytes of the item */

enum table_status { TABLE_CREATING, TABLE_ACTIVE, TABLE_UPDATING, TABLE_DELETING };
enum table_billing { TABLE_PROVISIONED, TABLE_PAY_PER_REQUEST };

struct table {
	uint64_t id;                                     /* > 0, never reused */
	uint64_t version;                                /* > 0, of this definition; grows with every change of it */
	uint32_t schema;                                 /* > 0, of what requests depend on; nodes refuse older ones */
	struct bytes name;                               /* 1..TABLE_NAME_MAX of a-z A-Z 0-9 _ - ., after a # if it is our own */
	enum table_status status;
	enum table_billing billing;
	struct key_schema key;                           /* hash_n = 1, n = 1 or 2; of our own: hash_n to KEY_HASH_PARTS_MAX, n to KEY_PARTS_MAX */
	uint64_t created_ms;                             /* since 1970 */
	uint64_t read_units, write_units;                /* provisioned */
	uint64_t warm_read, warm_write;                  /* 0: not asked for */
	struct bytes arn;
	struct bytes ttl;                                /* the attribute that says when an item expires; empty: none does */
	struct bytes definition;                         /* the item all this is from; empty in a new one */
	bool owned;                                      /* definition is ours */
};

/*
 * Read definition, from anybody; makes a copy that the views of t point into.  False leaves t zeroed.
 */
bool table_init(struct table *t, struct bytes definition);
void table_fini(struct table *t);

/*
 * Make the item of t: its fields, then whatever t->definition holds beside them.  AttributeDefinitions of the
 * definition are kept if there are any.  The result is item_build_view(b), valid if item_build_ok(b).
 */
void table_build(struct item_build *b, const struct table *t);

bool table_name_ok(struct bytes name);                   /* as the API wants it: 3..255 characters */
const char *table_status_name(enum table_status s);      /* "ACTIVE" */
const char *table_billing_name(enum table_billing b);    /* "PAY_PER_REQUEST" */
bool table_name_like(struct bytes name);                 /* at least one character, and none that no name has */
/* arn:aws:dynamodb:REGION:ACCOUNT:table/NAME, appended. */
void table_arn(struct buf *out, const char *region, const char *account, struct bytes name);

#endif
