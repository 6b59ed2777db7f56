/* PutItem, GetItem, UpdateItem, DeleteItem: one item, one partition. */
#include <string.h>

#include "api_impl.h"
#include "expr_eval.h"
#include "legacy.h"
#include "msg.h"

const uint8_t op_item_put_members[] = {
	API_TABLE_NAME | API_REQUIRED, API_ITEM | API_REQUIRED, API_CONDITION_EXPRESSION, API_EXPRESSION_NAMES, API_EXPRESSION_VALUES,
	API_RETURN_VALUES, API_RETURN_VALUES_ON_FAILURE, API_RETURN_CONSUMED_CAPACITY, API_RETURN_COLLECTION_METRICS, API_EXPECTED,
	API_CONDITIONAL_OPERATOR, API_NO_MEMBER
};
const uint8_t op_item_delete_members[] = {
	API_TABLE_NAME | API_REQUIRED, API_KEY | API_REQUIRED, API_CONDITION_EXPRESSION, API_EXPRESSION_NAMES, API_EXPRESSION_VALUES,
	API_RETURN_VALUES, API_RETURN_VALUES_ON_FAILURE, API_RETURN_CONSUMED_CAPACITY, API_RETURN_COLLECTION_METRICS, API_EXPECTED,
	API_CONDITIONAL_OPERATOR, API_NO_MEMBER
};
const uint8_t op_item_update_members[] = {
	API_TABLE_NAME | API_REQUIRED, API_KEY | API_REQUIRED, API_UPDATE_EXPRESSION, API_CONDITION_EXPRESSION, API_EXPRESSION_NAMES,
	API_EXPRESSION_VALUES, API_RETURN_VALUES, API_RETURN_VALUES_ON_FAILURE, API_RETURN_CONSUMED_CAPACITY,
	API_RETURN_COLLECTION_METRICS, API_ATTRIBUTE_UPDATES, API_EXPECTED, API_CONDITIONAL_OPERATOR, API_NO_MEMBER
};
const uint8_t op_item_get_members[] = {
	API_TABLE_NAME | API_REQUIRED, API_KEY | API_REQUIRED, API_CONSISTENT_READ, API_PROJECTION_EXPRESSION, API_EXPRESSION_NAMES,
	API_RETURN_CONSUMED_CAPACITY, API_ATTRIBUTES_TO_GET, API_NO_MEMBER
};

/* --- writes ------------------------------------------------------------------------------------------------------- */

static uint8_t kind_of(const struct api_req *q)
{
	return q->op->run == op_item_put ? MSG_OP_PUT : q->op->run == op_item_delete ? MSG_OP_DELETE : MSG_OP_UPDATE;
}

static uint8_t returns_of(const struct api_req *q)
{
	static const char *const names[] = {
		[MSG_RETURN_NONE] = "NONE",           [MSG_RETURN_ALL_OLD] = "ALL_OLD",         [MSG_RETURN_UPDATED_OLD] = "UPDATED_OLD",
		[MSG_RETURN_ALL_NEW] = "ALL_NEW",     [MSG_RETURN_UPDATED_NEW] = "UPDATED_NEW",
	};

	for (uint8_t i = 0; i < sizeof names / sizeof names[0]; i++)
		if (api_is(q, API_RETURN_VALUES, names[i]))
			return i;
	return MSG_RETURN_NONE;
}

static bool updates_nothing(const struct api_req *q)
{
	return !q->m[API_UPDATE_EXPRESSION].given && (q->legacy == NULL || q->legacy->map[LEGACY_UPDATES].n == 0);
}

