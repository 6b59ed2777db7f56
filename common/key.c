#include "key.h"

#include <assert.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "mem.h"

/* A component's end.  It sorts below any byte that can follow inside a component, an escaped 0 included. */
#define ESCAPE_ZERO 0xff
#define ESCAPE_END 0x01

#define HASH_PREFIX "Outliers"

struct key_hasher {
	EVP_MD *md5;
	EVP_MD_CTX *ctx;
};

struct key_hasher *key_hasher_new(void)
{
	struct key_hasher *h = mem_new(sizeof *h);

	h->md5 = EVP_MD_fetch(NULL, "MD5", NULL);
	h->ctx = EVP_MD_CTX_new();
	assert(h->md5 != NULL && h->ctx != NULL);
	return h;
}

void key_hasher_free(struct key_hasher *h)
{
	if (h == NULL)
		return;
	EVP_MD_CTX_free(h->ctx);
	EVP_MD_free(h->md5);
	free(h);
}

static void hash_bytes(struct key_hasher *h, struct bytes v, uint8_t out[KEY_HASH_N])
{
	unsigned n = 0;
	int ok = EVP_DigestInit_ex2(h->ctx, h->md5, NULL);

	ok = ok && EVP_DigestUpdate(h->ctx, HASH_PREFIX, sizeof HASH_PREFIX - 1);
	ok = ok && EVP_DigestUpdate(h->ctx, v.p, v.n);
	ok = ok && EVP_DigestFinal_ex(h->ctx, out, &n);
	assert(ok && n == KEY_HASH_N);
}

static void put_escaped(struct buf *out, struct bytes v)
{
	static const uint8_t zero[2] = { 0, ESCAPE_ZERO };
	const uint8_t *p = v.p, *end = v.p + v.n;

	while (p < end) {
		const uint8_t *z = memchr(p, 0, (size_t)(end - p));

		buf_put(out, p, (size_t)((z != NULL ? z : end) - p));
		if (z == NULL)
			break;
		buf_put(out, zero, sizeof zero);
		p = z + 1;
	}
}

void key_add(struct buf *out, struct value v)
{
	static const uint8_t end[2] = { 0, ESCAPE_END };

	assert(v.tag >= ITEM_S && v.tag <= ITEM_B);
	buf_u8(out, v.tag);
	if (v.tag == ITEM_N) {
		buf_bytes(out, v.body);
		return;
	}
	put_escaped(out, v.body);
	buf_put(out, end, sizeof end);
}

void key_add_prefix(struct buf *out, struct value v)
{
	assert(v.tag == ITEM_S || v.tag == ITEM_B);
	buf_u8(out, v.tag);
	put_escaped(out, v.body);
}

/* components: those of v, one behind the other. */
static void hash_values(struct key_hasher *h, const struct value *v, size_t n, struct bytes components, uint8_t out[KEY_HASH_N])
{
	hash_bytes(h, n == 1 ? v->body : components, out);
}

void key_hash(struct key_hasher *h, const struct value *v, size_t n, uint8_t out[KEY_HASH_N])
{
	struct buf tuple = { .p = NULL };

	assert(n > 0);
	for (size_t i = 0; n > 1 && i < n; i++)
		key_add(&tuple, v[i]);
	hash_values(h, v, n, buf_view(&tuple), out);
	buf_fini(&tuple);
}

void key_begin_all(struct buf *out, struct key_hasher *h, const struct value *v, size_t n)
{
	uint8_t hash[KEY_HASH_N] = { 0 };
	size_t start = out->n;

	assert(n > 0);
	buf_put(out, hash, sizeof hash);
	for (size_t i = 0; i < n; i++)
		key_add(out, v[i]);
	if (!out->over)
		hash_values(h, v, n, (struct bytes){ out->p + start + KEY_HASH_N, out->n - start - KEY_HASH_N }, out->p + start);
}

void key_begin(struct buf *out, struct key_hasher *h, struct value v)
{
	key_begin_all(out, h, &v, 1);
}

enum key_result key_check(const struct key_part *p, struct value v, bool sort)
{
	if (v.tag == ITEM_NONE)
		return KEY_MISSING;
	if (v.tag != p->tag)
		return KEY_WRONG_TYPE;
	if (v.body.n == 0)
		return KEY_EMPTY;
	if (sort)
		return v.body.n > KEY_SORT_BYTES_MAX ? KEY_SORT_TOO_LARGE : KEY_OK;
	return v.body.n > KEY_PARTITION_BYTES_MAX ? KEY_PARTITION_TOO_LARGE : KEY_OK;
}

const char *key_too_large(bool sort)
{
	return sort ? "One or more parameter values were invalid: Aggregated size of all range keys has exceeded the size limit of 1024 bytes" :
		      "One or more parameter values were invalid: Size of hashkey has exceeded the maximum size limit of2048 bytes";
}

enum key_result key_of_item(struct buf *out, struct key_hasher *h, const struct key_schema *s, struct bytes item,
                            size_t *part)
{
	struct value v[KEY_PARTS_MAX];
	size_t sort_bytes = 0;

	assert(s->n <= KEY_PARTS_MAX && s->hash_n > 0 && s->hash_n <= s->n);
	for (size_t i = 0; i < s->n; i++) {
		enum key_result r;

		item_get(item, s->part[i].name, &v[i]);
		r = key_check(&s->part[i], v[i], i >= s->hash_n);
		sort_bytes += i >= s->hash_n ? v[i].body.n : 0;
		if (r == KEY_OK && sort_bytes > KEY_SORT_BYTES_MAX)
			r = KEY_SORT_TOO_LARGE;
		if (r != KEY_OK) {
			*part = i;
			return r;
		}
	}
	key_begin_all(out, h, v, s->hash_n);
	for (size_t i = s->hash_n; i < s->n; i++)
		key_add(out, v[i]);
	return KEY_OK;
}

