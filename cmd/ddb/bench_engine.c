#include "bench_engine.h"

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "clock.h"
#include "log.h"
#include "mem.h"

#define READ_BYTES ((size_t)16 << 10)
#define EVENTS_MAX 128
#define AGAIN_US 10000                                   /* before connecting anew; doubled each time */
#define AGAIN_US_MAX 1000000
#define SIGNAL_ID UINT64_MAX

enum conn_state { DOWN, CONNECTING, IDLE, BUSY };

struct conn {
	int fd;
	enum conn_state state;
	unsigned fails;                                  /* in a row */
	uint64_t again_us;                               /* DOWN: when to connect */
	struct bench_work work;                          /* BUSY: */
	uint64_t from_us, sent_us;                       /* when it was due, and when it went */
	struct buf out;                                  /* what the socket did not take */
	size_t out_at;
	struct buf in;
	struct bench_http http;
};

struct engine {
	const struct bench_engine_opts *o;
	struct bench_stats *s;
	struct conn *conns;
	unsigned *idle;                                  /* a stack of those that are IDLE */
	size_t idle_n;
	unsigned busy, down;
	int ep, signal;
	struct buf request;
	uint64_t now_us, start_us, from_us, to_us;       /* measured: from_us <= t < to_us */
	uint64_t issued;                                 /* open loop: requests sent or given up */
	struct bench_work *again;                        /* load: what failed */
	size_t again_n;
	bool load, through;                              /* through: the load has no new work */
	uint64_t good_us;                                /* when something worked last */
	uint64_t answers;                                /* within the measured time, good or bad */
	double cpu_from, cpu_to;                         /* seconds; < 0: not read yet */
	uint64_t answers_to;
	uint64_t tick_us;
	bool broken;                                     /* said why */
};

/* --- counting ----------------------------------------------------------------------------------------------------- */

static bool measured(const struct engine *e, uint64_t t_us)
{
	return t_us >= e->from_us && t_us < e->to_us;
}

static void count_error(struct engine *e, const char *type, uint64_t n)
{
	struct bench_stats *s = e->s;
	size_t i;

	for (i = 0; i < s->types_n; i++)
		if (strcmp(s->types[i].name, type) == 0)
			break;
	if (i == s->types_n) {
		if (i == BENCH_ENGINE_TYPES_MAX) {
			i--;
			type = "other";
		} else {
			s->types_n++;
		}
		snprintf(s->types[i].name, sizeof s->types[i].name, "%s", type);
	}
	s->types[i].n += n;
	s->errors += n;
}

/* A request came to nothing, or to something bad. */
static void bad(struct engine *e, struct conn *c, const char *type)
{
	if (measured(e, c->from_us)) {
		e->s->requests++;
		count_error(e, type, 1);
	}
	if (e->load) {
		assert(e->again_n < BENCH_ENGINE_AGAIN_MAX);
		e->again[e->again_n++] = c->work;
		if (e->now_us - e->good_us > e->o->timeout_us && !e->broken) {
			log_err("loading: nothing has worked for %u s: %s", (unsigned)(e->o->timeout_us / 1000000),
			        type);
			e->broken = true;
		}
	}
}

static double cpu_seconds(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
	       (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) * 1e-6;
}

static void read_cpu(struct engine *e)
{
	if (e->cpu_from < 0 && e->now_us >= e->from_us)
		e->cpu_from = cpu_seconds();
	if (e->cpu_to < 0 && e->now_us >= e->to_us) {
		e->cpu_to = cpu_seconds();
		e->answers_to = e->answers;
	}
}

/* --- connections -------------------------------------------------------------------------------------------------- */

static void set_events(struct engine *e, struct conn *c, int how, uint32_t events)
{
	struct epoll_event ev = { .events = events, .data.u64 = (uint64_t)(c - e->conns) };

	if (epoll_ctl(e->ep, how, c->fd, &ev) != 0) {
		log_err("epoll_ctl: %s", strerror(errno));
		e->broken = true;
	}
}

static void set_idle(struct engine *e, struct conn *c)
{
	c->state = IDLE;
	e->idle[e->idle_n++] = (unsigned)(c - e->conns);
}

static void hang_up(struct engine *e, struct conn *c, uint64_t pause_us)
{
	if (c->fd >= 0)
		close(c->fd);
	if (c->state == IDLE)
		for (size_t i = 0; i < e->idle_n; i++)
			if (e->idle[i] == (unsigned)(c - e->conns))
				e->idle[i] = e->idle[--e->idle_n];
	if (c->state == BUSY)
		e->busy--;
	c->fd = -1;
	c->state = DOWN;
	c->again_us = e->now_us + pause_us;
	buf_clear(&c->out);
	c->out_at = 0;
	e->down++;
}

