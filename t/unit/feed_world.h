/*
 * feed_world: a few nodes, a network that does as a test says, a table with one group and groups of its indexes.
 * What is sent takes one step.  Group BASE has members on all nodes; each group of an index has one, on the node that a test names.
 */
#ifndef T_FEED_WORLD_H
#define T_FEED_WORLD_H

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "change.h"
#include "check.h"
#include "feed.h"
#include "fill.h"
#include "item_build.h"
#include "mem.h"
#include "merge.h"
#include "own.h"
#include "t/sim/store_mem.h"
#include "wal_fake.h"

#define NODES 3
#define BASE 10u
#define TABLE 7u
#define STEP_US 5000u
#define WALL_US 1700000000000000u
#define HALF BYTES_LIT("\x80\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0")

struct packet {
	STAILQ_ENTRY(packet) next;
	uint32_t from, to;
	unsigned type;
	size_t n;
	uint8_t body[];
};
STAILQ_HEAD(packets, packet);

struct world;
struct peer {
	struct world *w;
	uint32_t id;
	struct fake disk;
	struct store_mem *store;
	struct node *n;                          /* NULL: down */
};

enum fate { DELIVER, LOSE, KEEP };               /* KEEP: until a test puts it on its way */

static struct world {
	struct peer peer[NODES];
	unsigned nodes;
	uint64_t now;
	int64_t wall_off;
	struct node_options opt;
	struct packets way, kept;
	enum fate (*fate)(const struct packet *p);
	unsigned type;                           /* of the last answer */
	struct buf answer;
	unsigned feeds;                          /* delivered, as are: */
	struct msg_feed feed;                    /* the last one; without rows */
	size_t feed_rows, feed_bytes;
	struct key_hasher *hasher;
	struct item_build build;
} w;

/* --- nodes and what is between them -------------------------------------------------------------------------------- */

static struct peer *up(uint32_t id)
{
	return id >= 1 && id <= w.nodes && w.peer[id - 1].n != NULL ? &w.peer[id - 1] : NULL;
}

static void put_packet(uint32_t from, uint32_t to, unsigned type, struct bytes body)
{
	struct packet *p = mem_new(sizeof *p + body.n);
	enum fate fate;

	p->from = from;
	p->to = to;
	p->type = type;
	p->n = body.n;
	memcpy(p->body, body.p, body.n);
	fate = w.fate != NULL ? w.fate(p) : DELIVER;
	if (fate == LOSE)
		free(p);
	else if (fate == KEEP)
		STAILQ_INSERT_TAIL(&w.kept, p, next);
	else
		STAILQ_INSERT_TAIL(&w.way, p, next);
}

static void env_send(void *ctx, uint32_t replica, unsigned type, struct bytes body)
{
	const struct peer *from = ctx;

	for (uint32_t to = 1; to <= w.nodes; to++)
		if (to != from->id && (replica == 0 || replica == to))
			put_packet(from->id, to, type, body);
}

static void env_answer(void *ctx, uint64_t conn, uint64_t rid, unsigned type, struct bytes body)
{
	(void)ctx, (void)conn, (void)rid;
	w.type = type;
	buf_clear(&w.answer);
	buf_bytes(&w.answer, body);
}

static void env_changed(void *ctx, uint64_t group)
{
	(void)ctx, (void)group;
}

static uint64_t env_random(void *ctx)
{
	return fake_random(&((struct peer *)ctx)->disk);
}

static uint64_t env_wall(void *ctx)
{
	(void)ctx;
	return WALL_US + w.now + (uint64_t)w.wall_off;
}

static bool env_healthy(void *ctx)
{
	(void)ctx;
	return true;
}

static void on_progress(void *arg, uint64_t queued)
{
	(void)arg, (void)queued;
}

static void on_failed(void *arg)
{
	(void)arg;
	abort();
}

static void boot(struct peer *p)
{
	struct node_env env = { p, env_send, env_answer, env_changed, env_random, env_wall, env_healthy };
	struct wal_options wal = { .first_bytes = 1u << 20, .segment_bytes = 16u << 20, .cluster = "a unit test", .node = p->id,
				   .incarnation = p->id, .random = fake_random, .random_arg = &p->disk };
	struct wal_io io = fake_io(&p->disk);
	struct store store = store_mem_store(p->store);
	struct store_events events;
	bool lost;

	p->n = node_new(&env, &w.opt, &io, &wal, &store, w.now, &lost);
	assert(p->n != NULL && !lost);
	events = node_store_events(p->n);
	events.progress = on_progress;
	store_mem_events(p->store, &events, on_failed, NULL);
}

static void turn(struct peer *p)
{
	node_flush(p->n, w.now);
	while (fake_step(&p->disk, node_wal(p->n))) {
		node_written(p->n, w.now);
		node_flush(p->n, w.now);
	}
	while (store_mem_step(p->store))
		;
	store_mem_poll(p->store);
}

