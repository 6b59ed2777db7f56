/* cluster: the file that says which cluster a home belongs to. */
#include "cluster.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"
#include "golden.h"

static const char good[] = "# a comment\n"
			   "format 1\n"
			   "\n"
			   "cluster 000102030405060708090a0b0c0d0e0f\n"
			   "region us-east-1\n"
			   "node 1 node-a zone a addr unix:run/node-a.sock incarnation 1\n"
			   "  node 2 node-b \t zone b addr tcp:127.0.0.1:7002 incarnation 5 \n"
			   "memds unix:run/memds.sock\n"
			   "autoadmin unix:run/autoadmin.sock\n"
			   "router unix:run/router.sock\n"
			   "memds unix:/elsewhere/memds.sock";          /* the last newline is optional */

TEST(reads_what_it_says)
{
	struct cluster c;
	struct buf why = { 0 };

	CHECK(cluster_parse(bytes_str(good), &c, &why));
	CHECK(why.n == 0 && c.id[15] == 15);
	CHECK_STR(c.region, "us-east-1");
	CHECK_INT(c.nodes_n, 2);
	CHECK(c.nodes[1].number == 2 && c.nodes[1].incarnation == 5);
	CHECK_STR(c.nodes[1].addr, "tcp:127.0.0.1:7002");
	CHECK(cluster_node(&c, "node-b") == &c.nodes[1] && cluster_node(&c, "node-c") == NULL);
	CHECK(c.memds.n == 2 && c.autoadmin.n == 1 && c.router.n == 1);
	CHECK_STR(c.memds.v[1], "unix:/elsewhere/memds.sock");
	cluster_fini(&c);
}

TEST(prints_what_it_reads)
{
	struct cluster c, again;
	struct buf why = { 0 }, text = { 0 }, twice = { 0 };

	CHECK(cluster_parse(bytes_str(good), &c, &why));
	cluster_print(&c, &text);
	CHECK(golden_same("t/golden/cluster-v1.txt", &text));
	CHECK(cluster_parse(buf_view(&text), &again, &why));
	cluster_print(&again, &twice);
	CHECK(bytes_eq(buf_view(&text), buf_view(&twice)));
	cluster_fini(&c);
	cluster_fini(&again);
	buf_fini(&text);
	buf_fini(&twice);
}

TEST(says_which_line_is_wrong)
{
	static const struct {
		const char *text, *why;
	} bad[] = {
		{ "", "line 0: no format line" },
		{ "cluster 000102030405060708090a0b0c0d0e0f\n", "line 1: the first line is to be: format 1" },
		{ "format 1\n", "line 1: no cluster line" },
		{ "format 2\nwhatever\n", "line 1: made by a newer version of ddb, whose format this one cannot read" },
		{ "format 1\nformat 1\n", "line 2: a second format" },
		{ "format 01\n", "line 1: format takes one number" },
		{ "format 1\ncluster 0001\n", "line 2: cluster takes 32 hexadecimal digits" },
		{ "format 1\nregion a b\n", "line 2: region takes one name" },
		{ "format 1\n\nwhat 1\n", "line 3: unknown word at the start of the line" },
		{ "format 1\nmemds run/memds.sock\n", "line 2: takes unix:PATH or tcp:HOST:PORT" },
		{ "format 1\nnode 0 n zone z addr unix:x incarnation 1\n",
		  "line 2: number and incarnation are numbers from 1 on" },
		{ "format 1\nnode 4294967296 n zone z addr unix:x incarnation 1\n",
		  "line 2: number and incarnation are numbers from 1 on" },
		{ "format 1\nnode 1 ../n zone z addr unix:x incarnation 1\n",
		  "line 2: a name has 1 to 64 letters, digits and . - _" },
		{ "format 1\nnode 1 n addr unix:x zone z incarnation 1\n",
		  "line 2: not of the form node NUMBER NAME zone ZONE addr ADDR incarnation N" },
		{ "format 1\nnode 1 a zone z addr unix:x incarnation 1\nnode 2 b zone z addr unix:y incarnation 1\n",
		  "line 3: another node has this number, name or incarnation" },
		{ "format 1\nnode 1 a zone z addr unix:x incarnation 1 2 3 4 5 6 7 8 9\n", "line 2: too many words" },
	};
	struct cluster c;
	struct buf why = { 0 };

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		buf_clear(&why);
		CHECK(!cluster_parse(bytes_str(bad[i].text), &c, &why));
		buf_u8(&why, 0);
		CHECK_STR((char *)why.p, bad[i].why);
		CHECK(c.nodes_n == 0 && c.nodes == NULL);
	}
	buf_fini(&why);
}

TEST(saves_and_loads)
{
	char home[] = "/tmp/ddb-cluster-XXXXXX", path[64];
	struct cluster c = { .id = { 9 } }, again;

	CHECK(mkdtemp(home) != NULL);
	CHECK_INT(cluster_load(home, &again), 1);
	cluster_set_region(&c, "eu-west-1");
	cluster_add_node(&c, 3, "node-c", "c", "unix:run/node-c.sock", 3);
	cluster_add_addr(&c.memds, "unix:run/memds.sock");
	CHECK_INT(cluster_save(home, &c), 0);
	cluster_add_addr(&c.memds, "tcp:localhost:7");
	CHECK_INT(cluster_save(home, &c), 0);
	CHECK_INT(cluster_load(home, &again), 0);
	CHECK(again.id[0] == 9 && again.memds.n == 2 && again.nodes_n == 1);
	cluster_fini(&c);
	cluster_fini(&again);
	snprintf(path, sizeof path, "%s/cluster.new", home);
	CHECK(access(path, F_OK) != 0);
	snprintf(path, sizeof path, "%s/cluster", home);
	unlink(path);
	CHECK_INT(mkdir(path, 0700), 0);
	CHECK_INT(cluster_load(home, &again), -1);
	rmdir(path);
	rmdir(home);
	CHECK_INT(cluster_load(home, &again), 1);
	CHECK_INT(cluster_save(home, &c), -1);
}

TEST(relative_paths_begin_at_home)
{
	static const char *const pairs[][2] = {
		{ "unix:run/x.sock", "unix:/h/run/x.sock" },
		{ "unix:/run/x.sock", "unix:/run/x.sock" },
		{ "tcp:localhost:1", "tcp:localhost:1" },
	};

	for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
		char *addr = cluster_addr("/h", pairs[i][0]);

		CHECK_STR(addr, pairs[i][1]);
		free(addr);
	}
}

CHECK_MAIN(X(reads_what_it_says)
X(prints_what_it_reads)
X(says_which_line_is_wrong)
X(saves_and_loads)
X(relative_paths_begin_at_home))
