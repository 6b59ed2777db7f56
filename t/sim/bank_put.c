/* The bank's messages. */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "item_build.h"
#include "ledger.h"
#include "sim.h"

void bank_programs(struct programs *p)
{
	static const char *const add[] = { "ADD b :m3 SET v = :v", "ADD b :m2 SET v = :v", "ADD b :m1 SET v = :v", NULL,
					   "ADD b :p1 SET v = :v", "ADD b :p2 SET v = :v", "ADD b :p3 SET v = :v" };

	for (int i = 0; i < 7; i++)
		if (add[i] != NULL)
			program_compile(&p->amount[i], add[i], true);
	program_compile(&p->zero, "b = :zero", false);
	program_compile(&p->touch, "SET w = :v", true);
	program_compile(&p->pending, "#state = :P AND id = :id", false);
	program_compile(&p->commit, "SET #state = :C", true);
	program_compile(&p->cancel, "SET #state = :X", true);
}

void bank_programs_fini(struct programs *p)
{
	for (int i = 0; i < 7; i++)
		program_fini(&p->amount[i]);
	program_fini(&p->zero);
	program_fini(&p->touch);
	program_fini(&p->pending);
	program_fini(&p->commit);
	program_fini(&p->cancel);
}

struct sim_key bank_put_key(unsigned group, unsigned key)
{
	uint8_t text = (uint8_t)('0' + key);

	return model_spell(group, 'T', (struct bytes){ &text, 1 });
}

static struct bytes ledger_key(const struct bank_tx *x, uint32_t id, struct sim_key *out)
{
	uint8_t text[SIM_ID_BYTES];

	program_spell(id, text);
	*out = model_spell(x->ledger, 'L', (struct bytes){ text, sizeof text });
	return sim_key_view(out);
}

static struct bytes txid_of(uint32_t id, uint8_t out[16])
{
	memcpy(out, PROGRAM_TXID, 8);
	program_spell(id, out + 8);
	return (struct bytes){ out, 16 };
}

static struct item_build *begin_item(struct sim *s, struct bytes key)
{
	item_build_reset(s->build);
	item_build_item(s->build);
	model_put_key(s->build, key);
	return s->build;
}

static struct bytes end_item(struct item_build *b)
{
	item_build_close(b);
	assert(item_build_ok(b));
	return item_build_view(b);
}

static void add_id(struct item_build *b, const char *name, uint32_t id)
{
	uint8_t text[SIM_ID_BYTES];

	program_spell(id, text);
	item_build_name(b, bytes_str(name));
	item_build_s(b, (struct bytes){ text, sizeof text });
}

static struct bytes whole_item(struct sim *s, struct bytes key, const struct bank_op *op, uint32_t id, bool plain)
{
	struct item_build *b = begin_item(s, key);
	char text[16];
	struct num n;

	if (op->key < BANK_ACCOUNTS) {
		snprintf(text, sizeof text, "%d", op->put);
		num_parse(&n, bytes_str(text));
		item_build_name(b, BYTES_LIT("b"));
		item_build_n(b, &n);
	}
	add_id(b, plain ? "w" : "v", id);
	client_put_group(s, 0x20000u + id);
	return end_item(b);
}

static struct bytes test_of(const struct sim *s, const struct bank_op *op, struct buf *out)
{
	const struct programs *p = s->programs;

	switch (op->test) {
	case BANK_ABSENT:
		return program_fill(&p->absent, 0, out);
	case BANK_EXISTS:
		return program_fill(&p->exists, 0, out);
	case BANK_EQUAL:
		return program_fill(&p->equal, op->expect, out);
	case BANK_ZERO:
		return program_fill(&p->zero, 0, out);
	}
	return BYTES_NONE;
}

static void put_op(struct sim *s, const struct bank_op *op, uint32_t id, bool plain, struct buf *ops)
{
	static const uint8_t kind[] = { MSG_OP_UPDATE, MSG_OP_PUT, MSG_OP_DELETE, MSG_OP_CHECK };
	struct buf test = { 0 }, update = { 0 };
	struct sim_key key = bank_put_key(op->group, op->key);
	struct msg_op m = { .kind = kind[op->kind], .key = sim_key_view(&key), .condition = test_of(s, op, &test) };

	if (op->kind == BANK_PUT)
		m.item = whole_item(s, m.key, op, id, plain);
	if (op->kind == BANK_ADD) {
		m.item = end_item(begin_item(s, m.key));
		m.update = program_fill(plain ? &s->programs->touch : &s->programs->amount[op->amount + 3], id, &update);
	}
	MSG_LIST_PUT(ops, op, &m, MSG_VERSION);
	buf_fini(&test);
	buf_fini(&update);
}

unsigned bank_put_prepare(struct sim *s, uint32_t id, unsigned group, struct buf *out)
{
	const struct bank_tx *x = &s->bank.tx[id];
	uint8_t txid[16];
	struct sim_key key;
	struct buf ops = { 0 };

	for (unsigned i = 0; i < x->nops; i++)
		if (x->op[i].group == group)
			put_op(s, &x->op[i], id, false, &ops);
	msg_put_tx_prepare(out, &(struct msg_tx_prepare){
		.group = group + 1, .table = group + 1, .schema = 1, .txid = txid_of(id, txid), .timestamp = x->timestamp,
		.ledger_group = x->ledger + 1u, .ledger_key = ledger_key(x, id, &key), .ops = buf_view(&ops) }, MSG_VERSION);
	buf_fini(&ops);
	return MSG_tx_prepare;
}

