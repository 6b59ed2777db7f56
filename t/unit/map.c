/* map: the routing map of ddb-memds. */
#include "map.h"

#include <stdlib.h>

#include "check.h"
#include "result.h"

#define V MSG_VERSION

struct part {
	uint64_t group;
	const char *low, *high;
	uint64_t config_slot, ballot;
	uint32_t leader;
};

static void put_part(struct buf *list, const struct part *p)
{
	struct buf members = { 0 };
	struct msg_partition m = {
		.group = p->group,
		.low = bytes_str(p->low),
		.high = bytes_str(p->high),
		.config_slot = p->config_slot,
		.ballot = p->ballot,
		.leader = p->leader,
	};

	for (uint32_t i = 1; i <= 3; i++)
		MSG_LIST_PUT(&members, member, (&(struct msg_member){ i, 1 }), V);
	m.members = buf_view(&members);
	MSG_LIST_PUT(list, partition, &m, V);
	buf_fini(&members);
}

static enum map_result tell(struct map *m, uint64_t epoch, uint64_t source, const char *name, uint64_t version,
                            const struct part *parts, size_t n)
{
	struct buf list = { 0 };
	enum map_result r;

	for (size_t i = 0; i < n; i++)
		put_part(&list, &parts[i]);
	r = map_table(m, source,
	              &(struct msg_map_table){ epoch, version, bytes_str(name), BYTES_LIT("definition"),
	                                       buf_view(&list) }, V);
	buf_fini(&list);
	return r;
}

static enum map_result forget(struct map *m, uint64_t epoch, uint64_t source, const char *name)
{
	return map_table(m, source, &(struct msg_map_table){ .epoch = epoch, .name = bytes_str(name) }, V);
}

static bool push(struct map *m, struct part p)
{
	struct buf list = { 0 };
	bool ok;

	p.low = p.high = "";
	put_part(&list, &p);
	ok = map_push(m, &(struct msg_map_push){ 1, buf_view(&list) }, V);
	buf_fini(&list);
	return ok;
}

static enum map_result complete(struct map *m, uint64_t epoch, uint64_t source, uint32_t tables)
{
	return map_complete(m, source, &(struct msg_map_complete){ epoch, tables });
}

/* The answer's result; groups gets the ids, last the last partition (its views are gone). */
static struct msg_route asked;
static struct msg_partition last;

static unsigned ask(struct map *m, const char *table, const char *key, uint16_t limit, uint64_t *groups, size_t *n)
{
	static struct buf out;
	struct msg_lookup q = { .table = bytes_str(table), .key = bytes_str(key), .limit = limit };
	struct bytes part, rest;

	buf_clear(&out);
	map_route(m, &q, V, &out);
	CHECK(msg_get_route(buf_view(&out), &asked, V));
	rest = asked.partitions;
	for (*n = 0; msg_list_next(&rest, &part); ++*n) {
		CHECK(msg_get_partition(part, &last, V));
		groups[*n] = last.group;
	}
	CHECK_INT(rest.n, 0);
	return asked.result;
}

static uint64_t holder(struct map *m, const char *table, const char *key)
{
	uint64_t groups[MAP_LIMIT_MAX];
	size_t n;

	return ask(m, table, key, 1, groups, &n) == RESULT_OK && n == 1 ? groups[0] : 0;
}

static unsigned result_of(struct map *m, const char *table)
{
	uint64_t groups[MAP_LIMIT_MAX];
	size_t n;

	return ask(m, table, "", 1, groups, &n);
}

static const struct part three[] = {
	{ 10, "", "g", 1, 0, 0 },
	{ 11, "g", "p", 1, 0, 0 },
	{ 12, "p", "", 1, 0, 0 },
};

