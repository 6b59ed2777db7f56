#include "client_find.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "cluster.h"
#include "exit.h"
#include "home.h"
#include "log.h"
#include "mem.h"
#include "sigv4.h"

static const char *env(const char *name)
{
	const char *v = getenv(name);

	return v != NULL && v[0] != '\0' ? v : NULL;
}

static bool is_host(const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_:", p[i]) == NULL)
			return false;
	return n > 0;
}

bool client_find_url(const char *url, struct client_place *p)
{
	const char *host, *end, *colon, *stop;
	uint64_t port;
	bool https = strncasecmp(url, "https://", 8) == 0;

	if (strlen(url) > CLIENT_URL_MAX || (!https && strncasecmp(url, "http://", 7) != 0))
		return false;
	host = url + (https ? 8 : 7);
	end = host + strcspn(host, "/");
	if (end[0] != '\0' && end[1] != '\0')
		return false;
	stop = host[0] == '[' ? memchr(host, ']', (size_t)(end - host)) : memchr(host, ':', (size_t)(end - host));
	if (host[0] == '[') {
		if (stop == NULL || !is_host(host + 1, (size_t)(stop - host - 1)))
			return false;
		colon = stop + 1;
		p->host = mem_copy(host + 1, (size_t)(stop - host - 1));
	} else {
		colon = stop != NULL ? stop : end;
		if (!is_host(host, (size_t)(colon - host)))
			return false;
		p->host = mem_copy(host, (size_t)(colon - host));
	}
	p->port = colon < end && colon[0] == ':' ? mem_copy(colon + 1, (size_t)(end - colon - 1)) : mem_str(https ? "443" : "80");
	if ((colon < end && colon[0] != ':') || !opt_u64(p->port, &port) || port == 0 || port > 65535)
		return false;
	p->https = https;
	p->authority = mem_copy(host, (size_t)(end - host));
	p->url = mem_copy(url, (size_t)(end - url));
	return true;
}

static int take_url(struct client_place *p, const char *url, const char *from)
{
	if (client_find_url(url, p))
		return 0;
	log_err("%s: \"%s\" is not of the form http://host:port or https://host", from, url);
	return DDB_EXIT_USAGE;
}

static int not_running(const char *home)
{
	pid_t pid;
	int fd = home_running(home, &pid);

	if (fd >= 0) {
		close(fd);
		log_err("the cluster of %s is not ready yet", home);
	} else {
		log_err("the cluster of %s is not running; `ddb up` starts it", home);
	}
	return DDB_EXIT_UNAVAILABLE;
}

/* The router of a home, and what belongs to it. */
static int take_home(struct client_place *p, char *home)
{
	struct cluster cluster;
	int port = home_port(home);
	char *url;

	p->home = home;
	if (!home_exists(home)) {
		log_err("%s: no cluster here; `ddb up --home %s` makes one", home, home);
		return DDB_EXIT_USAGE;
	}
	if (port == 0)
		return not_running(home);
	url = mem_fmt("http://127.0.0.1:%d", port);
	client_find_url(url, p);
	free(url);
	if (p->region == NULL) {
		if (cluster_load(home, &cluster) != 0)
			return DDB_EXIT_USAGE;
		if (cluster.region != NULL)
			p->region = mem_str(cluster.region);
		cluster_fini(&cluster);
	}
	return 0;
}

/* It goes into host names and headers. */
static bool check_region(const struct client_place *p)
{
	static const char safe[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
	size_t n = strlen(p->region);

	if (n > 0 && n <= SIGV4_SCOPE_BYTES_MAX && strspn(p->region, safe) == n)
		return true;
	log_err("region \"%s\": letters, digits and - only", p->region);
	return false;
}

static int find_endpoint(const struct client_opts *o, struct client_place *p)
{
	const char *url = o->endpoint;
	char *home;

	if (url != NULL)
		return take_url(p, url, "--endpoint");
	if (o->home == NULL && (url = env("AWS_ENDPOINT_URL_DYNAMODB")) != NULL)
		return take_url(p, url, "AWS_ENDPOINT_URL_DYNAMODB");
	if (o->home == NULL && (url = env("AWS_ENDPOINT_URL")) != NULL)
		return take_url(p, url, "AWS_ENDPOINT_URL");
	home = home_find(o->home);
	if (home == NULL)
		return DDB_EXIT_USAGE;
	/* Somebody who named a home does not mean AWS when nothing is in it. */
	if (o->home != NULL || env("DDB_HOME") != NULL || home_exists(home))
		return take_home(p, home);
	free(home);
	if (p->region == NULL)
		p->region = mem_str(cred_region());
	if (!check_region(p))
		return DDB_EXIT_USAGE;
	p->https = true;
	p->host = mem_fmt("dynamodb.%s.amazonaws.com%s", p->region, strncmp(p->region, "cn-", 3) == 0 ? ".cn" : "");
	p->port = mem_str("443");
	p->authority = mem_str(p->host);
	p->url = mem_fmt("https://%s", p->host);
	return 0;
}

static struct cred *home_cred(const char *home, char *error)
{
	char *path = mem_fmt("%s/credentials", home);
	struct cred *c = cred_open(path, true, error);

	free(path);
	return c;
}

static int find_key(const struct client_opts *o, struct client_place *p)
{
	char error[CRED_ERROR_MAX], unused[CRED_ERROR_MAX], *home = NULL;

	if (o->profile == NULL && (p->home != NULL || o->home != NULL)) {
		home = p->home != NULL ? mem_str(p->home) : home_find(o->home);
		if (home != NULL)
			p->cred = home_cred(home, error);
	} else {
		p->cred = cred_client(o->profile, error);
		home = p->cred == NULL && o->profile == NULL ? home_find(NULL) : NULL;
		/* Signing for another server gives nothing of the key away. */
		if (home != NULL && home_exists(home))
			p->cred = home_cred(home, unused);
	}
	free(home);
	if (p->cred != NULL)
		return 0;
	log_err("%s", error);
	if (p->https && o->endpoint == NULL && o->home == NULL && o->profile == NULL)
		log_err("there is no cluster in ~/.ddb either; `ddb up` makes one");
	return DDB_EXIT_REFUSED;
}

int client_find(const struct client_opts *o, struct client_place *p)
{
	int code;

	*p = (struct client_place){ 0 };
	if (o->region != NULL)
		p->region = mem_str(o->region);
	code = find_endpoint(o, p);
	if (code == 0)
		code = find_key(o, p);
	if (p->region == NULL)
		p->region = mem_str(cred_region());
	return code == 0 && !check_region(p) ? DDB_EXIT_USAGE : code;
}

void client_find_fini(struct client_place *p)
{
	free(p->url);
	free(p->host);
	free(p->port);
	free(p->authority);
	free(p->home);
	free(p->region);
	cred_free(p->cred);
	*p = (struct client_place){ 0 };
}
