/* The catalogue is group 1 of the nodes; its rows are items like any other (DESIGN, D8). */
#include <stdlib.h>
#include <string.h>

#include "autoadmin.h"
#include "catalogue.h"
#include "clock.h"
#include "expr.h"
#include "log.h"
#include "mem.h"

#define CALL_MS 5000
#define ATTEMPT_MS 2000
#define PAUSE_MS 20

static const struct key_schema schema = {
	.part = { { { (const uint8_t *)"pk", 2 }, ITEM_S }, { { (const uint8_t *)"sk", 2 }, ITEM_S } }, .n = 2, .hash_n = 1,
};

/* One request to the catalogue's leader, sent again as long as it certainly was not carried out. */
struct cat_call {
	LIST_ENTRY(cat_call) all;
	struct aa *a;
	uint64_t epoch;                          /* when it was asked for */
	unsigned type;
	struct buf body;
	bool write;
	uint64_t deadline_ms;
	uint32_t tried;
	size_t turn;
	uv_timer_t again;
	void (*done)(struct cat_call *c, enum result r, struct bytes body);
	/* the caller's */
	void (*on_write)(void *arg, enum result r);
	void (*on_row)(void *arg, enum result r, struct bytes row);
	void (*each)(void *arg, struct bytes row);
	void *arg;
};

static void try(struct cat_call *c);

static void closed(uv_handle_t *h)
{
	struct cat_call *c = h->data;

	buf_fini(&c->body);
	free(c);
}

static void finish(struct cat_call *c, enum result r, struct bytes body)
{
	LIST_REMOVE(c, all);
	c->done(c, r, body);
	uv_close((uv_handle_t *)&c->again, closed);
}

static void on_again(uv_timer_t *t)
{
	try(t->data);
}

static void later(struct cat_call *c, enum result r, struct bytes body)
{
	if (c->a->stopping || clock_ms() + PAUSE_MS >= c->deadline_ms)
		finish(c, r, body);
	else
		uv_timer_start(&c->again, on_again, PAUSE_MS, 0);
}

static void hint(struct aa *a, struct bytes partition)
{
	struct msg_partition p;

	a->catalogue_leader = 0;
	if (partition.n > 0 && msg_get_partition(partition, &p, MSG_VERSION))
		a->catalogue_leader = p.leader;
}

static void on_answer(void *arg, enum net_outcome outcome, unsigned type, struct bytes body)
{
	struct cat_call *c = arg;
	struct cur cur = cur_of(body);
	struct bytes partition;
	enum result r;

	(void)type;
	if (outcome == NET_LOST && c->write) {
		c->a->catalogue_leader = 0;
		finish(c, RESULT_UNKNOWN, BYTES_NONE);
		return;
	}
	if (outcome != NET_ANSWERED) {
		c->a->catalogue_leader = 0;
		later(c, RESULT_UNAVAILABLE, BYTES_NONE);
		return;
	}
	r = cur_u16(&cur);
	cur_lenbytes(&cur);
	partition = cur_lenbytes(&cur);
	if (cur.bad)
		r = RESULT_INTERNAL;
	if (r != RESULT_OK && result_info(r)->retry == RESULT_ROUTER) {
		hint(c->a, partition);
		if (c->a->catalogue_leader == c->tried)
			c->a->catalogue_leader = 0;
		later(c, RESULT_UNAVAILABLE, BYTES_NONE);
		return;
	}
	if (r == RESULT_OK)
		c->a->catalogue_leader = c->tried;
	finish(c, r, body);
}

static bool is_up(const struct aa_node *n)
{
	return n->peer != NULL && net_is_up(n->peer);
}

/* By who answers there, not by what the catalogue says: it may not have been read yet. */
static struct aa_node *choose(struct cat_call *c)
{
	struct aa *a = c->a;

	for (size_t i = 0; a->catalogue_leader != 0 && i < a->nnodes; i++)
		if (is_up(a->node[i]) && net_peer_incarnation(a->node[i]->peer) == a->catalogue_leader)
			return a->node[i];
	for (size_t i = 0; i < a->nnodes; i++) {
		struct aa_node *n = a->node[c->turn++ % a->nnodes];

		if (is_up(n))
			return n;
	}
	return NULL;
}

static void try(struct cat_call *c)
{
	struct aa_node *n = choose(c);
	uint64_t deadline = clock_ms() + ATTEMPT_MS;
	struct buf *b;

	b = n != NULL ? net_request(n->peer, c->type, deadline < c->deadline_ms ? deadline : c->deadline_ms, on_answer, c) : NULL;
	if (b == NULL) {
		later(c, RESULT_UNAVAILABLE, BYTES_NONE);
		return;
	}
	c->tried = net_peer_incarnation(n->peer);
	buf_bytes(b, buf_view(&c->body));
	net_requested(n->peer);
}

