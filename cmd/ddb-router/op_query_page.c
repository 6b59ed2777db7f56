#include "op_query_index.h"

#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "msg.h"

/* Longer than what can follow a partition's first key in a key of an item: see below(). */
#define ITEM_TAIL_MAX (2 * (KEY_PARTITION_BYTES_MAX + KEY_SORT_BYTES_MAX) + 64)

/* --- what was asked for ------------------------------------------------------------------------------------------- */

static const char *projected_by(const struct api_req *q)
{
	if (q->m[API_PROJECTION_EXPRESSION].given)
		return "ProjectionExpression";
	return q->m[API_ATTRIBUTES_TO_GET].given ? "AttributesToGet" : NULL;
}

bool op_query_page_select(struct api_req *q)
{
	const char *by = projected_by(q);
	struct bytes what = api_is(q, API_SELECT, "COUNT") ? BYTES_LIT("only the Count") : q->m[API_SELECT].s;

	if (api_is(q, API_SELECT, "SPECIFIC_ATTRIBUTES")) {
		if (by == NULL) {
			api_refuse(q, RESULT_INVALID, "Must specify the AttributesToGet or ProjectionExpression when "
			                              "choosing to get SPECIFIC_ATTRIBUTES");
			return false;
		}
	} else if (q->m[API_SELECT].given && by != NULL) {
		api_refuse(q, RESULT_INVALID, "Cannot specify the %s when choosing to get %.*s", by,
		           (int)what.n, (const char *)what.p);
		return false;
	}
	if (api_is(q, API_SELECT, "ALL_PROJECTED_ATTRIBUTES") && !q->m[API_INDEX_NAME].given) {
		api_refuse(q, RESULT_INVALID,
		           "ALL_PROJECTED_ATTRIBUTES can be used only when Querying using an IndexName");
		return false;
	}
	return true;
}

bool op_query_page_over(const struct op_query_page *p, struct bytes key)
{
	struct buf after = { .p = NULL };
	bool over;

	if (key.n == 0)
		return false;
	if (p->reverse)
		return bytes_cmp(key, buf_view(&p->low)) <= 0;
	over = p->high.n > 0 && key_after(&after, key) && bytes_cmp(buf_view(&after), buf_view(&p->high)) >= 0;
	buf_fini(&after);
	return over;
}

static void page_free(void *own)
{
	struct op_query_page *p = own;

	p->q->r->held_bytes -= p->items.n;
	if (p->refresh_due)                              /* refused before its place was known */
		route_refresh(p->q->r, p->rows, BYTES_NONE);
	route_release(p->rows);
	buf_fini(&p->low);
	buf_fini(&p->high);
	buf_fini(&p->start);
	buf_fini(&p->items);
	buf_fini(&p->last_key);
	buf_fini(&p->edge);
	free(p);
}

struct op_query_page *op_query_page_new(struct api_req *q, const struct index *x)
{
	struct op_query_page *p = mem_new(sizeof *p);
	int64_t limit = q->m[API_LIMIT].given ? q->m[API_LIMIT].i : 0;

	if (q->own_free != NULL)                         /* of an attempt that found the table outdated */
		q->own_free(q->own);
	p->q = q;
	p->index = x;
	p->key = x != NULL ? &x->key : &q->table->table.key;
	p->consistent = api_true(q, API_CONSISTENT_READ, false);
	p->count_only = api_is(q, API_SELECT, "COUNT");
	p->limit = limit > UINT32_MAX ? UINT32_MAX : (uint32_t)limit;
	q->own = p;
	q->own_free = page_free;
	return p;
}

enum key_result op_query_page_start(struct op_query_page *p, struct buf *why)
{
	const struct api_value *given = &p->q->m[API_EXCLUSIVE_START_KEY];
	enum key_result result;
	size_t part;

	if (!given->given)
		return KEY_OK;
	if (p->index != NULL)
		return op_query_index_start(p, given->s, why);
	result = key_of_exact(&p->start, p->q->r->hasher, p->key, given->s, &part);
	api_key_message(why, p->key, result, part, given->s, true);
	return result;
}

/* --- the answer --------------------------------------------------------------------------------------------------- */

