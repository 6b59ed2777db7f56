#include "host.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "catalogue.h"
#include "clock.h"
#include "exit.h"
#include "item.h"
#include "log.h"
#include "mem.h"
#include "px.h"
#include "store_sqlite.h"
#include "wal_disk.h"

#define TICK_MS 10
#define CHANGED_MAX (2 * NODE_GROUPS_MAX)        /* notes; a group may be noted more than once */

struct memds_link {
	struct host *host;
	struct net_peer *peer;
};

struct host {
	struct daemon *d;
	struct node *node;
	struct node_env env;
	struct wal_disk *disk;
	struct store_sqlite *stores;
	struct net_server *server;
	struct net_peer *peer[CLUSTER_NODES_MAX];
	size_t npeers;
	struct memds_link memds[CLUSTER_ADDRS_MAX];
	size_t nmemds;
	uint64_t *changed;                       /* groups the routing map should hear of, as noted */
	size_t nchanged, changed_room;
	uint32_t incarnation;
	uint64_t overdue_us;
	struct metrics_gauge store_queued;       /* bytes given to the stores and not yet applied */
	uint64_t seed[2];
	char boot_id[CLOCK_BOOT_ID_MAX];
	uv_async_t wal_done, store_done;
	uv_prepare_t turn;
	uv_timer_t tick;
	bool stopping;
};

/* --- what the core needs ------------------------------------------------------------------------------------------ */

static void env_send(void *ctx, uint32_t replica, unsigned type, struct bytes body)
{
	struct host *h = ctx;

	for (size_t i = 0; i < h->npeers; i++) {
		struct buf *b;

		if (replica != 0 && net_peer_incarnation(h->peer[i]) != replica)
			continue;
		b = net_send(h->peer[i], type);
		if (b != NULL) {
			buf_bytes(b, body);
			net_sent(h->peer[i]);
		}
		if (replica != 0)
			return;
	}
}

static void env_answer(void *ctx, uint64_t conn, uint64_t rid, unsigned type, struct bytes body)
{
	struct host *h = ctx;
	struct buf *b = net_answer(h->d->net, conn, rid, type);

	if (b == NULL)
		return;
	buf_bytes(b, body);
	net_answered(h->d->net, conn);
}

