#include "op_batch.h"

#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "msg.h"
#include "op_batch_read.h"

/* --- lifetime ----------------------------------------------------------------------------------------------------- */

static void batch_free(void *own)
{
	struct op_batch *b = own;
	struct router *r = b->q->r;

	for (size_t i = 0; i < b->ntables; i++) {
		struct op_batch_table *t = &b->table[i];

		if (t->refresh_due)                      /* refused before its keys were known */
			route_refresh(r, t->table, BYTES_NONE);
		route_release(t->table);
		api_units_fini(&t->units);
		expr_subst_fini(&t->names);
		free(t->attributes);
		buf_fini(&t->program);
	}
	for (size_t i = 0; i < b->nrows; i++)
		free((void *)b->row[i].got.p);
	r->held_bytes -= b->held_bytes;
	free(b->table);
	buf_fini(&b->items);
	buf_fini(&b->keys);
	buf_fini(&b->why);
	free(b);
}

enum djson_result op_batch_read(struct api_req *q, enum api_member m, struct json_read *r, struct djson_error *e)
{
	struct op_batch *b;

	(void)m;
	if (q->own_free != NULL)                         /* RequestItems twice: the reader will say so */
		q->own_free(q->own);
	b = mem_new(sizeof *b);
	b->table = mem_new(OP_BATCH_TABLES_MAX * sizeof *b->table);
	b->q = q;
	q->own = b;
	q->own_free = batch_free;
	return op_batch_read_tables(b, r, e);
}

struct bytes op_batch_item(const struct op_batch_row *row)
{
	return (struct bytes){ row->batch->items.p + row->item_at, row->item_n };
}

struct bytes op_batch_key(const struct op_batch_row *row)
{
	return (struct bytes){ row->batch->keys.p + row->key_at, row->key_n };
}

/* --- many things at once ------------------------------------------------------------------------------------------ */

/* One is pending for the loop that starts them: answers may come while it runs. */
static void begin(struct op_batch *b, void (*next)(struct op_batch *b))
{
	b->pending = 1;
	b->next = next;
}

static void settled(struct op_batch *b)
{
	if (--b->pending == 0)
		b->next(b);
}

static bool for_good(enum result result)
{
	return result != RESULT_OK && result_info(result)->retry == RESULT_NOBODY;
}

void op_batch_settle(struct op_batch_row *row, enum result result, struct bytes text)
{
	struct op_batch *b = row->batch;

	row->result = result;
	if (result != RESULT_OK && (b->failed == RESULT_OK || (for_good(result) && !for_good(b->failed)))) {
		b->failed = result;
		buf_clear(&b->why);
		buf_bytes(&b->why, text);
	}
	settled(b);
}

bool op_batch_unprocessed(const struct op_batch_row *row)
{
	return row->result != RESULT_OK && !for_good(row->result);
}

bool op_batch_succeeded(struct op_batch *b)
{
	bool some = false;

	for (size_t i = 0; i < b->nrows; i++)
		some |= b->row[i].result == RESULT_OK;
	if (some && !for_good(b->failed))
		return true;
	api_fail(b->q, b->failed, buf_view(&b->why));
	return false;
}

void op_batch_call(struct op_batch *b, unsigned type,
                   void (*encode)(void *arg, const struct route_table *t, const struct route_part *p, struct buf *out),
                   void (*done)(void *arg, enum result result, struct route_table *t, struct bytes body),
                   void (*next)(struct op_batch *b))
{
	begin(b, next);
	for (size_t i = 0; i < b->nrows; i++) {
		struct op_batch_row *row = &b->row[i];
		struct call_request call = { .type = type, .key = op_batch_key(row), .deadline_ms = b->q->deadline_ms,
		                             .encode = encode, .done = done, .arg = row };

		call.kind = type == MSG_write ? CALL_WRITE : row->table->consistent ? CALL_READ_LEADER : CALL_READ_ANY;
		b->pending++;
		call_start(b->q->r, row->table->table, &call);
	}
	settled(b);
}

/* --- tables and keys ---------------------------------------------------------------------------------------------- */

static bool serves(const struct route_table *t)
{
	return t->table.status == TABLE_ACTIVE || t->table.status == TABLE_UPDATING;
}

static bool duplicate(const struct op_batch *b, const struct op_batch_row *row)
{
	for (const struct op_batch_row *other = b->row; other < row; other++)
		if (other->table == row->table && bytes_eq(op_batch_key(other), op_batch_key(row)))
			return true;
	return false;
}

