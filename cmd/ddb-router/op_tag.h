/* op_tag: TagResource, UntagResource, ListTagsOfResource.  Tags are the attribute Tags of a table's definition. */
#ifndef ROUTER_OP_TAG_H
#define ROUTER_OP_TAG_H

#include "op_table_spec.h"

/* Tags (values) or TagKeys as a request has them, one at least: the first mistake, appended.  For CreateTable too. */
void op_tag_test(const struct op_table_spec *s, bool values, struct buf *err);

#endif
