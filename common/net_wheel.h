/*
 * net_wheel: many coarse timers behind one.
 * A timer never fires before its time, and at most one step after it if runs come every step.  Setting, unsetting and
 * firing cost O(1).
 * Does not: read a clock, own its timers.
 */
#ifndef COMMON_NET_WHEEL_H
#define COMMON_NET_WHEEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#define NET_WHEEL_STEP_MS 16
#define NET_WHEEL_SLOTS 1024                             /* a power of two */

struct net_timer {                                       /* zeroed: not set */
	LIST_ENTRY(net_timer) link;
	uint64_t step;                                   /* fires when the wheel gets here; 0: not set */
	void (*fire)(struct net_timer *t);
};

LIST_HEAD(net_timer_list, net_timer);

struct net_wheel {
	struct net_timer_list slot[NET_WHEEL_SLOTS];
	uint64_t step;                                   /* all timers up to here have fired */
	size_t n;                                        /* timers set */
};

void net_wheel_init(struct net_wheel *w, uint64_t now_ms);
void net_wheel_set(struct net_wheel *w, struct net_timer *t, uint64_t at_ms, void (*fire)(struct net_timer *t));
void net_wheel_unset(struct net_wheel *w, struct net_timer *t);          /* harmless if it is not set */
/* Fire what is due, each timer unset first.  fire may set and unset any timer.  now_ms is never less than before. */
void net_wheel_run(struct net_wheel *w, uint64_t now_ms);

#endif
