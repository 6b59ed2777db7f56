#include "item_build.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "mem.h"

#define VARINT_MAX 10

void item_build_init(struct item_build *b)
{
	*b = (struct item_build){ .refs = NULL };
	buf_init(&b->out, ITEM_ENCODED_MAX);
	buf_init(&b->spare, ITEM_ENCODED_MAX);
}

void item_build_fini(struct item_build *b)
{
	buf_fini(&b->out);
	buf_fini(&b->spare);
	free(b->refs);
	*b = (struct item_build){ .refs = NULL };
}

void item_build_reset(struct item_build *b)
{
	buf_clear(&b->out);
	buf_clear(&b->spare);
	b->refs_n = 0;
	b->depth = 0;
	b->named = b->bad = false;
}

static size_t varint_put(uint8_t *p, uint64_t v)
{
	size_t n = 0;

	for (; v >= 0x80; v >>= 7)
		p[n++] = (uint8_t)(v | 0x80);
	p[n++] = (uint8_t)v;
	return n;
}

static struct item_build_level *innermost(struct item_build *b)
{
	return b->depth > 0 ? &b->level[b->depth - 1] : NULL;
}

static struct bytes ref_name(const struct item_build *b, const struct item_build_ref *r)
{
	return (struct bytes){ b->out.p + r->name_at, r->name_n };
}

/* An entry of the innermost map or set: its name or element, and a note of where it is for when they are sorted. */
static void put_name(struct item_build *b, struct bytes name)
{
	struct item_build_level *l = innermost(b);
	uint8_t t[VARINT_MAX];
	size_t n = varint_put(t, name.n), at = b->out.n;
	struct item_build_ref *r;

	if (b->refs_n == ITEM_BUILD_REFS_MAX)
		b->bad = true;
	buf_put(&b->out, t, n);
	buf_bytes(&b->out, name);
	if (b->bad || b->out.over)
		return;
	if (b->refs_n == b->refs_cap) {
		b->refs_cap = b->refs_cap > 0 ? 2 * b->refs_cap : 64;
		b->refs = mem_resize(b->refs, b->refs_cap * sizeof *b->refs);
	}
	r = &b->refs[b->refs_n++];
	*r = (struct item_build_ref){ .at = (uint32_t)at, .name_at = (uint32_t)(at + n), .name_n = (uint32_t)name.n };
	if (l->sorted && l->count > 0 && bytes_cmp(ref_name(b, r - 1), ref_name(b, r)) >= 0)
		l->sorted = false;
	l->count++;
}

void item_build_name(struct item_build *b, struct bytes name)
{
	struct item_build_level *l = innermost(b);

	assert(l != NULL && (l->tag == ITEM_M || l->tag == ITEM_NONE) && !b->named);
	if (name.n > ITEM_NAME_MAX)
		b->bad = true;
	put_name(b, name);
	b->named = true;
}

/* Every value begins here. */
static void begin_value(struct item_build *b)
{
	struct item_build_level *l = innermost(b);

	if (l == NULL)
		assert(b->out.n == 0 || b->bad);         /* one value, or one item */
	else if (l->tag == ITEM_L)
		l->count++;
	else
		assert((l->tag == ITEM_M || l->tag == ITEM_NONE) && b->named);
	b->named = false;
}

static void put_scalar(struct item_build *b, uint8_t tag, struct bytes v)
{
	uint8_t t[1 + VARINT_MAX] = { tag };

	begin_value(b);
	buf_put(&b->out, t, 1 + varint_put(t + 1, v.n));
	buf_bytes(&b->out, v);
}

void item_build_s(struct item_build *b, struct bytes s)
{
	put_scalar(b, ITEM_S, s);
}

void item_build_b(struct item_build *b, struct bytes v)
{
	put_scalar(b, ITEM_B, v);
}

uint8_t *item_build_b_room(struct item_build *b, size_t n)
{
	uint8_t t[1 + VARINT_MAX] = { ITEM_B }, *p;

	begin_value(b);
	buf_put(&b->out, t, 1 + varint_put(t + 1, n));
	p = buf_room(&b->out, n);
	if (p != NULL)
		b->out.n += n;
	return p;
}

void item_build_n(struct item_build *b, const struct num *n)
{
	uint8_t t[NUM_BYTES_MAX];

	put_scalar(b, ITEM_N, (struct bytes){ t, num_encode(t, n) });
}

void item_build_u64(struct item_build *b, uint64_t v)
{
	struct num n = num_of_u64(v);

	item_build_n(b, &n);
}

static void put_tag(struct item_build *b, uint8_t tag)
{
	begin_value(b);
	buf_u8(&b->out, tag);
}

