/*
 * api: one request of a user, from its bytes to its answer.
 *
 *   api.c         authentication, dispatch, the pool of requests     api_parse.c   the members of a request, one pass
 *   api_answer.c  answers and refusals                               api_expr.c    its expressions
 *   api_capacity.c  what it has consumed
 *   api_route.c   its table, found as D9 wants                 api_admin.c   questions to the control plane
 *   api_ops.c     the table of operations                            op_*.c        the operations
 *   auth.c        who asks                                         api_arn.c     ARNs
 *
 * An operation is a row of the table in api_ops.c and a function `run`, which is called when the request is authentic and its members
 * have their JSON types and meet their constraints.  It ends, now or later, in exactly one api_end, api_refuse, api_fail or api_error.
 * Order in which mistakes are reported: shape, names, expressions, table, item.
 */
#ifndef ROUTER_API_H
#define ROUTER_API_H

#include "djson.h"
#include "expr.h"
#include "json.h"
#include "msg.h"
#include "router.h"

#define API_INFLIGHT_DEFAULT 8192
#define API_ACCOUNT "000000000000"               /* of everybody */
#define API_NAMES_MAX 255                        /* AttributesToGet of a request */
#define API_PAGE_BYTES_MAX (1u << 20)            /* of a Query or Scan page, as the API counts */

struct api;
struct api_req;
struct legacy;

/* --- members ------------------------------------------------------------------------------------------------------ */

enum api_kind {
	API_KIND_STRING,                         /* .s */
	API_KIND_BOOL,                           /* .i: 0 or 1 */
	API_KIND_INT,                            /* .i */
	API_KIND_ITEM,                           /* .s: a binary item; no operation knows two of Item, Key, ExclusiveStartKey */
	API_KIND_NAMES,                          /* into q->subst */
	API_KIND_VALUES,                         /* into q->subst */
	API_KIND_STRINGS,                        /* q->names: AttributesToGet */
	API_KIND_OWN,                            /* op->read reads it */
	API_KIND_LEGACY,                         /* into q->legacy */
};

