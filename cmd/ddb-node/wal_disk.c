#include "wal_disk.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"
#include "fault.h"
#include "log.h"
#include "mem.h"

#define RECYCLES_MAX 1024                /* orders waiting; collection is slower than the thread */
#define NAME_BYTES 64
#define TEMPORARY "new.tmp"

struct job {
	uint64_t seq, off;
	const void *p;
	size_t n;
};

struct wal_disk {
	char *dir;
	int dirfd;
	void (*notify)(void *arg);
	void (*failed)(void *arg);
	void *arg;
	struct wal_disk_metrics metrics;
	_Atomic uint64_t since_us;       /* when the submit on its way was given; 0: none */

	/* The loop's own. */
	int read_fd;
	uint64_t read_seq;

	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	/* Orders, under lock. */
	bool stop, broken, submitted, done;
	struct job job;
	uint64_t prepare_seq, prepare_bytes;             /* 0: no order */
	uint64_t recycle[RECYCLES_MAX];
	size_t recycles;

	/* The thread's own. */
	int fd;                          /* of the segment written to */
	uint64_t fd_seq;
	uint64_t spares[WAL_DISK_SPARES_MAX];            /* old numbers */
	size_t nspares;
	struct {
		uint64_t seq, bytes;     /* seq 0: nothing being made */
		int fd;
		uint64_t filled;
	} next;
	uint64_t owed;                   /* bytes of zeros that batches have asked for by taking room */
};

static void segment_name(char out[NAME_BYTES], uint64_t seq)
{
	snprintf(out, NAME_BYTES, "%012" PRIu64 ".seg", seq);
}

static void spare_name(char out[NAME_BYTES], uint64_t seq)
{
	snprintf(out, NAME_BYTES, "%012" PRIu64 ".spare", seq);
}

static int complain(struct wal_disk *d, const char *name, const char *what)
{
	log_err("%s/%s: %s: %m", d->dir, name, what);
	return -1;
}

/* 0, or -1 after a planned fault. */
static int struck(struct wal_disk *d, const char *fault, const char *name, const char *what)
{
	int e = fault_hit(fault);

	if (e == 0)
		return 0;
	errno = e;
	return complain(d, name, what);
}

static int sync_dir(struct wal_disk *d)
{
	if (struck(d, "wal.dirsync", "", "fsync") != 0)
		return -1;
	return fsync(d->dirfd) == 0 ? 0 : complain(d, "", "fsync");
}

static int write_all(struct wal_disk *d, int fd, const char *name, const void *p, size_t n, uint64_t off)
{
	if (struck(d, "wal.write", name, "write") != 0)
		return -1;
	while (n > 0) {
		ssize_t wrote = pwrite(fd, p, n, (off_t)off);

		if (wrote < 0 && errno == EINTR)
			continue;
		if (wrote <= 0)
			return complain(d, name, "write");
		p = (const uint8_t *)p + wrote;
		off += (uint64_t)wrote;
		n -= (size_t)wrote;
	}
	return 0;
}

static int sync_file(struct wal_disk *d, int fd, const char *name)
{
	if (struck(d, "wal.sync", name, "fdatasync") != 0)
		return -1;
	return fdatasync(fd) == 0 ? 0 : complain(d, name, "fdatasync");
}

static int move(struct wal_disk *d, const char *from, const char *to)
{
	if (struck(d, "wal.rename", from, "rename") != 0)
		return -1;
	if (renameat(d->dirfd, from, d->dirfd, to) != 0)
		return complain(d, from, "rename");
	return sync_dir(d);
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
		return complain(d, "", "open");
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
		n = complain(d, "", "readdir");
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
	char name[NAME_BYTES];

	if (d->read_fd >= 0 && d->read_seq == seq)
		return d->read_fd;
	if (d->read_fd >= 0)
		close(d->read_fd);
	segment_name(name, seq);
	d->read_seq = seq;
	d->read_fd = openat(d->dirfd, name, O_RDONLY | O_CLOEXEC);
	return d->read_fd >= 0 ? d->read_fd : complain(d, name, "open");
}

static long disk_read(void *ctx, uint64_t seq, uint64_t off, void *p, size_t n)
{
	struct wal_disk *d = ctx;
	char name[NAME_BYTES];
	size_t got = 0;
	int fd = reader(d, seq);

	if (fd < 0)
		return -1;
	segment_name(name, seq);
	if (struck(d, "wal.read", name, "read") != 0)
		return -1;
	while (got < n) {
		ssize_t r = pread(fd, (uint8_t *)p + got, n - got, (off_t)(off + got));

		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			return complain(d, name, "read");
		if (r == 0)
			break;
		got += (size_t)r;
	}
	return (long)got;
}

