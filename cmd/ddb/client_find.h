/*
 * client_find: which endpoint, key and region the options, the environment and the home mean (rules: client.h).
 */
#ifndef DDB_CLIENT_FIND_H
#define DDB_CLIENT_FIND_H

#include "client.h"

struct client_place {
	char *url;                                       /* scheme://host[:port], nothing behind */
	char *host, *port;                               /* host without brackets */
	char *authority;                                 /* the Host header: host[:port] as in the URL */
	bool https;
	char *home;                                      /* of the cluster whose router this is; NULL: found otherwise */
	char *region;
	struct cred *cred;
};

/* 0, or an exit code after saying why; fini in either case. */
int client_find(const struct client_opts *o, struct client_place *p);
void client_find_fini(struct client_place *p);

/* Take an http or https URL without user, query or path apart.  False: it is not one. */
bool client_find_url(const char *url, struct client_place *p);

#endif
