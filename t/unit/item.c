/* Covers: common/item.c, common/item_build.c, common/item_edit.c.  Formats: t/golden/item-v1.txt, ddb-item(5) */
#include "item.h"

#include <stdlib.h>

#include "check.h"
#include "golden.h"
#include "item_build.h"
#include "item_edit.h"

#define EDIT_STEPS 4

static struct bytes str(const char *s)
{
	return bytes_str(s);
}

static struct num number(const char *text)
{
	struct num n;

	CHECK_INT(num_parse(&n, bytes_str(text)), NUM_OK);
	return n;
}

static void put_number(struct item_build *b, const char *text)
{
	struct num n = number(text);

	item_build_n(b, &n);
}

static void put_number_element(struct item_build *b, const char *text)
{
	uint8_t t[NUM_BYTES_MAX];
	struct num n = number(text);

	item_build_element(b, (struct bytes){ t, num_encode(t, &n) });
}

/* One of everything, given in no order. */
static void build_sample(struct item_build *b)
{
	item_build_item(b);
	item_build_name(b, str("sort"));
	put_number(b, "-12.5");
	item_build_name(b, str("pk"));
	item_build_s(b, str("user#1"));
	item_build_name(b, str("blob"));
	item_build_b(b, (struct bytes){ (const uint8_t *)"\0\1\377", 3 });
	item_build_name(b, str("nothing"));
	item_build_null(b);
	item_build_name(b, str("no"));
	item_build_bool(b, false);
	item_build_name(b, str("yes"));
	item_build_bool(b, true);
	item_build_name(b, str("ns"));
	item_build_open(b, ITEM_NS);
	put_number_element(b, "10");
	put_number_element(b, "-3");
	put_number_element(b, "9");
	item_build_close(b);
	item_build_name(b, str("ss"));
	item_build_open(b, ITEM_SS);
	item_build_element(b, str("b"));
	item_build_element(b, str("a"));
	item_build_element(b, str("aa"));
	item_build_close(b);
	item_build_name(b, str("bs"));
	item_build_open(b, ITEM_BS);
	item_build_element(b, str("x"));
	item_build_element(b, BYTES_NONE);
	item_build_close(b);
	item_build_name(b, str("list"));
	item_build_open(b, ITEM_L);
	item_build_u64(b, 7);
	item_build_s(b, BYTES_NONE);
	item_build_open(b, ITEM_M);
	item_build_close(b);
	item_build_close(b);
	item_build_name(b, str("map"));
	item_build_open(b, ITEM_M);
	item_build_name(b, str("z"));
	item_build_open(b, ITEM_L);
	item_build_close(b);
	item_build_name(b, str("a"));
	item_build_s(b, str("1"));
	item_build_close(b);
	item_build_close(b);
}

TEST(golden)
{
	struct item_head h = { 0, 0x0102030405060708, 9, BYTES_NONE };
	struct buf text = { .p = NULL }, head = { .p = NULL };
	struct item_build b;
	struct bytes name;
	struct value v;

	item_build_init(&b);
	build_sample(&b);
	CHECK(item_build_ok(&b));
	golden_line(&text, "sample", item_build_view(&b));
	for (struct item_iter it = item_iter(item_build_view(&b)); item_next_pair(&it, &name, &v);) {
		char line[32];

		snprintf(line, sizeof line, "sample.%.*s", (int)name.n, (const char *)name.p);
		golden_line(&text, line, v.raw);
	}
	golden_line(&text, "empty", ITEM_EMPTY);
	item_head_put(&head, &h);
	golden_line(&text, "head", buf_view(&head));
	buf_clear(&head);
	h.lock = str("txn");
	item_head_put(&head, &h);
	golden_line(&text, "head-locked", buf_view(&head));
	CHECK(golden_same("t/golden/item-v1.txt", &text));
	buf_fini(&text);
	buf_fini(&head);
	item_build_fini(&b);
}

