/* fill: a new index learns of the items that were there before it, whatever is written meanwhile and whoever leads. */
#include "feed_world.h"

static const struct index_def creating = { 1, "a", "ALL", "CREATING", 21 }, active = { 1, "a", "ALL", "ACTIVE", 21 },
	other = { 2, "b", "KEYS_ONLY", "CREATING", 31 };

static enum fate lose_feeds(const struct packet *p)
{
	return p->type == MSG_feed ? LOSE : DELIVER;
}

static char *name(unsigned i)
{
	static char text[16];

	snprintf(text, sizeof text, "k%04u", i);
	return text;
}

static void put_many(unsigned from, unsigned to, const char *a)
{
	char value[16];

	for (unsigned i = from; i < to; i++) {
		snprintf(value, sizeof value, "%s%u", a, i % 8);
		send_put(name(i), value, i % 3 == 0 ? a : NULL, 0);
	}
	CHECK_INT(answered(), RESULT_OK);
}

static void check_same(const struct index_def *x, size_t rows)
{
	size_t n;

	CHECK(is_same(x, &n));
	CHECK_INT(n, rows);
}

static bool is_filled(uint32_t index)
{
	struct peer *p = leader(BASE);
	struct buf ids = { 0 };
	bool found = false;

	fill_filled(p->n, node_find(p->n, BASE), &ids);
	for (size_t i = 0; i + 4 <= ids.n; i += 4)
		found |= load_u32(ids.p + i) == index;
	buf_fini(&ids);
	return found;
}

static void wait_filled(uint32_t index)
{
	for (unsigned i = 0; i < 4000 && !is_filled(index); i++)
		run(STEP_US);
	CHECK(is_filled(index));
}

/* How far it has come, as proposed: the key, with the end behind it. */
static struct bytes progress(uint32_t index, struct buf *out)
{
	struct own_key key = own_fill(index);
	struct peer *p = leader(BASE);
	struct image im = { 0 };
	struct cur c;

	buf_clear(out);
	if (image_look(p->n, node_find(p->n, BASE), own_view(&key), OVERLAY_NEWEST, &im) && im.found) {
		c = cur_of(im.item);
		buf_bytes(out, cur_lenbytes(&c));
		if (cur_u8(&c) != 0)
			buf_u8(out, 0xff);
		CHECK(cur_done(&c));
	}
	buf_fini(&im.row);
	return buf_view(out);
}

static void start_slow(unsigned nodes, uint32_t rows)
{
	start(nodes);
	for (uint32_t id = 1; id <= nodes; id++)
		up(id)->n->opt.fill_rows = rows;
	w.opt.fill_rows = rows;
	create_index(&creating, nodes > 1 ? 2 : 1, nodes);
}

/* --- items that are there -------------------------------------------------------------------------------------------- */

TEST(a_new_index_gets_what_is_there)
{
	start_slow(3, 64);
	put_many(0, 100, "x");
	put("none", NULL, "y");
	run(100000);
	CHECK(!is_filled(1));
	set_indexes(1, &creating, 1);
	CHECK(!is_filled(1));
	wait_filled(1);
	settle();
	check_same(&creating, 100);
	CHECK_INT(own_rows(BASE, OWN_FILL, false), 1);
	stop();
}

TEST(an_empty_table_is_filled_at_once)
{
	start_slow(1, 64);
	set_indexes(1, &creating, 1);
	run(100000);
	CHECK(is_filled(1));
	put("k", "x", NULL);
	settle();
	CHECK(is_filled(1));
	check_same(&creating, 1);
	stop();
}

TEST(an_active_index_needs_nothing)
{
	start_slow(1, 64);
	set_indexes(1, &active, 1);
	CHECK(is_filled(1));
	put("k", "x", NULL);
	settle();
	CHECK_INT(own_rows(BASE, OWN_FILL, true), 0);
	stop();
}

TEST(items_that_nobody_has_applied_count)
{
	start(3);
	for (uint32_t id = 1; id <= 3; id++)
		up(id)->n->opt.apply_delay_us = 3600000000u;
	create_index(&creating, 2, 3);
	put_many(0, 50, "x");
	for (unsigned i = 0; i < 10; i++)
		put(name(i), NULL, NULL);
	set_indexes(1, &creating, 1);
	wait_filled(1);
	settle();
	check_same(&creating, 40);
	stop();
}

TEST(large_items_go_one_by_one)
{
	start_slow(3, 64);
	for (unsigned i = 0; i < 12; i++)
		send_put(name(i), "x", "y", 380000);
	CHECK_INT(answered(), RESULT_OK);
	set_indexes(1, &creating, 1);
	wait_filled(1);
	settle();
	check_same(&creating, 12);
	stop();
}

TEST(several_indexes_at_once)
{
	const struct index_def both[] = { creating, other };

	start_slow(3, 7);
	create_index(&other, 2, 3);
	put_many(0, 60, "x");
	set_indexes(1, both, 2);
	wait_filled(2);
	wait_filled(1);
	settle();
	check_same(&creating, 60);
	check_same(&other, 20);
	stop();
}

