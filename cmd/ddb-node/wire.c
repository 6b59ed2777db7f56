#include <string.h>

#include "core.h"

enum { FLAG_OK = 1, FLAG_HEALTHY = 2, FLAG_GAP = 4 };

bool wire_config_of_entry(struct bytes raw, uint64_t slot, struct px_config *out)
{
	struct entry e;

	if (!entry_get(raw, &e) || e.type != ENTRY_CONFIG)
		return false;
	*out = (struct px_config){ .slot = slot, .n = e.nmembers };
	for (uint32_t i = 0; i < e.nmembers; i++)
		out->m[i] = (struct px_member){ e.member[i].replica, e.member[i].role };
	return true;
}

void wire_config_to_entry(struct buf *b, const struct px_config *c, uint64_t timestamp)
{
	struct entry_member m[ENTRY_MEMBERS_MAX];

	for (uint32_t i = 0; i < c->n; i++)
		m[i] = (struct entry_member){ c->m[i].replica, c->m[i].role };
	entry_put_config(b, timestamp, m, c->n);
}

uint64_t wire_origin(struct bytes raw)
{
	struct entry e;

	return entry_get(raw, &e) ? e.origin : 0;
}

static bool get_entries(struct bytes list, struct inbound *in)
{
	struct px_msg *m = &in->m;
	uint64_t slots = m->last >= m->first ? m->last - m->first + 1 : 0;
	uint64_t before = 0;
	struct bytes part;
	struct entry e;

	if (slots > NODE_PAGE_SLOTS)
		return false;
	for (uint64_t i = 0; i < slots; i++) {
		in->ballots[i] = 0;
		in->entry[i] = BYTES_NONE;
	}
	while (msg_list_next(&list, &part)) {
		struct msg_slot_entry s;

		if (!msg_get_slot_entry(part, &s, MSG_VERSION) || s.slot < m->first || s.slot > m->last || s.slot <= before ||
		    s.ballot == 0 || !entry_get(s.entry, &e))
			return false;
		before = s.slot;
		in->ballots[s.slot - m->first] = s.ballot;
		in->entry[s.slot - m->first] = s.entry;
		if (e.type != ENTRY_CONFIG)
			continue;
		if (s.slot != m->last || !wire_config_of_entry(s.entry, s.slot, &in->config))
			return false;
		m->config = &in->config;
	}
	m->ballots = in->ballots;
	return list.n == 0;
}

bool wire_get(struct bytes body, uint64_t *group, struct inbound *in)
{
	struct msg_px w;

	if (!msg_get_px(body, &w, MSG_VERSION) || w.type < PX_INQUIRE || w.type > PX_RELEASE)
		return false;
	*group = w.group;
	in->m = (struct px_msg){
		.type = w.type, .from = w.from, .to = w.to, .ballot = w.ballot, .promised = w.promised,
		.ok = w.flags & FLAG_OK, .healthy = w.flags & FLAG_HEALTHY, .gap = w.flags & FLAG_GAP,
		.first = w.first, .last = w.last, .match = w.match, .committed = w.committed, .base = w.base, .top = w.top,
		.unknown_first = w.unknown_first, .unknown_last = w.unknown_last, .target = w.target,
	};
	if (w.type != PX_PROMISE && w.type != PX_ACCEPT)
		return w.entries.n == 0;
	if (w.type == PX_PROMISE && !in->m.ok)
		return w.entries.n == 0;
	if (!get_entries(w.entries, in))
		return false;
	if (w.type == PX_ACCEPT)
		for (uint64_t s = in->m.first; s <= in->m.last; s++)
			if (in->ballots[s - in->m.first] == 0)
				return false;            /* an ACCEPT has no holes */
	return true;
}

bool wire_entry(struct node *n, struct group *g, uint64_t slot, struct buf *scratch, struct bytes *out)
{
	const struct glog_slot *s = glog_at(&g->log, slot);

	if (s == NULL || s->damaged)
		return false;
	if (s->entry != NULL) {
		*out = (struct bytes){ s->entry, s->bytes };
		return true;
	}
	buf_clear(scratch);
	if (!wal_read(n->wal, s->position, g->id, slot, scratch))
		return false;
	*out = buf_view(scratch);
	return true;
}

