/* index: what definitions say, and which rows items have.  Format: t/golden/index-v1.txt, ddb-item(5) */
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
	CHECK(x->projection == INDEX_INCLUDE && x->nprojected == 5);
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

/* A table of pk (S) and sk (N), with the local index 1 of s and the global index 2 of the keys and projection given. */
#define LOCAL_OF(sort, projection) INDEX(NAMED("l") "," NUMBERED(1) "," LOCAL_KEYS(sort) "," projection)
#define GLOBAL_OF(keys, projection) INDEX(NAMED("g") "," NUMBERED(2) "," keys "," projection "," STATUS("ACTIVE") "," TABLE)
#define WITH_LOCAL(sort, projection) "{" BASE "," LOCALS(LOCAL_OF(sort, projection)) "}"
#define WITH_GLOBAL(keys, projection) "{" BASE "," GLOBALS(GLOBAL_OF(keys, projection)) "}"
#define SK(n) "'pk':{'S':'p'},'sk':{'N':'" n "'}"

struct fixture {
	struct key_hasher *h;
	struct index_set s;
	const struct index *x;                           /* the first */
	struct buf base, row, text;
};

static void fix(struct fixture *f, const char *definition)
{
	*f = (struct fixture){ .h = key_hasher_new() };
	CHECK(set_of(&f->s, definition));
	if (f->s.n == 0)
		abort();
	f->x = &f->s.v[0];
}

static void unfix(struct fixture *f)
{
	key_hasher_free(f->h);
	index_set_fini(&f->s);
	buf_fini(&f->base);
	buf_fini(&f->row);
	buf_fini(&f->text);
}

static struct bytes base_of(struct fixture *f, struct bytes one)
{
	size_t part;

	buf_clear(&f->base);
	CHECK(key_of_item(&f->base, f->h, &f->s.base, one, &part) == KEY_OK);
	return buf_view(&f->base);
}

/* The key of the row that an item has, empty if it has none. */
static struct bytes key(struct fixture *f, const char *json)
{
	struct bytes one = item(json);

	buf_clear(&f->row);
	CHECK(index_key(f->x, f->h, base_of(f, one), one, &f->row) == (f->row.n > 0));
	drop(one);
	return buf_view(&f->row);
}

static bool same_key(struct fixture *f, const char *a, const char *b)
{
	struct bytes first = bytes_copy(key(f, a));
	bool same = bytes_eq(first, key(f, b));

	drop(first);
	return same;
}

static bool rowless(struct fixture *f, const char *json)
{
	return key(f, json).n == 0;
}

TEST(local_rows_lie_behind_the_items_they_lead_to)
{
	static const char *const items[] = { "{" SK("5") ",'s':{'S':'x'}}", "{" SK("-5") ",'s':{'S':'x\\u0000\\u0001y'}}",
		"{'pk':{'S':'\\u0000'},'sk':{'N':'1E125'},'s':{'S':'\\u00ff'}}", "{'pk':{'S':'p\\u0001'},'sk':{'N':'0'},'s':{'S':'5'}}" };
	struct buf back = { 0 };
	struct fixture f;

	fix(&f, WITH_LOCAL("s", ALL));
	for (size_t i = 0; i < sizeof items / sizeof *items; i++) {
		struct bytes row = key(&f, items[i]), base = buf_view(&f.base);

		CHECK_INT(key_local(row), 1);
		CHECK(bytes_cmp(base, row) < 0 && bytes_starts(row, (struct bytes){ base.p, key_partition_n(base) }));
		buf_clear(&back);
		buf_str(&back, "-");
		CHECK(index_base_key(f.x, row, &back));
		buf_drop(&back, 1);
		CHECK(bytes_eq(buf_view(&back), base));
	}
	buf_fini(&back);
	unfix(&f);
}

TEST(components_of_a_local_key_are_those_of_the_schema)
{
	struct buf scratch = { 0 };
	struct value parts[KEY_PARTS_MAX];
	struct bytes one = item("{" SK("5") ",'s':{'S':'x'}}");
	struct item_build b;
	struct fixture f;

	fix(&f, WITH_LOCAL("s", ALL));
	key(&f, "{" SK("5") ",'s':{'S':'x'},'more':{'S':'x'}}");
	CHECK_INT(key_decode(buf_view(&f.row), &scratch, parts, KEY_PARTS_MAX), f.x->key.n);
	CHECK(bytes_is(parts[0].body, "p") && bytes_is(parts[1].body, "x") && parts[2].tag == ITEM_N);
	item_build_init(&b);
	item_build_item(&b);
	CHECK(key_attributes(&b, &f.x->key, buf_view(&f.row)) && item_build_close(&b) && item_build_ok(&b));
	CHECK(bytes_eq(item_build_view(&b), one));
	item_build_fini(&b);
	buf_fini(&scratch);
	drop(one);
	unfix(&f);
}

