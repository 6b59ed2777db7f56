/* px: one rule of the consensus step a test, on a single replica driven by hand.  What a group does: px_group.c. */
#include "px.h"

#include <string.h>
#include <time.h>

#include "check.h"

#define LEASE_US 400000
#define B(round, replica) PX_BALLOT(round, replica)

static const struct px_options options = { .election_us = 60000, .retry_us = 30000, .lease_us = LEASE_US };
static struct px_lease lease[2] = { { .replica = 1 }, { .replica = 3 } };
static const struct px_leases leases = { 2, lease };
static const struct px_config three = { .n = 3, .m = { { 1, PX_STORAGE }, { 2, PX_STORAGE }, { 3, PX_STORAGE } } };
static struct px px;
static struct px_actions out;

/* Replica 2 of three.  committed = top: everything there is, is chosen. */
static void begin_at(uint64_t promised, uint64_t committed)
{
	struct px_start s = { .self = 2, .role = PX_STORAGE, .promised = promised, .committed = committed, .base = 1,
		              .top = committed, .unknown_first = 1, .nconfig = 1, .config = { three } };

	memset(lease, 0, sizeof lease);
	lease[0].replica = 1;
	lease[1].replica = 3;
	px_init(&px, &options, &leases, &s, 1000000, &out);
}

static const struct px_action *find(enum px_action_type type)
{
	for (size_t i = 0; i < out.n; i++)
		if (out.v[i].type == type)
			return &out.v[i];
	return NULL;
}

static const struct px_msg *sent(enum px_msg_type type, uint32_t to)
{
	for (size_t i = 0; i < out.n; i++)
		if (out.v[i].type == PX_DO_SEND && out.v[i].msg.type == type && out.v[i].msg.to == to)
			return &out.v[i].msg;
	return NULL;
}

static uint64_t token_of(enum px_msg_type type)
{
	for (size_t i = 0; i < out.n; i++)
		if (out.v[i].type == PX_DO_SEND && out.v[i].msg.type == type)
			return out.v[i].token;
	return UINT64_MAX;
}

static void hear(struct px_msg m, uint64_t now)
{
	m.from = m.from != 0 ? m.from : PX_BALLOT_REPLICA(m.ballot);
	m.to = 2;
	px_message(&px, &m, now, 7, &out);
	px_check(&px);
}

static void hear_accept(uint64_t ballot, uint64_t first, uint64_t last, uint64_t committed, uint64_t now)
{
	hear((struct px_msg){ .type = PX_ACCEPT, .ballot = ballot, .first = first, .last = last, .committed = committed },
	     now);
}

static void hear_prepare(uint64_t ballot, uint64_t now)
{
	hear((struct px_msg){ .type = PX_PREPARE, .ballot = ballot, .first = 1 }, now);
}

TEST(accept_is_answered_after_its_record)
{
	begin_at(B(1, 1), 0);
	hear_accept(B(1, 1), 1, 3, 0, 1000000);
	CHECK_INT(find(PX_DO_PERSIST_ENTRIES)->first, 1);
	CHECK_INT(find(PX_DO_PERSIST_ENTRIES)->last, 3);
	CHECK_INT(token_of(PX_ACCEPTED), find(PX_DO_PERSIST_ENTRIES)->token);
	CHECK(sent(PX_ACCEPTED, 1)->ok && sent(PX_ACCEPTED, 1)->match == 3);
}

TEST(accept_of_a_lower_ballot_is_refused)
{
	begin_at(B(5, 3), 0);
	hear_accept(B(4, 1), 1, 3, 0, 1000000);
	CHECK(find(PX_DO_PERSIST_ENTRIES) == NULL);
	CHECK(!sent(PX_ACCEPTED, 1)->ok && sent(PX_ACCEPTED, 1)->promised == B(5, 3));
}

TEST(accepted_slots_are_not_written_twice)
{
	begin_at(B(1, 1), 0);
	hear_accept(B(1, 1), 1, 3, 0, 1000000);
	hear_accept(B(1, 1), 2, 3, 0, 1000000);
	CHECK(find(PX_DO_PERSIST_ENTRIES) == NULL);
	hear_accept(B(1, 1), 2, 5, 0, 1000000);
	CHECK_INT(find(PX_DO_PERSIST_ENTRIES)->first, 4);
	CHECK_INT(find(PX_DO_PERSIST_ENTRIES)->last, 5);
}

