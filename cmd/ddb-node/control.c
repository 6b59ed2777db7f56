/* What ddb-autoadmin asks of a node.  Its commands carry a fencing epoch: an older one than ever seen is refused. */
#include <stdlib.h>
#include <string.h>

#include "change.h"
#include "feed.h"
#include "log.h"
#include "mem.h"
#include "own.h"
#include "table.h"

static void put_done(const struct group *g, enum result r, const char *text, struct buf *b)
{
	struct buf partition = { 0 };

	if (g != NULL && g->ready)
		wire_partition(g, &partition);
	msg_put_done(b, &(struct msg_done){ (uint16_t)r, text != NULL ? bytes_str(text) : BYTES_NONE, buf_view(&partition) },
		     MSG_VERSION);
	buf_fini(&partition);
}

static void done(struct node *n, uint64_t conn, uint64_t rid, const struct group *g, enum result r, const char *text, uint64_t end)
{
	struct buf b = { 0 };

	put_done(g, r, text, &b);
	node_answer(n, conn, rid, MSG_done, buf_view(&b), end);
	buf_fini(&b);
}

void control_node_record(struct node *n, bool clean)
{
	struct buf b = { 0 };

	msg_put_node_desc(&b, &(struct msg_node_desc){
		.epoch = n->epoch, .clean = clean, .boot_id = bytes_str(n->opt.boot_id), .granted_until = beat_granted_until(n),
	}, MSG_VERSION);
	wal_append(n->wal, SEG_NODE, 0, 0, 0, buf_view(&b));
	buf_fini(&b);
}

static bool fenced(struct node *n, uint64_t epoch)
{
	if (epoch < n->epoch)
		return true;
	if (epoch > n->epoch) {
		n->epoch = epoch;
		control_node_record(n, false);
	}
	return false;
}

/* A command is well-formed and not from a former autoadmin; else it is refused here. */
static bool admit(struct node *n, uint64_t conn, uint64_t rid, bool parsed, const uint64_t *epoch)
{
	if (!parsed)
		done(n, conn, rid, NULL, RESULT_INTERNAL, "malformed", 0);
	else if (fenced(n, *epoch))
		done(n, conn, rid, NULL, RESULT_FENCED, NULL, 0);
	else
		return true;
	return false;
}

/* The group, if we lead it; else the command is refused here. */
static struct group *led(struct node *n, uint64_t conn, uint64_t rid, uint64_t group)
{
	struct group *g = node_find(n, group);

	if (g != NULL && g->px.state == PX_LEADER)
		return g;
	done(n, conn, rid, g, g == NULL ? RESULT_NO_GROUP : RESULT_NOT_LEADER, NULL, 0);
	return NULL;
}

/* --- create and drop ---------------------------------------------------------------------------------------------- */

static bool leaving(const struct node *n, uint64_t group)
{
	const struct farewell *f;

	STAILQ_FOREACH(f, &n->farewells, next)
		if (f->group == group)
			return true;
	return false;
}

static const char *check_create(const struct node *n, const struct msg_group_create *m, struct px_config *c)
{
	if (m->incarnation != n->self)
		return "another incarnation is meant";
	if (m->group == 0 || m->low.n > ENTRY_KEY_BYTES_MAX || m->high.n > ENTRY_KEY_BYTES_MAX ||
	    !wire_config_of_entry(m->config, m->config_slot, c))
		return "malformed";
	if (!group_has_config(c, n->self))
		return "this replica is not in the configuration";
	if (m->ballot != 0 && (m->config_slot != 0 || !group_has_config(c, PX_BALLOT_REPLICA(m->ballot))))
		return "the first leader is not in the configuration";
	if (HASH_COUNT(n->groups) >= NODE_GROUPS_MAX)
		return "too many groups";
	if (leaving(n, m->group))
		return "it is being dropped";
	return NULL;
}

/*
 * The record comes first, and nothing is said before it is durable: an assigned leader that forgot its creation after it had sent
 * proposals would, created again, propose other values in the same ballot.
 */
static struct group *create(struct node *n, const struct msg_group_create *m, const struct px_config *c)
{
	struct group *g = group_new(n, m->group, m->table, m->schema, m->low, m->high);
	struct px_start *start = mem_new(sizeof *start);
	struct buf b = { 0 };

