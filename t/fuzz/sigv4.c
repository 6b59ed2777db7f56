/*
 * A request as bytes, checked against a key.  The corpus holds one that is signed well; whoever passes must say the
 * same as that one, for the fuzzer does not know the secret.
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sigv4.h"

#define NOW 1709251199                                   /* 20240229T235959Z */

static const char keys_text[] = "[default]\naws_access_key_id = AKIAABCDEFGHIJKLMNOP\n"
                                "aws_secret_access_key = abcdEFGH1234/+abcdEFGH1234567890abcdEFGH\n";

static struct cred *keys_open(void)
{
	char path[] = "/tmp/ddb-fuzz-XXXXXX", error[CRED_ERROR_MAX];
	int fd = mkstemp(path);
	struct cred *c;

	assert(fd >= 0 && write(fd, keys_text, sizeof keys_text - 1) == (ssize_t)sizeof keys_text - 1);
	close(fd);
	c = cred_open(path, true, error);
	assert(c != NULL);
	unlink(path);
	return c;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static struct sigv4 *s;
	static struct cred *keys;
	const struct sigv4_scope scope = { BYTES_NONE, BYTES_LIT("dynamodb") };
	struct bytes in = { data, n };
	enum httpmsg_step step = HTTPMSG_HEAD;
	char hash[SIGV4_HASH_BYTES];
	struct sigv4_verdict v;
	enum sigv4_result rc;
	struct sigv4_req r;
	struct httpmsg m;
	size_t used;

	if (s == NULL) {
		s = sigv4_new();
		keys = keys_open();
	}
	httpmsg_init(&m);
	while (step == HTTPMSG_HEAD) {
		step = httpmsg_feed(&m, in, &used);
		in.p += used;
		in.n -= used;
	}
	if (step == HTTPMSG_DONE) {
		sigv4_hash(s, m.body, hash);
		r = (struct sigv4_req){ m.method, m.path, m.query, m.headers, m.headers_n, bytes_str(hash) };
		rc = sigv4_verify(s, &r, keys, scope, NOW, &v);
		assert((rc == SIGV4_OK) == (v.key != NULL) && (rc == SIGV4_OK) == (v.message[0] == '\0'));
		assert((rc == SIGV4_OK) == (sigv4_exception(rc) == NULL) && strlen(v.message) < SIGV4_MESSAGE_MAX);
		for (const char *p = v.message; *p != '\0'; p++)
			assert(*p >= 0x20 && *p < 0x7f);
		if (rc == SIGV4_OK)
			assert(bytes_is(m.method, "POST") && bytes_is(m.path, "/") && m.query.n == 0 &&
			       bytes_is(m.body, "{}") &&
			       bytes_is(httpmsg_header(&m, "x-amz-target", NULL), "DynamoDB_20120810.ListTables") &&
			       bytes_is(httpmsg_header(&m, "x-amz-date", NULL), "20240229T235959Z"));
	}
	httpmsg_fini(&m);
	return 0;
}
