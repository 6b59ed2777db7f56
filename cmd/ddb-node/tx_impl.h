/* tx_impl: what the files of tx share.  Private to them. */
#ifndef NODE_TX_IMPL_H
#define NODE_TX_IMPL_H

#include "change.h"

#define TX_ANSWER_BYTES_MAX (4u << 20)           /* of items in one answer */

struct tx_finishing {
	struct node *n;
	struct group *g;
	struct bytes txid;
	bool commit;
	uint32_t keys;                           /* looked at */
	struct change change;
	uint64_t depends;
};

/* --- tx.c */
bool tx_leads(const struct group *g);
/* Once slot is chosen (written), or known to be chosen under the lease (only looked at). */
void tx_answer_at(struct node *n, struct group *g, bool written, uint64_t slot, uint64_t conn, uint64_t rid, unsigned type,
		  const struct buf *out);
void tx_refuse_verdict(struct node *n, struct group *g, enum px_verdict v, uint64_t conn, uint64_t rid, unsigned type);
void tx_finishing_init(struct tx_finishing *f, struct node *n, struct group *g, struct bytes txid, bool commit);
void tx_finishing_fini(struct tx_finishing *f);
/* What is not locked by this transaction is finished already, or never was prepared.  False: a row that cannot be read. */
bool tx_finish_one(struct tx_finishing *f, struct bytes key);
enum px_verdict tx_finish_propose(struct tx_finishing *f);

#endif
