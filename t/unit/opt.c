/* Covers: common/opt.c, common/exit.c */
#include "opt.h"

#include <stdlib.h>

#include "check.h"
#include "exit.h"

static const char *const levels[] = { "low", "middle", "high", NULL };

static struct values {
	bool all, brief, nine;
	const char *home;
	struct opt_list peers;
	uint64_t n, lease_ms, bytes;
	int level;
} v;

static const struct opt shared[] = {
	OPT_STR(0, "home", "DIR", "directory of the cluster", &v.home),
	OPT_CHOICE('l', "level", "LEVEL", "low, middle or high", &v.level, levels),
	OPT_END
};
static const struct opt opts[] = {
	OPT_FLAG('a', "all", "everything", &v.all),
	OPT_FLAG('b', "brief", "little", &v.brief),
	OPT_TABLE(shared),
	OPT_LIST('p', "peer", "ADDRESS", "may be given several times", &v.peers),
	OPT_U64('n', "number", "N", "how many", &v.n, 1, 100),
	OPT_MS(0, "lease", "TIME", "how long", &v.lease_ms, 100, 60000),
	OPT_SIZE(0, "a-very-long-option-name", "BYTES", "how large", &v.bytes, 0, UINT64_MAX),
	OPT_FLAG(0, "secret", NULL, &v.nine),
	OPT_END
};
static const struct opt_usage usage = { "prog", "A [B]", "do a thing", opts, 1, 2, false };

static struct buf said;
static char *args[32];
static int args_n;

/* Reads words (split at blanks, changed in place by strtok) after argv[0]. */
static int read_words(const struct opt_usage *u, const char *words)
{
	static char copy[1024];

	memset(&v, 0, sizeof v);
	buf_fini(&said);
	snprintf(copy, sizeof copy, "%s", words);
	args_n = 1;
	args[0] = (char *)"prog";
	for (char *w = strtok(copy, " "); w != NULL; w = strtok(NULL, " "))
		args[args_n++] = w;
	args[args_n] = NULL;
	return opt_read(u, args_n, args, &said);
}

static const char *why(void)
{
	if (said.p == NULL)
		return "";
	buf_u8(&said, 0);
	return (char *)said.p;
}

TEST(all_forms_are_read)
{
	int i = read_words(&usage, "-ab --home /x --level=high -p one -ptwo --peer three -n5 --lease 2s x");

	CHECK_INT(i, args_n - 1);
	CHECK(v.all && v.brief);
	CHECK_STR(v.home, "/x");
	CHECK_INT(v.level, 2);
	CHECK_INT(v.peers.n, 3);
	CHECK_STR(v.peers.v[1], "two");
	CHECK_INT(v.n, 5);
	CHECK_INT(v.lease_ms, 2000);
	CHECK_STR(args[i], "x");
}

TEST(options_may_follow_operands)
{
	int i = read_words(&usage, "x --all -5 -n 7");

	CHECK_INT(args_n - i, 2);
	CHECK(v.all);
	CHECK_INT(v.n, 7);
	CHECK_STR(args[i], "x");
	CHECK_STR(args[i + 1], "-5");
}

TEST(two_dashes_end_the_options)
{
	int i = read_words(&usage, "-a -- --brief -");

	CHECK_INT(args_n - i, 2);
	CHECK(v.all && !v.brief);
	CHECK_STR(args[i], "--brief");
	CHECK_STR(args[i + 1], "-");
	i = read_words(&usage, "x --");
	CHECK_INT(args_n - i, 1);
	CHECK_STR(args[i], "x");
}

TEST(a_sub_command_stops)
{
	static const struct opt_usage u = { "prog", "COMMAND [ARG...]", "run", opts, 1, -1, true };
	int i = read_words(&u, "-a get -b x");

	CHECK_INT(i, 2);
	CHECK(v.all && !v.brief);
	CHECK_STR(args[i], "get");
	CHECK_STR(args[i + 1], "-b");
	CHECK_STR(args[i + 2], "x");
	i = read_words(&u, "-a -- -b x");
	CHECK_INT(args_n - i, 2);
	CHECK_STR(args[i], "-b");
}

TEST(mistakes_are_named)
{
	static const struct {
		const char *words, *message;
	} bad[] = {
		{ "x --wrong", "unknown option --wrong" },
		{ "x --breif", "unknown option --breif; is --brief meant?" },
		{ "x --alll", "unknown option --alll; is --all meant?" },
		{ "x --secretx", "unknown option --secretx" },
		{ "x -az", "unknown option -z" },
		{ "x --home", "--home: needs a value, DIR" },
		{ "x -n", "-n: needs a value, N" },
		{ "x --all=1", "--all: takes no value" },
		{ "x -n 0", "--number: \"0\" is not a number from 1 to 100" },
		{ "x -n 101", "--number: \"101\" is not a number from 1 to 100" },
		{ "x -n -1", "--number: \"-1\" is not a number from 1 to 100" },
		{ "x -n 5k", "--number: \"5k\" is not a number from 1 to 100" },
		{ "x -n 99999999999999999999", "--number: \"99999999999999999999\" is not a number from 1 to 100" },
		{ "x --lease 2", NULL },
		{ "x --lease 90s", "--lease: \"90s\" is not a time from 100ms to 1m" },
		{ "x --lease 1y", "--lease: \"1y\" is not a time from 100ms to 1m" },
		{ "x --level top", "--level: \"top\" is not one of low middle high" },
		{ "", "missing A [B]" },
		{ "x y z", "unexpected \"z\"" },
		{ "x --helpx", "unknown option --helpx" },
	};

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		int rc = read_words(&usage, bad[i].words);

		CHECK(bad[i].message != NULL ? rc == OPT_BAD : rc > 0);
		CHECK_STR(why(), bad[i].message != NULL ? bad[i].message : "");
	}
}

