#include "store_mem.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <uthash.h>

#include "mem.h"
#include "rowtree.h"

enum job_kind { APPLY, CHECKPOINT, INSTALL_BEGIN, INSTALL_ROWS, INSTALL_END, INSTALL_ABORT, DROP, FAILED };

struct group;

struct job {
	struct job *next;
	enum job_kind kind;
	struct group *g;
	uint32_t life;
	struct store_batch *batch;               /* APPLY, INSTALL_ROWS */
	struct store_meta meta;                  /* INSTALL_END; out: what is reported */
	uint64_t slot;                           /* out, CHECKPOINT */
	bool report;                             /* out: to be reported */
	size_t bytes;
};

struct job_list {
	struct job *first, **end;
	size_t n;
};

struct state {
	struct rowtree *root;
	struct store_meta meta;
};

struct group {
	uint64_t group;
	/* The disk: states[0] is checkpointed, the last is applied.  n = 0: no store. */
	struct state *states;
	unsigned n, cap;
	struct state install;
	bool installing;
	bool wanted;                             /* a checkpoint waits for snapshots to close */
	unsigned since;                          /* transactions since the last one */
	unsigned snapshots;
	/* The loop's view: as in store_sqlite, it changes by reports, but for a drop. */
	bool there;
	bool behind;                             /* an installation was carried out and not reported: readers see `before` */
	struct state before;
	struct store_meta reported;
	uint32_t life;
	TAILQ_ENTRY(group) wants;
	UT_hash_handle hh;
};

struct store_mem {
	struct group *groups;
	struct job_list queue, done;
	TAILQ_HEAD(, group) wanted;
	uint64_t queued;
	unsigned cursors, snapshots, checkpoint_every;
	bool fail_next, dead;
	struct store_events events;
	void (*failed)(void *arg);
	void *failed_arg;
};

struct store_cursor {
	struct store_mem *m;
	struct group *g;                         /* of a snapshot */
	struct rowtree *root;
	struct rowtree_walk walk;
};

static void push(struct job_list *l, struct job *job)
{
	job->next = NULL;
	*l->end = job;
	l->end = &job->next;
	l->n++;
}

static struct job *pop(struct job_list *l)
{
	struct job *job = l->first;

	if (job == NULL)
		return NULL;
	l->first = job->next;
	if (l->first == NULL)
		l->end = &l->first;
	l->n--;
	return job;
}

static void batch_free(struct store_batch *b)
{
	if (b == NULL)
		return;
	free(b->rows);
	buf_fini(&b->memory);
	free(b);
}

static void job_free(struct job *job)
{
	batch_free(job->batch);
	free(job);
}

static struct group *find(const struct store_mem *m, uint64_t group)
{
	struct group *g;

	HASH_FIND(hh, m->groups, &group, sizeof group, g);
	return g;
}

/* Groups stay, empty, once they were named: cursors and jobs point to them. */
static struct group *find_or_add(struct store_mem *m, uint64_t group)
{
	struct group *g = find(m, group);

	if (g == NULL) {
		g = mem_new(sizeof *g);
		g->group = group;
		HASH_ADD(hh, m->groups, group, sizeof g->group, g);
	}
	return g;
}

/* --- states ------------------------------------------------------------------------------------------------------ */

static void state_clear(struct state *s)
{
	rowtree_release(s->root);
	*s = (struct state){ 0 };
}

/* Keeps states[from .. from + n). */
static void keep_states(struct group *g, unsigned from, unsigned n)
{
	assert(from + n <= g->n);
	for (unsigned i = 0; i < g->n; i++)
		if (i < from || i >= from + n)
			state_clear(&g->states[i]);
	if (n > 0)
		memmove(g->states, g->states + from, n * sizeof *g->states);
	g->n = n;
	g->since = n > 0 ? n - 1 : 0;
}

static void add_state(struct group *g, struct state s)
{
	if (g->n == g->cap) {
		g->cap = g->cap > 0 ? g->cap * 2 : 8;
		g->states = mem_resize(g->states, g->cap * sizeof *g->states);
	}
	g->states[g->n++] = s;
}

static struct state *last(struct group *g)
{
	return &g->states[g->n - 1];
}

static void catch_up(struct group *g)
{
	state_clear(&g->before);
	g->behind = false;
}

static void want(struct store_mem *m, struct group *g, bool wanted)
{
	if (g->wanted == wanted)
		return;
	g->wanted = wanted;
	if (wanted)
		TAILQ_INSERT_TAIL(&m->wanted, g, wants);
	else
		TAILQ_REMOVE(&m->wanted, g, wants);
}

/* --- reading ----------------------------------------------------------------------------------------------------- */