TEST(builder_sorts_and_readers_find)
{
	struct item_build b;
	struct bytes item, name, last = BYTES_NONE;
	struct value v, w;
	size_t n = 0;

	item_build_init(&b);
	build_sample(&b);
	item = item_build_view(&b);
	CHECK(item_check(item));
	CHECK_INT(item_count(item), 11);
	for (struct item_iter it = item_iter(item); item_next_pair(&it, &name, &v); last = name, n++) {
		CHECK(bytes_cmp(last, name) < 0);
		CHECK(item_get(item, name, &w) && bytes_eq(v.raw, w.raw));
		CHECK(item_check_value(v.raw));
		CHECK(item_value(v.raw).tag == v.tag);
	}
	CHECK_INT(n, 11);
	CHECK(!item_get(item, str("absent"), &v) && v.tag == ITEM_NONE);
	CHECK(!item_get(item, str("zzz"), &v));
	CHECK(!item_get(ITEM_EMPTY, str("a"), &v));
	CHECK(item_get(item, str("pk"), &v) && v.tag == ITEM_S && bytes_is(v.body, "user#1"));
	CHECK(item_get(item, str("list"), &v) && item_list_get(v.body, 1, &w) && w.tag == ITEM_S && w.body.n == 0);
	CHECK(item_list_get(v.body, 2, &w) && w.tag == ITEM_M && item_count(w.body) == 0);
	CHECK(!item_list_get(v.body, 3, &w) && w.tag == ITEM_NONE);
	CHECK(item_get(item, str("ss"), &v) && item_set_has(v.body, str("aa")) && !item_set_has(v.body, str("ab")));
	CHECK(item_get(item, str("map"), &v) && item_get(v.body, str("a"), &w) && bytes_is(w.body, "1"));
	item_build_fini(&b);
}

TEST(large_containers_keep_their_order)
{
	struct item_build b;
	struct value v;
	char name[16];

	item_build_init(&b);
	for (int round = 0; round < 2; round++) {        /* the second time in the memory of the first */
		item_build_reset(&b);
		item_build_item(&b);
		for (unsigned i = 0; i < 1000; i++) {
			snprintf(name, sizeof name, "%06u", (i * 7919) % 1000 + 1000 * (i / 1000));
			item_build_name(&b, str(name));
			item_build_open(&b, ITEM_L);
			item_build_u64(&b, i);
			item_build_close(&b);
		}
		CHECK(item_build_close(&b) && item_build_ok(&b));
		CHECK(item_check(item_build_view(&b)));
		CHECK_INT(item_count(item_build_view(&b)), 1000);
		CHECK(item_get(item_build_view(&b), str("000999"), &v) && v.tag == ITEM_L);
	}
	item_build_fini(&b);
}

TEST(builder_refuses_duplicates_and_empty_sets)
{
	struct item_build b;

	item_build_init(&b);
	item_build_item(&b);
	item_build_name(&b, str("a")), item_build_null(&b);
	item_build_name(&b, str("b")), item_build_null(&b);
	item_build_name(&b, str("a")), item_build_bool(&b, true);
	CHECK(!item_build_close(&b));
	CHECK(!item_build_ok(&b));
	item_build_reset(&b);
	item_build_open(&b, ITEM_NS);
	put_number_element(&b, "1.0");
	put_number_element(&b, "01");
	CHECK(!item_build_close(&b));
	item_build_reset(&b);
	item_build_open(&b, ITEM_SS);
	CHECK(!item_build_close(&b));
	item_build_reset(&b);
	item_build_open(&b, ITEM_SS);
	item_build_element(&b, str(""));
	CHECK(item_build_close(&b) && item_build_ok(&b));
	item_build_reset(&b);
	CHECK(!item_build_ok(&b));
	item_build_fini(&b);
}

TEST(entries_in_hand_are_capped)
{
	struct item_build b;
	char text[8];

	item_build_init(&b);
	for (size_t over = 0; over < 2; over++) {
		item_build_reset(&b);
		item_build_open(&b, ITEM_SS);
		for (size_t i = 0; i < ITEM_BUILD_REFS_MAX + over; i++) {
			snprintf(text, sizeof text, "%05zx", (i * 7919) & 0xfffff);
			item_build_element(&b, str(text));
		}
		item_build_close(&b);
		CHECK_INT(item_build_ok(&b), !over);
	}
	item_build_reset(&b);
	item_build_open(&b, ITEM_L);                     /* a list's values are not kept */
	for (size_t i = 0; i < ITEM_BUILD_REFS_MAX + 1; i++)
		item_build_null(&b);
	CHECK(item_build_close(&b) && item_build_ok(&b) && item_check_value(item_build_view(&b)));
	item_build_fini(&b);
}

