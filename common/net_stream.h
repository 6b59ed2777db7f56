/*
 * net_stream: frames in and out of one connected socket, on a libuv loop.
 * Frames are handed out where they were received, and collected where they will be sent from: neither way is a frame
 * copied.  What was collected leaves at the next net_stream_flush in one system call.
 * Does not: know what frames mean, reconnect, close by itself.
 *
 * Invariant: sent <= ended <= sent + out.n; all three count bytes since the stream was opened.
 */
#ifndef COMMON_NET_STREAM_H
#define COMMON_NET_STREAM_H

#include <uv.h>

#include "net_frame.h"

#define NET_STREAM_QUEUE_BYTES_MAX ((size_t)64 << 20)    /* collected and not yet sent */
#define NET_STREAM_PAUSE_BYTES ((size_t)8 << 20)         /* one that may be paused hands out no more from here on */

struct net_stream;

struct net_stream_ops {
	void (*connected)(struct net_stream *s);
	/* One frame; its body is valid during the call.  May close the stream. */
	void (*frame)(struct net_stream *s, const struct net_frame *f);
	/* The peer closed (0, NULL), a call failed (error > 0) or the rules were broken (why).  To be closed now. */
	void (*broken)(struct net_stream *s, int error, const char *why);
	void (*closed)(struct net_stream *s);            /* the memory may go */
};

struct net_stream_totals {                               /* one a process, shared by its streams */
	uint64_t frames_in, frames_out, bytes_in, bytes_out, reads, writes;
};

struct net_stream {
	uv_poll_t poll;
	const struct net_stream_ops *ops;
	struct net_stream_totals *totals;
	int fd;
	int events;                                      /* polled for */
	bool connecting, closed;
	bool full;                                       /* the kernel took no more */
	bool may_pause;
	bool held;                                       /* frames received and not handed out yet */
	size_t frame_max;                                /* that is accepted; may be changed at any time */
	uint8_t *in;
	size_t in_n, in_cap;
	struct buf out;                                  /* bytes since `sent`, from out_at on */
	size_t out_at;
	uint64_t sent;                                   /* bytes handed to the kernel */
	uint64_t ended;                                  /* stream offset behind the last frame collected */
	size_t frame_at;                                 /* in out: the frame under construction */
	bool building;
};

/* Takes ownership of fd.  may_pause: stop reading and handing out while NET_STREAM_PAUSE_BYTES wait to be sent. */
void net_stream_open(struct net_stream *s, uv_loop_t *loop, int fd, bool connecting, bool may_pause,
                     const struct net_stream_ops *ops, struct net_stream_totals *totals);
void net_stream_close(struct net_stream *s);             /* ops->closed follows from the loop */

size_t net_stream_waiting(const struct net_stream *s);   /* bytes collected and not sent */
/* Begin a frame: the buffer to append the body to, until net_stream_end.  NULL if the queue is full or s is closed. */
struct buf *net_stream_begin(struct net_stream *s);
bool net_stream_end(struct net_stream *s, uint64_t rid, unsigned type);  /* false: too large, and forgotten */
void net_stream_flush(struct net_stream *s);             /* may call ops->broken */

#endif
