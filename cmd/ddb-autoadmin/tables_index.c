/*
 * Indexes in the definitions of tables: their ids, the tables that hold the rows of global ones, how large they are.
 * Source: DESIGN, Indexes.  The lists are as in common/index.h; beside them a definition has, ours, NextIndex (the last id given out) and
 * IndexVersion (the Version in which its indexes changed last).
 */
#include <stdio.h>
#include <stdlib.h>

#include "autoadmin.h"
#include "mem.h"

static const char *const lists[] = { "LocalSecondaryIndexes", "GlobalSecondaryIndexes" };
static const char *const counted[] = { "ItemCount", "IndexSizeBytes", "Backfilling" };    /* of an index, whenever it is described */
enum { LOCAL, GLOBAL };

static bool list_of(struct bytes definition, int which, struct bytes *body)
{
	struct value v;

	*body = BYTES_NONE;
	if (!item_get(definition, bytes_str(lists[which]), &v) || v.tag != ITEM_L)
		return false;
	*body = v.body;
	return true;
}

static uint64_t number_in(struct bytes map, const char *name)
{
	struct value v;
	struct num n;
	uint64_t u;

	return item_get(map, bytes_str(name), &v) && item_value_num(v, &n) && num_to_u64(&n, &u) ? u : 0;
}

static bool same_in(struct bytes a, struct bytes b, const char *name)
{
	struct value x, y;

	item_get(a, bytes_str(name), &x);
	item_get(b, bytes_str(name), &y);
	return bytes_eq(x.raw, y.raw);
}

/* The entry with this id; its count of entries is *n. */
static bool entry_of(struct bytes list, uint64_t id, struct bytes *map, size_t *n)
{
	struct item_iter it = item_iter(list);
	bool found = false;
	struct value v;

	for (*n = 0; item_next_value(&it, &v); ++*n)
		if (v.tag == ITEM_M && number_in(v.body, "Id") == id && id > 0) {
			*map = v.body;
			found = true;
		}
	return found;
}

static void put_all_but(struct item_build *b, struct bytes map, const char *const *but, size_t n)
{
	struct item_iter it = item_iter(map);
	struct bytes name;
	struct value v;

	while (item_next_pair(&it, &name, &v)) {
		bool skip = false;

		for (size_t i = 0; i < n; i++)
			skip |= bytes_is(name, but[i]);
		if (skip)
			continue;
		item_build_name(b, name);
		item_build_raw(b, v.raw);
	}
}

/* --- ids ---------------------------------------------------------------------------------------------------------- */

struct numbering {
	struct item_build *b;
	const struct table *t;                   /* the definition under way */
	struct bytes old;                        /* the one before; n = 0: a new table */
	uint64_t next;
	bool changed, bad;
};

static void put_new(struct numbering *x, int which, struct bytes map)
{
	static const char *const given[] = { "Id", "IndexArn", "IndexStatus", "Backfilling", "Table", "Partitions", "ItemCount", "IndexSizeBytes" };
	struct buf arn = { 0 };
	struct value name;
	char text[64];

	put_all_but(x->b, map, given, sizeof given / sizeof *given);
	item_get(map, BYTES_LIT("IndexName"), &name);
	buf_bytes(&arn, x->t->arn);
	buf_str(&arn, "/index/");
	buf_bytes(&arn, name.body);
	item_build_name(x->b, BYTES_LIT("Id")), item_build_u64(x->b, ++x->next);
	item_build_name(x->b, BYTES_LIT("IndexArn")), item_build_s(x->b, buf_view(&arn));
	if (which == GLOBAL) {
		/* A new table has no items, so its indexes know them all. */
		item_build_name(x->b, BYTES_LIT("IndexStatus"));
		item_build_s(x->b, bytes_str(index_status_name(x->old.n > 0 ? INDEX_CREATING : INDEX_ACTIVE)));
		snprintf(text, sizeof text, "#%llu.%llu", (unsigned long long)x->t->id, (unsigned long long)x->next);
		item_build_name(x->b, BYTES_LIT("Table")), item_build_s(x->b, bytes_str(text));
	}
	x->changed = true;
	x->bad |= which == LOCAL && x->old.n > 0;        /* a table is made with them, or never has any */
	buf_fini(&arn);
}