static void deliver(const struct packet *p)
{
	struct bytes body = { p->body, p->n }, rest, part;
	struct peer *to = up(p->to);

	if (to == NULL)
		return;
	if (p->type == MSG_feed && node_find(to->n, (w.feed = (struct msg_feed){ 0 },
						     msg_get_feed(body, &w.feed, MSG_VERSION), w.feed.group)) != NULL) {
		w.feeds++;
		w.feed_bytes = w.feed.rows.n;
		w.feed_rows = 0;
		for (rest = w.feed.rows; msg_list_next(&rest, &part);)
			w.feed_rows++;
		w.feed.rows = BYTES_NONE;
	}
	node_message(to->n, p->type, body, w.now);
	turn(to);
}

static void run(uint64_t us)
{
	for (uint64_t end = w.now + us; w.now < end; w.now += STEP_US) {
		struct packets now = STAILQ_HEAD_INITIALIZER(now);
		struct packet *p;

		STAILQ_CONCAT(&now, &w.way);
		while ((p = STAILQ_FIRST(&now)) != NULL) {
			STAILQ_REMOVE_HEAD(&now, next);
			deliver(p);
			free(p);
		}
		for (uint32_t id = 1; id <= w.nodes; id++)
			if (up(id) != NULL) {
				node_tick(up(id)->n, w.now);
				turn(up(id));
				node_check(up(id)->n);
			}
	}
}

static void drop_packets(struct packets *q)
{
	struct packet *p;

	while ((p = STAILQ_FIRST(q)) != NULL) {
		STAILQ_REMOVE_HEAD(q, next);
		free(p);
	}
}

static void node_down(uint32_t id)
{
	struct peer *p = up(id);

	node_free(p->n);
	p->n = NULL;
	fake_crash(&p->disk, 0);
	store_mem_crash(p->store, NULL, NULL);
}

/* The node that leads group; it must become one within seconds. */
static struct peer *leader(uint64_t group)
{
	for (unsigned i = 0; i < 2000; i++) {
		for (uint32_t id = 1; id <= w.nodes; id++) {
			const struct group *g = up(id) != NULL ? node_find(up(id)->n, group) : NULL;

			if (g != NULL && g->ready && px_may_serve(&g->px, w.now))
				return up(id);
		}
		run(STEP_US);
	}
	abort();
}

/* --- groups and indexes -------------------------------------------------------------------------------------------- */

/* On nodes first..last; the first one leads. */
static void create(uint64_t group, uint64_t table, struct bytes low, struct bytes high, uint32_t first, uint32_t last)
{
	struct entry_member m[NODES] = { { 0 } };
	struct buf config = { 0 };

	for (uint32_t id = first; id <= last; id++)
		m[id - first] = (struct entry_member){ id, PX_STORAGE };
	entry_put_config(&config, 0, m, last - first + 1);
	for (uint32_t id = first; id <= last; id++)
		assert(node_bootstrap(up(id)->n, &(struct msg_group_create){ .group = group, .table = table, .schema = 1, .low = low,
			.high = high, .incarnation = id, .config = buf_view(&config), .ballot = PX_BALLOT(1, first) }, w.now) == 0);
	buf_fini(&config);
	leader(group);
}

struct index_def {
	uint32_t id;
	const char *attribute, *projection, *status;
	uint64_t group;                          /* of keys below HALF; for the others group + 1 */
};

static void put_s(struct item_build *b, const char *name, const char *value)
{
	item_build_name(b, bytes_str(name)), item_build_s(b, bytes_str(value));
}

static void put_key_part(struct item_build *b, const char *name)
{
	item_build_name(b, BYTES_LIT("KeySchema")), item_build_open(b, ITEM_L);
	item_build_open(b, ITEM_M), put_s(b, "AttributeName", name), put_s(b, "KeyType", "HASH"), item_build_close(b);
	item_build_close(b);
}

static void put_type(struct item_build *b, const char *name)
{
	item_build_open(b, ITEM_M), put_s(b, "AttributeName", name), put_s(b, "AttributeType", "S"), item_build_close(b);
}

static void put_index(struct item_build *b, const struct index_def *x)
{
	struct buf partitions = { 0 };
	char name[16];

	snprintf(name, sizeof name, "x%u", x->id);
	MSG_LIST_PUT(&partitions, partition, (&(struct msg_partition){ .group = x->group, .high = HALF }), MSG_VERSION);
	MSG_LIST_PUT(&partitions, partition, (&(struct msg_partition){ .group = x->group + 1, .low = HALF }), MSG_VERSION);
	item_build_open(b, ITEM_M);
	put_s(b, "IndexName", name), put_s(b, "Table", name), put_s(b, "IndexStatus", x->status);
	item_build_name(b, BYTES_LIT("Id")), item_build_u64(b, x->id);
	put_key_part(b, x->attribute);
	item_build_name(b, BYTES_LIT("Projection")), item_build_open(b, ITEM_M);
	put_s(b, "ProjectionType", x->projection), item_build_close(b);
	item_build_name(b, BYTES_LIT("Partitions")), item_build_b(b, buf_view(&partitions));
	item_build_close(b);
	buf_fini(&partitions);
}

