#include <stdlib.h>

#include "core.h"
#include "mem.h"

void wait_refuse(struct node *n, const struct group *g, uint64_t conn, uint64_t rid, unsigned type, enum result r, const char *text)
{
	struct buf b = { 0 }, partition = { 0 };
	struct bytes where = BYTES_NONE, why = text != NULL ? bytes_str(text) : BYTES_NONE;

	if (g != NULL && g->ready && (r == RESULT_NOT_LEADER || r == RESULT_NO_GROUP || r == RESULT_NOT_READY)) {
		wire_partition(g, &partition);
		where = buf_view(&partition);
	}
	switch (type) {
	case MSG_got:
		msg_put_got(&b, &(struct msg_got){ .result = (uint16_t)r, .text = why, .partition = where }, MSG_VERSION);
		break;
	case MSG_written:
		msg_put_written(&b, &(struct msg_written){ .result = (uint16_t)r, .text = why, .partition = where }, MSG_VERSION);
		break;
	case MSG_page:
		msg_put_page(&b, &(struct msg_page){ .result = (uint16_t)r, .text = why, .partition = where }, MSG_VERSION);
		break;
	case MSG_tx_prepared:
		msg_put_tx_prepared(&b, &(struct msg_tx_prepared){ .result = (uint16_t)r, .text = why, .partition = where }, MSG_VERSION);
		break;
	case MSG_tx_finished:
		msg_put_tx_finished(&b, &(struct msg_tx_finished){ .result = (uint16_t)r, .text = why, .partition = where }, MSG_VERSION);
		break;
	case MSG_tx_got:
		msg_put_tx_got(&b, &(struct msg_tx_got){ .result = (uint16_t)r, .text = why, .partition = where }, MSG_VERSION);
		break;
	default:
		msg_put_done(&b, &(struct msg_done){ .result = (uint16_t)r, .text = why, .partition = where }, MSG_VERSION);
	}
	metrics_add(&n->metrics.refused, 1);
	n->env.answer(n->env.ctx, conn, rid, type, buf_view(&b));
	buf_fini(&b);
	buf_fini(&partition);
}

void wait_add(struct node *n, struct group *g, enum waiter_kind kind, uint64_t slot, uint64_t conn, uint64_t rid, unsigned type,
              struct bytes body)
{
	struct waiter *w;

	if (n->nwaiters >= NODE_WAITERS_MAX) {
		wait_refuse(n, g, conn, rid, type, kind == WAIT_WRITE ? RESULT_UNKNOWN : RESULT_OVERLOADED, NULL);
		return;
	}
	w = mem_new(sizeof *w);
	*w = (struct waiter){ .kind = kind, .slot = slot, .conn = conn, .rid = rid, .since = n->now, .type = type,
			      .body = bytes_copy(body) };
	n->nwaiters++;
	if (kind == WAIT_WRITE)
		STAILQ_INSERT_TAIL(&g->writes, w, next);
	else
		STAILQ_INSERT_TAIL(&g->checks, w, next);
}

static void take(struct node *n, struct waiters *q, struct waiter *w)
{
	STAILQ_REMOVE_HEAD(q, next);
	n->nwaiters--;
	free((void *)w->body.p);
	free(w);
}

void wait_run(struct node *n, struct group *g)
{
	struct waiter *w;

	while ((w = STAILQ_FIRST(&g->writes)) != NULL && w->slot <= g->chosen) {
		n->env.answer(n->env.ctx, w->conn, w->rid, w->type, w->body);
		take(n, &g->writes, w);
	}
	/* What was read stands only if the lease still does (DESIGN, D4: first read, then check it, then answer). */
	while ((w = STAILQ_FIRST(&g->checks)) != NULL && w->slot <= g->chosen && px_may_serve(&g->px, n->now)) {
		n->env.answer(n->env.ctx, w->conn, w->rid, w->type, w->body);
		take(n, &g->checks, w);
	}
}

void wait_fail(struct node *n, struct group *g)
{
	struct waiter *w;

	wait_run(n, g);
	while ((w = STAILQ_FIRST(&g->writes)) != NULL) {
		wait_refuse(n, g, w->conn, w->rid, w->type, RESULT_UNKNOWN, NULL);
		take(n, &g->writes, w);
	}
	while ((w = STAILQ_FIRST(&g->checks)) != NULL) {
		wait_refuse(n, g, w->conn, w->rid, w->type, RESULT_NOT_LEADER, NULL);
		take(n, &g->checks, w);
	}
}

void wait_expire(struct node *n, struct group *g)
{
	struct waiter *w;

	while ((w = STAILQ_FIRST(&g->writes)) != NULL && n->now - w->since > n->opt.waiter_us) {
		wait_refuse(n, g, w->conn, w->rid, w->type, RESULT_UNKNOWN, NULL);
		take(n, &g->writes, w);
	}
	while ((w = STAILQ_FIRST(&g->checks)) != NULL && n->now - w->since > n->opt.waiter_us) {
		wait_refuse(n, g, w->conn, w->rid, w->type, RESULT_NOT_READY, NULL);
		take(n, &g->checks, w);
	}
}
