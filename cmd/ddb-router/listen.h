/* listen: where ddb-router listens and whom it dials, from options and the cluster file. */
#ifndef ROUTER_LISTEN_H
#define ROUTER_LISTEN_H

#include "daemon.h"
#include "http.h"

struct listen_options {
	const char *where;                       /* HOST:PORT, [HOST]:PORT or unix:PATH; the host numeric or localhost */
	const char *port_file;                   /* the bound port is written there, whole or not at all */
	const char *tls_cert, *tls_key;
	unsigned connections;
};

/* NULL after saying why. */
struct http_server *listen_open(uv_loop_t *loop, const struct listen_options *o, void (*handler)(struct http_req *req, void *arg),
                                void *arg);
bool listen_ok(const char *where);               /* is it an address of ours? */
/* The first address of its kind; NULL after saying why. */
struct net_peer *listen_dial(struct daemon *d, const struct cluster_addrs *addrs, const char *what);
/*
 * Listen for questions about metrics at the cluster's own address of a router, if it names one.  Another router of the same home may be
 * there already: then it goes without.
 */
void listen_control(struct daemon *d);
void listen_metrics(const struct http_server *s, struct buf *out);       /* s NULL: nothing */

#endif
