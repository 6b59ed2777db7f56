#include "disk.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "disk_impl.h"
#include "mem.h"

static void scan_dir(struct disk *d, uint32_t dir, const char *path);

static uint32_t object_new(struct disk *d, ino_t ino, bool is_dir)
{
	if (d->nobjects == d->objects_room) {
		d->objects_room = d->objects_room == 0 ? 64 : 2 * d->objects_room;
		d->objects = mem_resize(d->objects, d->objects_room * sizeof *d->objects);
	}
	/* A number that the file system uses again belongs to the younger object. */
	for (uint32_t i = 1; i < d->nobjects; i++)
		if (d->objects[i].ino == ino)
			d->objects[i].ino = 0;
	d->objects[d->nobjects] = (struct disk_object){ .ino = ino, .is_dir = is_dir };
	return d->nobjects++;
}

static void scan_file(struct disk *d, uint32_t object, const char *path, size_t n)
{
	uint8_t *p = mem_new(n + 1);
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	assert(fd >= 0 && read(fd, p, n) == (ssize_t)n);
	close(fd);
	d->objects[object].p = p;
	d->objects[object].n = n;
}

static void scan_entry(struct disk *d, uint32_t dir, const char *path, const char *name)
{
	char *full = mem_fmt("%s/%s", path, name);
	size_t length = strlen(name);
	struct stat st;
	uint32_t o;

	/* SQLite makes its shared memory anew after a power cut. */
	if (length < 4 || strcmp(name + length - 4, "-shm") != 0) {
		assert(stat(full, &st) == 0);
		o = object_new(d, st.st_ino, S_ISDIR(st.st_mode));
		disk_link(&d->objects[dir], name, o);
		if (S_ISDIR(st.st_mode))
			scan_dir(d, o, full);
		else
			scan_file(d, o, full, (size_t)st.st_size);
	}
	free(full);
}

static void scan_dir(struct disk *d, uint32_t dir, const char *path)
{
	DIR *h = opendir(path);
	struct dirent *e;

	assert(h != NULL);
	while ((e = readdir(h)) != NULL)
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			scan_entry(d, dir, path, e->d_name);
	closedir(h);
}

struct disk *disk_new(const char *root)
{
	struct disk *d = mem_new(sizeof *d);
	struct stat st;

	pthread_mutex_init(&d->lock, NULL);
	assert(stat(root, &st) == 0);
	object_new(d, 0, false);                         /* 0 is none */
	d->objects[0].ino = 0;
	object_new(d, st.st_ino, true);
	scan_dir(d, 1, root);
	return d;
}

void disk_free(struct disk *d)
{
	if (d == NULL)
		return;
	for (size_t i = 0; i < d->nops; i++) {
		free(d->ops[i].data);
		free(d->ops[i].name);
		free(d->ops[i].to);
	}
	for (uint32_t i = 0; i < d->nobjects; i++)
		disk_object_fini(&d->objects[i]);
	free(d->objects);
	free(d->ops);
	pthread_mutex_destroy(&d->lock);
	free(d);
}

void disk_object_fini(struct disk_object *o)
{
	for (size_t i = 0; i < o->nentries; i++)
		free(o->entries[i].name);
	free(o->entries);
	free(o->p);
	free(o->pending);
}

void disk_link(struct disk_object *dir, const char *name, uint32_t object)
{
	disk_remove(dir, name);
	dir->entries = mem_resize(dir->entries, (dir->nentries + 1) * sizeof *dir->entries);
	dir->entries[dir->nentries++] = (struct disk_entry){ mem_str(name), object };
}

uint32_t disk_lookup(const struct disk_object *dir, const char *name)
{
	for (size_t i = 0; i < dir->nentries; i++)
		if (strcmp(dir->entries[i].name, name) == 0)
			return dir->entries[i].object;
	return 0;
}

