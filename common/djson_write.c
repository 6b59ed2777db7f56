#include "djson.h"

static void write_num(struct json_write *w, struct bytes encoded)
{
	char text[NUM_PRINT_MAX];
	struct num n;
	size_t len;

	if (!num_decode(encoded, &n))
		n = num_of_u64(0);
	len = num_print(text, &n);
	json_write_string(w, (struct bytes){ (const uint8_t *)text, len });
}

static void write_scalar(struct json_write *w, uint8_t tag, struct bytes v)
{
	if (tag == ITEM_S || tag == ITEM_SS)
		json_write_string(w, v);
	else if (tag == ITEM_N || tag == ITEM_NS)
		write_num(w, v);
	else
		json_write_base64(w, v);
}

static void write_set(struct json_write *w, struct value v)
{
	struct item_iter it = item_iter(v.body);
	struct bytes element;

	json_write_array(w);
	while (item_next_element(&it, &element))
		write_scalar(w, v.tag, element);
	json_write_array_end(w);
}

static void write_list(struct json_write *w, struct bytes body)
{
	struct item_iter it = item_iter(body);
	struct value v;

	json_write_array(w);
	while (item_next_value(&it, &v))
		djson_write_value(w, v);
	json_write_array_end(w);
}

void djson_write_item(struct json_write *w, struct bytes item)
{
	struct item_iter it = item_iter(item);
	struct bytes name;
	struct value v;

	json_write_object(w);
	while (item_next_pair(&it, &name, &v)) {
		json_write_key(w, name);
		djson_write_value(w, v);
	}
	json_write_object_end(w);
}

void djson_write_value(struct json_write *w, struct value v)
{
	json_write_object(w);
	json_write_name(w, item_type_name(v.tag));
	switch (v.tag) {
	case ITEM_NULL:
	case ITEM_FALSE:
	case ITEM_TRUE:
		json_write_bool(w, v.tag != ITEM_FALSE);
		break;
	case ITEM_SS:
	case ITEM_NS:
	case ITEM_BS:
		write_set(w, v);
		break;
	case ITEM_L:
		write_list(w, v.body);
		break;
	case ITEM_M:
		djson_write_item(w, v.body);
		break;
	default:
		write_scalar(w, v.tag, v.body);
	}
	json_write_object_end(w);
}