static void put_list(struct numbering *x, int which)
{
	struct bytes list, before, map;
	struct item_iter it;
	struct value v;
	size_t n, ignored;

	if (!list_of(x->t->definition, which, &list) & !list_of(x->old, which, &before))
		return;
	it = item_iter(list);
	item_build_name(x->b, bytes_str(lists[which]));
	item_build_open(x->b, ITEM_L);
	while (item_next_value(&it, &v)) {
		uint64_t id = v.tag == ITEM_M ? number_in(v.body, "Id") : 0;

		item_build_open(x->b, ITEM_M);
		if (v.tag != ITEM_M) {
			x->bad = true;
		} else if (x->old.n == 0 || id == 0) {
			put_new(x, which, v.body);
		} else if (!entry_of(before, id, &map, &n)) {
			x->bad = true;
		} else {
			put_all_but(x->b, v.body, counted, sizeof counted / sizeof *counted);
			x->changed |= !same_in(map, v.body, "IndexStatus");
			x->bad |= !same_in(map, v.body, "KeySchema") || !same_in(map, v.body, "Projection") ||
				  !same_in(map, v.body, "Table") || !same_in(map, v.body, "IndexName");
		}
		item_build_close(x->b);
	}
	item_build_close(x->b);
	/* What is no longer there must have been on its way out. */
	for (it = item_iter(before); item_next_value(&it, &v);)
		if (v.tag == ITEM_M && !entry_of(list, number_in(v.body, "Id"), &map, &ignored)) {
			item_get(v.body, BYTES_LIT("IndexStatus"), &v);
			x->bad |= !bytes_is(v.body, "DELETING");
			x->changed = true;
		}
}

bool tables_index_number(struct table *t, struct bytes old)
{
	static const char *const ours[] = { "LocalSecondaryIndexes", "GlobalSecondaryIndexes", "NextIndex", "IndexVersion" };
	struct numbering x = { .t = t, .old = old };
	struct index_set set = { 0 };
	struct item_build b;
	struct table new;
	bool ok;

	if (!tables_index_any(t->definition) && !tables_index_any(old))
		return true;
	item_build_init(&b);
	item_build_item(&b);
	x.b = &b;
	x.next = old.n > 0 ? number_in(old, "NextIndex") : 0;
	put_all_but(&b, t->definition, ours, sizeof ours / sizeof *ours);
	put_list(&x, LOCAL);
	put_list(&x, GLOBAL);
	item_build_name(&b, BYTES_LIT("NextIndex")), item_build_u64(&b, x.next);
	item_build_name(&b, BYTES_LIT("IndexVersion")), item_build_u64(&b, x.changed ? t->version : number_in(old, "IndexVersion"));
	ok = !x.bad && item_build_close(&b) && item_build_ok(&b) && index_set_init(&set, item_build_view(&b));
	ok = ok && table_init(&new, set.definition);
	if (ok) {
		table_fini(t);
		*t = new;
	}
	index_set_fini(&set);
	item_build_fini(&b);
	return ok;
}

/* --- the tables of global indexes --------------------------------------------------------------------------------- */

static void put_schema(struct item_build *b, const struct key_schema *key)
{
	item_build_name(b, BYTES_LIT("KeySchema")), item_build_open(b, ITEM_L);
	for (size_t i = 0; i < key->n; i++) {
		item_build_open(b, ITEM_M);
		item_build_name(b, BYTES_LIT("AttributeName")), item_build_s(b, key->part[i].name);
		item_build_name(b, BYTES_LIT("KeyType")), item_build_s(b, bytes_str(i < key->hash_n ? "HASH" : "RANGE"));
		item_build_close(b);
	}
	item_build_close(b);
}

static void put_of(struct item_build *b, struct bytes item, const char *name)
{
	struct value v;

	if (item_get(item, bytes_str(name), &v)) {
		item_build_name(b, bytes_str(name));
		item_build_raw(b, v.raw);
	}
}

void tables_index_define(struct item_build *b, const struct table *t, const struct index *x)
{
	struct bytes list, map = BYTES_NONE;
	size_t n;

	list_of(t->definition, GLOBAL, &list);
	entry_of(list, x->id, &map, &n);
	item_build_item(b);
	item_build_name(b, BYTES_LIT("TableName")), item_build_s(b, x->table);
	put_schema(b, &x->key);
	put_of(b, t->definition, "AttributeDefinitions");
	put_of(b, t->definition, "BillingMode");
	if (map.n > 0) {
		put_of(b, map, "ProvisionedThroughput");
		put_of(b, map, "WarmThroughput");
	}
	item_build_close(b);
}

/* --- for groups and routers --------------------------------------------------------------------------------------- */

void tables_index_told(struct aa *a, const struct aa_table *t, struct item_build *b)
{
	static const char *const of_groups[] = { "IndexName", "Id", "KeySchema", "Projection", "IndexStatus", "Table" };

	item_build_item(b);
	put_of(b, t->t.definition, "KeySchema");
	put_of(b, t->t.definition, "AttributeDefinitions");
	put_of(b, t->t.definition, "IndexVersion");
	for (int which = LOCAL; which <= GLOBAL; which++) {
		item_build_name(b, bytes_str(lists[which])), item_build_open(b, ITEM_L);
		for (size_t i = 0; i < t->indexes.n; i++) {
			const struct index *x = &t->indexes.v[i];
			const struct aa_table *rows = x->local ? NULL : state_table(a, x->table);
			struct buf partitions = { 0 };
			struct bytes list, map;
			size_t n;

			if (x->local != (which == LOCAL) || x->status == INDEX_DELETING || !list_of(t->t.definition, which, &list) ||
			    !entry_of(list, x->id, &map, &n))
				continue;
			item_build_open(b, ITEM_M);
			for (size_t k = 0; k < sizeof of_groups / sizeof *of_groups; k++)
				put_of(b, map, of_groups[k]);
			if (rows != NULL) {
				state_partitions(rows, &partitions);
				item_build_name(b, BYTES_LIT("Partitions")), item_build_b(b, buf_view(&partitions));
			}
			item_build_close(b);
			buf_fini(&partitions);
		}
		item_build_close(b);
	}
	item_build_close(b);
}

