/*
 * Source: DESIGN, D9; ATC'22 paper, section 3.  memds is asked for every request, hit or miss, so that its load follows the
 * requests and never the miss rate; the answer to a hit's question freshens the cache.
 */
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "log.h"
#include "mem.h"
#include "router.h"

#define LOOKUP_MS 2000
#define MISS_RETRY_MS_MIN 5                      /* while memds is down or its map is not complete; twice as long each time */
#define MISS_RETRY_MS_MAX 100

struct route_table *route_hold(struct route_table *t)
{
	t->refs++;
	return t;
}

static void free_parts(struct route_table *t)
{
	for (size_t i = 0; i < t->nparts; i++) {
		free((void *)t->part[i].low.p);
		free((void *)t->part[i].high.p);
	}
	free(t->part);
	t->part = NULL;
	t->nparts = 0;
}

void route_release(struct route_table *t)
{
	if (t == NULL || --t->refs > 0)
		return;
	free_parts(t);
	index_set_fini(&t->indexes);
	table_fini(&t->table);
	free(t);
}

static struct route_table *find(struct router *r, struct bytes name)
{
	struct route_table *t;

	HASH_FIND(hh, r->tables, name.p, name.n, t);
	return t;
}

static void forget(struct router *r, struct route_table *t)
{
	HASH_DEL(r->tables, t);
	route_release(t);
}

struct route_table *route_cached(struct router *r, struct bytes name)
{
	return find(r, name);
}

struct route_part *route_part(const struct route_table *t, struct bytes key)
{
	size_t lo = 0, hi = t->nparts;

	while (lo < hi) {                                /* the last one whose low is not above key */
		size_t mid = lo + (hi - lo) / 2;

		if (bytes_cmp(t->part[mid].low, key) <= 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo == 0)
		return NULL;
	if (t->part[lo - 1].high.n > 0 && bytes_cmp(key, t->part[lo - 1].high) >= 0)
		return NULL;
	return &t->part[lo - 1];
}

/* --- learning ----------------------------------------------------------------------------------------------------- */

static void set_members(struct route_part *p, const struct msg_partition *m)
{
	struct bytes rest = m->members, part;

	p->ballot = m->ballot;
	p->leader = m->leader;
	p->config_slot = m->config_slot;
	p->nmembers = 0;
	while (msg_list_next(&rest, &part)) {
		struct msg_member one;

		if (msg_get_member(part, &one, MSG_VERSION) && one.role == 1 && p->nmembers < ROUTER_MEMBERS_MAX)
			p->member[p->nmembers++] = one.replica;
	}
}

static bool newer(const struct msg_partition *m, const struct route_part *p)
{
	if (m->config_slot != p->config_slot)
		return m->config_slot > p->config_slot;
	return m->ballot > p->ballot || (m->ballot == p->ballot && p->leader == 0);
}

static void insert(struct route_table *t, const struct msg_partition *m)
{
	struct route_part *p;
	size_t at = 0;

	for (size_t i = 0; i < t->nparts; i++) {
		if (t->part[i].group == m->group) {
			if (newer(m, &t->part[i]))
				set_members(&t->part[i], m);
			return;
		}
	}
	while (at < t->nparts && bytes_cmp(t->part[at].low, m->low) < 0)
		at++;
	if (at < t->nparts && bytes_eq(t->part[at].low, m->low)) {
		p = &t->part[at];                        /* another group has taken this range over */
		free((void *)p->low.p);
		free((void *)p->high.p);
	} else {
		t->part = mem_resize(t->part, (t->nparts + 1) * sizeof *t->part);
		memmove(&t->part[at + 1], &t->part[at], (t->nparts - at) * sizeof *t->part);
		t->nparts++;
		p = &t->part[at];
	}
	*p = (struct route_part){ .low = bytes_copy(m->low), .high = bytes_copy(m->high), .group = m->group };
	set_members(p, m);
}

void route_learn(struct router *r, struct route_table *t, struct bytes partition)
{
	struct msg_partition m;

	(void)r;
	if (partition.n == 0 || !msg_get_partition(partition, &m, MSG_VERSION))
		return;
	for (size_t i = 0; i < t->nparts; i++)
		if (t->part[i].group == m.group && newer(&m, &t->part[i]))
			set_members(&t->part[i], &m);
}

static struct route_node *node_of(struct router *r, uint32_t incarnation)
{
	for (size_t i = 0; i < r->nnodes; i++)
		if (r->node[i].incarnation == incarnation)
			return &r->node[i];
	return NULL;
}

static bool is_listed(struct bytes list, uint32_t incarnation)
{
	struct bytes part;
	struct msg_node m;

	while (msg_list_next(&list, &part))
		if (msg_get_node(part, &m, MSG_VERSION) && m.incarnation == incarnation && !m.retired)
			return true;
	return false;
}

static void add_node(struct router *r, const struct msg_node *m)
{
	char *addr = mem_copy(m->addr.p, m->addr.n);
	struct net_peer *peer = net_dial(r->net, addr, NULL, NULL);

	if (peer == NULL)
		free(addr);
	else
		r->node[r->nnodes++] = (struct route_node){ m->incarnation, addr, peer };
}

/* The list is whole: a node that is not in it, such as the former life of one that was wiped, is gone. */
static void learn_nodes(struct router *r, uint64_t version, struct bytes list)
{
	struct bytes rest = list, part;
	struct msg_node m;

	r->nodes_version = version;
	for (size_t i = r->nnodes; i-- > 0;) {
		if (is_listed(list, r->node[i].incarnation))
			continue;
		net_hangup(r->node[i].peer);
		free(r->node[i].addr);
		r->node[i] = r->node[--r->nnodes];
	}
	while (msg_list_next(&rest, &part))
		if (msg_get_node(part, &m, MSG_VERSION) && !m.retired && node_of(r, m.incarnation) == NULL && r->nnodes < ROUTER_NODES_MAX)
			add_node(r, &m);
}

struct net_peer *route_peer(const struct router *r, uint32_t replica)
{
	for (size_t i = 0; i < r->nnodes; i++)
		if (r->node[i].incarnation == replica)
			return net_is_up(r->node[i].peer) && net_peer_incarnation(r->node[i].peer) == replica ? r->node[i].peer : NULL;
	return NULL;
}

/* Puts an answer of memds into the cache; returns the table as it stands then. */
static struct route_table *learn(struct router *r, struct bytes name, const struct msg_route *m)
{
	struct route_table *t = find(r, name);
	struct bytes rest = m->partitions, part;

