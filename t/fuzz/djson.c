/*
 * djson and pjson: any text becomes a valid item or is refused with a message; an item survives being written and read
 * again.
 */
#include "djson.h"

#include <assert.h>
#include <string.h>

#include "pjson.h"

static void check_typed(struct bytes text)
{
	struct buf out = { .p = NULL };
	struct json_write w = { .b = &out };
	struct item_build b, again;
	struct djson_error e;
	struct json_read r;
	enum djson_result result;

	item_build_init(&b);
	item_build_init(&again);
	json_read_init(&r, text, JSON_DEPTH_MAX);
	json_read_next(&r);
	result = djson_item(&r, &b, &e);
	assert(result == e.result);
	assert((result == DJSON_SYNTAX) == (r.token == JSON_ERROR));
	assert((e.message[0] != '\0') == (result == DJSON_SERIALIZATION || result == DJSON_VALIDATION));
	assert(strlen(e.message) < sizeof e.message && bytes_utf8(bytes_str(e.message)));
	if (result == DJSON_OK || result == DJSON_VALIDATION)
		assert(r.token == JSON_OBJECT_END && r.depth == 0);
	if (result == DJSON_OK) {
		assert(item_check(item_build_view(&b)));
		djson_write_item(&w, item_build_view(&b));
		json_read_reset(&r, buf_view(&out));
		json_read_next(&r);
		assert(djson_item(&r, &again, &e) == DJSON_OK);
		assert(bytes_eq(item_build_view(&b), item_build_view(&again)));
	}
	json_read_fini(&r);
	item_build_fini(&b);
	item_build_fini(&again);
	buf_fini(&out);
}

static void check_plain(struct bytes text)
{
	struct buf out = { .p = NULL };
	struct json_write w = { .b = &out };
	struct item_build b, again;
	char message[PJSON_MESSAGE_MAX];
	struct json_read r;

	item_build_init(&b);
	item_build_init(&again);
	json_read_init(&r, text, JSON_DEPTH_MAX);
	json_read_next(&r);
	if (pjson_item(&r, &b, message)) {
		assert(item_check(item_build_view(&b)) && message[0] == '\0');
		pjson_write_item(&w, item_build_view(&b));
		json_read_reset(&r, buf_view(&out));
		json_read_next(&r);
		assert(pjson_item(&r, &again, message));
		assert(bytes_eq(item_build_view(&b), item_build_view(&again)));
	} else {
		assert(message[0] != '\0');
	}
	json_read_fini(&r);
	item_build_fini(&b);
	item_build_fini(&again);
	buf_fini(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	check_typed((struct bytes){ data, n });
	check_plain((struct bytes){ data, n });
	return 0;
}
