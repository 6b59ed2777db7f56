/*
 * From log and stores to groups, after any kind of stop.
 * Source: ddb-wal(5); DESIGN, D1 and D3.  Stores first (what is applied and survived), then the log in order.
 */
#include <stdlib.h>
#include <string.h>

#include "core.h"
#include "log.h"
#include "mem.h"

struct applied {                                 /* a store found at start */
	UT_hash_handle hh;
	uint64_t group;
	struct store_meta meta;
};

/* A group as the log tells it, before px is set up. */
struct found {
	UT_hash_handle hh;
	uint64_t id;
	struct group *g;
	uint64_t promised, committed;
	uint64_t unknown_first, unknown_last;
	bool described;
	bool damaged;                            /* its description or promise was in a damaged record */
};

struct recovery {
	struct node *n;
	struct applied *applied;
	struct found *found;
	bool clean, failed;
	bool foreign;                            /* a sound record that this program cannot read */
	uint64_t granted_until;
	bool same_boot;
};

static void found_store(void *arg, uint64_t group, const struct store_meta *meta)
{
	struct recovery *r = arg;
	struct applied *a = mem_new(sizeof *a);

	a->group = group;
	a->meta = *meta;
	HASH_ADD(hh, r->applied, group, sizeof a->group, a);
}

static struct found *find(struct recovery *r, uint64_t id)
{
	struct found *f;

	HASH_FIND(hh, r->found, &id, sizeof id, f);
	return f;
}

/* Collection says a group's description again at the end of the log: its older records then come first. */
static struct found *meet(struct recovery *r, uint64_t id)
{
	struct found *f = find(r, id);

	if (f != NULL)
		return f;
	f = mem_new(sizeof *f);
	f->id = id;
	f->g = group_new(r->n, id, 0, 0, BYTES_NONE, BYTES_NONE);
	f->unknown_first = 1;
	HASH_ADD(hh, r->found, id, sizeof f->id, f);
	return f;
}

static void describe(struct found *f, const struct msg_group_desc *d)
{
	struct group *g = f->g;

	if (f->described)
		return;
	f->described = true;
	g->table = d->table;
	g->schema = d->schema;
	free((void *)g->low.p);
	free((void *)g->high.p);
	g->low = bytes_copy(d->low);
	g->high = bytes_copy(d->high);
}

static void forget(struct recovery *r, struct found *f)
{
	HASH_DEL(r->found, f);
	group_free(r->n, f->g);
	free(f);
}

/* A snapshot of `slot` was about to be installed; if it was, what the log has up to there does not count. */
static void replaced(struct recovery *r, struct found *f, uint64_t slot)
{
	struct glog *l = &f->g->log;
	struct applied *a;

	HASH_FIND(hh, r->applied, &f->id, sizeof f->id, a);
	if (a == NULL || a->meta.applied < slot)
		return;
	if (glog_top(l) <= slot)
		glog_reset(l, slot + 1);
	else
		glog_trim(l, slot + 1);
}

static void described(struct recovery *r, const struct wal_record *rec)
{
	struct found *f = find(r, rec->group);
	struct msg_group_desc d;
	struct px_config c;

	if (rec->damaged || !msg_get_group_desc(rec->body, &d, MSG_VERSION) ||
	    !wire_config_of_entry(d.config, d.config_slot, &c)) {
		if (!rec->damaged)
			r->foreign = true;
		else if (f != NULL)
			f->damaged = true;
		else
			r->failed = true;                /* a group of which nothing is left */
		return;
	}
	f = meet(r, rec->group);
	describe(f, &d);
	if (d.promised > f->promised)
		f->promised = d.promised;
	if (d.committed > f->committed)
		f->committed = d.committed;
	if (c.slot >= f->g->config.slot)
		f->g->config = c;
	f->g->state_position = rec->position;
	f->damaged = false;
	if (rec->kind == SEG_INSTALLED)
		replaced(r, f, rec->slot);
}

