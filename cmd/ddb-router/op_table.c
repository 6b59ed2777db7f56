/* DescribeTable, ListTables, DeleteTable.  The catalogue is autoadmin's; the map has the last word on whether a table serves. */
#include <stdio.h>
#include <stdlib.h>

#include "clock.h"
#include "mem.h"
#include "msg.h"
#include "op_index.h"
#include "op_table.h"

#define LIST_MAX 100

const uint8_t op_table_describe_members[] = { API_TABLE_NAME, API_NO_MEMBER };
const uint8_t op_table_delete_members[] = { API_TABLE_NAME, API_NO_MEMBER };
const uint8_t op_table_list_members[] = { API_EXCLUSIVE_START_TABLE_NAME, API_LIMIT, API_NO_MEMBER };

/* --- describe ----------------------------------------------------------------------------------------------------- */

static void free_definition(void *own)
{
	struct buf *b = own;

	buf_fini(b);
	free(b);
}

static void keep(struct api_req *q, struct bytes definition)
{
	q->own = mem_new(sizeof(struct buf));
	q->own_free = free_definition;
	buf_bytes(q->own, definition);
}

static void answer_table(struct api_req *q, const char *name, struct bytes definition, const char *status, const struct index_set *map)
{
	struct json_write *w = api_begin(q);

	json_write_name(w, name);
	op_table_write(w, definition, status, map);
	api_end(q);
}

bool op_table_given(struct api_req *q, enum result result, const struct msg_admin_done *m)
{
	bool given = result == RESULT_OK && item_check(m->body);
	struct bytes arn = q->m[API_RESOURCE_ARN].s;

	if (result == RESULT_NO_TABLE && arn.n > 0)
		api_refuse(q, result, "Requested resource not found: ResourceArn: %.*s not found", (int)arn.n, (const char *)arn.p);
	else if (!given)
		api_fail(q, result == RESULT_OK ? RESULT_INTERNAL : result, result == RESULT_OK ? BYTES_NONE : m->text);
	return given;
}

static bool is_older(const struct route_table *t, struct bytes definition)
{
	struct value v;
	struct num n;
	uint64_t version;

	return item_get(definition, BYTES_LIT("Version"), &v) && item_value_num(v, &n) && num_to_u64(&n, &version) &&
	       t->table.version < version;
}

/* Autoadmin may know of a table, or an index, before the map does: until then a request for an item would not find it. */
static void mapped(void *arg, enum result result, struct route_table *t)
{
	struct api_req *q = arg;
	bool serves = result != RESULT_NO_TABLE && (t == NULL || t->table.status != TABLE_CREATING);
	struct bytes definition = buf_view(q->own);
	bool waits = serves && t != NULL && is_older(t, definition) && !op_index_all_known(definition, &t->indexes);

	answer_table(q, "Table", definition, !serves ? "CREATING" : waits ? "UPDATING" : NULL, waits ? &t->indexes : NULL);
}

static void described(struct api_req *q, enum result result, const struct msg_admin_done *m)
{
	struct value status;

	if (!op_table_given(q, result, m))
		return;
	if (!item_get(m->body, BYTES_LIT("TableStatus"), &status) || !bytes_is(status.body, "ACTIVE")) {
		answer_table(q, "Table", m->body, NULL, NULL);
		return;
	}
	keep(q, m->body);
	route_fetch(q->r, q->m[API_TABLE_NAME].s, BYTES_NONE, mapped, q);
}

void op_table_describe(struct api_req *q)
{
	api_admin(q, "describe", q->m[API_TABLE_NAME].s, BYTES_NONE, 0, described);
}

/* --- change ------------------------------------------------------------------------------------------------------- */

static void ask(struct api_req *q);

static void edited(struct api_req *q, enum result result, const struct msg_admin_done *m)
{
	if (result == RESULT_STALE_SCHEMA && clock_ms() < q->deadline_ms)
		ask(q);
	else if (op_table_given(q, result, m))
		op_table_spec_of(q)->changed(q, m->body);
}

static void to_edit(struct api_req *q, enum result result, const struct msg_admin_done *m)
{
	struct op_table_spec *s = op_table_spec_of(q);
	struct value status;
	enum result r;

	if (!op_table_given(q, result, m))
		return;
	if (item_get(m->body, BYTES_LIT("TableStatus"), &status) && bytes_is(status.body, "CREATING")) {
		api_refuse(q, RESULT_IN_USE, "Attempt to change a resource which is still in use: Table is being created: %.*s",
		           (int)s->name.n, (const char *)s->name.p);
		return;
	}
	buf_clear(&q->failed);
	r = s->change(q, m->body);
	if (r != RESULT_OK)
		api_fail(q, r, buf_view(&q->failed));
	else
		api_admin(q, "update", s->name, item_build_view(&q->item), 0, edited);
}

static void ask(struct api_req *q)
{
	api_admin(q, "describe", op_table_spec_of(q)->name, BYTES_NONE, 0, to_edit);
}

void op_table_edit(struct api_req *q, struct bytes name, enum result (*change)(struct api_req *q, struct bytes old),
                   void (*changed)(struct api_req *q, struct bytes definition))
{
	struct op_table_spec *s = op_table_spec_of(q);

	s->name = name;
	s->change = change;
	s->changed = changed;
	ask(q);
}

/* --- delete ------------------------------------------------------------------------------------------------------- */

/* memds was asked: what this router remembers of the table is gone, or soon will be. */
static void unmapped(void *arg, enum result result, struct route_table *t)
{
	struct api_req *q = arg;

	(void)result;
	(void)t;
	answer_table(q, "TableDescription", buf_view(q->own), "DELETING", NULL);
}

static void deleted(struct api_req *q, enum result result, const struct msg_admin_done *m)
{
	if (!op_table_given(q, result, m))
		return;
	keep(q, m->body);
	route_fetch(q->r, q->m[API_TABLE_NAME].s, BYTES_NONE, unmapped, q);
}

void op_table_delete(struct api_req *q)
{
	api_admin(q, "delete", q->m[API_TABLE_NAME].s, BYTES_NONE, 0, deleted);
}

/* --- list --------------------------------------------------------------------------------------------------------- */

static void listed(struct api_req *q, enum result result, const struct msg_admin_done *m)
{
	struct cur c = cur_of(m->body);
	struct bytes name = BYTES_NONE;
	struct json_write *w;

	if (result != RESULT_OK) {
		api_fail(q, result, m->text);
		return;
	}
	w = api_begin(q);
	json_write_name(w, "TableNames");
	json_write_array(w);
	while (!cur_done(&c)) {
		struct bytes next = cur_lenbytes(&c);

		if (c.bad)
			break;
		name = next;
		json_write_string(w, name);
	}
	json_write_array_end(w);
	if (m->more && name.n > 0) {
		json_write_name(w, "LastEvaluatedTableName");
		json_write_string(w, name);
	}
	api_end(q);
}

void op_table_list(struct api_req *q)
{
	int64_t limit = q->m[API_LIMIT].given ? q->m[API_LIMIT].i : LIST_MAX;
	char text[32];

	if (limit > LIST_MAX) {
		snprintf(text, sizeof text, "%lld", (long long)limit);
		api_constraint(q, "limit", bytes_str(text), "Member must have value less than or equal to 100");
		api_settled(q);
		return;
	}
	api_admin(q, "list", q->m[API_EXCLUSIVE_START_TABLE_NAME].s, BYTES_NONE, (uint32_t)limit, listed);
}
