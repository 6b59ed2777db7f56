/* Source: DESIGN, Indexes.  A row of a local index changes in the entry that changes its item. */
#include "change.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "own.h"

#define PART_BYTES_MAX (2 * (size_t)ENTRY_BYTES_MAX)     /* one item may pass an entry's limit: then it goes into the next */
#define ROW_BYTES 16                                     /* flags and lengths */
#define OUTBOX_BYTES 64                                  /* the outbox row, less what is in it, and an entry's head */

enum { OLD, NEW };

void change_begin(struct change *c, struct node *n, struct group *g)
{
	*c = (struct change){ .n = n, .g = g, .set = group_indexes(n, g) };
}

static void part_fini(struct change_part *p)
{
	buf_fini(&p->rows);
	buf_fini(&p->moves);
}

void change_fini(struct change *c)
{
	part_fini(&c->part);
	for (size_t i = 0; i < c->nfull; i++)
		part_fini(&c->full[i]);
	free(c->full);
	for (int i = OLD; i <= NEW; i++) {
		buf_fini(&c->key[i]);
		buf_fini(&c->row[i]);
	}
}

bool change_any(const struct change *c)
{
	return c->part.nrows > 0 || c->part.moves.n > 0;
}

size_t change_bytes(const struct change *c)
{
	return c->part.rows.n + c->part.moves.n + OUTBOX_BYTES;
}

bool change_over(const struct change *c)
{
	return c->over || c->part.rows.over || c->part.moves.over || change_bytes(c) > ENTRY_BYTES_MAX;
}

static void put_row(struct change_part *p, const struct entry_row *row)
{
	if (p->rows.n == 0) {
		p->rows.max = PART_BYTES_MAX;
		buf_room(&p->rows, ENTRY_WRITE_ROOM + ROW_BYTES + row->key.n + row->image.n);     /* for a plain put, all there is */
		p->rows.n = ENTRY_WRITE_ROOM;
	}
	entry_put_row(&p->rows, row);
	p->nrows++;
}

void change_row(struct change *c, struct bytes key, struct bytes image)
{
	put_row(&c->part, &(struct entry_row){ .flags = image.n > 0 ? ENTRY_ROW_PUT : ENTRY_ROW_DELETE, .key = key, .image = image });
}

/* --- indexes ------------------------------------------------------------------------------------------------------ */

/* The row of image in x: its key into c->key[which], the row where it may be found.  False: none. */
static bool row_of(struct change *c, const struct index *x, struct bytes key, struct bytes image, int which, struct bytes *row)
{
	buf_clear(&c->key[which]);
	if (image.n == 0 || !index_key(x, c->n->hasher, key, image, &c->key[which]))
		return false;
	*row = image;
	if (x->projection != INDEX_ALL) {
		buf_clear(&c->row[which]);
		index_project(x, image, &c->row[which]);
		*row = buf_view(&c->row[which]);
	}
	return true;
}

static void move_one(struct change *c, const struct index *x, const struct change_item *i, struct buf *moves, bool *comes)
{
	struct bytes was = BYTES_NONE, is = BYTES_NONE, before, after;
	bool had = row_of(c, x, i->key, i->old, OLD, &was), has = row_of(c, x, i->key, i->new, NEW, &is);
	bool stays;

	before = buf_view(&c->key[OLD]);
	after = buf_view(&c->key[NEW]);
	stays = had && has && bytes_eq(before, after);
	if ((!had && !has) || (stays && bytes_eq(was, is)))
		return;
#ifdef MUTANT_GLOBAL_INDEX_STALE
	had = had && (x->local || !has);
#endif
	if (!x->local) {
		*comes |= has;
		MSG_LIST_PUT(moves, index_move, (&(struct msg_index_move){ x->id, had && !stays ? before : BYTES_NONE,
									  has ? after : BYTES_NONE }), MSG_VERSION);
		return;
	}
#ifndef MUTANT_LOCAL_INDEX_STALE
	if (had && !stays)
		change_row(c, before, BYTES_NONE);
#endif
	if (has)
		change_row(c, after, is);
}

static void add_moves(struct change_part *p, struct bytes item, const struct buf *moves)
{
	p->moves.max = PART_BYTES_MAX;
	MSG_LIST_PUT(&p->moves, index_change, (&(struct msg_index_change){ item, buf_view(moves) }), MSG_VERSION);
}

