/*
 * sim: machines, disks, a network, clocks, clients and an autoadmin, all simulated, around the real core of ddb-node.
 *
 *   main.c     options, many seeds on several processes     world.c    time, events, the course of one seed
 *   machine.c  a machine: clock, process, crash, restart    disk.c     its log's disk (struct wal_io)
 *   post.c     messages between machines                    chaos.c    faults
 *   admin.c    a scripted autoadmin                         client.c   requests and their answers
 *   judge.c    invariants of the nodes, after every step    model.c    what the chosen entries mean, and what an answer
 *   bank.c     transactions, whose coordinators may die;               may say
 *              bank_put.c: their messages
 *   books.c    what the bank's chosen entries mean          program.c  expressions
 *   derive.c   what indexes must hold
 *
 * Everything that happens follows from the seed: one queue of events, one stream of random numbers, no pointer or
 * clock in any decision.  Times are microseconds of true time but for what a machine's clock says.
 */
#ifndef SIM_SIM_H
#define SIM_SIM_H

#include "bytes.h"
#include "core.h"
#include "entry.h"
#include "msg.h"
#include "node.h"
#include "key.h"
#include "program.h"
#include "store_mem.h"
#include "wal.h"

#define SIM_MACHINES_MAX 5
#define SIM_BASES_MAX 4              /* groups that clients know; */
#define SIM_SHELVES_MAX 3            /* behind them, those of global indexes: one or two of the first, one of the second */
#define SIM_GROUPS_MAX (SIM_BASES_MAX + SIM_SHELVES_MAX)
#define SIM_CLIENTS_MAX 64
#define SIM_REGISTERS 12             /* keys of a group: these, */
#define SIM_LISTS 4                  /* and these */
#define SIM_KEYS (SIM_REGISTERS + SIM_LISTS)
#define SIM_COLLECTION 4              /* keys of one partition key */
#define SIM_LIST_MAX 24              /* elements, roughly: then it is deleted */
#define SIM_INCARNATIONS_MAX 512
#define SIM_ID_BYTES PROGRAM_ID_BYTES
#define SIM_WALL_S 1700000000ull     /* what everybody's clock says, about, when a run begins */
#define SIM_NEVER UINT64_MAX

#define MS 1000u
#define SEC 1000000u
#define U(x) ((unsigned long long)(x))      /* for printf */

/* The key of an item: its group's letter, a letter or digit of its collection, and a text as its sort key. */
#define SIM_KEY_MAX 40
struct sim_key {
	uint8_t p[SIM_KEY_MAX];
	size_t n;
};

static inline struct bytes sim_key_view(const struct sim_key *k)
{
	return (struct bytes){ k->p, k->n };
}

/* --- counts, printed at the end ----------------------------------------------------------------------------------- */

#define SIM_COUNTS(X)                                                                                                  \
	X(steps) X(messages) X(lost) X(duplicated) X(cut_off) X(clogged) X(late_answers)                               \
	X(proposals) X(expired) X(acked) X(maybes) X(refused_conditions) X(strong_reads) X(eventual_reads) X(scans)               \
	X(slots) X(leaders) X(serving_checks) X(configurations) X(snapshots) X(collections) X(drops)                   \
	X(kills) X(power_cuts) X(blackouts) X(mid_step_crashes) X(clean_stops) X(pauses) X(partitions) X(clogs)        \
	X(disk_errors) X(store_errors) X(slow_disks) X(torn_writes) X(lost_writes) X(undone_names) X(bit_flips)        \
	X(damaged_logs) X(lost_logs) X(wipes) X(handoffs) X(moves) X(clock_jumps) X(restarts)         \
	X(tx_begun) X(tx_prepares) X(tx_commits) X(tx_cancels) X(tx_conflicts) X(tx_late) X(tx_reads) X(tx_deaths)      \
	X(tx_recovered) X(touches) X(moved_keys) X(feeds) X(fed_changes) X(fills) X(local_scans) X(convergence_us)

