/* SQLite's system calls: a VFS over the usual one, which it passes everything on to. */
#include <assert.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mem.h"
#include "record.h"

struct file {
	sqlite3_file base;
	uint32_t object, dir;            /* 0: not watched */
	bool name_unsynced;              /* a new journal: SQLite syncs its directory at its first sync */
	sqlite3_file *real;
};

static sqlite3_vfs *real_vfs;

#define FILE_OF(f) ((struct file *)(f))
#define REAL(f) (FILE_OF(f)->real)
#define WATCHED(f) (record.disk != NULL && FILE_OF(f)->object != 0)

static int x_close(sqlite3_file *f)
{
	int rc = REAL(f)->pMethods->xClose(REAL(f));

	free(REAL(f));
	return rc;
}

static int x_read(sqlite3_file *f, void *p, int n, sqlite3_int64 off)
{
	return REAL(f)->pMethods->xRead(REAL(f), p, n, off);
}

static int x_write(sqlite3_file *f, const void *p, int n, sqlite3_int64 off)
{
	if (WATCHED(f))
		disk_write(record.disk, FILE_OF(f)->object, (uint64_t)off, p, (size_t)n);
	return REAL(f)->pMethods->xWrite(REAL(f), p, n, off);
}

static int x_truncate(sqlite3_file *f, sqlite3_int64 size)
{
	if (WATCHED(f))
		disk_truncate(record.disk, FILE_OF(f)->object, (uint64_t)size);
	return REAL(f)->pMethods->xTruncate(REAL(f), size);
}

static int x_sync(sqlite3_file *f, int flags)
{
	size_t begin;

	(void)flags;
	if (!WATCHED(f) || record.lie == RECORD_LIE_STORE)
		return SQLITE_OK;
	begin = disk_sync_begin(record.disk);
	record_pause();
	disk_synced(record.disk, FILE_OF(f)->object, begin);
	if (FILE_OF(f)->name_unsynced && record.lie != RECORD_LIE_NAMES) {
		begin = disk_sync_begin(record.disk);
		disk_synced(record.disk, FILE_OF(f)->dir, begin);
		FILE_OF(f)->name_unsynced = false;
	}
	return SQLITE_OK;
}

static int x_size(sqlite3_file *f, sqlite3_int64 *size)
{
	return REAL(f)->pMethods->xFileSize(REAL(f), size);
}

static int x_lock(sqlite3_file *f, int lock)
{
	return REAL(f)->pMethods->xLock(REAL(f), lock);
}

static int x_unlock(sqlite3_file *f, int lock)
{
	return REAL(f)->pMethods->xUnlock(REAL(f), lock);
}

static int x_reserved(sqlite3_file *f, int *out)
{
	return REAL(f)->pMethods->xCheckReservedLock(REAL(f), out);
}

static int x_control(sqlite3_file *f, int op, void *arg)
{
	return REAL(f)->pMethods->xFileControl(REAL(f), op, arg);
}

static int x_sector(sqlite3_file *f)
{
	return REAL(f)->pMethods->xSectorSize(REAL(f));
}

static int x_traits(sqlite3_file *f)
{
	/* Promise nothing of what is promised of writes: that is what is tested. */
	return REAL(f)->pMethods->xDeviceCharacteristics(REAL(f)) & SQLITE_IOCAP_POWERSAFE_OVERWRITE;
}

static int x_shm_map(sqlite3_file *f, int page, int size, int extend, void volatile **out)
{
	return REAL(f)->pMethods->xShmMap(REAL(f), page, size, extend, out);
}

static int x_shm_lock(sqlite3_file *f, int off, int n, int flags)
{
	return REAL(f)->pMethods->xShmLock(REAL(f), off, n, flags);
}

static void x_shm_barrier(sqlite3_file *f)
{
	REAL(f)->pMethods->xShmBarrier(REAL(f));
}

static int x_shm_unmap(sqlite3_file *f, int remove)
{
	return REAL(f)->pMethods->xShmUnmap(REAL(f), remove);
}