/* Only leaders tell; for a moment two may think they are, or none. */
static struct bytes locals_of(struct aa *a, uint64_t group)
{
	const struct aa_group_state *best = NULL;

	for (size_t i = 0; i < a->nnodes; i++) {
		const struct aa_group_state *s = nodes_state(a->node[i], group);

		if (s != NULL && s->locals.n > 0 && (best == NULL || s->applied > best->applied))
			best = s;
	}
	return best != NULL ? best->locals : BYTES_NONE;
}

static void count_local(struct aa *a, const struct aa_table *t, uint32_t id, uint64_t *rows, uint64_t *bytes)
{
	*rows = *bytes = 0;
	for (size_t i = 0; i < t->nparts; i++) {
		struct bytes rest = locals_of(a, t->part[i].group), part;
		struct msg_local_size m;

		while (msg_list_next(&rest, &part))
			if (msg_get_local_size(part, &m, MSG_VERSION) && m.index == id) {
				*rows += m.rows;
				*bytes += m.bytes;
			}
	}
}

static void describe_one(struct aa *a, const struct aa_table *t, int which, struct bytes map, struct item_build *b)
{
	const struct index *x = index_set_of(&t->indexes, (uint32_t)number_in(map, "Id"));
	const struct aa_table *of = which == GLOBAL && x != NULL ? state_table(a, x->table) : NULL;
	uint64_t rows = 0, bytes = 0;

	put_all_but(b, map, counted, sizeof counted / sizeof *counted);
	if (of != NULL)
		tables_count(a, of, &rows, &bytes);
	else if (which == LOCAL && x != NULL)
		count_local(a, t, x->id, &rows, &bytes);
	item_build_name(b, BYTES_LIT("ItemCount")), item_build_u64(b, rows);
	item_build_name(b, BYTES_LIT("IndexSizeBytes")), item_build_u64(b, bytes);
	if (x != NULL && !x->local && x->status == INDEX_CREATING)
		item_build_name(b, BYTES_LIT("Backfilling")), item_build_bool(b, t->told);
}

void tables_index_describe(struct aa *a, const struct aa_table *t, struct item_build *b)
{
	for (int which = LOCAL; which <= GLOBAL; which++) {
		struct item_iter it;
		struct bytes list;
		struct value v;

		if (!list_of(t->t.definition, which, &list))
			continue;
		it = item_iter(list);
		item_build_name(b, bytes_str(lists[which])), item_build_open(b, ITEM_L);
		while (item_next_value(&it, &v)) {
			item_build_open(b, ITEM_M);
			describe_one(a, t, which, v.body, b);
			item_build_close(b);
		}
		item_build_close(b);
	}
}

bool tables_index_is_list(struct bytes name)
{
	return bytes_is(name, lists[LOCAL]) || bytes_is(name, lists[GLOBAL]);
}

bool tables_index_any(struct bytes definition)
{
	struct bytes local, global;

	list_of(definition, LOCAL, &local);
	list_of(definition, GLOBAL, &global);
	return item_count(local) + item_count(global) > 0;
}

bool tables_index_moving(const struct aa_table *t)
{
	for (size_t i = 0; i < t->indexes.n; i++)
		if (t->indexes.v[i].status == INDEX_CREATING || t->indexes.v[i].status == INDEX_DELETING)
			return true;
	return false;
}

void tables_index_step(const struct aa_table *t, const struct index *x, struct item_build *b)
{
	static const char *const but[] = { "IndexStatus" };
	struct bytes list;
	struct item_iter it;
	struct value v;

	item_build_item(b);
	put_of(b, t->t.definition, "Version");
	list_of(t->t.definition, GLOBAL, &list);
	item_build_name(b, bytes_str(lists[GLOBAL])), item_build_open(b, ITEM_L);
	for (it = item_iter(list); item_next_value(&it, &v);) {
		bool it_is = number_in(v.body, "Id") == x->id;

		if (it_is && x->status == INDEX_DELETING)
			continue;
		item_build_open(b, ITEM_M);
		put_all_but(b, v.body, but, it_is);
		if (it_is)
			item_build_name(b, BYTES_LIT("IndexStatus")), item_build_s(b, BYTES_LIT("ACTIVE"));
		item_build_close(b);
	}
	item_build_close(b);
	item_build_close(b);
}
