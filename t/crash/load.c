#include "load.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dice.h"
#include "expr.h"
#include "item.h"
#include "item_build.h"
#include "mem.h"
#include "msg.h"
#include "result.h"

#define NEVER SIZE_MAX
#define FLIGHT_MAX 24
#define TURNS_MAX 20000                          /* until the node must have answered */

/* A write to one key.  id 0: it deletes. */
struct write {
	uint64_t id;
	size_t submitted, acknowledged;
	bool refused, answered;
};

struct key {
	struct write *w;
	size_t n;
	uint64_t first;                          /* what it held when moments began; 0: nothing */
};

struct group_model {
	struct key key[LOAD_KEYS];
	size_t submitted, acknowledged;          /* its creation */
	bool asked;
};

struct load {
	uint64_t random, ids, rids;
	struct group_model group[LOAD_GROUPS];
	struct { uint64_t rid; int group, key; size_t write; } flight[FLIGHT_MAX];       /* rid 0: free; key -1: creation */
	int in_flight, not_yet;                  /* not_yet: refused because the node was not ready for it */
	size_t (*moment)(void *arg);
	void *moment_arg;
	struct buf absent;                       /* the program of a condition */
	struct load_counts counts;
	/* of one read */
	uint64_t read_rid;
	bool read_done;
	uint16_t read_result;
	uint64_t seen[LOAD_KEYS];
	bool more;
	struct buf last_key;
};

struct load *load_new(uint64_t seed)
{
	struct load *l = mem_new(sizeof *l);
	struct expr_subst subst = { 0 };
	struct buf err = { 0 };

	l->random = dice_seed(seed);
	assert(expr_subst_seal(&subst, &err));
	assert(expr_compile_condition(BYTES_LIT("attribute_not_exists(id)"), &subst, &l->absent, &err));
	expr_subst_fini(&subst);
	buf_fini(&err);
	for (int g = 0; g < LOAD_GROUPS; g++)
		l->group[g].acknowledged = NEVER;
	return l;
}

void load_free(struct load *l)
{
	for (int g = 0; g < LOAD_GROUPS; g++)
		for (int k = 0; k < LOAD_KEYS; k++)
			free(l->group[g].key[k].w);
	buf_fini(&l->absent);
	buf_fini(&l->last_key);
	free(l);
}

struct load_counts load_counts(const struct load *l)
{
	return l->counts;
}

static uint64_t dice(struct load *l, uint64_t n)
{
	return dice_below(&l->random, n);
}

static struct bytes key_name(int k, char out[16])
{
	snprintf(out, 16, "key-%08d", k);
	return (struct bytes){ (const uint8_t *)out, 12 };
}

/* --- answers ---------------------------------------------------------------------------------------------------------- */

static void took(struct load *l, int f, uint16_t result)
{
	struct group_model *g = &l->group[l->flight[f].group];
	size_t now = l->moment(l->moment_arg);

	l->flight[f].rid = 0;
	l->in_flight--;
	if (l->flight[f].key < 0) {
		if (result == RESULT_OK)
			g->acknowledged = now;
		return;
	}
	struct write *w = &g->key[l->flight[f].key].w[l->flight[f].write];
	w->answered = true;
	switch (result) {
	case RESULT_OK:
		w->acknowledged = now;
		l->counts.acknowledged++;
		break;
	case RESULT_UNKNOWN:
	case RESULT_INTERNAL:
		l->counts.unknown++;
		break;
	case RESULT_NOT_LEADER:
	case RESULT_NOT_READY:
	case RESULT_OVERLOADED:
		w->refused = true;
		l->not_yet++;
		break;
	default:
		w->refused = true;
		l->counts.refused++;
	}
}

