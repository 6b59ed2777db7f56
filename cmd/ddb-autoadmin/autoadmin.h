/*
 * autoadmin: the control plane.  Any number may run; a lease in the catalogue elects the active one, and every write to the catalogue
 * checks that lease's epoch in the same log entry, so that a deposed one changes nothing (DESIGN, D8).
 *
 *   main.c    wiring, ticks               cat.c        the catalogue's group: scans, updates, fenced writes
 *   lease.c   who is active               state.c      the catalogue in memory: load, rows
 *   place.c   ranges, placement (pure)    tables.c     describe, delete, list; tables_create.c, tables_update.c
 *   tables_index.c  indexes in definitions             push.c       the routing map, to memds
 *   groups.c  groups on nodes: create, heal, drop; what they are told of indexes and times to live
 *   nodes.c   connections, status, joins               report.c  `ddb status`
 *   ledger.c  the table of transactions
 *
 * Rows of the catalogue (pk, sk):
 *   "lease"  "autoadmin"   holder N, epoch N, until_ms N (since 1970)
 *   "meta"   "counters"    table N, group N, incarnation N, version N: the last ones given out
 *   "node"   INCARNATION   number N, name S, zone S, addr S, retired BOOL, attempt N
 *   "table"  NAME          definition B (an item), partitions B (list of partition messages, as created); the rows of a global index
 *                          are those of a table "#<id of its table>.<id of the index>"
 *   "drop"   TABLE-ID      groups B (u64 each): what nodes must still drop
 */
#ifndef AUTOADMIN_AUTOADMIN_H
#define AUTOADMIN_AUTOADMIN_H

#include <sys/queue.h>
#include <uthash.h>

#include "daemon.h"
#include "index.h"
#include "item_build.h"
#include "metrics.h"
#include "result.h"
#include "table.h"

#define AA_NODES_MAX CLUSTER_NODES_MAX
#define AA_INCARNATION_MAX 0xffffffu             /* of a ballot, 24 bits name its replica */
#define AA_JOBS_MAX 1024                         /* changes of the catalogue that wait for their turn */
#define AA_PARTITIONS_MAX 512                    /* of a table */
#define AA_MEMBERS_MAX 7
#define AA_TABLES_MAX 10000
#define AA_JOB_MS_MAX 8000                       /* a change that waited longer is refused: its asker is about to give up */

struct aa;

/* --- cat.c -------------------------------------------------------------------------------------------------- */

struct cat_value {                               /* :name in an expression of ours */
	const char *name;
	uint64_t v;
};

/* Row operations under construction; the first is always the check of our lease, unless fenced is false. */
struct cat_write {
	struct buf ops;                          /* list of op */
};

void cat_begin(struct aa *a, struct cat_write *w, bool fenced);
/* item: a whole row with pk and sk.  condition: expression text over values, or NULL. */
void cat_put(struct aa *a, struct cat_write *w, struct bytes item, const char *condition);
void cat_delete(struct aa *a, struct cat_write *w, const char *pk, struct bytes sk);
/* Sends it; done(arg, result): OK; CONDITION_FAILED and the like: certainly not done; UNKNOWN: perhaps done. */
void cat_commit(struct aa *a, struct cat_write *w, void (*done)(void *arg, enum result r), void *arg);
/* An update of one row with an expression; attributes is the row as it is now (or, on CONDITION_FAILED, as it was). */
void cat_update(struct aa *a, const char *pk, const char *sk, const char *update, const char *condition,
                const struct cat_value *values, size_t n, void (*done)(void *arg, enum result r, struct bytes row), void *arg);
/* Every row, in key order; each(arg, row) may be called many times, then done(arg, result) once. */
void cat_scan(struct aa *a, void (*each)(void *arg, struct bytes row), void (*done)(void *arg, enum result r), void *arg);
/* The process leaves: what waits for another attempt ends now, what is under way when net_free ends it. */
void cat_stop(struct aa *a);

