#include "wal_disk_impl.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"

static int write_all(struct wal_disk *d, int fd, const char *name, const void *p, size_t n, uint64_t off)
{
	if (wal_disk_struck(d, "wal.write", name, "write") != 0)
		return -1;
	while (n > 0) {
		ssize_t wrote = pwrite(fd, p, n, (off_t)off);

		if (wrote < 0 && errno == EINTR)
			continue;
		if (wrote <= 0)
			return wal_disk_complain(d, name, "write");
		p = (const uint8_t *)p + wrote;
		off += (uint64_t)wrote;
		n -= (size_t)wrote;
	}
	return 0;
}

static int move(struct wal_disk *d, const char *from, const char *to)
{
	if (wal_disk_struck(d, "wal.rename", from, "rename") != 0)
		return -1;
	if (renameat(d->dirfd, from, d->dirfd, to) != 0)
		return wal_disk_complain(d, from, "rename");
	return wal_disk_sync_dir(d);
}

/* Begin to make segment seq: from itself, a spare, or nothing.  Leaves d->next with what is still to be filled. */
static int next_begin(struct wal_disk *d, uint64_t seq, uint64_t bytes)
{
	char name[WAL_DISK_NAME_BYTES], spare[WAL_DISK_NAME_BYTES];
	struct stat st;

	wal_disk_segment_name(name, seq);
	assert(d->next.seq == 0);
	if (fstatat(d->dirfd, name, &st, 0) != 0) {
		if (errno != ENOENT)
			return wal_disk_complain(d, name, "stat");
		while (d->nspares > 0) {
			wal_disk_spare_name(spare, d->spares[--d->nspares]);
			if (fstatat(d->dirfd, spare, &st, 0) != 0)
				return wal_disk_complain(d, spare, "stat");
			if ((uint64_t)st.st_size >= bytes)
				return move(d, spare, name);
			if (unlinkat(d->dirfd, spare, 0) != 0)
				return wal_disk_complain(d, spare, "unlink");
		}
		snprintf(name, sizeof name, "%s", WAL_DISK_TEMPORARY);
		st.st_size = 0;
	}
	if ((uint64_t)st.st_size >= bytes)
		return 0;
	if (wal_disk_struck(d, "wal.create", name, "open") != 0)
		return -1;
	d->next.fd = openat(d->dirfd, name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (d->next.fd < 0)
		return wal_disk_complain(d, name, "open");
	d->next.seq = seq;
	d->next.bytes = bytes;
	d->next.filled = (uint64_t)st.st_size;
	errno = posix_fallocate(d->next.fd, (off_t)st.st_size, (off_t)(bytes - (uint64_t)st.st_size));
	return errno == 0 || errno == EOPNOTSUPP ? 0 : wal_disk_complain(d, name, "allocate");
}

/* Fill a slice of the next segment, or all that is left of it; when it is full it gets its name. */
static int next_fill(struct wal_disk *d, bool all)
{
	static const uint8_t zeros[WAL_DISK_SLICE_BYTES];
	char name[WAL_DISK_NAME_BYTES];

	do {
		uint64_t left = d->next.bytes - d->next.filled;
		size_t n = left < sizeof zeros ? (size_t)left : sizeof zeros;

		if (write_all(d, d->next.fd, WAL_DISK_TEMPORARY, zeros, n, d->next.filled) != 0)
			return -1;
		metrics_add(&d->metrics.zeroed, n);
		d->next.filled += n;
	} while (all && d->next.filled < d->next.bytes);
	if (wal_disk_sync_file(d, d->next.fd, WAL_DISK_TEMPORARY) != 0)
		return -1;
	if (d->next.filled < d->next.bytes)
		return 0;
	wal_disk_segment_name(name, d->next.seq);
	d->next.seq = 0;
	close(d->next.fd);
	d->next.fd = -1;
	/* An unused segment that was too small grew in place. */
	if (faccessat(d->dirfd, WAL_DISK_TEMPORARY, F_OK, 0) != 0)
		return 0;
	return move(d, WAL_DISK_TEMPORARY, name);
}

static int do_job(struct wal_disk *d, const struct wal_disk_job *j)
{
	char name[WAL_DISK_NAME_BYTES];
	uint64_t start;

	if (d->next.seq != 0 && d->next.seq <= j->seq && next_fill(d, true) != 0)
		return -1;
	wal_disk_segment_name(name, j->seq);
	if (d->fd < 0 || d->fd_seq != j->seq) {
		if (d->fd >= 0)
			close(d->fd);
		d->fd_seq = j->seq;
		d->fd = openat(d->dirfd, name, O_WRONLY | O_CLOEXEC);
		if (d->fd < 0)
			return wal_disk_complain(d, name, "open");
		metrics_add(&d->metrics.segments, 1);
		d->owed = 0;
	}
	start = clock_us();
	if (write_all(d, d->fd, name, j->p, j->n, j->off) != 0 || wal_disk_sync_file(d, d->fd, name) != 0)
		return -1;
	metrics_observe(&d->metrics.sync_us, clock_us() - start);
	metrics_add(&d->metrics.syncs, 1);
	metrics_add(&d->metrics.bytes, j->n);
	d->owed += 2 * j->n;
	return 0;
}

static int do_recycle(struct wal_disk *d, uint64_t seq)
{
	char name[WAL_DISK_NAME_BYTES], spare[WAL_DISK_NAME_BYTES];

	wal_disk_segment_name(name, seq);
	if (d->nspares == WAL_DISK_SPARES_MAX) {
		if (unlinkat(d->dirfd, name, 0) != 0)
			return wal_disk_complain(d, name, "unlink");
		return wal_disk_sync_dir(d);
	}
	wal_disk_spare_name(spare, seq);
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
		struct wal_disk_job j = d->job;

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

void *wal_disk_run(void *arg)
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
