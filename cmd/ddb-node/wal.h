/*
 * wal: the write-ahead log of a node, shared by all its groups: batching, segments, recovery, collection.
 * Source: DESIGN, D1; ddb-wal(5).  The bytes are common/seg.h's, also used by ddb-wal.
 * Does not: know what a group is, start threads, wait.  It works over struct wal_io: a real directory with a writer thread
 * (wal_disk.c), or the simulator's disk.
 *
 * A position is a byte offset in the whole log, never reused; position p is durable once wal_durable() > p.  Batches are padded
 * to SEG_BLOCK, so that a later write never rewrites an acknowledged block.  One batch is in flight at a time; what is
 * appended meanwhile makes up the next one (group commit).
 */
#ifndef NODE_WAL_H
#define NODE_WAL_H

#include "bytes.h"
#include "seg.h"

#define WAL_BATCH_BYTES_MAX (8u << 20)   /* appended and not yet handed to the disk */
#define WAL_SEGMENT_BYTES_MAX (64u << 20)
#define WAL_SEGMENTS_MAX 65536

/*
 * What a disk does.  list, read and sync are synchronous: used at start, or for single reads.  The others only give orders, which
 * are carried out one after the other, in the order given.
 * What returns -1 has said why; the caller then ends the process (an fsync error is final).
 */
struct wal_io {
	void *ctx;
	/* Sequence numbers of all segments, ascending, into out; returns how many (<= max). */
	int (*list)(void *ctx, uint64_t *out, int max);
	/* Bytes read at off (less than n only at the end of the file). */
	long (*read)(void *ctx, uint64_t seq, uint64_t off, void *p, size_t n);
	/* Recovery, before it reads: make what can be read of seq survive a power cut, and reads see what the disk has. */
	int (*sync)(void *ctx, uint64_t seq);
	/* Make sure segment seq will exist with at least `bytes` bytes, new and zero-filled or a recycled one with its old content
	 * (nothing of it is valid under a new sequence number), its name synced, before any submit to it begins.  In the background. */
	void (*prepare)(void *ctx, uint64_t seq, uint64_t bytes);
	/* Write p at off of segment seq and sync it; then wal_written() is called, later, on the loop.  p stays valid until then.
	 * Only one at a time.  The first to a segment is its header, alone. */
	void (*submit)(void *ctx, uint64_t seq, uint64_t off, const void *p, size_t n);
	/* Segment seq is of no more use: keep it as a spare, or remove it; its name goes durably before that of the next. */
	void (*recycle)(void *ctx, uint64_t seq);
};

struct wal_options {
	uint64_t first_bytes;        /* size of the first segment (small: a fresh home starts at once), multiple of SEG_BLOCK */
	uint64_t segment_bytes;      /* size of the others; no record can be larger than it less two SEG_BLOCK */
	uint8_t cluster[16];
	uint32_t node, incarnation;
	uint64_t (*random)(void *arg);
	void *random_arg;
};

struct wal_record {
	uint8_t kind;                /* enum seg_kind */
	uint64_t group, ballot, slot;
	uint64_t position;
	struct bytes body;           /* valid during the call */
	bool damaged;                /* header good, body bad: group, ballot and slot can be trusted, the body cannot */
};

enum wal_verdict {
	WAL_CLEAN,                   /* ends cleanly, or in a torn tail that was never acknowledged */
	WAL_DAMAGED,                 /* bodies are bad in the synced part: each was given to the visitor as damaged */
	WAL_LOST,                    /* something is bad there of which not even the group is known: the node must give up its identity;
	                                only wal_free may follow */
	WAL_FAILED,                  /* the disk refused: already logged */
};

struct wal;

/* Read everything, oldest first, calling visit for each record, then make ready to append in a new segment whose header carries
 * the last valid chain value.  *verdict tells how the log looked.  NULL only with WAL_FAILED. */
struct wal *wal_open(const struct wal_io *io, const struct wal_options *options,
                     void (*visit)(void *arg, const struct wal_record *r), void *arg, enum wal_verdict *verdict);
void wal_free(struct wal *w);

/* Append a record; returns its position.  Nothing is written before wal_flush.  Bodies up to ENTRY_BYTES_MAX. */
uint64_t wal_append(struct wal *w, uint8_t kind, uint64_t group, uint64_t ballot, uint64_t slot, struct bytes body);
bool wal_full(const struct wal *w);              /* WAL_BATCH_BYTES_MAX wait: refuse new work until wal_written */
void wal_flush(struct wal *w);                   /* hand all that was appended to the disk, behind the batch in flight if there is one */
void wal_written(struct wal *w);                 /* the submitted batch is on disk (called by the io) */
uint64_t wal_durable(const struct wal *w);       /* every position below is synced */
uint64_t wal_end(const struct wal *w);           /* position of the next record; behind it if a flush comes first */
bool wal_idle(const struct wal *w);              /* nothing appended that is not durable */

/* Body of the record at position (for a peer that lags): into out; false if it is damaged or no longer there. */
bool wal_read(struct wal *w, uint64_t position, uint64_t group, uint64_t slot, struct buf *out);

/* Records below position are not needed any more: whole segments below it are recycled.  Returns the first position kept. */
uint64_t wal_collect(struct wal *w, uint64_t position);
uint64_t wal_bytes(const struct wal *w);         /* from the first kept position to the end */

#endif
