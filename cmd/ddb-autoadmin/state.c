/* The catalogue in memory, as the active one knows it, and the queue of its changes. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "autoadmin.h"
#include "catalogue.h"
#include "clock.h"
#include "log.h"
#include "mem.h"
#include "px.h"

static bool get_u64(struct bytes row, const char *name, uint64_t *out)
{
	struct value v;
	struct num n;

	return item_get(row, bytes_str(name), &v) && item_value_num(v, &n) && num_to_u64(&n, out);
}

static bool get_bytes(struct bytes row, const char *name, uint8_t tag, struct bytes *out)
{
	struct value v;

	if (!item_get(row, bytes_str(name), &v) || v.tag != tag)
		return false;
	*out = v.body;
	return true;
}

/* --- tables ----------------------------------------------------------------------------------------------------------- */

struct aa_table *state_table(struct aa *a, struct bytes name)
{
	struct aa_table *t;

	HASH_FIND(hh, a->tables, name.p, name.n, t);
	return t;
}

static void free_table(struct aa_table *t)
{
	for (size_t i = 0; i < t->nparts; i++) {
		free((void *)t->part[i].low.p);
		free((void *)t->part[i].high.p);
	}
	free(t->part);
	table_fini(&t->t);
	index_set_fini(&t->indexes);
	free(t);
}

static bool add_partition(struct aa_table *t, const struct msg_partition *m)
{
	struct aa_partition *p;
	struct bytes rest = m->members, part;

	if (t->nparts == AA_PARTITIONS_MAX)
		return false;
	t->part = mem_resize(t->part, (t->nparts + 1) * sizeof *t->part);
	p = &t->part[t->nparts++];
	*p = (struct aa_partition){ .group = m->group, .low = bytes_copy(m->low), .high = bytes_copy(m->high), .ballot = m->ballot };
	while (msg_list_next(&rest, &part)) {
		struct msg_member one;

		if (p->nmembers == AA_MEMBERS_MAX || !msg_get_member(part, &one, MSG_VERSION))
			return false;
		p->member[p->nmembers++] = one.replica;
	}
	return rest.n == 0 && p->nmembers > 0;
}

struct aa_table *state_add_table(struct aa *a, struct bytes definition, struct bytes partitions)
{
	struct aa_table *t = mem_new(sizeof *t);
	struct bytes part;
	bool ok = table_init(&t->t, definition) && index_set_init(&t->indexes, definition);

	while (ok && msg_list_next(&partitions, &part)) {
		struct msg_partition m;

		ok = msg_get_partition(part, &m, MSG_VERSION) && add_partition(t, &m);
	}
	if (!ok || partitions.n > 0 || t->nparts == 0 || state_table(a, t->t.name) != NULL) {
		free_table(t);
		return NULL;
	}
	HASH_ADD_KEYPTR(hh, a->tables, t->t.name.p, t->t.name.n, t);
	a->creating++;
	return t;
}

void state_serving(struct aa *a, struct aa_table *t, bool serving)
{
	a->creating -= serving && !t->serving;
	a->creating += !serving && t->serving;
	t->serving = serving;
}

void state_redefine_table(struct aa *a, struct aa_table *t, struct table *new)
{
	HASH_DEL(a->tables, t);                          /* the key is a view of what goes */
	table_fini(&t->t);
	index_set_fini(&t->indexes);
	index_set_init(&t->indexes, new->definition);
	t->told = false;
	t->moved_at = 0;
	t->t = *new;
	*new = (struct table){ 0 };
	HASH_ADD_KEYPTR(hh, a->tables, t->t.name.p, t->t.name.n, t);
}

void state_remove_table(struct aa *a, struct aa_table *t)
{
	state_serving(a, t, true);
	HASH_DEL(a->tables, t);
	free_table(t);
}

