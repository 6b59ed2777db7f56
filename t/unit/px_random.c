/*
 * px_random: a cluster of px instances under every fault its contract allows, by chance.
 *   px_random              a few hundred seeds; prints the first one and, of a failure, the seed
 *   px_random N [COUNT]    COUNT seeds from N on (1); -t before them traces
 */
#include "px_cluster.h"

#include <signal.h>
#include <time.h>
#include <unistd.h>

#define SEEDS 300
#define STEP_US 1000
#define CHAOS_US 6000000
#define HEAL_US 20000000

struct chaos {
	struct cluster c;
	unsigned loss_permille, cut_permille, plot_permille, crash_permille, propose_permille, config_permille,
		collect_permille, unknown_permille, handoff_permille, batch;
	uint64_t delay_us, sync_us, down_us;
	uint64_t cut_until[REPLICAS_MAX][REPLICAS_MAX];
	uint64_t up_at[REPLICAS_MAX];
	bool healing;
	uint32_t next_id;
};

static uint64_t delay(struct cluster *c, uint32_t from, uint32_t to)
{
	struct chaos *k = (struct chaos *)c;

	if (k->healing)
		return 200 + below(c, 2000);
	if (c->now < k->cut_until[from % REPLICAS_MAX][to % REPLICAS_MAX] || chance(c, k->loss_permille))
		return UINT64_MAX;
	return 100 + below(c, chance(c, 50) ? 20 * k->delay_us : k->delay_us);
}

static void setup(struct chaos *k, uint64_t seed)
{
	struct cluster *c = &k->c;

	memset(k, 0, sizeof *k);
	cluster_init(c, seed);
	c->delay = delay;
	k->loss_permille = chance(c, 500) ? 0 : (unsigned)below(c, 200);
	c->duplicates_permille = chance(c, 500) ? 0 : (unsigned)below(c, 300);
	k->cut_permille = (unsigned)below(c, 6);
	k->plot_permille = (unsigned)below(c, 3);
	k->crash_permille = chance(c, 250) ? 0 : (unsigned)below(c, 5);
	k->propose_permille = 20 + (unsigned)below(c, 500);
	k->batch = 1 + (unsigned)below(c, 3);
	k->collect_permille = (unsigned)below(c, 5);
	k->handoff_permille = chance(c, 500) ? 0 : 1;
	k->delay_us = 300 + below(c, 5000);
	k->sync_us = 200 + below(c, 15000);
	k->down_us = 10000 + below(c, 1500000);
	if (chance(c, 500))
		k->config_permille = 1 + (unsigned)below(c, 5);
	else if (chance(c, 500))
		k->unknown_permille = 300;
	c->check_durable = k->unknown_permille == 0;
	cluster_start(c, chance(c, 600) ? 3 : 5);
	k->next_id = c->n + 1;
	for (uint32_t i = 0; i < c->n; i++) {
		c->r[i]->rate_permille = 950 + below(c, 101);
		c->r[i]->offset = below(c, 1000000000);
		start(c, c->r[i], i == 0, false);
	}
}

/* --- faults ------------------------------------------------------------------------------------------------------- */

static void cut(struct chaos *k)
{
	struct cluster *c = &k->c;
	uint64_t until = c->now + 20000 + below(c, chance(c, 300) ? 4000000 : 500000);
	uint32_t a = (uint32_t)below(c, c->n), how = (uint32_t)below(c, 4);

	for (uint32_t b = 0; b < c->n; b++) {
		uint32_t x = c->r[a]->id % REPLICAS_MAX, y = c->r[b]->id % REPLICAS_MAX;

		if (how >= 2 && !chance(c, 400))
			continue;                /* some links only */
		if (how != 1)
			k->cut_until[x][y] = until;
		if (how != 0)
			k->cut_until[y][x] = until;
	}
}

static void fall(struct chaos *k, uint32_t i, uint64_t down_us)
{
	struct cluster *c = &k->c;
	struct replica *r = c->r[i];
	bool others_known = true;

	crash(c, r, chance(c, 500) ? 0 : below(c, r->n - r->durable + 1));
	k->up_at[i] = c->now + below(c, down_us + 1);
	for (uint32_t j = 0; j < c->n; j++)
		others_known &= j == i || (c->r[j]->unknown_last == 0 && c->r[j]->px.unknown_last == 0);
	/* A slot that two of three replicas lost can be lost for good: one at a time. */
	if (r->px.unknown_last != 0) {
		r->unknown_first = r->px.unknown_first;
		r->unknown_last = r->px.unknown_last;
	} else if (chance(c, k->unknown_permille) && others_known && r->px.top > r->base + 4) {
		r->unknown_first = r->base + below(c, r->px.top - r->base);
		r->unknown_last = r->unknown_first + below(c, 20);
		c->unknowns++;
	}
}

static struct replica *ready_leader(struct cluster *c)
{
	struct replica *best = NULL;

