/*
 * home: the directory of a cluster, as `ddb` sees it: where it is, who runs it, at which port.
 *
 *	cluster  credentials  run/NAME.sock  log/  node-NAME/     as their owners say
 *	ddb.pid      of the supervisor, which holds a flock on it; empty or stale when nobody does
 *	port         where the router listens, a line; there while the cluster is ready
 * Does not: write the cluster file, talk to daemons.
 */
#ifndef DDB_HOME_H
#define DDB_HOME_H

#include <stdbool.h>
#include <sys/types.h>

/* wanted (an option; may be NULL), else DDB_HOME, else ~/.ddb.  Absolute; to be freed.  NULL after saying why. */
char *home_find(const char *wanted);

/* Make the directory, its parents, and run and log in it, all of mode 0700 when new.  0, or an exit code after saying why. */
int home_make(const char *home);

/*
 * Become the one who runs this home, and write our pid.
 * Returns the descriptor to keep open, or -1 after saying why; *code is then DDB_EXIT_BUSY or DDB_EXIT_IO.
 */
int home_lock(const char *home, int *code);
void home_unlock(int fd);                                /* empties ddb.pid, then closes */

/*
 * Is somebody running it?  A pidfd of the supervisor with its pid in *pid: the process that held the lock at this
 * moment.  -1 if nobody is, or if that cannot be told; then *pid is 0.
 */
int home_running(const char *home, pid_t *pid);
bool home_exists(const char *home);                      /* there is a cluster file */

int home_port(const char *home);                         /* 0: there is none */
int home_set_port(const char *home, int port);           /* 0 removes it.  0, or -1 after saying why */

/* Remove a directory and all in it, without crossing file systems.  0, or -1 after saying why. */
int home_remove(const char *home);

#endif
