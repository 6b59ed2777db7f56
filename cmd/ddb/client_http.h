/*
 * client_http: one HTTP/1.1 connection, kept alive, over plain TCP; blocking, with deadlines.  client_curl does https.
 * The program's own, because loading libcurl and what it drags along costs more than a whole request to a local router.
 * Does not: TLS, redirects, proxies, sign.
 */
#ifndef DDB_CLIENT_HTTP_H
#define DDB_CLIENT_HTTP_H

#include <stdint.h>

#include "bytes.h"
#include "httpmsg.h"

#define CLIENT_HTTP_ANSWER_MAX ((size_t)64 << 20)
#define CLIENT_HTTP_WHY_MAX 300

enum client_http_end {
	CLIENT_HTTP_ANSWERED,
	CLIENT_HTTP_UNSENT,                              /* the request never left: certainly not carried out */
	CLIENT_HTTP_LOST,                                /* no whole answer: nobody knows */
};

struct client_http_request {
	const char *method;
	const char *path;                                /* "/" */
	const struct httpmsg_header *headers;            /* Host among them; Content-Length is added */
	size_t headers_n;
	struct bytes body;
	uint64_t deadline_ms;                            /* as clock_ms() */
};

struct client_http_answer {
	int status;
	struct buf body;                                 /* the caller's, cleared first */
	bool has_crc;
	uint32_t crc;                                    /* of x-amz-crc32 */
	bool refused;                                    /* UNSENT: nobody listens there */
	char why[CLIENT_HTTP_WHY_MAX];                   /* unless ANSWERED: what went wrong */
};

struct client_http;

struct client_http *client_http_new(const char *host, const char *port);
void client_http_free(struct client_http *h);

/* Connects if need be; a kept connection that the server has closed meanwhile is replaced. */
enum client_http_end client_http_do(struct client_http *h, const struct client_http_request *r,
                                    struct client_http_answer *a);

#endif
