#include "op_tx.h"

#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "mem.h"

#define LOCATE_MAX 3                             /* times that memds is asked for the partitions */
#define RESTARTS_MAX 2

struct bytes op_tx_row(const struct op_tx *tx, const struct op_tx_item *i)
{
	return (struct bytes){ tx->items.p + i->item_at, i->item_n };
}

struct bytes op_tx_key(const struct op_tx *tx, const struct op_tx_item *i)
{
	return (struct bytes){ tx->keys.p + i->key_at, i->key_n };
}

/* --- lifetime ----------------------------------------------------------------------------------------------------- */

static void free_item(struct op_tx_item *i)
{
	expr_subst_fini(&i->subst);
	buf_fini(&i->values);
	buf_fini(&i->program);
	buf_fini(&i->condition_program);
	buf_fini(&i->text);
	buf_fini(&i->indexes);
	free((void *)i->got.p);
}

static void free_tables(struct op_tx *tx)
{
	for (size_t i = 0; i < tx->ntables; i++) {
		if (tx->table[i].refresh_due)            /* refused before its keys were known */
			route_refresh(tx->r, tx->table[i].route, BYTES_NONE);
		route_release(tx->table[i].route);
		api_units_fini(&tx->table[i].units);
	}
	free(tx->table);
	free(tx->share);
	tx->table = NULL;
	tx->share = NULL;
	tx->ntables = tx->nshares = 0;
}

/* All but what the ledger's row needs. */
static void strip(struct op_tx *tx)
{
	for (size_t i = 0; i < tx->nitems; i++)
		free_item(&tx->item[i]);
	free(tx->item);
	tx->item = NULL;
	tx->nitems = 0;
	free_tables(tx);
	tx->r->held_bytes -= tx->held_bytes;
	tx->held_bytes = 0;
	buf_fini(&tx->items);
	buf_fini(&tx->keys);
	buf_fini(&tx->why);
}

static void destroy(struct op_tx *tx)
{
	strip(tx);
	route_release(tx->ledger.route);
	buf_fini(&tx->ledger.pk);
	buf_fini(&tx->ledger.key);
	free(tx);
}

void op_tx_free(struct op_tx *tx)
{
	struct router *r = tx->r;

	r->tx_behind--;
	destroy(tx);
	if (r->tx_behind == 0 && r->tx_idle != NULL)
		r->tx_idle(r);
}

static void request_ended(void *own)
{
	struct op_tx *tx = own;

	tx->q = NULL;
	if (!tx->behind) {
		destroy(tx);
		return;
	}
	tx->r->tx_behind++;
	strip(tx);
}

enum djson_result op_tx_read(struct api_req *q, enum api_member m, struct json_read *r, struct djson_error *e)
{
	struct op_tx *tx;

	(void)m;
	if (q->own_free != NULL)                         /* TransactItems twice: the reader will say so */
		q->own_free(q->own);
	tx = mem_new(sizeof *tx);
	tx->q = q;
	tx->r = q->r;
	q->own = tx;
	q->own_free = request_ended;
	return op_tx_read_items(tx, r, e);
}

/* --- many things at once ------------------------------------------------------------------------------------------ */

/* One is pending for the loop that starts them: answers may come while it runs. */
static void begin(struct op_tx *tx, void (*next)(struct op_tx *tx))
{
	tx->pending = 1;
	tx->next = next;
}

static void settled(struct op_tx *tx)
{
	if (--tx->pending == 0)
		tx->next(tx);
}

void op_tx_settle(struct op_tx_share *s, enum result result)
{
	s->result = result;
	s->due = result != RESULT_OK;
	settled(s->tx);
}

void op_tx_due(struct op_tx *tx)
{
	for (size_t i = 0; i < tx->nshares; i++)
		tx->share[i].due = true;
}