/* From now on the base group maintains these. */
static void set_indexes(uint64_t version, const struct index_def *x, size_t n)
{
	struct own_key key = own_indexes();
	struct item_build *b = &w.build;
	struct peer *p = leader(BASE);
	struct change c;
	uint64_t slot;

	item_build_reset(b);
	item_build_item(b);
	put_key_part(b, "pk");
	item_build_name(b, BYTES_LIT("AttributeDefinitions")), item_build_open(b, ITEM_L);
	put_type(b, "pk"), put_type(b, "a"), put_type(b, "b"), item_build_close(b);
	item_build_name(b, BYTES_LIT("IndexVersion")), item_build_u64(b, version);
	item_build_name(b, BYTES_LIT("GlobalSecondaryIndexes")), item_build_open(b, ITEM_L);
	for (size_t i = 0; i < n; i++)
		put_index(b, &x[i]);
	item_build_close(b), item_build_close(b);
	assert(item_build_ok(b));
	change_begin(&c, p->n, node_find(p->n, BASE));
	change_row(&c, own_view(&key), item_build_view(b));
	assert(change_propose(&c, 0, &slot) == PX_OK);
	change_fini(&c);
	turn(p);
	run(2 * STEP_US);
	assert(group_indexes(p->n, node_find(p->n, BASE))->n == n);
}

/* --- items --------------------------------------------------------------------------------------------------------- */

static void add_item(struct buf *ops, const char *key, const char *a, const char *b, size_t filler)
{
	struct item_build *t = &w.build;
	struct buf k = { 0 };

	key_begin(&k, w.hasher, (struct value){ .tag = ITEM_S, .body = bytes_str(key) });
	item_build_reset(t);
	item_build_item(t);
	put_s(t, "pk", key);
	if (a != NULL)
		put_s(t, "a", a);
	if (b != NULL)
		put_s(t, "b", b);
	if (filler > 0) {
		item_build_name(t, BYTES_LIT("filler"));
		memset(item_build_b_room(t, filler), 'f', filler);
	}
	item_build_close(t);
	assert(item_build_ok(t));
	MSG_LIST_PUT(ops, op, (&(struct msg_op){ .kind = a == NULL && b == NULL ? MSG_OP_DELETE : MSG_OP_PUT, .key = buf_view(&k),
						 .item = a == NULL && b == NULL ? BYTES_NONE : item_build_view(t) }), MSG_VERSION);
	buf_fini(&k);
}

static void send_ops(struct buf *ops)
{
	struct peer *p = leader(BASE);
	struct buf b = { 0 };

	w.type = 0;
	msg_put_write(&b, &(struct msg_write){ BASE, TABLE, 1, buf_view(ops) }, MSG_VERSION);
	node_request(p->n, 1, 1, MSG_write, buf_view(&b), w.now);
	turn(p);
	buf_fini(&b);
	buf_fini(ops);
}

static void send_put(const char *key, const char *a, const char *b, size_t filler)
{
	struct buf ops = { 0 };

	add_item(&ops, key, a, b, filler);
	send_ops(&ops);
}

static enum result answered(void)
{
	struct msg_written m;

	for (unsigned i = 0; i < 100 && w.type == 0; i++)
		run(STEP_US);
	CHECK(w.type == MSG_written && msg_get_written(buf_view(&w.answer), &m, MSG_VERSION));
	return (enum result)m.result;
}

/* a and b NULL: it is deleted. */
static void put(const char *key, const char *a, const char *b)
{
	send_put(key, a, b, 0);
	CHECK_INT(answered(), RESULT_OK);
}

/* --- what indexes hold ----------------------------------------------------------------------------------------------- */

struct pair {
	struct bytes key, row;                   /* owned */
};

struct pairs {
	struct pair v[4096];
	size_t n;
};

static void add_pair(struct pairs *t, struct bytes key, struct bytes row)
{
	assert(t->n < 4096);
	t->v[t->n++] = (struct pair){ bytes_copy(key), bytes_copy(row) };
}

static int by_key(const void *a, const void *b)
{
	return bytes_cmp(((const struct pair *)a)->key, ((const struct pair *)b)->key);
}

