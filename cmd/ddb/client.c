#include "client.h"

#include <assert.h>
#include <libdeflate.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "client_curl.h"
#include "client_find.h"
#include "client_http.h"
#include "clock.h"
#include "exit.h"
#include "home.h"
#include "json.h"
#include "log.h"
#include "mem.h"
#include "sigv4.h"

#define ATTEMPT_MS_MAX 15000                             /* a router gives up after 10 s */
#define REFUSED_MS_MAX 3000                              /* how long a server may be away that nobody listens for */
#define PAUSE_MS 50                                      /* before the second attempt, at most; doubled each time */
#define PAUSE_MS_MAX 5000
#define HEADERS 6
#define ERROR_DEPTH_MAX 32
#define TARGET_MAX 256

struct client {
	struct client_place place;
	uint64_t timeout_ms;
	enum client_retry retry;
	struct client_http *http;
	struct client_curl *curl;                        /* the one of the two that is not NULL */
	struct sigv4 *sigv4;
	struct client_http_answer raw;
	struct buf auth;
};

int client_open(const struct client_opts *o, struct client **out)
{
	struct client *c = mem_new(sizeof *c);
	int code = client_find(o, &c->place);

	if (code != 0)
		goto bad;
	c->timeout_ms = o->timeout_ms;
	if (c->place.https)
		c->curl = client_curl_new(c->place.url);
	else
		c->http = client_http_new(c->place.host, c->place.port);
	if (c->place.https && c->curl == NULL) {
		code = DDB_EXIT_IO;
		goto bad;
	}
	c->sigv4 = sigv4_new();
	buf_init(&c->raw.body, CLIENT_HTTP_ANSWER_MAX);
	*out = c;
	return 0;
bad:
	client_close(c);
	*out = NULL;
	return code;
}

void client_close(struct client *c)
{
	if (c == NULL)
		return;
	client_http_free(c->http);
	client_curl_free(c->curl);
	sigv4_free(c->sigv4);
	buf_fini(&c->raw.body);
	buf_fini(&c->auth);
	client_find_fini(&c->place);
	free(c);
}

const char *client_endpoint(const struct client *c)
{
	return c->place.url;
}

const char *client_region(const struct client *c)
{
	return c->place.region;
}

const struct cred_key *client_key(const struct client *c)
{
	return cred_first(c->place.cred);
}

void client_retry(struct client *c, enum client_retry retry)
{
	c->retry = retry;
}

void client_answer_fini(struct client_answer *a)
{
	buf_fini(&a->body);
	*a = (struct client_answer){ 0 };
}

/* --- one attempt */

static enum client_http_end attempt(struct client *c, const char *target, struct bytes body, uint64_t deadline_ms,
                                    bool *tls)
{
	const struct cred_key *key = cred_first(c->place.cred);
	int64_t now_s = (int64_t)(clock_wall_us() / 1000000);
	char date[SIGV4_DATE_BYTES], hash[SIGV4_HASH_BYTES];
	struct httpmsg_header headers[HEADERS] = {
		{ BYTES_LIT("Host"), bytes_str(c->place.authority) },
		{ BYTES_LIT("Content-Type"), BYTES_LIT("application/x-amz-json-1.0") },
		{ BYTES_LIT("X-Amz-Date"), { (const uint8_t *)date, sizeof date - 1 } },
		{ BYTES_LIT("X-Amz-Target"), bytes_str(target) },
	};
	size_t n = 4;
	struct client_http_request r = { "POST", "/", headers, 0, body, deadline_ms };
	struct sigv4_req sign = { BYTES_LIT("POST"), BYTES_LIT("/"), BYTES_NONE, headers, 0, BYTES_NONE };

	sigv4_date(now_s, date);
	sigv4_hash(c->sigv4, body, hash);
	if (key->token.n > 0)
		headers[n++] = (struct httpmsg_header){ BYTES_LIT("X-Amz-Security-Token"), key->token };
	sign.headers_n = n;
	sign.body_hash = bytes_str(hash);
	buf_clear(&c->auth);
	sigv4_sign(c->sigv4, &sign, key, (struct sigv4_scope){ bytes_str(c->place.region), BYTES_LIT("dynamodb") }, now_s,
	           &c->auth);
	headers[n++] = (struct httpmsg_header){ BYTES_LIT("Authorization"), buf_view(&c->auth) };
	r.headers_n = n;
	*tls = false;
	return c->curl != NULL ? client_curl_do(c->curl, &r, &c->raw, tls) : client_http_do(c->http, &r, &c->raw);
}

