#include "net.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "clock.h"
#include "dice.h"
#include "fault.h"
#include "log.h"
#include "mem.h"
#include "metrics.h"
#include "net_core.h"

#define ACCEPTS_A_TURN 64
#define ACCEPT_PAUSE_MS 100                              /* without descriptors a ready listener would spin */

/* --- the process's net */

uint64_t net_random(struct net *n)
{
	return dice_roll(&n->random);
}

static void on_tick(uv_timer_t *t)
{
	struct net *n = t->data;

	net_wheel_run(&n->wheel, clock_ms());
	if (n->wheel.n == 0) {
		uv_timer_stop(t);
		n->ticking = false;
	}
}

void net_set_timer(struct net *n, struct net_timer *t, uint64_t at_ms, void (*fire)(struct net_timer *t))
{
	if (!n->ticking) {
		net_wheel_run(&n->wheel, clock_ms());
		uv_timer_start(&n->timer, on_tick, NET_WHEEL_STEP_MS, NET_WHEEL_STEP_MS);
		n->ticking = true;
	}
	net_wheel_set(&n->wheel, t, at_ms, fire);
}

static void flush(struct net *n)
{
	struct net_conn *c;

	while ((c = TAILQ_FIRST(&n->dirty)) != NULL) {
		TAILQ_REMOVE(&n->dirty, c, dirty_link);
		c->dirty = false;
		net_link_flush(c);
	}
}

/* Flushing may end requests, and whoever asked may ask somebody else at once: until nothing is left. */
static void on_prepare(uv_prepare_t *handle)
{
	struct net *n = handle->data;

	while (!TAILQ_EMPTY(&n->ended) || !TAILQ_EMPTY(&n->dirty)) {
		net_call_deliver(n);
		flush(n);
	}
	while (!LIST_EMPTY(&n->dead))
		net_call_bury(LIST_FIRST(&n->dead));
}

struct net *net_new(uv_loop_t *loop, const struct net_identity *id)
{
	struct net *n = mem_new(sizeof *n);
	const char *trace = getenv("DDB_TRACE");

	n->loop = loop;
	n->id = *id;
	snprintf(n->name, sizeof n->name, "%s", id->name != NULL ? id->name : "");
	n->id.name = n->name;
	n->trace = trace != NULL && strstr(trace, "net") != NULL;
	if (getrandom(&n->random, sizeof n->random, GRND_NONBLOCK) != sizeof n->random || n->random == 0)
		n->random = clock_us() + 1;
	net_wheel_init(&n->wheel, clock_ms());
	TAILQ_INIT(&n->dirty);
	TAILQ_INIT(&n->ended);
	uv_timer_init(loop, &n->timer);
	n->timer.data = n;
	uv_prepare_init(loop, &n->prepare);
	n->prepare.data = n;
	uv_prepare_start(&n->prepare, on_prepare);
	uv_unref((uv_handle_t *)&n->prepare);
	n->handles = 2;
	return n;
}

void net_handle_closed(struct net *n)
{
	assert(n->handles > 0);
	if (--n->handles > 0 || !n->freeing)
		return;
	free(n->conns);
	free(n->vacant);
	free(n);
}

static void on_own_closed(uv_handle_t *handle)
{
	net_handle_closed(handle->data);
}

void net_free(struct net *n)
{
	if (n == NULL)
		return;
	flush(n);
	while (!LIST_EMPTY(&n->servers))
		net_unlisten(LIST_FIRST(&n->servers));
	while (!LIST_EMPTY(&n->peers))
		net_call_free(LIST_FIRST(&n->peers));
	for (size_t i = 0; i < n->conns_cap; i++)
		if (n->conns[i] != NULL)
			net_link_break(n->conns[i], 0, NULL);
	net_call_deliver(n);
	while (!LIST_EMPTY(&n->dead))
		net_call_bury(LIST_FIRST(&n->dead));
	n->freeing = true;
	uv_close((uv_handle_t *)&n->timer, on_own_closed);
	uv_close((uv_handle_t *)&n->prepare, on_own_closed);
}

