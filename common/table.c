#include "table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "define.h"

static const char *const statuses[] = { "CREATING", "ACTIVE", "UPDATING", "DELETING" };
static const char *const billings[] = { "PROVISIONED", "PAY_PER_REQUEST" };

#define COUNT(a) (sizeof(a) / sizeof *(a))

const char *table_status_name(enum table_status s)
{
	return statuses[s];
}

const char *table_billing_name(enum table_billing b)
{
	return billings[b];
}

bool table_name_like(struct bytes name)
{
	for (size_t i = 0; i < name.n; i++) {
		uint8_t c = name.p[i];

		if (!((c | 32) >= 'a' && (c | 32) <= 'z') && !(c >= '0' && c <= '9') && c != '_' && c != '-' &&
		    c != '.')
			return false;
	}
	return name.n > 0;
}

static bool name_ok(struct bytes name, size_t min)
{
	return table_name_like(name) && name.n >= min && name.n <= TABLE_NAME_MAX;
}

bool table_name_ok(struct bytes name)
{
	return name_ok(name, 3);
}

/* A # in front is for tables that users cannot name. */
static bool is_own(struct bytes name)
{
	return bytes_starts(name, BYTES_LIT("#"));
}

static bool known_name_ok(struct bytes name)
{
	bool own = is_own(name);

	return name_ok((struct bytes){ name.p + own, name.n - own }, 1);
}

void table_arn(struct buf *out, const char *region, const char *account, struct bytes name)
{
	buf_fmt(out, "arn:aws:dynamodb:%s:%s:table/", region, account);
	buf_bytes(out, name);
}

/* --- reading, as define.h does: false if the attribute is there and is not what it should be. */

/* Seconds with three decimals in the item, milliseconds in the struct. */
static bool get_created(struct bytes item, uint64_t *out)
{
	struct value v;
	struct num n;

	*out = 0;
	if (!item_get(item, BYTES_LIT("CreationDateTime"), &v))
		return true;
	if (!item_value_num(v, &n))
		return false;
	if (n.digits != 0)
		n.exponent += 3;
	return num_to_u64(&n, out) && *out <= TABLE_UNITS_MAX;
}

static bool get_pair(struct bytes item, const char *name, const char *first, uint64_t *a, const char *second,
                     uint64_t *b)
{
	struct value v;

	*a = *b = 0;
	if (!item_get(item, bytes_str(name), &v))
		return true;
	return v.tag == ITEM_M && define_u64(v.body, first, TABLE_UNITS_MAX, a) &&
	       define_u64(v.body, second, TABLE_UNITS_MAX, b);
}

/* The table of a global index has the index's key, then that of the items: attributes may be in both. */
static bool get_key(struct bytes item, bool own, struct key_schema *key)
{
	struct bytes definitions;

	if (!define_list(item, "AttributeDefinitions", &definitions) || !define_key(item, definitions, key))
		return false;
	if (own)
		return key->hash_n <= KEY_HASH_PARTS_MAX;
	return key->hash_n == 1 && key->n <= 2 && !key_repeats(key, key->n - 1);
}

static bool get_ttl(struct bytes item, struct bytes *out)
{
	struct value v, enabled;

	*out = BYTES_NONE;
	if (!item_get(item, BYTES_LIT("TimeToLive"), &v))
		return true;
	if (v.tag != ITEM_M || !item_get(v.body, BYTES_LIT("Enabled"), &enabled))
		return false;
	return enabled.tag != ITEM_TRUE || (define_s(v.body, "AttributeName", out) && out->n >= 1 && out->n <= TABLE_TTL_MAX);
}

static bool get_all(struct bytes item, struct table *t)
{
	unsigned status, billing;
	uint64_t schema;

	if (!define_u64(item, "Id", UINT64_MAX, &t->id) || !define_u64(item, "Version", UINT64_MAX, &t->version) ||
	    !define_u64(item, "Schema", UINT32_MAX, &schema) || t->id == 0 || t->version == 0 || schema == 0)
		return false;
	t->schema = (uint32_t)schema;
	if (!define_s(item, "TableName", &t->name) || !known_name_ok(t->name) || !define_s(item, "TableArn", &t->arn) ||
	    t->arn.n > TABLE_ARN_MAX)
		return false;
	if (!define_word(item, "TableStatus", statuses, COUNT(statuses), &status) ||
	    !define_word(item, "BillingMode", billings, COUNT(billings), &billing))
		return false;
	t->status = status;
	t->billing = billing;
	return get_key(item, is_own(t->name), &t->key) && get_created(item, &t->created_ms) && get_ttl(item, &t->ttl) &&
	       get_pair(item, "ProvisionedThroughput", "ReadCapacityUnits", &t->read_units, "WriteCapacityUnits",
	                &t->write_units) &&
	       get_pair(item, "WarmThroughput", "ReadUnitsPerSecond", &t->warm_read, "WriteUnitsPerSecond",
	                &t->warm_write);
}

