/*
 * json: accepts exactly what jansson accepts, but for the size of numbers, the depth, a NUL byte, which jansson loses
 * behind a number, and \u0000 in a key; what it reads can be written.
 */
#include "../unit/jansson_judge.h"

#include <assert.h>
#include <string.h>

#include "json.h"

/* The tokens of text, written again; false if text is refused. */
static bool rewrite(struct json_read *r, struct buf *out)
{
	struct json_write w = { .b = out };

	for (;;)
		switch (json_read_next(r)) {
		case JSON_ERROR:
			return false;
		case JSON_END:
			return true;
		case JSON_OBJECT:
			json_write_object(&w);
			break;
		case JSON_OBJECT_END:
			json_write_object_end(&w);
			break;
		case JSON_ARRAY:
			json_write_array(&w);
			break;
		case JSON_ARRAY_END:
			json_write_array_end(&w);
			break;
		case JSON_KEY:
			json_write_key(&w, r->str);
			break;
		case JSON_STRING:
			json_write_string(&w, r->str);
			break;
		case JSON_NUMBER:
			json_write_number(&w, r->str);
			break;
		case JSON_TRUE:
		case JSON_FALSE:
			json_write_bool(&w, r->token == JSON_TRUE);
			break;
		case JSON_NULL:
			json_write_null(&w);
			break;
		}
}

static void check_base64(struct bytes text)
{
	uint8_t out[4096];
	struct buf b = { .p = NULL };
	struct json_write w = { .b = &b };
	size_t n;

	if (json_base64_size(text) > sizeof out || !json_base64_decode(text, out, &n))
		return;
	json_write_base64(&w, (struct bytes){ out, n });
	assert(bytes_eq((struct bytes){ b.p + 1, b.n - 2 }, text));
	buf_fini(&b);
}

static bool limits_differ(const struct json_read *r, json_error_t *error)
{
	if (r->error != NULL)
		return strcmp(r->error, "nested too deeply") == 0;
	return json_error_code(error) == json_error_numeric_overflow ||
	       json_error_code(error) == json_error_stack_overflow ||
	       json_error_code(error) == json_error_null_byte_in_key;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct bytes text = { data, n };
	struct buf once = { .p = NULL }, twice = { .p = NULL };
	json_error_t error = { .line = 0 };
	struct json_read r;
	bool ours, theirs = jansson_accepts(text, &error);

	json_read_init(&r, text, JSON_DEPTH_LIMIT);
	ours = rewrite(&r, &once);
	if (n > 0 && memchr(data, 0, n) != NULL)
		assert(!ours);
	else
		assert(ours == theirs || limits_differ(&r, &error));
	if (ours) {
		assert(!once.over);
		json_read_reset(&r, buf_view(&once));
		assert(rewrite(&r, &twice) && bytes_eq(buf_view(&once), buf_view(&twice)));
	}
	json_read_fini(&r);
	buf_fini(&once);
	buf_fini(&twice);
	check_base64(text);
	return 0;
}
