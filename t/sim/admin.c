/*
 * What ddb-autoadmin does, without its catalogue: it asks every node how it is, creates groups where they are
 * missing, replaces retired incarnations by the machine's new one, moves replicas when told to, and drops what was
 * moved away.
 */
#include <string.h>

#include "item_build.h"
#include "sim.h"

#define TICK_US (60 * MS)
#define AGAIN_US (250 * MS)

enum asked { ASKED_STATUS, ASKED_CREATE, ASKED_CONFIG, ASKED_DROP, ASKED_LEAD, ASKED_TTL, ASKED_INDEXES };

/* What becomes of the first global index: it is there from the beginning or made later, and it stays or goes. */
enum life { LIFE_STAYS, LIFE_COMES, LIFE_GOES, LIFE_COMES_AND_GOES, LIVES };
#define STEPS_COME 3000u
#define STEPS_GO 7000u

static uint64_t rid_of(enum asked what, unsigned group, uint32_t incarnation)
{
	return (uint64_t)what << 56 | (uint64_t)group << 32 | incarnation;
}

uint32_t admin_incarnation(struct sim *s, struct machine *m)
{
	uint32_t i = s->nincarnations++;

	if (i == SIM_INCARNATIONS_MAX)
		world_fail(s, "more incarnations than the simulator has room for");
	s->identity[i] = (struct identity){ .machine = m->index };
	return i;
}

static void put_config(struct buf *b, const struct px_config *c)
{
	struct entry_member m[ENTRY_MEMBERS_MAX];

	for (uint32_t i = 0; i < c->n; i++)
		m[i] = (struct entry_member){ c->m[i].replica, c->m[i].role };
	entry_put_config(b, 0, m, c->n);
}

static void choose_members(struct sim *s, struct admin_group *g)
{
	uint32_t start = (uint32_t)world_below(s, s->nmachines);

	g->first.n = s->nmachines == 5 && world_chance(s, 700) ? 3 : s->nmachines;
	for (uint32_t i = 0; i < g->first.n; i++) {
		uint32_t incarnation = s->machine[(start + i) % s->nmachines].incarnation;

		g->first.m[i] = (struct px_member){ incarnation, PX_STORAGE };
		g->member[incarnation] = true;
	}
	g->config = g->first;
	g->leader = g->first.m[0].replica;
}

static enum life life(const struct sim *s)
{
	return (enum life)(world_lot(s, 201) % LIVES);
}

void admin_init(struct sim *s)
{
	s->admin.epoch = 1;
	for (uint32_t i = 0; i < s->ngroups; i++) {
		struct admin_group *g = &s->admin.group[i];
		struct model_group *model = &s->group[i];

		choose_members(s, g);
		model->config[0] = g->first;
		model->nconfigs = 1;
		model->ttl = i < s->nbases && world_lot(s, 100 + i) % 3 == 0;
		s->believed[i] = s->identity[g->leader].machine;
	}
	s->admin.version = s->indexed;
	s->admin.first = life(s) == LIFE_STAYS || life(s) == LIFE_GOES;
}

/* --- creation ----------------------------------------------------------------------------------------------------- */

static void creation(const struct sim *s, unsigned i, uint32_t incarnation, const struct px_config *config,
		     uint64_t ballot, struct buf *b)
{
	struct buf c = { 0 };
	uint8_t letter[2] = { (uint8_t)('B' + i), (uint8_t)('C' + i) };
	struct bytes low = { &letter[0], 1 }, high = { &letter[1], 1 };

	if (i >= s->nbases)
		derive_range(s, i - s->nbases, &low, &high);
	put_config(&c, config);
	msg_put_group_create(b, &(struct msg_group_create){
		.epoch = s->admin.epoch, .group = i + 1, .table = i + 1, .schema = 1,
		.low = low, .high = high,
		.incarnation = incarnation, .config_slot = config->slot, .config = buf_view(&c), .ballot = ballot,
	}, MSG_VERSION);
	buf_fini(&c);
}

static uint64_t first_ballot(const struct admin_group *g)
{
	return PX_BALLOT(1, g->first.m[0].replica);
}

