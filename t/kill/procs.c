#include "procs.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define CMDLINE_MAX 4096
#define GONE_MS 10000

/* What the arguments say; false: no process of ours, or one that is not yet itself. */
static bool name_of(pid_t pid, const char *home, char out[PROCS_NAME_MAX])
{
	char path[64], text[CMDLINE_MAX + 1] = "", *arg, *base, *node = NULL;
	bool ours = false;
	size_t n;
	FILE *f;

	snprintf(path, sizeof path, "/proc/%d/cmdline", (int)pid);
	f = fopen(path, "r");
	if (f == NULL)
		return false;
	n = fread(text, 1, CMDLINE_MAX, f);
	fclose(f);
	base = strrchr(text, '/');
	base = base != NULL ? base + 1 : text;
	for (arg = text; arg < text + n; arg += strlen(arg) + 1) {
		char *value = arg + strlen(arg) + 1;

		if (value < text + n && strcmp(arg, "--home") == 0)
			ours = strcmp(value, home) == 0;
		if (value < text + n && strcmp(arg, "--node") == 0)
			node = value;
	}
	if (!ours || strncmp(base, "ddb-", 4) != 0)
		return false;
	if (node != NULL)
		snprintf(out, PROCS_NAME_MAX, "node-%.20s", node);
	else
		snprintf(out, PROCS_NAME_MAX, "%.20s", base + 4);
	return true;
}

struct procs procs_of(const char *home)
{
	struct procs p = { .n = 0 };
	char path[4096], line[4096] = "", *at = line, *end;
	long pid = 0;
	FILE *f;

	snprintf(path, sizeof path, "%s/ddb.pid", home);
	f = fopen(path, "r");
	if (f == NULL || fscanf(f, "%ld", &pid) != 1)
		pid = 0;
	if (f != NULL)
		fclose(f);
	snprintf(path, sizeof path, "/proc/%ld/task/%ld/children", pid, pid);
	f = pid > 0 ? fopen(path, "r") : NULL;
	if (f == NULL)
		return p;
	p.v[p.n++] = (struct proc){ (pid_t)pid, "supervisor" };
	if (fgets(line, sizeof line, f) == NULL)
		line[0] = '\0';
	fclose(f);
	while (p.n < PROCS_MAX && (pid = strtol(at, &end, 10)) > 0) {
		struct proc *c = &p.v[p.n];

		c->pid = (pid_t)pid;
		p.n += name_of(c->pid, home, c->name);
		at = end;
	}
	return p;
}

const struct proc *procs_find(const struct procs *p, const char *name)
{
	for (size_t i = 0; i < p->n; i++)
		if (strcmp(p->v[i].name, name) == 0)
			return &p->v[i];
	return NULL;
}

int procs_watch(const struct proc *p)
{
	return (int)syscall(SYS_pidfd_open, p->pid, 0);
}

/* Asked again behind the descriptor: the number cannot have come to mean another one in between. */
static bool is_same(const char *home, const struct proc *p)
{
	char name[PROCS_NAME_MAX];
	struct procs all;

	if (strcmp(p->name, "supervisor") != 0)
		return name_of(p->pid, home, name) && strcmp(name, p->name) == 0;
	all = procs_of(home);
	return all.n > 0 && all.v[0].pid == p->pid;
}

int procs_kill(const char *home, const struct proc *p)
{
	int fd = procs_watch(p);

	if (fd >= 0 && is_same(home, p) && syscall(SYS_pidfd_send_signal, fd, SIGKILL, NULL, 0) == 0)
		return fd;
	if (fd >= 0)
		close(fd);
	return -1;
}

bool procs_pause(const char *home, const struct proc *p, unsigned ms)
{
	int fd = procs_watch(p);
	bool ok = fd >= 0 && is_same(home, p) && syscall(SYS_pidfd_send_signal, fd, SIGSTOP, NULL, 0) == 0;

	if (ok) {
		nanosleep(&(struct timespec){ ms / 1000, ms % 1000 * 1000000L }, NULL);
		syscall(SYS_pidfd_send_signal, fd, SIGCONT, NULL, 0);
	}
	if (fd >= 0)
		close(fd);
	return ok;
}

bool procs_gone(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	bool gone = fd < 0 || poll(&p, 1, GONE_MS) == 1;

	if (fd >= 0)
		close(fd);
	return gone;
}