static void write_items(struct json_write *w, struct bytes items)
{
	struct cur c = cur_of(items);

	while (c.p < c.end && !c.bad) {
		struct bytes item = cur_lenbytes(&c);

		if (!c.bad)
			djson_write_item(w, item);
	}
}

static void write_last_key(struct json_write *w, struct op_query_page *p)
{
	struct item_build *b = &p->q->item;              /* ExclusiveStartKey was there, and is p->start now */

	item_build_reset(b);
	item_build_item(b);
	if (!key_attributes(b, p->key, buf_view(&p->last_key)) || !item_build_close(b))
		return;                                  /* no key of this table: the peer is at fault */
	json_write_name(w, "LastEvaluatedKey");
	djson_write_item(w, item_build_view(b));
}

static void write_consumed(struct json_write *w, const struct op_query_page *p)
{
	const struct api_req *q = p->q;
	uint64_t halves = api_read_halves(p->read_bytes, p->consistent);
	struct api_units u = { .table = halves };

	if (p->index != NULL) {
		u.table = p->consistent ? 2 * p->fetched_units : p->fetched_units;
		api_units_index(&u, &q->table->indexes, p->index->id, halves);
	}
	api_consumed(w, q, q->table_name, &q->table->indexes, &u);
	api_units_fini(&u);
}

static void answer(struct op_query_page *p, struct bytes items, bool more)
{
	struct api_req *q = p->q;
	struct json_write *w = api_begin(q);

	json_write_name(w, "Count");
	json_write_u64(w, p->count);
	if (!p->count_only) {
		json_write_name(w, "Items");
		json_write_array(w);
		write_items(w, buf_view(&p->items));
		write_items(w, items);
		json_write_array_end(w);
	}
	if (more)
		write_last_key(w, p);
	json_write_name(w, "ScannedCount");
	json_write_u64(w, p->scanned);
	write_consumed(w, p);
	api_end(q);
}

/* --- from partition to partition ---------------------------------------------------------------------------------- */

static void set(struct buf *b, struct bytes v)
{
	buf_clear(b);
	buf_bytes(b, v);
}

/* The range's own first key, or the place after which a page before this one ended. */
static struct bytes from(const struct op_query_page *p)
{
	return buf_view(p->start.n > 0 ? &p->start : p->reverse ? &p->high : &p->low);
}

/* What the page has of API_PAGE_BYTES_MAX, with n bytes of items in hand.  Rows do not tell how large the items behind them are. */
static uint64_t filled(const struct op_query_page *p, size_t n)
{
	return p->read_bytes + (p->fetch ? p->items.n + n : 0);
}

static void encode(void *arg, const struct route_table *t, const struct route_part *part, struct buf *out)
{
	struct op_query_page *p = arg;
	const struct api_req *q = p->q;
	const struct route_table *rows = p->rows != NULL ? p->rows : q->table;

	set(&p->edge, p->reverse ? part->low : part->high);
	msg_put_scan(out, &(struct msg_scan){
		.group = part->group, .table = rows->table.id, .schema = t->table.schema,
		.consistent = p->consistent, .reverse = p->reverse, .count_only = p->count_only,
		.from = from(p), .to = buf_view(p->reverse ? &p->low : &p->high),
		.from_exclusive = p->reverse || p->start.n > 0, .limit = p->limit > 0 ? p->limit - p->scanned : 0,
		.bytes_max = (uint32_t)(API_PAGE_BYTES_MAX - filled(p, 0)), .filter = q->prog[API_PROG_FILTER],
		.projection = q->prog[API_PROG_PROJECTION],
		.index = p->index != NULL && p->index->local ? p->index->id : 0, .fetch = p->fetch }, MSG_VERSION);
}

static bool at_end(const struct op_query_page *p)
{
	struct bytes edge = buf_view(&p->edge);

	if (edge.n == 0 || op_query_page_over(p, buf_view(&p->last_key)))
		return true;
	if (p->reverse)
		return bytes_cmp(edge, buf_view(&p->low)) <= 0;
	return p->high.n > 0 && bytes_cmp(edge, buf_view(&p->high)) >= 0;
}

