/*
 * held: the keys of one group that transactions may hold, and who has to be asked about them.
 * Source: DESIGN, Transactions.  Every key whose newest or chosen row is locked is here; a key that is here may be free: the row
 * tells.  So a leader knows without looking that a key is free, and what to ask about when a lock is old.
 * Does not: read rows, know slots beyond what it is told, send anything.
 *
 * A key is fresh when it is met, asked when somebody has asked about it, and gone when an entry has freed it, until that is chosen.
 */
#ifndef NODE_HELD_H
#define NODE_HELD_H

#include <sys/queue.h>
#include <uthash.h>

#include "bytes.h"
#include "lock.h"

struct held_key {
	UT_hash_handle hh;
	TAILQ_ENTRY(held_key) next;
	uint64_t since;                  /* fresh: when it was met.  asked: when it was asked about last */
	uint64_t gone;                   /* the slot that frees it; 0 = none */
	bool asked;
	uint8_t txid[LOCK_TXID_N];
	size_t n;
	uint8_t key[];
};
TAILQ_HEAD(held_keys, held_key);

struct held {
	struct held_key *keys;                   /* uthash by key */
	struct held_keys fresh, asked, gone;     /* each the oldest first */
};

void held_init(struct held *h);
void held_fini(struct held *h);
size_t held_count(const struct held *h);
bool held_has(const struct held *h, struct bytes key);

/* An entry locks key for txid, or a store has it locked.  One that is held already stays as it is, unless it was gone or another's. */
void held_add(struct held *h, struct bytes key, struct bytes txid, uint64_t now);
void held_gone(struct held *h, struct bytes key, uint64_t slot); /* an entry frees key, if it is held */
void held_chosen(struct held *h, uint64_t slot);                 /* forget what is gone by an entry up to slot */
void held_retract(struct held *h, uint64_t now);                 /* those entries may never be: what is gone is held again */

/* The key that has waited longest, if it is due: fresh for fresh_us, or asked about asked_us ago.  NULL: none is. */
struct held_key *held_due(const struct held *h, uint64_t now, uint64_t fresh_us, uint64_t asked_us);
void held_ask(struct held *h, struct held_key *k, struct bytes txid, uint64_t now);      /* it was asked about, as txid's */
void held_free(struct held *h, struct held_key *k);              /* its row is free */

#endif
