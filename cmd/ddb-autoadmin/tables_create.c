/* A new table: its definition, its partitions and where their replicas are. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "autoadmin.h"
#include "clock.h"
#include "mem.h"
#include "node.h"
#include "px.h"

#define REPLICAS 3

struct creating {
	uint64_t conn, rid;
	struct bytes asked;                      /* owned */
	struct tables_new new;
};

void tables_new_fini(struct tables_new *new)
{
	for (size_t i = 0; i < new->n; i++) {
		free((void *)new->v[i].definition.p);
		free((void *)new->v[i].partitions.p);
	}
	new->n = 0;
}

static void free_creating(struct creating *c)
{
	tables_new_fini(&c->new);
	free((void *)c->asked.p);
	free(c);
}

/* Never twice in the world: the cluster's id is random. */
static void table_uuid(char out[40], const uint8_t cluster[16], uint64_t id)
{
	snprintf(out, 40, "%08x-%04x-4%03x-8%03x-%012llx", load_u32(cluster), load_u16(cluster + 4), load_u16(cluster + 6) & 0xfffu,
		 load_u16(cluster + 8) & 0xfffu, (unsigned long long)id & 0xffffffffffffu);
}

/* The router's definition with what only the catalogue knows added. */
static bool complete(struct aa *a, struct bytes asked, const struct aa_counters *c, struct bytes name, struct table *out)
{
	static const char *const given[] = { "Id", "Version", "Schema", "TableStatus", "TableArn", "TableId", "CreationDateTime" };
	struct item_build *b = &a->build;
	struct item_iter it = item_iter(asked);
	struct buf arn = { 0 };
	struct num when;
	char text[40];
	struct bytes attribute;
	struct value v;
	uint64_t ms = clock_wall_us() / 1000;
	bool ok;

	item_build_reset(b);
	item_build_item(b);
	while (item_next_pair(&it, &attribute, &v)) {
		bool ours = false;

		for (size_t i = 0; i < sizeof given / sizeof *given; i++)
			ours |= bytes_is(attribute, given[i]);
		if (ours)
			continue;
		item_build_name(b, attribute);
		item_build_raw(b, v.raw);
	}
	table_arn(&arn, a->d->cluster.region, "000000000000", name);
	item_build_name(b, BYTES_LIT("Id")), item_build_u64(b, c->table);
	item_build_name(b, BYTES_LIT("Version")), item_build_u64(b, c->version);
	item_build_name(b, BYTES_LIT("Schema")), item_build_u64(b, 1);
	/* One with indexes takes no items before its groups know them, whoever is active then. */
	item_build_name(b, BYTES_LIT("TableStatus"));
	item_build_s(b, bytes_str(table_status_name(tables_index_any(asked) ? TABLE_CREATING : TABLE_ACTIVE)));
	item_build_name(b, BYTES_LIT("TableArn")), item_build_s(b, buf_view(&arn));
	table_uuid(text, a->d->cluster.id, c->table);
	item_build_name(b, BYTES_LIT("TableId")), item_build_s(b, bytes_str(text));
	snprintf(text, sizeof text, "%llu.%03u", (unsigned long long)(ms / 1000), (unsigned)(ms % 1000));
	num_parse(&when, bytes_str(text));
	item_build_name(b, BYTES_LIT("CreationDateTime")), item_build_n(b, &when);
	ok = item_build_close(b) && item_build_ok(b) && table_init(out, item_build_view(b));
	buf_fini(&arn);
	return ok;
}

static void add_load(struct place_node *p, struct bytes partitions)
{
	struct bytes part, one;

	while (msg_list_next(&partitions, &part)) {
		struct msg_partition m;
		struct msg_member member;
		bool ok = msg_get_partition(part, &m, MSG_VERSION);

		assert(ok);                              /* place made it */
		p->leads += m.leader == p->incarnation;
		while (msg_list_next(&m.members, &one))
			p->load += msg_get_member(one, &member, MSG_VERSION) && member.replica == p->incarnation;
	}
}

