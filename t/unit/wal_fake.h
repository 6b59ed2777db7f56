/*
 * wal_fake: a disk in memory under wal, for tests.  Submits wait until fake_step; the page cache and the platter are two images.
 */
#ifndef T_WAL_FAKE_H
#define T_WAL_FAKE_H

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "wal.h"

#define FAKE_FILES 64

struct fake_file {
	uint64_t seq;                    /* 0: free */
	size_t n;
	uint8_t *p;
};

struct fake {
	struct fake_file file[FAKE_FILES];
	struct { uint64_t seq, off; const uint8_t *p; size_t n; bool there; } job;
	int syncs, prepares, recycles;
	uint64_t random;
	bool keep_old;                   /* a new segment takes over the bytes of a recycled one */
	uint8_t *old;
	size_t old_n;
};

static uint64_t fake_random(void *arg)
{
	struct fake *f = arg;

	f->random = f->random * 6364136223846793005u + 1442695040888963407u;
	return f->random ^ f->random >> 29;
}

static struct fake_file *fake_find(struct fake *f, uint64_t seq)
{
	for (int i = 0; i < FAKE_FILES; i++)
		if (f->file[i].seq == seq)
			return &f->file[i];
	return NULL;
}

static int fake_list(void *ctx, uint64_t *out, int max)
{
	struct fake *f = ctx;
	int n = 0;

	for (int i = 0; i < FAKE_FILES; i++) {
		int at = n;

		if (f->file[i].seq == 0)
			continue;
		assert(n < max);
		while (at > 0 && out[at - 1] > f->file[i].seq) {
			out[at] = out[at - 1];
			at--;
		}
		out[at] = f->file[i].seq;
		n++;
	}
	return n;
}

static long fake_read(void *ctx, uint64_t seq, uint64_t off, void *p, size_t n)
{
	struct fake_file *file = fake_find(ctx, seq);

	assert(file != NULL);
	if (off >= file->n)
		return 0;
	if (n > file->n - off)
		n = file->n - off;
	memcpy(p, file->p + off, n);
	return (long)n;
}

static int fake_sync(void *ctx, uint64_t seq)
{
	assert(fake_find(ctx, seq) != NULL);
	((struct fake *)ctx)->syncs++;
	return 0;
}

static void fake_prepare(void *ctx, uint64_t seq, uint64_t bytes)
{
	struct fake *f = ctx;
	struct fake_file *file = fake_find(f, seq);

	f->prepares++;
	if (file == NULL) {
		file = fake_find(f, 0);
		assert(file != NULL);
		*file = (struct fake_file){ .seq = seq };
		if (f->keep_old && f->old_n >= bytes) {
			file->p = f->old;
			file->n = f->old_n;
			f->old = NULL;
			f->old_n = 0;
		}
	}
	if (file->n < bytes) {
		file->p = mem_resize(file->p, bytes);
		memset(file->p + file->n, 0, bytes - file->n);
		file->n = bytes;
	}
}

static void fake_submit(void *ctx, uint64_t seq, uint64_t off, const void *p, size_t n)
{
	struct fake *f = ctx;

	assert(!f->job.there);
	f->job.seq = seq;
	f->job.off = off;
	f->job.p = p;
	f->job.n = n;
	f->job.there = true;
}

static void fake_recycle(void *ctx, uint64_t seq)
{
	struct fake *f = ctx;
	struct fake_file *file = fake_find(f, seq);

	assert(file != NULL);
	f->recycles++;
	free(f->old);
	f->old = file->p;
	f->old_n = file->n;
	*file = (struct fake_file){ 0 };
}

static struct wal_io fake_io(struct fake *f)
{
	return (struct wal_io){ f, fake_list, fake_read, fake_sync, fake_prepare, fake_submit, fake_recycle };
}

/* Carry out the job that waits, if any. */
static bool fake_step(struct fake *f, struct wal *w)
{
	struct fake_file *file = fake_find(f, f->job.seq);

	if (!f->job.there)
		return false;
	assert(file != NULL && f->job.off + f->job.n <= file->n);
	memcpy(file->p + f->job.off, f->job.p, f->job.n);
	f->job.there = false;
	wal_written(w);
	return true;
}

/* Power cut: of the job that waits each 512 bytes arrive or not. */
static void fake_crash(struct fake *f, unsigned percent)
{
	struct fake_file *file = fake_find(f, f->job.seq);

	for (size_t at = 0; f->job.there && at < f->job.n; at += 512)
		if (fake_random(f) % 100 < percent)
			memcpy(file->p + f->job.off + at, f->job.p + at, 512);
	f->job.there = false;
}

static void fake_fini(struct fake *f)
{
	for (int i = 0; i < FAKE_FILES; i++)
		free(f->file[i].p);
	free(f->old);
	memset(f, 0, sizeof *f);
}

#endif