static void copy_text(char *to, size_t size, struct bytes from)
{
	size_t n = from.n < size ? from.n : size - 1;

	if (n > 0)
		memcpy(to, from.p, n);
	to[n] = '\0';
}

/* "com.amazonaws.dynamodb.v20120810#ResourceNotFoundException" */
static struct bytes without_namespace(struct bytes type)
{
	for (size_t i = type.n; i > 0; i--)
		if (type.p[i - 1] == '#')
			return (struct bytes){ type.p + i, type.n - i };
	return type;
}

static void read_error(struct bytes body, struct client_answer *a)
{
	struct json_read r;

	json_read_init(&r, body, ERROR_DEPTH_MAX);
	if (json_read_next(&r) == JSON_OBJECT) {
		while (json_read_next(&r) == JSON_KEY) {
			bool type = bytes_is(r.str, "__type");
			bool message = bytes_is(r.str, "message") || bytes_is(r.str, "Message");

			if (json_read_next(&r) == JSON_STRING && type)
				copy_text(a->type, sizeof a->type, without_namespace(r.str));
			else if (r.token == JSON_STRING && message)
				copy_text(a->message, sizeof a->message, r.str);
			else
				json_read_skip(&r);
		}
	}
	json_read_fini(&r);
	if (a->type[0] == '\0' && a->message[0] == '\0')
		snprintf(a->message, sizeof a->message, "the server says %d and nothing that can be read", a->status);
}

/* The outcome of one attempt, in a. */
static void judge(struct client *c, enum client_http_end end, bool tls, struct client_answer *a)
{
	struct buf keep = a->body;
	uint32_t crc = libdeflate_crc32(0, c->raw.body.p, c->raw.body.n);

	a->type[0] = a->message[0] = '\0';
	a->refused_tls = tls;
	a->unknown = end == CLIENT_HTTP_LOST;
	a->status = end == CLIENT_HTTP_ANSWERED ? c->raw.status : 0;
	if (end == CLIENT_HTTP_ANSWERED && c->raw.has_crc && c->raw.crc != crc) {
		a->status = 0;
		a->unknown = true;
		copy_text(a->message, sizeof a->message, BYTES_LIT("the answer was damaged on its way"));
		return;
	}
	if (end != CLIENT_HTTP_ANSWERED) {
		copy_text(a->message, sizeof a->message, bytes_str(c->raw.why));
		return;
	}
	a->body = c->raw.body;                           /* swapped: each keeps its memory */
	c->raw.body = keep;
	c->raw.body.max = CLIENT_HTTP_ANSWER_MAX;
	if (a->status != 200)
		read_error(buf_view(&a->body), a);
	a->unknown = a->status >= 500 && strcmp(a->type, "ServiceUnavailable") != 0;
}

/* --- again and again */

static bool is_throttled(const struct client_answer *a)
{
	static const char *const types[] = { "ProvisionedThroughputExceededException", "ThrottlingException", "Throttling",
		"RequestLimitExceeded", "TransactionInProgressException", "RequestTimeout", "RequestTimeoutException" };

	for (size_t i = 0; i < sizeof types / sizeof *types; i++)
		if (strcmp(a->type, types[i]) == 0)
			return true;
	return a->status == 429;
}

static bool may_retry(const struct client *c, const struct client_answer *a)
{
	if (c->retry == CLIENT_RETRY_NONE || a->refused_tls)
		return false;
	if (c->retry == CLIENT_RETRY_SAFE && a->unknown)
		return false;
	return a->status == 0 || a->status >= 500 || is_throttled(a);
}

