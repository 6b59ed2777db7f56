/* What a client asks about the service itself, and what Terraform asks right after creating a table. */
#include <stdlib.h>

#include "api.h"

const uint8_t op_info_endpoints_members[] = { API_NO_MEMBER };
const uint8_t op_info_limits_members[] = { API_NO_MEMBER };
const uint8_t op_info_backups_members[] = { API_TABLE_NAME, API_NO_MEMBER };
const uint8_t op_info_tags_members[] = { API_RESOURCE_ARN | API_REQUIRED, API_NO_MEMBER };

void op_info_endpoints(struct api_req *q)
{
	struct bytes host = httpmsg_header(http_msg(q->http), "host", NULL);
	struct json_write *w = api_begin(q);

	json_write_name(w, "Endpoints");
	json_write_array(w);
	json_write_object(w);
	json_write_name(w, "Address");
	json_write_string(w, bytes_utf8(host) ? host : BYTES_NONE);
	json_write_name(w, "CachePeriodInMinutes");
	json_write_u64(w, 1440);
	json_write_object_end(w);
	json_write_array_end(w);
	api_end(q);
}

void op_info_limits(struct api_req *q)
{
	static const char *const names[] = { "AccountMaxReadCapacityUnits", "AccountMaxWriteCapacityUnits", "TableMaxReadCapacityUnits",
					     "TableMaxWriteCapacityUnits" };
	static const uint64_t values[] = { 80000, 80000, 40000, 40000 };
	struct json_write *w = api_begin(q);

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		json_write_name(w, names[i]);
		json_write_u64(w, values[i]);
	}
	api_end(q);
}

/* --- of a table: does it exist? ----------------------------------------------------------------------------------- */

static struct json_write *begin(struct api_req *q, enum result result, const struct msg_admin_done *m)
{
	if (result == RESULT_OK && item_check(m->body))
		return api_begin(q);
	api_fail(q, result == RESULT_OK ? RESULT_INTERNAL : result, m->text);
	return NULL;
}

static void backups(struct api_req *q, enum result result, const struct msg_admin_done *m)
{
	struct json_write *w = begin(q, result, m);

	if (w == NULL)
		return;
	json_write_name(w, "ContinuousBackupsDescription");
	json_write_raw(w, BYTES_LIT("{\"ContinuousBackupsStatus\":\"ENABLED\","
	                            "\"PointInTimeRecoveryDescription\":{\"PointInTimeRecoveryStatus\":\"DISABLED\"}}"));
	api_end(q);
}

static void write_tag(struct json_write *w, struct bytes tag)
{
	static const char *const names[] = { "Key", "Value" };
	struct value v;

	json_write_object(w);
	for (size_t i = 0; i < 2; i++) {
		if (!item_get(tag, bytes_str(names[i]), &v))
			continue;
		json_write_name(w, names[i]);
		json_write_string(w, v.body);
	}
	json_write_object_end(w);
}

static void tags(struct api_req *q, enum result result, const struct msg_admin_done *m)
{
	struct json_write *w = begin(q, result, m);
	struct item_iter it;
	struct value list, tag;

	if (w == NULL)
		return;
	json_write_name(w, "Tags");
	json_write_array(w);
	if (item_get(m->body, BYTES_LIT("Tags"), &list) && list.tag == ITEM_L)
		for (it = item_iter(list.body); item_next_value(&it, &tag);)
			write_tag(w, tag.body);
	json_write_array_end(w);
	api_end(q);
}

void op_info_backups(struct api_req *q)
{
	api_admin(q, "describe", q->m[API_TABLE_NAME].s, BYTES_NONE, 0, backups);
}

void op_info_tags(struct api_req *q)
{
	api_admin(q, "describe", api_table_name(q->m[API_RESOURCE_ARN].s), BYTES_NONE, 0, tags);
}
