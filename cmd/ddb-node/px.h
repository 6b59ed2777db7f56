/*
 * px: Multi-Paxos for one replication group, as a pure step: an event and the time go in, actions come out.
 *
 * Source: Lamport, "Paxos Made Simple" and "Reconfiguring a State Machine"; ATC'22 paper, sections 3 and 6 (leases, gray
 * failures); DESIGN, D2 to D4.
 * Does not: read a clock, do I/O, allocate, roll dice, look into an entry (but for configurations, which its caller decodes).
 *
 * Slots are dense from 1.  A ballot is round << 24 | replica, and a replica is the incarnation of its node, which no other
 * replica of the cluster ever had: two leaders cannot share a ballot.  The caller keeps the entries; px deals in slots and
 * ballots.  Actions are carried out in order.  A persist action gets a token; every message names the token that must be
 * durable before it may leave, so "acknowledge before fsync" cannot be expressed.  A message to px itself (msg.to == self: the
 * promise of a candidate's own acceptor) goes the same way: filled from the log, kept until its token, given to px_message.
 *
 * A configuration is logged and sent only when every slot before it is chosen.  So whoever has accepted a configuration at slot c
 * knows that everything below c is chosen, and no log holds two configurations that are not.  It counts as chosen when a
 * quorum of the new members, too, has accepted it and all before it: else the old ones could be dropped with the only copies.
 *
 * Invariants (px_check):
 *   base - 1 <= committed <= match <= top; promised >= ballot of everything accepted
 *   a leader proposes slot s only if s <= committed + PX_WINDOW, and nothing behind a configuration that is not chosen
 *   promised, committed and the token never go down
 *   at most one configuration is above committed
 */
#ifndef NODE_PX_H
#define NODE_PX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PX_MEMBERS_MAX 7
#define PX_WINDOW 512                /* slots a leader may have proposed above committed */
#define PX_ACTIONS_MAX 128           /* actions of one step */
#define PX_CATCHUP_SLOTS 128         /* slots sent to a member ahead of its match while it catches up */
#define PX_PAGE_SLOTS 32             /* slots above committed that one PROMISE brings */
#define PX_REPLICA_BITS 24

#define PX_BALLOT(round, replica) ((uint64_t)(round) << PX_REPLICA_BITS | (replica))
#define PX_BALLOT_REPLICA(b) ((uint32_t)((b) & ((1u << PX_REPLICA_BITS) - 1)))
#define PX_BALLOT_ROUND(b) ((b) >> PX_REPLICA_BITS)

enum px_role { PX_STORAGE = 1, PX_LOG = 2 };    /* a log replica votes, but never leads */

struct px_member {
	uint32_t replica;
	uint8_t role;
};

/* A configuration at slot s governs slots above s, once s is chosen.  The first one of a group is at slot 0. */
struct px_config {
	uint64_t slot;
	uint32_t n;                  /* 1..PX_MEMBERS_MAX */
	struct px_member m[PX_MEMBERS_MAX];
};

/*
 * Leases are between nodes, not groups (DESIGN, D4): the heartbeat module keeps one of these for every other node
 * and all groups of this node look at it.  Times are microseconds of the caller's clock.  A grant covers those of the leader's
 * groups for which the peer has said so (px_member_covers), and as long as it has not said otherwise.
 */
struct px_lease {
	uint32_t replica;
	uint64_t held_until;         /* the peer granted to us, counted from our sending, shortened by the drift bound */
	uint64_t granted_until;      /* we granted to the peer, counted from our receiving, lengthened by the drift bound */
};

struct px_leases {
	uint32_t n;
	struct px_lease *v;
};

struct px_options {
	uint64_t election_us;        /* without a healthy leader for this long (plus jitter), ask the peers */
	uint64_t retry_us;           /* an unanswered message is repeated after this long */
	uint64_t lease_us;           /* a leader without a quorum's lease for this long steps down */
};

enum px_state { PX_FOLLOWER, PX_INQUIRING, PX_PREPARING, PX_LEADER };

