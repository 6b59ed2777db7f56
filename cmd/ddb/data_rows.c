#include "data_rows.h"

#include <stdlib.h>
#include <string.h>

#include "item_json.h"
#include "mem.h"

#define NAMES_TOLD_MAX 200                               /* bytes */

void data_rows_fini(struct data_rows *r)
{
	for (size_t i = 0; i < r->n; i++)
		free((void *)r->column[i].p);
	free(r->column);
	buf_fini(&r->lost_names);
	buf_fini(&r->cell);
}

static bool has(const struct data_rows *r, struct bytes name)
{
	for (size_t i = 0; i < r->n; i++)
		if (bytes_eq(r->column[i], name))
			return true;
	return false;
}

void data_rows_column(struct data_rows *r, struct bytes name)
{
	if (r->fixed || r->n == DATA_ROWS_COLUMNS_MAX || has(r, name))
		return;
	if (r->n == r->cap) {
		r->cap = r->cap > 0 ? 2 * r->cap : 16;
		r->column = mem_resize(r->column, r->cap * sizeof *r->column);
	}
	r->column[r->n++] = bytes_copy(name);
}

/* --- paths -------------------------------------------------------------------------------------------------------- */

/* The first name of the path at *p, up to its end; *p is then behind the path's comma, or at the end. */
static struct bytes first_name(const char **p)
{
	const char *start = *p + strspn(*p, " \t"), *end;

	if (*start == '`') {
		end = strchr(++start, '`');
		end = end != NULL ? end : start + strlen(start);
	} else {
		end = start + strcspn(start, " \t,.[");
	}
	*p = end;
	*p += strcspn(*p, ",");
	*p += **p == ',';
	return (struct bytes){ (const uint8_t *)start, (size_t)(end - start) };
}

static struct bytes meant(const struct opt_list *aliases, struct bytes name)
{
	for (size_t i = 0; i < aliases->n; i++) {
		const char *equals = strchr(aliases->v[i], '=');

		if (equals != NULL && bytes_eq(name, (struct bytes){ (const uint8_t *)aliases->v[i], (size_t)(equals - aliases->v[i]) }))
			return bytes_str(equals + 1);
	}
	return name;
}

void data_rows_paths(struct data_rows *r, const char *paths, const struct opt_list *aliases)
{
	while (*paths != '\0') {
		struct bytes name = first_name(&paths);

		if (name.n > 0)
			data_rows_column(r, meant(aliases, name));
	}
}

/* --- lines -------------------------------------------------------------------------------------------------------- */

static void put_tsv(struct bytes cell, struct buf *out)
{
	static const char plain[] = "\t\n\r\\", letter[] = "tnr\\";

	for (size_t i = 0; i < cell.n; i++) {
		const char *at = cell.p[i] != '\0' ? strchr(plain, cell.p[i]) : NULL;

		if (at != NULL)
			buf_u8(out, '\\');
		buf_u8(out, at != NULL ? (uint8_t)letter[at - plain] : cell.p[i]);
	}
}

/* alone: the only cell of its line, which must not look like no line at all. */
static void put_csv(struct bytes cell, bool alone, struct buf *out)
{
	bool quoted = cell.n == 0 ? alone : cell.p[0] == ' ' || cell.p[cell.n - 1] == ' ';

	for (size_t i = 0; i < cell.n && !quoted; i++)
		quoted = cell.p[i] == ',' || cell.p[i] == '"' || cell.p[i] == '\n' || cell.p[i] == '\r';
	if (quoted)
		buf_u8(out, '"');
	for (size_t i = 0; i < cell.n; i++) {
		if (cell.p[i] == '"')
			buf_u8(out, '"');
		buf_u8(out, cell.p[i]);
	}
	if (quoted)
		buf_u8(out, '"');
}

static void put_cell(const struct data_rows *r, size_t i, struct bytes cell, struct buf *out)
{
	if (i > 0)
		buf_u8(out, r->form == DATA_ROWS_CSV ? ',' : '\t');
	if (r->form == DATA_ROWS_CSV)
		put_csv(cell, r->n == 1, out);
	else
		put_tsv(cell, out);
}

/* What stands in the place of v. */
static struct bytes shown(struct data_rows *r, struct value v)
{
	struct json_write w = { .b = &r->cell };
	struct bytes text;

	if (v.tag == ITEM_NONE || v.tag == ITEM_NULL)
		return BYTES_NONE;
	if (v.tag == ITEM_S)
		return v.body;
	buf_clear(&r->cell);
	item_json_value(&w, v, false);
	text = buf_view(&r->cell);
	if (v.tag == ITEM_B)                             /* base64 needs no quotes */
		text = (struct bytes){ text.p + 1, text.n - 2 };
	return text;
}

void data_rows_head(struct data_rows *r, struct buf *out)
{
	for (size_t i = 0; i < r->n; i++)
		put_cell(r, i, r->column[i], out);
	buf_str(out, "\n");
	r->fixed = true;
}

static void lose(struct data_rows *r, struct bytes name)
{
	struct buf *told = &r->lost_names;

	r->lost++;
	if (told->n + name.n > NAMES_TOLD_MAX || (told->n > 0 && memmem(told->p, told->n, name.p, name.n) != NULL))
		return;
	buf_str(told, told->n > 0 ? ", " : "");
	buf_bytes(told, name);
}

void data_rows_put(struct data_rows *r, struct bytes item, struct buf *out)
{
	struct item_iter it = item_iter(item);
	struct bytes name;
	struct value v;

	for (size_t i = 0; i < r->n; i++) {
		item_get(item, r->column[i], &v);
		put_cell(r, i, shown(r, v), out);
	}
	buf_str(out, "\n");
	while (item_next_pair(&it, &name, &v))
		if (!has(r, name))
			lose(r, name);
}
