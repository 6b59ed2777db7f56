/* Made when the first transaction wants it: a cluster without any has no groups for it. */
#include "ledger.h"

#include "autoadmin.h"

static void attribute(struct item_build *b, const char *kind, const char *value)
{
	item_build_name(b, BYTES_LIT("AttributeName")), item_build_s(b, BYTES_LIT(LEDGER_PK));
	item_build_name(b, bytes_str(kind)), item_build_s(b, bytes_str(value));
	item_build_close(b);
}

/* On demand, so it has as many partitions as a new table of a user; what it holds goes by itself. */
static void define(struct item_build *b)
{
	item_build_item(b);
	item_build_name(b, BYTES_LIT("TableName")), item_build_s(b, BYTES_LIT(LEDGER_TABLE));
	item_build_name(b, BYTES_LIT("BillingMode")), item_build_s(b, BYTES_LIT("PAY_PER_REQUEST"));
	item_build_name(b, BYTES_LIT("KeySchema")), item_build_open(b, ITEM_L);
	item_build_open(b, ITEM_M);
	attribute(b, "KeyType", "HASH");
	item_build_close(b);
	item_build_name(b, BYTES_LIT("AttributeDefinitions")), item_build_open(b, ITEM_L);
	item_build_open(b, ITEM_M);
	attribute(b, "AttributeType", "S");
	item_build_close(b);
	item_build_name(b, BYTES_LIT("TimeToLive")), item_build_open(b, ITEM_M);
	item_build_name(b, BYTES_LIT("AttributeName")), item_build_s(b, BYTES_LIT(LEDGER_UNTIL));
	item_build_name(b, BYTES_LIT("Enabled")), item_build_bool(b, true);
	item_build_close(b);
	item_build_close(b);
}

void ledger_make(struct aa *a, uint64_t conn, uint64_t rid)
{
	struct item_build b;
	struct buf request = { 0 };

	item_build_init(&b);
	define(&b);
	msg_put_admin(&request, &(struct msg_admin){ .verb = BYTES_LIT("create"), .body = item_build_view(&b) },
		      MSG_VERSION);
	tables_admin(a, conn, rid, buf_view(&request));
	buf_fini(&request);
	item_build_fini(&b);
}
