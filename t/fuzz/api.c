/* Any body for any operation: exactly one answer, of a known kind, and no memory misused.  The first byte chooses the operation. */
#include "cmd/ddb-router/api.h"
#include "t/unit/api_fixture.h"

static const char *const ops[] = {
	"PutItem", "GetItem", "UpdateItem", "DeleteItem", "Query", "Scan", "BatchGetItem", "BatchWriteItem", "CreateTable", "DescribeTable",
	"ListTables", "DeleteTable", "DescribeLimits", "ListTagsOfResource", "TransactWriteItems", "TransactGetItems",
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static struct fixture f;
	struct http_req req;

	if (f.r.loop == NULL)
		setup(&f, 0);
	if (n == 0)
		return 0;
	ask_as(&f, &req, ops[data[0] % (sizeof ops / sizeof ops[0])], (struct bytes){ data + 1, n - 1 }, "secret");
	for (unsigned turns = 0; req.answers == 0 && turns < 1000; turns++) {
		all_answer();
		uv_run(&f.loop, UV_RUN_NOWAIT);
	}
	all_answer();
	uv_run(&f.loop, UV_RUN_NOWAIT);
	if (req.answers != 1 || (req.status != 200 && req.status != 400 && req.status != 413))
		abort();
	if (!bytes_utf8(buf_view(&req.body)))
		abort();
	done(&req);
	return 0;
}
