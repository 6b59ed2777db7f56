/* Source: DESIGN, D5 and D6: large batches sorted by key; applied slot and state hash change with the rows. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "core.h"
#include "item.h"
#include "mem.h"
#include "own.h"

#define APPLY_BYTES_MAX STORE_BATCH_BYTES
#define APPLY_SLOTS_MAX STORE_BATCH_ROWS
#define CACHE_BYTES_MAX (16u << 20)              /* of entries kept in memory for members that lag */

struct place {                                   /* where a row lies in the batch's memory, which moves while it grows */
	size_t key, key_n, row, row_n;
	uint64_t slot;
};

struct batch {
	struct store_batch *b;
	struct place *place;
	size_t n, cap;
};

static void add_row(struct node *n, struct batch *t, uint64_t slot, const struct entry *e, const struct entry_row *row)
{
	struct place *p;

	if (t->n == t->cap) {
		t->cap = t->cap > 0 ? 2 * t->cap : 64;
		t->place = mem_resize(t->place, t->cap * sizeof *t->place);
	}
	p = &t->place[t->n++];
	*p = (struct place){ .key = t->b->memory.n, .key_n = row->key.n, .slot = slot };
	buf_bytes(&t->b->memory, row->key);
	p->row = t->b->memory.n;
	if (!(row->flags & ENTRY_ROW_DELETE)) {
		struct item_head h = { .time_us = e->timestamp, .slot = slot, .lock = row->lock };

#ifdef MUTANT_NONDETERMINISTIC_APPLY
		h.time_us += n->self;
#endif
		item_head_put(&t->b->memory, &h);
		buf_bytes(&t->b->memory, row->image);
	} else if (e->timestamp > t->b->meta.deleted_clock && !own_is(row->key) && key_local(row->key) == 0) {
		t->b->meta.deleted_clock = e->timestamp;
	}
	p->row_n = t->b->memory.n - p->row;
	(void)n;
}

/* By key, the newest slot first. */
static int order(const void *pa, const void *pb, void *arg)
{
	const struct place *a = pa, *b = pb;
	const uint8_t *memory = arg;
	int c = bytes_cmp((struct bytes){ memory + a->key, a->key_n }, (struct bytes){ memory + b->key, b->key_n });

	return c != 0 ? c : a->slot > b->slot ? -1 : a->slot < b->slot;
}

static void finish_rows(struct batch *t)
{
	const uint8_t *m = t->b->memory.p;
	struct store_row *rows = mem_new(t->n * sizeof *rows);
	size_t n = 0;

	if (t->n > 0)
		qsort_r(t->place, t->n, sizeof *t->place, order, (void *)m);
	for (size_t i = 0; i < t->n; i++) {
		const struct place *p = &t->place[i];
		struct bytes key = { m + p->key, p->key_n };

		if (n > 0 && bytes_eq(rows[n - 1].key, key))
			continue;                        /* an older version of the same key */
		rows[n++] = (struct store_row){ key, { m + p->row, p->row_n } };
	}
	t->b->rows = rows;
	t->b->n = n;
	free(t->place);
}

static void fill(struct node *n, struct group *g, struct batch *t, uint64_t last)
{
	struct buf scratch = { 0 };

	for (uint64_t slot = g->submitted + 1; slot <= last && t->b->memory.n < APPLY_BYTES_MAX; slot++) {
		struct bytes raw, rest;
		struct entry_row row;
		struct entry e;
		bool ok = wire_entry(n, g, slot, &scratch, &raw) && entry_get(raw, &e);

		assert(ok);
		for (rest = e.rows; e.type == ENTRY_WRITE && entry_row_next(&rest, &row);)
			add_row(n, t, slot, &e, &row);
		if (e.type == ENTRY_CONFIG)
			wire_config_of_entry(raw, slot, &g->submitted_config);
		entry_hash_next(&g->hash, slot, raw);
		g->submitted = slot;
		g->submitted_clock = e.timestamp;
		g->submitted_origin = e.origin;
	}
	buf_fini(&scratch);
}

static void finish_meta(struct group *g, struct store_meta *m)
{
	struct buf config = { 0 };

	m->applied = g->submitted;
	m->clock = g->submitted_clock;
	m->hash = g->hash;
	m->config_slot = g->submitted_config.slot;
	wire_config_to_entry(&config, &g->submitted_config, 0);
	entry_stamp(&config, g->submitted_origin, 0);    /* where the log begins behind this slot, nothing else tells */
	assert(config.n <= sizeof m->config);
	memcpy(m->config, config.p, config.n);
	m->config_bytes = (uint32_t)config.n;
	buf_fini(&config);
}

/*
 * A chosen slot's own record may be on its way to the disk yet.  The store must not overtake it: a power cut could keep what was
 * applied and take the record, and the next one the other way round.
 */
static uint64_t durable_upto(const struct node *n, const struct group *g, uint64_t last)
{
	uint64_t durable = wal_durable(n->wal);

	for (uint64_t slot = g->submitted + 1; slot <= last; slot++)
		if (glog_at(&g->log, slot)->position >= durable)
			return slot - 1;
	return last;
}

void apply_run(struct node *n, struct group *g, bool now)
{
	struct batch t = { 0 };
	uint64_t last = g->chosen;

	if (g->applying || g->installing || g->submitted >= g->chosen)
		return;
	if (!now && last - g->submitted < n->opt.apply_rows && n->now < g->apply_since + n->opt.apply_delay_us)
		return;
	if (last > g->submitted + APPLY_SLOTS_MAX)
		last = g->submitted + APPLY_SLOTS_MAX;
	last = durable_upto(n, g, last);
	if (last == g->submitted)
		return;
	t.b = mem_new(sizeof *t.b);
	t.b->group = g->id;
	t.b->meta.deleted_clock = g->deleted_clock;
	fill(n, g, &t, last);
	assert(!t.b->memory.over);
	g->deleted_clock = t.b->meta.deleted_clock;
	finish_rows(&t);
	finish_meta(g, &t.b->meta);
	g->applying = true;
	g->applying_since = g->apply_since;
	g->apply_since = g->submitted < g->chosen ? n->now : 0;
	n->store.ops->apply(n->store.ctx, t.b);
}

void apply_done(struct node *n, struct group *g, const struct store_meta *meta)
{
	uint64_t lagging = group_lagging(g), forget = meta->applied;

	g->meta = *meta;
	g->applying = false;
	metrics_observe(&n->metrics.apply_lag_us, n->now - g->applying_since);
	overlay_applied(g->overlay, meta->applied);
	/* Members that lag a little are served from memory, others from the log. */
	if (lagging <= forget && g->log.cached < CACHE_BYTES_MAX)
		forget = lagging - 1;
	glog_forget(&g->log, forget);
	node_dirty(n, g);
}
