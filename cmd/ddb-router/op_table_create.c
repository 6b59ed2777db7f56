/*
 * CreateTable: from the request to a definition for autoadmin, which knows what is there already.  Messages are in the
 * words of the service.
 */
#include <inttypes.h>

#include "clock.h"
#include "op_table.h"
#include "op_table_change.h"
#include "op_table_settings.h"
#include "op_tag.h"

const uint8_t op_table_create_members[] = {
	API_ATTRIBUTE_DEFINITIONS | API_REQUIRED, API_TABLE_NAME, API_KEY_SCHEMA | API_REQUIRED, API_BILLING_MODE, API_PROVISIONED_THROUGHPUT,
	API_TABLE_CLASS, API_DELETION_PROTECTION, API_WARM_THROUGHPUT, API_ON_DEMAND_THROUGHPUT, API_LOCAL_INDEXES, API_GLOBAL_INDEXES,
	API_STREAM, API_SSE, API_TAGS, API_RESOURCE_POLICY, API_GLOBAL_TABLE_SOURCE, API_GLOBAL_TABLE_SETTINGS, API_NO_MEMBER
};

/* --- what belongs together ---------------------------------------------------------------------------------------- */

static const struct op_table_pair *definition_of(const struct op_table_spec *c, struct bytes name)
{
	for (size_t i = 0; i < c->definitions; i++)
		if (bytes_eq(c->definition[i].a, name))
			return &c->definition[i];
	return NULL;
}

static void names(const struct op_table_pair *p, size_t n, const char *mark, struct buf *out)
{
	buf_str(out, mark);
	for (size_t i = 0; i < n; i++) {
		buf_str(out, i > 0 ? ", " : "");
		buf_bytes(out, p[i].a);
	}
	buf_str(out, "]");
}

static void test_warm(const struct op_table_spec *c, bool on_demand, struct buf *err)
{
	static const char *const names[] = { "ReadUnitsPerSecond", "WriteUnitsPerSecond" }, *const units[] = { "Read", "Write" };
	const struct op_table_number *const n[] = { &c->warm_read, &c->warm_write };
	const int64_t least[] = { on_demand ? OP_TABLE_WARM_READ : c->read.v, on_demand ? OP_TABLE_WARM_WRITE : c->write.v };

	for (size_t i = 0; i < 2 && err->n == 0; i++) {
		if (!n[i]->given || (n[i]->v >= least[i] && n[i]->v <= OP_TABLE_UNITS_MAX))
			continue;
		buf_fmt(err, DJSON_PREFIX "Requested %s for WarmThroughput for table is ", names[i]);
		if (n[i]->v > OP_TABLE_UNITS_MAX)
			buf_str(err, "out of bounds");
		else if (on_demand)
			buf_str(err, "lower than initial throughput for OnDemand");
		else
			buf_fmt(err, "lower than %sCapacityUnits of ProvisionedThroughput", units[i]);
	}
}

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
	else if (units && c->read.v > OP_TABLE_UNITS_MAX)
		buf_fmt(err, "Given value %" PRId64 " for ReadCapacityUnits is out of bounds", c->read.v);
	else if (units && c->write.v > OP_TABLE_UNITS_MAX)
		buf_fmt(err, "Given value %" PRId64 " for WriteCapacityUnits is out of bounds", c->write.v);
	else
		test_warm(c, on_demand, err);
	if (err->n == 0)
		op_table_change_test_limits(c, on_demand, false, err);
}

