#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "core.h"
#include "feed.h"
#include "log.h"
#include "mem.h"
#include "own.h"

struct group *group_new(struct node *n, uint64_t id, uint64_t table, uint32_t schema, struct bytes low, struct bytes high)
{
	struct group *g = mem_new(sizeof *g);

	g->id = id;
	g->table = table;
	g->schema = schema;
	g->low = bytes_copy(low);
	g->high = bytes_copy(high);
	g->overlay = overlay_new();
	held_init(&g->held);
	g->feed = feed_new();
	glog_init(&g->log, 1);
	STAILQ_INIT(&g->writes);
	STAILQ_INIT(&g->checks);
	HASH_ADD(hh, n->groups, id, sizeof g->id, g);
	return g;
}

static void drop_staged(struct group *g)
{
	for (size_t i = 0; g->staged != NULL && i < PX_WINDOW; i++)
		free(g->staged[i].entry);
	free(g->staged);
	g->staged = NULL;
}

void group_free(struct node *n, struct group *g)
{
	wait_fail(n, g);
	snap_fini(n, g);
	if (g->dirty)
		STAILQ_REMOVE(&n->dirty, g, group, dirty_next);
	HASH_DEL(n->groups, g);
	n->creating -= g->start != NULL;
	n->installs -= g->install_end > 0;
	free(g->start);
	drop_staged(g);
	glog_fini(&g->log);
	overlay_free(g->overlay);
	sweep_fini(g);
	held_fini(&g->held);
	index_set_fini(&g->indexes);
	feed_free(g->feed);
	free((void *)g->low.p);
	free((void *)g->high.p);
	free(g);
}

bool group_has_config(const struct px_config *c, uint32_t replica)
{
	for (uint32_t i = 0; i < c->n; i++)
		if (c->m[i].replica == replica)
			return true;
	return false;
}

uint64_t group_append(struct node *n, struct group *g, uint8_t kind, uint64_t ballot, uint64_t slot, struct bytes body)
{
	uint64_t position = wal_append(n->wal, kind, g->id, ballot, slot, body);

	g->last_end = wal_end(n->wal);
	return position;
}

void group_describe(const struct group *g, struct buf *out)
{
	struct buf config = { 0 };

	wire_config_to_entry(&config, &g->config, 0);
	msg_put_group_desc(out, &(struct msg_group_desc){
		.table = g->table, .schema = g->schema, .low = g->low, .high = g->high, .promised = g->px.promised,
		.committed = g->px.committed, .config_slot = g->config.slot, .config = buf_view(&config),
	}, MSG_VERSION);
	buf_fini(&config);
}

uint64_t group_timestamp(struct node *n, struct group *g)
{
	uint64_t wall = n->env.wall_us(n->env.ctx);

#ifdef MUTANT_NONDETERMINISTIC_APPLY
	(void)wall;
#endif
	return wall > g->clock ? wall : g->clock + 1;
}

/* --- values waiting for their slot -------------------------------------------------------------------------------- */

void group_stage(struct group *g, uint64_t slot, struct bytes entry, bool fresh)
{
	struct staged *s;

	if (g->staged == NULL)
		g->staged = mem_new(PX_WINDOW * sizeof *g->staged);
	s = &g->staged[slot % PX_WINDOW];
	free(s->entry);
	*s = (struct staged){ slot, mem_copy(entry.p, entry.n), (uint32_t)entry.n, fresh };
}

static void stage_noop(struct group *g, uint64_t slot)
{
	struct buf b = { 0 };

	entry_put_noop(&b, 0);                   /* stamped when it is logged */
	group_stage(g, slot, buf_view(&b), true);
	buf_fini(&b);
}

/* --- the overlay -------------------------------------------------------------------------------------------------- */

static void load_entry(struct node *n, struct group *g, uint64_t slot, const struct entry *e)
{
	struct bytes rest = e->rows;
	struct entry_row row;

	while (e->type == ENTRY_WRITE && entry_row_next(&rest, &row)) {
		struct overlay_version v = { slot, e->timestamp, row.flags & ENTRY_ROW_DELETE, row.image, row.lock };
		struct lock lock;
		enum own_kind own;
		uint64_t of;

		if (row.lock.n > 0 && lock_get(row.lock, &lock) && !lock.exists) {
			v.deleted = true;
			v.image = BYTES_NONE;
		}
		overlay_put(g->overlay, row.key, &v);
		tx_row(n, g, slot, &row);
		own = own_kind(row.key, &of);
		g->indexes_known &= own != OWN_INDEXES;
		if (own == OWN_OUTBOX && !v.deleted)
			feed_row(n, g, slot);
	}
}

void group_load(struct node *n, struct group *g, uint64_t from, uint64_t to)
{
	struct buf scratch = { 0 };

	for (uint64_t slot = from; slot <= to; slot++) {
		struct bytes raw;
		struct entry e;
		bool ok = wire_entry(n, g, slot, &scratch, &raw) && entry_get(raw, &e);

		assert(ok);
		load_entry(n, g, slot, &e);
	}
	buf_fini(&scratch);
}

