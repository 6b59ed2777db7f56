/* cmd/ddb-autoadmin/tables_index.c: ids, tables and steps of indexes; what groups are told, and users, of what nodes say. */
#include <stdlib.h>

#include "cmd/ddb-autoadmin/autoadmin.h"
#include "index_fixture.h"
#include "px.h"

#define TABLE(version, rest)                                                                                           \
	"{\"Id\":{\"N\":\"7\"},\"Version\":{\"N\":\"" version "\"},\"Schema\":{\"N\":\"1\"},\"TableName\":{\"S\":\"tab\"},"    \
	"\"TableStatus\":{\"S\":\"ACTIVE\"},\"TableArn\":{\"S\":\"arn:tab\"},\"CreationDateTime\":{\"N\":\"1\"},"      \
	"\"BillingMode\":{\"S\":\"PAY_PER_REQUEST\"},"                                                                 \
	"\"KeySchema\":{\"L\":[" INDEX_PART("pk", "HASH") "," INDEX_PART("sk", "RANGE") "]},\"AttributeDefinitions\":" \
	"{\"L\":[" INDEX_TYPE("pk", "S") "," INDEX_TYPE("sk", "N") "," INDEX_TYPE("x", "S") "]}" rest "}"
#define LISTS(locals, globals) ",\"LocalSecondaryIndexes\":{\"L\":[" locals "]},\"GlobalSecondaryIndexes\":{\"L\":[" globals "]}"
#define ASKED(name, key) INDEX_MAP("\"IndexName\":{\"S\":\"" name "\"},\"KeySchema\":{\"L\":[" key "]}," \
				   "\"Projection\":{\"M\":{\"ProjectionType\":{\"S\":\"ALL\"}}}")
#define L_KEY INDEX_PART("pk", "HASH") "," INDEX_PART("x", "RANGE")
#define G_KEY INDEX_PART("x", "HASH")
#define GLOBAL(name, id, status) INDEX_GLOBAL(name, id, G_KEY, "ALL", status)

static struct table table_of(const char *text)
{
	struct bytes item = index_item(text);
	struct table t;

	CHECK(table_init(&t, item));
	free((void *)item.p);
	return t;
}

static uint64_t number(struct bytes item, const char *name)
{
	struct value v;
	struct num n;
	uint64_t u;

	CHECK(item_get(item, bytes_str(name), &v) && item_value_num(v, &n) && num_to_u64(&n, &u));
	return u;
}

static bool has(struct bytes item, const char *name)
{
	struct value v;

	return item_get(item, bytes_str(name), &v);
}

static bool text_is(struct bytes item, const char *name, const char *want)
{
	struct value v;

	return item_get(item, bytes_str(name), &v) && v.tag == ITEM_S && bytes_is(v.body, want);
}

static struct bytes entry(struct bytes definition, const char *list, size_t i)
{
	struct value v;

	CHECK(item_get(definition, bytes_str(list), &v) && v.tag == ITEM_L);
	for (struct item_iter it = item_iter(v.body); item_next_value(&it, &v);)
		if (i-- == 0)
			return v.body;
	CHECK(false);
	return BYTES_NONE;
}

static size_t entries(struct bytes definition, const char *list)
{
	struct value v;

	CHECK(item_get(definition, bytes_str(list), &v) && v.tag == ITEM_L);
	return item_count(v.body);
}

/* --- ids ---------------------------------------------------------------------------------------------------------- */

TEST(indexes_of_a_new_table_are_numbered_and_active)
{
	struct table t = table_of(TABLE("9", LISTS(ASKED("l", L_KEY), ASKED("g", G_KEY) "," ASKED("h", G_KEY))));
	struct bytes x;

	CHECK(tables_index_any(t.definition));
	CHECK(tables_index_number(&t, BYTES_NONE));
	CHECK_INT(number(t.definition, "NextIndex"), 3);
	CHECK_INT(number(t.definition, "IndexVersion"), 9);
	x = entry(t.definition, "LocalSecondaryIndexes", 0);
	CHECK_INT(number(x, "Id"), 1);
	CHECK(text_is(x, "IndexArn", "arn:tab/index/l") && !has(x, "IndexStatus") && !has(x, "Table"));
	x = entry(t.definition, "GlobalSecondaryIndexes", 1);
	CHECK_INT(number(x, "Id"), 3);
	CHECK(text_is(x, "IndexStatus", "ACTIVE") && text_is(x, "Table", "#7.3") && text_is(x, "IndexName", "h"));
	table_fini(&t);
}

