/*
 * disk_impl: what disk.c (recording) and disk_state.c (states) share.
 */
#ifndef CRASH_DISK_IMPL_H
#define CRASH_DISK_IMPL_H

#include <pthread.h>

#include "disk.h"

enum disk_op_kind { OP_WRITE, OP_EXTEND, OP_TRUNCATE, OP_SYNC, OP_LINK, OP_RENAME, OP_UNLINK };

struct disk_op {
	enum disk_op_kind kind;
	uint32_t object, target;                 /* file or directory; what a link names */
	uint64_t off;                            /* or size, or the moment a sync began */
	size_t n;
	uint8_t *data;
	char *name, *to;
};

struct disk_entry {
	char *name;
	uint32_t object;
};

struct disk_object {
	ino_t ino;
	bool is_dir;
	uint8_t *p;                              /* synced content */
	size_t n, room;
	struct disk_entry *entries;              /* synced names */
	size_t nentries;
	size_t *pending, npending, pending_room; /* operations on it since */
};

struct disk {
	pthread_mutex_t lock;
	struct disk_object *objects;
	uint32_t nobjects, objects_room;
	struct disk_op *ops;
	size_t nops, ops_room;
};

void disk_object_fini(struct disk_object *o);
void disk_link(struct disk_object *dir, const char *name, uint32_t object);      /* in the place of what has the name */
bool disk_remove(struct disk_object *dir, const char *name);
uint32_t disk_lookup(const struct disk_object *dir, const char *name);

#endif