/* --- indexes ------------------------------------------------------------------------------------------------------ */

static bool look_indexes(struct node *n, struct group *g, uint64_t upto, struct image *im)
{
	struct own_key key = own_indexes();

	return image_look(n, g, own_view(&key), upto, im) && im->found;
}

static void load_indexes(struct node *n, struct group *g)
{
	struct image im = { 0 };

	index_set_fini(&g->indexes);
	g->indexes = (struct index_set){ 0 };
	if (look_indexes(n, g, OVERLAY_NEWEST, &im) && !index_set_init(&g->indexes, im.item))
		log_err("group %llu: what it knows of its indexes is malformed", (unsigned long long)g->id);
	g->indexes_slot = im.slot;
	g->indexes_known = true;
	buf_fini(&im.row);
}

const struct index_set *group_indexes(struct node *n, struct group *g)
{
	if (!g->indexes_known)
		load_indexes(n, g);
	return &g->indexes;
}

uint64_t group_indexes_version(struct node *n, struct group *g)
{
	uint64_t version = group_indexes(n, g)->version;
	struct image im = { 0 };
	struct index_set chosen;

	if (g->indexes_slot <= g->chosen)
		return version;
	version = 0;
	if (look_indexes(n, g, g->chosen, &im) && index_set_init(&chosen, im.item)) {
		version = chosen.version;
		index_set_fini(&chosen);
	}
	buf_fini(&im.row);
	return version;
}

/* --- px's actions ------------------------------------------------------------------------------------------------- */

static void log_entry(struct node *n, struct group *g, uint64_t slot, uint64_t ballot, struct bytes raw)
{
	uint64_t position = group_append(n, g, SEG_ENTRY, ballot, slot, raw);
	struct entry e;
	bool ok = entry_get(raw, &e);

	assert(ok);
	glog_set(&g->log, slot, ballot, position, mem_copy(raw.p, raw.n), (uint32_t)raw.n);
	g->logged = slot;
	g->logged_origin = e.origin;
	if (e.timestamp > g->clock)
		g->clock = e.timestamp;
	/* A leader evaluates conditions on what it proposed; others see an entry when it is chosen. */
	if (g->px.state == PX_LEADER && slot == g->overlay_top + 1) {
		load_entry(n, g, slot, &e);
		g->overlay_top = slot;
	}
}

static uint64_t origin_of(struct node *n, struct group *g, uint64_t slot)
{
	struct buf scratch = { 0 };
	struct bytes raw;
	uint64_t origin;
	bool ok;

	if (slot == 0 || slot == g->submitted)
		return g->submitted_origin;
	if (slot == g->logged)
		return g->logged_origin;
	ok = wire_entry(n, g, slot, &scratch, &raw);
	assert(ok);                              /* the slot before one that we propose is chosen, or was logged just now */
	origin = wire_origin(raw);
	buf_fini(&scratch);
	return origin;
}

/*
 * Who proposed an inherited write made it knowing what stood before it.  If something else is there now, a leader between the two
 * did not see it, so it was not chosen and never will be: had a quorum accepted it, they would have accepted what stood before it
 * too.  Proposed again, it would be a write whose condition was true of a state that never was (Junqueira et al., "Zab", calls
 * what it would break primary order).  A configuration is safe: all before it is chosen when it is first logged.
 */
static void persist_own(struct node *n, struct group *g, uint64_t slot, uint64_t ballot)
{
	struct staged *s = g->staged != NULL ? &g->staged[slot % PX_WINDOW] : NULL;
	uint64_t before = origin_of(n, g, slot - 1);
	struct buf b = { 0 };
	struct entry e;
	bool ok, orphan;

	assert(s != NULL && s->entry != NULL && s->slot == slot);
	ok = entry_get((struct bytes){ s->entry, s->bytes }, &e);
	assert(ok);
	orphan = !s->fresh && e.before != before && e.type != ENTRY_CONFIG;
#ifdef MUTANT_KEEP_ORPHANS
	orphan = false;
#endif
	if (orphan || (s->fresh && e.type == ENTRY_NOOP))
		entry_put_noop(&b, group_timestamp(n, g));       /* behind that of the slot before, which may be new, too */
	else
		buf_put(&b, s->entry, s->bytes);
	if (s->fresh || orphan)
		entry_stamp(&b, ballot, before);
	log_entry(n, g, slot, ballot, buf_view(&b));
	buf_fini(&b);
	free(s->entry);
	s->entry = NULL;
}

