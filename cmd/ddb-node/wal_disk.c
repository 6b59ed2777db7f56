#include "wal_disk.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"
#include "fault.h"
#include "log.h"
#include "mem.h"
#include "wal_disk_impl.h"

void wal_disk_segment_name(char out[WAL_DISK_NAME_BYTES], uint64_t seq)
{
	snprintf(out, WAL_DISK_NAME_BYTES, "%012" PRIu64 ".seg", seq);
}

void wal_disk_spare_name(char out[WAL_DISK_NAME_BYTES], uint64_t seq)
{
	snprintf(out, WAL_DISK_NAME_BYTES, "%012" PRIu64 ".spare", seq);
}

int wal_disk_complain(struct wal_disk *d, const char *name, const char *what)
{
	log_err("%s/%s: %s: %m", d->dir, name, what);
	return -1;
}

int wal_disk_struck(struct wal_disk *d, const char *fault, const char *name, const char *what)
{
	int e = fault_hit(fault);

	if (e == 0)
		return 0;
	errno = e;
	return wal_disk_complain(d, name, what);
}

int wal_disk_sync_dir(struct wal_disk *d)
{
	if (wal_disk_struck(d, "wal.dirsync", "", "fsync") != 0)
		return -1;
	return fsync(d->dirfd) == 0 ? 0 : wal_disk_complain(d, "", "fsync");
}

int wal_disk_sync_file(struct wal_disk *d, int fd, const char *name)
{
	if (wal_disk_struck(d, "wal.sync", name, "fdatasync") != 0)
		return -1;
	return fdatasync(fd) == 0 ? 0 : wal_disk_complain(d, name, "fdatasync");
}

/* --- the loop's side ------------------------------------------------------------------------------------------------- */

static bool number(const char *name, const char *suffix, uint64_t *out)
{
	uint64_t v = 0;
	size_t i;

	for (i = 0; i < 19 && name[i] >= '0' && name[i] <= '9'; i++)
		v = v * 10 + (uint64_t)(name[i] - '0');
	if (i < 12 || v == 0 || strcmp(name + i, suffix) != 0)
		return false;
	*out = v;
	return true;
}

