/*
 * Faults.  In the first part of a run they are repairable: at most one machine at a time has lost data that was
 * synced, and the next one may only when the first has everything again.  In the second part anything goes, and only
 * safety is asked for.
 */
#include "sim.h"

enum fault {
	KILL, POWER, BLACKOUT, MID_STEP, STOP, PAUSE, PARTITION, PLOT, CLOG, DISK_ERROR, STORE_ERROR, SLOW_DISK, FLIP,
	WIPE, HANDOFF, MOVE, CLOCK, FAULTS,
};

static unsigned up_to(struct sim *s, unsigned most)
{
	return (unsigned)world_below(s, most + 1);
}

static void roll_faults(struct sim *s)
{
	struct knobs *k = &s->k;
	bool unlimited = s->phase == PHASE_UNLIMITED;

	k->loss_permille = world_chance(s, 500) ? 0 : up_to(s, world_chance(s, 200) ? 300 : 60);
	k->duplicate_permille = world_chance(s, 500) ? 0 : up_to(s, world_chance(s, 200) ? 500 : 80);
	k->client_loss_permille = world_chance(s, 500) ? 0 : up_to(s, 40);
	k->far_permille = world_chance(s, 500) ? 0 : up_to(s, 100);
	k->far_us = 100 * MS;
	k->delay_us = 200 + world_below(s, 3 * MS);
	k->sync_us = 100 + world_below(s, world_chance(s, 300) ? 15 * MS : 3 * MS);
	k->store_us = 100 + world_below(s, world_chance(s, 300) ? 50 * MS : 4 * MS);
	k->turn_permille = up_to(s, 900);
	k->fault_us = (unlimited ? 40 : 150) * MS + world_below(s, 700 * MS);
	k->leader_permille = up_to(s, 800);
	for (unsigned i = 0; i < FAULTS; i++)
		k->weight[i] = world_chance(s, 400) ? 0 : 1 + up_to(s, 9);
	k->weight[HANDOFF] = up_to(s, 3);
}

void chaos_roll(struct sim *s)
{
	struct node_options *o = &s->options;

	roll_faults(s);
	s->k.think_us = 5 * MS + world_below(s, 30 * MS);
	s->k.burst_us = world_chance(s, 200) ? 200 * MS + world_below(s, 600 * MS) : 0;
	s->k.pad_max = world_chance(s, 300) ? 1500 : up_to(s, 300);
	s->k.read_permille = 150 + up_to(s, 350);
	s->k.timeout_us = 200 * MS + world_below(s, 2 * SEC);
	node_options_default(o);
	o->lease_us = 250 * MS + world_below(s, 750 * MS);
	o->election_us = 60 * MS + world_below(s, 200 * MS);
	o->retry_us = 40 * MS + world_below(s, 120 * MS);
	o->beat_us = o->lease_us / 5;
	o->apply_delay_us = world_below(s, 60 * MS);
	o->apply_rows = 1 + up_to(s, world_chance(s, 500) ? 8 : 200);
	o->collect_bytes = (32 + world_below(s, 200)) << 10;
	o->watermark_bytes = o->collect_bytes + (world_below(s, 300) << 10);
	o->snapshot_bytes = 200 + up_to(s, world_chance(s, 500) ? 1500 : 100000);
	o->waiter_us = 500 * MS + world_below(s, 3 * SEC);
	o->sweep_us = 20 * MS + world_lot(s, 1) % (500 * MS);
	o->feed_us = 1 * MS + world_lot(s, 3) % (20 * MS);
	o->index_lag_us = 500 * MS + world_lot(s, 4) % (10 * SEC);
	o->fill_rows = (uint32_t)(1 + world_lot(s, 5) % 10);
	o->sweep_rows = (uint32_t)(1 + world_lot(s, 2) % SIM_KEYS);
	s->segment_bytes = (4 + world_below(s, 24)) * 4 * SEG_BLOCK;
	s->first_bytes = world_chance(s, 500) ? 2 * SEG_BLOCK : 4 * SEG_BLOCK;
	s->checkpoint_every = world_chance(s, 500) ? 0 : 1 + up_to(s, 20);
	o->lock_us = 100 * MS + world_below(s, world_chance(s, 500) ? 300 * MS : 2 * SEC);
	s->k.tellers = world_chance(s, 300) ? 0 : 1 + up_to(s, BANK_TELLERS_MAX - 1);
	s->k.die_permille = world_chance(s, 300) ? 0 : up_to(s, 120);
}