static struct state visible(struct group *g)
{
	if (g == NULL || !g->there)
		return (struct state){ 0 };
	if (g->behind)
		return g->before;
	return (struct state){ last(g)->root, g->reported };
}

static int by_id(const void *a, const void *b)
{
	const struct group *const *x = a, *const *y = b;

	return (*x)->group < (*y)->group ? -1 : (*x)->group > (*y)->group;
}

/* In the order of ids, so that it does not depend on the hash table. */
static struct group **sorted(const struct store_mem *m, size_t *n)
{
	struct group **all = mem_new(HASH_COUNT(m->groups) * sizeof *all), *g, *after;

	*n = 0;
	HASH_ITER(hh, m->groups, g, after)
		all[(*n)++] = g;
	if (*n > 0)
		qsort(all, *n, sizeof *all, by_id);
	return all;
}

static int scan_all(void *ctx, void (*each)(void *arg, uint64_t group, const struct store_meta *meta), void *arg)
{
	size_t n;
	struct group **all = sorted(ctx, &n);

	for (size_t i = 0; i < n; i++)
		if (all[i]->there)
			each(arg, all[i]->group, &all[i]->reported);
	free(all);
	return 0;
}

static int meta(void *ctx, uint64_t group, struct store_meta *out)
{
	struct group *g = find(ctx, group);

	*out = g != NULL && g->there ? g->reported : (struct store_meta){ 0 };
	return g != NULL && g->there;
}

static int get(void *ctx, uint64_t group, struct bytes key, struct buf *row)
{
	const struct rowtree *at = rowtree_find(visible(find(ctx, group)).root, key);

	if (at == NULL)
		return 0;
	buf_bytes(row, rowtree_row(at));
	return 1;
}

static struct store_cursor *cursor_new(struct store_mem *m, struct rowtree *root, struct bytes from, bool reverse)
{
	struct store_cursor *c = mem_resize(NULL, sizeof *c);

	c->m = m;
	c->g = NULL;
	c->root = rowtree_hold(root);
	rowtree_seek(c->root, from, reverse, &c->walk);
	m->cursors++;
	return c;
}

static struct store_cursor *seek(void *ctx, uint64_t group, struct bytes from, bool reverse)
{
	return cursor_new(ctx, visible(find(ctx, group)).root, from, reverse);
}

static bool next(struct store_cursor *c, struct bytes *key, struct bytes *row)
{
	return rowtree_next(&c->walk, key, row);
}

static void close_cursor(struct store_cursor *c)
{
	if (c == NULL)
		return;
	c->m->cursors--;
	if (c->g != NULL) {
		c->g->snapshots--;
		c->m->snapshots--;
	}
	rowtree_release(c->root);
	free(c);
}

static void locks(void *ctx, uint64_t group, void (*each)(void *arg, struct bytes key, struct bytes row), void *arg)
{
	struct rowtree *root = visible(find(ctx, group)).root;
	struct rowtree_walk walk;
	struct bytes key, row;

	rowtree_seek(root, BYTES_NONE, false, &walk);
	while (rowtree_next(&walk, &key, &row))
		if (store_row_worth(key, row).locked)
			each(arg, key, row);
}

static struct store_cursor *snapshot(void *ctx, uint64_t group, struct store_meta *out)
{
	struct store_mem *m = ctx;
	struct group *g = find(m, group);
	struct store_cursor *c;

	if (g == NULL || !g->there)
		return NULL;
	*out = g->behind ? g->before.meta : last(g)->meta;      /* of the rows, which may be ahead of what was reported */
	c = cursor_new(m, visible(g).root, BYTES_NONE, false);
	c->g = g;
	g->snapshots++;
	m->snapshots++;
	return c;
}

/* --- submitting -------------------------------------------------------------------------------------------------- */

static struct job *submit(struct store_mem *m, enum job_kind kind, uint64_t group)
{
	struct job *job = mem_new(sizeof *job);

	job->kind = kind;
	job->g = find_or_add(m, group);
	job->life = job->g->life;
	push(&m->queue, job);
	return job;
}

static void submit_batch(struct store_mem *m, enum job_kind kind, struct store_batch *b)
{
	struct job *job = submit(m, kind, b->group);

	for (size_t i = 1; i < b->n; i++)
		assert(bytes_cmp(b->rows[i - 1].key, b->rows[i].key) < 0);
	job->batch = b;
	job->bytes = b->memory.n + b->n * sizeof *b->rows;
	m->queued += job->bytes;
}

static void apply(void *ctx, struct store_batch *b)
{
	submit_batch(ctx, APPLY, b);
}

static void checkpoint(void *ctx, uint64_t group)
{
	submit(ctx, CHECKPOINT, group);
}

