/* index: what definitions say, and which rows items have. */
#include "index.h"

#include <stdlib.h>

#include "check.h"
#include "djson.h"
#include "golden.h"
#include "mem.h"

#define NUMBERED(id) "'Id':{'N':'" #id "'}"
#define NAMED(name) "'IndexName':{'S':'" name "'}"
#define PART(name, kind) "{'M':{'AttributeName':{'S':'" name "'},'KeyType':{'S':'" kind "'}}}"
#define KEYS(...) "'KeySchema':{'L':[" __VA_ARGS__ "]}"
#define TYPE(name, type) "{'M':{'AttributeName':{'S':'" name "'},'AttributeType':{'S':'" type "'}}}"
#define TYPES "'AttributeDefinitions':{'L':[" \
	TYPE("pk", "S") "," TYPE("sk", "N") "," TYPE("s", "S") "," TYPE("n", "N") "," TYPE("b", "B") "]}"
#define ALL "'Projection':{'M':{'ProjectionType':{'S':'ALL'}}}"
#define KEYS_ONLY "'Projection':{'M':{'ProjectionType':{'S':'KEYS_ONLY'}}}"
#define INCLUDE(names) "'Projection':{'M':{'ProjectionType':{'S':'INCLUDE'},'NonKeyAttributes':{'L':[" names "]}}}"
#define STATUS(s) "'IndexStatus':{'S':'" s "'}"
#define TABLE "'Table':{'S':'#7.2'}"
#define LOCALS(...) "'LocalSecondaryIndexes':{'L':[" __VA_ARGS__ "]}"
#define GLOBALS(...) "'GlobalSecondaryIndexes':{'L':[" __VA_ARGS__ "]}"
#define BASE KEYS(PART("pk", "HASH") "," PART("sk", "RANGE")) "," TYPES
#define BASE_HASH KEYS(PART("pk", "HASH")) "," TYPES
#define INDEX(...) "{'M':{" __VA_ARGS__ "}}"
#define LOCAL_KEYS(sort) KEYS(PART("pk", "HASH") "," PART(sort, "RANGE"))

/* An item from the API's JSON, with ' for ".  The caller frees it. */
static struct bytes item(const char *text)
{
	struct json_read r;
	struct item_build b;
	struct djson_error e;
	struct bytes out;
	char *json = mem_str(text);

	for (char *c = json; *c != '\0'; c++)
		*c = *c == '\'' ? '"' : *c;
	item_build_init(&b);
	json_read_init(&r, bytes_str(json), JSON_DEPTH_MAX);
	json_read_next(&r);
	if (djson_item(&r, &b, &e) != DJSON_OK || !json_read_finish(&r)) {
		printf("# not an item: %s\n", json);
		abort();
	}
	out = bytes_copy(item_build_view(&b));
	json_read_fini(&r);
	item_build_fini(&b);
	free(json);
	return out;
}

static void drop(struct bytes v)
{
	free((void *)(uintptr_t)v.p);
}

static bool set_of(struct index_set *s, const char *text)
{
	struct bytes v = item(text);
	bool ok = index_set_init(s, v);

	drop(v);
	return ok;
}

