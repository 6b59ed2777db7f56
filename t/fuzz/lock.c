/* fuzz: any bytes as a lock; what is accepted comes out the same when it is encoded again. */
#include "lock.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct bytes raw = { data, n };
	struct buf again = { 0 };
	struct lock l;

	if (!lock_get(raw, &l))
		return 0;
	lock_put(&again, &l);
	assert(bytes_eq(raw, buf_view(&again)));
	buf_fini(&again);
	return 0;
}
