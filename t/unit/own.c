/* own: the keys of what a group notes for itself.  Format: t/golden/own-v1.txt, ddb-stream(5) */
#include "own.h"

#include "check.h"
#include "golden.h"
#include "msg.h"

static const uint64_t numbers[] = { 0, 1, 255, 256, UINT32_MAX, (uint64_t)UINT32_MAX + 1, UINT64_MAX };

#define COUNT(a) (sizeof(a) / sizeof *(a))

static bool is(struct own_key k, enum own_kind kind, uint64_t of)
{
	uint64_t got = 99;

	return own_is(own_view(&k)) && key_is_own(own_view(&k)) && own_kind(own_view(&k), &got) == kind && got == of;
}

TEST(keys_say_what_they_are)
{
	CHECK(is(own_indexes(), OWN_INDEXES, 0));
	for (size_t i = 0; i < COUNT(numbers); i++) {
		CHECK(is(own_outbox(numbers[i]), OWN_OUTBOX, numbers[i]));
		CHECK(is(own_source(numbers[i]), OWN_SOURCE, numbers[i]));
		CHECK(is(own_fill((uint32_t)numbers[i]), OWN_FILL, (uint32_t)numbers[i]));
	}
}

TEST(keys_are_in_order_of_their_numbers)
{
	for (size_t i = 1; i < COUNT(numbers); i++) {
		struct own_key a = own_outbox(numbers[i - 1]), b = own_outbox(numbers[i]);
		struct own_key c = own_source(numbers[i - 1]), d = own_source(numbers[i]);

		CHECK(bytes_cmp(own_view(&a), own_view(&b)) < 0);
		CHECK(bytes_cmp(own_view(&c), own_view(&d)) < 0);
		CHECK(bytes_cmp(own_view(&d), own_view(&a)) < 0);
	}
}

TEST(other_keys_are_none)
{
	static const struct bytes other[] = {
		BYTES_LIT(""), BYTES_LIT("\0"), BYTES_LIT("\0x"), BYTES_LIT("\0I"), BYTES_LIT("\1i"), BYTES_LIT("\0i\0"), BYTES_LIT("\0o"),
		BYTES_LIT("\0f12345678"), BYTES_LIT("\0o1234"), BYTES_LIT("\0c1234567"), BYTES_LIT("\0c123456789"),
	};
	uint8_t item[64] = { 0, OWN_OUTBOX };
	uint64_t of;

	for (size_t i = 0; i < COUNT(other); i++)
		CHECK_INT(own_kind(other[i], &of), OWN_NONE);
	/* The hash of an item may begin like one. */
	for (size_t n = KEY_HASH_N + 1; n < sizeof item; n++) {
		CHECK_INT(own_kind((struct bytes){ item, n }, &of), OWN_NONE);
		CHECK(!own_is((struct bytes){ item, n }));
	}
}

TEST(golden)
{
	struct own_key indexes = own_indexes(), outbox = own_outbox(UINT64_C(0x0102030405060708)), fill = own_fill(0x01020304),
		       source = own_source(UINT64_C(0x1112131415161718));
	struct buf text = { 0 }, moves = { 0 }, row = { 0 };

	golden_line(&text, "indexes", own_view(&indexes));
	golden_line(&text, "outbox", own_view(&outbox));
	golden_line(&text, "fill", own_view(&fill));
	golden_line(&text, "source", own_view(&source));
	MSG_LIST_PUT(&moves, index_move, (&(struct msg_index_move){ 3, BYTES_LIT("old"), BYTES_LIT("new") }), MSG_VERSION);
	MSG_LIST_PUT(&moves, index_move, (&(struct msg_index_move){ 4, BYTES_NONE, BYTES_LIT("key") }), MSG_VERSION);
	MSG_LIST_PUT(&row, index_change, (&(struct msg_index_change){ BYTES_LIT("item"), buf_view(&moves) }), MSG_VERSION);
	buf_clear(&moves);
	MSG_LIST_PUT(&moves, index_move, (&(struct msg_index_move){ 3, BYTES_LIT("gone"), BYTES_NONE }), MSG_VERSION);
	MSG_LIST_PUT(&row, index_change, (&(struct msg_index_change){ BYTES_NONE, buf_view(&moves) }), MSG_VERSION);
	golden_line(&text, "outbox-row", buf_view(&row));
	CHECK(golden_same("t/golden/own-v1.txt", &text));
	buf_fini(&text);
	buf_fini(&moves);
	buf_fini(&row);
}

CHECK_MAIN(X(keys_say_what_they_are) X(keys_are_in_order_of_their_numbers) X(other_keys_are_none) X(golden))
