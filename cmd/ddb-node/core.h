/*
 * core: what the files of the node core share.  Private to them (and to the simulator's checks).
 *
 *   node.c      lifecycle, dispatch, ticks            group.c   a group: creation, carrying out px's actions
 *   recover.c   from log and stores to groups         wire.c    px messages to and from their bytes
 *   exec.c      gets, writes; scan.c: scans           wait.c    requests that wait for a slot or the lease
 *   image.c     what a key holds                      tx.c      what transactions prepare, finish and read; tx_prepare.c,
 *                                                               tx_recover.c: what their coordinators left
 *   apply.c     chosen entries into the store         collect.c what of the log may go
 *   beat.c      heartbeats and leases                 snap.c    snapshots between replicas
 *   control.c   what autoadmin asks for               sweep.c   items whose time to live is over
 *   change.c    entries with rows (change.h)          own.h     keys of the group's own rows
 *   feed.c      what global indexes learn (feed.h)    fill.c    what new ones lack (fill.h)
 *   merge.c     rows in order (merge.h)
 */
#ifndef NODE_CORE_H
#define NODE_CORE_H

#include <sys/queue.h>
#include <uthash.h>

#include "fill.h"
#include "glog.h"
#include "held.h"
#include "index.h"
#include "msg.h"
#include "node.h"
#include "overlay.h"
#include "px.h"
#include "result.h"

#define CORE_PEERS_MAX 64                        /* other nodes a node holds leases with */

/* A value for a slot that is not in the log yet: proposed, inherited, or a no-op. */
struct staged {
	uint64_t slot;
	uint8_t *entry;                          /* owned */
	uint32_t bytes;
	bool fresh;                              /* ours: not inherited from another leader */
};

enum waiter_kind { WAIT_WRITE, WAIT_CHECK };     /* for its slot to be chosen; for a slot and then the lease */

struct waiter {
	STAILQ_ENTRY(waiter) next;
	enum waiter_kind kind;
	uint64_t slot;
	uint64_t conn, rid, since;
	unsigned type;                           /* of the answer */
	struct bytes body;                       /* owned */
};
STAILQ_HEAD(waiters, waiter);

struct group {
	UT_hash_handle hh;
	uint64_t id, table;
	uint32_t schema;
	struct bytes low, high;                  /* owned; high.n = 0: to the end */

	struct px px;
	struct glog log;
	struct staged *staged;                   /* PX_WINDOW of them, by slot % PX_WINDOW; NULL until needed */
	uint64_t logged, logged_origin;          /* the slot logged last, and its entry's origin */
	uint64_t last_end;                       /* end of the last record this group appended */
	uint64_t state_position;                 /* of the record that holds description and promise */
	bool ready;                              /* its creation is durable; until then it neither speaks nor listens */
	struct px_start *start;                  /* owned; what px starts with once that is so */
	struct px_config config;                 /* as chosen; for descriptions in the log */

	struct held held;                        /* keys that transactions may have locked */

	struct index_set indexes;                /* as of the newest proposed state, if indexes_known (group_indexes) */
	uint64_t indexes_slot;                   /* the slot that wrote them; 0: none that is still in flight */
	bool indexes_known;
	struct feed *feed;                       /* owned (feed.h) */
	struct fill fill;

	struct overlay *overlay;
	uint64_t overlay_top;                    /* slots up to here are in the overlay (or in the store) */
	uint64_t chosen;                         /* px's committed, as far as its actions were carried out */
	uint64_t clock;                          /* highest timestamp seen in this log */
	uint64_t deleted_clock;

	struct store_meta meta;                  /* as last reported by the store */
	uint64_t submitted;                      /* slots up to here were given to the store */
	struct entry_hash hash;                  /* after `submitted` */
	uint64_t submitted_clock;                /* timestamp of the entry at `submitted` */
	uint64_t submitted_origin;               /* and its origin */
	struct px_config submitted_config;       /* the newest configuration at or below `submitted` */
	bool applying;                           /* a batch is in flight */
	uint64_t apply_since;                    /* when the oldest unsubmitted entry was chosen; 0 = none */
	uint64_t applying_since;                 /* the same, of the batch in flight */
	uint64_t checkpointed;                   /* survives a power cut up to here */
	bool checkpointing;

