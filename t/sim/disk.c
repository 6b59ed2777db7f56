/* Page cache and platter: a file's bytes are what reads see; its undo list is where the platter differs. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "sim.h"

#define RECENT_BYTES ((size_t)24 << 10)

static struct disk_file *find(struct disk *d, uint64_t seq)
{
	for (int i = 0; i < DISK_FILES; i++)
		if (d->file[i].seq == seq)
			return &d->file[i];
	return NULL;
}

static void forget_undo(struct disk_file *f)
{
	free(f->undo);
	free(f->undo_off);
	f->undo = NULL;
	f->undo_off = NULL;
	f->undo_n = 0;
}

static void remove_file(struct disk_file *f)
{
	forget_undo(f);
	free(f->p);
	*f = (struct disk_file){ 0 };
}

/* EIO or ENOSPC: which of them makes no difference to the core, for either ends the process. */
static bool fails(struct disk *d)
{
	if (d->fail_in == 0 || --d->fail_in > 0)
		return false;
	d->m->s->count.disk_errors++;
	world_say(d->m->s, "machine %u: disk error", d->m->index);
	return true;
}

/* --- struct wal_io ------------------------------------------------------------------------------------------------ */

static int list(void *ctx, uint64_t *out, int max)
{
	struct disk *d = ctx;
	int n = 0;

	if (fails(d))
		return -1;
	for (int i = 0; i < DISK_FILES; i++) {
		int at = n;

		if (d->file[i].seq == 0)
			continue;
		assert(n < max);
		for (; at > 0 && out[at - 1] > d->file[i].seq; at--)
			out[at] = out[at - 1];
		out[at] = d->file[i].seq;
		n++;
	}
	return n;
}

static long read_at(void *ctx, uint64_t seq, uint64_t off, void *p, size_t n)
{
	struct disk *d = ctx;
	const struct disk_file *f = find(d, seq);

	assert(f != NULL);
	if (!d->m->up && fails(d))
		return -1;
	if (off >= f->n)
		return 0;
	if (n > f->n - off)
		n = f->n - off;
	memcpy(p, f->p + off, n);
	return (long)n;
}

static int sync_file(void *ctx, uint64_t seq)
{
	struct disk *d = ctx;

	if (fails(d))
		return -1;
	forget_undo(find(d, seq));
	return 0;
}

static void use_spare(struct disk *d, struct disk_file *f, uint64_t bytes)
{
	if (d->spare == NULL && d->ghost.seq != 0 && world_chance(d->m->s, 500)) {
		d->spare = d->ghost.p;
		d->spare_n = d->ghost.n;
		d->ghost.p = NULL;
		remove_file(&d->ghost);
	}
	if (d->spare == NULL || d->spare_n < bytes)
		return;
	f->p = d->spare;
	f->n = d->spare_n;
	d->spare = NULL;
}

static void prepare(void *ctx, uint64_t seq, uint64_t bytes)
{
	struct disk *d = ctx;
	struct disk_file *f = find(d, seq);

	if (f == NULL) {
		f = find(d, 0);
		assert(f != NULL);
		*f = (struct disk_file){ .seq = seq, .fresh = true };
		use_spare(d, f, bytes);
	}
	if (f->n < bytes) {
		f->p = mem_resize(f->p, bytes);
		memset(f->p + f->n, 0, bytes - f->n);
		f->n = bytes;
	}
	if (fails(d))
		machine_die(d->m, CRASH_KILL, world_below(d->m->s, 300 * MS));
}

static uint64_t latency(struct disk *d)
{
	struct sim *s = d->m->s;

	if (s->now < d->slow_until)
		return 20 * MS + world_below(s, 600 * MS);
	return 50 + world_spread(s, s->k.sync_us);
}

static void submit(void *ctx, uint64_t seq, uint64_t off, const void *p, size_t n)
{
	struct disk *d = ctx;
	struct machine *m = d->m;
	struct disk_file *f = find(d, seq);

	assert(!d->job.there && f != NULL && off + n <= f->n && off % SEG_BLOCK == 0 && n % SEG_BLOCK == 0);
	d->job.there = true;
	d->job.seq = seq;
	d->job.off = off;
	d->job.p = p;
	d->job.n = n;
	d->job.since = m->s->now;
	f->fresh = false;
	if (f->used < off + n)
		f->used = off + n;
	if (fails(d)) {
		machine_die(m, CRASH_KILL, world_below(m->s, 300 * MS));
		return;
	}
	world_at(m->s, m->s->now + latency(d),
		 (struct sim_event){ .kind = SIM_DISK, .machine = m->index, .life = m->life });
}

/* The name of the one before is gone for good now. */
static void lay_ghost(struct disk *d)
{
	if (d->ghost.seq == 0)
		return;
	free(d->spare);
	d->spare = d->ghost.p;
	d->spare_n = d->ghost.n;
	d->ghost.p = NULL;
	remove_file(&d->ghost);
}

static void recycle(void *ctx, uint64_t seq)
{
	struct disk *d = ctx;
	struct disk_file *f = find(d, seq);

	assert(f != NULL);
	lay_ghost(d);
	d->ghost = *f;
	*f = (struct disk_file){ 0 };
	d->m->s->count.collections++;
}

struct wal_io disk_io(struct disk *d)
{
	return (struct wal_io){ d, list, read_at, sync_file, prepare, submit, recycle };
}

bool disk_healthy(const struct disk *d)
{
	return !d->job.there || d->m->s->now - d->job.since < d->m->s->options.lease_us / 2;
}