/* --- lease.c ------------------------------------------------------------------------------------------------------ */

void lease_tick(struct aa *a);
bool lease_active(const struct aa *a);           /* the lease is ours and has not run out by our clock */
void lease_lost(struct aa *a);                   /* somebody says so */
void lease_doubt(struct aa *a);                  /* ask the catalogue now, not when it is due */

/* --- nodes ---------------------------------------------------------------------------------------------------------- */

struct aa_group_state {                          /* what a node says of a group of its */
	UT_hash_handle hh;
	uint64_t group, table, ballot, committed, applied, rows, bytes, config_slot;
	uint32_t leader;
	uint8_t leading;
	uint32_t nmembers;
	uint32_t member[AA_MEMBERS_MAX];
	struct bytes ttl;                        /* owned, as are: */
	uint64_t indexes;                        /* of a leader: the IndexVersion it maintains */
	struct bytes filled;                     /* u32 each: ids of the global indexes that know all its items */
	struct bytes locals;                     /* list of local_size */
};

struct aa_node {                                 /* the present incarnation of a node */
	uint32_t number, incarnation;
	uint64_t attempt;
	char *name, *zone, *addr;
	struct net_peer *peer;
	bool polling, known;                     /* known: `states` is what it said since it came up */
	uint64_t asked_at, polled_at, log_bytes;
	/*
	 * Commands it has not answered, and when the last status was asked for that it answered and before which there were none: what
	 * that status does not show was not on its way either.
	 */
	unsigned commands;
	bool asked_clean;
	uint64_t clean_at;
	struct aa_group_state *states;           /* uthash by group */
	struct aa *a;
};

void nodes_dial(struct aa *a, struct aa_node *n);
void nodes_tick(struct aa *a);
struct aa_node *nodes_find(struct aa *a, uint32_t incarnation);     /* a present incarnation; NULL: retired or unknown */
bool nodes_up(const struct aa_node *n);
const struct aa_group_state *nodes_state(const struct aa_node *n, uint64_t group);
void nodes_told_ttl(struct aa_node *n, uint64_t group, struct bytes ttl);    /* believed until its next status */
void nodes_join(struct aa *a, uint64_t conn, uint64_t rid, struct bytes body);
void nodes_fini(struct aa *a);

/* --- state.c -------------------------------------------------------------------------------------------------------- */

struct aa_partition {
	uint64_t group;
	struct bytes low, high;                  /* owned */
	uint64_t ballot;                         /* of the first leader */
	uint32_t nmembers;
	uint32_t member[AA_MEMBERS_MAX];         /* as created */
	uint64_t asked_at, created_at, told_at;  /* when a change of membership, creation, or to maintain indexes was last asked for */
};

struct aa_table {
	UT_hash_handle hh;
	struct table t;
	struct aa_partition *part;
	size_t nparts;
	bool serving;                            /* every group is up on a quorum: ACTIVE */
	bool checked;                            /* once in this epoch: it ever came up */
	struct index_set indexes;                /* of t */
	bool told;                               /* every group maintains these */
	uint64_t moved_at;                       /* when it, or one of them, was last declared active, or gone */
};

struct aa_drop {
	struct aa_drop *next;
	uint64_t table, since;                   /* since: clock_ms() when this process learned of it */
	size_t n;
	uint64_t *group;                         /* owned */
};

struct aa_counters {
	uint64_t table, group, incarnation, version;
};

/* A change of the catalogue, run alone: build the write from the state as it is, commit, then apply it to the state. */
struct aa_job {
	struct aa_job *next;
	bool (*build)(struct aa *a, void *arg, struct cat_write *w);    /* false: nothing to do (it has answered) */
	void (*done)(struct aa *a, void *arg, enum result r);           /* frees arg */
	void *arg;
	uint64_t queued_at;                      /* state_job's own */
};

