/* Source: "Distributed Transactions at Scale in Amazon DynamoDB", section 4.  The last step comes first. */
#include <assert.h>
#include <string.h>
#include <sys/random.h>

#include <openssl/evp.h>

#include "clock.h"
#include "fault.h"
#include "op_tx.h"

#define FINISH_PAUSE_MS 20
#define RANDOM_KEY_N 20                          /* bytes; in hexadecimal longer than any token */

const uint8_t op_tx_write_members[] = {
	API_TRANSACT_ITEMS | API_REQUIRED, API_CLIENT_REQUEST_TOKEN, API_RETURN_CONSUMED_CAPACITY,
	API_RETURN_COLLECTION_METRICS, API_NO_MEMBER,
};

static void start(struct op_tx *tx);

/* A test stops the coordinator between two steps, as if it had died: others have to clean up. */
static bool stopped(struct op_tx *tx, const char *fault)
{
	if (fault_hit(fault) == 0)
		return false;
	api_refuse(tx->q, RESULT_UNKNOWN, NULL);
	return true;
}

/* What the client hears when the ledger certainly does not say C. */
static enum result not_written(const struct op_tx *tx)
{
	return tx->ledger.failed == RESULT_OVERLOADED ? RESULT_OVERLOADED : RESULT_UNAVAILABLE;
}

/* --- finish ------------------------------------------------------------------------------------------------------- */

static void encode_finish(const struct op_tx_share *s, const struct route_part *p, struct buf *out, bool commit)
{
	struct buf keys = { 0 };

	for (const struct op_tx_item *i = s->first; i != NULL; i = i->next)
		buf_lenbytes(&keys, op_tx_key(s->tx, i));
	msg_put_tx_finish(out, &(struct msg_tx_finish){
		.group = p->group, .table = s->table->route->table.id,
		.txid = { s->tx->id, sizeof s->tx->id }, .commit = commit, .keys = buf_view(&keys) }, MSG_VERSION);
	buf_fini(&keys);
}

static void encode_commit(void *arg, const struct route_table *t, const struct route_part *p, struct buf *out)
{
	(void)t;
	encode_finish(arg, p, out, true);
}

static void encode_abort(void *arg, const struct route_table *t, const struct route_part *p, struct buf *out)
{
	(void)t;
	encode_finish(arg, p, out, false);
}

static void finished(void *arg, enum result result, struct route_table *t, struct bytes body)
{
	struct msg_tx_finished m;

	(void)t;
	if (result == RESULT_OK && !msg_get_tx_finished(body, &m, MSG_VERSION))
		result = RESULT_INTERNAL;
	if (result == RESULT_NO_TABLE || result == RESULT_STALE_SCHEMA)
		result = RESULT_OK;                      /* its items went with their table */
	op_tx_settle(arg, result);
}

static bool all_finished(const struct op_tx *tx)
{
	for (size_t i = 0; i < tx->nshares; i++)
		if (tx->share[i].due)
			return false;
	return true;
}

static void send_finish(struct op_tx *tx);

static void sent_finish(struct op_tx *tx)
{
	if (all_finished(tx))
		tx->then(tx);
	else if (clock_ms() + FINISH_PAUSE_MS < tx->deadline_ms)
		op_tx_later(tx, FINISH_PAUSE_MS, send_finish);
	else
		api_refuse(tx->q, RESULT_UNKNOWN, NULL); /* nodes ask the ledger, and the client may by its token */
}

static void send_finish(struct op_tx *tx)
{
	op_tx_send(tx, MSG_tx_finish, tx->deadline_ms, encode_commit, finished, sent_finish);
}

/* A strong read after the answer must see what was committed, so the client waits as long as it may. */
static void finish(struct op_tx *tx, void (*then)(struct op_tx *tx))
{
	uint64_t by = clock_ms() + OP_TX_FINISH_MS;

	tx->deadline_ms = by > tx->q->deadline_ms ? by : tx->q->deadline_ms;
	tx->then = then;
	op_tx_due(tx);
	send_finish(tx);
}

/* --- after the answer --------------------------------------------------------------------------------------------- */

static void done(struct op_tx *tx, unsigned fate)
{
	(void)fate;                                      /* if it was not written, the row stays */
	op_tx_free(tx);
}

