#include "work.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dice.h"
#include "key.h"
#include "mem.h"
#include "work_impl.h"

#define DEPTH_MAX 16
#define TRIES 8                                          /* to find a key whose partition is not busy */

const char *const work_kinds[WORK_KINDS] = { "put", "cas", "get", "eventual get", "append", "list", "eventual list",
	"query", "scan", "local query", "tx append", "tx list" };

/* Of a hundred. */
static const unsigned share[][WORK_KINDS] = {
	[WORK_MIXED] = { 15, 16, 28, 8, 12, 10, 4, 5, 2 },
	[WORK_INDEXES] = { 20, 18, 12, 3, 10, 6, 2, 4, 2, [WORK_LOCAL] = 23 },
	[WORK_TRANSACTIONS] = { [WORK_APPEND] = 10, [WORK_LIST] = 12, [WORK_ELIST] = 3, [WORK_TX_APPEND] = 45,
		[WORK_TX_LIST] = 30 },
};
#define CHECK_EVERY 4                                    /* transactions */

struct item {
	uint32_t number;
	unsigned partition, ops;
	uint64_t guess[WORK_ROWS];                       /* of registers: what may be there; of lists: how many, the first */
	unsigned open;                                   /* transactions under way that append to it */
	bool orphan;
};

struct work {
	const char *table;
	enum work_load load;
	bool transactions;                               /* the load is of them */
	uint64_t random, values, txs;
	struct item reg[WORK_REGISTERS], list[WORK_LISTS_MAX];
	unsigned lists_n;                                /* in use */
	int64_t orphaned_ns;
	uint32_t regs, lists;                            /* how many there ever were */
	struct key_hasher *hasher;
	struct json_read json;
	struct work_answer answer;
	struct hist hist;
	struct work_counts counts;
	struct work_op *last;                            /* to be read at the end: a stack */
	size_t last_n, last_open;                        /* open: asked, not answered */
	bool finishing;
};

static uint64_t dice(struct work *w)
{
	return dice_roll(&w->random) >> 11;
}

static unsigned tables_of(const struct work *w)
{
	return w->transactions ? WORK_TABLES : 1;
}

unsigned work_partitions(const struct work *w)
{
	return tables_of(w) * WORK_TABLE_PARTITIONS;
}

static unsigned partition_of(struct work *w, char kind, uint32_t number)
{
	char text[16];
	uint8_t hash[KEY_HASH_N];
	int n = snprintf(text, sizeof text, "%c%" PRIu32, kind, number);
	struct value v = { .tag = ITEM_S, .body = { (const uint8_t *)text, (size_t)n } };

	key_hash(w->hasher, &v, 1, hash);
	return hash[0] / (256 / WORK_TABLE_PARTITIONS) + (kind == 'l' ? number % tables_of(w) * WORK_TABLE_PARTITIONS : 0);
}

static void renew(struct work *w, struct item *i, char kind)
{
	*i = (struct item){ .number = kind == 'r' ? w->regs++ : w->lists++ };
	i->partition = partition_of(w, kind, i->number);
}

struct work *work_new(uint64_t seed, const char *table, enum work_load load)
{
	struct work *w = mem_new(sizeof *w);

	w->table = table;
	w->load = load;
	w->transactions = load == WORK_TRANSACTIONS;
	w->lists_n = w->transactions ? WORK_LISTS_MAX : WORK_LISTS;
	w->random = dice_seed(seed);
	w->hasher = key_hasher_new();
	json_read_init(&w->json, BYTES_NONE, DEPTH_MAX);
	for (size_t i = 0; i < WORK_REGISTERS; i++)
		renew(w, &w->reg[i], 'r');
	for (size_t i = 0; i < w->lists_n; i++)
		renew(w, &w->list[i], 'l');
	return w;
}

void work_free(struct work *w)
{
	if (w == NULL)
		return;
	key_hasher_free(w->hasher);
	json_read_fini(&w->json);
	hist_fini(&w->hist);
	free(w->last);
	free(w);
}