/* M(id, name, kind); sorted by name */
#define API_MEMBERS(M)                                                                                                 \
	M(ATTRIBUTE_DEFINITIONS, "AttributeDefinitions", OWN)                                                          \
	M(ATTRIBUTE_UPDATES, "AttributeUpdates", LEGACY)                                                               \
	M(ATTRIBUTES_TO_GET, "AttributesToGet", STRINGS)                                                               \
	M(BILLING_MODE, "BillingMode", STRING)                                                                         \
	M(CLIENT_REQUEST_TOKEN, "ClientRequestToken", STRING)                                                          \
	M(CONDITION_EXPRESSION, "ConditionExpression", STRING)                                                         \
	M(CONDITIONAL_OPERATOR, "ConditionalOperator", STRING)                                                         \
	M(CONSISTENT_READ, "ConsistentRead", BOOL)                                                                     \
	M(DELETION_PROTECTION, "DeletionProtectionEnabled", BOOL)                                                      \
	M(EXCLUSIVE_START_KEY, "ExclusiveStartKey", ITEM)                                                              \
	M(EXCLUSIVE_START_TABLE_NAME, "ExclusiveStartTableName", STRING)                                               \
	M(EXPECTED, "Expected", LEGACY)                                                                                \
	M(EXPRESSION_NAMES, "ExpressionAttributeNames", NAMES)                                                         \
	M(EXPRESSION_VALUES, "ExpressionAttributeValues", VALUES)                                                      \
	M(FILTER_EXPRESSION, "FilterExpression", STRING)                                                               \
	M(GLOBAL_INDEX_UPDATES, "GlobalSecondaryIndexUpdates", OWN)                                                    \
	M(GLOBAL_INDEXES, "GlobalSecondaryIndexes", OWN)                                                               \
	M(GLOBAL_TABLE_SETTINGS, "GlobalTableSettingsReplicationMode", STRING)                                         \
	M(GLOBAL_TABLE_SOURCE, "GlobalTableSourceArn", STRING)                                                         \
	M(GLOBAL_TABLE_WITNESSES, "GlobalTableWitnessUpdates", OWN)                                                    \
	M(INDEX_NAME, "IndexName", STRING)                                                                             \
	M(ITEM, "Item", ITEM)                                                                                          \
	M(KEY, "Key", ITEM)                                                                                            \
	M(KEY_CONDITION_EXPRESSION, "KeyConditionExpression", STRING)                                                  \
	M(KEY_CONDITIONS, "KeyConditions", LEGACY)                                                                     \
	M(KEY_SCHEMA, "KeySchema", OWN)                                                                                \
	M(LIMIT, "Limit", INT)                                                                                         \
	M(LOCAL_INDEXES, "LocalSecondaryIndexes", OWN)                                                                 \
	M(MULTI_REGION, "MultiRegionConsistency", STRING)                                                              \
	M(NEXT_TOKEN, "NextToken", STRING)                                                                             \
	M(ON_DEMAND_THROUGHPUT, "OnDemandThroughput", OWN)                                                             \
	M(POINT_IN_TIME, "PointInTimeRecoverySpecification", OWN)                                                      \
	M(PROJECTION_EXPRESSION, "ProjectionExpression", STRING)                                                       \
	M(PROVISIONED_THROUGHPUT, "ProvisionedThroughput", OWN)                                                        \
	M(QUERY_FILTER, "QueryFilter", LEGACY)                                                                         \
	M(REPLICA_UPDATES, "ReplicaUpdates", OWN)                                                                      \
	M(REQUEST_ITEMS, "RequestItems", OWN)                                                                          \
	M(RESOURCE_ARN, "ResourceArn", STRING)                                                                         \
	M(RESOURCE_POLICY, "ResourcePolicy", STRING)                                                                   \
	M(RETURN_CONSUMED_CAPACITY, "ReturnConsumedCapacity", STRING)                                                  \
	M(RETURN_COLLECTION_METRICS, "ReturnItemCollectionMetrics", STRING)                                            \
	M(RETURN_VALUES, "ReturnValues", STRING)                                                                       \
	M(RETURN_VALUES_ON_FAILURE, "ReturnValuesOnConditionCheckFailure", STRING)                                     \
	M(SSE, "SSESpecification", OWN)                                                                                \
	M(SCAN_FILTER, "ScanFilter", LEGACY)                                                                           \
	M(SCAN_INDEX_FORWARD, "ScanIndexForward", BOOL)                                                                \
	M(SEGMENT, "Segment", INT)                                                                                     \
	M(SELECT, "Select", STRING)                                                                                    \
	M(STREAM, "StreamSpecification", OWN)                                                                          \
	M(TABLE_CLASS, "TableClass", STRING)                                                                           \
	M(TABLE_NAME, "TableName", STRING)                                                                             \
	M(TAG_KEYS, "TagKeys", OWN)                                                                                    \
	M(TAGS, "Tags", OWN)                                                                                           \
	M(TIME_TO_LIVE, "TimeToLiveSpecification", OWN)                                                                \
	M(TOTAL_SEGMENTS, "TotalSegments", INT)                                                                        \
	M(TRANSACT_ITEMS, "TransactItems", OWN)                                                                        \
	M(UPDATE_EXPRESSION, "UpdateExpression", STRING)                                                               \
	M(WARM_THROUGHPUT, "WarmThroughput", OWN)

enum api_member {
	API_NO_MEMBER,                           /* ends a list */
#define M(id, name, kind) API_##id,
	API_MEMBERS(M)
#undef M
	API_MEMBERS_N
};
#define API_REQUIRED 0x80                        /* in a list: "Member must not be null" */

struct api_value {
	bool given;                              /* and not null */
	struct bytes s;
	int64_t i;
};

