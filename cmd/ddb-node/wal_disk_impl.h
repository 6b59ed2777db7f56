/*
 * wal_disk_impl: what the files of wal_disk share.  Private to them.
 *   wal_disk.c         opening, and the loop's side: reads, orders
 *   wal_disk_thread.c  the thread's side: it writes, syncs, and makes segments
 */
#ifndef NODE_WAL_DISK_IMPL_H
#define NODE_WAL_DISK_IMPL_H

#include <pthread.h>
#include <stdatomic.h>

#include "wal_disk.h"

#define WAL_DISK_RECYCLES_MAX 1024                /* orders waiting; collection is slower than the thread */
#define WAL_DISK_NAME_BYTES 64
#define WAL_DISK_TEMPORARY "new.tmp"

struct wal_disk_job {
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
	struct wal_disk_job job;
	uint64_t prepare_seq, prepare_bytes;             /* 0: no order */
	uint64_t recycle[WAL_DISK_RECYCLES_MAX];
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

void wal_disk_segment_name(char out[WAL_DISK_NAME_BYTES], uint64_t seq);
void wal_disk_spare_name(char out[WAL_DISK_NAME_BYTES], uint64_t seq);
/* Says what failed, with errno; returns -1. */
int wal_disk_complain(struct wal_disk *d, const char *name, const char *what);
/* 0, or -1 after a planned fault. */
int wal_disk_struck(struct wal_disk *d, const char *fault, const char *name, const char *what);
int wal_disk_sync_dir(struct wal_disk *d);
int wal_disk_sync_file(struct wal_disk *d, int fd, const char *name);

/* The thread; arg is the struct wal_disk.  Ends once d->stop is set and no order is left, or after an error. */
void *wal_disk_run(void *arg);

#endif
