/*
 * log: events to stderr, one line each.
 * On a terminal: "program: text".  Into the journal (JOURNAL_STREAM names stderr's file): "<N>text", N as in syslog(3).
 * Otherwise: "2024-05-04T03:02:01.123456Z program[pid] level: text".  Control characters are escaped (\n, \x1b), a
 * longer text than LOG_LINE_BYTES_MAX is cut with "...".  One write(2) an event; any thread may log.  errno is kept,
 * and %m prints it.
 * Does not: fail, block the caller on a full pipe for longer than the kernel does, keep files.
 */
#ifndef COMMON_LOG_H
#define COMMON_LOG_H

#include <stdbool.h>

#define LOG_LINE_BYTES_MAX 2048

enum log_level { LOG_LEVEL_ERR = 3, LOG_LEVEL_WARN = 4, LOG_LEVEL_INFO = 6, LOG_LEVEL_DEBUG = 7 };

void log_open(const char *program);                      /* first in main; program is kept, not copied */
void log_open_tool(const char *program);                 /* the same for what people and scripts call: "program: text" anywhere */
void log_limit(enum log_level most);                     /* drop what is more talkative; INFO until called */
bool log_wants(enum log_level level);

void log_err(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_debug(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/*
 * Say that the program serves: a newline on ready_fd, which is then closed (none if < 0), and READY=1 to NOTIFY_SOCKET
 * if that is set.  A supervisor that has gone is not an error.
 */
void log_ready(int ready_fd);

/* Tell systemd something else, as "STOPPING=1" or "STATUS=...".  Nothing if NOTIFY_SOCKET is not set. */
void log_notify(const char *state);

#endif
