/* cmd/ddb-autoadmin/tables_index.c: what indexes are in definitions, from the first step to the last. */
#include "cmd/ddb-autoadmin/autoadmin.h"
#include "check.h"

#include <stdlib.h>

#include "json.h"
#include "mem.h"
#include "pjson.h"
#include "px.h"

#define TEXT_MAX 4096
#define ARN "arn:aws:dynamodb:us-east-1:000000000000:table/orders"

/* Quotes are single ones. */
#define PART(name, kind) "{'AttributeName':'" name "','KeyType':'" kind "'}"
#define TYPE(name, type) "{'AttributeName':'" name "','AttributeType':'" type "'}"
#define KEYS(sort) "'KeySchema':[" PART("pk", "HASH") "," PART(sort, "RANGE") "]"
#define KEYS_OF(hash) "'KeySchema':[" PART(hash, "HASH") "]"
#define ALL "'Projection':{'ProjectionType':'ALL'}"
#define SOME "'Projection':{'ProjectionType':'INCLUDE','NonKeyAttributes':['x']}"
#define NAMED(name, more) "{'IndexName':'" name "'," more "}"
#define GIVEN(id, name) "'Id':" id ",'IndexArn':'" ARN "/index/" name "'"
#define ROWS(status, table) ",'IndexStatus':'" status "','Table':'" table "'"
#define TABLE_AS(version, more)                                                                                        \
	"{'Id':7,'Version':" version ",'Schema':1,'TableName':'orders','TableStatus':'ACTIVE','TableArn':'" ARN "',"   \
	"'CreationDateTime':5," KEYS("sk") ",'AttributeDefinitions':[" TYPE("pk", "S") "," TYPE("sk", "S") ","         \
	TYPE("a", "S") "," TYPE("g", "N") "],'BillingMode':'PAY_PER_REQUEST'" more "}"
#define LOCALS(list) ",'LocalSecondaryIndexes':[" list "]"
#define GLOBALS(list) ",'GlobalSecondaryIndexes':[" list "]"
#define COUNTED(next, version) ",'NextIndex':" next ",'IndexVersion':" version

/* As asked for, and as they are then. */
#define BY_A NAMED("by-a", KEYS("a") "," ALL)
#define BY_G NAMED("by-g", KEYS_OF("g") "," SOME)
#define BY_A_1 NAMED("by-a", KEYS("a") "," ALL "," GIVEN("1", "by-a"))
#define BY_G_2(status) NAMED("by-g", KEYS_OF("g") "," SOME "," GIVEN("2", "by-g") ROWS(status, "#7.2"))
#define BY_A_3(status) NAMED("by-a2", KEYS_OF("a") "," ALL "," GIVEN("3", "by-a2") ROWS(status, "#7.3"))
#define BOTH TABLE_AS("4", LOCALS(BY_A_1) GLOBALS(BY_G_2("ACTIVE")) COUNTED("2", "4"))
#define GROWING TABLE_AS("5", LOCALS(BY_A_1) GLOBALS(BY_G_2("ACTIVE") "," BY_A_3("CREATING")) COUNTED("3", "5"))

/* Owned. */
static struct bytes item(const char *text)
{
	char json[TEXT_MAX], message[PJSON_MESSAGE_MAX] = "";
	struct item_build b;
	struct json_read r;
	struct bytes out;
	size_t n = 0;

	for (; text[n] != '\0' && n < TEXT_MAX; n++)
		json[n] = text[n] == '\'' ? '"' : text[n];
	item_build_init(&b);
	json_read_init(&r, (struct bytes){ (uint8_t *)json, n }, JSON_DEPTH_MAX);
	json_read_next(&r);
	CHECK(pjson_item(&r, &b, message));
	CHECK_STR(message, "");
	out = bytes_copy(item_build_view(&b));
	json_read_fini(&r);
	item_build_fini(&b);
	return out;
}

