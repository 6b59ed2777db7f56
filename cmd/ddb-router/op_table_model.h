/*
 * op_table_model: structures of the operations on tables, as the service's model has them: read from JSON, and their constraints.
 * Does not: know which operation wants them.
 */
#ifndef ROUTER_OP_TABLE_MODEL_H
#define ROUTER_OP_TABLE_MODEL_H

#include "api.h"

#define OP_TABLE_WHERE_MAX 160                   /* "globalSecondaryIndexUpdates.1.member.create.indexName" */

struct op_table_pair {
	struct bytes a, b;                       /* attribute and type, attribute and kind of key, tag and value; p NULL: not given */
};

struct op_table_number {
	bool given;
	int64_t v;
};

struct op_table_throughput {                     /* asked for, of a table or of an index */
	bool units_given, limits_given, warm_given;
	struct op_table_number read, write;      /* ProvisionedThroughput */
	struct op_table_number max_read, max_write;      /* OnDemandThroughput */
	struct op_table_number warm_read, warm_write;    /* WarmThroughput */
};

/* --- reading ------------------------------------------------------------------------------------------------------ */

struct op_table_field {
	const char *name;
	enum json_token want;                    /* JSON_STRING, JSON_NUMBER, JSON_TRUE; of others, `read` reads a value that is not null */
	enum djson_result (*read)(struct json_read *r, void *to, struct djson_error *e);
	void *to;
	bool given, b;
	struct bytes s;
	int64_t i;
};

#define OP_TABLE_FIELD(name, want) { name, want, NULL, NULL, false, false, { NULL, 0 }, 0 }
#define OP_TABLE_FIELD_OF(name, read, to) { name, JSON_OBJECT, read, to, false, false, { NULL, 0 }, 0 }

enum djson_result op_table_model_syntax(struct djson_error *e);
/* One structure; members it does not know are ignored. */
enum djson_result op_table_model_read(struct json_read *r, struct op_table_field *f, size_t n, struct djson_error *e);
/* A list of structures of two strings, or of strings.  *n: how many there are; those beyond max are not kept. */
enum djson_result op_table_model_read_pairs(struct json_read *r, const char *a, const char *b, struct op_table_pair *out, size_t max,
                                            size_t *n, struct djson_error *e);
enum djson_result op_table_model_read_strings(struct json_read *r, struct bytes *out, size_t max, size_t *n, struct djson_error *e);
/* What the names say, into a struct op_table_throughput. */
enum djson_result op_table_model_read_units(struct json_read *r, void *throughput, struct djson_error *e);
enum djson_result op_table_model_read_limits(struct json_read *r, void *throughput, struct djson_error *e);
enum djson_result op_table_model_read_warm(struct json_read *r, void *throughput, struct djson_error *e);

/* --- constraints: what fails is told to api_constraint ------------------------------------------------------------ */

/* A required name of an attribute. */
void op_table_model_test_name(struct api_req *q, const char *where, struct bytes name);
/* A required member of an enumeration; set: "Member must satisfy enum value set: [..]". */
void op_table_model_test_word(struct api_req *q, const char *where, struct bytes v, const char *const *words, const char *set);
/* A KeySchema of n elements, of which max are kept; more than most are refused. */
void op_table_model_test_schema(struct api_req *q, const char *where, const struct op_table_pair *schema, size_t n, size_t max,
                                size_t most);
/* ProvisionedThroughput, if it is given. */
void op_table_model_test_units(struct api_req *q, const char *where, const struct op_table_throughput *t);

#endif
