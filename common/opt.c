#include "opt.h"

#include <assert.h>
#include <ctype.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exit.h"
#include "mem.h"

#define OPT_HELP_COLUMN 28                               /* help texts start here at the latest */
#define OPT_NAME_MAX 32
#define OPT_NEAR_MAX 2                                   /* edits between a typing error and what was meant */

struct unit {
	const char *name;
	uint64_t times;
};

static const struct unit units_ms[] = { { "ms", 1 }, { "s", 1000 }, { "", 1000 }, { "m", 60000 }, { "h", 3600000 },
	{ "d", 86400000 }, { NULL, 0 } };
static const struct unit units_size[] = { { "", 1 }, { "B", 1 }, { "K", 1 << 10 }, { "M", 1 << 20 }, { "G", 1 << 30 },
	{ "T", (uint64_t)1 << 40 }, { NULL, 0 } };
static const struct unit units_none[] = { { "", 1 }, { NULL, 0 } };

static bool read_number(const char *s, const struct unit *units, uint64_t *v)
{
	uint64_t n = 0;

	if (!isdigit((unsigned char)*s))
		return false;
	for (; isdigit((unsigned char)*s); s++)
		if (__builtin_mul_overflow(n, 10, &n) || __builtin_add_overflow(n, (uint64_t)(*s - '0'), &n))
			return false;
	while (units->name != NULL && strcmp(units->name, s) != 0)
		units++;
	if (units->name == NULL || __builtin_mul_overflow(n, units->times, &n))
		return false;
	*v = n;
	return true;
}

bool opt_u64(const char *s, uint64_t *v)
{
	return read_number(s, units_none, v);
}

bool opt_ms(const char *s, uint64_t *v)
{
	return read_number(s, units_ms, v);
}

bool opt_size(const char *s, uint64_t *v)
{
	return read_number(s, units_size, v);
}

static const struct unit *units_of(enum opt_type type)
{
	return type == OPT_TYPE_MS ? units_ms : type == OPT_TYPE_SIZE ? units_size : units_none;
}

/* In the largest unit that leaves no remainder. */
static void put_number(struct buf *out, enum opt_type type, uint64_t v)
{
	const struct unit *best = NULL;

	for (const struct unit *u = units_of(type); u->name != NULL; u++)
		if (v % u->times == 0 && (best == NULL || u->times > best->times))
			best = u;
	if (v == 0)
		best = units_none;
	buf_fmt(out, "%" PRIu64 "%s", v / best->times, best->name);
}

/* Edits (insert, remove, replace, swap neighbours) that make b of a; names longer than OPT_NAME_MAX are far away. */
static unsigned distance(const char *a, const char *b)
{
	size_t an = strlen(a), bn = strlen(b);
	unsigned d[OPT_NAME_MAX + 1][OPT_NAME_MAX + 1];

	if (an > OPT_NAME_MAX || bn > OPT_NAME_MAX)
		return OPT_NAME_MAX;
	for (size_t i = 0; i <= an; i++)
		for (size_t j = 0; j <= bn; j++) {
			unsigned best;

			if (i == 0 || j == 0) {
				d[i][j] = (unsigned)(i + j);
				continue;
			}
			best = d[i - 1][j - 1] + (a[i - 1] != b[j - 1]);
			if (d[i - 1][j] + 1 < best)
				best = d[i - 1][j] + 1;
			if (d[i][j - 1] + 1 < best)
				best = d[i][j - 1] + 1;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
			    d[i - 2][j - 2] + 1 < best)
				best = d[i - 2][j - 2] + 1;
			d[i][j] = best;
		}
	return d[an][bn];
}

static unsigned near_max(const char *name)
{
	return strlen(name) < 4 ? 1 : OPT_NEAR_MAX;
}

/* By name of n bytes if name is set, else by letter. */
static const struct opt *find(const struct opt *o, const char *name, size_t n, char letter)
{
	const struct opt *f;

	for (; o != NULL && o->type != OPT_TYPE_END; o++) {
		if (o->type == OPT_TYPE_TABLE) {
			if ((f = find(o->to.table, name, n, letter)) != NULL)
				return f;
		} else if (name != NULL ? strlen(o->name) == n && memcmp(o->name, name, n) == 0 : o->letter == letter) {
			return o;
		}
	}
	return NULL;
}

static void find_near(const struct opt *o, const char *name, const char **best, unsigned *best_d)
{
	for (; o != NULL && o->type != OPT_TYPE_END; o++) {
		unsigned d;

		if (o->type == OPT_TYPE_TABLE) {
			find_near(o->to.table, name, best, best_d);
		} else if (o->help != NULL && (d = distance(name, o->name)) < *best_d) {
			*best = o->name;
			*best_d = d;
		}
	}
}

static int fail_unknown(const struct opt_usage *u, const char *name, size_t n, struct buf *say)
{
	char *copy = mem_copy(name, n);
	unsigned d = near_max(copy) + 1;
	const char *close = NULL;

	find_near(u->opts, copy, &close, &d);
	buf_fmt(say, "unknown option --%s", copy);
	if (close != NULL)
		buf_fmt(say, "; is --%s meant?", close);
	free(copy);
	return OPT_BAD;
}

