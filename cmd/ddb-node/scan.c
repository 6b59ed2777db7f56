/* Source: DESIGN, D5 and Indexes.  Pages see what is chosen. */
#include "expr_eval.h"
#include "item.h"
#include "merge.h"
#include "own.h"

#define SCAN_ITEMS_MAX 100000u                   /* rows looked at by one page, whatever was asked */
#define SCAN_BYTES_MAX (1u << 20)                /* of items, as the API counts */
#define SCAN_PAUSE 4000u                         /* rows passed in a page that wants none of them: others wait, too */
#define SCAN_STEPS 8u                            /* rows that are passed one by one, before it is cheaper to look where they end */
#define UNIT_BYTES 4096u

/* --- which rows --------------------------------------------------------------------------------------------------- */

struct scanning {
	struct node *n;
	struct group *g;
	struct msg_scan m;
	const struct index_set *set;
	const struct index *index;               /* NULL: items are meant */
	struct merge merge;
	struct msg_page page;
	struct buf last, items, projected, target, scratch, paused;
	struct image base;                       /* of the item behind an index's row */
	uint64_t fetched_bytes;
	unsigned passed;                         /* rows that were not wanted, since the last one that was, or was looked for */
	unsigned passed_all;
	bool bad;
};

static unsigned local_of(const struct scanning *s, struct bytes key)
{
	return s->set->locals > 0 ? key_local(key) : 0;
}

/*
 * A collection is its items, then its rows of each local index by id: from one that is not wanted, where the next begins that may be.
 * False: nothing is there.
 */
static bool find_next(struct scanning *s, struct bytes key, struct buf *out)
{
	struct bytes collection = { key.p, key_partition_n(key) };
	unsigned local = local_of(s, key), wanted = s->m.index;
	bool before = local < wanted;
	struct buf *b = &s->scratch;

	buf_clear(out);
	if (before == s->m.reverse) {                    /* behind it, as we go, comes another collection */
		if (!s->m.reverse)
			return key_after(out, collection);
		buf_bytes(out, collection);              /* which is no key itself: the table's items have sort keys */
		return true;
	}
	buf_clear(b);
	buf_bytes(b, collection);
	buf_u8(b, (uint8_t)(KEY_LOCAL | wanted));
	if (s->m.reverse && wanted > 0)
		return key_after(out, buf_view(b));
	buf_bytes(out, buf_view(b));
	return true;
}

/* Key's row is not wanted.  False: nor is any behind it, or there have been too many of these. */
static bool pass(struct scanning *s, struct bytes key)
{
	if (++s->passed_all > SCAN_PAUSE && s->m.index > 0) {
		buf_bytes(&s->paused, key);
		s->page.paused = buf_view(&s->paused);
		return false;
	}
	if (own_is(key) || ++s->passed < SCAN_STEPS || key_partition_n(key) == 0)
		return true;
	s->passed = 0;
	if (!find_next(s, key, &s->target))
		return false;
	merge_close(&s->merge);
	merge_open(&s->merge, s->n, s->g, buf_view(&s->target), s->m.reverse, s->g->chosen);
	return true;
}

static bool past_end(const struct msg_scan *m, const struct group *g, struct bytes key)
{
	if (m->reverse)
		return bytes_cmp(key, g->low) < 0 || (m->to.n > 0 && bytes_cmp(key, m->to) < 0);
	return (g->high.n > 0 && bytes_cmp(key, g->high) >= 0) || (m->to.n > 0 && bytes_cmp(key, m->to) >= 0);
}

/* --- a page ------------------------------------------------------------------------------------------------------- */

/* The item behind an index's row: they change together, so it is there. */
static bool fetch(struct scanning *s, struct bytes key, struct bytes *item)
{
	size_t bytes;

	buf_clear(&s->scratch);
	if (!index_base_key(s->index, key, &s->scratch) ||
	    !image_look(s->n, s->g, buf_view(&s->scratch), s->g->chosen, &s->base) || !s->base.found)
		return false;
	*item = s->base.item;
	bytes = item_size(*item);
	s->fetched_bytes += bytes;
	s->page.fetched_units += (bytes + UNIT_BYTES - 1) / UNIT_BYTES;
	return true;
}

static bool take(struct scanning *s, struct bytes key, struct bytes item)
{
	const struct msg_scan *m = &s->m;

	s->page.scanned++;
	s->page.read_bytes += item_size(item);
	if (m->fetch && !fetch(s, key, &item))
		return false;
	if (m->filter.n > 0 && expr_eval_condition(m->filter, item) != EXPR_TRUE)
		return true;
	s->page.count++;
	if (m->count_only)
		return true;
	if (m->projection.n > 0) {
		buf_clear(&s->projected);
		expr_eval_projection(m->projection, item, &s->projected);
		item = buf_view(&s->projected);
	}
	buf_lenbytes(&s->items, item);
	return true;
}

