/*
 * px_cluster: a group of px instances with logs, leases, clocks and a network, all of them toys: entries are ints,
 * the log is an array of records of which a prefix is durable.  Shared by px_prompt.h (stories) and px_random.c (chance).
 *
 * It checks, whenever it can: one value a slot; chosen means durable on a quorum of the configuration that governs
 * the slot; no promise is forgotten; at most one replica may serve, and it knows everything that a leader ever
 * reported chosen.
 */
#ifndef T_PX_CLUSTER_H
#define T_PX_CLUSTER_H

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dice.h"
#include "mem.h"
#include "px.h"

#define REPLICAS_MAX 24
#define SLOTS_MAX 8192
#define CONFIGS_MAX 64
#define NOOP 0
#define CONFIG_VALUE 1000000         /* value CONFIG_VALUE + k is configs[k] */
#define LEASE_US 400000
#define DRIFT_PERMILLE 100
#define BEAT_US 80000

enum record_kind { R_PROMISE, R_ENTRY };

struct record {
	enum record_kind kind;
	uint64_t ballot, slot, token;
	int value;
};

enum packet_kind { P_PX, P_BEAT, P_BEATEN, P_SNAPSHOT, P_WANT_SNAPSHOT };

struct packet {
	struct packet *next;
	enum packet_kind kind;
	uint32_t from, to;
	uint64_t due;                    /* true time */
	uint64_t token;                  /* while it waits in an outbox */
	struct px_msg m;
	uint64_t version, ballot, sent_at;      /* beats; sent_at is the sender's clock, and the nonce */
	bool covers;
	uint64_t slot;                   /* snapshot */
	struct px_config config;
	size_t n;
	struct slot_value { uint64_t ballot; int value; } v[];
};

struct replica {
	uint32_t id;
	uint8_t role;
	bool up, gone;                   /* gone: never comes back */
	uint64_t rate_permille, offset;
	struct px px;
	struct px_options options;
	struct px_leases leases;
	struct px_lease lease[REPLICAS_MAX];
	uint64_t nonce[REPLICAS_MAX];    /* of our last heartbeat to each */
	uint64_t version, listed_ballot; /* our own list: the ballot in which we lead, or 0 */
	uint64_t beat_at, tick_at;

	struct slot_value *log;          /* by slot; ballot 0: nothing */
	int *staged;                     /* by slot */
	uint64_t chosen_upto;
	struct packet *outbox;

	struct record *journal;
	size_t n, cap, durable;          /* durable: records a crash cannot take */
	uint64_t sync_due;               /* true time at which what was logged before becomes durable; 0 = idle */
	size_t sync_n;
	struct px_config genesis;        /* as created, or noted later */
	uint64_t created_promised;
	uint64_t base, committed_noted, snap_slot;      /* durable */
	struct px_config snap_config;
	uint64_t said;                   /* highest ballot promised in a message that left */
	uint64_t unknown_first, unknown_last;   /* to be told at the next start */
};

struct cluster {
	uint64_t now;                    /* true time */
	uint64_t rng, seed;
	uint32_t n;
	struct replica *r[REPLICAS_MAX];
	struct packet *net;
	struct px_actions out;
	struct px_config configs[CONFIGS_MAX];
	uint32_t nconfigs;
	int value;                       /* last one proposed */

	int chosen[SLOTS_MAX];
	uint64_t nchosen;                /* slots 1..nchosen have been reported chosen */
	uint64_t acked;                  /* highest one so reported by a leader */
	bool check_durable;

	uint64_t (*delay)(struct cluster *c, uint32_t from, uint32_t to);       /* of a packet; UINT64_MAX = lost */
	unsigned duplicates_permille;
	uint64_t leads, serves, crashes, snapshots, configured, unknowns, refused;
	bool trace;
	const char *failed;
};

static inline uint64_t rng(struct cluster *c)
{
	return dice_roll(&c->rng);
}

static inline uint64_t below(struct cluster *c, uint64_t n)
{
	return dice_below(&c->rng, n);
}