/* --- answers ------------------------------------------------------------------------------------------------------ */

/* repeated: the transaction was carried out before, and is read by this request. */
static void answer(struct op_tx *tx, bool repeated)
{
	struct api_req *q = tx->q;
	struct json_write *w = api_begin(q);

	op_tx_consumed(tx, w, repeated ? "ReadCapacityUnits" : "WriteCapacityUnits");
	if (!repeated)
		op_tx_collections(tx, w);
	api_end(q);
}

/* All groups have carried it out: the row may say so, which nobody waits for. */
static void answer_done(struct op_tx *tx, bool repeated)
{
	bool behind = tx->r->tx_behind < OP_TX_BEHIND_MAX;

	tx->behind = behind;
	answer(tx, repeated);
	if (behind)
		op_tx_ledger_write(tx, OP_TX_DONE, clock_ms() + OP_TX_BEHIND_MS, done);
}

static void committed(struct op_tx *tx)
{
	if (stopped(tx, "tx.finished"))
		return;
	for (const struct op_tx_item *i = tx->item; i < tx->item + tx->nitems; i++) {
		struct op_tx_table *t = i->table;

		t->units.table += 2 * api_write_halves(i->old_bytes > i->new_bytes ? i->old_bytes : i->new_bytes);
		api_units_written(&t->units, &t->route->indexes, buf_view(&i->indexes), 2);
	}
	metrics_add(&tx->r->metrics.tx_committed, 1);
	answer_done(tx, false);
}

static void repeated(struct op_tx *tx)
{
	metrics_add(&tx->r->metrics.tx_repeated, 1);
	if (tx->ledger.finished)
		answer(tx, true);
	else
		answer_done(tx, true);
}

/* The transaction is cancelled for certain, so its own outcome is not in doubt, whatever a node's answer was. */
static void refuse(struct op_tx *tx)
{
	metrics_add(&tx->r->metrics.tx_cancelled, 1);
	if (op_tx_has_reason(tx))
		op_tx_cancelled(tx);
	else if (tx->failed == RESULT_STALE_SCHEMA && op_tx_again(tx, start))
		return;
	else if (tx->failed == RESULT_NO_TABLE || tx->failed == RESULT_OVERLOADED)
		api_refuse(tx->q, tx->failed, NULL);
	else
		api_refuse(tx->q, RESULT_UNAVAILABLE, NULL);
}

/* --- cancel ------------------------------------------------------------------------------------------------------- */

static void let_go(struct op_tx *tx, unsigned fate)
{
	(void)fate;                                      /* nobody will write C, so P is as good as gone */
	op_tx_send(tx, MSG_tx_finish, clock_ms() + OP_TX_FINISH_MS, encode_abort, finished, refuse);
}

/* failed is what the client is told, unless items have reasons. */
static void cancel(struct op_tx *tx, enum result failed)
{
	tx->failed = failed;
	op_tx_ledger_write(tx, OP_TX_CANCEL, clock_ms() + OP_TX_FINISH_MS, let_go);
}

/* --- commit ------------------------------------------------------------------------------------------------------- */

static void decided(struct op_tx *tx, unsigned fate)
{
	if (fate == OP_TX_DOUBT) {
		metrics_add(&tx->r->metrics.unknown, 1);
		api_refuse(tx->q, RESULT_UNKNOWN, NULL); /* the ledger knows, and nodes will ask it */
		return;
	}
	if (fate != OP_TX_WRITTEN) {
		op_tx_due(tx);
		cancel(tx, not_written(tx));
		return;
	}
	if (!stopped(tx, "tx.committed"))
		finish(tx, committed);
}

/* --- prepare ------------------------------------------------------------------------------------------------------ */