TEST(only_keys_of_its_own_lead_from_a_local_index_to_items)
{
	struct buf back = { 0 }, other = { 0 };
	struct fixture f;
	struct bytes row;
	size_t partition;

	fix(&f, WITH_LOCAL("s", ALL));
	row = key(&f, "{" SK("5") ",'s':{'S':'x'}}");
	partition = key_partition_n(row);
	for (size_t n = 0; n < row.n; n++)
		CHECK(!index_base_key(f.x, (struct bytes){ row.p, n }, &back));
	CHECK(!index_base_key(f.x, buf_view(&f.base), &back));
	buf_bytes(&other, row);
	buf_u8(&other, 0);
	CHECK(!index_base_key(f.x, buf_view(&other), &back));
	buf_clear(&other);
	buf_bytes(&other, row);
	other.p[partition] = KEY_LOCAL | 2;
	CHECK(!index_base_key(f.x, buf_view(&other), &back));
	other.p[partition] = row.p[partition];
	CHECK(index_base_key(f.x, buf_view(&other), &back));
	CHECK(back.n == f.base.n);
	buf_clear(&back);
	other.p[partition + 1] = ITEM_B;
	CHECK(!index_base_key(f.x, buf_view(&other), &back));
	CHECK_INT(back.n, 0);
	unfix(&f);
	fix(&f, WITH_GLOBAL(KEYS(PART("s", "HASH")), ALL));
	CHECK(!index_base_key(f.x, key(&f, "{" SK("5") ",'s':{'S':'x'}}"), &back));
	CHECK_INT(back.n, 0);
	buf_fini(&back);
	buf_fini(&other);
	unfix(&f);
}

/* An item's row in a global index has the key that the index's table would give it. */
TEST(global_rows_have_the_keys_of_their_table)
{
	static const char *const keys[] = {
		KEYS(PART("s", "HASH")),
		KEYS(PART("s", "HASH") "," PART("n", "RANGE")),
		KEYS(PART("sk", "HASH") "," PART("pk", "RANGE")),
		KEYS(PART("b", "HASH") "," PART("n", "HASH") "," PART("s", "HASH") "," PART("pk", "HASH")),
		KEYS(PART("n", "HASH") "," PART("s", "HASH") "," PART("b", "RANGE") "," PART("sk", "RANGE") "," PART("pk", "RANGE")),
	};
	struct bytes one = item("{" SK("5") ",'s':{'S':'x'},'n':{'N':'12.5'},'b':{'B':'AP8A'}}");
	struct buf want = { 0 }, scratch = { 0 };
	struct value parts[KEY_PARTS_MAX];

	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
		char definition[2048];
		struct fixture f;
		size_t part;

		snprintf(definition, sizeof definition,
		         "{" BASE "," GLOBALS(INDEX(NAMED("g") "," NUMBERED(2) ",%s," ALL "," STATUS("ACTIVE") "," TABLE)) "}", keys[i]);
		fix(&f, definition);
		buf_str(&f.row, "-");
		CHECK(index_key(f.x, f.h, base_of(&f, one), one, &f.row));
		buf_drop(&f.row, 1);
		buf_clear(&want);
		CHECK(key_of_item(&want, f.h, &f.x->key, one, &part) == KEY_OK);
		CHECK(bytes_eq(buf_view(&f.row), buf_view(&want)));
		CHECK_INT(f.x->key.n, f.x->own + 2);
		CHECK_INT(key_local(buf_view(&f.row)), 0);
		buf_clear(&scratch);
		CHECK_INT(key_decode(buf_view(&f.row), &scratch, parts, KEY_PARTS_MAX), f.x->key.n);
		unfix(&f);
	}
	buf_fini(&want);
	buf_fini(&scratch);
	drop(one);
}

TEST(an_item_without_the_whole_key_has_no_row)
{
	struct fixture f;

	fix(&f, WITH_GLOBAL(KEYS(PART("s", "HASH") "," PART("n", "RANGE")), ALL));
	CHECK(!rowless(&f, "{" SK("1") ",'s':{'S':'x'},'n':{'N':'1'}}"));
	CHECK(rowless(&f, "{" SK("1") "}"));
	CHECK(rowless(&f, "{" SK("1") ",'s':{'S':'x'}}"));
	CHECK(rowless(&f, "{" SK("1") ",'n':{'N':'1'}}"));
	unfix(&f);
	fix(&f, WITH_GLOBAL(KEYS(PART("s", "HASH") "," PART("n", "HASH")), ALL));
	CHECK(rowless(&f, "{" SK("1") ",'s':{'S':'x'}}"));
	unfix(&f);
	fix(&f, WITH_LOCAL("s", ALL));
	CHECK(rowless(&f, "{" SK("1") "}"));
	unfix(&f);
}

