/* result: every outcome of a request inside the cluster, and what the API makes of it (table: result.def). */
#ifndef COMMON_RESULT_H
#define COMMON_RESULT_H

#include <stdint.h>

enum result {
#define R(name, api, http, applied, retry, message) RESULT_##name,
#include "result.def"
#undef R
	RESULT_COUNT
};

enum result_applied { RESULT_NO, RESULT_MAYBE };
enum result_retry { RESULT_NOBODY, RESULT_ROUTER, RESULT_CLIENT };

struct result_info {
	const char *name;            /* for logs: "NOT_LEADER" */
	const char *api;             /* API error type without prefix; NULL for OK */
	uint16_t http;
	enum result_applied applied;
	enum result_retry retry;
	const char *message;         /* NULL: the answer brings its own */
};

/* Of any wire value: unknown ones are answered like INTERNAL. */
const struct result_info *result_info(unsigned r);

#endif
