/*
 * The naive oracle: what the entries of a group's chosen slots do to its keys, in order, and whether the leader was
 * right to propose them; then, whether an answer fits some point of that order which is not older than what was known
 * before the request was made.
 */
#include <stdlib.h>
#include <string.h>

#include "item.h"
#include "mem.h"
#include "sim.h"

void model_init(struct model_group *g, uint64_t id)
{
	*g = (struct model_group){ .id = id };
	g->cap = 256;
	g->slot = mem_new(g->cap * sizeof *g->slot);
	g->config = mem_new(sizeof *g->config);
}

void model_fini(struct model_group *g)
{
	for (int i = 0; i < SIM_KEYS; i++)
		free(g->key[i].v);
	free(g->slot);
	free(g->elements);
	free(g->config);
}

/* --- keys --------------------------------------------------------------------------------------------------------- */

#define SORT_AT (KEY_HASH_N + 6u)                        /* behind S, two bytes, 00 01 and S */

struct sim_key model_spell(unsigned group, char collection, struct bytes sort)
{
	struct sim_key k = { .n = SORT_AT + sort.n + 2 };
	uint8_t letter = (uint8_t)('B' + group), *p = k.p;

	p[0] = letter;
	p[1] = (uint8_t)collection;
	memcpy(p + KEY_HASH_N, (const uint8_t[]){ ITEM_S, letter, (uint8_t)collection, 0, 1, ITEM_S }, 6);
	memcpy(p + SORT_AT, sort.p, sort.n);
	p[k.n - 1] = 1;
	return k;
}

bool model_unspell(unsigned group, struct bytes key, char *collection, struct bytes *sort)
{
	struct sim_key want;

	if (key.n < SORT_AT + 3 || key.n > SIM_KEY_MAX)
		return false;
	*collection = (char)key.p[1];
	*sort = (struct bytes){ key.p + SORT_AT, key.n - SORT_AT - 2 };
	want = model_spell(group, *collection, *sort);
	return bytes_eq(sim_key_view(&want), key);
}

void model_put_key(struct item_build *b, struct bytes key)
{
	item_build_name(b, BYTES_LIT("pk"));
	item_build_s(b, (struct bytes){ key.p + KEY_HASH_N + 1, 2 });
	item_build_name(b, BYTES_LIT("sk"));
	item_build_s(b, (struct bytes){ key.p + SORT_AT, key.n - SORT_AT - 2 });
}

struct sim_key model_key(const struct model_group *g, unsigned key)
{
	uint8_t text[2] = { (uint8_t)('0' + key / 10), (uint8_t)('0' + key % 10) };

	return model_spell((unsigned)g->id - 1, (char)('0' + key / SIM_COLLECTION), (struct bytes){ text, 2 });
}

static unsigned key_of_text(const struct sim *s, const struct model_group *g, char collection, struct bytes sort)
{
	unsigned key = sort.n == 2 ? (unsigned)(sort.p[0] - '0') * 10 + (sort.p[1] - '0') : SIM_KEYS;

	if (key >= SIM_KEYS || collection != (char)('0' + key / SIM_COLLECTION))
		world_fail(s, "group %llu: a key that nobody wrote", U(g->id));
	return key;
}

static unsigned key_of(const struct sim *s, const struct model_group *g, struct bytes k)
{
	struct bytes sort = BYTES_NONE;
	char collection = 0;

	if (!model_unspell((unsigned)g->id - 1, k, &collection, &sort))
		world_fail(s, "group %llu: a key that nobody wrote", U(g->id));
	return key_of_text(s, g, collection, sort);
}

uint64_t model_entry_hash(struct bytes raw)
{
	return world_hash(raw.n, raw.p, raw.n);
}

/* --- items -------------------------------------------------------------------------------------------------------- */

/* What a client or the log shows of a key. */
struct seen {
	bool there;
	uint32_t id, count, list_n;
	uint64_t ends;
	uint32_t list[4 * SIM_LIST_MAX];
};