/* --- what comes next */

static bool is_list(enum work_kind k)
{
	return k == WORK_APPEND || k == WORK_LIST || k == WORK_ELIST;
}

bool work_writes(const struct work_op *op)
{
	return op->kind == WORK_PUT || op->kind == WORK_CAS || op->kind == WORK_APPEND || op->kind == WORK_TX_APPEND;
}

static void count_use(struct work *w, struct item *i, const struct work_op *op)
{
	bool list = is_list(op->kind) || op->tx > 0;

	i->ops += !list || work_writes(op);
	if (i->ops >= (list ? WORK_APPENDS_MAX : WORK_REGISTER_OPS_MAX) && !i->orphan)
		renew(w, i, list ? 'l' : 'r');
}

/* NULL: those looked at are in partitions where enough is under way. */
static struct item *pick(struct work *w, bool list, const unsigned *busy, unsigned max)
{
	for (int n = 0; n < TRIES; n++) {
		struct item *i = list ? &w->list[dice(w) % w->lists_n] : &w->reg[dice(w) % WORK_REGISTERS];

		if (busy[i->partition] < max)
			return i;
	}
	return NULL;
}

static bool has(const struct work_op *op, uint32_t list)
{
	for (unsigned i = 0; i < op->lists; i++)
		if (op->list[i] == list)
			return true;
	return false;
}

static bool choose_tx(struct work *w, struct work_op *op, const unsigned *busy, unsigned max)
{
	unsigned want = 1 + (unsigned)(dice(w) % WORK_TX_LISTS_MAX);
	struct item *in[WORK_TX_LISTS_MAX], *other;

	while (op->lists < want) {
		struct item *i = pick(w, true, busy, max);

		if (i == NULL)
			return false;
		if (has(op, i->number))
			continue;
		in[op->lists] = i;
		op->list[op->lists++] = i->number;
		op->partitions |= 1u << i->partition;
	}
	op->tx = ++w->txs;
	if (op->kind != WORK_TX_APPEND)
		return true;
	op->value = ++w->values;
	other = dice(w) % CHECK_EVERY == 0 ? pick(w, true, busy, max) : NULL;
	if (other != NULL && !has(op, other->number)) {
		op->checks = true;
		op->item = other->number;
		op->expect = other->guess[0];
		op->partitions |= 1u << other->partition;
	}
	for (unsigned i = 0; i < op->lists; i++) {
		in[i]->open++;
		count_use(w, in[i], op);
	}
	return true;
}

static bool choose(struct work *w, struct work_op *op, const unsigned *busy, unsigned max)
{
	unsigned roll = (unsigned)(dice(w) % 100);
	struct item *i;

	*op = (struct work_op){ .kind = WORK_PUT, .indexed = w->load == WORK_INDEXES };
	while (roll >= share[w->load][op->kind])
		roll -= share[w->load][op->kind++];
	if (op->kind == WORK_TX_APPEND || op->kind == WORK_TX_LIST)
		return choose_tx(w, op, busy, max);
	i = pick(w, is_list(op->kind), busy, max);
	if (i == NULL)
		return false;
	op->item = i->number;
	op->row = is_list(op->kind) ? 0 : (uint32_t)(dice(w) % WORK_ROWS);
	op->partitions = 1u << i->partition;
	if (work_writes(op))
		op->value = ++w->values;
	op->expect = i->guess[op->row];
	count_use(w, i, op);
	return true;
}

const char *work_next(struct work *w, const unsigned *busy, unsigned max, struct work_op *op, struct buf *body)
{
	if (w->finishing) {
		if (w->last_n == 0)
			return NULL;
		*op = w->last[--w->last_n];
		w->last_open++;
	} else if (!choose(w, op, busy, max)) {
		return NULL;
	}
	return work_json_ask(op, w->table, tables_of(w), dice(w), body);
}

