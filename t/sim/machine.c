#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "sim.h"

#define TICK_US 10000u

/* For this process: the next one will not get it. */
static void later(struct machine *m, uint64_t us, enum sim_event_kind kind)
{
	world_at(m->s, m->s->now + us, (struct sim_event){ .kind = kind, .machine = m->index, .life = m->life });
}

uint64_t machine_clock(const struct machine *m)
{
	return m->clock_at_boot + (m->s->now - m->boot_at) * m->rate / 1000;
}

void machine_boot(struct machine *m)
{
	struct sim *s = m->s;

	m->boots++;
	m->boot_at = s->now;
	m->clock_at_boot = 1 + world_below(s, world_chance(s, 500) ? 3 * SEC : 10000 * (uint64_t)SEC);
	m->rate = 950 + world_below(s, 101);
	m->wall_skew = (int64_t)world_below(s, SEC);
	snprintf(m->boot_id, sizeof m->boot_id, "%u.%u", m->index, m->boots);
}

bool machine_paused(const struct machine *m)
{
	return m->s->now < m->paused_until;
}

void machine_pause(struct machine *m, uint64_t us)
{
	struct sim *s = m->s;

	if (!m->up || machine_paused(m))
		return;
	world_say(s, "machine %u: pauses for %llu ms", m->index, U(us / MS));
	m->paused_until = s->now + us;
	later(m, us, SIM_RESUME);
}

void machine_resume(struct machine *m)
{
	m->paused_until = 0;
	for (size_t i = 0; i < m->nbacklog; i++)
		world_at(m->s, m->s->now, m->backlog[i]);
	m->nbacklog = 0;
}

static void queue(struct machine *m, struct sim_event *e)
{
	if (m->nbacklog == m->cap_backlog) {
		m->cap_backlog = m->cap_backlog > 0 ? 2 * m->cap_backlog : 64;
		m->backlog = mem_resize(m->backlog, m->cap_backlog * sizeof *m->backlog);
	}
	m->backlog[m->nbacklog++] = *e;
	e->packet = NULL;
}

static void drop_backlog(struct machine *m)
{
	for (size_t i = 0; i < m->nbacklog; i++)
		free(m->backlog[i].packet);
	free(m->backlog);
	m->backlog = NULL;
	m->nbacklog = m->cap_backlog = 0;
}

struct machine *machine_of(struct sim *s, uint32_t incarnation)
{
	struct machine *m;

	if (incarnation == 0 || incarnation >= s->nincarnations)
		return NULL;
	m = &s->machine[s->identity[incarnation].machine];
	return m->incarnation == incarnation ? m : NULL;
}

/* --- what the core gets ------------------------------------------------------------------------------------------- */

/* False: the process has died before it came to this. */
static bool alive(struct machine *m)
{
	if (m->dying != CRASH_NONE)
		return false;
	if (m->sends_left != SIM_NEVER && m->sends_left-- == 0) {
		m->s->count.mid_step_crashes++;
		machine_die(m, world_chance(m->s, 500) ? CRASH_KILL : CRASH_POWER, world_below(m->s, 500 * MS));
		return false;
	}
	return true;
}

static void env_send(void *ctx, uint32_t replica, unsigned type, struct bytes body)
{
	struct machine *m = ctx;

	if (!alive(m))
		return;
	judge_sent(m, type, body);
	for (uint32_t i = 0; replica == 0 && i < m->s->nmachines; i++)
		if (i != m->index)
			post_send(m, m->s->machine[i].incarnation, type, body);
	if (replica != 0)
		post_send(m, replica, type, body);
}

static void env_answer(void *ctx, uint64_t conn, uint64_t rid, unsigned type, struct bytes body)
{
	struct machine *m = ctx;

	if (alive(m))
		post_answer(m, conn, rid, type, body);
}

static void env_changed(void *ctx, uint64_t group)
{
	(void)ctx, (void)group;
}

static uint64_t env_random(void *ctx)
{
	struct machine *m = ctx;

	m->random ^= m->random >> 12;
	m->random ^= m->random << 25;
	m->random ^= m->random >> 27;
	return m->random * 0x2545f4914f6cdd1du;
}

uint64_t machine_wall_us(const struct machine *m)
{
	return (uint64_t)((int64_t)(SIM_WALL_S * SEC + m->s->now) + m->wall_skew);
}

