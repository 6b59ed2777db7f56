/*
 * Items whose time to live is over go, as a write like any other.  Source: the developer guide, "Using time to live
 * (TTL) in DynamoDB": an item has expired once its attribute, a Number of seconds since 1970, is not in the future; one
 * of more than five years ago is taken for a mistake and stays.
 */
#include <stdlib.h>

#include "change.h"
#include "feed.h"
#include "item.h"
#include "own.h"

#define ENTRY_KEYS_MAX 25                        /* in one entry: a slice stops there */
#define AGE_S_MAX (5 * 365 * 86400ull)

void sweep_set(struct group *g, struct bytes attribute)
{
	struct bytes old = g->ttl;

	if (bytes_eq(attribute, old))
		return;
	g->ttl = bytes_copy(attribute);
	free((void *)old.p);
	buf_clear(&g->sweep_from);
	g->sweep_at = 0;
}

void sweep_fini(struct group *g)
{
	free((void *)g->ttl.p);
	buf_fini(&g->sweep_from);
}

static bool is_over(const struct group *g, struct bytes item, uint64_t now_s)
{
	struct num end, now = num_of_u64(now_s), oldest = num_of_u64(now_s > AGE_S_MAX ? now_s - AGE_S_MAX : 0);
	struct value v;

	return item_get(item, g->ttl, &v) && item_value_num(v, &end) && num_cmp(&end, &now) <= 0 &&
	       num_cmp(&end, &oldest) > 0;
}

/* What the store has may be outdated: the newest proposed image decides, as of any write (DESIGN, D5). */
static bool has_expired(const struct group *g, struct bytes key, struct bytes row, uint64_t now_s)
{
	struct cur c = cur_of(row);
	struct overlay_version v;
	struct item_head h;

	if (own_is(key) || !item_head_get(&c, &h) || !is_over(g, cur_rest(&c), now_s) || key_local(key) > 0)
		return false;
	if (held_has(&g->held, key))
		return false;                            /* a transaction may hold it: the next pass will see */
#ifdef MUTANT_SWEEP_WHAT_IS_STORED
	return true;
#endif
	return !overlay_get(g->overlay, key, OVERLAY_NEWEST, &v) || (!v.deleted && is_over(g, v.image, now_s));
}

struct slice {
	struct buf keys, last;                   /* of what has expired; the last key looked at */
	uint32_t n;
	bool end;                                /* of the pass */
};

static void look(struct node *n, const struct group *g, struct slice *s)
{
	struct bytes from = g->sweep_from.n > 0 ? buf_view(&g->sweep_from) : g->low, key, row;
	struct store_cursor *c = n->store.ops->seek(n->store.ctx, g->id, from, false);
	uint64_t now_s = n->env.wall_us(n->env.ctx) / 1000000;
	size_t rows = 0, bytes = 0;

	while (s->n < ENTRY_KEYS_MAX && rows < n->opt.sweep_rows && bytes < n->opt.sweep_bytes) {
		s->end = c == NULL || !n->store.ops->next(c, &key, &row) ||
			 (g->high.n > 0 && bytes_cmp(key, g->high) >= 0);
		if (s->end)
			break;
		rows++;
		bytes += row.n;
		buf_clear(&s->last);
		buf_bytes(&s->last, key);
		if (has_expired(g, key, row, now_s)) {
			buf_lenbytes(&s->keys, key);
			s->n++;
		}
	}
	if (c != NULL)
		n->store.ops->close(c);
}

/* Indexes must know what they lose; without them nobody looks. */
static bool add(struct change *c, struct bytes key)
{
	struct change_item item = { .key = key, .expired = true };
	struct image im = { 0 };
	bool ok = c->set->n == 0 || image_look(c->n, c->g, key, OVERLAY_NEWEST, &im);

	if (ok && im.found)
		item.old = im.item;
#ifdef MUTANT_SWEEP_LEAVES_INDEXES
	item.old = BYTES_NONE;
#endif
	if (ok)
		change_item(c, &item);
	buf_fini(&im.row);
	return ok;
}

static bool expire(struct node *n, struct group *g, const struct slice *s)
{
	struct cur keys = cur_of(buf_view(&s->keys));
	struct change c;
	uint64_t slot;
	bool ok = true;

	change_begin(&c, n, g);
	c.apart = true;
	for (uint32_t i = 0; i < s->n && ok; i++)
		ok = add(&c, cur_lenbytes(&keys));
	ok = ok && !change_over(&c) && change_propose(&c, 0, &slot) == PX_OK;
	change_fini(&c);
	if (ok)
		metrics_add(&n->metrics.expired, s->n);
	return ok;
}

/* A slice that could not be proposed is looked at again. */
static void sweep(struct node *n, struct group *g)
{
	struct slice s = { .n = 0 };

	if (g->sweep_from.n == 0)
		g->sweep_began = n->now;
	g->sweep_at = n->now;
	look(n, g, &s);
	if (s.n == 0 || expire(n, g, &s)) {
		buf_clear(&g->sweep_from);
		if (s.end) {
			g->sweep_at = g->sweep_began + n->opt.sweep_us;
		} else {
			buf_bytes(&g->sweep_from, buf_view(&s.last));
			buf_u8(&g->sweep_from, 0);               /* the next key there can be */
		}
	}
	buf_fini(&s.keys);
	buf_fini(&s.last);
}

static bool may_sweep(struct node *n, struct group *g)
{
	return g->ready && px_may_serve(&g->px, n->now) && overlay_bytes(g->overlay) <= n->opt.overlay_bytes_max &&
	       !feed_behind(n, g);
}

void sweep_tick(struct node *n)
{
	struct group *due = NULL;

	if (n->stopping > 0 || wal_full(n->wal))
		return;
	for (struct group *g = n->groups; g != NULL; g = g->hh.next)
		if (g->ttl.n > 0 && g->sweep_at <= n->now && (due == NULL || g->sweep_at < due->sweep_at) &&
		    may_sweep(n, g))
			due = g;
	if (due != NULL)
		sweep(n, due);
}