void op_tx_send(struct op_tx *tx, unsigned type, uint64_t deadline_ms,
                void (*encode)(void *arg, const struct route_table *t, const struct route_part *p, struct buf *out),
                void (*done)(void *arg, enum result result, struct route_table *t, struct bytes body),
                void (*next)(struct op_tx *tx))
{
	begin(tx, next);
	for (size_t i = 0; i < tx->nshares; i++) {
		struct op_tx_share *s = &tx->share[i];

		if (!s->due)
			continue;
		tx->pending++;
		/* All of them may be done twice. */
		call_start(tx->r, s->table->route, &(struct call_request){
			.kind = CALL_READ_LEADER, .type = type, .key = op_tx_key(tx, s->first),
			.deadline_ms = deadline_ms, .encode = encode, .done = done, .arg = s });
	}
	settled(tx);
}

struct pause {
	struct op_tx *tx;
	void (*next)(struct op_tx *tx);
	uv_timer_t timer;
};

static void paused(uv_handle_t *h)
{
	free(h->data);
}

static void on_pause(uv_timer_t *t)
{
	struct pause *p = t->data;

	uv_close((uv_handle_t *)t, paused);
	p->next(p->tx);
}

void op_tx_later(struct op_tx *tx, uint64_t ms, void (*next)(struct op_tx *tx))
{
	struct pause *p = mem_new(sizeof *p);

	p->tx = tx;
	p->next = next;
	uv_timer_init(tx->r->loop, &p->timer);
	p->timer.data = p;
	uv_timer_start(&p->timer, on_pause, ms, 0);
}

bool op_tx_keep(struct op_tx *tx, struct op_tx_item *i, struct bytes item)
{
	struct router *r = tx->r;

	tx->held_bytes -= i->got.n;
	r->held_bytes -= i->got.n;
	free((void *)i->got.p);
	i->got = BYTES_NONE;
	if (r->held_bytes + item.n > ROUTER_HELD_BYTES_MAX)
		return false;
	i->got = bytes_copy(item);
	tx->held_bytes += item.n;
	r->held_bytes += item.n;
	return true;
}

static bool is_reason(enum result result)
{
	return result == RESULT_CONDITION_FAILED || result == RESULT_CONFLICT || result == RESULT_INVALID ||
	       result == RESULT_THROTTLED;
}

bool op_tx_has_reason(const struct op_tx *tx)
{
	for (size_t i = 0; i < tx->nitems; i++)
		if (is_reason(tx->item[i].result))
			return true;
	return false;
}

enum result op_tx_failure(const struct op_tx *tx)
{
	for (size_t i = 0; i < tx->nshares; i++)
		if (tx->share[i].result != RESULT_OK && !is_reason(tx->share[i].result))
			return tx->share[i].result;
	return RESULT_OK;
}

/* --- expressions -------------------------------------------------------------------------------------------------- */

static bool sound(const struct op_tx_item *i, struct buf *err)
{
	const char *expression = i->kind == OP_TX_GET ? "ProjectionExpression" : "ConditionExpression";

	if (i->condition.given || i->update.given || i->projection.given || !(i->names_given || i->values_given))
		return true;
	buf_fmt(err, "%s can only be specified when using expressions: %s is null",
	        i->names_given ? "ExpressionAttributeNames" : "ExpressionAttributeValues", expression);
	return false;
}

static bool compile(struct op_tx_item *i, struct buf *err)
{
	struct expr_subst *s = &i->subst;

	if (!sound(i, err) || (s->names_n + s->values_n > 0 && !expr_subst_seal(s, err)))
		return false;
	if (i->projection.given && !expr_compile_projection(i->projection.s, s, &i->program, err))
		return false;
	if (i->update.given && !expr_compile_update(i->update.s, s, NULL, &i->program, err))
		return false;
	if (i->condition.given && !expr_compile_condition(i->condition.s, s, &i->condition_program, err))
		return false;
	return expr_unused(s, err);
}

