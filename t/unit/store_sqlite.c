/* store_sqlite: rows, meta, cursors, snapshots, installation, and files it did not write. */
#include "store_sqlite.h"

#include <sqlite3.h>
#include <stdlib.h>

#include "key.h"
#include "store_bench.h"

TEST(a_fresh_store_is_empty)
{
	struct bench b;
	struct store_meta m;

	start(&b);
	CHECK_INT(b.store.ops->meta(b.store.ctx, G, &m), 0);
	CHECK_INT(m.applied, 0);
	CHECK_STR(get(&b, G, "a"), "-");
	CHECK_STR(walk(&b, "", false), "");
	CHECK(b.store.ops->snapshot(b.store.ctx, G, &m) == NULL);
	b.store.ops->checkpoint(b.store.ctx, G);
	WAIT(&b, b.checkpointed == 1);
	CHECK_INT(b.checkpointed_slot, 0);
	CHECK_INT(files(&b, ""), 0);
	stop(&b);
}

TEST(rows_and_meta_stand_together)
{
	struct bench b;
	struct store_batch *t;
	struct store_meta m;

	start(&b);
	t = batch(G, 5);
	put_row(t, "a", "one");
	put_row(t, "b", "two");
	put_row(t, "c", NULL);
	apply(&b, t);
	WAIT(&b, b.applied == 1);
	CHECK_INT(b.slot, 5);
	CHECK_INT(b.queued, 0);
	CHECK_STR(get(&b, G, "a"), "one");
	CHECK_STR(get(&b, G, "c"), "-");
	CHECK_STR(get(&b, G + 1, "a"), "-");
	m = meta_of(&b, G);
	CHECK_INT(m.rows, 2);
	CHECK_INT(m.bytes, 8);                  /* two of a name of 1 and a value of 3 */
	t = batch(G, 6);
	put_row(t, "a", "longer");
	put_row(t, "b", NULL);
	put_row(t, "d", "four");
	apply(&b, t);
	WAIT(&b, b.applied == 2);
	m = meta_of(&b, G);
	CHECK_INT(m.rows, 2);
	CHECK_INT(m.bytes, 12);
	CHECK_STR(walk(&b, "", false), "a=longer d=four");

	CHECK(reopen(&b));
	CHECK_INT(b.store.ops->meta(b.store.ctx, G, &m), 1);
	CHECK_INT(m.applied, 6);
	CHECK_INT(m.clock, 60);
	CHECK_INT(m.deleted_clock, 3);
	CHECK_INT(m.rows, 2);
	CHECK_INT(m.bytes, 12);
	CHECK_INT(m.hash.b[15], 6);
	CHECK_INT(m.config_bytes, 2);
	CHECK_INT(m.config[1], 9);
	CHECK_INT(m.config_slot, 1);
	CHECK_STR(walk(&b, "", false), "a=longer d=four");
	apply_one(&b, G, 7, "e", "five");
	WAIT(&b, b.applied == 1);
	CHECK_INT(b.rows, 3);
	stop(&b);
}

TEST(cursors_walk_both_ways)
{
	struct bench b;
	struct store_batch *t = batch(G, 1);
	struct store_cursor *one, *two;
	struct bytes key, row;

	start(&b);
	put_row(t, "b", "1");
	put_row(t, "bb", "2");
	put_row(t, "d", "3");
	apply(&b, t);
	WAIT(&b, b.applied == 1);
	CHECK_STR(walk(&b, "", false), "b=1 bb=2 d=3");
	CHECK_STR(walk(&b, "", true), "d=3 bb=2 b=1");
	CHECK_STR(walk(&b, "ba", false), "bb=2 d=3");
	CHECK_STR(walk(&b, "c", true), "bb=2 b=1");
	CHECK_STR(walk(&b, "bb", true), "bb=2 b=1");
	CHECK_STR(walk(&b, "e", false), "");
	CHECK_STR(walk(&b, "a", true), "");

	one = b.store.ops->seek(b.store.ctx, G, BYTES_NONE, false);
	CHECK(b.store.ops->next(one, &key, &row));
	two = b.store.ops->seek(b.store.ctx, G, BYTES_NONE, false);
	CHECK_STR(get(&b, G, "d"), "3");
	CHECK_STR(keys_of(&b, two), "b=1 bb=2 d=3");
	CHECK_STR(keys_of(&b, one), "bb=2 d=3");
	CHECK_STR(walk(&b, "", false), "b=1 bb=2 d=3");
	stop(&b);
}

