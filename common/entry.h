/*
 * entry: what a slot of a replication group holds, byte for byte the same on every replica (DESIGN, D6).
 * The record around it on disk, with its ballot and checksums, is another thing: common/seg.h.
 *
 * Bytes: u8 format version (1), u8 type, u64 timestamp (hybrid clock, microseconds since 1970, monotone in a group's log),
 * u64 origin (ballot of the leader that proposed it first), then
 *   NOOP    u64 before: the origin of the entry in the slot before
 *   WRITE   varint rows (1..ENTRY_ROWS_MAX), then each: u8 flags, key, [new image], [old image], [lock]  (varint length + bytes)
 *           rows of items and, behind each, of its indexes; rows of the group's own (ddb-stream(5))
 *   CONFIG  varint members (1..7), then each: u32 replica, u8 role
 * A leader's first entry is a NOOP, and it makes the others knowing what stands before them: so one of another type follows, in
 * the slot before, an entry of its own origin.  Where it does not, its leader has lost that slot, and it never was chosen.
 * The other types are reserved, so that their numbers are never used for something else; a reader refuses them.
 */
#ifndef COMMON_ENTRY_H
#define COMMON_ENTRY_H

#include "bytes.h"

#define ENTRY_VERSION 1
#define ENTRY_OPS_MAX 100                /* changes of items that one entry makes */
#define ENTRY_INDEX_ROWS_MAX 10          /* of an item: one goes and one comes in each local index */
#define ENTRY_ROWS_MAX (ENTRY_OPS_MAX * (1 + ENTRY_INDEX_ROWS_MAX) + 2) /* two of the group's own */
#define ENTRY_MEMBERS_MAX 7
#define ENTRY_BYTES_MAX (5u << 20)       /* 100 rows of a transaction are at most 4 MB */
#define ENTRY_KEY_BYTES_MAX 32768        /* KEY_BYTES_MAX */

enum entry_type {
	ENTRY_NOOP = 1,
	ENTRY_WRITE = 2,
	ENTRY_CONFIG = 3,
	ENTRY_SEAL = 4,                  /* reserved: archive cut */
	ENTRY_BARRIER = 5,               /* reserved: scrub barrier */
	ENTRY_SPLIT = 6,                 /* reserved */
	ENTRY_PREPARE = 7,               /* reserved; not needed by transactions: a row of a WRITE with a lock says all there is */
	ENTRY_COMMIT = 8,                /* reserved; a WRITE of the new images, without locks */
	ENTRY_ABORT = 9,                 /* reserved; a WRITE of the old ones */
	ENTRY_INDEX = 10,                /* reserved; what indexes need is rows of a WRITE, too (DESIGN, Indexes) */
};

/*
 * Row flags.  OLD: the old image follows.  EXPIRED: of a delete, that its time to live did it, and no user.  LOCK, with PUT: the lock
 * that the row has from now on (lock.h) follows.
 */
enum { ENTRY_ROW_PUT = 1, ENTRY_ROW_DELETE = 2, ENTRY_ROW_OLD = 4, ENTRY_ROW_EXPIRED = 8, ENTRY_ROW_LOCK = 16 };

#define ENTRY_WRITE_ROOM 20

struct entry_row {
	uint8_t flags;
	struct bytes key, image, old;    /* image: a binary item (common/item.h), empty for a delete */
	struct bytes lock;
};

struct entry_member {
	uint32_t replica;
	uint8_t role;
};

struct entry {
	enum entry_type type;
	uint64_t timestamp;
	uint64_t origin, before;         /* before: the origin that the entry in the slot before must have */
	uint32_t nrows;                  /* WRITE */
	struct bytes rows;               /* WRITE: encoded; walk with entry_row_next */
	uint32_t nmembers;               /* CONFIG */
	struct entry_member member[ENTRY_MEMBERS_MAX];
};

/* Strict: checks everything down to the rows' lengths.  Images are not looked into.  False if malformed or unknown. */
bool entry_get(struct bytes raw, struct entry *out);
/* Takes the next of e->rows from *rest (start with e->rows).  False at the end. */
bool entry_row_next(struct bytes *rest, struct entry_row *row);

/* The put functions leave origin and before 0. */
void entry_put_noop(struct buf *b, uint64_t timestamp);
void entry_put_config(struct buf *b, uint64_t timestamp, const struct entry_member *m, uint32_t n);
void entry_put_write(struct buf *b, uint64_t timestamp, uint32_t nrows);     /* then nrows of: */
void entry_put_row(struct buf *b, const struct entry_row *row);
/* The same for rows that were not counted before: b is ENTRY_WRITE_ROOM bytes of room, then nrows rows.  The entry lies in b. */
struct bytes entry_write_around(struct buf *b, uint64_t timestamp, uint32_t nrows);
void entry_stamp(struct buf *b, uint64_t origin, uint64_t before);           /* the one entry in b; before: of a NOOP */
/* One JSON object without a newline, for people; keys and images in hexadecimal. */
void entry_json(struct bytes raw, struct buf *out);

/* The chained state hash: after slot s, hash = first 16 bytes of SHA-256 over (hash before, slot, entry). */
struct entry_hash { uint8_t b[16]; };
void entry_hash_next(struct entry_hash *h, uint64_t slot, struct bytes raw);

#endif