static void nest(struct item_build *b, unsigned depth, bool in_item)
{
	item_build_reset(b);
	if (in_item) {
		item_build_item(b);
		item_build_name(b, str("a"));
	}
	for (unsigned i = 0; i < depth; i++)
		item_build_open(b, ITEM_L);
	for (unsigned i = 0; i < depth + in_item; i++)
		item_build_close(b);
}

TEST(depth_is_capped)
{
	struct item_build b;
	uint8_t deep[256];
	size_t n = 0;

	item_build_init(&b);
	nest(&b, ITEM_DEPTH_MAX, true);
	CHECK(item_build_ok(&b) && item_check(item_build_view(&b)));
	nest(&b, ITEM_DEPTH_MAX + 1, true);
	CHECK(!item_build_ok(&b));
	nest(&b, ITEM_DEPTH_MAX, false);
	CHECK(item_build_ok(&b) && item_check_value(item_build_view(&b)));
	nest(&b, ITEM_DEPTH_MAX + 1, false);
	CHECK(!item_build_ok(&b));
	item_build_fini(&b);
	/* By hand: lists of one list, the innermost empty. */
	for (int levels = ITEM_DEPTH_MAX + 1; levels >= ITEM_DEPTH_MAX; levels--) {
		n = 0;
		for (int i = levels; i > 0; i--) {
			deep[n++] = ITEM_L;
			deep[n++] = (uint8_t)(i == 1 ? 1 : 1 + 3 * (i - 2) + 3);
			deep[n++] = i > 1;
		}
		CHECK_INT(item_check_value((struct bytes){ deep, n }), levels == ITEM_DEPTH_MAX);
	}
}

/* Hex of whole items that must be refused. */
TEST(check_refuses_malformed_items)
{
	static const char *const bad[] = {
		"", "01", "0000", "01016100", "0101610c", "01016104" "00", "0201610401" "6104", "0201620401" "6104",
		"8100" "016104", "0101610101", "01016101" "0178" "00", "010161" "01" "01ff", "010161" "02" "028001",
		"010161" "02" "027fff", "010161" "02" "00", "010161" "07" "0100", "010161" "07" "0502" "0162" "0161",
		"010161" "07" "0502" "0161" "0161", "010161" "07" "0601" "0161" "0162", "010161" "08" "0301" "0161",
		"010161" "0a" "0201", "010161" "0a" "020104" "04", "010161" "0b" "0402" "0161" "04", "0101ff04",
		"ffffffffffffffffff01", "010161" "01" "ffffffffffffffffff01", "010161" "04" "ff",
		"010161" "07" "0301" "01ff",
	};
	uint8_t t[64];

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		size_t n = strlen(bad[i]) / 2;

		CHECK(bytes_hex(bytes_str(bad[i]), t, n));
		if (item_check((struct bytes){ t, n })) {
			printf("# accepted: %s\n", bad[i]);
			CHECK(!"refused");
		}
	}
	CHECK(item_check(ITEM_EMPTY));
}

/* No cut, and no other byte anywhere, may break a reader; what passes the check is canonical. */
TEST(check_survives_any_damage)
{
	struct item_build b;
	struct bytes item;
	uint8_t *copy;
	size_t accepted = 0;

	item_build_init(&b);
	build_sample(&b);
	item = item_build_view(&b);
	for (size_t n = 0; n < item.n; n++) {
		copy = malloc(n > 0 ? n : 1);
		memcpy(copy, item.p, n);
		CHECK(!item_check((struct bytes){ copy, n }));
		item_size((struct bytes){ copy, n });
		free(copy);
	}
	copy = malloc(item.n);
	memcpy(copy, item.p, item.n);
	for (size_t i = 0; i < item.n; i++) {
		for (unsigned x = 0; x < 256; x++) {
			struct value v;

			copy[i] = (uint8_t)x;
			accepted += item_check((struct bytes){ copy, item.n });
			item_size((struct bytes){ copy, item.n });
			item_get((struct bytes){ copy, item.n }, str("yes"), &v);
		}
		copy[i] = item.p[i];
	}
	CHECK(accepted > item.n);
	free(copy);
	item_build_fini(&b);
}

static size_t size_of_number(const char *text)
{
	uint8_t t[NUM_BYTES_MAX + 2] = { ITEM_N };
	struct num n = number(text);

	t[1] = (uint8_t)num_encode(t + 2, &n);
	return item_value_size(item_value((struct bytes){ t, (size_t)t[1] + 2 }));
}