struct aa {
	struct daemon *d;
	struct item_build build;
	struct key_hasher *hasher;
	bool stopping;                           /* nothing of net may be called any more */
	LIST_HEAD(, cat_call) calls;

	uint64_t owner, epoch, until_ms;         /* lease */
	uint64_t lease_ms;                       /* how long one lasts */
	bool asking, active, loaded;
	uint64_t lease_at, lease_asked;          /* when to ask again; when it was asked */

	struct aa_node *node[AA_NODES_MAX];
	size_t nnodes;
	uint32_t catalogue_leader;               /* as last heard */
	struct aa_partition catalogue;

	struct aa_counters counters;
	struct aa_table *tables;                 /* uthash by name */
	size_t creating;                         /* of them, not serving */
	size_t moving;                           /* of them, with an index that comes or goes, at the last turn */
	struct aa_drop *drops;
	struct aa_job *jobs, **jobs_end;
	size_t njobs;
	bool job_running;

	struct push_link *links;                 /* push.c */
	size_t nlinks;
	struct net_server *server;
	struct metrics_count changes, heals;
};

void state_load(struct aa *a);                   /* once the lease is ours */
void state_clear(struct aa *a);
bool state_job(struct aa *a, const struct aa_job *job);              /* false: too many wait */
void state_run(struct aa *a);
void state_abandon(struct aa *a);                /* what waits is refused: nothing of it was done */
void state_serving(struct aa *a, struct aa_table *t, bool serving);
struct aa_table *state_table(struct aa *a, struct bytes name);
struct aa_table *state_add_table(struct aa *a, struct bytes definition, struct bytes partitions);  /* NULL: malformed */
void state_redefine_table(struct aa *a, struct aa_table *t, struct table *new);       /* takes ownership; the same name */
void state_remove_table(struct aa *a, struct aa_table *t);
void state_put_counters(struct aa *a, struct cat_write *w, const struct aa_counters *c);
void state_put_node(struct aa *a, struct cat_write *w, const struct aa_node *n, bool retired);
struct aa_node *state_add_node(struct aa *a, const struct aa_node *like);    /* copies; replaces an older life of the number */
void state_partitions(const struct aa_table *t, struct buf *out);            /* list of partition, as created */

/* --- place.c -------------------------------------------------------------------------------------------------------- */

struct place_node {
	uint32_t incarnation;
	const char *zone;
	uint64_t load, leads;                    /* replicas, and first leaders among them, so far; counted up by place_group */
};

/* Partitions a new table starts with (as the service: 1000 write and 3000 read units each; 4 on demand). */
size_t place_partitions(const struct table *t);
/* Bounds of partition i of n: the hash space cut evenly; the first low and the last high are empty. */
void place_range(size_t i, size_t n, struct buf *low, struct buf *high);
size_t place_zones(const struct place_node *nodes, size_t n);        /* how many there are */
/* One replica a zone, the least loaded node of each, in at most want zones; out[0] is the first leader.  Returns how many. */
size_t place_group(struct place_node *nodes, size_t n, size_t want, size_t turn, uint32_t *out);

/* --- the rest --------------------------------------------------------------------------------------------------------- */

void groups_send(struct aa *a);                  /* ask nodes for what is missing, as far as they have said what they have */
bool groups_up(struct aa *a, const struct aa_partition *p);          /* on a quorum of its members */

void tables_admin(struct aa *a, uint64_t conn, uint64_t rid, struct bytes body);
void tables_answer(struct aa *a, uint64_t conn, uint64_t rid, enum result r, const char *text, struct bytes body, bool more);
enum table_status tables_status(const struct aa_table *t);           /* as users see it */
void tables_describe(struct aa *a, struct aa_table *t, struct item_build *b);        /* definition with status and counts */
void tables_describe_as(struct aa *a, const struct aa_table *t, enum table_status status, struct item_build *b);
void tables_count(struct aa *a, const struct aa_table *t, uint64_t *rows, uint64_t *bytes);
bool tables_hidden(struct bytes name);           /* no table of a user */
void tables_not_found(struct aa *a, uint64_t conn, uint64_t rid, struct bytes name);  /* answers so */
/* The row of a table; condition as of cat_put. */
void tables_put_row(struct aa *a, struct cat_write *w, struct bytes name, struct bytes definition, struct bytes partitions,
		    const char *condition);
