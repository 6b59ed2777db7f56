/*
 * own: the keys of what a group notes for itself, among its rows.  Source: DESIGN, Indexes.  What is in the rows: ddb-stream(5).
 *
 *   00 'i'              the indexes it maintains
 *   00 'o' be64 time    outbox: what the entry of that time changed for global indexes
 *   00 'f' be32 index   backfill: how far a global index is filled
 *   00 'c' be64 group   of a group of a global index: everything that group had to say up to then is here
 *
 * They are in no group's range of items, for these have longer keys (key.h).
 */
#ifndef NODE_OWN_H
#define NODE_OWN_H

#include "key.h"

enum own_kind { OWN_NONE = 0, OWN_INDEXES = 'i', OWN_OUTBOX = 'o', OWN_FILL = 'f', OWN_SOURCE = 'c' };

struct own_key {
	uint8_t p[10];
	uint8_t n;
};

static inline struct own_key own_indexes(void)
{
	return (struct own_key){ { 0, OWN_INDEXES }, 2 };
}

static inline struct own_key own_outbox(uint64_t timestamp)
{
	struct own_key k = { { 0, OWN_OUTBOX }, 10 };

	store_be64(k.p + 2, timestamp);
	return k;
}

static inline struct own_key own_source(uint64_t group)
{
	struct own_key k = { { 0, OWN_SOURCE }, 10 };

	store_be64(k.p + 2, group);
	return k;
}

static inline struct own_key own_fill(uint32_t index)
{
	struct own_key k = { { 0, OWN_FILL }, 6 };

	for (int i = 0; i < 4; i++)
		k.p[2 + i] = (uint8_t)(index >> (24 - 8 * i));
	return k;
}

static inline struct bytes own_view(const struct own_key *k)
{
	return (struct bytes){ k->p, k->n };
}

/* What kind of own key this is, OWN_NONE if it is another's; *of: its time, group or index. */
static inline enum own_kind own_kind(struct bytes key, uint64_t *of)
{
	*of = 0;
	if (key.n < 2 || key.n > 10 || key.p[0] != 0)
		return OWN_NONE;
	for (size_t i = 2; i < key.n; i++)
		*of = *of << 8 | key.p[i];
	switch (key.p[1]) {
	case OWN_INDEXES:
		return key.n == 2 ? OWN_INDEXES : OWN_NONE;
	case OWN_FILL:
		return key.n == 6 ? OWN_FILL : OWN_NONE;
	case OWN_OUTBOX:
	case OWN_SOURCE:
		return key.n == 10 ? (enum own_kind)key.p[1] : OWN_NONE;
	}
	return OWN_NONE;
}

static inline bool own_is(struct bytes key)
{
	return key_is_own(key) && key.n >= 2 && key.p[0] == 0;
}

#endif
