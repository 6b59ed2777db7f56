/* data_tables: ddb tables, ddb desc and ddb drop. */
#include <inttypes.h>
#include <libsmartcols/libsmartcols.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cmd.h"
#include "data.h"
#include "data_create.h"
#include "exit.h"
#include "log.h"
#include "mem.h"

#define ANSWER_MAX 16
#define TIME_MAX 64

static char *key_of(const struct key_schema *key)
{
	struct buf b = { 0 };
	char *text;

	data_schema_key_text(key, &b);
	text = mem_copy(b.p, b.n);
	buf_fini(&b);
	return text;
}

static char *billing_of(struct bytes table)
{
	struct bytes part;
	char *mode = data_member(table, "BillingModeSummary", &part) ? data_schema_text(part, "BillingMode") : mem_str("");
	char *read, *write, *text;

	if (strcmp(mode, "PAY_PER_REQUEST") == 0 || !data_member(table, "ProvisionedThroughput", &part)) {
		free(mode);
		return mem_str("on demand");
	}
	read = data_schema_text(part, "ReadCapacityUnits");
	write = data_schema_text(part, "WriteCapacityUnits");
	text = mem_fmt("%s read, %s write", read, write);
	free(mode);
	free(read);
	free(write);
	return text;
}

/* --- desc */

static void line(struct buf *out, const char *name, char *text)
{
	if (text[0] != '\0')
		buf_fmt(out, "%-9s%s\n", name, text);
	free(text);
}

static void show_indexes(struct data *d)
{
	struct bytes index;
	bool global;

	for (size_t i = 0; data_schema_index(&d->schema, i, &index, &global); i++) {
		char *name = data_schema_text(index, "IndexName"), *status = data_schema_text(index, "IndexStatus"), *keys;
		struct key_schema key;
		struct buf has = { 0 };

		if (data_schema_index_key(&d->schema, index, &key)) {
			keys = key_of(&key);
			data_schema_projection_text(index, &has);
			line(&d->out, "index", mem_fmt("%s: %s; %s, %.*s%s%s", name, keys, global ? "global" : "local",
			                               (int)has.n, (const char *)has.p, status[0] == '\0' ? "" : "; ", status));
			free(keys);
			data_schema_free_key(&key);
		}
		buf_fini(&has);
		free(name);
		free(status);
	}
}

static char *created_of(struct bytes table)
{
	char *text = data_schema_text(table, "CreationDateTime"), shown[TIME_MAX] = "";
	time_t t = (time_t)strtod(text, NULL);
	struct tm tm;

	if (text[0] != '\0' && gmtime_r(&t, &tm) != NULL)
		strftime(shown, sizeof shown, "%Y-%m-%dT%H:%M:%SZ", &tm);
	free(text);
	return mem_str(shown);
}

static void show_table(struct data *d)
{
	struct bytes table = buf_view(&d->schema.text);

	line(&d->out, "table", data_schema_text(table, "TableName"));
	line(&d->out, "status", data_schema_text(table, "TableStatus"));
	line(&d->out, "key", key_of(&d->schema.key));
	line(&d->out, "units", billing_of(table));
	show_indexes(d);
	line(&d->out, "items", data_schema_text(table, "ItemCount"));
	line(&d->out, "bytes", data_schema_text(table, "TableSizeBytes"));
	line(&d->out, "created", created_of(table));
	line(&d->out, "arn", data_schema_text(table, "TableArn"));
}

int data_desc_run(int argc, char **argv)
{
	struct data d = DATA_INIT;
	bool json = false, schema = false;
	const struct opt opts[] = {
		OPT_FLAG(0, "json", "all of it, as the API has it", &json),
		OPT_FLAG(0, "schema", "what `ddb create TABLE -` makes such a table of", &schema),
		DATA_OPTS(d),
		OPT_END
	};
	const struct opt_usage usage = { "ddb desc", "TABLE", "describe a table", opts, 1, 1, false };
	int i = opt_parse(&usage, argc, argv);
	int code = data_open(&d, argv[i]);

	if (code == 0)
		code = data_describe(&d);
	if (code == 0 && schema) {
		data_schema_line(&d.schema, true, &d.out);
	} else if (code == 0 && json) {
		buf_bytes(&d.out, buf_view(&d.schema.text));
		buf_str(&d.out, "\n");
	} else if (code == 0) {
		show_table(&d);
	}
	return data_close(&d, code);
}

/* --- tables */

struct names {
	char **v;
	size_t n;
};

static bool read_page(struct data *d, struct names *names, char **last)
{
	struct json_read r;
	struct bytes list, raw;
	bool ok;

	if (!data_member(buf_view(&d->answer.body), "TableNames", &list))
		return false;
	json_read_init(&r, list, DATA_DEPTH_MAX);
	ok = json_read_next(&r) == JSON_ARRAY;
	while (ok && json_read_next(&r) == JSON_STRING) {
		names->v = mem_resize(names->v, (names->n + 1) * sizeof *names->v);
		names->v[names->n++] = mem_copy(r.str.p, r.str.n);
	}
	ok = ok && r.token == JSON_ARRAY_END;
	json_read_fini(&r);
	free(*last);
	*last = data_member(buf_view(&d->answer.body), "LastEvaluatedTableName", &raw) ? data_text(raw) : NULL;
	return ok;
}

