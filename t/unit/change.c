/* change: what entries hold of indexes, whoever makes them; and who knows of these. */
#include "core.h"

#include "index_bench.h"

#define TX BYTES_LIT("transaction-0001")

/* --- items ---------------------------------------------------------------------------------------------------------- */

TEST(rows_of_local_indexes_follow_their_items)
{
	start(1);
	CHECK_INT(set_indexes(1, 1, LOCALS), RESULT_OK);
	put("{'pk':'p','sk':'a','a':'x','n':5,'v':1}");
	CHECK_STR(rows(), "p.a 1:p.x.a 2:p.5.a");
	put("{'pk':'p','sk':'b','a':'w'}");
	CHECK_STR(rows(), "p.a p.b 1:p.w.b 1:p.x.a 2:p.5.a");
	put("{'pk':'p','sk':'a','a':'v','n':-3}");
	CHECK_STR(rows(), "p.a p.b 1:p.v.a 1:p.w.b 2:p.-3.a");
	CHECK_INT(write_one(MSG_OP_UPDATE, "{'pk':'p','sk':'a'}", "REMOVE a", NULL).result, RESULT_OK);
	CHECK_STR(rows(), "p.a p.b 1:p.w.b 2:p.-3.a");
	CHECK_INT(write_one(MSG_OP_UPDATE, "{'pk':'p','sk':'a'}", "SET v = n", NULL).result, RESULT_OK);
	CHECK_STR(rows(), "p.a p.b 1:p.w.b 2:p.-3.a");
	CHECK_INT(write_one(MSG_OP_DELETE, "{'pk':'p','sk':'b'}", NULL, NULL).result, RESULT_OK);
	CHECK_STR(rows(), "p.a 2:p.-3.a");
	CHECK_INT(write_one(MSG_OP_DELETE, "{'pk':'p','sk':'a'}", NULL, NULL).result, RESULT_OK);
	CHECK_STR(rows(), "");
	stop();
}

TEST(what_was_written_before_an_index_is_in_none_until_it_changes)
{
	start(1);
	put("{'pk':'p','sk':'a','a':'x'}");
	put("{'pk':'p','sk':'b','a':'y'}");
	put("{'pk':'p','sk':'c','a':5}");
	CHECK_INT(set_indexes(1, 1, LOCALS), RESULT_OK);
	CHECK_STR(rows(), "p.a p.b p.c");
	put("{'pk':'p','sk':'a','a':'z'}");
	CHECK_INT(write_one(MSG_OP_DELETE, "{'pk':'p','sk':'b'}", NULL, NULL).result, RESULT_OK);
	put("{'pk':'p','sk':'c','a':'c'}");
	CHECK_STR(rows(), "p.a p.c 1:p.c.c 1:p.z.a");
	stop();
}

TEST(all_operations_of_a_write_or_none)
{
	struct buf ops = { 0 };
	struct msg_written m;

	start(1);
	CHECK_INT(set_indexes(1, 1, LOCALS), RESULT_OK);
	add_op(&ops, MSG_OP_PUT, "{'pk':'p','sk':'a','a':'x'}", NULL, NULL);
	add_op(&ops, MSG_OP_PUT, "{'pk':'q','sk':'a','a':7}", NULL, NULL);
	m = send_ops(&ops);
	CHECK_INT(m.result, RESULT_INVALID);
	CHECK_INT(m.failed, 1);
	CHECK_STR(rows(), "");
	add_op(&ops, MSG_OP_PUT, "{'pk':'p','sk':'a','a':'x'}", NULL, NULL);
	add_op(&ops, MSG_OP_PUT, "{'pk':'p','sk':'b','a':'x'}", NULL, NULL);
	CHECK_INT(send_ops(&ops).result, RESULT_OK);
	CHECK_STR(rows(), "p.a p.b 1:p.x.a 1:p.x.b");
	stop();
}