/* Replicas a node has or will have: what it says lags behind what was promised. */
static struct place_node load_of(struct aa *a, const struct aa_node *n, const struct tables_new *new)
{
	struct place_node p = { n->incarnation, n->zone, 0, 0 };

	for (const struct aa_table *t = a->tables; t != NULL; t = t->hh.next)
		for (size_t i = 0; i < t->nparts; i++)
			for (uint32_t j = 0; j < t->part[i].nmembers; j++)
				if (t->part[i].member[j] == n->incarnation) {
					p.load++;
					p.leads += j == 0;
				}
	if (p.load < HASH_COUNT(n->states))
		p.load = HASH_COUNT(n->states);
	for (size_t i = 0; i < new->n; i++)
		add_load(&p, new->v[i].partitions);
	return p;
}

/* The nodes that are up and have room for one replica of each of so many partitions; *full: a node that is up has not. */
static size_t candidates(struct aa *a, const struct tables_new *new, size_t parts, struct place_node *out, bool *full)
{
	size_t n = 0;

	*full = false;
	for (size_t i = 0; i < a->nnodes; i++) {
		if (!nodes_up(a->node[i]))
			continue;
		out[n] = load_of(a, a->node[i], new);
		if (out[n].load + parts <= NODE_GROUPS_MAX)
			n++;
		else
			*full = true;
	}
	return n;
}

/* Members are named now, and do not change because a node is late.  Leaders take turns over tables as well. */
static void place(struct place_node *nodes, size_t n, size_t parts, struct aa_counters *c, struct buf *out)
{
	for (size_t i = 0; i < parts; i++) {
		struct buf low = { 0 }, high = { 0 }, members = { 0 };
		uint32_t m[AA_MEMBERS_MAX];
		size_t got = place_group(nodes, n, REPLICAS, c->group, m);

		place_range(i, parts, &low, &high);
		for (size_t j = 0; j < got; j++)
			MSG_LIST_PUT(&members, member, (&(struct msg_member){ m[j], PX_STORAGE }), MSG_VERSION);
		MSG_LIST_PUT(out, partition, (&(struct msg_partition){
			.group = ++c->group, .low = buf_view(&low), .high = buf_view(&high),
			.ballot = PX_BALLOT(1, m[0]), .leader = m[0], .members = buf_view(&members) }), MSG_VERSION);
		buf_fini(&low);
		buf_fini(&high);
		buf_fini(&members);
	}
}

void tables_put_row(struct aa *a, struct cat_write *w, struct bytes name, struct bytes definition, struct bytes partitions,
		    const char *condition)
{
	struct item_build *b = &a->build;
	struct bytes row;

	item_build_reset(b);
	item_build_item(b);
	item_build_name(b, BYTES_LIT("pk")), item_build_s(b, BYTES_LIT("table"));
	item_build_name(b, BYTES_LIT("sk")), item_build_s(b, name);
	item_build_name(b, BYTES_LIT("definition")), item_build_b(b, definition);
	item_build_name(b, BYTES_LIT("partitions")), item_build_b(b, partitions);
	item_build_close(b);
	row = bytes_copy(item_build_view(b));
	cat_put(a, w, row, condition);
	free((void *)row.p);
}

/* A replica in each of three zones, or of as many as there are: with a zone down a table would begin without its redundancy. */
static enum result place_all(struct aa *a, const struct table *t, struct tables_new *new, struct bytes *out)
{
	struct place_node *nodes = mem_new(AA_NODES_MAX * sizeof *nodes);
	size_t parts = place_partitions(t);
	struct buf partitions = { 0 };
	enum result r = RESULT_OK;
	bool full;
	size_t n, wanted;

