/* The routing map, to every memds: all of it when one comes up or a new epoch begins, changes as they happen. */
#include <stdlib.h>

#include "autoadmin.h"
#include "clock.h"
#include "log.h"
#include "mem.h"

#define PUSH_MS 5000

struct push_link {
	struct aa *a;
	struct net_peer *peer;
};

static void on_ack(void *arg, enum net_outcome outcome, unsigned type, struct bytes body)
{
	struct push_link *l = arg;
	struct msg_map_ack m;

	if (outcome != NET_ANSWERED || type != MSG_map_ack || !msg_get_map_ack(body, &m, MSG_VERSION))
		return;
	if (m.result == RESULT_FENCED && m.epoch > l->a->epoch)
		lease_lost(l->a);
}

static void send_table(struct push_link *l, const struct aa_table *t, bool gone)
{
	struct aa *a = l->a;
	struct buf partitions = { 0 };
	struct buf *b = net_request(l->peer, MSG_map_table, clock_ms() + PUSH_MS, on_ack, l);

	if (b == NULL)
		return;                                  /* down: it gets everything when it is back */
	state_partitions(t, &partitions);
	msg_put_map_table(b, &(struct msg_map_table){
		.epoch = a->epoch, .version = gone ? a->counters.version : t->t.version, .name = t->t.name,
		.definition = gone ? BYTES_NONE : t->t.definition, .partitions = gone ? BYTES_NONE : buf_view(&partitions),
	}, MSG_VERSION);
	net_requested(l->peer);
	buf_fini(&partitions);
}

static void send_nodes(struct push_link *l)
{
	struct aa *a = l->a;
	struct buf list = { 0 };
	struct buf *b = net_request(l->peer, MSG_map_nodes, clock_ms() + PUSH_MS, on_ack, l);

	if (b == NULL)
		return;
	for (size_t i = 0; i < a->nnodes; i++) {
		const struct aa_node *n = a->node[i];
		char *addr = daemon_addr(a->d, n->addr);

		MSG_LIST_PUT(&list, node, (&(struct msg_node){ n->incarnation, n->number, bytes_str(n->name), bytes_str(n->zone),
							       bytes_str(addr), 0 }), MSG_VERSION);
		free(addr);
	}
	msg_put_map_nodes(b, &(struct msg_map_nodes){ a->epoch, a->counters.version, buf_view(&list) }, MSG_VERSION);
	net_requested(l->peer);
	buf_fini(&list);
}

static void send_all(struct push_link *l)
{
	struct aa *a = l->a;
	struct buf *b;
	uint32_t n = 0;

	if (!a->loaded || !net_is_up(l->peer))
		return;
	send_nodes(l);
	for (const struct aa_table *t = a->tables; t != NULL; t = t->hh.next) {
		if (t->t.status == TABLE_CREATING)
			continue;                        /* its groups would take items that its indexes never hear of */
		/* After a restart the nodes' words decide who leads; a table that ever served may be routed to at once. */
		send_table(l, t, false);
		n++;
	}
	b = net_request(l->peer, MSG_map_complete, clock_ms() + PUSH_MS, on_ack, l);
	if (b == NULL)
		return;
	msg_put_map_complete(b, &(struct msg_map_complete){ a->epoch, n }, MSG_VERSION);
	net_requested(l->peer);
}

static void on_up(void *arg, bool up)
{
	if (up)
		send_all(arg);
}

void push_init(struct aa *a)
{
	const struct cluster_addrs *m = &a->d->cluster.memds;

	a->links = mem_new((m->n + 1) * sizeof *a->links);
	for (size_t i = 0; i < m->n; i++) {
		struct push_link *l = &a->links[a->nlinks];
		char *addr = daemon_addr(a->d, m->v[i]);

		l->a = a;
		l->peer = net_dial(a->d->net, addr, on_up, l);
		a->nlinks += l->peer != NULL;
		free(addr);
	}
}

void push_table(struct aa *a, struct aa_table *t, bool gone)
{
	for (size_t i = 0; i < a->nlinks; i++)
		send_table(&a->links[i], t, gone);
}

void push_nodes(struct aa *a)
{
	for (size_t i = 0; i < a->nlinks; i++)
		send_nodes(&a->links[i]);
}

void push_all(struct aa *a)
{
	for (size_t i = 0; i < a->nlinks; i++)
		send_all(&a->links[i]);
}
