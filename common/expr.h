/*
 * expr: DynamoDB's expressions, compiled by the router into a compact binary program for the node that holds the item.
 * Source: Amazon DynamoDB Developer Guide, "Using expressions in DynamoDB".
 * Does not: evaluate (expr_eval.h), look at items or tables, keep anything between calls.
 *
 * Every compile function takes the text and the request's substitutions, appends the program to prog and returns true,
 * or returns false with the message of DynamoDB's ValidationException appended to err (prog is then undefined).
 * The message begins with "Invalid <parameter>: " except where the real service has it otherwise.
 * Texts and substitutions are borrowed for the call only: a program contains all it needs.
 */
#ifndef COMMON_EXPR_H
#define COMMON_EXPR_H

#include "bytes.h"
#include "key.h"

#define EXPR_TEXT_BYTES_MAX     4096            /* of one expression */
#define EXPR_OPERATORS_MAX      300             /* AND OR NOT = <> < <= > >= BETWEEN IN + -; functions do not count */
#define EXPR_IN_MAX             100             /* operands of IN, without the one before it */
#define EXPR_ALIAS_BYTES_MAX    255             /* "#x" or ":x" */
#define EXPR_SUBST_BYTES_MAX    (2 << 20)       /* all substitutions of a request */
#define EXPR_PATH_STEPS_MAX     32              /* a.b[1] has three */
#define EXPR_DEPTH_MAX          300             /* functions inside one another */
#define EXPR_MESSAGE_BYTES_MAX  (32 << 10)      /* no message is longer: names and values in them are cut */
#define EXPR_PROJECTION_NAMES_MAX 4096
#define EXPR_PROGRAM_BYTES_MAX  (4 << 20)

/* --- substitutions: ExpressionAttributeNames and ExpressionAttributeValues of one request ------------------------ */

struct expr_alias {
	struct bytes alias;                     /* with its # or : */
	struct bytes to;                        /* the name's bytes, or the value as an item.h binary value; borrowed */
	bool used;
	uint32_t rank;                          /* names: equal for equal names, and in their order */
	uint32_t program;                       /* the last program that it is in, and where in its pool */
	uint16_t pool;
};

/* Zero is a valid, empty, start.  One struct serves all expressions of a request, so that expr_unused sees them all. */
struct expr_subst {
	struct expr_alias *names, *values;
	size_t names_n, values_n, names_cap, values_cap, bytes;
	uint32_t program;                       /* counts the programs compiled */
	bool sealed;
};

void expr_subst_fini(struct expr_subst *s);
void expr_subst_name(struct expr_subst *s, struct bytes alias, struct bytes name);
void expr_subst_value(struct expr_subst *s, struct bytes alias, struct bytes value);
/*
 * Check form and size of the aliases and sort them; call it once, before the first compile.
 * Returns false with a message such as 'ExpressionAttributeNames contains invalid key: Syntax error; key: "x"'.
 */
bool expr_subst_seal(struct expr_subst *s, struct buf *err);
/*
 * To be called after all expressions of the request are compiled: true if every alias was used, else false with
 * "Value provided in ExpressionAttributeNames unused in expressions: keys: {#a, #b}", names before values.
 */
bool expr_unused(const struct expr_subst *s, struct buf *err);

/* --- compiling --------------------------------------------------------------------------------------------------- */

/* ConditionExpression of a write. */
bool expr_compile_condition(struct bytes text, struct expr_subst *s, struct buf *prog, struct buf *err);
/*
 * FilterExpression.
 *   schema  for a Query: the key attributes of what is queried, which a filter may not name; NULL for a Scan, and to
 *           check the rest before the table is known
 */
bool expr_compile_filter(struct bytes text, struct expr_subst *s, const struct key_schema *schema, struct buf *prog,
	struct buf *err);
bool expr_compile_projection(struct bytes text, struct expr_subst *s, struct buf *prog, struct buf *err);
/*
 * UpdateExpression.
 *   schema  the table's key, whose attributes may not be updated; NULL to check the rest before the table is known
 */
bool expr_compile_update(struct bytes text, struct expr_subst *s, const struct key_schema *schema, struct buf *prog,
	struct buf *err);

/*
 * A projection of whole top-level attributes (AttributesToGet, an index's projected names): no expression is parsed,
 * nothing can fail.  n <= EXPR_PROJECTION_NAMES_MAX.
 */
void expr_projection_of(const struct bytes *names, size_t n, struct buf *prog);

enum expr_op { EXPR_OP_EQ = 1, EXPR_OP_LT, EXPR_OP_LE, EXPR_OP_GT, EXPR_OP_GE, EXPR_OP_BETWEEN, EXPR_OP_BEGINS };

/*
 * What KeyConditionExpression says.  Values are item.h binary values, borrowed from the substitutions, of the schema's
 * types, not empty.  Each of the schema's hash_n parts has its value.  Conditions on sort parts are on the first
 * range_n of them, in the schema's order; all but the last of these are EXPR_OP_EQ.  hi: for EXPR_OP_BETWEEN only.
 */
struct expr_key_condition {
	struct bytes hash[KEY_PARTS_MAX];
	struct { enum expr_op op; struct bytes lo, hi; } range[KEY_PARTS_MAX];
	size_t range_n;
};

/*
 *   schema  the key of what is queried: the table's, or the index's own parts without the base key after them; NULL to
 *           check what can be before the table is known: out is then left alone
 */
bool expr_compile_key_condition(struct bytes text, struct expr_subst *s, const struct key_schema *schema,
	struct expr_key_condition *out, struct buf *err);

/* --- for logs and golden files ----------------------------------------------------------------------------------- */

/* The program as text, values like {S:abc}; "<malformed>" for what expr_check (expr_eval.h) refuses. */
void expr_print(struct bytes prog, struct buf *out);

#endif
