#include "store.h"

#include "item.h"
#include "lock.h"

struct store_worth store_row_worth(struct bytes row)
{
	struct cur c = cur_of(row);
	struct item_head head;
	struct lock lock;
	bool item;

	if (row.n == 0)
		return (struct store_worth){ 0, 0, false };
	if (!item_head_get(&c, &head))
		return (struct store_worth){ 1, row.n, false };
	item = head.lock.n == 0 || !lock_get(head.lock, &lock) || lock.exists;
	return (struct store_worth){ item, item ? item_size(cur_rest(&c)) : 0, head.lock.n > 0 };
}