	for (n = 0; n < a->nnodes; n++)
		nodes[n].zone = a->node[n]->zone;
	wanted = place_zones(nodes, n);
	n = candidates(a, new, parts, nodes, &full);
	if (place_zones(nodes, n) < (wanted < REPLICAS ? wanted : REPLICAS)) {
		r = full ? RESULT_LIMIT : RESULT_UNAVAILABLE;
	} else {
		place(nodes, n, parts, &new->counters, &partitions);
		*out = bytes_copy(buf_view(&partitions));
	}
	buf_fini(&partitions);
	free(nodes);
	return r;
}

enum result tables_make(struct aa *a, struct cat_write *w, struct bytes asked, struct tables_new *new, struct table *t, const char **text)
{
	struct value name;
	enum result r;

	*t = (struct table){ 0 };
	*text = "the table's definition is malformed";
	if (!item_get(asked, BYTES_LIT("TableName"), &name) || name.tag != ITEM_S)
		return RESULT_INVALID;
	new->counters.table++;
	if (!complete(a, asked, &new->counters, name.body, t) || !tables_index_number(t, BYTES_NONE))
		return RESULT_INVALID;
	assert(new->n < sizeof new->v / sizeof *new->v);
	r = place_all(a, t, new, &new->v[new->n].partitions);
	*text = r == RESULT_LIMIT ? "Subscriber limit exceeded: the nodes have no room for more partitions" : "a zone has no node that is up";
	if (r != RESULT_OK)
		return r;
	new->v[new->n].definition = bytes_copy(t->definition);
	tables_put_row(a, w, t->name, t->definition, new->v[new->n].partitions, "attribute_not_exists(pk)");
	new->n++;
	return RESULT_OK;
}

enum result tables_make_rows(struct aa *a, struct cat_write *w, const struct table *t, struct tables_new *new, const char **text)
{
	enum result r = RESULT_OK;
	struct index_set set;

	*text = "the table's indexes are malformed";
	if (!index_set_init(&set, t->definition))
		return RESULT_INVALID;
	for (size_t i = 0; i < set.n && r == RESULT_OK; i++) {
		struct item_build asked;
		struct table rows;

		if (set.v[i].local || state_table(a, set.v[i].table) != NULL)
			continue;
		item_build_init(&asked);
		tables_index_define(&asked, t, &set.v[i]);
		r = tables_make(a, w, item_build_view(&asked), new, &rows, text);
		table_fini(&rows);
		item_build_fini(&asked);
	}
	index_set_fini(&set);
	return r;
}

void tables_made(struct aa *a, struct tables_new *new)
{
	a->counters = new->counters;
	for (size_t i = 0; i < new->n; i++) {
		struct aa_table *t = state_add_table(a, new->v[i].definition, new->v[i].partitions);

		if (t != NULL)
			t->checked = true;
	}
}

static bool refuse_create(struct aa *a, struct creating *c, enum result r, const char *text)
{
	tables_answer(a, c->conn, c->rid, r, text, BYTES_NONE, false);
	free_creating(c);
	return false;
}

static bool build_create(struct aa *a, void *arg, struct cat_write *w)
{
	struct creating *c = arg;
	const char *why = NULL;
	enum result r;
	struct value v;
	struct table t;
	char *text;

	if (!item_get(c->asked, BYTES_LIT("TableName"), &v) || v.tag != ITEM_S)
		return refuse_create(a, c, RESULT_INVALID, "TableName is missing");
	if (state_table(a, v.body) != NULL) {
		text = mem_fmt("Table already exists: %.*s", (int)v.body.n, (const char *)v.body.p);
		refuse_create(a, c, RESULT_IN_USE, text);
		free(text);
		return false;
	}
	if (HASH_COUNT(a->tables) >= AA_TABLES_MAX)
		return refuse_create(a, c, RESULT_LIMIT, "Subscriber limit exceeded: There is a limit of 10000 tables per subscriber");
	c->new.counters = a->counters;
	c->new.counters.version++;
	r = tables_make(a, w, c->asked, &c->new, &t, &why);
	if (r == RESULT_OK)
		r = tables_make_rows(a, w, &t, &c->new, &why);
	table_fini(&t);
	if (r != RESULT_OK)
		return refuse_create(a, c, r, why);
	state_put_counters(a, w, &c->new.counters);
	return true;
}