struct api_op {
	const char *name;                        /* "PutItem" */
	void (*run)(struct api_req *q);          /* NULL: known to the real service, not to this one */
	const uint8_t *members;                  /* those it knows, constraints reported in this order; ends with API_NO_MEMBER */
	/*
	 * Reads the value of a member of kind OWN: r->token is its first token, and its last afterwards.  Serialisation errors are
	 * returned with e filled in; constraint errors go to api_constraint, others to api_invalid.
	 */
	enum djson_result (*read)(struct api_req *q, enum api_member m, struct json_read *r, struct djson_error *e);
	void (*test)(struct api_req *q);         /* or NULL: constraints of what read has read, to api_constraint */
};

/* --- a request ---------------------------------------------------------------------------------------------------- */

enum api_prog { API_PROG_CONDITION, API_PROG_FILTER, API_PROG_PROJECTION, API_PROG_UPDATE, API_PROGS };

struct api_req {
	struct api *api;
	struct router *r;
	struct http_req *http;
	const struct api_op *op;
	uint64_t start_us, deadline_ms;

	struct api_value m[API_MEMBERS_N];
	struct bytes *names;                     /* AttributesToGet, API_NAMES_MAX of room once used */
	size_t names_n;
	struct expr_subst subst;
	struct legacy *legacy;                   /* NULL: none of these is given */
	unsigned constraints;                    /* how many failed */

	/* From api_table on. */
	struct bytes table_name;
	struct route_table *table;               /* held */
	void (*routed)(struct api_req *q);
	struct bytes prog[API_PROGS];            /* compiled expressions; empty: none */
	struct expr_key_condition key_condition;
	struct buf key;                          /* the item's key, computed by the operation */

	/* An operation's own state: freed with own_free when the request ends. */
	void *own;
	void (*own_free)(void *own);

	/* Memory kept from request to request; private to api_*.c, but item and json may be borrowed by op->read. */
	struct json_read json;
	struct item_build item, value;           /* Item, Key or ExclusiveStartKey; one value at a time */
	struct buf values, progs[API_PROGS];
	struct buf failed, invalid;              /* constraints; the first ValidationException of another kind, told after them */
	enum result invalid_as;                  /* what `invalid` is, if not a ValidationException */
	struct api_req *next;                    /* in the pool */
	bool refresh_due, compiled;
};

/* --- api_parse.c -------------------------------------------------------------------------------------------------- */

/*
 * Read the body into q->m and the rest.  False after answering: a serialisation error, failed constraints, invalid values.
 */
bool api_parse(struct api_req *q, struct bytes body);
/*
 * One more failed constraint: "Value 'x' at 'limit' failed to satisfy constraint: Member must ...".
 *   where  "tableName"; value  BYTES_NONE with p NULL: null; cut if long; what  "Member must ..."
 */
void api_constraint(struct api_req *q, const char *where, struct bytes value, const char *what);
/* False after answering, if constraints failed or a value was invalid. */
bool api_settled(struct api_req *q);
void api_invalid(struct api_req *q, const char *fmt, ...) __attribute__((format(printf, 2, 3)));  /* the first one counts */
bool api_is(const struct api_req *q, enum api_member m, const char *value);      /* given, and this */
bool api_true(const struct api_req *q, enum api_member m, bool otherwise);
const char *api_member_name(enum api_member m);
/* Helpers for op->read: a value of the wanted JSON type, or DJSON_SERIALIZATION.  null leaves *out as it is and *given false. */
enum djson_result api_read_string(struct json_read *r, struct bytes *out, bool *given, struct djson_error *e);
enum djson_result api_read_int(struct json_read *r, int64_t *out, bool *given, struct djson_error *e);
enum djson_result api_read_bool(struct json_read *r, bool *out, bool *given, struct djson_error *e);
/* AttributesToGet, n <= API_NAMES_MAX: no name is empty, too long, or there twice.  Else api_invalid is told. */
void api_names_check(struct api_req *q, const struct bytes *names, size_t n);
/* Substitutions of s; values are encoded into values, to which s points (views: until values or the request ends). */
enum djson_result api_read_names(struct api_req *q, struct json_read *r, struct expr_subst *s, struct djson_error *e);
enum djson_result api_read_values(struct api_req *q, struct json_read *r, struct expr_subst *s, struct buf *values,
                                  struct djson_error *e);

