/* data_dump: ddb dump. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd.h"
#include "data.h"
#include "data_page.h"
#include "data_pool.h"
#include "exit.h"
#include "log.h"
#include "mem.h"

/* A file comes to its name when it is whole, so that half a dump is never taken for one. */
struct file {
	const char *path;                                /* NULL: standard output */
	char *beside;
	int fd;
};

static int file_open(struct file *f, const char *path)
{
	*f = (struct file){ .fd = STDOUT_FILENO };
	if (path == NULL || strcmp(path, "-") == 0)
		return 0;
	f->path = path;
	f->beside = mem_fmt("%s.new", path);
	f->fd = open(f->beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (f->fd >= 0)
		return 0;
	log_err("%s: %m", f->beside);
	return DDB_EXIT_IO;
}

static int file_close(struct file *f, int code)
{
	if (f->path != NULL && f->fd >= 0) {
		if (code == 0 && (fsync(f->fd) != 0 || rename(f->beside, f->path) != 0)) {
			log_err("%s: %m", f->path);
			code = DDB_EXIT_IO;
		}
		if (code != 0)
			unlink(f->beside);
		close(f->fd);
	}
	free(f->beside);
	return code;
}

int data_dump_run(int argc, char **argv)
{
	struct data d = DATA_INIT;
	bool plain = false, no_schema = false, eventual = false;
	uint64_t segments = 1;
	const struct opt opts[] = {
		OPT_FLAG(0, "plain", "items as plain JSON: sets and binary lose their types", &plain),
		OPT_FLAG(0, "typed", "items with their types (the default)", &d.typed),
		OPT_FLAG(0, "no-schema", "items only", &no_schema),
		OPT_U64(0, "segments", "N", "read so many parts of the table at once (1)", &segments, 1, DATA_POOL_MAX),
		OPT_FLAG(0, "eventual", "half the price; may miss the latest writes", &eventual),
		DATA_OPTS(d),
		OPT_END
	};
	const struct opt_usage usage = { "ddb dump", "TABLE [FILE | -]",
		"write a table, its schema first, for ddb load", opts, 1, 2, false };
	int i = opt_parse(&usage, argc, argv), code;
	struct buf fixed = { 0 };
	struct file f = { .fd = -1 };

	if (plain && d.typed)
		opt_fail(&usage, "--plain or --typed, not both");
	d.typed = !plain;
	buf_fmt(&fixed, "\"ConsistentRead\":%s", eventual ? "false" : "true");
	code = data_open(&d, argv[i]);
	if (code == 0)
		code = data_describe(&d);
	if (code == 0)
		code = file_open(&f, argc - i > 1 ? argv[i + 1] : NULL);
	if (code == 0) {
		struct data_page_job job = {
			.op = "Scan",
			.fixed = buf_view(&fixed),
			.segments = (unsigned)segments,
			.fd = f.fd,
			.fd_name = f.path != NULL ? f.beside : "standard output",
			.progress = !isatty(f.fd),
		};

		if (!no_schema)
			data_schema_line(&d.schema, d.typed, &d.out);
		code = data_write(f.fd, job.fd_name, &d.out);
		if (code == 0)
			code = data_page_run(&d, &job);
	}
	code = file_close(&f, code);
	buf_fini(&fixed);
	return data_close(&d, code);
}
