#include "http_conn.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "mem.h"

/* --- requests ----------------------------------------------------------------------------------------------------- */

static struct http_req *req_new(struct http_conn *c)
{
	struct http_server *s = c->server;
	struct http_req *req = TAILQ_FIRST(&s->spare);

	if (req != NULL) {
		TAILQ_REMOVE(&s->spare, req, link);
		s->spare_n--;
	} else {
		req = mem_new(sizeof *req);
		httpmsg_init(&req->msg);
		req->server = s;
	}
	req->conn = c;
	return req;
}

void http_conn_req_free(struct http_req *req)
{
	struct http_server *s = req->server;

	s->bodies_n -= req->counted;
	if (s->spare_n == HTTP_CONN_SPARE_MAX || s->draining) {
		httpmsg_fini(&req->msg);
		buf_fini(&req->reply);
		free(req);
		return;
	}
	httpmsg_reset(&req->msg);
	if (req->reply.cap > HTTP_CONN_KEEP_BYTES)
		buf_fini(&req->reply);
	else
		buf_clear(&req->reply);
	req->conn = NULL;
	req->handed = req->answered = req->closes = req->head_done = req->continue_due = false;
	req->counted = 0;
	TAILQ_INSERT_HEAD(&s->spare, req, link);
	s->spare_n++;
}

/* The answer of req, which was first, is in out: send what waited for it. */
static void advance(struct http_conn *c, struct http_req *req)
{
	for (;;) {
		c->ended |= req->closes;
		c->stop |= req->closes;
		TAILQ_REMOVE(&c->reqs, req, link);
		c->reqs_n--;
		http_conn_req_free(req);
		req = TAILQ_FIRST(&c->reqs);
		if (c->ended || req == NULL || !req->answered)
			return;
		buf_bytes(&c->out, buf_view(&req->reply));
	}
}

void http_conn_answered(struct http_req *req)
{
	struct http_conn *c = req->conn;

	if (TAILQ_FIRST(&c->reqs) == req)
		advance(c, req);
	http_conn_touch(c);
}

void http_conn_touch(struct http_conn *c)
{
	if (c->dirty || c->closing)
		return;
	c->dirty = true;
	STAILQ_INSERT_TAIL(&c->server->dirty, c, dirty_link);
}

/* --- waiting ------------------------------------------------------------------------------------------------------ */

static size_t progress(const struct http_conn *c)
{
	if (c->wait == HTTP_CONN_WRITE)
		return uv_stream_get_write_queue_size(&c->h.stream);
	return c->wait == HTTP_CONN_BODY && c->reading != NULL ? httpmsg_body_got(&c->reading->msg) : 0;
}

static enum http_conn_wait wait_for(const struct http_conn *c)
{
	if (c->lingering)
		return HTTP_CONN_LINGER;
	if (c->writing)
		return HTTP_CONN_WRITE;
	if (c->paused || c->stop)
		return HTTP_CONN_HANDLER;
	if (c->reading != NULL && httpmsg_started(&c->reading->msg))
		return c->reading->head_done ? HTTP_CONN_BODY : HTTP_CONN_HEAD;
	if (c->reqs_n > 0)
		return HTTP_CONN_HANDLER;
	return c->served ? HTTP_CONN_IDLE : HTTP_CONN_HEAD;
}

static void wait_update(struct http_conn *c)
{
	enum http_conn_wait now = wait_for(c);

	if (now == c->wait && !c->again)
		return;
	TAILQ_REMOVE(&c->server->waits[c->wait], c, link);
	c->wait = now;
	c->again = false;
	c->since_ms = uv_now(c->server->loop);
	c->mark = progress(c);
	TAILQ_INSERT_TAIL(&c->server->waits[now], c, link);
}

/* --- reading ------------------------------------------------------------------------------------------------------ */

