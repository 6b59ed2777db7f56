#include "px_impl.h"

#include <assert.h>
#include <string.h>

/* --- members ------------------------------------------------------------------------------------------------------ */

struct px_progress *px_peer(struct px *px, uint32_t replica)
{
	for (uint32_t i = 0; i < px->npeers; i++)
		if (px->peer[i].replica == replica)
			return &px->peer[i];
	return NULL;
}

void px_peers(struct px *px)
{
	struct px_progress old[2 * PX_MEMBERS_MAX];
	uint32_t n = px->npeers;

	memcpy(old, px->peer, n * sizeof *old);
	px->npeers = 0;
	for (uint32_t c = 0; c < px->nconfig; c++)
		for (uint32_t i = 0; i < px->config[c].n; i++) {
			uint32_t replica = px->config[c].m[i].replica, k = 0;

			if (px_peer(px, replica) != NULL)
				continue;
			while (k < n && old[k].replica != replica)
				k++;
			/* Where a member stands is a guess until it answers: its gap answers correct it. */
			px->peer[px->npeers++] = k < n ? old[k] :
				(struct px_progress){ .replica = replica, .match = px->committed, .next = px->committed + 1 };
		}
}

/* --- own log ------------------------------------------------------------------------------------------------------ */

void px_persist(struct px *px, uint64_t last, struct px_actions *out)
{
	struct px_action *a = px_emit(out, PX_DO_PERSIST_ENTRIES);

	a->ballot = px->ballot;
	a->first = px->match + 1;
	a->last = last;
	a->token = ++px->token;
	for (uint64_t s = a->first; s <= last; s++)
		px->ring[s % PX_WINDOW] = a->token;
	px->match = last;
	px->top = px_max(px->top, last);
	px_rewritten(px, last);
}

void px_noop(struct px *px, struct px_actions *out)
{
	px_emit(out, PX_DO_STAGE_NOOP)->first = px->next_slot;
	px_persist(px, px->next_slot, out);
	px->next_slot++;
}

void px_lead(struct px *px, uint64_t now, struct px_actions *out)
{
	struct px_action *a = px_emit(out, PX_DO_LEAD);

	a->ballot = px->ballot;
	a->last = px->match;
	px->state = PX_LEADER;
	px->since = px->quorum_seen = now;
	px->leader = px->told = px->self;
	px->told_ballot = px->ballot;
	for (uint32_t i = 0; i < px->npeers; i++)
		px->peer[i].covers = false;
	px->ready = px->draining = false;
	px->ready_slot = px->next_slot = px->match + 1;
	px_noop(px, out);
#ifdef MUTANT_READ_BEFORE_RECOMMIT
	px->ready = true;
	px_emit(out, PX_DO_READY);
#endif
}

enum px_verdict px_propose(struct px *px, const struct px_config *config, uint64_t now, uint64_t *slot,
                           struct px_actions *out)
{
	(void)now;
	out->n = 0;
	if (px->state != PX_LEADER || px->draining)
		return PX_NOT_LEADER;
	if (px->nconfig == 2 || (config != NULL && px->committed < px->ready_slot))
		return PX_BARRIER;
	if (px->next_slot > px->committed + PX_WINDOW)
		return PX_WINDOW_FULL;
	*slot = px->next_slot;
	if (config != NULL) {
		assert(config->n >= 1 && config->n <= PX_MEMBERS_MAX);
		px->config[1] = *config;
		px->config[1].slot = *slot;
		px->nconfig = 2;
		px_peers(px);
		if (px->committed < px->match) {         /* px_progress logs it when it may */
			px->next_slot++;
			return PX_OK;
		}
	}
	px_persist(px, px->next_slot, out);
	px->next_slot++;
	return PX_OK;
}

/* --- choosing ----------------------------------------------------------------------------------------------------- */

static bool accepted_by(struct px *px, const struct px_config *c, uint64_t slot)
{
	uint32_t votes = 0;

	for (uint32_t i = 0; i < c->n; i++) {
		if (c->m[i].replica == px->self)
			votes += px->ring[slot % PX_WINDOW] <= px->durable;
		else
			votes += px_peer(px, c->m[i].replica)->match >= slot;
	}
	return votes >= px_quorum(c);
}

