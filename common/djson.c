#include "djson.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define TOO_LARGE "Item size has exceeded the maximum allowed size"
#define TOO_DEEP                                                                                                       \
	"Nesting Levels have exceeded supported limits: "                                                              \
	"Attributes in the item have nested levels beyond supported limit"

struct reading {
	struct json_read *r;
	struct item_build *b;
	struct djson_error *e;
	struct buf binary;                               /* an element of a BS, decoded */
	unsigned depth;                                  /* lists and maps around the value at hand */
};

/* --- errors ------------------------------------------------------------------------------------------------------- */

static void vset_error(struct djson_error *e, enum djson_result result, const char *fmt, va_list ap)
{
	int n = vsnprintf(e->message, sizeof e->message, fmt, ap);
	size_t kept = strlen(e->message);

	e->result = result;
	if (n >= (int)sizeof e->message)                 /* cut, so perhaps inside a character */
		while (kept > 0 && !bytes_utf8((struct bytes){ (const uint8_t *)e->message, kept }))
			e->message[--kept] = '\0';
}

static void __attribute__((format(printf, 3, 4)))
set_error(struct djson_error *e, enum djson_result result, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vset_error(e, result, fmt, ap);
	va_end(ap);
}

/* The first validation error stays; reading goes on. */
static void __attribute__((format(printf, 2, 3))) invalid(struct reading *x, const char *fmt, ...)
{
	va_list ap;

	if (x->e->result != DJSON_OK)
		return;
	va_start(ap, fmt);
	vset_error(x->e, DJSON_VALIDATION, fmt, ap);
	va_end(ap);
}

static const char *token_value_name(enum json_token t)
{
	switch (t) {
	case JSON_NUMBER:
		return "NUMBER_VALUE";
	case JSON_TRUE:
		return "TRUE_VALUE";
	case JSON_FALSE:
		return "FALSE_VALUE";
	default:
		return "STRING_VALUE";
	}
}

enum djson_result djson_mismatch(struct djson_error *e, enum json_token got, enum json_token want)
{
	enum djson_result s = DJSON_SERIALIZATION;

	if (got == JSON_ERROR) {
		*e = (struct djson_error){ .result = DJSON_SYNTAX };
		return e->result;
	}
	if (got == JSON_OBJECT)
		set_error(e, s, "Start of structure or map found where not expected");
	else if (got == JSON_ARRAY)
		set_error(e, s, "Start of list found where not expected");
	else if (want == JSON_ARRAY || want == JSON_KEY)
		set_error(e, s, "Unexpected field type");
	else if (want == JSON_OBJECT)
		set_error(e, s, "Unexpected value type in payload");
	else if (want == JSON_TRUE && got == JSON_STRING)
		set_error(e, s, "Unexpected token received from parser");
	else
		set_error(e, s, "%s cannot be converted to %s", token_value_name(got),
		          want == JSON_STRING ? "String" : want == JSON_NUMBER ? "Integer" : "Boolean");
	return e->result;
}

bool djson_more(struct json_read *r)
{
	enum json_token token = json_read_next(r);

	return token != JSON_ERROR && token != JSON_ARRAY_END && token != JSON_OBJECT_END;
}

enum djson_result djson_ended(const struct json_read *r, struct djson_error *e)
{
	return r->token == JSON_ERROR ? djson_mismatch(e, JSON_ERROR, JSON_OBJECT) : DJSON_OK;
}

enum djson_result djson_skip(struct json_read *r, struct djson_error *e)
{
	return json_read_skip(r) ? DJSON_OK : djson_mismatch(e, JSON_ERROR, JSON_OBJECT);
}

/* Is the current token the wanted one?  If not, the reading is over. */
static bool want(struct reading *x, enum json_token token)
{
	if (x->r->token == (token == JSON_KEY ? JSON_OBJECT : token))
		return true;
	djson_mismatch(x->e, x->r->token, token);
	return false;
}

/* The next token of an array or object; false on a syntax error. */
static bool next(struct reading *x)
{
	if (json_read_next(x->r) != JSON_ERROR)
		return true;
	*x->e = (struct djson_error){ .result = DJSON_SYNTAX };
	return false;
}

/* --- reading ------------------------------------------------------------------------------------------------------ */

static uint8_t tag_of(struct bytes name)
{
	switch (name.n) {
	case 1:
		switch (name.p[0]) {
		case 'S':
			return ITEM_S;
		case 'N':
			return ITEM_N;
		case 'B':
			return ITEM_B;
		case 'L':
			return ITEM_L;
		case 'M':
			return ITEM_M;
		default:
			return ITEM_NONE;
		}
	case 2:
		return name.p[1] != 'S' ? ITEM_NONE :
		       name.p[0] == 'S' ? ITEM_SS : name.p[0] == 'N' ? ITEM_NS : name.p[0] == 'B' ? ITEM_BS : ITEM_NONE;
	default:
		return bytes_is(name, "BOOL") ? ITEM_TRUE : bytes_is(name, "NULL") ? ITEM_NULL : ITEM_NONE;
	}
}

