/* Source: API reference, TransactionCanceledException. */
#include <string.h>

#include "op_tx.h"

/* What befell other items does not tell whether this one was well. */
static const char *code_of(const struct op_tx_item *i)
{
	bool on_demand = i->table->route != NULL && i->table->route->table.billing == TABLE_PAY_PER_REQUEST;

	switch (i->result) {
	case RESULT_CONDITION_FAILED:
		return "ConditionalCheckFailed";
	case RESULT_CONFLICT:
		return "TransactionConflict";
	case RESULT_INVALID:
		return "ValidationError";
	case RESULT_THROTTLED:
		return on_demand ? "ThrottlingError" : "ProvisionedThroughputExceeded";
	default:
		return "None";
	}
}

static const char *message_of(const struct op_tx_item *i)
{
	const char *message = result_info(i->result)->message;

	if (strcmp(code_of(i), "ThrottlingError") == 0)
		return "Throughput exceeds the current capacity of your table or index. DynamoDB is automatically "
		       "scaling your table or index so please try again shortly. If exceptions persist, check if you "
		       "have a hot key: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/"
		       "bp-partition-key-design.html.";
	return message != NULL ? message : "One or more parameter values were invalid.";
}

static void reason(struct json_write *w, const struct op_tx_item *i)
{
	const char *code = code_of(i);

	json_write_object(w);
	json_write_name(w, "Code");
	json_write_str(w, code);
	if (strcmp(code, "None") != 0) {
		json_write_name(w, "Message");
		if (i->text.n > 0 && bytes_utf8(buf_view(&i->text)))
			json_write_string(w, buf_view(&i->text));
		else
			json_write_str(w, message_of(i));
	}
	if (i->result == RESULT_CONDITION_FAILED && i->got.p != NULL) {
		json_write_name(w, "Item");
		djson_write_item(w, i->got);
	}
	json_write_object_end(w);
}

void op_tx_cancelled(struct op_tx *tx)
{
	struct json_write *w;

	buf_clear(&tx->why);
	buf_str(&tx->why, "Transaction cancelled, please refer cancellation reasons for specific reasons [");
	for (size_t i = 0; i < tx->nitems; i++)
		buf_fmt(&tx->why, "%s%s", i > 0 ? ", " : "", code_of(&tx->item[i]));
	buf_str(&tx->why, "]");
	w = api_begin_error(tx->q, "TransactionCanceledException", buf_view(&tx->why));
	json_write_name(w, "CancellationReasons");
	json_write_array(w);
	for (size_t i = 0; i < tx->nitems; i++)
		reason(w, &tx->item[i]);
	json_write_array_end(w);
	api_end_error(tx->q);
}

void op_tx_consumed(const struct op_tx *tx, struct json_write *w, const char *kind)
{
	if (!api_wants_capacity(tx->q))
		return;
	json_write_name(w, "ConsumedCapacity");
	json_write_array(w);
	for (const struct op_tx_table *t = tx->table; t < tx->table + tx->ntables; t++)
		api_consumed_value(w, tx->q, t->name, &t->route->indexes, &t->units, kind);
	json_write_array_end(w);
}

/* --- item collections --------------------------------------------------------------------------------------------- */

static struct bytes partition_of(const struct op_tx *tx, const struct op_tx_item *i)
{
	struct bytes key = op_tx_key(tx, i);

	return (struct bytes){ key.p, key_partition_n(key) };
}

/* Of the items of one collection, the first one that was written tells. */
static bool tells(const struct op_tx *tx, const struct op_tx_share *s, const struct op_tx_item *i)
{
	if (i->kind == MSG_OP_CHECK)
		return false;
	for (const struct op_tx_item *k = s->first; k != i; k = k->next)
		if (k->kind != MSG_OP_CHECK && bytes_eq(partition_of(tx, k), partition_of(tx, i)))
			return false;
	return true;
}

static bool written(const struct op_tx *tx, const struct op_tx_table *t)
{
	for (const struct op_tx_item *i = tx->item; i < tx->item + tx->nitems; i++)
		if (i->table == t && i->kind != MSG_OP_CHECK)
			return true;
	return false;
}

static void table_collections(const struct op_tx *tx, const struct op_tx_table *t, struct json_write *w)
{
	json_write_key(w, t->name);
	json_write_array(w);
	for (const struct op_tx_share *s = tx->share; s < tx->share + tx->nshares; s++)
		for (const struct op_tx_item *i = s->first; s->table == t && i != NULL; i = i->next)
			if (tells(tx, s, i))
				api_collection(w, t->route, op_tx_row(tx, i), s->group_bytes);
	json_write_array_end(w);
}

void op_tx_collections(const struct op_tx *tx, struct json_write *w)
{
	bool any = false;

	for (const struct op_tx_table *t = tx->table; t < tx->table + tx->ntables; t++) {
		if (!api_wants_collection(tx->q, t->route) || !written(tx, t))
			continue;
		if (!any) {
			json_write_name(w, "ItemCollectionMetrics");
			json_write_object(w);
		}
		any = true;
		table_collections(tx, t, w);
	}
	if (any)
		json_write_object_end(w);
}
