/* store_sqlite: what crashes and errors leave.  They happen in a child, which the parent waits for. */
#include "store_sqlite.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fault.h"
#include "store_bench.h"

struct shared {
	volatile uint64_t applied, checkpointed;
};

static void overwrite(struct bench *b, uint64_t slot)
{
	struct store_batch *t = batch(G, slot);
	char key[32], value[32];

	/* Ten keys of each slot, some of which delete those of an earlier one. */
	snprintf(value, sizeof value, "%d", (int)slot);
	for (int i = 0; i < 10; i++) {
		snprintf(key, sizeof key, "k%03d", (int)(slot * 7 % 50) * 10 + i);
		put_row(t, key, slot % 3 == 0 && i % 2 == 0 ? NULL : value);
	}
	apply(b, t);
}

static void crash_child(struct bench *b, struct shared *m)
{
	uint64_t slot = meta_of(b, G).applied;

	for (;;) {
		for (int i = 0; i < 5; i++)
			overwrite(b, ++slot);
		if (slot % 35 == 0)
			b->store.ops->checkpoint(b->store.ctx, G);
		WAIT(b, b->slot == slot);
		m->applied = b->slot;
		m->checkpointed = b->checkpointed_slot;
	}
}

/* Counts what is there by looking. */
static void check_counts(struct bench *b)
{
	struct store_meta m = meta_of(b, G), pinned;
	struct store_cursor *c = b->store.ops->snapshot(b->store.ctx, G, &pinned);
	uint64_t rows = 0, bytes = 0, newest = 0;
	struct bytes key, row;

	while (c != NULL && b->store.ops->next(c, &key, &row)) {
		struct cur cur = cur_of(row);
		struct item_head h;

		CHECK(item_head_get(&cur, &h));
		newest = h.slot > newest ? h.slot : newest;
		rows++;
		bytes += store_row_worth(key, row).bytes;
	}
	b->store.ops->close(c);
	CHECK_INT(m.rows, rows);
	CHECK_INT(m.bytes, bytes);
	CHECK_INT(m.applied, pinned.applied);
	CHECK_INT(newest, m.applied);            /* every slot leaves at least one row */
	CHECK_INT(m.hash.b[0], m.applied & 255);
}

