/* data_index: ddb index. */
#include <inttypes.h>
#include <libsmartcols/libsmartcols.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "cmd.h"
#include "data.h"
#include "data_create.h"
#include "data_spec.h"
#include "exit.h"
#include "log.h"
#include "mem.h"

#define WAIT_MS_MAX 86400000                             /* a large table takes long */
#define BEGIN_MS_MAX 30000                               /* some servers take such requests and do nothing */
#define POLL_MS 50                                       /* the first pause; each next one is longer by half */
#define POLL_MS_MAX 2000

/* --- the list */

static char *status_of(struct bytes index)
{
	char *status = data_schema_text(index, "IndexStatus"), *filling = data_schema_text(index, "Backfilling"), *text;

	text = mem_fmt("%s%s", status[0] != '\0' ? status : "-", strcmp(filling, "true") == 0 ? ", filling" : "");
	free(status);
	free(filling);
	return text;
}

static char *text_of(struct buf *b)
{
	char *text = mem_copy(b->p, b->n);

	buf_fini(b);
	return text;
}

static void add_row(struct libscols_table *t, const struct data_schema *s, struct bytes index, bool global)
{
	struct libscols_line *row = scols_table_new_line(t, NULL);
	struct key_schema key;
	struct buf keys = { 0 }, has = { 0 };

	if (data_schema_index_key(s, index, &key)) {
		data_schema_key_text(&key, &keys);
		data_schema_free_key(&key);
	}
	data_schema_projection_text(index, &has);
	scols_line_refer_data(row, 0, data_schema_text(index, "IndexName"));
	scols_line_refer_data(row, 1, mem_str(global ? "global" : "local"));
	scols_line_refer_data(row, 2, text_of(&keys));
	scols_line_refer_data(row, 3, text_of(&has));
	scols_line_refer_data(row, 4, status_of(index));
	scols_line_refer_data(row, 5, data_schema_text(index, "ItemCount"));
	scols_line_refer_data(row, 6, data_schema_text(index, "IndexSizeBytes"));
}

/* As a table, or, if json, a line each. */
static int list(struct data *d, bool json)
{
	static const char *const titles[] = { "INDEX", "KIND", "KEY", "HAS", "STATUS", "ITEMS", "BYTES" };
	struct libscols_table *t = scols_new_table();
	int code = data_describe(d);
	struct bytes index;
	char *text = NULL;
	bool global;
	size_t n = 0;

	if (t == NULL)
		abort();
	for (size_t i = 0; i < sizeof titles / sizeof *titles; i++)
		scols_table_new_column(t, titles[i], 0, i >= 5 ? SCOLS_FL_RIGHT : 0);
	for (; code == 0 && data_schema_index(&d->schema, n, &index, &global); n++) {
		if (json) {
			buf_bytes(&d->out, index);
			buf_str(&d->out, "\n");
		} else {
			add_row(t, &d->schema, index, global);
		}
	}
	if (n > 0 && !json && scols_print_table_to_string(t, &text) == 0) {
		buf_str(&d->out, text);
		if (d->out.n > 0 && d->out.p[d->out.n - 1] != '\n')
			buf_str(&d->out, "\n");
	}
	free(text);
	scols_unref_table(t);
	return code;
}

/* --- changes */

/* The name in "NAME=..", to be freed. */
static char *name_of(const char *text)
{
	return mem_copy(text, strcspn(text, "="));
}

static void show_progress(const char *name, struct bytes index)
{
	char *status = status_of(index), *items = data_schema_text(index, "ItemCount");

	fprintf(stderr, "\r\033[K%s: %s%s%s", name, status, items[0] != '\0' ? ", items: " : "", items);
	fflush(stderr);
	free(status);
	free(items);
}

static bool is_active(struct bytes index)
{
	char *status = data_schema_text(index, "IndexStatus");
	bool is = strcmp(status, "ACTIVE") == 0;

	free(status);
	return is;
}

/* Until the index is ACTIVE, or, if gone, there is none of that name. */
static int wait_for(struct data *d, const char *name, bool gone)
{
	uint64_t start = clock_ms(), pause = POLL_MS;
	bool terminal = isatty(STDERR_FILENO), begun = false, global;
	struct bytes index;
	int code;

	for (;;) {
		bool there;

		data_schema_fini(&d->schema);
		code = data_describe(d);
		if (code != 0)
			break;
		there = data_schema_find(&d->schema, name, &index, &global);
		if (gone ? !there : there && is_active(index))
			break;
		if (begun && !gone && !there) {
			log_err("%s: somebody has dropped the index %s", d->table, name);
			code = DDB_EXIT_NEGATIVE;
			break;
		}
		begun = begun || (gone ? !is_active(index) : there);
		if (clock_ms() - start >= (begun ? WAIT_MS_MAX : BEGIN_MS_MAX)) {
			log_err("%s: the index %s is still not %s", d->table, name, gone ? "gone" : "active");
			code = DDB_EXIT_UNAVAILABLE;
			break;
		}
		if (terminal && there)
			show_progress(name, index);
		nanosleep(&(struct timespec){ (time_t)(pause / 1000), (long)(pause % 1000) * 1000000 }, NULL);
		pause = pause + pause / 2 < POLL_MS_MAX ? pause + pause / 2 : POLL_MS_MAX;
	}
	if (terminal)
		fputs("\r\033[K", stderr);
	return code;
}

