/*
 * Tellers move money between accounts of all groups, by transactions that they coordinate themselves: each may die, or fall asleep,
 * before or after any message.  They also write marks outside of transactions, and read all accounts at one moment.
 */
#include <stdlib.h>
#include <string.h>

#include "item.h"
#include "ledger.h"
#include "mem.h"
#include "sim.h"

#define POKE_US (25 * MS)
#define POKES_MAX 60u                    /* then a teller gives up, whatever it waits for */
#define ROUNDS_MAX 4u                    /* a transaction with later timestamps, a read begun anew */

enum stage { BEGIN, PREPARE, DECIDE, ASK, FINISH, READ_ONCE, READ_AGAIN, WRITE, SCAN };

static void wake_in(struct sim *s, uint32_t teller, uint64_t us)
{
	const struct teller *t = &s->bank.teller[teller];

	world_at(s, s->now + us, (struct sim_event){ .kind = SIM_BANK, .machine = teller, .a = t->tx, .b = t->serial });

}

void bank_init(struct sim *s)
{
	struct bank *b = &s->bank;

	b->ntellers = s->k.tellers;
	b->cap_txs = 64;
	b->tx = mem_new(b->cap_txs * sizeof *b->tx);
	b->ntxs = 1;                             /* 0 is none */
	for (uint32_t i = 0; i < b->ntellers; i++)
		wake_in(s, i, 50 * MS + world_spread(s, s->k.think_us));
}

void bank_fini(struct sim *s)
{
	for (unsigned g = 0; g < SIM_GROUPS_MAX; g++)
		for (unsigned k = 0; k < BANK_KEYS; k++)
			free(s->bank.key[g][k].v);
	free(s->bank.tx);
}

/* --- what to ask for ---------------------------------------------------------------------------------------------- */

static bool taken(const struct bank_tx *x, const struct bank_op *op)
{
	for (unsigned i = 0; i < x->nops; i++)
		if (x->op[i].group == op->group && x->op[i].key == op->key)
			return true;
	return false;
}

static struct bank_op *add_op(struct sim *s, struct bank_tx *x, uint8_t kind, bool account)
{
	struct bank_op op = { .kind = kind };

	do {
		op.group = (uint8_t)world_below(s, s->nbases);
		op.key = (uint8_t)(account ? world_below(s, BANK_ACCOUNTS) :
				   BANK_ACCOUNTS + world_below(s, BANK_KEYS - BANK_ACCOUNTS));
	} while (taken(x, &op));
	x->op[x->nops] = op;
	return &x->op[x->nops++];
}

/* Mostly what is so now, as far as anybody can know. */
static void add_test(struct sim *s, struct bank_op *op)
{
	const struct bank_state *is = books_newest(s, op->group, op->key);

	op->test = is->there ? world_chance(s, 600) ? BANK_EQUAL : BANK_EXISTS : BANK_ABSENT;
	op->expect = is->v;
	if (op->test == BANK_EQUAL && is->v == 0)
		op->test = BANK_EXISTS;
	if (world_chance(s, 60))
		op->test = op->test == BANK_ABSENT ? BANK_EXISTS : BANK_ABSENT;
}

static void move_money(struct sim *s, struct bank_tx *x, int amount)
{
	struct bank_op *op = add_op(s, x, BANK_ADD, true);
	const struct bank_state *is = books_newest(s, op->group, op->key);

	op->amount = (int8_t)amount;
	if (world_chance(s, 300))
		add_test(s, op);
	if (!world_chance(s, 300) || (is->there && is->v == 0))
		return;
	/* Put as a whole: only if it is what it was, for its balance must be known. */
	op->kind = BANK_PUT;
	op->put = is->b + amount;
	op->test = is->there ? BANK_EQUAL : BANK_ABSENT;
	op->expect = is->v;
}