/* Nothing more can be expected of this connection. */
static void lose(struct engine *e, struct conn *c, const char *type)
{
	uint64_t pause_us = c->fails < 7 ? (uint64_t)AGAIN_US << c->fails : AGAIN_US_MAX;

	if (c->state == BUSY)
		bad(e, c, type);
	else if (c->state != IDLE && measured(e, e->now_us))
		count_error(e, type, 1);
	/* A server may close a connection that rests. */
	if (c->state != IDLE)
		c->fails++;
	hang_up(e, c, pause_us);
}

static void dial(struct engine *e, struct conn *c)
{
	int one = 1, rc;

	c->fd = socket(e->o->addr->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (c->fd < 0) {
		log_err("socket: %s", strerror(errno));
		e->broken = true;
		return;
	}
	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	e->down--;
	c->state = CONNECTING;
	do
		rc = connect(c->fd, e->o->addr, e->o->addr_n);
	while (rc != 0 && errno == EINTR);
	if (rc != 0 && errno != EINPROGRESS) {
		lose(e, c, errno == ECONNREFUSED ? "connection refused" : "cannot connect");
		return;
	}
	set_events(e, c, EPOLL_CTL_ADD, rc == 0 ? EPOLLIN : EPOLLIN | EPOLLOUT);
	if (rc == 0)
		set_idle(e, c);
}

static void dialled(struct engine *e, struct conn *c)
{
	int error = 0;
	socklen_t n = sizeof error;

	getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &n);
	if (error != 0) {
		lose(e, c, error == ECONNREFUSED ? "connection refused" : "cannot connect");
		return;
	}
	set_events(e, c, EPOLL_CTL_MOD, EPOLLIN);
	set_idle(e, c);
}

/* --- requests ----------------------------------------------------------------------------------------------------- */

