/*
 * What indexes must hold, followed entry by entry.
 *
 * A group of the table: rows of the local index follow from the items that the same entry leaves behind; so does what its outbox
 * row notes for the global ones.  Nothing is noted of an item but as it is then; once the filling is over everything is noted.
 * A group of a global index: each entry brings one source further, and then holds exactly what that source had noted up to
 * there.  And no outbox row goes before all whom it concerns have come so far.
 * So when the outboxes are empty and everything was filled, the index is what the items say.
 */
#include <stdlib.h>
#include <string.h>

#include "index.h"
#include "item.h"
#include "mem.h"
#include "own.h"
#include "sim.h"

#define ITEMS (SIM_KEYS + BANK_KEYS)     /* of a group: all but its ledger, whose rows are in no index */
#define LOCAL 1u                         /* ids */
#define GLOBAL 2u                        /* and one behind, if there is a second */
#define GLOBALS 2u
#define ROW_KEY_MAX 80
#define COLLECTION_N (KEY_HASH_N + 5u)   /* bytes before KEY_LOCAL */

struct row {                             /* of an index; of an item there is at most one */
	bool there;
	uint8_t n, key[ROW_KEY_MAX];
	uint64_t image;                  /* a hash */
};

struct step {                            /* what an outbox row says of one item */
	uint64_t time;
	uint8_t item, which;             /* which global index: 0 or 1 */
	struct row row;                  /* from then on */
};

struct source {
	struct buf image[ITEMS];         /* newest, as chosen; n = 0: none */
	struct row local[ITEMS];         /* as its entries have it */
	struct row noted[GLOBALS][ITEMS];        /* as its outbox rows have it */
	struct step *step;
	size_t nsteps, cap_steps;
	struct { uint64_t time, since; } *outbox;        /* the rows that are there; since: when they were chosen */
	size_t noutbox, cap_outbox;
	uint64_t version, filled_at;     /* filled_at: time of the entry that ended the filling */
	bool there[GLOBALS], creating;   /* the index is there; the first one is being filled */
};

struct shelf {                           /* of a group of a global index */
	struct row row[SIM_BASES_MAX][ITEMS];    /* as its entries have it */
	struct row due[SIM_BASES_MAX][ITEMS];    /* as the sources had noted it up to the cursors */
	uint64_t cursor[SIM_BASES_MAX];
	size_t at[SIM_BASES_MAX];                /* the first step behind the cursor */
};

struct derive {
	struct index_set set;            /* all indexes */
	const struct index *local, *global[GLOBALS];
	struct key_hasher *hasher;
	struct buf key, row;
	struct sim_key keys[SIM_BASES_MAX][ITEMS];
	struct source source[SIM_BASES_MAX];
	struct shelf shelf[SIM_SHELVES_MAX];
	bool touched[ITEMS];
};

static void wrong(const struct sim *s, const struct model_group *g, uint64_t slot, const char *what)
{
	world_fail(s, "group %llu, slot %llu: %s", U(g->id), U(slot), what);
}

/* --- definitions -------------------------------------------------------------------------------------------------- */

static void add_s(struct item_build *b, const char *name, const char *value)
{
	item_build_name(b, bytes_str(name));
	item_build_s(b, bytes_str(value));
}

static void add_schema(struct item_build *b, const char *hash, const char *sort)
{
	item_build_name(b, BYTES_LIT("KeySchema"));
	item_build_open(b, ITEM_L);
	for (int i = 0; i < (sort != NULL ? 2 : 1); i++) {
		item_build_open(b, ITEM_M);
		add_s(b, "AttributeName", i == 0 ? hash : sort);
		add_s(b, "KeyType", i == 0 ? "HASH" : "RANGE");
		item_build_close(b);
	}
	item_build_close(b);
}

static void add_projection(struct item_build *b, unsigned which)
{
	static const char *const names[] = { "ALL", "KEYS_ONLY", "INCLUDE" };

	item_build_name(b, BYTES_LIT("Projection"));
	item_build_open(b, ITEM_M);
	add_s(b, "ProjectionType", names[which]);
	if (which == 2) {
		item_build_name(b, BYTES_LIT("NonKeyAttributes"));
		item_build_open(b, ITEM_L);
		item_build_s(b, BYTES_LIT("n"));
		item_build_close(b);
	}
	item_build_close(b);
}

