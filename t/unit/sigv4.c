/* sigv4: AWS's published examples, botocore's signatures, every refusal, and mutants none of which may pass. */
#include "sigv4.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "check.h"
#include "dice.h"
#include "mem.h"
#include "seed.h"

#define EMPTY_HASH "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define S3_SECRET "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
#define S3_NOW 1369353600                                /* 20130524T000000Z */
#define NOW 1709251199                                   /* 20240229T235959Z */

static struct bytes B(const char *s)
{
	return bytes_str(s);
}

/* Name, value pairs up to a NULL. */
static size_t headers(struct httpmsg_header *h, ...)
{
	size_t n = 0;
	const char *name;
	va_list ap;

	va_start(ap, h);
	while ((name = va_arg(ap, const char *)) != NULL)
		h[n++] = (struct httpmsg_header){ B(name), B(va_arg(ap, const char *)) };
	va_end(ap);
	return n;
}

/* The signature that sigv4_sign gives, as its last 64 digits. */
static const char *signature(struct sigv4 *s, const struct sigv4_req *r, const char *id, const char *secret,
                             const char *region, const char *service, int64_t now_s, struct buf *out)
{
	struct cred_key key = { .id = B(id), .secret = B(secret) };

	buf_clear(out);
	sigv4_sign(s, r, &key, (struct sigv4_scope){ B(region), B(service) }, now_s, out);
	buf_u8(out, 0);
	return (const char *)out->p + out->n - 65;
}

static const char *s3(struct sigv4 *s, const char *method, const char *path, const char *query,
                      const struct httpmsg_header *h, size_t n, const char *hash, struct buf *out)
{
	struct sigv4_req r = { B(method), B(path), B(query), h, n, B(hash) };

	return signature(s, &r, "AKIAIOSFODNN7EXAMPLE", S3_SECRET, "us-east-1", "s3", S3_NOW, out);
}

TEST(s3_examples_of_aws)
{
	struct sigv4 *s = sigv4_new();
	struct httpmsg_header h[8];
	struct buf out = { 0 };
	const char *host = "examplebucket.s3.amazonaws.com", *when = "20130524T000000Z";
	char hash[SIGV4_HASH_BYTES];
	size_t n;

	n = headers(h, "Host", host, "Range", "bytes=0-9", "x-amz-content-sha256", EMPTY_HASH, "x-amz-date", when,
	            NULL);
	CHECK_STR(s3(s, "GET", "/test.txt", "", h, n, EMPTY_HASH, &out),
	          "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41");
	sigv4_hash(s, B("Welcome to Amazon S3."), hash);
	n = headers(h, "Date", "Fri, 24 May 2013 00:00:00 GMT", "Host", host, "x-amz-content-sha256", hash,
	            "x-amz-date", when, "x-amz-storage-class", "REDUCED_REDUNDANCY", NULL);
	CHECK_STR(s3(s, "PUT", "/test%24file.text", "", h, n, hash, &out),
	          "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd");
	n = headers(h, "Host", host, "x-amz-date", when, "x-amz-content-sha256", EMPTY_HASH, NULL);
	CHECK_STR(s3(s, "GET", "/", "lifecycle", h, n, EMPTY_HASH, &out),
	          "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543");
	CHECK_STR(s3(s, "GET", "/", "prefix=J&max-keys=2", h, n, EMPTY_HASH, &out),
	          "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7");
	buf_fini(&out);
	sigv4_free(s);
}

TEST(list_users_example_of_aws)
{
	struct sigv4 *s = sigv4_new();
	struct httpmsg_header h[4];
	struct buf out = { 0 };
	struct sigv4_req r = { .method = B("GET"), .path = B("/"), .query = B("Version=2010-05-08&Action=ListUsers"),
	                       .headers = h, .body_hash = B(EMPTY_HASH) };

	r.headers_n = headers(h, "Host", "iam.amazonaws.com", "X-Amz-Date", "20150830T123600Z", "Content-Type",
	                      "application/x-www-form-urlencoded; charset=utf-8", NULL);
	signature(s, &r, "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "us-east-1", "iam", 1440938160,
	          &out);
	CHECK_STR((const char *)out.p,
	          "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, "
	          "SignedHeaders=content-type;host;x-amz-date, "
	          "Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7");
	buf_fini(&out);
	sigv4_free(s);
}

