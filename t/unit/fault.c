/* Covers: common/fault.c */
#include "fault.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "clock.h"

TEST(unarmed_never_strikes)
{
	CHECK_INT(fault_arm(NULL), 0);
	CHECK(!fault_armed);
	CHECK_INT(fault_arm(""), 0);
	CHECK_INT(fault_hit("wal.sync"), 0);
}

TEST(every_hit_of_the_name_fails)
{
	CHECK_INT(fault_arm("wal.sync:EIO"), 0);
	CHECK_INT(fault_hit("wal.sync"), EIO);
	CHECK_INT(fault_hit("wal.sync"), EIO);
	CHECK_INT(fault_hit("wal.synch"), 0);
	CHECK_INT(fault_hit("wal"), 0);
}

TEST(the_nth_hit_alone_fails)
{
	CHECK_INT(fault_arm("a:ENOSPC:2,b:EAGAIN:3+"), 0);
	CHECK_INT(fault_hit("a"), 0);
	CHECK_INT(fault_hit("a"), ENOSPC);
	CHECK_INT(fault_hit("a"), 0);
	CHECK_INT(fault_hit("b"), 0);
	CHECK_INT(fault_hit("b"), 0);
	CHECK_INT(fault_hit("b"), EAGAIN);
	CHECK_INT(fault_hit("b"), EAGAIN);
}

TEST(arming_anew_forgets_the_old)
{
	CHECK_INT(fault_arm("a:EIO:2"), 0);
	fault_hit("a");
	CHECK_INT(fault_arm("a:EIO:2"), 0);
	CHECK_INT(fault_hit("a"), 0);
	CHECK_INT(fault_hit("a"), EIO);
	CHECK_INT(fault_arm(NULL), 0);
	CHECK_INT(fault_hit("a"), 0);
}

TEST(a_delay_delays_and_succeeds)
{
	uint64_t t = clock_ms();

	CHECK_INT(fault_arm("net.send:delay=30ms:1"), 0);
	CHECK_INT(fault_hit("net.send"), 0);
	CHECK(clock_ms() - t >= 29);
}

TEST(a_delay_and_an_error_add_up)
{
	CHECK_INT(fault_arm("a:delay=1ms,a:EIO"), 0);
	CHECK_INT(fault_hit("a"), EIO);
}

TEST(kill_kills)
{
	pid_t pid = fork();
	int status = 0;

	if (pid == 0) {
		fault_arm("a:kill:2");
		fault_hit("a");
		fault_hit("a");
		_exit(0);
	}
	CHECK(waitpid(pid, &status, 0) == pid);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

TEST(nonsense_arms_nothing)
{
	static const char *const bad[] = { "a", "a:", ":EIO", "a:EWHAT", "a:EIO:0", "a:EIO:x", "a:EIO:1:2", "a:delay=",
		"a:delay=5x", "a:delay=9d", "a:EIO,", ",", "a:EIO:+", "a:EIO:-1",
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa:EIO",
		"a:EIO,a:EIO,a:EIO,a:EIO,a:EIO,a:EIO,a:EIO,a:EIO,a:EIO,a:EIO,a:EIO,a:EIO,a:EIO,a:EIO,a:EIO,a:EIO,a:EIO" };

	CHECK(freopen("/dev/null", "w", stderr) != NULL);
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		if (fault_arm(bad[i]) != -1 || fault_armed)
			printf("# accepted: %s\n", bad[i]);
		CHECK_INT(fault_arm(bad[i]), -1);
		CHECK(!fault_armed);
		CHECK_INT(fault_hit("a"), 0);
	}
}

CHECK_MAIN(X(unarmed_never_strikes) X(every_hit_of_the_name_fails) X(the_nth_hit_alone_fails)
	   X(arming_anew_forgets_the_old) X(a_delay_delays_and_succeeds) X(a_delay_and_an_error_add_up) X(kill_kills)
	   X(nonsense_arms_nothing))
