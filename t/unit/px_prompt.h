/*
 * px_prompt: a px_cluster whose network is prompt and whose disks sync at once, for stories told step by step: run()
 * some time, isolate() somebody, look at who serves.  Shared by px_group.c and px_config.c.
 */
#ifndef T_PX_PROMPT_H
#define T_PX_PROMPT_H

#include "check.h"
#include "px_cluster.h"

#define B(round, replica) PX_BALLOT(round, replica)

static struct cluster cl;

static inline void run(uint64_t us)
{
	for (uint64_t end = cl.now + us; cl.now < end;) {
		cl.now += 1000;
		deliver_due(&cl);
		for (uint32_t i = 0; i < cl.n; i++) {
			struct replica *r = cl.r[i];

			if (!r->up)
				continue;
			sync_all(&cl, r);
			if (cl.now >= r->tick_at && px_wants_tick(&r->px, clock_of(&cl, r))) {
				r->tick_at = cl.now + 10000;
				tick(&cl, r);
			}
			if (cl.now >= r->beat_at) {
				r->beat_at = cl.now + BEAT_US;
				beat(&cl, r);
			}
			if (px_wants_flush(&r->px) || px_commits_behind(&r->px))
				flush(&cl, r, true);
		}
		check(&cl);
	}
	CHECK(cl.failed == NULL);
}

static inline void cluster_of(uint32_t n)
{
	cluster_init(&cl, 1);
	cluster_start(&cl, n);
	for (uint32_t i = 0; i < n; i++)
		start(&cl, cl.r[i], i == 0, false);
}

static inline bool serves(const struct replica *r)
{
	return r->up && px_may_serve(&r->px, clock_of(&cl, r));
}

static inline struct replica *server(void)
{
	for (uint32_t i = 0; i < cl.n; i++)
		if (serves(cl.r[i]))
			return cl.r[i];
	return NULL;
}

static uint64_t isolated;

static inline uint64_t isolating(struct cluster *c, uint32_t from, uint32_t to)
{
	(void)c;
	return (isolated >> from | isolated >> to) & 1 ? UINT64_MAX : 100;
}

static inline void isolate(uint32_t id)
{
	cl.delay = isolating;
	isolated |= (uint64_t)1 << id;
}

static inline void heal(void)
{
	isolated = 0;
}

static inline struct px_config *new_config(uint32_t n, const uint32_t *ids)
{
	struct px_config *k = &cl.configs[cl.nconfigs++];

	*k = (struct px_config){ .n = n };
	for (uint32_t i = 0; i < n; i++)
		k->m[i] = (struct px_member){ ids[i], PX_STORAGE };
	return k;
}

static inline struct replica *newcomer(uint32_t id)
{
	struct replica *r = replica_new(&cl, id, PX_STORAGE, &cl.configs[0], 0);

	start(&cl, r, false, false);
	return r;
}

#endif
