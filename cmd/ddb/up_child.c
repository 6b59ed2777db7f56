#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "exit.h"
#include "log.h"
#include "mem.h"
#include "up.h"

#define READY_FD 3
#define LIFE_FD 4
#define SHOWN_BYTES_MAX 600
#define TEXT_OF(x) #x
#define TEXT(x) TEXT_OF(x)
#define ABOVE 16                                         /* where descriptors wait that go to 3 and 4 */

struct up_child *up_child_add(struct up *u, enum up_phase phase, const char *name, const char *program)
{
	struct up_child *c = &u->children[u->children_n++];

	c->up = u;
	c->phase = phase;
	c->name = mem_str(name);
	c->program = mem_fmt("%s/%s", u->bin, program);
	c->ready_fd = -1;
	c->again_ms = UP_AGAIN_MS;
	uv_timer_init(&u->loop, &c->again);
	c->again.data = c;
	up_child_arg(c, program);
	up_child_arg(c, "--home");
	up_child_arg(c, u->home);
	up_child_arg(c, "--ready-fd");
	up_child_arg(c, TEXT(READY_FD));
	up_child_arg(c, "--life-fd");
	up_child_arg(c, TEXT(LIFE_FD));
	return c;
}

void up_child_arg(struct up_child *c, const char *arg)
{
	size_t n = 0;

	while (c->args[n] != NULL)
		n++;
	c->args[n] = mem_str(arg);
}

void up_child_time(struct up_child *c, const char *option, uint64_t ms)
{
	char *text = mem_fmt("%" PRIu64 "ms", ms);

	if (ms != UP_UNSAID) {
		up_child_arg(c, option);
		up_child_arg(c, text);
	}
	free(text);
}

void up_child_fini(struct up_child *c)
{
	for (size_t i = 0; i < UP_ARGS_MAX; i++)
		free(c->args[i]);
	free(c->name);
	free(c->program);
}

void up_child_log(const struct up *u, const char *name)
{
	char *path = mem_fmt("%s/log/%s.log", u->home, name), *old = mem_fmt("%s.1", path);
	struct stat st;
	int fd;

	if (stat(path, &st) == 0 && st.st_size > UP_LOG_BYTES_MAX)
		rename(path, old);
	fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (fd < 0) {
		log_err("%s: %m", path);
	} else {
		dup2(fd, STDOUT_FILENO);
		dup2(fd, STDERR_FILENO);
		close(fd);
	}
	free(old);
	free(path);
}

/* In the new process; does not return. */
static void become(struct up_child *c, int ready_fd, pid_t parent)
{
	sigset_t none;
	int ready, life, null;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(DDB_EXIT_UNAVAILABLE);             /* it died before it could take us along */
	/* A ^C at the terminal is for the supervisor, which stops its children in order. */
	setpgid(0, 0);
	null = open("/dev/null", O_RDONLY);
	dup2(null, STDIN_FILENO);
	if (c->up->detach)
		up_child_log(c->up, c->name);
	else
		dup2(STDERR_FILENO, STDOUT_FILENO);
	ready = fcntl(ready_fd, F_DUPFD, ABOVE);
	life = fcntl(c->up->life[0], F_DUPFD, ABOVE);
	dup2(ready, READY_FD);
	dup2(life, LIFE_FD);
	close_range(LIFE_FD + 1, ~0u, 0);
	for (int i = 1; i < NSIG; i++)
		signal(i, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (c->phase == UP_NODE && c->up->first_life)
		up_child_arg(c, "--first-life");
	execv(c->program, c->args);
	log_err("%s: %m", c->program);
	_exit(DDB_EXIT_USAGE);
}

static void close_ready(struct up_child *c)
{
	if (c->ready_fd < 0)
		return;
	uv_poll_stop(&c->poll);
	/* libuv forgets the descriptor at once, and the handle at the next turn; a start comes later than that. */
	uv_close((uv_handle_t *)&c->poll, NULL);
	close(c->ready_fd);
	c->ready_fd = -1;
}

static void on_ready(uv_poll_t *p, int status, int events)
{
	struct up_child *c = p->data;
	char text[16];
	ssize_t n = status == 0 ? read(c->ready_fd, text, sizeof text) : 0;

	(void)events;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	close_ready(c);
	if (n > 0) {
		c->ready = true;
		up_run_child_ready(c);
	}
}

static void on_again(uv_timer_t *t)
{
	up_child_start(t->data);
}

static void again_later(struct up_child *c)
{
	uv_timer_start(&c->again, on_again, c->again_ms, 0);
	c->again_ms = c->again_ms * 2 < UP_AGAIN_MS_MAX ? c->again_ms * 2 : UP_AGAIN_MS_MAX;
}

void up_child_start(struct up_child *c)
{
	sigset_t all, before;
	pid_t parent = getpid();
	int fds[2];

	if (c->phase == UP_NODE)
		up_home_say_wiped(c->up, c->name);
	if (pipe2(fds, O_CLOEXEC | O_NONBLOCK) != 0) {
		log_err("%s: pipe: %m", c->name);
		again_later(c);
		return;
	}
	/* A signal that came between fork and exec would end up in the pipe that libuv's handler writes to. */
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &before);
	c->pid = fork();
	if (c->pid == 0)
		become(c, fds[1], parent);
	sigprocmask(SIG_SETMASK, &before, NULL);
	close(fds[1]);
	if (c->pid < 0) {
		log_err("%s: fork: %m", c->name);
		c->pid = 0;
		close(fds[0]);
		again_later(c);
		return;
	}
	c->ready = false;
	c->started_ms = clock_ms();
	c->ready_fd = fds[0];
	uv_poll_init(&c->up->loop, &c->poll, c->ready_fd);
	c->poll.data = c;
	uv_poll_start(&c->poll, UV_READABLE | UV_DISCONNECT, on_ready);
}

