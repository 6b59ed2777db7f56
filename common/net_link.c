#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "log.h"
#include "mem.h"
#include "metrics.h"
#include "net_core.h"
#include "result.h"

#define INDEX_BITS 16                                    /* of a connection id; the rest is a serial number */

static const char *who(const struct net_conn *c)
{
	return c->peer != NULL ? c->peer->addr.text : c->name[0] != '\0' ? c->name : "a client";
}

static void trace(const struct net_conn *c, char way, uint64_t rid, unsigned type, struct bytes body)
{
	struct buf line = { 0 };

	buf_fmt(&line, "net %s %c %s", c->net->name, way, who(c));
	if (c->peer == NULL)
		buf_fmt(&line, "#%llu", (unsigned long long)c->id);
	buf_fmt(&line, " rid=%llu ", (unsigned long long)rid);
	msg_print(type, body, c->version, &line);
	buf_str(&line, "\n");
	fwrite(line.p, 1, line.n, stderr);
	buf_fini(&line);
}

/* --- the table of connections */

static void enlist(struct net *n, struct net_conn *c)
{
	if (n->conns_n == n->conns_cap) {
		size_t cap = n->conns_cap > 0 ? 2 * n->conns_cap : 16;

		n->conns = mem_resize(n->conns, cap * sizeof *n->conns);
		n->vacant = mem_resize(n->vacant, cap * sizeof *n->vacant);
		for (size_t i = n->conns_cap; i < cap; i++) {
			n->conns[i] = NULL;
			n->vacant[i] = (uint32_t)i;
		}
		n->conns_cap = cap;
	}
	c->id = ++n->serial << INDEX_BITS | n->vacant[n->conns_n++];
	n->conns[c->id & ((1u << INDEX_BITS) - 1)] = c;
}

static void delist(struct net *n, struct net_conn *c)
{
	uint32_t i = c->id & ((1u << INDEX_BITS) - 1);

	n->conns[i] = NULL;
	n->vacant[--n->conns_n] = i;
	c->id = 0;
}

struct net_conn *net_link_find(struct net *n, uint64_t id)
{
	size_t i = id & ((1u << INDEX_BITS) - 1);

	return i < n->conns_cap && n->conns[i] != NULL && n->conns[i]->id == id ? n->conns[i] : NULL;
}

/* --- sending */

struct buf *net_link_begin(struct net_conn *c, uint64_t rid, unsigned type)
{
	struct buf *b = net_stream_begin(&c->stream);

	c->frame_rid = rid;
	c->frame_type = type;
	return b;
}

bool net_link_end(struct net_conn *c)
{
	struct net *n = c->net;

	if (!net_stream_end(&c->stream, c->frame_rid, c->frame_type)) {
		n->oversized++;
		log_warn("%s: a message %s outgrew the frame and was not sent", who(c), msg_name(c->frame_type));
		return false;
	}
	if (n->trace) {
		struct bytes all = buf_view(&c->stream.out);
		size_t head = c->stream.frame_at + NET_FRAME_HEAD_BYTES;

		trace(c, '>', c->frame_rid, c->frame_type, (struct bytes){ all.p + head, all.n - head });
	}
	if (!c->dirty) {
		c->dirty = true;
		TAILQ_INSERT_TAIL(&n->dirty, c, dirty_link);
	}
	return true;
}

void net_link_flush(struct net_conn *c)
{
	net_stream_flush(&c->stream);
	if (!c->stream.closed && c->state == NET_REFUSED && net_stream_waiting(&c->stream) == 0)
		net_link_break(c, 0, NULL);
}

/* --- greeting */

static void say_hello(struct net_conn *c)
{
	const struct net_identity *id = &c->net->id;
	struct msg_hello m = {
		.version_min = MSG_VERSION_MIN,
		.version_max = MSG_VERSION,
		.cluster = { id->cluster, sizeof id->cluster },
		.role = (uint8_t)id->role,
		.incarnation = id->incarnation,
		.name = bytes_str(c->net->name),
	};

	msg_put_hello(net_link_begin(c, 0, MSG_hello), &m, MSG_VERSION_MIN);
	net_link_end(c);
}

static void say_welcome(struct net_conn *c)
{
	struct msg_welcome m = { .version = c->version, .incarnation = c->net->id.incarnation,
		                 .name = bytes_str(c->net->name) };

	msg_put_welcome(net_link_begin(c, 0, MSG_welcome), &m, MSG_VERSION_MIN);
	net_link_end(c);
}

/* The connection closes once this left, or when its time for greeting is over. */
static void refuse(struct net_conn *c, const char *why)
{
	struct msg_refuse m = { .result = RESULT_INVALID, .text = bytes_str(why) };

	c->net->refused++;
	log_warn("refused %s: %s", who(c), why);
	c->state = NET_REFUSED;
	msg_put_refuse(net_link_begin(c, 0, MSG_refuse), &m, MSG_VERSION_MIN);
	net_link_end(c);
}

static void set_name(struct net_conn *c, struct bytes name)
{
	size_t n = name.n < NET_NAME_MAX ? name.n : NET_NAME_MAX;

	if (n > 0)
		memcpy(c->name, name.p, n);
	c->name[n] = '\0';
}

static void opened(struct net_conn *c)
{
	c->state = NET_OPEN;
	c->stream.frame_max = NET_FRAME_BYTES_MAX;
	net_wheel_unset(&c->net->wheel, &c->greeting);
}

