/*
 * data_range: what `ddb query` says of the sort key, taken apart.
 *
 *	X   = X   < X   <= X   > X   >= X   begins_with X   between A B   between A and B
 *
 * in one operand ('> 5', '>5') or several (begins_with X).  What follows an operator in the same operand is the value,
 * with its blanks; between, in one operand, splits at " and ", or else at the only blank.
 * A value that itself looks like one of these is written behind an operator: '= <b>'.
 * Does not: know types.
 */
#ifndef DDB_DATA_RANGE_H
#define DDB_DATA_RANGE_H

#include <stdbool.h>
#include <stddef.h>

struct data_range {
	const char *op;                                  /* "<=", .., "begins_with", "between"; NULL: any sort key */
	char *value[2];                                  /* owned; the second for between only */
};

/*
 * How many of n operands, n > 0, the condition at the front takes: X and = X end there, all others are the last.
 */
size_t data_range_takes(char **operands, size_t n);
/* False: the operands make no sense.  Free in either case. */
bool data_range_read(struct data_range *r, char **operands, size_t n);
void data_range_free(struct data_range *r);

#endif
