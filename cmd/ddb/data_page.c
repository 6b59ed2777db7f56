#include "data_page.h"

#include <inttypes.h>
#include <stdlib.h>

#include "data_pool.h"
#include "data_progress.h"
#include "djson.h"
#include "exit.h"
#include "log.h"
#include "mem.h"

#define LIMIT_MAX ((uint64_t)1 << 30)                    /* the API's is that of an int */

struct segment {
	struct buf from;                                 /* ExclusiveStartKey; empty at first */
	bool done;
};

struct run {
	struct data *d;
	const struct data_page_job *job;
	struct data_pool *pool;
	struct segment *segments;
	uint64_t shown, counted, columned;               /* items; columned: whose attributes became columns */
	struct data_progress progress;
};

static uint64_t left(const struct run *r)
{
	return r->job->limit == 0 ? UINT64_MAX : r->job->limit - r->shown;
}

static int ask(struct run *r, unsigned i)
{
	struct json_write *w = &r->d->w;
	struct segment *s = &r->segments[i];
	uint64_t most = left(r);

	data_begin(r->d);
	if (r->job->fixed.n > 0)
		json_write_raw(w, r->job->fixed);
	if (r->job->segments > 1) {
		json_write_name(w, "Segment");
		json_write_u64(w, i);
		json_write_name(w, "TotalSegments");
		json_write_u64(w, r->job->segments);
	}
	if (r->job->limit > 0 && !r->job->filtered) {
		json_write_name(w, "Limit");
		json_write_u64(w, most < LIMIT_MAX ? most : LIMIT_MAX);
	}
	if (s->from.n > 0) {
		json_write_name(w, "ExclusiveStartKey");
		json_write_raw(w, buf_view(&s->from));
	}
	json_write_object_end(w);
	return data_pool_submit(r->pool, i, r->job->op, buf_view(&r->d->body)) == 0 ? 0 : DDB_EXIT_UNAVAILABLE;
}

static void show_item(struct run *r, struct bytes item)
{
	if (left(r) == 0)
		return;
	if (r->job->rows != NULL)
		data_rows_put(r->job->rows, item, &r->d->out);
	else
		data_put_item(r->d, &r->d->out, item);
	r->shown++;
}

static void add_columns(struct run *r, struct bytes item)
{
	struct item_iter it = item_iter(item);
	struct bytes name;
	struct value v;

	while (item_next_pair(&it, &name, &v))
		data_rows_column(r->job->rows, name);
	r->columned++;
}

/* j->token is the array of items. */
static bool each_item(struct run *r, struct json_read *j, void (*take)(struct run *r, struct bytes item))
{
	struct json_read item;
	struct djson_error e;
	struct bytes raw;
	bool ok = j->token == JSON_ARRAY;

	json_read_init(&item, BYTES_LIT(""), DATA_DEPTH_MAX);
	while (ok && json_read_next(j) == JSON_OBJECT) {
		ok = json_read_raw(j, &raw);
		json_read_reset(&item, raw);
		json_read_next(&item);
		ok = ok && djson_item(&item, &r->d->build, &e) == DJSON_OK;
		if (ok)
			take(r, item_build_view(&r->d->build));
	}
	json_read_fini(&item);
	return ok && j->token == JSON_ARRAY_END;
}

static bool each_item_of(struct run *r, struct bytes array, void (*take)(struct run *r, struct bytes item))
{
	struct json_read j;
	bool ok;

	json_read_init(&j, array, DATA_DEPTH_MAX);
	json_read_next(&j);
	ok = each_item(r, &j, take);
	json_read_fini(&j);
	return ok;
}

/* The page that names the columns is read twice, the others once. */
static bool show_items(struct run *r, struct json_read *j)
{
	struct data_rows *rows = r->job->rows;
	struct bytes array;

	if (rows == NULL || rows->fixed)
		return each_item(r, j, show_item);
	if (!json_read_raw(j, &array) || (r->job->more_columns && !each_item_of(r, array, add_columns)))
		return false;
	if (r->job->more_columns && r->columned == 0)
		return true;
	data_rows_head(rows, &r->d->out);
	return each_item_of(r, array, show_item);
}

