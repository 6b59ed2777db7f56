/* Source: DESIGN, D4: leases are renewed per pair of nodes, however many groups they share. */
#include <assert.h>
#include <stdlib.h>

#include "core.h"
#include "log.h"

#define LEASE_US_MAX 60000000u

static struct beat_peer *find(struct node *n, uint32_t replica)
{
	for (uint32_t i = 0; i < n->leases.n; i++)
		if (n->peer[i].replica == replica)
			return &n->peer[i];
	return NULL;
}

static struct px_lease *lease_of(struct node *n, const struct beat_peer *p)
{
	return &n->lease[p - n->peer];
}

void beat_members(struct node *n, const struct px_config *c)
{
	for (uint32_t i = 0; i < c->n; i++) {
		uint32_t replica = c->m[i].replica;

		if (replica == n->self || find(n, replica) != NULL)
			continue;
		if (n->leases.n == CORE_PEERS_MAX) {
			log_err("more than %d peers: replica %u gets no heartbeats", CORE_PEERS_MAX, replica);
			continue;
		}
		n->peer[n->leases.n] = (struct beat_peer){ .replica = replica };
		n->lease[n->leases.n] = (struct px_lease){ .replica = replica };
		n->leases.n++;
	}
}

/* Independent of order; a group and its ballot are mixed by multiplication with odd constants (splitmix64). */
static uint64_t mix(uint64_t group, uint64_t ballot)
{
	uint64_t x = group * 0x9e3779b97f4a7c15u + ballot;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
	x = (x ^ x >> 27) * 0x94d049bb133111ebu;
	return x ^ x >> 31;
}

void beat_relist(struct node *n)
{
	n->list_dirty = true;
}

static void refresh(struct node *n)
{
	n->list_dirty = false;
	n->list_digest = 0;
	n->list_n = 0;
	for (struct group *g = n->groups; g != NULL; g = g->hh.next) {
		if (g->px.state != PX_LEADER || g->dropped)
			continue;
		n->list_digest += mix(g->id, g->px.ballot);
		/* A member that joins must say again that it covers the group: px did not know it when it said so before. */
		n->list_digest += mix(g->px.config[g->px.nconfig - 1].slot, g->id);
		n->list_n++;
	}
}

static void send_list(struct node *n, struct beat_peer *p)
{
	struct buf b = { 0 }, list = { 0 };

	for (struct group *g = n->groups; g != NULL; g = g->hh.next)
		if (g->px.state == PX_LEADER && !g->dropped)
			MSG_LIST_PUT(&list, cover, (&(struct msg_cover){ g->id, g->px.ballot }), MSG_VERSION);
	p->sent_serial = ++n->list_serial;
	p->sent_digest = n->list_digest;
	msg_put_beat_list(&b, &(struct msg_beat_list){ n->self, p->replica, p->sent_serial, p->sent_digest, buf_view(&list) },
			  MSG_VERSION);
	node_send(n, p->replica, MSG_beat_list, buf_view(&b), 0);
	buf_fini(&b);
	buf_fini(&list);
}

static void beat(struct node *n, struct beat_peer *p)
{
	struct buf b = { 0 };

	if (p->listed_serial == 0 || p->sent_digest != n->list_digest || !p->complete)
		send_list(n, p);
	p->nonce = n->env.random(n->env.ctx) | 1;
	p->nonce_at = n->now;
	msg_put_beat(&b, &(struct msg_beat){ n->self, p->replica, p->nonce, n->list_digest, n->opt.lease_us }, MSG_VERSION);
	node_send(n, p->replica, MSG_beat, buf_view(&b), 0);
	buf_fini(&b);
}

void beat_tick(struct node *n)
{
	bool changed = n->list_dirty;

	if (changed)
		refresh(n);
	if (n->list_n == 0 || (!changed && n->now < n->beat_at))
		return;
	/* A leader whose disk hangs must not keep its lease by a live network alone. */
	if (!n->env.disk_healthy(n->env.ctx))
		return;
	n->beat_at = n->now + n->opt.beat_us;
	for (uint32_t i = 0; i < n->leases.n; i++)
		beat(n, &n->peer[i]);
}

/* --- the acceptor's end ------------------------------------------------------------------------------------------- */

void beat_beat(struct node *n, struct bytes body)
{
	struct msg_beat m;
	struct beat_peer *p;
	struct buf b = { 0 };
	uint64_t serial = 0;

	if (!msg_get_beat(body, &m, MSG_VERSION) || m.to != n->self || m.lease_us > LEASE_US_MAX || (p = find(n, m.from)) == NULL)
		return;
	if (p->serial != 0 && p->digest == m.digest) {
		uint64_t until = n->now + m.lease_us + m.lease_us * n->opt.drift_permille / 1000;

		serial = p->serial;
		if (until > lease_of(n, p)->granted_until)
			lease_of(n, p)->granted_until = until;
	}
	msg_put_beaten(&b, &(struct msg_beaten){ n->self, m.from, m.nonce, serial }, MSG_VERSION);
	node_send(n, m.from, MSG_beaten, buf_view(&b), 0);
	buf_fini(&b);
}

