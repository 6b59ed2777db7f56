#include "expr_eval.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "expr_find.h"
#include "expr_prog.h"
#include "item_edit.h"
#include "mem.h"

#define NO_ATTRIBUTE "The provided expression refers to an attribute that does not exist in the item"
#define WRONG_PATH "The document path provided in the update expression is invalid for update"
#define TOO_LARGE "Item size to update has exceeded the maximum allowed size"
#define TOO_DEEP                                                                                                       \
	"Nesting Levels have exceeded supported limits: Attributes in the item have nested levels beyond supported "   \
	"limit"

/* What the right-hand sides of one update may make: enough for any item, not for doubling a list 200 times. */
#define SCRATCH_MAX (2 * ITEM_ENCODED_MAX)

/* A value on the right-hand side: a view of old or of the program, or made here, and then in scratch. */
struct made {
	struct value v;
	bool scratch;
	size_t at, n;
};

struct pending {
	size_t first, steps;                    /* of its path, in update.steps */
	struct made value;
	bool keep;                              /* false: the attribute goes */
};

#define INLINE_ACTIONS 8                        /* more than these, or than these steps, cost an allocation */
#define INLINE_STEPS 24

struct update {
	struct expr_prog p;
	struct cur c;
	struct expr_find old;
	struct buf scratch;
	const char *message;
	struct pending *pending, pending_inline[INLINE_ACTIONS];
	struct item_step *steps, steps_inline[INLINE_STEPS];
	size_t n, steps_n, steps_cap;
	bool makes;                             /* an action may add something: SET or ADD */
};

static bool fail(struct update *u, const char *message)
{
	if (u->message == NULL)
		u->message = message;
	return false;
}

static struct value view(const struct update *u, const struct made *m)
{
	return m->scratch ? item_value((struct bytes){ u->scratch.p + m->at, m->n }) : m->v;
}

/* Close what was appended to scratch since at. */
static bool made(struct update *u, size_t at, struct made *out)
{
	if (u->scratch.over)
		return fail(u, TOO_LARGE);
	*out = (struct made){ .scratch = true, .at = at, .n = u->scratch.n - at };
	return true;
}

static bool arith(struct update *u, struct value a, struct value b, bool minus, struct made *out)
{
	struct num x, y;
	enum num_result r;
	size_t at = u->scratch.n;

	if (!item_value_num(a, &x) || !item_value_num(b, &y))
		return fail(u, EXPR_WRONG_TYPE);
	r = minus ? num_sub(&x, &x, &y) : num_add(&x, &x, &y);
	if (r != NUM_OK)
		return fail(u, num_message(r));
	item_edit_num(&u->scratch, &x);
	return made(u, at, out);
}

/* An operation on two values that may be in scratch themselves: room first, so that the views stay. */
static bool append(struct update *u, const struct made *x, const struct made *y, struct made *out)
{
	size_t at = u->scratch.n;

	if (buf_room(&u->scratch, view(u, x).raw.n + view(u, y).raw.n + 32) == NULL)
		return fail(u, TOO_LARGE);
	if (view(u, x).tag != ITEM_L || view(u, y).tag != ITEM_L)
		return fail(u, EXPR_WRONG_TYPE);
	item_edit_concat(&u->scratch, view(u, x), view(u, y));
	return made(u, at, out);
}

