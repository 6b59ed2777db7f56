/*
 * store_sqlite: struct store over SQLite, one database file a group.  Files and schema: ddb-store(5).
 * Source: DESIGN, D13.  One thread (store_worker) writes; the loop reads through connections of its own, so
 * that a read never waits for an apply or a sync.  What the thread has done is reported by store_sqlite_poll on the
 * loop.
 *
 * Any error of SQLite or of the disk is logged once, with the file's name, then `failed` is called on the loop.
 * Fault points: store.open, store.read, store.commit, store.checkpoint, store.publish, store.dirsync.
 * Does not: retry, repair, know what is in a row beyond its size.
 */
#ifndef NODE_STORE_SQLITE_H
#define NODE_STORE_SQLITE_H

#include "store.h"

struct store_sqlite_options {
	const char *dir;                 /* made if missing; its parent must be there */
	uint32_t read_cache_kb;          /* page cache of a connection of the loop; 0 = 128 */
	uint32_t write_cache_kb;         /* and of the thread, while it works; 0 = 2048 */
	uint64_t mmap_bytes;             /* mapped of each database, a third off every get; 0 = 1 GiB, 1 = none */
	uint64_t wal_bytes;              /* the thread checkpoints a longer -wal on its own; 0 = 8 MiB */
	unsigned open_max;               /* databases open in the loop, and in the thread; 0 = STORES_OPEN_MAX / 2 */
	/* From the thread: call store_sqlite_poll on the loop soon. */
	void (*notify)(void *arg);
	/* On the loop, after the error was logged: end the process (exit code 9).  Must not return. */
	void (*failed)(void *arg);
	void *arg;
};

struct store_sqlite;

/*
 * Opens every store in the directory, reads its meta, and starts the thread.  NULL after saying why: the disk, a file
 * that is not a store, one of a newer format.
 */
struct store_sqlite *store_sqlite_open(const struct store_sqlite_options *o);
struct store store_sqlite_store(struct store_sqlite *s);
void store_sqlite_events(struct store_sqlite *s, const struct store_events *e);  /* before the first submit */
void store_sqlite_poll(struct store_sqlite *s);          /* deliver events; cheap when there are none */
/* Carries out what is queued, ends the thread, closes the files.  Cursors must be closed.  Reports nothing any more. */
void store_sqlite_close(struct store_sqlite *s);

#endif
