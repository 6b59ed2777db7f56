#include <assert.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "disk_impl.h"
#include "mem.h"

#define PAGE 4096u
#define SECTOR 512u

const char *const disk_mode_name[DISK_MODES] = { "nothing unsynced", "everything", "some pages", "torn pages", "mixed" };

struct disk_replay {
	struct disk *d;
	struct disk_object *objects;             /* own synced state; the disk's is that of its beginning */
	size_t at;
	/* of the state being made */
	enum disk_mode mode;
	uint64_t (*random)(void *arg);
	void *arg;
	uint64_t unsynced;
};

struct disk_replay *disk_replay_new(struct disk *d)
{
	struct disk_replay *r = mem_new(sizeof *r);

	r->d = d;
	r->objects = mem_new(d->nobjects * sizeof *r->objects);
	for (uint32_t i = 0; i < d->nobjects; i++) {
		const struct disk_object *o = &d->objects[i];

		r->objects[i] = (struct disk_object){ .is_dir = o->is_dir, .n = o->n, .room = o->n + 1 };
		r->objects[i].p = mem_copy(o->p != NULL ? o->p : (const uint8_t *)"", o->n);
		for (size_t k = 0; k < o->nentries; k++)
			disk_link(&r->objects[i], o->entries[k].name, o->entries[k].object);
	}
	return r;
}

void disk_replay_free(struct disk_replay *r)
{
	for (uint32_t i = 0; i < r->d->nobjects; i++)
		disk_object_fini(&r->objects[i]);
	free(r->objects);
	free(r);
}

/* --- applying operations ---------------------------------------------------------------------------------------------- */

static void resize(struct disk_object *o, size_t n)
{
	if (n > o->room) {
		o->room = 2 * n;
		o->p = mem_resize(o->p, o->room);
	}
	if (n > o->n)
		memset(o->p + o->n, 0, n - o->n);
	o->n = n;
}

static size_t size_after(size_t n, const struct disk_op *op)
{
	switch (op->kind) {
	case OP_WRITE: return op->off + op->n > n ? op->off + op->n : n;
	case OP_EXTEND: return op->off > n ? op->off : n;
	case OP_TRUNCATE: return op->off;
	default: return n;
	}
}

/* The part of a write that falls into lo..hi. */
static void apply_within(struct disk_object *o, const struct disk_op *op, uint64_t lo, uint64_t hi)
{
	uint64_t from = op->off > lo ? op->off : lo, to = op->off + op->n < hi ? op->off + op->n : hi;

	if (to > o->n)
		to = o->n;
	if (op->kind == OP_WRITE && from < to)
		memcpy(o->p + from, op->data + (from - op->off), to - from);
}

static void apply_file(struct disk_object *o, const struct disk_op *op)
{
	resize(o, size_after(o->n, op));
	apply_within(o, op, 0, UINT64_MAX);
}

static void apply_dir(struct disk_object *o, const struct disk_op *op)
{
	uint32_t object;

	switch (op->kind) {
	case OP_LINK:
		disk_link(o, op->name, op->target);
		break;
	case OP_UNLINK:
		disk_remove(o, op->name);
		break;
	case OP_RENAME:
		object = disk_lookup(o, op->name);
		if (object != 0) {
			disk_remove(o, op->name);
			disk_link(o, op->to, object);
		}
		break;
	default:
		break;
	}
}

static void synced(struct disk_replay *r, struct disk_object *o, size_t begin)
{
	size_t k = 0;

	while (k < o->npending && o->pending[k] < begin) {
		const struct disk_op *op = &r->d->ops[o->pending[k++]];

		if (o->is_dir)
			apply_dir(o, op);
		else
			apply_file(o, op);
	}
	if (k > 0)
		memmove(o->pending, o->pending + k, (o->npending - k) * sizeof *o->pending);
	o->npending -= k;
}

void disk_replay_to(struct disk_replay *r, size_t moment)
{
	assert(moment >= r->at && moment <= r->d->nops);
	for (; r->at < moment; r->at++) {
		const struct disk_op *op = &r->d->ops[r->at];
		struct disk_object *o = &r->objects[op->object];

		if (op->kind == OP_SYNC) {
			synced(r, o, op->off);
			continue;
		}
		if (o->npending == o->pending_room) {
			o->pending_room = o->pending_room == 0 ? 16 : 2 * o->pending_room;
			o->pending = mem_resize(o->pending, o->pending_room * sizeof *o->pending);
		}
		o->pending[o->npending++] = r->at;
	}
}

/* --- a state ----------------------------------------------------------------------------------------------------------- */

static uint64_t dice(struct disk_replay *r, uint64_t n)
{
	return r->random(r->arg) % n;
}

static void copy_object(struct disk_object *to, const struct disk_object *o)
{
	*to = (struct disk_object){ .is_dir = o->is_dir, .n = o->n, .room = o->n + 1 };
	to->p = mem_copy(o->p, o->n);
	for (size_t i = 0; i < o->nentries; i++)
		disk_link(to, o->entries[i].name, o->entries[i].object);
}

static void whole_prefix(struct disk_replay *r, struct disk_object *out, const struct disk_object *o, size_t k)
{
	for (size_t i = 0; i < k; i++)
		apply_file(out, &r->d->ops[o->pending[i]]);
}

