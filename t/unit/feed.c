/* feed: what a table's group tells the groups of its indexes arrives once, in order, whatever is lost, repeated or led by another. */
#include "feed_world.h"

static const struct index_def by_a = { 1, "a", "ALL", "ACTIVE", 21 }, by_b = { 2, "b", "KEYS_ONLY", "ACTIVE", 31 };
static uint64_t slow;                            /* the group that the fates below are about; 0: any */

static void let_go(void)
{
	STAILQ_CONCAT(&w.way, &w.kept);
}

static struct group *lead(uint64_t group)
{
	return node_find(leader(group)->n, group);
}

static bool is_feed_to(const struct packet *p, uint64_t group)
{
	struct msg_feed m;

	return p->type == MSG_feed && msg_get_feed((struct bytes){ p->body, p->n }, &m, MSG_VERSION) && (group == 0 || m.group == group);
}

static enum fate lose_feeds(const struct packet *p)
{
	return is_feed_to(p, slow) ? LOSE : DELIVER;
}

static enum fate keep_feeds(const struct packet *p)
{
	return is_feed_to(p, slow) ? KEEP : DELIVER;
}

static enum fate lose_answers(const struct packet *p)
{
	return p->type == MSG_fed ? LOSE : DELIVER;
}

static enum fate lose_replication(const struct packet *p)
{
	return p->type == MSG_px ? LOSE : DELIVER;
}

/* The table led by node 1 of three, its index by_a on node 2 and, of the higher keys, on node 3. */
static void start_spread(unsigned nodes)
{
	start(nodes);
	create_index(&by_a, nodes > 1 ? 2 : 1, nodes);
	set_indexes(1, &by_a, 1);
}

static void check_same(const struct index_def *x, size_t rows)
{
	size_t n;

	CHECK(is_same(x, &n));
	CHECK_INT(n, rows);
}

static char *name(unsigned i)
{
	static char text[16];

	snprintf(text, sizeof text, "k%04u", i);
	return text;
}

/* With a few values, so that both groups of an index have some. */
static void put_many(unsigned from, unsigned to, const char *a)
{
	char value[16];

	for (unsigned i = from; i < to; i++) {
		snprintf(value, sizeof value, "%s%u", a, i % 8);
		send_put(name(i), value, NULL, 0);
	}
	CHECK_INT(answered(), RESULT_OK);
}

static struct node_metrics *metrics(uint64_t group)
{
	return node_metrics(leader(group)->n);
}

/* --- what arrives -------------------------------------------------------------------------------------------------- */

TEST(indexes_follow_their_table)
{
	const struct index_def both[] = { by_a, by_b };

	start(1);
	create_index(&by_a, 1, 1);
	create_index(&by_b, 1, 1);
	set_indexes(1, both, 2);
	put("one", "x", "y");
	put("two", "x", NULL);
	put("three", NULL, "y");
	settle();
	check_same(&by_a, 2);
	check_same(&by_b, 2);
	put("one", "z", "y");
	put("two", NULL, "q");
	put("three", NULL, NULL);
	settle();
	check_same(&by_a, 1);
	check_same(&by_b, 2);
	CHECK_INT(metrics(BASE)->feed_rows.v, 6);
	CHECK_INT(metrics(BASE)->feed_gaps.v, 0);
	CHECK_INT(metrics(BASE)->bad_messages.v, 0);
	CHECK_INT(metrics_hist_n(&metrics(BASE)->feed_lag_us) > 0, 1);
	stop();
}

TEST(of_several_changes_in_a_batch_the_last_stands)
{
	start_spread(1);
	send_put("k", "x", "1", 0);
	send_put("k", "y", "2", 0);
	send_put("k", "x", "3", 0);
	send_put("gone", "x", NULL, 0);
	send_put("gone", NULL, NULL, 0);
	send_put("back", "x", NULL, 0);
	send_put("back", NULL, NULL, 0);
	send_put("back", "x", "4", 0);
	settle();
	check_same(&by_a, 2);
	stop();
}

TEST(a_table_without_indexes_sends_nothing)
{
	start(2);
	put("one", "x", "y");
	run(100000);
	CHECK_INT(w.feeds, 0);
	CHECK_INT(lag(), 0);
	CHECK_INT(own_rows(BASE, OWN_OUTBOX, true), 0);
	stop();
}

