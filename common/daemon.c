#include "daemon.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "exit.h"
#include "fault.h"
#include "log.h"
#include "mem.h"

#define CLOSING_TURNS_MAX 1000

const char *const daemon_log_levels[] = { "err", "warn", "info", "debug", NULL };

static int find_home(struct daemon *d)
{
	const char *wanted = d->home_wanted != NULL ? d->home_wanted : getenv("DDB_HOME");
	char path[PATH_MAX];

	if (wanted == NULL || wanted[0] == '\0') {
		log_err("no home: give --home or set DDB_HOME");
		return DDB_EXIT_USAGE;
	}
	if (realpath(wanted, path) == NULL) {
		log_err("%s: %m", wanted);
		return DDB_EXIT_USAGE;
	}
	d->home = mem_str(path);
	switch (cluster_load(d->home, &d->cluster)) {
	case 0:
		return 0;
	case 1:
		log_err("%s: no cluster here (there is no file `cluster`)", d->home);
	}
	return DDB_EXIT_USAGE;
}

static void raise_limits(void)
{
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < files.rlim_max) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
}

static void on_patience(uv_timer_t *t)
{
	struct daemon *d = t->data;

	log_warn("leaving without having finished");
	daemon_end(d, DDB_EXIT_INCOMPLETE);
}

static void leave(struct daemon *d, const char *why)
{
	if (d->draining) {
		daemon_end(d, DDB_EXIT_INCOMPLETE);
		return;
	}
	d->draining = true;
	log_info("leaving: %s", why);
	log_notify("STOPPING=1");
	uv_timer_start(&d->patience, on_patience, DAEMON_DRAIN_MS_MAX, 0);
	if (d->drain != NULL)
		d->drain(d->arg);
	else
		daemon_end(d, DDB_EXIT_DONE);
}

static void on_signal(uv_signal_t *s, int number)
{
	leave(s->data, number == SIGTERM ? "SIGTERM" : "SIGINT");
}

/* The parent never writes: readable means that it is gone. */
static void on_life(uv_poll_t *p, int status, int events)
{
	struct daemon *d = p->data;
	char t[16];
	ssize_t n = status == 0 ? read((int)d->life_fd, t, sizeof t) : 0;

	(void)events;
	if (n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR)))
		return;
	uv_poll_stop(p);
	leave(d, "the parent has gone");
}

static int watch(struct daemon *d)
{
	int fd = (int)d->life_fd;

	uv_signal_init(&d->loop, &d->term);
	uv_signal_init(&d->loop, &d->intr);
	uv_timer_init(&d->loop, &d->patience);
	d->term.data = d->intr.data = d->patience.data = d->life.data = d;
	uv_signal_start(&d->term, on_signal, SIGTERM);
	uv_signal_start(&d->intr, on_signal, SIGINT);
	if (d->life_fd == DAEMON_FD_NONE)
		return 0;
	if (fcntl(fd, F_SETFD, FD_CLOEXEC) != 0 || fcntl(fd, F_SETFL, O_NONBLOCK) != 0 ||
	    uv_poll_init(&d->loop, &d->life, fd) != 0) {
		log_err("--life-fd %d: not a descriptor that can be watched", fd);
		return DDB_EXIT_USAGE;
	}
	d->has_life = true;
	d->life.data = d;
	uv_poll_start(&d->life, UV_READABLE | UV_DISCONNECT, on_life);
	return 0;
}

int daemon_open(struct daemon *d, const char *program, enum net_role role, const char *name)
{
	static const enum log_level levels[] = { LOG_LEVEL_ERR, LOG_LEVEL_WARN, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };
	struct net_identity id = { .role = role, .name = name != NULL ? name : program };
	int code;

	log_open(program);
	log_limit(levels[d->log_level]);
	umask(077);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	if (fault_arm(getenv("DDB_FAULT")) != 0)
		return DDB_EXIT_USAGE;
	code = find_home(d);
	if (code != 0)
		return code;
	raise_limits();
	if (uv_loop_init(&d->loop) != 0) {
		log_err("cannot make an event loop: %m");
		return DDB_EXIT_IO;
	}
	d->open = true;
	code = watch(d);
	if (code != 0)
		return code;
	memcpy(id.cluster, d->cluster.id, sizeof id.cluster);
	d->net = net_new(&d->loop, &id);
	return 0;
}

void daemon_ready(struct daemon *d)
{
	log_ready(d->ready_fd == DAEMON_FD_NONE ? -1 : (int)d->ready_fd);
}

int daemon_run(struct daemon *d, void (*drain)(void *arg), void *arg)
{
	d->drain = drain;
	d->arg = arg;
	while (!d->ended)
		uv_run(&d->loop, UV_RUN_DEFAULT);
	return d->code;
}

void daemon_end(struct daemon *d, int code)
{
	if (!d->ended) {
		d->ended = true;
		d->code = code;
	}
	uv_stop(&d->loop);
}

void daemon_close(struct daemon *d)
{
	if (d->open) {
		net_free(d->net);
		uv_close((uv_handle_t *)&d->term, NULL);
		uv_close((uv_handle_t *)&d->intr, NULL);
		uv_close((uv_handle_t *)&d->patience, NULL);
		if (d->has_life)
			uv_close((uv_handle_t *)&d->life, NULL);
		/* A handle that somebody forgot must not keep the process from leaving. */
		for (int i = 0; i < CLOSING_TURNS_MAX && uv_run(&d->loop, UV_RUN_NOWAIT) != 0; i++)
			;
		if (uv_loop_close(&d->loop) != 0)
			log_debug("left with handles open");
	}
	d->net = NULL;
	d->open = false;
	cluster_fini(&d->cluster);
	free(d->home);
	d->home = NULL;
}

char *daemon_addr(const struct daemon *d, const char *addr)
{
	return cluster_addr(d->home, addr);
}
