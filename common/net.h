/*
 * net: framed connections between the processes of a cluster, on a libuv loop.  Format: ddb-protocol(5).
 * Addresses: unix:path, tcp:host:port (host numeric or "localhost"; names are resolved once, at start).  tls: comes
 * later.  The first frame each way is hello / welcome or refuse: cluster id and protocol version must fit.  On unix:
 * the peer's uid must be ours (SO_PEERCRED); on tcp: only loopback addresses are accepted until tls: exists.
 * Writes of one turn of the loop leave in one system call: they go when the prepare handles of the loop run.  Prepare
 * handles started after net_new may still write; those started before must not.
 * With "net" in the environment's DDB_TRACE every frame is printed to stderr.
 * Does not: retry a request, start threads.
 *
 * Bounds: NET_FRAME_BYTES_MAX; NET_QUEUE_BYTES_MAX waiting to be written a connection (then net_answer, net_send and
 * net_request refuse); NET_REQUESTS_MAX outstanding a peer; NET_CONNS_MAX.  A peer that breaks the rules is dropped and
 * counted, never asserted on.  A frame that outgrows NET_FRAME_BYTES_MAX is logged and not sent: an answer is then
 * missing, a request ends as NET_UNSENT.
 */
#ifndef COMMON_NET_H
#define COMMON_NET_H

#include <uv.h>

#include "bytes.h"
#include "msg.h"
#include "net_frame.h"

#define NET_BODY_BYTES_MAX (NET_FRAME_BYTES_MAX - NET_FRAME_HEAD_BYTES)
#define NET_QUEUE_BYTES_MAX (64u << 20)
#define NET_REQUESTS_MAX 65536
#define NET_CONNS_MAX 16384
#define NET_NAME_MAX 64

enum net_role { NET_NODE = 1, NET_ROUTER, NET_MEMDS, NET_AUTOADMIN, NET_TOOL };

struct net;                          /* one a process */
struct net_server;                   /* a listening address */
struct net_peer;                     /* somebody we dial, again and again until net_hangup */
struct net_conn;                     /* an accepted connection; valid during a callback */

struct net_identity {
	uint8_t cluster[16];
	enum net_role role;
	uint32_t incarnation;        /* of a node; 0: none or none yet */
	const char *name;            /* at most NET_NAME_MAX bytes count */
};

struct net *net_new(uv_loop_t *loop, const struct net_identity *id);
/*
 * Writes what the kernel takes and closes everything.  Outstanding requests end from inside this call, so whatever
 * their arg points to must still be there; then nothing of net is called any more.  The loop must run once more to give
 * back the memory.
 */
void net_free(struct net *n);
void net_set_incarnation(struct net *n, uint32_t incarnation);   /* for later hellos and welcomes */

/*
 * Any process answers MSG_metrics with what print appends, the connections' own metrics and the process's.
 * net_metrics appends the connections' own alone.
 */
void net_on_metrics(struct net *n, void (*print)(void *arg, struct buf *out), void *arg);
void net_metrics(struct net *n, struct buf *out);

/* --- serving */

/*
 * Listen on addr.  NULL after saying why (address in use, path too long, ...).  A stale unix socket file that nobody
 * listens on is replaced.
 *   handler  one request or message arrived; body is valid during the call.  To answer now or later, keep
 *            net_conn_id() and rid; rid 0 wants no answer.
 */
struct net_server *net_listen(struct net *n, const char *addr,
                              void (*handler)(void *arg, struct net_conn *c, uint64_t rid, unsigned type,
                                              struct bytes body),
                              void *arg);
void net_unlisten(struct net_server *s);                 /* stop accepting, unlink the socket; connections go on */
uint64_t net_conn_id(const struct net_conn *c);          /* never reused in this process, never 0 */
enum net_role net_conn_role(const struct net_conn *c);
uint32_t net_conn_incarnation(const struct net_conn *c); /* of a node that dialled us */
unsigned net_conn_version(const struct net_conn *c);     /* protocol version agreed on, for msg_get and msg_put */
void net_conn_drop(struct net_conn *c, const char *why); /* it broke the rules: count, log, close */
/* Begin a frame to a connection; write the body into the buffer; finish.  NULL if it is gone or its queue is full. */
struct buf *net_answer(struct net *n, uint64_t conn, uint64_t rid, unsigned type);
void net_answered(struct net *n, uint64_t conn);         /* finish the frame begun by net_answer */

/* --- dialling */

/*
 * Connect to addr and keep connecting when that breaks, after 10 ms .. 1 s.  NULL after saying why (a bad address).
 *   up   NULL, or called from the loop whenever net_is_up changes, except by net_hangup and net_free
 */
struct net_peer *net_dial(struct net *n, const char *addr, void (*up)(void *arg, bool up), void *arg);
void net_hangup(struct net_peer *p);                     /* outstanding requests still end, from the loop */
bool net_is_up(const struct net_peer *p);                /* connected and welcomed */
uint32_t net_peer_incarnation(const struct net_peer *p); /* from its welcome; 0 while down */
unsigned net_peer_version(const struct net_peer *p);     /* protocol version agreed on; MSG_VERSION while down */

/* One way.  Frames sent while down are dropped: NULL.  Else as net_answer: write the body, then net_sent. */
struct buf *net_send(struct net_peer *p, unsigned type);
void net_sent(struct net_peer *p);

enum net_outcome {
	NET_ANSWERED,
	NET_UNSENT,                  /* never left this process: certainly not carried out */
	NET_LOST,                    /* the connection broke, or the deadline passed, after it left: unknown */
};

/*
 * A request: write the body, then net_requested.  NULL (done is not called) if the peer is down or a bound is reached.
 *   deadline_ms  absolute, as clock_ms(); kept to within 20 ms
 *   done         called exactly once, from the loop, never from inside net_request or net_requested; type and body are
 *                of the answer (valid during the call), else 0 and empty
 */
struct buf *net_request(struct net_peer *p, unsigned type, uint64_t deadline_ms,
                        void (*done)(void *arg, enum net_outcome outcome, unsigned type, struct bytes body), void *arg);
void net_requested(struct net_peer *p);

#endif