/* --- damage that only the other replicas can repair --------------------------------------------------------------- */

static bool may_damage(struct sim *s, const struct machine *victim)
{
	if (s->phase == PHASE_UNLIMITED)
		return true;
	if (s->phase != PHASE_REPAIRABLE || !admin_settled(s))
		return false;
	for (uint32_t i = 0; i < s->nmachines; i++) {
		const struct machine *m = &s->machine[i];

		if (m->damaged || (m != victim && !m->up))
			return false;
		for (struct group *g = m->up ? m->node->groups : NULL; g != NULL; g = g->hh.next)
			if (!g->ready || g->px.nconfig == 2)
				return false;
	}
	return true;
}

static void take_damage(struct machine *m)
{
	m->damaged = true;
	for (uint32_t i = 0; i < m->s->ngroups; i++)
		m->damaged_chosen[i] = m->s->group[i].n;
}

static bool repaired(const struct machine *m)
{
	const struct sim *s = m->s;

	if (!m->up || !admin_settled(s))
		return false;
	for (uint32_t i = 0; i < s->ngroups; i++) {
		const struct model_group *model = &s->group[i];
		const struct group *g = node_group(m->node, model->id);

		if (!group_has_config(&model->config[model->nconfigs - 1], m->incarnation))
			continue;
		/* A store may cover damaged records and yet be lost again with the power. */
		if (g == NULL || !g->ready || g->chosen < m->damaged_chosen[i] || g->checkpointed + 1 < g->log.base ||
		    g->px.unknown_first <= g->px.unknown_last)
			return false;
	}
	return true;
}

void chaos_look(struct sim *s)
{
	for (uint32_t i = 0; i < s->nmachines; i++)
		if (s->machine[i].damaged && repaired(&s->machine[i]))
			s->machine[i].damaged = false;
}

void chaos_recovered(struct machine *m, bool lost)
{
	struct sim *s = m->s;

	if (!lost) {
		for (const struct group *g = m->up ? m->node->groups : NULL; g != NULL; g = g->hh.next) {
			if (g->px.unknown_first > g->px.unknown_last)
				continue;
			s->count.damaged_logs++;
			if (!m->flipped)
				world_fail(s, "machine %u: finds damage in a log that nothing has damaged", m->index);
		}
		return;
	}
	s->count.lost_logs++;
	if (!m->flipped)
		world_fail(s, "machine %u: gives up a log that nothing has damaged", m->index);
	m->flipped = false;
	machine_wipe(m);
}

static void down(struct machine *m, enum crash how, uint64_t us)
{
	if (!m->up)
		return;
	m->s->count.kills += how == CRASH_KILL;
	m->s->count.power_cuts += how == CRASH_POWER;
	machine_die(m, how, us);
	machine_bury(m);
}

static void flip(struct sim *s, struct machine *m)
{
	unsigned flips = 1 + up_to(s, 3);

	enum disk_flip hit;

	if (!m->up || !may_damage(s, m) || (hit = disk_flip(&m->disk, !m->flipped)) == DISK_FLIP_NONE)
		return;
	for (s->count.bit_flips++; flips > 0 && hit == DISK_FLIP_RECORD; flips--) {
		hit = disk_flip(&m->disk, false);
		s->count.bit_flips += hit != DISK_FLIP_NONE;
	}
	m->flipped = true;
	take_damage(m);
	down(m, world_chance(s, 500) ? CRASH_KILL : CRASH_POWER, world_below(s, SEC));
}

static void wipe(struct sim *s, struct machine *m)
{
	if (!may_damage(s, m))
		return;
	s->count.wipes++;
	take_damage(m);
	down(m, CRASH_POWER, world_below(s, 2 * SEC));
	m->flipped = false;
	machine_wipe(m);
}

