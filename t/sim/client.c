/*
 * Clients, each with one operation at a time.  What was refused as certainly not done is tried again, what is unknown
 * never.
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "item_build.h"
#include "mem.h"
#include "sim.h"

#define ATTEMPTS_MAX 8u
struct programs *client_programs(void)
{
	struct programs *p = mem_new(sizeof *p);

	program_compile(&p->absent, "attribute_not_exists(pk)", false);
	program_compile(&p->exists, "attribute_exists(pk)", false);
	program_compile(&p->equal, "v = :v", false);
	program_compile(&p->append, "SET v = :v, l = list_append(if_not_exists(l, :none), :list)", true);
	program_compile(&p->add, "SET v = :v ADD n :one", true);
	program_compile(&p->add_bare, "SET v = :v REMOVE g ADD n :one", true);
	bank_programs(p);
	return p;
}

void client_programs_free(struct programs *p)
{
	program_fini(&p->absent);
	program_fini(&p->exists);
	program_fini(&p->equal);
	program_fini(&p->append);
	program_fini(&p->add);
	program_fini(&p->add_bare);
	bank_programs_fini(p);
	free(p);
}

/* --- what to ask for ---------------------------------------------------------------------------------------------- */

static void choose_keys(struct sim *s, struct op *op)
{
	op->key[0] = (uint8_t)world_below(s, SIM_REGISTERS);
	op->key[1] = (uint8_t)((op->key[0] + 1 + world_below(s, SIM_REGISTERS - 1)) % SIM_REGISTERS);
	do
		op->key[2] = (uint8_t)world_below(s, SIM_REGISTERS);
	while (op->key[2] == op->key[0] || op->key[2] == op->key[1]);
}

static void choose_test(struct sim *s, struct op *op, unsigned key)
{
	op->tested = (uint8_t)key;
	op->expect = s->group[op->group].seen[op->key[key]];
	op->test = op->expect != 0 ? TEST_EQUAL : TEST_ABSENT;
	if (world_chance(s, 200))
		op->test = TEST_EXISTS;
}

static void choose_write(struct sim *s, struct op *op)
{
	static const uint8_t kinds[] = { OP_PUT, OP_PUT, OP_PUT, OP_PUT_NEW, OP_CAS, OP_CAS, OP_CAS, OP_ADD, OP_ADD,
					 OP_APPEND, OP_APPEND, OP_APPEND, OP_DELETE, OP_DELETE_IF, OP_MULTI, OP_MULTI };
	const struct model_group *g = &s->group[op->group];
	const struct model_key *k;

	op->kind = kinds[world_below(s, sizeof kinds)];
	op->returns = world_chance(s, 300) ? MSG_RETURN_ALL_OLD : MSG_RETURN_NONE;
	switch (op->kind) {
	case OP_PUT_NEW:
		op->test = TEST_ABSENT;
		break;
	case OP_CAS:
	case OP_DELETE_IF:
		choose_test(s, op, 0);
		break;
	case OP_MULTI:
		op->returns = MSG_RETURN_NONE;
		choose_test(s, op, world_chance(s, 500) ? 2 : 0);
		break;
	case OP_APPEND:
		op->key[0] = (uint8_t)(SIM_REGISTERS + world_below(s, SIM_LISTS));
		k = &g->key[op->key[0]];
		if (k->n > 0 && k->v[k->n - 1].list_n >= SIM_LIST_MAX)
			op->kind = OP_DELETE;
		break;
	}
	op->pad = (uint32_t)world_below(s, s->k.pad_max + 1);
}

/* When what it puts expires: never, long ago, about now, in a future that does not come, or too long ago to be believed. */
static uint64_t choose_end(const struct sim *s, uint32_t id)
{
	uint64_t lot = world_lot(s, 1000 + id), now_s = SIM_WALL_S + s->now / SEC;

	switch (lot % 8) {
	case 0:
	case 1:
		return now_s - 100;
	case 2:
	case 3:
		return now_s + lot / 8 % 3;
	case 4:
		return now_s + 1000000000;
	case 5:
		return now_s - 200000000;
	}
	return 0;
}

