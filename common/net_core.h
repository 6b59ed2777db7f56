/*
 * net_core: what the parts of net (net.c, net_link.c, net_call.c) share.  Private to them.
 *   net.c        the process's net: lists, timers, flushing, serving, metrics; everything that net.h exports
 *   net_link.c   one connection, accepted or dialled: greeting, dispatch of frames
 *   net_call.c   one peer that is dialled: retries, outstanding requests
 */
#ifndef COMMON_NET_CORE_H
#define COMMON_NET_CORE_H

#include "net.h"
#include "net_addr.h"
#include "net_stream.h"
#include "net_wheel.h"

#define NET_GREETING_MS 5000                             /* for the first frame of a connection */
#define NET_GREETING_BYTES_MAX 4096
#define NET_RETRY_MS_MIN 10
#define NET_RETRY_MS_MAX 1000

#define NET_OF(p, type, member) ((type *)((char *)(p) - offsetof(type, member)))

enum net_state { NET_GREETING, NET_OPEN, NET_REFUSED };

struct net_conn {
	struct net_stream stream;                        /* first */
	struct net *net;
	uint64_t id;                                     /* 0: not in the table any more */
	struct net_peer *peer;                           /* dialled; NULL: accepted */
	void (*handler)(void *arg, struct net_conn *c, uint64_t rid, unsigned type, struct bytes body);
	void *arg;
	enum net_state state;
	enum net_role role;
	uint32_t incarnation;
	uint16_t version;
	char name[NET_NAME_MAX + 1];                     /* of the other side, for logs */
	struct net_timer greeting;
	uint64_t frame_rid;                              /* of the frame under construction */
	unsigned frame_type;
	bool dirty;                                      /* in net.dirty */
	TAILQ_ENTRY(net_conn) dirty_link;
};

struct net_call {
	struct net_timer timer;
	struct net_peer *peer;                           /* NULL once it ended */
	uint64_t rid;
	uint64_t end;                                    /* stream offset behind its frame */
	void (*done)(void *arg, enum net_outcome outcome, unsigned type, struct bytes body);
	void *arg;
	enum net_outcome outcome;
	TAILQ_ENTRY(net_call) link;                      /* in net.ended */
};

struct net_peer {
	struct net *net;
	struct net_addr addr;
	void (*up)(void *arg, bool up);
	void *arg;
	struct net_conn *conn;                           /* NULL: waiting to retry */
	bool is_up;
	bool said;                                       /* that it cannot be reached */
	uint64_t up_ms;                                  /* since when */
	unsigned retry_ms;
	struct net_timer retry;
	struct net_call **calls;                         /* by the low bits of the request id */
	uint32_t *vacant;                                /* indexes of calls, a stack */
	size_t calls_n, calls_cap;
	uint64_t serial;
	uint64_t deadline_ms;                            /* of the request under construction */
	struct net_call *building;
	LIST_ENTRY(net_peer) link;
};

struct net_server {
	struct net *net;
	struct net_addr addr;
	struct stat file;
	int fd;
	uv_poll_t poll;
	bool polling;
	struct net_timer pause;                          /* after running out of descriptors */
	void (*handler)(void *arg, struct net_conn *c, uint64_t rid, unsigned type, struct bytes body);
	void *arg;
	LIST_ENTRY(net_server) link;
};

struct net {
	uv_loop_t *loop;
	struct net_identity id;
	char name[NET_NAME_MAX + 1];
	bool trace, freeing;
	uint64_t random;
	uv_prepare_t prepare;
	uv_timer_t timer;
	bool ticking;
	size_t handles;                                  /* not closed yet */
	struct net_wheel wheel;
	struct net_conn **conns;                         /* by the low bits of the connection id */
	uint32_t *vacant;
	size_t conns_n, conns_cap;
	uint64_t serial;
	TAILQ_HEAD(, net_conn) dirty;
	TAILQ_HEAD(, net_call) ended;
	LIST_HEAD(, net_peer) peers, dead;               /* dead: freed at the end of the turn */
	LIST_HEAD(, net_server) servers;
	void (*metrics)(void *arg, struct buf *out);
	void *metrics_arg;
	struct net_stream_totals totals;
	size_t calls;                                    /* outstanding */
	uint64_t accepted, bad, lost, unsent, late, oversized, refused;
};

/* net.c */
void net_set_timer(struct net *n, struct net_timer *t, uint64_t at_ms, void (*fire)(struct net_timer *t));
uint64_t net_random(struct net *n);                      /* for jitter alone */
void net_handle_closed(struct net *n);

/* net_link.c */
struct net_conn *net_link_new(struct net *n, int fd, struct net_peer *p);        /* NULL p: accepted */
struct net_conn *net_link_find(struct net *n, uint64_t id);
void net_link_break(struct net_conn *c, int error, const char *why);
struct buf *net_link_begin(struct net_conn *c, uint64_t rid, unsigned type);
bool net_link_end(struct net_conn *c);
void net_link_flush(struct net_conn *c);

/* net_call.c */
struct net_peer *net_call_new(struct net *n, const char *addr, void (*up)(void *arg, bool up), void *arg);
void net_call_free(struct net_peer *p);                  /* at the end of the turn */
void net_call_bury(struct net_peer *p);                  /* now */
void net_call_welcomed(struct net_peer *p);
void net_call_broken(struct net_peer *p, const char *why);
void net_call_answered(struct net_peer *p, const struct net_frame *f);
struct buf *net_call_begin(struct net_peer *p, unsigned type, uint64_t deadline_ms,
                           void (*done)(void *arg, enum net_outcome outcome, unsigned type, struct bytes body),
                           void *arg);
void net_call_end(struct net_peer *p);
void net_call_deliver(struct net *n);                    /* ended requests learn of it */

#endif
