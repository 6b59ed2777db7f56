/* Source: as tx.c.  What is held for too long: its ledger is asked, and the ledger's group answers.  The ledger's row decides. */
#include <string.h>

#include "item.h"
#include "item_edit.h"
#include "ledger.h"
#include "tx_impl.h"

#define ASKS_MAX 64u                             /* in a tick */

void tx_row(struct node *n, struct group *g, uint64_t slot, const struct entry_row *row)
{
	struct lock lock;

	if (row->lock.n > 0 && lock_get(row->lock, &lock))
		held_add(&g->held, row->key, lock.txid, n->now);
	else if (held_count(&g->held) > 0)
		held_gone(&g->held, row->key, slot);
}

struct stored {
	struct node *n;
	struct group *g;
};

static void stored_lock(void *arg, struct bytes key, struct bytes row)
{
	struct stored *s = arg;
	struct image im = { 0 };

	if (image_of_row(row, &im) && im.locked)
		held_add(&s->g->held, key, im.lock.txid, s->n->now);
}

void tx_stored(struct node *n, struct group *g)
{
#ifdef MUTANT_STORE_FORGETS_LOCKS
	return;
#endif
	n->store.ops->locks(n->store.ctx, g->id, stored_lock, &(struct stored){ n, g });
}

#ifdef MUTANT_CANCEL_UNASKED
static void cancel_unasked(struct node *n, struct group *g, struct bytes key, struct bytes txid)
{
	struct tx_finishing f;

	tx_finishing_init(&f, n, g, txid, false);
	if (tx_finish_one(&f, key) && change_any(&f.change))
		tx_finish_propose(&f);
	tx_finishing_fini(&f);
}
#endif

static void ask(struct node *n, const struct lock *l)
{
	struct buf b = { 0 };

	msg_put_tx_ask(&b, &(struct msg_tx_ask){ l->ledger_group, n->self, l->ledger_key, l->txid }, MSG_VERSION);
	n->env.send(n->env.ctx, 0, MSG_tx_ask, buf_view(&b));
	node_send(n, n->self, MSG_tx_ask, buf_view(&b), 0);
	buf_fini(&b);
}

/* Nobody needs to hear of the same transaction twice in a tick: its keys mostly come one after another. */
void tx_tick(struct node *n, struct group *g)
{
	uint8_t last[LOCK_TXID_N] = { 0 };
	struct held_key *k;

	for (unsigned i = 0; tx_leads(g) && i < ASKS_MAX; i++) {
		struct image im = { 0 };
		struct bytes key;
		bool ok;

		k = held_due(&g->held, n->now, n->opt.lock_us, n->opt.retry_us);
		if (k == NULL)
			return;
		key = (struct bytes){ k->key, k->n };
		ok = image_look(n, g, key, OVERLAY_NEWEST, &im);
		if (ok && im.locked) {
			held_ask(&g->held, k, im.lock.txid, n->now);
#ifdef MUTANT_CANCEL_UNASKED
			cancel_unasked(n, g, key, im.lock.txid);
#else
			if (memcmp(last, im.lock.txid.p, sizeof last) != 0)
				ask(n, &im.lock);
			memcpy(last, im.lock.txid.p, sizeof last);
#endif
		} else {
			ok = ok && image_look(n, g, key, g->chosen, &im) && !im.locked;
			if (ok)
				held_free(&g->held, k);
			else
				held_ask(&g->held, k, (struct bytes){ k->txid, LOCK_TXID_N }, n->now);
		}
		buf_fini(&im.row);
	}
}

/* --- the ledger's side -------------------------------------------------------------------------------------------- */

static bool attribute_is(struct bytes item, const char *name, uint8_t tag, struct bytes wanted)
{
	struct value v;

	return item_get(item, bytes_str(name), &v) && v.tag == tag && bytes_eq(v.body, wanted);
}