/* Refuse what is being read; its answer waits for earlier ones like any other, and is the last. */
static void refuse(struct http_conn *c, int status, const char *why)
{
	struct http_req *req = c->reading;
	struct bytes text = bytes_str(why);

	c->reading = NULL;
	c->stop = true;
	c->server->counts.refused++;
	req->msg.keep_alive = req->msg.accept_gzip = false;
	req->msg.minor = 1;
	req->msg.method = BYTES_NONE;
	req->handed = true;
	c->server->held++;
	http_answer_id(c->server, req->id);
	TAILQ_INSERT_TAIL(&c->reqs, req, link);
	c->reqs_n++;
	http_answer(req, status, "text/plain", NULL, 0, text);
}

static void hand_over(struct http_conn *c)
{
	struct http_req *req = c->reading;

	c->reading = NULL;
	c->served = c->again = true;
	c->stop |= !req->msg.keep_alive;
	c->server->counts.requests++;
	req->handed = true;
	c->server->held++;
	http_answer_id(c->server, req->id);
	TAILQ_INSERT_TAIL(&c->reqs, req, link);
	c->reqs_n++;
	c->server->handler(req, c->server->arg);
}

/* "100 Continue" may not overtake the answers of earlier requests. */
static void invite(struct http_conn *c)
{
	if (c->reading == NULL || !c->reading->continue_due || c->reqs_n > 0)
		return;
	c->reading->continue_due = false;
	buf_str(&c->out, "HTTP/1.1 100 Continue\r\n\r\n");
	http_conn_touch(c);
}

static bool may_parse(const struct http_conn *c)
{
	return !c->stop && !c->closing && c->reqs_n < HTTP_PIPELINE_MAX && c->out.n + c->sending.n < HTTP_OUT_BYTES_MAX;
}

/* Parse and hand over what is there.  Returns how much was used: all of it, unless may_parse became false. */
static size_t parse(struct http_conn *c, struct bytes in)
{
	struct http_server *s = c->server;
	size_t n = in.n, used;

	while (may_parse(c) && (in.n > 0 || (c->reading != NULL && c->reading->head_done))) {
		enum httpmsg_step step;
		struct http_req *req;

		if (c->reading == NULL)
			c->reading = req_new(c);
		req = c->reading;
		step = httpmsg_feed(&req->msg, in, &used);
		in.p += used;
		in.n -= used;
		s->bodies_n += httpmsg_body_got(&req->msg) - req->counted;
		req->counted = httpmsg_body_got(&req->msg);
		if (step == HTTPMSG_HEAD) {
			req->head_done = true;
			req->continue_due = req->msg.expect_continue && in.n == 0;
			invite(c);
		} else if (step == HTTPMSG_DONE) {
			hand_over(c);
		} else if (step == HTTPMSG_BAD) {
			refuse(c, req->msg.status, req->msg.why);
		} else if (s->bodies_n > HTTP_BODIES_BYTES_MAX && req->counted > HTTP_CONN_READ_BYTES) {
			refuse(c, 503, "too many large requests at once");
		} else {
			break;
		}
	}
	return n - in.n;
}

static void input(struct http_conn *c, struct bytes in)
{
	size_t used;

	if (c->stop)
		return;                                  /* whatever follows a last request is dropped */
	if (c->rest.n > 0) {
		buf_bytes(&c->rest, in);
		return;                                  /* its turn comes in http_conn_turn */
	}
	used = parse(c, in);
	if (used < in.n && !c->stop)
		buf_put(&c->rest, in.p + used, in.n - used);
}