static const char *botocore(struct sigv4 *s, struct sigv4_req *r, const char *body, struct buf *out)
{
	static char hash[SIGV4_HASH_BYTES];

	sigv4_hash(s, B(body), hash);
	r->body_hash = B(hash);
	return signature(s, r, "AKIAABCDEFGHIJKLMNOP", "abcdEFGH1234/+abcdEFGH1234567890abcdEFGH", "eu-central-1",
	                 "dynamodb", NOW, out);
}

/* Made with botocore (awscli 2.9.19), the clock held at 2024-02-29 23:59:59. */
TEST(botocore_signs_alike)
{
	struct sigv4 *s = sigv4_new();
	struct httpmsg_header h[8];
	struct buf out = { 0 };
	struct sigv4_req r = { .method = B("POST"), .path = B("/"), .headers = h };
	const char *type = "application/x-amz-json-1.0", *when = "20240229T235959Z";

	r.headers_n = headers(h, "X-Amz-Target", "DynamoDB_20120810.ListTables", "Content-Type", type, "Host",
	                      "127.0.0.1:8000", "X-Amz-Date", when, NULL);
	CHECK_STR(botocore(s, &r, "{}", &out), "a540f56c5b8fa84070c1793071084b8f9ea1a68f261d684cfe0397561421502e");
	r.headers_n = headers(h, "X-Amz-Target", "DynamoDB_20120810.PutItem", "Content-Type", type, "Host",
	                      "localhost:8000", "X-Amz-Date", when, "X-Amz-Security-Token",
	                      "FQoGZXIvYXdzEXAMPLE//token==", NULL);
	CHECK_STR(botocore(s, &r, "{\"a\":\"Z\xc3\xbcrich  ok\"}", &out),
	          "cc15839e74029f0cd5923c85b0d8590ce66f52e5d046d73e026d56c13324527f");
	r.headers_n = headers(h, "X-Amz-Target", "  two   spaces ", "Host", "localhost:8000", "X-Amz-Date", when, NULL);
	r.path = B("/a%20b/c/d");
	r.query = B("b=2&a=1&a=0&flag&c=%2F~");
	CHECK_STR(botocore(s, &r, "", &out), "1e9fb4b59150260ee9085760c3b57fc145db6bceb8ddc6e1c5a2b83b3c777166");
	buf_fini(&out);
	sigv4_free(s);
}

TEST(dates)
{
	char d[SIGV4_DATE_BYTES], from_libc[32];
	struct tm tm;

	for (int64_t t = 0; t < 253402300800; t += 86400 * 3 + 12345) {
		time_t at = (time_t)t;

		gmtime_r(&at, &tm);
		strftime(from_libc, sizeof from_libc, "%Y%m%dT%H%M%SZ", &tm);
		sigv4_date(t, d);
		if (strcmp(d, from_libc) != 0) {
			CHECK_STR(d, from_libc);
			break;
		}
	}
	sigv4_date(253402300799, d);
	CHECK_STR(d, "99991231T235959Z");
}

/* --- verifying ---------------------------------------------------------------------------------------------------- */

static struct cred *keys_of(const char *text)
{
	char path[] = "/tmp/ddb-sigv4-XXXXXX", error[CRED_ERROR_MAX] = "";
	int fd = mkstemp(path);
	struct cred *c;

