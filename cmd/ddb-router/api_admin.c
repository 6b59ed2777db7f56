/* Questions to the control plane.  Only the active autoadmin answers them; another one, or none at the moment, is asked again. */
#include <stdlib.h>

#include "api_impl.h"
#include "clock.h"
#include "mem.h"


#define RETRY_MS 25

struct admin {
	struct api_req *q;
	const char *verb;
	struct bytes name, body;                 /* owned */
	uint32_t limit;
	void (*done)(struct api_req *q, enum result result, const struct msg_admin_done *m);
	uv_timer_t again;
};

static void ask(struct admin *x);

static void closed(uv_handle_t *h)
{
	struct admin *x = h->data;

	free((void *)x->name.p);
	free((void *)x->body.p);
	free(x);
}

static void finish(struct admin *x, enum result result, const struct msg_admin_done *m)
{
	static const struct msg_admin_done nothing;

	x->done(x->q, result, m != NULL ? m : &nothing);
	uv_close((uv_handle_t *)&x->again, closed);
}

static void on_again(uv_timer_t *t)
{
	ask(t->data);
}

static void later(struct admin *x)
{
	if (clock_ms() + RETRY_MS >= x->q->deadline_ms)
		finish(x, RESULT_UNAVAILABLE, NULL);
	else
		uv_timer_start(&x->again, on_again, RETRY_MS, 0);
}

static void answered(void *arg, enum net_outcome outcome, unsigned type, struct bytes body)
{
	struct admin *x = arg;
	struct msg_admin_done m;

	if (outcome == NET_LOST)
		finish(x, RESULT_UNKNOWN, NULL);
	else if (outcome == NET_UNSENT)
		later(x);
	else if (type != MSG_admin_done || !msg_get_admin_done(body, &m, MSG_VERSION))
		finish(x, RESULT_INTERNAL, NULL);
	else if (m.result == RESULT_NOT_READY)
		later(x);
	else
		finish(x, m.result < RESULT_COUNT ? (enum result)m.result : RESULT_INTERNAL, &m);
}

static void ask(struct admin *x)
{
	struct buf *b = net_request(x->q->r->autoadmin, MSG_admin, x->q->deadline_ms, answered, x);

	if (b == NULL) {
		later(x);
		return;
	}
	msg_put_admin(b, &(struct msg_admin){ bytes_str(x->verb), x->name, x->body, x->limit }, MSG_VERSION);
	net_requested(x->q->r->autoadmin);
}

void api_admin(struct api_req *q, const char *verb, struct bytes name, struct bytes body, uint32_t limit,
               void (*done)(struct api_req *q, enum result result, const struct msg_admin_done *m))
{
	struct admin *x = mem_new(sizeof *x);

	x->q = q;
	x->verb = verb;
	x->name = bytes_copy(name);
	x->body = bytes_copy(body);
	x->limit = limit;
	x->done = done;
	uv_timer_init(q->r->loop, &x->again);
	x->again.data = x;
	ask(x);
}
