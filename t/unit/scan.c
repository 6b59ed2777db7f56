/* scan: pages of items or of a local index's rows, in both directions, whatever lies between them. */
#include "core.h"

#include "expr_eval.h"
#include "index_bench.h"

#define OF(id) ((struct msg_scan){ .consistent = 1, .index = (id) })
#define BACK(id) ((struct msg_scan){ .consistent = 1, .index = (id), .reverse = 1 })

static struct msg_page page_at(struct peer *p, const struct msg_scan *ask)
{
	struct msg_page m = { .result = RESULT_UNKNOWN };
	struct msg_scan s = *ask;
	struct buf b = { 0 };

	s.group = s.table = G;
	s.schema = 1;
	msg_put_scan(&b, &s, MSG_VERSION);
	request_of(p, MSG_scan, &b);
	CHECK(w.type == MSG_page && msg_get_page(buf_view(&w.answer), &m, MSG_VERSION));
	return m;
}

static struct msg_page page(struct msg_scan ask)
{
	return page_at(leader(), &ask);
}

static void add_items(char *text, struct bytes items)
{
	struct bytes raw;
	struct value pk, sk;

	while (msg_list_next(&items, &raw)) {
		item_get(raw, BYTES_LIT("pk"), &pk);
		item_get(raw, BYTES_LIT("sk"), &sk);
		add_text(text, "%s%.*s.%.*s", *text != '\0' ? " " : "", (int)pk.body.n, (const char *)pk.body.p, (int)sk.body.n,
			 (const char *)sk.body.p);
	}
	CHECK_INT(items.n, 0);
}

/* Page after page to the end; how many in *pages. */
static const char *walk(struct msg_scan ask, unsigned *pages)
{
	static char text[TEXT_MAX];
	struct buf from = { 0 };

	*text = '\0';
	*pages = 0;
	for (bool more = true; more; ++*pages) {
		struct msg_page m = page(ask);

		CHECK_INT(m.result, RESULT_OK);
		add_items(text, m.items);
		more = m.more;
		if (more) {
			CHECK(m.scanned > 0 && m.last_key.n > 0);
			buf_clear(&from);
			buf_bytes(&from, m.last_key);
			ask.from = buf_view(&from);
			ask.from_exclusive = 1;
		}
	}
	buf_fini(&from);
	return text;
}

/* Some in the overlay, the others in the store, and some that are overwritten there. */
static void fill(const char *const *partitions, size_t n, unsigned items)
{
	char text[256];

	for (unsigned round = 0; round < 2; round++) {
		for (size_t i = 0; i < n; i++)
			for (unsigned k = round; k < items; k++) {
				snprintf(text, sizeof text, "{'pk':'%s','sk':'%c','a':'%c','n':%u,'v':%u}", partitions[i], 'a' + k,
					 'z' - k, round > 0 ? k : 100 + k, k);
				put(text);
			}
		run(100000);
		leader()->n->opt.apply_delay_us = UINT64_MAX / 2;
		leader()->n->opt.apply_rows = UINT32_MAX;
	}
	CHECK(lead()->meta.applied < lead()->chosen);
}

static const char *const pqr[] = { "p", "q", "r" };

/* The order of partitions is that of their hashes. */
static char order[4];

static void start_filled(unsigned items)
{
	unsigned pages;
	const char *text;
	size_t n = 0;

	start(1);
	CHECK_INT(set_indexes(1, 1, ALL_THREE), RESULT_OK);
	fill(pqr, 3, items);
	text = walk(OF(0), &pages);
	for (size_t i = 0; text[i] != '\0'; i += text[i + 3] != '\0' ? 4 : 3)
		if (n == 0 || order[n - 1] != text[i])
			order[n++] = text[i];
	CHECK_INT(n, 3);
}

/* What a walk should show: partitions in order, in each of them these. */
static const char *all(const char *items, bool reverse)
{
	static char text[TEXT_MAX];

	*text = '\0';
	for (int i = 0; i < 3; i++)
		for (const char *c = items; *c != '\0'; c++)
			add_text(text, "%s%c.%c", *text != '\0' ? " " : "", order[reverse ? 2 - i : i], *c);
	return text;
}

TEST(items_are_shown_without_the_rows_of_indexes)
{
	unsigned pages;

	start_filled(12);
	CHECK_STR(walk(OF(0), &pages), all("abcdefghijkl", false));
	CHECK_INT(pages, 1);
	CHECK_STR(walk(BACK(0), &pages), all("lkjihgfedcba", true));
	CHECK_INT(pages, 1);
	stop();
	start_filled(2);
	CHECK_STR(walk(OF(0), &pages), all("ab", false));
	CHECK_STR(walk(BACK(0), &pages), all("ba", true));
	stop();
}