static void choose_transfer(struct sim *s, struct bank_tx *x)
{
	int a = 1 + (int)world_below(s, 2), b = world_chance(s, 500) ? 0 : world_chance(s, 500) ? 1 : -a;
	struct bank_op *op;

	x->ledger = (uint8_t)world_below(s, s->nbases);
	move_money(s, x, a);
	if (b != 0)
		move_money(s, x, b);
	if (a + b != 0)
		move_money(s, x, -a - b);
	if (world_chance(s, 250))
		add_test(s, add_op(s, x, BANK_CHECK, world_chance(s, 500)));
	if (x->nops < BANK_OPS_MAX && world_chance(s, 300))
		add_op(s, x, world_chance(s, 500) ? BANK_PUT : BANK_DELETE, false);
	if (x->nops < BANK_OPS_MAX && world_chance(s, 200)) {
		op = add_op(s, x, BANK_DELETE, true);
		op->test = BANK_ZERO;
	}
}

static void choose_plain(struct sim *s, struct bank_tx *x)
{
	bool account = world_chance(s, 500);

	x->plain = true;
	add_op(s, x, !account && world_chance(s, 700) ? BANK_PUT : BANK_ADD, account);  /* ADD: a mark on what is there */
}

static uint32_t new_tx(struct sim *s)
{
	struct bank *b = &s->bank;

	if (b->ntxs == b->cap_txs) {
		b->cap_txs *= 2;
		b->tx = mem_resize(b->tx, b->cap_txs * sizeof *b->tx);
	}
	b->tx[b->ntxs] = (struct bank_tx){ 0 };
	for (unsigned g = 0; g < s->nbases; g++)
		b->tx[b->ntxs].floor[g] = s->group[g].floor;
	return (uint32_t)b->ntxs++;
}

/* --- the course of a transaction ---------------------------------------------------------------------------------- */

static unsigned encode(struct sim *s, const struct teller *t, unsigned group, struct buf *out)
{
	switch ((enum stage)t->stage) {
	case BEGIN:
		return bank_put_begin(s, t->tx, out);
	case PREPARE:
		return bank_put_prepare(s, t->tx, group, out);
	case DECIDE:
		return bank_put_decide(s, t->tx, t->commit, out);
	case ASK:
		return bank_put_ask(s, t->tx, out);
	case FINISH:
		return bank_put_finish(s, t->tx, group, t->commit, out);
	case WRITE:
		return bank_put_plain(s, t->tx, out);
	case SCAN:
		return bank_put_scan(group, t->commit, out);
	default:
		return bank_put_read(group, out);
	}
}

static bool proof(const struct sim *s)
{
	return s->phase == PHASE_HEAL || s->phase == PHASE_VERIFY;
}

/* Over, or dead: the next one begins. */
static void leave(struct sim *s, uint32_t teller)
{
	struct teller *t = &s->bank.teller[teller];

	t->tx = 0;
	t->serial++;
	wake_in(s, teller, world_spread(s, 2 * s->k.think_us));
}

static bool dies(struct sim *s, uint32_t teller)
{
	const struct teller *t = &s->bank.teller[teller];

	if (proof(s) || t->stage >= READ_ONCE || !world_chance(s, s->k.die_permille))
		return false;
	world_say(s, "teller %u: dies in transaction %u", teller, t->tx);
	s->count.tx_deaths++;
	leave(s, teller);
	return true;
}

static void send(struct sim *s, uint32_t teller, unsigned group)
{
	struct teller *t = &s->bank.teller[teller];
	struct bank_part *p = &t->part[group];
	uint32_t machine = world_chance(s, 60) ? (uint32_t)world_below(s, s->nmachines) : s->believed[group];
	struct buf b = { 0 };
	unsigned type = encode(s, t, group, &b);

	p->again = false;
	p->attempts++;
	p->sent = s->now;
	post_request(s, machine, BANK_CONN + teller, (uint64_t)t->tx << 24 | (uint64_t)t->serial << 16 | group << 8 | machine,
		     type, buf_view(&b));
	/* The same once more, when all may be over. */
	if ((t->stage == PREPARE || t->stage == FINISH) && world_chance(s, 30))
		world_at(s, s->now + world_below(s, 2 * s->options.lock_us + SEC),
			 (struct sim_event){ .kind = SIM_ECHO, .machine = group, .a = t->tx, .b = t->stage == FINISH });
	buf_fini(&b);
}

