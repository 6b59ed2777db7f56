/* The acceptor: what was promised, accepted and granted to a leader. */
#include "px_impl.h"

#include <assert.h>

/* --- acceptor ----------------------------------------------------------------------------------------------------- */

void px_raise(struct px *px, uint64_t ballot)
{
	px->promised = ballot;
	px->greeted = true;
	px->round_seen = px_max(px->round_seen, PX_BALLOT_ROUND(ballot));
	px->match = px->committed;
	px->covered = px->honoured_until = 0;
	px->leader = 0;
}

static void adopt(struct px *px, struct px_actions *out)
{
	if (px->state == PX_LEADER || px->state == PX_PREPARING)
		px_farewell(px, &px->config[1], out);
#ifdef MUTANT_OLD_QUORUM
	px->config[0].slot = px->config[1].slot;
#else
	px->config[0] = px->config[1];
#endif
	px->nconfig = 1;
	px_emit(out, PX_DO_CONFIG)->config = &px->config[0];
	if (px->state != PX_FOLLOWER)
		px_peers(px);
}

void px_commit(struct px *px, uint64_t upto, struct px_actions *out)
{
	uint64_t from = px->committed;

	if (upto <= from)
		return;
	assert(upto <= px->match);
	px->committed = upto;
	px_emit(out, PX_DO_CHOSEN)->last = upto;
	if (px->state == PX_PREPARING)           /* their places in the ring are those of slots one window on */
		for (uint64_t s = from + 1; s <= upto && s <= from + PX_WINDOW; s++)
			px->ring[s % PX_WINDOW] = 0;
	if (px->nconfig == 2 && px->config[1].slot <= upto)
		adopt(px, out);
}

static bool silent(const struct px *px, uint64_t now)
{
#ifdef MUTANT_REBOOT_FORGETS_LEASE
	return false;
#endif
	return now < px->silent_until;
}

bool px_lease_stands(const struct px *px, uint64_t now)
{
	const struct px_lease *l;

#ifdef MUTANT_LEASE_IGNORED
	return false;
#endif
	if (now < px->honoured_until)
		return true;
	if (px->covered == 0 || px->covered != px->promised)
		return false;
	l = px_lease_of(px, PX_BALLOT_REPLICA(px->covered));
	return l != NULL && l->granted_until > now;
}

bool px_healthy(const struct px *px, uint64_t now)
{
	if (px->state == PX_LEADER)
		return px_keeps(px, now);
	if (px->state == PX_PREPARING)
		return now < px->since + px->options->election_us;
	return px_lease_stands(px, now) || (px->leader_seen != 0 && now < px->leader_seen + px->options->election_us);
}

bool px_can_campaign(const struct px *px, uint64_t now)
{
	bool member = px_is_member(&px->config[0], px->self) || (px->nconfig == 2 && px_is_member(&px->config[1], px->self));

	/* Who was given a configuration without the slots before it does not know by which quorum those were chosen. */
	return px->role == PX_STORAGE && member && !silent(px, now) && px->config[0].slot <= px->committed;
}

bool px_alone(const struct px *px)
{
	for (uint32_t i = 0; i < px->nconfig; i++)
		if (px->config[i].n != 1 || px->config[i].m[0].replica != px->self)
			return false;
	return true;
}

void px_page(struct px *px, uint32_t to, uint64_t first, struct px_actions *out)
{
	uint64_t token = px->token;
	struct px_msg *m;

#ifdef MUTANT_PROMISE_NOT_DURABLE
	token = 0;
#endif
	first = px_max(first, px->base);
	m = px_send(px, PX_PROMISE, to, token, out);
	m->ballot = m->promised = px->promised;
	m->ok = true;
	m->first = first;
	m->last = px_min(first + PX_CATCHUP_SLOTS - 1, px_max(px->committed, first - 1) + PX_PAGE_SLOTS);
	m->last = px_max(px_min(m->last, px->top), first - 1);
	m->base = px->base;
	m->top = px->top;
	m->unknown_first = px->unknown_first;
	m->unknown_last = px->unknown_last;
}

static void refuse(struct px *px, const struct px_msg *m, enum px_msg_type type, bool healthy, struct px_actions *out)
{
	struct px_msg *answer = px_send(px, type, m->from, 0, out);

	answer->ballot = m->ballot;
	answer->promised = px->promised;
	answer->healthy = healthy;
}

/* If anybody has a lease from us, it is the leader of the ballot that we promised. */
static bool holds_lease(const struct px *px, uint32_t replica)
{
	return PX_BALLOT_REPLICA(px->promised) == replica;
}

void px_on_inquire(struct px *px, const struct px_msg *m, uint64_t now, struct px_actions *out)
{
	bool healthy = px_healthy(px, now) && !holds_lease(px, m->from);
	struct px_msg *answer = px_send(px, PX_INQUIRED, m->from, 0, out);

	answer->ballot = m->ballot;
	answer->promised = px->promised;
	answer->healthy = healthy;
	answer->ok = !healthy && !silent(px, now);
}

/* A leader's lease would be worthless if its grantors helped another one to phase 1 (ATC'22, section 3). */
static bool lease_in_the_way(const struct px *px, const struct px_msg *m, uint64_t now)
{
	if (px->state == PX_LEADER && px_lease_until(px) > now)
		return true;
	if (holds_lease(px, m->from) || px->promised == m->promised)
		return false;
	return px_lease_stands(px, now);
}