/* --- batches ------------------------------------------------------------------------------------------------------- */

static size_t rows_max, bytes_max;

static enum fate measure(const struct packet *p)
{
	struct msg_feed m;
	struct bytes part;
	size_t rows = 0;

	if (is_feed_to(p, 0) && msg_get_feed((struct bytes){ p->body, p->n }, &m, MSG_VERSION)) {
		while (msg_list_next(&m.rows, &part))
			rows++;
		rows_max = rows > rows_max ? rows : rows_max;
		bytes_max = p->n > bytes_max ? p->n : bytes_max;
	}
	return DELIVER;
}

TEST(a_batch_is_bounded)
{
	rows_max = bytes_max = 0;
	start(3);
	create_index(&by_a, 2, 2);
	set_indexes(1, &by_a, 1);
	w.fate = measure;
	for (unsigned i = 0; i < 350; i++)
		send_put(name(i), "x", NULL, 0);
	settle();
	CHECK(rows_max > 50 && rows_max <= FEED_ROWS_MAX);
	check_same(&by_a, 350);
	for (unsigned i = 0; i < 8; i++)
		send_put(name(i), "x", NULL, 300000);
	settle();
	CHECK(bytes_max > 300000 && bytes_max < FEED_BYTES_MAX + 1000);
	check_same(&by_a, 350);
	stop();
}

/* One entry may change a hundred items, each of which leaves one row and gets another. */
TEST(what_one_entry_changes_is_not_divided)
{
	struct buf ops = { 0 };

	rows_max = 0;
	start_spread(3);
	w.fate = measure;
	for (const char *a = "x"; a != NULL; a = *a == 'x' ? "y" : NULL) {
		for (unsigned i = 0; i < 100; i++)
			add_item(&ops, name(i), a, NULL, 0);
		send_ops(&ops);
		CHECK_INT(answered(), RESULT_OK);
	}
	settle();
	CHECK(rows_max >= 100);
	check_same(&by_a, 100);
	stop();
}

TEST(twenty_indexes_with_all_of_a_large_item)
{
	struct index_def x[20];

	start(2);
	for (uint32_t i = 0; i < 20; i++) {
		x[i] = (struct index_def){ i + 1, i % 2 == 0 ? "a" : "b", "ALL", "ACTIVE", 100 + 2 * i };
		create_index(&x[i], 2, 2);
	}
	set_indexes(1, x, 20);
	send_put("large", "x", "y", 409000);
	CHECK_INT(answered(), RESULT_OK);
	send_put("large", "z", "y", 409000);
	CHECK_INT(answered(), RESULT_OK);
	settle();
	for (uint32_t i = 0; i < 20; i++)
		check_same(&x[i], 1);
	stop();
}

/* --- what is lost and repeated --------------------------------------------------------------------------------------- */

TEST(what_is_lost_is_told_again)
{
	start_spread(3);
	w.fate = lose_feeds;
	put_many(0, 20, "x");
	run(500000);
	CHECK(lag() >= 400000);
	CHECK_INT(own_rows(BASE, OWN_OUTBOX, false), 20);
	CHECK_INT(w.feeds, 0);
	w.fate = NULL;
	settle();
	check_same(&by_a, 20);
	stop();
}

TEST(what_is_there_already_is_not_written_again)
{
	uint64_t chosen[2];

	start_spread(3);
	w.fate = lose_answers;
	put_many(0, 20, "x");
	run(300000);
	chosen[0] = lead(21)->chosen;
	chosen[1] = lead(22)->chosen;
	CHECK(w.feeds > 2);
	check_same(&by_a, 20);
	CHECK_INT(own_rows(BASE, OWN_OUTBOX, false), 20);
	run(1000000);
	CHECK(lead(21)->chosen == chosen[0] && lead(22)->chosen == chosen[1]);
	w.fate = NULL;
	settle();
	CHECK(lead(21)->chosen == chosen[0] && lead(22)->chosen == chosen[1]);
	CHECK_INT(metrics(21)->feed_gaps.v + metrics(22)->feed_gaps.v, 0);
	stop();
}