/* The units of an index that is told none: its table's. */
static char *units_of(const struct data_schema *s)
{
	struct bytes part;
	char *read, *write, *text = NULL;

	if (!data_member(buf_view(&s->text), "ProvisionedThroughput", &part))
		return NULL;
	read = data_schema_text(part, "ReadCapacityUnits");
	write = data_schema_text(part, "WriteCapacityUnits");
	if (read[0] != '\0' && strcmp(read, "0") != 0)
		text = mem_fmt("%s:%s", read, write);
	free(read);
	free(write);
	return text;
}

/* Types that are not said are those that the table's keys have. */
static void take_types(struct data_spec *spec, const struct data_schema *s)
{
	for (size_t i = 0; i < spec->n; i++) {
		uint8_t tag = data_schema_type(s, spec->attribute[i].name);

		if (spec->attribute[i].type == 0 && tag != ITEM_NONE)
			spec->attribute[i].type = item_type_name(tag)[0];
	}
}

static void begin_update(struct data *d, const char *action)
{
	data_begin(d);
	json_write_name(&d->w, "GlobalSecondaryIndexUpdates");
	json_write_array(&d->w);
	json_write_object(&d->w);
	json_write_name(&d->w, action);
}

static int send_update(struct data *d, const char *name, bool gone, bool wait)
{
	int code = data_call(d, "UpdateTable");

	return code == 0 && wait ? wait_for(d, name, gone) : code;
}

static int add(struct data *d, const char *text, const char *provisioned, bool wait)
{
	struct data_spec spec = { .n = 0 };
	char *units = NULL, *name = name_of(text), *own = NULL;
	int code = data_describe(d);

	if (code == 0 && provisioned == NULL)
		own = units_of(&d->schema);
	if (code == 0)
		code = data_create_units(provisioned != NULL ? provisioned : own, &units);
	if (code == 0) {
		spec.units = units;
		begin_update(d, "Create");
		if (!data_spec_index(&spec, text, NULL, &d->w)) {
			log_err("%s", spec.message);
			code = DDB_EXIT_USAGE;
		}
	}
	if (code == 0) {
		json_write_object_end(&d->w);
		json_write_array_end(&d->w);
		take_types(&spec, &d->schema);
		data_spec_definitions(&spec, &d->w);
		code = send_update(d, name, false, wait);
	}
	data_spec_fini(&spec);
	free(own);
	free(name);
	free(units);
	return code;
}

static int drop(struct data *d, const char *name, bool wait)
{
	begin_update(d, "Delete");
	json_write_object(&d->w);
	json_write_name(&d->w, "IndexName");
	json_write_str(&d->w, name);
	json_write_object_end(&d->w);
	json_write_object_end(&d->w);
	json_write_array_end(&d->w);
	return send_update(d, name, true, wait);
}

int data_index_run(int argc, char **argv)
{
	struct data d = DATA_INIT;
	const char *provisioned = NULL;
	bool no_wait = false, json = false;
	const struct opt opts[] = {
		OPT_STR(0, "provisioned", "R:W", "units to provide for (the table's), if the table has such", &provisioned),
		OPT_FLAG(0, "no-wait", "do not wait until it can be used, or is gone", &no_wait),
		OPT_FLAG(0, "json", "list them as the API has them, a line each", &json),
		DATA_OPTS(d),
		OPT_END
	};
	const struct opt_usage usage = { "ddb index", "TABLE [add NAME=KEY:TYPE/SORT:TYPE | drop NAME]",
		"list the indexes of a table, add or drop a global one", opts, 1, 3, false };
	int i = opt_parse(&usage, argc, argv), n = argc - i, code;
	bool adds = n > 1 && strcmp(argv[i + 1], "add") == 0;

	if (n == 2 || (n == 3 && !adds && strcmp(argv[i + 1], "drop") != 0))
		opt_fail(&usage, "add NAME=KEY, drop NAME, or neither");
	if (provisioned != NULL && !adds)
		opt_fail(&usage, "--provisioned is for add");
	code = data_open(&d, argv[i]);
	if (code == 0 && n == 1)
		code = list(&d, json);
	else if (code == 0)
		code = adds ? add(&d, argv[i + 2], provisioned, !no_wait) : drop(&d, argv[i + 2], !no_wait);
	return data_close(&d, code);
}