	struct waiters writes, checks;

	/* a snapshot being received */
	uint64_t install_transfer;               /* 0 = none */
	uint32_t install_from, install_seq;
	uint64_t install_heard;
	bool installing;                         /* complete, and not yet durable in the store */
	uint64_t install_end;                    /* the store may change over once the log is durable up to here; 0: it was told */
	struct store_meta install_meta;

	struct bytes ttl;                        /* owned; the attribute that says when an item expires; n = 0: none does */
	struct buf sweep_from;                   /* where the pass goes on; empty: a new one begins */
	uint64_t sweep_began, sweep_at;          /* this pass; when the next slice is due */

	uint32_t covered_by;                     /* the leader whose list covers this group; 0 = none */
	uint64_t ticked;
	bool dirty;                              /* in node->dirty */
	bool dropped;
	STAILQ_ENTRY(group) dirty_next;
};

/* A message, or an answer, that must not leave before the log is durable up to `end`. */
struct pending {
	STAILQ_ENTRY(pending) next;
	uint64_t end;
	bool answer;                             /* to conn, rid; else to replica */
	uint32_t replica;
	uint64_t conn, rid;
	unsigned type;
	uint32_t bytes;
	uint8_t body[];
};
STAILQ_HEAD(pendings, pending);

/* A group that is dropped in the log; its store goes once the log is durable up to `end`. */
struct farewell {
	STAILQ_ENTRY(farewell) next;
	uint64_t end, group;
};

/* A group wants to hear of `token` once the log is durable up to `end`. */
struct promise {
	uint64_t end, group, token;
};

/*
 * The other side of a pair of nodes.  A list of leaderships goes out under a serial of its own each time; the peer answers which of
 * them it cannot cover, and its grants name the serial they stand on.  So a grant counts only if we know what it covers.
 */
struct beat_peer {
	uint32_t replica;
	uint64_t nonce, nonce_at;                /* our last heartbeat; nonce 0: answered */
	uint64_t sent_serial, sent_digest;       /* the last list we sent */
	uint64_t listed_serial;                  /* the last one it answered; 0 = none */
	bool complete;                           /* it covers everything in it */
	/* its list, as leader */
	uint64_t serial, digest;                 /* serial 0 = none, or no longer what we can cover */
};

/* A px message with its entries, as received. */
struct inbound {
	struct px_msg m;
	uint64_t ballots[NODE_PAGE_SLOTS];
	struct bytes entry[NODE_PAGE_SLOTS];     /* by slot - m.first */
	struct px_config config;
};
struct snap_out;
LIST_HEAD(snap_outs, snap_out);

struct node {
	struct node_env env;
	struct node_options opt;
	struct px_options px_options;
	struct wal *wal;
	struct store store;
	uint32_t self;                           /* our incarnation */
	uint64_t now;
	uint64_t silent_until;
	uint64_t epoch;                          /* highest fencing epoch obeyed */

	struct group *groups;                    /* uthash by id */
	STAILQ_HEAD(, group) dirty;
	const struct group *flushing;            /* not to be put there */
	uint64_t nwaiters;

	struct pendings pending;
	struct pendings loopback;                /* messages to ourselves, until the turn ends */
	struct promise *promises;                /* circular */
	size_t promises_n, promises_head, promises_cap;

	struct px_leases leases;
	struct px_lease lease[CORE_PEERS_MAX];
	struct beat_peer peer[CORE_PEERS_MAX];
	uint64_t list_serial;
	uint64_t list_digest;
	size_t list_n;                           /* groups we lead */
	bool list_dirty;
	uint64_t beat_at;

	size_t creating;                         /* groups that are not ready yet */
	size_t installs;                         /* groups with an install_end */
	STAILQ_HEAD(, farewell) farewells;
	uint64_t tick_at, collect_at;
	uint64_t collect_keep, collect_after;    /* collection waits for state records; 0 = none */
	struct snap_outs snaps;

	uint64_t stopping;                       /* since; 0 = no */
	uint64_t clean_end;                      /* end of the clean mark; 0 = not written */

	struct inbound inbound;                  /* the px message being handled; never two at once */
	struct px_actions actions;
	struct key_hasher *hasher;
	struct node_metrics metrics;
};