TEST(finds_the_partition_of_a_key)
{
	struct map *m = map_new();
	uint64_t groups[MAP_LIMIT_MAX];
	size_t n;

	CHECK_INT(tell(m, 1, 1, "orders", 1, three, 3), MAP_OK);
	CHECK(holder(m, "orders", "") == 10 && holder(m, "orders", "a") == 10 && holder(m, "orders", "fzz") == 10);
	CHECK(holder(m, "orders", "g") == 11 && holder(m, "orders", "g\x01") == 11 && holder(m, "orders", "o") == 11);
	CHECK(holder(m, "orders", "p") == 12 && holder(m, "orders", "\xff\xff") == 12);
	CHECK(ask(m, "orders", "h", 5, groups, &n) == RESULT_OK && n == 2 && groups[0] == 11 && groups[1] == 12);
	CHECK(ask(m, "orders", "", 2, groups, &n) == RESULT_OK && n == 2 && groups[1] == 11);
	CHECK(ask(m, "orders", "", 0, groups, &n) == RESULT_OK && n == 1);
	map_free(m);
}

TEST(only_a_complete_map_says_that_a_table_is_absent)
{
	struct map *m = map_new();

	CHECK_INT(result_of(m, "orders"), RESULT_NOT_READY);
	CHECK_INT(tell(m, 1, 1, "orders", 1, three, 3), MAP_OK);
	CHECK(result_of(m, "orders") == RESULT_OK && result_of(m, "other") == RESULT_NOT_READY);
	CHECK_INT(complete(m, 1, 1, 2), MAP_MISSING);
	CHECK_INT(result_of(m, "other"), RESULT_NOT_READY);
	CHECK_INT(complete(m, 1, 1, 1), MAP_OK);
	CHECK(result_of(m, "orders") == RESULT_OK && result_of(m, "other") == RESULT_NO_TABLE);
	CHECK_INT(forget(m, 1, 1, "orders"), MAP_OK);
	CHECK_INT(forget(m, 1, 1, "orders"), MAP_OK);
	CHECK_INT(result_of(m, "orders"), RESULT_NO_TABLE);
	CHECK(map_state(m).groups == 0 && map_state(m).tables == 0);
	map_free(m);
}

TEST(sends_only_what_the_asker_lacks)
{
	struct map *m = map_new();
	struct buf out = { 0 }, nodes = { 0 };
	struct msg_lookup q = { .table = BYTES_LIT("orders"), .limit = 1 };

	MSG_LIST_PUT(&nodes, node, (&(struct msg_node){ .incarnation = 1, .name = BYTES_LIT("node-a") }), V);
	tell(m, 1, 1, "orders", 7, three, 3);
	CHECK_INT(map_nodes(m, 1, &(struct msg_map_nodes){ 1, 4, buf_view(&nodes) }, V), MAP_OK);
	for (int i = 0; i < 4; i++) {
		q.table_version = i & 1 ? 7 : 6;
		q.nodes_version = i & 2 ? 4 : 3;
		buf_clear(&out);
		map_route(m, &q, V, &out);
		CHECK(msg_get_route(buf_view(&out), &asked, V) && asked.table_version == 7 && asked.nodes_version == 4);
		CHECK((asked.definition.n == 0) == (i & 1) && (asked.nodes.n == 0) == (i >> 1 & 1));
	}
	buf_fini(&out);
	buf_fini(&nodes);
	map_free(m);
}

TEST(the_higher_configuration_and_ballot_stand)
{
	struct map *m = map_new();

	CHECK_INT(tell(m, 1, 1, "orders", 1, three, 3), MAP_OK);
	CHECK(push(m, (struct part){ 11, "", "", 5, 100, 1 }));
	CHECK(holder(m, "orders", "h") == 11 && last.leader == 1 && last.config_slot == 5);
	CHECK(push(m, (struct part){ 11, "", "", 5, 99, 2 }));
	CHECK(push(m, (struct part){ 11, "", "", 4, 200, 3 }));
	CHECK(holder(m, "orders", "h") == 11 && last.leader == 1);
	CHECK_INT(tell(m, 1, 1, "orders", 2, three, 3), MAP_OK);
	CHECK(holder(m, "orders", "h") == 11 && last.leader == 1 && last.ballot == 100);
	CHECK(push(m, (struct part){ 11, "", "", 5, 101, 2 }));
	CHECK(holder(m, "orders", "h") == 11 && last.leader == 2);
	CHECK(push(m, (struct part){ 11, "", "", 6, 1, 3 }));
	CHECK(holder(m, "orders", "h") == 11 && last.leader == 3);
	CHECK(bytes_is(last.low, "g") && bytes_is(last.high, "p"));
	map_free(m);
}