	*start = (struct px_start){ .self = n->self, .promised = m->ballot, .base = 1, .unknown_first = 1, .nconfig = 1,
				    .lead = m->ballot != 0 && PX_BALLOT_REPLICA(m->ballot) == n->self };
	for (uint32_t i = 0; i < c->n; i++)
		if (c->m[i].replica == n->self)
			start->role = c->m[i].role;
	start->config[0] = *c;
	g->start = start;
	g->config = *c;
	g->submitted_config = *c;
	g->px.promised = m->ballot;
	group_describe(g, &b);
	g->state_position = group_append(n, g, SEG_GROUP, m->ballot, 0, buf_view(&b));
	buf_fini(&b);
	n->creating++;
	return g;
}

void control_durable(struct node *n)
{
	struct farewell *f;

	while ((f = STAILQ_FIRST(&n->farewells)) != NULL && f->end <= wal_durable(n->wal)) {
		n->store.ops->drop(n->store.ctx, f->group);
		STAILQ_REMOVE_HEAD(&n->farewells, next);
		free(f);
	}
	for (struct group *g = n->creating > 0 ? n->groups : NULL; g != NULL; g = g->hh.next) {
		if (g->ready || wal_durable(n->wal) < g->last_end)
			continue;
		g->ready = true;
		n->creating--;
		beat_members(n, &g->config);
		px_init(&g->px, &n->px_options, &n->leases, g->start, n->now, &n->actions);
		group_act(n, g, NULL);
		free(g->start);
		g->start = NULL;
		n->env.changed(n->env.ctx, g->id);
	}
}

static void group_create(struct node *n, uint64_t conn, uint64_t rid, struct bytes body)
{
	struct msg_group_create m;
	struct px_config c;
	struct group *g;
	const char *why;

	if (!admit(n, conn, rid, msg_get_group_create(body, &m, MSG_VERSION), &m.epoch))
		return;
	g = node_find(n, m.group);
	if (g == NULL) {
		why = check_create(n, &m, &c);
		if (why != NULL) {
			done(n, conn, rid, NULL, RESULT_INVALID, why, 0);
			return;
		}
		g = create(n, &m, &c);
		log_info("group %llu: created for table %llu", (unsigned long long)m.group, (unsigned long long)m.table);
	}
	done(n, conn, rid, g, RESULT_OK, NULL, g->last_end);
}

int control_bootstrap(struct node *n, const struct msg_group_create *m)
{
	struct px_config c;
	const char *why;

	if (node_find(n, m->group) != NULL)
		return 0;
	why = check_create(n, m, &c);
	if (why != NULL) {
		log_err("first group: %s", why);
		return -1;
	}
	create(n, m, &c);
	return 0;
}

/* A group that came back after a power cut without its store would find a gap before what is left of its log. */
static void bid_farewell(struct node *n, uint64_t group, uint64_t end)
{
	struct farewell *f = mem_new(sizeof *f);

	f->group = group;
	f->end = end;
	STAILQ_INSERT_TAIL(&n->farewells, f, next);
}

void control_fini(struct node *n)
{
	struct farewell *f;

	while ((f = STAILQ_FIRST(&n->farewells)) != NULL) {
		STAILQ_REMOVE_HEAD(&n->farewells, next);
		free(f);
	}
}

static void group_drop(struct node *n, uint64_t conn, uint64_t rid, struct bytes body)
{
	struct msg_group_drop m;
	struct group *g;
	uint64_t end = 0;

	if (!admit(n, conn, rid, msg_get_group_drop(body, &m, MSG_VERSION), &m.epoch))
		return;
	if (m.incarnation != n->self) {
		done(n, conn, rid, NULL, RESULT_FENCED, NULL, 0);
		return;
	}
	g = node_find(n, m.group);
	if (g != NULL) {
		group_append(n, g, SEG_DROPPED, 0, 0, BYTES_NONE);
		end = g->last_end;
		beat_relist(n);
		group_free(n, g);
		bid_farewell(n, m.group, end);
		log_info("group %llu: dropped", (unsigned long long)m.group);
	}
	done(n, conn, rid, NULL, RESULT_OK, NULL, end);
}

/* --- membership and leadership ------------------------------------------------------------------------------------ */

