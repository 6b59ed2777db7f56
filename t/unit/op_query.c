/*
 * Query and Scan over a fake of the nodes: a sorted list of rows, cut into partitions at places of every kind.  What a
 * client collects page by page must be what the range holds, in order, whatever the cuts, the Limit and the sizes.
 */
#include <assert.h>
#include <stdarg.h>
#include <stdlib.h>

#include "check.h"
#include "cmd/ddb-router/api.h"
#include "mem.h"
#include "msg.h"

#define ROWS_MAX 60
#define PARTS_MAX 9

struct row {
	struct bytes key, item;
};

static struct {
	struct row row[ROWS_MAX];
	size_t nrows;
	struct route_part part[PARTS_MAX];
	struct route_table table;
	struct router router;
	struct call_request pending;
	bool waits, ended, gone;
	unsigned asked, fail_from;               /* calls so far; from this one on they fail (0: never) */
	struct buf out, message;
	struct json_write w;
	enum result refused;
	uint64_t half_units;
} fake;

/* --- the rest of the router --------------------------------------------------------------------------------------- */

bool api_is(const struct api_req *q, enum api_member m, const char *value)
{
	return q->m[m].given && bytes_is(q->m[m].s, value);
}

bool api_true(const struct api_req *q, enum api_member m, bool otherwise)
{
	return q->m[m].given ? q->m[m].i != 0 : otherwise;
}

const char *api_member_name(enum api_member m)
{
	(void)m;
	return "Member";
}

struct json_write *api_begin(struct api_req *q)
{
	(void)q;
	buf_clear(&fake.out);
	fake.w = (struct json_write){ .b = &fake.out };
	json_write_object(&fake.w);
	return &fake.w;
}

/* Nothing of the request outlives its answer. */
static void ended(struct api_req *q)
{
	assert(!fake.ended);
	fake.ended = true;
	if (q->own_free != NULL)
		q->own_free(q->own);
	q->own_free = NULL;
	memset(q->m, 0, sizeof q->m);
}

void api_end(struct api_req *q)
{
	json_write_object_end(&fake.w);
	ended(q);
}

void api_refuse(struct api_req *q, enum result result, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	api_fail(q, result, bytes_str(text));
}

void api_fail(struct api_req *q, enum result result, struct bytes text)
{
	fake.refused = result;
	buf_bytes(&fake.message, text);
	ended(q);
}

void api_key_message(struct buf *out, const struct key_schema *s, enum key_result result, size_t part,
                     struct bytes item, bool exact)
{
	(void)s, (void)part, (void)item, (void)exact;
	if (result != KEY_OK)
		buf_str(out, "no key");
}

void api_consumed(struct json_write *w, const struct api_req *q, struct bytes table, uint64_t half_units)
{
	(void)w, (void)q, (void)table;
	fake.half_units = half_units;
}

uint64_t api_read_halves(uint64_t bytes, bool consistent)
{
	return (bytes + 4095) / 4096 * (consistent ? 2 : 1);
}

void api_table(struct api_req *q, void (*next)(struct api_req *q))
{
	q->table = &fake.table;
	next(q);
}

void api_routed(struct api_req *q, struct bytes key)
{
	(void)q, (void)key;
}

bool http_gone(const struct http_req *req)
{
	(void)req;
	return fake.gone;
}

void call_start(struct router *r, struct route_table *t, const struct call_request *q)
{
	(void)r, (void)t;
	assert(!fake.waits);                             /* one partition at a time */
	fake.pending = *q;
	fake.pending.key = bytes_copy(q->key);
	fake.waits = true;
}

/* --- the nodes ---------------------------------------------------------------------------------------------------- */

static bool within(const struct msg_scan *m, const struct route_part *p, struct bytes key)
{
	int c = bytes_cmp(key, m->from);

	if (bytes_cmp(key, p->low) < 0 || (p->high.n > 0 && bytes_cmp(key, p->high) >= 0))
		return false;
	if (m->from_exclusive && c == 0)
		return false;
	if (m->reverse)
		return (m->from.n == 0 || c <= 0) && (m->to.n == 0 || bytes_cmp(key, m->to) >= 0);
	return c >= 0 && (m->to.n == 0 || bytes_cmp(key, m->to) < 0);
}

