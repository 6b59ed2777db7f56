/*
 * index_bench: a group on one to three nodes, each with a disk and a store in memory; a table of pk and sk, both S, with the indexes
 *   1 by-a    local, of a (S): ALL
 *   2 by-n    local, of n (N): KEYS_ONLY and v
 *   3 by-g    global, of g (S): KEYS_ONLY
 * Items and definitions are plain JSON, with ' for ".  What is sent takes one step.
 */
#ifndef T_INDEX_BENCH_H
#define T_INDEX_BENCH_H

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "change.h"
#include "check.h"
#include "expr.h"
#include "mem.h"
#include "merge.h"
#include "own.h"
#include "pjson.h"
#include "t/sim/store_mem.h"
#include "wal_fake.h"

#define NODES 3
#define G 5u
#define STEP_US 5000u
#define WALL_US 1700000000000000u
#define TEXT_MAX 4096

#define KEY(name, kind) "{'AttributeName':'" name "','KeyType':'" kind "'}"
#define TYPE(name, type) "{'AttributeName':'" name "','AttributeType':'" type "'}"
#define LOCAL(id, name, sort, projection) "{'Id':" #id ",'IndexName':'" name "','KeySchema':[" KEY("pk", "HASH") "," \
	KEY(sort, "RANGE") "],'Projection':" projection "}"
#define GLOBAL(id, name, key) "{'Id':" #id ",'IndexName':'" name "','KeySchema':[" KEY(key, "HASH") "]," \
	"'Projection':{'ProjectionType':'KEYS_ONLY'},'IndexStatus':'ACTIVE','Table':'#5." #id "'}"
#define TABLE(version, locals, globals) "{'IndexVersion':" #version ",'KeySchema':[" KEY("pk", "HASH") "," KEY("sk", "RANGE") "]," \
	"'AttributeDefinitions':[" TYPE("pk", "S") "," TYPE("sk", "S") "," TYPE("a", "S") "," TYPE("n", "N") "," TYPE("g", "S") "]," \
	"'LocalSecondaryIndexes':[" locals "],'GlobalSecondaryIndexes':[" globals "]}"
#define BY_A LOCAL(1, "by-a", "a", "{'ProjectionType':'ALL'}")
#define BY_N LOCAL(2, "by-n", "n", "{'ProjectionType':'INCLUDE','NonKeyAttributes':['v']}")
#define BY_G GLOBAL(3, "by-g", "g")
#define LOCALS TABLE(1, BY_A "," BY_N, "")
#define ALL_THREE TABLE(1, BY_A "," BY_N, BY_G)

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

struct world {
	struct peer peer[NODES];
	unsigned nodes;
	uint32_t alone;                          /* this one hears nobody, and nobody it */
	uint64_t now;
	struct node_options opt;
	struct packets way;
	unsigned type;                           /* of the last answer; 0: none since the request */
	struct buf answer;
	struct key_hasher *hasher;
	struct item_build build;
};

static struct world w;

static inline struct peer *up(uint32_t id)
{
	return id >= 1 && id <= w.nodes && w.peer[id - 1].n != NULL ? &w.peer[id - 1] : NULL;
}

static inline void on_send(void *ctx, uint32_t replica, unsigned type, struct bytes body)
{
	const struct peer *from = ctx;

	for (uint32_t to = 1; to <= w.nodes; to++) {
		struct packet *p;

		if (to == from->id || (replica != 0 && replica != to) || w.alone == to || w.alone == from->id)
			continue;
		p = mem_new(sizeof *p + body.n);
		*p = (struct packet){ .from = from->id, .to = to, .type = type, .n = body.n };
		memcpy(p->body, body.p, body.n);
		STAILQ_INSERT_TAIL(&w.way, p, next);
	}
}

static inline void on_answer(void *ctx, uint64_t conn, uint64_t rid, unsigned type, struct bytes body)
{
	(void)ctx, (void)conn, (void)rid;
	w.type = type;
	buf_clear(&w.answer);
	buf_bytes(&w.answer, body);
}

static inline void on_changed(void *ctx, uint64_t group)
{
	(void)ctx, (void)group;
}