static void group_config(struct node *n, uint64_t conn, uint64_t rid, struct bytes body)
{
	struct msg_group_config m;
	struct px_config c;
	struct group *g;
	uint64_t slot;
	struct buf entry = { 0 };
	enum px_verdict v;

	if (!admit(n, conn, rid, msg_get_group_config(body, &m, MSG_VERSION) && wire_config_of_entry(m.config, 0, &c), &m.epoch))
		return;
	g = led(n, conn, rid, m.group);
	if (g == NULL)
		return;
	if (g->config.slot != m.expect_slot) {
		done(n, conn, rid, g, RESULT_CONFLICT, "the configuration has changed since", 0);
		return;
	}
	wire_config_to_entry(&entry, &c, group_timestamp(n, g));
	beat_members(n, &c);
	v = group_propose(n, g, buf_view(&entry), &c, &slot);
	buf_fini(&entry);
	beat_relist(n);
	/* It is asked again until the status shows the new configuration, so the answer need not wait for the slot. */
	done(n, conn, rid, g, v == PX_OK ? RESULT_OK : v == PX_NOT_LEADER ? RESULT_NOT_LEADER : RESULT_NOT_READY, NULL, 0);
}

static void group_lead(struct node *n, uint64_t conn, uint64_t rid, struct bytes body)
{
	struct msg_group_lead m;
	struct group *g;

	if (!admit(n, conn, rid, msg_get_group_lead(body, &m, MSG_VERSION), &m.epoch))
		return;
	g = led(n, conn, rid, m.group);
	if (g == NULL)
		return;
	px_handoff(&g->px, m.target, n->now, &n->actions);
	group_act(n, g, NULL);
	done(n, conn, rid, g, RESULT_OK, NULL, 0);
}

/*
 * Not in the log: a node that forgets it in a restart is told again, for its status shows what it has.  The worst an outdated one does
 * is to let items live, or not let them live, until the next status is asked for.
 */
static void group_ttl(struct node *n, uint64_t conn, uint64_t rid, struct bytes body)
{
	struct msg_group_ttl m;
	struct group *g;

	if (!admit(n, conn, rid, msg_get_group_ttl(body, &m, MSG_VERSION) && m.attribute.n <= TABLE_TTL_MAX, &m.epoch))
		return;
	g = node_find(n, m.group);
	if (m.incarnation != n->self || g == NULL) {
		done(n, conn, rid, NULL, g == NULL ? RESULT_NO_GROUP : RESULT_FENCED, NULL, 0);
		return;
	}
	sweep_set(g, m.attribute);
	done(n, conn, rid, g, RESULT_OK, NULL, 0);
}

/* --- indexes ------------------------------------------------------------------------------------------------------ */

/* Changes for an index whose groups nobody knows would be forgotten, not kept. */
static bool has_indexes(const struct msg_group_indexes *m)
{
	struct index_set set;
	bool good = m->version > 0 && m->definition.n <= ITEM_ENCODED_MAX && index_set_init(&set, m->definition);

	if (!good)
		return false;
	good = set.version == m->version;
	for (size_t i = 0; i < set.n; i++)
		good = good && (set.v[i].local || set.v[i].partitions.n > 0);
	index_set_fini(&set);
	return good;
}

/* It has its place among the writes: what comes behind it is in these indexes, on whatever leader. */
static enum result note_indexes(struct node *n, struct group *g, struct bytes definition)
{
	enum result r = g->px.ready ? exec_write_room(n, g) : RESULT_NOT_READY;
	struct own_key key = own_indexes();
	struct change c;
	enum px_verdict v;
	uint64_t slot;

	if (r != RESULT_OK)
		return r;
	change_begin(&c, n, g);
	change_row(&c, own_view(&key), definition);
	v = change_propose(&c, 0, &slot);
	change_fini(&c);
	return v == PX_OK ? RESULT_OK : v == PX_NOT_LEADER ? RESULT_NOT_LEADER : RESULT_NOT_READY;
}

