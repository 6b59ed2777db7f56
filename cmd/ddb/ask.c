#include "ask.h"

#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "clock.h"
#include "log.h"
#include "mem.h"
#include "net.h"

struct asking {
	struct ask *ask;
	struct asking_all *all;
	struct net_peer *peer;
	bool asked;
};

struct asking_all {
	uv_loop_t loop;
	struct net *net;
	uv_timer_t timer;
	size_t open;
	uint64_t end_ms;
};

static void add(struct ask *a, const char *home, char *name, const char *addr, unsigned type)
{
	a->name = name;
	a->addr = cluster_addr(home, addr);
	a->type = type;
}

/* "memds", or "memds-2" when there are several. */
static char *numbered(const char *kind, size_t i, size_t n)
{
	return n > 1 ? mem_fmt("%s-%zu", kind, i + 1) : mem_str(kind);
}

struct ask *ask_everyone(const char *home, const struct cluster *c, unsigned type, size_t *n)
{
	struct ask *asks = mem_new((c->nodes_n + c->memds.n + c->autoadmin.n + c->router.n) * sizeof *asks);
	size_t k = 0;

	for (size_t i = 0; i < c->memds.n; i++)
		add(&asks[k++], home, numbered("memds", i, c->memds.n), c->memds.v[i], type);
	for (size_t i = 0; i < c->nodes_n; i++)
		add(&asks[k++], home, mem_fmt("node-%s", c->nodes[i].name), c->nodes[i].addr, type);
	for (size_t i = 0; i < c->autoadmin.n; i++)
		add(&asks[k++], home, numbered("autoadmin", i, c->autoadmin.n), c->autoadmin.v[i], type);
	for (size_t i = 0; i < c->router.n; i++)
		add(&asks[k++], home, numbered("router", i, c->router.n), c->router.v[i], type);
	*n = k;
	return asks;
}

void ask_free(struct ask *asks, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(asks[i].name);
		free(asks[i].addr);
		buf_fini(&asks[i].body);
		buf_fini(&asks[i].answer);
	}
	free(asks);
}

static void one_less(struct asking_all *all)
{
	if (--all->open == 0)
		uv_stop(&all->loop);
}

static void on_answer(void *arg, enum net_outcome outcome, unsigned type, struct bytes body)
{
	struct asking *q = arg;

	if (outcome == NET_ANSWERED) {
		q->ask->answered = true;
		q->ask->answer_type = type;
		buf_bytes(&q->ask->answer, body);
	}
	one_less(q->all);
}

static void on_up(void *arg, bool up)
{
	struct asking *q = arg;
	struct buf *b;

	if (!up || q->asked)
		return;
	q->asked = true;
	b = net_request(q->peer, q->ask->type, q->all->end_ms, on_answer, q);
	if (b == NULL) {
		one_less(q->all);
		return;
	}
	buf_bytes(b, buf_view(&q->ask->body));
	net_requested(q->peer);
}

static void on_end(uv_timer_t *t)
{
	uv_stop(t->loop);
}

void ask_all(const struct cluster *c, struct ask *asks, size_t n, unsigned wait_ms)
{
	struct net_identity id = { .role = NET_TOOL, .name = "ddb" };
	struct asking_all all = { .open = n, .end_ms = clock_ms() + wait_ms };
	struct asking *asking = mem_new(n * sizeof *asking);

	memcpy(id.cluster, c->id, sizeof id.cluster);
	if (uv_loop_init(&all.loop) != 0)
		abort();
	log_limit(LOG_LEVEL_ERR);                        /* who does not answer is the caller's to say */
	all.net = net_new(&all.loop, &id);
	uv_timer_init(&all.loop, &all.timer);
	uv_timer_start(&all.timer, on_end, wait_ms, 0);
	for (size_t i = 0; i < n; i++) {
		asking[i] = (struct asking){ &asks[i], &all, NULL, false };
		asking[i].peer = net_dial(all.net, asks[i].addr, on_up, &asking[i]);
		if (asking[i].peer == NULL)
			all.open--;
	}
	if (all.open > 0)
		uv_run(&all.loop, UV_RUN_DEFAULT);
	net_free(all.net);
	uv_close((uv_handle_t *)&all.timer, NULL);
	uv_run(&all.loop, UV_RUN_NOWAIT);
	uv_loop_close(&all.loop);
	log_limit(LOG_LEVEL_INFO);
	free(asking);
}