/* --- the network -------------------------------------------------------------------------------------------------- */

static void cut(struct sim *s, const struct machine *a)
{
	uint64_t until = s->now + 20 * MS + world_below(s, world_chance(s, 300) ? 4 * SEC : 600 * MS);
	unsigned how = up_to(s, 3);              /* 0: from a, 1: to a, else both; 2, 3: some links only */

	s->count.partitions++;
	for (uint32_t b = 0; b < s->nmachines; b++) {
		if (how >= 2 && !world_chance(s, 400))
			continue;
		if (how != 1)
			s->cut_until[a->index][b] = until;
		if (how != 0)
			s->cut_until[b][a->index] = until;
	}
}

static struct machine *some_leader(struct sim *s)
{
	uint64_t id = 1 + world_below(s, s->ngroups);

	for (uint32_t i = 0; i < s->nmachines; i++) {
		struct machine *m = &s->machine[i];
		const struct group *g = m->up ? node_group(m->node, id) : NULL;

		if (g != NULL && g->px.state == PX_LEADER)
			return m;
	}
	return NULL;
}

/*
 * Cut a leader off for about as long as its lease; sometimes the others reboot meanwhile, and what they granted is on
 * no disk.
 */
static void plot(struct sim *s)
{
	const struct machine *leader = some_leader(s);
	uint64_t lease = s->options.lease_us, until = s->now + lease / 2 + world_below(s, 2 * lease);
	bool reboot = world_chance(s, 500), pause = world_chance(s, 300);

	if (leader == NULL)
		return;
	s->count.partitions++;
	for (uint32_t i = 0; i < s->nmachines; i++) {
		struct machine *m = &s->machine[i];

		s->cut_until[leader->index][i] = s->cut_until[i][leader->index] = until;
		if (m == leader)
			continue;
		if (reboot)
			down(m, world_chance(s, 500) ? CRASH_KILL : CRASH_POWER, world_below(s, 20 * MS));
	}
	if (pause)
		machine_pause(&s->machine[leader->index], lease / 2 + world_below(s, lease));
}

static void clog_links(struct sim *s, const struct machine *m)
{
	uint64_t until = s->now + world_below(s, 3 * SEC);
	bool out = world_chance(s, 600), in = !out || world_chance(s, 300);

	s->count.clogs++;
	for (uint32_t i = 0; i < s->nmachines; i++) {
		if (out)
			s->clog_until[m->index][i] = until;
		if (in)
			s->clog_until[i][m->index] = until;
	}
}

/* --- one fault ---------------------------------------------------------------------------------------------------- */

static uint64_t downtime(struct sim *s)
{
	return world_below(s, world_chance(s, 300) ? 3 * SEC : 100 * MS);
}

static void stop(struct sim *s, struct machine *m)
{
	if (!m->up || m->stopping || machine_paused(m))
		return;
	s->count.clean_stops++;
	machine_stop(m);
}

static void pause_some(struct sim *s, struct machine *m)
{
	uint64_t us;

	if (!m->up)
		return;
	s->count.pauses++;
	us = world_chance(s, 50) ? 30 * SEC : world_chance(s, 300) ? 3 * SEC : 600 * MS;
	machine_pause(m, 100 * MS + world_below(s, us));
}

static void blackout(struct sim *s)
{
	s->count.blackouts++;
	for (uint32_t i = 0; i < s->nmachines; i++)
		down(&s->machine[i], CRASH_POWER, downtime(s));
}