static void on_alloc(uv_handle_t *h, size_t hint, uv_buf_t *buf)
{
	struct http_conn *c = h->data;

	(void)hint;
	*buf = uv_buf_init((char *)c->server->rx, HTTP_CONN_READ_BYTES);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
	struct http_conn *c = stream->data;
	struct bytes in = { (const uint8_t *)buf->base, n > 0 ? (size_t)n : 0 };
	int got;

	if (n == UV_EOF && !c->lingering && (c->reqs_n > 0 || c->out.n > 0 || c->writing)) {
		c->eof = c->stop = true;                 /* as "nc -N" does: the answers are still wanted */
		return;
	}
	if (n < 0) {
		http_conn_close(c);
		return;
	}
	c->server->counts.bytes_in += in.n;
	if (in.n == 0 || c->lingering)
		return;
	if (c->tls == NULL) {
		input(c, in);
	} else {
		tls_feed(c->tls, in);
		while ((got = tls_read(c->tls, c->server->plain, HTTP_CONN_READ_BYTES)) > 0)
			input(c, (struct bytes){ c->server->plain, (size_t)got });
		if (got < 0)
			c->stop = c->ended = true;
	}
	http_conn_touch(c);
}

/* --- writing ------------------------------------------------------------------------------------------------------ */

static void trim(struct buf *b)
{
	if (b->cap > HTTP_CONN_KEEP_BYTES)
		buf_fini(b);
	else
		buf_clear(b);
}

static void on_written(uv_write_t *w, int status)
{
	struct http_conn *c = w->data;

	c->writing = false;
	c->again = true;                                 /* it does read: whatever comes next has its full time */
	trim(&c->sending);
	if (c->closing)
		return;
	if (status < 0)
		http_conn_close(c);
	else
		http_conn_touch(c);
}

/* At once what the kernel takes; the rest is left to libuv, and gathering goes on in the other buffer. */
static void write_out(struct http_conn *c)
{
	struct buf *b = &c->out, swap;
	uv_buf_t v;
	int n;

	if (c->writing)
		return;
	if (c->tls != NULL) {
		if (tls_write(c->tls, buf_view(&c->out)) != 0) {
			http_conn_close(c);
			return;
		}
		trim(&c->out);
		b = tls_out(c->tls);
	}
	if (b->n == 0)
		return;
	c->server->counts.bytes_out += b->n;
	v = uv_buf_init((char *)b->p, (unsigned)b->n);
	n = uv_try_write(&c->h.stream, &v, 1);
	if (n == (int)b->n) {
		trim(b);
		return;
	}
	if (n < 0 && n != UV_EAGAIN) {
		http_conn_close(c);
		return;
	}
	swap = c->sending;
	c->sending = *b;
	*b = swap;
	n = n > 0 ? n : 0;
	v = uv_buf_init((char *)c->sending.p + n, (unsigned)(c->sending.n - (size_t)n));
	c->writing = true;
	if (uv_write(&c->write, &c->h.stream, &v, 1, on_written) != 0)
		http_conn_close(c);
}

/*
 * The last answer is out.  Closing now, with bytes unread, would reset the connection and could take the answer from
 * the client's hands: say that nothing more comes, and read into nothing until the client closes.
 */
static void linger(struct http_conn *c)
{
	uv_os_fd_t fd;

	if (c->tls != NULL) {
		struct buf *b;
		uv_buf_t v;

		tls_close(c->tls);
		b = tls_out(c->tls);
		v = uv_buf_init((char *)b->p, (unsigned)b->n);
		if (b->n > 0)
			uv_try_write(&c->h.stream, &v, 1);
	}
	c->lingering = true;
	if (uv_fileno(&c->h.handle, &fd) == 0)
		shutdown(fd, SHUT_WR);
}

static void pause_or_resume(struct http_conn *c)
{
	bool pause = !may_parse(c) && !c->stop;

	if (pause == c->paused || c->eof)
		return;
	c->paused = pause;
	if (pause)
		uv_read_stop(&c->h.stream);
	else if (uv_read_start(&c->h.stream, on_alloc, on_read) != 0)
		http_conn_close(c);
}

static bool quiet(const struct http_conn *c)
{
	return c->out.n == 0 && !c->writing && (c->tls == NULL || tls_out(c->tls)->n == 0);
}

