/*
 * model: the physical limit of a quorum write.  HTTP client -> router -> leader -> two followers over Unix sockets,
 * group commit, a checksum, fdatasync on all three, an answer at two of three; strong reads from the leader, eventual
 * ones from all.  No storage engine, no JSON, no authentication, no recovery: what a real system adds is measured as a
 * ratio to this.
 *
 *	model --dir DIR [--port N] [--no-sync]
 *
 * Prints "listening on PORT" when ready and serves 127.0.0.1 until killed.  A request is a read if its head has GetItem
 * in it, an eventual one unless its body has "ConsistentRead":true, and a write otherwise.  Reads get as many bytes as
 * were last written.
 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <libdeflate.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bytes.h"
#include "exit.h"
#include "log.h"
#include "mem.h"
#include "opt.h"

#define REPLICAS 3
#define READ_BYTES ((size_t)64 << 10)
#define EVENTS_MAX 256
#define CLIENTS_MAX 4096                                 /* descriptors */
#define PENDING_MAX (1u << 16)                           /* writes on their way; a power of two */
#define LOG_BYTES ((off_t)128 << 20)                     /* written over and over */
#define BODY_BYTES_MAX ((size_t)1 << 20)

enum kind { WRITE, READ, READ_EVENTUAL, APPEND, ACK, ANSWER };

struct head {
	uint32_t n;                                      /* bytes that follow */
	uint32_t client;
	uint32_t kind;
	uint32_t crc;
	uint64_t seq;
};

static void die(const char *what)
{
	log_err("%s: %s", what, strerror(errno));
	exit(DDB_EXIT_IO);
}

static void check(bool ok, const char *what)
{
	if (!ok)
		die(what);
}

/* --- links -------------------------------------------------------------------------------------------------------- */

struct link {
	int fd;
	struct buf in, out;
	size_t out_at;
	bool waiting;                                    /* for the socket to take more */
};

static void watch(int ep, int fd, uint32_t events, int how)
{
	struct epoll_event ev = { .events = events, .data.fd = fd };

	check(epoll_ctl(ep, how, fd, &ev) == 0, "epoll_ctl");
}

/* False: the other side is gone. */
static bool fill(struct link *l)
{
	uint8_t *to = buf_room(&l->in, READ_BYTES);
	ssize_t n;

	if (to == NULL)
		return false;
	n = read(l->fd, to, READ_BYTES);
	if (n > 0)
		l->in.n += (size_t)n;
	return n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR));
}

static void flush(int ep, struct link *l)
{
	while (l->out_at < l->out.n) {
		ssize_t n = send(l->fd, l->out.p + l->out_at, l->out.n - l->out_at, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN) {
			if (!l->waiting)
				watch(ep, l->fd, EPOLLIN | EPOLLOUT, EPOLL_CTL_MOD);
			l->waiting = true;
			/* A link that is never idle would keep all it ever sent. */
			if (l->out_at > l->out.n / 2) {
				buf_drop(&l->out, l->out_at);
				l->out_at = 0;
			}
			return;
		}
		if (n < 0)
			break;                           /* the next read says so */
		l->out_at += (size_t)n;
	}
	buf_clear(&l->out);
	l->out_at = 0;
	if (l->waiting)
		watch(ep, l->fd, EPOLLIN, EPOLL_CTL_MOD);
	l->waiting = false;
}

/* The next whole frame of l->in from *at on; NULL: there is none. */
static const uint8_t *next_frame(const struct link *l, size_t *at, struct head *h)
{
	const uint8_t *p = l->in.p + *at;

	if (l->in.n - *at < sizeof *h)
		return NULL;
	memcpy(h, p, sizeof *h);
	if (l->in.n - *at - sizeof *h < h->n)
		return NULL;
	*at += sizeof *h + h->n;
	return p;
}

static void put_frame(struct buf *b, struct head h, const void *body)
{
	buf_put(b, &h, sizeof h);
	buf_put(b, body, h.n);
}

/* --- a replica's log ---------------------------------------------------------------------------------------------- */