static void page(const struct msg_scan *m, const struct route_part *p, struct buf *out)
{
	struct msg_page a = { .result = RESULT_OK };
	struct buf items = { 0 };

	CHECK(m->bytes_max > 0 && m->bytes_max <= API_PAGE_BYTES_MAX);
	for (size_t i = 0; i < fake.nrows; i++) {
		const struct row *row = &fake.row[m->reverse ? fake.nrows - 1 - i : i];

		if (!within(m, p, row->key))
			continue;
		if ((m->limit > 0 && a.scanned == m->limit) || a.read_bytes >= m->bytes_max) {
			a.more = 1;
			break;
		}
		a.scanned++;
		a.count++;
		a.read_bytes += item_size(row->item);
		a.last_key = row->key;
		if (!m->count_only)
			buf_lenbytes(&items, row->item);
	}
	a.items = buf_view(&items);
	msg_put_page(out, &a, MSG_VERSION);
	buf_fini(&items);
}

static void serve(void)
{
	while (fake.waits) {
		struct call_request q = fake.pending;
		struct buf request = { 0 }, answer = { 0 };
		const struct route_part *p = route_part(&fake.table, q.key);
		struct msg_scan m;

		fake.waits = false;
		CHECK(p != NULL);
		q.encode(q.arg, &fake.table, p, &request);
		CHECK(msg_get_scan(buf_view(&request), &m, MSG_VERSION));
		CHECK_INT(m.group, p->group);
		free((void *)q.key.p);
		if (++fake.asked >= fake.fail_from && fake.fail_from > 0) {
			q.done(q.arg, RESULT_UNAVAILABLE, &fake.table, BYTES_NONE);
		} else {
			page(&m, p, &answer);
			q.done(q.arg, RESULT_OK, &fake.table, buf_view(&answer));
		}
		buf_fini(&request);
		buf_fini(&answer);
	}
}

/* --- the table ---------------------------------------------------------------------------------------------------- */

static void set_up(void)
{
	memset(&fake, 0, sizeof fake);
	fake.router.hasher = key_hasher_new();
	fake.table.table.id = 7;
	fake.table.table.schema = 1;
	fake.table.table.key = (struct key_schema){
		.part = { { BYTES_LIT("pk"), ITEM_S }, { BYTES_LIT("sk"), ITEM_N } }, .n = 2, .hash_n = 1,
	};
	fake.table.part = fake.part;
	fake.table.nparts = 1;
	fake.part[0].group = 100;
}

static void tear_down(void)
{
	for (size_t i = 0; i < fake.nrows; i++) {
		free((void *)fake.row[i].key.p);
		free((void *)fake.row[i].item.p);
	}
	for (size_t i = 0; i < fake.table.nparts; i++)
		free((void *)fake.part[i].low.p);
	key_hasher_free(fake.router.hasher);
	buf_fini(&fake.out);
	buf_fini(&fake.message);
}

static int compare(const void *a, const void *b)
{
	return bytes_cmp(((const struct row *)a)->key, ((const struct row *)b)->key);
}

static void add(const char *pk, uint64_t sk, size_t padding)
{
	struct item_build b;
	struct buf key = { 0 };
	size_t part;

	item_build_init(&b);
	item_build_item(&b);
	item_build_name(&b, BYTES_LIT("pk"));
	item_build_s(&b, bytes_str(pk));
	item_build_name(&b, BYTES_LIT("sk"));
	item_build_u64(&b, sk);
	item_build_name(&b, BYTES_LIT("v"));
	memset(item_build_b_room(&b, padding), 0, padding);
	CHECK(item_build_close(&b));
	CHECK_INT(key_of_item(&key, fake.router.hasher, &fake.table.table.key, item_build_view(&b), &part), KEY_OK);
	assert(fake.nrows < ROWS_MAX);
	fake.row[fake.nrows++] = (struct row){ bytes_copy(buf_view(&key)), bytes_copy(item_build_view(&b)) };
	qsort(fake.row, fake.nrows, sizeof fake.row[0], compare);
	buf_fini(&key);
	item_build_fini(&b);
}

