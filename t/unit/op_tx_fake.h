/* op_tx_fake: the router around op_tx*.c, and nodes: a ledger that evaluates conditions, partitions whose answers are scripted. */
#ifndef T_OP_TX_FAKE_H
#define T_OP_TX_FAKE_H

#include <assert.h>
#include <stdarg.h>
#include <stdlib.h>

#include "check.h"
#include "clock.h"
#include "cmd/ddb-router/api.h"
#include "cmd/ddb-router/op_tx.h"
#include "expr_eval.h"
#include "index_fixture.h"
#include "mem.h"
#include "msg.h"

#define CALLS_MAX 4096
#define ROWS_MAX 16
#define GROUPS 4                                 /* two of each table: 50, 51, 60, 61 */

struct row {                                     /* of the ledger */
	struct bytes key, item;                  /* item.p NULL: none */
};

static struct {
	struct router router;
	struct route_table table[2], ledger;     /* "one" and "two", id 5 and 6 */
	struct call_request call[CALLS_MAX];
	struct route_table *call_table[CALLS_MAX];
	size_t ncalls, served;
	struct row row[ROWS_MAX];

	/* What becomes of things; [0] is the answer to the first message of that type, and so on. */
	enum result ledger_fails[8];             /* UNKNOWN: it is carried out all the same */
	bool ledger_drops[8];                    /* with UNKNOWN: it is not */
	bool ledger_cancels;                     /* somebody has cancelled it before it is committed */
	enum result prepare_fails[8], finish_fails[8], get_fails[8];
	enum result refuse[8];                   /* result of the op whose key is "k0", "k1", .. */
	unsigned conflicts;                      /* with refuse CONFLICT: so often, then OK */
	uint64_t later;                          /* and with this time */
	bool no_finish;                          /* each tx_finish is UNAVAILABLE */
	uint64_t patience_ms;                    /* of a request; 0: as usual */
	unsigned locks, moves;                   /* tx_gets that see locks, or other slots than before */
	struct bytes item;                       /* that every get finds; p NULL: none */
	bool big;

	unsigned n_ledger, n_prepare, n_finish, n_commit, n_get, admins, fetches, refreshes;
	uint8_t id[LEDGER_ID_N];                 /* of the last prepare */
	uint64_t timestamp;
	bool absent, ended;                      /* the ledger is not there */
	struct buf out, message;
	struct json_write w;
	enum result refused;
	struct item_build build;
} fake;

/* --- the rest of the router --------------------------------------------------------------------------------------- */

static void end(struct api_req *q)
{
	assert(!fake.ended);
	fake.ended = true;
	if (q->own_free != NULL)
		q->own_free(q->own);
	q->own = NULL;
	q->own_free = NULL;
}

struct json_write *api_begin(struct api_req *q)
{
	(void)q;
	buf_clear(&fake.out);
	fake.w = (struct json_write){ .b = &fake.out };
	json_write_object(&fake.w);
	return &fake.w;
}

void api_end(struct api_req *q)
{
	json_write_object_end(&fake.w);
	end(q);
}

struct json_write *api_begin_error(struct api_req *q, const char *type, struct bytes message)
{
	struct json_write *w = api_begin(q);

	json_write_name(w, "type");
	json_write_str(w, type);
	json_write_name(w, "Message");
	json_write_string(w, message);
	return w;
}

void api_end_error(struct api_req *q)
{
	api_end(q);
}

void api_fail(struct api_req *q, enum result result, struct bytes text)
{
	fake.refused = result;
	buf_bytes(&fake.message, text);
	end(q);
}

void api_refuse(struct api_req *q, enum result result, const char *fmt, ...)
{
	char text[2048] = "";
	va_list ap;

	va_start(ap, fmt);
	if (fmt != NULL)
		vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	api_fail(q, result, bytes_str(text));
}

void api_error(struct api_req *q, int status, const char *type, const char *message)
{
	(void)status, (void)message;
	api_fail(q, RESULT_INVALID, bytes_str(type));
}

void api_answer_empty(struct api_req *q)
{
	api_begin(q);
	api_end(q);
}

void api_fail_item(struct api_req *q, enum result result, struct bytes item)
{
	(void)item;
	api_fail(q, result, BYTES_NONE);
}