	for (uint32_t i = 0; i < c->n; i++) {
		struct replica *r = c->r[i];

		if (r->up && r->px.state == PX_LEADER && r->px.ready && (best == NULL || r->px.ballot > best->px.ballot))
			best = r;
	}
	return best;
}

/* Cut the leader off until the others have lost patience; sometimes they reboot in the meantime, and what they
 * granted to it is on no disk. */
static void plot(struct chaos *k)
{
	struct cluster *c = &k->c;
	const struct replica *leader = ready_leader(c);
	uint64_t until = c->now + LEASE_US / 2 + below(c, 2 * LEASE_US);
	bool reboot = k->crash_permille > 0 && chance(c, 500);

	for (uint32_t i = 0; leader != NULL && i < c->n; i++) {
		uint32_t x = leader->id % REPLICAS_MAX, y = c->r[i]->id % REPLICAS_MAX;

		k->cut_until[x][y] = k->cut_until[y][x] = until;
		if (reboot && c->r[i] != leader && c->r[i]->up)
			fall(k, i, 10000);
	}
}

static const struct px_config *latest(struct cluster *c)
{
	static struct px_config g;

	governing(c, c->nchosen + 1, &g);
	return &g;
}

/* Replace a member, dead or alive, by a new replica. */
static void reconfigure(struct chaos *k)
{
	struct cluster *c = &k->c;
	struct replica *leader = ready_leader(c);
	struct px_config *next;
	uint32_t victim, promised;

	if (leader == NULL || leader->px.nconfig == 2 || c->nconfigs == CONFIGS_MAX || c->n == REPLICAS_MAX ||
	    leader->px.config[0].slot != latest(c)->slot)
		return;
	next = &c->configs[c->nconfigs];
	*next = leader->px.config[0];
	victim = (uint32_t)below(c, next->n);
	for (uint32_t i = 0; i < next->n; i++)
		if (replica(c, next->m[i].replica)->gone)
			victim = i;
	promised = k->next_id++;
	next->m[victim] = (struct px_member){ promised, PX_STORAGE };
	next->slot = 0;
	c->nconfigs++;
	if (propose(c, leader, CONFIG_VALUE + (int)c->nconfigs - 1) != PX_OK)
		c->refused++;
	replica_new(c, promised, PX_STORAGE, &leader->px.config[0], 0);
	c->r[c->n - 1]->rate_permille = 950 + below(c, 101);
	start(c, c->r[c->n - 1], false, false);
}

/* A member dies for good; never a second one of a configuration. */
static void destroy(struct chaos *k)
{
	struct cluster *c = &k->c;
	const struct px_config *g = latest(c);
	struct replica *r;

	for (uint32_t i = 0; i < c->n; i++)
		if (c->r[i]->up && c->r[i]->px.nconfig == 2)
			return;
	for (uint32_t i = 0; i < g->n; i++) {
		r = replica(c, g->m[i].replica);
		if (r->gone || !r->up)
			return;                  /* one that is down may have a configuration in its log */
	}
	r = replica(c, g->m[below(c, g->n)].replica);
	crash(c, r, 0);
	r->gone = true;
}

/* It has made a promise that is not durable yet. */
static bool promised_only(const struct replica *r)
{
	return r->n > r->durable && r->journal[r->n - 1].kind == R_PROMISE;
}

static void faults(struct chaos *k)
{
	struct cluster *c = &k->c;

	if (chance(c, k->cut_permille))
		cut(k);
	if (chance(c, k->plot_permille))
		plot(k);
	for (uint32_t i = 0; i < c->n; i++) {
		struct replica *r = c->r[i];

		if (r->gone)
			continue;
		if (r->up && chance(c, promised_only(r) ? 30 : 1) && chance(c, 100 * k->crash_permille))
			fall(k, i, chance(c, 300) ? k->down_us : k->down_us / 20);
		else if (!r->up && c->now >= k->up_at[i])
			start(c, r, false, true);
		if (r->up && r->durable == r->n && chance(c, k->collect_permille)) {
			uint64_t base = r->px.base + below(c, r->chosen_upto + 2 - r->px.base);

			px_collected(&r->px, base);
			r->base = base;
			note_state(r);
		}
		if (r->up && r->durable == r->n && chance(c, 10))
			note_state(r);
		if (r->up && r->px.ready && chance(c, k->handoff_permille)) {
			px_handoff(&r->px, chance(c, 500) ? 0 : c->r[below(c, c->n)]->id, clock_of(c, r), &c->out);
			act(c, r, NULL);
		}
	}
	if (chance(c, k->config_permille))
		reconfigure(k);
	if (k->config_permille != 0 && chance(c, 1))
		destroy(k);
}

/* --- the run ------------------------------------------------------------------------------------------------------ */

