/* held: which keys may be locked, and who is to be asked about. */
#include "held.h"

#include <stdlib.h>

#include "check.h"

#define A BYTES_LIT("aaaaaaaaaaaaaaaa")
#define B BYTES_LIT("bbbbbbbbbbbbbbbb")

static struct held_key *due(struct held *h, uint64_t now)
{
	return held_due(h, now, 100, 10);
}

static bool is(const struct held_key *k, const char *key, struct bytes txid)
{
	return k != NULL && bytes_is((struct bytes){ k->key, k->n }, key) && memcmp(k->txid, txid.p, LOCK_TXID_N) == 0;
}

TEST(a_key_is_held_until_what_frees_it_is_chosen)
{
	struct held h;

	held_init(&h);
	CHECK(!held_has(&h, BYTES_LIT("k")) && held_count(&h) == 0);
	held_gone(&h, BYTES_LIT("k"), 3);                /* never was */
	held_add(&h, BYTES_LIT("k"), A, 1);
	held_add(&h, BYTES_LIT("k2"), A, 1);
	held_gone(&h, BYTES_LIT("k"), 5);
	CHECK(held_has(&h, BYTES_LIT("k")));
	held_chosen(&h, 4);
	CHECK(held_has(&h, BYTES_LIT("k")));
	held_chosen(&h, 5);
	CHECK(!held_has(&h, BYTES_LIT("k")) && held_has(&h, BYTES_LIT("k2")) && held_count(&h) == 1);
	held_fini(&h);
}

TEST(what_frees_it_may_never_be)
{
	struct held h;

	held_init(&h);
	held_add(&h, BYTES_LIT("k"), A, 1);
	held_gone(&h, BYTES_LIT("k"), 5);
	CHECK(due(&h, 1000) == NULL);
	held_retract(&h, 7);
	held_chosen(&h, 5);
	CHECK(held_has(&h, BYTES_LIT("k")));
	CHECK(due(&h, 106) == NULL && is(due(&h, 107), "k", A));
	held_fini(&h);
}

TEST(another_lock_begins_anew)
{
	struct held h;

	held_init(&h);
	held_add(&h, BYTES_LIT("k"), A, 1);
	held_add(&h, BYTES_LIT("k"), A, 50);             /* the same, seen again */
	CHECK(is(due(&h, 101), "k", A));
	held_gone(&h, BYTES_LIT("k"), 5);
	held_add(&h, BYTES_LIT("k"), B, 60);
	held_chosen(&h, 9);
	CHECK(held_count(&h) == 1 && due(&h, 159) == NULL && is(due(&h, 160), "k", B));
	held_ask(&h, due(&h, 160), B, 160);
	held_add(&h, BYTES_LIT("k"), A, 165);            /* while it was asked about */
	CHECK(due(&h, 264) == NULL && is(due(&h, 265), "k", A));
	held_fini(&h);
}

TEST(the_oldest_are_asked_about_first_and_then_again)
{
	struct held h;

	held_init(&h);
	held_add(&h, BYTES_LIT("x"), A, 1);
	held_add(&h, BYTES_LIT("y"), A, 2);
	CHECK(due(&h, 100) == NULL);
	CHECK(is(due(&h, 150), "x", A));
	held_ask(&h, due(&h, 150), B, 150);              /* as its row says */
	CHECK(is(due(&h, 150), "y", A));
	held_ask(&h, due(&h, 150), A, 155);
	CHECK(due(&h, 159) == NULL && is(due(&h, 160), "x", B));
	held_ask(&h, due(&h, 160), B, 160);
	CHECK(due(&h, 164) == NULL && is(due(&h, 165), "y", A));
	held_free(&h, due(&h, 165));
	CHECK(!held_has(&h, BYTES_LIT("y")) && is(due(&h, 170), "x", B));
	held_fini(&h);
}

CHECK_MAIN(X(a_key_is_held_until_what_frees_it_is_chosen)
X(what_frees_it_may_never_be)
X(another_lock_begins_anew)
X(the_oldest_are_asked_about_first_and_then_again))
