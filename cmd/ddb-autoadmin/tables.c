/* What routers and `ddb` ask for: tables and reports; to describe, list and delete tables. */
#include <stdio.h>
#include <stdlib.h>

#include "autoadmin.h"
#include "clock.h"
#include "mem.h"

#define LIST_MAX 100

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

/* Of the replica that has applied most; NULL: none. */
static const struct aa_group_state *freshest(struct aa *a, uint64_t group)
{
	const struct aa_group_state *best = NULL;

	for (size_t i = 0; i < a->nnodes; i++) {
		const struct aa_group_state *s = nodes_state(a->node[i], group);

		if (s != NULL && (best == NULL || s->applied > best->applied))
			best = s;
	}
	return best;
}

bool tables_hidden(struct bytes name)
{
	return bytes_starts(name, BYTES_LIT("#"));
}

void tables_count(struct aa *a, const struct aa_table *t, uint64_t *rows, uint64_t *bytes)
{
	*rows = *bytes = 0;
	for (size_t i = 0; i < t->nparts; i++) {
		const struct aa_group_state *best = freshest(a, t->part[i].group);

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

void tables_describe_as(struct aa *a, const struct aa_table *t, enum table_status status, struct item_build *b)
{
	struct item_iter it = item_iter(t->t.definition);
	uint64_t rows, bytes;
	struct bytes name;
	struct value v;

	tables_count(a, t, &rows, &bytes);
	item_build_reset(b);
	item_build_item(b);
	while (item_next_pair(&it, &name, &v)) {
		if (is_counted(name) || tables_index_is_list(name))
			continue;
		item_build_name(b, name);
		item_build_raw(b, v.raw);
	}
	item_build_name(b, BYTES_LIT("TableStatus")), item_build_s(b, bytes_str(table_status_name(status)));
	item_build_name(b, BYTES_LIT("ItemCount")), item_build_u64(b, rows);
	item_build_name(b, BYTES_LIT("TableSizeBytes")), item_build_u64(b, bytes);
	tables_index_describe(a, t, b);
	item_build_close(b);
}

enum table_status tables_status(const struct aa_table *t)
{
	return !t->serving ? TABLE_CREATING : tables_index_moving(t) ? TABLE_UPDATING : TABLE_ACTIVE;
}

void tables_describe(struct aa *a, struct aa_table *t, struct item_build *b)
{
	tables_describe_as(a, t, tables_status(t), b);
}

void tables_not_found(struct aa *a, uint64_t conn, uint64_t rid, struct bytes name)
{
	char *text = mem_fmt("Requested resource not found: Table: %.*s not found", (int)name.n, (const char *)name.p);

	tables_answer(a, conn, rid, RESULT_NO_TABLE, text, BYTES_NONE, false);
	free(text);
}

static void describe(struct aa *a, uint64_t conn, uint64_t rid, struct bytes name)
{
	struct aa_table *t = state_table(a, name);

	if (t == NULL) {
		tables_not_found(a, conn, rid, name);
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
		if (!tables_hidden(t->t.name))
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

void tables_drop_groups(struct aa_drop *d, const struct aa_table *t)
{
	d->group = mem_resize(d->group, (d->n + t->nparts) * sizeof *d->group);
	for (size_t i = 0; i < t->nparts; i++)
		d->group[d->n++] = t->part[i].group;
}

void tables_put_drop(struct aa *a, struct cat_write *w, const struct aa_drop *d)
{
	struct item_build *b = &a->build;
	struct bytes row;
	uint8_t *groups;
	char sk[24];

	snprintf(sk, sizeof sk, "%llu", (unsigned long long)d->table);
	item_build_reset(b);
	item_build_item(b);
	item_build_name(b, BYTES_LIT("pk")), item_build_s(b, BYTES_LIT("drop"));
	item_build_name(b, BYTES_LIT("sk")), item_build_s(b, bytes_str(sk));
	item_build_name(b, BYTES_LIT("groups"));
	groups = item_build_b_room(b, 8 * d->n);
	for (size_t i = 0; i < d->n; i++)
		store_u64(groups + 8 * i, d->group[i]);
	item_build_close(b);
	row = bytes_copy(item_build_view(b));
	cat_put(a, w, row, NULL);
	free((void *)row.p);
}

/* One entry makes the table go, with the tables of its indexes, and notes what nodes must drop. */
static bool build_delete(struct aa *a, void *arg, struct cat_write *w)
{
	struct deleting *d = arg;
	struct aa_table *t = state_table(a, d->name);
	struct aa_counters c = a->counters;
	struct aa_table *rows;
	struct value v;

	if (t == NULL) {
		tables_not_found(a, d->conn, d->rid, d->name);
		free_deleting(d);
		return false;
	}
	if (item_get(t->t.definition, BYTES_LIT("DeletionProtectionEnabled"), &v) && v.tag == ITEM_TRUE) {
		tables_answer(a, d->conn, d->rid, RESULT_INVALID, "Resource cannot be deleted as it is currently protected against deletion. "
			      "Disable deletion protection first.", BYTES_NONE, false);
		free_deleting(d);
		return false;
	}
	d->table = t->t.id;
	d->version = ++c.version;
	d->drop = mem_new(sizeof *d->drop);
	d->drop->table = t->t.id;
	tables_drop_groups(d->drop, t);
	for (size_t i = 0; i < t->indexes.n; i++) {
		rows = t->indexes.v[i].local ? NULL : state_table(a, t->indexes.v[i].table);
		if (rows == NULL)
			continue;
		tables_drop_groups(d->drop, rows);
		cat_delete(a, w, "table", rows->t.name);
	}
	tables_put_drop(a, w, d->drop);
	cat_delete(a, w, "table", d->name);
	state_put_counters(a, w, &c);
	return true;
}

void tables_gone(struct aa *a, struct bytes name)
{
	struct aa_table *t = state_table(a, name);

	if (t == NULL)
		return;
	push_table(a, t, true);
	state_remove_table(a, t);
}

void tables_dropped(struct aa *a, struct aa_drop *d)
{
	d->since = clock_ms();
	d->next = a->drops;
	a->drops = d;
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
	tables_describe_as(a, t, TABLE_DELETING, &a->build);
	tables_answer(a, d->conn, d->rid, RESULT_OK, NULL, item_build_view(&a->build), false);
	for (size_t i = 0; i < t->indexes.n; i++)
		if (!t->indexes.v[i].local)
			tables_gone(a, t->indexes.v[i].table);
	tables_gone(a, d->name);
	tables_dropped(a, d->drop);
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

	if (t != NULL && (!t->serving || tables_index_moving(t))) {
		text = mem_fmt("Attempt to change a resource which is still in use: Table is being %s: %.*s",
			       t->serving ? "updated" : "created", (int)name.n, (const char *)name.p);
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
	else if (tables_hidden(m.name))
		tables_not_found(a, conn, rid, m.name);
	else if (bytes_is(m.verb, "ledger"))
		ledger_make(a, conn, rid);
	else if (bytes_is(m.verb, "create"))
		tables_create(a, conn, rid, m.body);
	else if (bytes_is(m.verb, "describe"))
		describe(a, conn, rid, m.name);
	else if (bytes_is(m.verb, "update"))
		tables_update(a, conn, rid, m.name, m.body);
	else if (bytes_is(m.verb, "delete"))
		delete(a, conn, rid, m.name);
	else if (bytes_is(m.verb, "list"))
		list(a, conn, rid, m.name, m.limit);
	else
		tables_answer(a, conn, rid, RESULT_NOT_SUPPORTED, "unknown verb", BYTES_NONE, false);
}
