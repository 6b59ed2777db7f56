/* tx: a node alone in its group: what it prepares, refuses, finishes, shows, and does with what nobody finishes. */
#include "core.h"

#include <assert.h>
#include <stdlib.h>

#include "check.h"
#include "expr.h"
#include "item.h"
#include "item_build.h"
#include "ledger.h"
#include "mem.h"
#include "t/sim/store_mem.h"
#include "wal_fake.h"

#define SELF 7u
#define WALL 1700000000000000u
#define TX1 BYTES_LIT("transaction-0001")
#define TX2 BYTES_LIT("transaction-0002")
#define LEDGER BYTES_LIT("ledger-row")

struct bench {
	struct fake disk;
	struct store_mem *m;
	struct node *n;
	uint64_t now, rid;
	unsigned asked;                          /* messages to all other nodes */
	unsigned told;                           /* what another node was told last; 0 = nothing */
	unsigned type;                           /* of the last answer, and for whom */
	uint64_t answered;
	struct buf body;
};

static void on_send(void *ctx, uint32_t replica, unsigned type, struct bytes body)
{
	struct msg_tx_told m;
	struct bench *b = ctx;

	if (replica != 0 && type == MSG_tx_told && msg_get_tx_told(body, &m, MSG_VERSION))
		b->told = m.state;
	b->asked += replica == 0 && type == MSG_tx_ask;
}

static void on_answer(void *ctx, uint64_t conn, uint64_t rid, unsigned type, struct bytes body)
{
	struct bench *b = ctx;

	(void)conn;
	b->type = type;
	b->answered = rid;
	buf_clear(&b->body);
	buf_bytes(&b->body, body);
}

static void on_changed(void *ctx, uint64_t id)
{
	(void)ctx, (void)id;
}

static uint64_t on_random(void *ctx)
{
	return fake_random(&((struct bench *)ctx)->disk);
}

static uint64_t on_wall(void *ctx)
{
	return WALL + ((struct bench *)ctx)->now;
}

static bool on_healthy(void *ctx)
{
	(void)ctx;
	return true;
}

static void on_failed(void *arg)
{
	(void)arg;
	abort();
}

/* Let it do what it can, and time pass. */
static void run(struct bench *b, uint64_t us)
{
	for (uint64_t end = b->now + us; b->now < end; b->now += 5000) {
		node_tick(b->n, b->now);
		node_flush(b->n, b->now);
		while (fake_step(&b->disk, node_wal(b->n))) {
			node_written(b->n, b->now);
			node_flush(b->n, b->now);
		}
		while (store_mem_step(b->m))
			;
		store_mem_poll(b->m);
	}
}

static void boot(struct bench *b)
{
	struct node_env env = { b, on_send, on_answer, on_changed, on_random, on_wall, on_healthy };
	struct wal_io io = fake_io(&b->disk);
	struct wal_options wal = { .first_bytes = 16384, .segment_bytes = 16 << 20, .cluster = "0123456789abcde", .node = 1,
				   .incarnation = SELF, .random = fake_random, .random_arg = &b->disk };
	struct store store = store_mem_store(b->m);
	struct store_events events;
	struct node_options o;
	bool lost;

	node_options_default(&o);
	b->n = node_new(&env, &o, &io, &wal, &store, b->now, &lost);
	assert(b->n != NULL && !lost);
	events = node_store_events(b->n);
	events.progress = on_changed;
	store_mem_events(b->m, &events, on_failed, b);
}

static void start(struct bench *b)
{
	struct buf config = { 0 };

	*b = (struct bench){ .m = store_mem_new(), .now = 1000000 };
	boot(b);
	entry_put_config(&config, 0, &(struct entry_member){ SELF, PX_STORAGE }, 1);
	assert(node_bootstrap(b->n, &(struct msg_group_create){ .group = 1, .table = 1, .schema = 1, .high = BYTES_LIT("zz"),
		.incarnation = SELF, .config = buf_view(&config), .ballot = PX_BALLOT(1, SELF) }, b->now) == 0);
	buf_fini(&config);
	run(b, 100000);
	assert(node_group(b->n, 1)->px.ready);
}

static void restart(struct bench *b)
{
	node_free(b->n);
	fake_crash(&b->disk, 0);
	store_mem_crash(b->m, NULL, NULL);
	boot(b);
	run(b, 4000000);
	assert(node_group(b->n, 1)->px.ready);
}

