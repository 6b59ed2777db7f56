#include "ser.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lin.h"
#include "mem.h"

#define NONE UINT32_MAX
#define CYCLE_SAID_MAX 12                                /* nodes of a cycle that are spelled out */

const char *const ser_faults[SER_FAULTS] = { "writes", "flow", "skew", "time", "list" };

/* A transaction, or a moment: the end of one. */
struct node {
	const struct hist_op *op;                        /* some part of it; NULL: a moment */
	bool happened;
};

/* A part of a transaction. */
struct part {
	const struct hist_op *op;
	uint32_t node;
	bool seen;                                       /* an append that is in the longest list */
};

struct edge {
	uint32_t from, to;
	uint8_t rule;
};

struct graph {
	const struct hist *h;
	struct part *parts;
	size_t parts_n;
	struct node *nodes;
	uint32_t nodes_n, txs;
	struct edge *edges;
	size_t edges_n, edges_cap;
	uint32_t *first;                                 /* edge of each node, and where the last one's end */
};

/* The parts of one list. */
struct list {
	struct part *append, *read;                      /* appends by value */
	size_t appends, reads;
	uint32_t *order;                                 /* node of each element */
	size_t n, unseen;
};

struct end {
	int64_t ns;
	uint32_t node;
};

/* --- transactions */

static bool is_read(const struct hist_op *o)
{
	return o->kind == HIST_LIST || o->kind == HIST_LENGTH;
}

static int by_tx(const void *a, const void *b)
{
	const struct hist_op *x = ((const struct part *)a)->op, *y = ((const struct part *)b)->op;

	if (x->tx != y->tx)
		return x->tx < y->tx ? -1 : 1;
	return (x > y) - (x < y);
}

/* Appends of a list before its reads, in the order of their values. */
static int by_list(const void *a, const void *b)
{
	const struct hist_op *x = ((const struct part *)a)->op, *y = ((const struct part *)b)->op;

	if (x->key != y->key)
		return x->key < y->key ? -1 : 1;
	if (is_read(x) != is_read(y))
		return is_read(x) ? 1 : -1;
	if (!is_read(x) && x->value != y->value)
		return x->value < y->value ? -1 : 1;
	return (x > y) - (x < y);
}

static void collect(struct graph *g, struct ser *out)
{
	uint64_t last = 0;

	g->parts = mem_new((g->h->n + 1) * sizeof *g->parts);
	for (size_t i = 0; i < g->h->n; i++) {
		const struct hist_op *o = &g->h->ops[i];

		if ((o->kind == HIST_APPEND && o->outcome != HIST_NO) ||
		    (is_read(o) && (o->outcome == HIST_OK || (o->outcome == HIST_MAYBE && o->tx > 0))))
			g->parts[g->parts_n++].op = o;
	}
	qsort(g->parts, g->parts_n, sizeof *g->parts, by_tx);
	g->nodes = mem_new((2 * g->parts_n + 1) * sizeof *g->nodes);
	for (size_t i = 0; i < g->parts_n; i++) {
		const struct hist_op *o = g->parts[i].op;

		if (o->tx == 0 || o->tx != last)
			g->nodes[g->nodes_n++] = (struct node){ o, o->outcome == HIST_OK };
		else
			out->several += i < 2 || g->parts[i - 2].op->tx != o->tx;
		last = o->tx;
		g->parts[i].node = g->nodes_n - 1;
	}
	g->txs = g->nodes_n;
}

/* --- lists */

static struct part *find(const struct list *l, uint64_t value)
{
	size_t low = 0, high = l->appends;

	while (low < high) {
		size_t mid = (low + high) / 2;

		if (l->append[mid].op->value < value)
			low = mid + 1;
		else
			high = mid;
	}
	return low < l->appends && l->append[low].op->value == value ? &l->append[low] : NULL;
}

/* lin has found every element of every read to be a known append, in the same order. */
static void order(struct graph *g, struct list *l)
{
	const struct hist_op *longest = NULL;

	for (size_t i = 0; i < l->reads; i++)
		if (l->read[i].op->kind == HIST_LIST && (longest == NULL || l->read[i].op->elements_n > longest->elements_n))
			longest = l->read[i].op;
	l->n = longest != NULL ? longest->elements_n : 0;
	l->order = mem_new((l->n + 1) * sizeof *l->order);
	for (size_t i = 0; i < l->n; i++) {
		struct part *p = find(l, g->h->elements[longest->elements + i]);

		l->order[i] = p != NULL ? p->node : NONE;
		if (p != NULL)
			p->seen = g->nodes[p->node].happened = true;
	}
	for (size_t i = 0; i < l->appends; i++)
		l->unseen += !l->append[i].seen;
}

/* Those of every list; ends with one without parts. */
static struct list *lists(struct graph *g)
{
	struct list *all = mem_new((g->parts_n + 1) * sizeof *all), *l = all;