void state_partitions(const struct aa_table *t, struct buf *out)
{
	for (size_t i = 0; i < t->nparts; i++) {
		const struct aa_partition *p = &t->part[i];
		struct buf members = { 0 };

		for (uint32_t j = 0; j < p->nmembers; j++)
			MSG_LIST_PUT(&members, member, (&(struct msg_member){ p->member[j], PX_STORAGE }), MSG_VERSION);
		MSG_LIST_PUT(out, partition, (&(struct msg_partition){
			.group = p->group, .low = p->low, .high = p->high, .ballot = p->ballot, .leader = PX_BALLOT_REPLICA(p->ballot),
			.members = buf_view(&members) }), MSG_VERSION);
		buf_fini(&members);
	}
}

/* --- nodes ------------------------------------------------------------------------------------------------------------ */

struct aa_node *state_add_node(struct aa *a, const struct aa_node *like)
{
	struct aa_node *n = NULL;

	for (size_t i = 0; i < a->nnodes; i++) {
		if (a->node[i]->number != like->number)
			continue;
		n = a->node[i];
		if (n->incarnation >= like->incarnation)
			return n;
		net_hangup(n->peer);
		free(n->name);
		free(n->zone);
		free(n->addr);
	}
	if (n == NULL) {
		if (a->nnodes == AA_NODES_MAX)
			return NULL;
		n = a->node[a->nnodes++] = mem_new(sizeof *n);
	}
	*n = (struct aa_node){ .number = like->number, .incarnation = like->incarnation, .attempt = like->attempt, .states = n->states,
			       .commands = n->commands,
			       .name = mem_str(like->name), .zone = mem_str(like->zone), .addr = mem_str(like->addr), .a = a };
	nodes_dial(a, n);
	return n;
}

void state_put_node(struct aa *a, struct cat_write *w, const struct aa_node *n, bool retired)
{
	struct item_build *b = &a->build;
	struct bytes row;
	char sk[16];

	snprintf(sk, sizeof sk, "%010u", n->incarnation);
	item_build_reset(b);
	item_build_item(b);
	item_build_name(b, BYTES_LIT("pk")), item_build_s(b, BYTES_LIT("node"));
	item_build_name(b, BYTES_LIT("sk")), item_build_s(b, bytes_str(sk));
	item_build_name(b, BYTES_LIT("number")), item_build_u64(b, n->number);
	item_build_name(b, BYTES_LIT("name")), item_build_s(b, bytes_str(n->name));
	item_build_name(b, BYTES_LIT("zone")), item_build_s(b, bytes_str(n->zone));
	item_build_name(b, BYTES_LIT("addr")), item_build_s(b, bytes_str(n->addr));
	item_build_name(b, BYTES_LIT("attempt")), item_build_u64(b, n->attempt);
	item_build_name(b, BYTES_LIT("retired")), item_build_bool(b, retired);
	item_build_close(b);
	row = bytes_copy(item_build_view(b));
	cat_put(a, w, row, NULL);
	free((void *)row.p);
}

void state_put_counters(struct aa *a, struct cat_write *w, const struct aa_counters *c)
{
	struct item_build *b = &a->build;
	struct bytes row;

	item_build_reset(b);
	item_build_item(b);
	item_build_name(b, BYTES_LIT("pk")), item_build_s(b, BYTES_LIT("meta"));
	item_build_name(b, BYTES_LIT("sk")), item_build_s(b, BYTES_LIT("counters"));
	item_build_name(b, BYTES_LIT("table")), item_build_u64(b, c->table);
	item_build_name(b, BYTES_LIT("group")), item_build_u64(b, c->group);
	item_build_name(b, BYTES_LIT("incarnation")), item_build_u64(b, c->incarnation);
	item_build_name(b, BYTES_LIT("version")), item_build_u64(b, c->version);
	item_build_close(b);
	row = bytes_copy(item_build_view(b));
	cat_put(a, w, row, NULL);
	free((void *)row.p);
}

/* --- changes, one at a time --------------------------------------------------------------------------------------------- */

struct running {
	struct aa *a;
	struct aa_job job;
	uint64_t epoch;
};

