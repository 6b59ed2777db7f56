/*
 * Groups on nodes: what should exist is created, what belongs to a retired incarnation is replaced, what was dropped goes, and all
 * know which attribute of an item is its time to live, and which indexes they maintain.
 * Everything is decided again from what the nodes say, at every turn, so that a restart loses nothing.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "autoadmin.h"
#include "catalogue.h"
#include "clock.h"
#include "entry.h"
#include "log.h"
#include "px.h"
#include "mem.h"

#define COMMAND_MS 5000
#define RECONFIGURE_EVERY_MS 1000
#define CREATE_EVERY_MS 200
#define COMMANDS_TURN_MAX 256                    /* sent at once; the next status brings the rest */

/* Of what the nodes say, the word with the highest configuration. */
static const struct aa_group_state *newest(struct aa *a, uint64_t group)
{
	const struct aa_group_state *best = NULL;

	for (size_t i = 0; i < a->nnodes; i++) {
		const struct aa_group_state *s = nodes_state(a->node[i], group);

		if (s != NULL && (best == NULL || s->config_slot > best->config_slot))
			best = s;
	}
	return best;
}

static struct aa_node *leader_of(struct aa *a, uint64_t group)
{
	for (size_t i = 0; i < a->nnodes; i++) {
		const struct aa_group_state *s = nodes_state(a->node[i], group);

		if (s != NULL && s->leading > 0 && nodes_up(a->node[i]))
			return a->node[i];
	}
	return NULL;
}

bool groups_up(struct aa *a, const struct aa_partition *p)
{
	uint32_t up = 0;

	for (uint32_t i = 0; i < p->nmembers; i++) {
		struct aa_node *n = nodes_find(a, p->member[i]);

		up += n != NULL && nodes_state(n, p->group) != NULL;
	}
	return up > p->nmembers / 2 && leader_of(a, p->group) != NULL;
}

static void put_config(struct buf *b, const uint32_t *member, uint32_t n)
{
	struct entry_member m[ENTRY_MEMBERS_MAX];

	for (uint32_t i = 0; i < n; i++)
		m[i] = (struct entry_member){ member[i], PX_STORAGE };
	entry_put_config(b, 0, m, n);
}

/* --- commands ----------------------------------------------------------------------------------------------------------- */

static void on_done(void *arg, enum net_outcome outcome, unsigned type, struct bytes body)
{
	struct aa_node *n = arg;
	struct msg_done m;

	n->commands -= n->commands > 0;
	if (outcome != NET_ANSWERED || type != MSG_done || !msg_get_done(body, &m, MSG_VERSION))
		return;
	if (m.result == RESULT_FENCED)
		lease_doubt(n->a);
	else if (m.result != RESULT_OK)
		log_warn("node %s: %s %.*s", n->name, result_info(m.result)->name, (int)m.text.n, (const char *)m.text.p);
	n->polled_at = 0;                                /* see what it says now */
}

static bool send_create(struct aa *a, struct aa_node *n, const struct aa_partition *p, uint64_t table, uint32_t schema)
{
	const struct aa_group_state *s = newest(a, p->group);
	struct buf config = { 0 };
	struct buf *b = net_request(n->peer, MSG_group_create, clock_ms() + COMMAND_MS, on_done, n);

	if (b == NULL)
		return false;
	if (s != NULL && s->config_slot > 0)
		put_config(&config, s->member, s->nmembers);
	else
		put_config(&config, p->member, p->nmembers);
	msg_put_group_create(b, &(struct msg_group_create){
		.epoch = a->epoch, .group = p->group, .table = table, .schema = schema, .low = p->low, .high = p->high,
		.incarnation = n->incarnation, .config_slot = s != NULL ? s->config_slot : 0, .config = buf_view(&config),
		.ballot = s != NULL && s->config_slot > 0 ? 0 : p->ballot,
	}, MSG_VERSION);
	net_requested(n->peer);
	n->commands++;
	buf_fini(&config);
	return true;
}

