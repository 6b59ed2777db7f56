/*
 * client_curl: the same as client_http over https, by libcurl, which is loaded when the first one is made.
 * Certificates are checked; AWS_CA_BUNDLE names others than the system's.  Proxies are as curl's environment says.
 */
#ifndef DDB_CLIENT_CURL_H
#define DDB_CLIENT_CURL_H

#include "client_http.h"

struct client_curl;

struct client_curl *client_curl_new(const char *url);    /* NULL after saying why */
void client_curl_free(struct client_curl *c);
/* r->path is not looked at.  *tls: the failure is one of certificates. */
enum client_http_end client_curl_do(struct client_curl *c, const struct client_http_request *r,
                                    struct client_http_answer *a, bool *tls);

#endif