static void stop(struct bench *b)
{
	node_free(b->n);
	store_mem_free(b->m);
	fake_fini(&b->disk);
	buf_fini(&b->body);
}

/* --- requests ----------------------------------------------------------------------------------------------------- */

static struct bytes item_in(struct buf *out, const char *key, const char *v)
{
	struct item_build b;
	size_t at = out->n;

	item_build_init(&b);
	item_build_item(&b);
	item_build_name(&b, BYTES_LIT("pk"));
	item_build_s(&b, bytes_str(key));
	if (v != NULL) {
		item_build_name(&b, BYTES_LIT("v"));
		item_build_s(&b, bytes_str(v));
	}
	item_build_close(&b);
	assert(item_build_ok(&b));
	buf_bytes(out, item_build_view(&b));
	item_build_fini(&b);
	return (struct bytes){ out->p + at, out->n - at };
}

static void add_op(struct buf *ops, uint8_t kind, const char *key, const char *v, const char *condition)
{
	struct buf item = { 0 }, program = { 0 }, err = { 0 };
	struct expr_subst subst = { 0 };
	struct msg_op op = { .kind = kind, .return_on_fail = 1, .key = bytes_str(key) };

	if (kind == MSG_OP_PUT)
		op.item = item_in(&item, key, v);
	if (condition != NULL) {
		assert(expr_subst_seal(&subst, &err) && expr_compile_condition(bytes_str(condition), &subst, &program, &err));
		op.condition = buf_view(&program);
	}
	MSG_LIST_PUT(ops, op, &op, MSG_VERSION);
	buf_fini(&item);
	buf_fini(&program);
	buf_fini(&err);
	expr_subst_fini(&subst);
}

/* Sends what b holds, and waits for the answer. */
static void ask(struct bench *b, unsigned type, struct buf *body)
{
	b->rid++;
	node_request(b->n, 1, b->rid, type, buf_view(body), b->now);
	run(b, 20000);
	assert(b->answered == b->rid);
	buf_fini(body);
}

static unsigned write_ops(struct bench *b, struct buf *ops)
{
	struct msg_written a;
	struct buf out = { 0 };

	msg_put_write(&out, &(struct msg_write){ 1, 1, 1, buf_view(ops) }, MSG_VERSION);
	ask(b, MSG_write, &out);
	buf_fini(ops);
	assert(msg_get_written(buf_view(&b->body), &a, MSG_VERSION));
	return a.result;
}

static unsigned write_one(struct bench *b, uint8_t kind, const char *key, const char *v, const char *condition)
{
	struct buf ops = { 0 };

	add_op(&ops, kind, key, v, condition);
	return write_ops(b, &ops);
}

static struct msg_tx_result result[100];         /* of the last prepare */
static size_t results;

static unsigned prepare(struct bench *b, struct bytes txid, uint64_t timestamp, struct buf *ops)
{
	struct buf out = { 0 };
	struct msg_tx_prepared a;
	struct bytes rest, part;

	msg_put_tx_prepare(&out, &(struct msg_tx_prepare){ .group = 1, .table = 1, .schema = 1, .txid = txid, .timestamp = timestamp,
		.ledger_group = 1, .ledger_key = LEDGER, .ops = buf_view(ops) }, MSG_VERSION);
	ask(b, MSG_tx_prepare, &out);
	buf_fini(ops);
	assert(b->type == MSG_tx_prepared && msg_get_tx_prepared(buf_view(&b->body), &a, MSG_VERSION));
	for (results = 0, rest = a.results; msg_list_next(&rest, &part); results++)
		assert(msg_get_tx_result(part, &result[results], MSG_VERSION));
	return a.result;
}

static unsigned prepare_one(struct bench *b, struct bytes txid, uint64_t timestamp, uint8_t kind, const char *key, const char *v)
{
	struct buf ops = { 0 };

	add_op(&ops, kind, key, v, NULL);
	return prepare(b, txid, timestamp, &ops);
}