static void accepted(struct recovery *r, struct found *f, const struct wal_record *rec)
{
	struct group *g = f->g;
	struct applied *a;
	struct entry e;
	uint8_t *copy = NULL;

	if (rec->ballot > f->promised)
		f->promised = rec->ballot;
	HASH_FIND(hh, r->applied, &g->id, sizeof g->id, a);
	if (rec->slot < g->log.base) {
		if (rec->slot == 0 || (a != NULL && rec->slot <= a->meta.applied))
			return;
		/* Accepted again in a later ballot; the first record, before that of the next slot, is collected. */
		if (g->log.n > 0)
			glog_lower(&g->log, rec->slot);
		else
			glog_reset(&g->log, rec->slot);
	}
	/* The first record of a collected log says where the log begins. */
	if (g->log.n == 0 && rec->slot > g->log.base)
		glog_reset(&g->log, rec->slot);
	if (rec->damaged || !entry_get(rec->body, &e)) {
		r->foreign |= !rec->damaged;
		glog_set(&g->log, rec->slot, rec->ballot, rec->position, NULL, 0);
		glog_at(&g->log, rec->slot)->damaged = true;
		return;
	}
	if (a == NULL || rec->slot > a->meta.applied)
		copy = mem_copy(rec->body.p, rec->body.n);
	glog_set(&g->log, rec->slot, rec->ballot, rec->position, copy, (uint32_t)rec->body.n);
	if (e.timestamp > g->clock)
		g->clock = e.timestamp;
}

static void node_record(struct recovery *r, const struct wal_record *rec)
{
	struct msg_node_desc d;

	r->clean = false;
	if (rec->damaged || !msg_get_node_desc(rec->body, &d, MSG_VERSION)) {
		r->foreign |= !rec->damaged;
		return;
	}
	if (d.epoch > r->n->epoch)
		r->n->epoch = d.epoch;
	r->clean = d.clean;
	r->granted_until = d.granted_until;
	r->same_boot = d.boot_id.n > 0 && bytes_is(d.boot_id, r->n->opt.boot_id);
}

static void visit(void *arg, const struct wal_record *rec)
{
	struct recovery *r = arg;
	struct found *f = find(r, rec->group);

	if (f == NULL && (rec->kind == SEG_ENTRY || rec->kind == SEG_PROMISE || rec->kind == SEG_CHOSEN))
		f = meet(r, rec->group);
	if (rec->kind != SEG_NODE && rec->kind != SEG_PAD)
		r->clean = false;                        /* the clean mark is the last record, or it is none */
	switch (rec->kind) {
	case SEG_GROUP:
	case SEG_STATE:
	case SEG_INSTALLED:
		described(r, rec);
		break;
	case SEG_ENTRY:
		accepted(r, f, rec);
		break;
	case SEG_PROMISE:
		if (rec->ballot > f->promised)
			f->promised = rec->ballot;
		break;
	case SEG_CHOSEN:
		if (rec->slot > f->committed)
			f->committed = rec->slot;
		break;
	case SEG_DROPPED:
		if (f != NULL)
			forget(r, f);
		break;
	case SEG_NODE:
		node_record(r, rec);
		break;
	}
}

/* --- after the log was read --------------------------------------------------------------------------------------- */

static void adopt_store(struct recovery *r, struct found *f, const struct store_meta *m)
{
	struct group *g = f->g;
	struct px_config c;

	(void)r;
	g->meta = *m;
	g->checkpointed = 0;                     /* what a process before us applied may not have reached the disk */
	g->submitted = m->applied;
	g->submitted_clock = m->clock;
	g->submitted_origin = wire_origin((struct bytes){ m->config, m->config_bytes });
	g->hash = m->hash;
	g->deleted_clock = m->deleted_clock;
	if (m->clock > g->clock)
		g->clock = m->clock;
	if (m->applied > f->committed)
		f->committed = m->applied;
	if (wire_config_of_entry((struct bytes){ m->config, m->config_bytes }, m->config_slot, &c)) {
		g->submitted_config = c;
		if (c.slot >= g->config.slot)
			g->config = c;
	}
	if (glog_top(&g->log) < m->applied)
		glog_reset(&g->log, m->applied + 1);
}