bool table_init(struct table *t, struct bytes definition)
{
	*t = (struct table){ 0 };
	if (definition.n > TABLE_DEFINITION_MAX || !item_check(definition))
		return false;
	t->definition = bytes_copy(definition);
	t->owned = true;
	if (get_all(t->definition, t))
		return true;
	table_fini(t);
	return false;
}

void table_fini(struct table *t)
{
	if (t->owned)
		free((void *)(uintptr_t)t->definition.p);
	*t = (struct table){ 0 };
}

/* --- writing */

static void put_s(struct item_build *b, const char *name, struct bytes s)
{
	item_build_name(b, bytes_str(name));
	item_build_s(b, s);
}

static void put_u64(struct item_build *b, const char *name, uint64_t v)
{
	item_build_name(b, bytes_str(name));
	item_build_u64(b, v);
}

static void put_created(struct item_build *b, uint64_t ms)
{
	char text[32];
	struct num n;
	int len = snprintf(text, sizeof text, "%llu.%03u", (unsigned long long)(ms / 1000), (unsigned)(ms % 1000));

	num_parse(&n, (struct bytes){ (uint8_t *)text, (size_t)len });
	item_build_name(b, BYTES_LIT("CreationDateTime"));
	item_build_n(b, &n);
}

static void put_pair(struct item_build *b, const char *name, const char *first, uint64_t one, const char *second,
                     uint64_t two)
{
	item_build_name(b, bytes_str(name));
	item_build_open(b, ITEM_M);
	put_u64(b, first, one);
	put_u64(b, second, two);
	item_build_close(b);
}

static void put_key(struct item_build *b, const struct key_schema *key)
{
	item_build_name(b, BYTES_LIT("KeySchema"));
	item_build_open(b, ITEM_L);
	for (size_t i = 0; i < key->n; i++) {
		item_build_open(b, ITEM_M);
		put_s(b, "AttributeName", key->part[i].name);
		put_s(b, "KeyType", bytes_str(i < key->hash_n ? "HASH" : "RANGE"));
		item_build_close(b);
	}
	item_build_close(b);
}

static void put_definitions(struct item_build *b, const struct table *t)
{
	struct value old;

	item_build_name(b, BYTES_LIT("AttributeDefinitions"));
	if (t->definition.n > 0 && item_get(t->definition, BYTES_LIT("AttributeDefinitions"), &old)) {
		item_build_raw(b, old.raw);
		return;
	}
	item_build_open(b, ITEM_L);
	for (size_t i = 0; i < t->key.n; i++) {
		if (key_repeats(&t->key, i))
			continue;
		item_build_open(b, ITEM_M);
		put_s(b, "AttributeName", t->key.part[i].name);
		put_s(b, "AttributeType", bytes_str(item_type_name(t->key.part[i].tag)));
		item_build_close(b);
	}
	item_build_close(b);
}

static bool is_ours(struct bytes name)
{
	static const char *const ours[] = { "Id", "Version", "Schema", "TableName", "TableStatus", "TableArn",
		                            "CreationDateTime", "KeySchema", "AttributeDefinitions", "BillingMode",
		                            "ProvisionedThroughput", "WarmThroughput" };

	for (size_t i = 0; i < COUNT(ours); i++)
		if (bytes_is(name, ours[i]))
			return true;
	return false;
}

void table_build(struct item_build *b, const struct table *t)
{
	struct item_iter it = item_iter(t->definition);
	struct bytes name;
	struct value v;

	item_build_reset(b);
	item_build_item(b);
	put_u64(b, "Id", t->id);
	put_u64(b, "Version", t->version);
	put_u64(b, "Schema", t->schema);
	put_s(b, "TableName", t->name);
	put_s(b, "TableStatus", bytes_str(statuses[t->status]));
	put_s(b, "TableArn", t->arn);
	put_s(b, "BillingMode", bytes_str(billings[t->billing]));
	put_created(b, t->created_ms);
	put_key(b, &t->key);
	put_definitions(b, t);
	put_pair(b, "ProvisionedThroughput", "ReadCapacityUnits", t->read_units, "WriteCapacityUnits", t->write_units);
	if (t->warm_read > 0 || t->warm_write > 0)
		put_pair(b, "WarmThroughput", "ReadUnitsPerSecond", t->warm_read, "WriteUnitsPerSecond", t->warm_write);
	while (t->definition.n > 0 && item_next_pair(&it, &name, &v)) {
		if (!is_ours(name)) {
			item_build_name(b, name);
			item_build_raw(b, v.raw);
		}
	}
	item_build_close(b);
}