TEST(an_index_is_shown_in_its_order_and_nothing_else)
{
	unsigned pages;

	for (unsigned items = 3; items <= 12; items += 9) {
		const char *up_to = items == 3 ? "abc" : "abcdefghijkl", *down = items == 3 ? "cba" : "lkjihgfedcba";

		start_filled(items);
		CHECK_STR(walk(OF(1), &pages), all(down, false));
		CHECK_STR(walk(BACK(1), &pages), all(up_to, true));
		CHECK_STR(walk(OF(2), &pages), all(items == 3 ? "bca" : "bcdefghijkla", false));
		CHECK_STR(walk(BACK(2), &pages), all(items == 3 ? "acb" : "alkjihgfedcb", true));
		CHECK_INT(pages, 1);
		stop();
	}
}

TEST(pages_go_on_where_they_stopped)
{
	unsigned pages;

	start_filled(12);
	for (uint32_t limit = 1; limit <= 13; limit += 4)
		for (unsigned reverse = 0; reverse < 2; reverse++)
			for (uint32_t index = 0; index < 2; index++) {
				struct msg_scan ask = { .consistent = 1, .index = index, .reverse = reverse > 0, .limit = limit };

				CHECK_STR(walk(ask, &pages), all((index == 1) != (reverse > 0) ? "lkjihgfedcba" : "abcdefghijkl",
								 reverse > 0));
				CHECK_INT(pages, (36 + limit - 1) / limit);
			}
	stop();
}

TEST(a_page_ends_at_its_bytes)
{
	struct msg_page m;
	unsigned pages;

	start_filled(4);
	m = page((struct msg_scan){ .consistent = 1, .index = 2, .bytes_max = 1 });
	CHECK_INT(m.scanned, 1);
	CHECK_INT(m.read_bytes, 2 + 1 + 2 + 1 + 1 + 2 + 1 + 2);      /* pk, sk, n, v: what it projects */
	CHECK_INT(m.more, 1);
	m = page((struct msg_scan){ .consistent = 1, .index = 2, .bytes_max = 13 });
	CHECK_INT(m.scanned, 2);
	CHECK_STR(walk((struct msg_scan){ .consistent = 1, .index = 2, .bytes_max = 11 }, &pages), all("bcda", false));
	CHECK_INT(pages, 12);
	/* Of items that are fetched, too. */
	m = page((struct msg_scan){ .consistent = 1, .index = 2, .bytes_max = 27 });
	CHECK_INT(m.scanned, 3);
	m = page((struct msg_scan){ .consistent = 1, .index = 2, .bytes_max = 27, .fetch = 1 });
	CHECK_INT(m.scanned, 2);
	stop();
}

TEST(a_range_of_one_partition)
{
	struct value p = { .tag = ITEM_S, .body = BYTES_LIT("p") }, x = { .tag = ITEM_S, .body = BYTES_LIT("x") };
	struct buf from = { 0 }, to = { 0 };
	struct msg_scan ask = OF(1);
	unsigned pages;

	start_filled(4);                         /* a: z y x w */
	key_begin(&from, w.hasher, p);
	buf_u8(&from, KEY_LOCAL | 1);
	CHECK(key_after(&to, buf_view(&from)));
	ask.from = buf_view(&from);
	ask.to = buf_view(&to);
	CHECK_STR(walk(ask, &pages), "p.d p.c p.b p.a");
	key_add(&from, x);
	ask.from = buf_view(&from);
	CHECK_STR(walk(ask, &pages), "p.c p.b p.a");
	ask = BACK(1);
	ask.to = buf_view(&from);
	ask.from = buf_view(&to);
	CHECK_STR(walk(ask, &pages), "p.a p.b p.c");
	buf_fini(&from);
	buf_fini(&to);
	stop();
}

static struct bytes program(const char *text, bool filter, struct buf *b)
{
	struct expr_subst subst = { 0 };
	struct buf err = { 0 };

	assert(expr_subst_seal(&subst, &err));
	buf_clear(b);
	assert(filter ? expr_compile_filter(bytes_str(text), &subst, NULL, b, &err) :
			expr_compile_projection(bytes_str(text), &subst, b, &err));
	expr_subst_fini(&subst);
	buf_fini(&err);
	return buf_view(b);
}

TEST(what_an_index_does_not_project_is_fetched)
{
	struct buf filter = { 0 }, projection = { 0 };
	struct msg_scan ask = OF(2);
	struct msg_page m;
	struct value v;
	struct bytes raw, items;

	start(1);
	CHECK_INT(set_indexes(1, 1, LOCALS), RESULT_OK);
	put("{'pk':'p','sk':'a','n':2,'w':1}");
	put("{'pk':'p','sk':'b','n':1,'a':'x'}");
	m = page(ask);
	CHECK_INT(m.count, 2);
	CHECK_INT(m.fetched_units, 0);
	for (items = m.items; msg_list_next(&items, &raw);)
		CHECK(!item_get(raw, BYTES_LIT("w"), &v) && !item_get(raw, BYTES_LIT("a"), &v) && item_get(raw, BYTES_LIT("n"), &v));
	ask.filter = program("attribute_exists(w)", true, &filter);
	CHECK_INT(page(ask).count, 0);
	ask.fetch = 1;
	ask.projection = program("w, sk", false, &projection);
	m = page(ask);
	CHECK_INT(m.scanned, 2);
	CHECK_INT(m.count, 1);
	CHECK_INT(m.fetched_units, 2);
	CHECK_INT(m.read_bytes, 2 * 9);
	items = m.items;
	CHECK(msg_list_next(&items, &raw) && item_count(raw) == 2 && item_get(raw, BYTES_LIT("w"), &v));
	CHECK_INT(items.n, 0);
	ask.count_only = 1;
	m = page(ask);
	CHECK(m.count == 1 && m.items.n == 0 && m.fetched_units == 2);
	buf_fini(&filter);
	buf_fini(&projection);
	stop();
}