/* --- slices ---------------------------------------------------------------------------------------------------------- */

TEST(the_next_slice_waits_for_the_index)
{
	struct buf at = { 0 };

	start_slow(3, 5);
	put_many(0, 23, "x");
	w.fate = lose_feeds;
	set_indexes(1, &creating, 1);
	run(300000);
	CHECK_INT(own_rows(BASE, OWN_OUTBOX, true), 1);
	CHECK(progress(1, &at).n > 0);
	put("more", "x", NULL);
	run(300000);
	CHECK_INT(own_rows(BASE, OWN_OUTBOX, true), 2);
	CHECK(!is_filled(1));
	w.fate = NULL;
	wait_filled(1);
	settle();
	check_same(&creating, 24);
	buf_fini(&at);
	stop();
}

TEST(the_end_is_not_told_before_the_index_knows)
{
	start_slow(3, 64);
	put_many(0, 20, "x");
	w.fate = lose_feeds;
	set_indexes(1, &creating, 1);
	run(500000);
	CHECK_INT(own_rows(BASE, OWN_FILL, false), 1);
	CHECK(!is_filled(1));
	w.fate = NULL;
	run(500000);
	CHECK(is_filled(1));
	check_same(&creating, 20);
	stop();
}

/* --- writes meanwhile ---------------------------------------------------------------------------------------------- */

static uint64_t dice(uint64_t *state)
{
	*state = *state * 6364136223846793005u + 1442695040888963407u;
	return *state >> 33;
}

static void write_any(uint64_t *state, unsigned keys)
{
	char a[8] = "a0";
	unsigned i = (unsigned)(dice(state) % keys);
	bool gone = dice(state) % 4 == 0;

	a[1] = (char)('0' + dice(state) % 8);
	send_put(name(i), gone || dice(state) % 5 == 0 ? NULL : a, gone ? NULL : "b", 0);
}

TEST(writes_go_on_meanwhile)
{
	for (uint64_t seed = 1; seed <= 8; seed++) {
		uint64_t state = seed;
		unsigned writes = 0;
		size_t n;

		start_slow(3, 2 + (uint32_t)(seed % 4));
		put_many(0, 60, "x");
		set_indexes(1, &creating, 1);
		for (; !is_filled(1) && writes < 4000; writes++) {
			write_any(&state, 80);
			if (dice(&state) % 2 == 0)
				run(STEP_US);
		}
		CHECK(is_filled(1) && writes > 10);
		settle();
		CHECK(is_same(&creating, &n));
		stop();
	}
}

static void prepare(struct bytes txid, const char *key, const char *a)
{
	struct buf b = { 0 }, ops = { 0 };
	struct msg_tx_prepared m;

	add_item(&ops, key, a, NULL, 0);
	msg_put_tx_prepare(&b, &(struct msg_tx_prepare){ .group = BASE, .table = TABLE, .schema = 1, .txid = txid,
		.timestamp = WALL_US + w.now + 1000000, .ledger_group = 99, .ledger_key = BYTES_LIT("ledger"),
		.ops = buf_view(&ops) }, MSG_VERSION);
	w.type = 0;
	node_request(leader(BASE)->n, 1, 1, MSG_tx_prepare, buf_view(&b), w.now);
	for (unsigned i = 0; i < 100 && w.type == 0; i++)
		run(STEP_US);
	CHECK(w.type == MSG_tx_prepared && msg_get_tx_prepared(buf_view(&w.answer), &m, MSG_VERSION) && m.result == RESULT_OK);
	buf_fini(&b);
	buf_fini(&ops);
}

static void finish(struct bytes txid, const char *key)
{
	struct buf b = { 0 }, keys = { 0 }, k = { 0 };

	key_begin(&k, w.hasher, (struct value){ .tag = ITEM_S, .body = bytes_str(key) });
	buf_lenbytes(&keys, buf_view(&k));
	msg_put_tx_finish(&b, &(struct msg_tx_finish){ BASE, TABLE, txid, 1, buf_view(&keys) }, MSG_VERSION);
	node_request(leader(BASE)->n, 1, 1, MSG_tx_finish, buf_view(&b), w.now);
	run(10 * STEP_US);
	buf_fini(&b);
	buf_fini(&keys);
	buf_fini(&k);
}

TEST(what_a_transaction_holds_is_as_it_was)
{
	start_slow(3, 64);
	put_many(0, 10, "x");
	prepare(BYTES_LIT("transaction-0001"), name(3), "changed");
	prepare(BYTES_LIT("transaction-0002"), "new", "x");
	prepare(BYTES_LIT("transaction-0003"), name(4), NULL);
	set_indexes(1, &creating, 1);
	wait_filled(1);
	settle();
	check_same(&creating, 10);
	finish(BYTES_LIT("transaction-0001"), name(3));
	finish(BYTES_LIT("transaction-0002"), "new");
	finish(BYTES_LIT("transaction-0003"), name(4));
	settle();
	check_same(&creating, 10);
	stop();
}