/* How much of v the socket took; -1: the connection is gone. */
static ssize_t put(int fd, struct bytes v)
{
	ssize_t n;

	do
		n = send(fd, v.p, v.n, MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	return n < 0 && errno == EAGAIN ? 0 : n;
}

static void begin(struct engine *e, struct conn *c, uint64_t due_us)
{
	struct bytes v;
	ssize_t n;

	buf_clear(&e->request);
	e->o->dialect->request(e->o->dialect->arg, &c->work, &e->request);
	assert(!e->request.over);
	v = buf_view(&e->request);
	c->state = BUSY;
	e->busy++;
	c->http = (struct bench_http){ 0 };
	buf_clear(&c->in);
	c->from_us = due_us;
	c->sent_us = e->now_us;
	n = put(c->fd, v);
	if (n < 0) {
		lose(e, c, "connection lost");
	} else if ((size_t)n < v.n) {
		buf_put(&c->out, v.p + n, v.n - (size_t)n);
		set_events(e, c, EPOLL_CTL_MOD, EPOLLIN | EPOLLOUT);
	}
}

static void go_on(struct engine *e, struct conn *c)
{
	ssize_t n = put(c->fd, (struct bytes){ c->out.p + c->out_at, c->out.n - c->out_at });

	if (n < 0) {
		lose(e, c, "connection lost");
		return;
	}
	c->out_at += (size_t)n;
	if (c->out_at < c->out.n)
		return;
	buf_clear(&c->out);
	c->out_at = 0;
	set_events(e, c, EPOLL_CTL_MOD, EPOLLIN);
}

/* The answer is whole. */
static void judge(struct engine *e, struct conn *c)
{
	struct bench_stats *s = e->s;
	char type[BENCH_ENGINE_TYPE_MAX] = "";
	enum bench_verdict v = e->o->dialect->judge(e->o->dialect->arg, &c->work, c->http.status, c->http.body, type);

	e->now_us = clock_us();
	if (measured(e, e->now_us))
		e->answers++;
	if (v == BENCH_ENGINE_ERROR) {
		if (type[0] == '\0')
			snprintf(type, sizeof type, "HTTP %d", c->http.status);
		bad(e, c, type);
		return;
	}
	c->fails = 0;
	e->good_us = e->now_us;
	if (measured(e, e->now_us))
		s->answered_in_time++;
	if (!measured(e, c->from_us))
		return;
	s->requests++;
	s->missing += v == BENCH_ENGINE_MISSING;
	s->wrong += v == BENCH_ENGINE_WRONG;
	bench_hist_add(&s->latency[c->work.op], e->now_us - c->from_us);
}

static void take(struct engine *e, struct conn *c)
{
	size_t room = READ_BYTES;
	uint8_t *to;
	ssize_t n;

	if (c->http.told && c->http.head_n + c->http.length > c->in.n + room)
		room = c->http.head_n + c->http.length - c->in.n + 1;
	to = buf_room(&c->in, room);
	if (to == NULL) {
		lose(e, c, "malformed answer");
		return;
	}
	do
		n = recv(c->fd, to, room, 0);
	while (n < 0 && errno == EINTR);
	if (n < 0 && errno == EAGAIN)
		return;
	if (n <= 0 || c->state != BUSY) {
		lose(e, c, "connection lost");
		return;
	}
	c->in.n += (size_t)n;
	switch (bench_http_read(&c->http, &c->in)) {
	case BENCH_HTTP_MORE:
		return;
	case BENCH_HTTP_BAD:
		lose(e, c, "malformed answer");
		return;
	case BENCH_HTTP_DONE:
		break;
	}
	judge(e, c);
	/* An answer before the request was sent whole leaves the rest of it in the way. */
	if (!c->http.keep_alive || c->out.n > 0) {
		hang_up(e, c, 0);
		return;
	}
	e->busy--;
	set_idle(e, c);
}

/* --- pace --------------------------------------------------------------------------------------------------------- */

static uint64_t due_at(const struct engine *e, uint64_t i)
{
	return e->start_us + i * 1000000 / e->o->rate;
}

/* Open loop: how many are due by now. */
static uint64_t due(const struct engine *e)
{
	uint64_t until = e->now_us < e->to_us ? e->now_us : e->to_us - 1;

	return until < e->start_us ? 0 : (until - e->start_us) * e->o->rate / 1000000 + 1;
}

static bool next_work(struct engine *e, struct bench_work *w)
{
	if (e->load && e->again_n > 0) {
		*w = e->again[--e->again_n];
		return true;
	}
	if (e->load && e->through)
		return false;
	e->through = !bench_plan_next(e->o->plan, w);
	return !e->through;
}

static void give_up(struct engine *e, uint64_t until)
{
	for (; e->issued < until; e->issued++)
		e->s->overruns += measured(e, due_at(e, e->issued));
}

/* Send what is due, as far as connections are free. */
static void pump(struct engine *e)
{
	bool open = e->o->rate > 0;
	uint64_t ready = open ? due(e) : 0;

	if (!open && e->now_us >= e->to_us)
		return;
	if (open && e->now_us >= e->to_us + e->o->timeout_us)
		give_up(e, ready);
	else if (open && ready - e->issued > BENCH_ENGINE_LATE_MAX)
		give_up(e, ready - BENCH_ENGINE_LATE_MAX);
	while (e->idle_n > 0 && (!open || e->issued < ready) && !e->broken) {
		struct conn *c = &e->conns[e->idle[e->idle_n - 1]];

		if (!next_work(e, &c->work))
			break;
		e->idle_n--;
		e->now_us = clock_us();
		begin(e, c, open ? due_at(e, e->issued++) : e->now_us);
	}
	if (open && ready - e->issued > e->s->late_max)
		e->s->late_max = ready - e->issued;
}

static bool finished(struct engine *e)
{
	if (e->broken || e->s->interrupted)
		return true;
	if (e->load)
		return e->through && e->again_n == 0 && e->busy == 0;
	if (e->now_us < e->to_us || e->busy > 0)
		return false;
	return e->o->rate == 0 || e->issued >= due(e);
}

/* What happens by the clock: timeouts, connecting anew, showing progress. */
static void tick(struct engine *e)
{
	bool full = e->now_us >= e->tick_us;

	if (full) {
		e->tick_us = e->now_us + BENCH_ENGINE_TICK_US;
		if (e->o->tick != NULL)
			e->o->tick(e->o->arg, e->s);
	}
	if (!full && e->down == 0)
		return;
	for (unsigned i = 0; i < e->o->connections && !e->broken; i++) {
		struct conn *c = &e->conns[i];

		if (c->state == BUSY && e->now_us > c->sent_us && e->now_us - c->sent_us > e->o->timeout_us)
			lose(e, c, "timeout");
		if (c->state == DOWN && e->now_us >= c->again_us && e->now_us < e->to_us + e->o->timeout_us)
			dial(e, c);
	}
}

static uint64_t pause_us(const struct engine *e)
{
	uint64_t next = e->tick_us, t;

	if (e->now_us < e->to_us && e->to_us < next)
		next = e->to_us;
	if (e->down > 0 && e->now_us + AGAIN_US < next)
		next = e->now_us + AGAIN_US;
	if (e->o->rate > 0 && e->idle_n > 0) {
		t = due_at(e, e->issued);
		if (t < e->to_us && t < next)
			next = t;
	}
	return next > e->now_us ? next - e->now_us : 0;
}

static void on_event(struct engine *e, const struct epoll_event *ev)
{
	struct conn *c;
	struct signalfd_siginfo info;

	if (ev->data.u64 == SIGNAL_ID) {
		if (read(e->signal, &info, sizeof info) > 0)
			e->s->interrupted = true;
		return;
	}
	c = &e->conns[ev->data.u64];
	if (c->state == CONNECTING) {
		dialled(e, c);
		return;
	}
	if ((ev->events & EPOLLOUT) != 0 && c->out.n > 0)
		go_on(e, c);
	if ((ev->events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0 && c->fd >= 0)
		take(e, c);
}

/* --- the whole ---------------------------------------------------------------------------------------------------- */

static void loop(struct engine *e)
{
	struct epoll_event events[EVENTS_MAX];

	for (;;) {
		uint64_t us;
		int n;

		e->now_us = clock_us();
		read_cpu(e);
		tick(e);
		pump(e);
		if (finished(e))
			break;
		us = pause_us(e);
		n = epoll_pwait2(e->ep, events, EVENTS_MAX,
		                 &(struct timespec){ (time_t)(us / 1000000), (long)(us % 1000000) * 1000 }, NULL);
		if (n < 0 && errno != EINTR) {
			log_err("epoll_wait: %s", strerror(errno));
			e->broken = true;
		}
		e->now_us = clock_us();
		read_cpu(e);
		for (int i = 0; i < n; i++) {
			on_event(e, &events[i]);
			pump(e);                         /* answers wait in the kernel, not their connections here */
		}
	}
}

/* Connections, and a few files. */
static void raise_limit(unsigned wanted)
{
	struct rlimit l;

	if (getrlimit(RLIMIT_NOFILE, &l) == 0 && l.rlim_cur < wanted + 64) {
		l.rlim_cur = l.rlim_max < wanted + 64 ? l.rlim_max : wanted + 64;
		setrlimit(RLIMIT_NOFILE, &l);
	}
}

static int set_up(struct engine *e, sigset_t *before)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.u64 = SIGNAL_ID };
	sigset_t set;

	raise_limit(e->o->connections);
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, before);
	e->ep = epoll_create1(EPOLL_CLOEXEC);
	e->signal = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	if (e->ep < 0 || e->signal < 0 || epoll_ctl(e->ep, EPOLL_CTL_ADD, e->signal, &ev) != 0) {
		log_err("epoll: %s", strerror(errno));
		return -1;
	}
	e->now_us = clock_us();
	for (unsigned i = 0; i < e->o->connections; i++) {
		e->conns[i].fd = -1;
		buf_init(&e->conns[i].in, BENCH_HTTP_BYTES_MAX + READ_BYTES);
		e->down++;
	}
	e->start_us = e->good_us = e->now_us;
	e->from_us = e->start_us + (e->load ? 0 : e->o->warmup_us);
	e->to_us = e->load ? UINT64_MAX / 2 : e->from_us + e->o->duration_us;
	e->tick_us = e->start_us + BENCH_ENGINE_TICK_US;
	return 0;
}

