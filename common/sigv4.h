/*
 * sigv4: AWS Signature Version 4 (HMAC-SHA256, in the Authorization header), made and checked by one module.
 * Source: AWS's reference, "Create a signed AWS API request".
 * Canonical form: path as sent (encoded once more unless S3); query parameters as sent, sorted by name then value;
 * headers lower-cased, sorted by name, white space trimmed and runs of spaces folded; hash of the body.
 * Does not: read a clock, normalise "." and ".." in paths, sign in the query string, know chunk signatures.
 */
#ifndef COMMON_SIGV4_H
#define COMMON_SIGV4_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bytes.h"
#include "cred.h"
#include "httpmsg.h"

#define SIGV4_HEADERS_MAX HTTPMSG_HEADERS_MAX
#define SIGV4_AUTH_BYTES_MAX 4096                        /* an Authorization header; longer is refused */
#define SIGV4_SCOPE_BYTES_MAX 64                         /* a region or a service */
#define SIGV4_PARAMS_MAX 100                             /* of a query string */
#define SIGV4_SKEW_S 900                                 /* 15 minutes either way, inclusive */
#define SIGV4_DATE_BYTES 17                              /* "20130524T000000Z" with its 0 */
#define SIGV4_HASH_BYTES 65                              /* 64 hexadecimal digits with their 0 */
#define SIGV4_MESSAGE_MAX 512

/* Digest contexts, made once, scratch space, and the signing keys of recent (key, date, region, service). */
struct sigv4;

struct sigv4 *sigv4_new(void);
void sigv4_free(struct sigv4 *s);                        /* wipes the keys */

/* What is signed. */
struct sigv4_req {
	struct bytes method;
	struct bytes path, query;                        /* as sent: percent-encoded, "/" at least; without the ? */
	const struct httpmsg_header *headers;            /* to sign: all of them; to verify: all of the request's */
	size_t headers_n;
	struct bytes body_hash;                          /* 64 lower-case digits, or "UNSIGNED-PAYLOAD" (S3) */
};

struct sigv4_scope {
	struct bytes region, service;                    /* to verify: an empty region means any well-formed one */
};

/* Helpers for those who build a request. */
void sigv4_date(int64_t now_s, char out[SIGV4_DATE_BYTES]);                 /* x-amz-date; years 1970 to 9999 */
void sigv4_hash(struct sigv4 *s, struct bytes body, char out[SIGV4_HASH_BYTES]);
void sigv4_encode(struct buf *b, struct bytes v, bool keep_slash);          /* percent-encode all but A-Za-z0-9-._~ */

/*
 * Append the value of the Authorization header to out.
 *   r      every header of it is signed: give it host, x-amz-date and, for S3, x-amz-content-sha256; with a
 *          session token also x-amz-security-token.  Names once each, in any order and case.  At most
 *          SIGV4_PARAMS_MAX query parameters, none of them empty
 *   scope  service "s3" selects S3's path rule
 *   now_s  the time that x-amz-date says
 */
void sigv4_sign(struct sigv4 *s, const struct sigv4_req *r, const struct cred_key *key, struct sigv4_scope scope,
                int64_t now_s, struct buf *out);

enum sigv4_result {
	SIGV4_OK,
	SIGV4_MISSING,                                   /* no Authorization header, or of another kind */
	SIGV4_INCOMPLETE,                                /* cannot be parsed, parts or date missing, too long */
	SIGV4_UNKNOWN_KEY,
	SIGV4_BAD_SCOPE,                                 /* region, service, terminator or date of the scope */
	SIGV4_BAD_HEADERS,                               /* a header that must be signed is not, or is not there once */
	SIGV4_EXPIRED,                                   /* more than SIGV4_SKEW_S in the past */
	SIGV4_EARLY,                                     /* more than SIGV4_SKEW_S in the future */
	SIGV4_MISMATCH,
};

struct sigv4_verdict {
	const struct cred_key *key;                      /* on SIGV4_OK: who signed */
	char message[SIGV4_MESSAGE_MAX];                 /* else: the API's text; printable ASCII */
};

/*
 * Check the request's Authorization header against keys.
 *   r         headers: all of the request, with Authorization; body_hash: of the body as sent
 *   scope     what the server is; x-amz-date, host and, for service dynamodb, x-amz-target must be signed
 *   now_s     seconds since 1970
 * An unknown key id costs the same work as a known one.  A session token is data like any other header.
 */
enum sigv4_result sigv4_verify(struct sigv4 *s, const struct sigv4_req *r, const struct cred *keys,
                               struct sigv4_scope scope, int64_t now_s, struct sigv4_verdict *v);

/* The API's exception, without namespace (com.amazon.coral.service#): "InvalidSignatureException"...  NULL for OK. */
const char *sigv4_exception(enum sigv4_result r);

#endif
