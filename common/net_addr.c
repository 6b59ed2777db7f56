#include "net_addr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include "log.h"
#include "mem.h"

#define BACKLOG 1024

static int fail(const struct net_addr *a, const char *why)
{
	log_err("%s: %s", a->text, why);
	return -1;
}

static bool is_loopback(const struct net_addr *a)
{
	const struct sockaddr_in *four = (const struct sockaddr_in *)&a->sock;
	const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)&a->sock;

	if (a->sock.ss_family == AF_INET)
		return ntohl(four->sin_addr.s_addr) >> 24 == 127;
	return a->sock.ss_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&six->sin6_addr);
}

static int resolve(struct net_addr *a, const char *host, const char *port)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV }, *list = NULL;
	bool local = strcmp(host, "localhost") == 0;
	int rc;

	/* Most names are no names: those cost no look-up, and cannot point elsewhere. */
	rc = getaddrinfo(local ? "127.0.0.1" : host, port, &hints, &list);
	if (rc != 0)
		return fail(a, gai_strerror(rc));
	memcpy(&a->sock, list->ai_addr, list->ai_addrlen);
	a->sock_n = list->ai_addrlen;
	freeaddrinfo(list);
	if (!is_loopback(a))
		return fail(a, "not a loopback address; other hosts need tls, which this version does not have");
	return 0;
}

static int init_tcp(struct net_addr *a)
{
	char host[256];
	const char *from = a->text + strlen("tcp:"), *colon = strrchr(from, ':');
	size_t n = colon != NULL ? (size_t)(colon - from) : 0;
	unsigned long port = colon != NULL ? strtoul(colon + 1, NULL, 10) : 0;

	if (colon == NULL || n == 0 || n >= sizeof host || colon[1] == '\0' ||
	    strspn(colon + 1, "0123456789") != strlen(colon + 1) || strlen(colon + 1) > 5 || port > 65535)
		return fail(a, "not of the form tcp:HOST:PORT");
	if (from[0] == '[' && from[n - 1] == ']') {
		from++;
		n -= 2;
	}
	snprintf(host, sizeof host, "%.*s", (int)n, from);
	return resolve(a, host, colon + 1);
}

int net_addr_init(struct net_addr *a, const char *text)
{
	int rc = -1;

	*a = (struct net_addr){ .text = mem_str(text) };
	if (strlen(text) > NET_ADDR_TEXT_MAX) {
		rc = fail(a, "address too long");
	} else if (strncmp(text, "unix:", 5) == 0 && text[5] != '\0' && text[strlen(text) - 1] != '/') {
		a->path = a->text + strlen("unix:");
		rc = 0;
	} else if (strncmp(text, "tcp:", 4) == 0) {
		rc = init_tcp(a);
	} else {
		fail(a, "not an address (unix:PATH or tcp:HOST:PORT)");
	}
	if (rc != 0)
		net_addr_fini(a);
	return rc;
}

void net_addr_fini(struct net_addr *a)
{
	free(a->text);
	*a = (struct net_addr){ 0 };
}

/*
 * A path that does not fit sun_path goes by way of its open directory.  Returns that directory's descriptor, to be
 * closed after the address was used, -1 if none was needed, or -2 with errno.
 */
static int unix_addr(const char *path, struct sockaddr_un *sun, socklen_t *n)
{
	const char *name = strrchr(path, '/');
	char dir[PATH_MAX];
	int fd = -1;

	*sun = (struct sockaddr_un){ .sun_family = AF_UNIX };
	*n = sizeof *sun;
	if (strlen(path) < sizeof sun->sun_path) {
		strcpy(sun->sun_path, path);
		return -1;
	}
	if (name == NULL || strlen(name) > NET_ADDR_NAME_MAX || strlen(path) >= sizeof dir) {
		errno = ENAMETOOLONG;
		return -2;
	}
	snprintf(dir, sizeof dir, "%.*s", (int)(name - path), path);
	fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -2;
	snprintf(sun->sun_path, sizeof sun->sun_path, "/proc/self/fd/%d%.*s", fd, NET_ADDR_NAME_MAX, name);
	return fd;
}