static void send_one(struct node *n, struct group *g, const struct px_msg *m, struct bytes entries, uint64_t end)
{
	struct buf b = { 0 };

	msg_put_px(&b, &(struct msg_px){
		.group = g->id, .type = (uint8_t)m->type,
		.flags = (uint8_t)((m->ok ? FLAG_OK : 0) | (m->healthy ? FLAG_HEALTHY : 0) | (m->gap ? FLAG_GAP : 0)),
		.from = m->from, .to = m->to, .ballot = m->ballot, .promised = m->promised, .first = m->first, .last = m->last,
		.match = m->match, .committed = m->committed, .base = m->base, .top = m->top,
		.unknown_first = m->unknown_first, .unknown_last = m->unknown_last, .target = m->target, .entries = entries,
	}, MSG_VERSION);
	node_send(n, m->to, MSG_px, buf_view(&b), end);
	buf_fini(&b);
}

/*
 * Adds entries from slot `first` on until a page is full, a configuration ends it, or `last` is reached.  Returns the last slot
 * covered, or first - 1 if the very first one cannot be read (an ACCEPT then waits for a snapshot or for repair).
 */
static uint64_t fill(struct node *n, struct group *g, const struct px_msg *m, uint64_t first, uint64_t last, struct buf *list)
{
	struct buf scratch = { 0 };
	uint64_t slot = first, done = first - 1;

	for (; slot <= last && slot - first < NODE_PAGE_SLOTS; slot++) {
		const struct glog_slot *s = glog_at(&g->log, slot);
		struct bytes raw;
		struct entry e;

		if (s == NULL && m->type == PX_PROMISE) {
			done = slot;
			continue;
		}
		if (!wire_entry(n, g, slot, &scratch, &raw)) {
			if (m->type != PX_PROMISE)
				break;
			done = slot;                     /* px names it in its unknown range */
			continue;
		}
		if (list->n > 0 && list->n + raw.n > NODE_PAGE_BYTES)
			break;
		MSG_LIST_PUT(list, slot_entry,
			     (&(struct msg_slot_entry){ slot, m->type == PX_ACCEPT ? m->ballot : s->ballot, raw }), MSG_VERSION);
		done = slot;
		if (entry_get(raw, &e) && e.type == ENTRY_CONFIG)
			break;
	}
	buf_fini(&scratch);
	return done;
}

void wire_send(struct node *n, struct group *g, const struct px_msg *m, uint64_t end)
{
	struct px_msg part = *m;
	struct buf list = { 0 };

	if ((m->type != PX_ACCEPT && m->type != PX_PROMISE) || m->last < m->first || (m->type == PX_PROMISE && !m->ok)) {
		send_one(n, g, m, BYTES_NONE, end);
		return;
	}
	do {
		uint64_t last = m->last;

		if (m->type == PX_PROMISE && last > glog_top(&g->log))
			last = glog_top(&g->log);
		buf_clear(&list);
		part.last = fill(n, g, m, part.first, last, &list);
		if (m->type == PX_ACCEPT && part.last < part.first)
			break;
		send_one(n, g, &part, buf_view(&list), end);
		part.first = part.last + 1;
	} while (m->type == PX_ACCEPT && part.first <= m->last);
	buf_fini(&list);
}

void wire_partition(const struct group *g, struct buf *out)
{
	struct buf members = { 0 };

	for (uint32_t i = 0; i < g->config.n; i++)
		MSG_LIST_PUT(&members, member, (&(struct msg_member){ g->config.m[i].replica, g->config.m[i].role }), MSG_VERSION);
	msg_put_partition(out, &(struct msg_partition){
		.group = g->id, .low = g->low, .high = g->high, .ballot = g->px.promised, .leader = g->px.leader,
		.config_slot = g->config.slot, .members = buf_view(&members),
	}, MSG_VERSION);
	buf_fini(&members);
}
