#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "item_build.h"
#include "mem.h"
#include "sim.h"

#define STEPS_REPAIRABLE 13500u
#define STEPS_UNLIMITED 6000u
#define STEPS_MIN 20000u
#define STEPS_MAX 100000u                /* of either: a run that gets no further is not worth more */
#define PROPOSALS_MIN 520u
#define UNLIMITED_US (6 * SEC)
#define HEAL_US (45 * SEC)
#define VERIFY_US (10 * SEC)
#define ORPHANED_US (3 * SEC)            /* a lock is gone lock_us and that after all groups are served */

/* --- random numbers (xorshift64*) and hashes ---------------------------------------------------------------------- */

uint64_t world_random(struct sim *s)
{
	s->rng ^= s->rng >> 12;
	s->rng ^= s->rng << 25;
	s->rng ^= s->rng >> 27;
	return s->rng * 0x2545f4914f6cdd1du;
}

uint64_t world_below(struct sim *s, uint64_t n)
{
	return (world_random(s) >> 11) % n;
}

bool world_chance(struct sim *s, unsigned permille)
{
	return permille > 0 && world_below(s, 1000) < permille;
}

/* Mean about right, at most eight times as much, no floating point. */
uint64_t world_spread(struct sim *s, uint64_t mean)
{
	uint64_t v = world_below(s, mean + 1);

	while (v < 8 * mean && world_chance(s, 333))
		v += world_below(s, 3 * mean / 2 + 1);
	return v + 1;
}

uint64_t world_hash(uint64_t h, const void *p, size_t n)
{
	const uint8_t *b = p;

	for (; n >= 8; n -= 8, b += 8) {
		h = (h ^ load_u64(b)) * 0x9fb21c651e98df25u;
		h ^= h >> 29;
	}
	for (; n > 0; n--, b++)
		h = (h ^ *b) * 0x100000001b3u;
	return h ^ h >> 32;
}

uint64_t world_lot(const struct sim *s, uint64_t what)
{
	return world_hash(world_hash(s->seed, &what, sizeof what), &what, sizeof what) >> 8;
}

/* --- events ------------------------------------------------------------------------------------------------------- */

static bool before(const struct sim_event *a, const struct sim_event *b)
{
	return a->at != b->at ? a->at < b->at : a->seq < b->seq;
}

static void sift_up(struct sim *s, size_t i)
{
	struct sim_event e = s->heap[i];

	while (i > 0 && before(&e, &s->heap[(i - 1) / 2])) {
		s->heap[i] = s->heap[(i - 1) / 2];
		i = (i - 1) / 2;
	}
	s->heap[i] = e;
}

static struct sim_event take(struct sim *s)
{
	struct sim_event first = s->heap[0], e = s->heap[--s->nheap];
	size_t i = 0;

	for (;;) {
		size_t child = 2 * i + 1;

		if (child >= s->nheap)
			break;
		if (child + 1 < s->nheap && before(&s->heap[child + 1], &s->heap[child]))
			child++;
		if (!before(&s->heap[child], &e))
			break;
		s->heap[i] = s->heap[child];
		i = child;
	}
	s->heap[i] = e;
	return first;
}

static void put(struct sim *s, struct sim_event e)
{
	if (s->nheap == s->cap) {
		s->cap = s->cap > 0 ? 2 * s->cap : 256;
		s->heap = mem_resize(s->heap, s->cap * sizeof *s->heap);
	}
	e.seq = s->seq++;
	s->heap[s->nheap] = e;
	sift_up(s, s->nheap++);
}

void world_at(struct sim *s, uint64_t at, struct sim_event e)
{
	e.at = at > s->now ? at : s->now;
	put(s, e);
}

struct sim_packet *world_packet(unsigned type, struct bytes body)
{
	struct sim_packet *p = mem_resize(NULL, sizeof *p + body.n);

	p->type = type;
	p->n = (uint32_t)body.n;
	if (body.n > 0)
		memcpy(p->body, body.p, body.n);
	return p;
}

/* --- telling ------------------------------------------------------------------------------------------------------ */

static void stamp(const struct sim *s)
{
	printf("%3llu.%06llu ", U(s->now / SEC), U(s->now % SEC));
}

void world_say(const struct sim *s, const char *fmt, ...)
{
	va_list ap;

	if (!s->trace)
		return;
	stamp(s);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
}