static bool read_id(struct value v, uint32_t *id)
{
	*id = 0;
	if (v.tag != ITEM_S || v.body.n != SIM_ID_BYTES)
		return false;
	for (size_t i = 0; i < SIM_ID_BYTES; i++)
		*id = *id * 10 + (uint32_t)(v.body.p[i] - '0');
	return true;
}

static bool read_item(struct bytes item, struct seen *out)
{
	struct value v, element;
	struct item_iter it;
	struct num n;
	char text[NUM_PRINT_MAX];

	out->there = true;
	out->list_n = out->count = 0;
	out->ends = 0;
	if (!item_check(item) || !item_get(item, BYTES_LIT("v"), &v) || !read_id(v, &out->id))
		return false;
	if (item_get(item, BYTES_LIT("n"), &v)) {
		if (!item_value_num(v, &n))
			return false;
		num_print(text, &n);
		out->count = (uint32_t)strtoul(text, NULL, 10);
	}
	if (item_get(item, BYTES_LIT("t"), &v) && (!item_value_num(v, &n) || !num_to_u64(&n, &out->ends)))
		return false;
	if (!item_get(item, BYTES_LIT("l"), &v))
		return true;
	for (it = item_iter(v.body); item_next_value(&it, &element); out->list_n++)
		if (out->list_n == sizeof out->list / sizeof *out->list || !read_id(element, &out->list[out->list_n]))
			return false;
	return true;
}

/* --- versions ----------------------------------------------------------------------------------------------------- */

static const struct version nothing;

static const struct version *newest(const struct model_key *k)
{
	return k->n > 0 ? &k->v[k->n - 1] : &nothing;
}

static const struct version *at_slot(const struct model_key *k, uint64_t slot)
{
	for (size_t i = k->n; i > 0; i--)
		if (k->v[i - 1].slot <= slot)
			return &k->v[i - 1];
	return &nothing;
}

static void add_version(struct model_key *k, struct version v)
{
	if (k->n == k->cap) {
		k->cap = k->cap > 0 ? 2 * k->cap : 32;
		k->v = mem_resize(k->v, k->cap * sizeof *k->v);
	}
	k->v[k->n++] = v;
}

bool model_ends(uint64_t ends, uint64_t now_s)
{
	return ends > SIM_WALL_S - 100000000 && ends <= now_s;
}

bool model_leftover(const struct model_group *g, uint64_t now_s)
{
	for (unsigned k = 0; g->ttl && k < SIM_KEYS; k++)
		if (newest(&g->key[k])->there && model_ends(newest(&g->key[k])->ends, now_s))
			return true;
	return false;
}

static bool holds(const struct op *op, const struct version *v)
{
	switch (op->test) {
	case TEST_ABSENT:
		return !v->there;
	case TEST_EXISTS:
		return v->there;
	case TEST_EQUAL:
		return v->there && v->id == op->expect;
	}
	return true;
}

static bool same(const struct model_group *g, const struct version *v, const struct seen *x)
{
	if (!x->there || !v->there)
		return x->there == v->there;
	return x->id == v->id && x->count == v->count && x->ends == v->ends && x->list_n == v->list_n &&
	       (v->list_n == 0 || memcmp(x->list, g->elements + v->list_at, v->list_n * sizeof *x->list) == 0);
}

/* --- what is chosen ----------------------------------------------------------------------------------------------- */

static struct op *op_of(struct sim *s, const struct model_group *g, uint64_t slot, uint32_t id)
{
	struct op *op = id < s->nops ? &s->op[id] : NULL;

	if (id == 0 || op == NULL || op->kind >= OP_WRITES || op->group + 1u != g->id)
		world_fail(s, "group %llu, slot %llu: operation %u, which nobody asked for", U(g->id),
			   U(slot), id);
	if (op->slot != 0 && op->slot != slot)
		world_fail(s, "operation %u was carried out twice, in slots %llu and %llu of group %llu", id,
			   U(op->slot),
			   U(slot), U(g->id));
	if (op->state == OP_REFUSED || op->state == OP_NEVER)
		world_fail(s, "operation %u was refused, and then chosen in slot %llu of group %llu", id, U(slot),
			   U(g->id));
	return op;
}

