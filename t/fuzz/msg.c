/* msg: whatever decodes, encodes to the same bytes; everything prints.  Input: u8 index of the type, message. */
#include <assert.h>

#include "t/unit/msg_fill.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct buf again = { 0 }, text = { 0 };
	struct bytes raw = { data + 1, n - 1 };
	unsigned type;

	if (n == 0)
		return 0;
	type = fill_all[data[0] % FILL_COUNT].type;
	if (fill_again(type, raw, MSG_VERSION, &again))
		assert(bytes_eq(raw, buf_view(&again)));
	msg_print(type, raw, MSG_VERSION, &text);
	assert(text.n > 0 && !text.over);
	buf_fini(&again);
	buf_fini(&text);
	return 0;
}
