#include "fill.h"

#include <assert.h>

#include "change.h"
#include "feed.h"
#include "log.h"
#include "merge.h"
#include "own.h"
#include "tx_impl.h"

struct progress {
	bool begun, done;
	uint64_t time;                           /* of the entry that says so */
	struct bytes last;                       /* in: */
	struct image im;
};

/* False: what stands there is malformed. */
static bool look(struct node *n, struct group *g, uint32_t index, uint64_t upto, struct progress *p)
{
	struct own_key key = own_fill(index);
	struct cur c;

	*p = (struct progress){ .begun = false };
	if (!image_look(n, g, own_view(&key), upto, &p->im))
		return false;
	if (!p->im.found)
		return true;
	c = cur_of(p->im.item);
	p->begun = true;
	p->time = p->im.time;
	p->last = cur_lenbytes(&c);
	p->done = cur_u8(&c) != 0;
	return cur_done(&c);
}

static void note(struct change *c, uint32_t index, struct bytes last, bool done)
{
	struct own_key key = own_fill(index);
	struct buf row = { 0 };

	buf_lenbytes(&row, last);
	buf_u8(&row, done);
	change_row(c, own_view(&key), buf_view(&row));
	buf_fini(&row);
}

static bool is_wanted(const struct index_set *set, uint64_t id)
{
	const struct index *x = index_set_of(set, (uint32_t)id);

	return x != NULL && !x->local && x->status == INDEX_CREATING;
}

/* The rows of indexes that are not being filled. */
static void clean(struct node *n, struct group *g, struct change *c)
{
	struct own_key from = own_fill(0), to = own_fill(FILL_IDS_MAX);
	struct merge m;
	uint64_t id;

	merge_open(&m, n, g, own_view(&from), false, OVERLAY_NEWEST);
	while (merge_next(&m) && bytes_cmp(m.key, own_view(&to)) <= 0)
		if (own_kind(m.key, &id) == OWN_FILL && !is_wanted(c->set, id))
			change_row(c, m.key, BYTES_NONE);
	merge_close(&m);
}

/* From the newest proposed images: what a write behind this entry replaces, the index knows, or has yet to hear, before it. */
static void slice(struct node *n, struct group *g, struct change *c, const struct index *x, const struct progress *p)
{
	struct buf from = { 0 }, last = { 0 }, row = { 0 };
	uint64_t upto = OVERLAY_NEWEST;
	size_t rows = 0, bytes = 0;
	bool done = false;
	struct merge m;

#ifdef MUTANT_FILL_FROM_STORE
	upto = 0;
#endif
	buf_bytes(&from, p->begun ? p->last : g->low);
	if (p->begun)
		buf_u8(&from, 0);                /* the next key there can be */
	buf_bytes(&last, p->last);
	merge_open(&m, n, g, buf_view(&from), false, upto);
	while (!done && rows < n->opt.fill_rows && bytes < n->opt.fill_bytes) {
		done = !merge_next(&m) || (g->high.n > 0 && bytes_cmp(m.key, g->high) >= 0);
		if (done)
			break;
		rows++;
		buf_clear(&last);
		buf_bytes(&last, m.key);
		if (key_is_own(m.key) || key_local(m.key) != 0)
			continue;
		bytes += m.item.n;
		buf_clear(&row);
		index_project(x, m.item, &row);
		change_move(c, x, m.key, buf_view(&row));
	}
	merge_close(&m);
#ifdef MUTANT_FILL_FORGETS
	done = true;
#endif
	if (m.bad) {
		log_err("group %llu: a stored row is malformed; index %u is not filled", (unsigned long long)g->id, x->id);
		g->fill.over = true;
	} else {
		note(c, x->id, buf_view(&last), done);
	}
	buf_fini(&from);
	buf_fini(&last);
	buf_fini(&row);
}

/* The first index that lacks something; NULL: none does. */
static const struct index *next(struct node *n, struct group *g, const struct index_set *set, struct progress *p)
{
	for (size_t i = 0; i < set->n; i++) {
		const struct index *x = &set->v[i];
		bool ok;

		if (x->local || x->status != INDEX_CREATING)
			continue;
		ok = look(n, g, x->id, OVERLAY_NEWEST, p);
		if (!ok)
			log_err("group %llu: how far index %u is filled is malformed", (unsigned long long)g->id, x->id);
		else if (!p->done)
			return x;
		buf_fini(&p->im.row);
		*p = (struct progress){ .begun = false };
	}
	return NULL;
}

static void fill(struct node *n, struct group *g)
{
	struct progress p = { .begun = false };
	const struct index *x;
	struct change c;
	uint64_t slot;

	g->fill.at = n->now;
	change_begin(&c, n, g);
	clean(n, g, &c);
	x = next(n, g, c.set, &p);
	if (p.begun && !feed_knows(n, g, p.time))
		g->fill.time = p.time;           /* of a leader before us */
	else if (x != NULL)
		slice(n, g, &c, x, &p);
	if (!g->fill.over && change_any(&c)) {
		assert(!change_over(&c));
		if (change_propose(&c, 0, &slot) == PX_OK && x != NULL)
			g->fill.time = c.timestamp;
	} else if (x == NULL) {
		g->fill.over = true;
	}
	change_fini(&c);
	buf_fini(&p.im.row);
}

static bool is_due(struct node *n, struct group *g)
{
	const struct index_set *set;

	if (!tx_leads(g))
		return false;
	set = group_indexes(n, g);
	if (g->fill.ballot != g->px.ballot || g->fill.version != set->version)
		g->fill = (struct fill){ .ballot = g->px.ballot, .version = set->version, .over = set->version == 0 };
	return !g->fill.over && feed_knows(n, g, g->fill.time) && px_may_serve(&g->px, n->now) && exec_write_room(n, g) == RESULT_OK;
}

void fill_tick(struct node *n)
{
	struct group *due = NULL;

	for (struct group *g = n->groups; g != NULL; g = g->hh.next)
		if (is_due(n, g) && (due == NULL || g->fill.at < due->fill.at))
			due = g;
	if (due != NULL)
		fill(n, due);
}

void fill_filled(struct node *n, struct group *g, struct buf *ids)
{
	const struct index_set *set = group_indexes(n, g);

	for (size_t i = 0; i < set->n; i++) {
		const struct index *x = &set->v[i];
		struct progress p = { .begun = false };

		if (x->local)
			continue;
		if (x->status != INDEX_CREATING ||
		    (look(n, g, x->id, g->chosen, &p) && p.done && feed_knows(n, g, p.time)))
			buf_u32(ids, x->id);
		buf_fini(&p.im.row);
	}
}