TEST(what_nodes_say_first_is_remembered)
{
	struct map *m = map_new();

	CHECK(push(m, (struct part){ 12, "", "", 3, 9, 2 }));
	CHECK_INT(map_state(m).orphans, 1);
	CHECK_INT(tell(m, 1, 1, "orders", 1, three, 3), MAP_OK);
	CHECK(holder(m, "orders", "z") == 12 && last.leader == 2 && last.ballot == 9 && last.config_slot == 3);
	CHECK(map_state(m).orphans == 0 && map_state(m).groups == 3);
	for (uint64_t i = 0; i < MAP_ORPHANS_MAX + 100; i++)
		CHECK(push(m, (struct part){ 1000 + i, "", "", 1, 1, 1 }));
	CHECK(map_state(m).orphans == MAP_ORPHANS_MAX && map_state(m).groups == 3);
	CHECK(holder(m, "orders", "z") == 12 && last.leader == 2);
	map_free(m);
}

TEST(a_split_replaces_partitions)
{
	static const struct part after[] = {
		{ 10, "", "g", 1, 0, 0 },
		{ 21, "g", "k", 1, 50, 3 },
		{ 22, "k", "p", 1, 50, 3 },
		{ 12, "p", "", 1, 0, 0 },
	};
	struct map *m = map_new();

	CHECK_INT(tell(m, 1, 1, "orders", 1, three, 3), MAP_OK);
	CHECK(push(m, (struct part){ 10, "", "", 5, 100, 1 }));
	CHECK_INT(tell(m, 1, 1, "orders", 2, after, 4), MAP_OK);
	CHECK(holder(m, "orders", "h") == 21 && holder(m, "orders", "k") == 22 && holder(m, "orders", "z") == 12);
	CHECK(holder(m, "orders", "a") == 10 && last.leader == 1);
	CHECK_INT(map_state(m).groups, 4);
	CHECK_INT(tell(m, 1, 1, "orders", 3, three, 3), MAP_OK);
	CHECK(holder(m, "orders", "h") == 11 && map_state(m).groups == 3);
	map_free(m);
}

TEST(a_former_autoadmin_is_fenced)
{
	struct map *m = map_new();

	CHECK_INT(tell(m, 5, 1, "orders", 1, three, 3), MAP_OK);
	CHECK_INT(tell(m, 4, 2, "other", 1, NULL, 0), MAP_FENCED);
	CHECK_INT(forget(m, 4, 2, "orders"), MAP_FENCED);
	CHECK_INT(complete(m, 4, 2, 0), MAP_FENCED);
	CHECK_INT(map_nodes(m, 2, &(struct msg_map_nodes){ 4, 1, BYTES_NONE }, V), MAP_FENCED);
	CHECK(map_state(m).epoch == 5 && !map_state(m).complete && result_of(m, "orders") == RESULT_OK);
	/* The same epoch by a new connection is the same autoadmin; what is left of its old connection is late. */
	CHECK_INT(tell(m, 5, 3, "orders", 2, three, 3), MAP_OK);
	CHECK_INT(forget(m, 5, 1, "orders"), MAP_FENCED);
	map_free(m);
}