static void on_hello(struct net_conn *c, const struct net_frame *f)
{
	const struct net_identity *id = &c->net->id;
	struct msg_hello m;

	if (f->type != MSG_hello || !msg_get_hello(f->body, &m, MSG_VERSION_MIN) || m.version_min > m.version_max) {
		net_link_break(c, 0, "not a greeting");
		return;
	}
	set_name(c, m.name);
	if (!bytes_eq(m.cluster, (struct bytes){ id->cluster, sizeof id->cluster })) {
		refuse(c, "this is another cluster");
	} else if (m.version_min > MSG_VERSION || m.version_max < MSG_VERSION_MIN) {
		refuse(c, "no protocol version in common");
	} else if (m.role < NET_NODE || m.role > NET_TOOL) {
		refuse(c, "unknown role");
	} else {
		c->version = m.version_max < MSG_VERSION ? m.version_max : MSG_VERSION;
		c->role = m.role;
		c->incarnation = m.incarnation;
		say_welcome(c);
		opened(c);
	}
}

static void on_welcome(struct net_conn *c, const struct net_frame *f)
{
	struct msg_welcome w;
	struct msg_refuse r;

	if (f->type == MSG_refuse && msg_get_refuse(f->body, &r, MSG_VERSION_MIN)) {
		char why[128];

		snprintf(why, sizeof why, "refused: %.*s", r.text.n < 100 ? (int)r.text.n : 100,
		         r.text.n > 0 ? (const char *)r.text.p : "");
		c->peer->retry_ms = NET_RETRY_MS_MAX;
		c->state = NET_REFUSED;
		net_link_break(c, 0, why);
		return;
	}
	if (f->type != MSG_welcome || !msg_get_welcome(f->body, &w, MSG_VERSION_MIN) ||
	    w.version < MSG_VERSION_MIN || w.version > MSG_VERSION) {
		net_link_break(c, 0, "not a greeting");
		return;
	}
	c->version = w.version;
	c->incarnation = w.incarnation;
	set_name(c, w.name);
	opened(c);
	net_call_welcomed(c->peer);
}

/* --- frames */

static void answer_metrics(struct net_conn *c, uint64_t rid)
{
	struct net *n = c->net;
	struct buf text = { 0 }, *b;

	if (n->metrics != NULL)
		n->metrics(n->metrics_arg, &text);
	net_metrics(n, &text);
	metrics_print_process(&text);
	b = net_link_begin(c, rid, MSG_metrics_text);
	if (b != NULL) {
		msg_put_metrics_text(b, &(struct msg_metrics_text){ buf_view(&text) }, c->version);
		net_link_end(c);
	}
	buf_fini(&text);
}

static void on_frame(struct net_stream *s, const struct net_frame *f)
{
	struct net_conn *c = (struct net_conn *)s;

	if (c->net->trace)
		trace(c, '<', f->rid, f->type, f->body);
	if (c->state == NET_REFUSED)
		return;
	if (c->state == NET_GREETING && c->peer == NULL)
		on_hello(c, f);
	else if (c->state == NET_GREETING)
		on_welcome(c, f);
	else if (c->peer != NULL)
		net_call_answered(c->peer, f);
	else if (f->type == MSG_metrics)
		answer_metrics(c, f->rid);
	else
		c->handler(c->arg, c, f->rid, f->type, f->body);
}

/* --- lifecycle */

static void on_connected(struct net_stream *s)
{
	struct net_conn *c = (struct net_conn *)s;

	if (!net_addr_trusts(&c->peer->addr, s->fd)) {
		net_link_break(c, 0, "its socket belongs to another user");
		return;
	}
	say_hello(c);
}

static void on_broken(struct net_stream *s, int error, const char *why)
{
	net_link_break((struct net_conn *)s, error, why);
}

static void on_closed(struct net_stream *s)
{
	struct net_conn *c = (struct net_conn *)s;
	struct net *n = c->net;

	free(c);
	net_handle_closed(n);
}

static void on_greeting_late(struct net_timer *t)
{
	net_link_break(NET_OF(t, struct net_conn, greeting), 0, "no greeting");
}

struct net_conn *net_link_new(struct net *n, int fd, struct net_peer *p)
{
	static const struct net_stream_ops ops = {
		.connected = on_connected,
		.frame = on_frame,
		.broken = on_broken,
		.closed = on_closed,
	};
	struct net_conn *c = mem_new(sizeof *c);

	net_stream_open(&c->stream, n->loop, fd, p != NULL, p == NULL, &ops, &n->totals);
	c->stream.frame_max = NET_GREETING_BYTES_MAX;
	c->net = n;
	c->peer = p;
	c->version = MSG_VERSION;
	n->handles++;
	enlist(n, c);
	net_set_timer(n, &c->greeting, clock_ms() + NET_GREETING_MS, on_greeting_late);
	return c;
}

void net_link_break(struct net_conn *c, int error, const char *why)
{
	struct net *n = c->net;
	struct net_peer *p = c->peer;

	assert(!c->stream.closed);
	if (why != NULL && c->state != NET_REFUSED)
		n->bad++;
	if (why != NULL && (p == NULL || c->state != NET_REFUSED))
		log_warn("dropped %s: %s", who(c), why);
	if (c->dirty)
		TAILQ_REMOVE(&n->dirty, c, dirty_link);
	c->dirty = false;
	net_wheel_unset(&n->wheel, &c->greeting);
	delist(n, c);
	net_stream_close(&c->stream);
	if (p != NULL)
		net_call_broken(p, why != NULL ? why : error != 0 ? strerror(error) : "closed by the other side");
}
