#include "bench_table.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "clock.h"
#include "exit.h"
#include "json.h"
#include "log.h"
#include "mem.h"

#define DEPTH_MAX 32
#define POLL_MS 50

/* What DescribeTable says. */
struct table {
	bool active;
	bool hash_only;
	unsigned indexes;                                /* global ones */
	char *key_name;
	char *key_type;                                  /* "S" */
};

static void table_fini(struct table *t)
{
	free(t->key_name);
	free(t->key_type);
}

static char *text(struct bytes v)
{
	return mem_copy(v.p, v.n);
}

/* [{"AttributeName": .., second: ..}, ..]: calls each for every pair. */
static void read_pairs(struct json_read *r, const char *second, struct table *t,
                       void (*each)(struct table *t, struct bytes name, struct bytes value))
{
	if (r->token != JSON_ARRAY) {
		json_read_skip(r);
		return;
	}
	while (json_read_next(r) == JSON_OBJECT) {
		struct bytes name = BYTES_NONE, value = BYTES_NONE;

		while (json_read_next(r) == JSON_KEY) {
			bool is_name = bytes_is(r->str, "AttributeName"), is_value = bytes_is(r->str, second);

			if (json_read_next(r) == JSON_STRING && is_name)
				name = r->str;
			else if (r->token == JSON_STRING && is_value)
				value = r->str;
			else
				json_read_skip(r);
		}
		each(t, name, value);
	}
}

static void take_key(struct table *t, struct bytes name, struct bytes value)
{
	if (!bytes_is(value, "HASH"))
		t->hash_only = false;
	else if (t->key_name == NULL)
		t->key_name = text(name);
}

/* The definitions may come before the key is known, so all of them are kept, "name=type" a line. */
static void take_type(struct table *t, struct bytes name, struct bytes value)
{
	char *all = mem_fmt("%s%.*s=%.*s\n", t->key_type != NULL ? t->key_type : "\n", (int)name.n,
	                    (const char *)name.p, (int)value.n, (const char *)value.p);

	free(t->key_type);
	t->key_type = all;
}

static bool is_string(const struct table *t)
{
	char *wanted = mem_fmt("\n%s=S\n", t->key_name);
	bool found = t->key_type != NULL && strstr(t->key_type, wanted) != NULL;

	free(wanted);
	return found;
}

static unsigned count_elements(struct json_read *r)
{
	unsigned n = 0;

	if (r->token != JSON_ARRAY) {
		json_read_skip(r);
		return 0;
	}
	for (; json_read_next(r) != JSON_ARRAY_END && r->token != JSON_ERROR; n++)
		json_read_skip(r);
	return n;
}

static bool read_table(struct bytes body, struct table *t)
{
	struct json_read r;
	bool ok;

	*t = (struct table){ .hash_only = true };
	json_read_init(&r, body, DEPTH_MAX);
	json_read_next(&r);
	while (r.token != JSON_ERROR && json_read_next(&r) == JSON_KEY) {
		bool mine = bytes_is(r.str, "Table");

		if (json_read_next(&r) != JSON_OBJECT || !mine) {
			json_read_skip(&r);
			continue;
		}
		while (json_read_next(&r) == JSON_KEY) {
			struct bytes name = r.str;

			json_read_next(&r);
			if (bytes_is(name, "TableStatus") && r.token == JSON_STRING)
				t->active = bytes_is(r.str, "ACTIVE") || bytes_is(r.str, "UPDATING");
			else if (bytes_is(name, "KeySchema"))
				read_pairs(&r, "KeyType", t, take_key);
			else if (bytes_is(name, "AttributeDefinitions"))
				read_pairs(&r, "AttributeType", t, take_type);
			else if (bytes_is(name, "GlobalSecondaryIndexes"))
				t->indexes = count_elements(&r);
			else
				json_read_skip(&r);
		}
	}
	ok = json_read_finish(&r) && t->key_name != NULL;
	json_read_fini(&r);
	return ok;
}

