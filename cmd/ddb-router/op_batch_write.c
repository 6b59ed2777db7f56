#include "msg.h"
#include "op_batch.h"

const uint8_t op_batch_write_members[] = {
	API_REQUEST_ITEMS | API_REQUIRED, API_RETURN_CONSUMED_CAPACITY, API_RETURN_COLLECTION_METRICS, API_NO_MEMBER,
};

static void left_row(struct json_write *w, const struct op_batch_row *row)
{
	json_write_object(w);
	json_write_name(w, row->put ? "PutRequest" : "DeleteRequest");
	json_write_object(w);
	json_write_name(w, row->put ? "Item" : "Key");
	djson_write_item(w, op_batch_item(row));
	json_write_object_end(w);
	json_write_object_end(w);
}

static void left_close(struct json_write *w, const struct op_batch_table *t)
{
	(void)t;
	json_write_array_end(w);
}

static struct bytes partition_of(const struct op_batch_row *row)
{
	struct bytes key = op_batch_key(row);

	return (struct bytes){ key.p, key_partition_n(key) };
}

/* Of the rows of one collection, the first one that was written tells. */
static bool tells(const struct op_batch *b, const struct op_batch_row *row)
{
	if (row->result != RESULT_OK)
		return false;
	for (const struct op_batch_row *r = b->row; r < row; r++)
		if (r->table == row->table && r->result == RESULT_OK && bytes_eq(partition_of(r), partition_of(row)))
			return false;
	return true;
}

static void collections(const struct op_batch *b, struct json_write *w)
{
	bool any = false;

	for (const struct op_batch_table *t = b->table; t < b->table + b->ntables; t++) {
		if (!api_wants_collection(b->q, t->table))
			continue;
		if (!any) {
			json_write_name(w, "ItemCollectionMetrics");
			json_write_object(w);
		}
		any = true;
		json_write_key(w, t->name);
		json_write_array(w);
		for (const struct op_batch_row *r = b->row; r < b->row + b->nrows; r++)
			if (r->table == t && tells(b, r))
				api_collection(w, t->table, op_batch_item(r), r->group_bytes);
		json_write_array_end(w);
	}
	if (any)
		json_write_object_end(w);
}

static void answer(struct op_batch *b)
{
	struct json_write *w;

	if (!op_batch_succeeded(b))
		return;
	w = api_begin(b->q);
	op_batch_left(b, w, "UnprocessedItems", json_write_array, left_row, left_close);
	op_batch_consumed(b, w);
	collections(b, w);
	api_end(b->q);
}

static void encode(void *arg, const struct route_table *t, const struct route_part *part, struct buf *out)
{
	const struct op_batch_row *row = arg;
	const struct msg_op op = {
		.kind = row->put ? MSG_OP_PUT : MSG_OP_DELETE, .key = op_batch_key(row),
		.item = row->put ? op_batch_item(row) : BYTES_NONE, .measure = api_wants_capacity(row->batch->q),
	};
	struct buf ops = { .p = NULL };

	MSG_LIST_PUT(&ops, op, &op, MSG_VERSION);
	/* The table's id is the one that the key was made for, not that of a successor of the same name. */
	msg_put_write(out, &(struct msg_write){
		.group = part->group, .table = row->table->table->table.id, .schema = t->table.schema,
		.ops = buf_view(&ops) }, MSG_VERSION);
	buf_fini(&ops);
}

static void written(void *arg, enum result result, struct route_table *t, struct bytes body)
{
	struct op_batch_row *row = arg;
	struct msg_written m = { .result = RESULT_OK };
	bool readable = msg_get_written(body, &m, MSG_VERSION);

	(void)t;
	if (result == RESULT_OK && !readable)
		result = RESULT_INTERNAL;
	if (result == RESULT_OK) {
		struct op_batch_table *of = row->table;

		of->units.table += api_write_halves(m.old_bytes > m.new_bytes ? m.old_bytes : m.new_bytes);
		api_units_written(&of->units, &of->table->indexes, m.indexes, 1);
		row->group_bytes = m.group_bytes;
	}
	op_batch_settle(row, result, readable ? m.text : BYTES_NONE);
}

static void write_all(struct op_batch *b)
{
	op_batch_call(b, MSG_write, encode, written, answer);
}

void op_batch_write(struct api_req *q)
{
	op_batch_route(q->own, write_all);
}
