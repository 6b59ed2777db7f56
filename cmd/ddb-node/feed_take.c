/* Source: DESIGN, Indexes.  The taking side: what feeds say becomes rows of an index, once. */
#include <stdlib.h>

#include "change.h"
#include "feed_impl.h"
#include "log.h"
#include "mem.h"
#include "own.h"

struct taken {
	struct msg_feed_row row;
	size_t at;                               /* in the message */
};

static void drop_first(struct feed *f)
{
	struct owed *o = STAILQ_FIRST(&f->owed);

	STAILQ_REMOVE_HEAD(&f->owed, next);
	f->nowed--;
	free(o);
}

/* Their slots may hold other entries by now. */
void feed_take_forget(struct feed *f)
{
	while (!STAILQ_EMPTY(&f->owed))
		drop_first(f);
}

static void say(struct node *n, const struct group *g, uint32_t replica, uint64_t source, uint64_t upto)
{
	struct buf out = { 0 };

	msg_put_fed(&out, &(struct msg_fed){ g->id, source, n->self, upto }, MSG_VERSION);
	node_send(n, replica, MSG_fed, buf_view(&out), 0);
	buf_fini(&out);
}

/* Before slot is chosen, it may be lost, and the outbox row with it. */
static void say_at(struct node *n, struct group *g, struct feed *f, uint64_t slot, const struct msg_feed *m)
{
	struct owed *o;
	bool now = slot <= g->chosen;

#ifdef MUTANT_FEED_ANSWER_UNCHOSEN
	now = true;
#endif
	if (now) {
		say(n, g, m->from, m->source, m->upto);
	} else if (f->nowed < FEED_OWED_MAX) {
		o = mem_new(sizeof *o);
		*o = (struct owed){ .slot = slot, .source = m->source, .upto = m->upto, .replica = m->from };
		STAILQ_INSERT_TAIL(&f->owed, o, next);
		f->nowed++;
	}
}

void feed_take_answer(struct node *n, struct group *g, struct feed *f)
{
	struct owed *o;

	while ((o = STAILQ_FIRST(&f->owed)) != NULL && o->slot <= g->chosen) {
		say(n, g, o->replica, o->source, o->upto);
		drop_first(f);
	}
}

/* How far we are with source, as proposed, and the slot that says so.  A row that cannot be read says that we know nothing. */
static void look_source(struct node *n, struct group *g, uint64_t source, uint64_t *upto, uint64_t *slot)
{
	struct own_key key = own_source(source);
	struct image im = { 0 };
	struct cur c = { 0 };

	if (image_look(n, g, own_view(&key), OVERLAY_NEWEST, &im) && im.found)
		c = cur_of(im.item);
	*upto = cur_u64(&c);
	*slot = im.slot;
	buf_fini(&im.row);
}

/* The rows of m into v, which has room for an entry's.  False: m is not what a feed should be. */
static bool read_rows(const struct group *g, const struct msg_feed *m, struct taken *v, size_t *n)
{
	struct bytes rest = m->rows, raw;
	uint64_t last = m->after + 1;

	for (*n = 0; msg_list_next(&rest, &raw); ++*n) {
		struct msg_feed_row *r = &v[*n].row;

		if (*n == ENTRY_ROWS_MAX - 1 || !msg_get_feed_row(raw, r, MSG_VERSION) || r->time < last || r->time > m->upto ||
		    key_is_own(r->key) || r->key.n > ENTRY_KEY_BYTES_MAX || !exec_in_range(g, r->key) ||
		    (r->item.n > 0 && !item_check(r->item)))
			return false;
		last = r->time;
		v[*n].at = *n;
	}
	return rest.n == 0;
}

/* By key, the latest first. */
static int order(const void *pa, const void *pb)
{
	const struct taken *a = pa, *b = pb;
	int c = bytes_cmp(a->row.key, b->row.key);

	return c != 0 ? c : a->at > b->at ? -1 : a->at < b->at;
}

static enum px_verdict take_rows(struct node *n, struct group *g, const struct msg_feed *m, uint64_t upto, struct taken *v, size_t nrows,
				 uint64_t *slot)
{
	struct own_key key = own_source(m->source);
	enum px_verdict verdict = PX_WINDOW_FULL;
	struct change c;
	uint8_t le[8];

	if (nrows > 0)
		qsort(v, nrows, sizeof *v, order);
	change_begin(&c, n, g);
	for (size_t i = 0; i < nrows; i++)
		if (v[i].row.time > upto && (i == 0 || !bytes_eq(v[i - 1].row.key, v[i].row.key)))
			change_row(&c, v[i].row.key, v[i].row.item);
	store_u64(le, m->upto);
	change_row(&c, own_view(&key), (struct bytes){ le, sizeof le });
	if (!change_over(&c))
		verdict = change_propose(&c, 0, slot);
	else
		metrics_add(&n->metrics.bad_messages, 1);
	change_fini(&c);
	return verdict;
}

static void take(struct node *n, struct group *g, struct feed *f, const struct msg_feed *m)
{
	struct taken *v = mem_new(ENTRY_ROWS_MAX * sizeof *v);
	uint64_t upto, slot;
	size_t nrows;

	look_source(n, g, m->source, &upto, &slot);
#ifdef MUTANT_FEED_TAKE_AGAIN
	upto = m->after;
#endif
	if (!read_rows(g, m, v, &nrows)) {
		metrics_add(&n->metrics.bad_messages, 1);
	} else if (m->upto <= upto) {
		say_at(n, g, f, slot, m);
	} else if (m->after > upto) {
		log_err("group %llu: has everything of group %llu up to %llu, and is told what came after %llu", (unsigned long long)g->id,
			(unsigned long long)m->source, (unsigned long long)upto, (unsigned long long)m->after);
		metrics_add(&n->metrics.feed_gaps, 1);
	} else if (take_rows(n, g, m, upto, v, nrows, &slot) == PX_OK) {
		say_at(n, g, f, slot, m);
	}
	free(v);
}

/* Who gets no answer tells everyone again. */
void feed_take(struct node *n, struct bytes body)
{
	struct msg_feed m;
	struct group *g;
	struct feed *f;

	if (!msg_get_feed(body, &m, MSG_VERSION) || m.source == 0 || m.after >= m.upto) {
		metrics_add(&n->metrics.bad_messages, 1);
		return;
	}
	g = node_find(n, m.group);
	f = g != NULL ? feed_leading(n, g) : NULL;
	if (f != NULL && px_may_serve(&g->px, n->now) && exec_write_room(n, g) == RESULT_OK)
		take(n, g, f, &m);
}
