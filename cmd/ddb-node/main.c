/* ddb-node: storage and log replicas of many partitions.  See ddb-node(8). */
#include "exit.h"
#include "host.h"
#include "join.h"
#include "log.h"

static struct daemon d = DAEMON_INIT;
static const char *name;
static bool first_life;
static uint64_t lease_ms = 1000, beat_ms = 200, election_ms = 300, collect_bytes = 48u << 20, watermark_bytes = 256u << 20,
	segment_bytes = 16u << 20, sweep_ms = 10000, lock_ms = 2000;

static const struct opt opts[] = {
	DAEMON_OPTS(d),
	OPT_STR(0, "node", "NAME", "which node of the cluster file this is", &name),
	OPT_FLAG(0, "first-life", "a cluster that never started: without an identity, take the cluster file's", &first_life),
	OPT_MS(0, "lease", "TIME", "how long a leader may serve after a quorum last heard of it", &lease_ms, 50, 60000),
	OPT_MS(0, "heartbeat", "TIME", "how often leases are renewed", &beat_ms, 10, 20000),
	OPT_MS(0, "election", "TIME", "without a leader for this long, ask the peers", &election_ms, 10, 60000),
	OPT_SIZE(0, "collect", "BYTES", "log kept before it is collected", &collect_bytes, 1u << 20, 1ull << 40),
	OPT_SIZE(0, "watermark", "BYTES", "log kept for a peer that stays away, before it gets a snapshot", &watermark_bytes, 1u << 20,
		 1ull << 40),
	OPT_MS(0, "lock", "TIME", "what a transaction holds for longer is asked about", &lock_ms, 10, 600000),
	OPT_SIZE(0, "segment", "BYTES", "size of a log segment", &segment_bytes, 8u << 20, 1u << 30),
	OPT_MS(0, "sweep", "TIME", "a partition is searched for expired items at most this often", &sweep_ms, 10, 86400000),
	OPT_END
};
static const struct opt_usage usage = { "ddb-node", NULL, "storage node", opts, 0, 0, false };

static int serve(const struct cluster_node *self, struct identity *id)
{
	struct host_options o = { .first_segment_bytes = 8u << 20, .segment_bytes = segment_bytes };
	struct host *h;
	int code;

	node_options_default(&o.node);
	o.node.lease_us = lease_ms * 1000;
	o.node.beat_us = beat_ms * 1000;
	o.node.election_us = election_ms * 1000;
	o.node.collect_bytes = collect_bytes;
	o.node.lock_us = lock_ms * 1000;
	o.node.watermark_bytes = watermark_bytes;
	o.node.sweep_us = sweep_ms * 1000;
	h = host_new(&d, self, id, &o, &code);
	if (h == NULL)
		return code;
	daemon_ready(&d);
	log_info("serves as incarnation %u", id->incarnation);
	code = daemon_run(&d, host_stop, h);
	host_free(h);
	return code;
}

int main(int argc, char **argv)
{
	const struct cluster_node *self;
	struct identity id = { .lock = -1 };
	char process[CLUSTER_NAME_MAX + 8];
	int code;

	log_open("ddb-node");
	opt_parse(&usage, argc, argv);
	if (name == NULL)
		opt_fail(&usage, "--node is missing");
	snprintf(process, sizeof process, "node-%s", name);
	code = daemon_open(&d, "ddb-node", NET_NODE, process);
	self = code == 0 ? cluster_node(&d.cluster, name) : NULL;
	if (code == 0 && self == NULL) {
		log_err("the cluster file has no node %s", name);
		code = DDB_EXIT_USAGE;
	}
	if (code == 0)
		code = identity_open(&id, d.home, name, d.cluster.id);
	if (code == 0 && id.incarnation == 0) {
		id.number = self->number;
		code = first_life ? join_first(&id, self) : join_run(&d, self, &id);
	}
	if (code == 0 && id.incarnation != 0)
		code = serve(self, &id);
	identity_close(&id);
	daemon_close(&d);
	return code;
}