static void carry_out(struct sim *s, enum fault f, struct machine *m)
{
	switch (f) {
	case KILL:
		down(m, CRASH_KILL, downtime(s));
		break;
	case POWER:
		down(m, CRASH_POWER, downtime(s));
		break;
	case BLACKOUT:
		if (world_chance(s, 200))
			blackout(s);
		break;
	case MID_STEP:
		if (m->up)
			m->sends_left = world_below(s, 40);
		break;
	case STOP:
		stop(s, m);
		break;
	case PAUSE:
		pause_some(s, m);
		break;
	case PARTITION:
		cut(s, m);
		break;
	case PLOT:
		plot(s);
		break;
	case CLOG:
		clog_links(s, m);
		break;
	case DISK_ERROR:
		m->disk.fail_in = 1 + world_below(s, 20);
		break;
	case STORE_ERROR:
		if (m->up)
			store_mem_fail_next(m->store);
		break;
	case SLOW_DISK:
		s->count.slow_disks++;
		m->disk.slow_until = s->now + world_below(s, 2 * SEC);
		break;
	case FLIP:
		flip(s, m);
		break;
	case WIPE:
		wipe(s, m);
		break;
	case HANDOFF:
		admin_lead(s, up_to(s, s->ngroups - 1));
		break;
	case MOVE:
		/*
		 * A member that turns out to be lost while a new one is on its way stops the group for good: the new
		 * one, which does not exist before its configuration is chosen, cannot help to choose it.
		 */
		if (s->nmachines > 3 && (s->phase == PHASE_UNLIMITED || may_damage(s, NULL)))
			admin_move(s, up_to(s, s->ngroups - 1));
		break;
	case CLOCK:
		s->count.clock_jumps++;
		m->wall_skew += (int64_t)world_below(s, 7200ull * SEC) - 3600 * (int64_t)SEC;
		break;
	case FAULTS:
		break;
	}
}

/* In the middle of a burst: a new leader then inherits more than a promise has room for. */
static void strike(struct sim *s)
{
	static const enum fault faults[] = { KILL, POWER, PARTITION, PLOT, PAUSE, MID_STEP };
	struct machine *m = some_leader(s);

	if (m != NULL)
		carry_out(s, faults[world_below(s, sizeof faults / sizeof *faults)], m);
}

void chaos_fault(struct sim *s, bool at_leader)
{
	struct machine *m = world_chance(s, s->k.leader_permille) ? some_leader(s) : NULL;
	unsigned total = 0, at;

	if (!at_leader)
		world_at(s, s->now + world_spread(s, s->k.fault_us), (struct sim_event){ .kind = SIM_FAULT });
	if (s->phase != PHASE_REPAIRABLE && s->phase != PHASE_UNLIMITED)
		return;
	if (at_leader) {
		strike(s);
		return;
	}
	if (m == NULL)
		m = &s->machine[world_below(s, s->nmachines)];
	for (unsigned i = 0; i < FAULTS; i++)
		total += s->k.weight[i];
	at = (unsigned)world_below(s, total > 0 ? total : 1);
	for (unsigned i = 0; i < FAULTS; i++) {
		if (at < s->k.weight[i]) {
			carry_out(s, (enum fault)i, m);
			return;
		}
		at -= s->k.weight[i];
	}
}

void chaos_heal(struct sim *s)
{
	s->k.loss_permille = s->k.duplicate_permille = s->k.client_loss_permille = s->k.far_permille = 0;
	s->k.sync_us = s->k.store_us = s->k.delay_us = MS;
	for (uint32_t i = 0; i < s->nmachines; i++) {
		struct machine *m = &s->machine[i];

		for (uint32_t k = 0; k < s->nmachines; k++)
			s->cut_until[i][k] = s->clog_until[i][k] = 0;
		m->disk.fail_in = m->disk.slow_until = 0;
		m->sends_left = SIM_NEVER;
		machine_resume(m);
		if (!m->up)
			world_at(s, s->now + MS,
				 (struct sim_event){ .kind = SIM_START, .machine = i, .life = m->life });
	}
}

void chaos_unleash(struct sim *s)
{
	roll_faults(s);
}

void chaos_depose(struct sim *s)
{
	struct machine *m = some_leader(s);

	if (m != NULL)
		down(m, CRASH_KILL, 2 * s->options.lease_us);
}

/* Where faults leave the clients no time to get anything done, there are fewer of them in the end. */
void chaos_calm(struct sim *s, unsigned degree)
{
	if (degree <= s->k.calm)
		return;
	s->k.calm = degree;
	s->k.fault_us *= 2;
	s->k.loss_permille /= 2;
}
