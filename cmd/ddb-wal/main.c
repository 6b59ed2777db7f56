/*
 * ddb-wal: plumbing for write-ahead logs (man page ddb-wal(1)).
 * main: finds the sub-command.
 */
#include <stdio.h>
#include <unistd.h>

#include "cmd.h"
#include "log.h"
#include "opt.h"

static const struct opt_command commands[] = {
	{ "cat", "print the records of a log, or make a stream of them", cmd_cat },
	{ "verify", "check a log", cmd_verify },
	{ NULL, NULL, NULL }
};

int main(int argc, char **argv)
{
	static const struct opt opts[] = { OPT_END };
	static const struct opt_usage usage = { "ddb-wal", "COMMAND ...", "read and check write-ahead logs (ddb-wal cat|verify --help)",
		opts, 1, -1, true };
	const struct opt_command *c;
	const char *near;
	int i;

	log_open("ddb-wal");
	i = opt_parse(&usage, argc, argv);
	c = opt_command(commands, argv[i]);
	if (c != NULL)
		return c->run(argc - i, argv + i);
	near = opt_command_near(commands, argv[i]);
	if (near != NULL)
		opt_fail(&usage, "unknown command \"%s\"; did you mean %s?", argv[i], near);
	opt_fail(&usage, "unknown command \"%s\"", argv[i]);
}