/* May the indexes of its table hold the row, if it is one?  False after refusing. */
static bool fits_indexes(struct op_batch *b, const struct op_batch_row *row)
{
	const struct index_set *s = &row->table->table->indexes;

	if (!row->put || s->n == 0 || index_check(s, op_batch_item(row), &b->why))
		return true;
	api_fail(b->q, RESULT_INVALID, buf_view(&b->why));
	return false;
}

/* The keys of all rows; false after refusing. */
static bool keys(struct op_batch *b)
{
	struct api_req *q = b->q;

	for (size_t i = 0; i < b->nrows; i++) {
		struct op_batch_row *row = &b->row[i];
		const struct key_schema *s = &row->table->table->table.key;
		enum key_result result;
		size_t part;

		row->key_at = b->keys.n;
		result = (row->put ? key_of_item : key_of_exact)(&b->keys, q->r->hasher, s, op_batch_item(row), &part);
		if (result != KEY_OK) {
			api_key_message(&b->why, s, result, part, op_batch_item(row), !row->put);
			api_fail(q, RESULT_INVALID, buf_view(&b->why));
			return false;
		}
		row->key_n = b->keys.n - row->key_at;
		if (!fits_indexes(b, row))
			return false;
		if (duplicate(b, row)) {
			api_refuse(q, RESULT_INVALID, "Provided list of item keys contains duplicates");
			return false;
		}
	}
	return true;
}

static void routed(struct op_batch *b)
{
	void (*next)(struct op_batch *b) = b->then;

	for (size_t i = 0; i < b->ntables; i++)
		if (b->table[i].result != RESULT_OK) {
			api_refuse(b->q, b->table[i].result, NULL);
			return;
		}
	if (!keys(b))
		return;
	for (size_t i = 0; i < b->nrows; i++) {
		struct op_batch_table *t = b->row[i].table;

		if (t->refresh_due)                      /* once a table, be there as many rows as there may */
			route_refresh(b->q->r, t->table, op_batch_key(&b->row[i]));
		t->refresh_due = false;
	}
	next(b);
}

static void fetched(void *arg, enum result result, struct route_table *found)
{
	struct op_batch_table *t = arg;

	t->result = result == RESULT_OK && !serves(found) ? RESULT_NO_TABLE : result;
	if (t->result == RESULT_OK)
		t->table = route_hold(found);
	settled(t->batch);
}

void op_batch_route(struct op_batch *b, void (*next)(struct op_batch *b))
{
	struct router *r = b->q->r;

	b->then = next;
	begin(b, routed);
	for (size_t i = 0; i < b->ntables; i++) {
		struct op_batch_table *t = &b->table[i];
		struct route_table *cached = route_cached(r, t->name);

		if (cached != NULL && serves(cached)) {
			t->table = route_hold(cached);
			t->refresh_due = true;
			continue;
		}
		b->pending++;
		route_fetch(r, t->name, BYTES_NONE, fetched, t);
	}
	settled(b);
}

/* --- answers ------------------------------------------------------------------------------------------------------ */

void op_batch_left(const struct op_batch *b, struct json_write *w, const char *name,
                   void (*open)(struct json_write *w),
                   void (*row)(struct json_write *w, const struct op_batch_row *row),
                   void (*close)(struct json_write *w, const struct op_batch_table *t))
{
	json_write_name(w, name);
	json_write_object(w);
	for (const struct op_batch_table *t = b->table; t < b->table + b->ntables; t++) {
		bool any = false;

		for (const struct op_batch_row *r = b->row; r < b->row + b->nrows; r++) {
			if (r->table != t || !op_batch_unprocessed(r))
				continue;
			if (!any) {
				json_write_key(w, t->given);
				open(w);
			}
			any = true;
			row(w, r);
		}
		if (any)
			close(w, t);
	}
	json_write_object_end(w);
}

void op_batch_consumed(const struct op_batch *b, struct json_write *w)
{
	if (!api_wants_capacity(b->q))
		return;
	json_write_name(w, "ConsumedCapacity");
	json_write_array(w);
	for (size_t i = 0; i < b->ntables; i++)
		api_consumed_value(w, b->q, b->table[i].name, &b->table[i].table->indexes, &b->table[i].units, NULL);
	json_write_array_end(w);
}
