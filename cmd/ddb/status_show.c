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

/* --- counting what is deep inside */

struct counts {
	size_t items;                                    /* of the list itself */
	size_t replicas, up, leaders;                    /* objects in it, at any depth, that have a role */
};

static void count(struct json_read *r, struct counts *c)
{
	bool up = false, role = false, leader = false;

	if (r->token == JSON_ARRAY) {
		while (json_read_next(r) != JSON_ARRAY_END && r->token != JSON_ERROR)
			count(r, c);
	} else if (r->token == JSON_OBJECT) {
		while (json_read_next(r) == JSON_KEY) {
			bool is_up = bytes_is(r->str, "up"), is_role = bytes_is(r->str, "role");

			json_read_next(r);
			up |= is_up && r->token == JSON_TRUE;
			role |= is_role && r->token == JSON_STRING;
			leader |= is_role && r->token == JSON_STRING && bytes_is(r->str, "leader");
			count(r, c);
		}
		c->replicas += role;
		c->up += role && up;
		c->leaders += role && up && leader;
	}
}

static struct counts count_list(struct bytes raw)
{
	struct counts c = { 0 };
	struct json_read r;

	json_read_init(&r, raw, STATUS_DEPTH_MAX);
	if (json_read_next(&r) == JSON_ARRAY) {
		while (json_read_next(&r) != JSON_ARRAY_END && r.token != JSON_ERROR) {
			c.items++;
			count(&r, &c);
		}
	}
	json_read_fini(&r);
	return c;
}

/* --- any report as tables */

static char *scalar(const struct json_read *r)
{
	switch (r->token) {
	case JSON_STRING:
	case JSON_NUMBER:
		return r->str.n <= CELL_MAX ? mem_copy(r->str.p, r->str.n) : mem_str("...");
	case JSON_TRUE:
		return mem_str("yes");
	case JSON_FALSE:
		return mem_str("no");
	default:
		return mem_str("-");
	}
}

struct row {
	char *texts[COLUMNS_MAX];
};

static void put(struct columns *c, struct row *row, struct bytes name, bool number, char *text)
{
	size_t i = column(c, name, number);

	if (i < COLUMNS_MAX && row->texts[i] == NULL)
		row->texts[i] = text;
	else
		free(text);
}

/* r->token is the object that begins a row.  A list in it is shown as how much of it there is. */
static void show_row(struct columns *c, struct json_read *r)
{
	struct libscols_line *line;
	struct row row = { { NULL } };

	while (json_read_next(r) == JSON_KEY) {
		struct bytes name = bytes_copy(r->str), raw;

		json_read_next(r);
		if (r->token == JSON_ARRAY && json_read_raw(r, &raw)) {
			struct counts n = count_list(raw);

			put(c, &row, name, true, mem_fmt("%zu", n.items));
			put(c, &row, BYTES_LIT("leaders"), true, mem_fmt("%zu", n.leaders));
			put(c, &row, BYTES_LIT("replicas_up"), true, mem_fmt("%zu/%zu", n.up, n.replicas));
		} else if (r->token == JSON_OBJECT) {
			json_read_skip(r);
		} else {
			put(c, &row, name, r->token == JSON_NUMBER, scalar(r));
		}
		free((void *)(uintptr_t)name.p);
	}
	line = scols_table_new_line(c->t, NULL);
	for (size_t i = 0; i < c->n; i++)
		if (row.texts[i] != NULL)
			cell(line, i, row.texts[i]);
}

/* r->token is the array. */
static void show_list(struct json_read *r, const char *title, bool colours)
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
	printf("\n%s%s\n", title, rows == 0 ? ": none" : "");
	if (rows > 0)
		scols_print_table(c.t);
	scols_unref_table(c.t);
	for (size_t i = 0; i < c.n; i++)
		free((void *)(uintptr_t)c.names[i].p);
}

/* r->token is the object. */
static void show_object(struct json_read *r, const char *title, bool colours)
{
	while (json_read_next(r) == JSON_KEY) {
		char *name = mem_fmt("%s%s%.*s", title, title[0] != '\0' ? " " : "", (int)r->str.n, (const char *)r->str.p);

		switch (json_read_next(r)) {
		case JSON_ARRAY:
			show_list(r, name, colours);
			break;
		case JSON_OBJECT:
			show_object(r, name, colours);
			break;
		default: {
			char *text = scalar(r);

			if (title[0] == '\0')
				printf("%s: %s\n", name, text);
			free(text);
		}
		}
		free(name);
	}
}

static void show_report(struct bytes report, bool colours)
{
	struct json_read r;

	json_read_init(&r, report, STATUS_DEPTH_MAX);
	printf("\n");
	if (json_read_next(&r) == JSON_OBJECT)
		show_object(&r, "", colours);
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
