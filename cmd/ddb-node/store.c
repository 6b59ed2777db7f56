#include "store.h"

#include "item.h"

uint64_t store_row_bytes(struct bytes row)
{
	struct cur c = cur_of(row);
	struct item_head head;

	return item_head_get(&c, &head) ? item_size(cur_rest(&c)) : row.n;
}
