/*
 * status: what `ddb status` knows, and how it is shown.  status.c asks; status_show.c prints.
 */
#ifndef DDB_STATUS_H
#define DDB_STATUS_H

#include <stdbool.h>
#include <sys/types.h>

#include "bytes.h"
#include "cluster.h"

#define STATUS_DEPTH_MAX 64                              /* of autoadmin's JSON */

struct status_process {
	char *name;                                      /* "node-a" */
	bool up;
	double cpu_s, rss_bytes, start_s;                /* 0: it does not say */
};

struct status {
	char *home;
	struct cluster cluster;
	pid_t supervisor;                                /* 0: none, or not on this machine */
	int port;                                        /* 0: not ready */
	struct status_process *processes;
	size_t processes_n, up;
	bool all_up;                                     /* so the report says, of nodes */
	struct buf report;                               /* autoadmin's: a JSON object; empty: it gave none */
	struct buf why;                                  /* why not */
};

void status_read_process(struct status_process *p, struct bytes metrics);
void status_read_answer(struct status *s, bool answered, struct bytes answer);   /* of autoadmin: admin_done */

void status_show_json(const struct status *s, struct buf *out);
/* Tables for people: processes, then every list of objects in the report, a column a member, lists in it counted. */
void status_show_text(const struct status *s, bool colours, double now_s);

#endif