static unsigned which_of(const struct sim *s, uint32_t shelf)
{
	return shelf >= s->nfirst;
}

/* Half of the space of hashes each, if there are two of one index. */
void derive_range(const struct sim *s, uint32_t shelf, struct bytes *low, struct bytes *high)
{
	static const uint8_t middle = 0x80;
	bool halves = which_of(s, shelf) == 0 && s->nfirst > 1;

	*low = (struct bytes){ &middle, halves && shelf > 0 };
	*high = (struct bytes){ &middle, halves && shelf == 0 };
}

static void add_global(const struct sim *s, struct item_build *b, unsigned which, bool creating)
{
	struct buf list = { 0 };

	item_build_open(b, ITEM_M);
	add_s(b, "IndexName", which == 0 ? "first" : "second");
	item_build_name(b, BYTES_LIT("Id")), item_build_u64(b, GLOBAL + which);
	add_schema(b, "g", which == 0 ? NULL : "v");
	add_projection(b, (unsigned)(world_lot(s, 203 + 10 * which) % 3));
	add_s(b, "IndexStatus", creating ? "CREATING" : "ACTIVE");
	add_s(b, "Table", which == 0 ? "#1.2" : "#1.3");
	for (uint32_t i = 0; i < s->nshelves; i++) {
		struct msg_partition p = { .group = s->nbases + i + 1 };

		derive_range(s, i, &p.low, &p.high);
		if (which_of(s, i) == which)
			MSG_LIST_PUT(&list, partition, &p, MSG_VERSION);
	}
	item_build_name(b, BYTES_LIT("Partitions")), item_build_b(b, buf_view(&list));
	buf_fini(&list);
	item_build_close(b);
}

/* What groups are told: indexes of version, of them the first global one or not. */
struct bytes derive_definition(struct sim *s, uint64_t version, bool first, bool creating)
{
	static const char *const attributes[] = { "pk", "sk", "v", "g" };
	struct item_build *b = s->build;

	item_build_reset(b);
	item_build_item(b);
	add_schema(b, "pk", "sk");
	item_build_name(b, BYTES_LIT("AttributeDefinitions"));
	item_build_open(b, ITEM_L);
	for (size_t i = 0; i < sizeof attributes / sizeof *attributes; i++) {
		item_build_open(b, ITEM_M);
		add_s(b, "AttributeName", attributes[i]);
		add_s(b, "AttributeType", "S");
		item_build_close(b);
	}
	item_build_close(b);
	item_build_name(b, BYTES_LIT("IndexVersion")), item_build_u64(b, version);
	item_build_name(b, BYTES_LIT("LocalSecondaryIndexes"));
	item_build_open(b, ITEM_L);
	item_build_open(b, ITEM_M);
	add_s(b, "IndexName", "local");
	item_build_name(b, BYTES_LIT("Id")), item_build_u64(b, LOCAL);
	add_schema(b, "pk", "v");
	add_projection(b, (unsigned)(world_lot(s, 202) % 3));
	item_build_close(b);
	item_build_close(b);
	item_build_name(b, BYTES_LIT("GlobalSecondaryIndexes"));
	item_build_open(b, ITEM_L);
	if (first)
		add_global(s, b, 0, creating);
	if (s->nshelves > s->nfirst)
		add_global(s, b, 1, false);
	item_build_close(b);
	item_build_close(b);
	if (!item_build_ok(b))
		world_fail(s, "a definition cannot be made");
	return item_build_view(b);
}

