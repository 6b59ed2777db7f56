/*
 * op_index_spec: what requests say about secondary indexes (CreateTable, UpdateTable), from JSON to numbers and views, and the
 * constraints of the API's model for that.
 * Does not: know what may be combined (op_index.h), or tables that exist.
 */
#ifndef ROUTER_OP_INDEX_SPEC_H
#define ROUTER_OP_INDEX_SPEC_H

#include "index.h"
#include "op_table_model.h"

#define OP_INDEX_SCHEMA_MAX (2 * INDEX_KEY_PARTS_MAX)
#define OP_INDEX_INCLUDED_MAX 20                 /* NonKeyAttributes of one index: of the model */
#define OP_INDEX_UPDATES_MAX 32                  /* of a request, that are looked at: one for each index, and then some */

enum op_index_action { OP_INDEX_UPDATE = 1, OP_INDEX_CREATE = 2, OP_INDEX_DELETE = 4 };

/* Views of the request's text. */
struct op_index_spec {
	unsigned actions;                        /* of GlobalSecondaryIndexUpdates: which are given */
	struct bytes name;                       /* p NULL: not given, here and below */
	bool schema_given, projection_given, included_given;
	struct op_table_pair schema[OP_INDEX_SCHEMA_MAX];
	struct bytes projection, included[OP_INDEX_INCLUDED_MAX];       /* ProjectionType, NonKeyAttributes */
	size_t schemas, nincluded;               /* as many as were there */
	struct op_table_throughput t;
};

struct op_index_list {
	struct op_index_spec *v;                 /* owned; NULL: no list was given */
	size_t n, kept;                          /* as many as were there, and as many as v holds */
};

/* A list of indexes: LocalSecondaryIndexes, GlobalSecondaryIndexes; of at most max of them more than the number is known. */
enum djson_result op_index_spec_read(struct json_read *r, struct op_index_list *list, size_t max, struct djson_error *e);
/* GlobalSecondaryIndexUpdates. */
enum djson_result op_index_spec_read_updates(struct json_read *r, struct op_index_list *list, struct djson_error *e);
void op_index_spec_free(struct op_index_list *list);

/* Constraints that fail are told to api_constraint; where: "globalSecondaryIndexes"; keys: elements of a KeySchema at most. */
void op_index_spec_test(struct api_req *q, const char *where, const struct op_index_list *list, size_t keys);
void op_index_spec_test_updates(struct api_req *q, const struct op_index_list *list);

/* How many elements of the KeySchema are kept, and how many of NonKeyAttributes. */
size_t op_index_spec_keys(const struct op_index_spec *x);
size_t op_index_spec_included(const struct op_index_spec *x);

#endif
