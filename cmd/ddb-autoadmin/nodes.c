/* Connections to the nodes, what they say of their groups, and new lives of nodes. */
#include <stdlib.h>

#include "autoadmin.h"
#include "clock.h"
#include "log.h"
#include "mem.h"

#define POLL_MS 1000
#define POLL_FAST_MS 100                         /* while something is being created or healed */
#define POLL_DEADLINE_MS 2000

struct aa_node *nodes_find(struct aa *a, uint32_t incarnation)
{
	for (size_t i = 0; i < a->nnodes; i++)
		if (a->node[i]->incarnation == incarnation)
			return a->node[i];
	return NULL;
}

bool nodes_up(const struct aa_node *n)
{
	return n->peer != NULL && net_is_up(n->peer) && net_peer_incarnation(n->peer) == n->incarnation;
}

const struct aa_group_state *nodes_state(const struct aa_node *n, uint64_t group)
{
	const struct aa_group_state *s;

	HASH_FIND(hh, n->states, &group, sizeof group, s);
	return s;
}

void nodes_told_ttl(struct aa_node *n, uint64_t group, struct bytes ttl)
{
	struct aa_group_state *s;

	HASH_FIND(hh, n->states, &group, sizeof group, s);
	if (s == NULL)
		return;
	free((void *)s->ttl.p);
	s->ttl = bytes_copy(ttl);
}

static void free_state(struct aa_group_state *s)
{
	free((void *)s->ttl.p);
	free((void *)s->filled.p);
	free((void *)s->locals.p);
	free(s);
}

static void clear_states(struct aa_node *n)
{
	struct aa_group_state *s, *next;

	HASH_ITER(hh, n->states, s, next) {
		HASH_DEL(n->states, s);
		free_state(s);
	}
}

static void on_up(void *arg, bool up)
{
	struct aa_node *n = arg;

	n->known = false;
	n->polled_at = n->clean_at = 0;
	if (!up)
		log_info("node %s is down", n->name);
}

void nodes_dial(struct aa *a, struct aa_node *n)
{
	char *addr = daemon_addr(a->d, n->addr);

	clear_states(n);
	n->peer = net_dial(a->d->net, addr, on_up, n);
	free(addr);
}

/* --- status ------------------------------------------------------------------------------------------------------------ */

static void take_state(struct aa_node *n, const struct msg_group_state *m)
{
	struct aa_group_state *s = mem_new(sizeof *s);
	struct bytes rest = m->members, part;

	*s = (struct aa_group_state){ .group = m->group, .table = m->table, .ballot = m->ballot, .committed = m->committed,
				      .applied = m->applied, .rows = m->rows, .bytes = m->bytes, .config_slot = m->config_slot,
				      .leader = m->leader, .leading = m->leading, .ttl = bytes_copy(m->ttl), .indexes = m->indexes,
				      .filled = bytes_copy(m->filled), .locals = bytes_copy(m->locals) };
	while (s->nmembers < AA_MEMBERS_MAX && msg_list_next(&rest, &part)) {
		struct msg_member one;

		if (msg_get_member(part, &one, MSG_VERSION))
			s->member[s->nmembers++] = one.replica;
	}
	HASH_ADD(hh, n->states, group, sizeof s->group, s);
}

static void on_state(void *arg, enum net_outcome outcome, unsigned type, struct bytes body)
{
	struct aa_node *n = arg;
	struct msg_node_state m;
	struct bytes rest, part;

	n->polling = false;
	n->polled_at = clock_ms();
	if (outcome != NET_ANSWERED || type != MSG_node_state || !msg_get_node_state(body, &m, MSG_VERSION) ||
	    m.incarnation != n->incarnation)
		return;
	clear_states(n);
	n->log_bytes = m.log_bytes;
	for (rest = m.groups; msg_list_next(&rest, &part);) {
		struct msg_group_state s;

		if (msg_get_group_state(part, &s, MSG_VERSION))
			take_state(n, &s);
	}
	n->known = true;
	if (n->asked_clean)
		n->clean_at = n->asked_at;
	groups_send(n->a);
}

static void poll(struct aa_node *n)
{
	struct buf *b = net_request(n->peer, MSG_node_status, clock_ms() + POLL_DEADLINE_MS, on_state, n);

	if (b == NULL)
		return;
	msg_put_node_status(b, &(struct msg_node_status){ n->a->epoch }, MSG_VERSION);
	net_requested(n->peer);
	n->polling = true;
	n->asked_at = clock_ms();
	n->asked_clean = n->commands == 0;
}

