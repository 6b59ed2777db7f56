/*
 * opt: options, usage and sub-commands, each from one table.
 *
 *	static struct { const char *home; uint64_t lease_ms; bool typed; } o = { .lease_ms = 1000 };
 *	static const struct opt opts[] = {
 *		OPT_STR(0, "home", "DIR", "directory of the cluster", &o.home),
 *		OPT_MS(0, "lease", "TIME", "how long a leader may serve unheard", &o.lease_ms, 100, 60000),
 *		OPT_FLAG(0, "typed", "items with their types", &o.typed),
 *		OPT_END
 *	};
 *	static const struct opt_usage usage = { "ddb get", "TABLE KEY [SORT]", "print one item", opts, 2, 3, false };
 *	int i = opt_parse(&usage, argc, argv);           // argv[i]..argv[argc-1] are the operands
 *
 * Accepted: --name value, --name=value, -n value, -nvalue, -xyz for flags, -- ends the options, a lone - is an operand,
 * and so is -5 unless some letter is a digit.  Options may follow operands.  --help and --version are always there,
 * and -h is --help unless some row takes the letter.
 * A target keeps the value it had when its option is not given: that is the default.  The last of equal options wins.
 * Does not: copy what argv holds, read the environment, accept shortened names.
 */
#ifndef COMMON_OPT_H
#define COMMON_OPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bytes.h"

#define OPT_LIST_MAX 64                                  /* how often one OPT_LIST option may be given */

struct opt_list {
	const char *v[OPT_LIST_MAX];
	size_t n;
};

enum opt_type {
	OPT_TYPE_END,
	OPT_TYPE_FLAG,
	OPT_TYPE_STR,
	OPT_TYPE_LIST,
	OPT_TYPE_U64,
	OPT_TYPE_MS,
	OPT_TYPE_SIZE,
	OPT_TYPE_CHOICE,
	OPT_TYPE_TABLE,
};

/* One row.  Write rows with the macros below: they check the target's type. */
struct opt {
	enum opt_type type;
	char letter;                                     /* 0: no one-letter form */
	const char *name;                                /* without the dashes */
	const char *arg;                                 /* "FILE"; NULL for a flag */
	const char *help;                                /* one line; NULL hides the option from --help */
	union {
		bool *flag;
		const char **str;
		struct opt_list *list;
		uint64_t *u64;
		int *choice;
		const struct opt *table;
	} to;
	uint64_t min, max;                               /* numbers, times (ms) and sizes (bytes); both inclusive */
	const char *const *choices;                      /* NULL ends; the target gets the index */
};

#define OPT_FLAG(letter, name, help, target) { OPT_TYPE_FLAG, letter, name, NULL, help, { .flag = target }, 0, 0, NULL }
#define OPT_STR(letter, name, arg, help, target) \
	{ OPT_TYPE_STR, letter, name, arg, help, { .str = target }, 0, 0, NULL }
#define OPT_LIST(letter, name, arg, help, target) \
	{ OPT_TYPE_LIST, letter, name, arg, help, { .list = target }, 0, 0, NULL }
#define OPT_U64(letter, name, arg, help, target, min, max) \
	{ OPT_TYPE_U64, letter, name, arg, help, { .u64 = target }, min, max, NULL }
/* 500ms 10s 5m 2h 7d, or a bare number of seconds; the target is in milliseconds, and so are min and max */
#define OPT_MS(letter, name, arg, help, target, min, max) \
	{ OPT_TYPE_MS, letter, name, arg, help, { .u64 = target }, min, max, NULL }
/* 4096 16K 16M 1G 1T, powers of 1024; the target is in bytes */
#define OPT_SIZE(letter, name, arg, help, target, min, max) \
	{ OPT_TYPE_SIZE, letter, name, arg, help, { .u64 = target }, min, max, NULL }
#define OPT_CHOICE(letter, name, arg, help, target, choices) \
	{ OPT_TYPE_CHOICE, letter, name, arg, help, { .choice = target }, 0, 0, choices }
/* All rows of another table, so that programs share some. */
#define OPT_TABLE(more) { OPT_TYPE_TABLE, 0, NULL, NULL, NULL, { .table = more }, 0, 0, NULL }
#define OPT_END { OPT_TYPE_END, 0, NULL, NULL, NULL, { NULL }, 0, 0, NULL }

struct opt_usage {
	const char *program;                             /* "ddb-node", or "ddb put" for a sub-command */
	const char *operands;                            /* "TABLE KEY [SORT]"; NULL: none */
	const char *what;                                /* one line that says what the program does */
	const struct opt *opts;
	int operands_min, operands_max;                  /* max < 0: any number */
	bool stop;                                       /* the first operand ends the options (it is a sub-command) */
};

/*
 * Read the options of argv[1..] into their targets and move the operands to the end of argv, in order.
 * Returns the index of the first operand (argc if none).  After --help or --version prints to stdout and exits 0; after
 * a mistake prints one line and a hint to stderr and exits DDB_EXIT_USAGE.
 */
int opt_parse(const struct opt_usage *u, int argc, char **argv);

/*
 * The same without exits.  Returns the index, or OPT_TOLD with the help or the version in say, or OPT_BAD with one line
 * in say that names what is wrong.  Targets may have been set in either case.
 */
#define OPT_TOLD (-1)
#define OPT_BAD (-2)
int opt_read(const struct opt_usage *u, int argc, char **argv, struct buf *say);

void opt_help(const struct opt_usage *u, struct buf *out);               /* what --help prints */
void opt_fail(const struct opt_usage *u, const char *fmt, ...)           /* says it as opt_parse does; exits 2 */
	__attribute__((format(printf, 2, 3), noreturn));

/* Whole strings only; false leaves *v unchanged.  No sign, no blanks, no overflow. */
bool opt_u64(const char *s, uint64_t *v);
bool opt_ms(const char *s, uint64_t *v);
bool opt_size(const char *s, uint64_t *v);

/* Sub-commands.  A table is sorted by name (asserted) and ends with a NULL name. */
struct opt_command {
	const char *name;
	const char *what;                                /* one line; NULL hides the command from the list */
	int (*run)(int argc, char **argv);               /* argv[0] is the command; returns an exit code */
};

const struct opt_command *opt_command(const struct opt_command *table, const char *name);   /* NULL: unknown */
const char *opt_command_near(const struct opt_command *table, const char *name);   /* a likely meaning, or NULL */
void opt_commands(const struct opt_command *table, struct buf *out);     /* "  name  what" lines */

#endif
