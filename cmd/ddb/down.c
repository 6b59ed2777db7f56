#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "clock.h"
#include "cmd.h"
#include "exit.h"
#include "home.h"
#include "log.h"
#include "opt.h"

/* 0 when it has left, -1 if it is still there. */
static int await(int pidfd, uint64_t wait_ms)
{
	uint64_t end = clock_ms() + wait_ms;

	for (;;) {
		uint64_t now = clock_ms();
		struct pollfd p = { .fd = pidfd, .events = POLLIN };
		int n = poll(&p, 1, end > now ? (int)(end - now) : 0);

		if (n > 0)
			return 0;
		if (n == 0 || errno != EINTR)
			return -1;
	}
}

int down_run(int argc, char **argv)
{
	const char *wanted = NULL;
	uint64_t wait_ms = 60000;
	const struct opt opts[] = {
		OPT_STR(0, "home", "DIR", "directory of the cluster (DDB_HOME, ~/.ddb)", &wanted),
		OPT_MS(0, "wait", "TIME", "how long to wait for the end (60s)", &wait_ms, 0, 86400000),
		OPT_END
	};
	const struct opt_usage usage = { "ddb down", NULL, "stop the cluster of a home", opts, 0, 0, false };
	int pidfd, code = DDB_EXIT_DONE;
	char *home;
	pid_t pid;

	opt_parse(&usage, argc, argv);
	home = home_find(wanted);
	if (home == NULL)
		return DDB_EXIT_USAGE;
	pidfd = home_running(home, &pid);
	if (pidfd < 0) {
		if (!home_exists(home)) {
			log_err("%s: no cluster here", home);
			code = DDB_EXIT_USAGE;
		} else {
			log_info("the cluster of %s is not running", home);
		}
	} else if (syscall(SYS_pidfd_send_signal, pidfd, SIGTERM, NULL, 0) != 0 && errno != ESRCH) {
		log_err("process %d: %m", (int)pid);
		code = DDB_EXIT_USAGE;
	} else if (await(pidfd, wait_ms) != 0) {
		log_err("process %d is still stopping; its log is in %s/log", (int)pid, home);
		code = DDB_EXIT_INCOMPLETE;
	}
	if (pidfd >= 0)
		close(pidfd);
	free(home);
	return code;
}
