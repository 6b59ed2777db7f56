/*
 * driver: runs a fuzz target (LLVMFuzzerTestOneInput) deterministically, without libFuzzer.
 * usage: TARGET [-seed=N] [-runs=N] [-seconds=N] [-max=BYTES] [-corpus=DIR] [FILE...]
 * With FILEs runs those and nothing else.  Otherwise runs every file of the corpus (t/fuzz/corpus/TARGET), then inputs
 * made from them and from nothing, until runs or seconds are used up.  The input in hand is kept in
 * TARGET.crash; that file is removed at the end, so it is there exactly when the target died on it.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define CORPUS_MAX 4096
#define INPUT_BYTES_MAX (1 << 20)
#define HANG_SECONDS 20

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

struct input {
	uint8_t *p;
	size_t n;
};

/* What the crash file shows of the input in hand; mapped, so that it survives whatever kills the process. */
struct in_hand {
	int fd;
	uint8_t *map;
	char path[4096];
};

struct fuzz {
	uint64_t random, seed, runs_max, runs, bytes;
	double seconds_max;
	size_t input_max;
	struct input corpus[CORPUS_MAX];
	size_t corpus_n;
	struct in_hand hand;
	const char *name;
};

static void die(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));

static void die(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	exit(2);
}

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* xorshift64*: the same on every machine. */
static uint64_t roll(struct fuzz *f, uint64_t below)
{
	f->random ^= f->random >> 12;
	f->random ^= f->random << 25;
	f->random ^= f->random >> 27;
	return below > 0 ? (f->random * UINT64_C(2685821657736338717) >> 20) % below : 0;
}