static int x_fetch(sqlite3_file *f, sqlite3_int64 off, int n, void **out)
{
	return REAL(f)->pMethods->xFetch(REAL(f), off, n, out);
}

static int x_unfetch(sqlite3_file *f, sqlite3_int64 off, void *p)
{
	return REAL(f)->pMethods->xUnfetch(REAL(f), off, p);
}

static const sqlite3_io_methods methods = {
	3, x_close, x_read, x_write, x_truncate, x_sync, x_size, x_lock, x_unlock, x_reserved, x_control, x_sector, x_traits,
	x_shm_map, x_shm_lock, x_shm_barrier, x_shm_unmap, x_fetch, x_unfetch,
};

/* The directory of path, by object; its last part through *name. */
static uint32_t parent_of(const char *path, const char **name)
{
	char *dir = mem_str(path), *slash = strrchr(dir, '/');
	struct stat st;
	uint32_t o = 0;

	assert(slash != NULL);
	*name = strrchr(path, '/') + 1;
	*slash = '\0';
	if (stat(dir, &st) == 0)
		o = disk_object(record.disk, st.st_ino);
	free(dir);
	return o;
}

static void watch(struct file *f, const char *path, bool was_there, int flags)
{
	const char *name;
	struct stat st;

	f->dir = parent_of(path, &name);
	if (f->dir == 0 || stat(path, &st) != 0)
		return;
	if (!was_there)
		disk_create(record.disk, f->dir, name, st.st_ino, false);
	f->object = disk_object(record.disk, st.st_ino);
	f->name_unsynced = !was_there && (flags & (SQLITE_OPEN_WAL | SQLITE_OPEN_MAIN_JOURNAL | SQLITE_OPEN_SUPER_JOURNAL)) != 0;
}

static int v_open(sqlite3_vfs *v, sqlite3_filename path, sqlite3_file *out, int flags, int *out_flags)
{
	struct file *f = FILE_OF(out);
	bool was_there = path != NULL && access(path, F_OK) == 0;
	int rc;

	(void)v;
	memset(f, 0, sizeof *f);
	f->real = mem_new((size_t)real_vfs->szOsFile);
	rc = real_vfs->xOpen(real_vfs, path, f->real, flags, out_flags);
	if (rc != SQLITE_OK) {
		free(f->real);
		return rc;
	}
	f->base.pMethods = &methods;
	if (record.disk != NULL && path != NULL)
		watch(f, path, was_there, flags);
	return rc;
}

static int v_delete(sqlite3_vfs *v, const char *path, int sync_dir)
{
	const char *name;
	uint32_t dir = record.disk != NULL ? parent_of(path, &name) : 0;
	int rc;

	(void)v;
	if (dir != 0 && access(path, F_OK) == 0)
		disk_unlink(record.disk, dir, name);
	rc = real_vfs->xDelete(real_vfs, path, 0);
	if (dir != 0 && sync_dir != 0 && record.lie != RECORD_LIE_NAMES)
		disk_synced(record.disk, dir, disk_sync_begin(record.disk));
	return rc;
}

static int v_access(sqlite3_vfs *v, const char *path, int flags, int *out)
{
	(void)v;
	return real_vfs->xAccess(real_vfs, path, flags, out);
}

static int v_path(sqlite3_vfs *v, const char *path, int n, char *out)
{
	(void)v;
	return real_vfs->xFullPathname(real_vfs, path, n, out);
}

void record_vfs_register(void)
{
	static sqlite3_vfs mine;

	real_vfs = sqlite3_vfs_find(NULL);
	mine = *real_vfs;
	mine.szOsFile = sizeof(struct file);
	mine.zName = "record";
	mine.pNext = NULL;
	mine.xOpen = v_open;
	mine.xDelete = v_delete;
	mine.xAccess = v_access;
	mine.xFullPathname = v_path;
	assert(sqlite3_vfs_register(&mine, 1) == SQLITE_OK);
}