TEST(lists_are_capped)
{
	char *argv[2 * OPT_LIST_MAX + 4];
	int n = 0;

	memset(&v, 0, sizeof v);
	buf_fini(&said);
	argv[n++] = (char *)"prog";
	for (int i = 0; i <= OPT_LIST_MAX; i++)
		argv[n++] = (char *)"-px";
	argv[n++] = (char *)"x";
	argv[n] = NULL;
	CHECK_INT(opt_read(&usage, n, argv, &said), OPT_BAD);
	CHECK_STR(why(), "--peer: given more than 64 times");
}

TEST(help_and_version_come_from_the_table)
{
	CHECK_INT(read_words(&usage, "--help"), OPT_TOLD);
	CHECK_STR(why(), "usage: prog [OPTION...] A [B]\n"
			 "do a thing\n"
			 "\n"
			 "  -a, --all           everything\n"
			 "  -b, --brief         little\n"
			 "      --home DIR      directory of the cluster\n"
			 "  -l, --level LEVEL   low, middle or high\n"
			 "  -p, --peer ADDRESS  may be given several times\n"
			 "  -n, --number N      how many\n"
			 "      --lease TIME    how long\n"
			 "      --a-very-long-option-name BYTES\n"
			 "                      how large\n"
			 "  -h, --help          print this and exit\n"
			 "      --version       print the version and exit\n");
	CHECK_INT(read_words(&usage, "-ah"), OPT_TOLD);
	CHECK_INT(read_words(&usage, "--version"), OPT_TOLD);
	CHECK_STR(why(), "prog " DDB_VERSION "\n");
}

TEST(numbers_are_whole_strings)
{
	uint64_t n = 42;

	CHECK(opt_u64("18446744073709551615", &n) && n == UINT64_MAX);
	CHECK(!opt_u64("18446744073709551616", &n) && n == UINT64_MAX);
	CHECK(!opt_u64("", &n) && !opt_u64("+1", &n) && !opt_u64(" 1", &n) && !opt_u64("1 ", &n) && !opt_u64("0x1", &n));
	CHECK(opt_ms("500ms", &n) && n == 500);
	CHECK(opt_ms("7d", &n) && n == 604800000);
	CHECK(opt_ms("2", &n) && n == 2000);
	CHECK(opt_ms("3m", &n) && n == 180000);
	CHECK(!opt_ms("ms", &n) && !opt_ms("1.5s", &n) && !opt_ms("213503982334602d", &n));
	CHECK(opt_size("16M", &n) && n == 16 << 20);
	CHECK(opt_size("4096", &n) && n == 4096);
	CHECK(opt_size("1T", &n) && n == (uint64_t)1 << 40);
	CHECK(!opt_size("16777216T", &n) && !opt_size("1m", &n) && !opt_size("K", &n));
}

static int run(int argc, char **argv)
{
	return argc + (argv == NULL);
}

TEST(commands_are_found_by_whole_name)
{
	static const struct opt_command table[] = {
		{ "get", "print one item", run }, { "hidden", NULL, run }, { "query", "print some", run },
		{ NULL, NULL, NULL }
	};
	struct buf b = { 0 };

	CHECK(opt_command(table, "query") == &table[2]);
	CHECK(opt_command(table, "hidden") == &table[1]);
	CHECK(opt_command(table, "que") == NULL);
	CHECK_STR(opt_command_near(table, "qeury"), "query");
	CHECK(opt_command_near(table, "zzzzz") == NULL);
	CHECK(opt_command_near(table, "hiden") == NULL);
	opt_commands(table, &b);
	buf_u8(&b, 0);
	CHECK_STR((char *)b.p, "  get    print one item\n  query  print some\n");
	buf_fini(&b);
}

TEST(exit_codes_are_named)
{
	CHECK_STR(exit_name(DDB_EXIT_DONE), "DONE");
	CHECK_STR(exit_meaning(DDB_EXIT_LINES), "some input lines were refused");
	CHECK_INT(DDB_EXIT_IO, 9);
	CHECK(exit_name(11) == NULL && exit_meaning(-1) == NULL);
	buf_fini(&said);
}

CHECK_MAIN(X(all_forms_are_read) X(options_may_follow_operands) X(two_dashes_end_the_options) X(a_sub_command_stops)
	   X(mistakes_are_named) X(lists_are_capped) X(help_and_version_come_from_the_table)
	   X(numbers_are_whole_strings) X(commands_are_found_by_whole_name) X(exit_codes_are_named))
