/*
 * expr_prog: the program format, version 1.  Format:
 *
 *   u8 version = 1, u8 kind (enum expr_kind), u16 names, u16 values, u16 bytes of code, > 0
 *   u32 end[names + values]      where each one's bytes end in the heap; it starts where the one before ends
 *   heap                         names as they are, values as item.h binary values
 *   code                         the rest
 *
 * Code of a condition: instructions, run in order, over one truth.
 *   test      EQ NE LT LE GT GE BEGINS CONTAINS  operand operand
 *             BETWEEN operand operand operand;  IN varint n, operand, n operands;  TYPE operand u8 tag
 *             EXISTS path;  ABSENT path
 *   NOT       turns the truth
 *   AND OR    u16 n: the truth so far is the left side; if that decides, skip the n bytes of the right side
 * A condition is a test, or a condition followed by NOT, or a condition, AND or OR, and a condition of n bytes.
 * The tag of TYPE is an item_tag; ITEM_FALSE stands for both booleans.
 *
 * Code of an update: u16 bytes of what follows up to the trie, varint n, n actions, then a trie of their paths.
 *   action    SET path sum;  REMOVE path;  ADD path varint value;  DELETE path varint value
 *   sum       VALUE varint;  PATH path;  IF_NOT_EXISTS path sum;  APPEND PLUS MINUS  sum sum
 * Code of a projection: a trie.
 *   trie      varint n = 0 for a whole value; else n times (step, trie), steps all names or all indexes, ascending
 *
 *   operand   VALUE varint, or PATH path, or SIZE and one of these two
 *   path      varint n, n steps, the first a name
 *   step      varint: name << 1, or index << 1 | 1
 */
#ifndef COMMON_EXPR_PROG_H
#define COMMON_EXPR_PROG_H

#include "bytes.h"
#include "expr.h"
#include "expr_eval.h"
#include "item_edit.h"

#define EXPR_PROG_VERSION 1
#define EXPR_PROG_CODE_MAX ((size_t)65535)
#define EXPR_PROG_STEPS_MAX (ITEM_DEPTH_MAX + 1)
#define EXPR_PROG_ACTIONS_MAX ((size_t)2048)

enum expr_prog_op {
	EXPR_C_EQ = 1, EXPR_C_NE, EXPR_C_LT, EXPR_C_LE, EXPR_C_GT, EXPR_C_GE, EXPR_C_BETWEEN, EXPR_C_IN, EXPR_C_EXISTS,
	EXPR_C_ABSENT, EXPR_C_TYPE, EXPR_C_BEGINS, EXPR_C_CONTAINS, EXPR_C_NOT, EXPR_C_AND, EXPR_C_OR,
	EXPR_C_VALUE = 32, EXPR_C_PATH, EXPR_C_SIZE, EXPR_C_IF_NOT_EXISTS, EXPR_C_APPEND, EXPR_C_PLUS, EXPR_C_MINUS,
};

enum expr_prog_action { EXPR_PROG_SET = 1, EXPR_PROG_REMOVE, EXPR_PROG_ADD, EXPR_PROG_DELETE };

/* A program opened for reading.  Everything is bounds-checked on use; what is wrong sets the cursor's bad flag. */
struct expr_prog {
	const uint8_t *ends;
	struct bytes heap, code;
	uint16_t names, values;
	enum expr_kind kind;
};

struct expr_path {
	struct item_step step[EXPR_PROG_STEPS_MAX];
	size_t n;
};

bool expr_prog_open(struct expr_prog *p, struct bytes prog, enum expr_kind kind);
struct bytes expr_prog_name(const struct expr_prog *p, struct cur *c, uint64_t i);
struct bytes expr_prog_value_bytes(const struct expr_prog *p, struct cur *c, uint64_t i);
struct value expr_prog_value(const struct expr_prog *p, struct cur *c);                    /* varint, looked up */
void expr_prog_step(const struct expr_prog *p, struct cur *c, struct item_step *step);
void expr_prog_path(const struct expr_prog *p, struct cur *c, struct expr_path *path);
/* The two parts of an update's code; false if it has not two. */
bool expr_prog_update(const struct expr_prog *p, struct cur *actions, struct cur *trie);

#endif