static void on_done(void *arg, enum result r)
{
	struct running *run = arg;
	struct aa *a = run->a;
	bool ours = a->active && a->epoch == run->epoch;

	a->job_running = false;
	/* A row was not as we know it, or it may have happened: only the catalogue knows, so it is read again. */
	if (ours && (r == RESULT_UNKNOWN || r == RESULT_CONDITION_FAILED))
		lease_lost(a);
	if (r == RESULT_FENCED || r == RESULT_CONDITION_FAILED)
		r = RESULT_NOT_READY;                    /* nothing was done; whoever is active will do it */
	else if (r == RESULT_OK && !ours)
		r = RESULT_UNKNOWN;                      /* what it would change in memory is not the state it was built from */
	run->job.done(a, run->job.arg, r);
	free(run);
	state_run(a);
}

static void run_job(struct aa *a, const struct aa_job *job)
{
	struct running *run;
	struct cat_write w;

	cat_begin(a, &w, true);
	if (!job->build(a, job->arg, &w)) {
		buf_fini(&w.ops);
		return;
	}
	run = mem_new(sizeof *run);
	*run = (struct running){ a, *job, a->epoch };
	a->job_running = true;
	cat_commit(a, &w, on_done, run);
}

static bool next_job(struct aa *a, struct aa_job *out)
{
	struct aa_job *j = a->jobs;

	if (j == NULL)
		return false;
	*out = *j;
	a->jobs = j->next;
	if (a->jobs == NULL)
		a->jobs_end = &a->jobs;
	a->njobs--;
	free(j);
	return true;
}

void state_run(struct aa *a)
{
	struct aa_job j;

	/* Built from the catalogue as it was read, or ids would be given out twice. */
	while (!a->job_running && a->loaded && a->active && next_job(a, &j)) {
		if (clock_ms() - j.queued_at > AA_JOB_MS_MAX)
			j.done(a, j.arg, RESULT_OVERLOADED);
		else
			run_job(a, &j);
	}
}

void state_abandon(struct aa *a)
{
	struct aa_job j;

	while (next_job(a, &j))
		j.done(a, j.arg, RESULT_NOT_READY);
}

bool state_job(struct aa *a, const struct aa_job *job)
{
	struct aa_job *j;

	if (a->njobs == AA_JOBS_MAX)
		return false;
	j = mem_copy(job, sizeof *job);
	j->next = NULL;
	j->queued_at = clock_ms();
	*a->jobs_end = j;
	a->jobs_end = &j->next;
	a->njobs++;
	state_run(a);
	return true;
}

/* --- loading ---------------------------------------------------------------------------------------------------------- */

static bool load_counters(struct aa *a, struct bytes row)
{
	return get_u64(row, "table", &a->counters.table) && get_u64(row, "group", &a->counters.group) &&
	       get_u64(row, "incarnation", &a->counters.incarnation) && get_u64(row, "version", &a->counters.version);
}

static bool load_node(struct aa *a, struct bytes row)
{
	struct bytes name, zone, addr, sk;
	struct aa_node like = { 0 };
	uint64_t number;

	if (!get_u64(row, "number", &number) || !get_bytes(row, "name", ITEM_S, &name) || !get_bytes(row, "zone", ITEM_S, &zone) ||
	    !get_bytes(row, "addr", ITEM_S, &addr) || !get_bytes(row, "sk", ITEM_S, &sk) || !get_u64(row, "attempt", &like.attempt))
		return false;
	like.number = (uint32_t)number;
	like.name = mem_copy(name.p, name.n);
	like.zone = mem_copy(zone.p, zone.n);
	like.addr = mem_copy(addr.p, addr.n);
	addr = bytes_copy(sk);
	like.incarnation = (uint32_t)strtoul((const char *)addr.p, NULL, 10);
	free((void *)addr.p);
	state_add_node(a, &like);                        /* rows come in order of incarnation: the newest stays */
	free(like.name);
	free(like.zone);
	free(like.addr);
	return true;
}