struct wal {
	int fd;
	off_t at;
	bool sync;
};

static void wal_open(struct wal *w, const char *dir, int me, bool sync)
{
	char *path = mem_fmt("%s/model.%d.log", dir, me);
	uint8_t *zero = mem_new(1 << 20);

	w->sync = sync;
	w->fd = open(path, O_CREAT | O_TRUNC | O_RDWR | O_CLOEXEC, 0600);
	check(w->fd >= 0, path);
	unlink(path);
	for (off_t at = 0; at < LOG_BYTES; at += 1 << 20)
		check(pwrite(w->fd, zero, 1 << 20, at) == 1 << 20, path);
	check(fsync(w->fd) == 0, path);
	free(zero);
	free(path);
}

static void wal_put(struct wal *w, struct bytes v)
{
	if (w->at + (off_t)v.n > LOG_BYTES)
		w->at = 0;
	check(pwrite(w->fd, v.p, v.n, w->at) == (ssize_t)v.n, "log: write");
	w->at += (off_t)v.n;
	check(!w->sync || fdatasync(w->fd) == 0, "log: fdatasync");
}

/* --- the leader --------------------------------------------------------------------------------------------------- */

/* 0 is the leader.  Links: to the router, and to the followers or the leader. */
struct replica {
	int ep;
	struct link router, peer[2];
	struct wal wal;
	uint8_t *value;
	size_t value_n;                                  /* as long as what was last written */
	/* The leader's: */
	uint64_t seq, acked[REPLICAS], answered;
	uint32_t pending[PENDING_MAX];                   /* clients by seq */
	struct buf batch, syncing;
	uint64_t syncing_seq;                            /* of the last one in syncing */
	bool busy;                                       /* the thread has syncing */
	int work, done;
};

static void *sync_thread(void *arg)
{
	struct replica *r = arg;
	uint64_t v;

	for (;;) {
		check(read(r->work, &v, sizeof v) == sizeof v, "eventfd");
		wal_put(&r->wal, buf_view(&r->syncing));
		v = 1;
		check(write(r->done, &v, sizeof v) == sizeof v, "eventfd");
	}
	return NULL;
}

static void serve_read(struct replica *r, const struct head *h)
{
	put_frame(&r->router.out, (struct head){ (uint32_t)r->value_n, h->client, ANSWER, 0, 0 }, r->value);
}

static void on_router(struct replica *r, bool leads)
{
	const uint8_t *frame;
	struct head h;
	size_t at = 0;

	while ((frame = next_frame(&r->router, &at, &h)) != NULL) {
		if (h.kind != WRITE) {
			serve_read(r, &h);
			continue;
		}
		assert(leads && r->seq - r->answered < PENDING_MAX);
		h.seq = ++r->seq;
		h.kind = APPEND;
		h.crc = libdeflate_crc32(0, frame + sizeof h, h.n);
		r->pending[h.seq % PENDING_MAX] = h.client;
		r->value_n = h.n;
		put_frame(&r->batch, h, frame + sizeof h);
	}
	buf_drop(&r->router.in, at);
}

static void on_ack(struct replica *r, int follower)
{
	struct head h;
	size_t at = 0;

	while (next_frame(&r->peer[follower - 1], &at, &h) != NULL)
		r->acked[follower] = h.seq;
	buf_drop(&r->peer[follower - 1].in, at);
}

static uint64_t middle(uint64_t a, uint64_t b, uint64_t c)
{
	uint64_t most = a > b ? a : b, least = a > b ? b : a;

	return c > most ? most : c < least ? least : c;
}

