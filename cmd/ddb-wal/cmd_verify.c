#include <inttypes.h>
#include <stdio.h>

#include "cmd.h"
#include "exit.h"
#include "log.h"
#include "opt.h"
#include "scan.h"

struct verify {
	bool json;
	uint64_t records, findings;
	struct cmd_progress progress;
};

static bool record(void *arg, const char *file, const struct seg_record *r, struct bytes body, bool damaged)
{
	struct verify *v = arg;

	(void)file;
	(void)r;
	(void)body;
	(void)damaged;
	v->records++;
	return true;
}

static void print_json(const struct scan_finding *f)
{
	struct buf b = { 0 };

	buf_str(&b, "{\"file\":\"");
	for (const char *s = f->file; *s != '\0'; s++) {
		if ((unsigned char)*s < 0x20 || *s == '"' || *s == '\\')
			buf_fmt(&b, "\\u%04x", (unsigned char)*s);
		else
			buf_u8(&b, (uint8_t)*s);
	}
	buf_fmt(&b, "\",\"position\":%" PRIu64 ",\"what\":\"%s\"", f->position, f->what);
	if (f->record != NULL)
		buf_fmt(&b, ",\"group\":%" PRIu64 ",\"slot\":%" PRIu64, f->record->group, f->record->slot);
	printf("%.*s}\n", (int)b.n, (const char *)b.p);
	buf_fini(&b);
}

static void finding(void *arg, const struct scan_finding *f)
{
	struct verify *v = arg;

	v->findings++;
	if (v->json) {
		print_json(f);
		return;
	}
	printf("%s: position %" PRIu64 ": %s", f->file, f->position, f->what);
	if (f->record != NULL)
		printf(" (group %" PRIu64 ", slot %" PRIu64 ")", f->record->group, f->record->slot);
	printf("\n");
}

static void progress(void *arg, uint64_t done, uint64_t all)
{
	struct verify *v = arg;

	cmd_progress_show(&v->progress, done, all);
}

int cmd_verify(int argc, char **argv)
{
	struct verify v = { .json = false };
	const struct opt opts[] = {
		OPT_FLAG('j', "json", "findings as one JSON object a line", &v.json),
		OPT_END
	};
	const struct opt_usage usage = { "ddb-wal verify", "DIR|SEGMENT...", "check a log; silent if all is well", opts, 1, -1, false };
	const struct scan_events events = { &v, record, finding, progress };
	int i = opt_parse(&usage, argc, argv);
	enum scan_verdict verdict;

	cmd_progress_init(&v.progress, "ddb-wal verify");
	verdict = scan(argv + i, argc - i, &events);
	cmd_progress_fini(&v.progress);
	if (fflush(stdout) != 0) {
		log_err("standard output: write: %m");
		return DDB_EXIT_IO;
	}
	if (v.findings > 0) {
		log_err("verify: FAIL code=1 %" PRIu64 " findings, %" PRIu64 " records read", v.findings, v.records);
		return DDB_EXIT_NEGATIVE;
	}
	if (verdict == SCAN_NEWER)
		return DDB_EXIT_USAGE;
	return verdict == SCAN_DONE ? DDB_EXIT_DONE : DDB_EXIT_IO;
}