static void tear_down(struct engine *e, const sigset_t *before)
{
	for (unsigned i = 0; i < e->o->connections; i++) {
		if (e->conns[i].fd >= 0)
			close(e->conns[i].fd);
		buf_fini(&e->conns[i].in);
		buf_fini(&e->conns[i].out);
	}
	if (e->ep >= 0)
		close(e->ep);
	if (e->signal >= 0)
		close(e->signal);
	sigprocmask(SIG_SETMASK, before, NULL);
	buf_fini(&e->request);
	free(e->conns);
	free(e->idle);
	free(e->again);
}

int bench_engine_run(const struct bench_engine_opts *o, struct bench_stats *s)
{
	struct engine e = { .o = o, .s = s, .ep = -1, .signal = -1, .cpu_from = -1, .cpu_to = -1,
		.load = o->plan->workload == BENCH_PLAN_LOAD };
	sigset_t before;
	int rc;

	assert(o->connections > 0 && o->connections <= BENCH_ENGINE_CONNECTIONS_MAX && o->rate <= BENCH_ENGINE_RATE_MAX);
	*s = (struct bench_stats){ 0 };
	e.conns = mem_new(o->connections * sizeof *e.conns);
	e.idle = mem_new(o->connections * sizeof *e.idle);
	e.again = mem_new(BENCH_ENGINE_AGAIN_MAX * sizeof *e.again);
	rc = set_up(&e, &before);
	if (rc == 0) {
		loop(&e);
		if (e.to_us > e.now_us)
			e.to_us = e.now_us;
		read_cpu(&e);
		s->seconds = e.to_us > e.from_us ? (double)(e.to_us - e.from_us) * 1e-6 : 0;
		if (e.answers_to > 0 && e.cpu_from >= 0)
			s->cpu_us = (e.cpu_to - e.cpu_from) * 1e6 / (double)e.answers_to;
		rc = e.broken ? -1 : 0;
	}
	tear_down(&e, &before);
	return rc;
}