TEST(what_cannot_be_a_key_is_refused_after_the_condition)
{
	struct msg_written m;

	start(1);
	put("{'pk':'p','sk':'a','a':'x','n':1}");
	CHECK_INT(set_indexes(1, 1, LOCALS), RESULT_OK);
	m = write_one(MSG_OP_PUT, "{'pk':'p','sk':'a','a':5}", NULL, NULL);
	CHECK_INT(m.result, RESULT_INVALID);
	CHECK(bytes_is(m.text, "One or more parameter values were invalid: Type mismatch for Index Key a Expected: S Actual: N "
			       "IndexName: by-a"));
	CHECK_INT(write_one(MSG_OP_PUT, "{'pk':'p','sk':'a','a':''}", NULL, NULL).result, RESULT_INVALID);
	CHECK_INT(write_one(MSG_OP_PUT, "{'pk':'p','sk':'a','n':'1'}", NULL, NULL).result, RESULT_INVALID);
	CHECK_INT(write_one(MSG_OP_UPDATE, "{'pk':'p','sk':'a'}", "SET a = n", NULL).result, RESULT_INVALID);
	CHECK_INT(write_one(MSG_OP_PUT, "{'pk':'p','sk':'a','a':5}", NULL, "attribute_not_exists(pk)").result,
		  RESULT_CONDITION_FAILED);
	CHECK_INT(write_one(MSG_OP_DELETE, "{'pk':'p','sk':'a'}", NULL, "attribute_not_exists(pk)").result, RESULT_CONDITION_FAILED);
	CHECK_STR(rows(), "p.a");
	stop();
}

TEST(rows_are_made_of_well_formed_keys_only)
{
	static const char *const keys[] = { "k", "a hash and then no component", "0123456789abcdef\1p" };
	struct buf ops = { 0 }, local = { 0 };
	struct msg_op op = { .kind = MSG_OP_PUT };

	start(1);
	CHECK_INT(set_indexes(1, 1, LOCALS), RESULT_OK);
	op.item = item("{'pk':'p','sk':'a','a':'x'}");
	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
		op.key = bytes_str(keys[i]);
		MSG_LIST_PUT(&ops, op, &op, MSG_VERSION);
		CHECK_INT(send_ops(&ops).result, RESULT_INTERNAL);
	}
	base_key(op.item, &local);
	index_key(&group_indexes(leader()->n, lead())->v[0], w.hasher, buf_view(&local), op.item, &local);
	buf_drop(&local, KEY_HASH_N + 4 + 4);
	op.key = buf_view(&local);
	MSG_LIST_PUT(&ops, op, &op, MSG_VERSION);
	CHECK_INT(send_ops(&ops).result, RESULT_INTERNAL);
	CHECK_STR(rows(), "");
	buf_fini(&local);
	stop();
}

static const char *units(struct bytes list)
{
	static char text[TEXT_MAX];
	struct msg_index_units m;
	struct bytes raw;

	*text = '\0';
	while (msg_list_next(&list, &raw) && msg_get_index_units(raw, &m, MSG_VERSION))
		add_text(text, "%s%u:%u", *text != '\0' ? " " : "", m.index, m.units);
	return text;
}

TEST(the_answer_tells_what_indexes_cost_if_that_is_asked)
{
	struct msg_written m;

	start(1);
	CHECK_INT(set_indexes(1, 1, ALL_THREE), RESULT_OK);
	m = write_one(MSG_OP_PUT, "{'pk':'p','sk':'a','a':'x','g':'y'}", NULL, "attribute_not_exists(pk)");
	CHECK_STR(units(m.indexes), "1:1 3:1");
	m = write_one(MSG_OP_PUT, "{'pk':'p','sk':'a','a':'z','g':'y'}", NULL, "attribute_exists(pk)");
	CHECK_STR(units(m.indexes), "1:2");
	m = write_one(MSG_OP_PUT, "{'pk':'p','sk':'a','a':'z','g':'y'}", NULL, "attribute_exists(pk)");
	CHECK_STR(units(m.indexes), "");
	m = write_one(MSG_OP_PUT, "{'pk':'p','sk':'b','a':'z'}", NULL, NULL);
	CHECK_STR(units(m.indexes), "");
	m = write_one(MSG_OP_DELETE, "{'pk':'p','sk':'a'}", NULL, "attribute_not_exists(pk)");
	CHECK_INT(m.result, RESULT_CONDITION_FAILED);
	CHECK_STR(units(m.indexes), "");
	m = write_one(MSG_OP_DELETE, "{'pk':'p','sk':'a'}", NULL, "attribute_exists(pk)");
	CHECK_STR(units(m.indexes), "1:1 3:1");
	stop();
}

