/*
 * djson: DynamoDB's JSON ({"S":"x"}) to the binary form of item.h, and back.
 * Source: Amazon DynamoDB API Reference, AttributeValue; messages in the words of the service.
 *
 * The service first deserialises the whole request, then validates it.  So a serialisation error ends the reading at
 * once, while a validation error is remembered (the first one) and the value is read to its end, as a later
 * serialisation or syntax error outranks it.
 * Does not: check key schemas or the 400 KB limit.
 */
#ifndef COMMON_DJSON_H
#define COMMON_DJSON_H

#include "item.h"
#include "item_build.h"
#include "json.h"

#define DJSON_MESSAGE_MAX 512
#define DJSON_PREFIX "One or more parameter values were invalid: "

enum djson_result {
	DJSON_OK,
	DJSON_SYNTAX,                                    /* not JSON: see r->error; SerializationException */
	DJSON_SERIALIZATION,                             /* SerializationException: a wrong JSON type */
	DJSON_VALIDATION,                                /* ValidationException */
};

struct djson_error {
	enum djson_result result;
	char message[DJSON_MESSAGE_MAX];                 /* UTF-8, cut to fit; empty for OK and SYNTAX */
};

/*
 * Read an attribute map, or one AttributeValue, into b: as an item (djson_item: b is reset first) or as one value
 * (djson_value: b is reset first).  r->token is the value's first token, and afterwards its last, except after SYNTAX
 * and SERIALIZATION.  e->message is filled in.  On OK item_build_view(b) is the result.
 */
enum djson_result djson_item(struct json_read *r, struct item_build *b, struct djson_error *e);
enum djson_result djson_value(struct json_read *r, struct item_build *b, struct djson_error *e);

/*
 * Fills in e for a JSON token where another was wanted: SERIALIZATION with the service's wording.  want is JSON_STRING,
 * JSON_NUMBER, JSON_TRUE (any boolean), JSON_ARRAY, JSON_OBJECT (a structure) or JSON_KEY (a map).  For the router's
 * other members too.
 */
enum djson_result djson_mismatch(struct djson_error *e, enum json_token got, enum json_token want);

/* For those members: the next element of an array, or member of an object; false at its end, or at a syntax error. */
bool djson_more(struct json_read *r);
enum djson_result djson_ended(const struct json_read *r, struct djson_error *e);     /* which of the two it was */
enum djson_result djson_skip(struct json_read *r, struct djson_error *e);            /* over the value that begins here */

/* Write an item as an attribute map, one value as an AttributeValue. */
void djson_write_item(struct json_write *w, struct bytes item);
void djson_write_value(struct json_write *w, struct value v);

#endif