static bool chosen(struct px *px, uint64_t slot)
{
	const struct px_config *c;

	px_governing(px, slot, &c);
	return accepted_by(px, c, slot) &&
	       (px->nconfig == 1 || slot != px->config[1].slot || accepted_by(px, &px->config[1], slot));
}

static void count(struct px *px, struct px_actions *out)
{
	uint64_t slot;

	do {
		uint64_t end = px->nconfig == 2 ? px_min(px->match, px->config[1].slot) : px->match;

		for (slot = px->committed; slot < end && chosen(px, slot + 1);)
			slot++;
		end = px->committed;
		px_commit(px, slot, out);
		if (slot == end)
			return;
	} while (px->committed < px->match);
}

static void lead_on(struct px *px, uint64_t now, struct px_actions *out)
{
	bool all = px->committed == px->next_slot - 1;

	if (px->nconfig == 2 && px->config[1].slot == px->match + 1 && px->committed == px->match) {
		px_persist(px, px->config[1].slot, out);
		return;
	}
	if (!px->ready && px->committed >= px->ready_slot) {
		px->ready = true;
		px_emit(out, PX_DO_READY);
	}
	if (all && px->config[0].slot == px->match) {
		if (!px_is_member(&px->config[0], px->self)) {
			px_release(px, 0, now, out);
			return;
		}
		px_noop(px, out);                /* shows that the new configuration works, and lets it be changed again */
		return;
	}
	if (px->draining && all)
		px_release(px, px->handoff, now, out);
}

void px_progress(struct px *px, uint64_t now, struct px_actions *out)
{
	uint64_t match;

	do {
		match = px->match;
		count(px, out);
		if (px->state == PX_PREPARING)
			px_advance(px, now, out);
		if (px->state == PX_LEADER)
			lead_on(px, now, out);
	} while (px->match > match && (px->state == PX_LEADER || px->state == PX_PREPARING) && !px->more);
}

/* An ACCEPT makes its receiver leave the old leader without asking about leases, so a candidate, which may not have a
 * quorum's promises yet, sends none but to those who gave theirs. */
static bool may_accept(const struct px *px, const struct px_progress *p)
{
	return p->replica != px->self && (px->state == PX_LEADER || p->ok);
}

void px_farewell(struct px *px, const struct px_config *next, struct px_actions *out)
{
	for (uint32_t i = 0; i < px->npeers; i++) {
		struct px_progress *p = &px->peer[i];
		struct px_msg *m;

		if (!may_accept(px, p) || px_is_member(next, p->replica))
			continue;
		m = px_send(px, PX_ACCEPT, p->replica, 0, out);
		m->first = p->match + 1;
		m->last = p->match;
	}
}

/* --- sending ------------------------------------------------------------------------------------------------------ */

/* A member far behind gets its entries in small helpings; others may have the whole window in flight. */
static uint64_t send_upto(const struct px *px, const struct px_progress *p)
{
	bool behind = p->match + PX_WINDOW < px->committed;

	return px_min(px->match, p->match + (behind ? PX_CATCHUP_SLOTS : PX_WINDOW));
}

static bool open_to(const struct px *px, const struct px_progress *p)
{
	return may_accept(px, p) && !p->probing && !p->snapshot && p->next >= px->base;
}

static bool proposing(const struct px *px)
{
	return px->state == PX_LEADER || px->state == PX_PREPARING;
}

static void send_accept(struct px *px, struct px_progress *p, uint64_t first, uint64_t last, uint64_t now,
                        struct px_actions *out)
{
	struct px_msg *m = px_send(px, PX_ACCEPT, p->replica, 0, out);

	m->first = first;
	m->last = last;
	m->base = p->life;
	p->sent = now;
	p->committed_sent = px->committed;
}

void px_flush(struct px *px, uint64_t now, bool commits, struct px_actions *out)
{
	out->n = 0;
	if (px->more && proposing(px))
		px_progress(px, now, out);
	if (!proposing(px))
		return;
	for (uint32_t i = 0; i < px->npeers; i++) {
		struct px_progress *p = &px->peer[i];
		uint64_t upto = send_upto(px, p);

		if (!open_to(px, p))
			continue;
		if (p->next <= upto) {
			if (p->next == p->match + 1)
				p->owing = now;
			send_accept(px, p, p->next, upto, now, out);
			p->next = upto + 1;
		} else if (commits && p->committed_sent < px->committed) {
			send_accept(px, p, p->next, p->next - 1, now, out);
		}
	}
}

