#include "data_schema.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data.h"
#include "mem.h"

/* --- reading */

static uint8_t tag_of(const char *type)
{
	if (strcmp(type, "S") == 0)
		return ITEM_S;
	if (strcmp(type, "N") == 0)
		return ITEM_N;
	return strcmp(type, "B") == 0 ? ITEM_B : ITEM_NONE;
}

/* [{"AttributeName":..,"AttributeType":..}]: the type of name. */
static uint8_t type_of(struct bytes definitions, const char *name)
{
	struct json_read r;
	struct bytes raw;
	uint8_t tag = ITEM_NONE;

	json_read_init(&r, definitions, DATA_DEPTH_MAX);
	if (json_read_next(&r) == JSON_ARRAY) {
		while (tag == ITEM_NONE && json_read_next(&r) == JSON_OBJECT && json_read_raw(&r, &raw)) {
			struct bytes a, b;
			char *n = data_member(raw, "AttributeName", &a) ? data_text(a) : NULL;
			char *t = data_member(raw, "AttributeType", &b) ? data_text(b) : NULL;

			if (n != NULL && t != NULL && strcmp(n, name) == 0)
				tag = tag_of(t);
			free(n);
			free(t);
		}
	}
	json_read_fini(&r);
	return tag;
}

/* The elements of a KeySchema that are of a type, HASH or RANGE, in their order. */
static bool read_parts(struct key_schema *key, struct bytes schema, struct bytes definitions, const char *wanted)
{
	struct json_read r;
	struct bytes element;
	bool ok;

	json_read_init(&r, schema, DATA_DEPTH_MAX);
	ok = json_read_next(&r) == JSON_ARRAY;
	while (ok && json_read_next(&r) == JSON_OBJECT && json_read_raw(&r, &element)) {
		char *name = data_schema_text(element, "AttributeName"), *type = data_schema_text(element, "KeyType");

		if (strcmp(type, wanted) == 0) {
			ok = key->n < KEY_PARTS_MAX && name[0] != '\0';
			if (ok) {
				key->part[key->n++] = (struct key_part){ bytes_str(name), type_of(definitions, name) };
				ok = key->part[key->n - 1].tag != ITEM_NONE;
				name = NULL;
			}
		}
		free(name);
		free(type);
	}
	ok = ok && r.token == JSON_ARRAY_END;
	json_read_fini(&r);
	return ok;
}

/* The partition key comes first, whatever the order they come in. */
static bool read_key(struct key_schema *key, struct bytes schema, struct bytes definitions)
{
	bool ok;

	*key = (struct key_schema){ .n = 0 };
	ok = read_parts(key, schema, definitions, "HASH");
	key->hash_n = key->n;
	ok = ok && key->n > 0 && read_parts(key, schema, definitions, "RANGE");
	if (!ok)
		data_schema_free_key(key);
	return ok;
}

void data_schema_free_key(struct key_schema *key)
{
	for (size_t i = 0; i < KEY_PARTS_MAX; i++)
		free((void *)(uintptr_t)key->part[i].name.p);
	*key = (struct key_schema){ 0 };
}

bool data_schema_read(struct data_schema *s, struct bytes table)
{
	struct bytes schema, definitions;

	data_schema_fini(s);
	buf_bytes(&s->text, table);
	return data_member(table, "KeySchema", &schema) && data_member(table, "AttributeDefinitions", &definitions) &&
	       read_key(&s->key, schema, definitions) && s->key.hash_n == 1 && s->key.n <= 2;
}

void data_schema_fini(struct data_schema *s)
{
	data_schema_free_key(&s->key);
	buf_fini(&s->text);
	*s = (struct data_schema){ 0 };
}

char *data_schema_text(struct bytes object, const char *name)
{
	struct bytes raw;
	char *text;

	if (!data_member(object, name, &raw))
		return mem_str("");
	text = data_text(raw);
	return text != NULL ? text : mem_copy(raw.p, raw.n);
}

uint8_t data_schema_type(const struct data_schema *s, const char *attribute)
{
	struct bytes definitions;

	return data_member(buf_view(&s->text), "AttributeDefinitions", &definitions) ? type_of(definitions, attribute) :
	                                                                               ITEM_NONE;
}

