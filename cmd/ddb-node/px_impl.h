/* px_impl: what the files of px share.  Private to them. */
#ifndef NODE_PX_IMPL_H
#define NODE_PX_IMPL_H

#include "px.h"

static inline uint64_t px_min(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static inline uint64_t px_max(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* --- px.c */
struct px_action *px_emit(struct px_actions *out, enum px_action_type type);     /* a zeroed action of this type */
/* A zeroed message in our ballot with our committed, to be sent once token is durable. */
struct px_msg *px_send(struct px *px, enum px_msg_type type, uint32_t to, uint64_t token, struct px_actions *out);
uint64_t px_jitter(struct px *px);                       /* election_us to twice that */
uint32_t px_quorum(const struct px_config *c);
bool px_is_member(const struct px_config *c, uint32_t replica);
const struct px_lease *px_lease_of(const struct px *px, uint32_t replica);
void px_rewritten(struct px *px, uint64_t upto);         /* accepted anew up to there: what was lost is no matter */
void px_step_down(struct px *px, uint32_t leader, uint64_t now, struct px_actions *out); /* become a follower */

/* --- px_accept.c */
bool px_lease_stands(const struct px *px, uint64_t now); /* this acceptor's grant to its leader has not run out */
bool px_healthy(const struct px *px, uint64_t now);      /* as far as we know, an election would disturb somebody */
bool px_can_campaign(const struct px *px, uint64_t now);
bool px_alone(const struct px *px);                      /* no other replica has a say */
void px_raise(struct px *px, uint64_t ballot);           /* promised becomes ballot (to be persisted by the caller) */
void px_commit(struct px *px, uint64_t upto, struct px_actions *out);      /* upto <= match */
void px_page(struct px *px, uint32_t to, uint64_t first, struct px_actions *out);        /* PROMISE, from first on */
void px_on_inquire(struct px *px, const struct px_msg *m, uint64_t now, struct px_actions *out);
void px_on_prepare(struct px *px, const struct px_msg *m, uint64_t now, struct px_actions *out);
void px_on_accept(struct px *px, const struct px_msg *m, uint64_t now, struct px_actions *out);
void px_on_release(struct px *px, const struct px_msg *m, uint64_t now, struct px_actions *out);

/* --- px_lead.c */
struct px_progress *px_peer(struct px *px, uint32_t replica);
void px_peers(struct px *px);                            /* the members of all configurations, keeping progress */
void px_persist(struct px *px, uint64_t last, struct px_actions *out);   /* slots match + 1 .. last, under px->ballot */
void px_noop(struct px *px, struct px_actions *out);     /* propose a no-op */
void px_lead(struct px *px, uint64_t now, struct px_actions *out);
void px_progress(struct px *px, uint64_t now, struct px_actions *out);   /* do all that has become possible */
void px_accepted(struct px *px, const struct px_msg *m, uint64_t now, struct px_actions *out);
void px_farewell(struct px *px, const struct px_config *next, struct px_actions *out);   /* to who is not in next */
void px_release(struct px *px, uint32_t target, uint64_t now, struct px_actions *out);
void px_lead_tick(struct px *px, uint64_t now, struct px_actions *out);
void px_retry(struct px *px, uint64_t now, struct px_actions *out);
uint64_t px_lease_until(const struct px *px);            /* a quorum's grants stand until then */
bool px_keeps(const struct px *px, uint64_t now);        /* a leader: holds its lease, or lost it not long ago */

/* --- px_phase1.c */
void px_inquire(struct px *px, uint64_t now, struct px_actions *out);
void px_inquired(struct px *px, const struct px_msg *m, uint64_t now, struct px_actions *out);
void px_inquire_tick(struct px *px, uint64_t now, struct px_actions *out);
void px_campaign(struct px *px, uint64_t now, struct px_actions *out);
void px_promised(struct px *px, const struct px_msg *m, uint64_t now, struct px_actions *out);
void px_prepare_tick(struct px *px, uint64_t now, struct px_actions *out);
void px_advance(struct px *px, uint64_t now, struct px_actions *out);    /* propose inherited slots that are settled */

#endif
