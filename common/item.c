#include "item.h"

#include <assert.h>

const char *item_type_name(uint8_t tag)
{
	static const char *const names[] = {
		[ITEM_S] = "S",       [ITEM_N] = "N",      [ITEM_B] = "B",   [ITEM_NULL] = "NULL",
		[ITEM_FALSE] = "BOOL", [ITEM_TRUE] = "BOOL", [ITEM_SS] = "SS", [ITEM_NS] = "NS",
		[ITEM_BS] = "BS",     [ITEM_L] = "L",      [ITEM_M] = "M",
	};

	assert(tag >= ITEM_S && tag <= ITEM_M);
	return names[tag];
}

/* Lengths below 128, nearly all, without the loop of cur_varint. */
static inline uint64_t get_varint(struct cur *c)
{
	if (!c->bad && c->p < c->end && *c->p < 0x80)
		return *c->p++;
	return cur_varint(c);
}

static inline struct bytes get_lenbytes(struct cur *c)
{
	uint64_t n = get_varint(c);
	struct bytes v = { c->p, (size_t)n };

	if (c->bad || n > (size_t)(c->end - c->p)) {
		c->bad = true;
		return BYTES_NONE;
	}
	c->p += n;
	return v;
}

bool item_value_get(struct cur *c, struct value *out)
{
	const uint8_t *start = c->p;
	uint8_t tag;

	*out = (struct value){ ITEM_NONE, BYTES_NONE, BYTES_NONE };
	if (c->bad || c->p == c->end || *c->p < ITEM_S || *c->p > ITEM_M) {
		c->bad = true;
		return false;
	}
	tag = *c->p++;
	if (tag < ITEM_NULL || tag > ITEM_TRUE)
		out->body = get_lenbytes(c);
	if (c->bad)
		return false;
	out->tag = tag;
	out->raw = (struct bytes){ start, (size_t)(c->p - start) };
	return true;
}

struct value item_value(struct bytes raw)
{
	struct cur c = cur_of(raw);
	struct value v;

	item_value_get(&c, &v);
	return cur_done(&c) ? v : (struct value){ ITEM_NONE, BYTES_NONE, BYTES_NONE };
}

bool item_value_num(struct value v, struct num *out)
{
	return v.tag == ITEM_N && num_decode(v.body, out);
}

size_t item_count(struct bytes body)
{
	return (size_t)item_iter(body).left;
}

struct item_iter item_iter(struct bytes body)
{
	struct item_iter it = { cur_of(body), 0 };

	it.left = get_varint(&it.c);
	if (it.left > body.n)                            /* each entry takes a byte at least */
		it.c.bad = true, it.left = 0;
	return it;
}

bool item_next_value(struct item_iter *it, struct value *v)
{
	if (it->left == 0) {
		*v = (struct value){ ITEM_NONE, BYTES_NONE, BYTES_NONE };
		return false;
	}
	it->left--;
	return item_value_get(&it->c, v);
}

bool item_next_pair(struct item_iter *it, struct bytes *name, struct value *v)
{
	*name = it->left > 0 ? get_lenbytes(&it->c) : BYTES_NONE;
	return item_next_value(it, v);
}

bool item_next_element(struct item_iter *it, struct bytes *element)
{
	if (it->left == 0)
		return false;
	it->left--;
	*element = get_lenbytes(&it->c);
	return !it->c.bad;
}

bool item_get(struct bytes item, struct bytes name, struct value *out)
{
	struct item_iter it = item_iter(item);
	struct bytes have;

	while (item_next_pair(&it, &have, out)) {
		int c = bytes_cmp(have, name);

		if (c == 0)
			return true;
		if (c > 0)
			break;
	}
	*out = (struct value){ ITEM_NONE, BYTES_NONE, BYTES_NONE };
	return false;
}

bool item_list_get(struct bytes body, size_t index, struct value *out)
{
	struct item_iter it = item_iter(body);

	while (item_next_value(&it, out))
		if (index-- == 0)
			return true;
	return false;
}

bool item_set_has(struct bytes body, struct bytes element)
{
	struct item_iter it = item_iter(body);
	struct bytes have;

	while (item_next_element(&it, &have)) {
		int c = bytes_cmp(have, element);

		if (c >= 0)
			return c == 0;
	}
	return false;
}

/* --- validation --------------------------------------------------------------------------------------------------- */

/* bytes_utf8, past the ASCII in front, which is nearly always everything. */
static bool check_utf8(struct bytes v)
{
	while (v.n >= 8 && (load_u64(v.p) & 0x8080808080808080ull) == 0)
		v.p += 8, v.n -= 8;
	return bytes_utf8(v);
}

static bool check_scalar(uint8_t kind, struct bytes v)
{
	struct num n;

	if (kind == ITEM_S)
		return check_utf8(v);
	return kind != ITEM_N || num_decode(v, &n);
}

static bool check_set(uint8_t kind, struct bytes body)
{
	struct item_iter it = item_iter(body);
	struct bytes last = BYTES_NONE, element;
	bool first = true;

	if (it.left == 0)
		return false;
	for (; item_next_element(&it, &element); first = false, last = element)
		if ((!first && bytes_cmp(last, element) >= 0) || !check_scalar(kind, element))
			return false;
	return cur_done(&it.c);
}

