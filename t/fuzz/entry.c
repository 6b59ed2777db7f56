/* fuzz: any bytes as an entry; what is accepted comes out the same when it is encoded again. */
#include "entry.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct bytes raw = { data, n }, rest;
	struct buf again = { 0 }, json = { 0 };
	struct entry e;
	struct entry_row row;
	uint32_t rows = 0;

	entry_json(raw, &json);
	assert(json.n > 2 && json.p[0] == '{' && json.p[json.n - 1] == '}');
	buf_fini(&json);
	if (!entry_get(raw, &e))
		return 0;
	switch (e.type) {
	case ENTRY_NOOP:
		entry_put_noop(&again, e.timestamp);
		break;
	case ENTRY_CONFIG:
		entry_put_config(&again, e.timestamp, e.member, e.nmembers);
		break;
	default:
		entry_put_write(&again, e.timestamp, e.nrows);
		for (rest = e.rows; entry_row_next(&rest, &row); rows++)
			entry_put_row(&again, &row);
		assert(rows == e.nrows && rest.n == 0);
	}
	entry_stamp(&again, e.origin, e.before);
	assert(bytes_eq(raw, buf_view(&again)));
	buf_fini(&again);
	return 0;
}
