/* ddb-autoadmin: the control plane.  See ddb-autoadmin(8). */
#include <stdlib.h>
#include <string.h>

#include "autoadmin.h"
#include "catalogue.h"
#include "exit.h"
#include "log.h"

#define TICK_MS 50

static struct daemon d = DAEMON_INIT;
static struct aa aa = { .d = &d };
static const char *listen_addr;
static uint64_t lease_ms = 6000;
static uv_timer_t tick;

static const struct opt opts[] = {
	DAEMON_OPTS(d),
	OPT_STR('l', "listen", "ADDR", "listen there and not where the cluster file says", &listen_addr),
	OPT_MS(0, "lease", "TIME", "how long one that has died stays the active one", &lease_ms, 300, 60000),
	OPT_END
};
static const struct opt_usage usage = { "ddb-autoadmin", NULL, "create, place and heal tables", opts, 0, 0, false };

static void on_message(void *arg, struct net_conn *c, uint64_t rid, unsigned type, struct bytes body)
{
	struct aa *a = arg;

	if (type == MSG_admin)
		tables_admin(a, net_conn_id(c), rid, body);
	else if (type == MSG_join)
		nodes_join(a, net_conn_id(c), rid, body);
	else
		net_conn_drop(c, "not a message for autoadmin");
}

static void on_tick(uv_timer_t *t)
{
	struct aa *a = t->data;

	lease_tick(a);
	nodes_tick(a);
}

static void on_metrics(void *arg, struct buf *out)
{
	struct aa *a = arg;
	const struct metrics_row rows[] = {
		METRICS_COUNT("ddb_autoadmin_changes_total", NULL, "writes to the catalogue", &a->changes),
		METRICS_COUNT("ddb_autoadmin_heals_total", NULL, "members replaced", &a->heals),
	};

	metrics_print(rows, sizeof rows / sizeof *rows, out);
}

/* The same for every life of the process that listens here, and for no other: FNV-1a. */
static uint64_t owner_of(const char *addr)
{
	uint64_t h = 0xcbf29ce484222325u;

	for (; *addr != '\0'; addr++)
		h = (h ^ (uint8_t)*addr) * 0x100000001b3u;
	return h >> 1;
}

/* Until the catalogue is read, its group's members and the nodes are those of the cluster file. */
static void first_nodes(struct aa *a)
{
	const struct cluster *c = &d.cluster;

	a->catalogue = (struct aa_partition){ .group = CATALOGUE_GROUP };
	for (size_t i = 0; i < c->nodes_n; i++) {
		const struct cluster_node *n = &c->nodes[i];

		state_add_node(a, &(struct aa_node){ .number = n->number, .incarnation = n->incarnation, .attempt = 0,
						     .name = n->name, .zone = n->zone, .addr = n->addr });
		if (i < CATALOGUE_REPLICAS)
			a->catalogue.member[a->catalogue.nmembers++] = n->incarnation;
	}
}

static void drain(void *arg)
{
	(void)arg;
	daemon_end(&d, DDB_EXIT_DONE);
}

static int serve(struct aa *a)
{
	const char *addr = listen_addr != NULL ? listen_addr : d.cluster.autoadmin.n > 0 ? d.cluster.autoadmin.v[0] : NULL;
	char *absolute;

	if (addr == NULL)
		opt_fail(&usage, "the cluster file names no autoadmin, and there is no --listen");
	absolute = daemon_addr(&d, addr);
	a->server = net_listen(d.net, absolute, on_message, a);
	free(absolute);
	if (a->server == NULL)
		return DDB_EXIT_USAGE;
	a->owner = owner_of(addr);
	a->lease_ms = lease_ms;
	LIST_INIT(&a->calls);
	a->jobs_end = &a->jobs;
	a->hasher = key_hasher_new();
	item_build_init(&a->build);
	net_on_metrics(d.net, on_metrics, a);
	first_nodes(a);
	push_init(a);
	uv_timer_init(&d.loop, &tick);
	tick.data = a;
	uv_timer_start(&tick, on_tick, 0, TICK_MS);
	daemon_ready(&d);
	return daemon_run(&d, drain, NULL);
}

int main(int argc, char **argv)
{
	int code;

	log_open("ddb-autoadmin");
	opt_parse(&usage, argc, argv);
	code = daemon_open(&d, "ddb-autoadmin", NET_AUTOADMIN, NULL);
	if (code == 0) {
		code = serve(&aa);
		if (aa.links != NULL)
			uv_close((uv_handle_t *)&tick, NULL);
		state_abandon(&aa);
		aa.stopping = true;
		cat_stop(&aa);
	}
	daemon_close(&d);
	state_clear(&aa);
	nodes_fini(&aa);
	free(aa.links);
	key_hasher_free(aa.hasher);
	item_build_fini(&aa.build);
	return code;
}
