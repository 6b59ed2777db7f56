/* msg: every message of the table. */
#include "msg.h"

#include <stdlib.h>

#include "check.h"
#include "golden.h"
#include "msg_fill.h"

#define V MSG_VERSION

TEST(every_message_comes_back_as_it_was)
{
	for (size_t i = 0; i < FILL_COUNT; i++) {
		struct buf a = { 0 }, b = { 0 };
		unsigned n = 0;

		fill_all[i].fill(&a, &n, V);
		CHECK(fill_again(fill_all[i].type, buf_view(&a), V, &b));
		CHECK(bytes_eq(buf_view(&a), buf_view(&b)));
		CHECK_STR(msg_name(fill_all[i].type), fill_all[i].name);
		buf_fini(&a);
		buf_fini(&b);
	}
}

TEST(short_and_long_messages_are_refused)
{
	for (size_t i = 0; i < FILL_COUNT; i++) {
		struct buf a = { 0 }, b = { 0 };
		unsigned n = 0;

		fill_all[i].fill(&a, &n, V);
		for (size_t cut = 0; cut < a.n; cut++) {
			/* An exact copy, so that a sanitizer sees a read behind its end. */
			uint8_t *copy = mem_copy(a.p, cut);

			buf_clear(&b);
			CHECK(!fill_again(fill_all[i].type, (struct bytes){ copy, cut }, V, &b));
			free(copy);
		}
		buf_u8(&a, 0);
		CHECK(!fill_again(fill_all[i].type, buf_view(&a), V, &b));
		buf_fini(&a);
		buf_fini(&b);
	}
}

TEST(matches_the_golden_files)
{
	struct buf hex = { 0 }, text = { 0 }, a = { 0 };

	for (size_t i = 0; i < FILL_COUNT; i++) {
		unsigned n = 0;

		buf_clear(&a);
		fill_all[i].fill(&a, &n, V);
		golden_line(&hex, fill_all[i].name, buf_view(&a));
		buf_fmt(&text, "%04x ", fill_all[i].type);
		msg_print(fill_all[i].type, buf_view(&a), V, &text);
		buf_str(&text, "\n");
	}
	CHECK(golden_same("t/golden/msg-v1.txt", &hex));
	CHECK(golden_same("t/golden/msg-v1.print", &text));
	buf_fini(&hex);
	buf_fini(&text);
	buf_fini(&a);
}

TEST(types_are_distinct_and_have_names)
{
	for (size_t i = 0; i < FILL_COUNT; i++)
		for (size_t k = 0; k < i; k++)
			CHECK(fill_all[i].type != fill_all[k].type && strcmp(fill_all[i].name, fill_all[k].name) != 0);
	CHECK_STR(msg_name(0), "unknown");
	CHECK_STR(msg_name(0xffff), "unknown");
}

TEST(lists_hold_parts_of_any_length)
{
	static const size_t lengths[] = { 0, 1, 127, 128, 129, 16383, 16384, 70000 };
	struct buf list = { 0 };
	struct bytes rest, part;
	size_t i = 0;

	for (; i < sizeof lengths / sizeof *lengths; i++) {
		size_t mark = msg_list_begin(&list);

		for (size_t k = 0; k < lengths[i]; k++)
			buf_u8(&list, (uint8_t)(i + k));
		msg_list_end(&list, mark);
	}
	rest = buf_view(&list);
	for (i = 0; msg_list_next(&rest, &part); i++) {
		CHECK_INT(part.n, lengths[i]);
		for (size_t k = 0; k < part.n; k++)
			if (part.p[k] != (uint8_t)(i + k)) {
				CHECK(false);
				break;
			}
	}
	CHECK(i == sizeof lengths / sizeof *lengths && rest.n == 0);
	rest = (struct bytes){ list.p, list.n - 1 };
	while (msg_list_next(&rest, &part))
		;
	CHECK(rest.n > 0);
	buf_fini(&list);
}

TEST(a_buffer_that_is_too_small_takes_nothing)
{
	struct buf b;
	struct msg_row m = { BYTES_LIT("key"), BYTES_LIT("0123456789") };

	buf_init(&b, 10);
	msg_put_row(&b, &m, V);
	CHECK(b.over && b.n == 0);
	MSG_LIST_PUT(&b, row, &m, V);
	CHECK(b.over);
	buf_fini(&b);
}

TEST(printing_shortens_and_survives_nonsense)
{
	struct buf out = { 0 }, list = { 0 }, raw = { 0 };
	struct msg_px m = { .group = 7 };

	for (uint64_t i = 0; i < 20; i++)
		MSG_LIST_PUT(&list, slot_entry, (&(struct msg_slot_entry){ i, 1, BYTES_LIT("\x01\xff") }), V);
	buf_str(&list, "nonsense");
	m.entries = buf_view(&list);
	msg_put_px(&raw, &m, V);
	msg_print(MSG_px, buf_view(&raw), V, &out);
	buf_u8(&out, 0);
	CHECK(strstr((char *)out.p, "px{group=7 ") != NULL);
	CHECK(strstr((char *)out.p, "slot_entry{slot=7 ballot=1 entry=01ff} ..(20) malformed(8)]}") != NULL);
	buf_clear(&out);
	msg_print(MSG_px, BYTES_LIT("short"), V, &out);
	msg_print(0xffff, BYTES_LIT("\x00what"), V, &out);
	buf_u8(&out, 0);
	CHECK_STR((char *)out.p, "px{malformed \"short\"}unknown(65535){0077686174}");
	buf_fini(&out);
	buf_fini(&list);
	buf_fini(&raw);
}

CHECK_MAIN(X(every_message_comes_back_as_it_was)
X(short_and_long_messages_are_refused)
X(matches_the_golden_files)
X(types_are_distinct_and_have_names)
X(lists_hold_parts_of_any_length)
X(a_buffer_that_is_too_small_takes_nothing)
X(printing_shortens_and_survives_nonsense))