enum key_result key_of_exact(struct buf *out, struct key_hasher *h, const struct key_schema *s, struct bytes item,
                             size_t *part)
{
	if (item_count(item) > s->n) {
		*part = s->n;
		return KEY_EXTRA;
	}
	return key_of_item(out, h, s, item, part);
}

/* The bytes up to an S's or B's end, unescaped, into out, which has room for what is left of c. */
static bool get_escaped(struct cur *c, uint8_t *out, size_t *n)
{
	*n = 0;
	for (;;) {
		uint8_t x = cur_u8(c);

		if (x == 0 && !c->bad) {
			uint8_t next = cur_u8(c);

			if (c->bad || next == ESCAPE_END)
				return !c->bad;
			if (next != ESCAPE_ZERO)
				return false;
		}
		if (c->bad)
			return false;
		out[(*n)++] = x;
	}
}

static bool get_component(struct cur *c, struct buf *plain, struct buf *scratch)
{
	uint8_t tag = cur_u8(c), text[NUM_BYTES_MAX];
	struct num num;
	size_t n;

	if (tag == ITEM_N) {
		if (!num_get(c, &num))
			return false;
		buf_u8(scratch, tag);
		buf_lenbytes(scratch, (struct bytes){ text, num_encode(text, &num) });
		return true;
	}
	if ((tag != ITEM_S && tag != ITEM_B) || !get_escaped(c, plain->p, &n))
		return false;
	buf_u8(scratch, tag);
	buf_lenbytes(scratch, (struct bytes){ plain->p, n });
	return tag == ITEM_B || bytes_utf8((struct bytes){ plain->p, n });
}

static bool skip_escaped(struct cur *c)
{
	for (;;) {
		const uint8_t *zero = memchr(c->p, 0, (size_t)(c->end - c->p));

		if (zero == NULL || c->end - zero < 2 || (zero[1] != ESCAPE_END && zero[1] != ESCAPE_ZERO))
			return false;
		c->p = zero + 2;
		if (zero[1] == ESCAPE_END)
			return true;
	}
}

bool key_skip(struct cur *c)
{
	uint8_t tag = cur_u8(c);
	struct num num;

	if (tag == ITEM_N)
		return num_get(c, &num);
	return (tag == ITEM_S || tag == ITEM_B) && skip_escaped(c);
}

size_t key_partition_n(struct bytes key)
{
	struct cur c = cur_of(key);

	cur_bytes(&c, KEY_HASH_N);
	return !c.bad && key_skip(&c) ? (size_t)(c.p - key.p) : 0;
}

unsigned key_local(struct bytes key)
{
	size_t n = key_partition_n(key);

	return n > 0 && n < key.n && (key.p[n] & KEY_LOCAL) != 0 ? key.p[n] & ~KEY_LOCAL & 0xff : 0;
}

size_t key_decode(struct bytes key, struct buf *scratch, struct value *parts, size_t max)
{
	size_t ends[KEY_PARTS_MAX], start = scratch->n, n = 0;
	struct buf plain = { .p = NULL };
	struct cur c = cur_of(key);
	bool ok = key.n > KEY_HASH_N && key.n <= KEY_BYTES_MAX;

	cur_bytes(&c, KEY_HASH_N);
	if (ok)
		buf_room(&plain, key.n);
	while (ok && c.p < c.end) {
		if (n == 1 && (*c.p & KEY_LOCAL) != 0)
			ok = cur_u8(&c) != KEY_LOCAL;
		ok = ok && n < max && n < KEY_PARTS_MAX && get_component(&c, &plain, scratch);
		if (ok)
			ends[n++] = scratch->n;
	}
	buf_fini(&plain);
	if (!ok || scratch->over)
		return 0;
	for (size_t i = 0; i < n; start = ends[i++])
		parts[i] = item_value((struct bytes){ scratch->p + start, ends[i] - start });
	return n;
}

bool key_repeats(const struct key_schema *s, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (bytes_eq(s->part[k].name, s->part[i].name))
			return true;
	return false;
}

bool key_attributes(struct item_build *b, const struct key_schema *s, struct bytes key)
{
	struct value parts[KEY_PARTS_MAX];
	struct buf scratch = { .p = NULL };
	size_t n = key_decode(key, &scratch, parts, KEY_PARTS_MAX);
	bool ok = n == s->n;

	for (size_t i = 0; ok && i < n; i++)
		ok = parts[i].tag == s->part[i].tag;
	for (size_t i = 0; ok && i < n; i++)
		if (!key_repeats(s, i)) {
			item_build_name(b, s->part[i].name);
			item_build_raw(b, parts[i].raw);
		}
	buf_fini(&scratch);
	return ok;
}

bool key_after(struct buf *out, struct bytes prefix)
{
	while (prefix.n > 0 && prefix.p[prefix.n - 1] == 0xff)
		prefix.n--;
	if (prefix.n == 0)
		return false;
	buf_put(out, prefix.p, prefix.n - 1);
	buf_u8(out, (uint8_t)(prefix.p[prefix.n - 1] + 1));
	return true;
}
