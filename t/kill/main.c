/*
 * kill: a cluster under load whose processes are killed, and what became of its promises.
 * usage: kill [--seed N] [--kills N] ...         run it; prints lines "ok", "not ok" and "# figures"
 *        kill --attach HOME                      load a cluster that runs, kill nobody, until standard input ends
 *        kill --check FILE                       judge a history that was kept
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "lin.h"
#include "log.h"
#include "mem.h"
#include "nemesis.h"
#include "opt.h"
#include "ser.h"

#define TABLE "kill"
#define TABLE_TWO TABLE "2"
#define FINAL_MS 30000
#define LOCK_MS 5000                                     /* no lock outlives its coordinator by more */
#define LEASE_MS 1000                                    /* as ddb-node's own default */
#define AFTER_LEASE_MS 1000                              /* what the cluster has beyond it */
/*
 * What this test adds on a machine of two cores that are busy with everything at once: the first write that works is
 * noticed after its own latency, and neither it nor the nodes' timers run when they should.
 */
#define SLACK_MS 500

struct run {
	const char *dir, *bin, *say, *converged, *compare, *check, *attach, *history;
	uint64_t seed, kills, connections, rate, floor, patience_ms, fill;
	bool keep, verbose, transactions, indexes;
	char *home;
	int port;
	struct cred *cred;
	struct nemesis_opts nemesis;
	struct nemesis_step *steps;
	struct nemesis_result result;
	struct work *work;
	double seconds, good_a_second;
	bool survived, read_all, converge, filled, derived;
	int failed;
};

static void verdict(struct run *r, bool ok, const char *text)
{
	printf("%s kill: %s (seed %" PRIu64 ")\n", ok ? "ok" : "not ok", text, r->seed);
	r->failed += !ok;
}

/* A command's output, its end of line cut off; NULL if it failed. */
static char *output(const char *command)
{
	FILE *f = popen(command, "r");
	char *text = mem_new(65536);
	size_t n = f != NULL ? fread(text, 1, 65535, f) : 0;

	if (f == NULL || pclose(f) != 0) {
		log_err("%s: failed: %s", command, text);
		free(text);
		return NULL;
	}
	while (n > 0 && text[n - 1] == '\n')
		text[--n] = '\0';
	return text;
}

static bool command(const char *what, const char *bin, const char *home)
{
	char *line = mem_fmt("out=$(%s/ddb %s --home %s 2>&1) || { echo \"$out\" >&2; false; }", bin, what, home);
	bool ok = system(line) == 0;

	free(line);
	return ok;
}

/* --- the cluster */

/* Data that only rests, in a table of its own: what a replica that was wiped has to copy while others die. */
static bool fill(struct run *r)
{
	char *what = mem_fmt("bench --table filled --items %" PRIu64 " --size 1000 --load --duration 0 --connections 16",
	                     r->fill);
	bool ok = r->fill == 0 || command(what, r->bin, r->home);

	free(what);
	return ok;
}

/* Random items of it, read strongly: they are there, and are what was written. */
static bool check_filled(struct run *r)
{
	char *line = mem_fmt("%s/ddb bench --home %s --table filled --items %" PRIu64 " --size 1000 --workload c --consistent "
	                     "--verify --warmup 0 --duration 3s --connections 16 --json", r->bin, r->home, r->fill), *text;
	bool ok = false;

	text = r->fill > 0 ? output(line) : NULL;
	if (text != NULL)
		ok = strstr(text, "\"missing\":0,") != NULL && strstr(text, "\"wrong\":0,") != NULL;
	if (r->fill > 0 && !ok)
		log_err("%s", text != NULL ? text : "no figures");
	free(text);
	free(line);
	return ok || r->fill == 0;
}