static inline bool chance(struct cluster *c, unsigned permille)
{
	return below(c, 1000) < permille;
}

static void print_replica(const struct replica *r)
{
	const struct px *px = &r->px;

	printf("#   %u: %s state %d promised %llx covered %llx base %llu committed %llu match %llu top %llu "
	       "unknown %llu..%llu", r->id, r->gone ? "gone" : r->up ? "up" : "down", px->state, (unsigned long long)px->promised,
	       (unsigned long long)px->covered,
	       (unsigned long long)px->base, (unsigned long long)px->committed, (unsigned long long)px->match,
	       (unsigned long long)px->top, (unsigned long long)px->unknown_first, (unsigned long long)px->unknown_last);
	for (uint32_t i = 0; i < px->nconfig; i++) {
		printf(" config %llu:{", (unsigned long long)px->config[i].slot);
		for (uint32_t k = 0; k < px->config[i].n; k++)
			printf(" %u", px->config[i].m[k].replica);
		printf(" }");
	}
	printf("\n");
}

static void fail(struct cluster *c, const char *what)
{
	if (c->failed != NULL)
		return;
	c->failed = what;
	printf("# seed %llu, at %llu us: %s\n", (unsigned long long)c->seed, (unsigned long long)c->now, what);
	for (uint32_t i = 0; i < c->n; i++)
		print_replica(c->r[i]);
}

static struct replica *replica(struct cluster *c, uint32_t id)
{
	for (uint32_t i = 0; i < c->n; i++)
		if (c->r[i]->id == id)
			return c->r[i];
	return NULL;
}

static uint64_t clock_of(const struct cluster *c, const struct replica *r)
{
	return r->offset + c->now * r->rate_permille / 1000;
}

static bool is_config(int value)
{
	return value >= CONFIG_VALUE;
}

static void act(struct cluster *c, struct replica *r, const struct packet *in);
static void check(struct cluster *c);

/* --- network ------------------------------------------------------------------------------------------------------ */

static uint64_t promptly(struct cluster *c, uint32_t from, uint32_t to)
{
	(void)c, (void)from, (void)to;
	return 100;
}

static struct packet *packet(enum packet_kind kind, uint32_t from, uint32_t to, size_t n)
{
	struct packet *p = mem_new(sizeof *p + n * sizeof *p->v);

	p->kind = kind;
	p->from = from;
	p->to = to;
	p->n = n;
	return p;
}

static void post_once(struct cluster *c, struct packet *p)
{
	uint64_t delay = p->from == p->to ? 0 : c->delay(c, p->from, p->to);
	struct packet **at = &c->net;

	if (delay == UINT64_MAX) {
		free(p);
		return;
	}
	p->due = c->now + delay;
	while (*at != NULL && (*at)->due <= p->due)
		at = &(*at)->next;
	p->next = *at;
	*at = p;
}

static void post(struct cluster *c, struct packet *p)
{
	if (chance(c, c->duplicates_permille)) {
		struct packet *twin = packet(p->kind, p->from, p->to, p->n);

		memcpy(twin, p, sizeof *p + p->n * sizeof *p->v);
		post_once(c, twin);
	}
	post_once(c, p);
}

static void leave(struct cluster *c, struct replica *r, struct packet *p)
{
	if (p->kind == P_PX && p->m.ok && (p->m.type == PX_PROMISE || p->m.type == PX_ACCEPTED) && p->m.ballot > r->said)
		r->said = p->m.ballot;
	post(c, p);
}

/* --- durability --------------------------------------------------------------------------------------------------- */

static void log_record(struct replica *r, enum record_kind kind, uint64_t ballot, uint64_t slot, int value,
                       uint64_t token)
{
	if (r->n == r->cap) {
		r->cap = r->cap == 0 ? 256 : 2 * r->cap;
		r->journal = mem_resize(r->journal, r->cap * sizeof *r->journal);
	}
	r->journal[r->n++] = (struct record){ kind, ballot, slot, token, value };
	if (kind == R_ENTRY)
		r->log[slot] = (struct slot_value){ ballot, value };
}