/*
 * What is damaged or missing among the applied slots needs no repair, but the log then begins behind it: a promise that passes
 * over it would tell a candidate that nothing was accepted there.
 */
static void pass_applied(struct group *g)
{
	uint64_t top = glog_top(&g->log);

	for (uint64_t s = g->submitted < top ? g->submitted : top; s >= g->log.base; s--) {
		const struct glog_slot *at = glog_at(&g->log, s);

		if (at == NULL || at->damaged) {
			glog_trim(&g->log, s + 1);
			break;
		}
	}
}

/* What was accepted last is in a damaged record.  A later one of the slot, in the same ballot or a higher one, makes it known again. */
static void find_unknown(struct found *f)
{
	const struct glog *l = &f->g->log;

	for (uint64_t s = l->base; s <= glog_top(l); s++) {
		const struct glog_slot *at = glog_at(l, s);

		if (at == NULL || !at->damaged)
			continue;
		if (f->unknown_first > f->unknown_last)
			f->unknown_first = s;
		f->unknown_last = s;
	}
}

/* What is chosen must be readable: committed is a hint, cut where the log has a hole or a damaged record. */
static void settle_committed(struct found *f)
{
	struct group *g = f->g;
	uint64_t top = glog_top(&g->log);

	if (f->committed > top)
		f->committed = top;
	for (uint64_t s = g->submitted + 1; s <= f->committed; s++) {
		const struct glog_slot *at = glog_at(&g->log, s);

		if (at == NULL || at->damaged) {
			f->committed = s - 1;
			break;
		}
	}
	if (f->committed < g->submitted)
		f->committed = g->submitted;
	while (f->unknown_first <= f->unknown_last && f->unknown_first <= f->committed)
		f->unknown_first++;
}

static void configs(struct node *n, struct found *f, struct px_start *start)
{
	struct group *g = f->g;
	struct buf scratch = { 0 };
	uint64_t ballot = 0;

	start->config[0] = g->config;
	start->nconfig = 1;
	for (uint64_t s = g->log.base; s <= glog_top(&g->log); s++) {
		const struct glog_slot *at = glog_at(&g->log, s);
		struct px_config c;
		struct bytes raw;

		start->config_passed |= start->nconfig == 2 && at != NULL && at->ballot >= ballot;
		if (s <= g->config.slot || !wire_entry(n, g, s, &scratch, &raw) || !wire_config_of_entry(raw, s, &c))
			continue;
		if (s <= f->committed) {
			start->config[0] = c;
			g->config = c;
		} else {
			if (start->nconfig == 2)
				start->config[0] = g->config = start->config[1];
			start->config[1] = c;
			start->nconfig = 2;
			start->config_passed = false;
			ballot = at->ballot;
		}
		beat_members(n, &c);
	}
	buf_fini(&scratch);
}

static void start_group(struct recovery *r, struct found *f)
{
	struct node *n = r->n;
	struct group *g = f->g;
	struct px_start start = { .self = n->self, .silent_until = n->silent_until, .unknown_first = 1 };
	struct applied *a;

	HASH_FIND(hh, r->applied, &g->id, sizeof g->id, a);
	g->submitted_config = g->config;
	if (a != NULL)
		adopt_store(r, f, &a->meta);
	pass_applied(g);
	find_unknown(f);
	settle_committed(f);
	configs(n, f, &start);
	start.promised = f->promised;
	start.committed = f->committed;
	start.base = g->log.base;
	start.top = glog_top(&g->log);
	if (f->unknown_first <= f->unknown_last) {
		start.unknown_first = f->unknown_first;
		start.unknown_last = f->unknown_last;
		log_warn("group %llu: log records of slots %llu..%llu are damaged; fetching them from the other replicas",
			 (unsigned long long)g->id, (unsigned long long)f->unknown_first, (unsigned long long)f->unknown_last);
	}
	for (uint32_t i = 0; i < start.config[0].n; i++)
		if (start.config[0].m[i].replica == n->self)
			start.role = start.config[0].m[i].role;
	if (start.role == 0)
		start.role = PX_STORAGE;
	beat_members(n, &start.config[0]);
	g->chosen = f->committed;
	g->overlay_top = f->committed;
	tx_stored(n, g);
	group_load(n, g, g->submitted + 1, f->committed);
	g->apply_since = f->committed > g->submitted ? n->now : 0;
	g->ready = true;
	px_init(&g->px, &n->px_options, &n->leases, &start, n->now, &n->actions);
	group_act(n, g, NULL);
	n->env.changed(n->env.ctx, g->id);
}

