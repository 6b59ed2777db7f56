/*
 * What the bank's chosen entries mean, in the order in which they are chosen.  A transaction may commit only while it holds all its
 * keys; what it held then becomes what it wanted; nobody else touches what is held; and nothing is held again that was done.
 */
#include <stdlib.h>
#include <string.h>

#include "item.h"
#include "ledger.h"
#include "mem.h"
#include "sim.h"

static const struct bank_state nothing;

bool books_own(struct bytes key)
{
	return key.n > KEY_HASH_N && key.p[1] > '9';
}

/* --- items -------------------------------------------------------------------------------------------------------- */

static bool read_digits(struct bytes v, uint32_t *id)
{
	*id = 0;
	if (v.n != SIM_ID_BYTES)
		return false;
	for (size_t i = 0; i < SIM_ID_BYTES; i++)
		*id = *id * 10 + (uint32_t)(v.p[i] - '0');
	return true;
}

bool books_read(struct bytes item, struct bank_state *out)
{
	char text[NUM_PRINT_MAX];
	struct value v;
	struct num n;

	*out = (struct bank_state){ .there = true };
	if (!item_check(item))
		return false;
	if (item_get(item, BYTES_LIT("v"), &v) && !read_digits(v.body, &out->v))
		return false;
	if (item_get(item, BYTES_LIT("w"), &v) && !read_digits(v.body, &out->w))
		return false;
	out->money = item_get(item, BYTES_LIT("b"), &v);
	if (out->money && !item_value_num(v, &n))
		return false;
	if (out->money) {
		num_print(text, &n);
		out->b = atoi(text);
	}
	return true;
}

bool books_same(const struct bank_state *a, const struct bank_state *b)
{
	if (!a->there || !b->there)
		return a->there == b->there;
	return a->money == b->money && a->b == b->b && a->v == b->v && a->w == b->w;
}

/* --- keys --------------------------------------------------------------------------------------------------------- */

const struct bank_state *books_newest(const struct sim *s, unsigned group, unsigned key)
{
	const struct bank_key *k = &s->bank.key[group][key];

	return k->n > 0 ? &k->v[k->n - 1].is : &nothing;
}

static void become(struct bank_key *k, uint64_t slot, const struct bank_state *is)
{
	if (k->n == k->cap) {
		k->cap = k->cap > 0 ? 2 * k->cap : 32;
		k->v = mem_resize(k->v, k->cap * sizeof *k->v);
	}
	k->v[k->n++] = (struct bank_version){ slot, *is };
}

/* Calls fits for the state at floor and each later one. */
static bool any(const struct sim *s, unsigned group, unsigned key, uint64_t floor,
		bool (*fits)(const struct bank_state *is, const void *arg), const void *arg)
{
	const struct bank_key *k = &s->bank.key[group][key];
	size_t i = k->n;

	while (i > 0) {
		i--;
		if (fits(&k->v[i].is, arg))
			return true;
		if (k->v[i].slot <= floor)
			return false;
	}
	return fits(&nothing, arg);
}

static bool fits_same(const struct bank_state *is, const void *arg)
{
	return books_same(is, arg);
}

static bool fits_not(const struct bank_state *is, const void *arg)
{
	return !books_holds(arg, is);
}

bool books_was(const struct sim *s, unsigned group, unsigned key, uint64_t floor, const struct bank_state *is)
{
	return any(s, group, key, floor, fits_same, is);
}

bool books_failed(const struct sim *s, const struct bank_op *op, uint64_t floor)
{
	return any(s, op->group, op->key, floor, fits_not, op);
}

bool books_holds(const struct bank_op *op, const struct bank_state *is)
{
	switch (op->test) {
	case BANK_ABSENT:
		return !is->there;
	case BANK_EXISTS:
		return is->there;
	case BANK_EQUAL:
		return is->there && is->v == op->expect;
	case BANK_ZERO:
		return is->there && is->money && is->b == 0;
	}
	return true;
}