void nodes_tick(struct aa *a)
{
	for (size_t i = 0; i < a->nnodes; i++) {
		struct aa_node *n = a->node[i];
		uint64_t every = a->creating + a->moving > 0 ? POLL_FAST_MS : POLL_MS;

		if (nodes_up(n) && !n->polling && (!n->known || clock_ms() >= n->polled_at + every))
			poll(n);
	}
}

/* --- joining ------------------------------------------------------------------------------------------------------------ */

struct joining {
	uint64_t conn, rid;
	struct aa_node like;                     /* strings owned */
};

static void joined(struct aa *a, uint64_t conn, uint64_t rid, enum result r, const char *text, uint32_t incarnation)
{
	struct buf *b = a->stopping ? NULL : net_answer(a->d->net, conn, rid, MSG_joined);

	if (b == NULL)
		return;
	msg_put_joined(b, &(struct msg_joined){ (uint16_t)r, bytes_str(text), incarnation }, MSG_VERSION);
	net_answered(a->d->net, conn);
}

static void free_joining(struct joining *j)
{
	free(j->like.name);
	free(j->like.zone);
	free(j->like.addr);
	free(j);
}

static struct aa_node *by_number(struct aa *a, uint32_t number)
{
	for (size_t i = 0; i < a->nnodes; i++)
		if (a->node[i]->number == number)
			return a->node[i];
	return NULL;
}

static bool build_join(struct aa *a, void *arg, struct cat_write *w)
{
	struct joining *j = arg;
	struct aa_node *old = by_number(a, j->like.number);
	struct aa_counters c = a->counters;

	if (old != NULL && old->attempt == j->like.attempt) {    /* it asked twice */
		joined(a, j->conn, j->rid, RESULT_OK, "", old->incarnation);
		free_joining(j);
		return false;
	}
	if ((old == NULL && a->nnodes == AA_NODES_MAX) || c.incarnation >= AA_INCARNATION_MAX) {
		joined(a, j->conn, j->rid, RESULT_LIMIT, "the cluster takes no more nodes", 0);
		free_joining(j);
		return false;
	}
	j->like.incarnation = (uint32_t)++c.incarnation;
	c.version++;
	if (old != NULL)
		state_put_node(a, w, old, true);
	state_put_node(a, w, &j->like, false);
	state_put_counters(a, w, &c);
	return true;
}

static void on_joined(struct aa *a, void *arg, enum result r)
{
	struct joining *j = arg;

	if (r == RESULT_OK) {
		a->counters.incarnation = j->like.incarnation;
		a->counters.version++;
		state_add_node(a, &j->like);
		push_nodes(a);
		log_info("node %s lives on as incarnation %u", j->like.name, j->like.incarnation);
	}
	joined(a, j->conn, j->rid, r, "the catalogue did not take it", r == RESULT_OK ? j->like.incarnation : 0);
	free_joining(j);
}

void nodes_join(struct aa *a, uint64_t conn, uint64_t rid, struct bytes body)
{
	struct msg_join m;
	struct joining *j;
	struct aa_node *old;

	if (!msg_get_join(body, &m, MSG_VERSION) || m.number == 0 || m.attempt == 0 || m.name.n == 0 || m.name.n > CLUSTER_NAME_MAX ||
	    m.zone.n == 0 || m.zone.n > CLUSTER_NAME_MAX || m.addr.n == 0 || m.addr.n > CLUSTER_ADDR_MAX) {
		joined(a, conn, rid, RESULT_INVALID, "malformed", 0);
		return;
	}
	if (!lease_active(a)) {
		joined(a, conn, rid, RESULT_NOT_READY, "no autoadmin is active yet", 0);
		return;
	}
	old = by_number(a, m.number);
	if (old != NULL && nodes_up(old) && old->attempt != m.attempt) {
		joined(a, conn, rid, RESULT_IN_USE, "that node is up", 0);
		return;
	}
	j = mem_new(sizeof *j);
	*j = (struct joining){ conn, rid, { .number = m.number, .attempt = m.attempt, .name = mem_copy(m.name.p, m.name.n),
					    .zone = mem_copy(m.zone.p, m.zone.n), .addr = mem_copy(m.addr.p, m.addr.n) } };
	if (!state_job(a, &(struct aa_job){ .build = build_join, .done = on_joined, .arg = j })) {
		joined(a, conn, rid, RESULT_OVERLOADED, "too many changes wait", 0);
		free_joining(j);
	}
}

void nodes_fini(struct aa *a)
{
	for (size_t i = 0; i < a->nnodes; i++) {
		struct aa_node *n = a->node[i];

		clear_states(n);
		free(n->name);
		free(n->zone);
		free(n->addr);
		free(n);
	}
}
