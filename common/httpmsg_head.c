#include "httpmsg_head.h"

#include <assert.h>
#include <string.h>

/* Which sets a character belongs to. */
enum { TOKEN = 1, TARGET = 2, HOST = 4, VALUE = 8 };

#define T (TOKEN | TARGET | VALUE)
#define A (TOKEN | TARGET | HOST | VALUE)
#define R (TARGET | VALUE)
#define H (TARGET | HOST | VALUE)
#define V VALUE
#define K (TOKEN | VALUE)

/* RFC 9110 5.6.2 for tokens, RFC 3986 for targets and hosts; values are what is printable, TAB and bytes over 0x7f. */
static const uint8_t sets[256] = {
	0, 0, 0, 0, 0, 0, 0, 0, 0, V, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	/*     !  "  #  $  %  &  '  (  )  *  +  ,  -  .  /  0  1  2  3  4  5  6  7  8  9  :  ;  <  =  >  ? */
	V, T, V, K, T, T, T, T, R, R, T, T, R, A, A, R, A, A, A, A, A, A, A, A, A, A, H, R, V, R, V, R,
	/* @ A B C D E F G H I J K L M N O P Q R S T U V W X Y Z [ \ ] ^ _ */
	R, A, A, A, A, A, A, A, A, A, A, A, A, A, A, A, A, A, A, A, A, A, A, A, A, A, A, V | HOST, V, V | HOST, K, A,
	/* ` a b c d e f g h i j k l m n o p q r s t u v w x y z { | } ~ DEL */
	K, A, A, A, A, A, A, A, A, A, A, A, A, A, A, A, A, A, A, A, A, A, A, A, A, A, A, V, K, V, T, 0,
	V, V, V, V, V, V, V, V, V, V, V, V, V, V, V, V, V, V, V, V, V, V, V, V, V, V, V, V, V, V, V, V,
	V, V, V, V, V, V, V, V, V, V, V, V, V, V, V, V, V, V, V, V, V, V, V, V, V, V, V, V, V, V, V, V,
	V, V, V, V, V, V, V, V, V, V, V, V, V, V, V, V, V, V, V, V, V, V, V, V, V, V, V, V, V, V, V, V,
	V, V, V, V, V, V, V, V, V, V, V, V, V, V, V, V, V, V, V, V, V, V, V, V, V, V, V, V, V, V, V, V,
};

/* Headers we act on, or that are signed: two of one of them would be read differently by different readers. */
enum {
	HOST_, LENGTH, CODING, ENCODING, EXPECT, AUTHORIZATION, TYPE, AMZ_TARGET, AMZ_DATE, AMZ_TOKEN, AMZ_HASH, ONCE_N,
	CONNECTION = ONCE_N, ACCEPT, KNOWN_N
};

static const struct {
	uint8_t n;
	const char *name;
} known[KNOWN_N] = {
	[HOST_] = { 4, "host" },
	[LENGTH] = { 14, "content-length" },
	[CODING] = { 17, "transfer-encoding" },
	[ENCODING] = { 16, "content-encoding" },
	[EXPECT] = { 6, "expect" },
	[AUTHORIZATION] = { 13, "authorization" },
	[TYPE] = { 12, "content-type" },
	[AMZ_TARGET] = { 12, "x-amz-target" },
	[AMZ_DATE] = { 10, "x-amz-date" },
	[AMZ_TOKEN] = { 20, "x-amz-security-token" },
	[AMZ_HASH] = { 20, "x-amz-content-sha256" },
	[CONNECTION] = { 10, "connection" },
	[ACCEPT] = { 15, "accept-encoding" },
};

struct head {
	struct httpmsg *m;
	const struct bytes *once[ONCE_N];                /* the value, if it is there */
	bool close, keep;
};

static bool refuse(struct httpmsg *m, int status, const char *why)
{
	m->status = status;
	m->why = why;
	return false;
}

bool httpmsg_head_token(uint8_t c)
{
	return sets[c] & TOKEN;
}

static bool all(struct bytes v, uint8_t set)
{
	uint8_t in = 0xff;

	for (size_t i = 0; i < v.n; i++)
		in &= sets[v.p[i]];
	return in & set;
}

/* Equal without case; b is lower case and as long as a. */
static bool same(const uint8_t *a, const char *b, size_t n)
{
	uint8_t diff = 0;

	for (size_t i = 0; i < n; i++)
		diff |= (uint8_t)((a[i] >= 'A' && a[i] <= 'Z' ? a[i] | 32 : a[i]) ^ (uint8_t)b[i]);
	return diff == 0;
}

bool httpmsg_name_is(struct bytes a, const char *b)
{
	return strlen(b) == a.n && same(a.p, b, a.n);
}

static struct bytes trim(struct bytes v)
{
	while (v.n > 0 && (v.p[0] == ' ' || v.p[0] == '\t')) {
		v.p++;
		v.n--;
	}
	while (v.n > 0 && (v.p[v.n - 1] == ' ' || v.p[v.n - 1] == '\t'))
		v.n--;
	return v;
}