/* They may be older than the index. */
TEST(an_item_with_what_is_no_key_has_no_row)
{
	char text[2 * KEY_PARTITION_BYTES_MAX];
	struct fixture f;

	fix(&f, WITH_GLOBAL(KEYS(PART("s", "HASH") "," PART("b", "RANGE")), ALL));
	CHECK(!rowless(&f, "{" SK("1") ",'s':{'S':'x'},'b':{'B':'AA=='}}"));
	CHECK(rowless(&f, "{" SK("1") ",'s':{'N':'1'},'b':{'B':'AA=='}}"));
	CHECK(rowless(&f, "{" SK("1") ",'s':{'NULL':true},'b':{'B':'AA=='}}"));
	CHECK(rowless(&f, "{" SK("1") ",'s':{'S':''},'b':{'B':'AA=='}}"));
	CHECK(rowless(&f, "{" SK("1") ",'s':{'S':'x'},'b':{'B':''}}"));
	CHECK(rowless(&f, "{" SK("1") ",'s':{'S':'x'},'b':{'BS':['AA==']}}"));
	for (int over = 0; over < 2; over++) {
		snprintf(text, sizeof text, "{" SK("1") ",'s':{'S':'%0*d'},'b':{'B':'AA=='}}", KEY_PARTITION_BYTES_MAX + over, 7);
		CHECK(rowless(&f, text) == over);
	}
	unfix(&f);
	fix(&f, WITH_LOCAL("s", ALL));
	for (int over = 0; over < 2; over++) {
		snprintf(text, sizeof text, "{" SK("1") ",'s':{'S':'%0*d'}}", KEY_SORT_BYTES_MAX + over, 7);
		CHECK(rowless(&f, text) == over);
	}
	unfix(&f);
}

TEST(number_keys_are_equal_by_value)
{
	struct fixture f;

	fix(&f, WITH_GLOBAL(KEYS(PART("n", "HASH")), KEYS_ONLY));
	CHECK(same_key(&f, "{" SK("1") ",'n':{'N':'100'}}", "{" SK("1.0") ",'n':{'N':'1E2'}}"));
	CHECK(same_key(&f, "{" SK("1") ",'n':{'N':'0'}}", "{" SK("1.0") ",'n':{'N':'-0.00'}}"));
	CHECK(!same_key(&f, "{" SK("1") ",'n':{'N':'100'}}", "{" SK("1") ",'n':{'N':'100.1'}}"));
	unfix(&f);
	fix(&f, WITH_LOCAL("n", KEYS_ONLY));
	CHECK(same_key(&f, "{" SK("1") ",'n':{'N':'100'}}", "{" SK("1.0") ",'n':{'N':'1E2'}}"));
	unfix(&f);
}

/* --- what is in a row */

/* Its row, as text of the API; the key's attributes sort before the others. */
static bool projects_to(struct fixture *f, const char *json, const char *want)
{
	struct bytes one = item(json), row = item(want);
	struct buf out = { 0 };
	bool same;

	buf_str(&out, "-");
	index_project(f->x, one, &out);
	buf_drop(&out, 1);
	same = item_check(buf_view(&out)) && bytes_eq(buf_view(&out), row);
	buf_fini(&out);
	drop(one);
	drop(row);
	return same;
}

TEST(rows_hold_what_is_projected)
{
	struct fixture f;

	fix(&f, WITH_GLOBAL(KEYS(PART("s", "HASH")), ALL));
	CHECK(projects_to(&f, "{" SK("1") ",'s':{'S':'x'},'a':{'NULL':true}}", "{" SK("1") ",'s':{'S':'x'},'a':{'NULL':true}}"));
	CHECK(index_projects(f.x, BYTES_LIT("anything")));
	unfix(&f);
	fix(&f, WITH_GLOBAL(KEYS(PART("s", "HASH") "," PART("n", "RANGE")), KEYS_ONLY));
	CHECK(projects_to(&f, "{" SK("1") ",'s':{'S':'x'},'a':{'NULL':true},'n':{'N':'3'}}", "{" SK("1") ",'s':{'S':'x'},'n':{'N':'3'}}"));
	unfix(&f);
	fix(&f, WITH_GLOBAL(KEYS(PART("s", "HASH")), INCLUDE("{'S':'z'},{'S':'a'},{'S':'absent'},{'S':'s'}")));
	CHECK(projects_to(&f, "{" SK("1") ",'s':{'S':'x'},'a':{'L':[{'M':{'y':{'N':'1'}}}]},'n':{'N':'1'},'z':{'SS':['q','r']}}",
	                  "{" SK("1") ",'s':{'S':'x'},'a':{'L':[{'M':{'y':{'N':'1'}}}]},'z':{'SS':['q','r']}}"));
	CHECK(projects_to(&f, "{'q':{'S':'x'}}", "{}"));
	unfix(&f);
	fix(&f, WITH_LOCAL("s", KEYS_ONLY));
	CHECK(projects_to(&f, "{" SK("1") ",'s':{'S':'x'},'a':{'NULL':true}}", "{" SK("1") ",'s':{'S':'x'}}"));
	unfix(&f);
}

