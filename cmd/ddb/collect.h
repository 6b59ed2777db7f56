/*
 * collect: Prometheus texts of several processes made into one, each sample with a label that says whose it is.
 */
#ifndef DDB_COLLECT_H
#define DDB_COLLECT_H

#include "bytes.h"

struct collect;

struct collect *collect_new(void);
void collect_free(struct collect *c);

/* text: as metrics_print makes it; what is in no family ("# HELP" begins one) is left out. */
void collect_add(struct collect *c, const char *instance, struct bytes text);
/* Each family once, its samples together, families in the order in which they first came. */
void collect_print(const struct collect *c, struct buf *out);

#endif
