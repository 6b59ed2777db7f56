/* What must be true of the nodes after every step, and at the end. */
#include <string.h>

#include "sim.h"

#define WRONG(m, g, fmt, ...)                                                                                          \
	world_fail((m)->s, "machine %u, group %llu: " fmt, (m)->index, U((g)->id), __VA_ARGS__)

static struct identity *identity(const struct machine *m)
{
	return &m->s->identity[m->incarnation];
}

/* --- what was said ------------------------------------------------------------------------------------------------ */

/* Whoever proposes for a slot that is chosen, in that ballot or a later one, proposes what is chosen. */
static void check_proposal(struct machine *m, const struct model_group *model, const struct msg_px *p)
{
	struct bytes rest = p->entries, part;
	struct msg_slot_entry e;

	while (msg_list_next(&rest, &part) && msg_get_slot_entry(part, &e, MSG_VERSION))
		if (e.slot <= model->n && p->ballot >= model->slot[e.slot].ballot &&
		    model_entry_hash(e.entry) != model->slot[e.slot].entry)
			WRONG(m, model, "proposes another value for slot %llu, which is chosen", U(e.slot));
}

void judge_sent(struct machine *m, unsigned type, struct bytes body)
{
	struct replica_word *w;
	struct msg_px p;

	if (type != MSG_px)
		return;
	if (!msg_get_px(body, &p, MSG_VERSION) || p.group == 0 || p.group > m->s->ngroups || p.from != m->incarnation)
		world_fail(m->s, "machine %u: sends what nobody can read", m->index);
	w = &identity(m)->word[p.group - 1];
	if (p.type == PX_ACCEPT)
		check_proposal(m, &m->s->group[p.group - 1], &p);
	if (p.type == PX_PREPARE || p.type == PX_ACCEPT ||
	    ((p.type == PX_PROMISE || p.type == PX_ACCEPTED) && (p.flags & 1)))
		if (p.ballot > w->promised)
			w->promised = p.ballot;
	if (p.type != PX_ACCEPTED || !(p.flags & 1) || p.ballot < w->acked_ballot)
		return;
	if (p.ballot > w->acked_ballot) {
		if (w->acked > w->acked_before)
			w->acked_before = w->acked;
		w->acked_ballot = p.ballot;
		w->acked = 0;
	}
	if (p.match > w->acked)
		w->acked = p.match;
}

static bool same_as_chosen(const struct model_group *model, uint64_t slot, const struct glog_slot *at)
{
	return slot <= model->n && at->entry != NULL &&
	       model_entry_hash((struct bytes){ at->entry, at->bytes }) == model->slot[slot].entry;
}

/* What was acknowledged in a ballot was accepted in it, or known to be chosen; the crash forgets only the latter. */
static void check_word(struct machine *m, const struct group *g, const struct model_group *model,
		       const struct replica_word *w)
{
	if (g->px.promised < w->promised)
		WRONG(m, g, "promised %llx before it crashed, now %llx", U(w->promised), U(g->px.promised));
	for (uint64_t slot = g->px.committed + 1; slot <= w->acked; slot++) {
		const struct glog_slot *at = glog_at(&g->log, slot);

		if (at == NULL || (at->ballot < w->acked_ballot && !at->damaged && !same_as_chosen(model, slot, at)))
			WRONG(m, g, "acknowledged slot %llu in ballot %llx before it crashed, now has ballot %llx",
			      U(slot), U(w->acked_ballot),
				   at != NULL ? U(at->ballot) : 0);
	}
}

/* What the log shows of chosen slots, in memory or not, is what is chosen. */
static void check_log(struct machine *m, struct group *g, const struct model_group *model)
{
	struct buf scratch = { 0 };
	struct bytes raw;

	for (uint64_t slot = g->log.base; slot <= g->chosen && slot <= model->n; slot++)
		if (wire_entry(m->node, g, slot, &scratch, &raw) && model_entry_hash(raw) != model->slot[slot].entry)
			WRONG(m, g, "its log has another value for slot %llu, which is chosen", U(slot));
	buf_fini(&scratch);
}

void judge_started(struct machine *m)
{
	struct sim *s = m->s;

	for (uint32_t i = 0; i < s->ngroups; i++) {
		struct group *g = node_find(m->node, i + 1);
		struct replica_word *w = &identity(m)->word[i];

		if (g != NULL && g->ready) {
			check_word(m, g, &s->group[i], w);
			check_log(m, g, &s->group[i]);
		} else if (g == NULL && w->promised != 0)
			world_fail(s, "machine %u, group %u: forgotten in a crash", m->index, i + 1);
	}
	node_check(m->node);
}

