/* What a client asks about the service itself, and what Terraform asks right after creating a table. */
#include <stdio.h>

#include "op_table.h"

const uint8_t op_info_endpoints_members[] = { API_NO_MEMBER };
const uint8_t op_info_limits_members[] = { API_NO_MEMBER };
const uint8_t op_info_backups_members[] = { API_TABLE_NAME, API_NO_MEMBER };
const uint8_t op_info_backups_update_members[] = { API_TABLE_NAME, API_POINT_IN_TIME | API_REQUIRED, API_NO_MEMBER };

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

/* --- continuous backups ------------------------------------------------------------------------------------------- */

static void backups(struct api_req *q, enum result result, const struct msg_admin_done *m)
{
	struct bytes name = q->m[API_TABLE_NAME].s;
	struct json_write *w;

	if (result == RESULT_NO_TABLE) {
		api_refuse(q, RESULT_NO_SUCH_TABLE, "Table not found: %.*s", (int)name.n, (const char *)name.p);
		return;
	}
	if (!op_table_given(q, result, m))
		return;
	w = api_begin(q);
	json_write_name(w, "ContinuousBackupsDescription");
	json_write_raw(w, BYTES_LIT("{\"ContinuousBackupsStatus\":\"ENABLED\","
	                            "\"PointInTimeRecoveryDescription\":{\"PointInTimeRecoveryStatus\":\"DISABLED\"}}"));
	api_end(q);
}

void op_info_backups(struct api_req *q)
{
	api_admin(q, "describe", q->m[API_TABLE_NAME].s, BYTES_NONE, 0, backups);
}

void op_info_backups_test(struct api_req *q)
{
	const struct op_table_spec *s = op_table_spec_of(q);
	int64_t n = s->recovery_days.v;
	char days[32];

	if (!q->m[API_POINT_IN_TIME].given)
		return;
	snprintf(days, sizeof days, "%lld", (long long)n);
	if (!s->recovery_given)
		api_constraint(q, "pointInTimeRecoverySpecification.pointInTimeRecoveryEnabled", BYTES_NONE, "Member must not be null");
	if (s->recovery_days.given && n < 1)
		api_constraint(q, "pointInTimeRecoverySpecification.recoveryPeriodInDays", bytes_str(days),
		               "Member must have value greater than or equal to 1");
	if (s->recovery_days.given && n > 35)
		api_constraint(q, "pointInTimeRecoverySpecification.recoveryPeriodInDays", bytes_str(days),
		               "Member must have value less than or equal to 35");
}

/* Whoever enables it counts on going back in time; without an archive that must fail now, not on the day it is needed. */
void op_info_backups_update(struct api_req *q)
{
	const struct op_table_spec *s = q->own;          /* there, as it is required */

	if (s->recovery)
		api_refuse(q, RESULT_NOT_SUPPORTED, "Point-in-time recovery is not supported yet");
	else if (s->recovery_days.given)
		api_refuse(q, RESULT_INVALID, "Invalid Request: Cannot specify RecoveryPeriodInDays when disabling point-in-time recovery.");
	else
		op_info_backups(q);
}
