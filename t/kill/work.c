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
	"query", "scan" };

/* Of a hundred. */
static const unsigned share[WORK_KINDS] = { 15, 16, 28, 8, 12, 10, 4, 5, 2 };

struct item {
	uint32_t number;
	unsigned partition, ops;
	uint64_t guess[WORK_ROWS];                       /* of registers: what may be there */
};


struct work {
	const char *table;
	uint64_t random, values;
	struct item reg[WORK_REGISTERS], list[WORK_LISTS];
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

static unsigned partition_of(struct work *w, char kind, uint32_t number)
{
	char text[16];
	uint8_t hash[KEY_HASH_N];
	int n = snprintf(text, sizeof text, "%c%" PRIu32, kind, number);
	struct value v = { .tag = ITEM_S, .body = { (const uint8_t *)text, (size_t)n } };

	key_hash(w->hasher, &v, 1, hash);
	return hash[0] / (256 / WORK_PARTITIONS);
}

static void renew(struct work *w, struct item *i, char kind)
{
	*i = (struct item){ .number = kind == 'r' ? w->regs++ : w->lists++ };
	i->partition = partition_of(w, kind, i->number);
}

struct work *work_new(uint64_t seed, const char *table)
{
	struct work *w = mem_new(sizeof *w);

	w->table = table;
	w->random = dice_seed(seed);
	w->hasher = key_hasher_new();
	json_read_init(&w->json, BYTES_NONE, DEPTH_MAX);
	for (size_t i = 0; i < WORK_REGISTERS; i++)
		renew(w, &w->reg[i], 'r');
	for (size_t i = 0; i < WORK_LISTS; i++)
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
	return op->kind == WORK_PUT || op->kind == WORK_CAS || op->kind == WORK_APPEND;
}

static void count_use(struct work *w, struct item *i, const struct work_op *op)
{
	bool list = is_list(op->kind);

	i->ops += !list || op->kind == WORK_APPEND;
	if (i->ops >= (list ? WORK_APPENDS_MAX : WORK_REGISTER_OPS_MAX))
		renew(w, i, list ? 'l' : 'r');
}

static bool choose(struct work *w, struct work_op *op, const unsigned busy[WORK_PARTITIONS], unsigned max)
{
	unsigned roll = (unsigned)(dice(w) % 100);
	struct item *i = NULL;

	*op = (struct work_op){ .kind = WORK_PUT };
	while (roll >= share[op->kind])
		roll -= share[op->kind++];
	for (int n = 0; n < TRIES; n++) {
		i = is_list(op->kind) ? &w->list[dice(w) % WORK_LISTS] : &w->reg[dice(w) % WORK_REGISTERS];
		if (busy[i->partition] < max)
			break;
		i = NULL;
	}
	if (i == NULL)
		return false;
	op->item = i->number;
	op->row = is_list(op->kind) ? 0 : (uint32_t)(dice(w) % WORK_ROWS);
	op->partition = i->partition;
	if (work_writes(op))
		op->value = ++w->values;
	op->expect = i->guess[op->row];
	count_use(w, i, op);
	return true;
}

const char *work_next(struct work *w, const unsigned busy[WORK_PARTITIONS], unsigned max, struct work_op *op,
                      struct buf *body)
{
	if (w->finishing) {
		if (w->last_n == 0)
			return NULL;
		*op = w->last[--w->last_n];
		w->last_open++;
	} else if (!choose(w, op, busy, max)) {
		return NULL;
	}
	return work_json_ask(op, w->table, dice(w), body);
}

void work_finish(struct work *w)
{
	w->finishing = true;
	w->last = mem_new((w->regs * WORK_ROWS + w->lists + 1) * sizeof *w->last);
	for (uint32_t i = 0; i < w->regs * WORK_ROWS; i++)
		w->last[w->last_n++] = (struct work_op){ .kind = WORK_GET, .item = i / WORK_ROWS, .row = i % WORK_ROWS,
			.last = true };
	for (uint32_t i = 0; i < w->lists; i++)
		w->last[w->last_n++] = (struct work_op){ .kind = WORK_LIST, .item = i, .last = true };
}

bool work_finished(const struct work *w)
{
	return w->finishing && w->last_n == 0 && w->last_open == 0;
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

/* What a read saw of a key; row NULL: nothing is there. */
static void saw(struct work *w, const struct hist_op *times, bool list, bool eventual, uint32_t item, uint32_t row,
                const struct work_row *r)
{
	struct hist_op o = *times;

	o.key = hist_key(list, item, row);
	o.outcome = HIST_OK;
	if (list) {
		o.kind = eventual ? HIST_ELIST : HIST_LIST;
		hist_add(&w->hist, o, r != NULL ? w->answer.elements + r->from : NULL, r != NULL ? r->n : 0);
		return;
	}
	o.kind = eventual ? HIST_EGET : HIST_GET;
	o.value = r != NULL ? r->value : 0;
	if (!eventual)
		learn(w, item, row, o.value);
	hist_add(&w->hist, o, NULL, 0);
}

static bool read_good(struct work *w, const struct work_op *op, const struct hist_op *times)
{
	const struct work_answer *a = &w->answer;
	bool there[WORK_ROWS] = { false };

	if (op->kind == WORK_QUERY || op->kind == WORK_SCAN) {
		for (size_t i = 0; i < a->rows_n; i++) {
			const struct work_row *r = &a->rows[i];

			if (r->row >= WORK_ROWS || (op->kind == WORK_QUERY && (r->list || r->item != op->item)))
				return false;
			there[r->row] = true;
			saw(w, times, r->list, false, r->item, r->row, r);
		}
		for (uint32_t i = 0; op->kind == WORK_QUERY && !a->more && i < WORK_ROWS; i++)
			if (!there[i])
				saw(w, times, false, false, op->item, i, NULL);
		return true;
	}
	if (a->rows_n > 1 || (a->rows_n == 1 && (a->rows[0].item != op->item || a->rows[0].row != op->row ||
	                                         a->rows[0].list != is_list(op->kind))))
		return false;
	saw(w, times, is_list(op->kind), op->kind == WORK_EGET || op->kind == WORK_ELIST, op->item, op->row,
	    a->rows_n > 0 ? &a->rows[0] : NULL);
	return true;
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
	if (!is_list(op->kind))
		learn(w, op->item, op->row, op->value);
	else if (w->answer.has_list)                     /* what the append returned is what it left behind */
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
	struct hist_op times = { .from_ns = from_ns, .to_ns = to_ns };
	enum hist_outcome outcome = judge(w, op, end, status, body);
	bool condition = outcome == HIST_NO && end == WORK_ANSWERED && status == 400;

	w->counts.n[op->kind][outcome]++;
	if (work_writes(op)) {
		wrote(w, op, &times, outcome);
		if (condition)
			saw(w, &times, false, false, op->item, op->row, w->answer.rows_n > 0 ? &w->answer.rows[0] : NULL);
	} else if (outcome == HIST_OK && !read_good(w, op, &times)) {
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
