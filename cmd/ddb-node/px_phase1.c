/*
 * From a silent leader to a new one: inquiry (pre-vote), PREPARE, paged promises, and the inherited slots proposed
 * anew.
 * Source: "Paxos Made Simple", section 3: a new leader runs phase 1 for all slots at once; here slot by slot is
 * decided whether a quorum of the configuration that governs it has reported, so that recovery can slide over more
 * slots than the ring holds.
 */
#include "px_impl.h"

#include <assert.h>
#include <string.h>

#define STAGE_ACTIONS_MAX 48         /* no-ops are staged while a step has fewer actions than this */

static void rewait(struct px *px, enum px_state state, uint64_t now)
{
	px->state = state;
	px->since = px->asked = now;
	px->wait = px_jitter(px);
}

/* --- inquiry ------------------------------------------------------------------------------------------------------ */

static bool granted(struct px *px, const struct px_config *c)
{
	uint32_t votes = 0;

	for (uint32_t i = 0; i < c->n; i++)
		votes += px_peer(px, c->m[i].replica)->ok;
	return votes >= px_quorum(c);
}

static void send_inquire(struct px *px, const struct px_progress *p, struct px_actions *out)
{
	px_send(px, PX_INQUIRE, p->replica, 0, out);
}

void px_inquire(struct px *px, uint64_t now, struct px_actions *out)
{
	rewait(px, PX_INQUIRING, now);
	px->ballot = PX_BALLOT(px_max(px->round_seen, PX_BALLOT_ROUND(px->promised)) + 1, px->self);
	px_peers(px);
	for (uint32_t i = 0; i < px->npeers; i++) {
		px->peer[i].ok = px->peer[i].replica == px->self;
		if (!px->peer[i].ok)
			send_inquire(px, &px->peer[i], out);
	}
}

void px_inquired(struct px *px, const struct px_msg *m, uint64_t now, struct px_actions *out)
{
	struct px_progress *p = px_peer(px, m->from);

	if (px->state != PX_INQUIRING || m->ballot != px->ballot || p == NULL)
		return;
	if (m->healthy || px_healthy(px, now)) {
		rewait(px, PX_FOLLOWER, now);
		return;
	}
	p->ok = m->ok;
	if (!px_can_campaign(px, now))
		rewait(px, PX_FOLLOWER, now);
	else if (granted(px, &px->config[0]) && (px->nconfig == 1 || granted(px, &px->config[1])))
		px_campaign(px, now, out);
}

void px_inquire_tick(struct px *px, uint64_t now, struct px_actions *out)
{
	if (px_healthy(px, now) || !px_can_campaign(px, now)) {
		rewait(px, PX_FOLLOWER, now);
	} else if (now >= px->since + px->wait) {
		px_inquire(px, now, out);        /* answers of long ago do not count */
	} else if (now >= px->asked + px->options->retry_us) {
		px->asked = now;
		for (uint32_t i = 0; i < px->npeers; i++)
			if (!px->peer[i].ok)
				send_inquire(px, &px->peer[i], out);
	}
}

/* --- prepare ------------------------------------------------------------------------------------------------------ */

static void ask(struct px *px, struct px_progress *p, struct px_actions *out)
{
	uint64_t first = px_max(p->upto, px->committed) + 1;
	struct px_msg *m;

	p->answered = p->held_back = false;
	if (p->replica == px->self) {
		px_page(px, px->self, first, out);
		return;
	}
	/* A candidate that forgot its ballot in a crash might use it twice: so its own promise comes first. */
	m = px_send(px, PX_PREPARE, p->replica, px->promise_token, out);
	m->first = first;
	m->promised = px->vouched;
}

void px_campaign(struct px *px, uint64_t now, struct px_actions *out)
{
	uint64_t ballot = PX_BALLOT(px_max(px->round_seen, PX_BALLOT_ROUND(px->promised)) + 1, px->self);
	struct px_action *a;

	px_raise(px, ballot);
	px->ballot = ballot;
	rewait(px, PX_PREPARING, now);
	memset(px->ring, 0, sizeof px->ring);
	px->npeers = 0;
	px_peers(px);
	a = px_emit(out, PX_DO_PERSIST_PROMISE);
	a->ballot = ballot;
	a->token = px->promise_token = ++px->token;
	for (uint32_t i = 0; i < px->npeers; i++)
		ask(px, &px->peer[i], out);
}