/* More attributes than one byte counts. */
TEST(rows_may_have_many_attributes)
{
	struct item_build b, want;
	struct buf out = { 0 };
	struct fixture f;
	char name[16];

	fix(&f, WITH_LOCAL("s", INCLUDE("{'S':'a007'},{'S':'a299'}")));
	item_build_init(&b);
	item_build_init(&want);
	item_build_item(&b);
	item_build_item(&want);
	for (int i = 0; i < 300; i++) {
		snprintf(name, sizeof name, "a%03d", i);
		item_build_name(&b, bytes_str(name));
		item_build_u64(&b, (uint64_t)i);
		if (i == 7 || i == 299) {
			item_build_name(&want, bytes_str(name));
			item_build_u64(&want, (uint64_t)i);
		}
	}
	CHECK(item_build_close(&b) && item_build_close(&want));
	index_project(f.x, item_build_view(&b), &out);
	CHECK(bytes_eq(buf_view(&out), item_build_view(&want)));
	item_build_fini(&b);
	item_build_fini(&want);
	buf_fini(&out);
	unfix(&f);
}

TEST(a_full_buffer_is_over)
{
	struct bytes one = item("{" SK("1") ",'s':{'S':'x'}}");
	struct buf small;
	struct fixture f;

	fix(&f, WITH_LOCAL("s", KEYS_ONLY));
	buf_init(&small, 1);
	index_project(f.x, one, &small);
	CHECK(small.over);
	buf_fini(&small);
	drop(one);
	unfix(&f);
}

/* --- what may be stored */

static const char *checked(struct fixture *f, const char *json)
{
	struct bytes one = item(json);

	buf_clear(&f->text);
	CHECK(index_check(&f->s, one, &f->text) == (f->text.n == 0));
	buf_u8(&f->text, 0);
	drop(one);
	return (const char *)f->text.p;
}

#define NOT_VALID "One or more parameter values are not valid. A value specified for a secondary index key is not supported. "
#define INVALID "One or more parameter values were invalid: "

TEST(what_cannot_be_a_key_is_refused)
{
	static const char *const allowed[] = { "{" SK("1") "}", "{" SK("1") ",'s':{'S':'x'}}", "{" SK("1") ",'b':{'B':'AA=='},'n':{'N':'0'}}" };
	char text[2 * KEY_PARTITION_BYTES_MAX];
	struct fixture f;

	fix(&f, "{" BASE "," LOCALS(LOCAL_OF("b", ALL)) "," GLOBALS(GLOBAL_OF(KEYS(PART("s", "HASH") "," PART("n", "RANGE")), ALL)) "}");
	for (size_t i = 0; i < sizeof allowed / sizeof *allowed; i++)
		CHECK_STR(checked(&f, allowed[i]), "");
	CHECK_STR(checked(&f, "{" SK("1") ",'s':{'N':'1'}}"), INVALID "Type mismatch for Index Key s Expected: S Actual: N IndexName: g");
	CHECK_STR(checked(&f, "{" SK("1") ",'n':{'NULL':true}}"), INVALID "Type mismatch for Index Key n Expected: N Actual: NULL IndexName: g");
	CHECK_STR(checked(&f, "{" SK("1") ",'b':{'BOOL':false}}"), INVALID "Type mismatch for Index Key b Expected: B Actual: BOOL IndexName: l");
	CHECK_STR(checked(&f, "{" SK("1") ",'s':{'S':''}}"),
	          NOT_VALID "The AttributeValue for a key attribute cannot contain an empty string value. IndexName: g, IndexKey: s");
	CHECK_STR(checked(&f, "{" SK("1") ",'b':{'B':''}}"),
	          NOT_VALID "The AttributeValue for a key attribute cannot contain an empty binary value. IndexName: l, IndexKey: b");
	for (int over = 0; over < 2; over++) {
		snprintf(text, sizeof text, "{" SK("1") ",'s':{'S':'%0*d'}}", KEY_PARTITION_BYTES_MAX + over, 7);
		CHECK_STR(checked(&f, text), over ? INVALID "Size of hashkey has exceeded the maximum size limit of2048 bytes" : "");
	}
	unfix(&f);
	fix(&f, WITH_GLOBAL(KEYS(PART("n", "HASH") "," PART("s", "RANGE") "," PART("pk", "RANGE")), ALL));
	for (int over = 0; over < 2; over++) {
		snprintf(text, sizeof text, "{" SK("1") ",'s':{'S':'%0*d'}}", KEY_SORT_BYTES_MAX - 1 + over, 7);
		CHECK_STR(checked(&f, text), over ? INVALID "Aggregated size of all range keys has exceeded the size limit of 1024 bytes" : "");
	}
	unfix(&f);
}

static const char *updated(struct fixture *f, const char *json)
{
	struct bytes one = item(json);

	buf_clear(&f->text);
	CHECK(index_check_updated(&f->s, one, &f->text) == (f->text.n == 0));
	buf_u8(&f->text, 0);
	drop(one);
	return (const char *)f->text.p;
}

#define UPDATE "The update expression attempted to update "

