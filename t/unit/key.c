/* Covers: common/key.c.  Format: t/golden/key-v1.txt, ddb-item(5) */
#include "key.h"

#include <stdlib.h>

#include "check.h"
#include "golden.h"

#define SORTED_MAX 64

static const struct key_schema simple = { .part = { { BYTES_LIT("pk"), ITEM_S } }, .n = 1, .hash_n = 1 };
static const struct key_schema pair = {
	.part = { { BYTES_LIT("pk"), ITEM_S }, { BYTES_LIT("sk"), ITEM_N } }, .n = 2, .hash_n = 1,
};

struct make {
	struct item_build b;
	struct key_hasher *h;
	struct buf key;
};

static void make_init(struct make *m)
{
	*m = (struct make){ .h = key_hasher_new() };
	item_build_init(&m->b);
}

static void make_fini(struct make *m)
{
	item_build_fini(&m->b);
	key_hasher_free(m->h);
	buf_fini(&m->key);
}

/* A scalar's encoding, appended to b. */
static struct value scalar(struct buf *b, uint8_t tag, const char *text, size_t n)
{
	uint8_t t[NUM_BYTES_MAX];
	struct num num;
	size_t start = b->n;

	buf_u8(b, tag);
	if (tag == ITEM_N) {
		CHECK_INT(num_parse(&num, (struct bytes){ (const uint8_t *)text, n }), NUM_OK);
		buf_lenbytes(b, (struct bytes){ t, num_encode(t, &num) });
	} else {
		buf_lenbytes(b, (struct bytes){ (const uint8_t *)text, n });
	}
	return item_value((struct bytes){ b->p + start, b->n - start });
}

#define SCALAR(b, tag, text) scalar((b), (tag), (text), sizeof(text) - 1)

static void item_open(struct make *m)
{
	item_build_reset(&m->b);
	item_build_item(&m->b);
	buf_clear(&m->key);
}

static void attribute(struct make *m, const char *name, uint8_t tag, const char *text)
{
	struct buf b = { .p = NULL };

	item_build_name(&m->b, bytes_str(name));
	item_build_raw(&m->b, scalar(&b, tag, text, strlen(text)).raw);
	buf_fini(&b);
}

static enum key_result key_of(struct make *m, const struct key_schema *s, bool exact, size_t *part)
{
	struct bytes item;

	CHECK(item_build_close(&m->b) && item_build_ok(&m->b));
	item = item_build_view(&m->b);
	*part = 99;
	return exact ? key_of_exact(&m->key, m->h, s, item, part) : key_of_item(&m->key, m->h, s, item, part);
}

TEST(golden)
{
	struct buf text = { .p = NULL }, b = { .p = NULL };
	uint8_t hash[KEY_HASH_N];
	struct value v[3];
	struct make m;
	size_t part;

	make_init(&m);
	item_open(&m);
	attribute(&m, "pk", ITEM_S, "user#1");
	CHECK_INT(key_of(&m, &simple, true, &part), KEY_OK);
	golden_line(&text, "S", buf_view(&m.key));
	item_open(&m);
	attribute(&m, "pk", ITEM_S, "user#1");
	attribute(&m, "sk", ITEM_N, "-12.5");
	CHECK_INT(key_of(&m, &pair, true, &part), KEY_OK);
	golden_line(&text, "S-N", buf_view(&m.key));
	buf_clear(&m.key);
	buf_room(&b, 256);
	key_begin(&m.key, m.h, SCALAR(&b, ITEM_N, "42"));
	key_add(&m.key, SCALAR(&b, ITEM_B, "\0\1\377\0"));
	key_add(&m.key, SCALAR(&b, ITEM_S, "a\0b"));
	golden_line(&text, "N-B-S", buf_view(&m.key));
	v[0] = SCALAR(&b, ITEM_S, "x");
	v[1] = SCALAR(&b, ITEM_N, "1");
	key_hash(m.h, v, 2, hash);
	golden_line(&text, "hash-of-two", (struct bytes){ hash, sizeof hash });
	CHECK(golden_same("t/golden/key-v1.txt", &text));
	buf_fini(&text);
	buf_fini(&b);
	make_fini(&m);
}

