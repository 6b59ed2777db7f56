#include "data_progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "clock.h"

#define EVERY_MS 200
#define ERASE "\r\033[K"

struct data_progress data_progress_start(bool wanted)
{
	return (struct data_progress){ .on = wanted && isatty(STDERR_FILENO), .start_ms = clock_ms() };
}

void data_progress_show(struct data_progress *p, uint64_t items)
{
	uint64_t now = clock_ms(), ms = now - p->start_ms;

	if (!p->on || now - p->shown_ms < EVERY_MS)
		return;
	p->shown_ms = now;
	fprintf(stderr, ERASE "%" PRIu64 " items, %" PRIu64 "/s", items, ms > 0 ? items * 1000 / ms : 0);
	fflush(stderr);
}

void data_progress_clear(struct data_progress *p)
{
	if (p->on && p->shown_ms != 0) {
		fputs(ERASE, stderr);
		fflush(stderr);
		p->shown_ms = 0;
	}
}