	CHECK(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	close(fd);
	c = cred_open(path, true, error);
	CHECK_STR(error, "");
	unlink(path);
	return c;
}

#define KEYS "[default]\naws_access_key_id = AKIAEXAMPLE\naws_secret_access_key = secret/one\n" \
             "[other]\naws_access_key_id = AKIAOTHER\naws_secret_access_key = secret/two\n"
#define BODY "{\"TableName\":\"t\"}"

/* A signed request whose parts a test may spoil. */
struct fixture {
	struct sigv4 *s;
	struct cred *keys;
	struct httpmsg_header h[10];
	struct sigv4_req r;
	struct sigv4_scope scope;
	struct buf auth;
	char hash[SIGV4_HASH_BYTES], date[SIGV4_DATE_BYTES];
	struct sigv4_verdict v;
};

static void resign(struct fixture *f, const char *id, const char *secret, int64_t now_s)
{
	struct cred_key key = { .id = B(id), .secret = B(secret) };

	sigv4_date(now_s, f->date);
	f->r.headers_n = headers(f->h, "Host", "localhost:8000", "X-Amz-Date", f->date, "X-Amz-Target",
	                         "DynamoDB_20120810.DescribeTable", "Content-Type", "application/x-amz-json-1.0", NULL);
	buf_clear(&f->auth);
	sigv4_sign(f->s, &f->r, &key, f->scope, now_s, &f->auth);
	f->h[f->r.headers_n++] = (struct httpmsg_header){ BYTES_LIT("Authorization"), buf_view(&f->auth) };
}

static void setup(struct fixture *f)
{
	memset(f, 0, sizeof *f);
	f->s = sigv4_new();
	f->keys = keys_of(KEYS);
	f->r.method = B("POST");
	f->r.path = B("/");
	f->r.headers = f->h;
	f->scope = (struct sigv4_scope){ B("us-east-1"), B("dynamodb") };
	sigv4_hash(f->s, B(BODY), f->hash);
	f->r.body_hash = B(f->hash);
	resign(f, "AKIAEXAMPLE", "secret/one", NOW);
}

static void teardown(struct fixture *f)
{
	buf_fini(&f->auth);
	cred_free(f->keys);
	sigv4_free(f->s);
}

static enum sigv4_result verify(struct fixture *f, int64_t now_s)
{
	return sigv4_verify(f->s, &f->r, f->keys, f->scope, now_s, &f->v);
}

static enum sigv4_result verify_auth(struct fixture *f, const char *auth)
{
	f->h[f->r.headers_n - 1].value = B(auth);
	return verify(f, NOW);
}

TEST(a_good_signature_names_its_key)
{
	struct fixture f;

	setup(&f);
	CHECK_INT(verify(&f, NOW), SIGV4_OK);
	CHECK(f.v.key != NULL && bytes_is(f.v.key->profile, "default"));
	resign(&f, "AKIAOTHER", "secret/two", NOW);
	CHECK_INT(verify(&f, NOW), SIGV4_OK);
	CHECK(f.v.key != NULL && bytes_is(f.v.key->profile, "other"));
	f.scope.region = BYTES_NONE;
	CHECK_INT(verify(&f, NOW), SIGV4_OK);
	f.scope.region = B("us-east-1");
	f.h[f.r.headers_n++] = (struct httpmsg_header){ B("User-Agent"), B("not signed, so free") };
	CHECK_INT(verify(&f, NOW), SIGV4_OK);
	teardown(&f);
}

TEST(time_counts_15_minutes_either_way)
{
	struct fixture f;

	setup(&f);
	CHECK_INT(verify(&f, NOW + 900), SIGV4_OK);
	CHECK_INT(verify(&f, NOW - 900), SIGV4_OK);
	CHECK_INT(verify(&f, NOW + 901), SIGV4_EXPIRED);
	CHECK_STR(f.v.message, "Signature expired: 20240229T235959Z is now earlier than 20240301T000000Z "
	                       "(20240301T001500Z - 15 min.)");
	CHECK_INT(verify(&f, NOW - 901), SIGV4_EARLY);
	CHECK_STR(f.v.message, "Signature not yet current: 20240229T235959Z is still later than 20240229T235958Z "
	                       "(20240229T234458Z + 15 min.)");
	CHECK(f.v.key == NULL);
	teardown(&f);
}

TEST(wrong_key_wrong_secret_wrong_body)
{
	struct fixture f;

	setup(&f);
	resign(&f, "AKIANOBODY", "secret/one", NOW);
	CHECK_INT(verify(&f, NOW), SIGV4_UNKNOWN_KEY);
	CHECK_STR(f.v.message, "The security token included in the request is invalid.");
	CHECK_STR(sigv4_exception(SIGV4_UNKNOWN_KEY), "UnrecognizedClientException");
	resign(&f, "AKIANOBODY", "nobody", NOW);
	CHECK_INT(verify(&f, NOW), SIGV4_UNKNOWN_KEY);
	resign(&f, "AKIAEXAMPLE", "secret/two", NOW);
	CHECK_INT(verify(&f, NOW), SIGV4_MISMATCH);
	CHECK(strstr(f.v.message, "The request signature we calculated does not match the signature you provided.") !=
	      NULL);
	resign(&f, "AKIAEXAMPLE", "secret/one", NOW);
	CHECK_INT(verify(&f, NOW), SIGV4_OK);
	f.r.body_hash = B(EMPTY_HASH);
	CHECK_INT(verify(&f, NOW), SIGV4_MISMATCH);
	teardown(&f);
}

TEST(scope_must_be_ours)
{
	struct fixture f;

	setup(&f);
	f.scope.region = B("eu-west-1");
	CHECK_INT(verify(&f, NOW), SIGV4_BAD_SCOPE);
	CHECK_STR(f.v.message, "Credential should be scoped to a valid region, not 'us-east-1'. ");
	f.scope = (struct sigv4_scope){ B("us-east-1"), B("s3") };
	CHECK_INT(verify(&f, NOW), SIGV4_BAD_SCOPE);
	CHECK_STR(f.v.message, "Credential should be scoped to correct service: 's3'. ");
	CHECK_STR(sigv4_exception(SIGV4_BAD_SCOPE), "InvalidSignatureException");
	teardown(&f);
}

/* A good header with one part replaced. */
static const char *auth_with(const char *credential, const char *signed_headers)
{
	static char text[5000];

	snprintf(text, sizeof text, "AWS4-HMAC-SHA256 Credential=%s, SignedHeaders=%s, Signature=%064d",
	         credential != NULL ? credential : "AKIAEXAMPLE/20240229/us-east-1/dynamodb/aws4_request",
	         signed_headers != NULL ? signed_headers : "content-type;host;x-amz-date;x-amz-target", 0);
	return text;
}

TEST(malformed_headers_are_refused)
{
	static const char *const missing[] = {
		"", "Basic dXNlcjpwYXNz", "Bearer x", "AWS4-HMAC-SHA25", "AWS4-HMAC-SHA256X a=b",
		"aws4-hmac-sha256 a=b", "AWS4-ECDSA-P256-SHA256 a=b",
	};
	static const char *const incomplete[] = {
		"AWS4-HMAC-SHA256", "AWS4-HMAC-SHA256 ", "AWS4-HMAC-SHA256 Credential", "AWS4-HMAC-SHA256 Credential=a",
		"AWS4-HMAC-SHA256 Credential=a/b/c/d/e, Credential=a/b/c/d/e, SignedHeaders=a, Signature=b",
		"AWS4-HMAC-SHA256 Credential=a/b/c/d/e, SignedHeaders=a, Signature=b, Extra=c",
		"AWS4-HMAC-SHA256 Credential=a/b/c/d/e, SignedHeaders=a, Signature=b,",
		"AWS4-HMAC-SHA256 Credential=a/b/c/d/e,, SignedHeaders=a, Signature=b",
		"AWS4-HMAC-SHA256 Credential=a/b/c/d/e SignedHeaders=a Signature=b",
		"AWS4-HMAC-SHA256 Credential= a/b/c/d/e, SignedHeaders=a, Signature=b",
		"AWS4-HMAC-SHA256 =a, SignedHeaders=a, Signature=b",
	};
	static const char *const credentials[] = {
		"a", "a/b/c/d", "a/b/c/d/e/f", "/b/c/d/e", "a//c/d/e", "a/b//d/e", "a/b/c//e", "a\x01/b/c/d/e",
		"a/b/c d/d/e", "a/b/\xff/d/e",
	};
	struct fixture f;

	setup(&f);
	for (size_t i = 0; i < sizeof missing / sizeof *missing; i++)
		CHECK_INT(verify_auth(&f, missing[i]), SIGV4_MISSING);
	CHECK_STR(f.v.message, "Request is missing Authentication Token");
	for (size_t i = 0; i < sizeof incomplete / sizeof *incomplete; i++)
		CHECK_INT(verify_auth(&f, incomplete[i]), SIGV4_INCOMPLETE);
	for (size_t i = 0; i < sizeof credentials / sizeof *credentials; i++)
		CHECK_INT(verify_auth(&f, auth_with(credentials[i], NULL)), SIGV4_INCOMPLETE);
	CHECK_INT(verify_auth(&f, "AWS4-HMAC-SHA256 Signature=a"), SIGV4_INCOMPLETE);
	CHECK(strstr(f.v.message, "Authorization header requires 'Credential' parameter. Authorization header requires "
	                          "'SignedHeaders' parameter. (Hashed with") == f.v.message);
	f.r.headers_n--;
	CHECK_INT(verify(&f, NOW), SIGV4_MISSING);
	teardown(&f);
}

TEST(scope_text_is_checked_part_by_part)
{
	struct fixture f;

	setup(&f);
	CHECK_INT(verify_auth(&f, auth_with("AKIAEXAMPLE/20240228/us-east-1/dynamodb/aws4_request", NULL)),
	          SIGV4_BAD_SCOPE);
	CHECK_STR(f.v.message,
	          "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: "
	          "'20240228' != '20240229', from '20240229T235959Z'. ");
	CHECK_INT(verify_auth(&f, auth_with("AKIAEXAMPLE/20240229/us-east-1/dynamodb/aws4_requesT", NULL)),
	          SIGV4_BAD_SCOPE);
	CHECK_INT(verify_auth(&f, auth_with("AKIAEXAMPLE/20240229/us-east-1/dynamodb/", NULL)), SIGV4_BAD_SCOPE);
	CHECK_INT(verify_auth(&f, auth_with("AKIAEXAMPLE/20240229/us-east-2/dynamodc/aws4_request", NULL)),
	          SIGV4_BAD_SCOPE);
	CHECK_STR(f.v.message, "Credential should be scoped to a valid region, not 'us-east-2'. "
	                       "Credential should be scoped to correct service: 'dynamodb'. ");
	teardown(&f);
}

TEST(signed_headers_are_strict)
{
	static const char *const lists[] = {
		"host;x-amz-date",
		"host;x-amz-target",
		"x-amz-date;x-amz-target",
		"host;host;x-amz-date;x-amz-target",
		"x-amz-target;x-amz-date;host",
		"Host;x-amz-date;x-amz-target",
		"host;x-amz-date;x-amz-target;",
		";host;x-amz-date;x-amz-target",
		"host;;x-amz-date;x-amz-target",
		"host;missing;x-amz-date;x-amz-target",
	};
	char many[4000] = "";
	struct fixture f;

	setup(&f);
	for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
		CHECK_INT(verify_auth(&f, auth_with(NULL, lists[i])), SIGV4_BAD_HEADERS);
	for (int i = 0; i < 600; i++)
		strcat(many, "a;");
	CHECK_INT(verify_auth(&f, auth_with(NULL, many)), SIGV4_BAD_HEADERS);
	resign(&f, "AKIAEXAMPLE", "secret/one", NOW);
	f.h[f.r.headers_n++] = (struct httpmsg_header){ B("x-AMZ-target"), B("DynamoDB_20120810.DeleteTable") };
	CHECK_INT(verify(&f, NOW), SIGV4_BAD_HEADERS);
	f.h[f.r.headers_n - 1] = f.h[f.r.headers_n - 2];
	CHECK_INT(verify(&f, NOW), SIGV4_MISSING);
	teardown(&f);
}

TEST(dates_are_strict)
{
	static const char *const bad[] = {
		"20240230T000000Z", "20230229T000000Z", "20241301T000000Z", "20240001T000000Z", "20240200T000000Z",
		"20240229T240000Z", "20240229T236000Z", "20240229T235960Z", "20240229t235959Z", "20240229T235959z",
		"20240229T235959", "20240229T235959Z ", " 20240229T235959Z", "2024-02-29T23:59:59Z", "+0240229T235959Z",
		"19691231T235959Z", "Thu, 29 Feb 2024 23:59:59 GMT", "x",
	};
	struct fixture f;

	setup(&f);
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		f.h[1].value = B(bad[i]);
		CHECK_INT(verify(&f, NOW), SIGV4_INCOMPLETE);
	}
	f.h[1].value = B("");
	CHECK_INT(verify(&f, NOW), SIGV4_INCOMPLETE);
	teardown(&f);
}

