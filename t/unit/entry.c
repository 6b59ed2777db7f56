#include "entry.h"

#include "check.h"
#include "golden.h"

static const struct entry_row put = { ENTRY_ROW_PUT, { (const uint8_t *)"key-1", 5 }, { (const uint8_t *)"image", 5 }, { NULL, 0 },
	{ NULL, 0 } };
static const struct entry_row put_old = { ENTRY_ROW_PUT | ENTRY_ROW_OLD, { (const uint8_t *)"key-2", 5 },
	{ (const uint8_t *)"new", 3 }, { (const uint8_t *)"old", 3 }, { NULL, 0 } };
static const struct entry_row del = { ENTRY_ROW_DELETE, { (const uint8_t *)"key-3", 5 }, { NULL, 0 }, { NULL, 0 },
	{ NULL, 0 } };
static const struct entry_row del_old = { ENTRY_ROW_DELETE | ENTRY_ROW_OLD, { (const uint8_t *)"key-4", 5 }, { NULL, 0 },
	{ (const uint8_t *)"was", 3 }, { NULL, 0 } };
static const struct entry_row expired = { ENTRY_ROW_DELETE | ENTRY_ROW_EXPIRED, { (const uint8_t *)"key-5", 5 }, { NULL, 0 },
	{ NULL, 0 }, { NULL, 0 } };
static const struct entry_row locked = { ENTRY_ROW_PUT | ENTRY_ROW_LOCK, { (const uint8_t *)"key-5", 5 },
	{ (const uint8_t *)"as it was", 9 }, { NULL, 0 }, { (const uint8_t *)"lock", 4 } };
static const struct entry_member members[] = { { 1, 1 }, { 2, 1 }, { 7, 2 } };

#define STAMP 0x0005f00dcafe1234u

static void all_kinds(struct buf *out)
{
	entry_put_write(out, STAMP, 4);
	entry_put_row(out, &put);
	entry_put_row(out, &put_old);
	entry_put_row(out, &del);
	entry_put_row(out, &del_old);
}

TEST(bytes_are_golden)
{
	struct buf text = { 0 }, b = { 0 }, json = { 0 };
	struct entry_hash h = { { 0 } };

	entry_put_noop(&b, STAMP);
	entry_stamp(&b, 0x2000003, 0x1000001);
	golden_line(&text, "noop", buf_view(&b));
	entry_hash_next(&h, 1, buf_view(&b));
	golden_line(&text, "hash-1", (struct bytes){ h.b, sizeof h.b });
	buf_clear(&b);
	all_kinds(&b);
	entry_stamp(&b, 0x2000003, 0);
	golden_line(&text, "write", buf_view(&b));
	entry_hash_next(&h, 2, buf_view(&b));
	golden_line(&text, "hash-2", (struct bytes){ h.b, sizeof h.b });
	entry_json(buf_view(&b), &json);
	buf_fmt(&text, "json %.*s\n", (int)json.n, (char *)json.p);
	buf_clear(&b);
	entry_put_config(&b, STAMP, members, 3);
	golden_line(&text, "config", buf_view(&b));
	buf_clear(&json);
	entry_json(buf_view(&b), &json);
	buf_fmt(&text, "json %.*s\n", (int)json.n, (char *)json.p);
	buf_clear(&b);
	entry_put_write(&b, STAMP, 1);
	entry_put_row(&b, &expired);
	golden_line(&text, "expired", buf_view(&b));
	buf_clear(&json);
	entry_json(buf_view(&b), &json);
	buf_fmt(&text, "json %.*s\n", (int)json.n, (char *)json.p);
	buf_clear(&b);
	buf_clear(&json);
	entry_put_write(&b, STAMP, 1);
	entry_put_row(&b, &locked);
	golden_line(&text, "locked", buf_view(&b));
	entry_json(buf_view(&b), &json);
	buf_fmt(&text, "json %.*s\n", (int)json.n, (char *)json.p);
	CHECK(golden_same("t/golden/entry-v1.txt", &text));
	buf_fini(&text);
	buf_fini(&b);
	buf_fini(&json);
}