/* Group 1 is the catalogue's: nobody creates it but the nodes themselves. */
void admin_bootstrap(struct machine *m)
{
	struct sim *s = m->s;
	const struct admin_group *g = &s->admin.group[0];
	struct buf b = { 0 };
	struct msg_group_create c;

	if (!group_has_config(&g->first, m->incarnation) || s->identity[m->incarnation].created[0] ||
	    node_find(m->node, 1) != NULL)
		return;
	creation(s, 0, m->incarnation, &g->first, first_ballot(g), &b);
	if (!msg_get_group_create(buf_view(&b), &c, MSG_VERSION) || node_bootstrap(m->node, &c, machine_clock(m)) != 0)
		world_fail(s, "the first group is refused");
	buf_fini(&b);
}

static void create(struct sim *s, unsigned i, uint32_t incarnation)
{
	const struct admin_group *g = &s->admin.group[i];
	bool first = g->config.slot == 0 && !s->identity[incarnation].created[i];
	struct buf b = { 0 };

	creation(s, i, incarnation, &g->config, first ? first_ballot(g) : 0, &b);
	post_request(s, s->identity[incarnation].machine, ADMIN_CONN, rid_of(ASKED_CREATE, i, incarnation),
		     MSG_group_create, buf_view(&b));
	buf_fini(&b);
}

static void drop(struct sim *s, unsigned i, uint32_t incarnation)
{
	struct buf b = { 0 };

	s->count.drops++;
	msg_put_group_drop(&b, &(struct msg_group_drop){ s->admin.epoch, i + 1, incarnation }, MSG_VERSION);
	post_request(s, s->identity[incarnation].machine, ADMIN_CONN, rid_of(ASKED_DROP, i, incarnation),
		     MSG_group_drop, buf_view(&b));
	buf_fini(&b);
}

/* A node forgets it when it stops, and is told again. */
static void settle_ttl(struct sim *s, uint32_t incarnation, const struct msg_group_state *m)
{
	struct bytes ttl = s->group[m->group - 1].ttl ? BYTES_LIT("t") : BYTES_NONE;
	struct buf b = { 0 };

	if (bytes_eq(m->ttl, ttl))
		return;
	msg_put_group_ttl(&b, &(struct msg_group_ttl){ s->admin.epoch, m->group, incarnation, ttl }, MSG_VERSION);
	post_request(s, s->identity[incarnation].machine, ADMIN_CONN, rid_of(ASKED_TTL, (unsigned)m->group - 1, incarnation),
		     MSG_group_ttl, buf_view(&b));
	buf_fini(&b);
}

/* --- indexes ------------------------------------------------------------------------------------------------------ */

static void settle_indexes(struct sim *s, uint32_t incarnation, const struct msg_group_state *m)
{
	struct admin_group *g = &s->admin.group[m->group - 1];
	struct bytes ids = m->filled;
	struct buf b = { 0 };

	if (m->leading < 2 || m->group > s->nbases || !s->indexed)
		return;
	g->indexes = m->indexes > g->indexes ? m->indexes : g->indexes;
	for (; ids.n >= 4; ids.p += 4, ids.n -= 4)
		if (load_u32(ids.p) == 2) {
			derive_filled(s, (unsigned)m->group - 1);
			g->filled |= m->indexes == s->admin.version;
		}
	if (m->indexes >= s->admin.version)
		return;
	msg_put_group_indexes(&b, &(struct msg_group_indexes){ s->admin.epoch, m->group, s->admin.version,
		derive_definition(s, s->admin.version, s->admin.first, s->admin.creating) }, MSG_VERSION);
	post_request(s, s->identity[incarnation].machine, ADMIN_CONN, rid_of(ASKED_INDEXES, (unsigned)m->group - 1, incarnation),
		     MSG_group_indexes, buf_view(&b));
	buf_fini(&b);
}

static void change_indexes(struct sim *s, bool first, bool creating)
{
	s->admin.version++;
	s->admin.first = first;
	s->admin.creating = creating;
	for (uint32_t i = 0; i < s->nbases; i++)
		s->admin.group[i].filled = false;
	world_say(s, "--- indexes %llu: %s", U(s->admin.version), !first ? "the first global one goes" : creating ? "a new one" : "it is filled");
}

