#include "bench_plan.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#define POOL_SEED 0x6464622d62656e63ull
#define ZETA_EXACT 10000                                 /* terms that are summed one by one */

/* --- numbers ------------------------------------------------------------------------------------------------------ */

static uint64_t mix(uint64_t x)
{
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ull;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebull;
	return x ^ (x >> 31);
}

static uint64_t roll(uint64_t *dice)
{
	*dice += 0x9e3779b97f4a7c15ull;
	return mix(*dice);
}

static double fraction(uint64_t x)
{
	return (double)(x >> 11) * 0x1p-53;
}

/* The sum of i^-theta for i = 1..n: the tail, past what is summed, by Euler and Maclaurin's formula. */
static double zeta(uint64_t n)
{
	const double theta = BENCH_PLAN_ZIPF_THETA;
	uint64_t exact = n < ZETA_EXACT ? n : ZETA_EXACT;
	double sum = 0, a, b;

	for (uint64_t i = 1; i <= exact; i++)
		sum += pow((double)i, -theta);
	if (n == exact)
		return sum;
	a = (double)exact;
	b = (double)n;
	return sum + (pow(b, 1 - theta) - pow(a, 1 - theta)) / (1 - theta) + (pow(b, -theta) - pow(a, -theta)) / 2;
}

uint64_t bench_plan_zipf(const struct bench_plan *p, double u)
{
	const double theta = BENCH_PLAN_ZIPF_THETA;
	double uz = u * p->zeta_n;
	uint64_t rank;

	if (uz < 1)
		return 0;
	if (uz < 1 + pow(0.5, theta))
		return 1;
	rank = (uint64_t)((double)p->items * pow(p->eta * u - p->eta + 1, 1 / (1 - theta)));
	return rank < p->items ? rank : p->items - 1;
}

/* --- requests ----------------------------------------------------------------------------------------------------- */

void bench_plan_init(struct bench_plan *p, enum bench_workload workload, enum bench_keys keys, uint64_t items,
                     uint64_t seed)
{
	assert(items > 0 && items <= BENCH_PLAN_ITEMS_MAX);
	*p = (struct bench_plan){ .workload = workload, .keys = keys, .write = BENCH_PLAN_PUT, .items = items,
		.dice = mix(seed) };
	if (keys != BENCH_PLAN_ZIPF)
		return;
	p->zeta_n = zeta(items);
	if (items > 2)
		p->eta = (1 - pow(2 / (double)items, 1 - BENCH_PLAN_ZIPF_THETA)) / (1 - zeta(2) / p->zeta_n);
}

static bool is_read(enum bench_workload w, uint64_t dice)
{
	switch (w) {
	case BENCH_PLAN_A:
		return dice % 100 < 50;
	case BENCH_PLAN_B:
		return dice % 100 < 95;
	case BENCH_PLAN_C:
		return true;
	case BENCH_PLAN_W:
	case BENCH_PLAN_LOAD:
		break;
	}
	return false;
}

bool bench_plan_next(struct bench_plan *p, struct bench_work *w)
{
	uint64_t dice = roll(&p->dice);

	w->op = is_read(p->workload, dice >> 32) ? BENCH_PLAN_GET : p->write;
	w->version = dice;
	if (p->workload == BENCH_PLAN_LOAD) {
		if (p->at == p->items)
			return false;
		w->key = p->at;
	} else if (p->keys == BENCH_PLAN_UNIFORM) {
		w->key = roll(&p->dice) % p->items;
	} else {
		/* Scrambled: what is popular lies all over the key space. */
		w->key = mix(bench_plan_zipf(p, fraction(roll(&p->dice))) + 1) % p->items;
	}
	p->at++;
	return true;
}

/* --- items -------------------------------------------------------------------------------------------------------- */

void bench_plan_pool(char pool[BENCH_PLAN_POOL_BYTES])
{
	static const char letters[65] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	uint64_t dice = POOL_SEED;

	for (size_t i = 0; i < BENCH_PLAN_POOL_BYTES; i++)
		pool[i] = letters[roll(&dice) % 64];
}

void bench_plan_key(uint64_t key, char out[BENCH_PLAN_KEY_BYTES])
{
	assert(key < BENCH_PLAN_ITEMS_MAX);
	memcpy(out, "user", 4);
	for (size_t i = BENCH_PLAN_KEY_BYTES; i > 4; i--, key /= 10)
		out[i - 1] = (char)('0' + key % 10);
}

static size_t filler_at(uint64_t key, uint64_t version)
{
	return mix(key * 31 + version) % BENCH_PLAN_POOL_BYTES;
}

void bench_plan_value(struct buf *b, const char *pool, uint64_t key, uint64_t version, size_t n)
{
	static const char digits[] = "0123456789abcdef";
	char head[BENCH_PLAN_VALUE_BYTES_MIN], *hex = head + BENCH_PLAN_KEY_BYTES + 1;
	size_t at = filler_at(key, version), step;

	assert(n >= sizeof head);
	bench_plan_key(key, head);
	head[BENCH_PLAN_KEY_BYTES] = ':';
	for (unsigned i = 0; i < 16; i++)
		hex[i] = digits[version >> (60 - 4 * i) & 15];
	hex[16] = ':';
	buf_put(b, head, sizeof head);
	for (n -= sizeof head; n > 0; n -= step) {
		step = BENCH_PLAN_POOL_BYTES - at;
		if (step > n)
			step = n;
		buf_put(b, pool + at, step);
		at = 0;
	}
}

bool bench_plan_belongs(const char *pool, uint64_t key, struct bytes v)
{
	char head[BENCH_PLAN_KEY_BYTES];
	uint8_t raw[8];
	uint64_t version = 0;
	size_t at, step;

	bench_plan_key(key, head);
	if (v.n < BENCH_PLAN_VALUE_BYTES_MIN || memcmp(v.p, head, sizeof head) != 0 || v.p[sizeof head] != ':' ||
	    v.p[BENCH_PLAN_VALUE_BYTES_MIN - 1] != ':' ||
	    !bytes_hex((struct bytes){ v.p + sizeof head + 1, 16 }, raw, sizeof raw))
		return false;
	for (size_t i = 0; i < sizeof raw; i++)
		version = version << 8 | raw[i];
	at = filler_at(key, version);
	for (v.p += BENCH_PLAN_VALUE_BYTES_MIN, v.n -= BENCH_PLAN_VALUE_BYTES_MIN; v.n > 0; v.p += step, v.n -= step) {
		step = BENCH_PLAN_POOL_BYTES - at;
		if (step > v.n)
			step = v.n;
		if (memcmp(v.p, pool + at, step) != 0)
			return false;
		at = 0;
	}
	return true;
}