void derive_init(struct sim *s)
{
	struct derive *d;

	if (!s->indexed)
		return;
	d = s->derive = mem_new(sizeof *d);
	d->hasher = key_hasher_new();
	if (!index_set_init(&d->set, derive_definition(s, 1, true, false)))
		world_fail(s, "a definition cannot be read");
	d->local = index_set_of(&d->set, LOCAL);
	for (unsigned i = 0; i < GLOBALS; i++)
		d->global[i] = index_set_of(&d->set, GLOBAL + i);
	for (unsigned i = 0; i < s->nbases; i++)
		for (unsigned k = 0; k < ITEMS; k++)
			d->keys[i][k] = k < SIM_KEYS ? model_key(&s->group[i], k) : bank_put_key(i, k - SIM_KEYS);
}

void derive_fini(struct sim *s)
{
	struct derive *d = s->derive;

	if (d == NULL)
		return;
	for (int i = 0; i < SIM_BASES_MAX; i++) {
		for (int k = 0; k < ITEMS; k++)
			buf_fini(&d->source[i].image[k]);
		free(d->source[i].step);
		free(d->source[i].outbox);
	}
	index_set_fini(&d->set);
	key_hasher_free(d->hasher);
	buf_fini(&d->key);
	buf_fini(&d->row);
	free(d);
}

bool derive_projects_all(const struct sim *s)
{
	return s->derive->local->projection == INDEX_ALL;
}

/* --- rows --------------------------------------------------------------------------------------------------------- */

static uint64_t hash_of(struct bytes b)
{
	return world_hash(b.n, b.p, b.n);
}

static void set_row(struct row *r, struct bytes key, uint64_t image)
{
	*r = (struct row){ .there = true, .n = (uint8_t)key.n, .image = image };
	memcpy(r->key, key.p, key.n);
}

static bool has_key(const struct row *r, struct bytes key)
{
	return r->there && r->n == key.n && memcmp(r->key, key.p, key.n) == 0;
}

static bool same(const struct row *a, const struct row *b)
{
	if (!a->there || !b->there)
		return a->there == b->there;
	return has_key(a, (struct bytes){ b->key, b->n }) && a->image == b->image;
}

/* The row that an item has in x, by what the API says of indexes. */
static struct row expected(struct sim *s, const struct index *x, unsigned group, unsigned item)
{
	struct derive *d = s->derive;
	struct bytes image = buf_view(&d->source[group].image[item]);
	struct bytes key = sim_key_view(&d->keys[group][item]);
	struct row r = { .there = false };

	buf_clear(&d->key);
	if (image.n == 0 || !index_key(x, d->hasher, key, image, &d->key))
		return r;
	buf_clear(&d->row);
	index_project(x, image, &d->row);
	set_row(&r, buf_view(&d->key), hash_of(buf_view(&d->row)));
	return r;
}

/* The item of group whose row has this key in a global index, or, behind its collection, in the local one; ITEMS: none. */
static unsigned item_of_row(const struct sim *s, unsigned group, struct bytes key, bool local)
{
	for (unsigned i = 0; i < ITEMS && key.n <= ROW_KEY_MAX; i++) {
		const struct sim_key *k = &s->derive->keys[group][i];
		size_t skip = local ? COLLECTION_N : KEY_HASH_N, n = k->n - skip;

		if (key.n > KEY_HASH_N + n && memcmp(key.p + key.n - n, k->p + skip, n) == 0 &&
		    (!local || memcmp(key.p, k->p, COLLECTION_N) == 0))
			return i;
	}
	return ITEMS;
}

static unsigned item_of(const struct sim *s, unsigned group, struct bytes key)
{
	for (unsigned i = 0; i < ITEMS; i++)
		if (bytes_eq(sim_key_view(&s->derive->keys[group][i]), key))
			return i;
	return ITEMS;
}

/* Where a row of this global index lies. */
static uint32_t shelf_of(const struct sim *s, unsigned which, const struct row *r)
{
	return which == 1 ? s->nfirst : s->nfirst > 1 && r->key[0] >= 0x80;
}

bool derive_is_item(struct bytes key)
{
	return !key_is_own(key) && key_local(key) == 0;
}

/* --- a group of the table ----------------------------------------------------------------------------------------- */