struct sim_counts {
#define X(name) uint64_t name;
	SIM_COUNTS(X)
#undef X
};

/* --- events ------------------------------------------------------------------------------------------------------- */

enum sim_event_kind {
	SIM_MESSAGE,                 /* to a node, from another */
	SIM_REQUEST,                 /* to a node, from a client or autoadmin */
	SIM_ANSWER,                  /* to a client or autoadmin */
	SIM_DISK,                    /* a write and its sync are done */
	SIM_WRITTEN,                 /* and the loop hears of it */
	SIM_STORE,                   /* the store's thread does something */
	SIM_REPORT,                  /* and the loop hears of it */
	SIM_TICK,
	SIM_TURN,                    /* end of a turn of the loop */
	SIM_RESUME,                  /* end of a pause */
	SIM_START,                   /* a machine comes up */
	SIM_CLIENT,                  /* a client wakes */
	SIM_TIMEOUT,                 /* a client gives up waiting */
	SIM_ADMIN,
	SIM_FAULT,
	SIM_PHASE,                   /* look whether this part of the run is over */
	SIM_BANK,                    /* a teller wakes, or looks whether its answers have come */
	SIM_ECHO,                    /* a message of a transaction arrives once more */
};

struct sim_packet {
	unsigned type;
	uint32_t n;
	uint8_t body[];
};

struct sim_event {
	uint64_t at, seq;
	enum sim_event_kind kind;
	uint32_t machine;            /* index; or client */
	uint32_t life;               /* of the process it is for, where that matters */
	uint64_t a, b;               /* by kind: replica meant, conn, rid */
	struct sim_packet *packet;   /* owned */
};

/* --- the log's disk ----------------------------------------------------------------------------------------------- */

struct disk_file {
	uint64_t seq;                /* 0: free */
	uint8_t *p;
	size_t n;
	size_t used;                 /* bytes ever submitted to it, from the front */
	bool fresh;                  /* prepared, never submitted to */
	uint8_t *undo;               /* SEG_SECTOR: what the platter has where the page cache is newer */
	uint64_t *undo_off;
	size_t undo_n;
};

#define DISK_FILES 256
#define DISK_SECTOR 512u

struct disk {
	struct machine *m;
	struct disk_file file[DISK_FILES];
	struct disk_file ghost;      /* recycled last: its removal may not have reached the platter */
	uint8_t *spare;
	size_t spare_n;
	struct { bool there; uint64_t seq, off, since; const uint8_t *p; size_t n; } job;
	uint64_t tail_seq, tail_off; /* the newest batch that is synced: nothing proves that from itself */
	uint64_t fail_in;            /* operations until one fails; 0: none will */
	uint64_t slow_until;
};

/* --- machines ----------------------------------------------------------------------------------------------------- */

enum crash { CRASH_NONE, CRASH_KILL, CRASH_POWER };

struct machine {
	struct sim *s;
	uint32_t index, incarnation;
	bool up, stopping;
	uint32_t life;
	struct node *node;
	struct disk disk;
	struct store_mem *store;

	enum crash dying;            /* the process is dead: nothing leaves it any more; buried when the step is over */
	uint64_t down_us;
	uint64_t sends_left;         /* it dies after that many messages; SIM_NEVER */
	uint64_t paused_until;
	struct sim_event *backlog;               /* what came while it was paused */
	size_t nbacklog, cap_backlog;
	bool turn_due, store_due, report_due;

	uint64_t boot_at, clock_at_boot, rate;   /* per mille */
	uint32_t boots;
	char boot_id[16];
	int64_t wall_skew;
	uint64_t random;

	bool damaged;                /* holds the damage token: see chaos.c */
	uint64_t damaged_chosen[SIM_GROUPS_MAX];
	bool flipped;                /* not yet seen by a recovery */

	/* judge: as of this life */
	uint64_t seen_chosen[SIM_GROUPS_MAX], seen_submitted[SIM_GROUPS_MAX], led[SIM_GROUPS_MAX];
	uint64_t base[SIM_GROUPS_MAX];           /* of the log when this life began */
};