TEST(a_gap_is_answered_with_the_place_to_go_on)
{
	begin_at(B(1, 1), 0);
	hear_accept(B(1, 1), 1, 3, 0, 1000000);
	hear_accept(B(1, 1), 7, 8, 0, 1000000);
	CHECK(find(PX_DO_PERSIST_ENTRIES) == NULL);
	CHECK(sent(PX_ACCEPTED, 1)->gap && sent(PX_ACCEPTED, 1)->match == 3);
}

TEST(a_higher_ballot_starts_again_behind_committed)
{
	begin_at(B(1, 1), 0);
	hear_accept(B(1, 1), 1, 9, 4, 1000000);
	CHECK_INT(px.committed, 4);
	hear_accept(B(2, 3), 10, 12, 4, 1000000);
	CHECK(sent(PX_ACCEPTED, 3)->gap && sent(PX_ACCEPTED, 3)->match == 4);
	CHECK_INT(find(PX_DO_PERSIST_PROMISE)->ballot, B(2, 3));
	CHECK_INT(find(PX_DO_FOLLOW)->replica, 3);
	hear_accept(B(2, 3), 5, 6, 4, 1000000);
	CHECK_INT(find(PX_DO_PERSIST_ENTRIES)->first, 5);
	CHECK_INT(px.match, 6);
	CHECK_INT(px.top, 9);
}

TEST(committed_is_not_taken_beyond_what_is_here)
{
	begin_at(B(1, 1), 0);
	hear_accept(B(1, 1), 1, 3, 100, 1000000);
	CHECK_INT(px.committed, 3);
	CHECK_INT(find(PX_DO_CHOSEN)->last, 3);
}

TEST(a_promise_leaves_after_its_record)
{
	begin_at(B(1, 1), 0);
	hear_accept(B(1, 1), 1, 40, 2, 1000000);
	hear_prepare(B(2, 3), 5000000);
	CHECK_INT(find(PX_DO_PERSIST_PROMISE)->ballot, B(2, 3));
	CHECK_INT(token_of(PX_PROMISE), find(PX_DO_PERSIST_PROMISE)->token);
	CHECK(sent(PX_PROMISE, 3)->ok && sent(PX_PROMISE, 3)->top == 40 && sent(PX_PROMISE, 3)->committed == 2);
	CHECK_INT(sent(PX_PROMISE, 3)->last, 2 + PX_PAGE_SLOTS);
	hear_prepare(B(2, 3), 5000000);
	CHECK(find(PX_DO_PERSIST_PROMISE) == NULL && sent(PX_PROMISE, 3)->ok);
	hear_prepare(B(1, 1), 5000000);
	CHECK(!sent(PX_PROMISE, 1)->ok && sent(PX_PROMISE, 1)->promised == B(2, 3));
}

TEST(a_lease_forbids_promises_to_others)
{
	begin_at(B(1, 1), 0);
	CHECK(!px_consents(&px, B(2, 1)));
	CHECK(px_consents(&px, B(1, 1)));
	px_covered(&px, B(1, 1), 1000000);
	lease[0].granted_until = 2000000;
	CHECK(!px_wants_tick(&px, 1500000));
	hear_prepare(B(2, 3), 1999999);
	CHECK(!sent(PX_PROMISE, 3)->ok && sent(PX_PROMISE, 3)->healthy && px.promised == B(1, 1));
	hear((struct px_msg){ .type = PX_INQUIRE, .ballot = B(2, 3) }, 1999999);
	CHECK(!sent(PX_INQUIRED, 3)->ok && sent(PX_INQUIRED, 3)->healthy);
	hear_prepare(B(2, 3), 2000000);
	CHECK(sent(PX_PROMISE, 3)->ok);
	CHECK(!px_consents(&px, B(1, 1)) && px.covered == 0);
}

TEST(what_was_granted_stands_although_a_list_leaves_the_group_out)
{
	begin_at(B(1, 1), 0);
	px_covered(&px, B(1, 1), 1000000);
	lease[0].granted_until = 2000000;
	px_covered(&px, 0, 1100000);
	lease[0].granted_until = 9000000;        /* for other groups */
	hear_prepare(B(2, 3), 1999999);
	CHECK(!sent(PX_PROMISE, 3)->ok && sent(PX_PROMISE, 3)->healthy);
	hear_prepare(B(2, 3), 2000000);
	CHECK(sent(PX_PROMISE, 3)->ok);
}

