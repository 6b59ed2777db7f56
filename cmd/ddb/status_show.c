#include <libsmartcols/libsmartcols.h>
#include <stdio.h>
#include <stdlib.h>

#include "json.h"
#include "mem.h"
#include "status.h"

#define COLUMNS_MAX 32
#define CELL_MAX 4096

/* --- for machines */

void status_show_json(const struct status *s, struct buf *out)
{
	struct json_write w = { .b = out };
	char *endpoint = mem_fmt("http://127.0.0.1:%d", s->port);

	json_write_object(&w);
	json_write_name(&w, "home");
	json_write_str(&w, s->home);
	json_write_name(&w, "endpoint");
	if (s->port != 0)
		json_write_str(&w, endpoint);
	else
		json_write_null(&w);
	json_write_name(&w, "supervisor");
	if (s->supervisor != 0)
		json_write_u64(&w, (uint64_t)s->supervisor);
	else
		json_write_null(&w);
	json_write_name(&w, "processes");
	json_write_array(&w);
	for (size_t i = 0; i < s->processes_n; i++) {
		const struct status_process *p = &s->processes[i];

		json_write_object(&w);
		json_write_name(&w, "name");
		json_write_str(&w, p->name);
		json_write_name(&w, "up");
		json_write_bool(&w, p->up);
		if (p->up) {
			json_write_name(&w, "cpu_seconds");
			json_write_double(&w, p->cpu_s, 3);
			json_write_name(&w, "resident_bytes");
			json_write_u64(&w, (uint64_t)p->rss_bytes);
			json_write_name(&w, "started");
			json_write_double(&w, p->start_s, 2);
		}
		json_write_object_end(&w);
	}
	json_write_array_end(&w);
	json_write_name(&w, "cluster");
	if (s->report.n > 0)
		json_write_raw(&w, buf_view(&s->report));
	else
		json_write_null(&w);
	json_write_object_end(&w);
	buf_str(out, "\n");
	free(endpoint);
}

/* --- for people */

static char *age(double seconds)
{
	if (seconds < 100)
		return mem_fmt("%.0fs", seconds < 0 ? 0 : seconds);
	if (seconds < 6000)
		return mem_fmt("%.0fm", seconds / 60);
	if (seconds < 48 * 3600)
		return mem_fmt("%.0fh", seconds / 3600);
	return mem_fmt("%.0fd", seconds / 86400);
}

static struct libscols_table *table_new(bool colours)
{
	struct libscols_table *t = scols_new_table();

	if (t == NULL)
		abort();
	scols_table_enable_colors(t, colours);
	return t;
}

static void cell(struct libscols_line *line, size_t column, char *text)
{
	scols_line_refer_data(line, column, text);       /* takes ownership */
}

static void show_processes(const struct status *s, bool colours, double now_s)
{
	struct libscols_table *t = table_new(colours);

	scols_table_new_column(t, "PROCESS", 0, 0);
	scols_table_new_column(t, "STATE", 0, 0);
	scols_table_new_column(t, "CPU", 0, SCOLS_FL_RIGHT);
	scols_table_new_column(t, "MEMORY", 0, SCOLS_FL_RIGHT);
	scols_table_new_column(t, "AGE", 0, SCOLS_FL_RIGHT);
	for (size_t i = 0; i < s->processes_n; i++) {
		const struct status_process *p = &s->processes[i];
		struct libscols_line *line = scols_table_new_line(t, NULL);

		cell(line, 0, mem_str(p->name));
		cell(line, 1, mem_str(p->up ? "up" : "down"));
		scols_line_set_color(line, p->up ? NULL : "red");
		if (!p->up)
			continue;
		cell(line, 2, mem_fmt("%.1fs", p->cpu_s));
		cell(line, 3, mem_fmt("%.1fM", p->rss_bytes / (1 << 20)));
		if (p->start_s > 0)
			cell(line, 4, age(now_s - p->start_s));
	}
	scols_print_table(t);
	scols_unref_table(t);
}