static void choose_read(struct sim *s, struct op *op)
{
	static const uint8_t kinds[] = { OP_GET, OP_GET, OP_GET, OP_GET, OP_GET, OP_GET_EVENTUAL, OP_SCAN,
					 OP_SCAN_EVENTUAL };

	op->kind = kinds[world_below(s, sizeof kinds)];
	op->key[0] = (uint8_t)world_below(s, SIM_KEYS);
	op->reverse = world_chance(s, 300);
	op->limit = world_chance(s, 500) ? 0 : (uint8_t)(1 + world_below(s, SIM_KEYS));
}

uint32_t client_reads(const struct sim *s)
{
	return SIM_KEYS + 2 + (s->indexed ? SIM_KEYS / SIM_COLLECTION : 0);
}

/* After healing: a write to each group, then everything is read.  False: nothing is wanted of this client. */
static bool choose_proof(struct sim *s, const struct client *c, struct op *op)
{
	if (c->index >= s->nbases)
		return false;
	op->group = (uint8_t)c->index;
	if (s->phase == PHASE_HEAL) {
		op->kind = OP_PUT;
		return !s->written_since[op->group];
	}
	if (c->next >= client_reads(s))
		return false;
	op->kind = c->next < SIM_KEYS ? OP_GET : OP_SCAN;
	op->key[0] = (uint8_t)c->next;
	op->reverse = c->next == SIM_KEYS + 1;
	if (c->next >= SIM_KEYS + 2) {
		op->key[0] = (uint8_t)((c->next - SIM_KEYS - 2) * SIM_COLLECTION);
		op->local = true;
		op->fetch = !derive_projects_all(s);
	}
	return true;
}

static uint32_t new_op(struct sim *s)
{
	if (s->nops + 1 >= s->cap_ops) {
		s->cap_ops = s->cap_ops > 0 ? 2 * s->cap_ops : 1024;
		s->op = mem_resize(s->op, s->cap_ops * sizeof *s->op);
	}
	if (s->nops == 0)
		s->nops = 1;                     /* 0 is none */
	s->op[s->nops] = (struct op){ 0 };
	return (uint32_t)s->nops++;
}

/* --- asking ------------------------------------------------------------------------------------------------------- */

static struct bytes test_program(const struct sim *s, const struct op *op, struct buf *out)
{
	switch (op->test) {
	case TEST_ABSENT:
		return program_fill(&s->programs->absent, 0, out);
	case TEST_EXISTS:
		return program_fill(&s->programs->exists, 0, out);
	case TEST_EQUAL:
		return program_fill(&s->programs->equal, op->expect, out);
	}
	return BYTES_NONE;
}

/* Its place in the global index, if any: few, so that rows meet. */
void client_put_group(struct sim *s, uint64_t id)
{
	uint64_t lot = world_lot(s, 0x10000 + id) % 8;
	uint8_t text[2] = { 'g', (uint8_t)('0' + lot) };

	if (!s->indexed || lot >= 6)
		return;
	item_build_name(s->build, BYTES_LIT("g"));
	item_build_s(s->build, (struct bytes){ text, sizeof text });
}

static struct bytes item_of(struct sim *s, struct bytes key, const struct op *op, uint32_t id, bool whole)
{
	uint8_t text[SIM_ID_BYTES], *pad;

	program_spell(id, text);
	item_build_reset(s->build);
	item_build_item(s->build);
	model_put_key(s->build, key);
	if (whole) {
		item_build_name(s->build, BYTES_LIT("v"));
		item_build_s(s->build, (struct bytes){ text, sizeof text });
		item_build_name(s->build, BYTES_LIT("x"));
		pad = item_build_b_room(s->build, op->pad);
		if (op->pad > 0)
			memset(pad, (int)id, op->pad);
		if (op->ends > 0)
			item_build_name(s->build, BYTES_LIT("t")), item_build_u64(s->build, op->ends);
		client_put_group(s, id);
	}
	item_build_close(s->build);
	assert(item_build_ok(s->build));
	return item_build_view(s->build);
}

