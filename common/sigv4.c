#include "sigv4.h"

#include <assert.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "sigv4_core.h"

#define CACHE_SLOTS 64
#define TAG_MAX (CRED_ID_BYTES_MAX + CRED_SECRET_BYTES_MAX + 2 * SIGV4_SCOPE_BYTES_MAX + 8 + 5)
#define CANON_MAX ((size_t)128 << 10)                    /* head and query of a request, twice over */

/* The signing key of one (secret, date, region, service), inside a context that is ready to be started again. */
struct slot {
	EVP_MAC_CTX *mac;
	uint8_t tag[TAG_MAX];
	size_t tag_n;                                    /* 0: empty */
};

struct sigv4 {
	EVP_MD *sha256;
	EVP_MD_CTX *md;
	EVP_MAC *hmac;
	EVP_MAC_CTX *mac;
	struct buf canon, text;
	struct slot slots[CACHE_SLOTS];
};

/* --- digests ------------------------------------------------------------------------------------------------------ */

struct sigv4 *sigv4_new(void)
{
	struct sigv4 *s = mem_new(sizeof *s);

	s->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
	s->hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	assert(s->sha256 != NULL && s->hmac != NULL);
	s->md = EVP_MD_CTX_new();
	s->mac = EVP_MAC_CTX_new(s->hmac);
	assert(s->md != NULL && s->mac != NULL);
	buf_init(&s->canon, CANON_MAX);
	buf_init(&s->text, CANON_MAX);
	return s;
}

void sigv4_free(struct sigv4 *s)
{
	if (s == NULL)
		return;
	for (size_t i = 0; i < CACHE_SLOTS; i++)
		EVP_MAC_CTX_free(s->slots[i].mac);
	EVP_MAC_CTX_free(s->mac);
	EVP_MAC_free(s->hmac);
	EVP_MD_CTX_free(s->md);
	EVP_MD_free(s->sha256);
	buf_fini(&s->canon);
	buf_fini(&s->text);
	OPENSSL_cleanse(s, sizeof *s);
	free(s);
}

void sigv4_core_sha256(struct sigv4 *s, struct bytes v, uint8_t out[SIGV4_CORE_HASH_N])
{
	int ok = EVP_DigestInit_ex2(s->md, s->sha256, NULL) && EVP_DigestUpdate(s->md, v.p, v.n) &&
	         EVP_DigestFinal_ex(s->md, out, NULL);

	assert(ok);
}

static void mac_key(EVP_MAC_CTX *mac, const uint8_t *key, size_t n)
{
	char digest[] = "SHA256";
	OSSL_PARAM params[] = { OSSL_PARAM_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, sizeof digest - 1),
	                        OSSL_PARAM_END };
	int ok = EVP_MAC_init(mac, key, n, params);

	assert(ok);
}

static void mac_run(EVP_MAC_CTX *mac, struct bytes v, uint8_t out[SIGV4_CORE_HASH_N])
{
	size_t n = 0;
	int ok = EVP_MAC_update(mac, v.p, v.n) && EVP_MAC_final(mac, out, &n, SIGV4_CORE_HASH_N);

	assert(ok && n == SIGV4_CORE_HASH_N);
}

/* The four steps from the secret to the signing key, which ends up in slot->mac. */
static void derive(struct sigv4 *s, struct slot *slot, struct bytes secret, struct bytes date, struct sigv4_scope scope)
{
	const struct bytes steps[] = { date, scope.region, scope.service, BYTES_LIT(SIGV4_CORE_TERMINATOR) };
	uint8_t key[4 + CRED_SECRET_BYTES_MAX] = "AWS4";
	size_t n = 4 + secret.n;

	memcpy(key + 4, secret.p, secret.n);
	for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
		mac_key(s->mac, key, n);
		mac_run(s->mac, steps[i], key);
		n = SIGV4_CORE_HASH_N;
	}
	if (slot->mac == NULL)
		slot->mac = EVP_MAC_CTX_new(s->hmac);
	assert(slot->mac != NULL);
	mac_key(slot->mac, key, n);
	OPENSSL_cleanse(key, sizeof key);
}

