#include "bench_report.h"

#include "json.h"

static const char *const ops[BENCH_PLAN_OPS] = { "get", "put", "put-if", "update", "update-if" };

static double throughput(const struct bench_stats *s)
{
	return s->seconds > 0 ? (double)s->answered_in_time / s->seconds : 0;
}

static void all(const struct bench_stats *s, struct bench_hist *h)
{
	*h = s->latency[0];
	for (int i = 1; i < BENCH_PLAN_OPS; i++)
		bench_hist_merge(h, &s->latency[i]);
}

/* --- text --------------------------------------------------------------------------------------------------------- */

static void put_time(struct buf *b, uint64_t us)
{
	if (us < 1000)
		buf_fmt(b, " %6u us", (unsigned)us);
	else if (us < 1000000)
		buf_fmt(b, " %6.2f ms", (double)us / 1000);
	else
		buf_fmt(b, " %6.2f s ", (double)us / 1000000);
}

static void text_hist(struct buf *b, const char *name, const struct bench_hist *h)
{
	static const double shares[] = { 0.5, 0.99, 0.999, 1 };

	buf_fmt(b, "%-9s %10llu", name, (unsigned long long)h->n);
	for (size_t i = 0; i < sizeof shares / sizeof *shares; i++)
		put_time(b, bench_hist_at(h, shares[i]));
	buf_str(b, "\n");
}

void bench_report_text(const struct bench_opts *o, const struct bench_target *t, const struct bench_stats *s,
                       struct buf *out)
{
	struct bench_hist h;

	all(s, &h);
	buf_fmt(out, "%s %s: workload %s%s, %s keys, %llu items of %llu bytes, %llu connections", t->endpoint, t->table,
	        bench_go_workloads[o->workload], o->consistent ? " with strong reads" : "", bench_go_keys[o->keys],
	        (unsigned long long)o->items, (unsigned long long)o->size, (unsigned long long)o->connections);
	if (o->indexes > 0)
		buf_fmt(out, ", %u global index%s", o->indexes, o->indexes > 1 ? "es" : "");
	if (o->rate > 0)
		buf_fmt(out, ", %llu requests a second", (unsigned long long)o->rate);
	buf_fmt(out, ", seed %llu\n\n%.0f requests/s over %.1f s, %.1f us of CPU here for each\n\n",
	        (unsigned long long)o->seed, throughput(s), s->seconds, s->cpu_us);
	buf_fmt(out, "%-9s %10s %9s %9s %9s %9s\n", "", "requests", "p50", "p99", "p99.9", "max");
	for (int i = 0; i < BENCH_PLAN_OPS; i++)
		if (s->latency[i].n > 0)
			text_hist(out, ops[i], &s->latency[i]);
	text_hist(out, "all", &h);
	if (s->missing > 0)
		buf_fmt(out, "\n%llu reads found no item (--load writes them all)\n", (unsigned long long)s->missing);
	if (s->overruns > 0)
		buf_fmt(out, "\n%llu requests were never sent: the server, or this program, cannot keep up\n",
		        (unsigned long long)s->overruns);
	if (s->wrong > 0)
		buf_fmt(out, "\n%llu reads got a value that does not belong to their key\n",
		        (unsigned long long)s->wrong);
	if (s->errors > 0)
		buf_fmt(out, "\n%llu errors\n", (unsigned long long)s->errors);
	for (size_t i = 0; i < s->types_n; i++)
		buf_fmt(out, "%16llu  %s\n", (unsigned long long)s->types[i].n, s->types[i].name);
	if (s->interrupted)
		buf_str(out, "\ninterrupted\n");
}

/* --- JSON --------------------------------------------------------------------------------------------------------- */

static void name_u64(struct json_write *w, const char *name, uint64_t v)
{
	json_write_name(w, name);
	json_write_u64(w, v);
}

static void name_double(struct json_write *w, const char *name, double v, unsigned decimals)
{
	json_write_name(w, name);
	json_write_double(w, v, decimals);
}

static void name_str(struct json_write *w, const char *name, const char *v)
{
	json_write_name(w, name);
	json_write_str(w, v);
}

static void name_bool(struct json_write *w, const char *name, bool v)
{
	json_write_name(w, name);
	json_write_bool(w, v);
}

static void json_hist(struct json_write *w, const struct bench_hist *h)
{
	name_double(w, "mean_us", bench_hist_mean(h), 1);
	name_u64(w, "p50_us", bench_hist_at(h, 0.5));
	name_u64(w, "p90_us", bench_hist_at(h, 0.9));
	name_u64(w, "p99_us", bench_hist_at(h, 0.99));
	name_u64(w, "p999_us", bench_hist_at(h, 0.999));
	name_u64(w, "max_us", h->max);
}

static void json_run(struct json_write *w, const struct bench_opts *o, const struct bench_target *t)
{
	name_str(w, "endpoint", t->endpoint);
	name_str(w, "table", t->table);
	name_str(w, "workload", bench_go_workloads[o->workload]);
	name_str(w, "keys", bench_go_keys[o->keys]);
	name_bool(w, "consistent", o->consistent);
	name_u64(w, "items", o->items);
	name_u64(w, "size", o->size);
	name_str(w, "write", ops[o->write]);
	name_u64(w, "indexes", o->indexes);
	name_u64(w, "connections", o->connections);
	json_write_name(w, "rate");
	if (o->rate > 0)
		json_write_u64(w, o->rate);
	else
		json_write_null(w);
	name_u64(w, "seed", o->seed);
}

void bench_report_json(const struct bench_opts *o, const struct bench_target *t, const struct bench_stats *s,
                       struct buf *out)
{
	struct json_write w = { .b = out };
	struct bench_hist h;

	all(s, &h);
	json_write_object(&w);
	json_run(&w, o, t);
	name_double(&w, "seconds", s->seconds, 3);
	name_u64(&w, "requests", s->requests);
	name_double(&w, "throughput", throughput(s), 1);
	json_hist(&w, &h);
	json_write_name(&w, "operations");
	json_write_object(&w);
	for (int i = 0; i < BENCH_PLAN_OPS; i++) {
		if (s->latency[i].n == 0)
			continue;
		json_write_name(&w, ops[i]);
		json_write_object(&w);
		name_u64(&w, "requests", s->latency[i].n);
		json_hist(&w, &s->latency[i]);
		json_write_object_end(&w);
	}
	json_write_object_end(&w);
	json_write_name(&w, "errors");
	json_write_object(&w);
	for (size_t i = 0; i < s->types_n; i++) {
		json_write_key(&w, bytes_str(s->types[i].name));
		json_write_u64(&w, s->types[i].n);
	}
	json_write_object_end(&w);
	name_u64(&w, "errors_total", s->errors);
	name_u64(&w, "missing", s->missing);
	name_u64(&w, "wrong", s->wrong);
	name_u64(&w, "overruns", s->overruns);
	name_u64(&w, "late_max", s->late_max);
	name_double(&w, "cpu_us", s->cpu_us, 2);
	name_bool(&w, "interrupted", s->interrupted);
	json_write_object_end(&w);
	buf_str(out, "\n");
}