/* What came late would bring back what is deleted since. */
TEST(a_feed_that_comes_late_changes_nothing)
{
	start_spread(3);
	w.fate = keep_feeds;
	put_many(0, 10, "x");
	run(50000);
	w.fate = NULL;
	settle();
	check_same(&by_a, 10);
	for (unsigned i = 0; i < 5; i++)
		put(name(i), NULL, NULL);
	put_many(5, 10, "y");
	settle();
	check_same(&by_a, 5);
	let_go();
	run(100000);
	check_same(&by_a, 5);
	stop();
}

TEST(one_that_is_slow_holds_the_batch)
{
	unsigned feeds;

	start_spread(3);
	slow = 22;
	w.fate = lose_feeds;
	put_many(0, 20, "x");
	run(300000);
	CHECK_INT(own_rows(BASE, OWN_OUTBOX, false), 20);
	CHECK_INT(own_rows(21, OWN_SOURCE, false), 1);
	CHECK_INT(own_rows(22, OWN_SOURCE, false), 0);
	feeds = w.feeds;
	run(600000);
	CHECK_INT(w.feeds, feeds);               /* the other one is not told again */
	w.fate = NULL;
	settle();
	check_same(&by_a, 20);
	slow = 0;
	stop();
}

/* --- leaders ------------------------------------------------------------------------------------------------------- */

TEST(the_next_leader_of_the_table_goes_on)
{
	start_spread(3);
	put_many(0, 10, "x");
	w.fate = lose_feeds;
	put_many(10, 30, "y");
	run(100000);
	CHECK_INT(leader(BASE)->id, 1);
	node_down(1);
	CHECK(leader(BASE)->id != 1);
	put_many(5, 15, "z");
	CHECK_INT(own_rows(BASE, OWN_OUTBOX, false) >= 20, 1);
	w.fate = NULL;
	settle();
	check_same(&by_a, 30);
	stop();
}

/* It deletes what the last one has been told is there, and tells again what it had not heard of. */
TEST(a_leader_of_old_does_no_harm)
{
	start_spread(3);
	slow = 21;
	w.fate = keep_feeds;
	put_many(0, 20, "x");
	run(100000);
	node_down(1);
	w.fate = NULL;
	leader(BASE);
	settle();
	for (unsigned i = 0; i < 20; i++)
		put(name(i), NULL, NULL);
	settle();
	check_same(&by_a, 0);
	let_go();
	run(100000);
	check_same(&by_a, 0);
	slow = 0;
	stop();
}

TEST(a_restart_forgets_nothing)
{
	start_spread(3);
	w.fate = lose_feeds;
	put_many(0, 20, "x");
	run(200000);
	for (uint32_t id = 1; id <= 3; id++)
		node_down(id);
	for (uint32_t id = 1; id <= 3; id++)
		boot(&w.peer[id - 1]);
	w.fate = NULL;
	leader(BASE), leader(21), leader(22);
	settle();
	check_same(&by_a, 20);
	stop();
}

TEST(what_is_not_chosen_is_not_told)
{
	start_spread(3);
	put("first", "x", NULL);
	settle();
	w.feeds = 0;
	w.fate = lose_replication;
	send_put("k", "x", NULL, 0);
	CHECK_INT(own_rows(BASE, OWN_OUTBOX, true), 1);
	run(200000);
	CHECK_INT(w.feeds, 0);
	CHECK(lag() > 0);
	w.fate = NULL;
	settle();
	check_same(&by_a, 2);
	stop();
}

static unsigned answers;

static enum fate count_answers(const struct packet *p)
{
	answers += p->type == MSG_fed;
	return lose_replication(p);
}

/* The index's group has three members, and its leader cannot reach the others. */
TEST(nothing_is_promised_before_it_is_chosen)
{
	static const struct index_def x = { 1, "a", "ALL", "ACTIVE", 41 };

	start(3);
	create(41, TABLE + 1, BYTES_NONE, HALF, 2, 3);
	create(42, TABLE + 1, HALF, BYTES_NONE, 2, 3);
	set_indexes(1, &x, 1);
	w.fate = lose_feeds;
	put_many(0, 20, "x");
	answers = 0;
	w.fate = count_answers;
	run(600000);
	CHECK(w.feeds > 0);
	CHECK_INT(answers, 0);
	CHECK_INT(own_rows(BASE, OWN_OUTBOX, false), 20);
	w.fate = NULL;
	settle();
	check_same(&x, 20);
	CHECK(answers == 0);
	stop();
}