static void install_begin(void *ctx, uint64_t group)
{
	submit(ctx, INSTALL_BEGIN, group);
}

static void install_rows(void *ctx, struct store_batch *b)
{
	submit_batch(ctx, INSTALL_ROWS, b);
}

static void install_end(void *ctx, uint64_t group, const struct store_meta *to)
{
	submit(ctx, INSTALL_END, group)->meta = *to;
}

static void install_abort(void *ctx, uint64_t group)
{
	submit(ctx, INSTALL_ABORT, group);
}

static void drop(void *ctx, uint64_t group)
{
	struct group *g = find_or_add(ctx, group);

	g->there = false;
	g->reported = (struct store_meta){ 0 };
	catch_up(g);
	g->life++;
	submit(ctx, DROP, group);
}

/* --- carrying out ------------------------------------------------------------------------------------------------ */

static void write_rows(struct state *s, const struct store_batch *b)
{
	for (size_t i = 0; i < b->n; i++) {
		struct rowtree_change c;

		s->root = rowtree_put(s->root, b->rows[i].key, b->rows[i].row, &c);
		store_count(&s->meta, &c.come, &c.gone);
	}
}

static void do_apply(struct job *job)
{
	struct group *g = job->g;
	struct state s = { 0 };

	if (g->n == 0)
		add_state(g, s);                 /* the file is made first, durably */
	s.root = rowtree_hold(last(g)->root);
	s.meta = job->batch->meta;
	store_counted(&s.meta, &last(g)->meta);
	write_rows(&s, job->batch);
	add_state(g, s);
	g->since++;
	job->meta = s.meta;
	job->report = true;
}

static void report_checkpoint(struct store_mem *m, struct group *g, uint64_t slot)
{
	struct job *job = mem_new(sizeof *job);

	job->kind = CHECKPOINT;
	job->g = g;
	job->life = g->life;
	job->slot = slot;
	job->report = true;
	push(&m->done, job);
}

static void do_checkpoint(struct store_mem *m, struct group *g)
{
	uint64_t slot = 0;

	if (g->snapshots > 0) {
		want(m, g, true);
		return;
	}
	want(m, g, false);
	if (g->n > 0) {
		slot = last(g)->meta.applied;
		keep_states(g, g->n - 1, 1);
	}
	report_checkpoint(m, g, slot);
}

static void abort_install(struct group *g)
{
	state_clear(&g->install);
	g->installing = false;
}

static void do_install_end(struct job *job)
{
	struct group *g = job->g;
	struct state s = g->install;

	if (!g->installing)
		return;
	g->installing = false;
	g->install = (struct state){ 0 };
	store_counted(&job->meta, &s.meta);
	job->report = true;
	s.meta = job->meta;
	if (g->there && !g->behind) {
		g->before = (struct state){ rowtree_hold(last(g)->root), last(g)->meta };
		g->behind = true;
	}
	keep_states(g, 0, 0);
	add_state(g, s);
}

static void do_drop(struct store_mem *m, struct group *g)
{
	abort_install(g);
	want(m, g, false);
	keep_states(g, 0, 0);
}

static void carry_out(struct store_mem *m, struct job *job)
{
	struct group *g = job->g;

	switch (job->kind) {
	case APPLY:
		do_apply(job);
		break;
	case CHECKPOINT:
		do_checkpoint(m, g);             /* reports by itself */
		break;
	case INSTALL_BEGIN:
		abort_install(g);
		g->installing = true;
		break;
	case INSTALL_ROWS:
		if (g->installing)
			write_rows(&g->install, job->batch);
		break;
	case INSTALL_END:
		do_install_end(job);
		break;
	case INSTALL_ABORT:
		abort_install(g);
		break;
	case DROP:
		do_drop(m, g);
		break;
	case FAILED:
		assert(!"a job that nobody submits");
	}
}

static bool step_wanted(struct store_mem *m)
{
	struct group *g;

	TAILQ_FOREACH(g, &m->wanted, wants) {
		if (g->snapshots > 0)
			continue;
		do_checkpoint(m, g);
		return true;
	}
	return false;
}

bool store_mem_step(struct store_mem *m)
{
	struct job *job;

	assert(m->cursors == m->snapshots);
	if (m->dead)
		return false;
	job = pop(&m->queue);
	if (job == NULL)
		return step_wanted(m);
	if (m->fail_next) {
		m->fail_next = false;
		m->dead = true;
		job->kind = FAILED;
		job->report = true;
	} else {
		carry_out(m, job);
	}
	batch_free(job->batch);
	job->batch = NULL;
	m->queued -= job->bytes;
	push(&m->done, job);
	if (job->kind == APPLY && m->checkpoint_every > 0 && job->g->since >= m->checkpoint_every && job->g->snapshots == 0)
		do_checkpoint(m, job->g);
	return true;
}