void bank_echo(struct sim *s, uint32_t tx, uint8_t group, bool finish)
{
	const struct bank_tx *x = &s->bank.tx[tx];
	struct buf b = { 0 };
	unsigned type;

	if (proof(s))
		return;                          /* it would be locked for longer than anybody wants to wait */
	type = finish ? bank_put_finish(s, tx, group, x->state == 'C', &b) : bank_put_prepare(s, tx, group, &b);
	post_request(s, s->believed[group], BANK_CONN, 0, type, buf_view(&b));
	s->count.tx_late += !finish;
	buf_fini(&b);
}

static void enter(struct sim *s, uint32_t teller, enum stage stage)
{
	struct teller *t = &s->bank.teller[teller];
	const struct bank_tx *x = &s->bank.tx[t->tx];

	t->stage = (uint8_t)stage;
	t->serial++;
	t->pokes = 0;
	t->failed = false;
	t->time = 0;
	memset(t->part, 0, sizeof t->part);
	if (stage == BEGIN || stage == DECIDE || stage == ASK)
		t->part[x->ledger].wanted = true;
	for (unsigned i = 0; i < x->nops && (stage == PREPARE || stage == FINISH || stage == WRITE); i++)
		t->part[x->op[i].group].wanted = true;
	for (unsigned g = 0; g < s->nbases && stage >= READ_ONCE && stage != WRITE; g++)
		t->part[g].wanted = stage != SCAN || g == s->bank.tx[t->tx].ledger;
	for (unsigned g = 0; g < s->nbases; g++) {
		if (!t->part[g].wanted)
			continue;
		if (dies(s, teller))
			return;
		send(s, teller, g);
	}
	wake_in(s, teller, POKE_US);
}

static void begin(struct sim *s, uint32_t teller)
{
	struct teller *t = &s->bank.teller[teller];
	struct bank_tx *x;
	unsigned what = (unsigned)world_below(s, 100);

	if (proof(s) && (s->phase == PHASE_HEAL || teller > 0 || s->bank.read)) {
		wake_in(s, teller, 30 * MS);
		return;
	}
	t->tx = new_tx(s);
	t->rounds = 0;
	x = &s->bank.tx[t->tx];
	if (proof(s) || what < 20) {
		enter(s, teller, READ_ONCE);
	} else if (what < 27) {
		x->ledger = (uint8_t)world_below(s, s->nbases);
		t->commit = world_chance(s, 500);        /* backwards */
		enter(s, teller, SCAN);
	} else if (what < 50) {
		choose_plain(s, x);
		enter(s, teller, WRITE);
	} else {
		choose_transfer(s, x);
		x->timestamp = 1700000000ull * SEC + s->now + world_below(s, 2 * SEC) - SEC;
		s->count.tx_begun++;
		enter(s, teller, BEGIN);
	}
}

/* Falls asleep now and then where it matters most, so that others decide meanwhile. */
static void decide(struct sim *s, uint32_t teller, bool commit)
{
	struct teller *t = &s->bank.teller[teller];

	t->commit = commit;
	if (proof(s) || !world_chance(s, 60)) {
		enter(s, teller, DECIDE);
		return;
	}
	t->stage = DECIDE;
	t->serial++;
	t->pokes = 0;
	t->failed = false;
	memset(t->part, 0, sizeof t->part);
	t->part[s->bank.tx[t->tx].ledger] = (struct bank_part){ .wanted = true, .again = true };
	wake_in(s, teller, world_below(s, 3 * s->options.lock_us));
}

static void read_over(struct sim *s, uint32_t teller)
{
	struct teller *t = &s->bank.teller[teller];
	bool same = true;

	for (unsigned g = 0; g < s->nbases; g++)
		for (unsigned k = 0; k < BANK_KEYS; k++) {
			const struct bank_seen *a = &t->seen[0][g][k], *b = &t->seen[1][g][k];

			same = same && !a->locked && !b->locked && a->slot == b->slot && a->is.there == b->is.there;
		}
	if (same) {
		books_totals(s, t->tx, t->seen[1]);
		s->bank.read |= s->phase == PHASE_VERIFY;
		leave(s, teller);
	} else if (++t->rounds < ROUNDS_MAX) {
		enter(s, teller, READ_ONCE);
	} else {
		leave(s, teller);
	}
}

