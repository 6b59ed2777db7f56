#include "net_wheel.h"

#include <assert.h>
#include <string.h>

void net_wheel_init(struct net_wheel *w, uint64_t now_ms)
{
	memset(w, 0, sizeof *w);
	w->step = now_ms / NET_WHEEL_STEP_MS;
}

static void put(struct net_wheel *w, struct net_timer *t)
{
	LIST_INSERT_HEAD(&w->slot[t->step % NET_WHEEL_SLOTS], t, link);
}

void net_wheel_set(struct net_wheel *w, struct net_timer *t, uint64_t at_ms, void (*fire)(struct net_timer *t))
{
	uint64_t step = at_ms / NET_WHEEL_STEP_MS + (at_ms % NET_WHEEL_STEP_MS > 0);

	net_wheel_unset(w, t);
	t->step = step > w->step ? step : w->step + 1;
	t->fire = fire;
	w->n++;
	put(w, t);
}

void net_wheel_unset(struct net_wheel *w, struct net_timer *t)
{
	if (t->step == 0)
		return;
	LIST_REMOVE(t, link);
	t->step = 0;
	assert(w->n > 0);
	w->n--;
}

/* A slot holds the timers of every turn of the wheel; those of later turns go back. */
static void run_slot(struct net_wheel *w, struct net_timer_list *slot, uint64_t step)
{
	struct net_timer_list due = *slot;
	struct net_timer *t;

	LIST_INIT(slot);
	if (!LIST_EMPTY(&due))
		LIST_FIRST(&due)->link.le_prev = &LIST_FIRST(&due);
	while ((t = LIST_FIRST(&due)) != NULL) {
		if (t->step > step) {
			LIST_REMOVE(t, link);
			put(w, t);
		} else {
			net_wheel_unset(w, t);
			t->fire(t);
		}
	}
}

void net_wheel_run(struct net_wheel *w, uint64_t now_ms)
{
	uint64_t last = now_ms / NET_WHEEL_STEP_MS, first = w->step + 1;

	if (w->n == 0 || first > last) {
		w->step = last > w->step ? last : w->step;
		return;
	}
	if (last - first >= NET_WHEEL_SLOTS)
		first = last - NET_WHEEL_SLOTS + 1;
	/* Set before firing, so that a timer set meanwhile lands behind what is walked now. */
	w->step = last;
	for (uint64_t step = first; step <= last; step++)
		run_slot(w, &w->slot[step % NET_WHEEL_SLOTS], last);
}