static void wanted(const struct index *x, struct pairs *t)
{
	struct peer *p = leader(BASE);
	struct group *g = node_find(p->n, BASE);
	struct buf key = { 0 }, row = { 0 };
	struct merge m;

	merge_open(&m, p->n, g, g->low, false, g->chosen);
	while (merge_next(&m)) {
		buf_clear(&key);
		buf_clear(&row);
		if (key_is_own(m.key) || key_local(m.key) > 0 || !index_key(x, w.hasher, m.key, m.item, &key))
			continue;
		index_project(x, m.item, &row);
		add_pair(t, buf_view(&key), buf_view(&row));
	}
	merge_close(&m);
	buf_fini(&key);
	buf_fini(&row);
	if (t->n > 0)
		qsort(t->v, t->n, sizeof *t->v, by_key);
}

static void held(uint64_t group, struct pairs *t)
{
	struct peer *p = leader(group);
	struct group *g = node_find(p->n, group);
	struct merge m;

	merge_open(&m, p->n, g, g->low, false, g->chosen);
	while (merge_next(&m))
		if (!key_is_own(m.key))
			add_pair(t, m.key, m.item);
	merge_close(&m);
}

static void drop_pairs(struct pairs *t)
{
	for (size_t i = 0; i < t->n; i++) {
		free((void *)t->v[i].key.p);
		free((void *)t->v[i].row.p);
	}
	free(t);
}

/* Does the index hold what the table's items make of it?  *rows of them. */
static bool is_same(const struct index_def *def, size_t *rows)
{
	struct pairs *want = mem_new(sizeof *want), *have = mem_new(sizeof *have);
	struct peer *p = leader(BASE);
	const struct index *x = index_set_of(group_indexes(p->n, node_find(p->n, BASE)), def->id);
	bool same;

	wanted(x, want);
	held(def->group, have);
	held(def->group + 1, have);
	same = want->n == have->n;
	for (size_t i = 0; i < want->n && same; i++)
		same = bytes_eq(want->v[i].key, have->v[i].key) && bytes_eq(want->v[i].row, have->v[i].row);
	if (!same)
		printf("# index %u: %zu rows, and should have %zu\n", def->id, have->n, want->n);
	*rows = want->n;
	drop_pairs(want);
	drop_pairs(have);
	return same;
}

/* How many own rows of that kind the leader's group has, as proposed or as chosen. */
static size_t own_rows(uint64_t group, enum own_kind kind, bool proposed)
{
	struct peer *p = leader(group);
	struct group *g = node_find(p->n, group);
	struct merge m;
	uint64_t of;
	size_t n = 0;

	merge_open(&m, p->n, g, BYTES_LIT("\0\0"), false, proposed ? OVERLAY_NEWEST : g->chosen);
	while (merge_next(&m))
		n += own_kind(m.key, &of) == kind;
	merge_close(&m);
	return n;
}

static uint64_t lag(void)
{
	struct peer *p = leader(BASE);

	return feed_lag_us(p->n, node_find(p->n, BASE));
}

/* Until every index knows everything. */
static void settle(void)
{
	run(STEP_US);
	for (unsigned i = 0; i < 2000 && lag() > 0; i++)
		run(STEP_US);
	CHECK_INT(lag(), 0);
	run(10 * STEP_US);
	CHECK_INT(own_rows(BASE, OWN_OUTBOX, false), 0);
}

/* --- begin and end ------------------------------------------------------------------------------------------------- */

/* The base group on all nodes, led by the first; nobody knows of an index. */
static void start(unsigned nodes)
{
	w = (struct world){ .nodes = nodes, .now = 1000000, .hasher = key_hasher_new() };
	node_options_default(&w.opt);
	w.opt.apply_delay_us = 0;
	STAILQ_INIT(&w.way);
	STAILQ_INIT(&w.kept);
	item_build_init(&w.build);
	for (uint32_t id = 1; id <= nodes; id++) {
		w.peer[id - 1] = (struct peer){ .w = &w, .id = id, .store = store_mem_new(), .disk.random = id };
		boot(&w.peer[id - 1]);
	}
	create(BASE, TABLE, BYTES_NONE, BYTES_NONE, 1, nodes);
}

/* Both groups of the index's. */
static void create_index(const struct index_def *x, uint32_t low, uint32_t high)
{
	create(x->group, TABLE + x->id, BYTES_NONE, HALF, low, low);
	create(x->group + 1, TABLE + x->id, HALF, BYTES_NONE, high, high);
}

static void stop(void)
{
	for (uint32_t id = 1; id <= w.nodes; id++) {
		struct peer *p = &w.peer[id - 1];

		if (p->n != NULL)
			node_down(id);
		store_mem_free(p->store);
		fake_fini(&p->disk);
	}
	drop_packets(&w.way);
	drop_packets(&w.kept);
	key_hasher_free(w.hasher);
	item_build_fini(&w.build);
	buf_fini(&w.answer);
}

#endif
