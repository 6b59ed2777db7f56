/*
 * wal_recover: read a whole log and find where it ends; a part of wal (the rules are in ddb-wal(5), RECOVERY).
 * Does not: write.
 */
#ifndef NODE_WAL_RECOVER_H
#define NODE_WAL_RECOVER_H

#include "wal.h"

struct wal_segment {
	uint64_t seq, first, salt;
};

struct wal_found {
	enum wal_verdict verdict;
	struct wal_segment *segments;    /* oldest first; the caller frees it */
	size_t n;
	uint64_t end;                    /* position behind the last sound record */
	uint32_t chain;                  /* its chain value */
	uint64_t next_seq;               /* of the segment to write next */
	bool next_there;                 /* a file of that name exists, never written to under it */
};

void wal_recover(const struct wal_io *io, const struct wal_options *options,
                 void (*visit)(void *arg, const struct wal_record *r), void *arg, struct wal_found *out);

#endif