/* Whoever changes P first decides: this write, or the coordinator's, which is conditional on P. */
static void give_up(struct node *n, struct group *g, struct bytes key, struct bytes item)
{
	struct item_step step = { .name = BYTES_LIT(LEDGER_STATE) };
	struct buf state = { 0 }, row = { 0 };
	struct change c;
	uint64_t slot;

	buf_u8(&state, ITEM_S);
	buf_lenbytes(&state, BYTES_LIT(LEDGER_CANCELLED));
	if (item_edit(&row, item, &(struct item_edit){ &step, 1, buf_view(&state) }, 1) == ITEM_EDIT_OK) {
		change_begin(&c, n, g);
		change_item(&c, &(struct change_item){ .key = key, .old = item, .new = buf_view(&row) });
		change_propose(&c, 0, &slot);
		change_fini(&c);
	}
	buf_fini(&state);
	buf_fini(&row);
}

/* 0: not decided.  A transaction without a row can no longer be committed, for that is a condition on the row. */
static uint8_t fate(const struct image *im, struct bytes txid)
{
	if (!im->found || !attribute_is(im->item, LEDGER_ID, ITEM_B, txid))
		return MSG_TX_CANCELLED;
	if (attribute_is(im->item, LEDGER_STATE, ITEM_S, BYTES_LIT(LEDGER_COMMITTED)))
		return MSG_TX_COMMITTED;
	return attribute_is(im->item, LEDGER_STATE, ITEM_S, BYTES_LIT(LEDGER_CANCELLED)) ? MSG_TX_CANCELLED : 0;
}

/* The asker asks again, so nothing waits here: what is not decided, or not yet chosen, is told the next time. */
void tx_ask(struct node *n, struct bytes body)
{
	struct msg_tx_ask m;
	struct image im = { 0 };
	struct group *g;
	struct buf b = { 0 };
	uint8_t state;
	bool pending;

	if (!msg_get_tx_ask(body, &m, MSG_VERSION) || m.txid.n != LEDGER_ID_N) {
		metrics_add(&n->metrics.bad_messages, 1);
		return;
	}
	g = node_find(n, m.group);
	if (g == NULL || !tx_leads(g) || !exec_in_range(g, m.ledger_key))
		return;
	if (image_look(n, g, m.ledger_key, OVERLAY_NEWEST, &im)) {
		state = fate(&im, m.txid);
		pending = state == 0 && attribute_is(im.item, LEDGER_STATE, ITEM_S, BYTES_LIT(LEDGER_PENDING));
#ifdef MUTANT_TELL_PENDING
		if (pending)
			state = MSG_TX_CANCELLED;
		pending = false;
#endif
		if (pending && !im.locked && exec_write_room(n, g) == RESULT_OK)
			give_up(n, g, m.ledger_key, im.item);
#ifndef MUTANT_TELL_UNCHOSEN
		if (im.slot > g->chosen || !px_may_serve(&g->px, n->now))
			state = 0;
#endif
		if (state != 0) {
			msg_put_tx_told(&b, &(struct msg_tx_told){ m.txid, m.ledger_key, state }, MSG_VERSION);
			node_send(n, m.from, MSG_tx_told, buf_view(&b), 0);
		}
	}
	buf_fini(&b);
	buf_fini(&im.row);
}

static void told_group(struct node *n, struct group *g, struct bytes txid, bool commit)
{
	struct tx_finishing f;
	struct held_key *k;
	bool ok = true;

	tx_finishing_init(&f, n, g, txid, commit);
	TAILQ_FOREACH(k, &g->held.asked, next)
		if (ok && f.keys < ENTRY_OPS_MAX && memcmp(k->txid, txid.p, LOCK_TXID_N) == 0)
			ok = tx_finish_one(&f, (struct bytes){ k->key, k->n });
	if (change_any(&f.change) && tx_finish_propose(&f) == PX_OK)
		metrics_add(&n->metrics.tx_recovered, 1);
	tx_finishing_fini(&f);
}

void tx_told(struct node *n, struct bytes body)
{
	struct msg_tx_told m;

	if (!msg_get_tx_told(body, &m, MSG_VERSION) || m.txid.n != LOCK_TXID_N ||
	    (m.state != MSG_TX_CANCELLED && m.state != MSG_TX_COMMITTED)) {
		metrics_add(&n->metrics.bad_messages, 1);
		return;
	}
	for (struct group *g = n->groups; g != NULL; g = g->hh.next)
		if (tx_leads(g) && !TAILQ_EMPTY(&g->held.asked) && exec_write_room(n, g) == RESULT_OK)
			told_group(n, g, m.txid, m.state == MSG_TX_COMMITTED);
}