static bool send_drop(struct aa *a, struct aa_node *n, uint64_t group)
{
	struct buf *b = net_request(n->peer, MSG_group_drop, clock_ms() + COMMAND_MS, on_done, n);

	if (b == NULL)
		return false;
	msg_put_group_drop(b, &(struct msg_group_drop){ a->epoch, group, n->incarnation }, MSG_VERSION);
	net_requested(n->peer);
	n->commands++;
	return true;
}

static bool send_ttl(struct aa *a, struct aa_node *n, uint64_t group, struct bytes ttl)
{
	struct buf *b = net_request(n->peer, MSG_group_ttl, clock_ms() + COMMAND_MS, on_done, n);

	if (b == NULL)
		return false;
	msg_put_group_ttl(b, &(struct msg_group_ttl){ a->epoch, group, n->incarnation, ttl }, MSG_VERSION);
	net_requested(n->peer);
	n->commands++;
	nodes_told_ttl(n, group, ttl);
	return true;
}

/* The leader is asked to put the new life of a node in its old one's place; one member at a time. */
static void replace(struct aa *a, struct aa_partition *p, const struct aa_group_state *s, uint32_t at, struct aa_node *new)
{
	struct aa_node *leader = leader_of(a, p->group);
	uint32_t member[AA_MEMBERS_MAX];
	struct buf config = { 0 };
	struct buf *b;

	if (leader == NULL || clock_ms() < p->asked_at + RECONFIGURE_EVERY_MS)
		return;
	p->asked_at = clock_ms();
	b = net_request(leader->peer, MSG_group_config, clock_ms() + COMMAND_MS, on_done, leader);
	if (b == NULL)
		return;
	memcpy(member, s->member, sizeof member);
	member[at] = new->incarnation;
	put_config(&config, member, s->nmembers);
	msg_put_group_config(b, &(struct msg_group_config){ a->epoch, p->group, s->config_slot, buf_view(&config) }, MSG_VERSION);
	net_requested(leader->peer);
	leader->commands++;
	buf_fini(&config);
	metrics_add(&a->heals, 1);
	log_info("group %llu: replica %u takes the place of %u", (unsigned long long)p->group, new->incarnation, s->member[at]);
}

/* --- deciding ------------------------------------------------------------------------------------------------------------ */

/*
 * The present life of the node that once had this incarnation.  Numbers of past lives are not kept in memory: the new life is the one whose
 * incarnation is not in the group yet, in the zone that lost its replica; a zone holds one replica of a group at most.
 */
static struct aa_node *successor(struct aa *a, const struct aa_group_state *s)
{
	for (size_t i = 0; i < a->nnodes; i++) {
		struct aa_node *n = a->node[i];
		bool used = false;

		for (uint32_t j = 0; j < s->nmembers; j++) {
			struct aa_node *m = nodes_find(a, s->member[j]);

			used |= s->member[j] == n->incarnation || (m != NULL && strcmp(m->zone, n->zone) == 0);
		}
		if (!used && nodes_up(n))
			return n;
	}
	return NULL;
}

/* A replica that does not lead is told, too: it may lead any moment. */
static bool settle_ttl(struct aa *a, struct aa_node *n, uint64_t group, struct bytes ttl)
{
	const struct aa_group_state *s = nodes_state(n, group);

	return s != NULL && n->known && nodes_up(n) && !bytes_eq(s->ttl, ttl) && send_ttl(a, n, group, ttl);
}