static unsigned finish(struct bench *b, struct bytes txid, bool commit, const char *const *keys)
{
	struct buf out = { 0 }, list = { 0 };
	struct msg_tx_finished a;

	for (; *keys != NULL; keys++)
		buf_lenbytes(&list, bytes_str(*keys));
	msg_put_tx_finish(&out, &(struct msg_tx_finish){ 1, 1, txid, commit, buf_view(&list) }, MSG_VERSION);
	ask(b, MSG_tx_finish, &out);
	buf_fini(&list);
	assert(b->type == MSG_tx_finished && msg_get_tx_finished(buf_view(&b->body), &a, MSG_VERSION));
	return a.result;
}

#define FINISH(b, txid, commit, ...) finish(b, txid, commit, (const char *const[]){ __VA_ARGS__, NULL })

/* The attribute v of key, "-" if there is no item. */
static const char *get(struct bench *b, const char *key)
{
	static char text[64];
	struct buf out = { 0 };
	struct msg_got a;
	struct value v;

	msg_put_get(&out, &(struct msg_get){ 1, 1, 1, 1, bytes_str(key), BYTES_NONE }, MSG_VERSION);
	ask(b, MSG_get, &out);
	assert(msg_get_got(buf_view(&b->body), &a, MSG_VERSION) && a.result == RESULT_OK);
	if (!a.found)
		return "-";
	if (!item_get(a.item, BYTES_LIT("v"), &v))
		return "";
	snprintf(text, sizeof text, "%.*s", (int)v.body.n, (const char *)v.body.p);
	return text;
}

static uint32_t scanned(struct bench *b)
{
	struct buf out = { 0 };
	struct msg_page a;

	msg_put_scan(&out, &(struct msg_scan){ .group = 1, .table = 1, .schema = 1, .consistent = 1 }, MSG_VERSION);
	ask(b, MSG_scan, &out);
	assert(msg_get_page(buf_view(&b->body), &a, MSG_VERSION) && a.result == RESULT_OK);
	return a.count;
}

static struct msg_tx_item look(struct bench *b, const char *key)
{
	struct buf out = { 0 }, gets = { 0 };
	struct msg_tx_item item = { 0 };
	struct msg_tx_got a;
	struct bytes rest, part;

	MSG_LIST_PUT(&gets, tx_key, (&(struct msg_tx_key){ bytes_str(key), BYTES_NONE }), MSG_VERSION);
	msg_put_tx_get(&out, &(struct msg_tx_get){ 1, 1, 1, buf_view(&gets) }, MSG_VERSION);
	ask(b, MSG_tx_get, &out);
	buf_fini(&gets);
	assert(b->type == MSG_tx_got && msg_get_tx_got(buf_view(&b->body), &a, MSG_VERSION) && a.result == RESULT_OK);
	rest = a.results;
	assert(msg_list_next(&rest, &part) && rest.n == 0 && msg_get_tx_item(part, &item, MSG_VERSION));
	return item;
}

static uint64_t later(struct bench *b)
{
	return WALL + b->now + 1000;
}

static uint64_t chosen(const struct bench *b)
{
	return node_group(b->n, 1)->chosen;
}

/* --- tests -------------------------------------------------------------------------------------------------------- */

TEST(what_is_prepared_stays_as_it_was_and_belongs_to_its_transaction)
{
	struct bench b;

	start(&b);
	CHECK_INT(write_one(&b, MSG_OP_PUT, "k", "old", NULL), RESULT_OK);
	CHECK_INT(prepare_one(&b, TX1, later(&b), MSG_OP_PUT, "k", "new"), RESULT_OK);
	CHECK(results == 1 && result[0].old_bytes > 0 && result[0].new_bytes > 0);
	CHECK_STR(get(&b, "k"), "old");
	CHECK_INT(write_one(&b, MSG_OP_PUT, "k", "other", NULL), RESULT_CONFLICT);
	CHECK_INT(write_one(&b, MSG_OP_PUT, "k", "other", "attribute_exists(pk)"), RESULT_CONFLICT);
	CHECK_INT(write_one(&b, MSG_OP_DELETE, "k", NULL, NULL), RESULT_CONFLICT);
	CHECK_INT(prepare_one(&b, TX2, later(&b), MSG_OP_PUT, "k", "other"), RESULT_CONFLICT);
	CHECK(results == 1 && result[0].result == RESULT_CONFLICT && result[0].time == 0);
	CHECK_INT(FINISH(&b, TX2, true, "k"), RESULT_OK);
	CHECK_STR(get(&b, "k"), "old");
	CHECK_INT(FINISH(&b, TX1, true, "k"), RESULT_OK);
	CHECK_STR(get(&b, "k"), "new");
	CHECK_INT(write_one(&b, MSG_OP_PUT, "k", "other", NULL), RESULT_OK);
	CHECK_INT(FINISH(&b, TX1, true, "k"), RESULT_OK);
	CHECK_STR(get(&b, "k"), "other");
	stop(&b);
}