static bool all_have(const struct sim *s, uint64_t version)
{
	for (uint32_t i = 0; i < s->nbases; i++)
		if (s->admin.group[i].indexes < version)
			return false;
	return true;
}

static void review_indexes(struct sim *s)
{
	bool filled = s->admin.creating, come = s->steps > STEPS_COME + world_lot(s, 204) % STEPS_COME;
	bool go = s->steps > (life(s) == LIFE_GOES ? STEPS_COME : STEPS_GO) + world_lot(s, 205) % STEPS_COME;

	if (!s->indexed)
		return;
	s->serving |= all_have(s, 1);
	for (uint32_t i = 0; i < s->nbases; i++)
		filled &= s->admin.group[i].filled;
	if (!s->serving)
		return;
	if (filled)
		change_indexes(s, true, false);
	else if (come && s->admin.version == 1 && (life(s) == LIFE_COMES || life(s) == LIFE_COMES_AND_GOES))
		change_indexes(s, true, true);
	else if (go && s->admin.first && (life(s) == LIFE_GOES || life(s) == LIFE_COMES_AND_GOES))
		change_indexes(s, false, false);
}

bool admin_indexed(const struct sim *s)
{
	for (uint32_t i = 0; s->indexed && i < s->nbases; i++)
		if (derive_version(s, i) < s->admin.version)
			return false;
	return !s->admin.creating;
}

/* --- membership --------------------------------------------------------------------------------------------------- */

/* What the configuration should be; false if it is that. */
static bool wanted(const struct sim *s, const struct admin_group *g, struct px_config *c)
{
	*c = g->config;
	for (uint32_t i = 0; i < c->n; i++) {
		uint32_t old = c->m[i].replica;

		if (s->identity[old].retired) {
			c->m[i].replica = s->machine[s->identity[old].machine].incarnation;
			return true;
		}
	}
	for (uint32_t i = 0; i < c->n; i++)
		if (g->move_from != 0 && c->m[i].replica == g->move_from && !s->identity[g->move_to].retired &&
		    !group_has_config(c, g->move_to)) {
			c->m[i].replica = g->move_to;
			return true;
		}
	return false;
}

static void change(struct sim *s, unsigned i)
{
	struct admin_group *g = &s->admin.group[i];
	struct px_config c;
	struct buf b = { 0 }, config = { 0 };

	if (!wanted(s, g, &c)) {
		g->move_from = g->move_to = 0;
		return;
	}
	if (s->now < g->asked + AGAIN_US || machine_of(s, g->leader) == NULL)
		return;
	g->asked = s->now;
	for (uint32_t k = 0; k < c.n; k++)
		g->member[c.m[k].replica] = true;
	put_config(&config, &c);
	msg_put_group_config(&b, &(struct msg_group_config){ s->admin.epoch, i + 1, g->config.slot, buf_view(&config) },
			     MSG_VERSION);
	post_request(s, s->identity[g->leader].machine, ADMIN_CONN, rid_of(ASKED_CONFIG, i, g->leader),
		     MSG_group_config, buf_view(&b));
	buf_fini(&b);
	buf_fini(&config);
}

void admin_move(struct sim *s, unsigned i)
{
	struct admin_group *g = &s->admin.group[i];
	uint32_t from = g->config.m[world_below(s, g->config.n)].replica;
	uint32_t to = s->machine[world_below(s, s->nmachines)].incarnation;
	struct px_config c;

	if (wanted(s, g, &c) || g->member[to])
		return;
	/* Never two replicas of a group on one machine. */
	for (uint32_t k = 0; k < g->config.n; k++)
		if (g->config.m[k].replica != from &&
		    s->identity[g->config.m[k].replica].machine == s->identity[to].machine)
			return;
	g->move_from = from;
	g->move_to = to;
	s->count.moves++;
}

void admin_lead(struct sim *s, unsigned i)
{
	const struct admin_group *g = &s->admin.group[i];
	struct buf b = { 0 };
	uint32_t target;

	if (machine_of(s, g->leader) == NULL)
		return;
	s->count.handoffs++;
	target = g->config.m[world_below(s, g->config.n)].replica;
	msg_put_group_lead(&b, &(struct msg_group_lead){ s->admin.epoch, i + 1, target }, MSG_VERSION);
	post_request(s, s->identity[g->leader].machine, ADMIN_CONN, rid_of(ASKED_LEAD, i, g->leader), MSG_group_lead,
		     buf_view(&b));
	buf_fini(&b);
}

