/* px: a group serves, loses members and messages, elects, and catches up; on a prompt network. */
#include "px.h"

#include "px_prompt.h"

TEST(a_new_group_serves_without_an_election)
{
	cluster_of(3);
	run(10000);
	CHECK(serves(cl.r[0]));
	CHECK_INT(cl.r[0]->px.promised, B(1, 1));
	CHECK_INT(propose(&cl, cl.r[0], 5), PX_OK);
	run(10000);
	for (int i = 0; i < 3; i++)
		CHECK_INT(cl.r[i]->px.committed, 2);
	CHECK_INT(cl.chosen[2], 5);
	CHECK(!px_wants_tick(&cl.r[0]->px, clock_of(&cl, cl.r[0])) && !px_wants_tick(&cl.r[1]->px, clock_of(&cl, cl.r[1])));
	CHECK_INT(propose(&cl, cl.r[1], 6), PX_NOT_LEADER);
	cluster_fini(&cl);
}

TEST(a_group_of_one_serves_and_restarts)
{
	cluster_of(1);
	run(2000);
	CHECK(serves(cl.r[0]));
	propose(&cl, cl.r[0], 5);
	run(2000);
	crash(&cl, cl.r[0], 0);
	start(&cl, cl.r[0], false, false);
	run(12000);
	CHECK(serves(cl.r[0]));
	CHECK_INT(cl.chosen[2], 5);
	cluster_fini(&cl);
}

TEST(the_leader_counts_itself_only_when_durable)
{
	cluster_of(3);
	run(10000);
	isolate(3);
	propose(&cl, cl.r[0], 5);
	flush(&cl, cl.r[0], false);
	cl.now += 200;
	deliver_due(&cl);
	sync_all(&cl, cl.r[1]);
	cl.now += 200;
	deliver_due(&cl);
	CHECK_INT(cl.r[0]->px.committed, 1);
	sync_all(&cl, cl.r[0]);
	CHECK_INT(cl.r[0]->px.committed, 2);
	heal();
	cluster_fini(&cl);
}

TEST(two_followers_can_choose_before_the_leader_is_durable)
{
	cluster_of(3);
	run(10000);
	propose(&cl, cl.r[0], 5);
	flush(&cl, cl.r[0], false);
	cl.now += 200;
	deliver_due(&cl);
	sync_all(&cl, cl.r[1]);
	sync_all(&cl, cl.r[2]);
	cl.now += 200;
	deliver_due(&cl);
	CHECK_INT(cl.r[0]->px.committed, 2);
	cluster_fini(&cl);
}

TEST(the_window_fills_and_a_follower_gets_all_of_it_at_once)
{
	int n = 0;

	cluster_of(3);
	run(10000);
	while (propose(&cl, cl.r[0], 100 + n) == PX_OK)
		n++;
	CHECK_INT(n, PX_WINDOW);
	CHECK_INT(propose(&cl, cl.r[0], 1), PX_WINDOW_FULL);
	px_flush(&cl.r[0]->px, clock_of(&cl, cl.r[0]), false, &cl.out);
	CHECK_INT(cl.out.n, 2);
	CHECK_INT(cl.out.v[0].msg.last - cl.out.v[0].msg.first + 1, PX_WINDOW);
	act(&cl, cl.r[0], NULL);
	CHECK(!px_wants_flush(&cl.r[0]->px));
	run(10000);
	CHECK_INT(cl.r[2]->px.committed, PX_WINDOW + 1);
	cluster_fini(&cl);
}

TEST(lost_messages_are_sent_again)
{
	cluster_of(3);
	run(10000);
	isolate(2);
	isolate(3);
	propose(&cl, cl.r[0], 5);
	run(5000);
	heal();
	run(60000);
	CHECK_INT(cl.r[0]->px.committed, 2);
	CHECK_INT(cl.r[2]->px.committed, 2);
	cluster_fini(&cl);
}

TEST(a_dead_member_is_only_asked_where_it_stands)
{
	cluster_of(3);
	run(10000);
	isolate(3);
	for (int i = 0; i < 20; i++) {
		propose(&cl, cl.r[0], i);
		run(10000);
	}
	CHECK_INT(cl.r[0]->px.committed, 21);
	for (uint32_t i = 0; i < cl.r[0]->px.npeers; i++)
		CHECK(cl.r[0]->px.peer[i].probing == (cl.r[0]->px.peer[i].replica == 3));
	heal();
	run(60000);
	CHECK_INT(cl.r[2]->px.committed, 21);
	cluster_fini(&cl);
}

