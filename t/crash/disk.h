/*
 * disk: a recording of what a process did to the files under a directory, in one order, and the states in which a power cut may
 * leave them.  Thread-safe while recording.
 *
 * The model: what was written before a sync of the file began, is there when that sync has returned.  Of the rest any page of 4 KiB
 * may be there or not, in any order; a page may be torn at 512 bytes.  Names are the same with the sync of their directory, and
 * appear and vanish in order, but for unrelated names in some states.
 */
#ifndef CRASH_DISK_H
#define CRASH_DISK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct disk;

struct disk *disk_new(const char *root);         /* everything that is there counts as synced */
void disk_free(struct disk *d);

/* --- recording: before the thing is done, but for syncs and creations.  Objects are found by inode; 0 is none. */
uint32_t disk_object(struct disk *d, ino_t ino);
void disk_create(struct disk *d, uint32_t dir, const char *name, ino_t ino, bool is_dir);
void disk_write(struct disk *d, uint32_t file, uint64_t off, const void *p, size_t n);
void disk_extend(struct disk *d, uint32_t file, uint64_t size);
void disk_truncate(struct disk *d, uint32_t file, uint64_t size);
size_t disk_sync_begin(struct disk *d);
void disk_synced(struct disk *d, uint32_t object, size_t begin);
void disk_rename(struct disk *d, uint32_t dir, const char *from, const char *to);
void disk_unlink(struct disk *d, uint32_t dir, const char *name);

/* Operations recorded so far: a moment. */
size_t disk_now(struct disk *d);
uint64_t disk_syncs(struct disk *d);

void disk_print(struct disk *d, size_t from, size_t to);         /* what was recorded, as "# ..." lines */

/* --- states, when nothing records any more */
enum disk_mode { DISK_NOTHING, DISK_EVERYTHING, DISK_PAGES, DISK_TORN, DISK_MIXED, DISK_MODES };
extern const char *const disk_mode_name[DISK_MODES];

struct disk_replay;
struct disk_replay *disk_replay_new(struct disk *d);
void disk_replay_free(struct disk_replay *r);
void disk_replay_to(struct disk_replay *r, size_t moment);       /* ascending moments only */
/* Make the directory `to` and in it the state after a power cut at this moment.  Returns bytes left unsynced at that moment. */
uint64_t disk_replay_state(struct disk_replay *r, enum disk_mode mode, uint64_t (*random)(void *arg), void *arg, const char *to);

#endif
