/* Source: DESIGN, Indexes.  The giving side: outbox rows go to the groups of indexes. */
#include <stdlib.h>

#include "change.h"
#include "feed_impl.h"
#include "log.h"
#include "mem.h"
#include "merge.h"
#include "own.h"
#include "tx_impl.h"

#define TRIES_MAX 3                              /* after which the time between two no longer doubles */

struct feed *feed_new(void)
{
	struct feed *f = mem_new(sizeof *f);

	STAILQ_INIT(&f->owed);
	return f;
}

static void drop_targets(struct feed *f)
{
	for (size_t i = 0; i < f->ntargets; i++)
		free((void *)f->target[i].low.p);
	free(f->target);
	f->target = NULL;
	f->ntargets = 0;
	f->version = 0;
}

static void drop_batch(struct feed *f)
{
	for (size_t i = 0; i < f->ntargets; i++) {
		buf_fini(&f->target[i].rows);
		f->target[i].rows = (struct buf){ 0 };
		f->target[i].waiting = false;
		f->target[i].tries = 0;
	}
	free(f->batch);
	f->batch = NULL;
}

static void forget(struct feed *f)
{
	f->ballot = f->done = f->due = f->end_due = 0;
	drop_batch(f);
	drop_targets(f);
	feed_take_forget(f);
}

void feed_free(struct feed *f)
{
	if (f == NULL)
		return;
	forget(f);
	free(f);
}

/*
 * The group's feed, if we lead it.  What is remembered of another leadership is gone then: its slots may hold other entries, and
 * others may have fed what it was about to.
 */
struct feed *feed_leading(struct node *n, struct group *g)
{
	struct feed *f = g->feed;

	if (!tx_leads(g)) {
		if (f->ballot != 0)
			forget(f);
		return NULL;
	}
	if (f->ballot != g->px.ballot) {
		forget(f);
		f->ballot = g->px.ballot;
		f->some = true;
		f->led = f->since = n->now;
	}
	return f;
}

/* A leader finds out by looking; what it proposes later it is told here. */
void feed_row(struct node *n, struct group *g, uint64_t slot)
{
	struct feed *f = g->feed;

	f->written = slot;
	if (!f->some)
		f->since = n->now;
	f->some = true;
}

bool feed_knows(struct node *n, struct group *g, uint64_t time)
{
	const struct feed *f = feed_leading(n, g);

	return f != NULL && (!f->some || f->done >= time || (f->batch != NULL && f->batch->time[0] > time));
}

uint64_t feed_lag_us(struct node *n, struct group *g)
{
	const struct feed *f = feed_leading(n, g);

	return f == NULL || !f->some ? 0 : n->now > f->since ? n->now - f->since : 1;
}

bool feed_behind(struct node *n, struct group *g)
{
	return feed_lag_us(n, g) > n->opt.index_lag_us;
}

/* --- whom to tell ------------------------------------------------------------------------------------------------- */

static void add_target(struct feed *f, uint32_t index, struct bytes raw)
{
	struct msg_partition p;

	if (!msg_get_partition(raw, &p, MSG_VERSION))
		return;
	f->target = mem_resize(f->target, (f->ntargets + 1) * sizeof *f->target);
	f->target[f->ntargets++] = (struct target){ .index = index, .group = p.group, .low = bytes_copy(p.low) };
}

/* A batch made for other indexes is made again: who has it already says so at once. */
static void set_targets(struct feed *f, const struct index_set *set)
{
	if (f->version == set->version)
		return;
	drop_batch(f);
	drop_targets(f);
	f->version = set->version;
	for (size_t i = 0; i < set->n; i++) {
		struct bytes rest = set->v[i].partitions, part;

		while (!set->v[i].local && msg_list_next(&rest, &part))
			add_target(f, set->v[i].id, part);
	}
}

/* The group of index in whose range key is; NULL if the index is gone. */
static struct target *target_of(struct feed *f, uint32_t index, struct bytes key)
{
	size_t low = 0, high = f->ntargets;