/* A voter's report is complete. */
static bool reported(const struct px *px, const struct px_progress *p)
{
	return p->ok && px_max(p->upto, px->committed) >= p->top;
}

static void ask_new(struct px *px, struct px_actions *out)
{
	for (uint32_t i = 0; i < px->npeers; i++)
		if (px->peer[i].heard == 0 && px->peer[i].sent == 0 && !px->peer[i].ok)
			ask(px, &px->peer[i], out);
}

/* Pages that are wanted next, or were beyond a window that has moved. */
static void ask_on(struct px *px, struct px_actions *out)
{
	for (uint32_t i = 0; i < px->npeers; i++)
		if (px->peer[i].held_back && px->peer[i].upto < px->committed + PX_WINDOW)
			ask(px, &px->peer[i], out);
}

void px_prepare_tick(struct px *px, uint64_t now, struct px_actions *out)
{
	if (now >= px->since + px->wait) {
		px_step_down(px, 0, now, out);
		return;
	}
	if (now >= px->asked + px->options->retry_us) {
		px->asked = now;
		for (uint32_t i = 0; i < px->npeers; i++)
			if (!reported(px, &px->peer[i]) && !px->peer[i].held_back)
				ask(px, &px->peer[i], out);
	}
	px_retry(px, now, out);
	px_progress(px, now, out);
}

/* --- promises ----------------------------------------------------------------------------------------------------- */

static void drop_config(struct px *px, uint64_t first, uint64_t last)
{
	if (px->nconfig == 2 && px->config[1].slot >= first && px->config[1].slot <= last)
		px->nconfig = 1;
}

static void find_config(struct px *px, const struct px_config *config, struct px_actions *out)
{
	px->config[1] = *config;
	px->nconfig = 2;
	px_peers(px);
	ask_new(px, out);
}

/* What the voter knows to be chosen, as far as it joins what we have. */
static void learn(struct px *px, const struct px_msg *m, struct px_actions *out)
{
	bool config = m->config != NULL && m->config->slot == m->last;
	/* Nobody accepts a configuration before all behind it is chosen. */
	uint64_t known = config ? px_max(m->committed, m->last - 1) : m->committed;
	struct px_action *a;
	uint64_t end;

	px_commit(px, px_min(known, px->match), out);
	known = px_min(known, m->last);
	if (m->first > px->match + 1 || known <= px->match || px->committed < px->match)
		return;
	for (end = px->match + 1; end <= known && m->ballots[end - m->first] != 0;)
		end++;
	if (--end <= px->match)
		return;
	a = px_emit(out, PX_DO_LEARN);
	a->first = px->match + 1;
	a->last = end;
	a->token = ++px->token;
	drop_config(px, a->first, end);
	if (config && end == m->last)
		find_config(px, m->config, out);
	px->match = end;
	px->top = px_max(px->top, end);
	px_rewritten(px, end);
	px_commit(px, end, out);
}

/* Stage what was accepted in a higher ballot than any seen before; returns the last slot of the page that was looked
 * at. */
static uint64_t stage(struct px *px, const struct px_msg *m, struct px_actions *out)
{
	uint64_t last = px_min(m->last, px->committed + PX_WINDOW), s = px_max(m->first, px->match + 1);
	uint32_t n = 0;

	for (; s <= last; s++) {
		uint64_t ballot = m->ballots[s - m->first], *best = &px->ring[s % PX_WINDOW];
		bool config = m->config != NULL && m->config->slot == s;

#ifdef MUTANT_IGNORE_ACCEPTED
		ballot = 0;
#endif
		if (ballot <= *best)
			continue;
		if (n == PX_PAGE_SLOTS || (config && px->nconfig == 2 && px->config[1].slot != s))
			break;
		px_emit(out, PX_DO_STAGE)->first = s;
		*best = ballot;
		n++;
		drop_config(px, s, s);
		if (config)
			find_config(px, m->config, out);
	}
	return px_max(s - 1, px_min(m->last, px->match));
}