static struct bank_state outcome(const struct bank_op *op, uint32_t tx, const struct bank_state *old)
{
	struct bank_state is = *old;

	switch (op->kind) {
	case BANK_ADD:
		is = (struct bank_state){ true, true, (old->there ? old->b : 0) + op->amount, tx, old->there ? old->w : 0 };
		break;
	case BANK_PUT:
		is = (struct bank_state){ .there = true, .money = op->key < BANK_ACCOUNTS, .b = op->put, .v = tx };
		break;
	case BANK_DELETE:
		is = nothing;
		break;
	}
	return is;
}

/* --- entries ------------------------------------------------------------------------------------------------------ */

static void wrong(const struct sim *s, const struct model_group *g, uint64_t slot, uint32_t id, const char *what)
{
	world_fail(s, "group %llu, slot %llu, transaction %u: %s", U(g->id), U(slot), id, what);
}

static struct bank_tx *tx_of(struct sim *s, const struct model_group *g, uint64_t slot, uint32_t id, bool plain)
{
	if (id == 0 || id >= s->bank.ntxs || s->bank.tx[id].plain != plain)
		wrong(s, g, slot, id, "nobody asked for it");
	return &s->bank.tx[id];
}

static bool holds_all(const struct sim *s, const struct bank_tx *t, uint32_t id)
{
	for (unsigned i = 0; i < t->nops; i++)
		if (s->bank.key[t->op[i].group][t->op[i].key].holder != id)
			return false;
	return true;
}

static void ledger_row(struct sim *s, const struct model_group *g, uint64_t slot, const struct entry_row *row, struct bytes sort)
{
	struct value v;
	struct bank_tx *t;
	uint32_t id;
	char to;

	if (!read_digits(sort, &id) ||
	    (row->flags & ENTRY_ROW_PUT) == 0 || row->lock.n > 0 || !item_check(row->image) ||
	    !item_get(row->image, BYTES_LIT(LEDGER_STATE), &v) || v.body.n != 1)
		wrong(s, g, slot, 0, "a row of the ledger that nobody wrote");
	t = tx_of(s, g, slot, id, false);
	to = (char)v.body.p[0];
	world_say(s, "transaction %u: %c", id, to);
	if (t->ledger + 1u != g->id || !(t->state == 0 ? to == 'P' : t->state == 'P' && (to == 'C' || to == 'X')))
		wrong(s, g, slot, id, "its state in the ledger changes another way than it may");
	if (to == 'C' && !holds_all(s, t, id))
		wrong(s, g, slot, id, "is committed and does not hold all its keys");
	t->state = to;
	s->count.tx_commits += to == 'C';
	s->count.tx_cancels += to == 'X';
}

static struct bank_op *op_on(struct bank_tx *t, unsigned group, unsigned key)
{
	for (unsigned i = 0; i < t->nops; i++)
		if (t->op[i].group == group && t->op[i].key == key)
			return &t->op[i];
	return NULL;
}

static void prepare_row(struct sim *s, const struct model_group *g, uint64_t slot, unsigned key, const struct entry_row *row,
			const struct bank_state *image)
{
	unsigned group = (unsigned)g->id - 1;
	struct bank_key *k = &s->bank.key[group][key];
	const struct bank_state *old = books_newest(s, group, key);
	struct bank_state next = nothing;
	struct bank_tx *t;
	struct bank_op *op;
	struct lock l;
	uint32_t id = 0;

	if (!lock_get(row->lock, &l) || !read_digits((struct bytes){ l.txid.p + 8, 8 }, &id))
		wrong(s, g, slot, 0, "a lock that nobody made");
	t = tx_of(s, g, slot, id, false);
	op = op_on(t, group, key);
	if (op == NULL || t->state == 0 || l.ledger_group != t->ledger + 1u)
		wrong(s, g, slot, id, "locks what it did not ask for");
	if (k->holder != 0 && k->holder != id)
		wrong(s, g, slot, id, "locks what another transaction holds");
	if (k->holder == 0 && t->state == 'C')
		wrong(s, g, slot, id, "locks again what it has committed");
	if (!books_same(l.exists ? image : &nothing, old))
		wrong(s, g, slot, id, "locks a key and changes it");
	if (!books_holds(op, old))
		wrong(s, g, slot, id, "its condition does not hold");
	if (l.kind == LOCK_CHECK)
		next = *old;
	if (l.kind == LOCK_PUT && !books_read(l.image, &next))
		wrong(s, g, slot, id, "an item that nobody wrote");
	k->next = outcome(op, id, old);
	if (!books_same(&next, &k->next) || (l.kind == LOCK_CHECK) != (op->kind == BANK_CHECK))
		wrong(s, g, slot, id, "would not do what it was asked for");
	k->holder = id;
	k->held_slot = slot;
	s->count.tx_prepares++;
}

