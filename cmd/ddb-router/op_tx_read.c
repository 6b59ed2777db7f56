#include <stdarg.h>
#include <stdio.h>

#include "mem.h"
#include "op_tx.h"
#include "table.h"

#define WHERE_MAX 128

struct action {
	const char *name, *path;
	uint8_t kind;
};

static const struct action actions[] = {
	{ "ConditionCheck", "conditionCheck", MSG_OP_CHECK }, { "Put", "put", MSG_OP_PUT },
	{ "Delete", "delete", MSG_OP_DELETE }, { "Update", "update", MSG_OP_UPDATE }, { "Get", "get", OP_TX_GET },
};

struct reading {
	struct op_tx *tx;
	struct op_tx_item *i;                    /* the current one */
	const struct action *action;
	struct json_read *r;
	struct djson_error *e;
	bool table_given, table_ok, row_given;
};

static bool writes(const struct op_tx *tx)
{
	return tx->q->op->run == op_tx_write;
}

/* A constraint at "transactItems.1.member.put.tableName"; value p NULL: null. */
static void constraint(const struct reading *x, const char *member, struct bytes value, const char *what)
{
	char where[WHERE_MAX];

	snprintf(where, sizeof where, "transactItems.%u.member.%s%s%s", x->tx->given, x->action->path,
	         member[0] != '\0' ? "." : "", member);
	api_constraint(x->tx->q, where, value, what);
}

/* --- members of an action ----------------------------------------------------------------------------------------- */

static enum djson_result read_row(struct reading *x)
{
	struct op_tx *tx = x->tx;
	struct api_req *q = tx->q;
	enum djson_result result = djson_item(x->r, &q->item, x->e);
	struct bytes item;

	x->row_given = true;
	if (result == DJSON_SYNTAX || result == DJSON_SERIALIZATION)
		return result;
	if (result == DJSON_VALIDATION) {
		api_invalid(q, "%s", x->e->message);
		return DJSON_OK;
	}
	item = item_build_view(&q->item);
	if (x->i->kind == MSG_OP_PUT && item_size(item) > ITEM_BYTES_MAX)
		api_invalid(q, "Item size has exceeded the maximum allowed size");
	tx->bytes += item_size(item);
	x->i->item_at = tx->items.n;
	x->i->item_n = item.n;
	buf_bytes(&tx->items, item);
	return DJSON_OK;
}

static enum djson_result read_table(struct reading *x)
{
	if (api_read_string(x->r, &x->i->table_name, &x->table_given, x->e) != DJSON_OK)
		return x->e->result;
	x->table_ok = !x->table_given || api_arn_ok(x->tx->q, x->i->table_name);
	x->i->table_name = api_table_name(x->i->table_name);
	return DJSON_OK;
}

static enum djson_result read_text(struct reading *x, struct op_tx_text *text)
{
	return api_read_string(x->r, &text->s, &text->given, x->e);
}

static enum djson_result read_values(struct reading *x)
{
	enum djson_result result = api_read_values(x->tx->q, x->r, &x->i->subst, &x->i->values, x->e);

	x->i->values_given = true;
	x->tx->bytes += x->i->values.n;
	return result;
}

static enum djson_result read_return(struct reading *x)
{
	struct bytes v = BYTES_NONE;
	bool given;

	if (api_read_string(x->r, &v, &given, x->e) != DJSON_OK)
		return x->e->result;
	x->i->return_item = bytes_is(v, "ALL_OLD");
	if (given && !x->i->return_item && !bytes_is(v, "NONE"))
		constraint(x, "returnValuesOnConditionCheckFailure", v,
		           "Member must satisfy enum value set: [ALL_OLD, NONE]");
	return DJSON_OK;
}

static enum djson_result read_member(struct reading *x, struct bytes name)
{
	struct op_tx_item *i = x->i;
	bool get = i->kind == OP_TX_GET;

	if (x->r->token == JSON_NULL)
		return DJSON_OK;
	if (bytes_is(name, "TableName"))
		return read_table(x);
	if (bytes_is(name, i->kind == MSG_OP_PUT ? "Item" : "Key"))
		return read_row(x);
	if (bytes_is(name, "ConditionExpression") && !get)
		return read_text(x, &i->condition);
	if (bytes_is(name, "UpdateExpression") && i->kind == MSG_OP_UPDATE)
		return read_text(x, &i->update);
	if (bytes_is(name, "ProjectionExpression") && get)
		return read_text(x, &i->projection);
	if (bytes_is(name, "ExpressionAttributeNames")) {
		i->names_given = true;
		return api_read_names(x->tx->q, x->r, &i->subst, x->e);
	}
	if (bytes_is(name, "ExpressionAttributeValues") && !get)
		return read_values(x);
	if (bytes_is(name, "ReturnValuesOnConditionCheckFailure") && !get)
		return read_return(x);
	return djson_skip(x->r, x->e);
}

