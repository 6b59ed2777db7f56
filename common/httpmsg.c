#include "httpmsg.h"

#include <assert.h>
#include <llhttp.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "httpmsg_head.h"
#include "mem.h"

/*
 * The rules, beyond the grammar of RFC 9112.  Refused:
 * - any line that does not end in CRLF; CR, NUL or another control character in one; an empty line before the request;
 * - white space in or after a header's name, or at the start of a line (folding);
 * - targets other than an absolute path (and * of OPTIONS), or with characters that RFC 3986 does not allow;
 * - versions other than 1.0 and 1.1;
 * - no Host, two, or one that is not a host; two of any header that only makes sense once;
 * - Content-Length together with Transfer-Encoding, or not plain digits;
 * - Transfer-Encoding other than exactly "chunked", or in HTTP/1.0; a body on GET or HEAD;
 * - names that some gateways would take for the two length headers; a Connection header that names a header we act on;
 * - chunk sizes of more than 8 digits; chunk extensions other than ;name[=token]; trailers;
 * - and whatever llhttp reads otherwise than we do (it takes folded lines, and refuses a TAB after a length).
 */

#define CHUNK_LINE_MAX 256
#define KEEP_BYTES_MAX ((size_t)64 << 10)                /* larger buffers are not kept for the next request */

enum {
	IN_HEAD, IN_BODY, IN_SIZE, IN_EXT, IN_SIZE_LF, IN_DATA, IN_DATA_CR, IN_DATA_LF, IN_LAST_CR, IN_LAST_LF,
	AT_END, BAD
};

struct httpmsg_peer {
	llhttp_t parser;
	size_t url_n, names_n, headers_n, body_n;
	unsigned heads, messages;
};

/* --- llhttp's reading --------------------------------------------------------------------------------------------- */

static struct httpmsg_peer *peer_of(llhttp_t *p)
{
	return p->data;
}

static int on_url(llhttp_t *p, const char *at, size_t n)
{
	(void)at;
	peer_of(p)->url_n += n;
	return 0;
}

static int on_name(llhttp_t *p, const char *at, size_t n)
{
	(void)at;
	peer_of(p)->names_n += n;
	return 0;
}

static int on_name_end(llhttp_t *p)
{
	peer_of(p)->headers_n++;
	return 0;
}

static int on_head(llhttp_t *p)
{
	peer_of(p)->heads++;
	return 0;
}

static int on_body(llhttp_t *p, const char *at, size_t n)
{
	(void)at;
	peer_of(p)->body_n += n;
	return 0;
}

static int on_message(llhttp_t *p)
{
	peer_of(p)->messages++;
	return 0;
}

static const llhttp_settings_t settings = {
	.on_url = on_url,
	.on_header_field = on_name,
	.on_header_field_complete = on_name_end,
	.on_headers_complete = on_head,
	.on_body = on_body,
	.on_message_complete = on_message,
};

/* An upgrade is offered by some clients and never taken: llhttp only stops where we stop anyway. */
static bool peer_feed(struct httpmsg_peer *p, struct bytes in)
{
	llhttp_errno_t rc = llhttp_execute(&p->parser, (const char *)in.p, in.n);

	return rc == HPE_OK || rc == HPE_PAUSED_UPGRADE;
}

static bool peer_agrees_on_head(struct httpmsg *m)
{
	struct httpmsg_peer *p = m->peer;
	size_t names_n = 0;

	memset(p, 0, sizeof *p);
	llhttp_init(&p->parser, HTTP_REQUEST, &settings);
	p->parser.data = p;
	if (!peer_feed(p, buf_view(&m->head)))
		return false;
	for (size_t i = 0; i < m->headers_n; i++)
		names_n += m->headers[i].name.n;
	return p->heads == 1 && p->headers_n == m->headers_n && p->names_n == names_n &&
	       p->url_n == m->path.n + (m->target_query ? m->query.n + 1 : 0) &&
	       bytes_is(m->method, llhttp_method_name(p->parser.method)) && p->parser.http_major == 1 &&
	       p->parser.http_minor == m->minor && (bool)(p->parser.flags & F_CHUNKED) == m->chunked &&
	       p->messages == (!m->chunked && m->length == 0) &&
	       (m->chunked || p->messages == 1 || p->parser.content_length == m->length);
}

