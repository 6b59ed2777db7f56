/* px: members are replaced and the lead is handed over; on a prompt network. */
#include "px.h"

#include "px_prompt.h"

TEST(a_member_is_replaced)
{
	struct replica *r;

	cluster_of(3);
	run(10000);
	propose(&cl, cl.r[0], 5);
	run(10000);
	r = newcomer(4);
	new_config(3, (uint32_t[]){ 1, 2, 4 });
	CHECK_INT(propose(&cl, cl.r[0], CONFIG_VALUE + 1), PX_OK);
	CHECK_INT(propose(&cl, cl.r[0], 6), PX_BARRIER);
	run(100000);
	CHECK_INT(cl.r[0]->px.config[0].slot, 3);
	CHECK_INT(cl.chosen[4], NOOP);
	CHECK_INT(propose(&cl, cl.r[0], 6), PX_OK);
	run(100000);
	CHECK(r->px.committed == 5 && r->px.config[0].slot == 3);
	CHECK_INT(cl.r[2]->px.config[0].slot, 3);        /* it was told that it is out */
	CHECK_INT(cl.r[2]->px.committed, 3);
	CHECK(!px_wants_tick(&cl.r[2]->px, clock_of(&cl, cl.r[2])));
	CHECK(serves(cl.r[0]));
	cluster_fini(&cl);
}

TEST(a_configuration_waits_for_all_before_it)
{
	size_t n;

	cluster_of(3);
	run(10000);
	isolate(2);
	isolate(3);
	propose(&cl, cl.r[0], 5);
	n = cl.r[0]->n;
	new_config(3, (uint32_t[]){ 1, 2, 3 });
	CHECK_INT(propose(&cl, cl.r[0], CONFIG_VALUE + 1), PX_OK);
	CHECK_INT(cl.r[0]->n, n);
	CHECK_INT(propose(&cl, cl.r[0], 6), PX_BARRIER);
	heal();
	run(100000);
	CHECK_INT(cl.r[0]->px.config[0].slot, 3);
	cluster_fini(&cl);
}

TEST(a_configuration_is_refused_before_an_entry_of_this_ballot_is_chosen)
{
	cluster_of(3);
	new_config(3, (uint32_t[]){ 1, 2, 3 });
	CHECK_INT(propose(&cl, cl.r[0], CONFIG_VALUE + 1), PX_BARRIER);
	run(10000);
	CHECK_INT(propose(&cl, cl.r[0], CONFIG_VALUE + 1), PX_OK);
	cluster_fini(&cl);
}

TEST(a_configuration_needs_the_new_members_too)
{
	cluster_of(3);
	run(10000);
	new_config(3, (uint32_t[]){ 1, 4, 5 });
	CHECK_INT(propose(&cl, cl.r[0], CONFIG_VALUE + 1), PX_OK);
	run(50000);
	CHECK_INT(cl.r[0]->px.committed, 1);
	CHECK(!serves(cl.r[0]));         /* a quorum of the new ones must grant, too */
	newcomer(4);
	run(100000);
	CHECK_INT(cl.r[0]->px.config[0].slot, 2);
	CHECK(serves(cl.r[0]));
	cluster_fini(&cl);
}

TEST(a_leader_that_is_left_out_steps_down)
{
	cluster_of(3);
	run(10000);
	newcomer(4);
	new_config(3, (uint32_t[]){ 2, 3, 4 });
	CHECK_INT(propose(&cl, cl.r[0], CONFIG_VALUE + 1), PX_OK);
	run(100000);
	CHECK_INT(cl.r[0]->px.state, PX_FOLLOWER);
	CHECK(server() != NULL && server() != cl.r[0]);  /* within the old lease: it was released */
	CHECK_INT(server()->px.config[0].slot, 2);
	cluster_fini(&cl);
}

TEST(a_new_leader_finishes_an_inherited_configuration)
{
	cluster_of(3);
	run(300000);
	newcomer(4);
	new_config(3, (uint32_t[]){ 1, 2, 4 });
	propose(&cl, cl.r[0], CONFIG_VALUE + 1);
	flush(&cl, cl.r[0], false);
	cl.now += 200;
	deliver_due(&cl);
	for (int i = 1; i < 4; i++)
		sync_all(&cl, cl.r[i]);
	crash(&cl, cl.r[0], 0);          /* before it hears that everybody has it */
	CHECK_INT(cl.r[1]->px.nconfig, 2);
	run(3 * LEASE_US);
	CHECK(server() != NULL);
	CHECK_INT(server()->px.config[0].slot, 2);
	CHECK_INT(cl.chosen[3], NOOP);
	cluster_fini(&cl);
}

TEST(a_handoff_takes_no_lease_time)
{
	uint64_t from;

	cluster_of(3);
	run(300000);
	for (int i = 0; i < 10; i++)
		propose(&cl, cl.r[0], 100 + i);
	px_handoff(&cl.r[0]->px, 3, clock_of(&cl, cl.r[0]), &cl.out);
	act(&cl, cl.r[0], NULL);
	CHECK_INT(propose(&cl, cl.r[0], 1), PX_NOT_LEADER);
	from = cl.now;
	while (!serves(cl.r[2]) && cl.now - from < LEASE_US)
		run(1000);
	CHECK(cl.now - from < 30000);
	CHECK_INT(cl.chosen[11], 109);
	CHECK_INT(cl.r[0]->px.leader, 3);
	cluster_fini(&cl);
}

TEST(a_handoff_to_the_dead_ends_in_an_ordinary_election)
{
	cluster_of(3);
	run(300000);
	isolate(3);
	px_handoff(&cl.r[0]->px, 3, clock_of(&cl, cl.r[0]), &cl.out);
	act(&cl, cl.r[0], NULL);
	run(LEASE_US);
	CHECK(server() != NULL && server() != cl.r[2]);
	heal();
	cluster_fini(&cl);
}

CHECK_MAIN(
	X(a_member_is_replaced) X(a_configuration_waits_for_all_before_it)
	X(a_configuration_is_refused_before_an_entry_of_this_ballot_is_chosen)
	X(a_configuration_needs_the_new_members_too) X(a_leader_that_is_left_out_steps_down)
	X(a_new_leader_finishes_an_inherited_configuration) X(a_handoff_takes_no_lease_time)
	X(a_handoff_to_the_dead_ends_in_an_ordinary_election))