TEST(a_lease_does_not_stand_in_the_way_of_its_holder)
{
	begin_at(B(1, 1), 0);
	px_covered(&px, B(1, 1), 1000000);
	lease[0].granted_until = 2000000;
	hear_prepare(B(2, 1), 1500000);
	CHECK(sent(PX_PROMISE, 1)->ok);
	begin_at(B(1, 1), 0);
	px_covered(&px, B(1, 1), 1000000);
	lease[0].granted_until = 2000000;
	hear((struct px_msg){ .type = PX_INQUIRE, .ballot = B(2, 1) }, 1500000);
	CHECK(sent(PX_INQUIRED, 1)->ok);
}

TEST(a_restarted_acceptor_is_silent)
{
	begin_at(B(1, 1), 0);
	px.silent_until = 2000000;
	hear_prepare(B(2, 3), 1999999);
	CHECK(!sent(PX_PROMISE, 3)->ok && px.promised == B(1, 1));
	hear((struct px_msg){ .type = PX_INQUIRE, .ballot = B(2, 3) }, 1999999);
	CHECK(!sent(PX_INQUIRED, 3)->ok && !sent(PX_INQUIRED, 3)->healthy);
	hear_accept(B(3, 3), 1, 1, 0, 1999999);
	CHECK(sent(PX_ACCEPTED, 3)->ok);
	hear_prepare(B(4, 1), 2000001);
	CHECK(sent(PX_PROMISE, 1)->ok);
}

TEST(a_release_ends_the_lease_for_good)
{
	begin_at(B(1, 1), 0);
	px_covered(&px, B(1, 1), 1000000);
	lease[0].granted_until = 2000000;
	hear((struct px_msg){ .type = PX_RELEASE, .ballot = B(1, 1), .target = 3 }, 1100000);
	CHECK_INT(px.leader, 0);
	CHECK(!px_consents(&px, B(1, 1)));
	hear_prepare(B(2, 3), 1100000);
	CHECK(sent(PX_PROMISE, 3)->ok);
}

TEST(a_candidate_may_carry_the_release_itself)
{
	begin_at(B(1, 1), 0);
	px_covered(&px, B(1, 1), 1000000);
	lease[0].granted_until = 2000000;
	hear((struct px_msg){ .type = PX_PREPARE, .ballot = B(2, 3), .first = 1, .promised = B(1, 1) }, 1100000);
	CHECK(sent(PX_PROMISE, 3)->ok);
}

TEST(the_target_of_a_release_campaigns_at_once)
{
	begin_at(B(1, 1), 0);
	px_covered(&px, B(1, 1), 1000000);
	lease[0].granted_until = 2000000;
	hear((struct px_msg){ .type = PX_RELEASE, .ballot = B(1, 1), .target = 2 }, 1100000);
	CHECK_INT(px.state, PX_PREPARING);
	CHECK_INT(sent(PX_PREPARE, 3)->promised, B(1, 1));
}

TEST(prepare_waits_for_the_candidates_own_promise)
{
	begin_at(B(1, 1), 0);
	px_tick(&px, 9000000, 1, &out);
	CHECK(px.state == PX_INQUIRING && sent(PX_INQUIRE, 1) != NULL && sent(PX_INQUIRE, 3) != NULL);
	hear((struct px_msg){ .type = PX_INQUIRED, .from = 3, .ballot = px.ballot, .ok = true }, 9000000);
	CHECK_INT(px.state, PX_PREPARING);
	CHECK_INT(token_of(PX_PREPARE), find(PX_DO_PERSIST_PROMISE)->token);
	CHECK_INT(token_of(PX_PROMISE), find(PX_DO_PERSIST_PROMISE)->token);
	CHECK(sent(PX_PROMISE, 2) != NULL);
}

TEST(one_healthy_answer_calls_off_an_election)
{
	begin_at(B(1, 1), 0);
	px_tick(&px, 9000000, 1, &out);
	hear((struct px_msg){ .type = PX_INQUIRED, .from = 3, .ballot = px.ballot, .healthy = true }, 9000000);
	CHECK_INT(px.state, PX_FOLLOWER);
	CHECK_INT(px.promised, B(1, 1));
	px_tick(&px, 9000000 + options.election_us - 1, 1, &out);
	CHECK_INT(px.state, PX_FOLLOWER);
}