/*
 * Log and store together must hold everything that was ever accepted here.  If a store has vanished, or is older than what the log was
 * collected behind, the replica has forgotten votes: as if its disk was wiped.
 */
static bool gap(struct recovery *r, const struct found *f)
{
	const struct glog *l = &f->g->log;
	const struct applied *a;
	uint64_t applied;

	HASH_FIND(hh, r->applied, &f->id, sizeof f->id, a);
	applied = a != NULL ? a->meta.applied : 0;
	if (f->committed > applied && f->committed > glog_top(l))
		return true;
	return l->n > 0 && l->base > applied + 1;
}

static void silence(struct recovery *r)
{
	struct node *n = r->n;
	uint64_t lease = n->opt.lease_us + n->opt.lease_us * n->opt.drift_permille / 1000;

	if (HASH_COUNT(r->found) == 0)
		n->silent_until = 0;
	else if (r->clean && r->same_boot)
		n->silent_until = r->granted_until;      /* at a clean stop we knew what we had granted */
	else
		n->silent_until = n->now + lease;
	if (n->silent_until > n->now + lease)
		n->silent_until = n->now + lease;
}

static void clear(struct recovery *r)
{
	struct found *f, *fnext;
	struct applied *a, *anext;

	HASH_ITER(hh, r->found, f, fnext) {
		HASH_DEL(r->found, f);
		free(f);
	}
	HASH_ITER(hh, r->applied, a, anext) {
		struct group *g = node_find(r->n, a->group);

		if (g == NULL)
			r->n->store.ops->drop(r->n->store.ctx, a->group);  /* dropped just before the stop */
		HASH_DEL(r->applied, a);
		free(a);
	}
}

/* What is left in the log of groups that were dropped. */
static void forget_undescribed(struct recovery *r)
{
	struct found *f, *next;

	HASH_ITER(hh, r->found, f, next)
		if (!f->described && !f->damaged)
			forget(r, f);
}

bool recover_run(struct node *n, const struct wal_io *io, const struct wal_options *options, bool *lost)
{
	struct recovery r = { .n = n };
	enum wal_verdict verdict;

	if (n->store.ops->scan_all(n->store.ctx, found_store, &r) < 0)
		return false;
	n->wal = wal_open(io, options, visit, &r, &verdict);
	forget_undescribed(&r);
	if (n->wal != NULL && r.foreign) {
		/* Sound, so nothing is lost: what reads it must come back. */
		log_err("the log holds records that this program cannot read: another version wrote them");
		wal_free(n->wal);
		n->wal = NULL;
	}
	/* A log that could not be read to its end proves nothing. */
	*lost = n->wal != NULL && (verdict == WAL_LOST || r.failed);
	for (struct found *f = n->wal != NULL ? r.found : NULL; f != NULL; f = f->hh.next) {
		if (gap(&r, f)) {
			log_err("group %llu: its store does not reach what is left of its log", (unsigned long long)f->id);
			*lost = true;
		}
		*lost |= f->damaged;
	}
	if (n->wal != NULL && !*lost) {
		silence(&r);
		for (struct found *f = r.found; f != NULL; f = f->hh.next)
			start_group(&r, f);
	}
	if (n->wal == NULL || *lost)
		while (r.found != NULL)
			forget(&r, r.found);
	else
		clear(&r);
	while (r.applied != NULL) {
		struct applied *a = r.applied;

		HASH_DEL(r.applied, a);
		free(a);
	}
	return n->wal != NULL;
}