static void local_row(struct sim *s, struct model_group *g, uint64_t slot, const struct entry_row *row)
{
	unsigned group = (unsigned)g->id - 1, item = item_of_row(s, group, row->key, true);
	struct source *from = &s->derive->source[group];

	if (key_local(row->key) != LOCAL || item == ITEMS)
		wrong(s, g, slot, "a row of a local index that no item has");
	if (!s->derive->touched[item])
		wrong(s, g, slot, "a row of a local index, whose item does not change");
	if (row->flags & ENTRY_ROW_DELETE) {
		if (!has_key(&from->local[item], row->key))
			wrong(s, g, slot, "deletes a row of a local index that is not there");
		from->local[item].there = false;
		s->count.moved_keys++;
	} else {
		if (from->local[item].there && !has_key(&from->local[item], row->key))
			wrong(s, g, slot, "a second row of an item in a local index");
		set_row(&from->local[item], row->key, hash_of(row->image));
	}
}

static void note(struct sim *s, struct model_group *g, uint64_t slot, uint64_t time, const struct msg_index_move *m,
		 struct bytes image)
{
	struct derive *d = s->derive;
	unsigned group = (unsigned)g->id - 1;
	struct bytes key = m->new_key.n > 0 ? m->new_key : m->old_key;
	unsigned item = item_of_row(s, group, key, false), which = m->index - GLOBAL;
	struct source *from = &d->source[group];
	struct row *noted;

	if (which >= GLOBALS || !from->there[which] || item == ITEMS)
		wrong(s, g, slot, "notes something for an index that is not there, or a row that no item has");
	if (from->nsteps == from->cap_steps) {
		from->cap_steps = from->cap_steps > 0 ? 2 * from->cap_steps : 256;
		from->step = mem_resize(from->step, from->cap_steps * sizeof *from->step);
	}
	noted = &from->noted[which][item];
	if (m->old_key.n > 0 && noted->there && !has_key(noted, m->old_key))
		wrong(s, g, slot, "lets another row go than the one that is there");
	if (m->new_key.n > 0) {
		buf_clear(&d->row);
		index_project(d->global[which], image, &d->row);
		if (m->old_key.n == 0 && noted->there && !has_key(noted, key))
			wrong(s, g, slot, "a second row of an item");
		set_row(noted, key, hash_of(buf_view(&d->row)));
	} else {
		noted->there = false;
	}
	d->touched[item] = true;
	from->step[from->nsteps++] = (struct step){ time, (uint8_t)item, (uint8_t)which, *noted };
}

static void outbox_row(struct sim *s, struct model_group *g, uint64_t slot, uint64_t time, struct bytes rest)
{
	struct source *from = &s->derive->source[g->id - 1];
	struct msg_index_change c;
	struct msg_index_move m;
	struct bytes part, moves, move;

	if (rest.n == 0)
		wrong(s, g, slot, "an outbox row that says nothing");
	while (rest.n > 0) {
		if (!msg_list_next(&rest, &part) || !msg_get_index_change(part, &c, MSG_VERSION))
			wrong(s, g, slot, "an outbox row that cannot be read");
		for (moves = c.moves; moves.n > 0;) {
			if (!msg_list_next(&moves, &move) || !msg_get_index_move(move, &m, MSG_VERSION))
				wrong(s, g, slot, "an outbox row that cannot be read");
			note(s, g, slot, time, &m, c.item);
		}
	}
	if (from->noutbox == from->cap_outbox) {
		from->cap_outbox = from->cap_outbox > 0 ? 2 * from->cap_outbox : 64;
		from->outbox = mem_resize(from->outbox, from->cap_outbox * sizeof *from->outbox);
	}
	from->outbox[from->noutbox].time = time;
	from->outbox[from->noutbox++].since = s->now;
}

static bool knows(const struct sim *s, unsigned group, const struct step *p, uint64_t time)
{
	return !p->row.there || s->derive->shelf[shelf_of(s, p->which, &p->row)].cursor[group] >= time;
}