/* What an incarnation has said, which no crash may undo. */
struct replica_word {
	uint64_t promised;
	uint64_t acked_ballot, acked;            /* ACCEPTED up to a slot */
	uint64_t acked_before;                   /* the highest slot in any earlier ballot */
	uint64_t led;                            /* ballot, and in which life */
	uint32_t led_life;
};

struct identity {
	uint32_t machine;
	bool retired;
	bool created[SIM_GROUPS_MAX];            /* autoadmin had a confirmation */
	struct replica_word word[SIM_GROUPS_MAX];
};

/* --- clients, and what they want ---------------------------------------------------------------------------------- */

enum op_kind {
	OP_PUT, OP_PUT_NEW, OP_CAS, OP_ADD, OP_APPEND, OP_DELETE, OP_DELETE_IF, OP_MULTI, OP_WRITES,
	OP_GET = OP_WRITES, OP_GET_EVENTUAL, OP_SCAN, OP_SCAN_EVENTUAL,
};
enum op_state { OP_OPEN, OP_DONE, OP_REFUSED, OP_MAYBE, OP_NEVER };      /* NEVER: certainly not carried out */
enum test_kind { TEST_NONE, TEST_ABSENT, TEST_EXISTS, TEST_EQUAL };

struct op {
	uint8_t kind, state, group;
	uint8_t test, tested;                    /* which key the condition is on: index in key */
	uint8_t returns;
	uint8_t key[3];                          /* MULTI: put, delete, check */
	uint8_t attempts;
	uint32_t client, expect;                 /* TEST_EQUAL: id */
	uint32_t pad;
	uint64_t floor;                          /* slots up to here were known to somebody when it began */
	uint64_t slot;                           /* where it was chosen; 0 = not */
	uint64_t began;
	uint64_t ends;                           /* what it puts expires then, seconds since 1970; 0: never */
	/* scans */
	uint8_t reverse, limit;
	bool local, fetch;                       /* of the local index, in the collection of key[0] */
};

struct client {
	uint32_t index, op;                      /* 0: none */
	uint32_t target;                         /* machine asked */
	bool waits;                              /* to ask again */
	uint32_t next;                           /* of the things to be read when all is healed */
};

/* --- the model ---------------------------------------------------------------------------------------------------- */

struct version {
	uint64_t slot;
	uint32_t id;                             /* op; 0: deleted by nobody in particular */
	bool there;
	uint32_t count;                          /* attribute n */
	uint64_t ends;                           /* attribute t; 0: none */
	uint32_t list_at, list_n;                /* in model_group.elements */
};

struct model_key {
	struct version *v;
	size_t n, cap;
};

struct model_slot {
	uint64_t entry;                          /* a hash */
	struct entry_hash state;
	uint64_t timestamp;
	uint64_t ballot;                         /* in which it was seen to be chosen first */
	uint32_t id;                             /* op, 0 = none */
	int8_t deleted;                          /* key deleted by an entry that names no op; -1 = none */
	bool claimed;                            /* and the one who did it is known */
};

struct model_group {
	uint64_t id;
	struct model_slot *slot;                 /* [0] is before the first */
	size_t n, cap;
	struct model_key key[SIM_KEYS];
	uint32_t *elements;
	size_t nelements, cap_elements;
	struct px_config *config;                /* as chosen */
	size_t nconfigs;
	bool ttl;                                /* attribute t is its items' time to live */
	uint64_t floor;                          /* highest slot that somebody was told of */
	uint32_t seen[SIM_KEYS];                 /* last value read or written, as far as clients know */
};

/* --- the bank: accounts of all groups, whose balances add up to 0 --------------------------------------------------- */

#define BANK_ACCOUNTS 5              /* keys of a group with a balance, */
#define BANK_KEYS 7                  /* and without */
#define BANK_OPS_MAX 5
#define BANK_TELLERS_MAX 6

