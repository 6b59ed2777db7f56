/*
 * sigv4_core: what signing (sigv4.c) and verifying (sigv4_verify.c) share.  Private to the two.
 */
#ifndef COMMON_SIGV4_CORE_H
#define COMMON_SIGV4_CORE_H

#include "sigv4.h"

#define SIGV4_CORE_ALGORITHM "AWS4-HMAC-SHA256"
#define SIGV4_CORE_TERMINATOR "aws4_request"
#define SIGV4_CORE_HASH_N 32

/* A header that is signed: name in lower case, value as sent. */
struct sigv4_core_line {
	struct bytes name, value;
};

/*
 * The signature, 64 digits.
 *   lines  sorted by name
 *   when   x-amz-date
 * Returns false if the request is larger, or has more query parameters, than one may.
 */
bool sigv4_core_sign(struct sigv4 *s, const struct sigv4_req *r, const struct sigv4_core_line *lines, size_t n,
                     const struct cred_key *key, struct bytes when, struct sigv4_scope scope,
                     char out[SIGV4_HASH_BYTES]);

void sigv4_core_sha256(struct sigv4 *s, struct bytes v, uint8_t out[SIGV4_CORE_HASH_N]);
int64_t sigv4_core_time(struct bytes v);                 /* seconds of exactly YYYYMMDDTHHMMSSZ that exists; else -1 */

#endif
