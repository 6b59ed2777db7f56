#include "nemesis.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "dice.h"
#include "log.h"
#include "mem.h"
#include "procs.h"

#define POLL_US 2000
#define DELAY_MS_MIN 200
#define DELAY_MS_MAX 1200
#define PAUSE_EVERY 4
#define PAUSE_MS_MIN 100
#define PAUSE_MS_MAX 2500
/*
 * Before a leader dies the others must be whole, or two faults are measured as one: a node that comes back votes after a
 * lease.
 */
#define SETTLED_NS ((int64_t)1500 * 1000000)

const char *const nemesis_kinds[NEMESIS_KINDS] = { "leader", "node", "node and again", "two nodes", "router and memds",
	"autoadmin", "supervisor", "everything", "wiped node" };
static const char *const nodes[NEMESIS_NODES] = { "node-a", "node-b", "node-c" };

struct nemesis {
	const struct nemesis_opts *o;
	struct nemesis_result *r;
	struct load *l;
	pid_t pids[NEMESIS_NODES];                       /* as last seen */
	int64_t changed_ns;
	int leader[WORK_PARTITIONS_MAX];                 /* node; -1: none known */
	uint32_t incarnation[NEMESIS_NODES];             /* as last seen */
	uint64_t chosen[WORK_PARTITIONS_MAX];            /* the highest slot that anyone knew to be chosen when last asked */
};

/* --- the plan */

void nemesis_plan(uint64_t seed, bool transactions, unsigned partitions, struct nemesis_step *steps, size_t n)
{
	static const enum nemesis_kind twenty[] = { NEMESIS_LEADER, NEMESIS_SUPERVISOR, NEMESIS_ROUTER, NEMESIS_LEADER,
		NEMESIS_NODE, NEMESIS_AUTOADMIN, NEMESIS_LEADER, NEMESIS_ALL, NEMESIS_LEADER, NEMESIS_AGAIN, NEMESIS_LEADER,
		NEMESIS_ROUTER,
		NEMESIS_LEADER, NEMESIS_NODES_TWO, NEMESIS_AUTOADMIN, NEMESIS_LEADER, NEMESIS_WIPE, NEMESIS_LEADER,
		NEMESIS_ALL, NEMESIS_SUPERVISOR };
	uint64_t s = dice_seed(seed);

	for (size_t i = 0; i < n; i++) {
		struct nemesis_step *step = &steps[i];

		*step = (struct nemesis_step){ .kind = twenty[i % 20] };
		if (transactions && step->kind == NEMESIS_AUTOADMIN)
			step->kind = NEMESIS_ROUTER;
		if (transactions && step->kind == NEMESIS_SUPERVISOR)
			step->kind = NEMESIS_LEADER;
		step->partition = (unsigned)dice_below(&s, partitions);
		step->node = (unsigned)dice_below(&s, NEMESIS_NODES);
		step->delay_ms = DELAY_MS_MIN + (unsigned)dice_below(&s, DELAY_MS_MAX - DELAY_MS_MIN);
		if (dice_below(&s, PAUSE_EVERY) == 0)
			step->pause_ms = PAUSE_MS_MIN + (unsigned)dice_below(&s, PAUSE_MS_MAX - PAUSE_MS_MIN);
	}
	for (size_t i = n; i > 1; i--) {
		size_t j = dice_below(&s, i);
		enum nemesis_kind k = steps[j].kind;

		steps[j].kind = steps[i - 1].kind;
		steps[i - 1].kind = k;
	}
}

/* --- looking */

static void pause_us(int64_t us)
{
	nanosleep(&(struct timespec){ us / 1000000, us % 1000000 * 1000 }, NULL);
}

static bool is_late(const struct nemesis *m, int64_t since_ns)
{
	return load_now_ns() - since_ns > (int64_t)m->o->patience_ms * 1000000;
}

/* A line of say's: what a node says of one of its groups.  Which partition it is, or -1. */
static int read_state(struct nemesis *m, int node, const char *line, uint64_t *committed)
{
	const char *at = strstr(line, " committed=");
	uint64_t group;

	if (sscanf(line, "group_state{group=%" SCNu64, &group) != 1 || at == NULL ||
	    sscanf(at, " committed=%" SCNu64, committed) != 1)
		return -1;
	for (unsigned p = 0; p < m->o->partitions; p++) {
		if (strtoull(m->o->groups[p], NULL, 10) != group)
			continue;
		if (strstr(line, " leading=2 ") != NULL)
			m->leader[p] = node;
		return (int)p;
	}
	return -1;
}