/* Until the second call after this one. */
static const char *text_of(struct bytes item)
{
	static char texts[2][TEXT_MAX];
	static size_t turn;
	char *text = texts[turn++ % 2];
	struct buf b = { 0 };
	struct json_write w = { .b = &b };
	size_t n;

	pjson_write_item(&w, item);
	for (n = 0; n < b.n && n < TEXT_MAX - 1; n++)
		text[n] = b.p[n] == '"' ? '\'' : (char)b.p[n];
	text[n] = '\0';
	buf_fini(&b);
	return text;
}

/* The same text, its names in the order of items. */
static const char *same(const char *text)
{
	struct bytes one;

	if (text[0] == '\0')
		return text;
	one = item(text);
	text = text_of(one);
	free((void *)one.p);
	return text;
}

#define CHECK_SAME(a, b) CHECK_STR(a, same(b))

/* The definition that becomes of one after another; "" if it is refused. */
static const char *numbered(const char *definition, const char *before)
{
	struct bytes new = item(definition), old = before != NULL ? item(before) : BYTES_NONE;
	const char *text = "";
	struct table t;

	CHECK(table_init(&t, new));
	if (tables_index_number(&t, old))
		text = text_of(t.definition);
	table_fini(&t);
	free((void *)new.p);
	free((void *)old.p);
	return text;
}

TEST(a_new_table_s_indexes_get_ids_and_tables_and_are_active)
{
	CHECK_SAME(numbered(TABLE_AS("4", LOCALS(BY_A) GLOBALS(BY_G)), NULL), BOTH);
}

TEST(what_only_the_catalogue_knows_cannot_be_asked_for)
{
	CHECK_SAME(numbered(TABLE_AS("4", LOCALS(NAMED("by-a", KEYS("a") "," ALL ",'Id':9,'IndexArn':'x','ItemCount':5,'IndexSizeBytes':6"))
	                   GLOBALS(NAMED("by-g", KEYS_OF("g") "," SOME ",'Id':9,'Partitions':'x','Backfilling':true" ROWS("CREATING", "#1.1")))
	                   COUNTED("77", "88")), NULL), BOTH);
}

TEST(a_table_without_indexes_stays_as_it_is)
{
	CHECK_SAME(numbered(TABLE_AS("4", ""), NULL), TABLE_AS("4", ""));
	CHECK_SAME(numbered(TABLE_AS("5", ",'x':'y'"), TABLE_AS("4", "")), TABLE_AS("5", ",'x':'y'"));
}

TEST(another_index_of_a_table_is_creating_and_the_others_stay)
{
	CHECK_SAME(numbered(TABLE_AS("5", LOCALS(BY_A_1) GLOBALS(BY_G_2("ACTIVE") "," NAMED("by-a2", KEYS_OF("a") "," ALL)) COUNTED("2", "4")),
	                   BOTH), GROWING);
	/* The first one of a table is, too. */
	CHECK_SAME(numbered(TABLE_AS("5", GLOBALS(BY_G)), TABLE_AS("4", "")),
	          TABLE_AS("5", GLOBALS(NAMED("by-g", KEYS_OF("g") "," SOME "," GIVEN("1", "by-g") ROWS("CREATING", "#7.1"))) COUNTED("1", "5")));
}

TEST(ids_are_not_given_twice)
{
	const char *gone = TABLE_AS("9", LOCALS(BY_A_1) GLOBALS() COUNTED("2", "8"));

	CHECK_SAME(numbered(TABLE_AS("10", LOCALS(BY_A_1) GLOBALS(NAMED("by-g", KEYS_OF("g") "," SOME)) COUNTED("2", "8")), gone),
	          TABLE_AS("10", LOCALS(BY_A_1) GLOBALS(NAMED("by-g", KEYS_OF("g") "," SOME "," GIVEN("3", "by-g") ROWS("CREATING", "#7.3")))
	                   COUNTED("3", "10")));
}