/* --- the request line --------------------------------------------------------------------------------------------- */

static bool parse_target(struct httpmsg *m, struct bytes target)
{
	const uint8_t *mark = memchr(target.p, '?', target.n);

	if (bytes_is(target, "*") && bytes_is(m->method, "OPTIONS")) {
		m->path = target;
		return true;
	}
	if (target.n == 0 || target.p[0] != '/' || !all(target, TARGET))
		return refuse(m, 400, "the target is not a path");
	for (size_t i = 0; i < target.n; i++) {
		struct bytes digits = { target.p + i + 1, 2 };
		uint8_t byte;

		if (target.p[i] == '%' && (target.n - i < 3 || !bytes_hex(digits, &byte, 1)))
			return refuse(m, 400, "the target has a bad percent encoding");
	}
	m->target_query = mark != NULL;
	m->path = target;
	if (mark != NULL) {
		m->path.n = (size_t)(mark - target.p);
		m->query = (struct bytes){ mark + 1, target.n - m->path.n - 1 };
	}
	return true;
}

static bool parse_method(struct httpmsg *m)
{
	static const char *const taken[] = { "POST", "GET", "HEAD", "OPTIONS", "PUT", "DELETE", "PATCH" };

	for (size_t i = 0; i < sizeof taken / sizeof *taken; i++)
		if (bytes_is(m->method, taken[i]))
			return true;
	for (size_t i = 0; i < m->method.n; i++)
		if ((m->method.p[i] < 'A' || m->method.p[i] > 'Z') && m->method.p[i] != '-')
			return refuse(m, 400, "the method is malformed");
	return refuse(m, m->method.n > 0 && m->method.n <= 32 ? 501 : 400, "no such method here");
}

/* "METHOD target HTTP/1.x", with exactly these two spaces. */
static bool parse_line(struct httpmsg *m, struct bytes line)
{
	const uint8_t *first = memchr(line.p, ' ', line.n), *second;
	struct bytes version;

	if (first == NULL)
		return refuse(m, 400, "the request line is malformed");
	m->method = (struct bytes){ line.p, (size_t)(first - line.p) };
	second = memchr(first + 1, ' ', line.n - m->method.n - 1);
	if (second == NULL)
		return refuse(m, 400, "the request line has no version");
	version = (struct bytes){ second + 1, line.n - (size_t)(second + 1 - line.p) };
	if (version.n != 8 || memcmp(version.p, "HTTP/", 5) != 0 || version.p[5] < '0' || version.p[5] > '9' ||
	    version.p[6] != '.' || version.p[7] < '0' || version.p[7] > '9')
		return refuse(m, 400, "the version is malformed");
	if (version.p[5] != '1' || version.p[7] > '1')
		return refuse(m, 505, "only HTTP/1.1 and HTTP/1.0 are spoken here");
	m->minor = version.p[7] - '0';
	return parse_method(m) && parse_target(m, (struct bytes){ first + 1, (size_t)(second - first - 1) });
}

/* --- headers ------------------------------------------------------------------------------------------------------ */

/* A gateway that turns "_" into "-" would see a length that we do not. */
static bool length_in_disguise(struct bytes name)
{
	for (int k = LENGTH; k <= CODING; k++) {
		bool equal = name.n == known[k].n;

		for (size_t i = 0; equal && i < name.n; i++)
			equal = (name.p[i] == '_' ? '-' : name.p[i] | 32) == known[k].name[i];
		if (equal)
			return true;
	}
	return false;
}

/* The next element of a comma-separated list, trimmed; false at the end. */
static bool element(struct bytes *list, struct bytes *out)
{
	const uint8_t *comma;

	if (list->n == 0)
		return false;
	comma = memchr(list->p, ',', list->n);
	*out = trim((struct bytes){ list->p, comma != NULL ? (size_t)(comma - list->p) : list->n });
	*list = comma != NULL ? (struct bytes){ comma + 1, list->n - (size_t)(comma + 1 - list->p) } : BYTES_NONE;
	return true;
}

static bool parse_connection(struct head *h, struct bytes list)
{
	struct bytes e;

	while (element(&list, &e)) {
		if (httpmsg_name_is(e, "close"))
			h->close = true;
		else if (httpmsg_name_is(e, "keep-alive"))
			h->keep = true;
		for (int k = 0; k < KNOWN_N; k++)
			if (httpmsg_name_is(e, known[k].name))
				return refuse(h->m, 400, "Connection names a header that is not of the connection");
	}
	return true;
}

static bool takes_gzip(struct bytes list)
{
	struct bytes e;

	while (element(&list, &e)) {
		const uint8_t *semi = memchr(e.p, ';', e.n), *zero;
		struct bytes coding = trim((struct bytes){ e.p, semi != NULL ? (size_t)(semi - e.p) : e.n });

		if (!httpmsg_name_is(coding, "gzip"))
			continue;
		if (semi == NULL)
			return true;
		/* Weight 0 means no: "q=0", "q=0.0"... */
		for (zero = semi; zero < e.p + e.n; zero++)
			if (*zero >= '1' && *zero <= '9')
				return true;
		return false;
	}
	return false;
}