TEST(rows_are_counted_for_themselves)
{
	struct msg_group_state s;
	struct msg_local_size l;
	struct bytes raw;

	start(1);
	CHECK_INT(write_one(MSG_OP_PUT, "{'pk':'p','sk':'0'}", NULL, NULL).group_bytes, 0);
	CHECK_INT(set_indexes(1, 1, LOCALS), RESULT_OK);
	put("{'pk':'p','sk':'a','a':'x'}");
	put("{'pk':'p','sk':'b','a':'xx','n':1}");
	run(STEP_US);
	s = state_of(leader());
	CHECK_INT(s.rows, 3);
	CHECK_INT(s.bytes, 6 + 8 + 12);
	CHECK(msg_list_next(&s.locals, &raw) && msg_get_local_size(raw, &l, MSG_VERSION));
	CHECK(l.index == 1 && l.rows == 2 && l.bytes == 8 + 12);
	CHECK(msg_list_next(&s.locals, &raw) && msg_get_local_size(raw, &l, MSG_VERSION));
	CHECK(l.index == 2 && l.rows == 1 && l.bytes == 9);
	CHECK(s.locals.n == 0);
	CHECK_INT(write_one(MSG_OP_PUT, "{'pk':'p','sk':'c'}", NULL, NULL).group_bytes, 26 + 20 + 9);
	stop();
}

TEST(what_indexes_lose_is_no_delete_of_an_item)
{
	start(1);
	CHECK_INT(set_indexes(1, 1, ALL_THREE), RESULT_OK);
	put("{'pk':'p','sk':'a','a':'x','g':'y'}");
	put("{'pk':'p','sk':'a','a':'y','g':'z'}");
	run(100000);
	CHECK_INT(lead()->deleted_clock, 0);
	CHECK_INT(write_one(MSG_OP_DELETE, "{'pk':'p','sk':'a'}", NULL, NULL).result, RESULT_OK);
	run(100000);
	CHECK(lead()->deleted_clock > WALL_US);
	stop();
}

/* --- what global indexes will hear ------------------------------------------------------------------------------------ */

/* The moves of the newest proposed entry, each as index, old key > new key, the item's name of attributes. */
static const char *moves(void)
{
	static char text[TEXT_MAX];
	struct peer *p = leader();
	struct bytes list = BYTES_NONE, raw;
	struct msg_index_change c;
	struct msg_index_move m;
	struct merge merge;
	uint64_t of;

	*text = '\0';
	merge_open(&merge, p->n, node_find(p->n, G), BYTES_LIT("\0"), false, OVERLAY_NEWEST);
	while (merge_next(&merge))
		if (own_kind(merge.key, &of) == OWN_OUTBOX)
			list = merge.item;
	while (msg_list_next(&list, &raw) && msg_get_index_change(raw, &c, MSG_VERSION)) {
		add_text(text, "%s%s", *text != '\0' ? " " : "", c.item.n > 0 ? "[item]" : "[]");
		while (msg_list_next(&c.moves, &raw) && msg_get_index_move(raw, &m, MSG_VERSION)) {
			if (m.old_key.n > 0)
				add_key(text, m.old_key, m.index);
			add_text(text, " >");
			if (m.new_key.n > 0)
				add_key(text, m.new_key, m.index);
		}
	}
	merge_close(&merge);
	return text;
}

