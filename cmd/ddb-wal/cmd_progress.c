#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "clock.h"
#include "cmd.h"

#define QUIET_MS 500                             /* short work shows nothing */
#define EVERY_MS 100

void cmd_progress_init(struct cmd_progress *p, const char *what)
{
	*p = (struct cmd_progress){ .what = what, .start_ms = clock_ms(), .off = isatty(STDERR_FILENO) == 0 };
}

void cmd_progress_show(struct cmd_progress *p, uint64_t done, uint64_t all)
{
	uint64_t now;

	if (p->off || all == 0)
		return;
	now = clock_ms();
	if (now - p->start_ms < QUIET_MS || now - p->shown_ms < EVERY_MS)
		return;
	p->shown_ms = now;
	fprintf(stderr, "\r%s: %" PRIu64 " of %" PRIu64 " MiB, %" PRIu64 " %%", p->what, done >> 20, all >> 20, done * 100 / all);
}

void cmd_progress_fini(struct cmd_progress *p)
{
	if (p->shown_ms != 0)
		fprintf(stderr, "\r\033[K");
}