void net_set_incarnation(struct net *n, uint32_t incarnation)
{
	n->id.incarnation = incarnation;
}

/* --- metrics */

void net_on_metrics(struct net *n, void (*print)(void *arg, struct buf *out), void *arg)
{
	n->metrics = print;
	n->metrics_arg = arg;
}

void net_metrics(struct net *n, struct buf *out)
{
	struct metrics_count frames_in = { n->totals.frames_in }, frames_out = { n->totals.frames_out };
	struct metrics_count bytes_in = { n->totals.bytes_in }, bytes_out = { n->totals.bytes_out };
	struct metrics_count reads = { n->totals.reads }, writes = { n->totals.writes };
	struct metrics_count bad = { n->bad }, refused = { n->refused }, oversized = { n->oversized };
	struct metrics_count lost = { n->lost }, unsent = { n->unsent }, late = { n->late }, accepted = { n->accepted };
	struct metrics_gauge conns = { (int64_t)n->conns_n }, calls = { (int64_t)n->calls };
	const struct metrics_row rows[] = {
		METRICS_COUNT("ddb_net_frames_total", "way=\"in\"", "frames between processes", &frames_in),
		METRICS_COUNT("ddb_net_frames_total", "way=\"out\"", NULL, &frames_out),
		METRICS_COUNT("ddb_net_bytes_total", "way=\"in\"", "bytes of frames", &bytes_in),
		METRICS_COUNT("ddb_net_bytes_total", "way=\"out\"", NULL, &bytes_out),
		METRICS_COUNT("ddb_net_system_calls_total", "what=\"recv\"", "system calls to move frames", &reads),
		METRICS_COUNT("ddb_net_system_calls_total", "what=\"send\"", NULL, &writes),
		METRICS_GAUGE("ddb_net_connections", NULL, "connections, both ways", &conns),
		METRICS_COUNT("ddb_net_accepted_total", NULL, "connections accepted", &accepted),
		METRICS_GAUGE("ddb_net_requests", NULL, "requests sent and not answered", &calls),
		METRICS_COUNT("ddb_net_requests_ended_total", "how=\"lost\"", "requests without an answer", &lost),
		METRICS_COUNT("ddb_net_requests_ended_total", "how=\"unsent\"", NULL, &unsent),
		METRICS_COUNT("ddb_net_late_total", NULL, "answers behind their deadline", &late),
		METRICS_COUNT("ddb_net_refused_total", NULL, "greetings refused", &refused),
		METRICS_COUNT("ddb_net_dropped_total", NULL, "connections that broke the rules", &bad),
		METRICS_COUNT("ddb_net_oversized_total", NULL, "frames too large to be sent", &oversized),
	};

	metrics_print(rows, sizeof rows / sizeof *rows, out);
}

/* --- serving */

static void on_listener(uv_poll_t *handle, int status, int events);

static void resume(struct net_timer *t)
{
	struct net_server *s = NET_OF(t, struct net_server, pause);

	uv_poll_start(&s->poll, UV_READABLE, on_listener);
}

static bool accept_one(struct net_server *s)
{
	struct net *n = s->net;
	struct net_conn *c;
	int fd, fault = fault_hit("net.accept");

	errno = fault;
	fd = fault != 0 ? -1 : accept4(s->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)) {
		log_err("%s: accept: %m", s->addr.text);
		uv_poll_stop(&s->poll);
		net_set_timer(n, &s->pause, clock_ms() + ACCEPT_PAUSE_MS, resume);
		return false;
	}
	if (fd < 0)
		return errno == ECONNABORTED || errno == EINTR;
	if (n->conns_n >= NET_CONNS_MAX || !net_addr_trusts(&s->addr, fd)) {
		if (n->conns_n < NET_CONNS_MAX)
			log_warn("%s: dropped a client: another user", s->addr.text);
		n->bad++;
		close(fd);
		return true;
	}
	n->accepted++;
	c = net_link_new(n, fd, NULL);
	c->handler = s->handler;
	c->arg = s->arg;
	return true;
}