/*
 * Which groups a node leads and may serve: asked of the node, because what autoadmin says of it may be old.  True if it
 * has all of them, and knows what was chosen when they were asked before.
 */
static bool ask(struct nemesis *m, int node, uint64_t *chosen)
{
	char *command = mem_fmt("%s %s tool unix:run/%s.sock 'node_status{}' 2>/dev/null", m->o->say, m->o->home, nodes[node]);
	FILE *f = popen(command, "r");
	char *line = NULL;
	size_t cap = 0;
	unsigned has = 0;

	while (f != NULL && getline(&line, &cap, f) > 0) {
		uint64_t committed = 0;
		int p = read_state(m, node, line, &committed);

		sscanf(line, "node_state{result=0 incarnation=%" SCNu32, &m->incarnation[node]);
		if (p < 0)
			continue;
		has += committed >= m->chosen[p];
		chosen[p] = committed > chosen[p] ? committed : chosen[p];
	}
	if (f != NULL)
		pclose(f);
	free(line);
	free(command);
	return has == m->o->partitions;
}

static bool look(struct nemesis *m)
{
	struct procs p = procs_of(m->o->home);
	uint64_t chosen[WORK_PARTITIONS_MAX] = { 0 };
	bool ok = true;

	for (unsigned i = 0; i < m->o->partitions; i++)
		m->leader[i] = -1;
	for (int i = 0; i < NEMESIS_NODES; i++) {
		const struct proc *node = procs_find(&p, nodes[i]);
		pid_t pid = node != NULL ? node->pid : 0;

		if (pid != m->pids[i])
			m->changed_ns = load_now_ns();
		m->pids[i] = pid;
		ok = pid > 0 && ask(m, i, chosen) && ok;
	}
	memcpy(m->chosen, chosen, sizeof chosen);
	for (unsigned i = 0; i < m->o->partitions; i++)
		ok = ok && m->leader[i] >= 0;
	return ok && load_now_ns() - m->changed_ns > SETTLED_NS;
}

/* Wait until everyone runs, has all groups and follows, and every partition has a leader. */
static bool settle(struct nemesis *m)
{
	int64_t since = load_now_ns();

	while (!look(m)) {
		if (is_late(m, since)) {
			log_err("not everyone is whole, with a leader of every partition, after %" PRIu64 " ms", m->o->patience_ms);
			return false;
		}
		pause_us(20 * POLL_US);
	}
	return true;
}

static void hand_over(struct nemesis *m, unsigned partition, int to)
{
	char *command = mem_fmt("epoch=$(%s/ddb status --home %s --json | jq .cluster.epoch) && %s %s tool unix:run/%s.sock "
	                        "\"group_lead{epoch=$epoch group=%s target=%" PRIu32 "}\" >/dev/null 2>&1", m->o->bin, m->o->home, m->o->say,
	                        m->o->home, nodes[m->leader[partition]], m->o->groups[partition], m->incarnation[to]);

	if (system(command) != 0)
		log_warn("partition %u is not handed over", partition);
	free(command);
}

/*
 * Whoever was there when another one died leads everything in the end.  Then a table's group and that of its index always die
 * together, and nothing is ever on its way to the one that is left: so groups of indexes go elsewhere first.
 */
static bool spread(struct nemesis *m)
{
	int64_t since = load_now_ns();
	bool together = m->o->loaded < m->o->partitions;

	while (together) {
		together = false;
		for (unsigned p = m->o->loaded; p < m->o->partitions; p++) {
			if (m->leader[p] != m->leader[p - m->o->loaded])
				continue;
			hand_over(m, p, (m->leader[p] + 1) % NEMESIS_NODES);
			together = true;
		}
		if (is_late(m, since)) {
			log_err("groups of indexes are not handed over");
			return false;
		}
		if (!settle(m))
			return false;
	}
	return true;
}

static bool find(struct nemesis *m, const char *name, struct proc *out)
{
	int64_t since = load_now_ns();

	for (;;) {
		struct procs all = procs_of(m->o->home);
		const struct proc *p = procs_find(&all, name);

		if (p != NULL) {
			*out = *p;
			return true;
		}
		if (is_late(m, since)) {
			log_err("%s does not run", name);
			return false;
		}
		pause_us(POLL_US);
	}
}

