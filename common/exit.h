/*
 * exit: the exit codes of every program, one table.
 * ddb-exit(7) says the same in more words; a test compares the two.
 */
#ifndef COMMON_EXIT_H
#define COMMON_EXIT_H

/* code, name, meaning */
#define EXIT_TABLE(CODE)                                                                                               \
	CODE(0, DONE, "done")                                                                                          \
	CODE(1, NEGATIVE, "negative answer: not found, condition false, integrity problem proven")                     \
	CODE(2, USAGE, "usage or configuration error")                                                                 \
	CODE(3, INCOMPLETE, "incomplete but clean")                                                                    \
	CODE(4, UNAVAILABLE, "unavailable after retries")                                                              \
	CODE(5, REFUSED, "credentials or TLS refused")                                                                 \
	CODE(6, BUSY, "lock busy")                                                                                     \
	CODE(7, FENCED, "fenced: another has taken over")                                                              \
	CODE(8, WINDOW, "outside the recoverable window")                                                              \
	CODE(9, IO, "local I/O error or out of memory")                                                                \
	CODE(10, LINES, "some input lines were refused")

enum exit_code {
#define CODE(number, name, meaning) DDB_EXIT_##name = number,
	EXIT_TABLE(CODE)
#undef CODE
};

const char *exit_name(int code);                         /* "DONE"; NULL if the code is not ours */
const char *exit_meaning(int code);                      /* "done"; NULL if the code is not ours */

#endif