TEST(what_was_put_is_got)
{
	struct buf b = { 0 };
	struct entry e;
	struct entry_row row;
	struct bytes rest;

	all_kinds(&b);
	CHECK(entry_get(buf_view(&b), &e));
	CHECK(e.type == ENTRY_WRITE && e.timestamp == STAMP && e.nrows == 4);
	rest = e.rows;
	CHECK(entry_row_next(&rest, &row) && row.flags == ENTRY_ROW_PUT && bytes_is(row.key, "key-1") && bytes_is(row.image, "image"));
	CHECK(entry_row_next(&rest, &row) && bytes_is(row.image, "new") && bytes_is(row.old, "old"));
	CHECK(entry_row_next(&rest, &row) && row.flags == ENTRY_ROW_DELETE && row.image.n == 0 && row.old.n == 0);
	CHECK(entry_row_next(&rest, &row) && bytes_is(row.old, "was"));
	CHECK(!entry_row_next(&rest, &row));
	buf_clear(&b);
	entry_put_write(&b, 9, 1);
	entry_put_row(&b, &expired);
	CHECK(entry_get(buf_view(&b), &e) && e.nrows == 1);
	rest = e.rows;
	CHECK(entry_row_next(&rest, &row) && row.flags == (ENTRY_ROW_DELETE | ENTRY_ROW_EXPIRED) && bytes_is(row.key, "key-5"));
	buf_clear(&b);
	entry_put_write(&b, STAMP, 1);
	entry_put_row(&b, &locked);
	CHECK(entry_get(buf_view(&b), &e));
	rest = e.rows;
	CHECK(entry_row_next(&rest, &row) && bytes_is(row.image, "as it was") && bytes_is(row.lock, "lock"));
	CHECK(!entry_row_next(&rest, &row));
	buf_clear(&b);
	entry_put_config(&b, 9, members, 3);
	CHECK(entry_get(buf_view(&b), &e) && e.type == ENTRY_CONFIG && e.nmembers == 3);
	CHECK(e.member[2].replica == 7 && e.member[2].role == 2);
	entry_stamp(&b, 7, 6);
	CHECK(entry_get(buf_view(&b), &e) && e.origin == 7 && e.before == 7 && e.nmembers == 3);
	buf_clear(&b);
	entry_put_noop(&b, 10);
	CHECK(entry_get(buf_view(&b), &e) && e.type == ENTRY_NOOP && e.timestamp == 10 && e.origin == 0 && e.before == 0);
	entry_stamp(&b, 7, 6);
	CHECK(entry_get(buf_view(&b), &e) && e.timestamp == 10 && e.origin == 7 && e.before == 6);
	buf_fini(&b);
}

TEST(rows_may_be_counted_when_they_are_there)
{
	static const uint32_t counts[] = { 1, 127, 128, ENTRY_ROWS_MAX };
	struct buf b = { 0 }, around = { 0 };
	struct entry e;

	for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
		buf_clear(&b);
		buf_clear(&around);
		entry_put_write(&b, STAMP, counts[i]);
		buf_put(&around, "what is here is written over", ENTRY_WRITE_ROOM);
		for (uint32_t n = 0; n < counts[i]; n++) {
			entry_put_row(&b, &put);
			entry_put_row(&around, &put);
		}
		CHECK(bytes_eq(buf_view(&b), entry_write_around(&around, STAMP, counts[i])));
		CHECK(entry_get(buf_view(&b), &e) && e.nrows == counts[i]);
	}
	buf_fini(&b);
	buf_fini(&around);
}

TEST(shortened_or_lengthened_is_refused)
{
	struct buf b = { 0 };
	struct entry e;

	all_kinds(&b);
	for (size_t n = 0; n < b.n; n++)
		CHECK(!entry_get((struct bytes){ b.p, n }, &e));
	buf_u8(&b, 0);
	CHECK(!entry_get(buf_view(&b), &e));
	buf_clear(&b);
	entry_put_config(&b, 9, members, 3);
	for (size_t n = 0; n < b.n; n++)
		CHECK(!entry_get((struct bytes){ b.p, n }, &e));
	buf_fini(&b);
}