TEST(reads_what_a_definition_says)
{
	struct index_set s;
	const struct index *x;

	CHECK(set_of(&s, "{" BASE ",'IndexVersion':{'N':'9'},"
	             LOCALS(INDEX(NAMED("by-s") "," NUMBERED(3) "," LOCAL_KEYS("s") "," KEYS_ONLY)) ","
	             GLOBALS(INDEX(NAMED("by-n") "," NUMBERED(2) "," KEYS(PART("n", "HASH")) "," INCLUDE("{'S':'y'},{'S':'x'}") ","
	                           STATUS("CREATING") ",'Backfilling':{'BOOL':true}," TABLE ",'Partitions':{'B':'AAEC'}")) "}"));
	CHECK(s.version == 9 && s.n == 2 && s.locals == 1 && s.base.n == 2);
	x = &s.v[0];
	CHECK(x->id == 2 && !x->local && bytes_is(x->name, "by-n") && x->own == 1 && x->key.hash_n == 1 && x->key.n == 3);
	CHECK(bytes_is(x->key.part[0].name, "n") && x->key.part[0].tag == ITEM_N && bytes_is(x->key.part[1].name, "pk") &&
	      bytes_is(x->key.part[2].name, "sk") && x->key.part[2].tag == ITEM_N);
	CHECK(x->status == INDEX_CREATING && x->backfilling && bytes_is(x->table, "#7.2") && x->partitions.n == 3);
	CHECK(x->projection == INDEX_INCLUDE && x->nprojected == 2);
	CHECK(index_projects(x, BYTES_LIT("x")) && index_projects(x, BYTES_LIT("y")) && index_projects(x, BYTES_LIT("n")) &&
	      index_projects(x, BYTES_LIT("pk")) && index_projects(x, BYTES_LIT("sk")) && !index_projects(x, BYTES_LIT("s")));
	CHECK(index_set_find(&s, BYTES_LIT("by-n")) == x && index_set_of(&s, 2) == x);
	x = &s.v[1];
	CHECK(x->id == 3 && x->local && x->status == INDEX_ACTIVE && x->own == 2 && x->key.n == 3 && x->key.hash_n == 1);
	CHECK(bytes_is(x->key.part[0].name, "pk") && bytes_is(x->key.part[1].name, "s") && bytes_is(x->key.part[2].name, "sk"));
	CHECK(x->projection == INDEX_KEYS_ONLY && !index_projects(x, BYTES_LIT("x")) && index_projects(x, BYTES_LIT("s")));
	CHECK(index_set_find(&s, BYTES_LIT("by-s")) == x && index_set_of(&s, 3) == x);
	CHECK(index_set_find(&s, BYTES_LIT("by")) == NULL && index_set_of(&s, 1) == NULL);
	CHECK_STR(index_status_name(INDEX_ACTIVE), "ACTIVE");
	CHECK_STR(index_status_name(INDEX_DELETING), "DELETING");
	index_set_fini(&s);
	CHECK(s.n == 0 && s.v == NULL);
}

TEST(a_table_may_have_none)
{
	struct index_set s;

	CHECK(set_of(&s, "{" BASE_HASH "}"));
	CHECK(s.n == 0 && s.locals == 0 && s.version == 0 && s.base.n == 1 && index_set_find(&s, BYTES_LIT("x")) == NULL);
	index_set_fini(&s);
	CHECK(set_of(&s, "{" KEYS(PART("s", "HASH") "," PART("n", "HASH") "," PART("n", "RANGE")) "," TYPES "," LOCALS("") "," GLOBALS("") "}"));
	CHECK(s.n == 0 && s.base.n == 3);
	index_set_fini(&s);
}

/* One index each: local (id 1, pk + s) and global (id 2, s). */
#define L1 NAMED("l") "," NUMBERED(1) "," LOCAL_KEYS("s") "," ALL
#define G2(keys, projection) NAMED("g") "," NUMBERED(2) "," keys "," projection "," STATUS("ACTIVE") "," TABLE

TEST(keys_of_rows)
{
	struct index_set s;
	struct key_hasher *h = key_hasher_new();
	struct bytes one = item("{'pk':{'S':'p'},'sk':{'N':'5'},'s':{'S':'x'},'other':{'NULL':true}}");
	struct buf base = { 0 }, row = { 0 }, back = { 0 };
	size_t part;

	CHECK(set_of(&s, "{" BASE "," LOCALS(INDEX(L1)) "," GLOBALS(INDEX(G2(KEYS(PART("s", "HASH")), ALL))) "}"));
	CHECK(key_of_item(&base, h, &s.base, one, &part) == KEY_OK);
	CHECK(index_key(&s.v[0], h, buf_view(&base), one, &row));
	CHECK_INT(key_local(buf_view(&row)), 1);
	CHECK(index_base_key(&s.v[0], buf_view(&row), &back) && bytes_eq(buf_view(&back), buf_view(&base)));
	buf_clear(&row);
	CHECK(index_key(&s.v[1], h, buf_view(&base), one, &row));
	CHECK_INT(key_local(buf_view(&row)), 0);
	CHECK(!index_base_key(&s.v[1], buf_view(&row), &back));
	buf_fini(&base);
	buf_fini(&row);
	buf_fini(&back);
	drop(one);
	key_hasher_free(h);
	index_set_fini(&s);
}

#define TESTS X(reads_what_a_definition_says) X(a_table_may_have_none) X(keys_of_rows)

CHECK_MAIN(TESTS)