TEST(what_is_let_go_is_as_before)
{
	struct bench b;
	struct buf ops = { 0 };

	start(&b);
	CHECK_INT(write_one(&b, MSG_OP_PUT, "k", "old", NULL), RESULT_OK);
	add_op(&ops, MSG_OP_DELETE, "k", NULL, NULL);
	add_op(&ops, MSG_OP_PUT, "new", "x", "attribute_not_exists(pk)");
	CHECK_INT(prepare(&b, TX1, later(&b), &ops), RESULT_OK);
	CHECK_STR(get(&b, "new"), "-");
	CHECK_INT(scanned(&b), 1);
	run(&b, 200000);                                 /* the same from the store */
	CHECK_STR(get(&b, "new"), "-");
	CHECK_INT(scanned(&b), 1);
	CHECK_INT(node_group(b.n, 1)->meta.rows, 1);
	CHECK_INT(write_one(&b, MSG_OP_PUT, "new", "y", NULL), RESULT_CONFLICT);
	CHECK_INT(FINISH(&b, TX1, false, "k", "new"), RESULT_OK);
	CHECK_STR(get(&b, "k"), "old");
	CHECK_STR(get(&b, "new"), "-");
	CHECK_INT(write_one(&b, MSG_OP_PUT, "new", "y", "attribute_not_exists(pk)"), RESULT_OK);
	stop(&b);
}

TEST(each_kind_does_what_it_says)
{
	struct bench b;
	struct buf ops = { 0 };

	start(&b);
	write_one(&b, MSG_OP_PUT, "gone", "1", NULL);
	write_one(&b, MSG_OP_PUT, "seen", "2", NULL);
	add_op(&ops, MSG_OP_PUT, "put", "3", NULL);
	add_op(&ops, MSG_OP_DELETE, "gone", NULL, "attribute_exists(pk)");
	add_op(&ops, MSG_OP_CHECK, "seen", NULL, "attribute_exists(pk)");
	add_op(&ops, MSG_OP_CHECK, "unseen", NULL, "attribute_not_exists(pk)");
	CHECK_INT(prepare(&b, TX1, later(&b), &ops), RESULT_OK);
	CHECK_INT(write_one(&b, MSG_OP_PUT, "unseen", "4", NULL), RESULT_CONFLICT);
	CHECK_INT(FINISH(&b, TX1, true, "put", "gone", "seen", "unseen"), RESULT_OK);
	CHECK_STR(get(&b, "put"), "3");
	CHECK_STR(get(&b, "gone"), "-");
	CHECK_STR(get(&b, "seen"), "2");
	CHECK_STR(get(&b, "unseen"), "-");
	CHECK_INT(write_one(&b, MSG_OP_PUT, "seen", "5", NULL), RESULT_OK);
	CHECK_INT(scanned(&b), 2);
	stop(&b);
}