/* Wait until the table is there, and note its groups, or those of what belongs to it. */
static bool note_groups(struct run *r, const char *table, const char *of)
{
	char *line = mem_fmt("%s/ddb status --home %s --json | "
	                     "jq -r '.cluster.tables[] | select(.status == \"ACTIVE\" and .name == \"%s\")"
	                     "%s.partitions[].group'", r->bin, r->home, table, of), *groups = NULL, *at, *next;
	struct nemesis_opts *o = &r->nemesis;
	unsigned n = 0;

	for (int i = 0; i < 100 && (groups == NULL || groups[0] == '\0'); i++) {
		free(groups);
		groups = output(line);
		usleep(50000);
	}
	free(line);
	for (at = groups; at != NULL && n < WORK_TABLE_PARTITIONS; at = next) {
		next = strchr(at, '\n');
		if (next != NULL)
			*next++ = '\0';
		o->groups[o->partitions++] = at;         /* lasts as long as the program */
		n++;
	}
	return n == WORK_TABLE_PARTITIONS;
}

static bool create_table(struct run *r, const char *table)
{
	char *create = mem_fmt("call CreateTable '{\"TableName\":\"%s\","
	                       "\"KeySchema\":[{\"AttributeName\":\"pk\",\"KeyType\":\"HASH\"},"
	                       "{\"AttributeName\":\"sk\",\"KeyType\":\"RANGE\"}],\"AttributeDefinitions\":["
	                       "{\"AttributeName\":\"pk\",\"AttributeType\":\"S\"},{\"AttributeName\":\"sk\","
	                       "\"AttributeType\":\"S\"}%s],\"BillingMode\":\"PAY_PER_REQUEST\"%s}'", table,
	                       r->indexes ? WORK_INDEX_ATTRIBUTES : "", r->indexes ? WORK_INDEX_LISTS : "");
	bool ok = command(create, r->bin, r->home) && note_groups(r, table, "");

	free(create);
	r->nemesis.loaded = r->nemesis.partitions;
	return ok && (!r->indexes || note_groups(r, table, ".global_indexes[0]"));
}

static bool start(struct run *r)
{
	char error[CRED_ERROR_MAX], *path, *port;

	if (r->attach != NULL) {
		r->home = mem_str(r->attach);
	} else {
		path = mem_fmt("%s/ddb-kill.XXXXXX", r->dir);
		if (mkdtemp(path) == NULL) {
			log_err("%s: %m", path);
			return false;
		}
		r->home = mem_fmt("%s/home", path);
		free(path);
		if (!command("up -d --port 0", r->bin, r->home))
			return false;
	}
	if ((r->attach == NULL && !fill(r)) || !create_table(r, TABLE) || (r->transactions && !create_table(r, TABLE_TWO)))
		return false;
	path = mem_fmt("%s/credentials", r->home);
	r->cred = cred_open(path, true, error);
	free(path);
	if (r->cred == NULL) {
		log_err("%s", error);
		return false;
	}
	path = mem_fmt("cat %s/port", r->home);
	port = output(path);
	free(path);
	r->port = port != NULL ? atoi(port) : 0;
	free(port);
	return r->port > 0;
}

/* Ends what start began, whatever became of it. */
static void stop(struct run *r)
{
	char *line;

	if (r->attach == NULL) {
		if (!command("down", r->bin, r->home))
			log_warn("ddb down failed");
		line = mem_fmt("rm -rf '%.*s'", (int)(strlen(r->home) - strlen("/home")), r->home);
		if ((r->failed > 0 && r->keep) || system(line) != 0)
			printf("# kept: %s\n", r->home);
		free(line);
	}
	cred_free(r->cred);
	free(r->home);
}

/* Every index is what the items say; of the global one within 10 s of the last write. */
static bool derived(struct run *r)
{
	char *line = mem_fmt("eval \"$(DDB_HOME=%s %s/ddb env)\" && node %s check %s --within 10 --least 20", r->home, r->bin, r->compare,
	                     TABLE);
	FILE *f = popen(line, "r");
	char text[2000];
	bool ok;

	while (f != NULL && fgets(text, sizeof text, f) != NULL)
		printf("# index %s", text);
	ok = f != NULL && pclose(f) == 0;
	free(line);
	return ok;
}

static bool converged(struct run *r)
{
	char *line = mem_fmt("%s %s 30", r->converged, r->home);
	FILE *f = popen(line, "r");
	char text[512];
	bool ok;

	while (f != NULL && fgets(text, sizeof text, f) != NULL)
		printf("# %s", text);
	ok = f != NULL && pclose(f) == 0;
	free(line);
	return ok;
}

