#include "up.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client.h"
#include "cmd.h"
#include "cred.h"
#include "daemon.h"
#include "exit.h"
#include "home.h"
#include "log.h"
#include "mem.h"
#include "opt.h"
#include "quote.h"

#define PORT_DEFAULT 8000
#define DETACHED_WAIT_MS 60000

/* --- the port */

/*
 * A socket that is bound and never listens keeps the port for us: the router, and its successors after a restart, bind to
 * it as well (SO_REUSEADDR allows that as long as nobody listens), and the system gives it to nobody else.
 */
static int reserve_port(struct up *u)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons((uint16_t)u->port) };
	socklen_t n = sizeof a;
	int on = 1;

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	u->reserved = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (u->reserved < 0 || setsockopt(u->reserved, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
	    bind(u->reserved, (struct sockaddr *)&a, sizeof a) != 0 ||
	    getsockname(u->reserved, (struct sockaddr *)&a, &n) != 0) {
		if (errno == EADDRINUSE)
			log_err("port %d is in use by another program; --port 0 finds a free one", u->port);
		else
			log_err("port %d: %m", u->port);
		return errno == EADDRINUSE ? DDB_EXIT_BUSY : DDB_EXIT_USAGE;
	}
	u->port = ntohs(a.sin_port);
	return 0;
}

/* --- the background */

/* In the process that the user called: wait until the other one is ready or has failed. */
static int await(int fd, pid_t pid)
{
	unsigned char code;
	ssize_t n;
	int status;

	do {
		n = read(fd, &code, 1);
	} while (n < 0 && errno == EINTR);
	if (n == 1)
		return code;
	/* Nothing was said: then it is over, or nearly. */
	if (waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) != 0)
		return WEXITSTATUS(status);
	log_err("the supervisor ended before the cluster was ready");
	return DDB_EXIT_UNAVAILABLE;
}

/* Returns -1 in the process that goes on, an exit code in the one that was called. */
static int go_background(struct up *u)
{
	int fds[2];
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) != 0 || (pid = fork()) < 0) {
		log_err("going into the background: %m");
		return DDB_EXIT_IO;
	}
	if (pid > 0) {
		close(fds[1]);
		return await(fds[0], pid);
	}
	close(fds[0]);
	u->tell = fds[1];
	setsid();
	return -1;
}

static void leave_terminal(struct up *u)
{
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	unsigned char code = 0;

	fflush(stdout);
	dup2(null, STDIN_FILENO);
	close(null);
	up_child_log(u, "ddb");
	log_open("ddb");
	if (chdir("/") != 0)
		log_warn("/: %m");
	if (write(u->tell, &code, 1) != 1)
		log_warn("whoever started us has gone");
	close(u->tell);
	u->tell = -1;
}

void up_announce(struct up *u)
{
	const char *me = program_invocation_name, *ddb_home = getenv("DDB_HOME"), *user = getenv("HOME");
	char *usual = ddb_home != NULL && ddb_home[0] != '\0' ? mem_str(ddb_home) : mem_fmt("%s/.ddb", user != NULL ? user : "");
	bool is_usual = strcmp(usual, u->home) == 0;
	struct buf b = { 0 };

	if (home_set_port(u->home, u->port) != 0) {
		free(usual);
		up_run_give_up(u, DDB_EXIT_IO);
		return;
	}
	buf_fmt(&b, "DynamoDB at http://127.0.0.1:%d, region %s, %zu replica%s, ready in %.1f s.\n", u->port,
	        u->cluster.region != NULL ? u->cluster.region : cred_region(), u->cluster.nodes_n,
	        u->cluster.nodes_n == 1 ? "" : "s", (double)(uv_hrtime() / 1000000 - u->born_ms) / 1000);
	buf_fmt(&b, "  home     %s%s\n  use it   eval \"$(%s env", u->home, u->ephemeral ? " (removed at the end)" : "", me);
	if (!is_usual) {
		buf_str(&b, " --home ");
		quote_sh(&b, u->home);
	}
	buf_fmt(&b, ")\"\n  then     %s tables    aws dynamodb list-tables\n", me);
	buf_fmt(&b, "  stop it  %s%s", u->detach ? me : "^C", u->detach ? " down" : "");
	if (u->detach && !is_usual) {
		buf_str(&b, " --home ");
		quote_sh(&b, u->home);
	}
	buf_str(&b, "\n");
	fwrite(b.p, 1, b.n, stdout);
	fflush(stdout);
	buf_fini(&b);
	free(usual);
	log_ready(-1);
	if (u->detach)
		leave_terminal(u);
}

/* --- wiring */

static char *bin_dir(void)
{
	char *path = realpath("/proc/self/exe", NULL), *dir;

	if (path == NULL) {
		log_err("/proc/self/exe: %m");
		return NULL;
	}
	dir = mem_str(dirname(path));
	free(path);
	return dir;
}