static struct cat_call *call_new(struct aa *a, unsigned type, void (*done)(struct cat_call *c, enum result r, struct bytes body))
{
	struct cat_call *c = mem_new(sizeof *c);

	c->a = a;
	c->epoch = a->epoch;
	LIST_INSERT_HEAD(&a->calls, c, all);
	c->type = type;
	c->done = done;
	c->deadline_ms = clock_ms() + CALL_MS;
	uv_timer_init(&a->d->loop, &c->again);
	c->again.data = c;
	return c;
}

void cat_stop(struct aa *a)
{
	struct cat_call *c, *next;

	for (c = LIST_FIRST(&a->calls); c != NULL; c = next) {
		next = LIST_NEXT(c, all);
		if (uv_is_active((uv_handle_t *)&c->again))
			finish(c, RESULT_UNAVAILABLE, BYTES_NONE);
	}
}

/* --- writing -------------------------------------------------------------------------------------------------------- */

static void key_of(struct aa *a, const char *pk, struct bytes sk, struct buf *key)
{
	item_build_reset(&a->build);
	item_build_s(&a->build, bytes_str(pk));
	key_begin(key, a->hasher, item_value(item_build_view(&a->build)));
	item_build_reset(&a->build);
	item_build_s(&a->build, sk);
	key_add(key, item_value(item_build_view(&a->build)));
}

static void compile(struct aa *a, bool update, const char *text, const struct cat_value *values, size_t n, struct buf *prog)
{
	struct expr_subst s = { 0 };
	struct buf err = { 0 }, raw[8] = { { 0 } };
	bool ok;

	for (size_t i = 0; i < n; i++) {
		item_build_reset(&a->build);
		item_build_u64(&a->build, values[i].v);
		buf_bytes(&raw[i], item_build_view(&a->build));
		expr_subst_value(&s, bytes_str(values[i].name), buf_view(&raw[i]));
	}
	ok = expr_subst_seal(&s, &err) && (update ? expr_compile_update(bytes_str(text), &s, NULL, prog, &err)
						  : expr_compile_condition(bytes_str(text), &s, prog, &err));
	if (!ok) {
		log_err("expression \"%s\": %.*s", text, (int)err.n, (const char *)err.p);
		abort();                                 /* our own text */
	}
	for (size_t i = 0; i < n; i++)
		buf_fini(&raw[i]);
	expr_subst_fini(&s);
	buf_fini(&err);
}

static void add_op(struct cat_write *w, const struct msg_op *op)
{
	MSG_LIST_PUT(&w->ops, op, op, MSG_VERSION);
}

void cat_begin(struct aa *a, struct cat_write *w, bool fenced)
{
	struct buf key = { 0 }, prog = { 0 };

	*w = (struct cat_write){ { 0 } };
	if (!fenced)
		return;
	key_of(a, "lease", BYTES_LIT("autoadmin"), &key);
	compile(a, false, "epoch = :e", (struct cat_value[]){ { ":e", a->epoch } }, 1, &prog);
	add_op(w, &(struct msg_op){ .kind = MSG_OP_CHECK, .key = buf_view(&key), .condition = buf_view(&prog) });
	buf_fini(&key);
	buf_fini(&prog);
}

void cat_put(struct aa *a, struct cat_write *w, struct bytes item, const char *condition)
{
	struct buf key = { 0 }, prog = { 0 };
	size_t part;

	if (key_of_item(&key, a->hasher, &schema, item, &part) != KEY_OK)
		abort();                                 /* our own row */
	if (condition != NULL)
		compile(a, false, condition, NULL, 0, &prog);
	add_op(w, &(struct msg_op){ .kind = MSG_OP_PUT, .key = buf_view(&key), .item = item, .condition = buf_view(&prog) });
	buf_fini(&key);
	buf_fini(&prog);
}

void cat_delete(struct aa *a, struct cat_write *w, const char *pk, struct bytes sk)
{
	struct buf key = { 0 };

	key_of(a, pk, sk, &key);
	add_op(w, &(struct msg_op){ .kind = MSG_OP_DELETE, .key = buf_view(&key) });
	buf_fini(&key);
}

static void put_write(struct cat_call *c, struct bytes ops)
{
	c->write = true;
	msg_put_write(&c->body, &(struct msg_write){ CATALOGUE_GROUP, CATALOGUE_TABLE, CATALOGUE_SCHEMA, ops }, MSG_VERSION);
}

