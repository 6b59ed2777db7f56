/*
 * DescribeTimeToLive and UpdateTimeToLive.  A table's definition says which attribute it is (common/table.h); autoadmin
 * tells the nodes.  Source: the API reference; the refusals are in the words that users of the service quote.
 */
#include "clock.h"
#include "op_table.h"
#include "op_table_settings.h"
#include "table.h"

const uint8_t op_ttl_describe_members[] = { API_TABLE_NAME, API_NO_MEMBER };
const uint8_t op_ttl_update_members[] = { API_TABLE_NAME, API_TIME_TO_LIVE | API_REQUIRED, API_NO_MEMBER };

struct setting {
	struct bytes name;
	bool enabled;
	uint64_t changed_ms;                     /* since 1970; 0: never */
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

void op_ttl_test(struct api_req *q)
{
	static const char where[] = "timeToLiveSpecification.attributeName";
	const struct op_table_spec *s = op_table_spec_of(q);

	if (!q->m[API_TIME_TO_LIVE].given)
		return;
	if (s->ttl_attribute.p == NULL)
		api_constraint(q, where, BYTES_NONE, "Member must not be null");
	else if (s->ttl_attribute.n == 0)
		api_constraint(q, where, BYTES_LIT(""), "Member must have length greater than or equal to 1");
	else if (s->ttl_attribute.n > TABLE_TTL_MAX)
		api_constraint(q, where, s->ttl_attribute, "Member must have length less than or equal to 255");
	if (!s->ttl_given)
		api_constraint(q, "timeToLiveSpecification.enabled", BYTES_NONE, "Member must not be null");
}

static enum result refuse(struct api_req *q, const struct op_table_spec *s, const struct setting *old, uint64_t now_ms)
{
	if (old->enabled && !bytes_eq(old->name, s->ttl_attribute)) {
		buf_str(&q->failed, "TimeToLive is active on a different AttributeName: current AttributeName is ");
		buf_bytes(&q->failed, old->name);
	} else if (old->enabled == s->ttl) {
		buf_fmt(&q->failed, "TimeToLive is already %s", s->ttl ? "enabled" : "disabled");
	} else if (old->changed_ms > 0 && now_ms >= old->changed_ms && now_ms - old->changed_ms < q->r->ttl_change_ms) {
		buf_str(&q->failed, "Time to live has been modified multiple times within a fixed interval");
	} else {
		return RESULT_OK;
	}
	return RESULT_INVALID;
}

static enum result change(struct api_req *q, struct bytes definition)
{
	const struct op_table_spec *s = op_table_spec_of(q);
	uint64_t now_ms = clock_wall_us() / 1000;
	struct setting old = present(definition);
	struct item_build *b = &q->item;

	if (refuse(q, s, &old, now_ms) != RESULT_OK)
		return RESULT_INVALID;
	op_table_settings_begin(b, definition);
	item_build_name(b, BYTES_LIT("TimeToLive")), item_build_open(b, ITEM_M);
	item_build_name(b, BYTES_LIT("AttributeName")), item_build_s(b, s->ttl_attribute);
	item_build_name(b, BYTES_LIT("Enabled")), item_build_bool(b, s->ttl);
	item_build_name(b, BYTES_LIT("Changed")), item_build_u64(b, now_ms);
	item_build_close(b);
	item_build_close(b);
	return RESULT_OK;
}

static void changed(struct api_req *q, struct bytes definition)
{
	const struct op_table_spec *s = op_table_spec_of(q);
	struct json_write *w = api_begin(q);

	(void)definition;
	json_write_name(w, "TimeToLiveSpecification");
	json_write_object(w);
	json_write_name(w, "AttributeName");
	json_write_string(w, s->ttl_attribute);
	json_write_name(w, "Enabled");
	json_write_bool(w, s->ttl);
	json_write_object_end(w);
	api_end(q);
}

void op_ttl_update(struct api_req *q)
{
	op_table_edit(q, q->m[API_TABLE_NAME].s, change, changed);
}