TEST(what_is_counted_is_not_stored_and_changes_no_version)
{
	CHECK_SAME(numbered(TABLE_AS("5", LOCALS(NAMED("by-a", KEYS("a") "," ALL "," GIVEN("1", "by-a") ",'ItemCount':5,'IndexSizeBytes':6"))
	                   GLOBALS(NAMED("by-g", KEYS_OF("g") "," SOME "," GIVEN("2", "by-g") ROWS("ACTIVE", "#7.2") ",'Backfilling':true"))
	                   COUNTED("2", "4")), BOTH),
	          TABLE_AS("5", LOCALS(BY_A_1) GLOBALS(BY_G_2("ACTIVE")) COUNTED("2", "4")));
}

TEST(another_status_is_another_version)
{
	CHECK_SAME(numbered(TABLE_AS("5", LOCALS(BY_A_1) GLOBALS(BY_G_2("DELETING")) COUNTED("2", "4")), BOTH),
	          TABLE_AS("5", LOCALS(BY_A_1) GLOBALS(BY_G_2("DELETING")) COUNTED("2", "5")));
}

TEST(only_an_index_that_is_deleting_may_vanish)
{
	const char *deleting = TABLE_AS("5", LOCALS(BY_A_1) GLOBALS(BY_G_2("DELETING")) COUNTED("2", "5"));

	CHECK_SAME(numbered(TABLE_AS("6", LOCALS(BY_A_1) GLOBALS() COUNTED("2", "5")), deleting),
	          TABLE_AS("6", LOCALS(BY_A_1) GLOBALS() COUNTED("2", "6")));
	CHECK_SAME(numbered(TABLE_AS("5", LOCALS(BY_A_1) GLOBALS() COUNTED("2", "4")), BOTH), "");
	CHECK_SAME(numbered(TABLE_AS("5", LOCALS(BY_A_1) COUNTED("2", "4")), BOTH), "");
	CHECK_SAME(numbered(TABLE_AS("5", COUNTED("2", "4")), BOTH), "");
	CHECK_SAME(numbered(TABLE_AS("6", LOCALS() GLOBALS(BY_G_2("DELETING")) COUNTED("2", "5")), deleting), "");
}

TEST(what_an_index_consists_of_stays)
{
	static const char *const changed[] = {
		NAMED("by-g", KEYS_OF("a") "," SOME "," GIVEN("2", "by-g") ROWS("ACTIVE", "#7.2")),
		NAMED("by-g", KEYS_OF("g") "," ALL "," GIVEN("2", "by-g") ROWS("ACTIVE", "#7.2")),
		NAMED("by-h", KEYS_OF("g") "," SOME "," GIVEN("2", "by-g") ROWS("ACTIVE", "#7.2")),
		NAMED("by-g", KEYS_OF("g") "," SOME "," GIVEN("2", "by-g") ROWS("ACTIVE", "#8.2")),
		NAMED("by-g", KEYS_OF("g") "," SOME "," GIVEN("5", "by-g") ROWS("ACTIVE", "#7.2")),
		"7",
	};
	char text[TEXT_MAX];

	for (size_t i = 0; i < sizeof changed / sizeof *changed; i++) {
		snprintf(text, sizeof text, TABLE_AS("5", LOCALS(BY_A_1) GLOBALS("%s") COUNTED("2", "4")), changed[i]);
		CHECK_SAME(numbered(text, BOTH), "");
	}
}

TEST(a_table_gets_no_local_index_later)
{
	CHECK_SAME(numbered(TABLE_AS("5", LOCALS(BY_A)), TABLE_AS("4", "")), "");
	CHECK_SAME(numbered(TABLE_AS("5", LOCALS(BY_A_1 "," NAMED("by-b", KEYS("sk") "," ALL)) GLOBALS(BY_G_2("ACTIVE")) COUNTED("2", "4")),
	                   BOTH), "");
}