static void encode_write(void *arg, const struct route_table *t, const struct route_part *p, struct buf *out)
{
	struct api_req *q = arg;
	struct buf *ops = &q->api->scratch;
	uint8_t kind = kind_of(q);
	struct msg_op op = {
		.kind = kind, .returns = returns_of(q), .return_on_fail = api_is(q, API_RETURN_VALUES_ON_FAILURE, "ALL_OLD"),
		.key = buf_view(&q->key), .item = kind == MSG_OP_PUT ? q->m[API_ITEM].s : q->m[API_KEY].s,
		.update = q->prog[API_PROG_UPDATE], .condition = q->prog[API_PROG_CONDITION],
		.measure = api_wants_capacity(q),
	};

	if (kind == MSG_OP_DELETE)
		op.item = BYTES_NONE;
	if (kind == MSG_OP_UPDATE && updates_nothing(q) && op.returns >= MSG_RETURN_UPDATED_OLD &&
	    op.returns != MSG_RETURN_ALL_NEW)
		op.returns = MSG_RETURN_NONE;
	buf_clear(ops);
	MSG_LIST_PUT(ops, op, &op, MSG_VERSION);
	msg_put_write(out, &(struct msg_write){ .group = p->group, .table = t->table.id, .schema = t->table.schema,
	                                        .ops = buf_view(ops) }, MSG_VERSION);
}

static void write_costs(struct json_write *w, const struct api_req *q, const struct msg_written *m)
{
	struct api_units u = { .table = api_write_halves(m->old_bytes > m->new_bytes ? m->old_bytes : m->new_bytes) };
	const struct route_table *t = q->table;

	if (t->indexes.n > 0)
		api_units_written(&u, &t->indexes, m->indexes, 1);
	api_consumed(w, q, q->table_name, &t->indexes, &u);
	api_units_fini(&u);
	if (api_wants_collection(q, t)) {
		json_write_name(w, "ItemCollectionMetrics");
		api_collection(w, t, kind_of(q) == MSG_OP_PUT ? q->m[API_ITEM].s : q->m[API_KEY].s, m->group_bytes);
	}
}

static void written(void *arg, enum result result, struct route_table *t, struct bytes body)
{
	struct msg_written m = { .text = BYTES_NONE };
	struct api_req *q = arg;
	struct json_write *w;

	(void)t;
	if (body.n > 0 && !msg_get_written(body, &m, MSG_VERSION))
		result = RESULT_INTERNAL;
	if (result == RESULT_STALE_SCHEMA) {
		api_again(q);
		return;
	}
	if (result == RESULT_CONDITION_FAILED && m.attributes.n > 0) {
		api_fail_item(q, result, m.attributes);
		return;
	}
	/* Node and programs have the words of expressions; AttributeUpdates has its own. */
	if (q->m[API_ATTRIBUTE_UPDATES].given && bytes_is(m.text, EXPR_WRONG_TYPE))
		m.text = BYTES_LIT("Type mismatch for attribute to update");
	if (result != RESULT_OK) {
		api_fail(q, result, m.text);
		return;
	}
	w = api_begin(q);
	if (m.attributes.n > 0 && item_count(m.attributes) > 0) {
		json_write_name(w, "Attributes");
		djson_write_item(w, m.attributes);
	}
	write_costs(w, q, &m);
	api_end(q);
}

/*
 * An update of nothing makes an item of the key alone if there is none.  As a program: the partition key, which the schema forbids to
 * change, becomes what it is.
 */
static bool update_nothing(struct api_req *q)
{
	struct expr_subst s = { 0 };
	struct buf *prog = &q->progs[API_PROG_UPDATE], err = { 0 };
	struct bytes name = q->table->table.key.part[0].name;
	struct value v;
	bool ok;

	item_get(q->m[API_KEY].s, name, &v);
	expr_subst_name(&s, BYTES_LIT("#k"), name);
	expr_subst_value(&s, BYTES_LIT(":k"), v.raw);
	buf_clear(prog);
	ok = expr_subst_seal(&s, &err) && expr_compile_update(BYTES_LIT("SET #k = if_not_exists(#k, :k)"), &s, NULL, prog, &err);
	q->prog[API_PROG_UPDATE] = buf_view(prog);
	expr_subst_fini(&s);
	if (!ok)
		api_fail(q, RESULT_INTERNAL, buf_view(&err));
	buf_fini(&err);
	return ok;
}