TEST(updates_are_refused_in_other_words)
{
	char text[2 * KEY_PARTITION_BYTES_MAX];
	struct fixture f;

	fix(&f, WITH_GLOBAL(KEYS(PART("s", "HASH") "," PART("b", "RANGE")), ALL));
	CHECK_STR(updated(&f, "{" SK("1") ",'s':{'S':'x'}}"), "");
	CHECK_STR(updated(&f, "{" SK("1") ",'s':{'N':'1'}}"), UPDATE "the secondary index key to unsupported type");
	CHECK_STR(updated(&f, "{" SK("1") ",'s':{'S':''}}"),
	          "One or more parameter values are not valid. " UPDATE "a secondary index key to a value that is not supported. "
	          "The AttributeValue for a key attribute cannot contain an empty string value.");
	CHECK_STR(updated(&f, "{" SK("1") ",'b':{'B':''}}"),
	          "One or more parameter values are not valid. " UPDATE "a secondary index key to a value that is not supported. "
	          "The AttributeValue for a key attribute cannot contain an empty binary value.");
	for (int over = 0; over < 2; over++) {
		snprintf(text, sizeof text, "{" SK("1") ",'s':{'S':'%0*d'}}", KEY_PARTITION_BYTES_MAX + over, 7);
		CHECK_STR(updated(&f, text), over ? UPDATE "the secondary index key beyond allowed size limits" : "");
	}
	unfix(&f);
}

/* --- what it costs */

static uint64_t units(struct fixture *f, const char *before, const char *after)
{
	struct bytes old = before != NULL ? item(before) : BYTES_NONE, new = after != NULL ? item(after) : BYTES_NONE;
	uint64_t n = index_write_units(f->x, old, new);

	if (old.n > 0)
		drop(old);
	if (new.n > 0)
		drop(new);
	return n;
}

TEST(writes_cost_what_changes_in_the_index)
{
	struct fixture f;

	for (int local = 0; local < 2; local++) {
		fix(&f, local ? WITH_LOCAL("s", INCLUDE("{'S':'a'}")) : WITH_GLOBAL(KEYS(PART("s", "HASH")), INCLUDE("{'S':'a'}")));
		CHECK_INT(units(&f, NULL, "{" SK("1") ",'s':{'S':'x'}}"), 1);
		CHECK_INT(units(&f, NULL, "{" SK("1") "}"), 0);
		CHECK_INT(units(&f, "{" SK("1") "}", "{" SK("1") ",'s':{'S':'x'}}"), 1);
		CHECK_INT(units(&f, "{" SK("1") ",'s':{'S':'x'}}", "{" SK("1") ",'s':{'S':'x'}}"), 0);
		CHECK_INT(units(&f, "{" SK("1") ",'s':{'S':'x'}}", "{" SK("1") ",'s':{'S':'x'},'no':{'N':'1'}}"), 0);
		CHECK_INT(units(&f, "{" SK("1") ",'s':{'S':'x'}}", "{" SK("1") ",'s':{'S':'x'},'a':{'N':'1'}}"), 1);
		CHECK_INT(units(&f, "{" SK("1") ",'s':{'S':'x'},'a':{'N':'2'}}", "{" SK("1") ",'s':{'S':'x'},'a':{'N':'1'}}"), 1);
		CHECK_INT(units(&f, "{" SK("1") ",'s':{'S':'x'}}", "{" SK("1") ",'s':{'S':'y'}}"), 2);
		CHECK_INT(units(&f, "{" SK("1") ",'s':{'S':'x'}}", "{" SK("1") "}"), 1);
		CHECK_INT(units(&f, "{" SK("1") ",'s':{'S':'x'}}", NULL), 1);
		CHECK_INT(units(&f, "{" SK("1") "}", NULL), 0);
		CHECK_INT(units(&f, "{" SK("1") ",'s':{'N':'1'}}", "{" SK("1") ",'s':{'S':'x'}}"), 1);
		unfix(&f);
	}
	fix(&f, WITH_GLOBAL(KEYS(PART("s", "HASH")), ALL));
	CHECK_INT(units(&f, "{" SK("1") ",'s':{'S':'x'}}", "{" SK("1") ",'s':{'S':'x'},'no':{'N':'1'}}"), 1);
	CHECK_INT(units(&f, "{" SK("1") ",'s':{'S':'x'}}", "{" SK("1") ",'s':{'S':'x'}}"), 0);
	unfix(&f);
}