/* All parts of a stage have answered. */
static void advance(struct sim *s, uint32_t teller)
{
	struct teller *t = &s->bank.teller[teller];

	switch ((enum stage)t->stage) {
	case BEGIN:
		enter(s, teller, PREPARE);
		break;
	case PREPARE:
		if (t->failed && t->time > 0 && ++t->rounds < ROUNDS_MAX) {
			s->bank.tx[t->tx].timestamp = t->time + 1;
			enter(s, teller, PREPARE);
		} else {
			decide(s, teller, !t->failed);
		}
		break;
	case DECIDE:
		enter(s, teller, t->failed ? ASK : FINISH);
		break;
	case ASK:
		if (t->told == 'P') {
			decide(s, teller, false);
			break;
		}
		t->commit = t->told == 'C';
		enter(s, teller, FINISH);
		break;
	case READ_ONCE:
		enter(s, teller, READ_AGAIN);
		break;
	case READ_AGAIN:
		read_over(s, teller);
		break;
	default:
		leave(s, teller);
	}
}

/* No answer, or one that does not say: what may be repeated is, and the ledger is asked what it says. */
static void unknown(struct sim *s, uint32_t teller, unsigned group)
{
	struct teller *t = &s->bank.teller[teller];

	switch ((enum stage)t->stage) {
	case BEGIN:
	case WRITE:
		leave(s, teller);
		break;
	case DECIDE:
		enter(s, teller, ASK);
		break;
	default:
		t->part[group].again = true;
	}
}

void bank_wake(struct sim *s, uint32_t teller, uint32_t tx, uint8_t serial)
{
	struct teller *t = &s->bank.teller[teller];

	if (t->tx != tx || t->serial != serial)
		return;
	if (t->tx == 0 && !s->serving) {
		wake_in(s, teller, 20 * MS);
		return;
	}
	if (t->tx == 0) {
		begin(s, teller);
		return;
	}
	if (++t->pokes > POKES_MAX) {
		leave(s, teller);
		return;
	}
	for (unsigned g = 0; g < s->nbases; g++) {
		struct bank_part *p = &t->part[g];

		if (!p->wanted || p->done)
			continue;
		if (!p->again && s->now > p->sent + s->k.timeout_us / 2) {
			s->believed[g] = (uint32_t)world_below(s, s->nmachines);
			unknown(s, teller, g);
			if (t->tx != tx || t->serial != serial)
				return;
		}
		if (p->again && dies(s, teller))
			return;
		if (p->again)
			send(s, teller, g);
	}
	wake_in(s, teller, POKE_US);
}

/* --- answers ------------------------------------------------------------------------------------------------------ */

static void known(struct sim *s, unsigned group, uint64_t slot)
{
	if (slot > s->group[group].floor)
		s->group[group].floor = slot;
}

static void prepared(struct sim *s, struct teller *t, unsigned group, const struct msg_tx_prepared *m)
{
	const struct bank_tx *x = &s->bank.tx[t->tx];
	struct bytes rest = m->results, part;
	unsigned i = 0;

	for (; msg_list_next(&rest, &part); i++) {
		struct msg_tx_result r;

		while (i < x->nops && x->op[i].group != group)
			i++;
		if (i >= x->nops || !msg_get_tx_result(part, &r, MSG_VERSION))
			world_fail(s, "transaction %u: results that do not belong to it", t->tx);
		if (r.result == RESULT_CONDITION_FAILED && !books_failed(s, &x->op[i], x->floor[group]))
			world_fail(s, "transaction %u: the condition on key %u of group %u is said not to hold, and holds", t->tx,
				   x->op[i].key, group + 1);
		if ((r.result == RESULT_OK) < (m->result == RESULT_OK))
			world_fail(s, "transaction %u: is prepared, and one part is not", t->tx);
		if (m->result == RESULT_OK && x->state == 'P' && s->bank.key[group][x->op[i].key].holder != t->tx)
			world_fail(s, "transaction %u: is told that it holds key %u of group %u, and does not", t->tx, x->op[i].key,
				   group + 1);
		if (r.time > t->time)
			t->time = r.time;
		s->count.tx_conflicts += r.result == RESULT_CONFLICT;
	}
	if (m->result == RESULT_OK)
		return;
	/* A later timestamp helps only if nothing else stands in the way. */
	if (m->result != RESULT_CONFLICT || t->time == 0)
		t->rounds = ROUNDS_MAX;
	t->failed = true;
}

