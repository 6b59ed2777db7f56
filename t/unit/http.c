/* httpmsg: what it reads, its caps, packed bodies, and that it does not matter how the bytes arrive. */
#include "httpmsg.h"

#include <inttypes.h>
#include <stdlib.h>
#include <zlib.h>

#include "check.h"
#include "dice.h"
#include "mem.h"
#include "seed.h"

/* Feed all of in, at most piece bytes at a time; *rest is what was left after the end. */
static enum httpmsg_step feed(struct httpmsg *m, struct bytes in, size_t piece, struct bytes *rest)
{
	enum httpmsg_step step = HTTPMSG_MORE;

	while (step != HTTPMSG_BAD && step != HTTPMSG_DONE && (in.n > 0 || step == HTTPMSG_HEAD)) {
		size_t used;

		step = httpmsg_feed(m, (struct bytes){ in.p, in.n < piece ? in.n : piece }, &used);
		in.p += used;
		in.n -= used;
	}
	*rest = in;
	return step;
}

static enum httpmsg_step feed_str(struct httpmsg *m, const char *text)
{
	struct bytes rest;

	httpmsg_reset(m);
	return feed(m, bytes_str(text), SIZE_MAX, &rest);
}

TEST(reads_a_request)
{
	struct httpmsg m;
	size_t n;

	httpmsg_init(&m);
	CHECK(!httpmsg_started(&m));
	CHECK_INT(feed_str(&m, "POST /a%20b?c=d HTTP/1.1\r\nHost: localhost:8000\r\n"
	                       "X-Amz-Target:  DynamoDB_20120810.GetItem \r\nX-Two: a\r\nx-two: b\r\n"
	                       "Accept-Encoding: identity, gzip;q=0.5\r\nContent-Length: 5\r\n\r\nabcde"),
	          HTTPMSG_DONE);
	CHECK(httpmsg_started(&m));
	CHECK(bytes_is(m.method, "POST") && bytes_is(m.path, "/a%20b") && bytes_is(m.query, "c=d") &&
	      bytes_is(m.body, "abcde"));
	CHECK(m.keep_alive && m.accept_gzip && !m.expect_continue && m.minor == 1);
	CHECK_INT(m.headers_n, 6);
	CHECK(bytes_is(m.headers[1].name, "X-Amz-Target") && bytes_is(m.headers[1].value, "DynamoDB_20120810.GetItem"));
	CHECK(bytes_is(httpmsg_header(&m, "x-two", &n), "a") && n == 2);
	CHECK(httpmsg_header(&m, "x-three", &n).n == 0 && n == 0);
	httpmsg_fini(&m);
}

TEST(keep_alive_and_encodings)
{
	static const struct {
		const char *head;
		bool keep, gzip;
	} cases[] = {
		{ "GET / HTTP/1.1\r\nHost: a\r\n\r\n", true, false },
		{ "GET / HTTP/1.1\r\nHost: a\r\nConnection: Close\r\n\r\n", false, false },
		{ "GET / HTTP/1.1\r\nHost: a\r\nConnection: foo, close\r\nConnection: keep-alive\r\n\r\n", false,
		  false },
		{ "GET / HTTP/1.0\r\nHost: a\r\n\r\n", false, false },
		{ "GET / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n", true, false },
		{ "GET / HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip\r\n\r\n", true, true },
		{ "GET / HTTP/1.1\r\nHost: a\r\nAccept-Encoding: deflate,GZIP\r\n\r\n", true, true },
		{ "GET / HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip;q=0\r\n\r\n", true, false },
		{ "GET / HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip; q=0.000\r\n\r\n", true, false },
		{ "GET / HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip ; q=0.1\r\n\r\n", true, true },
		{ "GET / HTTP/1.1\r\nHost: a\r\nAccept-Encoding: identity, *;q=0\r\n\r\n", true, false },
		{ "GET / HTTP/1.1\r\nHost: a\r\nAccept-Encoding: xgzip\r\n\r\n", true, false },
	};
	struct httpmsg m;

	httpmsg_init(&m);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		CHECK_INT(feed_str(&m, cases[i].head), HTTPMSG_DONE);
		CHECK_INT(m.keep_alive, cases[i].keep);
		CHECK_INT(m.accept_gzip, cases[i].gzip);
	}
	httpmsg_fini(&m);
}

TEST(expect_only_where_a_body_comes)
{
	struct httpmsg m;

	httpmsg_init(&m);
	feed_str(&m, "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n");
	CHECK(m.expect_continue);
	feed_str(&m, "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 0\r\n\r\n");
	CHECK(!m.expect_continue);
	feed_str(&m, "POST / HTTP/1.0\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n");
	CHECK(!m.expect_continue);
	httpmsg_fini(&m);
}

