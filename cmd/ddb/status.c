#include "status.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ask.h"
#include "clock.h"
#include "cmd.h"
#include "exit.h"
#include "home.h"
#include "json.h"
#include "log.h"
#include "mem.h"
#include "opt.h"
#include "result.h"

#define WAIT_MS 3000
#define NUMBER_MAX 64

/* The value of an unlabelled sample, or 0. */
static double sample(struct bytes text, const char *name)
{
	struct bytes want = bytes_str(name);
	char number[NUMBER_MAX];

	while (text.n > 0) {
		const uint8_t *end = memchr(text.p, '\n', text.n);
		size_t n = end != NULL ? (size_t)(end - text.p) : text.n;
		struct bytes line = { text.p, n };

		if (bytes_starts(line, want) && n > want.n && line.p[want.n] == ' ' && n - want.n < sizeof number) {
			memcpy(number, line.p + want.n, n - want.n);
			number[n - want.n] = '\0';
			return strtod(number, NULL);
		}
		text.p += n + (end != NULL);
		text.n -= n + (end != NULL);
	}
	return 0;
}

void status_read_process(struct status_process *p, struct bytes metrics)
{
	p->cpu_s = sample(metrics, "process_cpu_seconds_total");
	p->rss_bytes = sample(metrics, "process_resident_memory_bytes");
	p->start_s = sample(metrics, "process_start_time_seconds");
}

/* No object of the list says that it is not up.  r->token is the value. */
static bool is_all_up(struct json_read *r)
{
	bool all = true;

	if (r->token != JSON_ARRAY)
		return json_read_skip(r);
	while (json_read_next(r) == JSON_OBJECT) {
		while (json_read_next(r) == JSON_KEY) {
			bool up = bytes_is(r->str, "up");

			json_read_next(r);
			all &= !(up && r->token == JSON_FALSE);
			json_read_skip(r);
		}
	}
	return all && r->token == JSON_ARRAY_END;
}

static bool read_report(struct status *s, struct bytes report)
{
	struct json_read r;
	bool good;

	json_read_init(&r, report, STATUS_DEPTH_MAX);
	good = json_read_next(&r) == JSON_OBJECT;
	while (good && json_read_next(&r) == JSON_KEY) {
		bool nodes = bytes_is(r.str, "nodes");

		json_read_next(&r);
		if (nodes)
			s->all_up = is_all_up(&r);
		else
			json_read_skip(&r);
	}
	good = good && json_read_finish(&r);
	json_read_fini(&r);
	return good;
}

void status_read_answer(struct status *s, bool answered, struct bytes answer)
{
	struct msg_admin_done m;

	if (!answered || !msg_get_admin_done(answer, &m, MSG_VERSION)) {
		buf_str(&s->why, "the control plane does not answer");
		return;
	}
	if (m.result != RESULT_OK) {
		buf_fmt(&s->why, "the control plane: %s%s%.*s", result_info(m.result)->name, m.text.n > 0 ? ": " : "",
		        (int)m.text.n, (const char *)m.text.p);
		return;
	}
	if (read_report(s, m.body))
		buf_bytes(&s->report, m.body);
	else
		buf_str(&s->why, "the control plane's report is not JSON");
}

static void gather(struct status *s)
{
	size_t admin = 0, n;
	struct ask *asks = ask_everyone(s->home, &s->cluster, MSG_metrics, &n);

	s->processes = mem_new(n * sizeof *s->processes);
	s->processes_n = n;
	/* What the processes count and what autoadmin knows are asked for at once: one that hangs costs the wait once. */
	asks = mem_resize(asks, (n + 1) * sizeof *asks);
	for (size_t i = 0; i < n; i++)
		if (strncmp(asks[i].name, "autoadmin", 9) == 0)
			admin = i;
	asks[n] = (struct ask){ .name = mem_str("status"), .addr = mem_str(asks[admin].addr), .type = MSG_admin };
	msg_put_admin(&asks[n].body, &(struct msg_admin){ .verb = BYTES_LIT("status") }, MSG_VERSION);
	ask_all(&s->cluster, asks, n + 1, WAIT_MS);
	for (size_t i = 0; i < n; i++) {
		struct msg_metrics_text m;

		s->processes[i].name = mem_str(asks[i].name);
		if (!asks[i].answered || asks[i].answer_type != MSG_metrics_text ||
		    !msg_get_metrics_text(buf_view(&asks[i].answer), &m, MSG_VERSION))
			continue;
		s->processes[i].up = true;
		s->up++;
		status_read_process(&s->processes[i], m.text);
	}
	status_read_answer(s, asks[n].answered && asks[n].answer_type == MSG_admin_done, buf_view(&asks[n].answer));
	ask_free(asks, n + 1);
}

static int show(struct status *s, bool json)
{
	struct buf out = { 0 };
	int pidfd = home_running(s->home, &s->supervisor);

	if (pidfd >= 0)
		close(pidfd);
	s->port = home_port(s->home);
	gather(s);
	if (json) {
		status_show_json(s, &out);
		fwrite(out.p, 1, out.n, stdout);
		buf_fini(&out);
	} else if (s->up == 0 && s->supervisor == 0) {
		log_err("the cluster of %s is not running; `ddb up` starts it", s->home);
	} else {
		status_show_text(s, isatty(STDOUT_FILENO) && getenv("NO_COLOR") == NULL, (double)clock_wall_us() / 1e6);
		if (s->why.n > 0)
			log_warn("%.*s", (int)s->why.n, (const char *)s->why.p);
	}
	if (fflush(stdout) != 0) {
		log_err("standard output: %m");
		return DDB_EXIT_IO;
	}
	if (s->up == 0)
		return DDB_EXIT_UNAVAILABLE;
	return s->up < s->processes_n || !s->all_up ? DDB_EXIT_NEGATIVE : DDB_EXIT_DONE;
}

int status_run(int argc, char **argv)
{
	const char *wanted = NULL;
	bool json = false;
	const struct opt opts[] = {
		OPT_STR(0, "home", "DIR", "directory of the cluster (DDB_HOME, ~/.ddb)", &wanted),
		OPT_FLAG('j', "json", "one JSON object", &json),
		OPT_END
	};
	const struct opt_usage usage = { "ddb status", NULL, "show the processes and tables of a cluster", opts, 0, 0, false };
	struct status s = { 0 };
	int code;

	opt_parse(&usage, argc, argv);
	s.home = home_find(wanted);
	if (s.home == NULL)
		return DDB_EXIT_USAGE;
	code = cluster_load(s.home, &s.cluster);
	if (code == 0) {
		code = show(&s, json);
	} else {
		if (code == 1)
			log_err("%s: no cluster here; `ddb up` makes one", s.home);
		code = DDB_EXIT_USAGE;
	}
	for (size_t i = 0; i < s.processes_n; i++)
		free(s.processes[i].name);
	free(s.processes);
	buf_fini(&s.report);
	buf_fini(&s.why);
	cluster_fini(&s.cluster);
	free(s.home);
	return code;
}
