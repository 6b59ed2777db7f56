#include "djson.h"
#include "item_json.h"

void djson_write_item(struct json_write *w, struct bytes item)
{
	item_json_item(w, item, true);
}

void djson_write_value(struct json_write *w, struct value v)
{
	item_json_value(w, v, true);
}