/* Another partition begins here; nothing if one does already. */
static void cut(struct bytes at)
{
	size_t n = fake.table.nparts, i = 1;

	while (i < n && bytes_cmp(fake.part[i].low, at) < 0)
		i++;
	if (at.n == 0 || n == PARTS_MAX || (i < n && bytes_eq(fake.part[i].low, at)))
		return;
	memmove(&fake.part[i + 1], &fake.part[i], (n - i) * sizeof fake.part[0]);
	fake.part[i] = (struct route_part){ .low = bytes_copy(at) };
	fake.table.nparts = ++n;
	for (i = 0; i < n; i++) {
		fake.part[i].group = 100 + i;
		fake.part[i].high = i + 1 < n ? fake.part[i + 1].low : BYTES_NONE;
	}
}

/* --- a client ----------------------------------------------------------------------------------------------------- */

struct client {
	void (*run)(struct api_req *q);
	struct expr_key_condition condition;
	const char *select, *index;
	bool reverse, consistent;
	int64_t limit, segment, total;           /* 0: none */
	struct bytes start;                      /* item; owned */
	struct bytes keys[ROWS_MAX];             /* of the rows seen; owned */
	size_t n, pages;
};

static struct bytes key_of(struct bytes item)
{
	struct buf key = { 0 };
	struct bytes r;
	size_t part;

	CHECK_INT(key_of_item(&key, fake.router.hasher, &fake.table.table.key, item, &part), KEY_OK);
	r = bytes_copy(buf_view(&key));
	buf_fini(&key);
	return r;
}

static void give(struct api_req *q, enum api_member m, bool given, int64_t i, struct bytes s)
{
	q->m[m] = (struct api_value){ .given = given, .i = i, .s = s };
}

static void read_answer(struct client *c)
{
	struct djson_error e;
	struct item_build b;
	struct json_read r;

	item_build_init(&b);
	json_read_init(&r, buf_view(&fake.out), JSON_DEPTH_MAX);
	CHECK(json_read_next(&r) == JSON_OBJECT);
	while (json_read_next(&r) == JSON_KEY) {
		struct bytes name = r.str;

		json_read_next(&r);
		if (bytes_is(name, "LastEvaluatedKey")) {
			CHECK_INT(djson_item(&r, &b, &e), DJSON_OK);
			c->start = bytes_copy(item_build_view(&b));
		} else if (bytes_is(name, "ScannedCount")) {
			CHECK(c->limit == 0 || strtoll((const char *)r.str.p, NULL, 10) <= c->limit);
		} else if (bytes_is(name, "Items")) {
			while (json_read_next(&r) == JSON_OBJECT) {
				CHECK_INT(djson_item(&r, &b, &e), DJSON_OK);
				assert(c->n < ROWS_MAX);
				c->keys[c->n++] = key_of(item_build_view(&b));
			}
		}
	}
	CHECK(json_read_finish(&r));
	json_read_fini(&r);
	item_build_fini(&b);
}

/* One page.  True if there is another one to ask for. */
static bool turn(struct client *c)
{
	struct api_req *q = mem_new(sizeof *q);

	q->r = &fake.router;
	item_build_init(&q->item);
	q->key_condition = c->condition;
	give(q, API_KEY_CONDITION_EXPRESSION, true, 0, BYTES_NONE);
	give(q, API_SCAN_INDEX_FORWARD, true, !c->reverse, BYTES_NONE);
	give(q, API_CONSISTENT_READ, true, c->consistent, BYTES_NONE);
	give(q, API_LIMIT, c->limit > 0, c->limit, BYTES_NONE);
	give(q, API_SEGMENT, c->total > 0, c->segment, BYTES_NONE);
	give(q, API_TOTAL_SEGMENTS, c->total > 0, c->total, BYTES_NONE);
	give(q, API_SELECT, c->select != NULL, 0, bytes_str(c->select != NULL ? c->select : ""));
	give(q, API_INDEX_NAME, c->index != NULL, 0, bytes_str(c->index != NULL ? c->index : ""));
	give(q, API_EXCLUSIVE_START_KEY, c->start.n > 0, 0, c->start);
	fake.ended = false;
	fake.refused = RESULT_OK;
	buf_clear(&fake.message);
	c->run(q);
	serve();
	CHECK(fake.ended);
	CHECK_INT(fake.router.held_bytes, 0);
	item_build_fini(&q->item);
	free(q);
	free((void *)c->start.p);
	c->start = BYTES_NONE;
	if (fake.refused != RESULT_OK)
		return false;
	read_answer(c);
	c->pages++;
	return c->start.n > 0 && c->pages < 200;
}

