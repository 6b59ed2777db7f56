/*
 * glog: where the entries of one group's slots are: ballot and log position of each, and the bytes of the recent ones.
 * Does not: do I/O; who needs bytes that are not cached reads them from the log by position.
 */
#ifndef NODE_GLOG_H
#define NODE_GLOG_H

#include "bytes.h"

struct glog_slot {
	uint64_t ballot;             /* 0: nothing accepted here */
	uint64_t position;
	uint8_t *entry;              /* owned; NULL: only in the log */
	uint32_t bytes;
	bool damaged;                /* its record was found corrupt */
};

struct glog {
	uint64_t base;               /* the first slot kept; >= 1 */
	size_t n, head, cap;         /* slots base .. base + n - 1, in a circular array */
	struct glog_slot *v;
	size_t cached;               /* bytes of entries in memory */
	uint64_t cached_from;        /* no slot below has its entry in memory */
};

void glog_init(struct glog *l, uint64_t base);
void glog_fini(struct glog *l);
uint64_t glog_top(const struct glog *l);                 /* base - 1 if empty */
struct glog_slot *glog_at(const struct glog *l, uint64_t slot);  /* NULL outside, or if nothing is there */
/* Slot >= base.  Takes ownership of entry (may be NULL), replacing what was there. */
void glog_set(struct glog *l, uint64_t slot, uint64_t ballot, uint64_t position, uint8_t *entry, uint32_t bytes);
void glog_forget(struct glog *l, uint64_t upto);         /* drop cached bytes of slots <= upto */
void glog_trim(struct glog *l, uint64_t base);           /* slots below base are gone */
void glog_lower(struct glog *l, uint64_t base);          /* slots from base on may be set; base <= the present one */
void glog_reset(struct glog *l, uint64_t base);          /* everything is gone; the next slot is base */

#endif