static int by_number(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static void unique(struct host *h)
{
	size_t n = 0;

	qsort(h->changed, h->nchanged, sizeof *h->changed, by_number);
	for (size_t i = 0; i < h->nchanged; i++)
		if (n == 0 || h->changed[n - 1] != h->changed[i])
			h->changed[n++] = h->changed[i];
	h->nchanged = n;
}

static void env_changed(void *ctx, uint64_t group)
{
	struct host *h = ctx;

	if (h->nchanged > 0 && h->changed[h->nchanged - 1] == group)
		return;
	if (h->nchanged == CHANGED_MAX)
		unique(h);
	if (h->nchanged == h->changed_room) {
		h->changed_room = h->changed_room > 0 ? 2 * h->changed_room : 64;
		h->changed = mem_resize(h->changed, h->changed_room * sizeof *h->changed);
	}
	h->changed[h->nchanged++] = group;
}

/* xorshift128+: jitter and nonces, nothing secret. */
static uint64_t env_random(void *ctx)
{
	struct host *h = ctx;
	uint64_t a = h->seed[0], b = h->seed[1];

	h->seed[0] = b;
	a ^= a << 23;
	h->seed[1] = a ^ b ^ a >> 17 ^ b >> 26;
	return h->seed[1] + b;
}

static uint64_t env_wall(void *ctx)
{
	(void)ctx;
	return clock_wall_us();
}

static bool env_healthy(void *ctx)
{
	struct host *h = ctx;

	return wal_disk_healthy(h->disk, clock_us(), h->overdue_us);
}

static uint64_t wal_random(void *arg)
{
	uint64_t v;

	(void)arg;
	if (getrandom(&v, sizeof v, 0) != sizeof v)
		abort();
	return v;
}

/* --- the routing map hears of changes ----------------------------------------------------------------------------- */

static void push(struct host *h, struct net_peer *p, const uint64_t *groups, size_t n)
{
	struct buf list = { 0 }, one = { 0 };
	struct buf *b;

	for (size_t i = 0; i < n; i++) {
		buf_clear(&one);
		if (node_partition(h->node, groups[i], &one))
			buf_lenbytes(&list, buf_view(&one));
	}
	b = net_send(p, MSG_map_push);
	if (b != NULL) {
		msg_put_map_push(b, &(struct msg_map_push){ h->incarnation, buf_view(&list) }, MSG_VERSION);
		net_sent(p);
	}
	buf_fini(&list);
	buf_fini(&one);
}

static void on_memds(void *arg, bool up)
{
	struct memds_link *link = arg;
	struct host *h = link->host;
	uint64_t *all;
	size_t n;

	if (!up || h->node == NULL)
		return;
	n = node_groups(h->node);
	all = mem_new(n * sizeof *all);
	node_group_ids(h->node, all);
	push(h, link->peer, all, n);
	free(all);
}

/* --- the loop ------------------------------------------------------------------------------------------------------- */

static void on_turn(uv_prepare_t *p)
{
	struct host *h = p->data;

	node_flush(h->node, clock_us());
	if (h->nchanged == 0)
		return;
	unique(h);
	for (size_t i = 0; i < h->nmemds; i++)
		if (net_is_up(h->memds[i].peer))
			push(h, h->memds[i].peer, h->changed, h->nchanged);
	h->nchanged = 0;
}

static void on_tick(uv_timer_t *t)
{
	struct host *h = t->data;

	node_tick(h->node, clock_us());
	if (h->stopping && node_stopped(h->node))
		daemon_end(h->d, DDB_EXIT_DONE);
}

static void on_wal(uv_async_t *a)
{
	struct host *h = a->data;

	wal_disk_poll(h->disk, node_wal(h->node));
	node_written(h->node, clock_us());
}

static void on_store(uv_async_t *a)
{
	struct host *h = a->data;

	store_sqlite_poll(h->stores);
}

static void wake_wal(void *arg)
{
	uv_async_send(&((struct host *)arg)->wal_done);
}

static void wake_store(void *arg)
{
	uv_async_send(&((struct host *)arg)->store_done);
}

/*
 * An error of the disk was logged.  What is in memory must not be answered from any more: a sync that failed is not
 * repaired by another (Rebello et al., "Can Applications Recover from fsync Failures?", ATC'20).
 */
static void failed(void *arg)
{
	(void)arg;
	_exit(DDB_EXIT_IO);
}

static void on_message(void *arg, struct net_conn *c, uint64_t rid, unsigned type, struct bytes body)
{
	struct host *h = arg;

	if (type >= 0x0200 && type < 0x0300)
		node_message(h->node, type, body, clock_us());
	else
		node_request(h->node, net_conn_id(c), rid, type, body, clock_us());
}

/* --- store events, before there is a node to take them --------------------------------------------------------------- */

static void on_applied(void *arg, uint64_t group, const struct store_meta *meta)
{
	struct store_events e = node_store_events(((struct host *)arg)->node);

	e.applied(e.arg, group, meta);
}

static void on_checkpointed(void *arg, uint64_t group, uint64_t slot)
{
	struct store_events e = node_store_events(((struct host *)arg)->node);

	e.checkpointed(e.arg, group, slot);
}

static void on_installed(void *arg, uint64_t group, const struct store_meta *meta)
{
	struct store_events e = node_store_events(((struct host *)arg)->node);

	e.installed(e.arg, group, meta);
}

static void on_progress(void *arg, uint64_t queued_bytes)
{
	metrics_set(&((struct host *)arg)->store_queued, (int64_t)queued_bytes);
}

/* --- metrics ---------------------------------------------------------------------------------------------------------- */

static int64_t log_bytes(void *arg)
{
	return (int64_t)wal_bytes(node_wal(((struct host *)arg)->node));
}

static int64_t group_count(void *arg)
{
	return (int64_t)node_groups(((struct host *)arg)->node);
}

static void on_metrics(void *arg, struct buf *out)
{
	struct host *h = arg;
	struct node_metrics *m = node_metrics(h->node);
	struct wal_disk_metrics *w = wal_disk_metrics(h->disk);
	const struct metrics_row rows[] = {
		METRICS_COUNT("ddb_node_requests_total", "kind=\"get\"", "requests carried out", &m->gets),
		METRICS_COUNT("ddb_node_requests_total", "kind=\"write\"", "", &m->writes),
		METRICS_COUNT("ddb_node_requests_total", "kind=\"scan\"", "", &m->scans),
		METRICS_COUNT("ddb_node_refused_total", NULL, "requests refused", &m->refused),
		METRICS_COUNT("ddb_node_elections_total", NULL, "leaderships won", &m->elections),
		METRICS_COUNT("ddb_node_stepdowns_total", NULL, "changes of the leader followed", &m->stepdowns),
		METRICS_COUNT("ddb_node_snapshots_total", "direction=\"sent\"", "snapshots", &m->snapshots_sent),
		METRICS_COUNT("ddb_node_snapshots_total", "direction=\"got\"", "", &m->snapshots_got),
		METRICS_COUNT("ddb_node_expired_items_total", NULL, "items whose time to live was over", &m->expired),
		METRICS_COUNT("ddb_node_transactions_total", "what=\"prepared\"", "parts of transactions", &m->tx_prepared),
		METRICS_COUNT("ddb_node_transactions_total", "what=\"committed\"", "", &m->tx_committed),
		METRICS_COUNT("ddb_node_transactions_total", "what=\"cancelled\"", "", &m->tx_cancelled),
		METRICS_COUNT("ddb_node_transactions_recovered_total", NULL, "those finished for lack of a coordinator", &m->tx_recovered),
		METRICS_COUNT("ddb_node_conflicts_total", NULL, "operations refused because of a transaction", &m->tx_conflicts),
		METRICS_COUNT("ddb_node_index_changes_total", NULL, "writes that all global indexes have learned of", &m->feed_rows),
		METRICS_COUNT("ddb_node_index_gaps_total", NULL, "changes not taken by an index that lacks what came before", &m->feed_gaps),
		METRICS_HIST("ddb_node_index_lag_seconds", NULL, "from a write until all global indexes know of it", &m->feed_lag_us,
			     METRICS_US),
		METRICS_COUNT("ddb_node_bad_messages_total", NULL, "messages that could not be read", &m->bad_messages),
		METRICS_COUNT("ddb_node_log_collected_bytes_total", NULL, "log given back", &m->collected_bytes),
		METRICS_HIST("ddb_node_apply_lag_seconds", NULL, "from chosen to readable in the store", &m->apply_lag_us, METRICS_US),
		METRICS_GAUGE("ddb_store_queued_bytes", NULL, "given to the stores and not yet applied", &h->store_queued),
		METRICS_CALL("ddb_node_log_bytes", NULL, "log kept", log_bytes, h),
		METRICS_CALL("ddb_node_groups", NULL, "replication groups", group_count, h),
		METRICS_COUNT("ddb_log_syncs_total", NULL, "syncs of the log", &w->syncs),
		METRICS_COUNT("ddb_log_bytes_total", NULL, "bytes written to the log", &w->bytes),
		METRICS_HIST("ddb_log_sync_seconds", NULL, "one write and its sync", &w->sync_us, METRICS_US),
	};

	metrics_print(rows, sizeof rows / sizeof *rows, out);
}

/* --- lifecycle -------------------------------------------------------------------------------------------------------- */

static bool open_storage(struct host *h, const char *dir)
{
	char *wal = mem_fmt("%s/wal", dir), *store = mem_fmt("%s/store", dir);

	h->disk = wal_disk_open(wal, wake_wal, failed, h);
	h->stores = store_sqlite_open(&(struct store_sqlite_options){ .dir = store, .notify = wake_store, .failed = failed, .arg = h });
	free(wal);
	free(store);
	if (h->stores != NULL)
		store_sqlite_events(h->stores, &(struct store_events){ .arg = h, .applied = on_applied,
				    .checkpointed = on_checkpointed, .installed = on_installed, .progress = on_progress });
	return h->disk != NULL && h->stores != NULL;
}

/* The catalogue's group exists from the cluster's first start: its members and first leader are in the cluster file. */
static int first_group(struct host *h, const struct cluster_node *self)
{
	const struct cluster *c = &h->d->cluster;
	struct entry_member m[ENTRY_MEMBERS_MAX];
	struct buf config = { 0 };
	uint32_t n = 0;
	bool member = false;
	int rc = 0;

	for (size_t i = 0; i < c->nodes_n && n < CATALOGUE_REPLICAS; i++) {
		m[n++] = (struct entry_member){ c->nodes[i].incarnation, PX_STORAGE };
		member |= &c->nodes[i] == self;
	}
	entry_put_config(&config, 0, m, n);
	if (member)
		rc = node_bootstrap(h->node, &(struct msg_group_create){
			.group = CATALOGUE_GROUP, .table = CATALOGUE_TABLE, .schema = CATALOGUE_SCHEMA, .incarnation = self->incarnation,
			.config = buf_view(&config), .ballot = PX_BALLOT(1, m[0].replica),
		}, clock_us());
	buf_fini(&config);
	return rc;
}

/*
 * What was appended is on the disk.  "used yes" may not be durable before the first group is: after a power cut between the two the
 * node would come back as a member that has forgotten its group, and nobody would create it again.
 */
static void await_disk(struct host *h)
{
	for (node_flush(h->node, clock_us()); !wal_idle(node_wal(h->node)); node_flush(h->node, clock_us()))
		uv_run(&h->d->loop, UV_RUN_ONCE);
}

static void wire(struct host *h)
{
	uv_loop_t *loop = &h->d->loop;

	uv_async_init(loop, &h->wal_done, on_wal);
	uv_async_init(loop, &h->store_done, on_store);
	uv_prepare_init(loop, &h->turn);
	uv_timer_init(loop, &h->tick);
	h->wal_done.data = h->store_done.data = h->turn.data = h->tick.data = h;
	h->env = (struct node_env){ h, env_send, env_answer, env_changed, env_random, env_wall, env_healthy };
	h->seed[0] = wal_random(NULL);
	h->seed[1] = wal_random(NULL) | 1;
	clock_boot_id(h->boot_id);
}

static void dial(struct host *h, const struct cluster_node *self)
{
	const struct cluster *c = &h->d->cluster;

	for (size_t i = 0; i < c->nodes_n; i++) {
		char *addr;

		if (&c->nodes[i] == self)
			continue;
		addr = daemon_addr(h->d, c->nodes[i].addr);
		h->peer[h->npeers] = net_dial(h->d->net, addr, NULL, NULL);
		h->npeers += h->peer[h->npeers] != NULL;
		free(addr);
	}
	for (size_t i = 0; i < c->memds.n; i++) {
		char *addr = daemon_addr(h->d, c->memds.v[i]);
		struct memds_link *link = &h->memds[h->nmemds];

		link->host = h;
		link->peer = net_dial(h->d->net, addr, on_memds, link);
		h->nmemds += link->peer != NULL;
		free(addr);
	}
}

static int start(struct host *h, const struct cluster_node *self, struct identity *id, const struct host_options *o)
{
	struct wal_options wal = { .first_bytes = o->first_segment_bytes, .segment_bytes = o->segment_bytes, .node = id->number,
				   .incarnation = id->incarnation, .random = wal_random };
	struct node_options options = o->node;
	struct wal_io io;
	struct store store;
	bool lost = false, first = !id->used;
	char *addr;

	if (!open_storage(h, id->dir))
		return DDB_EXIT_IO;
	memcpy(wal.cluster, h->d->cluster.id, 16);
	options.boot_id = h->boot_id;
	h->overdue_us = options.lease_us / 2;
	io = wal_disk_io(h->disk);
	store = store_sqlite_store(h->stores);
	h->node = node_new(&h->env, &options, &io, &wal, &store, clock_us(), &lost);
	if (lost) {
		identity_give_up(id);
		return DDB_EXIT_IO;
	}
	if (h->node == NULL)
		return DDB_EXIT_IO;
	if (first && id->incarnation == self->incarnation && first_group(h, self) < 0)
		return DDB_EXIT_USAGE;
	if (first)
		await_disk(h);
	id->used = true;
	if (first && identity_save(id) != 0)
		return DDB_EXIT_IO;
	net_set_incarnation(h->d->net, id->incarnation);
	net_on_metrics(h->d->net, on_metrics, h);
	addr = daemon_addr(h->d, self->addr);
	h->server = net_listen(h->d->net, addr, on_message, h);
	free(addr);
	if (h->server == NULL)
		return DDB_EXIT_USAGE;
	dial(h, self);
	/* libuv runs the prepare handles started last first: the core's turn ends before the sockets' does. */
	uv_prepare_start(&h->turn, on_turn);
	uv_timer_start(&h->tick, on_tick, TICK_MS, TICK_MS);
	return 0;
}

struct host *host_new(struct daemon *d, const struct cluster_node *self, struct identity *id, const struct host_options *o, int *code)
{
	struct host *h = mem_new(sizeof *h);

	h->d = d;
	h->incarnation = id->incarnation;
	wire(h);
	*code = start(h, self, id, o);
	if (*code == 0)
		return h;
	host_free(h);
	return NULL;
}

void host_stop(void *host)
{
	struct host *h = host;

	h->stopping = true;
	node_stop(h->node, clock_us());
}

static void freed(uv_handle_t *handle)
{
	free(handle->data);
}

void host_free(struct host *h)
{
	if (h == NULL)
		return;
	if (h->server != NULL)
		net_unlisten(h->server);
	if (h->disk != NULL)
		wal_disk_close(h->disk);
	node_free(h->node);
	h->node = NULL;
	free(h->changed);
	if (h->stores != NULL)
		store_sqlite_close(h->stores);
	uv_close((uv_handle_t *)&h->wal_done, NULL);
	uv_close((uv_handle_t *)&h->store_done, NULL);
	uv_close((uv_handle_t *)&h->turn, NULL);
	uv_close((uv_handle_t *)&h->tick, freed);        /* the last of them to close */
}