static void wrong(const struct sim *s, const struct model_group *g, uint64_t slot, uint32_t id, const char *what)
{
	world_fail(s, "group %llu, slot %llu, operation %u: %s", U(g->id), U(slot), id, what);
}

static void put_row(struct sim *s, struct model_group *g, uint64_t slot, uint32_t id, const struct op *op, unsigned key,
		    const struct seen *x)
{
	struct model_key *k = &g->key[key];
	struct version old = *newest(k), v = { .slot = slot, .id = id, .there = true, .count = x->count, .ends = x->ends };
	bool update = op->kind == OP_ADD || op->kind == OP_APPEND;

	if (key != op->key[0] || (op->tested == 0 && !holds(op, &old)))
		wrong(s, g, slot, id, key != op->key[0] ? "another key" : "its condition does not hold");
	if (x->count != (op->kind == OP_ADD ? (old.there ? old.count : 0) + 1 : 0))
		wrong(s, g, slot, id, "a count that does not follow the one before");
	if (x->ends != (!update ? op->ends : old.there ? old.ends : 0))
		wrong(s, g, slot, id, "another time to live");
	if (op->kind == OP_APPEND) {
		uint32_t before = old.there ? old.list_n : 0;

		if (x->list_n != before + 1 || x->list[before] != id ||
		    (before > 0 && memcmp(x->list, g->elements + old.list_at, before * sizeof *x->list) != 0))
			wrong(s, g, slot, id, "a list that is not the one before and an element");
		if (before == 0)
			old.list_at = (uint32_t)g->nelements;
		if (g->nelements + before + 1 > g->cap_elements) {
			g->cap_elements = 2 * (g->nelements + before + 1);
			g->elements = mem_resize(g->elements, g->cap_elements * sizeof *g->elements);
		}
		/* An older list that ends the array goes on in place. */
		if (before > 0 && old.list_at + before != g->nelements) {
			memcpy(g->elements + g->nelements, g->elements + old.list_at, before * sizeof *g->elements);
			old.list_at = (uint32_t)g->nelements;
			g->nelements += before;
		}
		g->elements[g->nelements++] = id;
		v.list_at = old.list_at;
		v.list_n = before + 1;
	} else if (x->list_n != 0) {
		wrong(s, g, slot, id, "a list where none was put");
	}
	add_version(k, v);
}

static void delete_row(struct sim *s, struct model_group *g, uint64_t slot, uint32_t id, unsigned key)
{
	const struct op *op = id > 0 ? &s->op[id] : NULL;

	if (!newest(&g->key[key])->there)
		wrong(s, g, slot, id, "deletes what is not there");
	if (op != NULL && (op->kind != OP_MULTI || key != op->key[1]))
		wrong(s, g, slot, id, "deletes another key");
	add_version(&g->key[key], (struct version){ .slot = slot, .id = id });
}

bool model_row_next(struct bytes *rest, struct entry_row *row)
{
	while (entry_row_next(rest, row))
		if (derive_is_item(row->key))
			return true;
	return false;
}

/* Nobody asked for it: what the log says of each row has to be true. */
static void expire_entry(struct sim *s, struct model_group *g, uint64_t slot, struct bytes rows)
{
	struct entry_row row;

	while (model_row_next(&rows, &row)) {
		struct model_key *k = &g->key[key_of(s, g, row.key)];

		if (!g->ttl || !(row.flags & ENTRY_ROW_EXPIRED))
			wrong(s, g, slot, 0, "expires where nothing does");
		if (!newest(k)->there || !model_ends(newest(k)->ends, s->wall_max_s))
			wrong(s, g, slot, 0, "expires what is not there, or not yet");
		add_version(k, (struct version){ .slot = slot });
		s->count.expired++;
	}
}

