/*
 * rig: a node in a directory, without network or real time: what main.c is to the program.
 * Every replication group has this one replica.  Time is counted, not read.
 */
#ifndef CRASH_RIG_H
#define CRASH_RIG_H

#include "node.h"
#include "store_sqlite.h"
#include "wal_disk.h"

struct rig {
	struct node *node;
	struct wal_disk *disk;
	struct store_sqlite *store;
	int wake[2];
	uint64_t now, random;
	void (*answered)(void *arg, uint64_t rid, unsigned type, struct bytes body);
	void *arg;
	bool lost;                               /* what node_new said */
};

/* False if the node cannot be opened. */
bool rig_open(struct rig *h, const char *dir);
void rig_close(struct rig *h);
/* One turn of the loop.  While the log is busy, or with wait because something else is on its way, threads get a moment. */
void rig_turn(struct rig *h, bool wait);
uint64_t rig_random(struct rig *h);

#endif