TEST(a_log_replica_never_campaigns)
{
	begin_at(B(1, 1), 0);
	px.role = PX_LOG;
	px_tick(&px, 9000000, 1, &out);
	CHECK_INT(px.state, PX_FOLLOWER);
	CHECK(!px_wants_tick(&px, 9000000));
}

TEST(who_lacks_slots_below_its_configuration_does_not_campaign)
{
	begin_at(B(1, 1), 0);
	px.config[0].slot = 10;
	px_tick(&px, 9000000, 1, &out);
	CHECK_INT(px.state, PX_FOLLOWER);
}

TEST(a_restarted_follower_greets_its_leader)
{
	begin_at(B(1, 1), 5);
	CHECK(px_wants_tick(&px, 1000000));
	px_tick(&px, 1030000, 1, &out);
	CHECK(sent(PX_ACCEPTED, 1) != NULL && sent(PX_ACCEPTED, 1)->gap && sent(PX_ACCEPTED, 1)->match == 5);
	hear((struct px_msg){ .type = PX_ACCEPT, .ballot = B(1, 1), .first = 6, .last = 5, .base = 7 }, 1040000);
	px_tick(&px, 1090000, 1, &out);
	CHECK(sent(PX_ACCEPTED, 1) != NULL);     /* that was meant for an earlier life */
	hear((struct px_msg){ .type = PX_ACCEPT, .ballot = B(1, 1), .first = 6, .last = 5, .base = px.life }, 1100000);
	px_tick(&px, 1150000, 1, &out);
	CHECK(sent(PX_ACCEPTED, 1) == NULL);
}

TEST(an_accepted_configuration_that_is_overwritten_vanishes)
{
	struct px_config next = { .slot = 3, .n = 3, .m = { { 1, PX_STORAGE }, { 2, PX_STORAGE }, { 4, PX_STORAGE } } };

	begin_at(B(1, 1), 2);
	hear((struct px_msg){ .type = PX_ACCEPT, .ballot = B(1, 1), .first = 3, .last = 3, .committed = 2, .config = &next },
	     1000000);
	CHECK_INT(px.nconfig, 2);
	hear_accept(B(2, 3), 3, 4, 2, 1000000);
	CHECK_INT(px.nconfig, 1);
	CHECK_INT(px.config[0].slot, 0);
}

TEST(a_configuration_governs_once_chosen)
{
	struct px_config next = { .slot = 3, .n = 3, .m = { { 1, PX_STORAGE }, { 2, PX_STORAGE }, { 4, PX_STORAGE } } };
	const struct px_config *g;

	begin_at(B(1, 1), 2);
	hear((struct px_msg){ .type = PX_ACCEPT, .ballot = B(1, 1), .first = 3, .last = 3, .committed = 2, .config = &next },
	     1000000);
	CHECK_INT(px_governing(&px, 3, &g), 0);
	CHECK_INT(px_governing(&px, 4, &g), 3);
	CHECK(find(PX_DO_CONFIG) == NULL);
	hear_accept(B(1, 1), 4, 4, 3, 1000000);
	CHECK(find(PX_DO_CONFIG) != NULL && find(PX_DO_CONFIG)->config->m[2].replica == 4);
	CHECK_INT(px.nconfig, 1);
}

TEST(a_configuration_in_the_log_proves_what_is_chosen)
{
	struct px_start s = { .self = 2, .role = PX_STORAGE, .promised = B(1, 1), .committed = 4, .base = 1, .top = 10,
		              .unknown_first = 1, .nconfig = 2, .config = { three, three } };

	s.config[1].slot = 10;
	px_init(&px, &options, &leases, &s, 1000000, &out);
	CHECK_INT(px.committed, 9);
	CHECK_INT(find(PX_DO_CHOSEN)->last, 9);
	s.config_passed = true;
	px_init(&px, &options, &leases, &s, 1000000, &out);
	CHECK_INT(px.committed, 10);
	CHECK(find(PX_DO_CONFIG) != NULL && px.nconfig == 1 && px.config[0].slot == 10);
}