/* One batch is one write to each follower and one sync here; the next one gathers meanwhile. */
static void lead(struct replica *r)
{
	uint64_t one = 1, chosen;

	if (r->batch.n > 0 && !r->busy) {
		struct buf spare = r->syncing;

		for (int i = 0; i < 2; i++) {
			buf_bytes(&r->peer[i].out, buf_view(&r->batch));
			flush(r->ep, &r->peer[i]);
		}
		r->syncing = r->batch;
		r->batch = spare;
		buf_clear(&r->batch);
		r->syncing_seq = r->seq;
		r->busy = true;
		check(write(r->work, &one, sizeof one) == sizeof one, "eventfd");
	}
	chosen = middle(r->acked[0], r->acked[1], r->acked[2]);
	for (; r->answered < chosen; r->answered++)
		put_frame(&r->router.out, (struct head){ 0, r->pending[(r->answered + 1) % PENDING_MAX], ANSWER, 0, 0 }, "");
}

static void on_synced(struct replica *r)
{
	uint64_t v;

	if (read(r->done, &v, sizeof v) != sizeof v)
		return;
	r->busy = false;
	r->acked[0] = r->syncing_seq;
}

/* --- a follower --------------------------------------------------------------------------------------------------- */

static void on_leader(struct replica *r)
{
	const uint8_t *frame;
	struct head h = { 0 };
	uint64_t last = 0;
	size_t at = 0;

	while ((frame = next_frame(&r->peer[0], &at, &h)) != NULL) {
		if (libdeflate_crc32(0, frame + sizeof h, h.n) != h.crc)
			abort();
		last = h.seq;
		r->value_n = h.n;
	}
	if (last == 0)
		return;
	wal_put(&r->wal, (struct bytes){ r->peer[0].in.p, at });
	buf_drop(&r->peer[0].in, at);
	put_frame(&r->peer[0].out, (struct head){ 0, 0, ACK, 0, last }, "");
	flush(r->ep, &r->peer[0]);
}

/* --- one replica -------------------------------------------------------------------------------------------------- */

static void replica_loop(struct replica *r, bool leads)
{
	struct epoll_event events[EVENTS_MAX];

	for (;;) {
		int n = epoll_wait(r->ep, events, EVENTS_MAX, -1);

		for (int i = 0; i < n; i++) {
			int fd = events[i].data.fd;
			struct link *l = fd == r->router.fd ? &r->router : fd == r->peer[0].fd ? &r->peer[0] : &r->peer[1];

			if (leads && fd == r->done) {
				on_synced(r);
				continue;
			}
			if ((events[i].events & EPOLLOUT) != 0)
				flush(r->ep, l);
			if ((events[i].events & ~(uint32_t)EPOLLOUT) == 0)
				continue;
			if (!fill(l))
				exit(0);
			if (l == &r->router)
				on_router(r, leads);
			else if (leads)
				on_ack(r, 1 + (l == &r->peer[1]));
			else
				on_leader(r);
		}
		if (leads)
			lead(r);
		if (r->router.out.n > 0)
			flush(r->ep, &r->router);
	}
}

/* peers: the followers' descriptors for the leader, the leader's for a follower (and -1). */
static void replica_run(int me, int router, const int peers[2], const char *dir, bool sync, int ready)
{
	struct replica *r = mem_new(sizeof *r);
	pthread_t thread;

	r->ep = epoll_create1(EPOLL_CLOEXEC);
	r->router.fd = router;
	r->value = mem_new(BODY_BYTES_MAX);
	r->value_n = 1024;
	memset(r->value, 'v', BODY_BYTES_MAX);
	wal_open(&r->wal, dir, me, sync);
	watch(r->ep, router, EPOLLIN, EPOLL_CTL_ADD);
	for (int i = 0; i < 2; i++) {
		r->peer[i].fd = peers[i];
		if (peers[i] >= 0)
			watch(r->ep, peers[i], EPOLLIN, EPOLL_CTL_ADD);
	}
	if (me == 0) {
		r->work = eventfd(0, EFD_CLOEXEC);
		r->done = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		watch(r->ep, r->done, EPOLLIN, EPOLL_CTL_ADD);
		check(pthread_create(&thread, NULL, sync_thread, r) == 0, "thread");
	}
	check(write(ready, "x", 1) == 1, "pipe");
	close(ready);
	replica_loop(r, me == 0);
}

/* --- the router --------------------------------------------------------------------------------------------------- */