TEST(a_snapshot_stays_as_it_was)
{
	struct bench b;
	struct store_cursor *c;
	struct store_meta m;

	start(&b);
	apply_one(&b, G, 1, "a", "old");
	WAIT(&b, b.applied == 1);
	c = b.store.ops->snapshot(b.store.ctx, G, &m);
	apply_one(&b, G, 2, "a", "new");
	apply_one(&b, G, 3, "b", "new");
	WAIT(&b, b.applied == 3);
	CHECK_STR(walk(&b, "", false), "a=new b=new");
	CHECK_INT(m.applied, 1);
	b.store.ops->checkpoint(b.store.ctx, G);
	apply_one(&b, H, 1, "x", "y");           /* behind the checkpoint in the queue: it has been tried by then */
	WAIT(&b, b.applied == 4);
	CHECK_INT(b.checkpointed, 0);
	CHECK_STR(keys_of(&b, c), "a=old");
	WAIT(&b, b.checkpointed == 1);
	CHECK_INT(b.checkpointed_slot, 3);
	stop(&b);
}

TEST(a_long_log_is_checkpointed_unasked)
{
	struct bench b;
	char key[32];

	start_with(&b, &(struct store_sqlite_options){ .wal_bytes = 256 << 10 });
	for (uint64_t slot = 1; slot <= 200 && b.checkpointed == 0; slot++) {
		snprintf(key, sizeof key, "key%03d", (int)slot);
		apply_one(&b, G, slot, key, "value");
		WAIT(&b, b.applied == slot);
		store_sqlite_poll(b.s);
	}
	WAIT(&b, b.checkpointed >= 1);
	CHECK(b.checkpointed_slot > 3);
	stop(&b);
}

TEST(an_installation_replaces_all)
{
	struct bench b;
	struct store_cursor *c, *snap;
	struct bytes key, row;
	struct store_meta m;

	start(&b);
	apply_one(&b, G, 1, "a", "old");
	WAIT(&b, b.applied == 1);
	c = b.store.ops->seek(b.store.ctx, G, BYTES_NONE, false);
	snap = b.store.ops->snapshot(b.store.ctx, G, &m);
	install(&b, "z", "new", 40);
	apply_one(&b, G, 41, "y", "later");
	WAIT(&b, b.applied == 2);
	CHECK_INT(b.installed_slot, 40);
	CHECK(b.store.ops->next(c, &key, &row));
	CHECK(bytes_is(key, "a"));
	b.store.ops->close(c);
	CHECK_STR(keys_of(&b, snap), "a=old");
	CHECK_STR(walk(&b, "", false), "y=later z=new");
	m = meta_of(&b, G);
	CHECK_INT(m.applied, 41);
	CHECK_INT(m.rows, 2);
	CHECK_INT(m.bytes, 1 + 3 + 1 + 5);
	CHECK(reopen(&b));
	CHECK_INT(files(&b, ".db"), 1);
	CHECK_STR(walk(&b, "", false), "y=later z=new");
	stop(&b);
}

TEST(an_installation_can_be_the_first_content)
{
	struct bench b;

	start(&b);
	install(&b, "z", "new", 40);
	WAIT(&b, b.installed == 1);
	CHECK_INT(b.rows, 1);
	CHECK_STR(walk(&b, "", false), "z=new");
	stop(&b);
}

TEST(an_installation_given_up_leaves_nothing)
{
	struct bench b;
	struct store_batch *t;

	start(&b);
	apply_one(&b, G, 1, "a", "old");
	t = batch(G, 0);
	put_row(t, "z", "new");
	b.store.ops->install_begin(b.store.ctx, G);
	b.store.ops->install_rows(b.store.ctx, ready(t));
	b.store.ops->install_abort(b.store.ctx, G);
	apply_one(&b, G, 2, "b", "old");
	WAIT(&b, b.applied == 2);
	CHECK_INT(files(&b, ".new"), 0);
	CHECK_INT(b.installed, 0);
	CHECK_STR(walk(&b, "", false), "a=old b=old");
	b.store.ops->install_begin(b.store.ctx, G);
	CHECK(reopen(&b));                       /* closed in the middle of one */
	CHECK_INT(files(&b, ".new"), 0);
	CHECK_STR(walk(&b, "", false), "a=old b=old");
	stop(&b);
}

TEST(a_dropped_store_is_gone_at_once)
{
	struct bench b;
	struct store_meta m;

	start(&b);
	apply_one(&b, G, 1, "a", "old");
	WAIT(&b, b.applied == 1);
	CHECK_STR(get(&b, G, "a"), "old");
	apply_one(&b, G, 2, "b", "old");         /* not reported: dropped before */
	b.store.ops->drop(b.store.ctx, G);
	CHECK_STR(get(&b, G, "a"), "-");
	CHECK_INT(b.store.ops->meta(b.store.ctx, G, &m), 0);
	apply_one(&b, H, 1, "x", "y");
	WAIT(&b, b.applied == 2);
	CHECK_INT(b.slot, 1);
	CHECK_INT(files(&b, ".db"), 1);
	apply_one(&b, G, 1, "c", "again");
	WAIT(&b, b.applied == 3);
	CHECK_STR(walk(&b, "", false), "c=again");
	CHECK_INT(meta_of(&b, G).rows, 1);
	stop(&b);
}

