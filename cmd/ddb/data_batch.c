#include "data_batch.h"

#include "data.h"

void data_batch_fini(struct data_batch *b)
{
	buf_fini(&b->text);
	buf_fini(&b->items);
	buf_fini(&b->again);
	*b = (struct data_batch){ .n = 0 };
}

void data_batch_clear(struct data_batch *b)
{
	b->n = b->at = b->width = b->left = 0;
	b->tries = 0;
	buf_clear(&b->text);
	buf_clear(&b->items);
	buf_clear(&b->again);
}

bool data_batch_has(const struct data_batch *b, uint64_t key_hash)
{
	for (size_t i = 0; i < b->n; i++)
		if (b->lines[i].key_hash == key_hash)
			return true;
	return false;
}

bool data_batch_add(struct data_batch *b, uint64_t number, uint64_t key_hash, struct bytes line, struct bytes item_json)
{
	if (b->n == DATA_BATCH_LINES_MAX || (b->n > 0 && b->items.n + item_json.n > DATA_BATCH_BYTES_MAX))
		return false;
	b->lines[b->n++] = (struct data_batch_line){ number, key_hash, b->text.n, line.n, b->items.n, item_json.n };
	buf_bytes(&b->text, line);
	buf_bytes(&b->items, item_json);
	b->width = b->n;
	return true;
}

void data_batch_write(const struct data_batch *b, struct json_write *w, const char *table)
{
	json_write_name(w, "RequestItems");
	if (b->again.n > 0) {
		json_write_raw(w, buf_view(&b->again));
		return;
	}
	json_write_object(w);
	json_write_name(w, table);
	json_write_array(w);
	for (size_t i = b->at; i < b->at + b->width; i++) {
		json_write_object(w);
		json_write_name(w, "PutRequest");
		json_write_object(w);
		json_write_name(w, "Item");
		json_write_raw(w, (struct bytes){ b->items.p + b->lines[i].item_at, b->lines[i].item_n });
		json_write_object_end(w);
		json_write_object_end(w);
	}
	json_write_array_end(w);
	json_write_object_end(w);
}

/* The requests in {"table": [..]}. */
static bool count(struct bytes unprocessed, size_t *n)
{
	struct json_read r;
	bool ok;

	*n = 0;
	json_read_init(&r, unprocessed, DATA_DEPTH_MAX);
	ok = json_read_next(&r) == JSON_OBJECT;
	while (ok && json_read_next(&r) == JSON_KEY) {
		ok = json_read_next(&r) == JSON_ARRAY;
		while (ok && json_read_next(&r) == JSON_OBJECT) {
			ok = json_read_skip(&r);
			++*n;
		}
		ok = ok && r.token == JSON_ARRAY_END;
	}
	ok = ok && r.token == JSON_OBJECT_END;
	json_read_fini(&r);
	return ok;
}

static enum data_batch_result go_on(struct data_batch *b)
{
	b->at += b->width;
	b->left = 0;
	b->tries = 0;
	buf_clear(&b->again);
	if (b->at < b->n)
		b->width = 1;
	return b->at < b->n ? DATA_BATCH_NEXT : DATA_BATCH_DONE;
}

enum data_batch_result data_batch_answered(struct data_batch *b, struct bytes answer, size_t *written)
{
	size_t before = b->left > 0 ? b->left : b->width, n = 0;
	struct bytes raw;

	*written = 0;
	if (data_member(answer, "UnprocessedItems", &raw)) {
		if (!count(raw, &n) || n > before)
			return DATA_BATCH_NONSENSE;
	}
	*written = before - n;
	if (n == 0)
		return go_on(b);
	b->tries = n < before ? 1 : b->tries + 1;
	b->left = n;
	buf_clear(&b->again);
	buf_bytes(&b->again, raw);
	return DATA_BATCH_PAUSE;
}

enum data_batch_result data_batch_refused(struct data_batch *b, const struct data_batch_line **refused)
{
	*refused = NULL;
	if (b->width > 1) {
		/* Those it wrote before are written again: the same items, and no others under their keys meanwhile. */
		b->width = 1;
		b->left = 0;
		buf_clear(&b->again);
		return DATA_BATCH_NEXT;
	}
	*refused = &b->lines[b->at];
	return go_on(b);
}

struct bytes data_batch_text(const struct data_batch *b, const struct data_batch_line *line)
{
	return (struct bytes){ b->text.p + line->text_at, line->text_n };
}

uint64_t data_batch_pause_ms(const struct data_batch *b)
{
	uint64_t ms = b->tries < 10 ? (uint64_t)DATA_BATCH_PAUSE_MS << b->tries : DATA_BATCH_PAUSE_MS_MAX;

	return ms < DATA_BATCH_PAUSE_MS_MAX ? ms : DATA_BATCH_PAUSE_MS_MAX;
}
