/*
 * wal_disk: the disk under wal: a directory of segment files, and the thread that writes them.
 * Files: NNNNNNNNNNNN.seg (its sequence number), NNNNNNNNNNNN.spare (recycled, its old number), new.tmp (being made).
 * The thread does in this order: recycling, batches, and slices of zero-filling whenever no batch waits or the next segment falls
 * behind; a batch waits for one slice at most.  Any error is final: logged, then failed() is called, and nothing is written any more.
 * Does not: lock the directory (the home is locked), read a clock other than for its latencies.
 */
#ifndef NODE_WAL_DISK_H
#define NODE_WAL_DISK_H

#include "metrics.h"
#include "wal.h"

#define WAL_DISK_SLICE_BYTES (256u << 10)
#define WAL_DISK_SPARES_MAX 4

struct wal_disk;

struct wal_disk_metrics {
	struct metrics_count syncs;      /* of batches and headers */
	struct metrics_count bytes;
	struct metrics_hist sync_us;     /* one write and its fdatasync */
	struct metrics_count segments;   /* taken into use */
	struct metrics_count zeroed;     /* bytes of zeros written for new ones */
};

/*
 * Open the directory, made if missing (its parent must be there), and start the thread.
 *   notify   called by the thread when a submit is done: wake the loop, which then calls wal_disk_poll
 *   failed   called by the thread after an error was logged: end the process
 * NULL if it cannot be opened, after saying why.
 */
struct wal_disk *wal_disk_open(const char *dir, void (*notify)(void *arg), void (*failed)(void *arg), void *arg);
void wal_disk_close(struct wal_disk *d);                 /* waits for what was submitted */
struct wal_io wal_disk_io(struct wal_disk *d);

/* Calls wal_written(w) if a submit is done.  Spurious calls are harmless. */
void wal_disk_poll(struct wal_disk *d, struct wal *w);
/* No submit has been on its way for longer than most_us (now_us: clock_us). */
bool wal_disk_healthy(const struct wal_disk *d, uint64_t now_us, uint64_t most_us);
struct wal_disk_metrics *wal_disk_metrics(struct wal_disk *d);

#endif