static void finish_row(struct sim *s, const struct model_group *g, uint64_t slot, unsigned key, const struct bank_state *image)
{
	unsigned group = (unsigned)g->id - 1;
	struct bank_key *k = &s->bank.key[group][key];
	struct bank_tx *t = &s->bank.tx[k->holder];
	struct bank_state old = *books_newest(s, group, key);
	uint32_t id = k->holder;

	if (t->state == 'P')
		wrong(s, g, slot, id, "somebody else writes what it holds, or it lets go before that is decided");
	if (!books_same(image, t->state == 'C' ? &k->next : &old))
		wrong(s, g, slot, id, t->state == 'C' ? "is committed, and a key does not become what it wanted" :
		      "is cancelled, and a key does not stay what it was");
	k->holder = 0;
	if (t->state == 'C') {
		op_on(t, group, key)->done = true;
		become(k, slot, image);
	}
}

/* Outside of transactions: a mark, or something else in the place of what has no balance. */
static void plain_row(struct sim *s, const struct model_group *g, uint64_t slot, unsigned key, const struct bank_state *image)
{
	unsigned group = (unsigned)g->id - 1;
	struct bank_state want = *books_newest(s, group, key);
	struct bank_tx *t = tx_of(s, g, slot, image->w, true);

	if (t->op[0].group != group || t->op[0].key != key || t->op[0].done)
		wrong(s, g, slot, image->w, "another key, or a second time");
	if (t->refused)
		wrong(s, g, slot, image->w, "was refused, and then chosen");
	if (t->op[0].kind == BANK_PUT)
		want = nothing;
	want.there = true;
	want.w = image->w;
	if (!books_same(image, &want))
		wrong(s, g, slot, image->w, "is not what was there and a mark");
	t->op[0].done = true;
	become(&s->bank.key[group][key], slot, image);
	s->count.touches++;
}

static void row_of(struct sim *s, struct model_group *g, uint64_t slot, const struct entry_row *row)
{
	struct bank_state image = nothing;
	struct bytes sort = BYTES_NONE;
	char collection = 0;
	unsigned key;

	if (!model_unspell((unsigned)g->id - 1, row->key, &collection, &sort) || (collection != 'T' && collection != 'L'))
		wrong(s, g, slot, 0, "a key that nobody wrote");
	if (collection == 'L') {
		ledger_row(s, g, slot, row, sort);
		return;
	}
	key = sort.n == 1 ? (unsigned)(sort.p[0] - '0') : BANK_KEYS;
	if (key >= BANK_KEYS || ((row->flags & ENTRY_ROW_PUT) != 0 && !books_read(row->image, &image)))
		wrong(s, g, slot, 0, "a key or an item that nobody wrote");
	if (row->lock.n > 0)
		prepare_row(s, g, slot, key, row, &image);
	else if (s->bank.key[g->id - 1][key].holder != 0)
		finish_row(s, g, slot, key, &image);
	else
		plain_row(s, g, slot, key, &image);
}

void books_entry(struct sim *s, struct model_group *g, uint64_t slot, const struct entry *e)
{
	struct bytes rest = e->rows;
	struct entry_row row;

	while (model_row_next(&rest, &row))
		row_of(s, g, slot, &row);
}

