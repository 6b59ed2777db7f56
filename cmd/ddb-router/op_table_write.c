/* Source: the API reference, TableDescription. */
#include <string.h>

#include "clock.h"
#include "op_index.h"
#include "op_table.h"

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

/* What no key uses any more belongs to an index that is gone. */
static void write_attributes(struct json_write *w, struct bytes d)
{
	struct value list, v, name;
	struct item_iter it;

	if (!item_get(d, BYTES_LIT("AttributeDefinitions"), &list) || list.tag != ITEM_L)
		return;
	json_write_name(w, "AttributeDefinitions");
	json_write_array(w);
	for (it = item_iter(list.body); item_next_value(&it, &v);)
		if (item_get(v.body, BYTES_LIT("AttributeName"), &name) && op_index_uses(d, name.body))
			write_value(w, v);
	json_write_array_end(w);
}

static void write_index_arn(struct json_write *w, struct bytes d, struct bytes index)
{
	struct buf arn = { 0 };
	struct value table, name;

	if (item_get(d, BYTES_LIT("TableArn"), &table) && item_get(index, BYTES_LIT("IndexName"), &name)) {
		buf_bytes(&arn, table.body);
		buf_str(&arn, "/index/");
		buf_bytes(&arn, name.body);
		json_write_name(w, "IndexArn");
		json_write_string(w, buf_view(&arn));
	}
	buf_fini(&arn);
}

/* status: of a table that is not there yet, or soon gone, and so its indexes; or NULL */
static void write_index_state(struct json_write *w, struct bytes index, const char *status, const struct index_set *map)
{
	struct value v;

	json_write_name(w, "IndexStatus");
	if (status != NULL) {
		json_write_str(w, status);
		return;
	}
	if (!item_get(index, BYTES_LIT("IndexStatus"), &v) || bytes_is(v.body, "ACTIVE")) {
		json_write_str(w, map != NULL && !op_index_known(index, map) ? "CREATING" : "ACTIVE");
		return;
	}
	json_write_string(w, v.body);
	if (bytes_is(v.body, "CREATING"))
		copy(w, index, "Backfilling");
}

static void write_local(struct json_write *w, struct bytes d, struct bytes index)
{
	write_size(w, index, "IndexSizeBytes");
	write_size(w, index, "ItemCount");
	write_index_arn(w, d, index);
}

static void write_global(struct json_write *w, struct bytes d, struct bytes index, const char *status, const struct index_set *map)
{
	struct op_table_settings t = op_table_settings_of_index(d, index, clock_wall_us() / 1000);

	write_index_state(w, index, status, map);
	write_throughput(w, index, &t);
	write_local(w, d, index);
	copy(w, index, "OnDemandThroughput");
	write_warm(w, &t);
}

static void write_indexes(struct json_write *w, struct bytes d, const char *name, bool global, const char *status,
                          const struct index_set *map)
{
	struct value list, v;
	struct item_iter it;

	if (!item_get(d, bytes_str(name), &list) || list.tag != ITEM_L || item_count(list.body) == 0)
		return;
	json_write_name(w, name);
	json_write_array(w);
	for (it = item_iter(list.body); item_next_value(&it, &v);) {
		json_write_object(w);
		copy(w, v.body, "IndexName");
		copy(w, v.body, "KeySchema");
		copy(w, v.body, "Projection");
		if (global)
			write_global(w, d, v.body, status, map);
		else
			write_local(w, d, v.body);
		json_write_object_end(w);
	}
	json_write_array_end(w);
}

/* What a table's status says of its indexes too. */
static const char *status_of(struct bytes d, const char *status)
{
	struct value v;

	if (status == NULL && item_get(d, BYTES_LIT("TableStatus"), &v))
		status = bytes_is(v.body, "CREATING") ? "CREATING" : bytes_is(v.body, "DELETING") ? "DELETING" : NULL;
	return status != NULL && strcmp(status, "UPDATING") != 0 && strcmp(status, "ACTIVE") != 0 ? status : NULL;
}

void op_table_write(struct json_write *w, struct bytes d, const char *status, const struct index_set *map)
{
	struct op_table_settings t = op_table_settings_of(d, clock_wall_us() / 1000);
	struct value v;

	json_write_object(w);
	write_attributes(w, d);
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
	write_indexes(w, d, "LocalSecondaryIndexes", false, NULL, NULL);
	write_indexes(w, d, "GlobalSecondaryIndexes", true, status_of(d, status), map);
	write_class(w, d);
	write_stream(w, d);
	copy(w, d, "SSEDescription");
	copy(w, d, "OnDemandThroughput");
	json_write_name(w, "DeletionProtectionEnabled");
	json_write_bool(w, item_get(d, BYTES_LIT("DeletionProtectionEnabled"), &v) && v.tag == ITEM_TRUE);
	write_warm(w, &t);
	json_write_object_end(w);
}
