/*
 * legacy: what came before expressions: Expected, AttributeUpdates, KeyConditions, QueryFilter, ScanFilter.
 *
 *   legacy_read.c  reads them, in the one pass of api_parse.c      legacy_check.c  what is wrong with them
 *   legacy_code.c  makes of them what expressions compile to, so that nobody else knows that they exist
 *
 * Source: Amazon DynamoDB Developer Guide, "Legacy conditional parameters"; botocore's service model for the shapes.
 * Where the guide is silent, a comment or a test names another source, or says "unconfirmed".
 * Does not: know ConditionalOperator's spelling, AttributesToGet (a projection of names), or who may be mixed with whom
 * (api_expr.c).
 */
#ifndef ROUTER_LEGACY_H
#define ROUTER_LEGACY_H

#include "api.h"

/* Our own limits: what passes them fits a program (EXPR_PROG_CODE_MAX), as expr_code.c writes it. */
#define LEGACY_ENTRIES_MAX 2048                  /* attributes of one parameter */
#define LEGACY_VALUES_MAX 4096                   /* values of a request */
#define LEGACY_BYTES_MAX EXPR_SUBST_BYTES_MAX    /* names and values of a request */

enum legacy_map { LEGACY_EXPECTED, LEGACY_UPDATES, LEGACY_KEYS, LEGACY_FILTER, LEGACY_MAPS };

enum legacy_op {
	LEGACY_NO_OP,                            /* none is given */
	LEGACY_EQ, LEGACY_NE, LEGACY_LT, LEGACY_LE, LEGACY_GT, LEGACY_GE, LEGACY_BETWEEN, LEGACY_IN, LEGACY_NOT_NULL,
	LEGACY_NULL, LEGACY_CONTAINS, LEGACY_NOT_CONTAINS, LEGACY_BEGINS_WITH,
	LEGACY_OPS
};

enum legacy_action { LEGACY_PUT, LEGACY_ADD, LEGACY_DELETE };

/* What a parameter says of one attribute. */
struct legacy_entry {
	struct bytes name;                       /* a view that lives as long as the request's JSON reader */
	enum legacy_op op;
	enum legacy_action action;
	bool value_given, list_given, exists_given, exists;
	size_t first, n;                         /* its values: those of both members, if both are given */
};

struct legacy {
	struct legacy_list { struct legacy_entry *entry; size_t n, cap; } map[LEGACY_MAPS];
	struct { size_t at, n; } *value;         /* in bytes, encoded as item.h has them */
	size_t values_n, values_cap, names_bytes;
	struct buf bytes;
	struct buf invalid;                      /* message about the first value that is none; empty: all are good */
};

void legacy_free(struct legacy *l);              /* NULL is harmless */

/* The name of an operator, as in "EQ"; of LEGACY_NO_OP: NULL. */
const char *legacy_op_name(enum legacy_op op);
struct value legacy_value(const struct legacy *l, const struct legacy_entry *e, size_t i);

/*
 * Read the value of member m into q->legacy, which is made when first needed; as op->read (api.h).  Failed constraints
 * are reported, wrong values kept for legacy_check.
 */
enum djson_result legacy_read(struct api_req *q, enum api_member m, struct json_read *r, struct djson_error *e);

/*
 * All that can be said without the table.
 *   l   NULL: none of these parameters is given
 *   op  is there a ConditionalOperator?
 * False with the message of the ValidationException.
 */
bool legacy_check(const struct legacy *l, bool op, struct buf *err);

/*
 * The programs, for what legacy_check found good: appended to prog, or nothing if the parameter has no entries.
 *   map     LEGACY_EXPECTED, LEGACY_FILTER
 *   any     ConditionalOperator is OR
 *   schema  NULL while the table is not known; for a filter also if it may name key attributes (Scan)
 * False with the message.
 */
bool legacy_condition(const struct legacy *l, enum legacy_map map, bool any, const struct key_schema *schema,
                      struct buf *prog, struct buf *err);
bool legacy_update(struct legacy *l, const struct key_schema *schema, struct buf *prog, struct buf *err);
/*
 * KeyConditions as the range that expr_compile_key_condition gives; nothing without a schema.  Its values are l's.
 *   index  it is an index that is asked, whose key may have more than two attributes
 */
bool legacy_range(const struct legacy *l, bool index, const struct key_schema *schema, struct expr_key_condition *out,
                  struct buf *err);

#endif
