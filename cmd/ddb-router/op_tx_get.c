/*
 * Items of several partitions as of one moment: what two rounds of reading have in common, with nothing locked, stood
 * still from the end of the first to the beginning of the second.  Of one partition, one round does.
 */
#include <string.h>

#include "clock.h"
#include "op_tx.h"

#define PAUSE_MS_MIN 2                           /* after a conflict; twice as long each time */

const uint8_t op_tx_get_members[] = {
	API_TRANSACT_ITEMS | API_REQUIRED, API_RETURN_CONSUMED_CAPACITY, API_NO_MEMBER,
};

static void encode(void *arg, const struct route_table *t, const struct route_part *p, struct buf *out)
{
	const struct op_tx_share *s = arg;
	struct buf gets = { 0 };

	for (const struct op_tx_item *i = s->first; i != NULL; i = i->next) {
		const struct msg_tx_key get = {
			.key = op_tx_key(s->tx, i),
			.projection = i->kind == OP_TX_GET ? buf_view(&i->program) : BYTES_NONE,
		};

		MSG_LIST_PUT(&gets, tx_key, &get, MSG_VERSION);
	}
	msg_put_tx_get(out, &(struct msg_tx_get){ .group = p->group, .table = s->table->route->table.id,
	                                          .schema = t->table.schema, .gets = buf_view(&gets) }, MSG_VERSION);
	buf_fini(&gets);
}

static enum result take(struct op_tx *tx, struct op_tx_item *i, const struct msg_tx_item *m)
{
	i->steady = tx->rounds > 1 && !m->locked && !i->locked && i->found == (m->found != 0) && i->slot == m->slot;
	i->locked = m->locked;
	i->found = m->found;
	i->slot = m->slot;
	i->old_bytes = m->item_bytes;
	if (!i->found || i->steady || i->kind != OP_TX_GET)
		return RESULT_OK;
	return op_tx_keep(tx, i, m->item) ? RESULT_OK : RESULT_OVERLOADED;
}

static void got(void *arg, enum result result, struct route_table *t, struct bytes body)
{
	struct msg_tx_got m = { .result = RESULT_OK };
	struct op_tx_share *s = arg;
	struct msg_tx_item one;
	struct bytes part;

	(void)t;
	if (body.n > 0 && !msg_get_tx_got(body, &m, MSG_VERSION))
		result = RESULT_INTERNAL;
	for (struct op_tx_item *i = s->first; i != NULL && result == RESULT_OK; i = i->next) {
		if (!msg_list_next(&m.results, &part) || !msg_get_tx_item(part, &one, MSG_VERSION))
			result = RESULT_INTERNAL;
		else
			result = take(s->tx, i, &one);
	}
	op_tx_settle(s, result);
}

static void count(struct op_tx *tx)
{
	for (size_t i = 0; i < tx->nitems; i++)
		tx->item[i].table->units.table += 2 * api_read_halves(tx->item[i].old_bytes, true);
}

/* --- the answer --------------------------------------------------------------------------------------------------- */

static void too_large(struct op_tx *tx)
{
	api_refuse(tx->q, RESULT_INVALID, "Transaction size cannot exceed %zu bytes", OP_TX_BYTES_MAX);
}

static void answer(struct op_tx *tx)
{
	struct api_req *q = tx->q;
	struct json_write *w;
	size_t bytes = 0;

	for (size_t i = 0; i < tx->nitems; i++)
		bytes += tx->item[i].old_bytes;
	if (bytes > OP_TX_BYTES_MAX) {
		too_large(tx);
		return;
	}
	count(tx);
	w = api_begin(q);
	json_write_name(w, "Responses");
	json_write_array(w);
	for (size_t i = 0; i < tx->nitems; i++) {
		json_write_object(w);
		if (tx->item[i].found) {
			json_write_name(w, "Item");
			djson_write_item(w, tx->item[i].got);
		}
		json_write_object_end(w);
	}
	json_write_array_end(w);
	op_tx_consumed(tx, w, "ReadCapacityUnits");
	api_end(q);
}

/* --- rounds ------------------------------------------------------------------------------------------------------- */

static void round_done(struct op_tx *tx);
static void start(struct op_tx *tx);

static void read_all(struct op_tx *tx)
{
	tx->rounds++;
	op_tx_due(tx);
	op_tx_send(tx, MSG_tx_get, tx->q->deadline_ms, encode, got, round_done);
}

static void conflict(struct op_tx *tx, bool several)
{
	if (tx->rounds < OP_TX_ROUNDS_MAX) {
		op_tx_later(tx, (uint64_t)PAUSE_MS_MIN << tx->rounds, read_all);
		return;
	}
	for (size_t i = 0; i < tx->nitems; i++)
		if (tx->item[i].locked || (several && !tx->item[i].steady))
			tx->item[i].result = RESULT_CONFLICT;
	op_tx_cancelled(tx);
}

static enum result failure(const struct op_tx *tx)
{
	for (size_t i = 0; i < tx->nshares; i++)
		if (tx->share[i].result != RESULT_OK)
			return tx->share[i].result;
	return RESULT_OK;
}

static void round_done(struct op_tx *tx)
{
	enum result result = failure(tx);
	bool several = tx->nshares > 1, locked = false, steady = true;

	if (result == RESULT_STALE_SCHEMA && op_tx_again(tx, start))
		return;
	if (result == RESULT_INVALID) {
		too_large(tx);
		return;
	}
	if (result != RESULT_OK) {
		api_refuse(tx->q, result == RESULT_STALE_SCHEMA ? RESULT_UNAVAILABLE : result, NULL);
		return;
	}
	for (size_t i = 0; i < tx->nitems; i++) {
		locked |= tx->item[i].locked;
		steady &= tx->item[i].steady;
	}
	if (!locked && (steady || !several))
		answer(tx);
	else if (tx->rounds == 1 && !locked)
		read_all(tx);
	else
		conflict(tx, several);
}

static void start(struct op_tx *tx)
{
	tx->rounds = 0;
	read_all(tx);
}

void op_tx_get(struct api_req *q)
{
	op_tx_route(q->own, start);
}

/* --- sizes alone -------------------------------------------------------------------------------------------------- */

static void measured(struct op_tx *tx)
{
	count(tx);
	tx->then(tx);
}

/* Of a transaction that was carried out before: sizes as they happen to be, and 0 of what cannot be asked. */
void op_tx_measure(struct op_tx *tx, void (*next)(struct op_tx *tx))
{
	tx->then = next;
	tx->rounds = 1;
	op_tx_due(tx);
	op_tx_send(tx, MSG_tx_get, clock_ms() + OP_TX_FINISH_MS, encode, got, measured);
}
