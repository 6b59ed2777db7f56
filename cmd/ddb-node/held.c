#include "held.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "mem.h"

void held_init(struct held *h)
{
	h->keys = NULL;
	TAILQ_INIT(&h->fresh);
	TAILQ_INIT(&h->asked);
	TAILQ_INIT(&h->gone);
}

void held_fini(struct held *h)
{
	while (h->keys != NULL)
		held_free(h, h->keys);
}

size_t held_count(const struct held *h)
{
	return HASH_COUNT(h->keys);
}

static struct held_key *find(const struct held *h, struct bytes key)
{
	struct held_key *k = NULL;

	if (h->keys != NULL)
		HASH_FIND(hh, h->keys, key.p, key.n, k);
	return k;
}

bool held_has(const struct held *h, struct bytes key)
{
	return find(h, key) != NULL;
}

static void leave(struct held *h, struct held_key *k)
{
	struct held_keys *list = k->gone > 0 ? &h->gone : k->asked ? &h->asked : &h->fresh;

	TAILQ_REMOVE(list, k, next);
}

static void refresh(struct held *h, struct held_key *k, uint64_t now)
{
	k->since = now;
	k->gone = 0;
	k->asked = false;
	TAILQ_INSERT_TAIL(&h->fresh, k, next);
}

void held_add(struct held *h, struct bytes key, struct bytes txid, uint64_t now)
{
	struct held_key *k = find(h, key);

	assert(txid.n == LOCK_TXID_N);
	if (k == NULL) {
		k = mem_new(sizeof *k + key.n);
		k->n = key.n;
		memcpy(k->key, key.p, key.n);
		HASH_ADD_KEYPTR(hh, h->keys, k->key, k->n, k);
	} else if (k->gone == 0 && memcmp(k->txid, txid.p, LOCK_TXID_N) == 0) {
		return;
	} else {
		leave(h, k);
	}
	memcpy(k->txid, txid.p, LOCK_TXID_N);
	refresh(h, k, now);
}

void held_gone(struct held *h, struct bytes key, uint64_t slot)
{
	struct held_key *k = find(h, key);

	if (k == NULL)
		return;
	leave(h, k);
	k->gone = slot;
	TAILQ_INSERT_TAIL(&h->gone, k, next);
}

void held_chosen(struct held *h, uint64_t slot)
{
	struct held_key *k;

	while ((k = TAILQ_FIRST(&h->gone)) != NULL && k->gone <= slot)
		held_free(h, k);
}

void held_retract(struct held *h, uint64_t now)
{
	struct held_key *k;

	while ((k = TAILQ_FIRST(&h->gone)) != NULL) {
		leave(h, k);
		refresh(h, k, now);
	}
}

struct held_key *held_due(const struct held *h, uint64_t now, uint64_t fresh_us, uint64_t asked_us)
{
	struct held_key *k = TAILQ_FIRST(&h->asked);

	if (k != NULL && now >= k->since + asked_us)
		return k;
	k = TAILQ_FIRST(&h->fresh);
	return k != NULL && now >= k->since + fresh_us ? k : NULL;
}

void held_ask(struct held *h, struct held_key *k, struct bytes txid, uint64_t now)
{
	assert(k->gone == 0 && txid.n == LOCK_TXID_N);
	leave(h, k);
	memcpy(k->txid, txid.p, LOCK_TXID_N);
	k->since = now;
	k->asked = true;
	TAILQ_INSERT_TAIL(&h->asked, k, next);
}

void held_free(struct held *h, struct held_key *k)
{
	leave(h, k);
	HASH_DEL(h->keys, k);
	free(k);
}