static char *ending(int status)
{
	int code = WEXITSTATUS(status);

	if (WIFSIGNALED(status))
		return mem_fmt("was killed by signal %d (%s)", WTERMSIG(status), strsignal(WTERMSIG(status)));
	return mem_fmt("ended with code %d (%s)", code, exit_meaning(code) != NULL ? exit_meaning(code) : "?");
}

/* The end of a log, for a user who has not seen it. */
static void show_log(const struct up_child *c)
{
	char *path = mem_fmt("%s/log/%s.log", c->up->home, c->name), text[SHOWN_BYTES_MAX + 1], *line = text, *end;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	ssize_t n = 0;

	if (fd >= 0 && fstat(fd, &st) == 0)
		n = pread(fd, text, SHOWN_BYTES_MAX, st.st_size > SHOWN_BYTES_MAX ? st.st_size - SHOWN_BYTES_MAX : 0);
	if (fd >= 0)
		close(fd);
	free(path);
	if (n <= 0)
		return;
	text[n] = '\0';
	if (n == SHOWN_BYTES_MAX && (end = strchr(text, '\n')) != NULL)
		line = end + 1;                          /* the first one is not whole */
	fwrite(line, 1, strlen(line), stderr);
}

/* Before the cluster has served, what another attempt would not change is the user's to know at once. */
static bool is_final(const struct up_child *c, int status)
{
	if (c->up->ready || !WIFEXITED(status))
		return false;
	switch (WEXITSTATUS(status)) {
	case DDB_EXIT_USAGE:
	case DDB_EXIT_REFUSED:
	case DDB_EXIT_BUSY:
		return true;
	case DDB_EXIT_IO:
		return c->up->first_life;
	}
	return false;
}

void up_child_ended(struct up_child *c, int status)
{
	char *how = ending(status);
	pid_t pid = c->pid;

	close_ready(c);
	c->pid = 0;
	c->ready = false;
	if (c->up->stopping) {
		if (status != 0 && !(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM))
			log_warn("%s (pid %d) %s", c->name, (int)pid, how);
	} else if (is_final(c, status)) {
		if (c->up->detach)
			show_log(c);
		log_err("%s %s%s%s%s", c->name, how, c->up->detach ? "; the logs are in " : "",
		        c->up->detach ? c->up->home : "", c->up->detach ? "/log" : "");
		up_run_give_up(c->up, WEXITSTATUS(status));
	} else {
		if (clock_ms() - c->started_ms >= UP_LIVED_MS)
			c->again_ms = UP_AGAIN_MS;
		log_warn("%s (pid %d) %s; starting it again in %u ms", c->name, (int)pid, how, (unsigned)c->again_ms);
		again_later(c);
	}
	free(how);
}

void up_child_signal(struct up_child *c, int number)
{
	if (c->pid > 0)
		kill(c->pid, number);
}