/* Element *i of a list; *i becomes how many are missing to it. */
static bool list_at(struct bytes list, size_t *i, struct bytes *element)
{
	struct json_read r;
	bool found = false;

	json_read_init(&r, list, DATA_DEPTH_MAX);
	if (json_read_next(&r) == JSON_ARRAY)
		while (!found && json_read_next(&r) == JSON_OBJECT && json_read_raw(&r, element))
			found = (*i)-- == 0;
	json_read_fini(&r);
	return found;
}

bool data_schema_index(const struct data_schema *s, size_t i, struct bytes *index, bool *global)
{
	struct bytes table = buf_view(&s->text), list;

	*global = false;
	if (data_member(table, "LocalSecondaryIndexes", &list) && list_at(list, &i, index))
		return true;
	*global = true;
	return data_member(table, "GlobalSecondaryIndexes", &list) && list_at(list, &i, index);
}

bool data_schema_find(const struct data_schema *s, const char *name, struct bytes *index, bool *global)
{
	bool found = false;

	for (size_t i = 0; !found && data_schema_index(s, i, index, global); i++) {
		char *text = data_schema_text(*index, "IndexName");

		found = strcmp(text, name) == 0;
		free(text);
	}
	return found;
}

bool data_schema_index_key(const struct data_schema *s, struct bytes index, struct key_schema *key)
{
	struct bytes schema, definitions;

	return data_member(index, "KeySchema", &schema) &&
	       data_member(buf_view(&s->text), "AttributeDefinitions", &definitions) && read_key(key, schema, definitions);
}

bool data_schema_is(const struct data_schema *s, const char *status)
{
	struct bytes raw;
	char *text = data_member(buf_view(&s->text), "TableStatus", &raw) ? data_text(raw) : NULL;
	bool is = text != NULL && strcmp(text, status) == 0;

	free(text);
	return is;
}

/* --- writing */

static void copy(struct json_write *w, struct bytes from, const char *name)
{
	struct bytes raw;

	if (!data_member(from, name, &raw))
		return;
	json_write_name(w, name);
	json_write_raw(w, raw);
}

/* A description's throughput has members beside the two that a request may have. */
static void copy_throughput(struct json_write *w, struct bytes from)
{
	struct bytes raw;

	if (!data_member(from, "ProvisionedThroughput", &raw))
		return;
	json_write_name(w, "ProvisionedThroughput");
	json_write_object(w);
	copy(w, raw, "ReadCapacityUnits");
	copy(w, raw, "WriteCapacityUnits");
	json_write_object_end(w);
}

static void copy_indexes(struct json_write *w, struct bytes table, const char *name, bool throughput)
{
	struct json_read r;
	struct bytes list, index;

	if (!data_member(table, name, &list))
		return;
	json_write_name(w, name);
	json_write_array(w);
	json_read_init(&r, list, DATA_DEPTH_MAX);
	if (json_read_next(&r) == JSON_ARRAY) {
		while (json_read_next(&r) == JSON_OBJECT && json_read_raw(&r, &index)) {
			json_write_object(w);
			copy(w, index, "IndexName");
			copy(w, index, "KeySchema");
			copy(w, index, "Projection");
			if (throughput)
				copy_throughput(w, index);
			json_write_object_end(w);
		}
	}
	json_read_fini(&r);
	json_write_array_end(w);
}

void data_schema_line(const struct data_schema *s, bool typed, struct buf *out)
{
	struct bytes table = buf_view(&s->text), summary, raw;
	struct json_write w = { .b = out };
	bool has = data_member(table, "BillingModeSummary", &summary) && data_member(summary, "BillingMode", &raw);
	char *billing = has ? data_text(raw) : NULL;
	bool provisioned = billing == NULL || strcmp(billing, "PAY_PER_REQUEST") != 0;

	json_write_object(&w);
	json_write_name(&w, "DumpVersion");
	json_write_u64(&w, DATA_SCHEMA_DUMP_VERSION);
	json_write_name(&w, "Items");
	json_write_str(&w, typed ? "typed" : "plain");
	copy(&w, table, "TableName");
	copy(&w, table, "AttributeDefinitions");
	copy(&w, table, "KeySchema");
	json_write_name(&w, "BillingMode");
	json_write_str(&w, provisioned ? "PROVISIONED" : "PAY_PER_REQUEST");
	if (provisioned)
		copy_throughput(&w, table);
	copy_indexes(&w, table, "LocalSecondaryIndexes", false);
	copy_indexes(&w, table, "GlobalSecondaryIndexes", provisioned);
	copy(&w, table, "StreamSpecification");
	json_write_object_end(&w);
	buf_str(out, "\n");
	free(billing);
}