static int unix_do(const char *path, int fd, int (*what)(int, const struct sockaddr *, socklen_t))
{
	struct sockaddr_un sun;
	socklen_t n;
	int dir = unix_addr(path, &sun, &n), rc, error;

	if (dir == -2)
		return -1;
	rc = what(fd, (struct sockaddr *)&sun, n);
	error = errno;
	if (dir >= 0)
		close(dir);
	errno = error;
	return rc;
}

static int tcp_options(int fd)
{
	int on = 1, quiet_ms = 10000, idle_s = 5, every_s = 2, count = 3;

	/* A host that vanished without a word must not hold its connections for the kernel's default of minutes. */
	setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &quiet_ms, sizeof quiet_ms);
	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle_s, sizeof idle_s);
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &every_s, sizeof every_s);
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &count, sizeof count);
	return setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

static int make(const struct net_addr *a)
{
	return socket(a->path != NULL ? AF_UNIX : a->sock.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

int net_addr_connect(const struct net_addr *a)
{
	int fd = make(a), rc, error;

	if (fd < 0)
		return -1;
	if (a->path != NULL)
		rc = unix_do(a->path, fd, connect);
	else
		rc = tcp_options(fd) != 0 ? -1 : connect(fd, (const struct sockaddr *)&a->sock, a->sock_n);
	if (rc == 0 || (errno == EINPROGRESS && a->path == NULL))
		return fd;
	error = errno;
	close(fd);
	errno = error;
	return -1;
}

/* True if the file is a socket and nobody listens on it. */
static bool is_stale(const struct net_addr *a)
{
	struct stat st;
	int fd;

	if (lstat(a->path, &st) != 0 || !S_ISSOCK(st.st_mode)) {
		errno = EADDRINUSE;
		return false;
	}
	fd = net_addr_connect(a);
	if (fd >= 0)
		close(fd);
	if (fd >= 0 || errno != ECONNREFUSED) {
		errno = EADDRINUSE;
		return false;
	}
	return true;
}

static int bind_unix(const struct net_addr *a, int fd, struct stat *file)
{
	/* Before bind, so that the file never has another mode. */
	if (fchmod(fd, 0600) != 0)
		return -1;
	if (unix_do(a->path, fd, bind) != 0 &&
	    (errno != EADDRINUSE || !is_stale(a) || unlink(a->path) != 0 || unix_do(a->path, fd, bind) != 0))
		return -1;
	return lstat(a->path, file);
}

static int bind_tcp(const struct net_addr *a, int fd)
{
	int on = 1;

	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 || tcp_options(fd) != 0)
		return -1;
	return bind(fd, (const struct sockaddr *)&a->sock, a->sock_n);
}

int net_addr_listen(const struct net_addr *a, struct stat *file)
{
	int fd = make(a);

	*file = (struct stat){ 0 };
	if (fd >= 0 && (a->path != NULL ? bind_unix(a, fd, file) : bind_tcp(a, fd)) == 0 && listen(fd, BACKLOG) == 0)
		return fd;
	if (errno == ENAMETOOLONG)
		log_err("%s: cannot listen: the socket's name is longer than %d bytes", a->text, NET_ADDR_NAME_MAX);
	else
		log_err("%s: cannot listen: %m", a->text);
	if (fd >= 0)
		close(fd);
	return -1;
}

void net_addr_unlink(const struct net_addr *a, const struct stat *file)
{
	struct stat st;

	if (a->path != NULL && lstat(a->path, &st) == 0 && st.st_dev == file->st_dev && st.st_ino == file->st_ino)
		unlink(a->path);
}

bool net_addr_trusts(const struct net_addr *a, int fd)
{
	struct ucred cred;
	socklen_t n = sizeof cred;

	if (a->path == NULL)
		return true;
	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &n) == 0 && n == sizeof cred && cred.uid == geteuid();
}