static uint64_t env_wall(void *ctx)
{
	const struct machine *m = ctx;
	uint64_t us = machine_wall_us(m);

	if (us / SEC > m->s->wall_max_s)
		m->s->wall_max_s = us / SEC;
	return us;
}

static bool env_healthy(void *ctx)
{
	return disk_healthy(&((struct machine *)ctx)->disk);
}

/* --- birth and death ---------------------------------------------------------------------------------------------- */

static void store_failed(void *arg)
{
	struct machine *m = arg;

	m->s->count.store_errors++;
	machine_die(m, CRASH_KILL, world_below(m->s, 300 * MS));
}

static void no_matter(void *arg, uint64_t queued_bytes)
{
	(void)arg, (void)queued_bytes;
}

static struct node *boot_node(struct machine *m, bool *lost)
{
	const struct sim *s = m->s;
	struct node_env env = { m, env_send, env_answer, env_changed, env_random, env_wall, env_healthy };
	struct wal_options wal = { .first_bytes = s->first_bytes, .segment_bytes = s->segment_bytes,
				   .cluster = "simulated", .node = m->index + 1, .incarnation = m->incarnation,
				   .random = env_random, .random_arg = m };
	struct node_options options = s->options;
	struct wal_io io = disk_io(&m->disk);
	struct store store = store_mem_store(m->store);

	options.boot_id = m->boot_id;
	return node_new(&env, &options, &io, &wal, &store, machine_clock(m), lost);
}

void machine_start(struct machine *m)
{
	struct sim *s = m->s;
	struct store_events events;
	bool lost = false;

	assert(!m->up && m->node == NULL);
	m->life++;
	m->dying = CRASH_NONE;
	m->stopping = false;
	m->sends_left = SIM_NEVER;
	m->turn_due = m->store_due = m->report_due = false;
	memset(m->seen_chosen, 0, sizeof m->seen_chosen);
	memset(m->seen_submitted, 0, sizeof m->seen_submitted);
	memset(m->led, 0, sizeof m->led);
	memset(m->base, 0, sizeof m->base);
	s->count.restarts++;
	world_say(s, "machine %u: starts as incarnation %u", m->index, m->incarnation);
	m->node = boot_node(m, &lost);
	if (lost || m->node == NULL) {
		node_free(m->node);
		m->node = NULL;
		disk_crash(&m->disk, CRASH_KILL);
		store_mem_crash(m->store, NULL, NULL);
		chaos_recovered(m, lost);
		later(m, 10 * MS + world_below(s, 300 * MS), SIM_START);
		return;
	}
	events = node_store_events(m->node);
	events.progress = no_matter;
	store_mem_events(m->store, &events, store_failed, m);
	store_mem_checkpoint_every(m->store, s->checkpoint_every);
	m->up = true;
	chaos_recovered(m, false);
	judge_started(m);
	admin_bootstrap(m);
	later(m, 0, SIM_TICK);
	if (m->dying != CRASH_NONE)
		machine_bury(m);
}

void machine_die(struct machine *m, enum crash how, uint64_t down_us)
{
	if (m->dying != CRASH_NONE)
		return;
	m->dying = how;
	m->down_us = down_us;
}

static unsigned survivors(void *arg, uint64_t group, unsigned n)
{
	(void)group;
	return (unsigned)world_below(arg, n + 1);
}

void machine_bury(struct machine *m)
{
	struct sim *s = m->s;

	if (m->dying == CRASH_NONE)
		return;
	world_say(s, "machine %u: %s", m->index, m->dying == CRASH_POWER ? "loses power" : "its process ends");
	disk_crash(&m->disk, m->dying);
	s->count.snapshots += node_metrics(m->node)->snapshots_got.v;
	s->count.tx_recovered += node_metrics(m->node)->tx_recovered.v;
	node_free(m->node);
	m->node = NULL;
	store_mem_crash(m->store, m->dying == CRASH_POWER ? survivors : NULL, s);
	m->up = false;
	m->paused_until = 0;
	drop_backlog(m);
	if (m->dying == CRASH_POWER)
		machine_boot(m);
	m->dying = CRASH_NONE;
	if (m->down_us != SIM_NEVER)
		later(m, m->down_us, SIM_START);
}