static int by_number(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* Numbers of the files with this suffix, ascending. */
static int list_files(struct wal_disk *d, const char *suffix, uint64_t *out, int max)
{
	int n = 0, fd = openat(d->dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	struct dirent *e;

	if (dir == NULL) {
		if (fd >= 0)
			close(fd);
		return wal_disk_complain(d, "", "open");
	}
	errno = 0;
	while ((e = readdir(dir)) != NULL) {
		uint64_t seq;

		if (!number(e->d_name, suffix, &seq))
			continue;
		if (n == max) {
			log_err("%s: more than %d segments", d->dir, max);
			n = -1;
			break;
		}
		out[n++] = seq;
	}
	if (e == NULL && errno != 0)
		n = wal_disk_complain(d, "", "readdir");
	closedir(dir);
	if (n > 0)
		qsort(out, (size_t)n, sizeof *out, by_number);
	return n;
}

static int disk_list(void *ctx, uint64_t *out, int max)
{
	return list_files(ctx, ".seg", out, max);
}

static int reader(struct wal_disk *d, uint64_t seq)
{
	char name[WAL_DISK_NAME_BYTES];

	if (d->read_fd >= 0 && d->read_seq == seq)
		return d->read_fd;
	if (d->read_fd >= 0)
		close(d->read_fd);
	wal_disk_segment_name(name, seq);
	d->read_seq = seq;
	d->read_fd = openat(d->dirfd, name, O_RDONLY | O_CLOEXEC);
	return d->read_fd >= 0 ? d->read_fd : wal_disk_complain(d, name, "open");
}

static long disk_read(void *ctx, uint64_t seq, uint64_t off, void *p, size_t n)
{
	struct wal_disk *d = ctx;
	char name[WAL_DISK_NAME_BYTES];
	size_t got = 0;
	int fd = reader(d, seq);

	if (fd < 0)
		return -1;
	wal_disk_segment_name(name, seq);
	if (wal_disk_struck(d, "wal.read", name, "read") != 0)
		return -1;
	while (got < n) {
		ssize_t r = pread(fd, (uint8_t *)p + got, n - got, (off_t)(off + got));

		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			return wal_disk_complain(d, name, "read");
		if (r == 0)
			break;
		got += (size_t)r;
	}
	return (long)got;
}

static int disk_sync(void *ctx, uint64_t seq)
{
	struct wal_disk *d = ctx;
	char name[WAL_DISK_NAME_BYTES];
	int fd = reader(d, seq);

	if (fd < 0)
		return -1;
	wal_disk_segment_name(name, seq);
	if (wal_disk_sync_file(d, fd, name) != 0)
		return -1;
	/* Pages whose write failed under an earlier process look clean and hold what the disk does not (ATC'20): drop them. */
	errno = posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	return errno == 0 ? 0 : wal_disk_complain(d, name, "fadvise");
}

static void disk_prepare(void *ctx, uint64_t seq, uint64_t bytes)
{
	struct wal_disk *d = ctx;

	pthread_mutex_lock(&d->lock);
	d->prepare_seq = seq;
	d->prepare_bytes = bytes;
	pthread_cond_signal(&d->wake);
	pthread_mutex_unlock(&d->lock);
}

static void disk_submit(void *ctx, uint64_t seq, uint64_t off, const void *p, size_t n)
{
	struct wal_disk *d = ctx;

	atomic_store(&d->since_us, clock_us());
	pthread_mutex_lock(&d->lock);
	assert(!d->submitted && !d->done);
	d->job = (struct wal_disk_job){ seq, off, p, n };
	d->submitted = true;
	pthread_cond_signal(&d->wake);
	pthread_mutex_unlock(&d->lock);
}

static void disk_recycle(void *ctx, uint64_t seq)
{
	struct wal_disk *d = ctx;

	if (d->read_fd >= 0 && d->read_seq == seq) {
		close(d->read_fd);
		d->read_fd = -1;
	}
	pthread_mutex_lock(&d->lock);
	while (d->recycles == WAL_DISK_RECYCLES_MAX && !d->broken)
		pthread_cond_wait(&d->wake, &d->lock);
	if (!d->broken)
		d->recycle[d->recycles++] = seq;
	pthread_cond_broadcast(&d->wake);
	pthread_mutex_unlock(&d->lock);
}

struct wal_io wal_disk_io(struct wal_disk *d)
{
	return (struct wal_io){
		.ctx = d, .list = disk_list, .read = disk_read, .sync = disk_sync, .prepare = disk_prepare, .submit = disk_submit,
		.recycle = disk_recycle,
	};
}

void wal_disk_poll(struct wal_disk *d, struct wal *w)
{
	bool done;

	pthread_mutex_lock(&d->lock);
	done = d->done;
	d->done = false;
	pthread_mutex_unlock(&d->lock);
	if (done)
		wal_written(w);
}

bool wal_disk_healthy(const struct wal_disk *d, uint64_t now_us, uint64_t most_us)
{
	uint64_t since = atomic_load(&((struct wal_disk *)d)->since_us);

	return since == 0 || now_us < since || now_us - since <= most_us;
}

struct wal_disk_metrics *wal_disk_metrics(struct wal_disk *d)
{
	return &d->metrics;
}

/* --- opening --------------------------------------------------------------------------------------------------------- */

/* A log whose directory vanished in a power cut would look like a new one. */
static int sync_parent(struct wal_disk *d)
{
	int fd = openat(d->dirfd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC), r;

	if (fd < 0)
		return wal_disk_complain(d, "..", "open");
	r = fsync(fd);
	if (r != 0)
		wal_disk_complain(d, "..", "fsync");
	close(fd);
	return r;
}

static int open_dir(struct wal_disk *d)
{
	uint64_t found[64];
	int n;

	if (mkdir(d->dir, 0700) != 0 && errno != EEXIST)
		return wal_disk_complain(d, "", "mkdir");
	d->dirfd = open(d->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (d->dirfd < 0)
		return wal_disk_complain(d, "", "open");
	if (sync_parent(d) != 0)
		return -1;
	if (unlinkat(d->dirfd, WAL_DISK_TEMPORARY, 0) != 0 && errno != ENOENT)
		return wal_disk_complain(d, WAL_DISK_TEMPORARY, "unlink");
	n = list_files(d, ".spare", found, 64);
	for (int i = 0; i < n; i++) {
		char name[WAL_DISK_NAME_BYTES];

		wal_disk_spare_name(name, found[i]);
		if (d->nspares < WAL_DISK_SPARES_MAX)
			d->spares[d->nspares++] = found[i];
		else if (unlinkat(d->dirfd, name, 0) != 0)
			return wal_disk_complain(d, name, "unlink");
	}
	/* Names that a process before this one changed last may not be on the disk yet. */
	return n < 0 ? -1 : wal_disk_sync_dir(d);
}

struct wal_disk *wal_disk_open(const char *dir, void (*notify)(void *arg), void (*failed)(void *arg), void *arg)
{
	struct wal_disk *d = mem_new(sizeof *d);
	sigset_t all, before;

	d->dir = mem_str(dir);
	d->notify = notify;
	d->failed = failed;
	d->arg = arg;
	d->dirfd = d->read_fd = d->fd = d->next.fd = -1;
	pthread_mutex_init(&d->lock, NULL);
	pthread_cond_init(&d->wake, NULL);
	if (open_dir(d) != 0)
		goto bad;
	/* Signals are the loop's. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	errno = pthread_create(&d->thread, NULL, wal_disk_run, d);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (errno == 0)
		return d;
	wal_disk_complain(d, "", "thread");
bad:
	if (d->dirfd >= 0)
		close(d->dirfd);
	pthread_mutex_destroy(&d->lock);
	pthread_cond_destroy(&d->wake);
	free(d->dir);
	free(d);
	return NULL;
}

void wal_disk_close(struct wal_disk *d)
{
	if (d == NULL)
		return;
	pthread_mutex_lock(&d->lock);
	d->stop = true;
	pthread_cond_broadcast(&d->wake);
	pthread_mutex_unlock(&d->lock);
	pthread_join(d->thread, NULL);
	for (int *fd = (int[]){ d->dirfd, d->read_fd, d->fd, d->next.fd, -2 }; *fd != -2; fd++)
		if (*fd >= 0)
			close(*fd);
	pthread_mutex_destroy(&d->lock);
	pthread_cond_destroy(&d->wake);
	free(d->dir);
	free(d);
}