static unsigned settle(struct aa *a, struct aa_partition *p, uint64_t table, uint32_t schema, struct bytes ttl)
{
	const struct aa_group_state *s = newest(a, p->group);
	const uint32_t *member = s != NULL ? s->member : p->member;
	uint32_t n = s != NULL ? s->nmembers : p->nmembers;
	bool due = clock_ms() >= p->created_at + CREATE_EVERY_MS;
	unsigned sent = 0;

	for (uint32_t i = 0; i < n; i++) {
		struct aa_node *node = nodes_find(a, member[i]);

		if (node == NULL) {
			struct aa_node *new = s != NULL ? successor(a, s) : NULL;

			if (new != NULL)
				replace(a, p, s, i, new);
		} else if (due && nodes_up(node) && node->known && nodes_state(node, p->group) == NULL) {
			sent += send_create(a, node, p, table, schema);
			p->created_at = clock_ms();
		} else {
			sent += settle_ttl(a, node, p->group, ttl);
		}
	}
	return sent;
}

/* One that was read from the catalogue: where no node has a group of it, whoever created it died before it came up. */
static void check_table(struct aa *a, struct aa_table *t)
{
	for (size_t i = 0; i < a->nnodes; i++)
		if (!a->node[i]->known)
			return;
	t->checked = true;
	for (size_t i = 0; i < t->nparts; i++)
		if (newest(a, t->part[i].group) == NULL)
			state_serving(a, t, false);
}

/* --- indexes ------------------------------------------------------------------------------------------------------- */

static bool send_indexes(struct aa *a, struct aa_node *n, uint64_t group, const struct aa_table *t)
{
	struct buf *b = net_request(n->peer, MSG_group_indexes, clock_ms() + COMMAND_MS, on_done, n);
	struct item_build definition;

	if (b == NULL)
		return false;
	item_build_init(&definition);
	tables_index_told(a, t, &definition);
	msg_put_group_indexes(b, &(struct msg_group_indexes){ a->epoch, group, t->indexes.version, item_build_view(&definition) },
			      MSG_VERSION);
	net_requested(n->peer);
	n->commands++;
	item_build_fini(&definition);
	return true;
}

/* Groups may be told of an index only once there is somebody to feed. */
static bool rows_up(struct aa *a, const struct aa_table *t)
{
	for (size_t i = 0; i < t->indexes.n; i++) {
		const struct index *x = &t->indexes.v[i];
		struct aa_table *rows;

		if (x->local || x->status == INDEX_DELETING)
			continue;
		rows = state_table(a, x->table);
		if (rows == NULL || !rows->serving)
			return false;
	}
	return true;
}

/* True once every group maintains the indexes of t as they are now. */
static bool settle_indexes(struct aa *a, struct aa_table *t, unsigned *sent)
{
	bool all = true;

	if (t->told || t->indexes.version == 0)
		return true;
	if (!rows_up(a, t))
		return false;
	for (size_t i = 0; i < t->nparts; i++) {
		struct aa_partition *p = &t->part[i];
		struct aa_node *n = leader_of(a, p->group);
		const struct aa_group_state *s = n != NULL ? nodes_state(n, p->group) : NULL;

		if (s != NULL && s->indexes >= t->indexes.version)
			continue;
		all = false;
		if (s == NULL || clock_ms() < p->told_at + CREATE_EVERY_MS || *sent >= COMMANDS_TURN_MAX)
			continue;
		p->told_at = clock_ms();
		*sent += send_indexes(a, n, p->group, t);
	}
	t->told = all;
	return all;
}

static bool filled(struct aa *a, const struct aa_table *t, uint32_t id)
{
	for (size_t i = 0; i < t->nparts; i++) {
		struct aa_node *n = leader_of(a, t->part[i].group);
		const struct aa_group_state *s = n != NULL ? nodes_state(n, t->part[i].group) : NULL;
		bool found = false;

		for (size_t k = 0; s != NULL && s->indexes >= t->indexes.version && k + 4 <= s->filled.n; k += 4)
			found |= load_u32(s->filled.p + k) == id;
		if (!found)
			return false;
	}
	return true;
}

/*
 * An index that every group has filled is there, and one that no group maintains any more is gone.  A definition of another version
 * begins anew; should it not come, this is tried again.
 */
