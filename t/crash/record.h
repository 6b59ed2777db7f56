/*
 * record: where the node under test is watched: system calls of the log and of the store's files (the linker's --wrap puts
 * __wrap_NAME in the place of NAME), and SQLite's files (a VFS of its own, the default one).
 * While `disk` is NULL nothing is recorded.  Syncs are never real: a power cut here is a computation, not an event.
 */
#ifndef CRASH_RECORD_H
#define CRASH_RECORD_H

#include "disk.h"

/* A disk that lies: syncs of this kind have no effect.  A test of the test. */
enum record_lie { RECORD_HONEST, RECORD_LIE_LOG, RECORD_LIE_STORE, RECORD_LIE_NAMES };

struct record {
	struct disk *disk;
	enum record_lie lie;
	unsigned sync_us_max;            /* a sync takes up to this long, so that others get between */
};

extern struct record record;             /* changed while no thread of a node runs */

void record_vfs_register(void);          /* once */
void record_pause(void);                 /* as long as a sync takes */

#endif