TEST(what_is_no_local_index_has_no_rows)
{
	struct msg_scan ask = OF(1);

	start(1);
	put("{'pk':'p','sk':'a','a':'x'}");
	CHECK_INT(page(ask).result, RESULT_OK);
	CHECK_INT(page(ask).scanned, 0);
	ask.fetch = 1;
	CHECK_INT(page(ask).scanned, 0);
	CHECK_INT(set_indexes(1, 1, ALL_THREE), RESULT_OK);
	CHECK_INT(page(OF(3)).scanned, 0);
	CHECK_INT(page(OF(129)).scanned, 0);
	ask.index = 0;
	CHECK_INT(page(ask).result, RESULT_INTERNAL);
	stop();
}

TEST(followers_show_what_they_know)
{
	struct msg_scan ask = { .index = 2, .fetch = 1 };
	struct peer *follower;

	start(3);
	CHECK_INT(leader()->id, 1);
	CHECK_INT(set_indexes(1, 1, LOCALS), RESULT_OK);
	put("{'pk':'p','sk':'a','n':2,'w':1}");
	run(1000000);
	follower = up(2);
	CHECK_INT(page_at(follower, &ask).count, 1);
	CHECK_INT(page_at(follower, &ask).fetched_units, 1);
	ask.consistent = 1;
	CHECK_INT(page_at(follower, &ask).result, RESULT_NOT_LEADER);
	stop();
}

/* One item in 1000 is in the index, so others get their turn between two of them. */
TEST(a_page_of_a_sparse_index_pauses)
{
	char text[64];

	start(1);
	CHECK_INT(set_indexes(1, 1, LOCALS), RESULT_OK);
	for (unsigned i = 0; i < 9000; i++) {
		snprintf(text, sizeof text, "{'pk':'%u','sk':'s'%s}", i, i % 1000 == 7 ? ",'a':'x'" : "");
		put(text);
	}
	for (int reverse = 0; reverse < 2; reverse++) {
		struct buf from = { 0 };
		struct msg_scan ask = { .consistent = 1, .index = 1, .reverse = reverse > 0 };
		unsigned found = 0, pauses = 0;
		bool more = true;

		for (; more; pauses += more) {
			struct msg_page m = page(ask);

			CHECK_INT(m.more, 0);
			found += m.count;
			more = m.paused.n > 0;
			buf_clear(&from);
			buf_bytes(&from, m.paused);
			ask.from = buf_view(&from);
			ask.from_exclusive = 1;
		}
		CHECK_INT(found, 9);
		CHECK_INT(pauses, 2);
		buf_fini(&from);
	}
	CHECK_INT(page(OF(0)).paused.n, 0);
	stop();
}

/* The group's own rows lie anywhere among items, for these begin with hashes. */
TEST(a_groups_own_rows_are_never_shown)
{
	struct own_key own[] = { own_indexes(), own_outbox(1), own_fill(1), own_source(1) };
	struct peer *p;
	struct change c;
	uint64_t slot;

	start(1);
	put("{'pk':'p','sk':'a'}");
	p = leader();
	change_begin(&c, p->n, node_find(p->n, G));
	for (size_t i = 1; i < sizeof own / sizeof *own; i++)
		change_row(&c, own_view(&own[i]), BYTES_LIT("x"));
	CHECK_INT(change_propose(&c, 0, &slot), PX_OK);
	change_fini(&c);
	turn(p);
	CHECK_INT(set_indexes(1, 1, LOCALS), RESULT_OK);
	CHECK_INT(page(OF(0)).scanned, 1);
	CHECK_INT(page(BACK(0)).scanned, 1);
	CHECK_INT(page(OF(1)).scanned, 0);
	CHECK_INT(state_of(p).rows, 1);
	stop();
}

CHECK_MAIN(
	X(items_are_shown_without_the_rows_of_indexes) X(an_index_is_shown_in_its_order_and_nothing_else)
	X(pages_go_on_where_they_stopped) X(a_page_ends_at_its_bytes) X(a_range_of_one_partition)
	X(what_an_index_does_not_project_is_fetched) X(what_is_no_local_index_has_no_rows) X(followers_show_what_they_know)
	X(a_groups_own_rows_are_never_shown) X(a_page_of_a_sparse_index_pauses))