/* Proposed, and looked at before anybody is told. */
static const char *moves_of(uint8_t kind, const char *text)
{
	struct buf ops = { 0 }, b = { 0 };
	struct peer *p = leader();
	static char out[TEXT_MAX];

	add_op(&ops, kind, text, NULL, NULL);
	msg_put_write(&b, &(struct msg_write){ G, G, 1, buf_view(&ops) }, MSG_VERSION);
	node_request(p->n, 1, 1, MSG_write, buf_view(&b), w.now);
	buf_fini(&ops);
	buf_fini(&b);
	snprintf(out, sizeof out, "%s", moves());
	run(1000000);
	CHECK_STR(moves(), "");                  /* nobody holds its rows, so nothing is kept for it */
	return out;
}

TEST(the_outbox_says_what_moves_in_global_indexes)
{
	start(1);
	CHECK_INT(set_indexes(1, 1, ALL_THREE), RESULT_OK);
	CHECK_STR(moves_of(MSG_OP_PUT, "{'pk':'p','sk':'a','g':'x','v':1}"), "[item] > 3:x.p.a");
	CHECK_STR(moves_of(MSG_OP_PUT, "{'pk':'p','sk':'a','g':'x','v':2}"), "");
	CHECK_STR(moves_of(MSG_OP_PUT, "{'pk':'p','sk':'a','g':'y','v':2}"), "[item] 3:x.p.a > 3:y.p.a");
	CHECK_STR(moves_of(MSG_OP_PUT, "{'pk':'p','sk':'a','v':2}"), "[] 3:y.p.a >");
	CHECK_STR(moves_of(MSG_OP_PUT, "{'pk':'p','sk':'a','g':'z'}"), "[item] > 3:z.p.a");
	CHECK_STR(moves_of(MSG_OP_DELETE, "{'pk':'p','sk':'a'}"), "[] 3:z.p.a >");
	CHECK_STR(moves_of(MSG_OP_DELETE, "{'pk':'p','sk':'a'}"), "");
	stop();
}

/* --- transactions ----------------------------------------------------------------------------------------------------- */

static struct msg_tx_prepared prepare(struct buf *ops)
{
	struct msg_tx_prepared m = { .result = RESULT_UNKNOWN };
	struct buf b = { 0 };

	msg_put_tx_prepare(&b, &(struct msg_tx_prepare){ .group = G, .table = G, .schema = 1, .txid = TX, .timestamp = WALL_US + w.now,
		.ledger_group = 99, .ledger_key = BYTES_LIT("ledger"), .ops = buf_view(ops) }, MSG_VERSION);
	buf_fini(ops);
	request_of(leader(), MSG_tx_prepare, &b);
	CHECK(w.type == MSG_tx_prepared && msg_get_tx_prepared(buf_view(&w.answer), &m, MSG_VERSION));
	return m;
}

static void finish(bool commit, const char *const *items, size_t n)
{
	struct msg_tx_finished m = { .result = RESULT_UNKNOWN };
	struct buf b = { 0 }, keys = { 0 }, key = { 0 };

	for (size_t i = 0; i < n; i++) {
		buf_clear(&key);
		base_key(item(items[i]), &key);
		buf_lenbytes(&keys, buf_view(&key));
	}
	msg_put_tx_finish(&b, &(struct msg_tx_finish){ G, G, TX, commit, buf_view(&keys) }, MSG_VERSION);
	buf_fini(&keys);
	buf_fini(&key);
	request_of(leader(), MSG_tx_finish, &b);
	CHECK(w.type == MSG_tx_finished && msg_get_tx_finished(buf_view(&w.answer), &m, MSG_VERSION));
	CHECK_INT(m.result, RESULT_OK);
}

static const char *const tx_items[] = { "{'pk':'p','sk':'a'}", "{'pk':'p','sk':'b'}", "{'pk':'p','sk':'c'}", "{'pk':'p','sk':'d'}" };

