#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client.h"
#include "cmd.h"
#include "exit.h"
#include "home.h"
#include "log.h"
#include "mem.h"
#include "quote.h"

/*
 * The first word that is neither an option nor an option's value is the service.  A body in parentheses keeps the
 * variables in; exec finds the program and not this function.
 */
static const char sh_function[] =
	"# CLIs before 2.13 know no AWS_ENDPOINT_URL.\n"
	"aws() (\n"
	"\tddb_skip= ddb_service= ddb_endpoint=${AWS_ENDPOINT_URL_DYNAMODB:-${AWS_ENDPOINT_URL:-}}\n"
	"\tfor ddb_word in \"$@\"; do\n"
	"\t\tcase $ddb_skip:$ddb_word in\n"
	"\t\tskip:*) ddb_skip= ;;\n"
	"\t\t:--endpoint-url | :--endpoint-url=*) ddb_endpoint= ; break ;;\n"
	"\t\t:--region | :--profile | :--output | :--query | :--ca-bundle | :--color | :--cli-read-timeout | \\\n"
	"\t\t:--cli-connect-timeout | :--cli-binary-format) ddb_skip=skip ;;\n"
	"\t\t:-*) ;;\n"
	"\t\t*) [ -n \"$ddb_service\" ] || ddb_service=$ddb_word ;;\n"
	"\t\tesac\n"
	"\tdone\n"
	"\tcase $ddb_service in\n"
	"\tdynamodb | dynamodbstreams)\n"
	"\t\t[ -z \"$ddb_endpoint\" ] || set -- --endpoint-url \"$ddb_endpoint\" \"$@\" ;;\n"
	"\tesac\n"
	"\texec aws \"$@\"\n"
	")\n";

static const char fish_function[] =
	"# CLIs before 2.13 know no AWS_ENDPOINT_URL.\n"
	"function aws\n"
	"\tset -l skip 0\n"
	"\tset -l service ''\n"
	"\tset -l endpoint $AWS_ENDPOINT_URL_DYNAMODB\n"
	"\tfor word in $argv\n"
	"\t\tif test $skip = 1\n"
	"\t\t\tset skip 0\n"
	"\t\t\tcontinue\n"
	"\t\tend\n"
	"\t\tswitch $word\n"
	"\t\t\tcase --endpoint-url '--endpoint-url=*'\n"
	"\t\t\t\tset endpoint ''\n"
	"\t\t\t\tbreak\n"
	"\t\t\tcase --region --profile --output --query --ca-bundle --color --cli-read-timeout --cli-connect-timeout --cli-binary-format\n"
	"\t\t\t\tset skip 1\n"
	"\t\t\tcase '-*'\n"
	"\t\t\tcase '*'\n"
	"\t\t\t\ttest -n \"$service\"; or set service $word\n"
	"\t\tend\n"
	"\tend\n"
	"\tif test -n \"$endpoint\"; and contains -- \"$service\" dynamodb dynamodbstreams\n"
	"\t\tset -p argv --endpoint-url $endpoint\n"
	"\tend\n"
	"\tcommand aws $argv\n"
	"end\n";

enum shell { SHELL_SH, SHELL_FISH };

static void put(struct buf *b, enum shell shell, const char *name, const char *value)
{
	buf_fmt(b, shell == SHELL_FISH ? "set -gx %s " : "export %s=", name);
	if (shell == SHELL_FISH)
		quote_fish_always(b, value);
	else
		quote_sh_always(b, value);
	buf_str(b, shell == SHELL_FISH ? ";\n" : "\n");
}

static void put_unset(struct buf *b, enum shell shell)
{
	static const char *const names[] = { "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_DYNAMODB", "AWS_ACCESS_KEY_ID",
		"AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_REGION", "AWS_DEFAULT_REGION", "DDB_HOME",
		"AWS_EC2_METADATA_DISABLED" };

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		buf_fmt(b, shell == SHELL_FISH ? "set -e %s;\n" : "unset %s\n", names[i]);
	buf_str(b, shell == SHELL_FISH ? "functions -q aws; and functions -e aws;\n" : "unset -f aws 2>/dev/null || :\n");
}

static int put_settings(struct buf *b, enum shell shell, const char *home)
{
	struct client_opts o = CLIENT_OPTS_INIT;
	struct client *c;
	char *id, *secret;
	int code;

	o.home = home;
	code = client_open(&o, &c);
	if (code != 0)
		return code;
	id = mem_copy(client_key(c)->id.p, client_key(c)->id.n);
	secret = mem_copy(client_key(c)->secret.p, client_key(c)->secret.n);
	put(b, shell, "AWS_ENDPOINT_URL", client_endpoint(c));
	put(b, shell, "AWS_ENDPOINT_URL_DYNAMODB", client_endpoint(c));
	put(b, shell, "AWS_ACCESS_KEY_ID", id);
	put(b, shell, "AWS_SECRET_ACCESS_KEY", secret);
	/* A token left over from another account would be sent along. */
	buf_str(b, shell == SHELL_FISH ? "set -e AWS_SESSION_TOKEN;\n" : "unset AWS_SESSION_TOKEN\n");
	put(b, shell, "AWS_REGION", client_region(c));
	put(b, shell, "AWS_DEFAULT_REGION", client_region(c));
	put(b, shell, "AWS_EC2_METADATA_DISABLED", "true");
	put(b, shell, "DDB_HOME", home);
	buf_str(b, shell == SHELL_FISH ? fish_function : sh_function);
	explicit_bzero(secret, strlen(secret));
	free(secret);
	free(id);
	client_close(c);
	return 0;
}

int env_run(int argc, char **argv)
{
	bool sh = false, fish = false, unset = false;
	const char *wanted = NULL;
	const struct opt opts[] = {
		OPT_STR(0, "home", "DIR", "directory of the cluster (DDB_HOME, ~/.ddb)", &wanted),
		OPT_FLAG(0, "sh", "for sh, bash, zsh and their like (the default)", &sh),
		OPT_FLAG(0, "fish", "for fish: ddb env --fish | source", &fish),
		OPT_FLAG('u', "unset", "take the settings back", &unset),
		OPT_END
	};
	const struct opt_usage usage = { "ddb env", NULL, "print settings for clients: eval \"$(ddb env)\"", opts, 0, 0, false };
	enum shell shell;
	struct buf b = { 0 };
	char *home;
	int code = 0;

	opt_parse(&usage, argc, argv);
	if (sh && fish)
		opt_fail(&usage, "--sh or --fish");
	shell = fish ? SHELL_FISH : SHELL_SH;
	home = home_find(wanted);
	if (unset)
		put_unset(&b, shell);
	else
		code = home != NULL ? put_settings(&b, shell, home) : DDB_EXIT_USAGE;
	if (code == 0 && (fwrite(b.p, 1, b.n, stdout) != b.n || fflush(stdout) != 0)) {
		log_err("standard output: %m");
		code = DDB_EXIT_IO;
	}
	if (b.p != NULL)
		explicit_bzero(b.p, b.cap);
	buf_fini(&b);
	free(home);
	return code;
}