/* Everyone whom the row concerns must have it: the index of what was, and of what is. */
static void forget(struct sim *s, struct model_group *g, uint64_t slot, uint64_t time)
{
	unsigned group = (unsigned)g->id - 1;
	struct source *from = &s->derive->source[group];
	size_t i = 0;

	while (i < from->noutbox && from->outbox[i].time != time)
		i++;
	if (i == from->noutbox)
		wrong(s, g, slot, "deletes an outbox row that is not there");
	memmove(from->outbox + i, from->outbox + i + 1, (from->noutbox - i - 1) * sizeof *from->outbox);
	from->noutbox--;
	s->count.fed_changes++;
	for (i = from->nsteps; i > 0 && from->step[i - 1].time >= time; i--) {
		const struct step *p = &from->step[i - 1];
		size_t before = i - 1;

		if (p->time > time || !from->there[p->which])
			continue;
		while (before > 0 && (from->step[before - 1].item != p->item || from->step[before - 1].which != p->which))
			before--;
		if (!knows(s, group, p, time) || (before > 0 && !knows(s, group, &from->step[before - 1], time)))
			wrong(s, g, slot, "forgets a change that the index does not know");
	}
}

static void indexes_row(struct sim *s, struct model_group *g, uint64_t slot, struct bytes definition)
{
	struct source *from = &s->derive->source[g->id - 1];
	const struct index *x;
	struct index_set set;

	if (!index_set_init(&set, definition) || set.version <= from->version || set.locals != 1)
		wrong(s, g, slot, "other indexes than autoadmin said");
	from->version = set.version;
	x = index_set_of(&set, GLOBAL);
	from->there[0] = x != NULL;
	from->there[1] = index_set_of(&set, GLOBAL + 1) != NULL;
	from->creating = x != NULL && x->status == INDEX_CREATING;
	index_set_fini(&set);
}

static void own_row(struct sim *s, struct model_group *g, uint64_t slot, const struct entry *e, const struct entry_row *row)
{
	struct source *from = &s->derive->source[g->id - 1];
	bool put = (row->flags & ENTRY_ROW_PUT) != 0;
	uint64_t of;

	switch (own_kind(row->key, &of)) {
	case OWN_INDEXES:
		indexes_row(s, g, slot, row->image);
		break;
	case OWN_OUTBOX:
		if (!put)
			forget(s, g, slot, of);
		else if (of != e->timestamp)
			wrong(s, g, slot, "an outbox row of another time");
		else
			outbox_row(s, g, slot, of, row->image);
		break;
	case OWN_FILL:
		if (put && from->creating && row->image.n > 0 && row->image.p[row->image.n - 1] == 1)
			from->filled_at = e->timestamp;
		s->count.fills += put;
		break;
	default:
		wrong(s, g, slot, "a row of its own that it cannot have");
	}
}

/* What was noted of an item is what it is; of one that is not yet filled, at least nothing else. */
static void check_noted(struct sim *s, struct model_group *g, uint64_t slot, unsigned which, unsigned item)
{
	unsigned group = (unsigned)g->id - 1;
	struct source *from = &s->derive->source[group];
	bool absent = which == 0 && from->creating && from->filled_at == 0 && !from->noted[which][item].there;
	struct row want;

	if (!from->there[which] || absent)
		return;
	want = expected(s, s->derive->global[which], group, item);
	if (!same(&want, &from->noted[which][item]))
		wrong(s, g, slot, "what is noted for the index is not what the item says");
}

static void table_entry(struct sim *s, struct model_group *g, uint64_t slot, const struct entry *e)
{
	struct derive *d = s->derive;
	unsigned group = (unsigned)g->id - 1, item;
	struct source *from = &d->source[group];
	struct bytes rest = e->rows;
	struct entry_row row;
	uint64_t was_filled = from->filled_at;

	memset(d->touched, 0, sizeof d->touched);
	while (entry_row_next(&rest, &row))
		if (derive_is_item(row.key) && row.lock.n == 0 && (item = item_of(s, group, row.key)) < ITEMS) {
			d->touched[item] = true;
			buf_clear(&from->image[item]);
			buf_bytes(&from->image[item], row.image);
		}
	for (int put = 0; put < 2; put++)
		for (rest = e->rows; entry_row_next(&rest, &row);)
			if (!derive_is_item(row.key) && !key_is_own(row.key) && (row.flags & ENTRY_ROW_PUT) == put)
				local_row(s, g, slot, &row);
	for (item = 0; from->version > 0 && item < ITEMS; item++) {
		struct row want;

		if (!d->touched[item])
			continue;
		want = expected(s, d->local, group, item);
		if (!same(&want, &from->local[item]))
			wrong(s, g, slot, "the local index is not what the item says");
	}
	for (rest = e->rows; entry_row_next(&rest, &row);)
		if (key_is_own(row.key))
			own_row(s, g, slot, e, &row);
	for (item = 0; item < ITEMS; item++)
		for (unsigned which = 0; which < GLOBALS; which++)
			if (d->touched[item] || from->filled_at != was_filled)
				check_noted(s, g, slot, which, item);
}

