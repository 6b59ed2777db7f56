/*
 * expr_eval: runs the programs of expr.h on items, at the node's leader and, for filters, at any storage replica.
 * Source: Amazon DynamoDB Developer Guide, "Expression reference".
 * Does not: parse text, know tables or keys, allocate except for what it returns and an update's scratch.
 *
 * Programs come over the network: expr_check refuses what is malformed, and is to be called once when one arrives.
 * The other functions are memory-safe and bounded on any bytes, checked or not.  Items are item.h binary items that
 * passed item.h's check; "no item" is BYTES_NONE.
 */
#ifndef COMMON_EXPR_EVAL_H
#define COMMON_EXPR_EVAL_H

#include "bytes.h"

/* What expr_apply_update says of an attribute, or of a value, whose type does not suit the operation. */
#define EXPR_WRONG_TYPE "An operand in the update expression has an incorrect data type"

enum expr_kind { EXPR_KIND_CONDITION = 1, EXPR_KIND_PROJECTION, EXPR_KIND_UPDATE };

enum expr_result {
	EXPR_FALSE,                             /* the condition does not hold */
	EXPR_TRUE,                              /* it holds; an update: done */
	EXPR_INVALID,                           /* ValidationException with the message given */
	EXPR_MALFORMED,                         /* not a program: the peer is at fault */
};

/* Is prog a well-formed program of this kind?  Version known, depth and size within bounds, nothing left over. */
bool expr_check(struct bytes prog, enum expr_kind kind);

/* The condition or filter over item, or over no item.  Returns EXPR_TRUE, EXPR_FALSE or EXPR_MALFORMED. */
enum expr_result expr_eval_condition(struct bytes prog, struct bytes item);

/*
 * The projection of item: nested paths keep their place in the structure, list elements move together.
 * The result, a binary item (perhaps empty), is appended to out.  Returns EXPR_TRUE or EXPR_MALFORMED.
 */
enum expr_result expr_eval_projection(struct bytes prog, struct bytes item, struct buf *out);

/* The attributes of which a projection wants something, ascending, at most max: views into prog.  0: malformed. */
size_t expr_projection_names(struct bytes prog, struct bytes *names, size_t max);

/*
 * Run an update.
 *   old      the newest image, or BYTES_NONE: then the update starts from key
 *   key      binary item of the key attributes alone
 *   out      the new binary item is appended; undefined unless EXPR_TRUE is returned.  Nothing is appended if there was
 *            no item and the program only removes: then there is none afterwards either (Developer Guide,
 *            "AttributeUpdates (legacy)", on DELETE; scylladb/scylladb#5862 saw it)
 *   message  set for EXPR_INVALID: a constant string, the whole message of the ValidationException
 * All right-hand sides see old (never key).  An update without effect gives bytes equal to old's.
 * Returns EXPR_TRUE, EXPR_INVALID or EXPR_MALFORMED.
 */
enum expr_result expr_apply_update(struct bytes prog, struct bytes old, struct bytes key, struct buf *out,
	const char **message);

/*
 * For ReturnValues UPDATED_OLD and UPDATED_NEW: the projection of item (the old or the new image, or BYTES_NONE) onto
 * the paths that the update program names as targets.  Returns EXPR_TRUE or EXPR_MALFORMED.
 */
enum expr_result expr_updated(struct bytes prog, struct bytes item, struct buf *out);

#endif