/* What depends on the key could not be seen before. */
static bool compile_keyed(struct op_tx_item *i, struct buf *err)
{
	if (!i->update.given)
		return true;
	buf_clear(&i->program);
	return expr_compile_update(i->update.s, &i->subst, &i->table->route->table.key, &i->program, err);
}

/* --- keys --------------------------------------------------------------------------------------------------------- */

/* An empty or too long key is refused like other malformed input; one that does not fit the schema cancels. */
static bool make_key(struct op_tx *tx, struct op_tx_item *i)
{
	const struct key_schema *s = &i->table->route->table.key;
	bool put = i->kind == MSG_OP_PUT;
	enum key_result result;
	size_t part;

	i->result = RESULT_OK;
	buf_clear(&i->text);
	i->key_at = tx->keys.n;
	result = (put ? key_of_item : key_of_exact)(&tx->keys, tx->r->hasher, s, op_tx_row(tx, i), &part);
	i->key_n = tx->keys.n - i->key_at;
	if (result == KEY_OK)
		return true;
	api_key_message(&i->text, s, result, part, op_tx_row(tx, i), !put);
	i->result = RESULT_INVALID;
	return result == KEY_MISSING || result == KEY_WRONG_TYPE || result == KEY_EXTRA;
}

/* False with why as the text of i. */
static bool fits_indexes(struct op_tx *tx, struct op_tx_item *i)
{
	const struct index_set *s = &i->table->route->indexes;

	return i->kind != MSG_OP_PUT || i->result != RESULT_OK || s->n == 0 || index_check(s, op_tx_row(tx, i), &i->text);
}

static bool duplicate(const struct op_tx *tx, const struct op_tx_item *i)
{
	for (const struct op_tx_item *other = tx->item; other < i; other++)
		if (i->result == RESULT_OK && other->result == RESULT_OK && other->table == i->table &&
		    bytes_eq(op_tx_key(tx, other), op_tx_key(tx, i)))
			return true;
	return false;
}

/* False after refusing. */
static bool keys(struct op_tx *tx)
{
	buf_clear(&tx->keys);
	for (size_t n = 0; n < tx->nitems; n++) {
		struct op_tx_item *i = &tx->item[n];

		if (!compile_keyed(i, &tx->why)) {
			api_fail(tx->q, RESULT_INVALID, buf_view(&tx->why));
			return false;
		}
		if (!make_key(tx, i) || !fits_indexes(tx, i)) {
			api_fail(tx->q, RESULT_INVALID, buf_view(&i->text));
			return false;
		}
		if (duplicate(tx, i)) {
			api_refuse(tx->q, RESULT_INVALID,
			           "Transaction request cannot include multiple operations on one item");
			return false;
		}
	}
	if (!op_tx_has_reason(tx))
		return true;
	op_tx_cancelled(tx);
	return false;
}

/* --- shares ------------------------------------------------------------------------------------------------------- */

static struct op_tx_share *share_of(struct op_tx *tx, const struct op_tx_item *i)
{
	uint64_t group = route_part(i->table->route, op_tx_key(tx, i))->group;
	struct op_tx_share *s;

	for (s = tx->share; s < tx->share + tx->nshares; s++)
		if (s->group == group)
			return s;
	tx->nshares++;
	*s = (struct op_tx_share){ .tx = tx, .table = i->table, .group = group, .last = &s->first, .due = true };
	return s;
}

static void divide(struct op_tx *tx)
{
	tx->share = mem_new(tx->nitems * sizeof *tx->share);
	for (size_t n = 0; n < tx->nitems; n++) {
		struct op_tx_item *i = &tx->item[n];
		struct op_tx_share *s = share_of(tx, i);

		i->next = NULL;
		*s->last = i;
		s->last = &i->next;
	}
	tx->then(tx);
}

static void located(void *arg, enum result result, struct route_table *found)
{
	struct op_tx_table *t = arg;

	if (result == RESULT_OK && found->table.id == t->route->table.id && found != t->route) {
		route_hold(found);
		route_release(t->route);
		t->route = found;
	}
	settled(t->tx);
}