/* a changes, b goes, c comes, d is only looked at. */
static void prepare_four(void)
{
	static const char *const costs[] = { "1:2", "1:1", "1:1 2:1", "" };
	struct buf ops = { 0 };
	struct msg_tx_prepared m;
	struct msg_tx_result r;
	struct bytes raw;

	add_op(&ops, MSG_OP_PUT, "{'pk':'p','sk':'a','a':'z'}", NULL, NULL);
	add_op(&ops, MSG_OP_DELETE, tx_items[1], NULL, NULL);
	add_op(&ops, MSG_OP_PUT, "{'pk':'p','sk':'c','a':'c','n':3}", NULL, NULL);
	add_op(&ops, MSG_OP_CHECK, tx_items[3], NULL, "attribute_exists(pk)");
	m = prepare(&ops);
	CHECK_INT(m.result, RESULT_OK);
	for (size_t i = 0; i < 4; i++) {
		CHECK(msg_list_next(&m.results, &raw) && msg_get_tx_result(raw, &r, MSG_VERSION));
		CHECK_STR(units(r.indexes), costs[i]);
	}
}

TEST(transactions_change_indexes_when_they_commit)
{
	static const char before[] = "p.a p.b p.d 1:p.d.d 1:p.x.a 1:p.y.b";

	start(1);
	CHECK_INT(set_indexes(1, 1, LOCALS), RESULT_OK);
	put("{'pk':'p','sk':'a','a':'x'}");
	put("{'pk':'p','sk':'b','a':'y'}");
	put("{'pk':'p','sk':'d','a':'d'}");
	run(STEP_US);
	prepare_four();
	CHECK_STR(rows(), before);
	finish(false, tx_items, 4);
	CHECK_STR(rows(), before);
	run(STEP_US);
	prepare_four();
	CHECK_INT(write_one(MSG_OP_PUT, "{'pk':'p','sk':'a','a':'q'}", NULL, NULL).result, RESULT_CONFLICT);
	CHECK_STR(rows(), before);
	finish(true, tx_items, 4);
	CHECK_STR(rows(), "p.a p.c p.d 1:p.c.c 1:p.d.d 1:p.z.a 2:p.3.c");
	finish(true, tx_items, 4);
	CHECK_STR(rows(), "p.a p.c p.d 1:p.c.c 1:p.d.d 1:p.z.a 2:p.3.c");
	stop();
}

TEST(a_prepare_refuses_what_cannot_be_a_key)
{
	struct buf ops = { 0 };
	struct msg_tx_prepared m;
	struct msg_tx_result r;
	struct bytes raw;

	start(1);
	CHECK_INT(set_indexes(1, 1, LOCALS), RESULT_OK);
	add_op(&ops, MSG_OP_PUT, "{'pk':'p','sk':'a','a':'z'}", NULL, NULL);
	add_op(&ops, MSG_OP_PUT, "{'pk':'p','sk':'b','n':'z'}", NULL, NULL);
	m = prepare(&ops);
	CHECK_INT(m.result, RESULT_INVALID);
	CHECK(msg_list_next(&m.results, &raw) && msg_get_tx_result(raw, &r, MSG_VERSION) && r.result == RESULT_OK);
	CHECK(msg_list_next(&m.results, &raw) && msg_get_tx_result(raw, &r, MSG_VERSION) && r.result == RESULT_INVALID);
	CHECK(bytes_is(r.text, "One or more parameter values were invalid: Type mismatch for Index Key n Expected: N Actual: S "
			       "IndexName: by-n"));
	CHECK_STR(rows(), "");
	stop();
}