static bool is_full(const struct scanning *s)
{
	const struct msg_scan *m = &s->m;
	uint32_t limit = m->limit > 0 && m->limit < SCAN_ITEMS_MAX ? m->limit : SCAN_ITEMS_MAX;
	uint32_t bytes_max = m->bytes_max > 0 && m->bytes_max < SCAN_BYTES_MAX ? m->bytes_max : SCAN_BYTES_MAX;

	return s->page.scanned == limit || s->page.read_bytes + s->fetched_bytes >= bytes_max;
}

static void walk(struct scanning *s)
{
	while (merge_next(&s->merge)) {
		struct bytes k = s->merge.key;

		if (past_end(&s->m, s->g, k))
			break;
		if (own_is(k) || local_of(s, k) != s->m.index) {
			if (!pass(s, k))
				break;
			continue;
		}
		s->passed = 0;
		if (s->m.from_exclusive && bytes_eq(k, s->m.from))
			continue;
		if (is_full(s)) {
			s->page.more = 1;
			break;
		}
		s->bad = !take(s, k, s->merge.item);
		if (s->bad)
			break;
		buf_clear(&s->last);
		buf_bytes(&s->last, k);
	}
	s->bad |= s->merge.bad;
}

static void scan_rows(struct scanning *s)
{
	struct bytes from = s->m.from;

	if (!s->m.reverse && bytes_cmp(from, s->g->low) < 0)
		from = s->g->low;
	if (s->m.reverse && from.n == 0)
		from = s->g->high;                       /* keys equal to high are not here, so this is the last one below */
	merge_open(&s->merge, s->n, s->g, from, s->m.reverse, s->g->chosen);
	walk(s);
	merge_close(&s->merge);
	s->page.last_key = buf_view(&s->last);
	s->page.items = buf_view(&s->items);
}

static void answer(struct scanning *s, uint64_t conn, uint64_t rid)
{
	struct buf out = { 0 };

	msg_put_page(&out, &s->page, MSG_VERSION);
	/* Read the state, then check the lease, then reply. */
	if (!s->m.consistent || px_may_serve(&s->g->px, s->n->now))
		s->n->env.answer(s->n->env.ctx, conn, rid, MSG_page, buf_view(&out));
	else
		wait_add(s->n, s->g, WAIT_CHECK, 0, conn, rid, MSG_page, buf_view(&out));
	buf_fini(&out);
}

static void fini(struct scanning *s)
{
	buf_fini(&s->last);
	buf_fini(&s->items);
	buf_fini(&s->projected);
	buf_fini(&s->target);
	buf_fini(&s->scratch);
	buf_fini(&s->paused);
	buf_fini(&s->base.row);
}

/* No row of an index that is not known here is here, either. */
void scan_run(struct node *n, uint64_t conn, uint64_t rid, struct bytes body)
{
	struct scanning s = { .n = n, .page = { .result = RESULT_OK } };
	struct msg_scan *m = &s.m;

	if (!msg_get_scan(body, m, MSG_VERSION) || (m->filter.n > 0 && !expr_check(m->filter, EXPR_KIND_CONDITION)) ||
	    (m->projection.n > 0 && !expr_check(m->projection, EXPR_KIND_PROJECTION)) || (m->fetch && m->index == 0)) {
		wait_refuse(n, NULL, conn, rid, MSG_page, RESULT_INTERNAL, "malformed request");
		return;
	}
	s.g = exec_route(n, conn, rid, MSG_page, m->group, m->table, m->schema);
	if (s.g == NULL)
		return;
	if (m->consistent && !(s.g->px.state == PX_LEADER && s.g->px.ready)) {
		wait_refuse(n, s.g, conn, rid, MSG_page, RESULT_NOT_LEADER, NULL);
		return;
	}
	metrics_add(&n->metrics.scans, 1);
	s.set = group_indexes(n, s.g);
	s.index = m->index > 0 ? index_set_of(s.set, m->index) : NULL;
	if (m->index == 0 || (s.index != NULL && s.index->local))
		scan_rows(&s);
	if (s.bad)
		wait_refuse(n, s.g, conn, rid, MSG_page, RESULT_INTERNAL, "a stored row is malformed");
	else
		answer(&s, conn, rid);
	fini(&s);
}