TEST(what_is_no_index_is_refused)
{
	CHECK_SAME(numbered(TABLE_AS("4", GLOBALS(NAMED("by-x", KEYS_OF("undefined") "," ALL))), NULL), "");
	CHECK_SAME(numbered(TABLE_AS("4", GLOBALS(NAMED("by-g", KEYS_OF("g")))), NULL), "");
	CHECK_SAME(numbered(TABLE_AS("4", GLOBALS("'by-g'")), NULL), "");
	CHECK_SAME(numbered(TABLE_AS("5", LOCALS(BY_A_1) GLOBALS(BY_G_2("ACTIVE") "," BY_G_2("ACTIVE")) COUNTED("2", "4")), BOTH), "");
}

TEST(twenty_at_most)
{
	struct buf globals = { 0 };
	char text[TEXT_MAX];

	for (int n = 1; n <= INDEX_GLOBAL_MAX + 1; n++) {
		buf_fmt(&globals, "%s" NAMED("by-%c", KEYS_OF("g") "," ALL), n > 1 ? "," : "", 'a' + n);
		snprintf(text, sizeof text, TABLE_AS("4", GLOBALS("%.*s")), (int)globals.n, (const char *)globals.p);
		CHECK((numbered(text, NULL)[0] != '\0') == (n <= INDEX_GLOBAL_MAX));
	}
	buf_fini(&globals);
}

/* --- with the state of the cluster -------------------------------------------------------------------------------- */

static struct aa *a;

/* A table of one group, `group`. */
static struct aa_table *add(const char *definition, uint64_t group)
{
	struct bytes item_of = item(definition);
	struct buf partitions = { 0 }, members = { 0 };
	struct aa_table *t;

	MSG_LIST_PUT(&members, member, (&(struct msg_member){ 1, PX_STORAGE }), MSG_VERSION);
	MSG_LIST_PUT(&partitions, partition, (&(struct msg_partition){ .group = group, .ballot = PX_BALLOT(1, 1), .leader = 1,
		.members = buf_view(&members) }), MSG_VERSION);
	t = state_add_table(a, item_of, buf_view(&partitions));
	CHECK(t != NULL);
	buf_fini(&members);
	buf_fini(&partitions);
	free((void *)item_of.p);
	return t;
}

static void start(void)
{
	a = mem_new(sizeof *a);
}

static void stop(void)
{
	while (a->tables != NULL)
		state_remove_table(a, a->tables);
	free(a);
}

#define ROWS_TABLE(name)                                                                                               \
	"{'Id':8,'Version':4,'Schema':1,'TableName':'" name "','TableStatus':'ACTIVE','TableArn':'x','CreationDateTime':5," \
	"'KeySchema':[" PART("g", "HASH") "," PART("pk", "RANGE") "," PART("sk", "RANGE") "],'AttributeDefinitions':["   \
	TYPE("pk", "S") "," TYPE("sk", "S") "," TYPE("g", "N") "],'BillingMode':'PAY_PER_REQUEST'}"

TEST(the_table_of_an_index_has_its_key_and_then_the_table_s)
{
	struct item_build b;
	struct aa_table *t;

	start();
	t = add(BOTH, 20);
	item_build_init(&b);
	tables_index_define(&b, &t->t, index_set_of(&t->indexes, 2));
	CHECK_SAME(text_of(item_build_view(&b)),
	          "{'TableName':'#7.2','KeySchema':[" PART("g", "HASH") "," PART("pk", "RANGE") "," PART("sk", "RANGE") "],"
	          "'AttributeDefinitions':[" TYPE("pk", "S") "," TYPE("sk", "S") "," TYPE("a", "S") "," TYPE("g", "N") "],"
	          "'BillingMode':'PAY_PER_REQUEST'}");
	item_build_fini(&b);
	stop();
}

