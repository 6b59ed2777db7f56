#include "lock.h"

#include <assert.h>

void lock_put(struct buf *b, const struct lock *l)
{
	assert(l->txid.n == LOCK_TXID_N && l->ledger_key.n >= 1 && l->ledger_key.n <= LOCK_LEDGER_KEY_MAX);
	assert(l->kind >= LOCK_PUT && l->kind <= LOCK_CHECK && (l->kind == LOCK_PUT) == (l->image.n > 0));
	buf_u8(b, LOCK_VERSION);
	buf_bytes(b, l->txid);
	buf_u64(b, l->ledger_group);
	buf_lenbytes(b, l->ledger_key);
	buf_u64(b, l->timestamp);
	buf_u8(b, l->kind);
	buf_u8(b, l->exists);
	buf_lenbytes(b, l->image);
}

bool lock_get(struct bytes raw, struct lock *out)
{
	struct cur c = cur_of(raw);
	uint8_t version = cur_u8(&c), exists;

	out->txid = cur_bytes(&c, LOCK_TXID_N);
	out->ledger_group = cur_u64(&c);
	out->ledger_key = cur_lenbytes(&c);
	out->timestamp = cur_u64(&c);
	out->kind = cur_u8(&c);
	exists = cur_u8(&c);
	out->exists = exists == 1;
	out->image = cur_lenbytes(&c);
	return cur_done(&c) && version == LOCK_VERSION && exists <= 1 && out->ledger_key.n >= 1 &&
	       out->ledger_key.n <= LOCK_LEDGER_KEY_MAX && out->kind >= LOCK_PUT && out->kind <= LOCK_CHECK &&
	       (out->kind == LOCK_PUT) == (out->image.n > 0);
}
