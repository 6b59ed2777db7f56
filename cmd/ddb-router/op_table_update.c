/* UpdateTable.  What it changes is done when it answers, but for indexes; the service takes its time, and says UPDATING until then. */
#include "clock.h"
#include "op_table.h"
#include "op_table_change.h"

const uint8_t op_table_update_members[] = {
	API_ATTRIBUTE_DEFINITIONS, API_TABLE_NAME, API_BILLING_MODE, API_PROVISIONED_THROUGHPUT, API_GLOBAL_INDEX_UPDATES, API_STREAM, API_SSE,
	API_REPLICA_UPDATES, API_TABLE_CLASS, API_DELETION_PROTECTION, API_MULTI_REGION, API_GLOBAL_TABLE_WITNESSES,
	API_GLOBAL_TABLE_SETTINGS, API_ON_DEMAND_THROUGHPUT, API_WARM_THROUGHPUT, API_NO_MEMBER
};

static enum result change(struct api_req *q, struct bytes old)
{
	return op_table_change(q, old, clock_wall_us() / 1000, &q->item, &q->failed);
}

static void changed(struct api_req *q, struct bytes definition)
{
	bool slow = q->m[API_BILLING_MODE].given || q->m[API_PROVISIONED_THROUGHPUT].given || q->m[API_STREAM].given ||
		    q->m[API_TABLE_CLASS].given || op_table_spec_of(q)->updates.n > 0;
	struct json_write *w = api_begin(q);

	json_write_name(w, "TableDescription");
	op_table_write(w, definition, slow ? "UPDATING" : NULL, NULL);
	api_end(q);
}

static const char *unsupported(struct api_req *q)
{
	if (q->m[API_REPLICA_UPDATES].given || q->m[API_MULTI_REGION].given || q->m[API_GLOBAL_TABLE_WITNESSES].given ||
	    q->m[API_GLOBAL_TABLE_SETTINGS].given)
		return "Replicas are not supported yet";
	return NULL;
}

void op_table_update(struct api_req *q)
{
	op_table_change_test(q, &q->failed);
	if (q->failed.n > 0)
		api_fail(q, RESULT_INVALID, buf_view(&q->failed));
	else if (unsupported(q) != NULL)
		api_refuse(q, RESULT_NOT_SUPPORTED, "%s", unsupported(q));
	else
		op_table_edit(q, q->m[API_TABLE_NAME].s, change, changed);
}