	while (low < high) {                     /* find the first one behind key */
		size_t mid = low + (high - low) / 2;
		const struct target *t = &f->target[mid];

		if (t->index < index || (t->index == index && bytes_cmp(t->low, key) <= 0))
			low = mid + 1;
		else
			high = mid;
	}
	return low > 0 && f->target[low - 1].index == index ? &f->target[low - 1] : NULL;
}

/* --- giving ------------------------------------------------------------------------------------------------------- */

static void add_feed_row(struct feed *f, uint64_t time, uint32_t index, struct bytes key, struct bytes item)
{
	struct target *t = target_of(f, index, key);

	if (t == NULL)
		return;
	f->batch->waiting += !t->waiting;
	t->waiting = true;
	MSG_LIST_PUT(&t->rows, feed_row, (&(struct msg_feed_row){ time, key, item }), MSG_VERSION);
}

static bool add_move(struct feed *f, const struct index_set *set, uint64_t time, struct bytes item, struct bytes raw)
{
	struct buf row = { 0 };
	const struct index *x;
	struct msg_index_move m;

	if (!msg_get_index_move(raw, &m, MSG_VERSION))
		return false;
	f->batch->moves++;
	x = index_set_of(set, m.index);
	if (x == NULL)
		return true;
	if (m.old_key.n > 0)
		add_feed_row(f, time, m.index, m.old_key, BYTES_NONE);
	if (m.new_key.n > 0) {
		index_project(x, item, &row);
		add_feed_row(f, time, m.index, m.new_key, buf_view(&row));
	}
	buf_fini(&row);
	return true;
}

static bool add_changes(struct feed *f, const struct index_set *set, uint64_t time, struct bytes changes)
{
	struct bytes raw, move;

	while (msg_list_next(&changes, &raw)) {
		struct msg_index_change c;

		if (!msg_get_index_change(raw, &c, MSG_VERSION))
			return false;
		while (msg_list_next(&c.moves, &move))
			if (!add_move(f, set, time, c.item, move))
				return false;
		if (c.moves.n > 0)
			return false;
	}
	return changes.n == 0;
}

static bool has_room(const struct batch *b, size_t bytes)
{
	return b->n == 0 || (b->n < FEED_ROWS_MAX && b->moves < FEED_MOVES_MAX && b->bytes + bytes <= FEED_BYTES_MAX);
}

/* What is not chosen may never be. */
static void collect(struct node *n, struct group *g, struct feed *f, const struct index_set *set)
{
	struct own_key from = own_outbox(f->done + 1), to = own_outbox(g->clock);
	uint64_t upto = g->chosen, time;
	struct batch *b = f->batch;
	struct merge m;

#ifdef MUTANT_FEED_UNCHOSEN
	upto = OVERLAY_NEWEST;
#endif
	merge_open(&m, n, g, own_view(&from), false, upto);
	while (merge_next(&m) && bytes_cmp(m.key, own_view(&to)) <= 0) {
		if (own_kind(m.key, &time) != OWN_OUTBOX)
			continue;                        /* an item may lie there, too */
		b->full = !has_room(b, m.item.n);
		if (b->full)
			break;
		b->time[b->n++] = time;
		b->bytes += m.item.n;
		if (!add_changes(f, set, time, m.item))
			log_err("group %llu: what indexes should know of time %llu is malformed", (unsigned long long)g->id,
				(unsigned long long)time);
	}
	merge_close(&m);
}

/* To whoever answered last; else, for its leader may have changed, to everyone. */
static void tell(struct node *n, const struct group *g, const struct batch *b, struct target *t)
{
	uint64_t before = b->time[0] - 1;
	struct buf out = { 0 };

	msg_put_feed(&out, &(struct msg_feed){ .group = t->group, .source = g->id, .from = n->self,
		.after = t->knows < before ? t->knows : before, .upto = b->time[b->n - 1], .rows = buf_view(&t->rows) }, MSG_VERSION);
	t->sent = n->now;
	if (t->replica == 0)
		n->env.send(n->env.ctx, 0, MSG_feed, buf_view(&out));
	node_send(n, t->replica != 0 ? t->replica : n->self, MSG_feed, buf_view(&out), 0);
	buf_fini(&out);
}

