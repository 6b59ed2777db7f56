#include "data_create.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "clock.h"
#include "cmd.h"
#include "data_input.h"
#include "exit.h"
#include "log.h"
#include "mem.h"

#define WAIT_MS_MAX 600000                               /* AWS takes seconds, and minutes with many indexes */
#define POLL_MS 20                                       /* the first pause; each next one is longer by half */
#define POLL_MS_MAX 1000
#define UNITS_MAX ((uint64_t)1 << 40)

static bool is_missing(const struct data *d)
{
	return strcmp(d->answer.type, "ResourceNotFoundException") == 0;
}

static bool is_active(struct data *d)
{
	struct bytes table;

	return data_member(buf_view(&d->answer.body), "Table", &table) && data_schema_read(&d->schema, table) &&
	       data_schema_is(&d->schema, "ACTIVE");
}

int data_create_wait(struct data *d, bool gone)
{
	uint64_t end = clock_ms() + WAIT_MS_MAX, pause = POLL_MS;

	for (;;) {
		data_begin(d);
		if (data_try(d, "DescribeTable") != 200)
			return gone && is_missing(d) ? 0 : client_fail(d->client, &d->answer);
		if (!gone && is_active(d))
			return 0;
		if (clock_ms() >= end) {
			log_err("%s: still not %s after %d s", d->table, gone ? "gone" : "active", WAIT_MS_MAX / 1000);
			return DDB_EXIT_UNAVAILABLE;
		}
		nanosleep(&(struct timespec){ (time_t)(pause / 1000), (long)(pause % 1000) * 1000000 }, NULL);
		pause = pause + pause / 2 < POLL_MS_MAX ? pause + pause / 2 : POLL_MS_MAX;
	}
}

int data_create_ready(struct data *d)
{
	return is_active(d) ? 0 : data_create_wait(d, false);
}

int data_create_send(struct data *d, bool wait)
{
	int code = data_call(d, "CreateTable");

	return code == 0 && wait ? data_create_wait(d, false) : code;
}

int data_create_from(struct data *d, struct bytes line, bool wait)
{
	char message[DATA_SCHEMA_MESSAGE_MAX];

	data_begin(d);
	if (!data_schema_members(&d->w, line, false, false, message)) {
		log_err("the schema: %s", message);
		return DDB_EXIT_USAGE;
	}
	return data_create_send(d, wait);
}

/* --- the command */

struct create {
	const char *key, *sort, *provisioned;
	uint64_t warm_read, warm_write;
	bool no_wait;
};

/* NAME:S, NAME:N, NAME:B, or NAME alone for S. */
static char *split_key(const char *text, char *type)
{
	size_t n = strlen(text);

	*type = 'S';
	if (n > 2 && text[n - 2] == ':' && strchr("SNB", text[n - 1]) != NULL) {
		*type = text[n - 1];
		n -= 2;
	}
	return mem_copy(text, n);
}

static void put_keys(struct json_write *w, const char *const names[2], const char types[2], bool definitions)
{
	json_write_name(w, definitions ? "AttributeDefinitions" : "KeySchema");
	json_write_array(w);
	for (size_t i = 0; i < 2 && names[i] != NULL; i++) {
		json_write_object(w);
		json_write_name(w, "AttributeName");
		json_write_str(w, names[i]);
		json_write_name(w, definitions ? "AttributeType" : "KeyType");
		if (definitions)
			json_write_string(w, (struct bytes){ (const uint8_t *)&types[i], 1 });
		else
			json_write_str(w, i == 0 ? "HASH" : "RANGE");
		json_write_object_end(w);
	}
	json_write_array_end(w);
}

static void put_two(struct json_write *w, const char *member, const char *read_name, uint64_t read,
                    const char *write_name, uint64_t write)
{
	json_write_name(w, member);
	json_write_object(w);
	if (read > 0) {
		json_write_name(w, read_name);
		json_write_u64(w, read);
	}
	if (write > 0) {
		json_write_name(w, write_name);
		json_write_u64(w, write);
	}
	json_write_object_end(w);
}

