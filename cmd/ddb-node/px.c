#include "px_impl.h"

#include <assert.h>
#include <string.h>

/* --- small things shared by all three files ----------------------------------------------------------------------- */

struct px_action *px_emit(struct px_actions *out, enum px_action_type type)
{
	struct px_action *a = &out->v[out->n];

	assert(out->n < PX_ACTIONS_MAX);
	out->n++;
	*a = (struct px_action){ .type = type };
	return a;
}

struct px_msg *px_send(struct px *px, enum px_msg_type type, uint32_t to, uint64_t token, struct px_actions *out)
{
	struct px_action *a = px_emit(out, PX_DO_SEND);

	a->token = token;
	a->msg.type = type;
	a->msg.from = px->self;
	a->msg.to = to;
	a->msg.ballot = px->ballot;
	a->msg.committed = px->committed;
	return &a->msg;
}

uint64_t px_jitter(struct px *px)
{
	px->random = px->random * 6364136223846793005u + 1442695040888963407u;
	return px->options->election_us + (px->random >> 33) % (px->options->election_us + 1);
}

uint32_t px_quorum(const struct px_config *c)
{
#ifdef MUTANT_QUORUM_OF_ONE
	return 1;
#endif
	return c->n / 2 + 1;
}

bool px_is_member(const struct px_config *c, uint32_t replica)
{
	for (uint32_t i = 0; i < c->n; i++)
		if (c->m[i].replica == replica)
			return true;
	return false;
}

const struct px_lease *px_lease_of(const struct px *px, uint32_t replica)
{
	for (uint32_t i = 0; i < px->leases->n; i++)
		if (px->leases->v[i].replica == replica)
			return &px->leases->v[i];
	return NULL;
}

uint64_t px_governing(const struct px *px, uint64_t slot, const struct px_config **config)
{
	*config = &px->config[px->nconfig == 2 && slot > px->config[1].slot];
	return (*config)->slot;
}

/* --- lifecycle ---------------------------------------------------------------------------------------------------- */

static void tell(struct px *px, struct px_actions *out)
{
	struct px_action *a = px_emit(out, PX_DO_FOLLOW);

	a->replica = px->told = px->leader;
	a->ballot = px->told_ballot = px->promised;
	a->last = px->committed;
}

static void tell_news(struct px *px, struct px_actions *out)
{
	if (px->state <= PX_INQUIRING && (px->told != px->leader || px->told_ballot != px->promised))
		tell(px, out);
}

static void set_unknown(struct px *px, uint64_t first, uint64_t last)
{
	px->unknown_first = first <= last ? first : 1;
	px->unknown_last = first <= last ? last : 0;
}

void px_rewritten(struct px *px, uint64_t upto)
{
	if (px->unknown_first <= upto)
		set_unknown(px, upto + 1, px->unknown_last);
}

void px_init(struct px *px, const struct px_options *options, const struct px_leases *leases, const struct px_start *start,
             uint64_t now, struct px_actions *out)
{
	uint64_t lost = start->unknown_first <= start->unknown_last ? start->unknown_first : UINT64_MAX;

	out->n = 0;
	memset(px, 0, sizeof *px);
	assert(start->base >= 1 && start->base - 1 <= start->committed && start->committed <= start->top);
	assert(lost == UINT64_MAX || (start->base <= lost && start->unknown_last <= start->top));
	assert(start->nconfig == 1 || start->nconfig == 2);
	px->self = start->self;
	px->role = start->role;
	px->options = options;
	px->leases = leases;
	px->promised = start->promised;
	px->base = start->base;
	px->committed = px->match = px_min(start->committed, lost - 1);
	px->top = start->top;
	set_unknown(px, start->unknown_first, start->unknown_last);
	px->silent_until = start->silent_until;
	px->nconfig = start->nconfig;
	memcpy(px->config, start->config, sizeof px->config);
	px->random = now ^ (uint64_t)px->self << 32;
	px->since = now;
	px->wait = px_jitter(px);
	if (px->nconfig == 2) {
		assert(px->config[0].slot < px->config[1].slot && px->config[1].slot <= px->top);
		px->match = px_max(px->match, px_min(px->config[1].slot + start->config_passed, lost) - 1);
		px_commit(px, px->match, out);
	}
	if (start->lead) {
		assert(px->top == px->committed && PX_BALLOT_REPLICA(px->promised) == px->self);
		px->ballot = px->promised;
		px_peers(px);
		px_lead(px, now, out);
	} else if (px->top == 0 && PX_BALLOT_REPLICA(px->promised) != px->self) {
		px->leader = PX_BALLOT_REPLICA(px->promised);
		px->told = px->leader;
	}
	px->told_ballot = px->promised;
	px->life = now + 1;
	px->greeted = px->promised == 0 || px->top == 0 || PX_BALLOT_REPLICA(px->promised) == px->self;
}

/* A configuration proposed but never logged exists nowhere. */
static void drop_waiting_config(struct px *px)
{
	if (px->state == PX_LEADER && px->nconfig == 2 && px->config[1].slot > px->match)
		px->nconfig = 1;
}

void px_step_down(struct px *px, uint32_t leader, uint64_t now, struct px_actions *out)
{
	bool proposed = px->state == PX_LEADER || px->state == PX_PREPARING;

	drop_waiting_config(px);
	px->state = PX_FOLLOWER;
	px->ready = px->draining = px->more = false;
	px->handoff = 0;
	px->vouched = 0;
	px->since = now;
	px->wait = px_jitter(px);
	px->leader = leader;
	if (proposed)
		tell(px, out);
}

void px_collected(struct px *px, uint64_t base)
{
	assert(base <= px->committed + 1);
	px->base = px_max(px->base, base);
}