void world_show(const struct sim *s, const char *who, unsigned type, struct bytes body)
{
	struct buf b = { 0 };

	if (!s->trace)
		return;
	msg_print(type, body, MSG_VERSION, &b);
	stamp(s);
	printf("%s %.*s\n", who, (int)b.n, (const char *)b.p);
	buf_fini(&b);
}

void world_fail(const struct sim *s, const char *fmt, ...)
{
	va_list ap;

	fflush(stdout);
	printf("# seed %llu, step %llu, at %llu us: ", U(s->seed), U(s->steps),
	       U(s->now));
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
	main_failed(s);
}

/* --- the course of a seed ----------------------------------------------------------------------------------------- */

static void init(struct sim *s)
{
	s->rng = world_hash(0x6a09e667f3bcc909u, &s->seed, sizeof s->seed) | 1;
	for (int i = 0; i < 4; i++)
		world_random(s);
	s->build = mem_new(sizeof *s->build);
	item_build_init(s->build);
	s->now = SEC;
	s->nmachines = world_chance(s, 350) ? 5 : 3;
	s->nbases = 1 + (uint32_t)world_below(s, SIM_BASES_MAX);
	s->indexed = world_lot(s, 200) % 4 == 0;
	s->nfirst = s->indexed ? 1 + (uint32_t)(world_lot(s, 206) % 2) : 0;
	s->nshelves = s->nfirst + (s->indexed && world_lot(s, 207) % 2 == 0);
	s->ngroups = s->nbases + s->nshelves;
	s->serving = !s->indexed;
	s->nclients = 4 + (uint32_t)world_below(s, 8);
	s->nincarnations = 1;
	chaos_roll(s);
	if (s->k.burst_us > 0)
		s->nclients = 16 + (uint32_t)world_below(s, SIM_CLIENTS_MAX - 16);
	for (uint32_t i = 0; i < s->ngroups; i++)
		model_init(&s->group[i], i + 1);
	for (uint32_t i = 0; i < s->nmachines; i++) {
		struct machine *m = &s->machine[i];

		m->s = s;
		m->index = i;
		m->disk.m = m;
		m->store = store_mem_new();
		m->random = world_random(s) | 1;
		m->incarnation = admin_incarnation(s, m);
		machine_boot(m);
		world_at(s, s->now + world_below(s, 20 * MS), (struct sim_event){ .kind = SIM_START, .machine = i });
	}
	derive_init(s);
	admin_init(s);
	bank_init(s);
	for (uint32_t i = 0; i < s->nclients; i++) {
		s->client[i].index = i;
		world_at(s, s->now + 50 * MS + world_spread(s, s->k.think_us),
			 (struct sim_event){ .kind = SIM_CLIENT, .machine = i });
	}
	world_at(s, s->now + 100 * MS, (struct sim_event){ .kind = SIM_ADMIN });
	world_at(s, s->now + 300 * MS + world_spread(s, s->k.fault_us), (struct sim_event){ .kind = SIM_FAULT });
	world_at(s, s->now + 50 * MS, (struct sim_event){ .kind = SIM_PHASE });
	s->phase_at = s->now;
}

static void enter(struct sim *s, enum phase phase)
{
	static const char *const name[] = { "repairable faults", "everything heals", "everything is read",
					    "unlimited faults", "over" };

	s->phase = phase;
	s->phase_at = s->now;
	s->phase_steps = s->steps;
	world_say(s, "--- %s", name[phase]);
}

static bool all_read(struct sim *s)
{
	for (uint32_t i = 0; i < s->nclients; i++)
		if (s->client[i].op != 0 || (i < s->nbases && s->client[i].next < client_reads(s)))
			return false;
	return s->bank.ntellers == 0 || s->bank.read;
}