/* A request whose line, one header, and number of headers have these sizes. */
static void sized(struct buf *b, size_t line, size_t header, size_t headers)
{
	buf_clear(b);
	buf_str(b, "GET /");
	while (b->n < line - 11)
		buf_u8(b, 'a');
	buf_str(b, " HTTP/1.1\r\nHost: a\r\n");
	for (size_t i = 0; i < headers; i++)
		buf_str(b, "X: y\r\n");
	if (header > 0) {
		size_t start = b->n;

		buf_str(b, "Y: ");
		while (b->n < start + header - 2)
			buf_u8(b, 'z');
		buf_str(b, "\r\n");
	}
	buf_str(b, "\r\n");
}

static void check_sized(size_t line, size_t header, size_t headers, int status)
{
	static const size_t pieces[] = { SIZE_MAX, 1, 1000, 16384 };

	for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
		struct buf b = { 0 };
		struct httpmsg m;
		struct bytes rest;

		httpmsg_init(&m);
		sized(&b, line, header, headers);
		CHECK_INT(feed(&m, buf_view(&b), pieces[i], &rest), status == 0 ? HTTPMSG_DONE : HTTPMSG_BAD);
		CHECK_INT(m.status, status);
		buf_fini(&b);
		httpmsg_fini(&m);
	}
}

TEST(heads_are_capped)
{
	check_sized(16384, 0, 0, 0);
	check_sized(16385, 0, 0, 414);
	check_sized(40000, 0, 0, 414);
	check_sized(100, 16384 - 9 - 2, 0, 0);           /* "Host: a" and the empty line */
	check_sized(100, 16384 - 9 - 2 + 1, 0, 431);
	check_sized(16384, 16384 - 9 - 2, 0, 0);
	check_sized(16384, 16384 - 9 - 2 + 1, 0, 431);
	check_sized(100, 40000, 0, 431);
	check_sized(100, 0, 99, 0);
	check_sized(100, 0, 100, 431);
}

