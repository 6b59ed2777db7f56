/*
 * data_progress: how far a long command is, on stderr while that is a terminal.
 */
#ifndef DDB_DATA_PROGRESS_H
#define DDB_DATA_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct data_progress {
	bool on;
	uint64_t start_ms, shown_ms;
};

struct data_progress data_progress_start(bool wanted);
void data_progress_show(struct data_progress *p, uint64_t items); /* a few times a second at most */
void data_progress_clear(struct data_progress *p);       /* before anything else is said */

#endif