/* --- life --------------------------------------------------------------------------------------------------------- */

void httpmsg_init(struct httpmsg *m)
{
	memset(m, 0, sizeof *m);
	buf_init(&m->head, HTTPMSG_LINE_BYTES_MAX + HTTPMSG_HEAD_BYTES_MAX);
	buf_init(&m->store, HTTPMSG_BODY_BYTES_MAX);
	buf_init(&m->plain, HTTPMSG_BODY_BYTES_MAX);
	m->peer = mem_new(sizeof *m->peer);
}

void httpmsg_fini(struct httpmsg *m)
{
	buf_fini(&m->head);
	buf_fini(&m->store);
	buf_fini(&m->plain);
	free(m->peer);
	m->peer = NULL;
}

static void slim(struct buf *b)
{
	if (b->cap > KEEP_BYTES_MAX)
		buf_fini(b);
	else
		buf_clear(b);
}

void httpmsg_reset(struct httpmsg *m)
{
	slim(&m->head);
	slim(&m->store);
	slim(&m->plain);
	m->method = m->path = m->query = m->body = BYTES_NONE;
	m->headers_n = m->scanned = m->head_line_n = m->line_n = 0;
	m->minor = 0;
	m->keep_alive = m->expect_continue = m->accept_gzip = m->chunked = m->packed = m->target_query = false;
	m->ext_open = m->ext_value = false;
	m->status = 0;
	m->why = NULL;
	m->length = m->chunk_left = 0;
	m->phase = IN_HEAD;
}

bool httpmsg_started(const struct httpmsg *m)
{
	return m->head.n > 0;
}

size_t httpmsg_body_got(const struct httpmsg *m)
{
	return m->store.n;
}

static enum httpmsg_step bad(struct httpmsg *m, int status, const char *why)
{
	m->status = status;
	m->why = why;
	m->phase = BAD;
	return HTTPMSG_BAD;
}

/* --- feeding ------------------------------------------------------------------------------------------------------ */

static enum httpmsg_step head_done(struct httpmsg *m)
{
	if (!httpmsg_head_parse(m)) {
		m->phase = BAD;
		return HTTPMSG_BAD;
	}
	if (!peer_agrees_on_head(m))
		return bad(m, 400, "the head can be read in more than one way");
	m->phase = m->chunked ? IN_SIZE : m->length > 0 ? IN_BODY : AT_END;
	m->chunk_left = m->length;
	return HTTPMSG_HEAD;
}

/*
 * Lines are looked at as they come, so that a client that ends them with a bare LF is told so instead of waiting for a
 * CRLF CRLF that never comes.
 */
static enum httpmsg_step feed_head(struct httpmsg *m, struct bytes in, size_t *used)
{
	size_t before = m->head.n, room = HTTPMSG_LINE_BYTES_MAX + HTTPMSG_HEAD_BYTES_MAX - before;
	size_t from = before;
	const uint8_t *nl;

