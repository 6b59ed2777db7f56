#include "op_query_index.h"

#include <assert.h>

const uint8_t op_query_members[] = {
	API_TABLE_NAME | API_REQUIRED, API_INDEX_NAME, API_SELECT, API_ATTRIBUTES_TO_GET, API_LIMIT,
	API_CONSISTENT_READ, API_KEY_CONDITIONS, API_QUERY_FILTER, API_CONDITIONAL_OPERATOR, API_SCAN_INDEX_FORWARD,
	API_EXCLUSIVE_START_KEY, API_RETURN_CONSUMED_CAPACITY, API_PROJECTION_EXPRESSION, API_FILTER_EXPRESSION,
	API_KEY_CONDITION_EXPRESSION, API_EXPRESSION_NAMES, API_EXPRESSION_VALUES, API_NO_MEMBER,
};

/* Append the key prefix, with another component if there is one; or the first key behind all that start with it. */
static void bound(struct buf *out, struct bytes prefix, struct bytes component, bool open, bool after)
{
	struct buf key = { .p = NULL };

	buf_bytes(&key, prefix);
	if (component.n > 0)
		(open ? key_add_prefix : key_add)(&key, item_value(component));
	if (!after)
		buf_bytes(out, buf_view(&key));
	else
		key_after(out, buf_view(&key));          /* there is one: a component starts with a small tag */
	buf_fini(&key);
}

/* What all keys have in common whose partition key is as the condition says. */
static void partition(const struct op_query_page *p, const struct expr_key_condition *c, struct buf *out)
{
	struct value v[KEY_PARTS_MAX];

	for (size_t i = 0; i < p->key->hash_n; i++)
		v[i] = item_value(c->hash[i]);
	key_begin_all(out, p->q->r->hasher, v, p->key->hash_n);
	if (p->index != NULL && p->index->local)
		buf_u8(out, (uint8_t)(KEY_LOCAL | p->index->id));
}

/* The keys that the key condition allows, all of one partition key. */
static void range(struct op_query_page *p, const struct expr_key_condition *c)
{
	struct bytes lo = BYTES_NONE, hi = BYTES_NONE, common;
	struct buf prefix = { .p = NULL };
	enum expr_op op = EXPR_OP_EQ;

	partition(p, c, &prefix);
	for (size_t i = 0; i + 1 < c->range_n; i++)
		key_add(&prefix, item_value(c->range[i].lo));
	if (c->range_n > 0) {
		op = c->range[c->range_n - 1].op;
		lo = c->range[c->range_n - 1].lo;
		hi = op == EXPR_OP_BETWEEN ? c->range[c->range_n - 1].hi : lo;
	}
	common = buf_view(&prefix);
	if (op == EXPR_OP_LT || op == EXPR_OP_LE)
		bound(&p->low, common, BYTES_NONE, false, false);
	else
		bound(&p->low, common, lo, op == EXPR_OP_BEGINS, op == EXPR_OP_GT);
	if (op == EXPR_OP_GT || op == EXPR_OP_GE)
		bound(&p->high, common, BYTES_NONE, false, true);
	else
		bound(&p->high, common, hi, op == EXPR_OP_BEGINS, op != EXPR_OP_LT);
	p->one_row = op == EXPR_OP_EQ && p->key->hash_n + c->range_n == p->key->n;
	buf_fini(&prefix);
}

/* ExclusiveStartKey must be one that this very query could have given. */
static bool start(struct op_query_page *p)
{
	struct api_req *q = p->q;
	struct buf why = { .p = NULL }, prefix = { .p = NULL };
	bool ok = op_query_page_start(p, &why) == KEY_OK;
	struct bytes key = buf_view(&p->start);
	const char *wrong = NULL;

	partition(p, &q->key_condition, &prefix);
	if (!ok)
		wrong = "The provided starting key is invalid";
	else if (key.n > 0 && p->one_row)
		wrong = "The query can return at most one row and cannot be restarted";
	else if (key.n > 0 && !bytes_starts(key, buf_view(&prefix)))
		wrong = "The provided starting key is outside query boundaries based on provided conditions";
	else if (key.n > 0 && (bytes_cmp(key, buf_view(&p->low)) < 0 || bytes_cmp(key, buf_view(&p->high)) >= 0 ||
	                       op_query_page_over(p, key)))
		wrong = "The provided starting key does not match the range key predicate";
	buf_fini(&why);
	buf_fini(&prefix);
	if (wrong != NULL)
		api_refuse(q, RESULT_INVALID, "%s", wrong);
	return wrong == NULL;
}

static void run(struct op_query_page *p)
{
	struct api_req *q = p->q;

	p->reverse = !api_true(q, API_SCAN_INDEX_FORWARD, true);
	range(p, &q->key_condition);
	if (start(p))
		op_query_page_run(p);
}

static void query(struct api_req *q)
{
	op_query_index_open(q, run);
}

void op_query(struct api_req *q)
{
	if (q->m[API_LIMIT].given && q->m[API_LIMIT].i < 1) {
		api_refuse(q, RESULT_INVALID, "1 validation error detected: Value at 'Limit' failed to satisfy constraint: "
		                              "Member must have value greater than or equal to 1");
		return;
	}
	if (!op_query_page_select(q))
		return;
	if (!q->m[API_KEY_CONDITION_EXPRESSION].given && !q->m[API_KEY_CONDITIONS].given) {
		api_refuse(q, RESULT_INVALID, "Either the KeyConditions or KeyConditionExpression parameter must be "
		                              "specified in the request.");
		return;
	}
	api_table(q, query);
}