struct router {
	int ep, listening;
	struct link replica[REPLICAS];
	struct link *clients[CLIENTS_MAX];               /* by descriptor */
	unsigned turn;                                   /* of eventual reads */
};

static void accept_all(struct router *r)
{
	int fd, one = 1;

	while ((fd = accept4(r->listening, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
		if (fd >= CLIENTS_MAX) {
			close(fd);
			continue;
		}
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
		r->clients[fd] = mem_new(sizeof *r->clients[fd]);
		r->clients[fd]->fd = fd;
		watch(r->ep, fd, EPOLLIN, EPOLL_CTL_ADD);
	}
}

static void drop_client(struct router *r, struct link *l)
{
	r->clients[l->fd] = NULL;
	close(l->fd);
	buf_fini(&l->in);
	buf_fini(&l->out);
	free(l);
}

static void answer(struct router *r, struct link *l, const void *body, size_t n)
{
	buf_fmt(&l->out, "HTTP/1.1 200 OK\r\nContent-Type: application/x-amz-json-1.0\r\n"
	        "x-amzn-RequestId: 0123456789ABCDEF\r\nContent-Length: %u\r\n\r\n", (unsigned)n);
	buf_put(&l->out, body, n);
	flush(r->ep, l);
}

static bool has(struct bytes v, const char *s)
{
	return memmem(v.p, v.n, s, strlen(s)) != NULL;
}

static void dispatch(struct router *r, struct link *l, struct bytes head, struct bytes body)
{
	static const char described[] = "{\"Table\":{\"TableStatus\":\"ACTIVE\",\"KeySchema\":[{\"AttributeName\":\"pk\","
		"\"KeyType\":\"HASH\"}],\"AttributeDefinitions\":[{\"AttributeName\":\"pk\",\"AttributeType\":\"S\"}]}}";
	struct head h = { (uint32_t)body.n, (uint32_t)l->fd, WRITE, 0, 0 };
	unsigned to = 0;

	if (has(head, "DescribeTable")) {
		answer(r, l, described, sizeof described - 1);
		return;
	}
	if (has(head, "GetItem")) {
		h.kind = has(body, "\"ConsistentRead\":true") ? READ : READ_EVENTUAL;
		to = h.kind == READ ? 0 : r->turn++ % REPLICAS;
	}
	put_frame(&r->replica[to].out, h, body.p);
}

/* False: not a request. */
static bool on_client(struct router *r, struct link *l)
{
	size_t at = 0;

	for (;;) {
		struct bytes in = { l->in.p + at, l->in.n - at }, body;
		const uint8_t *end = memmem(in.p, in.n, "\r\n\r\n", 4), *length;

		if (end == NULL)
			break;
		end += 4;
		length = memmem(in.p, (size_t)(end - in.p), "Content-Length: ", 16);
		body = (struct bytes){ end, length != NULL ? strtoul((const char *)length + 16, NULL, 10) : 0 };
		if (body.n > BODY_BYTES_MAX)
			return false;
		if (in.n - (size_t)(end - in.p) < body.n)
			break;
		dispatch(r, l, (struct bytes){ in.p, (size_t)(end - in.p) }, body);
		at += (size_t)(end - in.p) + body.n;
	}
	buf_drop(&l->in, at);
	return true;
}

static void on_replica(struct router *r, struct link *l)
{
	const uint8_t *frame;
	struct head h;
	size_t at = 0;

	while ((frame = next_frame(l, &at, &h)) != NULL)
		if (r->clients[h.client] != NULL)
			answer(r, r->clients[h.client], h.n > 0 ? frame + sizeof h : (const uint8_t *)"{}", h.n > 0 ? h.n : 2);
	buf_drop(&l->in, at);
}

static void on_event(struct router *r, const struct epoll_event *ev)
{
	struct link *l = NULL;
	bool inner = false;

	if (ev->data.fd == r->listening) {
		accept_all(r);
		return;
	}
	for (int i = 0; i < REPLICAS; i++)
		if (ev->data.fd == r->replica[i].fd) {
			l = &r->replica[i];
			inner = true;
		}
	if (l == NULL)
		l = r->clients[ev->data.fd];
	if ((ev->events & EPOLLOUT) != 0)
		flush(r->ep, l);
	if ((ev->events & ~(uint32_t)EPOLLOUT) == 0)
		return;
	if (!fill(l)) {
		if (inner)
			exit(DDB_EXIT_UNAVAILABLE);
		drop_client(r, l);
	} else if (inner) {
		on_replica(r, l);
	} else if (!on_client(r, l)) {
		drop_client(r, l);
	}
}

static int listen_on(uint16_t port)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), one = 1;
	socklen_t n = sizeof a;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
	check(bind(fd, (struct sockaddr *)&a, n) == 0 && listen(fd, 1024) == 0, "127.0.0.1");
	getsockname(fd, (struct sockaddr *)&a, &n);
	printf("listening on %u\n", ntohs(a.sin_port));
	fflush(stdout);
	return fd;
}