TEST(a_table_without_indexes_stays_as_it_is)
{
	struct table t = table_of(TABLE("9", ""));

	CHECK(!tables_index_any(t.definition) && tables_index_number(&t, BYTES_NONE));
	CHECK(!has(t.definition, "IndexVersion") && !has(t.definition, "NextIndex"));
	table_fini(&t);
}

/* Is new, made from old, a change that may be?  *t is what becomes of it. */
static bool changes(const char *old, const char *new, struct table *t)
{
	struct bytes before = index_item(old);
	bool ok;

	*t = table_of(new);
	ok = tables_index_number(t, before);
	free((void *)before.p);
	return ok;
}

#define COUNTED ",\"NextIndex\":{\"N\":\"4\"},\"IndexVersion\":{\"N\":\"5\"}"

TEST(an_index_that_comes_gets_an_id_that_was_never_given)
{
	struct table t;
	struct bytes x;

	CHECK(changes(TABLE("8", LISTS("", GLOBAL("g", "2", "ACTIVE")) COUNTED),
		      TABLE("9", LISTS("", GLOBAL("g", "2", "ACTIVE") "," ASKED("new", G_KEY)) COUNTED), &t));
	CHECK_INT(number(t.definition, "NextIndex"), 5);
	CHECK_INT(number(t.definition, "IndexVersion"), 9);
	x = entry(t.definition, "GlobalSecondaryIndexes", 1);
	CHECK_INT(number(x, "Id"), 5);
	CHECK(text_is(x, "IndexStatus", "CREATING") && text_is(x, "Table", "#7.5"));
	table_fini(&t);
}

TEST(a_status_is_a_change_and_throughput_is_none)
{
	struct table t;

	CHECK(changes(TABLE("8", LISTS("", GLOBAL("g", "2", "ACTIVE")) COUNTED), TABLE("9", LISTS("", GLOBAL("g", "2", "DELETING")) COUNTED), &t));
	CHECK_INT(number(t.definition, "IndexVersion"), 9);
	table_fini(&t);
	CHECK(changes(TABLE("8", LISTS("", GLOBAL("g", "2", "ACTIVE")) COUNTED),
		      TABLE("9", LISTS("", INDEX_MAP(INDEX_MEMBERS("g", "2", G_KEY, "ALL") ",\"IndexStatus\":{\"S\":\"ACTIVE\"},\"Table\":"
						     "{\"S\":\"#7.2\"},\"ProvisionedThroughput\":{\"M\":{}},\"ItemCount\":{\"N\":\"3\"}")) COUNTED), &t));
	CHECK_INT(number(t.definition, "IndexVersion"), 5);
	CHECK(has(entry(t.definition, "GlobalSecondaryIndexes", 0), "ProvisionedThroughput"));
	CHECK(!has(entry(t.definition, "GlobalSecondaryIndexes", 0), "ItemCount"));
	table_fini(&t);
}

TEST(what_an_index_is_made_of_stays)
{
	static const char old[] = TABLE("8", LISTS("", GLOBAL("g", "2", "ACTIVE")) COUNTED);
	static const char *const bad[] = {
		TABLE("9", LISTS("", INDEX_GLOBAL("g", "2", INDEX_PART("pk", "HASH"), "ALL", "ACTIVE")) COUNTED),
		TABLE("9", LISTS("", INDEX_GLOBAL("g", "2", G_KEY, "KEYS_ONLY", "ACTIVE")) COUNTED),
		TABLE("9", LISTS("", GLOBAL("other", "2", "ACTIVE")) COUNTED),
		TABLE("9", LISTS("", GLOBAL("g", "3", "ACTIVE")) COUNTED),                       /* no such id */
		TABLE("9", LISTS("", GLOBAL("g", "2", "ACTIVE") "," ASKED("g", G_KEY)) COUNTED), /* the name is taken */
		TABLE("9", LISTS(ASKED("l", L_KEY), GLOBAL("g", "2", "ACTIVE")) COUNTED),        /* local ones come with the table only */
		TABLE("9", LISTS("", "{\"S\":\"g\"}") COUNTED),
	};

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct table t;

		CHECK(!changes(old, bad[i], &t));
		table_fini(&t);
	}
}