/*
 * A string below edge, and not below any key smaller than edge: the partition in front of edge is the one that holds
 * it.  edge is not empty.
 */
static void below(struct buf *out, struct bytes edge, size_t tail)
{
	uint8_t last = edge.p[edge.n - 1];

	buf_put(out, edge.p, edge.n - 1);
	if (last == 0)
		return;
	buf_u8(out, (uint8_t)(last - 1));
	memset(buf_room(out, tail), 0xff, tail);
	out->n += tail;
}

static void got(void *arg, enum result result, struct route_table *t, struct bytes body);

static void ask(struct op_query_page *p, struct bytes key)
{
	struct call_request call = {
		.kind = p->consistent ? CALL_READ_LEADER : CALL_READ_ANY, .type = MSG_scan, .key = key,
		.deadline_ms = p->q->deadline_ms, .encode = encode, .done = got, .arg = p,
	};

	call_start(p->q->r, p->rows != NULL ? p->rows : p->q->table, &call);
}

static void next(struct op_query_page *p)
{
	struct buf key = { .p = NULL };

	if (p->reverse)
		below(&key, buf_view(&p->edge), p->index != NULL ? KEY_BYTES_MAX : ITEM_TAIL_MAX);
	else
		buf_bytes(&key, buf_view(&p->edge));
	ask(p, buf_view(&key));
	buf_fini(&key);
}

static void failed(struct op_query_page *p, enum result result, struct bytes text)
{
	struct api_req *q = p->q;

	/* The table is another one by now, or its index is gone: nothing was read. */
	if (p->last_key.n == 0 && (result == RESULT_STALE_SCHEMA || (result == RESULT_NO_TABLE && p->index != NULL))) {
		api_again(q);
		return;
	}
	/* What came before is a page, if it can be continued: a shorter one is always allowed. */
	if (p->last_key.n > 0 && result_info(result)->retry != RESULT_NOBODY)
		answer(p, BYTES_NONE, true);
	else
		api_fail(q, result, text);
}

/* Must the page end here, so many bytes of items in hand?  Without a last key it cannot, nor does it hold any. */
static bool no_room(const struct op_query_page *p, size_t n)
{
	return p->last_key.n > 0 &&
	       (filled(p, n) >= API_PAGE_BYTES_MAX || (n > 0 && p->q->r->held_bytes + n > ROUTER_HELD_BYTES_MAX));
}

static void got(void *arg, enum result result, struct route_table *t, struct bytes body)
{
	struct op_query_page *p = arg;
	struct msg_page m = { .result = RESULT_OK };
	bool readable = msg_get_page(body, &m, MSG_VERSION), limited, full, more;

	(void)t;
	if (result != RESULT_OK || !readable) {
		failed(p, result != RESULT_OK ? result : RESULT_INTERNAL, readable ? m.text : BYTES_NONE);
		return;
	}
	p->count += m.count;
	p->scanned += m.scanned;
	p->read_bytes += m.read_bytes;
	p->fetched_units += m.fetched_units;
	if (m.last_key.n > 0)
		set(&p->last_key, m.last_key);
	/*
	 * At its Limit a page has a last key, be there more items or not: the service does not look ahead.  It has none
	 * that would be refused as the start of the next page.
	 */
	limited = p->limit > 0 && p->scanned >= p->limit && !op_query_page_over(p, buf_view(&p->last_key));
	more = m.paused.n > 0 || !at_end(p);
	full = m.more || limited || (more && no_room(p, m.items.n));
	if (full || !more || http_gone(p->q->http)) {
		answer(p, m.items, full);
		return;
	}
	buf_bytes(&p->items, m.items);
	p->q->r->held_bytes += m.items.n;
	if (m.paused.n > 0) {
		set(&p->start, m.paused);
		ask(p, buf_view(&p->start));
	} else {
		next(p);
	}
}

void op_query_page_run(struct op_query_page *p)
{
	api_routed(p->q, p->rows == NULL ? from(p) : BYTES_NONE);
	if (p->refresh_due)
		route_refresh(p->q->r, p->rows, from(p));
	p->refresh_due = false;
	ask(p, from(p));
}