unsigned bank_put_finish(struct sim *s, uint32_t id, unsigned group, bool commit, struct buf *out)
{
	const struct bank_tx *x = &s->bank.tx[id];
	struct buf keys = { 0 };
	struct sim_key key;
	uint8_t txid[16];

	for (unsigned i = 0; i < x->nops; i++)
		if (x->op[i].group == group) {
			key = bank_put_key(group, x->op[i].key);
			buf_lenbytes(&keys, sim_key_view(&key));
		}
	msg_put_tx_finish(out, &(struct msg_tx_finish){ .group = group + 1, .table = group + 1, .txid = txid_of(id, txid),
							.commit = commit, .keys = buf_view(&keys) }, MSG_VERSION);
	buf_fini(&keys);
	return MSG_tx_finish;
}

static void put_ops(unsigned group, const struct buf *ops, struct buf *out)
{
	msg_put_write(out, &(struct msg_write){ group + 1, group + 1, 1, buf_view(ops) }, MSG_VERSION);
}

unsigned bank_put_begin(struct sim *s, uint32_t id, struct buf *out)
{
	const struct bank_tx *x = &s->bank.tx[id];
	struct sim_key key;
	uint8_t txid[16];
	struct buf ops = { 0 }, test = { 0 };
	struct msg_op op = { .kind = MSG_OP_PUT, .key = ledger_key(x, id, &key) };
	struct item_build *b = begin_item(s, op.key);

	item_build_name(b, BYTES_LIT(LEDGER_ID));
	item_build_b(b, txid_of(id, txid));
	item_build_name(b, BYTES_LIT(LEDGER_STATE));
	item_build_s(b, BYTES_LIT(LEDGER_PENDING));
	op.item = end_item(b);
	op.condition = program_fill(&s->programs->absent, 0, &test);
	MSG_LIST_PUT(&ops, op, &op, MSG_VERSION);
	put_ops(x->ledger, &ops, out);
	buf_fini(&ops);
	buf_fini(&test);
	return MSG_write;
}

unsigned bank_put_decide(struct sim *s, uint32_t id, bool commit, struct buf *out)
{
	const struct bank_tx *x = &s->bank.tx[id];
	struct sim_key key;
	struct buf ops = { 0 }, test = { 0 }, update = { 0 };
	struct msg_op op = { .kind = MSG_OP_UPDATE, .key = ledger_key(x, id, &key) };

	op.item = end_item(begin_item(s, op.key));
	op.condition = program_fill(&s->programs->pending, id, &test);
	op.update = program_fill(commit ? &s->programs->commit : &s->programs->cancel, id, &update);
	MSG_LIST_PUT(&ops, op, &op, MSG_VERSION);
	put_ops(x->ledger, &ops, out);
	buf_fini(&ops);
	buf_fini(&test);
	buf_fini(&update);
	return MSG_write;
}

unsigned bank_put_read(unsigned group, struct buf *out)
{
	struct buf gets = { 0 };
	struct sim_key key;

	for (unsigned k = 0; k < BANK_KEYS; k++) {
		key = bank_put_key(group, k);
		MSG_LIST_PUT(&gets, tx_key, (&(struct msg_tx_key){ sim_key_view(&key), BYTES_NONE }), MSG_VERSION);
	}
	msg_put_tx_get(out, &(struct msg_tx_get){ group + 1, group + 1, 1, buf_view(&gets) }, MSG_VERSION);
	buf_fini(&gets);
	return MSG_tx_get;
}

unsigned bank_put_scan(unsigned group, bool reverse, struct buf *out)
{
	struct sim_key first = bank_put_key(group, 0), last = bank_put_key(group, BANK_KEYS);
	struct bytes low = sim_key_view(&first), high = sim_key_view(&last);

	msg_put_scan(out, &(struct msg_scan){ .group = group + 1, .table = group + 1, .schema = 1, .consistent = 1, .reverse = reverse,
					      .from = reverse ? high : low, .to = reverse ? low : high }, MSG_VERSION);
	return MSG_scan;
}

unsigned bank_put_ask(struct sim *s, uint32_t id, struct buf *out)
{
	const struct bank_tx *x = &s->bank.tx[id];
	struct sim_key key;

	msg_put_get(out, &(struct msg_get){ .group = x->ledger + 1u, .table = x->ledger + 1u, .schema = 1, .consistent = 1,
					    .key = ledger_key(x, id, &key) }, MSG_VERSION);
	return MSG_get;
}

unsigned bank_put_plain(struct sim *s, uint32_t id, struct buf *out)
{
	const struct bank_tx *x = &s->bank.tx[id];
	struct buf ops = { 0 };

	put_op(s, &x->op[0], id, true, &ops);
	put_ops(x->op[0].group, &ops, out);
	buf_fini(&ops);
	return MSG_write;
}