	qsort(g->parts, g->parts_n, sizeof *g->parts, by_list);
	for (size_t i = 0; i < g->parts_n; l++) {
		uint32_t key = g->parts[i].op->key;

		l->append = g->parts + i;
		for (; i < g->parts_n && g->parts[i].op->key == key && !is_read(g->parts[i].op); i++)
			l->appends++;
		l->read = g->parts + i;
		for (; i < g->parts_n && g->parts[i].op->key == key; i++)
			l->reads++;
		order(g, l);
	}
	return all;
}

/* --- what comes before what */

static void before(struct graph *g, uint32_t from, uint32_t to, enum ser_fault rule)
{
	if (from == NONE || to == NONE || from == to)
		return;
	if (g->edges_n == g->edges_cap) {
		g->edges_cap = g->edges_cap > 0 ? 2 * g->edges_cap : 1024;
		g->edges = mem_resize(g->edges, g->edges_cap * sizeof *g->edges);
	}
	g->edges[g->edges_n++] = (struct edge){ from, to, (uint8_t)rule };
}

/* What was appended to the list, and nobody saw it. */
static void before_unseen(struct graph *g, const struct list *l, uint32_t from, enum ser_fault rule)
{
	for (size_t i = 0; l->unseen > 0 && i < l->appends; i++)
		if (!l->append[i].seen && g->nodes[l->append[i].node].happened)
			before(g, from, l->append[i].node, rule);
}

static void depend(struct graph *g, const struct list *l)
{
	for (size_t i = 0; i + 1 < l->n; i++)
		before(g, l->order[i], l->order[i + 1], SER_WRITES);
	if (l->n > 0)
		before_unseen(g, l, l->order[l->n - 1], SER_WRITES);
	for (size_t i = 0; i < l->reads; i++) {
		const struct hist_op *o = l->read[i].op;
		uint32_t node = l->read[i].node;
		size_t n = o->kind == HIST_LENGTH ? o->value : o->elements_n;

		if (!g->nodes[node].happened || n > l->n)
			continue;
		if (n > 0)
			before(g, l->order[n - 1], node, SER_FLOW);
		if (n < l->n)
			before(g, node, l->order[n], SER_SKEW);
		else
			before_unseen(g, l, node, SER_SKEW);
	}
}

static int by_end(const void *a, const void *b)
{
	const struct end *x = a, *y = b;

	return (x->ns > y->ns) - (x->ns < y->ns);
}

/* Alone and not in a transaction. */
static bool is_plain_read(const struct hist_op *o)
{
	return o->tx == 0 && is_read(o);
}

/* A line of moments, one where each transaction ends; each begins behind the last moment before its beginning. */
static void in_time(struct graph *g)
{
	struct end *ended = mem_new((g->txs + 1) * sizeof *ended);
	uint32_t n = 0;

	for (uint32_t i = 0; i < g->txs; i++)
		if (g->nodes[i].op->outcome == HIST_OK)
			ended[n++] = (struct end){ g->nodes[i].op->to_ns, i };
	qsort(ended, n, sizeof *ended, by_end);
	for (uint32_t i = 0; i < n; i++) {
		g->nodes[g->nodes_n] = (struct node){ NULL, true };
		before(g, ended[i].node, g->nodes_n, SER_TIME);
		if (i > 0)
			before(g, g->nodes_n - 1, g->nodes_n, SER_TIME);
		g->nodes_n++;
	}
	for (uint32_t i = 0; i < g->txs; i++) {
		uint32_t low = 0, high = n;

		while (low < high) {
			uint32_t mid = (low + high) / 2;

			if (ended[mid].ns < g->nodes[i].op->from_ns)
				low = mid + 1;
			else
				high = mid;
		}
		if (g->nodes[i].happened && low > 0 && !is_plain_read(g->nodes[i].op))
			before(g, g->txs + low - 1, i, SER_TIME);
	}
	free(ended);
}

static int by_from(const void *a, const void *b)
{
	const struct edge *x = a, *y = b;

	if (x->from != y->from)
		return x->from < y->from ? -1 : 1;
	return (x->rule > y->rule) - (x->rule < y->rule);
}

static void index_edges(struct graph *g)
{
	size_t at = 0;

	qsort(g->edges, g->edges_n, sizeof *g->edges, by_from);
	g->first = mem_new((g->nodes_n + 1) * sizeof *g->first);
	for (uint32_t i = 0; i <= g->nodes_n; i++) {
		while (at < g->edges_n && g->edges[at].from < i)
			at++;
		g->first[i] = (uint32_t)at;
	}
}

/* --- cycles */

/* How many nodes are left when all that nothing must come before are taken away, again and again; which: left. */
static uint32_t peel(const struct graph *g, enum ser_fault rules, bool *left)
{
	uint32_t *in = mem_new((g->nodes_n + 1) * sizeof *in), *ready = mem_new((g->nodes_n + 1) * sizeof *ready);
	uint32_t n = 0, done = 0;

	for (size_t i = 0; i < g->edges_n; i++)
		in[g->edges[i].to] += g->edges[i].rule <= rules;
	for (uint32_t i = 0; i < g->nodes_n; i++) {
		left[i] = in[i] > 0;
		if (in[i] == 0)
			ready[n++] = i;
	}
	while (done < n) {
		uint32_t from = ready[done++];

		for (uint32_t e = g->first[from]; e < g->first[from + 1]; e++) {
			uint32_t to = g->edges[e].to;

			if (g->edges[e].rule <= rules && --in[to] == 0) {
				left[to] = false;
				ready[n++] = to;
			}
		}
	}
	free(in);
	free(ready);
	return g->nodes_n - n;
}

