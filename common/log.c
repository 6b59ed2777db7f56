#include "log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "bytes.h"
#include "clock.h"

/* Every thread of every module logs, so this is the process's and not a parameter of each function. */
static const char *log_program = "ddb";
static enum { STYLE_PLAIN, STYLE_JOURNAL, STYLE_FILE } log_style;
static _Atomic int log_most = LOG_LEVEL_INFO;

/* An inherited JOURNAL_STREAM says nothing of a stderr that has been redirected since. */
static bool is_journal(int fd)
{
	const char *s = getenv("JOURNAL_STREAM");
	unsigned long long dev, ino;
	struct stat st;

	return s != NULL && sscanf(s, "%llu:%llu", &dev, &ino) == 2 && fstat(fd, &st) == 0 && st.st_dev == dev &&
	       st.st_ino == ino;
}

void log_open(const char *program)
{
	log_program = program;
	log_style = isatty(STDERR_FILENO) ? STYLE_PLAIN : is_journal(STDERR_FILENO) ? STYLE_JOURNAL : STYLE_FILE;
}

void log_open_tool(const char *program)
{
	log_program = program;
	log_style = STYLE_PLAIN;
}

void log_limit(enum log_level most)
{
	atomic_store_explicit(&log_most, (int)most, memory_order_relaxed);
}

bool log_wants(enum log_level level)
{
	return (int)level <= atomic_load_explicit(&log_most, memory_order_relaxed);
}

static const char *level_name(enum log_level level)
{
	switch (level) {
	case LOG_LEVEL_ERR:
		return "err";
	case LOG_LEVEL_WARN:
		return "warn";
	case LOG_LEVEL_INFO:
		return "info";
	case LOG_LEVEL_DEBUG:
		return "debug";
	}
	return "?";
}

static size_t put_prefix(char *out, size_t cap, enum log_level level)
{
	uint64_t us = clock_wall_us();
	time_t sec = (time_t)(us / 1000000);
	char when[32];
	struct tm tm;
	int n = 0;

	switch (log_style) {
	case STYLE_PLAIN:
		n = snprintf(out, cap, "%.64s: ", log_program);
		break;
	case STYLE_JOURNAL:
		n = snprintf(out, cap, "<%d>", (int)level);
		break;
	case STYLE_FILE:
		strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%S", gmtime_r(&sec, &tm));
		n = snprintf(out, cap, "%s.%06uZ %.64s[%d] %s: ", when, (unsigned)(us % 1000000), log_program,
			     (int)getpid(), level_name(level));
		break;
	}
	return (size_t)n;
}

/* Appends text of n bytes, escaped so that it stays one line and moves no cursor. */
static size_t put_text(char *out, size_t cap, const char *text, size_t n)
{
	bool utf8 = bytes_utf8((struct bytes){ (const uint8_t *)text, n });
	size_t o = 0;

	for (size_t i = 0; i < n; i++) {
		uint8_t c = (uint8_t)text[i];
		bool c1 = utf8 && c == 0xc2 && (uint8_t)text[i + 1] < 0xa0;      /* U+0080..U+009F */
		char one[5];
		int len;

		if (c == '\n')
			len = snprintf(one, sizeof one, "\\n");
		else if (c < 0x20 || c == 0x7f || c1 || (c >= 0x80 && !utf8))
			len = snprintf(one, sizeof one, "\\x%02x", c1 ? (uint8_t)text[++i] : c);
		else
			len = snprintf(one, sizeof one, "%c", c);
		if (o + (size_t)len + 3 > cap) {
			while (o > 0 && ((uint8_t)out[o - 1] & 0xc0) == 0x80)
				o--;                     /* not half a character */
			if (o > 0 && (uint8_t)out[o - 1] >= 0xc0)
				o--;
			memcpy(out + o, "...", 3);
			return o + 3;
		}
		memcpy(out + o, one, (size_t)len);
		o += (size_t)len;
	}
	return o;
}

static void say(enum log_level level, const char *fmt, va_list ap)
{
	char text[LOG_LINE_BYTES_MAX], line[LOG_LINE_BYTES_MAX + 200];
	int keep = errno, n;
	size_t len;

	if (!log_wants(level))
		return;
	n = vsnprintf(text, sizeof text, fmt, ap);
	if (n < 0)
		n = snprintf(text, sizeof text, "(bad format) %s", fmt);
	len = (size_t)n < sizeof text ? (size_t)n : sizeof text - 1;
	if ((size_t)n >= sizeof text)
		while (len > 0 && ((uint8_t)text[len] & 0xc0) == 0x80)
			len--;
	n = (int)put_prefix(line, sizeof line - LOG_LINE_BYTES_MAX, level);
	len = (size_t)n + put_text(line + n, LOG_LINE_BYTES_MAX, text, len);
	line[len++] = '\n';
	if (write(STDERR_FILENO, line, len) < 0) {
		/* There is nobody left to tell. */
	}
	errno = keep;
}

void log_err(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(LOG_LEVEL_ERR, fmt, ap);
	va_end(ap);
}

void log_warn(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(LOG_LEVEL_WARN, fmt, ap);
	va_end(ap);
}

void log_info(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(LOG_LEVEL_INFO, fmt, ap);
	va_end(ap);
}

void log_debug(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(LOG_LEVEL_DEBUG, fmt, ap);
	va_end(ap);
}

void log_notify(const char *state)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	size_t n = path != NULL ? strlen(path) : 0;
	int fd;

	if (n < 2 || n >= sizeof to.sun_path || (path[0] != '/' && path[0] != '@'))
		return;
	memcpy(to.sun_path, path, n);
	if (path[0] == '@')
		to.sun_path[0] = '\0';                   /* an abstract name */
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0) {
		log_warn("NOTIFY_SOCKET: socket: %m");
		return;
	}
	if (sendto(fd, state, strlen(state), MSG_NOSIGNAL, (struct sockaddr *)&to,
		   (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n)) < 0)
		log_warn("NOTIFY_SOCKET: %s: %m", path);
	close(fd);
}

void log_ready(int ready_fd)
{
	if (ready_fd >= 0) {
		if (write(ready_fd, "\n", 1) < 0 && errno != EPIPE)
			log_warn("--ready-fd %d: %m", ready_fd);
		close(ready_fd);
	}
	log_notify("READY=1");
}