/* Now and then an item leaves the global index. */
static const struct program *update_of(const struct sim *s, const struct op *op, uint32_t id)
{
	if (op->kind == OP_APPEND)
		return &s->programs->append;
	return s->indexed && world_lot(s, 3000 + (uint64_t)id) % 4 == 0 ? &s->programs->add_bare : &s->programs->add;
}

static void put_write(struct sim *s, const struct op *op, uint32_t id, struct buf *out)
{
	static const uint8_t kind[] = { [OP_PUT] = MSG_OP_PUT, [OP_PUT_NEW] = MSG_OP_PUT, [OP_CAS] = MSG_OP_PUT,
					[OP_ADD] = MSG_OP_UPDATE, [OP_APPEND] = MSG_OP_UPDATE,
					[OP_DELETE] = MSG_OP_DELETE, [OP_DELETE_IF] = MSG_OP_DELETE,
					[OP_MULTI] = MSG_OP_PUT };
	struct buf ops = { 0 }, test = { 0 }, program = { 0 };
	struct bytes condition = test_program(s, op, &test);
	struct sim_key key[3];
	struct msg_op m = { .kind = kind[op->kind], .returns = op->returns };

	for (int i = 0; i < 3; i++)
		key[i] = model_key(&s->group[op->group], op->key[i]);
	m.key = sim_key_view(&key[0]);
	if (m.kind != MSG_OP_DELETE)
		m.item = item_of(s, m.key, op, id, m.kind == MSG_OP_PUT);
	if (m.kind == MSG_OP_UPDATE)
		m.update = program_fill(update_of(s, op, id), id, &program);
	if (op->tested == 0)
		m.condition = condition;
	MSG_LIST_PUT(&ops, op, &m, MSG_VERSION);
	if (op->kind == OP_MULTI)
		MSG_LIST_PUT(&ops, op, (&(struct msg_op){ .kind = MSG_OP_DELETE, .key = sim_key_view(&key[1]) }), MSG_VERSION);
	if (op->tested == 2)
		MSG_LIST_PUT(&ops, op, (&(struct msg_op){ .kind = MSG_OP_CHECK, .key = sim_key_view(&key[2]),
							  .condition = condition }), MSG_VERSION);
	msg_put_write(out, &(struct msg_write){ op->group + 1u, op->group + 1u, 1, buf_view(&ops) }, MSG_VERSION);
	buf_fini(&ops);
	buf_fini(&test);
	buf_fini(&program);
}

static void put_local_scan(const struct op *op, const struct sim_key *key, struct buf *out)
{
	uint8_t low[SIM_KEY_MAX], high[SIM_KEY_MAX];
	size_t n = key_partition_n(sim_key_view(key));

	memcpy(low, key->p, n);
	low[n] = KEY_LOCAL | 1;
	memcpy(high, low, n);
	high[n] = (KEY_LOCAL | 1) + 1;
	msg_put_scan(out, &(struct msg_scan){ .group = op->group + 1u, .table = op->group + 1u, .schema = 1,
					      .consistent = op->kind == OP_SCAN, .reverse = op->reverse,
					      .from = { op->reverse ? high : low, n + 1 }, .to = { op->reverse ? low : high, n + 1 },
					      .limit = op->limit, .index = 1, .fetch = op->fetch }, MSG_VERSION);
}

static unsigned encode(struct sim *s, const struct op *op, uint32_t id, struct buf *out)
{
	uint64_t group = op->group + 1u;
	struct sim_key key = model_key(&s->group[op->group], op->key[0]);
	struct bytes end = { key.p, 2 };

	if (op->kind < OP_WRITES) {
		put_write(s, op, id, out);
		return MSG_write;
	}
	if (op->kind == OP_GET || op->kind == OP_GET_EVENTUAL) {
		msg_put_get(out, &(struct msg_get){ .group = group, .table = group, .schema = 1,
						    .consistent = op->kind == OP_GET, .key = sim_key_view(&key) }, MSG_VERSION);
		return MSG_get;
	}
	if (op->local) {
		put_local_scan(op, &key, out);
		return MSG_scan;
	}
	/* Behind its last key the bank's begin. */
	key.p[1] = '9' + 1;
	msg_put_scan(out, &(struct msg_scan){ .group = group, .table = group, .schema = 1,
					      .consistent = op->kind == OP_SCAN, .reverse = op->reverse,
					      .from = op->reverse ? end : BYTES_NONE,
					      .to = op->reverse ? BYTES_NONE : end,
					      .limit = op->limit }, MSG_VERSION);
	return MSG_scan;
}

