/*
 * index: any bytes as a definition, and as a row's key; then definitions and items made as the bytes choose: what is accepted is
 * within its bounds, and rows, their keys, their items' keys and their cost agree with one another.
 */
#include "index.h"

#include <assert.h>

#define NAMES 8

static struct bytes name_of(uint8_t x)
{
	static const char *const names[NAMES] = { "pk", "sk", "a", "b", "c", "d", "e", "" };

	return bytes_str(names[x % NAMES]);
}

static void put_word(struct item_build *b, const char *name, struct bytes word)
{
	item_build_name(b, bytes_str(name));
	item_build_s(b, word);
}

/* One of many is not what it should be. */
static bool spoilt(struct item_build *b, struct cur *c)
{
	if (cur_u8(c) < 250)
		return false;
	item_build_null(b);
	return true;
}

static void make_key(struct item_build *b, struct cur *c, bool local)
{
	uint8_t shape = cur_u8(c), n = local ? 2 : 1 + shape % 5;

	item_build_name(b, BYTES_LIT("KeySchema"));
	item_build_open(b, ITEM_L);
	for (uint8_t i = 0; i < n; i++) {
		if (spoilt(b, c))
			continue;
		item_build_open(b, ITEM_M);
		put_word(b, "AttributeName", local && i == 0 ? BYTES_LIT("pk") : name_of(cur_u8(c)));
		put_word(b, "KeyType", bytes_str(i == 0 || (!local && i <= shape >> 6) ? "HASH" : "RANGE"));
		item_build_close(b);
	}
	item_build_close(b);
}

static void make_projection(struct item_build *b, struct cur *c)
{
	static const char *const types[] = { "ALL", "KEYS_ONLY", "INCLUDE" };
	uint8_t type = cur_u8(c) % 3;

	item_build_name(b, BYTES_LIT("Projection"));
	item_build_open(b, ITEM_M);
	put_word(b, "ProjectionType", bytes_str(types[type]));
	if (type == 2) {
		item_build_name(b, BYTES_LIT("NonKeyAttributes"));
		item_build_open(b, ITEM_L);
		for (uint8_t n = 1 + cur_u8(c) % 4; n > 0; n--)
			if (!spoilt(b, c))
				item_build_s(b, name_of(cur_u8(c)));
		item_build_close(b);
	}
	item_build_close(b);
}

static void make_index(struct item_build *b, struct cur *c, bool local)
{
	uint8_t x = cur_u8(c), name = (uint8_t)('A' + x % 64);

	item_build_open(b, ITEM_M);
	put_word(b, "IndexName", (struct bytes){ &name, 1 });
	item_build_name(b, BYTES_LIT("Id"));
	item_build_u64(b, x);
	make_key(b, c, local);
	make_projection(b, c);
	if (!local) {
		put_word(b, "IndexStatus", bytes_str(index_status_name(cur_u8(c) % 4)));
		put_word(b, "Table", BYTES_LIT("#1.1"));
	}
	item_build_close(b);
}

static void make_definition(struct item_build *b, struct cur *c)
{
	static const char *const types[] = { "S", "N", "B" };

	item_build_reset(b);
	item_build_item(b);
	item_build_name(b, BYTES_LIT("AttributeDefinitions"));
	item_build_open(b, ITEM_L);
	for (uint8_t i = 0; i < NAMES; i++) {
		item_build_open(b, ITEM_M);
		put_word(b, "AttributeName", name_of(i));
		put_word(b, "AttributeType", bytes_str(types[cur_u8(c) % 3]));
		item_build_close(b);
	}
	item_build_close(b);
	item_build_name(b, BYTES_LIT("KeySchema"));
	item_build_open(b, ITEM_L);
	for (uint8_t i = 0, n = 1 + (cur_u8(c) > 32); i < n; i++) {
		item_build_open(b, ITEM_M);
		put_word(b, "AttributeName", name_of(i));
		put_word(b, "KeyType", bytes_str(i == 0 ? "HASH" : "RANGE"));
		item_build_close(b);
	}
	item_build_close(b);
	for (int local = 0; local < 2; local++) {
		item_build_name(b, bytes_str(local ? "LocalSecondaryIndexes" : "GlobalSecondaryIndexes"));
		item_build_open(b, ITEM_L);
		for (uint8_t n = cur_u8(c) % 4; n > 0; n--)
			if (!spoilt(b, c))
				make_index(b, c, local);
		item_build_close(b);
	}
	item_build_close(b);
}

static void make_value(struct item_build *b, struct cur *c, uint8_t tag)
{
	uint8_t x = cur_u8(c), bytes[4] = { x & 127, 0, 1, 'z' };

	if (x >= 240)
		item_build_null(b);
	else if (tag == ITEM_N)
		item_build_u64(b, x);
	else if (tag == ITEM_B)
		item_build_b(b, (struct bytes){ bytes, x % 5 });
	else
		item_build_s(b, (struct bytes){ bytes, x % 5 });
}

