/*
 * Bytes of a connection, cut by the first byte: what is read must not depend on the cuts, every view must lie inside
 * what was sent, and caps must hold.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "httpmsg.h"
#include "mem.h"

/* One request in pieces of at most piece bytes, each in memory of its own, so that ASan sees every step too far. */
static enum httpmsg_step one(struct httpmsg *m, struct bytes *in, size_t piece)
{
	enum httpmsg_step step = HTTPMSG_MORE;

	while (step != HTTPMSG_BAD && step != HTTPMSG_DONE && (in->n > 0 || step == HTTPMSG_HEAD)) {
		size_t n = in->n < piece ? in->n : piece, used;
		uint8_t *p = mem_copy(in->p, n);

		step = httpmsg_feed(m, (struct bytes){ p, n }, &used);
		assert(used <= n && (step != HTTPMSG_MORE || used == n));
		in->p += used;
		in->n -= used;
		free(p);
	}
	return step;
}

static bool inside(struct bytes v, const struct buf *b)
{
	return v.n == 0 || (v.p >= b->p && v.p + v.n <= b->p + b->n);
}

static void check(struct httpmsg *m)
{
	struct bytes plain;
	size_t hosts, count;
	int rc;

	assert(m->headers_n <= HTTPMSG_HEADERS_MAX && m->body.n <= HTTPMSG_BODY_BYTES_MAX);
	assert(inside(m->method, &m->head) && inside(m->path, &m->head) && inside(m->query, &m->head) && m->path.n > 0);
	for (size_t i = 0; i < m->headers_n; i++)
		assert(inside(m->headers[i].name, &m->head) && inside(m->headers[i].value, &m->head) &&
		       m->headers[i].name.n > 0);
	httpmsg_header(m, "host", &hosts);
	httpmsg_header(m, "content-length", &count);
	assert(hosts == 1 && count <= 1);
	rc = httpmsg_unpack(m, &plain);
	assert(rc == 0 || rc == 400 || rc == 413);
	assert(rc != 0 || plain.n <= HTTPMSG_BODY_BYTES_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct bytes whole = { data, n }, pieces;
	enum httpmsg_step a = HTTPMSG_DONE, b;
	struct httpmsg x, y;
	size_t piece;

	if (n < 1)
		return 0;
	piece = 1 + data[0] % 64;
	whole.p++;
	whole.n--;
	httpmsg_init(&x);
	httpmsg_init(&y);
	while (a == HTTPMSG_DONE && whole.n > 0) {
		pieces = whole;
		a = one(&x, &whole, SIZE_MAX);
		b = one(&y, &pieces, piece);
		assert(a == b && x.status == y.status);
		if (a == HTTPMSG_DONE) {
			assert(whole.p == pieces.p && bytes_eq(x.body, y.body) && x.headers_n == y.headers_n);
			check(&x);
		}
		httpmsg_reset(&x);
		httpmsg_reset(&y);
	}
	httpmsg_fini(&x);
	httpmsg_fini(&y);
	return 0;
}
