#include "client_curl.h"

#include <curl/curl.h>
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "clock.h"
#include "log.h"
#include "mem.h"

#define LIBRARY "libcurl.so.4"

struct client_curl {
	void *library;
	CURL *easy;
	char *url;
	char error[CURL_ERROR_SIZE];
	/* The types come from curl's own declarations, so that a change there is a compiler's error here. */
	__typeof__(&curl_global_init) global_init;
	__typeof__(&curl_easy_init) init;
	CURLcode (*setopt)(CURL *, CURLoption, ...);
	__typeof__(&curl_easy_perform) perform;
	CURLcode (*getinfo)(CURL *, CURLINFO, ...);
	__typeof__(&curl_easy_cleanup) cleanup;
	__typeof__(&curl_slist_append) append;
	__typeof__(&curl_slist_free_all) free_all;
};

static bool load(struct client_curl *c)
{
	const struct {
		const char *name;
		void *to;
	} names[] = { { "curl_global_init", &c->global_init }, { "curl_easy_init", &c->init },
		{ "curl_easy_setopt", &c->setopt }, { "curl_easy_perform", &c->perform },
		{ "curl_easy_getinfo", &c->getinfo }, { "curl_easy_cleanup", &c->cleanup },
		{ "curl_slist_append", &c->append }, { "curl_slist_free_all", &c->free_all } };

	c->library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
	if (c->library == NULL)
		return false;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		void *p = dlsym(c->library, names[i].name);

		if (p == NULL)
			return false;
		memcpy(names[i].to, &p, sizeof p);
	}
	return true;
}

static size_t on_body(char *at, size_t one, size_t n, void *arg)
{
	struct client_http_answer *a = arg;

	buf_put(&a->body, at, one * n);
	return a->body.over ? 0 : one * n;
}

static size_t on_header(char *at, size_t one, size_t n, void *arg)
{
	static const char name[] = "x-amz-crc32:";
	struct client_http_answer *a = arg;
	char line[64];

	n *= one;
	if (n > sizeof name && n < sizeof line && strncasecmp(at, name, sizeof name - 1) == 0) {
		memcpy(line, at, n);
		line[n] = '\0';
		a->has_crc = true;
		a->crc = (uint32_t)strtoul(line + sizeof name - 1, NULL, 10);
	}
	return n;
}

struct client_curl *client_curl_new(const char *url)
{
	struct client_curl *c = mem_new(sizeof *c);
	const char *bundle = getenv("AWS_CA_BUNDLE");

	c->url = mem_str(url);
	if (!load(c)) {
		log_err("https needs libcurl: %s", dlerror());
		goto bad;
	}
	if (c->global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK || (c->easy = c->init()) == NULL) {
		log_err("libcurl does not start");
		goto bad;
	}
	c->setopt(c->easy, CURLOPT_URL, c->url);
	c->setopt(c->easy, CURLOPT_NOSIGNAL, 1L);
	c->setopt(c->easy, CURLOPT_PROTOCOLS_STR, "https");
	c->setopt(c->easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	c->setopt(c->easy, CURLOPT_ERRORBUFFER, c->error);
	c->setopt(c->easy, CURLOPT_WRITEFUNCTION, on_body);
	c->setopt(c->easy, CURLOPT_HEADERFUNCTION, on_header);
	if (bundle != NULL && bundle[0] != '\0')
		c->setopt(c->easy, CURLOPT_CAINFO, bundle);
	return c;
bad:
	client_curl_free(c);
	return NULL;
}

void client_curl_free(struct client_curl *c)
{
	if (c == NULL)
		return;
	if (c->easy != NULL)
		c->cleanup(c->easy);
	/* The library stays loaded: what it has hung into OpenSSL is called when the process ends. */
	free(c->url);
	free(c);
}

static struct curl_slist *headers_of(struct client_curl *c, const struct client_http_request *r)
{
	struct curl_slist *list = c->append(NULL, "Expect:");

	for (size_t i = 0; i < r->headers_n; i++) {
		char *line = mem_fmt("%.*s: %.*s", (int)r->headers[i].name.n, (const char *)r->headers[i].name.p,
		                     (int)r->headers[i].value.n, (const char *)r->headers[i].value.p);

		list = c->append(list, line);
		free(line);
	}
	return list;
}

static bool is_unsent(CURLcode code)
{
	return code == CURLE_COULDNT_RESOLVE_HOST || code == CURLE_COULDNT_RESOLVE_PROXY ||
	       code == CURLE_COULDNT_CONNECT || code == CURLE_PEER_FAILED_VERIFICATION ||
	       code == CURLE_SSL_CONNECT_ERROR || code == CURLE_SSL_CACERT_BADFILE || code == CURLE_SSL_CERTPROBLEM;
}

enum client_http_end client_curl_do(struct client_curl *c, const struct client_http_request *r,
                                    struct client_http_answer *a, bool *tls)
{
	struct curl_slist *headers = headers_of(c, r);
	uint64_t now = clock_ms();
	long status = 0;
	CURLcode code;

	buf_clear(&a->body);
	a->status = 0;
	a->has_crc = a->refused = false;
	a->why[0] = c->error[0] = '\0';
	c->setopt(c->easy, CURLOPT_HTTPHEADER, headers);
	c->setopt(c->easy, CURLOPT_POST, 1L);
	c->setopt(c->easy, CURLOPT_POSTFIELDS, r->body.n > 0 ? (const char *)r->body.p : "");
	c->setopt(c->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)r->body.n);
	c->setopt(c->easy, CURLOPT_WRITEDATA, a);
	c->setopt(c->easy, CURLOPT_HEADERDATA, a);
	c->setopt(c->easy, CURLOPT_TIMEOUT_MS, r->deadline_ms > now ? (long)(r->deadline_ms - now) : 1L);
	code = c->perform(c->easy);
	c->getinfo(c->easy, CURLINFO_RESPONSE_CODE, &status);
	c->setopt(c->easy, CURLOPT_HTTPHEADER, NULL);
	c->free_all(headers);
	*tls = code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CACERT_BADFILE || code == CURLE_SSL_CERTPROBLEM;
	if (code == CURLE_OK) {
		a->status = (int)status;
		return CLIENT_HTTP_ANSWERED;
	}
	snprintf(a->why, sizeof a->why, "%s", c->error[0] != '\0' ? c->error : "no answer");
	return is_unsent(code) ? CLIENT_HTTP_UNSENT : CLIENT_HTTP_LOST;
}