TEST(long_headers_are_refused)
{
	struct fixture f;
	char *long_one = mem_new(9000), *query = mem_new(9000);

	setup(&f);
	memset(long_one, 'a', 8999);
	memcpy(long_one, "AWS4-HMAC-SHA256 Credential=", 28);
	CHECK_INT(verify_auth(&f, long_one), SIGV4_INCOMPLETE);
	resign(&f, "AKIAEXAMPLE", "secret/one", NOW);
	for (int i = 0; i < 2000; i++)
		strcpy(query + i * 2, "a&");
	f.r.query = B(query);
	CHECK_INT(verify(&f, NOW), SIGV4_MISMATCH);
	free(long_one);
	free(query);
	teardown(&f);
}

/* What came from outside is printable in messages, whatever it was. */
TEST(messages_are_printable)
{
	struct fixture f;

	setup(&f);
	for (int c = 1; c < 256; c++) {
		char credential[] = "A/B/C/D?E";

		credential[7] = (char)c;
		verify_auth(&f, auth_with(credential, NULL));
		for (const char *p = f.v.message; *p != '\0'; p++)
			CHECK(*p >= 0x20 && *p < 0x7f);
	}
	teardown(&f);
}

/* --- mutants ------------------------------------------------------------------------------------------------------ */

static uint64_t seed;

