/* Source: the API reference, TableDescription. */
#include "clock.h"
#include "op_table.h"
#include "op_table_settings.h"

static void write_value(struct json_write *w, struct value v)
{
	char text[NUM_PRINT_MAX];
	struct item_iter it;
	struct bytes name;
	struct value inner;
	struct num n;

	switch (v.tag) {
	case ITEM_S:
		json_write_string(w, v.body);
		return;
	case ITEM_N:
		item_value_num(v, &n);
		json_write_number(w, (struct bytes){ (uint8_t *)text, num_print(text, &n) });
		return;
	case ITEM_TRUE:
	case ITEM_FALSE:
		json_write_bool(w, v.tag == ITEM_TRUE);
		return;
	case ITEM_L:
		json_write_array(w);
		for (it = item_iter(v.body); item_next_value(&it, &inner);)
			write_value(w, inner);
		json_write_array_end(w);
		return;
	case ITEM_M:
		json_write_object(w);
		for (it = item_iter(v.body); item_next_pair(&it, &name, &inner);) {
			json_write_key(w, name);
			write_value(w, inner);
		}
		json_write_object_end(w);
		return;
	default:
		json_write_null(w);
	}
}

static void copy(struct json_write *w, struct bytes item, const char *name)
{
	struct value v;

	if (!item_get(item, bytes_str(name), &v))
		return;
	json_write_name(w, name);
	write_value(w, v);
}

static void write_time(struct json_write *w, struct bytes item, const char *from, const char *name)
{
	struct value v;

	if (!item_get(item, bytes_str(from), &v))
		return;
	json_write_name(w, name);
	write_value(w, v);
}

static void write_throughput(struct json_write *w, struct bytes d, const struct op_table_settings *t)
{
	struct value v;

	json_write_name(w, "ProvisionedThroughput");
	json_write_object(w);
	if (item_get(d, BYTES_LIT("ProvisionedThroughput"), &v) && v.tag == ITEM_M) {
		copy(w, v.body, "LastIncreaseDateTime");
		copy(w, v.body, "LastDecreaseDateTime");
	}
	json_write_name(w, "NumberOfDecreasesToday");
	json_write_u64(w, t->decreases);
	json_write_name(w, "ReadCapacityUnits");
	json_write_u64(w, t->read);
	json_write_name(w, "WriteCapacityUnits");
	json_write_u64(w, t->write);
	json_write_object_end(w);
}

/* Of a table that never was on demand there is none. */
static void write_billing(struct json_write *w, struct bytes d, const struct op_table_settings *t)
{
	struct value v;
	bool changed = item_get(d, BYTES_LIT("LastUpdateToPayPerRequestDateTime"), &v);

	if (!t->on_demand && !changed)
		return;
	json_write_name(w, "BillingModeSummary");
	json_write_object(w);
	json_write_name(w, "BillingMode");
	json_write_str(w, t->on_demand ? "PAY_PER_REQUEST" : "PROVISIONED");
	write_time(w, d, changed ? "LastUpdateToPayPerRequestDateTime" : "CreationDateTime", "LastUpdateToPayPerRequestDateTime");
	json_write_object_end(w);
}

static void write_warm(struct json_write *w, const struct op_table_settings *t)
{
	json_write_name(w, "WarmThroughput");
	json_write_object(w);
	json_write_name(w, "ReadUnitsPerSecond");
	json_write_u64(w, t->warm_read);
	json_write_name(w, "WriteUnitsPerSecond");
	json_write_u64(w, t->warm_write);
	json_write_name(w, "Status");
	json_write_str(w, "ACTIVE");
	json_write_object_end(w);
}

static void write_stream(struct json_write *w, struct bytes d)
{
	struct buf arn = { 0 };
	struct value v, label;

	copy(w, d, "StreamSpecification");
	copy(w, d, "LatestStreamLabel");
	if (!item_get(d, BYTES_LIT("LatestStreamLabel"), &label) || !item_get(d, BYTES_LIT("TableArn"), &v))
		return;
	buf_bytes(&arn, v.body);
	buf_str(&arn, "/stream/");
	buf_bytes(&arn, label.body);
	json_write_name(w, "LatestStreamArn");
	json_write_string(w, buf_view(&arn));
	buf_fini(&arn);
}

static void write_class(struct json_write *w, struct bytes d)
{
	struct value v;

	if (!item_get(d, BYTES_LIT("TableClass"), &v))
		return;
	json_write_name(w, "TableClassSummary");
	json_write_object(w);
	json_write_name(w, "TableClass");
	json_write_string(w, v.body);
	write_time(w, d, "TableClassDateTime", "LastUpdateDateTime");
	json_write_object_end(w);
}

static void write_size(struct json_write *w, struct bytes d, const char *name)
{
	struct value v;

	if (item_get(d, bytes_str(name), &v)) {
		copy(w, d, name);
	} else {
		json_write_name(w, name);
		json_write_u64(w, 0);
	}
}

void op_table_write(struct json_write *w, struct bytes d, const char *status)
{
	struct op_table_settings t = op_table_settings_of(d, clock_wall_us() / 1000);
	struct value v;

	json_write_object(w);
	copy(w, d, "AttributeDefinitions");
	copy(w, d, "TableName");
	copy(w, d, "KeySchema");
	json_write_name(w, "TableStatus");
	if (status != NULL)
		json_write_str(w, status);
	else if (item_get(d, BYTES_LIT("TableStatus"), &v))
		json_write_string(w, v.body);
	else
		json_write_str(w, "ACTIVE");
	copy(w, d, "CreationDateTime");
	write_throughput(w, d, &t);
	write_size(w, d, "TableSizeBytes");
	write_size(w, d, "ItemCount");
	copy(w, d, "TableArn");
	copy(w, d, "TableId");
	write_billing(w, d, &t);
	write_class(w, d);
	write_stream(w, d);
	copy(w, d, "SSEDescription");
	copy(w, d, "OnDemandThroughput");
	json_write_name(w, "DeletionProtectionEnabled");
	json_write_bool(w, item_get(d, BYTES_LIT("DeletionProtectionEnabled"), &v) && v.tag == ITEM_TRUE);
	write_warm(w, &t);
	json_write_object_end(w);
}
