#include "home.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "exit.h"
#include "log.h"
#include "mem.h"

#define OPEN_DIRS_MAX 16
#define LOCK_TRIES_MAX 20

/* The pid in the file at fd, or 0. */
static pid_t read_pid(int fd)
{
	char text[32];
	ssize_t n = pread(fd, text, sizeof text - 1, 0);
	long pid;

	if (n <= 0)
		return 0;
	text[n] = '\0';
	pid = strtol(text, NULL, 10);
	return pid > 0 && pid <= INT_MAX ? (pid_t)pid : 0;
}

char *home_find(const char *wanted)
{
	const char *user = getenv("HOME");
	char cwd[PATH_MAX];

	if (wanted == NULL || wanted[0] == '\0')
		wanted = getenv("DDB_HOME");
	if (wanted == NULL || wanted[0] == '\0') {
		if (user == NULL || user[0] != '/') {
			log_err("no home: give --home, or set DDB_HOME or HOME");
			return NULL;
		}
		return mem_fmt("%s/.ddb", strcmp(user, "/") == 0 ? "" : user);
	}
	if (wanted[0] == '/')
		return mem_str(wanted);
	if (getcwd(cwd, sizeof cwd) == NULL) {
		log_err("the current directory: %m");
		return NULL;
	}
	return mem_fmt("%s/%s", strcmp(cwd, "/") == 0 ? "" : cwd, wanted);
}

static int make_dir(const char *path)
{
	struct stat st;

	if (mkdir(path, 0700) == 0)
		return 0;
	if (errno == EEXIST && stat(path, &st) == 0) {
		if (S_ISDIR(st.st_mode))
			return 0;
		errno = ENOTDIR;
	}
	return -1;
}

static int make_parents(char *path)
{
	for (char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
		struct stat st;
		int rc;

		*slash = '\0';
		/* A directory that may not be written, or a read-only file system, is no obstacle while it is there. */
		rc = stat(path, &st) == 0 && S_ISDIR(st.st_mode) ? 0 : make_dir(path);
		if (rc != 0)
			return -1;
		*slash = '/';
	}
	return make_dir(path);
}

int home_make(const char *home)
{
	static const char *const inside[] = { "run", "log" };
	char *path = mem_str(home);
	int rc = make_parents(path);

	for (size_t i = 0; rc == 0 && i < sizeof inside / sizeof *inside; i++) {
		free(path);
		path = mem_fmt("%s/%s", home, inside[i]);
		rc = make_dir(path);
	}
	if (rc != 0)
		log_err("cannot make the home %s: %s: %m", home, path);
	free(path);
	return rc == 0 ? 0 : DDB_EXIT_IO;
}

int home_lock(const char *home, int *code)
{
	char *path = mem_fmt("%s/ddb.pid", home), text[32];
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600), n;
	pid_t other;

	*code = DDB_EXIT_IO;
	if (fd < 0) {
		log_err("the home cannot be written: %s: %m", path);
		goto out;
	}
	/* Whoever asks who runs the home holds a shared lock for an instant. */
	for (int i = 0; flock(fd, LOCK_EX | LOCK_NB) != 0; i++) {
		struct timespec instant = { 0, 5000000 };

		if (errno != EWOULDBLOCK)
			goto bad;
		if (i == LOCK_TRIES_MAX) {
			other = read_pid(fd);
			*code = DDB_EXIT_BUSY;
			if (other > 0)
				log_err("%s is in use: process %d runs it; `ddb down --home %s` ends that", home, (int)other, home);
			else
				log_err("%s is in use by another process", home);
			close(fd);
			fd = -1;
			goto out;
		}
		nanosleep(&instant, NULL);
	}
	n = snprintf(text, sizeof text, "%d\n", (int)getpid());
	if (ftruncate(fd, 0) == 0 && pwrite(fd, text, (size_t)n, 0) == n)
		goto out;
bad:
	log_err("%s: %m", path);
	close(fd);
	fd = -1;
out:
	free(path);
	return fd;
}

void home_unlock(int fd)
{
	/* Not removed: somebody may have it open, waiting to lock it. */
	if (ftruncate(fd, 0) != 0)
		log_warn("ddb.pid: %m");
	close(fd);
}

int home_running(const char *home, pid_t *pid)
{
	char *path = mem_fmt("%s/ddb.pid", home);
	int fd = open(path, O_RDONLY | O_CLOEXEC), pidfd = -1;

	*pid = 0;
	free(path);
	if (fd < 0)
		return -1;
	/* First the handle, then the lock: if the lock is still held, the handle is of the process that holds it. */
	*pid = read_pid(fd);
	if (*pid > 0)
		pidfd = (int)syscall(SYS_pidfd_open, *pid, 0);
	if (pidfd >= 0 && (flock(fd, LOCK_SH | LOCK_NB) == 0 || read_pid(fd) != *pid)) {
		close(pidfd);
		pidfd = -1;
	}
	if (pidfd < 0)
		*pid = 0;
	close(fd);
	return pidfd;
}

bool home_exists(const char *home)
{
	char *path = mem_fmt("%s/cluster", home);
	bool there = access(path, F_OK) == 0;

	free(path);
	return there;
}

int home_port(const char *home)
{
	char *path = mem_fmt("%s/port", home), text[16];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = 0;
	long port;

	free(path);
	if (fd >= 0) {
		n = read(fd, text, sizeof text - 1);
		close(fd);
	}
	if (n <= 0)
		return 0;
	text[n] = '\0';
	port = strtol(text, NULL, 10);
	return port > 0 && port < 65536 ? (int)port : 0;
}

int home_set_port(const char *home, int port)
{
	char *path = mem_fmt("%s/port", home), *temp = mem_fmt("%s/port.new", home), text[16];
	int n = snprintf(text, sizeof text, "%d\n", port), fd = -1, rc = -1;

	if (port == 0) {
		rc = unlink(path) == 0 || errno == ENOENT ? 0 : -1;
	} else {
		/* Whoever waits for the file must not find it empty. */
		fd = open(temp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
		if (fd >= 0 && write(fd, text, (size_t)n) == n && rename(temp, path) == 0)
			rc = 0;
	}
	if (rc != 0)
		log_err("%s: %m", path);
	if (fd >= 0)
		close(fd);
	free(temp);
	free(path);
	return rc;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)type;
	(void)at;
	if (remove(path) == 0 || errno == ENOENT)
		return 0;
	log_err("%s: cannot remove: %m", path);
	return -1;
}

int home_remove(const char *home)
{
	return nftw(home, remove_one, OPEN_DIRS_MAX, FTW_DEPTH | FTW_PHYS | FTW_MOUNT) == 0 ? 0 : -1;
}
