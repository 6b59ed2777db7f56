/* sim: many runs of a simulated cluster, each from its seed.  See t/README. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "log.h"
#include "mem.h"
#include "opt.h"
#include "sim.h"

#define JOBS_MAX 16u
#define SEED_SECONDS_MAX 60u             /* one that takes longer hangs */
#define PROPOSALS_MIN 500u
#define STEPS_MIN 20000u
#define INVALID_PERCENT_MAX 1u

/* What a process says of a seed that is done. */
struct outcome {
	uint64_t seed, hash;
	bool valid;
	struct sim_counts count;
};

struct job {
	pid_t pid;
	int fd;
	bool over;
};

/* For the signal handler: the seed at hand. */
static struct sim *at_hand;
static const char *program;
static uint64_t first_seed, last_seed, seconds, jobs = 1;

void main_failed(const struct sim *s)
{
	printf("# to see it: %s --seed %llu --trace\n", program, U(s->seed));
	fflush(stdout);
	_exit(1);
}

static void on_signal(int number)
{
	printf("# seed %llu, step %llu, at %llu us: %s\n", U(at_hand->seed), U(at_hand->steps),
	       U(at_hand->now), number == SIGALRM ? "a step does not end" : number == SIGABRT ? "an assertion failed" :
	       "it crashed");
	main_failed(at_hand);
}

static uint64_t wall_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static void run(uint64_t seed, const struct programs *programs, bool trace, struct outcome *out)
{
	struct sim *s = mem_new(sizeof *s);

	at_hand = s;
	s->seed = seed;
	s->programs = programs;
	s->trace = trace;
	alarm(SEED_SECONDS_MAX);
	world_run(s);
	memset(out, 0, sizeof *out);
	out->seed = seed;
	out->hash = s->hash;
	out->count = s->count;
	out->valid = s->steps >= STEPS_MIN && s->count.proposals >= PROPOSALS_MIN && s->count.leaders > s->ngroups;
	world_free(s);
	alarm(0);
	free(s);
}

static void work(unsigned job, int fd, uint64_t end_ms)
{
	struct programs *programs = client_programs();
	struct outcome o;

	for (uint64_t seed = first_seed + job; seed <= last_seed && wall_ms() < end_ms; seed += jobs) {
		run(seed, programs, false, &o);
		if (write(fd, &o, sizeof o) != (ssize_t)sizeof o)
			break;
	}
	client_programs_free(programs);
}

static bool next_outcome(struct job *j, struct outcome *o)
{
	size_t n = 0;
	ssize_t got = 1;

	while (n < sizeof *o && got > 0) {
		got = read(j->fd, (char *)o + n, sizeof *o - n);
		n += got > 0 ? (size_t)got : 0;
	}
	j->over = n < sizeof *o;
	return !j->over;
}

static void add_counts(struct sim_counts *sum, const struct sim_counts *c)
{
#define X(name) sum->name += c->name;
	SIM_COUNTS(X)
#undef X
}

