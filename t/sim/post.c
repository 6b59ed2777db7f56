/*
 * What is sent arrives later, never, twice, or out of order; between machines only, the faults of chaos.c stand in the
 * way.
 */
#include <stdio.h>

#include "sim.h"

static uint64_t delay(struct sim *s, bool *far)
{
	*far = world_chance(s, s->k.far_permille);
	return *far ? world_below(s, s->k.far_us) : 50 + world_below(s, s->k.delay_us);
}

/* In order, as a connection has it, but for a few that take another way. */
static void carry(struct machine *from, struct machine *to, uint32_t replica, unsigned type, struct bytes body)
{
	struct sim *s = from->s;
	uint64_t *last = &s->arrival[from->index][to->index], at;
	bool far;

	at = s->now + delay(s, &far);
	if (!far)
		at = *last = at > *last || *last > s->now + 2 * s->k.delay_us ? at : *last + 1;

	if (at < s->clog_until[from->index][to->index]) {
		at = s->clog_until[from->index][to->index] + world_below(s, MS);
		s->count.clogged++;
	}
	world_at(s, at, (struct sim_event){ .kind = SIM_MESSAGE, .machine = to->index, .a = replica,
					    .packet = world_packet(type, body) });
}

void post_send(struct machine *from, uint32_t replica, unsigned type, struct bytes body)
{
	struct sim *s = from->s;
	struct machine *to = machine_of(s, replica);

	s->count.messages++;
	if (s->trace) {
		char who[64];

		snprintf(who, sizeof who, "%u -> %u", from->incarnation, replica);
		world_show(s, who, type, body);
	}
	if (to == NULL)
		return;
	if (s->now < s->cut_until[from->index][to->index]) {
		s->count.cut_off++;
		return;
	}
	if (world_chance(s, s->k.loss_permille)) {
		s->count.lost++;
		return;
	}
	carry(from, to, replica, type, body);
	if (world_chance(s, s->k.duplicate_permille)) {
		s->count.duplicated++;
		carry(from, to, replica, type, body);
	}
}

/* A connection that breaks takes requests and answers with it. */
static bool broken(struct sim *s)
{
	if (!world_chance(s, s->k.client_loss_permille))
		return false;
	s->count.lost++;
	return true;
}

static void deliver(struct sim *s, struct sim_event e, unsigned type, struct bytes body)
{
	bool far;

	if (broken(s))
		return;
	e.packet = world_packet(type, body);
	world_at(s, s->now + delay(s, &far), e);
}

static const char *asker(uint64_t conn)
{
	return conn == ADMIN_CONN ? "autoadmin" : conn >= BANK_CONN ? "teller" : "client";
}

void post_request(struct sim *s, uint32_t machine, uint64_t conn, uint64_t rid, unsigned type, struct bytes body)
{
	if (s->trace) {
		char who[64];

		snprintf(who, sizeof who, "%s %llu asks machine %u:", asker(conn), U(conn), machine);
		world_show(s, who, type, body);
	}
	deliver(s, (struct sim_event){ .kind = SIM_REQUEST, .machine = machine, .a = conn, .b = rid }, type, body);
}

void post_answer(struct machine *from, uint64_t conn, uint64_t rid, unsigned type, struct bytes body)
{
	struct sim *s = from->s;

	if (s->trace) {
		char who[64];

		snprintf(who, sizeof who, "%u answers %s %llu:", from->incarnation, asker(conn), U(conn));
		world_show(s, who, type, body);
	}
	deliver(s, (struct sim_event){ .kind = SIM_ANSWER, .machine = from->index, .a = conn, .b = rid }, type, body);
}
