/* data_query: ddb query. */
#include <string.h>

#include "cmd.h"
#include "data_range.h"
#include "data_read.h"
#include "exit.h"
#include "log.h"

static int put_value(struct data_read *r, struct data *d, const struct key_part *part, const char *text,
                     struct buf *out)
{
	struct value v;
	int code = data_key_value(d, part, text, &v);

	if (code == 0)
		data_expr_value(&r->words.x, v, out);
	return code;
}

/* #sk = :v, #sk BETWEEN :a AND :b, begins_with(#sk, :v) */
static int put_range(struct data_read *r, struct data *d, const struct key_part *part, const struct data_range *range,
                     struct buf *out)
{
	bool prefix = range->op[0] == 'b' && range->value[1] == NULL;
	int code;

	buf_str(out, prefix ? " AND begins_with(" : " AND ");
	data_expr_name(&r->words.x, part->name, out);
	if (prefix)
		buf_str(out, ", ");
	else
		buf_fmt(out, " %s ", range->op);
	code = put_value(r, d, part, range->value[0], out);
	if (code == 0 && range->value[1] != NULL) {
		buf_str(out, " AND ");
		code = put_value(r, d, part, range->value[1], out);
	}
	buf_str(out, prefix ? ")" : "");
	return code;
}

/* All attributes of the partition key, one after the other. */
static int put_hash(struct data_read *r, struct data *d, char **operands, size_t n, struct buf *out)
{
	struct buf text = { 0 };
	int code = 0;

	if (n < r->key.hash_n) {
		data_schema_key_text(&r->key, &text);
		log_err("the key of %s is %.*s: %u values of the partition key expected", r->index != NULL ? r->index : d->table,
		        (int)text.n, (const char *)text.p, r->key.hash_n);
		buf_fini(&text);
		return DDB_EXIT_USAGE;
	}
	for (size_t i = 0; code == 0 && i < r->key.hash_n; i++) {
		buf_str(out, i > 0 ? " AND " : "");
		data_expr_name(&r->words.x, r->key.part[i].name, out);
		buf_str(out, " = ");
		code = put_value(r, d, &r->key.part[i], operands[i], out);
	}
	return code;
}

/* Attributes of the sort key, in their order: any but the last one that is given must be equal to something. */
static int put_sort(struct data_read *r, struct data *d, char **operands, size_t n, struct buf *out)
{
	size_t i = r->key.hash_n, took;
	int code = 0;

	if (n > 0 && i == r->key.n) {
		log_err("%s has no sort key", r->index != NULL ? r->index : d->table);
		return DDB_EXIT_USAGE;
	}
	for (; code == 0 && n > 0; i++, operands += took, n -= took) {
		struct data_range range;

		took = data_range_takes(operands, n);
		if (!data_range_read(&range, operands, took) || i == r->key.n ||
		    (took < n && strcmp(range.op, "=") != 0)) {
			log_err("the sort key's condition is one of: X, '> X' (and = < <= >=), begins_with X, between A B%s",
			        r->key.n - r->key.hash_n > 1 ? "; of several attributes only the last one has other than X" : "");
			code = DDB_EXIT_USAGE;
		} else {
			code = put_range(r, d, &r->key.part[i], &range, out);
		}
		data_range_free(&range);
	}
	return code;
}

static int put_condition(struct data_read *r, struct data *d, char **operands, size_t n)
{
	struct buf out = { 0 };
	int code = put_hash(r, d, operands, n, &out);

	if (code == 0)
		code = put_sort(r, d, operands + r->key.hash_n, n - r->key.hash_n, &out);
	json_write_name(&r->w, "KeyConditionExpression");
	json_write_string(&r->w, buf_view(&out));
	buf_fini(&out);
	return code;
}

int data_query_run(int argc, char **argv)
{
	struct data d = DATA_INIT;
	struct data_read r = DATA_READ_INIT;
	bool reverse = false;
	const struct opt opts[] = {
		OPT_FLAG('r', "reverse", "from the greatest sort key down", &reverse),
		DATA_READ_OPTS(r),
		DATA_TYPED(d),
		DATA_OPTS(d),
		OPT_END
	};
	const struct opt_usage usage = { "ddb query", "TABLE KEY... [SORT | '> SORT' | begins_with TEXT | between A B]",
		"print the items of one partition key, one a line", opts, 2, -1, false };
	int i = opt_parse(&usage, argc, argv);
	int code = data_open(&d, argv[i]);

	if (code == 0)
		code = data_read_begin(&r, &d, true);
	if (code == 0)
		code = put_condition(&r, &d, argv + i + 1, (size_t)(argc - i - 1));
	if (code == 0 && reverse) {
		json_write_name(&r.w, "ScanIndexForward");
		json_write_bool(&r.w, false);
	}
	if (code == 0)
		code = data_read_end(&r);
	if (code == 0) {
		struct data_page_job job = data_read_job(&r, "Query", 1);

		code = data_page_run(&d, &job);
	}
	data_read_fini(&r);
	return data_close(&d, code);
}
