/*
 * scan: read log segments, oldest first, and tell what is in them and what is wrong with them.
 * The rules are those of ddb-wal(5), RECOVERY; unlike a node's recovery it goes on behind damage as far as it can.
 * Does not: write, repair, need the node to be stopped: segments that are collected meanwhile are left out.
 */
#ifndef WAL_SCAN_H
#define WAL_SCAN_H

#include "seg.h"

#define SCAN_SEGMENT_BYTES_MAX (64u << 20)
#define SCAN_SEGMENTS_MAX 65536

struct scan_finding {
	const char *file;
	uint64_t position;
	const char *what;
	const struct seg_record *record;         /* NULL if not even a header is left */
};

struct scan_events {
	void *arg;
	/* PAD records are left out.  False stops the scan. */
	bool (*record)(void *arg, const char *file, const struct seg_record *r, struct bytes body, bool damaged);
	void (*finding)(void *arg, const struct scan_finding *f);
	void (*progress)(void *arg, uint64_t done, uint64_t all);        /* bytes; often */
};

enum scan_verdict { SCAN_DONE, SCAN_STOPPED, SCAN_NEWER, SCAN_FAILED };      /* the last two have been logged */

/* paths: directories, whose *.seg files are taken, and single segment files. */
enum scan_verdict scan(char **paths, int n, const struct scan_events *events);

#endif