static void client_end(struct client *c)
{
	for (size_t i = 0; i < c->n; i++)
		free((void *)c->keys[i].p);
	free((void *)c->start.p);
	c->start = BYTES_NONE;
	c->n = c->pages = 0;
}

/* The client saw rows first..last, in this order, and nothing else. */
static void saw(const struct client *c, size_t first, size_t n)
{
	CHECK_INT(c->n, n);
	for (size_t i = 0; i < n && i < c->n; i++)
		CHECK(bytes_eq(c->keys[i], fake.row[c->reverse ? first + n - 1 - i : first + i].key));
}

/* --- tests -------------------------------------------------------------------------------------------------------- */

static uint64_t seed;

static unsigned dice(unsigned n)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(seed >> 33) % n;
}

/* At a row's key, in front of it, behind it, at the hash, anywhere in the hash space. */
static void random_cut(void)
{
	struct buf at = { 0 };

	if (fake.nrows > 0 && dice(4) > 0) {
		struct bytes key = fake.row[dice((unsigned)fake.nrows)].key;

		buf_put(&at, key.p, dice(2) ? key.n : dice(2) ? KEY_HASH_N : 1 + dice((unsigned)key.n));
		if (dice(3) == 0)
			buf_u8(&at, dice(2) ? 0 : 0xff);
		if (dice(6) == 0)
			buf_u8(&at, 0);
	} else {
		for (unsigned n = 1 + dice(20); n > 0; n--)
			buf_u8(&at, dice(3) == 0 ? 0 : (uint8_t)dice(256));
	}
	cut(buf_view(&at));
	buf_fini(&at);
}

static void random_table(bool heavy)
{
	set_up();
	for (unsigned i = dice(ROWS_MAX); i > 0; i--) {
		uint64_t sk = i * 10;

		add(dice(3) > 0 ? "a" : dice(2) ? "b" : "c", sk, heavy ? dice(390000) : dice(3));
	}
	for (unsigned i = dice(PARTS_MAX); i > 0; i--)
		random_cut();
}

static struct bytes value_s(const char *s)
{
	struct item_build b;
	struct bytes v;

	item_build_init(&b);
	item_build_s(&b, bytes_str(s));
	v = bytes_copy(item_build_view(&b));
	item_build_fini(&b);
	return v;
}

static struct bytes value_n(uint64_t n)
{
	struct item_build b;
	struct bytes v;

	item_build_init(&b);
	item_build_u64(&b, n);
	v = bytes_copy(item_build_view(&b));
	item_build_fini(&b);
	return v;
}

static bool matches(enum expr_op op, uint64_t v, uint64_t lo, uint64_t hi)
{
	switch (op) {
	case EXPR_OP_EQ: return v == lo;
	case EXPR_OP_LT: return v < lo;
	case EXPR_OP_LE: return v <= lo;
	case EXPR_OP_GT: return v > lo;
	case EXPR_OP_GE: return v >= lo;
	case EXPR_OP_BETWEEN: return v >= lo && v <= hi;
	default: return true;
	}
}

static uint64_t sk_of(const struct row *row)
{
	struct value v;
	struct num n;
	uint64_t u = 0;

	item_get(row->item, BYTES_LIT("sk"), &v);
	CHECK(item_value_num(v, &n) && num_to_u64(&n, &u));
	return u;
}

static bool is_pk(const struct row *row, const char *pk)
{
	struct value v;

	item_get(row->item, BYTES_LIT("pk"), &v);
	return bytes_is(v.body, pk);
}

static void one_query(bool heavy)
{
	uint64_t lo = dice(ROWS_MAX * 10), hi = lo + dice(200);
	enum expr_op op = (enum expr_op)dice(EXPR_OP_BETWEEN + 1);       /* 0: no condition on the sort key */
	struct bytes pk = value_s("a"), l = value_n(lo), h = value_n(hi);
	struct client c = { .run = op_query, .reverse = dice(2), .consistent = dice(2) };
	size_t first = 0, n = 0;

	random_table(heavy);
	c.limit = dice(2) ? 1 + dice(9) : 0;
	c.condition.hash[0] = pk;
	c.condition.range_n = op > 0;
	c.condition.range[0].op = op;
	c.condition.range[0].lo = l;
	c.condition.range[0].hi = h;
	for (size_t i = 0; i < fake.nrows; i++)
		if (is_pk(&fake.row[i], "a") && matches(op, sk_of(&fake.row[i]), lo, hi)) {
			first = n == 0 ? i : first;
			n++;
		}
	while (turn(&c))
		;
	CHECK_INT(fake.refused, RESULT_OK);
	saw(&c, first, n);
	client_end(&c);
	free((void *)pk.p);
	free((void *)l.p);
	free((void *)h.p);
	tear_down();
}