bool px_wants_flush(const struct px *px)
{
	if (!proposing(px))
		return false;
	for (uint32_t i = 0; i < px->npeers; i++)
		if (open_to(px, &px->peer[i]) && px->peer[i].next <= send_upto(px, &px->peer[i]))
			return true;
	return px->more;
}

bool px_commits_behind(const struct px *px)
{
	if (!proposing(px))
		return false;
	for (uint32_t i = 0; i < px->npeers; i++)
		if (open_to(px, &px->peer[i]) && px->peer[i].committed_sent < px->committed)
			return true;
	return false;
}

/* Whatever it knew before, it is there now; it must hear from us, if only to know that we know. */
static void begin_again(struct px_progress *p, const struct px_msg *m)
{
	p->match = m->match;
	p->next = m->match + 1;
	p->committed = m->committed;
	p->committed_sent = 0;
}

void px_accepted(struct px *px, const struct px_msg *m, uint64_t now, struct px_actions *out)
{
	struct px_progress *p = px_peer(px, m->from);
	uint64_t committed = px->committed;

	if (!proposing(px) || m->ballot != px->ballot || p == NULL || p->replica == px->self)
		return;
	p->heard = p->owing = now;
	p->committed = px_max(p->committed, m->committed);
	if (!m->ok) {
		if (m->promised <= px->ballot)
			return;
		/* Somebody campaigned without success, or with: whoever is left must not wait for the end of our lease. */
		px_step_down(px, 0, now, out);
		if (px_can_campaign(px, now))
			px_inquire(px, now, out);
		return;
	}
	if (p->life != 0 && m->base != p->life) {
		begin_again(p, m);
	} else if (m->gap) {
		/* What was in flight behind the lost message brings one gap answer each: one of them is enough. */
		if (m->match == p->match && p->rewound != 0 && now < p->rewound + px->options->retry_us && !p->probing)
			return;
		p->rewound = now;
		begin_again(p, m);
	} else {
		p->match = px_max(p->match, m->match);
		p->next = p->probing ? p->match + 1 : px_max(p->next, p->match + 1);
	}
	p->life = m->base;
	p->probing = false;
	if (p->snapshot && p->match + 1 >= px->base) {
		p->snapshot = false;
		p->next = p->match + 1;
	}
	px_progress(px, now, out);
	if (px->state == PX_PREPARING && px->committed > committed)
		px->since = now;
}

static bool owes(const struct px *px, const struct px_progress *p)
{
	return may_accept(px, p) && (p->next > p->match + 1 || p->probing || p->snapshot || p->next < px->base);
}

static bool lacks_news(const struct px *px, const struct px_progress *p)
{
	return may_accept(px, p) && p->committed < px->committed;
}

/* An overdue answer: ask where the member stands, without entries, until it answers. */
void px_retry(struct px *px, uint64_t now, struct px_actions *out)
{
	for (uint32_t i = 0; i < px->npeers; i++) {
		struct px_progress *p = &px->peer[i];

		if (!owes(px, p)) {
			if (lacks_news(px, p) && now >= p->owing + px->options->retry_us) {
				p->owing = now;
				send_accept(px, p, p->next, p->next - 1, now, out);
			}
			continue;
		}
		if (p->heard != 0 && p->next < px->base && (!p->snapshot || now >= p->snapshot_at + 20 * px->options->retry_us)) {
			px_emit(out, PX_DO_SNAPSHOT)->replica = p->replica;
			p->snapshot = true;
			p->snapshot_at = now;
		}
		if (now < p->owing + px->options->retry_us)
			continue;
		p->probing = true;
		p->owing = now;
		send_accept(px, p, p->match + 1, p->match, now, out);
	}
}

/* --- the lease, as the one who holds it --------------------------------------------------------------------------- */

static bool member_covers(const struct px *px, uint32_t replica)
{
	for (uint32_t i = 0; i < px->npeers; i++)
		if (px->peer[i].replica == replica)
			return px->peer[i].covers;
	return false;
}

