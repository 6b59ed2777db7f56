#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "client.h"
#include "cmd.h"
#include "exit.h"
#include "log.h"

#define BODY_BYTES_MAX ((size_t)16 << 20)                /* as the API's own bound */
#define OPERATION_MAX 128

static int read_stdin(struct buf *b)
{
	ssize_t n;

	do {
		uint8_t *room = buf_room(b, 65536);

		if (room == NULL) {
			log_err("standard input: more than 16 MB");
			return DDB_EXIT_USAGE;
		}
		n = read(STDIN_FILENO, room, 65536);
		if (n > 0)
			b->n += (size_t)n;
	} while (n > 0 || (n < 0 && errno == EINTR));
	if (n == 0)
		return 0;
	log_err("standard input: %m");
	return DDB_EXIT_IO;
}

static bool is_operation(const char *s)
{
	size_t n = strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.");

	return n > 0 && n <= OPERATION_MAX && s[n] == '\0';
}

int call_run(int argc, char **argv)
{
	struct client_opts o = CLIENT_OPTS_INIT;
	bool once = false;
	const struct opt opts[] = {
		CLIENT_OPTS(o),
		OPT_FLAG(0, "once", "do not try again", &once),
		OPT_END
	};
	const struct opt_usage usage = { "ddb call", "OPERATION [JSON | -]", "send one request of the API, and print the answer",
		opts, 1, 2, false };
	int i = opt_parse(&usage, argc, argv), code = 0;
	struct client_answer a = { 0 };
	struct client *c = NULL;
	struct buf body;

	if (!is_operation(argv[i]))
		opt_fail(&usage, "operation \"%s\": letters, digits, _ and . only", argv[i]);
	buf_init(&body, BODY_BYTES_MAX + 65536);
	if (i + 1 == argc)
		buf_str(&body, "{}");
	else if (strcmp(argv[i + 1], "-") == 0)
		code = read_stdin(&body);
	else
		buf_str(&body, argv[i + 1]);
	if (code == 0)
		code = client_open(&o, &c);
	if (code == 0 && once)
		client_retry(c, CLIENT_RETRY_NONE);
	if (code == 0 && client_call(c, argv[i], buf_view(&body), &a) != 200) {
		code = client_fail(c, &a);
	} else if (code == 0) {
		buf_str(&a.body, "\n");
		if (fwrite(a.body.p, 1, a.body.n, stdout) != a.body.n || fflush(stdout) != 0) {
			log_err("standard output: %m");
			code = DDB_EXIT_IO;
		}
	}
	buf_fini(&body);
	client_answer_fini(&a);
	client_close(c);
	return code;
}
