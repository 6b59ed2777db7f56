/*
 * bench_go: the options that every load generator of ours has, and a whole run: load, measure, report.
 * `ddb bench` and t/bench/etcdload.c differ in the dialect only.
 */
#ifndef DDB_BENCH_GO_H
#define DDB_BENCH_GO_H

#include "bench_engine.h"
#include "opt.h"

struct bench_opts {
	int workload, keys;                              /* enum bench_workload, enum bench_keys */
	bool consistent, load, json;
	enum bench_op write;
	unsigned indexes;                                /* global ones that items are in; for the report */
	uint64_t items, size;                            /* size: bytes of an item, names of attributes included */
	uint64_t connections, rate;
	uint64_t duration_ms, warmup_ms, timeout_ms;
	uint64_t seed;                                   /* 0: some other one each time; printed */
};

#define BENCH_OPTS_INIT { .workload = BENCH_PLAN_B, .write = BENCH_PLAN_PUT, .items = 10000, .size = 1024, .connections = 64,                   \
	.duration_ms = 10000, .warmup_ms = 1000, .timeout_ms = 30000 }

/* Names, in the order of the two enums. */
extern const char *const bench_go_workloads[], *const bench_go_keys[];

#define BENCH_OPTS(o)                                                                                                  \
	OPT_CHOICE('w', "workload", "a|b|c|w", "reads: half (a), 95 % (b, if not given), all (c), none (w)", &(o).workload,\
	           bench_go_workloads),                                                                                \
	OPT_CHOICE('k', "keys", "uniform|zipf", "how keys are drawn (uniform)", &(o).keys, bench_go_keys),             \
	OPT_FLAG(0, "consistent", "strongly consistent reads", &(o).consistent),                                       \
	OPT_U64('n', "items", "N", "number of keys (10000)", &(o).items, 1, BENCH_PLAN_ITEMS_MAX),                     \
	OPT_SIZE('s', "size", "BYTES", "size of an item (1024)", &(o).size, 64, 400 * 1024),                           \
	OPT_FLAG('l', "load", "first write every item once", &(o).load),                                               \
	OPT_U64('c', "connections", "N", "connections (64)", &(o).connections, 1, BENCH_ENGINE_CONNECTIONS_MAX),       \
	OPT_U64('r', "rate", "N", "open loop: so many requests a second", &(o).rate, 1, BENCH_ENGINE_RATE_MAX),        \
	OPT_MS('d', "duration", "TIME", "how long to measure (10s); 0: do not", &(o).duration_ms, 0, 86400000),        \
	OPT_MS(0, "warmup", "TIME", "how long to run before that (1s)", &(o).warmup_ms, 0, 3600000),                   \
	OPT_U64(0, "seed", "N", "draw the same requests again", &(o).seed, 1, UINT64_MAX),                             \
	OPT_FLAG('j', "json", "report in JSON", &(o).json)

struct bench_target {
	const char *endpoint, *table;                    /* for the report */
	const struct sockaddr *addr;
	socklen_t addr_n;
	const struct bench_dialect *dialect;
};

/*
 * Run it; the report goes to stdout, what goes on to stderr if that is a terminal.
 * Returns an exit code: DONE; NEGATIVE if an answer held what was never written; UNAVAILABLE if nothing worked;
 * INCOMPLETE if a signal ended it; IO.
 */
int bench_go(const struct bench_opts *o, const struct bench_target *t);

/* Look host up, and fill addr.  0, or an exit code after saying why. */
int bench_go_find(const char *host, const char *port, struct sockaddr_storage *addr, socklen_t *n);

#endif