static void router_run(const int replicas[REPLICAS], uint16_t port)
{
	struct router *r = mem_new(sizeof *r);
	struct epoll_event events[EVENTS_MAX];

	r->ep = epoll_create1(EPOLL_CLOEXEC);
	r->listening = listen_on(port);
	watch(r->ep, r->listening, EPOLLIN, EPOLL_CTL_ADD);
	for (int i = 0; i < REPLICAS; i++) {
		r->replica[i].fd = replicas[i];
		watch(r->ep, replicas[i], EPOLLIN, EPOLL_CTL_ADD);
	}
	for (;;) {
		int n = epoll_wait(r->ep, events, EVENTS_MAX, -1);

		for (int i = 0; i < n; i++)
			on_event(r, &events[i]);
		for (int i = 0; i < REPLICAS; i++)
			if (r->replica[i].out.n > 0)
				flush(r->ep, &r->replica[i]);
	}
}

/* --- the whole ---------------------------------------------------------------------------------------------------- */

static void pair(int s[2])
{
	check(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, s) == 0, "socketpair");
}

int main(int argc, char **argv)
{
	static const char *dir;
	static bool no_sync;
	static uint64_t port;
	static const struct opt opts[] = {
		OPT_STR(0, "dir", "DIR", "where the logs are", &dir),
		OPT_U64(0, "port", "N", "port on 127.0.0.1 (any)", &port, 0, 65535),
		OPT_FLAG(0, "no-sync", "leave fdatasync out", &no_sync),
		OPT_END
	};
	static const struct opt_usage usage = { "model", NULL, "the physical limit of a quorum write, over HTTP", opts,
		0, 0, false };
	int front[REPLICAS][2], peer[2][2], ready[2], replicas[REPLICAS];
	pid_t parent = getpid();
	char byte;

	log_open("model");
	opt_parse(&usage, argc, argv);
	if (dir == NULL)
		opt_fail(&usage, "--dir is needed");
	check(pipe(ready) == 0, "pipe");
	for (int i = 0; i < REPLICAS; i++)
		pair(front[i]);
	for (int i = 0; i < 2; i++)
		pair(peer[i]);
	for (int me = 0; me < REPLICAS; me++) {
		const int leads[2] = { peer[0][0], peer[1][0] }, follows[2] = { me > 0 ? peer[me - 1][1] : -1, -1 };
		pid_t pid = fork();

		check(pid >= 0, "fork");
		if (pid > 0)
			continue;
		prctl(PR_SET_PDEATHSIG, SIGTERM);
		if (getppid() != parent)
			_exit(0);
		replica_run(me, front[me][1], me == 0 ? leads : follows, dir, !no_sync, ready[1]);
	}
	close(ready[1]);
	for (int i = 0; i < REPLICAS; i++) {
		replicas[i] = front[i][0];
		check(read(ready[0], &byte, 1) == 1, "a replica");
	}
	router_run(replicas, (uint16_t)port);
	return 0;
}