static bool kill_one(struct nemesis *m, const struct proc *p)
{
	int fd = procs_kill(m->o->home, p);

	log_info("kill -9 %d (%s)", (int)p->pid, p->name);
	m->r->all += fd >= 0;
	return procs_gone(fd);
}

static bool kill_name(struct nemesis *m, const char *name)
{
	struct proc p;

	return find(m, name, &p) && kill_one(m, &p);
}

/* --- steps */

/* Until a write that began after since works in each of the partitions (any: in one of them). */
static bool await(struct nemesis *m, const bool *partitions, bool any, int64_t since, struct nemesis_times *times)
{
	for (;;) {
		struct load_view v = load_view(m->l);
		int64_t last = 0, first = INT64_MAX;
		bool missing = false;

		for (unsigned p = 0; p < m->o->loaded; p++) {
			if (!partitions[p])
				continue;
			missing |= v.worked_ns[p] == 0;
			last = v.worked_ns[p] > last ? v.worked_ns[p] : last;
			first = v.worked_ns[p] > 0 && v.worked_ns[p] < first ? v.worked_ns[p] : first;
		}
		if (any ? first < INT64_MAX : !missing) {
			times->v[times->n++] = (any ? first : last) - since;
			log_info("works again after %.3f s", (double)((any ? first : last) - since) / 1e9);
			return true;
		}
		if (is_late(m, since)) {
			log_err("no write works after %" PRIu64 " ms", m->o->patience_ms);
			return false;
		}
		pause_us(POLL_US);
	}
}

/*
 * Which partitions a node leads.  Of one that leads none that the load writes to, all that is written concerns its indexes, and
 * has to go on.
 */
static void note_led(struct nemesis *m, int node, bool *led)
{
	bool base = false, index = false;

	for (unsigned i = 0; i < m->o->partitions; i++) {
		led[i] = m->leader[i] == node;
		base |= led[i] && i < m->o->loaded;
		index |= led[i] && i >= m->o->loaded;
		if (led[i])
			log_info("it leads partition %u", i);
	}
	for (unsigned i = 0; !base && i < m->o->loaded; i++)
		led[i] = true;
	m->r->base_leaders += base;
	m->r->index_leaders += index;
}

static bool kill_leader(struct nemesis *m, const struct nemesis_step *s)
{
	bool led[WORK_PARTITIONS_MAX] = { false };
	int64_t since = load_now_ns();
	struct proc p;
	unsigned writing;
	bool ok;

	if (!settle(m) || !spread(m) || !find(m, nodes[m->leader[s->partition]], &p))
		return false;
	note_led(m, m->leader[s->partition], led);
	for (;;) {
		writing = 0;
		load_hold(m->l);
		for (unsigned i = 0; i < m->o->loaded; i++)
			writing += led[i] ? load_held(m->l)->writing[i] : 0;
		if (writing > 0)
			break;
		load_release(m->l);
		if (is_late(m, since)) {
			log_err("nobody writes");
			return false;
		}
		pause_us(POLL_US / 10);
	}
	ok = kill_one(m, &p);
	load_release(m->l);
	since = load_watch(m->l);
	m->r->in_flight += writing;
	log_info("%u writes were under way", writing);
	return ok && await(m, led, false, since, &m->r->leader);
}

static bool kill_again(struct nemesis *m, const char *name, unsigned delay_ms)
{
	struct proc first, second;

	if (!find(m, name, &first) || !kill_one(m, &first))
		return false;
	do {
		if (!find(m, name, &second))
			return false;
	} while (second.pid == first.pid);
	pause_us((int64_t)delay_ms * 1000);
	return kill_name(m, name);
}

static bool kill_two(struct nemesis *m, const char *a, const char *b)
{
	struct proc p, q;
	int fd;

	if (!find(m, a, &p) || !find(m, b, &q))
		return false;
	fd = procs_kill(m->o->home, &p);
	m->r->all += fd >= 0;
	log_info("kill -9 %d (%s)", (int)p.pid, p.name);
	return kill_one(m, &q) && procs_gone(fd);
}

/* Alone, so that the time is its own. */
static bool kill_router(struct nemesis *m)
{
	int64_t since = load_now_ns();
	struct load_view v;
	struct proc p, q;
	bool ok;

	if (!settle(m) || !find(m, "router", &p) || !find(m, "memds", &q))
		return false;
	load_hold(m->l);
	m->r->orphans += load_orphan(m->l);
	ok = kill_one(m, &p);
	load_release(m->l);
	since = load_now_ns();
	ok = ok && kill_one(m, &q);
	for (v = load_view(m->l); ok && v.orphans > 0; v = load_view(m->l)) {
		if (is_late(m, since)) {
			log_err("%u lists of a dead coordinator are not written to after %" PRIu64 " ms", v.orphans, m->o->patience_ms);
			ok = false;
		}
		pause_us(POLL_US);
	}
	if (v.adopted_ns > since) {
		m->r->adopted.v[m->r->adopted.n++] = v.adopted_ns - since;
		log_info("its lists are written to after %.3f s", (double)(v.adopted_ns - since) / 1e9);
	}
	return ok;
}

