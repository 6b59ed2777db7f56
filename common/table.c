#include "table.h"

#include <stdlib.h>
#include <string.h>

#include "pjson.h"

static const char *const statuses[] = { "", "CREATING", "ACTIVE", "UPDATING", "DELETING" };

const char *table_status_name(enum table_status s)
{
	return statuses[s];
}

static bool get_u64(struct bytes item, const char *name, uint64_t most, uint64_t *out)
{
	struct value v;
	struct num n;

	if (!item_get(item, bytes_str(name), &v) || !item_value_num(v, &n))
		return false;
	return num_to_u64(&n, out) && *out <= most;
}

static bool get_string(struct bytes item, const char *name, struct bytes *out)
{
	struct value v;

	if (!item_get(item, bytes_str(name), &v) || v.tag != ITEM_S)
		return false;
	*out = v.body;
	return true;
}

static enum table_status status_of(struct bytes name)
{
	for (enum table_status s = TABLE_CREATING; s <= TABLE_DELETING; s++)
		if (bytes_is(name, statuses[s]))
			return s;
	return 0;
}

/* The type that AttributeDefinitions gives the attribute. */
static uint8_t type_of(struct bytes definition, struct bytes attribute)
{
	struct value list, v;
	struct item_iter it;

	if (!item_get(definition, BYTES_LIT("AttributeDefinitions"), &list) || list.tag != ITEM_L)
		return ITEM_NONE;
	it = item_iter(list.body);
	while (item_next_value(&it, &v)) {
		struct bytes name, type;

		if (v.tag != ITEM_M || !get_string(v.body, "AttributeName", &name) || !get_string(v.body, "AttributeType", &type))
			return ITEM_NONE;
		if (bytes_eq(name, attribute))
			return bytes_is(type, "S") ? ITEM_S : bytes_is(type, "N") ? ITEM_N : bytes_is(type, "B") ? ITEM_B : ITEM_NONE;
	}
	return ITEM_NONE;
}

static bool read_key(struct table *t)
{
	struct value list, v;
	struct item_iter it;

	if (!item_get(t->definition, BYTES_LIT("KeySchema"), &list) || list.tag != ITEM_L)
		return false;
	it = item_iter(list.body);
	while (item_next_value(&it, &v)) {
		struct key_part *p = &t->key.part[t->key.n];
		struct bytes kind;

		if (t->key.n == 2 || v.tag != ITEM_M || !get_string(v.body, "AttributeName", &p->name) ||
		    !get_string(v.body, "KeyType", &kind) || !bytes_is(kind, t->key.n == 0 ? "HASH" : "RANGE"))
			return false;
		p->tag = type_of(t->definition, p->name);
		if (p->tag == ITEM_NONE)
			return false;
		t->key.n++;
	}
	t->key.hash_n = 1;
	return t->key.n > 0;
}

bool table_init(struct table *t, struct bytes definition)
{
	struct bytes status;
	uint64_t schema;

	*t = (struct table){ 0 };
	if (definition.n > TABLE_DEFINITION_MAX || !item_check(definition))
		return false;
	t->definition = bytes_copy(definition);
	if (get_u64(t->definition, "_id", UINT64_MAX, &t->id) && get_u64(t->definition, "_schema", UINT32_MAX, &schema) &&
	    get_string(t->definition, "TableName", &t->name) && table_name_ok(t->name) &&
	    get_string(t->definition, "TableStatus", &status) && (t->status = status_of(status)) != 0 && read_key(t)) {
		t->schema = (uint32_t)schema;
		return true;
	}
	table_fini(t);
	return false;
}

void table_fini(struct table *t)
{
	free((void *)t->definition.p);
	*t = (struct table){ 0 };
}

const struct key_schema *table_catalogue_key(void)
{
	static const struct key_schema key = {
		.part = { { { (const uint8_t *)"pk", 2 }, ITEM_S }, { { (const uint8_t *)"sk", 2 }, ITEM_S } }, .n = 2, .hash_n = 1,
	};

	return &key;
}

struct bytes table_name_of(struct bytes name)
{
	static const char mark[] = ":table/";
	const uint8_t *at;

	if (!bytes_starts(name, BYTES_LIT("arn:")))
		return name;
	at = memmem(name.p, name.n, mark, sizeof mark - 1);
	if (at == NULL)
		return name;
	at += sizeof mark - 1;
	return (struct bytes){ at, (size_t)(name.p + name.n - at) };
}

bool table_name_ok(struct bytes name)
{
	if (name.n == 0 || name.n > TABLE_NAME_MAX)
		return false;
	for (size_t i = 0; i < name.n; i++) {
		uint8_t c = name.p[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.' || c == '-'))
			return false;
	}
	return true;
}

void table_write(struct json_write *w, struct bytes definition)
{
	struct item_iter it = item_iter(definition);
	struct bytes name;
	struct value v;

	json_write_object(w);
	while (item_next_pair(&it, &name, &v)) {
		if (name.n > 0 && name.p[0] == '_')
			continue;
		json_write_key(w, name);
		pjson_write_value(w, v);
	}
	json_write_object_end(w);
}