static uint64_t lease_from(const struct px *px, const struct px_config *c)
{
	uint64_t until[PX_MEMBERS_MAX];
	uint32_t n = 0;

	for (uint32_t i = 0; i < c->n; i++) {
		const struct px_lease *l = px_lease_of(px, c->m[i].replica);
		uint64_t t = 0;
		uint32_t k = n++;

		if (c->m[i].replica == px->self)
			t = UINT64_MAX;
		else if (l != NULL && member_covers(px, c->m[i].replica))
			t = l->held_until;
		for (; k > 0 && until[k - 1] < t; k--)
			until[k] = until[k - 1];
		until[k] = t;
	}
	return until[px_quorum(c) - 1];
}

uint64_t px_lease_until(const struct px *px)
{
	uint64_t until = lease_from(px, &px->config[0]);

	return px->nconfig == 1 ? until : px_min(until, lease_from(px, &px->config[1]));
}

bool px_keeps(const struct px *px, uint64_t now)
{
	uint64_t until = px_max(px->quorum_seen, px_lease_until(px));

	return until > now || now - until <= px->options->lease_us;
}

bool px_may_serve(const struct px *px, uint64_t now)
{
	return px->state == PX_LEADER && px->ready && px_lease_until(px) > now;
}

void px_member_covers(struct px *px, uint32_t replica, bool covers)
{
	struct px_progress *p = px->state == PX_LEADER ? px_peer(px, replica) : NULL;

	if (p != NULL)
		p->covers = covers;
}

/* --- handing over ------------------------------------------------------------------------------------------------- */

static uint32_t best_target(const struct px *px, uint32_t wanted)
{
	const struct px_config *c = &px->config[0];
	uint32_t best = 0;
	uint64_t match = 0;

	for (uint32_t i = 0; i < c->n; i++) {
		const struct px_member *m = &c->m[i];

		if (m->replica == px->self || m->role != PX_STORAGE)
			continue;
		if (m->replica == wanted)
			return wanted;
		for (uint32_t k = 0; k < px->npeers; k++)
			if (px->peer[k].replica == m->replica && px->peer[k].heard != 0 && px->peer[k].match >= match) {
				best = m->replica;
				match = px->peer[k].match;
			}
	}
	return best;
}

void px_release(struct px *px, uint32_t target, uint64_t now, struct px_actions *out)
{
	target = best_target(px, target);
	for (uint32_t i = 0; i < px->npeers; i++)
		if (px->peer[i].replica != px->self)
			px_send(px, PX_RELEASE, px->peer[i].replica, 0, out)->target = target;
	px->released = px->ballot;
	px_step_down(px, 0, now, out);
	px->wait = 4 * px->options->election_us;         /* the target goes first */
}

void px_handoff(struct px *px, uint32_t target, uint64_t now, struct px_actions *out)
{
	out->n = 0;
	if (px->state != PX_LEADER || px->draining)
		return;
	px->draining = true;
	px->handoff = target;
	px->since = now;
	px_progress(px, now, out);
}

void px_lead_tick(struct px *px, uint64_t now, struct px_actions *out)
{
	if (!px_keeps(px, now)) {
		px_step_down(px, 0, now, out);
		return;
	}
	if (px->draining && now > px->since + px->options->lease_us) {
		px_release(px, px->handoff, now, out);
		return;
	}
	px_progress(px, now, out);
	if (px->state == PX_LEADER)
		px_retry(px, now, out);
}

bool px_wants_tick(const struct px *px, uint64_t now)
{
	if (px->state == PX_FOLLOWER && !px->greeted)
		return true;
	if (px->state == PX_FOLLOWER)
		return px->role == PX_STORAGE && !px_lease_stands(px, now) &&
		       (px_is_member(&px->config[0], px->self) || (px->nconfig == 2 && px_is_member(&px->config[1], px->self)));
	if (px->state != PX_LEADER || px->draining || !px->ready || px->more || px_lease_until(px) <= now)
		return true;
	for (uint32_t i = 0; i < px->npeers; i++)
		if (owes(px, &px->peer[i]) || lacks_news(px, &px->peer[i]))
			return true;
	return false;
}