TEST(an_index_goes_only_once_it_is_on_its_way)
{
	struct table t;

	CHECK(!changes(TABLE("8", LISTS("", GLOBAL("g", "2", "ACTIVE")) COUNTED), TABLE("9", LISTS("", "") COUNTED), &t));
	table_fini(&t);
	CHECK(!changes(TABLE("8", LISTS("", GLOBAL("g", "2", "CREATING")) COUNTED), TABLE("9", COUNTED), &t));
	table_fini(&t);
	CHECK(changes(TABLE("8", LISTS("", GLOBAL("g", "2", "DELETING")) COUNTED), TABLE("9", LISTS("", "") COUNTED), &t));
	CHECK_INT(number(t.definition, "IndexVersion"), 9);
	CHECK_INT(number(t.definition, "NextIndex"), 4);
	table_fini(&t);
}

TEST(twenty_at_most)
{
	struct buf globals = { 0 }, text = { 0 };
	struct table t;

	for (int i = 0; i < INDEX_GLOBAL_MAX + 1; i++) {
		buf_str(&globals, i > 0 ? "," : "");
		buf_str(&globals, "{\"M\":{\"IndexName\":{\"S\":\"ind");
		buf_u8(&globals, (uint8_t)('a' + i));
		buf_str(&globals, "\"},\"KeySchema\":{\"L\":[" G_KEY "]},\"Projection\":{\"M\":{\"ProjectionType\":{\"S\":\"ALL\"}}}}}");
		if (i + 1 < INDEX_GLOBAL_MAX)
			continue;
		buf_clear(&text);
		buf_str(&text, TABLE("9", ""));
		text.n--;                                /* the brace */
		buf_str(&text, ",\"GlobalSecondaryIndexes\":{\"L\":[");
		buf_bytes(&text, buf_view(&globals));
		buf_str(&text, "]}}");
		buf_u8(&text, 0);
		t = table_of((const char *)text.p);
		CHECK(tables_index_number(&t, BYTES_NONE) == (i + 1 == INDEX_GLOBAL_MAX));
		table_fini(&t);
	}
	buf_fini(&globals);
	buf_fini(&text);
}

/* --- a table in the state, with its index's --------------------------------------------------------------------- */

struct fixture {
	struct aa a;
	struct aa_node node[2];
	struct aa_table *t, *rows;
	struct item_build b;
};

static struct bytes partition_of(uint64_t group)
{
	struct buf b = { 0 }, members = { 0 };
	struct bytes out;

	MSG_LIST_PUT(&members, member, (&(struct msg_member){ 1, PX_STORAGE }), MSG_VERSION);
	MSG_LIST_PUT(&b, partition, (&(struct msg_partition){ .group = group, .ballot = PX_BALLOT(1, 1), .leader = 1,
							      .members = buf_view(&members) }), MSG_VERSION);
	out = bytes_copy(buf_view(&b));
	buf_fini(&members);
	buf_fini(&b);
	return out;
}

static struct aa_table *add(struct fixture *f, struct bytes definition, uint64_t group)
{
	struct bytes partitions = partition_of(group);
	struct aa_table *t = state_add_table(&f->a, definition, partitions);

	CHECK(t != NULL);
	state_serving(&f->a, t, true);
	free((void *)partitions.p);
	return t;
}