void machine_retire(struct machine *m)
{
	struct sim *s = m->s;

	s->identity[m->incarnation].retired = true;
	m->incarnation = admin_incarnation(s, m);
	world_say(s, "machine %u: is incarnation %u from now on", m->index, m->incarnation);
}

void machine_wipe(struct machine *m)
{
	assert(!m->up);
	world_say(m->s, "machine %u: wiped", m->index);
	disk_wipe(&m->disk);
	store_mem_wipe(m->store);
#ifdef MUTANT_WIPED_VOTES_AGAIN
	/* Judged by what comes of it alone. */
	memset(m->s->identity[m->incarnation].word, 0, sizeof m->s->identity[m->incarnation].word);
	return;
#endif
	machine_retire(m);
}

/* --- events ------------------------------------------------------------------------------------------------------- */

static void on_tick(struct machine *m)
{
	struct sim *s = m->s;

	later(m, TICK_US + world_below(s, TICK_US), SIM_TICK);
	node_tick(m->node, machine_clock(m));
	if (m->stopping && node_stopped(m->node))
		machine_die(m, CRASH_KILL, world_below(s, 500 * MS));
}

static void dispatch(struct machine *m, struct sim_event *e)
{
	struct bytes body = e->packet != NULL ? (struct bytes){ e->packet->body, e->packet->n } : BYTES_NONE;

	switch (e->kind) {
	case SIM_MESSAGE:
		if (e->a == m->incarnation)
			node_message(m->node, e->packet->type, body, machine_clock(m));
		break;
	case SIM_REQUEST:
		node_request(m->node, e->a, e->b, e->packet->type, body, machine_clock(m));
		break;
	case SIM_WRITTEN:
		wal_written(node_wal(m->node));
		node_written(m->node, machine_clock(m));
		break;
	case SIM_REPORT:
		m->report_due = false;
		store_mem_poll(m->store);
		break;
	case SIM_TICK:
		on_tick(m);
		break;
	default:
		break;
	}
}

/* The end of a turn may come at once, or after more events. */
static void end_turn(struct machine *m, bool due)
{
	struct sim *s = m->s;

	if (due)
		m->turn_due = false;
	if (m->turn_due)
		return;
	if (!due && world_chance(s, s->k.turn_permille)) {
		m->turn_due = true;
		later(m, world_below(s, 400), SIM_TURN);
		return;
	}
	node_flush(m->node, machine_clock(m));
}

static void schedule(struct machine *m)
{
	struct sim *s = m->s;

	if (!m->store_due && store_mem_waiting(m->store) > 0) {
		m->store_due = true;
		later(m, world_spread(s, s->k.store_us), SIM_STORE);
	}
	if (!m->report_due && store_mem_unreported(m->store) > 0) {
		m->report_due = true;
		later(m, world_below(s, 500), SIM_REPORT);
	}
}

/* What is for this process and not for the next one. */
static bool personal(enum sim_event_kind kind)
{
	return kind != SIM_MESSAGE && kind != SIM_REQUEST;
}

static void settle(struct machine *m)
{
	if (m->dying != CRASH_NONE)
		machine_bury(m);
	else
		schedule(m);
}

void machine_stop(struct machine *m)
{
	m->stopping = true;
	node_stop(m->node, machine_clock(m));
	end_turn(m, false);
	judge_step(m);
	settle(m);
}

void machine_event(struct machine *m, struct sim_event *e)
{
	struct sim *s = m->s;

	if (e->kind == SIM_START) {
		if (!m->up && e->life == m->life)
			machine_start(m);
		return;
	}
	if (!m->up || (personal(e->kind) && e->life != m->life))
		return;
	if (e->kind == SIM_DISK) {
		disk_done(&m->disk);
		later(m, world_below(s, 100), SIM_WRITTEN);
		return;
	}
	if (e->kind == SIM_RESUME) {
		if (s->now >= m->paused_until)
			machine_resume(m);
		return;
	}
	if (machine_paused(m)) {
		queue(m, e);
		return;
	}
	if (e->kind == SIM_STORE) {
		m->store_due = false;
		store_mem_step(m->store);
	} else {
		dispatch(m, e);
		if (m->dying == CRASH_NONE)
			end_turn(m, e->kind == SIM_TURN);
		judge_step(m);
	}
	settle(m);
}
