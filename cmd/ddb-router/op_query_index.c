/* The indexes of a table are as in its definition in the cache, which is fetched again before one is said to be missing. */
#include "op_query_index.h"

#include <stdlib.h>

#include "expr_eval.h"
#include "mem.h"

/* --- what may be asked -------------------------------------------------------------------------------------------- */

static bool no(struct api_req *q, const char *before, struct bytes name, const char *after)
{
	api_refuse(q, RESULT_INVALID, "%s%.*s%s", before, (int)name.n, (const char *)name.p, after);
	return false;
}

/* Appends the attributes that are asked for and that x does not project.  How many they are. */
static size_t unprojected(const struct api_req *q, const struct index *x, struct buf *out)
{
	struct bytes *names = mem_new(EXPR_PROJECTION_NAMES_MAX * sizeof *names);
	size_t n = expr_projection_names(q->prog[API_PROG_PROJECTION], names, EXPR_PROJECTION_NAMES_MAX), missing = 0;

	for (size_t i = 0; i < n; i++) {
		if (index_projects(x, names[i]))
			continue;
		if (missing++ > 0)
			buf_str(out, ", ");
		buf_bytes(out, names[i]);
	}
	free(names);
	return missing;
}

static bool projects(struct api_req *q, const struct index *x)
{
	struct buf *err = &q->failed;

	buf_clear(err);
	buf_str(err, DJSON_PREFIX "Global secondary index ");
	buf_bytes(err, x->name);
	buf_str(err, " does not project [");
	if (unprojected(q, x, err) == 0)
		return true;
	buf_str(err, "]");
	api_fail(q, RESULT_INVALID, buf_view(err));
	return false;
}

/* False after refusing.  A local index has the items behind its rows at hand, and nothing that it does not project is refused. */
static bool allowed(struct api_req *q, const struct index *x)
{
	bool all = x->projection == INDEX_ALL;

	if (x->status == INDEX_CREATING)
		return no(q, "Cannot read from backfilling global secondary index: ", x->name, "");
	if (x->local)
		return true;
	if (api_true(q, API_CONSISTENT_READ, false)) {
		api_refuse(q, RESULT_INVALID, "Consistent reads are not supported on global secondary indexes");
		return false;
	}
	if (!all && api_is(q, API_SELECT, "ALL_ATTRIBUTES"))
		return no(q, DJSON_PREFIX "Select type ALL_ATTRIBUTES is not supported for global secondary index ", x->name,
		          " because its projection type is not ALL");
	return all || q->prog[API_PROG_PROJECTION].n == 0 || projects(q, x);
}

static bool fetches(struct api_req *q, const struct index *x)
{
	struct buf names = { .p = NULL };
	bool yes = api_is(q, API_SELECT, "ALL_ATTRIBUTES");

	if (!x->local || x->projection == INDEX_ALL)
		return false;
	if (q->prog[API_PROG_PROJECTION].n > 0)
		yes = unprojected(q, x, &names) > 0;
	buf_fini(&names);
	return yes;
}

/* --- where its rows are ------------------------------------------------------------------------------------------- */

bool op_query_index_again(struct api_req *q)
{
	if (!q->refresh_due)
		return false;
	q->refresh_due = false;                          /* memds is asked now */
	api_again(q);
	return true;
}

static void found(void *arg, enum result result, struct route_table *t)
{
	struct op_query_page *p = arg;
	struct api_req *q = p->q;

	if (result == RESULT_OK) {
		p->rows = route_hold(t);
		p->next(p);
	} else if (result != RESULT_NO_TABLE || !op_query_index_again(q)) {
		api_fail(q, RESULT_UNAVAILABLE, BYTES_NONE);
	}
}

static void find_rows(struct op_query_page *p)
{
	struct route_table *t = route_cached(p->q->r, p->index->table);

	if (t == NULL) {
		route_fetch(p->q->r, p->index->table, BYTES_NONE, found, p);
		return;
	}
	p->rows = route_hold(t);
	p->refresh_due = true;
	p->next(p);
}

void op_query_index_open(struct api_req *q, void (*next)(struct op_query_page *p))
{
	struct bytes name = q->m[API_INDEX_NAME].s;
	const struct index *x;
	struct op_query_page *p;

	if (!q->m[API_INDEX_NAME].given) {
		next(op_query_page_new(q, NULL));
		return;
	}
	x = index_set_find(&q->table->indexes, name);
	if (x != NULL && x->status == INDEX_DELETING)
		x = NULL;
	if ((x == NULL || x->status == INDEX_CREATING) && op_query_index_again(q))
		return;
	if (x == NULL) {
		no(q, "The table does not have the specified index: ", name, "");
		return;
	}
	if (!allowed(q, x))
		return;
	p = op_query_page_new(q, x);
	p->fetch = fetches(q, x);
	p->next = next;
	if (x->local)
		next(p);
	else
		find_rows(p);
}

/* --- where a page starts ------------------------------------------------------------------------------------------ */

/* How many attributes the key has: the index's may be the table's as well. */
static size_t attributes(const struct key_schema *s)
{
	size_t n = 0;

	for (size_t i = 0; i < s->n; i++)
		n += !key_repeats(s, i);
	return n;
}

enum key_result op_query_index_start(struct op_query_page *p, struct bytes item, struct buf *why)
{
	const struct key_schema *base = &p->q->table->table.key, *s = &p->index->key;
	enum key_result result = item_count(item) > attributes(s) ? KEY_EXTRA : KEY_OK;
	struct buf key = { .p = NULL };
	size_t part = s->n;

	for (size_t i = 0; result == KEY_OK && i < p->index->own; i++) {
		struct value v;

		item_get(item, s->part[i].name, &v);
		result = key_check(&s->part[i], v, i >= s->hash_n);
		part = i;
	}
	if (result == KEY_OK) {
		s = base;
		result = key_of_item(&key, p->q->r->hasher, s, item, &part);
	}
	if (result == KEY_OK && !index_key(p->index, p->q->r->hasher, buf_view(&key), item, &p->start))
		result = KEY_EXTRA;
	buf_fini(&key);
	api_key_message(why, s, result, part, item, true);
	return result;
}
