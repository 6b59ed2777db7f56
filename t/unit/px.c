/* px: one rule of the consensus step a test, on a single replica or on a small cluster with a prompt network. */
#include "px_cluster.h"

#include <time.h>

#include "check.h"

/* --- one replica, by hand ----------------------------------------------------------------------------------------- */

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

#define B(round, replica) PX_BALLOT(round, replica)

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

/* --- a cluster with a prompt network ------------------------------------------------------------------------------ */

static struct cluster cl;

static void run(uint64_t us)
{
	for (uint64_t end = cl.now + us; cl.now < end;) {
		cl.now += 1000;
		deliver_due(&cl);
		for (uint32_t i = 0; i < cl.n; i++) {
			struct replica *r = cl.r[i];

			if (!r->up)
				continue;
			sync_all(&cl, r);
			if (cl.now >= r->tick_at && px_wants_tick(&r->px, clock_of(&cl, r))) {
				r->tick_at = cl.now + 10000;
				tick(&cl, r);
			}
			if (cl.now >= r->beat_at) {
				r->beat_at = cl.now + BEAT_US;
				beat(&cl, r);
			}
			if (px_wants_flush(&r->px) || px_commits_behind(&r->px))
				flush(&cl, r, true);
		}
		check(&cl);
	}
	CHECK(cl.failed == NULL);
}

static void cluster_of(uint32_t n)
{
	cluster_init(&cl, 1);
	cluster_start(&cl, n);
	for (uint32_t i = 0; i < n; i++)
		start(&cl, cl.r[i], i == 0, false);
}

static bool serves(const struct replica *r)
{
	return r->up && px_may_serve(&r->px, clock_of(&cl, r));
}

static struct replica *server(void)
{
	for (uint32_t i = 0; i < cl.n; i++)
		if (serves(cl.r[i]))
			return cl.r[i];
	return NULL;
}

static uint64_t isolated;

static uint64_t isolating(struct cluster *c, uint32_t from, uint32_t to)
{
	(void)c;
	return (isolated >> from | isolated >> to) & 1 ? UINT64_MAX : 100;
}

static void isolate(uint32_t id)
{
	cl.delay = isolating;
	isolated |= (uint64_t)1 << id;
}

static void heal(void)
{
	isolated = 0;
}

static struct px_config *new_config(uint32_t n, const uint32_t *ids)
{
	struct px_config *k = &cl.configs[cl.nconfigs++];

	*k = (struct px_config){ .n = n };
	for (uint32_t i = 0; i < n; i++)
		k->m[i] = (struct px_member){ ids[i], PX_STORAGE };
	return k;
}

static struct replica *newcomer(uint32_t id)
{
	struct replica *r = replica_new(&cl, id, PX_STORAGE, &cl.configs[0], 0);

	start(&cl, r, false, false);
	return r;
}

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

TEST(a_lagging_candidate_learns_what_is_chosen)
{
	cluster_of(3);
	run(10000);
	isolate(3);
	for (int i = 0; i < 300; i++) {
		propose(&cl, cl.r[0], 100 + i);
		run(1000);
	}
	run(20000);
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
	cluster_of(3);
	run(10000);
	isolate(3);
	for (int i = 0; i < 50; i++) {
		propose(&cl, cl.r[0], 100 + i);
		run(1000);
	}
	run(20000);
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
	cluster_of(3);
	run(10000);
	isolate(3);
	for (int i = 0; i < 50; i++) {
		propose(&cl, cl.r[0], 100 + i);
		run(1000);
	}
	run(20000);
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
	X(strangers_are_ignored) X(a_new_group_serves_without_an_election) X(a_group_of_one_serves_and_restarts)
	X(the_leader_counts_itself_only_when_durable) X(two_followers_can_choose_before_the_leader_is_durable)
	X(the_window_fills_and_a_follower_gets_all_of_it_at_once) X(lost_messages_are_sent_again)
	X(a_dead_member_is_only_asked_where_it_stands) X(a_new_leader_waits_for_the_old_lease_and_loses_nothing)
	X(one_broken_link_changes_nothing) X(a_leader_without_a_lease_steps_down)
	X(phase_1_takes_the_highest_ballot_and_fills_holes) X(phase_1_slides_over_more_than_a_window)
	X(holes_longer_than_a_step_are_filled) X(a_lost_slot_waits_for_who_may_know_it)
	X(a_lagging_candidate_learns_what_is_chosen) X(who_is_behind_the_log_gets_a_snapshot)
	X(a_candidate_behind_the_log_asks_for_a_snapshot) X(a_restart_behind_an_idle_leader_catches_up)
	X(a_member_is_replaced) X(a_configuration_waits_for_all_before_it)
	X(a_configuration_is_refused_before_an_entry_of_this_ballot_is_chosen)
	X(a_configuration_needs_the_new_members_too) X(a_leader_that_is_left_out_steps_down)
	X(a_new_leader_finishes_an_inherited_configuration) X(a_handoff_takes_no_lease_time)
	X(a_handoff_to_the_dead_ends_in_an_ordinary_election) X(a_proposal_costs_about_a_microsecond))
