#include "store_files.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fault.h"
#include "log.h"
#include "mem.h"

#define STEM "%016" PRIx64 ".%08" PRIx32
#define STEM_CHARS 25
#define NAME_MAX_CHARS 64

static void name_of(struct store_file s, const char *suffix, char *out)
{
	snprintf(out, NAME_MAX_CHARS, STEM "%s", s.group, s.generation, suffix);
}

/* The suffix of a name that is one of ours, else NULL. */
static const char *parse(const char *name, struct store_file *out)
{
	char again[NAME_MAX_CHARS];

	if (strlen(name) < STEM_CHARS || strlen(name) >= NAME_MAX_CHARS)
		return NULL;
	out->group = strtoull(name, NULL, 16);
	out->generation = (uint32_t)strtoul(name + 17, NULL, 16);
	name_of(*out, name + STEM_CHARS, again);
	return strcmp(name, again) == 0 ? name + STEM_CHARS : NULL;
}

static int fail(const struct store_files *f, const char *name, const char *what)
{
	log_err("%s/%s: %s: %m", f->dir, name, what);
	return -1;
}

static int sync_dir(const struct store_files *f)
{
	if ((errno = fault_hit("store.dirsync")) != 0 || fsync(f->fd) != 0)
		return fail(f, "", "fsync");
	return 0;
}

static int unlink_one(const struct store_files *f, const char *name)
{
	if (unlinkat(f->fd, name, 0) != 0 && errno != ENOENT)
		return fail(f, name, "unlink");
	return 0;
}

static int unlink_suffixes(const struct store_files *f, struct store_file s, const char *const *suffix)
{
	char name[NAME_MAX_CHARS];

	for (; *suffix != NULL; suffix++) {
		name_of(s, *suffix, name);
		if (unlink_one(f, name) != 0)
			return -1;
	}
	return 0;
}

static int compare_files(const void *a, const void *b)
{
	const struct store_file *x = a, *y = b;

	if (x->group != y->group)
		return x->group < y->group ? -1 : 1;
	return x->generation < y->generation ? -1 : x->generation > y->generation;
}

/* Every generation there is, ascending.  Leftovers are removed when clean. */
static int read_dir(struct store_files *f, bool clean, struct store_file **out, size_t *n)
{
	struct store_file s, *all = NULL;
	DIR *d = opendir(f->dir);
	struct dirent *e;
	size_t cap = 0;
	int r = 0;

	*n = 0;
	if (d == NULL)
		return fail(f, "", "opendir");
	while (r == 0 && (errno = 0, e = readdir(d)) != NULL) {
		const char *suffix = parse(e->d_name, &s);

		if (suffix == NULL)
			continue;
		if (s.generation > f->generation)
			f->generation = s.generation;
		if (clean && (strncmp(suffix, ".new", 4) == 0 || strncmp(suffix, ".drop", 5) == 0))
			r = unlink_one(f, e->d_name);
		if (strcmp(suffix, ".db") != 0)
			continue;
		if (*n == STORE_FILES_GROUPS_MAX) {
			log_err("%s: more than %d stores", f->dir, STORE_FILES_GROUPS_MAX);
			r = -1;
			break;
		}
		if (*n == cap) {
			cap = cap > 0 ? cap * 2 : 64;
			all = mem_resize(all, cap * sizeof *all);
		}
		all[(*n)++] = s;
	}
	if (r == 0 && errno != 0)
		r = fail(f, "", "readdir");
	closedir(d);
	if (*n > 0)
		qsort(all, *n, sizeof *all, compare_files);
	*out = all;
	return r;
}