enum px_msg_type {
	PX_INQUIRE = 1,              /* pre-vote and "can you reach the leader?" in one */
	PX_INQUIRED,
	PX_PREPARE,                  /* phase 1; also asks for the next page of a promise, in the same ballot */
	PX_PROMISE,
	PX_ACCEPT,                   /* phase 2: entries first..last; none (last = first - 1) to tell committed */
	PX_ACCEPTED,
	PX_RELEASE,                  /* the leader gives up its lease; `target` may campaign at once */
};

struct px_msg {
	enum px_msg_type type;
	uint32_t from, to;           /* replicas: a message to another incarnation is never delivered */
	uint64_t ballot;             /* INQUIRE: the ballot that would be used */
	bool ok;                     /* INQUIRED, PROMISE, ACCEPTED: granted or refused */
	bool healthy;                /* INQUIRED, PROMISE refused: a lease to a live leader stands in the way */
	bool gap;                    /* ACCEPTED: slots between match and first are missing; send from match + 1 */
	uint64_t promised;           /* answers: the highest ballot promised by the sender.  PREPARE: a ballot whose leader has
	                              * released it in the candidate's favour; 0 = none */
	uint64_t first, last;        /* PREPARE: first slot wanted.  PROMISE, ACCEPT: the slots this message covers: for a
	                              * promise, everything accepted in first..last is in it, and last >= top means complete */
	uint64_t match;              /* ACCEPTED: everything up to here is accepted in ballot, or chosen */
	uint64_t committed;          /* the sender's */
	uint64_t base;               /* PROMISE: first slot whose entry the sender still has.  ACCEPTED: names this life of the
	                              * sender, which a restart ends.  ACCEPT: the life of the receiver, as far as known; 0 = not */
	uint64_t top;                /* PROMISE: highest slot the sender has accepted */
	uint64_t unknown_first, unknown_last; /* PROMISE: slots the sender lost to corruption; none if first > last */
	uint32_t target;             /* RELEASE: who should lead next; 0 = anybody */

	/* PROMISE, as received: ballots[i] is the ballot in which slot first + i was accepted, 0 = none there. */
	const uint64_t *ballots;
	/* PROMISE and ACCEPT: the configuration among the carried entries.  The sender ends a message at one, so config, if
	 * not NULL, is the entry of slot config->slot == last. */
	const struct px_config *config;
};

enum px_action_type {
	PX_DO_PERSIST_PROMISE = 1,   /* log "promised ballot"; the token is durable with it */
	PX_DO_PERSIST_ENTRIES,       /* log entries first..last under ballot: those of the ACCEPT being handled, or, on a leader or
	                              * candidate, what was proposed or staged for these slots.  A record of an entry is also a
	                              * promise of its ballot */
	PX_DO_SEND,                  /* msg, once token is durable.  For PROMISE and ACCEPT the caller adds the entries first..last
	                              * from its log as it is now; it may cut a PROMISE short (lower last) and an ACCEPT into several
	                              * messages, and must do so behind a configuration */
	PX_DO_STAGE,                 /* keep, for slot first, the entry of the PROMISE being handled, in place of anything staged */
	PX_DO_STAGE_NOOP,            /* keep a new no-op for slot first, in place of anything staged */
	PX_DO_LEARN,                 /* entries first..last of the PROMISE being handled are chosen: log them under their ballots
	                              * (this is a persist, with token); a CHOSEN follows */
	PX_DO_CHOSEN,                /* slots up to `last` are chosen (their own records need not be durable here) */
	PX_DO_FOLLOW,                /* this replica follows `replica` (0: nobody) in `ballot`; whatever was proposed or staged for
	                              * slots above `last` (committed, at this point of the step) is in doubt */
	PX_DO_LEAD,                  /* phase 1 is complete, in `ballot`; new proposals are accepted from now on, behind the
	                              * inherited slots, which end at `last` and were logged in this or earlier steps */
	PX_DO_READY,                 /* everything inherited and a no-op of this ballot are chosen: reads may be served (under the lease) */
	PX_DO_SNAPSHOT,              /* leader or candidate: `replica` needs a snapshot from us; follower: we need one from it */
	PX_DO_CONFIG,                /* *config is chosen and governs from now on */
};