/* A number from the current string; 0 in place of an invalid one. */
static void get_number(struct reading *x, struct num *n)
{
	struct bytes text = x->r->str;
	enum num_result r = num_parse(n, text);

	if (r == NUM_OK)
		return;
	*n = num_of_u64(0);
	if (r == NUM_MALFORMED && text.n > 0)
		invalid(x, "%s: %.*s", num_message(r), text.n > NUM_TEXT_MAX ? (int)NUM_TEXT_MAX : (int)text.n,
		        (const char *)text.p);
	else
		invalid(x, "%s", num_message(r));
}

/* The current string's bytes to out; a blob that is no base64 cannot be deserialised. */
static bool get_binary(struct reading *x, uint8_t *out, size_t *n)
{
	struct bytes text = x->r->str;

	if (json_base64_decode(text, out, n))
		return true;
	if (text.n % 4 != 0)
		set_error(x->e, DJSON_SERIALIZATION,
		          "Base64 encoded length is expected a multiple of 4 bytes but found: %zu", text.n);
	else
		set_error(x->e, DJSON_SERIALIZATION, "Invalid Base64 character detected");
	return false;
}

/* The bytes that base64 text of the right shape decodes to: so that the builder can make the room first. */
static size_t binary_size(struct bytes text)
{
	size_t n = json_base64_size(text);

	for (size_t i = 1; i <= 2 && n > 0 && text.p[text.n - i] == '='; i++)
		n--;
	return n;
}

static bool read_binary(struct reading *x)
{
	size_t n = binary_size(x->r->str), got;
	uint8_t *out = item_build_b_room(x->b, n);

	return out == NULL || get_binary(x, out, &got);
}

static bool read_binary_element(struct reading *x)
{
	uint8_t *out;
	size_t n;

	buf_clear(&x->binary);
	out = buf_room(&x->binary, json_base64_size(x->r->str));
	if (out == NULL) {
		invalid(x, "%s", TOO_LARGE);
		return true;
	}
	if (!get_binary(x, out, &n))
		return false;
	item_build_element(x->b, (struct bytes){ out, n });
	return true;
}

static bool read_element(struct reading *x, uint8_t tag)
{
	uint8_t text[NUM_BYTES_MAX];
	struct num n;

	switch (tag) {
	case ITEM_SS:
		item_build_element(x->b, x->r->str);
		return true;
	case ITEM_NS:
		get_number(x, &n);
		item_build_element(x->b, (struct bytes){ text, num_encode(text, &n) });
		return true;
	default:
		return read_binary_element(x);
	}
}

/* The message shows the elements as they came, so it reads the set's text again. */
static void duplicates(struct reading *x, uint8_t tag, struct bytes text)
{
	struct buf list = { .max = DJSON_MESSAGE_MAX };
	struct json_read r;
	bool first = true;

	if (tag == ITEM_NS) {
		invalid(x, "Input collection contains duplicates");
		return;
	}
	json_read_init(&r, text, 1);
	json_read_next(&r);
	while (json_read_next(&r) == JSON_STRING && !list.over) {
		if (!first)
			buf_str(&list, ", ");
		buf_put(&list, r.str.p, r.str.n < DJSON_MESSAGE_MAX - list.n ? r.str.n : DJSON_MESSAGE_MAX - list.n);
		first = false;
	}
	invalid(x, DJSON_PREFIX "Input collection [%.*s]%s contains duplicates.", (int)list.n, (const char *)list.p,
	        tag == ITEM_BS ? "of type BS" : "");
	json_read_fini(&r);
	buf_fini(&list);
}

static bool read_set(struct reading *x, uint8_t tag)
{
	const uint8_t *start = x->r->start;
	size_t n = 0;
	bool bad;

	item_build_open(x->b, tag);
	while (next(x) && x->r->token != JSON_ARRAY_END) {
		if (!want(x, JSON_STRING) || !read_element(x, tag))
			return false;
		n++;
	}
	if (x->r->token == JSON_ERROR)
		return false;
	if (n == 0)
		invalid(x, DJSON_PREFIX "%s",
		        tag == ITEM_SS   ? "An string set  may not be empty" :
		        tag == ITEM_NS ? "An number set  may not be empty" : "Binary sets should not be empty");
	bad = x->b->bad;
	if (!item_build_close(x->b) && !bad && x->e->result == DJSON_OK)
		duplicates(x, tag, (struct bytes){ start, (size_t)(x->r->p - start) });
	return true;
}

static bool read_value(struct reading *x);

static bool read_list(struct reading *x)
{
	item_build_open(x->b, ITEM_L);
	while (next(x) && x->r->token != JSON_ARRAY_END)
		if (!read_value(x))
			return false;
	if (x->r->token == JSON_ERROR)
		return false;
	item_build_close(x->b);
	return true;
}