static void write_entry(struct sim *s, struct model_group *g, struct model_slot *at, uint64_t slot,
			const struct entry *e)
{
	struct bytes rest = e->rows;
	struct entry_row row;
	struct seen x;
	const struct op *op = NULL;
	unsigned rows = 0, puts = 0, deletes = 0;

	derive_entry(s, g, slot, e);
	if (g->id > s->nbases || !model_row_next(&rest, &row))
		return;
	s->count.proposals++;
	if (books_own(row.key)) {
		books_entry(s, g, slot, e);
		return;
	}
	rest = e->rows;
	while (model_row_next(&rest, &row)) {
		if (row.flags & ENTRY_ROW_EXPIRED) {
			expire_entry(s, g, slot, e->rows);
			return;
		}
		if (row.flags & ENTRY_ROW_DELETE)
			continue;
		if (!read_item(row.image, &x))
			wrong(s, g, slot, 0, "an item that nobody wrote");
		at->id = x.id;
		op = op_of(s, g, slot, x.id);
	}
	/* Tests on keys that it does not write. */
	if (op != NULL && op->tested > 0 && !holds(op, newest(&g->key[op->key[op->tested]])))
		wrong(s, g, slot, at->id, "the condition on its other key does not hold");
	for (rest = e->rows; model_row_next(&rest, &row); rows++) {
		unsigned key = key_of(s, g, row.key);

		if (row.flags & ENTRY_ROW_DELETE) {
			delete_row(s, g, slot, at->id, key);
			deletes++;
			if (op == NULL)
				at->deleted = (int8_t)key;
		} else {
			read_item(row.image, &x);
			put_row(s, g, slot, at->id, op, key, &x);
			puts++;
		}
	}
	if (puts > 1 || deletes > 1 || (op == NULL && rows != 1) || (op != NULL && op->kind != OP_MULTI && rows != 1))
		wrong(s, g, slot, at->id, "rows that do not belong to it");
	if (op != NULL)
		s->op[at->id].slot = slot;
}

static void config_entry(struct model_group *g, uint64_t slot, const struct entry *e)
{
	struct px_config c = { .slot = slot, .n = e->nmembers };

	for (uint32_t i = 0; i < e->nmembers; i++)
		c.m[i] = (struct px_member){ e->member[i].replica, e->member[i].role };
	g->config = mem_resize(g->config, (g->nconfigs + 1) * sizeof *g->config);
	g->config[g->nconfigs++] = c;
}

void model_chosen(struct sim *s, struct model_group *g, uint64_t slot, struct bytes raw)
{
	struct model_slot *at;
	struct entry e;

	if (!entry_get(raw, &e))
		world_fail(s, "group %llu, slot %llu: a malformed entry is chosen", U(g->id), U(slot));
	if (g->n + 2 > g->cap) {
		g->cap *= 2;
		g->slot = mem_resize(g->slot, g->cap * sizeof *g->slot);
	}
	if (e.timestamp <= g->slot[slot - 1].timestamp)
		world_fail(s, "group %llu, slot %llu: its timestamp is not above that of the slot before", U(g->id),
			   U(slot));
	at = &g->slot[slot];
	*at = (struct model_slot){ .entry = model_entry_hash(raw), .state = g->slot[slot - 1].state,
				   .timestamp = e.timestamp, .deleted = -1 };
	entry_hash_next(&at->state, slot, raw);
	g->n = slot;
	s->count.slots++;
	if (e.type == ENTRY_WRITE)
		write_entry(s, g, at, slot, &e);
	else if (e.type == ENTRY_CONFIG)
		config_entry(g, slot, &e);
	s->count.configurations += e.type == ENTRY_CONFIG;
	world_say(s, "group %llu: slot %llu is chosen: %s, operation %u", U(g->id), U(slot),
		  e.type == ENTRY_WRITE ? "write" : e.type == ENTRY_CONFIG ? "configuration" : "no-op", at->id);
}

const struct px_config *model_governing(const struct model_group *g, uint64_t slot)
{
	size_t i = g->nconfigs;

	while (i > 1 && g->config[i - 1].slot >= slot)
		i--;
	return &g->config[i - 1];
}

/* --- answers ------------------------------------------------------------------------------------------------------ */

static void known(struct model_group *g, uint64_t slot)
{
	if (slot > g->floor)
		g->floor = slot;
}

/*
 * The first slot p >= floor at which `fits` is true of a key, if there is one up to what is chosen; else SIM_NEVER.
 * Between versions nothing changes, so it is enough to look at floor and at each later version.
 */
