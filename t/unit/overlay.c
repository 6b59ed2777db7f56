/* overlay: versions, order, dropping from both ends, and its speed. */
#include "overlay.h"

#include <stdlib.h>
#include <time.h>

#include "check.h"

static void put(struct overlay *o, const char *key, uint64_t slot, const char *image)
{
	overlay_put(o, bytes_str(key), &(struct overlay_version){ .slot = slot, .timestamp = slot * 10, .deleted = image == NULL,
		.image = image != NULL ? bytes_str(image) : BYTES_NONE });
}

static bool shows(struct overlay *o, const char *key, uint64_t upto, const char *image)
{
	struct overlay_version v;

	if (!overlay_get(o, bytes_str(key), upto, &v))
		return false;
	return v.timestamp == v.slot * 10 && v.deleted == (image == NULL) && (image == NULL || bytes_is(v.image, image));
}

static bool absent(struct overlay *o, const char *key, uint64_t upto)
{
	struct overlay_version v;

	return !overlay_get(o, bytes_str(key), upto, &v);
}

/* The keys a cursor shows, joined by spaces; a tombstone gets a minus sign. */
static const char *walk(struct overlay *o, const char *from, bool reverse, uint64_t upto)
{
	static char text[256];
	struct overlay_cursor c;
	struct overlay_version v;
	struct bytes key;

	text[0] = '\0';
	overlay_seek(o, bytes_str(from), reverse, upto, &c);
	while (overlay_next(&c, &key, &v))
		sprintf(text + strlen(text), "%s%s%.*s", text[0] ? " " : "", v.deleted ? "-" : "", (int)key.n, (const char *)key.p);
	return text;
}

TEST(newest_version_at_or_below_a_slot)
{
	struct overlay *o = overlay_new();

	CHECK(absent(o, "a", OVERLAY_NEWEST));
	put(o, "a", 5, "five");
	put(o, "a", 7, NULL);
	put(o, "a", 9, "nine");
	CHECK(absent(o, "a", 4));
	CHECK(shows(o, "a", 5, "five"));
	CHECK(shows(o, "a", 6, "five"));
	CHECK(shows(o, "a", 8, NULL));
	CHECK(shows(o, "a", OVERLAY_NEWEST, "nine"));
	CHECK(absent(o, "", OVERLAY_NEWEST));
	CHECK(absent(o, "aa", OVERLAY_NEWEST));
	overlay_free(o);
}

TEST(same_slot_replaces)
{
	struct overlay *o = overlay_new();

	put(o, "a", 5, "one");
	put(o, "b", 5, "b");
	put(o, "a", 5, "longer than before");
	CHECK_INT(overlay_versions(o), 2);
	CHECK(shows(o, "a", 5, "longer than before"));
	overlay_retract(o, 5);
	CHECK_INT(overlay_versions(o), 0);
	CHECK_INT(overlay_bytes(o), 0);
	overlay_free(o);
}

TEST(applied_drops_the_old_and_retract_the_new)
{
	struct overlay *o = overlay_new();
	size_t before;

	put(o, "a", 1, "a1");
	put(o, "b", 2, "b2");
	put(o, "a", 3, "a3");
	before = overlay_bytes(o);
	put(o, "c", 4, "c4");
	put(o, "a", 4, "a4");
	overlay_retract(o, 4);
	CHECK_INT(overlay_bytes(o), before);
	CHECK(shows(o, "a", OVERLAY_NEWEST, "a3"));
	CHECK(absent(o, "c", OVERLAY_NEWEST));
	overlay_applied(o, 1);
	CHECK(absent(o, "a", 2));
	CHECK(shows(o, "a", 3, "a3"));
	CHECK_INT(overlay_versions(o), 2);
	overlay_applied(o, 3);
	CHECK_INT(overlay_versions(o), 0);
	CHECK_INT(overlay_bytes(o), 0);
	overlay_free(o);
}

TEST(slots_out_of_order_between_keys)
{
	struct overlay *o = overlay_new();

	put(o, "a", 9, "a");
	put(o, "b", 3, "b");
	put(o, "c", 6, "c");
	overlay_applied(o, 3);
	CHECK(absent(o, "b", OVERLAY_NEWEST));
	CHECK(shows(o, "c", OVERLAY_NEWEST, "c"));
	overlay_retract(o, 7);
	CHECK(absent(o, "a", OVERLAY_NEWEST));
	CHECK_INT(overlay_versions(o), 1);
	overlay_free(o);
}

