#include "op_query_index.h"

const uint8_t op_query_scan_members[] = {
	API_TABLE_NAME | API_REQUIRED, API_INDEX_NAME, API_SELECT, API_ATTRIBUTES_TO_GET, API_LIMIT, API_SCAN_FILTER,
	API_CONDITIONAL_OPERATOR, API_TOTAL_SEGMENTS, API_SEGMENT, API_EXCLUSIVE_START_KEY,
	API_RETURN_CONSUMED_CAPACITY, API_PROJECTION_EXPRESSION, API_FILTER_EXPRESSION, API_EXPRESSION_NAMES,
	API_EXPRESSION_VALUES, API_CONSISTENT_READ, API_NO_MEMBER,
};

/* The first hash of a segment: segment * 2^128 / total, rounded down, by long division. */
static void segment_low(struct buf *out, uint64_t segment, uint64_t total)
{
	uint64_t rest = segment;

	for (size_t i = 0; i < KEY_HASH_N; i++) {
		rest <<= 8;
		buf_u8(out, (uint8_t)(rest / total));
		rest %= total;
	}
}

static bool segments_make_sense(struct api_req *q)
{
	const struct api_value *segment = &q->m[API_SEGMENT], *total = &q->m[API_TOTAL_SEGMENTS];

	if (segment->given && !total->given)
		api_refuse(q, RESULT_INVALID, "The TotalSegments parameter is required but was not present in the "
		                              "request when Segment parameter is present");
	else if (!segment->given && total->given)
		api_refuse(q, RESULT_INVALID, "The Segment parameter is required but was not present in the request "
		                              "when parameter TotalSegments is present");
	else if (segment->given && segment->i >= total->i)
		api_refuse(q, RESULT_INVALID, "The Segment parameter is zero-based and must be less than parameter "
		                              "TotalSegments: Segment: %lld is not less than TotalSegments: %lld",
		           (long long)segment->i, (long long)total->i);
	else
		return true;
	return false;
}

#define INVALID_START "The provided starting key is invalid: "

static bool start(struct op_query_page *p)
{
	struct api_req *q = p->q;
	struct buf why = { .p = NULL };
	bool ok = op_query_page_start(p, &why) == KEY_OK, within;
	struct bytes key = buf_view(&p->start), low = buf_view(&p->low), high = buf_view(&p->high);

	within = key.n == 0 || (bytes_cmp(key, low) >= 0 && (high.n == 0 || bytes_cmp(key, high) < 0));
	if (!ok)
		api_refuse(q, RESULT_INVALID, INVALID_START "%.*s", (int)why.n, (const char *)why.p);
	else if (!within)
		api_refuse(q, RESULT_INVALID, INVALID_START "Invalid ExclusiveStartKey. Please use ExclusiveStartKey "
		                              "with correct Segment. TotalSegments: %lld Segment: %lld",
		           (long long)q->m[API_TOTAL_SEGMENTS].i, (long long)q->m[API_SEGMENT].i);
	buf_fini(&why);
	return ok && within;
}

static void run(struct op_query_page *p)
{
	const struct api_value *segment = &p->q->m[API_SEGMENT], *total = &p->q->m[API_TOTAL_SEGMENTS];

	if (segment->given && segment->i > 0)
		segment_low(&p->low, (uint64_t)segment->i, (uint64_t)total->i);
	if (segment->given && segment->i + 1 < total->i)
		segment_low(&p->high, (uint64_t)segment->i + 1, (uint64_t)total->i);
	if (start(p))
		op_query_page_run(p);
}

static void scan(struct api_req *q)
{
	op_query_index_open(q, run);
}

void op_query_scan(struct api_req *q)
{
	if (op_query_page_select(q) && segments_make_sense(q))
		api_table(q, scan);
}
