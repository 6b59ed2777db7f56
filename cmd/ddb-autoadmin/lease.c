/*
 * Who is active.  The lease's row in the catalogue holds owner, epoch and end; taking it counts the epoch up, and whatever the active one
 * writes checks that epoch.  So clocks that differ cost availability at most.  The owner is the address we listen at: whoever holds
 * that socket is the successor of whoever held it, and need not wait.
 */
#include "autoadmin.h"
#include "clock.h"
#include "log.h"

#define RETRY_MS 100
#define RETRY_MS_MAX 1000                        /* while somebody else is active */

static uint64_t wall_ms(void)
{
	return clock_wall_us() / 1000;
}

static bool get_u64(struct bytes row, const char *name, uint64_t *out)
{
	struct value v;
	struct num n;

	return item_get(row, bytes_str(name), &v) && item_value_num(v, &n) && num_to_u64(&n, out);
}

void lease_lost(struct aa *a)
{
	if (!a->active)
		return;
	log_warn("no longer active: the lease or the view of the catalogue is in doubt");
	a->active = false;
	state_clear(a);
	state_abandon(a);
}

void lease_doubt(struct aa *a)
{
	a->lease_at = 0;
}

bool lease_active(const struct aa *a)
{
	return a->active && a->loaded && clock_ms() < a->until_ms;
}

/* Counted from when it was asked for: the row in the catalogue is no younger. */
static void held(struct aa *a)
{
	a->lease_at = a->lease_asked + a->lease_ms / 3;
	a->until_ms = a->lease_asked + a->lease_ms;
}

static void on_taken(void *arg, enum result r, struct bytes row)
{
	struct aa *a = arg;
	uint64_t epoch, until;

	a->asking = false;
	a->lease_at = clock_ms() + RETRY_MS;
	if (r == RESULT_CONDITION_FAILED && get_u64(row, "until_ms", &until) && until > wall_ms() + RETRY_MS)
		a->lease_at = clock_ms() + (until - wall_ms() < RETRY_MS_MAX ? until - wall_ms() : RETRY_MS_MAX);
	if (r != RESULT_OK || !get_u64(row, "epoch", &epoch))
		return;
	held(a);
	a->active = true;
	a->epoch = epoch;
	log_info("active, in epoch %llu", (unsigned long long)epoch);
	state_load(a);
}

static void on_renewed(void *arg, enum result r, struct bytes row)
{
	struct aa *a = arg;

	(void)row;
	a->asking = false;
	a->lease_at = clock_ms() + RETRY_MS;
	if (r == RESULT_OK) {
		held(a);
	} else if (r == RESULT_CONDITION_FAILED) {
		lease_lost(a);
	}
}

void lease_tick(struct aa *a)
{
	const uint64_t until = wall_ms() + a->lease_ms;
	const struct cat_value values[] = { { ":o", a->owner }, { ":u", until }, { ":one", 1 }, { ":zero", 0 },
					    { ":now", wall_ms() } };
	const struct cat_value again[] = { { ":u", until }, { ":e", a->epoch } };

	if (a->asking || clock_ms() < a->lease_at)
		return;
	a->asking = true;
	a->lease_asked = clock_ms();
	if (a->active)
		cat_update(a, "lease", "autoadmin", "SET until_ms = :u", "epoch = :e", again, 2, on_renewed, a);
	else
		cat_update(a, "lease", "autoadmin", "SET holder = :o, epoch = if_not_exists(epoch, :zero) + :one, until_ms = :u",
			   "attribute_not_exists(pk) OR holder = :o OR until_ms < :now", values, 5, on_taken, a);
}