/* 400 KB in the item, once more in its row, of 12 items: more than an entry holds. */
TEST(large_items_and_their_rows_fill_several_entries)
{
	enum { ITEMS = 12, LARGE = 390 << 10 };
	const char *items[ITEMS];
	char text[ITEMS][64];
	char *large = mem_new(LARGE + 1);
	struct buf ops = { 0 }, json = { 0 };
	uint64_t before;

	memset(large, 'l', LARGE);
	start(1);
	CHECK_INT(set_indexes(1, 1, LOCALS), RESULT_OK);
	for (int i = 0; i < ITEMS; i++) {
		struct item_build *b = &w.build;
		struct buf key = { 0 };
		char sk[2] = { (char)('a' + i), '\0' };

		snprintf(text[i], sizeof text[i], "{'pk':'p','sk':'%s'}", sk);
		items[i] = text[i];
		base_key(item(text[i]), &key);
		item_build_reset(b);
		item_build_item(b);
		item_build_name(b, BYTES_LIT("pk")), item_build_s(b, BYTES_LIT("p"));
		item_build_name(b, BYTES_LIT("sk")), item_build_s(b, bytes_str(sk));
		item_build_name(b, BYTES_LIT("a")), item_build_s(b, BYTES_LIT("x"));
		item_build_name(b, BYTES_LIT("v")), item_build_s(b, bytes_str(large));
		item_build_close(b);
		MSG_LIST_PUT(&ops, op, (&(struct msg_op){ .kind = MSG_OP_PUT, .key = buf_view(&key), .item = item_build_view(b) }),
			     MSG_VERSION);
		buf_fini(&key);
	}
	CHECK_INT(prepare(&ops).result, RESULT_OK);
	before = lead()->chosen;
	finish(true, items, ITEMS);
	CHECK_INT(lead()->chosen, before + 2);
	CHECK_STR(rows(), "p.a p.b p.c p.d p.e p.f p.g p.h p.i p.j p.k p.l "
			  "1:p.x.a 1:p.x.b 1:p.x.c 1:p.x.d 1:p.x.e 1:p.x.f 1:p.x.g 1:p.x.h 1:p.x.i 1:p.x.j 1:p.x.k 1:p.x.l");
	stop();
	free(large);
	buf_fini(&json);
}

/* --- time to live ----------------------------------------------------------------------------------------------------- */

TEST(expired_items_leave_their_indexes)
{
	struct buf b = { 0 };

	start(1);
	CHECK_INT(set_indexes(1, 1, LOCALS), RESULT_OK);
	put("{'pk':'p','sk':'a','a':'x','n':1600000000}");
	put("{'pk':'p','sk':'b','a':'y','n':1800000000}");
	put("{'pk':'p','sk':'c','a':'z','n':1600000000}");
	run(100000);
	msg_put_group_ttl(&b, &(struct msg_group_ttl){ 1, G, 1, BYTES_LIT("n") }, MSG_VERSION);
	request_of(leader(), MSG_group_ttl, &b);
	run(1000000);
	CHECK_STR(rows(), "p.b 1:p.y.b 2:p.1800000000.b");
	CHECK_INT(node_metrics(leader()->n)->expired.v, 2);
	stop();
}

/* --- who knows of indexes ----------------------------------------------------------------------------------------------- */

TEST(only_the_present_autoadmin_tells_a_leader_of_indexes)
{
	struct msg_group_state s;

	start(3);
	CHECK_INT(state_of(leader()).indexes, 0);
	CHECK_INT(set_indexes(2, 3, TABLE(3, BY_A, "")), RESULT_OK);
	CHECK_INT(set_indexes(1, 4, TABLE(4, BY_N, "")), RESULT_FENCED);
	CHECK_INT(set_indexes(2, 4, TABLE(5, BY_N, "")), RESULT_INTERNAL);
	CHECK_INT(set_indexes(2, 0, TABLE(0, BY_N, "")), RESULT_INTERNAL);
	CHECK_INT(set_indexes(2, 5, "{'IndexVersion':5}"), RESULT_INTERNAL);
	CHECK_INT(tell_indexes(2, 5, item(TABLE(5, BY_N, BY_G))), RESULT_INTERNAL);      /* whose groups nobody knows */
	CHECK_INT(set_indexes(2, 2, TABLE(2, BY_N, "")), RESULT_OK);
	CHECK_INT(set_indexes(2, 3, TABLE(3, BY_N, "")), RESULT_OK);
	put("{'pk':'p','sk':'a','a':'x','n':1}");
	CHECK_STR(rows(), "p.a 1:p.x.a");
	CHECK_INT(state_of(leader()).indexes, 3);
	for (uint32_t id = 1; id <= 3; id++) {
		s = state_of(up(id));
		CHECK_INT(s.indexes, up(id) == leader() ? 3 : 0);
	}
	CHECK_INT(set_indexes(2, 4, TABLE(4, "", "")), RESULT_OK);
	put("{'pk':'p','sk':'b','a':'x','n':1}");
	CHECK_STR(rows(), "p.a p.b 1:p.x.a");
	stop();
}