TEST(bodies_are_capped)
{
	struct buf b = { 0 };
	struct httpmsg m;
	struct bytes rest;

	httpmsg_init(&m);
	buf_str(&b, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 16777216\r\n\r\n");
	CHECK_INT(feed(&m, buf_view(&b), SIZE_MAX, &rest), HTTPMSG_MORE);
	buf_clear(&b);
	CHECK(buf_room(&b, HTTPMSG_BODY_BYTES_MAX) != NULL);
	b.n = HTTPMSG_BODY_BYTES_MAX;
	memset(b.p, 'x', b.n);
	CHECK_INT(feed(&m, buf_view(&b), 100000, &rest), HTTPMSG_DONE);
	CHECK_INT(m.body.n, HTTPMSG_BODY_BYTES_MAX);
	httpmsg_reset(&m);
	buf_clear(&b);
	buf_str(&b, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
	for (int i = 0; i < 16; i++) {
		buf_str(&b, "100000\r\n");
		CHECK(buf_room(&b, 1 << 20) != NULL);
		memset(b.p + b.n, 'x', 1 << 20);
		b.n += 1 << 20;
		buf_str(&b, "\r\n");
	}
	CHECK_INT(feed(&m, buf_view(&b), 65536, &rest), HTTPMSG_MORE);
	CHECK_INT(feed(&m, BYTES_LIT("1\r\n"), SIZE_MAX, &rest), HTTPMSG_BAD);
	CHECK_INT(m.status, 413);
	httpmsg_fini(&m);
	buf_fini(&b);
}

/* --- packed bodies ------------------------------------------------------------------------------------------------ */

/* n zeros, packed. */
static void pack_zeros(struct buf *out, size_t n)
{
	uint8_t zeros[4096] = { 0 };
	z_stream z = { 0 };

	CHECK(deflateInit2(&z, 9, Z_DEFLATED, 15 + 16, 9, Z_DEFAULT_STRATEGY) == Z_OK);
	for (size_t left = n;;) {
		int rc;

		if (z.avail_in == 0 && left > 0) {
			z.next_in = zeros;
			z.avail_in = (uInt)(left < sizeof zeros ? left : sizeof zeros);
			left -= z.avail_in;
		}
		z.next_out = buf_room(out, 4096);
		z.avail_out = 4096;
		rc = deflate(&z, left == 0 ? Z_FINISH : Z_NO_FLUSH);
		out->n += 4096 - z.avail_out;
		if (rc == Z_STREAM_END)
			break;
	}
	deflateEnd(&z);
}

static int unpack(struct httpmsg *m, struct bytes body, struct bytes *out)
{
	struct buf b = { 0 };
	struct bytes rest;

	httpmsg_reset(m);
	buf_fmt(&b, "POST / HTTP/1.1\r\nHost: a\r\nContent-Encoding: gzip\r\nContent-Length: %zu\r\n\r\n", body.n);
	buf_bytes(&b, body);
	CHECK_INT(feed(m, buf_view(&b), SIZE_MAX, &rest), HTTPMSG_DONE);
	CHECK(bytes_eq(m->body, body));
	buf_fini(&b);
	return httpmsg_unpack(m, out);
}

TEST(packed_bodies)
{
	static const size_t sizes[] = { 0, 1, 65535, 65536, 65537, HTTPMSG_BODY_BYTES_MAX - 1, HTTPMSG_BODY_BYTES_MAX };
	struct httpmsg m;
	struct bytes out;
	struct buf b = { 0 };

	httpmsg_init(&m);
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		buf_clear(&b);
		pack_zeros(&b, sizes[i]);
		CHECK_INT(unpack(&m, buf_view(&b), &out), 0);
		CHECK_INT(out.n, sizes[i]);
	}
	buf_clear(&b);
	pack_zeros(&b, HTTPMSG_BODY_BYTES_MAX + 1);
	CHECK_INT(unpack(&m, buf_view(&b), &out), 413);
	buf_clear(&b);
	pack_zeros(&b, (size_t)100 << 20);               /* a bomb: 100 KB for 100 MB */
	CHECK_INT(unpack(&m, buf_view(&b), &out), 413);
	CHECK(m.plain.n <= HTTPMSG_BODY_BYTES_MAX);
	buf_clear(&b);
	pack_zeros(&b, 1000);
	buf_u8(&b, 0);
	CHECK_INT(unpack(&m, buf_view(&b), &out), 400);  /* something after the end */
	for (size_t n = 0; n < b.n - 1; n++)
		CHECK_INT(unpack(&m, (struct bytes){ b.p, n }, &out), 400);
	b.n--;
	for (size_t i = 0; i < b.n; i++) {
		if (i >= 4 && i <= 9)
			continue;                        /* time, flags and system of the header carry no data */
		b.p[i] ^= 0x55;
		/* The last bits of the stream are padding. */
		CHECK(unpack(&m, buf_view(&b), &out) == 400 || out.n == 1000);
		b.p[i] ^= 0x55;
	}
	CHECK_INT(feed_str(&m, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}"), HTTPMSG_DONE);
	CHECK_INT(httpmsg_unpack(&m, &out), 0);
	CHECK(bytes_is(out, "{}"));
	httpmsg_fini(&m);
	buf_fini(&b);
}

/* --- pieces and mutants ------------------------------------------------------------------------------------------- */

static uint64_t seed;

static uint64_t roll(uint64_t n)
{
	return dice_below(&seed, n);
}

static const char *const samples[] = {
	"POST / HTTP/1.1\r\nHost: a:8000\r\nX-Amz-Target: DynamoDB_20120810.PutItem\r\n"
	"Content-Length: 9\r\n\r\n{\"a\":\"b\"}",
	"POST /?a=b HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\nabcde\r\n3\r\nfgh\r\n0\r\n\r\n",
	"GET /%20 HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n",
};

/* The verdict does not depend on how the bytes are cut; what was fed is never read past its end (run under ASan). */
TEST(mutants_in_random_pieces)
{
	unsigned done = 0, refused = 0;
	struct httpmsg a, b;
	uint64_t first;

	first = seed = seed_get();
	httpmsg_init(&a);
	httpmsg_init(&b);
	for (int i = 0; i < 30000; i++) {
		const char *text = samples[roll(3)];
		struct bytes in = { mem_copy(text, strlen(text)), strlen(text) }, left, rest;
		enum httpmsg_step x, y = HTTPMSG_MORE;

		for (uint64_t edits = roll(3); edits > 0; edits--)
			((uint8_t *)in.p)[roll(in.n)] = roll(2) ? (uint8_t)roll(256) : (uint8_t)"\r\n :;0,\t"[roll(8)];
		httpmsg_reset(&a);
		httpmsg_reset(&b);
		x = feed(&a, in, SIZE_MAX, &rest);
		for (left = in; left.n > 0 && y != HTTPMSG_DONE && y != HTTPMSG_BAD;) {
			size_t n = 1 + roll(left.n < 20 ? left.n : 20);
			uint8_t *piece = mem_new(n);
			struct bytes after;

			memcpy(piece, left.p, n);
			y = feed(&b, (struct bytes){ piece, n }, SIZE_MAX, &after);
			left.p += n - after.n;
			left.n -= n - after.n;
			free(piece);
		}
		if (x != y || a.status != b.status ||
		    (x == HTTPMSG_DONE && (!bytes_eq(a.body, b.body) || left.n != rest.n))) {
			printf("# SEED=%" PRIu64 " case %d: %d %d against %d %d\n", first, i, x, a.status, y, b.status);
			check_failures++;
			free((void *)in.p);
			break;
		}
		done += x == HTTPMSG_DONE;
		refused += x == HTTPMSG_BAD;
		free((void *)in.p);
	}
	CHECK(done > 1000 && refused > 1000);
	httpmsg_fini(&a);
	httpmsg_fini(&b);
}

CHECK_MAIN(X(reads_a_request) X(keep_alive_and_encodings) X(expect_only_where_a_body_comes) X(heads_are_capped)
           X(bodies_are_capped) X(packed_bodies) X(mutants_in_random_pieces))
