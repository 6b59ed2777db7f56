#include "map.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <uthash.h>

#include "key.h"
#include "mem.h"
#include "result.h"
#include "table.h"

struct table_entry;

struct group {
	UT_hash_handle hh;                               /* by id */
	uint64_t id;
	struct table_entry *table;                       /* NULL: an orphan */
	struct bytes low, high;                          /* owned, as members is */
	uint64_t ballot, config_slot;
	uint32_t leader;
	struct bytes members;
	TAILQ_ENTRY(group) link;                         /* orphans, oldest first */
};

struct table_entry {
	UT_hash_handle hh;                               /* by name */
	struct bytes name, definition;                   /* owned */
	uint64_t version, round;
	struct group **groups;                           /* ascending by low */
	size_t groups_n;
};

struct map {
	struct table_entry *tables;
	struct group *groups;
	TAILQ_HEAD(orphans, group) orphans;
	size_t orphans_n;
	struct bytes nodes;                              /* owned: list of node */
	uint64_t nodes_version;
	uint64_t version, epoch, source, round;
	size_t mentioned;                                /* tables, in this round */
	bool complete;
	struct buf list;                                 /* for map_route */
};

static void drop(struct bytes *v)
{
	free((void *)(uintptr_t)v->p);
	*v = BYTES_NONE;
}

static void keep(struct bytes *to, struct bytes v)
{
	if (bytes_eq(*to, v))
		return;
	drop(to);
	if (v.n > 0)
		*to = bytes_copy(v);
}

/* --- groups */

static struct group *find_group(struct map *m, uint64_t id)
{
	struct group *g;

	HASH_FIND(hh, m->groups, &id, sizeof id, g);
	return g;
}

static void free_group(struct map *m, struct group *g)
{
	if (g->table == NULL) {
		TAILQ_REMOVE(&m->orphans, g, link);
		m->orphans_n--;
	}
	HASH_DEL(m->groups, g);
	drop(&g->low);
	drop(&g->high);
	drop(&g->members);
	free(g);
}

/* An orphan until a table takes it. */
static struct group *add_group(struct map *m, uint64_t id)
{
	struct group *g = mem_new(sizeof *g);

	if (m->orphans_n == MAP_ORPHANS_MAX)
		free_group(m, TAILQ_FIRST(&m->orphans));
	g->id = id;
	HASH_ADD(hh, m->groups, id, sizeof g->id, g);
	TAILQ_INSERT_TAIL(&m->orphans, g, link);
	m->orphans_n++;
	return g;
}

static bool is_newer(const struct group *g, const struct msg_partition *p)
{
	if (p->config_slot != g->config_slot)
		return p->config_slot > g->config_slot;
	if (p->ballot != g->ballot)
		return p->ballot > g->ballot;
	return g->leader == 0 || g->members.n == 0;
}

static bool learn(struct group *g, const struct msg_partition *p)
{
	if (!is_newer(g, p))
		return false;
	g->config_slot = p->config_slot;
	g->ballot = p->ballot;
	g->leader = p->leader;
	keep(&g->members, p->members);
	return true;
}

static bool members_ok(struct bytes list, unsigned version)
{
	struct msg_member member;
	struct bytes part;
	size_t n = 0;

	while (msg_list_next(&list, &part))
		if (++n > MAP_MEMBERS_MAX || !msg_get_member(part, &member, version))
			return false;
	return list.n == 0;
}

static bool get_partition(struct bytes raw, struct msg_partition *p, unsigned version)
{
	return msg_get_partition(raw, p, version) && p->group > 0 && p->low.n <= KEY_BYTES_MAX &&
	       p->high.n <= KEY_BYTES_MAX && members_ok(p->members, version);
}

/* --- tables */

static struct table_entry *find_table(struct map *m, struct bytes name)
{
	struct table_entry *t;

	HASH_FIND(hh, m->tables, name.p, name.n, t);
	return t;
}

static void free_table(struct map *m, struct table_entry *t)
{
	for (size_t i = 0; i < t->groups_n; i++)
		free_group(m, t->groups[i]);
	HASH_DEL(m->tables, t);
	drop(&t->name);
	drop(&t->definition);
	free(t->groups);
	free(t);
}

