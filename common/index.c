#include "index.h"

#include <assert.h>
#include <stdlib.h>

#include "define.h"
#include "djson.h"
#include "mem.h"

#define UNIT_BYTES 1024
#define LOCAL_ID_MAX (KEY_LOCAL - 1)

static const char *const statuses[] = { "CREATING", "ACTIVE", "UPDATING", "DELETING" };
static const char *const projections[] = { "ALL", "KEYS_ONLY", "INCLUDE" };

#define COUNT(a) (sizeof(a) / sizeof *(a))

const char *index_status_name(enum index_status s)
{
	return statuses[s];
}

/* --- reading ------------------------------------------------------------------------------------------------------ */

static int by_bytes(const void *a, const void *b)
{
	return bytes_cmp(*(const struct bytes *)a, *(const struct bytes *)b);
}

/* *included: NonKeyAttributes of all indexes so far. */
static bool read_projection(struct index *x, struct bytes map, size_t *included)
{
	struct bytes names;
	struct item_iter it;
	struct value v;
	unsigned type;

	if (!item_get(map, BYTES_LIT("Projection"), &v) || v.tag != ITEM_M ||
	    !define_word(v.body, "ProjectionType", projections, COUNT(projections), &type) ||
	    !define_list(v.body, "NonKeyAttributes", &names) || (item_count(names) > 0) != (type == INDEX_INCLUDE))
		return false;
	x->projection = type;
	it = item_iter(names);
	while (item_next_value(&it, &v)) {
		if (++*included > INDEX_PROJECTED_MAX || v.tag != ITEM_S || v.body.n == 0)
			return false;
		x->projected[x->nprojected++] = v.body;
	}
	for (size_t i = 0; i < x->key.n; i++)
		x->projected[x->nprojected++] = x->key.part[i].name;
	qsort(x->projected, x->nprojected, sizeof *x->projected, by_bytes);
	return true;
}

/* The rows of a local index are told apart by the item's sort key, so a table without one has none. */
static bool read_key(struct index *x, const struct key_schema *base, struct bytes map, struct bytes definitions)
{
	struct key_schema *key = &x->key;

	if (!define_key(map, definitions, key) || key->hash_n > INDEX_KEY_PARTS_MAX || key->n - key->hash_n > INDEX_KEY_PARTS_MAX)
		return false;
	for (size_t i = 0; i < key->n; i++)
		if (key_repeats(key, i))
			return false;
	if (x->local && (base->n != 2 || key->hash_n != 1 || key->n != 2 || !bytes_eq(key->part[0].name, base->part[0].name)))
		return false;
	x->own = key->n;
	for (size_t i = x->local; i < base->n; i++)
		key->part[key->n++] = base->part[i];
	return true;
}

static bool read_global(struct index *x, struct bytes map)
{
	struct value v;
	unsigned status;

	if (!define_word(map, "IndexStatus", statuses, COUNT(statuses), &status) || !define_s(map, "Table", &x->table) ||
	    x->table.n == 0 || x->table.n > INDEX_NAME_MAX)
		return false;
	x->status = status;
	if (item_get(map, BYTES_LIT("Backfilling"), &v) && v.tag != ITEM_TRUE && v.tag != ITEM_FALSE)
		return false;
	x->backfilling = v.tag == ITEM_TRUE;
	item_get(map, BYTES_LIT("Partitions"), &v);
	x->partitions = v.body;
	return v.tag == ITEM_B || v.tag == ITEM_NONE;
}

static bool read_index(struct index *x, const struct key_schema *base, struct bytes map, struct bytes definitions, size_t *included)
{
	uint64_t id;

	if (!define_s(map, "IndexName", &x->name) || x->name.n == 0 || x->name.n > INDEX_NAME_MAX ||
	    !define_u64(map, "Id", x->local ? LOCAL_ID_MAX : UINT32_MAX, &id) || id == 0)
		return false;
	x->id = (uint32_t)id;
	return read_key(x, base, map, definitions) && read_projection(x, map, included) && (x->local || read_global(x, map));
}

