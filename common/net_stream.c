#include "net_stream.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fault.h"
#include "mem.h"

#define IN_BYTES ((size_t)64 << 10)                      /* of the receive buffer, unless a frame needs more */
#define OUT_BYTES_KEPT ((size_t)1 << 20)                 /* an empty send buffer larger than this is given back */
#define READS_A_TURN 8                                   /* then others have theirs */

static void on_poll(uv_poll_t *handle, int status, int events);

/* libuv forgets its registration on every change, so nothing is changed without need. */
static void poll_for(struct net_stream *s, int events)
{
	if (events == s->events || s->closed)
		return;
	s->events = events;
	if (events != 0)
		uv_poll_start(&s->poll, events, on_poll);
	else
		uv_poll_stop(&s->poll);
}

static bool must_pause(const struct net_stream *s)
{
	return s->may_pause && net_stream_waiting(s) > NET_STREAM_PAUSE_BYTES;
}

static void poll_again(struct net_stream *s)
{
	bool paused = s->held || must_pause(s);

	poll_for(s, (paused ? 0 : UV_READABLE) | (s->connecting || s->full || s->held ? UV_WRITABLE : 0));
}

void net_stream_open(struct net_stream *s, uv_loop_t *loop, int fd, bool connecting, bool may_pause,
                     const struct net_stream_ops *ops, struct net_stream_totals *totals)
{
	*s = (struct net_stream){
		.ops = ops,
		.totals = totals,
		.fd = fd,
		.connecting = connecting,
		.may_pause = may_pause,
		.frame_max = NET_FRAME_BYTES_MAX,
		.in = mem_resize(NULL, IN_BYTES),
		.in_cap = IN_BYTES,
	};
	/* A frame may always be begun below the queue's limit and then grow to its own. */
	buf_init(&s->out, NET_STREAM_QUEUE_BYTES_MAX + NET_FRAME_BYTES_MAX + 1);
	uv_poll_init(loop, &s->poll, fd);
	poll_again(s);
}

static void on_closed(uv_handle_t *handle)
{
	struct net_stream *s = (struct net_stream *)handle;

	buf_fini(&s->out);
	free(s->in);
	s->in = NULL;
	s->ops->closed(s);
}

void net_stream_close(struct net_stream *s)
{
	assert(!s->closed);
	s->closed = true;
	uv_close((uv_handle_t *)&s->poll, on_closed);
	close(s->fd);
	s->fd = -1;
}

size_t net_stream_waiting(const struct net_stream *s)
{
	return s->out.n - s->out_at;
}

struct buf *net_stream_begin(struct net_stream *s)
{
	assert(!s->building);
	if (s->closed || net_stream_waiting(s) > NET_STREAM_QUEUE_BYTES_MAX)
		return NULL;
	s->building = true;
	s->frame_at = net_frame_begin(&s->out);
	return &s->out;
}

bool net_stream_end(struct net_stream *s, uint64_t rid, unsigned type)
{
	assert(s->building);
	s->building = false;
	if (!net_frame_end(&s->out, s->frame_at, rid, type))
		return false;
	s->ended = s->sent + net_stream_waiting(s);
	s->totals->frames_out++;
	return true;
}

static void forget_sent(struct net_stream *s)
{
	if (s->out_at == s->out.n) {
		s->out_at = 0;
		buf_clear(&s->out);
		if (s->out.cap > OUT_BYTES_KEPT)
			buf_fini(&s->out);
	} else if (s->out_at > s->out.n / 2) {
		buf_drop(&s->out, s->out_at);
		s->out_at = 0;
	}
}

static ssize_t send_some(struct net_stream *s)
{
	int fault = fault_hit("net.send");
	ssize_t n;

	if (fault != 0) {
		errno = fault;
		return -1;
	}
	do {
		n = send(s->fd, s->out.p + s->out_at, net_stream_waiting(s), MSG_NOSIGNAL);
	} while (n < 0 && errno == EINTR);
	s->totals->writes++;
	return n;
}