TEST(query_pages_are_the_range)
{
	seed = 1;
	for (int i = 0; i < 3000 && check_failures == 0; i++)
		one_query(false);
	for (int i = 0; i < 30 && check_failures == 0; i++)
		one_query(true);
}

TEST(scan_pages_are_the_table)
{
	seed = 2;
	for (int i = 0; i < 1000 && check_failures == 0; i++) {
		struct client c = { .run = op_query_scan, .consistent = dice(2), .limit = dice(2) ? 1 + dice(9) : 0 };

		random_table(i % 100 == 0);
		while (turn(&c))
			;
		saw(&c, 0, fake.nrows);
		client_end(&c);
		tear_down();
	}
}

TEST(segments_share_the_table)
{
	seed = 3;
	for (int i = 0; i < 300 && check_failures == 0; i++) {
		struct client c = { .run = op_query_scan, .limit = dice(2) ? 1 + dice(9) : 0, .total = 1 + dice(12) };

		random_table(false);
		for (; c.segment < c.total; c.segment++)
			while (turn(&c))
				;
		saw(&c, 0, fake.nrows);
		client_end(&c);
		tear_down();
	}
}

/* A partition that ends exactly where the page does. */
TEST(limit_at_the_end_of_a_partition)
{
	struct client c = { .run = op_query_scan, .limit = 2 };

	set_up();
	for (uint64_t i = 1; i <= 4; i++)
		add("a", i, 0);
	cut(fake.row[2].key);
	CHECK(turn(&c));
	CHECK_INT(fake.asked, 1);
	CHECK(turn(&c));
	saw(&c, 0, 4);
	CHECK(!turn(&c));                                /* nothing behind it, which only the next page tells */
	CHECK_INT(fake.asked, 4);                        /* the rest of the first, the second; the second */
	client_end(&c);
	tear_down();
}

static struct bytes start_at(size_t row)
{
	struct item_build b;
	struct bytes start;

	item_build_init(&b);
	item_build_item(&b);
	CHECK(key_attributes(&b, &fake.table.table.key, fake.row[row].key));
	item_build_close(&b);
	start = bytes_copy(item_build_view(&b));
	item_build_fini(&b);
	return start;
}

/* Where nothing can follow in the range there is no last key, nor can a page begin. */
TEST(the_end_of_a_range)
{
	struct bytes pk = value_s("a"), l = value_n(2), h = value_n(4);
	struct client c = { .run = op_query, .limit = 3 };

	set_up();
	for (uint64_t i = 1; i <= 5; i++)
		add("a", i, 0);
	cut(fake.row[4].key);
	c.condition.hash[0] = pk;
	c.condition.range_n = 1;
	c.condition.range[0].op = EXPR_OP_BETWEEN;
	c.condition.range[0].lo = l;
	c.condition.range[0].hi = h;
	for (c.reverse = false;; c.reverse = true) {
		CHECK(!turn(&c));
		saw(&c, 1, 3);
		client_end(&c);
		c.start = start_at(c.reverse ? 1 : 3);
		CHECK(!turn(&c));
		CHECK_INT(fake.refused, RESULT_INVALID);
		c.start = start_at(c.reverse ? 3 : 1);
		CHECK(!turn(&c));
		CHECK_INT(fake.refused, RESULT_OK);
		CHECK_INT(c.n, 2);
		client_end(&c);
		if (c.reverse)
			break;
	}
	free((void *)pk.p);
	free((void *)l.p);
	free((void *)h.p);
	tear_down();
}