static bool is_array(struct bytes line, const char *member)
{
	struct bytes raw;

	return data_member(line, member, &raw) && raw.n > 0 && raw.p[0] == '[';
}

bool data_schema_is_line(struct bytes line, bool *typed)
{
	struct bytes raw;
	char *items;

	*typed = false;
	if (!is_array(line, "KeySchema") || !is_array(line, "AttributeDefinitions"))
		return false;
	items = data_member(line, "Items", &raw) ? data_text(raw) : NULL;
	*typed = items != NULL && strcmp(items, "typed") == 0;
	free(items);
	return true;
}

static bool is_one_of(struct bytes name, const char *const *names)
{
	for (; *names != NULL; names++)
		if (bytes_is(name, *names))
			return true;
	return false;
}

bool data_schema_members(struct json_write *w, struct bytes line, bool own_billing, bool own_warm,
                         char message[DATA_SCHEMA_MESSAGE_MAX])
{
	static const char *const ours[] = { "DumpVersion", "Items", "TableName", NULL };
	static const char *const billing[] = { "BillingMode", "ProvisionedThroughput", NULL };
	struct json_read r;
	bool ok = true, has_billing = false;

	json_read_init(&r, line, DATA_DEPTH_MAX);
	if (json_read_next(&r) != JSON_OBJECT) {
		ok = false;
		snprintf(message, DATA_SCHEMA_MESSAGE_MAX, "a table's schema is a JSON object");
	}
	while (ok && json_read_next(&r) == JSON_KEY) {
		bool skip = is_one_of(r.str, ours) || (own_billing && is_one_of(r.str, billing)) ||
		            (own_warm && bytes_is(r.str, "WarmThroughput"));
		bool version = bytes_is(r.str, "DumpVersion");
		struct bytes name = bytes_copy(r.str), raw;

		has_billing |= is_one_of(r.str, billing);
		json_read_next(&r);
		if (version && (r.token != JSON_NUMBER || !bytes_is(r.str, "1"))) {
			ok = false;
			snprintf(message, DATA_SCHEMA_MESSAGE_MAX, "a dump of a later version than this program knows");
		} else if (json_read_raw(&r, &raw) && !skip) {
			json_write_key(w, name);
			json_write_raw(w, raw);
		}
		free((void *)(uintptr_t)name.p);
	}
	if (ok && !json_read_finish(&r)) {
		ok = false;
		snprintf(message, DATA_SCHEMA_MESSAGE_MAX, "byte %zu: %s", r.error_at, r.error);
	}
	json_read_fini(&r);
	if (ok && !has_billing && !own_billing) {
		json_write_name(w, "BillingMode");
		json_write_str(w, "PAY_PER_REQUEST");
	}
	return ok;
}

void data_schema_key_text(const struct key_schema *key, struct buf *out)
{
	for (size_t i = 0; i < key->n; i++) {
		buf_str(out, i == 0 ? "" : i == key->hash_n && i > 1 ? " / " : ", ");
		buf_bytes(out, key->part[i].name);
		buf_fmt(out, " (%s)", item_type_name(key->part[i].tag));
	}
}

void data_schema_projection_text(struct bytes index, struct buf *out)
{
	struct bytes projection, list;
	struct json_read r;
	char *type;
	const char *comma = "";

	if (!data_member(index, "Projection", &projection))
		return;
	type = data_schema_text(projection, "ProjectionType");
	if (strcmp(type, "INCLUDE") == 0 && data_member(projection, "NonKeyAttributes", &list)) {
		json_read_init(&r, list, DATA_DEPTH_MAX);
		json_read_next(&r);
		for (; json_read_next(&r) == JSON_STRING; comma = ",") {
			buf_str(out, comma);
			buf_bytes(out, r.str);
		}
		json_read_fini(&r);
	} else {
		buf_str(out, strcmp(type, "KEYS_ONLY") == 0 ? "keys" : "all");
	}
	free(type);
}