static void move_indexes(struct aa *a, struct aa_table *t)
{
	for (size_t i = 0; i < t->indexes.n; i++) {
		const struct index *x = &t->indexes.v[i];
		struct item_build change;

		if (x->status != INDEX_DELETING && (x->status != INDEX_CREATING || !filled(a, t, x->id)))
			continue;
		log_info("table %.*s: index %.*s is %s", (int)t->t.name.n, (const char *)t->t.name.p, (int)x->name.n,
			 (const char *)x->name.p, x->status == INDEX_DELETING ? "gone" : "active");
		item_build_init(&change);
		tables_index_step(t, x, &change);
		t->moved_at = clock_ms();
		tables_update(a, 0, 0, t->t.name, item_build_view(&change));
		item_build_fini(&change);
		return;
	}
}

static void settle_table(struct aa *a, struct aa_table *t, unsigned *sent)
{
	bool up = true;

	if (!t->checked)
		check_table(a, t);
	for (size_t i = 0; i < t->nparts; i++) {
		if (*sent < COMMANDS_TURN_MAX)
			*sent += settle(a, &t->part[i], t->t.id, t->t.schema, t->t.ttl);
		up = up && (t->serving || groups_up(a, &t->part[i]));
	}
	up = up && settle_indexes(a, t, sent);
	if (up && t->serving && t->told && clock_ms() >= t->moved_at + RECONFIGURE_EVERY_MS)
		move_indexes(a, t);
	if (up && t->t.status == TABLE_CREATING) {
		if (clock_ms() >= t->moved_at + RECONFIGURE_EVERY_MS) {
			t->moved_at = clock_ms();
			tables_open(a, t);
		}
	} else if (up && !t->serving) {
		state_serving(a, t, true);
		log_info("table %.*s: active", (int)t->t.name.n, (const char *)t->t.name.p);
		push_table(a, t, false);
	}
}

struct dropped {
	uint64_t table;
};

static bool build_dropped(struct aa *a, void *arg, struct cat_write *w)
{
	struct dropped *d = arg;
	char sk[24];

	(void)a;
	snprintf(sk, sizeof sk, "%llu", (unsigned long long)d->table);
	cat_delete(a, w, "drop", bytes_str(sk));
	return true;
}

static void on_dropped(struct aa *a, void *arg, enum result r)
{
	(void)a;
	(void)r;
	free(arg);
}

/* Gone once every node said so; a node that is down is asked when it is back, a wiped one has nothing. */
static bool settle_drop(struct aa *a, struct aa_drop *d, unsigned *sent)
{
	bool left = false;

	for (size_t i = 0; i < a->nnodes; i++) {
		struct aa_node *n = a->node[i];

		left |= !n->known || n->clean_at <= d->since;
		for (size_t j = 0; j < d->n; j++) {
			if (nodes_state(n, d->group[j]) == NULL)
				continue;
			left = true;
			if (nodes_up(n) && *sent < COMMANDS_TURN_MAX)
				*sent += send_drop(a, n, d->group[j]);
		}
	}
	return !left;
}

static void settle_drops(struct aa *a, unsigned *sent)
{
	for (struct aa_drop **at = &a->drops; *at != NULL;) {
		struct aa_drop *d = *at;
		struct dropped *arg;

		if (!settle_drop(a, d, sent)) {
			at = &d->next;
			continue;
		}
		arg = mem_new(sizeof *arg);
		arg->table = d->table;
		*at = d->next;
		free(d->group);
		free(d);
		if (!state_job(a, &(struct aa_job){ .build = build_dropped, .done = on_dropped, .arg = arg }))
			free(arg);
	}
}

void groups_send(struct aa *a)
{
	unsigned sent = 0;

	if (!lease_active(a))
		return;
	settle(a, &a->catalogue, CATALOGUE_TABLE, CATALOGUE_SCHEMA, BYTES_NONE);
	a->moving = 0;
	for (struct aa_table *t = a->tables, *next; t != NULL; t = next) {
		next = t->hh.next;
		a->moving += tables_index_moving(t);
		settle_table(a, t, &sent);
	}
	settle_drops(a, &sent);
}
