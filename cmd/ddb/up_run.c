#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "client.h"
#include "client_http.h"
#include "clock.h"
#include "exit.h"
#include "log.h"
#include "mem.h"
#include "up.h"

#define PROBE_MS 5                                       /* between questions whether the cluster serves */
#define PROBE_ANSWER_MS 2000
#define PATIENCE_MS 10000                                /* how often the wait for a slow start is explained */
#define HEALTHY "healthy"

/* --- does it serve? */

static bool is_healthy(struct client_http *h)
{
	struct httpmsg_header host = { BYTES_LIT("Host"), BYTES_LIT("localhost") };
	struct client_http_request r = { "GET", "/", &host, 1, BYTES_NONE, clock_ms() + PROBE_ANSWER_MS };
	struct client_http_answer a = { 0 };
	bool ok = client_http_do(h, &r, &a) == CLIENT_HTTP_ANSWERED && a.status == 200 &&
	          bytes_starts(buf_view(&a.body), BYTES_LIT(HEALTHY));

	buf_fini(&a.body);
	return ok;
}

/* In a process of its own: it blocks, and the memory that signing takes is not the supervisor's for good. */
static void probe(const struct up *u)
{
	char *url = mem_fmt("http://127.0.0.1:%d", u->port), *port = mem_fmt("%d", u->port);
	struct client_opts o = { .home = u->home, .endpoint = url, .timeout_ms = PROBE_ANSWER_MS };
	struct client_http *h = client_http_new("127.0.0.1", port);
	struct timespec instant = { 0, PROBE_MS * 1000000 };
	struct client_answer a = { 0 };
	struct client *c;
	int code;

	while (!is_healthy(h))
		nanosleep(&instant, NULL);
	code = client_open(&o, &c);
	if (code != 0)
		_exit(code);
	client_retry(c, CLIENT_RETRY_NONE);
	/* Any answer to this comes from the catalogue. */
	while (client_call(c, "ListTables", BYTES_LIT("{\"Limit\":1}"), &a) != 200) {
		if (client_exit(&a) != DDB_EXIT_UNAVAILABLE)
			_exit(client_fail(c, &a));
		nanosleep(&instant, NULL);
	}
	_exit(0);
}

static void start_probe(struct up *u)
{
	sigset_t all, before;
	pid_t parent = getpid();

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &before);
	u->probe = fork();
	if (u->probe == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(DDB_EXIT_UNAVAILABLE);
		for (int i = 1; i < NSIG; i++)
			signal(i, i == SIGPIPE ? SIG_IGN : SIG_DFL);
		setpgid(0, 0);
		sigprocmask(SIG_SETMASK, &before, NULL);
		probe(u);
	}
	sigprocmask(SIG_SETMASK, &before, NULL);
	if (u->probe < 0) {
		log_err("fork: %m");
		up_run_give_up(u, DDB_EXIT_IO);
	}
}

static bool are_ready(const struct up *u, enum up_phase phase)
{
	for (size_t i = 0; i < u->children_n; i++)
		if (u->children[i].phase == phase && !u->children[i].ready)
			return false;
	return true;
}

void up_run_child_ready(struct up_child *c)
{
	struct up *u = c->up;

	if (u->stopping || u->ready || u->probe > 0)
		return;
	for (enum up_phase p = UP_ROUTER; p < UP_PHASES; p++)
		if (!are_ready(u, p))
			return;
	start_probe(u);
}

static void probe_ended(struct up *u, int status)
{
	u->probe = 0;
	if (u->stopping || u->ready)
		return;
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
		up_run_give_up(u, WIFEXITED(status) ? WEXITSTATUS(status) : DDB_EXIT_UNAVAILABLE);
		return;
	}
	/* Not when the nodes say that they are ready: until there is a catalogue nobody could tell them a new incarnation. */
	if (u->first_life && up_home_started(u) != 0) {
		up_run_give_up(u, DDB_EXIT_IO);
		return;
	}
	u->ready = true;
	uv_timer_stop(&u->patience);
	up_announce(u);
}

/* --- stopping */

static bool is_phase_over(const struct up *u)
{
	for (size_t i = 0; i < u->children_n; i++)
		if (u->children[i].phase == u->phase && u->children[i].pid > 0)
			return false;
	return true;
}

static void signal_all(struct up *u, enum up_phase from, enum up_phase to, int number)
{
	for (size_t i = 0; i < u->children_n; i++)
		if (u->children[i].phase >= from && u->children[i].phase <= to)
			up_child_signal(&u->children[i], number);
}