TEST(every_operation_gets_its_reason_and_nothing_is_locked)
{
	struct bench b;
	struct buf ops = { 0 };
	uint64_t slot, early;

	start(&b);
	early = WALL + b.now;
	run(&b, 50000);
	write_one(&b, MSG_OP_PUT, "there", "1", NULL);
	CHECK_INT(prepare_one(&b, TX2, later(&b), MSG_OP_PUT, "held", "x"), RESULT_OK);
	slot = chosen(&b);
	add_op(&ops, MSG_OP_PUT, "free", "x", NULL);
	add_op(&ops, MSG_OP_PUT, "there", "x", "attribute_not_exists(pk)");
	add_op(&ops, MSG_OP_DELETE, "held", NULL, NULL);
	add_op(&ops, MSG_OP_CHECK, "absent", NULL, "attribute_exists(pk)");
	CHECK_INT(prepare(&b, TX1, later(&b), &ops), RESULT_CONDITION_FAILED);
	CHECK_INT(results, 4);
	CHECK_INT(result[0].result, RESULT_OK);
	CHECK_INT(result[1].result, RESULT_CONDITION_FAILED);
	CHECK(item_check(result[1].attributes));
	CHECK_INT(result[2].result, RESULT_CONFLICT);
	CHECK_INT(result[3].result, RESULT_CONDITION_FAILED);
	CHECK_INT(result[3].attributes.n, 0);
	CHECK_INT(chosen(&b), slot);
	CHECK_INT(write_one(&b, MSG_OP_PUT, "free", "y", NULL), RESULT_OK);
	/* What was written since comes before a condition. */
	add_op(&ops, MSG_OP_PUT, "there", "x", "attribute_not_exists(pk)");
	CHECK_INT(prepare(&b, TX1, early, &ops), RESULT_CONFLICT);
	CHECK(result[0].time > early);
	CHECK_INT(prepare_one(&b, TX1, result[0].time + 1, MSG_OP_PUT, "there", "x"), RESULT_OK);
	stop(&b);
}

TEST(a_prepare_may_be_repeated_until_all_is_over)
{
	struct bench b;
	uint64_t slot, first, second;

	start(&b);
	first = later(&b);
	CHECK_INT(prepare_one(&b, TX1, first, MSG_OP_PUT, "k", "new"), RESULT_OK);
	slot = chosen(&b);
	CHECK_INT(prepare_one(&b, TX1, first, MSG_OP_PUT, "k", "new"), RESULT_OK);
	CHECK(result[0].new_bytes > 0);
	CHECK_INT(chosen(&b), slot);
	/* With a later timestamp, which what it commits must come after. */
	second = first + 50000000;
	CHECK_INT(prepare_one(&b, TX1, second, MSG_OP_PUT, "k", "new"), RESULT_OK);
	CHECK_INT(chosen(&b), slot + 1);
	CHECK_INT(FINISH(&b, TX1, true, "k"), RESULT_OK);
	CHECK_INT(prepare_one(&b, TX1, first, MSG_OP_PUT, "k", "new"), RESULT_CONFLICT);
	CHECK_INT(prepare_one(&b, TX1, second, MSG_OP_PUT, "k", "new"), RESULT_CONFLICT);
	CHECK(result[0].time > second);
	CHECK_INT(write_one(&b, MSG_OP_PUT, "k", "other", NULL), RESULT_OK);
	/* What a delete has left tells as well, also once it is nowhere but in the store. */
	CHECK_INT(prepare_one(&b, TX2, second + 1, MSG_OP_DELETE, "k", NULL), RESULT_CONFLICT);
	second = result[0].time + 1;
	CHECK_INT(prepare_one(&b, TX2, second, MSG_OP_DELETE, "k", NULL), RESULT_OK);
	CHECK_INT(FINISH(&b, TX2, true, "k"), RESULT_OK);
	CHECK_INT(prepare_one(&b, TX2, second, MSG_OP_DELETE, "k", NULL), RESULT_CONFLICT);
	run(&b, 200000);
	CHECK_INT(prepare_one(&b, TX2, second, MSG_OP_DELETE, "k", NULL), RESULT_CONFLICT);
	stop(&b);
}

static unsigned raw(struct bench *b, struct bytes txid, uint64_t timestamp, struct bytes ledger, struct bytes ops)
{
	struct buf out = { 0 };
	struct msg_tx_prepared a;

	msg_put_tx_prepare(&out, &(struct msg_tx_prepare){ .group = 1, .table = 1, .schema = 1, .txid = txid, .timestamp = timestamp,
		.ledger_group = 1, .ledger_key = ledger, .ops = ops }, MSG_VERSION);
	ask(b, MSG_tx_prepare, &out);
	assert(msg_get_tx_prepared(buf_view(&b->body), &a, MSG_VERSION) && a.results.n == 0);
	return a.result;
}

