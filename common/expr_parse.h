/*
 * expr_parse: the grammar.
 *
 *   condition   or := and { OR and };  and := not { AND not };  not := NOT not | ( or ) | test
 *   test        operand (= <> < <= > >=) operand | operand BETWEEN operand AND operand
 *               | operand IN ( operand {, operand} ) | function
 *   operand     path | :value | function | ( operand )
 *   function    word ( operand {, operand} )
 *   path        (word | #alias) { . (word | #alias) | [ number ] }
 *   update      { SET path = sum {, ..} | REMOVE path {, ..} | ADD path :value {, ..} | DELETE path :value {, ..} }
 *   sum         operand [ (+ | -) operand ] | ( sum )
 *   projection  path {, path}
 *
 * Keywords in any case; function names in theirs.  Which functions exist, and everything that needs names or values, is
 * expr_sem's.  Each function returns false with a message that still wants its "Invalid ..: " in front.
 */
#ifndef COMMON_EXPR_PARSE_H
#define COMMON_EXPR_PARSE_H

#include "expr_ast.h"

bool expr_parse_condition(struct bytes text, struct expr_ast *a, struct buf *err);
bool expr_parse_update(struct bytes text, struct expr_ast *a, struct buf *err);
bool expr_parse_projection(struct bytes text, struct expr_ast *a, struct buf *err);

#endif
