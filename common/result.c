#include "result.h"

#include <stddef.h>

static const struct result_info table[] = {
#define R(name, api, http, applied, retry, message) { #name, api, http, RESULT_##applied, RESULT_##retry, message },
#include "result.def"
#undef R
};

const struct result_info *result_info(unsigned r)
{
	return &table[r < RESULT_COUNT ? r : RESULT_INTERNAL];
}