void px_on_prepare(struct px *px, const struct px_msg *m, uint64_t now, struct px_actions *out)
{
	bool standing;

	if (PX_BALLOT_REPLICA(m->ballot) != m->from || m->from == px->self || m->first == 0)
		return;
	standing = m->ballot > px->promised && lease_in_the_way(px, m, now);
	if (m->ballot < px->promised || silent(px, now) || standing) {
		refuse(px, m, PX_PROMISE, standing, out);
		return;
	}
	if (m->ballot > px->promised) {
		struct px_action *a;

		px_raise(px, m->ballot);
		px_step_down(px, 0, now, out);
		px->leader_seen = now;           /* not yet, but an election now would get in its way */
		a = px_emit(out, PX_DO_PERSIST_PROMISE);
		a->ballot = px->promised;
		a->token = ++px->token;
	}
	px_page(px, m->from, m->first, out);
}

/* Take entries match + 1 .. m->last.  False if they make no sense. */
static bool take_entries(struct px *px, const struct px_msg *m, struct px_actions *out)
{
	bool config = m->config != NULL && m->config->slot == m->last;
	struct px_action *a;

	if (px->nconfig == 2 && px->config[1].slot > px->match && px->config[1].slot <= m->last)
		px->nconfig = 1;
	if (config && px->nconfig == 2)
		return false;                    /* no leader proposes one before the other is chosen */
	if (config) {
		px->config[1] = *m->config;
		px->nconfig = 2;
	}
	a = px_emit(out, PX_DO_PERSIST_ENTRIES);
	a->ballot = m->ballot;
	a->first = px->match + 1;
	a->last = m->last;
	a->token = ++px->token;
	px->match = m->last;
	px->top = px_max(px->top, m->last);
	px_rewritten(px, m->last);
	return true;
}

static void answer_accept(struct px *px, const struct px_msg *m, bool gap, struct px_actions *out)
{
	uint64_t token = px->token;
	struct px_msg *answer;

#ifdef MUTANT_ACK_BEFORE_FSYNC
	token = 0;
#endif
	answer = px_send(px, PX_ACCEPTED, m->from, token, out);
	answer->ballot = m->ballot;
	answer->promised = px->promised;
	answer->ok = true;
	answer->gap = gap;
	answer->match = px->match;
	answer->base = px->life;
}

static bool stale(const struct px *px, const struct px_msg *m)
{
#ifdef MUTANT_NO_PROMISE_CHECK
	return false;
#endif
	return m->ballot < px->promised;
}

void px_on_accept(struct px *px, const struct px_msg *m, uint64_t now, struct px_actions *out)
{
	bool raised = m->ballot > px->promised, gap;

	if (PX_BALLOT_REPLICA(m->ballot) != m->from || m->from == px->self || m->first == 0 || m->last < m->first - 1)
		return;
	if (stale(px, m)) {
		refuse(px, m, PX_ACCEPTED, false, out);
		return;
	}
	if (raised)
		px_raise(px, m->ballot);
	if (px->state != PX_FOLLOWER)
		px_step_down(px, m->from, now, out);
	px->leader = m->from;
	px->leader_seen = now;
	if (m->base != 0)
		px->greeted = m->base == px->life;
	/* First what is chosen already: a configuration among it must govern before another one can be taken. */
	px_commit(px, px_min(m->committed, px->match), out);
	gap = m->first > px->match + 1;
	if (gap || m->last <= px->match) {
		if (raised) {
			struct px_action *a = px_emit(out, PX_DO_PERSIST_PROMISE);

			a->ballot = px->promised;
			a->token = ++px->token;
		}
	} else if (!take_entries(px, m, out)) {
		return;
	}
	px_commit(px, px_min(m->committed, px->match), out);
	answer_accept(px, m, gap, out);
}

void px_on_release(struct px *px, const struct px_msg *m, uint64_t now, struct px_actions *out)
{
	if (PX_BALLOT_REPLICA(m->ballot) != m->from || m->from == px->self || m->ballot != px->promised)
		return;
	px_step_down(px, 0, now, out);
	px_commit(px, px_min(m->committed, px->match), out);
	px->released = m->ballot;
	px->covered = px->honoured_until = 0;
	px->leader_seen = 0;
	if (m->target == px->self && px_can_campaign(px, now)) {
		px->vouched = m->ballot;
		px_campaign(px, now, out);
	}
}

/* --- the lease, as the one who grants it -------------------------------------------------------------------------- */

bool px_consents(const struct px *px, uint64_t ballot)
{
	return ballot != 0 && ballot == px->promised && ballot != px->released && PX_BALLOT_REPLICA(ballot) != px->self;
}

void px_covered(struct px *px, uint64_t ballot, uint64_t now)
{
	if (ballot == 0) {
		const struct px_lease *l = px->covered != 0 ? px_lease_of(px, PX_BALLOT_REPLICA(px->covered)) : NULL;

		if (l != NULL)
			px->honoured_until = px_max(px->honoured_until, l->granted_until);
		px->covered = 0;
		return;
	}
	if (!px_consents(px, ballot))
		return;
	px->covered = ballot;
	px->leader = PX_BALLOT_REPLICA(ballot);
	px->leader_seen = now;
	if (px->state == PX_INQUIRING) {
		px->state = PX_FOLLOWER;
		px->since = now;
		px->wait = px_jitter(px);
	}
}