static bool refused(struct bytes head, struct bytes rest)
{
	struct buf b = { 0 };
	struct entry e;
	bool got;

	buf_bytes(&b, head);
	buf_u64(&b, STAMP);
	buf_u64(&b, 1);
	buf_bytes(&b, rest);
	got = entry_get(buf_view(&b), &e);
	buf_fini(&b);
	return !got;
}

TEST(malformed_is_refused)
{
	CHECK(!refused(BYTES_LIT("\1\1"), BYTES_LIT("12345678")));
	CHECK(refused(BYTES_LIT("\1\1"), BYTES_LIT("")));                /* not what stands before it */
	CHECK(refused(BYTES_LIT("\2\1"), BYTES_LIT("12345678")));        /* version */
	for (char type = 4; type < 12; type++)                           /* reserved */
		CHECK(refused((struct bytes){ (const uint8_t[]){ 1, (uint8_t)type }, 2 }, BYTES_LIT("")));
	CHECK(refused(BYTES_LIT("\1\0"), BYTES_LIT("")));
	CHECK(!refused(BYTES_LIT("\1\2"), BYTES_LIT("\1\2\1k")));
	CHECK(refused(BYTES_LIT("\1\2"), BYTES_LIT("\0")));              /* no rows */
	CHECK(refused(BYTES_LIT("\1\2"), BYTES_LIT("\x65")));            /* 101 rows */
	CHECK(refused(BYTES_LIT("\1\2"), BYTES_LIT("\1\2\0")));          /* empty key */
	CHECK(refused(BYTES_LIT("\1\2"), BYTES_LIT("\1\3\1k\1i")));      /* put and delete */
	CHECK(refused(BYTES_LIT("\1\2"), BYTES_LIT("\1\1\1k\0")));       /* put of nothing */
	CHECK(!refused(BYTES_LIT("\1\2"), BYTES_LIT("\1\x11\1k\1i\1l")));
	CHECK(refused(BYTES_LIT("\1\2"), BYTES_LIT("\1\x11\1k\1i\0"))); /* an empty lock */
	CHECK(refused(BYTES_LIT("\1\2"), BYTES_LIT("\1\x12\1k\1l")));   /* a lock on nothing */
	CHECK(refused(BYTES_LIT("\1\2"), BYTES_LIT("\1\6\1k\0")));       /* old image of nothing */
	CHECK(refused(BYTES_LIT("\1\2"), BYTES_LIT("\1\x12\1k")));       /* unknown flag */
	CHECK(refused(BYTES_LIT("\1\2"), BYTES_LIT("\1\x09\1k\1i")));   /* a put by time to live */
	CHECK(refused(BYTES_LIT("\1\3"), BYTES_LIT("\0")));              /* no members */
	CHECK(refused(BYTES_LIT("\1\3"), BYTES_LIT("\2\1\0\0\0\1\1\0\0\0\1")));    /* one twice */
	CHECK(!refused(BYTES_LIT("\1\3"), BYTES_LIT("\2\1\0\0\0\1\2\0\0\0\1")));
}

TEST(hash_depends_on_slot_and_history)
{
	struct entry_hash a = { { 0 } }, b = { { 0 } }, c = { { 1 } };
	struct bytes raw = BYTES_LIT("\1\1\0\0\0\0\0\0\0\0");

	entry_hash_next(&a, 1, raw);
	entry_hash_next(&b, 2, raw);
	entry_hash_next(&c, 1, raw);
	CHECK(memcmp(&a, &b, sizeof a) != 0 && memcmp(&a, &c, sizeof a) != 0 && memcmp(&b, &c, sizeof a) != 0);
}

CHECK_MAIN(X(bytes_are_golden) X(what_was_put_is_got) X(rows_may_be_counted_when_they_are_there) X(shortened_or_lengthened_is_refused) X(malformed_is_refused)
           X(hash_depends_on_slot_and_history))