/* The first n records are on disk now. */
static void synced(struct cluster *c, struct replica *r, size_t n)
{
	struct packet **at = &r->outbox, *ready = NULL, **tail = &ready;
	uint64_t token = r->px.durable;

	for (size_t i = r->durable; i < n; i++)
		if (r->journal[i].token > token)
			token = r->journal[i].token;
	r->durable = n;
	while (*at != NULL) {
		struct packet *p = *at;

		if (p->token > token) {
			at = &p->next;
			continue;
		}
		*at = p->next;
		p->next = NULL;
		*tail = p;
		tail = &p->next;
	}
	while (ready != NULL) {
		struct packet *p = ready;

		ready = p->next;
		leave(c, r, p);
	}
	px_persisted(&r->px, token, clock_of(c, r), &c->out);
	act(c, r, NULL);
}

static inline void sync_all(struct cluster *c, struct replica *r)
{
	synced(c, r, r->n);
}

/* --- what px asks for --------------------------------------------------------------------------------------------- */

static void config_at(const struct cluster *c, int value, uint64_t slot, struct px_config *out)
{
	*out = c->configs[value - CONFIG_VALUE];
	out->slot = slot;
}

static void send_px(struct cluster *c, struct replica *r, const struct px_action *a)
{
	struct px_msg m = a->msg;
	bool entries = (m.type == PX_ACCEPT || (m.type == PX_PROMISE && m.ok)) && m.last >= m.first;

	do {
		uint64_t last = m.first - 1;
		struct packet *p;

		for (; entries && last < a->msg.last; last++)
			if (last >= m.first && is_config(r->log[last].value) && r->log[last].ballot != 0)
				break;
		if (!entries)
			last = m.last;
		p = packet(P_PX, r->id, m.to, entries ? last - m.first + 1 : 0);
		p->m = m;
		p->m.last = last;
		for (size_t i = 0; i < p->n; i++) {
			p->v[i] = r->log[m.first + i];
			assert(m.type == PX_PROMISE || p->v[i].ballot != 0);
			assert(m.type == PX_PROMISE || m.first >= r->px.base);
		}
		p->token = a->token;
		if (a->token <= r->px.durable) {
			leave(c, r, p);
		} else {
			struct packet **at = &r->outbox;

			while (*at != NULL)
				at = &(*at)->next;
			*at = p;
		}
		m.first = last + 1;
	} while (entries && m.type == PX_ACCEPT && m.first <= a->msg.last);
}

static void governing(const struct cluster *c, uint64_t slot, struct px_config *out)
{
	config_at(c, CONFIG_VALUE, 0, out);
	for (uint64_t s = 1; s < slot && s <= c->nchosen; s++)
		if (is_config(c->chosen[s]))
			config_at(c, c->chosen[s], s, out);
}

static bool durable_on(struct cluster *c, const struct replica *r, uint64_t slot)
{
	for (size_t i = r->durable; i-- > 0;)
		if (r->journal[i].kind == R_ENTRY && r->journal[i].slot == slot)
			return r->journal[i].value == c->chosen[slot];
	return r->snap_slot >= slot;
}

static void newly_chosen(struct cluster *c, const struct replica *r, uint64_t slot)
{
	struct px_config g;
	uint32_t votes = 0;

	c->chosen[slot] = r->log[slot].value;
	c->nchosen = slot;
	if (!c->check_durable)
		return;
	governing(c, slot, &g);
	for (uint32_t i = 0; i < g.n; i++)
		votes += replica(c, g.m[i].replica) != NULL && durable_on(c, replica(c, g.m[i].replica), slot);
	if (votes < g.n / 2 + 1)
		fail(c, "chosen without a durable quorum");
}