struct px_action {
	enum px_action_type type;
	uint64_t ballot, first, last, token;
	uint32_t replica;
	const struct px_config *config;
	struct px_msg msg;
};

struct px_actions {
	size_t n;                    /* <= PX_ACTIONS_MAX, which no step exceeds */
	struct px_action v[PX_ACTIONS_MAX];
};

/* What a leader knows of a member, or a candidate of a voter. */
struct px_progress {
	uint32_t replica;
	uint64_t match, next;        /* leader: accepted up to; next slot to send */
	uint64_t committed, committed_sent;     /* as it said last; as it was told last */
	uint64_t life;               /* a member that begins another one has forgotten what was not synced, and what is chosen */
	uint64_t heard, sent;        /* times of the last answer and the last message */
	uint64_t owing;              /* since when it has owed an answer */
	uint64_t rewound;            /* when a gap last made us go back to match + 1 */
	bool probing;                /* an answer is overdue: only asked where it stands, until it answers */
	bool covers;                 /* leader: its grants cover this group */
	bool snapshot;               /* waits for a snapshot to be installed */
	uint64_t snapshot_at;        /* when that was last asked for */
	/* phase 1 (answered and ok: the inquiry too) */
	bool answered, ok;
	bool held_back;              /* has more pages, beyond our window */
	uint64_t upto, top;          /* promise pages are complete up to; highest slot accepted there */
	uint64_t unknown_first, unknown_last;
};

struct px {
	uint32_t self;
	uint8_t role;
	const struct px_options *options;
	const struct px_leases *leases;

	/* acceptor */
	uint64_t promised;
	uint64_t match;              /* accepted in `promised`, or chosen, without a gap up to here */
	uint64_t base;               /* first slot whose entry is still in the log */
	uint64_t committed;
	uint64_t top;                /* highest slot accepted in any ballot */
	uint64_t unknown_first, unknown_last;
	uint64_t token, durable;     /* last token given; last one known durable */
	uint64_t silent_until;       /* a restarted acceptor grants nothing before: it may have forgotten a lease */
	uint64_t covered;            /* the ballot that its leader's heartbeats cover; 0 = none */
	uint64_t honoured_until;     /* uncovered since, but what was granted before stands until then */
	uint32_t leader;             /* who leads in `promised`, as far as known; 0 = unknown */
	uint64_t leader_seen;        /* when it was last heard of */
	uint64_t life;               /* differs after a restart */
	bool greeted;                /* the leader knows of this life, or never knew of another */
	uint64_t released;           /* the last ballot whose leader gave up its lease: it never gets another */
	uint32_t told;               /* the leader named by the last FOLLOW */
	uint64_t told_ballot;

	/* configurations: config[0] governs; config[1], if nconfig is 2, is accepted and not chosen */
	uint32_t nconfig;
	struct px_config config[2];

	/* proposer */
	enum px_state state;
	uint64_t ballot;             /* of the attempt or the leadership */
	uint64_t round_seen;
	uint64_t since;              /* when this state began, or last made progress */
	uint64_t asked;              /* when the peers were last asked */
	uint64_t wait;               /* jittered election timeout now in force */
	uint64_t random;             /* as last given by the caller */
	uint64_t vouched;            /* candidate by hand-off: the ballot released for it */
	uint64_t promise_token;      /* makes the candidate's own promise durable */
	uint64_t next_slot;          /* leader: next slot to propose (match + 1, but for a configuration that waits) */
	uint64_t ready_slot;         /* leader: the no-op that ends recovery */
	bool ready, draining;
	uint32_t handoff;
	uint64_t quorum_seen;        /* when this leadership began: before, it needs no lease to stay */
	bool more;                   /* a step stopped at PX_ACTIONS_MAX: go on in the next */
	uint32_t npeers;             /* members of all configurations that matter, self included */
	struct px_progress peer[2 * PX_MEMBERS_MAX];
	uint64_t ring[PX_WINDOW];    /* slots match + 1 ..: best ballot seen in phase 1; up to match: token of its record */
};