/* --- api_route.c, api_expr.c -------------------------------------------------------------------------------------- */

/*
 * Compile the request's expressions, find its table (q->m[API_TABLE_NAME], a name or an ARN), and go on with next; q->table is then
 * an active table.  Refuses what is wrong.
 */
void api_table(struct api_req *q, void (*next)(struct api_req *q));
/* The key is known: tells memds about this request, if the table came from the cache.  api_table's next calls it once. */
void api_routed(struct api_req *q, struct bytes key);
/* The name inside an ARN (arn:aws:dynamodb:REGION:ACCOUNT:table/NAME), or the name itself. */
struct bytes api_table_name(struct bytes name_or_arn);
/*
 * api_arn.c: is this the ARN of a table of ours?  A TableName that is none is fine as far as this goes; a ResourceArn must be one.
 *   op  "PutItem"
 * RESULT_OK, or another result with what to say appended to text.
 */
enum result api_arn_table(struct bytes name_or_arn, const char *op, const char *region, struct buf *text);
enum result api_arn_resource(struct bytes arn, const char *op, const char *region, struct buf *text);
/* api_arn_table for this request; false: api_settled will refuse, with that alone. */
bool api_arn_ok(struct api_req *q, struct bytes name_or_arn);

/* Old and new parameters are not mixed, and no names or values without expressions.  Else false, after refusing. */
bool api_unmixed(struct api_req *q);
/* Compile what is given, into q->prog and q->key_condition; schema may be NULL (see expr.h).  False after refusing. */
bool api_compile(struct api_req *q, const struct key_schema *schema);

/*
 * Key of an item (exact = false) or of a Key parameter (exact) into q->key.  False after refusing with the API's words.
 * api_key_message is the same for other places: the text that goes with a key_result, appended.
 */
bool api_key(struct api_req *q, struct bytes item, bool exact);
void api_key_message(struct buf *out, const struct key_schema *s, enum key_result result, size_t part, struct bytes item, bool exact);

/*
 * Find the table again: what was known of it is outdated (a call ended with RESULT_STALE_SCHEMA, so nothing was done).  Goes on with
 * the function given to api_table.
 */
void api_again(struct api_req *q);

/* --- api_admin.c -------------------------------------------------------------------------------------------------- */

/*
 * A verb for autoadmin (messages.def), asked again while none is active.  verb is not copied.
 *   done  called once, later; m is empty unless autoadmin answered
 */
void api_admin(struct api_req *q, const char *verb, struct bytes name, struct bytes body, uint32_t limit,
               void (*done)(struct api_req *q, enum result result, const struct msg_admin_done *m));

/* --- api_answer.c ------------------------------------------------------------------------------------------------- */

/* The answer under construction, an open object; api_end closes it and sends.  Between the two nothing else runs. */
struct json_write *api_begin(struct api_req *q);
void api_end(struct api_req *q);
void api_answer_empty(struct api_req *q);        /* {} */