TEST(size_at_the_end_of_a_partition)
{
	struct client c = { .run = op_query_scan };
	struct row *last;

	set_up();
	for (uint64_t i = 1; i <= 3; i++)
		add("a", i, API_PAGE_BYTES_MAX / 3);
	last = &fake.row[2];
	/* Names count: make the three exactly one page. */
	free((void *)last->key.p);
	free((void *)last->item.p);
	fake.nrows = 2;
	add("a", 3, API_PAGE_BYTES_MAX - item_size(fake.row[0].item) - item_size(fake.row[1].item) -
	            (item_size(fake.row[0].item) - API_PAGE_BYTES_MAX / 3));
	add("a", 4, 10);
	cut(fake.row[3].key);
	CHECK(turn(&c));
	CHECK_INT(c.n, 3);
	CHECK_INT(fake.asked, 1);
	CHECK(!turn(&c));
	saw(&c, 0, 4);
	client_end(&c);
	tear_down();
}

TEST(what_came_before_a_failure_is_a_page)
{
	struct client c = { .run = op_query_scan };

	set_up();
	for (uint64_t i = 1; i <= 4; i++)
		add("a", i, 0);
	cut(fake.row[2].key);
	fake.fail_from = 2;
	CHECK(turn(&c));
	CHECK_INT(c.n, 2);
	CHECK(!turn(&c));
	CHECK_INT(fake.refused, RESULT_UNAVAILABLE);
	fake.fail_from = 0;
	client_end(&c);
	while (turn(&c))
		;
	saw(&c, 0, 4);
	client_end(&c);
	tear_down();
}

TEST(nobody_asks_for_who_has_left)
{
	struct client c = { .run = op_query_scan };

	set_up();
	add("a", 1, 0);
	add("a", 2, 0);
	cut(fake.row[1].key);
	fake.gone = true;
	CHECK(!turn(&c));
	CHECK_INT(fake.asked, 1);
	client_end(&c);
	tear_down();
}

TEST(full_memory_ends_a_page)
{
	struct client c = { .run = op_query_scan };

	set_up();
	add("a", 1, 100);
	add("a", 2, 100);
	cut(fake.row[1].key);
	fake.router.held_bytes = ROUTER_HELD_BYTES_MAX;
	{
		struct api_req *q = mem_new(sizeof *q);

		q->r = &fake.router;
		item_build_init(&q->item);
		op_query_scan(q);
		serve();
		CHECK(memmem(fake.out.p, fake.out.n, "LastEvaluatedKey", strlen("LastEvaluatedKey")) != NULL);
		item_build_fini(&q->item);
		free(q);
	}
	CHECK_INT(fake.router.held_bytes, ROUTER_HELD_BYTES_MAX);
	fake.router.held_bytes = 0;
	while (turn(&c))
		;
	saw(&c, 0, 2);
	client_end(&c);
	tear_down();
}

TEST(count_has_no_items)
{
	struct client c = { .run = op_query_scan, .select = "COUNT" };

	set_up();
	for (uint64_t i = 1; i <= 4; i++)
		add("a", i, 5000);
	cut(fake.row[2].key);
	CHECK(!turn(&c));
	CHECK(memmem(fake.out.p, fake.out.n, "Items", strlen("Items")) == NULL);
	CHECK(memmem(fake.out.p, fake.out.n, "\"Count\":4", strlen("\"Count\":4")) != NULL);
	CHECK_INT(fake.half_units, 5);                   /* 20,064 bytes, rounded up once for the page */
	client_end(&c);
	tear_down();
}

TEST(a_refusal_is_the_end)
{
	struct client c = { .run = op_query_scan, .index = "index" };
	struct client s = { .run = op_query_scan, .segment = 2, .total = 2 };
	struct client all = { .run = op_query_scan, .select = "SPECIFIC_ATTRIBUTES" };

	set_up();
	CHECK(!turn(&c));
	CHECK_INT(fake.refused, RESULT_INVALID);
	CHECK(!turn(&s));
	CHECK_INT(fake.refused, RESULT_INVALID);
	CHECK(!turn(&all));
	CHECK_INT(fake.refused, RESULT_INVALID);
	CHECK_INT(fake.asked, 0);
	tear_down();
}

CHECK_MAIN(X(query_pages_are_the_range) X(scan_pages_are_the_table) X(segments_share_the_table)
	   X(limit_at_the_end_of_a_partition) X(the_end_of_a_range) X(size_at_the_end_of_a_partition)
	   X(what_came_before_a_failure_is_a_page) X(nobody_asks_for_who_has_left) X(full_memory_ends_a_page)
	   X(count_has_no_items) X(a_refusal_is_the_end))
