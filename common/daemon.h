/*
 * daemon: what the main of every daemon shares.
 *
 *	static struct daemon d = DAEMON_INIT;
 *	static const struct opt opts[] = { DAEMON_OPTS(d), ..., OPT_END };
 *	...
 *	opt_parse(&usage, argc, argv);
 *	code = daemon_open(&d, "ddb-memds", NET_MEMDS, NULL);      // cluster file, limits, signals, loop, net
 *	if (code == 0) {
 *		... net_listen(d.net, ...), whatever the program is ...
 *		daemon_ready(&d);
 *		code = daemon_run(&d, drain, arg);
 *	}
 *	daemon_close(&d);
 *	return code;
 *
 * SIGTERM, SIGINT, and the closing of what --life-fd names (a pipe that the parent holds) call drain once, from the
 * loop.  The program then finishes what it has begun and calls daemon_end; after DAEMON_DRAIN_MS_MAX, or at a second
 * signal, it is ended anyway.  SIGPIPE and SIGHUP are ignored.  DDB_HOME stands in for --home.  DDB_FAULT is armed.
 * Does not: fork, change directory, write files, start threads.
 */
#ifndef COMMON_DAEMON_H
#define COMMON_DAEMON_H

#include <uv.h>

#include "cluster.h"
#include "net.h"
#include "opt.h"

#define DAEMON_DRAIN_MS_MAX 10000
#define DAEMON_FD_NONE UINT64_MAX

struct daemon {
	/* options */
	const char *home_wanted;
	uint64_t ready_fd, life_fd;
	int log_level;                                   /* index: err, warn, info, debug */
	/* from daemon_open on */
	char *home;                                      /* absolute */
	struct cluster cluster;
	uv_loop_t loop;
	struct net *net;
	/* private */
	bool open, draining, ended;
	int code;
	void (*drain)(void *arg);
	void *arg;
	uv_signal_t term, intr;
	uv_poll_t life;
	bool has_life;
	uv_timer_t patience;
};

#define DAEMON_INIT { .ready_fd = DAEMON_FD_NONE, .life_fd = DAEMON_FD_NONE, .log_level = 2 }

#define DAEMON_OPTS(d)                                                                                                 \
	OPT_STR(0, "home", "DIR", "directory of the cluster (DDB_HOME)", &(d).home_wanted),                            \
	OPT_U64(0, "ready-fd", "FD", "write a newline there when serving", &(d).ready_fd, 0, 1 << 20),                 \
	OPT_U64(0, "life-fd", "FD", "leave when this descriptor closes", &(d).life_fd, 0, 1 << 20),                    \
	OPT_CHOICE(0, "log-level", "LEVEL", "err, warn, info or debug", &(d).log_level, daemon_log_levels)

extern const char *const daemon_log_levels[];

/*
 *   program  for logs, kept; main has called log_open with it already if it wants to log before
 *   name     of this process among its kind, as "node-a"; NULL: program
 * Returns 0, or an exit code after saying why; daemon_close is to be called in either case.
 */
int daemon_open(struct daemon *d, const char *program, enum net_role role, const char *name);
void daemon_ready(struct daemon *d);
/* Runs the loop until daemon_end.  Returns the exit code given there. */
int daemon_run(struct daemon *d, void (*drain)(void *arg), void *arg);
void daemon_end(struct daemon *d, int code);             /* the first code counts; any time after daemon_open */
/*
 * Closes the net (net_free) and the loop.  Other users of the loop have called uv_close for their handles before; what
 * the callbacks need must still be there.
 */
void daemon_close(struct daemon *d);

/* An address of the cluster file, made absolute; to be freed. */
char *daemon_addr(const struct daemon *d, const char *addr);

#endif
