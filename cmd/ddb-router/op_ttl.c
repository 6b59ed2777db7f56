/*
 * DescribeTimeToLive and UpdateTimeToLive.  A table's definition says which attribute it is (common/table.h); autoadmin
 * tells the nodes.  Source: the API reference; the refusals are in the words that users of the service quote.
 */
#include <stdlib.h>

#include "clock.h"
#include "mem.h"
#include "op_table.h"

const uint8_t op_ttl_describe_members[] = { API_TABLE_NAME, API_NO_MEMBER };
const uint8_t op_ttl_update_members[] = { API_TABLE_NAME, API_TIME_TO_LIVE | API_REQUIRED, API_NO_MEMBER };

struct setting {
	struct bytes name;
	bool enabled, has_name, has_enabled;
	uint64_t changed_ms;                     /* since 1970; 0: never.  Not of a request's */
};

/* What a definition says; without a word from anybody, that nothing expires. */
static struct setting present(struct bytes definition)
{
	struct setting s = { .changed_ms = 0 };
	struct value ttl, v;
	struct num n;

	if (!item_get(definition, BYTES_LIT("TimeToLive"), &ttl) || ttl.tag != ITEM_M)
		return s;
	if (item_get(ttl.body, BYTES_LIT("AttributeName"), &v) && v.tag == ITEM_S)
		s.name = v.body;
	s.enabled = item_get(ttl.body, BYTES_LIT("Enabled"), &v) && v.tag == ITEM_TRUE;
	if (!item_get(ttl.body, BYTES_LIT("Changed"), &v) || !item_value_num(v, &n) || !num_to_u64(&n, &s.changed_ms))
		s.changed_ms = 0;
	return s;
}

/* --- describe ----------------------------------------------------------------------------------------------------- */

static void described(struct api_req *q, enum result result, const struct msg_admin_done *m)
{
	struct setting s;
	struct json_write *w;

	if (!op_table_given(q, result, m))
		return;
	s = present(m->body);
	w = api_begin(q);
	json_write_name(w, "TimeToLiveDescription");
	json_write_object(w);
	json_write_name(w, "TimeToLiveStatus");
	json_write_str(w, s.enabled ? "ENABLED" : "DISABLED");
	if (s.enabled) {
		json_write_name(w, "AttributeName");
		json_write_string(w, s.name);
	}
	json_write_object_end(w);
	api_end(q);
}

void op_ttl_describe(struct api_req *q)
{
	api_admin(q, "describe", q->m[API_TABLE_NAME].s, BYTES_NONE, 0, described);
}

/* --- update ------------------------------------------------------------------------------------------------------- */

enum djson_result op_ttl_read(struct api_req *q, enum api_member m, struct json_read *r, struct djson_error *e)
{
	struct setting *s = q->own;

	(void)m;
	if (s == NULL) {
		s = q->own = mem_new(sizeof *s);
		q->own_free = free;
	}
	if (r->token != JSON_OBJECT)
		return djson_mismatch(e, r->token, JSON_OBJECT);
	while (json_read_next(r) == JSON_KEY) {
		bool name = bytes_is(r->str, "AttributeName"), enabled = bytes_is(r->str, "Enabled");
		enum djson_result result = DJSON_OK;

		json_read_next(r);
		if (name)
			result = api_read_string(r, &s->name, &s->has_name, e);
		else if (enabled)
			result = api_read_bool(r, &s->enabled, &s->has_enabled, e);
		else if (!json_read_skip(r))
			break;
		if (result != DJSON_OK)
			return result;
	}
	if (r->token == JSON_OBJECT_END)
		return DJSON_OK;
	*e = (struct djson_error){ .result = DJSON_SYNTAX };
	return DJSON_SYNTAX;
}

static void test(struct api_req *q, const struct setting *s)
{
	static const char where[] = "timeToLiveSpecification.attributeName";

	if (!s->has_name)
		api_constraint(q, where, BYTES_NONE, "Member must not be null");
	else if (s->name.n == 0)
		api_constraint(q, where, BYTES_LIT(""), "Member must have length greater than or equal to 1");
	else if (s->name.n > TABLE_TTL_MAX)
		api_constraint(q, where, s->name, "Member must have length less than or equal to 255");
	if (!s->has_enabled)
		api_constraint(q, "timeToLiveSpecification.enabled", BYTES_NONE, "Member must not be null");
}

static void ask(struct api_req *q);

static void updated(struct api_req *q, enum result result, const struct msg_admin_done *m)
{
	const struct setting *s = q->own;
	struct json_write *w;

	if (result == RESULT_STALE_SCHEMA) {             /* somebody else changed the table meanwhile */
		ask(q);
		return;
	}
	if (!op_table_given(q, result, m))
		return;
	w = api_begin(q);
	json_write_name(w, "TimeToLiveSpecification");
	json_write_object(w);
	json_write_name(w, "AttributeName");
	json_write_string(w, s->name);
	json_write_name(w, "Enabled");
	json_write_bool(w, s->enabled);
	json_write_object_end(w);
	api_end(q);
}

/* The change, for the definition that was described and no other. */
static void change(struct api_req *q, const struct setting *s, struct bytes definition)
{
	struct item_build *b = &q->item;
	struct value version;

	item_build_reset(b);
	item_build_item(b);
	if (item_get(definition, BYTES_LIT("Version"), &version))
		item_build_name(b, BYTES_LIT("Version")), item_build_raw(b, version.raw);
	item_build_name(b, BYTES_LIT("TimeToLive")), item_build_open(b, ITEM_M);
	item_build_name(b, BYTES_LIT("AttributeName")), item_build_s(b, s->name);
	item_build_name(b, BYTES_LIT("Enabled")), item_build_bool(b, s->enabled);
	item_build_name(b, BYTES_LIT("Changed")), item_build_u64(b, clock_wall_us() / 1000);
	item_build_close(b);
	item_build_close(b);
	api_admin(q, "update", q->m[API_TABLE_NAME].s, item_build_view(b), 0, updated);
}

static void known(struct api_req *q, enum result result, const struct msg_admin_done *m)
{
	const struct setting *s = q->own;
	uint64_t now_ms = clock_wall_us() / 1000;
	struct setting old;

	if (!op_table_given(q, result, m))
		return;
	old = present(m->body);
	if (old.enabled && !bytes_eq(old.name, s->name))
		api_refuse(q, RESULT_INVALID, "TimeToLive is active on a different AttributeName: current AttributeName is %.*s",
		           (int)old.name.n, (const char *)old.name.p);
	else if (old.enabled == s->enabled)
		api_refuse(q, RESULT_INVALID, "TimeToLive is already %s", s->enabled ? "enabled" : "disabled");
	else if (old.changed_ms > 0 && now_ms >= old.changed_ms &&
	         now_ms - old.changed_ms < q->r->ttl_change_ms)
		api_refuse(q, RESULT_INVALID, "Time to live has been modified multiple times within a fixed interval");
	else
		change(q, s, m->body);
}

static void ask(struct api_req *q)
{
	api_admin(q, "describe", q->m[API_TABLE_NAME].s, BYTES_NONE, 0, known);
}

void op_ttl_update(struct api_req *q)
{
	test(q, q->own);
	if (api_settled(q))
		ask(q);
}