TEST(size_is_the_documented_one)
{
	struct item_build b;

	CHECK_INT(size_of_number("0"), 1);
	CHECK_INT(size_of_number("1"), 2);
	CHECK_INT(size_of_number("12"), 2);
	CHECK_INT(size_of_number("-12"), 3);
	CHECK_INT(size_of_number("123"), 3);
	CHECK_INT(size_of_number("1200000"), 3);
	CHECK_INT(size_of_number("99999999999999999999999999999999999999"), 20);
	item_build_init(&b);
	CHECK_INT(item_size(ITEM_EMPTY), 0);
	build_sample(&b);
	CHECK_INT(item_size(item_build_view(&b)),
	          (4 + 4) + (2 + 6) + (4 + 3) + (7 + 1) + (2 + 1) + (3 + 1) + (2 + 2 + 3 + 2) +
	          (2 + 1 + 1 + 2) + (2 + 1) +
	          (4 + 3 + 2 + 1 + 0 + 1 + 3 + 1) + (3 + 3 + 1 + 3 + 1 + 1 + 1 + 1));
	item_build_fini(&b);
}

TEST(scalars_compare)
{
	static const uint8_t two[] = { ITEM_N, 3, 0xc1, 3, 0 }, minus[] = { ITEM_N, 3, 0x3e, 0xfd, 0xff };
	struct value a = item_value((struct bytes){ two, sizeof two });
	struct value c = item_value((struct bytes){ minus, sizeof minus });
	struct value s = item_value(BYTES_LIT("\1\1a")), n = item_value(BYTES_LIT("\4"));
	bool ok;

	CHECK(item_value_cmp(a, c, &ok) > 0 && ok);
	CHECK(item_value_cmp(c, a, &ok) < 0 && ok);
	CHECK(item_value_cmp(s, s, &ok) == 0 && ok);
	CHECK(item_value_cmp(s, a, &ok) == 0 && !ok);
	CHECK(item_value_cmp(n, n, &ok) == 0 && !ok);
	CHECK(item_value_eq(s, s) && !item_value_eq(s, n));
}

TEST(head_round_trips_and_refuses)
{
	struct item_head h = { 0, 123456, 42, BYTES_LIT("owner") }, back;
	struct buf b = { .p = NULL };
	struct cur c;

	item_head_put(&b, &h);
	buf_str(&b, "rest");
	c = cur_of(buf_view(&b));
	CHECK(item_head_get(&c, &back));
	CHECK(back.time_us == 123456 && back.slot == 42 && bytes_is(back.lock, "owner") && back.flags == 0);
	CHECK(bytes_is(cur_rest(&c), "rest"));
	for (size_t n = 0; n < b.n - 4; n++) {
		c = cur_of((struct bytes){ b.p, n });
		CHECK(!item_head_get(&c, &back));
	}
	b.p[0] = 2;
	c = cur_of(buf_view(&b));
	CHECK(!item_head_get(&c, &back));
	b.p[0] = 1, b.p[1] = 1;
	c = cur_of(buf_view(&b));
	CHECK(!item_head_get(&c, &back));
	buf_fini(&b);
}

/* --- edits -------------------------------------------------------------------------------------------------------- */

/* Steps from "a.b[3].c". */
static size_t path(struct item_step *steps, const char *text)
{
	size_t n = 0;

	while (*text != '\0') {
		if (*text == '[') {
			char *end;

			steps[n++] = (struct item_step){ .is_index = true, .index = (uint32_t)strtoul(text + 1, &end,
				10) };
			text = end + 1;
		} else {
			size_t len = strcspn(text, ".[");

			steps[n++] = (struct item_step){ .name = { (const uint8_t *)text, len } };
			text += len;
		}
		text += *text == '.';
	}
	return n;
}

/* Edits are "path=S" for a string, "path" for a removal. */
static enum item_edit_result edit(struct buf *out, struct bytes item, const char *const *texts, size_t n)
{
	struct item_step steps[8][EDIT_STEPS];
	struct item_edit edits[8];
	char left[8][64];
	uint8_t raw[8][16];

	for (size_t i = 0; i < n; i++) {
		size_t len = strcspn(texts[i], "=");

		snprintf(left[i], sizeof left[i], "%.*s", (int)len, texts[i]);
		edits[i] = (struct item_edit){ .steps = steps[i], .steps_n = path(steps[i], left[i]) };
		if (texts[i][len] == '=') {
			size_t size = strlen(texts[i] + len + 1);

			raw[i][0] = ITEM_S, raw[i][1] = (uint8_t)size;
			memcpy(raw[i] + 2, texts[i] + len + 1, size);
			edits[i].raw = (struct bytes){ raw[i], size + 2 };
		}
	}
	buf_clear(out);
	return item_edit(out, item, edits, n);
}