static int set_number(const struct opt *o, const char *value, struct buf *say)
{
	uint64_t v;

	if (read_number(value, units_of(o->type), &v) && v >= o->min && v <= o->max) {
		*o->to.u64 = v;
		return 0;
	}
	buf_fmt(say, "--%s: \"%s\" is not a %s from ", o->name, value,
		o->type == OPT_TYPE_MS ? "time" : o->type == OPT_TYPE_SIZE ? "size" : "number");
	put_number(say, o->type, o->min);
	buf_str(say, " to ");
	put_number(say, o->type, o->max);
	return OPT_BAD;
}

static int set(const struct opt *o, const char *value, struct buf *say)
{
	switch (o->type) {
	case OPT_TYPE_FLAG:
		*o->to.flag = true;
		return 0;
	case OPT_TYPE_STR:
		*o->to.str = value;
		return 0;
	case OPT_TYPE_LIST:
		if (o->to.list->n == OPT_LIST_MAX) {
			buf_fmt(say, "--%s: given more than %d times", o->name, OPT_LIST_MAX);
			return OPT_BAD;
		}
		o->to.list->v[o->to.list->n++] = value;
		return 0;
	case OPT_TYPE_U64:
	case OPT_TYPE_MS:
	case OPT_TYPE_SIZE:
		return set_number(o, value, say);
	case OPT_TYPE_CHOICE:
		for (int i = 0; o->choices[i] != NULL; i++)
			if (strcmp(o->choices[i], value) == 0) {
				*o->to.choice = i;
				return 0;
			}
		buf_fmt(say, "--%s: \"%s\" is not one of", o->name, value);
		for (int i = 0; o->choices[i] != NULL; i++)
			buf_fmt(say, " %s", o->choices[i]);
		return OPT_BAD;
	case OPT_TYPE_END:
	case OPT_TYPE_TABLE:
		break;
	}
	assert(!"a row of an option table has no type");
	return OPT_BAD;
}

static int say_version(const struct opt_usage *u, struct buf *say)
{
	buf_fmt(say, "%s %s\n", u->program, DDB_VERSION);
	return OPT_TOLD;
}

static int say_help(const struct opt_usage *u, struct buf *say)
{
	opt_help(u, say);
	return OPT_TOLD;
}

/* argv[*i] is "--name" or "--name=value".  May take argv[*i + 1]. */
static int read_long(const struct opt_usage *u, int argc, char **argv, int *i, struct buf *say)
{
	const char *name = argv[*i] + 2, *eq = strchr(name, '='), *value = NULL;
	size_t n = eq != NULL ? (size_t)(eq - name) : strlen(name);
	const struct opt *o = find(u->opts, name, n, 0);

	if (o == NULL && strcmp(name, "help") == 0)
		return say_help(u, say);
	if (o == NULL && strcmp(name, "version") == 0)
		return say_version(u, say);
	if (o == NULL)
		return fail_unknown(u, name, n, say);
	if (o->type == OPT_TYPE_FLAG && eq != NULL) {
		buf_fmt(say, "--%s: takes no value", o->name);
		return OPT_BAD;
	}
	if (o->type != OPT_TYPE_FLAG) {
		value = eq != NULL ? eq + 1 : *i + 1 < argc ? argv[++*i] : NULL;
		if (value == NULL) {
			buf_fmt(say, "--%s: needs a value, %s", o->name, o->arg);
			return OPT_BAD;
		}
	}
	return set(o, value, say);
}

/* argv[*i] is "-xyz": flags, of which the last may be an option with the rest, or argv[*i + 1], as its value. */
static int read_short(const struct opt_usage *u, int argc, char **argv, int *i, struct buf *say)
{
	for (const char *p = argv[*i] + 1; *p != '\0'; p++) {
		const struct opt *o = find(u->opts, NULL, 0, *p);
		int rc;

		if (o == NULL && *p == 'h')
			return say_help(u, say);
		if (o == NULL) {
			buf_fmt(say, "unknown option -%c", *p);
			return OPT_BAD;
		}
		if (o->type != OPT_TYPE_FLAG) {
			const char *value = p[1] != '\0' ? p + 1 : *i + 1 < argc ? argv[++*i] : NULL;

			if (value != NULL)
				return set(o, value, say);
			buf_fmt(say, "-%c: needs a value, %s", *p, o->arg);
			return OPT_BAD;
		}
		if ((rc = set(o, NULL, say)) < 0)
			return rc;
	}
	return 0;
}

static bool is_operand(const struct opt_usage *u, const char *s)
{
	return s[0] != '-' || s[1] == '\0' || (isdigit((unsigned char)s[1]) && find(u->opts, NULL, 0, s[1]) == NULL);
}

