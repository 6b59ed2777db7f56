/*
 * op_query_fake: the router around op_query*.c and nodes: a sorted list of rows, of a table or of an index, cut into partitions at places
 * of every kind.
 */
#ifndef T_OP_QUERY_FAKE_H
#define T_OP_QUERY_FAKE_H

#include <assert.h>
#include <stdarg.h>
#include <stdlib.h>
#include "check.h"
#include "cmd/ddb-router/api.h"
#include "index_fixture.h"
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
	struct route_part part[PARTS_MAX], table_part[1];
	struct route_table table, hidden;        /* hidden: of a global index */
	struct route_table *rows;                /* whose rows those are: table or hidden */
	const struct index *index;               /* whose rows those are; NULL: items */
	bool fresh;                              /* table is not from the cache */
	bool absent;                             /* hidden is not in the cache */
	unsigned refreshes, fetches, again;
	bool fetch;                              /* what scan.fetch has to be */
	bool pauses;                             /* pages of a local index end behind every third row, when that is not the end */
	uint64_t fetched_units;                  /* of every page */
	struct router router;
	struct call_request pending;
	struct route_table *called;
	bool waits, ended, gone;
	unsigned asked, fail_from;               /* calls so far; from this one on they fail (0: never) */
	struct buf out, message;
	struct json_write w;
	enum result refused;
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
static inline void ended(struct api_req *q)
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

void api_table(struct api_req *q, void (*next)(struct api_req *q))
{
	q->table = &fake.table;
	q->refresh_due = !fake.fresh;
	next(q);
}

void api_routed(struct api_req *q, struct bytes key)
{
	(void)key;
	fake.refreshes += q->refresh_due;
	q->refresh_due = false;
}

void api_again(struct api_req *q)
{
	(void)q;
	fake.again++;
	api_fail(q, RESULT_STALE_SCHEMA, BYTES_NONE);
}

struct route_table *route_hold(struct route_table *t)
{
	t->refs++;
	return t;
}

void route_release(struct route_table *t)
{
	if (t != NULL)
		t->refs--;
}

struct route_table *route_cached(struct router *r, struct bytes name)
{
	(void)r;
	CHECK(bytes_eq(name, fake.index->table));
	return fake.absent ? NULL : &fake.hidden;
}

void route_refresh(struct router *r, struct route_table *t, struct bytes key)
{
	(void)r, (void)key;
	CHECK(t == &fake.hidden);
	fake.refreshes++;
}

void route_fetch(struct router *r, struct bytes name, struct bytes key,
                 void (*done)(void *arg, enum result, struct route_table *t), void *arg)
{
	(void)r, (void)key;
	CHECK(bytes_eq(name, fake.index->table));
	fake.fetches++;
	done(arg, fake.fail_from == 1 ? RESULT_NO_TABLE : RESULT_OK, fake.fail_from == 1 ? NULL : &fake.hidden);
}

struct route_part *route_part(const struct route_table *t, struct bytes key)
{
	size_t i = t->nparts;

	while (i > 0 && bytes_cmp(t->part[i - 1].low, key) > 0)
		i--;
	return i > 0 && (t->part[i - 1].high.n == 0 || bytes_cmp(key, t->part[i - 1].high) < 0) ? &t->part[i - 1] : NULL;
}

bool http_gone(const struct http_req *req)
{
	(void)req;
	return fake.gone;
}

void call_start(struct router *r, struct route_table *t, const struct call_request *q)
{
	(void)r;
	assert(!fake.waits);                             /* one partition at a time */
	fake.called = t;
	fake.pending = *q;
	fake.pending.key = bytes_copy(q->key);
	fake.waits = true;
}

/* --- the nodes ---------------------------------------------------------------------------------------------------- */

static inline bool within(const struct msg_scan *m, const struct route_part *p, struct bytes key)
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

static inline void page(const struct msg_scan *m, const struct route_part *p, struct buf *out)
{
	struct msg_page a = { .result = RESULT_OK, .fetched_units = fake.fetched_units };
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
		if (fake.pauses && m->index > 0 && a.scanned == 3) {
			a.paused = a.last_key;
			break;
		}
		a.scanned++;
		a.count++;
		a.read_bytes += m->fetch ? 10 : item_size(row->item);    /* then it is that of the index's row */
		a.last_key = row->key;
		if (!m->count_only)
			buf_lenbytes(&items, row->item);
	}
	a.items = buf_view(&items);
	msg_put_page(out, &a, MSG_VERSION);
	buf_fini(&items);
}