bool admin_settled(const struct sim *s)
{
	for (uint32_t i = 0; i < s->ngroups; i++) {
		const struct admin_group *g = &s->admin.group[i];
		struct px_config c;

		if (wanted(s, g, &c) || g->config.slot != s->group[i].config[s->group[i].nconfigs - 1].slot)
			return false;
		for (uint32_t k = 0; k < g->config.n; k++)
			if (!s->identity[g->config.m[k].replica].created[i])
				return false;
	}
	return true;
}

/* --- the daily round ---------------------------------------------------------------------------------------------- */

void admin_tick(struct sim *s)
{
	uint32_t i = s->admin.turn++ % s->nmachines;
	struct buf b = { 0 };

	s->admin.epoch += world_chance(s, 5);
	msg_put_node_status(&b, &(struct msg_node_status){ s->admin.epoch }, MSG_VERSION);
	post_request(s, i, ADMIN_CONN, rid_of(ASKED_STATUS, 0, s->machine[i].incarnation), MSG_node_status,
		     buf_view(&b));
	buf_fini(&b);
	review_indexes(s);
	for (unsigned g = 0; g < s->ngroups; g++)
		change(s, g);
	world_at(s, s->now + TICK_US + world_below(s, TICK_US), (struct sim_event){ .kind = SIM_ADMIN });
}

static void learn(struct admin_group *g, uint32_t incarnation, const struct msg_group_state *m)
{
	struct bytes rest = m->members, part;
	struct msg_member member;
	struct px_config c = { .slot = m->config_slot };

	while (c.n < PX_MEMBERS_MAX && msg_list_next(&rest, &part) && msg_get_member(part, &member, MSG_VERSION))
		c.m[c.n++] = (struct px_member){ member.replica, member.role };
	if (c.slot > g->config.slot)
		g->config = c;
	if (m->leading > 0 && m->ballot >= g->leader_ballot) {
		g->leader = incarnation;
		g->leader_ballot = m->ballot;
	}
}

static void on_state(struct sim *s, const struct msg_node_state *m)
{
	struct bytes rest = m->groups, part;
	bool present[SIM_GROUPS_MAX] = { 0 };
	const struct machine *machine = machine_of(s, m->incarnation);

	if (machine == NULL)
		return;
	while (msg_list_next(&rest, &part)) {
		struct msg_group_state g;

		if (!msg_get_group_state(part, &g, MSG_VERSION) || g.group == 0 || g.group > s->ngroups)
			world_fail(s, "a status that cannot be read");
		present[g.group - 1] = true;
		s->identity[m->incarnation].created[g.group - 1] = true;
		learn(&s->admin.group[g.group - 1], m->incarnation, &g);
		if (!group_has_config(&s->admin.group[g.group - 1].config, m->incarnation))
			drop(s, (unsigned)g.group - 1, m->incarnation);
		else
			settle_ttl(s, m->incarnation, &g);
		settle_indexes(s, m->incarnation, &g);
	}
	for (unsigned i = 0; i < s->ngroups; i++)
		if (!present[i] && group_has_config(&s->admin.group[i].config, m->incarnation) &&
		    (i > 0 || s->admin.group[i].config.slot > 0 || s->identity[m->incarnation].created[i]))
			create(s, i, m->incarnation);
}

void admin_answer(struct sim *s, uint64_t rid, unsigned type, struct bytes body)
{
	struct msg_node_state state;
	struct msg_done done;

	if (type == MSG_node_state && msg_get_node_state(body, &state, MSG_VERSION)) {
		on_state(s, &state);
		return;
	}
	if (type != MSG_done || !msg_get_done(body, &done, MSG_VERSION))
		world_fail(s, "autoadmin cannot read an answer");
	if (rid >> 56 == ASKED_CREATE && done.result == RESULT_OK)
		s->identity[(uint32_t)rid].created[rid >> 32 & 0xff] = true;
	if (done.result == RESULT_INTERNAL)
		world_fail(s, "autoadmin is answered: internal error");
}