TEST(more_stores_than_may_be_open)
{
	struct bench b;
	char value[16];

	start_with(&b, &(struct store_sqlite_options){ .open_max = 3 });
	for (uint64_t g = 1; g <= 10; g++) {
		snprintf(value, sizeof value, "v%d", (int)g);
		apply_one(&b, g, 1, "k", value);
	}
	WAIT(&b, b.applied == 10);
	for (int round = 0; round < 2; round++)
		for (uint64_t g = 1; g <= 10; g++) {
			snprintf(value, sizeof value, "v%d", (int)g);
			CHECK_STR(get(&b, g, "k"), value);
		}
	for (uint64_t g = 1; g <= 10; g++)
		apply_one(&b, g, 2, "l", "w");
	WAIT(&b, b.applied == 20);
	for (uint64_t g = 1; g <= 10; g++)
		CHECK_INT(meta_of(&b, g).rows, 2);
	CHECK(reopen(&b));
	for (uint64_t g = 1; g <= 10; g++)
		CHECK_STR(get(&b, g, "l"), "w");
	stop(&b);
}

static void set_pragma(struct bench *b, const char *text)
{
	char path[512];
	sqlite3 *db;

	store_sqlite_close(b->s);
	b->s = NULL;
	file_name(b, ".db", path, sizeof path);
	CHECK_INT(sqlite3_open(path, &db), SQLITE_OK);
	CHECK_INT(sqlite3_exec(db, text, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

static void add_key(void *arg, struct bytes key, struct bytes row)
{
	char *text = arg;

	snprintf(text + strlen(text), 64 - strlen(text), "%s%.*s", *text != '\0' ? " " : "", (int)key.n, (const char *)key.p);
	CHECK(store_row_worth(key, row).locked);
}

static const char *locks(struct bench *b, uint64_t group)
{
	static char text[64];

	*text = '\0';
	b->store.ops->locks(b->store.ctx, group, add_key, text);
	return text;
}

TEST(locked_keys_are_known_and_no_items)
{
	struct bench b;
	struct store_batch *t;
	struct store_meta m;

	start(&b);
	CHECK_STR(locks(&b, G), "");
	t = batch(G, 1);
	put_row(t, "a", "one");
	put_locked(t, "b", "two", true);
	put_locked(t, "c", "", false);
	put_row(t, "d", "four");
	apply(&b, t);
	WAIT(&b, b.applied == 1);
	CHECK_STR(locks(&b, G), "b c");
	m = meta_of(&b, G);
	CHECK_INT(m.rows, 3);
	CHECK_INT(m.bytes, 4 + 4 + 5);
	CHECK(reopen(&b));
	CHECK_STR(locks(&b, G), "b c");
	t = batch(G, 2);
	put_locked(t, "a", "one", true);
	put_row(t, "b", "new");
	put_row(t, "c", NULL);
	put_row(t, "e", NULL);
	apply(&b, t);
	WAIT(&b, b.applied == 1);
	CHECK_STR(locks(&b, G), "a");
	m = meta_of(&b, G);
	CHECK_INT(m.rows, 3);
	CHECK_INT(m.bytes, 4 + 4 + 5);
	apply_one(&b, G, 3, "a", "one");
	WAIT(&b, b.applied == 2);
	CHECK_STR(locks(&b, G), "");
	b.store.ops->install_begin(b.store.ctx, G);
	t = batch(G, 0);
	put_row(t, "x", "y");
	put_locked(t, "z", "", false);
	b.store.ops->install_rows(b.store.ctx, ready(t));
	b.store.ops->install_end(b.store.ctx, G, &(struct store_meta){ .applied = 9 });
	WAIT(&b, b.installed == 1);
	CHECK_STR(locks(&b, G), "z");
	CHECK_INT(meta_of(&b, G).rows, 1);
	stop(&b);
}

TEST(a_store_from_before_locks_gets_them)
{
	struct bench b;

	start(&b);
	apply_one(&b, G, 1, "a", "b");
	WAIT(&b, b.applied == 1);
	set_pragma(&b, "DROP TABLE locks; ALTER TABLE meta DROP COLUMN locals; PRAGMA user_version = 1");
	CHECK(reopen(&b));
	CHECK_STR(locks(&b, G), "");
	put_locked_one(&b, G, 2, "l");
	WAIT(&b, b.applied == 1);
	CHECK(reopen(&b));
	CHECK_STR(locks(&b, G), "l");
	CHECK_STR(get(&b, G, "a"), "b");
	stop(&b);
}

/* A key of an item, or of its row in a local index. */
static struct bytes local_key(unsigned local)
{
	static struct buf k;
	struct key_hasher *h = key_hasher_new();
	struct value v = { .tag = ITEM_S, .body = BYTES_LIT("p") };

	buf_clear(&k);
	key_begin(&k, h, v);
	if (local > 0)
		buf_u8(&k, (uint8_t)(KEY_LOCAL | local));
	key_add(&k, v);
	key_hasher_free(h);
	return buf_view(&k);
}

static void put_local(struct store_batch *t, unsigned local, const char *value)
{
	put_keyed(t, local_key(local), value, BYTES_NONE);
}

static void check_local(const struct store_meta *m, size_t i, uint32_t index, uint64_t rows, uint64_t bytes)
{
	CHECK_INT(m->local[i].index, index);
	CHECK_INT(m->local[i].rows, rows);
	CHECK_INT(m->local[i].bytes, bytes);
}

TEST(rows_of_local_indexes_are_counted_for_themselves)
{
	struct bench b;
	struct store_batch *t = batch(G, 1);
	struct store_meta m;

	start(&b);
	put_keyed(t, BYTES_LIT("\0i"), "own", BYTES_NONE);
	put_local(t, 0, "item");
	put_local(t, 2, "two");
	put_local(t, 7, "seven");
	apply(&b, t);
	WAIT(&b, b.applied == 1);
	m = meta_of(&b, G);
	CHECK_INT(m.rows, 1);
	CHECK_INT(m.bytes, 1 + 4);
	check_local(&m, 0, 2, 1, 1 + 3);
	check_local(&m, 1, 7, 1, 1 + 5);
	check_local(&m, 2, 0, 0, 0);
	t = batch(G, 2);
	put_local(t, 2, "longer");
	put_local(t, 7, NULL);
	apply(&b, t);
	WAIT(&b, b.applied == 2);
	CHECK(reopen(&b));
	m = meta_of(&b, G);
	CHECK_INT(m.rows, 1);
	check_local(&m, 0, 2, 1, 1 + 6);
	check_local(&m, 1, 7, 0, 0);
	b.store.ops->install_begin(b.store.ctx, G);
	t = batch(G, 0);
	put_local(t, 1, "x");
	b.store.ops->install_rows(b.store.ctx, ready(t));
	b.store.ops->install_end(b.store.ctx, G, &(struct store_meta){ .applied = 9 });
	WAIT(&b, b.installed == 1);
	m = meta_of(&b, G);
	CHECK_INT(m.rows, 0);
	check_local(&m, 0, 1, 1, 1 + 1);
	check_local(&m, 1, 0, 0, 0);
	stop(&b);
}

TEST(a_store_from_before_local_indexes_counts_them)
{
	struct bench b;
	struct store_batch *t;
	struct store_meta m;

	start(&b);
	apply_one(&b, G, 1, "a", "b");
	WAIT(&b, b.applied == 1);
	set_pragma(&b, "ALTER TABLE meta DROP COLUMN locals; PRAGMA user_version = 2");
	CHECK(reopen(&b));
	CHECK_INT(meta_of(&b, G).rows, 1);
	t = batch(G, 2);
	put_local(t, 3, "three");
	apply(&b, t);
	WAIT(&b, b.applied == 1);
	CHECK(reopen(&b));
	m = meta_of(&b, G);
	check_local(&m, 0, 3, 1, 1 + 5);
	CHECK_STR(get(&b, G, "a"), "b");
	stop(&b);
}

TEST(other_formats_are_refused)
{
	struct bench b;
	char path[512];
	FILE *f;

	start(&b);
	apply_one(&b, G, 1, "a", "b");
	WAIT(&b, b.applied == 1);
	set_pragma(&b, "PRAGMA user_version = 4");
	CHECK(!reopen(&b));
	set_pragma(&b, "PRAGMA user_version = 3");
	CHECK(reopen(&b));
	set_pragma(&b, "PRAGMA application_id = 1");
	CHECK(!reopen(&b));
	file_name(&b, ".db", path, sizeof path);
	f = fopen(path, "r+");
	fputs("not a database", f);
	fclose(f);
	CHECK(!reopen(&b));
	stop(&b);
}

CHECK_MAIN(
	X(a_fresh_store_is_empty) X(rows_and_meta_stand_together) X(cursors_walk_both_ways)
	X(a_snapshot_stays_as_it_was) X(a_long_log_is_checkpointed_unasked) X(an_installation_replaces_all)
	X(an_installation_can_be_the_first_content) X(an_installation_given_up_leaves_nothing)
	X(a_dropped_store_is_gone_at_once) X(more_stores_than_may_be_open) X(other_formats_are_refused)
	X(locked_keys_are_known_and_no_items) X(a_store_from_before_locks_gets_them)
	X(rows_of_local_indexes_are_counted_for_themselves) X(a_store_from_before_local_indexes_counts_them))
