#include "memds.h"

#include "log.h"
#include "result.h"

static void print_metrics(void *arg, struct buf *out)
{
	struct memds *m = arg;
	struct map_state s = map_state(m->map);
	struct metrics_gauge complete = { s.complete }, epoch = { (int64_t)s.epoch }, version = { (int64_t)s.version };
	struct metrics_gauge tables = { (int64_t)s.tables }, groups = { (int64_t)s.groups };
	struct metrics_gauge orphans = { (int64_t)s.orphans }, nodes = { (int64_t)s.nodes_version };
	const struct metrics_row rows[] = {
		METRICS_COUNT("ddb_memds_lookups_total", "answer=\"found\"", "questions of routers", &m->found),
		METRICS_COUNT("ddb_memds_lookups_total", "answer=\"absent\"", NULL, &m->absent),
		METRICS_COUNT("ddb_memds_lookups_total", "answer=\"not_ready\"", NULL, &m->not_ready),
		METRICS_COUNT("ddb_memds_told_total", NULL, "what autoadmin said", &m->said),
		METRICS_COUNT("ddb_memds_fenced_total", NULL, "what a former autoadmin said", &m->fenced),
		METRICS_COUNT("ddb_memds_pushes_total", NULL, "what nodes said", &m->pushed),
		METRICS_GAUGE("ddb_memds_complete", NULL, "1: the map holds every table", &complete),
		METRICS_GAUGE("ddb_memds_epoch", NULL, "highest epoch of an autoadmin", &epoch),
		METRICS_GAUGE("ddb_memds_map_version", NULL, "changes of the map since start", &version),
		METRICS_GAUGE("ddb_memds_nodes_version", NULL, "version of the list of nodes", &nodes),
		METRICS_GAUGE("ddb_memds_tables", NULL, "tables in the map", &tables),
		METRICS_GAUGE("ddb_memds_partitions", NULL, "partitions in the map", &groups),
		METRICS_GAUGE("ddb_memds_orphans", NULL, "groups that only nodes spoke of", &orphans),
	};

	metrics_print(rows, sizeof rows / sizeof *rows, out);
}

void memds_init(struct memds *m, struct net *n)
{
	*m = (struct memds){ .net = n, .map = map_new() };
	net_on_metrics(n, print_metrics, m);
}

void memds_fini(struct memds *m)
{
	map_free(m->map);
	*m = (struct memds){ 0 };
}

static void on_lookup(struct memds *m, struct net_conn *c, uint64_t rid, struct bytes body)
{
	struct msg_lookup q;
	struct buf *b;
	uint16_t result;
	size_t at;

	if (!msg_get_lookup(body, &q, net_conn_version(c))) {
		net_conn_drop(c, "malformed lookup");
		return;
	}
	b = net_answer(m->net, net_conn_id(c), rid, MSG_route);
	if (b == NULL)
		return;
	at = b->n;
	map_route(m->map, &q, net_conn_version(c), b);
	result = b->n >= at + 2 ? load_u16(b->p + at) : RESULT_INTERNAL;
	metrics_add(result == RESULT_OK ? &m->found : result == RESULT_NO_TABLE ? &m->absent : &m->not_ready, 1);
	net_answered(m->net, net_conn_id(c));
}

static void on_push(struct memds *m, struct net_conn *c, struct bytes body)
{
	struct msg_map_push p;

	metrics_add(&m->pushed, 1);
	if (net_conn_role(c) != NET_NODE)
		net_conn_drop(c, "only nodes push");
	else if (!msg_get_map_push(body, &p, net_conn_version(c)) || !map_push(m->map, &p, net_conn_version(c)))
		net_conn_drop(c, "malformed map_push");
}

static enum map_result take(struct memds *m, struct net_conn *c, unsigned type, struct bytes body)
{
	unsigned version = net_conn_version(c);
	uint64_t source = net_conn_id(c);
	struct msg_map_table t;
	struct msg_map_nodes n;
	struct msg_map_complete e;

	if (type == MSG_map_table && msg_get_map_table(body, &t, version))
		return map_table(m->map, source, &t, version);
	if (type == MSG_map_nodes && msg_get_map_nodes(body, &n, version))
		return map_nodes(m->map, source, &n, version);
	if (type == MSG_map_complete && msg_get_map_complete(body, &e, version))
		return map_complete(m->map, source, &e);
	return MAP_BAD;
}

static void on_told(struct memds *m, struct net_conn *c, uint64_t rid, unsigned type, struct bytes body)
{
	bool was_complete = map_state(m->map).complete;
	enum map_result r;
	struct map_state s;
	struct msg_map_ack ack;
	struct buf *b;

	metrics_add(&m->said, 1);
	if (net_conn_role(c) != NET_AUTOADMIN) {
		net_conn_drop(c, "only autoadmin says what there is");
		return;
	}
	r = take(m, c, type, body);
	s = map_state(m->map);
	if (r == MAP_BAD) {
		net_conn_drop(c, "malformed or too large a map");
		return;
	}
	if (r == MAP_FENCED) {
		metrics_add(&m->fenced, 1);
		if (m->turned_away != s.epoch)
			log_info("turned a former autoadmin away; epoch %llu is in charge",
			         (unsigned long long)s.epoch);
		m->turned_away = s.epoch;
	}
	if (s.complete && !was_complete)
		log_info("the map is complete: %zu tables, %zu partitions", s.tables, s.groups);
	ack = (struct msg_map_ack){
		.result = r == MAP_OK ? RESULT_OK : r == MAP_FENCED ? RESULT_FENCED : RESULT_INVALID,
		.complete = s.complete,
		.epoch = s.epoch,
	};
	b = rid != 0 ? net_answer(m->net, net_conn_id(c), rid, MSG_map_ack) : NULL;
	if (b != NULL) {
		msg_put_map_ack(b, &ack, net_conn_version(c));
		net_answered(m->net, net_conn_id(c));
	}
}

void memds_handle(void *arg, struct net_conn *c, uint64_t rid, unsigned type, struct bytes body)
{
	switch (type) {
	case MSG_lookup:
		on_lookup(arg, c, rid, body);
		break;
	case MSG_map_push:
		on_push(arg, c, body);
		break;
	case MSG_map_table:
	case MSG_map_nodes:
	case MSG_map_complete:
		on_told(arg, c, rid, type, body);
		break;
	default:
		net_conn_drop(c, "not a message for memds");
	}
}
