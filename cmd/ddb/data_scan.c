/* data_scan: ddb scan. */
#include "cmd.h"
#include "data_pool.h"
#include "data_read.h"

int data_scan_run(int argc, char **argv)
{
	struct data d = DATA_INIT;
	struct data_read r = DATA_READ_INIT;
	uint64_t segments = 1;
	const struct opt opts[] = {
		OPT_U64(0, "segments", "N", "read so many parts of the table at once (1)", &segments, 1, DATA_POOL_MAX),
		DATA_READ_OPTS(r),
		DATA_TYPED(d),
		DATA_OPTS(d),
		OPT_END
	};
	const struct opt_usage usage = { "ddb scan", "TABLE", "print the items of a table, one a line", opts, 1, 1,
		false };
	int i = opt_parse(&usage, argc, argv);
	int code = data_open(&d, argv[i]);

	if (code == 0)
		code = data_read_begin(&r, &d, false);
	if (code == 0)
		code = data_read_end(&r);
	if (code == 0) {
		struct data_page_job job = data_read_job(&r, "Scan", (unsigned)segments);

		code = data_page_run(&d, &job);
	}
	data_read_fini(&r);
	return data_close(&d, code);
}
