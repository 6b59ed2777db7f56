/* work_impl: what the files of work share.  work.c chooses and counts; work_json.c asks and reads. */
#ifndef T_KILL_WORK_IMPL_H
#define T_KILL_WORK_IMPL_H

#include "json.h"
#include "work.h"

/* A row of an answer. */
struct work_row {
	bool list, missing;                              /* missing: of those asked for together */
	uint32_t item, row;
	uint64_t value;                                  /* 0: it has none */
	size_t from, n;                                  /* its elements in work_answer.elements */
};

#define WORK_ROWS_MAX 64
#define WORK_ELEMENTS_MAX 20000

struct work_answer {
	char type[64];                                   /* of a refusal */
	struct work_row rows[WORK_ROWS_MAX];
	size_t rows_n;
	uint64_t elements[WORK_ELEMENTS_MAX];
	size_t elements_n;
	bool more;                                       /* LastEvaluatedKey */
	bool has_list;                                   /* an attribute l without a key (UPDATED_NEW): rows[0] */
};

/* tables: of them a list is in the one that its number says */
const char *work_json_ask(const struct work_op *op, const char *table, unsigned tables, uint64_t dice, struct buf *body);
/* False if it is not what the API answers. */
bool work_json_read(struct json_read *r, struct bytes body, struct work_answer *a);

#endif
