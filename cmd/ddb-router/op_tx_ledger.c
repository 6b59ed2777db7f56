/*
 * Source: common/ledger.h.  A row that is gone, or has another id, means cancelled: so one that is not committed may be
 * deleted or replaced at any time, and cancelling is deleting.
 */
#include <assert.h>
#include <string.h>

#include "clock.h"
#include "mem.h"
#include "op_tx.h"

#define ATTEMPT_MS 2000
#define ATTEMPTS_MAX 16
#define FIND_MS 20                               /* between questions whether the ledger is there by now */
#define VALUES_MAX 512                           /* bytes of a condition's values */

/* --- finding it --------------------------------------------------------------------------------------------------- */

static bool serves(const struct route_table *t)
{
	return t->table.status == TABLE_ACTIVE || t->table.status == TABLE_UPDATING;
}

static void key(struct op_tx *tx)
{
	struct item_build b;
	size_t part;

	item_build_init(&b);
	item_build_item(&b);
	item_build_name(&b, BYTES_LIT(LEDGER_PK)), item_build_s(&b, buf_view(&tx->ledger.pk));
	item_build_close(&b);
	buf_clear(&tx->ledger.key);
	key_of_exact(&tx->ledger.key, tx->r->hasher, &tx->ledger.route->table.key, item_build_view(&b), &part);
	item_build_fini(&b);
}

static void found(struct op_tx *tx, struct route_table *t)
{
	void (*next)(struct op_tx *tx) = tx->next;

	route_hold(t);
	route_release(tx->ledger.route);
	tx->ledger.route = t;
	key(tx);
	next(tx);
}

static void fetch(struct op_tx *tx);

static void made(struct api_req *q, enum result result, const struct msg_admin_done *m)
{
	struct op_tx *tx = q->own;

	if (result == RESULT_OK || result == RESULT_IN_USE)
		op_tx_later(tx, FIND_MS, fetch);
	else
		api_fail(q, result == RESULT_UNKNOWN ? RESULT_UNAVAILABLE : result, m->text);
}

/* The first transaction of a cluster makes it; until memds has heard of it, autoadmin says that it is there. */
static void fetched(void *arg, enum result result, struct route_table *t)
{
	struct op_tx *tx = arg;

	if (result == RESULT_OK && serves(t))
		found(tx, t);
	else if (result == RESULT_UNAVAILABLE || clock_ms() >= tx->deadline_ms)
		api_fail(tx->q, RESULT_UNAVAILABLE, BYTES_NONE);
	else if (result == RESULT_NO_TABLE)
		api_admin(tx->q, "ledger", BYTES_NONE, BYTES_NONE, 0, made);
	else
		op_tx_later(tx, FIND_MS, fetch);
}

static void fetch(struct op_tx *tx)
{
	route_fetch(tx->r, BYTES_LIT(LEDGER_TABLE), BYTES_NONE, fetched, tx);
}

void op_tx_ledger_find(struct op_tx *tx, void (*next)(struct op_tx *tx))
{
	struct route_table *t = route_cached(tx->r, BYTES_LIT(LEDGER_TABLE));

	tx->next = next;
	if (t == NULL || !serves(t)) {
		fetch(tx);
		return;
	}
	route_hold(t);
	route_release(tx->ledger.route);
	tx->ledger.route = t;
	key(tx);
	route_refresh(tx->r, t, buf_view(&tx->ledger.key));
	next(tx);
}

/* --- one step ----------------------------------------------------------------------------------------------------- */

struct words {                                   /* of a condition or an update */
	struct expr_subst s;
	struct buf values;
};

static void word_name(struct words *w, const char *alias, const char *name)
{
	expr_subst_name(&w->s, bytes_str(alias), bytes_str(name));
}

/* Views into values must stay: there is room for all of them from the start. */
static void word_value(struct words *w, const char *alias, struct bytes raw)
{
	size_t at = w->values.n;

	buf_bytes(&w->values, raw);
	expr_subst_value(&w->s, bytes_str(alias), (struct bytes){ w->values.p + at, raw.n });
}

static void word(struct words *w, const char *alias, uint8_t tag, struct bytes v)
{
	struct item_build b;

	item_build_init(&b);
	tag == ITEM_S ? item_build_s(&b, v) : item_build_b(&b, v);
	word_value(w, alias, item_build_view(&b));
	item_build_fini(&b);
}

static void word_number(struct words *w, const char *alias, uint64_t v)
{
	struct item_build b;

	item_build_init(&b);
	item_build_u64(&b, v);
	word_value(w, alias, item_build_view(&b));
	item_build_fini(&b);
}

/* The texts are ours: that they compile is tested. */
static void compile(struct words *w, const char *condition, const char *update, struct buf *c, struct buf *u)
{
	struct buf err = { 0 };
	bool ok = expr_subst_seal(&w->s, &err) && expr_compile_condition(bytes_str(condition), &w->s, c, &err) &&
	          (update == NULL || expr_compile_update(bytes_str(update), &w->s, NULL, u, &err)) &&
	          expr_unused(&w->s, &err);

	assert(ok);
	buf_fini(&err);
}