/* Read one sum and, if wanted, evaluate it: the second operand of an if_not_exists that has its first is not. */
static bool sum(struct update *u, struct made *out, unsigned depth, bool wanted)
{
	struct made x = { 0 }, y = { 0 };
	struct expr_path path;
	uint8_t op = cur_u8(&u->c);

	*out = (struct made){ 0 };
	if (depth > EXPR_DEPTH_MAX)
		u->c.bad = true;
	switch (op) {
	case EXPR_C_VALUE:
		out->v = expr_prog_value(&u->p, &u->c);
		return !u->c.bad;
	case EXPR_C_PATH:
		expr_prog_path(&u->p, &u->c, &path);
		if (u->c.bad)
			return false;
		return !wanted || expr_find_path(&u->old, &path, &out->v) || fail(u, NO_ATTRIBUTE);
	case EXPR_C_IF_NOT_EXISTS:
		expr_prog_path(&u->p, &u->c, &path);
		if (u->c.bad)
			return false;
		if (wanted && expr_find_path(&u->old, &path, &x.v)) {
			*out = x;
			return sum(u, &y, depth + 1, false);
		}
		return sum(u, out, depth + 1, wanted);
	case EXPR_C_APPEND:
	case EXPR_C_PLUS:
	case EXPR_C_MINUS:
		if (u->c.bad || !sum(u, &x, depth + 1, wanted) || !sum(u, &y, depth + 1, wanted))
			return false;
		if (!wanted)
			return true;
		if (op == EXPR_C_APPEND)
			return append(u, &x, &y, out);
		return arith(u, view(u, &x), view(u, &y), op == EXPR_C_MINUS, out);
	default:
		u->c.bad = true;
		return false;
	}
}

/* ADD and DELETE.  Sets *keep to false if the attribute is to go, or to stay away. */
static bool combine(struct update *u, uint8_t kind, const struct expr_path *path, struct made *out, bool *keep)
{
	struct value v = expr_prog_value(&u->p, &u->c), old;
	size_t at = u->scratch.n;
	bool number = v.tag == ITEM_N && kind == EXPR_PROG_ADD;

	if (!number && v.tag != ITEM_SS && v.tag != ITEM_NS && v.tag != ITEM_BS)
		u->c.bad = true;
	if (u->c.bad)
		return false;
	*keep = true;
	*out = (struct made){ .v = v };
	if (!expr_find_path(&u->old, path, &old)) {
		*keep = kind == EXPR_PROG_ADD;
		return true;
	}
	if (old.tag != v.tag)
		return fail(u, EXPR_WRONG_TYPE);
	if (number)
		return arith(u, old, v, false, out);
	if (kind == EXPR_PROG_ADD)
		item_edit_union(&u->scratch, old, v);
	else
		*keep = item_edit_minus(&u->scratch, old, v);
	return !*keep || made(u, at, out);
}

static size_t put_steps(struct update *u, const struct expr_path *path)
{
	size_t first = u->steps_n;

	if (path->n > u->steps_cap - u->steps_n) {
		struct item_step *more = u->steps != u->steps_inline ? u->steps : NULL;

		u->steps_cap = 2 * u->steps_cap + path->n;
		more = mem_resize(more, u->steps_cap * sizeof *more);
		if (u->steps == u->steps_inline)
			memcpy(more, u->steps_inline, u->steps_n * sizeof *more);
		u->steps = more;
	}
	memcpy(u->steps + u->steps_n, path->step, path->n * sizeof *u->steps);
	u->steps_n += path->n;
	return first;
}

static bool action(struct update *u)
{
	struct expr_path path;
	struct pending *a = &u->pending[u->n];
	uint8_t kind = cur_u8(&u->c);

	expr_prog_path(&u->p, &u->c, &path);
	if (u->c.bad)
		return false;
	*a = (struct pending){ .keep = kind != EXPR_PROG_REMOVE };
	if (kind == EXPR_PROG_SET) {
		if (!sum(u, &a->value, 0, true))
			return false;
	} else if (kind == EXPR_PROG_ADD || kind == EXPR_PROG_DELETE) {
		if (!combine(u, kind, &path, &a->value, &a->keep))
			return false;
	} else if (kind != EXPR_PROG_REMOVE) {
		u->c.bad = true;
		return false;
	}
	a->first = put_steps(u, &path);
	a->steps = path.n;
	u->makes |= kind == EXPR_PROG_SET || kind == EXPR_PROG_ADD;
	u->n++;
	return true;
}

