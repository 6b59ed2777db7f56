/* ddb-memds: the routing map, in memory.  See ddb-memds(8). */
#include <stdlib.h>

#include "daemon.h"
#include "exit.h"
#include "memds.h"

static struct daemon d = DAEMON_INIT;
static struct memds memds;
static const char *listen_addr;

static const struct opt opts[] = {
	DAEMON_OPTS(d),
	OPT_STR('l', "listen", "ADDR", "listen there and not where the cluster file says", &listen_addr),
	OPT_END,
};

static const struct opt_usage usage = {
	"ddb-memds", NULL, "answer where keys are, from a map in memory", opts, 0, 0, false,
};

static void drain(void *arg)
{
	(void)arg;
	daemon_end(&d, DDB_EXIT_DONE);
}

/* The first address of the cluster file is ours unless we are told another one. */
static int serve(void)
{
	const char *addr = listen_addr != NULL ? listen_addr : d.cluster.memds.n > 0 ? d.cluster.memds.v[0] : NULL;
	char *absolute;
	struct net_server *s;

	if (addr == NULL)
		opt_fail(&usage, "the cluster file names no memds, and there is no --listen");
	absolute = daemon_addr(&d, addr);
	s = net_listen(d.net, absolute, memds_handle, &memds);
	free(absolute);
	if (s == NULL)
		return DDB_EXIT_USAGE;
	daemon_ready(&d);
	return daemon_run(&d, drain, NULL);
}

int main(int argc, char **argv)
{
	int code;

	opt_parse(&usage, argc, argv);
	code = daemon_open(&d, "ddb-memds", NET_MEMDS, NULL);
	if (code == 0) {
		memds_init(&memds, d.net);
		code = serve();
	}
	daemon_close(&d);
	memds_fini(&memds);
	return code;
}