/* Refuse.  fmt NULL: the message that result.def has. */
void api_refuse(struct api_req *q, enum result result, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* A refusal of a node or of autoadmin, with its text, which may be empty. */
void api_fail(struct api_req *q, enum result result, struct bytes text);
/* The same with "Item": an item to be shown (ReturnValuesOnConditionCheckFailure). */
void api_fail_item(struct api_req *q, enum result result, struct bytes item);
/* Other errors, 400, with "Message" and what the caller adds: as api_begin and api_end. */
struct json_write *api_begin_error(struct api_req *q, const char *type, struct bytes message);
void api_end_error(struct api_req *q);
/* Errors of the front door, "com.amazon.coral.service#" types such as "SerializationException". */
void api_error(struct api_req *q, int status, const char *type, const char *message);

/* --- api_capacity.c ----------------------------------------------------------------------------------------------- */

/* What was consumed of a table and of its indexes, in halves: 1 = 0.5. */
struct api_units {
	uint64_t table;
	uint64_t *index;                         /* owned; an index of the table's set each; NULL: none of them was touched */
};

void api_units_fini(struct api_units *u);
/* Indexes that s does not have are left out: who asks has not heard of them yet. */
void api_units_index(struct api_units *u, const struct index_set *s, uint32_t id, uint64_t half_units);
/* What writing cost in the indexes: list is of index_units; times: 2 in transactions. */
void api_units_written(struct api_units *u, const struct index_set *s, struct bytes list, unsigned times);

bool api_wants_capacity(const struct api_req *q);
/* ConsumedCapacity, if the request wants it. */
void api_consumed(struct json_write *w, const struct api_req *q, struct bytes table, const struct index_set *s,
                  const struct api_units *u);
/* The object alone.  kind: NULL, or "ReadCapacityUnits", "WriteCapacityUnits": what transactions call them beside CapacityUnits. */
void api_consumed_value(struct json_write *w, const struct api_req *q, struct bytes table, const struct index_set *s,
                        const struct api_units *u, const char *kind);
uint64_t api_read_halves(uint64_t bytes, bool consistent);      /* 4 KB a unit, half if eventual; at least one step */
uint64_t api_write_halves(uint64_t bytes);                      /* 1 KB a unit */

/* ReturnItemCollectionMetrics is SIZE, and t has item collections: those of a partition key, with rows of local indexes. */
bool api_wants_collection(const struct api_req *q, const struct route_table *t);
/*
 * What there is to say of the collection of an item, the object alone: its partition key and how large it may be.
 *   item   or a Key
 *   bytes  of the partition that it is in, of which it may be all
 */
void api_collection(struct json_write *w, const struct route_table *t, struct bytes item, uint64_t bytes);

/* --- api.c -------------------------------------------------------------------------------------------------------- */

struct api_options {
	const char *credentials;                 /* path */
	unsigned inflight_max;                   /* 0: API_INFLIGHT_DEFAULT */
};

struct api *api_new(struct router *r, const struct api_options *o);     /* NULL after saying why */
void api_free(struct api *a);
void api_handle(struct http_req *req, void *arg);                       /* http's handler; arg is the api */
void api_reload(struct api *a);                                         /* the credentials, if they changed */
void api_metrics(struct api *a, struct buf *out);
const struct api_op *api_op_find(struct bytes name);                    /* NULL: no such operation */

/* --- the operations: op_table*.c, op_info.c, op_ttl.c, op_item.c, op_query.c, op_batch.c, op_tx*.c ----------------------------------------------------------------------------------------------- */

#define API_OP(op) extern const uint8_t op_##op##_members[]; void op_##op(struct api_req *q);
API_OP(table_create) API_OP(table_describe) API_OP(table_list) API_OP(table_delete) API_OP(table_update)
API_OP(tag) API_OP(tag_remove) API_OP(tag_list)
API_OP(info_endpoints) API_OP(info_limits) API_OP(info_backups) API_OP(info_backups_update)
API_OP(ttl_describe) API_OP(ttl_update)
API_OP(item_put) API_OP(item_get) API_OP(item_update) API_OP(item_delete)
API_OP(query) API_OP(query_scan)
API_OP(batch_get) API_OP(batch_write)
API_OP(tx_get) API_OP(tx_write)
void op_table_spec_test(struct api_req *q);
void op_ttl_test(struct api_req *q);
void op_info_backups_test(struct api_req *q);
enum djson_result op_table_spec_read(struct api_req *q, enum api_member m, struct json_read *r, struct djson_error *e);
enum djson_result op_batch_read(struct api_req *q, enum api_member m, struct json_read *r, struct djson_error *e);
enum djson_result op_tx_read(struct api_req *q, enum api_member m, struct json_read *r, struct djson_error *e);

#endif
