#include "px_impl.h"

#include <assert.h>
#include <string.h>

/* --- small things that all files share ----------------------------------------------------------------------- */

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

void px_init(struct px *px, const struct px_options *options, const struct px_leases *leases,
             const struct px_start *start, uint64_t now, struct px_actions *out)
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
		px_on_inquire(px, m, now, out);
		break;
	case PX_INQUIRED:
		px_inquired(px, m, now, out);
		break;
	case PX_PREPARE:
		px_on_prepare(px, m, now, out);
		break;
	case PX_PROMISE:
		px_promised(px, m, now, out);
		break;
	case PX_ACCEPT:
		px_on_accept(px, m, now, out);
		break;
	case PX_ACCEPTED:
		px_accepted(px, m, now, out);
		break;
	case PX_RELEASE:
		px_on_release(px, m, now, out);
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
