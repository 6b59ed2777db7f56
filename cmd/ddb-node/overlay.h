/*
 * overlay: the rows of one group that are in its log but not yet in its store, in key order, several versions a key.
 * Source: DESIGN, D5 (conditions see the newest proposed image, strong reads the committed ones).
 * Does not: do I/O, know ballots.
 *
 * Versions of a key are ordered by slot.  One slot may write several keys, each once.
 */
#ifndef NODE_OVERLAY_H
#define NODE_OVERLAY_H

#include "bytes.h"

#define OVERLAY_NEWEST UINT64_MAX

struct overlay;

struct overlay_version {
	uint64_t slot, timestamp;
	bool deleted;                /* there is no item */
	struct bytes image;          /* binary item; valid until the version is dropped, as is: */
	struct bytes lock;           /* the lock on the item, there or not (common/lock.h); empty for none */
};

struct overlay *overlay_new(void);
void overlay_free(struct overlay *o);

/* Add a version (copies key and v).  Its slot is not below any other version of the key, or replaces the one with the same slot. */
void overlay_put(struct overlay *o, struct bytes key, const struct overlay_version *v);
/* The newest version with slot <= upto.  False if there is none. */
bool overlay_get(const struct overlay *o, struct bytes key, uint64_t upto, struct overlay_version *out);
void overlay_applied(struct overlay *o, uint64_t slot);      /* drop versions with slot <= slot: the store has them */
void overlay_retract(struct overlay *o, uint64_t slot);      /* drop versions with slot >= slot: they were never chosen */
size_t overlay_bytes(const struct overlay *o);               /* memory held, for bounds */
size_t overlay_versions(const struct overlay *o);

/* In key order from the first key >= from (reverse: the last key <= from; from.n = 0: from the very end).  Keys without a version <= upto are
 * skipped; tombstones are shown.  The overlay must not change while a cursor is in use. */
struct overlay_cursor { const struct overlay *o; void *at; uint64_t upto; bool reverse; };
void overlay_seek(const struct overlay *o, struct bytes from, bool reverse, uint64_t upto, struct overlay_cursor *c);
bool overlay_next(struct overlay_cursor *c, struct bytes *key, struct overlay_version *out);

#endif
