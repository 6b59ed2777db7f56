#include "fault.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "log.h"
#include "opt.h"

#define FAULT_TEXT_MAX 64
#define FAULT_DELAY_MS_MAX 3600000

struct fault {
	char name[FAULT_TEXT_MAX], what[FAULT_TEXT_MAX];
	int err;                                         /* 0: delay or kill */
	uint64_t delay_ms;
	bool kill;
	uint64_t from, to;                               /* hits that are struck, inclusive */
	_Atomic uint64_t hits;
	atomic_bool told;
};

bool fault_armed;
static struct fault faults[FAULT_MAX];
static size_t faults_n;

static int errno_by_name(const char *name)
{
	for (int e = 1; e < 134; e++) {
		const char *s = strerrorname_np(e);

		if (s != NULL && strcmp(s, name) == 0)
			return e;
	}
	return 0;
}

static bool parse_hits(struct fault *f, char *s)
{
	size_t n = s != NULL ? strlen(s) : 0;
	bool on = n > 0 && s[n - 1] == '+';

	f->from = 1;
	f->to = UINT64_MAX;
	if (s == NULL)
		return true;
	if (on)
		s[n - 1] = '\0';
	if (!opt_u64(s, &f->from) || f->from == 0)
		return false;
	if (!on)
		f->to = f->from;
	return true;
}

/* NAME:WHAT[:HITS], which is cut up in place. */
static bool parse_one(struct fault *f, char *s)
{
	char *name = strsep(&s, ":"), *what = strsep(&s, ":");

	memset(f, 0, sizeof *f);
	if (what == NULL || name[0] == '\0' || strlen(name) >= sizeof f->name || strlen(what) >= sizeof f->what)
		return false;
	strcpy(f->name, name);
	strcpy(f->what, what);
	if (strcmp(what, "kill") == 0)
		f->kill = true;
	else if (strncmp(what, "delay=", 6) == 0)
		return opt_ms(what + 6, &f->delay_ms) && f->delay_ms <= FAULT_DELAY_MS_MAX && parse_hits(f, s);
	else if ((f->err = errno_by_name(what)) == 0)
		return false;
	return parse_hits(f, s);
}

int fault_arm(const char *spec)
{
	char copy[FAULT_MAX * 2 * FAULT_TEXT_MAX], *rest = copy, *one;

	fault_armed = false;
	faults_n = 0;
	if (spec == NULL || spec[0] == '\0')
		return 0;
	if (strlen(spec) >= sizeof copy) {
		log_err("DDB_FAULT: longer than %zu bytes", sizeof copy - 1);
		return -1;
	}
	strcpy(copy, spec);
	while ((one = strsep(&rest, ",")) != NULL) {
		char told[2 * FAULT_TEXT_MAX];

		strncpy(told, one, sizeof told - 1);
		told[sizeof told - 1] = '\0';
		if (faults_n == FAULT_MAX || !parse_one(&faults[faults_n], one)) {
			log_err("DDB_FAULT: \"%s\" is %s", told,
				faults_n == FAULT_MAX ? "one too many" : "not NAME:ERRNO|delay=TIME|kill[:N[+]]");
			faults_n = 0;
			return -1;
		}
		faults_n++;
	}
	fault_armed = true;
	return 0;
}

int fault_strike(const char *name)
{
	for (size_t i = 0; i < faults_n; i++) {
		struct fault *f = &faults[i];
		struct timespec left = { (time_t)(f->delay_ms / 1000), (long)(f->delay_ms % 1000) * 1000000 };
		uint64_t hit;

		if (strcmp(f->name, name) != 0)
			continue;
		hit = atomic_fetch_add(&f->hits, 1) + 1;
		if (hit < f->from || hit > f->to)
			continue;
		if (!atomic_exchange(&f->told, true))
			log_warn("fault %s: %s", f->name, f->what);
		if (f->kill)
			kill(getpid(), SIGKILL);
		while (f->delay_ms > 0 && nanosleep(&left, &left) < 0)
			assert(errno == EINTR);
		if (f->err != 0)
			return f->err;
	}
	return 0;
}