TEST(a_full_push_forgets_what_it_does_not_mention)
{
	static const struct part one[] = { { 30, "", "", 1, 0, 0 } }, two[] = { { 31, "", "", 1, 0, 0 } };
	struct map *m = map_new();

	CHECK_INT(tell(m, 1, 1, "a", 1, one, 1), MAP_OK);
	CHECK_INT(tell(m, 1, 1, "b", 1, two, 1), MAP_OK);
	CHECK_INT(complete(m, 1, 1, 2), MAP_OK);
	/* A new epoch: until it is complete, what was known goes on being served. */
	CHECK_INT(tell(m, 2, 9, "a", 2, one, 1), MAP_OK);
	CHECK(result_of(m, "b") == RESULT_OK && result_of(m, "c") == RESULT_NO_TABLE);
	CHECK_INT(complete(m, 2, 9, 1), MAP_OK);
	CHECK(result_of(m, "b") == RESULT_NO_TABLE && result_of(m, "a") == RESULT_OK && map_state(m).groups == 1);
	/* The same epoch, a new connection. */
	CHECK_INT(tell(m, 2, 10, "b", 3, two, 1), MAP_OK);
	CHECK_INT(tell(m, 2, 10, "a", 3, one, 1), MAP_OK);
	CHECK_INT(forget(m, 2, 10, "a"), MAP_OK);
	CHECK_INT(complete(m, 2, 10, 2), MAP_MISSING);
	CHECK_INT(complete(m, 2, 10, 1), MAP_OK);
	CHECK(result_of(m, "b") == RESULT_OK && result_of(m, "a") == RESULT_NO_TABLE);
	map_free(m);
}

TEST(nonsense_changes_nothing)
{
	static const struct part bad[][2] = {
		{ { 1, "", "m", 1, 0, 0 }, { 1, "m", "", 1, 0, 0 } },           /* one group twice */
		{ { 1, "", "m", 1, 0, 0 }, { 2, "l", "", 1, 0, 0 } },           /* overlapping */
		{ { 1, "", "", 1, 0, 0 }, { 2, "m", "", 1, 0, 0 } },            /* behind the end */
		{ { 1, "m", "l", 1, 0, 0 }, { 2, "n", "", 1, 0, 0 } },          /* upside down */
		{ { 0, "", "m", 1, 0, 0 }, { 2, "m", "", 1, 0, 0 } },           /* no group */
		{ { 10, "", "m", 1, 0, 0 }, { 2, "m", "", 1, 0, 0 } },          /* of another table */
	};
	struct map *m = map_new();
	uint64_t version;

	CHECK_INT(tell(m, 1, 1, "orders", 1, three, 3), MAP_OK);
	version = map_state(m).version;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		CHECK_INT(tell(m, 9, 9, "bad", 1, bad[i], 2), MAP_BAD);
	CHECK_INT(tell(m, 9, 9, "", 1, NULL, 0), MAP_BAD);
	CHECK(!map_push(m, &(struct msg_map_push){ 1, BYTES_LIT("\x05" "abcde") }, V));
	CHECK(!map_push(m, &(struct msg_map_push){ 1, BYTES_LIT("\x7f") }, V));
	CHECK_INT(map_nodes(m, 9, &(struct msg_map_nodes){ 9, 1, BYTES_LIT("\x01x") }, V), MAP_BAD);
	CHECK(map_state(m).version == version && map_state(m).epoch == 1 && map_state(m).groups == 3);
	map_free(m);
}

/* --- against a model: every table an array of bounds, every group a slot of an array */

#define TABLES 6
#define GROUPS 400

static uint64_t seed;

static uint64_t roll(uint64_t n)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (seed >> 33) % n;
}

static struct {
	bool there;
	size_t n;
	char low[8][4];
	uint64_t group[8];
} model[TABLES];
static struct {
	uint64_t config_slot, ballot;
	uint32_t leader;
} groups[GROUPS];

static const char *table_name(size_t t)
{
	static const char *const names[TABLES] = { "t0", "t1", "t2", "t3", "t4", "t5" };

	return names[t];
}