void api_admin(struct api_req *q, const char *verb, struct bytes name, struct bytes body, uint32_t limit,
               void (*done)(struct api_req *q, enum result result, const struct msg_admin_done *m))
{
	static const struct msg_admin_done nothing;

	(void)name, (void)body, (void)limit;
	CHECK_STR(verb, "ledger");
	fake.admins++;
	fake.absent = false;
	done(q, RESULT_OK, &nothing);
}

static struct route_table *named(struct bytes name)
{
	for (size_t i = 0; i < 2; i++)
		if (bytes_eq(fake.table[i].table.name, name))
			return &fake.table[i];
	return !fake.absent && bytes_is(name, LEDGER_TABLE) ? &fake.ledger : NULL;
}

struct route_table *route_hold(struct route_table *t)
{
	t->refs++;
	return t;
}

void route_release(struct route_table *t)
{
	if (t != NULL)
		t->refs--;
}

struct route_table *route_cached(struct router *r, struct bytes name)
{
	(void)r;
	return named(name);
}

void route_refresh(struct router *r, struct route_table *t, struct bytes key)
{
	(void)r, (void)t, (void)key;
	fake.refreshes++;
}

void route_fetch(struct router *r, struct bytes name, struct bytes key,
                 void (*done)(void *arg, enum result, struct route_table *t), void *arg)
{
	struct route_table *t = named(name);

	(void)r, (void)key;
	fake.fetches++;
	done(arg, t != NULL ? RESULT_OK : RESULT_NO_TABLE, t);   /* at once, which the caller must bear */
}

void route_fetch_by(struct router *r, struct bytes name, struct bytes key, uint64_t deadline_ms,
                    void (*done)(void *arg, enum result, struct route_table *t), void *arg)
{
	(void)deadline_ms;
	route_fetch(r, name, key, done, arg);
}

static struct route_part parts[] = { { .group = 0 }, { .group = 1 }, { .group = 50 }, { .group = 51 }, { .group = 60 }, { .group = 61 } };

struct route_part *route_part(const struct route_table *t, struct bytes key)
{
	return &parts[(t == &fake.ledger ? 0 : t == &fake.table[0] ? 2 : 4) + (key.p[0] >> 7)];
}

void call_start(struct router *r, struct route_table *t, const struct call_request *q)
{
	(void)r;
	assert(fake.ncalls < CALLS_MAX);
	fake.call_table[fake.ncalls] = route_hold(t);
	fake.call[fake.ncalls] = *q;
	fake.call[fake.ncalls++].key = bytes_copy(q->key);
}

/* --- the ledger --------------------------------------------------------------------------------------------------- */

static struct row *row_of(struct bytes key)
{
	struct row *free_row = NULL;

	for (size_t i = 0; i < ROWS_MAX; i++) {
		if (fake.row[i].key.p != NULL && bytes_eq(fake.row[i].key, key))
			return &fake.row[i];
		if (fake.row[i].key.p == NULL && free_row == NULL)
			free_row = &fake.row[i];
	}
	assert(free_row != NULL);
	free_row->key = bytes_copy(key);
	return free_row;
}

static void set_row(struct row *r, struct bytes item)
{
	struct bytes old = r->item;

	r->item = item.n > 0 ? bytes_copy(item) : BYTES_NONE;
	free((void *)old.p);
}

static enum result apply(const struct msg_op *op, struct row *r)
{
	const char *message;
	struct buf made = { 0 };

	CHECK(expr_check(op->condition, EXPR_KIND_CONDITION));
	if (expr_eval_condition(op->condition, r->item) != EXPR_TRUE)
		return RESULT_CONDITION_FAILED;
	if (op->kind == MSG_OP_UPDATE) {
		CHECK_INT(expr_apply_update(op->update, r->item, op->item, &made, &message), EXPR_TRUE);
		set_row(r, buf_view(&made));
	} else {
		set_row(r, op->kind == MSG_OP_PUT ? op->item : BYTES_NONE);
	}
	buf_fini(&made);
	return RESULT_OK;
}

static struct value attribute(struct bytes item, const char *name)
{
	struct value v;

	item_get(item, bytes_str(name), &v);
	return v;
}