static void on_listener(uv_poll_t *handle, int status, int events)
{
	struct net_server *s = handle->data;

	(void)status, (void)events;
	for (int i = 0; i < ACCEPTS_A_TURN && accept_one(s); i++)
		;
}

struct net_server *net_listen(struct net *n, const char *addr,
                              void (*handler)(void *arg, struct net_conn *c, uint64_t rid, unsigned type,
                                              struct bytes body),
                              void *arg)
{
	struct net_server *s = mem_new(sizeof *s);

	s->fd = -1;
	if (net_addr_init(&s->addr, addr) == 0)
		s->fd = net_addr_listen(&s->addr, &s->file);
	if (s->fd < 0) {
		net_addr_fini(&s->addr);
		free(s);
		return NULL;
	}
	s->net = n;
	s->handler = handler;
	s->arg = arg;
	uv_poll_init(n->loop, &s->poll, s->fd);
	s->poll.data = s;
	uv_poll_start(&s->poll, UV_READABLE, on_listener);
	n->handles++;
	LIST_INSERT_HEAD(&n->servers, s, link);
	return s;
}

static void on_unlistened(uv_handle_t *handle)
{
	struct net_server *s = handle->data;
	struct net *n = s->net;

	net_addr_fini(&s->addr);
	free(s);
	net_handle_closed(n);
}

void net_unlisten(struct net_server *s)
{
	if (s == NULL)
		return;
	LIST_REMOVE(s, link);
	net_wheel_unset(&s->net->wheel, &s->pause);
	net_addr_unlink(&s->addr, &s->file);
	uv_close((uv_handle_t *)&s->poll, on_unlistened);
	close(s->fd);
}

uint64_t net_conn_id(const struct net_conn *c)
{
	return c->id;
}

enum net_role net_conn_role(const struct net_conn *c)
{
	return c->role;
}

uint32_t net_conn_incarnation(const struct net_conn *c)
{
	return c->incarnation;
}

unsigned net_conn_version(const struct net_conn *c)
{
	return c->version;
}

void net_conn_drop(struct net_conn *c, const char *why)
{
	if (!c->stream.closed)
		net_link_break(c, 0, why);
}

struct buf *net_answer(struct net *n, uint64_t conn, uint64_t rid, unsigned type)
{
	struct net_conn *c = net_link_find(n, conn);

	return c != NULL && c->peer == NULL && c->state == NET_OPEN ? net_link_begin(c, rid, type) : NULL;
}

void net_answered(struct net *n, uint64_t conn)
{
	net_link_end(net_link_find(n, conn));
}

/* --- dialling */

struct net_peer *net_dial(struct net *n, const char *addr, void (*up)(void *arg, bool up), void *arg)
{
	return net_call_new(n, addr, up, arg);
}

void net_hangup(struct net_peer *p)
{
	if (p != NULL)
		net_call_free(p);
}

bool net_is_up(const struct net_peer *p)
{
	return p->is_up;
}

uint32_t net_peer_incarnation(const struct net_peer *p)
{
	return p->is_up ? p->conn->incarnation : 0;
}

unsigned net_peer_version(const struct net_peer *p)
{
	return p->is_up ? p->conn->version : MSG_VERSION;
}

struct buf *net_send(struct net_peer *p, unsigned type)
{
	return p->is_up ? net_link_begin(p->conn, 0, type) : NULL;
}

void net_sent(struct net_peer *p)
{
	net_link_end(p->conn);
}

struct buf *net_request(struct net_peer *p, unsigned type, uint64_t deadline_ms,
                        void (*done)(void *arg, enum net_outcome outcome, unsigned type, struct bytes body), void *arg)
{
	return net_call_begin(p, type, deadline_ms, done, arg);
}

void net_requested(struct net_peer *p)
{
	net_call_end(p);
}
