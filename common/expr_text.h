/*
 * expr_text: values and foreign bytes in messages, logs and golden files.
 */
#ifndef COMMON_EXPR_TEXT_H
#define COMMON_EXPR_TEXT_H

#include "item.h"

#define EXPR_TEXT_QUOTE_MAX ((size_t)4096)      /* of one name or value in a message; the rest is cut */

void expr_text_quote(struct bytes text, struct buf *out);
/* {S:abc} {N:1.5} {BOOL:true} {NULL:true} {SS:[a, b]} {L:[{S:x}]} {M:{a={N:1}}}; binary in hexadecimal. */
void expr_text_value(struct value v, struct buf *out);
/* Of a literal's type in messages: "STRING", "NUMBER", .., "MAP"; sets have no such name: NULL. */
const char *expr_text_type(uint8_t tag);

#endif