static void on_stuck(uv_timer_t *t)
{
	struct up *u = t->data;

	for (size_t i = 0; i < u->children_n; i++)
		if (u->children[i].phase == u->phase && u->children[i].pid > 0)
			log_warn("%s does not leave; killing it", u->children[i].name);
	signal_all(u, u->phase, u->phase, SIGKILL);
}

static void begin_phase(struct up *u, enum up_phase phase)
{
	u->phase = phase;
	signal_all(u, phase, phase, SIGTERM);
	uv_timer_start(&u->patience, on_stuck, UP_STOP_MS_MAX, UP_STOP_MS_MAX);
}

static void go_on_stopping(struct up *u)
{
	while (is_phase_over(u)) {
		if (u->phase + 1 == UP_PHASES) {
			uv_stop(&u->loop);
			return;
		}
		begin_phase(u, u->phase + 1);
	}
}

static void stop(struct up *u)
{
	u->stopping = true;
	for (size_t i = 0; i < u->children_n; i++)
		uv_timer_stop(&u->children[i].again);
	if (u->probe > 0)
		kill(u->probe, SIGKILL);
	begin_phase(u, UP_ROUTER);
	go_on_stopping(u);
}

void up_run_give_up(struct up *u, int code)
{
	if (u->stopping)
		return;
	u->code = code;
	stop(u);
}

/* --- events */

static void on_stop(uv_signal_t *s, int number)
{
	struct up *u = s->data;

	switch (++u->signals_n) {
	case 1:
		if (u->stopping)
			break;
		log_info("stopping: %s", number == SIGTERM ? "SIGTERM" : number == SIGINT ? "SIGINT" : "SIGHUP");
		stop(u);
		break;
	case 2:
		/* To those who have had one it means: do not drain (daemon.h). */
		log_info("stopping at once");
		signal_all(u, UP_ROUTER, UP_PHASES - 1, SIGTERM);
		break;
	default:
		signal_all(u, UP_ROUTER, UP_PHASES - 1, SIGKILL);
	}
}

static void on_child(uv_signal_t *s, int number)
{
	struct up *u = s->data;
	int status;
	pid_t pid;

	(void)number;
	/* One by one: other children are not ours to reap. */
	if (u->probe > 0 && waitpid(u->probe, &status, WNOHANG) == u->probe)
		probe_ended(u, status);
	for (size_t i = 0; i < u->children_n; i++) {
		struct up_child *c = &u->children[i];

		pid = c->pid > 0 ? waitpid(c->pid, &status, WNOHANG) : 0;
		if (pid > 0)
			up_child_ended(c, status);
	}
	if (u->stopping)
		go_on_stopping(u);
}

static void on_patience(uv_timer_t *t)
{
	struct up *u = t->data;
	struct buf who = { 0 };

	for (size_t i = 0; i < u->children_n; i++)
		if (!u->children[i].ready)
			buf_fmt(&who, "%s%s", who.n > 0 ? ", " : "", u->children[i].name);
	if (who.n == 0)
		buf_str(&who, "the catalogue");
	log_warn("not ready after %u s: waiting for %.*s", (unsigned)((clock_ms() - u->start_ms) / 1000), (int)who.n,
	         (const char *)who.p);
	buf_fini(&who);
	if (u->wait_ms > 0 && clock_ms() - u->start_ms >= u->wait_ms) {
		log_err("giving up; the logs are in %s/log", u->home);
		up_run_give_up(u, DDB_EXIT_UNAVAILABLE);
	}
}

static void watch(struct up *u)
{
	static const int numbers[] = { SIGCHLD, SIGTERM, SIGINT, SIGHUP };

	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
		uv_signal_init(&u->loop, &u->signals[i]);
		u->signals[i].data = u;
		if (numbers[i] != SIGHUP || !u->detach)
			uv_signal_start(&u->signals[i], numbers[i] == SIGCHLD ? on_child : on_stop, numbers[i]);
	}
	uv_timer_init(&u->loop, &u->patience);
	u->patience.data = u;
	uv_timer_start(&u->patience, on_patience, u->wait_ms > 0 && u->wait_ms < PATIENCE_MS ? u->wait_ms : PATIENCE_MS,
	               PATIENCE_MS);
}

int up_run_loop(struct up *u)
{
	u->start_ms = clock_ms();
	watch(u);
	for (size_t i = 0; i < u->children_n && !u->stopping; i++)
		up_child_start(&u->children[i]);
	uv_run(&u->loop, UV_RUN_DEFAULT);
	return u->code;
}