TEST(what_is_no_request_is_refused)
{
	struct buf ops = { 0 };
	struct bench b;

	start(&b);
	add_op(&ops, MSG_OP_PUT, "k", "v", NULL);
	CHECK_INT(raw(&b, BYTES_LIT("short"), later(&b), LEDGER, buf_view(&ops)), RESULT_INTERNAL);
	CHECK_INT(raw(&b, TX1, later(&b), BYTES_NONE, buf_view(&ops)), RESULT_INTERNAL);
	CHECK_INT(raw(&b, TX1, later(&b), LEDGER, BYTES_NONE), RESULT_INTERNAL);
	CHECK_INT(raw(&b, TX1, later(&b), LEDGER, BYTES_LIT("\5nope")), RESULT_INTERNAL);
	CHECK_INT(raw(&b, TX1, UINT64_MAX, LEDGER, buf_view(&ops)), RESULT_INTERNAL);
	add_op(&ops, MSG_OP_DELETE, "k", NULL, NULL);
	CHECK_INT(raw(&b, TX1, later(&b), LEDGER, buf_view(&ops)), RESULT_INVALID);
	buf_clear(&ops);
	add_op(&ops, MSG_OP_PUT, "zzz", "v", NULL);      /* beyond the group */
	CHECK_INT(raw(&b, TX1, later(&b), LEDGER, buf_view(&ops)), RESULT_NO_GROUP);
	CHECK_INT(FINISH(&b, TX1, true, "zzz"), RESULT_NO_GROUP);
	CHECK_INT(FINISH(&b, TX1, true, ""), RESULT_INTERNAL);
	CHECK_INT(FINISH(&b, BYTES_LIT("short"), true, "k"), RESULT_INTERNAL);
	CHECK_INT(finish(&b, TX1, true, (const char *const[]){ NULL }), RESULT_INTERNAL);
	CHECK_INT(scanned(&b), 0);
	buf_fini(&ops);
	stop(&b);
}

TEST(a_reader_sees_what_is_locked_and_what_has_changed)
{
	struct msg_tx_item a, again;
	struct bench b;

	start(&b);
	write_one(&b, MSG_OP_PUT, "k", "old", NULL);
	a = look(&b, "k");
	CHECK(a.found && !a.locked && a.item_bytes > 0);
	run(&b, 200000);
	again = look(&b, "k");                           /* from the store now */
	CHECK(again.found && again.slot == a.slot);
	prepare_one(&b, TX1, later(&b), MSG_OP_DELETE, "k", NULL);
	again = look(&b, "k");
	CHECK(again.found && again.locked);
	FINISH(&b, TX1, true, "k");
	again = look(&b, "k");
	CHECK(!again.found && !again.locked);
	run(&b, 200000);
	a = look(&b, "k");
	CHECK(!a.found && a.slot == again.slot);
	/* There and gone again is a change. */
	write_one(&b, MSG_OP_PUT, "k", "x", NULL);
	write_one(&b, MSG_OP_DELETE, "k", NULL, NULL);
	again = look(&b, "k");
	CHECK(!again.found && again.slot != a.slot);
	prepare_one(&b, TX2, later(&b), MSG_OP_PUT, "k", "x");
	again = look(&b, "k");
	CHECK(!again.found && again.locked);
	stop(&b);
}

/* --- what nobody finishes ----------------------------------------------------------------------------------------- */

static void put_ledger(struct bench *b, struct bytes txid, const char *state)
{
	struct item_build i;
	struct buf ops = { 0 };

	item_build_init(&i);
	item_build_item(&i);
	item_build_name(&i, BYTES_LIT(LEDGER_PK));
	item_build_s(&i, BYTES_LIT("token"));
	item_build_name(&i, BYTES_LIT(LEDGER_ID));
	item_build_b(&i, txid);
	item_build_name(&i, BYTES_LIT(LEDGER_STATE));
	item_build_s(&i, bytes_str(state));
	item_build_close(&i);
	MSG_LIST_PUT(&ops, op, (&(struct msg_op){ .kind = MSG_OP_PUT, .key = LEDGER, .item = item_build_view(&i) }), MSG_VERSION);
	CHECK_INT(write_ops(b, &ops), RESULT_OK);
	item_build_fini(&i);
}

static const char *ledger_state(struct bench *b)
{
	static char text[8];
	struct msg_tx_item a = look(b, "ledger-row");
	struct value v;

	assert(a.found && item_get(a.item, BYTES_LIT(LEDGER_STATE), &v));
	snprintf(text, sizeof text, "%.*s", (int)v.body.n, (const char *)v.body.p);
	return text;
}