/* What recovery or creation knows.  A group that is new everywhere starts with its first leader assigned: `promised` is that
 * leader's ballot on every member, and lead is true on the leader alone, once: never after a restart. */
struct px_start {
	uint32_t self;
	uint8_t role;
	uint64_t promised, committed, base, top;
	uint64_t unknown_first, unknown_last;  /* first > last: none; base <= first, last <= top */
	uint64_t silent_until;
	uint32_t nconfig;            /* the last configuration in log or snapshot; if it is above committed it is config[1], and */
	struct px_config config[2];  /* config[0] the one before it, even if that is above committed too */
	bool config_passed;          /* an entry above config[1], of its ballot or a higher one, is in the log: so it is chosen */
	bool lead;
};

/* May emit CHOSEN and CONFIG: a configuration in the log proves that everything before it is chosen. */
void px_init(struct px *px, const struct px_options *options, const struct px_leases *leases, const struct px_start *start,
             uint64_t now, struct px_actions *out);

/* Every step clears *out first.  random is any 64 bits, used for jitter only. */
void px_message(struct px *px, const struct px_msg *msg, uint64_t now, uint64_t random, struct px_actions *out);
void px_tick(struct px *px, uint64_t now, uint64_t random, struct px_actions *out);   /* every 20-100 ms while px_wants_tick */
bool px_wants_tick(const struct px *px, uint64_t now);      /* false: an idle leader, or a follower of a healthy leader */
void px_persisted(struct px *px, uint64_t token, uint64_t now, struct px_actions *out);

enum px_verdict {
	PX_OK,
	PX_NOT_LEADER,               /* or recovery is not complete, or it is handing off */
	PX_WINDOW_FULL,              /* PX_WINDOW slots are in flight */
	PX_BARRIER,                  /* a configuration is in flight: nothing may pass it */
};

/* Propose one entry (config: its configuration, with slot still 0, or NULL).  On PX_OK, *slot is its slot, and the actions
 * ask for its record (that of a configuration follows in a later step, when all before it is chosen); messages follow at
 * px_flush.  A configuration is refused (PX_BARRIER) before an entry of the present ballot is chosen; once it is chosen, px
 * proposes a no-op behind it. */
enum px_verdict px_propose(struct px *px, const struct px_config *config, uint64_t now, uint64_t *slot, struct px_actions *out);
void px_flush(struct px *px, uint64_t now, bool commits, struct px_actions *out);
                                     /* send what members lack; with commits, also the news of committed alone */
bool px_wants_flush(const struct px *px);
bool px_commits_behind(const struct px *px);                /* some member has not been told of committed */

/* Leader: stop proposing, and once everything is chosen release the lease, asking `target` (0: best member) to lead. */
void px_handoff(struct px *px, uint32_t target, uint64_t now, struct px_actions *out);

/* The lease, seen from both ends. */
bool px_may_serve(const struct px *px, uint64_t now);       /* leader, ready, and a quorum's grants stand: check AFTER reading */
bool px_consents(const struct px *px, uint64_t ballot);     /* a heartbeat of ballot's leader covers this group: may we grant? */
                                     /* ask again once covered is no longer that ballot: every change of promised clears it */
void px_covered(struct px *px, uint64_t ballot, uint64_t now);  /* the leader's list has us (ballot), or no longer (0): what was
                                     * granted already still stands, so lists may arrive late or out of order */
void px_member_covers(struct px *px, uint32_t replica, bool covers);  /* leader: do that member's grants cover this group? */

/* The log's end of things. */
void px_collected(struct px *px, uint64_t base);            /* entries below base are gone */
void px_installed(struct px *px, uint64_t slot, const struct px_config *config, uint64_t now, struct px_actions *out);
                                     /* a snapshot of everything up to slot is durable; its log entries are gone */
/* The slot of the configuration that governs `slot`, and that configuration (valid until the next step). */
uint64_t px_governing(const struct px *px, uint64_t slot, const struct px_config **config);
void px_check(const struct px *px);                         /* asserts the invariants */

#endif