static void hand_open(struct in_hand *h, const char *program)
{
	snprintf(h->path, sizeof h->path, "%s.crash", program);
	h->fd = open(h->path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (h->fd < 0 || ftruncate(h->fd, INPUT_BYTES_MAX) < 0)
		die("%s: %s", h->path, strerror(errno));
	h->map = mmap(NULL, INPUT_BYTES_MAX, PROT_READ | PROT_WRITE, MAP_SHARED, h->fd, 0);
	if (h->map == MAP_FAILED)
		die("%s: mmap: %s", h->path, strerror(errno));
}

/* For signal handlers: the process is about to die, and the file is cut to what the target was given. */
static struct fuzz fuzz;
static volatile size_t hand_n;
static volatile sig_atomic_t hand_busy;

static void report_death(void)
{
	char line[4400];
	int n;

	if (!hand_busy)
		return;
	hand_busy = 0;
	if (ftruncate(fuzz.hand.fd, (off_t)hand_n) < 0)
		return;
	n = snprintf(line, sizeof line, "\n# input of %zu bytes kept in %s (seed %" PRIu64 ", run %" PRIu64 ")\n",
		     (size_t)hand_n, fuzz.hand.path, fuzz.seed, fuzz.runs);
	if (write(STDERR_FILENO, line, (size_t)n) < 0)
		return;
}

static void on_signal(int sig)
{
	static const char hang[] = "# no answer within the time for one input\n";

	if (sig == SIGALRM && write(STDERR_FILENO, hang, sizeof hang - 1) < 0)
		_exit(1);
	report_death();
	signal(sig, SIG_DFL);
	raise(sig);
}

void __sanitizer_set_death_callback(void (*fn)(void)) __attribute__((weak));

static void catch_deaths(void)
{
	static const int sigs[] = { SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGALRM };

	if (__sanitizer_set_death_callback != NULL)
		__sanitizer_set_death_callback(report_death);
	for (size_t i = 0; i < sizeof sigs / sizeof *sigs; i++) {
		/* ASan's own handlers print the stack, then call report_death. */
		if (__sanitizer_set_death_callback != NULL && sigs[i] != SIGALRM && sigs[i] != SIGABRT)
			continue;
		signal(sigs[i], on_signal);
	}
}

static void run_one(struct fuzz *f, const uint8_t *p, size_t n)
{
	uint8_t *exact = malloc(n > 0 ? n : 1);          /* so that ASan sees one byte too far */

	if (exact == NULL)
		die("out of memory");
	if (f->runs % 256 == 0)
		alarm(HANG_SECONDS);
	memcpy(f->hand.map, p, n);
	if (n > 0)
		memcpy(exact, p, n);
	hand_n = n;
	hand_busy = 1;
	LLVMFuzzerTestOneInput(exact, n);
	hand_busy = 0;
	free(exact);
	f->runs++;
	f->bytes += n;
}

static void add_file(struct fuzz *f, const char *path)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct input in;

	if (fd < 0 || fstat(fd, &st) < 0)
		die("%s: %s", path, strerror(errno));
	if (!S_ISREG(st.st_mode) || f->corpus_n == CORPUS_MAX) {
		close(fd);
		return;
	}
	if (st.st_size > INPUT_BYTES_MAX)
		die("%s: larger than %d bytes", path, INPUT_BYTES_MAX);
	in.n = (size_t)st.st_size;
	in.p = malloc(in.n + 1);
	if (in.p == NULL || read(fd, in.p, in.n) != (ssize_t)in.n)
		die("%s: cannot be read", path);
	close(fd);
	f->corpus[f->corpus_n++] = in;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* In the order of names, since directories have none of their own.  A missing directory is an empty corpus. */
static void add_directory(struct fuzz *f, const char *dir)
{
	char *names[CORPUS_MAX], path[8192];
	size_t n = 0;
	DIR *d = opendir(dir);

	if (d == NULL)
		return;
	for (struct dirent *e; n < CORPUS_MAX && (e = readdir(d)) != NULL;)
		if (e->d_name[0] != '.')
			names[n++] = strdup(e->d_name);
	closedir(d);
	qsort(names, n, sizeof *names, by_name);
	for (size_t i = 0; i < n; i++) {
		snprintf(path, sizeof path, "%s/%s", dir, names[i]);
		add_file(f, path);
		free(names[i]);
	}
}

static const uint64_t interesting[] = { 0, 1, 2, 7, 8, 15, 16, 31, 32, 63, 64, 100, 127, 128, 255, 256, 511, 512, 1000,
	1023, 1024, 4095, 4096, 0x7fff, 0x8000, 0xffff, 0x10000, 0x7fffffff, 0x80000000, 0xffffffff, 0x100000000,
	0x7fffffffffffffff, 0x8000000000000000, 0xffffffffffffffff };

/* Opens a gap of k bytes at i in p, which holds n and has room for max.  Returns the new length. */
static size_t gap(uint8_t *p, size_t n, size_t max, size_t i, size_t k)
{
	if (k > max - n)
		k = max - n;
	memmove(p + i + k, p + i, n - i);
	return n + k;
}

static size_t put_other(struct fuzz *f, uint8_t *p, size_t n)
{
	struct input *o = &f->corpus[roll(f, f->corpus_n)];
	size_t from, k, at = (size_t)roll(f, n + 1), before = n;

	if (o->n == 0)
		return n;
	from = (size_t)roll(f, o->n);
	k = (size_t)roll(f, o->n - from) + 1;
	n = gap(p, n, f->input_max, at, k);
	memcpy(p + at, o->p + from, n - before);
	return n;
}

/* One change of p in place.  Returns the new length, at most f->input_max. */
static size_t mutate(struct fuzz *f, uint8_t *p, size_t n)
{
	size_t i = (size_t)roll(f, n), k, at, before = n;
	uint64_t v;

	switch (n > 0 ? roll(f, 10) : 3 + roll(f, 2)) {
	case 0:
		p[i] ^= (uint8_t)(1 << roll(f, 8));
		return n;
	case 1:
		p[i] = (uint8_t)roll(f, 256);
		return n;
	case 2:
		p[i] = (uint8_t)(p[i] + roll(f, 9) - 4);
		return n;
	case 3:                                          /* insert random or repeated bytes */
		k = (size_t)(roll(f, 8) == 0 ? roll(f, 256) + 1 : roll(f, 4) + 1);
		at = (size_t)roll(f, n + 1);
		n = gap(p, n, f->input_max, at, k);
		v = roll(f, 512);
		for (k = at; k < at + (n - before); k++)
			p[k] = (uint8_t)(v < 256 ? v : roll(f, 256));
		return n;
	case 4:
		return f->corpus_n > 0 ? put_other(f, p, n) : n;
	case 5:                                          /* remove */
		k = (size_t)roll(f, roll(f, 4) == 0 ? n - i : (n - i < 4 ? n - i : 4)) + 1;
		memmove(p + i, p + i + k, n - i - k);
		return n - k;
	case 6:                                          /* cut off the end */
		return i;
	case 7:                                          /* copy a stretch over another */
		k = (size_t)roll(f, n - i) + 1;
		at = (size_t)roll(f, n - k + 1);
		memmove(p + at, p + i, k);
		return n;
	default:                                         /* an interesting integer, either end first */
		k = (size_t)1 << roll(f, 4);
		v = interesting[roll(f, sizeof interesting / sizeof *interesting)];
		if (roll(f, 2) == 1)
			v = __builtin_bswap64(v) >> (64 - 8 * k);
		if (k <= n)
			memcpy(p + roll(f, n - k + 1), &v, k);
		return n;
	}
}

static void run_new(struct fuzz *f, uint8_t *p)
{
	size_t n = 0;

	if (f->corpus_n > 0 && roll(f, 16) != 0) {
		struct input *in = &f->corpus[roll(f, f->corpus_n)];

		n = in->n < f->input_max ? in->n : f->input_max;
		memcpy(p, in->p, n);
	} else {
		n = (size_t)roll(f, roll(f, 4) == 0 && f->input_max > 1024 ? 1024 : 64);
		for (size_t i = 0; i < n; i++)
			p[i] = (uint8_t)roll(f, 256);
	}
	for (uint64_t k = roll(f, 6) + 1; k > 0; k--)
		n = mutate(f, p, n);
	run_one(f, p, n);
}

static void run_all(struct fuzz *f)
{
	double end = now() + f->seconds_max;
	uint8_t *p = malloc(INPUT_BYTES_MAX);

	if (p == NULL)
		die("out of memory");
	run_one(f, p, 0);
	for (size_t i = 0; i < f->corpus_n; i++)
		run_one(f, f->corpus[i].p, f->corpus[i].n);
	while ((f->runs_max == 0 || f->runs < f->runs_max) && (f->runs % 64 != 0 || now() < end))
		run_new(f, p);
	free(p);
}

static const char *value_of(const char *arg, const char *name)
{
	size_t n = strlen(name);

	return strncmp(arg, name, n) == 0 && arg[n] == '=' ? arg + n + 1 : NULL;
}

int main(int argc, char **argv)
{
	struct fuzz *f = &fuzz;
	char dir[4096];
	const char *corpus = NULL, *v;
	bool files = false;
	double start;

	f->seed = 1;
	f->seconds_max = 10;
	f->input_max = 65536;
	f->name = strrchr(argv[0], '/') != NULL ? strrchr(argv[0], '/') + 1 : argv[0];
	for (int i = 1; i < argc; i++) {
		if ((v = value_of(argv[i], "-seed")) != NULL) {
			f->seed = strtoull(v, NULL, 10);
		} else if ((v = value_of(argv[i], "-runs")) != NULL) {
			f->runs_max = strtoull(v, NULL, 10);
			f->seconds_max = 1e9;
		} else if ((v = value_of(argv[i], "-seconds")) != NULL) {
			f->seconds_max = strtod(v, NULL);
		} else if ((v = value_of(argv[i], "-max")) != NULL) {
			f->input_max = (size_t)strtoull(v, NULL, 10);
		} else if ((v = value_of(argv[i], "-corpus")) != NULL) {
			corpus = v;
		} else if (argv[i][0] == '-') {
			die("usage: %s [-seed=N] [-runs=N] [-seconds=N] [-max=BYTES] [-corpus=DIR] [FILE...]", f->name);
		} else {
			add_file(f, argv[i]);
			files = true;
		}
	}
	if (f->input_max == 0 || f->input_max > INPUT_BYTES_MAX)
		die("-max is from 1 to %d", INPUT_BYTES_MAX);
	f->random = f->seed * UINT64_C(0x9e3779b97f4a7c15) | 1;
	hand_open(&f->hand, argv[0]);
	catch_deaths();
	start = now();
	if (files) {
		for (size_t i = 0; i < f->corpus_n; i++)
			run_one(f, f->corpus[i].p, f->corpus[i].n);
	} else {
		snprintf(dir, sizeof dir, "t/fuzz/corpus/%s", f->name);
		add_directory(f, corpus != NULL ? corpus : dir);
		run_all(f);
	}
	alarm(0);
	unlink(f->hand.path);
	for (size_t i = 0; i < f->corpus_n; i++)
		free(f->corpus[i].p);
	printf("ok %s # %" PRIu64 " runs of %" PRIu64 " bytes on average, corpus %zu, seed %" PRIu64 ", %.1f s\n", f->name,
	       f->runs, f->runs > 0 ? f->bytes / f->runs : 0, f->corpus_n, f->seed, now() - start);
	return 0;
}
