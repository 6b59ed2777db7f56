/*
 * item: readers survive any bytes; what item_check accepts is canonical: through JSON and back it is the same bytes;
 * edits of it give items that item_check accepts.
 */
#include "item.h"

#include <assert.h>

#include "djson.h"
#include "item_edit.h"

#define EDITS_MAX 3

static void walk(struct bytes body, bool list, unsigned depth)
{
	struct item_iter it = item_iter(body);
	struct bytes name;
	struct value v;

	while (list ? item_next_value(&it, &v) : item_next_pair(&it, &name, &v)) {
		struct num n;
		bool ok;

		item_value_num(v, &n);
		item_value_cmp(v, v, &ok);
		item_set_has(v.body, BYTES_LIT("x"));
		if ((v.tag == ITEM_L || v.tag == ITEM_M) && depth < ITEM_DEPTH_MAX)
			walk(v.body, v.tag == ITEM_L, depth + 1);
	}
}

static void check_canonical(struct bytes item)
{
	struct buf text = { .p = NULL };
	struct json_write w = { .b = &text };
	struct item_build b;
	struct djson_error e;
	struct json_read r;
	enum djson_result result;
	struct value v;

	item_build_init(&b);
	djson_write_item(&w, item);
	json_read_init(&r, buf_view(&text), JSON_DEPTH_MAX);
	json_read_next(&r);
	result = djson_item(&r, &b, &e);
	/* The API alone has no attribute without a name. */
	assert(result == (item_get(item, BYTES_LIT(""), &v) ? DJSON_VALIDATION : DJSON_OK));
	if (result == DJSON_OK)
		assert(json_read_finish(&r) && bytes_eq(item_build_view(&b), item));
	json_read_fini(&r);
	item_build_fini(&b);
	buf_fini(&text);
}

/* Steps into whatever is there, chosen by the input's last bytes. */
static void check_edits(struct bytes item)
{
	struct item_step steps[EDITS_MAX][2];
	struct item_edit edits[EDITS_MAX];
	struct buf out = { .p = NULL };
	size_t count = item_count(item);

	for (size_t i = 0; i < EDITS_MAX; i++) {
		uint8_t x = item.p[item.n - 1 - i % item.n];
		struct item_iter it = item_iter(item);
		struct bytes name = BYTES_LIT("new");
		struct value v;

		for (size_t k = count > 0 ? (x + i) % count + (x & 1) : 0; k > 0; k--)
			item_next_pair(&it, &name, &v);
		steps[i][0] = (struct item_step){ .name = name };
		steps[i][1] = (struct item_step){ .name = BYTES_LIT("in"), .is_index = x & 4, .index = x & 3 };
		edits[i] = (struct item_edit){ steps[i], x & 8 ? 2 : 1, x & 16 ? BYTES_NONE : BYTES_LIT("\4") };
	}
	if (item_edit(&out, item, edits, EDITS_MAX) == ITEM_EDIT_OK)
		assert(item_check(buf_view(&out)));
	else
		assert(out.n == 0);
	buf_fini(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct bytes item = { data, n };
	struct cur c = cur_of(item);
	struct item_head h;
	struct value v;

	item_size(item);
	item_get(item, BYTES_LIT("pk"), &v);
	walk(item, false, 0);
	if (item_head_get(&c, &h)) {
		struct buf b = { .p = NULL };

		item_head_put(&b, &h);
		assert(bytes_starts(item, buf_view(&b)));
		buf_fini(&b);
	}
	item_check_value(item);
	if (item_check(item)) {
		check_canonical(item);
		check_edits(item);
	}
	return 0;
}