static void left_alone(struct bench *b, struct bytes ledger_id, const char *state, const char *want)
{
	start(b);
	if (state != NULL)
		put_ledger(b, ledger_id, state);
	write_one(b, MSG_OP_PUT, "k", "old", NULL);
	CHECK_INT(prepare_one(b, TX1, later(b), MSG_OP_PUT, "k", "new"), RESULT_OK);
	run(b, 1500000);
	CHECK_INT(b->asked, 0);
	CHECK_INT(write_one(b, MSG_OP_PUT, "k", "x", NULL), RESULT_CONFLICT);
	run(b, 1500000);
	CHECK(b->asked > 0);
	CHECK_STR(get(b, "k"), want);
	CHECK_INT(node_metrics(b->n)->tx_recovered.v, 1);
	CHECK_INT(held_count(&node_group(b->n, 1)->held), 0);
	CHECK_INT(write_one(b, MSG_OP_PUT, "k", "x", NULL), RESULT_OK);
}

TEST(the_ledger_is_asked_what_became_of_it)
{
	struct bench b;

	left_alone(&b, TX1, "C", "new");
	stop(&b);
	left_alone(&b, TX1, "X", "old");
	stop(&b);
	left_alone(&b, TX1, NULL, "old");                /* no row: it can never be committed */
	stop(&b);
	left_alone(&b, TX2, "C", "old");                 /* another transaction's */
	stop(&b);
}

TEST(what_is_undecided_is_cancelled)
{
	struct bench b;

	left_alone(&b, TX1, "P", "old");
	CHECK_STR(ledger_state(&b), "X");
	stop(&b);
}

/* Another node asks, and is told at once or not at all. */
static unsigned asked_for(struct bench *b, struct bytes txid)
{
	struct buf body = { 0 };

	b->told = 0;
	msg_put_tx_ask(&body, &(struct msg_tx_ask){ 1, SELF + 1, LEDGER, txid }, MSG_VERSION);
	node_message(b->n, MSG_tx_ask, buf_view(&body), b->now);
	buf_fini(&body);
	return b->told;
}

TEST(only_what_is_chosen_is_told)
{
	struct bench b;

	start(&b);
	CHECK_INT(asked_for(&b, TX1), MSG_TX_CANCELLED);         /* no row */
	put_ledger(&b, TX1, "P");
	CHECK_INT(asked_for(&b, TX1), 0);                /* now it proposes X */
	CHECK_INT(asked_for(&b, TX1), 0);                /* which is not chosen yet */
	run(&b, 50000);
	CHECK_INT(asked_for(&b, TX1), MSG_TX_CANCELLED);
	CHECK_STR(ledger_state(&b), "X");
	CHECK_INT(asked_for(&b, TX2), MSG_TX_CANCELLED);         /* the row is another's */
	put_ledger(&b, TX2, "C");
	CHECK_INT(asked_for(&b, TX2), MSG_TX_COMMITTED);
	CHECK_INT(asked_for(&b, BYTES_LIT("short")), 0);
	node_stop(b.n, b.now);                           /* it hands over: somebody else may tell something new */
	run(&b, 50000);
	CHECK_INT(asked_for(&b, TX2), 0);
	stop(&b);
}

TEST(nobody_is_believed_about_what_was_not_asked)
{
	struct bench b;
	struct buf body = { 0 };
	uint64_t bad;

	start(&b);
	CHECK_INT(prepare_one(&b, TX1, later(&b), MSG_OP_PUT, "k", "new"), RESULT_OK);
	msg_put_tx_told(&body, &(struct msg_tx_told){ TX1, LEDGER, MSG_TX_CANCELLED }, MSG_VERSION);
	node_message(b.n, MSG_tx_told, buf_view(&body), b.now);
	run(&b, 20000);
	CHECK(look(&b, "k").locked);
	bad = node_metrics(b.n)->bad_messages.v;
	body.p[body.n - 1] = 3;                          /* no state */
	node_message(b.n, MSG_tx_told, buf_view(&body), b.now);
	node_message(b.n, MSG_tx_told, BYTES_LIT("x"), b.now);
	node_message(b.n, MSG_tx_ask, BYTES_LIT("x"), b.now);
	CHECK_INT(node_metrics(b.n)->bad_messages.v, bad + 3);
	buf_fini(&body);
	stop(&b);
}

