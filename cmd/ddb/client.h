/*
 * client: requests to a DynamoDB endpoint, for every command that needs data.
 *
 *	struct client_opts o = CLIENT_OPTS_INIT;
 *	const struct opt opts[] = { CLIENT_OPTS(o), ..., OPT_END };
 *	...
 *	code = client_open(&o, &client);
 *	if (code != 0)
 *		return code;
 *	if (client_call(client, "GetItem", buf_view(&body), &answer) != 200)
 *		code = client_fail(client, &answer);
 *	client_answer_fini(&answer);
 *	client_close(client);
 *
 * Where: --endpoint; else --home's router; else AWS_ENDPOINT_URL_DYNAMODB, AWS_ENDPOINT_URL; else the router of the home
 * (DDB_HOME, ~/.ddb) if there is a cluster in it; else AWS's own endpoint of the region.
 * Who: --profile; else, for a home's router found by way of the home, the first key of HOME/credentials; else as AWS's
 * tools find it (cred_client); else HOME/credentials.
 * Region: --region; else, by the same distinction, the cluster's; else AWS_REGION, AWS_DEFAULT_REGION, us-east-1.
 *
 * One request at a time, on one connection that is kept.  Over http nothing of TLS is loaded, and a client opens in
 * about three milliseconds.
 * Does not: know what is in the bodies.
 */
#ifndef DDB_CLIENT_H
#define DDB_CLIENT_H

#include <stdbool.h>
#include <stdint.h>

#include "bytes.h"
#include "cred.h"
#include "opt.h"

#define CLIENT_TYPE_MAX 96
#define CLIENT_MESSAGE_MAX 2100                          /* the API's own bound is 2 KB */
#define CLIENT_ATTEMPTS_MAX 10
#define CLIENT_URL_MAX 1024

struct client_opts {
	const char *home, *endpoint, *region, *profile;
	uint64_t timeout_ms;                             /* of a call, retries included */
};

#define CLIENT_OPTS_INIT { .timeout_ms = 30000 }

#define CLIENT_OPTS(o)                                                                                                 \
	OPT_STR(0, "home", "DIR", "directory of the cluster (DDB_HOME, ~/.ddb)", &(o).home),                           \
	OPT_STR(0, "endpoint", "URL", "talk to this server", &(o).endpoint),                                           \
	OPT_STR(0, "region", "NAME", "region to sign for", &(o).region),                                               \
	OPT_STR(0, "profile", "NAME", "key of ~/.aws/credentials to sign with", &(o).profile),                         \
	OPT_MS(0, "timeout", "TIME", "give up after that long, retries included (30s)", &(o).timeout_ms, 1, 86400000)

struct client;

/* 0, or an exit code after saying why. */
int client_open(const struct client_opts *o, struct client **out);
void client_close(struct client *c);                     /* NULL is harmless */

const char *client_endpoint(const struct client *c);     /* "http://127.0.0.1:8000" */
const char *client_region(const struct client *c);
const struct cred_key *client_key(const struct client *c);

enum client_retry {
	CLIENT_RETRY_ALL,                                /* as AWS's tools do, whatever became of the attempt before */
	CLIENT_RETRY_SAFE,                               /* only what was certainly not carried out */
	CLIENT_RETRY_NONE,
};

/* For later calls; CLIENT_RETRY_ALL at first. */
void client_retry(struct client *c, enum client_retry retry);

/* A zeroed one is ready.  Kept from call to call it keeps its memory. */
struct client_answer {
	int status;                                      /* of HTTP; 0: no answer */
	struct buf body;                                 /* JSON, if status is 200 */
	/* otherwise: */
	char type[CLIENT_TYPE_MAX];                      /* "ValidationException": __type without its namespace; or "" */
	char message[CLIENT_MESSAGE_MAX];                /* the API's, or what happened to the connection */
	bool unknown;                                    /* a write may have been carried out */
	bool refused_tls;                                /* the server's certificate is not trusted */
	unsigned attempts;
};

void client_answer_fini(struct client_answer *a);

/*
 * One operation, signed, with retries: after 5xx, 429, throttling and lost connections, at most CLIENT_ATTEMPTS_MAX
 * attempts inside timeout_ms, with full jitter between them.
 *   op    "GetItem"; with a dot ("DynamoDBStreams_20120810.ListStreams") it is the whole X-Amz-Target
 *   body  JSON
 * Returns a->status.
 */
int client_call(struct client *c, const char *op, struct bytes body, struct client_answer *a);

/* What the program exits with after this answer. */
int client_exit(const struct client_answer *a);
/* Says what went wrong, one line, and returns client_exit. */
int client_fail(const struct client *c, const struct client_answer *a);

#endif
