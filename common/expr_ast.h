/*
 * expr_ast: a parsed expression, before names and values are looked up.
 * Nodes are in an array in the order in which they end in the text, so children come before their parent and a loop
 * over the array visits everything in the order of the text.  Node 0 and step 0 are nobody.
 */
#ifndef COMMON_EXPR_AST_H
#define COMMON_EXPR_AST_H

#include "bytes.h"

struct expr_alias;

enum expr_node_kind {
	EXPR_N_PATH, EXPR_N_VALUE, EXPR_N_FUNCTION,
	EXPR_N_COMPARE, EXPR_N_BETWEEN, EXPR_N_IN,      /* conditions; a function may be one */
	EXPR_N_AND, EXPR_N_OR, EXPR_N_NOT,
	EXPR_N_ARITH,                                   /* + and -, in updates */
};

struct expr_node {
	uint8_t kind;
	uint8_t op;                                     /* COMPARE, ARITH: the token */
	bool paren;                                     /* stands in parentheses */
	bool condition;                                 /* a function that is used as a condition */
	uint16_t first, last, next, kids;               /* children as a list */
	uint16_t step, steps;                           /* PATH: where in the array of steps */
	struct expr_alias *alias;                       /* VALUE: once resolved */
	struct bytes text;                              /* VALUE: alias; FUNCTION: name; operators: as written */
	struct bytes to;                                /* VALUE: binary value, once resolved */
};

struct expr_step {
	struct bytes name;                              /* as written; once resolved, the attribute's name */
	uint32_t index;
	bool is_index, is_alias;
	struct expr_alias *alias;                       /* once resolved, if is_alias */
};

enum expr_action_kind { EXPR_A_SET = 1, EXPR_A_REMOVE, EXPR_A_ADD, EXPR_A_DELETE };

struct expr_action {
	uint8_t kind;
	uint16_t path, value;                           /* nodes; REMOVE and projections have no value */
};

struct expr_ast {
	struct expr_node *nodes;
	struct expr_step *steps;
	struct expr_action *actions;                    /* of an update, or a projection's paths; from 0 */
	size_t nodes_n, nodes_cap, steps_n, steps_cap, actions_n, actions_cap;
	uint16_t root;                                  /* of a condition */
	size_t operators;
	bool redundant;                                 /* ((x)) was seen */
	uint8_t section_twice;                          /* action kind of the first section that came twice, or 0 */
};

void expr_ast_init(struct expr_ast *a);
void expr_ast_fini(struct expr_ast *a);
uint16_t expr_ast_node(struct expr_ast *a, enum expr_node_kind kind, struct bytes text);
uint16_t expr_ast_step(struct expr_ast *a, struct expr_step step);
void expr_ast_action(struct expr_ast *a, enum expr_action_kind kind, uint16_t path, uint16_t value);
void expr_ast_child(struct expr_ast *a, uint16_t parent, uint16_t child); /* as the last one */
uint16_t expr_ast_kid(const struct expr_ast *a, uint16_t node, size_t i); /* 0 if there are fewer */
void expr_ast_path_text(const struct expr_ast *a, const struct expr_node *path, struct buf *out); /* [a, [1], b] */

#endif