static int id_order(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static bool are_distinct(struct bytes list, size_t n, unsigned version)
{
	uint64_t *id = mem_new((n + 1) * sizeof *id);
	struct msg_partition p;
	struct bytes part;
	bool ok = true;

	for (size_t i = 0; msg_list_next(&list, &part); i++) {
		msg_get_partition(part, &p, version);
		id[i] = p.group;
	}
	qsort(id, n, sizeof *id, id_order);
	for (size_t i = 1; i < n; i++)
		ok = ok && id[i - 1] != id[i];
	free(id);
	return ok;
}

/* Counts the partitions; false unless they are well-formed, follow one another and may belong to t (NULL: new). */
static bool check_partitions(struct map *m, const struct table_entry *t, struct bytes list, unsigned version, size_t *n)
{
	struct msg_partition p, before = { 0 };
	struct bytes rest = list, part;

	for (*n = 0; msg_list_next(&rest, &part); ++*n) {
		const struct group *g;

		if (!get_partition(part, &p, version) || (p.high.n > 0 && bytes_cmp(p.low, p.high) >= 0))
			return false;
		if (*n > 0 && (before.high.n == 0 || bytes_cmp(p.low, before.high) < 0))
			return false;
		g = find_group(m, p.group);
		if (g != NULL && g->table != NULL && g->table != t)
			return false;
		before = p;
	}
	return rest.n == 0 && HASH_COUNT(m->groups) - m->orphans_n + *n <= MAP_GROUPS_MAX &&
	       are_distinct(list, *n, version);
}

static struct group *adopt(struct map *m, struct table_entry *t, const struct msg_partition *p)
{
	struct group *g = find_group(m, p->group);

	if (g == NULL)
		g = add_group(m, p->group);
	if (g->table == NULL) {
		TAILQ_REMOVE(&m->orphans, g, link);
		m->orphans_n--;
		g->table = t;
	}
	keep(&g->low, p->low);
	keep(&g->high, p->high);
	learn(g, p);
	return g;
}

static bool holds(struct group **groups, size_t n, const struct group *g)
{
	for (size_t lo = 0, hi = n; lo < hi;) {
		size_t mid = lo + (hi - lo) / 2;
		int order = bytes_cmp(groups[mid]->low, g->low);

		if (order == 0)
			return groups[mid] == g;
		if (order < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return false;
}

/* Groups that are not mentioned any more are gone: their numbers are never used again. */
static void replace_groups(struct map *m, struct table_entry *t, struct bytes list, size_t n, unsigned version)
{
	struct group **fresh = mem_new((n + 1) * sizeof *fresh);
	struct bytes part;
	size_t i = 0;

	while (msg_list_next(&list, &part)) {
		struct msg_partition p;

		get_partition(part, &p, version);
		fresh[i++] = adopt(m, t, &p);
	}
	assert(i == n);
	for (i = 0; i < t->groups_n; i++)
		if (!holds(fresh, n, t->groups[i]))
			free_group(m, t->groups[i]);
	free(t->groups);
	t->groups = fresh;
	t->groups_n = n;
}

/* --- what autoadmin says */

static bool is_fenced(struct map *m, uint64_t epoch, uint64_t source)
{
	if (epoch < m->epoch || (epoch == m->epoch && source < m->source))
		return true;
	if (epoch > m->epoch || source > m->source) {
		m->epoch = epoch;
		m->source = source;
		m->round++;
		m->mentioned = 0;
	}
	return false;
}

static void remove_table(struct map *m, struct table_entry *t)
{
	if (t == NULL)
		return;
	if (t->round == m->round)
		m->mentioned--;
	free_table(m, t);
	m->version++;
}

enum map_result map_table(struct map *m, uint64_t source, const struct msg_map_table *msg, unsigned version)
{
	struct table_entry *t = find_table(m, msg->name);
	size_t n;

	if (msg->name.n == 0 || msg->name.n > TABLE_NAME_MAX || msg->definition.n > TABLE_DEFINITION_MAX ||
	    (t == NULL && HASH_COUNT(m->tables) == MAP_TABLES_MAX) ||
	    !check_partitions(m, t, msg->partitions, version, &n))
		return MAP_BAD;
	if (is_fenced(m, msg->epoch, source))
		return MAP_FENCED;
	if (msg->definition.n == 0) {
		remove_table(m, t);
		return MAP_OK;
	}
	if (t == NULL) {
		t = mem_new(sizeof *t);
		t->name = bytes_copy(msg->name);
		HASH_ADD_KEYPTR(hh, m->tables, t->name.p, t->name.n, t);
	}
	if (t->round != m->round)
		m->mentioned++;
	t->round = m->round;
	t->version = msg->version;
	keep(&t->definition, msg->definition);
	replace_groups(m, t, msg->partitions, n, version);
	m->version++;
	return MAP_OK;
}

enum map_result map_nodes(struct map *m, uint64_t source, const struct msg_map_nodes *msg, unsigned version)
{
	struct bytes rest = msg->nodes, part;
	struct msg_node node;
	size_t n = 0;

	while (msg_list_next(&rest, &part))
		if (++n > MAP_NODES_MAX || !msg_get_node(part, &node, version))
			return MAP_BAD;
	if (rest.n > 0)
		return MAP_BAD;
	if (is_fenced(m, msg->epoch, source))
		return MAP_FENCED;
	keep(&m->nodes, msg->nodes);
	m->nodes_version = msg->version;
	m->version++;
	return MAP_OK;
}

enum map_result map_complete(struct map *m, uint64_t source, const struct msg_map_complete *msg)
{
	struct table_entry *t, *next;

	if (is_fenced(m, msg->epoch, source))
		return MAP_FENCED;
	if (m->mentioned < msg->tables)
		return MAP_MISSING;
	HASH_ITER(hh, m->tables, t, next)
		if (t->round != m->round)
			remove_table(m, t);
	m->complete = true;
	m->version++;
	return MAP_OK;
}

/* --- what nodes say */

bool map_push(struct map *m, const struct msg_map_push *msg, unsigned version)
{
	struct bytes rest = msg->partitions, part;

	while (msg_list_next(&rest, &part)) {
		struct msg_partition p;
		struct group *g;

		if (!get_partition(part, &p, version))
			return false;
		g = find_group(m, p.group);
		if (g == NULL)
			g = add_group(m, p.group);
		if (learn(g, &p) && g->table != NULL)
			m->version++;
	}
	return rest.n == 0;
}

/* --- answering */

/* The last group whose low is not behind key; the first if there is none. */
static size_t floor_of(const struct table_entry *t, struct bytes key)
{
	size_t lo = 0, hi = t->groups_n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (bytes_cmp(t->groups[mid]->low, key) <= 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo > 0 ? lo - 1 : 0;
}

static void list_groups(struct map *m, const struct table_entry *t, const struct msg_lookup *q, unsigned version)
{
	size_t limit = q->limit == 0 ? 1 : q->limit > MAP_LIMIT_MAX ? MAP_LIMIT_MAX : q->limit;
	size_t first = floor_of(t, q->key);

	for (size_t i = first; i < t->groups_n && i - first < limit; i++) {
		const struct group *g = t->groups[i];
		struct msg_partition p = {
			.group = g->id,
			.low = g->low,
			.high = g->high,
			.ballot = g->ballot,
			.leader = g->leader,
			.config_slot = g->config_slot,
			.members = g->members,
		};

		MSG_LIST_PUT(&m->list, partition, &p, version);
	}
}

void map_route(struct map *m, const struct msg_lookup *q, unsigned version, struct buf *out)
{
	const struct table_entry *t = find_table(m, q->table);
	struct msg_route r = {
		.result = (uint16_t)(t != NULL ? RESULT_OK : m->complete ? RESULT_NO_TABLE : RESULT_NOT_READY),
		.map_version = m->version,
		.nodes_version = m->nodes_version,
	};

	buf_clear(&m->list);
	if (m->nodes_version > q->nodes_version)
		r.nodes = m->nodes;
	if (t != NULL) {
		r.table_version = t->version;
		if (t->version > q->table_version)
			r.definition = t->definition;
		list_groups(m, t, q, version);
		r.partitions = buf_view(&m->list);
	}
	msg_put_route(out, &r, version);
}

struct map_state map_state(const struct map *m)
{
	return (struct map_state){
		.complete = m->complete,
		.epoch = m->epoch,
		.version = m->version,
		.nodes_version = m->nodes_version,
		.tables = HASH_COUNT(m->tables),
		.groups = HASH_COUNT(m->groups) - m->orphans_n,
		.orphans = m->orphans_n,
	};
}

struct map *map_new(void)
{
	struct map *m = mem_new(sizeof *m);

	TAILQ_INIT(&m->orphans);
	return m;
}

void map_free(struct map *m)
{
	struct table_entry *t, *next;

	if (m == NULL)
		return;
	HASH_ITER(hh, m->tables, t, next)
		free_table(m, t);
	while (!TAILQ_EMPTY(&m->orphans))
		free_group(m, TAILQ_FIRST(&m->orphans));
	drop(&m->nodes);
	buf_fini(&m->list);
	free(m);
}