static void ask(struct sim *s, struct client *c)
{
	struct op *op = &s->op[c->op];
	struct buf b = { 0 };
	unsigned type = encode(s, op, c->op, &b);
	bool anywhere = op->kind == OP_GET_EVENTUAL || op->kind == OP_SCAN_EVENTUAL || world_chance(s, 60);

	c->waits = false;
	op->attempts++;
	c->target = anywhere ? (uint32_t)world_below(s, s->nmachines) : s->believed[op->group];
	post_request(s, c->target, c->index, (uint64_t)c->op << 8 | op->attempts, type, buf_view(&b));
	world_at(s, s->now + s->k.timeout_us,
		 (struct sim_event){ .kind = SIM_TIMEOUT, .machine = c->index, .a = c->op, .b = op->attempts });
	buf_fini(&b);
}

static uint64_t think(struct sim *s)
{
	if (s->k.burst_us == 0)
		return world_spread(s, s->k.think_us);
	return s->k.burst_us - s->now % s->k.burst_us + world_below(s, 2 * MS);
}

static void wake_in(struct sim *s, const struct client *c, uint64_t us)
{
	world_at(s, s->now + us, (struct sim_event){ .kind = SIM_CLIENT, .machine = c->index });
}

void client_wake(struct sim *s, uint32_t client)
{
	struct client *c = &s->client[client];
	bool proof = s->phase == PHASE_HEAL || s->phase == PHASE_VERIFY;
	struct op op = { .client = client, .state = OP_OPEN, .began = s->now };

	if (!s->serving) {
		wake_in(s, c, 20 * MS);
		return;
	}
	if (s->k.burst_us > 0 && client == 0 && c->op == 0 && world_chance(s, 400))
		world_at(s, s->now + world_below(s, 8 * MS), (struct sim_event){ .kind = SIM_FAULT, .a = 1 });
	if (c->op == 0) {
		op.group = (uint8_t)world_below(s, s->nbases);
		choose_keys(s, &op);
		if (proof && !choose_proof(s, c, &op)) {
			wake_in(s, c, 30 * MS);
			return;
		}
		if (!proof && world_chance(s, s->k.read_permille))
			choose_read(s, &op);
		else if (!proof)
			choose_write(s, &op);
		op.floor = s->group[op.group].floor;
		c->op = new_op(s);
		if (s->group[op.group].ttl)
			op.ends = choose_end(s, c->op);
		if (s->indexed && !proof && (op.kind == OP_SCAN || op.kind == OP_SCAN_EVENTUAL)) {
			op.local = world_lot(s, 4000 + (uint64_t)c->op) % 2 == 0;
			op.fetch = !derive_projects_all(s) || world_lot(s, 4001 + (uint64_t)c->op) % 2 == 0;
		}
		s->op[c->op] = op;
	}
	ask(s, c);
}

/* --- answers ------------------------------------------------------------------------------------------------------ */

static void finish(struct sim *s, struct client *c, enum op_state state)
{
	struct op *op = &s->op[c->op];

	op->state = (uint8_t)state;
	s->count.maybes += state == OP_MAYBE && op->kind < OP_WRITES;
	c->op = 0;
	wake_in(s, c, s->phase == PHASE_HEAL || s->phase == PHASE_VERIFY ? 2 * MS : think(s));
}

void client_timeout(struct sim *s, uint32_t client, uint32_t op, uint32_t attempt)
{
	struct client *c = &s->client[client];

	if (c->op != op || s->op[op].attempts != attempt || s->op[op].state != OP_OPEN || c->waits)
		return;
	s->believed[s->op[op].group] = (uint32_t)world_below(s, s->nmachines);
	finish(s, c, OP_MAYBE);
}

