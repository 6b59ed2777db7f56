/*
 * op_index: secondary indexes as CreateTable and UpdateTable may ask for them, and how a table's definition (index.h) holds them.  Beside
 * what index.h names, a global one there has ProvisionedThroughput, WarmThroughput and OnDemandThroughput as a table has them
 * (op_table_settings.h).
 * Source: the API reference; the developer guide on indexes.  Texts are the service's; the first mistake is appended to err.
 */
#ifndef ROUTER_OP_INDEX_H
#define ROUTER_OP_INDEX_H

#include "op_table_units.h"

/* What is wrong with the indexes, and the attributes, of a new table. */
void op_index_test(const struct op_table_spec *s, bool on_demand, struct buf *err);
/* What is wrong with a new global index: its keys, all defined by s, projection and throughput. */
void op_index_test_global(const struct op_index_spec *x, const struct op_table_spec *s, struct buf *err);
void op_index_test_throughput(const struct op_index_spec *x, bool on_demand, struct buf *err);
/* There are n attributes in the NonKeyAttributes of a table's indexes. */
void op_index_test_included(size_t n, struct buf *err);
/* What is wrong with the definitions of s by themselves. */
void op_index_test_definitions(const struct op_table_spec *s, struct buf *err);
/* What is wrong with the keys of a table as against the definitions of s. */
void op_index_test_defined(const struct op_table_pair *schema, size_t n, const struct op_table_spec *s, struct buf *err);

/* Lists for a new table's definition, an open item; of indexes that have passed op_index_test. */
void op_index_put(struct item_build *b, const struct op_table_spec *s, bool on_demand);
/* A list of maps of two strings. */
void op_index_put_pairs(struct item_build *b, const char *name, const struct op_table_pair *p, size_t n, const char *first,
                        const char *second);
/* A new global index, a map of an open list.  creating: says so, as it is to be filled. */
void op_index_put_global(struct item_build *b, const struct op_index_spec *x, bool on_demand, bool creating);
/* Does one of the key schemas of a definition, of the table or its indexes, name this attribute? */
bool op_index_uses(struct bytes definition, struct bytes attribute);
bool op_index_names(struct bytes schema_of, struct bytes attribute);     /* the KeySchema of this map */
/* Does a global index that a definition has serve, as far as a routing map of before knows? */
bool op_index_known(struct bytes index, const struct index_set *map);
bool op_index_all_known(struct bytes definition, const struct index_set *map);

#endif