/* A batch may be large, and whoever leads that group away for long. */
static void remind(struct node *n, struct group *g, struct feed *f)
{
	for (size_t i = 0; i < f->ntargets; i++) {
		struct target *t = &f->target[i];

		if (!t->waiting || n->now < t->sent + (n->opt.retry_us << t->tries))
			continue;
		t->tries += t->tries < TRIES_MAX;
		t->replica = 0;
		tell(n, g, f->batch, t);
	}
}

/* How long has it been waiting?  Not since before there was a leader that could do something about it. */
static uint64_t waiting_since(struct node *n, const struct feed *f, uint64_t time)
{
	uint64_t wall = n->env.wall_us(n->env.ctx), age = wall > time ? wall - time : 0;

	return age < n->now - f->led ? n->now - age : f->led;
}

static void start_batch(struct node *n, struct group *g, struct feed *f)
{
	f->batch = mem_new(sizeof *f->batch);
	collect(n, g, f, group_indexes(n, g));
	f->due = n->now + (f->batch->full ? 0 : n->opt.feed_us);
	if (f->batch->n == 0) {
		drop_batch(f);
		f->some = f->written > g->chosen;
		f->since = n->now;
		return;
	}
	f->since = waiting_since(n, f, f->batch->time[0]);
	for (size_t i = 0; i < f->ntargets; i++)
		if (f->target[i].waiting)
			tell(n, g, f->batch, &f->target[i]);
}

/* All know the batch.  True if its outbox rows are as good as gone, and the next one may begin. */
static bool end_batch(struct node *n, struct group *g, struct feed *f)
{
	struct batch *b = f->batch;
	struct change c;
	uint64_t slot;
	enum px_verdict v;

	if (n->now < f->end_due || wal_full(n->wal))
		return false;
	change_begin(&c, n, g);
	for (size_t i = 0; i < b->n; i++) {
		struct own_key key = own_outbox(b->time[i]);

		change_row(&c, own_view(&key), BYTES_NONE);
	}
	v = change_propose(&c, 0, &slot);
	change_fini(&c);
	if (v != PX_OK) {                        /* which makes the group dirty all the same: this turn would not end */
		f->end_due = n->now + n->opt.feed_us;
		return false;
	}
	metrics_add(&n->metrics.feed_rows, b->n);
	metrics_observe(&n->metrics.feed_lag_us, n->now - f->since);
	f->done = b->time[b->n - 1];
	drop_batch(f);
	return true;
}

static bool is_known(const struct feed *f)
{
#ifdef MUTANT_FEED_FORGET_EARLY
	return true;
#endif
	return f->batch->waiting == 0;
}

static void give(struct node *n, struct group *g, struct feed *f)
{
	set_targets(f, group_indexes(n, g));
	if (f->batch != NULL)
		remind(n, g, f);
	if (f->batch != NULL && is_known(f))
		end_batch(n, g, f);
	while (f->batch == NULL && f->some && n->now >= f->due) {
		start_batch(n, g, f);
		if (f->batch == NULL || !is_known(f) || !end_batch(n, g, f))
			break;                           /* else it concerned nobody */
	}
}

void feed_fed(struct node *n, struct bytes body)
{
	struct msg_fed m;
	struct feed *f;
	struct group *g;

	if (!msg_get_fed(body, &m, MSG_VERSION)) {
		metrics_add(&n->metrics.bad_messages, 1);
		return;
	}
	g = node_find(n, m.source);
	f = g != NULL ? feed_leading(n, g) : NULL;
	for (size_t i = 0; f != NULL && i < f->ntargets; i++) {
		struct target *t = &f->target[i];

		if (t->group != m.group)
			continue;
		t->replica = m.from;
		if (m.upto > t->knows)
			t->knows = m.upto;
		if (f->batch != NULL && t->waiting && m.upto >= f->batch->time[f->batch->n - 1]) {
			t->waiting = false;
			f->batch->waiting--;
			node_dirty(n, g);                /* feed_run goes on */
		}
	}
}

void feed_run(struct node *n, struct group *g)
{
	struct feed *f = feed_leading(n, g);

	if (f == NULL)
		return;
	feed_take_answer(n, g, f);
	if (f->some)
		give(n, g, f);
}
