#include "load.h"

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "cmd/ddb/bench_http.h"
#include "log.h"
#include "mem.h"
#include "sigv4.h"

#define EVENTS_MAX 64
#define READ_BYTES ((size_t)64 << 10)
#define WAIT_MS 1

enum state { DOWN, CONNECTING, IDLE, BUSY };

struct conn {
	int fd;
	enum state state;
	int64_t again_ns, from_ns;
	struct work_op op;
	struct buf in, out;
	struct bench_http http;
};

struct load {
	struct load_opts o;
	struct conn *conns;
	int ep;
	struct sigv4 *sigv4;
	struct buf body, auth;
	char authority[32];
	unsigned partitions, busy[WORK_PARTITIONS_MAX], busy_all;
	int64_t start_ns, sent;                          /* pace: sent operations are due by now */
	pthread_t thread;
	pthread_mutex_t lock;                            /* of what follows */
	struct load_view view;
	int64_t watch_ns;
	bool stop;
	int64_t stop_by_ns;
};

int64_t load_now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* --- requests */

static void request(struct load *l, const char *name, struct buf *out)
{
	char target[64], date[SIGV4_DATE_BYTES], hash[SIGV4_HASH_BYTES];
	int64_t now_s = (int64_t)(clock_wall_us() / 1000000);
	struct httpmsg_header headers[] = {
		{ BYTES_LIT("host"), bytes_str(l->authority) },
		{ BYTES_LIT("x-amz-date"), { (const uint8_t *)date, sizeof date - 1 } },
		{ BYTES_LIT("x-amz-target"), { (const uint8_t *)target, 0 } },
	};
	struct sigv4_req r = { BYTES_LIT("POST"), BYTES_LIT("/"), BYTES_NONE, headers, 3,
		{ (const uint8_t *)hash, sizeof hash - 1 } };

	headers[2].value.n = (size_t)snprintf(target, sizeof target, "DynamoDB_20120810.%s", name);
	sigv4_date(now_s, date);
	sigv4_hash(l->sigv4, buf_view(&l->body), hash);
	buf_clear(&l->auth);
	sigv4_sign(l->sigv4, &r, l->o.key, (struct sigv4_scope){ bytes_str(l->o.region), BYTES_LIT("dynamodb") }, now_s,
	           &l->auth);
	buf_clear(out);
	buf_fmt(out, "POST / HTTP/1.1\r\nHost: %s\r\nContent-Type: application/x-amz-json-1.0\r\nX-Amz-Target: %s\r\n"
	        "X-Amz-Date: %s\r\nContent-Length: %zu\r\nAuthorization: ", l->authority, target, date, l->body.n);
	buf_bytes(out, buf_view(&l->auth));
	buf_str(out, "\r\n\r\n");
	buf_bytes(out, buf_view(&l->body));
}

/* --- connections */

static void set_events(struct load *l, struct conn *c, int how, uint32_t events)
{
	struct epoll_event e = { .events = events, .data.ptr = c };
	int rc = epoll_ctl(l->ep, how, c->fd, &e);

	assert(rc == 0);
}

static void hang_up(struct conn *c)
{
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
	c->state = DOWN;
	c->again_ns = load_now_ns() + LOAD_AGAIN_MS * 1000000;
}

static void dial(struct load *l, struct conn *c)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons((uint16_t)l->o.port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int one = 1, rc;

	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	assert(c->fd >= 0);
	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	rc = connect(c->fd, (struct sockaddr *)&a, sizeof a);
	if (rc != 0 && errno != EINPROGRESS) {
		hang_up(c);
		return;
	}
	c->state = CONNECTING;
	set_events(l, c, EPOLL_CTL_ADD, EPOLLIN | EPOLLOUT);
}

