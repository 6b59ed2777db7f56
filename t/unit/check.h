/*
 * check.h: forty lines of unit testing.
 * A test file defines static functions with TEST(name) { ... } and ends with CHECK_MAIN(TESTS), where TESTS lists them
 * as X(name).  Prints "ok name" or "not ok name" a test, and exits 0 if none failed.  Arguments name the tests to run.
 */
#ifndef T_CHECK_H
#define T_CHECK_H

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static int check_failures;

#define TEST(name) static void test_##name(void)

#define CHECK(cond)                                                                                                    \
	do {                                                                                                           \
		if (!(cond)) {                                                                                         \
			printf("# %s:%d: %s\n", __FILE__, __LINE__, #cond);                                            \
			check_failures++;                                                                              \
		}                                                                                                      \
	} while (0)

#define CHECK_INT(a, b)                                                                                                \
	do {                                                                                                           \
		long long check_a = (long long)(a), check_b = (long long)(b);                                          \
		if (check_a != check_b) {                                                                              \
			printf("# %s:%d: %s is %lld, wanted %lld\n", __FILE__, __LINE__, #a, check_a, check_b);        \
			check_failures++;                                                                              \
		}                                                                                                      \
	} while (0)

#define CHECK_STR(a, b)                                                                                                \
	do {                                                                                                           \
		const char *check_a = (a), *check_b = (b);                                                             \
		if (strcmp(check_a, check_b) != 0) {                                                                   \
			printf("# %s:%d: %s is \"%s\", wanted \"%s\"\n", __FILE__, __LINE__, #a, check_a, check_b);    \
			check_failures++;                                                                              \
		}                                                                                                      \
	} while (0)

#define CHECK_ONE(name)                                                                                                \
	{                                                                                                              \
		bool check_wanted = argc < 2;                                                                          \
		for (int check_i = 1; check_i < argc; check_i++)                                                       \
			check_wanted |= strcmp(argv[check_i], #name) == 0;                                             \
		if (check_wanted) {                                                                                    \
			int check_before = check_failures;                                                             \
			test_##name();                                                                                 \
			printf("%s %s\n", check_failures == check_before ? "ok" : "not ok", #name);                    \
			fflush(stdout);                                                                                \
		}                                                                                                      \
	}

#define CHECK_MAIN(list)                                                                                               \
	int main(int argc, char **argv)                                                                                \
	{                                                                                                              \
		list                                                                                                   \
		return check_failures > 0;                                                                             \
	}
/* In the file:  #define X CHECK_ONE   then   CHECK_MAIN(X(one) X(two)) */
#define X CHECK_ONE

#endif
