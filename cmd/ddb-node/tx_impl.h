/* tx_impl: what the files of tx share.  Private to them. */
#ifndef NODE_TX_IMPL_H
#define NODE_TX_IMPL_H

#include "core.h"

#define TX_ENTRY_FILL (ENTRY_BYTES_MAX - 64)     /* of one entry's rows; its head is smaller than the rest */
#define TX_ANSWER_BYTES_MAX (4u << 20)           /* of items in one answer */

struct tx_rows {
	struct entry_row row[ENTRY_ROWS_MAX];    /* what they point to is the caller's */
	uint32_t n;
};

struct tx_finishing {
	struct node *n;
	struct group *g;
	struct bytes txid;
	bool commit;
	struct image *image;                     /* of each key looked at */
	uint32_t nimages;
	struct tx_rows rows;
	uint64_t depends;
};

/* --- tx.c */
bool tx_leads(const struct group *g);
void tx_add_row(struct tx_rows *r, struct bytes key, struct bytes image, struct bytes lock);    /* image.n = 0: delete */
/* Entries with these rows, later than `after`; *slot is the last one's.  Not PX_OK: some of them may be proposed all the same. */
enum px_verdict tx_propose(struct node *n, struct group *g, uint64_t after, const struct tx_rows *r, uint64_t *slot);
/* Once slot is chosen (written), or known to be chosen under the lease (only looked at). */
void tx_answer_at(struct node *n, struct group *g, bool written, uint64_t slot, uint64_t conn, uint64_t rid, unsigned type,
		  const struct buf *out);
void tx_refuse_verdict(struct node *n, struct group *g, enum px_verdict v, uint64_t conn, uint64_t rid, unsigned type);
struct tx_finishing *tx_finishing_new(struct node *n, struct group *g, struct bytes txid, bool commit);
void tx_finishing_free(struct tx_finishing *f);
/* What is not locked by this transaction is finished already, or never was prepared.  False: a row that cannot be read. */
bool tx_finish_one(struct tx_finishing *f, struct bytes key);
enum px_verdict tx_finish_propose(struct tx_finishing *f);

#endif
