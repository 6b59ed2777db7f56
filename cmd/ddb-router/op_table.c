/* DescribeTable, ListTables, DeleteTable.  The catalogue is autoadmin's; the map has the last word on whether a table serves. */
#include <stdio.h>
#include <stdlib.h>

#include "api.h"
#include "mem.h"
#include "msg.h"
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

static void answer_table(struct api_req *q, const char *name, struct bytes definition, const char *status)
{
	struct json_write *w = api_begin(q);

	json_write_name(w, name);
	op_table_write(w, definition, status);
	api_end(q);
}

bool op_table_given(struct api_req *q, enum result result, const struct msg_admin_done *m)
{
	bool given = result == RESULT_OK && item_check(m->body);

	if (!given)
		api_fail(q, result == RESULT_OK ? RESULT_INTERNAL : result, result == RESULT_OK ? BYTES_NONE : m->text);
	return given;
}

/* Autoadmin may know of a table before the map does: until then a request for an item would not find it. */
static void mapped(void *arg, enum result result, struct route_table *t)
{
	struct api_req *q = arg;
	bool serves = result != RESULT_NO_TABLE && (t == NULL || t->table.status != TABLE_CREATING);

	answer_table(q, "Table", buf_view(q->own), serves ? NULL : "CREATING");
}

static void described(struct api_req *q, enum result result, const struct msg_admin_done *m)
{
	struct value status;

	if (!op_table_given(q, result, m))
		return;
	if (!item_get(m->body, BYTES_LIT("TableStatus"), &status) || !bytes_is(status.body, "ACTIVE")) {
		answer_table(q, "Table", m->body, NULL);
		return;
	}
	keep(q, m->body);
	route_fetch(q->r, q->m[API_TABLE_NAME].s, BYTES_NONE, mapped, q);
}

void op_table_describe(struct api_req *q)
{
	api_admin(q, "describe", q->m[API_TABLE_NAME].s, BYTES_NONE, 0, described);
}

/* --- delete ------------------------------------------------------------------------------------------------------- */

/* memds was asked: what this router remembers of the table is gone, or soon will be. */
static void unmapped(void *arg, enum result result, struct route_table *t)
{
	struct api_req *q = arg;

	(void)result;
	(void)t;
	answer_table(q, "TableDescription", buf_view(q->own), "DELETING");
}

static void deleted(struct api_req *q, enum result result, const struct msg_admin_done *m)
{
	if (!op_table_given(q, result, m))
		return;
	keep(q, m->body);
	route_fetch(q->r, q->m[API_TABLE_NAME].s, BYTES_NONE, unmapped, q);
}

static void to_delete(struct api_req *q, enum result result, const struct msg_admin_done *m)
{
	struct value v;

	if (result != RESULT_OK)
		api_fail(q, result, m->text);
	else if (item_check(m->body) && item_get(m->body, BYTES_LIT("DeletionProtectionEnabled"), &v) && v.tag == ITEM_TRUE)
		api_refuse(q, RESULT_INVALID, "Resource cannot be deleted as it is currently protected against deletion. "
		                              "Disable deletion protection first.");
	else
		api_admin(q, "delete", q->m[API_TABLE_NAME].s, BYTES_NONE, 0, deleted);
}

void op_table_delete(struct api_req *q)
{
	api_admin(q, "describe", q->m[API_TABLE_NAME].s, BYTES_NONE, 0, to_delete);
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