static void add_children(struct up *u)
{
	char *listen = mem_fmt("127.0.0.1:%d", u->port);
	struct up_child *c;

	u->children = mem_new((u->cluster.nodes_n + 3) * sizeof *u->children);
	up_child_add(u, UP_MEMDS, "memds", "ddb-memds");
	for (size_t i = 0; i < u->cluster.nodes_n; i++) {
		char *name = mem_fmt("node-%s", u->cluster.nodes[i].name);

		c = up_child_add(u, UP_NODE, name, "ddb-node");
		up_child_arg(c, "--node");
		up_child_arg(c, u->cluster.nodes[i].name);
		up_child_time(c, "--sweep", u->sweep_ms);
		free(name);
	}
	up_child_add(u, UP_AUTOADMIN, "autoadmin", "ddb-autoadmin");
	c = up_child_add(u, UP_ROUTER, "router", "ddb-router");
	up_child_arg(c, "--listen");
	up_child_arg(c, listen);
	up_child_time(c, "--ttl-change", u->ttl_change_ms);
	free(listen);
	for (size_t i = 0; i < u->children_n; i++) {
		up_child_arg(&u->children[i], "--log-level");
		up_child_arg(&u->children[i], u->log_level);
	}
}

static int run_children(struct up *u)
{
	int code;

	if (pipe2(u->life, O_CLOEXEC) != 0 || uv_loop_init(&u->loop) != 0) {
		log_err("pipe: %m");
		return DDB_EXIT_IO;
	}
	add_children(u);
	code = up_run_loop(u);
	home_set_port(u->home, 0);
	for (size_t i = 0; i < u->children_n; i++)
		up_child_fini(&u->children[i]);
	free(u->children);
	return code;
}

/* Everything but the background, in the process that stays. */
static int serve(struct up *u, uint64_t replicas, const char *region, const char *credentials)
{
	int code = u->ephemeral ? up_home_ephemeral(u) : 0;

	if (code == 0)
		code = home_make(u->home);
	if (code == 0)
		u->lock = home_lock(u->home, &code);
	if (u->lock >= 0) {
		/* Left behind by one that was killed. */
		code = home_set_port(u->home, 0) == 0 ? 0 : DDB_EXIT_IO;
		if (code == 0)
			code = up_home_prepare(u, replicas, region, credentials);
		if (code == 0)
			code = reserve_port(u);
		if (code == 0)
			code = run_children(u);
		if (u->ephemeral && home_remove(u->home) != 0 && code == 0)
			code = DDB_EXIT_IO;
		home_unlock(u->lock);
	}
	return code;
}

int up_run(int argc, char **argv)
{
	static const char *const replica_choices[] = { "1", "3", NULL };
	const char *home = NULL, *region = cred_region(), *credentials = NULL;
	uint64_t port = PORT_DEFAULT, wait_ms = 0;
	struct up u = { .lock = -1, .reserved = -1, .tell = -1, .born_ms = uv_hrtime() / 1000000, .sweep_ms = UP_UNSAID,
		.ttl_change_ms = UP_UNSAID };
	int replicas = -1, level = 2, code;
	const struct opt opts[] = {
		OPT_STR(0, "home", "DIR", "directory of the cluster (DDB_HOME, ~/.ddb)", &home),
		OPT_U64('p', "port", "PORT", "listen at this port of 127.0.0.1; 0: at any free one (8000)", &port, 0, 65535),
		OPT_FLAG('d', "detach", "go into the background once the cluster is ready", &u.detach),
		OPT_FLAG(0, "ephemeral", "use a temporary home, and remove it at the end", &u.ephemeral),
		OPT_CHOICE(0, "replicas", "1|3", "nodes that hold each item, each in a zone (first start only; 3)", &replicas,
		           replica_choices),
		OPT_STR(0, "region", "NAME", "region of the cluster (first start only; AWS_REGION, us-east-1)", &region),
		OPT_STR(0, "credentials", "FILE", "keys that clients sign with, in the format of ~/.aws/credentials",
		        &credentials),
		OPT_MS(0, "wait", "TIME", "give up if not ready by then (with -d: 60s)", &wait_ms, 100, 86400000),
		OPT_MS(0, "sweep", "TIME", "a partition is searched for expired items at most this often (10s)", &u.sweep_ms,
		       10, 86400000),
		OPT_MS(0, "ttl-change", "TIME", "a table's time to live changes at most this often (1h)", &u.ttl_change_ms,
		       0, 86400000),
		OPT_CHOICE(0, "log-level", "LEVEL", "err, warn, info or debug", &level, daemon_log_levels),
		OPT_END
	};
	const struct opt_usage usage = { "ddb up", NULL, "run a cluster of three zones on this machine", opts, 0, 0, false };

	opt_parse(&usage, argc, argv);
	log_open("ddb");                                 /* a daemon now */
	if (u.ephemeral && home != NULL)
		opt_fail(&usage, "--ephemeral makes a home of its own; --home does not go with it");
	u.port = (int)port;
	u.log_level = daemon_log_levels[level];
	u.wait_ms = u.detach && wait_ms == 0 ? DETACHED_WAIT_MS : wait_ms;
	umask(077);
	signal(SIGPIPE, SIG_IGN);
	u.bin = bin_dir();
	if (!u.ephemeral)
		u.home = home_find(home);
	if (u.bin == NULL || (u.home == NULL && !u.ephemeral))
		return DDB_EXIT_USAGE;
	if (u.detach) {
		/* Whatever else we were given would stay open as long as the cluster lives. */
		close_range(STDERR_FILENO + 1, ~0u, 0);
		code = go_background(&u);
		if (code >= 0)
			return code;
	}
	code = serve(&u, replicas < 0 ? 0 : replicas == 0 ? 1 : 3, region, credentials);
	if (u.tell >= 0) {
		unsigned char said = (unsigned char)code;

		if (write(u.tell, &said, 1) != 1)
			log_warn("whoever started us has gone");
	}
	cluster_fini(&u.cluster);
	free(u.home);
	free(u.bin);
	return code;
}