static void persist_entries(struct node *n, struct group *g, const struct px_action *a, const struct inbound *in)
{
	for (uint64_t slot = a->first; slot <= a->last; slot++) {
		if (in != NULL && in->m.type == PX_ACCEPT)
			log_entry(n, g, slot, a->ballot, in->entry[slot - in->m.first]);
		else
			persist_own(n, g, slot, a->ballot);
	}
	node_expect(n, g->id, a->token, g->last_end);
}

static void learn(struct node *n, struct group *g, const struct px_action *a, const struct inbound *in)
{
	assert(in != NULL && in->m.type == PX_PROMISE);
	for (uint64_t slot = a->first; slot <= a->last; slot++)
		log_entry(n, g, slot, in->ballots[slot - in->m.first], in->entry[slot - in->m.first]);
	node_expect(n, g->id, a->token, g->last_end);
}

static void chosen(struct node *n, struct group *g, uint64_t last)
{
	if (last > g->overlay_top) {
		group_load(n, g, g->overlay_top + 1, last);
		g->overlay_top = last;
	}
	g->chosen = last;
	held_chosen(&g->held, last);
	if (g->apply_since == 0)
		g->apply_since = n->now;
	metrics_add(&n->metrics.chosen, 1);
	node_dirty(n, g);
	wait_run(n, g);
}

static void follow(struct node *n, struct group *g, const struct px_action *a)
{
	log_debug("group %llu: follows %u in ballot %llx", (unsigned long long)g->id, a->replica, (unsigned long long)a->ballot);
	if (g->overlay_top > g->chosen) {
		overlay_retract(g->overlay, g->chosen + 1);
		held_retract(&g->held, n->now);
		g->indexes_known = false;
		g->overlay_top = g->chosen;
	}
	wait_fail(n, g);
	drop_staged(g);
	beat_relist(n);
	n->env.changed(n->env.ctx, g->id);
	metrics_add(&n->metrics.stepdowns, 1);
}

static void configured(struct node *n, struct group *g, const struct px_config *c)
{
	g->config = *c;
	beat_members(n, c);
	n->env.changed(n->env.ctx, g->id);
	log_info("group %llu: configuration of slot %llu governs", (unsigned long long)g->id, (unsigned long long)c->slot);
}

static void act(struct node *n, struct group *g, const struct px_action *a, const struct inbound *in)
{
	switch (a->type) {
	case PX_DO_PERSIST_PROMISE:
		group_append(n, g, SEG_PROMISE, a->ballot, 0, BYTES_NONE);
		node_expect(n, g->id, a->token, g->last_end);
		break;
	case PX_DO_PERSIST_ENTRIES:
		persist_entries(n, g, a, in);
		break;
	case PX_DO_LEARN:
		learn(n, g, a, in);
		break;
	case PX_DO_SEND:
		wire_send(n, g, &a->msg, a->token > g->px.durable ? g->last_end : 0);
		break;
	case PX_DO_STAGE:
		group_stage(g, a->first, in->entry[a->first - in->m.first], false);
		break;
	case PX_DO_STAGE_NOOP:
		stage_noop(g, a->first);
		break;
	case PX_DO_CHOSEN:
		chosen(n, g, a->last);
		break;
	case PX_DO_FOLLOW:
		follow(n, g, a);
		break;
	case PX_DO_LEAD:
		log_info("group %llu: leads in ballot %llx", (unsigned long long)g->id, (unsigned long long)a->ballot);
		metrics_add(&n->metrics.elections, 1);
		/* Conditions see what was inherited, too. */
		group_load(n, g, g->overlay_top + 1, a->last);
		g->overlay_top = a->last;
		beat_relist(n);
		break;
	case PX_DO_READY:
		n->env.changed(n->env.ctx, g->id);
		break;
	case PX_DO_SNAPSHOT:
		if (g->px.state == PX_LEADER || g->px.state == PX_PREPARING)
			snap_start(n, g, a->replica);
		else
			snap_ask(n, g, a->replica);
		break;
	case PX_DO_CONFIG:
		configured(n, g, a->config);
		break;
	}
}

void group_act(struct node *n, struct group *g, const struct inbound *in)
{
	for (size_t i = 0; i < n->actions.n; i++)
		act(n, g, &n->actions.v[i], in);
	n->actions.n = 0;
	beat_moved(n, g);
	node_dirty(n, g);
}

uint64_t group_lagging(const struct group *g)
{
	uint64_t slot = UINT64_MAX;

	if (g->px.state != PX_LEADER)
		return slot;
	for (uint32_t i = 0; i < g->px.npeers; i++)
		if (g->px.peer[i].replica != g->px.self && g->px.peer[i].match + 1 < slot)
			slot = g->px.peer[i].match + 1;
	return slot;
}

enum px_verdict group_propose(struct node *n, struct group *g, struct bytes entry, const struct px_config *config, uint64_t *slot)
{
	enum px_verdict v = px_propose(&g->px, config, n->now, slot, &n->actions);

	if (v == PX_OK)
		group_stage(g, *slot, entry, true);
	group_act(n, g, NULL);
	return v;
}