void px_installed(struct px *px, uint64_t slot, const struct px_config *config, uint64_t now, struct px_actions *out)
{
	out->n = 0;
	if (slot <= px->committed)
		return;
	if (px->state != PX_FOLLOWER)
		px_step_down(px, 0, now, out);
	px->committed = slot;
	px->match = px_max(px->match, slot);
	px->top = px_max(px->top, slot);
	px->base = slot + 1;
	px_rewritten(px, slot);
	if (px->nconfig == 2 && px->config[1].slot <= slot)
		px->nconfig = 1;
	if (config->slot > px->config[0].slot) {
		px->config[0] = *config;
		px_emit(out, PX_DO_CONFIG)->config = &px->config[0];
	}
	if (px->leader != 0 && px->leader != px->self) {
		struct px_msg *m = px_send(px, PX_ACCEPTED, px->leader, px->token, out);

		m->ballot = m->promised = px->promised;
		m->ok = true;
		m->match = px->match;
		m->base = px->life;
	}
}

void px_check(const struct px *px)
{
	assert(px->base >= 1 && px->base - 1 <= px->committed);
	assert(px->committed <= px->match && px->match <= px->top);
	assert(px->durable <= px->token);
	assert(px->nconfig == 1 || px->nconfig == 2);
	assert(px->nconfig == 1 || px->config[1].slot > px->committed);
	assert(px->unknown_first > px->unknown_last || (px->unknown_first > px->match && px->unknown_last <= px->top));
	assert(px->covered == 0 || px->covered == px->promised);
	if (px->state == PX_LEADER || px->state == PX_PREPARING) {
		assert(px->ballot == px->promised && PX_BALLOT_REPLICA(px->ballot) == px->self);
		assert(px->match <= px->committed + PX_WINDOW);
		assert(px->nconfig == 1 || px->match <= px->config[1].slot || px->state == PX_PREPARING);
	}
	if (px->state == PX_LEADER) {
		assert(px->next_slot == px->match + 1 + (px->nconfig == 2 && px->config[1].slot == px->match + 1));
	}
}

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

static void inquire(struct px *px, const struct px_msg *m, uint64_t now, struct px_actions *out)
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

static void prepare(struct px *px, const struct px_msg *m, uint64_t now, struct px_actions *out)
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

static void accept(struct px *px, const struct px_msg *m, uint64_t now, struct px_actions *out)
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

static void release(struct px *px, const struct px_msg *m, uint64_t now, struct px_actions *out)
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

/* --- events ------------------------------------------------------------------------------------------------------- */

void px_message(struct px *px, const struct px_msg *m, uint64_t now, uint64_t random, struct px_actions *out)
{
	out->n = 0;
	if (m->to != px->self || (m->config != NULL && (m->config->n == 0 || m->config->n > PX_MEMBERS_MAX)))
		return;
	px->random ^= random;
	px->round_seen = px_max(px->round_seen, px_max(PX_BALLOT_ROUND(m->ballot), PX_BALLOT_ROUND(m->promised)));
	switch (m->type) {
	case PX_INQUIRE:
		inquire(px, m, now, out);
		break;
	case PX_INQUIRED:
		px_inquired(px, m, now, out);
		break;
	case PX_PREPARE:
		prepare(px, m, now, out);
		break;
	case PX_PROMISE:
		px_promised(px, m, now, out);
		break;
	case PX_ACCEPT:
		accept(px, m, now, out);
		break;
	case PX_ACCEPTED:
		px_accepted(px, m, now, out);
		break;
	case PX_RELEASE:
		release(px, m, now, out);
		break;
	}
	tell_news(px, out);
}

/* The leader, if it is still the one, believes that we know what we knew before the restart. */
static void greet(struct px *px, uint64_t now, struct px_actions *out)
{
	struct px_msg *m = px_send(px, PX_ACCEPTED, PX_BALLOT_REPLICA(px->promised), px->token, out);

	px->asked = now;
	m->ballot = m->promised = px->promised;
	m->ok = m->gap = true;
	m->match = px->match;
	m->base = px->life;
}

static void follower_tick(struct px *px, uint64_t now, struct px_actions *out)
{
	const struct px_lease *l = px->covered != 0 ? px_lease_of(px, PX_BALLOT_REPLICA(px->covered)) : NULL;
	uint64_t healthy_until = px_max(px->honoured_until, px_max(px->since, px->leader_seen));

	if (!px->greeted && now >= px->asked + px->options->retry_us)
		greet(px, now, out);
	if (!px_can_campaign(px, now))
		return;
	if (px_alone(px)) {
		px_campaign(px, now, out);
		return;
	}
	if (l != NULL)
		healthy_until = px_max(healthy_until, l->granted_until);
	if (now >= healthy_until + px->wait)
		px_inquire(px, now, out);
}

void px_tick(struct px *px, uint64_t now, uint64_t random, struct px_actions *out)
{
	out->n = 0;
	px->random ^= random;
	switch (px->state) {
	case PX_FOLLOWER:
		follower_tick(px, now, out);
		break;
	case PX_INQUIRING:
		px_inquire_tick(px, now, out);
		break;
	case PX_PREPARING:
		px_prepare_tick(px, now, out);
		break;
	case PX_LEADER:
		px_lead_tick(px, now, out);
		break;
	}
	tell_news(px, out);
}

void px_persisted(struct px *px, uint64_t token, uint64_t now, struct px_actions *out)
{
	out->n = 0;
	assert(token <= px->token);
	if (token <= px->durable)
		return;
	px->durable = token;
	if (px->state == PX_LEADER || px->state == PX_PREPARING)
		px_progress(px, now, out);
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
