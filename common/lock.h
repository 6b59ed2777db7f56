/*
 * lock: what a transaction has prepared for one item, kept in the header of the item's row.  Format: ddb-item(5).
 *
 *   lock   version u8 = 1, txid 16 bytes, ledger group u64, ledger key (varint length, bytes), timestamp u64,
 *          kind u8, exists u8, image (varint length, bytes)
 *
 * The row's item stays as it was: the old, committed one, or ITEM_EMPTY with exists = 0 if there is none.
 * Does not: know entries or stores; look into images.
 */
#ifndef COMMON_LOCK_H
#define COMMON_LOCK_H

#include "bytes.h"

#define LOCK_VERSION 1
#define LOCK_TXID_N 16
#define LOCK_LEDGER_KEY_MAX 8192

enum lock_kind { LOCK_PUT = 1, LOCK_DELETE = 2, LOCK_CHECK = 3 };

struct lock {
	struct bytes txid;                               /* LOCK_TXID_N */
	uint64_t ledger_group;
	struct bytes ledger_key;                         /* item key of the transaction's row in the ledger, not empty */
	uint64_t timestamp;                              /* of the transaction */
	uint8_t kind;                                    /* enum lock_kind: what to do at commit */
	bool exists;                                     /* the row's item is really there */
	struct bytes image;                              /* LOCK_PUT: the new item; else empty */
};

void lock_put(struct buf *b, const struct lock *l);
/* Strict, nothing may be left over.  Views point into raw. */
bool lock_get(struct bytes raw, struct lock *out);

#endif
