/*
 * seed.h: where a test's dice come from: $SEED, or the system.  Who rolls them prints the seed when it fails.
 */
#ifndef T_SEED_H
#define T_SEED_H

#include <stdint.h>
#include <stdlib.h>
#include <sys/random.h>

#include "check.h"

/* Never 0. */
static inline uint64_t seed_get(void)
{
	const char *given = getenv("SEED");
	uint64_t seed = 0;

	if (given != NULL)
		seed = strtoull(given, NULL, 0);
	else
		CHECK(getrandom(&seed, sizeof seed, 0) == (ssize_t)sizeof seed);
	return seed | 1;
}

#endif