TEST(groups_are_told_of_indexes_that_stay_and_where_their_rows_are)
{
	struct index_set told;
	struct msg_partition p;
	struct item_build b;
	struct bytes rest, part;
	struct aa_table *t;

	start();
	t = add(TABLE_AS("6", LOCALS(BY_A_1) GLOBALS(BY_G_2("CREATING") "," BY_A_3("DELETING")) COUNTED("3", "6")), 20);
	add(ROWS_TABLE("#7.2"), 31);
	add(ROWS_TABLE("#7.3"), 41);
	item_build_init(&b);
	tables_index_told(a, t, &b);
	CHECK(index_set_init(&told, item_build_view(&b)));
	CHECK_INT(told.n, 2);
	CHECK_INT(told.locals, 1);
	CHECK_INT(told.version, 6);
	CHECK(index_set_of(&told, 1)->local && index_set_of(&told, 1)->partitions.n == 0);
	CHECK_INT(index_set_of(&told, 2)->status, INDEX_CREATING);
	CHECK(bytes_is(index_set_of(&told, 2)->table, "#7.2"));
	rest = index_set_of(&told, 2)->partitions;
	CHECK(msg_list_next(&rest, &part) && msg_get_partition(part, &p, MSG_VERSION) && rest.n == 0);
	CHECK_INT(p.group, 31);
	index_set_fini(&told);
	item_build_fini(&b);
	stop();
}

/* The change, put into the definition that it is made from. */
static const char *after(struct aa_table *t, uint32_t id)
{
	struct item_build step, b;
	const char *text = "";
	struct table new;

	item_build_init(&step);
	item_build_init(&b);
	tables_index_step(t, index_set_of(&t->indexes, id), &step);
	CHECK_INT(tables_change(&b, t->t.definition, item_build_view(&step), 9, &new), RESULT_OK);
	if (tables_index_number(&new, t->t.definition))
		text = text_of(new.definition);
	table_fini(&new);
	item_build_fini(&step);
	item_build_fini(&b);
	return text;
}

TEST(the_next_step_of_an_index_is_to_be_active_or_gone)
{
	struct aa_table *t;

	start();
	t = add(TABLE_AS("6", LOCALS(BY_A_1) GLOBALS(BY_G_2("CREATING") "," BY_A_3("DELETING")) COUNTED("3", "6")), 20);
	CHECK(tables_index_moving(t));
	CHECK_SAME(after(t, 2), TABLE_AS("9", LOCALS(BY_A_1) GLOBALS(BY_G_2("ACTIVE") "," BY_A_3("DELETING")) COUNTED("3", "9")));
	CHECK_SAME(after(t, 3), TABLE_AS("9", LOCALS(BY_A_1) GLOBALS(BY_G_2("CREATING")) COUNTED("3", "9")));
	stop();
	start();
	CHECK(!tables_index_moving(add(BOTH, 20)));
	stop();
}

TEST(a_step_from_another_definition_is_refused)
{
	struct item_build step, b;
	struct aa_table *t;
	struct bytes later;
	struct table new;

	start();
	t = add(GROWING, 20);
	item_build_init(&step);
	item_build_init(&b);
	tables_index_step(t, index_set_of(&t->indexes, 3), &step);
	later = item(TABLE_AS("6", LOCALS(BY_A_1) GLOBALS(BY_G_2("DELETING") "," BY_A_3("CREATING")) COUNTED("3", "6")));
	CHECK_INT(tables_change(&b, later, item_build_view(&step), 9, &new), RESULT_STALE_SCHEMA);
	free((void *)later.p);
	item_build_fini(&step);
	item_build_fini(&b);
	stop();
}

/* What a replica says of a group; locals: a list of local_size, taken over. */
static void says(struct aa_node *n, uint64_t group, uint64_t applied, uint64_t rows, struct bytes locals)
{
	struct aa_group_state *s = mem_new(sizeof *s);

	*s = (struct aa_group_state){ .group = group, .applied = applied, .rows = rows, .bytes = 10 * rows, .locals = locals };
	HASH_ADD(hh, n->states, group, sizeof s->group, s);
}

static void forget(struct aa_node *n)
{
	struct aa_group_state *s, *next;

	HASH_ITER(hh, n->states, s, next) {
		HASH_DEL(n->states, s);
		free((void *)s->locals.p);
		free(s);
	}
}