/* One unit a started KB of the row, not of the item. */
TEST(large_rows_cost_more)
{
	enum { ROW = 2 + 1 + 2 + 2 + 1 + 1 + 1 };        /* pk p, sk 1, s x, a */
	char small[4096], large[4096], none[4096];
	struct fixture f;

	for (int all = 0; all < 2; all++) {
		fix(&f, all ? WITH_LOCAL("s", ALL) : WITH_LOCAL("s", INCLUDE("{'S':'a'}")));
		snprintf(small, sizeof small, "{" SK("1") ",'s':{'S':'x'},'a':{'S':'%0*d'}}", 1024 - ROW - 1, 1);
		snprintf(large, sizeof large, "{" SK("1") ",'s':{'S':'x'},'a':{'S':'%0*d'}}", 2048 - ROW, 1);
		snprintf(none, sizeof none, "{" SK("1") ",'s':{'S':'x'},'b':{'S':'%0*d'}}", 2048, 1);
		CHECK_INT(units(&f, NULL, small), 1);
		CHECK_INT(units(&f, NULL, large), 2);
		CHECK_INT(units(&f, small, large), 2);
		CHECK_INT(units(&f, large, small), 2);
		CHECK_INT(units(&f, NULL, none), all ? 3 : 1);
		snprintf(none, sizeof none, "{" SK("1") ",'s':{'S':'y'},'a':{'S':'%0*d'}}", 1024 - ROW - 1, 1);
		CHECK_INT(units(&f, large, none), 3);
		unfix(&f);
	}
}

/* --- definitions that are none */

#define GLOBAL_WITH(rest) "{" BASE "," GLOBALS(INDEX(NAMED("g") "," NUMBERED(2) "," KEYS(PART("s", "HASH")) "," ALL rest)) "}"

