#include "sigv4.h"

#include <openssl/evp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "sigv4_core.h"

/* The parts of an Authorization header and of the request that belongs to it. */
struct claim {
	struct bytes auth;                               /* the whole header */
	struct bytes credential, signed_headers, signature;
	struct bytes id, date, region, service, terminator;
	struct bytes when;                               /* x-amz-date */
	struct sigv4_core_line lines[SIGV4_HEADERS_MAX];
	size_t lines_n;
};

/* What came from outside goes into messages printable and short. */
static const char *shown(struct bytes v, char out[101])
{
	size_t n = v.n < 100 ? v.n : 100;

	for (size_t i = 0; i < n; i++)
		out[i] = v.p[i] >= 0x20 && v.p[i] < 0x7f ? (char)v.p[i] : '?';
	out[n] = '\0';
	return out;
}

static void say(struct sigv4_verdict *v, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Appends: the service, too, lists all that is wrong. */
static void say(struct sigv4_verdict *v, const char *fmt, ...)
{
	size_t n = strlen(v->message);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(v->message + n, sizeof v->message - n, fmt, ap);
	va_end(ap);
}

/* The service names a header it cannot read by its hash. */
static const char *fingerprint(struct sigv4 *s, struct bytes v, char out[45])
{
	uint8_t raw[SIGV4_CORE_HASH_N];

	sigv4_core_sha256(s, v, raw);
	EVP_EncodeBlock((unsigned char *)out, raw, SIGV4_CORE_HASH_N);
	return out;
}

/* The only header of that name; false if there is none or more than one. */
static bool the_header(const struct sigv4_req *r, struct bytes name, struct bytes *value)
{
	unsigned n = 0;

	for (size_t i = 0; i < r->headers_n; i++) {
		if (r->headers[i].name.n != name.n)
			continue;
		for (size_t j = 0; j <= name.n; j++) {
			uint8_t c;

			if (j == name.n) {
				*value = r->headers[i].value;
				n++;
				break;
			}
			c = r->headers[i].name.p[j];
			if ((c >= 'A' && c <= 'Z' ? c + 32 : c) != name.p[j])
				break;
		}
	}
	return n == 1;
}

static enum sigv4_result parse_part(struct sigv4 *s, struct claim *c, struct bytes part, struct sigv4_verdict *v)
{
	const uint8_t *eq = memchr(part.p, '=', part.n), *space = memchr(part.p, ' ', part.n);
	char print[45], text[101];
	struct bytes name, value, *into = NULL;

	if (eq == NULL || space != NULL) {
		say(v, "Invalid key=value pair (missing equal-sign) in Authorization header (hashed with SHA-256 and "
		       "encoded with Base64): '%s'.", fingerprint(s, c->auth, print));
		return SIGV4_INCOMPLETE;
	}
	name = (struct bytes){ part.p, (size_t)(eq - part.p) };
	value = (struct bytes){ eq + 1, part.n - name.n - 1 };
	if (bytes_is(name, "Credential"))
		into = &c->credential;
	else if (bytes_is(name, "SignedHeaders"))
		into = &c->signed_headers;
	else if (bytes_is(name, "Signature"))
		into = &c->signature;
	if (into == NULL || into->n > 0) {
		say(v, "Authorization header has an unknown or repeated parameter '%s'.", shown(name, text));
		return SIGV4_INCOMPLETE;
	}
	*into = value;
	return SIGV4_OK;
}

/* "Credential=..., SignedHeaders=..., Signature=..." in any order, each once, commas between and nothing else. */
static enum sigv4_result parse_parts(struct sigv4 *s, struct claim *c, struct sigv4_verdict *v)
{
	const uint8_t *at = c->auth.p + sizeof SIGV4_CORE_ALGORITHM - 1, *end = c->auth.p + c->auth.n;

	while (at < end && *at == ' ')
		at++;
	while (at < end) {
		const uint8_t *comma = memchr(at, ',', (size_t)(end - at));
		struct bytes part = { at, (size_t)((comma != NULL ? comma : end) - at) };
		enum sigv4_result rc = parse_part(s, c, part, v);

		if (rc != SIGV4_OK || comma == NULL)
			return rc;
		for (at = comma + 1; at < end && *at == ' '; at++)
			;
		if (at == end)
			return parse_part(s, c, BYTES_LIT(","), v);
	}
	return SIGV4_OK;
}

static enum sigv4_result parse_complete(struct sigv4 *s, const struct sigv4_req *r, struct claim *c,
                                        struct sigv4_verdict *v)
{
	char print[45];

	if (c->credential.n == 0)
		say(v, "Authorization header requires 'Credential' parameter. ");
	if (c->signature.n == 0)
		say(v, "Authorization header requires 'Signature' parameter. ");
	if (c->signed_headers.n == 0)
		say(v, "Authorization header requires 'SignedHeaders' parameter. ");
	if (!the_header(r, BYTES_LIT("x-amz-date"), &c->when) || c->when.n == 0)
		say(v, "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. ");
	if (v->message[0] == '\0')
		return SIGV4_OK;
	say(v, "(Hashed with SHA-256 and encoded with Base64) Authorization=%s", fingerprint(s, c->auth, print));
	return SIGV4_INCOMPLETE;
}

/* Letters, digits and a little punctuation: what key ids, regions and services are made of. */
static bool word(struct bytes v, size_t max)
{
	for (size_t i = 0; i < v.n; i++) {
		uint8_t c = v.p[i];

		if (!((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
		      c == '_' || c == '.' || c == '+' || c == '=' || c == '@' || c == ':'))
			return false;
	}
	return v.n > 0 && v.n <= max;
}

static enum sigv4_result parse_credential(struct claim *c, struct sigv4_verdict *v)
{
	struct bytes *parts[] = { &c->id, &c->date, &c->region, &c->service, &c->terminator };
	const uint8_t *at = c->credential.p, *end = at + c->credential.n;
	size_t n = 0;
	char text[101];

	while (n < 5) {
		const uint8_t *slash = memchr(at, '/', (size_t)(end - at));

		*parts[n++] = (struct bytes){ at, (size_t)((slash != NULL ? slash : end) - at) };
		if (slash == NULL) {
			at = NULL;
			break;
		}
		at = slash + 1;
	}
	if (n == 5 && at == NULL && word(c->id, CRED_ID_BYTES_MAX) && word(c->region, SIGV4_SCOPE_BYTES_MAX) &&
	    word(c->service, SIGV4_SCOPE_BYTES_MAX) && c->date.n > 0)
		return SIGV4_OK;
	say(v, "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got '%s'",
	    shown(c->credential, text));
	return SIGV4_INCOMPLETE;
}

#define MISMATCH_TEXT \
	"The request signature we calculated does not match the signature you provided. Check your AWS Secret Access " \
	"Key and signing method. Consult the service documentation for details."

/* The list must be lower-case and strictly ascending, so that it has one reading and no name twice. */
static enum sigv4_result parse_headers(const struct sigv4_req *r, struct claim *c, struct sigv4_verdict *v)
{
	const uint8_t *at = c->signed_headers.p, *end = at + c->signed_headers.n;
	bool more = true;

	while (more) {
		const uint8_t *semi = memchr(at, ';', (size_t)(end - at));
		struct sigv4_core_line *l = &c->lines[c->lines_n];

		if (c->lines_n == SIGV4_HEADERS_MAX)
			goto bad;
		l->name = (struct bytes){ at, (size_t)((semi != NULL ? semi : end) - at) };
		for (size_t i = 0; i < l->name.n; i++)
			if (l->name.p[i] >= 'A' && l->name.p[i] <= 'Z')
				goto bad;
		if (l->name.n == 0 || (c->lines_n > 0 && bytes_cmp(l[-1].name, l->name) >= 0) ||
		    !the_header(r, l->name, &l->value))
			goto bad;
		c->lines_n++;
		more = semi != NULL;
		at = more ? semi + 1 : end;
	}
	return SIGV4_OK;
bad:
	say(v, MISMATCH_TEXT);
	return SIGV4_BAD_HEADERS;
}

static bool is_signed(const struct claim *c, const char *name)
{
	for (size_t i = 0; i < c->lines_n; i++)
		if (bytes_is(c->lines[i].name, name))
			return true;
	return false;
}

static enum sigv4_result check_required(const struct claim *c, struct sigv4_scope scope, struct sigv4_verdict *v)
{
	if (!is_signed(c, "host"))
		say(v, "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.");
	else if (!is_signed(c, "x-amz-date"))
		say(v, "'X-Amz-Date' must be a 'SignedHeader' in the AWS Authorization.");
	else if (bytes_is(scope.service, "dynamodb") && !is_signed(c, "x-amz-target"))
		say(v, "'X-Amz-Target' must be a 'SignedHeader' in the AWS Authorization.");
	else
		return SIGV4_OK;
	return SIGV4_BAD_HEADERS;
}

static enum sigv4_result check_time(const struct claim *c, int64_t now_s, struct sigv4_verdict *v)
{
	int64_t when = sigv4_core_time(c->when);
	char text[101], now[SIGV4_DATE_BYTES], bound[SIGV4_DATE_BYTES];

	if (when < 0) {
		say(v, "Date must be in ISO-8601 'basic format'. Got '%s'. See http://en.wikipedia.org/wiki/ISO_8601",
		    shown(c->when, text));
		return SIGV4_INCOMPLETE;
	}
	sigv4_date(now_s, now);
	if (when < now_s - SIGV4_SKEW_S) {
		sigv4_date(now_s - SIGV4_SKEW_S, bound);
		say(v, "Signature expired: %s is now earlier than %s (%s - 15 min.)", shown(c->when, text), bound, now);
		return SIGV4_EXPIRED;
	}
	if (when > now_s + SIGV4_SKEW_S) {
		sigv4_date(now_s + SIGV4_SKEW_S, bound);
		say(v, "Signature not yet current: %s is still later than %s (%s + 15 min.)", shown(c->when, text),
		    bound, now);
		return SIGV4_EARLY;
	}
	return SIGV4_OK;
}

static enum sigv4_result check_scope(const struct claim *c, struct sigv4_scope scope, struct sigv4_verdict *v)
{
	char text[101], more[101], whole[101];

	if (scope.region.n > 0 && !bytes_eq(c->region, scope.region))
		say(v, "Credential should be scoped to a valid region, not '%s'. ", shown(c->region, text));
	if (!bytes_eq(c->service, scope.service))
		say(v, "Credential should be scoped to correct service: '%s'. ", shown(scope.service, text));
	if (!bytes_is(c->terminator, SIGV4_CORE_TERMINATOR))
		say(v, "Credential should be scoped with a valid terminator: '" SIGV4_CORE_TERMINATOR "', not '%s'. ",
		    shown(c->terminator, text));
	if (!bytes_eq(c->date, (struct bytes){ c->when.p, 8 }))
		say(v, "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: "
		       "'%s' != '%s', from '%s'. ", shown(c->date, text), shown((struct bytes){ c->when.p, 8 }, more),
		    shown(c->when, whole));
	return v->message[0] == '\0' ? SIGV4_OK : SIGV4_BAD_SCOPE;
}

static enum sigv4_result parse_claim(struct sigv4 *s, const struct sigv4_req *r, struct claim *c,
                                     struct sigv4_verdict *v)
{
	const struct bytes scheme = BYTES_LIT(SIGV4_CORE_ALGORITHM);
	enum sigv4_result rc;

	if (!the_header(r, BYTES_LIT("authorization"), &c->auth) || !bytes_starts(c->auth, scheme) ||
	    (c->auth.n > scheme.n && c->auth.p[scheme.n] != ' ')) {
		say(v, "Request is missing Authentication Token");
		return SIGV4_MISSING;
	}
	if (c->auth.n > SIGV4_AUTH_BYTES_MAX) {
		say(v, "Authorization header is longer than %d bytes.", SIGV4_AUTH_BYTES_MAX);
		return SIGV4_INCOMPLETE;
	}
	rc = parse_parts(s, c, v);
	if (rc == SIGV4_OK)
		rc = parse_complete(s, r, c, v);
	if (rc == SIGV4_OK)
		rc = parse_credential(c, v);
	if (rc == SIGV4_OK)
		rc = parse_headers(r, c, v);
	return rc;
}

enum sigv4_result sigv4_verify(struct sigv4 *s, const struct sigv4_req *r, const struct cred *keys,
                               struct sigv4_scope scope, int64_t now_s, struct sigv4_verdict *v)
{
	/* An unknown id is checked against a secret nobody has, from the same cache, and refused whatever comes out. */
	static const struct cred_key nobody = { .secret = { (const uint8_t *)"nobody", 6 } };
	struct claim c;
	const struct cred_key *key;
	char wanted[SIGV4_HASH_BYTES];
	enum sigv4_result rc;
	bool same;

	memset(&c, 0, offsetof(struct claim, lines));
	c.lines_n = 0;
	v->key = NULL;
	v->message[0] = '\0';
	if ((rc = parse_claim(s, r, &c, v)) != SIGV4_OK || (rc = check_required(&c, scope, v)) != SIGV4_OK ||
	    (rc = check_time(&c, now_s, v)) != SIGV4_OK || (rc = check_scope(&c, scope, v)) != SIGV4_OK)
		return rc;
	key = cred_find(keys, c.id);
	if (!sigv4_core_sign(s, r, c.lines, c.lines_n, key != NULL ? key : &nobody, c.when,
	                     (struct sigv4_scope){ c.region, c.service }, wanted)) {
		say(v, MISMATCH_TEXT);
		return SIGV4_MISMATCH;
	}
	same = bytes_eq_const(c.signature, (struct bytes){ (const uint8_t *)wanted, SIGV4_HASH_BYTES - 1 });
	if (key == NULL) {
		say(v, "The security token included in the request is invalid.");
		return SIGV4_UNKNOWN_KEY;
	}
	if (!same) {
		say(v, MISMATCH_TEXT);
		return SIGV4_MISMATCH;
	}
	v->key = key;
	return SIGV4_OK;
}

const char *sigv4_exception(enum sigv4_result r)
{
	switch (r) {
	case SIGV4_OK:
		return NULL;
	case SIGV4_MISSING:
		return "MissingAuthenticationTokenException";
	case SIGV4_INCOMPLETE:
		return "IncompleteSignatureException";
	case SIGV4_UNKNOWN_KEY:
		return "UnrecognizedClientException";
	case SIGV4_BAD_SCOPE:
	case SIGV4_BAD_HEADERS:
	case SIGV4_EXPIRED:
	case SIGV4_EARLY:
	case SIGV4_MISMATCH:
		return "InvalidSignatureException";
	}
	return "InvalidSignatureException";
}