/* tab in group 10 with a local index 1 and a global one 2, whose rows are in group 20; two nodes have both groups. */
static void begin(struct fixture *f, const char *status)
{
	struct table t = table_of(TABLE("9", LISTS(ASKED("l", L_KEY), ASKED("g", G_KEY))));
	struct table made;

	*f = (struct fixture){ 0 };
	item_build_init(&f->b);
	CHECK(tables_index_number(&t, BYTES_NONE));
	f->t = add(f, t.definition, 10);
	for (size_t i = 0; i < f->t->indexes.n; i++)
		if (!f->t->indexes.v[i].local) {
			f->t->indexes.v[i].status = strcmp(status, "CREATING") == 0 ? INDEX_CREATING
						  : strcmp(status, "DELETING") == 0 ? INDEX_DELETING : INDEX_ACTIVE;
			tables_index_define(&f->b, &t, &f->t->indexes.v[i]);
		}
	CHECK(item_build_ok(&f->b));
	made = (struct table){ .id = 8, .version = 9, .schema = 1, .name = BYTES_LIT("#7.2"), .status = TABLE_ACTIVE,
			       .billing = TABLE_PAY_PER_REQUEST, .arn = BYTES_LIT("arn"), .key = f->t->indexes.v[1].key,
			       .definition = bytes_copy(item_build_view(&f->b)) };
	table_build(&f->b, &made);
	f->rows = add(f, item_build_view(&f->b), 20);
	free((void *)made.definition.p);
	table_fini(&t);
	f->a.nnodes = 2;
	for (size_t i = 0; i < 2; i++)
		f->a.node[i] = &f->node[i];
}

static void say(struct fixture *f, size_t node, uint64_t group, uint64_t applied, uint64_t rows, struct bytes locals)
{
	struct aa_group_state *s = calloc(1, sizeof *s);

	*s = (struct aa_group_state){ .group = group, .applied = applied, .rows = rows, .bytes = 100 * rows, .locals = locals };
	HASH_ADD(hh, f->node[node].states, group, sizeof s->group, s);
}

static void end(struct fixture *f)
{
	for (size_t i = 0; i < 2; i++) {
		struct aa_group_state *s, *next;

		HASH_ITER(hh, f->node[i].states, s, next) {
			HASH_DEL(f->node[i].states, s);
			free(s);
		}
	}
	state_clear(&f->a);
	item_build_fini(&f->b);
}

TEST(rows_lie_under_the_indexs_key_and_then_the_items)
{
	struct fixture f;

	begin(&f, "ACTIVE");
	CHECK_INT(f.rows->t.key.n, 3);
	CHECK_INT(f.rows->t.key.hash_n, 1);
	CHECK(bytes_is(f.rows->t.key.part[0].name, "x") && bytes_is(f.rows->t.key.part[1].name, "pk"));
	CHECK(bytes_is(f.rows->t.key.part[2].name, "sk") && f.rows->t.key.part[2].tag == ITEM_N);
	CHECK(tables_hidden(f.rows->t.name) && !tables_hidden(f.t->t.name));
	end(&f);
}

TEST(groups_are_told_where_rows_are_and_of_nothing_that_goes)
{
	struct fixture f;
	struct index_set set;
	struct msg_partition p;
	struct bytes rest, part;

	begin(&f, "ACTIVE");
	item_build_reset(&f.b);
	tables_index_told(&f.a, f.t, &f.b);
	CHECK(item_build_ok(&f.b) && index_set_init(&set, item_build_view(&f.b)));
	CHECK(set.version == 9 && set.n == 2 && set.locals == 1 && set.base.n == 2);
	rest = index_set_of(&set, 2)->partitions;
	CHECK(msg_list_next(&rest, &part) && msg_get_partition(part, &p, MSG_VERSION) && p.group == 20 && rest.n == 0);
	CHECK(!has(item_build_view(&f.b), "TableName"));
	index_set_fini(&set);
	end(&f);
	begin(&f, "DELETING");
	item_build_reset(&f.b);
	tables_index_told(&f.a, f.t, &f.b);
	CHECK(index_set_init(&set, item_build_view(&f.b)) && set.n == 1 && set.locals == 1);
	index_set_fini(&set);
	end(&f);
}

