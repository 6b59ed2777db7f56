/*
 * json: a strict pull reader (RFC 8259) and a writer.
 * Refuses bad UTF-8, lone surrogates, control characters in strings, duplicate keys, trailing data.  The verdict is
 * jansson's with JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | JSON_ALLOW_NUL, but numbers stay text, of any size, and
 * keys, too, may have a \u0000.
 * Does not: build trees, convert numbers.
 *
 *   struct json_read r;
 *   json_read_init(&r, text, JSON_DEPTH_MAX);
 *   if (json_read_next(&r) == JSON_OBJECT)
 *           while (json_read_next(&r) == JSON_KEY) {
 *                   struct bytes name = r.str;
 *                   json_read_next(&r);                  -- first token of the value
 *                   .. use it, or json_read_skip(&r);    -- now its last token
 *           }
 *   ok = json_read_finish(&r);
 *   json_read_fini(&r);
 *
 * Convention for all functions that consume a value: r->token is the value's first token when they are called, and its
 * last when they return.  JSON_ERROR is sticky.
 */
#ifndef COMMON_JSON_H
#define COMMON_JSON_H

#include "bytes.h"

#define JSON_BYTES_MAX ((size_t)64 << 20)                /* longer texts are refused */
#define JSON_DEPTH_MAX 256                               /* a usual depth_max; the greatest is JSON_DEPTH_LIMIT */
#define JSON_DEPTH_LIMIT 2048

enum json_token {
	JSON_ERROR,
	JSON_END,                                        /* after the one top-level value */
	JSON_OBJECT,
	JSON_OBJECT_END,
	JSON_ARRAY,
	JSON_ARRAY_END,
	JSON_KEY,
	JSON_STRING,
	JSON_NUMBER,
	JSON_TRUE,
	JSON_FALSE,
	JSON_NULL,
};

struct json_read {
	enum json_token token;                           /* the last one read */
	struct bytes str;                                /* JSON_KEY, JSON_STRING: decoded; JSON_NUMBER: verbatim */
	const char *error;                               /* after JSON_ERROR: what is wrong, a short phrase */
	size_t error_at;                                 /* and at which byte of the text */
	unsigned depth;                                  /* open objects and arrays */

	/* private */
	const uint8_t *text, *p, *end, *start;           /* start: of the last token */
	unsigned depth_max;
	int expect;
	uint8_t *arena;
	size_t arena_n;
	struct bytes *keys;
	size_t keys_n, keys_cap;
	struct json_level *levels;
	unsigned levels_cap;
};

/* Borrows text until fini.  depth_max: 1..JSON_DEPTH_LIMIT open objects and arrays. */
void json_read_init(struct json_read *r, struct bytes text, unsigned depth_max);
void json_read_fini(struct json_read *r);
/* The same reader for another text; keeps its memory. */
void json_read_reset(struct json_read *r, struct bytes text);

/* The next token.  Views in str are valid until fini or reset (they point into the text, or into the reader). */
enum json_token json_read_next(struct json_read *r);

/* Consumes the value that r->token starts; false on an error. */
bool json_read_skip(struct json_read *r);
/* Reads to the end of the text; true if all of it is well-formed.  For callers that have stopped early. */
bool json_read_finish(struct json_read *r);
/* The same as skip, and the value's own text, verbatim. */
bool json_read_raw(struct json_read *r, struct bytes *out);

/*
 * The writer appends to a buf; commas and colons are its own.  A zeroed struct with b set is ready.
 * The caller pairs begins with ends and gives a key before each value in an object.
 */
struct json_write {
	struct buf *b;
	bool comma;                                      /* the next key or value needs one in front */
};

void json_write_object(struct json_write *w);
void json_write_object_end(struct json_write *w);
void json_write_array(struct json_write *w);
void json_write_array_end(struct json_write *w);
void json_write_key(struct json_write *w, struct bytes key);
void json_write_name(struct json_write *w, const char *key); /* a key that needs no escapes */
void json_write_string(struct json_write *w, struct bytes s); /* s is UTF-8 */
void json_write_str(struct json_write *w, const char *s);
void json_write_number(struct json_write *w, struct bytes digits); /* verbatim */
void json_write_u64(struct json_write *w, uint64_t v);
void json_write_double(struct json_write *w, double v, unsigned decimals); /* finite */
void json_write_bool(struct json_write *w, bool v);
void json_write_null(struct json_write *w);
void json_write_base64(struct json_write *w, struct bytes v); /* a string */
void json_write_raw(struct json_write *w, struct bytes json); /* one whole value, verbatim */

/* Strict base64 (RFC 4648, padded, no spaces, zero trailing bits). */
size_t json_base64_size(struct bytes text);              /* bytes that a well-formed text decodes to, at most */
bool json_base64_decode(struct bytes text, uint8_t *out, size_t *n); /* out has room for json_base64_size */

#endif