/* --- leaders ------------------------------------------------------------------------------------------------------- */

TEST(the_next_leader_goes_on_where_the_last_was)
{
	struct buf before = { 0 }, at = { 0 };

	start_slow(3, 3);
	put_many(0, 60, "x");
	set_indexes(1, &creating, 1);
	for (unsigned i = 0; i < 1000 && (progress(1, &before).n == 0 || before.p[0] < 0x40); i++)
		run(STEP_US);
	run(4 * STEP_US);
	CHECK(!is_filled(1));
	node_down(1);
	CHECK(leader(BASE)->id != 1);
	for (unsigned i = 0; i < 100; i++) {
		CHECK(bytes_cmp(progress(1, &at), buf_view(&before)) >= 0);
		run(STEP_US);
	}
	wait_filled(1);
	settle();
	check_same(&creating, 60);
	buf_fini(&before);
	buf_fini(&at);
	stop();
}

TEST(leaders_change_while_writes_go_on)
{
	for (uint64_t seed = 1; seed <= 6; seed++) {
		uint64_t state = seed;
		size_t n;

		start_slow(3, 2);
		put_many(0, 60, "x");
		set_indexes(1, &creating, 1);
		for (unsigned i = 0; i < 4; i++) {
			uint32_t id = leader(BASE)->id;

			for (unsigned writes = 0; writes < 20; writes++) {
				write_any(&state, 80);
				run(dice(&state) % 3 * STEP_US);
			}
			node_down(id);
			run(dice(&state) % 400 * 1000);
			boot(&w.peer[id - 1]);
			leader(BASE), leader(21), leader(22);
		}
		wait_filled(1);
		settle();
		CHECK(is_same(&creating, &n));
		stop();
	}
}

TEST(a_restart_forgets_nothing)
{
	struct buf before = { 0 }, at = { 0 };

	start_slow(3, 3);
	put_many(0, 60, "x");
	set_indexes(1, &creating, 1);
	for (unsigned i = 0; i < 1000 && (progress(1, &before).n == 0 || before.p[0] < 0x40); i++)
		run(STEP_US);
	run(4 * STEP_US);
	for (uint32_t id = 1; id <= 3; id++)
		node_down(id);
	for (uint32_t id = 1; id <= 3; id++)
		boot(&w.peer[id - 1]);
	leader(BASE);
	CHECK(bytes_cmp(progress(1, &at), buf_view(&before)) >= 0);
	wait_filled(1);
	settle();
	check_same(&creating, 60);
	buf_fini(&before);
	buf_fini(&at);
	stop();
}

/* --- the end ------------------------------------------------------------------------------------------------------- */

TEST(progress_is_removed_with_its_reason)
{
	const struct index_def both[] = { creating, other };

	start_slow(3, 5);
	create_index(&other, 2, 3);
	put_many(0, 30, "x");
	set_indexes(1, both, 2);
	wait_filled(1);
	wait_filled(2);
	CHECK_INT(own_rows(BASE, OWN_FILL, false), 2);
	set_indexes(2, (const struct index_def[]){ active, other }, 2);
	run(100000);
	CHECK_INT(own_rows(BASE, OWN_FILL, false), 1);
	CHECK(is_filled(1) && is_filled(2));
	set_indexes(3, &active, 1);
	run(100000);
	CHECK_INT(own_rows(BASE, OWN_FILL, false), 0);
	CHECK(is_filled(1) && !is_filled(2));
	check_same(&active, 30);
	stop();
}

TEST(an_index_that_is_dropped_meanwhile_is_not_filled)
{
	start_slow(3, 3);
	put_many(0, 60, "x");
	set_indexes(1, &creating, 1);
	run(100000);
	CHECK(!is_filled(1));
	set_indexes(2, NULL, 0);
	run(200000);
	CHECK_INT(own_rows(BASE, OWN_FILL, true), 0);
	CHECK_INT(own_rows(BASE, OWN_OUTBOX, true), 0);
	CHECK_INT(lag(), 0);
	stop();
}

CHECK_MAIN(X(a_new_index_gets_what_is_there)
X(an_empty_table_is_filled_at_once)
X(an_active_index_needs_nothing)
X(items_that_nobody_has_applied_count)
X(large_items_go_one_by_one)
X(several_indexes_at_once)
X(the_next_slice_waits_for_the_index)
X(the_end_is_not_told_before_the_index_knows)
X(writes_go_on_meanwhile)
X(what_a_transaction_holds_is_as_it_was)
X(the_next_leader_goes_on_where_the_last_was)
X(leaders_change_while_writes_go_on)
X(a_restart_forgets_nothing)
X(progress_is_removed_with_its_reason)
X(an_index_that_is_dropped_meanwhile_is_not_filled))