static void indexes(struct node *n, uint64_t conn, uint64_t rid, struct bytes body)
{
	struct msg_group_indexes m;
	enum result r = RESULT_OK;
	struct buf b = { 0 };
	struct group *g;

	if (!admit(n, conn, rid, msg_get_group_indexes(body, &m, MSG_VERSION) && has_indexes(&m), &m.epoch))
		return;
	g = led(n, conn, rid, m.group);
	if (g == NULL)
		return;
	if (m.version > group_indexes(n, g)->version)
		r = note_indexes(n, g, m.definition);
	group_indexes(n, g);
	if (r == RESULT_OK && g->indexes_slot > g->chosen) {
		put_done(g, r, NULL, &b);
		wait_add(n, g, WAIT_WRITE, g->indexes_slot, conn, rid, MSG_done, buf_view(&b));
		buf_fini(&b);
	} else {
		done(n, conn, rid, g, r, NULL, 0);
	}
}

/* --- status ------------------------------------------------------------------------------------------------------- */

static void put_locals(const struct group *g, struct buf *list)
{
	for (size_t i = 0; i < STORE_LOCALS_MAX && g->meta.local[i].index != 0; i++) {
		const struct store_local *l = &g->meta.local[i];

		MSG_LIST_PUT(list, local_size, (&(struct msg_local_size){ l->index, l->rows, l->bytes }), MSG_VERSION);
	}
}

static void put_state(struct node *n, struct group *g, struct buf *list)
{
	bool leads = g->px.state == PX_LEADER;
	struct buf members = { 0 }, locals = { 0 }, filled = { 0 };

	if (leads) {
		put_locals(g, &locals);
		fill_filled(n, g, &filled);
	}

	for (uint32_t i = 0; i < g->config.n; i++)
		MSG_LIST_PUT(&members, member, (&(struct msg_member){ g->config.m[i].replica, g->config.m[i].role }), MSG_VERSION);
	MSG_LIST_PUT(list, group_state, (&(struct msg_group_state){
		.group = g->id, .table = g->table, .role = g->px.role,
		.leading = g->px.state != PX_LEADER ? 0 : px_may_serve(&g->px, n->now) ? 2 : 1,
		.ballot = g->px.promised, .leader = g->px.leader, .committed = g->chosen, .applied = g->meta.applied,
		.rows = g->meta.rows, .bytes = g->meta.bytes, .config_slot = g->config.slot, .members = buf_view(&members),
		.hash = { g->meta.hash.b, sizeof g->meta.hash.b }, .ttl = g->ttl,
		.indexes = leads ? group_indexes_version(n, g) : 0, .filled = buf_view(&filled),
		.feed_lag_us = feed_lag_us(n, g), .locals = buf_view(&locals),
	}), MSG_VERSION);
	buf_fini(&members);
	buf_fini(&locals);
	buf_fini(&filled);
}

/* Whoever was told what is here need not fear that a former autoadmin changes it: the question's epoch fences as commands' do. */
static void status(struct node *n, uint64_t conn, uint64_t rid, struct bytes body)
{
	struct buf b = { 0 }, groups = { 0 };
	struct msg_node_status m;

	if (msg_get_node_status(body, &m, MSG_VERSION))
		fenced(n, m.epoch);
	for (struct group *g = n->groups; g != NULL; g = g->hh.next)
		if (g->ready)
			put_state(n, g, &groups);
	msg_put_node_state(&b, &(struct msg_node_state){ RESULT_OK, n->self, wal_bytes(n->wal), buf_view(&groups) }, MSG_VERSION);
	n->env.answer(n->env.ctx, conn, rid, MSG_node_state, buf_view(&b));
	buf_fini(&b);
	buf_fini(&groups);
}

void control_request(struct node *n, uint64_t conn, uint64_t rid, unsigned type, struct bytes body)
{
	switch (type) {
	case MSG_group_create:
		group_create(n, conn, rid, body);
		break;
	case MSG_group_drop:
		group_drop(n, conn, rid, body);
		break;
	case MSG_group_config:
		group_config(n, conn, rid, body);
		break;
	case MSG_group_lead:
		group_lead(n, conn, rid, body);
		break;
	case MSG_group_ttl:
		group_ttl(n, conn, rid, body);
		break;
	case MSG_group_indexes:
		indexes(n, conn, rid, body);
		break;
	case MSG_node_status:
		status(n, conn, rid, body);
		break;
	default:
		done(n, conn, rid, NULL, RESULT_NOT_SUPPORTED, "unknown message", 0);
	}
}
