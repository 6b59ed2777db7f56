/* own: any bytes are no key of a group's own, or the one key of what they say. */
#include "own.h"

#include <assert.h>

static struct own_key again(enum own_kind kind, uint64_t of)
{
	switch (kind) {
	case OWN_OUTBOX:
		return own_outbox(of);
	case OWN_FILL:
		return own_fill((uint32_t)of);
	case OWN_SOURCE:
		return own_source(of);
	default:
		return own_indexes();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const uint8_t kinds[] = { OWN_INDEXES, OWN_OUTBOX, OWN_FILL, OWN_SOURCE };
	uint8_t begun[2 + 32] = { 0 };
	struct bytes keys[2] = { { data, n }, { begun, 0 } };

	/* The same behind the beginning of each kind, of which few inputs have one. */
	if (n > 0) {
		begun[1] = kinds[data[0] % sizeof kinds];
		for (keys[1].n = 2; keys[1].n < sizeof begun && keys[1].n - 1 < n; keys[1].n++)
			begun[keys[1].n] = data[keys[1].n - 1];
	}
	for (int i = 0; i < 2; i++) {
		uint64_t of;
		enum own_kind kind = own_kind(keys[i], &of);
		struct own_key k = again(kind, of);

		assert(kind == OWN_NONE || (own_is(keys[i]) && key_is_own(keys[i]) && bytes_eq(own_view(&k), keys[i])));
		assert(key_partition_n(keys[i]) == 0 || !own_is(keys[i]));
	}
	return 0;
}
