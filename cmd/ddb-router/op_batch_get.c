#include <stdlib.h>

#include "msg.h"
#include "op_batch.h"

const uint8_t op_batch_get_members[] = {
	API_REQUEST_ITEMS | API_REQUIRED, API_RETURN_CONSUMED_CAPACITY, API_NO_MEMBER,
};

/* --- projections -------------------------------------------------------------------------------------------------- */

/* Of a request, not of a table: two tables may not differ in this either (ExtendDB/extenddb#178 asked the service). */
static bool unmixed(const struct op_batch *b, struct buf *err)
{
	bool old = false, new = false;

	for (size_t i = 0; i < b->ntables; i++) {
		old |= b->table[i].attributes_n > 0;
		new |= b->table[i].projection_given;
	}
	if (old && new)
		buf_str(err, "Can not use both expression and non-expression parameters in the same request: "
		             "Non-expression parameters: {AttributesToGet} "
		             "Expression parameters: {ProjectionExpression}");
	return !(old && new);
}

static bool compile(struct op_batch_table *t, struct buf *err)
{
	if (t->names_given && !t->projection_given) {
		buf_str(err, "ExpressionAttributeNames can only be specified when using expressions");
		return false;
	}
	if (t->attributes_n > 0)
		expr_projection_of(t->attributes, t->attributes_n, &t->program);
	return !t->projection_given || ((!t->names_given || expr_subst_seal(&t->names, err)) &&
	                                expr_compile_projection(t->projection, &t->names, &t->program, err) &&
	                                expr_unused(&t->names, err));
}

/* --- the answer --------------------------------------------------------------------------------------------------- */

/* One item, unless the answer is full: then its key is handed back. */
static void write_item(struct json_write *w, struct op_batch_row *row)
{
	struct json_write before = *w;
	size_t n = w->b->n;

	djson_write_item(w, row->got);
	if (!w->b->over && w->b->n <= OP_BATCH_ANSWER_BYTES_MAX)
		return;
	*w = before;
	w->b->n = n;
	w->b->over = false;
	row->result = RESULT_OVERLOADED;
}

static void write_responses(struct json_write *w, struct op_batch *b)
{
	json_write_name(w, "Responses");
	json_write_object(w);
	for (size_t i = 0; i < b->ntables; i++) {
		json_write_key(w, b->table[i].given);
		json_write_array(w);
		for (size_t k = 0; k < b->nrows; k++) {
			struct op_batch_row *row = &b->row[k];

			if (row->table == &b->table[i] && row->result == RESULT_OK && row->found)
				write_item(w, row);
		}
		json_write_array_end(w);
	}
	json_write_object_end(w);
}

/* The rest of the table's entry, as it was. */
static void write_parameters(struct json_write *w, const struct op_batch_table *t)
{
	if (t->consistent_given) {
		json_write_name(w, "ConsistentRead");
		json_write_bool(w, t->consistent);
	}
	if (t->projection_given) {
		json_write_name(w, "ProjectionExpression");
		json_write_string(w, t->projection);
	}
	if (t->names_given) {
		json_write_name(w, "ExpressionAttributeNames");
		json_write_object(w);
		for (size_t i = 0; i < t->names.names_n; i++) {
			json_write_key(w, t->names.names[i].alias);
			json_write_string(w, t->names.names[i].to);
		}
		json_write_object_end(w);
	}
	if (t->attributes_n > 0) {
		json_write_name(w, "AttributesToGet");
		json_write_array(w);
		for (size_t i = 0; i < t->attributes_n; i++)
			json_write_string(w, t->attributes[i]);
		json_write_array_end(w);
	}
}

static void left_open(struct json_write *w)
{
	json_write_object(w);
	json_write_name(w, "Keys");
	json_write_array(w);
}

static void left_row(struct json_write *w, const struct op_batch_row *row)
{
	djson_write_item(w, op_batch_item(row));
}

static void left_close(struct json_write *w, const struct op_batch_table *t)
{
	json_write_array_end(w);
	write_parameters(w, t);
	json_write_object_end(w);
}

static void answer(struct op_batch *b)
{
	struct json_write *w;

	if (!op_batch_succeeded(b))
		return;
	w = api_begin(b->q);
	write_responses(w, b);
	op_batch_left(b, w, "UnprocessedKeys", left_open, left_row, left_close);
	op_batch_consumed(b, w);
	api_end(b->q);
}

/* --- the rows ----------------------------------------------------------------------------------------------------- */

static void encode(void *arg, const struct route_table *t, const struct route_part *part, struct buf *out)
{
	const struct op_batch_row *row = arg;

	/* The table's id is the one that the key was made for, not that of a successor of the same name. */
	msg_put_get(out, &(struct msg_get){
		.group = part->group, .table = row->table->table->table.id, .schema = t->table.schema,
		.consistent = row->table->consistent, .key = op_batch_key(row),
		.projection = buf_view(&row->table->program) }, MSG_VERSION);
}

/* Keep the item until all are there, if there is room in the answer and in memory. */
static bool keep(struct op_batch_row *row, struct bytes item)
{
	struct op_batch *b = row->batch;
	struct router *r = b->q->r;
	size_t n = item_size(item);

	if (b->got_bytes + n > OP_BATCH_ANSWER_BYTES_MAX || r->held_bytes + item.n > ROUTER_HELD_BYTES_MAX)
		return false;
	b->got_bytes += n;
	b->held_bytes += item.n;
	r->held_bytes += item.n;
	row->got = bytes_copy(item);
	row->found = true;
	return true;
}

static void got(void *arg, enum result result, struct route_table *t, struct bytes body)
{
	struct op_batch_row *row = arg;
	struct msg_got m = { .result = RESULT_OK };
	bool readable = msg_get_got(body, &m, MSG_VERSION);

	(void)t;
	if (result == RESULT_OK && !readable)
		result = RESULT_INTERNAL;
	if (result == RESULT_OK && m.found && !keep(row, m.item))
		result = RESULT_OVERLOADED;
	if (result == RESULT_OK)
		row->table->units.table += api_read_halves(m.item_bytes, row->table->consistent);
	op_batch_settle(row, result, readable ? m.text : BYTES_NONE);
}

static void read_all(struct op_batch *b)
{
	op_batch_call(b, MSG_get, encode, got, answer);
}

void op_batch_get(struct api_req *q)
{
	struct op_batch *b = q->own;
	bool ok = unmixed(b, &b->why);

	for (size_t i = 0; ok && i < b->ntables; i++)
		ok = compile(&b->table[i], &b->why);
	if (ok)
		op_batch_route(b, read_all);
	else
		api_fail(q, RESULT_INVALID, buf_view(&b->why));
}