static void encode_prepare(void *arg, const struct route_table *t, const struct route_part *p, struct buf *out)
{
	const struct op_tx_share *s = arg;
	const struct op_tx *tx = s->tx;
	struct buf ops = { 0 };

	for (const struct op_tx_item *i = s->first; i != NULL; i = i->next) {
		bool row = i->kind == MSG_OP_PUT || i->kind == MSG_OP_UPDATE;
		const struct msg_op op = {
			.kind = i->kind, .return_on_fail = i->return_item, .key = op_tx_key(tx, i),
			.item = row ? op_tx_row(tx, i) : BYTES_NONE,
			.update = i->kind == MSG_OP_UPDATE ? buf_view(&i->program) : BYTES_NONE,
			.condition = buf_view(&i->condition_program),
		};

		MSG_LIST_PUT(&ops, op, &op, MSG_VERSION);
	}
	msg_put_tx_prepare(out, &(struct msg_tx_prepare){
		.group = p->group, .table = s->table->route->table.id, .schema = t->table.schema,
		.txid = { tx->id, sizeof tx->id }, .timestamp = tx->timestamp, .ledger_group = tx->ledger.group,
		.ledger_key = buf_view(&tx->ledger.key), .ops = buf_view(&ops) }, MSG_VERSION);
	buf_fini(&ops);
}

static void take_result(struct op_tx *tx, struct op_tx_item *i, const struct msg_tx_result *m)
{
	i->result = m->result;
	i->old_bytes = m->old_bytes;
	i->new_bytes = m->new_bytes;
	buf_clear(&i->text);
	buf_bytes(&i->text, m->text);
	buf_clear(&i->indexes);
	buf_bytes(&i->indexes, m->indexes);
	if (m->result == RESULT_CONDITION_FAILED && i->return_item && m->attributes.n > 0 &&
	    tx->held_bytes + m->attributes.n <= OP_TX_BYTES_MAX)
		op_tx_keep(tx, i, m->attributes);
	if (m->result == RESULT_CONFLICT && m->time > tx->later)
		tx->later = m->time;
}

/* False if the answer does not have a result for each item. */
static bool take_results(struct op_tx_share *s, struct bytes results)
{
	struct msg_tx_result m;
	struct bytes part;

	for (struct op_tx_item *i = s->first; i != NULL; i = i->next) {
		if (!msg_list_next(&results, &part) || !msg_get_tx_result(part, &m, MSG_VERSION))
			return false;
		take_result(s->tx, i, &m);
	}
	return results.n == 0;
}

static void prepared_one(void *arg, enum result result, struct route_table *t, struct bytes body)
{
	struct msg_tx_prepared m = { .result = RESULT_OK };
	struct op_tx_share *s = arg;

	(void)t;
	s->group_bytes = 0;
	for (struct op_tx_item *i = s->first; i != NULL; i = i->next)
		i->result = RESULT_OK;
	if (body.n > 0 && !msg_get_tx_prepared(body, &m, MSG_VERSION)) {
		result = RESULT_INTERNAL;
	} else if (m.results.n > 0) {
		s->group_bytes = m.group_bytes;
		if (!take_results(s, m.results))
			result = RESULT_INTERNAL;
	} else if (result == RESULT_OK) {
		result = RESULT_INTERNAL;
	} else if (result == RESULT_INVALID || result == RESULT_THROTTLED || result == RESULT_CONFLICT) {
		s->first->result = result;               /* the share as a whole, such as too large an entry */
		buf_clear(&s->first->text);
		buf_bytes(&s->first->text, m.text);
	}
	op_tx_settle(s, result);
}

/* Only items written later than the transaction's time, and leaders that went away meanwhile, stand in its way. */
static bool worth_another(const struct op_tx *tx)
{
	bool conflict = false;

	for (size_t i = 0; i < tx->nshares; i++) {
		enum result result = tx->share[i].result;

		conflict |= result == RESULT_CONFLICT;
		if (result != RESULT_OK && result != RESULT_CONFLICT && result != RESULT_UNKNOWN)
			return false;
	}
	if (tx->rounds == OP_TX_ROUNDS_MAX || clock_ms() >= tx->q->deadline_ms)
		return false;
	return !conflict || tx->later > tx->timestamp;
}

static void prepare(struct op_tx *tx);

