/* Covers: common/opt.c.  Each line of the input is an argument. */
#include "opt.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "mem.h"

#define ARGS_MAX 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const char *const choices[] = { "a", "bb", NULL };
	bool flag = false;
	const char *str = NULL;
	struct opt_list list = { { NULL }, 0 };
	uint64_t u64 = 5, ms = 500, size = 4096;
	int choice = 0, argc = 1, i;
	const struct opt opts[] = {
		OPT_FLAG('f', "flag", "f", &flag), OPT_STR('s', "str", "S", "s", &str), OPT_LIST('l', "list", "L", "l", &list),
		OPT_U64('n', "number", "N", "n", &u64, 1, 100), OPT_MS('t', "time", "T", "t", &ms, 10, 10000),
		OPT_SIZE('z', "size", "Z", "z", &size, 1, 1 << 30), OPT_CHOICE('c', "choice", "C", "c", &choice, choices),
		OPT_END
	};
	struct opt_usage usage = { "prog", "[A...]", "what", opts, 0, -1, n > 0 && data[0] % 2 == 0 };
	char *copy = mem_copy(data, n), *rest = copy, *argv[ARGS_MAX + 1] = { (char *)"prog" };
	struct buf say = { 0 };

	while (argc < ARGS_MAX && rest != NULL)
		argv[argc++] = strsep(&rest, "\n");
	i = opt_read(&usage, argc, argv, &say);
	assert(i == OPT_BAD || i == OPT_TOLD || (i >= 1 && i <= argc));
	assert((i >= 1) == (say.n == 0));
	assert(u64 >= 1 && u64 <= 100 && ms >= 10 && ms <= 10000 && size >= 1 && size <= 1 << 30);
	assert(choice >= 0 && choice < 2);
	for (; i >= 1 && i < argc; i++)
		assert(argv[i] >= copy && argv[i] <= copy + n);
	buf_fini(&say);
	free(copy);
	return 0;
}
