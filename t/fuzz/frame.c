/* frame: what is taken lies inside the input, builds the same frame again, and is asked for with the bytes it has. */
#include <assert.h>
#include <string.h>

#include "net_frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void check_again(const struct net_frame *f, struct bytes whole)
{
	struct buf b = { 0 };
	size_t at = net_frame_begin(&b);

	buf_bytes(&b, f->body);
	assert(net_frame_end(&b, at, f->rid, f->type) && bytes_eq(buf_view(&b), whole));
	buf_fini(&b);
}

/* The bytes as they are, then as a frame's body, so that most inputs get past the checksum. */
static void follow(struct bytes in, size_t max)
{
	while (in.n > 0) {
		struct net_frame f;
		size_t bytes;
		enum net_frame_result r = net_frame_take(in, max, &f, &bytes);

		if (r == NET_FRAME_SHORT)
			assert(bytes > in.n && bytes <= max);
		if (r != NET_FRAME_WHOLE)
			return;
		assert(bytes >= NET_FRAME_HEAD_BYTES && bytes <= in.n && bytes <= max);
		assert(f.body.p >= in.p && f.body.p + f.body.n == in.p + bytes);
		check_again(&f, (struct bytes){ in.p, bytes });
		in.p += bytes;
		in.n -= bytes;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct buf b = { 0 };
	size_t at = net_frame_begin(&b);

	follow((struct bytes){ data, n }, NET_FRAME_BYTES_MAX);
	follow((struct bytes){ data, n }, 4096);
	buf_put(&b, data, n);
	assert(net_frame_end(&b, at, n, n & 0xffff));
	buf_put(&b, data, n);
	follow(buf_view(&b), NET_FRAME_BYTES_MAX);
	buf_fini(&b);
	return 0;
}
