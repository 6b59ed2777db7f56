/* key: any bytes are refused, or are the one key of the values they decode to. */
#include "key.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct buf scratch = { .p = NULL }, again = { .p = NULL };
	struct bytes key = { data, n };
	struct value parts[KEY_PARTS_MAX];
	size_t count = key_decode(key, &scratch, parts, KEY_PARTS_MAX);

	if (count > 0) {
		buf_put(&again, data, KEY_HASH_N);
		for (size_t i = 0; i < count; i++) {
			assert(item_check_value(parts[i].raw));
			if (i == 1 && key_local(key) != 0)
				buf_u8(&again, (uint8_t)(KEY_LOCAL | key_local(key)));
			key_add(&again, parts[i]);
			assert(i > 0 || again.n == key_partition_n(key));
		}
		assert(bytes_eq(buf_view(&again), key));
	}
	buf_clear(&again);
	if (key_after(&again, key))
		assert(bytes_cmp(key, buf_view(&again)) < 0 && !bytes_starts(buf_view(&again), key));
	buf_fini(&scratch);
	buf_fini(&again);
	return 0;
}