TEST(lost_slots_are_known_again_when_accepted_again)
{
	struct px_start s = { .self = 2, .role = PX_STORAGE, .promised = B(1, 1), .committed = 8, .base = 1, .top = 10,
		              .unknown_first = 5, .unknown_last = 6, .nconfig = 1, .config = { three } };

	px_init(&px, &options, &leases, &s, 1000000, &out);
	CHECK_INT(px.committed, 4);
	hear_prepare(B(2, 3), 5000000);
	CHECK(sent(PX_PROMISE, 3)->unknown_first == 5 && sent(PX_PROMISE, 3)->unknown_last == 6);
	hear_accept(B(2, 3), 5, 5, 4, 5000000);
	CHECK(px.unknown_first == 6 && px.unknown_last == 6);
	hear_accept(B(2, 3), 6, 7, 4, 5000000);
	CHECK(px.unknown_first > px.unknown_last);
}

TEST(strangers_are_ignored)
{
	struct px_config bad = { .slot = 1, .n = PX_MEMBERS_MAX + 1 };
	struct px_msg m = { .type = PX_ACCEPT, .from = 1, .to = 3, .ballot = B(1, 1), .first = 1, .last = 1 };

	begin_at(B(1, 1), 0);
	px_message(&px, &m, 1000000, 1, &out);
	CHECK_INT(out.n, 0);
	m.to = 2;
	m.from = 3;
	px_message(&px, &m, 1000000, 1, &out);
	CHECK(find(PX_DO_PERSIST_ENTRIES) == NULL);
	m.from = 1;
	m.config = &bad;
	px_message(&px, &m, 1000000, 1, &out);
	CHECK_INT(out.n, 0);
	m.config = NULL;
	m.first = 0;
	px_message(&px, &m, 1000000, 1, &out);
	CHECK(find(PX_DO_PERSIST_ENTRIES) == NULL);
}

/* --- speed -------------------------------------------------------------------------------------------------------- */

TEST(a_proposal_costs_about_a_microsecond)
{
	static struct px leader;
	struct px_start s = { .self = 1, .role = PX_STORAGE, .promised = B(1, 1), .base = 1, .unknown_first = 1, .nconfig = 1,
		              .config = { three }, .lead = true };
	enum { N = 200000 };
	struct timespec a, b;
	uint64_t slot;

	px_init(&leader, &options, &leases, &s, 0, &out);
	px_persisted(&leader, leader.token, 0, &out);
	clock_gettime(CLOCK_MONOTONIC, &a);
	for (int i = 0; i < N; i++) {
		struct px_msg m = { .type = PX_ACCEPTED, .from = 2, .to = 1, .ballot = B(1, 1), .ok = true };

		if (px_propose(&leader, NULL, 0, &slot, &out) != PX_OK)
			break;
		px_flush(&leader, 0, false, &out);
		px_persisted(&leader, leader.token, 0, &out);
		m.match = slot;
		px_message(&leader, &m, 0, 0, &out);
	}
	clock_gettime(CLOCK_MONOTONIC, &b);
	CHECK_INT(leader.committed, N + 1);
	printf("# %.0f ns a proposal, flushed, persisted and accepted\n",
	       ((double)(b.tv_sec - a.tv_sec) * 1e9 + (double)(b.tv_nsec - a.tv_nsec)) / N);
}

CHECK_MAIN(
	X(accept_is_answered_after_its_record) X(accept_of_a_lower_ballot_is_refused)
	X(accepted_slots_are_not_written_twice) X(a_gap_is_answered_with_the_place_to_go_on)
	X(a_higher_ballot_starts_again_behind_committed) X(committed_is_not_taken_beyond_what_is_here)
	X(a_promise_leaves_after_its_record) X(a_lease_forbids_promises_to_others)
	X(what_was_granted_stands_although_a_list_leaves_the_group_out)
	X(a_lease_does_not_stand_in_the_way_of_its_holder) X(a_restarted_acceptor_is_silent)
	X(a_release_ends_the_lease_for_good) X(a_candidate_may_carry_the_release_itself)
	X(the_target_of_a_release_campaigns_at_once) X(prepare_waits_for_the_candidates_own_promise)
	X(one_healthy_answer_calls_off_an_election) X(a_log_replica_never_campaigns)
	X(who_lacks_slots_below_its_configuration_does_not_campaign) X(a_restarted_follower_greets_its_leader)
	X(an_accepted_configuration_that_is_overwritten_vanishes) X(a_configuration_governs_once_chosen)
	X(a_configuration_in_the_log_proves_what_is_chosen) X(lost_slots_are_known_again_when_accepted_again)
	X(strangers_are_ignored) X(a_proposal_costs_about_a_microsecond))
