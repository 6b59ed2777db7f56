#include "pjson.h"

#include <stdio.h>

#include "item_json.h"

struct reading {
	struct json_read *r;
	struct item_build *b;
	char *message;
	unsigned depth;
};

static bool read_value(struct reading *x);

static bool refuse(struct reading *x, const char *what)
{
	snprintf(x->message, PJSON_MESSAGE_MAX, "byte %zu: %s", (size_t)(x->r->start - x->r->text), what);
	return false;
}

static bool malformed(struct reading *x)
{
	snprintf(x->message, PJSON_MESSAGE_MAX, "byte %zu: %s", x->r->error_at, x->r->error);
	return false;
}

static bool read_number(struct reading *x)
{
	struct num n;
	enum num_result r = num_parse(&n, x->r->str);

	if (r != NUM_OK)
		return refuse(x, r == NUM_TOO_PRECISE ? "number of more than 38 significant digits" :
		                 r == NUM_OVERFLOW  ? "number too large" :
		                 r == NUM_UNDERFLOW ? "number too small" : "number too long");
	item_build_n(x->b, &n);
	return true;
}

static bool read_entries(struct reading *x)
{
	while (json_read_next(x->r) == JSON_KEY) {
		item_build_name(x->b, x->r->str);
		json_read_next(x->r);
		if (!read_value(x))
			return false;
	}
	if (x->r->token == JSON_ERROR)
		return malformed(x);
	item_build_close(x->b);
	return true;
}

static bool read_elements(struct reading *x)
{
	for (json_read_next(x->r); x->r->token != JSON_ARRAY_END; json_read_next(x->r))
		if (!read_value(x))
			return false;
	item_build_close(x->b);
	return true;
}

static bool read_container(struct reading *x, uint8_t tag)
{
	bool ok;

	if (x->depth == ITEM_DEPTH_MAX)
		return refuse(x, "nested more than 32 levels deep");
	x->depth++;
	item_build_open(x->b, tag);
	ok = tag == ITEM_M ? read_entries(x) : read_elements(x);
	x->depth--;
	return ok;
}

static bool read_value(struct reading *x)
{
	switch (x->r->token) {
	case JSON_STRING:
		item_build_s(x->b, x->r->str);
		return true;
	case JSON_NUMBER:
		return read_number(x);
	case JSON_TRUE:
	case JSON_FALSE:
		item_build_bool(x->b, x->r->token == JSON_TRUE);
		return true;
	case JSON_NULL:
		item_build_null(x->b);
		return true;
	case JSON_OBJECT:
		return read_container(x, ITEM_M);
	case JSON_ARRAY:
		return read_container(x, ITEM_L);
	case JSON_ERROR:
		return malformed(x);
	default:
		return refuse(x, "a value was expected");
	}
}

static bool finish(struct reading *x, bool ok)
{
	if (ok && !item_build_ok(x->b))
		return refuse(x, "item too large");
	return ok;
}

bool pjson_item(struct json_read *r, struct item_build *b, char message[PJSON_MESSAGE_MAX])
{
	struct reading x = { .r = r, .b = b, .message = message };

	item_build_reset(b);
	message[0] = '\0';
	if (r->token == JSON_ERROR)
		return malformed(&x);
	if (r->token != JSON_OBJECT)
		return refuse(&x, "an item is a JSON object");
	item_build_item(b);
	return finish(&x, read_entries(&x));
}

bool pjson_value(struct json_read *r, struct item_build *b, char message[PJSON_MESSAGE_MAX])
{
	struct reading x = { .r = r, .b = b, .message = message };

	item_build_reset(b);
	message[0] = '\0';
	return finish(&x, read_value(&x));
}

/* --- writing ------------------------------------------------------------------------------------------------------ */

void pjson_write_item(struct json_write *w, struct bytes item)
{
	item_json_item(w, item, false);
}

void pjson_write_value(struct json_write *w, struct value v)
{
	item_json_value(w, v, false);
}