static void follow_hint(struct sim *s, const struct op *op, struct bytes partition)
{
	struct msg_partition p;
	const struct machine *m;

	s->believed[op->group] = (s->believed[op->group] + 1) % s->nmachines;
	if (partition.n > 0 && msg_get_partition(partition, &p, MSG_VERSION) && (m = machine_of(s, p.leader)) != NULL)
		s->believed[op->group] = m->index;
}

static void refused(struct sim *s, struct client *c, struct op *op, uint32_t id, bool late, enum result r,
		    struct bytes partition)
{
	if (op->slot != 0)
		world_fail(s, "operation %u is chosen in slot %llu, and then said not to be done", id, U(op->slot));
	if (late) {
		op->state = OP_NEVER;
		return;
	}
	if (r != RESULT_OVERLOADED && c->target == s->believed[op->group])
		follow_hint(s, op, partition);
	if (op->attempts >= ATTEMPTS_MAX) {
		finish(s, c, OP_NEVER);
		return;
	}
	c->waits = true;
	wake_in(s, c, r == RESULT_NOT_LEADER && s->believed[op->group] != c->target ? MS :
		10 * MS + world_below(s, 60 * MS));
}

/* Decodes what all three answers have; false if it is not the one that belongs to op. */
static bool decode(const struct op *op, unsigned type, struct bytes body, struct msg_written *w, struct msg_got *g,
		   struct msg_page *p, uint16_t *result, struct bytes *partition)
{
	if (op->kind < OP_WRITES) {
		if (type != MSG_written || !msg_get_written(body, w, MSG_VERSION))
			return false;
		*result = w->result;
		*partition = w->partition;
	} else if (op->kind == OP_GET || op->kind == OP_GET_EVENTUAL) {
		if (type != MSG_got || !msg_get_got(body, g, MSG_VERSION))
			return false;
		*result = g->result;
		*partition = g->partition;
	} else {
		if (type != MSG_page || !msg_get_page(body, p, MSG_VERSION))
			return false;
		*result = p->result;
		*partition = p->partition;
	}
	return true;
}

static void succeeded(struct sim *s, struct client *c, struct op *op, uint32_t id, const struct msg_written *w,
		      const struct msg_got *g, const struct msg_page *p)
{
	if (op->kind < OP_WRITES)
		model_written(s, op, id, w);
	else if (op->kind == OP_GET || op->kind == OP_GET_EVENTUAL)
		model_got(s, op, id, g);
	else
		model_page(s, op, id, p);
	if (c->op != id)
		return;
	if (s->phase == PHASE_HEAL && op->kind == OP_PUT && op->began >= s->phase_at)
		s->written_since[op->group] = true;
	if (s->phase == PHASE_VERIFY && op->began >= s->phase_at)
		c->next++;
}

void client_answer(struct sim *s, uint32_t client, uint64_t rid, unsigned type, struct bytes body)
{
	struct client *c = &s->client[client];
	uint32_t id = (uint32_t)(rid >> 8);
	struct op *op = &s->op[id];
	bool late = c->op != id;
	struct msg_written w;
	struct msg_got g;
	struct msg_page p;
	struct bytes partition;
	uint16_t result;

	if (!decode(op, type, body, &w, &g, &p, &result, &partition))
		world_fail(s, "operation %u: an answer of another kind", id);
	s->count.late_answers += late;
	switch (result) {
	case RESULT_OK:
		succeeded(s, c, op, id, &w, &g, &p);
		break;
	case RESULT_CONDITION_FAILED:
		model_refused(s, op, id);
		break;
	case RESULT_NOT_LEADER:
	case RESULT_NOT_READY:
	case RESULT_NO_GROUP:
	case RESULT_OVERLOADED:
		refused(s, c, op, id, late, result, partition);
		return;
	case RESULT_UNKNOWN:
		break;
	default:
		world_fail(s, "operation %u: result %u", id, result);
	}
	if (late)
		op->state = result == RESULT_OK ? OP_DONE : result == RESULT_UNKNOWN ? OP_MAYBE : OP_REFUSED;
	else
		finish(s, c, result == RESULT_OK ? OP_DONE : result == RESULT_UNKNOWN ? OP_MAYBE : OP_REFUSED);
}