/* A shortest way from a node back to it, as edges backwards; 0: none. */
static size_t way_back(const struct graph *g, enum ser_fault rules, const bool *left, uint32_t start, uint32_t *way)
{
	uint32_t *queue = mem_new((g->nodes_n + 1) * sizeof *queue), *by = mem_new((g->nodes_n + 1) * sizeof *by);
	size_t head = 0, tail = 0, n = 0;

	memset(by, 0xff, g->nodes_n * sizeof *by);
	for (queue[tail++] = start; head < tail && by[start] == NONE;) {
		uint32_t from = queue[head++];

		for (uint32_t e = g->first[from]; e < g->first[from + 1]; e++) {
			uint32_t to = g->edges[e].to;

			if (g->edges[e].rule > rules || !left[to] || by[to] != NONE)
				continue;
			by[to] = e;
			queue[tail++] = to;
		}
	}
	if (by[start] != NONE) {
		uint32_t at = start;

		do {
			way[n++] = by[at];
			at = g->edges[by[at]].from;
		} while (at != start);
	}
	free(queue);
	free(by);
	return n;
}

static void say_part(const struct graph *g, uint32_t node, char *out, size_t n)
{
	const struct hist_op *first = g->nodes[node].op;
	size_t at;

	at = (size_t)snprintf(out, n, "[%.6f-%.6f s", (double)first->from_ns / 1e9,
	                      first->to_ns == HIST_NEVER ? -1 : (double)first->to_ns / 1e9);
	for (size_t i = 0; i < g->parts_n && at < n; i++) {
		const struct hist_op *o = g->parts[i].op;

		if (g->parts[i].node != node)
			continue;
		if (o->kind == HIST_LIST)
			at += (size_t)snprintf(out + at, n - at, " list %" PRIu32 " of %" PRIu32, o->key, o->elements_n);
		else
			at += (size_t)snprintf(out + at, n - at, " %s %" PRIu32 " %" PRIu64, hist_kinds[o->kind], o->key, o->value);
	}
	if (at < n)
		snprintf(out + at, n - at, "]");
}

static void explain(const struct graph *g, enum ser_fault rules, const bool *left, struct ser *out)
{
	uint32_t *best = mem_new((g->nodes_n + 1) * sizeof *best), *way = mem_new((g->nodes_n + 1) * sizeof *way);
	uint32_t tried = 0;
	size_t best_n = 0, at = 0;

	/* From a few of them: each costs a search of the whole. */
	for (uint32_t i = 0; i < g->txs && tried < 100; i++) {
		size_t n = left[i] ? way_back(g, rules, left, i, way) : 0;

		tried += left[i];
		if (n > 0 && (best_n == 0 || n < best_n)) {
			memcpy(best, way, n * sizeof *best);
			best_n = n;
		}
	}
	for (size_t i = best_n; i > 0 && at < sizeof out->why; i--) {
		const struct edge *e = &g->edges[best[i - 1]];
		char text[200];

		if (g->nodes[e->from].op == NULL || best_n - i > CYCLE_SAID_MAX)
			continue;
		say_part(g, e->from, text, sizeof text);
		at += (size_t)snprintf(out->why + at, sizeof out->why - at, "%s %s ", text, ser_faults[e->rule]);
	}
	free(best);
	free(way);
}

static void judge(const struct graph *g, struct ser *out)
{
	bool *left = mem_new(g->nodes_n + 1);

	for (int rules = SER_WRITES; rules <= SER_TIME && out->fault == SER_FAULTS; rules++) {
		if (peel(g, (enum ser_fault)rules, left) == 0)
			continue;
		out->fault = (enum ser_fault)rules;
		explain(g, out->fault, left, out);
	}
	free(left);
}

bool ser_check(const struct hist *h, struct ser *out)
{
	struct graph g = { .h = h };
	struct list *all;
	struct lin l;

	*out = (struct ser){ .fault = SER_FAULTS };
	if (!lin_check(h, &l)) {
		out->fault = SER_LIST;
		snprintf(out->why, sizeof out->why, "key %" PRIu32 ": %s", l.why_key, l.why);
		return false;
	}
	collect(&g, out);
	all = lists(&g);
	for (struct list *i = all; i->appends + i->reads > 0; i++)
		depend(&g, i);
	in_time(&g);
	index_edges(&g);
	for (uint32_t i = 0; i < g.txs; i++)
		out->txs += g.nodes[i].happened;
	out->edges = g.edges_n;
	judge(&g, out);
	for (struct list *i = all; i->appends + i->reads > 0; i++)
		free(i->order);
	free(all);
	free(g.parts);
	free(g.nodes);
	free(g.edges);
	free(g.first);
	return out->fault == SER_FAULTS;
}
