/*
 * bench_dynamo: the requests and answers of DynamoDB, for bench_engine: GetItem, PutItem, UpdateItem, signed one by one.
 * An item is {KEY: {"S": "user000000000042"}, "g1": {"S": "user000000000042"}, .., "v": {"S": "..."}}: what indexes have for
 * a key stays, so that a write changes one row of each.  Updates set v alone.
 */
#ifndef DDB_BENCH_DYNAMO_H
#define DDB_BENCH_DYNAMO_H

#include "bench_engine.h"
#include "cred.h"

struct bench_dynamo;

struct bench_dynamo_opts {
	const char *authority;                           /* the Host header */
	const char *region, *table, *key_name;
	const struct cred_key *key;
	bool consistent;
	bool verify;                                     /* look into what reads return */
	unsigned indexes;                                /* attributes g1, g2, .. */
	size_t size;                                     /* of an item, names of attributes included, at the least */
};

/* Borrows what o points to until free. */
struct bench_dynamo *bench_dynamo_new(const struct bench_dynamo_opts *o);
void bench_dynamo_free(struct bench_dynamo *d);
const struct bench_dialect *bench_dynamo_dialect(const struct bench_dynamo *d);

#endif