void net_stream_flush(struct net_stream *s)
{
	assert(!s->building);
	if (s->closed || s->connecting)
		return;
	s->full = false;
	while (!s->full && net_stream_waiting(s) > 0) {
		ssize_t n = send_some(s);

		if (n < 0 && errno != EAGAIN) {
			s->ops->broken(s, errno, NULL);
			return;
		}
		if (n < 0) {
			s->full = true;
		} else {
			s->out_at += (size_t)n;
			s->sent += (uint64_t)n;
			s->totals->bytes_out += (uint64_t)n;
		}
	}
	forget_sent(s);
	poll_again(s);
}

/* Makes room for `bytes` from the start of the buffer, where the rest of the last frame is. */
static void in_resize(struct net_stream *s, size_t bytes)
{
	size_t cap = bytes > IN_BYTES ? bytes : IN_BYTES;

	if (cap > s->in_cap || (s->in_cap > IN_BYTES && cap == IN_BYTES && s->in_n <= IN_BYTES)) {
		s->in = mem_resize(s->in, cap);
		s->in_cap = cap;
	}
}

/*
 * Returns false when the stream was closed, broke, or holds frames back.  Small requests may have large answers, so
 * frames that are here already are held back too while too many answers wait; a writable socket brings us back to them.
 */
static bool hand_out(struct net_stream *s)
{
	enum net_frame_result r = NET_FRAME_SHORT;
	struct net_frame f;
	size_t at = 0, bytes = 0;

	while (!(s->held = must_pause(s)) &&
	       (r = net_frame_take((struct bytes){ s->in + at, s->in_n - at }, s->frame_max, &f, &bytes)) ==
	       NET_FRAME_WHOLE) {
		at += bytes;
		s->totals->frames_in++;
		s->ops->frame(s, &f);
		if (s->closed)
			return false;
	}
	if (!s->held && r == NET_FRAME_BAD) {
		s->ops->broken(s, 0, "malformed frame");
		return false;
	}
	s->in_n -= at;
	if (at > 0 && s->in_n > 0)
		memmove(s->in, s->in + at, s->in_n);
	if (s->held)
		poll_again(s);
	else
		in_resize(s, bytes);
	return !s->held;
}

static ssize_t receive_some(struct net_stream *s)
{
	int fault = fault_hit("net.recv");
	ssize_t n;

	if (fault != 0) {
		errno = fault;
		return -1;
	}
	do {
		n = recv(s->fd, s->in + s->in_n, s->in_cap - s->in_n, 0);
	} while (n < 0 && errno == EINTR);
	s->totals->reads++;
	return n;
}

static void receive(struct net_stream *s)
{
	for (int turn = 0; turn < READS_A_TURN; turn++) {
		size_t room = s->in_cap - s->in_n;
		ssize_t n = receive_some(s);

		if (n < 0 && errno == EAGAIN)
			return;
		if (n <= 0) {
			s->ops->broken(s, n < 0 ? errno : 0, NULL);
			return;
		}
		s->in_n += (size_t)n;
		s->totals->bytes_in += (uint64_t)n;
		if (!hand_out(s) || (size_t)n < room)
			return;
	}
}

static int pending_error(const struct net_stream *s)
{
	int error = 0;
	socklen_t n = sizeof error;

	return getsockopt(s->fd, SOL_SOCKET, SO_ERROR, &error, &n) != 0 ? errno : error;
}

static void on_poll(uv_poll_t *handle, int status, int events)
{
	struct net_stream *s = (struct net_stream *)handle;

	if (status < 0 || s->connecting) {
		int error = pending_error(s);

		/* libuv says EBADF for any socket in error; the socket knows better. */
		if (status < 0 || error != 0) {
			s->ops->broken(s, error != 0 ? error : -status, NULL);
			return;
		}
		s->connecting = false;
		s->ops->connected(s);
	}
	if (!s->closed && (events & UV_WRITABLE))
		net_stream_flush(s);
	if (!s->closed && s->held)
		hand_out(s);
	if (!s->closed && !s->held && (events & UV_READABLE))
		receive(s);
}