static void refused(struct px *px, const struct px_msg *m, uint64_t now, struct px_actions *out)
{
	if (m->healthy || m->promised > px->ballot)
		px_step_down(px, 0, now, out);
}

static void take_page(struct px *px, const struct px_msg *m, uint64_t now, struct px_actions *out)
{
	struct px_progress *p;
	uint64_t upto;

	learn(px, m, out);
	upto = stage(px, m, out);
	p = px_peer(px, m->from);                /* a configuration moves or removes peers */
	if (p == NULL)
		return;
	if (upto > p->upto) {
		p->upto = upto;
		px->since = now;
	}
	p->held_back = !reported(px, p);         /* px_ask_on, if there is room */
}

void px_promised(struct px *px, const struct px_msg *m, uint64_t now, struct px_actions *out)
{
	struct px_progress *p = px_peer(px, m->from);

	if (px->state != PX_PREPARING || m->ballot != px->ballot || p == NULL || m->first == 0 || m->last < m->first - 1)
		return;
	if (!m->ok) {
		refused(px, m, now, out);
		return;
	}
	if (m->base > px->committed + 1 && m->committed > px->committed) {
		px_step_down(px, 0, now, out);
		px_emit(out, PX_DO_SNAPSHOT)->replica = m->from;
		return;
	}
	if (!p->ok && p->heard == 0) {
		p->match = m->committed;
		p->next = m->committed + 1;
	}
	if (!p->ok)
		px->since = now;
	p->ok = p->answered = true;
	p->heard = now;
	p->committed = px_max(p->committed, m->committed);
	p->top = m->top;
	p->unknown_first = m->unknown_first;
	p->unknown_last = m->unknown_last;
	if (m->first <= px_max(p->upto, px->committed) + 1)
		take_page(px, m, now, out);
	px_progress(px, now, out);
}

/* --- the inherited slots ------------------------------------------------------------------------------------------ */

/* No ballot below ours can choose anything for slot any more but the best value we have seen. */
static bool settled(struct px *px, uint64_t slot)
{
	const struct px_config *c;
	uint32_t votes = 0;

	px_governing(px, slot, &c);
	for (uint32_t i = 0; i < c->n; i++) {
		const struct px_progress *p = px_peer(px, c->m[i].replica);

		votes += p->ok && px_max(p->upto, px->committed) >= px_min(slot, p->top) &&
		         !(p->unknown_first <= slot && slot <= p->unknown_last);
	}
	return votes >= px_quorum(c);
}

static bool may_pass_config(const struct px *px, uint64_t slot)
{
	return px->nconfig == 1 || slot < px->config[1].slot || (slot == px->config[1].slot && px->committed + 1 == slot);
}

void px_advance(struct px *px, uint64_t now, struct px_actions *out)
{
	uint64_t top = px->match, slot = px->match + 1;
	bool done = false;

	px->more = false;
	ask_on(px, out);
	for (uint32_t i = 0; i < px->npeers; i++)
		if (px->peer[i].ok)
			top = px_max(top, px->peer[i].top);
	for (; slot <= px->committed + PX_WINDOW && may_pass_config(px, slot) && settled(px, slot); slot++) {
		done = slot > top;
		if (done)
			break;
		if (px->ring[slot % PX_WINDOW] != 0)
			continue;
		px->more = out->n >= STAGE_ACTIONS_MAX;
		if (px->more)
			break;
		drop_config(px, slot, slot);
		px_emit(out, PX_DO_STAGE_NOOP)->first = slot;
	}
	if (slot - 1 > px->match)
		px_persist(px, slot - 1, out);
	if (!done)
		return;
	px->nconfig = 1;                         /* one that only we accepted, perhaps: a quorum has nothing there */
	if (px_is_member(&px->config[0], px->self))
		px_lead(px, now, out);
	else
		px_release(px, 0, now, out);     /* removed: it only finished what was begun */
}