bool disk_remove(struct disk_object *dir, const char *name)
{
	for (size_t i = 0; i < dir->nentries; i++) {
		if (strcmp(dir->entries[i].name, name) != 0)
			continue;
		free(dir->entries[i].name);
		dir->entries[i] = dir->entries[--dir->nentries];
		return true;
	}
	return false;
}

/* --- recording ------------------------------------------------------------------------------------------------------- */

static uint32_t object_of(struct disk *d, ino_t ino)
{
	for (uint32_t i = 1; i < d->nobjects; i++)
		if (d->objects[i].ino == ino)
			return i;
	return 0;
}

uint32_t disk_object(struct disk *d, ino_t ino)
{
	uint32_t o;

	pthread_mutex_lock(&d->lock);
	o = object_of(d, ino);
	pthread_mutex_unlock(&d->lock);
	return o;
}

static void record_locked(struct disk *d, struct disk_op op)
{
	if (d->nops == d->ops_room) {
		d->ops_room = d->ops_room == 0 ? 256 : 2 * d->ops_room;
		d->ops = mem_resize(d->ops, d->ops_room * sizeof *d->ops);
	}
	d->ops[d->nops++] = op;
}

static void record(struct disk *d, struct disk_op op)
{
	assert(op.object != 0);
	pthread_mutex_lock(&d->lock);
	record_locked(d, op);
	pthread_mutex_unlock(&d->lock);
}

void disk_create(struct disk *d, uint32_t dir, const char *name, ino_t ino, bool is_dir)
{
	pthread_mutex_lock(&d->lock);
	record_locked(d, (struct disk_op){ .kind = OP_LINK, .object = dir, .target = object_new(d, ino, is_dir),
	                                   .name = mem_str(name) });
	pthread_mutex_unlock(&d->lock);
}

void disk_write(struct disk *d, uint32_t file, uint64_t off, const void *p, size_t n)
{
	record(d, (struct disk_op){ .kind = OP_WRITE, .object = file, .off = off, .n = n, .data = mem_copy(p, n) });
}

void disk_extend(struct disk *d, uint32_t file, uint64_t size)
{
	record(d, (struct disk_op){ .kind = OP_EXTEND, .object = file, .off = size });
}

void disk_truncate(struct disk *d, uint32_t file, uint64_t size)
{
	record(d, (struct disk_op){ .kind = OP_TRUNCATE, .object = file, .off = size });
}

size_t disk_sync_begin(struct disk *d)
{
	return disk_now(d);
}

void disk_synced(struct disk *d, uint32_t object, size_t begin)
{
	record(d, (struct disk_op){ .kind = OP_SYNC, .object = object, .off = begin });
}

void disk_rename(struct disk *d, uint32_t dir, const char *from, const char *to)
{
	record(d, (struct disk_op){ .kind = OP_RENAME, .object = dir, .name = mem_str(from), .to = mem_str(to) });
}

void disk_unlink(struct disk *d, uint32_t dir, const char *name)
{
	record(d, (struct disk_op){ .kind = OP_UNLINK, .object = dir, .name = mem_str(name) });
}

size_t disk_now(struct disk *d)
{
	size_t n;

	pthread_mutex_lock(&d->lock);
	n = d->nops;
	pthread_mutex_unlock(&d->lock);
	return n;
}

uint64_t disk_syncs(struct disk *d)
{
	uint64_t n = 0;

	for (size_t i = 0; i < d->nops; i++)
		n += d->ops[i].kind == OP_SYNC;
	return n;
}

void disk_print(struct disk *d, size_t from, size_t to)
{
	static const char *const kind[] = { "write", "extend", "truncate", "sync", "link", "rename", "unlink" };

	for (size_t i = from; i < to && i < d->nops; i++) {
		const struct disk_op *op = &d->ops[i];

		printf("# %zu: %s %u %s %s target %u at %llu, %zu bytes\n", i, kind[op->kind], op->object, op->name != NULL ? op->name : "",
		       op->to != NULL ? op->to : "", op->target, (unsigned long long)op->off, op->n);
	}
}