#define TEXTS(...) ((const char *const[]){ __VA_ARGS__ })
#define EDIT(out, item, ...) edit((out), (item), TEXTS(__VA_ARGS__), sizeof TEXTS(__VA_ARGS__) / sizeof(char *))

static bool has(const struct buf *b, const char *where, const char *s)
{
	struct item_step steps[EDIT_STEPS];
	struct value v;

	if (!item_edit_find(buf_view(b), steps, path(steps, where), &v))
		return s == NULL;
	return s != NULL && v.tag == ITEM_S && bytes_is(v.body, s);
}

TEST(edits_set_and_remove)
{
	struct item_build b;
	struct buf out = { .p = NULL };
	struct bytes item;
	struct value v;

	item_build_init(&b);
	build_sample(&b);
	item = item_build_view(&b);
	CHECK_INT(EDIT(&out, item, "zz=end", "aa=front", "pk=changed", "yes", "absent", "map.m=new", "map.a"),
		ITEM_EDIT_OK);
	CHECK(item_check(buf_view(&out)));
	CHECK(has(&out, "zz", "end") && has(&out, "aa", "front") && has(&out, "pk", "changed") && has(&out, "yes",
		NULL));
	CHECK(has(&out, "map.m", "new") && has(&out, "map.a", NULL));
	CHECK_INT(item_count(buf_view(&out)), 12);
	/* Indexes are those before the edits; what is past the end is appended in order. */
	CHECK_INT(EDIT(&out, item, "list[0]", "list[2].x=in", "list[90]=second", "list[7]=first", "list[8]"),
		ITEM_EDIT_OK);
	CHECK(item_check(buf_view(&out)));
	CHECK(has(&out, "list[0]", "") && has(&out, "list[1].x", "in") && has(&out, "list[2]", "first"));
	CHECK(has(&out, "list[3]", "second") && has(&out, "list[4]", NULL));
	CHECK_INT(edit(&out, item, NULL, 0), ITEM_EDIT_OK);
	CHECK(bytes_eq(buf_view(&out), item));
	CHECK_INT(EDIT(&out, ITEM_EMPTY, "b=2", "a=1"), ITEM_EDIT_OK);
	CHECK(item_check(buf_view(&out)) && item_count(buf_view(&out)) == 2);
	CHECK_INT(EDIT(&out, item, "map.z[0]=x"), ITEM_EDIT_OK);
	CHECK(has(&out, "map.z[0]", "x"));
	CHECK(item_get(buf_view(&out), str("map"), &v) && v.tag == ITEM_M);
	buf_fini(&out);
	item_build_fini(&b);
}

TEST(edits_refuse_bad_paths)
{
	struct item_build b;
	struct buf out = { .p = NULL };
	struct bytes item;

	item_build_init(&b);
	build_sample(&b);
	item = item_build_view(&b);
	CHECK_INT(EDIT(&out, item, "absent.x=1"), ITEM_EDIT_PATH);
	CHECK_INT(EDIT(&out, item, "absent.x"), ITEM_EDIT_PATH);
	CHECK_INT(EDIT(&out, item, "pk.x=1"), ITEM_EDIT_PATH);
	CHECK_INT(EDIT(&out, item, "pk[0]=1"), ITEM_EDIT_PATH);
	CHECK_INT(EDIT(&out, item, "map[0]=1"), ITEM_EDIT_PATH);
	CHECK_INT(EDIT(&out, item, "list.x=1"), ITEM_EDIT_PATH);
	CHECK_INT(EDIT(&out, item, "list[9].x=1"), ITEM_EDIT_PATH);
	CHECK_INT(EDIT(&out, item, "ss[0]=1"), ITEM_EDIT_PATH);
	CHECK_INT(out.n, 0);
	CHECK_INT(EDIT(&out, item, "a=1", "a=2"), ITEM_EDIT_OVERLAP);
	CHECK_INT(EDIT(&out, item, "map=1", "map.a=2"), ITEM_EDIT_OVERLAP);
	CHECK_INT(EDIT(&out, item, "list[1]", "a=1", "list"), ITEM_EDIT_OVERLAP);
	buf_fini(&out);
	item_build_fini(&b);
}