/* The row with these attributes changed: what a node's recovery, or time, does. */
static void change(struct row *r, const char *state, uint64_t time, uint64_t until)
{
	static const char *const kept[] = { LEDGER_PK, LEDGER_ID, LEDGER_HASH };
	struct item_build *b = &fake.build;
	struct value v;

	item_build_reset(b);
	item_build_item(b);
	for (size_t i = 0; i < sizeof kept / sizeof *kept; i++)
		if (item_get(r->item, bytes_str(kept[i]), &v))
			item_build_name(b, bytes_str(kept[i])), item_build_raw(b, v.raw);
	item_build_name(b, BYTES_LIT(LEDGER_STATE)), item_build_s(b, bytes_str(state));
	item_build_name(b, BYTES_LIT(LEDGER_TIME)), item_build_u64(b, time);
	item_build_name(b, BYTES_LIT(LEDGER_UNTIL)), item_build_u64(b, until);
	item_build_close(b);
	set_row(r, item_build_view(b));
}

static enum result serve_ledger(struct bytes request, struct buf *answer)
{
	enum result fails = fake.n_ledger < 8 ? fake.ledger_fails[fake.n_ledger] : RESULT_OK, result = RESULT_OK;
	bool drop = fake.n_ledger < 8 && fake.ledger_drops[fake.n_ledger];
	struct bytes old = BYTES_NONE, rest, part;
	struct msg_write m;
	struct msg_op op;

	CHECK(msg_get_write(request, &m, MSG_VERSION));
	rest = m.ops;
	CHECK(msg_list_next(&rest, &part) && msg_get_op(part, &op, MSG_VERSION) && rest.n == 0);
	CHECK(op.return_on_fail);
	if (fake.ledger_cancels && op.kind == MSG_OP_UPDATE)
		change(row_of(op.key), LEDGER_CANCELLED, 1, 1);
	fake.n_ledger++;
	old = row_of(op.key)->item.p != NULL ? bytes_copy(row_of(op.key)->item) : BYTES_NONE;
	if (fails == RESULT_OK || (fails == RESULT_UNKNOWN && !drop))
		result = apply(&op, row_of(op.key));
	if (fails != RESULT_OK)
		result = fails;
	msg_put_written(answer, &(struct msg_written){ .result = (uint16_t)result,
	                .attributes = result == RESULT_CONDITION_FAILED ? old : BYTES_NONE }, MSG_VERSION);
	free((void *)old.p);
	return result;
}

/* --- the nodes ---------------------------------------------------------------------------------------------------- */

/* "k3" is 3; others are 0. */
static unsigned number_of(struct bytes key)
{
	struct buf scratch = { 0 };
	struct value v[2];
	unsigned n = 0;

	if (key_decode(key, &scratch, v, 2) > 0 && v[0].body.n == 2 && v[0].body.p[0] == 'k')
		n = (unsigned)(v[0].body.p[1] - '0');
	buf_fini(&scratch);
	return n;
}

static enum result op_result(struct bytes key, uint64_t *time)
{
	enum result r = fake.refuse[number_of(key)];

	*time = 0;
	if (r != RESULT_CONFLICT || fake.conflicts == 0)
		return r;
	*time = fake.later;
	return fake.n_prepare > fake.conflicts ? RESULT_OK : r;
}

static enum result serve_prepare(struct bytes request, struct buf *answer)
{
	enum result fails = fake.n_prepare < 8 ? fake.prepare_fails[fake.n_prepare] : RESULT_OK, first = RESULT_OK;
	struct bytes rest, part;
	struct buf results = { 0 }, units = { 0 };
	struct msg_tx_prepare m;
	struct msg_op op;

	fake.n_prepare++;
	CHECK(msg_get_tx_prepare(request, &m, MSG_VERSION));
	CHECK_INT(m.txid.n, LEDGER_ID_N);
	CHECK(m.ledger_group <= 1);
	CHECK(m.ledger_key.p[0] >> 7 == m.ledger_group);
	memcpy(fake.id, m.txid.p, LEDGER_ID_N);
	fake.timestamp = m.timestamp;
	for (rest = m.ops; msg_list_next(&rest, &part);) {
		struct msg_tx_result r = { .old_bytes = 2000, .new_bytes = 10, .text = BYTES_LIT("why") };

		CHECK(msg_get_op(part, &op, MSG_VERSION));
		CHECK_INT(op.key.p[0] >> 7, m.group % 10);
		r.result = (uint16_t)op_result(op.key, &r.time);
		if (r.result == RESULT_CONDITION_FAILED || r.result == RESULT_CONFLICT)
			r.text = BYTES_NONE;
		if (r.result == RESULT_CONDITION_FAILED && op.return_on_fail)
			r.attributes = fake.item;
		if (first == RESULT_OK)
			first = r.result;
		if (m.table == 5 && fake.table[0].indexes.n > 0)
			MSG_LIST_PUT(&units, index_units, (&(struct msg_index_units){ 2, 3 }), MSG_VERSION);
		r.indexes = buf_view(&units);
		MSG_LIST_PUT(&results, tx_result, &r, MSG_VERSION);
		buf_clear(&units);
	}
	if (fails != RESULT_OK)
		buf_clear(&results);
	first = fails != RESULT_OK ? fails : first;
	msg_put_tx_prepared(answer, &(struct msg_tx_prepared){ .result = (uint16_t)first, .text = BYTES_LIT("whole"),
	                    .results = buf_view(&results), .group_bytes = m.group << 28 }, MSG_VERSION);
	buf_fini(&results);
	buf_fini(&units);
	return first;
}