/* How many of the pending writes of this page reached the disk; the rest of them did not. */
static void page_state(struct disk_replay *r, struct disk_object *out, const struct disk_object *o, uint64_t page, bool torn)
{
	size_t touching = 0, keep, older;

	for (size_t i = 0; i < o->npending; i++) {
		const struct disk_op *op = &r->d->ops[o->pending[i]];

		touching += op->kind == OP_WRITE && op->off < page + PAGE && op->off + op->n > page;
	}
	if (touching == 0)
		return;
	keep = dice(r, touching + 1);
	older = dice(r, keep + 1);
	for (uint64_t sector = page; sector < page + PAGE; sector += SECTOR) {
		size_t left = torn && dice(r, 2) == 0 ? older : keep;

		for (size_t i = 0; i < o->npending && left > 0; i++) {
			const struct disk_op *op = &r->d->ops[o->pending[i]];

			if (op->kind != OP_WRITE || op->off >= page + PAGE || op->off + op->n <= page)
				continue;
			left--;
			apply_within(out, op, sector, sector + SECTOR);
		}
	}
}

static void file_state(struct disk_replay *r, struct disk_object *out, const struct disk_object *o)
{
	enum disk_mode mode = r->mode == DISK_MIXED ? (enum disk_mode)dice(r, DISK_MIXED) : r->mode;
	bool truncated = false;
	size_t full, sizes;

	copy_object(out, o);
	if (mode == DISK_NOTHING || o->npending == 0)
		return;
	full = out->n;
	for (size_t i = 0; i < o->npending; i++) {
		truncated |= r->d->ops[o->pending[i]].kind == OP_TRUNCATE;
		full = size_after(full, &r->d->ops[o->pending[i]]);
	}
	if (mode == DISK_EVERYTHING || truncated) {
		whole_prefix(r, out, o, mode == DISK_EVERYTHING ? o->npending : dice(r, o->npending + 1));
		return;
	}
	sizes = dice(r, 2) == 0 ? o->npending : dice(r, o->npending + 1);
	for (size_t i = 0; i < sizes; i++)
		resize(out, size_after(out->n, &r->d->ops[o->pending[i]]));
	for (uint64_t page = 0; page < full; page += PAGE)
		page_state(r, out, o, page, mode == DISK_TORN);
}

static bool is_tainted(char **tainted, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (name != NULL && strcmp(tainted[i], name) == 0)
			return true;
	return false;
}

/* Names: a prefix of what happened, or with some lost from the middle, and all that came later of the same names. */
static void dir_state(struct disk_replay *r, struct disk_object *out, const struct disk_object *o)
{
	enum disk_mode mode = r->mode == DISK_MIXED ? (enum disk_mode)dice(r, DISK_MIXED) : r->mode;
	size_t keep = mode == DISK_NOTHING ? 0 : mode == DISK_EVERYTHING ? o->npending : dice(r, o->npending + 1), ntainted = 0;
	bool holes = mode == DISK_TORN && dice(r, 2) == 0;
	char **tainted = mem_new((2 * o->npending + 1) * sizeof *tainted);

	copy_object(out, o);
	for (size_t i = 0; i < (holes ? o->npending : keep); i++) {
		const struct disk_op *op = &r->d->ops[o->pending[i]];

		if (holes && (dice(r, 2) == 0 || is_tainted(tainted, ntainted, op->name) || is_tainted(tainted, ntainted, op->to))) {
			tainted[ntainted++] = op->name;
			if (op->to != NULL)
				tainted[ntainted++] = op->to;
			continue;
		}
		apply_dir(out, op);
	}
	free(tainted);
}

static void write_file(const char *path, const struct disk_object *o)
{
	static const uint8_t zeros[PAGE];
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	assert(fd >= 0);
	for (size_t at = 0; at < o->n;) {
		size_t end = at;

		while (end < o->n && memcmp(o->p + end, zeros, o->n - end < PAGE ? o->n - end : PAGE) != 0)
			end += o->n - end < PAGE ? o->n - end : PAGE;
		if (end > at)
			assert(pwrite(fd, o->p + at, end - at, (off_t)at) == (ssize_t)(end - at));
		at = end + PAGE;
	}
	assert(ftruncate(fd, (off_t)o->n) == 0);
	close(fd);
}

static void make(struct disk_replay *r, uint32_t object, const char *path)
{
	const struct disk_object *o = &r->objects[object];
	struct disk_object state;

	for (size_t i = 0; i < o->npending; i++)
		r->unsynced += r->d->ops[o->pending[i]].n;
	if (!o->is_dir) {
		file_state(r, &state, o);
		write_file(path, &state);
	} else {
		dir_state(r, &state, o);
		assert(mkdir(path, 0700) == 0);
		for (size_t i = 0; i < state.nentries; i++) {
			char *full = mem_fmt("%s/%s", path, state.entries[i].name);

			make(r, state.entries[i].object, full);
			free(full);
		}
	}
	disk_object_fini(&state);
}

uint64_t disk_replay_state(struct disk_replay *r, enum disk_mode mode, uint64_t (*random)(void *arg), void *arg, const char *to)
{
	r->mode = mode;
	r->random = random;
	r->arg = arg;
	r->unsynced = 0;
	make(r, 1, to);
	return r->unsynced;
}