TEST(malformed_definitions_are_refused)
{
	static const char *const bad[] = {
		"{" TYPES "}",
		"{" KEYS(PART("pk", "HASH")) "}",
		"{" KEYS(PART("pk", "RANGE")) "," TYPES "}",
		"{'KeySchema':{'S':'pk'}," TYPES "}",
		"{" KEYS(PART("pk", "HASH")) ",'AttributeDefinitions':{'S':'pk'}}",
		"{" KEYS(PART("pk", "HASH")) ",'AttributeDefinitions':{'L':[{'S':'pk'}," TYPE("pk", "M") "]}}",
		"{" KEYS(PART("pk", "HASH")) ",'AttributeDefinitions':{'L':[{'M':{'AttributeName':{'S':'pk'},'AttributeType':{'N':'1'}}}]}}",
		"{" KEYS("{'M':{'AttributeName':{'N':'1'},'KeyType':{'S':'HASH'}}}") "," TYPES "}",
		"{" BASE ",'IndexVersion':{'S':'1'}}",
		"{" BASE ",'IndexVersion':{'N':'-1'}}",
		"{" BASE ",'LocalSecondaryIndexes':{'M':{}}}",
		"{" BASE ",'GlobalSecondaryIndexes':{'S':''}}",
		"{" BASE "," LOCALS("{'S':'x'}") "}",
		/* names and ids */
		"{" BASE "," LOCALS(INDEX(NUMBERED(1) "," LOCAL_KEYS("s") "," ALL)) "}",
		"{" BASE "," LOCALS(INDEX(NAMED("") "," NUMBERED(1) "," LOCAL_KEYS("s") "," ALL)) "}",
		"{" BASE "," LOCALS(INDEX("'IndexName':{'N':'1'}," NUMBERED(1) "," LOCAL_KEYS("s") "," ALL)) "}",
		"{" BASE "," LOCALS(INDEX(NAMED("l") "," LOCAL_KEYS("s") "," ALL)) "}",
		"{" BASE "," LOCALS(INDEX(NAMED("l") "," NUMBERED(0) "," LOCAL_KEYS("s") "," ALL)) "}",
		"{" BASE "," LOCALS(INDEX(NAMED("l") "," NUMBERED(128) "," LOCAL_KEYS("s") "," ALL)) "}",
		"{" BASE "," LOCALS(INDEX(NAMED("l") "," NUMBERED(1.5) "," LOCAL_KEYS("s") "," ALL)) "}",
		"{" BASE "," GLOBALS(INDEX(NAMED("g") "," NUMBERED(4294967296) "," KEYS(PART("s", "HASH")) "," ALL "," STATUS("ACTIVE") "," TABLE)) "}",
		"{" BASE "," LOCALS(LOCAL_OF("s", ALL) "," INDEX(NAMED("m") "," NUMBERED(1) "," LOCAL_KEYS("n") "," ALL)) "}",
		"{" BASE "," LOCALS(LOCAL_OF("s", ALL) "," INDEX(NAMED("l") "," NUMBERED(3) "," LOCAL_KEYS("n") "," ALL)) "}",
		"{" BASE "," LOCALS(INDEX(NAMED("g") "," NUMBERED(1) "," LOCAL_KEYS("s") "," ALL)) ","
		GLOBALS(GLOBAL_OF(KEYS(PART("s", "HASH")), ALL)) "}",
		/* keys */
		"{" BASE "," LOCALS(INDEX(NAMED("l") "," NUMBERED(1) "," ALL)) "}",
		"{" BASE "," LOCALS(INDEX(NAMED("l") "," NUMBERED(1) "," KEYS(PART("pk", "HASH")) "," ALL)) "}",
		"{" BASE "," LOCALS(INDEX(NAMED("l") "," NUMBERED(1) "," KEYS(PART("s", "HASH") "," PART("n", "RANGE")) "," ALL)) "}",
		"{" BASE "," LOCALS(INDEX(NAMED("l") "," NUMBERED(1) "," KEYS(PART("pk", "HASH") "," PART("s", "HASH")) "," ALL)) "}",
		"{" BASE ","
		LOCALS(INDEX(NAMED("l") "," NUMBERED(1) "," KEYS(PART("pk", "HASH") "," PART("s", "RANGE") "," PART("n", "RANGE")) "," ALL)) "}",
		"{" BASE "," LOCALS(INDEX(NAMED("l") "," NUMBERED(1) "," KEYS(PART("pk", "HASH") "," PART("pk", "RANGE")) "," ALL)) "}",
		"{" BASE_HASH "," LOCALS(LOCAL_OF("s", ALL)) "}",
		WITH_GLOBAL(KEYS(""), ALL),
		WITH_GLOBAL(KEYS(PART("s", "RANGE")), ALL),
		WITH_GLOBAL(KEYS(PART("s", "RANGE") "," PART("n", "HASH")), ALL),
		WITH_GLOBAL(KEYS(PART("s", "HASH") "," PART("s", "RANGE")), ALL),
		WITH_GLOBAL(KEYS(PART("unknown", "HASH")), ALL),
		WITH_GLOBAL(KEYS(PART("s", "hash")), ALL),
		WITH_GLOBAL(KEYS("{'M':{'AttributeName':{'S':''},'KeyType':{'S':'HASH'}}}"), ALL),
		WITH_GLOBAL(KEYS("{'S':'s'}"), ALL),
		"{" KEYS(PART("pk", "HASH") "," PART("sk", "HASH")) "," TYPES "," GLOBALS(GLOBAL_OF(KEYS(PART("s", "HASH")), ALL)) "}",
		"{" KEYS(PART("pk", "HASH") "," PART("sk", "RANGE") "," PART("n", "RANGE")) "," TYPES ","
		GLOBALS(GLOBAL_OF(KEYS(PART("s", "HASH")), ALL)) "}",
		"{" KEYS(PART("pk", "HASH") "," PART("pk", "RANGE")) "," TYPES "," GLOBALS(GLOBAL_OF(KEYS(PART("s", "HASH")), ALL)) "}",
		/* projections */
		WITH_LOCAL("s", "'p':{'S':'x'}"),
		WITH_LOCAL("s", "'Projection':{'S':'ALL'}"),
		WITH_LOCAL("s", "'Projection':{'M':{'ProjectionType':{'S':'all'}}}"),
		WITH_LOCAL("s", "'Projection':{'M':{}}"),
		WITH_LOCAL("s", "'Projection':{'M':{'ProjectionType':{'S':'INCLUDE'}}}"),
		WITH_LOCAL("s", "'Projection':{'M':{'ProjectionType':{'S':'ALL'},'NonKeyAttributes':{'L':[{'S':'x'}]}}}"),
		WITH_LOCAL("s", "'Projection':{'M':{'ProjectionType':{'S':'INCLUDE'},'NonKeyAttributes':{'SS':['x']}}}"),
		WITH_LOCAL("s", INCLUDE("{'N':'1'}")),
		WITH_LOCAL("s", INCLUDE("{'S':''}")),
		/* what only global ones have */
		GLOBAL_WITH("," TABLE),
		GLOBAL_WITH("," STATUS("active") "," TABLE),
		GLOBAL_WITH("," STATUS("ACTIVE")),
		GLOBAL_WITH(",'IndexStatus':{'N':'1'}," TABLE),
		GLOBAL_WITH("," STATUS("ACTIVE") ",'Table':{'N':'1'}"),
		GLOBAL_WITH("," STATUS("ACTIVE") ",'Table':{'S':''}"),
		GLOBAL_WITH("," STATUS("ACTIVE") "," TABLE ",'Backfilling':{'S':'x'}"),
		GLOBAL_WITH("," STATUS("ACTIVE") "," TABLE ",'Partitions':{'S':'x'}"),
	};
	struct index_set s;

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		bool taken = set_of(&s, bad[i]);

		if (taken)
			printf("# taken: %s\n", bad[i]);
		CHECK(!taken && s.n == 0 && s.v == NULL && s.definition.p == NULL);
	}
	CHECK(!index_set_init(&s, BYTES_LIT("\1\1")) && !index_set_init(&s, BYTES_NONE));
}