/* In transactions, which see all of another or nothing. */
static void read_lists_together(struct work *w)
{
	for (uint32_t i = 0; i < w->lists; i += WORK_TX_LISTS_MAX) {
		struct work_op op = { .kind = WORK_TX_LIST, .tx = ++w->txs, .last = true };

		while (op.lists < WORK_TX_LISTS_MAX && i + op.lists < w->lists) {
			op.list[op.lists] = i + op.lists;
			op.lists++;
		}
		w->last[w->last_n++] = op;
	}
}

void work_finish(struct work *w)
{
	w->finishing = true;
	w->last = mem_new((w->regs * WORK_ROWS + w->lists + 1) * sizeof *w->last);
	for (uint32_t i = 0; i < w->regs * WORK_ROWS; i++)
		w->last[w->last_n++] = (struct work_op){ .kind = WORK_GET, .item = i / WORK_ROWS, .row = i % WORK_ROWS,
			.last = true };
	if (w->load == WORK_TRANSACTIONS)
		read_lists_together(w);
	for (uint32_t i = 0; w->load != WORK_TRANSACTIONS && i < w->lists; i++)
		w->last[w->last_n++] = (struct work_op){ .kind = WORK_LIST, .item = i, .last = true };
}

bool work_finished(const struct work *w)
{
	return w->finishing && w->last_n == 0 && w->last_open == 0;
}

unsigned work_orphan(struct work *w, int64_t now_ns)
{
	w->orphaned_ns = now_ns;
	for (unsigned i = 0; i < w->lists_n; i++)
		w->list[i].orphan = w->list[i].open > 0;
	return work_orphans(w);
}

unsigned work_orphans(const struct work *w)
{
	unsigned n = 0;

	for (unsigned i = 0; i < w->lists_n; i++)
		n += w->list[i].orphan;
	return n;
}

/* --- what became of it */

static uint32_t hist_key(bool list, uint32_t item, uint32_t row)
{
	return list ? 2 * item + 1 : 2 * (item * WORK_ROWS + row);
}

static void broken(struct work *w, const struct work_op *op, int status, struct bytes body)
{
	if (w->counts.broken++ == 0)
		snprintf(w->counts.broken_why, sizeof w->counts.broken_why, "%s: %d %.*s", work_kinds[op->kind], status,
		         (int)(body.n < 300 ? body.n : 300), (const char *)body.p);
}

static void count_type(struct work *w, const char *type)
{
	struct work_counts *c = &w->counts;
	size_t i = 0;

	while (i < c->types_n && strcmp(c->types[i].name, type) != 0)
		i++;
	if (i == WORK_TYPES_MAX)
		return;
	if (i == c->types_n)
		snprintf(c->types[c->types_n++].name, sizeof c->types[i].name, "%s", type);
	c->types[i].n++;
}

static void learn(struct work *w, uint32_t item, uint32_t row, uint64_t value)
{
	for (size_t i = 0; i < WORK_REGISTERS; i++)
		if (w->reg[i].number == item && row < WORK_ROWS)
			w->reg[i].guess[row] = value;
}

static struct item *list_in_use(struct work *w, uint32_t number)
{
	for (unsigned i = 0; i < w->lists_n; i++)
		if (w->list[i].number == number)
			return &w->list[i];
	return NULL;
}

static void learn_length(struct work *w, uint32_t number, uint64_t n)
{
	struct item *i = list_in_use(w, number);

	if (i != NULL && n > i->guess[0])
		i->guess[0] = n;
}

/* What a read saw of a key; row NULL: nothing is there. */
static void saw(struct work *w, const struct hist_op *times, bool list, bool eventual, uint32_t item, uint32_t row,
                const struct work_row *r)
{
	struct hist_op o = *times;

	o.key = hist_key(list, item, row);
	o.outcome = HIST_OK;
	if (list) {
		o.kind = eventual ? HIST_ELIST : HIST_LIST;
		learn_length(w, item, r != NULL ? r->n : 0);
		hist_add(&w->hist, o, r != NULL ? w->answer.elements + r->from : NULL, r != NULL ? r->n : 0);
		return;
	}
	o.kind = eventual ? HIST_EGET : HIST_GET;
	o.value = r != NULL ? r->value : 0;
	if (!eventual)
		learn(w, item, row, o.value);
	hist_add(&w->hist, o, NULL, 0);
}

