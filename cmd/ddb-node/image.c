/* Source: DESIGN, D5.  What a key holds, as proposed or as chosen: from the overlay, else from the store. */
#include "core.h"
#include "item.h"

bool image_of_row(struct bytes row, struct image *im)
{
	struct cur c = cur_of(row);
	struct item_head h;

	if (!item_head_get(&c, &h))
		return false;
	im->found = true;
	im->locked = h.lock.n > 0;
	im->version = h.slot;
	im->time = h.time_us;
	im->item = cur_rest(&c);
	if (!im->locked)
		return true;
	if (!lock_get(h.lock, &im->lock))
		return false;
	im->found = im->lock.exists;
	return true;
}

static bool of_version(const struct overlay_version *v, struct image *im)
{
	im->found = !v->deleted;
	im->locked = v->lock.n > 0;
	im->slot = v->slot;
	im->version = v->deleted ? v->timestamp : v->slot;
	im->time = v->timestamp;
	im->item = v->image;
	return !im->locked || lock_get(v->lock, &im->lock);
}

bool image_look(struct node *n, struct group *g, struct bytes key, uint64_t upto, struct image *im)
{
	struct overlay_version v;

	if (overlay_get(g->overlay, key, upto, &v))
		return of_version(&v, im);
	im->found = im->locked = false;
	im->slot = 0;
	im->version = im->time = g->deleted_clock;
	buf_clear(&im->row);
	if (!n->store.ops->get(n->store.ctx, g->id, key, &im->row))
		return true;
	return image_of_row(buf_view(&im->row), im);
}
