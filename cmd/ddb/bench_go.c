#include "bench_go.h"

#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "bench_report.h"
#include "clock.h"
#include "exit.h"
#include "log.h"
#include "mem.h"

const char *const bench_go_workloads[] = { "a", "b", "c", "w", NULL };
const char *const bench_go_keys[] = { "uniform", "zipf", NULL };

int bench_go_find(const char *host, const char *port, struct sockaddr_storage *addr, socklen_t *n)
{
	struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM }, *list;
	int rc = getaddrinfo(host, port, &hints, &list);

	if (rc != 0) {
		log_err("%s: %s", host, gai_strerror(rc));
		return DDB_EXIT_UNAVAILABLE;
	}
	memcpy(addr, list->ai_addr, list->ai_addrlen);
	*n = list->ai_addrlen;
	freeaddrinfo(list);
	return 0;
}

struct progress {
	const char *what;
	uint64_t start_us, wanted;                       /* wanted: answers; 0: there is no telling */
	bool shown;
};

static void show(void *arg, const struct bench_stats *s)
{
	struct progress *p = arg;
	double seconds = (double)(clock_us() - p->start_us) * 1e-6;

	if (p->wanted > 0)
		fprintf(stderr, "\r%s: %llu of %llu items, %.0f/s ", p->what, (unsigned long long)s->answered_in_time,
		        (unsigned long long)p->wanted, (double)s->answered_in_time / seconds);
	else
		fprintf(stderr, "\r%s: %.0f s, %llu answers, %llu errors ", p->what, seconds,
		        (unsigned long long)s->answered_in_time, (unsigned long long)s->errors);
	fflush(stderr);
	p->shown = true;
}

static int run(const struct bench_opts *o, const struct bench_target *t, bool load, struct bench_stats *s)
{
	struct bench_plan plan;
	struct progress p = { load ? "loading" : "measuring", clock_us(), load ? o->items : 0, false };
	struct bench_engine_opts e = { t->addr, t->addr_n, (unsigned)o->connections, load ? 0 : o->rate,
		o->warmup_ms * 1000, o->duration_ms * 1000, o->timeout_ms * 1000, &plan, t->dialect, NULL, &p };
	int rc;

	if (isatty(STDERR_FILENO))
		e.tick = show;
	bench_plan_init(&plan, load ? BENCH_PLAN_LOAD : (enum bench_workload)o->workload, (enum bench_keys)o->keys,
	                o->items, o->seed + load);
	if (!load)
		plan.write = o->write;
	rc = bench_engine_run(&e, s);
	if (p.shown)
		fputs("\r\033[K", stderr);
	return rc;
}

static int report(const struct bench_opts *o, const struct bench_target *t, const struct bench_stats *s)
{
	struct buf out = { 0 };
	int code = DDB_EXIT_DONE;
	uint64_t good = 0;

	for (int i = 0; i < BENCH_PLAN_OPS; i++)
		good += s->latency[i].n;
	if (o->json)
		bench_report_json(o, t, s, &out);
	else
		bench_report_text(o, t, s, &out);
	if (fwrite(out.p, 1, out.n, stdout) != out.n || fflush(stdout) != 0) {
		log_err("standard output: cannot write");
		code = DDB_EXIT_IO;
	} else if (s->wrong > 0) {
		code = DDB_EXIT_NEGATIVE;
	} else if (s->interrupted) {
		code = DDB_EXIT_INCOMPLETE;
	} else if (good == 0) {
		log_err("%s: no request succeeded%s%s", t->endpoint, s->types_n > 0 ? ": " : "",
		        s->types_n > 0 ? s->types[0].name : "");
		code = DDB_EXIT_UNAVAILABLE;
	}
	buf_fini(&out);
	return code;
}

int bench_go(const struct bench_opts *given, const struct bench_target *t)
{
	struct bench_opts o = *given;
	struct bench_stats *s = mem_new(sizeof *s);
	int code = DDB_EXIT_DONE;

	while (o.seed == 0) {                            /* 32 bits, so that JSON readers do not round it */
		if (getrandom(&o.seed, sizeof(uint32_t), 0) < 0)
			o.seed = clock_us();
	}
	if (o.load && run(&o, t, true, s) != 0)
		code = DDB_EXIT_UNAVAILABLE;
	else if (o.load && s->interrupted)
		code = DDB_EXIT_INCOMPLETE;
	else if (o.load && isatty(STDERR_FILENO))
		fprintf(stderr, "loaded %llu items, %.0f/s\n", (unsigned long long)o.items,
		        (double)s->answered_in_time / s->seconds);
	if (code == DDB_EXIT_DONE && o.duration_ms > 0)
		code = run(&o, t, false, s) != 0 ? DDB_EXIT_IO : report(&o, t, s);
	free(s);
	return code;
}