TEST(refusals_name_the_part)
{
	char long_text[KEY_PARTITION_BYTES_MAX + 2];
	struct key_schema two = pair;
	struct make m;
	size_t part;

	two.part[1].tag = ITEM_S;
	make_init(&m);
	item_open(&m);
	attribute(&m, "pk", ITEM_S, "a");
	CHECK_INT(key_of(&m, &pair, false, &part), KEY_MISSING);
	CHECK_INT(part, 1);
	item_open(&m);
	attribute(&m, "pk", ITEM_B, "a");
	attribute(&m, "sk", ITEM_N, "1");
	CHECK_INT(key_of(&m, &pair, false, &part), KEY_WRONG_TYPE);
	CHECK_INT(part, 0);
	item_open(&m);
	attribute(&m, "pk", ITEM_S, "");
	CHECK_INT(key_of(&m, &simple, false, &part), KEY_EMPTY);
	item_open(&m);
	attribute(&m, "pk", ITEM_S, "a");
	attribute(&m, "sk", ITEM_N, "1");
	attribute(&m, "more", ITEM_N, "1");
	CHECK_INT(key_of(&m, &pair, true, &part), KEY_EXTRA);
	CHECK_INT(part, 2);
	CHECK_INT(m.key.n, 0);
	CHECK_INT(key_of_item(&m.key, m.h, &pair, item_build_view(&m.b), &part), KEY_OK);
	memset(long_text, 'x', sizeof long_text);
	for (int over = 0; over < 2; over++) {
		long_text[KEY_PARTITION_BYTES_MAX + over] = '\0';
		item_open(&m);
		attribute(&m, "pk", ITEM_S, long_text);
		CHECK_INT(key_of(&m, &simple, false, &part), over ? KEY_PARTITION_TOO_LARGE : KEY_OK);
		long_text[KEY_PARTITION_BYTES_MAX + over] = 'x';
		long_text[KEY_SORT_BYTES_MAX + over] = '\0';
		item_open(&m);
		attribute(&m, "pk", ITEM_S, "a");
		attribute(&m, "sk", ITEM_S, long_text);
		CHECK_INT(key_of(&m, &two, false, &part), over ? KEY_SORT_TOO_LARGE : KEY_OK);
		long_text[KEY_SORT_BYTES_MAX + over] = 'x';
	}
	make_fini(&m);
}

/* Components in their order, and that keys, continued or not, have it too. */
TEST(components_sort_as_values_do)
{
	static const struct bytes strings[] = {
		BYTES_LIT(""), BYTES_LIT("\0"), BYTES_LIT("\0\0"), BYTES_LIT("\0\1"), BYTES_LIT("\0\377"),
		BYTES_LIT("\1"),
		BYTES_LIT("\1\0"), BYTES_LIT("a"), BYTES_LIT("a\0"), BYTES_LIT("a\0\0"), BYTES_LIT("a\0b"),
		BYTES_LIT("a\1"),
		BYTES_LIT("ab"), BYTES_LIT("a\377"), BYTES_LIT("b"), BYTES_LIT("\377"), BYTES_LIT("\377\0"),
		BYTES_LIT("\377\377"),
	};
	static const char *const numbers[] = { "-1E125", "-100", "-99.5", "-99", "-1", "-0.5", "-1E-130", "0",
		"1E-130", "0.5", "1",
		"1.01", "2", "10", "11", "99", "100", "1E125" };
	struct bytes keys[2 * SORTED_MAX];
	struct buf b = { .p = NULL }, all = { .p = NULL };
	size_t n = 0;

	buf_room(&b, 1 << 16);
	buf_room(&all, 1 << 16);
	for (size_t i = 0; i < sizeof strings / sizeof *strings + sizeof numbers / sizeof *numbers; i++) {
		size_t k = i - sizeof strings / sizeof *strings;
		bool is_string = i < sizeof strings / sizeof *strings;
		struct value v = is_string ? scalar(&b, ITEM_S, (const char *)strings[i].p, strings[i].n) :
		                             scalar(&b, ITEM_N, numbers[k], strlen(numbers[k]));

		for (int more = 0; more < 2; more++) {
			size_t start = all.n;

			key_add(&all, v);
			if (more)
				key_add(&all, SCALAR(&b, ITEM_B, ""));
			keys[n++] = (struct bytes){ all.p + start, all.n - start };
		}
	}
	for (size_t i = 0; i < n; i++)
		for (size_t k = i + 1; k < n; k++)
			CHECK(bytes_cmp(keys[i], keys[k]) < 0);
	buf_fini(&b);
	buf_fini(&all);
}

