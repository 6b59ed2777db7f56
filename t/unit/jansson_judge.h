/*
 * jansson_judge.h: jansson's verdict on a text.  Include it before json.h: both name their tokens JSON_OBJECT and so
 * on, so jansson's are renamed here.
 */
#ifndef T_JANSSON_JUDGE_H
#define T_JANSSON_JUDGE_H

#define JSON_OBJECT JANSSON_OBJECT
#define JSON_ARRAY JANSSON_ARRAY
#define JSON_STRING JANSSON_STRING
#define JSON_TRUE JANSSON_TRUE
#define JSON_FALSE JANSSON_FALSE
#define JSON_NULL JANSSON_NULL
#include <jansson.h>
#undef JSON_OBJECT
#undef JSON_ARRAY
#undef JSON_STRING
#undef JSON_TRUE
#undef JSON_FALSE
#undef JSON_NULL

#include "bytes.h"

/* error as jansson puts it, when it refuses; it tells where its limits differ from ours. */
static inline bool jansson_accepts(struct bytes text, json_error_t *error)
{
	json_t *j = json_loadb(text.n > 0 ? (const char *)text.p : "", text.n,
	                       JSON_DECODE_ANY | JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, error);
	bool ok = j != NULL;

	json_decref(j);
	return ok;
}

#endif