static enum result serve_finish(struct bytes request, struct buf *answer)
{
	enum result fails = fake.n_finish < 8 ? fake.finish_fails[fake.n_finish] : RESULT_OK;
	struct msg_tx_finish m;
	struct cur c;

	fails = fake.no_finish ? RESULT_UNAVAILABLE : fails;
	fake.n_finish++;
	CHECK(msg_get_tx_finish(request, &m, MSG_VERSION));
	for (c = cur_of(m.keys); !cur_done(&c) && !c.bad;)
		CHECK_INT(cur_lenbytes(&c).p[0] >> 7, m.group % 10);
	CHECK(!c.bad);
	fake.n_commit += m.commit;
	msg_put_tx_finished(answer, &(struct msg_tx_finished){ .result = (uint16_t)fails }, MSG_VERSION);
	return fails;
}

static enum result serve_get(struct bytes request, struct buf *answer)
{
	enum result fails = fake.n_get < 8 ? fake.get_fails[fake.n_get] : RESULT_OK;
	struct bytes rest, part;
	struct buf results = { 0 };
	struct msg_tx_get m;
	struct msg_tx_key key;

	fake.n_get++;
	CHECK(msg_get_tx_get(request, &m, MSG_VERSION));
	for (rest = m.gets; msg_list_next(&rest, &part);) {
		struct msg_tx_item r = { .slot = 7, .found = fake.item.p != NULL, .item = fake.item };

		CHECK(msg_get_tx_key(part, &key, MSG_VERSION));
		CHECK_INT(key.key.p[0] >> 7, m.group % 10);
		r.item_bytes = fake.big ? 300000 : (uint32_t)fake.item.n;
		r.locked = fake.n_get <= fake.locks && number_of(key.key) == 1;
		if (fake.n_get <= fake.moves)
			r.slot = fake.n_get;
		MSG_LIST_PUT(&results, tx_item, &r, MSG_VERSION);
	}
	if (fails != RESULT_OK)
		buf_clear(&results);
	msg_put_tx_got(answer, &(struct msg_tx_got){ .result = (uint16_t)fails, .results = buf_view(&results) }, MSG_VERSION);
	buf_fini(&results);
	return fails;
}

static void serve_one(size_t i)
{
	struct call_request *q = &fake.call[i];
	struct route_table *t = fake.call_table[i];
	struct buf request = { 0 }, answer = { 0 };
	enum result result = RESULT_INTERNAL;
	bool lost;

	CHECK_INT(q->kind, q->type == MSG_write ? CALL_WRITE : CALL_READ_LEADER);
	CHECK(q->deadline_ms <= clock_ms() + ROUTER_DEADLINE_MS);
	q->encode(q->arg, t, route_part(t, q->key), &request);
	if (q->type == MSG_write)
		result = serve_ledger(buf_view(&request), &answer);
	else if (q->type == MSG_tx_prepare)
		result = serve_prepare(buf_view(&request), &answer);
	else if (q->type == MSG_tx_finish)
		result = serve_finish(buf_view(&request), &answer);
	else if (q->type == MSG_tx_get)
		result = serve_get(buf_view(&request), &answer);
	lost = result == RESULT_UNKNOWN || result == RESULT_UNAVAILABLE || result == RESULT_STALE_SCHEMA;
	q->done(q->arg, result, t, lost ? BYTES_NONE : buf_view(&answer));
	free((void *)q->key.p);
	route_release(t);
	buf_fini(&request);
	buf_fini(&answer);
}

#endif