struct columns {
	struct libscols_table *t;
	struct bytes names[COLUMNS_MAX];
	size_t n;
};

/* Which column a member belongs in; a new one at the first object that has it. */
static size_t column(struct columns *c, struct bytes name, bool number)
{
	char *title;
	size_t i;

	for (i = 0; i < c->n; i++)
		if (bytes_eq(c->names[i], name))
			return i;
	if (i == COLUMNS_MAX)
		return i;
	c->names[c->n++] = bytes_copy(name);
	title = mem_copy(name.p, name.n);
	for (char *p = title; *p != '\0'; p++)
		*p = *p == '_' ? ' ' : *p >= 'a' && *p <= 'z' ? (char)(*p - 32) : *p;
	scols_table_new_column(c->t, title, 0, number ? SCOLS_FL_RIGHT : 0);
	free(title);
	return i;
}

/* A scalar as it is, a list or an object as JSON. */
static char *value(struct json_read *r)
{
	struct bytes raw;

	switch (r->token) {
	case JSON_STRING:
	case JSON_NUMBER:
		return r->str.n <= CELL_MAX ? mem_copy(r->str.p, r->str.n) : mem_str("...");
	case JSON_TRUE:
		return mem_str("yes");
	case JSON_FALSE:
		return mem_str("no");
	case JSON_NULL:
		return mem_str("-");
	default:
		break;
	}
	if (!json_read_raw(r, &raw))
		return mem_str("?");
	return raw.n <= CELL_MAX ? mem_copy(raw.p, raw.n) : mem_str("...");
}

/* r->token is the object that begins a row. */
static void show_row(struct columns *c, struct json_read *r)
{
	struct libscols_line *line = NULL;
	char *texts[COLUMNS_MAX] = { NULL };

	while (json_read_next(r) == JSON_KEY) {
		struct bytes name = bytes_copy(r->str);
		bool number = json_read_next(r) == JSON_NUMBER;
		size_t i = column(c, name, number);
		char *text = value(r);

		free((void *)(uintptr_t)name.p);
		if (i < COLUMNS_MAX && texts[i] == NULL)
			texts[i] = text;
		else
			free(text);
	}
	line = scols_table_new_line(c->t, NULL);
	for (size_t i = 0; i < c->n; i++)
		if (texts[i] != NULL)
			cell(line, i, texts[i]);
}

/* r->token is the array. */
static void show_list(struct json_read *r, const char *name, bool colours)
{
	struct columns c = { .t = table_new(colours) };
	size_t rows = 0;

	while (json_read_next(r) != JSON_ARRAY_END && r->token != JSON_ERROR) {
		if (r->token == JSON_OBJECT) {
			show_row(&c, r);
			rows++;
		} else {
			json_read_skip(r);
		}
	}
	if (rows > 0) {
		printf("\n%s\n", name);
		scols_print_table(c.t);
	}
	scols_unref_table(c.t);
	for (size_t i = 0; i < c.n; i++)
		free((void *)(uintptr_t)c.names[i].p);
}

static void show_report(struct bytes report, bool colours)
{
	struct json_read r;

	json_read_init(&r, report, STATUS_DEPTH_MAX);
	if (json_read_next(&r) == JSON_OBJECT) {
		while (json_read_next(&r) == JSON_KEY) {
			char *name = mem_copy(r.str.p, r.str.n), *text;

			if (json_read_next(&r) == JSON_ARRAY) {
				show_list(&r, name, colours);
			} else {
				text = value(&r);
				printf("%s: %s\n", name, text);
				free(text);
			}
			free(name);
		}
	}
	json_read_fini(&r);
}

void status_show_text(const struct status *s, bool colours, double now_s)
{
	if (s->port != 0)
		printf("http://127.0.0.1:%d, home %s\n\n", s->port, s->home);
	else
		printf("not ready, home %s\n\n", s->home);
	show_processes(s, colours, now_s);
	if (s->report.n > 0)
		show_report(buf_view(&s->report), colours);
}