TEST(users_see_what_the_freshest_replicas_and_the_leaders_count)
{
	struct buf locals = { 0 };
	struct fixture f;
	struct bytes x;

	begin(&f, "ACTIVE");
	MSG_LIST_PUT(&locals, local_size, (&(struct msg_local_size){ 1, 6, 60 }), MSG_VERSION);
	say(&f, 0, 10, 5, 9, buf_view(&locals));         /* leads */
	say(&f, 1, 10, 6, 10, BYTES_NONE);
	say(&f, 0, 20, 3, 4, BYTES_NONE);
	say(&f, 1, 20, 2, 3, BYTES_NONE);
	tables_describe(&f.a, f.t, &f.b);
	CHECK(item_build_ok(&f.b) && text_is(item_build_view(&f.b), "TableStatus", "ACTIVE"));
	CHECK_INT(number(item_build_view(&f.b), "ItemCount"), 10);
	x = entry(item_build_view(&f.b), "LocalSecondaryIndexes", 0);
	CHECK(number(x, "ItemCount") == 6 && number(x, "IndexSizeBytes") == 60);
	x = entry(item_build_view(&f.b), "GlobalSecondaryIndexes", 0);
	CHECK(number(x, "ItemCount") == 4 && number(x, "IndexSizeBytes") == 400 && !has(x, "Backfilling"));
	buf_fini(&locals);
	end(&f);
}

static bool backfilling(struct fixture *f)
{
	struct value v;

	tables_describe(&f->a, f->t, &f->b);
	CHECK(text_is(item_build_view(&f->b), "TableStatus", "UPDATING"));
	CHECK(item_get(entry(item_build_view(&f->b), "GlobalSecondaryIndexes", 0), BYTES_LIT("Backfilling"), &v));
	return v.tag == ITEM_TRUE;
}

TEST(an_index_is_backfilling_once_all_groups_know_it)
{
	struct fixture f;

	begin(&f, "CREATING");
	CHECK(tables_index_moving(f.t) && !backfilling(&f));
	f.t->told = true;
	CHECK(backfilling(&f));
	end(&f);
}

/* What the next step makes of the table's definition. */
static struct table step(struct fixture *f)
{
	struct item_build change;
	struct table t;

	item_build_init(&change);
	tables_index_step(f->t, index_set_of(&f->t->indexes, 2), &change);
	CHECK(item_build_ok(&change));
	CHECK_INT(tables_change(&f->b, f->t->t.definition, item_build_view(&change), 10, &t), RESULT_OK);
	item_build_fini(&change);
	return t;
}

TEST(steps_end_in_active_or_gone)
{
	struct fixture f;
	struct table t;

	begin(&f, "CREATING");
	t = step(&f);
	CHECK(tables_index_number(&t, f.t->t.definition));
	CHECK(text_is(entry(t.definition, "GlobalSecondaryIndexes", 0), "IndexStatus", "ACTIVE"));
	CHECK(!has(entry(t.definition, "GlobalSecondaryIndexes", 0), "Backfilling"));
	table_fini(&t);
	end(&f);
	begin(&f, "DELETING");
	t = step(&f);
	CHECK_INT(entries(t.definition, "GlobalSecondaryIndexes"), 0);
	CHECK_INT(entries(t.definition, "LocalSecondaryIndexes"), 1);
	table_fini(&t);
	end(&f);
}

TEST(a_table_that_does_not_serve_is_being_created)
{
	struct fixture f;

	begin(&f, "ACTIVE");
	CHECK_INT(tables_status(f.t), TABLE_ACTIVE);
	state_serving(&f.a, f.t, false);
	CHECK_INT(tables_status(f.t), TABLE_CREATING);
	state_serving(&f.a, f.t, true);
	CHECK_INT(f.a.creating, 0);
	end(&f);
}

#define TESTS(X)                                                                                                       \
	X(indexes_of_a_new_table_are_numbered_and_active) X(a_table_without_indexes_stays_as_it_is)                    \
	X(an_index_that_comes_gets_an_id_that_was_never_given) X(a_status_is_a_change_and_throughput_is_none)          \
	X(what_an_index_is_made_of_stays) X(an_index_goes_only_once_it_is_on_its_way) X(twenty_at_most)                \
	X(rows_lie_under_the_indexs_key_and_then_the_items) X(groups_are_told_where_rows_are_and_of_nothing_that_goes) \
	X(users_see_what_the_freshest_replicas_and_the_leaders_count) X(an_index_is_backfilling_once_all_groups_know_it) \
	X(steps_end_in_active_or_gone) X(a_table_that_does_not_serve_is_being_created)

CHECK_MAIN(TESTS(CHECK_ONE))