TEST(cursor_walks_both_ways)
{
	struct overlay *o = overlay_new();

	CHECK_STR(walk(o, "", false, OVERLAY_NEWEST), "");
	put(o, "d", 1, "d");
	put(o, "b", 2, NULL);
	put(o, "f", 3, "f");
	put(o, "bb", 4, "bb");
	CHECK_STR(walk(o, "", false, OVERLAY_NEWEST), "-b bb d f");
	CHECK_STR(walk(o, "", true, OVERLAY_NEWEST), "f d bb -b");
	CHECK_STR(walk(o, "b", false, OVERLAY_NEWEST), "-b bb d f");
	CHECK_STR(walk(o, "ba", false, OVERLAY_NEWEST), "bb d f");
	CHECK_STR(walk(o, "e", true, OVERLAY_NEWEST), "d bb -b");
	CHECK_STR(walk(o, "d", true, OVERLAY_NEWEST), "d bb -b");
	CHECK_STR(walk(o, "a", true, OVERLAY_NEWEST), "");
	CHECK_STR(walk(o, "g", false, OVERLAY_NEWEST), "");
	CHECK_STR(walk(o, "", false, 2), "-b d");
	overlay_free(o);
}

TEST(keys_that_share_their_first_bytes)
{
	struct overlay *o = overlay_new();
	char key[32];

	for (int i = 0; i < 500; i++) {
		snprintf(key, sizeof key, "0123456789abcdef%03d", i * 7 % 500);
		put(o, key, (uint64_t)i + 1, key);
	}
	for (int i = 0; i < 500; i++) {
		snprintf(key, sizeof key, "0123456789abcdef%03d", i);
		CHECK(shows(o, key, OVERLAY_NEWEST, key));
	}
	overlay_applied(o, 499);
	CHECK_STR(walk(o, "", false, OVERLAY_NEWEST), "0123456789abcdef493");
	overlay_free(o);
}

/* Not a claim about time, which a loaded machine would break: it prints what it saw. */
TEST(speed)
{
	enum { N = 200000, WINDOW = 4000 };
	struct overlay *o = overlay_new();
	struct overlay_version v;
	struct timespec a, b;
	uint8_t key[32] = { 0 }, image[1024] = { 0 };
	uint64_t x = 1, found = 0;

	clock_gettime(CLOCK_MONOTONIC, &a);
	for (uint64_t slot = 1; slot <= N; slot++) {
		x = x * 6364136223846793005 + 1442695040888963407;
		store_u64(key, x);
		overlay_put(o, (struct bytes){ key, sizeof key }, &(struct overlay_version){ .slot = slot, .timestamp = slot,
			.image = { image, sizeof image } });
		found += overlay_get(o, (struct bytes){ key, sizeof key }, OVERLAY_NEWEST, &v);
		if (slot > WINDOW)
			overlay_applied(o, slot - WINDOW);
	}
	clock_gettime(CLOCK_MONOTONIC, &b);
	CHECK_INT(found, N);
	CHECK_INT(overlay_versions(o), WINDOW);
	printf("# put + get + applied of 1 KB with %d versions: %.0f ns\n", WINDOW,
	       ((double)(b.tv_sec - a.tv_sec) * 1e9 + (double)(b.tv_nsec - a.tv_nsec)) / N);
	overlay_free(o);
}

TEST(a_lock_stays_with_its_version)
{
	struct overlay *o = overlay_new();
	struct overlay_version v;
	size_t held;

	put(o, "k", 1, "old");
	held = overlay_bytes(o);
	overlay_put(o, bytes_str("k"), &(struct overlay_version){ .slot = 2, .image = BYTES_LIT("old"), .lock = BYTES_LIT("mine") });
	CHECK(overlay_bytes(o) > held + 7);
	CHECK(overlay_get(o, bytes_str("k"), OVERLAY_NEWEST, &v) && bytes_is(v.image, "old") && bytes_is(v.lock, "mine"));
	CHECK(overlay_get(o, bytes_str("k"), 1, &v) && bytes_is(v.image, "old") && v.lock.n == 0);
	overlay_put(o, bytes_str("n"), &(struct overlay_version){ .slot = 3, .deleted = true, .lock = BYTES_LIT("mine") });
	CHECK(overlay_get(o, bytes_str("n"), OVERLAY_NEWEST, &v) && v.deleted && v.image.n == 0 && bytes_is(v.lock, "mine"));
	overlay_retract(o, 2);
	CHECK(overlay_bytes(o) == held);
	CHECK(overlay_get(o, bytes_str("k"), OVERLAY_NEWEST, &v) && v.lock.n == 0);
	overlay_free(o);
}

CHECK_MAIN(X(a_lock_stays_with_its_version)
X(newest_version_at_or_below_a_slot) X(same_slot_replaces) X(applied_drops_the_old_and_retract_the_new)
           X(slots_out_of_order_between_keys) X(cursor_walks_both_ways) X(keys_that_share_their_first_bytes) X(speed))