/* --- reporting --------------------------------------------------------------------------------------------------- */

static void report(struct store_mem *m, const struct job *job)
{
	struct group *g = job->g;

	if (job->kind == FAILED) {
		m->failed(m->failed_arg);
		return;
	}
	if (!job->report || job->life != g->life)
		return;
	if (job->kind == CHECKPOINT) {
		m->events.checkpointed(m->events.arg, g->group, job->slot);
		return;
	}
	g->there = true;
	g->reported = job->meta;
	if (job->kind == INSTALL_END) {
		catch_up(g);
		m->events.installed(m->events.arg, g->group, &job->meta);
	} else {
		m->events.applied(m->events.arg, g->group, &job->meta);
	}
}

void store_mem_poll(struct store_mem *m)
{
	struct job *job;
	bool any = false;

	while ((job = pop(&m->done)) != NULL) {
		any = true;
		report(m, job);
		free(job);
	}
	if (any && !m->dead)
		m->events.progress(m->events.arg, m->queued);
}

size_t store_mem_waiting(const struct store_mem *m)
{
	return m->queue.n;
}

size_t store_mem_unreported(const struct store_mem *m)
{
	return m->done.n;
}

/* --- life and death ---------------------------------------------------------------------------------------------- */

struct store_mem *store_mem_new(void)
{
	struct store_mem *m = mem_new(sizeof *m);

	m->queue.end = &m->queue.first;
	m->done.end = &m->done.first;
	TAILQ_INIT(&m->wanted);
	return m;
}

void store_mem_events(struct store_mem *m, const struct store_events *e, void (*failed)(void *arg), void *arg)
{
	m->events = *e;
	m->failed = failed;
	m->failed_arg = arg;
}

void store_mem_checkpoint_every(struct store_mem *m, unsigned transactions)
{
	m->checkpoint_every = transactions;
}

void store_mem_fail_next(struct store_mem *m)
{
	m->fail_next = true;
}

void store_mem_crash(struct store_mem *m, unsigned (*keep)(void *arg, uint64_t group, unsigned n), void *arg)
{
	size_t n;
	struct group **all = sorted(m, &n);
	struct job *job;

	while ((job = pop(&m->queue)) != NULL || (job = pop(&m->done)) != NULL)
		job_free(job);
	for (size_t i = 0; i < n; i++) {
		struct group *g = all[i];

		abort_install(g);
		catch_up(g);
		want(m, g, false);
		if (keep != NULL && g->n > 1) {
			unsigned kept = keep(arg, g->group, g->n - 1);

			assert(kept <= g->n - 1);
			keep_states(g, 0, kept + 1);
		}
		g->there = g->n > 0;
		g->reported = g->there ? last(g)->meta : (struct store_meta){ 0 };
		g->life++;
	}
	free(all);
	m->queued = 0;
	m->fail_next = m->dead = false;
	m->events = (struct store_events){ 0 };
}

void store_mem_wipe(struct store_mem *m)
{
	struct group *g, *after;

	store_mem_crash(m, NULL, NULL);
	HASH_ITER(hh, m->groups, g, after) {
		keep_states(g, 0, 0);
		g->there = false;
		g->reported = (struct store_meta){ 0 };
	}
}

void store_mem_free(struct store_mem *m)
{
	struct group *g, *after;

	if (m == NULL)
		return;
	assert(m->cursors == 0);
	store_mem_wipe(m);
	HASH_ITER(hh, m->groups, g, after) {
		HASH_DELETE(hh, m->groups, g);
		free(g->states);
		free(g);
	}
	free(m);
}

bool store_mem_meta(const struct store_mem *m, uint64_t group, bool durable, struct store_meta *out)
{
	struct group *g = find(m, group);

	if (g == NULL || g->n == 0)
		return false;
	*out = durable ? g->states[0].meta : last(g)->meta;
	return true;
}

uint64_t store_mem_digest(const struct store_mem *m, uint64_t group)
{
	struct group *g = find(m, group);

	return g != NULL && g->n > 0 ? rowtree_digest(last(g)->root) : 0;
}

struct store store_mem_store(struct store_mem *m)
{
	static const struct store_ops ops = {
		.scan_all = scan_all,
		.meta = meta,
		.get = get,
		.seek = seek,
		.next = next,
		.close = close_cursor,
		.locks = locks,
		.apply = apply,
		.checkpoint = checkpoint,
		.snapshot = snapshot,
		.install_begin = install_begin,
		.install_rows = install_rows,
		.install_end = install_end,
		.install_abort = install_abort,
		.drop = drop,
	};

	return (struct store){ &ops, m };
}