void item_build_bool(struct item_build *b, bool v)
{
	put_tag(b, v ? ITEM_TRUE : ITEM_FALSE);
}

void item_build_null(struct item_build *b)
{
	put_tag(b, ITEM_NULL);
}

void item_build_raw(struct item_build *b, struct bytes raw)
{
	begin_value(b);
	buf_bytes(&b->out, raw);
}

/* Lengths and counts go in front when they are known, at close.  Most take one byte each, which is kept free. */
static void push(struct item_build *b, uint8_t tag, size_t reserved)
{
	struct item_build_level *l;

	assert(b->depth < sizeof b->level / sizeof b->level[0]);
	l = &b->level[b->depth++];
	*l = (struct item_build_level){ .start = b->out.n, .refs = b->refs_n, .tag = tag, .sorted = true };
	if (buf_room(&b->out, reserved) != NULL)
		b->out.n += reserved;
	l->content = b->out.n;
}

void item_build_item(struct item_build *b)
{
	assert(b->depth == 0 && b->out.n == 0);
	push(b, ITEM_NONE, 1);
}

/* Containers inside one another, the new one included; an open item is not one of them. */
static bool too_deep(const struct item_build *b)
{
	bool item = b->depth > 0 && b->level[0].tag == ITEM_NONE;

	return b->depth + 1 - item > ITEM_DEPTH_MAX;
}

void item_build_open(struct item_build *b, uint8_t tag)
{
	assert(tag >= ITEM_SS && tag <= ITEM_M);
	if (tag >= ITEM_L && too_deep(b))
		b->bad = true;
	begin_value(b);
	push(b, tag, 3);
}

void item_build_element(struct item_build *b, struct bytes element)
{
	assert(b->depth > 0 && b->level[b->depth - 1].tag >= ITEM_SS && b->level[b->depth - 1].tag <= ITEM_BS);
	put_name(b, element);
}

static int ref_cmp(const void *x, const void *y, void *arg)
{
	const struct item_build *b = arg;

	return bytes_cmp(ref_name(b, x), ref_name(b, y));
}

/* Puts the entries of l in order; false if two are the same. */
static bool sort_entries(struct item_build *b, struct item_build_level *l)
{
	struct item_build_ref *refs = b->refs + l->refs;
	size_t n = b->refs_n - l->refs, total = b->out.n - l->content;

	for (size_t i = 0; i < n; i++)
		refs[i].n = (i + 1 < n ? refs[i + 1].at : (uint32_t)b->out.n) - refs[i].at;
	qsort_r(refs, n, sizeof *refs, ref_cmp, b);
	for (size_t i = 1; i < n; i++)
		if (bytes_eq(ref_name(b, &refs[i - 1]), ref_name(b, &refs[i])))
			return false;
	buf_clear(&b->spare);
	for (size_t i = 0; i < n; i++)
		buf_put(&b->spare, b->out.p + refs[i].at, refs[i].n);
	assert(!b->spare.over && b->spare.n == total);
	memcpy(b->out.p + l->content, b->spare.p, total);
	return true;
}

void item_build_front(struct buf *out, size_t start, size_t kept, uint8_t tag, uint64_t count)
{
	uint8_t front[1 + 2 * VARINT_MAX], number[VARINT_MAX];
	size_t number_n = varint_put(number, count), total = out->n - start - kept, n = 0;

	if (tag != ITEM_NONE) {
		front[n++] = tag;
		n += varint_put(front + n, total + number_n);
	}
	memcpy(front + n, number, number_n);
	n += number_n;
	assert(n >= kept);
	if (n > kept) {
		if (buf_room(out, n - kept) == NULL)
			return;
		memmove(out->p + start + n, out->p + start + kept, total);
		out->n += n - kept;
	}
	memcpy(out->p + start, front, n);
}

bool item_build_close(struct item_build *b)
{
	struct item_build_level *l = innermost(b);

	assert(l != NULL && !b->named);
	if (!b->out.over && !b->bad) {
		if (l->tag >= ITEM_SS && l->tag <= ITEM_BS && l->count == 0)
			b->bad = true;
		else if (!l->sorted && !sort_entries(b, l))
			b->bad = true;
		else
			item_build_front(&b->out, l->start, l->content - l->start, l->tag, l->count);
	}
	b->refs_n = l->refs;
	b->depth--;
	return !b->bad;
}

bool item_build_ok(const struct item_build *b)
{
	return !b->bad && !b->out.over && b->depth == 0 && b->out.n > 0;
}

struct bytes item_build_view(const struct item_build *b)
{
	assert(item_build_ok(b));
	return buf_view(&b->out);
}