/* --- what happens to it ------------------------------------------------------------------------------------------- */

void disk_done(struct disk *d)
{
	struct disk_file *f = find(d, d->job.seq);

	assert(d->job.there && f != NULL);
	memcpy(f->p + d->job.off, d->job.p, d->job.n);
	forget_undo(f);
	d->job.there = false;
	d->tail_seq = d->job.seq;
	d->tail_off = d->job.off;
}

/* The sectors before `sectors` reached the page cache; when the platter gets them is another matter. */
static void half_written(struct disk *d, struct disk_file *f, size_t sectors)
{
	forget_undo(f);
	if (sectors == 0)
		return;
	f->undo = mem_resize(NULL, sectors * DISK_SECTOR);
	f->undo_off = mem_resize(NULL, sectors * sizeof *f->undo_off);
	for (size_t i = 0; i < sectors; i++) {
		size_t off = d->job.off + i * DISK_SECTOR;

		memcpy(f->undo + i * DISK_SECTOR, f->p + off, DISK_SECTOR);
		memcpy(f->p + off, d->job.p + i * DISK_SECTOR, DISK_SECTOR);
		f->undo_off[f->undo_n++] = off;
	}
}

static void interrupt(struct disk *d, enum crash how)
{
	struct sim *s = d->m->s;
	struct disk_file *f = find(d, d->job.seq);
	size_t sectors = d->job.n / DISK_SECTOR, kept = 0;
	unsigned permille = (unsigned)world_below(s, 4) * 333;

	if (how == CRASH_KILL) {
		kept = world_chance(s, 300) ? 0 : world_chance(s, 600) ? sectors : world_below(s, sectors + 1);
		half_written(d, f, kept);
	}
	for (size_t i = 0; how == CRASH_POWER && i < sectors; i++)
		if (permille == 999 || world_chance(s, permille)) {
			memcpy(f->p + d->job.off + i * DISK_SECTOR, d->job.p + i * DISK_SECTOR, DISK_SECTOR);
			kept++;
		}
	s->count.lost_writes += kept == 0;
	s->count.torn_writes += kept > 0 && kept < sectors;
	d->job.there = false;
}

static void power_cut(struct disk *d)
{
	struct sim *s = d->m->s;

	for (int k = 0; k < DISK_FILES; k++) {
		struct disk_file *f = &d->file[k];

		for (size_t i = 0; i < f->undo_n; i++)
			if (world_chance(s, 500))
				memcpy(f->p + f->undo_off[i], f->undo + i * DISK_SECTOR, DISK_SECTOR);
		forget_undo(f);
	}
	if (d->ghost.seq != 0 && world_chance(s, 500)) {
		struct disk_file *f = find(d, 0);

		assert(f != NULL);
		*f = d->ghost;
		d->ghost = (struct disk_file){ 0 };
		s->count.undone_names++;
	}
	lay_ghost(d);
}

void disk_crash(struct disk *d, enum crash how)
{
	struct sim *s = d->m->s;

	if (d->job.there)
		interrupt(d, how);
	if (how == CRASH_POWER)
		power_cut(d);
	for (int i = 0; i < DISK_FILES; i++)
		if (d->file[i].fresh && world_chance(s, 400))
			remove_file(&d->file[i]);
}

void disk_wipe(struct disk *d)
{
	for (int i = 0; i < DISK_FILES; i++)
		remove_file(&d->file[i]);
	remove_file(&d->ghost);
	free(d->spare);
	d->spare = NULL;
	d->job.there = false;
	d->tail_seq = d->tail_off = 0;
	d->fail_in = 0;
}

static size_t proven(const struct disk *d, const struct disk_file *f)
{
	return f->seq == 0 || f->seq > d->tail_seq ? 0 : f->seq == d->tail_seq ? d->tail_off : f->used;
}

/* Segments in the order of their age. */
static struct disk_file *next_file(struct disk *d, const struct disk_file *than)
{
	struct disk_file *best = NULL;

	for (int i = 0; i < DISK_FILES; i++)
		if (d->file[i].seq != 0 && d->file[i].seq > (than != NULL ? than->seq : 0) &&
		    (best == NULL || d->file[i].seq < best->seq))
			best = &d->file[i];
	return best;
}

/*
 * Damage in the header of the newest segment and, besides, at the end of the one before cannot be told from a torn
 * tail: so a header is hit alone.
 */
enum disk_flip disk_flip(struct disk *d, bool headers)
{
	struct sim *s = d->m->s;
	size_t total = 0, at;

	for (int i = 0; i < DISK_FILES; i++)
		total += proven(d, &d->file[i]);
	if (total == 0)
		return DISK_FLIP_NONE;
	/* Mostly where it hurts: in what is newest. */
	at = total - 1 - world_below(s, world_chance(s, 300) || total < RECENT_BYTES ? total : RECENT_BYTES);
	for (struct disk_file *f = next_file(d, NULL); f != NULL; f = next_file(d, f)) {
		if (at < proven(d, f)) {
			if (at < SEG_HEADER_BYTES && !headers)
				return DISK_FLIP_NONE;
			f->p[at] ^= (uint8_t)(1u << world_below(s, 8));
			world_say(s, "machine %u: a bit flips in segment %llu at %zu", d->m->index, U(f->seq), at);
			return at < SEG_HEADER_BYTES ? DISK_FLIP_HEADER : DISK_FLIP_RECORD;
		}
		at -= proven(d, f);
	}
	return DISK_FLIP_NONE;
}