static bool start_again(struct nemesis *m)
{
	static const bool every[WORK_PARTITIONS_MAX] = { true, true, true, true, true, true, true, true };
	char *command = mem_fmt("%s/ddb up -d --home %s --port %d >>%s/log/up.out 2>&1", m->o->bin, m->o->home, m->o->port,
	                        m->o->home);
	int64_t since = load_watch(m->l);
	int code = system(command);

	free(command);
	if (code != 0) {
		log_err("ddb up exits with %d", code);
		return false;
	}
	m->r->up.v[m->r->up.n++] = load_now_ns() - since;
	return await(m, every, true, since, &m->r->whole);
}

static bool kill_cluster(struct nemesis *m, bool everyone)
{
	struct procs all = procs_of(m->o->home);
	int fd[PROCS_MAX];
	bool ok = all.n > 0;

	for (size_t i = 0; i < all.n; i++) {
		fd[i] = i == 0 || everyone ? procs_kill(m->o->home, &all.v[i]) : procs_watch(&all.v[i]);
		m->r->all += fd[i] >= 0;
	}
	log_info("kill -9 of %s", everyone ? "everything" : "the supervisor");
	for (size_t i = 0; i < all.n; i++) {
		if (!procs_gone(fd[i])) {
			log_err("%s (pid %d) does not die", all.v[i].name, (int)all.v[i].pid);
			ok = false;
		}
	}
	return ok && start_again(m);
}

/* Only one disk may be missing at a time: whoever was wiped before must have caught up. */
static bool wipe(struct nemesis *m, const char *name)
{
	char *command = mem_fmt("rm -rf '%s/%s'", m->o->home, name);
	bool ok = settle(m);

	log_info("%s is wiped", name);
	/* The process may notice, and end by itself; it is killed in any case. */
	ok = ok && system(command) == 0 && kill_name(m, name);
	free(command);
	return ok;
}

/* The leader as it is known now: it may be none. */
static bool stand_still(struct nemesis *m, const struct nemesis_step *s)
{
	struct proc p;

	look(m);
	if (!find(m, nodes[m->leader[s->partition] >= 0 ? (unsigned)m->leader[s->partition] : s->node], &p))
		return false;
	log_info("%s stands still for %u ms", p.name, s->pause_ms);
	m->r->pauses += procs_pause(m->o->home, &p, s->pause_ms);
	return true;
}

static bool step(struct nemesis *m, const struct nemesis_step *s)
{
	pause_us((int64_t)s->delay_ms * 1000);
	if (s->pause_ms > 0 && !stand_still(m, s))
		return false;
	switch (s->kind) {
	case NEMESIS_LEADER:
		return kill_leader(m, s);
	case NEMESIS_NODE:
		return kill_name(m, nodes[s->node]);
	case NEMESIS_AGAIN:
		return kill_again(m, nodes[s->node], s->delay_ms / 4);
	case NEMESIS_NODES_TWO:
		return kill_two(m, nodes[s->node], nodes[(s->node + 1) % NEMESIS_NODES]);
	case NEMESIS_ROUTER:
		return m->o->transactions ? kill_router(m) : kill_two(m, "router", "memds");
	case NEMESIS_AUTOADMIN:
		return kill_name(m, "autoadmin");
	case NEMESIS_WIPE:
		return wipe(m, nodes[s->node]);
	default:
		return kill_cluster(m, s->kind == NEMESIS_ALL);
	}
}

bool nemesis_run(const struct nemesis_opts *o, const struct nemesis_step *steps, size_t n, struct load *l,
                 struct nemesis_result *r)
{
	struct nemesis m = { .o = o, .r = r, .l = l };

	for (size_t i = 0; i < n; i++) {
		log_info("step %zu of %zu: %s", i + 1, n, nemesis_kinds[steps[i].kind]);
		if (!step(&m, &steps[i]))
			return false;
		r->kills[steps[i].kind]++;
	}
	return settle(&m);
}
