#include "op_query_page.h"

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

/* The keys that the key condition allows, all of one partition key: prefix is what they have in common at least. */
static void range(struct op_query_page *p, const struct expr_key_condition *c, struct buf *prefix)
{
	const struct key_schema *s = &p->q->table->table.key;
	struct bytes lo = BYTES_NONE, hi = BYTES_NONE, common;
	enum expr_op op = EXPR_OP_EQ;

	assert(s->hash_n == 1);
	key_begin(prefix, p->q->r->hasher, item_value(c->hash[0]));
	for (size_t i = 0; i + 1 < c->range_n; i++)
		key_add(prefix, item_value(c->range[i].lo));
	if (c->range_n > 0) {
		op = c->range[c->range_n - 1].op;
		lo = c->range[c->range_n - 1].lo;
		hi = op == EXPR_OP_BETWEEN ? c->range[c->range_n - 1].hi : lo;
	}
	common = buf_view(prefix);
	if (op == EXPR_OP_LT || op == EXPR_OP_LE)
		bound(&p->low, common, BYTES_NONE, false, false);
	else
		bound(&p->low, common, lo, op == EXPR_OP_BEGINS, op == EXPR_OP_GT);
	if (op == EXPR_OP_GT || op == EXPR_OP_GE)
		bound(&p->high, common, BYTES_NONE, false, true);
	else
		bound(&p->high, common, hi, op == EXPR_OP_BEGINS, op != EXPR_OP_LT);
	p->one_row = op == EXPR_OP_EQ && c->range_n + 1u == s->n;
}

/* ExclusiveStartKey must be one that this very query could have given. */
static bool start(struct op_query_page *p, struct bytes prefix)
{
	struct api_req *q = p->q;
	struct buf why = { .p = NULL };
	bool ok = op_query_page_start(p, &why) == KEY_OK;
	struct bytes key = buf_view(&p->start);
	const char *wrong = NULL;

	buf_fini(&why);
	if (!ok)
		wrong = "The provided starting key is invalid";
	else if (key.n == 0)
		return true;
	else if (p->one_row)
		wrong = "The query can return at most one row and cannot be restarted";
	else if (!bytes_starts(key, prefix))
		wrong = "The provided starting key is outside query boundaries based on provided conditions";
	else if (bytes_cmp(key, buf_view(&p->low)) < 0 || bytes_cmp(key, buf_view(&p->high)) >= 0 ||
	         op_query_page_over(p, key))
		wrong = "The provided starting key does not match the range key predicate";
	if (wrong != NULL)
		api_refuse(q, RESULT_INVALID, "%s", wrong);
	return wrong == NULL;
}

static void query(struct api_req *q)
{
	struct buf prefix = { .p = NULL };
	struct op_query_page *p;

	if (!op_query_page_index(q))
		return;
	p = op_query_page_new(q);
	p->reverse = !api_true(q, API_SCAN_INDEX_FORWARD, true);
	range(p, &q->key_condition, &prefix);
	if (start(p, buf_view(&prefix)))
		op_query_page_run(p);
	buf_fini(&prefix);
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