/* --- the run */

static void await_end_of_input(void)
{
	char c;

	printf("# loading\n");
	while (read(STDIN_FILENO, &c, 1) > 0)
		;
}

static void go(struct run *r)
{
	struct load_opts o = { r->port, "us-east-1", cred_first(r->cred), (unsigned)r->connections, r->rate, NULL };
	int64_t began, ended;
	struct load *l;

	o.work = r->work = work_new(r->seed, TABLE, r->transactions ? WORK_TRANSACTIONS : r->indexes ? WORK_INDEXES : WORK_MIXED);
	r->nemesis.home = r->home;
	r->nemesis.bin = r->bin;
	r->nemesis.say = r->say;
	r->nemesis.port = r->port;
	r->nemesis.transactions = r->transactions;
	r->nemesis.patience_ms = r->patience_ms;
	began = load_now_ns();
	l = load_start(&o);
	if (r->attach != NULL)
		await_end_of_input();
	else
		r->survived = nemesis_run(&r->nemesis, r->steps, r->kills, l, &r->result);
	ended = load_now_ns();
	r->seconds = (double)(ended - began) / 1e9;
	r->good_a_second = (double)load_view(l).good / r->seconds;
	r->read_all = load_stop(l, FINAL_MS);
	r->derived = !r->indexes || derived(r);
	r->converge = converged(r);
	r->filled = r->attach != NULL || check_filled(r);
}