static uint64_t first_fit(const struct model_group *g, unsigned key, uint64_t floor,
			  bool (*fits)(const struct model_group *g, const struct version *v, const void *arg),
			  const void *arg)
{
	const struct model_key *k = &g->key[key];
	size_t i = k->n;

	if (fits(g, at_slot(k, floor), arg))
		return floor;
	while (i > 0 && k->v[i - 1].slot > floor)
		i--;
	for (; i < k->n; i++)
		if (fits(g, &k->v[i], arg))
			return k->v[i].slot;
	return SIM_NEVER;
}

static bool fits_seen(const struct model_group *g, const struct version *v, const void *arg)
{
	return same(g, v, arg);
}

static bool fits_refusal(const struct model_group *g, const struct version *v, const void *arg)
{
	(void)g;
	return !holds(arg, v);
}

static bool fits_absence(const struct model_group *g, const struct version *v, const void *arg)
{
	(void)g, (void)arg;
	return !v->there;
}

static void claim(struct sim *s, struct model_group *g, struct op *op, uint32_t id, uint64_t slot)
{
	struct model_slot *at = &g->slot[slot];

	if (op->kind != OP_DELETE && op->kind != OP_DELETE_IF) {
		if (op->slot != slot)
			wrong(s, g, slot, id, "is acknowledged for a slot that holds something else");
		return;
	}
	if (at->deleted != op->key[0] || at->claimed || (op->slot != 0 && op->slot != slot))
		wrong(s, g, slot, id, "is acknowledged for a slot that holds something else");
	if (op->test != TEST_NONE && !holds(op, at_slot(&g->key[op->key[0]], slot - 1)))
		wrong(s, g, slot, id, "its condition did not hold");
	at->claimed = true;
	op->slot = slot;
}

static void old_image(struct sim *s, const struct model_group *g, const struct op *op, uint32_t id, uint64_t slot,
		      struct bytes attributes)
{
	struct seen x = { 0 };

	if (op->returns != MSG_RETURN_ALL_OLD)
		return;
	if (attributes.n > 0 && !read_item(attributes, &x))
		wrong(s, g, slot, id, "malformed attributes");
	if (!same(g, at_slot(&g->key[op->key[0]], slot - 1), &x))
		wrong(s, g, slot, id, "returns another old item than stood there");
}

void model_written(struct sim *s, struct op *op, uint32_t id, const struct msg_written *m)
{
	struct model_group *g = &s->group[op->group];

	s->count.acked++;
	if (m->slot == 0) {                      /* nothing changed: it was a read */
		bool may = op->kind == OP_DELETE || (op->kind == OP_DELETE_IF && op->test == TEST_ABSENT);
		uint64_t p = may ? first_fit(g, op->key[0], op->floor, fits_absence, NULL) : SIM_NEVER;

		if (p == SIM_NEVER)
			wrong(s, g, 0, id, "is said to change nothing");
		known(g, p);
		return;
	}
	if (m->slot > g->n)
		wrong(s, g, m->slot, id, "is acknowledged and not chosen");
	if (m->slot <= op->floor)
		wrong(s, g, m->slot, id, "is ordered before what was known when it began");
	if (m->timestamp != g->slot[m->slot].timestamp)
		wrong(s, g, m->slot, id, "another timestamp is chosen");
	claim(s, g, op, id, m->slot);
	old_image(s, g, op, id, m->slot, m->attributes);
	known(g, m->slot);
	g->seen[op->key[0]] = op->kind == OP_DELETE || op->kind == OP_DELETE_IF ? 0 : id;
}

void model_refused(struct sim *s, struct op *op, uint32_t id)
{
	struct model_group *g = &s->group[op->group];
	uint64_t p = op->test == TEST_NONE ? SIM_NEVER : first_fit(g, op->key[op->tested], op->floor, fits_refusal, op);

	s->count.refused_conditions++;
	if (op->slot != 0)
		wrong(s, g, op->slot, id, "is chosen, and then refused");
	if (p == SIM_NEVER)
		wrong(s, g, 0, id, "its condition is said not to hold, and holds");
	known(g, p);
}

