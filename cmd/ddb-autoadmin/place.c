/* Source: DESIGN, D8.  Decides only. */
#include <string.h>

#include "autoadmin.h"

#define WRITE_UNITS 1000u                        /* of a partition */
#define READ_UNITS 3000u
#define ON_DEMAND_PARTITIONS 4u

static uint64_t most(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

size_t place_partitions(const struct table *t)
{
	uint64_t write = most(t->write_units, t->warm_write), read = most(t->read_units, t->warm_read);
	uint64_t n = most(write / WRITE_UNITS + (write % WRITE_UNITS > 0), read / READ_UNITS + (read % READ_UNITS > 0));

	n = most(n, t->billing == TABLE_PAY_PER_REQUEST ? ON_DEMAND_PARTITIONS : 1);
	return n < AA_PARTITIONS_MAX ? (size_t)n : AA_PARTITIONS_MAX;
}

/* The first 8 of the 16 bytes of a key's hash decide: i * 2^64 / n. */
static void bound(size_t i, size_t n, struct buf *out)
{
	uint8_t b[16] = { 0 };

	if (i == 0 || i == n)
		return;
	store_be64(b, (uint64_t)(((unsigned __int128)i << 64) / n));
	buf_put(out, b, sizeof b);
}

void place_range(size_t i, size_t n, struct buf *low, struct buf *high)
{
	bound(i, n, low);
	bound(i + 1, n, high);
}

static bool zone_taken(const struct place_node *nodes, const size_t *chosen, size_t n, const char *zone)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(nodes[chosen[i]].zone, zone) == 0)
			return true;
	return false;
}

size_t place_zones(const struct place_node *nodes, size_t n)
{
	size_t zones = 0;

	for (size_t i = 0; i < n; i++) {
		bool seen = false;

		for (size_t j = 0; j < i; j++)
			seen |= strcmp(nodes[j].zone, nodes[i].zone) == 0;
		zones += !seen;
	}
	return zones;
}

size_t place_group(struct place_node *nodes, size_t n, size_t want, size_t turn, uint32_t *out)
{
	size_t chosen[AA_MEMBERS_MAX], got = 0, first;

	while (got < want && got < AA_MEMBERS_MAX) {
		size_t best = n;

		for (size_t i = 0; i < n; i++)
			if (!zone_taken(nodes, chosen, got, nodes[i].zone) && (best == n || nodes[i].load < nodes[best].load))
				best = i;
		if (best == n)
			break;
		chosen[got++] = best;
		nodes[best].load++;
	}
	/* The first leader is the one that leads least; where that is even they take turns. */
	first = got > 0 ? turn % got : 0;
	for (size_t i = 1; i < got; i++)
		if (nodes[chosen[(i + turn) % got]].leads < nodes[chosen[first]].leads)
			first = (i + turn) % got;
	for (size_t i = 0; i < got; i++)
		out[i] = nodes[chosen[(i + first) % got]].incarnation;
	if (got > 0)
		nodes[chosen[first]].leads++;
	return got;
}
