/*
 * store_db: one SQLite database of one group, through one connection.  The schema is in ddb-store(5).
 * A connection belongs to one thread.  Every -1 has been logged, with the file's name; the process must then end.
 *
 * Ordering rule: commits and checkpoints of a database come from one thread.  SQLite before 3.51.3 can lose pages
 * when one connection resets the write-ahead log while another one checkpoints it.
 */
#ifndef NODE_STORE_DB_H
#define NODE_STORE_DB_H

#include <sys/types.h>

#include "store.h"

#define STORE_DB_VERSION 3                               /* an older one becomes this when it is written to */

enum store_db_mode {
	STORE_DB_READ,
	STORE_DB_WRITE,
	STORE_DB_BUILD,              /* a new file, without a log: torn by a crash, so it has no name yet */
};

struct store_db;
struct store_db_scan {
	struct store_db *db;
	void *statement;             /* NULL: over nothing */
	bool shared;                 /* the statement is the connection's own */
};

struct store_db *store_db_open(const char *path, enum store_db_mode mode, uint32_t cache_kb, uint64_t mmap_bytes);
void store_db_close(struct store_db *d);                         /* no scan may be open */
void store_db_shrink(struct store_db *d);                        /* give back the memory that is only cache */

int store_db_meta(struct store_db *d, struct store_meta *out);
int store_db_get(struct store_db *d, struct bytes key, struct buf *row);       /* 1 appended to row, 0 absent */

/* One consistent state from here to the next end; without it every get and every scan has its own. */
int store_db_begin_read(struct store_db *d);
/* In key order from the first key >= from, reverse: from the last key <= from; from.n = 0: all. */
int store_db_seek(struct store_db *d, struct bytes from, bool reverse, struct store_db_scan *scan);
int store_db_next(struct store_db_scan *scan, struct bytes *key, struct bytes *row);    /* 1, 0 at the end */
int store_db_any_locked(struct store_db *d);                     /* 1, 0: there are no locks */
int store_db_seek_locked(struct store_db *d, struct store_db_scan *scan);       /* all rows with locks, in key order */
void store_db_end(struct store_db_scan *scan);

/* One transaction.  meta: in, what is to stand (with the counts from before); out: counted. */
int store_db_apply(struct store_db *d, const struct store_row *rows, size_t n, struct store_meta *meta);
uint64_t store_db_wal_bytes(const struct store_db *d);           /* of the write-ahead log after the last commit */
/* Returns 1 if every committed page is now in the database file and synced, 0 if a reader was in the way. */
int store_db_checkpoint(struct store_db *d);
/* BUILD: make the file complete, an ordinary store, and close it (also on failure).  It is not synced. */
int store_db_finish(struct store_db *d);

#endif