static void move_all(struct change *c, const struct change_item *i)
{
	struct buf moves = { 0 };
	bool comes = false;

	for (size_t k = 0; k < c->set->n; k++)
		move_one(c, &c->set->v[k], i, &moves, &comes);
	if (moves.n > 0)
		add_moves(&c->part, comes ? i->new : BYTES_NONE, &moves);
	buf_fini(&moves);
}

/* What was added last, from these places on, begins a new entry. */
static void part_ways(struct change *c, size_t rows_n, size_t moves_n, uint32_t nrows)
{
	struct change_part *p;
	struct change_part next = { .nrows = c->part.nrows - nrows };

	c->full = mem_resize(c->full, (c->nfull + 1) * sizeof *c->full);
	p = &c->full[c->nfull++];
	*p = c->part;
	next.rows.max = next.moves.max = PART_BYTES_MAX;
	buf_room(&next.rows, ENTRY_WRITE_ROOM);
	next.rows.n = ENTRY_WRITE_ROOM;
	buf_put(&next.rows, p->rows.p + rows_n, p->rows.n - rows_n);
	buf_put(&next.moves, p->moves.p + moves_n, p->moves.n - moves_n);
	c->over |= p->rows.over || p->moves.over;
	p->rows.n = rows_n;
	p->moves.n = moves_n;
	p->nrows = nrows;
	c->part = next;
}

void change_item(struct change *c, const struct change_item *i)
{
	size_t rows_n = c->part.rows.n, moves_n = c->part.moves.n;
	uint32_t nrows = c->part.nrows;
	unsigned flags = i->new.n > 0 ? ENTRY_ROW_PUT : ENTRY_ROW_DELETE;

	flags |= (i->lock.n > 0 ? ENTRY_ROW_LOCK : 0) | (i->expired ? ENTRY_ROW_EXPIRED : 0);
	put_row(&c->part, &(struct entry_row){ .flags = (uint8_t)flags, .key = i->key, .image = i->new, .lock = i->lock });
	if (c->set->n > 0 && i->lock.n == 0)
		move_all(c, i);
	if (c->apart && nrows > 0 && change_over(c))
		part_ways(c, rows_n, moves_n, nrows);
	c->over = change_over(c);
}

bool change_move(struct change *c, const struct index *x, struct bytes key, struct bytes item)
{
	struct buf moves = { 0 };

	buf_clear(&c->key[NEW]);
	if (!index_key(x, c->n->hasher, key, item, &c->key[NEW]))
		return false;
	MSG_LIST_PUT(&moves, index_move, (&(struct msg_index_move){ x->id, BYTES_NONE, buf_view(&c->key[NEW]) }), MSG_VERSION);
	add_moves(&c->part, item, &moves);
	buf_fini(&moves);
	return true;
}

void change_units(const struct index_set *set, struct bytes old, struct bytes new, struct buf *list)
{
	for (size_t i = 0; i < set->n; i++) {
		uint64_t units = index_write_units(&set->v[i], old, new);

		if (units > 0)
			MSG_LIST_PUT(list, index_units, (&(struct msg_index_units){ set->v[i].id, (uint32_t)units }), MSG_VERSION);
	}
}

size_t change_worst(const struct index_set *set, size_t image_bytes)
{
	size_t images = 1 + set->locals + (set->n > set->locals);

	return OUTBOX_BYTES + ENTRY_KEY_BYTES_MAX + images * (image_bytes + 16) + set->n * 2 * (KEY_BYTES_MAX + 32);
}

/* --- proposing ---------------------------------------------------------------------------------------------------- */

static struct bytes entry_of(struct change_part *p, uint64_t timestamp)
{
	struct own_key key = own_outbox(timestamp);

	if (p->moves.n > 0)
		put_row(p, &(struct entry_row){ .flags = ENTRY_ROW_PUT, .key = own_view(&key), .image = buf_view(&p->moves) });
	return entry_write_around(&p->rows, timestamp, p->nrows);
}

/*
 * Items of large rows fill several entries: each stands for itself, so nothing needs them to be one.  All rows were copied before
 * the first is proposed, for they may come from what a step takes away.
 */
enum px_verdict change_propose(struct change *c, uint64_t after, uint64_t *slot)
{
	uint64_t timestamp = group_timestamp(c->n, c->g);
	enum px_verdict v = PX_OK;

	assert(change_any(c) && !change_over(c));
	if (timestamp <= after)
		timestamp = after + 1;
	for (size_t i = 0; i <= c->nfull && v == PX_OK; i++) {
		c->timestamp = timestamp++;
		v = group_propose(c->n, c->g, entry_of(i < c->nfull ? &c->full[i] : &c->part, c->timestamp), NULL, slot);
	}
	return v;
}
