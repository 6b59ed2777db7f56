#include "expr_text.h"

#include <assert.h>

#include "num.h"

static struct bytes cut(struct bytes text, size_t max)
{
	if (text.n <= max)
		return text;
	while (max > 0 && (text.p[max] & 0xc0) == 0x80)
		max--;
	return (struct bytes){ text.p, max };
}

void expr_text_quote(struct bytes text, struct buf *out)
{
	buf_bytes(out, cut(text, EXPR_TEXT_QUOTE_MAX));
}

const char *expr_text_type(uint8_t tag)
{
	switch (tag) {
	case ITEM_S: return "STRING";
	case ITEM_N: return "NUMBER";
	case ITEM_B: return "BINARY";
	case ITEM_NULL: return "NULL";
	case ITEM_FALSE:
	case ITEM_TRUE: return "BOOLEAN";
	case ITEM_L: return "LIST";
	case ITEM_M: return "MAP";
	default: return NULL;
	}
}

static void scalar(uint8_t tag, struct bytes body, struct buf *out)
{
	char text[NUM_PRINT_MAX];
	struct num n;

	if (tag == ITEM_S)
		expr_text_quote(body, out);
	else if (tag == ITEM_B)
		buf_hex(out, cut(body, EXPR_TEXT_QUOTE_MAX / 2));
	else if (num_decode(body, &n))
		buf_put(out, text, num_print(text, &n));
}

static void value(struct value v, struct buf *out, size_t end, unsigned depth);

/* What stands between the braces, no further than end: a value may be large, a message may not. */
static void container(struct value v, struct buf *out, size_t end, unsigned depth)
{
	struct item_iter it = item_iter(v.body);
	struct bytes name, element;
	struct value kid;
	const char *sep = "";

	buf_str(out, v.tag == ITEM_M ? "{" : "[");
	while (out->n < end) {
		if (v.tag == ITEM_L && item_next_value(&it, &kid)) {
			buf_str(out, sep);
			value(kid, out, end, depth + 1);
		} else if (v.tag == ITEM_M && item_next_pair(&it, &name, &kid)) {
			buf_str(out, sep);
			expr_text_quote(name, out);
			buf_str(out, "=");
			value(kid, out, end, depth + 1);
		} else if (v.tag != ITEM_L && v.tag != ITEM_M && item_next_element(&it, &element)) {
			buf_str(out, sep);
			scalar((uint8_t)(v.tag - ITEM_SS + ITEM_S), element, out);
		} else {
			break;
		}
		sep = ", ";
	}
	buf_str(out, v.tag == ITEM_M ? "}" : "]");
}

_Static_assert(ITEM_NS - ITEM_SS == ITEM_N - ITEM_S && ITEM_BS - ITEM_SS == ITEM_B - ITEM_S,
	"a set's tag tells its elements'");

static void value(struct value v, struct buf *out, size_t end, unsigned depth)
{
	if (depth > ITEM_DEPTH_MAX + 1)
		return;
	buf_fmt(out, "{%s:", item_type_name(v.tag));
	if (v.tag == ITEM_S || v.tag == ITEM_N || v.tag == ITEM_B)
		scalar(v.tag, v.body, out);
	else if (v.tag == ITEM_NULL || v.tag == ITEM_TRUE)
		buf_str(out, "true");
	else if (v.tag == ITEM_FALSE)
		buf_str(out, "false");
	else
		container(v, out, end, depth);
	buf_str(out, "}");
}

void expr_text_value(struct value v, struct buf *out)
{
	assert(v.tag != ITEM_NONE);
	value(v, out, out->n + EXPR_TEXT_QUOTE_MAX, 0);
}