static int by_time(const void *a, const void *b)
{
	const int64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* Sorts; the median and the longest, in seconds. */
static double show_times(const char *what, struct nemesis_times *t)
{
	if (t->n == 0)
		return 0;
	qsort(t->v, t->n, sizeof *t->v, by_time);
	printf("# %s: p50 %.3f s, max %.3f s, of %zu\n", what, (double)t->v[t->n / 2] / 1e9,
	       (double)t->v[t->n - 1] / 1e9, t->n);
	return (double)t->v[t->n - 1] / 1e9;
}

static void show_counts(const struct run *r)
{
	const struct work_counts *c = work_counts(r->work);

	for (int k = 0; k < WORK_KINDS; k++)
		printf("# %-13s %8" PRIu64 " ok %6" PRIu64 " maybe %6" PRIu64 " no%s\n", work_kinds[k], c->n[k][HIST_OK],
		       c->n[k][HIST_MAYBE], c->n[k][HIST_NO], k == WORK_CAS ? " (conditions)" : "");
	for (size_t i = 0; i < c->types_n; i++)
		printf("# answered %s: %" PRIu64 "\n", c->types[i].name, c->types[i].n);
	if (r->transactions)
		printf("# %" PRIu64 " transactions on a condition that held\n", c->checked);
	printf("# %.1f s, %.0f good operations a second; seed %" PRIu64 "\n", r->seconds, r->good_a_second, r->seed);
	if (r->attach != NULL)
		return;
	printf("# kills:");
	for (int k = 0; k < NEMESIS_KINDS; k++)
		printf(" %s %" PRIu64 "%s", nemesis_kinds[k], r->result.kills[k], k + 1 < NEMESIS_KINDS ? "," : "");
	printf("; %" PRIu64 " processes; %" PRIu64 " writes under way at leaders; %" PRIu64 " leaders stood still\n",
	       r->result.all, r->result.in_flight, r->result.pauses);
}

static void judge_times(struct run *r)
{
	double bound = (LEASE_MS + AFTER_LEASE_MS + SLACK_MS) / 1e3, leader, whole;
	char text[160];

	leader = show_times("first write after a leader's death", &r->result.leader);
	show_times("ready after a new start", &r->result.up);
	whole = show_times("first write after a new start", &r->result.whole);
	snprintf(text, sizeof text, "after a leader dies a write works within %.3f s; lease + 1 s, and %.1f s for this "
	         "machine", leader, SLACK_MS / 1e3);
	verdict(r, leader < bound, text);
	snprintf(text, sizeof text, "started again after kill -9 of everything, a write works within %.3f s", whole);
	verdict(r, whole < bound, text);
}

static void check_history(struct run *r, const struct hist *h)
{
	struct lin l;
	uint64_t began = clock_ms();
	bool ok = lin_check(h, &l);
	char text[LIN_WHY_MAX + 200];

	printf("# history: %zu operations of %zu keys, checked in %" PRIu64 " ms\n", l.ops, l.keys, clock_ms() - began);
	snprintf(text, sizeof text, "%zu operations of %zu keys are linearizable: no acknowledged write lost, "
	         "no stale strong read", l.ops, l.keys);
	if (!ok) {
		for (int f = 0; f < LIN_FAULTS; f++)
			printf("# %s: %zu keys\n", lin_faults[f], l.faults[f]);
		snprintf(text, sizeof text, "%zu keys are not linearizable; key %" PRIu32 ": %s", l.bad_keys, l.why_key, l.why);
	}
	verdict(r, ok, text);
}

static void check_order(struct run *r, const struct hist *h)
{
	struct ser s;
	uint64_t began = clock_ms();
	bool ok = ser_check(h, &s);
	char text[SER_WHY_MAX + 200];

	printf("# order: %zu transactions, %zu of several lists, %zu dependencies, checked in %" PRIu64 " ms\n", s.txs,
	       s.several, s.edges, clock_ms() - began);
	snprintf(text, sizeof text, "%zu transactions are strictly serializable, %zu of them of several lists", s.txs,
	         s.several);
	if (!ok)
		snprintf(text, sizeof text, "transactions are not strictly serializable (%s): %s", ser_faults[s.fault], s.why);
	verdict(r, ok, text);
}

/* A dead coordinator must have left something, or nothing was shown. */
static void judge_orphans(struct run *r)
{
	double longest = show_times("lists of a dead coordinator are written to", &r->result.adopted);
	char text[200];

	snprintf(text, sizeof text, "lists that transactions were to append to when their coordinator died, %" PRIu64 " of %"
	         PRIu64 " coordinators, are written to within %.3f s of %.0f", r->result.orphans,
	         r->result.kills[NEMESIS_ROUTER], longest, LOCK_MS / 1e3);
	verdict(r, longest < LOCK_MS / 1e3 && r->result.adopted.n > 0 && r->result.orphans > 0, text);
}

/* Neither side of an index may have been spared, nor the index left alone. */
static void judge_index_kills(struct run *r)
{
	const struct work_counts *c = work_counts(r->work);
	char text[200];

	snprintf(text, sizeof text, "%" PRIu64 " of the leaders led groups of the table, %" PRIu64 " groups of its global index",
	         r->result.base_leaders, r->result.index_leaders);
	verdict(r, r->result.base_leaders > 0 && r->result.index_leaders > 0, text);
	snprintf(text, sizeof text, "%" PRIu64 " strong queries of a local index", c->n[WORK_LOCAL][HIST_OK]);
	verdict(r, c->n[WORK_LOCAL][HIST_OK] >= 100 * r->kills, text);
}

static void judge_kills(struct run *r)
{
	char text[200];

	snprintf(text, sizeof text, "every process that was killed came back, after %" PRIu64 " kills", r->kills);
	verdict(r, r->survived, text);
	judge_times(r);
	snprintf(text, sizeof text, "%" PRIu64 " leaders died with writes under way", r->result.kills[NEMESIS_LEADER]);
	verdict(r, r->result.kills[NEMESIS_LEADER] * 4 >= r->kills, text);
	if (r->transactions)
		judge_orphans(r);
	if (r->indexes)
		judge_index_kills(r);
}

static void judge(struct run *r)
{
	const struct work_counts *c = work_counts(r->work);
	char text[600];
	int failed;

	show_counts(r);
	if (r->attach == NULL)
		judge_kills(r);
	snprintf(text, sizeof text, "%" PRIu64 " answers that make no sense%s%s", c->broken, c->broken > 0 ? ": " : "",
	         c->broken_why);
	verdict(r, c->broken == 0, text);
	verdict(r, r->read_all, "every key was read at the end");
	verdict(r, r->filled, "data that rested meanwhile is all there");
	failed = r->failed;
	check_history(r, work_hist(r->work));
	if (r->transactions)
		check_order(r, work_hist(r->work));
	if (r->failed > failed || r->keep)
		if (hist_save(work_hist(r->work), r->history) == 0)
			printf("# history: %s\n", r->history);
	if (r->indexes)
		verdict(r, r->derived, "every index is what the items say");
	verdict(r, r->converge, "all replicas have applied the same slot and have the same state");
	/* A run that could not have found anything is no pass. */
	snprintf(text, sizeof text, "%.0f good operations a second on average, outages included, of at least %" PRIu64,
	         r->good_a_second, r->floor);
	verdict(r, r->good_a_second >= (double)r->floor, text);
}

static int check_file(struct run *r)
{
	struct hist h = { 0 };

	if (hist_load(&h, r->check) != 0)
		return 2;
	check_history(r, &h);
	check_order(r, &h);
	hist_fini(&h);
	return r->failed > 0;
}

int main(int argc, char **argv)
{
	struct run r = { .dir = "/var/tmp", .bin = "bin", .say = "build/rel/t/tools/say", .converged = "t/kill/converged",
		.compare = "t/tools/indexes.mjs",
		.history = "build/kill.hist", .fill = 4000, .seed = 1, .kills = 20, .connections = 48, .rate = 2000, .floor = 500,
		.patience_ms = 20000 };
	const struct opt opts[] = {
		OPT_U64('s', "seed", "N", "of the plan and the load", &r.seed, 0, UINT64_MAX),
		OPT_U64('n', "kills", "N", "how many steps the plan has (20)", &r.kills, 8, NEMESIS_STEPS_MAX),
		OPT_U64('c', "connections", "N", "clients (48)", &r.connections, 4, LOAD_CONNECTIONS_MAX),
		OPT_U64(0, "rate", "N", "operations a second, at most (2000)", &r.rate, 1, 1000000),
		OPT_U64(0, "floor", "N", "good operations a second, or the run is invalid (500)", &r.floor, 0, 1000000),
		OPT_U64(0, "fill", "N", "items of 1 KB that rest in another table (4000)", &r.fill, 0, 10000000),
		OPT_MS(0, "patience", "TIME", "how long the cluster may take to work again (20s)", &r.patience_ms, 1, 600000),
		OPT_STR(0, "dir", "DIR", "where the home is made: on a real file system", &r.dir),
		OPT_STR(0, "bin", "DIR", "ddb and its daemons (bin)", &r.bin),
		OPT_STR(0, "history", "FILE", "where a history is kept that is wrong", &r.history),
		OPT_STR(0, "attach", "HOME", "load this cluster, kill nobody, until standard input ends", &r.attach),
		OPT_STR(0, "check", "FILE", "judge this history, and nothing else", &r.check),
		OPT_FLAG('t', "transactions", "the load is transactions on lists, and more of the dead are routers", &r.transactions),
		OPT_FLAG('i', "indexes", "the table has indexes", &r.indexes),
		OPT_FLAG('k', "keep", "keep the home of a failure, and the history in any case", &r.keep),
		OPT_FLAG('v', "verbose", "say each step", &r.verbose),
		OPT_END
	};
	const struct opt_usage usage = { "kill", NULL, "kill processes of a cluster under load", opts, 0, 0, false };

	log_open("kill");
	opt_parse(&usage, argc, argv);
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (r.check != NULL)
		return check_file(&r);
	log_limit(r.verbose ? LOG_LEVEL_INFO : LOG_LEVEL_ERR);
	r.steps = mem_new(r.kills * sizeof *r.steps);
	nemesis_plan(r.seed, r.transactions, WORK_TABLE_PARTITIONS * (r.transactions || r.indexes ? 2 : 1), r.steps, r.kills);
	if (!start(&r)) {
		verdict(&r, false, "the cluster does not start");
	} else {
		go(&r);
		judge(&r);
		work_free(r.work);
	}
	if (r.home != NULL)
		stop(&r);
	free(r.steps);
	return r.failed > 0;
}
