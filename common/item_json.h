/*
 * item_json: items and values as JSON, in either of two forms.
 *   typed  DynamoDB's own: {"S":"x"}, numbers as strings
 *   plain  strings, numbers, true, null; sets as arrays and binary as base64 strings, so that way loses their types
 * Does not: read (djson.h, pjson.h).
 */
#ifndef COMMON_ITEM_JSON_H
#define COMMON_ITEM_JSON_H

#include "item.h"
#include "json.h"

void item_json_item(struct json_write *w, struct bytes item, bool typed);
void item_json_value(struct json_write *w, struct value v, bool typed);

#endif