static bool actions(struct update *u)
{
	struct cur trie;
	uint64_t n;

	if (!expr_prog_update(&u->p, &u->c, &trie))
		u->c.bad = true;
	n = cur_varint(&u->c);
	if (n == 0 || n > EXPR_PROG_ACTIONS_MAX)
		u->c.bad = true;
	if (!u->c.bad && n > INLINE_ACTIONS)
		u->pending = mem_new(n * sizeof *u->pending);
	for (uint64_t i = 0; i < n && !u->c.bad; i++)
		if (!action(u))
			return false;
	if (!cur_done(&u->c))
		u->c.bad = true;
	return !u->c.bad;
}

static bool edit(struct update *u, struct bytes base, const struct item_edit *edits, struct buf *out)
{
	size_t at = out->n;

	switch (item_edit(out, base, edits, u->n)) {
	case ITEM_EDIT_OK:
		break;
	case ITEM_EDIT_PATH:
		return fail(u, WRONG_PATH);
	case ITEM_EDIT_DEPTH:
		return fail(u, TOO_DEEP);
	case ITEM_EDIT_OVERLAP:                 /* the compiler refuses it */
		u->c.bad = true;
		return false;
	}
	if (out->over || item_size((struct bytes){ out->p + at, out->n - at }) > ITEM_BYTES_MAX)
		return fail(u, TOO_LARGE);
	return true;
}

/* Now that scratch and steps move no more, they can be pointed to. */
static bool finish(struct update *u, struct bytes base, struct buf *out)
{
	struct item_edit edits_inline[INLINE_ACTIONS], *edits = edits_inline;
	size_t bytes = base.n;
	bool ok;

	if (u->n > INLINE_ACTIONS)
		edits = mem_new(u->n * sizeof *edits);
	for (size_t i = 0; i < u->n; i++) {
		const struct pending *a = &u->pending[i];

		edits[i] = (struct item_edit){ .steps = u->steps + a->first, .steps_n = a->steps };
		if (a->keep)
			edits[i].raw = view(u, &a->value).raw;
		bytes += edits[i].raw.n;
	}
	/* One value may be set 200 times over: what cannot become an item is not to be written first. */
	ok = bytes <= ITEM_ENCODED_MAX ? edit(u, base, edits, out) : fail(u, TOO_LARGE);
	if (edits != edits_inline)
		free(edits);
	return ok;
}

_Static_assert(EXPR_PROG_ACTIONS_MAX <= ITEM_EDITS_MAX, "an action makes an edit");

enum expr_result expr_apply_update(struct bytes prog, struct bytes old, struct bytes key, struct buf *out,
	const char **message)
{
	struct update u;
	enum expr_result r = EXPR_TRUE;
	size_t before = out->n;

	u.message = NULL;
	u.makes = false;
	u.n = u.steps_n = 0;
	u.steps_cap = INLINE_STEPS;
	u.pending = u.pending_inline;
	u.steps = u.steps_inline;
	buf_init(&u.scratch, SCRATCH_MAX);
	if (!expr_prog_open(&u.p, prog, EXPR_KIND_UPDATE))
		return EXPR_MALFORMED;
	expr_find_init(&u.old, old);
	if (!actions(&u) || !finish(&u, old.n > 0 ? old : key, out))
		r = u.c.bad ? EXPR_MALFORMED : EXPR_INVALID;
	if (r == EXPR_TRUE && old.n == 0 && !u.makes)
		out->n = before;                /* what is not there is not made in order to take something away */
	if (r == EXPR_INVALID) {
		assert(u.message != NULL);
		*message = u.message;
	}
	expr_find_fini(&u.old);
	buf_fini(&u.scratch);
	if (u.pending != u.pending_inline)
		free(u.pending);
	if (u.steps != u.steps_inline)
		free(u.steps);
	return r;
}
