/*
 * map: the routing map that ddb-memds serves: which partition of which table holds a key, who leads it, where nodes
 * are.  Autoadmin says what tables, partitions and nodes there are; the nodes say who leads and is a member.  Of two
 * words about one group the one with the higher (config_slot, ballot) stands, whoever said it and whenever.
 * Source: DESIGN, D9.  Does not: do I/O, read a clock, keep anything on disk.
 *
 * Rounds: autoadmin tells everything, then says map_complete; what this round did not mention is gone then.  A round
 * begins with a higher epoch, or with a new source (connection) of the same epoch.  Words of a lower epoch, or of an
 * older source of the same epoch, are fenced.
 *
 * Bounds: MAP_TABLES_MAX, MAP_GROUPS_MAX; what nodes said about groups of which autoadmin has not spoken yet is kept
 * for the last MAP_ORPHANS_MAX groups.
 */
#ifndef COMMON_MAP_H
#define COMMON_MAP_H

#include "msg.h"

#define MAP_TABLES_MAX 100000
#define MAP_GROUPS_MAX 2000000
#define MAP_ORPHANS_MAX 65536
#define MAP_LIMIT_MAX 128                                /* partitions in one answer */
#define MAP_MEMBERS_MAX 16                               /* of a partition */
#define MAP_NODES_MAX 1000

struct map;

struct map *map_new(void);
void map_free(struct map *m);

enum map_result {
	MAP_OK,
	MAP_FENCED,                                      /* somebody newer has spoken; nothing changed */
	MAP_MISSING,                                     /* fewer tables than were announced; not complete */
	MAP_BAD,                                         /* malformed or out of bounds: drop whoever said it */
};

/*
 * What autoadmin says.
 *   source  identifies its connection, grows with every new one
 * A table's version grows with every change under its name, dropping and creating it again included.
 */
enum map_result map_table(struct map *m, uint64_t source, const struct msg_map_table *t, unsigned version);
enum map_result map_nodes(struct map *m, uint64_t source, const struct msg_map_nodes *n, unsigned version);
enum map_result map_complete(struct map *m, uint64_t source, const struct msg_map_complete *c);

/* What a node says about its groups.  False if it is malformed; what stands before the bad part counts. */
bool map_push(struct map *m, const struct msg_map_push *p, unsigned version);

/* Appends the answer, a route message, to out. */
void map_route(struct map *m, const struct msg_lookup *q, unsigned version, struct buf *out);

struct map_state {
	bool complete;
	uint64_t epoch;                                  /* the highest seen */
	uint64_t version;                                /* grows with every change here */
	uint64_t nodes_version;
	size_t tables, groups, orphans;                  /* groups: of tables */
};

struct map_state map_state(const struct map *m);

#endif