TEST(killed_while_applying)
{
	struct shared *m = mmap(NULL, sizeof *m, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct bench b;
	uint64_t before = 0;

	start(&b);
	for (int round = 0; round < 8; round++) {
		pid_t pid;
		int status;

		store_sqlite_close(b.s);
		b.s = NULL;
		pid = fork();
		if (pid == 0) {
			if (!reopen_with(&b, &(struct store_sqlite_options){ .wal_bytes = 128 << 10 }))
				_exit(1);
			crash_child(&b, m);
		}
		while (m->applied < before + 60 + (uint64_t)round * 13)
			usleep(500);
		kill(pid, SIGKILL);
		CHECK_INT(waitpid(pid, &status, 0), pid);
		CHECK(WIFSIGNALED(status));
		CHECK(reopen(&b));
		CHECK(meta_of(&b, G).applied >= m->applied);
		before = meta_of(&b, G).applied;
		check_counts(&b);
		CHECK_INT(files(&b, ".new"), 0);
	}
	munmap(m, sizeof *m);
	stop(&b);
}

/* Runs body in a child with a fault armed; returns its exit code, or minus the signal. */
static int with_fault(struct bench *b, const char *fault, void (*body)(struct bench *b))
{
	int status;
	pid_t pid;

	store_sqlite_close(b->s);
	b->s = NULL;
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		if (fault_arm(fault) != 0 || !reopen(b))
			_exit(1);
		body(b);
		_exit(0);
	}
	waitpid(pid, &status, 0);
	CHECK(reopen(b));
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static void body_apply(struct bench *b)
{
	apply_one(b, G, 2, "b", "new");
	WAIT(b, b->applied == 1);
}

static void body_checkpoint(struct bench *b)
{
	b->store.ops->checkpoint(b->store.ctx, G);
	WAIT(b, b->checkpointed == 1);
}

static void body_install(struct bench *b)
{
	install(b, "z", "new", 40);
	WAIT(b, b->installed == 1);
}

static void body_get(struct bench *b)
{
	get(b, G, "a");
}

static void body_drop(struct bench *b)
{
	b->store.ops->drop(b->store.ctx, G);
	apply_one(b, H, 1, "x", "y");
	WAIT(b, b->applied == 1);
}

TEST(errors_end_the_process)
{
	struct bench b;

	start(&b);
	apply_one(&b, G, 1, "a", "old");
	WAIT(&b, b.applied == 1);
	CHECK_INT(with_fault(&b, "store.commit:ENOSPC:1", body_apply), 9);
	CHECK_STR(walk(&b, "", false), "a=old");
	CHECK_INT(with_fault(&b, "store.checkpoint:EIO:1", body_checkpoint), 9);
	CHECK_INT(with_fault(&b, "store.publish:EIO:1", body_install), 9);
	CHECK_STR(walk(&b, "", false), "a=old");
	CHECK_INT(with_fault(&b, "store.read:EIO:1", body_get), 9);
	CHECK_INT(with_fault(&b, "", body_apply), 0);
	CHECK_STR(walk(&b, "", false), "a=old b=new");
	stop(&b);
}

static void body_full_disk(struct bench *b)
{
	struct rlimit most = { 256 << 10, 256 << 10 };

	signal(SIGXFSZ, SIG_IGN);
	setrlimit(RLIMIT_FSIZE, &most);
	for (uint64_t slot = 2; slot < 1000; slot++) {
		overwrite(b, slot);
		WAIT(b, b->slot == slot);
	}
}

TEST(a_full_disk_ends_the_process_and_harms_nothing)
{
	struct bench b;

	start(&b);
	overwrite(&b, 1);
	WAIT(&b, b.applied == 1);
	CHECK_INT(with_fault(&b, "", body_full_disk), 9);
	CHECK(meta_of(&b, G).applied > 1);
	check_counts(&b);
	stop(&b);
}

static void body_read_all(struct bench *b)
{
	for (uint64_t slot = 1; slot <= 50; slot++) {
		char key[32];

		snprintf(key, sizeof key, "k%03d", (int)slot * 10);
		get(b, G, key);
	}
}

TEST(a_damaged_page_ends_the_process)
{
	struct bench b;
	char path[512], junk[8192];
	FILE *f;

	start(&b);
	for (uint64_t slot = 1; slot <= 50; slot++)
		overwrite(&b, slot);
	b.store.ops->checkpoint(b.store.ctx, G);
	WAIT(&b, b.applied == 50 && b.checkpointed == 1);
	store_sqlite_close(b.s);
	b.s = NULL;
	file_name(&b, ".db", path, sizeof path);
	memset(junk, 0xa5, sizeof junk);
	f = fopen(path, "r+");
	fseek(f, 8192, SEEK_SET);                /* the root of kv; the schema and meta are in other pages */
	CHECK_INT(fwrite(junk, sizeof junk, 1, f), 1);
	fclose(f);
	file_name(&b, ".db-wal", path, sizeof path);
	unlink(path);
	CHECK_INT(with_fault(&b, "", body_read_all), 9);
	stop(&b);
}

TEST(killed_while_installing_or_dropping)
{
	struct bench b;

	start(&b);
	apply_one(&b, G, 1, "a", "old");
	WAIT(&b, b.applied == 1);
	CHECK_INT(with_fault(&b, "store.publish:kill:1", body_install), -SIGKILL);
	CHECK_INT(files(&b, ".new"), 0);
	CHECK_STR(walk(&b, "", false), "a=old");
	/* After the rename: old and new are both there, and the new one counts. */
	CHECK_INT(with_fault(&b, "store.dirsync:kill:1", body_install), -SIGKILL);
	CHECK_INT(files(&b, ".db"), 1);
	CHECK_STR(walk(&b, "", false), "z=new");
	CHECK_INT(with_fault(&b, "store.dirsync:kill:1", body_drop), -SIGKILL);
	CHECK_INT(files(&b, ".drop") + files(&b, ".db"), 0);
	CHECK_STR(walk(&b, "", false), "");
	stop(&b);
}

TEST(an_unwritable_directory_is_said)
{
	struct store_sqlite_options o = { .dir = "/proc/nowhere/store", .notify = notify, .failed = end };

	CHECK(store_sqlite_open(&o) == NULL);
	o.dir = "/dev/null";
	CHECK(store_sqlite_open(&o) == NULL);
}

CHECK_MAIN(
	X(killed_while_applying) X(errors_end_the_process) X(a_full_disk_ends_the_process_and_harms_nothing)
	X(a_damaged_page_ends_the_process) X(killed_while_installing_or_dropping)
	X(an_unwritable_directory_is_said))