/* Every item's partition must be known, for those of one partition travel together. */
static void locate(struct op_tx *tx)
{
	bool missing = false;

	begin(tx, locate);
	for (size_t n = 0; n < tx->nitems; n++) {
		struct op_tx_item *i = &tx->item[n];

		if (route_part(i->table->route, op_tx_key(tx, i)) != NULL)
			continue;
		missing = true;
		if (tx->rounds == LOCATE_MAX)
			continue;
		tx->pending++;
		route_fetch_by(tx->r, i->table->name, op_tx_key(tx, i), tx->deadline_ms, located, i->table);
	}
	if (!missing)
		tx->next = divide;
	else if (tx->rounds++ == LOCATE_MAX) {
		api_refuse(tx->q, RESULT_UNAVAILABLE, NULL);
		return;
	}
	settled(tx);
}

/* --- tables ------------------------------------------------------------------------------------------------------- */

static bool serves(const struct route_table *t)
{
	return t->table.status == TABLE_ACTIVE || t->table.status == TABLE_UPDATING;
}

static void routed(struct op_tx *tx)
{
	for (size_t i = 0; i < tx->ntables; i++)
		if (tx->table[i].result != RESULT_OK) {
			api_refuse(tx->q, tx->table[i].result, NULL);
			return;
		}
	if (!keys(tx))
		return;
	for (size_t n = 0; n < tx->nitems; n++) {
		struct op_tx_table *t = tx->item[n].table;

		if (t->refresh_due)                      /* once a table */
			route_refresh(tx->r, t->route, op_tx_key(tx, &tx->item[n]));
		t->refresh_due = false;
	}
	tx->rounds = 0;
	locate(tx);
}

static void fetched(void *arg, enum result result, struct route_table *found)
{
	struct op_tx_table *t = arg;

	t->result = result == RESULT_OK && !serves(found) ? RESULT_NO_TABLE : result;
	if (t->result == RESULT_OK)
		t->route = route_hold(found);
	settled(t->tx);
}

static void name_tables(struct op_tx *tx)
{
	tx->table = mem_new(tx->nitems * sizeof *tx->table);
	for (size_t n = 0; n < tx->nitems; n++) {
		struct op_tx_item *i = &tx->item[n];
		struct op_tx_table *t = tx->table;

		while (t < tx->table + tx->ntables && !bytes_eq(t->name, i->table_name))
			t++;
		if (t == tx->table + tx->ntables) {
			*t = (struct op_tx_table){ .tx = tx, .name = i->table_name };
			tx->ntables++;
		}
		i->table = t;
	}
}

static void find_tables(struct op_tx *tx)
{
	free_tables(tx);
	name_tables(tx);
	begin(tx, routed);
	for (size_t i = 0; i < tx->ntables; i++) {
		struct op_tx_table *t = &tx->table[i];
		struct route_table *cached = route_cached(tx->r, t->name);

		if (cached != NULL && serves(cached)) {
			t->route = route_hold(cached);
			t->refresh_due = true;
			continue;
		}
		tx->pending++;
		route_fetch(tx->r, t->name, BYTES_NONE, fetched, t);
	}
	settled(tx);
}

void op_tx_route(struct op_tx *tx, void (*next)(struct op_tx *tx))
{
	tx->then = next;
	tx->deadline_ms = tx->q->deadline_ms;
	for (size_t i = 0; i < tx->nitems; i++)
		if (!compile(&tx->item[i], &tx->why)) {
			api_fail(tx->q, RESULT_INVALID, buf_view(&tx->why));
			return;
		}
	find_tables(tx);
}

bool op_tx_again(struct op_tx *tx, void (*next)(struct op_tx *tx))
{
	if (tx->restarts == RESTARTS_MAX || clock_ms() >= tx->deadline_ms)
		return false;
	tx->restarts++;
	tx->then = next;
	find_tables(tx);
	return true;
}