static uint64_t roll(uint64_t n)
{
	return dice_below(&seed, n);
}

/* One edit of v in memory of its own: a byte changed, dropped, doubled, inserted, or the end cut off. */
static struct bytes mutate(struct bytes v)
{
	struct bytes out = { mem_new(v.n + 2), v.n };
	uint8_t *p = (uint8_t *)out.p;
	size_t at = v.n > 0 ? roll(v.n) : 0;

	memcpy(p, v.p, v.n);
	switch (v.n > 0 ? roll(6) : 3) {
	case 0:
		p[at] ^= (uint8_t)(1 << roll(8));
		break;
	case 1:
		p[at] = (uint8_t)roll(256);
		break;
	case 2:
		memmove(p + at, p + at + 1, v.n - at - 1);
		out.n--;
		break;
	case 3:
		memmove(p + at + 1, p + at, v.n - at);
		p[at] = (uint8_t)roll(256);
		out.n++;
		break;
	case 4:
		out.n = at;
		break;
	default:
		memmove(p + at + 1, p + at, v.n - at);
		out.n++;
	}
	return out;
}

/* Equal for a signature: case counts in values only, blanks only where they part words. */
static bool equal_for_signing(struct bytes a, struct bytes b, bool name)
{
	size_t i = 0, j = 0;

	for (;;) {
		bool gap_a = false, gap_b = false;

		for (; i < a.n && (a.p[i] == ' ' || a.p[i] == '\t'); i++)
			gap_a = i > 0;
		for (; j < b.n && (b.p[j] == ' ' || b.p[j] == '\t'); j++)
			gap_b = j > 0;
		if (i == a.n || j == b.n)
			return i == a.n && j == b.n;
		if (gap_a != gap_b)
			return false;
		if (name ? (a.p[i] | 32) != (b.p[j] | 32) : a.p[i] != b.p[j])
			return false;
		i++;
		j++;
	}
}