static bool check_value(struct value v, unsigned depth);

/* depth: of the values inside, which may be containers up to ITEM_DEPTH_MAX. */
static bool check_map(struct bytes body, unsigned depth)
{
	struct item_iter it = item_iter(body);
	struct bytes last = BYTES_NONE, name;
	struct value v;
	bool first = true;

	for (; item_next_pair(&it, &name, &v); first = false, last = name)
		if (name.n > ITEM_NAME_MAX || (!first && bytes_cmp(last, name) >= 0) || !check_utf8(name) ||
		    !check_value(v, depth))
			return false;
	return cur_done(&it.c);
}

static bool check_list(struct bytes body, unsigned depth)
{
	struct item_iter it = item_iter(body);
	struct value v;

	while (item_next_value(&it, &v))
		if (!check_value(v, depth))
			return false;
	return cur_done(&it.c);
}

static bool check_value(struct value v, unsigned depth)
{
	switch (v.tag) {
	case ITEM_S:
	case ITEM_N:
	case ITEM_B:
		return check_scalar(v.tag, v.body);
	case ITEM_SS:
		return check_set(ITEM_S, v.body);
	case ITEM_NS:
		return check_set(ITEM_N, v.body);
	case ITEM_BS:
		return check_set(ITEM_B, v.body);
	case ITEM_L:
		return depth < ITEM_DEPTH_MAX && check_list(v.body, depth + 1);
	case ITEM_M:
		return depth < ITEM_DEPTH_MAX && check_map(v.body, depth + 1);
	default:
		return v.tag != ITEM_NONE;
	}
}

bool item_check(struct bytes item)
{
	return item.n <= ITEM_ENCODED_MAX && check_map(item, 0);
}

bool item_check_value(struct bytes raw)
{
	return raw.n <= ITEM_ENCODED_MAX && check_value(item_value(raw), 0);
}

/* --- size and order ----------------------------------------------------------------------------------------------- */

/*
 * "1 byte per two significant digits, plus 1": pairs as aligned to the point, which is what the encoding holds between
 * its first and its last byte.  Negative numbers are observed to take one more.
 */
static size_t size_num(struct bytes v)
{
	return v.n < 2 ? 1 : v.n - 1 + (v.p[0] < 0x80);
}

static size_t size_map(struct bytes body, size_t overhead)
{
	struct item_iter it = item_iter(body);
	struct bytes name;
	struct value v;
	size_t n = 0;

	while (item_next_pair(&it, &name, &v))
		n += name.n + item_value_size(v) + overhead;
	return n;
}

static size_t size_list(struct bytes body)
{
	struct item_iter it = item_iter(body);
	struct value v;
	size_t n = 0;

	while (item_next_value(&it, &v))
		n += item_value_size(v) + 1;
	return n;
}

static size_t size_set(struct value v)
{
	struct item_iter it = item_iter(v.body);
	struct bytes element;
	size_t n = 0;

	while (item_next_element(&it, &element))
		n += v.tag == ITEM_NS ? size_num(element) : element.n;
	return n;
}

size_t item_value_size(struct value v)
{
	switch (v.tag) {
	case ITEM_S:
	case ITEM_B:
		return v.body.n;
	case ITEM_N:
		return size_num(v.body);
	case ITEM_SS:
	case ITEM_NS:
	case ITEM_BS:
		return size_set(v);
	case ITEM_L:
		return 3 + size_list(v.body);
	case ITEM_M:
		return 3 + size_map(v.body, 1);
	default:
		return v.tag == ITEM_NONE ? 0 : 1;
	}
}

size_t item_size(struct bytes item)
{
	return size_map(item, 0);
}

bool item_value_eq(struct value a, struct value b)
{
	return bytes_eq(a.raw, b.raw);
}

int item_value_cmp(struct value a, struct value b, bool *ok)
{
	*ok = a.tag == b.tag && a.tag >= ITEM_S && a.tag <= ITEM_B;
	return *ok ? bytes_cmp(a.body, b.body) : 0;
}

/* --- header ------------------------------------------------------------------------------------------------------- */

void item_head_put(struct buf *b, const struct item_head *h)
{
	assert(h->lock.n <= ITEM_LOCK_MAX && h->flags == 0);
	buf_u8(b, ITEM_HEAD_VERSION);
	buf_u8(b, h->flags);
	buf_u64(b, h->time_us);
	buf_u64(b, h->slot);
	buf_lenbytes(b, h->lock);
}

bool item_head_get(struct cur *c, struct item_head *out)
{
	uint8_t version = cur_u8(c);

	out->flags = cur_u8(c);
	out->time_us = cur_u64(c);
	out->slot = cur_u64(c);
	out->lock = cur_lenbytes(c);
	if (version != ITEM_HEAD_VERSION || out->flags != 0 || out->lock.n > ITEM_LOCK_MAX)
		c->bad = true;
	return !c->bad;
}