TEST(decodes_what_it_encoded)
{
	struct buf b = { .p = NULL }, scratch = { .p = NULL };
	struct value parts[KEY_PARTS_MAX], in[3];
	struct make m;

	make_init(&m);
	buf_room(&b, 256);
	in[0] = SCALAR(&b, ITEM_B, "\0\0\1\377");
	in[1] = SCALAR(&b, ITEM_N, "-0.001");
	in[2] = SCALAR(&b, ITEM_S, "");
	key_begin(&m.key, m.h, in[0]);
	key_add(&m.key, in[1]);
	key_add(&m.key, in[2]);
	CHECK_INT(key_decode(buf_view(&m.key), &scratch, parts, KEY_PARTS_MAX), 3);
	for (size_t i = 0; i < 3; i++)
		CHECK(item_value_eq(parts[i], in[i]));
	CHECK_INT(key_decode(buf_view(&m.key), &scratch, parts, 2), 0);
	for (size_t n = 0; n < m.key.n; n++) {
		size_t got;

		buf_clear(&scratch);
		got = key_decode((struct bytes){ m.key.p, n }, &scratch, parts, KEY_PARTS_MAX);
		CHECK(got < 3);
	}
	m.key.p[KEY_HASH_N] = 9;
	CHECK_INT(key_decode(buf_view(&m.key), &scratch, parts, KEY_PARTS_MAX), 0);
	buf_fini(&scratch);
	buf_fini(&b);
	make_fini(&m);
}

TEST(attributes_come_back)
{
	struct bytes item, want;
	struct item_build back;
	struct make m;
	size_t part;

	make_init(&m);
	item_build_init(&back);
	item_open(&m);
	attribute(&m, "sk", ITEM_N, "7");
	attribute(&m, "pk", ITEM_S, "user");
	CHECK_INT(key_of(&m, &pair, true, &part), KEY_OK);
	want = item_build_view(&m.b);
	item_build_item(&back);
	CHECK(key_attributes(&back, &pair, buf_view(&m.key)));
	CHECK(item_build_close(&back));
	item = item_build_view(&back);
	CHECK(bytes_eq(item, want));
	item_build_reset(&back);
	item_build_item(&back);
	CHECK(!key_attributes(&back, &simple, buf_view(&m.key)));
	item_build_fini(&back);
	make_fini(&m);
}

