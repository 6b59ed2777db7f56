/* What routers and `ddb` ask for: tables and reports. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "autoadmin.h"
#include "clock.h"
#include "mem.h"
#include "node.h"
#include "px.h"

#define LIST_MAX 100
#define REPLICAS 3

void tables_answer(struct aa *a, uint64_t conn, uint64_t rid, enum result r, const char *text, struct bytes body, bool more)
{
	struct buf *b = a->stopping ? NULL : net_answer(a->d->net, conn, rid, MSG_admin_done);

	if (b == NULL)
		return;
	msg_put_admin_done(b, &(struct msg_admin_done){ (uint16_t)r, text != NULL ? bytes_str(text) : BYTES_NONE, more, body },
			   MSG_VERSION);
	net_answered(a->d->net, conn);
}

/* --- describe ------------------------------------------------------------------------------------------------------------ */

/* Rows and bytes are as the replica that has applied most says. */
static void count(struct aa *a, const struct aa_table *t, uint64_t *rows, uint64_t *bytes)
{
	*rows = *bytes = 0;
	for (size_t i = 0; i < t->nparts; i++) {
		const struct aa_group_state *best = NULL;

		for (size_t j = 0; j < a->nnodes; j++) {
			const struct aa_group_state *s = nodes_state(a->node[j], t->part[i].group);

			if (s != NULL && (best == NULL || s->applied > best->applied))
				best = s;
		}
		if (best == NULL)
			continue;
		*rows += best->rows;
		*bytes += best->bytes;
	}
}

static bool is_counted(struct bytes name)
{
	return bytes_is(name, "TableStatus") || bytes_is(name, "ItemCount") || bytes_is(name, "TableSizeBytes");
}

static void describe_as(struct aa *a, const struct aa_table *t, enum table_status status, struct item_build *b)
{
	struct item_iter it = item_iter(t->t.definition);
	uint64_t rows, bytes;
	struct bytes name;
	struct value v;

	count(a, t, &rows, &bytes);
	item_build_reset(b);
	item_build_item(b);
	while (item_next_pair(&it, &name, &v)) {
		if (is_counted(name))
			continue;
		item_build_name(b, name);
		item_build_raw(b, v.raw);
	}
	item_build_name(b, BYTES_LIT("TableStatus")), item_build_s(b, bytes_str(table_status_name(status)));
	item_build_name(b, BYTES_LIT("ItemCount")), item_build_u64(b, rows);
	item_build_name(b, BYTES_LIT("TableSizeBytes")), item_build_u64(b, bytes);
	item_build_close(b);
}

void tables_describe(struct aa *a, struct aa_table *t, struct item_build *b)
{
	describe_as(a, t, t->serving ? TABLE_ACTIVE : TABLE_CREATING, b);
}

static void not_found(struct aa *a, uint64_t conn, uint64_t rid, struct bytes name)
{
	char *text = mem_fmt("Requested resource not found: Table: %.*s not found", (int)name.n, (const char *)name.p);

	tables_answer(a, conn, rid, RESULT_NO_TABLE, text, BYTES_NONE, false);
	free(text);
}

static void describe(struct aa *a, uint64_t conn, uint64_t rid, struct bytes name)
{
	struct aa_table *t = state_table(a, name);

	if (t == NULL) {
		not_found(a, conn, rid, name);
		return;
	}
	tables_describe(a, t, &a->build);
	tables_answer(a, conn, rid, RESULT_OK, NULL, item_build_view(&a->build), false);
}

/* --- list ---------------------------------------------------------------------------------------------------------------- */

static int by_name(const void *pa, const void *pb)
{
	const struct aa_table *const *x = pa, *const *y = pb;

	return bytes_cmp((*x)->t.name, (*y)->t.name);
}

static void list(struct aa *a, uint64_t conn, uint64_t rid, struct bytes after, uint32_t limit)
{
	size_t n = HASH_COUNT(a->tables), i = 0, given = 0;
	struct aa_table **v = mem_new(n * sizeof *v + 1);
	struct buf names = { 0 };

	for (struct aa_table *t = a->tables; t != NULL; t = t->hh.next)
		if (!ledger_hidden(t->t.name))
			v[i++] = t;
	n = i;
	qsort(v, n, sizeof *v, by_name);
	limit = limit > 0 && limit < LIST_MAX ? limit : LIST_MAX;
	for (i = 0; i < n && given < limit; i++) {
		if (after.n > 0 && bytes_cmp(v[i]->t.name, after) <= 0)
			continue;
		buf_lenbytes(&names, v[i]->t.name);
		given++;
	}
	tables_answer(a, conn, rid, RESULT_OK, NULL, buf_view(&names), i < n);
	buf_fini(&names);
	free(v);
}

