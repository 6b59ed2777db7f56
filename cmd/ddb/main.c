/* ddb: client and porcelain of a cluster.  See ddb(1).  main: finds the command. */
#include <errno.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd.h"
#include "exit.h"
#include "log.h"
#include "mem.h"
#include "opt.h"

static const struct opt_command commands[] = {
	{ "bench", "put load on a server and measure it", bench_run },
	{ "call", "send one request of the API as it is", call_run },
	{ "create", "make a table", data_create_run },
	{ "del", "delete an item", data_del_run },
	{ "desc", "describe a table", data_desc_run },
	{ "down", "stop the cluster of a home", down_run },
	{ "drop", "delete a table", data_drop_run },
	{ "dump", "write a whole table, for ddb load", data_dump_run },
	{ "env", "print the settings that clients need, for eval in a shell", env_run },
	{ "get", "print an item", data_get_run },
	{ "index", "list, add or drop indexes of a table", data_index_run },
	{ "load", "write many items, from a dump or any lines of JSON", data_load_run },
	{ "metrics", "print what every process counts, as Prometheus reads it", collect_run },
	{ "put", "write items", data_put_run },
	{ "query", "print the items of a partition key", data_query_run },
	{ "scan", "print the items of a table", data_scan_run },
	{ "status", "show the processes and tables of a cluster", status_run },
	{ "tables", "list the tables", data_tables_run },
	{ "tag", "set, remove or list the tags of a table", data_tag_run },
	{ "transact", "write or read several items at one moment, all or none", data_transact_run },
	{ "ttl", "let items of a table expire", data_ttl_run },
	{ "up", "run a cluster of three zones on this machine", up_run },
	{ "update", "change an item", data_update_run },
	{ NULL, NULL, NULL }
};

static const char *home, *endpoint, *region, *profile;

static const struct opt opts[] = {
	OPT_STR(0, "home", "DIR", "directory of the cluster (DDB_HOME, ~/.ddb)", &home),
	OPT_STR(0, "endpoint", "URL", "talk to this server", &endpoint),
	OPT_STR(0, "region", "NAME", "region to sign for", &region),
	OPT_STR(0, "profile", "NAME", "key of ~/.aws/credentials to sign with", &profile),
	OPT_END
};

static const struct opt_usage usage = {
	"ddb", "COMMAND ...", "a DynamoDB of one's own, and a client for any DynamoDB", opts, 1, -1, true,
};

static void put_help(struct buf *out)
{
	opt_help(&usage, out);
	buf_str(out, "\nCommands, each with a --help of its own; an unknown one runs the program ddb-COMMAND:\n");
	opt_commands(commands, out);
}

/*
 * What stands before the command reaches it, and programs of other names, by the environment.  It must win over what
 * `ddb env` has left there.
 */
static void set_globals(void)
{
	static const char *const keys[] = { "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN" };
	bool forget_key = profile != NULL || home != NULL;

	if (home != NULL) {
		setenv("DDB_HOME", home, 1);
		unsetenv("AWS_ENDPOINT_URL");
		unsetenv("AWS_ENDPOINT_URL_DYNAMODB");
	}
	for (size_t i = 0; forget_key && i < sizeof keys / sizeof *keys; i++)
		unsetenv(keys[i]);
	if (endpoint != NULL)
		setenv("AWS_ENDPOINT_URL_DYNAMODB", endpoint, 1);
	if (region != NULL)
		setenv("AWS_REGION", region, 1);
	if (profile != NULL)
		setenv("AWS_PROFILE", profile, 1);
}

/* ddb-NAME, beside this program or in PATH.  Returns only if there is none. */
static void run_other(char **argv)
{
	char *me = realpath("/proc/self/exe", NULL), *name = mem_fmt("ddb-%s", argv[0]), *beside;

	if (strchr(argv[0], '/') == NULL && me != NULL) {
		beside = mem_fmt("%s/%s", dirname(me), name);
		argv[0] = name;
		execv(beside, argv);
		if (errno == ENOENT)
			execvp(name, argv);
		if (errno != ENOENT) {
			log_err("%s: %m", name);
			exit(DDB_EXIT_USAGE);
		}
		argv[0] = name + strlen("ddb-");
		free(beside);
	}
	free(me);
}

static int help(int argc, char **argv)
{
	char option[] = "--help", *words[] = { argc > 1 ? argv[1] : NULL, option, NULL };
	const struct opt_command *c = argc > 1 ? opt_command(commands, argv[1]) : NULL;
	struct buf text = { 0 };

	if (c != NULL)
		return c->run(2, words);
	if (argc > 1) {
		run_other(words);
		opt_fail(&usage, "unknown command \"%s\"", argv[1]);
	}
	put_help(&text);
	fwrite(text.p, 1, text.n, stdout);
	buf_fini(&text);
	return DDB_EXIT_DONE;
}

int main(int argc, char **argv)
{
	const struct opt_command *c;
	struct buf say = { 0 };
	const char *near;
	int i;

	log_open_tool("ddb");
	i = opt_read(&usage, argc, argv, &say);
	if (i == OPT_TOLD && bytes_starts(buf_view(&say), BYTES_LIT("usage:")))
		return help(1, argv);
	if (i == OPT_TOLD) {
		fwrite(say.p, 1, say.n, stdout);
		return DDB_EXIT_DONE;
	}
	if (i == OPT_BAD)
		opt_fail(&usage, "%.*s", (int)say.n, (const char *)say.p);
	buf_fini(&say);
	set_globals();
	if (strcmp(argv[i], "help") == 0)
		return help(argc - i, argv + i);
	c = opt_command(commands, argv[i]);
	if (c != NULL)
		return c->run(argc - i, argv + i);
	run_other(argv + i);
	near = opt_command_near(commands, argv[i]);
	if (near != NULL)
		opt_fail(&usage, "unknown command \"%s\"; did you mean %s?", argv[i], near);
	opt_fail(&usage, "unknown command \"%s\"", argv[i]);
}
