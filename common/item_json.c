#include "item_json.h"

static void write_num(struct json_write *w, struct bytes encoded, bool typed)
{
	char text[NUM_PRINT_MAX];
	struct num n;
	struct bytes digits;

	if (!num_decode(encoded, &n))
		n = num_of_u64(0);
	digits = (struct bytes){ (const uint8_t *)text, num_print(text, &n) };
	if (typed)
		json_write_string(w, digits);
	else
		json_write_number(w, digits);
}

static void write_scalar(struct json_write *w, uint8_t tag, struct bytes v, bool typed)
{
	if (tag == ITEM_S || tag == ITEM_SS)
		json_write_string(w, v);
	else if (tag == ITEM_N || tag == ITEM_NS)
		write_num(w, v, typed);
	else
		json_write_base64(w, v);
}

static void write_set(struct json_write *w, struct value v, bool typed)
{
	struct item_iter it = item_iter(v.body);
	struct bytes element;

	json_write_array(w);
	while (item_next_element(&it, &element))
		write_scalar(w, v.tag, element, typed);
	json_write_array_end(w);
}

static void write_list(struct json_write *w, struct bytes body, bool typed)
{
	struct item_iter it = item_iter(body);
	struct value v;

	json_write_array(w);
	while (item_next_value(&it, &v))
		item_json_value(w, v, typed);
	json_write_array_end(w);
}

void item_json_item(struct json_write *w, struct bytes item, bool typed)
{
	struct item_iter it = item_iter(item);
	struct bytes name;
	struct value v;

	json_write_object(w);
	while (item_next_pair(&it, &name, &v)) {
		json_write_key(w, name);
		item_json_value(w, v, typed);
	}
	json_write_object_end(w);
}

static void write_content(struct json_write *w, struct value v, bool typed)
{
	switch (v.tag) {
	case ITEM_NULL:
		if (typed)
			json_write_bool(w, true);
		else
			json_write_null(w);
		break;
	case ITEM_FALSE:
	case ITEM_TRUE:
		json_write_bool(w, v.tag == ITEM_TRUE);
		break;
	case ITEM_SS:
	case ITEM_NS:
	case ITEM_BS:
		write_set(w, v, typed);
		break;
	case ITEM_L:
		write_list(w, v.body, typed);
		break;
	case ITEM_M:
		item_json_item(w, v.body, typed);
		break;
	default:
		write_scalar(w, v.tag, v.body, typed);
	}
}

void item_json_value(struct json_write *w, struct value v, bool typed)
{
	if (!typed) {
		write_content(w, v, false);
		return;
	}
	json_write_object(w);
	json_write_name(w, item_type_name(v.tag));
	write_content(w, v, true);
	json_write_object_end(w);
}