/* A local key is the item's with something in between, in the place of its collection behind all its items. */
TEST(local_keys_lie_behind_their_collection)
{
	static const struct bytes hashed[] = { BYTES_LIT("p"), BYTES_LIT("\0"), BYTES_LIT("p\0\1"), BYTES_LIT("\377\377") };
	struct buf b = { .p = NULL }, row = { .p = NULL }, key = { .p = NULL }, scratch = { .p = NULL }, high = { .p = NULL };
	struct value parts[KEY_PARTS_MAX], pk, sort;
	struct key_hasher *h = key_hasher_new();

	buf_room(&b, 256);
	sort = SCALAR(&b, ITEM_B, "\377\377");
	for (size_t i = 0; i < sizeof hashed / sizeof *hashed; i++) {
		size_t partition;

		pk = scalar(&b, ITEM_B, (const char *)hashed[i].p, hashed[i].n);
		buf_clear(&key), buf_clear(&row), buf_clear(&high), buf_clear(&scratch);
		key_begin(&key, h, pk);
		partition = key.n;
		CHECK(key_after(&high, buf_view(&key)));
		key_add(&key, sort);
		buf_put(&row, key.p, partition);
		buf_u8(&row, KEY_LOCAL | 7);
		key_add(&row, SCALAR(&b, ITEM_N, "-5"));
		key_add(&row, sort);
		CHECK_INT(key_partition_n(buf_view(&key)), partition);
		CHECK_INT(key_partition_n(buf_view(&row)), partition);
		CHECK_INT(key_local(buf_view(&key)), 0);
		CHECK_INT(key_local(buf_view(&row)), 7);
		CHECK(bytes_cmp(buf_view(&key), buf_view(&row)) < 0 && bytes_cmp(buf_view(&row), buf_view(&high)) < 0);
		CHECK_INT(key_decode(buf_view(&row), &scratch, parts, KEY_PARTS_MAX), 3);
		CHECK(item_value_eq(parts[0], pk) && parts[1].tag == ITEM_N && item_value_eq(parts[2], sort));
		for (size_t n = 0; n <= row.n; n++) {
			struct bytes cut = { row.p, n };

			CHECK_INT(key_partition_n(cut), n < partition ? 0 : partition);
			CHECK_INT(key_local(cut), n <= partition ? 0 : 7);
			if (n == partition + 1)
				CHECK_INT(key_decode(cut, &scratch, parts, KEY_PARTS_MAX), 0);
		}
		row.p[partition] = KEY_LOCAL;
		CHECK_INT(key_local(buf_view(&row)), 0);
		CHECK_INT(key_decode(buf_view(&row), &scratch, parts, KEY_PARTS_MAX), 0);
	}
	key_hasher_free(h);
	buf_fini(&b), buf_fini(&row), buf_fini(&key), buf_fini(&scratch), buf_fini(&high);
}

/* Only there is a byte of KEY_LOCAL one. */
TEST(local_ids_have_one_place)
{
	struct buf b = { .p = NULL }, key = { .p = NULL }, scratch = { .p = NULL };
	struct value parts[KEY_PARTS_MAX];
	struct key_hasher *h = key_hasher_new();

	buf_room(&b, 256);
	key_begin(&key, h, SCALAR(&b, ITEM_S, "p"));
	key_add(&key, SCALAR(&b, ITEM_S, "s"));
	buf_u8(&key, KEY_LOCAL | 1);
	key_add(&key, SCALAR(&b, ITEM_S, "t"));
	CHECK_INT(key_local(buf_view(&key)), 0);
	CHECK_INT(key_decode(buf_view(&key), &scratch, parts, KEY_PARTS_MAX), 0);
	key.p[KEY_HASH_N] = KEY_LOCAL | 1;
	CHECK_INT(key_partition_n(buf_view(&key)), 0);
	CHECK_INT(key_local(buf_view(&key)), 0);
	CHECK_INT(key_decode(buf_view(&key), &scratch, parts, KEY_PARTS_MAX), 0);
	key_hasher_free(h);
	buf_fini(&b), buf_fini(&key), buf_fini(&scratch);
}

/* key_begin_all: the hash of what it was given, in front of each of them. */
TEST(several_attributes_are_hashed_as_one)
{
	struct buf b = { .p = NULL }, key = { .p = NULL }, scratch = { .p = NULL }, full;
	struct value in[3], parts[KEY_PARTS_MAX];
	struct key_hasher *h = key_hasher_new();
	uint8_t hash[KEY_HASH_N];

	buf_room(&b, 256);
	in[0] = SCALAR(&b, ITEM_S, "a\0b");
	in[1] = SCALAR(&b, ITEM_N, "12");
	in[2] = SCALAR(&b, ITEM_B, "\377");
	for (size_t n = 1; n <= 3; n++) {
		buf_clear(&key);
		buf_str(&key, "before");
		key_begin_all(&key, h, in, n);
		CHECK(bytes_starts(buf_view(&key), BYTES_LIT("before")));
		buf_drop(&key, 6);
		key_hash(h, in, n, hash);
		CHECK(memcmp(key.p, hash, sizeof hash) == 0);
		buf_clear(&scratch);
		CHECK_INT(key_decode(buf_view(&key), &scratch, parts, KEY_PARTS_MAX), n);
		for (size_t i = 0; i < n; i++)
			CHECK(item_value_eq(parts[i], in[i]));
	}
	buf_init(&full, KEY_HASH_N + 3);
	key_begin_all(&full, h, in, 3);
	CHECK(full.over);
	key_hasher_free(h);
	buf_fini(&b), buf_fini(&key), buf_fini(&scratch), buf_fini(&full);
}