static void work(struct chaos *k, struct replica *r)
{
	struct cluster *c = &k->c;

	for (unsigned i = 0; i < k->batch && chance(c, k->propose_permille); i++)
		if (r->px.state == PX_LEADER && r->px.next_slot < SLOTS_MAX - 1200 && c->nchosen < SLOTS_MAX - 1200)
			propose(c, r, ++c->value);
	if (px_wants_flush(&r->px) || px_commits_behind(&r->px))
		flush(c, r, chance(c, 300));
	if (r->n > r->durable && r->sync_due == 0) {
		r->sync_due = c->now + below(c, k->sync_us);
		r->sync_n = r->n;
	}
}

static void step(struct chaos *k)
{
	struct cluster *c = &k->c;

	c->now += STEP_US;
	deliver_due(c);
	check(c);
	for (uint32_t i = 0; i < c->n; i++) {
		struct replica *r = c->r[i];

		if (!r->up)
			continue;
		if (r->sync_due != 0 && c->now >= r->sync_due) {
			r->sync_due = 0;
			synced(c, r, r->sync_n);
		}
		if (c->now >= r->tick_at) {
			r->tick_at = c->now + 10000;
			if (px_wants_tick(&r->px, clock_of(c, r)))
				tick(c, r);
		}
		if (c->now >= r->beat_at) {
			r->beat_at = c->now + BEAT_US;
			beat(c, r);
		}
		work(k, r);
	}
	check(c);
}

static bool healed(struct chaos *k)
{
	struct cluster *c = &k->c;
	struct replica *leader = ready_leader(c);
	const struct px_config *g = latest(c);

	if (leader == NULL || !px_may_serve(&leader->px, clock_of(c, leader)) || leader->px.committed != leader->px.match)
		return false;
	for (uint32_t i = 0; i < g->n; i++) {
		struct replica *r = replica(c, g->m[i].replica);

		if (!r->gone && (!r->up || r->px.committed != leader->px.committed))
			return false;
	}
	return true;
}

static void heal(struct chaos *k)
{
	struct cluster *c = &k->c;
	uint64_t end = c->now + HEAL_US;

	k->healing = true;
	c->duplicates_permille = 0;
	k->propose_permille = 0;
	for (uint32_t i = 0; i < c->n; i++)
		if (!c->r[i]->up && !c->r[i]->gone)
			start(c, c->r[i], false, true);
	while (c->now < end && c->failed == NULL && !healed(k))
		step(k);
	if (c->failed == NULL && !healed(k))
		fail(c, "no progress after everything was healed");
	for (uint32_t i = 0; i < c->n && c->failed == NULL; i++)
		for (uint64_t s = c->r[i]->px.base; s <= c->r[i]->px.committed; s++)
			if (c->r[i]->up && c->r[i]->log[s].value != c->chosen[s])
				fail(c, "logs differ");
}

struct total {
	unsigned long long slots, leads, serves, crashes, snapshots, configured, unknowns;
};

static struct chaos k;

/* An assertion of px's own failed. */
static void aborted(int signal_number)
{
	(void)signal_number;
	fail(&k.c, "assertion failed");
	printf("not ok\n");
	fflush(stdout);
	_exit(1);
}

static bool run(uint64_t seed, bool trace, struct total *t)
{
	bool ok;

	setup(&k, seed);
	k.c.trace = trace;
	while (k.c.now < CHAOS_US && k.c.failed == NULL) {
		faults(&k);
		step(&k);
	}
	if (k.c.failed == NULL)
		heal(&k);
	ok = k.c.failed == NULL;
	t->slots += k.c.nchosen;
	t->leads += k.c.leads;
	t->serves += k.c.serves;
	t->crashes += k.c.crashes;
	t->snapshots += k.c.snapshots;
	t->configured += k.c.configured;
	t->unknowns += k.c.unknowns;
	cluster_fini(&k.c);
	return ok;
}

int main(int argc, char **argv)
{
	bool trace = argc > 1 && strcmp(argv[1], "-t") == 0;
	uint64_t first = argc > 1 + trace ? strtoull(argv[1 + trace], NULL, 0) : (uint64_t)time(NULL) * 1000;
	uint64_t n = argc > 2 + trace ? strtoull(argv[2 + trace], NULL, 0) : argc > 1 + trace ? 1 : SEEDS;
	struct total t = { 0 };
	uint64_t failed = 0;

	signal(SIGABRT, aborted);
	printf("# seeds %llu..%llu\n", (unsigned long long)first, (unsigned long long)(first + n - 1));
	for (uint64_t i = 0; i < n; i++)
		failed += !run(first + i, trace, &t);
	printf("# %llu slots chosen, %llu leaders, %llu checks of a serving one, %llu crashes, %llu snapshots, "
	       "%llu configurations, %llu losses\n", t.slots, t.leads, t.serves, t.crashes, t.snapshots, t.configured, t.unknowns);
	printf("%s %llu of %llu seeds\n", failed == 0 ? "ok" : "not ok", (unsigned long long)(n - failed),
	       (unsigned long long)n);
	return failed > 0;
}