	if (in.n == 0)
		return HTTPMSG_MORE;
	if (before == 0 && (in.p[0] < 'A' || in.p[0] > 'Z'))
		return bad(m, 400, "not an HTTP request");
	if (in.n > 1024) {
		/* Do not carry a body along only to drop it again. */
		const uint8_t *end = memmem(in.p, in.n, "\r\n\r\n", 4);

		if (end != NULL)
			in.n = (size_t)(end - in.p) + 4;
	}
	*used = in.n < room ? in.n : room;
	buf_put(&m->head, in.p, *used);
	assert(!m->head.over);
	while ((nl = memchr(m->head.p + from, '\n', m->head.n - from)) != NULL) {
		size_t at = (size_t)(nl - m->head.p);

		if (at == m->scanned || nl[-1] != '\r')
			return bad(m, 400, "a line does not end in CRLF");
		if (m->head_line_n == 0)
			m->head_line_n = at + 1;
		if (m->head_line_n > HTTPMSG_LINE_BYTES_MAX)
			return bad(m, 414, "the request line is too long");
		if (at + 1 - m->head_line_n > HTTPMSG_HEAD_BYTES_MAX)
			return bad(m, 431, "the headers are too long");
		if (at == m->scanned + 1) {
			*used -= m->head.n - (at + 1);
			m->head.n = at + 1;
			return head_done(m);
		}
		from = m->scanned = at + 1;
	}
	if (m->head_line_n == 0 && m->head.n >= HTTPMSG_LINE_BYTES_MAX)
		return bad(m, 414, "the request line is too long");
	if (m->head_line_n > 0 && m->head.n - m->head_line_n >= HTTPMSG_HEAD_BYTES_MAX)
		return bad(m, 431, "the headers are too long");
	return HTTPMSG_MORE;
}

static enum httpmsg_step feed_body(struct httpmsg *m, struct bytes in, size_t *used)
{
	*used = in.n < m->chunk_left ? in.n : (size_t)m->chunk_left;
	buf_put(&m->store, in.p, *used);
	assert(!m->store.over);
	m->chunk_left -= *used;
	if (m->chunk_left > 0)
		return HTTPMSG_MORE;
	m->phase = AT_END;
	return HTTPMSG_DONE;
}

static int hex_digit(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if ((c | 32) >= 'a' && (c | 32) <= 'f')
		return (c | 32) - 'a' + 10;
	return -1;
}

/* A byte of the line "size[;name[=token]]... CRLF". */
static const char *chunk_line(struct httpmsg *m, uint8_t c)
{
	int digit = hex_digit(c);

	if (m->line_n++ == CHUNK_LINE_MAX)
		return "a chunk line is too long";
	if (c == '\r' && m->line_n > 1 && !m->ext_open) {
		m->phase = IN_SIZE_LF;
		return NULL;
	}
	if (m->phase == IN_SIZE) {
		if (c == ';' && m->line_n > 1) {
			m->phase = IN_EXT;
			m->ext_open = true;
			m->ext_value = false;
			return NULL;
		}
		if (digit < 0 || m->line_n > 8)
			return "a chunk size is not 1 to 8 hexadecimal digits";
		m->chunk_left = m->chunk_left * 16 + (unsigned)digit;
		return NULL;
	}
	if (httpmsg_head_token(c))
		m->ext_open = false;
	else if (c == ';' && !m->ext_open)
		m->ext_open = true, m->ext_value = false;
	else if (c == '=' && !m->ext_open && !m->ext_value)
		m->ext_open = m->ext_value = true;
	else
		return "a chunk extension is malformed";
	return NULL;
}

/* One byte of chunk framing.  NULL, or why it is refused. */
static const char *chunk_byte(struct httpmsg *m, uint8_t c)
{
	static const char *const crlf = "chunk framing is not CRLF";

	switch (m->phase) {
	case IN_SIZE:
	case IN_EXT:
		return chunk_line(m, c);
	case IN_SIZE_LF:
		m->phase = m->chunk_left > 0 ? IN_DATA : IN_LAST_CR;
		return c == '\n' ? NULL : crlf;
	case IN_DATA_CR:
		m->phase = IN_DATA_LF;
		return c == '\r' ? NULL : crlf;
	case IN_DATA_LF:
		m->phase = IN_SIZE;
		m->line_n = 0;
		return c == '\n' ? NULL : crlf;
	case IN_LAST_CR:
		m->phase = IN_LAST_LF;
		return c == '\r' ? NULL : "trailers are not taken";
	default:
		assert(m->phase == IN_LAST_LF);
		m->phase = AT_END;
		return c == '\n' ? NULL : crlf;
	}
}

