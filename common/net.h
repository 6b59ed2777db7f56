/*
 * net: framed connections between the processes of a cluster, on a libuv loop.
 * Addresses: unix:path, tcp:host:port (host numeric or "localhost"; names are resolved once, at start).  tls: comes later.
 * A frame is u32 length (of what follows the checksum), u32 crc32 (of the same), u64 request id, u16 type, body.
 * The first frame each way is hello / welcome or refuse: cluster id and protocol version must fit.  On unix: the peer's uid must be
 * ours (SO_PEERCRED); on tcp: only loopback addresses are accepted until tls: exists.
 * Writes of one turn of the loop leave in one system call.  Does not: retry a request, start threads.
 *
 * Bounds: FRAME_BYTES_MAX; NET_QUEUE_BYTES_MAX waiting to be written a connection (then net_send and net_request refuse); NET_REQUESTS_MAX
 * outstanding a connection.  A peer that breaks the rules is dropped and counted, never asserted on.
 */
#ifndef COMMON_NET_H
#define COMMON_NET_H

#include <uv.h>

#include "bytes.h"
#include "msg.h"

#define NET_FRAME_BYTES_MAX (18u << 20)
#define NET_QUEUE_BYTES_MAX (64u << 20)
#define NET_REQUESTS_MAX 65536
#define NET_HEADER_BYTES 18u

enum net_role { NET_NODE = 1, NET_ROUTER, NET_MEMDS, NET_AUTOADMIN, NET_TOOL };

struct net;                          /* one a process */
struct net_server;                   /* a listening address */
struct net_peer;                     /* somebody we dial, again and again until net_hangup */
struct net_conn;                     /* an accepted connection; valid during a callback */

struct net_identity {
	uint8_t cluster[16];
	enum net_role role;
	uint32_t incarnation;
	const char *name;
};

struct net *net_new(uv_loop_t *loop, const struct net_identity *id);
void net_free(struct net *n);                            /* closes everything; the loop must run once more */
void net_set_incarnation(struct net *n, uint32_t incarnation);

/* --- serving */

/* One request or message arrived.  body is valid during the call.  To answer now or later, keep net_conn_id() and rid. */
typedef void net_handler(void *arg, struct net_conn *c, uint64_t rid, unsigned type, struct bytes body);

/* NULL after saying why (address in use, path too long, ...).  A stale unix socket file that nobody listens on is replaced. */
struct net_server *net_listen(struct net *n, const char *addr, net_handler *handler, void *arg);
void net_unlisten(struct net_server *s);                 /* stop accepting, unlink the socket; connections go on */
uint64_t net_conn_id(const struct net_conn *c);          /* never reused in this process */
enum net_role net_conn_role(const struct net_conn *c);
uint32_t net_conn_incarnation(const struct net_conn *c); /* of a node that dialled us */
/* Begin a frame to a connection; write the body into the buffer; finish.  NULL if it is gone or its queue is full. */
struct buf *net_answer(struct net *n, uint64_t conn, uint64_t rid, unsigned type);
void net_answered(struct net *n, uint64_t conn);         /* finish the frame begun by net_answer */

/* --- dialling */

struct net_peer *net_dial(struct net *n, const char *addr, void (*up)(void *arg, bool up), void *arg);
void net_hangup(struct net_peer *p);
bool net_is_up(const struct net_peer *p);                /* connected and welcomed */
uint32_t net_peer_incarnation(const struct net_peer *p); /* from its welcome; 0 while down */

/* One way.  Frames sent while down are dropped: NULL.  Else as net_answer: write the body, then net_sent. */
struct buf *net_send(struct net_peer *p, unsigned type);
void net_sent(struct net_peer *p);

enum net_outcome {
	NET_ANSWERED,
	NET_UNSENT,                  /* never left this process: certainly not carried out */
	NET_LOST,                    /* the connection broke, or the deadline passed, after it left: unknown */
};
typedef void net_done(void *arg, enum net_outcome outcome, unsigned type, struct bytes body);

/* A request: write the body, then net_requested.  NULL (done is not called) if the peer is down or a bound is reached.
 * done is called exactly once, from the loop, never from inside net_request.  Deadlines are kept to within 20 ms. */
struct buf *net_request(struct net_peer *p, unsigned type, uint64_t deadline_ms, net_done *done, void *arg);
void net_requested(struct net_peer *p);

#endif