/* An index's key may have the base key's attributes in it already. */
TEST(repeated_names_come_back_once)
{
	static const struct key_schema s = {
		.part = { { BYTES_LIT("n"), ITEM_N }, { BYTES_LIT("pk"), ITEM_S }, { BYTES_LIT("pk"), ITEM_S }, { BYTES_LIT("n"), ITEM_N } },
		.n = 4, .hash_n = 1,
	};
	struct item_build back;
	struct make m;
	size_t part;

	make_init(&m);
	item_build_init(&back);
	item_open(&m);
	attribute(&m, "pk", ITEM_S, "user");
	attribute(&m, "n", ITEM_N, "1");
	CHECK_INT(key_of(&m, &s, true, &part), KEY_OK);
	CHECK(!key_repeats(&s, 0) && !key_repeats(&s, 1) && key_repeats(&s, 2) && key_repeats(&s, 3));
	item_build_item(&back);
	CHECK(key_attributes(&back, &s, buf_view(&m.key)) && item_build_close(&back));
	CHECK(bytes_eq(item_build_view(&back), item_build_view(&m.b)));
	item_build_fini(&back);
	make_fini(&m);
}

/* begins_with: between the open component and key_after of it lie exactly the values with that prefix. */
TEST(prefixes_bound_ranges)
{
	static const struct bytes in[] = { BYTES_LIT("ab"), BYTES_LIT("ab\0"), BYTES_LIT("abc"),
		BYTES_LIT("ab\377\377") };
	static const struct bytes out[] = { BYTES_LIT("aa\377"), BYTES_LIT("a"), BYTES_LIT("ac"), BYTES_LIT("b"),
		BYTES_LIT("") };
	struct buf b = { .p = NULL }, low = { .p = NULL }, high = { .p = NULL }, k = { .p = NULL };

	buf_room(&b, 256);
	key_add_prefix(&low, SCALAR(&b, ITEM_S, "ab"));
	CHECK(key_after(&high, buf_view(&low)));
	for (size_t i = 0; i < sizeof in / sizeof *in; i++) {
		buf_clear(&k);
		key_add(&k, scalar(&b, ITEM_S, (const char *)in[i].p, in[i].n));
		CHECK(bytes_cmp(buf_view(&low), buf_view(&k)) <= 0 && bytes_cmp(buf_view(&k), buf_view(&high)) < 0);
	}
	for (size_t i = 0; i < sizeof out / sizeof *out; i++) {
		buf_clear(&k);
		key_add(&k, scalar(&b, ITEM_S, (const char *)out[i].p, out[i].n));
		CHECK(bytes_cmp(buf_view(&low), buf_view(&k)) > 0 || bytes_cmp(buf_view(&k), buf_view(&high)) >= 0);
	}
	buf_clear(&high);
	CHECK(key_after(&high, BYTES_LIT("a\377\377")) && bytes_is(buf_view(&high), "b"));
	buf_clear(&high);
	CHECK(!key_after(&high, BYTES_LIT("\377\377")));
	CHECK(!key_after(&high, BYTES_NONE));
	CHECK_INT(high.n, 0);
	buf_fini(&b), buf_fini(&low), buf_fini(&high), buf_fini(&k);
}

CHECK_MAIN(X(golden) X(refusals_name_the_part) X(components_sort_as_values_do) X(decodes_what_it_encoded)
           X(attributes_come_back) X(local_keys_lie_behind_their_collection) X(local_ids_have_one_place)
           X(several_attributes_are_hashed_as_one) X(repeated_names_come_back_once) X(prefixes_bound_ranges))