/* The lowest slot that some member, as far as this leader knows, lacks; UINT64_MAX if we do not lead. */
uint64_t group_lagging(const struct group *g);

/* --- node.c */
void node_dirty(struct node *n, struct group *g);
void node_send(struct node *n, uint32_t replica, unsigned type, struct bytes body, uint64_t end);   /* once durable up to end */
void node_answer(struct node *n, uint64_t conn, uint64_t rid, unsigned type, struct bytes body, uint64_t end);
void node_expect(struct node *n, uint64_t group, uint64_t token, uint64_t end);
struct group *node_find(const struct node *n, uint64_t id);

/* --- wire.c */
bool wire_get(struct bytes body, uint64_t *group, struct inbound *in);
void wire_send(struct node *n, struct group *g, const struct px_msg *m, uint64_t end);
/* The bytes of an accepted slot: cached, or read back into scratch.  False if they are not to be had. */
bool wire_entry(struct node *n, struct group *g, uint64_t slot, struct buf *scratch, struct bytes *out);
void wire_config_to_entry(struct buf *b, const struct px_config *c, uint64_t timestamp);
bool wire_config_of_entry(struct bytes raw, uint64_t slot, struct px_config *out);
uint64_t wire_origin(struct bytes raw);                                         /* of an entry */
void wire_partition(const struct group *g, struct buf *out);

/* --- group.c */
struct group *group_new(struct node *n, uint64_t id, uint64_t table, uint32_t schema, struct bytes low, struct bytes high);
void group_free(struct node *n, struct group *g);
void group_act(struct node *n, struct group *g, const struct inbound *in);      /* carries out n->actions */
void group_stage(struct group *g, uint64_t slot, struct bytes entry, bool fresh);       /* copies entry */
/* Propose an entry; on PX_OK it is logged and *slot is set. */
enum px_verdict group_propose(struct node *n, struct group *g, struct bytes entry, const struct px_config *config, uint64_t *slot);
void group_describe(const struct group *g, struct buf *out);                    /* group_desc, for SEG_GROUP and SEG_STATE */
uint64_t group_append(struct node *n, struct group *g, uint8_t kind, uint64_t ballot, uint64_t slot, struct bytes body);
uint64_t group_timestamp(struct node *n, struct group *g);                      /* next of the group's hybrid clock */
bool group_has_config(const struct px_config *c, uint32_t replica);
void group_load(struct node *n, struct group *g, uint64_t from, uint64_t to);   /* overlay of slots from..to */
/* The indexes that the group maintains, as of its newest proposed state, without any n = 0.  Valid until its next entry. */
const struct index_set *group_indexes(struct node *n, struct group *g);
uint64_t group_indexes_version(struct node *n, struct group *g);                /* of those that are chosen; 0 = none */

/* --- recover.c */
bool recover_run(struct node *n, const struct wal_io *io, const struct wal_options *options, bool *lost);

/* --- image.c */
struct image {
	bool found;
	bool locked;
	uint64_t slot;                           /* what it depends on; 0: nothing that is still in flight */
	uint64_t version;                        /* found and this are the same again if nothing has touched the key meanwhile */
	uint64_t time;                           /* of the entry that wrote or deleted it, or a later one if nothing is there */
	struct bytes item;                       /* points into the overlay or into row, as does: */
	struct lock lock;
	struct buf row;
};
/* The image of key as of slot `upto` (OVERLAY_NEWEST: proposed).  False if the store holds something it should not. */
bool image_look(struct node *n, struct group *g, struct bytes key, uint64_t upto, struct image *im);
bool image_of_row(struct bytes row, struct image *im);                          /* all but slot */

/* --- exec.c */
struct effect {                                  /* of one op on one image */
	bool changes;
	struct bytes image;                      /* n = 0: delete */
	struct buf made, why;                    /* an update's new image; why it cannot be */
};
bool exec_check_op(const struct msg_op *op, const struct index_set *set);       /* is it well-formed, for a table with these? */
/* What op makes of old, in a table with these indexes, into e; *text says why if it is INVALID, and may lie in e. */
enum result exec_effect(const struct msg_op *op, const struct image *old, const struct index_set *set, struct effect *e,
			struct bytes *text);