struct bank_state {                      /* of a key: what its item holds */
	bool there, money;
	int b;                           /* balance */
	uint32_t v, w;                   /* the transaction, and the plain write, that changed it last; 0 = none */
};

struct bank_version {
	uint64_t slot;
	struct bank_state is;
};

struct bank_key {
	struct bank_version *v;
	size_t n, cap;
	uint32_t holder;                 /* the transaction that has locked it; 0 = none */
	uint64_t held_slot;
	struct bank_state next;          /* once that commits */
};

enum bank_kind { BANK_ADD, BANK_PUT, BANK_DELETE, BANK_CHECK };
enum bank_test { BANK_ANY, BANK_ABSENT, BANK_EXISTS, BANK_EQUAL, BANK_ZERO };

struct bank_op {
	uint8_t group, key, kind, test;
	int8_t amount;
	int put;                         /* BANK_PUT: the balance */
	uint32_t expect;                 /* BANK_EQUAL */
	bool done;                       /* its commit is chosen */
};

struct bank_tx {                         /* or a plain write: then op[0] alone */
	bool plain, refused;             /* refused: said to be certainly not done */
	uint8_t nops, ledger;            /* ledger: group */
	char state;                      /* in the ledger, as chosen; 0 = not there */
	struct bank_op op[BANK_OPS_MAX];
	uint64_t timestamp;
	uint64_t floor[SIM_GROUPS_MAX];
};

struct bank_part {                       /* of what a teller asks: one group's */
	bool wanted, done, again;
	uint8_t attempts;
	uint64_t sent;
};

struct bank_seen {
	bool locked;
	uint64_t slot;
	struct bank_state is;
};

struct teller {
	uint32_t tx;                     /* 0: none */
	uint8_t stage, serial, pokes, rounds;
	bool failed, commit;
	uint64_t time;                   /* of a conflict; 0 = none */
	struct bank_part part[SIM_GROUPS_MAX];
	struct bank_seen seen[2][SIM_GROUPS_MAX][BANK_KEYS];
	char told;                       /* by the ledger */
};

struct bank {
	uint32_t ntellers;
	struct teller teller[BANK_TELLERS_MAX];
	struct bank_tx *tx;
	size_t ntxs, cap_txs;
	struct bank_key key[SIM_GROUPS_MAX][BANK_KEYS];
	bool read;                       /* everything, after healing */
	uint64_t served_at;              /* when some group was not served last, after healing */
};

/* --- autoadmin ---------------------------------------------------------------------------------------------------- */

struct admin_group {
	struct px_config config;                 /* as last heard */
	struct px_config first;
	uint32_t leader;                         /* incarnation */
	uint64_t leader_ballot;
	uint64_t asked;                          /* when a configuration was last proposed */
	uint64_t indexes;                        /* version of the indexes that it was last said to have */
	bool filled;                             /* the global one knows all of it, it was said */
	uint32_t move_from, move_to;             /* incarnations; 0 = none wanted */
	bool member[SIM_INCARNATIONS_MAX];       /* ever: none is taken in twice */
};

struct admin {
	uint64_t epoch;
	struct admin_group group[SIM_GROUPS_MAX];
	uint32_t turn;
	uint64_t version;                        /* of the indexes; 0: none */
	bool first, creating;                    /* is there the first global one; is it to be filled */
};

/* --- the world ---------------------------------------------------------------------------------------------------- */

enum phase { PHASE_REPAIRABLE, PHASE_HEAL, PHASE_VERIFY, PHASE_UNLIMITED, PHASE_OVER };

struct knobs {                                   /* rolled for each seed */
	unsigned loss_permille, duplicate_permille, far_permille, client_loss_permille;
	uint64_t delay_us, far_us;
	uint64_t sync_us, store_us;
	unsigned turn_permille;                  /* a turn takes in more than one event */
	uint64_t fault_us;                       /* between faults, on average */
	unsigned calm;
	unsigned weight[24];
	unsigned leader_permille;                /* faults that look for a leader */
	uint64_t think_us;
	uint64_t burst_us;                       /* all clients ask at once, that often; 0 = they do not */
	unsigned pad_max;
	unsigned read_permille;
	uint64_t timeout_us;
	unsigned tellers, die_permille;
};