static void dialled(struct load *l, struct conn *c)
{
	struct sockaddr_in self, peer;
	socklen_t n = sizeof(int), m = sizeof self;
	int error = 0;

	getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &n);
	/* While nobody listens a local connection can meet itself. */
	if (error != 0 || getsockname(c->fd, (struct sockaddr *)&self, &m) != 0 ||
	    getpeername(c->fd, (struct sockaddr *)&peer, &m) != 0 || self.sin_port == peer.sin_port) {
		hang_up(c);
		return;
	}
	c->state = IDLE;
	set_events(l, c, EPOLL_CTL_MOD, EPOLLIN);
}

static void done(struct load *l, struct conn *c, enum work_end end)
{
	int64_t now_ns = load_now_ns();
	bool good;

	pthread_mutex_lock(&l->lock);
	good = work_done(l->o.work, &c->op, c->from_ns, now_ns, end, c->http.status, c->http.body);
	l->view.good += good;
	for (unsigned p = 0; p < l->partitions; p++) {
		if ((c->op.partitions & 1u << p) == 0)
			continue;
		l->busy[p]--;
		if (!work_writes(&c->op))
			continue;
		l->view.writing[p]--;
		if (good && c->from_ns > l->watch_ns && l->view.worked_ns[p] == 0)
			l->view.worked_ns[p] = now_ns;
	}
	if (l->view.orphans > 0) {
		l->view.orphans = work_orphans(l->o.work);
		l->view.adopted_ns = now_ns;
	}
	pthread_mutex_unlock(&l->lock);
	l->busy_all--;
	c->state = IDLE;
	if (end != WORK_ANSWERED || !c->http.keep_alive)
		hang_up(c);
}

/* False if nothing can be sent now. */
static bool begin(struct load *l, struct conn *c)
{
	const char *name;
	ssize_t n;

	pthread_mutex_lock(&l->lock);
	/* While it pays to leave the busy alone: at the end there are only reads, and they all have to be done. */
	name = work_next(l->o.work, l->busy, l->o.connections / (WORK_TABLE_PARTITIONS - 1), &c->op, &l->body);
	for (unsigned p = 0; name != NULL && p < l->partitions; p++) {
		l->busy[p] += (c->op.partitions & 1u << p) != 0;
		l->view.writing[p] += (c->op.partitions & 1u << p) != 0 && work_writes(&c->op);
	}
	pthread_mutex_unlock(&l->lock);
	if (name == NULL)
		return false;
	request(l, name, &c->out);
	l->busy_all++;
	c->state = BUSY;
	c->http = (struct bench_http){ 0 };
	buf_clear(&c->in);
	c->from_ns = load_now_ns();
	l->sent++;
	n = send(c->fd, c->out.p, c->out.n, MSG_NOSIGNAL);
	/* Requests are small, and nothing else is under way on the connection. */
	if (n < 0 && (errno == EPIPE || errno == ECONNRESET))
		done(l, c, WORK_UNSENT);
	else if (n < (ssize_t)c->out.n)
		done(l, c, WORK_LOST);
	return true;
}

static void take(struct load *l, struct conn *c)
{
	uint8_t *to = buf_room(&c->in, READ_BYTES);
	ssize_t n = to != NULL ? recv(c->fd, to, READ_BYTES, 0) : -1;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (c->state != BUSY) {
		hang_up(c);
		return;
	}
	if (n <= 0) {
		done(l, c, WORK_LOST);
		return;
	}
	c->in.n += (size_t)n;
	switch (bench_http_read(&c->http, &c->in)) {
	case BENCH_HTTP_MORE:
		break;
	case BENCH_HTTP_BAD:
		log_err("not HTTP: %.*s", (int)(c->in.n < 200 ? c->in.n : 200), (const char *)c->in.p);
		done(l, c, WORK_LOST);
		break;
	case BENCH_HTTP_DONE:
		done(l, c, WORK_ANSWERED);
		break;
	}
}

/* --- the thread */

static bool is_stopping(struct load *l)
{
	bool stop;

	pthread_mutex_lock(&l->lock);
	stop = l->stop;
	pthread_mutex_unlock(&l->lock);
	return stop;
}