static void on_created(struct aa *a, void *arg, enum result r)
{
	struct creating *c = arg;
	struct aa_table *t = NULL;
	struct value name;

	if (r == RESULT_OK && a->loaded) {
		tables_made(a, &c->new);
		if (item_get(c->asked, BYTES_LIT("TableName"), &name))
			t = state_table(a, name.body);
	}
	if (t == NULL) {
		tables_answer(a, c->conn, c->rid, r == RESULT_OK ? RESULT_UNKNOWN : r, NULL, BYTES_NONE, false);
	} else {
		groups_send(a);
		tables_describe_as(a, t, TABLE_CREATING, &a->build);
		tables_answer(a, c->conn, c->rid, RESULT_OK, NULL, item_build_view(&a->build), false);
	}
	free_creating(c);
}

void tables_create(struct aa *a, uint64_t conn, uint64_t rid, struct bytes body)
{
	struct creating *c;

	if (body.n > TABLE_DEFINITION_MAX || !item_check(body)) {
		tables_answer(a, conn, rid, RESULT_INVALID, "malformed definition", BYTES_NONE, false);
		return;
	}
	c = mem_new(sizeof *c);
	*c = (struct creating){ .conn = conn, .rid = rid, .asked = bytes_copy(body) };
	if (!state_job(a, &(struct aa_job){ .build = build_create, .done = on_created, .arg = c }))
		refuse_create(a, c, RESULT_OVERLOADED, NULL);
}

/* --- the last step: its groups maintain its indexes, so items may come ------------------------------------------------ */

struct opening {
	struct bytes name;                       /* owned */
	struct table new;
};

static void free_opening(struct opening *o)
{
	table_fini(&o->new);
	free((void *)o->name.p);
	free(o);
}

static bool build_open(struct aa *a, void *arg, struct cat_write *w)
{
	struct opening *o = arg;
	struct aa_table *t = state_table(a, o->name);
	struct aa_counters c = a->counters;
	struct item_build *b = &a->build;
	struct buf partitions = { 0 };
	struct item_iter it;
	struct bytes name;
	struct value v;
	bool ok;

	if (t == NULL || t->t.status != TABLE_CREATING) {
		free_opening(o);
		return false;
	}
	c.version++;
	item_build_reset(b);
	item_build_item(b);
	for (it = item_iter(t->t.definition); item_next_pair(&it, &name, &v);) {
		item_build_name(b, name);
		if (bytes_is(name, "Version"))
			item_build_u64(b, c.version);
		else if (bytes_is(name, "TableStatus"))
			item_build_s(b, bytes_str(table_status_name(TABLE_ACTIVE)));
		else
			item_build_raw(b, v.raw);
	}
	ok = item_build_close(b) && item_build_ok(b) && table_init(&o->new, item_build_view(b));
	assert(ok);
	state_partitions(t, &partitions);
	tables_put_row(a, w, o->name, o->new.definition, buf_view(&partitions), "attribute_exists(pk)");
	state_put_counters(a, w, &c);
	buf_fini(&partitions);
	return true;
}

/* Where it failed, groups_send asks again. */
static void on_opened(struct aa *a, void *arg, enum result r)
{
	struct opening *o = arg;
	struct aa_table *t = state_table(a, o->name);

	if (r == RESULT_OK && t != NULL) {
		a->counters.version = o->new.version;
		state_redefine_table(a, t, &o->new);
		groups_send(a);
	}
	free_opening(o);
}

void tables_open(struct aa *a, const struct aa_table *t)
{
	struct opening *o = mem_new(sizeof *o);

	o->name = bytes_copy(t->t.name);
	if (!state_job(a, &(struct aa_job){ .build = build_open, .done = on_opened, .arg = o }))
		free_opening(o);
}
