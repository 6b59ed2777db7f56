/* overlay against an array that is searched from end to end.  The input is a list of small operations. */
#include "overlay.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define VERSIONS_MAX 512
#define KEYS 16

struct plain {
	uint8_t key;                             /* index; the bytes are key_bytes() */
	uint64_t slot, timestamp;
	bool deleted;
	uint8_t image;                           /* its length, and each of its bytes */
};

struct model {
	struct plain v[VERSIONS_MAX];
	size_t n;
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* Keys of 0 to 15 bytes, many of which start alike; in the order of their numbers. */
static struct bytes key_bytes(uint8_t key)
{
	static const char *const keys[KEYS] = {
		"", "a", "aaaaaaaa", "aaaaaaaaa", "aaaaaaaab", "aaaaaaab", "aaaaaaabaaaaaaa", "ab", "abc", "b",
		"ba", "c", "cccccccccccc", "d", "da", "e",
	};

	return bytes_str(keys[key % KEYS]);
}

static const struct plain *newest(const struct model *m, uint8_t key, uint64_t upto)
{
	const struct plain *best = NULL;

	for (size_t i = 0; i < m->n; i++)
		if (m->v[i].key == key && m->v[i].slot <= upto && (best == NULL || m->v[i].slot > best->slot))
			best = &m->v[i];
	return best;
}

static void drop_if(struct model *m, uint64_t from, uint64_t to)
{
	size_t kept = 0;

	for (size_t i = 0; i < m->n; i++)
		if (m->v[i].slot < from || m->v[i].slot > to)
			m->v[kept++] = m->v[i];
	m->n = kept;
}

static void same(const struct plain *p, const struct overlay_version *v)
{
	assert(p->slot == v->slot && p->timestamp == v->timestamp && p->deleted == v->deleted && p->image == v->image.n);
	for (size_t i = 0; i < v->image.n; i++)
		assert(v->image.p[i] == p->image);
	assert(v->lock.n == (size_t)p->image / 2 && (v->lock.n == 0 || v->lock.p[0] == p->image));
}

static void put(struct overlay *o, struct model *m, uint8_t key, uint64_t slot, uint8_t image, uint64_t timestamp)
{
	const struct plain *top = newest(m, key, OVERLAY_NEWEST);
	struct plain p = { key, slot, timestamp, image % 4 == 0, image };
	uint8_t bytes[256];

	if (top != NULL && top->slot > slot)
		p.slot = top->slot;              /* the contract: not below any other version of the key */
	if (top != NULL && top->slot == p.slot)
		m->v[top - m->v] = p;
	else if (m->n < VERSIONS_MAX)
		m->v[m->n++] = p;
	else
		return;
	memset(bytes, image, sizeof bytes);
	overlay_put(o, key_bytes(key), &(struct overlay_version){ p.slot, timestamp, p.deleted, { bytes, image }, { bytes, image / 2 } });
}

static void get(const struct overlay *o, const struct model *m, uint8_t key, uint64_t upto)
{
	const struct plain *p = newest(m, key, upto);
	struct overlay_version v;
	bool found = overlay_get(o, key_bytes(key), upto, &v);

	assert(found == (p != NULL));
	if (found)
		same(p, &v);
}

static void walk(const struct overlay *o, const struct model *m, uint8_t from, bool reverse, uint64_t upto)
{
	int key = from == 0 && reverse ? KEYS - 1 : from;
	struct overlay_cursor c;
	struct overlay_version v;
	struct bytes k;

	overlay_seek(o, key_bytes(from), reverse, upto, &c);
	for (; key >= 0 && key < KEYS; key += reverse ? -1 : 1) {
		const struct plain *p = newest(m, (uint8_t)key, upto);
		bool more;

		if (p == NULL)
			continue;
		more = overlay_next(&c, &k, &v);
		assert(more && bytes_eq(k, key_bytes((uint8_t)key)));
		same(p, &v);
	}
	assert(!overlay_next(&c, &k, &v));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static struct model m;
	struct overlay *o = overlay_new();
	uint64_t slot = 10;

	m.n = 0;
	for (size_t i = 0; i + 4 <= n; i += 4) {
		uint8_t op = data[i] % 8, key = data[i + 1] % KEYS, image = data[i + 3];
		uint64_t at = slot >= data[i + 2] % 16 ? slot - data[i + 2] % 16 : 0;

		if (op < 3)
			put(o, &m, key, at, image, i);
		else if (op == 3)
			slot++;
		else if (op == 4)
			get(o, &m, key, image % 2 ? at : OVERLAY_NEWEST);
		else if (op == 5)
			walk(o, &m, key, image & 1, image & 2 ? at : OVERLAY_NEWEST);
		else if (op == 6 && image < 64) {
			overlay_applied(o, at - (at > 8 ? 8 : 0));
			drop_if(&m, 0, at - (at > 8 ? 8 : 0));
		} else if (op == 7 && image < 64) {
			overlay_retract(o, at);
			drop_if(&m, at, UINT64_MAX);
		}
		assert(overlay_versions(o) == m.n);
		assert((overlay_bytes(o) == 0) == (m.n == 0));
	}
	overlay_free(o);
	return 0;
}
