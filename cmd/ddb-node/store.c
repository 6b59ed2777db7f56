#include "store.h"

#include <string.h>

#include "item.h"
#include "lock.h"
#include "own.h"

struct store_worth store_row_worth(struct bytes key, struct bytes row)
{
	struct store_worth w = { .local = key_local(key) };
	struct cur c = cur_of(row);
	struct item_head head;
	struct lock lock;
	bool item;

	if (row.n == 0 || own_is(key))
		return w;
	w.rows = 1;
	w.bytes = row.n;
	if (!item_head_get(&c, &head))
		return w;
	item = head.lock.n == 0 || !lock_get(head.lock, &lock) || lock.exists;
	w.rows = item;
	w.bytes = item ? item_size(cur_rest(&c)) : 0;
	w.locked = head.lock.n > 0;
	return w;
}

/* Of a sixth one nothing is counted: no table has so many. */
static struct store_local *local_of(struct store_meta *m, uint32_t index)
{
	for (size_t i = 0; i < STORE_LOCALS_MAX; i++) {
		struct store_local *l = &m->local[i];

		if (l->index == 0)
			l->index = index;
		if (l->index == index)
			return l;
	}
	return NULL;
}

void store_count(struct store_meta *m, const struct store_worth *come, const struct store_worth *gone)
{
	uint64_t rows = come->rows - gone->rows, bytes = come->bytes - gone->bytes;
	struct store_local *l;

	if (come->local == 0) {
		m->rows += rows;
		m->bytes += bytes;
		return;
	}
	l = local_of(m, come->local);
	if (l != NULL) {
		l->rows += rows;
		l->bytes += bytes;
	}
}

void store_counted(struct store_meta *m, const struct store_meta *by)
{
	m->rows = by->rows;
	m->bytes = by->bytes;
	memcpy(m->local, by->local, sizeof m->local);
}
