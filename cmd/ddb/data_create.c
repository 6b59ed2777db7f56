#include "data_create.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "clock.h"
#include "cmd.h"
#include "data_input.h"
#include "data_spec.h"
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

/* Can it be read and written?  While an index comes or goes, too. */
static bool is_usable(struct data *d)
{
	struct bytes table;

	return data_member(buf_view(&d->answer.body), "Table", &table) && data_schema_read(&d->schema, table) &&
	       (data_schema_is(&d->schema, "ACTIVE") || data_schema_is(&d->schema, "UPDATING"));
}

int data_create_wait(struct data *d, bool gone)
{
	uint64_t end = clock_ms() + WAIT_MS_MAX, pause = POLL_MS;

	for (;;) {
		data_begin(d);
		if (data_try(d, "DescribeTable") != 200)
			return gone && is_missing(d) ? 0 : client_fail(d->client, &d->answer);
		if (!gone && is_usable(d))
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
	return is_usable(d) ? 0 : data_create_wait(d, false);
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
	struct opt_list locals, globals;
	char *units;                                     /* of provisioned, as a member; owned */
	uint64_t warm_read, warm_write;
	bool no_wait;
};

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

int data_create_units(const char *text, char **member)
{
	uint64_t read = 0, write = 0;
	char *copy = mem_str(text != NULL ? text : ""), *colon = strchr(copy, ':');
	bool ok = text == NULL;

	*member = NULL;
	if (colon != NULL) {
		*colon = '\0';
		ok = opt_u64(copy, &read) && opt_u64(colon + 1, &write) && read > 0 && write > 0 && read < UNITS_MAX &&
		     write < UNITS_MAX;
	}
	free(copy);
	if (!ok) {
		log_err("--provisioned: \"%s\" is not READS:WRITES", text);
		return DDB_EXIT_USAGE;
	}
	if (text != NULL)
		*member = mem_fmt("\"ProvisionedThroughput\":{\"ReadCapacityUnits\":%" PRIu64 ",\"WriteCapacityUnits\":%" PRIu64 "}",
		                  read, write);
	return 0;
}

static void put_throughput(struct data *d, const struct create *o, bool from_schema)
{
	if (o->units != NULL || !from_schema) {
		json_write_name(&d->w, "BillingMode");
		json_write_str(&d->w, o->units != NULL ? "PROVISIONED" : "PAY_PER_REQUEST");
	}
	if (o->units != NULL)
		json_write_raw(&d->w, bytes_str(o->units));
	if (o->warm_read > 0 || o->warm_write > 0)
		put_two(&d->w, "WarmThroughput", "ReadUnitsPerSecond", o->warm_read, "WriteUnitsPerSecond",
		        o->warm_write);
}

/* The indexes of one kind, as a member; hash: of local ones. */
static bool put_indexes(struct json_write *w, struct data_spec *spec, const struct opt_list *texts, const char *hash)
{
	bool ok = true;

	if (texts->n == 0)
		return true;
	json_write_name(w, hash != NULL ? "LocalSecondaryIndexes" : "GlobalSecondaryIndexes");
	json_write_array(w);
	for (size_t i = 0; ok && i < texts->n; i++)
		ok = data_spec_index(spec, texts->v[i], hash, w);
	json_write_array_end(w);
	return ok;
}

static int put_options(struct data *d, const struct create *o)
{
	struct data_spec spec = { .units = o->units };
	struct buf indexes = { 0 };
	struct json_write w = { .b = &indexes };
	const char *hash, *sort = NULL;
	/* One attribute in both keys: the server says so. */
	bool ok = data_spec_attribute(&spec, bytes_str(o->key), &hash) &&
	          (o->sort == NULL || data_spec_attribute(&spec, bytes_str(o->sort), &sort)) &&
	          put_indexes(&w, &spec, &o->locals, hash) && put_indexes(&w, &spec, &o->globals, NULL);

	if (ok) {
		data_spec_definitions(&spec, &d->w);
		data_spec_keys(&d->w, hash, sort);
		if (indexes.n > 0)
			json_write_raw(&d->w, buf_view(&indexes));
		put_throughput(d, o, false);
	} else {
		log_err("%s", spec.message);
	}
	buf_fini(&indexes);
	data_spec_fini(&spec);
	return ok ? 0 : DDB_EXIT_USAGE;
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
	else if (!data_schema_members(&d->w, line, o->units != NULL, o->warm_read + o->warm_write > 0, message))
		log_err("%s: %s", in.name, message);
	else
		code = 0;
	if (code == 0)
		put_throughput(d, o, true);
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
		OPT_LIST(0, "local", "NAME=SORT:TYPE", "a local index, by another sort key", &o.locals),
		OPT_LIST(0, "global", "NAME=KEY:TYPE/SORT:TYPE", "a global index; see ddb-tables(1) for more", &o.globals),
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
	if (from != NULL && (o.sort != NULL || o.locals.n + o.globals.n > 0))
		opt_fail(&usage, "a schema has its own %s", o.sort != NULL ? "--sort" : "indexes");
	code = data_open(&d, argv[i]);
	data_begin(&d);
	if (code == 0)
		code = data_create_units(o.provisioned, &o.units);
	if (code == 0)
		code = from != NULL ? put_schema(&d, &o, from) : put_options(&d, &o);
	if (code == 0)
		code = data_create_send(&d, !o.no_wait);
	free(o.units);
	return data_close(&d, code);
}