/* --- the nodes, and the end --------------------------------------------------------------------------------------- */

void books_held(const struct machine *m, const struct group *g)
{
	const struct sim *s = m->s;
	unsigned group = (unsigned)g->id - 1;

	if (g->chosen != s->group[group].n || g->installing)
		return;
	for (unsigned i = 0; i < BANK_KEYS; i++) {
		struct sim_key key;

		if (s->bank.key[group][i].holder == 0)
			continue;
		key = bank_put_key(group, i);
		if (!held_has(&g->held, sim_key_view(&key)))
			world_fail(s, "machine %u, group %llu: does not know that transaction %u holds key %u", m->index, U(g->id),
				   s->bank.key[group][i].holder, i);
	}
}

bool books_settled(const struct sim *s, const char **why)
{
	*why = "something is locked yet";
	for (unsigned g = 0; g < s->nbases; g++)
		for (unsigned k = 0; k < BANK_KEYS; k++)
			if (s->bank.key[g][k].holder != 0)
				return false;
	for (size_t i = 1; i < s->bank.ntxs; i++) {
		const struct bank_tx *t = &s->bank.tx[i];

		for (unsigned k = 0; !t->plain && k < t->nops; k++)
			if (t->op[k].done != (t->state == 'C'))
				world_fail(s, "transaction %u: nothing is locked, and key %u of group %u is %s", (unsigned)i, t->op[k].key,
					   t->op[k].group + 1u, t->op[k].done ? "done" : "not done");
	}
	return true;
}

/* The first version of op's key that shows it done; SIZE_MAX if there is none. */
static size_t version_of(const struct sim *s, const struct bank_op *op, uint32_t tx)
{
	const struct bank_key *k = &s->bank.key[op->group][op->key];

	for (size_t i = 0; i < k->n; i++)
		if (k->v[i].is.v == tx && k->v[i].is.there)
			return i;
	return SIZE_MAX;
}

/* The newest version that looks like seen; SIZE_MAX: only from before all. */
static size_t newest_like(const struct sim *s, unsigned group, unsigned key, const struct bank_state *seen)
{
	const struct bank_key *k = &s->bank.key[group][key];

	for (size_t i = k->n; i > 0; i--)
		if (books_same(&k->v[i - 1].is, seen))
			return i - 1;
	return SIZE_MAX;
}

/* Whoever sees one write of a transaction sees all of them. */
static void check_whole(const struct sim *s, uint32_t reader, uint32_t tx, struct bank_seen (*seen)[BANK_KEYS])
{
	const struct bank_tx *t = &s->bank.tx[tx];

	for (unsigned i = 0; i < t->nops; i++) {
		const struct bank_op *op = &t->op[i];
		size_t from = op->kind == BANK_CHECK ? SIZE_MAX : version_of(s, op, tx), at;

		if (from == SIZE_MAX)
			continue;
		at = newest_like(s, op->group, op->key, &seen[op->group][op->key].is);
		if (at == SIZE_MAX || at < from)
			world_fail(s, "reader %u sees one part of transaction %u, and not key %u of group %u", reader, tx, op->key,
				   op->group + 1u);
	}
}

void books_totals(struct sim *s, uint32_t reader, struct bank_seen (*seen)[BANK_KEYS])
{
	const struct bank_tx *r = &s->bank.tx[reader];
	int total = 0;

	for (unsigned g = 0; g < s->nbases; g++)
		for (unsigned k = 0; k < BANK_KEYS; k++) {
			const struct bank_state *is = &seen[g][k].is;

			total += is->there ? is->b : 0;
			if (!books_was(s, g, k, r->floor[g], is))
				world_fail(s, "reader %u, group %u, key %u: what was not there from slot %llu on", reader, g + 1, k,
					   U(r->floor[g]));
			if (is->there && is->v != 0)
				check_whole(s, reader, is->v, seen);
		}
	if (total != 0)
		world_fail(s, "reader %u: balances add up to %d", reader, total);
	s->count.tx_reads++;
}