static void finished(struct sim *s, const struct teller *t, unsigned group)
{
	const struct bank_tx *x = &s->bank.tx[t->tx];

	for (unsigned i = 0; i < x->nops; i++) {
		const struct bank_op *op = &x->op[i];
		const struct bank_key *k = &s->bank.key[group][op->key];

		if (op->group != group || !t->commit)
			continue;
		if (!op->done)
			world_fail(s, "transaction %u: is told that key %u of group %u is done, and it is not", t->tx, op->key, group + 1);
		for (size_t v = k->n; v > 0; v--)
			if (k->v[v - 1].is.v == t->tx && k->v[v - 1].is.there)
				known(s, group, k->v[v - 1].slot);
	}
}

static void seen(struct sim *s, struct teller *t, unsigned group, struct bytes results)
{
	struct bank_seen *to = t->seen[t->stage == READ_AGAIN][group];
	struct bytes part;
	unsigned k = 0;

	for (; msg_list_next(&results, &part); k++) {
		struct msg_tx_item m;

		if (k == BANK_KEYS || !msg_get_tx_item(part, &m, MSG_VERSION))
			world_fail(s, "reader %u: an answer that is none", t->tx);
		to[k] = (struct bank_seen){ .locked = m.locked, .slot = m.slot };
		if (m.found && !books_read(m.item, &to[k].is))
			world_fail(s, "reader %u: an item that nobody wrote", t->tx);
	}
	if (k != BANK_KEYS)
		world_fail(s, "reader %u: an answer to some of the questions", t->tx);
}

/* What a scan shows, locked or not, is what was committed; what it leaves out was not there. */
static void scanned(struct sim *s, const struct teller *t, unsigned group, const struct msg_page *m)
{
	struct bank_state is[BANK_KEYS] = { { .there = false } };
	struct bytes rest = m->items, item;
	struct value sk;

	while (msg_list_next(&rest, &item)) {
		unsigned key = BANK_KEYS;

		if (item_get(item, BYTES_LIT("sk"), &sk) && sk.body.n == 1)
			key = (unsigned)(sk.body.p[0] - '0');
		if (key >= BANK_KEYS || is[key].there || !books_read(item, &is[key]))
			world_fail(s, "reader %u: an item that nobody wrote", t->tx);
	}
	for (unsigned k = 0; k < BANK_KEYS; k++)
		if (!books_was(s, group, k, s->bank.tx[t->tx].floor[group], &is[k]))
			world_fail(s, "reader %u, group %u, key %u: what was not there from slot %llu on", t->tx, group + 1, k,
				   U(s->bank.tx[t->tx].floor[group]));
}

static void wrote(struct sim *s, struct teller *t, unsigned group, const struct msg_written *m)
{
	const struct bank_tx *x = &s->bank.tx[t->tx];
	char want = t->stage == BEGIN ? 'P' : t->commit ? 'C' : 'X';

	if (t->stage == WRITE ? !x->op[0].done : t->stage == DECIDE ? x->state != want : x->state == 0)
		world_fail(s, "transaction %u: is told that it wrote what it did not", t->tx);
	if (m->slot <= x->floor[group] && m->slot > 0)
		world_fail(s, "transaction %u: is ordered before what was known when it began", t->tx);
	known(s, group, m->slot);
}