struct programs {
	struct program absent, exists, equal, append, add, add_bare;
	struct program zero, amount[7], touch, pending, commit, cancel;
};

struct sim {
	uint64_t seed, now, steps, hash, rng;
	enum phase phase;
	uint64_t phase_at, phase_steps;
	bool trace;
	struct sim_event *heap;
	size_t nheap, cap;
	uint64_t seq;

	struct knobs k;
	struct node_options options;
	uint64_t first_bytes, segment_bytes;
	unsigned checkpoint_every;

	uint32_t nmachines, ngroups, nclients, nincarnations;
	uint32_t nbases, nshelves, nfirst;       /* ngroups of the two kinds; shelves of the first global index */
	bool indexed, serving;                   /* serving: clients may begin */
	struct derive *derive;                   /* NULL: not indexed */
	struct machine machine[SIM_MACHINES_MAX];
	struct identity identity[SIM_INCARNATIONS_MAX];
	struct model_group group[SIM_GROUPS_MAX];
	struct admin admin;
	struct client client[SIM_CLIENTS_MAX];
	struct op *op;
	size_t nops, cap_ops;
	uint32_t believed[SIM_GROUPS_MAX];       /* the machine that leads, as far as clients know */
	const struct programs *programs;
	struct item_build *build;
	struct bank bank;

	uint64_t cut_until[SIM_MACHINES_MAX][SIM_MACHINES_MAX], clog_until[SIM_MACHINES_MAX][SIM_MACHINES_MAX];
	uint64_t arrival[SIM_MACHINES_MAX][SIM_MACHINES_MAX];    /* of what was sent last */
	bool written_since[SIM_GROUPS_MAX];      /* a write succeeded after healing */
	uint64_t leaders[SIM_GROUPS_MAX];        /* highest ballot seen leading */
	uint64_t wall_max_s;                     /* the latest that any node was told it is */
	struct sim_counts count;
};