static bool take_page(struct run *r, struct segment *s, struct bytes answer)
{
	struct json_read j;
	bool ok;

	json_read_init(&j, answer, DATA_DEPTH_MAX);
	buf_clear(&s->from);
	ok = json_read_next(&j) == JSON_OBJECT;
	while (ok && json_read_next(&j) == JSON_KEY) {
		bool items = bytes_is(j.str, "Items"), count = bytes_is(j.str, "Count");
		bool last = bytes_is(j.str, "LastEvaluatedKey");
		struct bytes raw;
		uint64_t n = 0;

		json_read_next(&j);
		if (items && !r->job->count) {
			ok = show_items(r, &j);
		} else if (count) {
			ok = json_read_raw(&j, &raw);
			for (size_t k = 0; k < raw.n; k++)
				n = n * 10 + (raw.p[k] - '0') % 10;
			r->counted += n;
		} else if (last && j.token == JSON_OBJECT) {
			ok = json_read_raw(&j, &raw);
			buf_bytes(&s->from, raw);
		} else {
			ok = json_read_skip(&j);
		}
	}
	ok = ok && json_read_next(&j) == JSON_END;
	json_read_fini(&j);
	s->done = s->from.n == 0;
	return ok;
}

static bool is_enough(const struct run *r)
{
	if (r->job->limit == 0)
		return false;
	return r->job->count ? r->counted >= r->job->limit : r->shown >= r->job->limit;
}

static int loop(struct run *r)
{
	struct data *d = r->d;
	unsigned open = r->job->segments;
	int code = 0;

	for (unsigned i = 0; i < r->job->segments && code == 0; i++)
		code = ask(r, i);
	while (code == 0 && open > 0 && !is_enough(r)) {
		int i = data_pool_wait(r->pool, UINT64_MAX, &d->answer);

		if (i == -1)
			continue;
		if (i < 0)
			return DDB_EXIT_UNAVAILABLE;
		data_progress_clear(&r->progress);
		if (d->answer.status != 200)
			return client_fail(d->client, &d->answer);
		if (!take_page(r, &r->segments[i], buf_view(&d->answer.body))) {
			log_err("%s: an answer that makes no sense", r->job->op);
			return DDB_EXIT_UNAVAILABLE;
		}
		code = data_write(r->job->fd, r->job->fd_name, &d->out);
		data_progress_show(&r->progress, r->shown);
		open -= r->segments[i].done;
		if (code == 0 && !r->segments[i].done && !is_enough(r))
			code = ask(r, (unsigned)i);
	}
	return code;
}

int data_page_run(struct data *d, const struct data_page_job *job)
{
	struct run r = { .d = d, .job = job, .progress = data_progress_start(job->progress) };
	int code = DDB_EXIT_IO;

	r.segments = mem_new(job->segments * sizeof *r.segments);
	r.pool = data_pool_new(d->client, &d->where, job->segments);
	if (r.pool != NULL)
		code = loop(&r);
	data_progress_clear(&r.progress);
	if (code == 0 && job->count)
		buf_fmt(&d->out, "%" PRIu64 "\n", job->limit > 0 && r.counted > job->limit ? job->limit : r.counted);
	if (code == 0 && job->rows != NULL && !job->rows->fixed)
		data_rows_head(job->rows, &d->out);
	if (code == 0)
		code = data_write(job->fd, job->fd_name, &d->out);
	if (code == 0 && job->rows != NULL && job->rows->lost > 0) {
		log_warn("%" PRIu64 " values have no column, their attributes came after the first page: %.*s; name the columns with --select",
		         job->rows->lost, (int)job->rows->lost_names.n, (const char *)job->rows->lost_names.p);
		code = DDB_EXIT_INCOMPLETE;
	}
	data_pool_free(r.pool);
	for (unsigned i = 0; i < job->segments; i++)
		buf_fini(&r.segments[i].from);
	free(r.segments);
	return code;
}
