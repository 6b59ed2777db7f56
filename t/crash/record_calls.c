/* The node's own system calls.  Reads pass unseen. */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mem.h"
#include "record.h"

struct record record;

/* The originals, and what the node's calls are linked to. */
int __real_openat(int dir, const char *name, int flags, ...);
ssize_t __real_pwrite(int fd, const void *p, size_t n, off_t off);
int __real_posix_fallocate(int fd, off_t off, off_t n);
int __real_renameat(int from_dir, const char *from, int to_dir, const char *to);
int __real_unlinkat(int dir, const char *name, int flags);
int __real_mkdir(const char *path, mode_t mode);
int __wrap_openat(int dir, const char *name, int flags, ...);
ssize_t __wrap_pwrite(int fd, const void *p, size_t n, off_t off);
int __wrap_posix_fallocate(int fd, off_t off, off_t n);
int __wrap_renameat(int from_dir, const char *from, int to_dir, const char *to);
int __wrap_unlinkat(int dir, const char *name, int flags);
int __wrap_mkdir(const char *path, mode_t mode);
int __wrap_fsync(int fd);
int __wrap_fdatasync(int fd);

static uint32_t object_of(int fd)
{
	struct stat st;

	if (record.disk == NULL || fstat(fd, &st) != 0)
		return 0;
	return disk_object(record.disk, st.st_ino);
}

void record_pause(void)
{
	static _Atomic unsigned n;

	if (record.disk != NULL && record.sync_us_max > 0)
		usleep(++n * 2654435761u % record.sync_us_max);
}

int __wrap_openat(int dir, const char *name, int flags, ...)
{
	uint32_t in = object_of(dir);
	struct stat st;
	bool was_there;
	mode_t mode = 0;
	int fd;

	if ((flags & O_CREAT) != 0) {
		va_list ap;

		va_start(ap, flags);
		mode = va_arg(ap, mode_t);
		va_end(ap);
	}
	was_there = fstatat(dir, name, &st, 0) == 0;
	fd = __real_openat(dir, name, flags, mode);
	assert((flags & O_TRUNC) == 0);
	if (fd >= 0 && in != 0 && !was_there && fstat(fd, &st) == 0)
		disk_create(record.disk, in, name, st.st_ino, false);
	return fd;
}

ssize_t __wrap_pwrite(int fd, const void *p, size_t n, off_t off)
{
	uint32_t o = object_of(fd);

	if (o != 0)
		disk_write(record.disk, o, (uint64_t)off, p, n);
	return __real_pwrite(fd, p, n, off);
}

int __wrap_posix_fallocate(int fd, off_t off, off_t n)
{
	uint32_t o = object_of(fd);

	if (o != 0)
		disk_extend(record.disk, o, (uint64_t)(off + n));
	return __real_posix_fallocate(fd, off, n);
}

int __wrap_renameat(int from_dir, const char *from, int to_dir, const char *to)
{
	uint32_t o = object_of(from_dir);
	struct stat st;

	if (o != 0 && fstatat(from_dir, from, &st, 0) == 0) {
		assert(o == object_of(to_dir));
		disk_rename(record.disk, o, from, to);
	}
	return __real_renameat(from_dir, from, to_dir, to);
}

int __wrap_unlinkat(int dir, const char *name, int flags)
{
	uint32_t o = object_of(dir);
	struct stat st;

	if (o != 0 && fstatat(dir, name, &st, 0) == 0)
		disk_unlink(record.disk, o, name);
	return __real_unlinkat(dir, name, flags);
}

int __wrap_mkdir(const char *path, mode_t mode)
{
	int r = __real_mkdir(path, mode);
	char *parent;
	struct stat in, st;

	if (r != 0 || record.disk == NULL)
		return r;
	parent = mem_str(path);
	*strrchr(parent, '/') = '\0';
	assert(stat(parent, &in) == 0 && stat(path, &st) == 0);
	disk_create(record.disk, disk_object(record.disk, in.st_ino), strrchr(path, '/') + 1, st.st_ino, true);
	free(parent);
	return r;
}

int __wrap_fsync(int fd)
{
	uint32_t o = object_of(fd);
	struct stat st;
	size_t begin;

	if (o == 0 || fstat(fd, &st) != 0 || record.lie == (S_ISDIR(st.st_mode) ? RECORD_LIE_NAMES : RECORD_LIE_LOG))
		return 0;
	begin = disk_sync_begin(record.disk);
	record_pause();
	disk_synced(record.disk, o, begin);
	return 0;
}

int __wrap_fdatasync(int fd)
{
	return __wrap_fsync(fd);
}