static bool is_running(const char *home)
{
	pid_t pid;
	int fd = home_running(home, &pid);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

static uint64_t pause_ms(unsigned attempts)
{
	uint64_t most = attempts < 10 ? (uint64_t)PAUSE_MS << (attempts - 1) : PAUSE_MS_MAX, dice = 0;

	if (getrandom(&dice, sizeof dice, 0) != (ssize_t)sizeof dice)
		dice = clock_us();
	return dice % ((most < PAUSE_MS_MAX ? most : PAUSE_MS_MAX) + 1);
}

int client_call(struct client *c, const char *op, struct bytes body, struct client_answer *a)
{
	uint64_t start = clock_ms(), end = start + c->timeout_ms;
	char target[TARGET_MAX];

	snprintf(target, sizeof target, "%s%s", strchr(op, '.') != NULL ? "" : "DynamoDB_20120810.", op);
	for (a->attempts = 1;; a->attempts++) {
		uint64_t now = clock_ms(), wait;
		bool tls;
		enum client_http_end how =
			attempt(c, target, body, end < now + ATTEMPT_MS_MAX ? end : now + ATTEMPT_MS_MAX, &tls);

		judge(c, how, tls, a);
		if (a->status == 200 || a->attempts >= CLIENT_ATTEMPTS_MAX || !may_retry(c, a))
			break;
		now = clock_ms();
		if (c->raw.refused && a->status == 0 &&
		    (now - start > REFUSED_MS_MAX || (c->place.home != NULL && !is_running(c->place.home))))
			break;
		wait = pause_ms(a->attempts);
		if (now + wait >= end)
			break;
		log_debug("%s: attempt %u: %s %s; again in %u ms", op, a->attempts, a->type, a->message, (unsigned)wait);
		nanosleep(&(struct timespec){ (time_t)(wait / 1000), (long)(wait % 1000) * 1000000 }, NULL);
	}
	return a->status;
}

int client_exit(const struct client_answer *a)
{
	static const struct {
		const char *type;
		int code;
	} types[] = {
		{ "AccessDeniedException", DDB_EXIT_REFUSED },
		{ "ConditionalCheckFailedException", DDB_EXIT_NEGATIVE },
		{ "ExpiredTokenException", DDB_EXIT_REFUSED },
		{ "IncompleteSignatureException", DDB_EXIT_REFUSED },
		{ "InvalidSignatureException", DDB_EXIT_REFUSED },
		{ "LimitExceededException", DDB_EXIT_UNAVAILABLE },
		{ "MissingAuthenticationTokenException", DDB_EXIT_REFUSED },
		{ "ResourceInUseException", DDB_EXIT_NEGATIVE },
		{ "ResourceNotFoundException", DDB_EXIT_NEGATIVE },
		{ "SignatureDoesNotMatch", DDB_EXIT_REFUSED },
		{ "TableAlreadyExistsException", DDB_EXIT_NEGATIVE },
		{ "TableInUseException", DDB_EXIT_NEGATIVE },
		{ "TableNotFoundException", DDB_EXIT_NEGATIVE },
		{ "TransactionCanceledException", DDB_EXIT_NEGATIVE },
		{ "TransactionConflictException", DDB_EXIT_UNAVAILABLE },
		{ "UnrecognizedClientException", DDB_EXIT_REFUSED },
	};

	if (a->status == 200)
		return DDB_EXIT_DONE;
	if (a->refused_tls || a->status == 401 || a->status == 403)
		return DDB_EXIT_REFUSED;
	if (a->status == 0 || a->status >= 500 || is_throttled(a))
		return DDB_EXIT_UNAVAILABLE;
	for (size_t i = 0; i < sizeof types / sizeof *types; i++)
		if (strcmp(a->type, types[i].type) == 0)
			return types[i].code;
	return DDB_EXIT_USAGE;
}

int client_fail(const struct client *c, const struct client_answer *a)
{
	if (a->status == 0 && c->place.home != NULL && c->raw.refused && !is_running(c->place.home))
		log_err("the cluster of %s is not running; `ddb up` starts it", c->place.home);
	else if (a->status == 0)
		log_err("%s: %s%s", c->place.url, a->message, a->unknown ? " (a write may have happened)" : "");
	else if (a->type[0] == '\0')
		log_err("%s", a->message);
	else
		log_err("%s: %s%s", a->type, a->message, a->unknown ? " (a write may have happened)" : "");
	return client_exit(a);
}