static struct bytes id_of(const struct op_tx *tx)
{
	return (struct bytes){ tx->id, sizeof tx->id };
}

static uint64_t until(void)
{
	return clock_wall_us() / 1000000 + OP_TX_WINDOW_S;
}

static void whole_row(const struct op_tx *tx, struct item_build *b)
{
	item_build_reset(b);
	item_build_item(b);
	item_build_name(b, BYTES_LIT(LEDGER_PK)), item_build_s(b, buf_view(&tx->ledger.pk));
	item_build_name(b, BYTES_LIT(LEDGER_ID)), item_build_b(b, id_of(tx));
	item_build_name(b, BYTES_LIT(LEDGER_STATE)), item_build_s(b, BYTES_LIT(LEDGER_PENDING));
	item_build_name(b, BYTES_LIT(LEDGER_HASH)), item_build_b(b, (struct bytes){ tx->hash, sizeof tx->hash });
	item_build_name(b, BYTES_LIT(LEDGER_UNTIL)), item_build_u64(b, until());
	item_build_name(b, BYTES_LIT(LEDGER_TIME)), item_build_u64(b, tx->timestamp);
	item_build_close(b);
}

/* A token's row stays, so that it can be asked for again; nobody can ask for another. */
static bool has_token(const struct op_tx *tx)
{
	return tx->ledger.pk.n <= OP_TX_TOKEN_MAX;
}

static void begin_condition(struct words *w, struct buf *c)
{
	uint64_t now_us = clock_wall_us();

	word_name(w, "#pk", LEDGER_PK);
	word_name(w, "#state", LEDGER_STATE);
	word_name(w, "#time", LEDGER_TIME);
	word_name(w, "#until", LEDGER_UNTIL);
	word(w, ":x", ITEM_S, BYTES_LIT(LEDGER_CANCELLED));
	word(w, ":p", ITEM_S, BYTES_LIT(LEDGER_PENDING));
	word_number(w, ":stale", now_us - OP_TX_STALE_US);
	word_number(w, ":now", now_us / 1000000);
	compile(w, "attribute_not_exists(#pk) OR #state = :x OR (#state = :p AND #time < :stale) OR "
	           "#until < :now", NULL, c, NULL);
}

static void put_op(const struct op_tx *tx, struct words *w, struct item_build *row, struct buf *c, struct buf *u,
                   struct msg_op *op)
{
	switch (tx->ledger.step) {
	case OP_TX_BEGIN:
		begin_condition(w, c);
		whole_row(tx, row);
		op->kind = MSG_OP_PUT;
		op->item = item_build_view(row);
		break;
	case OP_TX_COMMIT:
		word_name(w, "#id", LEDGER_ID);
		word_name(w, "#state", LEDGER_STATE);
		word(w, ":id", ITEM_B, id_of(tx));
		word(w, ":p", ITEM_S, BYTES_LIT(LEDGER_PENDING));
		word(w, ":c", ITEM_S, BYTES_LIT(LEDGER_COMMITTED));
		word_name(w, "#until", LEDGER_UNTIL);
		compile(w, "#id = :id AND #state = :p", "SET #state = :c REMOVE #until", c, u);
		op->kind = MSG_OP_UPDATE;
		break;
	case OP_TX_DONE:
		word_name(w, "#id", LEDGER_ID);
		word(w, ":id", ITEM_B, id_of(tx));
		if (has_token(tx)) {
			word_name(w, "#until", LEDGER_UNTIL);
			word_number(w, ":until", until());
		}
		compile(w, "#id = :id", has_token(tx) ? "SET #until = :until" : NULL, c, u);
		op->kind = has_token(tx) ? MSG_OP_UPDATE : MSG_OP_DELETE;
		break;
	case OP_TX_CANCEL:
		word_name(w, "#id", LEDGER_ID);
		word_name(w, "#state", LEDGER_STATE);
		word(w, ":id", ITEM_B, id_of(tx));
		word(w, ":c", ITEM_S, BYTES_LIT(LEDGER_COMMITTED));
		compile(w, "#id = :id AND #state <> :c", NULL, c, u);
		op->kind = MSG_OP_DELETE;
		break;
	}
}

static void key_item(const struct op_tx *tx, struct item_build *b)
{
	item_build_reset(b);
	item_build_item(b);
	item_build_name(b, BYTES_LIT(LEDGER_PK)), item_build_s(b, buf_view(&tx->ledger.pk));
	item_build_close(b);
}