static int create(struct client *c, struct bytes name, unsigned indexes, struct client_answer *a)
{
	struct buf body = { 0 };
	const char *comma = "";

	buf_str(&body, "{\"TableName\":");
	buf_bytes(&body, name);
	buf_str(&body, ",\"BillingMode\":\"PAY_PER_REQUEST\",\"KeySchema\":[{\"AttributeName\":\"" BENCH_TABLE_KEY_NAME
	        "\",\"KeyType\":\"HASH\"}],\"AttributeDefinitions\":[{\"AttributeName\":\"" BENCH_TABLE_KEY_NAME
	        "\",\"AttributeType\":\"S\"}");
	for (unsigned i = 1; i <= indexes; i++)
		buf_fmt(&body, ",{\"AttributeName\":\"g%u\",\"AttributeType\":\"S\"}", i);
	buf_str(&body, indexes > 0 ? "],\"GlobalSecondaryIndexes\":[" : "");
	for (unsigned i = 1; i <= indexes; i++, comma = ",")
		buf_fmt(&body, "%s{\"IndexName\":\"by-g%u\",\"KeySchema\":[{\"AttributeName\":\"g%u\",\"KeyType\":\"HASH\"}],"
		        "\"Projection\":{\"ProjectionType\":\"ALL\"}}", comma, i, i);
	buf_str(&body, "]}");
	client_call(c, "CreateTable", buf_view(&body), a);
	buf_fini(&body);
	/* Somebody else may have been quicker. */
	return a->status == 200 || strcmp(a->type, "ResourceInUseException") == 0 ? 0 : client_fail(c, a);
}

/* 0 and *active, or an exit code after saying why. */
static int look(struct client *c, const char *table, struct bytes name, unsigned indexes, struct client_answer *a,
                char **key_name, bool *active)
{
	struct buf body = { 0 };
	struct table t;
	int code = 0;

	*active = false;
	buf_str(&body, "{\"TableName\":");
	buf_bytes(&body, name);
	buf_str(&body, "}");
	client_call(c, "DescribeTable", buf_view(&body), a);
	buf_fini(&body);
	if (a->status != 200 && strcmp(a->type, "ResourceNotFoundException") == 0)
		return create(c, name, indexes, a);
	if (a->status != 200)
		return client_fail(c, a);
	if (!read_table(buf_view(&a->body), &t)) {
		log_err("%s: its description cannot be understood", table);
		code = DDB_EXIT_UNAVAILABLE;
	} else if (!t.hash_only || !is_string(&t)) {
		log_err("%s: the table's key must be one attribute, a string", table);
		code = DDB_EXIT_USAGE;
	} else if (t.indexes != indexes) {
		log_err("%s: the table has %u global indexes, not %u", table, t.indexes, indexes);
		code = DDB_EXIT_USAGE;
	} else if (t.active) {
		*active = true;
		*key_name = mem_str(t.key_name);
	}
	table_fini(&t);
	return code;
}

int bench_table_ready(struct client *c, const char *table, unsigned indexes, uint64_t timeout_ms, char **key_name)
{
	uint64_t end = clock_ms() + timeout_ms;
	struct client_answer a = { 0 };
	struct buf name = { 0 };
	struct json_write w = { .b = &name };
	bool active = false;
	int code;

	*key_name = NULL;
	json_write_str(&w, table);
	for (;;) {
		code = look(c, table, buf_view(&name), indexes, &a, key_name, &active);
		if (code != 0 || active)
			break;
		if (clock_ms() > end) {
			log_err("%s: the table does not become active", table);
			code = DDB_EXIT_UNAVAILABLE;
			break;
		}
		nanosleep(&(struct timespec){ 0, POLL_MS * 1000000 }, NULL);
	}
	client_answer_fini(&a);
	buf_fini(&name);
	return code;
}