static inline void serve(void)
{
	while (fake.waits) {
		struct call_request q = fake.pending;
		struct buf request = { 0 }, answer = { 0 };
		const struct route_part *p = route_part(fake.rows, q.key);
		struct msg_scan m;

		fake.waits = false;
		CHECK(p != NULL);
		CHECK(fake.called == fake.rows);
		q.encode(q.arg, fake.rows, p, &request);
		CHECK(msg_get_scan(buf_view(&request), &m, MSG_VERSION));
		CHECK_INT(m.group, p->group);
		CHECK_INT(m.table, fake.rows->table.id);
		CHECK(m.fetch == fake.fetch);
		CHECK_INT(m.index, fake.index != NULL && fake.index->local ? fake.index->id : 0);
		free((void *)q.key.p);
		if (++fake.asked >= fake.fail_from && fake.fail_from > 0) {
			q.done(q.arg, RESULT_UNAVAILABLE, fake.rows, BYTES_NONE);
		} else {
			page(&m, p, &answer);
			q.done(q.arg, RESULT_OK, fake.rows, buf_view(&answer));
		}
		buf_fini(&request);
		buf_fini(&answer);
	}
}

/* --- the table ---------------------------------------------------------------------------------------------------- */

static inline void set_up(void)
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
	fake.rows = &fake.table;
}

#define P(name, type) INDEX_PART(name, type)
static const char definition[] = INDEX_TABLE(
	INDEX_TYPE("h", "N") "," INDEX_TYPE("g", "S"),
	INDEX_LOCAL("local", "1", P("pk", "HASH") "," P("h", "RANGE"), "KEYS_ONLY"),
	INDEX_GLOBAL("global", "3", P("g", "HASH") "," P("h", "RANGE"), "KEYS_ONLY", "ACTIVE") ","
	INDEX_GLOBAL("turned", "4", P("sk", "HASH") "," P("pk", "RANGE"), "ALL", "ACTIVE") ","
	INDEX_GLOBAL("many", "5", P("g", "HASH") "," P("pk", "HASH") "," P("h", "RANGE") "," P("sk", "RANGE"), "ALL", "ACTIVE") ","
	INDEX_GLOBAL("new", "6", P("g", "HASH"), "ALL", "CREATING") "," INDEX_GLOBAL("old", "7", P("g", "HASH"), "ALL", "DELETING"));

/* The rows to come are those of this index; NULL: items. */
static inline void set_up_index(const char *name)
{
	set_up();
	if (name == NULL)
		return;
	index_define(&fake.table.indexes, definition);
	fake.index = index_set_find(&fake.table.indexes, bytes_str(name));
	CHECK(fake.index != NULL);
	if (fake.index->local)
		return;
	fake.table.part = fake.table_part;
	fake.hidden.part = fake.part;
	fake.hidden.nparts = 1;
	fake.hidden.table.id = 9;
	fake.rows = &fake.hidden;
}

static inline void tear_down(void)
{
	for (size_t i = 0; i < fake.nrows; i++) {
		free((void *)fake.row[i].key.p);
		free((void *)fake.row[i].item.p);
	}
	for (size_t i = 0; i < fake.rows->nparts; i++)
		free((void *)fake.part[i].low.p);
	CHECK_INT(fake.hidden.refs, 0);
	index_set_fini(&fake.table.indexes);
	key_hasher_free(fake.router.hasher);
	buf_fini(&fake.out);
	buf_fini(&fake.message);
}

static inline int compare(const void *a, const void *b)
{
	return bytes_cmp(((const struct row *)a)->key, ((const struct row *)b)->key);
}

static inline struct bytes key_of(struct bytes item);

