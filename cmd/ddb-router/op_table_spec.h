/*
 * op_table_spec: what requests say about tables (CreateTable, UpdateTable), their tags, time to live and backups, from JSON to numbers
 * and views, and the constraints of the API's model for tables.
 * Does not: know tables that exist, or what may be combined.
 */
#ifndef ROUTER_OP_TABLE_SPEC_H
#define ROUTER_OP_TABLE_SPEC_H

#include "op_index_spec.h"

#define OP_TABLE_DEFINITIONS_MAX (2 + INDEX_LOCAL_MAX + INDEX_GLOBAL_MAX * OP_INDEX_SCHEMA_MAX)
#define OP_TABLE_SCHEMA_MAX 8                    /* read; more than 2 are refused */
#define OP_TABLE_TAGS_MAX 50                     /* of a table */
#define OP_TABLE_TAGS_READ_MAX 100               /* of a request; what is beyond is counted */

/* Views of the request's text.  Whether a member as a whole is given, q->m says. */
struct op_table_spec {
	struct op_table_pair definition[OP_TABLE_DEFINITIONS_MAX], schema[OP_TABLE_SCHEMA_MAX], tag[OP_TABLE_TAGS_READ_MAX];
	size_t definitions, schemas, tags;       /* as many as were there; TagKeys are tags without a value */
	struct op_table_throughput t;
	struct op_index_list local, global, updates;
	bool stream_given, stream;               /* StreamEnabled */
	struct bytes view;                       /* StreamViewType */
	bool sse_given, sse;                     /* Enabled */
	struct bytes sse_type, sse_key;
	bool ttl_given, ttl;                     /* TimeToLiveSpecification: Enabled */
	struct bytes ttl_attribute;
	bool recovery_given, recovery;           /* PointInTimeRecoveryEnabled */
	struct op_table_number recovery_days;
	size_t replica_updates;
	struct bytes name;                       /* from here on op_table_edit's */
	enum result (*change)(struct api_req *q, struct bytes old);
	void (*changed)(struct api_req *q, struct bytes definition);
};

/* A row's op->read (and op->test, op_table_spec_test): into q->own, a struct op_table_spec made when first needed. */
enum djson_result op_table_spec_read(struct api_req *q, enum api_member m, struct json_read *r, struct djson_error *e);
struct op_table_spec *op_table_spec_of(struct api_req *q);

#endif