TEST(edits_keep_the_depth)
{
	struct item_step step = { .name = BYTES_LIT("a") }, inner[2] = { { .name = BYTES_LIT("m") },
		{ .name = BYTES_LIT("x") } };
	struct item_build b;
	struct buf out = { .p = NULL }, item = { .p = NULL };
	struct item_edit e = { .steps = &step, .steps_n = 1 };

	item_build_init(&b);
	item_build_item(&b);
	item_build_name(&b, str("m"));
	item_build_open(&b, ITEM_M), item_build_close(&b), item_build_close(&b);
	buf_bytes(&item, item_build_view(&b));
	nest(&b, ITEM_DEPTH_MAX, false);
	e.raw = item_build_view(&b);
	CHECK_INT(item_edit(&out, buf_view(&item), &e, 1), ITEM_EDIT_OK);
	CHECK(item_check(buf_view(&out)));
	e.steps = inner, e.steps_n = 2;
	CHECK_INT(item_edit(&out, buf_view(&item), &e, 1), ITEM_EDIT_DEPTH);
	nest(&b, ITEM_DEPTH_MAX - 1, false);
	e.raw = item_build_view(&b);
	buf_clear(&out);
	CHECK_INT(item_edit(&out, buf_view(&item), &e, 1), ITEM_EDIT_OK);
	CHECK(item_check(buf_view(&out)));
	buf_fini(&out);
	buf_fini(&item);
	item_build_fini(&b);
}

static struct value set_of(struct item_build *b, uint8_t tag, const char *letters)
{
	item_build_reset(b);
	item_build_open(b, tag);
	for (; *letters != '\0'; letters++)
		item_build_element(b, (struct bytes){ (const uint8_t *)letters, 1 });
	CHECK(item_build_close(b));
	return item_value(item_build_view(b));
}

TEST(sets_unite_and_subtract)
{
	struct item_build b1, b2, b3;
	struct buf out = { .p = NULL };

	item_build_init(&b1), item_build_init(&b2), item_build_init(&b3);
	CHECK(item_edit_union(&out, set_of(&b1, ITEM_SS, "ace"), set_of(&b2, ITEM_SS, "bcz")));
	CHECK(bytes_eq(buf_view(&out), set_of(&b3, ITEM_SS, "abcez").raw));
	buf_clear(&out);
	CHECK(item_edit_minus(&out, set_of(&b1, ITEM_SS, "abc"), set_of(&b2, ITEM_SS, "bz")));
	CHECK(bytes_eq(buf_view(&out), set_of(&b3, ITEM_SS, "ac").raw));
	buf_clear(&out);
	CHECK(!item_edit_minus(&out, set_of(&b1, ITEM_SS, "a"), set_of(&b2, ITEM_SS, "ab")));
	CHECK(!item_edit_union(&out, set_of(&b1, ITEM_SS, "a"), set_of(&b2, ITEM_BS, "a")));
	CHECK_INT(out.n, 0);
	buf_fini(&out);
	item_build_fini(&b1), item_build_fini(&b2), item_build_fini(&b3);
}

TEST(lists_join)
{
	struct buf out = { .p = NULL };
	struct value a = item_value(BYTES_LIT("\12\2\1\4")), e = item_value(BYTES_LIT("\12\1\0")), v;

	item_edit_concat(&out, a, a);
	CHECK(item_check_value(buf_view(&out)));
	CHECK_INT(item_count(item_value(buf_view(&out)).body), 2);
	buf_clear(&out);
	item_edit_concat(&out, e, a);
	CHECK(bytes_eq(buf_view(&out), a.raw));
	v = item_value(buf_view(&out));
	CHECK(v.tag == ITEM_L);
	buf_fini(&out);
}

CHECK_MAIN(X(golden) X(builder_sorts_and_readers_find) X(large_containers_keep_their_order)
           X(builder_refuses_duplicates_and_empty_sets) X(entries_in_hand_are_capped) X(depth_is_capped)
           X(check_refuses_malformed_items) X(check_survives_any_damage) X(size_is_the_documented_one)
           X(scalars_compare) X(head_round_trips_and_refuses) X(edits_set_and_remove) X(edits_refuse_bad_paths)
           X(edits_keep_the_depth) X(sets_unite_and_subtract) X(lists_join))