static size_t tag_put(uint8_t *tag, size_t n, struct bytes v)
{
	if (v.n > 0)
		memcpy(tag + n, v.p, v.n);
	tag[n + v.n] = 0;                                /* no part contains a 0 */
	return n + v.n + 1;
}

/* The secret is part of the tag, so a rotated key never meets its predecessor's entry. */
static EVP_MAC_CTX *signing_key(struct sigv4 *s, struct bytes id, struct bytes secret, struct bytes date,
                                struct sigv4_scope scope)
{
	uint8_t tag[TAG_MAX];
	size_t n = 0, secret_at;
	uint32_t hash = 2166136261;
	struct slot *slot;
	int ok;

	assert(id.n <= CRED_ID_BYTES_MAX && secret.n <= CRED_SECRET_BYTES_MAX && date.n == 8);
	assert(scope.region.n <= SIGV4_SCOPE_BYTES_MAX && scope.service.n <= SIGV4_SCOPE_BYTES_MAX);
	n = tag_put(tag, n, id);
	n = tag_put(tag, n, date);
	n = tag_put(tag, n, scope.region);
	n = tag_put(tag, n, scope.service);
	secret_at = n;
	n = tag_put(tag, n, secret);
	for (size_t i = 0; i < secret_at; i++)
		hash = (hash ^ tag[i]) * 16777619;
	slot = &s->slots[hash % CACHE_SLOTS];
	if (slot->tag_n == n && memcmp(slot->tag, tag, n) == 0) {
		ok = EVP_MAC_init(slot->mac, NULL, 0, NULL);
		assert(ok);
	} else {
		derive(s, slot, secret, date, scope);
		memcpy(slot->tag, tag, n);
		slot->tag_n = n;
	}
	OPENSSL_cleanse(tag, sizeof tag);
	return slot->mac;
}

static void hex(const uint8_t *p, size_t n, char *out)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < n; i++) {
		out[2 * i] = digits[p[i] >> 4];
		out[2 * i + 1] = digits[p[i] & 15];
	}
	out[2 * n] = '\0';
}

void sigv4_hash(struct sigv4 *s, struct bytes body, char out[SIGV4_HASH_BYTES])
{
	uint8_t raw[SIGV4_CORE_HASH_N];

	sigv4_core_sha256(s, body, raw);
	hex(raw, SIGV4_CORE_HASH_N, out);
}

/* --- dates -------------------------------------------------------------------------------------------------------- */