static int by_text(const void *a, const void *b)
{
	return strcmp(a, b);
}

static void change_table(struct map *m, size_t t, uint64_t version, uint64_t *next)
{
	struct part parts[8];
	size_t n = 1 + roll(8);

	if (*next + n >= GROUPS)
		return;
	model[t].there = true;
	model[t].n = n;
	strcpy(model[t].low[0], "");
	for (size_t i = 1; i < n; i++) {
		model[t].low[i][0] = (char)('a' + (char)(i * 3 + roll(3)));
		model[t].low[i][1] = (char)('a' + (char)roll(26));
		model[t].low[i][2] = '\0';
	}
	qsort(model[t].low, n, sizeof model[t].low[0], by_text);
	for (size_t i = 0; i < n; i++) {
		/* Some groups stay where the last layout had them. */
		if (model[t].group[i] == 0 || roll(3) == 0)
			model[t].group[i] = (*next)++;
		parts[i] = (struct part){ model[t].group[i], model[t].low[i], i + 1 < n ? model[t].low[i + 1] : "",
			                  0, 0, 0 };
	}
	for (size_t i = n; i < 8; i++)
		model[t].group[i] = 0;
	CHECK_INT(tell(m, 1, 1, table_name(t), version, parts, n), MAP_OK);
}

static void check_key(struct map *m, size_t t, const char *key)
{
	uint64_t want = 0;

	for (size_t i = 0; model[t].there && i < model[t].n; i++)
		if (strcmp(model[t].low[i], key) <= 0)
			want = model[t].group[i];
	CHECK_INT(holder(m, table_name(t), key), want);
	if (want > 0)
		CHECK(last.leader == groups[want].leader && last.ballot == groups[want].ballot);
}

TEST(agrees_with_a_model)
{
	struct map *m = map_new();
	const char *given = getenv("SEED");
	uint64_t next = 1;

	seed = given != NULL ? strtoull(given, NULL, 10) : 20240504;
	printf("# SEED=%llu\n", (unsigned long long)seed);
	for (uint64_t step = 1; step < 20000 && check_failures == 0; step++) {
		size_t t = roll(TABLES);

		if (roll(200) == 0) {
			change_table(m, t, step, &next);
		} else if (roll(500) == 0) {
			CHECK_INT(forget(m, 1, 1, table_name(t)), MAP_OK);
			memset(&model[t], 0, sizeof model[t]);
		} else if (roll(3) == 0 && next > 1) {
			uint64_t g = 1 + roll(next - 1);
			struct part p = { g, "", "", roll(5), roll(50), (uint32_t)(1 + roll(9)) };
			bool dead = true;

			for (size_t i = 0; i < TABLES * 8; i++)
				dead = dead && model[i / 8].group[i % 8] != g;
			CHECK(push(m, p));
			if (!dead && (p.config_slot > groups[g].config_slot ||
			              (p.config_slot == groups[g].config_slot && p.ballot > groups[g].ballot) ||
			              (p.config_slot == groups[g].config_slot && p.ballot == groups[g].ballot &&
			               groups[g].leader == 0))) {
				groups[g].config_slot = p.config_slot;
				groups[g].ballot = p.ballot;
				groups[g].leader = p.leader;
			}
		} else {
			char key[3] = { (char)('a' + (char)roll(26)), (char)('a' + (char)roll(26)), '\0' };

			check_key(m, t, key);
		}
	}
	CHECK(next > 100);
	map_free(m);
}

CHECK_MAIN(X(finds_the_partition_of_a_key)
X(only_a_complete_map_says_that_a_table_is_absent)
X(sends_only_what_the_asker_lacks)
X(the_higher_configuration_and_ballot_stand)
X(what_nodes_say_first_is_remembered)
X(a_split_replaces_partitions)
X(a_former_autoadmin_is_fenced)
X(a_full_push_forgets_what_it_does_not_mention)
X(nonsense_changes_nothing)
X(agrees_with_a_model))
