/*
 * procs: the processes of a cluster that runs under a supervisor: which they are, and their deaths.
 * A process is known by its place among the supervisor's children and its arguments, and killed through a descriptor
 * that means it and no other.
 */
#ifndef T_KILL_PROCS_H
#define T_KILL_PROCS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define PROCS_MAX 16
#define PROCS_NAME_MAX 32

struct proc {
	pid_t pid;
	char name[PROCS_NAME_MAX];                       /* "node-a", "memds", "autoadmin", "router", "supervisor" */
};

struct procs {
	struct proc v[PROCS_MAX];                        /* the supervisor first */
	size_t n;
};

/* Who runs now; none if the supervisor does not. */
struct procs procs_of(const char *home);
const struct proc *procs_find(const struct procs *p, const char *name);    /* NULL: not running */

/* kill -9; returns a descriptor that becomes readable when it is gone, or -1 if it is gone already. */
int procs_kill(const char *home, const struct proc *p);
/* Stop it for so long; false if it is gone. */
bool procs_pause(const char *home, const struct proc *p, unsigned ms);
/* Watch without killing. */
int procs_watch(const struct proc *p);
/* Wait for it, and close; false: still there after 10 s. */
bool procs_gone(int fd);

#endif
