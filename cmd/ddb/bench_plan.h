/*
 * bench_plan: which request comes next, and what the items hold.
 * Source: YCSB (Cooper et al., SoCC 2010) for the mixes and the scrambled Zipf distribution, whose numbers come from
 * Gray et al., "Quickly generating billion-record synthetic databases" (SIGMOD 1994).
 * The same seed gives the same requests in the same order.  Items do not depend on the seed.
 * Does not: I/O, read a clock.
 */
#ifndef DDB_BENCH_PLAN_H
#define DDB_BENCH_PLAN_H

#include <stdbool.h>
#include <stdint.h>

#include "bytes.h"

/* _IF: only if the item is there. */
enum bench_op {
	BENCH_PLAN_GET,
	BENCH_PLAN_PUT,
	BENCH_PLAN_PUT_IF,
	BENCH_PLAN_UPDATE,
	BENCH_PLAN_UPDATE_IF,
	BENCH_PLAN_OPS
};

struct bench_work {
	enum bench_op op;
	uint64_t key;                                    /* 0..items-1 */
	uint64_t version;                                /* of what is written; no two writes of a plan have the same */
};

enum bench_workload {
	BENCH_PLAN_A,                                    /* half reads, half writes */
	BENCH_PLAN_B,                                    /* 95 % reads */
	BENCH_PLAN_C,                                    /* reads */
	BENCH_PLAN_W,                                    /* writes */
	BENCH_PLAN_LOAD,                                 /* puts each key once, then ends */
};

enum bench_keys { BENCH_PLAN_UNIFORM, BENCH_PLAN_ZIPF };

#define BENCH_PLAN_ITEMS_MAX 1000000000000ull            /* a key's 12 digits */
#define BENCH_PLAN_ZIPF_THETA 0.99

struct bench_plan {
	enum bench_workload workload;
	enum bench_keys keys;
	enum bench_op write;                             /* what writes are; PUT after init */
	uint64_t items;
	uint64_t dice;                                   /* state */
	uint64_t at;                                     /* requests so far */
	double zeta_n, eta;                              /* of the Zipf distribution */
};

/* items: 1..BENCH_PLAN_ITEMS_MAX */
void bench_plan_init(struct bench_plan *p, enum bench_workload workload, enum bench_keys keys, uint64_t items,
                     uint64_t seed);
bool bench_plan_next(struct bench_plan *p, struct bench_work *w);        /* false: a load is through */
/* The rank that a number u in [0,1) means in a Zipf distribution: 0 is the most frequent one. */
uint64_t bench_plan_zipf(const struct bench_plan *p, double u);

#define BENCH_PLAN_KEY_BYTES 16                          /* "user000000000042" */
#define BENCH_PLAN_VALUE_BYTES_MIN (BENCH_PLAN_KEY_BYTES + 18)
#define BENCH_PLAN_POOL_BYTES ((size_t)64 << 10)

/* Characters that do not compress and need no escapes, always the same ones. */
void bench_plan_pool(char pool[BENCH_PLAN_POOL_BYTES]);

void bench_plan_key(uint64_t key, char out[BENCH_PLAN_KEY_BYTES]);
/* Append the value of key in that version: key:version:filler, n >= BENCH_PLAN_VALUE_BYTES_MIN bytes in all. */
void bench_plan_value(struct buf *b, const char *pool, uint64_t key, uint64_t version, size_t n);
/* Could v, all of it, have been put under key? */
bool bench_plan_belongs(const char *pool, uint64_t key, struct bytes v);

#endif