static bool read_list(struct index_set *s, const char *name, bool local, struct bytes definitions, size_t *included)
{
	size_t max = s->n + (local ? INDEX_LOCAL_MAX : INDEX_GLOBAL_MAX);
	struct bytes list;
	struct item_iter it;
	struct value v;

	if (!define_list(s->definition, name, &list))
		return false;
	it = item_iter(list);
	while (item_next_value(&it, &v)) {
		struct index *x = &s->v[s->n];

		if (s->n == max || v.tag != ITEM_M)
			return false;
		*x = (struct index){ .local = local, .status = INDEX_ACTIVE };
		if (!read_index(x, &s->base, v.body, definitions, included))
			return false;
		s->n++;
		s->locals += local;
	}
	return true;
}

static int by_id(const void *a, const void *b)
{
	const struct index *x = a, *y = b;

	return (x->id > y->id) - (x->id < y->id);
}

static bool distinct(const struct index_set *s)
{
	for (size_t i = 0; i < s->n; i++)
		if ((i > 0 && s->v[i].id == s->v[i - 1].id) || index_set_find(s, s->v[i].name) != &s->v[i])
			return false;
	return true;
}

static bool read_all(struct index_set *s)
{
	struct bytes definitions;
	size_t included = 0;

	if (!define_u64(s->definition, "IndexVersion", UINT64_MAX, &s->version) ||
	    !define_list(s->definition, "AttributeDefinitions", &definitions) ||
	    !define_key(s->definition, definitions, &s->base) ||
	    !read_list(s, "LocalSecondaryIndexes", true, definitions, &included) ||
	    !read_list(s, "GlobalSecondaryIndexes", false, definitions, &included))
		return false;
	if (s->n > 0 && (s->base.hash_n != 1 || s->base.n > 2 || key_repeats(&s->base, s->base.n - 1)))
		return false;
	qsort(s->v, s->n, sizeof *s->v, by_id);
	return distinct(s);
}

bool index_set_init(struct index_set *s, struct bytes definition)
{
	*s = (struct index_set){ 0 };
	if (!item_check(definition))
		return false;
	s->definition = bytes_copy(definition);
	s->v = mem_new(INDEX_MAX * sizeof *s->v);
	if (read_all(s)) {
		s->v = mem_resize(s->v, (s->n + (s->n == 0)) * sizeof *s->v);
		return true;
	}
	index_set_fini(s);
	return false;
}

void index_set_fini(struct index_set *s)
{
	free((void *)(uintptr_t)s->definition.p);
	free(s->v);
	*s = (struct index_set){ 0 };
}

const struct index *index_set_find(const struct index_set *s, struct bytes name)
{
	for (size_t i = 0; i < s->n; i++)
		if (bytes_eq(s->v[i].name, name))
			return &s->v[i];
	return NULL;
}

const struct index *index_set_of(const struct index_set *s, uint32_t id)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->v[i].id == id)
			return &s->v[i];
	return NULL;
}

/* --- checks ------------------------------------------------------------------------------------------------------- */

static void refuse(struct buf *why, const struct index *x, const struct key_part *p, enum key_result result, uint8_t tag)
{
	switch (result) {
	case KEY_WRONG_TYPE:
		buf_str(why, DJSON_PREFIX "Type mismatch for Index Key ");
		buf_bytes(why, p->name);
		buf_fmt(why, " Expected: %s Actual: %s IndexName: ", item_type_name(p->tag), item_type_name(tag));
		buf_bytes(why, x->name);
		return;
	case KEY_EMPTY:
		buf_fmt(why, "One or more parameter values are not valid. A value specified for a secondary index key is not supported. "
		             "The AttributeValue for a key attribute cannot contain an empty %s value. IndexName: ",
		        p->tag == ITEM_B ? "binary" : "string");
		buf_bytes(why, x->name);
		buf_str(why, ", IndexKey: ");
		buf_bytes(why, p->name);
		return;
	default:
		buf_str(why, key_too_large(result == KEY_SORT_TOO_LARGE));
	}
}