/* A -wal or -shm whose store is gone would be taken for a later store's if a name came back. */
static int remove_orphans(struct store_files *f, const struct store_file *all, size_t n)
{
	DIR *d = opendir(f->dir);
	struct dirent *e;
	struct store_file s;
	int r = 0;

	if (d == NULL)
		return fail(f, "", "opendir");
	while (r == 0 && (e = readdir(d)) != NULL) {
		const char *suffix = parse(e->d_name, &s);

		if (suffix == NULL || (strcmp(suffix, ".db-wal") != 0 && strcmp(suffix, ".db-shm") != 0))
			continue;
		if (n == 0 || bsearch(&s, all, n, sizeof *all, compare_files) == NULL)
			r = unlink_one(f, e->d_name);
	}
	closedir(d);
	return r;
}

/* The log is collected behind what is in here: the directory's own name must not go in a power cut. */
static int sync_parent(const struct store_files *f)
{
	int fd = openat(f->fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC), r;

	if (fd < 0)
		return fail(f, "..", "open");
	r = fsync(fd) != 0 ? fail(f, "..", "fsync") : 0;
	close(fd);
	return r;
}

int store_files_open(struct store_files *f, const char *dir)
{
	struct store_file *all = NULL;
	size_t n = 0;
	int r = -1;

	*f = (struct store_files){ .dir = mem_str(dir), .fd = -1 };
	if (mkdir(dir, 0700) != 0 && errno != EEXIST) {
		fail(f, "", "mkdir");
		goto out;
	}
	f->fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (f->fd < 0) {
		fail(f, "", "open");
		goto out;
	}
	if (sync_parent(f) != 0 || read_dir(f, true, &all, &n) != 0)
		goto out;
	for (size_t i = 0; i + 1 < n; i++)
		if (all[i].group == all[i + 1].group && store_files_remove(f, all[i]) != 0)
			goto out;
	r = remove_orphans(f, all, n);
out:
	free(all);
	if (r != 0)
		store_files_close(f);
	return r;
}

void store_files_close(struct store_files *f)
{
	free(f->dir);
	if (f->fd >= 0)
		close(f->fd);
	*f = (struct store_files){ .fd = -1 };
}

int store_files_list(struct store_files *f, struct store_file **out, size_t *n)
{
	return read_dir(f, false, out, n);
}

static void path_of(const struct store_files *f, struct store_file s, const char *suffix, char *out)
{
	int n = snprintf(out, STORE_FILES_PATH_MAX, "%s/" STEM "%s", f->dir, s.group, s.generation, suffix);

	assert(n > 0 && n < STORE_FILES_PATH_MAX);
}

void store_files_path(const struct store_files *f, struct store_file s, char *out)
{
	path_of(f, s, ".db", out);
}

void store_files_path_new(const struct store_files *f, struct store_file s, char *out)
{
	path_of(f, s, ".new", out);
}

int store_files_publish(struct store_files *f, struct store_file s)
{
	char from[NAME_MAX_CHARS], to[NAME_MAX_CHARS];
	int fd;

	name_of(s, ".new", from);
	name_of(s, ".db", to);
	fd = openat(f->fd, from, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return fail(f, from, "open");
	if ((errno = fault_hit("store.publish")) != 0 || fsync(fd) != 0) {
		fail(f, from, "fsync");
		close(fd);
		return -1;
	}
	close(fd);
	if (renameat(f->fd, from, f->fd, to) != 0)
		return fail(f, from, "rename");
	return sync_dir(f);
}

int store_files_discard(struct store_files *f, struct store_file s)
{
	static const char *const suffix[] = { ".new", ".new-wal", ".new-shm", ".new-journal", NULL };

	return unlink_suffixes(f, s, suffix);
}

int store_files_remove(struct store_files *f, struct store_file s)
{
	static const char *const suffix[] = { ".db-wal", ".db-shm", ".drop", NULL };
	char from[NAME_MAX_CHARS], to[NAME_MAX_CHARS];

	name_of(s, ".db", from);
	name_of(s, ".drop", to);
	/* The database must not outlive its -wal, without which a half-done checkpoint is damage. */
	if (renameat(f->fd, from, f->fd, to) != 0 && errno != ENOENT)
		return fail(f, from, "rename");
	if (sync_dir(f) != 0)
		return -1;
	return unlink_suffixes(f, s, suffix);
}