/* A query or a scan.  In the local index rows lie as their values do. */
static bool read_rows(struct work *w, const struct work_op *op, const struct hist_op *times)
{
	const struct work_answer *a = &w->answer;
	bool there[WORK_ROWS] = { false };

	for (size_t i = 0; i < a->rows_n; i++) {
		const struct work_row *r = &a->rows[i];

		if (r->row >= WORK_ROWS || (op->kind != WORK_SCAN && (r->list || r->item != op->item)))
			return false;
		if (op->kind == WORK_LOCAL && (there[r->row] || r->value <= (i > 0 ? a->rows[i - 1].value : 0)))
			return false;
		there[r->row] = true;
		saw(w, times, r->list, false, r->item, r->row, r);
	}
	for (uint32_t i = 0; op->kind != WORK_SCAN && !a->more && i < WORK_ROWS; i++)
		if (!there[i])
			saw(w, times, false, false, op->item, i, NULL);
	return true;
}

static bool read_good(struct work *w, const struct work_op *op, const struct hist_op *times)
{
	const struct work_answer *a = &w->answer;

	if (op->kind == WORK_QUERY || op->kind == WORK_SCAN || op->kind == WORK_LOCAL)
		return read_rows(w, op, times);
	if (a->rows_n > 1 || (a->rows_n == 1 && (a->rows[0].item != op->item || a->rows[0].row != op->row ||
	                                         a->rows[0].list != is_list(op->kind))))
		return false;
	saw(w, times, is_list(op->kind), op->kind == WORK_EGET || op->kind == WORK_ELIST, op->item, op->row,
	    a->rows_n > 0 ? &a->rows[0] : NULL);
	return true;
}

static bool read_tx(struct work *w, const struct work_op *op, const struct hist_op *times)
{
	const struct work_answer *a = &w->answer;

	if (a->rows_n != op->lists)
		return false;
	for (unsigned i = 0; i < op->lists; i++) {
		const struct work_row *r = &a->rows[i];

		if (!r->missing && (!r->list || r->item != op->list[i]))
			return false;
		saw(w, times, true, false, op->list[i], 0, r->missing ? NULL : r);
	}
	return true;
}

/* A list was written to, by a transaction or not. */
static void wrote_list(struct work *w, uint32_t number, int64_t from_ns)
{
	struct item *i = list_in_use(w, number);

	if (i == NULL)
		return;
	i->guess[0]++;
	if (from_ns > w->orphaned_ns)
		i->orphan = false;
}

static void wrote_tx(struct work *w, const struct work_op *op, const struct hist_op *times, enum hist_outcome outcome)
{
	struct hist_op o = *times;

	o.outcome = (uint8_t)outcome;
	if (outcome == HIST_MAYBE)
		o.to_ns = HIST_NEVER;
	for (unsigned i = 0; i < op->lists; i++) {
		struct item *list = list_in_use(w, op->list[i]);

		if (list != NULL)
			list->open--;
		if (outcome == HIST_OK)
			wrote_list(w, op->list[i], o.from_ns);
		o.kind = HIST_APPEND;
		o.key = hist_key(true, op->list[i], 0);
		o.value = op->value;
		hist_add(&w->hist, o, NULL, 0);
	}
	if (!op->checks || outcome == HIST_NO)
		return;
	o.kind = HIST_LENGTH;
	o.key = hist_key(true, op->item, 0);
	o.value = op->expect;
	hist_add(&w->hist, o, NULL, 0);
	w->counts.checked += outcome == HIST_OK;
}