TEST(an_index_may_change_its_leader)
{
	static const struct index_def x = { 1, "a", "ALL", "ACTIVE", 51 };

	start(3);
	create(51, TABLE + 1, BYTES_NONE, HALF, 1, 3);
	create(52, TABLE + 1, HALF, BYTES_NONE, 1, 3);
	set_indexes(1, &x, 1);
	put_many(0, 20, "x");
	settle();
	node_down(leader(51)->id);
	leader(51), leader(52), leader(BASE);
	put_many(10, 40, "y");
	settle();
	check_same(&x, 40);
	CHECK_INT(metrics(51)->feed_gaps.v, 0);
	stop();
}

/* It may not delete the rows any more, and cannot go before what it has proposed is chosen. */
TEST(a_leader_that_leaves_leaves_the_rest_to_the_next)
{
	start_spread(3);
	w.fate = keep_feeds;
	put_many(0, 10, "x");
	run(50000);
	w.fate = lose_replication;
	send_put("last", "x", NULL, 0);
	node_stop(up(1)->n, w.now);
	let_go();
	run(100000);
	CHECK(node_group(up(1)->n, BASE)->px.draining);
	w.fate = NULL;
	run(1000000);
	CHECK(leader(BASE)->id != 1);
	settle();
	CHECK_INT(own_rows(BASE, OWN_OUTBOX, true), 0);
	CHECK(own_rows(21, OWN_SOURCE, false) == 1);
	stop();
}

/* --- indexes come and go --------------------------------------------------------------------------------------------- */

TEST(an_index_that_is_gone_holds_nothing_up)
{
	const struct index_def both[] = { by_a, by_b };

	start(3);
	create_index(&by_a, 2, 3);
	create_index(&by_b, 2, 3);
	set_indexes(1, both, 2);
	slow = 31;
	w.fate = lose_feeds;
	for (unsigned i = 0; i < 20; i++)
		send_put(name(i), "x", name(i), 0);
	run(300000);
	CHECK_INT(own_rows(BASE, OWN_OUTBOX, false), 20);
	set_indexes(2, both, 1);
	settle();
	check_same(&by_a, 20);
	set_indexes(3, both, 0);
	put("k", "x", "y");
	run(100000);
	CHECK_INT(lag(), 0);
	slow = 0;
	stop();
}

TEST(writes_wait_for_an_index_that_is_far_behind)
{
	start(3);
	create_index(&by_a, 2, 3);
	for (uint32_t id = 1; id <= 3; id++)
		up(id)->n->opt.index_lag_us = 1000000;
	set_indexes(1, &by_a, 1);
	w.fate = lose_feeds;
	put("k", "x", NULL);
	run(900000);
	CHECK(!feed_behind(leader(BASE)->n, lead(BASE)));
	run(200000);
	CHECK(feed_behind(leader(BASE)->n, lead(BASE)));
	send_put("l", "x", NULL, 0);
	CHECK_INT(answered(), RESULT_OVERLOADED);
	w.wall_off = -3600000000;                /* that clock has nothing to do with it */
	CHECK(feed_behind(leader(BASE)->n, lead(BASE)));
	w.fate = NULL;
	settle();
	CHECK(!feed_behind(leader(BASE)->n, lead(BASE)));
	w.wall_off = 3600000000;
	put("k", "y", NULL);
	settle();
	put("l", "y", NULL);
	CHECK(!feed_behind(leader(BASE)->n, lead(BASE)));
	settle();
	check_same(&by_a, 2);
	stop();
}

static void drop_group(uint32_t node, uint64_t group)
{
	struct buf b = { 0 };

	msg_put_group_drop(&b, &(struct msg_group_drop){ 1, group, node }, MSG_VERSION);
	node_request(up(node)->n, 1, 1, MSG_group_drop, buf_view(&b), w.now);
	turn(up(node));
	buf_fini(&b);
}

