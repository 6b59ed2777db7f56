/*
 * walgen: make a log for the tests of ddb-wal.
 * usage: walgen DIR RECORDS     RECORDS entries of group 5 (every tenth of group 6), slots from 1, batches of 7, small segments
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cmd/ddb-node/wal_disk.h"
#include "entry.h"
#include "log.h"

static int wake[2];

static void notify(void *arg)
{
	if (write(wake[1], arg, 1) != 1)
		abort();
}

static void failed(void *arg)
{
	(void)arg;
	_exit(9);
}

static uint64_t salt(void *arg)
{
	uint64_t *n = arg;

	return (*n)++ * 0x9e3779b97f4a7c15u + 1;
}

static void ignore(void *arg, const struct wal_record *r)
{
	(void)arg;
	(void)r;
}

int main(int argc, char **argv)
{
	uint64_t seed = 1;
	struct wal_options o = { .first_bytes = 64 << 10, .segment_bytes = 256 << 10, .cluster = "walgen", .node = 1, .incarnation = 2,
		.random = salt, .random_arg = &seed };
	struct wal_disk *d;
	struct wal_io io;
	enum wal_verdict v;
	struct wal *w;
	struct buf b = { 0 };
	char c = 'n';

	log_open("walgen");
	if (argc != 3 || pipe(wake) != 0 || (d = wal_disk_open(argv[1], notify, failed, &c)) == NULL)
		return 2;
	io = wal_disk_io(d);
	w = wal_open(&io, &o, ignore, NULL, &v);
	if (w == NULL)
		return 9;
	for (uint64_t slot = 1; slot <= strtoull(argv[2], NULL, 10); slot++) {
		static const uint8_t image[2000] = "image";
		struct entry_row row = { .flags = ENTRY_ROW_PUT, .key = BYTES_LIT("key"), .image = { image, 1 + slot * 37 % 2000 } };

		buf_clear(&b);
		entry_put_write(&b, 1000000 + slot, 1);
		entry_put_row(&b, &row);
		wal_append(w, SEG_ENTRY, slot % 10 == 0 ? 6 : 5, 3u << 24 | 2, slot, buf_view(&b));
		if (slot % 7 != 0)
			continue;
		for (wal_flush(w); !wal_idle(w); wal_disk_poll(d, w))
			if (read(wake[0], &c, 1) != 1)
				return 9;
	}
	for (wal_flush(w); !wal_idle(w); wal_disk_poll(d, w))
		if (read(wake[0], &c, 1) != 1)
			return 9;
	wal_disk_close(d);
	wal_free(w);
	buf_fini(&b);
	return 0;
}
