/*
 * cmd: the sub-commands of ddb-wal.  Each reads its arguments (argv[0] is its name) and returns an exit code.
 */
#ifndef WAL_CMD_H
#define WAL_CMD_H

#include <stdbool.h>
#include <stdint.h>

int cmd_cat(int argc, char **argv);
int cmd_verify(int argc, char **argv);

/* Shows how far a long scan is, on stderr, if that is a terminal. */
struct cmd_progress {
	const char *what;
	uint64_t start_ms, shown_ms;
	bool off;
};
void cmd_progress_init(struct cmd_progress *p, const char *what);
void cmd_progress_show(struct cmd_progress *p, uint64_t done, uint64_t all);
void cmd_progress_fini(struct cmd_progress *p);

#endif