/* h and g are few, so that many rows have the same ones. */
static inline void add(const char *pk, uint64_t sk, size_t padding)
{
	struct item_build b;

	item_build_init(&b);
	item_build_item(&b);
	item_build_name(&b, BYTES_LIT("pk"));
	item_build_s(&b, bytes_str(pk));
	item_build_name(&b, BYTES_LIT("sk"));
	item_build_u64(&b, sk);
	item_build_name(&b, BYTES_LIT("h"));
	item_build_u64(&b, sk / 10 % 5);
	item_build_name(&b, BYTES_LIT("g"));
	item_build_s(&b, bytes_str(sk / 10 % 3 > 0 ? "a" : "b"));
	item_build_name(&b, BYTES_LIT("v"));
	memset(item_build_b_room(&b, padding), 0, padding);
	CHECK(item_build_close(&b));
	assert(fake.nrows < ROWS_MAX);
	fake.row[fake.nrows++] = (struct row){ key_of(item_build_view(&b)), bytes_copy(item_build_view(&b)) };
	qsort(fake.row, fake.nrows, sizeof fake.row[0], compare);
	item_build_fini(&b);
}

/* Another partition begins here; nothing if one does already. */
static inline void cut(struct bytes at)
{
	size_t n = fake.rows->nparts, i = 1;

	while (i < n && bytes_cmp(fake.part[i].low, at) < 0)
		i++;
	if (at.n == 0 || n == PARTS_MAX || (i < n && bytes_eq(fake.part[i].low, at)))
		return;
	memmove(&fake.part[i + 1], &fake.part[i], (n - i) * sizeof fake.part[0]);
	fake.part[i] = (struct route_part){ .low = bytes_copy(at) };
	fake.rows->nparts = ++n;
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

static inline struct bytes key_of(struct bytes item)
{
	struct buf key = { 0 }, row = { 0 };
	struct bytes r;
	size_t part;

	CHECK_INT(key_of_item(&key, fake.router.hasher, &fake.table.table.key, item, &part), KEY_OK);
	if (fake.index != NULL)
		CHECK(index_key(fake.index, fake.router.hasher, buf_view(&key), item, &row));
	r = bytes_copy(buf_view(fake.index != NULL ? &row : &key));
	buf_fini(&key);
	buf_fini(&row);
	return r;
}

static inline void give(struct api_req *q, enum api_member m, bool given, int64_t i, struct bytes s)
{
	q->m[m] = (struct api_value){ .given = given, .i = i, .s = s };
}

static inline void read_answer(struct client *c)
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
static inline bool turn(struct client *c)
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
	give(q, API_RETURN_CONSUMED_CAPACITY, true, 0, BYTES_LIT("INDEXES"));
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

static inline void client_end(struct client *c)
{
	for (size_t i = 0; i < c->n; i++)
		free((void *)c->keys[i].p);
	free((void *)c->start.p);
	c->start = BYTES_NONE;
	c->n = c->pages = 0;
}

/* The client saw rows first..last, in this order, and nothing else. */
static inline void saw(const struct client *c, size_t first, size_t n)
{
	CHECK_INT(c->n, n);
	for (size_t i = 0; i < n && i < c->n; i++)
		CHECK(bytes_eq(c->keys[i], fake.row[c->reverse ? first + n - 1 - i : first + i].key));
}

/* --- values ------------------------------------------------------------------------------------------------------- */

static inline struct bytes value_s(const char *s)
{
	struct item_build b;
	struct bytes v;

	item_build_init(&b);
	item_build_s(&b, bytes_str(s));
	v = bytes_copy(item_build_view(&b));
	item_build_fini(&b);
	return v;
}

static inline struct bytes value_n(uint64_t n)
{
	struct item_build b;
	struct bytes v;

	item_build_init(&b);
	item_build_u64(&b, n);
	v = bytes_copy(item_build_view(&b));
	item_build_fini(&b);
	return v;
}

static inline uint64_t number_of(const struct row *row, const char *name)
{
	struct value v;
	struct num n;
	uint64_t u = 0;

	item_get(row->item, bytes_str(name), &v);
	CHECK(item_value_num(v, &n) && num_to_u64(&n, &u));
	return u;
}

static inline bool is(const struct row *row, const char *name, const char *s)
{
	struct value v;

	item_get(row->item, bytes_str(name), &v);
	return bytes_is(v.body, s);
}

#endif
