/* A change of a table's definition: one row, in one entry, so that it is the old one or the new one. */
#include <assert.h>
#include <stdlib.h>

#include "autoadmin.h"
#include "mem.h"

struct updating {
	uint64_t conn, rid;
	struct bytes name, change;               /* owned */
	struct table new;                        /* once built */
	struct tables_new rows;                  /* of indexes that come */
	struct aa_drop *drop;                    /* of those that are gone; owned */
	struct bytes gone;                       /* list of their tables' names; owned */
};

static void free_updating(struct updating *u)
{
	table_fini(&u->new);
	tables_new_fini(&u->rows);
	if (u->drop != NULL)
		free(u->drop->group);
	free(u->drop);
	free((void *)u->gone.p);
	free((void *)u->name.p);
	free((void *)u->change.p);
	free(u);
}

/* What nobody but the catalogue gives out, what is counted, and what a table's items lie under. */
static bool is_fixed(struct bytes name)
{
	static const char *const fixed[] = { "Id", "Schema", "TableName", "TableStatus", "TableArn", "TableId", "CreationDateTime",
					     "KeySchema", "ItemCount", "TableSizeBytes", "NextIndex", "IndexVersion" };

	for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++)
		if (bytes_is(name, fixed[i]))
			return true;
	return false;
}

static bool is_version(struct bytes old, struct value wanted)
{
	struct value v;

	return item_get(old, BYTES_LIT("Version"), &v) && item_value_eq(v, wanted);
}

enum result tables_change(struct item_build *b, struct bytes old, struct bytes change, uint64_t version, struct table *out)
{
	struct item_iter it = item_iter(change);
	struct bytes name;
	struct value v, ignored;

	item_build_reset(b);
	item_build_item(b);
	item_build_name(b, BYTES_LIT("Version")), item_build_u64(b, version);
	while (item_next_pair(&it, &name, &v)) {
		if (bytes_is(name, "Version")) {
			if (!is_version(old, v))
				return RESULT_STALE_SCHEMA;
			continue;
		}
		if (is_fixed(name))
			return RESULT_INVALID;
		if (v.tag == ITEM_NULL)
			continue;
		item_build_name(b, name);
		item_build_raw(b, v.raw);
	}
	for (it = item_iter(old); item_next_pair(&it, &name, &v);) {
		if (bytes_is(name, "Version") || item_get(change, name, &ignored))
			continue;
		item_build_name(b, name);
		item_build_raw(b, v.raw);
	}
	return item_build_close(b) && item_build_ok(b) && table_init(out, item_build_view(b)) ? RESULT_OK : RESULT_INVALID;
}

static bool refuse(struct aa *a, struct updating *u, enum result r, const char *text)
{
	tables_answer(a, u->conn, u->rid, r, text, BYTES_NONE, false);
	free_updating(u);
	return false;
}

/* The tables of indexes that the new definition no longer has go in the same entry. */
static void drop_rows(struct aa *a, struct updating *u, const struct aa_table *t, struct cat_write *w)
{
	struct buf gone = { 0 };
	struct index_set set;

	if (t->indexes.n == 0 || !index_set_init(&set, u->new.definition))
		return;
	for (size_t i = 0; i < t->indexes.n; i++) {
		const struct index *x = &t->indexes.v[i];
		struct aa_table *rows = x->local || index_set_of(&set, x->id) != NULL ? NULL : state_table(a, x->table);

		if (rows == NULL)
			continue;
		if (u->drop == NULL)
			u->drop = mem_new(sizeof *u->drop);
		u->drop->table = rows->t.id;
		tables_drop_groups(u->drop, rows);
		cat_delete(a, w, "table", rows->t.name);
		buf_lenbytes(&gone, rows->t.name);
	}
	if (u->drop != NULL)
		tables_put_drop(a, w, u->drop);
	u->gone = bytes_copy(buf_view(&gone));
	buf_fini(&gone);
	index_set_fini(&set);
}

static bool build_update(struct aa *a, void *arg, struct cat_write *w)
{
	struct updating *u = arg;
	struct aa_table *t = state_table(a, u->name);
	struct buf partitions = { 0 };
	const char *why = "the table's definition cannot be changed like this";
	enum result r;
	char *text;

	if (t == NULL) {
		tables_not_found(a, u->conn, u->rid, u->name);
		free_updating(u);
		return false;
	}
	if (!t->serving) {
		text = mem_fmt("Attempt to change a resource which is still in use: Table is being created: %.*s", (int)u->name.n,
			       (const char *)u->name.p);
		refuse(a, u, RESULT_IN_USE, text);
		free(text);
		return false;
	}
	u->rows.counters = a->counters;
	u->rows.counters.version++;
	r = tables_change(&a->build, t->t.definition, u->change, u->rows.counters.version, &u->new);
	if (r == RESULT_OK && !tables_index_number(&u->new, t->t.definition))
		r = RESULT_INVALID;
	if (r == RESULT_OK)
		r = tables_make_rows(a, w, &u->new, &u->rows, &why);
	if (r != RESULT_OK)
		return refuse(a, u, r, r == RESULT_STALE_SCHEMA ? NULL : why);
	drop_rows(a, u, t, w);
	state_partitions(t, &partitions);
	tables_put_row(a, w, u->name, u->new.definition, buf_view(&partitions), "attribute_exists(pk)");
	state_put_counters(a, w, &u->rows.counters);
	buf_fini(&partitions);
	return true;
}

static void on_updated(struct aa *a, void *arg, enum result r)
{
	struct updating *u = arg;
	struct aa_table *t = state_table(a, u->name);
	struct bytes rest, name;

	if (r != RESULT_OK || t == NULL) {
		refuse(a, u, r == RESULT_OK ? RESULT_UNKNOWN : r, NULL);
		return;
	}
	assert(t->t.id == u->new.id);
	for (rest = u->gone; msg_list_next(&rest, &name);)
		tables_gone(a, name);
	if (u->drop != NULL)
		tables_dropped(a, u->drop);
	u->drop = NULL;
	tables_made(a, &u->rows);
	state_redefine_table(a, t, &u->new);
	push_table(a, t, false);
	groups_send(a);
	tables_describe(a, t, &a->build);
	tables_answer(a, u->conn, u->rid, RESULT_OK, NULL, item_build_view(&a->build), false);
	free_updating(u);
}

void tables_update(struct aa *a, uint64_t conn, uint64_t rid, struct bytes name, struct bytes change)
{
	struct updating *u;

	if (change.n > TABLE_DEFINITION_MAX || !item_check(change)) {
		tables_answer(a, conn, rid, RESULT_INVALID, "malformed change", BYTES_NONE, false);
		return;
	}
	u = mem_new(sizeof *u);
	*u = (struct updating){ .conn = conn, .rid = rid, .name = bytes_copy(name), .change = bytes_copy(change) };
	if (!state_job(a, &(struct aa_job){ .build = build_update, .done = on_updated, .arg = u }))
		refuse(a, u, RESULT_OVERLOADED, NULL);
}