static void encode(void *arg, const struct route_table *t, const struct route_part *p, struct buf *out)
{
	struct op_tx *tx = arg;
	struct buf c = { 0 }, u = { 0 }, ops = { 0 };
	struct words w = { .s = { 0 } };
	struct item_build row;
	struct msg_op op = { .return_on_fail = 1, .key = buf_view(&tx->ledger.key) };

	item_build_init(&row);
	buf_room(&w.values, VALUES_MAX);
	put_op(tx, &w, &row, &c, &u, &op);
	if (op.kind == MSG_OP_UPDATE) {
		key_item(tx, &row);
		op.item = item_build_view(&row);
	}
	op.condition = buf_view(&c);
	op.update = buf_view(&u);
	MSG_LIST_PUT(&ops, op, &op, MSG_VERSION);
	msg_put_write(out, &(struct msg_write){ .group = p->group, .table = tx->ledger.route->table.id,
	                                        .schema = t->table.schema, .ops = buf_view(&ops) }, MSG_VERSION);
	item_build_fini(&row);
	expr_subst_fini(&w.s);
	buf_fini(&w.values);
	buf_fini(&c);
	buf_fini(&u);
	buf_fini(&ops);
}

/* --- what came of it ---------------------------------------------------------------------------------------------- */

static bool row_is(struct bytes row, const char *name, uint8_t tag, struct bytes v)
{
	struct value found_v;

	return item_get(row, bytes_str(name), &found_v) && found_v.tag == tag && bytes_eq(found_v.body, v);
}

/* The row is not as the step wanted it: perhaps because an earlier attempt was carried out. */
static enum op_tx_fate judge(struct op_tx *tx, struct bytes row)
{
	bool ours = row_is(row, LEDGER_ID, ITEM_B, id_of(tx));
	bool committed = row_is(row, LEDGER_STATE, ITEM_S, BYTES_LIT(LEDGER_COMMITTED));
	struct value v;

	switch (tx->ledger.step) {
	case OP_TX_COMMIT:
		return ours && committed ? OP_TX_WRITTEN : OP_TX_LOST;
	case OP_TX_CANCEL:
	case OP_TX_DONE:
		return OP_TX_WRITTEN;                    /* it is gone */
	}
	if (ours)
		return OP_TX_WRITTEN;
	if (!row_is(row, LEDGER_HASH, ITEM_B, (struct bytes){ tx->hash, sizeof tx->hash }))
		return OP_TX_MISMATCH;
	if (!committed)
		return OP_TX_RUNNING;
	if (!item_get(row, BYTES_LIT(LEDGER_ID), &v) || v.tag != ITEM_B || v.body.n != sizeof tx->id)
		return OP_TX_MISMATCH;
	memcpy(tx->id, v.body.p, sizeof tx->id);
	tx->ledger.finished = item_get(row, BYTES_LIT(LEDGER_UNTIL), &v);
	return OP_TX_REPEATED;
}

static void attempt(struct op_tx *tx);

static void written(void *arg, enum result result, struct route_table *t, struct bytes body)
{
	struct op_tx *tx = arg;
	struct msg_written m = { .result = RESULT_OK };
	const struct route_part *p;
	bool tried_enough = tx->ledger.attempts == ATTEMPTS_MAX || clock_ms() >= tx->deadline_ms;

	if (body.n > 0 && !msg_get_written(body, &m, MSG_VERSION))
		result = RESULT_INTERNAL;
	if (t != tx->ledger.route && t != NULL && t->table.id == tx->ledger.route->table.id) {
		route_hold(t);
		route_release(tx->ledger.route);
		tx->ledger.route = t;
	}
	p = route_part(tx->ledger.route, buf_view(&tx->ledger.key));
	tx->ledger.group = p != NULL ? p->group : tx->ledger.group;
	tx->ledger.doubt |= result_info(result)->applied == RESULT_MAYBE && result != RESULT_OK;
	if (result == RESULT_OK) {
		tx->ledger.then(tx, OP_TX_WRITTEN);
	} else if (result == RESULT_CONDITION_FAILED) {
		tx->ledger.then(tx, judge(tx, m.attributes));
	} else if ((result == RESULT_UNKNOWN || result == RESULT_UNAVAILABLE) && !tried_enough) {
		attempt(tx);
	} else {
		tx->ledger.failed = result;
		tx->ledger.then(tx, tx->ledger.doubt ? OP_TX_DOUBT : OP_TX_FAILED);
	}
}

/* Short attempts: a write is not asked again by call.c once it has left, but this one may be. */
static void attempt(struct op_tx *tx)
{
	uint64_t by = clock_ms() + ATTEMPT_MS;

	tx->ledger.attempts++;
	call_start(tx->r, tx->ledger.route, &(struct call_request){
		.kind = CALL_WRITE, .type = MSG_write, .key = buf_view(&tx->ledger.key), .encode = encode,
		.deadline_ms = by < tx->deadline_ms ? by : tx->deadline_ms, .done = written, .arg = tx });
}

void op_tx_ledger_write(struct op_tx *tx, enum op_tx_step step, uint64_t deadline_ms,
                        void (*then)(struct op_tx *tx, unsigned fate))
{
	tx->ledger.step = step;
	tx->ledger.attempts = 0;
	tx->ledger.doubt = false;
	tx->ledger.failed = RESULT_OK;
	tx->ledger.then = then;
	tx->deadline_ms = deadline_ms;
	attempt(tx);
}
