#include "merge.h"

void merge_open(struct merge *m, struct node *n, struct group *g, struct bytes from, bool reverse, uint64_t upto)
{
	*m = (struct merge){ .ops = n->store.ops, .reverse = reverse, .use_held = true, .use_stored = true };
	overlay_seek(g->overlay, from, reverse, upto, &m->held);
	m->stored = m->ops->seek(n->store.ctx, g->id, from, reverse);
	m->have_stored = m->stored != NULL;
	m->have_held = true;
}

void merge_close(struct merge *m)
{
	if (m->stored != NULL)
		m->ops->close(m->stored);
}

/* What the last call gave is used up only now: it pointed to it. */
static void step(struct merge *m)
{
	int c;

	if (m->use_held)
		m->have_held = m->have_held && overlay_next(&m->held, &m->held_key, &m->version);
	if (m->use_stored)
		m->have_stored = m->have_stored && m->ops->next(m->stored, &m->stored_key, &m->row);
	if (m->have_held && m->have_stored) {
		c = bytes_cmp(m->held_key, m->stored_key);
		m->use_held = m->reverse ? c >= 0 : c <= 0;
		m->use_stored = m->reverse ? c <= 0 : c >= 0;
	} else {
		m->use_held = m->have_held;
		m->use_stored = m->have_stored;
	}
}

bool merge_next(struct merge *m)
{
	for (step(m); m->use_held || m->use_stored; step(m)) {
		struct image im = { 0 };

		if (!m->use_held && !image_of_row(m->row, &im)) {
			m->bad = true;
			return false;
		}
		if (m->use_held ? m->version.deleted : !im.found)
			continue;
		m->key = m->use_held ? m->held_key : m->stored_key;
		m->item = m->use_held ? m->version.image : im.item;
		return true;
	}
	return false;
}