/* --- create -------------------------------------------------------------------------------------------------------------- */

struct creating {
	uint64_t conn, rid;
	struct bytes definition, partitions;     /* owned; partitions: once built */
	struct aa_counters counters;             /* as they are afterwards */
};

static void free_creating(struct creating *c)
{
	free((void *)c->definition.p);
	free((void *)c->partitions.p);
	free(c);
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
	item_build_name(b, BYTES_LIT("TableStatus")), item_build_s(b, BYTES_LIT("ACTIVE"));
	item_build_name(b, BYTES_LIT("TableArn")), item_build_s(b, buf_view(&arn));
	snprintf(text, sizeof text, "%08x-0000-4000-8000-%012llx", (unsigned)load_u32(a->d->cluster.id), (unsigned long long)c->table);
	item_build_name(b, BYTES_LIT("TableId")), item_build_s(b, bytes_str(text));
	snprintf(text, sizeof text, "%llu.%03u", (unsigned long long)(ms / 1000), (unsigned)(ms % 1000));
	num_parse(&when, bytes_str(text));
	item_build_name(b, BYTES_LIT("CreationDateTime")), item_build_n(b, &when);
	ok = item_build_close(b) && item_build_ok(b) && table_init(out, item_build_view(b));
	buf_fini(&arn);
	return ok;
}

/* Replicas a node has or will have: what it says lags behind what was promised. */
static struct place_node load_of(struct aa *a, const struct aa_node *n)
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
	return p;
}

/* The nodes that are up and have room for one replica of each of so many partitions; *full: a node that is up has not. */
static size_t candidates(struct aa *a, size_t parts, struct place_node *out, bool *full)
{
	size_t n = 0;

	*full = false;
	for (size_t i = 0; i < a->nnodes; i++) {
		if (!nodes_up(a->node[i]))
			continue;
		out[n] = load_of(a, a->node[i]);
		if (out[n].load + parts <= NODE_GROUPS_MAX)
			n++;
		else
			*full = true;
	}
	return n;
}

/* Members are named now, and do not change because a node is late.  Leaders take turns over tables as well. */
static void place(struct place_node *nodes, size_t n, size_t parts, struct creating *c, struct buf *out)
{
	for (size_t i = 0; i < parts; i++) {
		struct buf low = { 0 }, high = { 0 }, members = { 0 };
		uint32_t m[AA_MEMBERS_MAX];
		size_t got = place_group(nodes, n, REPLICAS, c->counters.group, m);

		place_range(i, parts, &low, &high);
		for (size_t j = 0; j < got; j++)
			MSG_LIST_PUT(&members, member, (&(struct msg_member){ m[j], PX_STORAGE }), MSG_VERSION);
		MSG_LIST_PUT(out, partition, (&(struct msg_partition){
			.group = ++c->counters.group, .low = buf_view(&low), .high = buf_view(&high),
			.ballot = PX_BALLOT(1, m[0]), .leader = m[0], .members = buf_view(&members) }), MSG_VERSION);
		buf_fini(&low);
		buf_fini(&high);
		buf_fini(&members);
	}
}

static void put_row(struct aa *a, struct cat_write *w, const struct creating *c, struct bytes name)
{
	struct item_build *b = &a->build;
	struct bytes row;

	item_build_reset(b);
	item_build_item(b);
	item_build_name(b, BYTES_LIT("pk")), item_build_s(b, BYTES_LIT("table"));
	item_build_name(b, BYTES_LIT("sk")), item_build_s(b, name);
	item_build_name(b, BYTES_LIT("definition")), item_build_b(b, c->definition);
	item_build_name(b, BYTES_LIT("partitions")), item_build_b(b, c->partitions);
	item_build_close(b);
	row = bytes_copy(item_build_view(b));
	cat_put(a, w, row, "attribute_not_exists(pk)");
	free((void *)row.p);
}

static bool refuse_create(struct aa *a, struct creating *c, enum result r, const char *text)
{
	tables_answer(a, c->conn, c->rid, r, text, BYTES_NONE, false);
	free_creating(c);
	return false;
}