/* In Authorization blanks after the algorithm and after commas are free. */
static bool equal_auth(struct bytes a, struct bytes b)
{
	size_t i = 0, j = 0;

	for (;;) {
		while (i < a.n && a.p[i] == ' ' && i > 15)
			i++;
		while (j < b.n && b.p[j] == ' ' && j > 15)
			j++;
		if (i == a.n || j == b.n)
			return i == a.n && j == b.n;
		if (a.p[i++] != b.p[j++])
			return false;
	}
}

TEST(no_mutant_passes)
{
	uint64_t accepted = 0, tried = 0, first;
	struct fixture f;

	first = seed = seed_get();
	setup(&f);
	f.r.query = B("a=1&b=2");
	resign(&f, "AKIAEXAMPLE", "secret/one", NOW);
	CHECK_INT(verify(&f, NOW), SIGV4_OK);
	while (tried < 100000) {
		size_t which = roll(f.r.headers_n * 2 + 4);
		struct bytes *at = which == 0 ? &f.r.method : which == 1 ? &f.r.path : which == 2 ? &f.r.query :
		                   which == 3 ? &f.r.body_hash : which % 2 == 0 ? &f.h[(which - 4) / 2].name :
		                   &f.h[(which - 5) / 2].value;
		bool is_auth = which == f.r.headers_n * 2 + 3, is_name = which > 3 && which % 2 == 0;
		struct bytes old = *at, new = mutate(old);

		if (is_auth ? !equal_auth(old, new) : is_name ? new.n != old.n || !equal_for_signing(old, new, true) :
		    which > 3 ? !equal_for_signing(old, new, false) : !bytes_eq(old, new)) {
			tried++;
			*at = new;
			if (verify(&f, NOW) == SIGV4_OK) {
				if (accepted++ == 0)
					printf("# accepted: part %zu: %.*s\n", which, (int)new.n,
					       (const char *)new.p);
			}
			*at = old;
		}
		free((void *)new.p);
	}
	if (accepted > 0)
		printf("# SEED=%" PRIu64 "\n", first);
	CHECK_INT(accepted, 0);
	CHECK_INT(verify(&f, NOW), SIGV4_OK);
	teardown(&f);
}