/* --- what is chosen ----------------------------------------------------------------------------------------------- */

static bool holds_durably(struct sim *s, uint32_t incarnation, const struct model_group *model, uint64_t slot)
{
	const struct machine *m = machine_of(s, incarnation);
	const struct group *g = m != NULL && m->up ? node_group(m->node, model->id) : NULL;
	const struct glog_slot *at;
	struct store_meta meta;

	if (s->identity[incarnation].word[model->id - 1].acked >= slot)
		return true;
	if (g == NULL || !g->ready)
		return false;
	at = glog_at(&g->log, slot);
	if (at != NULL && !at->damaged && at->position < wal_durable(m->node->wal))
		return true;
	/* It was, when it said so to a leader that hears of it now; what has damaged it since must be repaired from the others. */
	if (at != NULL && at->damaged && s->identity[incarnation].word[model->id - 1].acked_before >= slot)
		return true;
	return store_mem_meta(m->store, model->id, true, &meta) && meta.applied >= slot;
}

static void check_quorum(struct machine *m, const struct model_group *model, uint64_t slot)
{
	const struct px_config *c = model_governing(model, slot);
	uint32_t n = 0;

	for (uint32_t i = 0; i < c->n; i++)
		n += holds_durably(m->s, c->m[i].replica, model, slot);
	if (n < c->n / 2 + 1)
		WRONG(m, model, "slot %llu is said to be chosen, and is durable on %u of %u", U(slot), n, c->n);
}

static void chosen(struct machine *m, struct group *g, struct model_group *model, uint64_t slot)
{
	const struct glog_slot *at = glog_at(&g->log, slot);
	struct buf scratch = { 0 };
	struct bytes raw;

	if (slot > model->n) {
		if (!wire_entry(m->node, g, slot, &scratch, &raw))
			WRONG(m, g, "slot %llu is said to be chosen, and its entry is not there", U(slot));
		check_quorum(m, model, slot);
		model_chosen(m->s, model, slot, raw);
		model->slot[slot].ballot = at != NULL ? at->ballot : 0;
	} else if (at != NULL && at->entry != NULL &&
		   model_entry_hash((struct bytes){ at->entry, at->bytes }) != model->slot[slot].entry) {
		WRONG(m, g, "another value for slot %llu, which is chosen", U(slot));
	}
	buf_fini(&scratch);
}

static void check_state(struct machine *m, const struct group *g, const struct model_group *model)
{
	if (g->submitted > model->n || memcmp(&g->hash, &model->slot[g->submitted].state, sizeof g->hash) != 0)
		WRONG(m, g, "another state at slot %llu", U(g->submitted));
}

/* --- who leads ---------------------------------------------------------------------------------------------------- */

static void check_leader(struct machine *m, const struct group *g, unsigned i)
{
	struct sim *s = m->s;
	struct replica_word *w = &identity(m)->word[i];

	if (m->led[i] != g->px.ballot) {
		if (w->led == g->px.ballot && w->led_life != m->life)
			WRONG(m, g, "leads again in ballot %llx after a crash", U(g->px.ballot));
		m->led[i] = w->led = g->px.ballot;
		w->led_life = m->life;
	}
	if (g->px.ballot > s->leaders[i]) {
		s->leaders[i] = g->px.ballot;
		s->count.leaders++;
	}
	if (!px_may_serve(&g->px, machine_clock(m)))
		return;
	s->count.serving_checks++;
	if (g->chosen < s->group[i].floor)
		WRONG(m, g, "would serve and knows slots up to %llu; somebody was told of slot %llu", U(g->chosen),
		      U(s->group[i].floor));
	for (uint32_t k = 0; k < s->nmachines; k++) {
		const struct machine *o = &s->machine[k];
		const struct group *og = o != m && o->up ? node_group(o->node, g->id) : NULL;

		if (og != NULL && og->ready && px_may_serve(&og->px, machine_clock(o)))
			world_fail(s, "machines %u and %u, group %llu: both may serve, in ballots %llx and %llx",
				   m->index, o->index,
				   U(g->id), U(g->px.ballot), U(og->px.ballot));
	}
}

/* --- after every step --------------------------------------------------------------------------------------------- */