static void saw_items(struct load *l, struct bytes items)
{
	struct cur c = cur_of(items);

	while (c.p < c.end) {
		struct bytes item = cur_lenbytes(&c);
		struct value id, key;
		struct num n;
		char text[NUM_PRINT_MAX];
		int k;

		assert(!c.bad && item_get(item, BYTES_LIT("id"), &id) && item_get(item, BYTES_LIT("k"), &key));
		assert(item_value_num(id, &n));
		num_print(text, &n);
		k = 0;
		for (size_t i = 4; i < key.body.n; i++)
			k = k * 10 + (key.body.p[i] - '0');
		assert(k >= 0 && k < LOAD_KEYS);
		l->seen[k] = strtoull(text, NULL, 10);
	}
}

static void answered(void *arg, uint64_t rid, unsigned type, struct bytes body)
{
	struct load *l = arg;
	struct msg_written w;
	struct msg_done d;
	struct msg_page p;

	if (type == MSG_page && rid == l->read_rid) {
		assert(msg_get_page(body, &p, MSG_VERSION));
		l->read_done = true;
		l->read_result = p.result;
		if (p.result == RESULT_OK) {
			saw_items(l, p.items);
			l->more = p.more;
			buf_clear(&l->last_key);
			buf_bytes(&l->last_key, p.last_key);
		}
		return;
	}
	for (int f = 0; f < FLIGHT_MAX; f++) {
		if (l->flight[f].rid != rid)
			continue;
		if (type == MSG_written && msg_get_written(body, &w, MSG_VERSION))
			took(l, f, w.result);
		else if (type == MSG_done && msg_get_done(body, &d, MSG_VERSION))
			took(l, f, d.result);
		else
			assert(!"an answer of another kind");
		return;
	}
}

/* --- requests --------------------------------------------------------------------------------------------------------- */

static int flight(struct load *l, int group, int key, size_t write)
{
	int f = 0;

	while (l->flight[f].rid != 0)
		f++;
	assert(f < FLIGHT_MAX);
	l->flight[f].rid = ++l->rids;
	l->flight[f].group = group;
	l->flight[f].key = key;
	l->flight[f].write = write;
	l->in_flight++;
	return f;
}

static void create(struct load *l, struct rig *h, int g)
{
	struct entry_member self = { 1, 1 };
	struct buf config = { 0 }, body = { 0 };
	int f = flight(l, g, -1, 0);

	if (!l->group[g].asked)
		l->group[g].submitted = l->moment(l->moment_arg);
	l->group[g].asked = true;
	entry_put_config(&config, 1, &self, 1);
	msg_put_group_create(&body, &(struct msg_group_create){ .epoch = 1, .group = 10 + (uint64_t)g, .table = 7, .schema = 1,
		.incarnation = 1, .config = buf_view(&config), .ballot = 1u << 24 | 1 }, MSG_VERSION);
	node_request(h->node, 1, l->flight[f].rid, MSG_group_create, buf_view(&body), h->now);
	buf_fini(&config);
	buf_fini(&body);
}

static void put_item(struct load *l, struct item_build *b, struct bytes key, uint64_t id)
{
	static const uint8_t filler[50000];
	size_t n = dice(l, 20) == 0 ? dice(l, sizeof filler) : dice(l, 2000);

	item_build_item(b);
	item_build_name(b, BYTES_LIT("filler"));
	item_build_b(b, (struct bytes){ filler, n });
	item_build_name(b, BYTES_LIT("id"));
	item_build_u64(b, id);
	item_build_name(b, BYTES_LIT("k"));
	item_build_s(b, key);
	item_build_close(b);
	assert(item_build_ok(b));
}