static void told(struct sim *s, struct teller *t, const struct msg_got *m)
{
	const struct bank_tx *x = &s->bank.tx[t->tx];
	struct value v;

	if (!m->found || !item_get(m->item, BYTES_LIT(LEDGER_STATE), &v) || v.body.n != 1)
		world_fail(s, "transaction %u: has vanished from the ledger", t->tx);
	t->told = (char)v.body.p[0];
	if (t->told != 'P' && t->told != x->state)
		world_fail(s, "transaction %u: is said to be %c, and is %c", t->tx, t->told, x->state);
}

struct reply {
	uint16_t result;
	struct bytes partition;
	struct msg_tx_prepared prepared;
	struct msg_tx_finished finished;
	struct msg_tx_got got;
	struct msg_written written;
	struct msg_got one;
	struct msg_page page;
};

static bool decode(unsigned type, struct bytes body, struct reply *r)
{
	switch (type) {
#define REPLY(name, field)                                                                                             \
	case MSG_##name:                                                                                               \
		if (!msg_get_##name(body, &r->field, MSG_VERSION))                                                     \
			return false;                                                                                  \
		r->result = r->field.result;                                                                           \
		r->partition = r->field.partition;                                                                     \
		return true
	REPLY(tx_prepared, prepared);
	REPLY(tx_finished, finished);
	REPLY(tx_got, got);
	REPLY(written, written);
	REPLY(got, one);
	REPLY(page, page);
#undef REPLY
	}
	return false;
}

static void take(struct sim *s, struct teller *t, unsigned group, const struct reply *r)
{
	switch ((enum stage)t->stage) {
	case PREPARE:
		prepared(s, t, group, &r->prepared);
		break;
	case FINISH:
		finished(s, t, group);
		break;
	case ASK:
		told(s, t, &r->one);
		break;
	case READ_ONCE:
	case READ_AGAIN:
		seen(s, t, group, r->got.results);
		break;
	case SCAN:
		scanned(s, t, group, &r->page);
		break;
	default:
		if (r->result == RESULT_OK)
			wrote(s, t, group, &r->written);
		else if (t->stage == WRITE)
			s->bank.tx[t->tx].refused = true;
		else if (t->stage == DECIDE && s->bank.tx[t->tx].state == 'P')
			world_fail(s, "transaction %u: is said not to be pending, and is", t->tx);
		t->failed |= r->result != RESULT_OK;
	}
}

static void follow_hint(struct sim *s, unsigned group, uint32_t asked, struct bytes partition)
{
	struct msg_partition p;
	const struct machine *m;

	if (asked != s->believed[group])
		return;
	s->believed[group] = (s->believed[group] + 1) % s->nmachines;
	if (partition.n > 0 && msg_get_partition(partition, &p, MSG_VERSION) && (m = machine_of(s, p.leader)) != NULL)
		s->believed[group] = m->index;
}

void bank_answer(struct sim *s, uint32_t teller, uint64_t rid, unsigned type, struct bytes body)
{
	struct teller *t = &s->bank.teller[teller];
	unsigned group = rid >> 8 & 0xff;
	struct reply r = { 0 };
	bool all = true;

	if (!decode(type, body, &r))
		world_fail(s, "teller %u: an answer of another kind", teller);
	if (rid == 0 || t->tx != (uint32_t)(rid >> 24) || t->serial != (uint8_t)(rid >> 16) || t->part[group].done)
		return;
	switch (r.result) {
	case RESULT_NOT_LEADER:
	case RESULT_NOT_READY:
	case RESULT_NO_GROUP:
	case RESULT_OVERLOADED:
		if (r.result != RESULT_OVERLOADED)
			follow_hint(s, group, rid & 0xff, r.partition);
		t->part[group].again = true;
		return;
	case RESULT_UNKNOWN:
		unknown(s, teller, group);
		return;
	case RESULT_OK:
	case RESULT_CONFLICT:
	case RESULT_CONDITION_FAILED:
		break;
	default:
		world_fail(s, "transaction %u: result %u", t->tx, r.result);
	}
	take(s, t, group, &r);
	t->part[group].done = true;
	for (unsigned g = 0; g < s->nbases; g++)
		all = all && (!t->part[g].wanted || t->part[g].done);
	if (all && !dies(s, teller))
		advance(s, teller);
}