/* A replica in each of three zones, or of as many as there are: with a zone down a table would begin without its redundancy. */
static enum result place_all(struct aa *a, const struct table *t, struct creating *c)
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
	n = candidates(a, parts, nodes, &full);
	if (place_zones(nodes, n) < (wanted < REPLICAS ? wanted : REPLICAS)) {
		r = full ? RESULT_LIMIT : RESULT_UNAVAILABLE;
	} else {
		place(nodes, n, parts, c, &partitions);
		c->partitions = bytes_copy(buf_view(&partitions));
	}
	buf_fini(&partitions);
	free(nodes);
	return r;
}

static bool build_create(struct aa *a, void *arg, struct cat_write *w)
{
	struct creating *c = arg;
	enum result r;
	struct value v;
	struct table t;
	char *text;

	if (!item_get(c->definition, BYTES_LIT("TableName"), &v) || v.tag != ITEM_S)
		return refuse_create(a, c, RESULT_INVALID, "TableName is missing");
	if (state_table(a, v.body) != NULL) {
		text = mem_fmt("Table already exists: %.*s", (int)v.body.n, (const char *)v.body.p);
		refuse_create(a, c, RESULT_IN_USE, text);
		free(text);
		return false;
	}
	if (HASH_COUNT(a->tables) >= AA_TABLES_MAX)
		return refuse_create(a, c, RESULT_LIMIT, "Subscriber limit exceeded: There is a limit of 10000 tables per subscriber");
	c->counters = a->counters;
	c->counters.table++;
	c->counters.version++;
	if (!complete(a, c->definition, &c->counters, v.body, &t))
		return refuse_create(a, c, RESULT_INVALID, "the table's definition is malformed");
	free((void *)c->definition.p);
	c->definition = bytes_copy(t.definition);
	r = place_all(a, &t, c);
	if (r != RESULT_OK) {
		table_fini(&t);
		return refuse_create(a, c, r, r == RESULT_LIMIT ? "Subscriber limit exceeded: the nodes have no room for more partitions"
								: "a zone has no node that is up");
	}
	put_row(a, w, c, t.name);
	state_put_counters(a, w, &c->counters);
	table_fini(&t);
	return true;
}

static void on_created(struct aa *a, void *arg, enum result r)
{
	struct creating *c = arg;
	struct aa_table *t = NULL;

	if (r == RESULT_OK && a->loaded) {
		a->counters = c->counters;
		t = state_add_table(a, c->definition, c->partitions);
		if (t != NULL)
			t->checked = true;
	}
	if (t == NULL) {
		tables_answer(a, c->conn, c->rid, r == RESULT_OK ? RESULT_UNKNOWN : r, NULL, BYTES_NONE, false);
	} else {
		groups_send(a);
		describe_as(a, t, TABLE_CREATING, &a->build);
		tables_answer(a, c->conn, c->rid, RESULT_OK, NULL, item_build_view(&a->build), false);
	}
	free_creating(c);
}

static void create(struct aa *a, uint64_t conn, uint64_t rid, struct bytes body)
{
	struct creating *c;

	if (body.n > TABLE_DEFINITION_MAX || !item_check(body)) {
		tables_answer(a, conn, rid, RESULT_INVALID, "malformed definition", BYTES_NONE, false);
		return;
	}
	c = mem_new(sizeof *c);
	*c = (struct creating){ .conn = conn, .rid = rid, .definition = bytes_copy(body) };
	if (!state_job(a, &(struct aa_job){ .build = build_create, .done = on_created, .arg = c }))
		refuse_create(a, c, RESULT_OVERLOADED, NULL);
}

/* --- delete -------------------------------------------------------------------------------------------------------------- */

struct deleting {
	uint64_t conn, rid, table;
	struct bytes name;                       /* owned */
	struct aa_drop *drop;                    /* owned until done */
	uint64_t version;
};

static void free_deleting(struct deleting *d)
{
	if (d->drop != NULL)
		free(d->drop->group);
	free(d->drop);
	free((void *)d->name.p);
	free(d);
}

