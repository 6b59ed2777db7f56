/*
 * seg: the bytes of a log segment: header and records (man page ddb-wal(5)).
 * Does not: do I/O.
 *
 * A segment is a 4 KiB header and then batches, each padded to SEG_BLOCK with a PAD record.  All integers little-endian.
 *
 * Header: magic "ddbwal1\n", u32 format version, u32 minimum reader version, cluster id 16, u32 node, u32 incarnation, u64 sequence,
 *   u64 first position, u64 salt, u32 chain (the last value of the segment before), u32 checksum of all before; zeros to 4 KiB.
 * Record: 72 bytes of header and a body, padded with zeros to a multiple of 8:
 *   u32 magic, u8 kind, u8 flags, u16 zero, u32 body length, u32 body checksum, u64 position, u64 group, u64 ballot, u64 slot,
 *   u64 salt, u64 durable (the highest position known to be synced when this was written), u32 chain, u32 header checksum
 * chain = crc32(previous chain value, this header up to chain).  Checksums are zlib's crc32.
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
	SEG_INSTALLED = 6,           /* a snapshot up to slot is in the store; body: configuration and hash */
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

enum seg_verdict { SEG_OK, SEG_BAD_HEADER, SEG_BAD_BODY, SEG_BAD_CHAIN, SEG_SHORT };

#endif
