/*
 * pjson: plain JSON to items and back, for people and pipes.
 *
 *   string S, number N (verbatim, never through a double), true false BOOL, null NULL, array L, object M
 *
 * Back, sets print as arrays and binary as base64 strings, so that way loses their types: `ddb --typed` (djson.h) is
 * lossless.  Numbers print in canonical plain digits.
 */
#ifndef COMMON_PJSON_H
#define COMMON_PJSON_H

#include "item.h"
#include "item_build.h"
#include "json.h"

#define PJSON_MESSAGE_MAX 256

/*
 * Read the object (pjson_item) or value (pjson_value) that r->token starts into b, which is reset first.
 * False with a message for people: malformed JSON with its byte, a number out of range, nesting too deep, no object.
 */
bool pjson_item(struct json_read *r, struct item_build *b, char message[PJSON_MESSAGE_MAX]);
bool pjson_value(struct json_read *r, struct item_build *b, char message[PJSON_MESSAGE_MAX]);

void pjson_write_item(struct json_write *w, struct bytes item);
void pjson_write_value(struct json_write *w, struct value v);

#endif