static void write_one(struct load *l, struct rig *h, int g, int k)
{
	struct key *key = &l->group[g].key[k];
	bool delete = dice(l, 8) == 0, conditional = dice(l, 4) == 0;
	struct item_build b;
	struct buf ops = { 0 }, body = { 0 };
	struct msg_op op = { .kind = delete ? MSG_OP_DELETE : MSG_OP_PUT };
	char name[16];
	int f;

	key->w = mem_resize(key->w, (key->n + 1) * sizeof *key->w);
	key->w[key->n] = (struct write){ .id = delete ? 0 : ++l->ids, .submitted = l->moment(l->moment_arg), .acknowledged = NEVER };
	op.key = key_name(k, name);
	item_build_init(&b);
	if (!delete) {
		put_item(l, &b, op.key, key->w[key->n].id);
		op.item = item_build_view(&b);
	}
	if (conditional)
		op.condition = buf_view(&l->absent);
	MSG_LIST_PUT(&ops, op, &op, MSG_VERSION);
	msg_put_write(&body, &(struct msg_write){ 10 + (uint64_t)g, 7, 1, buf_view(&ops) }, MSG_VERSION);
	f = flight(l, g, k, key->n);
	key->n++;
	node_request(h->node, 1, l->flight[f].rid, MSG_write, buf_view(&body), h->now);
	item_build_fini(&b);
	buf_fini(&ops);
	buf_fini(&body);
}

static void forget_flight(struct load *l)
{
	memset(l->flight, 0, sizeof l->flight);
	l->in_flight = 0;
}

/* A group whose creation is not acknowledged is asked for again, as autoadmin does. */
static void create_missing(struct load *l, struct rig *h)
{
	for (int g = 0; g < LOAD_GROUPS; g++)
		if (l->group[g].acknowledged == NEVER)
			create(l, h, g);
	for (int turn = 0; l->in_flight > 0; turn++) {
		assert(turn < TURNS_MAX);
		rig_turn(h, true);
	}
}

void load_run(struct load *l, struct rig *h, int n, size_t (*moment)(void *arg), void *arg)
{
	int turns = 0;

	l->moment = moment;
	l->moment_arg = arg;
	h->answered = answered;
	h->arg = l;
	create_missing(l, h);
	while ((n += l->not_yet, l->not_yet = 0, n > 0) && turns++ < TURNS_MAX) {
		int burst = (int)dice(l, 2) == 0 ? (int)dice(l, FLIGHT_MAX) : 1;

		for (; burst > 0 && n > 0 && l->in_flight < FLIGHT_MAX; burst--, n--)
			write_one(l, h, (int)dice(l, LOAD_GROUPS), (int)dice(l, LOAD_KEYS));
		/* Sometimes let everything settle: apply, checkpoint, collect. */
		for (uint64_t more = dice(l, 30) == 0 ? dice(l, 60) : 1; more > 0; more--)
			rig_turn(h, l->in_flight > 0);
		if (l->in_flight == FLIGHT_MAX)
			rig_turn(h, true);
	}
	assert(n == 0);
	/* Half of the time the node goes with requests in flight. */
	if (dice(l, 2) == 0)
		for (int turn = 0; l->in_flight > 0 && turn < TURNS_MAX; turn++)
			rig_turn(h, true);
	forget_flight(l);
}

/* --- reads ------------------------------------------------------------------------------------------------------------- */

/* Everything of group g into l->seen.  Returns a result. */
static uint16_t read_group(struct load *l, struct rig *h, int g)
{
	struct buf body = { 0 };

	memset(l->seen, 0, sizeof l->seen);
	buf_clear(&l->last_key);
	l->more = false;
	h->answered = answered;
	h->arg = l;
	for (int turn = 0; turn < TURNS_MAX; turn++) {
		buf_clear(&body);
		msg_put_scan(&body, &(struct msg_scan){ .group = 10 + (uint64_t)g, .table = 7, .schema = 1, .consistent = 1,
			.from = buf_view(&l->last_key), .from_exclusive = l->last_key.n > 0, .bytes_max = 1 << 20 }, MSG_VERSION);
		l->read_rid = ++l->rids;
		l->read_done = false;
		l->counts.reads++;
		node_request(h->node, 1, l->read_rid, MSG_scan, buf_view(&body), h->now);
		for (int k = 0; k < 200 && !l->read_done; k++)
			rig_turn(h, true);
		if (l->read_done && l->read_result == RESULT_OK && !l->more)
			break;
		if (l->read_done && l->read_result != RESULT_OK && l->read_result != RESULT_NOT_LEADER &&
		    l->read_result != RESULT_NOT_READY)
			break;
		rig_turn(h, false);
	}
	buf_fini(&body);
	return l->read_done ? l->read_result : (uint16_t)RESULT_UNKNOWN;
}

