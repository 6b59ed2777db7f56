#include <assert.h>
#include <libdeflate.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "http_conn.h"
#include "mem.h"

void http_answer_init(struct http_server *s)
{
	int rc = deflateInit2(&s->deflate, 1, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);

	assert(rc == Z_OK);
	assert(getrandom(s->seed, sizeof s->seed, 0) == (ssize_t)sizeof s->seed);
	s->date_s = -1;
}

void http_answer_fini(struct http_server *s)
{
	deflateEnd(&s->deflate);
	buf_fini(&s->packed);
}

static uint64_t rotl(uint64_t x, int k)
{
	return x << k | x >> (64 - k);
}

/* xoshiro256** (Blackman, Vigna): ids must differ, they need not be secret. */
static uint64_t roll(uint64_t s[4])
{
	uint64_t out = rotl(s[1] * 5, 7) * 9, t = s[1] << 17;

	s[2] ^= s[0];
	s[3] ^= s[1];
	s[1] ^= s[2];
	s[0] ^= s[3];
	s[2] ^= t;
	s[3] = rotl(s[3], 45);
	return out;
}

void http_answer_id(struct http_server *s, char out[HTTP_CONN_ID_BYTES])
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345";
	uint64_t bits = 0;

	for (unsigned i = 0; i < HTTP_CONN_ID_BYTES - 1; i++) {
		if (i % 12 == 0)
			bits = roll(s->seed);
		out[i] = digits[bits & 31];
		bits >>= 5;
	}
	out[HTTP_CONN_ID_BYTES - 1] = '\0';
}

static const char *phrase(int status)
{
	switch (status) {
	case 200: return "OK";
	case 204: return "No Content";
	case 400: return "Bad Request";
	case 403: return "Forbidden";
	case 404: return "Not Found";
	case 405: return "Method Not Allowed";
	case 408: return "Request Timeout";
	case 413: return "Content Too Large";
	case 414: return "URI Too Long";
	case 415: return "Unsupported Media Type";
	case 417: return "Expectation Failed";
	case 429: return "Too Many Requests";
	case 431: return "Request Header Fields Too Large";
	case 500: return "Internal Server Error";
	case 501: return "Not Implemented";
	case 503: return "Service Unavailable";
	case 505: return "HTTP Version Not Supported";
	default: return "Answer";
	}
}

static void put_number(struct buf *b, uint64_t v)
{
	char text[20];
	size_t at = sizeof text;

	do {
		text[--at] = (char)('0' + v % 10);
		v /= 10;
	} while (v > 0);
	buf_put(b, text + at, sizeof text - at);
}

/* Clients set their clock, and so their signatures, by Date. */
static const char *date(struct http_server *s)
{
	time_t now = time(NULL);
	struct tm tm;

	if (now != s->date_s) {
		s->date_s = now;
		gmtime_r(&now, &tm);
		strftime(s->date, sizeof s->date, "%a, %d %b %Y %H:%M:%S GMT", &tm);
	}
	return s->date;
}

static bool pack(struct http_server *s, struct bytes *body)
{
	z_stream *z = &s->deflate;
	size_t bound;

	buf_clear(&s->packed);
	deflateReset(z);
	bound = deflateBound(z, body->n);
	z->next_out = buf_room(&s->packed, bound);
	if (z->next_out == NULL)
		return false;
	z->avail_out = (uInt)bound;
	z->next_in = (Bytef *)body->p;
	z->avail_in = (uInt)body->n;
	if (deflate(z, Z_FINISH) != Z_STREAM_END)
		return false;
	s->packed.n = bound - z->avail_out;
	*body = buf_view(&s->packed);
	return true;
}

static void put_head(struct buf *b, struct http_req *req, int status, const char *type,
                     const struct httpmsg_header *headers, size_t n)
{
	buf_str(b, "HTTP/1.1 ");
	put_number(b, (unsigned)status);
	buf_u8(b, ' ');
	buf_str(b, phrase(status));
	buf_str(b, "\r\nDate: ");
	buf_str(b, date(req->server));
	buf_str(b, "\r\nx-amzn-RequestId: ");
	buf_put(b, req->id, HTTP_CONN_ID_BYTES - 1);
	if (type != NULL) {
		buf_str(b, "\r\nContent-Type: ");
		buf_str(b, type);
	}
	for (size_t i = 0; i < n; i++) {
		buf_str(b, "\r\n");
		buf_bytes(b, headers[i].name);
		buf_str(b, ": ");
		buf_bytes(b, headers[i].value);
	}
	if (req->closes)
		buf_str(b, "\r\nConnection: close");
	else if (req->msg.minor == 0)
		buf_str(b, "\r\nConnection: keep-alive");
}

static void put_answer(struct buf *b, struct http_req *req, int status, const char *type,
                       const struct httpmsg_header *headers, size_t n, struct bytes body)
{
	bool packed = body.n > HTTP_GZIP_BYTES_MIN && req->msg.accept_gzip && pack(req->server, &body);

	put_head(b, req, status, type, headers, n);
	if (packed)
		buf_str(b, "\r\nContent-Encoding: gzip");
	buf_str(b, "\r\nx-amz-crc32: ");
	put_number(b, libdeflate_crc32(0, body.p, body.n));
	buf_str(b, "\r\nContent-Length: ");
	put_number(b, body.n);
	buf_str(b, "\r\n\r\n");
	if (!bytes_is(req->msg.method, "HEAD"))
		buf_bytes(b, body);
	if (packed && req->server->packed.cap > HTTP_CONN_KEEP_BYTES)
		buf_fini(&req->server->packed);
}

void http_answer(struct http_req *req, int status, const char *type, const struct httpmsg_header *headers, size_t n,
                 struct bytes body)
{
	struct http_conn *c = req->conn;
	struct buf *b;

	assert(req->handed && !req->answered && status >= 100 && status < 600 && body.n <= HTTP_ANSWER_BYTES_MAX);
	req->answered = true;
	req->server->held--;
	if (c == NULL) {
		struct http_server *s = req->server;

		http_conn_req_free(req);
		http_closed(s);
		return;
	}
	req->closes = !req->msg.keep_alive || (req->server->draining && TAILQ_NEXT(req, link) == NULL);
	b = TAILQ_FIRST(&c->reqs) == req ? &c->out : &req->reply;
	put_answer(b, req, status, type, headers, n, body);
	assert(!b->over);
	http_conn_answered(req);
}