/* --- world.c */
void world_run(struct sim *s);                                   /* one seed; s is zero but for seed and programs */
void world_free(struct sim *s);
void world_at(struct sim *s, uint64_t at, struct sim_event e);   /* takes over e.packet */
struct sim_packet *world_packet(unsigned type, struct bytes body);
uint64_t world_random(struct sim *s);
uint64_t world_below(struct sim *s, uint64_t n);
bool world_chance(struct sim *s, unsigned permille);
uint64_t world_spread(struct sim *s, uint64_t mean);             /* roughly exponential */
uint64_t world_hash(uint64_t h, const void *p, size_t n);
uint64_t world_lot(const struct sim *s, uint64_t what);          /* follows from the seed and what alone */
void world_fail(const struct sim *s, const char *fmt, ...) __attribute__((format(printf, 2, 3), noreturn));
void world_say(const struct sim *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void world_show(const struct sim *s, const char *who, unsigned type, struct bytes body);
/* main.c: prints how to see it again and ends the process. */
void main_failed(const struct sim *s) __attribute__((noreturn));

/* --- disk.c */
struct wal_io disk_io(struct disk *d);
void disk_done(struct disk *d);                                  /* the job is on the platter */
void disk_crash(struct disk *d, enum crash how);
void disk_wipe(struct disk *d);
enum disk_flip { DISK_FLIP_NONE, DISK_FLIP_HEADER, DISK_FLIP_RECORD };
enum disk_flip disk_flip(struct disk *d, bool headers);          /* one bit of what is known to be synced, if any */
bool disk_healthy(const struct disk *d);

/* --- machine.c */
uint64_t machine_clock(const struct machine *m);
uint64_t machine_wall_us(const struct machine *m);
void machine_boot(struct machine *m);                            /* a new clock */
void machine_start(struct machine *m);
void machine_event(struct machine *m, struct sim_event *e);      /* one of those that are for a node */
void machine_stop(struct machine *m);                            /* as by SIGTERM */
void machine_die(struct machine *m, enum crash how, uint64_t down_us);   /* at the end of the step */
void machine_bury(struct machine *m);                            /* now */
void machine_wipe(struct machine *m);                            /* while down: everything is gone; a new incarnation */
void machine_retire(struct machine *m);
struct machine *machine_of(struct sim *s, uint32_t incarnation); /* NULL: it is no more */
bool machine_paused(const struct machine *m);
void machine_pause(struct machine *m, uint64_t us);
void machine_resume(struct machine *m);

/* --- post.c */
void post_send(struct machine *from, uint32_t replica, unsigned type, struct bytes body);
void post_request(struct sim *s, uint32_t machine, uint64_t conn, uint64_t rid, unsigned type, struct bytes body);
void post_answer(struct machine *from, uint64_t conn, uint64_t rid, unsigned type, struct bytes body);

/* --- chaos.c */
void chaos_roll(struct sim *s);
void chaos_fault(struct sim *s, bool strike);                    /* strike: at a leader, and no other fault follows */
void chaos_heal(struct sim *s);
void chaos_depose(struct sim *s);                                /* some leader dies, at last */
void chaos_calm(struct sim *s, unsigned degree);
void chaos_unleash(struct sim *s);                               /* the second part */
void chaos_recovered(struct machine *m, bool lost);              /* it started; lost: it has no identity any more */
void chaos_look(struct sim *s);                                  /* is the damage repaired? */

/* --- admin.c */
#define ADMIN_CONN 1000u
void admin_init(struct sim *s);
void admin_tick(struct sim *s);
void admin_answer(struct sim *s, uint64_t rid, unsigned type, struct bytes body);
void admin_bootstrap(struct machine *m);
bool admin_settled(const struct sim *s);                         /* no configuration names a retired incarnation */
bool admin_indexed(const struct sim *s);                         /* every group has the indexes that it shall have */
void admin_move(struct sim *s, unsigned group);                   /* some replica to another machine */
void admin_lead(struct sim *s, unsigned group);                   /* another leader */
uint32_t admin_incarnation(struct sim *s, struct machine *m);

/* --- client.c */
struct programs *client_programs(void);
void client_programs_free(struct programs *p);
uint32_t client_reads(const struct sim *s);                      /* how many things are read of a group when all is healed */
void client_put_group(struct sim *s, uint64_t id);               /* attribute g of what is built, if any */
void client_wake(struct sim *s, uint32_t client);
void client_timeout(struct sim *s, uint32_t client, uint32_t op, uint32_t attempt);
void client_answer(struct sim *s, uint32_t client, uint64_t rid, unsigned type, struct bytes body);

/* --- bank_put.c: the bank's messages; each returns its type */
void bank_programs(struct programs *p);
void bank_programs_fini(struct programs *p);
struct sim_key bank_put_key(unsigned group, unsigned key);        /* of an account */
unsigned bank_put_begin(struct sim *s, uint32_t tx, struct buf *out);
unsigned bank_put_prepare(struct sim *s, uint32_t tx, unsigned group, struct buf *out);
unsigned bank_put_decide(struct sim *s, uint32_t tx, bool commit, struct buf *out);
unsigned bank_put_ask(struct sim *s, uint32_t tx, struct buf *out);
unsigned bank_put_finish(struct sim *s, uint32_t tx, unsigned group, bool commit, struct buf *out);
unsigned bank_put_read(unsigned group, struct buf *out);
unsigned bank_put_scan(unsigned group, bool reverse, struct buf *out);  /* all accounts, strongly */
unsigned bank_put_plain(struct sim *s, uint32_t tx, struct buf *out);

/* --- bank.c */
#define BANK_CONN 2000u
void bank_init(struct sim *s);
void bank_fini(struct sim *s);
void bank_wake(struct sim *s, uint32_t teller, uint32_t tx, uint8_t serial);
void bank_echo(struct sim *s, uint32_t tx, uint8_t group, bool finish);
void bank_answer(struct sim *s, uint32_t teller, uint64_t rid, unsigned type, struct bytes body);

/* --- books.c */
bool books_own(struct bytes key);                                /* is it one of the bank's? */
void books_entry(struct sim *s, struct model_group *g, uint64_t slot, const struct entry *e);
bool books_read(struct bytes item, struct bank_state *out);
bool books_same(const struct bank_state *a, const struct bank_state *b);
bool books_holds(const struct bank_op *op, const struct bank_state *is);
const struct bank_state *books_newest(const struct sim *s, unsigned group, unsigned key);
/* Was there such a state at floor or later? */
bool books_was(const struct sim *s, unsigned group, unsigned key, uint64_t floor, const struct bank_state *is);
bool books_failed(const struct sim *s, const struct bank_op *op, uint64_t floor);        /* its test, at floor or later */
bool books_settled(const struct sim *s, const char **why);       /* nothing is locked; what is committed is done */
void books_held(const struct machine *m, const struct group *g); /* a node knows what is locked */
void books_totals(struct sim *s, uint32_t tx, struct bank_seen (*seen)[BANK_KEYS]);      /* of one moment, not before tx began */

/* --- derive.c */
void derive_init(struct sim *s);
void derive_fini(struct sim *s);
struct bytes derive_definition(struct sim *s, uint64_t version, bool first, bool creating);
void derive_range(const struct sim *s, uint32_t shelf, struct bytes *low, struct bytes *high);
bool derive_projects_all(const struct sim *s);                   /* the local index has whole items */
bool derive_is_item(struct bytes key);                           /* not a row of an index, nor of the group's own */
void derive_entry(struct sim *s, struct model_group *g, uint64_t slot, const struct entry *e);
void derive_filled(struct sim *s, unsigned group);
uint64_t derive_version(const struct sim *s, unsigned group);    /* of the group's indexes, as chosen */
uint64_t derive_fed(const struct sim *s);                        /* since when some index lacks a change; SIM_NEVER: none does */
bool derive_settled(struct sim *s, const char **why);            /* and they are what the items say */

/* --- judge.c */
void judge_step(struct machine *m);
void judge_sent(struct machine *m, unsigned type, struct bytes body);
void judge_started(struct machine *m);
bool judge_converged(struct sim *s, const char **why);
bool judge_served(const struct sim *s);                          /* every group has a leader that may serve, and wrote after healing */
void judge_equal(struct sim *s);                                 /* of replicas that applied the same */

/* --- model.c */
void model_init(struct model_group *g, uint64_t id);
void model_fini(struct model_group *g);
bool model_row_next(struct bytes *rest, struct entry_row *row);   /* the next one of an item */
void model_chosen(struct sim *s, struct model_group *g, uint64_t slot, struct bytes raw);
const struct px_config *model_governing(const struct model_group *g, uint64_t slot);
uint64_t model_entry_hash(struct bytes raw);
bool model_ends(uint64_t ends, uint64_t now_s);                   /* an item with this attribute t has expired */
bool model_leftover(const struct model_group *g, uint64_t now_s);        /* something in it has */
/* Keys of a group: of the hash only the first two bytes are not 0, so that they are in the order of their texts. */
struct sim_key model_spell(unsigned group, char collection, struct bytes sort);
bool model_unspell(unsigned group, struct bytes key, char *collection, struct bytes *sort);
struct sim_key model_key(const struct model_group *g, unsigned key);
void model_put_key(struct item_build *b, struct bytes key);      /* its attributes */
/* Judge answers; each ends the run if no order of events explains it. */
void model_written(struct sim *s, struct op *op, uint32_t id, const struct msg_written *m);
void model_refused(struct sim *s, struct op *op, uint32_t id);
void model_got(struct sim *s, struct op *op, uint32_t id, const struct msg_got *m);
void model_page(struct sim *s, struct op *op, uint32_t id, const struct msg_page *m);

#endif