TEST(a_new_leader_waits_for_the_old_lease_and_loses_nothing)
{
	uint64_t cut;

	cluster_of(3);
	run(300000);
	propose(&cl, cl.r[0], 5);
	run(10000);
	isolate(1);
	propose(&cl, cl.r[0], 6);        /* nobody else will see this one */
	cut = cl.now;
	while (serves(cl.r[0]))
		run(1000);
	CHECK(cl.now - cut > LEASE_US / 2);
	while (server() == NULL && cl.now - cut < 3 * LEASE_US)
		run(1000);
	CHECK(server() != NULL && server() != cl.r[0]);
	CHECK(cl.now - cut < 2 * LEASE_US);
	CHECK_INT(cl.chosen[2], 5);
	heal();
	run(100000);
	CHECK_INT(cl.r[0]->px.state, PX_FOLLOWER);
	CHECK(cl.r[0]->px.committed == server()->px.committed && cl.r[0]->log[3].value == NOOP);
	cluster_fini(&cl);
}

TEST(one_broken_link_changes_nothing)
{
	uint64_t ballot;

	cluster_of(3);
	run(10000);
	ballot = cl.r[0]->px.ballot;
	isolate(3);
	run(5 * LEASE_US);
	heal();
	run(LEASE_US);
	CHECK(serves(cl.r[0]));
	CHECK_INT(cl.r[0]->px.ballot, ballot);
	CHECK_INT(cl.r[2]->px.promised, ballot);
	cluster_fini(&cl);
}

TEST(a_leader_without_a_lease_steps_down)
{
	cluster_of(3);
	run(10000);
	isolate(1);
	run(2 * LEASE_US - LEASE_US / 4);
	CHECK_INT(cl.r[0]->px.state, PX_LEADER);
	run(LEASE_US);
	CHECK(cl.r[0]->px.state != PX_LEADER);
	heal();
	cluster_fini(&cl);
}

/* Give r a log of n slots accepted in ballot, of which it knows nothing to be chosen. */
static void forge(struct replica *r, uint64_t from, uint64_t to, uint64_t ballot, int value)
{
	for (uint64_t s = from; s <= to; s++)
		log_record(r, R_ENTRY, ballot, s, value + (int)s, 0);
	r->durable = r->n;
}

static void cluster_down(uint32_t n)
{
	cluster_init(&cl, 1);
	cl.check_durable = false;
	cluster_start(&cl, n);
}

static void all_up(void)
{
	for (uint32_t i = 0; i < cl.n; i++)
		start(&cl, cl.r[i], false, false);
}

TEST(phase_1_takes_the_highest_ballot_and_fills_holes)
{
	cluster_down(3);
	forge(cl.r[0], 1, 5, B(1, 1), 100);
	forge(cl.r[1], 1, 3, B(2, 2), 200);
	forge(cl.r[1], 6, 6, B(2, 2), 200);
	cl.r[2]->gone = true;
	start(&cl, cl.r[0], false, false);
	start(&cl, cl.r[1], false, false);
	run(400000);
	CHECK(server() != NULL);
	CHECK(cl.chosen[1] == 201 && cl.chosen[3] == 203);
	CHECK(cl.chosen[4] == 104 && cl.chosen[5] == 105 && cl.chosen[6] == 206 && cl.chosen[7] == NOOP);
	cluster_fini(&cl);
}

TEST(phase_1_slides_over_more_than_a_window)
{
	cluster_down(3);
	forge(cl.r[0], 1, 3000, B(1, 1), 100);
	forge(cl.r[1], 1, 2900, B(1, 1), 100);
	forge(cl.r[2], 1, 1000, B(1, 1), 100);
	all_up();
	run(1500000);
	CHECK(server() != NULL);
	CHECK(cl.nchosen >= 2901);
	for (uint64_t s = 1; s <= 2900; s++)
		CHECK_INT(cl.chosen[s], 100 + (int)s);
	CHECK_INT(cl.r[2]->px.committed, cl.nchosen);
	cluster_fini(&cl);
}