static int list(struct data *d, struct names *names)
{
	char *last = NULL;
	int code;

	do {
		data_begin(d);
		if (last != NULL) {
			json_write_name(&d->w, "ExclusiveStartTableName");
			json_write_str(&d->w, last);
		}
		code = data_call(d, "ListTables");
		if (code == 0 && !read_page(d, names, &last)) {
			log_err("ListTables: an answer that makes no sense");
			code = DDB_EXIT_UNAVAILABLE;
		}
	} while (code == 0 && last != NULL);
	free(last);
	return code;
}

static void add_row(struct libscols_table *t, const struct data *d)
{
	struct bytes table = buf_view(&d->schema.text);
	struct libscols_line *row = scols_table_new_line(t, NULL);
	struct bytes index;
	bool global;
	size_t n = 0;

	while (data_schema_index(&d->schema, n, &index, &global))
		n++;
	scols_line_refer_data(row, 0, data_schema_text(table, "TableName"));
	scols_line_refer_data(row, 1, data_schema_text(table, "TableStatus"));
	scols_line_refer_data(row, 2, key_of(&d->schema.key));
	scols_line_refer_data(row, 3, billing_of(table));
	scols_line_refer_data(row, 4, mem_fmt("%zu", n));
	scols_line_refer_data(row, 5, data_schema_text(table, "ItemCount"));
	scols_line_refer_data(row, 6, data_schema_text(table, "TableSizeBytes"));
	if (!data_schema_is(&d->schema, "ACTIVE"))
		scols_line_set_color(row, "yellow");
}

/* Each table described: as a row of t, or, if t is NULL, as a line of JSON. */
static int describe_all(struct data *d, const struct names *names, struct libscols_table *t)
{
	for (size_t i = 0; i < names->n; i++) {
		int code;

		d->table = names->v[i];
		data_schema_fini(&d->schema);
		code = data_describe(d);
		if (code == DDB_EXIT_NEGATIVE)
			continue;                            /* dropped since */
		if (code != 0)
			return code;
		if (t != NULL) {
			add_row(t, d);
			continue;
		}
		buf_bytes(&d->out, buf_view(&d->schema.text));
		buf_str(&d->out, "\n");
		code = data_flush(d);
		if (code != 0)
			return code;
	}
	return 0;
}

static int show_long(struct data *d, const struct names *names)
{
	static const char *const titles[] = { "TABLE", "STATUS", "KEY", "UNITS", "INDEXES", "ITEMS", "BYTES" };
	struct libscols_table *t = scols_new_table();
	char *text = NULL;
	int code;

	if (t == NULL)
		abort();
	scols_table_enable_colors(t, isatty(STDOUT_FILENO) && getenv("NO_COLOR") == NULL);
	for (size_t i = 0; i < sizeof titles / sizeof *titles; i++)
		scols_table_new_column(t, titles[i], 0, i >= 4 ? SCOLS_FL_RIGHT : 0);
	code = describe_all(d, names, t);
	if (code == 0 && names->n > 0 && scols_print_table_to_string(t, &text) == 0) {
		buf_str(&d->out, text);
		if (d->out.n > 0 && d->out.p[d->out.n - 1] != '\n')
			buf_str(&d->out, "\n");
	}
	free(text);
	scols_unref_table(t);
	return code;
}

int data_tables_run(int argc, char **argv)
{
	struct data d = DATA_INIT;
	struct names names = { NULL, 0 };
	bool wide = false, json = false;
	const struct opt opts[] = {
		OPT_FLAG('l', "long", "with state, keys and size", &wide),
		OPT_FLAG(0, "json", "the description of each, a line of JSON", &json),
		DATA_OPTS(d),
		OPT_END
	};
	const struct opt_usage usage = { "ddb tables", NULL, "list the tables, one a line", opts, 0, 0, false };
	int code;

	opt_parse(&usage, argc, argv);
	code = data_open(&d, NULL);
	if (code == 0)
		code = list(&d, &names);
	if (code == 0 && json)
		code = describe_all(&d, &names, NULL);
	else if (code == 0 && wide)
		code = show_long(&d, &names);
	for (size_t i = 0; i < names.n; i++) {
		if (code == 0 && !json && !wide)
			buf_fmt(&d.out, "%s\n", names.v[i]);
		free(names.v[i]);
	}
	free(names.v);
	return data_close(&d, code);
}

/* --- drop */

static bool is_sure(const char *table)
{
	char answer[ANSWER_MAX] = "";

	fprintf(stderr, "Delete the table %s and all its items? [y/N] ", table);
	fflush(stderr);
	return fgets(answer, sizeof answer, stdin) != NULL && (answer[0] == 'y' || answer[0] == 'Y');
}

int data_drop_run(int argc, char **argv)
{
	struct data d = DATA_INIT;
	bool yes = false, no_wait = false;
	const struct opt opts[] = {
		OPT_FLAG('y', "yes", "do not ask", &yes),
		OPT_FLAG(0, "no-wait", "do not wait until it is gone", &no_wait),
		DATA_OPTS(d),
		OPT_END
	};
	const struct opt_usage usage = { "ddb drop", "TABLE", "delete a table", opts, 1, 1, false };
	int i = opt_parse(&usage, argc, argv), code;

	if (!yes && !isatty(STDIN_FILENO))
		opt_fail(&usage, "nobody to ask: say --yes");
	if (!yes && !is_sure(argv[i]))
		return DDB_EXIT_NEGATIVE;
	code = data_open(&d, argv[i]);
	data_begin(&d);
	if (code == 0)
		code = data_call(&d, "DeleteTable");
	if (code == 0 && !no_wait)
		code = data_create_wait(&d, true);
	return data_close(&d, code);
}