static const char *described(struct aa_table *t)
{
	struct item_build b;
	const char *text;

	item_build_init(&b);
	item_build_item(&b);
	tables_index_describe(a, t, &b);
	CHECK(item_build_close(&b));
	text = text_of(item_build_view(&b));
	item_build_fini(&b);
	return text;
}

TEST(they_are_described_with_what_the_freshest_replica_counts)
{
	struct aa_node one = { 0 }, two = { 0 };
	struct buf locals = { 0 };
	struct aa_table *t;

	start();
	t = add(GROWING, 20);
	add(ROWS_TABLE("#7.2"), 31);
	add(ROWS_TABLE("#7.3"), 41);
	a->node[a->nnodes++] = &one;
	a->node[a->nnodes++] = &two;
	MSG_LIST_PUT(&locals, local_size, (&(struct msg_local_size){ 1, 3, 99 }), MSG_VERSION);
	MSG_LIST_PUT(&locals, local_size, (&(struct msg_local_size){ 9, 4, 5 }), MSG_VERSION);
	says(&one, 20, 7, 6, bytes_copy(buf_view(&locals)));
	says(&two, 20, 8, 6, BYTES_NONE);        /* does not lead */
	says(&one, 31, 5, 2, BYTES_NONE);
	says(&two, 31, 6, 4, BYTES_NONE);
	CHECK_SAME(described(t), "{'LocalSecondaryIndexes':[{'IndexName':'by-a'," KEYS("a") "," ALL "," GIVEN("1", "by-a")
	          ",'ItemCount':3,'IndexSizeBytes':99}],"
	          "'GlobalSecondaryIndexes':[{'IndexName':'by-g'," KEYS_OF("g") "," SOME "," GIVEN("2", "by-g") ROWS("ACTIVE", "#7.2")
	          ",'ItemCount':4,'IndexSizeBytes':40},"
	          "{'IndexName':'by-a2'," KEYS_OF("a") "," ALL "," GIVEN("3", "by-a2") ROWS("CREATING", "#7.3")
	          ",'ItemCount':0,'IndexSizeBytes':0,'Backfilling':false}]}");
	t->told = true;                          /* all groups are at it */
	CHECK(strstr(described(t), "'Backfilling':true") != NULL);
	buf_fini(&locals);
	forget(&one);
	forget(&two);
	stop();
}

TEST(a_table_is_updating_while_an_index_comes)
{
	struct aa_table *t;

	start();
	t = add(GROWING, 20);
	CHECK_INT(tables_status(t), TABLE_CREATING);
	state_serving(a, t, true);
	CHECK_INT(tables_status(t), TABLE_UPDATING);
	state_remove_table(a, t);
	t = add(BOTH, 20);
	state_serving(a, t, true);
	CHECK_INT(tables_status(t), TABLE_ACTIVE);
	stop();
}

#define TESTS(X)                                                                                                       \
	X(a_new_table_s_indexes_get_ids_and_tables_and_are_active) X(what_only_the_catalogue_knows_cannot_be_asked_for) \
	X(a_table_without_indexes_stays_as_it_is) X(another_index_of_a_table_is_creating_and_the_others_stay)          \
	X(ids_are_not_given_twice) X(what_is_counted_is_not_stored_and_changes_no_version)                             \
	X(another_status_is_another_version) X(only_an_index_that_is_deleting_may_vanish)                              \
	X(what_an_index_consists_of_stays) X(a_table_gets_no_local_index_later) X(what_is_no_index_is_refused)         \
	X(twenty_at_most)                                                                                              \
	X(the_table_of_an_index_has_its_key_and_then_the_table_s)                                                      \
	X(groups_are_told_of_indexes_that_stay_and_where_their_rows_are)                                               \
	X(the_next_step_of_an_index_is_to_be_active_or_gone) X(a_step_from_another_definition_is_refused)              \
	X(they_are_described_with_what_the_freshest_replica_counts) X(a_table_is_updating_while_an_index_comes)

CHECK_MAIN(TESTS(CHECK_ONE))