void exec_effect_fini(struct effect *e);
uint64_t exec_group_bytes(const struct group *g, const struct index_set *set);  /* as in messages.def; without local indexes 0 */
/* The group, if a request for it belongs here; else it is refused and NULL returned. */
struct group *exec_route(struct node *n, uint64_t conn, uint64_t rid, unsigned type, uint64_t id, uint64_t table, uint32_t schema);
bool exec_in_range(const struct group *g, struct bytes key);
bool exec_may_write(struct node *n, struct group *g, uint64_t conn, uint64_t rid, unsigned type);       /* else it is refused */
enum result exec_write_room(struct node *n, const struct group *g);             /* OK: a leader may propose */
void exec_get(struct node *n, uint64_t conn, uint64_t rid, struct bytes body);
void exec_write(struct node *n, uint64_t conn, uint64_t rid, struct bytes body);

/* --- scan.c */
void scan_run(struct node *n, uint64_t conn, uint64_t rid, struct bytes body);

/* --- tx.c */
void tx_prepare(struct node *n, uint64_t conn, uint64_t rid, struct bytes body);
void tx_finish(struct node *n, uint64_t conn, uint64_t rid, struct bytes body);
void tx_get(struct node *n, uint64_t conn, uint64_t rid, struct bytes body);
void tx_ask(struct node *n, struct bytes body);
void tx_told(struct node *n, struct bytes body);
void tx_tick(struct node *n, struct group *g);                                  /* ask about what has been held for too long */
void tx_row(struct node *n, struct group *g, uint64_t slot, const struct entry_row *row);       /* an entry is seen that writes it */
void tx_stored(struct node *n, struct group *g);                                /* the store has other rows than before */

/* --- wait.c */
void wait_add(struct node *n, struct group *g, enum waiter_kind kind, uint64_t slot, uint64_t conn, uint64_t rid, unsigned type,
              struct bytes body);                                               /* copies body */
void wait_run(struct node *n, struct group *g);                                 /* answer what can be answered */
void wait_fail(struct node *n, struct group *g);                                /* leadership is gone */
void wait_expire(struct node *n, struct group *g);
void wait_refuse(struct node *n, const struct group *g, uint64_t conn, uint64_t rid, unsigned type, enum result r, const char *text);

/* --- apply.c */
void apply_run(struct node *n, struct group *g, bool now);
void apply_done(struct node *n, struct group *g, const struct store_meta *meta);

/* --- collect.c */
void collect_tick(struct node *n);
void collect_durable(struct node *n);

/* --- beat.c */
void beat_tick(struct node *n);
void beat_beat(struct node *n, struct bytes body);
void beat_beaten(struct node *n, struct bytes body);
void beat_list(struct node *n, struct bytes body);
void beat_listed(struct node *n, struct bytes body);
void beat_relist(struct node *n);                                               /* our leaderships changed */
void beat_moved(struct node *n, struct group *g);                               /* g's promise may have moved away from its leader's list */
void beat_members(struct node *n, const struct px_config *c);                   /* make sure pairs exist */
uint64_t beat_granted_until(const struct node *n);
void beat_fini(struct node *n);

/* --- sweep.c */
void sweep_set(struct group *g, struct bytes attribute);                        /* copies it; empty: nothing expires */
void sweep_tick(struct node *n);                                                /* a slice of one group, if one is due */
void sweep_fini(struct group *g);

/* --- snap.c */
void snap_start(struct node *n, struct group *g, uint32_t replica);
void snap_ask(struct node *n, struct group *g, uint32_t replica);
void snap_want(struct node *n, struct bytes body);
void snap_rows(struct node *n, struct bytes body);
void snap_got(struct node *n, struct bytes body);
void snap_tick(struct node *n);
void snap_durable(struct node *n);                                              /* the log moved */
void snap_installed(struct node *n, struct group *g, const struct store_meta *meta);
void snap_fini(struct node *n, const struct group *only);                       /* only: NULL = all */

/* --- control.c */
void control_request(struct node *n, uint64_t conn, uint64_t rid, unsigned type, struct bytes body);
int control_bootstrap(struct node *n, const struct msg_group_create *m);
void control_node_record(struct node *n, bool clean);
void control_durable(struct node *n);                                           /* the log moved: groups may be ready, stores go */
void control_fini(struct node *n);

#endif