static void on_committed(struct cat_call *c, enum result r, struct bytes body)
{
	struct msg_written m;

	/* The first operation is the check of the lease: if that failed, somebody else is active. */
	if (r == RESULT_CONDITION_FAILED && msg_get_written(body, &m, MSG_VERSION) && m.failed == 0) {
		if (c->epoch == c->a->epoch)
			lease_lost(c->a);
		r = RESULT_FENCED;
	}
	c->on_write(c->arg, r);
}

void cat_commit(struct aa *a, struct cat_write *w, void (*done)(void *arg, enum result r), void *arg)
{
	struct cat_call *c = call_new(a, MSG_write, on_committed);

	put_write(c, buf_view(&w->ops));
	buf_fini(&w->ops);
	c->on_write = done;
	c->arg = arg;
	metrics_add(&a->changes, 1);
	try(c);
}

static void on_updated(struct cat_call *c, enum result r, struct bytes body)
{
	struct msg_written m = { 0 };

	if (body.n > 0 && !msg_get_written(body, &m, MSG_VERSION))
		r = RESULT_INTERNAL;
	c->on_row(c->arg, r, m.attributes);
}

void cat_update(struct aa *a, const char *pk, const char *sk, const char *update, const char *condition,
                const struct cat_value *values, size_t n, void (*done)(void *arg, enum result r, struct bytes row), void *arg)
{
	struct cat_call *c = call_new(a, MSG_write, on_updated);
	struct buf key = { 0 }, up = { 0 }, cond = { 0 }, row = { 0 };
	struct cat_write w = { { 0 } };

	key_of(a, pk, bytes_str(sk), &key);
	compile(a, true, update, values, n, &up);
	compile(a, false, condition, values, n, &cond);
	item_build_reset(&a->build);
	item_build_item(&a->build);
	item_build_name(&a->build, BYTES_LIT("pk"));
	item_build_s(&a->build, bytes_str(pk));
	item_build_name(&a->build, BYTES_LIT("sk"));
	item_build_s(&a->build, bytes_str(sk));
	item_build_close(&a->build);
	buf_bytes(&row, item_build_view(&a->build));
	add_op(&w, &(struct msg_op){ .kind = MSG_OP_UPDATE, .returns = MSG_RETURN_ALL_NEW, .return_on_fail = 1, .key = buf_view(&key),
				     .item = buf_view(&row), .update = buf_view(&up), .condition = buf_view(&cond) });
	put_write(c, buf_view(&w.ops));
	c->on_row = done;
	c->arg = arg;
	buf_fini(&key);
	buf_fini(&up);
	buf_fini(&cond);
	buf_fini(&row);
	buf_fini(&w.ops);
	try(c);
}

/* --- reading everything --------------------------------------------------------------------------------------------- */

static void put_scan(struct cat_call *c, struct bytes from)
{
	buf_clear(&c->body);
	msg_put_scan(&c->body, &(struct msg_scan){
		.group = CATALOGUE_GROUP, .table = CATALOGUE_TABLE, .schema = CATALOGUE_SCHEMA, .consistent = 1, .from = from,
		.from_exclusive = from.n > 0,
	}, MSG_VERSION);
}

static void on_page(struct cat_call *c, enum result r, struct bytes body);

static void next_page(struct cat_call *old, struct bytes from)
{
	struct cat_call *c = call_new(old->a, MSG_scan, on_page);

	c->each = old->each;
	c->on_write = old->on_write;
	c->arg = old->arg;
	put_scan(c, from);
	try(c);
}

static void on_page(struct cat_call *c, enum result r, struct bytes body)
{
	struct msg_page m;
	struct cur cur;

	if (r != RESULT_OK || !msg_get_page(body, &m, MSG_VERSION)) {
		c->on_write(c->arg, r != RESULT_OK ? r : RESULT_INTERNAL);
		return;
	}
	cur = cur_of(m.items);
	while (cur.p < cur.end && !cur.bad) {
		struct bytes row = cur_lenbytes(&cur);

		if (!cur.bad)
			c->each(c->arg, row);
	}
	if (m.more)
		next_page(c, m.last_key);
	else
		c->on_write(c->arg, RESULT_OK);
}

void cat_scan(struct aa *a, void (*each)(void *arg, struct bytes row), void (*done)(void *arg, enum result r), void *arg)
{
	struct cat_call *c = call_new(a, MSG_scan, on_page);

	c->each = each;
	c->on_write = done;
	c->arg = arg;
	put_scan(c, BYTES_NONE);
	try(c);
}