/* Days since 1970-01-01 of a Gregorian date: years are counted from March, so that leap days come last. */
static int64_t days_of(int64_t y, int64_t m, int64_t d)
{
	int64_t era, yoe, doy;

	y -= m <= 2;
	era = y / 400;
	yoe = y - era * 400;
	doy = (153 * (m > 2 ? m - 3 : m + 9) + 2) / 5 + d - 1;
	return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

void sigv4_date(int64_t now_s, char out[SIGV4_DATE_BYTES])
{
	int64_t days = now_s / 86400, rest = now_s % 86400, y = 1970 + days / 366;
	unsigned month = 1;

	assert(now_s >= 0 && now_s < 253402300800);
	while (days_of(y + 1, 1, 1) <= days)
		y++;
	while (month < 12 && days_of(y, month + 1, 1) <= days)
		month++;
	snprintf(out, SIGV4_DATE_BYTES, "%04u%02u%02uT%02u%02u%02uZ", (unsigned)y % 10000, month % 100,
	         (unsigned)(days - days_of(y, month, 1) + 1) % 100, (unsigned)(rest / 3600) % 100,
	         (unsigned)(rest / 60 % 60), (unsigned)(rest % 60));
}

int64_t sigv4_core_time(struct bytes v)
{
	static const char form[] = "dddddddd-dddddd-";
	unsigned f[14];
	size_t n = 0;
	int64_t y, m, d;

	if (v.n != 16 || v.p[8] != 'T' || v.p[15] != 'Z')
		return -1;
	for (size_t i = 0; i < 16; i++) {
		if (form[i] != 'd')
			continue;
		if (v.p[i] < '0' || v.p[i] > '9')
			return -1;
		f[n++] = v.p[i] - '0';
	}
	y = f[0] * 1000 + f[1] * 100 + f[2] * 10 + f[3];
	m = f[4] * 10 + f[5];
	d = f[6] * 10 + f[7];
	if (y < 1970 || m < 1 || m > 12 || d < 1 || d > days_of(y + (m == 12), m % 12 + 1, 1) - days_of(y, m, 1))
		return -1;
	if (f[8] * 10 + f[9] > 23 || f[10] > 5 || f[12] > 5)
		return -1;
	return days_of(y, m, d) * 86400 + (f[8] * 10 + f[9]) * 3600 + (f[10] * 10 + f[11]) * 60 + f[12] * 10 + f[13];
}

/* --- the canonical request ---------------------------------------------------------------------------------------- */

void sigv4_encode(struct buf *b, struct bytes v, bool keep_slash)
{
	static const char digits[] = "0123456789ABCDEF";

	for (size_t i = 0; i < v.n; i++) {
		uint8_t c = v.p[i];

		if ((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
		    c == '.' || c == '_' || c == '~' || (c == '/' && keep_slash)) {
			buf_u8(b, c);
		} else {
			buf_u8(b, '%');
			buf_u8(b, (uint8_t)digits[c >> 4]);
			buf_u8(b, (uint8_t)digits[c & 15]);
		}
	}
}

static int param_cmp(const void *a, const void *b)
{
	const struct sigv4_core_line *x = a, *y = b;
	int c = bytes_cmp(x->name, y->name);

	return c != 0 ? c : bytes_cmp(x->value, y->value);
}

/* False if a parameter is empty or there are more than SIGV4_PARAMS_MAX. */
static bool put_query(struct buf *b, struct bytes query)
{
	struct sigv4_core_line params[SIGV4_PARAMS_MAX];
	const uint8_t *at = query.p, *end;
	size_t n = 0;

	if (query.n == 0)
		return true;                             /* and perhaps no pointer to count from */
	end = at + query.n;
	for (;;) {
		const uint8_t *amp = memchr(at, '&', (size_t)(end - at)), *stop = amp != NULL ? amp : end;
		const uint8_t *eq = memchr(at, '=', (size_t)(stop - at));

		if (stop == at || n == SIGV4_PARAMS_MAX)
			return false;
		params[n].name = (struct bytes){ at, (size_t)((eq != NULL ? eq : stop) - at) };
		params[n].value = eq != NULL ? (struct bytes){ eq + 1, (size_t)(stop - eq - 1) } : BYTES_NONE;
		n++;
		if (amp == NULL)
			break;
		at = amp + 1;
	}
	if (n > 1)
		qsort(params, n, sizeof *params, param_cmp);
	for (size_t i = 0; i < n; i++) {
		if (i > 0)
			buf_u8(b, '&');
		buf_bytes(b, params[i].name);
		buf_u8(b, '=');
		buf_bytes(b, params[i].value);
	}
	return true;
}

static bool blank(uint8_t c)
{
	return c == ' ' || c == '\t';
}

static void put_value(struct buf *b, struct bytes v)
{
	size_t from = 0, to;

	while (from < v.n && blank(v.p[from]))
		from++;
	while (from < v.n) {
		for (to = from; to < v.n && !blank(v.p[to]); to++)
			;
		buf_put(b, v.p + from, to - from);
		for (from = to; from < v.n && blank(v.p[from]); from++)
			;
		if (from < v.n)
			buf_u8(b, ' ');
	}
}

static void put_names(struct buf *b, const struct sigv4_core_line *lines, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (i > 0)
			buf_u8(b, ';');
		buf_bytes(b, lines[i].name);
	}
}

/* The canonical request into s->canon; lines sorted by name.  False if it is larger than a request may be. */
static bool canonical(struct sigv4 *s, const struct sigv4_req *r, const struct sigv4_core_line *lines, size_t n,
                      bool s3)
{
	struct buf *b = &s->canon;

	buf_clear(b);
	buf_bytes(b, r->method);
	buf_u8(b, '\n');
	if (s3)
		buf_bytes(b, r->path);
	else
		sigv4_encode(b, r->path, true);
	buf_u8(b, '\n');
	if (!put_query(b, r->query))
		return false;
	buf_u8(b, '\n');
	for (size_t i = 0; i < n; i++) {
		buf_bytes(b, lines[i].name);
		buf_u8(b, ':');
		put_value(b, lines[i].value);
		buf_u8(b, '\n');
	}
	buf_u8(b, '\n');
	put_names(b, lines, n);
	buf_u8(b, '\n');
	buf_bytes(b, r->body_hash);
	return !b->over;
}

/* The signature, as 64 digits, of what canonical made. */
static void sign_canon(struct sigv4 *s, EVP_MAC_CTX *mac, struct bytes date, struct sigv4_scope scope,
                       char out[SIGV4_HASH_BYTES])
{
	char digest[SIGV4_HASH_BYTES];
	uint8_t raw[SIGV4_CORE_HASH_N];
	struct buf *b = &s->text;

	sigv4_hash(s, buf_view(&s->canon), digest);
	buf_clear(b);
	buf_str(b, SIGV4_CORE_ALGORITHM "\n");
	buf_bytes(b, date);
	buf_u8(b, '\n');
	buf_put(b, date.p, 8);
	buf_u8(b, '/');
	buf_bytes(b, scope.region);
	buf_u8(b, '/');
	buf_bytes(b, scope.service);
	buf_str(b, "/" SIGV4_CORE_TERMINATOR "\n");
	buf_put(b, digest, SIGV4_HASH_BYTES - 1);
	assert(!b->over);
	mac_run(mac, buf_view(b), raw);
	hex(raw, SIGV4_CORE_HASH_N, out);
}

bool sigv4_core_sign(struct sigv4 *s, const struct sigv4_req *r, const struct sigv4_core_line *lines, size_t n,
                     const struct cred_key *key, struct bytes when, struct sigv4_scope scope,
                     char out[SIGV4_HASH_BYTES])
{
	EVP_MAC_CTX *mac = signing_key(s, key->id, key->secret, (struct bytes){ when.p, 8 }, scope);

	if (!canonical(s, r, lines, n, bytes_is(scope.service, "s3")))
		return false;
	sign_canon(s, mac, when, scope, out);
	return true;
}

/* --- signing ------------------------------------------------------------------------------------------------------ */

static int line_cmp(const void *a, const void *b)
{
	return bytes_cmp(((const struct sigv4_core_line *)a)->name, ((const struct sigv4_core_line *)b)->name);
}

void sigv4_sign(struct sigv4 *s, const struct sigv4_req *r, const struct cred_key *key, struct sigv4_scope scope,
                int64_t now_s, struct buf *out)
{
	char date[SIGV4_DATE_BYTES], signature[SIGV4_HASH_BYTES];
	struct sigv4_core_line lines[SIGV4_HEADERS_MAX];
	struct buf names = { 0 };
	struct bytes when;
	bool ok;

	assert(r->headers_n > 0 && r->headers_n <= SIGV4_HEADERS_MAX);
	sigv4_date(now_s, date);
	when = bytes_str(date);
	for (size_t i = 0; i < r->headers_n; i++)
		for (size_t j = 0; j < r->headers[i].name.n; j++) {
			uint8_t c = r->headers[i].name.p[j];

			buf_u8(&names, c >= 'A' && c <= 'Z' ? (uint8_t)(c + 32) : c);
		}
	assert(!names.over);
	for (size_t i = 0, at = 0; i < r->headers_n; at += r->headers[i].name.n, i++)
		lines[i] = (struct sigv4_core_line){ { names.p + at, r->headers[i].name.n }, r->headers[i].value };
	qsort(lines, r->headers_n, sizeof *lines, line_cmp);
	ok = sigv4_core_sign(s, r, lines, r->headers_n, key, when, scope, signature);
	assert(ok);
	buf_str(out, SIGV4_CORE_ALGORITHM " Credential=");
	buf_bytes(out, key->id);
	buf_fmt(out, "/%.8s/%.*s/%.*s/" SIGV4_CORE_TERMINATOR ", SignedHeaders=", date, (int)scope.region.n,
	        (const char *)scope.region.p, (int)scope.service.n, (const char *)scope.service.p);
	put_names(out, lines, r->headers_n);
	buf_str(out, ", Signature=");
	buf_str(out, signature);
	buf_fini(&names);
}
