/* Source: the API reference, TableDescription. */
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

static void write_throughput(struct json_write *w, struct bytes d)
{
	struct value v;

	json_write_name(w, "ProvisionedThroughput");
	json_write_object(w);
	json_write_name(w, "NumberOfDecreasesToday");
	json_write_u64(w, 0);
	if (item_get(d, BYTES_LIT("ProvisionedThroughput"), &v) && v.tag == ITEM_M) {
		copy(w, v.body, "ReadCapacityUnits");
		copy(w, v.body, "WriteCapacityUnits");
	}
	json_write_object_end(w);
}

static void write_billing(struct json_write *w, struct bytes d)
{
	struct value mode, created;

	if (!item_get(d, BYTES_LIT("BillingMode"), &mode) || !bytes_is(mode.body, "PAY_PER_REQUEST"))
		return;
	json_write_name(w, "BillingModeSummary");
	json_write_object(w);
	json_write_name(w, "BillingMode");
	json_write_str(w, "PAY_PER_REQUEST");
	if (item_get(d, BYTES_LIT("CreationDateTime"), &created)) {
		json_write_name(w, "LastUpdateToPayPerRequestDateTime");
		write_value(w, created);
	}
	json_write_object_end(w);
}

/* What a table can do from the start when nothing else was asked for: the API reference. */
static void write_warm(struct json_write *w, struct bytes d, const char *status)
{
	struct value v, mode, t;
	bool on_demand = item_get(d, BYTES_LIT("BillingMode"), &mode) && bytes_is(mode.body, "PAY_PER_REQUEST");

	json_write_name(w, "WarmThroughput");
	json_write_object(w);
	if (item_get(d, BYTES_LIT("WarmThroughput"), &v) && v.tag == ITEM_M) {
		copy(w, v.body, "ReadUnitsPerSecond");
		copy(w, v.body, "WriteUnitsPerSecond");
	} else {
		json_write_name(w, "ReadUnitsPerSecond");
		if (!on_demand && item_get(d, BYTES_LIT("ProvisionedThroughput"), &t) &&
		    item_get(t.body, BYTES_LIT("ReadCapacityUnits"), &v))
			write_value(w, v);
		else
			json_write_u64(w, 12000);
		json_write_name(w, "WriteUnitsPerSecond");
		if (!on_demand && item_get(d, BYTES_LIT("ProvisionedThroughput"), &t) &&
		    item_get(t.body, BYTES_LIT("WriteCapacityUnits"), &v))
			write_value(w, v);
		else
			json_write_u64(w, 4000);
	}
	json_write_name(w, "Status");
	json_write_str(w, status);
	json_write_object_end(w);
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
	write_throughput(w, d);
	write_size(w, d, "TableSizeBytes");
	write_size(w, d, "ItemCount");
	copy(w, d, "TableArn");
	copy(w, d, "TableId");
	write_billing(w, d);
	write_class(w, d);
	json_write_name(w, "DeletionProtectionEnabled");
	json_write_bool(w, item_get(d, BYTES_LIT("DeletionProtectionEnabled"), &v) && v.tag == ITEM_TRUE);
	write_warm(w, d, "ACTIVE");
	json_write_object_end(w);
}