/* An item with a key, and of the other attributes some: mostly of the type that an index may want. */
static void make_item(struct item_build *b, struct cur *c, const struct index_set *s)
{
	item_build_reset(b);
	item_build_item(b);
	for (uint8_t i = 0; i < NAMES; i++) {
		uint8_t tag = ITEM_S;

		for (size_t k = 0; k < s->n; k++)
			for (size_t p = 0; p < s->v[k].key.n; p++)
				if (bytes_eq(s->v[k].key.part[p].name, name_of(i)))
					tag = s->v[k].key.part[p].tag;
		if (cur_u8(c) < 192) {
			item_build_name(b, name_of(i));
			make_value(b, c, tag);
		}
	}
	item_build_close(b);
}

static void check_set(const struct index_set *s)
{
	size_t locals = 0, included = 0;

	assert(s->n <= INDEX_MAX);
	for (size_t i = 0; i < s->n; i++) {
		const struct index *x = &s->v[i];

		assert(x->id > 0 && (i == 0 || x->id > s->v[i - 1].id));
		assert(x->name.n >= 1 && x->name.n <= INDEX_NAME_MAX);
		assert(index_set_find(s, x->name) == x && index_set_of(s, x->id) == x);
		assert(x->own >= 1 && x->key.hash_n >= 1 && x->key.hash_n <= x->own && x->key.n <= KEY_PARTS_MAX);
		assert(!x->local || (x->id < KEY_LOCAL && x->own == 2 && x->key.n == 3 && x->key.hash_n == 1));
		assert(x->local || x->key.n == x->own + s->base.n);
		for (size_t k = 0; k < x->key.n; k++)
			assert(index_projects(x, x->key.part[k].name));
		locals += x->local;
		included += x->nprojected - x->key.n;
	}
	assert(locals == s->locals && locals <= INDEX_LOCAL_MAX && s->n - locals <= INDEX_GLOBAL_MAX);
	assert(included <= INDEX_PROJECTED_MAX);
}

static void check_row(const struct index *x, struct key_hasher *h, struct bytes base, struct bytes item, struct bytes row_key)
{
	struct buf scratch = { .p = NULL }, again = { .p = NULL }, row = { .p = NULL };
	struct value parts[KEY_PARTS_MAX], v, in_row;
	struct item_iter it = item_iter(item);
	struct bytes name;
	size_t part;

	assert(key_decode(row_key, &scratch, parts, KEY_PARTS_MAX) == x->key.n);
	assert(key_local(row_key) == (x->local ? x->id : 0));
	if (x->local) {
		assert(index_base_key(x, row_key, &again) && bytes_eq(buf_view(&again), base));
	} else {
		assert(!index_base_key(x, row_key, &again) && again.n == 0);
		assert(key_of_item(&again, h, &x->key, item, &part) == KEY_OK && bytes_eq(buf_view(&again), row_key));
	}
	index_project(x, item, &row);
	assert(item_check(buf_view(&row)));
	while (item_next_pair(&it, &name, &v)) {
		item_get(buf_view(&row), name, &in_row);
		assert(index_projects(x, name) ? item_value_eq(v, in_row) : in_row.tag == ITEM_NONE);
	}
	buf_clear(&again);
	assert(index_key(x, h, base, buf_view(&row), &again) && bytes_eq(buf_view(&again), row_key));
	assert(index_write_units(x, item, buf_view(&row)) == 0);
	buf_fini(&scratch);
	buf_fini(&again);
	buf_fini(&row);
}

static void check_item(const struct index_set *s, struct key_hasher *h, struct bytes item)
{
	struct buf base = { .p = NULL }, row = { .p = NULL }, why = { .p = NULL };
	bool may = index_check(s, item, &why), whole;
	size_t part;

	assert(may == (why.n == 0));
	if (key_of_item(&base, h, &s->base, item, &part) != KEY_OK)
		base.n = 0;
	for (size_t i = 0; i < s->n && base.n > 0; i++) {
		const struct index *x = &s->v[i];
		struct value v;
		bool is;

		buf_clear(&row);
		is = index_key(x, h, buf_view(&base), item, &row);
		assert(is == (row.n > 0));
		whole = true;
		for (size_t k = 0; k < x->own; k++)
			whole = item_get(item, x->key.part[k].name, &v) && whole;
		assert(may ? is == whole : !is || whole);
		assert((index_write_units(x, BYTES_NONE, item) > 0) == is);
		assert((index_write_units(x, item, BYTES_NONE) > 0) == is);
		assert(index_write_units(x, item, item) == 0);
		if (is)
			check_row(x, h, buf_view(&base), item, buf_view(&row));
	}
	buf_fini(&base);
	buf_fini(&row);
	buf_fini(&why);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct bytes raw = { data, n };
	struct cur c = cur_of(raw);
	struct item_build b;
	struct index_set s;

	if (index_set_init(&s, raw)) {
		check_set(&s);
		index_set_fini(&s);
	}
	item_build_init(&b);
	make_definition(&b, &c);
	if (item_build_ok(&b) && index_set_init(&s, item_build_view(&b))) {
		struct key_hasher *h = key_hasher_new();
		struct buf out = { .p = NULL };

		check_set(&s);
		make_item(&b, &c, &s);
		if (item_build_ok(&b))
			check_item(&s, h, item_build_view(&b));
		for (size_t i = 0; i < s.n; i++)
			if (index_base_key(&s.v[i], raw, &out))
				assert(s.v[i].local && out.n < n && key_local(raw) == s.v[i].id);
		buf_fini(&out);
		key_hasher_free(h);
		index_set_fini(&s);
	}
	item_build_fini(&b);
	return 0;
}
