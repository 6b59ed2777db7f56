/*
 * dice: pseudo-random numbers that follow from a seed (xorshift64*, Vigna 2016).
 * For tests, and for jitter.  Does not: keep secrets; whoever sees two numbers knows the rest.
 */
#ifndef COMMON_DICE_H
#define COMMON_DICE_H

#include <stdint.h>

/* The state that follows from a seed; any seed will do, and neighbours differ. */
static inline uint64_t dice_seed(uint64_t seed)
{
	seed = (seed + 1) * 0x9e3779b97f4a7c15u;
	return seed != 0 ? seed : 1;
}

static inline uint64_t dice_roll(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state * 0x2545f4914f6cdd1du;
}

/* 0 .. n - 1, n in 1 .. 2^32; from the upper bits, which are the better ones. */
static inline uint64_t dice_below(uint64_t *state, uint64_t n)
{
	return (dice_roll(state) >> 16) % n;
}

#endif
