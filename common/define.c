#include "define.h"

bool define_s(struct bytes item, const char *name, struct bytes *out)
{
	struct value v;

	*out = BYTES_NONE;
	if (!item_get(item, bytes_str(name), &v))
		return true;
	*out = v.body;
	return v.tag == ITEM_S;
}

bool define_u64(struct bytes item, const char *name, uint64_t max, uint64_t *out)
{
	struct value v;
	struct num n;

	*out = 0;
	if (!item_get(item, bytes_str(name), &v))
		return true;
	return item_value_num(v, &n) && num_to_u64(&n, out) && *out <= max;
}

bool define_list(struct bytes item, const char *name, struct bytes *body)
{
	struct value v;

	*body = BYTES_NONE;
	if (!item_get(item, bytes_str(name), &v))
		return true;
	*body = v.body;
	return v.tag == ITEM_L;
}

bool define_word(struct bytes item, const char *name, const char *const *words, size_t n, unsigned *out)
{
	struct bytes s;

	if (!define_s(item, name, &s))
		return false;
	for (*out = 0; *out < n; ++*out)
		if (bytes_is(s, words[*out]))
			return true;
	return false;
}

static uint8_t type_of(struct bytes definitions, struct bytes name)
{
	struct item_iter it = item_iter(definitions);
	struct bytes n, t;
	struct value v;

	while (item_next_value(&it, &v)) {
		if (v.tag != ITEM_M || !define_s(v.body, "AttributeName", &n) || !bytes_eq(n, name) ||
		    !define_s(v.body, "AttributeType", &t))
			continue;
		return bytes_is(t, "S") ? ITEM_S : bytes_is(t, "N") ? ITEM_N : bytes_is(t, "B") ? ITEM_B : ITEM_NONE;
	}
	return ITEM_NONE;
}

bool define_key(struct bytes item, struct bytes definitions, struct key_schema *out)
{
	static const char *const kinds[] = { "HASH", "RANGE" };
	struct item_iter it;
	struct bytes schema;
	struct value v;

	*out = (struct key_schema){ .n = 0 };
	if (!define_list(item, "KeySchema", &schema))
		return false;
	it = item_iter(schema);
	while (item_next_value(&it, &v)) {
		struct key_part *p = &out->part[out->n];
		unsigned kind;

		if (out->n == KEY_PARTS_MAX || v.tag != ITEM_M || !define_word(v.body, "KeyType", kinds, 2, &kind) ||
		    !define_s(v.body, "AttributeName", &p->name) || p->name.n == 0 || p->name.n > DEFINE_NAME_MAX)
			return false;
		p->tag = type_of(definitions, p->name);
		if (p->tag == ITEM_NONE || (kind == 0 && out->hash_n < out->n))
			return false;
		out->hash_n += kind == 0;
		out->n++;
	}
	return out->hash_n > 0;
}