static void check_table(const struct reading *x)
{
	struct bytes name = x->i->table_name;

	if (!x->table_ok)
		return;
	if (!x->table_given)
		constraint(x, "tableName", BYTES_NONE, "Member must not be null");
	else if (name.n == 0)
		constraint(x, "tableName", BYTES_LIT(""), "Member must have length greater than or equal to 1");
	else if (name.n > TABLE_NAME_MAX)
		constraint(x, "tableName", name, "Member must have length less than or equal to 255");
	else if (!table_name_like(name))
		constraint(x, "tableName", name, "Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+");
}

static void check(const struct reading *x)
{
	const struct op_tx_item *i = x->i;

	if (!x->row_given)
		constraint(x, i->kind == MSG_OP_PUT ? "item" : "key", BYTES_NONE, "Member must not be null");
	check_table(x);
	if (i->kind == MSG_OP_UPDATE && !i->update.given)
		constraint(x, "updateExpression", BYTES_NONE, "Member must not be null");
	if (i->kind == MSG_OP_CHECK && !i->condition.given)
		constraint(x, "conditionExpression", BYTES_NONE, "Member must not be null");
}

/* --- elements ----------------------------------------------------------------------------------------------------- */

static struct op_tx_item *add(struct op_tx *tx, const struct action *action)
{
	if (tx->nitems == tx->items_cap) {
		tx->items_cap = tx->items_cap > 0 ? 2 * tx->items_cap : 4;
		tx->item = mem_resize(tx->item, tx->items_cap * sizeof *tx->item);
	}
	tx->item[tx->nitems] = (struct op_tx_item){ .kind = action->kind };
	return &tx->item[tx->nitems++];
}

static enum djson_result read_action(struct reading *x)
{
	if (x->r->token != JSON_OBJECT)
		return djson_mismatch(x->e, x->r->token, JSON_OBJECT);
	x->i = add(x->tx, x->action);
	x->table_given = x->row_given = false;
	x->table_ok = true;
	while (djson_more(x->r)) {
		struct bytes name = x->r->str;

		json_read_next(x->r);
		if (read_member(x, name) != DJSON_OK)
			return x->e->result;
	}
	if (x->r->token != JSON_ERROR)
		check(x);
	return djson_ended(x->r, x->e);
}

static const struct action *action_of(const struct op_tx *tx, struct bytes name)
{
	for (size_t i = 0; i < sizeof actions / sizeof *actions; i++)
		if (bytes_is(name, actions[i].name))
			return (actions[i].kind == OP_TX_GET) == !writes(tx) ? &actions[i] : NULL;
	return NULL;
}

static void check_actions(struct reading *x, unsigned n)
{
	if (n == 0 && !writes(x->tx)) {
		x->action = &actions[4];
		constraint(x, "", BYTES_NONE, "Member must not be null");
	} else if (n == 0) {
		api_invalid(x->tx->q, "Invalid Request: TransactWriteRequest should contain Delete or Put or Update "
		                      "request");
	} else if (n > 1) {
		api_invalid(x->tx->q, "TransactItems can only contain one of Check, Put, Update or Delete");
	}
}

static enum djson_result read_element(struct reading *x)
{
	unsigned n = 0;

	if (x->r->token != JSON_OBJECT)
		return djson_mismatch(x->e, x->r->token, JSON_OBJECT);
	while (djson_more(x->r)) {
		const struct action *action = action_of(x->tx, x->r->str);

		json_read_next(x->r);
		n += action != NULL && x->r->token != JSON_NULL;
		if (action == NULL || n > 1 || x->r->token == JSON_NULL) {
			if (djson_skip(x->r, x->e) != DJSON_OK)
				return x->e->result;
			continue;
		}
		x->action = action;
		if (read_action(x) != DJSON_OK)
			return x->e->result;
	}
	if (x->r->token != JSON_ERROR)
		check_actions(x, n);
	return djson_ended(x->r, x->e);
}

static void check_all(const struct op_tx *tx)
{
	struct api_req *q = tx->q;

	if (tx->given == 0)
		api_constraint(q, "transactItems", BYTES_LIT("[]"),
		               "Member must have length greater than or equal to 1");
	else if (tx->given > OP_TX_ITEMS_MAX)
		api_constraint(q, "transactItems", BYTES_LIT("[...]"),
		               "Member must have length less than or equal to 100");
	else if (tx->bytes > OP_TX_BYTES_MAX)
		api_invalid(q, "Transaction request size cannot exceed %zu bytes", OP_TX_BYTES_MAX);
}

enum djson_result op_tx_read_items(struct op_tx *tx, struct json_read *r, struct djson_error *e)
{
	struct reading x = { .tx = tx, .r = r, .e = e };

	if (r->token != JSON_ARRAY)
		return djson_mismatch(e, r->token, JSON_ARRAY);
	while (djson_more(x.r)) {
		tx->given++;
		if ((tx->given > OP_TX_ITEMS_MAX ? djson_skip(x.r, x.e) : read_element(&x)) != DJSON_OK)
			return e->result;
	}
	if (r->token != JSON_ERROR)
		check_all(tx);
	return djson_ended(x.r, x.e);
}