static void look_after(struct load *l, bool may_begin, bool paced)
{
	int64_t now_ns = load_now_ns();
	int64_t due = paced ? (now_ns - l->start_ns) / 1000 * (int64_t)l->o.rate / 1000000 : INT64_MAX;

	/* What could not be sent while the cluster was away is not made up for. */
	if (paced && due - l->sent > l->o.connections)
		l->sent = due - l->o.connections;
	for (unsigned i = 0; i < l->o.connections; i++) {
		struct conn *c = &l->conns[i];

		if (c->state == BUSY && now_ns - c->from_ns > (int64_t)LOAD_DEADLINE_MS * 1000000)
			done(l, c, WORK_LOST);
		if (c->state == DOWN && now_ns >= c->again_ns)
			dial(l, c);
		if (c->state == IDLE && may_begin && l->sent < due)
			may_begin = begin(l, c);
	}
}

static void *run(void *arg)
{
	struct load *l = arg;
	struct epoll_event events[EVENTS_MAX];
	bool finishing = false;

	l->start_ns = load_now_ns();
	for (;;) {
		int n = epoll_wait(l->ep, events, EVENTS_MAX, WAIT_MS);
		bool stop = is_stopping(l);

		for (int i = 0; i < n; i++) {
			struct conn *c = events[i].data.ptr;

			if (c->state == CONNECTING)
				dialled(l, c);
			else if (c->state != DOWN)
				take(l, c);
		}
		if (stop && !finishing && l->busy_all == 0) {
			finishing = true;
			work_finish(l->o.work);
		}
		if (finishing && (work_finished(l->o.work) || load_now_ns() > l->stop_by_ns))
			break;
		look_after(l, finishing || !stop, !finishing);
	}
	return NULL;
}

struct load *load_start(const struct load_opts *o)
{
	struct load *l = mem_new(sizeof *l);
	int rc;

	assert(o->connections <= LOAD_CONNECTIONS_MAX);
	l->o = *o;
	l->partitions = work_partitions(o->work);
	l->sigv4 = sigv4_new();
	l->ep = epoll_create1(EPOLL_CLOEXEC);
	assert(l->ep >= 0);
	snprintf(l->authority, sizeof l->authority, "127.0.0.1:%d", o->port);
	l->conns = mem_new(o->connections * sizeof *l->conns);
	for (unsigned i = 0; i < o->connections; i++)
		l->conns[i].fd = -1;
	pthread_mutex_init(&l->lock, NULL);
	rc = pthread_create(&l->thread, NULL, run, l);
	assert(rc == 0);
	return l;
}

void load_hold(struct load *l)
{
	pthread_mutex_lock(&l->lock);
}

void load_release(struct load *l)
{
	pthread_mutex_unlock(&l->lock);
}

const struct load_view *load_held(const struct load *l)
{
	return &l->view;
}

unsigned load_orphan(struct load *l)
{
	l->view.orphans = work_orphan(l->o.work, load_now_ns());
	return l->view.orphans;
}

struct load_view load_view(struct load *l)
{
	struct load_view v;

	load_hold(l);
	v = l->view;
	load_release(l);
	return v;
}

int64_t load_watch(struct load *l)
{
	int64_t now_ns;

	load_hold(l);
	now_ns = l->watch_ns = load_now_ns();
	memset(l->view.worked_ns, 0, sizeof l->view.worked_ns);
	load_release(l);
	return now_ns;
}

bool load_stop(struct load *l, uint64_t within_ms)
{
	bool finished;

	load_hold(l);
	l->stop = true;
	l->stop_by_ns = load_now_ns() + (int64_t)within_ms * 1000000;
	load_release(l);
	pthread_join(l->thread, NULL);
	finished = work_finished(l->o.work);
	for (unsigned i = 0; i < l->o.connections; i++) {
		if (l->conns[i].fd >= 0)
			close(l->conns[i].fd);
		buf_fini(&l->conns[i].in);
		buf_fini(&l->conns[i].out);
	}
	close(l->ep);
	pthread_mutex_destroy(&l->lock);
	sigv4_free(l->sigv4);
	buf_fini(&l->body);
	buf_fini(&l->auth);
	free(l->conns);
	free(l);
	return finished;
}
