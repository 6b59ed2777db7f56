/*
 * net_addr: addresses as people write them, and sockets made from them.
 *   unix:PATH        any length up to PATH_MAX, only its last component is limited by the kernel (NET_ADDR_NAME_MAX)
 *   tcp:HOST:PORT    HOST numeric, [IPv6], localhost or a name; only loopback until tls: exists
 * All sockets are non-blocking and close on exec.  Errors are logged here, once, naming the address.
 * Does not: retry, know frames.
 */
#ifndef COMMON_NET_ADDR_H
#define COMMON_NET_ADDR_H

#include <limits.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <sys/stat.h>

#define NET_ADDR_TEXT_MAX (PATH_MAX + 8)
#define NET_ADDR_NAME_MAX 80                             /* of a socket file, when its path is longer than sun_path */

struct net_addr {
	char *text;                                      /* owned: as it was written */
	const char *path;                                /* unix: in text; else NULL */
	struct sockaddr_storage sock;                    /* tcp */
	socklen_t sock_n;
};

/* 0, or -1 after saying why.  Resolves names, and blocks for that. */
int net_addr_init(struct net_addr *a, const char *text);
void net_addr_fini(struct net_addr *a);

/* A socket on its way to the address (poll it for writing), or -1 with errno; nothing is logged. */
int net_addr_connect(const struct net_addr *a);

/*
 * A listening socket, or -1 after saying why.  A unix socket gets mode 0600; one that nobody listens on is replaced,
 * and file tells which file was made.
 */
int net_addr_listen(const struct net_addr *a, struct stat *file);
void net_addr_unlink(const struct net_addr *a, const struct stat *file); /* if it is still that file */

/* May the process at the other end of this connected socket be spoken to?  unix: its uid is ours.  tcp: yes. */
bool net_addr_trusts(const struct net_addr *a, int fd);

#endif
