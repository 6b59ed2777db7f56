/* Source: DESIGN, D9 and D10.  memds hears of every request once: by a lookup, or by a refresh of a table in the cache. */
#include <string.h>

#include "api_impl.h"
#include "clock.h"

struct bytes api_table_name(struct bytes v)
{
	static const char start[] = "arn:aws:dynamodb:", kind[] = ":table/";
	const uint8_t *at;
	size_t skip;

	if (!bytes_starts(v, bytes_str(start)))
		return v;
	at = memmem(v.p, v.n, kind, sizeof kind - 1);
	if (at == NULL)
		return v;
	skip = (size_t)(at - v.p) + sizeof kind - 1;
	return (struct bytes){ v.p + skip, v.n - skip };
}

static bool serves(const struct route_table *t)
{
	return t->table.status == TABLE_ACTIVE || t->table.status == TABLE_UPDATING;
}

/*
 * Key conditions and filters are about the key of what is read.  An index that is not there is refused later: mistakes in
 * expressions come first.
 */
static bool compile(struct api_req *q, const struct route_table *t)
{
	const struct index *x;
	struct key_schema own;

	if (!q->m[API_INDEX_NAME].given)
		return api_compile(q, &t->table.key);
	x = index_set_find(&t->indexes, q->m[API_INDEX_NAME].s);
	if (x == NULL)
		return api_compile(q, NULL);
	own = x->key;
	own.n = x->own;
	return api_compile(q, &own);
}

static void fetched(void *arg, enum result result, struct route_table *t)
{
	struct api_req *q = arg;

	if (result == RESULT_OK && !serves(t))
		result = RESULT_NO_TABLE;
	if (result != RESULT_OK) {
		api_refuse(q, result, NULL);
		return;
	}
	q->table = route_hold(t);
	/* What depends on the key could not be seen before. */
	if (compile(q, t))
		q->routed(q);
}

void api_table(struct api_req *q, void (*next)(struct api_req *q))
{
	struct route_table *t;

	q->table_name = q->m[API_TABLE_NAME].s;
	q->routed = next;
	t = route_cached(q->r, q->table_name);
	if (t != NULL && serves(t)) {
		q->table = route_hold(t);
		q->refresh_due = true;
		if (compile(q, t))
			next(q);
		return;
	}
	if (api_compile(q, NULL))
		route_fetch(q->r, q->table_name, BYTES_NONE, fetched, q);
}

void api_again(struct api_req *q)
{
	if (clock_ms() >= q->deadline_ms) {
		api_fail(q, RESULT_UNAVAILABLE, BYTES_NONE);
		return;
	}
	route_release(q->table);
	q->table = NULL;
	route_fetch(q->r, q->table_name, BYTES_NONE, fetched, q);
}

void api_routed(struct api_req *q, struct bytes key)
{
	if (q->refresh_due)
		route_refresh(q->r, q->table, key);
	q->refresh_due = false;
}

/* --- keys --------------------------------------------------------------------------------------------------------- */

static void empty_message(struct buf *out, const struct key_part *part, bool exact)
{
	buf_str(out, exact ? "One or more parameter values were invalid: " : "One or more parameter values are not valid. ");
	buf_fmt(out, "The AttributeValue for a key attribute cannot contain an empty %s value. Key: ",
	        part->tag == ITEM_B ? "binary" : "string");
	buf_bytes(out, part->name);
}

void api_key_message(struct buf *out, const struct key_schema *s, enum key_result result, size_t part, struct bytes item, bool exact)
{
	struct value v;

	switch (result) {
	case KEY_OK:
		return;
	case KEY_EMPTY:
		empty_message(out, &s->part[part], exact);
		return;
	case KEY_PARTITION_TOO_LARGE:
	case KEY_SORT_TOO_LARGE:
		buf_str(out, key_too_large(result == KEY_SORT_TOO_LARGE));
		return;
	case KEY_MISSING:
	case KEY_WRONG_TYPE:
	case KEY_EXTRA:
		break;
	}
	if (exact) {
		buf_str(out, "The provided key element does not match the schema");
	} else if (result == KEY_MISSING) {
		buf_str(out, DJSON_PREFIX "Missing the key ");
		buf_bytes(out, s->part[part].name);
		buf_str(out, " in the item");
	} else {
		item_get(item, s->part[part].name, &v);
		buf_str(out, DJSON_PREFIX "Type mismatch for key ");
		buf_bytes(out, s->part[part].name);
		buf_fmt(out, " expected: %s actual: %s", item_type_name(s->part[part].tag), item_type_name(v.tag));
	}
}

bool api_key(struct api_req *q, struct bytes item, bool exact)
{
	const struct key_schema *s = &q->table->table.key;
	enum key_result result;
	size_t part;

	buf_clear(&q->key);
	result = (exact ? key_of_exact : key_of_item)(&q->key, q->r->hasher, s, item, &part);
	if (result == KEY_OK)
		return true;
	buf_clear(&q->failed);
	api_key_message(&q->failed, s, result, part, item, exact);
	api_fail(q, RESULT_INVALID, buf_view(&q->failed));
	return false;
}