static void chosen(struct cluster *c, struct replica *r, uint64_t last)
{
	for (uint64_t s = r->chosen_upto + 1; s <= last; s++) {
		if (r->log[s].ballot == 0)
			fail(c, "chosen, but not there");
		else if (s == c->nchosen + 1)
			newly_chosen(c, r, s);
		else if (c->chosen[s] != r->log[s].value)
			fail(c, "two values chosen in one slot");
	}
	if (last > r->chosen_upto)
		r->chosen_upto = last;
	if (r->px.state == PX_LEADER && last > c->acked)
		c->acked = last;
}

static void send_snapshot(struct cluster *c, struct replica *r, uint32_t to)
{
	struct packet *p = packet(P_SNAPSHOT, r->id, to, 0);

	p->slot = r->chosen_upto;
	p->config = r->px.config[0];
	c->snapshots++;
	post(c, p);
}

static void do_action(struct cluster *c, struct replica *r, const struct px_action *a, const struct packet *in)
{
	switch (a->type) {
	case PX_DO_PERSIST_PROMISE:
		log_record(r, R_PROMISE, a->ballot, 0, 0, a->token);
		break;
	case PX_DO_PERSIST_ENTRIES:
		for (uint64_t s = a->first; s <= a->last; s++) {
			bool accept = in != NULL && in->kind == P_PX && in->m.type == PX_ACCEPT;

			log_record(r, R_ENTRY, a->ballot, s, accept ? in->v[s - in->m.first].value : r->staged[s], a->token);
		}
		break;
	case PX_DO_LEARN:
		for (uint64_t s = a->first; s <= a->last; s++)
			log_record(r, R_ENTRY, in->v[s - in->m.first].ballot, s, in->v[s - in->m.first].value, a->token);
		break;
	case PX_DO_SEND:
		send_px(c, r, a);
		break;
	case PX_DO_STAGE:
		r->staged[a->first] = in->v[a->first - in->m.first].value;
		break;
	case PX_DO_STAGE_NOOP:
		r->staged[a->first] = NOOP;
		break;
	case PX_DO_CHOSEN:
		chosen(c, r, a->last);
		break;
	case PX_DO_FOLLOW:
		break;
	case PX_DO_LEAD:
		c->leads++;
		break;
	case PX_DO_READY:
		break;
	case PX_DO_SNAPSHOT:
		if (r->px.state == PX_LEADER || r->px.state == PX_PREPARING)
			send_snapshot(c, r, a->replica);
		else
			post(c, packet(P_WANT_SNAPSHOT, r->id, a->replica, 0));
		break;
	case PX_DO_CONFIG:
		c->configured++;
		break;
	}
}

static void relist(struct cluster *c, struct replica *r)
{
	uint64_t ballot = r->px.state == PX_LEADER ? r->px.ballot : 0;

	if (ballot == r->listed_ballot)
		return;
	r->listed_ballot = ballot;
	r->version++;
	r->beat_at = c->now;
}

static void act(struct cluster *c, struct replica *r, const struct packet *in)
{
	if (c->trace)
		for (size_t i = 0; i < c->out.n; i++) {
			const struct px_action *a = &c->out.v[i];

			printf("%8llu %u: action %d ballot %llx %llu..%llu token %llu", (unsigned long long)c->now, r->id, a->type,
			       (unsigned long long)a->ballot, (unsigned long long)a->first, (unsigned long long)a->last,
			       (unsigned long long)a->token);
			if (a->type == PX_DO_SEND)
				printf(" msg %d to %u ballot %llx ok %d healthy %d gap %d %llu..%llu match %llu committed %llu top %llu",
				       a->msg.type, a->msg.to, (unsigned long long)a->msg.ballot, a->msg.ok, a->msg.healthy, a->msg.gap,
				       (unsigned long long)a->msg.first, (unsigned long long)a->msg.last,
				       (unsigned long long)a->msg.match, (unsigned long long)a->msg.committed,
				       (unsigned long long)a->msg.top);
			printf("\n");
		}
	/* do_action never calls px, so c->out stays as it is. */
	for (size_t i = 0; i < c->out.n; i++)
		do_action(c, r, &c->out.v[i], in);
	c->out.n = 0;
	px_check(&r->px);
	relist(c, r);
}