int opt_read(const struct opt_usage *u, int argc, char **argv, struct buf *say)
{
	char **operands = mem_new((size_t)argc * sizeof *operands);
	int n = 0, to = 1, rc = 0;

	for (int i = 1; i < argc && rc >= 0; i++) {
		bool end = strcmp(argv[i], "--") == 0;
		int first = i;

		if (end)
			argv[to++] = argv[i++];
		if (end || (u->stop && is_operand(u, argv[i]))) {
			while (i < argc)
				operands[n++] = argv[i++];
			break;
		}
		if (is_operand(u, argv[i])) {
			operands[n++] = argv[i];
			continue;
		}
		rc = argv[i][1] == '-' ? read_long(u, argc, argv, &i, say) : read_short(u, argc, argv, &i, say);
		for (; rc == 0 && first <= i; first++)
			argv[to++] = argv[first];
	}
	if (rc == 0 && (n < u->operands_min || (u->operands_max >= 0 && n > u->operands_max))) {
		if (n < u->operands_min)
			buf_fmt(say, "missing %s", u->operands);
		else
			buf_fmt(say, "unexpected \"%s\"", operands[u->operands_max]);
		rc = OPT_BAD;
	}
	if (rc == 0)
		memcpy(argv + to, operands, (size_t)n * sizeof *operands);
	free(operands);
	return rc < 0 ? rc : to;
}

static void put_row(struct buf *out, const char *left, const char *help, size_t column)
{
	size_t n = strlen(left);

	buf_str(out, left);
	if (n + 2 > column) {
		buf_str(out, "\n");
		n = 0;
	}
	buf_fmt(out, "%*s%s\n", (int)(column - n), "", help);
}

static void left_of(const struct opt *o, char *left, size_t cap)
{
	char letter[8] = "    ";

	if (o->letter != 0)
		snprintf(letter, sizeof letter, "-%c, ", o->letter);
	snprintf(left, cap, "  %s--%s%s%s", letter, o->name, o->arg != NULL ? " " : "", o->arg != NULL ? o->arg : "");
}

/* Prints the rows, or with out NULL finds how wide their left sides are. */
static size_t rows(const struct opt *o, struct buf *out, size_t column)
{
	char left[128];

	for (; o != NULL && o->type != OPT_TYPE_END; o++) {
		if (o->type == OPT_TYPE_TABLE) {
			column = rows(o->to.table, out, column);
			continue;
		}
		if (o->help == NULL)
			continue;
		left_of(o, left, sizeof left);
		if (out != NULL)
			put_row(out, left, o->help, column);
		else if (strlen(left) + 2 > column && strlen(left) + 2 <= OPT_HELP_COLUMN)
			column = strlen(left) + 2;
	}
	return column;
}

void opt_help(const struct opt_usage *u, struct buf *out)
{
	bool h = find(u->opts, NULL, 0, 'h') == NULL;
	size_t column = rows(u->opts, NULL, strlen("      --version  "));

	buf_fmt(out, "usage: %s [OPTION...]%s%s\n%s\n\n", u->program, u->operands != NULL ? " " : "",
		u->operands != NULL ? u->operands : "", u->what);
	rows(u->opts, out, column);
	put_row(out, h ? "  -h, --help" : "      --help", "print this and exit", column);
	put_row(out, "      --version", "print the version and exit", column);
}

void opt_fail(const struct opt_usage *u, const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "%s: ", u->program);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fprintf(stderr, "; try %s --help\n", u->program);
	exit(DDB_EXIT_USAGE);
}

int opt_parse(const struct opt_usage *u, int argc, char **argv)
{
	struct buf say = { 0 };
	int i = opt_read(u, argc, argv, &say);

	if (i == OPT_BAD)
		opt_fail(u, "%.*s", (int)say.n, (const char *)say.p);
	if (i == OPT_TOLD) {
		bool wrote = fwrite(say.p, 1, say.n, stdout) == say.n && fflush(stdout) == 0;

		exit(wrote ? DDB_EXIT_DONE : DDB_EXIT_IO);
	}
	buf_fini(&say);
	return i;
}

const struct opt_command *opt_command(const struct opt_command *table, const char *name)
{
	const struct opt_command *found = NULL;

	for (const struct opt_command *c = table; c->name != NULL; c++) {
		assert(c == table || strcmp(c[-1].name, c->name) < 0);
		if (strcmp(c->name, name) == 0)
			found = c;
	}
	return found;
}

const char *opt_command_near(const struct opt_command *table, const char *name)
{
	const char *best = NULL;
	unsigned best_d = near_max(name) + 1, d;

	for (; table->name != NULL; table++)
		if (table->what != NULL && (d = distance(name, table->name)) < best_d) {
			best = table->name;
			best_d = d;
		}
	return best;
}

void opt_commands(const struct opt_command *table, struct buf *out)
{
	size_t column = 0;
	char left[64];

	for (const struct opt_command *c = table; c->name != NULL; c++)
		if (c->what != NULL && strlen(c->name) + 4 > column)
			column = strlen(c->name) + 4;
	for (; table->name != NULL; table++) {
		if (table->what == NULL)
			continue;
		snprintf(left, sizeof left, "  %s", table->name);
		put_row(out, left, table->what, column);
	}
}