/* The cache of signing keys has fewer places than this. */
TEST(many_keys_and_regions)
{
	struct buf text = { 0 };
	struct fixture f;

	setup(&f);
	cred_free(f.keys);
	for (int i = 0; i < 200; i++)
		buf_fmt(&text, "[p%d]\naws_access_key_id = AKIA%d\naws_secret_access_key = secret%d\n", i, i, i);
	buf_u8(&text, 0);
	f.keys = keys_of((const char *)text.p);
	f.scope.region = BYTES_NONE;
	for (int i = 0; i < 1000; i++) {
		char id[16], secret[16], region[16];

		snprintf(id, sizeof id, "AKIA%d", i * 7 % 200);
		snprintf(secret, sizeof secret, "secret%d", i * 7 % 200);
		snprintf(region, sizeof region, "r-%d", i % 3);
		f.scope.region = B(region);
		resign(&f, id, secret, NOW);
		f.scope.region = BYTES_NONE;
		CHECK_INT(verify(&f, NOW), SIGV4_OK);
	}
	buf_fini(&text);
	teardown(&f);
}

/* Not a test of speed, a record of it: run with the name "speed". */
static void speed(void)
{
	struct timespec a, b;
	struct fixture f;
	uint8_t body[1400] = { 0 };
	char hash[SIGV4_HASH_BYTES];

	setup(&f);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &a);
	for (int i = 0; i < 200000; i++)
		CHECK(verify(&f, NOW) == SIGV4_OK);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &b);
	printf("# verify %.2f us\n",
	       ((double)(b.tv_sec - a.tv_sec) * 1e9 + (double)(b.tv_nsec - a.tv_nsec)) / 200000e3);
	for (int i = 0; i < 200000; i++)
		sigv4_hash(f.s, (struct bytes){ body, sizeof body }, hash);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &a);
	printf("# hash of 1400 bytes %.2f us\n",
	       ((double)(a.tv_sec - b.tv_sec) * 1e9 + (double)(a.tv_nsec - b.tv_nsec)) / 200000e3);
	teardown(&f);
}

int main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "speed") == 0) {
		speed();
		return 0;
	}
	X(s3_examples_of_aws) X(list_users_example_of_aws) X(botocore_signs_alike) X(dates)
	X(a_good_signature_names_its_key) X(time_counts_15_minutes_either_way) X(wrong_key_wrong_secret_wrong_body)
	X(scope_must_be_ours) X(malformed_headers_are_refused) X(scope_text_is_checked_part_by_part)
	X(signed_headers_are_strict) X(dates_are_strict) X(long_headers_are_refused) X(messages_are_printable)
	X(no_mutant_passes) X(many_keys_and_regions)
	return check_failures > 0;
}