static void flush(struct cluster *c, struct replica *r, bool commits)
{
	px_flush(&r->px, clock_of(c, r), commits, &c->out);
	act(c, r, NULL);
}

/* --- leases ------------------------------------------------------------------------------------------------------- */

static struct px_lease *lease_to(struct replica *r, uint32_t other)
{
	for (uint32_t i = 0; i < r->leases.n; i++)
		if (r->lease[i].replica == other)
			return &r->lease[i];
	assert(r->leases.n < REPLICAS_MAX);
	r->lease[r->leases.n] = (struct px_lease){ .replica = other };
	return &r->lease[r->leases.n++];
}

static void beat(struct cluster *c, struct replica *r)
{
	for (uint32_t i = 0; i < c->n; i++) {
		struct packet *p;

		if (c->r[i] == r)
			continue;
		p = packet(P_BEAT, r->id, c->r[i]->id, 0);
		p->version = r->version;
		p->ballot = r->listed_ballot;
		p->sent_at = r->nonce[p->to % REPLICAS_MAX] = clock_of(c, r);
		post(c, p);
	}
}

static void on_beat(struct cluster *c, struct replica *r, const struct packet *p)
{
	uint64_t now = clock_of(c, r);
	struct packet *answer = packet(P_BEATEN, r->id, p->from, 0);

	answer->version = p->version;
	answer->sent_at = p->sent_at;
	answer->covers = p->ballot != 0 && px_consents(&r->px, p->ballot);
	if (answer->covers)
		px_covered(&r->px, p->ballot, now);
	else if (PX_BALLOT_REPLICA(r->px.covered) == p->from)
		px_covered(&r->px, 0, now);
	lease_to(r, p->from)->granted_until = now + LEASE_US / 1000 * (1000 + DRIFT_PERMILLE);
	if (c->trace)
		printf("%8llu %u: grants to %u, for list %llu with ballot %llx, covered: %d\n", (unsigned long long)c->now,
		       r->id, p->from, (unsigned long long)p->version, (unsigned long long)p->ballot, answer->covers);
	post(c, answer);
}

static void on_beaten(struct replica *r, const struct packet *p)
{
	uint64_t until = p->sent_at + LEASE_US / 1000 * (1000 - DRIFT_PERMILLE);
	uint64_t *nonce = &r->nonce[p->from % REPLICAS_MAX];
	struct px_lease *l = lease_to(r, p->from);

	if (p->version != r->version || p->sent_at != *nonce)
		return;                          /* late or repeated: it confirms nothing */
	*nonce = 0;
	px_member_covers(&r->px, p->from, p->covers);
	if (until > l->held_until)
		l->held_until = until;
}

/* --- replicas ----------------------------------------------------------------------------------------------------- */

static void on_snapshot(struct cluster *c, struct replica *r, const struct packet *p)
{
	if (p->slot <= r->px.committed)
		return;
	r->snap_slot = p->slot;
	r->snap_config = p->config;
	if (r->base < p->slot + 1)
		r->base = p->slot + 1;
	if (r->chosen_upto < p->slot)
		r->chosen_upto = p->slot;
	px_installed(&r->px, p->slot, &p->config, clock_of(c, r), &c->out);
	act(c, r, NULL);
}

static void deliver(struct cluster *c, struct packet *p)
{
	struct replica *r = replica(c, p->to);
	uint64_t ballots[2 * PX_WINDOW];
	struct px_config config;

	if (r == NULL || !r->up)
		return;
	switch (p->kind) {
	case P_PX:
		assert(p->n <= 2 * PX_WINDOW);
		for (size_t i = 0; i < p->n; i++)
			ballots[i] = p->v[i].ballot;
		p->m.ballots = ballots;
		if (p->n > 0 && p->v[p->n - 1].ballot != 0 && is_config(p->v[p->n - 1].value)) {
			config_at(c, p->v[p->n - 1].value, p->m.last, &config);
			p->m.config = &config;
		}
		if (c->trace)
			printf("%8llu %u: gets msg %d from %u ballot %llx\n", (unsigned long long)c->now, r->id, p->m.type, p->m.from,
			       (unsigned long long)p->m.ballot);
		px_message(&r->px, &p->m, clock_of(c, r), rng(c), &c->out);
		act(c, r, p);
		break;
	case P_BEAT:
		on_beat(c, r, p);
		break;
	case P_BEATEN:
		on_beaten(r, p);
		break;
	case P_SNAPSHOT:
		on_snapshot(c, r, p);
		break;
	case P_WANT_SNAPSHOT:
		send_snapshot(c, r, p->from);
		break;
	}
}

