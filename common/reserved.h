/*
 * reserved: the words that DynamoDB does not take as attribute names in expressions.
 * Source: Amazon DynamoDB Developer Guide, "Reserved words in DynamoDB": 573 words, some of them misspelt there too.
 */
#ifndef COMMON_RESERVED_H
#define COMMON_RESERVED_H

#include "bytes.h"

#define RESERVED_N 573
#define RESERVED_BYTES_MAX 16                   /* longer words are not reserved */

bool reserved_is(struct bytes word);            /* in any mixture of cases */
const char *reserved_at(size_t i);              /* the i-th in ascending order, upper case; NULL past the end */

#endif