TEST(only_a_leader_answers)
{
	struct bench b;
	struct buf ops = { 0 };

	start(&b);
	node_free(b.n);
	fake_crash(&b.disk, 0);
	store_mem_crash(b.m, NULL, NULL);
	boot(&b);                                        /* silent for a lease */
	CHECK_INT(prepare_one(&b, TX1, later(&b), MSG_OP_PUT, "k", "new"), RESULT_NOT_LEADER);
	CHECK_INT(FINISH(&b, TX1, true, "k"), RESULT_NOT_LEADER);
	add_op(&ops, MSG_OP_PUT, "k", "v", NULL);
	CHECK_INT(raw(&b, TX1, later(&b), LEDGER, buf_view(&ops)), RESULT_NOT_LEADER);
	buf_fini(&ops);
	run(&b, 4000000);
	CHECK_INT(prepare_one(&b, TX1, later(&b), MSG_OP_PUT, "k", "new"), RESULT_OK);
	stop(&b);
}

TEST(locks_outlive_the_process)
{
	struct bench b;

	start(&b);
	put_ledger(&b, TX1, "C");
	write_one(&b, MSG_OP_PUT, "k", "old", NULL);
	prepare_one(&b, TX1, later(&b), MSG_OP_PUT, "k", "new");
	prepare_one(&b, TX1, later(&b), MSG_OP_PUT, "l", "new");
	run(&b, 200000);                                 /* applied: the log need not tell */
	CHECK_INT(node_group(b.n, 1)->meta.applied, chosen(&b));
	node_free(b.n);
	fake_crash(&b.disk, 0);
	store_mem_crash(b.m, NULL, NULL);
	boot(&b);
	CHECK_INT(held_count(&node_group(b.n, 1)->held), 2);
	while (!node_group(b.n, 1)->px.ready)
		run(&b, 5000);
	CHECK_INT(write_one(&b, MSG_OP_PUT, "k", "x", NULL), RESULT_CONFLICT);
	run(&b, 4000000);
	CHECK_STR(get(&b, "k"), "new");
	CHECK_STR(get(&b, "l"), "new");
	restart(&b);
	CHECK_INT(held_count(&node_group(b.n, 1)->held), 0);
	CHECK_STR(get(&b, "k"), "new");
	stop(&b);
}

TEST(large_items_fill_several_entries)
{
	enum { N = 40, BYTES = 300000 };
	static char text[BYTES + 1], key[N][8];
	const char *keys[N + 1] = { NULL };
	struct bench b;
	struct buf ops = { 0 };
	uint64_t slot;

	start(&b);
	memset(text, 'o', BYTES);
	for (int i = 0; i < N; i++) {
		snprintf(key[i], sizeof key[i], "k%02d", i);
		keys[i] = key[i];
		CHECK_INT(write_one(&b, MSG_OP_PUT, key[i], text, NULL), RESULT_OK);
	}
	memset(text, 'n', BYTES);
	for (int i = 0; i < N; i++)
		add_op(&ops, MSG_OP_PUT, key[i], text, NULL);
	slot = chosen(&b);
	CHECK_INT(prepare(&b, TX1, later(&b), &ops), RESULT_OK);
	CHECK_INT(results, N);
	CHECK(chosen(&b) >= slot + 5);
	CHECK(*get(&b, "k39") == 'o' && look(&b, "k00").locked && look(&b, "k39").locked);
	CHECK_INT(finish(&b, TX1, true, keys), RESULT_OK);
	CHECK(*get(&b, "k00") == 'n' && *get(&b, "k39") == 'n' && !look(&b, "k39").locked);
	stop(&b);
}

CHECK_MAIN(X(what_is_prepared_stays_as_it_was_and_belongs_to_its_transaction)
X(what_is_let_go_is_as_before)
X(each_kind_does_what_it_says)
X(every_operation_gets_its_reason_and_nothing_is_locked)
X(a_prepare_may_be_repeated_until_all_is_over)
X(what_is_no_request_is_refused)
X(a_reader_sees_what_is_locked_and_what_has_changed)
X(the_ledger_is_asked_what_became_of_it)
X(what_is_undecided_is_cancelled)
X(only_what_is_chosen_is_told)
X(nobody_is_believed_about_what_was_not_asked)
X(only_a_leader_answers)
X(locks_outlive_the_process)
X(large_items_fill_several_entries))