static bool load_drop(struct aa *a, struct bytes row)
{
	struct bytes sk, groups;
	struct aa_drop *d;

	if (!get_bytes(row, "sk", ITEM_S, &sk) || !get_bytes(row, "groups", ITEM_B, &groups) || groups.n % 8 != 0)
		return false;
	d = mem_new(sizeof *d);
	sk = bytes_copy(sk);
	d->table = strtoull((const char *)sk.p, NULL, 10);
	free((void *)sk.p);
	d->n = groups.n / 8;
	d->group = mem_new(groups.n);
	for (size_t i = 0; i < d->n; i++)
		d->group[i] = load_u64(groups.p + 8 * i);
	d->since = clock_ms();
	d->next = a->drops;
	a->drops = d;
	return true;
}

/* Rows of one reading of the catalogue.  The lease may go and come back meanwhile; what an older reading brings is not mixed in. */
struct loading {
	struct aa *a;
	uint64_t epoch;
};

/* It is taken to have come up once, until the nodes have spoken (groups.c). */
static bool load_table(struct aa *a, struct bytes row)
{
	struct bytes definition, partitions;
	struct aa_table *t;

	if (!get_bytes(row, "definition", ITEM_B, &definition) || !get_bytes(row, "partitions", ITEM_B, &partitions))
		return false;
	t = state_add_table(a, definition, partitions);
	if (t != NULL)
		state_serving(a, t, t->t.status != TABLE_CREATING);
	return t != NULL;
}

static void on_row(void *arg, struct bytes row)
{
	struct loading *l = arg;
	struct aa *a = l->a;
	struct bytes pk;
	bool ok = true;

	if (!a->active || a->epoch != l->epoch)
		return;
	if (!get_bytes(row, "pk", ITEM_S, &pk))
		ok = false;
	else if (bytes_is(pk, "meta"))
		ok = load_counters(a, row);
	else if (bytes_is(pk, "node"))
		ok = load_node(a, row);
	else if (bytes_is(pk, "drop"))
		ok = load_drop(a, row);
	else if (bytes_is(pk, "table"))
		ok = load_table(a, row);
	if (!ok)
		log_err("a row of the catalogue cannot be read; it is left alone");
}

/* --- the first time: the cluster file's nodes become rows --------------------------------------------------------------- */

static bool build_first(struct aa *a, void *arg, struct cat_write *w)
{
	struct aa_counters c = { .table = CATALOGUE_TABLE, .group = CATALOGUE_GROUP, .version = 1 };

	(void)arg;
	for (size_t i = 0; i < a->nnodes; i++) {
		if (a->node[i]->incarnation > c.incarnation)
			c.incarnation = a->node[i]->incarnation;
		state_put_node(a, w, a->node[i], false);
	}
	state_put_counters(a, w, &c);
	a->counters = c;
	return true;
}

static void ready(struct aa *a)
{
	a->loaded = true;
	log_info("catalogue read: %u tables, %zu nodes", HASH_COUNT(a->tables), a->nnodes);
	push_all(a);
	groups_send(a);
	state_run(a);
}

static void on_first(struct aa *a, void *arg, enum result r)
{
	(void)arg;
	if (r == RESULT_OK)
		ready(a);
	else
		lease_lost(a);                           /* and begin again */
}

static void on_loaded(void *arg, enum result r)
{
	struct loading *l = arg;
	struct aa *a = l->a;
	bool ours = a->active && a->epoch == l->epoch;

	free(l);
	if (!ours)
		return;
	if (r != RESULT_OK) {
		log_warn("the catalogue cannot be read: %s", result_info(r)->name);
		lease_lost(a);
	} else if (a->counters.incarnation == 0) {
		run_job(a, &(struct aa_job){ .build = build_first, .done = on_first });
	} else {
		ready(a);
	}
}

void state_load(struct aa *a)
{
	struct loading *l = mem_new(sizeof *l);

	*l = (struct loading){ a, a->epoch };
	cat_scan(a, on_row, on_loaded, l);
}

void state_clear(struct aa *a)
{
	struct aa_table *t, *next;

	a->loaded = false;
	HASH_ITER(hh, a->tables, t, next)
		state_remove_table(a, t);
	while (a->drops != NULL) {
		struct aa_drop *d = a->drops;

		a->drops = d->next;
		free(d->group);
		free(d);
	}
	a->counters = (struct aa_counters){ 0 };
}