/* The values of x's own key, in its order.  Of what is missing v is ITEM_NONE; *bad is the first that cannot be, or x->own. */
static enum key_result own_values(const struct index *x, struct bytes item, struct value v[KEY_PARTS_MAX], size_t *bad, bool *missing)
{
	enum key_result result = KEY_OK;
	size_t sort_bytes = 0;

	*missing = false;
	for (*bad = 0; *bad < x->own; ++*bad) {
		bool sort = *bad >= x->key.hash_n;

		item_get(item, x->key.part[*bad].name, &v[*bad]);
		result = key_check(&x->key.part[*bad], v[*bad], sort);
		sort_bytes += sort ? v[*bad].body.n : 0;
		if (result == KEY_OK && sort_bytes > KEY_SORT_BYTES_MAX)
			result = KEY_SORT_TOO_LARGE;
		if (result == KEY_MISSING)
			*missing = true;
		else if (result != KEY_OK)
			return result;
	}
	return KEY_OK;
}

/* Source: the API reference, TransactWriteItems, cancellation reasons; but what is empty is not in there. */
static void refuse_update(struct buf *why, const struct index *x, const struct key_part *p, enum key_result result, uint8_t tag)
{
	static const char update[] = "The update expression attempted to update ";

	(void)x;
	(void)tag;
	if (result == KEY_EMPTY)
		buf_fmt(why, "One or more parameter values are not valid. %sa secondary index key to a value that is not supported. "
		             "The AttributeValue for a key attribute cannot contain an empty %s value.",
		        update, p->tag == ITEM_B ? "binary" : "string");
	else
		buf_fmt(why, "%sthe secondary index key %s", update,
		        result == KEY_WRONG_TYPE ? "to unsupported type" : "beyond allowed size limits");
}

static bool check(const struct index_set *s, struct bytes item, struct buf *why,
                  void (*say)(struct buf *why, const struct index *x, const struct key_part *p, enum key_result result, uint8_t tag))
{
	for (size_t i = 0; i < s->n; i++) {
		const struct index *x = &s->v[i];
		struct value v[KEY_PARTS_MAX];
		enum key_result result;
		bool missing;
		size_t bad;

		result = own_values(x, item, v, &bad, &missing);
		if (result != KEY_OK) {
			say(why, x, &x->key.part[bad], result, v[bad].tag);
			return false;
		}
	}
	return true;
}

bool index_check(const struct index_set *s, struct bytes item, struct buf *why)
{
	return check(s, item, why, refuse);
}

bool index_check_updated(const struct index_set *s, struct bytes item, struct buf *why)
{
	return check(s, item, why, refuse_update);
}

/* --- rows --------------------------------------------------------------------------------------------------------- */

static bool has_row(const struct index *x, struct bytes item, struct value v[KEY_PARTS_MAX])
{
	bool missing;
	size_t bad;

	return item.n > 0 && own_values(x, item, v, &bad, &missing) == KEY_OK && !missing;
}

bool index_key(const struct index *x, struct key_hasher *h, struct bytes base, struct bytes item, struct buf *out)
{
	struct value v[KEY_PARTS_MAX];
	size_t partition = KEY_HASH_N;

	if (!has_row(x, item, v))
		return false;
	if (x->local) {
		partition = key_partition_n(base);
		assert(partition > 0);
		buf_put(out, base.p, partition);
		buf_u8(out, (uint8_t)(KEY_LOCAL | x->id));
		key_add(out, v[1]);
	} else {
		assert(base.n > partition);
		key_begin_all(out, h, v, x->key.hash_n);
		for (size_t i = x->key.hash_n; i < x->own; i++)
			key_add(out, v[i]);
	}
	buf_put(out, base.p + partition, base.n - partition);
	return true;
}