static void print_counts(const struct sim_counts *c, uint64_t seeds)
{
	unsigned column = 0;

	printf("#");
#define X(name)                                                                                                        \
	if (strcmp(#name, "convergence_us") != 0)                                                                      \
		printf("%s " #name " %llu", column++ % 8 == 7 ? "\n#" : "", U(c->name));
	SIM_COUNTS(X)
#undef X
	printf("\n# convergence after healing: %llu ms of simulated time on average\n",
	       U(seeds > 0 ? c->convergence_us / seeds / 1000 : 0));
}

static int start(struct job *j, unsigned i, uint64_t end_ms)
{
	int fd[2];

	fflush(stdout);
	if (pipe(fd) != 0 || (j->pid = fork()) < 0) {
		perror("sim");
		return -1;
	}
	if (j->pid == 0) {
		close(fd[0]);
		work(i, fd[1], end_ms);
		_exit(0);
	}
	close(fd[1]);
	j->fd = fd[0];
	return 0;
}

/* Outcomes are taken in the order of the seeds, so that the first failure is that of the lowest seed. */
static int run_many(void)
{
	struct job job[JOBS_MAX] = { 0 };
	struct sim_counts sum = { 0 };
	uint64_t start_ms = wall_ms(), end_ms = seconds > 0 ? start_ms + 1000 * seconds : UINT64_MAX, seeds = 0,
		invalid = 0, hash = 0;
	unsigned left = (unsigned)jobs;
	bool failed = false;
	double took;

	for (unsigned i = 0; i < jobs; i++)
		if (start(&job[i], i, end_ms) != 0)
			return 1;
	for (unsigned i = 0; left > 0 && !failed; i = (i + 1) % (unsigned)jobs) {
		struct outcome o;
		int status = 0;

		if (job[i].over)
			continue;
		if (next_outcome(&job[i], &o)) {
			seeds++;
			if (!o.valid)
				printf("# seed %llu is invalid: %llu steps, %llu proposals, %llu leaders\n", U(o.seed),
				       U(o.count.steps), U(o.count.proposals), U(o.count.leaders));
			invalid += !o.valid;
			hash = world_hash(hash, &o.hash, sizeof o.hash);
			add_counts(&sum, &o.count);
			continue;
		}
		left--;
		waitpid(job[i].pid, &status, 0);
		job[i].pid = 0;
		failed |= status != 0;
	}
	for (unsigned i = 0; i < jobs; i++)
		if (job[i].pid > 0)
			kill(job[i].pid, SIGTERM);
	took = (double)(wall_ms() - start_ms) / 1000;
	print_counts(&sum, seeds);
	printf("# %llu seeds from %llu on, %llu of them invalid, %.1f s, %.3f s of one core each, hash %016llx\n",
	       U(seeds),
	       U(first_seed), U(invalid), took, seeds > 0 ? took * (double)jobs / (double)seeds : 0,
	       U(hash));
	if (invalid * 100 > seeds * INVALID_PERCENT_MAX) {
		printf("# too many runs are invalid\n");
		failed = true;
	}
	printf("%s sim # %llu seeds\n", failed || seeds == 0 ? "not ok" : "ok", U(seeds));
	return failed || seeds == 0;
}

static int run_one(bool trace)
{
	struct programs *programs = client_programs();
	struct outcome o;

	run(first_seed, programs, trace, &o);
	print_counts(&o.count, 1);
	printf("# seed %llu: %s, trace hash %016llx\n", U(o.seed), o.valid ? "passed" : "invalid",
	       U(o.hash));
	client_programs_free(programs);
	return 0;
}

static bool parse_range(const char *s)
{
	char *end;

	errno = 0;
	first_seed = strtoull(s, &end, 10);
	if (end == s || strncmp(end, "..", 2) != 0)
		return false;
	s = end + 2;
	last_seed = *s == '\0' ? UINT64_MAX - JOBS_MAX : strtoull(s, &end, 10);
	return errno == 0 && (*s == '\0' || *end == '\0') && last_seed >= first_seed;
}

int main(int argc, char **argv)
{
	static uint64_t seed = UINT64_MAX;
	static const char *seeds;
	static bool trace;
	static const struct opt opts[] = {
		OPT_U64(0, "seed", "N", "run this one", &seed, 0, UINT64_MAX - 1),
		OPT_STR(0, "seeds", "A..B", "run all of these; without B, until the time is over", &seeds),
		OPT_U64(0, "jobs", "N", "processes", &jobs, 1, JOBS_MAX),
		OPT_U64(0, "time", "SECONDS", "begin no seed after that long; 0: no limit", &seconds, 0, 1000000),
		OPT_FLAG(0, "trace", "tell the story of the seed", &trace),
		OPT_END
	};
	static const struct opt_usage usage = { "sim", "", "simulate clusters of ddb-node", opts, 0, 0, false };

	opt_parse(&usage, argc, argv);
	program = argv[0];
	log_open("core");
	log_limit(trace ? LOG_LEVEL_DEBUG : (enum log_level)0);
	setvbuf(stdout, NULL, trace ? _IOLBF : _IOFBF, 0);
	signal(SIGABRT, on_signal);
#ifndef __SANITIZE_ADDRESS__
	signal(SIGSEGV, on_signal);
#endif
	signal(SIGALRM, on_signal);
	if (seeds != NULL && !parse_range(seeds)) {
		fprintf(stderr, "sim: --seeds wants A..B\n");
		return 2;
	}
	if (seeds != NULL)
		return run_many();
	first_seed = seed != UINT64_MAX ? seed : (uint64_t)time(NULL);
	return run_one(trace);
}