void model_got(struct sim *s, struct op *op, uint32_t id, const struct msg_got *m)
{
	struct model_group *g = &s->group[op->group];
	struct seen x = { 0 };
	uint64_t p;

	if (m->found && !read_item(m->item, &x))
		wrong(s, g, 0, id, "reads an item that nobody wrote");
	p = first_fit(g, op->key[0], op->kind == OP_GET ? op->floor : 0, fits_seen, &x);
	if (p == SIM_NEVER)
		world_fail(s,
			   "group %llu, operation %u reads key %u: %s %u, which was not there in slots %llu to %llu",
			   U(g->id), id, op->key[0], m->found ? "value" : "nothing", x.id, U(op->floor),
			   U(g->n));
	if (op->kind != OP_GET) {
		s->count.eventual_reads++;
		return;
	}
	s->count.strong_reads++;
	known(g, p);
	g->seen[op->key[0]] = x.id;
}

/* --- pages of scans: all their keys must fit one slot ------------------------------------------------------------- */

struct page {
	struct seen x[SIM_KEYS];
	bool covered[SIM_KEYS];
};

static bool fits_page(const struct model_group *g, const struct page *p, uint64_t slot)
{
	for (unsigned k = 0; k < SIM_KEYS; k++)
		if (p->covered[k] && !same(g, at_slot(&g->key[k], slot), &p->x[k]))
			return false;
	return true;
}

static unsigned key_in_item(const struct sim *s, const struct model_group *g, struct bytes item)
{
	struct value pk, sk;

	if (!item_get(item, BYTES_LIT("pk"), &pk) || !item_get(item, BYTES_LIT("sk"), &sk) || pk.body.n != 2)
		world_fail(s, "an item without its key");
	return key_of_text(s, g, (char)pk.body.p[1], sk.body);
}

/* A slot at which all of it was so, not below floor; SIM_NEVER if there is none. */
static uint64_t find_page(const struct model_group *g, const struct page *p, uint64_t floor)
{
	uint64_t slot = SIM_NEVER;

	if (fits_page(g, p, floor))
		return floor;
	for (unsigned k = 0; k < SIM_KEYS; k++)
		for (size_t i = g->key[k].n; i > 0 && g->key[k].v[i - 1].slot > floor; i--)
			if (g->key[k].v[i - 1].slot < slot && fits_page(g, p, g->key[k].v[i - 1].slot))
				slot = g->key[k].v[i - 1].slot;
	return slot;
}

void model_page(struct sim *s, struct op *op, uint32_t id, const struct msg_page *m)
{
	struct model_group *g = &s->group[op->group];
	struct page *p = mem_new(sizeof *p);
	struct bytes rest = m->items, item;
	unsigned count = 0, last = 0, at;
	uint64_t slot, floor = op->kind == OP_SCAN ? op->floor : 0;

	for (; msg_list_next(&rest, &item); count++) {
		unsigned key = key_in_item(s, g, item);

		if (!read_item(item, &p->x[key]))
			wrong(s, g, 0, id, "an item that nobody wrote in a page");
		at = op->local ? p->x[key].id : key;
		if (count > 0 && (op->reverse ? at >= last : at <= last))
			wrong(s, g, 0, id, "a page out of order");
		last = at;
		p->covered[key] = true;
		if (p->x[key].id < s->nops && s->op[p->x[key].id].slot > floor)
			floor = s->op[p->x[key].id].slot;
	}
	if (count != m->count || (m->more && count != op->limit))
		wrong(s, g, 0, id, "a page of another length than it says");
	for (unsigned k = 0; k < SIM_KEYS; k++)
		if (op->local)
			p->covered[k] |= !m->more && k / SIM_COLLECTION == op->key[0] / SIM_COLLECTION;
		else
			p->covered[k] = !m->more || (op->reverse ? k >= last : k <= last);
	slot = find_page(g, p, floor);
	if (slot == SIM_NEVER)
		wrong(s, g, 0, id, "a page that fits no state");
	s->count.scans++;
	s->count.local_scans += op->local;
	if (op->kind == OP_SCAN)
		known(g, slot);
	free(p);
}