/* From time to time: is this part of the run over? */
static void look(struct sim *s)
{
	uint64_t steps = s->steps - s->phase_steps, us = s->now - s->phase_at;
	const char *why = "";

	world_at(s, s->now + 50 * MS, (struct sim_event){ .kind = SIM_PHASE });
	chaos_look(s);
	switch (s->phase) {
	case PHASE_REPAIRABLE:
		chaos_calm(s, (unsigned)(steps / STEPS_REPAIRABLE));
		if (steps >= STEPS_REPAIRABLE && s->count.leaders <= s->ngroups)
			chaos_depose(s);
		if ((steps >= STEPS_REPAIRABLE && s->count.proposals >= PROPOSALS_MIN &&
		     s->count.leaders > s->ngroups) || steps >= STEPS_MAX) {
			enter(s, PHASE_HEAL);
			s->bank.served_at = s->now;
			chaos_heal(s);
		}
		break;
	case PHASE_HEAL:
		if (judge_converged(s, &why)) {
			s->count.convergence_us += us;
			judge_equal(s);
			enter(s, PHASE_VERIFY);
			for (uint32_t i = 0; i < s->nclients; i++)
				s->client[i].next = 0;
			s->bank.read = false;
		} else if (us > HEAL_US)
			world_fail(s, "no convergence after everything was healed: %s", why);
		if (!judge_served(s))
			s->bank.served_at = s->now;
		if (s->now - s->bank.served_at > s->options.lock_us + ORPHANED_US && !books_settled(s, &why))
			world_fail(s, "a lock outlives its coordinator by more than it may");
		if (s->now - s->bank.served_at > ORPHANED_US && derive_fed(s) < s->now - ORPHANED_US)
			world_fail(s, "an index lags by more than it may");
		break;
	case PHASE_VERIFY:
		if (all_read(s)) {
			enter(s, PHASE_UNLIMITED);
			chaos_unleash(s);
		} else if (us > VERIFY_US)
			world_fail(s, "not everything can be read after everything was healed");
		break;
	case PHASE_UNLIMITED:
		if ((steps >= STEPS_UNLIMITED && s->steps > STEPS_MIN && us > UNLIMITED_US) || steps >= STEPS_MAX)
			enter(s, PHASE_OVER);
		break;
	case PHASE_OVER:
		break;
	}
}

static void one(struct sim *s, struct sim_event *e)
{
	switch (e->kind) {
	case SIM_MESSAGE:
	case SIM_REQUEST:
	case SIM_DISK:
	case SIM_WRITTEN:
	case SIM_STORE:
	case SIM_REPORT:
	case SIM_TICK:
	case SIM_TURN:
	case SIM_RESUME:
	case SIM_START:
		machine_event(&s->machine[e->machine], e);
		break;
	case SIM_ANSWER:
		if (e->a == ADMIN_CONN)
			admin_answer(s, e->b, e->packet->type, (struct bytes){ e->packet->body, e->packet->n });
		else if (e->a >= BANK_CONN)
			bank_answer(s, (uint32_t)(e->a - BANK_CONN), e->b, e->packet->type,
				    (struct bytes){ e->packet->body, e->packet->n });
		else
			client_answer(s, (uint32_t)e->a, e->b, e->packet->type,
				      (struct bytes){ e->packet->body, e->packet->n });
		break;
	case SIM_CLIENT:
		client_wake(s, e->machine);
		break;
	case SIM_TIMEOUT:
		client_timeout(s, e->machine, (uint32_t)e->a, (uint32_t)e->b);
		break;
	case SIM_ADMIN:
		admin_tick(s);
		break;
	case SIM_FAULT:
		chaos_fault(s, e->a != 0);
		break;
	case SIM_PHASE:
		look(s);
		break;
	case SIM_BANK:
		bank_wake(s, e->machine, (uint32_t)e->a, (uint8_t)e->b);
		break;
	case SIM_ECHO:
		bank_echo(s, (uint32_t)e->a, (uint8_t)e->machine, e->b != 0);
		break;
	}
}

void world_run(struct sim *s)
{
	init(s);
	while (s->phase != PHASE_OVER) {
		struct sim_event e = take(s);
		uint64_t mark[4] = { e.at, e.kind, e.machine, e.packet != NULL ? e.packet->type : 0 };

		s->now = e.at;
		s->steps++;
		s->hash = world_hash(s->hash, mark, sizeof mark);
		if (e.packet != NULL)
			s->hash = world_hash(s->hash, e.packet->body, e.packet->n);
		one(s, &e);
		free(e.packet);
	}
	judge_equal(s);
	s->count.steps += s->steps;
}

void world_free(struct sim *s)
{
	for (uint32_t i = 0; i < s->nmachines; i++) {
		struct machine *m = &s->machine[i];

		if (m->up)
			machine_die(m, CRASH_KILL, SIM_NEVER);
		machine_bury(m);
		disk_wipe(&m->disk);
		store_mem_free(m->store);
	}
	for (uint32_t i = 0; i < s->ngroups; i++)
		model_fini(&s->group[i]);
	bank_fini(s);
	derive_fini(s);
	for (size_t i = 0; i < s->nheap; i++)
		free(s->heap[i].packet);
	free(s->heap);
	free(s->op);
	item_build_fini(s->build);
	free(s->build);
}