static enum httpmsg_step feed_chunks(struct httpmsg *m, struct bytes in, size_t *used)
{
	size_t i = 0;

	while (i < in.n && m->phase != AT_END) {
		if (m->phase == IN_DATA) {
			size_t n = in.n - i < m->chunk_left ? in.n - i : (size_t)m->chunk_left;

			buf_put(&m->store, in.p + i, n);
			assert(!m->store.over);
			m->chunk_left -= n;
			i += n;
			if (m->chunk_left == 0)
				m->phase = IN_DATA_CR;
		} else {
			const char *why = chunk_byte(m, in.p[i++]);

			if (why != NULL)
				return bad(m, 400, why);
			if (m->chunk_left > HTTPMSG_BODY_BYTES_MAX - m->store.n)
				return bad(m, 413, "the body is too large");
		}
	}
	*used = i;
	if (!peer_feed(m->peer, (struct bytes){ in.p, i }) || m->peer->messages != (m->phase == AT_END) ||
	    m->peer->body_n != m->store.n)
		return bad(m, 400, "the chunks can be read in more than one way");
	return m->phase == AT_END ? HTTPMSG_DONE : HTTPMSG_MORE;
}

enum httpmsg_step httpmsg_feed(struct httpmsg *m, struct bytes in, size_t *used)
{
	enum httpmsg_step step;

	*used = 0;
	switch (m->phase) {
	case IN_HEAD:
		return feed_head(m, in, used);
	case IN_BODY:
		step = feed_body(m, in, used);
		break;
	case AT_END:
		step = HTTPMSG_DONE;
		break;
	default:
		assert(m->phase != BAD);
		step = feed_chunks(m, in, used);
	}
	if (step == HTTPMSG_DONE)
		m->body = buf_view(&m->store);
	return step;
}

/* --- reading ------------------------------------------------------------------------------------------------------ */

struct bytes httpmsg_header(const struct httpmsg *m, const char *name, size_t *count)
{
	struct bytes found = BYTES_NONE;
	size_t n = 0;

	for (size_t i = 0; i < m->headers_n; i++)
		if (httpmsg_name_is(m->headers[i].name, name) && n++ == 0)
			found = m->headers[i].value;
	if (count != NULL)
		*count = n;
	return found;
}

int httpmsg_unpack(struct httpmsg *m, struct bytes *out)
{
	z_stream z = { .next_in = (Bytef *)m->body.p, .avail_in = (uInt)m->body.n };
	int rc = Z_OK;

	assert(m->phase == AT_END);
	*out = m->body;
	if (!m->packed)
		return 0;
	buf_clear(&m->plain);
	if (inflateInit2(&z, 15 + 16) != Z_OK)           /* 16: gzip and nothing else */
		return 400;
	while (rc == Z_OK) {
		size_t room = HTTPMSG_BODY_BYTES_MAX - m->plain.n;

		room = room < KEEP_BYTES_MAX ? room : KEEP_BYTES_MAX;
		if (room == 0)
			break;
		z.next_out = buf_room(&m->plain, room);
		z.avail_out = (uInt)room;
		rc = inflate(&z, Z_NO_FLUSH);
		m->plain.n += room - z.avail_out;
	}
	/* At the very cap the end may be all that is missing. */
	if (rc == Z_OK) {
		uint8_t extra;

		z.next_out = &extra;
		z.avail_out = 1;
		rc = inflate(&z, Z_NO_FLUSH);
		if (z.avail_out == 0) {
			inflateEnd(&z);
			return 413;
		}
	}
	inflateEnd(&z);
	if (rc != Z_STREAM_END || z.avail_in > 0)
		return 400;
	*out = buf_view(&m->plain);
	return 0;
}
