/*
 * bench_engine: sends the requests of a plan over many connections, one at a time on each, and measures.
 * Closed loop (rate 0): a connection sends its next request when it has the answer to the one before.
 * Open loop: requests are due at even intervals, whether or not answers come; each goes out as soon as a connection is
 * free, and its latency counts from when it was due.  At most BENCH_ENGINE_LATE_MAX wait: the oldest beyond
 * that are given up and counted as overruns.
 * One thread, one epoll; the calling thread blocks until the end.  SIGINT and SIGTERM end the run early.
 * Does not: know what the requests say (that is the dialect's), TLS.
 */
#ifndef DDB_BENCH_ENGINE_H
#define DDB_BENCH_ENGINE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "bench_hist.h"
#include "bench_http.h"
#include "bench_plan.h"

#define BENCH_ENGINE_CONNECTIONS_MAX 4096
#define BENCH_ENGINE_RATE_MAX 10000000
#define BENCH_ENGINE_LATE_MAX 100000
#define BENCH_ENGINE_TYPES_MAX 32
#define BENCH_ENGINE_TYPE_MAX 64
#define BENCH_ENGINE_AGAIN_MAX BENCH_ENGINE_CONNECTIONS_MAX

enum bench_verdict {
	BENCH_ENGINE_GOOD,
	BENCH_ENGINE_MISSING,                            /* good, but there is no such item */
	BENCH_ENGINE_WRONG,                              /* answered with what never was put there */
	BENCH_ENGINE_ERROR,                              /* and the type says which */
};

/* How requests are written and answers are judged: one protocol of one server. */
struct bench_dialect {
	void *arg;
	/* Append the whole request, head and body, to out, which is empty. */
	void (*request)(void *arg, const struct bench_work *w, struct buf *out);
	/* body lasts until the call returns; type is "" at first, and "HTTP 500" if it is left so. */
	enum bench_verdict (*judge)(void *arg, const struct bench_work *w, int status, struct bytes body,
	                            char type[BENCH_ENGINE_TYPE_MAX]);
};

struct bench_type {
	char name[BENCH_ENGINE_TYPE_MAX];
	uint64_t n;
};

/*
 * What was measured.  The requests begun (open loop: due) in the measured time count, whenever their answers came;
 * throughput is of the good answers that came within it.
 */
struct bench_stats {
	struct bench_hist latency[BENCH_PLAN_OPS];       /* of good answers, missing items included */
	uint64_t answered_in_time;                       /* good answers within the measured time */
	uint64_t requests;                               /* good and bad */
	uint64_t missing, wrong, errors;
	uint64_t overruns;                               /* open loop: never sent, too many were late */
	uint64_t late_max;                               /* open loop: most that were due and not sent */
	struct bench_type types[BENCH_ENGINE_TYPES_MAX]; /* of errors; the last one takes what has no place */
	size_t types_n;
	double seconds;                                  /* the measured time */
	double cpu_us;                                   /* of this process in the measured time, a request */
	bool interrupted;
};

struct bench_engine_opts {
	const struct sockaddr *addr;
	socklen_t addr_n;
	unsigned connections;                            /* 1..BENCH_ENGINE_CONNECTIONS_MAX */
	uint64_t rate;                                   /* a second; 0: closed loop */
	uint64_t warmup_us, duration_us;                 /* a plan that loads runs to its end instead */
	uint64_t timeout_us;                             /* of a request */
	struct bench_plan *plan;
	const struct bench_dialect *dialect;
	void (*tick)(void *arg, const struct bench_stats *s);    /* every BENCH_ENGINE_TICK_US; may be NULL */
	void *arg;
};

#define BENCH_ENGINE_TICK_US 200000

/*
 * Run it.  A load repeats what fails until it works, and gives up when nothing has worked for timeout_us.
 * Returns 0, or -1 after saying why: descriptors ran out, or a load gave up.
 */
int bench_engine_run(const struct bench_engine_opts *o, struct bench_stats *s);

#endif