void http_conn_turn(struct http_conn *c)
{
	for (;;) {
		size_t used;

		invite(c);
		write_out(c);
		if (c->closing)
			return;
		if (c->rest.n == 0 || !may_parse(c))
			break;
		used = parse(c, buf_view(&c->rest));
		if (c->closing)
			return;
		buf_drop(&c->rest, c->stop ? c->rest.n : used);
	}
	if (c->ended && quiet(c) && !c->lingering && !c->eof)
		linger(c);
	if ((c->server->draining || c->eof) && c->reqs_n == 0 && quiet(c) && !c->lingering) {
		http_conn_close(c);
		return;
	}
	pause_or_resume(c);
	if (!c->closing)
		wait_update(c);
}

/* --- life --------------------------------------------------------------------------------------------------------- */

struct http_conn *http_conn_new(struct http_server *s)
{
	struct http_conn *c = mem_new(sizeof *c);

	c->server = s;
	buf_init(&c->out, HTTP_CONN_OUT_BYTES_MAX);
	buf_init(&c->sending, HTTP_CONN_OUT_BYTES_MAX);
	TAILQ_INIT(&c->reqs);
	c->wait = HTTP_CONN_HEAD;
	c->since_ms = uv_now(s->loop);
	TAILQ_INSERT_TAIL(&s->waits[c->wait], c, link);
	s->counts.connections++;
	c->h.handle.data = c;
	c->write.data = c;
	return c;
}

void http_conn_start(struct http_conn *c)
{
	if (c->server->tls != NULL)
		c->tls = tls_new(c->server->tls);
	if (uv_read_start(&c->h.stream, on_alloc, on_read) != 0)
		http_conn_close(c);
}

static void on_closed(uv_handle_t *h)
{
	struct http_conn *c = h->data;
	struct http_server *s = c->server;

	tls_free(c->tls);
	buf_fini(&c->rest);
	buf_fini(&c->out);
	buf_fini(&c->sending);
	free(c);
	s->counts.connections--;
	http_closed(s);
}

void http_conn_close(struct http_conn *c)
{
	struct http_server *s = c->server;
	struct http_req *req;

	if (c->closing)
		return;
	c->closing = true;
	TAILQ_REMOVE(&s->waits[c->wait], c, link);
	if (c->dirty)
		STAILQ_REMOVE(&s->dirty, c, http_conn, dirty_link);
	if (c->reading != NULL)
		http_conn_req_free(c->reading);
	c->reading = NULL;
	while ((req = TAILQ_FIRST(&c->reqs)) != NULL) {
		TAILQ_REMOVE(&c->reqs, req, link);
		if (req->answered)
			http_conn_req_free(req);
		else
			req->conn = NULL;                /* whoever answers it frees it */
	}
	c->reqs_n = 0;
	uv_close(&c->h.handle, on_closed);
}

void http_conn_expire(struct http_conn *c, uint64_t now_ms)
{
	struct http_server *s = c->server;
	size_t now = progress(c), least = (size_t)HTTP_RATE_BYTES_MIN * s->limit_ms[c->wait] / 1000;

	/* Slow is not dead: another period for those who keep to the least rate. */
	if ((c->wait == HTTP_CONN_BODY && now - c->mark >= least) ||
	    (c->wait == HTTP_CONN_WRITE && c->mark - now >= least)) {
		TAILQ_REMOVE(&s->waits[c->wait], c, link);
		c->since_ms = now_ms;
		c->mark = now;
		TAILQ_INSERT_TAIL(&s->waits[c->wait], c, link);
		return;
	}
	s->counts.timeouts += c->wait != HTTP_CONN_IDLE && c->wait != HTTP_CONN_LINGER;
	if ((c->wait == HTTP_CONN_HEAD || c->wait == HTTP_CONN_BODY) && c->reading != NULL) {
		refuse(c, 408, "the request did not come in time");
		http_conn_turn(c);
	} else {
		http_conn_close(c);
	}
}