static void test_keys(const struct op_table_spec *c, struct buf *err)
{
	if (c->definitions > OP_TABLE_DEFINITIONS_MAX) {
		buf_str(err, DJSON_PREFIX "Number of attributes in AttributeDefinitions exceeds the limit");
		return;
	}
	for (size_t i = 0; i < c->definitions; i++) {
		if (definition_of(c, c->definition[i].a) == &c->definition[i])
			continue;
		buf_str(err, "Cannot have two attributes with the same name");
		return;
	}
	if (!bytes_is(c->schema[0].b, "HASH")) {
		buf_str(err, "Invalid KeySchema: The first KeySchemaElement is not a HASH key type");
	} else if (c->schemas == 2 && !bytes_is(c->schema[1].b, "RANGE")) {
		buf_str(err, "Invalid KeySchema: The second KeySchemaElement is not a RANGE key type");
	} else if (c->schemas == 2 && bytes_eq(c->schema[0].a, c->schema[1].a)) {
		buf_str(err, "Both the Hash Key and the Range Key element in the KeySchema have the same name");
	} else if (definition_of(c, c->schema[0].a) == NULL || (c->schemas == 2 && definition_of(c, c->schema[1].a) == NULL)) {
		buf_str(err, DJSON_PREFIX "Some index key attributes are not defined in AttributeDefinitions. Keys: ");
		names(c->schema, c->schemas, "[", err);
		names(c->definition, c->definitions, ", AttributeDefinitions: [", err);
	} else if (c->definitions != c->schemas) {
		buf_str(err, DJSON_PREFIX "Number of attributes in KeySchema does not exactly match number of attributes defined in "
		                          "AttributeDefinitions");
	}
}

/* --- the definition ----------------------------------------------------------------------------------------------- */

static void put_pairs(struct item_build *b, const char *name, const struct op_table_pair *p, size_t n, const char *first, const char *second)
{
	item_build_name(b, bytes_str(name));
	item_build_open(b, ITEM_L);
	for (size_t i = 0; i < n; i++) {
		item_build_open(b, ITEM_M);
		item_build_name(b, bytes_str(first)), item_build_s(b, p[i].a);
		item_build_name(b, bytes_str(second)), item_build_s(b, p[i].b);
		item_build_close(b);
	}
	item_build_close(b);
}

static struct bytes build(struct api_req *q, const struct op_table_spec *c)
{
	struct item_build *b = &q->item;
	struct op_table_settings units = { .read = (uint64_t)c->read.v, .write = (uint64_t)c->write.v };
	bool on_demand = api_is(q, API_BILLING_MODE, "PAY_PER_REQUEST");

	item_build_reset(b);
	item_build_item(b);
	item_build_name(b, BYTES_LIT("TableName")), item_build_s(b, q->m[API_TABLE_NAME].s);
	put_pairs(b, "AttributeDefinitions", c->definition, c->definitions, "AttributeName", "AttributeType");
	put_pairs(b, "KeySchema", c->schema, c->schemas, "AttributeName", "KeyType");
	item_build_name(b, BYTES_LIT("BillingMode")), item_build_s(b, bytes_str(on_demand ? "PAY_PER_REQUEST" : "PROVISIONED"));
	op_table_settings_put_throughput(b, &units);
	if (c->warm_read.given || c->warm_write.given)
		op_table_settings_put_pair(b, "WarmThroughput", "ReadUnitsPerSecond", (uint64_t)c->warm_read.v, "WriteUnitsPerSecond",
					   (uint64_t)c->warm_write.v);
	if (c->max_read.given || c->max_write.given)
		op_table_settings_put_pair(b, "OnDemandThroughput", "MaxReadRequestUnits", (uint64_t)c->max_read.v, "MaxWriteRequestUnits",
					   (uint64_t)c->max_write.v);
	if (c->stream)
		op_table_settings_put_stream(b, c, clock_wall_us() / 1000);
	if (op_table_change_encrypts(c))
		op_table_settings_put_sse(b, c, q->r->region);
	if (api_true(q, API_DELETION_PROTECTION, false))
		item_build_name(b, BYTES_LIT("DeletionProtectionEnabled")), item_build_bool(b, true);
	if (q->m[API_TABLE_CLASS].given)
		item_build_name(b, BYTES_LIT("TableClass")), item_build_s(b, q->m[API_TABLE_CLASS].s);
	if (c->tags > 0)
		put_pairs(b, "Tags", c->tag, c->tags, "Key", "Value");
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
	op_table_write(w, m->body, NULL);
	api_end(q);
}

void op_table_create(struct api_req *q)
{
	const struct op_table_spec *c = q->own;                 /* there, as KeySchema is required */
	struct buf *err = &q->failed;

	test_billing(q, c, err);
	if (err->n == 0)
		test_keys(c, err);
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
	else if (c->unsupported != NULL)
		api_refuse(q, RESULT_NOT_SUPPORTED, "%s", c->unsupported);
	else
		api_admin(q, "create", q->m[API_TABLE_NAME].s, build(q, c), 0, created);
}
