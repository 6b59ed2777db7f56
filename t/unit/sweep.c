/* sweep: a group of one on a disk and a store in memory; what has expired goes, and nothing else. */
#include "core.h"

#include <assert.h>
#include <stdlib.h>

#include "check.h"
#include "item_build.h"
#include "mem.h"
#include "t/sim/store_mem.h"
#include "wal_fake.h"

#define G 5
#define WALL_S 1700000000u
#define YEARS_5 (5u * 365 * 86400)
#define TICK_US 20000u

static struct world {
	struct fake disk;
	struct store_mem *store;
	struct node *n;
	uint64_t now, wall_s;
	unsigned type;                           /* of the last answer */
	struct buf answer, entry;
	struct item_build build;
} w;

static void env_send(void *ctx, uint32_t replica, unsigned type, struct bytes body)
{
	(void)ctx, (void)replica, (void)type, (void)body;
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

static uint64_t env_wall(void *ctx)
{
	(void)ctx;
	return w.wall_s * 1000000;
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

/* Everything that is under way comes to its end, and time stands still. */
static void settle(void)
{
	do {
		node_flush(w.n, w.now);
		if (fake_step(&w.disk, node_wal(w.n)))
			node_written(w.n, w.now);
		while (store_mem_step(w.store))
			;
		store_mem_poll(w.store);
	} while (w.disk.job.there || store_mem_waiting(w.store) > 0);
}

static void tick(unsigned n)
{
	while (n-- > 0) {
		w.now += TICK_US;
		node_tick(w.n, w.now);
		settle();
	}
}

static void request(unsigned type, struct buf *body)
{
	node_request(w.n, 1, 1, type, buf_view(body), w.now);
	buf_fini(body);
}

static enum result done(void)
{
	struct msg_done m;

	CHECK(w.type == MSG_done && msg_get_done(buf_view(&w.answer), &m, MSG_VERSION));
	return (enum result)m.result;
}

static enum result ttl(const char *attribute, uint64_t epoch, uint64_t group, uint32_t incarnation)
{
	struct buf b = { 0 };

	msg_put_group_ttl(&b, &(struct msg_group_ttl){ epoch, group, incarnation, bytes_str(attribute) }, MSG_VERSION);
	request(MSG_group_ttl, &b);
	settle();
	return done();
}

static void create(void)
{
	struct buf b = { 0 }, config = { 0 };

	entry_put_config(&config, 0, &(struct entry_member){ 1, PX_STORAGE }, 1);
	msg_put_group_create(&b, &(struct msg_group_create){ .epoch = 1, .group = G, .table = G, .schema = 1, .incarnation = 1,
		.config = buf_view(&config), .ballot = PX_BALLOT(1, 1) }, MSG_VERSION);
	request(MSG_group_create, &b);
	buf_fini(&config);
	settle();
	CHECK_INT(done(), RESULT_OK);
}

static void start(const struct node_options *o)
{
	struct node_env env = { NULL, env_send, env_answer, env_changed, fake_random, env_wall, env_healthy };
	struct wal_options wal = { .first_bytes = 8u << 20, .segment_bytes = 8u << 20, .cluster = "a unit test", .node = 1,
				   .incarnation = 1, .random = fake_random, .random_arg = &w.disk };
	struct wal_io io;
	struct store store;
	struct store_events events;
	bool lost;

	w = (struct world){ .now = 1000000, .wall_s = WALL_S, .store = store_mem_new() };
	env.ctx = &w.disk;
	io = fake_io(&w.disk);
	store = store_mem_store(w.store);
	w.n = node_new(&env, o, &io, &wal, &store, w.now, &lost);
	assert(w.n != NULL && !lost);
	events = node_store_events(w.n);
	events.progress = on_progress;
	store_mem_events(w.store, &events, on_failed, NULL);
	item_build_init(&w.build);
	settle();
	create();
	tick(5);
	CHECK(px_may_serve(&node_group(w.n, G)->px, w.now));
}

/* Every pass is over within a tick, and the next one begins at the next. */
static struct node_options eager(void)
{
	struct node_options o;

	node_options_default(&o);
	o.sweep_us = 1;
	o.apply_delay_us = 0;
	return o;
}

static void stop(void)
{
	node_check(w.n);
	node_free(w.n);
	fake_crash(&w.disk, 0);
	store_mem_crash(w.store, NULL, NULL);
	store_mem_free(w.store);
	fake_fini(&w.disk);
	buf_fini(&w.answer);
	buf_fini(&w.entry);
	item_build_fini(&w.build);
}

/* --- items */

enum kind { NUMBER, TEXT, NONE };

static void send_put(const char *key, enum kind kind, uint64_t end)
{
	struct buf b = { 0 }, ops = { 0 };
	char text[32];
	int n = snprintf(text, sizeof text, "%llu", (unsigned long long)end);

	item_build_reset(&w.build);
	item_build_item(&w.build);
	item_build_name(&w.build, BYTES_LIT("pk")), item_build_s(&w.build, bytes_str(key));
	if (kind != NONE)
		item_build_name(&w.build, BYTES_LIT("end"));
	if (kind == NUMBER)
		item_build_u64(&w.build, end);
	else if (kind == TEXT)
		item_build_s(&w.build, (struct bytes){ (uint8_t *)text, (size_t)n });
	item_build_close(&w.build);
	assert(item_build_ok(&w.build));
	MSG_LIST_PUT(&ops, op, (&(struct msg_op){ .kind = MSG_OP_PUT, .key = bytes_str(key), .item = item_build_view(&w.build) }),
		     MSG_VERSION);
	msg_put_write(&b, &(struct msg_write){ G, G, 1, buf_view(&ops) }, MSG_VERSION);
	request(MSG_write, &b);
	buf_fini(&ops);
}

static void put(const char *key, enum kind kind, uint64_t end)
{
	struct msg_written m;

	send_put(key, kind, end);
	settle();
	CHECK(w.type == MSG_written && msg_get_written(buf_view(&w.answer), &m, MSG_VERSION) && m.result == RESULT_OK);
}

static bool has(const char *key)
{
	struct buf b = { 0 };
	struct msg_got m;

	msg_put_get(&b, &(struct msg_get){ G, G, 1, 1, bytes_str(key), BYTES_NONE }, MSG_VERSION);
	request(MSG_get, &b);
	settle();
	CHECK(w.type == MSG_got && msg_get_got(buf_view(&w.answer), &m, MSG_VERSION) && m.result == RESULT_OK);
	return m.found;
}

static void put_many(unsigned n, uint64_t end)
{
	char key[16];

	for (unsigned i = 0; i < n; i++) {
		snprintf(key, sizeof key, "k%05u", i);
		put(key, NUMBER, end);
	}
	tick(1);
}

static uint64_t gone(void)
{
	return node_metrics(w.n)->expired.v;
}

/* The newest entry of the log. */
static struct entry newest(void)
{
	struct group *g = node_find(w.n, G);
	struct entry e = { 0 };
	struct bytes raw;

	buf_clear(&w.entry);
	CHECK(wire_entry(w.n, g, glog_top(&g->log), &w.entry, &raw) && entry_get(raw, &e));
	return e;
}

/* --- what goes */

TEST(what_has_expired_goes_and_nothing_else)
{
	struct node_options o = eager();

	start(&o);
	put("past", NUMBER, WALL_S - 1000);
	put("now", NUMBER, WALL_S);
	put("soon", NUMBER, WALL_S + 1);
	put("ms", NUMBER, (uint64_t)(WALL_S - 1000) * 1000);
	put("text", TEXT, WALL_S - 1000);
	put("none", NONE, 0);
	put("five years", NUMBER, WALL_S - YEARS_5);
	put("nearly", NUMBER, WALL_S - YEARS_5 + 1);
	put("zero", NUMBER, 0);
	tick(3);
	CHECK(has("past") && has("now") && gone() == 0);
	CHECK_INT(ttl("end", 1, G, 1), RESULT_OK);
	tick(3);
	CHECK(!has("past") && !has("now") && !has("nearly"));
	CHECK(has("soon") && has("ms") && has("text") && has("none") && has("five years") && has("zero"));
	CHECK_INT(gone(), 3);
	w.wall_s++;
	tick(3);
	CHECK(!has("soon"));
	CHECK_INT(gone(), 4);
	stop();
}

TEST(it_is_a_write_that_says_what_it_is)
{
	struct node_options o = eager();
	struct entry e;
	struct entry_row row;

	start(&o);
	put("a", NUMBER, WALL_S - 1);
	put("b", NUMBER, WALL_S - 1);
	tick(1);
	ttl("end", 1, G, 1);
	tick(2);
	e = newest();
	CHECK(e.type == ENTRY_WRITE && e.nrows == 2);
	CHECK(entry_row_next(&e.rows, &row) && row.flags == (ENTRY_ROW_DELETE | ENTRY_ROW_EXPIRED) && bytes_is(row.key, "a"));
	CHECK(entry_row_next(&e.rows, &row) && bytes_is(row.key, "b"));
	stop();
}

TEST(the_newest_proposed_image_decides)
{
	struct node_options o = eager();

	start(&o);
	put("later", NUMBER, WALL_S - 1);
	put("gone", NUMBER, WALL_S - 1);
	tick(1);
	ttl("end", 1, G, 1);
	/* Proposed, and neither chosen nor in the store. */
	send_put("later", NUMBER, WALL_S + 1000);
	w.now += TICK_US;
	node_tick(w.n, w.now);
	CHECK_INT(gone(), 1);
	/* The pass sees in the store what is deleted already, and leaves it at that. */
	w.now += TICK_US;
	node_tick(w.n, w.now);
	CHECK_INT(gone(), 1);
	settle();
	CHECK(has("later") && !has("gone"));
	stop();
}

static void prepare(const char *key)
{
	struct buf b = { 0 }, ops = { 0 };
	struct msg_tx_prepared m;

	MSG_LIST_PUT(&ops, op, (&(struct msg_op){ .kind = MSG_OP_CHECK, .key = bytes_str(key) }), MSG_VERSION);
	msg_put_tx_prepare(&b, &(struct msg_tx_prepare){ .group = G, .table = G, .schema = 1, .txid = BYTES_LIT("0123456789abcdef"),
		.timestamp = ((uint64_t)WALL_S + 1000) * 1000000, .ledger_group = G, .ledger_key = BYTES_LIT("l"),
		.ops = buf_view(&ops) }, MSG_VERSION);
	request(MSG_tx_prepare, &b);
	buf_fini(&ops);
	settle();
	CHECK(w.type == MSG_tx_prepared && msg_get_tx_prepared(buf_view(&w.answer), &m, MSG_VERSION) && m.result == RESULT_OK);
}

static void let_go(const char *key)
{
	struct buf b = { 0 }, keys = { 0 };

	buf_lenbytes(&keys, bytes_str(key));
	msg_put_tx_finish(&b, &(struct msg_tx_finish){ G, G, BYTES_LIT("0123456789abcdef"), 0, buf_view(&keys) }, MSG_VERSION);
	request(MSG_tx_finish, &b);
	buf_fini(&keys);
	settle();
}

TEST(what_a_transaction_holds_stays)
{
	struct node_options o = eager();

	start(&o);
	put("held", NUMBER, WALL_S - 1);
	put("free", NUMBER, WALL_S - 1);
	prepare("held");
	tick(1);
	ttl("end", 1, G, 1);
	tick(3);
	CHECK(has("held") && !has("free"));
	let_go("held");
	tick(3);
	CHECK(!has("held"));
	CHECK_INT(gone(), 2);
	stop();
}

TEST(nothing_goes_unless_it_is_told_to)
{
	struct node_options o = eager();

	start(&o);
	ttl("end", 1, G, 1);
	ttl("", 1, G, 1);
	put("a", NUMBER, WALL_S - 1);
	tick(5);
	CHECK(has("a"));
	ttl("other", 1, G, 1);
	tick(5);
	CHECK(has("a"));
	ttl("end", 1, G, 1);
	tick(2);
	CHECK(!has("a"));
	stop();
}

/* --- how much at once */

TEST(an_entry_has_25_at_most)
{
	struct node_options o = eager();

	start(&o);
	put_many(60, WALL_S - 1);
	ttl("end", 1, G, 1);
	tick(1);
	CHECK_INT(gone(), 25);
	CHECK_INT(newest().nrows, 25);
	tick(1);
	CHECK_INT(gone(), 50);
	tick(1);
	CHECK_INT(gone(), 60);
	tick(3);
	CHECK_INT(gone(), 60);
	stop();
}

TEST(a_slice_is_bounded_in_rows_and_bytes)
{
	struct node_options o = eager();

	o.sweep_rows = 10;
	start(&o);
	put_many(34, WALL_S + 1);
	put("last", NUMBER, WALL_S - 1);
	tick(1);
	ttl("end", 1, G, 1);
	tick(3);
	CHECK_INT(gone(), 0);
	tick(1);
	CHECK_INT(gone(), 1);
	stop();
	o.sweep_rows = 1000;
	o.sweep_bytes = 1;                       /* and no more than one row beyond */
	start(&o);
	put_many(3, WALL_S - 1);
	ttl("end", 1, G, 1);
	tick(2);
	CHECK_INT(gone(), 2);
	tick(1);
	CHECK_INT(gone(), 3);
	stop();
}

TEST(passes_begin_at_intervals)
{
	struct node_options o = eager();

	o.sweep_us = 10 * TICK_US;
	start(&o);
	ttl("end", 1, G, 1);
	tick(1);
	put("a", NUMBER, WALL_S - 1);
	tick(9);
	CHECK(has("a"));
	tick(1);
	CHECK(!has("a"));
	stop();
}

TEST(what_is_full_is_left_alone)
{
	struct node_options o = eager();

	o.overlay_bytes_max = 1;
	start(&o);
	put("a", NUMBER, WALL_S - 1);
	tick(1);
	ttl("end", 1, G, 1);
	send_put("b", NONE, 0);                  /* is in the overlay */
	w.now += TICK_US;
	node_tick(w.n, w.now);
	CHECK_INT(gone(), 0);
	settle();
	tick(3);                                 /* applied */
	CHECK_INT(gone(), 1);
	stop();
}

TEST(a_node_that_leaves_deletes_nothing)
{
	struct node_options o = eager();

	start(&o);
	put("a", NUMBER, WALL_S - 1);
	tick(1);
	ttl("end", 1, G, 1);
	node_stop(w.n, w.now);
	tick(20);
	CHECK_INT(gone(), 0);
	stop();
}

/* --- who is told what */

TEST(only_the_present_autoadmin_is_heard_and_the_status_shows_it)
{
	static const char letters[257] = { [0 ... 255] = 'a' };
	struct node_options o = eager();
	struct buf b = { 0 };
	struct msg_node_state m;
	struct msg_group_state g;
	struct bytes part;

	start(&o);
	CHECK_INT(ttl("end", 7, G, 1), RESULT_OK);
	CHECK_INT(ttl("other", 6, G, 1), RESULT_FENCED);
	CHECK_INT(ttl("other", 7, G, 2), RESULT_FENCED);
	CHECK_INT(ttl("other", 7, G + 1, 1), RESULT_NO_GROUP);
	CHECK_INT(ttl(letters, 7, G, 1), RESULT_INTERNAL);
	msg_put_node_status(&b, &(struct msg_node_status){ 7 }, MSG_VERSION);
	request(MSG_node_status, &b);
	CHECK(w.type == MSG_node_state && msg_get_node_state(buf_view(&w.answer), &m, MSG_VERSION));
	CHECK(msg_list_next(&m.groups, &part) && msg_get_group_state(part, &g, MSG_VERSION) && bytes_is(g.ttl, "end"));
	stop();
}

CHECK_MAIN(X(what_has_expired_goes_and_nothing_else)
X(it_is_a_write_that_says_what_it_is)
X(the_newest_proposed_image_decides) X(what_a_transaction_holds_stays)
X(nothing_goes_unless_it_is_told_to)
X(an_entry_has_25_at_most)
X(a_slice_is_bounded_in_rows_and_bytes)
X(passes_begin_at_intervals)
X(what_is_full_is_left_alone)
X(a_node_that_leaves_deletes_nothing)
X(only_the_present_autoadmin_is_heard_and_the_status_shows_it))