static int disk_sync(void *ctx, uint64_t seq)
{
	struct wal_disk *d = ctx;
	char name[NAME_BYTES];
	int fd = reader(d, seq);

	if (fd < 0)
		return -1;
	segment_name(name, seq);
	if (sync_file(d, fd, name) != 0)
		return -1;
	/* Pages whose write failed under an earlier process look clean and hold what the disk does not (ATC'20): drop them. */
	errno = posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	return errno == 0 ? 0 : complain(d, name, "fadvise");
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
	d->job = (struct job){ seq, off, p, n };
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
	while (d->recycles == RECYCLES_MAX && !d->broken)
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

/* --- the thread's side ----------------------------------------------------------------------------------------------- */

/* Begin to make segment seq: from itself, a spare, or nothing.  Leaves d->next with what is still to be filled. */
static int next_begin(struct wal_disk *d, uint64_t seq, uint64_t bytes)
{
	char name[NAME_BYTES], spare[NAME_BYTES];
	struct stat st;

	segment_name(name, seq);
	assert(d->next.seq == 0);
	if (fstatat(d->dirfd, name, &st, 0) != 0) {
		if (errno != ENOENT)
			return complain(d, name, "stat");
		while (d->nspares > 0) {
			spare_name(spare, d->spares[--d->nspares]);
			if (fstatat(d->dirfd, spare, &st, 0) != 0)
				return complain(d, spare, "stat");
			if ((uint64_t)st.st_size >= bytes)
				return move(d, spare, name);
			if (unlinkat(d->dirfd, spare, 0) != 0)
				return complain(d, spare, "unlink");
		}
		snprintf(name, sizeof name, "%s", TEMPORARY);
		st.st_size = 0;
	}
	if ((uint64_t)st.st_size >= bytes)
		return 0;
	if (struck(d, "wal.create", name, "open") != 0)
		return -1;
	d->next.fd = openat(d->dirfd, name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (d->next.fd < 0)
		return complain(d, name, "open");
	d->next.seq = seq;
	d->next.bytes = bytes;
	d->next.filled = (uint64_t)st.st_size;
	errno = posix_fallocate(d->next.fd, (off_t)st.st_size, (off_t)(bytes - (uint64_t)st.st_size));
	return errno == 0 || errno == EOPNOTSUPP ? 0 : complain(d, name, "allocate");
}

/* Fill a slice of the next segment, or all that is left of it; when it is full it gets its name. */
static int next_fill(struct wal_disk *d, bool all)
{
	static const uint8_t zeros[WAL_DISK_SLICE_BYTES];
	char name[NAME_BYTES];

	do {
		uint64_t left = d->next.bytes - d->next.filled;
		size_t n = left < sizeof zeros ? (size_t)left : sizeof zeros;

		if (write_all(d, d->next.fd, TEMPORARY, zeros, n, d->next.filled) != 0)
			return -1;
		metrics_add(&d->metrics.zeroed, n);
		d->next.filled += n;
	} while (all && d->next.filled < d->next.bytes);
	if (sync_file(d, d->next.fd, TEMPORARY) != 0)
		return -1;
	if (d->next.filled < d->next.bytes)
		return 0;
	segment_name(name, d->next.seq);
	d->next.seq = 0;
	close(d->next.fd);
	d->next.fd = -1;
	/* An unused segment that was too small grew in place. */
	if (faccessat(d->dirfd, TEMPORARY, F_OK, 0) != 0)
		return 0;
	return move(d, TEMPORARY, name);
}

static int do_job(struct wal_disk *d, const struct job *j)
{
	char name[NAME_BYTES];
	uint64_t start;

	if (d->next.seq != 0 && d->next.seq <= j->seq && next_fill(d, true) != 0)
		return -1;
	segment_name(name, j->seq);
	if (d->fd < 0 || d->fd_seq != j->seq) {
		if (d->fd >= 0)
			close(d->fd);
		d->fd_seq = j->seq;
		d->fd = openat(d->dirfd, name, O_WRONLY | O_CLOEXEC);
		if (d->fd < 0)
			return complain(d, name, "open");
		metrics_add(&d->metrics.segments, 1);
		d->owed = 0;
	}
	start = clock_us();
	if (write_all(d, d->fd, name, j->p, j->n, j->off) != 0 || sync_file(d, d->fd, name) != 0)
		return -1;
	metrics_observe(&d->metrics.sync_us, clock_us() - start);
	metrics_add(&d->metrics.syncs, 1);
	metrics_add(&d->metrics.bytes, j->n);
	d->owed += 2 * j->n;
	return 0;
}

static int do_recycle(struct wal_disk *d, uint64_t seq)
{
	char name[NAME_BYTES], spare[NAME_BYTES];

	segment_name(name, seq);
	if (d->nspares == WAL_DISK_SPARES_MAX) {
		if (unlinkat(d->dirfd, name, 0) != 0)
			return complain(d, name, "unlink");
		return sync_dir(d);
	}
	spare_name(spare, seq);
	d->spares[d->nspares++] = seq;
	return move(d, name, spare);
}

/* One piece of work; called and returns with the lock held, working without it.  -1 after an error. */
static int work(struct wal_disk *d)
{
	int r;

	if (d->recycles > 0) {
		uint64_t seq = d->recycle[0];

		d->recycles--;
		memmove(d->recycle, d->recycle + 1, d->recycles * sizeof d->recycle[0]);
		pthread_mutex_unlock(&d->lock);
		r = do_recycle(d, seq);
	} else if (d->prepare_seq != 0 && d->next.seq == 0) {
		uint64_t seq = d->prepare_seq, bytes = d->prepare_bytes;

		d->prepare_seq = 0;
		pthread_mutex_unlock(&d->lock);
		r = next_begin(d, seq, bytes);
	} else if (d->submitted && (d->next.seq == 0 || d->owed < WAL_DISK_SLICE_BYTES)) {
		struct job j = d->job;

		pthread_mutex_unlock(&d->lock);
		r = do_job(d, &j);
		if (r == 0)
			atomic_store(&d->since_us, 0);
		pthread_mutex_lock(&d->lock);
		d->submitted = false;
		d->done = r == 0;
		pthread_mutex_unlock(&d->lock);
		if (r == 0)
			d->notify(d->arg);
	} else {
		pthread_mutex_unlock(&d->lock);
		d->owed -= d->owed < WAL_DISK_SLICE_BYTES ? d->owed : WAL_DISK_SLICE_BYTES;
		r = next_fill(d, false);
	}
	pthread_mutex_lock(&d->lock);
	return r;
}

static void *run(void *arg)
{
	struct wal_disk *d = arg;
	int r = 0;

	pthread_mutex_lock(&d->lock);
	for (;;) {
		bool orders = d->recycles > 0 || d->prepare_seq != 0 || d->submitted;

		if (!orders && d->stop)
			break;
		if (!orders && d->next.seq == 0) {
			pthread_cond_wait(&d->wake, &d->lock);
			continue;
		}
		r = work(d);
		pthread_cond_broadcast(&d->wake);
		if (r != 0)
			break;
	}
	d->broken = r != 0;
	pthread_cond_broadcast(&d->wake);
	pthread_mutex_unlock(&d->lock);
	if (r != 0)
		d->failed(d->arg);
	return NULL;
}

/* A log whose directory vanished in a power cut would look like a new one. */
static int sync_parent(struct wal_disk *d)
{
	int fd = openat(d->dirfd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC), r;

	if (fd < 0)
		return complain(d, "..", "open");
	r = fsync(fd);
	if (r != 0)
		complain(d, "..", "fsync");
	close(fd);
	return r;
}

static int open_dir(struct wal_disk *d)
{
	uint64_t found[64];
	int n;

	if (mkdir(d->dir, 0700) != 0 && errno != EEXIST)
		return complain(d, "", "mkdir");
	d->dirfd = open(d->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (d->dirfd < 0)
		return complain(d, "", "open");
	if (sync_parent(d) != 0)
		return -1;
	if (unlinkat(d->dirfd, TEMPORARY, 0) != 0 && errno != ENOENT)
		return complain(d, TEMPORARY, "unlink");
	n = list_files(d, ".spare", found, 64);
	for (int i = 0; i < n; i++) {
		char name[NAME_BYTES];

		spare_name(name, found[i]);
		if (d->nspares < WAL_DISK_SPARES_MAX)
			d->spares[d->nspares++] = found[i];
		else if (unlinkat(d->dirfd, name, 0) != 0)
			return complain(d, name, "unlink");
	}
	/* Names that a process before this one changed last may not be on the disk yet. */
	return n < 0 ? -1 : sync_dir(d);
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
	errno = pthread_create(&d->thread, NULL, run, d);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (errno == 0)
		return d;
	complain(d, "", "thread");
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
