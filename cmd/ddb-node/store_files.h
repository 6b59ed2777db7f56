/*
 * store_files: the names in a store directory, and the order in which files appear and disappear.  See ddb-store(5).
 *
 *   <group, 16 hex digits>.<generation, 8 hex digits>.db     a store, with -wal and -shm beside it
 *   ... .new                                                 being built; removed at open
 *   ... .drop                                                being removed; removed at open
 *
 * A generation is never used twice, so a file that replaces another never meets its predecessor's -wal, and whoever
 * still reads the predecessor is not disturbed.  Of two generations of a group the higher one counts; the lower one
 * is removed at open.
 * Does not: look into the files, keep a list of them.
 */
#ifndef NODE_STORE_FILES_H
#define NODE_STORE_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STORE_FILES_PATH_MAX 4096
#define STORE_FILES_GROUPS_MAX 1000000

struct store_files {
	char *dir;
	int fd;
	uint32_t generation;                     /* the highest one seen or given out */
};

struct store_file {
	uint64_t group;
	uint32_t generation;
};

/* Make the directory if it is missing, and take away what a crash left.  -1 after saying why. */
int store_files_open(struct store_files *f, const char *dir);
void store_files_close(struct store_files *f);
/* The stores there are, by group; free(*out).  -1 after saying why. */
int store_files_list(struct store_files *f, struct store_file **out, size_t *n);

/* Paths into out[STORE_FILES_PATH_MAX]. */
void store_files_path(const struct store_files *f, struct store_file s, char *out);
void store_files_path_new(const struct store_files *f, struct store_file s, char *out);

/* Sync the finished .new and give it its name, durably. */
int store_files_publish(struct store_files *f, struct store_file s);
int store_files_discard(struct store_files *f, struct store_file s);     /* a .new; none there is fine */
int store_files_remove(struct store_files *f, struct store_file s);      /* a store, so that no crash brings it back */

#endif