static inline uint64_t on_random(void *ctx)
{
	return fake_random(&((struct peer *)ctx)->disk);
}

static inline uint64_t on_wall(void *ctx)
{
	(void)ctx;
	return WALL_US + w.now;
}

static inline bool on_healthy(void *ctx)
{
	(void)ctx;
	return true;
}

static inline void on_failed(void *arg)
{
	(void)arg;
	abort();
}

static inline void boot(struct peer *p)
{
	struct node_env env = { p, on_send, on_answer, on_changed, on_random, on_wall, on_healthy };
	struct wal_options wal = { .first_bytes = 1u << 20, .segment_bytes = 8u << 20, .cluster = "a unit test", .node = p->id,
				   .incarnation = p->id, .random = fake_random, .random_arg = &p->disk };
	struct wal_io io = fake_io(&p->disk);
	struct store store = store_mem_store(p->store);
	struct store_events events;
	bool lost;

	p->n = node_new(&env, &w.opt, &io, &wal, &store, w.now, &lost);
	assert(p->n != NULL && !lost);
	events = node_store_events(p->n);
	events.progress = on_changed;
	store_mem_events(p->store, &events, on_failed, NULL);
}

static inline void turn(struct peer *p)
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

static inline void run(uint64_t us)
{
	for (uint64_t end = w.now + us; w.now < end; w.now += STEP_US) {
		struct packets arrived = STAILQ_HEAD_INITIALIZER(arrived);
		struct packet *p;

		STAILQ_CONCAT(&arrived, &w.way);
		while ((p = STAILQ_FIRST(&arrived)) != NULL) {
			STAILQ_REMOVE_HEAD(&arrived, next);
			if (up(p->to) != NULL) {
				node_message(up(p->to)->n, p->type, (struct bytes){ p->body, p->n }, w.now);
				turn(up(p->to));
			}
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

/* Who leads, and serves; somebody must within seconds. */
static inline struct peer *leader(void)
{
	for (unsigned i = 0; i < 2000; i++) {
		for (uint32_t id = 1; id <= w.nodes; id++)
			if (up(id) != NULL && id != w.alone && node_find(up(id)->n, G) != NULL &&
			    px_may_serve(&node_find(up(id)->n, G)->px, w.now))
				return up(id);
		run(STEP_US);
	}
	abort();
}

static inline struct group *lead(void)
{
	return node_find(leader()->n, G);
}

static inline void node_down(uint32_t id)
{
	struct peer *p = up(id);

	node_free(p->n);
	p->n = NULL;
	fake_crash(&p->disk, 0);
	store_mem_crash(p->store, NULL, NULL);
}

/* --- what is asked -------------------------------------------------------------------------------------------------- */

/* Valid until the next call. */
static inline struct bytes item(const char *text)
{
	char json[TEXT_MAX], message[PJSON_MESSAGE_MAX];
	struct json_read r;
	size_t n = 0;

	for (; text[n] != '\0'; n++)
		json[n] = text[n] == '\'' ? '"' : text[n];
	json_read_init(&r, (struct bytes){ (uint8_t *)json, n }, JSON_DEPTH_MAX);
	json_read_next(&r);
	if (!pjson_item(&r, &w.build, message) || !json_read_finish(&r)) {
		printf("# %s: %s\n", text, message);
		abort();
	}
	json_read_fini(&r);
	return item_build_view(&w.build);
}

static inline void base_key(struct bytes of, struct buf *out)
{
	struct key_schema s = { .part = { { BYTES_LIT("pk"), ITEM_S }, { BYTES_LIT("sk"), ITEM_S } }, .n = 2, .hash_n = 1 };
	size_t part;
	enum key_result r = key_of_item(out, w.hasher, &s, of, &part);

	assert(r == KEY_OK);
}

static inline void request_of(struct peer *p, unsigned type, struct buf *body)
{
	w.type = 0;
	node_request(p->n, 1, 1, type, buf_view(body), w.now);
	buf_fini(body);
	turn(p);
	for (unsigned i = 0; i < 1000 && w.type == 0; i++)
		run(STEP_US);
}

/* text: the item, or its key; expression: of an update. */
static inline void add_op(struct buf *ops, uint8_t kind, const char *text, const char *expression, const char *condition)
{
	struct buf key = { 0 }, update = { 0 }, program = { 0 }, err = { 0 };
	struct expr_subst subst = { 0 };
	struct msg_op op = { .kind = kind, .measure = condition != NULL, .item = item(text) };

	assert(expr_subst_seal(&subst, &err));
	assert(condition == NULL || expr_compile_condition(bytes_str(condition), &subst, &program, &err));
	assert(expression == NULL || expr_compile_update(bytes_str(expression), &subst, NULL, &update, &err));
	base_key(op.item, &key);
	op.key = buf_view(&key);
	op.condition = buf_view(&program);
	op.update = buf_view(&update);
	MSG_LIST_PUT(ops, op, &op, MSG_VERSION);
	expr_subst_fini(&subst);
	buf_fini(&key);
	buf_fini(&update);
	buf_fini(&program);
	buf_fini(&err);
}

static inline struct msg_written send_ops(struct buf *ops)
{
	struct msg_written m = { .result = RESULT_UNKNOWN };
	struct buf b = { 0 };

	msg_put_write(&b, &(struct msg_write){ G, G, 1, buf_view(ops) }, MSG_VERSION);
	buf_fini(ops);
	request_of(leader(), MSG_write, &b);
	CHECK(w.type == MSG_written && msg_get_written(buf_view(&w.answer), &m, MSG_VERSION));
	return m;
}

static inline struct msg_written write_one(uint8_t kind, const char *text, const char *expression, const char *condition)
{
	struct buf ops = { 0 };

	add_op(&ops, kind, text, expression, condition);
	return send_ops(&ops);
}

static inline void put(const char *text)
{
	CHECK_INT(write_one(MSG_OP_PUT, text, NULL, NULL).result, RESULT_OK);
}

/* A definition in which each global index has a group, one that nobody knows. */
static inline void place_indexes(struct item_build *b, struct bytes definition)
{
	struct item_iter it = item_iter(definition), of;
	struct bytes name;
	struct value v, x;

	item_build_item(b);
	while (item_next_pair(&it, &name, &v)) {
		item_build_name(b, name);
		if (!bytes_is(name, "GlobalSecondaryIndexes")) {
			item_build_raw(b, v.raw);
			continue;
		}
		item_build_open(b, ITEM_L);
		for (of = item_iter(v.body); item_next_value(&of, &x);) {
			struct item_iter pairs = item_iter(x.body);
			struct value y;

			item_build_open(b, ITEM_M);
			while (item_next_pair(&pairs, &name, &y))
				item_build_name(b, name), item_build_raw(b, y.raw);
			item_build_name(b, BYTES_LIT("Partitions")), item_build_b(b, BYTES_LIT("\0"));
			item_build_close(b);
		}
		item_build_close(b);
	}
	item_build_close(b);
}

static inline enum result tell_indexes(uint64_t epoch, uint64_t version, struct bytes definition)
{
	struct msg_done m = { .result = RESULT_UNKNOWN };
	struct buf b = { 0 };

	msg_put_group_indexes(&b, &(struct msg_group_indexes){ epoch, G, version, definition }, MSG_VERSION);
	request_of(leader(), MSG_group_indexes, &b);
	CHECK(w.type == MSG_done && msg_get_done(buf_view(&w.answer), &m, MSG_VERSION));
	return (enum result)m.result;
}

static inline enum result set_indexes(uint64_t epoch, uint64_t version, const char *text)
{
	struct item_build placed;
	enum result r;

	item_build_init(&placed);
	place_indexes(&placed, item(text));
	r = tell_indexes(epoch, version, item_build_view(&placed));
	item_build_fini(&placed);
	return r;
}

/* The group's state as that node tells it. */
static inline struct msg_group_state state_of(struct peer *p)
{
	struct msg_node_state m = { .result = RESULT_UNKNOWN };
	struct msg_group_state s = { .group = 0 };
	struct buf b = { 0 };
	struct bytes raw;

	msg_put_node_status(&b, &(struct msg_node_status){ 1 }, MSG_VERSION);
	request_of(p, MSG_node_status, &b);
	CHECK(w.type == MSG_node_state && msg_get_node_state(buf_view(&w.answer), &m, MSG_VERSION));
	CHECK(msg_list_next(&m.groups, &raw) && msg_get_group_state(raw, &s, MSG_VERSION));
	return s;
}

/* --- what is there --------------------------------------------------------------------------------------------------- */

__attribute__((format(printf, 2, 3))) static inline void add_text(char *text, const char *format, ...)
{
	size_t at = strlen(text);
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(text + at, TEXT_MAX - at, format, args);
	va_end(args);
	assert(n >= 0 && at + (size_t)n < TEXT_MAX);
}

/* A key as text: p.a of an item, 1:p.x.a of its row in a local index, 3:x.p.a in the global one if it is said to be of that; o. */
static inline void add_key(char *text, struct bytes key, unsigned global)
{
	struct buf scratch = { 0 };
	struct value v[KEY_PARTS_MAX];
	size_t n = own_is(key) ? 0 : key_decode(key, &scratch, v, KEY_PARTS_MAX);

	add_text(text, "%s", *text != '\0' ? " " : "");
	if (n == 0)
		add_text(text, "%c", key.p[1]);
	if (key_local(key) > 0 || global > 0)
		add_text(text, "%u:", global > 0 ? global : key_local(key));
	for (size_t i = 0; i < n; i++) {
		char digits[NUM_PRINT_MAX];
		struct num number;

		if (i > 0)
			add_text(text, ".");
		if (item_value_num(v[i], &number)) {
			num_print(digits, &number);
			add_text(text, "%s", digits);
		} else {
			add_text(text, "%.*s", (int)v[i].body.n, (const char *)v[i].body.p);
		}
	}
	buf_fini(&scratch);
}

/* All keys of the group in order, as chosen at p; what begins with a letter of `not` is left out. */
static inline const char *rows_at(struct peer *p, const char *not)
{
	static char text[TEXT_MAX];
	struct group *g = node_find(p->n, G);
	struct merge m;

	*text = '\0';
	merge_open(&m, p->n, g, BYTES_NONE, false, g->chosen);
	while (merge_next(&m))
		if (!own_is(m.key) || strchr(not, m.key.p[1]) == NULL)
			add_key(text, m.key, 0);
	merge_close(&m);
	CHECK(!m.bad);
	return text;
}

static inline const char *rows(void)
{
	return rows_at(leader(), "ico");
}

/* --- begin and end ---------------------------------------------------------------------------------------------------- */

static inline void start(unsigned nodes)
{
	struct entry_member m[NODES] = { { 1, PX_STORAGE }, { 2, PX_STORAGE }, { 3, PX_STORAGE } };
	struct buf config = { 0 };

	w = (struct world){ .nodes = nodes, .now = 1000000, .hasher = key_hasher_new() };
	STAILQ_INIT(&w.way);
	item_build_init(&w.build);
	node_options_default(&w.opt);
	w.opt.apply_delay_us = 0;
	entry_put_config(&config, 0, m, nodes);
	for (uint32_t id = 1; id <= nodes; id++) {
		w.peer[id - 1] = (struct peer){ .w = &w, .id = id, .store = store_mem_new(), .disk.random = id };
		boot(&w.peer[id - 1]);
		assert(node_bootstrap(up(id)->n, &(struct msg_group_create){ .group = G, .table = G, .schema = 1, .incarnation = id,
			.config = buf_view(&config), .ballot = PX_BALLOT(1, 1) }, w.now) == 0);
	}
	buf_fini(&config);
	leader();
}

static inline void stop(void)
{
	struct packet *p;

	for (uint32_t id = 1; id <= w.nodes; id++) {
		if (up(id) != NULL)
			node_down(id);
		store_mem_free(w.peer[id - 1].store);
		fake_fini(&w.peer[id - 1].disk);
	}
	while ((p = STAILQ_FIRST(&w.way)) != NULL) {
		STAILQ_REMOVE_HEAD(&w.way, next);
		free(p);
	}
	key_hasher_free(w.hasher);
	item_build_fini(&w.build);
	buf_fini(&w.answer);
}

#endif