/* What a put leaves behind is known here; false after refusing.  Of other writes the leader knows. */
static bool fits_indexes(struct api_req *q)
{
	buf_clear(&q->failed);
	if (index_check(&q->table->indexes, q->m[API_ITEM].s, &q->failed))
		return true;
	api_fail(q, RESULT_INVALID, buf_view(&q->failed));
	return false;
}

static void write_routed(struct api_req *q)
{
	bool put = kind_of(q) == MSG_OP_PUT;

	if (!api_key(q, put ? q->m[API_ITEM].s : q->m[API_KEY].s, !put))
		return;
	if (put && q->table->indexes.n > 0 && !fits_indexes(q))
		return;
	if (kind_of(q) == MSG_OP_UPDATE && updates_nothing(q) && !update_nothing(q))
		return;
	api_routed(q, buf_view(&q->key));
	call_start(q->r, q->table, &(struct call_request){ .kind = CALL_WRITE, .type = MSG_write, .key = buf_view(&q->key),
	           .deadline_ms = q->deadline_ms, .encode = encode_write, .done = written, .arg = q });
}

static void start_write(struct api_req *q)
{
	uint8_t returns = returns_of(q);

	if (kind_of(q) != MSG_OP_UPDATE && returns != MSG_RETURN_NONE && returns != MSG_RETURN_ALL_OLD)
		api_refuse(q, RESULT_INVALID, "ReturnValues can only be ALL_OLD or NONE");
	else
		api_table(q, write_routed);
}

void op_item_put(struct api_req *q)
{
	if (item_size(q->m[API_ITEM].s) > ITEM_BYTES_MAX)
		api_refuse(q, RESULT_INVALID, "Item size has exceeded the maximum allowed size");
	else
		start_write(q);
}

void op_item_delete(struct api_req *q)
{
	start_write(q);
}

void op_item_update(struct api_req *q)
{
	start_write(q);
}

/* --- get ---------------------------------------------------------------------------------------------------------- */

static void encode_get(void *arg, const struct route_table *t, const struct route_part *p, struct buf *out)
{
	struct api_req *q = arg;

	msg_put_get(out, &(struct msg_get){ .group = p->group, .table = t->table.id, .schema = t->table.schema,
	                                    .consistent = api_true(q, API_CONSISTENT_READ, false), .key = buf_view(&q->key),
	                                    .projection = q->prog[API_PROG_PROJECTION] }, MSG_VERSION);
}

static void got(void *arg, enum result result, struct route_table *t, struct bytes body)
{
	struct msg_got m = { .text = BYTES_NONE };
	struct api_req *q = arg;
	struct json_write *w;

	(void)t;
	if (body.n > 0 && !msg_get_got(body, &m, MSG_VERSION))
		result = RESULT_INTERNAL;
	if (result == RESULT_STALE_SCHEMA) {
		api_again(q);
		return;
	}
	if (result != RESULT_OK) {
		api_fail(q, result, m.text);
		return;
	}
	w = api_begin(q);
	if (m.found) {
		json_write_name(w, "Item");
		djson_write_item(w, m.item);
	}
	api_consumed(w, q, q->table_name, &q->table->indexes, &(struct api_units){
		.table = api_read_halves(m.item_bytes, api_true(q, API_CONSISTENT_READ, false)) });
	api_end(q);
}

static void get_routed(struct api_req *q)
{
	if (!api_key(q, q->m[API_KEY].s, true))
		return;
	api_routed(q, buf_view(&q->key));
	call_start(q->r, q->table, &(struct call_request){
		.kind = api_true(q, API_CONSISTENT_READ, false) ? CALL_READ_LEADER : CALL_READ_ANY, .type = MSG_get,
		.key = buf_view(&q->key), .deadline_ms = q->deadline_ms, .encode = encode_get, .done = got, .arg = q });
}

void op_item_get(struct api_req *q)
{
	api_table(q, get_routed);
}