static int put_throughput(struct data *d, const struct create *o, bool from_schema)
{
	uint64_t read = 0, write = 0;
	char *text = mem_str(o->provisioned != NULL ? o->provisioned : ""), *colon = strchr(text, ':');
	bool ok = o->provisioned == NULL;

	if (colon != NULL) {
		*colon = '\0';
		ok = opt_u64(text, &read) && opt_u64(colon + 1, &write) && read > 0 && write > 0 && read < UNITS_MAX &&
		     write < UNITS_MAX;
	}
	free(text);
	if (!ok) {
		log_err("--provisioned: \"%s\" is not READS:WRITES", o->provisioned);
		return DDB_EXIT_USAGE;
	}
	if (o->provisioned != NULL || !from_schema) {
		json_write_name(&d->w, "BillingMode");
		json_write_str(&d->w, o->provisioned != NULL ? "PROVISIONED" : "PAY_PER_REQUEST");
	}
	if (o->provisioned != NULL)
		put_two(&d->w, "ProvisionedThroughput", "ReadCapacityUnits", read, "WriteCapacityUnits", write);
	if (o->warm_read > 0 || o->warm_write > 0)
		put_two(&d->w, "WarmThroughput", "ReadUnitsPerSecond", o->warm_read, "WriteUnitsPerSecond",
		        o->warm_write);
	return 0;
}

static int put_options(struct data *d, const struct create *o)
{
	char types[2] = { 'S', 'S' };
	char *names[2] = { split_key(o->key, &types[0]), o->sort != NULL ? split_key(o->sort, &types[1]) : NULL };
	const char *const both[2] = { names[0], names[1] };

	/* One attribute cannot have two types: the server says so. */
	put_keys(&d->w, both, types, true);
	put_keys(&d->w, both, types, false);
	free(names[0]);
	free(names[1]);
	return put_throughput(d, o, false);
}

static int put_schema(struct data *d, const struct create *o, const char *path)
{
	char message[DATA_SCHEMA_MESSAGE_MAX];
	struct data_input in;
	struct bytes line;
	int code = data_input_open(&in, path);

	if (code != 0)
		goto out;
	code = DDB_EXIT_USAGE;
	if (data_input_document(&in, &line) != DATA_INPUT_OK)
		log_err("%s: no schema", in.name);
	else if (!data_schema_members(&d->w, line, o->provisioned != NULL, o->warm_read + o->warm_write > 0, message))
		log_err("%s: %s", in.name, message);
	else
		code = put_throughput(d, o, true);
out:
	data_input_close(&in);
	return code;
}

int data_create_run(int argc, char **argv)
{
	struct data d = DATA_INIT;
	struct create o = { .key = NULL };
	const struct opt opts[] = {
		OPT_STR('k', "key", "NAME:TYPE", "partition key; TYPE is S, N or B, S if it is left out", &o.key),
		OPT_STR(0, "sort", "NAME:TYPE", "sort key; none by default", &o.sort),
		OPT_STR(0, "provisioned", "R:W", "units to provide for; on demand by default", &o.provisioned),
		OPT_U64(0, "warm-read", "N", "be ready for so many read units a second", &o.warm_read, 1, UNITS_MAX),
		OPT_U64(0, "warm-write", "N", "be ready for so many write units a second", &o.warm_write, 1, UNITS_MAX),
		OPT_FLAG(0, "no-wait", "do not wait until it can be used", &o.no_wait),
		DATA_OPTS(d),
		OPT_END
	};
	const struct opt_usage usage = { "ddb create", "TABLE [FILE | -]",
		"make a table, of given keys or like the one of a dump", opts, 1, 2, false };
	int i = opt_parse(&usage, argc, argv), code;
	const char *from = argc - i > 1 ? argv[i + 1] : NULL;

	if ((from == NULL) == (o.key == NULL))
		opt_fail(&usage, "%s", from == NULL ? "--key is missing" : "a schema has its own --key");
	if (from != NULL && o.sort != NULL)
		opt_fail(&usage, "a schema has its own --sort");
	code = data_open(&d, argv[i]);
	data_begin(&d);
	if (code == 0)
		code = from != NULL ? put_schema(&d, &o, from) : put_options(&d, &o);
	if (code == 0)
		code = data_create_send(&d, !o.no_wait);
	return data_close(&d, code);
}