/* Entries of an item or a map, which is open in the builder. */
static bool read_entries(struct reading *x)
{
	while (next(x) && x->r->token != JSON_OBJECT_END) {
		if (x->r->str.n == 0 && x->depth == 0)
			invalid(x, DJSON_PREFIX "An attribute name must not be empty");
		item_build_name(x->b, x->r->str);
		if (!next(x) || !read_value(x))
			return false;
	}
	if (x->r->token == JSON_ERROR)
		return false;
	item_build_close(x->b);
	return true;
}

static bool read_container(struct reading *x, uint8_t tag)
{
	bool ok;

	if (x->depth == ITEM_DEPTH_MAX) {
		invalid(x, "%s", TOO_DEEP);
		item_build_null(x->b);
		json_read_skip(x->r);
		if (x->r->token == JSON_ERROR)
			*x->e = (struct djson_error){ .result = DJSON_SYNTAX };
		return x->r->token != JSON_ERROR;
	}
	x->depth++;
	if (tag == ITEM_L) {
		ok = read_list(x);
	} else {
		item_build_open(x->b, ITEM_M);
		ok = read_entries(x);
	}
	x->depth--;
	return ok;
}

/* What stands behind the type's name. */
static bool read_typed(struct reading *x, uint8_t tag)
{
	static const uint8_t wanted[] = {
		[ITEM_S] = JSON_STRING, [ITEM_N] = JSON_STRING, [ITEM_B] = JSON_STRING, [ITEM_SS] = JSON_ARRAY,
		[ITEM_NS] = JSON_ARRAY, [ITEM_BS] = JSON_ARRAY, [ITEM_L] = JSON_ARRAY,  [ITEM_M] = JSON_KEY,
		[ITEM_TRUE] = JSON_TRUE, [ITEM_NULL] = JSON_TRUE,
	};
	enum json_token token = x->r->token;
	struct num n;

	if (!(wanted[tag] == JSON_TRUE && token == JSON_FALSE) && !want(x, wanted[tag]))
		return false;
	switch (tag) {
	case ITEM_S:
		item_build_s(x->b, x->r->str);
		return true;
	case ITEM_N:
		get_number(x, &n);
		item_build_n(x->b, &n);
		return true;
	case ITEM_B:
		return read_binary(x);
	case ITEM_TRUE:
		item_build_bool(x->b, token == JSON_TRUE);
		return true;
	case ITEM_NULL:
		if (token == JSON_FALSE)
			invalid(x, DJSON_PREFIX "Null attribute value types must have the value of true");
		item_build_null(x->b);
		return true;
	case ITEM_L:
	case ITEM_M:
		return read_container(x, tag);
	default:
		return read_set(x, tag);
	}
}

/* A second type of one value: an error, but its JSON has to be read. */
static bool read_superfluous(struct reading *x)
{
	invalid(x, "Supplied AttributeValue has more than one datatypes set, "
	           "must contain exactly one of the supported datatypes");
	json_read_skip(x->r);
	if (x->r->token == JSON_ERROR)
		*x->e = (struct djson_error){ .result = DJSON_SYNTAX };
	return x->r->token != JSON_ERROR;
}

/* One AttributeValue.  Members that are null or unknown count as absent, as in all of the service's structures. */
static bool read_value(struct reading *x)
{
	bool have = false;

	if (x->r->token != JSON_NULL) {
		if (!want(x, JSON_OBJECT))
			return false;
		while (next(x) && x->r->token != JSON_OBJECT_END) {
			uint8_t tag = tag_of(x->r->str);

			if (!next(x))
				return false;
			if (tag == ITEM_NONE || x->r->token == JSON_NULL) {
				if (!json_read_skip(x->r))
					break;
			} else if (have ? !read_superfluous(x) : !read_typed(x, tag)) {
				return false;
			} else {
				have = true;
			}
		}
		if (x->r->token == JSON_ERROR) {
			*x->e = (struct djson_error){ .result = DJSON_SYNTAX };
			return false;
		}
	}
	if (!have) {
		invalid(x, "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes");
		item_build_null(x->b);
	}
	return true;
}

static struct reading begin(struct json_read *r, struct item_build *b, struct djson_error *e)
{
	e->result = DJSON_OK;
	e->message[0] = '\0';
	item_build_reset(b);
	return (struct reading){ .r = r, .b = b, .e = e, .binary = { .max = ITEM_ENCODED_MAX } };
}

static enum djson_result end(struct reading *x, bool read)
{
	buf_fini(&x->binary);
	if (read && !item_build_ok(x->b))
		invalid(x, "%s", TOO_LARGE);
	return x->e->result;
}

enum djson_result djson_item(struct json_read *r, struct item_build *b, struct djson_error *e)
{
	struct reading x = begin(r, b, e);

	if (!want(&x, JSON_KEY))
		return end(&x, false);
	item_build_item(b);
	return end(&x, read_entries(&x));
}

enum djson_result djson_value(struct json_read *r, struct item_build *b, struct djson_error *e)
{
	struct reading x = begin(r, b, e);

	if (r->token == JSON_ERROR) {
		djson_mismatch(e, JSON_ERROR, JSON_OBJECT);
		return end(&x, false);
	}
	return end(&x, read_value(&x));
}
