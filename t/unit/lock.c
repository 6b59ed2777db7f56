/* lock: what a transaction has prepared for one item. */
#include "lock.h"

#include <stdlib.h>

#include "check.h"
#include "golden.h"
#include "mem.h"

static const struct lock locks[] = {
	{ BYTES_LIT("0123456789abcdef"), 7, BYTES_LIT("ledger-key"), 0x0102030405060708, LOCK_PUT, true, BYTES_LIT("new") },
	{ BYTES_LIT("fedcba9876543210"), UINT64_MAX, BYTES_LIT("k"), 0, LOCK_DELETE, true, { NULL, 0 } },
	{ BYTES_LIT("0000000000000000"), 1, BYTES_LIT("key"), 9, LOCK_CHECK, false, { NULL, 0 } },
};

#define LOCKS (sizeof locks / sizeof *locks)

TEST(comes_back_as_it_was)
{
	for (size_t i = 0; i < LOCKS; i++) {
		struct buf b = { 0 };
		struct lock l;

		lock_put(&b, &locks[i]);
		CHECK(lock_get(buf_view(&b), &l));
		CHECK(bytes_eq(l.txid, locks[i].txid) && bytes_eq(l.ledger_key, locks[i].ledger_key) && bytes_eq(l.image, locks[i].image));
		CHECK(l.ledger_group == locks[i].ledger_group && l.timestamp == locks[i].timestamp);
		CHECK(l.kind == locks[i].kind && l.exists == locks[i].exists);
		buf_fini(&b);
	}
}

TEST(bytes_are_golden)
{
	static const char *const name[] = { "put", "delete", "check" };
	struct buf text = { 0 }, b = { 0 };

	for (size_t i = 0; i < LOCKS; i++) {
		buf_clear(&b);
		lock_put(&b, &locks[i]);
		golden_line(&text, name[i], buf_view(&b));
	}
	CHECK(golden_same("t/golden/lock-v1.txt", &text));
	buf_fini(&text);
	buf_fini(&b);
}

TEST(short_long_and_senseless_ones_are_refused)
{
	struct buf b = { 0 };
	struct lock l;
	size_t kind, exists;

	lock_put(&b, &locks[0]);
	for (size_t cut = 0; cut < b.n; cut++) {
		uint8_t *copy = mem_copy(b.p, cut);

		CHECK(!lock_get((struct bytes){ copy, cut }, &l));
		free(copy);
	}
	exists = b.n - 1 - 3 - 1;
	kind = exists - 1;
	b.p[exists] = 2;
	CHECK(!lock_get(buf_view(&b), &l));
	b.p[exists] = 0;
	CHECK(lock_get(buf_view(&b), &l) && !l.exists);
	b.p[kind] = LOCK_CHECK;                          /* which has no image */
	CHECK(!lock_get(buf_view(&b), &l));
	b.p[kind] = 4;
	CHECK(!lock_get(buf_view(&b), &l));
	b.p[kind] = LOCK_PUT;
	b.p[0] = 2;
	CHECK(!lock_get(buf_view(&b), &l));
	b.p[0] = LOCK_VERSION;
	buf_u8(&b, 0);
	CHECK(!lock_get(buf_view(&b), &l));
	buf_fini(&b);
}

CHECK_MAIN(X(comes_back_as_it_was)
X(bytes_are_golden)
X(short_long_and_senseless_ones_are_refused))