static bool may_hold(const struct key *k, uint64_t seen, size_t moment)
{
	size_t from = 0;
	bool certain = false;

	for (size_t i = 0; i < k->n; i++) {
		if (k->w[i].acknowledged <= moment && k->w[i].acknowledged != NEVER) {
			from = i;
			certain = true;
		}
	}
	if (!certain && seen == k->first)
		return true;
	for (size_t i = from; i < k->n; i++)
		if (!k->w[i].refused && k->w[i].submitted < moment && k->w[i].id == seen)
			return true;
	return certain && k->w[from].id == seen;
}

static void explain(const struct load *l, int g, int key, size_t moment)
{
	const struct key *k = &l->group[g].key[key];

	printf("# group %d key %d holds %" PRIu64 " at moment %zu; it began with %" PRIu64 "\n", g, key, l->seen[key], moment, k->first);
	for (size_t i = 0; i < k->n; i++)
		if (!k->w[i].refused || k->w[i].id == l->seen[key])
			printf("#   write %" PRIu64 " submitted %zu acknowledged %zd%s\n", k->w[i].id, k->w[i].submitted,
			       (ssize_t)k->w[i].acknowledged, k->w[i].refused ? " refused" : "");
}

bool load_check(struct load *l, struct rig *h, size_t moment)
{
	bool good = true;

	node_check(h->node);
	for (int g = 0; g < LOAD_GROUPS; g++) {
		const struct group_model *m = &l->group[g];
		uint16_t result = read_group(l, h, g);

		if (result == RESULT_NO_GROUP && (m->acknowledged == NEVER || m->acknowledged > moment))
			continue;
		if (result != RESULT_OK) {
			printf("# group %d (created at %zu, acknowledged %zd) cannot be read at moment %zu: result %u\n", g, m->submitted,
			       (ssize_t)m->acknowledged, moment, result);
			printf("# the log is durable up to %" PRIu64 " of %" PRIu64 ", %" PRIu64 " syncs\n", wal_durable(node_wal(h->node)),
			       wal_end(node_wal(h->node)), wal_disk_metrics(h->disk)->syncs.v);
			good = false;
			continue;
		}
		for (int k = 0; k < LOAD_KEYS; k++) {
			if (may_hold(&m->key[k], l->seen[k], moment))
				continue;
			explain(l, g, k, moment);
			good = false;
		}
	}
	node_check(h->node);
	return good;
}

bool load_adopt(struct load *l, struct rig *h)
{
	for (int g = 0; g < LOAD_GROUPS; g++) {
		struct group_model *m = &l->group[g];
		uint16_t result = read_group(l, h, g);

		if (result != RESULT_OK && result != RESULT_NO_GROUP)
			return false;
		m->acknowledged = result == RESULT_OK ? 0 : NEVER;
		m->submitted = 0;
		m->asked = result == RESULT_OK;
		for (int k = 0; k < LOAD_KEYS; k++) {
			free(m->key[k].w);
			m->key[k] = (struct key){ .first = l->seen[k] };
		}
	}
	forget_flight(l);
	return true;
}

void load_print(struct load *l, struct rig *h)
{
	for (int g = 0; g < LOAD_GROUPS; g++) {
		uint16_t result = read_group(l, h, g);

		printf("# group %d: result %u:", g, result);
		for (int k = 0; k < LOAD_KEYS; k++)
			printf(" %" PRIu64, l->seen[k]);
		printf("\n");
	}
}