static void uncover(struct node *n, uint32_t leader)
{
	for (struct group *g = n->groups; g != NULL; g = g->hh.next) {
		if (g->covered_by != leader)
			continue;
		px_covered(&g->px, 0, n->now);
		g->covered_by = 0;
	}
}

void beat_list(struct node *n, struct bytes body)
{
	struct msg_beat_list m;
	struct bytes rest, part;
	struct beat_peer *p;
	struct buf b = { 0 }, uncovered = { 0 };

	if (!msg_get_beat_list(body, &m, MSG_VERSION) || m.to != n->self || (p = find(n, m.from)) == NULL)
		return;
	uncover(n, m.from);
	for (rest = m.list; msg_list_next(&rest, &part);) {
		struct msg_cover c;
		struct group *g;

		if (!msg_get_cover(part, &c, MSG_VERSION))
			break;
		g = node_find(n, c.group);
		if (g != NULL && g->ready && px_consents(&g->px, c.ballot)) {
			px_covered(&g->px, c.ballot, n->now);
			g->covered_by = m.from;
		} else {
			MSG_LIST_PUT(&uncovered, cover, &c, MSG_VERSION);
		}
	}
	if (rest.n > 0) {
		metrics_add(&n->metrics.bad_messages, 1);
		uncover(n, m.from);
		p->serial = 0;
	} else {
		p->serial = m.serial;
		p->digest = m.digest;
		msg_put_beat_listed(&b, &(struct msg_beat_listed){ n->self, m.from, m.serial, buf_view(&uncovered) }, MSG_VERSION);
		node_send(n, m.from, MSG_beat_listed, buf_view(&b), 0);
	}
	buf_fini(&b);
	buf_fini(&uncovered);
}

void beat_moved(struct node *n, struct group *g)
{
	struct beat_peer *p;

	if (g->covered_by == 0 || g->px.covered == g->px.promised)
		return;
	p = find(n, g->covered_by);
	if (p != NULL)
		p->serial = 0;                           /* the next heartbeat asks for the list again */
	px_covered(&g->px, 0, n->now);
	g->covered_by = 0;
}

uint64_t beat_granted_until(const struct node *n)
{
	uint64_t until = 0;

	for (const struct group *g = n->groups; g != NULL; g = g->hh.next)
		for (uint32_t i = 0; g->covered_by != 0 && i < n->leases.n; i++)
			if (n->lease[i].replica == g->covered_by && n->lease[i].granted_until > until)
				until = n->lease[i].granted_until;
	return until > n->silent_until ? until : n->silent_until;
}

/* --- the leader's end --------------------------------------------------------------------------------------------- */

void beat_beaten(struct node *n, struct bytes body)
{
	struct msg_beaten m;
	struct beat_peer *p;
	uint64_t held;

	if (!msg_get_beaten(body, &m, MSG_VERSION) || m.to != n->self || (p = find(n, m.from)) == NULL ||
	    m.nonce != p->nonce || m.nonce == 0)
		return;                                  /* late or repeated: it confirms nothing */
	p->nonce = 0;
	if (m.serial == 0 || m.serial != p->listed_serial) {
		p->listed_serial = 0;
		return;
	}
	held = p->nonce_at + n->opt.lease_us - n->opt.lease_us * n->opt.drift_permille / 1000;
	if (held > lease_of(n, p)->held_until)
		lease_of(n, p)->held_until = held;
	for (struct group *g = n->nwaiters > 0 ? n->groups : NULL; g != NULL; g = g->hh.next)
		wait_run(n, g);
}

void beat_listed(struct node *n, struct bytes body)
{
	struct msg_beat_listed m;
	struct bytes rest, part;
	struct beat_peer *p;

	if (!msg_get_beat_listed(body, &m, MSG_VERSION) || m.to != n->self || (p = find(n, m.from)) == NULL ||
	    m.serial != p->sent_serial || p->sent_digest != n->list_digest || n->list_dirty)
		return;
	for (struct group *g = n->groups; g != NULL; g = g->hh.next)
		if (g->px.state == PX_LEADER)
			px_member_covers(&g->px, p->replica, true);
	for (rest = m.uncovered; msg_list_next(&rest, &part);) {
		struct msg_cover c;
		struct group *g;

		if (!msg_get_cover(part, &c, MSG_VERSION))
			break;
		g = node_find(n, c.group);
		if (g != NULL && g->px.state == PX_LEADER)
			px_member_covers(&g->px, p->replica, false);
	}
	p->listed_serial = m.serial;
	p->complete = m.uncovered.n == 0;
	if (rest.n == 0)
		return;
	metrics_add(&n->metrics.bad_messages, 1);
	p->listed_serial = 0;
	for (struct group *g = n->groups; g != NULL; g = g->hh.next)
		px_member_covers(&g->px, p->replica, false);
}
