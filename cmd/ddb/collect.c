#include "collect.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ask.h"
#include "cmd.h"
#include "exit.h"
#include "home.h"
#include "log.h"
#include "mem.h"
#include "opt.h"

#define FAMILIES_MAX 4096
#define WAIT_MS 3000

struct family {
	struct bytes name;                               /* owned */
	struct buf head, samples;
};

struct collect {
	struct family *families;
	size_t n;
};

struct collect *collect_new(void)
{
	return mem_new(sizeof(struct collect));
}

void collect_free(struct collect *c)
{
	if (c == NULL)
		return;
	for (size_t i = 0; i < c->n; i++) {
		free((void *)(uintptr_t)c->families[i].name.p);
		buf_fini(&c->families[i].head);
		buf_fini(&c->families[i].samples);
	}
	free(c->families);
	free(c);
}

static struct bytes next_line(struct bytes *text)
{
	const uint8_t *end = memchr(text->p, '\n', text->n);
	struct bytes line = { text->p, end != NULL ? (size_t)(end - text->p) : text->n };
	size_t used = line.n + (end != NULL);

	text->p += used;
	text->n -= used;
	return line;
}

/* The name in "# HELP name text" or "# TYPE name counter"; empty if the line is neither. */
static struct bytes comment_name(struct bytes line)
{
	const uint8_t *end;

	if (!bytes_starts(line, BYTES_LIT("# HELP ")) && !bytes_starts(line, BYTES_LIT("# TYPE ")))
		return BYTES_NONE;
	line.p += 7;
	line.n -= 7;
	end = memchr(line.p, ' ', line.n);
	return end != NULL ? (struct bytes){ line.p, (size_t)(end - line.p) } : line;
}

static struct family *family(struct collect *c, struct bytes name, bool *is_new)
{
	*is_new = false;
	for (size_t i = 0; i < c->n; i++)
		if (bytes_eq(c->families[i].name, name))
			return &c->families[i];
	if (c->n == FAMILIES_MAX)
		return NULL;
	*is_new = true;
	c->families = mem_resize(c->families, (c->n + 1) * sizeof *c->families);
	c->families[c->n] = (struct family){ .name = bytes_copy(name) };
	return &c->families[c->n++];
}

/* name{labels} value, or name value */
static void put_sample(struct buf *b, struct bytes line, const char *instance)
{
	size_t i = 0;

	while (i < line.n && line.p[i] != '{' && line.p[i] != ' ')
		i++;
	buf_bytes(b, (struct bytes){ line.p, i });
	buf_fmt(b, "{instance=\"%s\"", instance);
	if (i < line.n && line.p[i] == '{') {
		i++;
		buf_str(b, i < line.n && line.p[i] != '}' ? "," : "");
	} else {
		buf_str(b, "}");
	}
	buf_bytes(b, (struct bytes){ line.p + i, line.n - i });
	buf_str(b, "\n");
}

void collect_add(struct collect *c, const char *instance, struct bytes text)
{
	struct family *f = NULL;
	bool is_new = false;

	while (text.n > 0) {
		struct bytes line = next_line(&text), name = comment_name(line);

		if (name.n > 0 && (f == NULL || !bytes_eq(f->name, name)))
			f = family(c, name, &is_new);
		if (f == NULL || line.n == 0)
			continue;
		if (line.p[0] != '#') {
			put_sample(&f->samples, line, instance);
		} else if (is_new && name.n > 0) {
			buf_bytes(&f->head, line);
			buf_str(&f->head, "\n");
		}
	}
}

void collect_print(const struct collect *c, struct buf *out)
{
	for (size_t i = 0; i < c->n; i++) {
		buf_bytes(out, buf_view(&c->families[i].head));
		buf_bytes(out, buf_view(&c->families[i].samples));
	}
}

/* --- the command */

static int print_all(const char *home, const struct cluster *cluster)
{
	struct collect *c = collect_new();
	struct buf out = { 0 };
	size_t n, answered = 0;
	struct ask *asks = ask_everyone(home, cluster, MSG_metrics, &n);
	int code = DDB_EXIT_DONE;

	ask_all(cluster, asks, n, WAIT_MS);
	for (size_t i = 0; i < n; i++) {
		struct msg_metrics_text m;

		if (asks[i].answered && asks[i].answer_type == MSG_metrics_text &&
		    msg_get_metrics_text(buf_view(&asks[i].answer), &m, MSG_VERSION)) {
			collect_add(c, asks[i].name, m.text);
			answered++;
		} else {
			log_warn("%s does not answer", asks[i].name);
		}
	}
	collect_print(c, &out);
	if (fwrite(out.p, 1, out.n, stdout) != out.n || fflush(stdout) != 0) {
		log_err("standard output: %m");
		code = DDB_EXIT_IO;
	} else if (answered < n) {
		code = answered == 0 ? DDB_EXIT_UNAVAILABLE : DDB_EXIT_NEGATIVE;
	}
	buf_fini(&out);
	ask_free(asks, n);
	collect_free(c);
	return code;
}

int collect_run(int argc, char **argv)
{
	const char *wanted = NULL;
	const struct opt opts[] = {
		OPT_STR(0, "home", "DIR", "directory of the cluster (DDB_HOME, ~/.ddb)", &wanted),
		OPT_END
	};
	const struct opt_usage usage = { "ddb metrics", NULL, "print what every process counts, as Prometheus reads it", opts, 0, 0, false };
	struct cluster cluster;
	char *home;
	int code;

	opt_parse(&usage, argc, argv);
	home = home_find(wanted);
	if (home == NULL)
		return DDB_EXIT_USAGE;
	code = cluster_load(home, &cluster);
	if (code == 0) {
		code = print_all(home, &cluster);
		cluster_fini(&cluster);
	} else {
		if (code == 1)
			log_err("%s: no cluster here; `ddb up` makes one", home);
		code = DDB_EXIT_USAGE;
	}
	free(home);
	return code;
}
