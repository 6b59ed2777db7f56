/*
 * load: writes to a node, a model of what they may have left behind, and the question whether a node agrees with it.
 */
#ifndef CRASH_LOAD_H
#define CRASH_LOAD_H

#include "rig.h"

#define LOAD_GROUPS 3
#define LOAD_KEYS 12                             /* in each group */

struct load;

struct load *load_new(uint64_t seed);
void load_free(struct load *l);

/* Run about n requests on h, noting the moment (now_of(arg)) of each and of its answer. */
void load_run(struct load *l, struct rig *h, int n, size_t (*moment)(void *arg), void *arg);
/* What the node answers to reads of everything agrees with what happened up to `moment`.  False after printing "# ..." lines. */
bool load_check(struct load *l, struct rig *h, size_t moment);
/* From here on the model is what the node holds; moments begin anew. */
bool load_adopt(struct load *l, struct rig *h);

/* For people: what the node holds. */
void load_print(struct load *l, struct rig *h);

struct load_counts {
	uint64_t acknowledged, refused, unknown, reads;
};
struct load_counts load_counts(const struct load *l);

#endif