TEST(holes_longer_than_a_step_are_filled)
{
	cluster_down(3);
	forge(cl.r[0], 400, 400, B(1, 1), 100);
	forge(cl.r[1], 400, 400, B(1, 1), 100);
	all_up();
	run(600000);
	CHECK(server() != NULL);
	CHECK(cl.chosen[399] == NOOP && cl.chosen[400] == 500);
	cluster_fini(&cl);
}

TEST(a_lost_slot_waits_for_who_may_know_it)
{
	cluster_down(3);
	forge(cl.r[0], 1, 5, B(1, 1), 100);
	forge(cl.r[1], 1, 5, B(1, 1), 100);
	cl.r[1]->unknown_first = 4;
	cl.r[1]->unknown_last = 4;
	start(&cl, cl.r[1], false, false);
	start(&cl, cl.r[2], false, false);
	run(1000000);
	CHECK(server() == NULL);
	start(&cl, cl.r[0], false, false);
	run(1000000);
	CHECK(server() != NULL);
	CHECK_INT(cl.chosen[4], 104);
	CHECK(cl.r[1]->px.unknown_first > cl.r[1]->px.unknown_last);
	cluster_fini(&cl);
}

/* A cluster of three of which one has missed the last n entries. */
static void leave_behind(uint32_t id, int n)
{
	cluster_of(3);
	run(10000);
	isolate(id);
	for (int i = 0; i < n; i++) {
		propose(&cl, cl.r[0], 100 + i);
		run(1000);
	}
	run(20000);
}

TEST(a_lagging_candidate_learns_what_is_chosen)
{
	leave_behind(3, 300);
	crash(&cl, cl.r[0], 0);
	heal();
	cl.r[1]->px.role = PX_LOG;       /* so that the other one must lead */
	run(3 * LEASE_US);
	CHECK(serves(cl.r[2]));
	CHECK(cl.r[2]->px.committed >= 301);
	cluster_fini(&cl);
}

TEST(who_is_behind_the_log_gets_a_snapshot)
{
	leave_behind(3, 50);
	for (int i = 0; i < 2; i++) {
		px_collected(&cl.r[i]->px, 40);
		cl.r[i]->base = 40;
		note_state(cl.r[i]);
	}
	heal();
	run(200000);
	CHECK(cl.snapshots >= 1);
	CHECK_INT(cl.r[2]->px.committed, cl.r[0]->px.committed);
	cluster_fini(&cl);
}

TEST(a_candidate_behind_the_log_asks_for_a_snapshot)
{
	leave_behind(3, 50);
	px_collected(&cl.r[1]->px, 40);
	cl.r[1]->base = 40;
	cl.r[1]->px.role = PX_LOG;
	crash(&cl, cl.r[0], 0);
	heal();
	run(4 * LEASE_US);
	CHECK(cl.snapshots >= 1);
	CHECK(serves(cl.r[2]));
	cluster_fini(&cl);
}

TEST(a_restart_behind_an_idle_leader_catches_up)
{
	cluster_of(3);
	run(10000);
	for (int i = 0; i < 5; i++)
		propose(&cl, cl.r[0], 100 + i);
	run(100000);
	crash(&cl, cl.r[2], 0);
	start(&cl, cl.r[2], false, true);
	CHECK_INT(cl.r[2]->px.committed, 0);
	run(200000);
	CHECK_INT(cl.r[2]->px.committed, 6);
	cluster_fini(&cl);
}

CHECK_MAIN(
	X(a_new_group_serves_without_an_election) X(a_group_of_one_serves_and_restarts)
	X(the_leader_counts_itself_only_when_durable) X(two_followers_can_choose_before_the_leader_is_durable)
	X(the_window_fills_and_a_follower_gets_all_of_it_at_once) X(lost_messages_are_sent_again)
	X(a_dead_member_is_only_asked_where_it_stands) X(a_new_leader_waits_for_the_old_lease_and_loses_nothing)
	X(one_broken_link_changes_nothing) X(a_leader_without_a_lease_steps_down)
	X(phase_1_takes_the_highest_ballot_and_fills_holes) X(phase_1_slides_over_more_than_a_window)
	X(holes_longer_than_a_step_are_filled) X(a_lost_slot_waits_for_who_may_know_it)
	X(a_lagging_candidate_learns_what_is_chosen) X(who_is_behind_the_log_gets_a_snapshot)
	X(a_candidate_behind_the_log_asks_for_a_snapshot) X(a_restart_behind_an_idle_leader_catches_up))