static void check_group(struct machine *m, struct group *g, unsigned i)
{
	struct model_group *model = &m->s->group[i];
	struct store_meta meta;

	for (; m->seen_chosen[i] < g->chosen; m->seen_chosen[i]++)
		chosen(m, g, model, m->seen_chosen[i] + 1);
	if (m->seen_submitted[i] != g->submitted) {
		check_state(m, g, model);
		m->seen_submitted[i] = g->submitted;
	}
	books_held(m, g);
	if (g->px.state == PX_LEADER)
		check_leader(m, g, i);
	if (m->base[i] == 0)
		m->base[i] = g->log.base;
	if (g->log.base > m->base[i] &&
	    (!store_mem_meta(m->store, g->id, true, &meta) || meta.applied + 1 < g->log.base))
		WRONG(m, g, "the log begins at slot %llu, and a power cut would leave less in the store",
		      U(g->log.base));
}

void judge_step(struct machine *m)
{
	struct sim *s = m->s;

	node_check(m->node);
	if (m->node->metrics.feed_gaps.v > 0)
		world_fail(s, "machine %u: an index is told what came after something that it does not know", m->index);
	for (uint32_t i = 0; i < s->ngroups; i++) {
		struct group *g = node_find(m->node, i + 1);

		if (g != NULL && g->ready) {
			check_group(m, g, i);
		} else if (g == NULL) {
			identity(m)->word[i] = (struct replica_word){ 0 };      /* dropped: it never votes here again */
			m->seen_chosen[i] = m->seen_submitted[i] = m->base[i] = 0;
		}
	}
}

bool judge_served(const struct sim *s)
{
	for (uint32_t i = 0; i < s->ngroups; i++) {
		bool served = false;

		for (uint32_t k = 0; k < s->nmachines && (i >= s->nbases || s->written_since[i]); k++) {
			const struct machine *m = &s->machine[k];
			const struct group *g = m->up ? node_group(m->node, i + 1) : NULL;

			served |= g != NULL && g->ready && px_may_serve(&g->px, machine_clock(m));
		}
		if (!served)
			return false;
	}
	return true;
}

/* --- at the end --------------------------------------------------------------------------------------------------- */

/* By everybody's clock, so that it does not matter who leads. */
static bool all_expired(struct sim *s, const struct model_group *model)
{
	uint64_t us = UINT64_MAX;

	for (uint32_t i = 0; i < s->nmachines; i++)
		if (machine_wall_us(&s->machine[i]) < us)
			us = machine_wall_us(&s->machine[i]);
	return !model_leftover(model, us / SEC);
}

static bool group_converged(struct sim *s, unsigned i, const char **why)
{
	const struct model_group *model = &s->group[i];
	const struct px_config *c = &model->config[model->nconfigs - 1];
	bool serving = false;

	*why = "no write succeeded";
	if (i < s->nbases && !s->written_since[i])
		return false;
	*why = "a replica is not there";
	for (uint32_t k = 0; k < c->n; k++) {
		const struct machine *m = machine_of(s, c->m[k].replica);
		const struct group *g = m != NULL && m->up ? node_group(m->node, model->id) : NULL;

		if (g == NULL || !g->ready)
			return false;
		serving |= px_may_serve(&g->px, machine_clock(m));
		*why = "a replica does not know everything that is chosen";
		if (g->chosen != model->n || g->px.committed != model->n)
			return false;
		*why = "a replica has not applied everything";
		if (g->meta.applied != model->n)
			return false;
		*why = "a replica is not there";
	}
	*why = "an item that has expired is there";
	if (!all_expired(s, model))
		return false;
	*why = "nobody serves";
	return serving;
}

bool judge_converged(struct sim *s, const char **why)
{
	*why = "autoadmin wants something yet";
	if (!admin_settled(s) || !admin_indexed(s) || !books_settled(s, why))
		return false;
	for (uint32_t i = 0; i < s->ngroups; i++)
		if (!group_converged(s, i, why))
			return false;
	return derive_settled(s, why);
}

void judge_equal(struct sim *s)
{
	for (uint32_t i = 0; i < s->ngroups; i++)
		for (uint32_t a = 0; a < s->nmachines; a++)
			for (uint32_t b = 0; b < a; b++) {
				struct store_meta x, y;
				uint64_t id = i + 1;

				if (!store_mem_meta(s->machine[a].store, id, false, &x) ||
				    !store_mem_meta(s->machine[b].store, id, false, &y) ||
				    x.applied != y.applied)
					continue;
				if (store_mem_digest(s->machine[a].store, id) !=
				    store_mem_digest(s->machine[b].store, id))
					world_fail(s, "machines %u and %u, group %llu: other rows at slot %llu", a, b,
						   U(id),
						   U(x.applied));
			}
}
