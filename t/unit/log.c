/* Covers: common/log.c, common/clock.c */
#include "log.h"

#include <errno.h>
#include <pthread.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "check.h"
#include "clock.h"

static char told[65536];

/* What fn writes to stderr, as a string in told. */
static void capture(void (*fn)(void), bool journal)
{
	int p[2], keep = dup(STDERR_FILENO);
	char stream[64];
	struct stat st;
	ssize_t n;

	if (pipe(p) < 0 || fstat(p[1], &st) < 0)
		abort();
	snprintf(stream, sizeof stream, "%llu:%llu", (unsigned long long)st.st_dev,
		 (unsigned long long)st.st_ino + !journal);
	setenv("JOURNAL_STREAM", stream, 1);
	dup2(p[1], STDERR_FILENO);
	close(p[1]);
	log_open("prog");
	fn();
	dup2(keep, STDERR_FILENO);
	close(keep);
	n = read(p[0], told, sizeof told - 1);
	told[n > 0 ? n : 0] = '\0';
	close(p[0]);
	unsetenv("JOURNAL_STREAM");
	log_limit(LOG_LEVEL_INFO);
}

static void say_levels(void)
{
	log_err("one %d", 1);
	log_warn("two");
	log_info("three");
	log_debug("four");
}

TEST(journal_lines_carry_their_priority)
{
	capture(say_levels, true);
	CHECK_STR(told, "<3>one 1\n<4>two\n<6>three\n");
}

TEST(file_lines_carry_time_program_and_level)
{
	int year, pid, n = 0;

	capture(say_levels, false);
	CHECK_INT(sscanf(told, "%d-%*2d-%*2dT%*2d:%*2d:%*2d.%*6dZ prog[%d] err: one 1\n%n", &year, &pid, &n), 2);
	CHECK(n > 0);
	CHECK(year >= 2024);
	CHECK_INT(pid, getpid());
}

static void say_debug(void)
{
	log_limit(LOG_LEVEL_DEBUG);
	log_debug("more");
	log_limit(LOG_LEVEL_ERR);
	log_warn("less");
}

TEST(limit_is_obeyed)
{
	capture(say_debug, true);
	CHECK_STR(told, "<7>more\n");
}

static void say_controls(void)
{
	log_info("a\nb\tc\x1b[2J\x7f caf\xc3\xa9");
	log_info("\xc2\x9b" "31m");
	log_info("bad \xff\xc3");
}

TEST(control_characters_stay_on_one_line)
{
	capture(say_controls, true);
	CHECK_STR(told, "<6>a\\nb\\x09c\\x1b[2J\\x7f caf\xc3\xa9\n<6>\\x9b31m\n<6>bad \\xff\\xc3\n");
}

static void say_long(void)
{
	char s[3 * LOG_LINE_BYTES_MAX];

	memset(s, 'x', sizeof s - 1);
	s[sizeof s - 1] = '\0';
	log_info("%s", s);
	for (size_t i = 0; i + 2 < sizeof s; i += 2)
		memcpy(s + i, "\xc3\xa9", 2);
	s[sizeof s - 2] = '\0';
	log_info("%s", s);
	log_info("x%s", s);
	memset(s, '\n', sizeof s - 1);
	log_info("%s", s);
}

TEST(long_texts_are_cut_at_a_character)
{
	char *line = told, *end;
	int lines = 0;

	capture(say_long, true);
	for (; (end = strchr(line, '\n')) != NULL; line = end + 1, lines++) {
		CHECK(end - line > LOG_LINE_BYTES_MAX - 8);
		CHECK(end - line <= LOG_LINE_BYTES_MAX + 3);
		CHECK(memcmp(end - 3, "...", 3) == 0);
		CHECK((unsigned char)end[-4] != 0xc3);
	}
	CHECK_INT(lines, 4);
}

static void say_errno(void)
{
	errno = ENOSPC;
	log_err("wal: %m");
	CHECK_INT(errno, ENOSPC);
}

TEST(errno_is_printed_and_kept)
{
	capture(say_errno, true);
	CHECK_STR(told, "<3>wal: No space left on device\n");
}

static void *say_much(void *arg)
{
	for (int i = 0; i < 100; i++)
		log_info("%s", (const char *)arg);
	return NULL;
}

static void say_threads(void)
{
	pthread_t t[2];

	pthread_create(&t[0], NULL, say_much, (void *)"aaaaaaaaaa");
	pthread_create(&t[1], NULL, say_much, (void *)"bbbbbbbbbb");
	pthread_join(t[0], NULL);
	pthread_join(t[1], NULL);
}

TEST(threads_do_not_mix_lines)
{
	int good = 0;

	capture(say_threads, true);
	for (char *line = told, *end; (end = strchr(line, '\n')) != NULL; line = end + 1)
		good += strncmp(line, "<6>aaaaaaaaaa\n", 14) == 0 || strncmp(line, "<6>bbbbbbbbbb\n", 14) == 0;
	CHECK_INT(good, 200);
}

TEST(ready_writes_a_newline_and_closes)
{
	int p[2];
	char c[2];

	CHECK(pipe(p) == 0);
	log_ready(p[1]);
	CHECK_INT(read(p[0], c, 2), 1);
	CHECK_INT(c[0], '\n');
	CHECK_INT(read(p[0], c, 2), 0);
	close(p[0]);
	log_ready(-1);
}

TEST(ready_tells_systemd)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int s = socket(AF_UNIX, SOCK_DGRAM, 0);
	char got[64] = "", env[64];
	socklen_t n;

	snprintf(env, sizeof env, "@ddb-test-%d", (int)getpid());
	n = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(env));
	memcpy(a.sun_path, env, strlen(env));
	a.sun_path[0] = '\0';
	CHECK(bind(s, (struct sockaddr *)&a, n) == 0);
	setenv("NOTIFY_SOCKET", env, 1);
	log_ready(-1);
	CHECK_INT(recv(s, got, sizeof got - 1, MSG_DONTWAIT), 7);
	CHECK_STR(got, "READY=1");
	unsetenv("NOTIFY_SOCKET");
	log_ready(-1);
	CHECK_INT(recv(s, got, sizeof got - 1, MSG_DONTWAIT), -1);
	close(s);
}

TEST(clocks_go_forward)
{
	uint64_t a = clock_us(), b = clock_us(), ms = clock_ms();
	char id[CLOCK_BOOT_ID_MAX];

	CHECK(b >= a);
	CHECK(ms >= a / 1000 && ms < a / 1000 + 10000);
	CHECK(clock_wall_us() > UINT64_C(1700000000000000));
	clock_boot_id(id);
	CHECK_INT(strlen(id), 36);
}

CHECK_MAIN(X(journal_lines_carry_their_priority) X(file_lines_carry_time_program_and_level) X(limit_is_obeyed)
	   X(control_characters_stay_on_one_line) X(long_texts_are_cut_at_a_character) X(errno_is_printed_and_kept)
	   X(threads_do_not_mix_lines) X(ready_writes_a_newline_and_closes) X(ready_tells_systemd) X(clocks_go_forward))