bool index_base_key(const struct index *x, struct bytes row_key, struct buf *out)
{
	struct bytes base = row_key;
	struct cur c = cur_of(row_key);

	if (!x->local)
		return false;
	cur_bytes(&c, KEY_HASH_N);
	for (size_t i = 0; i < x->key.n; i++) {
		if (i == 1) {
			base.n = (size_t)(c.p - base.p);
			if (cur_u8(&c) != (KEY_LOCAL | x->id))
				return false;
		}
		if (i == x->own)
			row_key = cur_rest(&c);
		if (c.p == c.end || *c.p != x->key.part[i].tag || !key_skip(&c))
			return false;
	}
	if (!cur_done(&c))
		return false;
	buf_bytes(out, base);
	buf_bytes(out, row_key);
	return true;
}

bool index_projects(const struct index *x, struct bytes attribute)
{
	return x->projection == INDEX_ALL ||
	       bsearch(&attribute, x->projected, x->nprojected, sizeof attribute, by_bytes) != NULL;
}

/* What an item has of what x, not of ALL, projects: both in their order. */
struct walk {
	const struct index *x;
	struct item_iter it;
	size_t at;                                       /* in x->projected */
	struct bytes name, entry;                        /* entry: all its bytes in the item */
	struct value value;
};

static struct walk walk(const struct index *x, struct bytes item)
{
	return (struct walk){ .x = x, .it = item_iter(item) };
}

static bool walk_next(struct walk *w)
{
	const struct index *x = w->x;

	for (;;) {
		const uint8_t *start = w->it.c.p;
		int c = -1;

		if (!item_next_pair(&w->it, &w->name, &w->value))
			break;
		while (w->at < x->nprojected && (c = bytes_cmp(x->projected[w->at], w->name)) < 0)
			w->at++;
		if (c < 0)
			break;                           /* nothing behind it is projected */
		if (c == 0) {
			w->entry = (struct bytes){ start, (size_t)(w->it.c.p - start) };
			return true;
		}
	}
	w->entry = BYTES_NONE;
	return false;
}

void index_project(const struct index *x, struct bytes item, struct buf *out)
{
	struct walk w = walk(x, item);
	size_t start = out->n;
	uint64_t count = 0;

	if (x->projection == INDEX_ALL) {
		buf_bytes(out, item);
		return;
	}
	buf_u8(out, 0);
	for (; walk_next(&w); count++)
		buf_bytes(out, w.entry);
	if (!out->over)
		item_build_front(out, start, 1, ITEM_NONE, count);
}

/* --- what it costs ------------------------------------------------------------------------------------------------ */

static uint64_t row_units(const struct index *x, struct bytes item)
{
	struct walk w = walk(x, item);
	size_t n = 0;

	if (x->projection == INDEX_ALL)
		n = item_size(item);
	else
		while (walk_next(&w))
			n += w.name.n + item_value_size(w.value);
	return (n + UNIT_BYTES - 1) / UNIT_BYTES;        /* it has a key, so n > 0 */
}

static bool same_row(const struct index *x, struct bytes a, struct bytes b)
{
	struct walk v = walk(x, a), w = walk(x, b);
	bool more;

	if (x->projection == INDEX_ALL)
		return bytes_eq(a, b);
	do {
		more = walk_next(&v);
		if (more != walk_next(&w) || !bytes_eq(v.entry, w.entry))
			return false;
	} while (more);
	return true;
}

/* The key of the item is the same before and after, so rows have the same key if the index's own parts are the same. */
static bool same_own(const struct index *x, const struct value *a, const struct value *b)
{
	for (size_t i = 0; i < x->own; i++)
		if (!item_value_eq(a[i], b[i]))
			return false;
	return true;
}

uint64_t index_write_units(const struct index *x, struct bytes old, struct bytes new)
{
	struct value a[KEY_PARTS_MAX], b[KEY_PARTS_MAX];
	bool was = has_row(x, old, a), is = has_row(x, new, b), stays = was && is && same_own(x, a, b);
	uint64_t before, after;

	if (stays && same_row(x, old, new))
		return 0;
	before = was ? row_units(x, old) : 0;
	after = is ? row_units(x, new) : 0;
	if (!stays)
		return before + after;
	return before > after ? before : after;
}
