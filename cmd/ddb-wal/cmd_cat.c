#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cmd.h"
#include "entry.h"
#include "exit.h"
#include "log.h"
#include "opt.h"
#include "scan.h"
#include "stream.h"

#define FLUSH_BYTES (256u << 10)
#define ANY_GROUP UINT64_MAX

struct cat {
	bool json, failed;
	uint64_t group, from_slot, records, findings;
	struct buf out;
	struct cmd_progress progress;
};

static bool flush(struct cat *c)
{
	for (size_t at = 0; at < c->out.n;) {
		ssize_t n = write(STDOUT_FILENO, c->out.p + at, c->out.n - at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			log_err("standard output: write: %m");
			c->failed = true;
			return false;
		}
		at += (size_t)n;
	}
	buf_clear(&c->out);
	return true;
}

static const char *kind_name(uint8_t kind)
{
	static const char *const names[] = { "end", "pad", "entry", "promise", "group", "state", "installed", "dropped", "chosen",
		"node" };

	return kind < sizeof names / sizeof *names ? names[kind] : "unknown";
}

static void put_json(struct buf *out, const struct seg_record *r, struct bytes body, bool damaged)
{
	buf_fmt(out, "{\"position\":%" PRIu64 ",\"kind\":\"%s\",\"group\":%" PRIu64 ",\"ballot\":\"%" PRIu64 ".%" PRIu64
	             "\",\"slot\":%" PRIu64, r->position, kind_name(r->kind), r->group, r->ballot >> 24, r->ballot & 0xffffff, r->slot);
	if (damaged)
		buf_str(out, ",\"damaged\":true");
	else if (r->kind == SEG_ENTRY) {
		buf_str(out, ",\"entry\":");
		entry_json(body, out);
	} else {
		buf_str(out, ",\"body\":\"");
		buf_hex(out, body);
		buf_str(out, "\"");
	}
	buf_str(out, "}\n");
}

static bool record(void *arg, const char *file, const struct seg_record *r, struct bytes body, bool damaged)
{
	struct cat *c = arg;

	(void)file;
	if ((c->group != ANY_GROUP && r->group != c->group) || r->slot < c->from_slot)
		return true;
	if (c->json)
		put_json(&c->out, r, body, damaged);
	else if (!damaged)
		stream_put_record(&c->out, r, body);
	c->records += c->json || !damaged;
	return c->out.n < FLUSH_BYTES || flush(c);
}

static void finding(void *arg, const struct scan_finding *f)
{
	struct cat *c = arg;

	c->findings++;
	log_err("%s: position %" PRIu64 ": %s", f->file, f->position, f->what);
}

static void progress(void *arg, uint64_t done, uint64_t all)
{
	struct cat *c = arg;

	cmd_progress_show(&c->progress, done, all);
}

int cmd_cat(int argc, char **argv)
{
	struct cat c = { .group = ANY_GROUP };
	const struct opt opts[] = {
		OPT_FLAG('j', "json", "for people: one JSON object a line", &c.json),
		OPT_U64('g', "group", "N", "only this replication group", &c.group, 0, UINT64_MAX),
		OPT_U64(0, "from-slot", "N", "only records of this slot and later ones", &c.from_slot, 0, UINT64_MAX),
		OPT_END
	};
	const struct opt_usage usage = { "ddb-wal cat", "DIR|SEGMENT...", "print the records of a log", opts, 1, -1, false };
	const struct scan_events events = { &c, record, finding, progress };
	int i = opt_parse(&usage, argc, argv);
	enum scan_verdict v;

	if (!c.json && isatty(STDOUT_FILENO))
		opt_fail(&usage, "standard output is a terminal: use a pipe, or --json");
	cmd_progress_init(&c.progress, "ddb-wal cat");
	if (!c.json)
		stream_put_head(&c.out);
	v = scan(argv + i, argc - i, &events);
	/* Without the last frame a reader knows that something is missing. */
	if (v == SCAN_DONE && c.findings == 0 && !c.json)
		stream_put_end(&c.out, c.records);
	if (!c.failed)
		flush(&c);
	cmd_progress_fini(&c.progress);
	buf_fini(&c.out);
	if (v == SCAN_FAILED || c.failed)
		return DDB_EXIT_IO;
	if (v == SCAN_NEWER)
		return DDB_EXIT_USAGE;
	return c.findings > 0 ? DDB_EXIT_NEGATIVE : DDB_EXIT_DONE;
}