/* A definition with so many local and global indexes, of so many projected attributes each, and names of that length. */
static bool counted(unsigned locals, unsigned globals, unsigned projected, unsigned hashed, unsigned sorted, unsigned name_n)
{
	struct buf text = { 0 };
	struct index_set s;
	bool ok;

	buf_str(&text, "{" KEYS(PART("pk", "HASH") "," PART("sk", "RANGE")) ",'AttributeDefinitions':{'L':[");
	for (unsigned i = 0; i < 10; i++)
		buf_fmt(&text, TYPE("a%u", "S") ",", i);
	buf_str(&text, TYPE("pk", "S") "," TYPE("sk", "S") "]}");
	for (unsigned i = 0; i < locals + globals; i++) {
		bool local = i < locals;
		unsigned parts = local ? 2 : hashed + sorted;

		buf_str(&text, i == 0 && local ? ",'LocalSecondaryIndexes':{'L':[" : i == locals ? ",'GlobalSecondaryIndexes':{'L':[" : ",");
		buf_fmt(&text, "{'M':{'IndexName':{'S':'%0*u'},'Id':{'N':'%u'}," TABLE "," STATUS("ACTIVE") ",'KeySchema':{'L':[",
		        (int)name_n, i, 100 - i);
		for (unsigned k = 0; k < parts; k++) {
			char name[16];

			snprintf(name, sizeof name, local && k == 0 ? "pk" : "a%u", k);
			buf_fmt(&text, "%s" PART("%s", "%s"), k > 0 ? "," : "", name, k < (local ? 1 : hashed) ? "HASH" : "RANGE");
		}
		buf_str(&text, "]},'Projection':{'M':{");
		for (unsigned k = 0; k < projected; k++)
			buf_fmt(&text, "%s{'S':'p%u'}", k == 0 ? "'NonKeyAttributes':{'L':[" : ",", k);
		buf_fmt(&text, "%s'ProjectionType':{'S':'%s'}}}}}", projected > 0 ? "]}," : "", projected > 0 ? "INCLUDE" : "KEYS_ONLY");
		buf_str(&text, i == locals - 1 || i == locals + globals - 1 ? "]}" : "");
	}
	buf_put(&text, "}", 2);
	ok = set_of(&s, (const char *)text.p);
	if (ok) {
		CHECK(s.n == locals + globals && s.locals == locals);
		for (size_t i = 1; i < s.n; i++)
			CHECK(s.v[i - 1].id < s.v[i].id);
		index_set_fini(&s);
	}
	buf_fini(&text);
	return ok;
}

TEST(numbers_are_bounded)
{
	CHECK(counted(INDEX_LOCAL_MAX, INDEX_GLOBAL_MAX, 4, 4, 4, INDEX_NAME_MAX));
	CHECK(counted(0, 1, INDEX_PROJECTED_MAX, 1, 0, 1));
	CHECK(!counted(INDEX_LOCAL_MAX + 1, 0, 0, 1, 0, 3));
	CHECK(!counted(0, INDEX_GLOBAL_MAX + 1, 0, 1, 0, 3));
	CHECK(!counted(0, 1, INDEX_PROJECTED_MAX + 1, 1, 0, 3));
	CHECK(!counted(1, 1, INDEX_PROJECTED_MAX / 2 + 1, 1, 0, 3));
	CHECK(!counted(0, 1, 0, 1, 0, INDEX_NAME_MAX + 1));
	CHECK(!counted(0, 1, 0, 5, 0, 3));
	CHECK(!counted(0, 1, 0, 4, 5, 3));
	CHECK(!counted(0, 1, 0, 0, 1, 3));
}

TEST(golden)
{
	struct bytes one = item("{" SK("5") ",'s':{'S':'x'},'n':{'N':'12.5'},'a':{'BOOL':true}}");
	struct buf text = { 0 }, row = { 0 };
	struct fixture f;

	fix(&f, WITH_LOCAL("s", KEYS_ONLY));
	golden_line(&text, "item", base_of(&f, one));
	key(&f, "{" SK("5") ",'s':{'S':'x'}}");
	golden_line(&text, "local", buf_view(&f.row));
	index_project(f.x, one, &row);
	golden_line(&text, "row", buf_view(&row));
	unfix(&f);
	fix(&f, WITH_GLOBAL(KEYS(PART("s", "HASH") "," PART("n", "HASH") "," PART("sk", "RANGE")), ALL));
	CHECK(index_key(f.x, f.h, base_of(&f, one), one, &f.row));
	golden_line(&text, "global", buf_view(&f.row));
	CHECK(golden_same("t/golden/index-v1.txt", &text));
	unfix(&f);
	drop(one);
	buf_fini(&text);
	buf_fini(&row);
}

#define TESTS \
	X(reads_what_a_definition_says) X(a_table_may_have_none) X(local_rows_lie_behind_the_items_they_lead_to) \
	X(components_of_a_local_key_are_those_of_the_schema) X(only_keys_of_its_own_lead_from_a_local_index_to_items) \
	X(global_rows_have_the_keys_of_their_table) X(an_item_without_the_whole_key_has_no_row) X(an_item_with_what_is_no_key_has_no_row) \
	X(number_keys_are_equal_by_value) X(rows_hold_what_is_projected) X(rows_may_have_many_attributes) X(a_full_buffer_is_over) \
	X(what_cannot_be_a_key_is_refused) X(updates_are_refused_in_other_words) \
	X(writes_cost_what_changes_in_the_index) X(large_rows_cost_more) \
	X(malformed_definitions_are_refused) X(numbers_are_bounded) X(golden)

CHECK_MAIN(TESTS)