static void wrote(struct work *w, const struct work_op *op, const struct hist_op *times, enum hist_outcome outcome)
{
	static const enum hist_kind kinds[WORK_KINDS] = { [WORK_PUT] = HIST_PUT, [WORK_CAS] = HIST_CAS,
		[WORK_APPEND] = HIST_APPEND };
	struct hist_op o = *times;

	o.kind = (uint8_t)kinds[op->kind];
	o.outcome = (uint8_t)outcome;
	o.key = hist_key(is_list(op->kind), op->item, op->row);
	o.value = op->value;
	o.expect = op->expect;
	if (outcome == HIST_MAYBE)
		o.to_ns = HIST_NEVER;
	hist_add(&w->hist, o, NULL, 0);
	if (outcome != HIST_OK)
		return;
	if (!is_list(op->kind)) {
		learn(w, op->item, op->row, op->value);
		return;
	}
	wrote_list(w, op->item, o.from_ns);
	if (w->answer.has_list)                          /* what the append returned is what it left behind */
		saw(w, times, true, false, op->item, 0, &w->answer.rows[0]);
}

static bool done_last(struct work *w, const struct work_op *op, bool good)
{
	w->last_open--;
	if (!good)
		w->last[w->last_n++] = *op;           /* until it works; the caller has a deadline */
	return good;
}

static enum hist_outcome judge(struct work *w, const struct work_op *op, enum work_end end, int status,
                               struct bytes body)
{
	if (end == WORK_UNSENT)
		return HIST_NO;
	if (end == WORK_LOST)
		return HIST_MAYBE;
	if (!work_json_read(&w->json, body, &w->answer)) {
		broken(w, op, status, body);
		return HIST_MAYBE;
	}
	if (status == 200)
		return HIST_OK;
	count_type(w, w->answer.type);
	if (strcmp(w->answer.type, "ConditionalCheckFailedException") == 0 && op->kind == WORK_CAS) {
		w->counts.conditions++;
		return HIST_NO;
	}
	if (w->transactions && status == 400 && (strcmp(w->answer.type, "TransactionConflictException") == 0 ||
	    (op->tx > 0 && strcmp(w->answer.type, "TransactionCanceledException") == 0)))
		return HIST_NO;
	if (strcmp(w->answer.type, "InternalServerError") == 0 && status == 500)
		return HIST_MAYBE;
	if (strcmp(w->answer.type, "ServiceUnavailable") == 0 && status == 503)
		return HIST_NO;
	broken(w, op, status, body);                     /* the request is sound, and the table is there */
	return HIST_MAYBE;
}

bool work_done(struct work *w, const struct work_op *op, int64_t from_ns, int64_t to_ns, enum work_end end, int status,
               struct bytes body)
{
	struct hist_op times = { .from_ns = from_ns, .to_ns = to_ns, .tx = op->tx };
	enum hist_outcome outcome = judge(w, op, end, status, body);
	bool condition = outcome == HIST_NO && end == WORK_ANSWERED && status == 400 && op->kind == WORK_CAS;

	w->counts.n[op->kind][outcome]++;
	if (op->kind == WORK_TX_APPEND) {
		wrote_tx(w, op, &times, outcome);
	} else if (work_writes(op)) {
		wrote(w, op, &times, outcome);
		if (condition)
			saw(w, &times, false, false, op->item, op->row, w->answer.rows_n > 0 ? &w->answer.rows[0] : NULL);
	} else if (outcome == HIST_OK && !(op->tx > 0 ? read_tx : read_good)(w, op, &times)) {
		broken(w, op, status, body);
		outcome = HIST_MAYBE;
	}
	if (op->last)
		return done_last(w, op, outcome == HIST_OK);
	return outcome == HIST_OK;
}

const struct hist *work_hist(const struct work *w)
{
	return &w->hist;
}

const struct work_counts *work_counts(const struct work *w)
{
	return &w->counts;
}