static void prepared(struct op_tx *tx)
{
	bool ok = true;

	if (stopped(tx, "tx.prepared"))
		return;
	for (size_t i = 0; i < tx->nshares; i++)
		ok &= tx->share[i].result == RESULT_OK;
	if (ok) {
		op_tx_ledger_write(tx, OP_TX_COMMIT, clock_ms() + OP_TX_STEP_MS, decided);
	} else if (worth_another(tx)) {
		if (tx->later > tx->timestamp)
			tx->timestamp = tx->later;
		prepare(tx);
	} else {
		for (size_t i = 0; i < tx->nshares; i++) /* those that refused have locked nothing */
			tx->share[i].due = tx->share[i].result == RESULT_OK ||
			                   result_info(tx->share[i].result)->applied == RESULT_MAYBE;
		cancel(tx, op_tx_failure(tx));
	}
}

static void prepare(struct op_tx *tx)
{
	uint64_t by = clock_ms() + OP_TX_STEP_MS;

	tx->rounds++;
	tx->later = 0;
	op_tx_send(tx, MSG_tx_prepare, by < tx->q->deadline_ms ? by : tx->q->deadline_ms, encode_prepare, prepared_one,
	           prepared);
}

/* --- begin -------------------------------------------------------------------------------------------------------- */

static void measured(struct op_tx *tx)
{
	if (tx->ledger.finished)
		repeated(tx);
	else
		finish(tx, repeated);
}

static void refuse_token(struct op_tx *tx, const char *type, const char *text)
{
	api_begin_error(tx->q, type, bytes_str(text));
	api_end_error(tx->q);
}

static void begun(struct op_tx *tx, unsigned fate)
{
	switch (fate) {
	case OP_TX_WRITTEN:
		if (stopped(tx, "tx.begun"))
			return;
		tx->rounds = 0;
		op_tx_due(tx);
		prepare(tx);
		return;
	case OP_TX_REPEATED:
		if (api_wants_capacity(tx->q))
			op_tx_measure(tx, measured);
		else
			measured(tx);
		return;
	case OP_TX_RUNNING:
		refuse_token(tx, "TransactionInProgressException",
		             "The transaction with the given request token is already in progress.");
		return;
	case OP_TX_MISMATCH:
		refuse_token(tx, "IdempotentParameterMismatchException",
		             "DynamoDB rejected the request because you retried a request with a different payload but "
		             "with an idempotent token that was already used.");
		return;
	default:                                         /* nothing is locked, and nobody will commit it */
		api_refuse(tx->q, not_written(tx), NULL);
	}
}

static void add(EVP_MD_CTX *ctx, struct bytes v)
{
	uint8_t n[8];

	store_u64(n, v.n);
	assert(EVP_DigestUpdate(ctx, n, sizeof n) == 1 && EVP_DigestUpdate(ctx, v.p, v.n) == 1);
}

/* Of what is to be done, however it was spelt. */
static void hash(struct op_tx *tx)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();

	assert(ctx != NULL && EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) == 1);
	for (const struct op_tx_item *i = tx->item; i < tx->item + tx->nitems; i++) {
		uint8_t what[2] = { i->kind, i->return_item };

		add(ctx, (struct bytes){ what, sizeof what });
		add(ctx, i->table->name);
		add(ctx, op_tx_row(tx, i));
		add(ctx, buf_view(&i->program));
		add(ctx, buf_view(&i->condition_program));
	}
	assert(EVP_DigestFinal_ex(ctx, tx->hash, NULL) == 1);
	EVP_MD_CTX_free(ctx);
}

static void throw(uint8_t *p, size_t n)
{
	assert(getrandom(p, n, 0) == (ssize_t)n);
}

static void enter(struct op_tx *tx)
{
	op_tx_ledger_write(tx, OP_TX_BEGIN, tx->q->deadline_ms, begun);
}

static void start(struct op_tx *tx)
{
	const struct api_value *token = &tx->q->m[API_CLIENT_REQUEST_TOKEN];
	uint8_t random[RANDOM_KEY_N];

	throw(tx->id, sizeof tx->id);
	tx->timestamp = clock_wall_us();
	buf_clear(&tx->ledger.pk);
	if (token->given) {
		buf_bytes(&tx->ledger.pk, token->s);
		hash(tx);
	} else {
		throw(random, sizeof random);
		buf_hex(&tx->ledger.pk, (struct bytes){ random, sizeof random });
	}
	op_tx_ledger_find(tx, enter);
}

void op_tx_write(struct api_req *q)
{
	op_tx_route(q->own, start);
}