static struct replica *replica_new(struct cluster *c, uint32_t id, uint8_t role, const struct px_config *genesis,
                                   uint64_t promised)
{
	struct replica *r = mem_new(sizeof *r);

	assert(c->n < REPLICAS_MAX);
	c->r[c->n++] = r;
	r->id = id;
	r->role = role;
	r->rate_permille = 1000;
	r->log = mem_new(SLOTS_MAX * sizeof *r->log);
	r->staged = mem_new(SLOTS_MAX * sizeof *r->staged);
	r->genesis = *genesis;
	r->created_promised = promised;
	r->base = 1;
	r->unknown_first = 1;
	r->options = (struct px_options){ .election_us = 60000, .retry_us = 30000, .lease_us = LEASE_US };
	return r;
}

/* What a restart finds: the durable records, replayed. */
static void recover(struct cluster *c, struct replica *r, struct px_start *s)
{
	struct px_config *config = s->config;

	memset(r->log, 0, SLOTS_MAX * sizeof *r->log);
	s->base = r->base;
	s->committed = r->committed_noted > r->snap_slot ? r->committed_noted : r->snap_slot;
	s->promised = r->created_promised;
	for (size_t i = 0; i < r->n; i++) {
		const struct record *j = &r->journal[i];

		if (j->ballot > s->promised)
			s->promised = j->ballot;
		if (j->kind == R_ENTRY && j->slot >= r->base)
			r->log[j->slot] = (struct slot_value){ j->ballot, j->value };
	}
	s->top = s->committed;
	s->nconfig = 1;
	config[0] = r->snap_config.slot > r->genesis.slot ? r->snap_config : r->genesis;
	for (uint64_t slot = r->base; slot < SLOTS_MAX; slot++) {
		if (slot >= r->unknown_first && slot <= r->unknown_last)
			r->log[slot].ballot = 0;
		if (r->log[slot].ballot == 0)
			continue;
		s->config_passed |= s->nconfig == 2 && r->log[slot].ballot >= r->log[config[1].slot].ballot;
		s->top = slot > s->top ? slot : s->top;
		if (!is_config(r->log[slot].value) || slot <= config[0].slot)
			continue;
		if (s->nconfig == 2)
			config[0] = config[1];
		config_at(c, r->log[slot].value, slot, &config[1]);
		s->nconfig = 2;
		s->config_passed = false;
	}
	if (s->nconfig == 2 && config[1].slot <= s->committed) {
		config[0] = config[1];
		s->nconfig = 1;
		s->config_passed = false;
	}
	s->unknown_first = r->unknown_first;
	s->unknown_last = r->unknown_last;
	if (s->unknown_last > s->top)
		s->top = s->unknown_last;
}

static void start(struct cluster *c, struct replica *r, bool lead, bool silent)
{
	uint64_t now = clock_of(c, r);
	struct px_start s = { .self = r->id, .role = r->role, .lead = lead };

	recover(c, r, &s);
	if (s.promised < r->said)
		fail(c, "a promise was forgotten");
	s.silent_until = silent ? now + LEASE_US / 1000 * (1000 + DRIFT_PERMILLE) : 0;
	r->leases.n = 0;
	r->leases.v = r->lease;
	r->up = true;
	r->listed_ballot = 0;
	r->version++;
	r->sync_due = 0;
	r->chosen_upto = s.committed;
	if (s.unknown_first <= s.unknown_last && s.unknown_first <= s.committed)
		r->chosen_upto = s.unknown_first - 1;
	r->unknown_first = 1;
	r->unknown_last = 0;
	r->beat_at = r->tick_at = c->now;
	memset(r->nonce, 0, sizeof r->nonce);
	if (c->trace)
		printf("%8llu %u: starts, promised %llx, committed %llu, top %llu\n", (unsigned long long)c->now, r->id,
		       (unsigned long long)s.promised, (unsigned long long)s.committed, (unsigned long long)s.top);
	px_init(&r->px, &r->options, &r->leases, &s, now, &c->out);
	act(c, r, NULL);
}