/* One entry makes the table go and notes what nodes must drop. */
static bool build_delete(struct aa *a, void *arg, struct cat_write *w)
{
	struct deleting *d = arg;
	struct aa_table *t = state_table(a, d->name);
	struct item_build *b = &a->build;
	struct aa_counters c = a->counters;
	struct bytes row;
	uint8_t *groups;
	char sk[24];

	if (t == NULL) {
		not_found(a, d->conn, d->rid, d->name);
		free_deleting(d);
		return false;
	}
	d->table = t->t.id;
	d->version = ++c.version;
	d->drop = mem_new(sizeof *d->drop);
	d->drop->table = t->t.id;
	d->drop->n = t->nparts;
	d->drop->group = mem_new(t->nparts * sizeof(uint64_t));
	snprintf(sk, sizeof sk, "%llu", (unsigned long long)t->t.id);
	item_build_reset(b);
	item_build_item(b);
	item_build_name(b, BYTES_LIT("pk")), item_build_s(b, BYTES_LIT("drop"));
	item_build_name(b, BYTES_LIT("sk")), item_build_s(b, bytes_str(sk));
	item_build_name(b, BYTES_LIT("groups"));
	groups = item_build_b_room(b, 8 * t->nparts);
	for (size_t i = 0; i < t->nparts; i++) {
		d->drop->group[i] = t->part[i].group;
		store_u64(groups + 8 * i, t->part[i].group);
	}
	item_build_close(b);
	row = bytes_copy(item_build_view(b));
	cat_put(a, w, row, NULL);
	free((void *)row.p);
	cat_delete(a, w, "table", d->name);
	state_put_counters(a, w, &c);
	return true;
}

static void on_deleted(struct aa *a, void *arg, enum result r)
{
	struct deleting *d = arg;
	struct aa_table *t = state_table(a, d->name);

	if (r != RESULT_OK || t == NULL) {
		tables_answer(a, d->conn, d->rid, r == RESULT_OK ? RESULT_UNKNOWN : r, NULL, BYTES_NONE, false);
		free_deleting(d);
		return;
	}
	a->counters.version = d->version;
	describe_as(a, t, TABLE_DELETING, &a->build);
	tables_answer(a, d->conn, d->rid, RESULT_OK, NULL, item_build_view(&a->build), false);
	push_table(a, t, true);
	state_remove_table(a, t);
	d->drop->since = clock_ms();
	d->drop->next = a->drops;
	a->drops = d->drop;
	d->drop = NULL;
	free_deleting(d);
	for (size_t i = 0; i < a->nnodes; i++)
		a->node[i]->polled_at = 0;
	groups_send(a);
}

static void delete(struct aa *a, uint64_t conn, uint64_t rid, struct bytes name)
{
	struct aa_table *t = state_table(a, name);
	struct deleting *d;
	char *text;

	if (t != NULL && !t->serving) {
		text = mem_fmt("Attempt to change a resource which is still in use: Table is being created: %.*s", (int)name.n,
			       (const char *)name.p);
		tables_answer(a, conn, rid, RESULT_IN_USE, text, BYTES_NONE, false);
		free(text);
		return;
	}
	d = mem_new(sizeof *d);
	*d = (struct deleting){ .conn = conn, .rid = rid, .name = bytes_copy(name) };
	if (!state_job(a, &(struct aa_job){ .build = build_delete, .done = on_deleted, .arg = d })) {
		tables_answer(a, conn, rid, RESULT_OVERLOADED, NULL, BYTES_NONE, false);
		free_deleting(d);
	}
}

/* --- dispatch ------------------------------------------------------------------------------------------------------------ */

static void status(struct aa *a, uint64_t conn, uint64_t rid)
{
	struct buf json = { 0 };

	report_write(a, &json);
	tables_answer(a, conn, rid, RESULT_OK, NULL, buf_view(&json), false);
	buf_fini(&json);
}

void tables_admin(struct aa *a, uint64_t conn, uint64_t rid, struct bytes body)
{
	struct msg_admin m;

	if (!msg_get_admin(body, &m, MSG_VERSION) || m.name.n > TABLE_NAME_MAX)
		tables_answer(a, conn, rid, RESULT_INVALID, "malformed", BYTES_NONE, false);
	else if (bytes_is(m.verb, "status"))
		status(a, conn, rid);
	else if (!lease_active(a))
		tables_answer(a, conn, rid, RESULT_NOT_READY, NULL, BYTES_NONE, false);
	else if (ledger_hidden(m.name))
		not_found(a, conn, rid, m.name);
	else if (bytes_is(m.verb, "ledger"))
		ledger_make(a, conn, rid);
	else if (bytes_is(m.verb, "create"))
		create(a, conn, rid, m.body);
	else if (bytes_is(m.verb, "describe"))
		describe(a, conn, rid, m.name);
	else if (bytes_is(m.verb, "delete"))
		delete(a, conn, rid, m.name);
	else if (bytes_is(m.verb, "list"))
		list(a, conn, rid, m.name, m.limit);
	else
		tables_answer(a, conn, rid, RESULT_NOT_SUPPORTED, "unknown verb", BYTES_NONE, false);
}
