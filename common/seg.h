/*
 * seg: the bytes of a log segment: header and records (man page ddb-wal(5)).
 * Does not: do I/O.
 *
 * A segment is a 4 KiB header and then batches, each padded to a multiple of SEG_BLOCK with a PAD record.  All integers little-endian.
 * A record's position is first_position + its offset in the file - SEG_HEADER_BYTES.  The first position of a segment is the end of
 * the segment before: whatever stands there at or behind that position does not count (a torn tail, or an older life of the file).
 *
 * Header: magic "ddbwal1\n", u32 format version, u32 minimum reader version, cluster id 16, u32 node, u32 incarnation, u64 sequence,
 *   u64 first position, u64 salt, u32 chain (the last value of the segment before), u32 checksum of all before; zeros to 4 KiB.
 * Record: 72 bytes of header and a body, padded with zeros to a multiple of 8:
 *   u32 magic, u8 kind, u8 flags, u16 zero, u32 body length, u32 body checksum, u64 position, u64 group, u64 ballot, u64 slot,
 *   u64 salt, u64 durable (the highest position known to be synced when this was written), u32 chain, u32 header checksum
 * chain = crc32(previous chain value, this header up to chain).  Checksums are zlib's crc32.
 * One batch is written at a time, the next only when it is synced.  So a valid record that begins a batch proves that all before
 * its position was synced, and so does the durable field of any valid record for what is below it.
 *
 * A record is valid if and only if its magic, its salt (that of its segment), its position (where it stands) and its header
 * checksum are right; then its length can be trusted.  It is sound if also its body checksum and its chain are right.
 */
#ifndef COMMON_SEG_H
#define COMMON_SEG_H

#include "bytes.h"

#define SEG_BLOCK 4096u
#define SEG_HEADER_BYTES 4096u
#define SEG_RECORD_BYTES 72u
#define SEG_VERSION 1u
#define SEG_BODY_BYTES_MAX (6u << 20)

enum seg_kind {
	SEG_PAD = 1,                 /* fills a batch up to SEG_BLOCK */
	SEG_ENTRY = 2,               /* accepted: group, ballot, slot, entry */
	SEG_PROMISE = 3,             /* group, ballot */
	SEG_GROUP = 4,               /* a group exists here from now on; body: its description */
	SEG_STATE = 5,               /* what collection must not forget of a group: promise, configuration, base; body */
	SEG_INSTALLED = 6,           /* a snapshot up to slot goes into the store next: if it is there, entries before this count from slot + 1; body */
	SEG_DROPPED = 7,             /* the group is gone from here */
	SEG_CHOSEN = 8,              /* hint: slots up to slot are chosen */
	SEG_NODE = 9,                /* node-wide state: fencing epoch, clean stop with the lease still granted; body */
};

struct seg_header {
	uint32_t version, reader_version;
	uint8_t cluster[16];
	uint32_t node, incarnation;
	uint64_t sequence, first_position, salt;
	uint32_t chain;
};

struct seg_record {
	uint8_t kind, flags;
	uint32_t body_bytes, body_crc;
	uint64_t position, group, ballot, slot, salt, durable;
	uint32_t chain;
};

enum { SEG_FIRST = 1 };              /* flags: this record begins a batch */

enum seg_verdict {
	SEG_OK,
	SEG_BAD_HEADER,              /* not a header, or not the one that belongs here */
	SEG_BAD_BODY,                /* a valid record; its body is not what was written */
	SEG_BAD_CHAIN,               /* a valid record; what stands before it is not what stood there */
	SEG_SHORT,                   /* the bytes end */
	SEG_NEWER,                   /* a segment header that asks for a newer reader */
};

/* The whole first block of a segment.  Versions come from h. */
void seg_header_put(uint8_t out[SEG_HEADER_BYTES], const struct seg_header *h);
/* SEG_OK, SEG_SHORT, SEG_BAD_HEADER, or SEG_NEWER with only the versions of out set. */
enum seg_verdict seg_header_get(struct bytes raw, struct seg_header *out);

size_t seg_record_bytes(size_t body_bytes);              /* what a record takes: header, body, padding */
/* Writes r's header, computing chain (also into r->chain) from the chain value before it. */
void seg_record_put(uint8_t out[SEG_RECORD_BYTES], struct seg_record *r, uint32_t chain_before);
uint32_t seg_body_crc(struct bytes body);
/* Checks a header: SEG_OK (valid), SEG_SHORT or SEG_BAD_HEADER.  salt or position NULL: any will do. */
enum seg_verdict seg_record_get(struct bytes raw, const uint64_t *salt, const uint64_t *position, struct seg_record *out);
uint32_t seg_chain(uint32_t before, const uint8_t raw[SEG_RECORD_BYTES]);

/*
 * A walk over the image of one segment in memory.
 *	seg_walk_init(&w, image, &header);
 *	while ((v = seg_walk_next(&w, &r, &body)) != SEG_SHORT) ...
 */
struct seg_walk {
	struct bytes image;
	uint64_t salt, first;
	uint64_t off;                /* of the record that next gives */
	uint32_t chain;              /* before that record */
	bool chained;                /* chain is known: not right behind a gap */
};

void seg_walk_init(struct seg_walk *w, struct bytes image, const struct seg_header *h);
uint64_t seg_walk_position(const struct seg_walk *w);
/*
 * The next record, PAD included.  SEG_OK, SEG_BAD_BODY and SEG_BAD_CHAIN give r and body and go on behind it.  SEG_BAD_HEADER and
 * SEG_SHORT stay where they are.
 */
enum seg_verdict seg_walk_next(struct seg_walk *w, struct seg_record *r, struct bytes *body);
/* After SEG_BAD_HEADER: go to the next block in which a valid record begins.  False, without moving, if there is none. */
bool seg_walk_skip(struct seg_walk *w);
/* All positions below the result are proven by this image to have been synced (header.first_position at least). */
uint64_t seg_proven(struct bytes image, const struct seg_header *h);
/* Does any record stand in this image, whatever its salt?  position: that of the first record if known, else NULL. */
bool seg_any(struct bytes image, const uint64_t *position);

#endif