static bool parse_known(struct head *h, const struct httpmsg_header *f)
{
	for (int k = 0; k < KNOWN_N; k++) {
		if (known[k].n != f->name.n || !same(f->name.p, known[k].name, f->name.n))
			continue;
		if (k == CONNECTION)
			return parse_connection(h, f->value);
		if (k == ACCEPT) {
			h->m->accept_gzip |= takes_gzip(f->value);
			return true;
		}
		if (h->once[k] != NULL)
			return refuse(h->m, 400, "a header is there twice");
		h->once[k] = &f->value;
		return true;
	}
	if (memchr(f->name.p, '_', f->name.n) != NULL && length_in_disguise(f->name))
		return refuse(h->m, 400, "a header resembles one of the length headers");
	return true;
}

static bool parse_header(struct head *h, struct bytes line)
{
	const uint8_t *colon = memchr(line.p, ':', line.n);
	struct httpmsg_header *f = &h->m->headers[h->m->headers_n];

	if (h->m->headers_n == HTTPMSG_HEADERS_MAX)
		return refuse(h->m, 431, "there are too many headers");
	if (colon == NULL)
		return refuse(h->m, 400, "a header has no colon");
	f->name = (struct bytes){ line.p, (size_t)(colon - line.p) };
	f->value = trim((struct bytes){ colon + 1, line.n - f->name.n - 1 });
	if (f->name.n == 0 || !all(f->name, TOKEN))
		return refuse(h->m, 400, "a header's name is malformed");
	if (!all(f->value, VALUE))
		return refuse(h->m, 400, "a header's value has a control character in it");
	h->m->headers_n++;
	return parse_known(h, f);
}

/* --- what it means ------------------------------------------------------------------------------------------------ */

static bool parse_length(struct httpmsg *m, struct bytes v)
{
	if (v.n == 0 || v.n > 19 || (v.n > 1 && v.p[0] == '0'))
		return refuse(m, 400, "Content-Length is malformed");
	for (size_t i = 0; i < v.n; i++) {
		if (v.p[i] < '0' || v.p[i] > '9')
			return refuse(m, 400, "Content-Length is malformed");
		m->length = m->length * 10 + (v.p[i] - '0');
	}
	if (m->length > HTTPMSG_BODY_BYTES_MAX)
		return refuse(m, 413, "the body is too large");
	return true;
}

static bool settle_body(struct head *h)
{
	struct httpmsg *m = h->m;

	if (h->once[CODING] != NULL) {
		if (h->once[LENGTH] != NULL)
			return refuse(m, 400, "Content-Length and Transfer-Encoding exclude each other");
		if (m->minor == 0 || !httpmsg_name_is(*h->once[CODING], "chunked"))
			return refuse(m, 400, "Transfer-Encoding can only be chunked, and in HTTP/1.1");
		m->chunked = true;
	} else if (h->once[LENGTH] != NULL && !parse_length(m, *h->once[LENGTH])) {
		return false;
	}
	if ((m->chunked || m->length > 0) && (bytes_is(m->method, "GET") || bytes_is(m->method, "HEAD")))
		return refuse(m, 400, "a body makes no sense here");
	if (h->once[ENCODING] != NULL) {
		m->packed = httpmsg_name_is(*h->once[ENCODING], "gzip");
		if (!m->packed && !httpmsg_name_is(*h->once[ENCODING], "identity"))
			return refuse(m, 415, "Content-Encoding can only be gzip");
	}
	return true;
}

static bool settle(struct head *h)
{
	struct httpmsg *m = h->m;

	if (h->once[HOST_] == NULL || h->once[HOST_]->n == 0 || h->once[HOST_]->n > 261 || !all(*h->once[HOST_], HOST))
		return refuse(m, 400, "there is no good Host header");
	if (!settle_body(h))
		return false;
	if (h->once[EXPECT] != NULL) {
		if (!httpmsg_name_is(*h->once[EXPECT], "100-continue"))
			return refuse(m, 417, "the only expectation taken is 100-continue");
		m->expect_continue = m->minor == 1 && (m->chunked || m->length > 0);
	}
	m->keep_alive = !h->close && (m->minor == 1 || h->keep);
	return true;
}

bool httpmsg_head_parse(struct httpmsg *m)
{
	struct head h = { .m = m };
	const uint8_t *at = m->head.p, *end = at + m->head.n - 2;
	const uint8_t *nl = memchr(at, '\n', (size_t)(end - at));

	if (nl == NULL)
		return refuse(m, 400, "an empty line stands before the request");
	if (!parse_line(m, (struct bytes){ at, (size_t)(nl - at) - 1 }))
		return false;
	for (at = nl + 1; at < end; at = nl + 1) {
		nl = memchr(at, '\n', (size_t)(end - at));
		assert(nl != NULL);
		if (!parse_header(&h, (struct bytes){ at, (size_t)(nl - at) - 1 }))
			return false;
	}
	return settle(&h);
}