TEST(the_next_leader_knows_them_and_so_does_a_node_that_comes_back)
{
	uint32_t first;

	start(3);
	first = leader()->id;
	CHECK_INT(set_indexes(1, 1, LOCALS), RESULT_OK);
	put("{'pk':'p','sk':'a','a':'x'}");
	node_down(first);
	CHECK(leader()->id != first);
	CHECK_INT(state_of(leader()).indexes, 1);
	put("{'pk':'p','sk':'a','a':'y'}");
	CHECK_STR(rows(), "p.a 1:p.y.a");
	boot(&w.peer[first - 1]);
	run(2000000);
	CHECK_STR(rows_at(up(first), "ico"), "p.a 1:p.y.a");
	for (uint32_t id = 1; id <= 3; id++)
		node_down(id);
	for (uint32_t id = 1; id <= 3; id++)
		boot(&w.peer[id - 1]);
	put("{'pk':'p','sk':'a','a':'z'}");
	CHECK_STR(rows(), "p.a 1:p.z.a");
	stop();
}

TEST(what_was_never_chosen_is_forgotten)
{
	struct buf b = { 0 };
	struct peer *old;

	start(3);
	CHECK_INT(set_indexes(1, 1, TABLE(1, BY_A, "")), RESULT_OK);
	old = leader();
	w.alone = old->id;
	msg_put_group_indexes(&b, &(struct msg_group_indexes){ 1, G, 2, item(TABLE(2, BY_N, "")) }, MSG_VERSION);
	w.type = 0;
	node_request(old->n, 1, 1, MSG_group_indexes, buf_view(&b), w.now);
	buf_fini(&b);
	turn(old);
	CHECK_INT(w.type, 0);                    /* not until it is chosen */
	CHECK_INT(group_indexes(old->n, node_find(old->n, G))->version, 2);
	CHECK_INT(group_indexes_version(old->n, node_find(old->n, G)), 1);
	CHECK(leader() != old);
	put("{'pk':'p','sk':'a','a':'x','n':1}");
	w.alone = 0;
	run(3000000);
	CHECK_INT(group_indexes(old->n, node_find(old->n, G))->version, 1);
	CHECK_STR(rows_at(old, "ico"), "p.a 1:p.x.a");
	stop();
}

TEST(a_snapshot_carries_them)
{
	struct peer *late;

	start(3);
	CHECK_INT(leader()->id, 1);
	late = up(3);
	w.alone = 3;
	CHECK_INT(set_indexes(1, 1, LOCALS), RESULT_OK);
	put("{'pk':'p','sk':'a','a':'x','n':1}");
	run(100000);
	snap_start(up(1)->n, lead(), 3);         /* what it would do for one that lags far behind: the log is too short here */
	w.alone = 0;
	run(100000);
	for (unsigned i = 0; i < 100 && node_find(late->n, G)->meta.rows == 0; i++)
		run(STEP_US);
	CHECK_STR(rows_at(late, "ico"), "p.a 1:p.x.a 2:p.1.a");
	CHECK_INT(group_indexes(late->n, node_find(late->n, G))->version, 1);
	stop();
}

CHECK_MAIN(
	X(rows_of_local_indexes_follow_their_items) X(what_was_written_before_an_index_is_in_none_until_it_changes)
	X(all_operations_of_a_write_or_none) X(what_cannot_be_a_key_is_refused_after_the_condition)
	X(rows_are_made_of_well_formed_keys_only) X(the_answer_tells_what_indexes_cost_if_that_is_asked) X(rows_are_counted_for_themselves)
	X(what_indexes_lose_is_no_delete_of_an_item) X(the_outbox_says_what_moves_in_global_indexes)
	X(transactions_change_indexes_when_they_commit) X(a_prepare_refuses_what_cannot_be_a_key)
	X(large_items_and_their_rows_fill_several_entries) X(expired_items_leave_their_indexes)
	X(only_the_present_autoadmin_tells_a_leader_of_indexes) X(the_next_leader_knows_them_and_so_does_a_node_that_comes_back)
	X(what_was_never_chosen_is_forgotten) X(a_snapshot_carries_them))