/* --- a group of a global index ------------------------------------------------------------------------------------ */

/* Whose row it is: group and item. */
static bool owner(const struct sim *s, struct bytes key, unsigned *group, unsigned *item)
{
	for (*group = 0; *group < s->nbases; ++*group)
		if ((*item = item_of_row(s, *group, key, false)) < ITEMS)
			return true;
	return false;
}

static unsigned advance(struct sim *s, struct model_group *g, uint64_t slot, struct shelf *to, struct bytes rest)
{
	struct derive *d = s->derive;
	uint32_t shelf = (uint32_t)(to - d->shelf);
	unsigned group = SIM_BASES_MAX;
	struct entry_row row;
	uint64_t of, upto = 0;

	while (entry_row_next(&rest, &row)) {
		if (!key_is_own(row.key))
			continue;
		if (group < SIM_BASES_MAX || own_kind(row.key, &of) != OWN_SOURCE || of == 0 || of > s->nbases || row.image.n != 8)
			wrong(s, g, slot, "a row of its own that it cannot have");
		group = (unsigned)of - 1;
		upto = load_u64(row.image.p);
	}
	if (group == SIM_BASES_MAX)
		wrong(s, g, slot, "rows of nobody");
	if (upto <= to->cursor[group])
		wrong(s, g, slot, "comes no further with its source");
	memset(d->touched, 0, sizeof d->touched);
	for (; to->at[group] < d->source[group].nsteps && d->source[group].step[to->at[group]].time <= upto; to->at[group]++) {
		const struct step *p = &d->source[group].step[to->at[group]];
		struct row *due = &to->due[group][p->item];

		if (p->which != which_of(s, shelf))
			continue;
		*due = p->row;
		due->there = p->row.there && shelf_of(s, p->which, &p->row) == shelf;
		d->touched[p->item] = true;
	}
	to->cursor[group] = upto;
	return group;
}

static void shelf_entry(struct sim *s, struct model_group *g, uint64_t slot, const struct entry *e)
{
	struct derive *d = s->derive;
	struct shelf *to = &d->shelf[g->id - 1 - s->nbases];
	unsigned group = advance(s, g, slot, to, e->rows), of = 0, item = 0;
	struct entry_row row;
	struct bytes rest;

	s->count.feeds++;
	for (int put = 0; put < 2; put++)
		for (rest = e->rows; entry_row_next(&rest, &row);) {
			if (key_is_own(row.key) || (row.flags & ENTRY_ROW_PUT) != put)
				continue;
			if (!owner(s, row.key, &of, &item) || of != group)
				wrong(s, g, slot, "a row of another source");
			if (!d->touched[item])
				wrong(s, g, slot, "a row that its source has not noted, or long ago");
			if (put && to->row[group][item].there && !has_key(&to->row[group][item], row.key))
				wrong(s, g, slot, "a second row of an item");
			if (put)
				set_row(&to->row[group][item], row.key, hash_of(row.image));
			else if (has_key(&to->row[group][item], row.key))
				to->row[group][item].there = false;
		}
	for (item = 0; item < ITEMS; item++)
		if (d->touched[item] && !same(&to->row[group][item], &to->due[group][item]))
			wrong(s, g, slot, "the index is not what its source had noted up to then");
}