TEST(groups_may_go_while_others_talk_to_them)
{
	start_spread(3);
	slow = 21;
	w.fate = keep_feeds;
	put_many(0, 20, "x");
	run(100000);
	let_go();
	drop_group(2, 21);
	run(500000);
	CHECK_INT(own_rows(BASE, OWN_OUTBOX, false), 20);
	for (uint32_t id = 1; id <= 3; id++)
		drop_group(id, BASE);
	let_go();
	run(500000);
	CHECK(own_rows(22, OWN_SOURCE, false) == 1);
	slow = 0;
	stop();
}

/* --- what is refused ------------------------------------------------------------------------------------------------- */

static void send_feed(uint64_t after, uint64_t upto, const struct msg_feed_row *row, size_t n)
{
	struct buf b = { 0 }, rows = { 0 };

	for (size_t i = 0; i < n; i++)
		MSG_LIST_PUT(&rows, feed_row, &row[i], MSG_VERSION);
	msg_put_feed(&b, &(struct msg_feed){ 21, 99, 1, after, upto, buf_view(&rows) }, MSG_VERSION);
	node_message(leader(21)->n, MSG_feed, buf_view(&b), w.now);
	turn(leader(21));
	buf_fini(&b);
	buf_fini(&rows);
}

TEST(gaps_and_nonsense_are_not_taken)
{
	struct msg_feed_row row = { 10, BYTES_LIT("an index's row, long enough"), BYTES_LIT("\0") }, two[2] = { row, row };
	uint64_t chosen, bad;

	start_spread(1);
	run(50000);
	chosen = lead(21)->chosen;
	send_feed(5, 10, &row, 1);
	CHECK_INT(metrics(21)->feed_gaps.v, 1);
	CHECK_INT(metrics(21)->bad_messages.v, 0);
	send_feed(10, 10, &row, 0);
	send_feed(0, 9, &row, 1);                /* later than upto */
	two[1].time = 9;
	send_feed(0, 10, two, 2);                /* not ascending */
	row.key = BYTES_LIT("\xff" "another group's row");
	send_feed(0, 10, &row, 1);
	row.key = BYTES_LIT("\0i");
	send_feed(0, 10, &row, 1);
	row.key = two[0].key;
	row.item = BYTES_LIT("no item");
	send_feed(0, 10, &row, 1);
	node_message(leader(21)->n, MSG_feed, BYTES_LIT("what?"), w.now);
	node_message(leader(21)->n, MSG_fed, BYTES_LIT("what?"), w.now);
	bad = metrics(21)->bad_messages.v;
	CHECK_INT(bad, 8);
	CHECK_INT(lead(21)->chosen, chosen);
	CHECK_INT(own_rows(21, OWN_SOURCE, true), 0);
	send_feed(0, 10, two, 1);
	run(50000);
	CHECK_INT(lead(21)->chosen, chosen + 1);
	CHECK_INT(own_rows(21, OWN_SOURCE, false), 1);
	stop();
}

CHECK_MAIN(X(indexes_follow_their_table)
X(of_several_changes_in_a_batch_the_last_stands)
X(a_table_without_indexes_sends_nothing)
X(a_batch_is_bounded)
X(what_one_entry_changes_is_not_divided)
X(twenty_indexes_with_all_of_a_large_item)
X(what_is_lost_is_told_again)
X(what_is_there_already_is_not_written_again)
X(a_feed_that_comes_late_changes_nothing)
X(one_that_is_slow_holds_the_batch)
X(the_next_leader_of_the_table_goes_on)
X(a_leader_of_old_does_no_harm)
X(a_restart_forgets_nothing)
X(what_is_not_chosen_is_not_told)
X(nothing_is_promised_before_it_is_chosen)
X(an_index_may_change_its_leader)
X(a_leader_that_leaves_leaves_the_rest_to_the_next)
X(an_index_that_is_gone_holds_nothing_up)
X(groups_may_go_while_others_talk_to_them)
X(writes_wait_for_an_index_that_is_far_behind)
X(gaps_and_nonsense_are_not_taken))
