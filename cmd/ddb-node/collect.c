/*
 * Source: DESIGN, D1, and invariant 5: no log is collected before it is applied durably and unneeded by peers; a peer that
 * stays away longer than the watermark gets a snapshot instead of pinning the log.
 */
#include "core.h"
#include "log.h"

#define COLLECT_EVERY_US 500000u

/*
 * The log begins behind what surely survives a power cut: recovery passed over records, damaged ones perhaps, that only the
 * store's next checkpoint makes needless.
 */
static bool ahead(const struct group *g)
{
	return g->checkpointed + 1 < g->log.base;
}

static void checkpoint(struct node *n, struct group *g)
{
	if (g->checkpointing || g->checkpointed >= g->meta.applied)
		return;
	g->checkpointing = true;
	n->store.ops->checkpoint(n->store.ctx, g->id);
}

/* The lowest position that group g still needs, from its slots (not its description, which can be written again). */
static uint64_t needed(struct node *n, struct group *g, bool peers)
{
	uint64_t first = g->checkpointed + 1, lagging = group_lagging(g), keep = UINT64_MAX;

#ifdef MUTANT_COLLECT_BEFORE_CHECKPOINT
	first = g->meta.applied + 1;
#endif
	if (ahead(g))
		return 0;
	if (peers && lagging < first)
		first = lagging;
	for (uint64_t slot = first > g->log.base ? first : g->log.base; slot <= glog_top(&g->log); slot++) {
		const struct glog_slot *s = glog_at(&g->log, slot);

		if (s != NULL && s->position < keep)
			keep = s->position;
	}
	(void)n;
	return keep;
}

static uint64_t keep_position(struct node *n)
{
	bool peers = wal_bytes(n->wal) < n->opt.watermark_bytes;
	uint64_t keep = wal_end(n->wal);

	for (struct group *g = n->groups; g != NULL; g = g->hh.next) {
		uint64_t k = needed(n, g, peers);

		if (k < keep)
			keep = k;
		checkpoint(n, g);
	}
	return keep;
}

void collect_tick(struct node *n)
{
	struct buf b = { 0 };
	uint64_t keep;

	if (n->now < n->collect_at || n->collect_keep > 0)
		return;
	n->collect_at = n->now + COLLECT_EVERY_US;
	for (struct group *g = n->groups; g != NULL; g = g->hh.next)
		if (g->ready && ahead(g))
			checkpoint(n, g);
	if (wal_bytes(n->wal) < n->opt.collect_bytes)
		return;
	keep = keep_position(n);
	/* What only the old part of the log knows of a group is said again before that part goes. */
	for (struct group *g = n->groups; g != NULL; g = g->hh.next) {
		if (!g->ready || g->state_position >= keep)
			continue;
		buf_clear(&b);
		group_describe(g, &b);
		g->state_position = group_append(n, g, SEG_STATE, g->px.promised, g->chosen, buf_view(&b));
	}
	control_node_record(n, false);
	buf_fini(&b);
	n->collect_keep = keep;
	n->collect_after = wal_end(n->wal);
}

void collect_durable(struct node *n)
{
	uint64_t kept, before = wal_bytes(n->wal);

	if (n->collect_keep == 0 || wal_durable(n->wal) < n->collect_after)
		return;
	kept = wal_collect(n->wal, n->collect_keep);
	n->collect_keep = 0;
	metrics_add(&n->metrics.collected_bytes, before - wal_bytes(n->wal));
	for (struct group *g = n->groups; g != NULL; g = g->hh.next) {
		uint64_t base = g->log.base;

		while (base <= glog_top(&g->log) && base <= g->meta.applied) {
			const struct glog_slot *s = glog_at(&g->log, base);

			if (s != NULL && s->position >= kept)
				break;
			base++;
		}
		if (base == g->log.base)
			continue;
		glog_trim(&g->log, base);
		px_collected(&g->px, base);
	}
}