/* What is chosen, and the configuration as of then, are written down durably; all records must be durable already. */
static inline void note_state(struct replica *r)
{
	r->committed_noted = r->px.committed;
	r->genesis = r->px.config[0];
}

/* Power is cut: `kept` of the records that were not durable survive. */
static void crash(struct cluster *c, struct replica *r, size_t kept)
{
	if (c->trace)
		printf("%8llu %u: crashes\n", (unsigned long long)c->now, r->id);
	r->up = false;
	r->n = r->durable = r->durable + kept;
	while (r->outbox != NULL) {
		struct packet *p = r->outbox;

		r->outbox = p->next;
		free(p);
	}
	c->crashes++;
}

static void cluster_init(struct cluster *c, uint64_t seed)
{
	memset(c, 0, sizeof *c);
	c->seed = seed;
	c->rng = dice_seed(seed);
	for (int i = 0; i < 8; i++)
		rng(c);
	c->delay = promptly;
	c->check_durable = true;
}

/* n storage replicas 1..n; replica 1 was assigned as the first leader. */
static void cluster_start(struct cluster *c, uint32_t n)
{
	struct px_config *g = &c->configs[c->nconfigs++];

	*g = (struct px_config){ .n = n };
	for (uint32_t i = 0; i < n; i++)
		g->m[i] = (struct px_member){ i + 1, PX_STORAGE };
	for (uint32_t i = 0; i < n; i++)
		replica_new(c, i + 1, PX_STORAGE, g, PX_BALLOT(1, 1));
}

static void cluster_fini(struct cluster *c)
{
	for (uint32_t i = 0; i < c->n; i++) {
		crash(c, c->r[i], 0);
		free(c->r[i]->log);
		free(c->r[i]->staged);
		free(c->r[i]->journal);
		free(c->r[i]);
	}
	while (c->net != NULL) {
		struct packet *p = c->net;

		c->net = p->next;
		free(p);
	}
}

static enum px_verdict propose(struct cluster *c, struct replica *r, int value)
{
	struct px_config *config = is_config(value) ? &c->configs[value - CONFIG_VALUE] : NULL;
	uint64_t slot = 0;
	enum px_verdict v = px_propose(&r->px, config, clock_of(c, r), &slot, &c->out);

	if (v == PX_OK) {
		assert(slot > 0 && slot < SLOTS_MAX);
		r->staged[slot] = value;
	}
	act(c, r, NULL);
	return v;
}

static void tick(struct cluster *c, struct replica *r)
{
	px_tick(&r->px, clock_of(c, r), rng(c), &c->out);
	act(c, r, NULL);
}

static void check(struct cluster *c)
{
	struct replica *server = NULL;

	for (uint32_t i = 0; i < c->n; i++) {
		struct replica *r = c->r[i];

		if (!r->up || r->px.state != PX_LEADER || !px_may_serve(&r->px, clock_of(c, r)))
			continue;
		if (server != NULL)
			fail(c, "two replicas may serve");
		server = r;
		c->serves++;
		if (r->px.committed < c->acked)
			fail(c, "a stale read is possible");
	}
}

/* Deliver what is due. */
static void deliver_due(struct cluster *c)
{
	while (c->net != NULL && c->net->due <= c->now) {
		struct packet *p = c->net;

		c->net = p->next;
		deliver(c, p);
		free(p);
	}
}

#endif