void tables_create(struct aa *a, uint64_t conn, uint64_t rid, struct bytes body);
void tables_open(struct aa *a, const struct aa_table *t);    /* to be ACTIVE in the catalogue; nothing if it is */

struct tables_new {                              /* tables that one entry of the catalogue makes */
	struct aa_counters counters;             /* as they are afterwards */
	size_t n;
	struct {
		struct bytes definition, partitions;     /* owned */
	} v[1 + INDEX_GLOBAL_MAX];
};

/*
 * Give the table `asked` an id, a place and a row in w; t is then its definition, the caller's.  Not RESULT_OK: *text says why, or is NULL.
 */
enum result tables_make(struct aa *a, struct cat_write *w, struct bytes asked, struct tables_new *new, struct table *t, const char **text);
/* The tables of those global indexes of t that have none yet. */
enum result tables_make_rows(struct aa *a, struct cat_write *w, const struct table *t, struct tables_new *new, const char **text);
void tables_made(struct aa *a, struct tables_new *new);              /* it is chosen: they are part of the state */
void tables_new_fini(struct tables_new *new);

/* --- tables_index.c */
/*
 * t's indexes get what they lack: ids, tables, a status; old is the definition before, n = 0: a new table.  False: not a change that may
 * be (of what an index consists of, or one vanishes that was not DELETING).
 */
bool tables_index_number(struct table *t, struct bytes old);
void tables_index_define(struct item_build *b, const struct table *t, const struct index *x);         /* the table of x's rows, as asked for */
void tables_index_told(struct aa *a, const struct aa_table *t, struct item_build *b);        /* for group_indexes: without those that go */
void tables_index_describe(struct aa *a, const struct aa_table *t, struct item_build *b);    /* both lists, with what is counted */
bool tables_index_is_list(struct bytes name);
bool tables_index_any(struct bytes definition);          /* it has some */
bool tables_index_moving(const struct aa_table *t);      /* an index comes or goes */
/* The next step of an index that comes, ACTIVE, or goes, gone: a change for tables_update. */
void tables_index_step(const struct aa_table *t, const struct index *x, struct item_build *b);
/* Tables that go: d gets the groups of t; d becomes a row in w; that is chosen, and t is no part of the state, nor d the caller's. */
void tables_drop_groups(struct aa_drop *d, const struct aa_table *t);
void tables_put_drop(struct aa *a, struct cat_write *w, const struct aa_drop *d);
void tables_gone(struct aa *a, struct bytes name);
void tables_dropped(struct aa *a, struct aa_drop *d);
/*
 * Definition old with the attributes of change set, and without those that are NULL there.  Version counts the definitions: in change it
 * names the one that the change was made from, and if that is no longer old's, RESULT_STALE_SCHEMA.
 * RESULT_OK: *out is the new definition, of the given version; RESULT_INVALID: not one.
 */
enum result tables_change(struct item_build *b, struct bytes old, struct bytes change, uint64_t version, struct table *out);
void tables_update(struct aa *a, uint64_t conn, uint64_t rid, struct bytes name, struct bytes change);

/* The table of transactions, for the first router that wants one: answered as a create, IN_USE if it is there. */
void ledger_make(struct aa *a, uint64_t conn, uint64_t rid);

void push_init(struct aa *a);
void push_table(struct aa *a, struct aa_table *t, bool gone);
void push_nodes(struct aa *a);
void push_all(struct aa *a);                     /* everything again, to everybody */

void report_write(struct aa *a, struct buf *out);

#endif