	if (m->nodes.n > 0)
		learn_nodes(r, m->nodes_version, m->nodes);
	if (m->result == RESULT_NO_TABLE && t != NULL) {
		forget(r, t);
		t = NULL;
	}
	if (m->result != RESULT_OK)
		return NULL;
	if (m->definition.n > 0 && (t == NULL || m->table_version > t->version)) {
		struct route_table *fresh = mem_new(sizeof *fresh);

		fresh->refs = 1;
		fresh->version = m->table_version;
		if (!table_init(&fresh->table, m->definition) || !bytes_eq(fresh->table.name, name) ||
		    !index_set_init(&fresh->indexes, m->definition)) {
			log_err("memds sent a definition that cannot be read");
			route_release(fresh);
			return NULL;
		}
		if (fresh->indexes.n == 0)
			index_set_fini(&fresh->indexes);         /* most tables have none, and it is not small */
		if (t != NULL)
			forget(r, t);
		else if (HASH_COUNT(r->tables) >= ROUTER_TABLES_MAX)
			forget(r, r->tables);            /* the one learnt first */
		t = fresh;
		HASH_ADD_KEYPTR(hh, r->tables, t->table.name.p, t->table.name.n, t);
	}
	if (t != NULL && m->table_version != t->version)         /* the answer to an older question */
		return t;
	while (t != NULL && msg_list_next(&rest, &part)) {
		struct msg_partition p;

		if (msg_get_partition(part, &p, MSG_VERSION))
			insert(t, &p);
	}
	return t;
}

/* --- asking ------------------------------------------------------------------------------------------------------- */

struct asking {
	struct router *r;
	struct bytes name, key;                  /* owned */
	uint64_t deadline_ms, pause_ms;
	void (*done)(void *arg, enum result, struct route_table *t);  /* NULL: nobody waits */
	void *arg;
	uv_timer_t again;
};

static void ask(struct asking *a);

static void closed(uv_handle_t *h)
{
	struct asking *a = h->data;

	free((void *)a->name.p);
	free((void *)a->key.p);
	free(a);
}

static void finish(struct asking *a, enum result result, struct route_table *t)
{
	if (a->done != NULL)
		a->done(a->arg, result, t);
	uv_close((uv_handle_t *)&a->again, closed);
}

static void on_again(uv_timer_t *t)
{
	ask(t->data);
}

static void later(struct asking *a)
{
	if (clock_ms() >= a->deadline_ms) {
		finish(a, RESULT_UNAVAILABLE, NULL);
		return;
	}
	a->pause_ms = a->pause_ms == 0 ? MISS_RETRY_MS_MIN : 2 * a->pause_ms < MISS_RETRY_MS_MAX ? 2 * a->pause_ms : MISS_RETRY_MS_MAX;
	uv_timer_start(&a->again, on_again, a->pause_ms, 0);
}

static void on_route(void *arg, enum net_outcome outcome, unsigned type, struct bytes body)
{
	struct asking *a = arg;
	struct route_table *t;
	struct msg_route m;

	if (outcome != NET_ANSWERED || type != MSG_route || !msg_get_route(body, &m, MSG_VERSION) || m.result == RESULT_NOT_READY) {
		later(a);
		return;
	}
	t = learn(a->r, a->name, &m);
	if (t != NULL)
		finish(a, RESULT_OK, t);
	else if (m.result == RESULT_NO_TABLE)
		finish(a, RESULT_NO_TABLE, NULL);
	else
		later(a);
}

/* A refreshing question's answer: the table's name comes back in the cache entry it was asked for. */
struct refreshing {
	struct router *r;
	struct route_table *t;
};

static void on_refreshed(void *arg, enum net_outcome outcome, unsigned type, struct bytes body)
{
	struct refreshing *f = arg;
	struct msg_route m;

	if (outcome == NET_ANSWERED && type == MSG_route && msg_get_route(body, &m, MSG_VERSION) && m.result != RESULT_NOT_READY)
		learn(f->r, f->t->table.name, &m);
	route_release(f->t);
	free(f);
}

static void put_lookup(struct router *r, struct buf *b, struct bytes name, struct bytes key, uint64_t version, uint16_t limit)
{
	metrics_add(&r->metrics.lookups, 1);
	msg_put_lookup(b, &(struct msg_lookup){ .table = name, .key = key, .table_version = version,
						.nodes_version = r->nodes_version, .limit = limit }, MSG_VERSION);
}

static void ask(struct asking *a)
{
	struct route_table *t = find(a->r, a->name);
	struct buf *b = net_request(a->r->memds, MSG_lookup, a->deadline_ms, on_route, a);

	if (b == NULL) {
		later(a);
		return;
	}
	put_lookup(a->r, b, a->name, a->key, t != NULL ? t->version : 0, ROUTER_PARTITIONS_ASKED);
	net_requested(a->r->memds);
}

void route_fetch(struct router *r, struct bytes name, struct bytes key, void (*done)(void *arg, enum result, struct route_table *t),
                 void *arg)
{
	route_fetch_by(r, name, key, clock_ms() + LOOKUP_MS, done, arg);
}

void route_fetch_by(struct router *r, struct bytes name, struct bytes key, uint64_t deadline_ms,
                    void (*done)(void *arg, enum result, struct route_table *t), void *arg)
{
	struct asking *a = mem_new(sizeof *a);

	metrics_add(&r->metrics.lookups_missed, 1);
	a->r = r;
	a->name = bytes_copy(name);
	a->key = bytes_copy(key);
	a->done = done;
	a->arg = arg;
	a->deadline_ms = deadline_ms;
	uv_timer_init(r->loop, &a->again);
	a->again.data = a;
	ask(a);
}

void route_refresh(struct router *r, struct route_table *t, struct bytes key)
{
	struct refreshing *f;
	struct buf *b;

	f = mem_new(sizeof *f);
	*f = (struct refreshing){ r, route_hold(t) };
	b = net_request(r->memds, MSG_lookup, clock_ms() + LOOKUP_MS, on_refreshed, f);
	if (b == NULL) {                                 /* down: the cache goes on as it is */
		route_release(t);
		free(f);
		return;
	}
	put_lookup(r, b, t->table.name, key, t->version, 1);
	net_requested(r->memds);
}

void route_init(struct router *r)
{
	r->hasher = key_hasher_new();
}

void route_fini(struct router *r)
{
	struct route_table *t, *next;

	HASH_ITER(hh, r->tables, t, next)
		forget(r, t);
	for (size_t i = 0; i < r->nnodes; i++)
		free(r->node[i].addr);
	key_hasher_free(r->hasher);
}
