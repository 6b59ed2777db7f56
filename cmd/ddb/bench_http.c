#include "bench_http.h"

#include <string.h>
#include <strings.h>

#include "httpmsg.h"

#define CHUNK_LINE_BYTES_MAX 1024

static bool is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

static bool has_token(struct bytes v, const char *token)
{
	size_t n = strlen(token);

	for (size_t i = 0; i + n <= v.n; i++)
		if (strncasecmp((const char *)v.p + i, token, n) == 0)
			return true;
	return false;
}

static bool read_length(struct bytes v, size_t *out)
{
	size_t n = 0;

	if (v.n == 0 || v.n > 9)
		return false;
	for (size_t i = 0; i < v.n; i++) {
		if (!is_digit(v.p[i]))
			return false;
		n = n * 10 + (size_t)(v.p[i] - '0');
	}
	*out = n;
	return n <= BENCH_HTTP_BODY_BYTES_MAX;
}

/* One header line, without its end.  False: it decides where the body ends, and cannot be understood. */
static bool header(struct bench_http *h, struct bytes line)
{
	const uint8_t *colon = memchr(line.p, ':', line.n);
	struct bytes name, value;

	if (colon == NULL || colon == line.p)
		return false;
	name = (struct bytes){ line.p, (size_t)(colon - line.p) };
	value = (struct bytes){ colon + 1, line.n - name.n - 1 };
	while (value.n > 0 && (value.p[0] == ' ' || value.p[0] == '\t'))
		value.p++, value.n--;
	while (value.n > 0 && (value.p[value.n - 1] == ' ' || value.p[value.n - 1] == '\t'))
		value.n--;
	if (httpmsg_name_is(name, "content-length")) {
		if (h->told || h->chunked || !read_length(value, &h->length))
			return false;
		h->told = true;
	} else if (httpmsg_name_is(name, "transfer-encoding")) {
		if (h->told || h->chunked || value.n != 7 || !has_token(value, "chunked"))
			return false;
		h->chunked = true;
	} else if (httpmsg_name_is(name, "connection")) {
		if (has_token(value, "close"))
			h->keep_alive = false;
	}
	return true;
}

static bool head(struct bench_http *h, struct bytes in)
{
	static const char version[] = "HTTP/1.1 ";
	const uint8_t *p = in.p, *end = in.p + h->head_n, *stop;
	size_t n = sizeof version - 1;

	stop = memchr(p, '\n', h->head_n);
	if (h->head_n < n + 5 || stop < p + n + 3 || memcmp(p, version, n) != 0 || !is_digit(p[n]) ||
	    !is_digit(p[n + 1]) || !is_digit(p[n + 2]) || (p[n + 3] != ' ' && p[n + 3] != '\r'))
		return false;
	h->status = (p[n] - '0') * 100 + (p[n + 1] - '0') * 10 + p[n + 2] - '0';
	h->keep_alive = true;
	for (p = stop + 1; p < end - 2; p = stop + 1) {
		stop = memchr(p, '\n', (size_t)(end - p));
		if (stop == p || stop[-1] != '\r' || !header(h, (struct bytes){ p, (size_t)(stop - 1 - p) }))
			return false;
	}
	if (h->status == 204) {
		h->told = true;
		h->length = 0;
	}
	/* Nobody asked for a 1xx, or for something that is unchanged. */
	return h->status >= 200 && h->status < 600 && h->status != 304 && (h->told || h->chunked);
}

/* The size at the start of a chunk's line; false if it cannot be one. */
static bool chunk_size(struct bytes line, size_t *out)
{
	size_t n = 0, i;

	for (i = 0; i < line.n && line.p[i] != ';' && line.p[i] != ' '; i++) {
		uint8_t c = line.p[i] | 0x20;

		if (i == 7 || !(is_digit(line.p[i]) || (c >= 'a' && c <= 'f')))
			return false;
		n = n * 16 + (size_t)(is_digit(line.p[i]) ? c - '0' : c - 'a' + 10);
	}
	*out = n;
	return i > 0 && n <= BENCH_HTTP_BODY_BYTES_MAX;
}

/* Takes whole chunks only, and moves their bytes to where the body so far ends. */
static enum bench_http_step chunks(struct bench_http *h, struct buf *in)
{
	for (;;) {
		const uint8_t *line = in->p + h->at, *stop = memchr(line, '\n', in->n - h->at);
		size_t left = in->n - h->at, size, line_n;

		if (stop == NULL)
			return left > CHUNK_LINE_BYTES_MAX ? BENCH_HTTP_BAD : BENCH_HTTP_MORE;
		line_n = (size_t)(stop - line) + 1;
		if (line_n < 3 || stop[-1] != '\r' || !chunk_size((struct bytes){ line, line_n - 2 }, &size))
			return BENCH_HTTP_BAD;
		if (left - line_n < size + 2)
			return BENCH_HTTP_MORE;
		/* Trailers, which the last chunk may have, are not expected. */
		if (memcmp(line + line_n + size, "\r\n", 2) != 0 || h->length + size > BENCH_HTTP_BODY_BYTES_MAX)
			return BENCH_HTTP_BAD;
		memmove(in->p + h->head_n + h->length, line + line_n, size);
		h->length += size;
		h->at += line_n + size + 2;
		if (size == 0)
			return h->at == in->n ? BENCH_HTTP_DONE : BENCH_HTTP_BAD;
	}
}

enum bench_http_step bench_http_read(struct bench_http *h, struct buf *in)
{
	enum bench_http_step step;

	if (h->head_n == 0) {
		const uint8_t *end = memmem(in->p, in->n, "\r\n\r\n", 4);

		if (end == NULL)
			return in->n > BENCH_HTTP_HEAD_BYTES_MAX ? BENCH_HTTP_BAD : BENCH_HTTP_MORE;
		h->head_n = (size_t)(end - in->p) + 4;
		if (h->head_n > BENCH_HTTP_HEAD_BYTES_MAX || !head(h, buf_view(in)))
			return BENCH_HTTP_BAD;
		h->at = h->head_n;
	}
	if (h->chunked) {
		step = chunks(h, in);
		if (step != BENCH_HTTP_DONE)
			return step;
	} else if (in->n != h->head_n + h->length) {
		return in->n < h->head_n + h->length ? BENCH_HTTP_MORE : BENCH_HTTP_BAD;
	}
	h->body = (struct bytes){ in->p + h->head_n, h->length };
	return BENCH_HTTP_DONE;
}