void derive_entry(struct sim *s, struct model_group *g, uint64_t slot, const struct entry *e)
{
	if (s->derive == NULL)
		return;
	if (g->id <= s->nbases)
		table_entry(s, g, slot, e);
	else
		shelf_entry(s, g, slot, e);
}

/* --- the nodes, and the end --------------------------------------------------------------------------------------- */

/* Somebody says that the first global index knows all of a group's items. */
void derive_filled(struct sim *s, unsigned group)
{
	const struct source *from = &s->derive->source[group];

	if (!from->there[0])
		return;
	if (from->creating && from->filled_at == 0)
		world_fail(s, "group %u: its index is said to be filled, and it has not looked at all items", group + 1);
	for (size_t i = 0; i < from->nsteps && from->creating; i++)
		if (from->step[i].which == 0 && from->step[i].time <= from->filled_at &&
		    !knows(s, group, &from->step[i], from->step[i].time))
			world_fail(s, "group %u: its index is said to be filled, and does not know an item", group + 1);
}

uint64_t derive_version(const struct sim *s, unsigned group)
{
	return s->derive->source[group].version;
}

uint64_t derive_fed(const struct sim *s)
{
	uint64_t since = SIM_NEVER;

	for (uint32_t i = 0; s->derive != NULL && i < s->nbases; i++)
		if (s->derive->source[i].noutbox > 0 && s->derive->source[i].outbox[0].since < since)
			since = s->derive->source[i].outbox[0].since;
	return since;
}

/* Rows of a node's store, against what its entries made of them. */
static void check_stored(struct sim *s, const struct machine *m, unsigned shelf)
{
	struct store store = store_mem_store(m->store);
	const struct shelf *to = &s->derive->shelf[shelf];
	uint64_t id = s->nbases + shelf + 1;
	struct store_cursor *c = store.ops->seek(store.ctx, id, BYTES_NONE, false);
	struct bytes key, row;
	unsigned group, item, n = 0, want = 0;

	while (c != NULL && store.ops->next(c, &key, &row)) {
		struct item_head h;
		struct cur in = cur_of(row);

		if (key_is_own(key))
			continue;
		if (!owner(s, key, &group, &item) || !item_head_get(&in, &h) || !has_key(&to->row[group][item], key) ||
		    hash_of(cur_rest(&in)) != to->row[group][item].image)
			world_fail(s, "machine %u, group %llu: a row that its entries have not made", m->index, U(id));
		n++;
	}
	if (c != NULL)
		store.ops->close(c);
	for (group = 0; group < s->nbases; group++)
		for (item = 0; item < ITEMS; item++)
			want += to->row[group][item].there;
	if (n != want)
		world_fail(s, "machine %u, group %llu: %u rows, and its entries have made %u", m->index, U(id), n, want);
}

bool derive_settled(struct sim *s, const char **why)
{
	struct derive *d = s->derive;

	*why = "an index does not know everything yet";
	if (derive_fed(s) != SIM_NEVER)
		return false;
	for (unsigned i = 0; d != NULL && i < s->nbases; i++)
		for (unsigned item = 0; item < ITEMS; item++) {
			struct row local = expected(s, d->local, i, item);

			if (!same(&local, &d->source[i].local[item]))
				world_fail(s, "group %u, item %u: the local index is not what the items say", i + 1, item);
			for (uint32_t k = 0; k < s->nshelves; k++) {
				unsigned which = which_of(s, k);
				struct row want = expected(s, d->global[which], i, item);

				want.there = want.there && shelf_of(s, which, &want) == k;
				if (d->source[i].there[which] && !same(&want, &d->shelf[k].row[i][item]))
					world_fail(s, "group %u, item %u: a global index is not what the items say", i + 1, item);
			}
		}
	for (uint32_t k = 0; d != NULL && k < s->nshelves; k++)
		for (uint32_t i = 0; i < s->nmachines; i++) {
			const struct group *g = s->machine[i].up ? node_group(s->machine[i].node, s->nbases + k + 1) : NULL;

			if (g != NULL && g->ready && g->meta.applied == s->group[g->id - 1].n)
				check_stored(s, &s->machine[i], k);
		}
	return true;
}
