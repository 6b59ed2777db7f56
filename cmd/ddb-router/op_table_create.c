/*
 * CreateTable: from the request to a definition for autoadmin, which knows what is there already.  Messages are in the
 * words of the service.
 */
#include "clock.h"
#include "op_index.h"
#include "op_table.h"
#include "op_table_change.h"
#include "op_tag.h"

const uint8_t op_table_create_members[] = {
	API_ATTRIBUTE_DEFINITIONS | API_REQUIRED, API_TABLE_NAME, API_KEY_SCHEMA | API_REQUIRED, API_BILLING_MODE, API_PROVISIONED_THROUGHPUT,
	API_TABLE_CLASS, API_DELETION_PROTECTION, API_WARM_THROUGHPUT, API_ON_DEMAND_THROUGHPUT, API_LOCAL_INDEXES, API_GLOBAL_INDEXES,
	API_STREAM, API_SSE, API_TAGS, API_RESOURCE_POLICY, API_GLOBAL_TABLE_SOURCE, API_GLOBAL_TABLE_SETTINGS, API_NO_MEMBER
};

/* --- what belongs together ---------------------------------------------------------------------------------------- */

static void test_stream(const struct api_req *q, const struct op_table_spec *c, struct buf *err)
{
	if (!q->m[API_STREAM].given || c->stream == (c->view.p != NULL))
		return;
	buf_str(err, c->stream ? DJSON_PREFIX "Table is being created with a stream enabled, UpdateViewType is required" :
		DJSON_PREFIX "Table is being created with a stream disabled, UpdateViewType should not be specified");
}

/* The first mistake, appended; nothing if there is none. */
static void test_billing(const struct api_req *q, const struct op_table_spec *c, struct buf *err)
{
	bool on_demand = api_is(q, API_BILLING_MODE, "PAY_PER_REQUEST"), units = q->m[API_PROVISIONED_THROUGHPUT].given;

	if (on_demand && units)
		buf_str(err, DJSON_PREFIX "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when "
		                          "BillingMode is PAY_PER_REQUEST");
	else if (!on_demand && !units)
		buf_str(err, q->m[API_BILLING_MODE].given ?
			DJSON_PREFIX "ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is PROVISIONED" :
			"No provisioned throughput specified for the table");
	else
		op_table_units_test(&c->t, BYTES_NONE, err);
	if (err->n == 0)
		op_table_units_test_warm(&c->t, BYTES_NONE, on_demand, err);
	if (err->n == 0)
		op_table_units_test_limits(&c->t, BYTES_NONE, on_demand, false, err);
}

static void test_keys(const struct op_table_spec *c, struct buf *err)
{
	op_index_test_definitions(c, err);
	if (err->n > 0)
		return;
	if (!bytes_is(c->schema[0].b, "HASH"))
		buf_str(err, "Invalid KeySchema: The first KeySchemaElement is not a HASH key type");
	else if (c->schemas == 2 && !bytes_is(c->schema[1].b, "RANGE"))
		buf_str(err, "Invalid KeySchema: The second KeySchemaElement is not a RANGE key type");
	else if (c->schemas == 2 && bytes_eq(c->schema[0].a, c->schema[1].a))
		buf_str(err, "Both the Hash Key and the Range Key element in the KeySchema have the same name");
	else
		op_index_test_defined(c->schema, c->schemas, c, err);
}

/* --- the definition ----------------------------------------------------------------------------------------------- */

static struct bytes build(struct api_req *q, const struct op_table_spec *c)
{
	struct item_build *b = &q->item;
	bool on_demand = api_is(q, API_BILLING_MODE, "PAY_PER_REQUEST");
	struct op_table_settings t = op_table_units_new(&c->t, on_demand);

	item_build_reset(b);
	item_build_item(b);
	item_build_name(b, BYTES_LIT("TableName")), item_build_s(b, q->m[API_TABLE_NAME].s);
	op_index_put_pairs(b, "AttributeDefinitions", c->definition, c->definitions, "AttributeName", "AttributeType");
	op_index_put_pairs(b, "KeySchema", c->schema, c->schemas, "AttributeName", "KeyType");
	item_build_name(b, BYTES_LIT("BillingMode")), item_build_s(b, bytes_str(on_demand ? "PAY_PER_REQUEST" : "PROVISIONED"));
	op_index_put(b, c, on_demand);
	op_table_settings_put_throughput(b, &t);
	if (c->t.warm_given)
		op_table_settings_put_warm(b, &t);
	if (t.max_read > 0 || t.max_write > 0)
		op_table_settings_put_limits(b, &t);
	if (c->stream)
		op_table_settings_put_stream(b, c, clock_wall_us() / 1000);
	if (op_table_change_encrypts(c))
		op_table_settings_put_sse(b, c, q->r->region);
	if (api_true(q, API_DELETION_PROTECTION, false))
		item_build_name(b, BYTES_LIT("DeletionProtectionEnabled")), item_build_bool(b, true);
	if (q->m[API_TABLE_CLASS].given)
		item_build_name(b, BYTES_LIT("TableClass")), item_build_s(b, q->m[API_TABLE_CLASS].s);
	if (c->tags > 0)
		op_index_put_pairs(b, "Tags", c->tag, c->tags, "Key", "Value");
	item_build_close(b);
	return item_build_view(b);
}

static void created(struct api_req *q, enum result result, const struct msg_admin_done *m)
{
	struct json_write *w;

	if (!op_table_given(q, result, m))
		return;
	w = api_begin(q);
	json_write_name(w, "TableDescription");
	op_table_write(w, m->body, NULL, NULL);
	api_end(q);
}

void op_table_create(struct api_req *q)
{
	const struct op_table_spec *c = q->own;                 /* there, as KeySchema is required */
	bool on_demand = api_is(q, API_BILLING_MODE, "PAY_PER_REQUEST");
	struct buf *err = &q->failed;

	test_billing(q, c, err);
	if (err->n == 0)
		test_keys(c, err);
	if (err->n == 0)
		op_index_test(c, on_demand, err);
	if (err->n == 0)
		test_stream(q, c, err);
	if (err->n == 0)
		op_table_change_test_sse(c, err);
	if (err->n == 0 && c->tags > 0)
		op_tag_test(c, true, err);
	if (err->n > 0)
		api_fail(q, RESULT_INVALID, buf_view(err));
	else if (q->m[API_RESOURCE_POLICY].given)
		api_refuse(q, RESULT_NOT_SUPPORTED, "Resource policies are not supported yet");
	else if (q->m[API_GLOBAL_TABLE_SOURCE].given || q->m[API_GLOBAL_TABLE_SETTINGS].given)
		api_refuse(q, RESULT_NOT_SUPPORTED, "Replicas are not supported yet");
	else
		api_admin(q, "create", q->m[API_TABLE_NAME].s, build(q, c), 0, created);
}
