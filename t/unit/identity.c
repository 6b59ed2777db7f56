/* cmd/ddb-node/identity.c: what a node's directory may look like after a wipe, a crash, a mistake. */
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"
#include "exit.h"
#include "identity.h"
#include "log.h"
#include "mem.h"

static const uint8_t cluster[16] = { 1, 2, 3 }, other[16] = { 9 };
static char home[] = "/tmp/ddb-identity.XXXXXX";

static void write_file(const char *name, const char *text)
{
	char *path = mem_fmt("%s/%s", home, name);
	FILE *f = fopen(path, "w");

	fputs(text, f);
	fclose(f);
	free(path);
}

static void make_dir(const char *name)
{
	char *path = mem_fmt("%s/%s", home, name);

	mkdir(path, 0700);
	free(path);
}

static bool exists(const char *name)
{
	char *path = mem_fmt("%s/%s", home, name);
	bool yes = access(path, F_OK) == 0;

	free(path);
	return yes;
}

/* Node NAME as incarnation 7, with a log, used or not. */
static void make_node(const char *name, bool used, bool with_log)
{
	struct identity id;
	char *path = mem_fmt("node-%s/wal", name), *segment = mem_fmt("node-%s/wal/0001.seg", name);

	CHECK_INT(identity_open(&id, home, name, cluster), 0);
	CHECK_INT(id.incarnation, 0);
	id.number = 3;
	id.incarnation = 7;
	id.used = used;
	CHECK_INT(identity_save(&id), 0);
	identity_close(&id);
	if (with_log) {
		make_dir(path);
		write_file(segment, "log");
	}
	free(path);
	free(segment);
}

static uint32_t incarnation_of(const char *name)
{
	struct identity id;
	uint32_t found;

	CHECK_INT(identity_open(&id, home, name, cluster), 0);
	found = id.incarnation;
	identity_close(&id);
	return found;
}

TEST(what_was_saved_comes_back)
{
	struct identity id;

	make_node("a", true, true);
	CHECK_INT(identity_open(&id, home, "a", cluster), 0);
	CHECK_INT(id.number, 3);
	CHECK_INT(id.incarnation, 7);
	CHECK(id.used && memcmp(id.cluster, cluster, 16) == 0);
	identity_close(&id);
}

TEST(a_wiped_log_takes_the_identity_with_it)
{
	make_node("b", true, false);
	CHECK_INT(incarnation_of("b"), 0);
	make_dir("node-b/wal");
	CHECK_INT(incarnation_of("b"), 0);
}

TEST(before_the_first_use_no_log_is_needed)
{
	make_node("c", false, false);
	CHECK_INT(incarnation_of("c"), 7);
}

TEST(another_cluster_is_refused)
{
	struct identity id;

	make_node("d", true, true);
	CHECK_INT(identity_open(&id, home, "d", other), DDB_EXIT_USAGE);
	identity_close(&id);
}

TEST(a_newer_format_is_refused)
{
	struct identity id;

	make_node("e", true, true);
	write_file("node-e/identity", "format 2\nsomething else altogether\n");
	CHECK_INT(identity_open(&id, home, "e", cluster), DDB_EXIT_USAGE);
	identity_close(&id);
}

TEST(nonsense_is_refused)
{
	static const char *const texts[] = {
		"", "format", "format 1\n", "format 1\ncluster 00\nnode 1\nincarnation 1\nused yes\n",
		"format 1\ncluster 01020300000000000000000000000000\nnode 3\nincarnation 7\n",
		"format 1\ncluster 01020300000000000000000000000000\nnode 3\nincarnation -\nused yes\n",
		"format 1\ncluster 01020300000000000000000000000000\nnode 3\nincarnation 0\nused yes\n",
		"format 1\ncluster 01020300000000000000000000000000\nnode 0\nincarnation 7\nused yes\n",
		"format 1\ncluster 01020300000000000000000000000000\nnode 3\nincarnation 4294967303\nused yes\n",
		"format 1\ncluster 01020300000000000000000000000000\nnode 3\nincarnation 7\nused maybe\n",
		"format 1\ncluster 01020300000000000000000000000000\nnode 3\nincarnation 7\nused yes\nmore\n",
		"format 0\ncluster 01020300000000000000000000000000\nnode 3\nincarnation 7\nused yes\n",
	};
	struct identity id;

	make_node("f", true, true);
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		write_file("node-f/identity", texts[i]);
		CHECK_INT(identity_open(&id, home, "f", cluster), DDB_EXIT_USAGE);
		identity_close(&id);
	}
}

TEST(the_directory_is_locked)
{
	struct identity id, second;

	make_node("g", true, true);
	CHECK_INT(identity_open(&id, home, "g", cluster), 0);
	CHECK_INT(identity_open(&second, home, "g", cluster), DDB_EXIT_BUSY);
	identity_close(&second);
	identity_close(&id);
	CHECK_INT(incarnation_of("g"), 7);
}

TEST(a_torn_temporary_file_is_nothing)
{
	make_node("h", true, true);
	write_file("node-h/identity.tmp", "format 1\nclus");
	CHECK_INT(incarnation_of("h"), 7);
}

TEST(given_up_it_leaves_everything_aside)
{
	struct identity id;

	make_node("i", true, true);
	make_dir("node-i/store");
	CHECK_INT(identity_open(&id, home, "i", cluster), 0);
	CHECK_INT(identity_give_up(&id), 0);
	CHECK_INT(id.incarnation, 0);
	CHECK(!id.used);
	identity_close(&id);
	CHECK(!exists("node-i/identity") && !exists("node-i/wal") && !exists("node-i/store"));
	CHECK(exists("node-i/lost-7-identity") && exists("node-i/lost-7-wal/0001.seg") && exists("node-i/lost-7-store"));
	CHECK_INT(incarnation_of("i"), 0);
}

/* A log without an identity, again and again: each is put aside beside the one before. */
TEST(leftovers_never_stand_in_the_way)
{
	struct identity id;

	make_dir("node-j");
	for (int i = 0; i < 3; i++) {
		make_dir("node-j/wal");
		write_file("node-j/wal/0001.seg", "log");
		CHECK_INT(identity_open(&id, home, "j", cluster), 0);
		CHECK_INT(identity_give_up(&id), 0);
		identity_close(&id);
		CHECK(!exists("node-j/wal"));
	}
	CHECK(exists("node-j/lost-0-wal/0001.seg") && exists("node-j/lost-0.2-wal/0001.seg") && exists("node-j/lost-0.3-wal/0001.seg"));
}

TEST(an_unwritable_home_is_an_io_error)
{
	struct identity id;

	CHECK_INT(identity_open(&id, "/nonexistent", "a", cluster), DDB_EXIT_IO);
	identity_close(&id);
}

#define LIST X(what_was_saved_comes_back) X(a_wiped_log_takes_the_identity_with_it) X(before_the_first_use_no_log_is_needed) \
	X(another_cluster_is_refused) X(a_newer_format_is_refused) X(nonsense_is_refused) X(the_directory_is_locked) \
	X(a_torn_temporary_file_is_nothing) X(given_up_it_leaves_everything_aside) X(leftovers_never_stand_in_the_way) \
	X(an_unwritable_home_is_an_io_error)

int main(int argc, char **argv)
{
	char *remove;

	log_open("identity");
	log_limit(LOG_LEVEL_DEBUG);
	if (mkdtemp(home) == NULL)
		return 1;
	LIST
	remove = mem_fmt("rm -rf %s", home);
	if (system(remove) != 0)
		check_failures++;
	free(remove);
	return check_failures > 0;
}
