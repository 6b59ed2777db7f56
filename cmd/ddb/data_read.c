#include "data_read.h"

#include <unistd.h>

#include "exit.h"
#include "log.h"

/* The columns that are known before any item is: those that were asked for, or else the key. */
static void begin_rows(struct data_read *r, const struct data *d)
{
	r->rows.form = r->csv ? DATA_ROWS_CSV : DATA_ROWS_TSV;
	if (r->select != NULL)
		data_rows_paths(&r->rows, r->select, &r->words.names);
	for (size_t i = 0; r->select == NULL && i < d->schema.key.n; i++)
		data_rows_column(&r->rows, d->schema.key.part[i].name);
}

int data_read_begin(struct data_read *r, struct data *d, bool want_key)
{
	bool global = false, rows = r->csv || r->tsv;
	struct bytes index;
	int code = data_words_begin(&r->words, d->typed);

	r->w = (struct json_write){ .b = &r->fixed };
	if (code == 0 && r->csv + r->tsv + d->typed + r->count > 1) {
		log_err("--csv, --tsv, --typed and --count: one of them");
		code = DDB_EXIT_USAGE;
	}
	if (code == 0 && (want_key || rows || r->index != NULL))
		code = data_describe(d);
	if (code == 0 && rows)
		begin_rows(r, d);
	if (code != 0)
		return code;
	r->key = d->schema.key;
	if (r->index != NULL) {
		r->own_key = data_schema_find(&d->schema, r->index, &index, &global) &&
		             data_schema_index_key(&d->schema, index, &r->key);
		if (!r->own_key) {
			log_err("%s: no index of the name \"%s\"", d->table, r->index);
			return DDB_EXIT_USAGE;
		}
		json_write_name(&r->w, "IndexName");
		json_write_str(&r->w, r->index);
	}
	json_write_name(&r->w, "ConsistentRead");
	json_write_bool(&r->w, r->consistent || (!r->eventual && !global));
	return 0;
}

int data_read_end(struct data_read *r)
{
	int code = data_words_put(&r->words, &r->w, "FilterExpression", DATA_EXPR_CONDITION, r->filter);

	if (code == 0 && !r->count)
		code = data_words_put(&r->words, &r->w, "ProjectionExpression", DATA_EXPR_PATHS, r->select);
	if (r->count) {
		json_write_name(&r->w, "Select");
		json_write_str(&r->w, "COUNT");
	}
	data_words_end(&r->words, &r->w);
	return code;
}

void data_read_fini(struct data_read *r)
{
	data_words_fini(&r->words);
	data_rows_fini(&r->rows);
	buf_fini(&r->fixed);
	if (r->own_key)
		data_schema_free_key(&r->key);
}

struct data_page_job data_read_job(struct data_read *r, const char *op, unsigned segments)
{
	return (struct data_page_job){
		.op = op,
		.fixed = buf_view(&r->fixed),
		.limit = r->limit,
		.filtered = r->filter != NULL,
		.count = r->count,
		.rows = r->csv || r->tsv ? &r->rows : NULL,
		.more_columns = r->select == NULL,
		.segments = segments,
		.fd = STDOUT_FILENO,
		.fd_name = "standard output",
	};
}
